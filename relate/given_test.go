package relate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestGivenCells compares with the definition cell by cell: of the same
// regions and of the city, with a third that has other rows and misses some.
func TestGivenCells(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 51))
		regions, slots, rows := 1+rng.IntN(80), 1+rng.IntN(7), 3+rng.IntN(6)
		first, width := 10, regions*slots
		thirdFirst, thirdRows, thirdRegions := 9+rng.IntN(3), 3+rng.IntN(6), regions
		if seed%2 == 1 {
			thirdRegions = 1
		}
		a := randomSigns(rng, rows, width, 0.2, 0.1*float64(seed%3))
		c := randomSigns(rng, thirdRows, thirdRegions*slots, 0.2, 0.1)
		dropped := []int{10, 12, 99}
		within, without, fewer := make(signRows, rows), make(signRows, rows), make(signRows, rows)
		for r := range a {
			within[r], without[r], fewer[r] = slices.Clone(a[r]), slices.Clone(a[r]), slices.Clone(a[r])
			for i := range a[r] {
				at := i
				if thirdRegions == 1 {
					at = i / regions
				}
				other := int8(9)
				if k := first + r - thirdFirst; k >= 0 && k < thirdRows {
					other = c[k][at]
				}
				if other == 9 {
					within[r][i] = 9
				}
				if other != 0 {
					without[r][i] = 9
				}
				if slices.Contains(dropped, first+r) {
					fewer[r][i] = 9
				}
			}
		}
		m, third := a.marks(first), c.marks(thirdFirst)
		for name, pair := range map[string][2]*Marks{
			"within":       {m.Within(third, regions), within.marks(first)},
			"without":      {m.Without(third, regions), without.marks(first)},
			"without rows": {m.WithoutRows(dropped), fewer.marks(first)},
		} {
			got, want := pair[0], pair[1]
			if !slices.Equal(got.Positive, want.Positive) || !slices.Equal(got.Negative, want.Negative) || !slices.Equal(got.Valid, want.Valid) {
				t.Errorf("seed %d, %s: the planes differ", seed, name)
			}
			for row := first; row < first+rows; row++ {
				if *got.counts(row) != *want.counts(row) {
					t.Errorf("seed %d, %s, row %d: counts %+v, want %+v", seed, name, row, *got.counts(row), *want.counts(row))
				}
			}
		}
	}
	full := randomSigns(rand.New(rand.NewPCG(1, 1)), 5, 14, 0.2, 0).marks(0)
	if full.Within(full, 2) != full || full.WithoutRows(nil) != full {
		t.Error("marks that lose nothing are copied")
	}
}

// causes are the shocks of a third function, as its marks and by their hours.
func causes(rng *rand.Rand, weeks int) (third *Marks, shocks []int) {
	s := make(signRows, weeks)
	for w := range s {
		s[w] = make([]int8, 168)
	}
	for range 240 {
		at := rng.IntN(weeks*168 - 3)
		shocks = append(shocks, at)
		for i := at; i < at+3; i++ {
			s[i/168][i%168] = 1
		}
	}
	return s.marks(0), shocks
}

// TestGivenCommonCause: two functions that a third drives are related, and not
// once its features are left out; one that drives the other stays related,
// whatever a third does that drives neither. Bands are four standard errors.
func TestGivenCommonCause(t *testing.T) {
	const weeks, pairs = 104, 100
	rejects := func(f, g *Marks) int { return b2i(Test(f, g, NewMemory(f), NewMemory(g)).P <= 0.05) }
	var common, commonGiven, direct, directGiven int
	for seed := range uint64(pairs) {
		rng := rand.New(rand.NewPCG(seed, 52))
		third, shocks := causes(rng, weeks)
		_, own := causes(rng, weeks)
		a, b := series(rng, weeks, 6, 0.5, shocks), series(rng, weeks, 6, 0.5, shocks)
		common += rejects(a, b)
		commonGiven += rejects(a.Without(third, 1), b.Without(third, 1))
		a, b = series(rng, weeks, 6, 0.5, own), series(rng, weeks, 6, 0.5, own)
		direct += rejects(a, b)
		directGiven += rejects(a.Without(third, 1), b.Without(third, 1))
	}
	t.Logf("at 0.05: common cause %d, given it %d; direct %d, given another %d of %d", common, commonGiven, direct, directGiven, pairs)
	if common < 95 || commonGiven > 14 {
		t.Errorf("a common cause: %d of %d pairs at 0.05, %d given it", common, pairs, commonGiven)
	}
	if direct < 95 || directGiven < 95 {
		t.Errorf("one drives the other: %d of %d pairs at 0.05, %d given a third", direct, pairs, directGiven)
	}
}

// TestGivenCalibration: unrelated functions with a shared cycle stay unrelated
// where a third, whose features last for days and fill two cells in five, is
// quiet. The band is four standard errors.
func TestGivenCalibration(t *testing.T) {
	const weeks, pairs = 104, 100
	noise := func(rng *rand.Rand, memory float64) *Marks {
		phi := math.Exp(-1 / memory)
		x, state := make([]float64, weeks*168), rng.NormFloat64()
		for i := range x {
			state = phi*state + math.Sqrt(1-phi*phi)*rng.NormFloat64()
			x[i] = state + math.Sin(2*math.Pi*float64(i%24)/24)
		}
		return tails(x, 168, 0.2)
	}
	rejected := 0
	for seed := range uint64(pairs) {
		rng := rand.New(rand.NewPCG(seed, 53))
		f, g, third := noise(rng, 24), noise(rng, 24), noise(rng, 72)
		f, g = f.Without(third, 1), g.Without(third, 1)
		r := Test(f, g, NewMemory(f), NewMemory(g))
		if !r.Testable {
			t.Fatalf("seed %d: %s", seed, r.Reason)
		}
		rejected += b2i(r.P <= 0.05)
	}
	t.Logf("%d of %d at 0.05", rejected, pairs)
	if rejected > 14 {
		t.Errorf("%d of %d unrelated pairs have p <= 0.05 given a third", rejected, pairs)
	}
}
