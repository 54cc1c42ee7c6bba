package datasets

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// metre is about a metre of latitude, and of longitude at the equator.
const metre = 1 / metresPerDegree

// metres returns the rings of a polygon given in metres around 0, 0.
func metres(rings ...ring) []polygon {
	var p polygon
	for _, r := range rings {
		scaled := make(ring, len(r))
		for i, v := range r {
			scaled[i] = position{v.lon * metre, v.lat * metre}
		}
		p = append(p, scaled)
	}
	return []polygon{p}
}

func TestPolygonAdjacency(t *testing.T) {
	a := metres(square(0, 0, 100, 100))
	for _, tc := range []struct {
		name      string
		b         []polygon
		tolerance float64
		want      bool
	}{
		{"a shared side", metres(square(100, 0, 200, 100)), 0, true},
		{"part of a side", metres(square(100, 40, 200, 300)), 0, true},
		{"a millimetre of a side", metres(square(100, 99.999, 200, 300)), 0, true},
		{"a side with more corners", metres(ring{{100, 0}, {200, 0}, {200, 100}, {100, 100}, {100, 70}, {100, 30}}), 0, true},
		{"a corner", metres(square(100, 100, 200, 200)), 0, false},
		{"a corner on a side", metres(ring{{100, 50}, {200, 0}, {200, 100}}), 0, false},
		{"a corner within the tolerance", metres(square(100.5, 100.5, 200, 200)), 0, false},
		{"corners within the tolerance, sides in line", metres(square(100.5, 100.1, 200, 200)), 0, false},
		{"a corner within a large tolerance", metres(square(120, 120, 200, 200)), 50, false},
		{"corners at 30 degrees", metres(ring{{100, 0}, {200, 0}, {100 + 100*math.Sin(math.Pi/6), 100 * math.Cos(math.Pi/6)}}), 0, false},
		{"a side by side gap", metres(square(100.9, 0, 200, 100)), 0, true},
		{"an overlap", metres(square(99.1, 0, 200, 100)), 0, true},
		{"a gap above the tolerance", metres(square(101.1, 0, 200, 100)), 0, false},
		{"a wide gap within the tolerance", metres(square(149, 0, 200, 100)), 50, true},
		{"a wide gap and a contact below the tolerance", metres(square(149, 60, 200, 300)), 50, false},
		{"a wide gap and a contact above the tolerance", metres(square(149, 40, 200, 300)), 50, true},
		{"contact in two pieces", metres(ring{{149, 70}, {200, 70}, {200, 30}, {149, 30}, {149, 0}, {300, 0}, {300, 100}, {149, 100}}), 50, true},
		{"a contact of a metre's length", metres(square(100.5, 98.9, 200, 200)), 0, true},
		{"and of less", metres(square(100.5, 99.1, 200, 200)), 0, false},
		{"a gap that opens", metres(ring{{100, 0}, {100, -1}, {200, 0}, {200, 100}, {110, 100}}), 0, true},
		{"a hole around", metres(square(-50, -50, 150, 150), square(0, 0, 100, 100)), 0, true},
		{"within, without a common boundary", metres(square(40, 40, 60, 60)), 0, false},
		{"crossing", metres(square(50, -50, 60, 150)), 0, false},
		{"far away", metres(square(5000, 5000, 6000, 6000)), 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := [][2]int(nil)
			if tc.want {
				want = [][2]int{{0, 1}}
			}
			for _, shapes := range [][][]polygon{{a, tc.b}, {tc.b, a}} {
				if got := polygonAdjacency(shapes, tc.tolerance); !cmp.Equal(got, want) {
					t.Errorf("adjacent: %v, want %v", got, want)
				}
			}
		})
	}
}

// A degree of longitude is half as long at 60 degrees of latitude.
func TestPolygonAdjacencyInTheNorth(t *testing.T) {
	// Many corners make for cells of the grid that are smaller than the gap.
	const corners = 3000
	east := func(x float64) ring {
		r := ring{{(x + 20) * metre, 60 + 100*metre}, {(x + 20) * metre, 60}}
		for i := range corners {
			r = append(r, position{x * metre, 60 + 100*metre*float64(i)/corners})
		}
		return r
	}
	mirrored := func(r ring) ring {
		for i := range r {
			r[i].lon = -r[i].lon
		}
		return r
	}
	for gap, want := range map[float64]int{1.9: 1, 2.1: 0} {
		shapes := [][]polygon{{{east(0)}}, {{mirrored(east(gap))}}}
		if got := len(polygonAdjacency(shapes, 1)); got != want {
			t.Errorf("a gap of %g m at the equator: %d edges, want %d", gap, got, want)
		}
	}
}

// slowOverlap is the definition of a common segment, in rational numbers:
// both ends on the line, and more than a point in common.
func slowOverlap(e, f boundaryEdge) bool {
	if ratOrientation(e.a, e.b, f.a) != 0 || ratOrientation(e.a, e.b, f.b) != 0 {
		return false
	}
	// Along e, from 0 at its beginning to its squared length at its end.
	along := func(p position) *big.Rat {
		sub := func(x, y float64) *big.Rat { return new(big.Rat).Sub(rat(x), rat(y)) }
		x := new(big.Rat).Mul(sub(p.lon, e.a.lon), sub(e.b.lon, e.a.lon))
		y := new(big.Rat).Mul(sub(p.lat, e.a.lat), sub(e.b.lat, e.a.lat))
		return x.Add(x, y)
	}
	from, to := along(f.a), along(f.b)
	if from.Cmp(to) > 0 {
		from, to = to, from
	}
	return from.Cmp(along(e.b)) < 0 && to.Sign() > 0
}

func FuzzPolygonAdjacency(f *testing.F) {
	for seed := range uint64(80) {
		f.Add(seed, 1.0, seed%2 == 0)
	}
	f.Add(uint64(7), 300.0, false)
	f.Add(uint64(7), 1e4, true)
	f.Fuzz(func(t *testing.T, seed uint64, tolerance float64, coarse bool) {
		if !(tolerance > 0 && tolerance <= maxTolerance) {
			return
		}
		rng := rand.New(rand.NewPCG(seed, 0))
		shapes := randomShapes(rng, func() position {
			if coarse {
				return position{float64(rng.IntN(5)) * 1e-5, 80 + float64(rng.IntN(5))*1e-5}
			}
			return position{rng.Float64() * 1e-3, 40 + rng.Float64()*1e-3}
		})
		edges := boundaryEdges(shapes)
		var want [][2]int
		for r := range shapes {
			for s := range r {
				contact, shared := 0.0, false
				for _, e := range edges {
					for _, f := range edges {
						if int(e.region) == s && int(f.region) == r {
							contact += contactLength(e, f, tolerance)
							shared = shared || slowOverlap(e, f)
						}
					}
				}
				if math.Abs(contact-tolerance) < 1e-9*tolerance {
					return // the order of the sum decides
				}
				if shared || contact > tolerance {
					want = append(want, [2]int{s, r})
				}
			}
		}
		slices.SortFunc(want, comparePairs)
		if got := polygonAdjacency(shapes, tolerance); !cmp.Equal(got, want) {
			t.Errorf("adjacent: %v, want %v", got, want)
		}
	})
}

// The length of a contact is that of many points of e, looked at one by one.
func TestContactLength(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	some := 0
	for range 3000 {
		at := func() position { return position{rng.Float64() * 20 * metre, rng.Float64() * 2 * metre} }
		e, f := boundaryEdge{at(), at(), 0}, boundaryEdge{at(), at(), 1}
		p := plane{position{}, metresPerDegree}
		ex, ey := p.at(position{e.b.lon - e.a.lon, e.b.lat - e.a.lat})
		fx, fy := p.at(position{f.b.lon - f.a.lon, f.b.lat - f.a.lat})
		cos := math.Abs(ex*fx+ey*fy) / math.Hypot(ex, ey) / math.Hypot(fx, fy)
		const steps = 2000
		n := 0
		for i := range steps {
			s := (float64(i) + .5) / steps
			x, y := p.at(position{e.a.lon - f.a.lon + s*(e.b.lon-e.a.lon), e.a.lat - f.a.lat + s*(e.b.lat-e.a.lat)})
			along := (x*fx + y*fy) / (fx*fx + fy*fy)
			if across := math.Abs(x*fy-y*fx) / math.Hypot(fx, fy); along >= 0 && along <= 1 && across <= 1 {
				n++
			}
		}
		want := float64(n) / steps * math.Hypot(ex, ey) * cos
		if cos < sideBySide {
			want = 0
		}
		if got := contactLength(e, f, 1); math.Abs(got-want) > 0.05 {
			t.Fatalf("%v with %v: %v m in contact, want %v", e, f, got, want)
		}
		if want > 0 {
			some++
		}
	}
	if some < 500 {
		t.Errorf("only %d pairs were in contact", some)
	}
}

func TestJoinIslands(t *testing.T) {
	for _, tc := range []struct {
		name   string
		shapes [][]polygon // all are islands, joined by
		want   [][2]int
	}{
		{"one region has no neighbour to join", [][]polygon{metres(square(0, 0, 1, 1))}, nil},
		{"the nearest boundary, not the nearest middle", [][]polygon{
			metres(square(0, 0, 1000, 10)), metres(square(1030, 0, 1040, 10)), metres(square(1100, 0, 1110, 10)),
		}, [][2]int{{0, 1}, {1, 2}}},
		{"the first of two as near", [][]polygon{
			metres(square(100, 0, 110, 10)), metres(square(0, 0, 10, 10)), metres(square(50, 0, 60, 10)),
		}, [][2]int{{0, 2}, {1, 2}}},
		{"an island that another surrounds", [][]polygon{
			metres(square(0, 0, 100, 100)), metres(square(40, 40, 60, 60)), metres(square(130, 0, 200, 100)),
		}, [][2]int{{0, 1}, {0, 2}}},
		{"boundaries that cross", [][]polygon{
			metres(square(0, 0, 100, 100)), metres(square(50, -50, 60, 150)), metres(square(101, 0, 105, 10)),
		}, [][2]int{{0, 1}, {0, 2}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			islands := isolated(len(tc.shapes), nil)
			if got := islandEdges(tc.shapes, islands); !cmp.Equal(got, tc.want) {
				t.Errorf("joined: %v, want %v", got, tc.want)
			}
		})
	}
}

// Regions are looked at in the order of their boxes, which must not decide.
func TestJoinIslandTie(t *testing.T) {
	shapes := [][]polygon{
		metres(square(-5, 0, 5, 10)), metres(square(15, 0, 25, 10)),
		metres(ring{{-15, -20}, {-15, 200}, {50, 200}, {50, 300}, {-30, 300}, {-30, -20}}), // its box holds the others
	}
	if got, want := islandEdges(shapes, []int{0}), [][2]int{{0, 1}}; !cmp.Equal(got, want) {
		t.Errorf("joined: %v, want %v", got, want)
	}
}

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		e, f [4]float64 // metres
		want float64
	}{
		{[4]float64{0, 0, 10, 0}, [4]float64{0, 3, 10, 3}, 3},
		{[4]float64{0, 0, 10, 0}, [4]float64{5, 2, 7, 9}, 2},
		{[4]float64{5, 2, 7, 9}, [4]float64{0, 0, 10, 0}, 2},
		{[4]float64{0, 0, 10, 0}, [4]float64{13, 4, 20, 30}, 5},
		{[4]float64{0, 0, 10, 0}, [4]float64{20, 0, 12, 0}, 2},
		{[4]float64{0, 0, 10, 0}, [4]float64{10, 0, 10, 5}, 0},
		{[4]float64{0, 0, 100, 0}, [4]float64{50, -50, 50, 50}, 0}, // they cross
	} {
		at := func(x, y float64) position { return position{x * metre, y * metre} }
		p := newPlane(position{}, 0)
		e, f := boundaryEdge{at(tc.e[0], tc.e[1]), at(tc.e[2], tc.e[3]), 0}, boundaryEdge{at(tc.f[0], tc.f[1]), at(tc.f[2], tc.f[3]), 1}
		if got := p.distance(e, f); math.Abs(got-tc.want) > 1e-6 {
			t.Errorf("%v and %v are %v m apart, want %v", tc.e, tc.f, got, tc.want)
		}
	}
}

func FuzzJoinIslands(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 0))
		shapes := make([][]polygon, 2+rng.IntN(12))
		for r := range shapes {
			x, y := rng.Float64()*1e4, rng.Float64()*1e4
			shapes[r] = metres(ring{{x, y}, {x + rng.Float64()*3e3, y}, {x, y + rng.Float64()*900}})
		}
		edges := boundaryEdges(shapes)
		for island := range shapes {
			nearest, best := -1, math.Inf(1)
			p := newPlane(position{}, (boxOf(shapes[island]).south+boxOf(shapes[island]).north)/2)
			for _, f := range edges {
				for _, e := range edges {
					if int(e.region) == island && f.region != e.region {
						if d := p.distance(e, f); d < best {
							nearest, best = int(f.region), d
						}
					}
				}
			}
			want := [][2]int{{min(island, nearest), max(island, nearest)}}
			if got := islandEdges(shapes, []int{island}); !cmp.Equal(got, want) {
				t.Errorf("island %d: %v, want %v (%v m)", island, got, want, best)
			}
		}
	})
}

// The neighborhoods of testdata are a part of New York's; the graph beside
// them was made by another program, from edges that are the same in both.
func TestNeighborhoodAdjacency(t *testing.T) {
	spec := RegionSpec{File: "testdata/places/neighborhoods.geojson"}
	system, err := LoadRegions(context.Background(), Disk{}, "neighborhood", spec)
	if err != nil {
		t.Fatal(err)
	}
	want, err := loadGraph(context.Background(), Disk{}, RegionSpec{File: spec.File, Graph: "testdata/places/neighborhoods-graph.txt"}, len(system.IDs))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(graphEdges(want), graphEdges(system.Graph)); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
}

// Data Polygamy's graph of all neighborhoods has bridges, which polygons do
// not, and lacks some neighbours that share streets.
func TestNewYorkAdjacency(t *testing.T) {
	file, err := os.Open(corpusRegions + "neighborhood-graph.txt")
	if err != nil {
		return // only where the corpus is
	}
	defer file.Close()
	published, err := ReadGraph(file, file.Name())
	if err != nil {
		t.Fatal(err)
	}
	shapes := nycShapes(t)
	edges := polygonAdjacency(shapes, 0)
	agree := 0
	for _, e := range edges {
		if slices.Contains(published.Neighbours(e[0]), int32(e[1])) {
			agree++
		}
	}
	t.Logf("%d edges; %d of the %d published ones", len(edges), agree, published.NumEdges())
	if agree < 530 || len(edges) > 580 {
		t.Errorf("%d edges agree of %d found; 530 pairs share whole edges in both", agree, len(edges))
	}
	// Every edge is a segment that both have, exactly or, where corners are
	// not the same, within a metre over ten and more.
	for _, e := range edges {
		shared := false
		for _, p := range boundaryEdges(shapes[e[0] : e[0]+1]) {
			for _, q := range boundaryEdges(shapes[e[1] : e[1]+1]) {
				shared = shared || overlap(p, q) || contactLength(p, q, 1) > 10
			}
		}
		if !shared {
			t.Errorf("regions %d and %d have no common segment", e[0], e[1])
		}
	}
}

func BenchmarkPolygonAdjacency(b *testing.B) {
	shapes := nycShapes(b)
	for _, tolerance := range []float64{1, 100} {
		b.Run(fmt.Sprintf("tolerance=%gm", tolerance), func(b *testing.B) {
			for b.Loop() {
				polygonAdjacency(shapes, tolerance)
			}
			b.ReportMetric(float64(len(shapes))*float64(b.N)/b.Elapsed().Seconds(), "regions/s")
		})
	}
}
