package sql

import (
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"testing"
)

// A rayCast finds the region of a point as the definition has it: the first
// region of which a polygon has the point on a ring, or has an odd number of
// edges that a ray from the point to the east meets. It has nothing in common
// with the index of package datasets.
type rayCast struct {
	ids   []string
	bands [bandCount][]castEdge // the edges whose latitudes reach into a band
}

// A castEdge goes from (ax, ay) to (bx, by).
type castEdge struct {
	region, polygon int
	ax, ay, bx, by  float64
}

// bandCount bands of latitudes, from bandSouth to bandNorth, hold New York.
const (
	bandCount = 4096
	bandSouth = 40.4
	bandNorth = 41.0
)

// bandOf returns the band of a latitude; those outside are in the outermost.
func bandOf(lat float64) int {
	return min(max(int((lat-bandSouth)/(bandNorth-bandSouth)*bandCount), 0), bandCount-1)
}

// newRayCast reads a GeoJSON file of MultiPolygons and Polygons, whose regions
// a property names. Features of one name are one region.
func newRayCast(t *testing.T, file, property string) *rayCast {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var collection struct {
		Features []struct {
			Properties map[string]any
			Geometry   struct {
				Type        string
				Coordinates json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(text, &collection); err != nil {
		t.Fatal(err)
	}
	c := &rayCast{}
	number := make(map[string]int)
	polygons := 0
	for _, f := range collection.Features {
		id := fmt.Sprint(f.Properties[property])
		if _, ok := number[id]; !ok {
			number[id] = len(c.ids)
			c.ids = append(c.ids, id)
		}
		shapes := make([][][][2]float64, 1)
		var to any = &shapes
		if f.Geometry.Type == "Polygon" {
			to = &shapes[0]
		}
		if err := json.Unmarshal(f.Geometry.Coordinates, to); err != nil {
			t.Fatalf("%s: region %s: %v", file, id, err)
		}
		for _, rings := range shapes {
			for _, ring := range rings {
				c.addRing(number[id], polygons, ring)
			}
			polygons++
		}
	}
	return c
}

func (c *rayCast) addRing(region, polygon int, ring [][2]float64) {
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		for band := bandOf(min(a[1], b[1])); band <= bandOf(max(a[1], b[1])); band++ {
			c.bands[band] = append(c.bands[band], castEdge{region, polygon, a[0], a[1], b[0], b[1]})
		}
	}
}

// locate returns the id of a point's region; ok is false outside all regions.
func (c *rayCast) locate(x, y float64) (id string, ok bool) {
	first := len(c.ids)
	odd := false
	edges := c.bands[bandOf(y)] // those of a polygon follow each other
	for i, e := range edges {
		on, crossed := e.meets(x, y)
		odd = odd != crossed
		last := i+1 == len(edges) || edges[i+1].polygon != e.polygon
		if on || last && odd {
			first = min(first, e.region)
		}
		odd = odd && !last
	}
	if first == len(c.ids) {
		return "", false
	}
	return c.ids[first], true
}

// meets reports whether a point is on the edge, and whether the ray from it to
// the east crosses the edge, whose upper end does not count: of two edges that
// meet where the ray passes, one does.
func (e castEdge) meets(x, y float64) (on, crossed bool) {
	if e.ay > e.by {
		e.ax, e.ay, e.bx, e.by = e.bx, e.by, e.ax, e.ay
	}
	switch {
	case y < e.ay || y > e.by:
		return false, false
	case e.ay == e.by:
		return min(e.ax, e.bx) <= x && x <= max(e.ax, e.bx), false
	}
	side := sideOf(e.ax, e.ay, e.bx, e.by, x, y)
	return side == 0, side > 0 && y < e.by
}

// sideOf returns a positive number if (x, y) is to the left of the line from
// (ax, ay) up to (bx, by), and 0 if it is on it, in exact arithmetic where
// rounding could tell.
func sideOf(ax, ay, bx, by, x, y float64) int {
	// Differences of coordinates of one city are exact, or wrong by 1e-17 of a
	// degree at most; their products are wrong by far less than this.
	const doubt = 1e-14
	switch d := (bx-ax)*(y-ay) - (by-ay)*(x-ax); {
	case d > doubt:
		return 1
	case d < -doubt:
		return -1
	}
	less := func(a, b float64) *big.Rat {
		return new(big.Rat).Sub(new(big.Rat).SetFloat64(a), new(big.Rat).SetFloat64(b))
	}
	left := new(big.Rat).Mul(less(bx, ax), less(y, ay))
	return left.Cmp(new(big.Rat).Mul(less(by, ay), less(x, ax)))
}
