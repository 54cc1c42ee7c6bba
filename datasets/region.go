package datasets

import (
	"context"
	"fmt"
	"io"

	"polygamy/topology"
)

// A RegionSystem is a set of places with their adjacency: polygons, the cells
// of a grid, or the whole city.
type RegionSystem struct {
	Name  string   // as the catalog calls it; "city" for the whole city
	IDs   []string // of the regions, in the order of the graph
	Names []string // to show; same length
	Graph *topology.Graph

	// Islands are the regions without a neighbour, ascending, as the polygons
	// or the graph file give it: before islands are joined, if they are.
	Islands []int

	// Merged are the regions made of several features of the file that have
	// the same id, ascending.
	Merged []int

	points pointIndex // nil if points cannot be located
	h3     int        // resolution of the H3 cells that are to be taken from the data; 0 if the regions are known
}

// A pointIndex finds the region of a point.
type pointIndex interface {
	// Locate writes the region of each point to regions, -1 for points outside
	// all of them. lon, lat and regions have equal lengths; NaN is outside.
	Locate(lon, lat []float64, regions []int32)
}

// cityName is the name of the region system of one region.
const cityName = "city"

// WholeCity returns the region system of one region, "city", which has no
// polygon: rows belong to it wherever they are.
func WholeCity() *RegionSystem {
	graph, err := topology.NewGraph(1, nil)
	if err != nil {
		panic("datasets: " + err.Error()) // a graph of one region is valid
	}
	return &RegionSystem{Name: cityName, IDs: []string{"city"}, Names: []string{"city"}, Graph: graph}
}

// LoadRegions returns the region system that the catalog calls name: the
// polygons of a GeoJSON file or the cells of a grid. The cells of an H3
// region system are those that each dataset holds, so it has no regions yet.
//
// The file is a FeatureCollection of Polygons and MultiPolygons in longitude
// and latitude. Regions are numbered in file order. Features of the same id
// are one region, at the place of the first of them; see
// [RegionSystem.Merged]. Unclosed rings are closed.
//
// A point belongs to the region with a polygon that contains it: that has it
// on a ring, or within an odd number of its rings. The region that comes
// first has a point that several contain. Both are decided exactly.
//
// Without a graph file, regions are adjacent if their boundaries share a
// segment, or run side by side within spec.Tolerance metres for longer than
// that. Regions that only meet at a corner, or overlap without a common
// boundary, are not. In a graph file, number i is feature i of the file; see
// [ReadGraph].
//
// Errors name the file, the feature, its id and what to do.
func LoadRegions(ctx context.Context, store Store, name string, spec RegionSpec) (*RegionSystem, error) {
	system, err := loadRegions(ctx, store, spec)
	if err != nil {
		return nil, fmt.Errorf("regions %s: %w", quote(name), err)
	}
	system.Name = name
	return system, nil
}

func loadRegions(ctx context.Context, store Store, spec RegionSpec) (*RegionSystem, error) {
	sources := 0
	for _, given := range []bool{spec.File != "", spec.Grid != nil, spec.H3 != 0} {
		if given {
			sources++
		}
	}
	switch {
	case sources != 1:
		return nil, fmt.Errorf("%d of file, grid and h3 are given; give one", sources)
	case spec.Islands != "" && spec.Islands != "keep" && spec.Islands != "join":
		return nil, fmt.Errorf("islands is %s; use keep or join", quote(spec.Islands))
	case !(spec.Tolerance >= 0 && spec.Tolerance <= maxTolerance):
		return nil, fmt.Errorf("tolerance is %v; it is in metres, 0 (for the default of %d) to %d", spec.Tolerance, defaultTolerance, maxTolerance)
	case spec.H3 < 0 || spec.H3 > h3MaxResolution:
		return nil, fmt.Errorf("h3 is %d; it is a resolution, 1 to %d", spec.H3, h3MaxResolution)
	case spec.H3 != 0:
		return &RegionSystem{h3: spec.H3}, nil
	case spec.Grid != nil:
		return gridRegions(*spec.Grid)
	}
	return polygonRegions(ctx, store, spec)
}

// polygonRegions returns the regions of a GeoJSON file.
func polygonRegions(ctx context.Context, store Store, spec RegionSpec) (*RegionSystem, error) {
	features, err := readFeatures(ctx, store, spec)
	if err != nil {
		return nil, err
	}
	system, shapes, err := mergeFeatures(features, spec)
	if err != nil {
		return nil, err
	}
	var edges [][2]int
	if spec.Graph != "" {
		system.Graph, err = loadGraph(ctx, store, spec, len(shapes))
		if err != nil {
			return nil, err
		}
		edges = graphEdges(system.Graph)
	} else {
		edges = polygonAdjacency(shapes, spec.Tolerance)
	}
	system.Islands = isolated(len(shapes), edges)
	if spec.Islands == "join" {
		edges = append(edges, islandEdges(shapes, system.Islands)...)
	}
	system.Graph, err = topology.NewGraph(len(shapes), edges)
	if err != nil {
		return nil, err
	}
	system.points = newPolygonIndex(shapes)
	return system, nil
}

// mergeFeatures returns the system of the regions, without its graph, and the
// polygons of each of them.
func mergeFeatures(features []feature, spec RegionSpec) (*RegionSystem, [][]polygon, error) {
	system := &RegionSystem{}
	var shapes [][]polygon
	first := make(map[string]int)  // the feature that an id came with
	region := make(map[string]int) // and its region
	merged := make(map[int]bool)
	for i, f := range features {
		r, again := region[f.id]
		if again {
			if spec.Graph != "" {
				return nil, nil, fmt.Errorf("%s: features[%d] and features[%d] have the same id, %s, and would be one region, but %s numbers them apart; give them different ids, or leave the graph out",
					spec.File, first[f.id], i, quote(f.id), spec.Graph)
			}
			shapes[r] = append(shapes[r], f.polygons...)
			merged[r] = true
			continue
		}
		r = len(shapes)
		first[f.id], region[f.id] = i, r
		name := f.name
		if name == "" {
			name = f.id
		}
		system.IDs = append(system.IDs, f.id)
		system.Names = append(system.Names, name)
		shapes = append(shapes, f.polygons)
	}
	for r := range shapes {
		if merged[r] {
			system.Merged = append(system.Merged, r)
		}
	}
	return system, shapes, nil
}

// loadGraph reads the graph file of a region system.
func loadGraph(ctx context.Context, store Store, spec RegionSpec, regions int) (*topology.Graph, error) {
	f, err := store.Open(ctx, spec.Graph)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	graph, err := ReadGraph(io.NewSectionReader(f, 0, f.Size()), spec.Graph)
	if err != nil {
		return nil, err
	}
	if graph.NumRegions() != regions {
		return nil, fmt.Errorf("%s has %d regions, but %s has %d; both must be of the same region system",
			spec.Graph, graph.NumRegions(), spec.File, regions)
	}
	return graph, nil
}

// graphEdges lists the edges of a graph, the lower region first.
func graphEdges(g *topology.Graph) [][2]int {
	edges := make([][2]int, 0, g.NumEdges())
	for r := range g.NumRegions() {
		for _, s := range g.Neighbours(r) {
			if r < int(s) {
				edges = append(edges, [2]int{r, int(s)})
			}
		}
	}
	return edges
}

// isolated returns the regions without an edge, ascending.
func isolated(regions int, edges [][2]int) []int {
	joined := make([]bool, regions)
	for _, e := range edges {
		joined[e[0]], joined[e[1]] = true, true
	}
	var islands []int
	for r, ok := range joined {
		if !ok {
			islands = append(islands, r)
		}
	}
	return islands
}
