package relate

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"polygamy/datasets"
	"polygamy/topology"
)

// each calls do for 0 to n-1, on all cores.
func each(n int, do func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	workers.Wait()
}

// groups are two groups of functions that know nothing of each other.
type groups struct{ f, g []*sample }

// newGroups draws two groups of size functions.
func (s *stage) newGroups(size int) *groups {
	x := &groups{make([]*sample, size), make([]*sample, size)}
	each(2*size, func(i int) {
		m := s.newSample(s.function(uint64(i)))
		m.number = i
		if i < size {
			x.f[i] = m
		} else {
			x.g[i-size] = m
		}
	})
	return x
}

// pair returns the members of a pair across the groups: first those of one
// number, then those that are one apart, and so on, so that few pairs share
// few functions.
func (x *groups) pair(k int) (i, j int) {
	size := len(x.f)
	return k % size, (k + k/size) % size
}

// A pValue is a test of two functions.
type pValue func(f, g *sample) float64

// test returns the p-values of the first pairs.
func (x *groups) test(pairs int, p pValue) []float64 {
	values := make([]float64, pairs)
	each(pairs, func(k int) {
		i, j := x.pair(k)
		values[k] = p(x.f[i], x.g[j])
	})
	return values
}

// shareAtMost returns the share of p-values that are at most alpha, among those of
// testable pairs.
func shareAtMost(p []float64, alpha float64) float64 {
	small, tested := 0, 0
	for _, v := range p {
		small += b2i(v <= alpha)
		tested += b2i(v == v) // not NaN
	}
	return float64(small) / float64(tested)
}

// neighborhoodGraph returns the graph of the 260 neighborhoods.
func neighborhoodGraph(t testing.TB) *topology.Graph {
	file, err := os.Open("../topology/testdata/neighborhood-graph.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	g, err := datasets.ReadGraph(file, "neighborhood-graph.txt")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A calibrationCase is a world, by what is hard in it.
type calibrationCase struct {
	name string
	world
}

// cityCases are worlds of one region, weeks of hours.
func cityCases(weeks int) []calibrationCase {
	skew := &[2]float64{0.2, 2}
	list := []calibrationCase{
		{"white noise", world{}},
		{"memory of 6 h", world{memory: 6}},
		{"memory of 24 h", world{memory: 24}},
		{"memory of 100 h", world{memory: 100}},
		{"memory of 500 h", world{memory: 500}},
		{"24 h, shared routine", world{memory: 24, cycle: 1}},
		{"24 h, shared routine and year", world{memory: 24, cycle: 1, year: 1}},
		{"24 h, shared routine and year, anomaly", world{memory: 24, cycle: 1, year: 1, anomaly: true}},
		{"24 h, shared trend", world{memory: 24, trend: 1}},
		{"24 h, 30 % missing", world{memory: 24, outages: scattered}},
		{"24 h, outages of weeks", world{memory: 24, outages: ownWeeks}},
		{"24 h, shared outages of weeks", world{memory: 24, outages: sharedWeeks}},
		{"24 h, shared outages of hours", world{memory: 24, outages: sharedHours}},
		{"24 h, the same, ten peaks for a valley", world{memory: 24, outages: sharedHours, skew: skew}},
	}
	for i := range list {
		list[i].weeks, list[i].slots = weeks, 168
	}
	return list
}

// dayCases are worlds of one region, weeks of days.
func dayCases(weeks int) []calibrationCase {
	list := []calibrationCase{
		{"days, white noise", world{}},
		{"days, memory of 3 days, shared routine", world{memory: 3, cycle: 1}},
		{"days, memory of 30 days", world{memory: 30}},
	}
	for i := range list {
		list[i].weeks, list[i].slots = weeks, 7
	}
	return list
}

// regionCases are worlds of many regions.
func regionCases(g *topology.Graph, weeks, slots int, memory float64) []calibrationCase {
	list := []calibrationCase{
		{"smooth in space, white in time", world{smooth: true}},
		{"smooth", world{smooth: true, memory: memory}},
		{"smooth, shared routine", world{smooth: true, memory: memory, cycle: 1}},
		{"smooth, shared map", world{smooth: true, memory: memory, staticMap: 1}},
		{"smooth, half of it the whole city's", world{smooth: true, memory: memory, own: 0.5}},
		{"smooth, routine by place, 30 % the whole city's", world{smooth: true, memory: memory, cycle: 1, cycleMap: 0.5, own: 0.3}},
	}
	for i := range list {
		list[i].graph, list[i].weeks, list[i].slots = g, weeks, slots
	}
	return list
}

// TestNullRates: of unrelated functions 5 % are called related, whatever they
// share and however long they remember.
func TestNullRates(t *testing.T) { checkNullRates(t, cityCases(60)) }

// TestNullRatesOfRegions is TestNullRates in 260 neighborhoods.
func TestNullRatesOfRegions(t *testing.T) {
	checkNullRates(t, regionCases(neighborhoodGraph(t), 36, 7, 3))
}

// checkNullRates compares the rates at 0.05 with the bands of 200 pairs, which
// a test of twice its level leaves, as does one that takes a shared routine for
// a relationship.
func checkNullRates(t *testing.T, cases []calibrationCase) {
	const size, pairs = 40, 200
	for seed, tc := range cases {
		x := tc.newStage(uint64(seed)).newGroups(size)
		for name, p := range map[string]pValue{"tails of 5 %": tail5, "sweep": sweep} {
			if rate := shareAtMost(x.test(pairs, p), 0.05); rate < 0.015 || rate > 0.09 {
				t.Errorf("%s, %s: %.3f of the pairs have p <= 0.05, want 0.015 to 0.09", tc.name, name, rate)
			}
		}
	}
}

// TestNullTails: small p-values are as rare as they say. All pairs across two
// groups share the routine of the week; 22,500 of them tell a rate of 0.001
// from one of 0.002.
func TestNullTails(t *testing.T) {
	const size = 150
	for _, tc := range []struct {
		name string
		world
		most [3]float64 // at 0.05, 0.01, 0.001
	}{
		{"memory of 24 h", world{memory: 24}, [3]float64{0.045, 0.011, 0.0016}},
		{"memory of 500 h, which the guard is for", world{memory: 500}, [3]float64{0.05, 0.012, 0.002}},
	} {
		tc.weeks, tc.slots, tc.cycle = 78, 168, 1
		p := tc.newStage(1).newGroups(size).test(size*size, tail5)
		for i, alpha := range []float64{0.05, 0.01, 0.001} {
			rate := shareAtMost(p, alpha)
			if rate > tc.most[i] || rate < alpha/4 {
				t.Errorf("%s: %.4f of the pairs have p <= %g, want %g to %g", tc.name, rate, alpha, alpha/4, tc.most[i])
			}
		}
	}
}

// TestDriftCalibration: a year that unrelated functions share, and that is
// steep inside windows, relates hardly more of them than others, in tails of
// 20 % as little as in those of 1 %, also where rows are missing.
func TestDriftCalibration(t *testing.T) {
	const size, pairs = 40, 1600
	for seed, tc := range []calibrationCase{
		{"complete", world{}}, {"no routine", world{}}, {"outages of weeks", world{outages: ownWeeks}},
	} {
		tc.weeks, tc.slots, tc.memory, tc.year, tc.cycle = 156, 168, 24, 1, float64(b2i(seed != 1))
		x := tc.newStage(uint64(seed)).newGroups(size)
		for name, p := range map[string]pValue{"sweep": sweep, "tails of 20 %": func(f, g *sample) float64 {
			last := len(f.marks) - 1
			return Test(f.marks[last], g.marks[last], f.memories[last], g.memories[last]).P
		}} {
			if rate := shareAtMost(x.test(pairs, p), 0.05); rate < 0.01 || rate > 0.07 {
				t.Errorf("%s, %s: %.3f of the pairs have p <= 0.05, want 0.01 to 0.07", tc.name, name, rate)
			}
		}
	}
}

// TestMonteCarloCalibration: of unrelated functions 5 % are called correlated,
// with a memory of weeks or a year in common too, where it would be more than
// twice as many without the guards.
func TestMonteCarloCalibration(t *testing.T) {
	const size, pairs = 50, 1000
	year := world{weeks: 156, slots: 7, memory: 3, cycle: 1, year: 1}
	for seed, tc := range append(dayCases(156), calibrationCase{"days, memory of 3 days, shared routine and year", year}) {
		x := tc.newStage(uint64(seed)).newGroups(size)
		for name, p := range map[string]pValue{
			"Pearson":  func(f, g *sample) float64 { return f.rotated(g, f.values, g.values) },
			"Spearman": func(f, g *sample) float64 { return f.rotated(g, f.ranks(), g.ranks()) },
		} {
			if rate := shareAtMost(x.test(pairs, p), 0.05); rate < 0.015 || rate > 0.07 {
				t.Errorf("%s, %s: %.3f of the pairs have p <= 0.05, want 0.015 to 0.07", tc.name, name, rate)
			}
		}
	}
}

// TestPower: functions that have a part of their shocks in common are found,
// the more the larger the part, and shocks of the whole city too.
func TestPower(t *testing.T) {
	const pairs = 60
	graph := neighborhoodGraph(t)
	city := world{memory: 24, weeks: 78, slots: 168}
	days := world{graph: graph, smooth: true, memory: 3, weeks: 40, slots: 7}
	for _, tc := range []struct {
		name   string
		world  world
		number int
		city   bool
		least  [3]float64 // with 10, 15 and 25 % in common
	}{
		{"city", city, 120, true, [3]float64{0.6, 0.9, 0.95}},
		{"neighborhoods, one at a time", days, 250, false, [3]float64{0.85, 0.95, 0.95}},
		{"neighborhoods, all at once", days, 15, true, [3]float64{0.05, 0.12, 0.35}},
	} {
		stage := tc.world.newStage(1)
		for i, common := range []float64{0.1, 0.15, 0.25} {
			p := make([]float64, pairs)
			each(pairs, func(k int) {
				f, g := stage.related(uint64(k), shocks{tc.number, common, tc.city})
				p[k] = sweep(stage.newSample(f), stage.newSample(g))
			})
			power := shareAtMost(p, 0.05)
			if power < tc.least[i] {
				t.Errorf("%s, %g of the shocks in common: %.2f of the pairs are found, want %.2f", tc.name, common, power, tc.least[i])
			}
		}
	}
}
