package datasets

import (
	"math"
	"slices"
)

// A columnState is a partial aggregate of one column: a value in the making
// for each of its slots. A slot is one (region, step) cell that has rows, as
// its owner numbers them, from 0.
//
// What a state is in the end depends on the rows that went into each slot
// alone: however they were divided among states, and in whatever order these
// were merged, [columnState.result] has the same bits. A state is used by one
// goroutine at a time.
//
// Each state has methods that add a batch of rows, such as
//
//	add(slots []int32, values []float64, valid []byte)
//
// Row i adds values[i] to slots[i], unless the slot is negative or bit i of
// valid is 0; valid is laid out as in Arrow, with bit 0 for row 0, and nil
// means that all rows are valid. The slots must have been grown before, and
// the values must be finite.
type columnState interface {
	// grow makes sure that slots 0 to n-1 exist; new ones are empty.
	grow(n int)
	// trim gives back memory beyond slot n-1, the last one in use.
	trim(n int)
	// merge adds slot i of from, a state of the receiver's type and not the
	// receiver itself, to slot to[i] of the receiver, or to none if that is
	// negative. Several slots may go to one. from stays as it is, and shares
	// no memory with the receiver afterwards.
	merge(from columnState, to []int32)
	// result returns the value of a slot, NaN if it is empty.
	result(slot int) float64
	// bytes returns the memory held.
	bytes() int64
}

// isValid tells bit i of an Arrow validity bitmap; nil is all ones.
func isValid(valid []byte, i int) bool {
	return valid == nil || valid[i>>3]>>(i&7)&1 != 0
}

// A slotArray is an array that grows, by zeros. It is cut into chunks, so that
// growth neither copies what is there nor needs twice its memory.
type slotArray[T any] struct {
	chunks [][]T // all full but the last
}

// chunkSlots is the length of a chunk: long enough for the number of chunks
// not to matter, and little beside an array of several. The last one doubles,
// from firstSlots if it is the only one, since many states have few slots.
const (
	chunkBits  = 14
	chunkSlots = 1 << chunkBits
	firstSlots = 16
	nextSlots  = chunkSlots / 8
)

// grow makes sure that there are n elements. Pointers to elements are invalid
// afterwards.
func (a *slotArray[T]) grow(n int) {
	for a.len() < n {
		last := len(a.chunks) - 1
		switch {
		case last < 0:
			a.chunks = append(a.chunks, make([]T, firstSlots))
		case len(a.chunks[last]) == chunkSlots:
			a.chunks = append(a.chunks, make([]T, nextSlots))
		default:
			size := 2 * len(a.chunks[last])
			for size < chunkSlots && last*chunkSlots+size < n {
				size *= 2
			}
			longer := make([]T, min(size, chunkSlots)) // a trimmed one may have any length
			copy(longer, a.chunks[last])
			a.chunks[last] = longer
		}
	}
}

// trim cuts the last chunk to what n elements need, n being at least 1 and not
// beyond that chunk.
func (a *slotArray[T]) trim(n int) {
	last := len(a.chunks) - 1
	a.chunks[last] = slices.Clone(a.chunks[last][:n-last*chunkSlots])
}

func (a *slotArray[T]) len() int {
	if len(a.chunks) == 0 {
		return 0
	}
	return (len(a.chunks)-1)*chunkSlots + len(a.chunks[len(a.chunks)-1])
}

func (a *slotArray[T]) at(i int32) *T {
	return &a.chunks[i>>chunkBits][i&(chunkSlots-1)]
}

// slotCounts are counts of rows by slot. Most cells have a few: a count takes
// 16 bits, and what they cannot hold is in a map.
type slotCounts struct {
	low  slotArray[uint16]
	high map[int32]int64 // multiples of 2^16
}

func (c *slotCounts) grow(n int) { c.low.grow(n) }

// trim is that of slotArray, but for counts that have no slots.
func (c *slotCounts) trim(n int) {
	if c.low.len() > 0 {
		c.low.trim(min(n, c.low.len()))
	}
}

// at returns the count of a slot, 0 beyond the last one.
func (c *slotCounts) at(slot int32) int64 {
	if int(slot) >= c.low.len() {
		return 0
	}
	n := int64(*c.low.at(slot))
	if len(c.high) > 0 {
		n += c.high[slot]
	}
	return n
}

// add adds n rows to a slot.
func (c *slotCounts) add(slot int32, n int64) {
	low := c.low.at(slot)
	n += int64(*low)
	*low = uint16(n)
	if n>>16 != 0 {
		c.raise(slot, n&^(1<<16-1))
	}
}

// carry is called when 16 bits of a slot have counted to 0 again.
func (c *slotCounts) carry(slot int32) { c.raise(slot, 1<<16) }

func (c *slotCounts) raise(slot int32, n int64) {
	if c.high == nil {
		c.high = make(map[int32]int64)
	}
	c.high[slot] += n
}

func (c *slotCounts) bytes() int64 {
	return 2*int64(c.low.len()) + 32*int64(len(c.high)) // about, with the map
}

// An extremum is a [columnState] of the least or of the greatest values.
// Zeros have no sign.
type extremum struct {
	// ranks are unsigned integers in the order of the values, or in the
	// reverse order for the least value, so that the value sought always has
	// the greatest rank. Rank 0 would be a NaN: it marks an empty slot.
	ranks slotArray[uint64]
	flip  uint64 // all ones for the least value
}

func newMinimum() *extremum { return &extremum{flip: math.MaxUint64} }
func newMaximum() *extremum { return &extremum{} }

// rankOf numbers doubles in ascending order.
func rankOf(x float64) uint64 {
	b := math.Float64bits(x)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

func valueOf(rank uint64) float64 {
	return math.Float64frombits(rank ^ (uint64(int64(^rank)>>63) | 1<<63))
}

func (e *extremum) grow(n int) { e.ranks.grow(n) }
func (e *extremum) trim(n int) { e.ranks.trim(n) }

func (e *extremum) add(slots []int32, values []float64, valid []byte) {
	values = values[:len(slots)]
	for i, slot := range slots {
		if slot < 0 || !isValid(valid, i) {
			continue
		}
		r := e.ranks.at(slot)
		*r = max(*r, rankOf(values[i])^e.flip)
	}
}

func (e *extremum) merge(from columnState, to []int32) {
	f := from.(*extremum)
	for i, slot := range to {
		if slot < 0 {
			continue
		}
		r := e.ranks.at(slot)
		*r = max(*r, *f.ranks.at(int32(i)))
	}
}

func (e *extremum) result(slot int) float64 {
	r := *e.ranks.at(int32(slot))
	if r == 0 {
		return math.NaN()
	}
	return valueOf(r^e.flip) + 0 // -0 + 0 is 0
}

func (e *extremum) bytes() int64 { return int64(e.ranks.len()) * 8 }
