package datasets

import "polygamy/topology"

// A RegionSystem is a set of places with their adjacency: polygons, the cells
// of a grid, or the whole city.
type RegionSystem struct {
	Name  string   // as the catalog calls it; "city" for the whole city
	IDs   []string // of the regions, in the order of the graph
	Names []string // to show; same length
	Graph *topology.Graph

	// Islands are the regions without a neighbour, as the polygons give it.
	Islands []int

	points pointIndex
}

// A pointIndex finds the region of a point.
type pointIndex interface {
	// Locate writes the region of each point to regions, -1 for points outside
	// all of them. lon, lat and regions have equal lengths; NaN is outside.
	Locate(lon, lat []float64, regions []int32)
}
