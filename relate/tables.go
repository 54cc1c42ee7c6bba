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

// overlapTables are the tables of a pair: for every window and rotation of the
// second function, the overlaps. Rotation 0 is the data.
type overlapTables struct {
	windows  [][]overlapValues
	lattice  bool          // no cell is missing, so that all values are counts
	observed overlapValues // counts of the data
	expected overlapValues // counts under the null: the mean over all rotations
}

// overlapValues are overlaps, centred and scaled where cells are missing.
type overlapValues [numOverlaps]float64

// maxMissing is the share of missing cells from which on counts are centred
// and scaled: below it they are as good and on a lattice.
const maxMissing = 0.02

// newTables fills in the tables of two functions over windows of rows.
func newTables(f, g *Marks, windows [][]int) *overlapTables {
	t := &overlapTables{}
	missing, cells := 0, 0
	for _, w := range windows {
		for _, row := range w {
			cells += f.Cells
			missing += max(f.Cells-f.validCells(row), g.Cells-g.validCells(row))
		}
	}
	t.lattice = float64(missing) <= maxMissing*float64(cells)
	for _, w := range windows {
		counts := countWindow(f, g, w)
		for u, o := range counts {
			for k, c := range o {
				t.expected[k] += c / float64(len(w))
				if u == 0 {
					t.observed[k] += c
				}
			}
		}
		if !t.lattice {
			counts = centreWindow(f, g, w, counts)
		}
		t.windows = append(t.windows, counts)
	}
	return t
}

// countWindow counts the overlaps of one window for every rotation.
func countWindow(f, g *Marks, window []int) []overlapValues {
	n, words := len(window), f.Words
	table := make([]overlapValues, n)
	for i, row := range window {
		first := (row - f.First) * words
		p1, n1 := f.Positive[first:][:words], f.Negative[first:][:words]
		for j, other := range window {
			u := j - i // the rotation that brings row j of g to row i of f
			if u < 0 {
				u += n
			}
			second := (other - g.First) * words
			p2, n2 := g.Positive[second:][:words], g.Negative[second:][:words]
			var pp, nn, pn, np int
			for k, p := range p1 {
				m, q, o := n1[k], p2[k], n2[k]
				pp += bits.OnesCount64(p & q)
				nn += bits.OnesCount64(m & o)
				pn += bits.OnesCount64(p & o)
				np += bits.OnesCount64(m & q)
			}
			t := &table[u]
			t[positivePositive] += float64(pp)
			t[negativeNegative] += float64(nn)
			t[positiveNegative] += float64(pn)
			t[negativePositive] += float64(np)
		}
	}
	return table
}

// centreWindow returns the overlaps of one window with every indicator a of a
// feature replaced by v*(a - mean of a over the valid cells of the window), so
// that coverage that both functions share is no coincidence; and scaled by
// sqrt(n(0)/n(u)), n(u) being the number of cells that are valid in both after
// rotation u, since shared outages make n(0) the largest.
func centreWindow(f, g *Marks, window []int, counts []overlapValues) []overlapValues {
	n := len(window)
	fp, fn := f.shares(window)
	gp, gn := g.shares(window)
	table := make([]overlapValues, n)
	joint := make([]float64, n)
	for i, row := range window {
		v1 := f.valid(row)
		for u := range n {
			other := window[(i+u)%n]
			v2 := g.valid(other)
			// The indicators of one function where the other is valid, and the
			// cells that are valid in both.
			f1 := float64(countBoth(f.row(f.Positive, row), v2))
			f2 := float64(countBoth(f.row(f.Negative, row), v2))
			g1 := float64(countBoth(v1, g.row(g.Positive, other)))
			g2 := float64(countBoth(v1, g.row(g.Negative, other)))
			both := float64(countBoth(v1, v2))
			table[u][positivePositive] += fp*gp*both - fp*g1 - gp*f1
			table[u][negativeNegative] += fn*gn*both - fn*g2 - gn*f2
			table[u][positiveNegative] += fp*gn*both - fp*g2 - gn*f1
			table[u][negativePositive] += fn*gp*both - fn*g1 - gp*f2
			joint[u] += both
		}
	}
	for u := range table {
		scale := 0.0
		if joint[u] > 0 {
			scale = math.Sqrt(joint[0] / joint[u])
		}
		for k := range table[u] {
			table[u][k] = scale * (table[u][k] + counts[u][k])
		}
	}
	return table
}

// counts returns the counts of the data in the rows of the windows.
func (t *overlapTables) counts(f, g *Marks, rows []int) Counts {
	if f.Valid != nil || g.Valid != nil {
		return countRows(f, g, rows)
	}
	c := Counts{
		PositivePositive: int(t.observed[positivePositive]), NegativeNegative: int(t.observed[negativeNegative]),
		PositiveNegative: int(t.observed[positiveNegative]), NegativePositive: int(t.observed[negativePositive]),
		Cells: len(rows) * f.Cells,
	}
	for _, row := range rows {
		a, b := f.counts(row), g.counts(row)
		c.PositiveF, c.NegativeF = c.PositiveF+a.positive, c.NegativeF+a.negative
		c.PositiveG, c.NegativeG = c.PositiveG+b.positive, c.NegativeG+b.negative
	}
	return c
}

// null returns the null distribution of a weighted sum of the four overlaps.
func (t *overlapTables) null(weights overlapValues) *null {
	n := &null{whole: t.lattice, tables: make([][]float64, len(t.windows))}
	values := 0
	for _, w := range t.windows {
		values += len(w)
	}
	all := make([]float64, values)
	for q, w := range t.windows {
		n.tables[q], all = all[:len(w)], all[len(w):]
		for u := range w {
			o := &w[u]
			n.tables[q][u] = weights[0]*o[0] + weights[1]*o[1] + weights[2]*o[2] + weights[3]*o[3]
		}
	}
	return n
}
