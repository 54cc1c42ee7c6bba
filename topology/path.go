package topology

import "math"

// On a path no sort is needed to pair extrema. The turns, which are the local
// minima and maxima, are read from left to right; those without a partner yet
// stand on a stack. Say the turns a, b, c on top of it are followed by d,
//
//	      d
//	  b  /
//	 / \/
//	/  c
//	a
//
// and d lies beyond b. Then b and c are a pair of both trees: the component of
// the minimum c dies at b, absorbed by that of a, and the component of the
// maximum b dies at c, absorbed by one on the right. Both leave the stack.
// Which component absorbs b is known when a turn lies beyond c, or the path
// ends: it is the one whose maximum then stands in the place that d takes now,
// so until then the pair waits there. The same holds upside down.
//
// So the ranges between neighbours on the stack shrink from its bottom to its
// top. When d lies beyond b and there is no a, no later turn can reach b and
// c from the left: b leaves the stack, outgrown. The outgrown turns and those
// that are on the stack at the end are few on most data. Their ranges grow to
// that of the lowest and the highest turn of all, and shrink from there, so
// each of them dies at its neighbour on the side of the larger range.
//
// Equal values are ordered by vertex, so the later of two is the greater.

// A turn is a local minimum or maximum that has no partner yet.
type turn struct {
	key     int64
	vertex  int32
	kind    int32
	waiting queue
}

// A queue holds the pairs that wait for a parent at a turn, the one with the
// nearest saddle first. The next pair of a queue stands in place of the parent.
type queue struct {
	level       int64 // key of the first pair's saddle: a turn beyond it ends the wait
	first, last int32 // first is -1 if none waits
}

// nobody is the empty queue.
var nobody = queue{level: never, first: -1}

// turnKey returns a key that sorts turns of one kind: a lesser one is beyond.
func turnKey(kind int, x float64) int64 { return int64(orderKey(x)^1<<63) ^ -int64(kind) }

// never is a key that no turn is beyond.
const never = math.MinInt64

// isBeyond reports whether a turn with key x lies beyond an earlier one of the
// same kind, with key y.
func isBeyond(kind int, x, y int64) bool { return x < y+int64(kind) }

// stackBottom is the number of turns at the bottom of the stack that stand for
// what is left of a run: no turn is beyond them.
const stackBottom = 2

// A pathBuilder builds trees of paths and keeps its scratch.
type pathBuilder struct {
	reader   turnReader
	stack    []turn
	outgrown []turn

	// The pairs of both trees in the order in which they are found, by the
	// kind of the extremum.
	extremum, parent [2][]int32
	pairs            int
	rest             []record // the pairs of one tree only
}

// trees returns both trees of f.
func (b *pathBuilder) trees(f []float64, o *orderer) (super, sub *Tree) {
	count, span := b.reader.count(f)
	sub = &Tree{direction: Sub, columns: o.take(count[minimum])}
	super = &Tree{direction: Super, columns: o.take(count[maximum])}
	b.extremum = [2][]int32{sub.extremum, super.extremum} // not in use until the pairs are in order
	b.parent = [2][]int32{sub.parent, super.parent}
	b.pairs, b.rest = 0, b.rest[:0]
	b.stack = append(b.stack[:0], turn{key: never, waiting: nobody}, turn{key: never, waiting: nobody})
	o.begin(span)
	for b.reader.start(f); b.reader.next(); {
		b.read(f, o)
		if b.reader.runEnds {
			b.endRun(f, o)
		}
	}
	b.place(f, o)
	o.sortBuckets(super, sub)
	return super, sub
}

// read puts the turns of the reader on the stack and pairs those between.
func (b *pathBuilder) read(f []float64, o *orderer) {
	stack, kind := b.stack, b.reader.kind
	for _, v := range b.reader.turns {
		key, waiting := turnKey(kind, f[v]), nobody
		top := len(stack) - 1
		for isBeyond(kind, key, stack[top-1].key) {
			b.releaseAll(&stack[top])
			if top == stackBottom+1 {
				b.outgrown = append(b.outgrown, stack[top-1])
				stack[top-1] = stack[top]
				top--
				break
			}
			far, near := &stack[top-1], &stack[top]
			pair := b.add(far, near)
			b.parent[near.kind][pair] = stack[top-2].vertex
			waiting = b.join(waiting, pair, near.key, far)
			o.countPair(f[far.vertex] - f[near.vertex])
			top -= 2
		}
		b.release(f, &stack[top], kind, key)
		if top++; top == len(stack) {
			stack = append(stack, turn{})
		}
		stack = stack[:top+1]
		d := &stack[top] // field by field: a copy of a new struct stalls on its stores
		d.key, d.vertex, d.kind, d.waiting = key, v, int32(kind), waiting
		kind ^= 1
	}
	b.stack = stack
}

// add adds a pair of both trees, without parents.
func (b *pathBuilder) add(far, near *turn) (pair int32) {
	pair = int32(b.pairs)
	b.pairs++
	b.extremum[far.kind][pair], b.extremum[near.kind][pair] = far.vertex, near.vertex
	return pair
}

// join lets a pair and those that wait at far, its extremum, whose saddles are
// farther, wait behind q.
func (b *pathBuilder) join(q queue, pair int32, level int64, far *turn) queue {
	next := b.parent[far.kind]
	if q.first < 0 {
		q.first, q.level = pair, level
	} else {
		next[q.last] = pair
	}
	next[pair], q.last = far.waiting.first, pair
	if far.waiting.first >= 0 {
		q.last = far.waiting.last
	}
	return q
}

// release gives the parent t to the pairs waiting there whose saddles a turn
// of the other kind, with the given key, is beyond.
func (b *pathBuilder) release(f []float64, t *turn, kind int, key int64) {
	for q := &t.waiting; isBeyond(kind, key, q.level); {
		parent := b.parent[t.kind]
		q.first, parent[q.first] = parent[q.first], t.vertex
		q.level = never
		if q.first >= 0 {
			q.level = turnKey(kind, f[b.extremum[kind][q.first]])
		}
	}
}

// releaseAll gives the parent t to all pairs waiting there.
func (b *pathBuilder) releaseAll(t *turn) {
	for pair := t.waiting.first; pair >= 0; {
		parent := b.parent[t.kind]
		pair, parent[pair] = parent[pair], t.vertex
	}
	t.waiting = nobody
}

// endRun pairs what is left at the end of a run of values. The two turns at
// the bottom of the stack are its lowest and its highest, which survive.
func (b *pathBuilder) endRun(f []float64, o *orderer) {
	stack := b.stack[stackBottom:]
	for i := range stack {
		b.releaseAll(&stack[i])
	}
	pair := b.add(&stack[0], &stack[1])
	b.parent[minimum][pair], b.parent[maximum][pair] = -1, -1
	o.countPair(f[stack[0].vertex] - f[stack[1].vertex])

	grown := len(b.outgrown)
	left := append(b.outgrown, stack...)
	for i := range left {
		switch {
		case i < grown:
			b.addRest(f, o, &left[i], &left[i+1], &left[i+2])
		case i > grown+1:
			b.addRest(f, o, &left[i], &left[i-1], &left[i-2])
		}
	}
	b.outgrown, b.stack = left[:0], b.stack[:stackBottom]
}

// addRest adds a pair that is in one tree only.
func (b *pathBuilder) addRest(f []float64, o *orderer, leaf, saddle, parent *turn) {
	var r record
	r.vertex[leaf.kind], r.value[leaf.kind], r.parent[leaf.kind] = leaf.vertex, f[leaf.vertex], parent.vertex
	r.vertex[saddle.kind], r.value[saddle.kind], r.parent[saddle.kind] = saddle.vertex, f[saddle.vertex], absent
	b.rest = append(b.rest, r)
	o.countPair(f[leaf.vertex] - f[saddle.vertex])
}

// place puts all pairs into the orderer's buckets.
func (b *pathBuilder) place(f []float64, o *orderer) {
	o.groupDigits()
	records := o.makeRoom(b.pairs + len(b.rest))
	for p, low := range b.extremum[minimum][:b.pairs] {
		high := b.extremum[maximum][p]
		x, y := f[low], f[high]
		r := &records[o.place(y-x)] // field by field, as in read
		r.vertex[minimum], r.vertex[maximum] = low, high
		r.parent[minimum], r.parent[maximum] = b.parent[minimum][p], b.parent[maximum][p]
		r.value[minimum], r.value[maximum] = x, y
	}
	for _, r := range b.rest {
		records[o.place(r.value[maximum]-r.value[minimum])] = r
	}
}

// readerBlock is how many values are read before their turns are paired: few
// enough to stay in the cache.
const readerBlock = 1 << 11

// A turnReader lists the turns of a path, block by block. They alternate
// inside each run of values, the ends of a run included; a run of one value
// has two turns.
type turnReader struct {
	f       []float64
	at      int // the next value
	falling int // 1 if the values fall up to here, 0 if they rise
	block   [readerBlock + 2]int32

	turns   []int32 // the vertices of the block's turns
	kind    int     // of the first of them
	runEnds bool    // after the block
}

func (r *turnReader) start(f []float64) { r.f, r.at, r.runEnds = f, 0, true }

// next reads a block. It returns false at the end of the path.
func (r *turnReader) next() bool {
	n := 0
	r.kind = r.falling ^ 1
	if r.runEnds && !r.startRun() {
		return false
	}
	if r.runEnds {
		r.block[0], n, r.kind = int32(r.at), 1, r.falling
		r.at++
	}
	x, falling := r.f[r.at-1], r.falling
	block := r.f[r.at:min(r.at+readerBlock, len(r.f))]
	first, read := int32(r.at-1), len(block)
	for i, y := range block {
		if y != y {
			read = i
			break
		}
		falls := 0
		if x > y {
			falls = 1
		}
		r.block[n] = first + int32(i)
		n += falls ^ falling // written and counted without a branch, which would be unpredictable
		x, falling = y, falls
	}
	r.at += read
	r.falling = falling
	r.runEnds = r.at == len(r.f) || r.f[r.at] != r.f[r.at]
	if r.runEnds {
		r.block[n] = int32(r.at - 1)
		n++
	}
	r.turns = r.block[:n]
	return true
}

// startRun moves to the next run of values, if there is one, and tells whether
// it falls first.
func (r *turnReader) startRun() bool {
	for r.at < len(r.f) && r.f[r.at] != r.f[r.at] {
		r.at++
	}
	if r.at == len(r.f) {
		return false
	}
	r.falling = 0
	if r.at+1 < len(r.f) && r.f[r.at] > r.f[r.at+1] {
		r.falling = 1
	}
	return true
}

// count returns how many turns of each kind f has, and the difference of its
// highest and lowest values.
func (r *turnReader) count(f []float64) (count [2]int, span float64) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for r.start(f); r.next(); {
		count[r.kind] += (len(r.turns) + 1) / 2
		count[r.kind^1] += len(r.turns) / 2
		for _, v := range r.turns {
			if f[v] < lo {
				lo = f[v]
			}
			if f[v] > hi {
				hi = f[v]
			}
		}
	}
	return count, hi - lo
}
