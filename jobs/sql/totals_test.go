package sql

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polygamy/datasets"
)

// corpus holds real data, in most checkouts not at all.
const corpus = "../../../shared/data/nyc/"

// A comparison is of functions at one resolution with a query.
type comparison struct {
	name       string
	spec       datasets.DatasetSpec
	resolution datasets.Resolution
	functions  []string

	// What DuckDB is to do: the condition of the rows that datasets uses, the
	// step of a row in seconds since 1970 (of UTC for hours, without a zone for
	// days), and its region.
	where, step, region string

	sumError  float64 // relative, of sums: 0 where values are integers
	uncovered int     // cells with rows in steps that the dataset covers too little of
}

// hourOf returns the SQL of the UTC hour of a wall time of New York. DuckDB
// takes the later of two instants; datasets takes the earlier one.
func hourOf(wall string) string {
	const zone = "'America/New_York'"
	utc := fmt.Sprintf("timezone(%s, %s)", zone, wall)
	earlier := fmt.Sprintf("(%s - INTERVAL 1 HOUR)", utc)
	return fmt.Sprintf("epoch(CASE WHEN timezone(%s, %s) = %s THEN %s ELSE %s END)::BIGINT // 3600 * 3600", zone, earlier, wall, earlier, utc)
}

func dayOf(wall string) string { return "epoch(" + wall + "::DATE)::BIGINT" }

func TestTotals(t *testing.T) {
	file := writeTrips(t, 100_000)
	systems := map[string]*datasets.RegionSystem{"taxi_zone": zoneSystem(t)}
	trips := tripSpec(nil, file)
	everything := []string{"count", "unique(medallion)", "unique(vendor)", "mean(fare)", "sum(fare)", "min(tip)", "max(total)", "median(distance)"}
	compare(t, systems, comparison{
		name: "trips by hour and zone", spec: trips, resolution: datasets.Hour, functions: everything,
		step: hourOf("pickup_at"), region: "zone::VARCHAR", sumError: 1e-12,
	})
	trips.Resolutions = []string{"hour city"}
	trips.Place = datasets.PlaceSpec{City: true}
	compare(t, nil, comparison{
		name: "trips by hour", spec: trips, resolution: datasets.Hour, functions: []string{"count", "mean(fare)", "sum(tip)", "min(fare)", "max(fare)"},
		step: hourOf("pickup_at"), sumError: 1e-12,
	})
}

// TestCorpusTotals is TestTotals for real data.
func TestCorpusTotals(t *testing.T) {
	if _, err := os.Stat(corpus); err != nil {
		return
	}
	zones, err := datasets.LoadRegions(context.Background(), datasets.Disk{}, "taxi_zone",
		datasets.RegionSpec{File: corpus + "regions/taxi_zones.geojson", ID: "location_id"})
	if err != nil {
		t.Fatal(err)
	}
	injured := []string{"count", "sum(persons_injured)", "sum(persons_killed)", "mean(vehicles_listed)", "max(persons_injured)"}
	delays := []string{"count", "mean(dep_delay_min)", "min(dep_delay_min)", "max(dep_delay_min)", "median(dep_delay_min)", "sum(dep_delay_min)", "unique(tailnum)"}
	demand := []string{"mean(demand_mw)", "min(demand_mw)", "max(demand_mw)", "sum(demand_mw)", "mean(temp_f)"}
	weather := []string{"mean(temp_max_f)", "min(temp_min_f)", "sum(precip_in)", "median(avg_wind_mph)"}
	for _, c := range []comparison{
		{name: "collisions by hour", spec: corpusSpec("collisions", "crash_at"), resolution: datasets.Hour, functions: injured, step: hourOf("crash_at")},
		{name: "collisions by day", spec: corpusSpec("collisions", "crash_at"), resolution: datasets.Day, functions: injured, step: dayOf("crash_at")},
		{name: "uber_pickups by hour", spec: corpusSpec("uber_pickups", "pickup_at"), resolution: datasets.Hour, functions: []string{"count"}, step: hourOf("pickup_at")},
		{name: "uber_pickups by day", spec: corpusSpec("uber_pickups", "pickup_at"), resolution: datasets.Day, functions: []string{"count"}, step: dayOf("pickup_at")},
		// No row is between 17:00 on 8 February 2013, when a blizzard came, and
		// 09:00 on the next day: datasets takes that for a gap in both days.
		{name: "flights by day", spec: corpusSpec("flights", "sched_dep_at"), resolution: datasets.Day, functions: delays, where: "sched_dep_at IS NOT NULL", step: dayOf("sched_dep_at"), uncovered: 2},
		{name: "electricity by hour", spec: corpusSpec("electricity_hourly", "timestamp"), resolution: datasets.Hour, functions: demand, step: hourOf("timestamp"), sumError: 1e-12},
		{name: "weather by day", spec: corpusSpec("weather_central_park_daily", "date"), resolution: datasets.Day, functions: weather, step: dayOf("date"), sumError: 1e-12},
	} {
		compare(t, nil, c)
	}
	taxis := corpusSpec("yellow_taxi_zone_hourly", "pickup_hour")
	taxis.Place = datasets.PlaceSpec{Region: "taxi_zone", Column: "location_id"}
	compare(t, map[string]*datasets.RegionSystem{"taxi_zone": zones}, comparison{
		name: "taxis by hour and zone", spec: taxis, resolution: datasets.Hour, functions: []string{"sum(pickups)", "max(pickups)"},
		where: "location_id NOT IN (264, 265)", // which are outside the city
		step:  hourOf("pickup_hour"), region: "location_id::VARCHAR",
	})
}

// corpusSpec describes a dataset of the corpus by its column of times.
func corpusSpec(folder, time string) datasets.DatasetSpec {
	return datasets.DatasetSpec{
		Files: []string{corpus + folder + "/*.parquet"},
		Time:  datasets.TimeSpec{Column: time},
		Place: datasets.PlaceSpec{City: true},
	}
}

// compare checks every cell of every function.
func compare(t *testing.T, systems map[string]*datasets.RegionSystem, c comparison) {
	t.Run(c.name, func(t *testing.T) {
		c.spec.Functions = c.functions
		for i, file := range c.spec.Files {
			file, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			c.spec.Files[i] = file
		}
		loaded, err := datasets.Load(context.Background(), datasets.Disk{}, newYork("d", c.spec), "d", systems, datasets.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		system := loaded.Regions()[0]
		for i, want := range query(t, c) {
			f, err := loaded.Function(loaded.Functions()[i], c.resolution, system)
			if err != nil {
				t.Fatal(err)
			}
			compareCells(t, c, f, want)
		}
	})
}

// A cell is a step, in seconds as a comparison's step, and the id of a region.
type cell struct {
	step   int64
	region string
}

// query returns the value of every cell that has rows, for each function.
func query(t *testing.T, c comparison) []map[cell]sql.NullFloat64 {
	t.Helper()
	values := make([]map[cell]sql.NullFloat64, len(c.functions))
	var columns strings.Builder
	for i, text := range c.functions {
		values[i] = make(map[cell]sql.NullFloat64)
		spec, err := datasets.ParseFunction(text)
		if err != nil {
			t.Fatal(err)
		}
		// fsum and favg compensate their rounding.
		format := map[datasets.FunctionKind]string{
			datasets.Count: "count(*)", datasets.Unique: "count(DISTINCT %s)", datasets.Sum: "fsum(%s)",
			datasets.Mean: "favg(%s)", datasets.Min: "min(%s)", datasets.Max: "max(%s)", datasets.Median: "median(%s)",
		}[spec.Kind]
		columns.WriteString(", " + strings.ReplaceAll(format, "%s", `"`+spec.Column+`"`) + "::DOUBLE")
	}
	region, where := c.region, c.where
	if region == "" {
		region = "'city'"
	}
	if where == "" {
		where = "true"
	}
	db := openDuckDB(t, 2)
	rows, err := db.Query(fmt.Sprintf("SELECT %s AS step, %s AS region%s FROM read_parquet(%s) WHERE %s GROUP BY step, region",
		c.step, region, columns.String(), quoted(c.spec.Files[0]), where))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var at cell
		row := make([]sql.NullFloat64, len(c.functions))
		to := []any{&at.step, &at.region}
		for i := range row {
			to = append(to, &row[i])
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		for i, x := range row {
			values[i][at] = x
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return values
}

// compareCells checks the cells of a function, those without rows too.
func compareCells(t *testing.T, c comparison, f *datasets.Function, want map[cell]sql.NullFloat64) {
	t.Helper()
	if f.Estimated > 0 {
		t.Errorf("%s: %d cells are estimates", f.Name(), f.Estimated)
	}
	counts := f.Spec.Kind == datasets.Count || f.Spec.Kind == datasets.Unique || f.Spec.Kind == datasets.Sum
	tolerance := map[datasets.FunctionKind]float64{datasets.Mean: 1e-12, datasets.Sum: c.sumError}[f.Spec.Kind]
	same, uncovered := 0, len(want)
	for i, x := range f.Values {
		at := cell{f.Axis.Start(i / len(f.Regions.IDs)).Unix(), f.Regions.IDs[i%len(f.Regions.IDs)]}
		if c.resolution != datasets.Hour { // the date, as if it were one of UTC
			y, m, d := f.Axis.Start(i / len(f.Regions.IDs)).Date()
			at.step = time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()
		}
		w, ok := want[at]
		switch {
		case ok && math.IsNaN(x) && w.Valid:
			continue // uncovered
		case !ok && (math.IsNaN(x) || counts && x == 0):
			continue
		case ok && math.IsNaN(x) && !w.Valid, ok && math.Abs(x-w.Float64) <= tolerance*math.Abs(w.Float64):
			same, uncovered = same+1, uncovered-1
		default:
			t.Fatalf("%s in %s at %s: %v, DuckDB has %v (rows: %v)", f.Name(), at.region, f.Axis.Start(i/len(f.Regions.IDs)), x, w.Float64, ok)
		}
	}
	if uncovered != c.uncovered || same == 0 {
		t.Errorf("%s: %d cells agree, and %d of DuckDB's are missing, want %d", f.Name(), same, uncovered, c.uncovered)
	}
	t.Logf("%s: %d cells agree", f.Name(), same)
}

// TestClockChanges counts one row every 20 minutes of the wall clock on the
// days on which the clocks of New York change.
func TestClockChanges(t *testing.T) {
	for _, tc := range []struct {
		from, to string // wall times
		rows     string // of the UTC hours from the first one on, worked by hand; - is missing
		skipped  int64
		repeated int64
	}{
		// 02:00 to 02:59 does not exist and moves to 03:00, the UTC hour 7.
		{"2014-03-09 00:00", "2014-03-09 06:00", "3 3 6 3 3", 3, 0},
		// 01:00 to 01:59 is shown twice, in the UTC hours 5 and 6, and stays in
		// the first. No row is left for the other, which is silent for longer
		// than any other hour.
		{"2014-11-02 00:00", "2014-11-02 05:00", "3 3 - 3 3 3", 0, 3},
	} {
		db := openDuckDB(t, 1)
		file := filepath.Join(t.TempDir(), "rows.parquet")
		_, err := db.Exec(fmt.Sprintf("COPY (SELECT unnest(generate_series(TIMESTAMP '%s', TIMESTAMP '%s' - INTERVAL 1 SECOND, INTERVAL 20 MINUTE)) AS moment) TO %s (FORMAT parquet)",
			tc.from, tc.to, quoted(file)))
		if err != nil {
			t.Fatal(err)
		}
		spec := datasets.DatasetSpec{Files: []string{file}, Time: datasets.TimeSpec{Column: "moment"}, Place: datasets.PlaceSpec{City: true}, Functions: []string{"count"}}
		loaded, err := datasets.Load(context.Background(), datasets.Disk{}, newYork("d", spec), "d", nil, datasets.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := loaded.Function(loaded.Functions()[0], datasets.Hour, datasets.WholeCity())
		if err != nil {
			t.Fatal(err)
		}
		rows := strings.ReplaceAll(strings.Trim(fmt.Sprint(f.Values), "[]"), "NaN", "-")
		if rows != tc.rows || loaded.Report.Skipped != tc.skipped || loaded.Report.Ambiguous != tc.repeated {
			t.Errorf("from %s: rows %s, %d skipped and %d ambiguous times; want %s, %d and %d",
				tc.from, rows, loaded.Report.Skipped, loaded.Report.Ambiguous, tc.rows, tc.skipped, tc.repeated)
		}
		compare(t, nil, comparison{name: tc.from, spec: spec, resolution: datasets.Hour, functions: []string{"count"}, step: hourOf("moment")})
	}
}
