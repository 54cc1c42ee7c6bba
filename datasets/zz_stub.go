package datasets

import (
	"context"
	"github.com/goccy/go-yaml"
	"io"
	"path/filepath"
)

type Problem struct {
	File                string
	Line                int
	Path, Message, Hint string
}

func (p Problem) String() string { return p.Message }

type CatalogError struct{ Problems []Problem }

func (e *CatalogError) Error() string { return "" }
func (c *Catalog) Resolve(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.folder, p)
}
func (c *Catalog) Names() []string        { return sortedKeys(c.Datasets) }
func nearest(a string, b []string) string { return "" }
func (s *Strings) UnmarshalYAML(b []byte) error {
	var one string
	if err := yaml.Unmarshal(b, &one); err == nil {
		*s = Strings{one}
		return nil
	}
	var l []string
	err := yaml.Unmarshal(b, &l)
	*s = l
	return err
}
func ReadCatalog(ctx context.Context, store Store, name string) (*Catalog, error) {
	f, err := store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
	if err != nil {
		return nil, err
	}
	c := &Catalog{folder: filepath.Dir(name)}
	return c, yaml.Unmarshal(b, c)
}
