package sql

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"polygamy/datasets"
)

// A source says how DuckDB is to read the rows of a dataset. All but the
// files is SQL, and none of it comes from a catalog.
type source struct {
	files    string
	where    string            // condition of the rows that datasets uses; empty for all
	unique   string            // columns: of rows that have the same there, the first is used
	replace  string            // columns that are to be read in another way
	wall     string            // time of the clocks of New York; this, utc or date
	utc      string            // time of UTC
	date     string            // first day of the step
	weekly   bool              // the step is a week
	lon, lat string            // of the row, which rayCasts take for its regions
	regions  map[string]string // id of the row's region by the region system, where they do not

	rayCasts  map[string]*rayCast
	unproject func(x, y float64) (lon, lat float64) // from what lon and lat hold; nil for degrees
	noHours   []string                              // region systems in which hours are left out, for the time that they take
	sumError  float64                               // relative, of sums: 0 where values are integers
}

// finest returns the resolution of the times.
func (s *source) finest() datasets.Resolution {
	switch {
	case s.weekly:
		return datasets.Week
	case s.date != "":
		return datasets.Day
	}
	return datasets.Hour
}

// steps returns the SQL of the hour of a row, in seconds since 1970 of UTC,
// and of the time that the clocks of New York show.
func (s *source) steps() (hour, local string) {
	const zone = "'America/New_York'"
	const hours = "epoch(%s)::BIGINT // 3600 * 3600"
	switch {
	case s.utc != "":
		return fmt.Sprintf(hours, s.utc), fmt.Sprintf("timezone(%s, timezone('UTC', %s))", zone, s.utc)
	case s.date != "":
		return "0", s.date + "::TIMESTAMP"
	}
	// DuckDB takes the later of two instants; datasets takes the earlier one.
	utc := fmt.Sprintf("timezone(%s, %s)", zone, s.wall)
	earlier := fmt.Sprintf("(%s - INTERVAL 1 HOUR)", utc)
	return fmt.Sprintf(hours, fmt.Sprintf("(CASE WHEN timezone(%s, %s) = %s THEN %s ELSE %s END)", zone, earlier, s.wall, earlier, utc)), s.wall
}

// stepOf returns the SQL of the step of a row of the table of create, as
// secondsOf has it.
func stepOf(r datasets.Resolution) string {
	if r == datasets.Hour {
		return "at_hour"
	}
	return fmt.Sprintf("epoch(date_trunc('%s', at_local))::BIGINT", r)
}

// secondsOf returns the begin of a step in seconds since 1970: of UTC for
// hours, and for dates as if they were of UTC.
func secondsOf(axis datasets.Axis, step int) int64 {
	start := axis.Start(step)
	if axis.Resolution == datasets.Hour {
		return start.Unix()
	}
	y, m, d := start.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()
}

// create makes the table used, of the rows that datasets uses with the given
// columns, their at_hour, at_local, and the in_ of each region system.
func (s *source) create(t *testing.T, db *sql.DB, columns ...string) {
	t.Helper()
	hour, local := s.steps()
	all, where, first := "*", "", ""
	if s.replace != "" {
		all += " REPLACE (" + s.replace + ")"
	}
	if s.lon != "" {
		columns = append(columns, s.lon, s.lat)
	}
	columns = slices.Compact(slices.Sorted(slices.Values(append(columns, "at_hour", "at_local", "COLUMNS('^in_')"))))
	if s.where != "" {
		where = "WHERE " + s.where
	}
	if s.unique != "" {
		first = "QUALIFY row_number() OVER (PARTITION BY " + s.unique + " ORDER BY filename, file_row_number) = 1"
	}
	regions := ", 'city' AS in_city"
	for system, id := range s.regions {
		regions += fmt.Sprintf(", %s AS in_%s", id, system)
	}
	execute(t, db, fmt.Sprintf("CREATE TABLE used AS SELECT %s FROM (SELECT %s, %s AS at_hour, %s AS at_local%s FROM read_parquet(%s, filename = true, file_row_number = true) %s %s)",
		strings.Join(columns, ", "), all, hour, local, regions, quoted(s.files), where, first))
	if s.rayCasts != nil {
		createPlaces(t, db, s)
		execute(t, db, fmt.Sprintf("CREATE OR REPLACE TABLE used AS SELECT used.*, places.* EXCLUDE (place_lon, place_lat) FROM used LEFT JOIN places ON %s = place_lon AND %s = place_lat", s.lon, s.lat))
	}
}

func execute(t *testing.T, db *sql.DB, text string) {
	t.Helper()
	if _, err := db.Exec(text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func TestTotals(t *testing.T) {
	file := writeTrips(t, 100_000)
	systems := map[string]*datasets.RegionSystem{"taxi_zone": zoneSystem(t)}
	everything := []string{"count", "unique(medallion)", "unique(vendor)", "mean(fare)", "sum(fare)", "min(tip)", "max(total)", "median(distance)"}
	trips := tripSpec(everything, file)
	from := source{files: file, wall: "pickup_at", sumError: 1e-12, regions: map[string]string{"taxi_zone": "zone::VARCHAR"}}
	compare(t, load(t, newYork("d", trips), "d", systems), from)
	trips.Resolutions = []string{"hour city"}
	trips.Place = datasets.PlaceSpec{City: true}
	trips.Functions = []string{"count", "mean(fare)", "sum(tip)", "min(fare)", "max(fare)"}
	compare(t, load(t, newYork("d", trips), "d", nil), from)
}

func load(t *testing.T, c *datasets.Catalog, name string, systems map[string]*datasets.RegionSystem) *datasets.Loaded {
	t.Helper()
	loaded, err := datasets.Load(context.Background(), datasets.Disk{}, c, name, systems, datasets.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// compare checks every cell of every function at every resolution of every
// region system that a dataset has.
func compare(t *testing.T, loaded *datasets.Loaded, s source) {
	t.Helper()
	db := openDuckDB(t, 2)
	functions := loaded.Functions()
	var columns []string
	for _, spec := range functions {
		if spec.Column != "" {
			columns = append(columns, spec.Column)
		}
	}
	s.create(t, db, columns...)
	checkReport(t, db, loaded)
	known := newCoverage(t, db, s.finest())
	cells := 0
	for _, system := range loaded.Regions() {
		resolutions := loaded.Resolutions(system)
		if resolutions[0] != s.finest() {
			t.Fatalf("the finest resolution is %s, want %s", resolutions[0], s.finest())
		}
		for _, r := range resolutions {
			if r == datasets.Hour && slices.Contains(s.noHours, system.Name) {
				continue
			}
			want := query(t, db, functions, r, system.Name)
			var at *layout // the same for all functions
			for i, spec := range functions {
				f, err := loaded.Function(spec, r, system)
				if err != nil {
					t.Fatal(err)
				}
				if at == nil {
					at = newLayout(t, f, known, want)
				}
				compareCells(t, f, at, want, i, s.sumError)
				compareEmpty(t, f, at)
				cells += at.covered
			}
		}
	}
	if cells == 0 {
		t.Error("no cell was compared")
	}
	t.Logf("%d cells with rows agree", cells)
}

// checkReport checks how many rows are used, and in no region.
func checkReport(t *testing.T, db *sql.DB, loaded *datasets.Loaded) {
	t.Helper()
	count := func(condition string) (n int64) {
		if err := db.QueryRow("SELECT count(*) FROM used WHERE " + condition).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if want := count("true"); loaded.Report.Used != want {
		t.Errorf("%d rows are used, DuckDB has %d", loaded.Report.Used, want)
	}
	for _, system := range loaded.Regions() {
		var unplaced int64
		for _, u := range loaded.Report.Unplaced {
			if u.Regions == system.Name {
				unplaced += u.Count
			}
		}
		if want := count("in_" + system.Name + " IS NULL"); unplaced != want {
			t.Errorf("%d rows are in no region of %s, DuckDB has %d", unplaced, system.Name, want)
		}
	}
	if bad := loaded.Report.BadValues; len(bad) > 0 {
		t.Errorf("bad values: %+v", bad)
	}
}

// A cell is a step, as secondsOf has it, and the id of a region, with one
// element for each function.
type cell struct {
	step   int64
	region string
	values []cellValue
}

type cellValue struct {
	sql.NullFloat64
	estimated bool // by datasets
}

// query returns all cells that have rows.
func query(t *testing.T, db *sql.DB, functions []datasets.FunctionSpec, r datasets.Resolution, system string) []cell {
	t.Helper()
	var columns strings.Builder
	for _, spec := range functions {
		// fsum and favg compensate their rounding. A cell is missing if all of
		// its rows lack the value, which count takes for 0.
		format := map[datasets.FunctionKind]string{
			datasets.Count: "count(*)", datasets.Unique: "nullif(count(DISTINCT %s), 0)", datasets.Sum: "fsum(%s)",
			datasets.Mean: "favg(%s)", datasets.Min: "min(%s)", datasets.Max: "max(%s)", datasets.Median: "median(%s)",
		}[spec.Kind]
		format = ", " + format + "::DOUBLE"
		if estimates(spec) {
			format += fmt.Sprintf(", count(DISTINCT %%s) > %d", exactValues)
		}
		columns.WriteString(strings.ReplaceAll(format, "%s", `"`+spec.Column+`"`))
	}
	rows, err := db.Query(fmt.Sprintf("SELECT %s AS step, in_%s AS region%s FROM used WHERE region IS NOT NULL GROUP BY step, region", stepOf(r), system, columns.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var cells []cell
	for rows.Next() {
		c := cell{values: make([]cellValue, len(functions))}
		to := []any{&c.step, &c.region}
		for i, spec := range functions {
			to = append(to, &c.values[i].NullFloat64)
			if estimates(spec) {
				to = append(to, &c.values[i].estimated)
			}
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		cells = append(cells, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return cells
}

// A layout says where the cells of a query are in the values of a function.
type layout struct {
	index   []int  // of each cell; -1 if its step is not covered
	covered int    // cells of covered steps
	steps   []bool // that are covered
	seen    []bool // the values that have a cell
	ever    []bool // regions that have a cell, in any step
}

func newLayout(t *testing.T, f *datasets.Function, known *coverage, want []cell) *layout {
	t.Helper()
	r, regions := f.Axis.Resolution, len(f.Regions.IDs)
	l := &layout{seen: make([]bool, len(f.Values)), ever: make([]bool, regions)}
	stepOf, regionOf := make(map[int64]int), make(map[string]int)
	for step := range f.Axis.Steps {
		at := secondsOf(f.Axis, step)
		stepOf[at] = step
		l.steps = append(l.steps, known.covers(r, at))
	}
	for region, id := range f.Regions.IDs {
		regionOf[id] = region
	}
	for _, c := range want {
		region, ok := regionOf[c.region]
		if !ok {
			t.Fatalf("%s has no region %s", f.Regions.Name, c.region)
		}
		l.ever[region] = true
		step, ok := stepOf[c.step]
		if ok && !l.steps[step] || !ok && !known.covers(r, c.step) {
			l.index = append(l.index, -1)
			continue
		}
		if !ok {
			t.Fatalf("%s at %s %s has no step %s", f.Name(), r, f.Regions.Name, time.Unix(c.step, 0).UTC())
		}
		l.index = append(l.index, step*regions+region)
		l.seen[step*regions+region] = true
		l.covered++
	}
	return l
}

// compareCells checks the cells of a function that have rows and are covered.
// The function is number i of those of want.
func compareCells(t *testing.T, f *datasets.Function, at *layout, want []cell, i int, sumError float64) {
	t.Helper()
	exact := map[datasets.FunctionKind]float64{datasets.Mean: 1e-12, datasets.Sum: sumError}[f.Spec.Kind]
	estimated := 0
	for j, c := range want {
		if at.index[j] < 0 {
			continue
		}
		tolerance := exact
		if c.values[i].estimated {
			tolerance = estimateError[f.Spec.Kind]
			estimated++
		}
		x, w := f.Values[at.index[j]], c.values[i]
		if math.IsNaN(x) == w.Valid || w.Valid && math.Abs(x-w.Float64) > tolerance*math.Abs(w.Float64) {
			t.Fatalf("%s in %s at %s: %v, DuckDB has %v (missing: %v)", f.Name(), c.region, f.Axis.Start(at.index[j]/len(at.ever)), x, w.Float64, !w.Valid)
		}
	}
	if f.Estimated != estimated {
		t.Errorf("%s at %s %s: %d cells are estimates, want %d", f.Name(), f.Axis.Resolution, f.Regions.Name, f.Estimated, estimated)
	}
}

// exactValues is how many different values of a cell distinct counts and
// medians know exactly.
const exactValues = 3072

// estimateError is the relative error of values that are estimates: five
// standard errors of distinct counts, and the digits that medians keep.
var estimateError = map[datasets.FunctionKind]float64{datasets.Unique: 5 * 0.0081, datasets.Median: 1.0 / (1 << 12)}

// estimates reports whether values of a function may be estimates.
func estimates(spec datasets.FunctionSpec) bool { return estimateError[spec.Kind] > 0 }

// compareEmpty checks the other cells: counts and sums of covered steps are 0
// in the regions that ever have a row, and all else is missing.
func compareEmpty(t *testing.T, f *datasets.Function, at *layout) {
	t.Helper()
	if n := len(at.steps); n > 0 && !(at.steps[0] && at.steps[n-1]) {
		t.Errorf("%s at %s: the axis begins or ends with a step that is not covered", f.Name(), f.Axis.Resolution)
	}
	counts := f.Spec.Kind == datasets.Count || f.Spec.Kind == datasets.Unique || f.Spec.Kind == datasets.Sum
	for step, covered := range at.steps {
		for region, ever := range at.ever {
			i := step*len(at.ever) + region
			x, zero := f.Values[i], counts && covered && ever
			if !at.seen[i] && (zero != (x == 0) || !zero && !math.IsNaN(x)) {
				t.Fatalf("%s in %s at %s: %v, without rows; want 0: %v", f.Name(), f.Regions.IDs[region], f.Axis.Start(step), x, zero)
			}
		}
	}
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
		compare(t, loaded, source{files: file, wall: "moment"})
	}
}
