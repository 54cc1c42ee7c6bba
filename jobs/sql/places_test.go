package sql

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// TestRayCast: points in and around three regions, drawn in hundredths of a
// degree from 74° W, 40.7° N. a is the square from (0, 0) to (4, 4), with a corner
// more at (4, 2), and a hole from (2, 2) to (3, 3). b is the square from (4, 0) to (6, 2) and, in another
// feature, an island in the hole. c is the triangle (6, 2), (10, 2), (10, 4).
func TestRayCast(t *testing.T) {
	file := filepath.Join(t.TempDir(), "places.geojson")
	if err := os.WriteFile(file, []byte(`{"type":"FeatureCollection","features":[
		{"type":"Feature","properties":{"name":"a"},"geometry":{"type":"Polygon","coordinates":[
			[[-74,40.7],[-73.96,40.7],[-73.96,40.72],[-73.96,40.74],[-74,40.74],[-74,40.7]],
			[[-73.98,40.72],[-73.97,40.72],[-73.97,40.73],[-73.98,40.73],[-73.98,40.72]]]}},
		{"type":"Feature","properties":{"name":"b"},"geometry":{"type":"Polygon","coordinates":[
			[[-73.96,40.7],[-73.94,40.7],[-73.94,40.72],[-73.96,40.72],[-73.96,40.7]]]}},
		{"type":"Feature","properties":{"name":"c"},"geometry":{"type":"Polygon","coordinates":[
			[[-73.94,40.72],[-73.9,40.72],[-73.9,40.74],[-73.94,40.72]]]}},
		{"type":"Feature","properties":{"name":"b"},"geometry":{"type":"MultiPolygon","coordinates":[
			[[[-73.978,40.722],[-73.972,40.722],[-73.972,40.728],[-73.978,40.728],[-73.978,40.722]]]]}}
	]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	cast := newRayCast(t, file, "name")
	for _, tc := range []struct {
		name     string
		lon, lat float64
		want     string // "" outside all
	}{
		{"in a", -73.99, 40.71, "a"},
		{"in a, the ray through the hole and its island", -73.99, 40.725, "a"},
		{"in a, the ray through a corner", -73.965, 40.72, "a"},
		{"in a, the ray along an edge of the hole", -73.99, 40.72, "a"},
		{"in the hole, beside the island", -73.979, 40.725, ""},
		{"on the ring of the hole", -73.98, 40.725, "a"},
		{"on a corner of the hole", -73.97, 40.73, "a"},
		{"on the island", -73.975, 40.725, "b"},
		{"on the ring of the island", -73.972, 40.725, "b"},
		{"in b", -73.95, 40.71, "b"},
		{"between a and b: the first", -73.96, 40.71, "a"},
		{"on the edge of b in the south", -73.95, 40.7, "b"},
		{"a corner of b and of c: the first", -73.94, 40.72, "b"},
		{"in c", -73.91, 40.73, "c"},
		{"in c, north of the south of the island", -73.91, 40.725, "c"},
		{"on the edge of c in the south", -73.92, 40.72, "c"},
		{"the northern tip of c", -73.9, 40.74, "c"},
		{"west of c, the ray through two edges", -73.95, 40.73, ""},
		{"west of the tip of c", -73.93, 40.74, ""},
		{"west of all, the ray along the edge of a and b", -74.01, 40.7, ""},
		{"west of all, the ray along the northern edge of a", -74.01, 40.74, ""},
		{"west of all, the ray along the northern edge of b", -74.01, 40.72, ""},
		{"east of all", -73.89, 40.71, ""},
		{"south of the bands", -73.95, 40.1, ""},
		{"north of the bands", -73.95, 41.2, ""},
	} {
		if got, ok := cast.locate(tc.lon, tc.lat); got != tc.want || ok != (tc.want != "") {
			t.Errorf("%s: (%g, %g) is in %q, %t; want %q", tc.name, tc.lon, tc.lat, got, ok, tc.want)
		}
	}
}

// TestSideOf: points on and beside a line by less than rounding shows.
func TestSideOf(t *testing.T) {
	for _, tc := range []struct {
		x, y float64
		want int
	}{
		{-74, 40.75, 0},
		{math.Nextafter(-74, -75), 40.75, 1},
		{math.Nextafter(-74, -73), 40.75, -1},
		{-75, 40.75, 1},
		{-73, 40.75, -1},
	} {
		if got := sideOf(-74.25, 40.5, -73.75, 41, tc.x, tc.y); got != tc.want {
			t.Errorf("side of (%v, %v) is %d, want %d", tc.x, tc.y, got, tc.want)
		}
	}
}

// TestUnprojectLongIsland: the origin, 300 km or 984,250 feet west of which
// eastings begin, and what PROJ makes of other points, through pyproj 3.7.2.
func TestUnprojectLongIsland(t *testing.T) {
	for _, tc := range []struct{ x, y, lon, lat float64 }{
		{984250, 0, -74, 40 + 10.0/60},
		{984250, 200000, -74, 40.715630498051446},
		{0, 0, -77.51958437167269, 40.11238529747857},
		{964766.553, 135644.36, -74.07009680931391, 40.53896647133155},
		{1025486.644, 271110.52, -73.85081040849226, 40.91071256824908},
		{911599.785, 196264.075, -74.26202986352278, 40.70507802621674},
		{1071693.692, 159233.579, -73.6850945820759, 40.60330424641519},
		{-1000000, 900000, -81.35291941151293, 42.40781017416416},
	} {
		lon, lat := unprojectLongIsland(tc.x, tc.y)
		if !(math.Abs(lon-tc.lon) < 1e-10 && math.Abs(lat-tc.lat) < 1e-10) {
			t.Errorf("(%v, %v) is at (%v, %v), want (%v, %v)", tc.x, tc.y, lon, lat, tc.lon, tc.lat)
		}
	}
}
