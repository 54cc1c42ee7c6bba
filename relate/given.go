package relate

import (
	"fmt"
	"slices"
)

// Within returns the features of m on the cells that a third function covers;
// the others are missing. It is what [Marks.Without] is to be compared with.
//
// The third function is of the same regions, or of the whole city while m has
// regions, of which regions is the number: then what holds of a slot holds of
// all its regions. Its rows are aligned by their numbers; cells in rows that it
// does not have are missing. m itself is returned if it loses no cell. Within
// panics if the rows do not fit. Cost: a few passes over the words.
func (m *Marks) Within(third *Marks, regions int) *Marks {
	return m.kept(third, regions, third.valid)
}

// Without returns the features of m on the cells where a third function is
// known to have none: cells where it has a feature, of either sign, and cells
// where it has no value, are missing.
//
// To ask whether two functions are related for another reason than the third,
// test f.Without(third) against g.Without(third), both: were only one of them
// cut, the third's part in the other would remain, and meet what it does not
// meet in the data. Cells that both miss are no coincidence, as [Test] centres
// and scales counts where cells are missing. What the third does outside of its
// features is not taken out, so that a small p is no proof that the functions
// have more in common; that the relationship is gone shows that it came with
// the third's features. Arguments are those of [Marks.Within].
func (m *Marks) Without(third *Marks, regions int) *Marks {
	return m.kept(third, regions, func(row int) []uint64 {
		quiet := slices.Clone(third.valid(row))
		p, n := third.row(third.Positive, row), third.row(third.Negative, row)
		for i := range quiet {
			quiet[i] &^= p[i] | n[i]
		}
		return quiet
	})
}

// kept returns m on the cells that a row of third keeps.
func (m *Marks) kept(third *Marks, regions int, keep func(row int) []uint64) *Marks {
	spread := third.Cells != m.Cells
	if regions < 1 || m.Cells%regions != 0 || spread && third.Cells*regions != m.Cells {
		panic(fmt.Sprintf("relate: rows of %d cells in %d regions, of which a third function covers rows of %d cells", m.Cells, regions, third.Cells))
	}
	return m.masked(func(row int, to []uint64) {
		switch {
		case row < third.First || row >= third.First+third.Rows:
		case spread:
			for slot, kept := range bitsOf(keep(row), third.Cells) {
				if kept {
					setBits(to, slot*regions, regions)
				}
			}
		default:
			copy(to, keep(row))
		}
	})
}

// WithoutRows returns m with the given rows, by their numbers, missing: weeks
// that hold a holiday, say. Rows that m does not have are ignored. m itself is
// returned if it loses no row. Cost: a pass over the words.
func (m *Marks) WithoutRows(rows []int) *Marks {
	return m.masked(func(row int, to []uint64) {
		if !slices.Contains(rows, row) {
			fill(to, m.Cells)
		}
	})
}

// masked returns m on the cells that mask sets in a row of zeros, m itself if
// these are all.
func (m *Marks) masked(mask func(row int, to []uint64)) *Marks {
	k := &Marks{First: m.First, Rows: m.Rows, Words: m.Words, Cells: m.Cells}
	k.Positive, k.Negative, k.Valid = slices.Clone(m.Positive), slices.Clone(m.Negative), make([]uint64, len(m.Positive))
	same := true
	for row := m.First; row < m.First+m.Rows; row++ {
		to := k.row(k.Valid, row)
		mask(row, to)
		p, n := k.row(k.Positive, row), k.row(k.Negative, row)
		for i, valid := range m.valid(row) {
			same = same && valid&^to[i] == 0
			to[i] &= valid
			p[i] &= to[i]
			n[i] &= to[i]
		}
	}
	if same {
		return m
	}
	k.countRows()
	return k
}

// bitsOf returns whether each of the first n bits is set.
func bitsOf(words []uint64, n int) []bool {
	set := make([]bool, n)
	for i := range set {
		set[i] = words[i/64]>>(i%64)&1 == 1
	}
	return set
}

// setBits sets n bits from one on.
func setBits(words []uint64, from, n int) {
	for n > 0 {
		k := min(64-from%64, n)
		words[from/64] |= (^uint64(0) >> (64 - k)) << (from % 64)
		from, n = from+k, n-k
	}
}
