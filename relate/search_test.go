package relate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// searchLags searches levels of a pair of one region.
func searchLags(t *testing.T, lags []int, levels ...[2]*Marks) *Search {
	t.Helper()
	var marks [2][]*Marks
	var memories [2][]*Memory
	for _, l := range levels {
		for i, m := range l {
			marks[i], memories[i] = append(marks[i], m), append(memories[i], NewMemory(m))
		}
	}
	s, err := Lags(context.Background(), marks[0], marks[1], memories[0], memories[1], 1, lags)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

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
		s := searchLags(t, lags, [2]*Marks{f, g})
		if s.P <= 0.05 {
			found++
			if d := lags[s.Best] - 6; d >= -1 && d <= 1 {
				near++
			}
		}
		if s := searchLags(t, lags, [2]*Marks{f, h}); s.P <= 0.05 {
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

// TestSearchDense: a level that marks more than half of the cells has a part in
// the search only if all do.
func TestSearchDense(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 3))
	const weeks = 60
	common := make([]int8, weeks*168)
	for i := range common {
		common[i] = int8(2*rng.IntN(2) - 1)
	}
	// Dense levels are nearly the same, sparse ones barely related.
	level := func(share, same float64) *Marks {
		rows := make(signRows, weeks)
		for w := range rows {
			rows[w] = make([]int8, 168)
			for h := range rows[w] {
				if rng.Float64() < share {
					rows[w][h] = int8(2*rng.IntN(2) - 1)
					if rng.Float64() < same {
						rows[w][h] = common[w*168+h]
					}
				}
			}
		}
		return rows.marks(0)
	}
	dense, sparse := [2]*Marks{level(0.9, 0.7), level(0.9, 0.7)}, [2]*Marks{level(0.2, 0.4), level(0.2, 0.4)}
	alone := searchLags(t, []int{0}, sparse)
	if alone.Dense || alone.P > 0.05 {
		t.Fatalf("sparse alone: dense %t, p %g", alone.Dense, alone.P)
	}
	for _, tc := range []struct {
		name              string
		levels            [][2]*Marks
		best, first, last int
	}{
		{"dense last", [][2]*Marks{sparse, dense, dense}, 0, 0, 0},
		{"dense first", [][2]*Marks{dense, dense, sparse}, 2, 2, 2},
		{"dense around", [][2]*Marks{dense, sparse, dense}, 1, 1, 1},
	} {
		s := searchLags(t, []int{0}, tc.levels...)
		if s.Dense || s.Best != tc.best || s.First != tc.first || s.Last != tc.last || s.Effective != 1 || s.P != alone.P {
			t.Errorf("%s: dense %t, best %d, holds %d to %d, p %g of %g tests; without p %g", tc.name, s.Dense, s.Best, s.First, s.Last, s.P, s.Effective, alone.P)
		}
		for i, r := range s.Results {
			if !r.Testable || r.Dense != (i != tc.best) {
				t.Errorf("%s: result %d: testable %t, dense %t", tc.name, i, r.Testable, r.Dense)
			}
		}
	}
	if s := searchLags(t, []int{0}, dense, dense); !s.Dense || !s.Testable || s.P > 1e-6 || s.First != 0 || s.Last != 1 {
		t.Errorf("dense alone: %+v", s)
	}
}

// TestLagsInterval: a finding holds at levels of the best lag, whatever other
// lags have.
func TestLagsInterval(t *testing.T) {
	f, other := heldNoise(104, 1, 1), heldNoise(104, 2, 1)
	// The first level is related, less closely, at the lag next in the list.
	before, after := f.Moved(1, 1), f.Moved(-1, 1)
	half := len(after.Positive) / 2
	mixed := &Marks{
		Rows: after.Rows, Words: f.Words, Cells: f.Cells, Valid: after.Valid,
		Positive: slices.Concat(other.Positive[:half], after.Positive[half:]),
		Negative: slices.Concat(other.Negative[:half], after.Negative[half:]),
	}
	mixed.countRows()
	s := searchLags(t, []int{-1, 0, 1}, [2]*Marks{f, mixed}, [2]*Marks{f, before}, [2]*Marks{f, before}, [2]*Marks{f, other}, [2]*Marks{f, other})
	if s.Best/3 < 1 || s.Best/3 > 2 || s.First != 1*3 || s.Last != 2*3 || s.Results[2].P > 1e-6 {
		t.Errorf("best %d, holds from %d to %d; levels 1 and 2 of 5 are related at lag -1", s.Best, s.First, s.Last)
	}
}

// TestLagsOfLevels: a search by lag is that of the moved marks in the rows that
// all have in common, whether or not levels hold values in the same cells.
func TestLagsOfLevels(t *testing.T) {
	const regions = 3
	rng := rand.New(rand.NewPCG(6, 3))
	gaps := func(share float64) signRows {
		rows := randomSigns(rng, 60, 7*regions, 0.2, share)
		return rows
	}
	shared := gaps(0.1).marks(0)
	again := *shared // the same cells, other features
	again.Positive, again.Negative = shared.Negative, shared.Positive
	again.rows, again.all = nil, rowTotals{}
	again.countRows()
	f := []*Marks{gaps(0).marks(0), gaps(0).marks(0), gaps(0.2).marks(2), gaps(0).marks(0)}
	g := []*Marks{shared, &again, gaps(0).marks(0), gaps(0).marks(0)}
	memory := NewMemory(shared)
	memories := []*Memory{memory, memory, memory, memory}
	lags := []int{0, -8, 9, 2}
	s, err := Lags(context.Background(), f, g, memories, memories, regions, lags)
	if err != nil {
		t.Fatal(err)
	}
	var all Tester
	var one []*Marks
	var other []*Marks
	for level := range f {
		for _, lag := range lags {
			one, other = append(one, f[level]), append(other, g[level].Moved(lag, regions))
			if rows := commonRows(f[level], g[level].Moved(lag, regions)); len(one) == 1 {
				all.rows = rows
			} else {
				all.rows = intersect(all.rows, rows)
			}
		}
	}
	for i, r := range s.Results {
		want := untested()
		slow := Tester{rows: all.rows}
		slow.plan()
		slow.test(&want, one[i], other[i], memory, memory)
		if fmt.Sprint(*r) != fmt.Sprint(want) {
			t.Errorf("result %d: %+v, want %+v", i, *r, want)
		}
	}
}

// TestLagsBringTogether: records that do not overlap are compared at the lags
// that bring them beside each other, also where that is not by whole weeks, and
// lags within a record have the rows that they bring too.
func TestLagsBringTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 3))
	a := randomSigns(rng, 60, 7, 0.3, 0)
	f := a.marks(10)
	m := NewMemory(f)
	for _, tc := range []struct{ first, lag, rows int }{
		{70, 420, 60}, // the whole record, beside itself
		{-50, -420, 60},
		{70, 413, 59},
		{13, 14, 59}, // a record that begins three weeks later, two of which the lag brings
		{13, -14, 55},
	} {
		g := a.marks(tc.first)
		s := searchLags(t, []int{tc.lag}, [2]*Marks{f, g})
		if r := s.Results[0]; r.Rows != tc.rows || (r.Counts.Strength() == 1) != (tc.lag == 7*(tc.first-10)) {
			t.Errorf("weeks from %d on, lag of %d days: %d common weeks, want %d; strength %g", tc.first, tc.lag, r.Rows, tc.rows, r.Counts.Strength())
		}
	}
	// By three days more than whole weeks: 59 of 60 weeks are whole, and of the
	// first four days of seven are there, which is half of them.
	later := f.Moved(-423, 1)
	s, err := Lags(context.Background(), []*Marks{f}, []*Marks{later}, []*Memory{m}, []*Memory{m}, 1, []int{423})
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Results[0]; r.Rows != 60 || r.Counts.Strength() != 1 {
		t.Errorf("a record moved there and back: %d common weeks, strength %g", r.Rows, r.Counts.Strength())
	}
}

// TestSearchTies: of results with the least p that there can be, the one with
// the strongest association is the best. Both functions are busy in one week of
// six, so each lag of hours has the same rarest combination.
func TestSearchTies(t *testing.T) {
	a, b := make(signRows, 36), make(signRows, 36)
	for w := range a {
		a[w], b[w] = make([]int8, 24), make([]int8, 24)
		if w%6 == w/6 {
			for i := range 12 {
				a[w][i+6], b[w][i+6] = 1, 1
			}
		}
	}
	f, g := a.marks(0), b.marks(0)
	s, err := Lags(context.Background(), []*Marks{f}, []*Marks{g}, []*Memory{NewMemory(f)}, []*Memory{NewMemory(g)}, 1, []int{-3, -2, -1, 0, 1, 2, 3})
	if err != nil || !s.Testable {
		t.Fatal(err, s.Reason)
	}
	if s.Best != 3 || s.Results[0].P != s.Results[3].P {
		t.Errorf("best is lag %d of p %g, lag 0 has %g", s.Best-3, s.Results[s.Best].P, s.Results[3].P)
	}
}

// TestLagsStopped: a search ends with its context.
func TestLagsStopped(t *testing.T) {
	f := heldNoise(40, 1, 1)
	m := []*Memory{NewMemory(f)}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if s, err := Lags(ctx, []*Marks{f}, []*Marks{f}, m, m, 1, []int{0, 1}); s != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("search %v, error %v", s, err)
	}
}

// TestLagsTooLong: the reason why nothing is left says that lags took it.
func TestLagsTooLong(t *testing.T) {
	f := heldNoise(40, 1, 1)
	for _, tc := range []struct {
		lags []int
		want string
	}{
		{[]int{0, 40 * 168}, "0 common weeks with data; a test needs 8; only weeks with data at all lags from 0 to 6720 count"},
		{[]int{-math.MaxInt, 0, math.MaxInt}, "0 common weeks with data; a test needs 8; only weeks with data at all lags from -9223372036854775807 to 9223372036854775807 count"},
		{[]int{1 << 62}, "0 common weeks with data; a test needs 8; only weeks with data at all lags from 4611686018427387904 to 4611686018427387904 count"},
	} {
		if s := searchLags(t, tc.lags, [2]*Marks{f, f}); s.Testable || s.Reason != tc.want {
			t.Errorf("lags %v: testable %t, %q; want %q", tc.lags, s.Testable, s.Reason, tc.want)
		}
	}
	none := Null{Reason: "no test was asked for"}
	m := []*Memory{NewMemory(f)}
	if s, err := none.Lags(context.Background(), []*Marks{f}, []*Marks{f}, m, m, 1, []int{0, 1}); err != nil || s.Reason != none.Reason {
		t.Errorf("%q, %v", s.Reason, err)
	}
}
