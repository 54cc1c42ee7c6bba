package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polygamy/datasets"
)

// corpus is the folder of the bundled data.
const corpus = "../notebooks/corpus"

// golden compares with a file of testdata, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func ingest(t *testing.T, o IngestOptions) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := Ingest(context.Background(), datasets.Disk{}, o, &out)
	return out.String(), err
}

// TestIngestCorpus compares the load reports of the bundled corpus with a file
// that was read and found plausible, and with what is known of the sources.
func TestIngestCorpus(t *testing.T) {
	folder := t.TempDir()
	out, err := ingest(t, IngestOptions{Catalog: corpus + "/catalog.yaml", Out: folder})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "ingest", strings.ReplaceAll(out, folder, "OUT"))
	read := func(name string) *datasets.Function {
		data, err := os.ReadFile(filepath.Join(folder, "functions", name))
		if err != nil {
			t.Fatal(err)
		}
		f, err := datasets.ReadFunction(data)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for name, want := range map[string]float64{
		"collisions/day-city/count.arrow":   527652,
		"uber_pickups/day-city/count.arrow": 205673,
		"flights/hour-city/count.arrow":     328521, // 336,776 less those without a time
	} {
		sum := 0.0
		for _, x := range read(name).Values {
			if x == x {
				sum += x
			}
		}
		if sum != want {
			t.Errorf("%s: %g rows in all, want %g", name, sum, want)
		}
	}
	// The blizzard of 2015-01-27 kept taxis off the streets.
	f := read("taxi_passengers_halfhourly/day-city/sum.passengers.arrow")
	least := slices.Index(f.Values, slices.MinFunc(f.Values, func(a, b float64) int {
		switch {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	}))
	if day := f.Axis.Start(least).Format(time.DateOnly); day != "2015-01-27" {
		t.Errorf("the day with the fewest passengers is %s", day)
	}
	if _, err := os.Stat(filepath.Join(folder, "reports", "collisions.json")); err != nil {
		t.Error(err)
	}
}

// TestIngestSameBytes: workers do not show.
func TestIngestSameBytes(t *testing.T) {
	files := func(workers int) map[string]string {
		folder := t.TempDir()
		if _, err := ingest(t, IngestOptions{Catalog: corpus + "/catalog.yaml", Out: folder, Workers: workers, Datasets: []string{"uber_pickups", "citibike_daily"}}); err != nil {
			t.Fatal(err)
		}
		found := make(map[string]string)
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			found[strings.TrimPrefix(path, folder)] = string(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	one, many := files(1), files(5)
	if len(one) == 0 || len(one) != len(many) {
		t.Fatalf("%d and %d files", len(one), len(many))
	}
	for name, data := range one {
		if many[name] != data {
			t.Errorf("%s differs", name)
		}
	}
}

// badCorpus is a catalog of which one dataset's file is cut off.
func badCorpus(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	data, err := os.ReadFile(corpus + "/nyc/citibike_daily/part-0.parquet")
	if err != nil {
		t.Fatal(err)
	}
	catalog := `city: {name: New York, timezone: America/New_York}
datasets:
  bad:
    files: cut.parquet
    time: {column: date}
    place: {city: true}
    functions: sum(trips)
  good:
    files: whole.parquet
    time: {column: date}
    place: {city: true}
    functions: sum(trips)
  strange:
    files: whole.parquet
    time: {column: day}
    place: {city: true}
    functions: [sum(trip), count]
`
	for name, data := range map[string][]byte{"cut.parquet": data[:len(data)/2], "whole.parquet": data, "catalog.yaml": []byte(catalog)} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, "catalog.yaml")
}

// TestIngestBadDataset: a dataset that cannot be read stops none but itself.
func TestIngestBadDataset(t *testing.T) {
	catalog := badCorpus(t)
	folder := t.TempDir()
	out, err := ingest(t, IngestOptions{Catalog: catalog, Out: folder})
	if ExitCode(err) != ExitInput {
		t.Fatalf("exit code %d: %v", ExitCode(err), err)
	}
	for _, want := range []string{
		"2 of 3 datasets were not loaded", "dataset bad: " + filepath.Dir(catalog) + "/cut.parquet: ",
		`dataset strange: `, `column "day": the file has no such column`, `column "trip": the file has no such column, which the catalog names for the sum(trip); did you mean "trips"?`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %v\nlacks %q", err, want)
		}
	}
	if !strings.HasPrefix(out, "good: 883 rows of 1 file, 883 used\n") {
		t.Errorf("output %q", out)
	}
	if files, err := filepath.Glob(folder + "/functions/*/day-city/sum.trips.arrow"); err != nil || len(files) != 1 {
		t.Errorf("functions %v, %v", files, err)
	}
}

func TestIngestUsage(t *testing.T) {
	for _, tc := range []struct {
		o    IngestOptions
		want string
	}{
		{IngestOptions{Catalog: corpus + "/catalog.yaml"}, "give --out FOLDER"},
		{IngestOptions{Catalog: corpus + "/catalog.yaml", Out: "out", Format: "xml"}, `unknown format "xml"`},
		{IngestOptions{Catalog: corpus + "/catalog.yaml", Out: "out", Datasets: []string{"colisions"}}, `has no dataset "colisions"; it has citibike_daily, collisions,`},
		{IngestOptions{Catalog: "none.yaml", Out: "out"}, "none.yaml"},
	} {
		if _, err := ingest(t, tc.o); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: exit code %d, error %v; want %q", tc.o, ExitCode(err), err, tc.want)
		}
	}
}

// A cancellingStore cancels the run when the first function is written.
type cancellingStore struct {
	datasets.Disk
	cancel context.CancelFunc
}

func (s cancellingStore) Open(ctx context.Context, name string) (datasets.File, error) {
	if strings.HasSuffix(name, ".parquet") {
		s.cancel()
	}
	return s.Disk.Open(ctx, name)
}

func TestIngestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var out bytes.Buffer
	err := Ingest(ctx, cancellingStore{cancel: cancel}, IngestOptions{Catalog: corpus + "/catalog.yaml", Out: t.TempDir(), Now: time.Now}, &out)
	if ExitCode(err) != ExitPartial || !errors.Is(err, errInterrupted) {
		t.Errorf("exit code %d: %v", ExitCode(err), err)
	}
}

// TestProgressLine: rates and what is left, at most ten times a second.
func TestProgressLine(t *testing.T) {
	now := time.Unix(0, 0)
	var out bytes.Buffer
	line := &progressLine{w: &out, now: func() time.Time { return now }}
	line.begins("trips")
	for range 3 {
		line.show(datasets.Progress{Rows: 2_500_000, TotalRows: 10_000_000, Bytes: 50_000_000, TotalBytes: 200_000_000})
		now = now.Add(50 * time.Millisecond)
	}
	line.end()
	if got, want := out.String(), "\r\x1b[Ktrips: 2.5M rows, 2.5G rows/s, 50000 MB/s, 25 %, 0s left\r\x1b[Ktrips: 2.5M rows, 25M rows/s, 500 MB/s, 25 %, 0s left\r\x1b[K"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestInspectAndCheck(t *testing.T) {
	run := func(do func(w *bytes.Buffer) error) string {
		var out bytes.Buffer
		if err := do(&out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	var text string
	for _, files := range []string{"collisions/*.parquet", "taxi_fhv_daily/", "weather_airports_hourly/part-0.parquet", "flights/*.parquet"} {
		text += run(func(w *bytes.Buffer) error {
			return Inspect(context.Background(), datasets.Disk{}, InspectOptions{Files: []string{corpus + "/nyc/" + files}, Catalog: corpus + "/catalog.yaml"}, w)
		})
	}
	golden(t, "inspect", text)
	golden(t, "check", run(func(w *bytes.Buffer) error {
		return Check(context.Background(), datasets.Disk{}, CheckOptions{Catalog: corpus + "/catalog.yaml"}, w)
	}))
	var p datasets.Proposal
	if err := json.Unmarshal([]byte(run(func(w *bytes.Buffer) error {
		return Inspect(context.Background(), datasets.Disk{}, InspectOptions{Files: []string{corpus + "/nyc/citibike_daily/"}, Format: "json"}, w)
	})), &p); err != nil {
		t.Fatal(err)
	}
	if p.Name != "citibike_daily" || p.Rows != 883 || p.Entry.Time.Column != "date" || !p.Entry.Place.City || !slices.Contains(p.Entry.Functions, "sum(trips)") {
		t.Errorf("proposal %+v", p)
	}
}

// TestInspectProposesWhatLoads: the entry that inspect proposes is a catalog
// that check accepts.
func TestInspectProposesWhatLoads(t *testing.T) {
	for _, name := range []string{"collisions", "uber_pickups", "flights", "weather_airports_hourly", "weather_jfk_hourly", "weather_central_park_daily", "taxi_fhv_daily", "citibike_daily", "taxi_passengers_halfhourly"} {
		var out bytes.Buffer
		files, err := filepath.Abs(corpus + "/nyc/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := Inspect(context.Background(), datasets.Disk{}, InspectOptions{Files: []string{files + "/*.parquet"}}, &out); err != nil {
			t.Fatal(err)
		}
		catalog := write(t, "catalog.yaml", "city: {name: New York, timezone: America/New_York}\n"+out.String())
		var report bytes.Buffer
		if err := Check(context.Background(), datasets.Disk{}, CheckOptions{Catalog: catalog}, &report); err != nil {
			t.Errorf("%s: %v\n%s\n%s", name, err, out.String(), report.String())
		}
	}
}

// TestCheckFindsEverything: all problems at once, as text and as JSON.
func TestCheckFindsEverything(t *testing.T) {
	catalog := badCorpus(t)
	var out bytes.Buffer
	err := Check(context.Background(), datasets.Disk{}, CheckOptions{Catalog: catalog, Format: "json"}, &out)
	if ExitCode(err) != ExitInput {
		t.Fatalf("exit code %d: %v", ExitCode(err), err)
	}
	var result struct {
		Findings []struct {
			Dataset string
			Warning bool
			Message string
		}
		Datasets []struct{ Dataset string }
	}
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Findings) != 3 || len(result.Datasets) != 1 || result.Datasets[0].Dataset != "good" {
		t.Errorf("%s", out.String())
	}
	missing := write(t, "missing.yaml", "city: {name: X, timezone: UTC}\ndatasets:\n  a: {files: [nope1.csv, nope2.csv], time: {column: t}, place: {city: true}, functions: count}\n")
	out.Reset()
	if err := Check(context.Background(), datasets.Disk{}, CheckOptions{Catalog: missing}, &out); ExitCode(err) != ExitInput || strings.Count(out.String(), "error: dataset a: ") != 2 {
		t.Errorf("two missing files: %v\n%s", err, out.String())
	}
	broken := write(t, "broken.yaml", "city: {name: X, timezone: Mars}\ndatasets:\n  a: {files: x, time: {colum: t}, place: {city: true}}\n")
	out.Reset()
	if err := Check(context.Background(), datasets.Disk{}, CheckOptions{Catalog: broken}, &out); ExitCode(err) != ExitUsage {
		t.Fatalf("exit code %d: %v", ExitCode(err), err)
	}
	for _, want := range []string{"colum", "did you mean", "Mars"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %s", want, out.String())
		}
	}
}
