package datasets

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"

	"polygamy/internal/tripfile"
)

// BenchmarkLoad loads a taxi-like file, hourly count and mean and sum of the
// fare, with the region of each row from a code or from its point.
func BenchmarkLoad(b *testing.B) {
	const rows = 2 << 20
	var file bytes.Buffer
	if err := tripfile.Write(&file, rows, 1); err != nil {
		b.Fatal(err)
	}
	polygons, err := os.ReadFile("../notebooks/corpus/nyc/regions/neighborhoods.geojson")
	if err != nil {
		b.Fatal(err)
	}
	store := memoryStore{"trips.parquet": file.Bytes(), "n.geojson": polygons}
	for _, place := range []PlaceSpec{{City: true}, {Lon: "lon", Lat: "lat"}} {
		c := &Catalog{
			City:    City{Timezone: "America/New_York"},
			Regions: map[string]RegionSpec{"neighborhood": {File: "n.geojson", ID: "region_id"}},
			Datasets: map[string]DatasetSpec{"trips": {
				Files: Strings{"trips.parquet"}, Time: TimeSpec{Column: "pickup_at"}, Place: place,
				Functions: Strings{"count", "mean(fare)", "sum(fare)"},
			}},
		}
		systems, err := LoadSystems(context.Background(), store, c)
		if err != nil {
			b.Fatal(err)
		}
		for _, workers := range []int{1, 2} {
			name := "points"
			if place.City {
				name = "city"
			}
			b.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(b *testing.B) {
				for b.Loop() {
					if _, err := Load(context.Background(), store, c, "trips", systems, LoadOptions{Workers: workers}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}
