package topology

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow/go/v15/arrow"

	"polygamy/internal/arrowfile"
)

// An index file is an Arrow IPC file, not compressed, that any Arrow library
// can open or map; see package arrowfile for its checksums. It has a record
// batch a season and direction, super-level before sub-level, with the columns
// below; its rows are the pairs, most persistent first. The header says which
// domain and seasons they are of.

// ErrFile is the cause of every error about the content of an index file: it
// is no index file, of another version, or damaged.
var ErrFile = errors.New("not a readable merge tree file")

func fileError(format string, args ...any) error {
	return fmt.Errorf("topology: %w: %s", ErrFile, fmt.Sprintf(format, args...))
}

func indexFile() *arrowfile.Kind {
	return &arrowfile.Kind{
		Name:    "merge trees",
		Version: 1,
		Fields: []arrow.Field{
			{Name: "extremum", Type: arrow.PrimitiveTypes.Int32},
			{Name: "saddle", Type: arrow.PrimitiveTypes.Int32},
			{Name: "parent", Type: arrow.PrimitiveTypes.Int32},
			{Name: "birth", Type: arrow.PrimitiveTypes.Float64},
			{Name: "death", Type: arrow.PrimitiveTypes.Float64},
		},
		Err: ErrFile,
	}
}

// indexHeader is the header of an index file.
type indexHeader struct {
	Regions int      `json:"regions"`
	Steps   int      `json:"steps"`
	Covered int      `json:"covered"`
	Seasons []Season `json:"seasons"`
}

// Write writes x as an index file. Equal indexes give equal bytes.
func (x *Index) Write(w io.Writer) error {
	h := indexHeader{Regions: x.regions, Steps: x.steps, Covered: x.covered}
	var batches []arrowfile.Batch
	for i := range x.seasons {
		h.Seasons = append(h.Seasons, x.seasons[i].Season)
		for _, direction := range []Direction{Super, Sub} {
			batches = append(batches, x.seasons[i].Tree(direction).batch())
		}
	}
	if err := indexFile().Write(w, h, batches); err != nil {
		return fmt.Errorf("topology: write index: %w", err)
	}
	return nil
}

// batch returns the pairs as columns that share their memory.
func (t *Tree) batch() arrowfile.Batch {
	return arrowfile.Batch{Rows: t.Len(), Columns: []arrowfile.Column{
		{Values: arrow.Int32Traits.CastToBytes(t.extremum)},
		{Values: arrow.Int32Traits.CastToBytes(t.saddle)},
		{Values: arrow.Int32Traits.CastToBytes(t.parent)},
		{Values: arrow.Float64Traits.CastToBytes(t.birth)},
		{Values: arrow.Float64Traits.CastToBytes(t.death)},
	}}
}

// ReadIndex returns the index in data, the bytes of an index file. The trees
// point into data, which may be mapped memory and must not change or vanish
// while they are in use; nothing is copied if data is aligned to 8 bytes.
// Data that is not a whole index file of this version, in every byte that
// matters, gives an error that wraps ErrFile.
func ReadIndex(data []byte) (*Index, error) {
	var h indexHeader
	batches, err := indexFile().Read(data, &h)
	if err != nil {
		return nil, fmt.Errorf("topology: %w", err)
	}
	if h.Regions < 0 || h.Steps < 0 || h.Regions > math.MaxInt32 || h.Steps > math.MaxInt32 || len(batches) != 2*len(h.Seasons) {
		return nil, fileError("header: %d regions, %d steps, %d batches for %d seasons", h.Regions, h.Steps, len(batches), len(h.Seasons))
	}
	if h.Covered < 0 || h.Covered > h.Regions*h.Steps {
		return nil, fileError("header: %d of %d cells have a value", h.Covered, h.Regions*h.Steps)
	}
	if err := checkSeasons(h.Seasons, h.Steps); err != nil {
		return nil, fileError("header: %v", err)
	}
	x := &Index{regions: h.Regions, steps: h.Steps, covered: h.Covered, mapped: true}
	for i, s := range h.Seasons {
		trees := Trees{Season: s, Super: treeOf(Super, batches[2*i]), Sub: treeOf(Sub, batches[2*i+1])}
		for _, direction := range []Direction{Super, Sub} {
			if err := trees.Tree(direction).check(s, (s.End-s.First)*h.Regions); err != nil {
				return nil, err
			}
		}
		x.seasons = append(x.seasons, trees)
	}
	return x, nil
}

// treeOf returns the tree in a batch, whose memory it shares.
func treeOf(direction Direction, b arrowfile.Batch) *Tree {
	return &Tree{direction: direction, columns: columns{
		extremum: arrow.Int32Traits.CastFromBytes(b.Columns[0].Values),
		saddle:   arrow.Int32Traits.CastFromBytes(b.Columns[1].Values),
		parent:   arrow.Int32Traits.CastFromBytes(b.Columns[2].Values),
		birth:    arrow.Float64Traits.CastFromBytes(b.Columns[3].Values),
		death:    arrow.Float64Traits.CastFromBytes(b.Columns[4].Values),
	}}
}

// check reports what in a tree cannot be, so that a file made by another
// program does no harm.
func (t *Tree) check(s Season, vertices int) error {
	for i := range t.Len() {
		e, d, p := int(t.extremum[i]), int(t.saddle[i]), int(t.parent[i])
		if e < 0 || e >= vertices || d < 0 || d >= vertices || p < -1 || p >= vertices ||
			!(math.Abs(t.birth[i]) <= maxMagnitude) || !(math.Abs(t.death[i]) <= maxMagnitude) ||
			i > 0 && t.Persistence(i) > t.Persistence(i-1) {
			return fileError("pair %d of the %s-level tree of season %d cannot be", i, t.direction, s.Code)
		}
	}
	return nil
}
