package datasets

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readRows reads the rows of a CSV file under a header.
func readRows(t *testing.T, name string) [][]string {
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
	return rows[1:]
}

// The cells of testdata were computed by the C library, 4.5.0, through the
// Python package h3. A fifth of the points are near pentagons.
func TestH3CellAt(t *testing.T) {
	for _, row := range readRows(t, "testdata/places/h3points.csv") {
		lat, err1 := strconv.ParseFloat(row[0], 64)
		lon, err2 := strconv.ParseFloat(row[1], 64)
		resolution, err3 := strconv.Atoi(row[2])
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(row)
		}
		if got := h3CellAt(lon, lat, resolution); got.String() != row[3] {
			t.Errorf("latitude %v, longitude %v at resolution %d: cell %v, want %s", lat, lon, resolution, got, row[3])
		}
	}
}

func TestH3CellAtNoPlace(t *testing.T) {
	for _, p := range []position{{math.NaN(), 0}, {0, math.NaN()}, {181, 0}, {0, -90.1}, {math.Inf(1), 0}} {
		if got := h3CellAt(p.lon, p.lat, 9); got != 0 {
			t.Errorf("%v is in cell %v", p, got)
		}
	}
}

// The neighbours of testdata are those of the C library: of pentagons, of
// hexagons near them and of others, at all resolutions.
func TestH3Neighbours(t *testing.T) {
	pentagons := 0
	for _, row := range readRows(t, "testdata/places/h3neighbours.csv") {
		want := strings.Fields(row[1])
		var cells []h3Cell
		for _, text := range append(want, row[0]) {
			c, err := parseH3(text)
			if err != nil {
				t.Fatal(err)
			}
			cells = append(cells, c)
		}
		middle := cells[len(cells)-1]
		if middle.isPentagon() {
			pentagons++
			if len(want) != 5 {
				t.Errorf("%v is said to be a pentagon", middle)
			}
		}
		system, err := h3Regions(cells)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range system.Graph.Neighbours(slices.Index(system.IDs, row[0])) {
			got = append(got, system.IDs[n])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("neighbours of %s (-want +got):\n%s", row[0], diff)
		}
	}
	if pentagons < 12 {
		t.Errorf("%d pentagons; the test needs all kinds", pentagons)
	}
}

// Around each cell of the world the neighbours are different, five or six,
// and have it as theirs.
func TestH3World(t *testing.T) {
	for resolution, want := range []int{122, 842, 5882} { // 2 + 120*7^resolution
		var cells []h3Cell
		for base := range uint8(h3BaseCells) {
			for n := range int(math.Pow(7, float64(resolution))) {
				digits := make(h3Digits, resolution)
				for r := range digits {
					digits[r], n = uint8(n%7), n/7
				}
				if c := newH3Cell(base, digits); c.check() == nil {
					cells = append(cells, c)
				}
			}
		}
		system, err := h3Regions(cells)
		if err != nil {
			t.Fatal(err)
		}
		if len(cells) != want || system.Islands != nil {
			t.Errorf("resolution %d: %d cells, %d islands, want %d cells", resolution, len(cells), len(system.Islands), want)
		}
		pentagons := 0
		for r := range cells {
			switch len(system.Graph.Neighbours(r)) {
			case 5:
				pentagons++
			case 6:
			default:
				t.Errorf("%s has the neighbours %v", system.IDs[r], system.Graph.Neighbours(r))
			}
		}
		if pentagons != 12 {
			t.Errorf("resolution %d: %d cells have five neighbours", resolution, pentagons)
		}
	}
}

func TestParseH3(t *testing.T) {
	const cell = h3Cell(0x892a1072d6bffff)
	for _, text := range []string{"892a1072d6bffff", "0892a1072d6bffff", "0x892a1072d6bffff", " 892A1072D6BFFFF\n", strconv.FormatUint(uint64(cell), 10)} {
		got, err := parseH3(text)
		if err != nil || got != cell {
			t.Errorf("parseH3(%q) = %v, %v", text, got, err)
		}
	}
	for _, tc := range []struct{ text, want string }{
		{"", `"" is not an H3 cell; give its number`},
		{"10001", "10001 (65537) is not an H3 cell: it is not of the kind that numbers cells"},
		{"hello", `"hello" is not an H3 cell`},
		{"-92a1072d6bffff", "is not an H3 cell; give its number"},
		{"ffffffffffffffffff", "is not an H3 cell; give its number"},
		{"0", "it is not of the kind"},
		{"ffffffffffffffff", "it is not of the kind"},
		{"1192a1072d6bffff", "it is not of the kind"}, // an edge between cells
		{"89f4ffffffffff0", "there is no base cell 122"},
		{"892a1072d6bfffe", "its digits are not those of resolution 9"},
		{"892a1072dffffff", "its digits are not those of resolution 9"},
		{"890843fffffffff", "its digits are not those of resolution 9"},
		{"81087ffffffffff", "a pentagon has no cells in its direction"},
	} {
		got, err := parseH3(tc.text)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("parseH3(%q) = %v, %v, want an error with %q", tc.text, got, err, tc.want)
		}
	}
}

func TestH3Regions(t *testing.T) {
	home := h3CellAt(-74.006, 40.7128, 8)
	around := home.hexagonNeighbours()
	system, err := h3Regions([]h3Cell{around[2], home, around[0], home, h3CellAt(2.35, 48.86, 8)})
	if err != nil {
		t.Fatal(err)
	}
	if len(system.IDs) != 4 || !slices.IsSorted(system.IDs) || !cmp.Equal(system.IDs, system.Names) {
		t.Errorf("ids %v, names %v", system.IDs, system.Names)
	}
	paris := slices.Index(system.IDs, h3CellAt(2.35, 48.86, 8).String())
	if !cmp.Equal(system.Islands, []int{paris}) {
		t.Errorf("islands %v, want Paris, %d", system.Islands, paris)
	}
	got := locate(system.points, []position{{-74.006, 40.7128}, {2.35, 48.86}, {0, 0}, {math.NaN(), 0}})
	if want := []int32{int32(slices.Index(system.IDs, home.String())), int32(paris), -1, -1}; !cmp.Equal(got, want) {
		t.Errorf("points are in %v, want %v", got, want)
	}
	for _, tc := range []struct {
		cells []h3Cell
		want  string
	}{
		{nil, "there are no H3 cells"},
		{[]h3Cell{home, h3CellAt(-74, 41, 7)}, "are H3 cells of the resolutions 7 and 8; give cells of one resolution"},
		{[]h3Cell{home, 5}, "5 (5) is not an H3 cell"},
	} {
		if _, err := h3Regions(tc.cells); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("h3Regions(%v): error %v, want one with %q", tc.cells, err, tc.want)
		}
	}
}

// Whatever the point, its cell is one, and every step around it comes back.
func FuzzH3(f *testing.F) {
	f.Add(-74.006, 40.7128, uint8(9))
	rng := rand.New(rand.NewPCG(1, 0))
	for range 300 {
		f.Add(rng.Float64()*360-180, math.Asin(rng.Float64()*2-1)*degrees, uint8(rng.IntN(16)))
	}
	for face := range h3Faces {
		for _, at := range h3Corners {
			v := h3.corner(face, at)
			lat, lon := math.Asin(v[2])*degrees, math.Atan2(v[1], v[0])*degrees
			f.Add(lon+rng.NormFloat64()*1e-3, lat+rng.NormFloat64()*1e-3, uint8(rng.IntN(16)))
			f.Add(lon, lat, uint8(rng.IntN(16)))
		}
	}
	f.Fuzz(func(t *testing.T, lon, lat float64, resolution uint8) {
		if !(math.Abs(lon) <= 180 && math.Abs(lat) <= 90) {
			return
		}
		c := h3CellAt(lon, lat, int(resolution%16))
		if err := c.check(); err != nil {
			t.Fatal(err)
		}
		if back, err := parseH3(c.String()); err != nil || back != c {
			t.Fatalf("%v is read as %v, %v", c, back, err)
		}
		if c.isPentagon() {
			return
		}
		around := c.hexagonNeighbours()
		if distinct := slices.Compact(slices.Sorted(slices.Values(around[:]))); len(distinct) != 6 || slices.Contains(distinct, c) {
			t.Errorf("%v has the neighbours %v", c, around)
		}
		for _, n := range around {
			if n.isPentagon() {
				continue
			}
			if back := n.hexagonNeighbours(); !slices.Contains(back[:], c) {
				t.Errorf("%v is next to %v, but not the other way round", n, c)
			}
		}
	})
}

func BenchmarkH3CellAt(b *testing.B) {
	for _, resolution := range []int{5, 9} {
		b.Run(fmt.Sprintf("resolution=%d", resolution), func(b *testing.B) {
			const n = 1 << 12
			var sum h3Cell
			for b.Loop() {
				for i := range n {
					sum += h3CellAt(-74+float64(i)*1e-4, 40.7+float64(i)*1e-4, resolution)
				}
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "points/s")
		})
	}
}
