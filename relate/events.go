package relate

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"polygamy/topology"
)

// Coincidence says what counts as a meeting of two features. The zero value
// asks for positive features of both in one cell.
type Coincidence struct {
	NegativeF, NegativeG bool // the features are negative ones
	Lag                  int  // steps that g's come after f's at least; may be negative
	Tolerance            int  // further steps that they may come later
	Hops                 int  // steps on the region graph that they may be apart
	// Onsets counts a feature once in each region, at its first step, so that
	// long ones have no more weight than short ones.
	Onsets bool
}

// An EventView is how often features of one function come before those of
// another, read in both directions.
type EventView struct {
	Precursor Rate // of g's features: preceded by one of f
	Trigger   Rate // of f's features: followed by one of g
}

// A Rate is the share of one function's features that meet one of the other's.
// A feature is counted by its cells, or by its onsets.
type Rate struct {
	Events int // features that could meet one: the other function has data in all of the window
	Met    int // those that did
	Rate   float64
	// Expected is the rate under the null: the mean over all rotations. A rate
	// means little without it, since a wide window is met by chance.
	Expected float64
	Dense    bool // the window covers more than half of the cells

	Testable    bool
	Reason      string // why it is not testable
	Exploratory bool   // see Result
	Inflation   float64
	P           float64 // of as many meetings or more; NaN if not testable
}

// Events returns the precursor and trigger rates of event coincidence analysis
// (Donges, Schleussner, Siegmund and Donner, EPJ Special Topics 225, 2016) for
// one sign of each function.
//
// A feature of g at step t is preceded by one of f that lies at step t-Lag or
// up to Tolerance steps before, in its region or at most Hops steps away on the
// graph; the trigger rate looks from f to t+Lag and up to Tolerance steps
// after. Features whose window leaves the record of the other function, or
// holds a step at which it has no value in their region, are not counted; what
// is missing in neighbouring regions is taken for no feature.
//
// The features of one function are spread over their windows, once, so that a
// meeting is an overlap of two sets of cells, and P is the upper tail of
// [Test] for that overlap, under the same null. It does not pay for a choice
// among lags, tolerances or signs: the rates describe a relationship that
// [Sweep] or [Lags] has found, and are not part of the control of false
// discoveries.
//
// A rate without events is NaN. A tolerance or a number of hops below 0, and
// windows longer than a record, are errors. Events panics if the rows are no
// whole number of slots of the regions of graph. Cost: the features times
// regions/64, a few passes over the cells, and two tests.
func Events(f, g *Marks, graph *topology.Graph, o Coincidence) (*EventView, error) {
	return Null{}.Events(f, g, graph, o)
}

// Events is [Events] with another null.
func (n Null) Events(f, g *Marks, graph *topology.Graph, o Coincidence) (*EventView, error) {
	regions := graph.NumRegions()
	f.check(g)
	if regions == 0 || f.Cells%regions != 0 {
		panic(fmt.Sprintf("relate: events of rows of %d cells in %d regions", f.Cells, regions))
	}
	steps := max(f.Rows, g.Rows) * f.Cells / regions
	switch {
	case o.Tolerance < 0 || o.Hops < 0:
		return nil, fmt.Errorf("relate: event view: a tolerance of %d steps and %d hops; neither can be negative, give the lag a sign instead", o.Tolerance, o.Hops)
	case o.Tolerance > steps || o.Lag > steps || o.Lag < -steps:
		return nil, fmt.Errorf("relate: event view: a lag of %d and a tolerance of %d steps; the records have %d", o.Lag, o.Tolerance, steps)
	}
	balls := newBalls(graph, o.Hops)
	first, second := newSlotPlane(f, f.plane(o.NegativeF), regions), newSlotPlane(g, g.plane(o.NegativeG), regions)
	if o.Onsets {
		first, second = first.onsets(), second.onsets()
	}
	v := &EventView{}
	before := spread(f, first, balls, regions, -o.Lag-o.Tolerance, o.Tolerance+1)
	events := newPlaneMarks(g, second, g.Valid)
	r := n.Test(before, events, NewMemory(before), NewMemory(events))
	v.Precursor = newRate(r, r.Counts.PositiveG, n.expectedEvents(before, events))
	events = newPlaneMarks(f, first, f.Valid)
	after := spread(g, second, balls, regions, o.Lag, o.Tolerance+1)
	r = n.Test(events, after, NewMemory(events), NewMemory(after))
	v.Trigger = newRate(r, r.Counts.PositiveF, n.expectedEvents(after, events))
	return v, nil
}

// plane returns the bits of the features of one sign.
func (m *Marks) plane(negative bool) []uint64 {
	if negative {
		return m.Negative
	}
	return m.Positive
}

// newRate reads the meetings of events with windows from their test.
func newRate(r *Result, events int, expected float64) Rate {
	rate := Rate{
		Events: events, Met: r.Counts.PositivePositive, Rate: math.NaN(), Expected: math.NaN(), Dense: r.Dense,
		Testable: r.Testable, Reason: r.Reason, Exploratory: r.Exploratory, Inflation: r.Inflation, P: r.PPositivePositive,
	}
	if events > 0 {
		rate.Rate = float64(rate.Met) / float64(events)
	}
	if expected > 0 && r.Windows > 0 {
		rate.Expected = r.ExpectedOverlap / expected
	}
	return rate
}

// expectedEvents returns how many events are counted under the null: as many as
// in the data if the windows have data everywhere, else the mean over the
// rotations, which bring events to other windows.
func (n Null) expectedEvents(windows, events *Marks) float64 {
	all := *windows
	all.Positive, all.Negative = windows.Valid, make([]uint64, len(windows.Positive))
	if all.Positive == nil {
		all.Positive = make([]uint64, len(windows.Positive))
		for row := range all.Rows {
			fill(all.Positive[row*all.Words:][:all.Words], all.Cells)
		}
	}
	expected := 0.0
	var k kernel
	for _, w := range n.Windows(windows, events) {
		counts := make([]overlapCounts, len(w))
		k.countWindow(&all, events, w, counts)
		for _, o := range counts {
			expected += float64(o[positivePositive]) / float64(len(w))
		}
	}
	return expected
}

// newPlaneMarks returns marks whose positive features are those of a plane of
// m's record, and that have no negative ones.
func newPlaneMarks(m *Marks, plane *slotPlane, valid []uint64) *Marks {
	marks := &Marks{
		First: m.First, Rows: m.Rows, Words: m.Words, Cells: m.Cells,
		Positive: plane.rows(m), Negative: make([]uint64, m.Rows*m.Words), Valid: valid,
	}
	marks.countRows()
	return marks
}

// spread returns marks of the cells from which features of m are seen: those
// with a feature, in the plane, in the same region or in its ball, at one of
// width steps from offset steps later on. A cell is valid if m has values at
// all of these steps in its region.
func spread(m *Marks, plane *slotPlane, balls []uint64, regions, offset, width int) *Marks {
	seen := plane.grown(balls)
	seen.gather(width, false)
	seen = seen.moved(offset)
	whole := make([]uint64, m.Rows*m.Words)
	for row := range m.Rows {
		copy(whole[row*m.Words:], m.valid(m.First+row))
	}
	known := newSlotPlane(m, whole, regions)
	known.gather(width, true)
	known = known.moved(offset)
	for i, w := range known.words {
		seen.words[i] &= w
	}
	return newPlaneMarks(m, seen, known.rows(m))
}

// newBalls returns, for each region, the regions at most so many steps away, as
// bits of shape [regions*words of a slot]; nil for no steps.
func newBalls(g *topology.Graph, hops int) []uint64 {
	if hops == 0 {
		return nil
	}
	n, words := g.NumRegions(), (g.NumRegions()+63)/64
	balls := make([]uint64, n*words)
	for r := range n {
		ball := balls[r*words:][:words]
		ball[r/64] |= 1 << (r % 64)
		front := []int32{int32(r)}
		for range min(hops, n) {
			var next []int32
			for _, s := range front {
				for _, u := range g.Neighbours(int(s)) {
					if bit := uint64(1) << (u % 64); ball[u/64]&bit == 0 {
						ball[u/64] |= bit
						next = append(next, u)
					}
				}
			}
			front = next
		}
	}
	return balls
}

// A slotPlane is a set of cells with the regions of each slot in words of their
// own, so that a step in time is a step of words.
type slotPlane struct {
	regions, size int      // size: words of a slot
	words         []uint64 // shape [slots*size]
}

// newSlotPlane returns the cells of a plane in the layout of m.
func newSlotPlane(m *Marks, plane []uint64, regions int) *slotPlane {
	slots := m.Cells / regions
	p := &slotPlane{regions: regions, size: (regions + 63) / 64}
	p.words = make([]uint64, m.Rows*slots*p.size)
	p.pieces(m, func(word, bit, n, at int) {
		x := plane[word] >> bit
		if bit+n > 64 {
			x |= plane[word+1] << (64 - bit)
		}
		p.words[at] = x & (^uint64(0) >> (64 - n))
	})
	return p
}

// rows returns the cells in the layout of m.
func (p *slotPlane) rows(m *Marks) []uint64 {
	plane := make([]uint64, m.Rows*m.Words)
	p.pieces(m, func(word, bit, n, at int) {
		plane[word] |= p.words[at] << bit
		if bit+n > 64 {
			plane[word+1] |= p.words[at] >> (64 - bit)
		}
	})
	return plane
}

// pieces calls do for every word of p: its n bits are those of m from the given
// bit of a word on.
func (p *slotPlane) pieces(m *Marks, do func(word, bit, n, at int)) {
	at := 0
	for row := range m.Rows {
		for from := 0; from < m.Cells; from += p.regions {
			for k := range p.size {
				bit := from + 64*k
				do(row*m.Words+bit/64, bit%64, min(64, p.regions-64*k), at)
				at++
			}
		}
	}
}

// onsets returns the cells whose region is not in p the step before.
func (p *slotPlane) onsets() *slotPlane {
	q := p.moved(-1)
	for i, w := range p.words {
		q.words[i] = w &^ q.words[i]
	}
	return q
}

// grown returns the cells of p and those of their balls.
func (p *slotPlane) grown(balls []uint64) *slotPlane {
	q := &slotPlane{regions: p.regions, size: p.size, words: slices.Clone(p.words)}
	if balls == nil {
		return q
	}
	for i, w := range p.words {
		slot := q.words[i-i%p.size:][:p.size]
		for ; w != 0; w &= w - 1 {
			r := i%p.size*64 + bits.TrailingZeros64(w)
			for k, b := range balls[r*p.size:][:p.size] {
				slot[k] |= b
			}
		}
	}
	return q
}

// gather replaces what stands at a slot by what stands at any of the width
// slots from it on, or at all of them. Nothing stands after the last. Windows
// double until two of them cover the width, each in one pass.
func (p *slotPlane) gather(width int, all bool) {
	for have := 1; have < width; {
		add := min(have, width-have)
		move := min(add*p.size, len(p.words))
		rest := p.words[move:]
		for i, w := range rest {
			if all {
				p.words[i] &= w
			} else {
				p.words[i] |= w
			}
		}
		if all {
			clear(p.words[len(rest):])
		}
		have += add
	}
}

// moved returns p with what stands offset slots after a slot at that slot.
func (p *slotPlane) moved(offset int) *slotPlane {
	q := &slotPlane{regions: p.regions, size: p.size, words: make([]uint64, len(p.words))}
	if move := offset * p.size; move >= 0 {
		copy(q.words, p.words[min(move, len(p.words)):])
	} else if -move < len(p.words) {
		copy(q.words[-move:], p.words)
	}
	return q
}
