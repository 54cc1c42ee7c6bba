package datasets

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"polygamy/topology"
)

// An h3Cell is the number of a cell of H3, the grid of hexagons (and twelve
// pentagons at each resolution) on the faces of an icosahedron. From the
// highest bit: 0, mode 1 in 4 bits, 3 bits of 0, the resolution in 4 bits,
// the base cell in 7, and 15 digits of 3 bits, one for each resolution from 1
// and 7 for those beyond the cell's own. A digit is 0 for the cell in the
// middle of its parent, or the direction of its neighbour there.
//
// Positions on a face are pairs (a, b) of integers: a steps along the i axis
// and b along the j axis, which is 120 degrees to its left. The axes of even
// resolutions ("class II") are those of the face; odd ones ("class III") are
// turned by about 19 degrees, so that a cell has seven times the area of one
// of the next resolution.
type h3Cell uint64

const (
	h3MaxResolution = 15
	h3BaseCells     = 122
	h3Faces         = 20
)

// The units of the directions 1 to 6, in (a, b); 0 is the middle. They are
// named k, j, jk, i, ik and ij after their axes.
var h3Units = [7][2]int{{0, 0}, {-1, -1}, {0, 1}, {-1, 0}, {1, 0}, {0, -1}, {1, 1}}

// h3Left and h3Right turn a direction by 60 degrees.
var (
	h3Left  = [7]uint8{0, 5, 3, 1, 6, 4, 2}
	h3Right = [7]uint8{0, 3, 6, 2, 5, 1, 4}
)

// directionK is the direction without cells in pentagons.
const directionK = 1

// h3Digits are the digits of a cell, from that of resolution 1.
type h3Digits []uint8

// turn turns all digits.
func (d h3Digits) turn(by *[7]uint8) {
	for i := range d {
		d[i] = by[d[i]]
	}
}

// leading returns the first digit that is not 0, or 0.
func (d h3Digits) leading() uint8 {
	for _, digit := range d {
		if digit != 0 {
			return digit
		}
	}
	return 0
}

// An h3Place is a base cell as a face sees it: which one it is, and by how
// many turns to the left directions on the face become those of the cell.
type h3Place struct{ base, turns uint8 }

// h3Near are the positions of base cells on a face or next to it.
var h3Near = [16][2]int{
	{-2, -2}, {-2, -1}, {-1, -2}, {-1, -1}, {-1, 0}, {-1, 1}, {0, -1}, {0, 0},
	{0, 1}, {0, 2}, {1, -1}, {1, 0}, {1, 1}, {1, 2}, {2, 0}, {2, 1},
}

// h3FacePlaces are, for each face, the base cells at the positions of h3Near.
var h3FacePlaces = [h3Faces][len(h3Near)]h3Place{
	{{24, 0}, {32, 3}, {10, 5}, {18, 0}, {30, 0}, {48, 3}, {5, 5}, {16, 0}, {33, 0}, {49, 1}, {0, 5}, {8, 0}, {22, 0}, {41, 1}, {4, 0}, {15, 1}},
	{{14, 0}, {17, 3}, {9, 5}, {6, 0}, {11, 0}, {23, 3}, {1, 5}, {2, 0}, {10, 0}, {24, 1}, {3, 5}, {0, 0}, {5, 0}, {18, 1}, {4, 1}, {8, 1}},
	{{38, 0}, {34, 3}, {29, 5}, {21, 0}, {19, 0}, {20, 3}, {13, 5}, {7, 0}, {9, 0}, {14, 1}, {12, 5}, {3, 0}, {1, 0}, {6, 1}, {4, 2}, {0, 1}},
	{{58, 0}, {62, 3}, {44, 5}, {42, 0}, {43, 0}, {47, 3}, {28, 5}, {26, 0}, {29, 0}, {38, 1}, {15, 5}, {12, 0}, {13, 0}, {21, 1}, {4, 3}, {3, 1}},
	{{49, 0}, {61, 3}, {33, 5}, {41, 0}, {53, 0}, {65, 3}, {22, 5}, {31, 0}, {44, 0}, {58, 1}, {8, 5}, {15, 0}, {28, 0}, {42, 1}, {4, 4}, {12, 1}},
	{{49, 3}, {33, 3}, {66, 3}, {48, 0}, {30, 3}, {18, 3}, {67, 0}, {50, 0}, {32, 0}, {24, 3}, {87, 3}, {70, 0}, {52, 3}, {37, 3}, {83, 0}, {74, 3}},
	{{24, 3}, {10, 3}, {37, 3}, {23, 0}, {11, 3}, {6, 3}, {39, 0}, {25, 0}, {17, 0}, {14, 3}, {59, 3}, {45, 0}, {35, 3}, {27, 3}, {63, 0}, {56, 3}},
	{{14, 3}, {9, 3}, {27, 3}, {20, 0}, {19, 3}, {21, 3}, {40, 0}, {36, 0}, {34, 0}, {38, 3}, {60, 3}, {55, 0}, {54, 3}, {51, 3}, {72, 0}, {73, 3}},
	{{38, 3}, {29, 3}, {51, 3}, {47, 0}, {43, 3}, {42, 3}, {69, 0}, {64, 0}, {62, 0}, {58, 3}, {89, 3}, {84, 0}, {82, 3}, {76, 3}, {97, 0}, {98, 3}},
	{{58, 3}, {44, 3}, {76, 3}, {65, 0}, {53, 3}, {41, 3}, {86, 0}, {75, 0}, {61, 0}, {49, 3}, {104, 3}, {94, 0}, {81, 3}, {66, 3}, {107, 0}, {101, 3}},
	{{63, 3}, {79, 3}, {45, 3}, {59, 0}, {78, 3}, {92, 3}, {39, 3}, {57, 0}, {74, 0}, {83, 3}, {23, 3}, {37, 0}, {52, 0}, {70, 3}, {24, 0}, {32, 3}},
	{{72, 3}, {80, 3}, {55, 3}, {60, 0}, {68, 3}, {77, 3}, {40, 3}, {46, 0}, {56, 0}, {63, 3}, {20, 3}, {27, 0}, {35, 0}, {45, 3}, {14, 0}, {17, 3}},
	{{97, 3}, {103, 3}, {84, 3}, {89, 0}, {91, 3}, {88, 3}, {69, 3}, {71, 0}, {73, 0}, {72, 3}, {47, 3}, {51, 0}, {54, 0}, {55, 3}, {38, 0}, {34, 3}},
	{{107, 3}, {115, 3}, {94, 3}, {104, 0}, {110, 3}, {111, 3}, {86, 3}, {96, 0}, {98, 0}, {97, 3}, {65, 3}, {76, 0}, {82, 0}, {84, 3}, {58, 0}, {62, 3}},
	{{83, 3}, {100, 3}, {70, 3}, {87, 0}, {102, 3}, {112, 3}, {67, 3}, {85, 0}, {101, 0}, {107, 3}, {48, 3}, {66, 0}, {81, 0}, {94, 3}, {49, 0}, {61, 3}},
	{{83, 0}, {74, 3}, {100, 5}, {92, 0}, {78, 0}, {59, 3}, {108, 0}, {95, 0}, {79, 0}, {63, 1}, {118, 5}, {109, 0}, {93, 1}, {77, 1}, {117, 4}, {106, 1}},
	{{63, 0}, {56, 3}, {79, 5}, {77, 0}, {68, 0}, {60, 3}, {93, 0}, {90, 0}, {80, 0}, {72, 1}, {109, 5}, {106, 0}, {99, 1}, {88, 1}, {117, 3}, {113, 1}},
	{{72, 0}, {73, 3}, {80, 5}, {88, 0}, {91, 0}, {89, 3}, {99, 0}, {105, 0}, {103, 0}, {97, 1}, {106, 5}, {113, 0}, {116, 1}, {111, 1}, {117, 2}, {121, 1}},
	{{97, 0}, {98, 3}, {103, 5}, {111, 0}, {110, 0}, {104, 3}, {116, 0}, {119, 0}, {115, 0}, {107, 1}, {113, 5}, {121, 0}, {120, 1}, {112, 1}, {117, 1}, {118, 1}},
	{{107, 0}, {101, 3}, {115, 5}, {112, 0}, {102, 0}, {87, 3}, {120, 0}, {114, 0}, {100, 0}, {83, 1}, {121, 5}, {118, 0}, {108, 1}, {92, 1}, {117, 0}, {109, 1}},
}

// h3Pentagons are the base cells that are pentagons, with the faces on which
// the missing direction is closed by a turn to the right. On others it is
// closed by one to the left.
var h3Pentagons = map[uint8][]int{
	4: {}, 14: {2, 6}, 24: {1, 5}, 38: {3, 7}, 49: {0, 9}, 58: {4, 8},
	63: {11, 15}, 72: {12, 16}, 83: {10, 19}, 97: {13, 17}, 107: {14, 18}, 117: {},
}

// h3FaceAt places the faces of the icosahedron on the earth: latitude and
// longitude of the middle, and azimuth of the i axis there, in radians.
var h3FaceAt = [h3Faces][3]float64{
	{0.803582649718989942, 1.248397419617396099, 5.619958268523939882},
	{1.307747883455638156, 2.536945009877921159, 5.760339081714187279},
	{1.054751253523952054, -1.347517358900396623, 0.780213654393430055},
	{0.600191595538186799, -0.450603909469755746, 0.430469363979999913},
	{0.491715428198773866, 0.401988202911306943, 6.130269123335111400},
	{0.172745327415618701, 1.678146885280433686, 2.692877706530642877},
	{0.605929321571350690, 2.953923329812411617, 2.982963003477243874},
	{0.427370518328979641, -1.888876200336285401, 3.532912002790141181},
	{-0.079066118549212831, -0.733429513380867741, 3.494305004259568154},
	{-0.230961644455383637, 0.506495587332349035, 3.003214169499538391},
	{0.079066118549212831, 2.408163140208925497, 5.930472956509811562},
	{0.230961644455383637, -2.635097066257444203, 0.138378484090254847},
	{-0.172745327415618701, -1.463445768309359553, 0.448714947059150361},
	{-0.605929321571350690, -0.187669323777381622, 0.158629650112549365},
	{-0.427370518328979641, 1.252716453253507838, 5.891865957979238535},
	{-0.600191595538186799, 2.690988744120037492, 2.711123289609793325},
	{-0.491715428198773866, -2.739604450678486295, 3.294508837434268316},
	{-0.803582649718989942, -1.893195233972397139, 3.804819692245439833},
	{-1.307747883455638156, -0.604647643711872080, 3.664438879055192436},
	{-1.054751253523952054, 1.794075294689396615, 2.361378999196363184},
}

// h3 is what follows from the tables above.
var h3 = newH3Geometry()

type h3Geometry struct {
	faces [h3Faces]h3Face
	near  [5][5]int8           // index in h3Near of (a-2, b-2), or -1
	seen  [h3BaseCells][]h3See // where faces see a base cell
	// Of base cells that are pentagons: bit f is set if face f closes the
	// missing direction by a turn to the right.
	pentagon    [1 << 7]bool
	closedRight [1 << 7]uint32
	unit        [h3MaxResolution + 1]float64
	cosine      float64 // of the turn of class III
	sine        float64
}

type h3See struct {
	face  int
	at    [2]int
	turns uint8
}

type vector [3]float64

func (v vector) dot(w vector) float64 { return v[0]*w[0] + v[1]*w[1] + v[2]*w[2] }

func onSphere(lon, lat float64) vector {
	sin, cos := math.Sincos(lat)
	sinLon, cosLon := math.Sincos(lon)
	return vector{cos * cosLon, cos * sinLon, sin}
}

// An h3Face is a face with the directions of a plane that touches the unit
// sphere in its middle: x along the i axis, y to the left.
type h3Face struct {
	middle, x, y vector
	cross        [3]h3Crossing // the edges opposite to the corners on the axes i, j and k
}

// An h3Crossing turns positions on a face, at the resolution 0, into those of
// the same place on the face beyond an edge.
type h3Crossing struct {
	face, turns int
	add         [2]int
}

// h3Corners are the corners of a face at the resolution 0, on the axes i, j
// and k. They are the middles of pentagons.
var h3Corners = [3][2]int{{2, 0}, {0, 2}, {-2, -2}}

// h3Unit is the length of a step of resolution 0 on the plane of a face: half
// the distance of the corners from the middle, (3-sqrt 5)/2.
const h3Unit = 0.381966011250105

func newH3Geometry() *h3Geometry {
	g := &h3Geometry{}
	for f, at := range h3FaceAt {
		sin, cos := math.Sincos(at[0])
		sinLon, cosLon := math.Sincos(at[1])
		sinAz, cosAz := math.Sincos(at[2])
		north := vector{-sin * cosLon, -sin * sinLon, cos}
		east := vector{-sinLon, cosLon, 0}
		face := &g.faces[f]
		face.middle = onSphere(at[1], at[0])
		for c := range 3 {
			face.x[c] = north[c]*cosAz + east[c]*sinAz
			face.y[c] = north[c]*sinAz - east[c]*cosAz
		}
	}
	for f := range g.faces {
		for edge := range 3 {
			g.faces[f].cross[edge] = g.crossing(f, edge)
		}
	}
	for i := range g.near {
		for j := range g.near[i] {
			g.near[i][j] = int8(slices.Index(h3Near[:], [2]int{i - 2, j - 2}))
		}
	}
	for f, places := range h3FacePlaces {
		for i, p := range places {
			g.seen[p.base] = append(g.seen[p.base], h3See{f, h3Near[i], p.turns})
		}
	}
	for base, faces := range h3Pentagons {
		g.pentagon[base] = true
		for _, f := range faces {
			g.closedRight[base] |= 1 << f
		}
	}
	for r := range g.unit {
		g.unit[r] = math.Pow(7, float64(r)/2) / h3Unit
	}
	g.sine = math.Sqrt(3.0 / 28)
	g.cosine = math.Sqrt(25.0 / 28)
	return g
}

// crossing returns what lies beyond the edge of a face that is opposite to
// one of its corners.
func (g *h3Geometry) crossing(face, opposite int) h3Crossing {
	p, q := h3Corners[(opposite+1)%3], h3Corners[(opposite+2)%3]
	for other := range g.faces {
		p2, ok := g.cornerAt(other, g.corner(face, p))
		q2, both := g.cornerAt(other, g.corner(face, q))
		if other == face || !ok || !both {
			continue
		}
		turned := [2]int{q[0] - p[0], q[1] - p[1]}
		for turns := range 6 {
			if turned == [2]int{q2[0] - p2[0], q2[1] - p2[1]} {
				at := turnLeft(p, turns)
				return h3Crossing{other, turns, [2]int{p2[0] - at[0], p2[1] - at[1]}}
			}
			turned = turnLeft(turned, 1)
		}
	}
	panic("datasets: a face of the icosahedron has an edge without a neighbour")
}

// corner returns a corner of a face, on the sphere.
func (g *h3Geometry) corner(face int, at [2]int) vector {
	f := &g.faces[face]
	x, y := h3Unit*(float64(at[0])-float64(at[1])/2), h3Unit*float64(at[1])*math.Sqrt(3)/2
	v := vector{}
	for c := range v {
		v[c] = f.middle[c] + x*f.x[c] + y*f.y[c]
	}
	length := math.Sqrt(v.dot(v))
	return vector{v[0] / length, v[1] / length, v[2] / length}
}

// cornerAt returns the corner of a face that is at v, if one is.
func (g *h3Geometry) cornerAt(face int, v vector) ([2]int, bool) {
	for _, at := range h3Corners {
		if g.corner(face, at).dot(v) > 0.99 { // the next one is at 0.45
			return at, true
		}
	}
	return [2]int{}, false
}

// turnLeft turns a position around the middle, 60 degrees at a time.
func turnLeft(p [2]int, turns int) [2]int {
	for range turns {
		p = [2]int{p[0] - p[1], p[0]}
	}
	return p
}

// classIII reports whether a resolution's axes are turned.
func classIII(resolution int) bool { return resolution%2 == 1 }

// finer returns the position of the middle of a cell at the resolution after
// its own.
func finer(p [2]int, to int) [2]int {
	if classIII(to) {
		return [2]int{2*p[0] + p[1], -p[0] + 3*p[1]}
	}
	return [2]int{3*p[0] - p[1], p[0] + 2*p[1]}
}

// coarser returns the position of the parent of a cell.
func coarser(p [2]int, from int) [2]int {
	if classIII(from) {
		return [2]int{seventh(3*p[0] - p[1]), seventh(p[0] + 2*p[1])}
	}
	return [2]int{seventh(2*p[0] + p[1]), seventh(-p[0] + 3*p[1])}
}

// seventh returns n/7, rounded; there are no ties.
func seventh(n int) int {
	if n < 0 {
		return -((3 - n) / 7)
	}
	return (n + 3) / 7
}

// h3CellAt returns the cell of a resolution, 0 to 15, that holds a place; 0
// if the degrees are no place. It takes some 200 ns.
func h3CellAt(lon, lat float64, resolution int) h3Cell {
	if !(math.Abs(lon) <= 180 && math.Abs(lat) <= 90) {
		return 0
	}
	v := onSphere(lon/degrees, lat/degrees)
	face, best := 0, -2.0
	for f := range h3.faces {
		if d := h3.faces[f].middle.dot(v); d > best {
			face, best = f, d
		}
	}
	f := &h3.faces[face]
	scale := h3.unit[resolution] / best
	x, y := v.dot(f.x)*scale, v.dot(f.y)*scale
	if classIII(resolution) {
		x, y = x*h3.cosine+y*h3.sine, y*h3.cosine-x*h3.sine
	}
	// The cell with the nearest middle: of the three coordinates in steps
	// that sum to 0, the one that rounds worst follows from the others.
	b := y * 2 / math.Sqrt(3)
	a := x + b/2
	q, r, s := math.Round(a-b), math.Round(b), math.Round(-a)
	dq, dr, ds := math.Abs(q-(a-b)), math.Abs(r-b), math.Abs(s+a)
	switch {
	case dq > dr && dq > ds: // a and b do not use q
	case dr > ds:
		r = -q - s
	default:
		s = -q - r
	}
	return h3CellOf(face, [2]int{int(-s), int(r)}, resolution)
}

// h3CellOf returns the cell at a position of a face, which must be on the
// face or next to it.
func h3CellOf(face int, at [2]int, resolution int) h3Cell {
	var buffer [h3MaxResolution]uint8
	digits := h3Digits(buffer[:resolution])
	for r := resolution; r > 0; r-- {
		parent := coarser(at, r)
		middle := finer(parent, r)
		digits[r-1] = h3Direction(at[0]-middle[0], at[1]-middle[1])
		at = parent
	}
	place := h3FacePlaces[face][h3.near[at[0]+2][at[1]+2]]
	if h3.pentagon[place.base] {
		if digits.leading() == directionK {
			if h3.closedRight[place.base]>>face&1 == 1 {
				digits.turn(&h3Right)
			} else {
				digits.turn(&h3Left)
			}
		}
		for range place.turns {
			digits.turn(&h3Left)
			if digits.leading() == directionK {
				digits.turn(&h3Left)
			}
		}
	} else {
		for range place.turns {
			digits.turn(&h3Left)
		}
	}
	return newH3Cell(place.base, digits)
}

// h3Direction returns the direction of a unit.
func h3Direction(a, b int) uint8 {
	return [3][3]uint8{{1, 3, 0}, {5, 0, 2}, {0, 4, 6}}[a+1][b+1]
}

func newH3Cell(base uint8, digits h3Digits) h3Cell {
	c := h3Cell(1)<<59 | h3Cell(len(digits))<<52 | h3Cell(base)<<45
	for r := range h3MaxResolution {
		digit := uint8(7)
		if r < len(digits) {
			digit = digits[r]
		}
		c |= h3Cell(digit) << (42 - 3*r)
	}
	return c
}

func (c h3Cell) resolution() int { return int(c >> 52 & 15) }

func (c h3Cell) base() uint8 { return uint8(c >> 45 & 127) }

// digits returns the digits up to the cell's resolution.
func (c h3Cell) digits() h3Digits {
	digits := make(h3Digits, c.resolution())
	for r := range digits {
		digits[r] = uint8(c >> (42 - 3*r) & 7)
	}
	return digits
}

// String returns the number in hexadecimal digits, as H3 writes it.
func (c h3Cell) String() string { return strconv.FormatUint(uint64(c), 16) }

// parseH3 reads the number of a cell: 15 hexadecimal digits, perhaps after 0
// or 0x, or 18 decimal ones.
func parseH3(text string) (h3Cell, error) {
	digits := strings.TrimSpace(text)
	base := 16
	if len(digits) == 18 && !strings.HasPrefix(digits, "0") {
		base = 10
	}
	hex := strings.TrimPrefix(strings.TrimPrefix(digits, "0x"), "0X")
	x, err := strconv.ParseUint(hex, base, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is not an H3 cell; give its number in hexadecimal digits (892a1072d6bffff) or decimal ones", quote(text))
	}
	c := h3Cell(x)
	if err := c.check(); err != nil {
		return 0, err
	}
	return c, nil
}

// check reports why a number is no cell.
func (c h3Cell) check() error {
	wrong := ""
	digits := c.digits()
	beyond := h3Cell(1)<<(45-3*len(digits)) - 1 // the digits that must be 7
	switch {
	case c>>56 != 8:
		wrong = "it is not of the kind that numbers cells"
	case c.base() >= h3BaseCells:
		wrong = fmt.Sprintf("there is no base cell %d", c.base())
	case slices.Contains(digits, 7) || c&beyond != beyond:
		wrong = fmt.Sprintf("its digits are not those of resolution %d", len(digits))
	case h3.pentagon[c.base()] && digits.leading() == directionK:
		wrong = "a pentagon has no cells in its direction"
	default:
		return nil
	}
	return fmt.Errorf("%s (%d) is not an H3 cell: %s", c, uint64(c), wrong)
}

// locate returns a face that holds the middle of a cell, and its position.
func (c h3Cell) locate() (face int, at [2]int) {
	for _, see := range h3.seen[c.base()] {
		digits := c.digits()
		turns := 1
		if h3.pentagon[c.base()] {
			turns = 6 // how the missing direction was closed is found by trial
		} else {
			for range see.turns {
				digits.turn(&h3Right)
			}
		}
		for range turns {
			at = see.at
			for r, digit := range digits {
				at = finer(at, r+1)
				at[0] += h3Units[digit][0]
				at[1] += h3Units[digit][1]
			}
			if on, _ := h3Move(see.face, at, len(digits)); on == see.face && h3CellOf(on, at, len(digits)) == c {
				return on, at
			}
			digits.turn(&h3Left)
		}
	}
	panic("datasets: no face has the H3 cell " + c.String()) // check passes those that one has
}

// h3Move returns the face that a position on a face or next to it is on, and
// its position there.
func h3Move(face int, at [2]int, resolution int) (int, [2]int) {
	// Edges are lines of cells at the even resolutions.
	even := at
	if classIII(resolution) {
		even = finer(at, resolution+1)
	}
	size := 1 // of the face, in its size at the resolution 0
	for range (resolution + 1) / 2 {
		size *= 7
	}
	// In steps along i, j and k, the least of them 0.
	least := min(even[0], even[1], 0)
	if even[0]+even[1]-3*least <= 2*size {
		return face, at
	}
	edge := 2
	switch least {
	case even[0]:
		edge = 0
	case even[1]:
		edge = 1
	}
	cross := h3.faces[face].cross[edge]
	even = turnLeft(even, cross.turns)
	even[0] += cross.add[0] * size
	even[1] += cross.add[1] * size
	if classIII(resolution) {
		even = coarser(even, resolution+1)
	}
	return cross.face, even
}

// hexagonNeighbours returns the cells around a hexagon.
func (c h3Cell) hexagonNeighbours() [6]h3Cell {
	face, at := c.locate()
	var around [6]h3Cell
	for d, unit := range h3Units[1:] {
		// A hexagon next to a corner of its face has neighbours beyond one
		// edge only, so that one move is enough.
		f, p := h3Move(face, [2]int{at[0] + unit[0], at[1] + unit[1]}, c.resolution())
		around[d] = h3CellOf(f, p, c.resolution())
	}
	return around
}

// isPentagon reports whether a cell is one of the twelve of its resolution.
func (c h3Cell) isPentagon() bool {
	return h3.pentagon[c.base()] && c.digits().leading() == 0
}

// h3Regions returns the region system of the given cells, each once, in
// ascending order of their numbers. Regions are called by the number in
// hexadecimal digits; cells that share a side are adjacent.
//
// All must be of one resolution, so that they do not overlap. It takes some
// microseconds for a cell.
func h3Regions(cells []h3Cell) (*RegionSystem, error) {
	cells = slices.Compact(slices.Sorted(slices.Values(cells)))
	if len(cells) == 0 {
		return nil, fmt.Errorf("there are no H3 cells")
	}
	points := &h3Index{resolution: cells[0].resolution(), regions: make(map[h3Cell]int32, len(cells))}
	system := &RegionSystem{points: points}
	for i, c := range cells {
		if err := c.check(); err != nil {
			return nil, err
		}
		if c.resolution() != points.resolution {
			return nil, fmt.Errorf("%s and %s are H3 cells of the resolutions %d and %d; give cells of one resolution",
				cells[0], c, points.resolution, c.resolution())
		}
		points.regions[c] = int32(i)
		system.IDs = append(system.IDs, c.String())
	}
	var edges [][2]int
	for i, c := range cells {
		if c.isPentagon() {
			continue // its neighbours are hexagons and have its edges
		}
		for _, n := range c.hexagonNeighbours() {
			if j, ok := points.regions[n]; ok && (i < int(j) || n.isPentagon()) {
				edges = append(edges, [2]int{min(i, int(j)), max(i, int(j))})
			}
		}
	}
	slices.SortFunc(edges, comparePairs)
	graph, err := topology.NewGraph(len(cells), edges)
	if err != nil {
		return nil, err
	}
	system.Names, system.Graph, system.Islands = system.IDs, graph, isolated(len(cells), edges)
	return system, nil
}

// An h3Index locates points in the cells of a region system.
type h3Index struct {
	resolution int
	regions    map[h3Cell]int32
}

// Locate implements pointIndex.
func (ix *h3Index) Locate(lon, lat []float64, regions []int32) {
	for i := range lon {
		r, ok := ix.regions[h3CellAt(lon[i], lat[i], ix.resolution)]
		if !ok {
			r = outside
		}
		regions[i] = r
	}
}
