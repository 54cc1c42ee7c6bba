package jobs

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"polygamy/datasets"
)

// A runInput is a dataset of a catalog as a run meets it.
type runInput struct {
	name  string
	key   string // hash of all that its functions depend on
	files int
	bytes int64
	err   error // why it cannot be loaded
}

// hashOf returns a name for values: 24 digits of a hash of their JSON.
func hashOf(values ...any) string {
	h := xxh3.New()
	e := json.NewEncoder(h)
	for _, v := range values {
		if err := e.Encode(v); err != nil {
			panic(fmt.Sprintf("jobs: no JSON of %T: %v", v, err)) // our own types
		}
	}
	sum := h.Sum128().Bytes()
	return hex.EncodeToString(sum[:12])
}

// inputFile is what a run knows of an input file. A file of the same size and
// time of change is taken to be the same.
type inputFile struct {
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"` // nanoseconds since 1970
	Hash     string `json:"hash"`
}

// fileHashes are the hashes of files, kept from run to run.
type fileHashes struct {
	name  string // of the file that keeps them
	known map[string]inputFile
	used  map[string]inputFile
}

func readFileHashes(out string) (*fileHashes, error) {
	h := &fileHashes{name: filepath.Join(out, "inputs.json"), known: map[string]inputFile{}, used: map[string]inputFile{}}
	data, err := readIfThere(h.name)
	if err != nil {
		return nil, err
	}
	if data != nil && json.Unmarshal(data, &h.known) != nil {
		h.known = map[string]inputFile{} // it is a cache
	}
	return h, nil
}

// of returns the hash of a file.
func (h *fileHashes) of(ctx context.Context, store datasets.Store, name string) (inputFile, error) {
	var f inputFile
	info, err := os.Stat(name)
	if err != nil {
		return f, err
	}
	if f = h.known[name]; f.Hash == "" || f.Size != info.Size() || f.Modified != info.ModTime().UnixNano() {
		f = inputFile{Size: info.Size(), Modified: info.ModTime().UnixNano()}
		if f.Hash, err = hashFile(ctx, store, name); err != nil {
			return f, err
		}
	}
	h.used[name] = f
	return f, nil
}

func hashFile(ctx context.Context, store datasets.Store, name string) (string, error) {
	f, err := store.Open(ctx, name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := xxh3.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, f.Size())); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	sum := h.Sum128().Bytes()
	return hex.EncodeToString(sum[:]), nil
}

// identify finds the files of every dataset, and names each by all that its
// functions depend on: the content of its files, its entry in the catalog, the
// city's zone, its region systems, and what is wanted of it.
func (r *runner) identify(ctx context.Context) error {
	names, err := (&IngestOptions{Catalog: r.o.Catalog, Datasets: r.o.Datasets}).datasets(r.catalog)
	if err != nil {
		return err
	}
	hashes, err := readFileHashes(r.o.Out)
	if err != nil {
		return err
	}
	regions, err := r.regionKeys(ctx, hashes)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		in := &runInput{name: name}
		var files []inputFile
		for _, pattern := range r.catalog.Datasets[name].Files {
			matches, err := r.store.Glob(ctx, r.catalog.ResolvePattern(pattern))
			if err == nil && len(matches) == 0 {
				err = fmt.Errorf("no file matches %q; check files in the catalog", pattern)
			}
			if err != nil {
				in.err = errors.Join(in.err, fmt.Errorf("dataset %s: %w", name, err))
				continue
			}
			for _, m := range matches {
				f, err := hashes.of(ctx, r.store, m)
				if err != nil {
					in.err = errors.Join(in.err, fmt.Errorf("dataset %s: %w", name, err))
				}
				f.Modified = 0 // only its content matters
				files, in.bytes = append(files, f), in.bytes+f.Size
			}
		}
		in.files = len(files)
		in.key = hashOf(runFormat, r.catalog.Datasets[name], r.catalog.City, regions, r.settings.Resolutions, files)
		r.inputs = append(r.inputs, in)
	}
	return r.keep(ctx, hashes.name, hashes.used)
}

// regionKeys returns what identifies the region systems of the catalog.
func (r *runner) regionKeys(ctx context.Context, hashes *fileHashes) (map[string]string, error) {
	keys := map[string]string{}
	for name, spec := range r.catalog.Regions {
		var files []string
		for _, file := range []string{spec.File, spec.Graph} {
			if file == "" {
				continue
			}
			f, err := hashes.of(ctx, r.store, r.catalog.Resolve(file))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, inputError(err)
			}
			files = append(files, f.Hash)
		}
		keys[name] = hashOf(spec, files)
	}
	return keys, nil
}

// keep writes a JSON file.
func (r *runner) keep(ctx context.Context, name string, v any) error {
	return outputError(r.store.Write(ctx, name, func(w io.Writer) error { return printJSON(w, v) }))
}

// readIfThere reads a file, or returns nil if there is none.
func readIfThere(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, inputError(err)
	}
	return data, nil
}

// fileName makes a name safe in a path.
func fileName(name string) string { return strings.ReplaceAll(name, "/", "%2F") }
