package relate

import (
	"math"
	"slices"
)

// A Search is a test of two functions at several levels or lags, with one
// p-value that pays for the choice among them.
type Search struct {
	Results  []*Result // of each level or lag
	Testable bool      // at least one is
	Reason   string    // why none is
	Best     int       // the result with the least p of those searched, -1 if none is testable
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
	return t.searchAll(len(f), 1, func(i int) (*Marks, *Marks, *Memory, *Memory) {
		return f[i], g[i], memoryF[i], memoryG[i]
	})
}

// Lags is a sweep with the second function moved by each lag, in slots: at lag
// 3 what g does three slots later stands beside what f does now. Result
// level*len(lags)+lag is that of a level and a lag. regions is the number of
// regions of a slot. The best lag is that of the strongest association; it has
// no interval.
func Lags(f, g []*Marks, memoryF, memoryG []*Memory, regions int, lags []int) *Search {
	return new(Tester).Lags(f, g, memoryF, memoryG, regions, lags)
}

// Lags is [Lags] with another null.
func (n Null) Lags(f, g []*Marks, memoryF, memoryG []*Memory, regions int, lags []int) *Search {
	return (&Tester{Null: n}).Lags(f, g, memoryF, memoryG, regions, lags)
}

// Lags is [Lags] in the memory of t, but for the moved marks.
func (t *Tester) Lags(f, g []*Marks, memoryF, memoryG []*Memory, regions int, lags []int) *Search {
	return t.searchAll(len(f), len(lags), func(i int) (*Marks, *Marks, *Memory, *Memory) {
		level, lag := i/len(lags), lags[i%len(lags)]
		return f[level], g[level].Moved(lag, regions), memoryF[level], memoryG[level]
	})
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

// searchAll tests pairs of marks, of each level at each lag, in the same windows.
func (t *Tester) searchAll(levels, lags int, pair func(i int) (f, g *Marks, memoryF, memoryG *Memory)) *Search {
	s, n := &t.search.search, levels*lags
	results := s.Results[:0]
	*s = Search{Best: -1, P: math.NaN(), First: -1, Last: -1}
	t.search.results, t.search.used = resize(t.search.results, n), 0
	for i := range t.search.results {
		t.search.results[i] = untested()
		results = append(results, &t.search.results[i])
	}
	s.Results = results
	t.shareRows(n, pair)
	kind, reason := t.Null.kind(len(t.rows))
	if kind == noTest {
		s.Reason = reason
		for i, r := range s.Results {
			f, g, _, _ := pair(i)
			r.Reason, r.Rows, r.Counts = s.Reason, len(t.rows), countRows(f, g, sharedRows(f, g))
		}
		return s
	}
	if s.Exploratory = kind == permuted; !s.Exploratory {
		t.windows = t.Null.windows(t.windows, t.rows)
	}
	for i, r := range s.Results {
		f, g, memoryF, memoryG := pair(i)
		if s.Exploratory {
			r.explore(f, g, t.rows)
		} else {
			t.test(r, f, g, memoryF, memoryG)
		}
		t.search.take(i, &t.tables.sums[signedOverlap])
	}
	if s.Best < 0 {
		return s
	}
	s.Testable, s.Reason = true, ""
	if !s.Exploratory {
		s.Effective = t.search.effective()
	}
	s.P = min(1, s.Effective*s.Results[s.Best].P)
	s.findInterval(lags)
	return s
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
	if s.search.Best < 0 || r.P < s.results[s.search.Best].P {
		s.search.Best = i
	}
}

// shareRows makes t.rows those that n pairs of marks all have in common.
func (t *Tester) shareRows(n int, pair func(i int) (f, g *Marks, memoryF, memoryG *Memory)) {
	t.rows = t.rows[:0]
	var lastF, lastG *Marks
	for i := range n {
		f, g, _, _ := pair(i)
		if i == 0 {
			t.rows = appendCommonRows(t.rows, f, g)
			lastF, lastG = f, g
			continue
		}
		if f.covers(lastF) && g.covers(lastG) {
			f.check(g)
			continue
		}
		lastF, lastG = f, g
		t.search.common = appendCommonRows(t.search.common[:0], f, g)
		if !slices.Equal(t.rows, t.search.common) {
			t.rows = intersect(t.rows, t.search.common)
		}
	}
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
