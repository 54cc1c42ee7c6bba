package datasets

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// readNumbers reads the columns of a CSV file of numbers under a header.
func readNumbers(t *testing.T, name string) [][]float64 {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns := make([][]float64, len(rows[0]))
	for _, row := range rows[1:] {
		for c, field := range row {
			x, err := strconv.ParseFloat(field, 64)
			if err != nil {
				t.Fatal(err)
			}
			columns[c] = append(columns[c], x)
		}
	}
	return columns
}

func TestProjectionControlPoints(t *testing.T) {
	for _, tc := range []struct {
		file      string
		tolerance float64 // degrees
	}{
		// Computed by PROJ through pyproj 3.7.2, from EPSG:2263 to EPSG:4269.
		{"testdata/places/epsg2263.csv", 1e-10},
		// Rows of New York's shooting incidents, which have both; the feet are
		// rounded to one, and the degrees were computed by other software.
		{"testdata/places/shootings.csv", 1e-5},
	} {
		columns := readNumbers(t, tc.file)
		x, y, lon, lat := columns[0], columns[1], columns[2], columns[3]
		unproject, err := projectionOf(2263)
		if err != nil {
			t.Fatal(err)
		}
		unproject(x, y)
		for i := range x {
			if !(math.Abs(x[i]-lon[i]) <= tc.tolerance && math.Abs(y[i]-lat[i]) <= tc.tolerance) {
				t.Errorf("%s: row %d: (%v, %v), want (%v, %v)", tc.file, i, x[i], y[i], lon[i], lat[i])
			}
		}
	}
}

func TestProjectionOf(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, tc := range []struct {
		name           string
		epsg           int
		x, y, lon, lat float64
	}{
		{"degrees stay", 4326, -74.006, 40.7128, -74.006, 40.7128},
		{"the corner of the map", 4326, 180, -90, 180, -90},
		{"beyond the map", 4326, 180.5, 0, nan, nan},
		{"beyond the pole", 4326, 0, -91, nan, nan},
		{"no longitude", 4326, nan, 40, nan, nan},
		{"no latitude", 4326, -74, nan, nan, nan},
		// By PROJ through pyproj 3.7.2.
		{"Manhattan", 3857, -8238310.24, 4970071.58, -74.00600003910363, 40.71280000583932},
		{"the origin", 3857, 0, 0, 0, 0},
		{"the far corner", 3857, 20037508.342789244, 20037508.342789244, 180, 85.0511287798066},
		{"the south", 3857, 1e6, -1e7, 8.983152841195214, -66.44602771314118},
		{"rounded up at the edge", 3857, 20037508.35, 0, 180, 0},
		{"beyond the map", 3857, 3e7, 0, nan, nan},
		{"beyond the map to the south", 3857, 0, -inf, nan, nan},
		{"no x", 3857, nan, 0, nan, nan},
		{"the natural origin", 2263, 984250, 0, -74, 40 + 10.0/60},
		{"no x", 2263, nan, 200000, nan, nan},
		{"no y", 2263, 984250, nan, nan, nan},
		{"infinite", 2263, inf, 0, nan, nan},
		{"a number for missing", 2263, -9999999, -9999999, nan, nan},
		{"finite but too large to square", 2263, 1e300, 1e300, nan, nan},
	} {
		t.Run(strconv.Itoa(tc.epsg)+" "+tc.name, func(t *testing.T) {
			unproject, err := projectionOf(tc.epsg)
			if err != nil {
				t.Fatal(err)
			}
			x, y := []float64{tc.x}, []float64{tc.y}
			unproject(x, y)
			same := func(got, want float64) bool {
				return math.Abs(got-want) <= 1e-10 || math.IsNaN(got) && math.IsNaN(want)
			}
			if !same(x[0], tc.lon) || !same(y[0], tc.lat) {
				t.Errorf("EPSG:%d (%v, %v) is at (%v, %v), want (%v, %v)", tc.epsg, tc.x, tc.y, x[0], y[0], tc.lon, tc.lat)
			}
		})
	}
}

func TestProjectionOfUnknownCode(t *testing.T) {
	_, err := projectionOf(32618)
	if err == nil {
		t.Fatal("EPSG:32618 has a projection")
	}
	for _, part := range []string{"32618", "2263", "3857", "4326"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not mention %s", err, part)
		}
	}
}

func BenchmarkLongIsland(b *testing.B) {
	const n = 1 << 12
	unproject, err := projectionOf(2263)
	if err != nil {
		b.Fatal(err)
	}
	x, y := make([]float64, n), make([]float64, n)
	for b.Loop() {
		for i := range x {
			x[i], y[i] = 1e6+float64(i), 2e5+float64(i)
		}
		unproject(x, y)
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "points/s")
}
