package topology

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// Ordering millions of pairs by persistence is bound by memory: to fetch a
// pair's values from a large function at random costs more than all the rest.
// So pairs are written, with their values, to buckets, each a range of
// persistence that fits the cache, and the buckets are then sorted one by one.

// A persistence's digit says how many sixty-fourths of an octave it lies below
// the largest, down to 32 octaves.
const (
	bucketDigits = 1 << 11
	digitShift   = 52 - 6
	bucketPairs  = 1 << 13 // neighbouring digits are joined to buckets of up to this many pairs
)

// columns holds the pairs of a tree by column.
type columns struct {
	extremum, saddle, parent []int32
	birth, death             []float64
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
	return columns{
		extremum: c.extremum[first:end],
		saddle:   c.saddle[first:end],
		parent:   c.parent[first:end],
		birth:    c.birth[first:end],
		death:    c.death[first:end],
	}
}

// ageKey sorts leaves of one direction from the elder to the younger, but for
// those of equal values.
func (c *columns) ageKey(direction Direction, i int) uint64 {
	return ageKey(direction, c.birth[i])
}

func ageKey(direction Direction, birth float64) uint64 {
	k := orderKey(birth)
	if direction == Super {
		return ^k
	}
	return k
}

// vertexKey sorts leaves of equal values from the elder to the younger.
func vertexKey(direction Direction, extremum int32) uint64 {
	if direction == Super {
		return uint64(math.MaxInt32 - extremum)
	}
	return uint64(extremum)
}

// A record is a pair on its way to the columns. The first of two is the
// minimum's, the second the maximum's; which of them is the extremum and which
// the saddle depends on the tree.
type record struct {
	vertex [2]int32
	parent [2]int32 // in each tree; absent if it does not have the pair
	value  [2]float64
}

const absent = -2

// The places of minima and maxima.
const (
	minimum = 0
	maximum = 1
)

// kindOf returns the kind of the extrema of a tree.
func kindOf(direction Direction) int {
	if direction == Super {
		return maximum
	}
	return minimum
}

// persistenceKey sorts descending persistence ascending.
func (r *record) persistenceKey() uint64 {
	return ^math.Float64bits(math.Abs(r.value[maximum] - r.value[minimum]))
}

// An orderer orders pairs by persistence and keeps its scratch.
type orderer struct {
	count   [bucketDigits]int32
	bucket  [bucketDigits]uint16 // of each digit
	starts  []int32              // of each bucket, and the number of pairs
	next    []int32              // where each bucket writes next
	top     uint64               // the bits of the largest persistence
	records []record
	sorter  sorter
	free    []columns // memory for the next trees
}

// take returns columns for n pairs: the smallest free ones that have room, or
// new ones, for which one that is too small is let go.
func (o *orderer) take(n int) columns {
	best := -1
	for i := range o.free {
		if room := cap(o.free[i].extremum); room >= n && (best < 0 || room < cap(o.free[best].extremum)) {
			best = i
		}
	}
	if best >= 0 {
		c := o.free[best]
		o.free = slices.Delete(o.free, best, best+1)
		return c.slice(0, n)
	}
	if len(o.free) > 0 {
		o.free = o.free[:len(o.free)-1]
	}
	return makeColumns(n)
}

// begin begins the counting of pairs of at most the given persistence.
func (o *orderer) begin(largest float64) {
	o.top = math.Float64bits(largest)
	clear(o.count[:])
}

func (o *orderer) digit(persistence float64) uint64 {
	return min((o.top-math.Float64bits(math.Abs(persistence)))>>digitShift, bucketDigits-1)
}

// countPair counts a pair of the given persistence, or its negative.
func (o *orderer) countPair(persistence float64) { o.count[o.digit(persistence)]++ }

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

// place returns where the next pair of the given persistence goes.
func (o *orderer) place(persistence float64) int32 {
	next := &o.next[o.bucket[o.digit(persistence)]]
	at := *next
	*next++
	return at
}

// makeRoom gives o.records room for n pairs, and at once for a bucket of any
// usual size.
func (o *orderer) makeRoom(n int) []record {
	if cap(o.records) < n {
		o.records = make([]record, max(n, bucketPairs))
	}
	o.records = o.records[:n]
	return o.records
}

// sort returns the records' indices, as the low halves of entries, in order
// of persistence but for ties. Entries that agree above the given bit may be
// ties.
func (o *orderer) sort(records []record) (entries []uint64, indexBits int) {
	n := len(records)
	entries, spare := o.sorter.grow(n)
	lo, hi := uint64(math.MaxUint64), uint64(0)
	for i := range records {
		k := records[i].persistenceKey()
		entries[i] = k
		lo, hi = min(lo, k), max(hi, k)
	}
	indexBits = bits.Len(uint(n))
	keyBits := bits.Len64(hi - lo)
	shift := max(0, keyBits+indexBits-64)
	for i, k := range entries {
		entries[i] = (k-lo)>>shift<<indexBits | uint64(i)
	}
	sortSpread(entries, spare, keyBits-shift+indexBits)
	return entries, indexBits
}

// sortTies puts runs of entries that agree above indexBits wholly in order:
// by persistence, and of equal ones the elder extremum first.
func (o *orderer) sortTies(direction Direction, records []record, entries []uint64, indexBits int) {
	for i := 1; i < len(entries); i++ {
		if entries[i]>>indexBits != entries[i-1]>>indexBits {
			continue
		}
		first := i - 1
		for i < len(entries) && entries[i]>>indexBits == entries[first]>>indexBits {
			i++
		}
		sortRun(direction, records, entries[first:i], o.sorter.b[first:i], indexBits)
	}
}

// fewTies is where comparing costs as much as three radix sorts.
const fewTies = 256

func sortRun(direction Direction, records []record, run, spare []uint64, indexBits int) {
	kind := kindOf(direction)
	mask := uint64(1)<<indexBits - 1
	if len(run) < fewTies {
		slices.SortFunc(run, func(x, y uint64) int {
			a, b := &records[x&mask], &records[y&mask]
			return cmp.Or(
				cmp.Compare(a.persistenceKey(), b.persistenceKey()),
				cmp.Compare(ageKey(direction, a.value[kind]), ageKey(direction, b.value[kind])),
				cmp.Compare(vertexKey(direction, a.vertex[kind]), vertexKey(direction, b.vertex[kind])))
		})
		return
	}
	high := run[0] &^ mask
	for i := range run {
		run[i] &= mask
	}
	sortItems(run, spare, func(i int32) uint64 { return vertexKey(direction, records[i].vertex[kind]) })
	sortItems(run, spare, func(i int32) uint64 { return ageKey(direction, records[i].value[kind]) })
	sortItems(run, spare, func(i int32) uint64 { return records[i].persistenceKey() })
	for i, e := range run {
		run[i] = high | uint64(uint32(e))
	}
}

// write writes the pairs that the tree of the given direction has, in the
// order of the entries, from place at on. It returns where the next ones go.
func (c *columns) write(direction Direction, at int, records []record, entries []uint64, indexBits int) int {
	extremum := kindOf(direction)
	saddle := extremum ^ 1
	mask := uint64(1)<<indexBits - 1
	for _, e := range entries {
		r := &records[e&mask]
		if r.parent[extremum] == absent {
			continue
		}
		c.extremum[at], c.saddle[at], c.parent[at] = r.vertex[extremum], r.vertex[saddle], r.parent[extremum]
		c.birth[at], c.death[at] = r.value[extremum], r.value[saddle]
		at++
	}
	return at
}

// sortBuckets writes the records, which have all been placed, to the columns
// of both trees.
func (o *orderer) sortBuckets(super, sub *Tree) {
	atSuper, atSub := 0, 0
	for i := 1; i < len(o.starts); i++ {
		records := o.records[o.starts[i-1]:o.starts[i]]
		entries, indexBits := o.sort(records)
		o.sortTies(Super, records, entries, indexBits)
		atSuper = super.write(Super, atSuper, records, entries, indexBits)
		o.sortTies(Sub, records, entries, indexBits)
		atSub = sub.write(Sub, atSub, records, entries, indexBits)
	}
}

// tree returns the finished tree of t. To save memory the columns hold the
// buckets too, and records only the bucket that is being sorted.
func (o *orderer) tree(direction Direction, f []float64, t *leafTable) *Tree {
	tree := &Tree{direction: direction, columns: o.take(len(t.vertex) - t.none)}
	largest := 0.0 // a survivor's, which spans all values of its part
	for i, p := range t.parent {
		if p < 0 {
			largest = max(largest, math.Abs(f[t.vertex[i]]-f[t.saddle[i]]))
		}
	}
	o.begin(largest)
	for i, v := range t.vertex {
		if !t.isNone(i) {
			o.countPair(f[v] - f[t.saddle[i]])
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
		at := o.place(birth - death)
		if p >= 0 {
			p = t.vertex[p]
		}
		c.extremum[at], c.saddle[at], c.parent[at] = v, s, p
		c.birth[at], c.death[at] = birth, death
	}
	for i := 1; i < len(o.starts); i++ {
		bucket := c.slice(int(o.starts[i-1]), int(o.starts[i]))
		records := o.makeRoom(len(bucket.extremum))
		bucket.read(direction, records)
		entries, indexBits := o.sort(records)
		o.sortTies(direction, records, entries, indexBits)
		bucket.write(direction, 0, records, entries, indexBits)
	}
	return tree
}

// read fills the records from the columns of a tree.
func (c *columns) read(direction Direction, records []record) {
	extremum := kindOf(direction)
	saddle := extremum ^ 1
	for i := range records {
		r := &records[i]
		r.vertex[extremum], r.vertex[saddle], r.parent[extremum] = c.extremum[i], c.saddle[i], c.parent[i]
		r.value[extremum], r.value[saddle] = c.birth[i], c.death[i]
	}
}
