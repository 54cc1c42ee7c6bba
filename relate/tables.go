package relate

import (
	"math"
	"math/bits"
)

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

// overlapCounts are the tables of a pair: for every window and rotation of the
// second function, the overlaps. Rotation 0 is the data.
type overlapTables struct {
	windows [][]overlapValues
	lattice bool // no cell is missing, so that all values are counts
}

// overlapValues are overlaps, centred and scaled where cells are missing.
type overlapValues [numOverlaps]float64

// maxMissing is the share of missing cells from which on counts are centred
// and scaled: below it they are as good and on a lattice.
const maxMissing = 0.02

// newTables fills in the tables of two functions over windows of rows.
func newTables(f, g *Marks, windows [][]int) *overlapTables {
	t := &overlapTables{lattice: true}
	missing, cells := 0, 0
	for _, w := range windows {
		for _, row := range w {
			cells += f.Cells
			missing += max(f.Cells-f.validCells(row), g.Cells-g.validCells(row))
		}
	}
	if float64(missing) > maxMissing*float64(cells) {
		t.lattice = false
	}
	for _, w := range windows {
		if t.lattice {
			t.windows = append(t.windows, countWindow(f, g, w))
		} else {
			t.windows = append(t.windows, centreWindow(f, g, w))
		}
	}
	return t
}

// countWindow counts the overlaps of one window for every rotation.
func countWindow(f, g *Marks, window []int) []overlapValues {
	n := len(window)
	table := make([]overlapValues, n)
	for i, row := range window {
		p1, n1 := f.row(f.Positive, row), f.row(f.Negative, row)
		for u := range n {
			other := window[(i+u)%n]
			o := overlapRows(p1, n1, g.row(g.Positive, other), g.row(g.Negative, other))
			for k, c := range o {
				table[u][k] += float64(c)
			}
		}
	}
	return table
}

// centreWindow returns the overlaps of one window with every indicator a of a
// feature replaced by v*(a - mean of a over the valid cells of the window), so
// that coverage that both functions share is no coincidence; and scaled by
// sqrt(n(0)/n(u)), n(u) being the number of cells that are valid in both after
// rotation u, since shared outages make n(0) the largest.
func centreWindow(f, g *Marks, window []int) []overlapValues {
	n := len(window)
	valid := func(m *Marks, row int) []uint64 {
		if m.Valid != nil {
			return m.row(m.Valid, row)
		}
		all := make([]uint64, m.Words)
		fill(all, m.Cells)
		return all
	}
	mean := func(m *Marks) (positive, negative float64) {
		cells := 0
		for _, row := range window {
			positive += float64(count(m.row(m.Positive, row)))
			negative += float64(count(m.row(m.Negative, row)))
			cells += m.validCells(row)
		}
		return positive / float64(max(cells, 1)), negative / float64(max(cells, 1))
	}
	fp, fn := mean(f)
	gp, gn := mean(g)
	table := make([]overlapValues, n)
	both := make([]float64, n)
	for i, row := range window {
		v1 := valid(f, row)
		for u := range n {
			other := window[(i+u)%n]
			v2 := valid(g, other)
			o := overlapRows(f.row(f.Positive, row), f.row(f.Negative, row), g.row(g.Positive, other), g.row(g.Negative, other))
			covered := overlapRows(f.row(f.Positive, row), v1, g.row(g.Positive, other), v2) // of the indicators with the other's coverage
			negatives := overlapRows(f.row(f.Negative, row), v1, g.row(g.Negative, other), v2)
			joint := float64(covered[negativeNegative])                                        // v1 and v2
			f1, f2 := float64(covered[positiveNegative]), float64(negatives[positiveNegative]) // f's features where g is valid
			g1, g2 := float64(covered[negativePositive]), float64(negatives[negativePositive]) // g's features where f is valid
			table[u][positivePositive] += float64(o[positivePositive]) - fp*g1 - gp*f1 + fp*gp*joint
			table[u][negativeNegative] += float64(o[negativeNegative]) - fn*g2 - gn*f2 + fn*gn*joint
			table[u][positiveNegative] += float64(o[positiveNegative]) - fp*g2 - gn*f1 + fp*gn*joint
			table[u][negativePositive] += float64(o[negativePositive]) - fn*g1 - gp*f2 + fn*gp*joint
			both[u] += joint
		}
	}
	for u := range table {
		scale := 0.0
		if both[u] > 0 {
			scale = math.Sqrt(both[0] / both[u])
		}
		for k := range table[u] {
			table[u][k] *= scale
		}
	}
	return table
}

// null returns the null distribution of a weighted sum of the four overlaps.
func (t *overlapTables) null(weights overlapValues) *null {
	n := &null{lattice: t.lattice, tables: make([][]float64, len(t.windows))}
	for q, w := range t.windows {
		n.tables[q] = make([]float64, len(w))
		for u, o := range w {
			for k, x := range o {
				n.tables[q][u] += weights[k] * x
			}
		}
	}
	return n
}
