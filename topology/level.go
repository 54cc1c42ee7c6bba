package topology

import (
	"iter"
	"sort"
)

// alive reports whether pair i is a component of the level set at a.
func (t *Tree) alive(i int, a float64) bool {
	return t.direction.passes(t.birth[i], a) && (t.parent[i] < 0 || !t.direction.passes(t.death[i], a))
}

// CountAt returns the number of components of the level set at a, which is
// {f >= a} for the super-level tree and {f <= a} for the sub-level tree.
// Cost: O(pairs).
func (t *Tree) CountAt(a float64) int {
	n := 0
	for i := range t.Len() {
		if t.alive(i, a) {
			n++
		}
	}
	return n
}

// Alive returns the pairs that are components of the level set at a, most
// persistent first. Cost: O(pairs).
func (t *Tree) Alive(a float64) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range t.Len() {
			if t.alive(i, a) && !yield(i) {
				return
			}
		}
	}
}

// CountPersistent returns the number of pairs whose persistence is at least p:
// they are the pairs 0 to n-1. Cost: O(log pairs).
func (t *Tree) CountPersistent(p float64) int {
	return sort.Search(t.Len(), func(i int) bool { return t.Persistence(i) < p })
}

// A CurvePoint is a step of a persistence curve.
type CurvePoint struct {
	Persistence float64 // a cut, in the unit of f
	Pairs       int     // pairs that are at least so persistent
}

// PersistenceCurve returns the number of pairs as a function of the
// persistence cut, at every cut where it changes, the largest cut first.
func (t *Tree) PersistenceCurve() []CurvePoint {
	var curve []CurvePoint
	for i := range t.Len() {
		if p := t.Persistence(i); i > 0 && p == curve[len(curve)-1].Persistence {
			curve[len(curve)-1].Pairs++
		} else {
			curve = append(curve, CurvePoint{Persistence: p, Pairs: i + 1})
		}
	}
	return curve
}

// A Component is a connected part of a level set.
type Component struct {
	Pair     int     // its pair in the tree, that of its oldest extremum
	Vertices []int32 // numbered inside the season, the extremum first; valid until the next component
}

// A Flooder finds the components of the level sets of one season of a
// function, in time proportional to the number of cells that it returns. It
// serves one call at a time.
type Flooder struct {
	d       Domain // of the season
	f       []float64
	tree    *Tree
	byBirth []int32 // pairs in the order in which a falling (rising) level meets their extrema
	seen    []uint64
	queue   []int32
}

// NewFlooder returns a Flooder for the level sets that tree tracks. d and f
// are the whole function's domain and values; season says which part the tree
// is of. Cost: O(pairs) and a bit a cell.
func NewFlooder(d Domain, f []float64, season Season, tree *Tree) *Flooder {
	regions := d.NumRegions()
	s := &Flooder{
		d:       NewDomain(d.graph, season.End-season.First),
		f:       f[season.First*regions : season.End*regions],
		tree:    tree,
		byBirth: make([]int32, tree.Len()),
	}
	s.seen = make([]uint64, (len(s.f)+63)/64)
	entries, spare := make([]uint64, tree.Len()), make([]uint64, tree.Len())
	for i := range entries {
		entries[i] = uint64(i)
	}
	sortItems(entries, spare, func(i int32) uint64 { return tree.ageKey(tree.direction, int(i)) })
	for i, e := range entries {
		s.byBirth[i] = int32(e)
	}
	return s
}

// At returns the components of the level set at a. Stopping early is fine.
func (s *Flooder) At(a float64) iter.Seq[Component] {
	return func(yield func(Component) bool) {
		for _, i := range s.byBirth {
			if !s.tree.direction.passes(s.tree.birth[i], a) {
				return
			}
			if !s.tree.alive(int(i), a) {
				continue
			}
			c := Component{Pair: int(i), Vertices: s.flood(s.tree.extremum[i], a)}
			more := yield(c)
			for _, v := range c.Vertices {
				s.seen[v>>6] = 0
			}
			if !more {
				return
			}
		}
	}
}

// flood returns the vertices connected to v in the level set at a, and leaves
// them marked as seen.
func (s *Flooder) flood(v int32, a float64) []int32 {
	regions := int32(s.d.NumRegions())
	s.queue = append(s.queue[:0], v)
	s.seen[v>>6] |= 1 << (v & 63)
	visit := func(u int32) {
		if s.seen[u>>6]&(1<<(u&63)) == 0 && s.tree.direction.passes(s.f[u], a) {
			s.seen[u>>6] |= 1 << (u & 63)
			s.queue = append(s.queue, u)
		}
	}
	for i := 0; i < len(s.queue); i++ {
		v := s.queue[i]
		r := v % regions
		if v >= regions {
			visit(v - regions)
		}
		if int(v)+int(regions) < len(s.f) {
			visit(v + regions)
		}
		for _, n := range s.d.graph.Neighbours(int(r)) {
			visit(v - r + n)
		}
	}
	return s.queue
}
