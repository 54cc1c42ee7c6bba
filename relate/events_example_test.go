package relate_test

import (
	"fmt"
	"math/rand/v2"

	"polygamy/relate"
	"polygamy/topology"
)

// Two years of wind and of power cuts. Half of the gusts bring cuts one to three
// hours later; most cuts have other causes. Do gusts come before cuts, and do
// cuts come after gusts?
func ExampleEvents() {
	random := rand.New(rand.NewPCG(3, 3))
	const hours = 104 * 168
	wind, cuts := make([]float64, hours), make([]float64, hours)
	for h := range hours {
		wind[h], cuts[h] = random.NormFloat64(), random.NormFloat64()
	}
	for range 400 {
		gust := random.IntN(hours - 3)
		wind[gust] += 5
		if random.IntN(2) == 0 {
			cuts[gust+1+random.IntN(3)] += 5
		}
	}
	f, g := marksOf(wind), marksOf(cuts)
	city := topology.Path(1).Graph() // one region
	for _, o := range []relate.Coincidence{
		{Lag: 1, Tolerance: 2},                  // one to three hours later
		{Lag: -3, Tolerance: 2},                 // one to three hours before
		{Lag: 1, Tolerance: 2, Onsets: true},    // each feature counts once
		{Lag: 1, Tolerance: 2, NegativeF: true}, // after a calm
	} {
		v, err := relate.Events(f, g, city, o)
		if err != nil {
			panic(err)
		}
		p, t := v.Precursor, v.Trigger
		fmt.Printf("%.0f %% of the cuts follow, %.0f %% expected; %.0f %% of the gusts are followed, %.0f %% expected; p = %.1g, %.1g\n",
			100*p.Rate, 100*p.Expected, 100*t.Rate, 100*t.Expected, p.P, t.P)
	}
	// Output:
	// 36 % of the cuts follow, 18 % expected; 36 % of the gusts are followed, 18 % expected; p = 4e-14, 4e-14
	// 14 % of the cuts follow, 14 % expected; 15 % of the gusts are followed, 14 % expected; p = 0.4, 0.3
	// 34 % of the cuts follow, 18 % expected; 35 % of the gusts are followed, 18 % expected; p = 4e-14, 4e-14
	// 11 % of the cuts follow, 13 % expected; 11 % of the gusts are followed, 14 % expected; p = 1, 1
}
