package topology

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// This file holds the definitions, written slowly and plainly, that the fast
// code is compared with.

// neighboursOf lists the vertices adjacent to v in d that hold a value.
func neighboursOf(d Domain, f []float64, v int) []int {
	regions := d.NumRegions()
	var all []int
	for _, s := range d.Graph().Neighbours(d.Region(v)) {
		all = append(all, d.Step(v)*regions+int(s))
	}
	if d.Step(v) > 0 {
		all = append(all, v-regions)
	}
	if d.Step(v) < d.NumSteps()-1 {
		all = append(all, v+regions)
	}
	return slices.DeleteFunc(all, func(u int) bool { return math.IsNaN(f[u]) })
}

// sweepOrder lists the vertices with a value in the order of the sweep:
// ascending (value, vertex) for the sub-level tree, descending for the other.
func sweepOrder(f []float64, direction Direction) []int {
	var order []int
	for v, x := range f {
		if !math.IsNaN(x) {
			order = append(order, v)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(f[a], f[b]), cmp.Compare(a, b))
	})
	if direction == Super {
		slices.Reverse(order)
	}
	return order
}

// pairsByElderRule is the definition of the persistence pairs and of their
// order: a component is the set of vertices reached so far from an extremum.
func pairsByElderRule(d Domain, f []float64, direction Direction) []Pair {
	order := sweepOrder(f, direction)
	age := map[int]int{} // position in the sweep of each vertex reached
	component := map[int]int{}
	death := map[int]Pair{}    // by extremum
	members := map[int][]int{} // by extremum
	for i, v := range order {
		age[v] = i
		var met []int // extrema of the components that v joins, the oldest first
		for _, u := range neighboursOf(d, f, v) {
			if c, ok := component[u]; ok && !slices.Contains(met, c) {
				met = append(met, c)
			}
		}
		slices.SortFunc(met, func(a, b int) int { return cmp.Compare(age[a], age[b]) })
		if len(met) == 0 {
			met = []int{v}
		}
		for _, young := range met[1:] {
			death[young] = Pair{Extremum: young, Saddle: v, Birth: f[young], Death: f[v], Parent: met[0]}
			for _, u := range members[young] {
				component[u] = met[0]
			}
			members[met[0]] = append(members[met[0]], members[young]...)
			delete(members, young)
		}
		component[v] = met[0]
		members[met[0]] = append(members[met[0]], v)
	}
	for c, cells := range members { // survivors die with the last vertex of their part
		last := slices.MaxFunc(cells, func(a, b int) int { return cmp.Compare(age[a], age[b]) })
		death[c] = Pair{Extremum: c, Saddle: last, Birth: f[c], Death: f[last], Parent: -1}
	}
	var pairs []Pair
	for _, p := range death {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(b.Persistence(), a.Persistence()), cmp.Compare(age[a.Extremum], age[b.Extremum]))
	})
	return pairs
}

// componentsByFlood returns the components of the level set at a, each as its
// vertices in ascending order, ordered by their first vertices.
func componentsByFlood(d Domain, f []float64, direction Direction, a float64) [][]int {
	seen := make([]bool, len(f))
	var components [][]int
	for v, x := range f {
		if math.IsNaN(x) || seen[v] || !direction.passes(x, a) {
			continue
		}
		seen[v] = true
		queue := []int{v}
		for i := 0; i < len(queue); i++ {
			for _, u := range neighboursOf(d, f, queue[i]) {
				if !seen[u] && direction.passes(f[u], a) {
					seen[u] = true
					queue = append(queue, u)
				}
			}
		}
		slices.Sort(queue)
		components = append(components, queue)
	}
	return components
}

// randomGraph returns a graph of n regions, often disconnected.
func randomGraph(rng *rand.Rand, n int) *Graph {
	var edges [][2]int
	density := rng.Float64() * 3 / float64(n)
	for a := range n {
		for b := range a {
			if rng.Float64() < density {
				edges = append(edges, [2]int{b, a})
			}
		}
	}
	g, err := NewGraph(n, edges)
	if err != nil {
		panic(err)
	}
	return g
}

// randomField returns a function with ties, gaps and values of mixed scale,
// or some of these.
func randomField(rng *rand.Rand, n int) []float64 {
	f := make([]float64, n)
	kind := rng.IntN(5)
	gaps := 0.0
	if rng.IntN(2) == 0 {
		gaps = rng.Float64() * rng.Float64()
	}
	for i := range f {
		switch kind {
		case 0:
			f[i] = rng.NormFloat64()
		case 1:
			f[i] = float64(rng.IntN(5)) - 2
			if f[i] == 0 && rng.IntN(2) == 0 {
				f[i] = math.Copysign(0, -1) // equal to 0
			}
		case 2:
			f[i] = math.Copysign(math.Exp(rng.NormFloat64()*30), rng.NormFloat64())
		case 3: // differs in the last bits only
			f[i] = math.Float64frombits(math.Float64bits(1) + uint64(rng.IntN(12)))
		case 4: // differs in the last bits, and a few values far away
			f[i] = math.Float64frombits(math.Float64bits(1) + uint64(rng.IntN(12)))
			if rng.IntN(20) == 0 {
				f[i] = math.Copysign(1e100, rng.NormFloat64())
			}
		}
		if rng.Float64() < gaps {
			f[i] = math.NaN()
		}
	}
	return f
}

// randomDomain returns a path or a region graph over time, of a size that
// often spans several slabs when the slabs are small, and a function on it.
func randomDomain(rng *rand.Rand, n int) (Domain, []float64) {
	if rng.IntN(3) == 0 {
		return Path(n), randomField(rng, n)
	}
	regions := 1 + rng.IntN(max(1, min(n, 12)))
	d := NewDomain(randomGraph(rng, regions), (n+regions-1)/regions)
	return d, randomField(rng, d.NumVertices())
}
