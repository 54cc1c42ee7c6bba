package topology

import (
	"math"
	"math/bits"
	"slices"
)

// A sweep of a slab, a stretch of steps small enough for the cache. Leaves are
// the extrema in the order of the sweep, so leaf 0 is the oldest and the
// smaller number is the elder; labels say at which leaf's component a vertex
// joined.
//
// The sweep is the union-find algorithm of Carr, Snoeyink and Axen (2003),
// with the union-find structure over leaves instead of vertices: it stays
// small, and linking to the elder makes the root the survivor of the elder
// rule (Edelsbrunner, Letscher and Zomorodian 2002).

// slabTree is the merge tree of one slab in one direction.
type slabTree struct {
	vertex []int32 // of each leaf, numbered inside the slab
	saddle []int32 // vertex at which the leaf dies, -1 for a survivor
	parent []int32 // the leaf that absorbs it, -1 for a survivor
	deaths []int32 // the leaves that die, in the order of the sweep
	first  []int32 // label of each region at the first step, -1 where missing
	last   []int32 // label of each region at the last step
}

func (t *slabTree) reset() {
	t.vertex, t.saddle, t.parent, t.deaths = t.vertex[:0], t.saddle[:0], t.parent[:0], t.deaths[:0]
}

// copyTo makes out a copy of t, in memory of just the size: a season has many
// slabs, of which only one is being swept.
func (t *slabTree) copyTo(out *slabTree) {
	fit := func(out *[]int32, in []int32) {
		if cap(*out) < len(in) {
			*out = make([]int32, len(in))
		}
		*out = (*out)[:len(in)]
		copy(*out, in)
	}
	fit(&out.vertex, t.vertex)
	fit(&out.saddle, t.saddle)
	fit(&out.parent, t.parent)
	fit(&out.deaths, t.deaths)
	fit(&out.first, t.first)
	fit(&out.last, t.last)
}

// A slab is a stretch of steps of a season with its two trees.
type slab struct {
	base       int // first vertex
	super, sub slabTree
	survivors  []survivor
}

// A survivor is a sub-level leaf that does not die in its slab, and a
// super-level leaf of the same connected part of the slab.
type survivor struct{ sub, super int32 }

func (s *slab) tree(direction Direction) *slabTree {
	if direction == Super {
		return &s.super
	}
	return &s.sub
}

// slabSweeper holds the scratch of a slab sweep.
type slabSweeper struct {
	sorter               sorter
	superLabel, subLabel []int32
	uf                   []int32 // union-find parent of each leaf
	tree                 slabTree
}

// sweepSlab fills the slab whose values over g are f.
func (s *slabSweeper) sweepSlab(g *Graph, f []float64, out *slab) {
	order := s.sorter.sortVertices(f)
	s.superLabel = s.sweep(g, len(f), order, Super, s.superLabel, &s.tree)
	s.tree.copyTo(&out.super)
	s.subLabel = s.sweep(g, len(f), order, Sub, s.subLabel, &s.tree)
	s.tree.copyTo(&out.sub)
	out.survivors = out.survivors[:0]
	for leaf, saddle := range out.sub.saddle {
		if saddle < 0 {
			v := int(out.sub.vertex[leaf])
			out.survivors = append(out.survivors, survivor{sub: int32(leaf), super: s.superLabel[v+g.NumRegions()]})
		}
	}
}

// sweep adds the vertices of order, which is ascending, in the given
// direction and fills t. n is the number of vertices of the slab. It returns
// the label of each vertex, in the buffer label if that is large enough, with
// a row of -1 before the first and after the last step.
func (s *slabSweeper) sweep(g *Graph, n int, order []uint64, direction Direction, label []int32, t *slabTree) []int32 {
	t.reset()
	regions := g.NumRegions()
	label = slices.Grow(label[:0], n+2*regions)[:n+2*regions]
	for i := range label {
		label[i] = -1
	}
	at, step := 0, 1
	if direction == Super {
		at, step = len(order)-1, -1
	}
	uf := s.uf[:0]
	inverse := math.MaxUint64/uint64(regions) + 1 // v*inverse>>64 is v/regions; dividing would cost a tenth of the sweep
	for range order {
		v := int(uint32(order[at]))
		at += step
		hi, _ := bits.Mul64(uint64(v), inverse)
		q := int(hi)
		r := v - q*regions
		row := label[(q+1)*regions : (q+2)*regions]
		root := int32(-1)
		dead := len(t.deaths)

		// Join the components of the neighbours that were swept before. Written
		// out twice, because a call costs a third of the sweep.
		for _, l := range [2]int32{label[v], label[v+2*regions]} {
			if l < 0 || l == root {
				continue
			}
			for uf[l] != l {
				uf[l] = uf[uf[l]]
				l = uf[l]
			}
			if root < 0 {
				root = l
			} else if l != root {
				root = t.die(uf, root, l, v)
			}
		}
		for _, u := range g.neighbours[g.offsets[r]:g.offsets[r+1]] {
			l := row[u]
			if l < 0 || l == root {
				continue
			}
			for uf[l] != l {
				uf[l] = uf[uf[l]]
				l = uf[l]
			}
			if root < 0 {
				root = l
			} else if l != root {
				root = t.die(uf, root, l, v)
			}
		}
		if root < 0 {
			root = int32(len(uf))
			uf = append(uf, root)
			t.vertex = append(t.vertex, int32(v))
			t.saddle = append(t.saddle, -1)
			t.parent = append(t.parent, -1)
		} else if len(t.deaths) > dead+1 {
			for _, l := range t.deaths[dead:] { // all that die here are absorbed by the one that survives
				t.parent[l] = root
			}
		}
		row[r] = root
	}
	s.uf = uf
	t.first = append(t.first[:0], label[regions:2*regions]...)
	t.last = append(t.last[:0], label[n:n+regions]...)
	return label
}

// die merges two components at v and returns the elder root.
func (t *slabTree) die(uf []int32, a, b int32, v int) int32 {
	if a > b {
		a, b = b, a
	}
	uf[b] = a
	t.saddle[b] = int32(v)
	t.parent[b] = a
	t.deaths = append(t.deaths, b)
	return a
}
