package relate_test

import (
	"fmt"
	"math/rand/v2"

	"polygamy/relate"
	"polygamy/topology"
)

// Two years of rain and of calls for a cab, of which 40 showers came with many
// calls. How well do two years fix the score and the strength?
func ExampleResult_Intervals() {
	random := rand.New(rand.NewPCG(2, 2))
	const hours = 104 * 168
	rain, calls := make([]float64, hours), make([]float64, hours)
	for h := range rain {
		rain[h], calls[h] = random.NormFloat64(), random.NormFloat64()
	}
	for range 40 {
		at := random.IntN(hours - 3)
		for h := at; h < at+3; h++ { // a shower
			rain[h] += 4
			calls[h] += 4
		}
	}
	f, g := marksOf(rain), marksOf(calls)
	r := relate.Test(f, g, relate.NewMemory(f), relate.NewMemory(g))
	city := topology.Path(1).Graph() // one region
	i := r.Intervals(f, g, city, 24)
	fmt.Printf("score    %.2f, from %.2f to %.2f\n", r.Counts.Score(), i.Score.Low, i.Score.High)
	fmt.Printf("strength %.2f, from %.2f to %.2f\n", r.Counts.Strength(), i.Strength.Low, i.Strength.High)
	fmt.Printf("%d weeks, %d cells of overlap in %d clusters\n", i.Weeks, r.Counts.Overlap(), i.Clusters)
	// Output:
	// score    0.43, from 0.27 to 0.56
	// strength 0.17, from 0.14 to 0.19
	// 104 weeks, 289 cells of overlap in 154 clusters
}
