package relate

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// The standard techniques stand beside the test of features so that one can
// see what each finds. They are measures of two series; that they are honest
// tests too is due to the null of rotations in [MonteCarlo], which they share
// with it.

// complete returns copies of the values at which neither series is missing.
func complete(x, y []float64) (a, b []float64) {
	if len(x) != len(y) {
		panic(fmt.Sprintf("relate: series of %d and %d values", len(x), len(y)))
	}
	a, b = make([]float64, 0, len(x)), make([]float64, 0, len(x))
	for i, v := range x {
		if w := y[i]; v == v && w == w { // neither is NaN
			a, b = append(a, v), append(b, w)
		}
	}
	return a, b
}

// standardise gives v mean 0 and variance 1. It reports false if it cannot: v
// is constant, or not all of it and of its square is finite.
func standardise(v []float64) bool {
	// A constant's mean may differ from it in the last bit, so that its
	// variance would not be 0.
	if len(v) == 0 || slices.Min(v) == slices.Max(v) {
		return false
	}
	floats.AddConst(-floats.Sum(v)/float64(len(v)), v)
	sd := math.Sqrt(floats.Dot(v, v) / float64(len(v)))
	if !(sd > 0) || math.IsInf(sd, 0) {
		return false
	}
	floats.Scale(1/sd, v)
	return true
}

// Pearson returns the product-moment correlation of two series, in [-1, 1].
//
// Places at which one of them is missing, NaN, are left out. The result is NaN
// if fewer than two are left, if one series is constant there, or if a square
// overflows. Pearson panics if the lengths differ. Cost: a few passes.
func Pearson(x, y []float64) float64 {
	a, b := complete(x, y)
	return correlate(a, b)
}

// correlate is Pearson of series without missing values, which it overwrites.
func correlate(a, b []float64) float64 {
	if !standardise(a) || !standardise(b) {
		return math.NaN()
	}
	return max(-1, min(1, floats.Dot(a, b)/float64(len(a))))
}

// Spearman returns the rank correlation of two series, in [-1, 1]: that of
// [Pearson] of their ranks, equal values having the mean of their ranks.
// Missing values are treated as there, before ranking. Cost: two sorts.
func Spearman(x, y []float64) float64 {
	a, b := complete(x, y)
	rank(a)
	rank(b)
	return correlate(a, b)
}

// rank replaces values by their ranks from 1, equal ones by the mean of their
// ranks. NaN stays NaN and is not counted.
func rank(v []float64) {
	order := make([]int32, 0, len(v))
	for i, x := range v {
		if !math.IsNaN(x) {
			order = append(order, int32(i))
		}
	}
	slices.SortFunc(order, func(i, j int32) int {
		switch {
		case v[i] < v[j]:
			return -1
		case v[i] > v[j]:
			return 1
		}
		return 0
	})
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && v[order[to]] == v[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			v[i] = float64(from+1+to) / 2
		}
		from = to
	}
}

const (
	// Kraskov and others take 2 to 4 neighbours: fewer have less bias, more
	// less variance.
	neighbours = 3
	// Ties, as in counts, would put neighbours at distance 0, which the
	// estimator does not allow for. 1e-8 standard deviations separate them, and
	// change nothing else: data have not that many digits.
	jitter = 1e-8
)

// MutualInformation estimates the mutual information of two series, in nats,
// by the first estimator of Kraskov, Stögbauer and Grassberger, "Estimating
// mutual information", Physical Review E 69, 2004, with three neighbours. For
// independent series it lies about 0 and may be negative.
//
// Series are standardised first, and equal values separated by less than 1e-8
// standard deviations, by an amount that depends on their place alone, so the
// result is the same in each call. Places at which one series is missing, NaN,
// are left out. The result is NaN if fewer than five are left, or one series
// is constant there or has infinite values. MutualInformation panics if the
// lengths differ. Cost: O(n log n) in a tree over the plane; 26 208 values
// take some 30 ms.
func MutualInformation(x, y []float64) float64 {
	a, b := complete(x, y)
	n := len(a)
	if n < neighbours+2 || !standardise(a) || !standardise(b) {
		return math.NaN()
	}
	separate(a, 0)
	separate(b, 1)
	tree := newPlaneTree(a, b)
	slices.Sort(a)
	slices.Sort(b)
	// The digamma function at a whole number m is harmonic[m-1] less Euler's
	// constant, which cancels.
	harmonic := make([]float64, n)
	for i := 1; i < n; i++ {
		harmonic[i] = harmonic[i-1] + 1/float64(i)
	}
	sum := 0.0
	for _, p := range tree.points {
		reach := tree.reach(p)
		sum += harmonic[nearer(a, p[0], reach)] + harmonic[nearer(b, p[1], reach)]
	}
	return harmonic[neighbours-1] + harmonic[n-1] - sum/float64(n)
}

// separate moves every value by at most jitter/2, by its place and the series'
// number. The bits are those of the generator SplitMix64.
func separate(v []float64, series uint64) {
	for i := range v {
		h := (2*uint64(i) + series + 1) * 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
		v[i] += jitter * (float64(h>>11)/(1<<53) - 0.5)
	}
}

// nearer returns the number of other values than at, which is one of the
// sorted values, that are nearer to it than reach.
func nearer(sorted []float64, at, reach float64) int {
	low, high := 0, len(sorted) // the first value that is near
	for low < high {
		if mid := (low + high) / 2; at-sorted[mid] < reach {
			high = mid
		} else {
			low = mid + 1
		}
	}
	first := low
	for high = len(sorted); low < high; { // the first one above that is not
		if mid := (low + high) / 2; sorted[mid]-at < reach {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return max(0, low-first-1)
}

// A planeTree is a k-d tree of points in the plane. Points lo..hi-1 are split
// at their middle one by the coordinate in which they extend farther, down to
// leaves of bucket points.
type planeTree struct {
	points [][2]float64
	axis   []uint8 // of the split at a point
}

const bucket = 8 // from 4 to 16 makes no difference in time

func newPlaneTree(x, y []float64) *planeTree {
	t := &planeTree{points: make([][2]float64, len(x)), axis: make([]uint8, len(x))}
	for i := range x {
		t.points[i] = [2]float64{x[i], y[i]}
	}
	t.split(0, len(x))
	return t
}

func (t *planeTree) split(lo, hi int) {
	if hi-lo <= bucket {
		return
	}
	low, high := t.points[lo], t.points[lo]
	for _, p := range t.points[lo:hi] {
		for k := range p {
			low[k], high[k] = min(low[k], p[k]), max(high[k], p[k])
		}
	}
	axis := 0
	if high[1]-low[1] > high[0]-low[0] {
		axis = 1
	}
	mid := (lo + hi) / 2
	selectNth(t.points[lo:hi], mid-lo, axis)
	t.axis[mid] = uint8(axis)
	t.split(lo, mid)
	t.split(mid+1, hi)
}

// selectNth orders points so that the one at n is where it would be if they
// were sorted by a coordinate, with none that is larger before it, and none
// that is smaller after it. It is Hoare's algorithm.
func selectNth(points [][2]float64, n, axis int) {
	lo, hi := 0, len(points)-1
	for lo < hi {
		pivot := points[(lo+hi)/2][axis]
		i, j := lo, hi
		for i <= j {
			for points[i][axis] < pivot {
				i++
			}
			for points[j][axis] > pivot {
				j--
			}
			if i <= j {
				points[i], points[j] = points[j], points[i]
				i++
				j--
			}
		}
		switch {
		case n <= j:
			hi = j
		case n >= i:
			lo = i
		default:
			return
		}
	}
}

// nearest are the distances of the nearest points, ascending. The first is
// that of the point itself, 0.
type nearest [neighbours + 1]float64

func (n *nearest) add(d float64) {
	if d >= n[neighbours] {
		return
	}
	i := neighbours
	for ; i > 0 && n[i-1] > d; i-- {
		n[i] = n[i-1]
	}
	n[i] = d
}

// reach returns the distance from p, which is in the tree, to its last
// neighbour, as the larger of the differences in the coordinates.
func (t *planeTree) reach(p [2]float64) float64 {
	var near nearest
	for i := range near {
		near[i] = math.Inf(1)
	}
	t.search(0, len(t.points), p, &near)
	return near[neighbours]
}

func (t *planeTree) search(lo, hi int, p [2]float64, near *nearest) {
	if hi-lo <= bucket {
		for _, q := range t.points[lo:hi] {
			near.add(max(math.Abs(p[0]-q[0]), math.Abs(p[1]-q[1])))
		}
		return
	}
	mid := (lo + hi) / 2
	q := t.points[mid]
	axis := t.axis[mid]
	near.add(max(math.Abs(p[0]-q[0]), math.Abs(p[1]-q[1])))
	d := p[axis] - q[axis]
	if d < 0 {
		t.search(lo, mid, p, near)
	} else {
		t.search(mid+1, hi, p, near)
	}
	if math.Abs(d) >= near[neighbours] {
		return
	}
	if d < 0 {
		t.search(mid+1, hi, p, near)
	} else {
		t.search(lo, mid, p, near)
	}
}

// TimeWarp returns the distance of two series by dynamic time warping: the
// square root of the least sum of squared differences along a path that
// matches every value of one series with values of the other in order. Both
// are standardised first, so the distance has no unit, and band, of Sakoe and
// Chiba, is the number of steps that matched values may lie apart. At band 0,
// or less, it is the Euclidean distance, sqrt(2 n (1 - r)) for correlation r.
//
// Places at which one series is missing, NaN, are left out, and the ends of a
// gap become neighbours. The result is NaN where that of [Pearson] is.
// TimeWarp panics if the lengths differ. Cost: n (2 band + 1) steps, memory
// O(n).
func TimeWarp(x, y []float64, band int) float64 {
	a, b := complete(x, y)
	if !standardise(a) || !standardise(b) {
		return math.NaN()
	}
	n := len(a)
	band = min(max(band, 0), n)
	// last[j] is the least sum of a path from the start to a[i-1], b[j-1], and
	// next[j] that to a[i], b[j-1]; places outside the band are infinite.
	last, next := make([]float64, n+1), make([]float64, n+1)
	for j := range last {
		last[j], next[j] = math.Inf(1), math.Inf(1)
	}
	last[0] = 0
	for i, v := range a {
		from, to := max(1, i+1-band), min(n, i+1+band)
		left := math.Inf(1)
		next[from-1] = left
		for j := from; j <= to; j++ {
			best := last[j-1]
			if last[j] < best {
				best = last[j]
			}
			if left < best {
				best = left
			}
			d := v - b[j-1]
			left = best + d*d
			next[j] = left
		}
		last, next = next, last
	}
	return math.Sqrt(last[n])
}

// MonteCarlo tests any statistic of two series against the null of rotations:
// in every window, independently, the rows of the second series are rotated by
// a random number of rows. If a row is a week, hour of week, season, and slow
// trend stay as they are in both series, and only the coincidence of weeks is
// broken. The data are one of the rotations, so p is never 0.
//
// Rotations are drawn until both tails have a number of exceedances (Besag and
// Clifford, "Sequential Monte Carlo p-values", Biometrika 1991): then p is
// that number over that of draws, for the smaller tail. If the draws run out
// before, it is (b+1)/(m+1) for b exceedances in m draws. Both are valid p-values
// of one tail, and p is twice the smaller, at most 1. A test without
// a relation takes a few hundred draws.
//
// The zero value is ready to use. Results depend on the data and on Seed and
// Key alone, not on what was tested before or where.
type MonteCarlo struct {
	Draws       int      // at most; 0 means 100 000, at which the least p is 2e-5
	Exceedances int      // of both tails at which drawing stops; 0 means 20
	Seed        uint64   // of the run
	Key         []string // of the test: data sets, functions, resolution, class, purpose
}

// A MonteCarloResult is what a test by rotations finds.
type MonteCarloResult struct {
	Value float64 // of the statistic, over the rows of the windows
	P     float64 // two-sided; NaN if Value is
	Draws int     // rotations drawn
}

// generator returns the source of the test's rotations.
func (m MonteCarlo) generator() *rand.PCG {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q", m.Key) // quoted, so that ["a b"] is not ["a", "b"]
	return rand.NewPCG(m.Seed, h.Sum64())
}

// pickRotation returns a random number below n. Its bias is n/2^64.
func pickRotation(source *rand.PCG, n int) int {
	high, _ := bits.Mul64(source.Uint64(), uint64(n))
	return int(high)
}

// sample draws until it knows p. A draw that is NaN counts against the data
// on both sides, and so do draws that differ from them by rounding.
func (m MonteCarlo) sample(observed, rounding float64, draw func() float64) (p float64, draws int) {
	limit, enough := m.Draws, m.Exceedances
	if limit == 0 {
		limit = 100_000
	}
	if enough == 0 {
		enough = 20
	}
	up, down := 0, 0
	for draws < limit {
		t := draw()
		draws++
		if !(t < observed-rounding) {
			up++
		}
		if !(t > observed+rounding) {
			down++
		}
		if min(up, down) == enough {
			return min(1, 2*float64(enough)/float64(draws)), draws
		}
	}
	return min(1, 2*float64(min(up, down)+1)/float64(limit+1)), draws
}

// check returns an error unless windows are rows of both series and the
// options make sense.
func (m MonteCarlo) check(x, y []float64, period int, windows [][]int) error {
	switch {
	case m.Draws < 0 || m.Exceedances < 0:
		return fmt.Errorf("test by rotations %q: %d draws, %d exceedances; give positive numbers, or 0 for the default", m.Key, m.Draws, m.Exceedances)
	case len(x) != len(y):
		return fmt.Errorf("test by rotations %q: series of %d and %d values; cut them to the rows they share", m.Key, len(x), len(y))
	case period < 1:
		return fmt.Errorf("test by rotations %q: rows of %d values; a row has at least one", m.Key, period)
	}
	for q, w := range windows {
		for _, row := range w {
			if row < 0 || row >= len(x)/period {
				return fmt.Errorf("test by rotations %q: row %d of window %d is not among the %d rows of the series", m.Key, row, q, len(x)/period)
			}
			for i := row * period; i < (row+1)*period; i++ {
				if math.IsInf(x[i], 0) || math.IsInf(y[i], 0) {
					return fmt.Errorf("test by rotations %q: value %d of row %d is infinite; NaN stands for a missing value", m.Key, i-row*period, row)
				}
			}
		}
	}
	return nil
}

// gather returns the values of the windows' rows.
func gather(v []float64, period int, windows [][]int) []float64 {
	var values []float64
	for _, w := range windows {
		for _, row := range w {
			values = append(values, v[row*period:(row+1)*period]...)
		}
	}
	return values
}

// Test tests a statistic, such as [Pearson], [MutualInformation] or a closure
// around [TimeWarp]. x and y have shape [rows * period]; rows are numbered
// from 0, windows are lists of rows, and rows that are in no window are left
// out. NaN is a missing value: it is rotated like any other, and the statistic
// must deal with it. Test calls the statistic once for the data and once a
// draw, with the values of all windows in slices that it uses again; it must
// not keep or change them.
//
// Errors: series of different lengths, rows that they do not have, infinite
// values, negative options.
func (m MonteCarlo) Test(x, y []float64, period int, windows [][]int, statistic func(x, y []float64) float64) (MonteCarloResult, error) {
	if err := m.check(x, y, period, windows); err != nil {
		return MonteCarloResult{}, err
	}
	x, y = gather(x, period, windows), gather(y, period, windows)
	observed := statistic(x, y)
	if math.IsNaN(observed) {
		return MonteCarloResult{Value: observed, P: observed}, nil
	}
	source := m.generator()
	rotated := make([]float64, len(y))
	// Two orders of summation differ by less than this.
	rounding := 1e-12 * math.Abs(observed)
	p, draws := m.sample(observed, rounding, func() float64 {
		from := 0
		for _, w := range windows {
			to := from + len(w)*period
			if from == to {
				continue // rotations of no rows
			}
			cut := from + pickRotation(source, len(w))*period
			n := copy(rotated[from:to], y[cut:to])
			copy(rotated[from+n:to], y[from:cut])
			from = to
		}
		return statistic(x, rotated)
	})
	return MonteCarloResult{observed, p, draws}, nil
}

// Pearson tests the statistic of [Pearson] at the cost of a few additions a
// draw. Without missing values the p-value is that of [MonteCarlo.Test]. With
// them the statistic of a rotation is the sum of products of values less the
// mean of their slot of the row over the window, in each window times
// sqrt(n(0)/n(u)), n(u) being the number of places where both series have
// values after rotation u. For outages that both series share are no relation,
// though they make n(0) the largest; and a cycle that both share would make
// the sum depend on which slots are left. The arguments and errors are those
// of [MonteCarlo.Test].
func (m MonteCarlo) Pearson(x, y []float64, period int, windows [][]int) (MonteCarloResult, error) {
	return m.products(x, y, period, windows, nil)
}

// Spearman tests the statistic of [Spearman], as [MonteCarlo.Pearson] does that
// of [Pearson], on the ranks that values have in their series.
func (m MonteCarlo) Spearman(x, y []float64, period int, windows [][]int) (MonteCarloResult, error) {
	return m.products(x, y, period, windows, rank)
}

// products tests the correlation of series after a transformation.
func (m MonteCarlo) products(x, y []float64, period int, windows [][]int, transform func([]float64)) (MonteCarloResult, error) {
	if err := m.check(x, y, period, windows); err != nil {
		return MonteCarloResult{}, err
	}
	x, y = gather(x, period, windows), gather(y, period, windows)
	a, b := complete(x, y)
	if transform != nil {
		for _, v := range [][]float64{x, y, a, b} {
			transform(v)
		}
	}
	value := correlate(a, b)
	if math.IsNaN(value) {
		return MonteCarloResult{Value: value, P: value}, nil
	}
	tables := productTables(x, y, period, windows)
	observed, size := 0.0, 0.0
	for _, t := range tables {
		observed += t[0]
		size += floats.Norm(t, math.Inf(1))
	}
	source := m.generator()
	p, draws := m.sample(observed, 1e-12*size, func() float64 {
		sum := 0.0
		for _, t := range tables {
			sum += t[pickRotation(source, len(t))]
		}
		return sum
	})
	return MonteCarloResult{value, p, draws}, nil
}

// productTables returns for every window that has rows the sums of products
// of the two series at every rotation of the second, that of the data first.
// The series hold the rows of the windows, one after the other. To centre slot
// by slot adds the same to all rotations if no value is missing.
func productTables(x, y []float64, period int, windows [][]int) [][]float64 {
	var tables [][]float64
	for _, w := range windows {
		if len(w) == 0 {
			continue
		}
		n := len(w) * period
		a, validA := centre(x[:n], period)
		b, validB := centre(y[:n], period)
		x, y = x[n:], y[n:]
		table := rotatedDots(a, b, period)
		if validA != nil || validB != nil {
			both := rotatedDots(orOnes(validA, n), orOnes(validB, n), period)
			for u, joint := range both {
				if joint > 0 {
					table[u] *= math.Sqrt(both[0] / joint)
				}
			}
		}
		tables = append(tables, table)
	}
	return tables
}

// centre returns values less the mean that their slot has over the rows, with
// 0 for those that are missing; and 1 where there is a value and 0 where not,
// or nil if none is missing.
func centre(v []float64, period int) (centred, valid []float64) {
	centred = slices.Clone(v)
	missing := false
	for slot := range period {
		sum, n := 0.0, 0
		for i := slot; i < len(v); i += period {
			if !math.IsNaN(v[i]) {
				sum += v[i]
				n++
			}
		}
		missing = missing || n*period < len(v)
		for i := slot; i < len(v); i += period {
			centred[i] -= sum / float64(max(n, 1))
		}
	}
	if !missing {
		return centred, nil
	}
	valid = make([]float64, len(v))
	for i, x := range centred {
		if math.IsNaN(x) {
			centred[i] = 0
		} else {
			valid[i] = 1
		}
	}
	return centred, valid
}

// orOnes returns v, or n ones if v is nil.
func orOnes(v []float64, n int) []float64 {
	if v == nil {
		v = make([]float64, n)
		floats.AddConst(1, v)
	}
	return v
}

// rotatedDots returns the dot products of a with b rotated by 0, 1, ... rows:
// the first row of b rotated by u is row u of b.
func rotatedDots(a, b []float64, period int) []float64 {
	dots := make([]float64, len(a)/period)
	for u := range dots {
		cut := u * period
		rest := len(b) - cut
		dots[u] = floats.Dot(a[:rest], b[cut:]) + floats.Dot(a[rest:], b[:cut])
	}
	return dots
}
