package relate_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"polygamy/relate"
	"polygamy/topology"
)

// marksOf returns the marks of an hourly series that begins on a Monday: its
// highest and lowest 5 %.
func marksOf(series []float64) *relate.Marks {
	domain := topology.Path(len(series))
	index, err := new(topology.Builder).Build(context.Background(), domain, series, nil)
	if err != nil {
		panic(err)
	}
	tail, err := topology.ParseClass("tail:5")
	if err != nil {
		panic(err)
	}
	sweep := index.Sweep(series, index.Thresholds(series, tail), topology.NewLayout(domain, 168, 0))
	for _, m := range sweep.Maps() {
		return relate.NewMarks(m.Clone(), 1, 0)
	}
	return nil
}

// Two years of umbrellas and of taxis, both with rush hours. When it rains,
// more of both are wanted.
func ExampleTest() {
	random := rand.New(rand.NewPCG(1, 1))
	const hours = 104 * 168
	umbrellas, taxis := make([]float64, hours), make([]float64, hours)
	for h := range umbrellas {
		rush := 0.0
		if hour := h % 24; hour == 8 || hour == 17 {
			rush = 2
		}
		umbrellas[h] = rush + random.NormFloat64()
		taxis[h] = rush + random.NormFloat64()
		if random.IntN(200) == 0 { // a shower
			umbrellas[h] += 4
			taxis[h] += 4
		}
	}
	f, g := marksOf(umbrellas), marksOf(taxis)
	r := relate.Test(f, g, relate.NewMemory(f), relate.NewMemory(g))
	fmt.Printf("score %.2f, strength %.2f\n", r.Counts.Score(), r.Counts.Strength())
	fmt.Printf("%d cells are features of both, %.0f by routine and chance\n", r.Counts.Overlap(), r.ExpectedOverlap)
	fmt.Printf("related: %t\n", r.P < 0.001)
	// Output:
	// score 0.89, strength 0.22
	// 381 cells are features of both, 339 by routine and chance
	// related: true
}
