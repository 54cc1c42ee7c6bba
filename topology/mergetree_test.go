package topology

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func build(t testing.TB, d Domain, f []float64, seasons []Season) *Index {
	t.Helper()
	index, err := new(Builder).Build(context.Background(), d, f, seasons)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func pairsOf(t *Tree) []Pair {
	var pairs []Pair
	for i := range t.Len() {
		pairs = append(pairs, t.Pair(i))
	}
	return pairs
}

func graph(t testing.TB, n int, edges ...[2]int) *Graph {
	t.Helper()
	g, err := NewGraph(n, edges)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestTrees(t *testing.T) {
	nan := math.NaN()
	alternating := make([]float64, 8)
	for i := range alternating {
		alternating[i] = float64(i % 2)
	}
	line := func(n int) *Graph {
		var edges [][2]int
		for r := 1; r < n; r++ {
			edges = append(edges, [2]int{r - 1, r})
		}
		return graph(t, n, edges...)
	}
	for _, tc := range []struct {
		name  string
		d     Domain
		f     []float64
		super string // maximum-saddle vertices, most persistent first
		sub   string // minimum-saddle vertices
	}{
		{"empty path", Path(0), nil, "", ""},
		{"no regions", NewDomain(line(0), 5), nil, "", ""},
		{"one vertex", Path(1), []float64{3}, "0-0", "0-0"},
		{"constant: the order of vertices decides", Path(4), []float64{2, 2, 2, 2}, "3-0", "0-3"},
		{"plateau on top", Path(4), []float64{1, 5, 5, 2}, "2-0", "0-2 3-2"},
		{"rising", Path(3), []float64{1, 2, 3}, "2-0", "0-2"},
		{"falling", Path(3), []float64{3, 2, 1}, "0-2", "2-0"},
		{"two peaks", Path(5), []float64{1, 5, 2, 4, 0}, "1-4 3-2", "4-1 0-1 2-3"},
		{"two equal peaks: the later one is reached first", Path(3), []float64{2, 1, 2}, "2-1 0-1", "1-2"},
		{"all missing", Path(3), []float64{nan, nan, nan}, "", ""},
		{"a gap parts the path", Path(5), []float64{1, 2, nan, 7, 3}, "3-4 1-0", "4-3 0-1"},
		{"alternating", Path(8), alternating, "7-0 5-6 3-4 1-2", "0-7 2-1 4-3 6-5"},
		{"one region of a graph is a path", NewDomain(line(1), 3), []float64{2, 1, 2}, "2-1 0-1", "1-2"},
		{"one step of four regions", NewDomain(line(4), 1), []float64{1, 9, 3, 8}, "1-0 3-2", "0-1 2-1"},
		{"regions without edges", NewDomain(graph(t, 2), 2), []float64{1, 5, 3, 4}, "2-0 1-3", "0-2 3-1"},
		{"an isolated cell", NewDomain(graph(t, 3, [2]int{0, 1}), 1), []float64{1, 2, 7}, "1-0 2-2", "0-1 2-2"},
		{"a saddle of three", NewDomain(graph(t, 4, [2]int{0, 1}, [2]int{0, 2}, [2]int{0, 3}), 1), []float64{1, 5, 6, 7}, "3-0 2-0 1-0", "0-3"},
		{"a missing cell in a square", NewDomain(line(2), 2), []float64{4, 1, nan, 3}, "0-1 3-1", "1-0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			super, sub := "", ""
			for _, trees := range build(t, tc.d, tc.f, nil).Seasons() {
				super, sub = super+trees.Super.String(), sub+trees.Sub.String()
			}
			if super != tc.super || sub != tc.sub {
				t.Errorf("super %q, sub %q; want %q, %q", super, sub, tc.super, tc.sub)
			}
		})
	}
}

func TestAlternatingMillion(t *testing.T) {
	const n = 1 << 20
	f := make([]float64, n)
	for i := range f {
		f[i] = float64(i % 2)
	}
	trees := build(t, Path(n), f, nil).Seasons()[0]
	for _, tree := range []*Tree{trees.Super, trees.Sub} {
		if tree.Len() != n/2 || tree.CountPersistent(1) != n/2 {
			t.Errorf("%s: %d pairs, %d of persistence 1; want %d", tree.Direction(), tree.Len(), tree.CountPersistent(1), n/2)
		}
	}
}

func TestParent(t *testing.T) {
	// 5 and 4 meet at 2; 9 and 5 meet at 1; the last survives.
	tree := build(t, Path(6), []float64{9, 1, 5, 2, 4, 0}, nil).Seasons()[0].Super
	want := []Pair{
		{Extremum: 0, Saddle: 5, Birth: 9, Death: 0, Parent: -1},
		{Extremum: 2, Saddle: 1, Birth: 5, Death: 1, Parent: 0},
		{Extremum: 4, Saddle: 3, Birth: 4, Death: 2, Parent: 2},
	}
	if diff := cmp.Diff(want, pairsOf(tree)); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
}

func TestSeasonsHaveTreesOfTheirOwn(t *testing.T) {
	f := []float64{1, 5, 2, 6, 0, 3}
	index := build(t, Path(6), f, []Season{{Code: 7, First: 0, End: 3}, {Code: 8, First: 3, End: 6}})
	got := ""
	for _, s := range index.Seasons() {
		got += fmt.Sprintf("%d: %s; ", s.Season.Code, s.Super)
	}
	if want := "7: 1-0; 8: 0-1 2-1; "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestBuildErrors(t *testing.T) {
	inf := math.Inf(1)
	two := NewDomain(graph(t, 2, [2]int{0, 1}), 2)
	for _, tc := range []struct {
		name    string
		d       Domain
		f       []float64
		seasons []Season
		want    string
	}{
		{"+Inf", two, []float64{0, 1, 2, inf}, nil, "topology: value +Inf in region 1 at step 1; use NaN for a missing value and keep magnitudes below 9e+307"},
		{"-Inf", Path(2), []float64{-inf, 1}, nil, "topology: value -Inf in region 0 at step 0; use NaN for a missing value and keep magnitudes below 9e+307"},
		{"too large", Path(1), []float64{1e308}, nil, "topology: value 1e+308 in region 0 at step 0; use NaN for a missing value and keep magnitudes below 9e+307"},
		{"seasons with a gap", Path(3), []float64{1, 2, 3}, []Season{{1, 0, 1}, {2, 2, 3}}, "topology: season 1 (code 2) covers steps 2 to 3; seasons must follow each other from step 1 without gaps"},
		{"seasons that end early", Path(3), []float64{1, 2, 3}, []Season{{1, 0, 2}}, "topology: seasons end at step 2 of 3; they must cover the whole axis"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := new(Builder).Build(context.Background(), tc.d, tc.f, tc.seasons)
			if err == nil || err.Error() != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
	var value *ValueError
	if _, err := new(Builder).Build(context.Background(), two, []float64{0, 1, 2, inf}, nil); !errors.As(err, &value) || value.Region != 1 || value.Step != 1 {
		t.Errorf("error %#v does not name the cell", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := new(Builder).Build(ctx, Path(1), []float64{1}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of a cancelled build", err)
	}
}

func TestGraphErrors(t *testing.T) {
	for _, tc := range []struct {
		name  string
		n     int
		edges [][2]int
		want  string
	}{
		{"out of range", 2, [][2]int{{0, 1}, {1, 2}}, "topology: edge 1 (1 2) leaves the graph; regions are numbered 0 to 1"},
		{"negative", 2, [][2]int{{-1, 1}}, "topology: edge 0 (-1 1) leaves the graph; regions are numbered 0 to 1"},
		{"loop", 2, [][2]int{{1, 1}}, "topology: edge 0 (1 1) joins a region to itself; remove it"},
		{"twice", 2, [][2]int{{0, 1}, {1, 0}}, "topology: the edge between regions 0 and 1 is listed twice; list it once"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := NewGraph(tc.n, tc.edges); err == nil || err.Error() != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
	for _, tc := range []struct {
		name                string
		offsets, neighbours []int32
		want                string
	}{
		{"asymmetric", []int32{0, 1, 1}, []int32{1}, "topology: region 0 lists neighbour 1, but 1 does not list 0; adjacency must be symmetric"},
		{"out of range", []int32{0, 1, 2}, []int32{1, 5}, "topology: region 1 has neighbour 5; regions are numbered 0 to 1"},
		{"loop", []int32{0, 1}, []int32{0}, "topology: region 0 is its own neighbour; remove it"},
		{"twice", []int32{0, 2, 4}, []int32{1, 1, 0, 0}, "topology: region 0 lists neighbour 1 twice; list it once"},
		{"falling offsets", []int32{0, 2, 1, 2}, []int32{1, 2}, "topology: offsets of region 1 do not ascend (2, 1)"},
		{"offsets beyond", []int32{0, 3}, []int32{0}, "topology: offsets must begin with 0 and end with the number of neighbours, 1"},
		{"no offsets", nil, nil, "topology: offsets must begin with 0 and end with the number of neighbours, 0"},
	} {
		t.Run("CSR "+tc.name, func(t *testing.T) {
			if _, err := NewGraphCSR(tc.offsets, tc.neighbours); err == nil || err.Error() != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
	g, err := NewGraphCSR([]int32{0, 2, 3, 4}, []int32{2, 1, 0, 0})
	if err != nil || g.NumEdges() != 2 || !slices.Equal(g.Neighbours(0), []int32{1, 2}) {
		t.Errorf("graph %v, error %v", g, err)
	}
}

// FuzzTrees compares both trees with the elder rule, whatever the slabs and
// the workers.
func FuzzTrees(f *testing.F) {
	for seed := range uint64(64) {
		f.Add(seed, uint16(seed*5+1), uint8(seed%5))
	}
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, slabSteps uint8) {
		d, fn := randomDomain(rand.New(rand.NewPCG(seed, 0)), int(n%600)+1)
		b := Builder{Workers: 1 + int(seed%3), slabSteps: int(slabSteps % 8)}
		index, err := b.Build(context.Background(), d, fn, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, direction := range []Direction{Super, Sub} {
			got := pairsOf(index.Seasons()[0].Tree(direction))
			if diff := cmp.Diff(pairsByElderRule(d, fn, direction), got); diff != "" {
				t.Fatalf("seed %d, n %d, slabs of %d steps, %s tree (-want +got):\n%s", seed, n, slabSteps, direction, diff)
			}
		}
		b.Recycle(index)
		again, err := b.Build(context.Background(), d, fn, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(pairsByElderRule(d, fn, Super), pairsOf(again.Seasons()[0].Super)); diff != "" {
			t.Fatalf("in recycled memory (-want +got):\n%s", diff)
		}
	})
}

// TestInvariances holds trees against what must not change them.
func TestInvariances(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		d, f := randomDomain(rng, 1+rng.IntN(300))
		for i := range f { // small integers: sums and products are exact
			if f[i] == f[i] {
				f[i] = float64(rng.IntN(1000))
			}
		}
		trees := build(t, d, f, nil).Seasons()[0]
		change := func(do func(float64) float64) []float64 {
			g := slices.Clone(f)
			for i := range g {
				g[i] = do(g[i])
			}
			return g
		}
		shifted := build(t, d, change(func(x float64) float64 { return x + 77 }), nil).Seasons()[0]
		scaled := build(t, d, change(func(x float64) float64 { return 8 * x }), nil).Seasons()[0]
		for i := range trees.Super.Len() {
			p := trees.Super.Pair(i)
			q := shifted.Super.Pair(i)
			if p.Extremum != q.Extremum || p.Saddle != q.Saddle || p.Persistence() != q.Persistence() {
				t.Fatalf("seed %d: pair %d is %+v, %+v after adding a constant", seed, i, p, q)
			}
			if r := scaled.Super.Pair(i); p.Extremum != r.Extremum || 8*p.Persistence() != r.Persistence() {
				t.Fatalf("seed %d: pair %d is %+v, %+v after scaling", seed, i, p, r)
			}
		}
		// f and -f are mirrored but for pairs inside a plateau, which depend on
		// the order of vertices.
		mirrored := build(t, d, change(func(x float64) float64 { return -x }), nil).Seasons()[0]
		if diff := cmp.Diff(values(trees.Super, 1), values(mirrored.Sub, -1)); diff != "" {
			t.Fatalf("seed %d: f against -f (-f +mirrored):\n%s", seed, diff)
		}
		if got, want := trees.Super.Len()+trees.Sub.Len(), countExtrema(d, f); got != want {
			t.Fatalf("seed %d: %d pairs for %d extrema", seed, got, want)
		}
	}
}

// values returns the births and deaths of the pairs that persist, sorted.
func values(t *Tree, sign float64) [][2]float64 {
	var v [][2]float64
	for i := range t.Len() {
		if t.Persistence(i) > 0 {
			v = append(v, [2]float64{sign * t.Pair(i).Birth, sign * t.Pair(i).Death})
		}
	}
	slices.SortFunc(v, func(a, b [2]float64) int { return slices.Compare(a[:], b[:]) })
	return v
}

// countExtrema counts the vertices all of whose neighbours are less, and those
// all of whose neighbours are greater, in the order (value, vertex).
func countExtrema(d Domain, f []float64) int {
	n := 0
	for v, x := range f {
		if x != x {
			continue
		}
		maximum, minimum := true, true
		for _, u := range neighboursOf(d, f, v) {
			less := f[u] < x || f[u] == x && u < v
			maximum, minimum = maximum && less, minimum && !less
		}
		n += b2i(maximum) + b2i(minimum)
	}
	return n
}

// TestRenumbering: with distinct values, the pairs follow the regions under
// any renumbering.
func TestRenumbering(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 2))
		regions, steps := 2+rng.IntN(10), 1+rng.IntN(20)
		g := randomGraph(rng, regions)
		f := make([]float64, regions*steps)
		for i, x := range rng.Perm(len(f)) {
			f[i] = float64(x)
		}
		to := rng.Perm(regions)
		var edges [][2]int
		for r := range regions {
			for _, s := range g.Neighbours(r) {
				if int(s) > r {
					edges = append(edges, [2]int{to[r], to[s]})
				}
			}
		}
		renumbered := make([]float64, len(f))
		for v, x := range f {
			renumbered[v/regions*regions+to[v%regions]] = x
		}
		a := build(t, NewDomain(g, steps), f, nil).Seasons()[0].Super
		b := build(t, NewDomain(graph(t, regions, edges...), steps), renumbered, nil).Seasons()[0].Super
		for i := range a.Len() {
			p, q := a.Pair(i), b.Pair(i)
			if q.Extremum != p.Extremum/regions*regions+to[p.Extremum%regions] || p.Birth != q.Birth || p.Death != q.Death {
				t.Fatalf("seed %d: pair %d is %+v, %+v after renumbering regions by %v", seed, i, p, q, to)
			}
		}
	}
}

// TestRecycle: the second of two functions fetches next to no memory.
func TestRecycle(t *testing.T) {
	f := noiseField(1 << 17)
	for _, d := range []Domain{Path(len(f)), NewDomain(graph(t, 2, [2]int{0, 1}), len(f)/2)} {
		b := Builder{Workers: 1}
		var before, after runtime.MemStats
		var fetched [2]uint64
		for i := range fetched {
			runtime.ReadMemStats(&before)
			x, err := b.Build(context.Background(), d, f, nil)
			if err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			fetched[i] = after.TotalAlloc - before.TotalAlloc
			b.Recycle(x)
		}
		if fetched[1] > fetched[0]/20 {
			t.Errorf("%d regions: the first build fetched %d bytes, the second %d", d.NumRegions(), fetched[0], fetched[1])
		}
	}
}

// TestManyPairs compares trees of more pairs than a bucket of the ordering
// holds, and of more ties than are sorted by comparing.
func TestManyPairs(t *testing.T) {
	const n = 30_000
	noise := noiseField(n)
	counts := make([]float64, n)
	scales := make([]float64, n)
	zigzag := make([]float64, 4000) // outgrows itself, so that few pairs are common to both trees
	for i, x := range noise {
		counts[i] = math.Floor(3 * math.Abs(x))
		scales[i] = math.Exp(40 * x)
	}
	for i := range zigzag {
		zigzag[i] = float64(i) * float64(1-2*(i%2))
	}
	for name, f := range map[string][]float64{"noise": noise, "counts": counts, "scales": scales, "zigzag": zigzag} {
		for _, d := range []Domain{Path(len(f)), NewDomain(graph(t, 4, [2]int{0, 1}, [2]int{1, 2}, [2]int{1, 3}), len(f)/4)} {
			trees := build(t, d, f, nil).Seasons()[0]
			for _, direction := range []Direction{Super, Sub} {
				want, got := pairsByElderRule(d, f, direction), pairsOf(trees.Tree(direction))
				if len(got) != len(want) {
					t.Fatalf("%s on %d regions, %s: %d pairs, want %d", name, d.NumRegions(), direction, len(got), len(want))
				}
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("%s on %d regions, %s: pair %d is %+v, want %+v", name, d.NumRegions(), direction, i, got[i], want[i])
					}
				}
			}
		}
	}
}
