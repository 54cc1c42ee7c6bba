package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"polygamy/datasets"
	"polygamy/relate"
	"polygamy/topology"
)

const federalHolidays = "../notebooks/corpus/us-federal-holidays.txt"

func comparisons(t *testing.T, o CompareOptions) []Comparison {
	t.Helper()
	o.Format = "json"
	var results []Comparison
	if err := json.Unmarshal([]byte(compare(t, o)), &results); err != nil {
		t.Fatal(err)
	}
	return results
}

// saveSteps writes a function with a value for each step and region, from
// Monday 2008-01-07 on, or the year or month that it is in.
func saveSteps(t *testing.T, name string, r datasets.Resolution, steps, regions int, value func(step, region int) float64) string {
	t.Helper()
	f := &datasets.Function{
		Dataset: name, Spec: datasets.FunctionSpec{Kind: datasets.Mean, Column: "x"},
		Axis:    datasets.NewAxis(r, nil, time.Date(2008, 1, 7, 0, 0, 0, 0, time.UTC), steps),
		Regions: &datasets.RegionSystem{Name: "blocks"},
	}
	var edges [][2]int
	for i := range regions {
		f.Regions.IDs = append(f.Regions.IDs, fmt.Sprint("block", i))
		if i > 0 {
			edges = append(edges, [2]int{i - 1, i})
		}
	}
	f.Regions.Names = f.Regions.IDs
	var err error
	if f.Regions.Graph, err = topology.NewGraph(regions, edges); err != nil {
		t.Fatal(err)
	}
	for step := range steps {
		for region := range regions {
			f.Values = append(f.Values, value(step, region))
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return write(t, name+".arrow", b.String())
}

func noise(seed uint64) func(step, region int) float64 {
	rng := rand.New(rand.NewPCG(seed, 71))
	return func(int, int) float64 { return rng.NormFloat64() }
}

// TestCompareOptions: the page with everything but the standard techniques.
func TestCompareOptions(t *testing.T) {
	folder := t.TempDir()
	if _, err := ingest(t, IngestOptions{Catalog: corpus + "/catalog.yaml", Out: folder, Datasets: []string{"citibike_daily", "weather_central_park_daily"}}); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(folder, "functions", name) }
	tolerance := 1
	o := CompareOptions{
		A: file("citibike_daily/day-city/sum.trips.arrow"), B: file("weather_central_park_daily/day-city/sum.precip_in.arrow"), Versions: []string{"anomaly"},
		Given:    []string{file("weather_central_park_daily/day-city/max.temp_max_f.arrow"), file("weather_central_park_daily/week-city/max.temp_max_f.arrow")},
		Holidays: federalHolidays, Events: &tolerance, First: -1, Last: 1,
	}
	page := compare(t, o)
	for _, null := range []string{"windows:13", "weeks"} {
		page += compare(t, CompareOptions{A: o.A, B: o.B, Versions: o.Versions, Null: null, Holidays: o.Holidays})
	}
	golden(t, "compare-options", page)

	c := comparisons(t, o)[0]
	main, given, holidays := c.at(), c.Given[0], c.Holidays
	if given.Before.PP != main.PP || given.Before.Cells != main.Cells || given.After.Cells >= main.Cells || *given.KappaLeft != *given.After.Kappa / *given.Before.Kappa {
		t.Errorf("given a function that covers all: before %+v, after %+v of %+v", given.Before, given.After, main)
	}
	if other := c.Given[1]; other.Testable || other.Reason != "their steps differ: day and week; choose functions of one resolution, such as those in week-city" {
		t.Errorf("given weeks: %+v", other)
	}
	if holidays.At.Weeks+holidays.WeeksOut != main.Weeks || holidays.P == nil || *holidays.P == *c.P {
		t.Errorf("%d weeks, %d without %d of holidays; p %v", main.Weeks, holidays.At.Weeks, holidays.WeeksOut, holidays.P)
	}
	if len(c.Events) != 4 || c.Events[0].Trigger.Rate == nil || c.Maps != nil || c.Measures != nil {
		t.Errorf("%d rates, maps %v, measures %v", len(c.Events), c.Maps, c.Measures)
	}
	for _, i := range []*[2]float64{main.ScoreInterval, main.StrengthInterval, main.PrecisionInterval, main.RecallInterval} {
		if i == nil || i[0] >= i[1] {
			t.Errorf("interval %v", i)
		}
	}
	if i := main.StrengthInterval; main.Strength < i[0] || main.Strength > i[1] {
		t.Errorf("strength %g in [%g, %g]", main.Strength, i[0], i[1])
	}
}

// TestCompareGiven: what a third function drives is gone given it, and what
// it has no part in remains; a function of the city stands for all regions.
func TestCompareGiven(t *testing.T) {
	const days, regions = 7 * 104, 3
	weather, other := make([]float64, days), make([]float64, days)
	rng := rand.New(rand.NewPCG(2, 72))
	for i := range weather {
		weather[i], other[i] = rng.NormFloat64(), rng.NormFloat64()
	}
	driven := func(by []float64, seed uint64) func(step, region int) float64 {
		own := noise(seed)
		return func(step, region int) float64 { return 3*by[step] + own(step, region) }
	}
	third := saveSteps(t, "weather", datasets.Day, days, 1, func(step, _ int) float64 { return weather[step] })
	a, b := saveSteps(t, "a", datasets.Day, days, regions, driven(weather, 3)), saveSteps(t, "b", datasets.Day, days, regions, driven(weather, 4))
	c, d := saveSteps(t, "c", datasets.Day, days, regions, driven(other, 5)), saveSteps(t, "d", datasets.Day, days, regions, driven(other, 6))
	for _, tc := range []struct {
		a, b        string
		least, most float64 // of the share of kappa that is left
	}{{a, b, -0.2, 0.6}, {c, d, 0.8, 1.2}} {
		result := comparisons(t, CompareOptions{A: tc.a, B: tc.b, Given: []string{third}, Versions: []string{"raw"}})[0]
		g := result.Given[0]
		if *result.P > 1e-8 || !g.Testable || *g.KappaLeft < tc.least || *g.KappaLeft > tc.most {
			t.Errorf("%s and %s: p %g, given the weather %g with %g of kappa left", result.A, result.B, *result.P, *g.P, *g.KappaLeft)
		}
		if g.CellsLeft == nil || *g.CellsLeft >= 1 || g.FeaturesLeft == nil {
			t.Errorf("%s and %s: shares left %v, %v", result.A, result.B, g.CellsLeft, g.FeaturesLeft)
		}
	}
	if r := comparisons(t, CompareOptions{A: third, B: third, Given: []string{a}, Versions: []string{"raw"}})[0].Given[0].Reason; !strings.HasPrefix(r, "their regions differ: 1 and 3; choose functions of one region system") {
		t.Errorf("a third with regions, of the city: %q", r)
	}
}

// TestCompareGivenDense: of a third that is 0 in most cells only the other
// sign is left out, at the levels where the zeros are features.
func TestCompareGivenDense(t *testing.T) {
	const days = 7 * 60
	own, rain := noise(21), rand.New(rand.NewPCG(22, 71))
	a := saveSteps(t, "a", datasets.Day, days, 1, own)
	third := saveSteps(t, "rain", datasets.Day, days, 1, func(step, _ int) float64 {
		if step%4 == 0 {
			return 1 + rain.Float64()
		}
		return 0
	})
	o := CompareOptions{A: a, B: a, Given: []string{third}, Versions: []string{"raw"}}
	c := comparisons(t, o)[0]
	g := c.Given[0]
	level, _ := strconv.Atoi(strings.TrimPrefix(c.Level, "tail:"))
	wet := int(math.Ceil(float64(level) / 100 * days)) // no two values above 0 are equal
	if g.Dense != "valley" || *g.DenseShare != 0.75 || g.Before.Cells != days || g.After.Cells != days-wet || !g.Testable {
		t.Errorf("at %s: dense %q, share %v, %d of %d cells left, want %d; testable %t: %s", c.Level, g.Dense, g.DenseShare, g.After.Cells, g.Before.Cells, days-wet, g.Testable, g.Reason)
	}
	if page, want := compare(t, o), "warning: it is dense: its valleys are 75 % of its cells, most of them of one value; only its spikes were left out\n"; !strings.Contains(page, want) {
		t.Errorf("%s: no %s", page, want)
	}
}

// TestCompareGivenWithout: the p given a third function is that of its
// definition: of the levels that can be tested, those that are dense count only
// if all are.
func TestCompareGivenWithout(t *testing.T) {
	const days = 7 * 104
	rng := rand.New(rand.NewPCG(23, 71))
	usual := make([]bool, days) // of both functions alike
	for i := range usual {
		usual[i] = rng.Float64() < 0.6
	}
	tied := func(step, _ int) float64 { // tail:20 holds the 5s, the other levels do not
		switch {
		case usual[step]:
			return 5
		case rng.Float64() < 0.65:
			return rng.Float64()
		}
		return 9 + rng.Float64()
	}
	a, b := saveSteps(t, "a", datasets.Day, days, 1, tied), saveSteps(t, "b", datasets.Day, days, 1, tied)
	c := saveSteps(t, "c", datasets.Day, days, 1, noise(24))
	result := comparisons(t, CompareOptions{A: a, B: b, Given: []string{c}, Versions: []string{"raw"}})[0]
	var functions [3][]*relate.Marks
	for i, name := range []string{a, b, c} {
		f, err := readFunction(name)
		if err != nil {
			t.Fatal(err)
		}
		functions[i] = sweepMarks(t, f)
	}
	for level := range functions[0] {
		f, g := functions[0][level], functions[1][level]
		r, l := relate.Test(f, g, relate.NewMemory(f), relate.NewMemory(g)), result.Levels[level]
		if r.Testable != (l.Drift != nil) || r.Testable && (*l.Drift != r.Drift || *l.Guard != r.Inflation) {
			t.Errorf("%s: drift %v and guard %v, want %g and %g", l.Level, l.Drift, l.Guard, r.Drift, r.Inflation)
		}
	}
	p := map[bool][]float64{} // of dense levels, and the others
	for level, third := range functions[2] {
		f, g := functions[0][level].Without(third, 1), functions[1][level].Without(third, 1)
		if r := relate.Test(f, g, relate.NewMemory(f), relate.NewMemory(g)); r.Testable {
			p[r.Dense] = append(p[r.Dense], r.P)
		}
	}
	if len(p[true]) == 0 || len(p[false]) < 2 || slices.Min(p[true]) > 1e-4 || slices.Min(p[false]) < slices.Min(p[true]) {
		t.Fatalf("p of dense levels %v, of others %v: no case to tell", p[true], p[false])
	}
	if got, want := *result.Given[0].P, min(1, float64(len(p[false]))*slices.Min(p[false])); got != want {
		t.Errorf("p = %g, want %g", got, want)
	}
}

// TestCompareResolutions: what is tested at which resolution; where there is
// no p, counts and effect sizes are there, and the reason.
func TestCompareResolutions(t *testing.T) {
	for _, tc := range []struct {
		name     string
		r        datasets.Resolution
		steps    int
		version  string
		null     string
		unit     string
		reason   string // "" if it is tested
		contains string // in the null hypothesis
		levels   int
	}{
		{"weeks", datasets.Week, 160, "raw", "", "weeks", "", "each one's own level at the scale of six weeks", 5},
		{"few weeks", datasets.Week, 35, "raw", "", "weeks", "35 common weeks with data; a test needs 36", "", 5},
		{"few weeks, permuted", datasets.Week, 35, "raw", "weeks", "weeks", "", "the order of the weeks", 5},
		{"months", datasets.Month, 144, "anomaly", "", "months", "", "own level at the scale of a year, the month-to-month", 5},
		{"raw months", datasets.Month, 144, "raw", "", "months", "raw months share the cycle of the year, which would pass for a relationship; see the anomaly, or choose a finer resolution", "", 5},
		{"months, permuted", datasets.Month, 144, "anomaly", "weeks", "months", "months are tested in windows of a year; leave --null out", "", 5},
		{"few months", datasets.Month, 35, "anomaly", "", "", "few months.mean(x) has no anomaly: 35 months make no routine to depart from; choose a finer resolution", "", 0},
		{"years", datasets.Year, 9, "raw", "", "years", "years have nothing to be exchanged in; choose a finer resolution", "", 5},
		{"years without a routine", datasets.Year, 9, "anomaly", "", "", "years without a routine.mean(x) has no anomaly: 9 years make no routine to depart from; choose a finer resolution", "", 0},
		{"days, windows of 13", datasets.Day, 7 * 120, "raw", "windows:13", "weeks", "", "own day-of-week profile and its level at the scale of 13 weeks, the week-to-week", 5},
		{"days, permuted", datasets.Day, 7 * 60, "raw", "weeks", "weeks", "", "the order of the weeks", 5},
	} {
		value := noise(1)
		x := saveSteps(t, tc.name, tc.r, tc.steps, 1, value)
		c := comparisons(t, CompareOptions{A: x, B: x, Versions: []string{tc.version}, Null: tc.null})[0]
		if c.Testable != (tc.reason == "") || c.Reason != tc.reason || c.Unit != tc.unit || !strings.Contains(c.Null, tc.contains) || len(c.Levels) != tc.levels {
			t.Errorf("%s: testable %t, %q; unit %q, null %q, %d levels", tc.name, c.Testable, c.Reason, c.Unit, c.Null, len(c.Levels))
			continue
		}
		if c.Testable != (c.P != nil) || c.Exploratory != (tc.null == "weeks" && c.Testable) {
			t.Errorf("%s: p %v, exploratory %t", tc.name, c.P, c.Exploratory)
		}
		if tc.levels == 0 {
			continue
		}
		l := c.Levels[4] // of a function with itself: all of 20 % a side agree
		if want := 2 * int(math.Ceil(0.2*float64(tc.steps))); l.PP+l.NN != want || l.Score != 1 || l.Strength != 1 || (l.Kappa == nil) == c.Testable {
			if tc.r != datasets.Month || !c.Testable { // the windows hold all rows
				t.Errorf("%s: %d cells, want %d; score %g, strength %g, kappa %v", tc.name, l.PP+l.NN, want, l.Score, l.Strength, l.Kappa)
			}
		}
	}
}

func sweepMarks(t *testing.T, f *datasets.Function) []*relate.Marks {
	t.Helper()
	s, err := newSwept(t.Context(), f, defaultSweep())
	if err != nil {
		t.Fatal(err)
	}
	return s.marks()
}

// TestMonthCalibration: the sweep of month anomalies of 12 years with a shared
// yearly cycle calls 5 % of unrelated pairs related; were the cycle left in, it
// would be most. Three standard errors of 0.05 are 0.038.
func TestMonthCalibration(t *testing.T) {
	const months, pairs = 144, 300
	called := map[bool]int{}
	for seed := range uint64(pairs) {
		rng := rand.New(rand.NewPCG(seed, 74))
		var q question
		q.null = nullFor(relate.Null{}, datasets.Month, "anomaly")
		var raw [2][]*relate.Marks
		for i := range q.marks {
			f := &datasets.Function{
				Spec: datasets.FunctionSpec{Kind: datasets.Mean, Column: "x"}, Regions: datasets.WholeCity(),
				Axis: datasets.NewAxis(datasets.Month, nil, time.Date(2004, 3, 1, 0, 0, 0, 0, time.UTC), months),
			}
			state := rng.NormFloat64()
			for m := range months {
				state = 0.6*state + 0.8*rng.NormFloat64()
				f.Values = append(f.Values, 50+state+1.5*math.Cos(2*math.Pi*float64(m)/12))
			}
			a, reason := versionOf(f, "anomaly")
			if reason != "" {
				t.Fatal(reason)
			}
			q.marks[i], raw[i] = sweepMarks(t, a), sweepMarks(t, f)
		}
		for removed, marks := range map[bool][2][]*relate.Marks{true: q.marks, false: raw} {
			s, err := q.null.Lags(context.Background(), marks[0], marks[1], memoriesOf(marks[0]), memoriesOf(marks[1]), 1, []int{0})
			if err != nil {
				t.Fatal(err)
			}
			if s.P <= 0.05 {
				called[removed]++
			}
		}
	}
	share := func(removed bool) float64 { return float64(called[removed]) / pairs }
	t.Logf("at 0.05: anomalies %.3f, raw %.3f", share(true), share(false))
	if share(true) < 0.015 || share(true) > 0.09 || share(false) < 0.3 {
		t.Errorf("at 0.05: anomalies %.3f, raw %.3f", share(true), share(false))
	}
}

// TestCompareDense: levels that mark more than half of the cells alone make no
// discovery, though nothing be clearer than that the two are related.
func TestCompareDense(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 7))
	common := make([]float64, 7*104)
	for i := range common {
		common[i] = float64(rng.IntN(2))
	}
	// Of values of two kinds, every level marks all.
	value := func(step, _ int) float64 {
		if rng.Float64() < 0.2 {
			return float64(rng.IntN(2))
		}
		return common[step]
	}
	o := CompareOptions{A: saveSteps(t, "a", datasets.Day, len(common), 1, value), B: saveSteps(t, "b", datasets.Day, len(common), 1, value), Versions: []string{"raw"}}
	c := comparisons(t, o)[0]
	if !c.Testable || !c.Dense || *c.P > 0.05 || c.From == "" {
		t.Errorf("testable %t, dense %t, p %v, from %q", c.Testable, c.Dense, c.P, c.From)
	}
	if page := compare(t, o); !strings.Contains(page, "they may move together") || !strings.Contains(page, "no discovery") {
		t.Error(page)
	}
}

// TestCompareFromTo: a finding holds at levels next to the best, and not at
// those beyond one where it does not.
func TestCompareFromTo(t *testing.T) {
	f := &datasets.Function{Regions: datasets.WholeCity(), Axis: datasets.NewAxis(datasets.Day, nil, time.Date(2014, 1, 6, 0, 0, 0, 0, time.UTC), 7)}
	empty := &relate.Marks{Cells: 7, Words: 1}
	lags := []int{0, 1}
	q := &question{o: &CompareOptions{}, f: f, levels: []string{"tail:1", "tail:2", "tail:5"}, lags: lags}
	q.search = &relate.Search{Testable: true, Effective: 1, Best: 5, P: 1e-6, First: 5, Last: 5}
	for _, p := range []float64{0.04, 0.04, 0.9, 0.9, 0.9, 1e-6} {
		q.search.Results = append(q.search.Results, &relate.Result{Testable: true, P: p})
	}
	for i := range q.marks {
		q.marks[i], q.conflicts[i] = []*relate.Marks{empty, empty, empty}, make([]int, 3)
	}
	var c Comparison
	if err := q.fill(context.Background(), &c); err != nil {
		t.Fatal(err)
	}
	if c.Level != "tail:5" || c.Lag != 1 || c.From != "tail:5" || c.To != "tail:5" {
		t.Errorf("best at %s and lag %d, holds from %s to %s, though not at tail:2", c.Level, c.Lag, c.From, c.To)
	}
}

// TestCompareHolidaysNeedWeeks: months are not cut.
func TestCompareHolidaysNeedWeeks(t *testing.T) {
	x := saveSteps(t, "x", datasets.Month, 144, 1, noise(1))
	page := compare(t, CompareOptions{A: x, B: x, Versions: []string{"anomaly"}, Holidays: federalHolidays})
	if !strings.Contains(page, "without holidays: not tested: steps of a month are too long to leave out holidays") {
		t.Error(page)
	}
}

// TestCompareHolidaysLags: a week of holidays takes those from the test that it
// is moved to by some lag.
func TestCompareHolidaysLags(t *testing.T) {
	x := saveSteps(t, "x", datasets.Day, 7*60, 1, noise(1)) // of 2008 and 2009
	o := CompareOptions{A: x, B: x, Versions: []string{"raw"}, First: -14, Last: 14, Holidays: write(t, "days.txt", "2008-07-04\n")}
	h, c := comparisons(t, o)[0].Holidays, comparisons(t, o)[0]
	if h.WeeksOut != 5 || c.at().Weeks != 56 || h.At.Weeks != 51 { // two weeks on each side; the same at the ends
		t.Errorf("%d weeks out, %d of %d left; want 5, 51 of 56", h.WeeksOut, h.At.Weeks, c.at().Weeks)
	}
	if page := compare(t, o); !strings.Contains(page, "  without the 5 weeks of holidays, moved by every lag: p = ") {
		t.Error(page)
	}
}

func TestReadHolidays(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"\ufeff# a comment\n2015-07-04\n\n 2015-07-03 # the day before\r\n2015-07-06\n", "2374 2375"},
		{"2015-07-04\n2015-13-01\n", `line 2: "2015-13-01" is no date; write one a line, such as 2015-07-04`},
		{"2015-07-04,2015-07-05", `line 1: "2015-07-04,2015-07-05" is no date; write one a line, such as 2015-07-04`},
		{"# none\n", "no dates; write one a line, such as 2015-07-04"},
	} {
		path := write(t, "days.txt", tc.text)
		weeks, err := readHolidays(path)
		got := strings.Trim(fmt.Sprint(weeks), "[]")
		if err != nil {
			got = err.Error()
			tc.want = path + ": " + tc.want
		}
		if got != tc.want {
			t.Errorf("%q: %s, want %s", tc.text, got, tc.want)
		}
	}
	if err := Compare(context.Background(), CompareOptions{A: write(t, "a.csv", field), B: write(t, "b.csv", field), Holidays: "none.txt"}, new(bytes.Buffer)); ExitCode(err) != ExitInput {
		t.Errorf("a missing file of holidays: %v", err)
	}
}

// TestFederalHolidays finds the days of 5 U.S.C. 6103 by its words.
func TestFederalHolidays(t *testing.T) {
	var want []string
	for day := time.Date(2005, 12, 31, 0, 0, 0, 0, time.UTC); day.Year() < 2018; day = day.AddDate(0, 0, 1) {
		nth, last := (day.Day()+6)/7, day.AddDate(0, 0, 7).Month() != day.Month()
		observed := day
		switch m, w := day.Month(), day.Weekday(); {
		case m == time.January && day.Day() == 1, m == time.July && day.Day() == 4, m == time.November && day.Day() == 11, m == time.December && day.Day() == 25:
			if w == time.Saturday {
				observed = day.AddDate(0, 0, -1)
			} else if w == time.Sunday {
				observed = day.AddDate(0, 0, 1)
			}
		case w == time.Monday && (nth == 3 && (m == time.January || m == time.February) || m == time.May && last || m == time.September && nth == 1 || m == time.October && nth == 2):
		case w == time.Thursday && m == time.November && nth == 4:
		default:
			continue
		}
		if y := observed.Year(); y >= 2006 && y <= 2016 {
			want = append(want, observed.Format(time.DateOnly))
		}
	}
	text, err := os.ReadFile(federalHolidays)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		if date, _, _ := strings.Cut(line, "#"); strings.TrimSpace(date) != "" {
			got = append(got, strings.TrimSpace(date))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d days, want %d:\n%v\n%v", len(got), len(want), got, want)
	}
}

// TestCompareUsage: options that do not go together, or are not known.
func TestCompareUsage(t *testing.T) {
	x, below := saveSteps(t, "x", datasets.Day, 400, 1, noise(1)), -1
	for _, o := range []CompareOptions{
		{Null: "windows:3"}, {Null: "windows:27"}, {Null: "windows:six"}, {Null: "months"}, {Null: "weeks:6"}, {Null: "windows:"},
		{Last: math.MaxInt}, {First: math.MinInt, Last: math.MaxInt}, {First: -401}, {Last: 401},
		{Events: &below}, {Compat: true, Measures: true}, {Compat: true, Given: []string{x}}, {Compat: true, Null: "weeks"},
	} {
		o.A, o.B = x, x
		if err := Compare(context.Background(), o, new(bytes.Buffer)); ExitCode(err) != ExitUsage {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if err := Compare(context.Background(), CompareOptions{A: x, B: x, First: 400, Last: 400, Versions: []string{"raw"}}, new(bytes.Buffer)); err != nil {
		t.Errorf("a lag of the whole record: %v", err)
	}
	long := 1_000
	if err := Compare(context.Background(), CompareOptions{A: x, B: x, Events: &long}, new(bytes.Buffer)); ExitCode(err) != ExitUsage {
		t.Errorf("a tolerance longer than the record: %v", err)
	}
	if err := Compare(context.Background(), CompareOptions{A: x, B: x, Given: []string{"none.csv"}}, new(bytes.Buffer)); ExitCode(err) != ExitInput {
		t.Errorf("a third that is not there: %v", err)
	}
}

// TestCompareInterrupted: a search over lags ends with its context, in the
// middle.
func TestCompareInterrupted(t *testing.T) {
	o := CompareOptions{First: -300, Last: 300}
	p := &compared{}
	for i, to := range []**datasets.Function{&p.a, &p.b} {
		value := noise(uint64(i))
		f := &datasets.Function{
			Spec: datasets.FunctionSpec{Kind: datasets.Mean, Column: "x"}, Regions: datasets.WholeCity(),
			Axis: datasets.NewAxis(datasets.Day, nil, time.Date(2014, 1, 6, 0, 0, 0, 0, time.UTC), 7*104),
		}
		for step := range f.Axis.Len() {
			f.Values = append(f.Values, value(step, 0))
		}
		*to = f
	}
	ctx := &countedContext{Context: context.Background(), left: 1_000}
	if _, err := o.compare(ctx, p, "raw"); !errors.Is(err, context.Canceled) || ctx.left < -5 {
		t.Errorf("error %v; asked %d times after the end", err, -ctx.left)
	}
}

// A countedContext ends when it has been asked so often.
type countedContext struct {
	context.Context
	left int
}

func (c *countedContext) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestCompareMeasures: a correlation is found in the values, under the null;
// with regions, maps are a question beside it.
func TestCompareMeasures(t *testing.T) {
	common := make([]float64, 7*60)
	rng := rand.New(rand.NewPCG(9, 73))
	for i := range common {
		common[i] = rng.NormFloat64()
	}
	pages := make(map[int]string) // by regions
	run := func(regions int) Comparison {
		of := func(name string, seed uint64) string {
			own := noise(seed)
			return saveSteps(t, name, datasets.Day, len(common), regions, func(step, region int) float64 {
				if step%50 == int(seed) {
					return math.NaN()
				}
				return common[step] + 0.5*own(step, region) + 0.3*float64(region%4)
			})
		}
		var progress bytes.Buffer
		o := CompareOptions{A: of("a", 1), B: of("b", 2), Versions: []string{"raw"}, Measures: true, Progress: &progress}
		pages[regions] = compare(t, o)
		if said := progress.String(); strings.Count(said, "\r\x1b[K") != 5 || !strings.HasSuffix(said, "time warp\r\x1b[K") {
			t.Errorf("progress %q", said)
		}
		return comparisons(t, o)[0]
	}
	city, blocks := run(1), run(12)
	for i, m := range city.Measures {
		if m.Value == nil || m.P == nil || *m.P > 0.02 || m.Draws < 100 || m.Reason != "" {
			t.Errorf("%s: value %v, p %v after %d draws, %q", m.Name, m.Value, m.P, m.Draws, m.Reason)
		}
		if correlation := i < 2; m.Guard == nil || *m.Guard < 1 || (m.Drift == nil) == correlation {
			t.Errorf("%s: guard %v, drift %v", m.Name, m.Guard, m.Drift)
		}
	}
	for _, want := range []string{" at the same step, under the same null:\n", "\n    mutual information", " nats   p = ", ", guard 1.", ", drift 0.", " standard deviations a step   p = "} {
		if !strings.Contains(pages[1], want) {
			t.Errorf("no %q in\n%s", want, pages[1])
		}
	}
	if want := "   of one series only, not of regions\n"; strings.Count(pages[12], want) != 2 {
		t.Errorf("not twice %q in\n%s", want, pages[12])
	}
	if len(city.Measures) != 4 || city.Maps != nil || math.Abs(*city.Measures[0].Value-0.8) > 0.08 {
		t.Errorf("%d measures of the city, %d maps", len(city.Measures), len(city.Maps))
	}
	for i, m := range blocks.Measures {
		if tested := m.P != nil; tested != (i < 2) || tested == (m.Reason != "") {
			t.Errorf("%s of regions: p %v, %q", m.Name, m.P, m.Reason)
		}
	}
	if len(blocks.Maps) != 2 || blocks.Maps[0].Level != "tail:10" || blocks.Maps[0].Sign != "spike" || !blocks.Maps[0].Testable || *blocks.Maps[0].Correlation < 0.5 {
		t.Errorf("maps %+v", blocks.Maps)
	}
}

// TestLayRows compares with the clock of a zone whose clocks change.
func TestLayRows(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	const hours, regions = 24 * 7 * 20, 2
	f := &datasets.Function{
		Axis:    datasets.NewAxis(datasets.Hour, zone, time.Date(2014, 9, 3, 5, 0, 0, 0, zone), hours),
		Regions: &datasets.RegionSystem{IDs: []string{"a", "b"}},
	}
	for i := range hours * regions {
		f.Values = append(f.Values, float64(i*i%1009))
		if i%31 == 0 {
			f.Values[i] = math.NaN()
		}
	}
	first, _, _, err := slotsOf(f.Axis)
	if err != nil {
		t.Fatal(err)
	}
	place := map[int]int{first + 9: 0, first + 2: 1, first + 8: 2}
	got, period, err := layRows(f, place)
	if err != nil || period != 168*regions || len(got) != 3*period {
		t.Fatalf("%d values, rows of %d: %v", len(got), period, err)
	}
	sum, n := make([]float64, len(got)), make([]float64, len(got))
	monday := time.Date(2014, 9, 1, 0, 0, 0, 0, time.UTC)
	for step := range hours {
		at := f.Axis.Start(step)
		clock := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), 0, 0, 0, time.UTC)
		slot := int(clock.Sub(monday).Hours())
		to, ok := place[first+slot/168]
		for r := range regions {
			if v := f.Values[step*regions+r]; ok && !math.IsNaN(v) {
				sum[to*period+slot%168*regions+r] += v
				n[to*period+slot%168*regions+r]++
			}
		}
	}
	twice := 0
	for i := range got {
		if n[i] == 2 {
			twice++
		}
		if want := sum[i] / n[i]; got[i] != want && !(math.IsNaN(got[i]) && math.IsNaN(want)) {
			t.Fatalf("place %d: %g, want %g", i, got[i], want)
		}
	}
	if twice == 0 {
		t.Error("no hour comes twice")
	}
}

// TestCompareKeys: the documents explain every key of the JSON.
func TestCompareKeys(t *testing.T) {
	var keys []string
	var visit func(r reflect.Type)
	visit = func(r reflect.Type) {
		for r.Kind() == reflect.Pointer || r.Kind() == reflect.Slice {
			r = r.Elem()
		}
		if r.Kind() != reflect.Struct {
			return
		}
		for i := range r.NumField() {
			if key, _, _ := strings.Cut(r.Field(i).Tag.Get("json"), ","); key != "" {
				keys = append(keys, key)
				visit(r.Field(i).Type)
			}
		}
	}
	visit(reflect.TypeFor[Comparison]())
	for _, name := range []string{"docs/compare.md", "../README.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			if !bytes.Contains(text, []byte("`"+key+"`")) {
				t.Errorf("%s does not explain the key %s", name, key)
			}
		}
	}
}

// TestCompareLead: who comes first, and at which other lags the finding holds;
// the sentences of the event view say where the other function's features lie.
func TestCompareLead(t *testing.T) {
	c := Comparison{A: "rain", B: "trips", step: "hour", Lag: -3, Effective: 2}
	for lag, p := range map[int]float64{-4: 0.03, -3: 1e-4, -2: 0.02, -1: 0.025, 0: 0.5, 1: 0.01} {
		c.Lags = append(c.Lags, Tested{Lag: lag, P: &p})
	}
	c.Lags = append(c.Lags, Tested{Lag: 2})
	slices.SortFunc(c.Lags, func(a, b Tested) int { return a.Lag - b.Lag })
	for _, tc := range []struct {
		lag  int
		want string
	}{
		{-3, ", strongest where trips leads by 3 hours (lags -3 to -1 and 1 hold as well)"},
		{1, ", strongest where rain leads by 1 hour (lags -3 to -1 and 1 hold as well)"},
	} {
		if c.Lag = tc.lag; c.lead() != tc.want {
			t.Errorf("at lag %d: %q, want %q", tc.lag, c.lead(), tc.want)
		}
	}
	c.Lags = c.Lags[5:]
	if want := ", strongest where rain leads by 1 hour"; c.lead() != want {
		t.Errorf("one lag: %q, want %q", c.lead(), want)
	}
	for _, tc := range []struct {
		from, to int
		want     string
	}{
		{0, 0, "a's spikes have a valley of b in the same hour"},
		{0, 1, "a's spikes are followed by a valley of b within 1 hour"},
		{2, 4, "a's spikes are followed by a valley of b 2 to 4 hours later"},
		{1, 1, "a's spikes are followed by a valley of b 1 hour later"},
		{-4, -3, "a's spikes are preceded by a valley of b 3 to 4 hours before"},
		{-3, 0, "a's spikes are preceded by a valley of b within 3 hours"},
		{-2, -2, "a's spikes are preceded by a valley of b 2 hours before"},
		{-1, 3, "a's spikes have a valley of b from 1 hour before to 3 hours later"},
	} {
		if got := c.meeting("a", "spike", "b", "valley", tc.from, tc.to); got != tc.want {
			t.Errorf("%d to %d: %q, want %q", tc.from, tc.to, got, tc.want)
		}
	}
}

// TestCompareEventsBefore: b's spikes come three days before a's, and the
// sentences say so.
func TestCompareEventsBefore(t *testing.T) {
	values := make([]float64, 7*60+3)
	own := noise(31)
	for i := range values {
		values[i] = own(i, 0)
	}
	tolerance := 0
	late := saveSteps(t, "late", datasets.Day, 7*60, 1, func(step, _ int) float64 { return values[step] })
	early := saveSteps(t, "early", datasets.Day, 7*60, 1, func(step, _ int) float64 { return values[step+3] })
	page := compare(t, CompareOptions{A: late, B: early, Versions: []string{"raw"}, First: -3, Last: -2, Events: &tolerance})
	for _, want := range []string{
		"they move together", ", strongest where early.mean(x) leads by 3 days; it holds",
		"\n  a is late.mean(x), b is early.mean(x)\n",
		"  100 % of a's spikes are preceded by a spike of b 3 days before, ",
		"  100 % of b's spikes are followed by a spike of a 3 days later, ",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}

// TestCompareMeasuresUntested: without windows there are values with their
// units, and the reason once.
func TestCompareMeasuresUntested(t *testing.T) {
	days, years := saveSteps(t, "days", datasets.Day, 7*60, 1, noise(1)), saveSteps(t, "years", datasets.Year, 9, 1, noise(2))
	for _, tc := range []struct{ file, null, want string }{
		{days, "weeks", " at the same step, not tested: their null is that of windows:\n    pearson                   1\n    spearman                  1\n    mutual information     4.78 nats\n    time warp                 0 standard deviations a step\n"},
		{years, "", " at the same step, not tested: years have nothing to be exchanged in; choose a finer resolution:\n    pearson                   1\n"},
	} {
		page := compare(t, CompareOptions{A: tc.file, B: tc.file, Versions: []string{"raw"}, Null: tc.null, Measures: true})
		if !strings.Contains(page, tc.want) {
			t.Errorf("no %q in\n%s", tc.want, page)
		}
	}
}

func TestJoint(t *testing.T) {
	none := math.NaN()
	if n := joint([]float64{1, none, 3, 4}, []float64{1, 2, none, 4}); n != 2 {
		t.Errorf("%d places with both values, want 2", n)
	}
}

// TestCompareMaps: whether spikes are in the same places is asked of raw
// functions, at the usual level whatever the test found; of a map that says
// nothing, which it is.
func TestCompareMaps(t *testing.T) {
	const days, regions = 7 * 60, 12
	own, flat := noise(41), noise(42)
	a := saveSteps(t, "a", datasets.Day, days, regions, func(step, region int) float64 { return own(step, region) + float64(region) })
	b := saveSteps(t, "b", datasets.Day, days, regions, func(step, region int) float64 {
		switch {
		case region == 3: // as a region of one of the two often is
			return math.NaN()
		case step%10 == 0:
			return 9 + flat(step, region)/100 + float64(region)/1e3 // a tenth of the steps of every region
		}
		return flat(step, region) / 100
	})
	raw := CompareOptions{A: a, B: a, Versions: []string{"raw"}}
	page := compare(t, raw)
	if !strings.Contains(page, "about where and not when, at tail:10:\n    spikes   r = 1.00 over 12 regions, worth ") || !strings.Contains(page, " independent ones, p = ") {
		t.Error(page)
	}
	raw.B = b
	if page, want := compare(t, raw), "    spikes   not tested: they are 10 % of the steps of b.mean(x) in every region\n"; !strings.Contains(page, want) {
		t.Errorf("no %q in\n%s", want, page)
	}
	raw.Versions = []string{"anomaly"}
	if c := comparisons(t, raw)[0]; c.Maps != nil {
		t.Errorf("maps of anomalies: %+v", c.Maps)
	}
}

// TestCompareReasons: what a reader can act on.
func TestCompareReasons(t *testing.T) {
	days := func(name string, regions int, value func(step, region int) float64) string {
		return saveSteps(t, name, datasets.Day, 7*60, regions, value)
	}
	x, flat := days("x", 1, noise(1)), days("flat", 1, func(int, int) float64 { return 5 })
	short := saveSteps(t, "short", datasets.Day, 35, 1, noise(3))
	none := days("none", 1, func(int, int) float64 { return math.NaN() })
	regional := days("regional", 1, func(step, region int) float64 { return float64(step % 3) })
	sparse := days("sparse", 1, func(step, region int) float64 {
		if (step+step/7)%7 > 2 { // other days in other weeks
			return math.NaN()
		}
		return float64(step * step % 101)
	})
	for _, tc := range []struct{ a, b, version, want string }{
		{x, flat, "anomaly", "not tested: flat.mean(x) is constant, always 5\n"},
		{x, flat, "raw", "not tested: flat.mean(x) is constant, always 5\n"},
		{none, x, "raw", "not tested: none.mean(x) has no values\n"},
		{x, sparse, "raw", "not tested: 0 common weeks with data; a test needs 8 (a week counts if both have at least half of the cells that they ever have)\n"},
		{short, x, "raw", "not tested: 5 common weeks with data; a test needs 8\n"},
	} {
		if page := compare(t, CompareOptions{A: tc.a, B: tc.b, Versions: []string{tc.version}}); !strings.Contains(page, tc.want) {
			t.Errorf("no %q in\n%s", tc.want, page)
		}
	}
	g := comparisons(t, CompareOptions{A: x, B: x, Given: []string{flat}, Versions: []string{"raw"}})[0].Given[0]
	if g.Testable || g.Reason != "it is constant, always 5" {
		t.Errorf("given a constant: %+v", g)
	}
	var fields [3]*datasets.Function
	for i, path := range []string{x, regional, x} {
		f, err := readFunction(path)
		if err != nil {
			t.Fatal(err)
		}
		fields[i] = f
	}
	fields[2].Regions = &datasets.RegionSystem{Name: "blocks", IDs: []string{"block1"}}
	if got, want := unlike(fields[1], fields[2]), `their regions differ, or their order: number 0 is "block0" in one and "block1" in the other`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := unlike(fields[0], fields[1]); got != "" {
		t.Errorf("alike: %q", got)
	}
}

// TestCompareUntestedRows: rows without a test have dashes and their own
// reason, and no intervals where nothing meets.
func TestCompareUntestedRows(t *testing.T) {
	c := Comparison{A: "a", B: "b", Reason: "last reason", Unit: "weeks"}
	kappa := 0.5
	for i, level := range []string{"tail:5", "tail:10"} {
		c.Levels = append(c.Levels, Tested{Level: level, Score: -0.001, Kappa: &kappa, Lift: &kappa, Windows: 9, Reason: []string{"first reason", "last reason"}[i]})
	}
	c.Lags = c.Levels[1:]
	want := "a and b, : not tested: last reason\n" +
		"  level      lag   score strength   kappa   lift        z         p  by       met\n" +
		"  tail:5       0    0.00     0.00       -      -        -         -             0  first reason\n" +
		"  tail:10      0    0.00     0.00       -      -        -         -             0  last reason\n" +
		"  where there is no p, too few weeks have features: wider tails have more, larger regions, or a longer record\n\n"
	if got := c.text(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	c.Levels[0].Reason, c.Levels[1].PP = "last reason", 3
	if got := c.text(); strings.Count(got, "reason\n") != 1 || !strings.Contains(got, "  at tail:10 (no test has chosen a level), with 95 % intervals, which hold the shared routine too and are no test:\n") {
		t.Error(got)
	}
}

// TestCompareNames: a CSV field is called by its file, and its column if that
// says what it holds.
func TestCompareNames(t *testing.T) {
	plain := write(t, "taxi.csv", field)
	wide := write(t, "taxi.wide.csv", strings.Replace(field, "value", "passengers", 1))
	c := comparisons(t, CompareOptions{A: plain, B: wide, Given: []string{plain}})[0]
	if d := compareCompat(t, CompareOptions{A: plain, B: wide, Compat: true})[0]; d.A != "taxi" || d.B != "taxi.passengers" {
		t.Errorf("the published test of %s and %s", d.A, d.B)
	}
	if c.A != "taxi" || c.B != "taxi.passengers" || len(c.Given) > 0 && c.Given[0].C != "taxi" {
		t.Errorf("%s and %s, given %+v", c.A, c.B, c.Given)
	}
}

// TestCompareSameNames: CSV fields of one name are told apart, by their folders
// if these have other names, or else as the page calls them; one file is one.
func TestCompareSameNames(t *testing.T) {
	root := t.TempDir()
	save := func(name string) string {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(field), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one, two, deep, other := save("one/taxi.csv"), save("two/taxi.csv"), save("three/one/taxi.csv"), save("one/rain.csv")
	for _, tc := range []struct {
		files []string
		want  string
	}{
		{[]string{one, other}, "taxi rain"},
		{[]string{one, one}, "taxi taxi"},
		{[]string{one, two}, "one/taxi two/taxi"},
		{[]string{one, deep}, "one/taxi (a) one/taxi (b)"},
		{[]string{one, other, deep, two}, "one/taxi (a) rain one/taxi (c) two/taxi"},
	} {
		p, err := (&CompareOptions{A: tc.files[0], B: tc.files[1], Given: tc.files[2:]}).open()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range p.fields() {
			names = append(names, p.name(f))
		}
		if got := strings.Join(names, " "); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.files, got, tc.want)
		}
	}
}

// TestCompareTaken: the page says what the values of CSV fields are taken for,
// where that matters.
func TestCompareTaken(t *testing.T) {
	csv := func(name, form string) string {
		var b strings.Builder
		b.WriteString("time,value\n")
		for i := range 7 * 40 {
			fmt.Fprintf(&b, "%s,"+form+"\n", time.Date(2014, 1, 6+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), i*i%17)
		}
		return write(t, name, b.String())
	}
	taxi, rain, x := csv("taxi.csv", "%d"), csv("rain.csv", "%d.5"), saveSteps(t, "x", datasets.Day, 7*40, 1, noise(1))
	const counts, measured = "\n  taxi is taken for counts: whole numbers from 0 on\n", "\n  rain is taken for measurements: not all of its values are whole numbers from 0 on\n"
	for _, tc := range []struct {
		o    CompareOptions
		want [2]bool
	}{
		{CompareOptions{A: taxi, B: rain, Versions: []string{"anomaly"}}, [2]bool{true, true}},
		{CompareOptions{A: taxi, B: rain, Versions: []string{"raw"}}, [2]bool{false, false}},
		{CompareOptions{A: taxi, B: taxi}, [2]bool{true, false}},
		{CompareOptions{A: x, B: x, Given: []string{rain}}, [2]bool{false, true}},
	} {
		page := strings.ReplaceAll(compare(t, tc.o), "\n", "\n\n")
		if got := [2]bool{strings.Count(page, counts) == 1, strings.Count(page, measured) == 1}; got != tc.want {
			t.Errorf("%+v: counts and measurements named %v, want %v, in\n%s", tc.o, got, tc.want, page)
		}
	}
}

// TestCompareHypothesis: functions of one region have no map, and months no
// weeks.
func TestCompareHypothesis(t *testing.T) {
	for regions, want := range map[int]string{
		1: "own day-of-week profile and its level at the scale of six weeks, the week-to-week timing",
		2: "own day-of-week profile, its level at the scale of six weeks and its map, the week-to-week timing",
	} {
		x := saveSteps(t, "x", datasets.Day, 7*60, regions, noise(1))
		if c := comparisons(t, CompareOptions{A: x, B: x, Versions: []string{"raw"}})[0]; !strings.Contains(c.Null, want) {
			t.Errorf("%d regions: %q, want %q", regions, c.Null, want)
		}
	}
	rare := saveSteps(t, "rare", datasets.Month, 144, 1, noise(1))
	const want = "where there is no p, too few months have features: "
	if page := compare(t, CompareOptions{A: rare, B: rare, Versions: []string{"anomaly"}}); !strings.Contains(page, want) {
		t.Errorf("no %q in\n%s", want, page)
	}
}

// TestCompareSmallText: what is left out where there is nothing to say.
func TestCompareSmallText(t *testing.T) {
	kappa := 0.5
	at := func(testable bool) *Tested {
		tested := &Tested{Level: "tail:10", Testable: testable, Strength: 0.25}
		if testable {
			tested.Kappa, tested.P = &kappa, &kappa
		}
		return tested
	}
	for _, tc := range []struct {
		before, after bool
		want          string
	}{
		{true, true, "  given c, at tail:10: kappa 0.500 -> 0.500, strength 0.25 -> 0.25, p 0.5 -> 0.5"},
		{true, false, "  given c, at tail:10: strength 0.25 -> 0.25, p 0.5 -> -"},
		{false, false, "  given c, at tail:10: strength 0.25 -> 0.25; not tested"},
	} {
		if g := (&Given{C: "c", Before: at(tc.before), After: at(tc.after)}).text(); !strings.HasPrefix(g, tc.want) {
			t.Errorf("%q, want %q", g, tc.want)
		}
	}
	x := saveSteps(t, "x", datasets.Day, 7*60, 1, noise(1)) // of 2008 and 2009
	for dates, want := range map[string]string{
		"1999-01-01": "  without holidays: not tested: no date of the file is in a week of the test\n",
		"2008-07-04": "  without the 1 week of holidays: p = ",
	} {
		page := compare(t, CompareOptions{A: x, B: x, Versions: []string{"raw"}, Holidays: write(t, "days.txt", dates)})
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}

// TestCompareVersions: two versions have two p, and the page says which to read.
func TestCompareVersions(t *testing.T) {
	x := saveSteps(t, "x", datasets.Day, 7*60, 1, noise(1))
	const note = "The choice between versions is not paid for by their p: for discovery, read the anomaly.\n"
	for want, versions := range [][]string{{"raw"}, nil} {
		if got := strings.Count(compare(t, CompareOptions{A: x, B: x, Versions: versions}), note); got != want {
			t.Errorf("versions %v: the note comes %d times", versions, got)
		}
	}
	if months := saveSteps(t, "months", datasets.Month, 40, 1, noise(1)); strings.Contains(compare(t, CompareOptions{A: months, B: months}), note) {
		t.Error("the note comes with one version that is tested")
	}
}
