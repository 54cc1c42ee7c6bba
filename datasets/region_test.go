package datasets

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// regionFiles is a store of files in memory.
type regionFiles map[string]string

type regionFile struct{ *bytes.Reader }

func (regionFile) Close() error { return nil }

func (f regionFiles) Open(ctx context.Context, name string) (File, error) {
	text, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return regionFile{bytes.NewReader([]byte(text))}, nil
}

func (f regionFiles) Glob(context.Context, string) ([]string, error) { return nil, fs.ErrInvalid }

func (regionFiles) Remove(context.Context, string) error { return nil }

func (f regionFiles) Write(context.Context, string, func(io.Writer) error) error {
	return fs.ErrInvalid
}

// squareFeature is a square of a degree with its south-west corner at x, y.
func squareFeature(properties string, x, y int) string {
	return fmt.Sprintf(`{"type": "Feature", "properties": {%s}, "geometry": {"type": "Polygon", "coordinates":
		[[[%d, %d], [%d, %d], [%d, %d], [%d, %d], [%d, %d]]]}}`, properties, x, y, x+1, y, x+1, y+1, x, y+1, x, y)
}

func featureCollection(features ...string) string {
	return `{"type": "FeatureCollection", "features": [` + strings.Join(features, ",\n") + `]}`
}

func TestLoadRegions(t *testing.T) {
	files := regionFiles{
		"path.json": featureCollection(squareFeature(`"id": 7, "label": "seven"`, 0, 0), squareFeature(`"id": " b "`, 1, 0), squareFeature(`"id": 9.0, "label": null`, 2, 0)),
		"zips.json": featureCollection(squareFeature(`"zip": "00501", "id": 1`, 0, 0), squareFeature(`"zip": "10001", "id": 1`, 5, 5)),
		"parts.json": featureCollection(squareFeature(`"id": 56, "label": "first"`, 0, 0), squareFeature(`"id": 57`, 1, 0),
			squareFeature(`"id": "56", "label": "second"`, 2, 0), squareFeature(`"id": 58`, 9, 0)),
		"ids.json": `{"features": [{"id": 3, "type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates":
			[[[[0,0,5],[1,0],[0,1]]], [[[2,2],[3,2],[3,3],[2,3]], [[2.25,2.25],[2.75,2.25],[2.5,2.75]]]]}, "properties": null}], "crs": {"a": [1]}, "type": "FeatureCollection"}`,
		"ring.txt":  "3 1\n0 2\n",
		"pairs.txt": "2 1\n0 1\n",
	}
	type located map[position]int32
	for _, tc := range []struct {
		name    string
		spec    RegionSpec
		want    RegionSystem
		edges   [][2]int
		located located
	}{
		{"neighbours", RegionSpec{File: "path.json", Name: "label"},
			RegionSystem{IDs: []string{"7", "b", "9"}, Names: []string{"seven", "b", "9"}},
			[][2]int{{0, 1}, {1, 2}}, located{{.5, .5}: 0, {1, .5}: 0, {1.5, 1}: 1, {4, .5}: -1}},
		{"another id; islands", RegionSpec{File: "zips.json", ID: "zip"},
			RegionSystem{IDs: []string{"00501", "10001"}, Names: []string{"00501", "10001"}, Islands: []int{0, 1}},
			nil, located{{5.5, 5.5}: 1}},
		{"islands joined", RegionSpec{File: "zips.json", ID: "zip", Islands: "join"},
			RegionSystem{IDs: []string{"00501", "10001"}, Names: []string{"00501", "10001"}, Islands: []int{0, 1}},
			[][2]int{{0, 1}}, nil},
		{"features of the same id are one region", RegionSpec{File: "parts.json", Name: "label"},
			RegionSystem{IDs: []string{"56", "57", "58"}, Names: []string{"first", "57", "58"}, Islands: []int{2}, Merged: []int{0}},
			[][2]int{{0, 1}}, located{{.5, .5}: 0, {2.5, .5}: 0, {2, .5}: 0, {1.5, .5}: 1}},
		{"the feature's id; heights; unclosed rings; a hole", RegionSpec{File: "ids.json", ID: "id"},
			RegionSystem{IDs: []string{"3"}, Names: []string{"3"}, Islands: []int{0}},
			nil, located{{.2, .2}: 0, {0, .5}: 0, {.6, .6}: -1, {2.1, 2.1}: 0, {2.5, 2.5}: -1, {2.5, 2.25}: 0}},
		{"a graph file", RegionSpec{File: "path.json", Graph: "ring.txt"},
			RegionSystem{IDs: []string{"7", "b", "9"}, Names: []string{"7", "b", "9"}, Islands: []int{1}},
			[][2]int{{0, 2}}, nil},
		{"a graph file, islands joined", RegionSpec{File: "path.json", Graph: "ring.txt", Islands: "join"},
			RegionSystem{IDs: []string{"7", "b", "9"}, Names: []string{"7", "b", "9"}, Islands: []int{1}},
			[][2]int{{0, 1}, {0, 2}}, nil},
		{"a byte order mark", RegionSpec{File: "mark.json"},
			RegionSystem{IDs: []string{"1"}, Names: []string{"1"}, Islands: []int{0}}, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files["mark.json"] = "\uFEFF" + featureCollection(squareFeature(`"id": 1`, 0, 0))
			got, err := LoadRegions(context.Background(), files, "places", tc.spec)
			if err != nil {
				t.Fatal(err)
			}
			tc.want.Name = "places"
			for _, d := range []string{
				cmp.Diff(tc.want.Name, got.Name), cmp.Diff(tc.want.IDs, got.IDs), cmp.Diff(tc.want.Names, got.Names),
				cmp.Diff(tc.want.Islands, got.Islands), cmp.Diff(tc.want.Merged, got.Merged),
			} {
				if d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			}
			edges := graphEdges(got.Graph)
			if len(edges) == 0 {
				edges = nil
			}
			if diff := cmp.Diff(tc.edges, edges); diff != "" || got.Graph.NumRegions() != len(tc.want.IDs) {
				t.Errorf("%d regions, edges (-want +got):\n%s", got.Graph.NumRegions(), diff)
			}
			for p, want := range tc.located {
				if got := locate(got.points, []position{p})[0]; got != want {
					t.Errorf("%v is in region %d, want %d", p, got, want)
				}
			}
		})
	}
}

func TestNewRing(t *testing.T) {
	want := ring{{0, 0}, {1, 0}, {0, 1}}
	for _, positions := range [][]position{
		{{0, 0}, {1, 0}, {0, 1}, {0, 0}},
		{{0, 0}, {1, 0}, {0, 1}},
		{{0, 0}, {0, 0}, {1, 0}, {1, 0}, {1, 0}, {0, 1}, {0, 0}, {0, 0}},
	} {
		got, err := newRing(slices.Clone(positions))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("newRing(%v) = %v, %v, want %v", positions, got, err, want)
		}
	}
}

func TestLoadRegionsErrors(t *testing.T) {
	polygon := func(coordinates string) string {
		return featureCollection(squareFeature(`"id": "first"`, 0, 0), `{"type": "Feature", "properties": {"id": "x"}, "geometry": {"type": "Polygon", "coordinates": `+coordinates+`}}`)
	}
	geometry := func(text string) string {
		return featureCollection(`{"type": "Feature", "properties": {"id": "x"}, "geometry": ` + text + `}`)
	}
	const file = `regions "places": f.json: `
	const second = file + `features[1]: id "x": polygon 0, ring 0: `
	for _, tc := range []struct {
		name, text string
		spec       RegionSpec
		want       string // how the message begins
	}{
		{"nothing given", "", RegionSpec{}, `regions "places": 0 of file, grid and h3 are given; give one`},
		{"two sources", "", RegionSpec{File: "f.json", H3: 3}, `regions "places": 2 of file, grid and h3 are given; give one`},
		{"islands", featureCollection(), RegionSpec{File: "f.json", Islands: "drop"}, `regions "places": islands is "drop"; use keep or join`},
		{"tolerance", featureCollection(), RegionSpec{File: "f.json", Tolerance: -1}, `regions "places": tolerance is -1; it is in metres`},
		{"no file", "", RegionSpec{File: "g.json"}, `regions "places": open g.json: file does not exist`},
		{"empty file", "", RegionSpec{}, file + "the file ends early: unexpected EOF; a region file is a GeoJSON FeatureCollection"},
		{"not JSON", "PK\x03\x04", RegionSpec{}, file + "invalid character 'P'"},
		{"an array", "[1]", RegionSpec{}, file + "the JSON is of another structure; a region file is a GeoJSON FeatureCollection"},
		{"TopoJSON", `{"type": "Topology", "objects": {}}`, RegionSpec{}, file + `its type is "Topology"; a region file is a GeoJSON FeatureCollection`},
		{"features null", `{"type": "FeatureCollection", "features": null}`, RegionSpec{}, file + "the JSON is of another structure"},
		{"no features", featureCollection(), RegionSpec{}, file + "the file has no features; a region file has one for each region"},
		{"cut off", polygon("[[[0,0],[1,0],[0,1]]]")[:260], RegionSpec{}, file + "features[1]: the file ends early: unexpected EOF"},
		{"cut off after a feature", strings.TrimSuffix(featureCollection(squareFeature(`"id": 1`, 0, 0)), "]}"), RegionSpec{}, file + "the file ends early"},
		{"two documents", featureCollection(squareFeature(`"id": 1`, 0, 0)) + "{}", RegionSpec{}, file + "there is more after the end"},
		{"NaN", polygon("[[[0,0],[NaN,0],[0,1]]]"), RegionSpec{}, file + "features[1]: invalid character 'N' looking for beginning of value; correct or leave out the feature (JSON has no NaN and no Infinity)"},
		{"null", polygon("[[[0,0],[null,0],[0,1]]]"), RegionSpec{}, file + `features[1]: id "x": the coordinates are not those of a Polygon: "[null,0]" is not a position; it needs two numbers`},
		{"one number", polygon("[[[0,0],[1],[0,1]]]"), RegionSpec{}, file + `features[1]: id "x": the coordinates are not those of a Polygon: "[1]" is not a position; it needs a longitude and a latitude`},
		{"no numbers", polygon("[[[0,0],null,[0,1]]]"), RegionSpec{}, file + `features[1]: id "x": the coordinates are not those of a Polygon: "null" is not a position`},
		{"a number too large", polygon("[[[0,0],[1e999,0],[0,1]]]"), RegionSpec{}, file + `features[1]: id "x": the coordinates are not those of a Polygon`},
		{"too shallow", polygon("[[0,0],[1,0],[0,1]]"), RegionSpec{}, file + `features[1]: id "x": the coordinates are not those of a Polygon`},
		{"projected", polygon("[[[913175,120121],[913176,120121],[913175,120122]]]"), RegionSpec{}, second + "(913175, 120121) is not a longitude and latitude in degrees; if the file is projected, convert it to WGS 84 (EPSG:4326) first"},
		{"latitude first", polygon("[[[40.7,-174],[40.7,-173],[41,-173]]]"), RegionSpec{}, second + "(40.7, -174) is not a longitude and latitude"},
		{"two points", polygon("[[[0,0],[1,0],[0,0]]]"), RegionSpec{}, second + "the ring has 2 different points; it needs 3 to bound an area"},
		{"one point often", polygon("[[[0,0],[0,0],[0,0],[0,0]]]"), RegionSpec{}, second + "the ring has 1 different points"},
		{"an empty ring", polygon("[[]]"), RegionSpec{}, second + "the ring has 0 different points"},
		{"no rings", polygon("[]"), RegionSpec{}, file + `features[1]: id "x": polygon 0 of the Polygon is empty; leave it out or give it a ring`},
		{"a hole is checked too", polygon("[[[0,0],[1,0],[0,1]],[[0,0]]]"), RegionSpec{}, file + `features[1]: id "x": polygon 0, ring 1: the ring has 1`},
		{"no polygons", geometry(`{"type": "MultiPolygon", "coordinates": []}`), RegionSpec{}, file + `features[0]: id "x": the MultiPolygon is empty`},
		{"no coordinates", geometry(`{"type": "Polygon"}`), RegionSpec{}, file + `features[0]: id "x": the coordinates are not those of a Polygon`},
		{"no geometry", geometry("null"), RegionSpec{}, file + `features[0]: id "x": the feature has no geometry; leave it out or give it a polygon`},
		{"a line", geometry(`{"type": "LineString", "coordinates": [[0,0],[1,1]]}`), RegionSpec{}, file + `features[0]: id "x": its geometry is a LineString; a region is a Polygon or a MultiPolygon`},
		{"no id", featureCollection(squareFeature(`"zip": 1, "area": 2`, 0, 0)), RegionSpec{}, file + `features[0]: the feature has no "id" to identify it; name a property that all features have (this one has "area", "zip")`},
		{"no id and no properties", featureCollection(squareFeature(``, 0, 0)), RegionSpec{}, file + `features[0]: the feature has no "id" to identify it; name a property that all features have (this one has no properties)`},
		{"id null", featureCollection(squareFeature(`"zip": null`, 0, 0)), RegionSpec{ID: "zip"}, file + `features[0]: the feature has no "zip" to identify it`},
		{"a fraction", featureCollection(squareFeature(`"id": 1.5`, 0, 0)), RegionSpec{}, file + `features[0]: property "id": "1.5" is not an id; use a text or a whole number`},
		{"a number too large for an id", featureCollection(squareFeature(`"id": 1e20`, 0, 0)), RegionSpec{}, file + `features[0]: property "id": "1e20" is not an id`},
		{"true", featureCollection(squareFeature(`"id": true`, 0, 0)), RegionSpec{}, file + `features[0]: property "id": "true" is not an id`},
		{"blank id", featureCollection(squareFeature(`"id": " "`, 0, 0)), RegionSpec{}, file + `features[0]: property "id": the id is empty; give every feature an id`},
		{"no such name", featureCollection(squareFeature(`"id": 1`, 0, 0)), RegionSpec{Name: "label"}, file + `no feature has the property "label" to take names from; this one has "id"`},
		{"properties not an object", `{"type": "FeatureCollection", "features": [{"properties": 5}]}`, RegionSpec{}, file + "features[0]: json: cannot unmarshal number"},
		{"no graph file", featureCollection(squareFeature(`"id": 1`, 0, 0)), RegionSpec{Graph: "g.txt"}, `regions "places": open g.txt: file does not exist`},
		{"a graph of other regions", featureCollection(squareFeature(`"id": 1`, 0, 0)), RegionSpec{Graph: "two.txt"}, `regions "places": two.txt has 2 regions, but f.json has 1`},
		{"a broken graph", featureCollection(squareFeature(`"id": 1`, 0, 0)), RegionSpec{Graph: "f.json"}, `regions "places": f.json: line 1: `},
		{"a graph and features of the same id", featureCollection(squareFeature(`"id": 1`, 0, 0), squareFeature(`"id": 1`, 4, 0)), RegionSpec{Graph: "two.txt"},
			`regions "places": f.json: features[0] and features[1] have the same id, "1", and would be one region, but two.txt numbers them apart`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files := regionFiles{"f.json": tc.text, "two.txt": "2 1\n0 1\n"}
			if tc.spec.File == "" && tc.spec.H3 == 0 && tc.name != "nothing given" {
				tc.spec.File = "f.json"
			}
			_, err := LoadRegions(context.Background(), files, "places", tc.spec)
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("error:\n%v\nwant\n%s", err, tc.want)
			}
		})
	}
}

func TestLoadRegionsStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := LoadRegions(ctx, regionFiles{"f.json": featureCollection(squareFeature(`"id": 1`, 0, 0))}, "places", RegionSpec{File: "f.json"})
	if err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestWholeCity(t *testing.T) {
	s := WholeCity()
	if s.Name != "city" || !cmp.Equal(s.IDs, []string{"city"}) || !cmp.Equal(s.Names, s.IDs) || s.Graph.NumRegions() != 1 || s.points != nil {
		t.Errorf("the whole city is %+v", s)
	}
}

// The region files of New York, where the corpus is.
func TestLoadNewYork(t *testing.T) {
	for _, tc := range []struct {
		file, id, name, graph string
		regions, merged       int
	}{
		{"neighborhoods.geojson", "", "", "neighborhood-graph.txt", 260, 0},
		{"zipcodes.geojson", "zip", "", "zipcode-graph.txt", 244, 0},
		{"taxi_zones.geojson", "location_id", "zone", "", 260, 2}, // 263 features
		{"boroughs.geojson", "borough", "borough", "", 6, 0},
	} {
		if _, err := os.Stat(corpusRegions + tc.file); err != nil {
			continue
		}
		spec := RegionSpec{File: corpusRegions + tc.file, ID: tc.id, Name: tc.name, Islands: "join"}
		if tc.graph != "" {
			spec.Graph = corpusRegions + tc.graph
		}
		s, err := LoadRegions(context.Background(), Disk{}, tc.file, spec)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.IDs) != tc.regions || len(s.Names) != tc.regions || len(s.Merged) != tc.merged || s.Graph.NumRegions() != tc.regions {
			t.Errorf("%s: %d regions, %d merged, want %d and %d", tc.file, len(s.IDs), len(s.Merged), tc.regions, tc.merged)
		}
		if alone := isolated(tc.regions, graphEdges(s.Graph)); alone != nil {
			t.Errorf("%s: regions %v are islands after joining", tc.file, alone)
		}
	}
}

func FuzzReadFeatures(f *testing.F) {
	f.Add(featureCollection(squareFeature(`"id": 1`, 0, 0), squareFeature(`"id": "a", "x": []`, 1, 0)), "id")
	f.Add(`{"type": "FeatureCollection", "features": [{"id": 3, "geometry": {"type": "MultiPolygon", "coordinates": [[[[0,0,5],[1,0],[0,1]]]]}}]}`, "")
	f.Add(`{"features": [{"id": {}, "geometry": {"type": "Polygon", "coordinates": [[[ 0 , 0 ],[[1],0],["0",1]]]}}]}`, "")
	f.Fuzz(func(t *testing.T, text, id string) {
		features, err := readFeatures(context.Background(), regionFiles{"f.json": text}, RegionSpec{File: "f.json", ID: id})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f.json: ") {
				t.Errorf("error %v does not name the file", err)
			}
			return
		}
		for _, feature := range features {
			if feature.id == "" || len(feature.polygons) == 0 {
				t.Errorf("feature %q has %d polygons", feature.id, len(feature.polygons))
			}
			for _, p := range feature.polygons {
				p.edges(func(a, b position) {
					if a == b || !(a.lon >= -180 && a.lon <= 180 && a.lat >= -90 && a.lat <= 90) {
						t.Errorf("edge from %v to %v", a, b)
					}
				})
			}
		}
	})
}
