package relate

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
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
	// Exploratory says that weeks were permuted over the whole record, see Result.
	Exploratory bool
	// First and Last bound the results around the best whose own p, paid for in
	// the same way, is at most 0.05; -1 if that of the best is not.
	First, Last int
}

// Sweep tests two functions at several levels, the marks of which it is given,
// nested or not. It is the default question: on real data no single level is
// best for all pairs.
func Sweep(f, g []*Marks, memoryF, memoryG []*Memory) *Search {
	return Null{}.search(len(f), func(i int) (*Marks, *Marks, *Memory, *Memory) {
		return f[i], g[i], memoryF[i], memoryG[i]
	})
}

// Lags is a sweep with the second function moved by each lag, in slots: at lag
// 3 what g does three slots later stands beside what f does now. Result
// level*len(lags)+lag is that of a level and a lag. regions is the number of
// regions of a slot. The best lag is that of the strongest association; it has
// no interval.
func Lags(f, g []*Marks, memoryF, memoryG []*Memory, regions int, lags []int) *Search {
	return Null{}.Lags(f, g, memoryF, memoryG, regions, lags)
}

// Lags is [Lags] with another null.
func (n Null) Lags(f, g []*Marks, memoryF, memoryG []*Memory, regions int, lags []int) *Search {
	return n.search(len(f)*len(lags), func(i int) (*Marks, *Marks, *Memory, *Memory) {
		level, lag := i/len(lags), lags[i%len(lags)]
		return f[level], g[level].Moved(lag, regions), memoryF[level], memoryG[level]
	})
}

// search tests so many pairs of marks in the same windows.
func (n Null) search(pairs int, pair func(i int) (f, g *Marks, memoryF, memoryG *Memory)) *Search {
	s := &Search{Results: make([]*Result, pairs), Best: -1, P: math.NaN(), First: -1, Last: -1}
	var rows []int
	for i := range pairs {
		f, g, _, _ := pair(i)
		common := commonRows(f, g)
		if i == 0 {
			rows = common
			continue
		}
		rows = slices.DeleteFunc(rows, func(row int) bool {
			_, ok := slices.BinarySearch(common, row)
			return !ok
		})
	}
	kind, reason := n.kind(len(rows))
	if kind == noTest {
		s.Reason = reason
		for i := range pairs {
			f, g, _, _ := pair(i)
			s.Results[i] = n.untested()
			s.Results[i].Reason, s.Results[i].Rows, s.Results[i].Counts = s.Reason, len(rows), countRows(f, g, sharedRows(f, g))
		}
		return s
	}
	s.Exploratory = kind == permuted
	var windows [][]int
	if !s.Exploratory {
		windows = n.windows(rows)
	}
	var testable []*Result
	for i := range pairs {
		f, g, memoryF, memoryG := pair(i)
		r := n.untested()
		if s.Exploratory {
			r.explore(f, g, rows)
		} else {
			r.test(f, g, memoryF, memoryG, windows)
		}
		s.Results[i] = r
		if !r.Testable {
			s.Reason = r.Reason
			continue
		}
		testable = append(testable, r)
		if s.Best < 0 || r.P < s.Results[s.Best].P {
			s.Best = i
		}
	}
	if s.Best < 0 {
		return s
	}
	s.Testable, s.Reason = true, ""
	if s.Effective = float64(len(testable)); !s.Exploratory {
		s.Effective = effective(testable)
	}
	s.P = min(1, s.Effective*s.Results[s.Best].P)
	s.findInterval()
	return s
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

// effective returns the effective number of tests of results in the same
// windows.
func effective(results []*Result) float64 {
	n := len(results)
	covariance := mat.NewSymDense(n, nil)
	nulls := make([]*null, n)
	for i, r := range results {
		nulls[i] = r.tables.null(signs)
	}
	for i := range n {
		for j := i; j < n; j++ {
			covariance.SetSym(i, j, covarianceOf(nulls[i], nulls[j]))
		}
	}
	correlation := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			c := 0.0
			if i == j {
				c = 1
			} else if v := covariance.At(i, i) * covariance.At(j, j); v > 0 {
				c = covariance.At(i, j) / math.Sqrt(v)
			}
			correlation.SetSym(i, j, c)
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(correlation, false) {
		return float64(n) // as if all were independent
	}
	roots, sum := 0.0, 0.0
	for _, x := range eigen.Values(nil) {
		x = max(x, 0) // rounding
		roots += math.Sqrt(x)
		sum += x
	}
	return min(max(roots*roots/sum, 1), float64(n))
}

// covarianceOf returns the covariance of two sums under the same rotations.
func covarianceOf(a, b *null) float64 {
	sum := 0.0
	for q := range a.tables {
		x, y := a.tables[q], b.tables[q]
		mx, my, xy := 0.0, 0.0, 0.0
		for u := range x {
			mx += x[u] / float64(len(x))
			my += y[u] / float64(len(x))
		}
		for u := range x {
			xy += (x[u] - mx) * (y[u] - my) / float64(len(x))
		}
		sum += xy
	}
	return sum
}
