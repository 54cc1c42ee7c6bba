package datasets

import (
	"context"
	"fmt"
)

// Outlines returns the rings of the regions of a system of the catalog, by
// their ids, to draw them: closed lines of points (longitude, latitude), of
// which the first is not repeated. H3 cells, and the whole city, have none,
// which is an error. A folder of the catalog that is elsewhere now gives the
// store's error for a file that is not there.
func Outlines(ctx context.Context, store Store, c *Catalog, name string) (map[string][][][2]float64, error) {
	spec, ok := c.Regions[name]
	outlines := make(map[string][][][2]float64)
	switch {
	case !ok || spec.H3 != 0:
		return nil, fmt.Errorf("regions %s have no outlines in the catalog", quote(name))
	case spec.Grid != nil:
		system, err := gridRegions(*spec.Grid)
		if err != nil {
			return nil, fmt.Errorf("regions %s: %w", quote(name), err)
		}
		lines := system.points.(*gridIndex)
		x, y := lines.lon.lines, lines.lat.lines
		for i, id := range system.IDs {
			c, r := i%spec.Grid.Columns, i/spec.Grid.Columns
			outlines[id] = [][][2]float64{{{x[c], y[r]}, {x[c+1], y[r]}, {x[c+1], y[r+1]}, {x[c], y[r+1]}}}
		}
		return outlines, nil
	}
	spec.File = c.Resolve(spec.File)
	features, err := readFeatures(ctx, store, spec)
	if err != nil {
		return nil, fmt.Errorf("regions %s: %w", quote(name), err)
	}
	for _, f := range features {
		for _, p := range f.polygons {
			for _, ring := range p {
				line := make([][2]float64, len(ring))
				for i, at := range ring {
					line[i] = [2]float64{at.lon, at.lat}
				}
				outlines[f.id] = append(outlines[f.id], line)
			}
		}
	}
	return outlines, nil
}
