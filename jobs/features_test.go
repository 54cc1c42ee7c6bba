package jobs

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// field is a city-wide series of twelve hours with a gap, on both sides of a
// change of month.
const field = `time,value
2015-01-31T18:00,3
2015-01-31T19:00,9
2015-01-31T20:00,4
2015-01-31T21:00,6
2015-01-31T23:00,1
2015-02-01T00:00,2
2015-02-01T01:00,8
2015-02-01T02:00,
2015-02-01T03:00,5
2015-02-01T04:00,0
2015-02-01T05:00,7
`

const (
	regionsField = "time,north,middle,south\n2015-01-01,1,2,9\n2015-01-02,8,2,1\n2015-01-03,7,1,3\n2015-01-04,1,,1\n"
	lineGraph    = "3 2\n0 1\n1 2\n"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func features(t *testing.T, o FeaturesOptions) string {
	t.Helper()
	var out bytes.Buffer
	if err := Features(context.Background(), o, &out); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(out.String(), filepath.Dir(o.Field)+string(filepath.Separator), "")
}

// TestFeaturesOutput compares every kind and form of output with a file that
// was checked by hand.
func TestFeaturesOutput(t *testing.T) {
	city := write(t, "city.csv", field)
	regions := write(t, "regions.csv", regionsField)
	graph := write(t, "line.txt", lineGraph)
	for _, profile := range Profiles() {
		for _, what := range Whats() {
			for _, format := range Formats() {
				if profile == "reference" && (what == "sweep" || what == "features") {
					continue // refused: TestFeaturesErrors
				}
				name := strings.Join([]string{profile, what, format}, "-")
				t.Run(name, func(t *testing.T) {
					o := FeaturesOptions{Field: city, Zone: "America/New_York", Profile: profile, What: what, Format: format}
					if profile == "reference" {
						o.Zone = "" // its seasons are in UTC, where January would have a single value
						o.Field = write(t, "city.csv", strings.ReplaceAll(field, "2015-01-31T18:00,3\n", ""))
					}
					got := "== city\n" + features(t, o)
					o.Field, o.Graph = regions, graph
					if profile == "corrected" {
						o.Thresholds = []string{"tail:10", "salient", "extreme", "level:0,8"}
					}
					got += "== regions\n" + features(t, o)
					golden := filepath.Join("testdata", name+".golden")
					if *update {
						if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
							t.Fatal(err)
						}
					}
					want, err := os.ReadFile(golden)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(string(want), got); diff != "" {
						t.Errorf("%s (-want +got):\n%s", golden, diff)
					}
				})
			}
		}
	}
}

func TestQuartiles(t *testing.T) {
	v, n := summarizeValues([]float64{4, 2, math.NaN(), 1, 3})
	if n != 4 || v.Q1 != 1.75 || v.Median != 2.5 || v.Q3 != 3.25 || v.Mean != 2.5 {
		t.Errorf("%d values, %+v", n, *v)
	}
}

// TestFormsAgree: the same field as long and wide rows, epoch and ISO times,
// plain and gzipped, gives the same cells.
func TestFormsAgree(t *testing.T) {
	graph := write(t, "line.txt", lineGraph)
	wide := "time,0,1,2\n1420070400,1,2,9\n1420156800,8,2,1\n1420243200,7,1,3\n1420329600,1,,1\n"
	var long strings.Builder
	long.WriteString("region,time,value\n")
	rows, err := csv.NewReader(strings.NewReader(wide)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for r := range 3 {
		for _, row := range rows[1:] {
			fmt.Fprintf(&long, "%d,%s,%s\n", r, row[0], row[r+1])
		}
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(wide)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	want := features(t, FeaturesOptions{Field: write(t, "wide.csv", wide), Graph: graph, What: "pairs", Format: "csv"})
	for name, text := range map[string]string{"long.csv": long.String(), "wide.csv.gz": zipped.String()} {
		if diff := cmp.Diff(want, features(t, FeaturesOptions{Field: write(t, name, text), Graph: graph, What: "pairs", Format: "csv"})); diff != "" {
			t.Errorf("%s (-wide +got):\n%s", name, diff)
		}
	}
	iso := features(t, FeaturesOptions{Field: write(t, "iso.csv", strings.ReplaceAll(regionsField, "north,middle,south", "0,1,2")), Graph: graph, What: "pairs", Format: "csv"})
	for epoch, day := range map[string]string{"1420070400": "2015-01-01T00:00:00Z", "1420156800": "2015-01-02T00:00:00Z", "1420243200": "2015-01-03T00:00:00Z", "1420329600": "2015-01-04T00:00:00Z"} {
		iso = strings.ReplaceAll(iso, day, epoch)
	}
	if diff := cmp.Diff(want, iso); diff != "" {
		t.Errorf("ISO times (-epoch +ISO):\n%s", diff)
	}
}

// TestJSONIsTheCSV: both forms hold the same values.
func TestJSONIsTheCSV(t *testing.T) {
	o := FeaturesOptions{Field: write(t, "city.csv", field), What: "pairs", Format: "csv"}
	rows, err := csv.NewReader(strings.NewReader(features(t, o))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	o.Format = "json"
	var objects []map[string]any
	if err := json.Unmarshal([]byte(features(t, o)), &objects); err != nil {
		t.Fatal(err)
	}
	if len(objects) != len(rows)-1 {
		t.Fatalf("%d objects for %d rows", len(objects), len(rows)-1)
	}
	for i, row := range rows[1:] {
		for j, name := range rows[0] {
			text := fmt.Sprint(objects[i][name])
			if x, ok := objects[i][name].(float64); ok {
				text = strconv.FormatFloat(x, 'g', -1, 64)
			}
			if text != row[j] {
				t.Errorf("row %d, %s: CSV %s, JSON %s", i, name, row[j], text)
			}
		}
	}
}

// TestReferenceProfile runs the command on vectors of the reference
// implementation and compares the pairs as values.
func TestReferenceProfile(t *testing.T) {
	folder := filepath.Join("..", "topology", "testdata", "golden")
	for _, tc := range []struct{ name, graph, resolution string }{
		{"tiny1d/gap", "", "hour"},
		{"tiny1d/months", "", "month"},
		{"tiny1d/month_edge_two", "", "hour"},
		{"tiny3d/path4_hills", "tiny3d/path4.graph.txt", "hour"},
		{"tiny3d/path4_missing_cell", "tiny3d/path4.graph.txt", "hour"},
		{"tiny3d/path4_ignored_root", "tiny3d/path4_ignored_root.graph_used.txt", "hour"},
		{"tiny3d/grid16_missing_40h", "tiny3d/grid16.graph.txt", "hour"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := FeaturesOptions{
				Field: filepath.Join(folder, tc.name+".field.csv"), Resolution: tc.resolution,
				Profile: "reference", What: "pairs", Format: "csv",
			}
			if tc.graph != "" {
				o.Graph = filepath.Join(folder, tc.graph)
			}
			got, err := csv.NewReader(strings.NewReader(features(t, o))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			file, err := os.ReadFile(filepath.Join(folder, tc.name+".features.csv"))
			if err != nil {
				t.Fatal(err)
			}
			want, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			tree := map[string]string{"join": "sub", "split": "super"}
			normal := func(rows [][]string, rename bool) []string {
				var lines []string
				for _, row := range rows[1:] {
					if rename {
						row[1] = tree[row[1]]
					}
					line := []string{row[0], row[1], row[4], row[5]} // but for rank and region, which are named otherwise
					for _, text := range row[6:] {
						x, err := strconv.ParseFloat(text, 32)
						if err != nil {
							t.Fatal(err)
						}
						line = append(line, strconv.FormatFloat(x, 'g', -1, 32))
					}
					lines = append(lines, strings.Join(line, ","))
				}
				slices.Sort(lines)
				return lines
			}
			if diff := cmp.Diff(normal(want, true), normal(got, false)); diff != "" {
				t.Errorf("pairs (-reference +got):\n%s", diff)
			}
		})
	}
}

func TestFeaturesErrors(t *testing.T) {
	city := write(t, "city.csv", field)
	regions := write(t, "regions.csv", regionsField)
	graph := write(t, "line.txt", lineGraph)
	broken := write(t, "broken.txt", "3 2\n0 1\n1 5\n")
	one := write(t, "one.csv", "time,value\n2015-01-01T00:00,3\n")
	for _, tc := range []struct {
		name string
		o    FeaturesOptions
		code int
		want string
	}{
		{"no file", FeaturesOptions{Field: "none.csv"}, ExitInput, "open none.csv: no such file or directory"},
		{"what", FeaturesOptions{Field: city, What: "peaks"}, ExitUsage, "--what peaks: choose one of summary, pairs, thresholds, sweep, cells, features"},
		{"format", FeaturesOptions{Field: city, Format: "xml"}, ExitUsage, "--format xml: choose one of table, csv, json"},
		{"profile", FeaturesOptions{Field: city, Profile: "old"}, ExitUsage, "--profile old: choose one of corrected, reference"},
		{"plot", FeaturesOptions{Field: city, Plot: "x.pdf"}, ExitUsage, "--plot x.pdf: the name must end in .svg or .png"},
		{"zone", FeaturesOptions{Field: city, Zone: "New York"}, ExitUsage, "--zone New York: no such time zone; use an IANA name such as America/New_York"},
		{"reference season", FeaturesOptions{Field: city, Profile: "reference", Season: "month"}, ExitUsage, "--season month: the reference profile has seasons of its own; leave the flag out"},
		{"reference class", FeaturesOptions{Field: city, Profile: "reference", Thresholds: []string{"tail:5"}}, ExitUsage, "--threshold: the reference implementation has the classes salient, extreme and persistence:X only"},
		{"reference sweep", FeaturesOptions{Field: city, Profile: "reference", What: "sweep"}, ExitUsage, "--what sweep: the reference profile has summary, pairs, thresholds and cells only"},
		{"reference drops", FeaturesOptions{Field: one, Profile: "reference"}, ExitInput, one + ": the reference implementation drops this function: season 201500 has a single vertex; use the corrected profile"},
		{"graph of another size", FeaturesOptions{Field: write(t, "two.csv", "time,a,b\n2015-01-01,1,2\n"), Graph: graph}, ExitInput, ""},
		{"broken graph", FeaturesOptions{Field: regions, Graph: broken}, ExitInput, ""},
		{"not a number", FeaturesOptions{Field: write(t, "text.csv", "time,value\n2015-01-01,3\n2015-01-02,x\n")}, ExitInput, ""},
		{"too large", FeaturesOptions{Field: write(t, "large.csv", "time,value\n2015-01-01,3\n2015-01-02,1e308\n")}, ExitInput, ""},
		{"cannot write the picture", FeaturesOptions{Field: city, Plot: filepath.Join(t.TempDir(), "no", "x.svg")}, ExitPartial, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := Features(context.Background(), tc.o, io.Discard)
			if err == nil {
				t.Fatal("no error")
			}
			if code := ExitCode(err); code != tc.code {
				t.Errorf("exit code %d, want %d: %v", code, tc.code, err)
			}
			if tc.want != "" && err.Error() != tc.want {
				t.Errorf("error %q, want %q", err, tc.want)
			}
			files := []string{tc.o.Field, tc.o.Graph, tc.o.Plot}
			named := func(file string) bool { return file != "" && strings.Contains(err.Error(), file) }
			if tc.want == "" && !slices.ContainsFunc(files, named) {
				t.Errorf("error %q names no file", err)
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Features(ctx, FeaturesOptions{Field: city}, io.Discard); ExitCode(err) != ExitPartial || !strings.HasPrefix(err.Error(), "interrupted") {
		t.Errorf("a cancelled command gives %v, exit code %d", err, ExitCode(err))
	}
	if code := ExitCode(errors.New("unforeseen")); code != ExitBug {
		t.Errorf("exit code %d of an unforeseen error, want %d", code, ExitBug)
	}
}

// A failingWriter fails after some bytes.
type failingWriter struct{ left int }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

// TestOutputThatFails: an error while rows are printed ends the command with
// that error.
func TestOutputThatFails(t *testing.T) {
	var long strings.Builder
	long.WriteString("time,value\n")
	for i := range 5000 {
		fmt.Fprintf(&long, "%d,%d\n", 1420070400+3600*i, i*i%97)
	}
	path := write(t, "long.csv", long.String())
	for _, what := range Whats() {
		for _, format := range Formats() {
			if err := Features(context.Background(), FeaturesOptions{Field: path, What: what, Format: format}, &failingWriter{left: 10}); err == nil || !strings.Contains(err.Error(), "disk full") {
				t.Errorf("%s as %s: error %v", what, format, err)
			}
		}
	}
}

// A cancellingWriter cancels a context when something is written to it.
type cancellingWriter struct{ cancel context.CancelFunc }

func (w cancellingWriter) Write(p []byte) (int, error) {
	w.cancel()
	return len(p), nil
}

// TestInterruptWhilePrinting: rows stop, and the exit code says so.
func TestInterruptWhilePrinting(t *testing.T) {
	var long strings.Builder
	long.WriteString("time,value\n")
	for i := range 5000 {
		fmt.Fprintf(&long, "%d,%d\n", 1420070400+3600*i, i*i%97)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := FeaturesOptions{Field: write(t, "long.csv", long.String()), What: "pairs", Format: "csv"}
	if err := Features(ctx, o, cancellingWriter{cancel}); ExitCode(err) != ExitPartial || !strings.HasPrefix(err.Error(), "interrupted") {
		t.Errorf("error %v, exit code %d", err, ExitCode(err))
	}
}

// TestPlot draws both kinds of picture and looks for the colours of spikes
// and valleys in them.
func TestPlot(t *testing.T) {
	constant := write(t, "constant.csv", "time,value\n2015-01-01,3\n2015-01-02,3\n")
	empty := write(t, "empty.csv", "time,value\n2015-01-01,\n2015-01-02,\n")
	for name, o := range map[string]FeaturesOptions{
		"city":      {Field: write(t, "city.csv", field)},
		"reference": {Field: write(t, "city.csv", field), Profile: "reference"},
		"regions":   {Field: write(t, "regions.csv", regionsField), Graph: write(t, "line.txt", lineGraph)},
		"constant":  {Field: constant},
		"no values": {Field: empty},
	} {
		t.Run(name, func(t *testing.T) {
			o.Plot = filepath.Join(t.TempDir(), "x.png")
			features(t, o)
			file, err := os.Open(o.Plot)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			img, err := png.Decode(file)
			if err != nil {
				t.Fatal(err)
			}
			red, blue := countColours(img)
			if name == "city" || name == "regions" || name == "reference" {
				if red < 20 || blue < 20 {
					t.Errorf("%d red and %d blue pixels", red, blue)
				}
			}
			o.Plot = filepath.Join(t.TempDir(), "x.svg")
			features(t, o)
			text, err := os.ReadFile(o.Plot)
			if err != nil {
				t.Fatal(err)
			}
			if images := checkSVG(t, text); (images > 0) != (name == "regions") {
				t.Errorf("%d images", images)
			}
		})
	}
}

// checkSVG reads every element, and decodes the images, which must fill their
// place. It returns their number.
func checkSVG(t *testing.T, text []byte) (images int) {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return images
		}
		if err != nil {
			t.Fatal(err)
		}
		element, ok := token.(xml.StartElement)
		if !ok || element.Name.Local != "image" {
			continue
		}
		images++
		attributes := make(map[string]string)
		for _, a := range element.Attr {
			attributes[a.Name.Local] = a.Value
		}
		data, ok := strings.CutPrefix(attributes["href"], "data:image/png;base64,")
		if !ok || attributes["preserveAspectRatio"] != "none" {
			t.Errorf("image %.40q with preserveAspectRatio %q", attributes["href"], attributes["preserveAspectRatio"])
		}
		if _, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(data))); err != nil {
			t.Error(err)
		}
	}
}

func countColours(img image.Image) (red, blue int) {
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			if c.R > 120 && c.B < 80 && c.G < 60 {
				red++
			}
			if c.B > 90 && c.R < 60 && c.G < 90 {
				blue++
			}
		}
	}
	return red, blue
}
