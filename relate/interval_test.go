package relate

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"polygamy/topology"
)

// lattice returns the graph of columns*rows squares that share sides.
func lattice(columns, rows int) *topology.Graph {
	var edges [][2]int
	for r := range columns * rows {
		if r%columns+1 < columns {
			edges = append(edges, [2]int{r, r + 1})
		}
		if r+columns < columns*rows {
			edges = append(edges, [2]int{r, r + columns})
		}
	}
	g, err := topology.NewGraph(columns*rows, edges)
	if err != nil {
		panic(err)
	}
	return g
}

// city is the graph of one region.
var city = lattice(1, 1)

// findIntervals returns the intervals of a test of two functions.
func findIntervals(f, g *Marks, graph *topology.Graph, day int) *Intervals {
	return Test(f, g, &Memory{}, &Memory{}).Intervals(f, g, graph, day)
}

// correlated makes two hourly series of weeks, of AR(1) noise with a memory of
// so many hours and a correlation r, and marks what lies beyond a level.
func correlated(rng *rand.Rand, weeks int, memory, r, level float64) (f, g *Marks) {
	const slots = 168
	phi := math.Exp(-1 / memory)
	x, y := rng.NormFloat64(), 0.0
	y = r*x + math.Sqrt(1-r*r)*rng.NormFloat64()
	a, b := make(signRows, weeks), make(signRows, weeks)
	sign := func(v float64) int8 {
		switch {
		case v >= level:
			return 1
		case v <= -level:
			return -1
		}
		return 0
	}
	for w := range a {
		a[w], b[w] = make([]int8, slots), make([]int8, slots)
		for i := range slots {
			u := rng.NormFloat64()
			v := r*u + math.Sqrt(1-r*r)*rng.NormFloat64()
			x, y = phi*x+math.Sqrt(1-phi*phi)*u, phi*y+math.Sqrt(1-phi*phi)*v
			a[w][i], b[w][i] = sign(x), sign(y)
		}
	}
	return a.marks(0), b.marks(0)
}

// TestIntervalCoverage: intervals hold the truth, that of all the pairs
// together, in 95 % of 300 pairs; the band is 5 standard errors below and 3
// above. An interval that takes cells for independent holds the score in half
// of the cases.
func TestIntervalCoverage(t *testing.T) {
	const pairs, weeks, memory, level = 300, 104, 24, 1.645
	for _, tc := range []struct{ r, tau float64 }{{0, 0}, {0.07, 0.29}, {0.165, 0.62}} {
		rng := rand.New(rand.NewPCG(1, uint64(1000*tc.r)))
		var sum Counts
		var found []*Intervals
		naive := make([]float64, 0, pairs) // half the width of the naive interval
		var scores []float64
		for range pairs {
			f, g := correlated(rng, weeks, memory, tc.r, level)
			i := findIntervals(f, g, city, 24)
			c := countRows(f, g, commonRows(f, g))
			sum.PositivePositive += c.PositivePositive
			sum.NegativeNegative += c.NegativeNegative
			sum.PositiveNegative += c.PositiveNegative
			sum.NegativePositive += c.NegativePositive
			sum.PositiveF, sum.NegativeF = sum.PositiveF+c.PositiveF, sum.NegativeF+c.NegativeF
			sum.PositiveG, sum.NegativeG = sum.PositiveG+c.PositiveG, sum.NegativeG+c.NegativeG
			found = append(found, i)
			scores = append(scores, c.Score())
			naive = append(naive, 1.96*math.Sqrt((1-c.Score()*c.Score())/float64(c.Overlap())))
		}
		if math.Abs(sum.Score()-tc.tau) > 0.05 {
			t.Errorf("correlation %g: a score of %.2f, want %.2f", tc.r, sum.Score(), tc.tau)
		}
		for _, kind := range []struct {
			name  string
			truth float64
			of    func(*Intervals) Interval
		}{
			{"score", sum.Score(), func(i *Intervals) Interval { return i.Score }},
			{"strength", sum.Strength(), func(i *Intervals) Interval { return i.Strength }},
			{"precision", sum.Precision(), func(i *Intervals) Interval { return i.Precision }},
			{"recall", sum.Recall(), func(i *Intervals) Interval { return i.Recall }},
		} {
			held := 0
			for _, i := range found {
				held += b2i(kind.of(i).Low <= kind.truth && kind.truth <= kind.of(i).High)
			}
			share := float64(held) / pairs
			if share < 0.88 || share > 0.99 {
				t.Errorf("correlation %g: %s of %.3f held by %.3f of the intervals, want 0.95", tc.r, kind.name, kind.truth, share)
			}
		}
		held := 0
		for i, s := range scores {
			held += b2i(math.Abs(s-sum.Score()) <= naive[i])
		}
		if share := float64(held) / pairs; share > 0.7 {
			t.Errorf("correlation %g: an interval that takes cells for independent holds the score in %.3f: the test tells nothing", tc.r, share)
		}
	}
}

// TestIntervalsByHand: eight weeks that repeat give ratios without a variance,
// which are known no better than from eight trials; the score rests on the
// clusters.
func TestIntervalsByHand(t *testing.T) {
	a, b := make(signRows, 8), make(signRows, 8)
	for w := range a {
		a[w], b[w] = make([]int8, 168), make([]int8, 168)
		a[w][10], a[w][11], a[w][80] = 1, 1, -1
		b[w][10], b[w][11], b[w][90] = 1, 1, -1
	}
	i := findIntervals(a.marks(3), b.marks(3), city, 24)
	// Wilson for 8 of 8: 8/(8+1.96^2) = 0.6756, as a score 0.3512. Clopper and
	// Pearson for 16/3 of 8, by mpmath 1.3: quantiles of Beta(16/3, 11/3) and
	// Beta(19/3, 8/3).
	met := Interval{0.277704, 0.934814}
	want := Intervals{
		Score:     Interval{0.3512, 1},
		Strength:  met,
		Precision: met,
		Recall:    met,
		Weeks:     8, Clusters: 8, Effective: 8,
	}
	if i.Weeks != want.Weeks || i.Clusters != want.Clusters || i.Effective != want.Effective {
		t.Errorf("%+v, want %+v", *i, want)
	}
	for k, pair := range [][2]Interval{{i.Score, want.Score}, {i.Strength, want.Strength}, {i.Precision, want.Precision}, {i.Recall, want.Recall}} {
		if math.Abs(pair[0].Low-pair[1].Low) > 1e-4 || math.Abs(pair[0].High-pair[1].High) > 1e-4 {
			t.Errorf("interval %d is %v, want %v", k, pair[0], pair[1])
		}
	}
}

// TestIntervalsAtTheEnds: nothing overlaps, everything does, nothing is there.
func TestIntervalsAtTheEnds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	full := randomSigns(rng, 40, 168, 0.05, 0)
	none, apart := make(signRows, 40), make(signRows, 40)
	for w := range none {
		none[w], apart[w] = make([]int8, 168), make([]int8, 168)
		for i, x := range full[w] {
			if x == 0 {
				apart[w][i] = int8(rng.IntN(2))
			}
		}
	}
	bound := math.Pow(0.025, 1.0/40)
	none2 := func(i Interval) bool { return math.IsNaN(i.Low) && math.IsNaN(i.High) }
	if i := findIntervals(full.marks(0), full.marks(0), city, 24); i.Strength != (Interval{bound, 1}) || i.Score.High != 1 || i.Score.Low < 0.8 {
		t.Errorf("a function and itself: %+v", *i)
	}
	if i := findIntervals(full.marks(0), apart.marks(0), city, 24); i.Strength != (Interval{0, 1 - bound}) || !none2(i.Score) || i.Clusters != 0 {
		t.Errorf("no overlap: %+v", *i)
	}
	if i := findIntervals(full.marks(0), none.marks(0), city, 24); !none2(i.Score) || !none2(i.Precision) || i.Recall != (Interval{0, 1 - bound}) {
		t.Errorf("no features of the second: %+v", *i)
	}
	if i := findIntervals(full.marks(0), full.marks(100), city, 24); i.Weeks != 0 || !none2(i.Strength) {
		t.Errorf("no common weeks: %+v", *i)
	}
}

// TestIntervalsWithoutVariance: weeks in which the same share is met have an
// interval of some width, however many features the weeks have, that shrinks with
// their number; weeks without features add nothing.
func TestIntervalsWithoutVariance(t *testing.T) {
	last := 1.0
	for _, tc := range []struct {
		weeks, empty, features int
		want                   Interval // by mpmath 1.3
	}{
		{6, 0, 2, Interval{0.118117, 0.881883}},
		{6, 5, 2, Interval{0.118117, 0.881883}},
		{6, 0, 100, Interval{0.118117, 0.881883}},
		{60, 0, 6, Interval{0.368062, 0.631938}},
	} {
		a, b := make(signRows, tc.weeks+tc.empty), make(signRows, tc.weeks+tc.empty)
		for w := range a {
			a[w], b[w] = make([]int8, 168), make([]int8, 168)
			for i := 0; w < tc.weeks && i < tc.features; i++ {
				a[w][i], b[w][i+tc.features/2] = 1, 1
			}
		}
		// The whole record is counted, be it long enough for a test or not.
		f, g := a.marks(0), b.marks(0)
		got := Null{Reason: "short"}.Test(f, g, nil, nil).Intervals(f, g, city, 24)
		for name, i := range map[string]Interval{"strength": got.Strength, "precision": got.Precision, "recall": got.Recall} {
			if math.Abs(i.Low-tc.want.Low) > 1e-6 || math.Abs(i.High-tc.want.High) > 1e-6 {
				t.Errorf("half of %d features in %d weeks: %s %v, want %v", tc.features, tc.weeks, name, i, tc.want)
			}
		}
		if width := got.Recall.High - got.Recall.Low; width > last+1e-9 {
			t.Errorf("%d weeks have an interval of width %g", tc.weeks, width)
		} else {
			last = width
		}
	}
}

// TestIntervalsOfSearch: intervals are of the weeks that the result counts in,
// which a search takes from what all its lags and levels have in common, so that
// the estimate is that of the weeks; and there is an interval of each result.
func TestIntervalsOfSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 9))
	a := randomSigns(rng, 60, 7, 0.3, 0)
	b := randomSigns(rng, 60, 7, 0.3, 0)
	for row := range 20 { // related at first only
		copy(b[row], a[row])
	}
	f, g := a.marks(5), b.marks(5)
	gap := f.WithoutRows([]int{20, 21, 22})
	m := NewMemory(f)
	levelsF, levelsG, memories := []*Marks{f, gap}, []*Marks{g, g}, []*Memory{m, m}
	for _, null := range []Null{{}, {Permute: true}, {Reason: "none asked for"}} {
		for _, weeks := range []int{0, 4, 15, 26} {
			lags := []int{0, -3, 7 * weeks}
			s, err := null.Lags(context.Background(), levelsF, levelsG, memories, memories, 1, lags)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range s.Results {
				one, other := levelsF[i/3], levelsG[i/3].Moved(lags[i%3], 1)
				got := r.Intervals(one, other, city, 1)
				if c := countRows(one, other, r.rows); c != r.Counts || got.Weeks != len(r.rows) || null.Reason == "" && s.Testable && got.Weeks != r.Rows {
					t.Errorf("%+v, lags of %d weeks, result %d: intervals of %d weeks, counted in %d", null, weeks, i, got.Weeks, r.Rows)
				}
				if x := r.Counts.Strength(); !(got.Strength.Low < x && x < got.Strength.High) {
					t.Errorf("%+v, lags of %d weeks, result %d: strength %g, interval %v", null, weeks, i, x, got.Strength)
				}
				if c := overlapClusters(one, other, r.rows, city, 1); c != got.Clusters {
					t.Errorf("%d clusters, want %d", got.Clusters, c)
				}
			}
		}
	}
}

// TestOverlapClusters compares with a search over all pairs of cells.
func TestOverlapClusters(t *testing.T) {
	graph := lattice(3, 2)
	regions := graph.NumRegions()
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		day, slots := 1+rng.IntN(5), 1+rng.IntN(20)
		a := randomSigns(rng, 12, regions*slots, 0.1+0.3*rng.Float64(), 0.05)
		b := randomSigns(rng, 12, regions*slots, 0.1, 0.05)
		f, g := a.marks(2), b.marks(2)
		rows := []int{2, 3, 4, 7, 8, 12}
		type cell struct{ region, time int }
		var cells []cell
		for _, row := range rows {
			for c := range regions * slots {
				if x, y := a[row-2][c], b[row-2][c]; x*x == 1 && y*y == 1 {
					cells = append(cells, cell{c % regions, row*slots + c/regions})
				}
			}
		}
		label := make([]int, len(cells))
		for i := range label {
			label[i] = i
		}
		for changed := true; changed; { // the least number of all cells that are linked
			changed = false
			for i, c := range cells {
				for j, d := range cells {
					near := c.region == d.region
					for _, s := range graph.Neighbours(c.region) {
						near = near || int(s) == d.region
					}
					if near && max(c.time-d.time, d.time-c.time) < day && label[j] < label[i] {
						label[i], changed = label[j], true
					}
				}
			}
		}
		want := 0
		for i := range label {
			want += b2i(label[i] == i)
		}
		if got := overlapClusters(f, g, rows, graph, day); got != want {
			t.Fatalf("seed %d: %d clusters, want %d", seed, got, want)
		}
	}
}

// TestWeekRatioVariance compares with the double sum of the definition.
func TestWeekRatioVariance(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	r := &weekRatio{}
	above, below := 0.0, 0.0
	for row := range 50 {
		if rng.IntN(4) == 0 {
			continue // a week without data
		}
		b := 1 + rng.Float64()
		a := b * rng.Float64()
		r.rows, r.above, r.below = append(r.rows, row), append(r.above, a), append(r.below, b)
		above, below = above+a, below+b
	}
	want := 0.0
	for i, v := range r.rows {
		for j, w := range r.rows {
			weight := 1 - math.Abs(float64(v-w))/5
			if weight > 0 {
				want += weight * (r.above[i] - above/below*r.below[i]) * (r.above[j] - above/below*r.below[j]) / (below * below)
			}
		}
	}
	n := float64(len(r.rows))
	if _, got, _ := r.estimate(); math.Abs(got/(want*n/(n-1))-1) > 1e-12 {
		t.Errorf("a variance of %g, want %g", got, want*n/(n-1))
	}
}
