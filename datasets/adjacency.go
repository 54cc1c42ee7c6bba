package datasets

import (
	"cmp"
	"math"
	"slices"
)

const (
	defaultTolerance = 1      // metres: what digitising a map at street level leaves between boundaries
	maxTolerance     = 10_000 // metres: more than the widest water within a city
)

// metresPerDegree is the length of a degree of latitude on a sphere with the
// earth's mean radius. Distances here are used up to some kilometres, where
// it is right within a percent.
const metresPerDegree = 6371008.8 * math.Pi / 180

// sideBySide is the cosine of the largest angle between two edges that run
// side by side, 20 degrees. Polygons around a street corner meet at larger
// angles. Where a boundary is digitised twice, long edges meet at smaller.
const sideBySide = 0.94

// A boundaryEdge is an edge of a region.
type boundaryEdge struct {
	a, b   position
	region int32
}

func (e boundaryEdge) box() box {
	return box{min(e.a.lon, e.b.lon), min(e.a.lat, e.b.lat), max(e.a.lon, e.b.lon), max(e.a.lat, e.b.lat)}
}

// boundaryEdges lists the edges of all regions, by ascending region.
func boundaryEdges(shapes [][]polygon) []boundaryEdge {
	var edges []boundaryEdge
	for r, polygons := range shapes {
		for _, p := range polygons {
			p.edges(func(a, b position) { edges = append(edges, boundaryEdge{a, b, int32(r)}) })
		}
	}
	return edges
}

// polygonAdjacency returns the pairs of adjacent regions, the lower region
// first, in ascending order. tolerance is in metres, 0 means the default.
//
// Two regions are adjacent if
//   - an edge of one and an edge of the other overlap: they are on one line,
//     in exact arithmetic, and have more than a point in common; or
//   - their contact is longer than the tolerance. An edge e is in contact with
//     an edge f of the other region where it is within the tolerance of the
//     line of f, at a place next to f (not beyond its ends), if the angle
//     between them is below 20 degrees. The contact of two regions is the sum
//     over their edges of its length along f.
//
// The second rule is for boundaries digitised twice. It is computed on the
// plane where a degree of longitude is as long as at the two edges. A corner
// where regions meet at 20 degrees or more makes no contact.
//
// Longitudes of 180 and -180 degrees are far apart here.
func polygonAdjacency(shapes [][]polygon, tolerance float64) [][2]int {
	if tolerance == 0 {
		tolerance = defaultTolerance
	}
	edges := boundaryEdges(shapes)
	near := newEdgeGrid(edges, tolerance)
	contact := make(map[[2]int32]float64)
	near.pairs(func(e, f boundaryEdge) {
		pair := [2]int32{e.region, f.region}
		if so := contact[pair]; so > tolerance {
			return
		}
		if overlap(e, f) {
			contact[pair] = math.Inf(1)
		} else if length := contactLength(e, f, tolerance); length > 0 {
			contact[pair] += length
		}
	})
	var adjacent [][2]int
	for pair, length := range contact {
		if length > tolerance {
			adjacent = append(adjacent, [2]int{int(pair[0]), int(pair[1])})
		}
	}
	slices.SortFunc(adjacent, comparePairs)
	return adjacent
}

func comparePairs(x, y [2]int) int {
	return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]))
}

// overlap reports whether two edges have a segment in common.
func overlap(e, f boundaryEdge) bool {
	along := func(p position) float64 { return p.lon }
	if e.a.lon == e.b.lon {
		along = func(p position) float64 { return p.lat }
	}
	from := max(min(along(e.a), along(e.b)), min(along(f.a), along(f.b)))
	to := min(max(along(e.a), along(e.b)), max(along(f.a), along(f.b)))
	return from < to &&
		orientation(e.a.lon, e.a.lat, e.b.lon, e.b.lat, f.a.lon, f.a.lat) == 0 &&
		orientation(e.a.lon, e.a.lat, e.b.lon, e.b.lat, f.b.lon, f.b.lat) == 0
}

// contactLength returns the length in metres of the contact of e with f.
func contactLength(e, f boundaryEdge, tolerance float64) float64 {
	// On a plane with the origin at f.a, u is the direction of f.
	p := newPlane(f.a, (e.a.lat+e.b.lat+f.a.lat+f.b.lat)/4)
	fx, fy := p.at(f.b)
	length := math.Hypot(fx, fy)
	if length == 0 {
		return 0 // a difference of positions that underflows
	}
	ux, uy := fx/length, fy/length
	ax, ay := p.at(e.a)
	bx, by := p.at(e.b)
	// Along f and across it, for the ends of e.
	along0, across0 := ax*ux+ay*uy, ay*ux-ax*uy
	along1, across1 := bx*ux+by*uy, by*ux-bx*uy
	run := math.Abs(along1 - along0)
	if run < sideBySide*math.Hypot(bx-ax, by-ay) {
		return 0
	}
	// The part from s to t of e, 0 being e.a and 1 being e.b, is in contact.
	s, t := clip(along0, along1, 0, length)
	s2, t2 := clip(across0, across1, -tolerance, tolerance)
	return max(0, min(t, t2)-max(s, s2)) * run
}

// clip returns the part of 0..1 where the line from x0 to x1 is between low
// and high; it is empty if the second number is not above the first.
func clip(x0, x1, low, high float64) (from, to float64) {
	if x0 == x1 {
		if low <= x0 && x0 <= high {
			return 0, 1
		}
		return 1, 0
	}
	s, t := (low-x0)/(x1-x0), (high-x0)/(x1-x0)
	return max(0, min(s, t)), min(1, max(s, t))
}

// A plane is the neighbourhood of a position, flattened: x to the east and y
// to the north, in metres.
type plane struct {
	origin position
	perLon float64 // metres in a degree
}

// newPlane returns the plane at origin where degrees of longitude are as long
// as at the latitude lat.
func newPlane(origin position, lat float64) plane {
	return plane{origin, metresPerDegree * math.Cos(lat*math.Pi/180)}
}

func (p plane) at(v position) (x, y float64) {
	return (v.lon - p.origin.lon) * p.perLon, (v.lat - p.origin.lat) * metresPerDegree
}

// An edgeGrid finds edges that are near each other.
type edgeGrid struct {
	edges  []boundaryEdge
	raster raster
	starts []int32 // shape [cells+1]; the edges of cell c are cells[starts[c]:starts[c+1]]
	cells  []int32 // ascending within a cell
}

// newEdgeGrid returns a grid in which all edges that are within reach metres
// of each other share a cell.
func newEdgeGrid(edges []boundaryEdge, reach float64) *edgeGrid {
	all := emptyBox
	for _, e := range edges {
		all = all.union(e.box())
	}
	// Half of the reach around either edge makes them meet in the middle.
	// Where a degree of longitude is shortest, the reach has most of them.
	cos := math.Cos(max(math.Abs(all.south), math.Abs(all.north)) * math.Pi / 180)
	slackY := reach/2/metresPerDegree + rasterSlack
	slackX := min(slackY/max(cos, 1e-9), 360)
	// About as many edges in a cell as cells to an edge; cells smaller than
	// the reach would hold the same edges many times.
	side := 2 * math.Sqrt(float64(len(edges)))
	cells := func(extent, slack float64) int { return int(max(1, min(side, extent/slack, 2048))) }
	g := &edgeGrid{edges: edges, raster: newRaster(all, cells(all.east-all.west, slackX), cells(all.north-all.south, slackY))}
	g.raster.slackX, g.raster.slackY = slackX, slackY

	g.starts = make([]int32, g.raster.rows*g.raster.columns+1)
	for _, e := range edges {
		g.each(e, func(cell int) { g.starts[cell+1]++ })
	}
	for c := range len(g.starts) - 1 {
		g.starts[c+1] += g.starts[c]
	}
	g.cells = make([]int32, g.starts[len(g.starts)-1])
	next := slices.Clone(g.starts)
	for i, e := range edges {
		g.each(e, func(cell int) {
			g.cells[next[cell]] = int32(i)
			next[cell]++
		})
	}
	return g
}

// each calls do for the cells of an edge.
func (g *edgeGrid) each(e boundaryEdge, do func(cell int)) {
	g.raster.spans(e.a, e.b, func(row, first, last int) {
		for c := first; c <= last; c++ {
			do(row*g.raster.columns + c)
		}
	})
}

// pairs calls do once for each two edges of different regions that share a
// cell, in the order of the edges, that of the lower region first.
func (g *edgeGrid) pairs(do func(e, f boundaryEdge)) {
	met := make([]int32, len(g.edges)) // the last edge that each has met, from 1
	for i, e := range g.edges {
		g.each(e, func(cell int) {
			for _, j := range g.cells[g.starts[cell]:g.starts[cell+1]] {
				f := &g.edges[j]
				if f.region > e.region && met[j] != int32(i+1) {
					met[j] = int32(i + 1)
					do(e, *f)
				}
			}
		})
	}
}

// islandEdges returns an edge from each island to the region whose boundary
// is nearest, the one that comes first if several are. Two islands that are
// nearest to each other share one edge.
func islandEdges(shapes [][]polygon, islands []int) [][2]int {
	regions := make([][]boundaryEdge, len(shapes))
	boxes := make([]box, len(shapes))
	for _, e := range boundaryEdges(shapes) {
		regions[e.region] = append(regions[e.region], e)
	}
	for r := range shapes {
		boxes[r] = boxOf(shapes[r])
	}
	var edges [][2]int
	for _, island := range islands {
		if nearest := nearestRegion(regions, boxes, island); nearest >= 0 {
			edges = append(edges, [2]int{min(island, nearest), max(island, nearest)})
		}
	}
	slices.SortFunc(edges, comparePairs)
	return slices.Compact(edges)
}

// nearestRegion returns the region whose boundary is nearest to that of an
// island, -1 if there is no other. regions are the edges of each, boxes their
// bounds.
func nearestRegion(regions [][]boundaryEdge, boxes []box, island int) int {
	home := boxes[island]
	p := newPlane(position{home.west, home.south}, (home.south+home.north)/2)
	order := make([]int, 0, len(regions))
	for r := range regions {
		if r != island {
			order = append(order, r)
		}
	}
	slices.SortStableFunc(order, func(r, s int) int {
		return cmp.Compare(p.between(home, boxes[r]), p.between(home, boxes[s]))
	})
	nearest, best := -1, math.Inf(1)
	for _, r := range order {
		if p.between(home, boxes[r]) > best {
			break
		}
		for _, f := range regions[r] {
			if p.between(home, f.box()) > best {
				continue
			}
			for _, e := range regions[island] {
				if d := p.distance(e, f); d < best || d == best && r < nearest {
					nearest, best = r, d
				}
			}
		}
	}
	return nearest
}

// between returns a lower bound of the distance between places in two boxes.
func (p plane) between(b, c box) float64 {
	dx := max(0, b.west-c.east, c.west-b.east) * p.perLon
	dy := max(0, b.south-c.north, c.south-b.north) * metresPerDegree
	// Distances are rounded; the bound must not be above one.
	return math.Hypot(dx, dy) * (1 - 1e-9)
}

// distance returns the distance between two edges in metres.
func (p plane) distance(e, f boundaryEdge) float64 {
	side := func(e boundaryEdge, v position) int {
		return orientation(e.a.lon, e.a.lat, e.b.lon, e.b.lat, v.lon, v.lat)
	}
	if side(e, f.a)*side(e, f.b) < 0 && side(f, e.a)*side(f, e.b) < 0 {
		return 0 // they cross
	}
	return min(p.distanceTo(e, f.a), p.distanceTo(e, f.b), p.distanceTo(f, e.a), p.distanceTo(f, e.b))
}

// distanceTo returns the distance of a position from an edge in metres.
func (p plane) distanceTo(e boundaryEdge, v position) float64 {
	local := plane{v, p.perLon}
	ax, ay := local.at(e.a)
	bx, by := local.at(e.b)
	dx, dy := bx-ax, by-ay
	s := 0.0
	if square := dx*dx + dy*dy; square > 0 {
		s = max(0, min(1, -(ax*dx+ay*dy)/square))
	}
	return math.Hypot(ax+s*dx, ay+s*dy)
}
