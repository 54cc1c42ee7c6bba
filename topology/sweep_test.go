package topology

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSweep compares every level of a sweep with one flood of the field a
// level.
func TestSweep(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 8))
		d, f := randomDomain(rng, 1+rng.IntN(300))
		seasons := WholeAxis(d.NumSteps())
		if d.NumSteps() > 1 && seed%2 == 0 {
			cut := 1 + rng.IntN(d.NumSteps()-1)
			seasons = []Season{{1, 0, cut}, {2, cut, d.NumSteps()}}
		}
		index := build(t, d, f, seasons)
		levels := index.Thresholds(f, Class{Kind: SweepShares, Shares: []float64{1, 5, 20, 60, 90}})
		period := 1 + rng.IntN(7)
		layout := NewLayout(d, period, rng.IntN(period))
		sweep := index.Sweep(f, levels, layout)
		before := make(map[[2]int]map[int32]bool) // season, direction: pairs that are components
		for k, m := range sweep.Maps() {
			level := sweep.Levels[k]
			marks := make([][2]bool, len(f))
			for i, s := range seasons {
				for _, direction := range []Direction{Super, Sub} {
					step := level.Of(direction)[i]
					a := levels[k].Of(direction)[i].Value
					part := f[s.First*d.NumRegions() : s.End*d.NumRegions()]
					components := componentsByFlood(NewDomain(d.Graph(), s.End-s.First), part, direction, a)
					cells := 0
					for _, c := range components {
						cells += len(c)
						for _, v := range c {
							marks[s.First*d.NumRegions()+v][direction-1] = true
						}
					}
					if step.Features != len(components) || step.Cells != cells {
						t.Fatalf("seed %d, level %d, season %d, %s: %d features of %d cells, want %d of %d", seed, k, i, direction, step.Features, step.Cells, len(components), cells)
					}
					at := [2]int{i, int(direction)}
					if before[at] == nil {
						before[at] = make(map[int32]bool)
					}
					for _, p := range step.Merged {
						if !before[at][p] {
							t.Fatalf("seed %d: pair %d merged but was no component", seed, p)
						}
						delete(before[at], p)
					}
					for _, p := range step.Appeared {
						before[at][p] = true
					}
					tree := index.Seasons()[i].Tree(direction)
					for p := range tree.Alive(a) {
						if !before[at][int32(p)] {
							t.Fatalf("seed %d, level %d: pair %d is alive but did not appear", seed, k, p)
						}
					}
					if n := tree.CountAt(a); n != len(before[at]) {
						t.Fatalf("seed %d, level %d: %d pairs appeared and did not merge, %d are alive", seed, k, len(before[at]), n)
					}
				}
			}
			conflicts := 0
			for v := range f {
				want := b2i(marks[v][Super-1]) - b2i(marks[v][Sub-1])
				if marks[v][0] && marks[v][1] {
					conflicts++
					over, under := f[v]-levels[k].Super[0].Value, levels[k].Sub[0].Value-f[v]
					want = b2i(over > under) - b2i(over < under)
				}
				if got := m.Sign(d.Region(v), d.Step(v)); got != want {
					t.Fatalf("seed %d, level %d: sign %d of vertex %d, want %d", seed, k, got, v, want)
				}
			}
			if m.Conflicts != conflicts {
				t.Fatalf("seed %d, level %d: %d conflicts, want %d", seed, k, m.Conflicts, conflicts)
			}
			if _, _, covered := m.Counts(); covered != index.Covered() {
				t.Fatalf("seed %d: %d covered cells, want %d", seed, covered, index.Covered())
			}
		}
	}
}

// TestSweepOfManyCells compares maps that take several tiles with the
// definition, cell by cell, on a path of which some steps are left out.
func TestSweepOfManyCells(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 13))
		d := Path(3 * tileCells)
		f := randomField(rng, d.NumVertices())
		slots := make([]int32, len(f))
		for i := range slots {
			if slots[i] = int32(i); rng.IntN(10000) == 0 {
				slots[i] = -1
			}
			if rng.IntN(50) == 0 {
				f[i] = math.Copysign(math.NaN(), rng.NormFloat64())
			}
		}
		index := build(t, d, f, []Season{{1, 0, 999}, {2, 999, len(f)}})
		shares := []float64{0.01, 0.02, 5, 20, 45, 45.001, 45.002, 70, 99}
		levels := index.Thresholds(f, Class{Kind: SweepShares, Shares: shares, PerSeason: seed%2 == 0})
		sweep := index.Sweep(f, levels, NewSlotLayout(d, 168, slots))
		for k, m := range sweep.Maps() {
			cells := make(map[[2]int]int) // season, direction
			for v, x := range f {
				season := b2i(v >= 999)
				up, down := levels[k].Super[season].Value, levels[k].Sub[season].Value
				cells[[2]int{season, int(Super)}] += b2i(x >= up)
				cells[[2]int{season, int(Sub)}] += b2i(x <= down)
				want := b2i(x >= up) - b2i(x <= down)
				if x >= up && x <= down {
					want = b2i(x-up > down-x) - b2i(x-up < down-x)
				}
				if slots[v] < 0 {
					want = 0
				}
				if got := m.Sign(0, v); got != want {
					t.Fatalf("seed %d, level %d: sign %d of vertex %d, %g, want %d", seed, k, got, v, x, want)
				}
			}
			for at, want := range cells {
				if got := sweep.Levels[k].Of(Direction(at[1]))[at[0]].Cells; got != want {
					t.Fatalf("seed %d, level %d, season and direction %v: %d cells, want %d", seed, k, at, got, want)
				}
			}
		}
	}
}

// TestSelectOutside compares with comparisons. Values that equal a bound may
// be selected or not: a zero's sign decides.
func TestSelectOutside(t *testing.T) {
	inf := math.Inf(1)
	numbers := []float64{-maxMagnitude, -1, -5e-324, math.Copysign(0, -1), 0, 5e-324, 1, math.Nextafter(1, 2), maxMagnitude}
	for _, low := range append(numbers, -inf, inf) {
		for _, high := range append(numbers, -inf, inf) {
			if low > high && below(low) != high {
				continue
			}
			selected := make([]int32, len(numbers))
			selected = selected[:selectOutside(selected, numbers, low, high)]
			for i, x := range numbers {
				want := x < low || x > high
				if got := slices.Contains(selected, int32(i)); got != want && x != low && x != high {
					t.Errorf("%g outside %g to %g: %t, want %t", x, low, high, got, want)
				}
			}
		}
	}
}

func TestSweepPanicsOnLevelsThatAreNotNested(t *testing.T) {
	f := []float64{1, 2, 3}
	index := build(t, Path(3), f, nil)
	level := func(high float64) Thresholds {
		return index.Thresholds(f, Class{Kind: Level, Low: math.NaN(), High: high})[0]
	}
	defer func() {
		if got, want := fmt.Sprint(recover()), "topology: level 1 (level:3) of a sweep is not nested in the one before"; got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	index.Sweep(f, []Thresholds{level(2), level(3)}, NewLayout(Path(3), 1, 0))
}

// TestFeatures compares feature objects with a flood and plain sums.
func TestFeatures(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 9))
		d, f := randomDomain(rng, 1+rng.IntN(300))
		index := build(t, d, f, nil)
		level := index.Thresholds(f, Class{Kind: Tail, Shares: []float64{float64(1 + rng.IntN(60))}})[0]
		got := index.Features(d, f, level)
		var want []Feature
		for _, direction := range []Direction{Super, Sub} {
			tree := index.Seasons()[0].Tree(direction)
			a := level.Of(direction)[0].Value
			first := len(want)
			for _, cells := range componentsByFlood(d, f, direction, a) {
				x := Feature{Season: 1, Direction: direction, Start: d.NumSteps(), End: -1, Cells: len(cells)}
				regions := make(map[int]bool)
				for _, v := range cells {
					x.Start, x.End = min(x.Start, d.Step(v)), max(x.End, d.Step(v))
					regions[d.Region(v)] = true
					x.MeanExcess += math.Abs(f[v]-a) / float64(len(cells))
				}
				x.Regions = len(regions)
				x.Pair = slices.IndexFunc(pairsOf(tree), func(p Pair) bool { // the oldest extremum is the most persistent
					return slices.Contains(cells, p.Extremum)
				})
				p := tree.Pair(x.Pair)
				x.Region, x.Step, x.Value, x.Persistence = d.Region(p.Extremum), d.Step(p.Extremum), p.Birth, p.Persistence()
				want = append(want, x)
			}
			slices.SortFunc(want[first:], func(a, b Feature) int { return a.Pair - b.Pair })
		}
		for i := range want {
			want[i].ID = i
		}
		near := cmp.Comparer(func(a, b float64) bool { return a == b || math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b)) })
		if diff := cmp.Diff(want, got, near); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

// TestRotation: shifting a function by whole periods is an offset of rows.
func TestRotation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 10))
	d := NewDomain(randomGraph(rng, 5), 6*7)
	f := randomField(rng, d.NumVertices())
	for i := range f {
		f[i] = rng.NormFloat64()
	}
	shifted := append(slices.Clone(f[2*7*5:]), f[:2*7*5]...) // by two weeks of days
	mapOf := func(f []float64) *FeatureMap {
		index := build(t, d, f, nil)
		for _, m := range index.Sweep(f, index.Thresholds(f, Class{Kind: Tail, Shares: []float64{20}}), NewLayout(d, 7, 0)).Maps() {
			return m
		}
		return nil
	}
	a, b := mapOf(f), mapOf(shifted)
	rows, words := a.Layout.Rows(), a.Layout.Words()
	if rows != 6 || words != 1 || a.Layout.Period() != 7 {
		t.Fatalf("%d rows of %d words, want 6 of 1", rows, words)
	}
	for row := range rows {
		from := (row + 2) % rows
		if a.Positive[from] != b.Positive[row] || a.Negative[from] != b.Negative[row] {
			t.Errorf("row %d of the shifted map differs from row %d", row, from)
		}
	}
}

func TestLayout(t *testing.T) {
	d := NewDomain(graph(t, 3), 5)
	l := NewLayout(d, 4, 3) // the record begins with the last slot of its first row
	if l.Rows() != 2 || l.Words() != 1 {
		t.Errorf("%d rows of %d words, want 2 of 1", l.Rows(), l.Words())
	}
	for _, tc := range []struct{ region, step, word, bit int }{{0, 0, 0, 9}, {2, 0, 0, 11}, {0, 1, 1, 0}, {1, 4, 1, 10}} {
		if word, bit, ok := l.Bit(tc.region, tc.step); word != tc.word || int(bit) != tc.bit || !ok {
			t.Errorf("region %d at step %d: word %d bit %d, want %+v", tc.region, tc.step, word, bit, tc)
		}
	}
}

// TestSlotLayout: five steps of which the second and third share a slot, as
// in the hour that autumn doubles, no step in slot 3, and the last left out.
func TestSlotLayout(t *testing.T) {
	d := NewDomain(graph(t, 2), 5)
	f := []float64{0, 9, 9, 0, -9, 0, 0, 0, 9, 9}
	index := build(t, d, f, nil)
	layout := NewSlotLayout(d, 4, []int32{0, 1, 1, 2, -1})
	sweep := index.Sweep(f, index.Thresholds(f, Class{Kind: Level, Low: -5, High: 5}), layout)
	var m *FeatureMap
	for _, each := range sweep.Maps() {
		m = each
	}
	if layout.Rows() != 1 || m.Positive[0] != 1<<1 || m.Negative[0] != 0 || m.Covered[0] != 0b111111 {
		t.Errorf("%d rows, positive %b, negative %b, covered %b", layout.Rows(), m.Positive[0], m.Negative[0], m.Covered[0])
	}
	if m.Sign(1, 4) != 0 || m.Sign(1, 0) != 1 {
		t.Errorf("signs %d and %d, want 0 and 1", m.Sign(1, 4), m.Sign(1, 0))
	}
	if got := m.Density(); got != 1.0/6 {
		t.Errorf("density %g, want 1/6", got)
	}
}

// TestSharedSlotsInConflict: cells of both level sets, two steps to a slot.
func TestSharedSlotsInConflict(t *testing.T) {
	for _, tc := range []struct {
		f    []float64 // {f >= -5} is positive and {f <= 5} negative
		want int
	}{
		{[]float64{4, -9, 0, 0}, 0}, // + and - disagree
		{[]float64{0, 9, 1, 1}, 1},  // neither, and +
	} {
		d := Path(4)
		index := build(t, d, tc.f, nil)
		level := Thresholds{Super: []Threshold{{Value: -5}}, Sub: []Threshold{{Value: 5}}}
		for _, m := range index.Sweep(tc.f, []Thresholds{level}, NewSlotLayout(d, 4, []int32{0, 0, 1, 2})).Maps() {
			if got := m.Sign(0, 0); got != tc.want {
				t.Errorf("%v: the shared slot has sign %d, want %d", tc.f, got, tc.want)
			}
		}
	}
}

// BenchmarkSweep chooses 64 levels of both directions, and evaluates given ones
// and grows the map through all of them; for comparison it builds the trees.
// The bound is what no sweep can do without: one pass that counts values by
// size, to know the levels of given shares, and one that marks the cells of one
// level.
func BenchmarkSweep(b *testing.B) {
	for _, field := range benchFields(b) {
		if field.d.NumVertices() > 3e6 {
			continue
		}
		index := build(b, field.d, field.f, field.seasons)
		layout := NewLayout(field.d, 168, 0)
		c := Class{Kind: SweepEven, Steps: 64}
		b.Run("choose/"+field.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				index.Thresholds(field.f, c)
			}
			reportVertices(b, len(field.f))
		})
		b.Run("levels=64/"+field.name, func(b *testing.B) {
			levels := index.Thresholds(field.f, c)
			b.ReportAllocs()
			for b.Loop() {
				words := 0
				for _, m := range index.Sweep(field.f, levels, layout).Maps() {
					words += len(m.Positive)
				}
			}
			reportVertices(b, len(field.f))
		})
		b.Run("bound/"+field.name, func(b *testing.B) {
			lo, hi := valueRange(field.f)
			low, high := lo+(hi-lo)/5, hi-(hi-lo)/5
			scale := (quantileBins - 1) / (hi - lo)
			count := make([]int32, quantileBins)
			positive, negative := make([]uint64, len(field.f)/64+1), make([]uint64, len(field.f)/64+1)
			for b.Loop() {
				for _, x := range field.f {
					if x == x {
						count[int((x-lo)*scale)]++
					}
				}
				for i, x := range field.f {
					positive[i>>6] |= uint64(b2i(x >= high)) << (i & 63)
					negative[i>>6] |= uint64(b2i(x <= low)) << (i & 63)
				}
			}
			reportVertices(b, len(field.f))
		})
		b.Run("trees/"+field.name, func(b *testing.B) {
			builder := &Builder{Workers: 1}
			buildOnce(b, builder, field)
			for b.Loop() {
				buildOnce(b, builder, field)
			}
			reportVertices(b, len(field.f))
		})
	}
}
