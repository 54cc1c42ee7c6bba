package relate

import (
	"context"
	"errors"
	"fmt"

	"polygamy/topology"
)

// A CompatGraph is the adjacency of regions as the reference keeps it. Unlike
// a topology.Graph it remembers the order in which the edges were listed,
// because the reference's permutations depend on it.
type CompatGraph struct {
	neighbours [][]int32 // by region, in the order of the edges
}

// NewCompatGraph returns the graph of n regions with the given undirected
// edges, in the order of the reference's graph file. Errors are those of
// topology's NewGraph, and a graph that is not connected: there the reference
// never ends.
//
// The reference permutes regions as follows. A breadth-first search from a
// main origin, drawn once a process, fixes how many regions there are at each
// distance. For each repetition another search starts at a random origin and
// fills levels of these sizes: a region that finds its level full is left out
// and not followed, no region reaches more neighbours than the next level
// takes. Then every gap, in level order, gets the first region not yet placed
// that is adjacent to one of the level before, of the level itself, and so on
// down and then from the top. The k-th region of a level of the main search is
// compared with the k-th of that level of the other. So a main origin has as
// many permutations as there are regions, and the identity is among them.
func NewCompatGraph(n int, edges [][2]int) (*CompatGraph, error) {
	if _, err := topology.NewGraph(n, edges); err != nil {
		return nil, err
	}
	g := &CompatGraph{neighbours: make([][]int32, n)}
	for _, e := range edges {
		g.neighbours[e[0]] = append(g.neighbours[e[0]], int32(e[1]))
		g.neighbours[e[1]] = append(g.neighbours[e[1]], int32(e[0]))
	}
	if n == 0 {
		return nil, errors.New("relate: a graph without regions")
	}
	if reached := len(g.search(0).order); reached < n {
		return nil, fmt.Errorf("relate: the graph is not connected: region 0 reaches %d of %d regions; the reference cannot permute them", reached, n)
	}
	return g, nil
}

func (g *CompatGraph) numRegions() int { return len(g.neighbours) }

// A compatSearch lists regions by level. Level i is order[ends[i-1]:ends[i]].
type compatSearch struct {
	order []int32
	ends  []int
}

// search is the breadth-first search from the main origin.
func (g *CompatGraph) search(origin int) *compatSearch {
	s := &compatSearch{order: []int32{int32(origin)}, ends: []int{1}}
	seen := make([]bool, g.numRegions())
	seen[origin] = true
	for first := 0; first < len(s.order); {
		end := len(s.order)
		for _, u := range s.order[first:end] {
			for _, v := range g.neighbours[u] {
				if !seen[v] {
					seen[v] = true
					s.order = append(s.order, v)
				}
			}
		}
		if first = end; len(s.order) > end {
			s.ends = append(s.ends, len(s.order))
		}
	}
	return s
}

// A compatShift lays the levels of a main search anew. It may be used again.
type compatShift struct {
	g      *CompatGraph
	main   *compatSearch
	levels [][]int32 // regions placed in each level, whose size is the capacity
	placed []bool
	seen   []bool
	reach  []int32 // regions that the last level reaches, and those of the next
	next   []int32
	done   []int // regions of the level, from its first, that have no neighbour left
}

func newCompatShift(g *CompatGraph) *compatShift {
	return &compatShift{g: g, placed: make([]bool, g.numRegions()), seen: make([]bool, g.numRegions())}
}

// from sets the main origin.
func (s *compatShift) from(main int) {
	s.main = s.g.search(main)
	s.levels, s.done = make([][]int32, len(s.main.ends)), make([]int, len(s.main.ends))
	first := 0
	for i, end := range s.main.ends {
		s.levels[i] = make([]int32, 0, end-first)
		first = end
	}
}

// to writes the permutation of an origin: image[r] is the region of the second
// function that region r of the first is compared with.
func (s *compatShift) to(origin int, image []int32) {
	clear(s.placed)
	clear(s.seen)
	clear(s.done)
	s.grow(origin)
	for i := range s.levels {
		for len(s.levels[i]) < cap(s.levels[i]) {
			s.put(i, s.nearest(i))
		}
	}
	k := 0
	for _, level := range s.levels {
		for _, r := range level {
			image[s.main.order[k]] = r
			k++
		}
	}
}

// grow searches from origin within the sizes of the levels.
func (s *compatShift) grow(origin int) {
	s.reach = append(s.reach[:0], int32(origin))
	s.seen[origin] = true
	for i := range s.levels {
		s.levels[i] = s.levels[i][:0]
		s.next = s.next[:0]
		for _, u := range s.reach[:min(len(s.reach), cap(s.levels[i]))] {
			s.put(i, u)
			if i+1 == len(s.levels) {
				continue
			}
			followed := 0
			for _, v := range s.g.neighbours[u] {
				if s.seen[v] || followed == cap(s.levels[i+1]) {
					continue
				}
				s.seen[v] = true
				s.next = append(s.next, v)
				followed++
			}
		}
		s.reach, s.next = s.next, s.reach
	}
}

func (s *compatShift) put(level int, r int32) {
	s.levels[level] = append(s.levels[level], r)
	s.placed[r] = true
}

// nearest returns the region that the reference puts into a gap of a level:
// there is one, because the graph is connected. Levels after it count as far as
// they are laid; the reference has not made the empty ones yet, which makes no
// difference.
func (s *compatShift) nearest(level int) int32 {
	for k := level - 1; ; k = (k + 1) % len(s.levels) {
		// Regions are only ever placed, so one without a free neighbour never
		// gets one again.
		for ; s.done[k] < len(s.levels[k]); s.done[k]++ {
			for _, v := range s.g.neighbours[s.levels[k][s.done[k]]] {
				if !s.placed[v] {
					return v
				}
			}
		}
	}
}

// regionTable holds, for all pairs of a region of the first function and one
// of the second, the cells of the same and of opposite signs: any permutation
// is then a sum of R entries.
type regionTable struct {
	regions        int
	same, opposite []int32 // shape [regions*regions], region of the first function first
}

func newRegionTable(ctx context.Context, a, b *compatPlanes, regions int) (*regionTable, error) {
	t := &regionTable{regions: regions, same: make([]int32, regions*regions), opposite: make([]int32, regions*regions)}
	for r := range regions {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, n := a.of(r)
		for s := range regions {
			q, m := b.of(s)
			o := overlapRows(p, n, q, m)
			t.same[r*regions+s] = int32(o[positivePositive] + o[negativeNegative])
			t.opposite[r*regions+s] = int32(o[positiveNegative] + o[negativePositive])
		}
	}
	return t, nil
}

// score returns the score with region image[r] of the second function beside
// region r of the first.
func (t *regionTable) score(image []int32) float32 {
	same, opposite := 0, 0
	for r, s := range image {
		at := r*t.regions + int(s)
		same += int(t.same[at])
		opposite += int(t.opposite[at])
	}
	return compatScore(same, opposite)
}

const (
	// Time grows with the cube of the regions. All main origins of 400 take 3 s,
	// those of 2,025 ten minutes a class, and 32 of them 12 s.
	allMains  = 400 // regions up to which all main origins are tried
	someMains = 32  // how many are tried of more
)

// mainOrigins returns the main origins that are tried of so many regions,
// ascending.
func mainOrigins(regions int) []int {
	n := regions
	if regions > allMains {
		n = someMains
	}
	mains := make([]int, n)
	for k := range mains {
		mains[k] = k * regions / n
	}
	return mains
}

// shiftRegions tries the permutations of all origins for the main origins.
func (r *CompatResult) shiftRegions(ctx context.Context, a, b *compatPlanes, g *CompatGraph, mains []int) error {
	t, err := newRegionTable(ctx, a, b, r.Regions)
	if err != nil {
		return err
	}
	r.Alternatives, r.PByMain = r.Regions, make([]float64, len(mains))
	shift, image := newCompatShift(g), make([]int32, r.Regions)
	total := 0
	for i, main := range mains {
		if err := ctx.Err(); err != nil {
			return err
		}
		shift.from(main)
		hits := 0
		for origin := range r.Regions {
			shift.to(origin, image)
			if r.extreme(t.score(image)) {
				hits++
			}
		}
		total += hits
		r.PByMain[i] = float64(hits) / float64(r.Regions)
	}
	r.P = float64(total) / float64(len(mains)*r.Regions)
	return nil
}
