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

// TestSaddlepoint compares tails with the exact ones, from 1 to 1e-25: 95 % of
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
		sum := n.sum()
		for _, z := range []float64{-2, -0.3, 0, 0.5, 1, 2, 3, 4, 5, 6, 7, 8.5, 10} {
			at := math.Round(sum.mean + z*math.Sqrt(sum.variance()))
			want := exactUpper(n.tables, at)
			if want < 1e-25 {
				continue
			}
			got := sum.upper(at)
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
	n := (&null{whole: true, tables: [][]float64{{3, 1, 1, 3}, {2, 0, 1, 0}}}).sum()
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
	constant := (&null{whole: true, tables: [][]float64{{2, 2, 2}, {1, 1}}}).sum()
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
		sum := n.sum()
		high := sum.high
		for at := math.Max(1, high-6) - 0.3; at <= high; at++ {
			want := exactUpper(n.tables, at)
			if got := sum.upper(at); math.Abs(math.Log10(got/want)) > 0.2 {
				t.Fatalf("P(T >= %g) = %g, want %g; the maximum is %g", at, got, want, high)
			}
		}
	}
}

// A memorySum is the fast form of a null, with memory.
type memorySum struct {
	windowSum
	memory tailMemory
}

func (s *memorySum) upper(at float64) float64 { return s.windowSum.upper(at, &s.memory) }

func (s *memorySum) lower(at float64) float64 { return s.windowSum.lower(at, &s.memory) }

func (n *null) sum() *memorySum {
	var s memorySum
	var values []float64
	var counts []int32
	var sizes []int
	for _, t := range n.tables {
		sizes = append(sizes, len(t))
		for _, x := range t {
			if n.whole {
				counts = append(counts, int32(x))
			} else {
				values = append(values, x)
			}
		}
	}
	s.measure(sizes, counts, values)
	return &s
}

// TestFastTails: the fast form of a sum has the tails of the slow one, of whole
// numbers and of others, from few windows to many, narrow and wide, in the
// middle and at the ends.
func TestFastTails(t *testing.T) {
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 17))
		n := &null{whole: seed%3 > 0}
		spread := []int{1, 2, 5, 20, 100, 3000, 20_000}[rng.IntN(7)]
		sparse := rng.IntN(4) == 0
		for range 1 + rng.IntN(60) {
			table := make([]float64, 4+rng.IntN(4))
			for u := range table {
				switch {
				case sparse && rng.IntN(5) > 0:
				case n.whole:
					table[u] = float64(rng.IntN(spread+1) - spread/3)
				default:
					table[u] = float64(spread) * rng.NormFloat64()
				}
			}
			n.tables = append(n.tables, table)
		}
		s := n.sum()
		mean, variance, observed := n.moments()
		low, high, _ := n.ends()
		if math.Abs(s.mean-mean) > 1e-12*max(1, math.Abs(mean)) || math.Abs(s.variance()-variance) > 1e-12*variance || s.observed != observed {
			t.Fatalf("seed %d: moments %g, %g, %g, want %g, %g, %g", seed, s.mean, s.variance(), s.observed, mean, variance, observed)
		}
		places := []float64{low, high, low - 1, high + 1, observed, mean}
		for range 20 {
			places = append(places, mean+math.Sqrt(variance)*2*rng.NormFloat64(), low+(high-low)*rng.Float64())
		}
		for _, at := range places {
			if n.whole {
				at = math.Round(at)
			}
			if z := math.Abs(at-mean) / math.Sqrt(variance); z < 1e-2 {
				continue // where the slow form loses digits
			}
			for _, tail := range []struct{ got, want float64 }{{s.upper(at), n.upper(at)}, {s.lower(at), n.lower(at)}} {
				miss := math.Abs(tail.got-tail.want) / tail.want
				if !(miss <= 1e-6) {
					t.Errorf("seed %d, %d windows, whole %t, spread %d: tail at %g is %g, want %g", seed, len(n.tables), n.whole, spread, at, tail.got, tail.want)
				}
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
	sum := n.sum()
	at := math.Round(sum.mean + 3*math.Sqrt(sum.variance()))
	for b.Loop() {
		sum.measure(sum.sizes, sum.counts, nil)
		sum.upper(at)
	}
}
