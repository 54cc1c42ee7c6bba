package topology

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// orderKey maps a float64 to an integer that sorts the same way. Both zeros
// get one key; NaN must not be passed.
func orderKey(x float64) uint64 {
	b := math.Float64bits(x + 0) // -0 + 0 is +0
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

// A sorter sorts 32-bit items by 64-bit keys: a least-significant-digit radix
// sort of the leading 32 significant bits of the keys, then a repair of the
// runs that agree in those. It is stable and keeps its buffers.
//
// An entry packs a truncated key (high half) with an item (low half).
type sorter struct {
	a, b []uint64
}

const (
	digitBits = 11
	digits    = 1 << digitBits
)

// keyRange is a monotone map of the keys lo..hi to 32 bits.
type keyRange struct {
	lo    uint64
	shift int // keys that agree above this bit get equal 32-bit keys
	bits  int // significant bits of the 32-bit keys
}

func newKeyRange(lo, hi uint64) keyRange {
	n := bits.Len64(hi - lo)
	shift := max(0, n-32)
	return keyRange{lo: lo, shift: shift, bits: n - shift}
}

func (k keyRange) entry(key uint64, item int) uint64 {
	return (key-k.lo)>>k.shift<<32 | uint64(uint32(item))
}

// grow returns the two buffers with room for n entries.
func (s *sorter) grow(n int) (a, b []uint64) {
	if cap(s.a) < n {
		room := max(n, bucketPairs) // so that buckets of growing sizes do not fetch memory each
		s.a, s.b = make([]uint64, room), make([]uint64, room)
	}
	return s.a[:n], s.b[:n]
}

// radix sorts the entries of a by their high halves, of which the lowest
// significant bits differ, using b, of the same length. It returns the sorted
// buffer and the other one.
func radix(a, b []uint64, significant int) (sorted, spare []uint64) {
	passes := (significant + digitBits - 1) / digitBits
	var count [3][digits]uint32
	for _, e := range a {
		h := e >> 32
		count[0][h%digits]++
		count[1][h>>digitBits%digits]++
		count[2][h>>(2*digitBits)%digits]++
	}
	for pass := range passes {
		c := &count[pass]
		shift := 32 + pass*digitBits
		if len(a) > 0 && c[a[0]>>shift%digits] == uint32(len(a)) {
			continue // every entry has the same digit
		}
		sum := uint32(0)
		for i, n := range c {
			c[i] = sum
			sum += n
		}
		b = b[:len(a)]
		for _, e := range a {
			d := e >> shift % digits
			b[c[d]] = e
			c[d]++
		}
		a, b = b, a
	}
	return a, b
}

// repair sorts the runs of entries whose truncated keys agree by their full
// keys, key(item). It is called with entries in radix order.
func repair(entries []uint64, k keyRange, key func(item int32) uint64) {
	if k.shift == 0 {
		return
	}
	compare := func(x, y uint64) int { return cmp.Compare(key(int32(x)), key(int32(y))) }
	for i := 1; i < len(entries); i++ {
		if entries[i]>>32 != entries[i-1]>>32 {
			continue
		}
		first := i - 1
		for i < len(entries) && entries[i]>>32 == entries[first]>>32 {
			i++
		}
		if run := entries[first:i]; !slices.IsSortedFunc(run, compare) {
			slices.SortStableFunc(run, compare)
		}
	}
}

// sortItems sorts the items of entries stably by key(item), ascending. It
// ignores the high halves that it finds and leaves truncated keys there. The
// buffer spare has the same length. The result is in entries.
func sortItems(entries, spare []uint64, key func(item int32) uint64) {
	lo, hi := uint64(math.MaxUint64), uint64(0)
	for i, e := range entries {
		k := key(int32(e))
		spare[i] = k // fetching a value twice would cost more than all the rest
		lo, hi = min(lo, k), max(hi, k)
	}
	if len(entries) == 0 || lo == hi {
		return
	}
	k := newKeyRange(lo, hi)
	for i, e := range entries {
		entries[i] = k.entry(spare[i], int(uint32(e)))
	}
	sorted, _ := radix(entries, spare, k.bits)
	repair(sorted, k, key)
	if &sorted[0] != &entries[0] {
		copy(entries, sorted)
	}
}

// valueRange returns the least and the largest value of f, +Inf and -Inf if
// all are missing.
func valueRange(f []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, x := range f { // min and max would return NaN
		if x < lo {
			lo = x
		}
		if x > hi {
			hi = x
		}
	}
	return lo, hi
}

// sortVertices returns the vertices of f that hold a value, as the low halves
// of entries in ascending order of (value, vertex). The result is valid until
// the sorter is used again.
func (s *sorter) sortVertices(f []float64) []uint64 {
	a, b := s.grow(len(f))
	lo, hi := valueRange(f)
	if lo > hi {
		return nil // no value at all
	}
	k := newKeyRange(orderKey(lo), orderKey(hi))
	n := 0
	for v, x := range f {
		if x == x {
			a[n] = k.entry(orderKey(x), v)
			n++
		}
	}
	sorted, _ := radix(a[:n], b[:n], k.bits)
	repair(sorted, k, func(v int32) uint64 { return orderKey(f[v]) })
	return sorted
}

// sortSpread sorts a, whose numbers have at most width bits, using b, of the
// same length. It is meant for numbers that are spread evenly: two radix
// passes over the leading bits leave few that agree in those, which are then
// sorted by comparing.
func sortSpread(a, b []uint64, width int) {
	n := min((bits.Len(uint(len(a)))+4)/2, digitBits) // about eight values of the leading bits a number
	high := max(0, width-n)
	low := max(0, width-2*n)
	mask := uint64(1)<<n - 1
	var count [2][digits]uint32
	for _, e := range a {
		count[0][e>>low&mask]++
		count[1][e>>high]++
	}
	sums := [2]uint32{}
	for i := range mask + 1 {
		for pass := range sums {
			count[pass][i], sums[pass] = sums[pass], sums[pass]+count[pass][i]
		}
	}
	for _, e := range a {
		c := &count[0][e>>low&mask]
		b[*c] = e
		*c++
	}
	for _, e := range b {
		c := &count[1][e>>high]
		a[*c] = e
		*c++
	}
	for i := 1; i < len(a); i++ {
		if a[i]>>low != a[i-1]>>low {
			continue
		}
		first := i - 1
		for i < len(a) && a[i]>>low == a[first]>>low {
			i++
		}
		slices.Sort(a[first:i])
	}
}
