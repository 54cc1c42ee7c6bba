package topology

// On a path no sort is needed to pair extrema. Read from left to right, the
// sub-level pairs of a series fall out of a stack of its local maxima, which
// are the saddles: a maximum separates the component on its left from the one
// on its right, and they merge as soon as a higher maximum (or the end) closes
// the right one. Each local minimum and maximum enters and leaves a stack once;
// the super-level pairs come from the same pass with all signs turned.
//
// Nearly all pairs are common to both trees, a minimum with a maximum, so both
// are put in order of persistence at once.

// A pathTable holds the turns of a path: its local minima and maxima, which
// alternate inside each run of values, the ends of a run included. A run of
// one value has two turns.
type pathTable struct {
	vertex []int32
	saddle []int32 // the turn at which a minimum (maximum) dies in the sub-level (super-level) tree
	parent []int32 // the turn that absorbs it, -1 for a survivor
}

// A pathBuilder builds trees of paths and keeps its scratch.
type pathBuilder struct {
	turns  pathTable
	minima openSide
	maxima openSide
}

// An openSide is one tree during the pass: what lies left of the vertex
// reached. Values are negated for the super-level tree, so that the words are
// those of the sub-level tree.
type openSide struct {
	super bool
	root  int32   // oldest leaf of the component that is open on the right, -1 at the start of a run
	low   float64 // value of root
	stack []separator
}

// A separator is a local maximum whose right side is still open.
type separator struct {
	value float64
	low   float64 // value of leaf
	turn  int32
	leaf  int32 // oldest leaf on the left
}

// nextRun returns the first maximal stretch of values in f[from:]; first is
// len(f) if there is none.
func nextRun(f []float64, from int) (first, end int) {
	for from < len(f) && f[from] != f[from] {
		from++
	}
	end = from
	for end < len(f) && f[end] == f[end] {
		end++
	}
	return from, end
}

// countTurns returns the number of turns of f.
func countTurns(f []float64) int {
	turns := 0
	for first, end := nextRun(f, 0); first < len(f); first, end = nextRun(f, end) {
		run := f[first:end]
		turns += 2
		up := len(run) > 1 && run[0] <= run[1]
		for i := 2; i < len(run); i++ {
			next := run[i-1] <= run[i]
			if next != up {
				turns++
			}
			up = next
		}
	}
	return turns
}

// sweep fills b.turns with the turns of f and what becomes of them in both
// trees.
func (b *pathBuilder) sweep(f []float64) {
	t := &b.turns
	if n := countTurns(f); cap(t.vertex) < n {
		t.vertex, t.saddle, t.parent = make([]int32, 0, n), make([]int32, n), make([]int32, n)
	}
	t.vertex = t.vertex[:0]
	t.saddle, t.parent = t.saddle[:cap(t.saddle)], t.parent[:cap(t.parent)]
	b.minima.super, b.maxima.super = false, true
	for first, end := nextRun(f, 0); first < len(f); first, end = nextRun(f, end) {
		b.sweepRun(f[first:end], int32(first))
	}
	t.saddle, t.parent = t.saddle[:len(t.vertex)], t.parent[:len(t.vertex)]
}

// sweepRun sweeps a run of values, the first of which is vertex base.
func (b *pathBuilder) sweepRun(run []float64, base int32) {
	t := &b.turns
	b.minima.root, b.maxima.root = -1, -1
	last := len(run) - 1
	x := run[0]
	falling := true // a run begins with a minimum if it rises first
	if last > 0 && x > run[1] {
		b.maxima.root, b.maxima.low = t.add(base), -x
	}
	for i, next := range run[1:] {
		if rising := x <= next; rising == falling {
			turn := t.add(base + int32(i))
			if rising {
				b.maxima.separate(t, -x, turn)
				b.minima.root, b.minima.low = turn, x
			} else {
				b.minima.separate(t, x, turn)
				b.maxima.root, b.maxima.low = turn, -x
			}
			falling = !falling
		}
		x = next
	}
	if falling {
		b.minima.root, b.minima.low = t.add(base+int32(last)), x
	}
	if !falling || last == 0 {
		b.maxima.root, b.maxima.low = t.add(base+int32(last)), -x
	}
	b.minima.end(t)
	b.maxima.end(t)
	low, high := b.minima.root, b.maxima.root
	t.saddle[low], t.saddle[high] = high, low
	t.parent[low], t.parent[high] = -1, -1
}

// add appends a turn.
func (t *pathTable) add(vertex int32) int32 {
	t.vertex = append(t.vertex, vertex)
	return int32(len(t.vertex) - 1)
}

// separate closes the right side of every separator that is not above the
// local maximum x, a turn, which then becomes a separator itself. The first
// turn of a run has nothing on its left and separates nothing.
func (s *openSide) separate(t *pathTable, x float64, turn int32) {
	if s.root < 0 {
		return
	}
	n := len(s.stack)
	for n > 0 && (s.stack[n-1].value < x || s.stack[n-1].value == x && !s.super) {
		n--
		s.close(t, s.stack[n])
	}
	s.stack = append(s.stack[:n], separator{value: x, low: s.low, turn: turn, leaf: s.root})
}

// end closes everything that is open at the end of a run.
func (s *openSide) end(t *pathTable) {
	for n := len(s.stack) - 1; n >= 0; n-- {
		s.close(t, s.stack[n])
	}
	s.stack = s.stack[:0]
}

// close merges the components on both sides of p: the younger leaf dies. Of
// two equal minima the left one is the elder, of two equal maxima the right.
func (s *openSide) close(t *pathTable, p separator) {
	if p.low < s.low || p.low == s.low && !s.super {
		t.saddle[s.root], t.parent[s.root] = p.turn, p.leaf
		s.root, s.low = p.leaf, p.low
	} else {
		t.saddle[p.leaf], t.parent[p.leaf] = p.turn, s.root
	}
}
