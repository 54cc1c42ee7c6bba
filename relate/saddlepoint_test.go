package relate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// slowCumulants returns the cumulants of a sum of depths below the largest
// values, or above the least, by the central moments of each tilted table.
func slowCumulants(n *null, below bool, t float64) (c cumulants) {
	c.t = t
	for _, table := range n.tables {
		var depths, weights []float64
		total := 0.0
		for _, x := range table {
			depth := x - slices.Min(table)
			if below {
				depth = slices.Max(table) - x
			}
			depths, weights = append(depths, depth), append(weights, math.Exp(-t*depth))
			total += math.Exp(-t * depth)
		}
		mean, m2, m3, m4 := 0.0, 0.0, 0.0, 0.0
		for i, y := range depths {
			mean += y * weights[i] / total
		}
		for i, y := range depths {
			m2 += math.Pow(y-mean, 2) * weights[i] / total
			m3 += math.Pow(y-mean, 3) * weights[i] / total
			m4 += math.Pow(y-mean, 4) * weights[i] / total
		}
		c.log += math.Log(total / float64(len(table)))
		c.mean += mean
		c.k2 += m2
		c.k3 += m3
		c.k4 += m4 - 3*m2*m2
	}
	return c
}

// randomNull returns tables of 4 to 7 values, a third of them constant.
func randomNull(rng *rand.Rand, whole bool, spread int) *null {
	n := &null{whole: whole}
	for range 1 + rng.IntN(40) {
		table := make([]float64, 4+rng.IntN(4))
		constant := rng.IntN(3) == 0
		for u := range table {
			switch {
			case constant && u > 0:
				table[u] = table[0]
			case whole:
				table[u] = float64(rng.IntN(spread+1) - spread/3)
			default:
				table[u] = float64(spread) * rng.NormFloat64()
			}
		}
		n.tables = append(n.tables, table)
	}
	return n
}

// TestCumulants compares with the slow definition, from both ends, without
// tilt and with tilts so large that next to all weight is at the end; spans
// are below and above what has precomputed terms.
func TestCumulants(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 31))
		spread := []int{1, 3, 40, maxTerms - 1, maxTerms, 9000}[rng.IntN(6)]
		n := randomNull(rng, seed%3 > 0, spread)
		sum, below := n.sum(), rng.IntN(2) == 0
		var d depths
		d.take(&sum.windowSum, below)
		for _, tilt := range []float64{0, 0.01, 0.5, 3, 700} {
			tilt /= float64(spread)
			want := slowCumulants(n, below, tilt)
			got := d.tilt(tilt)
			if tilt == 0 {
				got = sum.cumulants()
				if got.log, got.mean = want.log, want.mean; below { // of depths
					got.k3 = -got.k3
				}
			}
			scale := float64(len(n.tables)) // of a span of 1
			for i, x := range [][2]float64{
				{got.t, want.t}, {got.log, want.log}, {got.mean, want.mean}, {got.k2, want.k2}, {got.k3, want.k3}, {got.k4, want.k4},
			} {
				limit := 1e-11 * scale * math.Pow(6*float64(spread), float64(max(i-1, 0)))
				if !(math.Abs(x[0]-x[1]) <= limit) {
					t.Fatalf("seed %d, spread %d, tilt %g: value %d is %g, want %g", seed, spread, tilt, i, x[0], x[1])
				}
			}
		}
	}
}

// TestShare: the share of an end is that of its combinations, or is known to be
// negligible.
func TestShare(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 37))
		n := randomNull(rng, seed%3 > 0, 1+rng.IntN(4))
		sum := n.sum()
		_, _, want := n.ends()
		if got := sum.share(true, 0); math.Abs(got-want) > 1e-12*want {
			t.Fatalf("seed %d: share %g, want %g", seed, got, want)
		}
		negligible := math.Pow(10, -20*rng.Float64())
		got := sum.share(true, negligible)
		if want > negligible && math.Abs(got-want) > 1e-12*want || want <= negligible && !(want*(1-1e-12) <= got && got <= negligible) {
			t.Fatalf("seed %d: share %g where %g is negligible, want %g", seed, got, negligible, want)
		}
	}
}
