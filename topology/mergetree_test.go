package topology

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func build(t testing.TB, d Domain, f []float64) *Trees {
	t.Helper()
	index, err := new(Builder).Build(context.Background(), d, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(index.Seasons()) == 0 {
		return &Trees{Super: &Tree{direction: Super}, Sub: &Tree{direction: Sub}}
	}
	return &index.Seasons()[0]
}

func pairsOf(t *Tree) []Pair {
	var pairs []Pair
	for i := range t.Len() {
		pairs = append(pairs, t.Pair(i))
	}
	return pairs
}

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
	})
}
