package jobs

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"polygamy/datasets"
	"polygamy/relate"
)

// Holidays is the test without the weeks of holidays, which are causes that
// many functions have in common.
type Holidays struct {
	WeeksOut int    `json:"weeks_out"` // weeks that the test loses: those that hold a listed date at any lag
	Testable bool   `json:"testable"`
	Reason   string `json:"reason,omitempty"`

	Exploratory bool     `json:"exploratory"`
	P           *float64 `json:"p"`  // of the search without these weeks
	At          *Tested  `json:"at"` // the level and lag of the comparison, without these weeks
}

// readHolidays returns the weeks, as [datasets.WeekSlots] numbers them, that
// hold the dates of a file: one a line, after which and instead of which there
// may be a comment from # on.
func readHolidays(path string) (weeks []int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		text, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "\ufeff"), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		date, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %.40q is no date; write one a line, such as 2015-07-04", path, number, text)
		}
		week, _, _, err := datasets.WeekSlots(datasets.NewAxis(datasets.Day, nil, date, 1))
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, number, err)
		}
		weeks = append(weeks, week)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(weeks) == 0 {
		return nil, fmt.Errorf("%s: no dates; write one a line, such as 2015-07-04", path)
	}
	slices.Sort(weeks)
	return slices.Compact(weeks), nil
}

// holidays tests without the weeks of holidays. The error is that of ctx.
func (q *question) holidays(ctx context.Context, c *Comparison) error {
	if q.inputs.holidays == nil {
		return nil
	}
	h := &Holidays{}
	c.Holidays = h
	if q.f.Axis.Resolution > datasets.Week {
		h.Reason = fmt.Sprintf("steps of a %s are too long to leave out holidays", q.f.Axis.Resolution)
		return nil
	}
	var marks [2][]*relate.Marks
	var memories [2][]*relate.Memory
	for i := range marks {
		for _, m := range q.marks[i] {
			marks[i] = append(marks[i], m.WithoutRows(q.inputs.holidays))
		}
		memories[i] = memoriesOf(marks[i])
	}
	s, err := q.null.Lags(ctx, marks[0], marks[1], memories[0], memories[1], q.regions(), q.lags)
	if err != nil {
		return err
	}
	best := q.level*len(q.lags) + q.lag
	if h.WeeksOut = q.search.Results[best].Rows - s.Results[best].Rows; h.WeeksOut == 0 {
		h.Reason = "no date of the file is in a week of the test"
		return nil
	}
	h.Testable, h.Reason, h.Exploratory, h.P = s.Testable, q.reason(s, marks[0][0], marks[1][0]), s.Exploratory, known(s.P)
	at := q.tested(s.Results[best], marks[0][q.level], marks[1][q.level], q.level, q.lag)
	h.At = &at
	return nil
}

// text is a line of a page.
func (h *Holidays) text(c *Comparison) string {
	lags := ""
	if len(c.Lags) > 1 {
		lags = ", moved by every lag"
	}
	switch {
	case h.At == nil:
		return fmt.Sprintf("  without holidays: not tested: %s\n", h.Reason)
	case !h.Testable:
		return fmt.Sprintf("  without the %s of holidays%s: not tested: %s\n", plural(h.WeeksOut, "week"), lags, h.Reason)
	}
	exploratory := ""
	if h.Exploratory && !c.Exploratory {
		exploratory = ", exploratory"
	}
	return fmt.Sprintf("  without the %s of holidays%s: p = %s (%s with them), kappa at %s %s (%s); %d weeks left%s\n",
		plural(h.WeeksOut, "week"), lags, shown("%.3g", h.P), shown("%.3g", c.P), h.At.Level, shown("%.3f", h.At.Kappa), shown("%.3f", c.at().Kappa), h.At.Weeks, exploratory)
}
