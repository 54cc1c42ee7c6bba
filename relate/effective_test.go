package relate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomSum returns a result of noise.
func randomSum(rng *rand.Rand, windows, size int) *windowSum {
	var values []float64
	for range windows * size {
		values = append(values, rng.NormFloat64())
	}
	d := new(windowSum)
	d.measure(slices.Repeat([]int{size}, windows), nil, values)
	return d
}

func effectiveOf(results ...*windowSum) float64 {
	var s searcher
	for _, d := range results {
		s.centre(d)
	}
	return s.effective()
}

// TestEffective: copies of one test are one test, independent ones as many,
// also where there are more of them than rotations tell apart.
func TestEffective(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, tc := range []struct {
		windows, different, copies int
		least, most                float64
	}{
		{400, 1, 3, 1, 1 + 1e-6},
		{400, 4, 1, 3.9, 4},
		{7, 1, 50, 1, 1 + 1e-6},
		{7, 200, 1, 185, 200},
		{7, 40, 5, 36, 41},
		{26, 20, 1, 19, 20},
		{7, 9, 1, 8, 9}, // in 35 dimensions
	} {
		var results []*windowSum
		for range tc.different {
			results = append(results, slices.Repeat([]*windowSum{randomSum(rng, tc.windows, 6)}, tc.copies)...)
		}
		if got := effectiveOf(results...); got < tc.least || got > tc.most {
			t.Errorf("%d copies of %d results in %d windows are %g tests", tc.copies, tc.different, tc.windows, got)
		}
	}
	still := new(windowSum)
	still.measure([]int{6, 6}, nil, make([]float64, 12))
	if got := effectiveOf(slices.Repeat([]*windowSum{still}, 20)...); got != 1 {
		t.Errorf("results that no rotation changes are %g tests", got)
	}
}

// TestEffectiveRotations compares with all rotations.
func TestEffectiveRotations(t *testing.T) {
	const windows, size, n = 5, 5, 30
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 4))
		common := randomSum(rng, windows, size)
		results := make([]*windowSum, n)
		for i := range results {
			results[i] = randomSum(rng, windows, size)
			for k, x := range common.values {
				results[i].values[k] += x * float64(seed)
			}
			results[i].measure(results[i].sizes, nil, results[i].values)
		}
		rotations := int(math.Pow(size, windows))
		z := make([][]float64, rotations)
		most := make([]float64, rotations)
		for _, d := range results {
			sums, mean, variance := make([]float64, rotations), 0.0, 0.0
			for u := range sums {
				for q, rest := 0, u; q < windows; q, rest = q+1, rest/size {
					sums[u] += d.values[q*size+rest%size]
				}
				mean += sums[u] / float64(rotations)
			}
			for _, x := range sums {
				variance += (x - mean) * (x - mean) / float64(rotations)
			}
			for u, x := range sums {
				z[u] = append(z[u], math.Abs(x-mean)/math.Sqrt(variance))
				most[u] = max(most[u], z[u][len(z[u])-1])
			}
		}
		least := slices.Sorted(slices.Values(most))[rotations*95/100]
		any, all := 0.0, 0.0
		for u := range z {
			any += float64(b2i(most[u] >= least))
			for _, x := range z[u] {
				all += float64(b2i(x >= least))
			}
		}
		if got, want := effectiveOf(results...), n*any/all; math.Abs(got/want-1) > 0.2 {
			t.Errorf("seed %d: %g tests, of all rotations %g", seed, got, want)
		}
	}
}

// heldNoise returns marks of hours whose signs are drawn anew every so many.
func heldNoise(weeks int, seed uint64, hours int) *Marks {
	rng := rand.New(rand.NewPCG(seed, 1))
	rows, sign := make(signRows, weeks), int8(0)
	for w := range rows {
		rows[w] = make([]int8, 168)
		for h := range rows[w] {
			if (w*168+h)%hours == 0 {
				x := rng.Float64()
				sign = int8(b2i(x < 0.1) - b2i(x > 0.9))
			}
			rows[w][h] = sign
		}
	}
	return rows.marks(0)
}

// TestLagsEffective: lags of noise are as many tests, though 40 weeks have no
// more than 35 rotations that differ; those of functions that last for hours are
// as many as are found to make 5 % of unrelated pairs significant.
func TestLagsEffective(t *testing.T) {
	for _, tc := range []struct {
		weeks, hours, reach int
		least, most         float64
	}{{40, 1, 100, 150, 201}, {40, 6, 12, 7, 10}, {156, 6, 12, 7, 10}} {
		var lags []int
		for lag := -tc.reach; lag <= tc.reach; lag++ {
			lags = append(lags, lag)
		}
		const pairs = 4
		mean := 0.0
		for seed := range uint64(pairs) {
			f, g := heldNoise(tc.weeks, seed, tc.hours), heldNoise(tc.weeks, seed+100, tc.hours)
			mean += searchLags(t, lags, [2]*Marks{f, g}).Effective / pairs
		}
		if mean < tc.least || mean > tc.most {
			t.Errorf("%d weeks: %d lags of features of %d hours are %g tests", tc.weeks, len(lags), tc.hours, mean)
		}
	}
}
