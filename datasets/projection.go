package datasets

import (
	"fmt"
	"math"
)

// projectionOf returns the function that turns projected coordinates into
// longitudes and latitudes of WGS 84, in place: x becomes the longitude and y
// the latitude, in degrees. Coordinates that are no place in the projection,
// such as NaN, infinities and numbers far off its map, become NaN, both.
//
// The codes are those of EPSG; a code that is not supported is an error.
func projectionOf(epsg int) (unproject func(x, y []float64), err error) {
	switch epsg {
	case 2263:
		c := newLongIsland()
		return c.unproject, nil
	case 3857:
		return unprojectWebMercator, nil
	case 4326:
		return checkDegrees, nil
	}
	return nil, fmt.Errorf("EPSG:%d is not supported; use 2263 (New York Long Island, feet), 3857 (web Mercator) or 4326 (longitude and latitude), or convert the file", epsg)
}

const degrees = 180 / math.Pi // in a radian

// checkDegrees makes NaN of what is no longitude and latitude.
func checkDegrees(x, y []float64) {
	for i := range x {
		if !(math.Abs(x[i]) <= 180 && math.Abs(y[i]) <= 90) {
			x[i], y[i] = math.NaN(), math.NaN()
		}
	}
}

// unprojectWebMercator inverts EPSG:3857, the projection of web maps: a
// sphere of the equatorial radius, on a square.
func unprojectWebMercator(x, y []float64) {
	const radius = 6378137.0 // m
	// Maps end at 180 degrees, which programs write with some digits less.
	const edge = math.Pi*radius + 0.01
	for i := range x {
		if !(math.Abs(x[i]) <= edge && math.Abs(y[i]) <= edge) {
			x[i], y[i] = math.NaN(), math.NaN()
			continue
		}
		x[i] = max(-180, min(180, x[i]/radius*degrees))
		y[i] = math.Atan(math.Sinh(y[i]/radius)) * degrees
	}
}

// A conic is a Lambert conformal conic projection with two standard
// parallels, in the notation of Snyder, "Map Projections: A Working Manual",
// USGS 1987, pages 107-109.
type conic struct {
	e      float64    // eccentricity of the ellipsoid
	n      float64    // cone constant
	aF     float64    // radius of the cone at the equator, in the unit of the map
	rho0   float64    // radius of the cone at the latitude of origin
	lon0   float64    // central meridian, radians
	falseX float64    // x of the origin; its y is 0
	reach  float64    // farther from the origin there are no places
	toLat  [4]float64 // factors of the sines of 2, 4, 6 and 8 conformal latitudes in the latitude
}

// newLongIsland returns EPSG:2263, NAD83 / New York Long Island in US survey
// feet, on the ellipsoid GRS 80. NAD83 is taken for WGS 84; they differ by
// one to two metres in North America. Places are at most 1000 km away, which
// is far beyond the map.
func newLongIsland() conic {
	const (
		foot       = 1200.0 / 3937 // m, US survey
		axis       = 6378137 / foot
		flattening = 1 / 298.257222101
		south      = (40 + 40.0/60) / degrees // the standard parallels
		north      = (41 + 2.0/60) / degrees
		origin     = (40 + 10.0/60) / degrees
	)
	c := conic{e: math.Sqrt(flattening * (2 - flattening)), lon0: -74 / degrees, falseX: 300000 / foot, reach: 1e6 / foot}
	scale := func(lat float64) float64 {
		return math.Cos(lat) / math.Sqrt(1-c.e*c.e*math.Sin(lat)*math.Sin(lat))
	}
	c.n = math.Log(scale(south)/scale(north)) / math.Log(c.t(south)/c.t(north))
	c.aF = axis * scale(south) / (c.n * math.Pow(c.t(south), c.n))
	c.rho0 = c.aF * math.Pow(c.t(origin), c.n)

	// Karney, "Transverse Mercator with an accuracy of a few nanometers",
	// 2011, gives the series in the third flattening; the terms left out are
	// below 1e-12 radians.
	f := flattening / (2 - flattening)
	c.toLat = [4]float64{
		f * (2 + f*(-2.0/3+f*(-2+f*116/45))),
		f * f * (7.0/3 + f*(-8.0/5-f*227/45)),
		f * f * f * (56.0/15 - f*136/35),
		f * f * f * f * 4279 / 630,
	}
	return c
}

// t is Snyder's t, which falls from the south pole to the north.
func (c *conic) t(lat float64) float64 {
	s := c.e * math.Sin(lat)
	return math.Tan(math.Pi/4-lat/2) / math.Pow((1-s)/(1+s), c.e/2)
}

func (c *conic) unproject(x, y []float64) {
	for i := range x {
		dx := x[i] - c.falseX
		if !(math.Hypot(dx, y[i]) <= c.reach) {
			x[i], y[i] = math.NaN(), math.NaN()
			continue
		}
		dy := c.rho0 - y[i]
		t := math.Pow(math.Hypot(dx, dy)/c.aF, 1/c.n)
		conformal := math.Pi/2 - 2*math.Atan(t)
		s, cos := math.Sincos(2 * conformal)
		double := 2*cos*cos - 1 // cosine of 4 conformal latitudes
		lat := conformal + s*(c.toLat[0]+2*cos*c.toLat[1]+(2*double+1)*c.toLat[2]+4*cos*double*c.toLat[3])
		x[i] = (c.lon0 + math.Atan2(dx, dy)/c.n) * degrees
		y[i] = lat * degrees
	}
}
