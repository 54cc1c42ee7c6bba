package relate

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// A Search is a test of two functions at several levels or lags, with one
// p-value that pays for the choice among them.
type Search struct {
	Results  []*Result // of each level or lag
	Testable bool      // at least one is
	Reason   string    // why none is; if reasons differ, that of the last level at the last lag
	Best     int       // the result with the least p of those searched, among equal ones with the largest |Excess|; -1 if none is testable
	P        float64   // min(1, Effective * the least p); NaN if none is testable
	// Effective is the number of independent tests that the search amounts to,
	// from 1 to the number of results that have a part in it.
	//
	// Of up to ten it is (sum of the square roots of the eigenvalues)^2 / their
	// sum, of the correlations of D between the results under the null (Galwey
	// 2009), which are exact, from the tables. These have no more dimensions than
	// rotations are free, about five in a window of six weeks, and can tell no more
	// tests apart: of 201 lags of noise in 40 weeks they would make 30. So of more
	// than ten, or a quarter of the dimensions, it is the number of results over
	// how many of them are extreme, on average, in random rotations where any is.
	//
	// Of an exploratory search it is their number.
	Effective float64
	// Dense says that all testable results are, see Result: never a discovery.
	// Where others are testable, dense ones have no part in the search.
	Dense bool
	// Exploratory says that the records are too short for windows, see Result.
	Exploratory bool
	// First and Last are the results that bound the levels around that of the
	// best, at its lag, whose own p, paid for in the same way, is at most 0.05; -1
	// if that of the best is not.
	First, Last int
}

// Sweep tests two functions at several levels, the marks of which it is given,
// nested or not. It is the default question: on real data no single level is
// best for all pairs.
func Sweep(f, g []*Marks, memoryF, memoryG []*Memory) *Search {
	return new(Tester).Sweep(f, g, memoryF, memoryG)
}

// Sweep is [Sweep] in the memory of t.
func (t *Tester) Sweep(f, g []*Marks, memoryF, memoryG []*Memory) *Search {
	s, _ := t.searchAll(context.Background(), &scan{f: f, g: g, memoryF: memoryF, memoryG: memoryG, lags: []int{0}})
	return s
}

// Lags is a sweep with the second function moved by each lag, in slots: at lag
// 3 what g does three slots later stands beside what f does now. Result
// level*len(lags)+lag is that of a level and a lag. regions is the number of
// regions of a slot. The best lag is that of the strongest association; it has
// no interval.
//
// All results are of the rows that have data at every lag, so that lags of weeks
// take weeks from all of them, unless one record begins before the other, or
// ends after it, by as much. The error is that of ctx, which is asked
// before each result.
//
// Cost: that of a test, and of moving two planes of bits, for each result; two
// more planes for each lag; and of the effective number, which grows with the
// number of results.
func Lags(ctx context.Context, f, g []*Marks, memoryF, memoryG []*Memory, regions int, lags []int) (*Search, error) {
	return new(Tester).Lags(ctx, f, g, memoryF, memoryG, regions, lags)
}

// Lags is [Lags] with another null.
func (n Null) Lags(ctx context.Context, f, g []*Marks, memoryF, memoryG []*Memory, regions int, lags []int) (*Search, error) {
	return (&Tester{Null: n}).Lags(ctx, f, g, memoryF, memoryG, regions, lags)
}

// Lags is [Lags] in the memory of t, but for the moved marks.
func (t *Tester) Lags(ctx context.Context, f, g []*Marks, memoryF, memoryG []*Memory, regions int, lags []int) (*Search, error) {
	return t.searchAll(ctx, &scan{f: f, g: g, memoryF: memoryF, memoryG: memoryG, regions: regions, lags: lags})
}

// A scan is what a search goes through: the marks of each level, the second
// function's moved by each lag.
type scan struct {
	f, g             []*Marks
	memoryF, memoryG []*Memory
	regions          int // nothing is moved without lags
	lags             []int
}

// again reports whether a level obviously holds values in the same cells as the
// one before.
func (c *scan) again(level int) bool {
	return level > 0 && c.f[level].covers(c.f[level-1]) && c.g[level].covers(c.g[level-1])
}

// A searcher is what a Tester keeps for searches.
type searcher struct {
	search  Search
	results []Result
	common  []int       // rows
	centred [][]float64 // of the testable results, see centre
	used    int         // of centred
	sizes   []int       // of their windows
	roots   eigenvalues
}

// searchAll tests the marks of each level at each lag in the same windows.
func (t *Tester) searchAll(ctx context.Context, c *scan) (*Search, error) {
	s, n := &t.search.search, len(c.f)*len(c.lags)
	results := s.Results[:0]
	*s = Search{Best: -1, P: math.NaN(), First: -1, Last: -1}
	t.search.results, t.search.used = resize(t.search.results, n), 0
	for i := range t.search.results {
		t.search.results[i] = untested()
		results = append(results, &t.search.results[i])
	}
	s.Results = results
	if err := t.shareRows(ctx, c); err != nil {
		return nil, err
	}
	kind, reason := t.plan()
	if kind == noTest && t.Null.Reason == "" && slices.ContainsFunc(c.lags, func(lag int) bool { return lag != 0 }) {
		reason += fmt.Sprintf("; only %v with data at all lags from %d to %d count", t.Null.Unit, slices.Min(c.lags), slices.Max(c.lags))
	}
	s.Reason, s.Exploratory = reason, kind == permuted
	// Results of a lag follow each other, so that what has values is moved once.
	for lag, by := range c.lags {
		var cover *Marks
		for level, f := range c.f {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			g := c.g[level]
			if by != 0 {
				if !c.again(level) {
					cover = g.movedCover(by, c.regions)
				}
				g = g.movedOver(cover, by, c.regions)
			}
			i := level*len(c.lags) + lag
			switch r := s.Results[i]; kind {
			case noTest:
				r.Rows = len(t.rows)
				r.count(f, g, reason)
				continue
			case permuted:
				r.explore(f, g, t.rows)
			default:
				t.test(r, f, g, c.memoryF[level], c.memoryG[level])
			}
			t.search.take(i, &t.tables.sums[signedOverlap])
		}
	}
	if s.Best < 0 {
		return s, nil
	}
	s.Testable, s.Reason = true, ""
	if !s.Exploratory {
		s.Effective = t.search.effective()
	}
	s.P = min(1, s.Effective*s.Results[s.Best].P)
	s.findInterval(len(c.lags))
	return s, nil
}

// stronger reports whether the association is the stronger one. In short records
// several have the least p that there can be.
func (r *Result) stronger(than *Result) bool {
	return r.P < than.P || r.P == than.P && math.Abs(r.Excess()) > math.Abs(than.Excess())
}

// take gives result i its part in the search, if it has one, and if it is not
// exploratory the null of its D.
func (s *searcher) take(i int, d *windowSum) {
	r := s.results[i]
	switch {
	case !r.Testable:
		s.search.Reason = r.Reason
		return
	case s.search.Best < 0:
		s.search.Dense = r.Dense
	case r.Dense && !s.search.Dense:
		return
	case s.search.Dense && !r.Dense: // the first that is not
		s.search.Dense, s.search.Best, s.search.Effective, s.used = false, -1, 0, 0
	}
	if !s.search.Exploratory {
		s.centre(d)
	}
	s.search.Effective++
	if s.search.Best < 0 || r.stronger(&s.results[s.search.Best]) {
		s.search.Best = i
	}
}

// shareRows makes t.rows those that all levels and lags have in common.
func (t *Tester) shareRows(ctx context.Context, c *scan) error {
	t.rows = t.rows[:0]
	for lag, by := range c.lags {
		if err := ctx.Err(); err != nil {
			return err
		}
		for level, f := range c.f {
			g := c.g[level]
			if f.check(g); c.again(level) {
				continue
			}
			if by != 0 {
				g = g.movedCover(by, c.regions)
			}
			if lag == 0 && level == 0 {
				t.rows = appendCommonRows(t.rows, f, g)
				continue
			}
			t.search.common = appendCommonRows(t.search.common[:0], f, g)
			t.rows = intersect(t.rows, t.search.common)
		}
	}
	return nil
}

// intersect returns what two ascending lists have in common, in the memory of
// the first.
func intersect(a, b []int) []int {
	both := a[:0]
	for _, x := range a {
		for len(b) > 0 && b[0] < x {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == x {
			both = append(both, x)
		}
	}
	return both
}

// alpha is the level at which a finding holds.
const alpha = 0.05

// findInterval finds the levels around that of the best at which the finding
// holds.
func (s *Search) findInterval(lags int) {
	holds := func(i int) bool {
		if i < 0 || i >= len(s.Results) {
			return false
		}
		r := s.Results[i]
		return r.Testable && r.Dense == s.Dense && s.Effective*r.P <= alpha
	}
	if !holds(s.Best) {
		return
	}
	s.First, s.Last = s.Best, s.Best
	for holds(s.First - lags) {
		s.First -= lags
	}
	for holds(s.Last + lags) {
		s.Last += lags
	}
}
