package datasets

import (
	"context"
	"errors"
)

// LoadSystems loads all region systems of a catalog. The error names every
// one that cannot be loaded; the others are returned beside it.
func LoadSystems(ctx context.Context, store Store, c *Catalog) (map[string]*RegionSystem, error) {
	systems := make(map[string]*RegionSystem)
	var errs []error
	for _, name := range sortedKeys(c.Regions) {
		spec := c.Regions[name]
		if spec.File != "" {
			spec.File = c.Resolve(spec.File)
		}
		if spec.Graph != "" {
			spec.Graph = c.Resolve(spec.Graph)
		}
		s, err := LoadRegions(ctx, store, name, spec)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		systems[name] = s
	}
	return systems, errors.Join(errs...)
}
