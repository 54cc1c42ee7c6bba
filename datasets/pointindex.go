package datasets

import (
	"cmp"
	"math"
	"math/big"
	"slices"
)

// A polygonIndex locates points in polygons, exactly: what a point belongs to
// is decided as if the arithmetic on its coordinates were that of real
// numbers. It may be used by several goroutines at once.
//
// The bounding box is cut into a grid of cells. Most cells lie within one
// region, or outside all, and answer at once. The others are borders: for
// these the index has the parts of the polygons that matter within the cell.
//
// Memory: 4 MiB for the grid, and about 32 bytes for each pair of an edge and
// a cell that it touches, and for each pair of a polygon and such a cell. That
// is 8 MiB in all for 260 neighborhoods of 31,000 edges, and 31 MiB for 5,000
// census tracts of 240,000.
type polygonIndex struct {
	raster     raster
	cells      []int32 // shape [rows*columns]; a region, outside, or ^c-1 for a border whose first candidate is c
	candidates []candidate
	edges      []edge
	levels     []float64
}

// outside is the region of the points that are in none.
const outside = -1

// A candidate is a polygon that touches a border, as far as it matters there.
// The candidates of a border follow each other, in the order of the regions.
//
// The ray from a point of the cell to the east meets the
// polygon's rings where it meets one of the candidate's edges, and where the
// rings run wholly east of the cell. There, each run of edges that crosses
// the cell's row, or ends within it, counts for points below its upper end
// but not below its lower: that is where the levels come from.
type candidate struct {
	region                int32
	otherwise             int32 // region of the points that are not in the polygon; or nextCandidate
	firstEdge, edgesEnd   int32
	firstLevel, levelsEnd int32
	odd                   bool // add one to the number of crossings
}

// nextCandidate says that points may be in the next candidate.
const nextCandidate = -2

// An edge goes up from (ax, ay) to (bx, by), or is level.
type edge struct{ ax, ay, bx, by float64 }

// indexSide is the number of rows and of columns of the grid. On the
// neighborhoods of New York, 256 takes twice the time, because more points
// are at borders, and 2048 three times, because the grid leaves the cache.
const indexSide = 1024

// newPolygonIndex returns the index of the regions with the given polygons.
func newPolygonIndex(shapes [][]polygon) *polygonIndex {
	all := emptyBox
	for _, polygons := range shapes {
		all = all.union(boxOf(polygons))
	}
	b := newIndexBuilder(newRaster(all, indexSide, indexSide))
	for r, polygons := range shapes {
		for _, p := range polygons {
			b.add(int32(r), p)
		}
	}
	return b.index()
}

// Locate implements pointIndex. It takes about 10 ns for a point.
func (ix *polygonIndex) Locate(lon, lat []float64, regions []int32) {
	lat, regions = lat[:len(lon)], regions[:len(lon)]
	g := ix.raster
	for i, x := range lon {
		y := lat[i]
		column, row := (x-g.west)*g.perLon, (y-g.south)*g.perLat
		// NaN fails every comparison, so it is outside too.
		if !(column >= 0 && row >= 0 && column < indexSide && row < indexSide) {
			regions[i] = outside
			continue
		}
		found := ix.cells[int(row)*indexSide+int(column)]
		if found < outside {
			found = ix.locateAt(^(found + 1), x, y)
		}
		regions[i] = found
	}
}

// locateAt returns the region of a point in the border whose first candidate
// is i.
func (ix *polygonIndex) locateAt(i int32, x, y float64) int32 {
	for ; ; i++ {
		c := &ix.candidates[i]
		if ix.contains(c, x, y) {
			return c.region
		}
		if c.otherwise != nextCandidate {
			return c.otherwise
		}
	}
}

// contains reports whether a point of the candidate's cell is in its polygon
// or on its boundary.
func (ix *polygonIndex) contains(c *candidate, x, y float64) bool {
	odd := c.odd
	for _, level := range ix.levels[c.firstLevel:c.levelsEnd] {
		odd = odd != (level > y)
	}
	edges := ix.edges[c.firstEdge:c.edgesEnd]
	for i := range edges {
		e := &edges[i]
		switch {
		case y < e.ay || y > e.by:
		case y == e.by:
			// The ray counts the lower end of an edge and not the upper, so
			// that it meets a corner once. The point may be on the edge still.
			if x == e.bx || e.ay == e.by && min(e.ax, e.bx) <= x && x <= max(e.ax, e.bx) {
				return true
			}
		case x < e.ax && x < e.bx:
			odd = !odd
		case x > e.ax && x > e.bx:
		default:
			switch side := orientation(e.ax, e.ay, e.bx, e.by, x, y); {
			case side == 0:
				return true
			case side > 0:
				odd = !odd
			}
		}
	}
	return odd
}

// An indexBuilder makes a polygonIndex, polygon by polygon.
type indexBuilder struct {
	raster     raster
	covered    []int32 // shape [rows*columns]; the first region that a cell lies within, or outside
	candidates []cellCandidate
	edges      []edge
	levels     []float64

	// Of the polygon being added:
	rows    [][]rowEdge // the edges of each row, in the order of the rings
	touched []bool      // shape [columns]; by an edge of the row at work
	flips   []bool      // shape [columns]; an odd number of edges begins here
}

// A cellCandidate is a candidate of a cell.
type cellCandidate struct {
	cell int32
	candidate
}

// A rowEdge is an edge of a ring with the columns that it touches in a row.
type rowEdge struct {
	a, b        position
	first, last int
}

func newIndexBuilder(g raster) *indexBuilder {
	b := &indexBuilder{
		raster:  g,
		covered: make([]int32, g.rows*g.columns),
		rows:    make([][]rowEdge, g.rows),
		touched: make([]bool, g.columns),
		flips:   make([]bool, g.columns),
	}
	for i := range b.covered {
		b.covered[i] = outside
	}
	return b
}

// add adds a polygon. Regions are added in ascending order.
func (b *indexBuilder) add(region int32, p polygon) {
	south, north := b.raster.rows, -1
	p.edges(func(from, to position) {
		b.raster.spans(from, to, func(row, first, last int) {
			b.rows[row] = append(b.rows[row], rowEdge{from, to, first, last})
			south, north = min(south, row), max(north, row)
		})
	})
	for row := south; row <= north; row++ {
		b.addRow(region, row)
		b.rows[row] = b.rows[row][:0]
	}
}

// addRow adds the cells of a row to what lies within the polygon, or to its
// borders.
func (b *indexBuilder) addRow(region int32, row int) {
	edges := b.rows[row]
	middle := b.raster.south + (float64(row)+0.5)/b.raster.perLat
	west, east := b.raster.columns, -1
	for _, e := range edges {
		for c := e.first; c <= e.last; c++ {
			b.touched[c] = true
		}
		if (e.a.lat > middle) != (e.b.lat > middle) {
			b.flips[e.first] = !b.flips[e.first]
		}
		west, east = min(west, e.first), max(east, e.last)
	}
	// A cell without edges lies within the polygon if the ray from its middle
	// to the east meets an odd number of them.
	inside := false
	for c := east; c >= west; c-- {
		cell := int32(row*b.raster.columns + c)
		// A cell within an earlier region is done: that region has its points.
		if b.covered[cell] == outside {
			if b.touched[c] {
				b.addCandidate(region, cell, edges)
			} else if inside {
				b.covered[cell] = region
			}
		}
		inside = inside != b.flips[c]
		b.touched[c], b.flips[c] = false, false
	}
}

// addCandidate adds the polygon with the given edges in the cell's row to the
// candidates of the cell.
func (b *indexBuilder) addCandidate(region, cell int32, edges []rowEdge) {
	row, column := int(cell)/b.raster.columns, int(cell)%b.raster.columns
	// No point of the row is below south or above north, rounding included.
	south := b.raster.south + float64(row)/b.raster.perLat - rasterSlack
	north := b.raster.south + float64(row+1)/b.raster.perLat + rasterSlack
	c := candidate{region: region, firstEdge: int32(len(b.edges)), firstLevel: int32(len(b.levels))}
	for _, e := range edges {
		if e.last < column {
			continue
		}
		if e.first <= column {
			b.edges = append(b.edges, upwards(e.a, e.b))
			continue
		}
		for _, level := range [2]float64{e.a.lat, e.b.lat} {
			// Edges that follow each other meet in a level that counts twice,
			// which is not at all.
			n := len(b.levels)
			switch {
			case level > north:
				c.odd = !c.odd
			case level < south:
			case n > int(c.firstLevel) && b.levels[n-1] == level:
				b.levels = b.levels[:n-1]
			default:
				b.levels = append(b.levels, level)
			}
		}
	}
	c.edgesEnd, c.levelsEnd = int32(len(b.edges)), int32(len(b.levels))
	b.candidates = append(b.candidates, cellCandidate{cell, c})
}

// upwards returns the edge between two positions.
func upwards(a, b position) edge {
	if a.lat > b.lat {
		a, b = b, a
	}
	return edge{a.lon, a.lat, b.lon, b.lat}
}

// index returns the index of what was added. What a border needs lies
// together in memory.
func (b *indexBuilder) index() *polygonIndex {
	ix := &polygonIndex{raster: b.raster, cells: b.covered}
	// Candidates of a cell are in the order in which they were added.
	slices.SortStableFunc(b.candidates, func(x, y cellCandidate) int { return cmp.Compare(x.cell, y.cell) })
	ix.candidates = make([]candidate, len(b.candidates))
	ix.edges = make([]edge, 0, len(b.edges))
	ix.levels = make([]float64, 0, len(b.levels))
	first := 0 // candidate of the border at work
	for i, from := range b.candidates {
		if from.cell != b.candidates[first].cell {
			first = i
		}
		to := &ix.candidates[i]
		*to = from.candidate
		to.otherwise = nextCandidate
		if i+1 == len(b.candidates) || b.candidates[i+1].cell != from.cell {
			to.otherwise = ix.cells[from.cell]
			ix.cells[from.cell] = ^int32(first) - 1
		}
		to.firstEdge, to.firstLevel = int32(len(ix.edges)), int32(len(ix.levels))
		ix.edges = append(ix.edges, b.edges[from.firstEdge:from.edgesEnd]...)
		ix.levels = append(ix.levels, b.levels[from.firstLevel:from.levelsEnd]...)
		to.edgesEnd, to.levelsEnd = int32(len(ix.edges)), int32(len(ix.levels))
	}
	return ix
}

// orientation returns a positive number if c is to the left of the line from
// a to b, a negative one if it is to the right, and 0 if it is on the line:
// the sign of (ax-cx)(by-cy) - (ay-cy)(bx-cx), exactly.
func orientation(ax, ay, bx, by, cx, cy float64) int {
	// The conversions keep the compiler from fusing operations, for which
	// the bound below is not proved.
	left := float64((ax - cx) * (by - cy))
	right := float64((ay - cy) * (bx - cx))
	det := float64(left - right)
	// The error of det is at most (3 + 16u)u(|left| + |right|), u = 2^-53,
	// if nothing underflows: Shewchuk, "Adaptive precision floating-point
	// arithmetic and fast robust geometric predicates", 1997. Where
	// coordinates are equal, common in axis-parallel maps, both are 0.
	const bound = 3.3306690738754716e-16
	const safe = 1e-250 // far above the underflow of either product
	sum := math.Abs(left) + math.Abs(right)
	if sum > safe && math.Abs(det) > bound*sum {
		return cmp.Compare(det, 0)
	}
	return exactOrientation(ax, ay, bx, by, cx, cy)
}

// exactOrientation is orientation in exact arithmetic. Few points come here.
func exactOrientation(ax, ay, bx, by, cx, cy float64) int {
	if (ax == cx || by == cy) && (ay == cy || bx == cx) {
		return 0
	}
	// Coordinates of degrees are multiples of 2^-1074 below 2^8; a product of
	// two differences has at most twice as many bits. Only those in use cost.
	const precision = 2 * (1074 + 9)
	product := func(a, b, c, d float64) *big.Float {
		p := new(big.Float).SetPrec(precision)
		q := new(big.Float).SetPrec(precision)
		p.Sub(big.NewFloat(a), big.NewFloat(b))
		q.Sub(big.NewFloat(c), big.NewFloat(d))
		return p.Mul(p, q)
	}
	return product(ax, cx, by, cy).Cmp(product(ay, cy, bx, cx))
}

// A raster is a grid of rows and columns over a box of longitudes and
// latitudes.
type raster struct {
	west, south    float64
	perLon, perLat float64 // cells in a degree
	columns, rows  int
	slackX, slackY float64 // degrees added to an edge on each side
}

// rasterSlack is the margin in degrees that makes up for rounding: that of
// positions (3e-14 at 180 degrees), of the cell computed for a position (one
// part in 10^13 of the box) and of the place where an edge crosses a row. It
// is a tenth of a millimetre.
const rasterSlack = 1e-9

// newRaster returns a raster that holds a box, with some space around.
func newRaster(b box, columns, rows int) raster {
	const space = 16 * rasterSlack
	g := raster{
		west: b.west - space, south: b.south - space,
		columns: columns, rows: rows,
		slackX: rasterSlack, slackY: rasterSlack,
	}
	g.perLon = float64(columns) / (b.east + space - g.west)
	g.perLat = float64(rows) / (b.north + space - g.south)
	return g
}

// A box is a range of longitudes and latitudes.
type box struct{ west, south, east, north float64 }

var emptyBox = box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}

func (b box) union(c box) box {
	return box{min(b.west, c.west), min(b.south, c.south), max(b.east, c.east), max(b.north, c.north)}
}

// boxOf returns the bounding box of a region.
func boxOf(polygons []polygon) box {
	b := emptyBox
	for _, p := range polygons {
		for _, r := range p {
			for _, v := range r {
				b = b.union(box{v.lon, v.lat, v.lon, v.lat})
			}
		}
	}
	return b
}

// spans calls do with the columns, first to last, that the line from a to b
// touches in each row, or may touch, given the raster's slack.
func (g *raster) spans(a, b position, do func(row, first, last int)) {
	if a.lat > b.lat {
		a, b = b, a
	}
	west, east := min(a.lon, b.lon), max(a.lon, b.lon)
	slope := 0.0
	if b.lat-a.lat > g.slackY {
		slope = (b.lon - a.lon) / (b.lat - a.lat)
	}
	top := g.row(b.lat + g.slackY)
	for row := g.row(a.lat - g.slackY); row <= top; row++ {
		x0, x1 := west, east
		if slope != 0 {
			// Where the line enters and leaves the row. It rises by no more
			// than its height, so the error of either is that of a longitude.
			low := max(a.lat, g.south+float64(row)/g.perLat-g.slackY)
			high := min(b.lat, g.south+float64(row+1)/g.perLat+g.slackY)
			x0 = min(max(a.lon+(low-a.lat)*slope, west), east)
			x1 = min(max(a.lon+(high-a.lat)*slope, west), east)
		}
		do(row, g.column(min(x0, x1)-g.slackX), g.column(max(x0, x1)+g.slackX))
	}
}

func (g *raster) row(lat float64) int {
	return min(max(int((lat-g.south)*g.perLat), 0), g.rows-1)
}

func (g *raster) column(lon float64) int {
	return min(max(int((lon-g.west)*g.perLon), 0), g.columns-1)
}
