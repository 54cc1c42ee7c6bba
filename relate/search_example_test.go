package relate_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"polygamy/relate"
	"polygamy/topology"
)

// sweepOf returns the marks of an hourly series that begins on a Monday at each
// level of the default sweep, with what the test needs to know of their memory.
func sweepOf(series []float64) (levels []string, marks []*relate.Marks, memories []*relate.Memory) {
	domain := topology.Path(len(series))
	index, err := new(topology.Builder).Build(context.Background(), domain, series, nil)
	if err != nil {
		panic(err)
	}
	thresholds := index.Thresholds(series, topology.Class{Kind: topology.SweepShares, Shares: topology.DefaultShares()})
	for level, m := range index.Sweep(series, thresholds, topology.NewLayout(domain, 168, 0)).Maps() {
		marks = append(marks, relate.NewMarks(m.Clone(), 1, 0))
		memories = append(memories, relate.NewMemory(marks[level]))
		levels = append(levels, thresholds[level].Class)
	}
	return levels, marks, memories
}

// rainAndDelays returns two years of hours: rain, and delays that follow a
// cloudburst three hours later.
func rainAndDelays() (rain, delays []float64) {
	random := rand.New(rand.NewPCG(3, 1))
	const hours = 104 * 168
	rain, delays = make([]float64, hours), make([]float64, hours)
	for h := range rain {
		rain[h] += random.NormFloat64()
		delays[h] += random.NormFloat64()
		if random.IntN(200) == 0 && h+3 < hours {
			rain[h] += 5
			delays[h+3] += 5
		}
	}
	return rain, delays
}

// No single level suits all pairs of functions. A sweep tests several, and one
// p-value pays for the choice among them.
func ExampleSweep() {
	rain, delays := rainAndDelays()
	late := delays[3:] // as if delays came at once
	levels, f, memoryF := sweepOf(rain[:len(late)])
	_, g, memoryG := sweepOf(late)
	s := relate.Sweep(f, g, memoryF, memoryG)
	fmt.Printf("strongest at %s; holds from %s to %s\n", levels[s.Best], levels[s.First], levels[s.Last])
	fmt.Printf("%d levels are worth %.1f independent tests; related: %t\n", len(levels), s.Effective, s.P < 1e-9)
	// Output:
	// strongest at tail:1; holds from tail:1 to tail:20
	// 5 levels are worth 3.9 independent tests; related: true
}

// Delays that come later are found by moving them along. Lags are searched like
// levels, and paid for in the same way.
func ExampleLags() {
	rain, delays := rainAndDelays()
	_, f, memoryF := sweepOf(rain)
	_, g, memoryG := sweepOf(delays)
	lags := []int{-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6}
	at0 := relate.Sweep(f, g, memoryF, memoryG)
	s, err := relate.Lags(context.Background(), f, g, memoryF, memoryG, 1, lags)
	if err != nil {
		panic(err)
	}
	fmt.Printf("in the same hour: related: %t\n", at0.P < 0.05)
	fmt.Printf("at any lag: related: %t, strongest %d hours later\n", s.P < 1e-9, lags[s.Best%len(lags)])
	// Output:
	// in the same hour: related: false
	// at any lag: related: true, strongest 3 hours later
}

// TreeBH on two pairs of datasets, as two machines would do it. Each needs of
// the other's tests no more than one number.
func ExampleTree() {
	// Leaves are resolutions of pairs of functions.
	weather, err := relate.NewTree([]string{"rain~taxis", "rain~taxis", "wind~taxis"}, []float64{1e-6, 0.003, 0.4})
	if err != nil {
		panic(err)
	}
	crime, err := relate.NewTree([]string{"stops~taxis", "stops~fares"}, []float64{0.04, 0.7})
	if err != nil {
		panic(err)
	}
	ranking, err := relate.NewRanking([]float64{weather.P(), crime.P()})
	if err != nil {
		panic(err)
	}
	const q = 0.05
	for name, tree := range map[string]*relate.Tree{"weather and taxis": weather, "crime and taxis": crime} {
		s := tree.Select(q, ranking.Selected(q), ranking.Testable())
		fmt.Printf("%s: related %t, tests %v\n", name, s.DatasetPair, s.Leaf)
	}
	// Unordered output:
	// weather and taxis: related true, tests [true true false]
	// crime and taxis: related false, tests [false false]
}

// The standard measures are tested under the same null: the weeks of the second
// series are rotated in windows, so that a rush hour which both have is no
// relation.
func ExampleMonteCarlo_Pearson() {
	random := rand.New(rand.NewPCG(1, 2))
	const weeks = 60
	bikes, taxis := make([]float64, weeks*168), make([]float64, weeks*168)
	for h := range bikes {
		rush := 0.0
		if hour := h % 24; hour == 8 || hour == 17 {
			rush = 3
		}
		bikes[h], taxis[h] = rush+random.NormFloat64(), rush+random.NormFloat64()
	}
	var windows [][]int // of six weeks each
	for first := 0; first < weeks; first += 6 {
		windows = append(windows, []int{first, first + 1, first + 2, first + 3, first + 4, first + 5})
	}
	m := relate.MonteCarlo{Key: []string{"bikes", "taxis", "city hour"}}
	r, err := m.Pearson(bikes, taxis, 168, windows)
	if err != nil {
		panic(err)
	}
	fmt.Printf("r = %.2f, and more than routine: %t\n", relate.Pearson(bikes, taxis), r.P < 0.05)
	// Output:
	// r = 0.40, and more than routine: false
}
