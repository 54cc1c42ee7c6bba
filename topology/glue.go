package topology

import (
	"cmp"
	"slices"
)

// Slabs are glued by Kruskal's rule. Inside a slab the components of the
// level sets are known: the slab's tree is a maximum spanning tree over its
// leaves whose edges are the saddles. What joins slabs are the time edges
// across each cut; an edge from u to v appears with the later of the two and
// joins the components that u and v had joined, which their labels name. So
// the tree of the season is the tree over all leaves with the edges of both
// kinds, taken in sweep order. A leaf that an edge absorbs at its own vertex
// was an extremum of its slab only.

// An event joins two leaves' components when the sweep reaches vertex.
type event struct {
	a, b   int32
	vertex int32
}

// A gluer glues the slabs of a season in one direction.
type gluer struct {
	leaves leafTable
	offset []int32 // first leaf of each slab
	*glueScratch
}

// A glueScratch is what a gluer needs while it works.
type glueScratch struct {
	sorter sorter
	uf     []int32
	events []event
	cut    []event // the events of one slab's cuts
	dead   []int32 // leaves that die at one vertex
}

// glue fills g.leaves with the leaves of the season, slab by slab in the
// order in which the sweep would meet equal vertices.
func (g *gluer) glue(slabs []slab, direction Direction, f []float64, scratch *glueScratch) {
	g.glueScratch = scratch
	n := 0
	for i := range slabs {
		n += len(slabs[i].tree(direction).vertex)
	}
	g.leaves.reset(n)
	g.offset = slices.Grow(g.offset[:0], len(slabs))[:len(slabs)]
	for k := range slabs {
		i := sweepPlace(k, len(slabs), direction)
		t := slabs[i].tree(direction)
		first := int32(len(g.leaves.vertex))
		g.offset[i] = first
		for leaf, v := range t.vertex {
			g.leaves.vertex = append(g.leaves.vertex, v+int32(slabs[i].base))
			s, p := t.saddle[leaf], t.parent[leaf]
			if s >= 0 {
				s += int32(slabs[i].base)
				p += first
			}
			g.leaves.saddle = append(g.leaves.saddle, s)
			g.leaves.parent = append(g.leaves.parent, p)
		}
	}
	if len(slabs) > 1 {
		g.collectEvents(slabs, direction, f)
		g.join(direction, f)
	}
}

// sweepPlace returns the k-th of n slabs in the order of the sweep among
// equal vertices.
func sweepPlace(k, n int, direction Direction) int {
	if direction == Super {
		return n - 1 - k
	}
	return k
}

// precedes reports whether the sweep reaches vertex a before vertex b.
func precedes(direction Direction, f []float64, a, b int32) bool {
	if f[a] != f[b] {
		return (f[a] < f[b]) == (direction == Sub)
	}
	return (a < b) == (direction == Sub)
}

func compareVertices(direction Direction, f []float64, a, b int32) int {
	switch {
	case a == b:
		return 0
	case precedes(direction, f, a, b):
		return -1
	}
	return 1
}

// collectEvents gathers the saddles of all slabs and the edges across the
// cuts into g.events, in sweep order.
func (g *gluer) collectEvents(slabs []slab, direction Direction, f []float64) {
	n := 0
	for i := range slabs {
		t := slabs[i].tree(direction)
		n += len(t.deaths) + len(t.first) // a cut has an edge a region at most
	}
	if cap(g.events) < n {
		g.events = make([]event, 0, n)
	}
	g.events = g.events[:0]
	for k := range slabs {
		i := sweepPlace(k, len(slabs), direction)
		g.collectCuts(slabs, i, direction, f)
		// Both lists are in sweep order; so is their merger.
		cut := g.cut
		for _, leaf := range slabs[i].tree(direction).deaths {
			leaf += g.offset[i]
			v := g.leaves.saddle[leaf]
			for len(cut) > 0 && precedes(direction, f, cut[0].vertex, v) {
				g.events = append(g.events, cut[0])
				cut = cut[1:]
			}
			g.events = append(g.events, event{a: leaf, b: g.leaves.parent[leaf], vertex: v})
		}
		g.events = append(g.events, cut...)
	}
	// Equal vertices of different slabs now stand in sweep order, so a stable
	// sort by value alone orders all.
	entries, spare := g.sorter.grow(max(len(g.events), len(g.leaves.vertex)))
	entries, spare = entries[:len(g.events)], spare[:len(g.events)]
	for i := range entries {
		entries[i] = uint64(i)
	}
	sortItems(entries, spare, func(i int32) uint64 {
		k := orderKey(f[g.events[i].vertex])
		if direction == Super {
			return ^k
		}
		return k
	})
}

// collectCuts puts into g.cut the edges across the cuts before and after slab
// i that appear with a vertex of slab i, in sweep order.
func (g *gluer) collectCuts(slabs []slab, i int, direction Direction, f []float64) {
	g.cut = g.cut[:0]
	side := func(here, there []int32, v, w, other int) {
		for r := range here {
			if here[r] < 0 || there[r] < 0 {
				continue
			}
			if a, b := int32(v+r), int32(w+r); precedes(direction, f, b, a) {
				g.cut = append(g.cut, event{a: here[r] + g.offset[i], b: there[r] + g.offset[other], vertex: a})
			}
		}
	}
	t := slabs[i].tree(direction)
	regions := len(t.first)
	if i > 0 {
		base := slabs[i].base
		side(t.first, slabs[i-1].tree(direction).last, base, base-regions, i-1)
	}
	if i+1 < len(slabs) {
		base := slabs[i+1].base
		side(t.last, slabs[i+1].tree(direction).first, base-regions, base, i+1)
	}
	slices.SortFunc(g.cut, func(a, b event) int {
		if c := compareVertices(direction, f, a.vertex, b.vertex); c != 0 {
			return c
		}
		return cmp.Compare(a.b, b.b)
	})
}

// join runs the events through a union-find structure over the leaves.
func (g *gluer) join(direction Direction, f []float64) {
	t := &g.leaves
	if cap(g.uf) < len(t.vertex) {
		g.uf = make([]int32, len(t.vertex))
	}
	g.uf = g.uf[:len(t.vertex)]
	// Fetching births from f at random would cost half of the time. The
	// sorter's second buffer is free.
	age := g.sorter.b[:len(t.vertex)]
	for i, v := range t.vertex {
		g.uf[i], age[i] = int32(i), ageKey(direction, f[v])
		t.saddle[i], t.parent[i] = -1, -1
	}
	elder := func(a, b int32) bool {
		if age[a] != age[b] {
			return age[a] < age[b]
		}
		return (t.vertex[a] < t.vertex[b]) == (direction == Sub)
	}
	entries := g.sorter.a[:len(g.events)]
	dead := g.dead[:0]
	for i := 0; i < len(entries); {
		v := g.events[int32(entries[i])].vertex
		dead = dead[:0]
		for ; i < len(entries) && g.events[int32(entries[i])].vertex == v; i++ {
			e := g.events[int32(entries[i])]
			a, b := find(g.uf, e.a), find(g.uf, e.b)
			if a == b {
				continue
			}
			if elder(b, a) {
				a, b = b, a
			}
			g.uf[b] = a
			t.saddle[b] = v
			dead = append(dead, b)
		}
		for _, leaf := range dead {
			t.parent[leaf] = find(g.uf, leaf)
			if t.vertex[leaf] == v {
				t.none++
			}
		}
	}
	g.dead = dead
}

func find(uf []int32, a int32) int32 {
	for uf[a] != a {
		uf[a] = uf[uf[a]]
		a = uf[a]
	}
	return a
}
