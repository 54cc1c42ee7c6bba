package relate

import (
	"math"
	"math/rand/v2"
	"testing"
)

// explore tests two functions that begin in week 7.
func explore(a, b signRows) *Result {
	f, g := a.marks(7), b.marks(7)
	return Test(f, g, NewMemory(f), NewMemory(g))
}

// TestExploratoryAgainstEnumeration compares with all orders of eight weeks.
func TestExploratoryAgainstEnumeration(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 31))
		a, b := randomSigns(rng, 8, 40, 0.2, 0), randomSigns(rng, 8, 40, 0.2, 0)
		for i := range 3 { // something in common, or opposite
			for c, x := range a[i] {
				b[i][c] = x * int8(1-2*int(seed%2))
			}
		}
		r := explore(a, b)
		if !r.Exploratory || !r.Testable {
			t.Fatalf("seed %d: exploratory %t, testable %t: %s", seed, r.Exploratory, r.Testable, r.Reason)
		}
		var d, overlap [8][8]float64
		for i := range a {
			for j := range b {
				for c := range a[i] {
					x, y := int(a[i][c]), int(b[j][c])
					d[i][j] += float64(x * y)
					overlap[i][j] += math.Abs(float64(x * y))
				}
			}
		}
		var observed float64
		for i := range a {
			observed += d[i][i]
		}
		var all, upper, lower, sumOverlap, sumD, squares float64
		var visit func(i int, used uint, at, both float64)
		visit = func(i int, used uint, at, both float64) {
			if i == 8 {
				all++
				upper += float64(b2i(at >= observed))
				lower += float64(b2i(at <= observed))
				sumOverlap += both
				sumD += at
				squares += at * at
				return
			}
			for j := range 8 {
				if used>>j&1 == 0 {
					visit(i+1, used|1<<j, at+d[i][j], both+overlap[i][j])
				}
			}
		}
		visit(0, 0, 0, 0)
		want := min(1, 2*min(upper, lower)/all)
		if off := math.Abs(r.PD - want); off > 5*2*math.Sqrt(want/2/permutations)+2.0/permutations {
			t.Errorf("seed %d: p of D %g, by enumeration %g", seed, r.PD, want)
		}
		mean := sumD / all
		if z := (observed - mean) / math.Sqrt(squares/all-mean*mean); math.Abs(r.Z-z) > 5*(1+math.Abs(z))/math.Sqrt(permutations) {
			t.Errorf("seed %d: D is %g standard deviations from the mean, by enumeration %g", seed, r.Z, z)
		}
		if math.Abs(r.ExpectedOverlap-sumOverlap/all) > 1e-9 || math.Abs(r.ExpectedAgreement-sumD/all) > 1e-9 {
			t.Errorf("seed %d: expected %g and %g, by enumeration %g and %g", seed, r.ExpectedOverlap, r.ExpectedAgreement, sumOverlap/all, sumD/all)
		}
	}
}

// TestExploratoryTables compares the centred overlaps of all pairs of rows with
// loops over the cells.
func TestExploratoryTables(t *testing.T) {
	compared := 0
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 34))
		n, cells := 8+rng.IntN(8), 1+rng.IntN(150)
		missing := []float64{0.03, 0.2, 0.5}[seed%3]
		a, b := randomSigns(rng, n, cells, 0.2, missing), randomSigns(rng, n, cells, 0.1, missing)
		for _, row := range a { // a feature that never changes
			row[0] = int8(1 + 8*b2i(row[0] == 9))
		}
		if seed%4 == 3 { // one function alone is incomplete
			b = randomSigns(rng, n, cells, 0.1, 0)
		}
		rows := commonRows(a.marks(7), b.marks(7))
		if len(rows) == 0 {
			continue
		}
		got := newWeekTables(a.marks(7), b.marks(7), rows)
		got.centre(a.marks(7), b.marks(7), rows)
		if got.lattice {
			continue
		}
		compared++
		pairs := [numOverlaps][2]int8{{1, 1}, {-1, -1}, {1, -1}, {-1, 1}}
		for k, pair := range pairs {
			x, y := a.centred(pair[0], 7, rows, rows), b.centred(pair[1], 7, rows, rows)
			for i, row := range rows {
				for j, other := range rows {
					want, joint := 0.0, 0.0
					for c := range cells {
						if a[row-7][c] != 9 && b[other-7][c] != 9 {
							want += x(row, c) * y(other, c)
							joint++
						}
					}
					at := i*len(rows) + j
					if math.Abs(got.values[at][k]-want) > 1e-12*float64(cells) || got.joint[at] != joint {
						t.Fatalf("seed %d, rows %d and %d, overlap %d: %g of %g cells, want %g of %g", seed, row, other, k, got.values[at][k], got.joint[at], want, joint)
					}
				}
			}
		}
	}
	if compared < 8 {
		t.Errorf("%d pairs of functions were compared", compared)
	}
}

// TestExploratoryCalibration: independent functions of 15 weeks with a common
// cycle, a tenth of whose weeks neither covers, are called related as often as
// the level says; functions with common weeks nearly always.
func TestExploratoryCalibration(t *testing.T) {
	for _, missing := range []bool{false, true} {
		const pairs = 500
		hits, all, found := 0, 0, 0
		for seed := range uint64(pairs) {
			rng := rand.New(rand.NewPCG(seed, 32))
			cycle := func() signRows {
				s := randomSigns(rng, 15, 168, 0.05, 0)
				for _, row := range s {
					for c := range 20 {
						if rng.Float64() < 0.7 {
							row[c] = 1
						}
					}
				}
				return s
			}
			a, b := cycle(), cycle()
			out := func(s signRows) {
				for i := range s {
					for c := i * 11 % 168; missing && c < min(i*11%168+40, 168); c++ {
						s[i][c] = 9
					}
				}
			}
			related := cycle()
			for i, row := range related {
				for c := range row {
					if rng.Float64() < 0.3 {
						row[c] = a[i][c]
					}
				}
			}
			out(a)
			out(b)
			out(related)
			r := explore(a, b)
			if !r.Testable {
				t.Fatal(r.Reason)
			}
			hits += b2i(r.PD <= 0.05)
			all += b2i(r.P <= 0.05)
			found += b2i(explore(a, related).PD <= 0.05)
		}
		t.Logf("missing %t: %d of %d independent pairs at 0.05 by D, %d by all questions, %d related pairs", missing, hits, pairs, all, found)
		// Three standard deviations of 25 are 15.
		if hits < 10 || hits > 40 {
			t.Errorf("missing %t: %d of %d independent pairs at 0.05", missing, hits, pairs)
		}
		// The five questions overlap, so that paying for all of them leaves less.
		if all < 5 || all > 40 {
			t.Errorf("missing %t: %d of %d independent pairs at 0.05 by all questions", missing, all, pairs)
		}
		if found < pairs*9/10 {
			t.Errorf("missing %t: %d of %d related pairs at 0.05", missing, found, pairs)
		}
	}
}

// TestExploratorySearch: a sweep of a short record pays for every level.
func TestExploratorySearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 33))
	a := randomSigns(rng, 20, 60, 0.2, 0)
	f := a.marks(0)
	m := NewMemory(f)
	s := Sweep([]*Marks{f, f}, []*Marks{f, f}, []*Memory{m, m}, []*Memory{m, m})
	if !s.Exploratory || !s.Testable || s.Effective != 2 || s.P != 2*s.Results[0].P || s.P > 0.01 {
		t.Errorf("exploratory %t, testable %t, %g tests, p %g, of one %g", s.Exploratory, s.Testable, s.Effective, s.P, s.Results[0].P)
	}
	short := a[:7].marks(0)
	m = NewMemory(short)
	if r := Test(short, short, m, m); r.Testable || r.Reason != "7 common weeks with data; a test needs 8" {
		t.Errorf("seven weeks: testable %t, %q", r.Testable, r.Reason)
	}
}
