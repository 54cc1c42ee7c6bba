package sql

import "math"

// unprojectLongIsland returns the longitude and latitude of a point of
// EPSG:2263, the plane of New York in US survey feet, by the formulas of
// Snyder, "Map Projections: A Working Manual", pages 107-109: the latitude is
// iterated, where package datasets has a series.
func unprojectLongIsland(x, y float64) (lon, lat float64) {
	const (
		foot       = 1200.0 / 3937 // m
		axis       = 6378137 / foot
		flattening = 1 / 298.257222101 // of GRS 80
		degree     = math.Pi / 180
		falseX     = 300000 / foot
	)
	e := math.Sqrt(flattening * (2 - flattening))
	bend := func(lat float64) float64 {
		return math.Pow((1-e*math.Sin(lat))/(1+e*math.Sin(lat)), e/2)
	}
	m := func(lat float64) float64 { return math.Cos(lat) / math.Sqrt(1-math.Pow(e*math.Sin(lat), 2)) }
	t := func(lat float64) float64 { return math.Tan(math.Pi/4-lat/2) / bend(lat) }
	south, north, origin := (40+40.0/60)*degree, (41+2.0/60)*degree, (40+10.0/60)*degree
	n := math.Log(m(south)/m(north)) / math.Log(t(south)/t(north))
	scale := axis * m(south) / (n * math.Pow(t(south), n))
	fromPole := scale*math.Pow(t(origin), n) - y
	cone := math.Pow(math.Hypot(x-falseX, fromPole)/scale, 1/n)
	for range 10 { // each gains two digits or more
		lat = math.Pi/2 - 2*math.Atan(cone*bend(lat))
	}
	return -74 + math.Atan2(x-falseX, fromPole)/n/degree, lat / degree
}
