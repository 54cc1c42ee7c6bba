package relate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// signRows are signs of features, -1, 0 or 1, and 9 for a missing cell, in
// rows of one length.
type signRows [][]int8

func (s signRows) marks(first int) *Marks {
	cells := len(s[0])
	m := &Marks{First: first, Rows: len(s), Words: (cells + 63) / 64, Cells: cells}
	m.Positive, m.Negative, m.Valid = make([]uint64, m.Rows*m.Words), make([]uint64, m.Rows*m.Words), make([]uint64, m.Rows*m.Words)
	complete := true
	for r, row := range s {
		for i, x := range row {
			word, bit := r*m.Words+i/64, uint64(1)<<(i%64)
			switch x {
			case 1:
				m.Positive[word] |= bit
			case -1:
				m.Negative[word] |= bit
			}
			if x == 9 {
				complete = false
			} else {
				m.Valid[word] |= bit
			}
		}
	}
	if complete {
		m.Valid = nil
	}
	m.countRows()
	return m
}

func randomSigns(rng *rand.Rand, rows, cells int, share, missing float64) signRows {
	s := make(signRows, rows)
	for r := range s {
		s[r] = make([]int8, cells)
		for i := range s[r] {
			switch x := rng.Float64(); {
			case rng.Float64() < missing:
				s[r][i] = 9
			case x < share:
				s[r][i] = 1
			case x < 2*share:
				s[r][i] = -1
			}
		}
	}
	return s
}

// TestAgainstCells compares tables and tests with loops over the cells: maps of
// rows of one word and of many, with tails, sparse and dense, complete and
// with cells missing, of records with gaps.
func TestAgainstCells(t *testing.T) {
	var tester Tester
	testable := 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 2))
		missing := []float64{0, 0.01, 0.2}[seed%3]
		rows, cells := 44+rng.IntN(50), 1+rng.IntN(150)
		if seed%10 == 9 {
			cells = 500 + rng.IntN(600)
		}
		share := []float64{0.02, 0.1, 0.25}[rng.IntN(3)]
		a, b := randomSigns(rng, rows, cells, share, missing), randomSigns(rng, rows, cells, 0.3-share, missing)
		if seed%4 == 1 { // positive features that never change
			for _, row := range a {
				for c, x := range row {
					if x == 1 || c < 5 && x != 9 {
						row[c] = int8(b2i(c < 5))
					}
				}
			}
		}
		if rng.IntN(3) == 0 { // a gap, in which a few rows are left
			for row := 10; row < 22; row++ {
				a[row] = slices.Repeat([]int8{9}, cells)
			}
		}
		f, g := a.marks(100), b.marks(100)
		windows := chooseWindows(nil, commonRows(f, g))
		var tables overlapTables
		tables.fill(f, g, windows)
		if missing == 0 && !tables.lattice || missing == 0.2 && tables.lattice {
			t.Fatalf("seed %d: lattice %t with %g of the cells missing", seed, tables.lattice, missing)
		}
		want := slowTables(a, b, 100, windows, tables.lattice)
		for k := range want {
			at := 0
			for q, w := range want[k] {
				for u, x := range w {
					got := tables.sums[k].value(at)
					if tables.lattice && got != x || math.Abs(got-x) > 1e-12*float64(cells) {
						t.Fatalf("seed %d, window %d, rotation %d, statistic %d: %g, want %g", seed, q, u, k, got, x)
					}
					at++
				}
			}
		}
		m, n := NewMemory(f), NewMemory(g)
		got := tester.Test(f, g, m, n)
		if other := Test(f, g, m, n); fmt.Sprint(*got) != fmt.Sprint(*other) {
			t.Fatalf("seed %d: %+v, and in memory that others used %+v", seed, other, got)
		}
		if !got.Testable {
			continue
		}
		testable++
		drift := slowDrift(a, b, 100, windows)
		for k, x := range tables.drift(f, g, windows) {
			if math.Abs(x-drift[k]) > 1e-9*max(1, math.Abs(drift[k])) {
				t.Errorf("seed %d, statistic %d: drift %g, want %g", seed, k, x, drift[k])
			}
		}
		slow := slowTest(want, tables.lattice, drift, got.Inflation)
		for k, pair := range [][2]float64{
			{got.Drift, slow.Drift}, {got.Z, slow.Z}, {got.P, slow.P}, {got.PD, slow.PD}, {got.PPositivePositive, slow.PPositivePositive},
			{got.PNegativeNegative, slow.PNegativeNegative}, {got.PPositiveNegative, slow.PPositiveNegative},
			{got.PNegativePositive, slow.PNegativePositive},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-6*math.Abs(pair[1])+1e-9*float64(b2i(k == 0)) {
				t.Errorf("seed %d, %d cells, lattice %t, value %d: %g, want %g", seed, cells, tables.lattice, k, pair[0], pair[1])
			}
		}
	}
	if testable < 30 {
		t.Errorf("%d pairs could be tested", testable)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestMoved moves cell by cell: the rows are those in which anything of the
// record stands, by the numbers that all records share.
func TestMoved(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	const regions, slots, rows, first = 3, 7, 5, 2
	for _, missing := range []float64{0, 0.1} {
		s := randomSigns(rng, rows, regions*slots, 0.3, missing)
		for _, lag := range []int{0, 1, -1, 6, 7, -7, -8, 13, -14, 35, 40, -40, 700} {
			got := s.marks(first).Moved(lag, regions)
			low, high := math.MaxInt, math.MinInt // rows of the result
			want := map[[2]int]int8{}
			for from := range rows * slots {
				at := first*slots + from - lag
				row := int(math.Floor(float64(at) / slots))
				low, high = min(low, row), max(high, row)
				for r := range regions {
					want[[2]int{row, (at-row*slots)*regions + r}] = s[from/slots][from%slots*regions+r]
				}
			}
			if got.First != low || got.Rows != high-low+1 || got.Words != 1 || got.Cells != regions*slots {
				t.Fatalf("lag %d: rows %d to %d, want %d to %d", lag, got.First, got.First+got.Rows-1, low, high)
			}
			moved := make(signRows, got.Rows)
			for row := range moved {
				moved[row] = make([]int8, regions*slots)
				for i := range moved[row] {
					if x, held := want[[2]int{low + row, i}]; held {
						moved[row][i] = x
					} else {
						moved[row][i] = 9
					}
				}
			}
			w := moved.marks(low)
			valid := func(m *Marks) (all []uint64) {
				for row := m.First; row < m.First+m.Rows; row++ {
					all = append(all, m.valid(row)...)
				}
				return all
			}
			if !slices.Equal(got.Positive, w.Positive) || !slices.Equal(got.Negative, w.Negative) || !slices.Equal(valid(got), valid(w)) || got.all != w.all {
				t.Errorf("lag %d differs", lag)
			}
		}
		f := s.marks(first)
		for _, lag := range []int{1 << 59, math.MinInt, math.MaxInt} {
			if rows := sharedRows(f, f.Moved(lag, regions)); len(rows) != 0 {
				t.Errorf("lag %d: common rows %v", lag, rows)
			}
		}
	}
}

// TestExpectedOverlap: five cells that are expected to be features of both are
// enough for a test, in windows and over the whole record, and less are not.
func TestExpectedOverlap(t *testing.T) {
	// busy returns rows of which every so many have so many features, until
	// there are enough of them.
	busy := func(rows, every, features, enough int) *Marks {
		s := make(signRows, rows)
		for row := range s {
			s[row] = make([]int8, 20)
			for c := range features {
				s[row][c] = int8(b2i(row%every == 0 && row/every < enough))
			}
		}
		return s.marks(0)
	}
	for _, tc := range []struct {
		f, g     *Marks
		expected float64
		reason   string
	}{
		{busy(60, 6, 3, 10), busy(60, 6, 3, 10), 5, ""}, // in each of ten windows 3/6
		{busy(60, 6, 3, 10), busy(60, 6, 3, 9), 4.5, "4.5 cells are expected to be features of both; a test needs 5"},
		{busy(60, 6, 4, 10), busy(60, 6, 4, 7), 28.0 / 6, "4.7 cells are expected to be features of both; a test needs 5"},
		{busy(20, 1, 1, 10), busy(20, 1, 1, 10), 5, ""}, // 10*10/20
		{busy(20, 1, 1, 12), busy(20, 1, 1, 8), 4.8, "4.8 cells are expected to be features of both; a test needs 5"},
	} {
		r := Test(tc.f, tc.g, NewMemory(tc.f), NewMemory(tc.g))
		if math.Abs(r.ExpectedOverlap-tc.expected) > 1e-9 || r.Testable != (tc.reason == "") || r.Reason != tc.reason {
			t.Errorf("expected %g, want %g; testable %t, %q, want %q", r.ExpectedOverlap, tc.expected, r.Testable, r.Reason, tc.reason)
		}
	}
}

func TestCutWindows(t *testing.T) {
	rows := func(spans ...[2]int) []int {
		var list []int
		for _, s := range spans {
			for r := s[0]; r < s[1]; r++ {
				list = append(list, r)
			}
		}
		return list
	}
	for _, tc := range []struct {
		name string
		rows []int
		want string
	}{
		{"a year", rows([2]int{0, 52}), "5 6 6 6 6 6 6 6 5"},
		{"six", rows([2]int{0, 6}), "6"},
		{"too few", rows([2]int{0, 3}), ""},
		{"a gap of six rows is spanned", rows([2]int{0, 3}, [2]int{9, 12}), "6"},
		{"a gap of seven is not", rows([2]int{0, 4}, [2]int{11, 15}, [2]int{30, 33}), "4 4"},
		{"nine", rows([2]int{0, 9}), "4 5"},
	} {
		got := ""
		for i, w := range cutWindows(nil, tc.rows, 6) {
			if i > 0 {
				got += " "
			}
			got += fmt.Sprint(len(w))
		}
		if len(got) != len(tc.want) || tc.name != "a year" && got != tc.want {
			t.Errorf("%s: windows of %s rows, want %s", tc.name, got, tc.want)
		}
	}
}

// series makes an hourly function of weeks: AR(1) noise of a memory of so many
// hours, with a cycle of the week and shocks, and its features: the cells
// above and below the given tails.
func series(rng *rand.Rand, weeks int, memory, cycle float64, shocks []int) *Marks {
	const slots = 168
	phi := math.Exp(-1 / memory)
	x, state := make([]float64, weeks*slots), rng.NormFloat64()
	for i := range x {
		state = phi*state + math.Sqrt(1-phi*phi)*rng.NormFloat64()
		x[i] = state + cycle*math.Sin(2*math.Pi*float64(i%slots)/24)
	}
	for _, at := range shocks {
		for i := at; i < min(at+3, len(x)); i++ {
			x[i] += 3.5
		}
	}
	return tails(x, slots, 0.05)
}

// tails returns the features of values in rows of slots: the given share a
// side.
func tails(x []float64, slots int, share float64) *Marks {
	sorted, n := slices.Sorted(slices.Values(x)), int(share*float64(len(x)))
	low, high := sorted[n], sorted[len(x)-n]
	s := make(signRows, len(x)/slots)
	for w := range s {
		s[w] = make([]int8, slots)
		for i := range s[w] {
			switch v := x[w*slots+i]; {
			case v >= high:
				s[w][i] = 1
			case v <= low:
				s[w][i] = -1
			}
		}
	}
	return s.marks(0)
}

// rates returns the share of pairs with a p of at most 0.05, and for
// comparison that of a test that turns the whole record by any number of
// hours, as the published implementation does at city resolution.
func rates(t *testing.T, pairs int, weeks int, memory, cycle float64, common float64) (rate float64) {
	t.Helper()
	rejected := 0
	for seed := range uint64(pairs) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var first, second []int
		for range 240 {
			at := rng.IntN(weeks * 168)
			first = append(first, at)
			if rng.Float64() >= common {
				at = rng.IntN(weeks * 168)
			}
			second = append(second, at)
		}
		f, g := series(rng, weeks, memory, cycle, first), series(rng, weeks, memory, cycle, second)
		r := Test(f, g, NewMemory(f), NewMemory(g))
		if !r.Testable {
			t.Fatalf("seed %d: not testable: %s", seed, r.Reason)
		}
		if r.P <= 0.05 {
			rejected++
		}
	}
	return float64(rejected) / float64(pairs)
}

// TestCalibration: unrelated functions are called related in 5 % of the cases,
// also if they share the cycle of the day, and related ones are found. The
// bands are four standard errors of 200 pairs.
func TestCalibration(t *testing.T) {
	for _, tc := range []struct {
		name          string
		memory, cycle float64
		common        float64
		low, high     float64
	}{
		{"white noise", 0.01, 0, 0, 0.005, 0.11},
		{"memory of a day", 24, 0, 0, 0.005, 0.11},
		{"shared cycle", 24, 1, 0, 0.005, 0.11},
		{"a quarter of the shocks in common", 24, 0, 0.25, 0.9, 1},
	} {
		if rate := rates(t, 200, 104, tc.memory, tc.cycle, tc.common); rate < tc.low || rate > tc.high {
			t.Errorf("%s: %.3f of the pairs have p <= 0.05, want %.3f to %.3f", tc.name, rate, tc.low, tc.high)
		}
	}
}

// TestUntestable: every pair gets a reason, and none panics.
func TestUntestable(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	full := randomSigns(rng, 60, 168, 0.05, 0)
	empty := make(signRows, 60)
	rare := make(signRows, 60)
	gone := make(signRows, 60)
	for i := range empty {
		empty[i], rare[i], gone[i] = make([]int8, 168), make([]int8, 168), slices.Repeat([]int8{9}, 168)
	}
	rare[3][5], rare[9][7], rare[10][7], rare[20][1], rare[30][2] = 1, 1, -1, 1, 1
	for _, tc := range []struct {
		name   string
		f, g   *Marks
		reason string
	}{
		{"no common time", full.marks(0), full.marks(100), "0 common weeks with data; a test needs 8"},
		{"a short common time", full.marks(0), full.marks(53), "7 common weeks with data; a test needs 8"},
		{"no features", full.marks(0), empty.marks(0), "the second function has features in 0 weeks; a test needs 5"},
		{"few features", rare.marks(0), full.marks(0), "0.45 cells are expected to be features of both; a test needs 5"},
		{"no cells", &Marks{Rows: 60}, &Marks{Rows: 60}, "the first function has features in 0 weeks; a test needs 5"},
		{"no values", gone.marks(0), full.marks(0), "0 common weeks with data; a test needs 8"},
	} {
		r := Test(tc.f, tc.g, NewMemory(tc.f), NewMemory(tc.g))
		if r.Testable || r.Reason != tc.reason && tc.name != "few features" || r.Reason == "" || !math.IsNaN(r.P) {
			t.Errorf("%s: testable %t, reason %q, p %g", tc.name, r.Testable, r.Reason, r.P)
		}
	}
}

// TestCounts: complete and incomplete functions are counted alike.
func TestCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	f, g := randomSigns(rng, 60, 100, 0.2, 0).marks(0), randomSigns(rng, 60, 100, 0.2, 0).marks(0)
	r := Test(f, g, NewMemory(f), NewMemory(g))
	rows := commonRows(f, g)
	if want := countRows(f, g, rows); r.Counts != want {
		t.Errorf("counts %+v, want %+v", r.Counts, want)
	}
}

// TestSharedOutages: days that both functions lack are no coincidence, also if
// they share the cycle of the week.
func TestSharedOutages(t *testing.T) {
	const pairs = 200
	rejected := 0
	for seed := range uint64(pairs) {
		rng := rand.New(rand.NewPCG(seed, 13))
		const weeks = 104
		a, b := make(signRows, weeks), make(signRows, weeks)
		for w := range a {
			a[w], b[w] = make([]int8, 7), make([]int8, 7)
			for d := range 7 {
				if d >= 5 && rng.IntN(10) < 6 { // most weekends are missing in both
					a[w][d], b[w][d] = 9, 9
					continue
				}
				for _, s := range []signRows{a, b} {
					switch x := rng.NormFloat64() + 3*math.Sin(2*math.Pi*float64(d)/7); {
					case x > 2.2:
						s[w][d] = 1
					case x < -2.2:
						s[w][d] = -1
					}
				}
			}
		}
		f, g := a.marks(0), b.marks(0)
		if r := Test(f, g, NewMemory(f), NewMemory(g)); r.Testable && r.P <= 0.05 {
			rejected++
		}
	}
	if rejected > 24 {
		t.Errorf("%d of %d unrelated pairs with shared outages have p <= 0.05", rejected, pairs)
	}
}

// TestAttainable: whether a rotation could be rare enough is decided by counts,
// so that a function with a few cells missing is no more testable than one
// without. Of short records of rare features few are testable, of both.
func TestAttainable(t *testing.T) {
	const pairs = 60
	complete, incomplete := 0, 0
	for seed := range uint64(pairs) {
		rng := rand.New(rand.NewPCG(seed, 14))
		a, b := randomSigns(rng, 30, 168, 0.03, 0), randomSigns(rng, 30, 168, 0.03, 0)
		test := func() *Result {
			f, g := a.marks(0), b.marks(0)
			return Test(f, g, NewMemory(f), NewMemory(g))
		}
		r := test()
		complete += b2i(r.Testable)
		for _, s := range []signRows{a, b} {
			for _, row := range s {
				for range 9 { // cells without features
					if c := rng.IntN(len(row)); row[c] == 0 {
						row[c] = 9
					}
				}
			}
		}
		// D of all rotations is what it was, but rests on fewer cells.
		cut := test()
		incomplete += b2i(cut.Testable)
		if cut.Testable != r.Testable || cut.Reason != r.Reason {
			t.Errorf("seed %d: testable %t, %q; with cells missing %t, %q", seed, r.Testable, r.Reason, cut.Testable, cut.Reason)
		}
	}
	if complete == 0 || complete > pairs/2 {
		t.Errorf("%d of %d complete pairs are testable, %d with cells missing; the test shows nothing", complete, pairs, incomplete)
	}
}
