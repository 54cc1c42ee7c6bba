package relate

import (
	"fmt"
	"math"
	"slices"
)

// False discoveries among the tests of a run are controlled on a tree of
// three levels: pairs of data sets, pairs of functions, and leaves, which are
// the tests. The p-value of a node is Simes' (1986) over those below it, and
// TreeBH (Bogomolov, Peterson, Benjamini and Sabatti, "Hypotheses on a tree",
// Biometrika 2021) selects from the top: the procedure of Benjamini and
// Hochberg (1995) at q over the m1 pairs of data sets selects R1; inside each
// of these the same at q R1/m1 over its m2 pairs of functions selects R2; and
// inside each of those at q R1/m1 R2/m2 over its leaves.
//
// Nothing but R1 and m1 passes from one pair of data sets to another, so each
// may live in a process of its own. All comparisons are of m p/i with q, with
// the same roundings everywhere. Multiplication and division round
// monotonically, so a node's own p, i = R and m decide about it exactly as
// its place in the sorted list would, in every bit.

// scaled returns m p/i, which the i-th smallest of m p-values is judged by.
func scaled(p float64, i, m int) float64 {
	return p * float64(m) / float64(i)
}

// checkP returns an error unless p is in (0, 1] or NaN.
func checkP(p []float64) error {
	for i, v := range p {
		if v <= 0 || v > 1 {
			return fmt.Errorf("p-value %v of test %d is not in (0, 1]; a randomization test counts the data among the rotations, and NaN stands for untestable", v, i)
		}
	}
	return nil
}

// mustP panics where checkP returns an error.
func mustP(p []float64) {
	if err := checkP(p); err != nil {
		panic("relate: " + err.Error())
	}
}

// testable returns the p-values that are not NaN in ascending order.
func testable(p []float64) []float64 {
	sorted := make([]float64, 0, len(p))
	for _, v := range p {
		if !math.IsNaN(v) {
			sorted = append(sorted, v)
		}
	}
	slices.Sort(sorted)
	return sorted
}

// Simes returns the p-value of Simes (1986) of the hypothesis that all of
// several hypotheses are true: the least of m p/i over the ordered p-values,
// i = 1..m. It is valid for independent and for positively dependent p-values.
//
// NaN stands for an untestable hypothesis, which is left out and not counted;
// if there is no other, the result is NaN. Any other value must be in (0, 1]:
// Simes panics at p = 0, which no valid test gives, and which would make any
// family significant. Cost: a sort.
func Simes(p []float64) float64 {
	mustP(p)
	sorted := testable(p)
	least := math.NaN()
	for i, v := range sorted {
		if s := scaled(v, i+1, len(sorted)); !(s >= least) {
			least = s
		}
	}
	return least
}

// stepUp replaces ascending p-values by their adjusted values: for each the
// least of m p/i over itself and the larger ones.
func stepUp(sorted []float64) []float64 {
	adjusted := make([]float64, len(sorted))
	least := 1.0
	for i, v := range slices.Backward(sorted) {
		least = min(least, scaled(v, i+1, len(sorted)))
		adjusted[i] = least
	}
	return adjusted
}

// BenjaminiHochberg returns the p-values adjusted as Benjamini and Hochberg
// (1995) have it: the hypotheses whose adjusted value is at most q are those
// that the procedure rejects at q, and its false discovery rate is at most q
// for independent and for positively dependent p-values. Equal p-values have
// equal adjusted values.
//
// The result has the shape and order of p. NaN stands for an untestable
// hypothesis: it stays NaN and is not counted. Any other value must be in
// (0, 1]; BenjaminiHochberg panics otherwise, at p = 0 too. Cost: a sort.
func BenjaminiHochberg(p []float64) []float64 {
	mustP(p)
	return newRanking(p).all(p)
}

// BenjaminiYekutieli returns the p-values adjusted as Benjamini and Yekutieli
// (2001) have it: those of [BenjaminiHochberg] times 1 + 1/2 + ... + 1/m, at
// most 1. The false discovery rate is at most q whatever the dependence, at
// the price of power. NaN and values outside (0, 1] are treated as in
// [BenjaminiHochberg].
func BenjaminiYekutieli(p []float64) []float64 {
	mustP(p)
	r := newRanking(p)
	harmonic := 0.0
	for i := range r.p {
		harmonic += 1 / float64(i+1)
	}
	adjusted := r.all(p)
	for i, v := range adjusted {
		adjusted[i] = min(1, v*harmonic) // NaN stays NaN
	}
	return adjusted
}

// A Ranking is the global pass over the p-values of one family, one for each
// pair of data sets of a run: all that the shards of a run need to know of
// each other. It depends on the values alone, not on their order.
type Ranking struct {
	p        []float64 // the testable ones, ascending
	adjusted []float64 // of Benjamini and Hochberg
}

// NewRanking ranks p-values, one for each pair of data sets, as [Tree.P]
// returns them. NaN stands for a pair in which nothing could be tested; it is
// not counted. Any other value outside (0, 1] is an error. p is not changed.
// Cost: a sort, and 16 bytes a pair.
func NewRanking(p []float64) (*Ranking, error) {
	if err := checkP(p); err != nil {
		return nil, fmt.Errorf("rank pairs of data sets: %w", err)
	}
	return newRanking(p), nil
}

func newRanking(p []float64) *Ranking {
	sorted := testable(p)
	return &Ranking{p: sorted, adjusted: stepUp(sorted)}
}

// Testable returns m1, the number of pairs of data sets with a p-value.
func (r *Ranking) Testable() int { return len(r.p) }

// Adjusted returns the adjusted value of [BenjaminiHochberg] of a pair of data
// sets whose p-value is p, which must be one of those that were ranked. It is
// NaN if p is NaN. Cost: a binary search.
func (r *Ranking) Adjusted(p float64) float64 {
	i, found := slices.BinarySearch(r.p, p)
	if !found {
		return math.NaN()
	}
	return r.adjusted[i]
}

// all returns the adjusted values of all of the p-values that were ranked.
func (r *Ranking) all(p []float64) []float64 {
	adjusted := make([]float64, len(p))
	for i, v := range p {
		adjusted[i] = r.Adjusted(v)
	}
	return adjusted
}

// Selected returns R1, the number of pairs of data sets that the procedure of
// Benjamini and Hochberg selects at q: those whose adjusted value is at most
// q. It never falls as q grows. Cost: a binary search.
func (r *Ranking) Selected(q float64) int {
	// The number of values at most q is where the next larger number would go.
	i, _ := slices.BinarySearch(r.adjusted, math.Nextafter(q, math.Inf(1)))
	if math.IsNaN(q) {
		return 0
	}
	return i
}

// Levels returns what shards need to select at each of several q, for
// [Tree.SelectAll].
func (r *Ranking) Levels(q ...float64) []Level {
	levels := make([]Level, len(q))
	for i, v := range q {
		levels[i] = Level{Q: v, R1: r.Selected(v), M1: r.Testable()}
	}
	return levels
}

// A Level is what a shard must know of all the others to select at Q.
type Level struct {
	Q  float64 // the false discovery rate that is accepted
	R1 int     // number of pairs of data sets selected at Q
	M1 int     // number of pairs of data sets with a p-value
}

// A Tree holds the p-values of one pair of data sets: its leaves, which are
// tests, under pairs of functions. Leaves are numbered as in the call of
// [NewTree]. It is not changed after that, so goroutines may share it.
type Tree struct {
	leaves family
	pairs  family // the pairs of functions, in the order of their first leaves
	pairOf []int  // number of the leaf's pair of functions, shape [leaves]
	p      float64
}

// A family is a list of p-values and their adjusted values; for leaves the
// concatenation of such lists.
type family struct {
	p, adjusted []float64
}

// NewTree returns the tree of one pair of data sets. Leaf i has the p-value
// p[i] and belongs to the pair of functions pair[i], any value that tells
// them apart; leaves may come in any order. NaN stands for a leaf that could
// not be tested: it is not counted, nor is a pair of functions without any
// testable leaf. The p-value of a pair of functions is [Simes] over its
// leaves, that of the pair of data sets is Simes over its pairs of functions.
//
// Lists of different lengths and p-values outside (0, 1], p = 0 among them,
// are errors. A tree without leaves is none. Cost: a few sorts.
func NewTree[K comparable](pair []K, p []float64) (*Tree, error) {
	if len(pair) != len(p) {
		return nil, fmt.Errorf("tree of tests: %d pairs of functions for %d p-values; give each leaf's", len(pair), len(p))
	}
	if err := checkP(p); err != nil {
		return nil, fmt.Errorf("tree of tests, pair of functions %v: %w", pair[slices.IndexFunc(p, func(v float64) bool { return v <= 0 || v > 1 })], err)
	}
	t := &Tree{
		leaves: family{slices.Clone(p), make([]float64, len(p))},
		pairOf: make([]int, len(p)),
	}
	numbers := map[K]int{}
	var leavesOf [][]int
	for i, k := range pair {
		n, known := numbers[k]
		if !known {
			n = len(leavesOf)
			numbers[k] = n
			leavesOf = append(leavesOf, nil)
		}
		t.pairOf[i] = n
		leavesOf[n] = append(leavesOf[n], i)
	}
	for _, leaves := range leavesOf {
		values := make([]float64, len(leaves))
		for i, leaf := range leaves {
			values[i] = p[leaf]
		}
		ranking := newRanking(values)
		for _, leaf := range leaves {
			t.leaves.adjusted[leaf] = ranking.Adjusted(p[leaf])
		}
		t.pairs.p = append(t.pairs.p, Simes(values))
	}
	t.pairs.adjusted = BenjaminiHochberg(t.pairs.p)
	t.p = Simes(t.pairs.p)
	return t, nil
}

// P returns the p-value of the pair of data sets, or NaN if none of its leaves
// could be tested. It is the one number that the global pass needs.
func (t *Tree) P() float64 { return t.p }

// FunctionPair returns the p-value of a leaf's pair of functions and its
// adjusted value among those of the pair of data sets, both NaN if it has no
// testable leaf.
func (t *Tree) FunctionPair(leaf int) (p, adjusted float64) {
	n := t.pairOf[leaf]
	return t.pairs.p[n], t.pairs.adjusted[n]
}

// Leaf returns the p-value of a leaf and its adjusted value among the leaves
// of its pair of functions, both NaN if it could not be tested.
func (t *Tree) Leaf(leaf int) (p, adjusted float64) {
	return t.leaves.p[leaf], t.leaves.adjusted[leaf]
}

// A Selection says what TreeBH selects in one pair of data sets. A leaf is
// selected only together with its pair of functions, and that only together
// with the pair of data sets.
type Selection struct {
	DatasetPair  bool
	FunctionPair []bool // whether the leaf's pair of functions is selected, shape [leaves]
	Leaf         []bool // shape [leaves]
}

// Select returns what TreeBH selects in this pair of data sets if at q it
// selects r1 of the m1 testable pairs of data sets of the run, as
// [Ranking.Selected] and [Ranking.Testable] return them. The result is the
// same, in every bit, as that of the procedure on all trees at once. What is
// selected at q, with its r1, is selected at every larger q with its own.
// Nothing is selected if q is not positive, or r1 or m1 is 0.
func (t *Tree) Select(q float64, r1, m1 int) Selection {
	s := Selection{FunctionPair: make([]bool, len(t.pairOf)), Leaf: make([]bool, len(t.pairOf))}
	if r1 < 1 || m1 < 1 || !(q > 0) {
		return s
	}
	// A value is at most q r1/m1 if this holds. Written so, the roundings are
	// those of the global pass, and what is selected always has a selected
	// child: the p-value of a node is the least adjusted value below it.
	within := func(p float64) bool { return scaled(p, r1, m1) <= q }
	s.DatasetPair = within(t.p)
	if !s.DatasetPair {
		return s
	}
	r2, m2 := 0, 0
	for _, a := range t.pairs.adjusted {
		if !math.IsNaN(a) {
			m2++
		}
		if within(a) {
			r2++
		}
	}
	for i, n := range t.pairOf {
		s.FunctionPair[i] = within(t.pairs.adjusted[n])
		s.Leaf[i] = s.FunctionPair[i] && within(scaled(t.leaves.adjusted[i], r2, m2))
	}
	return s
}

// SelectAll returns the selection at each of several levels, as
// [Ranking.Levels] returns them.
func (t *Tree) SelectAll(levels []Level) []Selection {
	selections := make([]Selection, len(levels))
	for i, l := range levels {
		selections[i] = t.Select(l.Q, l.R1, l.M1)
	}
	return selections
}
