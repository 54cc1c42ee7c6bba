package datasets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var updateCatalogs = flag.Bool("update-catalogs", false, "rewrite the golden files in testdata/catalog")

// textStore is a store of one text under any name.
type textStore struct {
	Disk
	text string
}

func (s textStore) Open(ctx context.Context, name string) (File, error) {
	return memoryFile{bytes.NewReader([]byte(s.text))}, nil
}

func readText(text string) (*Catalog, error) {
	return ReadCatalog(context.Background(), textStore{text: text}, "catalog.yaml")
}

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(CatalogSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("catalog.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("catalog.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// followsSchema reports whether the schema accepts a YAML text.
func followsSchema(schema *jsonschema.Schema, text []byte) error {
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		return err
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	return schema.Validate(doc)
}

func TestCatalogFiles(t *testing.T) {
	schema := compileSchema(t)
	good := []string{"../notebooks/corpus/full-catalog.yaml"}
	for _, folder := range []string{"good", "bad", "meaning"} {
		files, err := filepath.Glob("testdata/catalog/" + folder + "/*.yaml")
		if err != nil || len(files) == 0 {
			t.Fatalf("no examples in %s (%v)", folder, err)
		}
		if folder == "good" {
			good = append(good, files...)
			continue
		}
		for _, name := range files {
			t.Run(name, func(t *testing.T) {
				_, err := ReadCatalog(t.Context(), Disk{}, name)
				var problems *CatalogError
				if !errors.As(err, &problems) {
					t.Fatalf("ReadCatalog: %v, want a *CatalogError", err)
				}
				golden := strings.TrimSuffix(name, ".yaml") + ".golden"
				if *updateCatalogs {
					if err := os.WriteFile(golden, []byte(err.Error()), 0o666); err != nil {
						t.Fatal(err)
					}
				}
				want, readErr := os.ReadFile(golden)
				if readErr != nil {
					t.Fatal(readErr)
				}
				if diff := cmp.Diff(string(want), err.Error()); diff != "" {
					t.Errorf("error differs from %s (-want +got):\n%s", golden, diff)
				}
				text, readErr := os.ReadFile(name)
				if readErr != nil {
					t.Fatal(readErr)
				}
				if err := followsSchema(schema, text); (err == nil) != (folder == "meaning") {
					t.Errorf("schema: %v", err)
				}
			})
		}
	}
	for _, name := range good {
		t.Run(name, func(t *testing.T) {
			if _, err := ReadCatalog(t.Context(), Disk{}, name); err != nil {
				t.Errorf("ReadCatalog: %v", err)
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := followsSchema(schema, text); err != nil {
				t.Errorf("schema: %v", err)
			}
		})
	}
}

func TestReadCatalog(t *testing.T) {
	got, err := ReadCatalog(t.Context(), Disk{}, "testdata/catalog/good/all-keys.yaml")
	if err != nil {
		t.Fatal(err)
	}
	points := DatasetSpec{
		Title: "Points", Source: "The city", Terms: "CC0",
		Files:       Strings{"a/*.parquet", "s3://bucket/b/", "https://example.org/c.csv.gz?key=1"},
		CSV:         CSVSpec{Delimiter: "\t", Header: []string{"when", "1", "lon", "lat"}},
		Time:        TimeSpec{Column: "when", Zone: "UTC-3", Format: "M/D/YYYY h:mm A", Step: "hour", From: "2015-01-01", To: "2016-01-01"},
		Place:       PlaceSpec{Lon: "lon", Lat: "lat"},
		Where:       map[string]Strings{"geo": {"total"}, "code": {"007", "1.50", "true", "x, y"}, "a b": {""}},
		Numbers:     map[string]NumberSpec{"fare (USD)": {Thousands: ".", Decimal: ",", Unit: "$", Missing: Strings{"-", "NA"}}},
		UniqueBy:    Strings{"id", "when"},
		Functions:   Strings{"count", "unique(id)", "mean(fare (USD))", "sum(a.b)", "min(x)", "max(x)", "median(x)"},
		Resolutions: Strings{"hour", "day grid", "week city", "month cells"},
	}
	at := func(place PlaceSpec) DatasetSpec {
		s := points
		s.Place = place
		return s
	}
	want := &Catalog{
		City: City{Name: "São Paulo", Timezone: "America/Sao_Paulo"},
		Regions: map[string]RegionSpec{
			"zip":   {File: "regions/zipcodes.geojson", ID: "zip", Name: "label", Graph: "regions/zip-graph.txt", Tolerance: 2.5, Islands: "join"},
			"grid":  {Grid: &GridSpec{West: -46.8, South: -24, East: -46.3, North: -23.4, Columns: 40, Rows: 50}, Islands: "keep"},
			"cells": {H3: 8},
		},
		Datasets: map[string]DatasetSpec{
			"points":        points,
			"projected":     at(PlaceSpec{X: "x", Y: "y", EPSG: 2263}),
			"wkb":           at(PlaceSpec{Geometry: "geom"}),
			"projected-wkb": at(PlaceSpec{Geometry: "geom", EPSG: 31983}),
			"codes": {Files: Strings{"codes.csv"}, Time: TimeSpec{Column: "t", Epoch: "ms"}, Place: PlaceSpec{Region: "zip", Column: "zip"},
				Functions: Strings{"auto"}, Resolutions: Strings{"day zip"}},
			"whole_city": {Files: Strings{"city.csv"}, Time: TimeSpec{Column: "t", Zone: "UTC", Format: "%Y%m%d"}, Place: PlaceSpec{City: true}, Functions: Strings{"auto"}},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Catalog{})); diff != "" {
		t.Errorf("all-keys.yaml (-want +got):\n%s", diff)
	}
}

func TestProblem(t *testing.T) {
	_, err := readText(strings.Replace(smallCatalog, "column: pickup", "colum: pickup", 1))
	var problems *CatalogError
	if !errors.As(err, &problems) {
		t.Fatalf("ReadCatalog: %v", err)
	}
	want := []Problem{{
		File: "catalog.yaml", Line: 5, Path: "datasets.taxi.time.colum", Message: "unknown key `colum`", Hint: "did you mean `column`?",
		Source: "     3 |   taxi:\n     4 |     files: a.csv\n>    5 |     time: {colum: pickup}\n     6 |     place: {city: true}",
	}}
	if diff := cmp.Diff(want, problems.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

const smallCatalog = `city: {name: X, timezone: UTC}
datasets:
  taxi:
    files: a.csv
    time: {column: pickup}
    place: {city: true}
    functions: count
`

// TestReadCatalogRefuses holds texts that a YAML library may not survive, and
// forms of YAML that a catalog must not have.
func TestReadCatalogRefuses(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"a list", "- a\n- b\n", "a list where a mapping"},
		{"a text", "city\n", "a text where a mapping"},
		{"two documents", smallCatalog + "---\n" + smallCatalog, "a second document"},
		{"alias in itself", "city: &a {name: *a, timezone: UTC}\n", "city.name: a mapping where a text"},
		{"alias of itself", "datasets: {a: &a {csv: &b {header: &c [*c]}}}\n", "a list where a text"},
		{"merge of itself", "datasets:\n  a: &a\n    <<: *a\n", "merge keys in merge keys"},
		{"merges of merges", mergeBomb(), "merge keys in merge keys"},
		{"anchor twice", "city: {name: &a X, timezone: &a UTC}\n", "a second anchor &a"},
		{"alias without anchor", "city: {name: *b, timezone: UTC}\n", "no anchor &b"},
		{"key of a list", "? [a, b]\n: c\n", "not YAML"},
		{"tab", "city:\n\tname: x\n", "not YAML"},
		{"unclosed quote", "city: \"x\n", "not YAML"},
		{"huge number", strings.Replace(smallCatalog, "datasets:", "regions: {r: {h3: 99999999999999999999}}\ndatasets:", 1), "regions.r.h3: a text where a whole number"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := readText(tc.text)
			var problems *CatalogError
			if !errors.As(err, &problems) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("ReadCatalog: %v, want a *CatalogError with %q", err, tc.want)
			}
		})
	}
	t.Run("byte order mark and CRLF", func(t *testing.T) {
		if _, err := readText("\ufeff" + strings.ReplaceAll(smallCatalog, "\n", "\r\n")); err != nil {
			t.Error(err)
		}
	})
	t.Run("too large", func(t *testing.T) {
		if _, err := readText(strings.Repeat("#", maxCatalogBytes+1)); err == nil || !strings.Contains(err.Error(), "too many for a catalog") {
			t.Errorf("ReadCatalog: %v", err)
		}
	})
	t.Run("no file", func(t *testing.T) {
		if _, err := ReadCatalog(t.Context(), Disk{}, "testdata/none.yaml"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("ReadCatalog: %v", err)
		}
	})
}

// mergeBomb has ten mappings, each of which merges the one before ten times.
func mergeBomb() string {
	var b strings.Builder
	b.WriteString("datasets:\n  d0: &d0 {title: x}\n")
	for i := 1; i <= 10; i++ {
		alias := fmt.Sprintf("*d%d", i-1)
		fmt.Fprintf(&b, "  d%d: &d%d\n    <<: [%s]\n", i, i, strings.Join(slices.Repeat([]string{alias}, 10), ", "))
	}
	return b.String()
}

func TestResolve(t *testing.T) {
	for _, tc := range []struct{ catalog, name, want string }{
		{"catalog.yaml", "a/*.parquet", "a/*.parquet"},
		{"c/catalog.yaml", "a/*.parquet", "c/a/*.parquet"},
		{"c/catalog.yaml", "a/", "c/a/"},
		{"c/catalog.yaml", "../a.csv", "a.csv"},
		{"/c/catalog.yaml", "./a.csv", "/c/a.csv"},
		{"c/catalog.yaml", "/d/a.csv", "/d/a.csv"},
		{"c/catalog.yaml", "s3://bucket/a.csv", "s3://bucket/a.csv"},
		{"c/catalog.yaml", "https://example.org/a.csv?x=1", "https://example.org/a.csv?x=1"},
		{"s3://bucket/catalog.yaml", "a/b.csv", "s3://bucket/a/b.csv"},
		{"s3://bucket/c/catalog.yaml", "a/", "s3://bucket/c/a/"},
		{"s3://bucket/c/catalog.yaml", "../a.csv", "s3://bucket/a.csv"},
		{"s3://bucket/c/catalog.yaml", "../../../a.csv", "s3://bucket/a.csv"},
		{"s3://bucket/c/catalog.yaml", "s3://other/a.csv", "s3://other/a.csv"},
		{"s3://bucket/c/catalog.yaml", "/d/a.csv", "/d/a.csv"},
		{"https://example.org/c/catalog.yaml?sig=a/b", "a.csv", "https://example.org/c/a.csv"},
	} {
		c := &Catalog{folder: folderOf(tc.catalog)}
		if got := c.Resolve(tc.name); got != tc.want {
			t.Errorf("catalog %s: Resolve(%q) = %q, want %q", tc.catalog, tc.name, got, tc.want)
		}
	}
	if got := new(Catalog).Resolve("a/"); got != "a/" {
		t.Errorf("Resolve of a catalog without a folder: %q", got)
	}
}

func TestNearest(t *testing.T) {
	candidates := []string{"column", "zone", "format", "epoch", "step", "from", "to", "x"}
	for name, want := range map[string]string{
		"colum": "column", "colmun": "column", "columns": "column", "Column": "column", "timezone": "zone", "formt": "format",
		"form": "format", "too": "to", "z": "", "xyzzy": "", "": "", "a-very-different-key": "",
	} {
		if got := Nearest(name, candidates); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

// slowDistance is editDistance by its definition: the best of all first edits.
func slowDistance(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	d := slowDistance(a[1:], b[1:])
	if a[0] != b[0] {
		d++
	}
	d = min(d, slowDistance(a[1:], b)+1, slowDistance(a, b[1:])+1)
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		d = min(d, slowDistance(a[2:], b[2:])+1)
	}
	return d
}

func TestEditDistance(t *testing.T) {
	var texts []string
	for _, length := range []int{0, 1, 2, 3, 4} {
		for i := range 1 << length {
			texts = append(texts, fmt.Sprintf("%0*b", length, i)[:length])
		}
	}
	texts = append(texts, "abcd", "badc", "acbd")
	for _, a := range texts {
		for _, b := range texts {
			if got, want := editDistance(a, b), slowDistance(a, b); got != want {
				t.Errorf("editDistance(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
}

// TestSchemaKeys compares the keys and types of the schema with those of the
// Go types.
func TestSchemaKeys(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(CatalogSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	compareSchema(t, schema, "catalog", schema, reflect.TypeFor[Catalog]())
}

// TestSchemaAgrees breaks a good catalog in one place at a time, which neither
// the reader nor the schema accepts.
func TestSchemaAgrees(t *testing.T) {
	schema := compileSchema(t)
	good, err := os.ReadFile("testdata/catalog/good/all-keys.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range [][2]string{
		{"timezone: America/Sao_Paulo", "zone: America/Sao_Paulo"},
		{"name: São Paulo", `name: ""`},
		{"  zip:\n", "  city:\n"},
		{"  grid:\n", "  Grid:\n"},
		{"tolerance: 2.5", "tolerance: 0"},
		{"tolerance: 2.5", "tolerance:"},
		{"islands: join", "islands: drop"},
		{"file: regions/zipcodes.geojson", "h3: 8"},
		{"{h3: 8}", "{h3: 0}"},
		{"{h3: 8}", "{h3: 8, file: a}"},
		{"{h3: 8}", "{h3: 8, id: a}"},
		{"{h3: 8}", "{}"},
		{"west: -46.8", "west: -460.8"},
		{"columns: 40", "columns: 0"},
		{"columns: 40", "columns: 4.5"},
		{", rows: 50", ""},
		{"points: &points", "Points: &points"},
		{"title: Points", "title: 5"},
		{"files: codes.csv", "files: []"},
		{"files: codes.csv", "title: codes"},
		{`delimiter: "\t"`, `delimiter: "\t\t"`},
		{`delimiter: "\t"`, `delimiter: '"'`},
		{`[when, "1", lon, lat]`, "[when, 1, lon, lat]"},
		{`[when, "1", lon, lat]`, "[lon, lon]"},
		{`[when, "1", lon, lat]`, "when"},
		{"column: when, ", ""},
		{"column: when", "column: 1"},
		{"zone: UTC-3", "zone: -3"},
		{"step: hour", "step: minute"},
		{"2015-01-01", "2015-1-1"},
		{"{column: t, epoch: ms}", "{column: t, epoch: min}"},
		{"{column: t, epoch: ms}", "{column: t, epoch: ms, zone: UTC}"},
		{"{column: t, epoch: ms}", "{column: t, epoch: ms, format: YYYY}"},
		{"{lon: lon, lat: lat}", "{lon: lon}"},
		{"{lon: lon, lat: lat}", "{lon: lon, lat: lat, city: true}"},
		{"{lon: lon, lat: lat}", "{lon: lon, lat: lat, city: false}"},
		{"{lon: lon, lat: lat}", "{}"},
		{"y: y, epsg: 2263", "y: y"},
		{"y: y, epsg: 2263", "y: y, epsg: 7"},
		{"{region: zip, column: zip}", "{region: zip}"},
		{"{region: zip, column: zip}", "{region: city, column: zip}"},
		{"{city: true}", "{city: 1}"},
		{"geo: total", "geo: []"},
		{"geo: total", "geo: {}"},
		{"geo: total", "geo: [[total]]"},
		{"geo: total", "geo: [null]"},
		{`thousands: "."`, `thousands: "3"`},
		{`thousands: "."`, `thousands: ""`},
		{`decimal: ","`, `decimal: ";"`},
		{"unit: $", "unit: '-'"},
		{"unit: $", "unit: ' $'"},
		{"unit: $", "units: $"},
		{"functions: auto", "functions: []"},
		{"functions: auto", "functions: {count: true}"},
		{"functions: auto", "functions: mean"},
		{"functions: auto", "functions: avg(x)"},
		{"functions: auto", "functions: [auto, count]"},
		{"resolutions: day zip", "resolutions: minute"},
		{"resolutions: day zip", "resolutions: day in zip"},
		{"resolutions: day zip", "resolutions: [day zip, day zip]"},
	} {
		text := strings.Replace(string(good), edit[0], edit[1], 1)
		if text == string(good) {
			t.Fatalf("no %q in the catalog", edit[0])
		}
		var problems *CatalogError
		if _, err := readText(text); !errors.As(err, &problems) {
			t.Errorf("%q for %q: ReadCatalog: %v", edit[1], edit[0], err)
		}
		if followsSchema(schema, []byte(text)) == nil {
			t.Errorf("%q for %q: the schema accepts it", edit[1], edit[0])
		}
	}
}

func compareSchema(t *testing.T, root map[string]any, path string, s map[string]any, goType reflect.Type) {
	t.Helper()
	if ref, ok := s["$ref"].(string); ok && s["type"] == nil {
		name := strings.TrimPrefix(ref, "#/$defs/")
		if goType == reflect.TypeFor[Strings]() {
			if name != "strings" {
				t.Errorf("%s: %s where a list of texts is wanted", path, name)
			}
			return
		}
		compareSchema(t, root, path, root["$defs"].(map[string]any)[name].(map[string]any), goType)
		return
	}
	if s["description"] == nil {
		t.Errorf("%s: no description", path)
	}
	want := map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Float64: "number", reflect.Slice: "array", reflect.Map: "object", reflect.Struct: "object"}[goType.Kind()]
	switch {
	case goType.Kind() == reflect.Pointer:
		compareSchema(t, root, path, s, goType.Elem())
		return
	case goType == reflect.TypeFor[Strings](): // a choice of its own
		if s["anyOf"] == nil {
			t.Errorf("%s: no choice of a text and a list", path)
		}
		return
	case s["enum"] != nil && want == "string":
	case s["type"] != want:
		t.Errorf("%s: type %v, want %s", path, s["type"], want)
	}
	switch goType.Kind() {
	case reflect.Map:
		compareSchema(t, root, path+".*", s["additionalProperties"].(map[string]any), goType.Elem())
	case reflect.Struct:
		if s["additionalProperties"] != false {
			t.Errorf("%s: allows unknown keys", path)
		}
		properties := s["properties"].(map[string]any)
		var required []string
		for i := range goType.NumField() {
			tag := goType.Field(i).Tag.Get("yaml")
			if tag == "" {
				continue
			}
			key, optional, _ := strings.Cut(tag, ",")
			if optional == "" {
				required = append(required, key)
			}
			if p, ok := properties[key].(map[string]any); ok {
				compareSchema(t, root, path+"."+key, p, goType.Field(i).Type)
			} else {
				t.Errorf("%s: no key %s", path, key)
			}
			delete(properties, key)
		}
		for key := range properties {
			t.Errorf("%s: key %s is not in %v", path, key, goType)
		}
		var got []string
		list, _ := s["required"].([]any)
		for _, key := range list {
			got = append(got, key.(string))
		}
		slices.Sort(got)
		slices.Sort(required)
		if !slices.Equal(got, required) {
			t.Errorf("%s: required keys %v, want %v", path, got, required)
		}
	}
}

// FuzzReadCatalog reads any text without a panic, and a good catalog again
// after writing it.
func FuzzReadCatalog(f *testing.F) {
	for _, pattern := range []string{"testdata/catalog/*/*.yaml", "../notebooks/corpus/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	f.Add("datasets:\n  a: &a\n    <<: *a\n")
	schema := compileSchema(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return // the parser takes time quadratic in the length of such texts
		}
		c, err := readText(text)
		var problems *CatalogError
		if err != nil {
			if !errors.As(err, &problems) || len(problems.Problems) == 0 || c != nil {
				t.Fatalf("ReadCatalog = %v, %v", c, err)
			}
			return
		}
		written, err := json.Marshal(c) // is YAML, with quotes around each text
		if err != nil {
			t.Fatal(err)
		}
		again, err := readText(string(written))
		if err != nil {
			t.Fatalf("written again:\n%s\n%v", written, err)
		}
		if diff := cmp.Diff(c, again, cmpopts.IgnoreUnexported(Catalog{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("written again (-want +got):\n%s", diff)
		}
		if err := followsSchema(schema, written); err != nil {
			t.Errorf("a good catalog breaks the schema: %v\n%s", err, written)
		}
	})
}

func BenchmarkReadCatalog(b *testing.B) {
	text, err := os.ReadFile("../notebooks/corpus/full-catalog.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := readText(string(text)); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(text)))
}
