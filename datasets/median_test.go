package datasets

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// medianOf is the definition: sort, and take the middle; of rounded values if
// there are many.
func medianOf(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	if len(slices.Compact(slices.Clone(sorted))) > 3072 {
		for i, v := range sorted {
			sorted[i] = roundedSlowly(v)
		}
	}
	var mean, high big.Rat
	mean.SetFloat64(sorted[(len(sorted)-1)/2])
	mean.Add(&mean, high.SetFloat64(sorted[len(sorted)/2]))
	mean.Quo(&mean, big.NewRat(2, 1))
	median, _ := mean.Float64()
	return median + 0
}

// roundedSlowly rounds to 12 bits, ties away from 0, and to multiples of 2^-1033.
func roundedSlowly(v float64) float64 {
	if math.Abs(v) < 0x1p-1022 {
		return math.Ldexp(math.Round(math.Ldexp(v, 1033)), -1033)
	}
	x := new(big.Float).SetMode(big.ToNearestAway).SetPrec(12).SetFloat64(v)
	rounded, _ := x.Float64()
	return min(max(rounded, -math.MaxFloat64), math.MaxFloat64)
}

func TestMedian(t *testing.T) {
	const (
		large = math.MaxFloat64
		tiny  = math.SmallestNonzeroFloat64
	)
	for _, tc := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"no value", nil, math.NaN()},
		{"one", []float64{3}, 3},
		{"two", []float64{3, 4}, 3.5},
		{"three", []float64{9, 1, 5}, 5},
		{"counts", []float64{1, 7, 7, 7, 2}, 7},
		{"between counts", []float64{1, 1, 7, 7}, 4},
		{"zeros have no sign", []float64{math.Copysign(0, -1)}, 0},
		{"the mean has no sign either", []float64{-tiny, 0}, 0},
		{"both large", []float64{large, large}, large},
		{"large ones of both signs", []float64{large, -large}, 0},
		{"denormal", []float64{tiny, 3 * tiny}, 2 * tiny},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMedians()
			m.grow(1)
			m.add(make([]int32, len(tc.values)), tc.values, nil)
			if got := m.result(0); !sameBits(got, tc.want) {
				t.Errorf("median is %g, want %g", got, tc.want)
			}
		})
	}
}

func TestRoundValue(t *testing.T) {
	for _, tc := range []struct{ value, want float64 }{
		{0, 0},
		{4095, 4095}, {4096, 4096}, {-4095, -4095}, {12.75, 12.75},
		{4097, 4098}, {-4097, -4098}, {4096.5, 4096}, {8191, 8192}, // ties go up
		{math.MaxFloat64, math.MaxFloat64}, {-math.MaxFloat64, -math.MaxFloat64},
	} {
		if got := math.Float64frombits(roundValue(math.Float64bits(tc.value))); got != tc.want {
			t.Errorf("%g is rounded to %g, want %g", tc.value, got, tc.want)
		}
	}
	for name, draw := range magnitudes {
		r := rand.New(rand.NewPCG(1, 0))
		for range 1000 {
			v := draw(r)
			got := math.Float64frombits(roundValue(math.Float64bits(v)))
			if want := roundedSlowly(v); got != want {
				t.Fatalf("%s: %g is rounded to %g, want %g", name, v, got, want)
			}
			if off := math.Abs(got - v); off > medianError*math.Abs(v) && off > 0x1p-1034 {
				t.Fatalf("%s: %g is rounded to %g", name, v, got)
			}
		}
	}
}

// The median is exact up to exactValues different values, and says so.
func TestMedianUncertainty(t *testing.T) {
	m := newMedians()
	m.grow(1)
	for n := 1; n <= exactValues+1; n++ {
		m.add([]int32{0}, []float64{float64(n) + 0.1}, nil)
		want := medianOf([]float64{float64((n+1)/2) + 0.1, float64(n/2+1) + 0.1})
		if n <= exactValues && (m.result(0) != want || m.uncertainty(0) != 0) {
			t.Fatalf("%d values: median %g, want %g; uncertainty %g", n, m.result(0), want, m.uncertainty(0))
		}
	}
	if got := m.uncertainty(0); got != medianError {
		t.Errorf("%d values: uncertainty %g, want %g", exactValues+1, got, medianError)
	}
}

// A zero is one value, whatever its sign.
func TestMedianZeros(t *testing.T) {
	m := newMedians()
	m.grow(1)
	m.add([]int32{0}, []float64{math.Copysign(0, -1)}, nil)
	for n := range exactValues {
		m.add([]int32{0}, []float64{float64(n)}, nil)
	}
	if got := m.uncertainty(0); got != 0 {
		t.Errorf("uncertainty of %d values is %g", exactValues, got)
	}
}

// Values merged with rounded ones are rounded, also where these are few.
func TestMedianMergesRounded(t *testing.T) {
	many, one := make([]float64, exactValues+1), []float64{1.5 + 0x1p-20}
	for i := range many {
		many[i] = 1 + float64(i)/(1<<13) // 1536 different ones of 12 bits
	}
	want := medianOf(append(slices.Clone(many), one...))
	for _, parts := range [][2][]float64{{many, one}, {one, many}} {
		m, part := newMedians(), newMedians()
		m.grow(1)
		part.grow(1)
		m.add(make([]int32, len(parts[0])), parts[0], nil)
		part.add(make([]int32, len(parts[1])), parts[1], nil)
		m.merge(part, []int32{0})
		if got := m.result(0); got != want || m.uncertainty(0) != medianError {
			t.Errorf("median is %v, want %v; uncertainty %g", got, want, m.uncertainty(0))
		}
		for i, v := range m.sorted {
			if v.value != roundedSlowly(v.value) {
				t.Errorf("value %d is %v, not of 12 bits", i, v.value)
			}
		}
	}
}

func BenchmarkMedians(b *testing.B) {
	for _, name := range []string{"fares", "mixed"} {
		b.Run(name, func(b *testing.B) {
			values := make([]float64, benchmarkRows)
			r := rand.New(rand.NewPCG(1, 0))
			for i := range values {
				values[i] = magnitudes[name](r)
			}
			benchmarkState(b, newMedians, func(m *medians, slots []int32, from int, valid []byte) {
				m.add(slots, values[from:from+len(slots)], valid)
			})
		})
	}
}

func BenchmarkMediansResult(b *testing.B) {
	m := newMedians()
	m.grow(1)
	r := rand.New(rand.NewPCG(1, 0))
	for range 15 {
		m.add([]int32{0}, []float64{r.Float64()}, nil)
	}
	for b.Loop() {
		m.result(0)
	}
}
