package relate

import (
	"math"
	"math/bits"
)

// A centring centres the overlaps of incomplete functions, so that coverage
// that both share is no coincidence, in memory that its next use takes over.
//
// The indicator of a feature is centred by its mean at its place in the row,
// over the rows of the test, and then by its mean in the window; it is 0 where
// no value is held. With the window's mean alone, a cycle that both functions
// share would leave a product whose mean is far from 0. Overlaps are scaled by
// sqrt(n(0)/n(u)), n(u) being the number of cells that are valid in both after
// rotation u, since shared outages make n(0) the largest.
//
// With a and b the indicators, p and q what is taken from them and sums over
// the cells that hold a value in both,
//
//	sum (a-p)(b-q) = sum ab - sum aq - sum bp + sum pq
//
// of which the first is counted as if no cell were missing, and the others are
// the same for all rotations but for cells that are missing: cost is that of
// the features and the missing cells, and rows * 6 * words to find them.
type centring struct {
	f, g  centredRows
	both  [2][2]float64 // sums over a row of the products of shares, by signs
	base  overlapValues // what is the same for all rotations of a window
	sums  []overlapValues
	joint []float64
}

// centredRows are the rows of a window of one function.
type centredRows struct {
	marks   *Marks
	shares  [][2]float64 // of the valid rows in which a cell is a positive or negative feature
	total   [2]float64   // sums of the shares over a row
	valid   []float64    // rows that hold a value in a cell
	window  []int
	missing []uint64   // cells of the rows that hold no value, shape [rows*words]
	gaps    []bool     // whether a row has any
	means   [2]float64 // of what is left in the window of indicators less shares
}

// learn finds the shares over the rows of windows.
func (c *centredRows) learn(m *Marks, windows [][]int) {
	c.marks, c.shares, c.valid = m, resize(c.shares, m.Cells), resize(c.valid, m.Cells)
	clear(c.shares)
	rows := 0
	for _, w := range windows {
		rows += len(w)
	}
	for i := range c.valid {
		c.valid[i] = float64(rows)
	}
	for _, w := range windows {
		c.find(w)
		for i := range w {
			for k, x := range c.missingRow(i) {
				for ; x != 0; x &= x - 1 {
					c.valid[64*k+bits.TrailingZeros64(x)]--
				}
			}
			for sign, row := range c.row(i) {
				for k, x := range row {
					for ; x != 0; x &= x - 1 {
						c.shares[64*k+bits.TrailingZeros64(x)][sign]++
					}
				}
			}
		}
	}
	c.total = [2]float64{}
	for i, n := range c.valid {
		if n > 0 {
			c.shares[i][0] /= n
			c.shares[i][1] /= n
		}
		c.total[0] += c.shares[i][0]
		c.total[1] += c.shares[i][1]
	}
}

// find makes a window the one at hand, without its means.
func (c *centredRows) find(window []int) {
	m := c.marks
	c.window = window
	c.missing = resize(c.missing, len(window)*m.Words)
	c.gaps = resize(c.gaps, len(window))
	clear(c.missing)
	clear(c.gaps)
	for i, row := range window {
		if m.validCells(row) == m.Cells {
			continue
		}
		c.gaps[i] = true
		missing := c.missingRow(i)
		fill(missing, m.Cells)
		for k, w := range m.row(m.Valid, row) {
			missing[k] &^= w
		}
	}
}

// open makes a window the one at hand.
func (c *centredRows) open(window []int) {
	c.find(window)
	cells := 0
	left := [2]float64{}
	for i, row := range window {
		n := c.marks.counts(row)
		left[0] += float64(n.positive) - c.total[0]
		left[1] += float64(n.negative) - c.total[1]
		cells += int(n.valid)
		for k, x := range c.missingRow(i) {
			for ; x != 0; x &= x - 1 {
				share := &c.shares[64*k+bits.TrailingZeros64(x)]
				left[0] += share[0]
				left[1] += share[1]
			}
		}
	}
	for sign := range left {
		c.means[sign] = left[sign] / float64(max(cells, 1))
	}
}

// row returns the positive and negative features of a row of the window.
func (c *centredRows) row(i int) [2][]uint64 {
	return [2][]uint64{c.marks.row(c.marks.Positive, c.window[i]), c.marks.row(c.marks.Negative, c.window[i])}
}

func (c *centredRows) missingRow(i int) []uint64 {
	return c.missing[i*c.marks.Words:][:c.marks.Words]
}

// taken returns what is taken from the indicators of a cell.
func (c *centredRows) taken(cell int) (positive, negative float64) {
	share := &c.shares[cell]
	return share[0] + c.means[0], share[1] + c.means[1]
}

// learn finds the means of two functions over the rows of windows.
func (c *centring) learn(f, g *Marks, windows [][]int) {
	c.f.learn(f, windows)
	c.g.learn(g, windows)
	c.both = [2][2]float64{}
	for i := range c.f.shares {
		p, q := &c.f.shares[i], &c.g.shares[i]
		c.both[0][0] += p[0] * q[0]
		c.both[0][1] += p[0] * q[1]
		c.both[1][0] += p[1] * q[0]
		c.both[1][1] += p[1] * q[1]
	}
}

// signsOf are the signs, 0 positive, of the functions in each overlap.
var signsOf = [numOverlaps][2]int{
	positivePositive: {0, 0}, negativeNegative: {1, 1}, positiveNegative: {0, 1}, negativePositive: {1, 0},
}

// noise bounds what rounding leaves, over the counts that it comes from, of
// overlaps that are 0: those of features that never change. Its chances must
// not be taken for those of the data.
const noise = 1e-12

// window returns the centred and scaled overlaps of a window, whose counts are
// given.
func (c *centring) window(window []int, counts func(u, k int) float64) []overlapValues {
	n := len(window)
	c.f.open(window)
	c.g.open(window)
	c.findBase()
	c.sums, c.joint = resize(c.sums, n), resize(c.joint, n)
	for u := range n {
		c.sums[u], c.joint[u] = c.base, 0
		for k := range c.base {
			c.sums[u][k] += counts(u, k)
		}
		for i := range n {
			c.joint[u] += c.restore(&c.sums[u], i, (i+u)%n)
		}
		scale := 0.0
		if c.joint[u] > 0 {
			scale = math.Sqrt(c.joint[0] / c.joint[u])
		}
		for k, x := range c.sums[u] {
			if math.Abs(x) <= noise*(counts(u, k)+math.Abs(c.base[k])) {
				x = 0
			}
			c.sums[u][k] = x * scale
		}
	}
	return c.sums
}

// pairs makes the counts of every row of a window beside every row, shape
// [rows*rows] with the row of f first, centred overlaps that are not scaled, and
// writes the number of cells that are valid in both.
func (c *centring) pairs(window []int, values []overlapValues, joint []float64) {
	n := len(window)
	c.f.open(window)
	c.g.open(window)
	// What is taken whatever the other row is; see findBase.
	taken := make([]struct{ f, g overlapValues }, n)
	for i := range taken {
		c.addFeaturesOfF(&taken[i].f, -1, i, nil)
		c.addFeaturesOfG(&taken[i].g, -1, i, nil)
		for k, x := range c.f.missingRow(i) {
			c.addMissing(&taken[i].f, -1, k, x)
		}
		for k, x := range c.g.missingRow(i) {
			c.addMissing(&taken[i].g, -1, k, x)
		}
	}
	all := c.allTaken()
	for at := range values {
		i, j := at/n, at%n
		counts := values[at]
		base := all
		for k := range base {
			base[k] += taken[i].f[k] + taken[j].g[k]
			values[at][k] += base[k]
		}
		joint[at] = c.restore(&values[at], i, j)
		for k, x := range values[at] {
			if math.Abs(x) <= noise*(counts[k]+math.Abs(base[k])) {
				values[at][k] = 0
			}
		}
	}
}

// allTaken returns the products of what is taken from both functions, summed
// over all cells of a row.
func (c *centring) allTaken() (o overlapValues) {
	f, g, cells := &c.f, &c.g, float64(c.f.marks.Cells)
	for k, sign := range signsOf {
		s, t := sign[0], sign[1]
		o[k] = c.both[s][t] + f.means[s]*g.total[t] + g.means[t]*f.total[s] + cells*f.means[s]*g.means[t]
	}
	return o
}

// findBase finds what would be taken from the counts of every rotation if no
// features met cells, and no missing cells each other, that are missing in the
// other function.
func (c *centring) findBase() {
	f, g := &c.f, &c.g
	for k, x := range c.allTaken() {
		c.base[k] = float64(len(f.window)) * x
	}
	for i := range f.window {
		c.addFeaturesOfF(&c.base, -1, i, nil)
		c.addFeaturesOfG(&c.base, -1, i, nil)
		for k, x := range f.missingRow(i) {
			c.addMissing(&c.base, -1, k, x)
		}
		for k, x := range g.missingRow(i) {
			c.addMissing(&c.base, -1, k, x)
		}
	}
}

// restore gives back to the sums what row i of f and row j of g do not have in
// common, and returns the number of cells that are valid in both.
func (c *centring) restore(sums *overlapValues, i, j int) float64 {
	missingF, missingG := c.f.missingRow(i), c.g.missingRow(j)
	joint := min(c.f.marks.validCells(c.f.window[i]), c.g.marks.validCells(c.g.window[j]))
	if c.g.gaps[j] {
		c.addFeaturesOfF(sums, 1, i, missingG)
	}
	if c.f.gaps[i] {
		c.addFeaturesOfG(sums, 1, j, missingF)
	}
	if c.f.gaps[i] && c.g.gaps[j] {
		joint = c.f.marks.Cells
		for k, x := range missingF {
			y := missingG[k]
			joint -= bits.OnesCount64(x | y)
			c.addMissing(sums, 1, k, x&y)
		}
	}
	return float64(joint)
}

// addFeaturesOfF adds sign times what is taken from g in the features of row i
// of f; in all cells, or in those within.
func (c *centring) addFeaturesOfF(sums *overlapValues, sign float64, i int, within []uint64) {
	row := c.f.row(i)
	positive, negative := features(row[0], within, &c.g)
	sums[positivePositive] += sign * positive
	sums[positiveNegative] += sign * negative
	positive, negative = features(row[1], within, &c.g)
	sums[negativePositive] += sign * positive
	sums[negativeNegative] += sign * negative
}

// addFeaturesOfG is addFeaturesOfF the other way round.
func (c *centring) addFeaturesOfG(sums *overlapValues, sign float64, j int, within []uint64) {
	row := c.g.row(j)
	positive, negative := features(row[0], within, &c.f)
	sums[positivePositive] += sign * positive
	sums[negativePositive] += sign * negative
	positive, negative = features(row[1], within, &c.f)
	sums[positiveNegative] += sign * positive
	sums[negativeNegative] += sign * negative
}

// features returns the sums of what is taken from a function in cells, all or
// only those in within.
func features(cells, within []uint64, c *centredRows) (positive, negative float64) {
	for k, x := range cells {
		if within != nil {
			x &= within[k]
		}
		for ; x != 0; x &= x - 1 {
			p, n := c.taken(64*k + bits.TrailingZeros64(x))
			positive += p
			negative += n
		}
	}
	return positive, negative
}

// addMissing adds sign times the products of what is taken from both functions
// in the cells x of word k of a row.
func (c *centring) addMissing(sums *overlapValues, sign float64, k int, x uint64) {
	for ; x != 0; x &= x - 1 {
		cell := 64*k + bits.TrailingZeros64(x)
		pf, nf := c.f.taken(cell)
		pg, ng := c.g.taken(cell)
		sums[positivePositive] += sign * pf * pg
		sums[negativeNegative] += sign * nf * ng
		sums[positiveNegative] += sign * pf * ng
		sums[negativePositive] += sign * nf * pg
	}
}
