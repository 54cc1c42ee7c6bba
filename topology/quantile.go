package topology

import (
	"math"
	"slices"
)

// quantileBins is the number of bins into which selectRanks spreads values.
const quantileBins = 1 << 14

// selectRanks returns the values of some ranks, ascending from 0, among the
// values of f that are not missing; ranks says which, given how many there
// are. It bins values linearly, gathers those of the bins that hold a rank,
// and goes on inside each of them. Cost: three passes over f, and over the
// bins that hold a rank.
func selectRanks(f []float64, ranks func(n int) []int) []float64 {
	lo, hi := valueRange(f)
	scale := (quantileBins - 1) / (hi - lo)
	if len(f) <= quantileBins || lo >= hi || math.IsInf(scale, 0) {
		values := slices.DeleteFunc(slices.Clone(f), math.IsNaN)
		slices.Sort(values)
		var selected []float64
		for _, r := range ranks(len(values)) {
			selected = append(selected, values[r])
		}
		return selected
	}
	count := make([]int32, quantileBins)
	for _, x := range f {
		if x == x {
			count[int((x-lo)*scale)]++
		}
	}
	n := 0
	for _, c := range count {
		n += int(c)
	}
	wanted := ranks(n)
	order := make([]int, len(wanted)) // ascending
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return wanted[a] - wanted[b] })
	// The bins that hold wanted ranks, numbered from 1.
	type wantedBin struct {
		below  int   // values in lower bins
		order  []int // of wanted
		values []float64
	}
	number := make([]int32, quantileBins)
	bins := make([]wantedBin, 1)
	below, next := 0, 0
	for b, c := range count {
		first := next
		for next < len(order) && wanted[order[next]] < below+int(c) {
			next++
		}
		if next > first {
			number[b] = int32(len(bins))
			bins = append(bins, wantedBin{below: below, order: order[first:next], values: make([]float64, 0, c)})
		}
		below += int(c)
	}
	for _, x := range f {
		if x == x {
			if b := number[int((x-lo)*scale)]; b > 0 {
				bins[b].values = append(bins[b].values, x)
			}
		}
	}
	selected := make([]float64, len(wanted))
	for _, bin := range bins[1:] {
		inside := selectRanks(bin.values, func(int) []int {
			ranks := make([]int, len(bin.order))
			for i, o := range bin.order {
				ranks[i] = wanted[o] - bin.below
			}
			return ranks
		})
		for i, o := range bin.order {
			selected[o] = inside[i]
		}
	}
	return selected
}
