package relate

import (
	"math"
	"math/bits"

	"gonum.org/v1/gonum/floats"
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
	t := &overlapTables{lattice: fewMissing(f, g, windows)}
	var meansF, meansG *cellMeans
	if !t.lattice {
		meansF, meansG = newCellMeans(f, windows), newCellMeans(g, windows)
	}
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
			counts = centreWindow(f, g, meansF, meansG, w)
		}
		t.windows = append(t.windows, counts)
	}
	return t
}

// fewMissing reports whether the cells that the functions miss are so few that
// plain counts do.
func fewMissing(f, g *Marks, windows [][]int) bool {
	missing, cells := 0, 0
	for _, w := range windows {
		for _, row := range w {
			cells += f.Cells
			missing += max(f.Cells-f.validCells(row), g.Cells-g.validCells(row))
		}
	}
	return float64(missing) <= maxMissing*float64(cells)
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

// centreWindow returns the overlaps of one window with the indicators of
// features centred, so that coverage that both functions share is no
// coincidence; and scaled by sqrt(n(0)/n(u)), n(u) being the number of cells
// that are valid in both after rotation u, since shared outages make n(0) the
// largest. An indicator is centred by its mean at its place in the row, over
// the rows of the test, and then by its mean in the window: with the window's
// alone, a cycle that both functions share would leave a product whose mean is
// far from 0, which the scale would turn into a coincidence.
func centreWindow(f, g *Marks, meansF, meansG *cellMeans, window []int) []overlapValues {
	n := len(window)
	a, b := meansF.centred(f, window), meansG.centred(g, window)
	table := make([]overlapValues, n)
	joint := make([]float64, n)
	for i, row := range window {
		for u := range n {
			j := (i + u) % n
			joint[u] += float64(countBoth(f.valid(row), g.valid(window[j])))
			for k, x := range centredOverlaps(&a, &b, i, j) {
				table[u][k] += x
			}
		}
	}
	for u := range table {
		scale := 0.0
		if joint[u] > 0 {
			scale = math.Sqrt(joint[0] / joint[u])
		}
		for k := range table[u] {
			table[u][k] *= scale
		}
	}
	return table
}

// centredOverlaps returns the overlaps of row i of one function with row j of
// another, of centred indicators.
func centredOverlaps(a, b *[2][][]float64, i, j int) overlapValues {
	return overlapValues{
		positivePositive: floats.Dot(a[0][i], b[0][j]), negativeNegative: floats.Dot(a[1][i], b[1][j]),
		positiveNegative: floats.Dot(a[0][i], b[1][j]), negativePositive: floats.Dot(a[1][i], b[0][j]),
	}
}

// cellMeans are the shares of the valid rows in which each cell of a row is a
// positive and a negative feature.
type cellMeans [2][]float64

func newCellMeans(m *Marks, windows [][]int) *cellMeans {
	means := &cellMeans{make([]float64, m.Cells), make([]float64, m.Cells)}
	valid := make([]float64, m.Cells)
	for _, w := range windows {
		for _, row := range w {
			addBits(valid, m.valid(row))
			addBits(means[0], m.row(m.Positive, row))
			addBits(means[1], m.row(m.Negative, row))
		}
	}
	for c, n := range valid {
		if n > 0 {
			means[0][c] /= n
			means[1][c] /= n
		}
	}
	return means
}

// addBits adds 1 to the counts of the bits that are set.
func addBits(counts []float64, words []uint64) {
	for i, w := range words {
		for ; w != 0; w &= w - 1 {
			counts[64*i+bits.TrailingZeros64(w)]++
		}
	}
}

// centred returns the centred indicators of the rows of a window, of positive
// and of negative features; 0 in cells that are not valid.
func (c *cellMeans) centred(m *Marks, window []int) (values [2][][]float64) {
	for sign, plane := range [][]uint64{m.Positive, m.Negative} {
		sum, cells := 0.0, 0
		for _, row := range window {
			x := make([]float64, m.Cells)
			addBits(x, m.row(plane, row))
			for i, w := range m.valid(row) {
				for ; w != 0; w &= w - 1 {
					at := 64*i + bits.TrailingZeros64(w)
					x[at] -= c[sign][at]
					sum += x[at]
					cells++
				}
			}
			values[sign] = append(values[sign], x)
		}
		mean := sum / float64(max(cells, 1))
		for r, row := range window {
			for i, w := range m.valid(row) {
				for ; w != 0; w &= w - 1 {
					values[sign][r][64*i+bits.TrailingZeros64(w)] -= mean
				}
			}
		}
	}
	return values
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
