package sql

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"polygamy/datasets"
	"polygamy/internal/tripfile"
)

// openDuckDB returns a new, empty database that never downloads anything.
func openDuckDB(t testing.TB, threads int) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	for _, set := range []string{
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		fmt.Sprintf("SET threads = %d", threads),
	} {
		if _, err := db.Exec(set); err != nil {
			t.Fatalf("%s: %v", set, err)
		}
	}
	return db
}

// quoted returns a text as SQL writes it.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// writeTrips makes a file of trips in a temporary folder.
func writeTrips(t testing.TB, rows int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "trips.parquet")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := tripfile.Write(f, rows, 1); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// zoneFile makes a file of the zones of trips: a row of squares.
func zoneFile(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"type":"FeatureCollection","features":[`)
	for zone := 1; zone <= tripfile.Zones; zone++ {
		if zone > 1 {
			b.WriteString(",")
		}
		const side = 0.01
		west, south := -75+float64(zone)*side, 40.7
		east, north := west+side, south+side
		fmt.Fprintf(&b, `{"type":"Feature","properties":{"id":"%d"},"geometry":{"type":"Polygon","coordinates":[[[%g,%g],[%g,%g],[%g,%g],[%g,%g],[%g,%g]]]}}`,
			zone, west, south, east, south, east, north, west, north, west, south)
	}
	b.WriteString(`]}`)
	name := filepath.Join(t.TempDir(), "zones.geojson")
	if err := os.WriteFile(name, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

// zoneSystem returns the region system of zoneFile.
func zoneSystem(t testing.TB) *datasets.RegionSystem {
	t.Helper()
	system, err := datasets.LoadRegions(context.Background(), datasets.Disk{}, "taxi_zone", datasets.RegionSpec{File: zoneFile(t)})
	if err != nil {
		t.Fatal(err)
	}
	return system
}

// newYork returns a catalog of one dataset.
func newYork(name string, spec datasets.DatasetSpec) *datasets.Catalog {
	return &datasets.Catalog{
		City:     datasets.City{Name: "New York", Timezone: "America/New_York"},
		Datasets: map[string]datasets.DatasetSpec{name: spec},
	}
}

// tripSpec describes files of trips, whose zones are regions.
func tripSpec(functions []string, files ...string) datasets.DatasetSpec {
	return datasets.DatasetSpec{
		Files:       files,
		Time:        datasets.TimeSpec{Column: "pickup_at"},
		Place:       datasets.PlaceSpec{Region: "taxi_zone", Column: "zone"},
		Functions:   functions,
		Resolutions: []string{"hour taxi_zone"},
	}
}
