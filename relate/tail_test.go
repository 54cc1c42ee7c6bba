package relate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// exactUpper is P(T >= at) by convolving the tables, whose values are whole
// numbers.
func exactUpper(tables [][]float64, at float64) float64 {
	probability := map[int]float64{0: 1}
	for _, t := range tables {
		next := make(map[int]float64)
		for sum, p := range probability {
			for _, x := range t {
				next[sum+int(x)] += p / float64(len(t))
			}
		}
		probability = next
	}
	p := 0.0
	for sum, q := range probability {
		if float64(sum) >= at {
			p += q
		}
	}
	return p
}

// TestSaddlepoint compares tails with the exact ones, from 1 to 1e-12: 95 % of
// them are within 3 %, and with few windows all are exact.
func TestSaddlepoint(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	misses := make(map[int][]float64) // of each decade
	for range 300 {
		n := &null{whole: true}
		spread := 1 + rng.IntN(30)
		for range 4 + rng.IntN(26) {
			table := make([]float64, 4+rng.IntN(4))
			for u := range table {
				table[u] = float64(rng.IntN(2*spread+1) - spread/2)
			}
			n.tables = append(n.tables, table)
		}
		mean, variance, _ := n.moments()
		for _, z := range []float64{-2, -0.3, 0, 0.5, 1, 2, 3, 4, 5, 6, 7} {
			at := math.Round(mean + z*math.Sqrt(variance))
			want := exactUpper(n.tables, at)
			if want < 1e-12 || want == 0 {
				continue
			}
			got := n.upper(at)
			miss := math.Abs(math.Log10(got / want))
			if len(n.tables) < fewTables {
				if miss > 1e-9 {
					t.Fatalf("%d windows: P(T >= %g) = %g, want %g", len(n.tables), at, got, want)
				}
				continue
			}
			decade := int(-math.Log10(want))
			misses[decade] = append(misses[decade], miss)
		}
	}
	for decade, list := range misses {
		slices.Sort(list)
		limit := 0.02 // of log10: 5 %
		if decade >= 9 {
			limit = 0.1
		}
		if miss := list[len(list)*95/100]; miss > limit {
			t.Errorf("p of about 1e-%d: log10 of one in twenty is off by %.3f or more", decade, miss)
		}
	}
}

// TestTailEnds: the ends of the support are exact, and a constant is certain.
func TestTailEnds(t *testing.T) {
	n := &null{whole: true, tables: [][]float64{{3, 1, 1, 3}, {2, 0, 1, 0}}}
	for _, tc := range []struct{ at, upper, lower float64 }{
		{5, 2.0 / 16, 1}, {1, 1, 4.0 / 16}, {0, 1, 4.0 / 16}, {9, 2.0 / 16, 1},
	} {
		if got := n.upper(tc.at); math.Abs(got-tc.upper) > 1e-15 {
			t.Errorf("P(T >= %g) = %g, want %g", tc.at, got, tc.upper)
		}
		if got := n.lower(tc.at); math.Abs(got-tc.lower) > 1e-15 && tc.at <= 1 {
			t.Errorf("P(T <= %g) = %g, want %g", tc.at, got, tc.lower)
		}
	}
	constant := &null{whole: true, tables: [][]float64{{2, 2, 2}, {1, 1}}}
	if p, q := constant.upper(3), constant.lower(3); p != 1 || q != 1 {
		t.Errorf("a constant has tails %g and %g", p, q)
	}
}

// TestTailNearTheEnd: where a few windows decide, and between whole numbers,
// tails are as likely as they are.
func TestTailNearTheEnd(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 200 {
		n := &null{whole: true}
		for range 40 {
			table := make([]float64, 6)
			if rng.IntN(8) == 0 {
				table[rng.IntN(6)] = float64(1 + rng.IntN(3))
			}
			n.tables = append(n.tables, table)
		}
		_, high, _ := n.ends()
		for at := math.Max(1, high-6) - 0.3; at <= high; at++ {
			want := exactUpper(n.tables, at)
			if got := n.upper(at); math.Abs(math.Log10(got/want)) > 0.2 {
				t.Fatalf("P(T >= %g) = %g, want %g; the maximum is %g", at, got, want, high)
			}
		}
	}
}

// BenchmarkTail evaluates one tail of 26 windows of 6.
func BenchmarkTail(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	n := &null{whole: true}
	for range 26 {
		table := make([]float64, 6)
		for u := range table {
			table[u] = float64(rng.IntN(40))
		}
		n.tables = append(n.tables, table)
	}
	mean, variance, _ := n.moments()
	at := math.Round(mean + 3*math.Sqrt(variance))
	for b.Loop() {
		n.upper(at)
	}
}
