package datasets

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"polygamy/topology"
)

// An event is a row of the tests: local clock times, a place twice over.
type event struct {
	At    time.Time `parquet:"at,timestamp(microsecond:local)"`
	Lon   *float64  `parquet:"lon,optional"`
	Lat   *float64  `parquet:"lat,optional"`
	Code  *string   `parquet:"code,optional,dict"`
	Fare  *float64  `parquet:"fare,optional"`
	Seats int32     `parquet:"seats"`
	Cab   string    `parquet:"cab,dict"`
}

func ptr[T any](x T) *T { return &x }

// twoSquares is a region system of two squares side by side, "a" from
// longitude 0 to 1 and "b" from 1 to 2, at latitudes 0 to 1.
const twoSquares = `{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"id":"a"},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}},
{"type":"Feature","properties":{"id":"b"},"geometry":{"type":"Polygon","coordinates":[[[1,0],[2,0],[2,1],[1,1],[1,0]]]}}]}`

// A fixtureCorpus is a catalog of one dataset, "trips", with its files.
type fixtureCorpus struct {
	store   memoryStore
	catalog *Catalog
	systems map[string]*RegionSystem
}

func newCorpus(t testing.TB, zone string, spec DatasetSpec, files ...[]byte) *fixtureCorpus {
	t.Helper()
	c := &fixtureCorpus{store: memoryStore{"squares.geojson": []byte(twoSquares)}}
	for i, data := range files {
		name := fmt.Sprintf("part-%d.parquet", i)
		if len(spec.Files) > i {
			name = spec.Files[i]
		} else {
			spec.Files = append(spec.Files, name)
		}
		c.store[name] = data
	}
	if spec.Time.Column == "" {
		spec.Time.Column = "at"
	}
	c.catalog = &Catalog{
		City:     City{Name: "Test", Timezone: zone},
		Regions:  map[string]RegionSpec{"squares": {File: "squares.geojson"}},
		Datasets: map[string]DatasetSpec{"trips": spec},
	}
	var err error
	if c.systems, err = LoadSystems(context.Background(), c.store, c.catalog); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *fixtureCorpus) load(workers int) (*Loaded, error) {
	return Load(context.Background(), c.store, c.catalog, "trips", c.systems, LoadOptions{Workers: workers})
}

func (c *fixtureCorpus) mustLoad(t testing.TB) *Loaded {
	t.Helper()
	l, err := c.load(2)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// function returns a function of the dataset, such as "sum(fare)" at
// "day squares".
func function(t testing.TB, l *Loaded, name, resolution string) *Function {
	t.Helper()
	spec, err := ParseFunction(name)
	if err != nil {
		t.Fatal(err)
	}
	temporal, regions, _ := strings.Cut(resolution, " ")
	r, err := ParseResolution(temporal)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range l.Regions() {
		if s.Name == regions {
			f, err := l.Function(spec, r, s)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	t.Fatalf("no regions %q", regions)
	return nil
}

// text writes the values of a function, a row a step, ".": missing.
func text(f *Function) string {
	var b strings.Builder
	n := len(f.Regions.IDs)
	for i, x := range f.Values {
		switch {
		case i > 0 && i%n == 0:
			b.WriteString(" | ")
		case i > 0:
			b.WriteString(" ")
		}
		if math.IsNaN(x) {
			b.WriteString(".")
		} else {
			b.WriteString(strconv.FormatFloat(x, 'g', -1, 64))
		}
	}
	return b.String()
}

func at(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", text, time.UTC)
	if err != nil {
		panic(err)
	}
	return t
}

// TestLoad: worked by hand. Square a has three rows in the first hour and one
// in the third, b one in the second; one row is outside of both, one has no
// place.
func TestLoad(t *testing.T) {
	rows := []event{
		{At: at("2014-01-06 10:05"), Lon: ptr(0.5), Lat: ptr(0.5), Fare: ptr(3.0), Seats: 1, Cab: "x"},
		{At: at("2014-01-06 10:06"), Lon: ptr(0.5), Lat: ptr(0.5), Fare: ptr(5.0), Seats: 2, Cab: "y"},
		{At: at("2014-01-06 10:59"), Lon: ptr(1.0), Lat: ptr(0.5), Seats: 4, Cab: "x"}, // on the border: the first square
		{At: at("2014-01-06 11:00"), Lon: ptr(1.5), Lat: ptr(0.5), Fare: ptr(7.0), Seats: 3, Cab: "x"},
		{At: at("2014-01-06 11:30"), Lon: ptr(9.0), Lat: ptr(0.5), Fare: ptr(11.0), Seats: 5, Cab: "z"},
		{At: at("2014-01-06 12:10"), Lon: ptr(0.5), Lat: ptr(0.5), Seats: 6, Cab: "z"},
		{At: at("2014-01-06 12:20"), Fare: ptr(13.0), Seats: 7, Cab: "z"},
	}
	c := newCorpus(t, "UTC", DatasetSpec{
		Place:     PlaceSpec{Lon: "lon", Lat: "lat"},
		Functions: Strings{"count", "sum(fare)", "mean(fare)", "min(fare)", "max(fare)", "median(seats)", "unique(cab)"},
	}, writeParquet(t, [][]event{rows[:4], rows[4:]}))
	l := c.mustLoad(t)
	for _, tc := range []struct{ function, resolution, want string }{
		{"count", "hour squares", "3 0 | 0 1 | 1 0"},
		{"sum(fare)", "hour squares", "8 0 | 0 7 | . 0"}, // the third hour's row has no fare
		{"mean(fare)", "hour squares", "4 . | . 7 | . ."},
		{"min(fare)", "hour squares", "3 . | . 7 | . ."},
		{"max(fare)", "hour squares", "5 . | . 7 | . ."},
		{"median(seats)", "hour squares", "2 . | . 3 | 6 ."},
		{"unique(cab)", "hour squares", "2 0 | 0 1 | 1 0"},
		{"count", "hour city", "3 | 2 | 2"}, // rows in no square are in the city
		{"mean(fare)", "hour city", "4 | 9 | 13"},
		{"unique(cab)", "day city", ""}, // three hours are no day: not covered
	} {
		if got := text(function(t, l, tc.function, tc.resolution)); got != tc.want {
			t.Errorf("%s at %s: %s, want %s", tc.function, tc.resolution, got, tc.want)
		}
	}
	r := l.Report
	if r.Rows != 7 || r.Used != 7 || len(r.Rejected) != 0 {
		t.Errorf("%d rows, %d used, rejected %v", r.Rows, r.Used, r.Rejected)
	}
	want := []Reject{
		{Reason: "no place", Regions: "squares", Count: 1},
		{Reason: "outside the regions", Regions: "squares", Count: 1, Samples: []Sample{{File: "part-0.parquet", Row: 4, Text: "9, 0.5"}}},
	}
	if diff := cmp.Diff(want, r.Unplaced, cmp.AllowUnexported(Sample{})); diff != "" {
		t.Errorf("unplaced (-want +got):\n%s", diff)
	}
}

// TestLoadRejects: every reason for which rows and values are not used, with
// the samples in the order of rows.
func TestLoadRejects(t *testing.T) {
	table := "when,zone,km,note\n" +
		"2014-03-01 08:00,10001,1,ok\n" +
		",10001,1,no time\n" +
		"yesterday,10001,1,bad time\n" +
		"0214-03-01 08:00,10001,1,far time\n" +
		"2014-03-01 08:10,10001,\"1,234.5\",ok\n" +
		"2014-03-01 08:20,10002-1234,x,bad number\n" +
		"2014-03-01 08:20,10002-1234,x,duplicate\n" +
		"2014-03-01 08:30,99999,-,unknown code\n" +
		"2014-03-01 08:40,,7,no code\n" +
		"2014-03-01 08:50,10001,1e999,not finite\n" +
		"2014-03-01 08:55,10001,2,left out\n" +
		"2014-03-01 08:55,10001\n"
	zips := `{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"id":10001},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}},
{"type":"Feature","properties":{"id":10002},"geometry":{"type":"Polygon","coordinates":[[[1,0],[2,0],[2,1],[1,0]]]}}]}`
	c := newCorpus(t, "America/New_York", DatasetSpec{
		Files:     Strings{"trips.csv"},
		Time:      TimeSpec{Column: "when"},
		Place:     PlaceSpec{Region: "zip", Column: "zone"},
		Numbers:   map[string]NumberSpec{"km": {Thousands: ",", Missing: Strings{"-"}}},
		UniqueBy:  Strings{"when", "zone", "km"},
		Where:     map[string]Strings{"note": {"ok", "no time", "bad time", "far time", "bad number", "duplicate", "unknown code", "no code", "not finite"}},
		Functions: Strings{"count", "sum(km)"},
	}, []byte(table))
	c.store["zip.geojson"] = []byte(zips)
	c.catalog.Regions = map[string]RegionSpec{"zip": {File: "zip.geojson"}}
	var err error
	if c.systems, err = LoadSystems(context.Background(), c.store, c.catalog); err != nil {
		t.Fatal(err)
	}
	l := c.mustLoad(t)
	r := l.Report
	counts := func(rejects []Reject) string {
		var parts []string
		for _, e := range rejects {
			text := ""
			for _, s := range e.Samples {
				text += fmt.Sprintf(" %d:%q", s.Row, s.Text)
			}
			parts = append(parts, fmt.Sprintf("%d %s%s", e.Count, e.Reason, text))
		}
		return strings.Join(parts, "; ")
	}
	if got, want := fmt.Sprint(r.Rows, r.Used, r.LeftOut), "12 6 1"; got != want {
		t.Errorf("rows, used, left out: %s, want %s", got, want)
	}
	if got, want := counts(r.Rejected), `1 a duplicate 6:"2014-03-01 08:20"; 1 a time before 1800 or after 2200 3:"0214-03-01 08:00"; 1 a wrong number of fields -1:"line 13: 2 fields instead of 4"; 1 no time; 1 the time cannot be read 2:"yesterday"`; got != want {
		t.Errorf("rejected: %s\nwant: %s", got, want)
	}
	if got, want := counts(r.Unplaced), `1 an unknown region code 7:"99999"; 1 no place`; got != want {
		t.Errorf("unplaced: %s\nwant: %s", got, want)
	}
	if got, want := counts(r.BadValues), `2 not a number 5:"x" 9:"1e999"`; got != want {
		t.Errorf("bad values: %s\nwant: %s", got, want)
	}
	if got, want := text(function(t, l, "sum(km)", "hour zip")), "1235.5 ."; got != want {
		t.Errorf("sum(km): %s, want %s", got, want)
	}
	if got, want := text(function(t, l, "sum(km)", "hour city")), "1242.5"; got != want {
		t.Errorf("sum(km) of the city: %s, want %s", got, want)
	}
	total := r.Used + r.LeftOut
	for _, e := range r.Rejected {
		total += e.Count
	}
	if total != r.Rows {
		t.Errorf("%d rows are accounted for, of %d", total, r.Rows)
	}
}

// randomEvents are rows of a few days with everything that can be wrong with
// them, in times, places and values.
func randomEvents(rng *rand.Rand, n int) []event {
	rows := make([]event, n)
	begin := at("2014-11-01 00:00") // clocks go back on November 2
	for i := range rows {
		e := &rows[i]
		e.At = begin.Add(time.Duration(rng.IntN(4*24*60)) * time.Minute)
		if rng.IntN(50) == 0 {
			e.At = at("1700-01-01 00:00")
		}
		if rng.IntN(20) > 0 {
			e.Lon, e.Lat = ptr(3*rng.Float64()-0.5), ptr(1.2*rng.Float64()-0.1)
		}
		if rng.IntN(10) > 0 {
			e.Fare = ptr(math.Exp(40 * rng.NormFloat64()))
		}
		if rng.IntN(40) == 0 {
			e.Fare = ptr(math.Inf(1))
		}
		e.Code = ptr([]string{"a", "b", "c", ""}[rng.IntN(4)])
		e.Seats = int32(rng.IntN(7))
		e.Cab = fmt.Sprint("cab", rng.IntN(30))
	}
	return rows
}

var everyFunction = Strings{"count", "sum(fare)", "mean(fare)", "min(fare)", "max(fare)", "median(fare)", "unique(cab)", "median(seats)"}

// functionBytes returns all functions as files.
func functionBytes(t testing.TB, l *Loaded) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	for _, s := range l.Regions() {
		for _, r := range l.Resolutions(s) {
			for _, spec := range l.Functions() {
				f, err := l.Function(spec, r, s)
				if err != nil {
					t.Fatal(err)
				}
				var b bytes.Buffer
				if err := f.Write(&b); err != nil {
					t.Fatal(err)
				}
				files[fmt.Sprint(spec, r, s.Name)] = b.Bytes()
			}
		}
	}
	return files
}

// TestLoadSplits: any split of the rows into files and row groups, in any
// order, and any number of workers give the same bytes.
func TestLoadSplits(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		rows := randomEvents(rng, 200+rng.IntN(3000))
		place := PlaceSpec{Lon: "lon", Lat: "lat"}
		if seed%3 == 0 {
			place = PlaceSpec{Region: "squares", Column: "code"}
		}
		spec := DatasetSpec{Place: place, Functions: everyFunction}
		switch seed % 4 {
		case 1:
			spec.Time = TimeSpec{Column: "at", From: "2014-11-02", To: "2014-11-04"}
		case 2:
			rows = append(rows, rows[:len(rows)/3]...)
			spec.UniqueBy = Strings{"at", "lon", "lat", "code", "fare", "seats", "cab"}
		case 3:
			spec.Where = map[string]Strings{"code": {"a", ""}}
		}
		one := newCorpus(t, "America/New_York", spec, writeParquet(t, [][]event{rows}))
		whole, err := one.load(1)
		if err != nil {
			t.Fatal(err)
		}
		want := functionBytes(t, whole)
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		var files [][]byte
		for rest := rows; len(rest) > 0; {
			var groups [][]event
			for range 1 + rng.IntN(4) {
				n := min(len(rest), 1+rng.IntN(len(rows)/2))
				groups, rest = append(groups, rest[:n]), rest[n:]
			}
			files = append(files, writeParquet(t, groups, parquet.PageBufferSize(1+rng.IntN(5000))))
		}
		for _, workers := range []int{1, 2, 7} {
			l, err := newCorpus(t, "America/New_York", spec, files...).load(workers)
			if err != nil {
				t.Fatal(err)
			}
			for name, got := range functionBytes(t, l) {
				if !bytes.Equal(got, want[name]) {
					t.Fatalf("seed %d, %d workers: %s differs", seed, workers, name)
				}
			}
			if diff := cmp.Diff(countsOf(t, whole.Report), countsOf(t, l.Report)); diff != "" {
				t.Fatalf("seed %d, %d workers: the reports differ:\n%s", seed, workers, diff)
			}
		}
	}
}

// countsOf returns a report as JSON, without what names files and rows.
func countsOf(t testing.TB, r *Report) string {
	t.Helper()
	c := *r
	c.Files = nil
	for _, list := range []*[]Reject{&c.Rejected, &c.Unplaced, &c.BadValues} {
		*list = slices.Clone(*list)
		for i := range *list {
			(*list)[i].Samples = nil
		}
	}
	text, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFirstDuplicate: of rows with one key the first in the order of files and
// rows is used, whichever worker reads it.
func TestFirstDuplicate(t *testing.T) {
	for range 20 {
		var files [][]byte
		for f := range 6 {
			rows := []event{{At: at("2014-01-06 10:05"), Cab: "x", Seats: int32(f)}, {At: at("2014-01-06 10:05"), Cab: "x", Seats: 9}}
			files = append(files, writeParquet(t, [][]event{rows}))
		}
		l, err := newCorpus(t, "UTC", DatasetSpec{Place: PlaceSpec{City: true}, UniqueBy: Strings{"cab"}, Functions: Strings{"max(seats)"}}, files...).load(6)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(function(t, l, "max(seats)", "hour city")); got != "0" {
			t.Fatalf("seats of the row that is used: %s, want 0", got)
		}
		if r := l.Report; r.Rows != 12 || r.Used != 1 || r.Rejected[0].Count != 11 || r.Files[0].Rows != 2 {
			t.Fatalf("%d rows, %d used, rejected %+v, %d in the first file", r.Rows, r.Used, r.Rejected, r.Files[0].Rows)
		}
	}
}

// TestFoundByReview holds answers that were once wrong.
func TestFoundByReview(t *testing.T) {
	city := PlaceSpec{City: true}
	csvFile := func(text string) []byte { return []byte(text) }
	load := func(spec DatasetSpec, files ...[]byte) *Loaded {
		t.Helper()
		return newCorpus(t, "UTC", spec, files...).mustLoad(t)
	}
	// An empty text is missing, and 123 is one identifier in any type.
	type ints struct {
		At time.Time `parquet:"at,timestamp(microsecond:local)"`
		ID int64     `parquet:"id"`
	}
	type floats struct {
		At time.Time `parquet:"at,timestamp(microsecond:local)"`
		ID float64   `parquet:"id"`
	}
	hour := at("2014-01-06 10:05")
	for name, l := range map[string]*Loaded{
		"empty": load(DatasetSpec{Files: Strings{"a.csv"}, Place: city, Functions: Strings{"unique(id)"}}, csvFile("at,id\n2014-01-06 10:05,a\n2014-01-06 10:05,\n")),
		"types": load(DatasetSpec{Place: city, Functions: Strings{"unique(id)"}}, writeParquet(t, [][]ints{{{hour, 123}}}), writeParquet(t, [][]floats{{{hour, 123}, {hour, math.NaN()}}})),
	} {
		if got := text(function(t, l, "unique(id)", "hour city")); got != "1" {
			t.Errorf("%s: %s different ids, want 1", name, got)
		}
	}
	// Weeks belong to the month in which they begin.
	var weeks strings.Builder
	weeks.WriteString("on,x\n")
	for i := range 12 {
		fmt.Fprintf(&weeks, "%s,1\n", at("2014-01-06 00:00").AddDate(0, 0, 7*i).Format(time.DateOnly))
	}
	l := load(DatasetSpec{Files: Strings{"w.csv"}, Time: TimeSpec{Column: "on", Step: "week"}, Place: city, Functions: Strings{"sum(x)"}}, csvFile(weeks.String()))
	if got := text(function(t, l, "sum(x)", "month city")); got != "4 | 4" {
		t.Errorf("weeks in months: %s, want those of January and February, the last week of March being absent", got)
	}
	// A period is of the rows' own times, not of the steps that hold them.
	l = load(DatasetSpec{Files: Strings{"m.csv"}, Time: TimeSpec{Column: "on", Step: "month", From: "2014-01-05", To: "2014-02-15"}, Place: city, Functions: Strings{"sum(x)"}},
		csvFile("on,x\n2014-01-04,1\n2014-01-10,2\n2014-02-14,4\n2014-02-20,8\n"))
	if got := text(function(t, l, "sum(x)", "month city")); got != "2 | 4" {
		t.Errorf("rows of a period by month: %s, want 2 | 4", got)
	}
	// A place that was once half an hour from UTC has hours like any other.
	missing := csvFile("at,x\n2014-01-06 10:05,1\n2014-01-06 11:05,1\n2014-01-06 13:05,1\n2014-01-06 14:05,1\n")
	want := ""
	for _, zone := range []string{"Europe/Berlin", "Europe/Paris", "Asia/Singapore"} {
		got := text(function(t, newCorpus(t, zone, DatasetSpec{Files: Strings{"a.csv"}, Place: city, Functions: Strings{"count"}}, missing).mustLoad(t), "count", "hour city"))
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("hours of %s: %s, want %s as in Berlin", zone, got, want)
		}
	}
	// A bad value is counted once, however many functions ask for it.
	l = load(DatasetSpec{Files: Strings{"b.csv"}, Place: city, Functions: Strings{"mean(x)", "max(x)", "median(x)"}}, csvFile("at,x\n2014-01-06 10:05,1\n2014-01-06 10:06,oops\n"))
	if b := l.Report.BadValues; len(b) != 1 || b[0].Count != 1 || len(l.Report.Columns) != 1 || l.Report.Columns[0].Values != 1 || l.Report.Columns[0].Max != 1 {
		t.Errorf("bad values %+v of %+v", b, l.Report.Columns)
	}
	// The text of a sample is that of its row, after the memory of the batch
	// has been used again.
	var long strings.Builder
	long.WriteString("at,x\nyesterday,1\n2014-01-06 10:05\nlast week,1\n")
	for range 3 * batchRows {
		long.WriteString("2014-01-06 10:05,1\n")
	}
	l = load(DatasetSpec{Files: Strings{"l.csv"}, Place: city, Functions: Strings{"count"}}, csvFile(long.String()))
	var samples []string
	for _, e := range l.Report.Rejected {
		for _, s := range e.Samples {
			samples = append(samples, fmt.Sprint(s.Row, " ", s.Text))
		}
	}
	if got, want := strings.Join(samples, "; "), "0 yesterday; 2 last week; -1 line 3: 1 fields instead of 2"; got != want {
		t.Errorf("samples %s, want %s", got, want)
	}
	// A lone wrong date does not make an axis of a million hours.
	l = load(DatasetSpec{Files: Strings{"c.csv"}, Place: PlaceSpec{Region: "squares", Column: "id"}, Functions: Strings{"count"}}, csvFile("at,id\n1800-01-06 10:05,a\n2199-01-06 10:05,b\n"))
	l.p.systems[0].IDs = make([]string, 100) // three million hours of a hundred regions
	if _, err := l.Function(FunctionSpec{Kind: Count}, Hour, l.p.systems[0]); err == nil || !strings.Contains(err.Error(), "set time.from and time.to") {
		t.Errorf("an axis of four centuries of hours: %v", err)
	}
}

// TestLoadByDefinition compares with rows sorted into cells one by one.
func TestLoadByDefinition(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	rows := randomEvents(rng, 4000)
	l := newCorpus(t, "America/New_York", DatasetSpec{Place: PlaceSpec{Lon: "lon", Lat: "lat"}, Functions: everyFunction}, writeParquet(t, [][]event{rows})).mustLoad(t)
	type cell struct {
		day    string
		region string
	}
	fares, cabs, counts := map[cell][]float64{}, map[cell]map[string]bool{}, map[cell]float64{}
	for _, e := range rows {
		if e.At.Year() == 1700 {
			continue
		}
		c := cell{e.At.Format(time.DateOnly), ""}
		if e.Lon != nil && *e.Lat >= 0 && *e.Lat <= 1 {
			switch {
			case *e.Lon >= 0 && *e.Lon <= 1:
				c.region = "a"
			case *e.Lon > 1 && *e.Lon <= 2:
				c.region = "b"
			}
		}
		counts[c]++
		if cabs[c] == nil {
			cabs[c] = map[string]bool{}
		}
		cabs[c][e.Cab] = true
		if e.Fare != nil && !math.IsInf(*e.Fare, 0) {
			fares[c] = append(fares[c], *e.Fare)
		}
	}
	for _, name := range everyFunction[:7] {
		f := function(t, l, name, "day squares")
		if f.Axis.Steps != 4 || !f.Axis.Start(0).Equal(time.Date(2014, 11, 1, 0, 0, 0, 0, zone)) {
			t.Fatalf("%d days from %v", f.Axis.Steps, f.Axis.Start(0))
		}
		for i, got := range f.Values {
			c := cell{f.Axis.Start(i / 2).Format(time.DateOnly), f.Regions.IDs[i%2]}
			values := fares[c]
			sort.Float64s(values)
			n := len(values)
			sum, mean := exactSum(values)
			want := map[string]float64{
				"count": counts[c], "unique(cab)": float64(len(cabs[c])), "min(fare)": values[0], "max(fare)": values[n-1],
				"sum(fare)": sum, "mean(fare)": mean,
				"median(fare)": (values[(n-1)/2] + values[n/2]) / 2,
			}[name]
			if got != want {
				t.Errorf("%s on %s in %s: %g, want %g", name, c.day, c.region, got, want)
			}
		}
	}
}

// TestClockChanges: on 2014-03-09 New York's clocks skip 2:00 to 3:00, on
// 2014-11-02 they show 1:00 to 2:00 twice.
func TestClockChanges(t *testing.T) {
	for _, tc := range []struct {
		name, zone, times string
		hours, days       string
		ambiguous         int64
		skipped           int64
		first             string
	}{
		{"spring", "", "2014-03-09 01:30|2014-03-09 02:30|2014-03-09 03:30|2014-03-09 04:30", "1 | 2 | 1", "4", 0, 1, "2014-03-09T01:00:00-05:00"},
		{"autumn", "", "2014-11-02 00:30|2014-11-02 01:30|2014-11-02 01:45|2014-11-02 02:30", "1 | 2 | . | 1", "4", 2, 0, "2014-11-02T00:00:00-04:00"},
		{"standard time all year", "UTC-5", "2014-07-01 10:30|2014-07-01 11:30", "1 | 1", "2", 0, 0, "2014-07-01T11:00:00-04:00"},
		{"UTC", "UTC", "2014-07-01 03:30|2014-07-01 04:30", "1 | 1", ". | .", 0, 0, "2014-06-30T23:00:00-04:00"},
	} {
		var rows []event
		for _, s := range strings.Split(tc.times, "|") {
			rows = append(rows, event{At: at(s)})
		}
		c := newCorpus(t, "America/New_York", DatasetSpec{Time: TimeSpec{Column: "at", Zone: tc.zone}, Place: PlaceSpec{City: true}, Functions: Strings{"count"}}, writeParquet(t, [][]event{rows}))
		l := c.mustLoad(t)
		l.coverage.silence = 100 // the days are hardly covered
		f := function(t, l, "count", "hour city")
		if got := text(f); got != tc.hours {
			t.Errorf("%s: hours %s, want %s", tc.name, got, tc.hours)
		}
		if got := f.Axis.Start(0).Format(time.RFC3339); got != tc.first {
			t.Errorf("%s: begins at %s, want %s", tc.name, got, tc.first)
		}
		if l.Report.Ambiguous != tc.ambiguous || l.Report.Skipped != tc.skipped {
			t.Errorf("%s: %d ambiguous and %d skipped, want %d and %d", tc.name, l.Report.Ambiguous, l.Report.Skipped, tc.ambiguous, tc.skipped)
		}
		total := 0.0
		for _, x := range function(t, l, "count", "day city").Values {
			total += x
		}
		if total != float64(len(rows)) {
			t.Errorf("%s: %g rows in days, want %d", tc.name, total, len(rows))
		}
	}
}

// TestHalfHourZone: days of India, 5:30 ahead of UTC, begin in the middle of
// an hour of UTC.
func TestHalfHourZone(t *testing.T) {
	var rows []event
	for m := range 3 * 24 * 60 {
		rows = append(rows, event{At: at("2014-01-01 00:00").Add(time.Duration(m) * time.Minute)})
	}
	l := newCorpus(t, "Asia/Kolkata", DatasetSpec{Place: PlaceSpec{City: true}, Functions: Strings{"count"}}, writeParquet(t, [][]event{rows})).mustLoad(t)
	if got, want := text(function(t, l, "count", "day city")), "1440 | 1440 | 1440"; got != want {
		t.Errorf("rows a day: %s, want %s", got, want)
	}
	hours := function(t, l, "count", "hour city")
	// The first and the last hour of UTC are half outside.
	if hours.Axis.Steps != 73 || hours.Values[0] != 30 || hours.Values[72] != 30 || slices.Min(hours.Values[1:72]) != 60 || slices.Max(hours.Values) != 60 {
		t.Errorf("%d hours, %v", hours.Axis.Steps, hours.Values)
	}
}

// TestStepOfTheData: dates have no hours, weeks no days.
func TestStepOfTheData(t *testing.T) {
	type day struct {
		On  int32 `parquet:"on,date"`
		Usd float64
	}
	var rows []day
	for i := range int32(8) {
		rows = append(rows, day{On: 16076 + 7*i, Usd: float64(i)}) // Mondays from 2014-01-06
	}
	data := writeParquet(t, [][]day{rows})
	for _, tc := range []struct{ step, want string }{{"", "day week month year"}, {"week", "week month year"}} {
		l := newCorpus(t, "America/New_York", DatasetSpec{Time: TimeSpec{Column: "on", Step: tc.step}, Place: PlaceSpec{City: true}, Functions: Strings{"mean(Usd)"}}, data).mustLoad(t)
		var names []string
		for _, r := range l.Resolutions(l.Regions()[0]) {
			names = append(names, r.String())
		}
		if got := strings.Join(names, " "); got != tc.want {
			t.Errorf("step %q: resolutions %s, want %s", tc.step, got, tc.want)
		}
		f := function(t, l, "mean(Usd)", "week city")
		if got, want := text(f), "0 | 1 | 2 | 3 | 4 | 5 | 6 | 7"; tc.step == "week" && got != want {
			t.Errorf("weeks: %s, want %s", got, want)
		}
		if got := f.Axis.Start(0).Format(time.DateOnly); got != "2014-01-06" {
			t.Errorf("the first week begins on %s", got)
		}
	}
	c := newCorpus(t, "UTC", DatasetSpec{Time: TimeSpec{Column: "on", Step: "hour"}, Place: PlaceSpec{City: true}}, data)
	if _, err := c.load(1); err == nil || !strings.Contains(err.Error(), "dates cannot be resolved to the hour") {
		t.Errorf("hours of dates: %v", err)
	}
}

// TestPeriod: from and to leave rows out, and whole row groups unread.
func TestPeriod(t *testing.T) {
	var groups [][]event
	for d := range 10 {
		var g []event
		for h := range 24 {
			g = append(g, event{At: at("2014-05-01 00:30").AddDate(0, 0, d).Add(time.Duration(h) * time.Hour)})
		}
		groups = append(groups, g)
	}
	c := newCorpus(t, "America/New_York", DatasetSpec{Time: TimeSpec{Column: "at", From: "2014-05-05", To: "2014-05-07"}, Place: PlaceSpec{City: true}, Functions: Strings{"count"}}, writeParquet(t, groups))
	var read Progress
	l, err := Load(context.Background(), c.store, c.catalog, "trips", c.systems, LoadOptions{Workers: 1, Progress: func(p Progress) { read = p }})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := text(function(t, l, "count", "day city")), "24 | 24"; got != want {
		t.Errorf("days %s, want %s", got, want)
	}
	r := l.Report
	if r.Used != 48 || r.Rows != 240 || r.LeftOut != 192 || r.Files[0].Rows != 240 {
		t.Errorf("%d used, %d rows, %d left out", r.Used, r.Rows, r.LeftOut)
	}
	if read.Rows > 5*24 || read.TotalRows != read.Rows {
		t.Errorf("%d rows of %d were read: row groups outside the period are not", read.Rows, read.TotalRows)
	}
}

// TestEpochsAndText: the same instants, however a file tells them, give the
// same function.
func TestEpochsAndText(t *testing.T) {
	begin := time.Date(2014, 3, 8, 12, 0, 0, 0, time.UTC)
	instants := make([]time.Time, 3000)
	rng := rand.New(rand.NewPCG(8, 8))
	for i := range instants {
		instants[i] = begin.Add(time.Duration(rng.IntN(48*3600)) * time.Second)
	}
	want := ""
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		spec TimeSpec
		text func(time.Time) string
	}{
		{"seconds", TimeSpec{Epoch: "s"}, func(u time.Time) string { return fmt.Sprint(u.Unix()) }},
		{"milliseconds", TimeSpec{Epoch: "ms"}, func(u time.Time) string { return fmt.Sprint(u.UnixMilli()) }},
		{"offsets", TimeSpec{}, func(u time.Time) string { return u.In(zone).Format(time.RFC3339) }},
		{"wall clock", TimeSpec{}, func(u time.Time) string { return u.In(zone).Format("2006-01-02 15:04:05") }},
		{"layout", TimeSpec{Format: "M/D/YYYY h:mm:ss A"}, func(u time.Time) string { return u.In(zone).Format("1/2/2006 3:04:05 PM") }},
		{"UTC text", TimeSpec{Zone: "UTC"}, func(u time.Time) string { return u.Format("2006-01-02T15:04:05") }},
	} {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.Write([]string{"when"})
		for _, u := range instants {
			w.Write([]string{tc.text(u)})
		}
		w.Flush()
		tc.spec.Column = "when"
		l := newCorpus(t, "America/New_York", DatasetSpec{Files: Strings{"trips.csv"}, Time: tc.spec, Place: PlaceSpec{City: true}, Functions: Strings{"count"}}, b.Bytes()).mustLoad(t)
		got := text(function(t, l, "count", "hour city"))
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s: %s, want %s", tc.name, got, want)
		}
	}
	type epochs struct {
		S  int64     `parquet:"s"`
		Ms int64     `parquet:"ms"`
		Us int64     `parquet:"us"`
		Ns int64     `parquet:"ns"`
		F  float64   `parquet:"f"`
		At time.Time `parquet:"at,timestamp(millisecond)"`
	}
	var rows []epochs
	for _, u := range instants {
		rows = append(rows, epochs{u.Unix(), u.UnixMilli(), u.UnixMicro(), u.UnixNano(), float64(u.Unix()) + 0.25, u})
	}
	data := writeParquet(t, [][]epochs{rows})
	for column, unit := range map[string]string{"s": "s", "ms": "ms", "us": "us", "ns": "ns", "f": "s", "at": ""} {
		l := newCorpus(t, "America/New_York", DatasetSpec{Time: TimeSpec{Column: column, Epoch: unit}, Place: PlaceSpec{City: true}, Functions: Strings{"count"}}, data).mustLoad(t)
		if got := text(function(t, l, "count", "hour city")); got != want {
			t.Errorf("column %s: %s, want %s", column, got, want)
		}
	}
}

// TestLoadErrors: what cannot be read as declared is an error that says where
// and what to do.
func TestLoadErrors(t *testing.T) {
	rows := []event{{At: at("2014-01-06 10:05"), Fare: ptr(1.0), Cab: "x"}, {At: at("2014-01-06 11:05"), Cab: "y"}}
	good := writeParquet(t, [][]event{rows})
	type other struct {
		At string `parquet:"at"`
	}
	city := PlaceSpec{City: true}
	for _, tc := range []struct {
		name  string
		spec  DatasetSpec
		files [][]byte
		want  string
	}{
		{"no such column", DatasetSpec{Time: TimeSpec{Column: "att"}, Place: city}, [][]byte{good}, `part-0.parquet: column "att": the file has no such column, which the catalog names for the time; did you mean "at"?`},
		{"no such function column", DatasetSpec{Place: city, Functions: Strings{"mean(far)"}}, [][]byte{good}, `column "far": the file has no such column, which the catalog names for the mean(far); did you mean "fare"?`},
		{"numbers as times", DatasetSpec{Time: TimeSpec{Column: "seats"}, Place: city}, [][]byte{good}, `column "seats": numbers as times need a unit; set time.epoch`},
		{"another type in the second file", DatasetSpec{Place: city}, [][]byte{good, writeParquet(t, [][]other{{{"2014-01-06"}}})}, `part-1.parquet: column "at": its type utf8 tells times in another way`},
		{"a column missing in the second file", DatasetSpec{Place: city, Functions: Strings{"sum(fare)"}}, [][]byte{good, writeParquet(t, [][]other{{{"2014-01-06"}}})}, `part-1.parquet: column "fare": the file has no such column`},
		{"cut off", DatasetSpec{Place: city}, [][]byte{good[:len(good)-9]}, "part-0.parquet"},
		{"empty", DatasetSpec{Place: city}, [][]byte{{}}, "part-0.parquet: the file is empty"},
	} {
		_, err := newCorpus(t, "UTC", tc.spec, tc.files...).load(2)
		var e *ColumnError
		if err == nil || !errors.As(err, &e) || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "dataset trips: ") {
			t.Errorf("%s: error %v\nwant ... %s", tc.name, err, tc.want)
		}
	}
	c := newCorpus(t, "UTC", DatasetSpec{Place: city}, good)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Load(ctx, c.store, c.catalog, "trips", c.systems, LoadOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCoverage(t *testing.T) {
	every := func(n, step int64) []int64 {
		var steps []int64
		for i := range n {
			steps = append(steps, i*step)
		}
		return steps
	}
	without := func(steps []int64, first, end int64) []int64 {
		return slices.DeleteFunc(slices.Clone(steps), func(s int64) bool { return s >= first && s < end })
	}
	for _, tc := range []struct {
		name     string
		occupied []int64
		gaps     string
		silence  int64
	}{
		{"nothing", nil, "[]", 0},
		{"one step", []int64{7}, "[]", 0},
		{"every step", every(100, 1), "[]", 0},
		{"one missing of a regular series", without(every(100, 1), 40, 41), "[{40 41}]", 0},
		{"every third step", every(100, 3), "[]", 6},
		{"weekdays", slices.DeleteFunc(every(700, 1), func(s int64) bool { return s%7 >= 5 }), "[]", 6},
		{"weekdays with a month off", without(slices.DeleteFunc(every(700, 1), func(s int64) bool { return s%7 >= 5 }), 300, 330), "[{299 330}]", 6},
		{"now and then an empty hour, and an outage", without(without(slices.DeleteFunc(every(20000, 1), func(s int64) bool { return s%300 == 7 }), 9000, 9020), 400, 402), "[{9000 9020}]", 3},
	} {
		c := newCoverage(tc.occupied)
		if got := strings.ReplaceAll(fmt.Sprint(c.gaps), "[]", "[]"); got != tc.gaps || c.silence != tc.silence {
			t.Errorf("%s: gaps %s, silence %d, want %s, %d", tc.name, got, c.silence, tc.gaps, tc.silence)
		}
	}
	c := coverage{first: 5, end: 100, silence: 3, gaps: []stepGap{{40, 60}}}
	for _, tc := range []struct {
		first, end int64
		want       bool
	}{
		{0, 24, false}, // 5 steps before the first row are more than a usual silence
		{2, 26, true},
		{24, 40, true}, {24, 41, true}, {24, 48, false}, {48, 58, false}, {58, 98, true}, {59, 60, false}, {60, 61, true},
		{90, 103, true}, {90, 104, false}, {200, 224, false},
	} {
		if got := c.covers(tc.first, tc.end); got != tc.want {
			t.Errorf("covers %d to %d: %t", tc.first, tc.end, got)
		}
	}
}

// TestEmptyRegions: a region that never has a row is outside the domain,
// unless the catalog wants it.
func TestEmptyRegions(t *testing.T) {
	rows := []event{{At: at("2014-01-06 10:05"), Code: ptr("a")}, {At: at("2014-01-06 11:05"), Code: ptr("a")}}
	for empty, want := range map[string]string{"": "1 . | 1 .", "zero": "1 0 | 1 0"} {
		l := newCorpus(t, "UTC", DatasetSpec{Place: PlaceSpec{Region: "squares", Column: "code", Empty: empty}, Functions: Strings{"count"}}, writeParquet(t, [][]event{rows})).mustLoad(t)
		if got := text(function(t, l, "count", "hour squares")); got != want {
			t.Errorf("empty %q: %s, want %s", empty, got, want)
		}
	}
}

// TestFunctionFile: what is written is read, and damage is an error.
func TestFunctionFile(t *testing.T) {
	f := &Function{
		Dataset: "trips", Spec: FunctionSpec{Kind: Mean, Column: "fare (usd)"}, Version: Anomaly, Estimated: 3,
		Axis:    NewAxis(Day, time.UTC, at("2014-01-06 00:00"), 2),
		Regions: &RegionSystem{Name: "squares", IDs: []string{"a", "b"}, Names: []string{"A", "B"}},
		Values:  []float64{1, math.NaN(), -2.5, 0},
	}
	var err error
	if f.Regions.Graph, err = topology.NewGraph(2, [][2]int{{0, 1}}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFunction(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got.Name() != f.Name() || text(got) != text(f) || got.Axis.Start(1) != f.Axis.Start(1) || got.Axis.Len() != 2 ||
		got.Estimated != 3 || got.Version != Anomaly || !slices.Equal(got.Regions.IDs, f.Regions.IDs) || !slices.Equal(got.Regions.Graph.Neighbours(0), []int32{1}) {
		t.Errorf("read %+v, wrote %+v", got, f)
	}
	data := b.Bytes()
	for i := range data {
		damaged := bytes.Clone(data)
		damaged[i] ^= 0x10
		if got, err := ReadFunction(damaged); err != nil && !errors.Is(err, ErrFunctionFile) {
			t.Fatalf("byte %d: error %v", i, err)
		} else if err == nil && text(got) != text(f) {
			t.Fatalf("byte %d: a wrong answer", i)
		}
		if _, err := ReadFunction(data[:i]); !errors.Is(err, ErrFunctionFile) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
}

// TestH3: points and codes of the same cells give the same function.
func TestH3(t *testing.T) {
	type trip struct {
		At    time.Time `parquet:"at,timestamp(microsecond:local)"`
		Lon   float64   `parquet:"lon"`
		Lat   float64   `parquet:"lat"`
		Hex   string    `parquet:"hex"`
		Digit int64     `parquet:"digit"`
	}
	rng := rand.New(rand.NewPCG(5, 5))
	var rows []trip
	for range 500 {
		e := trip{At: at("2014-01-06 10:00").Add(time.Duration(rng.IntN(600)) * time.Minute), Lon: -74 + rng.Float64()/10, Lat: 40.7 + rng.Float64()/10}
		c := h3CellAt(e.Lon, e.Lat, 8)
		e.Hex, e.Digit = c.String(), int64(c)
		rows = append(rows, e)
	}
	rows = append(rows, trip{At: at("2014-01-06 10:00"), Lon: math.NaN(), Lat: 40, Hex: "8a2a", Digit: 5})
	data := writeParquet(t, [][]trip{rows})
	want := ""
	for _, place := range []PlaceSpec{{Lon: "lon", Lat: "lat"}, {Region: "hex", Column: "hex"}, {Region: "hex", Column: "digit"}} {
		c := newCorpus(t, "UTC", DatasetSpec{Place: place, Functions: Strings{"count"}, Resolutions: Strings{"hour hex"}}, data)
		c.catalog.Regions["hex"] = RegionSpec{H3: 8}
		var err error
		if c.systems, err = LoadSystems(context.Background(), c.store, c.catalog); err != nil {
			t.Fatal(err)
		}
		l := c.mustLoad(t)
		f := function(t, l, "count", "hour hex")
		got := fmt.Sprint(f.Regions.IDs, text(f), f.Regions.Graph.Neighbours(0))
		if want == "" {
			want = got
		}
		if got != want || len(f.Regions.IDs) < 50 {
			t.Errorf("%+v: %s\nwant %s", place, got, want)
		}
		if u := l.Report.Unplaced; len(u) == 0 || u[0].Count != 1 || l.Report.Rows != 501 || l.Report.Files[0].Rows != 501 {
			t.Errorf("%+v: %d rows, unplaced %+v", place, l.Report.Rows, u)
		}
	}
}

// TestPlacesOfPoints: degrees, projected feet and WKB of the same points.
func TestPlacesOfPoints(t *testing.T) {
	type trip struct {
		At       time.Time `parquet:"at,timestamp(microsecond:local)"`
		Lon      float64   `parquet:"lon"`
		Lat      float64   `parquet:"lat"`
		X        float64   `parquet:"x"`
		Y        float64   `parquet:"y"`
		Geometry []byte    `parquet:"geometry"`
	}
	point := func(lon, lat float64) []byte {
		wkb := []byte{1, 1, 0, 0, 0}
		return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(wkb, math.Float64bits(lon)), math.Float64bits(lat))
	}
	const radius = 6378137 // of web Mercator
	var rows []trip
	for _, p := range [][2]float64{{0.5, 0.5}, {1.5, 0.25}, {1.5, 0.75}, {5, 5}} {
		rows = append(rows, trip{
			At: at("2014-01-06 10:00"), Lon: p[0], Lat: p[1], Geometry: point(p[0], p[1]),
			X: radius * p[0] * math.Pi / 180, Y: radius * math.Log(math.Tan(math.Pi/4+p[1]*math.Pi/360)),
		})
	}
	geo := `{"version":"1.0.0","primary_column":"geometry","columns":{"geometry":{"encoding":"WKB","geometry_types":["Point"]}}}`
	data := writeParquet(t, [][]trip{rows}, parquet.KeyValueMetadata("geo", geo))
	for _, place := range []PlaceSpec{{Lon: "lon", Lat: "lat"}, {X: "x", Y: "y", EPSG: 3857}, {Geometry: "geometry"}} {
		c := newCorpus(t, "UTC", DatasetSpec{Place: place, Functions: Strings{"count"}}, data)
		l := c.mustLoad(t)
		if got, want := text(function(t, l, "count", "hour squares")), "1 2"; got != want {
			t.Errorf("%+v: %s, want %s", place, got, want)
		}
		if u := l.Report.Unplaced; len(u) != 1 || u[0].Reason != reasonOutside || u[0].Count != 1 {
			t.Errorf("%+v: unplaced %+v", place, u)
		}
	}
	c := newCorpus(t, "UTC", DatasetSpec{Place: PlaceSpec{X: "x", Y: "y", EPSG: 9999}, Functions: Strings{"count"}}, data)
	if _, err := c.load(1); err == nil || !strings.Contains(err.Error(), "9999") {
		t.Errorf("an unknown projection: %v", err)
	}
	p, err := Inspect(context.Background(), c.store, []string{"part-0.parquet"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Entry.Place.Geometry != "geometry" || p.Entry.Time.Column != "at" {
		t.Errorf("proposal %+v", p.Entry)
	}
}
