package topology

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// A Layout places the cells of a domain in rows of bits, one row a period of
// the time axis: a week of hours, a week of days, or a single step.
//
// Row w holds the cells of all regions in the steps of period w. Inside a row
// the cell of region r in slot s (the step's place in the period) is bit
// s*R + r, where R is the number of regions: bit b of the row is bit b%64 of
// its word b/64. Rows are padded with zeros to whole words. So
//
//   - shifting a function by whole periods is an offset of rows,
//   - shifting it by k slots is a shift by k*R bits,
//   - comparing two functions is AND and popcount on whole words, and
//   - vertices that follow each other stand in bits that follow each other.
type Layout struct {
	regions int
	period  int // slots of a row
	rows    int
	words   int // of a row
	slots   []int32
	regular bool // successive steps have successive slots
	shared  bool // two steps may share a slot
}

// NewLayout returns the layout of d in rows of the given number of slots. The
// first step stands in slot lead of the first row: with hours in rows of 168
// and a record that begins on a Tuesday at midnight, lead is 24.
func NewLayout(d Domain, period, lead int) *Layout {
	if period < 1 || lead < 0 || lead >= period {
		panic(fmt.Sprintf("topology: a layout with %d slots a row and a lead of %d", period, lead))
	}
	slots := make([]int32, d.NumSteps())
	for t := range slots {
		slots[t] = int32(lead + t)
	}
	return newLayout(d, period, slots)
}

// NewSlotLayout returns a layout in which step t stands in slot slots[t] of
// the axis, slot slots[t]%period of row slots[t]/period. It serves axes that
// clock changes cut: a slot may have no step, and two steps may share a slot,
// which then is a feature where either is, and none where they disagree. A
// step with a negative slot is left out. It panics unless there is a slot for
// each step.
func NewSlotLayout(d Domain, period int, slots []int32) *Layout {
	if period < 1 || len(slots) != d.NumSteps() {
		panic(fmt.Sprintf("topology: %d slots in rows of %d for %d steps", len(slots), period, d.NumSteps()))
	}
	return newLayout(d, period, slots)
}

func newLayout(d Domain, period int, slots []int32) *Layout {
	l := &Layout{regions: d.NumRegions(), period: period, slots: slots}
	l.regular = true
	last := int32(-1)
	for t, slot := range slots {
		l.shared = l.shared || slot >= 0 && slot <= last
		last = max(last, slot)
		l.rows = max(l.rows, int(slot)/period+1)
		l.regular = l.regular && slot >= 0 && (t == 0 || slot == slots[t-1]+1)
	}
	l.words = (period*l.regions + 63) / 64
	if l.rows*l.words > math.MaxUint32/64 {
		panic(fmt.Sprintf("topology: a layout of %d rows of %d words has more than 2^32 bits", l.rows, l.words))
	}
	return l
}

// Rows returns the number of rows, and Words the number of words of a row.
func (l *Layout) Rows() int { return l.rows }

// Words returns the number of 64-bit words of a row.
func (l *Layout) Words() int { return l.words }

// Period returns the number of slots of a row.
func (l *Layout) Period() int { return l.period }

// Bit returns the word and the bit of the cell of region r at step t; ok is
// false for a step that is left out.
func (l *Layout) Bit(r, t int) (word int, bit uint, ok bool) {
	slot := int(l.slots[t])
	if slot < 0 {
		return 0, 0, false
	}
	b := slot%l.period*l.regions + r
	return slot/l.period*l.words + b/64, uint(b % 64), true
}

// newBits returns zeroed bits for all rows.
func (l *Layout) newBits() []uint64 { return make([]uint64, l.rows*l.words) }

// A span is a stretch of vertices whose bits follow each other inside one
// word.
type span struct {
	vertex, n int // vertices vertex to vertex+n-1
	word      int
	bit       uint
}

// stretches calls do for the stretches of the steps first to end-1 whose
// vertices stand in successive bits: vertices vertex to vertex+n-1, from bit
// on, counted from the first row's.
func (l *Layout) stretches(first, end int, do func(vertex, n, bit int)) {
	for t := first; t < end; {
		if l.slots[t] < 0 {
			t++
			continue
		}
		slot := int(l.slots[t])
		row, in := slot/l.period, slot%l.period
		stop := t + 1
		if l.regular {
			stop = min(t+l.period-in, end) // the end of the row
		}
		for stop < end && l.slots[stop] == l.slots[stop-1]+1 && in+stop-t < l.period {
			stop++
		}
		do(t*l.regions, (stop-t)*l.regions, row*l.words*64+in*l.regions)
		t = stop
	}
}

// spans calls do for the stretches of the steps first to end-1, cut into
// words, in vertex order.
func (l *Layout) spans(first, end int, do func(span)) {
	l.stretches(first, end, func(v, cells, bit int) {
		for last := v + cells; v < last; {
			n := min(64-bit%64, last-v)
			do(span{vertex: v, n: n, word: bit / 64, bit: uint(bit % 64)})
			v += n
			bit += n
		}
	})
}

// A FeatureMap marks the cells of the positive and negative features of one
// function at one level: two disjoint bit sets, and the set of covered cells,
// all in the rows of a Layout.
type FeatureMap struct {
	Layout    *Layout
	Positive  []uint64 // shape [rows*words]
	Negative  []uint64
	Covered   []uint64 // cells that hold a value
	Conflicts int      // cells in both level sets, which got the sign that they exceed by more, or none
}

// Sign returns +1 for a cell of a positive feature, -1 for one of a negative
// feature, else 0.
func (m *FeatureMap) Sign(r, t int) int {
	word, bit, ok := m.Layout.Bit(r, t)
	if !ok {
		return 0
	}
	return int(m.Positive[word]>>bit&1) - int(m.Negative[word]>>bit&1)
}

// Counts returns the number of positive, negative and covered cells.
func (m *FeatureMap) Counts() (positive, negative, covered int) {
	return popcount(m.Positive), popcount(m.Negative), popcount(m.Covered)
}

// Clone returns a copy that keeps its marks. The covered cells are shared.
func (m *FeatureMap) Clone() *FeatureMap {
	c := *m
	c.Positive, c.Negative = slices.Clone(m.Positive), slices.Clone(m.Negative)
	return &c
}

// Density returns the share of the covered cells that are marked, 0 if none is
// covered. Above one half a map hardly tells the unusual from the usual.
func (m *FeatureMap) Density() float64 {
	positive, negative, covered := m.Counts()
	if covered == 0 {
		return 0
	}
	return float64(positive+negative) / float64(covered)
}

func popcount(words []uint64) int {
	n := 0
	for _, w := range words {
		n += bits.OnesCount64(w)
	}
	return n
}

// coveredBits returns the cells of f that hold a value; full says that all do.
func coveredBits(l *Layout, f []float64, full bool) []uint64 {
	covered := l.newBits()
	l.spans(0, len(l.slots), func(s span) {
		if full {
			covered[s.word] |= (1<<s.n - 1) << s.bit
			return
		}
		var w uint64
		for i, x := range f[s.vertex : s.vertex+s.n] {
			if x == x {
				w |= 1 << (s.bit + uint(i))
			}
		}
		covered[s.word] |= w
	})
	return covered
}
