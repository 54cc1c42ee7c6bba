package datasets

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOutlines(t *testing.T) {
	folder := t.TempDir()
	const shapes = `{"type": "FeatureCollection", "features": [
{"type": "Feature", "properties": {"id": "a"}, "geometry": {"type": "Polygon", "coordinates": [[[0,0],[4,0],[4,4],[0,4],[0,0]], [[1,1],[2,1],[2,2],[1,1]]]}},
{"type": "Feature", "properties": {"id": 7}, "geometry": {"type": "MultiPolygon", "coordinates": [[[[5,0],[6,0],[6,1],[5,0]]]]}},
{"type": "Feature", "properties": {"id": "a"}, "geometry": {"type": "Polygon", "coordinates": [[[8,8],[9,8],[9,9]]]}}]}`
	if err := os.WriteFile(filepath.Join(folder, "shapes.geojson"), []byte(shapes), 0o600); err != nil {
		t.Fatal(err)
	}
	const catalog = "city: {name: X, timezone: UTC}\nregions:\n  shape: {file: shapes.geojson}\n  cell: {h3: 7}\n  gone: {file: gone.geojson}\n" +
		"  grid: {grid: {west: 0, south: 0, east: 2, north: 1, columns: 2, rows: 1}}\ndatasets: {}\n"
	name := filepath.Join(folder, "catalog.yaml")
	if err := os.WriteFile(name, []byte(catalog), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	c, err := ReadCatalog(ctx, Disk{}, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ system, want string }{
		{"shape", "map[7:[[[5 0] [6 0] [6 1]]] a:[[[0 0] [4 0] [4 4] [0 4]] [[1 1] [2 1] [2 2]] [[8 8] [9 8] [9 9]]]]"},
		{"grid", "map[c0r0:[[[0 0] [1 0] [1 1] [0 1]]] c1r0:[[[1 0] [2 0] [2 1] [1 1]]]]"},
	} {
		got, err := Outlines(ctx, Disk{}, c, tc.system)
		if err != nil || fmt.Sprint(got) != tc.want {
			t.Errorf("%s: %v, %v; want %s", tc.system, got, err, tc.want)
		}
	}
	for _, tc := range []struct{ system, want string }{{"cell", "no outlines"}, {"city", "no outlines"}, {"gone", "gone.geojson"}} {
		if _, err := Outlines(ctx, Disk{}, c, tc.system); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", tc.system, err, tc.want)
		}
	}
}
