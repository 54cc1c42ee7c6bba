package topology

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// neighborhoods returns the graph of New York's 260 neighborhoods.
func neighborhoods(t testing.TB) *Graph {
	t.Helper()
	return readGraph(t, "testdata/neighborhood-graph.txt")
}

// noiseField is white noise: about a third of the vertices of a path, and a
// seventh of those of the neighborhood graph, are maxima.
func noiseField(n int) []float64 {
	rng := rand.New(rand.NewPCG(1, 0))
	f := make([]float64, n)
	for i := range f {
		f[i] = rng.NormFloat64()
	}
	return f
}

// seasonalField has a level for each region, a daily and a weekly cycle and
// AR(1) noise, so that about 2 % of the vertices of the neighborhood graph,
// and a tenth of those of a path, are maxima.
func seasonalField(regions, steps int) []float64 {
	rng := rand.New(rand.NewPCG(2, 0))
	f := make([]float64, regions*steps)
	level := make([]float64, regions)
	state := make([]float64, regions)
	for r := range level {
		level[r] = math.Exp(rng.NormFloat64())
	}
	for t := range steps {
		cycle := 2 + math.Sin(2*math.Pi*float64(t)/24) + math.Sin(2*math.Pi*float64(t)/168)/3
		for r := range level {
			state[r] = 0.9*state[r] + 0.04*rng.NormFloat64()
			f[t*regions+r] = level[r] * (cycle + state[r])
		}
	}
	return f
}

// monthsOf cuts the hours of a year into seasons of calendar months.
func monthsOf(hours int) []Season {
	var seasons []Season
	at := 0
	for month, days := range []int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31} {
		end := min(at+24*days, hours)
		seasons = append(seasons, Season{Code: 201101 + month, First: at, End: end})
		at = end
	}
	return seasons
}

// A benchField is a function that the benchmarks run on.
type benchField struct {
	name    string
	d       Domain
	seasons []Season
	f       []float64
}

func benchFields(t testing.TB) []benchField {
	g := neighborhoods(t)
	year := NewDomain(g, 8760)
	var fields []benchField
	for _, kind := range []string{"noise", "seasonal"} {
		make := func(d Domain) []float64 {
			if kind == "noise" {
				return noiseField(d.NumVertices())
			}
			return seasonalField(d.NumRegions(), d.NumSteps())
		}
		f := make(year)
		fields = append(fields,
			benchField{"regions=260/steps=8760/seasons=month/" + kind, year, monthsOf(8760), f},
			benchField{"regions=260/steps=8760/seasons=none/" + kind, year, nil, f})
		for _, steps := range []int{3846, 38462} {
			d := NewDomain(g, steps)
			fields = append(fields, benchField{fmt.Sprintf("regions=260/steps=%d/seasons=none/%s", steps, kind), d, nil, make(d)})
		}
		for _, steps := range []int{1e6, 1e7} {
			d := Path(steps)
			fields = append(fields, benchField{fmt.Sprintf("path/steps=%d/%s", steps, kind), d, nil, make(d)})
		}
	}
	return fields
}

func reportVertices(b *testing.B, perOp int) {
	b.ReportMetric(float64(perOp)*float64(b.N)/b.Elapsed().Seconds(), "vertices/s")
}

// BenchmarkTrees builds both trees with their hierarchy and orders the pairs
// by persistence. B/vertex counts every byte that a first build allocates,
// result included, so it bounds the peak above the input.
func BenchmarkTrees(b *testing.B) {
	for _, field := range benchFields(b) {
		for _, workers := range []int{1, 2} {
			if workers == 2 && field.d.NumRegions() == 1 {
				continue // a path is built on one core
			}
			b.Run(fmt.Sprintf("%s/workers=%d", field.name, workers), func(b *testing.B) {
				b.ReportAllocs()
				builder := &Builder{Workers: workers}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				index, err := builder.Build(context.Background(), field.d, field.f, field.seasons)
				if err != nil {
					b.Fatal(err)
				}
				runtime.ReadMemStats(&after)
				builder.Recycle(index)
				for b.Loop() {
					index, err := builder.Build(context.Background(), field.d, field.f, field.seasons)
					if err != nil {
						b.Fatal(err)
					}
					builder.Recycle(index)
				}
				reportVertices(b, len(field.f))
				b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(len(field.f)), "B/vertex")
			})
		}
	}
}

// BenchmarkTreesTwoFunctions builds two functions on one core and on two.
func BenchmarkTreesTwoFunctions(b *testing.B) {
	year := NewDomain(neighborhoods(b), 8760)
	seasons := monthsOf(8760)
	noise := noiseField(2 * year.NumVertices())
	f := [2][]float64{noise[:year.NumVertices()], noise[year.NumVertices():]}
	for _, cores := range []int{1, 2} {
		b.Run(fmt.Sprintf("cores=%d", cores), func(b *testing.B) {
			builders := [2]Builder{{Workers: 1}, {Workers: 1}}
			for b.Loop() {
				var wait sync.WaitGroup
				for i := range f {
					do := func() {
						if _, err := builders[i].Build(context.Background(), year, f[i], seasons); err != nil {
							b.Error(err)
						}
					}
					if cores == 2 {
						wait.Go(do)
					} else {
						do()
					}
				}
				wait.Wait()
			}
			reportVertices(b, len(f[0])+len(f[1]))
		})
	}
}

// BenchmarkFloorSort sorts a copy of the same values with the standard
// library: the floor that BenchmarkTrees is measured against.
func BenchmarkFloorSort(b *testing.B) {
	for _, field := range benchFields(b) {
		if field.seasons != nil {
			continue // the same values as seasons=none
		}
		b.Run(field.name, func(b *testing.B) {
			sorted := make([]float64, len(field.f))
			for b.Loop() {
				copy(sorted, field.f)
				slices.Sort(sorted)
			}
			reportVertices(b, len(field.f))
		})
	}
}

func buildOnce(b *testing.B, builder *Builder, field benchField) {
	index, err := builder.Build(context.Background(), field.d, field.f, field.seasons)
	if err != nil {
		b.Fatal(err)
	}
	builder.Recycle(index)
}
