package topology

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseClass(t *testing.T) {
	for _, tc := range []struct {
		text string
		want Class
	}{
		{"tail:5", Class{Kind: Tail, Shares: []float64{5}}},
		{"tail:0.5/season", Class{Kind: Tail, Shares: []float64{0.5}, PerSeason: true}},
		{"sweep", Class{Kind: SweepShares, Shares: []float64{1, 2, 5, 10, 20}}},
		{"sweep:1, 4,25", Class{Kind: SweepShares, Shares: []float64{1, 4, 25}}},
		{"sweep:12", Class{Kind: SweepEven, Steps: 12}},
		{"salient", Class{Kind: Salient}},
		{"extreme", Class{Kind: Extreme}},
		{"level:40", Class{Kind: Level, Low: math.NaN(), High: 40}},
		{"level:-5,40", Class{Kind: Level, Low: -5, High: 40}},
		{"persistence:12", Class{Kind: Persistence, Cut: 12}},
	} {
		got, err := ParseClass(tc.text)
		if diff := cmp.Diff(tc.want, got, cmpopts.EquateNaNs()); err != nil || diff != "" {
			t.Errorf("ParseClass(%q): error %v, (-want +got):\n%s", tc.text, err, diff)
		}
	}
	for _, text := range []string{"", "tail", "tail:", "tail:x", "tail:0", "tail:100", "tail:5,6", "sweep:0", "sweep:1.5", "sweep:5,5", "sweep:5,2",
		"salient:3", "extreme/season", "level:", "level:1,2,3", "level:9,3", "persistence:-1", "persistence:NaN", "median"} {
		if _, err := ParseClass(text); err == nil {
			t.Errorf("ParseClass(%q) gave no error", text)
		}
	}
	_, err := ParseClass("tale:5")
	want := `threshold class "tale:5": unknown class; use tail:Q, sweep, sweep:K, sweep:Q,Q,..., salient, extreme, level:X, level:LOW,HIGH or persistence:X (Q in %)`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestTails compares with the definition: the rarest level whose level set
// holds the share.
func TestTails(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 5))
		d, f := randomDomain(rng, 1+rng.IntN(400))
		seasons := WholeAxis(d.NumSteps())
		if d.NumSteps() > 1 {
			cut := 1 + rng.IntN(d.NumSteps()-1)
			seasons = []Season{{1, 0, cut}, {2, cut, d.NumSteps()}}
		}
		index := build(t, d, f, seasons)
		shares := []float64{1, 5, 20, 99}
		for _, perSeason := range []bool{false, true} {
			levels := index.Thresholds(f, Class{Kind: SweepShares, Shares: shares, PerSeason: perSeason})
			for i, q := range shares {
				for j, s := range seasons {
					part := f
					if perSeason {
						part = f[s.First*d.NumRegions() : s.End*d.NumRegions()]
					}
					for _, direction := range []Direction{Super, Sub} {
						got := levels[i].Of(direction)[j].Value
						if want := tailByDefinition(part, direction, q); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
							t.Fatalf("seed %d, per season %t: %s tail of %g %% in season %d is %g, want %g", seed, perSeason, direction, q, j, got, want)
						}
					}
				}
			}
		}
	}
}

func tailByDefinition(f []float64, direction Direction, share float64) float64 {
	var sorted []float64
	for _, x := range f {
		if x == x {
			sorted = append(sorted, x)
		}
	}
	slices.Sort(sorted)
	if direction == Super {
		slices.Reverse(sorted)
	}
	for i, x := range sorted {
		if float64(i+1)*100 >= share*float64(len(sorted)) {
			return x
		}
	}
	return math.NaN()
}

func TestSelectRanks(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 6))
		n := 1 + rng.IntN(500)
		if seed < 10 {
			n += 3 * quantileBins
		}
		f := randomField(rng, n)
		sorted := slices.DeleteFunc(slices.Clone(f), math.IsNaN)
		slices.Sort(sorted)
		if len(sorted) == 0 {
			continue
		}
		ranks := make([]int, 1+rng.IntN(50))
		want := make([]float64, len(ranks))
		for i := range ranks {
			ranks[i] = rng.IntN(len(sorted))
			want[i] = sorted[ranks[i]]
		}
		if diff := cmp.Diff(want, selectRanks(f, func(int) []int { return ranks })); diff != "" {
			t.Fatalf("seed %d, ranks %v (-want +got):\n%s", seed, ranks, diff)
		}
	}
}

// TestSelectTails compares with sorting, on fields that are long enough to be
// sampled.
func TestSelectTails(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 11))
		f := randomField(rng, 16*sampleSize+rng.IntN(5000))
		switch seed % 4 {
		case 0: // a cycle that a sample at equal distances would see one value of
			for i := range f {
				f[i] = float64(i % 16)
			}
		case 1:
			for i := range f {
				if rng.IntN(10) == 0 {
					f[i] = math.Copysign(math.NaN(), -1)
				}
			}
		}
		sorted := slices.DeleteFunc(slices.Clone(f), math.IsNaN)
		slices.Sort(sorted)
		share := 0.3 * rng.Float64()
		var ranks []int
		var want []float64
		for range 1 + rng.IntN(50) {
			r := rng.IntN(1 + int(share*float64(len(sorted))))
			if rng.IntN(2) == 0 {
				r = len(sorted) - 1 - r
			}
			ranks, want = append(ranks, r), append(want, sorted[r])
		}
		if diff := cmp.Diff(want, selectTails(f, len(sorted), share, ranks)); diff != "" {
			t.Fatalf("seed %d, share %g, ranks %v (-want +got):\n%s", seed, share, ranks, diff)
		}
	}
}

// TestSelectTailsMisled: the values that are sampled are unlike the others.
func TestSelectTailsMisled(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 12))
	f := make([]float64, 16*sampleSize)
	for i := range f {
		f[i] = rng.NormFloat64()
	}
	sorted := slices.Sorted(slices.Values(f))
	ends := [][2]float64{{sorted[100], sorted[len(f)-100]}, {sorted[9000], sorted[len(f)-100]}, {sorted[100], sorted[len(f)-9000]}}
	for _, end := range ends {
		for i := range sampleSize { // most of the sample is between the ends
			_, at := math.Modf(float64(i) * math.Phi)
			f[int(at*float64(len(f)))] = end[i%2] * (1 - float64(i)/1e5)
		}
		sorted := slices.Sorted(slices.Values(f))
		ranks := []int{0, 3000, len(f) - 3001, len(f) - 1}
		want := []float64{sorted[0], sorted[3000], sorted[len(f)-3001], sorted[len(f)-1]}
		if diff := cmp.Diff(want, selectTails(f, len(f), 0.1, ranks)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestSplit2Means tries every cut with plain sums of squares.
func TestSplit2Means(t *testing.T) {
	cost := func(values []float64) float64 {
		mean, sum := 0.0, 0.0
		for _, x := range values {
			mean += x / float64(len(values))
		}
		for _, x := range values {
			sum += (x - mean) * (x - mean)
		}
		return sum
	}
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 7))
		values := make([]float64, 1+rng.IntN(40))
		for i := range values {
			values[i] = math.Exp(2*rng.NormFloat64()) + 1000
			if seed%2 == 0 {
				values[i] = float64(rng.IntN(6))
			}
		}
		slices.Sort(values)
		slices.Reverse(values)
		got := split2Means(values)
		if got < 1 || got > len(values) {
			t.Fatalf("seed %d: cut at %d of %d", seed, got, len(values))
		}
		best := math.Inf(1)
		for i := 1; i < len(values); i++ {
			best = min(best, cost(values[:i])+cost(values[i:]))
		}
		if c := cost(values[:got]) + cost(values[got:]); len(values) > 1 && c > best*(1+1e-9)+1e-9 {
			t.Fatalf("seed %d: cut of %v at %d costs %g, the best %g", seed, values, got, c, best)
		}
		if got < len(values) && values[got] == values[got-1] {
			t.Fatalf("seed %d: equal values of %v are parted at %d", seed, values, got)
		}
	}
	for _, tc := range []struct {
		values []float64
		want   int
	}{
		{[]float64{4}, 1},
		{[]float64{4, 4, 4}, 3}, // one cluster
		{[]float64{9, 8, 1}, 2},
		{[]float64{3, 2, 1}, 1}, // both cuts cost the same: the first
	} {
		if got := split2Means(tc.values); got != tc.want {
			t.Errorf("split2Means(%v) = %d, want %d", tc.values, got, tc.want)
		}
	}
}

func TestPersistenceClasses(t *testing.T) {
	// Maxima 9 (persistence 9), 8 (7), 3 (1: it dies at 2);
	// minima 0 (9), 1 (8: it dies at 9), 2 (6: it dies at 8), 2.5 (0.5).
	f := []float64{0, 9, 1, 8, 2, 3, 2.5}
	index := build(t, Path(len(f)), f, nil)
	for _, tc := range []struct {
		class      string
		super, sub float64
		superCut   float64
		subCut     float64
	}{
		{"salient", 8, 2, 7, 6},
		{"persistence:1", 3, 2, 1, 1},
		{"persistence:8", 9, 1, 8, 8},
		{"persistence:10", math.NaN(), math.NaN(), 10, 10},
		{"level:2,8", 8, 2, math.NaN(), math.NaN()},
		{"level:8", 8, math.NaN(), math.NaN(), math.NaN()},
	} {
		c, err := ParseClass(tc.class)
		if err != nil {
			t.Fatal(err)
		}
		got := index.Thresholds(f, c)[0]
		want := Thresholds{
			Class:  tc.class,
			Super:  []Threshold{{Value: tc.super, PersistenceCut: tc.superCut}},
			Sub:    []Threshold{{Value: tc.sub, PersistenceCut: tc.subCut}},
			Reason: got.Reason,
		}
		if a, b := fmt.Sprint(got), fmt.Sprint(want); a != b {
			t.Errorf("%s: %s, want %s", tc.class, a, b)
		}
		if (got.Reason != "") != (tc.class == "persistence:10") {
			t.Errorf("%s: reason %q", tc.class, got.Reason)
		}
	}
}

// TestExtreme works the fence out by hand: thirty seasons of one maximum each.
func TestExtreme(t *testing.T) {
	var f []float64
	var seasons []Season
	for i := range 30 {
		// Values 0..8 have median 4 and IQR 4; the maximum is 10, and 100 once.
		at := len(f)
		f = append(f, 1, 2, 3, 4, 5, 6, 7, 10, 0)
		if i == 11 {
			f[at+7] = 100
		}
		seasons = append(seasons, Season{Code: i, First: at, End: len(f)})
	}
	index := build(t, Path(len(f)), f, seasons)
	got := index.Thresholds(f, Class{Kind: Extreme})[0]
	// Standardised maxima are (10-4)/4 = 1.5 but one: Q1 = Q3 = 1.5.
	for i, level := range got.Super {
		if level.Value != 10 {
			t.Errorf("season %d: level %g, want 10", i, level.Value)
		}
	}
	if got.Reason != "" {
		t.Errorf("reason %q", got.Reason)
	}
	short := build(t, Path(9), f[:9], nil).Thresholds(f[:9], Class{Kind: Extreme})[0]
	if !math.IsNaN(short.Super[0].Value) || short.Reason != "1 persistent extrema in the super-level trees; the fence needs 20; 1 persistent extrema in the sub-level trees; the fence needs 20" {
		t.Errorf("a short record has level %g, reason %q", short.Super[0].Value, short.Reason)
	}
}

func TestEvenSweepLeavesOutRepeatedLevels(t *testing.T) {
	f := make([]float64, 100)
	for i := range 10 {
		f[i] = 1
	}
	index := build(t, Path(len(f)), f, nil)
	levels := index.Thresholds(f, Class{Kind: SweepEven, Steps: 4}) // 5, 10, 15, 20 %
	var got []string
	for _, l := range levels {
		got = append(got, fmt.Sprint(l.Class, " ", l.Super[0].Value))
	}
	if want := []string{"tail:5 1", "tail:15 0"}; !slices.Equal(got, want) {
		t.Errorf("levels %v, want %v", got, want)
	}
}

func TestThresholdsOfNothing(t *testing.T) {
	nan := math.NaN()
	f := []float64{nan, nan, nan}
	index := build(t, Path(3), f, nil)
	for _, text := range []string{"tail:5", "sweep", "sweep:3", "salient", "extreme", "persistence:1"} {
		c, err := ParseClass(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, level := range index.Thresholds(f, c) {
			if !math.IsNaN(level.Super[0].Value) || !math.IsNaN(level.Sub[0].Value) || level.Reason == "" {
				t.Errorf("%s of no values: %+v", text, level)
			}
		}
	}
	empty, err := new(Builder).Build(context.Background(), Path(0), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := empty.Thresholds(nil, Class{Kind: Salient}); len(got[0].Super) != 0 {
		t.Errorf("thresholds of an empty axis: %+v", got)
	}
}
