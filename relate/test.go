package relate

import (
	"fmt"
	"math"
	"slices"
)

// Counts are the features of two functions on the cells that both cover in the
// rows of the test; in all rows of both records if these are too few for one.
type Counts struct {
	PositivePositive, NegativeNegative int // cells where both have a feature of one sign
	PositiveNegative, NegativePositive int // cells where the signs differ, the first function's first
	PositiveF, NegativeF               int // features of the first function
	PositiveG, NegativeG               int // features of the second
	Cells                              int // covered by both
}

// Agreement returns D, the cells of equal sign less those of opposite sign.
func (c *Counts) Agreement() int {
	return c.PositivePositive + c.NegativeNegative - c.PositiveNegative - c.NegativePositive
}

// Overlap returns Sigma, the cells that are features of both.
func (c *Counts) Overlap() int {
	return c.PositivePositive + c.NegativeNegative + c.PositiveNegative + c.NegativePositive
}

// Score returns tau = D/Sigma, from -1 to 1; 0 if no cell is a feature of both.
func (c *Counts) Score() float64 { return ratio(float64(c.Agreement()), c.Overlap()) }

// Strength returns rho = 2 Sigma / (features of both functions), from 0 to 1.
func (c *Counts) Strength() float64 {
	return ratio(2*float64(c.Overlap()), c.PositiveF+c.NegativeF+c.PositiveG+c.NegativeG)
}

// Precision returns the share of the second function's features that are
// features of the first, Recall that of the first's.
func (c *Counts) Precision() float64 { return ratio(float64(c.Overlap()), c.PositiveG+c.NegativeG) }

// Recall returns the share of the first function's features that are features
// of the second.
func (c *Counts) Recall() float64 { return ratio(float64(c.Overlap()), c.PositiveF+c.NegativeF) }

func ratio(a float64, b int) float64 {
	if b == 0 {
		return 0
	}
	return a / float64(b)
}

// A Result is the test of two functions at one level.
type Result struct {
	Counts   Counts
	Testable bool
	Reason   string // why it is not testable
	Dense    bool   // a function marks more than half of its cells: never a discovery
	// Exploratory says that weeks were permuted over the whole record, because it
	// is too short for windows or as asked for: never a discovery.
	Exploratory bool
	Windows     int // that rows were exchanged in; 0 if there is no null, and so nothing is expected
	Rows        int // rows in the windows

	ExpectedOverlap   float64 // E0[Sigma], under the null
	ExpectedAgreement float64 // E0[D]
	Z                 float64 // of D, by the null's variance and the guard
	Inflation         float64 // V of the long-memory guard; above 1.5 the null is in doubt

	P  float64 // of all five questions; NaN if not testable
	PD float64 // of D, two-sided
	// Upper tails of the four overlaps.
	PPositivePositive, PNegativeNegative, PPositiveNegative, PNegativePositive float64

	null   Null
	tables *overlapTables
}

// Lift returns Sigma / E0[Sigma].
func (r *Result) Lift() float64 {
	if r.ExpectedOverlap == 0 {
		return 0
	}
	return float64(r.Counts.Overlap()) / r.ExpectedOverlap
}

// Excess returns kappa, the excess signed strength 2 (D - E0[D]) / (features of
// both functions): what remains of the relationship beyond the routine that
// both functions share. Discoveries are ranked by it.
func (r *Result) Excess() float64 {
	c := &r.Counts
	return ratio(2*(float64(c.Agreement())-r.ExpectedAgreement), c.PositiveF+c.NegativeF+c.PositiveG+c.NegativeG)
}

// Support that a test needs, decided by what rotations do not change.
const (
	minFeatureRows  = 5    // rows with features, of each function
	minExpected     = 5    // E0[Sigma]
	minAttainable   = 1e-4 // the least p of the most extreme rotation
	denseShare      = 0.5
	shareOfSigned   = 2 // p = min(1, 2 p_D, 8 min of the four)
	shareOfOverlaps = 8
)

// Test tests whether the features of g, from week to week, know of those of f.
//
// The null hypothesis: given each function's own hour-of-week profile, its
// level at the scale of six weeks and its map, the week-to-week timing of its
// features is unrelated to the other function's. In each window of about six
// weeks the rows of g are rotated, all regions together; the p-value of the
// signed overlap D, and of the four overlaps, is that of the sum of the
// windows' overlaps over all combinations of rotations, the data's among them.
//
// Records of 8 to 29 common weeks leave too few windows: their weeks are
// permuted over the whole record, and the result is Exploratory.
//
// f and g need rows of equal layout, counted from one origin. memoryF and
// memoryG come from [NewMemory]. Nothing is an error: a pair that cannot be
// tested is a Result with a reason.
//
// Cost: rows * 6 * words AND-popcounts for each overlap, and about 20
// microseconds.
func Test(f, g *Marks, memoryF, memoryG *Memory) *Result {
	return Null{}.Test(f, g, memoryF, memoryG)
}

// Test is [Test] with another null.
func (n Null) Test(f, g *Marks, memoryF, memoryG *Memory) *Result {
	r := n.untested()
	rows := commonRows(f, g)
	r.Rows = len(rows)
	switch kind, reason := n.kind(len(rows)); kind {
	case noTest:
		r.Counts, r.Reason = countRows(f, g, sharedRows(f, g)), reason
	case permuted:
		r.explore(f, g, rows)
	default:
		r.test(f, g, memoryF, memoryG, n.windows(rows))
	}
	return r
}

// test is Test for given windows.
func (r *Result) test(f, g *Marks, memoryF, memoryG *Memory, windows [][]int) {
	rows := slices.Concat(windows...)
	r.Windows, r.Rows = len(windows), len(rows)
	r.tables = newTables(f, g, windows)
	r.Counts = r.tables.counts(f, g, rows)
	for k, e := range r.tables.expected {
		r.ExpectedOverlap += e
		r.ExpectedAgreement += signs[k] * e
	}
	if r.checkFeatures(f, g, rows); r.Reason == "" {
		r.checkRotations()
	}
	if r.Reason != "" {
		return
	}
	r.Testable = true
	r.Inflation = inflation(memoryF, memoryG, len(windows[0]))
	r.tails()
}

// untested returns a result without a p-value.
func (n Null) untested() *Result {
	none := math.NaN()
	return &Result{
		null: n, P: none, PD: none, Inflation: 1,
		PPositivePositive: none, PNegativeNegative: none, PPositiveNegative: none, PNegativePositive: none,
	}
}

// signs are the weights of the overlaps in D.
var signs = overlapValues{positivePositive: 1, negativeNegative: 1, positiveNegative: -1, negativePositive: -1}

// countRows counts the features in rows, on the cells that both cover.
func countRows(f, g *Marks, rows []int) (c Counts) {
	for _, row := range rows {
		v1, v2 := f.valid(row), g.valid(row)
		o := overlapRows(f.row(f.Positive, row), f.row(f.Negative, row), g.row(g.Positive, row), g.row(g.Negative, row))
		c.PositivePositive += o[positivePositive]
		c.NegativeNegative += o[negativeNegative]
		c.PositiveNegative += o[positiveNegative]
		c.NegativePositive += o[negativePositive]
		c.PositiveF += countBoth(f.row(f.Positive, row), v2)
		c.NegativeF += countBoth(f.row(f.Negative, row), v2)
		c.PositiveG += countBoth(g.row(g.Positive, row), v1)
		c.NegativeG += countBoth(g.row(g.Negative, row), v1)
		c.Cells += countBoth(v1, v2)
	}
	return c
}

// checkFeatures sets the reason if the pair has too few features for a test. It looks only at
// what no rotation changes, so that leaving pairs out does not disturb the
// control of false discoveries (Bourgon, Gentleman and Huber 2010).
func (r *Result) checkFeatures(f, g *Marks, rows []int) {
	for i, m := range []*Marks{f, g} {
		which := [2]string{"first", "second"}[i]
		with, marked, cells := 0, 0, 0
		for _, row := range rows {
			n := m.counts(row).positive + m.counts(row).negative
			if n > 0 {
				with++
			}
			marked += n
			cells += m.validCells(row)
		}
		if with < minFeatureRows {
			r.Reason = fmt.Sprintf("the %s function has features in %d %v; a test needs %d", which, with, r.null.Unit, minFeatureRows)
			return
		}
		r.Dense = r.Dense || float64(marked) > denseShare*float64(cells)
	}
	if r.ExpectedOverlap < minExpected {
		r.Reason = fmt.Sprintf("%.2g cells are expected to be features of both; a test needs %d", r.ExpectedOverlap, minExpected)
	}
}

// checkRotations sets the reason if no rotation would be rare enough.
func (r *Result) checkRotations() {
	n := r.tables.null(signs)
	_, _, share := n.ends()
	if p, most := 2*share, r.null.attainable(); p > most {
		r.Reason = fmt.Sprintf("no rotation could give a p below %.2g; a test needs %g", p, most)
	}
}

// tails fills in the p-values.
func (r *Result) tails() {
	guard := math.Sqrt(r.Inflation)
	// at is where the guard moves the value of the data to.
	at := func(n *null) (mean, variance, at float64) {
		mean, variance, observed := n.moments()
		return mean, variance, mean + (observed-mean)/guard
	}
	d := r.tables.null(signs)
	mean, variance, value := at(d)
	if variance > 0 {
		r.Z = (value - mean) / math.Sqrt(variance)
	}
	// The tail on the side of the data is the smaller, but for ties about the
	// mean, where the p is 1 all the same.
	if value >= mean {
		r.PD = min(1, 2*d.upper(value))
	} else {
		r.PD = min(1, 2*d.lower(value))
	}
	least := 1.0
	for k, to := range []*float64{&r.PPositivePositive, &r.PNegativeNegative, &r.PPositiveNegative, &r.PNegativePositive} {
		var one overlapValues
		one[k] = 1
		n := r.tables.null(one)
		_, _, value := at(n)
		*to = n.upper(value)
		least = min(least, *to)
	}
	r.P = min(1, shareOfSigned*r.PD, shareOfOverlaps*least)
}
