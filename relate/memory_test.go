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
