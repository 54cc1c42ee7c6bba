package sql

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"polygamy/datasets"
)

// corpus holds real data, in most checkouts not at all.
const corpus = "../../../shared/data/nyc/"

// corpusCatalog returns the catalog of the corpus, or nil where that is not.
// Its files must lie beside it, so both come together in a new folder.
func corpusCatalog(t *testing.T) *datasets.Catalog {
	t.Helper()
	data, err := filepath.Abs(corpus)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(data); err != nil {
		return nil
	}
	text, err := os.ReadFile("../../notebooks/corpus/full-catalog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(folder+"/catalog.yaml", text, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(data, folder+"/nyc"); err != nil {
		t.Fatal(err)
	}
	c, err := datasets.ReadCatalog(context.Background(), datasets.Disk{}, folder+"/catalog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// corpusRegions returns the region systems as datasets and as DuckDB have
// them.
func corpusRegions(t *testing.T, c *datasets.Catalog) (map[string]*datasets.RegionSystem, map[string]*rayCast) {
	t.Helper()
	systems, err := datasets.LoadSystems(context.Background(), datasets.Disk{}, c)
	if err != nil {
		t.Fatal(err)
	}
	casts := make(map[string]*rayCast)
	for name, file := range map[string][2]string{
		"neighborhood": {"neighborhoods.geojson", "region_id"},
		"zip":          {"zipcodes.geojson", "zip"},
		"taxi_zone":    {"taxi_zones.geojson", "location_id"},
		"borough":      {"boroughs.geojson", "borough"},
	} {
		casts[name] = newRayCast(t, corpus+"regions/"+file[0], file[1])
	}
	return systems, casts
}

// A corpusEntry is what is known of an entry of the catalog, beside its
// functions, regions and resolutions, all of which are compared.
type corpusEntry struct {
	name   string
	folder string // if it is not the name
	// By the description of the corpus:
	rows int64  // in all files
	span string // first and last day
	source
}

// The entries whose points are in regions; those of corpusSeries are of the
// whole city or name their region.
var corpusPoints = []corpusEntry{
	{name: "collisions", rows: 805_249, span: "2012-07-01 2016-12-31", source: source{wall: "crash_at", unique: "collision_id", lon: "longitude", lat: "latitude", noHours: []string{"zip", "taxi_zone"}}},
	{name: "uber_pickups", rows: 205_673, span: "2014-04-01 2014-09-30", source: source{wall: "pickup_at", lon: "longitude", lat: "latitude"}},
	{name: "yellow_taxi_zone_hourly", rows: 552_883, span: "2016-07-01 2016-12-31", source: source{wall: "pickup_hour", lon: "longitude", lat: "latitude"}},
	{name: "police_stops", rows: 58_191, span: "2014-01-01 2016-12-31", source: source{wall: "stopped_at", unique: "stop_year, precinct, serial", lon: "xcoord_ft", lat: "ycoord_ft", unproject: unprojectLongIsland}},
	{name: "felony_complaints", rows: 35_269, span: "2014-01-01 2016-12-31", source: source{wall: "from_at", unique: "complaint_id", lon: "longitude", lat: "latitude"}},
	{name: "shootings", rows: 18_739, span: "2006-01-01 2016-12-31", source: source{wall: "occurred_at", lon: "longitude", lat: "latitude"}},
	// Cancelled flights have no time. No row is between 17:00 on 8 February
	// 2013, when a blizzard came, and 09:00 on the next day: a gap in both.
	{name: "flights", rows: 336_776, span: "2013-01-01 2013-12-31", source: source{wall: "sched_dep_at", where: "sched_dep_at IS NOT NULL", unique: "flight_date, carrier, flight_number, origin", lon: "longitude", lat: "latitude"}},
	{name: "weather_airports_hourly", rows: 26_115, span: "2013-01-01 2013-12-30", source: source{utc: "strptime(time_hour_utc, '%Y-%m-%dT%H:%M:%SZ')", unique: "station, time_hour_utc", lon: "longitude", lat: "latitude"}},
}

var corpusSeries = []corpusEntry{
	// Standard time the whole year.
	{name: "weather_jfk_hourly", rows: 91_007, span: "2010-01-01 2016-12-31", source: source{utc: "observed_at + INTERVAL 5 HOUR", where: "report_type = 'FM-15'", unique: "observed_at", sumError: 1e-12}},
	{name: "weather_central_park_daily", rows: 2_922, span: "2009-01-01 2016-12-31", source: source{date: "date", unique: "date", sumError: 1e-12}},
	{name: "taxi_passengers_halfhourly", rows: 10_320, span: "2014-07-01 2015-01-31", source: source{wall: "timestamp"}},
	taxis("taxi_yellow_daily", "Yellow taxis", "2009-01-01 2016-12-31"),
	taxis("taxi_green_daily", "Green taxis", "2013-08-01 2016-12-31"),
	taxis("taxi_uber_daily", "Uber", "2014-04-01 2016-12-31"),
	taxis("taxi_lyft_daily", "Lyft", "2015-04-01 2016-12-31"),
	taxis("taxi_other_fhv_daily", "Non-app FHVs", "2015-09-01 2016-12-31"),
	{name: "uber_borough_hourly", rows: 29_101, span: "2015-01-01 2015-06-30", source: source{wall: "pickup_hour", unique: "pickup_hour, borough", regions: map[string]string{"borough": "borough"}}},
	{name: "citibike_daily", rows: 883, span: "2013-07-01 2015-11-30", source: source{date: "date", unique: "date"}},
	{name: "electricity_hourly", rows: 43_824, span: "2012-01-01 2016-12-31", source: source{wall: "timestamp"}},
	{name: "gas_price_weekly", rows: 479, span: "2007-10-29 2016-12-26", source: source{date: "week_of", weekly: true, unique: "week_of"}},
	{name: "noise_complaints_daily", rows: 365, span: "2015-01-01 2015-12-31", source: source{date: "date", unique: "date"}},
	{name: "fhv_base_daily", rows: 26_181, span: "2015-01-01 2015-08-31", source: source{date: "strptime(pickup_date, '%m/%d/%Y')", replace: textNumber("trips_raw") + ", " + textNumber("vehicles_raw")}},
}

// taxis is one kind of car of a table whose areas overlap.
func taxis(name, car, span string) corpusEntry {
	return corpusEntry{name: name, folder: "taxi_fhv_daily", rows: 37_180, span: span,
		source: source{date: "date", where: "geo = 'total' AND car_type = " + quoted(car), unique: "date"}}
}

// textNumber reads a column such as " 1,137 " or " -   ", which is none.
func textNumber(column string) string {
	return fmt.Sprintf("nullif(nullif(replace(trim(%[1]s), ',', ''), '-'), '')::BIGINT AS %[1]s", column)
}

// TestCorpusTotals compares every function of the catalog of the corpus, at
// all resolutions and in all region systems, but for noHours.
func TestCorpusTotals(t *testing.T) {
	c := corpusCatalog(t)
	if c == nil {
		return
	}
	systems, casts := corpusRegions(t, c)
	var compared []string
	for _, e := range append(slices.Clone(corpusPoints), corpusSeries...) {
		compared = append(compared, e.name)
		t.Run(e.name, func(t *testing.T) { e.compare(t, c, systems, casts) })
	}
	slices.Sort(compared)
	if names := c.Names(); !slices.Equal(compared, names) {
		t.Errorf("compared are %v, the catalog has %v", compared, names)
	}
}

// compare loads the entry, and compares all that it has.
func (e corpusEntry) compare(t *testing.T, c *datasets.Catalog, systems map[string]*datasets.RegionSystem, casts map[string]*rayCast) {
	if e.folder == "" {
		e.folder = e.name
	}
	e.files = corpus + e.folder + "/*.parquet"
	regions := len(e.regions)
	if e.lon != "" {
		e.rayCasts, regions = casts, len(casts)
	}
	loaded := load(t, c, e.name, systems)
	if n := len(loaded.Regions()); n != regions+1 {
		t.Errorf("%d region systems, want %d and the city", n, regions)
	}
	if loaded.Report.Rows != e.rows {
		t.Errorf("%d rows, want %d", loaded.Report.Rows, e.rows)
	}
	if span := loaded.Report.First.Format(time.DateOnly) + " " + loaded.Report.Last.Format(time.DateOnly); span != e.span {
		t.Errorf("rows of %s, want %s", span, e.span)
	}
	compare(t, loaded, e.source)
}

// createPlaces makes the table places of the points of the table used: the
// region of each in every region system.
func createPlaces(t *testing.T, db *sql.DB, s *source) {
	t.Helper()
	rows, err := db.Query(fmt.Sprintf("SELECT DISTINCT %s AS x, %s AS y FROM used WHERE x IS NOT NULL AND y IS NOT NULL", s.lon, s.lat))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var text strings.Builder
	types := "'place_lon': 'DOUBLE', 'place_lat': 'DOUBLE'"
	systems := slices.Sorted(maps.Keys(s.rayCasts))
	for _, name := range systems {
		types += fmt.Sprintf(", 'in_%s': 'VARCHAR'", name)
	}
	for rows.Next() {
		var x, y float64
		if err := rows.Scan(&x, &y); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "%v,%v", x, y)
		if s.unproject != nil {
			x, y = s.unproject(x, y)
		}
		for _, name := range systems {
			id, _ := s.rayCasts[name].locate(x, y) // empty is null
			text.WriteString("," + id)
		}
		text.WriteString("\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "places.csv")
	if err := os.WriteFile(file, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	execute(t, db, fmt.Sprintf("CREATE TABLE places AS SELECT * FROM read_csv(%s, header = false, nullstr = '', columns = {%s})", quoted(file), types))
}
