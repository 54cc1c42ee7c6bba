package relate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestNullKinds: what is done with a record, and what is said if nothing is.
func TestNullKinds(t *testing.T) {
	for _, tc := range []struct {
		null    Null
		rows    int
		windows string // lengths; "" if all of the record is permuted
		reason  string
	}{
		{Null{}, 60, "6 6 6 6 6 6 6 6 6 6", ""},
		{Null{}, 30, "4 4 4 4 4 5 5", ""},
		{Null{}, 29, "", ""},
		{Null{}, 7, "", "7 common weeks with data; a test needs 8"},
		{Null{Unit: WeekSteps}, 36, "6 6 6 6 6 6", ""},
		{Null{Unit: WeekSteps}, 35, "", "35 common weeks with data; a test needs 36"},
		{Null{Unit: WeekSteps, Permute: true}, 35, "", ""},
		{Null{Unit: WeekSteps, Permute: true}, 7, "", "7 common weeks with data; a test needs 8"},
		{Null{Unit: Months}, 144, "12 12 12 12 12 12 12 12 12 12 12 12", ""},
		{Null{Unit: Months}, 40, "13 13 14", ""},
		{Null{Unit: Months}, 35, "", "35 common months with data; a test needs 36"},
		{Null{Window: 13}, 52, "13 13 13 13", ""},
		{Null{Window: 4}, 31, "4 4 5 4 5 4 5", ""},
		{Null{Window: 26}, 131, "26 26 26 26 27", ""},
		{Null{Permute: true}, 60, "", ""},
		{Null{Reason: "years"}, 60, "", "years"},
	} {
		name := fmt.Sprintf("%+v of %d rows", tc.null, tc.rows)
		s := make(signRows, tc.rows)
		rng := rand.New(rand.NewPCG(1, 61))
		copy(s, randomSigns(rng, tc.rows, 200, 0.1, 0))
		f := s.marks(0)
		m := NewMemory(f)
		r := tc.null.Test(f, f, m, m)
		if r.Reason != tc.reason || r.Testable != (tc.reason == "") || r.Exploratory != (tc.reason == "" && tc.windows == "") {
			t.Errorf("%s: testable %t, exploratory %t, %q; want %q", name, r.Testable, r.Exploratory, r.Reason, tc.reason)
		}
		if c := countRows(f, f, commonRows(f, f)); r.Counts != c {
			t.Errorf("%s: counts %+v, want %+v", name, r.Counts, c)
		}
		if tc.windows == "" {
			if w := tc.null.Windows(f, f); len(w) != 1 || len(w[0]) != tc.rows {
				t.Errorf("%s: %d windows", name, len(w))
			}
			continue
		}
		total, lengths := 0, []string{}
		for _, w := range tc.null.Windows(f, f) {
			total += len(w)
			lengths = append(lengths, fmt.Sprint(len(w)))
		}
		if got := len(lengths); total != tc.rows || got != len(strings.Fields(tc.windows)) || r.Windows != got {
			t.Errorf("%s: windows %v, of the result %d; want %s", name, lengths, r.Windows, tc.windows)
		}
	}
	for _, n := range []Null{{Window: 3}, {Window: 27}, {Unit: Months, Window: 6}, {Unit: Months, Permute: true}, {Window: 6, Permute: true}} {
		if !panics(n.check) {
			t.Errorf("%+v is accepted", n)
		}
	}
}

func panics(do func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	do()
	return false
}

// steps makes a function of one step a row, such as a month: AR(1) noise of a
// memory of so many steps with a yearly cycle of 12 or 52 steps, with the mean
// of each step of the cycle removed if asked for, and the tails of 15 % a
// side.
func steps(rng *rand.Rand, years, cycle int, memory, amplitude float64, removed bool) *Marks {
	n := years * cycle
	phi := math.Exp(-1 / memory)
	x, state := make([]float64, n), rng.NormFloat64()
	mean := make([]float64, cycle)
	for i := range x {
		state = phi*state + math.Sqrt(1-phi*phi)*rng.NormFloat64()
		x[i] = state + amplitude*math.Cos(2*math.Pi*float64(i%cycle)/float64(cycle))
		mean[i%cycle] += x[i] / float64(years)
	}
	for i := range x {
		if removed {
			x[i] -= mean[i%cycle]
		}
	}
	return tails(x, 1, 0.15)
}

// TestMonths: of functions of 12 years that share a yearly cycle, rotations of
// months call 5 % related if the mean of each month of the year is removed, and
// most if not; windows of weeks call week steps with such a cycle related no
// more often than the level says. Three standard errors of 0.05 are 0.038.
func TestMonths(t *testing.T) {
	const pairs = 300
	rate := func(null Null, cycle int, memory, amplitude float64, removed bool) (rate float64) {
		tested := 0
		for seed := range uint64(pairs) {
			rng := rand.New(rand.NewPCG(seed, 62))
			f, g := steps(rng, 12, cycle, memory, amplitude, removed), steps(rng, 12, cycle, memory, amplitude, removed)
			r := null.Test(f, g, NewMemory(f), NewMemory(g))
			tested += b2i(r.Testable)
			rate += float64(b2i(r.P <= 0.05))
		}
		if tested < pairs*9/10 {
			t.Errorf("%v: %d of %d pairs are testable", null.Unit, tested, pairs)
		}
		return rate / float64(tested)
	}
	months, raw, weeks := rate(Null{Unit: Months}, 12, 2, 1.5, true), rate(Null{Unit: Months}, 12, 2, 1.5, false), rate(Null{Unit: WeekSteps}, 52, 3, 0.7, false)
	t.Logf("at 0.05: months %.3f, with their cycle %.3f, weeks %.3f", months, raw, weeks)
	if months < 0.015 || months > 0.09 {
		t.Errorf("months without their cycle: %.3f of the pairs at 0.05", months)
	}
	if raw < 0.3 {
		t.Errorf("months with their cycle: %.3f of the pairs at 0.05; the test shows nothing", raw)
	}
	if weeks > 0.09 {
		t.Errorf("weeks: %.3f of the pairs at 0.05", weeks)
	}
}

// TestCountsWithoutTest: cells that both cover are counted in weeks of scant
// data too if there is no test.
func TestCountsWithoutTest(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 63))
	f, g := randomSigns(rng, 40, 30, 0.3, 0.6).marks(2), randomSigns(rng, 40, 30, 0.3, 0.6).marks(0)
	want := Counts{}
	for row := 2; row < 40; row++ {
		c := countRows(f, g, []int{row})
		want.Cells += c.Cells
		want.PositivePositive += c.PositivePositive
		want.NegativeG += c.NegativeG
	}
	m, k := NewMemory(f), NewMemory(g)
	for name, r := range map[string]*Result{
		"test": Test(f, g, m, k), "search": Sweep([]*Marks{f}, []*Marks{g}, []*Memory{m}, []*Memory{k}).Results[0],
	} {
		c := r.Counts
		if r.Testable || r.Rows >= minExploratory || c.Cells != want.Cells || c.PositivePositive != want.PositivePositive || c.NegativeG != want.NegativeG || c.PositivePositive == 0 {
			t.Errorf("%s: testable %t, %d rows, counts %+v, want %+v", name, r.Testable, r.Rows, c, want)
		}
	}
}

// masked returns signs of 10 regions in rows of slots, missing where keep says
// so.
func masked(rng *rand.Rand, rows, slots int, keep func(row, slot, region int) bool) signRows {
	s := randomSigns(rng, rows, 10*slots, 0.15, 0)
	for row := range s {
		for c := range s[row] {
			if !keep(row, c/10, c%10) {
				s[row][c] = 9
			}
		}
	}
	return s
}

// TestNeverCovered: regions that a function never covers are no part of the
// question, so that the test is that of the regions of both alone.
func TestNeverCovered(t *testing.T) {
	between := func(low, high int) func(_, _, region int) bool {
		return func(_, _, region int) bool { return low <= region && region < high }
	}
	for _, tc := range []struct {
		name       string
		f, g       func(row, slot, region int) bool
		first, end int // regions of both
	}{
		{"the same four regions", between(3, 7), between(3, 7), 3, 7},
		{"two in common", between(0, 6), between(4, 10), 4, 6},
		{"one of them everywhere", between(0, 10), between(8, 10), 8, 10},
		{"none in common", between(0, 5), between(5, 10), 5, 5},
	} {
		rng := rand.New(rand.NewPCG(1, 64))
		a, b := masked(rng, 104, 7, tc.f), masked(rng, 104, 7, tc.g)
		for row := range a { // something in common
			for c, x := range a[row] {
				if b[row][c] != 9 && x != 9 && rng.IntN(3) == 0 {
					b[row][c] = x
				}
			}
		}
		f, g := a.marks(0), b.marks(0)
		m := NewMemory(f)
		got := Test(f, g, m, m)
		if tc.first == tc.end {
			if got.Reason != "0 common weeks with data; a test needs 8" {
				t.Errorf("%s: testable %t, %q", tc.name, got.Testable, got.Reason)
			}
			continue
		}
		only := func(s signRows) *Marks {
			kept := make(signRows, len(s))
			for row := range s {
				for c, x := range s[row] {
					if r := c % 10; tc.first <= r && r < tc.end {
						kept[row] = append(kept[row], x)
					}
				}
			}
			return kept.marks(0)
		}
		want := Test(only(a), only(b), m, m)
		if !got.Testable || got.Rows != 104 || fmt.Sprint(*got) != fmt.Sprint(*want) {
			t.Errorf("%s: %+v, of the common regions alone %+v", tc.name, got, want)
		}
	}
}

// TestCommonRows compares with loops over the cells: which rows are common, and
// whether few of the cells that both ever cover are missing.
func TestCommonRows(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 65))
		mask := func() func(row, slot, region int) bool {
			regions, missing, out := 1+rng.IntN(10), []float64{0, 0.01, 0.3}[rng.IntN(3)], rng.IntN(20)
			return func(row, _, region int) bool {
				return region < regions && rng.Float64() >= missing && (row != out || rng.IntN(2) == 0)
			}
		}
		a, b := masked(rng, 20, 7, mask()), masked(rng, 20, 7, mask())
		f, g := a.marks(5), b.marks(5)
		shared := make([]bool, 70)
		all := 0
		for c := range shared {
			inA, inB := false, false
			for row := range a {
				inA, inB = inA || a[row][c] != 9, inB || b[row][c] != 9
			}
			shared[c] = inA && inB
			all += b2i(shared[c])
		}
		var want []int
		missing := 0
		for row := range a {
			var joint, ofA, ofB int
			for c, is := range shared {
				if is {
					joint += b2i(a[row][c] != 9 && b[row][c] != 9)
					ofA += b2i(a[row][c] == 9)
					ofB += b2i(b[row][c] == 9)
				}
			}
			if joint > 0 && 2*joint >= all {
				want = append(want, 5+row)
				missing += max(ofA, ofB)
			}
		}
		rows := commonRows(f, g)
		if !slices.Equal(rows, want) {
			t.Errorf("seed %d: common rows %v, want %v", seed, rows, want)
		}
		if few := fewMissing(f, g, [][]int{rows}); few != (float64(missing) <= 0.02*float64(all*len(rows))) {
			t.Errorf("seed %d: few missing %t, with %d of %d cells missing", seed, few, missing, all*len(rows))
		}
	}
}

// TestNoWindows: weeks far from each other leave nothing to exchange, and the
// reason says so.
func TestNoWindows(t *testing.T) {
	rows := make(signRows, 400)
	rng := rand.New(rand.NewPCG(1, 31))
	for w := range rows {
		rows[w] = make([]int8, 70)
		for c := range rows[w] {
			rows[w][c] = int8(rng.IntN(10) / 9)
			if w%8 != 0 {
				rows[w][c] = 9 // missing
			}
		}
	}
	f := rows.marks(0)
	const want = "50 common weeks with data, none of them in a stretch of 4 without a gap of more than 6; a test exchanges those of a stretch"
	m := NewMemory(f)
	if r := Test(f, f, m, m); r.Testable || r.Reason != want || r.Counts.PositivePositive == 0 {
		t.Errorf("testable %t, %q, %+v", r.Testable, r.Reason, r.Counts)
	}
	if s := Sweep([]*Marks{f}, []*Marks{f}, []*Memory{m}, []*Memory{m}); s.Testable || s.Reason != want || s.Results[0].Reason != want {
		t.Errorf("testable %t, %q", s.Testable, s.Reason)
	}
	if w := (Null{}).Windows(f, f); len(w) != 1 || len(w[0]) != 400 {
		t.Errorf("%d windows, which are all rows without a test", len(w))
	}
}

// TestUsualLength: the guard's V is that of the windows that most are like, not
// of the first, which may be short.
func TestUsualLength(t *testing.T) {
	for _, tc := range []struct {
		lengths []int
		want    int
	}{
		{[]int{6}, 6}, {[]int{5, 6, 6, 5}, 6}, {[]int{6, 5, 5, 6}, 6}, {[]int{4, 6, 6, 5}, 6}, {[]int{7, 5, 5}, 5},
		{[]int{4, 5, 6, 7}, 7}, {[]int{0, 0, 0, 4}, 4}, {[]int{0}, 0}, {nil, 0}, {[]int{40, 4, 4}, 4},
	} {
		var windows [][]int
		for _, n := range tc.lengths {
			windows = append(windows, make([]int, n))
		}
		if got, _ := usualLength(windows, []int{9, 9, 9, 9, 9, 9}); got != tc.want {
			t.Errorf("windows of %v rows: %d, want %d", tc.lengths, got, tc.want)
		}
	}
	// Four weeks, a gap, and a year in windows of six.
	rng := rand.New(rand.NewPCG(1, 66))
	a := randomSigns(rng, 66, 100, 0.3, 0)
	for row := 4; row < 12; row++ {
		a[row] = slices.Repeat([]int8{9}, 100)
	}
	f := a.marks(0)
	m := &Memory{}
	for k := range memoryRows + 1 {
		m.rho = append(m.rho, math.Pow(0.7, float64(k)))
	}
	r := Test(f, f, m, m)
	if want := inflation(m, m, 6); r.Windows != 10 || r.Inflation != want || want == inflation(m, m, 4) {
		t.Errorf("%d windows, V %g; of windows of six weeks %g, of four %g", r.Windows, r.Inflation, want, inflation(m, m, 4))
	}
	x := make([]float64, 66)
	for i := range x[1:] {
		x[i+1] = 0.8*x[i] + rng.NormFloat64()
	}
	windows := (Null{}).Windows(f, f)
	short := append([][]int{nil}, windows...)
	v := newValueMemory(x, 1)
	if got, want := valueInflation(x, x, 1, short), inflation(v, v, 6); got != want {
		t.Errorf("V of values %g, want %g", got, want)
	}
}

// TestOwed: what a drift explains is never more than there is, nor of the
// other sign.
func TestOwed(t *testing.T) {
	for _, tc := range []struct{ distance, excess, want float64 }{
		{3, 1, 1}, {3, 5, 3}, {3, -1, 0}, {-3, -1, -1}, {-3, -5, -3}, {-3, 1, 0}, {0, 1, 0}, {0, -1, 0}, {2, 0, 0},
	} {
		if got := owed(tc.distance, tc.excess); got != tc.want {
			t.Errorf("owed(%g, %g) = %g, want %g", tc.distance, tc.excess, got, tc.want)
		}
	}
}

// TestLagWindows: the windows of a search over lags are those of the rows that
// have data at every lag, one after the other; at lag 0 alone those of Windows.
func TestLagWindows(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 61))
	s := make(signRows, 60)
	copy(s, randomSigns(rng, 60, 20, 0.1, 0.25)) // cells are missing, so that some rows are not counted
	f, g := s.marks(0), signRows(randomSigns(rng, 50, 20, 0.1, 0.15)).marks(4)
	if got, want := (Null{}).LagWindows(f, g, 1, []int{0}), (Null{}).Windows(f, g); !reflect.DeepEqual(got, want) {
		t.Errorf("at lag 0: %v, want %v", got, want)
	}
	lags := []int{3, -2, 25}
	rows := commonRows(f, g.Moved(lags[0], 1))
	for _, lag := range lags[1:] {
		rows = intersect(rows, commonRows(f, g.Moved(lag, 1)))
	}
	if len(rows) >= len(commonRows(f, g)) || len(rows) < minExploratory {
		t.Fatalf("%d common rows say nothing", len(rows))
	}
	got := slices.Concat(Null{}.LagWindows(f, g, 1, lags)...)
	if want := slices.Concat(Null{}.windowsOf(f, g, rows)...); !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
	if got := slices.Concat(Null{Reason: "none"}.LagWindows(f, g, 1, lags)...); !slices.Equal(got, sharedRows(f, g)) {
		t.Errorf("without a test: rows %v", got)
	}
}
