package topology

import (
	"fmt"
	"math"
	"slices"
)

// A Graph is the adjacency of the regions of a city: undirected, without
// loops, in compressed sparse row form. Regions are numbered from 0. A graph
// may be disconnected and may have isolated regions.
type Graph struct {
	offsets    []int32 // shape [regions+1]; the neighbours of r are neighbours[offsets[r]:offsets[r+1]]
	neighbours []int32 // ascending within a region
}

// NewGraph returns the graph of n regions with the given undirected edges.
// An edge may be listed in either direction; listing it twice, a loop, or an
// end point outside 0..n-1 is an error that names the edge's position.
//
// Cost: O(n + m log m).
func NewGraph(n int, edges [][2]int) (*Graph, error) {
	if n < 0 || n > math.MaxInt32-1 {
		return nil, fmt.Errorf("topology: %d regions; a graph has 0 to %d", n, math.MaxInt32-1)
	}
	if len(edges) > math.MaxInt32/2 {
		return nil, fmt.Errorf("topology: %d edges; a graph has at most %d", len(edges), math.MaxInt32/2)
	}
	g := &Graph{offsets: make([]int32, n+1), neighbours: make([]int32, 2*len(edges))}
	for i, e := range edges {
		for _, r := range e {
			if r < 0 || r >= n {
				return nil, fmt.Errorf("topology: edge %d (%d %d) leaves the graph; regions are numbered 0 to %d", i, e[0], e[1], n-1)
			}
			g.offsets[r+1]++
		}
		if e[0] == e[1] {
			return nil, fmt.Errorf("topology: edge %d (%d %d) joins a region to itself; remove it", i, e[0], e[1])
		}
	}
	for r := range n {
		g.offsets[r+1] += g.offsets[r]
	}
	next := slices.Clone(g.offsets)
	for _, e := range edges {
		g.neighbours[next[e[0]]] = int32(e[1])
		next[e[0]]++
		g.neighbours[next[e[1]]] = int32(e[0])
		next[e[1]]++
	}
	for r := range n {
		adjacent := g.neighbours[g.offsets[r]:g.offsets[r+1]]
		slices.Sort(adjacent)
		for i := 1; i < len(adjacent); i++ {
			if adjacent[i] == adjacent[i-1] {
				return nil, fmt.Errorf("topology: the edge between regions %d and %d is listed twice; list it once", r, adjacent[i])
			}
		}
	}
	return g, nil
}

// NewGraphCSR returns the graph whose region r is adjacent to
// neighbours[offsets[r]:offsets[r+1]]. It checks that the offsets ascend, that
// every neighbour is a region and listed once, that no region is its own
// neighbour, and that adjacency is symmetric; the error names the first
// region that breaks a rule. The slices are copied.
//
// Cost: O(n + m log m).
func NewGraphCSR(offsets, neighbours []int32) (*Graph, error) {
	n := len(offsets) - 1
	if n < 0 || offsets[0] != 0 || int(offsets[n]) != len(neighbours) {
		return nil, fmt.Errorf("topology: offsets must begin with 0 and end with the number of neighbours, %d", len(neighbours))
	}
	g := &Graph{offsets: slices.Clone(offsets), neighbours: slices.Clone(neighbours)}
	for r := range n {
		if offsets[r] > offsets[r+1] || int(offsets[r+1]) > len(neighbours) {
			return nil, fmt.Errorf("topology: offsets of region %d do not ascend (%d, %d)", r, offsets[r], offsets[r+1])
		}
		adjacent := g.Neighbours(r)
		slices.Sort(adjacent)
		for i, s := range adjacent {
			switch {
			case s < 0 || int(s) >= n:
				return nil, fmt.Errorf("topology: region %d has neighbour %d; regions are numbered 0 to %d", r, s, n-1)
			case int(s) == r:
				return nil, fmt.Errorf("topology: region %d is its own neighbour; remove it", r)
			case i > 0 && s == adjacent[i-1]:
				return nil, fmt.Errorf("topology: region %d lists neighbour %d twice; list it once", r, s)
			}
		}
	}
	for r := range n {
		for _, s := range g.Neighbours(r) {
			if _, ok := slices.BinarySearch(g.Neighbours(int(s)), int32(r)); !ok {
				return nil, fmt.Errorf("topology: region %d lists neighbour %d, but %d does not list %d; adjacency must be symmetric", r, s, s, r)
			}
		}
	}
	return g, nil
}

// NumRegions returns the number of regions.
func (g *Graph) NumRegions() int { return max(len(g.offsets)-1, 0) }

// NumEdges returns the number of undirected edges.
func (g *Graph) NumEdges() int { return len(g.neighbours) / 2 }

// Neighbours returns the regions adjacent to r, ascending. The slice belongs
// to the graph and must not be changed.
func (g *Graph) Neighbours(r int) []int32 {
	return g.neighbours[g.offsets[r]:g.offsets[r+1]]
}
