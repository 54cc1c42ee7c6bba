package jobs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"polygamy/datasets"
	"polygamy/relate"
	"polygamy/topology"
)

// simulated writes functions of days, three years of one region: cafes and
// rain have a third of their shocks in common, buses and trains none. short is
// cafes for 20 weeks, monthly a function of months.
func simulated(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	const days = 156 * 7
	rng := rand.New(rand.NewPCG(5, 1))
	noise := func() []float64 {
		v := make([]float64, days)
		for i := range v {
			v[i] = rng.NormFloat64() + 2*float64(boolInt(i%7 < 5))
		}
		return v
	}
	cafes, rain, buses, trains := noise(), noise(), noise(), noise()
	for range 30 {
		at := rng.IntN(days)
		cafes[at], rain[at] = cafes[at]+6, rain[at]+6
		for _, v := range [][]float64{cafes, rain, buses, trains, buses, trains} {
			v[rng.IntN(days)] += 6
		}
	}
	for _, f := range []struct {
		dataset, column string
		resolution      datasets.Resolution
		values          []float64
	}{
		{"cafes", "guests", datasets.Day, cafes}, {"rain", "mm", datasets.Day, rain}, {"city", "buses", datasets.Day, buses},
		{"city", "trains", datasets.Day, trains}, {"short", "guests", datasets.Day, cafes[:140]}, {"monthly", "rents", datasets.Month, rain[:40]},
	} {
		saveFunction(t, folder, dayFunction(f.dataset, f.column, f.resolution, 0, f.values))
	}
	return folder
}

// dayFunction returns a function of the city that begins some weeks after
// 2012-01-02, a Monday.
func dayFunction(dataset, column string, r datasets.Resolution, weeks int, values []float64) *datasets.Function {
	return &datasets.Function{
		Dataset: dataset, Spec: datasets.FunctionSpec{Kind: datasets.Mean, Column: column}, Values: values,
		Axis:    datasets.NewAxis(r, nil, time.Date(2012, 1, 2+7*weeks, 0, 0, 0, 0, time.UTC), len(values)),
		Regions: datasets.WholeCity(),
	}
}

func saveFunction(t *testing.T, folder string, f *datasets.Function) (name string) {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	name = filepath.Join(folder, FunctionPath(f))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func decoys(t *testing.T, o DecoysOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := RunDecoys(context.Background(), o, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDecoys: the pair that is related is the one that is found, no decoy is,
// and what cannot be tested is counted.
func TestDecoys(t *testing.T) {
	folder := simulated(t)
	var d Decoys
	o := DecoysOptions{Inputs: []string{folder}, Versions: []string{"anomaly"}, Format: "json", Workers: 1}
	first := decoys(t, o)
	if err := json.Unmarshal([]byte(first), &d); err != nil {
		t.Fatal(err)
	}
	if d.Functions != 5 || d.Datasets != 4 || !slices.Equal(d.LeftOut, []Reason{{"steps of a month have no weeks to move by", 1}}) {
		t.Errorf("%d functions of %d datasets, left out %v; want 5 of 4, and the one of months", d.Functions, d.Datasets, d.LeftOut)
	}
	// Of the ten pairs of functions one is of one dataset, and four have 20 weeks.
	if d.Real.Tests != 5 || d.Decoy.Tests != 5 || d.Real.DatasetPairs != 1 || d.Real.Leaves != 1 || d.Decoy.DatasetPairs != 0 || *d.TestsFDP != 0 {
		t.Errorf("real %+v, decoy %+v", d.Real, d.Decoy)
	}
	if f := d.Real.Found[0]; f.A != "cafes.mean(guests)" || f.B != "rain.mean(mm)" || f.Resolution != "day-city" || f.Version != "anomaly" || f.Class != "sweep" || f.Weeks != 0 {
		t.Errorf("found %+v", f)
	}
	if want := []Reason{{"n common weeks with data: exploratory, no candidate for a discovery", 4}}; !slices.Equal(d.Real.Untestable, want) {
		t.Errorf("not tested: %v, want %v", d.Real.Untestable, want)
	}
	r := d.Rates[0]
	if len(d.Rates) != 1 || r.Pairs != 5 || r.Decoys != 5*18 || r.Share05 > 0.12 || len(r.ByWeeks) != 18 || r.ByWeeks[0].Weeks != -104 || r.ByWeeks[0].Decoys != 5 {
		t.Errorf("rates %+v", d.Rates)
	}
	for _, workers := range []int{2, 7} {
		if o.Workers = workers; decoys(t, o) != first {
			t.Errorf("%d workers give another result than one", workers)
		}
	}
}

// TestDecoysText reads the page.
func TestDecoysText(t *testing.T) {
	folder := simulated(t)
	text := decoys(t, DecoysOptions{Inputs: []string{folder}, Versions: []string{"raw", "anomaly"}, Classes: []string{"sweep", "salient"}, Weeks: 60})
	for _, want := range []string{
		"5 functions of 4 datasets, q = 0.05, decoys moved by 60 weeks\n",
		"  left out: 1, steps of a month have no weeks to move by\n",
		"pairs of datasets                         1        0   0.000\n",
		"day-city             raw      sweep            5       90 ",
		"day-city             anomaly  salient          5       90 ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if !strings.Contains(decoys(t, DecoysOptions{Inputs: []string{folder}, Resolutions: []string{"month-city", "day-city"}}), "5 functions") {
		t.Error("a choice of resolutions that has all functions of days leaves some out")
	}
}

// TestDecoysErrors: what is wrong on the command line, and in the files.
func TestDecoysErrors(t *testing.T) {
	folder := simulated(t)
	twice := saveFunction(t, filepath.Join(folder, "copy"), dayFunction("rain", "mm", datasets.Day, 0, make([]float64, 70)))
	for _, tc := range []struct {
		name string
		o    DecoysOptions
		code int
		want string
	}{
		{"version", DecoysOptions{Inputs: []string{folder}, Versions: []string{"cooked"}}, ExitUsage, `--version: unknown version "cooked"`},
		{"even sweep", DecoysOptions{Inputs: []string{folder}, Classes: []string{"sweep", "sweep:12"}}, ExitUsage, "--class sweep:12: "},
		{"version twice", DecoysOptions{Inputs: []string{folder}, Versions: []string{"raw", "anomaly", "raw"}}, ExitUsage, "--version raw is given twice"},
		{"class twice", DecoysOptions{Inputs: []string{folder}, Classes: []string{"sweep", "sweep"}}, ExitUsage, "--class sweep is given twice"},
		{"one dataset", DecoysOptions{Inputs: []string{filepath.Join(folder, "functions", "city")}}, ExitInput, "all functions are of the dataset city; functions are tested against those of another dataset"},
		{"class", DecoysOptions{Inputs: []string{folder}, Classes: []string{"tale"}}, ExitUsage, `--class: threshold class "tale"`},
		{"q", DecoysOptions{Inputs: []string{folder}, Q: 5}, ExitUsage, "--q 5: "},
		{"weeks", DecoysOptions{Inputs: []string{folder}, Weeks: 3}, ExitUsage, "--weeks 3: "},
		{"format", DecoysOptions{Inputs: []string{folder}, Format: "xml"}, ExitUsage, ""},
		{"no folder", DecoysOptions{Inputs: []string{"none"}}, ExitInput, "none: no such file or directory"},
		{"no such resolution", DecoysOptions{Inputs: []string{folder}, Resolutions: []string{"hour-zip"}}, ExitInput, "is of hours, days or weeks at hour-zip; there are day-city; "},
		{"no functions", DecoysOptions{Inputs: []string{t.TempDir()}}, ExitInput, "none of 0 function files"},
		{"a function twice", DecoysOptions{Inputs: []string{folder}}, ExitInput, twice},
	} {
		err := RunDecoys(context.Background(), tc.o, new(bytes.Buffer))
		if ExitCode(err) != tc.code || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "lstat") {
			t.Errorf("%s: exit code %d, %v; want %d, %q", tc.name, ExitCode(err), err, tc.code, tc.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := RunDecoys(ctx, DecoysOptions{Inputs: []string{folder}, Versions: []string{"raw"}}, new(bytes.Buffer)); ExitCode(err) != ExitPartial {
		t.Errorf("interrupted: %v", err)
	}
}

// markDays marks a function of days, the sweep.
func markDays(t *testing.T, weeks int, values []float64) *marked {
	t.Helper()
	m, err := markFunction(context.Background(), dayFunction("a", "x", datasets.Day, weeks, values), defaultSweep())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMovedMarks: moved marks are those of a record that begins later.
func TestMovedMarks(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	f, g := make([]float64, 7*90), make([]float64, 7*110)
	for i := range f {
		f[i] = rng.NormFloat64()
	}
	for i := range g {
		g[i] = rng.NormFloat64()
	}
	a, b := markDays(t, 0, f), markDays(t, 3, g)
	for _, weeks := range []int{0, 1, 26, -52, 55, 100} {
		later := markDays(t, 3+weeks, g)
		got, want := a.test(b, weeks), relate.Sweep(a.marks, later.marks, a.memories, later.memories)
		if got.P != want.P && !(math.IsNaN(got.P) && math.IsNaN(want.P)) || got.Reason != want.Reason {
			t.Errorf("%d weeks: p %g %q, want %g %q", weeks, got.P, got.Reason, want.P, want.Reason)
		}
	}
}

// TestDecoyShift: a year if that can be, else whole windows, to the side that
// leaves more.
func TestDecoyShift(t *testing.T) {
	for _, tc := range []struct {
		name                       string
		first, weeks, other, count int
		want                       int
	}{
		{"equal records", 0, 156, 0, 156, 52},
		{"the second is late: moved back", 0, 156, 100, 56, -52},
		{"the second is early: moved on", 100, 56, 0, 156, 52},
		{"a year and a half", 0, 78, 0, 78, 48},
		{"forty weeks", 0, 40, 0, 40, 6},
		{"thirty-five weeks", 0, 35, 0, 35, 0},
		{"the second has one year of three", 0, 156, 52, 52, 52},
	} {
		record := func(first, weeks int) *marked { return markDays(t, first, make([]float64, 7*weeks)) }
		if got := record(tc.first, tc.weeks).decoyShift(record(tc.other, tc.count), 52); got != tc.want {
			t.Errorf("%s: moved by %d weeks, want %d", tc.name, got, tc.want)
		}
	}
	// The weeks with data decide, not the records: all but the first 70 of 156
	// are missing in one, all but the last 70 in the other.
	first, last := make([]float64, 7*156), make([]float64, 7*156)
	for i := range 7 * 86 {
		first[len(first)-1-i], last[i] = math.NaN(), math.NaN()
	}
	a, b := markDays(t, 0, first), markDays(t, 0, last)
	if got := a.decoyShift(b, 60); got != -60 {
		t.Errorf("early and late data: moved by %d weeks, want -60", got)
	}
	if got := b.decoyShift(a, 60); got != 60 {
		t.Errorf("late and early data: moved by %d weeks, want 60", got)
	}
	if got := a.decoyShift(a, 52); got != 36 {
		t.Errorf("70 weeks with data: moved by %d weeks, want 36", got)
	}
}

// TestDecoysZones: hours of different zones are not tested against each other.
func TestDecoysZones(t *testing.T) {
	folder := t.TempDir()
	rng := rand.New(rand.NewPCG(6, 1))
	eastern, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for dataset, zone := range map[string]*time.Location{"east": eastern, "other": eastern, "universal": time.UTC} {
		for r, steps := range map[datasets.Resolution]int{datasets.Hour: 168 * 60, datasets.Day: 7 * 60} {
			f := dayFunction(dataset, "x", r, 0, nil)
			f.Axis = datasets.NewAxis(r, zone, f.Axis.Start(0), steps)
			for range steps {
				f.Values = append(f.Values, rng.NormFloat64())
			}
			saveFunction(t, folder, f)
		}
	}
	var d Decoys
	if err := json.Unmarshal([]byte(decoys(t, DecoysOptions{Inputs: []string{folder}, Format: "json"})), &d); err != nil {
		t.Fatal(err)
	}
	// The three pairs of days, and one of hours.
	if want := []Reason{{"no function of another dataset has their steps and regions, hour-city", 1}}; d.Real.Tests != 4 || !slices.Equal(d.LeftOut, want) {
		t.Errorf("%d tests, left out %v; want 4, %v", d.Real.Tests, d.LeftOut, want)
	}
	for _, r := range d.Rates {
		if r.Version != "anomaly" {
			t.Errorf("the %s version is tested without being asked for", r.Version)
		}
	}
}

// TestDecoysLevelless: a class without a level says why.
func TestDecoysLevelless(t *testing.T) {
	var d Decoys
	o := DecoysOptions{Inputs: []string{simulated(t)}, Classes: []string{"extreme"}, Versions: []string{"raw"}, Format: "json"}
	if err := json.Unmarshal([]byte(decoys(t, o)), &d); err != nil {
		t.Fatal(err)
	}
	want := "n persistent extrema in the super-level trees; the fence needs 20; n persistent extrema in the sub-level trees; the fence needs 20"
	if !slices.Contains(d.LeftOut, Reason{want, 1}) {
		t.Errorf("left out %v; want %s once, for the short function", d.LeftOut, want)
	}
}

// TestReasons: reasons that differ in their first number are one.
func TestReasons(t *testing.T) {
	r := reasons{}
	for _, reason := range []string{"0.45 cells; a test needs 5", "3e-05 cells; a test needs 5", "none", "12 cells; a test needs 5", "7 weeks", "for 8 of 9; 2 of 3; season 201401 is flat"} {
		r.add(reason)
	}
	if want := []Reason{{"n cells; a test needs 5", 3}, {"for n of 9; n of 3; season n is flat", 1}, {"n weeks", 1}, {"none", 1}}; !slices.Equal(r.list(), want) {
		t.Errorf("%v, want %v", r.list(), want)
	}
}

// TestDiscover: BH over the pairs of datasets with a candidate, which a dense
// test and one without p are not.
func TestDiscover(t *testing.T) {
	test := func(a, b string, p float64, dense bool) leaf {
		return leaf{Discovery: Discovery{A: a + ".x", B: b + ".y", P: p}, datasets: [2]string{a, b}, dense: dense, reason: "7 weeks"}
	}
	two := []leaf{test("c", "d", 0.04, false), test("a", "b", 0.02, false), test("a", "c", 0.9, true), test("b", "d", math.NaN(), false)}
	for _, tc := range []struct {
		name                                            string
		leaves                                          []leaf
		tests, dense, untestable, pairs, functions, all int
	}{
		{"two of two", two, 3, 1, 1, 2, 2, 2},
		{"none of three", append(slices.Clone(two), test("e", "f", 0.9, false)), 4, 1, 1, 0, 0, 0},
		{"one of three", []leaf{test("a", "b", 0.016, false), test("c", "d", 0.034, false), test("e", "f", 0.9, false)}, 3, 0, 0, 1, 1, 1},
		{"dense", []leaf{test("a", "b", 1e-9, true)}, 1, 1, 0, 0, 0, 0},
		{"two tests of one pair, either way round", []leaf{test("a", "b", 0.01, false), {Discovery: Discovery{A: "b.y", B: "a.x", P: 0.02}, datasets: [2]string{"b", "a"}}}, 2, 0, 0, 1, 1, 2},
		{"nothing", nil, 0, 0, 0, 0, 0, 0},
	} {
		d, err := discover(tc.leaves, 0.05)
		if err != nil {
			t.Fatal(err)
		}
		got := []int{d.Tests, d.Dense, len(d.Untestable), d.DatasetPairs, d.FunctionPairs, d.Leaves}
		if want := []int{tc.tests, tc.dense, tc.untestable, tc.pairs, tc.functions, tc.all}; !slices.Equal(got, want) || len(d.Found) != tc.all {
			t.Errorf("%s: %v and %d found, want %v", tc.name, got, len(d.Found), want)
		}
		if !slices.IsSortedFunc(d.Found, func(a, b Discovery) int { return cmp.Compare(a.P, b.P) }) {
			t.Errorf("%s: found %v, not the least p first", tc.name, d.Found)
		}
	}
}

// TestRates counts by hand: at the first shift two of three decoys of a and b
// and of a and c are called related, at the second one of two of a and b.
func TestRates(t *testing.T) {
	shifts := len(allShifts())
	tests := &groupTests{
		corpus: &functionCorpus{versions: []datasets.Version{datasets.Raw}, classes: []topology.Class{defaultSweep()}, options: DecoysOptions{Classes: []string{"sweep"}}},
		group:  &functionGroup{resolution: "day-city"}, pairs: [][2]int{{0, 1}, {2, 0}, {0, 3}},
	}
	for i := range 3 * shifts {
		l := leaf{Discovery: Discovery{P: math.NaN()}, reason: "7 weeks", datasets: [][2]string{{"a", "b"}, {"b", "a"}, {"a", "c"}}[i/shifts]}
		if p, ok := map[int]float64{0: 0.05, 1: 0.5, shifts: 0.0005, shifts + 1: 0.01, 2 * shifts: 1}[i]; ok {
			l.P = p
		}
		tests.shifts = append(tests.shifts, l)
	}
	r := tests.rates()[0]
	if r.Pairs != 3 || r.Decoys != 5 || r.Share05 != 0.6 || r.Share01 != 0.4 || r.Share001 != 0.2 || !slices.Equal(r.Untestable, []Reason{{"n weeks", 3*shifts - 5}}) {
		t.Errorf("%+v", r)
	}
	// Of two decoys 1.2 are expected, of one 0.6.
	if want := math.Sqrt(0.8*0.8+0.2*0.2+0.6*0.6) / 5; math.Abs(r.Error05-want) > 1e-12 {
		t.Errorf("standard error %g, want %g", r.Error05, want)
	}
	if want := []ShiftRate{{-104, 3, 2. / 3}, {-90, 2, 0.5}, {-75, 0, 0}}; !slices.Equal(r.ByWeeks[:3], want) {
		t.Errorf("by weeks %v, want %v", r.ByWeeks[:3], want)
	}
}

// TestMarkedWeeks: steps of a week are tested as such, which takes 36 of them.
func TestMarkedWeeks(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for weeks, windowed := range map[int]bool{33: false, 40: true} {
		var m [2]*marked
		for i := range m {
			values := make([]float64, weeks)
			for j := range values {
				values[j] = rng.NormFloat64()
			}
			var err error
			if m[i], err = markFunction(context.Background(), dayFunction("a", "x", datasets.Week, 0, values), defaultSweep()); err != nil {
				t.Fatal(err)
			}
		}
		if s := m[0].test(m[1], 0); (s.Results[0].Windows > 0) != windowed {
			t.Errorf("%d weeks: %d windows, %q", weeks, s.Results[0].Windows, s.Reason)
		}
	}
}
