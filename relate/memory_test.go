package relate

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestInflation compares with the covariances written out: A, B and C of the
// overlaps K(u, v) = sum over rows i, j of rho_f(i, j) rho_g(i after turn u, j
// after turn v).
func TestInflation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		n := 4 + rng.IntN(4)
		memory := func() *Memory {
			phi := rng.Float64()
			m := &Memory{}
			for k := range 2*n + 2 {
				m.rho = append(m.rho, math.Pow(phi, float64(k)))
			}
			return m
		}
		f, g := memory(), memory()
		k := func(u, v, apart int) (sum float64) {
			for i := range n {
				for j := range n {
					sum += f.at(i-(j+apart)) * g.at((i+u)%n-((j+v)%n+apart))
				}
			}
			return sum
		}
		mean := func(of func(u, v int) float64) (m float64) {
			for u := range n {
				for v := range n {
					m += of(u, v) / float64(n*n)
				}
			}
			return m
		}
		all := mean(func(u, v int) float64 { return k(u, v, 0) })
		a := k(0, 0, 0) - 2*mean(func(_, v int) float64 { return k(0, v, 0) }) + all
		b := mean(func(u, _ int) float64 { return k(u, u, 0) }) - all
		c := k(0, 0, n) - mean(func(_, v int) float64 { return k(0, v, n) }) - mean(func(u, _ int) float64 { return k(u, 0, n) }) +
			mean(func(u, v int) float64 { return k(u, v, n) })
		want := max(1, (a+2*max(0, c))/b)
		if got := inflation(f, g, n); math.Abs(got-want) > 1e-9*want {
			t.Fatalf("windows of %d: %g, want %g", n, got, want)
		}
	}
}

// TestMemory: features that last for weeks have a long memory, noise has none,
// and what is removed with the level is not counted.
func TestMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	white := NewMemory(series(rng, 156, 0.01, 0, nil))
	long := NewMemory(series(rng, 156, 500, 0, nil))
	if white.rho[0] != 1 || math.Abs(white.rho[1]) > 0.12 || long.rho[1] < 0.05 {
		t.Errorf("correlations a week apart: %g of noise, %g of a memory of 500 h", white.rho[1], long.rho[1])
	}
	if v := inflation(white, white, 6); v > 1.05 {
		t.Errorf("noise inflates the variance by %g", v)
	}
	if v := inflation(long, long, 6); v < 1.02 {
		t.Errorf("a memory of 500 h inflates the variance by %g", v)
	}
}

// TestValueMemory compares with the definition, written out, and that of
// signs with the memory of features.
func TestValueMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 20 {
		rows, period := 4+rng.IntN(40), 1+rng.IntN(9)
		v := make([]float64, rows*period)
		signs := make(signRows, rows)
		for i := range v {
			v[i] = 50 + 3*float64(i%period) + rng.NormFloat64()
			if rng.IntN(5) == 0 {
				v[i] = math.NaN()
			}
			signs[i/period] = append(signs[i/period], int8(rng.IntN(3)-1))
		}
		features := make([]float64, len(v))
		for i := range features {
			features[i] = float64(signs[i/period][i%period])
		}
		for k, want := range slowValueMemory(v, period) {
			if got := newValueMemory(v, period).at(k); math.Abs(got-want) > 1e-9 {
				t.Fatalf("%d rows of %d, %d rows apart: %g, want %g", rows, period, k, got, want)
			}
		}
		for k, want := range NewMemory(signs.marks(0)).rho {
			if got := newValueMemory(features, period).at(k); math.Abs(got-want) > 1e-9 {
				t.Fatalf("%d rows of %d, %d rows apart: %g of signs as values, %g as features", rows, period, k, got, want)
			}
		}
	}
}

// slowValueMemory returns the correlations of a memory.
func slowValueMemory(v []float64, period int) []float64 {
	rows := len(v) / period
	left := func(row, slot int) float64 {
		sum, n := 0.0, 0.0
		for i := max(0, row-6); i <= min(rows-1, row+6); i++ {
			if x := v[i*period+slot]; !math.IsNaN(x) {
				sum, n = sum+x, n+1
			}
		}
		return v[row*period+slot] - sum/n
	}
	rho := make([]float64, memoryRows+1)
	for k := range rho {
		sum, n := 0.0, 0.0
		for row := 0; row+k < rows; row++ {
			for slot := range period {
				if d := left(row, slot) * left(row+k, slot); !math.IsNaN(d) {
					sum, n = sum+d, n+1
				}
			}
		}
		if n > 0 && rows-k >= wantedPairs {
			rho[k] = sum / n
		}
	}
	for k := len(rho) - 1; k >= 0; k-- {
		rho[k] /= rho[0]
	}
	return rho
}

// TestValueInflation: what cannot have a memory does not inflate anything.
func TestValueInflation(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	long := make([]float64, 60*7)
	for i := range long {
		long[i] = rng.NormFloat64()
		if i > 0 {
			long[i] += 0.97 * long[i-1]
		}
	}
	repeated, huge, missing := make([]float64, len(long)), make([]float64, len(long)), make([]float64, len(long))
	for i := range repeated {
		repeated[i], huge[i], missing[i] = math.Abs(long[i%7]), long[i]*1e200, math.NaN()
	}
	if v := valueInflation(long, long, 7, weeks(10, 6)); v < 1.2 {
		t.Errorf("a memory of a month inflates by %g", v)
	}
	for name, x := range map[string][]float64{"a routine": repeated, "squares that overflow": huge, "nothing": missing} {
		if v := valueInflation(x, x, 7, weeks(10, 6)); v != 1 {
			t.Errorf("%s inflates by %g", name, v)
		}
	}
	if v := valueInflation(long[:29*7], long[:29*7], 7, append(weeks(4, 6), []int{24, 25, 26, 27, 28})); v != 1 {
		t.Errorf("29 rows inflate by %g", v)
	}
}
