package relate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var nan = math.NaN()

// sameFloats reports whether two lists are equal, NaN being equal to NaN.
func sameFloats(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool {
		return math.Float64bits(x) == math.Float64bits(y) || math.IsNaN(x) && math.IsNaN(y)
	})
}

// slowRejected is the definition of Benjamini and Hochberg: sort, find the
// largest i with m p(i)/i <= level, reject the i smallest. under replaces the
// comparison with the level.
func slowRejected(p []float64, under func(float64) bool) []bool {
	var order []int
	for i, v := range p {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if p[a] < p[b] {
			return -1
		} else if p[a] > p[b] {
			return 1
		}
		return 0
	})
	last := 0
	for i := 1; i <= len(order); i++ {
		if under(p[order[i-1]] * float64(len(order)) / float64(i)) {
			last = i
		}
	}
	rejected := make([]bool, len(p))
	for _, i := range order[:last] {
		rejected[i] = true
	}
	return rejected
}

func trues(b []bool) int {
	n := 0
	for _, v := range b {
		if v {
			n++
		}
	}
	return n
}

func notNaN(p []float64) int { return len(testable(p)) }

// slowSimes is the definition of Simes, by the rank of each value among its
// ties.
func slowSimes(p []float64) float64 {
	least := nan
	for _, v := range p {
		atMost := 0
		for _, w := range p {
			if w <= v {
				atMost++
			}
		}
		if s := v * float64(notNaN(p)) / float64(atMost); !math.IsNaN(v) && !(s >= least) {
			least = s
		}
	}
	return least
}

// randomP draws p-values with many ties, ones and NaN.
func randomP(r *rand.Rand, n int) []float64 {
	p := make([]float64, n)
	for i := range p {
		switch r.IntN(6) {
		case 0:
			p[i] = nan
		case 1:
			p[i] = 1
		case 2:
			p[i] = 1 - r.Float64()
		case 3:
			p[i] = math.Pow(10, -6*r.Float64())
		default:
			p[i] = float64(1+r.IntN(20)) / 200
		}
	}
	return p
}

func TestSimesAndAdjusted(t *testing.T) {
	for _, tc := range []struct {
		p      []float64
		simes  float64
		bh, by []float64
	}{
		{p: nil, simes: nan},
		{p: []float64{nan, nan}, simes: nan, bh: []float64{nan, nan}, by: []float64{nan, nan}},
		{p: []float64{0.25}, simes: 0.25, bh: []float64{0.25}, by: []float64{0.25}},
		{p: []float64{1, 1, 1}, simes: 1, bh: []float64{1, 1, 1}, by: []float64{1, 1, 1}},
		{p: []float64{0.5, nan, 0.125}, simes: 0.25, bh: []float64{0.5, nan, 0.25}, by: []float64{0.75, nan, 0.375}},
		{p: []float64{0.5, 0.5}, simes: 0.5, bh: []float64{0.5, 0.5}, by: []float64{0.75, 0.75}},
		// The step up: the third is rejected at 0.75, and takes the others with it.
		{p: []float64{0.75, 0.5, 0.625}, simes: 0.75, bh: []float64{0.75, 0.75, 0.75}, by: []float64{1, 1, 1}},
	} {
		if got := Simes(tc.p); !sameFloats([]float64{got}, []float64{tc.simes}) {
			t.Errorf("Simes(%v) = %v, want %v", tc.p, got, tc.simes)
		}
		if got := BenjaminiHochberg(tc.p); !sameFloats(got, tc.bh) {
			t.Errorf("BenjaminiHochberg(%v) = %v, want %v", tc.p, got, tc.bh)
		}
		if got := BenjaminiYekutieli(tc.p); !sameFloats(got, tc.by) {
			t.Errorf("BenjaminiYekutieli(%v) = %v, want %v", tc.p, got, tc.by)
		}
	}
}

func TestAdjustedAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		p := randomP(r, r.IntN(12))
		if got, want := Simes(p), slowSimes(p); !sameFloats([]float64{got}, []float64{want}) {
			t.Fatalf("Simes(%v) = %v, want %v", p, got, want)
		}
		bh, by := BenjaminiHochberg(p), BenjaminiYekutieli(p)
		harmonic := 0.0
		for i := range notNaN(p) {
			harmonic += 1 / float64(i+1)
		}
		for _, q := range append([]float64{0.01, 0.05, 0.1, 0.2, 1}, bh...) {
			want := slowRejected(p, func(v float64) bool { return v <= q })
			wantBY := slowRejected(p, func(v float64) bool { return min(1, v*harmonic) <= q })
			for i := range p {
				if (bh[i] <= q) != want[i] {
					t.Fatalf("p %v, q %v: adjusted %v, want rejected %v", p, q, bh, want)
				}
				if (by[i] <= q) != wantBY[i] {
					t.Fatalf("p %v, q %v: Yekutieli's %v, want rejected %v", p, q, by, wantBY)
				}
			}
		}
	}
}

func TestRefusedP(t *testing.T) {
	for _, bad := range []float64{0, -0.1, 1.5, math.Inf(1), math.Inf(-1)} {
		p := []float64{0.5, bad}
		if _, err := NewTree([]string{"a", "b"}, p); err == nil {
			t.Errorf("NewTree with p = %v: no error", bad)
		}
		if _, err := NewRanking(p); err == nil {
			t.Errorf("NewRanking with p = %v: no error", bad)
		}
		for name, f := range map[string]func(){
			"Simes":              func() { Simes(p) },
			"BenjaminiHochberg":  func() { BenjaminiHochberg(p) },
			"BenjaminiYekutieli": func() { BenjaminiYekutieli(p) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s with p = %v does not panic", name, bad)
					}
				}()
				f()
			}()
		}
	}
	if _, err := NewTree([]int{1}, []float64{0.5, 0.5}); err == nil {
		t.Error("NewTree with lists of two lengths: no error")
	}
}

// A forest is the leaves of a run: of each pair of data sets, the pair of
// functions of each leaf and its p.
type forest struct {
	pair [][]int
	p    [][]float64
}

func randomForest(r *rand.Rand) forest {
	n := r.IntN(8)
	f := forest{make([][]int, n), make([][]float64, n)}
	for i := range n {
		f.p[i] = randomP(r, r.IntN(10))
		f.pair[i] = make([]int, len(f.p[i]))
		for j := range f.pair[i] {
			f.pair[i][j] = r.IntN(4)
		}
	}
	return f
}

// byPair returns the leaves of each pair of functions.
func byPair(pair []int) [][]int {
	leaves := make([][]int, 4)
	for i, n := range pair {
		leaves[n] = append(leaves[n], i)
	}
	return leaves
}

func pick[T any](values []T, at []int) []T {
	picked := make([]T, len(at))
	for i, j := range at {
		picked[i] = values[j]
	}
	return picked
}

// slowTree selects on all trees at once, by sorting lists at every node.
func (f forest) slowTree(q float64) []Selection {
	datasets := make([]float64, len(f.p))
	pairs := make([][]float64, len(f.p))
	for i := range f.p {
		for _, leaves := range byPair(f.pair[i]) {
			pairs[i] = append(pairs[i], slowSimes(pick(f.p[i], leaves)))
		}
		datasets[i] = slowSimes(pairs[i])
	}
	top := slowRejected(datasets, func(v float64) bool { return v <= q })
	r1, m1 := float64(trues(top)), float64(notNaN(datasets))
	under1 := func(v float64) bool { return v*m1/r1 <= q }
	selections := make([]Selection, len(f.p))
	for i := range f.p {
		s := Selection{top[i], make([]bool, len(f.p[i])), make([]bool, len(f.p[i]))}
		if top[i] {
			middle := slowRejected(pairs[i], under1)
			r2, m2 := float64(trues(middle)), float64(notNaN(pairs[i]))
			for n, leaves := range byPair(f.pair[i]) {
				if !middle[n] {
					continue
				}
				bottom := slowRejected(pick(f.p[i], leaves), func(v float64) bool { return under1(v * m2 / r2) })
				for k, leaf := range leaves {
					s.FunctionPair[leaf], s.Leaf[leaf] = true, bottom[k]
				}
			}
		}
		selections[i] = s
	}
	return selections
}

// trees builds the trees in the given order of the pairs of data sets, and the
// ranking of what they report in that order.
func (f forest) trees(t *testing.T, order []int) ([]*Tree, *Ranking) {
	t.Helper()
	trees := make([]*Tree, len(f.p))
	var p []float64
	for _, i := range order {
		tree, err := NewTree(f.pair[i], f.p[i])
		if err != nil {
			t.Fatal(err)
		}
		trees[i] = tree
		p = append(p, tree.P())
	}
	ranking, err := NewRanking(p)
	if err != nil {
		t.Fatal(err)
	}
	return trees, ranking
}

func TestTreeAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	selected := 0
	for range 3000 {
		f := randomForest(r)
		trees, ranking := f.trees(t, r.Perm(len(f.p)))
		qs := []float64{0.01, 0.05, 0.1, 0.2, 0.5, 1}
		for _, tree := range trees {
			qs = append(qs, ranking.Adjusted(tree.P())) // exactly at a boundary
		}
		for _, level := range ranking.Levels(qs...) {
			for i, want := range f.slowTree(level.Q) {
				got := trees[i].Select(level.Q, level.R1, level.M1)
				if got.DatasetPair != want.DatasetPair || !slices.Equal(got.FunctionPair, want.FunctionPair) || !slices.Equal(got.Leaf, want.Leaf) {
					t.Fatalf("q %v, tree %d of %v: %+v, want %+v", level.Q, i, f, got, want)
				}
				if got.DatasetPair != (ranking.Adjusted(trees[i].P()) <= level.Q) {
					t.Fatalf("q %v: tree %d is selected %v at adjusted %v", level.Q, i, got.DatasetPair, ranking.Adjusted(trees[i].P()))
				}
				if got.DatasetPair && trues(got.Leaf) == 0 {
					t.Fatalf("q %v: tree %d of %v is selected without a leaf", level.Q, i, f)
				}
				selected += trues(got.Leaf)
			}
		}
	}
	if selected < 1000 {
		t.Errorf("%d leaves selected in all: the test tests nothing", selected)
	}
}

func TestTreeValues(t *testing.T) {
	tree, err := NewTree([]string{"a", "b", "a", "c", "b"}, []float64{0.25, 0.5, 0.125, nan, nan})
	if err != nil {
		t.Fatal(err)
	}
	if tree.P() != 0.5 { // of a: 0.25, of b: 0.5
		t.Errorf("P() = %v, want 0.5", tree.P())
	}
	want := [][4]float64{
		{0.25, 0.5, 0.25, 0.25}, {0.5, 0.5, 0.5, 0.5}, {0.25, 0.5, 0.125, 0.25}, {nan, nan, nan, nan}, {0.5, 0.5, nan, nan},
	}
	for i, w := range want {
		var g [4]float64
		g[0], g[1] = tree.FunctionPair(i)
		g[2], g[3] = tree.Leaf(i)
		if !sameFloats(g[:], w[:]) {
			t.Errorf("leaf %d: pair of functions and leaf %v, want %v", i, g, w)
		}
	}
}

func TestNothingTestable(t *testing.T) {
	for _, p := range [][]float64{nil, {nan}, {nan, nan}} {
		tree, err := NewTree(make([]int, len(p)), p)
		if err != nil {
			t.Fatal(err)
		}
		ranking, err := NewRanking([]float64{tree.P()})
		if err != nil {
			t.Fatal(err)
		}
		if !math.IsNaN(tree.P()) || ranking.Testable() != 0 || !math.IsNaN(ranking.Adjusted(tree.P())) {
			t.Errorf("%v: p %v, %d testable", p, tree.P(), ranking.Testable())
		}
		levels := append(ranking.Levels(0.05, 1, 2, nan, -1, math.Inf(1)), Level{0.5, 1, 1}, Level{0.5, 0, 7})
		for i, s := range tree.SelectAll(levels) {
			if s.DatasetPair || trues(s.FunctionPair)+trues(s.Leaf) > 0 || len(s.Leaf) != len(p) {
				t.Errorf("%v at %+v: %+v", p, levels[i], s)
			}
		}
	}
}

// Results must not depend on how the pairs of data sets lie on shards, nor on
// the order in which leaves and shards come.
func TestShardsAndMonotone(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	qs := []float64{0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1}
	for range 500 {
		f := randomForest(r)
		first, ranking := f.trees(t, r.Perm(len(f.p)))
		shuffled := f
		perms := make([][]int, len(f.p))
		shuffled.p, shuffled.pair = slices.Clone(f.p), slices.Clone(f.pair)
		for i := range f.p {
			perms[i] = r.Perm(len(f.p[i]))
			shuffled.p[i], shuffled.pair[i] = pick(f.p[i], perms[i]), pick(f.pair[i], perms[i])
		}
		second, again := shuffled.trees(t, r.Perm(len(f.p)))
		if !sameFloats(ranking.adjusted, again.adjusted) {
			t.Fatal("the ranking depends on the order of shards")
		}
		for i := range first {
			a, b := first[i].SelectAll(ranking.Levels(qs...)), second[i].SelectAll(again.Levels(qs...))
			for k := range a {
				if !slices.Equal(pick(a[k].Leaf, perms[i]), b[k].Leaf) || !slices.Equal(pick(a[k].FunctionPair, perms[i]), b[k].FunctionPair) {
					t.Fatalf("q %v: selections differ with the order of leaves", qs[k])
				}
				for leaf := range a[k].Leaf {
					if k > 0 && (a[k-1].Leaf[leaf] && !a[k].Leaf[leaf] || a[k-1].FunctionPair[leaf] && !a[k].FunctionPair[leaf]) {
						t.Fatalf("leaf %d is selected at %v, not at %v", leaf, qs[k-1], qs[k])
					}
				}
			}
		}
	}
}

// In each round a few pairs of data sets are related, by one pair of functions
// of many. The false discovery rate of pairs of data sets must be held, and
// that of pairs of functions on average over the selected pairs of data sets;
// what TreeBH is there to prevent must show in the procedures that lack it.
func TestFalseDiscoveryRates(t *testing.T) {
	const (
		rounds, datasets, related, pairs, leaves = 300, 60, 4, 20, 3
		q                                        = 0.2
	)
	r := rand.New(rand.NewPCG(7, 8))
	pairOf := make([]int, pairs*leaves)
	for i := range pairOf {
		pairOf[i] = i / leaves
	}
	var tree, flat, careless, inside float64
	for range rounds {
		f := forest{make([][]int, datasets), make([][]float64, datasets)}
		var all []float64
		for d := range datasets {
			f.pair[d], f.p[d] = pairOf, make([]float64, len(pairOf))
			for i := range f.p[d] {
				f.p[d][i] = 1 - r.Float64()
				if d < related && pairOf[i] == 0 {
					f.p[d][i] *= 1e-9
				}
			}
			all = append(all, f.p[d]...)
		}
		trees, ranking := f.trees(t, r.Perm(datasets))
		level := ranking.Levels(q)[0]
		everything := BenjaminiHochberg(all)
		var false1, found1, false2, found2 float64
		for d, tr := range trees {
			s := tr.Select(q, level.R1, level.M1)
			// The procedure that judges inside at q, not q R1/m1.
			loose := tr.Select(q, 1, 1)
			if s.DatasetPair {
				found1++
				wrong, wrongLoose := share(s.FunctionPair, d < related), share(loose.FunctionPair, d < related)
				inside += wrong / float64(level.R1*rounds)
				careless += wrongLoose / float64(level.R1*rounds)
			}
			hit := slices.ContainsFunc(everything[d*len(pairOf):][:len(pairOf)], func(v float64) bool { return v <= q })
			if hit {
				found2++
			}
			if d >= related && s.DatasetPair {
				false1++
			}
			if d >= related && hit {
				false2++
			}
		}
		tree += false1 / max(found1, 1) / rounds
		flat += false2 / max(found2, 1) / rounds
	}
	t.Logf("pairs of data sets: tree %.3f, BH on everything %.3f; pairs of functions: tree %.3f, without R1/m1 %.3f", tree, flat, inside, careless)
	const low, high = 0.12, 0.24 // q (datasets-related)/datasets = 0.187, standard error 0.011
	if tree < low || tree > high {
		t.Errorf("false discovery rate of pairs of data sets %.3f at q = %v", tree, q)
	}
	if inside < low || inside > high {
		t.Errorf("false discovery rate inside selected pairs of data sets %.3f at q = %v", inside, q)
	}
	if flat <= high || careless <= high {
		t.Errorf("wrong procedures pass: %.3f, %.3f", flat, careless)
	}
}

// share returns the share of leaves selected that are false: all of them, or
// in a related pair of data sets all but those of the first pair of functions.
func share(selected []bool, related bool) float64 {
	wrong := trues(selected)
	if related {
		wrong -= trues(selected[:3])
	}
	return float64(wrong) / float64(max(trues(selected), 1))
}

func FuzzTree(f *testing.F) {
	f.Add(uint64(1), 0.05)
	f.Add(uint64(2), -1.0)
	f.Fuzz(func(t *testing.T, seed uint64, q float64) {
		forest := randomForest(rand.New(rand.NewPCG(seed, 0)))
		order := make([]int, len(forest.p))
		for i := range order {
			order[i] = i
		}
		trees, ranking := forest.trees(t, order)
		for i, want := range forest.slowTree(q) {
			got := trees[i].Select(q, ranking.Selected(q), ranking.Testable())
			if !slices.Equal(got.Leaf, want.Leaf) {
				t.Fatalf("q %v: %v, want %v", q, got.Leaf, want.Leaf)
			}
		}
	})
}

// A run of 1000 data sets has half a million pairs of them.
func BenchmarkRanking(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	p := make([]float64, 499_500)
	for i := range p {
		p[i] = 1 - r.Float64()
	}
	for b.Loop() {
		ranking, err := NewRanking(p)
		if err != nil {
			b.Fatal(err)
		}
		ranking.Levels(0.01, 0.05, 0.1, 0.2)
	}
}

func BenchmarkTree(b *testing.B) {
	for _, functions := range []int{4, 16} {
		b.Run(fmt.Sprintf("functions=%d", functions), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			var pair [][2]int
			var p []float64
			for i := range functions {
				for j := range functions {
					for range 6 {
						pair = append(pair, [2]int{i, j})
						p = append(p, 1-r.Float64())
					}
				}
			}
			for b.Loop() {
				tree, err := NewTree(pair, p)
				if err != nil {
					b.Fatal(err)
				}
				tree.Select(0.05, 5, 100)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(p)), "ns/leaf")
		})
	}
}
