package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polygamy/datasets"
	"polygamy/relate"
)

func compareCompat(t *testing.T, o CompareOptions) []CompatComparison {
	t.Helper()
	o.Compat, o.Format = true, "json"
	var results []CompatComparison
	if err := json.Unmarshal([]byte(compare(t, o)), &results); err != nil {
		t.Fatal(err)
	}
	if len(results) != 2 || results[0].Class != "salient" || results[1].Class != "extreme" {
		t.Fatalf("%+v, want the classes salient and extreme", results)
	}
	return results
}

// TestCompatCorpus: the published test is repeated, and does not hide what is
// wrong with it.
func TestCompatCorpus(t *testing.T) {
	folder := t.TempDir()
	if _, err := ingest(t, IngestOptions{Catalog: corpus + "/catalog.yaml", Out: folder, Datasets: []string{"collisions", "weather_jfk_hourly", "citibike_daily", "weather_central_park_daily"}}); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(folder, "functions", name) }
	rain := CompareOptions{A: file("collisions/hour-city/count.arrow"), B: file("weather_jfk_hourly/hour-city/sum.precip_in.arrow"), Compat: true}
	bikes := CompareOptions{A: file("citibike_daily/day-city/sum.trips.arrow"), B: file("weather_central_park_daily/day-city/sum.precip_in.arrow"), Compat: true}
	golden(t, "compat", compare(t, rain)+compare(t, bikes))
	for _, c := range compareCompat(t, bikes) {
		if c.P == nil || *c.P <= 0 || *c.P > 1 || *c.PLeast != *c.P || *c.PMost != *c.P || c.Alternatives != c.Steps || c.Regions != 1 || len(c.Flaws) < 5 {
			t.Errorf("%+v", c)
		}
	}
}

// days writes a field of days: the values of each row, beginning on a Monday
// of 2014.
func days(rows []string) string {
	axis := datasets.NewAxis(datasets.Day, nil, time.Date(2014, 1, 6, 0, 0, 0, 0, time.UTC), len(rows))
	var b strings.Builder
	b.WriteString("time,value\n")
	for i, row := range rows {
		fmt.Fprintf(&b, "%s,%s\n", axis.Start(i).Format(time.DateOnly), row)
	}
	return b.String()
}

// TestCompatRecord: the reference's record of a function goes from its first
// to its last value, and two records meet where their dates do.
func TestCompatRecord(t *testing.T) {
	var a, late []string
	for i := range 90 {
		a = append(a, fmt.Sprint(i*i*7919%997))
		if i < 20 || i > 84 {
			late = append(late, "") // a record that begins 20 days later and ends 5 days before
		} else {
			late = append(late, a[i])
		}
	}
	o := CompareOptions{A: write(t, "a.csv", days(a)), B: write(t, "late.csv", days(late))}
	c := compareCompat(t, o)[0]
	if c.Steps != 65 || c.Alternatives != 65 {
		t.Errorf("%d steps, %d shifts, want 65", c.Steps, c.Alternatives)
	}
	// The same record from a file that holds nothing else.
	cut := strings.Split(days(late), "\n")
	o.B = write(t, "cut.csv", cut[0]+"\n"+strings.Join(cut[21:86], "\n")+"\n")
	if d := compareCompat(t, o)[0]; d.Steps != 65 || d.Score != c.Score || *d.P != *c.P || d.PosPos != c.PosPos || d.PosPos == 0 {
		t.Errorf("%+v, want %+v", d, c)
	}
	o.B = o.A
	if c := compareCompat(t, o)[0]; c.Steps != 90 || c.Score != 1 || c.Strength != 1 || c.PosNon+c.NonPos+c.PosNeg != 0 {
		t.Errorf("a function and itself: %+v", c)
	}
}

// TestCompatRegions: with regions p is over main origins.
func TestCompatRegions(t *testing.T) {
	var b strings.Builder
	b.WriteString("time,north,middle,south\n")
	for i := range 60 {
		fmt.Fprintf(&b, "%s,%d,%d,%d\n", time.Date(2014, 1, 6+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), i*i*7919%97, i*i*31%89, i*37%83)
	}
	field, path := write(t, "regions.csv", b.String()), write(t, "path.txt", "3 2\n0 1\n1 2\n")
	o := CompareOptions{A: field, B: field, Graph: path}
	c := compareCompat(t, o)[0]
	// The identity is one of three permutations of each main origin.
	if c.Score != 1 || c.Alternatives != 3 || c.Regions != 3 || c.P == nil || *c.PLeast > *c.P || *c.PMost < *c.P || *c.PLeast < 1./3 {
		t.Errorf("%+v", c)
	}
	o.Compat = true
	if got := compare(t, o); !strings.Contains(got, "does not keep adjacency") || !strings.Contains(got, "not for discovery") {
		t.Error(got)
	}
	o.Graph = ""
	if c := compareCompat(t, o)[0]; c.P != nil || !strings.Contains(c.Reason, "not connected") {
		t.Errorf("regions without a graph: %+v", c)
	}
}

// TestCompatReasons: what the reference cannot compare gets a reason.
func TestCompatReasons(t *testing.T) {
	row := func(n int) (rows []string) {
		for i := range n {
			rows = append(rows, fmt.Sprint(i*i%17))
		}
		return rows
	}
	day, hours, regions := write(t, "day.csv", days(row(200))), write(t, "hours.csv", field), write(t, "regions.csv", regionsField)
	// The first of December is the only day of its season.
	dropped := write(t, "dropped.csv", days(row(330)))
	later := write(t, "later.csv", "time,value\n2016-01-01,1\n2016-01-02,4\n2016-01-03,2\n")
	for _, tc := range []struct{ a, b, want string }{
		{day, hours, "their steps differ"},
		{day, regions, "their regions differ"},
		{day, dropped, "single vertex"},
		{day, later, "do not meet"},
	} {
		o := CompareOptions{A: tc.a, B: tc.b}
		for _, c := range compareCompat(t, o) {
			if c.P != nil || !strings.Contains(c.Reason, tc.want) {
				t.Errorf("%s and %s: %+v, want %s", filepath.Base(tc.a), filepath.Base(tc.b), c, tc.want)
			}
		}
		o.Compat = true
		if got := compare(t, o); !strings.Contains(got, "not compared: ") || !strings.Contains(got, tc.want) {
			t.Errorf("%s; want %s", got, tc.want)
		}
	}
	var out bytes.Buffer
	for _, o := range []CompareOptions{
		{A: day, B: day, Compat: true, Last: 3},
		{A: day, B: day, Compat: true, Versions: []string{"raw"}},
	} {
		if err := Compare(context.Background(), o, &out); ExitCode(err) != ExitUsage {
			t.Errorf("%+v: %v", o, err)
		}
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Compare(cancelled, CompareOptions{A: day, B: day, Compat: true}, &out); ExitCode(err) != ExitPartial {
		t.Errorf("interrupted: %v", err)
	}
}

// TestFirstStep: days are counted by local dates, hours by the instant.
func TestFirstStep(t *testing.T) {
	york, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	type axis struct {
		zone *time.Location
		day  int
	}
	for _, tc := range []struct {
		resolution datasets.Resolution
		a, origin  axis
		want       int
	}{
		{datasets.Day, axis{nil, 8}, axis{nil, 6}, 2},
		{datasets.Day, axis{york, 8}, axis{york, 6}, 2},
		{datasets.Day, axis{time.UTC, 8}, axis{york, 6}, 2},
		{datasets.Day, axis{york, 5}, axis{nil, 8}, -3},
		{datasets.Week, axis{time.UTC, 13}, axis{york, 6}, 1},
		{datasets.Hour, axis{york, 6}, axis{time.UTC, 6}, 5}, // midnight in New York
	} {
		first := func(x axis) datasets.Axis {
			zone := x.zone
			if zone == nil {
				zone = time.UTC
			}
			return datasets.NewAxis(tc.resolution, x.zone, time.Date(2014, 1, x.day, 0, 0, 0, 0, zone), 4)
		}
		if got := firstStep(first(tc.a), first(tc.origin)); got != tc.want {
			t.Errorf("%v %+v from %+v: %d, want %d", tc.resolution, tc.a, tc.origin, got, tc.want)
		}
	}
}

// TestCompatFill: every number gets to its place.
func TestCompatFill(t *testing.T) {
	r := &relate.CompatResult{
		CompatCounts: relate.CompatCounts{
			PositivePositive: 1, NegativeNegative: 2, PositiveNegative: 3, NegativePositive: 4,
			PositiveNone: 5, NegativeNone: 6, NonePositive: 7, NoneNegative: 8,
		},
		Steps: 9, Regions: 2, Score: 0.5, Strength: 0.25, P: 0.75, Alternatives: 2, PByMain: []float64{1, 0.5},
	}
	c := CompatComparison{Class: "extreme"}
	c.fill(r)
	p, least, most := 0.75, 0.5, 1.0
	want := CompatComparison{
		Class: "extreme", Steps: 9, Regions: 2, Score: 0.5, Strength: 0.25, P: &p, PLeast: &least, PMost: &most, Alternatives: 2,
		PosPos: 1, NegNeg: 2, PosNeg: 3, NegPos: 4, PosNon: 5, NegNon: 6, NonPos: 7, NonNeg: 8, Flaws: r.Flaws(),
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("fill (-want +got):\n%s", diff)
	}
	if text := compatText([]*CompatComparison{&c}); !strings.Contains(text, "p from 0.5 to 1 by main origin") {
		t.Error(text)
	}
}

// TestCompatKeys: the JSON names the counts as the reference's output does.
func TestCompatKeys(t *testing.T) {
	var keys []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[CompatComparison]()) {
		keys = append(keys, f.Tag.Get("json"))
	}
	want := "a b class reason,omitempty steps regions score strength p p_least p_most alternatives " +
		"pos_pos neg_neg pos_neg neg_pos pos_non neg_non non_pos non_neg flaws"
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
