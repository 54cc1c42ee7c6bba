package sql

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"polygamy/datasets"
)

// TestCorpusOtherColumns is TestCorpusTotals for columns that the catalog does
// without: times as text, codes of regions, and other functions.
func TestCorpusOtherColumns(t *testing.T) {
	c := corpusCatalog(t)
	if c == nil {
		return
	}
	systems, _ := corpusRegions(t, c)
	for _, tc := range []struct {
		name, dataset string
		change        func(s *datasets.DatasetSpec)
		source
	}{
		{"dates without a zero in front", "police_stops", func(s *datasets.DatasetSpec) {
			s.Time = datasets.TimeSpec{Column: "date_raw", Format: "MDDYYYY", Step: "day"}
		}, source{date: "stopped_at::DATE", unique: "stop_year, precinct, serial"}},
		{"American dates", "shootings", func(s *datasets.DatasetSpec) {
			s.Time = datasets.TimeSpec{Column: "occur_date", Format: "MM/DD/YYYY", Step: "day"}
		}, source{date: "occurred_at::DATE"}},
		{"American times", "uber_borough_hourly", func(s *datasets.DatasetSpec) {
			s.Time = datasets.TimeSpec{Column: "pickup_dt", Format: "M/D/YYYY H:mm", Step: "hour"}
		}, source{wall: "pickup_hour", unique: "pickup_hour, borough"}},
		{"days", "collisions", func(s *datasets.DatasetSpec) {
			s.Time = datasets.TimeSpec{Column: "crash_date"}
			s.Functions = []string{"count", "sum(persons_injured)", "sum(persons_killed)", "mean(vehicles_listed)", "max(persons_injured)"}
		}, source{date: "crash_at::DATE"}},
		// Of the hour that autumn has twice, both rows go to the first.
		{"clocks of the city", "weather_airports_hourly", func(s *datasets.DatasetSpec) {
			s.Time = datasets.TimeSpec{Column: "local_hour", Step: "hour"}
		}, source{wall: "local_hour", unique: "station, time_hour_utc"}},
		// Which row is the first decides on its time, among files too.
		{"first rows of places", "uber_pickups", func(s *datasets.DatasetSpec) {
			s.UniqueBy = []string{"latitude", "longitude"}
		}, source{wall: "pickup_at", unique: "latitude, longitude"}},
		{"delays", "flights", func(s *datasets.DatasetSpec) {
			s.Functions = []string{"min(dep_delay_min)", "max(dep_delay_min)", "median(dep_delay_min)", "sum(dep_delay_min)", "unique(dest)"}
		}, source{wall: "sched_dep_at", where: "sched_dep_at IS NOT NULL", unique: "flight_date, carrier, flight_number, origin"}},
		{"electricity", "electricity_hourly", func(s *datasets.DatasetSpec) {
			s.Functions = []string{"sum(demand_mw)", "min(demand_mw)", "median(demand_mw)", "mean(temp_f)"}
		}, source{wall: "timestamp", sumError: 1e-12}},
		// 264 and 265 are outside the city, and a pair of zones has no id.
		{"codes of zones", "yellow_taxi_zone_hourly", func(s *datasets.DatasetSpec) {
			s.Place = datasets.PlaceSpec{Region: "taxi_zone", Column: "location_id"}
			s.Functions = []string{"sum(pickups)", "max(pickups)"}
		}, source{wall: "pickup_hour", regions: map[string]string{"taxi_zone": "CASE WHEN location_id < 264 THEN location_id::VARCHAR END"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := c.Datasets[tc.dataset]
			if tc.regions == nil {
				spec.Place = datasets.PlaceSpec{City: true}
			}
			tc.change(&spec)
			changed := *c
			changed.Datasets = map[string]datasets.DatasetSpec{tc.dataset: spec}
			tc.files = corpus + tc.dataset + "/*.parquet"
			compare(t, load(t, &changed, tc.dataset, systems), tc.source)
		})
	}
}

// TestCorpusFacts checks what the description of the corpus says about its
// contents, as functions have it.
func TestCorpusFacts(t *testing.T) {
	c := corpusCatalog(t)
	if c == nil {
		return
	}
	systems, _ := corpusRegions(t, c)
	daily := func(name string) *datasets.Function {
		loaded := load(t, c, name, systems)
		f, err := loaded.Function(loaded.Functions()[0], datasets.Day, datasets.WholeCity())
		if err != nil {
			t.Fatal(err)
		}
		return f
	}

	// The counts of zones come from another source than those of days, which
	// has one trip more on two days.
	more := map[string]float64{"2016-10-07": 1, "2016-11-27": 1}
	zones, days := daily("yellow_taxi_zone_hourly"), daily("taxi_yellow_daily")
	total := 0.0
	for i, trips := range zones.Values {
		total += trips
		day := zones.Axis.Start(i)
		date := day.Format(time.DateOnly)
		if want := days.Values[days.Axis.Step(day)] - more[date]; trips != want {
			t.Errorf("%s: %v trips in all zones, want %v", date, trips, want)
		}
	}
	if n := len(zones.Values); n != 184 || total != 61_758_521 { // by DuckDB 1.5.5
		t.Errorf("%v trips in %d days", total, n)
	}

	// There are no reports of 2015, which is not a year without stops.
	stops := daily("police_stops")
	counts := map[int]int{} // days with a count, by year
	for i, n := range stops.Values {
		if !math.IsNaN(n) {
			counts[stops.Axis.Start(i).Year()]++
		}
	}
	if counts[2014] != 365 || counts[2015] != 0 || counts[2016] != 366 {
		t.Errorf("police stops are counted on so many days: %v", counts)
	}
}

// TestCorpusPlaces checks the points of the corpus against what the rows say
// about their places otherwise.
func TestCorpusPlaces(t *testing.T) {
	c := corpusCatalog(t)
	if c == nil {
		return
	}
	_, casts := corpusRegions(t, c)
	number := slices.IndexFunc(corpusPoints, func(e corpusEntry) bool { return e.name == "yellow_taxi_zone_hourly" })
	taxis := corpusPoints[number].source
	taxis.files, taxis.rayCasts = corpus+"yellow_taxi_zone_hourly/*.parquet", casts
	db := openDuckDB(t, 2)
	taxis.create(t, db, "location_id")
	const wrong = "location_id < 264 AND location_id::VARCHAR IS DISTINCT FROM in_taxi_zone"
	var n int
	if err := db.QueryRow("SELECT count(*) FROM used WHERE " + wrong).Scan(&n); err != nil || n > 0 {
		t.Errorf("%d points are outside their taxi zones: %v", n, err)
	}

	// The degrees were computed from the feet by another program, and have six
	// decimals.
	rows, err := db.Query(fmt.Sprintf("SELECT DISTINCT xcoord_ft, ycoord_ft, longitude, latitude FROM read_parquet(%s) WHERE xcoord_ft IS NOT NULL",
		quoted(corpus+"police_stops/*.parquet")))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var x, y, lon, lat float64
		if err := rows.Scan(&x, &y, &lon, &lat); err != nil {
			t.Fatal(err)
		}
		if gotLon, gotLat := unprojectLongIsland(x, y); !(math.Abs(gotLon-lon) < 0.6e-6 && math.Abs(gotLat-lat) < 0.6e-6) {
			t.Fatalf("(%v, %v) is at (%v, %v), want (%v, %v)", x, y, gotLon, gotLat, lon, lat)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
