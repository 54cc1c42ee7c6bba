package relate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestUpperOfRareFeatures: centred overlaps of rare features are next to
// nothing, and one where two meet. A sum below its mean never has a small upper
// tail; compared with all combinations.
func TestUpperOfRareFeatures(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 9))
		var n windowSum
		var memory tailMemory
		tables := make([][]float64, 7)
		for q := range tables {
			tables[q] = make([]float64, 5)
			level := -0.05 * rng.Float64()
			for u := range tables[q] {
				tables[q][u] = level + 0.001*float64(rng.IntN(3))
				if rng.IntN(12) == 0 {
					tables[q][u]++
				}
			}
		}
		n.measure([]int{5, 5, 5, 5, 5, 5, 5}, nil, slices.Concat(tables...))
		sums := []float64{0}
		for _, table := range tables {
			var next []float64
			for _, s := range sums {
				for _, x := range table {
					next = append(next, s+x)
				}
			}
			sums = next
		}
		for range 200 {
			at := sums[rng.IntN(len(sums))]
			exact := 0.0
			for _, s := range sums {
				if s >= at-1e-12 {
					exact += 1 / float64(len(sums))
				}
			}
			// The guard moves the value of the data towards the mean, by rounding at least.
			if got := n.upper(at+math.Abs(at)*1e-15, &memory); at < n.mean && got < 0.99*min(exact, 0.5) {
				t.Fatalf("seed %d: P(T >= %g) = %g, want %g; the mean is %g", seed, at, got, exact, n.mean)
			}
		}
	}
}
