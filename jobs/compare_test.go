package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polygamy/datasets"
	"polygamy/topology"
)

func compare(t *testing.T, o CompareOptions) string {
	t.Helper()
	var out bytes.Buffer
	if err := Compare(context.Background(), o, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestCompareCorpus: what is known to be related in New York is found, the
// hours of cities apart are not.
func TestCompareCorpus(t *testing.T) {
	folder := t.TempDir()
	if _, err := ingest(t, IngestOptions{Catalog: corpus + "/catalog.yaml", Out: folder, Datasets: []string{"collisions", "weather_jfk_hourly", "citibike_daily", "weather_central_park_daily"}}); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(folder, "functions", name) }
	rain := CompareOptions{A: file("collisions/hour-city/count.arrow"), B: file("weather_jfk_hourly/hour-city/sum.precip_in.arrow")}
	bikes := CompareOptions{A: file("citibike_daily/day-city/sum.trips.arrow"), B: file("weather_central_park_daily/day-city/sum.precip_in.arrow")}
	golden(t, "compare", compare(t, rain)+compare(t, bikes))

	rain.Format, rain.Versions, rain.First, rain.Last = "json", []string{"anomaly"}, -3, 3
	var results []Comparison
	if err := json.Unmarshal([]byte(compare(t, rain)), &results); err != nil {
		t.Fatal(err)
	}
	c := results[0]
	if len(results) != 1 || len(c.Lags) != 7 || len(c.Levels) != 5 || c.P == nil || *c.P > 1e-8 || c.Effective < 2 || c.Effective > 35 || c.Lag < -1 || c.Lag > 1 {
		t.Errorf("%d results, %d lags, %d levels, p %v of %g tests, lag %d", len(results), len(c.Lags), len(c.Levels), c.P, c.Effective, c.Lag)
	}
	for _, key := range []string{"score", "strength", "kappa", "p_d", "p_pp", "p_nn", "p_pn", "p_np", "guard", "windows", "testable", "lag"} {
		if !strings.Contains(compare(t, rain), fmt.Sprintf("%q:", key)) {
			t.Errorf("the JSON has no %s", key)
		}
	}
}

// TestCompareUntestable: pairs that cannot be tested get a reason.
func TestCompareUntestable(t *testing.T) {
	day := func(n int, value string) string {
		var b strings.Builder
		b.WriteString("time,value\n")
		for i := range n {
			fmt.Fprintf(&b, "%s,%s\n", datasets.NewAxis(datasets.Day, nil, time.Date(2014, 1, 6, 0, 0, 0, 0, time.UTC), n).Start(i).Format("2006-01-02"), strings.ReplaceAll(value, "I", fmt.Sprint(i*i%17)))
		}
		return b.String()
	}
	long, short := write(t, "long.csv", day(400, "I")), write(t, "short.csv", day(49, "I"))
	flat, gone := write(t, "flat.csv", day(400, "5")), write(t, "gone.csv", day(400, ""))
	hours := write(t, "hours.csv", field)
	regions := write(t, "regions.csv", regionsField)
	for _, tc := range []struct{ a, b, want string }{
		{long, short, "7 common weeks with data; a test needs 8"},
		{long, hours, "their steps differ: day and hour"},
		{long, regions, "their regions differ: 1 and 3"},
		{long, gone, "not tested"},
		{long, flat, "not tested"},
	} {
		if got := compare(t, CompareOptions{A: tc.a, B: tc.b, Versions: []string{"raw"}}); !strings.Contains(got, tc.want) {
			t.Errorf("%s and %s: %s; want %s", filepath.Base(tc.a), filepath.Base(tc.b), got, tc.want)
		}
	}
	quarter := write(t, "quarter.csv", day(90, "I"))
	var results []Comparison
	if err := json.Unmarshal([]byte(compare(t, CompareOptions{A: long, B: quarter, Versions: []string{"raw"}, Format: "json"})), &results); err != nil {
		t.Fatal(err)
	}
	if c := results[0]; !c.Exploratory || !c.Testable || c.Levels[0].Weeks != 13 {
		t.Errorf("a quarter of a year: exploratory %t, testable %t, %d weeks", c.Exploratory, c.Testable, c.Levels[0].Weeks)
	}
	// Weeks apart: both spans, and no table of zeros.
	late := write(t, "late.csv", "time,value\n2020-01-06,\n2020-01-07,3\n2020-01-08,4\n2020-01-09,6\n2020-01-10,\n")
	for _, lag := range []int{0, 3} {
		want := "long and late, raw: not tested: their records do not overlap: long has values from 2014-01-06 to 2015-02-09, late from 2020-01-07 to 2020-01-09\n\n"
		if got := compare(t, CompareOptions{A: long, B: late, Versions: []string{"raw"}, First: -lag, Last: lag}); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	// One week, its singular, in the finding and the JSON.
	o := CompareOptions{A: long, B: write(t, "week.csv", day(7, "I")), Versions: []string{"raw"}}
	if got, want := compare(t, o), "not tested: 1 common week with data; a test needs 8\n"; !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	if r := comparisons(t, o)[0].Levels[0].Reason; r != "1 common week with data; a test needs 8" {
		t.Errorf("reason %q of a level", r)
	}
	var out bytes.Buffer
	for _, o := range []CompareOptions{
		{A: long, B: long, Versions: []string{"raw", "raw"}},
		{A: long, B: long, First: 3, Last: -3},
		{A: long, B: long, Versions: []string{"cooked"}},
		{A: long, B: long, Format: "xml"},
	} {
		if err := Compare(context.Background(), o, &out); ExitCode(err) != ExitUsage {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if err := Compare(context.Background(), CompareOptions{A: long, B: "none.csv"}, &out); ExitCode(err) != ExitInput {
		t.Errorf("a missing file: %v", err)
	}
}

// noiseFunction returns a function of a row of regions, from Monday 6 January
// 2014 on.
func noiseFunction(name string, axis datasets.Axis, regions int, value func() float64) *datasets.Function {
	s := &datasets.RegionSystem{Name: "row"}
	var edges [][2]int
	for i := range regions {
		s.IDs = append(s.IDs, fmt.Sprint("region ", i))
		if i > 0 {
			edges = append(edges, [2]int{i - 1, i})
		}
	}
	s.Names = s.IDs
	s.Graph, _ = topology.NewGraph(regions, edges)
	f := &datasets.Function{Dataset: name, Spec: datasets.FunctionSpec{Kind: datasets.Count}, Regions: s, Axis: axis}
	for range axis.Len() * regions {
		f.Values = append(f.Values, value())
	}
	return f
}

// TestCompareRareEvents: independent functions that are 0 nearly everywhere are
// unrelated, however their anomalies rank the zeros.
func TestCompareRareEvents(t *testing.T) {
	axis := datasets.NewAxis(datasets.Day, time.UTC, time.Date(2014, 1, 6, 0, 0, 0, 0, time.UTC), 7*104)
	for _, mean := range []float64{0.003, 0.03} {
		small := 0
		const pairs = 30
		for run := range pairs {
			rng := rand.New(rand.NewPCG(uint64(run), 7))
			event := func() float64 {
				if rng.Float64() < mean {
					return 1
				}
				return 0
			}
			p := &compared{a: noiseFunction("a", axis, 50, event), b: noiseFunction("b", axis, 50, event)}
			c, err := new(CompareOptions).compare(t.Context(), p, "anomaly")
			if err != nil {
				t.Fatal(err)
			}
			if c.P != nil && *c.P <= 0.05 {
				small++
			}
		}
		if small > 6 {
			t.Errorf("%g events a day and region: %d of %d pairs have p <= 0.05", mean, small, pairs)
		}
	}
}

// TestCompareZones: hours are not matched by clocks of different zones.
func TestCompareZones(t *testing.T) {
	eastern, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	monday := time.Date(2014, 1, 6, 0, 0, 0, 0, time.UTC)
	for r, want := range map[datasets.Resolution]bool{datasets.Hour: false, datasets.Day: true} {
		n := map[datasets.Resolution]int{datasets.Hour: 168, datasets.Day: 7}[r] * 40
		p := &compared{a: noiseFunction("a", datasets.NewAxis(r, time.UTC, monday, n), 1, rng.Float64), b: noiseFunction("b", datasets.NewAxis(r, eastern, monday, n), 1, rng.Float64)}
		c, err := new(CompareOptions).compare(t.Context(), p, "raw")
		if err != nil {
			t.Fatal(err)
		}
		if c.Testable != want || !want && !strings.Contains(c.Reason, "UTC and America/New_York") {
			t.Errorf("%vs of two zones: testable %t, %s", r, c.Testable, c.Reason)
		}
		// A third of one region stands for all, by the clock of its own zone.
		p.b, p.given = p.a, []*datasets.Function{p.b}
		if c, err = new(CompareOptions).compare(t.Context(), p, "raw"); err != nil {
			t.Fatal(err)
		}
		if g := c.Given[0]; g.Testable != want || !want && !strings.Contains(g.Reason, "UTC and America/New_York") {
			t.Errorf("given %vs of another zone: testable %t, %s", r, g.Testable, g.Reason)
		}
	}
}

// TestCompareAnomalyFile: the anomaly of a file that holds one is the file's,
// and its raw values are not known.
func TestCompareAnomalyFile(t *testing.T) {
	axis := datasets.NewAxis(datasets.Day, nil, time.Date(2014, 1, 6, 0, 0, 0, 0, time.UTC), 500)
	raw := &datasets.Function{
		Dataset: "cafes", Spec: datasets.FunctionSpec{Kind: datasets.Count}, Axis: axis, Values: make([]float64, axis.Len()),
		Regions: &datasets.RegionSystem{Name: "city", IDs: []string{"city"}, Names: []string{"city"}, Graph: topology.Path(1).Graph()},
	}
	for i := range raw.Values {
		raw.Values[i] = float64(1000 + i*i*7919%997)
	}
	anomaly, err := raw.Anomaly()
	if err != nil {
		t.Fatal(err)
	}
	save := func(name string, f *datasets.Function) string {
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		return write(t, name, b.String())
	}
	a, b := save("raw.arrow", raw), save("anomaly.arrow", anomaly)
	same := func(x, y string) string {
		return compare(t, CompareOptions{A: x, B: y, Versions: []string{"anomaly"}})
	}
	if want, got := same(a, a), same(a, b); got != want || same(b, b) != want || strings.Contains(got, "not tested") {
		t.Errorf("with the file of the anomaly:\n%s; with that of the raw function:\n%s", got, want)
	}
	if got := compare(t, CompareOptions{A: b, B: a, Versions: []string{"raw"}}); !strings.Contains(got, "not tested") || !strings.Contains(got, "does not hold the raw values") {
		t.Errorf("the raw version of an anomaly: %s", got)
	}
}
