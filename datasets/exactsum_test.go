package datasets

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// exactSum is the definition of sums: the rounded exact sum, and the rounded
// quotient of a rounded sum and the count.
func exactSum(values []float64) (sum, mean float64) {
	if len(values) == 0 {
		return math.NaN(), math.NaN()
	}
	var total, n big.Rat
	for _, v := range values {
		total.Add(&total, n.SetFloat64(v))
	}
	// 53 bits without a limit to the exponent.
	rounded, _ := new(big.Float).SetPrec(53).SetRat(&total).Rat(nil)
	sum, _ = rounded.Float64()
	mean, _ = n.Quo(rounded, n.SetInt64(int64(len(values)))).Float64()
	return sum, mean
}

// countedSums are sums that own the count of their rows.
type countedSums struct {
	*sums
	own slotCounts
}

func newCountedSums() *countedSums {
	s := &countedSums{sums: newSums()}
	s.rows = &s.own
	return s
}

func (s *countedSums) grow(n int) { s.sums.grow(n); s.own.grow(n) }
func (s *countedSums) trim(n int) { s.sums.trim(n); s.own.trim(n) }

func (s *countedSums) count(slots []int32) {
	for _, slot := range slots {
		if slot >= 0 {
			s.own.add(slot, 1)
		}
	}
}

func (s *countedSums) add(slots []int32, values []float64, valid []byte) {
	s.count(slots)
	s.sums.add(slots, values, valid)
}

func (s *countedSums) addInts(slots []int32, values []int64, valid []byte) {
	s.count(slots)
	s.sums.addInts(slots, values, valid)
}

func (s *countedSums) merge(from columnState, to []int32) {
	f := from.(*countedSums)
	for i, slot := range to {
		if slot >= 0 {
			s.own.add(slot, f.own.at(int32(i)))
		}
	}
	s.sums.merge(f.sums, to)
}

func TestSums(t *testing.T) {
	const (
		large = math.MaxFloat64
		tiny  = math.SmallestNonzeroFloat64
	)
	for _, tc := range []struct {
		name      string
		values    []float64
		sum, mean float64
	}{
		{"no value", nil, math.NaN(), math.NaN()},
		{"one", []float64{2.5}, 2.5, 2.5},
		{"tenths", []float64{0.1, 0.2, 0.3}, 0.6, 0.19999999999999998},
		{"zeros have no sign", []float64{math.Copysign(0, -1)}, 0, 0},
		{"a tie goes to the even neighbour", []float64{1 << 53, 1}, 1 << 53, 1 << 52},
		{"just above a tie", []float64{1 << 53, 1, tiny}, 1<<53 + 2, (1<<53 + 2) / 3.},
		{"just above a tie, within 128 bits", []float64{1 << 61, 1 << 8, 0x1p-64}, 1<<61 + 1<<9, (1<<61 + 1<<9) / 3.},
		{"a tie above an odd number", []float64{1<<53 + 2, 1}, 1<<53 + 4, 1<<52 + 2},
		{"cancellation", []float64{1e300, 1, -1e300}, 1, 1. / 3},
		{"cancellation to zero", []float64{1e300, -3, -1e300, 3}, 0, 0},
		{"denormal", []float64{3 * tiny, -tiny}, 2 * tiny, tiny},
		{"beyond 128 bits", []float64{large, tiny, -large}, tiny, 0},
		{"beyond the range", []float64{large, large}, math.Inf(1), large},
		{"beyond the range, below", []float64{-large, -large, -large}, math.Inf(-1), -large},
		{"back from beyond the range", []float64{large, large, -large}, large, large / 3},
		{"overflow of 128 bits", []float64{1 << 61, 1 << 61, 1 << 61, 1 << 61}, 1 << 63, 1 << 61},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newCountedSums()
			s.grow(1)
			s.add(make([]int32, len(tc.values)), tc.values, nil)
			if got := s.sum(0); !sameBits(got, tc.sum) {
				t.Errorf("sum is %g, want %g", got, tc.sum)
			}
			if got := s.mean(0); !sameBits(got, tc.mean) {
				t.Errorf("mean is %g, want %g", got, tc.mean)
			}
			if got := s.values(0); got != int64(len(tc.values)) {
				t.Errorf("%d values, want %d", got, len(tc.values))
			}
		})
	}
}

// sameBits compares numbers by their bits, but all NaN are one.
func sameBits(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b
}

// Magnitudes in all the ways that matter to 128 bits.
var magnitudes = map[string]func(r *rand.Rand) float64{
	"fares":   func(r *rand.Rand) float64 { return math.Round(r.ExpFloat64()*1500) / 100 },
	"tiny":    func(r *rand.Rand) float64 { return r.NormFloat64() * 1e-30 },
	"denorm":  func(r *rand.Rand) float64 { return math.Float64frombits(r.Uint64() >> (12 + r.IntN(52))) },
	"huge":    func(r *rand.Rand) float64 { return r.NormFloat64() * 1e307 },
	"at 2^62": func(r *rand.Rand) float64 { return math.Ldexp(r.Float64()*2-1, 60+r.IntN(6)) },
	"small":   func(r *rand.Rand) float64 { return math.Ldexp(r.Float64()*2-1, -14+r.IntN(4)) },
	"zeros":   func(r *rand.Rand) float64 { return math.Copysign(r.Float64()*float64(r.IntN(2)), r.NormFloat64()) },
	"mixed":   func(r *rand.Rand) float64 { return math.Ldexp(r.Float64()*2-1, r.IntN(200)-100) },
	"any": func(r *rand.Rand) float64 {
		for {
			if v := math.Float64frombits(r.Uint64()); !math.IsNaN(v) && !math.IsInf(v, 0) {
				return v
			}
		}
	},
}

func TestSumsAreExact(t *testing.T) {
	for name, draw := range magnitudes {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				r := rand.New(rand.NewPCG(seed, 0))
				values := make([]float64, 1+r.IntN(4000))
				for i := range values {
					values[i] = draw(r)
					if i > 0 && r.IntN(3) == 0 { // cancellation
						values[i] = -values[r.IntN(i)]
					}
				}
				s := newCountedSums()
				s.grow(3)
				slots := make([]int32, len(values))
				for i := range slots {
					slots[i] = 1
				}
				for part := range slices.Chunk(values, 1+r.IntN(2000)) {
					s.add(slots[:len(part)], part, nil)
				}
				sum, mean := exactSum(values)
				if got := s.sum(1); !sameBits(got, sum) {
					t.Fatalf("seed %d: sum is %b, want %b (unit %d)", seed, got, sum, s.unit)
				}
				if got := s.mean(1); !sameBits(got, mean) {
					t.Fatalf("seed %d: mean is %b, want %b (unit %d)", seed, got, mean, s.unit)
				}
			}
		})
	}
}

// Values that do not fit are slow; a column of them moves the unit, and then
// nothing is left outside of 128 bits.
func TestSumsUnitMoves(t *testing.T) {
	for _, scale := range []float64{1e-300, 1e-30, 1e-9, 1, 1e30, 1e300} {
		r := rand.New(rand.NewPCG(1, 0))
		s := newCountedSums()
		s.grow(10)
		slots, values := make([]int32, 2000), make([]float64, 2000)
		for range 3 {
			for i := range values {
				slots[i], values[i] = int32(r.IntN(10)), scale*(1+r.Float64())
			}
			s.add(slots, values, nil)
		}
		if s.misses > 0 || len(s.spills) > 0 {
			t.Errorf("values of size %g: %d do not fit, %d spills, unit %d", scale, s.misses, len(s.spills), s.unit)
		}
	}
}

func TestSumsOfIntegers(t *testing.T) {
	for _, unit := range []int{firstUnit, -96, 32, leastExponent, greatestUnit} {
		r := rand.New(rand.NewPCG(1, 0))
		s := newCountedSums()
		s.grow(1)
		s.setUnit(unit)
		values := []int64{math.MinInt64, math.MinInt64, math.MaxInt64, -1, 0, 1, 1<<53 + 1}
		for range 100 {
			values = append(values, int64(r.Uint64())>>r.IntN(64))
		}
		s.addInts(make([]int32, len(values)), values, nil)
		var total big.Int
		for _, v := range values {
			total.Add(&total, big.NewInt(v))
		}
		want, _ := new(big.Float).SetInt(&total).Float64()
		if got := s.sum(0); got != want {
			t.Errorf("unit %d: sum is %g, want %g", unit, got, want)
		}
		if got := s.values(0); got != int64(len(values)) {
			t.Errorf("unit %d: %d values, want %d", unit, got, len(values))
		}
	}
}

// TestSumsCounts counts rows and missing values beyond 16 and 32 bits.
func TestSumsCounts(t *testing.T) {
	const rows, missing = 5<<32 - 1, 3<<32 - 7
	part := newCountedSums()
	part.grow(1)
	part.add([]int32{0, 0}, []float64{2, 0}, []byte{1})
	part.own.add(0, rows-2)
	part.addMissing(0, missing-1) // as if all others had been 0
	s := newCountedSums()
	s.grow(2)
	s.merge(part, []int32{1})
	s.merge(part, []int32{1})
	const more = 3<<16 + 5
	for range more {
		s.add([]int32{1, 1}, []float64{0, 0}, []byte{2})
	}
	if got, want := s.values(1), int64(2*(rows-missing)+more); got != want {
		t.Errorf("%d values, want %d", got, want)
	}
	if got, want := s.mean(1), 4/float64(2*(rows-missing)+more); got != want {
		t.Errorf("mean is %g, want %g", got, want)
	}
	if got := s.values(0); got != 0 {
		t.Errorf("%d values in an empty slot", got)
	}
	coarse := newCountedSums()
	coarse.grow(1)
	coarse.merge(s, []int32{0, 0})
	coarse.merge(s, []int32{-1, 0})
	if got, want := coarse.values(0), 2*s.values(1); got != want {
		t.Errorf("%d values after a merge, want %d", got, want)
	}
}

// What does not fit the new unit stays in the sum.
func TestSumsUnitDoesNotMatter(t *testing.T) {
	for _, unit := range []int{leastExponent, -200, -96, 0, 1, 2, 32, greatestUnit} {
		s := newCountedSums()
		s.grow(1)
		s.add([]int32{0, 0}, []float64{3, 0x1p-200}, nil)
		s.setUnit(unit)
		if got := s.sum(0); got != 3 {
			t.Errorf("unit %d: sum is %g, want 3", unit, got)
		}
		s.add([]int32{0}, []float64{-3}, nil)
		s.setUnit(firstUnit)
		if got := s.sum(0); got != 0x1p-200 {
			t.Errorf("unit %d: sum is %g, want 2^-200", unit, got)
		}
	}
}

// A merge takes the unit of the first part, and nothing of slots left out.
func TestSumsMergeUnits(t *testing.T) {
	part, s := newCountedSums(), newCountedSums()
	part.grow(2)
	part.setUnit(-160)
	part.add([]int32{0, 1, 1}, []float64{0x1.8p-130, 1, 1e300}, nil)
	s.grow(1)
	s.merge(part, []int32{0, -1})
	if s.unit != -160 || len(s.spills) > 0 {
		t.Errorf("unit %d and %d spills, want -160 and none", s.unit, len(s.spills))
	}
	if got := s.sum(0); got != 0x1.8p-130 {
		t.Errorf("sum is %g, want %g", got, 0x1.8p-130)
	}
}

func TestSumsRefuseNonFinite(t *testing.T) {
	for _, unit := range []int{leastExponent, firstUnit, greatestUnit} {
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			t.Run(fmt.Sprint(unit, v), func(t *testing.T) {
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				s := newCountedSums()
				s.grow(1)
				s.setUnit(unit)
				s.add([]int32{0}, []float64{v}, nil)
			})
		}
	}
}

func FuzzSums(f *testing.F) {
	f.Add(1.5, -2.25, 1e300, -64, -96)
	f.Add(0x1p-1074, 0x1p1023, -0x1p1023, 0, 896)
	f.Fuzz(func(t *testing.T, a, b, c float64, unit, other int) {
		values := []float64{a, b, c}
		for _, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return
			}
		}
		clamp := func(u int) int { return min(max(u, leastExponent), greatestUnit) }
		s, p := newCountedSums(), newCountedSums()
		s.grow(1)
		p.grow(1)
		s.setUnit(clamp(unit))
		s.add([]int32{0, 0}, []float64{a, b}, nil)
		p.setUnit(clamp(other))
		p.add([]int32{0}, []float64{c}, nil)
		s.merge(p, []int32{0})
		sum, mean := exactSum(values)
		if got := s.sum(0); !sameBits(got, sum) {
			t.Fatalf("sum is %b, want %b", got, sum)
		}
		s.setUnit(clamp(other))
		if got := s.mean(0); !sameBits(got, mean) {
			t.Fatalf("mean is %b, want %b", got, mean)
		}
	})
}

// BenchmarkSums adds rows of a month: 260 regions, 744 hours, in time order,
// as rows of most files are.
func BenchmarkSums(b *testing.B) {
	for _, name := range []string{"fares", "zeros", "tiny", "mixed"} {
		b.Run(name, func(b *testing.B) {
			values := make([]float64, benchmarkRows)
			r := rand.New(rand.NewPCG(1, 0))
			for i := range values {
				values[i] = magnitudes[name](r)
			}
			benchmarkState(b, newCountedSums, func(s *countedSums, slots []int32, from int, valid []byte) {
				s.add(slots, values[from:from+len(slots)], valid)
			})
		})
	}
	b.Run("integers", func(b *testing.B) {
		values := make([]int64, benchmarkRows)
		r := rand.New(rand.NewPCG(1, 0))
		for i := range values {
			values[i] = r.Int64N(1000)
		}
		benchmarkState(b, newCountedSums, func(s *countedSums, slots []int32, from int, valid []byte) {
			s.addInts(slots, values[from:from+len(slots)], valid)
		})
	})
}

func BenchmarkSumsMerge(b *testing.B) {
	s, part := newCountedSums(), newCountedSums()
	to := make([]int32, benchmarkSlots)
	for i := range to {
		to[i] = int32(i)
	}
	s.grow(len(to))
	part.grow(len(to))
	part.add(to, make([]float64, len(to)), nil)
	for b.Loop() {
		s.merge(part, to)
	}
	b.ReportMetric(float64(len(to))*float64(b.N)/b.Elapsed().Seconds(), "slots/s")
}

func BenchmarkSumsResult(b *testing.B) {
	s := newCountedSums()
	s.grow(1)
	s.add([]int32{0, 0}, []float64{0.1, 2e5}, nil)
	for b.Loop() {
		s.mean(0)
	}
}
