package relate

import (
	"fmt"
	"math"
)

// Counts are the features of two functions on the cells that both cover in the
// rows of the test.
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
	// Exploratory says that the record is too short for windows, so that weeks
	// were permuted over all of it: never a discovery.
	Exploratory bool
	Windows     int
	Rows        int // rows in the windows

	ExpectedOverlap   float64 // E0[Sigma], under the null
	ExpectedAgreement float64 // E0[D]
	Drift             float64 // what of D - E0[D] is put down to a season that both functions drift with inside windows
	Z                 float64 // of D, by the null's variance and the guards
	Inflation         float64 // V of the long-memory guard; above 1.5 the null is in doubt

	P  float64 // of all five questions; NaN if not testable
	PD float64 // of D, two-sided
	// Upper tails of the four overlaps.
	PPositivePositive, PNegativeNegative, PPositiveNegative, PNegativePositive float64

	rows []int // that Counts are of
}

// Lift returns Sigma / E0[Sigma].
func (r *Result) Lift() float64 {
	if r.ExpectedOverlap == 0 {
		return 0
	}
	return float64(r.Counts.Overlap()) / r.ExpectedOverlap
}

// Excess returns kappa, the excess signed strength 2 (D - E0[D] - Drift) /
// (features of both functions): what remains of the relationship beyond the
// routine and the season that both functions share. Discoveries are ranked by
// it.
func (r *Result) Excess() float64 {
	c := &r.Counts
	return ratio(2*(float64(c.Agreement())-r.ExpectedAgreement-r.Drift), c.PositiveF+c.NegativeF+c.PositiveG+c.NegativeG)
}

// Question returns which question P is of: the signed overlap, d, or the
// overlap pp, nn, pn or np of positive and negative features; empty without a
// test. P is the least of 2 p_D and 8 times each overlap's, which pays for the
// choice.
func (r *Result) Question() string {
	if !r.Testable {
		return ""
	}
	name, least := "d", shareOfSigned*r.PD
	for _, o := range []struct {
		name string
		p    float64
	}{{"pp", r.PPositivePositive}, {"nn", r.PNegativeNegative}, {"pn", r.PPositiveNegative}, {"np", r.PNegativePositive}} {
		if p := shareOfOverlaps * o.p; p < least {
			name, least = o.name, p
		}
	}
	return name
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
// A week is common if both functions hold a value, in the same cells, in at least
// half of the cells that both ever hold one in: cells are those of the regions,
// and of the hours or days of a week. Regions of one function alone do not count.
// Records of 8 to 29 common weeks leave too few windows: their weeks are
// permuted over the whole record, and the result is Exploratory.
//
// Two guards move the overlaps of the data towards the mean of the null before
// they are compared, and the one that moves them more counts: what a season that
// is steep inside windows lets both functions have in common is taken off, for D
// it is Drift, estimated from the neighbouring windows; and if features last for
// weeks, the distance is divided by sqrt(Inflation).
//
// f and g need rows of equal layout, counted from one origin. memoryF and
// memoryG come from [NewMemory]. Nothing is an error: a pair that cannot be
// tested is a Result with a reason.
//
// Cost: rows * 6 * words AND-popcounts for each overlap, and a few
// microseconds. A [Tester] tests many pairs without allocating.
func Test(f, g *Marks, memoryF, memoryG *Memory) *Result {
	return new(Tester).Test(f, g, memoryF, memoryG)
}

// A Tester tests one pair after the other in memory that it keeps, so that a
// test of a pair with windows allocates nothing, but for the reason why a pair
// is not testable. The zero value is ready to use. What its methods return is
// its own and holds until the next call; results do not depend on what was
// tested before. A Tester serves one goroutine at a time.
type Tester struct {
	Null Null // that the functions are tested against

	rows    []int // that both functions have
	windows [][]int
	kept    []int // rows of the windows
	usual   int   // length of a window
	times   []int // that lengths occur
	tables  overlapTables
	memory  tailMemory
	result  Result
	search  searcher
}

// Test is [Test] in the memory of t.
func (t *Tester) Test(f, g *Marks, memoryF, memoryG *Memory) *Result {
	r := &t.result
	*r = untested()
	t.rows = appendCommonRows(t.rows[:0], f, g)
	r.Rows = len(t.rows)
	switch kind, reason := t.plan(); kind {
	case noTest:
		r.count(f, g, reason)
	case permuted:
		r.explore(f, g, t.rows)
	default:
		t.test(r, f, g, memoryF, memoryG)
	}
	return r
}

// plan cuts the rows of t into its windows, if that is the test, and returns
// what can be done, and if nothing the reason.
func (t *Tester) plan() (kind testKind, reason string) {
	kind, t.windows, reason = t.Null.plan(t.windows, t.rows)
	t.kept = t.kept[:0]
	if kind == windowed {
		for _, w := range t.windows {
			t.kept = append(t.kept, w...)
		}
		t.usual, t.times = usualLength(t.windows, t.times)
	}
	return kind, reason
}

// Test is [Test] with another null.
func (n Null) Test(f, g *Marks, memoryF, memoryG *Memory) *Result {
	return (&Tester{Null: n}).Test(f, g, memoryF, memoryG)
}

// test is Test for the windows of t.
func (t *Tester) test(r *Result, f, g *Marks, memoryF, memoryG *Memory) {
	r.Windows, r.Rows, r.rows = len(t.windows), len(t.kept), t.kept
	t.tables.fill(f, g, t.windows)
	r.Counts = t.tables.dataCounts(f, g, t.kept)
	for k, e := range t.tables.expected {
		r.ExpectedOverlap += e
		r.ExpectedAgreement += signs[k] * e
	}
	if r.checkFeatures(f, g, t.kept, t.Null.Unit); r.Reason != "" {
		return
	}
	if r.checkRotations(t.tables.extreme, t.Null.attainable()); r.Reason != "" {
		return
	}
	r.Testable = true
	r.Inflation = inflation(memoryF, memoryG, t.usual)
	t.tails(r, t.tables.drift(f, g, t.windows))
}

// count makes r a result without a test: the counts of all rows of both
// records, and the reason.
func (r *Result) count(f, g *Marks, reason string) {
	r.rows, r.Reason = sharedRows(f, g), reason
	r.Counts = countRows(f, g, r.rows)
}

// untested returns a result without a p-value.
func untested() Result {
	none := math.NaN()
	return Result{
		P: none, PD: none, Inflation: 1,
		PPositivePositive: none, PNegativeNegative: none, PPositiveNegative: none, PNegativePositive: none,
	}
}

// signs are the weights of the overlaps in D.
var signs = overlapValues{positivePositive: 1, negativeNegative: 1, positiveNegative: -1, negativePositive: -1}

// countRows counts the features in rows, on the cells that both cover.
func countRows(f, g *Marks, rows []int) (c Counts) {
	for _, row := range rows {
		o := overlapRows(f.row(f.Positive, row), f.row(f.Negative, row), g.row(g.Positive, row), g.row(g.Negative, row))
		c.PositivePositive += o[positivePositive]
		c.NegativeNegative += o[negativeNegative]
		c.PositiveNegative += o[positiveNegative]
		c.NegativePositive += o[negativePositive]
		a, b := f.countsWithin(row, g), g.countsWithin(row, f)
		c.PositiveF, c.NegativeF = c.PositiveF+int(a.positive), c.NegativeF+int(a.negative)
		c.PositiveG, c.NegativeG = c.PositiveG+int(b.positive), c.NegativeG+int(b.negative)
		c.Cells += jointCells(f, g, row, row)
	}
	return c
}

// checkFeatures sets the reason if the pair has too few features for a test. It looks only at
// what no rotation changes, so that leaving pairs out does not disturb the
// control of false discoveries (Bourgon, Gentleman and Huber 2010).
func (r *Result) checkFeatures(f, g *Marks, rows []int, unit Unit) {
	for i, m := range [2]*Marks{f, g} {
		which := [2]string{"first", "second"}[i]
		n := m.totals(rows)
		if n.marked < minFeatureRows {
			r.Reason = fmt.Sprintf("the %s function has features in %d %v; a test needs %d", which, n.marked, unit, minFeatureRows)
			return
		}
		r.Dense = r.Dense || float64(n.positive+n.negative) > denseShare*float64(n.valid)
	}
	if r.ExpectedOverlap < minExpected {
		r.Reason = fmt.Sprintf("%.2g cells are expected to be features of both; a test needs %d", r.ExpectedOverlap, minExpected)
	}
}

// checkRotations sets the reason if no rotation would be rare enough, the
// share of the most extreme ones being given, and the p that they may have.
func (r *Result) checkRotations(share, most float64) {
	if p := 2 * share; p > most {
		r.Reason = fmt.Sprintf("no rotation could give a p below %.3g; a test needs %g", p, most)
	}
}

// tails fills in the p-values, given what a drift inside windows adds to the
// data.
func (t *Tester) tails(r *Result, drift [numStatistics]float64) {
	// at is where the guards move the value of statistic k of the data to.
	at := func(k int) float64 {
		s := &t.tables.sums[k]
		return s.mean + guarded(s.observed-s.mean, drift[k], r.Inflation)
	}
	d := &t.tables.sums[signedOverlap]
	r.Drift = owed(d.observed-d.mean, drift[signedOverlap])
	value := at(signedOverlap)
	if variance := d.variance(); variance > 0 {
		r.Z = (value - d.mean) / math.Sqrt(variance)
	}
	// The tail on the side of the data is the smaller, but for ties about the
	// mean, where the p is 1 all the same.
	if value >= d.mean {
		r.PD = min(1, 2*d.upper(value, &t.memory))
	} else {
		r.PD = min(1, 2*d.lower(value, &t.memory))
	}
	least := 1.0
	for k, to := range [numOverlaps]*float64{&r.PPositivePositive, &r.PNegativeNegative, &r.PPositiveNegative, &r.PNegativePositive} {
		*to = t.tables.sums[k].upper(at(k), &t.memory)
		least = min(least, *to)
	}
	r.P = min(1, shareOfSigned*r.PD, shareOfOverlaps*least)
}
