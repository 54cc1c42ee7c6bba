package relate

import (
	"math"
	"math/rand/v2"
)

// permutations of the weeks that an exploratory test draws: enough to tell 1 %
// after the search over the levels, in milliseconds.
const permutations = 9_999

// weekTables hold the overlaps of every row of one function with every row of
// another.
type weekTables struct {
	rows    int
	lattice bool
	values  []overlapValues // shape [rows*rows], row of f first; centred if not lattice
	joint   []float64       // cells valid in both, same shape; nil if lattice
}

// newWeekTables counts the overlaps of the rows that two functions share.
func newWeekTables(f, g *Marks, rows []int) *weekTables {
	n := len(rows)
	t := &weekTables{rows: n, lattice: true, values: make([]overlapValues, n*n)}
	for i, row := range rows {
		for j, other := range rows {
			o := overlapRows(f.row(f.Positive, row), f.row(f.Negative, row), g.row(g.Positive, other), g.row(g.Negative, other))
			for k, c := range o {
				t.values[i*n+j][k] = float64(c)
			}
		}
	}
	return t
}

// centre makes centred overlaps the values, if cells are missing.
func (t *weekTables) centre(f, g *Marks, rows []int) {
	if t.lattice = fewMissing(f, g, [][]int{rows}); t.lattice {
		return
	}
	t.joint = make([]float64, len(t.values))
	var c centring
	c.learn(f, g, [][]int{rows})
	c.pairs(rows, t.values, t.joint)
}

// overlaps returns the overlaps with row order[i] of g beside row i of f.
func (t *weekTables) overlaps(order []int) (o overlapValues) {
	joint, own := 0.0, 0.0
	for i, j := range order {
		at := i*t.rows + j
		for k, x := range t.values[at] {
			o[k] += x
		}
		if !t.lattice {
			joint += t.joint[at]
			own += t.joint[i*t.rows+i]
		}
	}
	if t.lattice {
		return o
	}
	scale := 0.0
	if joint > 0 {
		scale = math.Sqrt(own / joint)
	}
	for k := range o {
		o[k] *= scale
	}
	return o
}

// explore is test for records of [minExploratory, minRows) weeks, which leave
// no windows to rotate in, and for longer ones if asked for: the weeks of g are
// put in random order instead. The level at the scale of six weeks is not kept,
// so a season or a trend that both functions share counts as a relationship; the
// result is marked Exploratory and is no candidate for control of false
// discoveries.
//
// p = (b+1)/(m+1), b of m permutations being at least as extreme (Phipson and
// Smyth 2010). They are the same in all tests of so many weeks. Cost:
// rows^2*words AND-popcounts and permutations*rows additions; where cells are
// missing rows^2*words more, rows times the features and the missing cells, and
// three floats a cell of a row and function.
func (r *Result) explore(f, g *Marks, rows []int) {
	r.Exploratory, r.Windows, r.Rows, r.rows = true, 1, len(rows), rows
	r.Counts = countRows(f, g, rows)
	t := newWeekTables(f, g, rows)
	for _, o := range t.values {
		for k, c := range o {
			r.ExpectedOverlap += c
			r.ExpectedAgreement += signs[k] * c
		}
	}
	// Divided once: 5 cells, which are enough, are 5.
	r.ExpectedOverlap /= float64(len(rows))
	r.ExpectedAgreement /= float64(len(rows))
	if r.checkFeatures(f, g, rows, Weeks); r.Reason != "" {
		return
	}
	r.Testable = true
	t.centre(f, g, rows)
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	observed := t.overlaps(order)
	value := agreement(&observed)
	rng := rand.New(rand.NewPCG(uint64(len(rows)), 0))
	var lower, upper int
	var overlaps [numOverlaps]int
	var sum, squares float64
	// Sums in another order differ in the last digits.
	const rounding = 1e-9
	for range permutations {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		o := t.overlaps(order)
		d := agreement(&o)
		sum += d - value
		squares += (d - value) * (d - value)
		if d >= value-rounding {
			upper++
		}
		if d <= value+rounding {
			lower++
		}
		for k := range o {
			if o[k] >= observed[k]-rounding {
				overlaps[k]++
			}
		}
	}
	share := func(n int) float64 { return float64(n+1) / (permutations + 1) }
	mean := sum / permutations
	if variance := squares/permutations - mean*mean; variance > 0 {
		r.Z = -mean / math.Sqrt(variance)
	}
	r.PD = min(1, 2*share(min(lower, upper)))
	least := 1.0
	for k, to := range []*float64{&r.PPositivePositive, &r.PNegativeNegative, &r.PPositiveNegative, &r.PNegativePositive} {
		*to = share(overlaps[k])
		least = min(least, *to)
	}
	r.P = min(1, shareOfSigned*r.PD, shareOfOverlaps*least)
}

func agreement(o *overlapValues) float64 {
	d := 0.0
	for k, x := range o {
		d += signs[k] * x
	}
	return d
}
