package relate

import "math/bits"

// The statistics of a pair: how many cells are positive features of both
// functions, negative ones of both, positive of the first and negative of the
// second, and the other way round.
const (
	positivePositive = iota
	negativeNegative
	positiveNegative
	negativePositive
	numOverlaps
)

// overlaps are the four counts of one row of each function.
type overlaps [numOverlaps]int

// overlapRows counts the overlaps of two rows. Slices of one length let the
// compiler leave the bounds checks out.
func overlapRows(p1, n1, p2, n2 []uint64) (o overlaps) {
	n1, p2, n2 = n1[:len(p1)], p2[:len(p1)], n2[:len(p1)]
	var pp, nn, pn, np int
	for i, p := range p1 {
		n, q, m := n1[i], p2[i], n2[i]
		pp += bits.OnesCount64(p & q)
		nn += bits.OnesCount64(n & m)
		pn += bits.OnesCount64(p & m)
		np += bits.OnesCount64(n & q)
	}
	return overlaps{pp, nn, pn, np}
}

// overlapTables are the tables of a pair: for every window and rotation of the
// second function, the overlaps and D. Rotation 0 is the data.
type overlapTables struct {
	sizes   []int // rotations of every window
	lattice bool  // hardly a cell is missing, so that counts will do
	// counts of the overlaps and D, of one window after the other, and their
	// values where they are not counts.
	counts [numStatistics][]int32
	values [numStatistics][]float64
	sums   [numStatistics]windowSum

	observed Counts        // overlaps of the data
	expected overlapValues // overlaps under the null: the mean over all rotations
	// extreme is the probability of the largest D that rotations can give, or
	// anything up to minAttainable/2 if that is as much, which no test needs; of
	// counts: centred values hardly ever tie, so that theirs says nothing about
	// how rare a coincidence of the features can be.
	extreme float64

	rates    []windowRates // of both functions
	kernel   kernel
	window   []overlapCounts // of the window at hand
	centring centring
}

// The statistics of a test are the overlaps and D.
const (
	signedOverlap = numOverlaps
	numStatistics = numOverlaps + 1
)

// overlapCounts are overlaps of whole windows.
type overlapCounts [numOverlaps]int64

// overlapValues are overlaps, centred and scaled where cells are missing.
type overlapValues [numOverlaps]float64

// maxMissing is the share of missing cells from which on counts are centred
// and scaled: below it they are as good and on a lattice.
const maxMissing = 0.02

// fill fills in the tables of two functions over windows of rows.
func (t *overlapTables) fill(f, g *Marks, windows [][]int) {
	t.sizes = t.sizes[:0]
	all := 0
	for _, w := range windows {
		t.sizes = append(t.sizes, len(w))
		all += len(w)
	}
	for k := range t.counts {
		t.counts[k] = resize(t.counts[k], all)
	}
	at := 0
	for _, w := range windows {
		t.window = resize(t.window, len(w))
		clear(t.window)
		t.kernel.countWindow(f, g, w, t.window)
		t.take(at)
		at += len(w)
	}
	for k := range t.sums {
		t.sums[k].measure(t.sizes, t.counts[k], nil)
	}
	t.observed = Counts{
		PositivePositive: int(t.sums[positivePositive].observed), NegativeNegative: int(t.sums[negativeNegative].observed),
		PositiveNegative: int(t.sums[positiveNegative].observed), NegativePositive: int(t.sums[negativePositive].observed),
	}
	for k := range t.expected {
		t.expected[k] = t.sums[k].mean
	}
	t.extreme = t.sums[signedOverlap].share(true, minAttainable/2)
	if t.lattice = fewMissing(f, g, windows); !t.lattice {
		t.centre(f, g, windows)
	}
}

// take makes the counts of a window those of the tables from at on.
func (t *overlapTables) take(at int) {
	end := at + len(t.window)
	ppTo, nnTo, pnTo := t.counts[positivePositive][at:end], t.counts[negativeNegative][at:end], t.counts[positiveNegative][at:end]
	npTo, dTo := t.counts[negativePositive][at:end], t.counts[signedOverlap][at:end]
	for u := range t.window {
		o := &t.window[u]
		pp, nn, pn, np := int32(o[positivePositive]), int32(o[negativeNegative]), int32(o[positiveNegative]), int32(o[negativePositive])
		ppTo[u], nnTo[u], pnTo[u], npTo[u] = pp, nn, pn, np
		dTo[u] = pp + nn - pn - np
	}
}

// fewMissing reports whether the cells that the functions miss, of those that
// both ever cover, are so few that plain counts do: a cell that is never covered
// in both has no part in any rotation.
func fewMissing(f, g *Marks, windows [][]int) bool {
	if f.Valid == nil && g.Valid == nil {
		return true
	}
	missing, cells, shared := 0, 0, sharedCells(f, g)
	for _, w := range windows {
		for _, row := range w {
			cells += shared
			missing += max(f.missingCells(row, g, shared), g.missingCells(row, f, shared))
		}
	}
	return float64(missing) <= maxMissing*float64(cells)
}

// centre makes centred overlaps the values of the tables.
func (t *overlapTables) centre(f, g *Marks, windows [][]int) {
	for k := range t.values {
		t.values[k] = resize(t.values[k], len(t.counts[k]))
	}
	t.centring.learn(f, g, windows)
	at := 0
	for _, w := range windows {
		counts := func(u, k int) float64 { return float64(t.counts[k][at+u]) }
		for u, values := range t.centring.window(w, counts) {
			d := 0.0
			for k, x := range values {
				t.values[k][at+u] = x
				d += signs[k] * x
			}
			t.values[signedOverlap][at+u] = d
		}
		at += len(w)
	}
	for k := range t.sums {
		t.sums[k].measure(t.sizes, nil, t.values[k])
	}
}

// jointCells returns the number of cells of a row of f that hold a value in
// both f and a row of g.
func jointCells(f, g *Marks, row, other int) int {
	switch {
	case f.Valid == nil:
		return g.validCells(other)
	case g.Valid == nil:
		return f.validCells(row)
	}
	return countBoth(f.row(f.Valid, row), g.row(g.Valid, other))
}

// dataCounts returns the counts of the data in the rows of the windows.
func (t *overlapTables) dataCounts(f, g *Marks, rows []int) Counts {
	if f.Valid != nil || g.Valid != nil {
		return countRows(f, g, rows)
	}
	c, a, b := t.observed, f.totals(rows), g.totals(rows)
	c.PositiveF, c.NegativeF, c.PositiveG, c.NegativeG = a.positive, a.negative, b.positive, b.negative
	c.Cells = len(rows) * f.Cells
	return c
}
