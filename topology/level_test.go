package topology

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// levelsOf returns levels at, between and beyond the values of f.
func levelsOf(rng *rand.Rand, f []float64) []float64 {
	levels := []float64{-1e300, 1e300}
	for range 8 {
		if x := f[rng.IntN(len(f))]; x == x {
			levels = append(levels, x, x+0.5)
		}
	}
	return levels
}

// TestLevelQueries compares questions about a level with a flood of the field.
func TestLevelQueries(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 3))
		d, f := randomDomain(rng, 1+rng.IntN(300))
		season := Season{Code: 1, End: d.NumSteps()}
		trees := build(t, d, f, nil).Seasons()[0]
		for _, tree := range []*Tree{trees.Super, trees.Sub} {
			flooder := NewFlooder(d, f, season, tree)
			for _, a := range levelsOf(rng, f) {
				want := componentsByFlood(d, f, tree.Direction(), a)
				if got := tree.CountAt(a); got != len(want) {
					t.Fatalf("seed %d: %d components at %g of the %s-level tree, want %d", seed, got, a, tree.Direction(), len(want))
				}
				var got [][]int
				var pairs []int
				for c := range flooder.At(a) {
					if v := int(c.Vertices[0]); v != tree.Pair(c.Pair).Extremum {
						t.Fatalf("seed %d: the component of pair %d begins with vertex %d", seed, c.Pair, v)
					}
					pairs = append(pairs, c.Pair)
					var cells []int
					for _, v := range c.Vertices {
						cells = append(cells, int(v))
					}
					slices.Sort(cells)
					got = append(got, cells)
				}
				slices.SortFunc(got, func(a, b []int) int { return a[0] - b[0] })
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d: components at %g of the %s-level tree (-want +got):\n%s", seed, a, tree.Direction(), diff)
				}
				slices.Sort(pairs)
				if diff := cmp.Diff(pairs, slices.Collect(tree.Alive(a))); diff != "" {
					t.Fatalf("seed %d: pairs alive at %g (-components +Alive):\n%s", seed, a, diff)
				}
			}
		}
	}
}

func TestFlooderAfterAnEarlyStop(t *testing.T) {
	f := []float64{5, 0, 4, 0, 3}
	tree := build(t, Path(5), f, nil).Seasons()[0].Super
	flooder := NewFlooder(Path(5), f, Season{End: 5}, tree)
	for range flooder.At(3) {
		break
	}
	n := 0
	for range flooder.At(3) {
		n++
	}
	if n != 3 {
		t.Errorf("%d components after an early stop, want 3", n)
	}
}

func TestPersistenceCurve(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 4))
		d, f := randomDomain(rng, 1+rng.IntN(300))
		tree := build(t, d, f, nil).Seasons()[0].Super
		for _, p := range append([]float64{0}, levelsOf(rng, f)...) {
			want := 0
			for i := range tree.Len() {
				want += b2i(tree.Pair(i).Persistence() >= p)
			}
			if got := tree.CountPersistent(p); got != want {
				t.Fatalf("seed %d: %d pairs of persistence %g, want %d", seed, got, p, want)
			}
		}
		for i, c := range tree.PersistenceCurve() {
			if got := tree.CountPersistent(c.Persistence); got != c.Pairs {
				t.Fatalf("seed %d: point %d says %d pairs at %g, want %d", seed, i, c.Pairs, c.Persistence, got)
			}
		}
	}
}

// BenchmarkLevel finds the components of a level set that holds 5 % of the
// cells; cells/s counts the cells returned.
func BenchmarkLevel(b *testing.B) {
	for _, field := range benchFields(b) {
		if field.seasons != nil || field.d.NumVertices() > 3e6 {
			continue
		}
		index := build(b, field.d, field.f, nil)
		trees := index.Seasons()[0]
		a := index.Thresholds(field.f, Class{Kind: Tail, Shares: []float64{5}})[0].Super[0].Value
		b.Run("components/"+field.name, func(b *testing.B) {
			flooder := NewFlooder(field.d, field.f, trees.Season, trees.Super)
			cells := 0
			for b.Loop() {
				for c := range flooder.At(a) {
					cells += len(c.Vertices)
				}
			}
			b.ReportMetric(float64(cells)/b.Elapsed().Seconds(), "cells/s")
		})
		b.Run("count/"+field.name, func(b *testing.B) {
			for b.Loop() {
				trees.Super.CountAt(a)
			}
			b.ReportMetric(float64(trees.Super.Len())*float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
		})
	}
}
