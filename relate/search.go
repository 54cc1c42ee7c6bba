package relate

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// A Search is a test of two functions at several levels or lags, with one
// p-value that pays for the choice among them.
type Search struct {
	Results  []*Result // of each level or lag
	Testable bool      // at least one is
	Reason   string    // why none is
	Best     int       // the result with the least p, -1 if none is testable
	P        float64   // min(1, Effective * the least p); NaN if none is testable
	// Effective is the number of independent tests that the search amounts to,
	// from 1 to the number of testable results: (sum of the square roots of the
	// eigenvalues)^2 / their sum, of the correlations of D between the results
	// under the null (Galwey 2009). These are exact, from the tables. Of an
	// exploratory search it is the number of testable results.
	Effective float64
	// Exploratory says that the records are too short for windows, see Result.
	Exploratory bool
	// First and Last bound the results around the best whose own p, paid for in
	// the same way, is at most 0.05; -1 if that of the best is not.
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
	return t.searchAll(len(f), func(i int) (*Marks, *Marks, *Memory, *Memory) {
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
	return t.searchAll(len(f)*len(lags), func(i int) (*Marks, *Marks, *Memory, *Memory) {
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
	roots   eigenvalues
}

// searchAll tests n pairs of marks in the same windows.
func (t *Tester) searchAll(n int, pair func(i int) (f, g *Marks, memoryF, memoryG *Memory)) *Search {
	s := &t.search.search
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
	testable := 0
	for i, r := range s.Results {
		f, g, memoryF, memoryG := pair(i)
		if s.Exploratory {
			r.explore(f, g, t.rows)
		} else {
			t.test(r, f, g, memoryF, memoryG)
		}
		if !r.Testable {
			s.Reason = r.Reason
			continue
		}
		testable++
		if !s.Exploratory {
			t.search.centre(&t.tables.sums[signedOverlap])
		}
		if s.Best < 0 || r.P < s.Results[s.Best].P {
			s.Best = i
		}
	}
	if s.Best < 0 {
		return s
	}
	s.Testable, s.Reason = true, ""
	if s.Effective = float64(testable); !s.Exploratory {
		s.Effective = t.search.effective()
	}
	s.P = min(1, s.Effective*s.Results[s.Best].P)
	s.findInterval()
	return s
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

// findInterval finds the results around the best at which the finding holds.
func (s *Search) findInterval() {
	holds := func(i int) bool {
		return i >= 0 && i < len(s.Results) && s.Results[i].Testable && s.Effective*s.Results[i].P <= alpha
	}
	if !holds(s.Best) {
		return
	}
	s.First, s.Last = s.Best, s.Best
	for holds(s.First - 1) {
		s.First--
	}
	for holds(s.Last + 1) {
		s.Last++
	}
}

// centre keeps the values of D, less their means over the rotations of a window
// and scaled, so that the covariance of two results under the same rotations is
// the product of what is kept.
func (s *searcher) centre(d *windowSum) {
	if s.used == len(s.centred) {
		s.centred = append(s.centred, nil)
	}
	to := s.centred[s.used][:0]
	at := 0
	for _, n := range d.sizes {
		mean := 0.0
		for i := range n {
			mean += d.value(at+i) / float64(n)
		}
		scale := 1 / math.Sqrt(float64(n))
		for i := range n {
			to = append(to, (d.value(at+i)-mean)*scale)
		}
		at += n
	}
	s.centred[s.used] = to
	s.used++
}

// effective returns the effective number of tests of the results that are
// kept, of the same windows.
func (s *searcher) effective() float64 {
	n := s.used
	if n == 1 {
		return 1
	}
	matrix := s.roots.matrix(n)
	for i, x := range s.centred[:n] {
		for j, y := range s.centred[:i+1] {
			matrix[i*n+j] = floats.Dot(x, y)
		}
	}
	for i := range n {
		for j := range i {
			c := 0.0
			if v := matrix[i*n+i] * matrix[j*n+j]; v > 0 {
				c = matrix[i*n+j] / math.Sqrt(v)
			}
			matrix[j*n+i] = c // above the diagonal, so that the variances stay
		}
	}
	for i := range n {
		matrix[i*n+i] = 1
	}
	values, ok := s.roots.find(n)
	if !ok {
		return float64(n) // as if all were independent
	}
	roots, sum := 0.0, 0.0
	for _, x := range values {
		x = max(x, 0) // rounding
		roots += math.Sqrt(x)
		sum += x
	}
	return min(max(roots*roots/sum, 1), float64(n))
}

// eigenvalues finds the eigenvalues of symmetric matrices in memory that it
// keeps.
type eigenvalues struct {
	elements, values, work []float64
}

// matrix returns the elements, shape [n, n], of the matrix to find the
// eigenvalues of. What is below the diagonal is not used.
func (e *eigenvalues) matrix(n int) []float64 {
	e.elements = resize(e.elements, n*n)
	return e.elements
}

// find returns the eigenvalues, ascending, and whether it could find them.
func (e *eigenvalues) find(n int) (values []float64, ok bool) {
	e.values = resize(e.values, n)
	a := blas64.Symmetric{N: n, Stride: n, Data: e.elements, Uplo: blas.Upper}
	e.work = resize(e.work, 8*n) // at least 3n-1
	ok = lapack64.Syev(lapack.EVNone, a, e.values, e.work, len(e.work))
	return e.values, ok
}
