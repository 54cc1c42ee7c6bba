package datasets

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func loadGrid(t *testing.T, spec GridSpec) *RegionSystem {
	t.Helper()
	system, err := LoadRegions(context.Background(), Disk{}, "grid", RegionSpec{Grid: &spec})
	if err != nil {
		t.Fatal(err)
	}
	return system
}

func TestGrid(t *testing.T) {
	s := loadGrid(t, GridSpec{West: -74, South: 40, East: -73, North: 42, Columns: 3, Rows: 2})
	if want := []string{"c0r0", "c1r0", "c2r0", "c0r1", "c1r1", "c2r1"}; !cmp.Equal(s.IDs, want) || !cmp.Equal(s.Names, want) {
		t.Errorf("ids %v, names %v, want %v", s.IDs, s.Names, want)
	}
	if s.Name != "grid" || s.Islands != nil || s.Merged != nil {
		t.Errorf("name %q, islands %v, merged %v", s.Name, s.Islands, s.Merged)
	}
	// Rows are 3 4 5 over 0 1 2.
	want := [][2]int{{0, 1}, {0, 3}, {1, 2}, {1, 4}, {2, 5}, {3, 4}, {4, 5}}
	if diff := cmp.Diff(want, graphEdges(s.Graph)); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
}

func TestGridOfOneCell(t *testing.T) {
	s := loadGrid(t, GridSpec{East: 1, North: 1, Columns: 1, Rows: 1})
	if !cmp.Equal(s.Islands, []int{0}) || s.Graph.NumRegions() != 1 {
		t.Errorf("islands %v, %d regions", s.Islands, s.Graph.NumRegions())
	}
}

func TestGridLocate(t *testing.T) {
	s := loadGrid(t, GridSpec{West: 0, South: 0, East: 3, North: 2, Columns: 3, Rows: 2})
	below, above := math.Nextafter(1, 0), math.Nextafter(3, 4)
	for _, tc := range []struct {
		lon, lat float64
		want     int32
	}{
		{0, 0, 0}, {.5, .5, 0}, {1, 0, 1}, {below, 0, 0}, {1, 1, 4}, {1, below, 1}, {2.5, 1.5, 5},
		{3, .5, 2}, {.5, 2, 3}, {3, 2, 5},
		{above, 1, -1}, {math.Nextafter(0, -1), 1, -1}, {1, -1, -1}, {1, 2.5, -1},
		{math.NaN(), 1, -1}, {1, math.NaN(), -1}, {math.Inf(1), 1, -1},
	} {
		if got := locate(s.points, []position{{tc.lon, tc.lat}})[0]; got != tc.want {
			t.Errorf("(%v, %v) is in cell %d, want %d", tc.lon, tc.lat, got, tc.want)
		}
	}
}

// A cell is where its lines say, however the lines are rounded.
func TestGridLocateAtLines(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	for range 300 {
		from := rng.Float64()*360 - 180
		to := from + (180-from)*rng.Float64()*rng.Float64()
		a := newGridAxis(from, to, 1+rng.IntN(1000))
		if !a.ascends() {
			continue
		}
		last := int32(len(a.lines) - 2)
		if a.lines[0] != from || a.lines[last+1] != to {
			t.Fatalf("a grid from %v to %v has lines from %v to %v", from, to, a.lines[0], a.lines[last+1])
		}
		for i, line := range a.lines {
			i := int32(i)
			for _, p := range []struct {
				x    float64
				want int32
			}{{line, min(i, last)}, {math.Nextafter(line, -1e9), i - 1}, {math.Nextafter(line, 1e9), i}} {
				if i > last && p.x > line {
					p.want = -1
				}
				if got := a.locate(p.x); got != p.want {
					t.Fatalf("%v is in cell %d of %d from %v to %v, want %d", p.x, got, last+1, from, to, p.want)
				}
			}
		}
	}
}

func TestGridErrors(t *testing.T) {
	good := GridSpec{West: -74, South: 40, East: -73, North: 41, Columns: 10, Rows: 10}
	for _, tc := range []struct {
		name   string
		change func(*GridSpec)
		want   string
	}{
		{"not a number", func(g *GridSpec) { g.West = math.NaN() }, "west is NaN; it is in degrees, -180 to 180"},
		{"projected", func(g *GridSpec) { g.East = 984250 }, "east is 984250; it is in degrees, -180 to 180"},
		{"beyond the pole", func(g *GridSpec) { g.North = 91 }, "north is 91; it is in degrees, -90 to 90"},
		{"west of west", func(g *GridSpec) { g.East = -75 }, "west must be below east"},
		{"no height", func(g *GridSpec) { g.North = 40 }, "south must be below north"},
		{"no columns", func(g *GridSpec) { g.Columns = 0 }, "0 columns and 10 rows; it needs 1 or more of both"},
		{"negative rows", func(g *GridSpec) { g.Rows = -1 }, "it needs 1 or more of both"},
		{"too many cells", func(g *GridSpec) { g.Columns, g.Rows = 10_000, 1001 }, "at most 10000000 cells"},
		{"a product that overflows", func(g *GridSpec) { g.Columns, g.Rows = math.MaxInt, math.MaxInt }, "at most 10000000 cells"},
		{"cells below rounding", func(g *GridSpec) { g.East = math.Nextafter(g.West, 0) }, "use fewer columns and rows"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := good
			tc.change(&spec)
			_, err := LoadRegions(context.Background(), Disk{}, "grid", RegionSpec{Grid: &spec})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}
