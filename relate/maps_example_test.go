package relate_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"polygamy/relate"
	"polygamy/topology"
)

// A town of 12 x 12 blocks. Cafes and visitors gather about the same twelve
// squares, trees about others. Are the maps high in the same places? If each
// block were independent of the next, cafes and trees would have p = 0.008.
func ExampleMaps_Test() {
	const side = 12
	var edges [][2]int
	for r := range side * side {
		if r%side+1 < side {
			edges = append(edges, [2]int{r, r + 1})
		}
		if r/side+1 < side {
			edges = append(edges, [2]int{r, r + side})
		}
	}
	town, err := topology.NewGraph(side*side, edges)
	if err != nil {
		panic(err)
	}
	random := rand.New(rand.NewPCG(4, 4))
	squares := func() []float64 { // hills a block or two wide
		v := make([]float64, side*side)
		for range 12 {
			x, y := random.Float64()*side, random.Float64()*side
			for r := range v {
				v[r] += math.Exp(-(math.Pow(float64(r%side)-x, 2) + math.Pow(float64(r/side)-y, 2)) / 3)
			}
		}
		return v
	}
	cafes, trees := squares(), squares()
	visitors := make([]float64, len(cafes))
	for r := range visitors {
		visitors[r] = cafes[r] + 0.3*random.NormFloat64()
	}
	maps := relate.NewMaps(town)
	for _, other := range []struct {
		name string
		of   []float64
	}{{"visitors", visitors}, {"trees", trees}} {
		r := maps.Test(cafes, other.of)
		fmt.Printf("cafes and %s: r = %.2f in %d blocks that are worth %.0f, p = %.2g\n", other.name, r.Correlation, r.Regions, r.Effective, r.P)
	}
	// Output:
	// cafes and visitors: r = 0.88 in 144 blocks that are worth 27, p = 1.2e-06
	// cafes and trees: r = 0.22 in 144 blocks that are worth 28, p = 0.27
}
