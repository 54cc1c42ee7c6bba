package relate

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"

	"polygamy/internal/arrowfile"
)

// ErrMarksFile is the cause of every error about the content of a marks file:
// it is none, of another version, or damaged.
var ErrMarksFile = errors.New("not a readable marks file")

func marksFile() *arrowfile.Kind {
	plane := func(name string) arrow.Field { return arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Uint64} }
	return &arrowfile.Kind{
		Name: "feature marks", Version: 1, Err: ErrMarksFile,
		Fields: []arrow.Field{plane("positive"), plane("negative"), plane("valid")},
	}
}

// marksHeader is the header of a marks file. There is a batch a level, whose
// plane of valid cells counts in the first alone.
type marksHeader struct {
	First, Rows, Words, Cells int
	Complete                  bool // every cell holds a value
}

// WriteMarks writes the marks of one function at several levels, which hold
// values in the same cells, as an Arrow file that can be mapped into memory.
// Equal marks give equal bytes.
func WriteMarks(w io.Writer, levels []*Marks) error {
	if len(levels) == 0 {
		return errors.New("relate: no marks to write")
	}
	m := levels[0]
	h := marksHeader{First: m.First, Rows: m.Rows, Words: m.Words, Cells: m.Cells, Complete: m.Valid == nil}
	var batches []arrowfile.Batch
	for i, level := range levels {
		if !level.covers(m) {
			return fmt.Errorf("relate: the marks of level %d hold values in other cells than those of the first", i)
		}
		valid := level.Valid
		if valid == nil || i > 0 { // any will do; zeros take no room in an archive
			valid = make([]uint64, len(level.Positive))
		}
		batch := arrowfile.Batch{Rows: len(level.Positive)}
		for _, plane := range [][]uint64{level.Positive, level.Negative, valid} {
			batch.Columns = append(batch.Columns, arrowfile.Column{Values: arrow.Uint64Traits.CastToBytes(plane)})
		}
		batches = append(batches, batch)
	}
	return marksFile().Write(w, h, batches)
}

// ReadMarks returns the marks in data, the bytes of a marks file, by level. They
// point into data, which may be mapped memory and must not change or vanish
// while they are in use. Data that is no whole marks file of this version gives
// an error that wraps ErrMarksFile.
func ReadMarks(data []byte) ([]*Marks, error) {
	var h marksHeader
	batches, err := marksFile().Read(data, &h)
	if err != nil {
		return nil, err
	}
	if h.Rows < 0 || h.Cells < 0 || h.Cells > 64*h.Words || h.Words > 1<<40 || len(batches) == 0 {
		return nil, fmt.Errorf("%w: header: %d rows of %d words for %d cells", ErrMarksFile, h.Rows, h.Words, h.Cells)
	}
	var levels []*Marks
	for _, b := range batches {
		if h.Words == 0 && b.Rows != 0 || h.Words > 0 && (b.Rows%h.Words != 0 || b.Rows/h.Words != h.Rows) {
			return nil, fmt.Errorf("%w: header: %d rows of %d words do not fit a batch of %d", ErrMarksFile, h.Rows, h.Words, b.Rows)
		}
		plane := func(i int) []uint64 { return arrow.Uint64Traits.CastFromBytes(b.Columns[i].Values) }
		m := &Marks{First: h.First, Rows: h.Rows, Words: h.Words, Cells: h.Cells, Positive: plane(0), Negative: plane(1)}
		switch {
		case h.Complete:
		case len(levels) == 0:
			m.Valid = plane(2)
		default:
			m.Valid = levels[0].Valid
		}
		m.countRows()
		levels = append(levels, m)
	}
	return levels, nil
}
