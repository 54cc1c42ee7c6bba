package jobs

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"polygamy/datasets"
	"polygamy/relate"
)

// mostEvents is how many events, and features of one function alone, an
// explanation lists.
const mostEvents = 100

// fill counts, ranks and leaves out.
func (e *Explanation) fill(x *resolved) {
	m := e.meeting
	all := m.counts(func(int) bool { return true })
	e.Counts = meetingOf(&all)
	e.Zone = m.axes[0].Start(0).Location().String()
	if first, last := m.span(); first >= 0 {
		e.Start, e.End = e.time(0, first, 0), e.time(0, last, 1)
	}
	e.Finding = e.finding(x)
	groups := m.events()
	e.EventCount = len(groups)
	events := make([]ranked, len(groups))
	for i, cells := range groups {
		events[i] = e.rank(cells, m.agreement(cells[0])*e.way())
	}
	sortRanked(events)
	for _, r := range events[:min(len(events), mostEvents)] {
		e.Events = append(e.Events, e.event(r))
	}
	e.shares(events)
	e.leaveOut(events)
	for i, list := range []struct {
		to    *[]Missed
		count *int
	}{{&e.OnlyA, &e.OnlyACount}, {&e.OnlyB, &e.OnlyBCount}} {
		*list.to, *list.count = e.missed(i)
	}
	e.regions()
}

// way is the sign of D, 1 if it is 0.
func (e *Explanation) way() int {
	if e.Counts.D < 0 {
		return -1
	}
	return 1
}

func meetingOf(c *relate.Counts) Meeting {
	return Meeting{
		D: c.Agreement(), Overlap: c.Overlap(), Score: c.Score(), Strength: c.Strength(),
		PP: c.PositivePositive, NN: c.NegativeNegative, PN: c.PositiveNegative, NP: c.NegativePositive,
		APositive: c.PositiveF, ANegative: c.NegativeF, BPositive: c.PositiveG, BNegative: c.NegativeG, Cells: c.Cells,
	}
}

// span returns the first and the last slot that has a counted cell, -1 if
// there is none.
func (m *meeting) span() (first, last int) {
	first = slices.IndexFunc(m.signs[0], func(x int8) bool { return x != uncounted })
	if first < 0 {
		return -1, -1
	}
	last = len(m.signs[0]) - 1
	for !m.counted(last) {
		last--
	}
	return first / m.regions, last / m.regions
}

// time returns the start of the step of a slot, or of one after it.
func (e *Explanation) time(side, slot, after int) string {
	_, step := e.meeting.start(side, slot)
	return e.meeting.axes[side].Start(step + after).Format(time.RFC3339)
}

// A ranked group of cells.
type ranked struct {
	cells []int
	part  int     // its cells, less than 0 if they go against D
	depth float64 // how unusual it is, over its cells
	peak  int     // its most unusual cell
}

// rank measures a group of cells, of events and of features alike.
func (e *Explanation) rank(cells []int, way int) ranked {
	r := ranked{cells: cells, part: way * len(cells), peak: cells[0]}
	deepest := -1.0
	for _, v := range cells {
		slot, region := v/e.meeting.regions, v%e.meeting.regions
		depth := 1.0
		for i, s := range e.sides {
			if e.meeting.signs[i][v] != 0 {
				depth *= s.depth(int(e.meeting.steps[i][slot]), region)
			}
		}
		r.depth += depth
		if depth > deepest {
			deepest, r.peak = depth, v
		}
	}
	return r
}

// sortRanked puts the largest part first; of equal ones the most unusual, of
// those the earliest. What is against D comes last.
func sortRanked(list []ranked) {
	slices.SortStableFunc(list, func(a, b ranked) int {
		forA, forB := a.part > 0, b.part > 0
		if forA != forB {
			return cmp.Compare(b.part, a.part)
		}
		return cmp.Or(cmp.Compare(len(b.cells), len(a.cells)), cmp.Compare(b.depth, a.depth))
	})
}

// place says where and when a group of cells is, by the clock of one function.
func (e *Explanation) place(r ranked, side int) (p Place, regions int) {
	m := e.meeting
	first, last := r.cells[0]/m.regions, r.cells[0]/m.regions
	in := map[int]bool{}
	for _, v := range r.cells {
		first, last = min(first, v/m.regions), max(last, v/m.regions)
		in[v%m.regions] = true
	}
	at, region := r.peak/m.regions, r.peak%m.regions
	system := e.sides[0].raw.Regions
	start, from := m.start(side, first)
	end, to := m.start(side, last)
	p = Place{
		Start: e.time(side, first, 0), End: e.time(side, last, 1), Steps: to - from + 1, At: e.time(side, at, 0),
		Region: system.IDs[region], RegionName: system.Names[region], text: timeRange(start, end, m.axes[side].Resolution),
	}
	return p, len(in)
}

// timeRange writes the steps from one to another for a reader.
func timeRange(start, end time.Time, r datasets.Resolution) string {
	format, second := "2006-01-02", "01-02"
	switch r {
	case datasets.Hour:
		if format, second = "2006-01-02 15:04", "01-02 15:04"; start.YearDay() == end.YearDay() {
			second = "15:04"
		}
	case datasets.Month:
		format, second = "2006-01", "2006-01"
	case datasets.Year:
		format, second = "2006", "2006"
	}
	if start.Year() != end.Year() {
		second = format
	}
	if start.Equal(end) {
		return start.Format(format)
	}
	return start.Format(format) + " to " + end.Format(second)
}

func (e *Explanation) event(r ranked) Event {
	p, regions := e.place(r, 0)
	return Event{Place: p, SignA: signName(e.meeting.signs[0][r.peak]), SignB: signName(e.meeting.signs[1][r.peak]),
		D: r.part * e.way(), Regions: regions, A: e.value(0, r.peak), B: e.value(1, r.peak)}
}

func (e *Explanation) value(side, v int) Value {
	return e.sides[side].value(int(e.meeting.steps[side][v/e.meeting.regions]), v%e.meeting.regions)
}

func signName(sign int8) string {
	if sign > 0 {
		return "positive"
	}
	return "negative"
}

// missed lists the largest features of one function alone, and counts all.
func (e *Explanation) missed(side int) ([]Missed, int) {
	groups := e.meeting.alone(side)
	list := make([]ranked, len(groups))
	for i, cells := range groups {
		list[i] = e.rank(cells, 1)
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return cmp.Compare(b.depth, a.depth) })
	out := []Missed{}
	for _, r := range list[:min(len(list), mostEvents)] {
		p, regions := e.place(r, side)
		out = append(out, Missed{Place: p, Sign: signName(e.meeting.signs[side][r.peak]), Cells: len(r.cells), Regions: regions, A: e.value(0, r.peak), B: e.value(1, r.peak)})
	}
	return out, len(groups)
}

// shares finds how much of D the largest events make.
func (e *Explanation) shares(events []ranked) {
	e.Top = []Share{}
	for _, n := range []int{1, 5, 10} {
		s := Share{}
		for _, r := range events[:min(n, len(events))] {
			if r.part > 0 {
				s.Events, s.Cells = s.Events+1, s.Cells+r.part
			}
		}
		if d := e.Counts.D * e.way(); d > 0 {
			share := float64(s.Cells) / float64(d)
			s.Share = &share
		}
		if s.Events = n; n <= max(1, len(events)) {
			e.Top = append(e.Top, s)
		}
	}
}

// leaveOut counts again without the times of the largest events, everywhere,
// and without each season.
func (e *Explanation) leaveOut(events []ranked) {
	e.Without = []LeftOut{}
	m := e.meeting
	for _, n := range []int{1, 10} {
		out := map[int]bool{}
		for _, r := range events[:min(n, len(events))] {
			if r.part < 0 {
				continue
			}
			first, last := r.cells[0], r.cells[0]
			for _, v := range r.cells {
				first, last = min(first, v), max(last, v)
			}
			for slot := first / m.regions; slot <= last/m.regions; slot++ {
				out[slot] = true
			}
		}
		if n <= len(events) {
			what := "the largest event"
			if n > 1 {
				what = fmt.Sprintf("the %d largest events", n)
			}
			e.without(what, func(slot int) bool { return out[slot] })
		}
	}
	if m.axes[0].Resolution == datasets.Year {
		return
	}
	for i, name := range []string{"DJF", "MAM", "JJA", "SON"} {
		e.without(name, func(slot int) bool { return m.season(slot) == i })
	}
}

// season returns the season of a slot, from 0 for December to February; -1 of
// a slot without a step.
func (m *meeting) season(slot int) int {
	at, step := m.start(0, slot)
	if step < 0 {
		return -1
	}
	if m.axes[0].Resolution == datasets.Week {
		at = at.AddDate(0, 0, 3) // most of its days
	}
	return int(at.Month()) % 12 / 3
}

// without counts without the slots that are left out.
func (e *Explanation) without(what string, out func(slot int) bool) {
	m, l := e.meeting, LeftOut{What: what}
	for slot := range m.slots() {
		if m.steps[0][slot] >= 0 && out(slot) && slices.ContainsFunc(m.signs[0][slot*m.regions:][:m.regions], func(x int8) bool { return x != uncounted }) {
			l.Steps++
		}
	}
	c := m.counts(func(slot int) bool { return !out(slot) })
	l.D, l.Overlap, l.Score, l.Strength = c.Agreement(), c.Overlap(), c.Score(), c.Strength()
	e.Without = append(e.Without, l)
}

// regions gives each region its part of D.
func (e *Explanation) regions() {
	m, system := e.meeting, e.sides[0].raw.Regions
	if m.regions == 1 {
		return
	}
	for r, id := range system.IDs {
		e.Regions = append(e.Regions, RegionShare{Region: id, Name: system.Names[r]})
	}
	for v := range m.slots() * m.regions {
		if m.counted(v) {
			s := &e.Regions[v%m.regions]
			s.Cells++
			if d := m.agreement(v); d != 0 {
				s.D, s.Overlap = s.D+d, s.Overlap+1
			}
		}
	}
}

// finding says in a sentence what is explained.
func (e *Explanation) finding(x *resolved) string {
	f := FoundInRun{A: e.A.Name, B: e.B.Name, Resolution: e.Resolution, Version: e.Version, Class: e.Class, Level: e.Level, Lag: e.Lag, Score: e.Counts.Score, Strength: e.Counts.Strength}
	own := e.Level == e.AtLevel && e.Lag == e.AtLag
	if own && x.Selected && x.Kappa != nil && x.Q != nil {
		f.Kappa, f.Q = *x.Kappa, *x.Q
		return f.sentence()
	}
	lag := ""
	if e.Lag != 0 {
		lag = fmt.Sprintf(", lag %d", e.Lag)
	}
	at := fmt.Sprintf("%s, %s %s%s", e.Resolution, e.Version, e.Level, lag)
	switch {
	case e.Counts.Overlap == 0:
		return fmt.Sprintf("features of %s and %s never meet (%s)", f.A, f.B, at)
	case own && x.P == nil:
		return fmt.Sprintf("features of %s and %s meet (%s, score %.2f, strength %.2f), untested: %s", f.A, f.B, at, f.Score, f.Strength, e.Reason)
	case own:
		return fmt.Sprintf("features of %s and %s meet (%s, score %.2f, strength %.2f), no discovery: p %.2g%s", f.A, f.B, at, f.Score, f.Strength, *x.P, doubt(x))
	}
	return fmt.Sprintf("features of %s and %s meet (%s, score %.2f, strength %.2f); the strongest association is at %s, lag %d", f.A, f.B, at, f.Score, f.Strength, e.AtLevel, e.AtLag)
}

// doubt says why a relationship can be no discovery, whatever its p.
func doubt(x *resolved) string {
	switch {
	case x.Dense:
		return ", of features that are most of the cells"
	case x.Exploratory:
		return ", exploratory: the record is too short for windows"
	}
	return ""
}
