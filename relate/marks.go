package relate

import (
	"fmt"
	"math"
	"math/bits"

	"polygamy/topology"
)

// Marks are the features of one function at one level, as bits in rows of one
// rotation unit (a week, or a month), in the layout of [topology.Layout]: a
// cell's bit is set in Positive or in Negative if it is part of a positive or
// a negative feature, and in Valid if it holds a value.
type Marks struct {
	First    int // number of the first row, counted from the same origin in all functions
	Rows     int
	Words    int      // of a row
	Cells    int      // bits of a row that stand for cells
	Positive []uint64 // shape [Rows*Words]
	Negative []uint64
	Valid    []uint64 // nil if every cell of every row holds a value

	rows   []rowCounts // see countRows
	before []rowCounts // sums of rows before each, modulo 2^32; shape [Rows+1]
	all    rowTotals
	held   []uint64 // cells of a row that hold a value in some row; nil if all do
	holds  int      // how many these are
}

// rowCounts are how many cells of a row are what.
type rowCounts struct{ positive, negative, valid int32 }

// rowTotals are the sums of counts over rows.
type rowTotals struct {
	positive, negative, valid int
	marked                    int // rows with features
}

// countRows counts the cells of every row, which every test asks for, and finds
// those that ever hold a value.
func (m *Marks) countRows() {
	m.findHeld()
	m.rows, m.before = make([]rowCounts, m.Rows), make([]rowCounts, m.Rows+1)
	for i := range m.rows {
		c := &m.rows[i]
		c.positive, c.negative = int32(count(m.row(m.Positive, m.First+i))), int32(count(m.row(m.Negative, m.First+i)))
		if c.valid = int32(m.Cells); m.Valid != nil {
			c.valid = int32(count(m.row(m.Valid, m.First+i)))
		}
		m.all.add(c)
		b := m.before[i]
		m.before[i+1] = rowCounts{b.positive + c.positive, b.negative + c.negative, b.valid + c.valid}
	}
}

// findHeld finds the cells of a row that hold a value in any row.
func (m *Marks) findHeld() {
	m.held, m.holds = nil, m.Cells
	if m.Valid == nil {
		return
	}
	held := make([]uint64, m.Words)
	for row := range m.Rows {
		for i, w := range m.Valid[row*m.Words:][:m.Words] {
			held[i] |= w
		}
	}
	if n := count(held); n < m.Cells {
		m.held, m.holds = held, n
	}
}

// sharedCells returns how many cells of a row ever hold a value in both.
func sharedCells(f, g *Marks) int {
	switch {
	case f.held == nil && g.held == nil:
		return f.Cells
	case f.held == nil:
		return g.holds
	case g.held == nil:
		return f.holds
	}
	return countBoth(f.held, g.held)
}

// missingCells returns how many of the shared cells, see sharedCells, hold no
// value in a row of m.
func (m *Marks) missingCells(number int, n *Marks, shared int) int {
	switch {
	case n.held == nil:
		return shared - m.validCells(number) // cells that m ever holds, all of them
	case m.Valid == nil:
		return 0
	}
	return shared - countBoth(m.row(m.Valid, number), n.held)
}

func (t *rowTotals) add(c *rowCounts) {
	t.positive, t.negative, t.valid = t.positive+int(c.positive), t.negative+int(c.negative), t.valid+int(c.valid)
	if c.positive|c.negative != 0 {
		t.marked++
	}
}

// totals returns the sums over rows, all different.
func (m *Marks) totals(rows []int) (t rowTotals) {
	if len(rows) == m.Rows {
		return m.all
	}
	for _, row := range rows {
		t.add(m.counts(row))
	}
	return t
}

// counts returns the counts of a row.
func (m *Marks) counts(number int) *rowCounts { return &m.rows[number-m.First] }

// NewMarks returns the marks of a feature map, which they share the memory of.
// first is the number of its first row; cells the number of regions times that
// of the slots of a row.
func NewMarks(m *topology.FeatureMap, regions, first int) *Marks {
	l := m.Layout
	marks := &Marks{
		First: first, Rows: l.Rows(), Words: l.Words(), Cells: regions * l.Period(),
		Positive: m.Positive, Negative: m.Negative, Valid: m.Covered,
	}
	complete := true
	for row := range marks.Rows {
		complete = complete && count(marks.Valid[row*marks.Words:][:marks.Words]) == marks.Cells
	}
	if complete {
		marks.Valid = nil
	}
	marks.countRows()
	return marks
}

// row returns the words of a row, by its number, of one plane.
func (m *Marks) row(plane []uint64, number int) []uint64 {
	return plane[(number-m.First)*m.Words:][:m.Words]
}

// countsWithin returns the counts of a row, of positive and negative features,
// on the cells that hold a value in n too.
func (m *Marks) countsWithin(number int, n *Marks) rowCounts {
	if n.Valid == nil {
		return *m.counts(number)
	}
	valid := n.row(n.Valid, number)
	return rowCounts{
		positive: int32(countBoth(m.row(m.Positive, number), valid)),
		negative: int32(countBoth(m.row(m.Negative, number), valid)),
	}
}

// validCells returns the number of cells of a row that hold a value.
func (m *Marks) validCells(number int) int { return int(m.counts(number).valid) }

// valid returns the cells of a row that hold a value.
func (m *Marks) valid(number int) []uint64 {
	if m.Valid != nil {
		return m.row(m.Valid, number)
	}
	all := make([]uint64, m.Words)
	fill(all, m.Cells)
	return all
}

// Moved returns the marks as they were lag slots before: what stands at slot
// t+lag of m stands at slot t of the result. The rows of the result are all in
// which anything of m then stands: one more than m has, unless the lag is of
// whole rows, of which the first and the last are not valid in full. Lags beyond
// math.MaxInt/8 are as good as that.
func (m *Marks) Moved(lag, regions int) *Marks {
	if lag == 0 {
		return m
	}
	return m.movedOver(m.movedCover(lag, regions), lag, regions)
}

// movedCover returns m as Moved does, without features: which cells hold a
// value.
func (m *Marks) movedCover(lag, regions int) *Marks {
	rows, bits := m.move(lag, regions)
	moved := m.shell(rows, bits)
	valid := m.Valid
	if bits != 0 && valid == nil {
		valid = make([]uint64, len(m.Positive))
		for row := range m.Rows {
			fill(valid[row*m.Words:][:m.Words], m.Cells)
		}
	}
	if moved.Valid = valid; bits != 0 {
		moved.Valid = m.moveBits(valid, bits)
	}
	none := make([]uint64, moved.Rows*moved.Words)
	moved.Positive, moved.Negative = none, none
	moved.countRows()
	return moved
}

// movedOver returns m as Moved does, given which cells hold a value.
func (m *Marks) movedOver(cover *Marks, lag, regions int) *Marks {
	rows, bits := m.move(lag, regions)
	moved := m.shell(rows, bits)
	moved.Positive, moved.Negative, moved.Valid = m.Positive, m.Negative, cover.Valid
	if bits != 0 {
		moved.Positive, moved.Negative = m.moveBits(m.Positive, bits), m.moveBits(m.Negative, bits)
	}
	moved.countRows()
	return moved
}

// shell returns marks without planes, for m that is moved.
func (m *Marks) shell(rows, bits int) *Marks {
	return &Marks{First: m.First + rows, Rows: m.Rows + min(bits, 1), Words: m.Words, Cells: m.Cells}
}

// move returns how far a lag moves m: by whole rows, and from there on by the
// bits of less than a row. Rows so far away that none can be common are as far
// as any, and do not overflow.
func (m *Marks) move(lag, regions int) (rows, bits int) {
	const far = math.MaxInt / 8
	slots := m.Cells / regions
	by := -min(max(lag, -far), far)
	rows = by / slots
	if by%slots < 0 {
		rows--
	}
	return rows, (by - rows*slots) * regions
}

// fill sets the first n bits.
func fill(words []uint64, n int) {
	for i := range words {
		switch {
		case n >= 64*(i+1):
			words[i] = ^uint64(0)
		case n > 64*i:
			words[i] = 1<<(n-64*i) - 1
		}
	}
}

// moveBits returns a plane of one row more, the bits of which, counted over the
// cells of all rows, stand so many, less than a row, after those of the given one.
func (m *Marks) moveBits(plane []uint64, after int) []uint64 {
	moved := make([]uint64, len(plane)+m.Words)
	total := m.Rows * m.Cells
	for row := range m.Rows + 1 {
		for w := range m.Words {
			to := &moved[row*m.Words+w]
			wanted := min(64, m.Cells-64*w)
			at := row*m.Cells + 64*w - after
			n := min(wanted, max(0, -at)) // bits that are there
			for at += n; n < wanted && at < total; {
				// As many as stand together in one word.
				place := at % m.Cells
				bit := place % 64
				some := min(wanted-n, m.Cells-place, 64-bit)
				word := plane[at/m.Cells*m.Words+place/64] >> bit
				*to |= word & (^uint64(0) >> (64 - some)) << n
				n, at = n+some, at+some
			}
		}
	}
	return moved
}

// check panics unless two functions' marks can be compared.
func (m *Marks) check(n *Marks) {
	if m.Words != n.Words || m.Cells != n.Cells {
		panic(fmt.Sprintf("relate: rows of %d and %d cells", m.Cells, n.Cells))
	}
}

// covers reports whether m obviously holds values in the same cells as n.
func (m *Marks) covers(n *Marks) bool {
	same := len(m.Valid) == len(n.Valid) && (len(m.Valid) == 0 || &m.Valid[0] == &n.Valid[0])
	return same && m.First == n.First && m.Rows == n.Rows && m.Words == n.Words && m.Cells == n.Cells
}

// countBoth returns the number of bits that are set in both.
func countBoth(a, b []uint64) int {
	b = b[:len(a)]
	n := 0
	for i, w := range a {
		n += bits.OnesCount64(w & b[i])
	}
	return n
}

func count(words []uint64) int {
	n := 0
	for _, w := range words {
		n += bits.OnesCount64(w)
	}
	return n
}
