package relate

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestLags: a shock that comes six hours later is found at that lag, and
// unrelated functions are not called related by the search.
func TestLags(t *testing.T) {
	const weeks, pairs = 104, 60
	lags := make([]int, 25)
	for i := range lags {
		lags[i] = i - 12
	}
	found, near, rejected := 0, 0, 0
	for seed := range uint64(pairs) {
		rng := rand.New(rand.NewPCG(seed, 11))
		var first, later, other []int
		for range 240 {
			at := rng.IntN(weeks*168 - 10)
			first, other = append(first, at), append(other, rng.IntN(weeks*168))
			if rng.Float64() < 0.25 {
				later = append(later, at+6)
			} else {
				later = append(later, rng.IntN(weeks*168))
			}
		}
		f, g, h := series(rng, weeks, 6, 0, first), series(rng, weeks, 6, 0, later), series(rng, weeks, 6, 0, other)
		s := Lags([]*Marks{f}, []*Marks{g}, []*Memory{NewMemory(f)}, []*Memory{NewMemory(g)}, 1, lags)
		if s.P <= 0.05 {
			found++
			if d := lags[s.Best] - 6; d >= -1 && d <= 1 {
				near++
			}
		}
		if s := Lags([]*Marks{f}, []*Marks{h}, []*Memory{NewMemory(f)}, []*Memory{NewMemory(h)}, 1, lags); s.P <= 0.05 {
			rejected++
		}
	}
	if found < 45 || near < found*8/10 {
		t.Errorf("%d of %d late shocks found, %d of them within an hour", found, pairs, near)
	}
	if rejected > 10 {
		t.Errorf("%d of %d unrelated pairs called related", rejected, pairs)
	}
}

// TestSweep: a sweep of one level is its test, and of several as good as the
// best one, less what the search costs.
func TestSweep(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	var shocks []int
	for range 200 {
		shocks = append(shocks, rng.IntN(104*168))
	}
	f, g := series(rng, 104, 24, 0, shocks), series(rng, 104, 24, 0, shocks)
	m, n := NewMemory(f), NewMemory(g)
	one := Test(f, g, m, n)
	if s := Sweep([]*Marks{f}, []*Marks{g}, []*Memory{m}, []*Memory{n}); s.P != one.P || s.Effective != 1 || s.Best != 0 || s.First != 0 || s.Last != 0 {
		t.Errorf("a sweep of one level: %+v, its test has p %g", s, one.P)
	}
	empty := make(signRows, 104)
	for i := range empty {
		empty[i] = make([]int8, 168)
	}
	e := empty.marks(0)
	s := Sweep([]*Marks{e, f, f}, []*Marks{e, g, g}, []*Memory{NewMemory(e), m, m}, []*Memory{NewMemory(e), n, n})
	if s.Best != 1 || s.Results[0].Testable || math.Abs(s.P-one.P) > 1e-9*one.P || s.First != 1 || s.Last != 2 {
		t.Errorf("a level without features beside two equal ones: %+v", s)
	}
	s = Sweep([]*Marks{e}, []*Marks{e}, []*Memory{NewMemory(e)}, []*Memory{NewMemory(e)})
	if s.Testable || s.Reason == "" || !math.IsNaN(s.P) {
		t.Errorf("no features at all: %+v", s)
	}
}
