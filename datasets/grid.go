package datasets

import (
	"fmt"
	"math"
	"strconv"

	"polygamy/topology"
)

// maxGridCells bounds the cells of a grid. Finer ones have more cells than a
// city has events.
const maxGridCells = 10_000_000

// gridRegions returns the cells of a grid as regions. Cell "c3r7" is in
// column 3 and row 7, counted from the south-west corner, which is in "c0r0".
// Regions are numbered row by row from there: column c of row r is region
// r*spec.Columns + c. Cells that share a side are adjacent.
//
// A point on the line between two cells belongs to the one to its east or
// north. The east and the north side of the grid belong to the cells there.
func gridRegions(spec GridSpec) (*RegionSystem, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	points := &gridIndex{
		lon: newGridAxis(spec.West, spec.East, spec.Columns),
		lat: newGridAxis(spec.South, spec.North, spec.Rows),
	}
	if !points.lon.ascends() || !points.lat.ascends() {
		return nil, fmt.Errorf("the cells of the grid are smaller than the rounding of its degrees; use fewer columns and rows")
	}
	graph, err := gridGraph(spec.Columns, spec.Rows)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, spec.Columns*spec.Rows)
	for r := range spec.Rows {
		for c := range spec.Columns {
			ids = append(ids, "c"+strconv.Itoa(c)+"r"+strconv.Itoa(r))
		}
	}
	system := &RegionSystem{IDs: ids, Names: ids, Graph: graph, points: points}
	if len(ids) == 1 {
		system.Islands = []int{0}
	}
	return system, nil
}

// check reports what is wrong with a grid.
func (s GridSpec) check() error {
	for _, x := range []struct {
		name  string
		value float64
		most  float64
	}{{"west", s.West, 180}, {"east", s.East, 180}, {"south", s.South, 90}, {"north", s.North, 90}} {
		if !(math.Abs(x.value) <= x.most) {
			return fmt.Errorf("grid: %s is %v; it is in degrees, %v to %v", x.name, x.value, -x.most, x.most)
		}
	}
	switch {
	case s.West >= s.East:
		return fmt.Errorf("grid: west is %v and east is %v; west must be below east", s.West, s.East)
	case s.South >= s.North:
		return fmt.Errorf("grid: south is %v and north is %v; south must be below north", s.South, s.North)
	case s.Columns < 1 || s.Rows < 1:
		return fmt.Errorf("grid: %d columns and %d rows; it needs 1 or more of both", s.Columns, s.Rows)
	case s.Columns > maxGridCells/s.Rows:
		return fmt.Errorf("grid: %d columns and %d rows; a grid has at most %d cells", s.Columns, s.Rows, maxGridCells)
	}
	return nil
}

// gridGraph returns the graph in which cells that share a side are adjacent.
func gridGraph(columns, rows int) (*topology.Graph, error) {
	offsets := make([]int32, 1, columns*rows+1)
	neighbours := make([]int32, 0, 4*columns*rows)
	for r := range rows {
		for c := range columns {
			cell := r*columns + c
			for _, side := range [4]struct {
				exists bool
				cell   int
			}{{r > 0, cell - columns}, {c > 0, cell - 1}, {c < columns-1, cell + 1}, {r < rows-1, cell + columns}} {
				if side.exists {
					neighbours = append(neighbours, int32(side.cell))
				}
			}
			offsets = append(offsets, int32(len(neighbours)))
		}
	}
	return topology.NewGraphCSR(offsets, neighbours)
}

// A gridIndex locates points in the cells of a grid.
type gridIndex struct{ lon, lat gridAxis }

// Locate implements pointIndex.
func (ix *gridIndex) Locate(lon, lat []float64, regions []int32) {
	lat, regions = lat[:len(lon)], regions[:len(lon)]
	columns := int32(len(ix.lon.lines) - 1)
	for i, x := range lon {
		c, r := ix.lon.locate(x), ix.lat.locate(lat[i])
		if c < 0 || r < 0 {
			regions[i] = outside
		} else {
			regions[i] = r*columns + c
		}
	}
}

// A gridAxis is one direction of a grid.
type gridAxis struct {
	lines   []float64 // shape [cells+1]; where cells begin, and where the last one ends
	perUnit float64   // cells in a degree
}

func newGridAxis(from, to float64, cells int) gridAxis {
	lines := make([]float64, cells+1)
	for i := range lines {
		lines[i] = from + (to-from)*float64(i)/float64(cells)
	}
	lines[cells] = to
	return gridAxis{lines, float64(cells) / (to - from)}
}

// ascends reports whether all cells have a width.
func (a gridAxis) ascends() bool {
	for i := range len(a.lines) - 1 {
		if a.lines[i] >= a.lines[i+1] {
			return false
		}
	}
	return true
}

// locate returns the cell of a coordinate, -1 if it is outside or NaN.
func (a gridAxis) locate(x float64) int32 {
	last := len(a.lines) - 2
	if !(x >= a.lines[0] && x <= a.lines[last+1]) {
		return -1
	}
	// Arithmetic gives the cell or one next to it; the lines decide.
	c := min(int((x-a.lines[0])*a.perUnit), last)
	for x < a.lines[c] {
		c--
	}
	for c < last && x >= a.lines[c+1] {
		c++
	}
	return int32(c)
}
