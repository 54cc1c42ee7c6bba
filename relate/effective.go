package relate

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// centre keeps the values of D, less their means over the rotations of a window
// and scaled, so that the covariance of two results under the same rotations is
// the product of what is kept.
func (s *searcher) centre(d *windowSum) {
	if s.used == len(s.centred) {
		s.centred = append(s.centred, nil)
	}
	to := resize(s.centred[s.used], max(len(d.counts), len(d.values)))
	if d.whole {
		centred(to, d, d.counts)
	} else {
		centred(to, d, d.values)
	}
	s.centred[s.used], s.sizes = to, d.sizes
	s.used++
}

func centred[T int32 | float64](to []float64, d *windowSum, values []T) {
	at, last, scale := 0, 0, 0.0
	for q, n := range d.sizes {
		if n != last {
			last, scale = n, 1/math.Sqrt(float64(n))
		}
		mean, table := d.means[q], to[at:][:n]
		for i, x := range values[at:][:n] {
			table[i] = (float64(x) - mean) * scale
		}
		at += n
	}
}

const (
	// freePerResult is how many dimensions the null needs for each result so that
	// Galwey's number is not short by more than 6 %: of n independent results in
	// r dimensions it is close to n (1 - n/4r), by the law of Marchenko and Pastur.
	freePerResult = 4
	// fewResults is up to how many Galwey's number will do: the levels of a sweep.
	// Of smooth functions it makes the 25 lags around 0 half of what they are, and
	// 9 % of unrelated pairs have p below 0.05.
	fewResults = 10
	// Of so many random rotations so many are extreme: so that the effective
	// number is known to about 7 % and suits searches whose p is a few per cent.
	randomTurns, extremeTurns = 4_000, 200
)

// effective returns the effective number of tests of the results that are
// kept, of the same windows.
//
// Cost: products of all pairs of few results; of many the sums of randomTurns
// rotations, 0.1 s for 1000 results in 26 windows.
func (s *searcher) effective() float64 {
	free := 0 // dimensions of the null
	for _, n := range s.sizes {
		free += n - 1
	}
	switch {
	case s.used == 1:
		return 1
	case s.used <= fewResults && s.used*freePerResult <= free:
		return s.galwey()
	}
	return s.clustered()
}

// clustered returns the number of results over the number of those that are
// extreme in a random rotation where any is, which is P(any is) / P(a given one
// is): what makes the least p of the results the p of the search. It is the
// extremal index (Leadbetter, Extremes and local dependence in stationary
// sequences, Z. Wahrscheinlichkeitstheorie 65, 1983) times their number.
func (s *searcher) clustered() float64 {
	n, z := s.used, s.standardised()
	rng := rand.New(rand.NewPCG(uint64(n), uint64(len(s.sizes))))
	turns := make([]int, randomTurns*len(s.sizes)) // rows of z, for each window of each rotation
	for i := range randomTurns {
		at := 0
		for q, size := range s.sizes {
			turns[i*len(s.sizes)+q] = at + rng.IntN(size)
			at += size
		}
	}
	sums := make([]float64, n)
	turn := func(i int) []float64 {
		clear(sums)
		for _, row := range turns[i*len(s.sizes):][:len(s.sizes)] {
			floats.Add(sums, z[row*n:][:n])
		}
		return sums
	}
	most := make([]float64, randomTurns)
	for i := range most {
		for _, x := range turn(i) {
			most[i] = max(most[i], math.Abs(x))
		}
	}
	least := slices.Sorted(slices.Values(most))[randomTurns-extremeTurns]
	turned, extreme := 0, 0
	for i, m := range most {
		if m < least {
			continue
		}
		turned++
		for _, x := range turn(i) {
			if math.Abs(x) >= least {
				extreme++
			}
		}
	}
	return float64(n) * float64(turned) / float64(extreme)
}

// standardised returns the parts that each rotation of each window has in the
// standardised D of the results, shape [rotations, results]; 0 for results that
// no rotation changes.
func (s *searcher) standardised() []float64 {
	n := s.used
	z := make([]float64, n*len(s.centred[0]))
	for i, x := range s.centred[:n] {
		variance := floats.Dot(x, x)
		if variance == 0 {
			continue
		}
		at := 0
		for _, size := range s.sizes {
			scale := math.Sqrt(float64(size) / variance)
			for range size {
				z[at*n+i] = x[at] * scale
				at++
			}
		}
	}
	return z
}

// galwey returns the number of Galwey (2009).
func (s *searcher) galwey() float64 {
	n := s.used
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
