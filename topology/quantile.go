package topology

import (
	"math"
	"slices"
)

// selectRanks returns the values of the given ranks, ascending from 0, among
// the values of f that are not missing. Cost: O(N), and a sort of the values
// close to the ranks.
func selectRanks(f []float64, ranks []int) []float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, x := range f {
		if x < lo {
			lo = x
		}
		if x > hi {
			hi = x
		}
	}
	selected := make([]float64, len(ranks))
	if lo >= hi {
		for i := range selected {
			selected[i] = lo
		}
		return selected
	}
	const digits = 1 << 12
	k := newKeyRange(orderKey(lo), orderKey(hi))
	shift := max(0, k.shift+k.bits-12)
	count := make([]int, digits)
	for _, x := range f {
		if x == x {
			count[(orderKey(x)-k.lo)>>shift]++
		}
	}
	// position of a rank among the values of wanted digits
	wanted := make([]bool, digits)
	position := make([]int, len(ranks))
	order := make([]int, len(ranks))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return ranks[a] - ranks[b] })
	below, kept, next := 0, 0, 0
	for digit, n := range count {
		for ; next < len(order) && ranks[order[next]] < below+n; next++ {
			wanted[digit] = true
			position[order[next]] = kept + ranks[order[next]] - below
		}
		below += n
		if wanted[digit] {
			kept += n
		}
	}
	near := make([]float64, 0, kept)
	for _, x := range f {
		if x == x && wanted[(orderKey(x)-k.lo)>>shift] {
			near = append(near, x)
		}
	}
	slices.Sort(near)
	for i, p := range position {
		selected[i] = near[p]
	}
	return selected
}
