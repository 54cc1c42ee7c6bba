package topology

import (
	"math"
	"slices"
)

// quantileBins is the number of bins into which selectRanks spreads values.
const quantileBins = 1 << 14

// selectRanks returns the values of the given ranks, ascending from 0, among
// the values of f that are not missing. Cost: two passes over f, and over the
// bins that hold a rank.
func selectRanks(f []float64, ranks []int) []float64 {
	order := make([]int, len(ranks)) // of the ranks, ascending
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return ranks[a] - ranks[b] })
	sorted := make([]int, len(ranks))
	for i, o := range order {
		sorted[i] = ranks[o]
	}
	selected := make([]float64, len(ranks))
	for i, x := range selectSorted(f, sorted) {
		selected[order[i]] = x
	}
	return selected
}

// selectSorted selects ascending ranks. It bins values linearly, gathers
// those of the bins that hold a rank, and goes on inside each of them.
func selectSorted(f []float64, ranks []int) []float64 {
	lo, hi := valueRange(f)
	scale := (quantileBins - 1) / (hi - lo)
	if len(f) <= quantileBins || lo >= hi || math.IsInf(scale, 0) {
		values := slices.DeleteFunc(slices.Clone(f), math.IsNaN)
		slices.Sort(values)
		selected := make([]float64, len(ranks))
		for i, r := range ranks {
			selected[i] = values[r]
		}
		return selected
	}
	count := make([]int32, quantileBins)
	for _, x := range f {
		if x == x {
			count[int((x-lo)*scale)]++
		}
	}
	// The wanted bins, numbered from 1, with the ranks that they hold.
	type wantedBin struct {
		below  int // values in lower bins
		ranks  []int
		values []float64
	}
	number := make([]int32, quantileBins)
	bins := make([]wantedBin, 1)
	below, next := 0, 0
	for b, n := range count {
		first := next
		for next < len(ranks) && ranks[next] < below+int(n) {
			next++
		}
		if next > first {
			number[b] = int32(len(bins))
			bins = append(bins, wantedBin{below: below, ranks: ranks[first:next], values: make([]float64, 0, n)})
		}
		below += int(n)
	}
	for _, x := range f {
		if x == x {
			if b := number[int((x-lo)*scale)]; b > 0 {
				bins[b].values = append(bins[b].values, x)
			}
		}
	}
	var selected []float64
	for _, bin := range bins[1:] {
		inside := make([]int, len(bin.ranks))
		for i, r := range bin.ranks {
			inside[i] = r - bin.below
		}
		selected = append(selected, selectSorted(bin.values, inside)...)
	}
	return selected
}
