package jobs

import (
	"context"
	"fmt"
	"math"
	"strings"

	"polygamy/datasets"
	"polygamy/relate"
)

// A Measure is a standard technique applied to the values of two functions,
// beside the test of their features and under the same null.
type Measure struct {
	Name   string   `json:"name"`
	Value  *float64 `json:"value"`
	Unit   string   `json:"unit,omitempty"`
	P      *float64 `json:"p"`
	Draws  int      `json:"draws"` // rotations
	Guard  *float64 `json:"guard"` // inflation of the variance by long memory; above 1.5 in doubt
	Drift  *float64 `json:"drift"` // of a correlation, what is put down to a season inside windows
	Reason string   `json:"reason,omitempty"`
}

const (
	// The budgets of the dear statistics, in values of a series and in steps of
	// a path, keep each below some ten seconds.
	informationBudget = 5_000_000
	warpBudget        = 1_000_000_000
	fewestDraws       = 199 // tell 5 %, and 1 % where nothing is as extreme
	mostDraws         = 9_999
)

// measures fills in the standard techniques.
func (q *question) measures(ctx context.Context, c *Comparison) error {
	windows := q.null.Windows(q.marks[0][q.level], q.marks[1][q.level])
	if q.o.Progress != nil {
		defer fmt.Fprint(q.o.Progress, "\r\x1b[K")
	}
	untested := ""
	switch {
	case q.search.Exploratory:
		untested = "their null is that of windows"
	case len(windows) < 2:
		untested = c.Reason
	}
	x, y, period, err := q.series(windows)
	if err != nil {
		return err
	}
	n := len(x)
	band := 1
	if q.f.Axis.Resolution == datasets.Hour {
		band = 6
	}
	draws := func(budget, cost int) int { return min(max(budget/max(cost, 1), fewestDraws), mostDraws) }
	for _, m := range []struct {
		name  string
		unit  string
		draws int
		city  bool // of one series only
		value func(x, y []float64) float64
		test  func(m relate.MonteCarlo) (relate.MonteCarloResult, error)
	}{
		{"pearson", "", 0, false, relate.Pearson, func(m relate.MonteCarlo) (relate.MonteCarloResult, error) { return m.Pearson(x, y, period, windows) }},
		{"spearman", "", 0, false, relate.Spearman, func(m relate.MonteCarlo) (relate.MonteCarloResult, error) {
			return m.Spearman(x, y, period, windows)
		}},
		{"mutual information", "nats", draws(informationBudget, n), true, relate.MutualInformation, nil},
		{"time warp", "standard deviations a step", draws(warpBudget, n*(2*band+1)), true, func(x, y []float64) float64 {
			return relate.TimeWarp(x, y, band) / math.Sqrt(float64(joint(x, y)))
		}, nil},
	} {
		if ctx.Err() != nil {
			return outputError(errInterrupted)
		}
		if q.o.Progress != nil {
			fmt.Fprintf(q.o.Progress, "\r\x1b[K%s and %s, %s: %s", c.A, c.B, c.Version, m.name)
		}
		measure := Measure{Name: m.name, Unit: m.unit, Reason: untested}
		monteCarlo := relate.MonteCarlo{Draws: m.draws, Key: []string{"compare", c.A, c.B, q.f.Axis.Resolution.String(), c.Version, m.name}}
		switch {
		case m.city && q.regions() > 1:
			measure.Reason = "of one series only, not of regions"
		case untested != "":
			measure.Value = known(m.value(x, y))
		default:
			test := m.test
			if test == nil {
				test = func(c relate.MonteCarlo) (relate.MonteCarloResult, error) {
					return c.Test(x, y, period, windows, m.value)
				}
			}
			r, err := test(monteCarlo)
			if err != nil {
				return inputError(err)
			}
			measure.take(&r, m.test != nil)
		}
		c.Measures = append(c.Measures, measure)
	}
	return nil
}

// take fills in what a test found, of a correlation or another statistic.
func (m *Measure) take(r *relate.MonteCarloResult, correlation bool) {
	m.Value, m.P, m.Draws, m.Guard = known(r.Value), known(r.P), r.Draws, known(r.Inflation)
	if correlation {
		m.Drift = known(r.Drift)
	}
}

// joint returns at how many places both series have a value.
func joint(x, y []float64) (n int) {
	for i := range x {
		if !math.IsNaN(x[i]) && !math.IsNaN(y[i]) {
			n++
		}
	}
	return n
}

// series returns the values of both functions in the rows of windows, which it
// renumbers from 0, and the number of values of a row.
func (q *question) series(windows [][]int) (x, y []float64, period int, err error) {
	place := map[int]int{} // of each row
	for _, w := range windows {
		for i, row := range w {
			place[row] = len(place)
			w[i] = place[row]
		}
	}
	if x, period, err = layRows(q.f, place); err != nil {
		return nil, nil, 0, inputError(err)
	}
	if y, _, err = layRows(q.g, place); err != nil {
		return nil, nil, 0, inputError(err)
	}
	return x, y, period, nil
}

// layRows returns the values of a function in rows, each at its place; two
// hours of one slot give their mean, and places without a value NaN.
func layRows(f *datasets.Function, place map[int]int) (values []float64, period int, err error) {
	first, slotsOfRow, slots, err := slotsOf(f.Axis)
	if err != nil {
		return nil, 0, err
	}
	regions := len(f.Regions.IDs)
	period = slotsOfRow * regions
	values = make([]float64, len(place)*period)
	count := make([]float64, len(values))
	for step, slot := range slots {
		at, ok := place[first+int(slot)/slotsOfRow]
		if slot < 0 || !ok {
			continue
		}
		from := at*period + int(slot)%slotsOfRow*regions
		for r, v := range f.Values[step*regions:][:regions] {
			if !math.IsNaN(v) {
				values[from+r] += v
				count[from+r]++
			}
		}
	}
	for i, n := range count {
		values[i] /= n // 0/0 is NaN
	}
	return values, period, nil
}

// measuresText is the table of measures.
func (c *Comparison) measuresText() string {
	var b strings.Builder
	untested := c.Measures[0].Reason // of series or regions, so that it is that of all
	how := "under the same null"
	if untested != "" {
		how = "not tested: " + untested
	}
	fmt.Fprintf(&b, "  standard techniques on the values at the same step, %s:\n", how)
	for _, m := range c.Measures {
		line := fmt.Sprintf("    %-18s %8s", m.Name, shown("%.3g", m.Value))
		if m.Unit != "" && m.Value != nil {
			line += " " + m.Unit
		}
		switch {
		case m.Reason == "":
			line += fmt.Sprintf("   p = %s, guard %s", shown("%.2g", m.P), shown("%.2f", m.Guard))
			if m.Drift != nil {
				line += ", drift " + rounded("%.3f", *m.Drift)
			}
		case m.Reason != untested:
			line += "   " + m.Reason
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
