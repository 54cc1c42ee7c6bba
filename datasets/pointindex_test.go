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
)

// corpusRegions is where the whole corpus may be; tests that use it have
// smaller files in testdata for when it is not there.
const corpusRegions = "../../shared/data/nyc/regions/"

// locate returns the regions of points.
func locate(ix pointIndex, points []position) []int32 {
	lon, lat := make([]float64, len(points)), make([]float64, len(points))
	for i, p := range points {
		lon[i], lat[i] = p.lon, p.lat
	}
	regions := make([]int32, len(points))
	ix.Locate(lon, lat, regions)
	return regions
}

func rat(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }

// ratOrientation is the sign of (a-c) x (b-c).
func ratOrientation(a, b, c position) int {
	sub := func(x, y float64) *big.Rat { return new(big.Rat).Sub(rat(x), rat(y)) }
	left := new(big.Rat).Mul(sub(a.lon, c.lon), sub(b.lat, c.lat))
	right := new(big.Rat).Mul(sub(a.lat, c.lat), sub(b.lon, c.lon))
	return left.Cmp(right)
}

// slowContains is the definition: on a segment of the polygon's rings, or to
// the west of an odd number of them, in rational numbers.
func slowContains(p polygon, c position) bool {
	odd, on := false, false
	p.edges(func(a, b position) {
		if c.lat < min(a.lat, b.lat) || c.lat > max(a.lat, b.lat) {
			return
		}
		side := ratOrientation(a, b, c)
		if side == 0 && min(a.lon, b.lon) <= c.lon && c.lon <= max(a.lon, b.lon) &&
			min(a.lat, b.lat) <= c.lat && c.lat <= max(a.lat, b.lat) {
			on = true
		}
		if (a.lat > c.lat) != (b.lat > c.lat) && (side > 0) == (b.lat > a.lat) {
			odd = !odd
		}
	})
	return odd || on
}

func slowLocate(shapes [][]polygon, c position) int32 {
	for r, polygons := range shapes {
		for _, p := range polygons {
			if slowContains(p, c) {
				return int32(r)
			}
		}
	}
	return outside
}

// checkLocate compares the index with the definition.
func checkLocate(t *testing.T, shapes [][]polygon, points []position) {
	t.Helper()
	for i, got := range locate(newPolygonIndex(shapes), points) {
		if want := slowLocate(shapes, points[i]); got != want {
			t.Fatalf("point %v is in region %d, want %d", points[i], got, want)
		}
	}
}

func square(west, south, east, north float64) ring {
	return ring{{west, south}, {east, south}, {east, north}, {west, north}}
}

func TestLocate(t *testing.T) {
	tiny := math.Nextafter(1, 2) - 1
	withHole := polygon{square(0, 0, 4, 4), square(1, 1, 3, 3)}
	for _, tc := range []struct {
		name   string
		shapes [][]polygon
		points map[position]int32
	}{
		{"inside, outside, NaN", [][]polygon{{{square(0, 0, 1, 1)}}}, map[position]int32{
			{.5, .5}: 0, {1.5, .5}: -1, {.5, -1e-12}: -1, {math.NaN(), .5}: -1, {.5, math.NaN()}: -1,
			{math.Inf(1), .5}: -1, {.5, math.Inf(-1)}: -1,
		}},
		{"the boundary belongs", [][]polygon{{{square(0, 0, 1, 1)}}}, map[position]int32{
			{0, 0}: 0, {1, 0}: 0, {0, 1}: 0, {1, 1}: 0, {.3, 0}: 0, {.3, 1}: 0, {0, .3}: 0, {1, .3}: 0,
			{1 + tiny, .3}: -1, {1, 1 + tiny}: -1, {-5e-324, 0}: -1, {0, -5e-324}: -1,
		}},
		{"the first region has the common boundary", [][]polygon{{{square(0, 0, 1, 1)}}, {{square(1, 0, 2, 1)}}}, map[position]int32{
			{1, .5}: 0, {1, 0}: 0, {1, 1}: 0, {1 + tiny, .5}: 1, {1 - tiny/2, .5}: 0,
		}},
		{"the first of overlapping regions", [][]polygon{{{square(1, 1, 2, 2)}}, {{square(0, 0, 3, 3)}}}, map[position]int32{
			{1.5, 1.5}: 0, {.5, .5}: 1, {1, 1}: 0,
		}},
		{"a later region within an earlier one has no point", [][]polygon{{{square(0, 0, 3, 3)}}, {{square(1, 1, 2, 2)}}}, map[position]int32{
			{1.5, 1.5}: 0, {1, 1}: 0,
		}},
		{"a hole is outside, its boundary is not", [][]polygon{{withHole}}, map[position]int32{
			{2, 2}: -1, {.5, .5}: 0, {1, 2}: 0, {3, 3}: 0, {1 + tiny, 2}: -1,
		}},
		{"a region in the hole of another", [][]polygon{{withHole}, {{square(1, 1, 3, 3)}}}, map[position]int32{
			{2, 2}: 1, {1, 2}: 0,
		}},
		{"overlapping polygons of a region do not cancel", [][]polygon{{{square(0, 0, 2, 2)}, {square(1, 1, 3, 3)}}}, map[position]int32{
			{1.5, 1.5}: 0, {2.5, 2.5}: 0, {2.5, .5}: -1,
		}},
		{"a hole that another polygon of the region fills", [][]polygon{{withHole, {square(1, 1, 2, 3)}}}, map[position]int32{
			{1.5, 2}: 0, {2.5, 2}: -1,
		}},
		{"crossing rings are even-odd", [][]polygon{{{ring{{0, 0}, {2, 2}, {2, 0}, {0, 2}}}}}, map[position]int32{
			{.5, 1}: 0, {1.5, 1}: 0, {1, .5}: -1, {1, 1}: 0,
		}},
		{"the whole world", [][]polygon{{{square(-180, -90, 180, 90)}}}, map[position]int32{
			{180, 90}: 0, {-180, -90}: 0, {0, 0}: 0, {180, 0}: 0, {math.Nextafter(180, 181), 0}: -1,
		}},
		{"smaller than a cell can be", [][]polygon{{{square(0, 0, 1e-300, 1e-300)}}}, map[position]int32{
			{0, 0}: 0, {1e-301, 1e-301}: 0, {2e-300, 0}: -1, {5e-324, 5e-324}: 0,
		}},
		{"no regions", nil, map[position]int32{{0, 0}: -1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ix := newPolygonIndex(tc.shapes)
			for p, want := range tc.points {
				if got := locate(ix, []position{p})[0]; got != want {
					t.Errorf("point %v is in region %d, want %d", p, got, want)
				}
			}
		})
	}
}

// randomShapes returns regions whose corners are drawn by corner: a few
// positions that many rings share, so that edges touch, overlap and cross.
func randomShapes(rng *rand.Rand, corner func() position) [][]polygon {
	shapes := make([][]polygon, 1+rng.IntN(5))
	for r := range shapes {
		for range 1 + rng.IntN(3) {
			var p polygon
			for range 1 + rng.IntN(3) {
				positions := make([]position, 3+rng.IntN(6))
				for i := range positions {
					positions[i] = corner()
				}
				if ring, err := newRing(positions); err == nil {
					p = append(p, ring)
				}
			}
			if p != nil {
				shapes[r] = append(shapes[r], p)
			}
		}
	}
	return shapes
}

// probes returns points where mistakes would be: corners, points on and next
// to edges, points level with corners, and points anywhere.
func probes(rng *rand.Rand, shapes [][]polygon, n int) []position {
	var edges [][2]position
	var points []position
	for _, polygons := range shapes {
		for _, p := range polygons {
			p.edges(func(a, b position) { edges = append(edges, [2]position{a, b}) })
		}
	}
	if len(edges) == 0 {
		return []position{{0, 0}}
	}
	any := func() [2]position { return edges[rng.IntN(len(edges))] }
	for range n {
		e, f := any(), any()
		along := rng.Float64()
		on := position{e[0].lon + along*(e[1].lon-e[0].lon), e[0].lat + along*(e[1].lat-e[0].lat)}
		middle := position{(e[0].lon + e[1].lon) / 2, (e[0].lat + e[1].lat) / 2}
		points = append(points, e[0], on, middle,
			position{math.Nextafter(middle.lon, 1e9), middle.lat},
			position{middle.lon, math.Nextafter(middle.lat, -1e9)},
			position{f[0].lon, e[0].lat},
			position{f[0].lon + (f[1].lon-f[0].lon)*rng.Float64(), e[0].lat},
			position{on.lon + rng.NormFloat64()*1e-9, on.lat},
			position{on.lon, e[0].lat + along*(f[1].lat-e[0].lat)})
	}
	return points
}

func FuzzLocate(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed, uint8(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, kind uint8) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var shapes [][]polygon
		switch kind % 4 {
		case 0: // coarse: nearly everything is degenerate
			shapes = randomShapes(rng, func() position { return position{float64(rng.IntN(5)), float64(rng.IntN(5)) / 4} })
		case 1: // positions of a map with 4 decimals
			shapes = randomShapes(rng, func() position {
				return position{-74 + float64(rng.IntN(40))/1e4, 40.7 + float64(rng.IntN(40))/1e4}
			})
		case 2: // slivers: nearly on a line
			shapes = randomShapes(rng, func() position {
				x := rng.Float64()
				return position{x + float64(rng.IntN(3))*1e-16, x / 3}
			})
		case 3: // anywhere on earth
			shapes = randomShapes(rng, func() position { return position{rng.Float64()*360 - 180, rng.Float64()*180 - 90} })
		}
		checkLocate(t, shapes, probes(rng, shapes, 20))
	})
}

func TestOrientation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	exact := 0
	for i := range 20000 {
		// Points next to a line, by a few units in the last place.
		scale := math.Ldexp(1, -rng.IntN(1074))
		if i%4 == 0 {
			scale = math.Ldexp(1, -530-rng.IntN(12)) // products are a few units of the least number
		}
		a := position{rng.Float64() * scale, rng.Float64() * scale}
		b := position{rng.Float64() * scale, rng.Float64() * scale}
		along := float64(rng.IntN(9)) / 8
		c := position{a.lon + along*(b.lon-a.lon), a.lat + along*(b.lat-a.lat)}
		if rng.IntN(2) == 0 {
			c.lon = math.Nextafter(c.lon, 0)
		}
		want := ratOrientation(a, b, c)
		if got := orientation(a.lon, a.lat, b.lon, b.lat, c.lon, c.lat); got != want {
			t.Fatalf("orientation(%v, %v, %v) = %d, want %d", a, b, c, got, want)
		}
		if want == 0 {
			exact++
		}
	}
	if exact < 100 {
		t.Errorf("only %d of the points were on their line; the test should have more", exact)
	}
}

// nycShapes returns the polygons of the neighborhoods of New York: all of
// them, or those in testdata.
func nycShapes(tb testing.TB) [][]polygon {
	name := corpusRegions + "neighborhoods.geojson"
	if _, err := os.Stat(name); err != nil {
		name = "testdata/places/neighborhoods.geojson"
	}
	features, err := readFeatures(context.Background(), Disk{}, RegionSpec{File: name})
	if err != nil {
		tb.Fatal(err)
	}
	_, shapes, err := mergeFeatures(features, RegionSpec{})
	if err != nil {
		tb.Fatal(err)
	}
	return shapes
}

func TestLocateNewYork(t *testing.T) {
	shapes := nycShapes(t)
	rng := rand.New(rand.NewPCG(2, 0))
	points := probes(rng, shapes, 300)
	ix := newPolygonIndex(shapes)
	boxes := make([]box, len(shapes))
	for r := range shapes {
		boxes[r] = boxOf(shapes[r])
	}
	for i, got := range locate(ix, points) {
		// The definition, but for regions whose box is elsewhere.
		p, want := points[i], int32(outside)
		for r, b := range boxes {
			if b.west <= p.lon && p.lon <= b.east && b.south <= p.lat && p.lat <= b.north &&
				slices.ContainsFunc(shapes[r], func(part polygon) bool { return slowContains(part, p) }) {
				want = int32(r)
				break
			}
		}
		if got != want {
			t.Fatalf("point %v is in region %d, want %d", p, got, want)
		}
	}
}

func BenchmarkLocate(b *testing.B) {
	shapes := nycShapes(b)
	all := emptyBox
	for _, polygons := range shapes {
		all = all.union(boxOf(polygons))
	}
	ix := newPolygonIndex(shapes)
	for _, near := range []int{0, 10, 100} {
		b.Run(fmt.Sprintf("nearBoundary=%d%%", near), func(b *testing.B) {
			const n = 1 << 17
			rng := rand.New(rand.NewPCG(3, 0))
			lon, lat := make([]float64, n), make([]float64, n)
			at := probes(rng, shapes, n/9+1)
			for i := range lon {
				if rng.IntN(100) < near {
					lon[i], lat[i] = at[i].lon+rng.NormFloat64()*1e-5, at[i].lat+rng.NormFloat64()*1e-5
				} else {
					lon[i] = all.west + rng.Float64()*(all.east-all.west)
					lat[i] = all.south + rng.Float64()*(all.north-all.south)
				}
			}
			regions := make([]int32, n)
			for b.Loop() {
				ix.Locate(lon, lat, regions)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "points/s")
		})
	}
}

func BenchmarkNewPolygonIndex(b *testing.B) {
	shapes := nycShapes(b)
	b.ReportAllocs()
	for b.Loop() {
		newPolygonIndex(shapes)
	}
	b.ReportMetric(float64(len(shapes))*float64(b.N)/b.Elapsed().Seconds(), "regions/s")
}
