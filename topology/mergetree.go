package topology

import (
	"fmt"
	"math"
	"strings"
)

// A Direction says which level sets a tree tracks.
type Direction int

const (
	// Super is the direction of super-level sets {f >= a}, a falling: leaves
	// are maxima, features are positive.
	Super Direction = iota + 1
	// Sub is the direction of sub-level sets {f <= a}, a rising: leaves are
	// minima, features are negative.
	Sub
)

// String returns "super" or "sub".
func (d Direction) String() string {
	switch d {
	case Super:
		return "super"
	case Sub:
		return "sub"
	}
	return fmt.Sprintf("Direction(%d)", int(d))
}

// passes reports whether value x lies in the level set of the direction at a.
func (d Direction) passes(x, a float64) bool {
	if d == Super {
		return x >= a
	}
	return x <= a
}

// A Pair is a branch of a merge tree: the component that appears at an
// extremum and dies at the saddle where it meets an older one. The oldest
// component of each connected part of the domain dies at the other end of the
// part's range.
type Pair struct {
	Extremum int     // vertex, numbered inside the season
	Saddle   int     // vertex, numbered inside the season
	Birth    float64 // value at the extremum
	Death    float64 // value at the saddle
	Parent   int     // extremum of the pair that absorbs this one; -1 for a survivor
}

// Persistence returns how far the extremum stands above (below) its saddle,
// in the unit of f.
func (p Pair) Persistence() float64 { return math.Abs(p.Birth - p.Death) }

// A Tree is a merge tree of one season in one direction: its persistence
// pairs, most persistent first. Of two equally persistent pairs the one with
// the older extremum comes first, so a parent precedes its children. A Tree
// does not change and may be read from several goroutines.
type Tree struct {
	direction Direction
	columns
}

// Direction returns which level sets the tree tracks.
func (t *Tree) Direction() Direction { return t.direction }

// Len returns the number of pairs, which is the number of extrema.
func (t *Tree) Len() int { return len(t.extremum) }

// Pair returns the i-th most persistent pair.
func (t *Tree) Pair(i int) Pair {
	return Pair{
		Extremum: int(t.extremum[i]),
		Saddle:   int(t.saddle[i]),
		Birth:    t.birth[i],
		Death:    t.death[i],
		Parent:   int(t.parent[i]),
	}
}

// Persistence returns the persistence of the i-th most persistent pair.
func (t *Tree) Persistence(i int) float64 { return math.Abs(t.birth[i] - t.death[i]) }

// String lists the pairs as extremum-saddle vertices, most persistent first.
func (t *Tree) String() string {
	var b strings.Builder
	for i := range t.Len() {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d-%d", t.extremum[i], t.saddle[i])
	}
	return b.String()
}

// A leafTable is a tree of a season under construction.
type leafTable struct {
	vertex []int32
	saddle []int32 // the leaf's own vertex marks a leaf that is none (see glue)
	parent []int32 // leaf, -1 for a survivor
	none   int     // number of leaves that are none
}

func (t *leafTable) reset(capacity int) {
	if cap(t.vertex) < capacity {
		t.vertex = make([]int32, 0, capacity)
		t.saddle = make([]int32, 0, capacity)
		t.parent = make([]int32, 0, capacity)
	}
	t.vertex, t.saddle, t.parent, t.none = t.vertex[:0], t.saddle[:0], t.parent[:0], 0
}

// isNone reports whether leaf i is a local extremum of its slab only: it died
// at its own vertex, absorbed by a neighbour in another slab.
func (t *leafTable) isNone(i int) bool {
	return t.saddle[i] == t.vertex[i] && t.parent[i] >= 0
}
