package topology

import (
	"math"
	"slices"
)

// Ordering millions of pairs by persistence is bound by memory: to fetch a
// pair's values from a large function at random costs more than all the rest.
// So pairs are written, as they come, straight to buckets of the finished
// columns, each a range of persistence that fits the cache, and the buckets
// are then sorted one by one.

const (
	bucketDigits = 1 << 11 // ranges of the persistence key
	bucketPairs  = 1 << 13 // neighbouring ranges are joined up to this many pairs
)

// columns holds the pairs of a tree by column.
type columns struct {
	extremum, saddle, parent []int32
	birth, death             []float64
	other                    []int32 // the parent in the other tree, while the pairs of a path are ordered
}

func makeColumns(n int) columns {
	return columns{
		extremum: make([]int32, n),
		saddle:   make([]int32, n),
		parent:   make([]int32, n),
		birth:    make([]float64, n),
		death:    make([]float64, n),
	}
}

// slice returns the pairs first to end-1.
func (c *columns) slice(first, end int) columns {
	s := columns{
		extremum: c.extremum[first:end],
		saddle:   c.saddle[first:end],
		parent:   c.parent[first:end],
		birth:    c.birth[first:end],
		death:    c.death[first:end],
	}
	if c.other != nil {
		s.other = c.other[first:end]
	}
	return s
}

// set copies pair j of from, but for the other parent, to place i.
func (c *columns) set(i int, from *columns, j int) {
	c.extremum[i], c.saddle[i], c.parent[i] = from.extremum[j], from.saddle[j], from.parent[j]
	c.birth[i], c.death[i] = from.birth[j], from.death[j]
}

// key sorts descending persistence ascending.
func (c *columns) key(i int) uint64 { return persistenceKey(c.birth[i], c.death[i]) }

func persistenceKey(birth, death float64) uint64 {
	return ^math.Float64bits(math.Abs(birth - death))
}

// ageKey and vertexKey sort leaves of one direction from the elder to the
// younger: by value, and if those are equal by vertex.
func (c *columns) ageKey(direction Direction, i int) uint64 {
	k := orderKey(c.birth[i])
	if direction == Super {
		return ^k
	}
	return k
}

func (c *columns) vertexKey(direction Direction, i int) uint64 {
	if direction == Super {
		return uint64(math.MaxInt32 - c.extremum[i])
	}
	return uint64(c.extremum[i])
}

// ordered reports whether pair i of a comes before pair j of b: the more
// persistent first, the elder among equals.
func ordered(direction Direction, a *columns, i int, b *columns, j int) bool {
	if p, q := a.key(i), b.key(j); p != q {
		return p < q
	}
	if p, q := a.ageKey(direction, i), b.ageKey(direction, j); p != q {
		return p < q
	}
	return a.vertexKey(direction, i) <= b.vertexKey(direction, j)
}

// An orderer orders pairs by persistence and keeps its scratch.
type orderer struct {
	count  [bucketDigits]int32
	bucket [bucketDigits]uint16 // of each digit
	starts []int32              // of each bucket, and the number of pairs
	next   []int32              // where each bucket writes next
	lo     uint64               // a key's digit is (key-lo)>>shift
	shift  int
	sorter sorter
	spare  columns
	free   []columns // memory for the next trees
}

// take returns columns for n pairs, from the free ones if possible.
func (o *orderer) take(n int) columns {
	for i := range o.free {
		if c := o.free[i]; cap(c.extremum) >= n {
			o.free = slices.Delete(o.free, i, i+1)
			return c.slice(0, n)
		}
	}
	o.free = nil // too small: let go of them
	return makeColumns(n)
}

// setRange begins the counting of keys from lo to hi.
func (o *orderer) setRange(lo, hi uint64) {
	k := newKeyRange(lo, max(lo, hi))
	o.lo, o.shift = lo, max(0, k.shift+k.bits-11)
	clear(o.count[:])
}

func (o *orderer) digit(key uint64) uint64 { return (key - o.lo) >> o.shift % bucketDigits }

// groupDigits joins successive digits to buckets.
func (o *orderer) groupDigits() {
	o.starts, o.next = append(o.starts[:0], 0), o.next[:0]
	at, size := int32(0), int32(0)
	for digit, n := range o.count {
		if size > 0 && size+n > bucketPairs {
			o.starts, size = append(o.starts, at), 0
		}
		o.bucket[digit] = uint16(len(o.starts) - 1)
		at, size = at+n, size+n
	}
	o.next = append(o.next, o.starts...)
	o.starts = append(o.starts, at)
}

// place returns where the next pair with the key goes.
func (o *orderer) place(key uint64) int32 {
	next := &o.next[o.bucket[o.digit(key)]]
	at := *next
	*next++
	return at
}

// sortBuckets sorts the pairs of c after all have been placed.
func (o *orderer) sortBuckets(direction Direction, c columns) {
	for i := 1; i < len(o.starts); i++ {
		o.sort(direction, c.slice(int(o.starts[i-1]), int(o.starts[i])))
	}
}

// sort puts the pairs of c in order.
func (o *orderer) sort(direction Direction, c columns) {
	n := len(c.extremum)
	sorted := true
	for i := 1; i < n && sorted; i++ {
		sorted = ordered(direction, &c, i-1, &c, i)
	}
	if sorted {
		return
	}
	entries, spare := o.sorter.grow(n)
	for i := range entries {
		entries[i] = uint64(i)
	}
	sortItems(entries, spare, func(i int32) uint64 { return c.key(int(i)) })
	for i := 1; i < n; i++ {
		first := i - 1
		k := c.key(int(uint32(entries[first])))
		for i < n && c.key(int(uint32(entries[i]))) == k {
			i++
		}
		if i-first > 1 {
			sortItems(entries[first:i], spare[first:i], func(i int32) uint64 { return c.vertexKey(direction, int(i)) })
			sortItems(entries[first:i], spare[first:i], func(i int32) uint64 { return c.ageKey(direction, int(i)) })
		}
	}
	if cap(o.spare.extremum) < n {
		o.spare = makeColumns(n)
		o.spare.other = make([]int32, n)
	}
	sortedPairs := o.spare.slice(0, n)
	for i, e := range entries {
		sortedPairs.set(i, &c, int(uint32(e)))
	}
	if c.other != nil {
		for i, e := range entries {
			sortedPairs.other[i] = c.other[uint32(e)]
		}
		copy(c.other, sortedPairs.other)
	}
	copy(c.extremum, sortedPairs.extremum)
	copy(c.saddle, sortedPairs.saddle)
	copy(c.parent, sortedPairs.parent)
	copy(c.birth, sortedPairs.birth)
	copy(c.death, sortedPairs.death)
}

// tree returns the finished tree of t.
func (o *orderer) tree(direction Direction, f []float64, t *leafTable) *Tree {
	n := len(t.vertex) - t.none
	tree := &Tree{direction: direction, columns: o.take(n)}
	lo, hi := uint64(math.MaxUint64), uint64(0)
	for i, v := range t.vertex {
		if k := persistenceKey(f[v], f[t.saddle[i]]); !t.isNone(i) {
			lo, hi = min(lo, k), max(hi, k)
		}
	}
	o.setRange(lo, hi)
	for i, v := range t.vertex {
		if !t.isNone(i) {
			o.count[o.digit(persistenceKey(f[v], f[t.saddle[i]]))]++
		}
	}
	o.groupDigits()
	c := &tree.columns
	for i, v := range t.vertex {
		if t.isNone(i) {
			continue
		}
		s, p := t.saddle[i], t.parent[i]
		birth, death := f[v], f[s]
		at := o.place(persistenceKey(birth, death))
		if p >= 0 {
			p = t.vertex[p]
		}
		c.extremum[at], c.saddle[at], c.parent[at] = v, s, p
		c.birth[at], c.death[at] = birth, death
	}
	o.sortBuckets(direction, tree.columns)
	return tree
}

// pathTrees returns both trees of a path. A pair of a minimum with a maximum
// that die at each other is common to both trees and ordered once.
func (o *orderer) pathTrees(f []float64, t *pathTable) (super, sub *Tree) {
	common, minima, maxima := 0, 0, 0
	lo, hi := uint64(math.MaxUint64), uint64(0)
	for i, v := range t.vertex {
		q := t.saddle[i]
		switch {
		case t.saddle[q] != int32(i):
			if t.isMinimum(f, int32(i)) {
				minima++
			} else {
				maxima++
			}
		case int32(i) < q:
			common++
			k := persistenceKey(f[v], f[t.vertex[q]])
			lo, hi = min(lo, k), max(hi, k)
		}
	}
	o.setRange(lo, hi)
	for i, v := range t.vertex {
		if q := t.saddle[i]; int32(i) < q && t.saddle[q] == int32(i) {
			o.count[o.digit(persistenceKey(f[v], f[t.vertex[q]]))]++
		}
	}
	o.groupDigits()
	super = &Tree{direction: Super, columns: o.take(maxima + common)}
	sub = &Tree{direction: Sub, columns: o.take(minima + common)}
	down := super.slice(maxima, maxima+common) // common pairs stand behind the others for now
	up := sub.slice(minima, minima+common)
	up.other = down.parent
	restDown, restUp := makeColumns(maxima), makeColumns(minima)
	maxima, minima = 0, 0
	for i := range t.vertex {
		low, q := int32(i), t.saddle[i]
		if t.saddle[q] != low {
			rest, at := &restDown, &maxima
			if t.isMinimum(f, low) {
				rest, at = &restUp, &minima
			}
			v, s := t.vertex[low], t.vertex[q]
			rest.extremum[*at], rest.saddle[*at], rest.parent[*at] = v, s, t.parentVertex(low)
			rest.birth[*at], rest.death[*at] = f[v], f[s]
			*at++
			continue
		}
		if q < low {
			continue
		}
		high := q
		if !t.isMinimum(f, low) {
			low, high = high, low
		}
		v, s := t.vertex[low], t.vertex[high]
		birth, death := f[v], f[s]
		at := o.place(persistenceKey(birth, death))
		up.extremum[at], up.saddle[at], up.parent[at], up.other[at] = v, s, t.parentVertex(low), t.parentVertex(high)
		up.birth[at], up.death[at] = birth, death
	}
	o.sortBuckets(Sub, up)
	copy(down.extremum, up.saddle)
	copy(down.saddle, up.extremum)
	copy(down.birth, up.death)
	copy(down.death, up.birth)
	o.sortTies(Super, down)
	o.sort(Super, restDown)
	o.sort(Sub, restUp)
	super.mergeFront(&restDown)
	sub.mergeFront(&restUp)
	return super, sub
}

// sortTies puts pairs that are in order of persistence wholly in order.
func (o *orderer) sortTies(direction Direction, c columns) {
	n := len(c.extremum)
	for i := 1; i < n; i++ {
		first := i - 1
		k := c.key(first)
		for i < n && c.key(i) == k {
			i++
		}
		if i-first > 1 {
			o.sort(direction, c.slice(first, i))
		}
	}
}

// mergeFront merges rest, which is in order, into the pairs of t, which are
// in order from place len(rest) on.
func (t *Tree) mergeFront(rest *columns) {
	from := len(rest.extremum)
	for i, j := 0, 0; j < len(rest.extremum); i++ {
		if from < t.Len() && ordered(t.direction, &t.columns, from, rest, j) {
			t.set(i, &t.columns, from)
			from++
		} else {
			t.set(i, rest, j)
			j++
		}
	}
}

// isMinimum reports whether a turn is a minimum: it dies above itself.
func (t *pathTable) isMinimum(f []float64, turn int32) bool {
	saddle := t.saddle[turn]
	v, s := t.vertex[turn], t.vertex[saddle]
	if f[v] != f[s] {
		return f[v] < f[s]
	}
	return v < s || v == s && turn < saddle
}

// parentVertex returns the vertex of a turn's parent, -1 if it has none.
func (t *pathTable) parentVertex(turn int32) int32 {
	if p := t.parent[turn]; p >= 0 {
		return t.vertex[p]
	}
	return -1
}
