package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"polygamy/datasets"
	"polygamy/topology"
)

func calibrate(t *testing.T, o CalibrateOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := RunCalibrate(context.Background(), o, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// threePlaces returns a function of three regions in a row, the last of which
// has no values, with holes.
func threePlaces(t *testing.T, r datasets.Resolution, dataset string, start time.Time, steps int, rng *rand.Rand) *datasets.Function {
	t.Helper()
	graph, err := topology.NewGraph(3, [][2]int{{0, 1}, {1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	f := &datasets.Function{
		Dataset: dataset, Spec: datasets.FunctionSpec{Kind: datasets.Mean, Column: "x"}, Axis: datasets.NewAxis(r, newYork, start.In(newYork), steps),
		Regions: &datasets.RegionSystem{Name: "place", IDs: []string{"a", "b", "c"}, Names: []string{"a", "b", "c"}, Graph: graph},
		Values:  make([]float64, steps*3),
	}
	for i := range f.Values {
		if f.Values[i] = float64(1+i%3) * rng.NormFloat64(); i%3 == 2 || rng.IntN(20) == 0 {
			f.Values[i] = math.NaN()
		}
	}
	return f
}

// TestCalibrate: one function is a copy of another, a year early, so of its
// decoys that of a year is called related and the others are not; the more
// shocks are in common the more are found; and neither workers nor a second run
// change anything.
func TestCalibrate(t *testing.T) {
	const weeks, year = 130, 52 * 168 * 3 // cells
	folder := t.TempDir()
	rng := rand.New(rand.NewPCG(7, 7))
	start := time.Date(2012, 1, 2, 12, 0, 0, 0, time.UTC)
	var bars []float64
	for _, dataset := range []string{"bars", "cafes", "rain", "trams"} {
		f := threePlaces(t, datasets.Hour, dataset, start, weeks*168, rng)
		switch dataset {
		case "bars":
			bars = f.Values
		case "rain":
			copy(f.Values, bars[year:])
		}
		saveFunction(t, folder, f)
	}
	o := CalibrateOptions{DecoysOptions: DecoysOptions{Inputs: []string{folder}, Versions: []string{"raw"}, Format: "json", Workers: 1}, Seed: 1}
	first := calibrate(t, o)
	var r Calibration
	if err := json.Unmarshal([]byte(first), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Errors) != 1 || r.Errors[0].Pairs != 6 || r.Errors[0].Decoys != 6*16 {
		t.Fatalf("errors %+v", r.Errors)
	}
	others := 0.0
	for _, shift := range r.Errors[0].ByWeeks {
		if related := math.Round(shift.Share05 * float64(shift.Decoys)); shift.Weeks == 52 && related < 1 {
			t.Error("the decoy that is a copy is not called related")
		} else if shift.Weeks != 52 {
			others += related
		}
	}
	if others > 12 { // 4.5 of 90 are expected
		t.Errorf("%g decoys are called related that are not", others)
	}
	if len(r.Powers) != 6 {
		t.Fatalf("powers %+v", r.Powers)
	}
	for i, p := range r.Powers {
		where, least := localShocks, float64((weeks-90)*168*2/cellsPerShock)
		if i >= 3 {
			where, least = cityWideShocks, float64((weeks-90)*168/stepsPerShock)
		}
		if p.Where != where || p.Common != commonShares[i%3] || p.Pairs != 6 || p.Shocks < least || p.Shocks > 4*least || math.Abs(p.InCommon-p.Common*p.Shocks) > 0.5 {
			t.Errorf("power %d: %+v, want %s with %g in common of at least %g shocks", i, p, where, commonShares[i%3], least)
		}
		if i%3 > 0 && (p.Share05 < r.Powers[i-1].Share05 || p.Share001 < r.Powers[i-1].Share001) {
			t.Errorf("%s: with %g of the shocks in common %.2f and %.2f are found, with fewer %.2f and %.2f", where, p.Common, p.Share05, p.Share001, r.Powers[i-1].Share05, r.Powers[i-1].Share001)
		}
	}
	if city := r.Powers[3:]; !(city[2].Share05 > 0.9 && city[2].Share001 > city[0].Share001) {
		t.Errorf("power of shocks in all regions: %+v", city)
	}
	for _, workers := range []int{2, 7} {
		if o.Workers = workers; calibrate(t, o) != first {
			t.Errorf("%d workers give another result than one", workers)
		}
	}
}

// TestCalibrateText reads the page, of days, which have few shocks, and of a
// class that no function has a level of.
func TestCalibrateText(t *testing.T) {
	folder := t.TempDir()
	rng := rand.New(rand.NewPCG(7, 7))
	for _, dataset := range []string{"bars", "cafes", "rain"} {
		saveFunction(t, folder, threePlaces(t, datasets.Day, dataset, time.Date(2012, 1, 2, 12, 0, 0, 0, time.UTC), 156*7, rng))
	}
	o := CalibrateOptions{DecoysOptions: DecoysOptions{Inputs: []string{folder}, Classes: []string{"sweep", "persistence:1000"}}, Seed: 1, Pairs: 1}
	text := calibrate(t, o)
	for _, want := range []string{
		"3 functions of 3 datasets, seed 1\n", "\nday-place            anomaly  sweep            3       54 ",
		"\n  left out: day-place anomaly persistence:1000, no decoy can be tested: no extremum has a persistence of n\n",
		"\nday-place            anomaly  sweep      city        25 % = 2       6       1 ", "  few\n  few: fewer than 10 shocks in common say next to nothing",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "persistence:1000       ") || strings.Contains(text, " raw ") {
		t.Errorf("a row without a decoy, or of raw functions:\n%s", text)
	}
	if o.Pairs = -1; ExitCode(RunCalibrate(context.Background(), o, new(bytes.Buffer))) != ExitUsage {
		t.Error("fewer than no pairs are accepted")
	}
}

// TestPower: two functions with all their shocks in common are found, with
// none they are not.
func TestPower(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	start := time.Date(2012, 1, 2, 12, 0, 0, 0, time.UTC)
	f := threePlaces(t, datasets.Hour, "f", start, 60*168, rng)
	g := threePlaces(t, datasets.Hour, "g", start.AddDate(0, 0, 35), 60*168, rng)
	const weeks = -8
	class := defaultSweep()
	for _, where := range []string{localShocks, cityWideShocks} {
		var p [2]float64
		for common := range p {
			a, err := newPlantable(f, 0)
			if err != nil {
				t.Fatal(err)
			}
			b, err := newPlantable(g, weeks)
			if err != nil {
				t.Fatal(err)
			}
			x, y, _ := plantShocks(a, b, scenario{where, float64(common)}, rng)
			var m [2]*marked
			for i, planted := range []*datasets.Function{x, y} {
				if m[i], err = markFunction(context.Background(), planted, class); err != nil {
					t.Fatal(err)
				}
			}
			p[common] = m[0].test(m[1], weeks).P
		}
		if !(p[0] > 0.01) || !(p[1] < 1e-4) {
			t.Errorf("%s: p = %g with no shock in common, %g with all", where, p[0], p[1])
		}
	}
}

// TestPlantShocks: shocks have their size, are where both functions have time,
// and those in common are at one slot of the week, the moves counted.
func TestPlantShocks(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 4))
		// Both cross the ends of daylight saving time.
		f := threePlaces(t, datasets.Hour, "f", time.Date(2012, 2, 20, 3, 0, 0, 0, time.UTC), 9*168, rng)
		g := threePlaces(t, datasets.Hour, "g", time.Date(2012, 10, 5, 7, 0, 0, 0, time.UTC), 8*168, rng)
		const weeks = -32
		a, err := newPlantable(f, 0)
		if err != nil {
			t.Fatal(err)
		}
		b, err := newPlantable(g, weeks)
		if err != nil {
			t.Fatal(err)
		}
		s := scenario{[]string{localShocks, cityWideShocks}[seed%2], float64(seed/2%2) * 1}
		x, y, shocks := plantShocks(a, b, s, rng)
		added := func(before, after *datasets.Function, weeks int) map[[2]int]float64 { // by slot and region, in standard deviations
			week, period, slots, err := datasets.WeekSlots(before.Axis)
			if err != nil {
				t.Fatal(err)
			}
			list := map[[2]int]float64{}
			for i, v := range before.Values {
				if v != v {
					if after.Values[i] == after.Values[i] {
						t.Fatalf("seed %d: a missing value got one", seed)
					}
					continue
				}
				if d := after.Values[i] - v; d != 0 {
					list[[2]int{(week+weeks)*period + int(slots[i/3]), i % 3}] = d / shockSize
				}
			}
			return list
		}
		inF, inG := added(f, x, 0), added(g, y, weeks)
		if len(inF) == 0 || len(inG) == 0 || len(inF) > shocks*shockSteps*2 {
			t.Fatalf("seed %d: %d cells of f and %d of g for %d shocks", seed, len(inF), len(inG), shocks)
		}
		both := 0
		for at, d := range inF {
			times := d / a.spread[at[1]]
			if math.Abs(times-math.Round(times)) > 1e-9 {
				t.Fatalf("seed %d: a shock of %g standard deviations", seed, times*shockSize)
			}
			if e, ok := inG[at]; ok && math.Abs(e/b.spread[at[1]]-times) < 1e-9 {
				both++
			}
		}
		// A twentieth of the cells of each is missing, an hour or two by the clock.
		if share := float64(both) / float64(len(inF)); s.common == 1 && share < 0.8 || s.common == 0 && share > 0.2 {
			t.Errorf("seed %d, %s: %.2f of the cells with shocks are common, want %g", seed, s.where, share, s.common)
		}
	}
}
