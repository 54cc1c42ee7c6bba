package datasets

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
)

// A table is a file of rows, read column by column. Its methods may be called
// by several goroutines at once.
//
// Columns are the leaves of the file's schema. Their names are paths, joined
// by dots ("pickup.zone.id"). Whatever the file's encoding, a column has one
// of these Arrow types:
//
//	Int64               integers of any width, signed or not
//	Float64             floats, and decimals as the nearest double
//	Boolean
//	Timestamp(unit)     with time zone "UTC" for instants, "" for wall clock times
//	Date32
//	String, Binary      values as they are, or
//	Dictionary(Uint32, String or Binary)
//
// A text column may change between the last two from batch to batch, as its
// pages do.
type table interface {
	// Schema returns all columns, in file order. Columns that cannot be read
	// (lists, maps, times of day) have type arrow.Null and the reason as
	// metadata "unsupported".
	Schema() *arrow.Schema
	// Chunks returns the number of parts that can be read independently, such
	// as row groups.
	Chunks() int
	// Rows returns the number of rows of a chunk, -1 if it is known only after
	// reading.
	Rows(chunk int) int64
	// Bounds returns a lower and an upper bound of the values of a column in a
	// chunk as the file's statistics state them, in the unit of its column
	// (Int64, Timestamp, Date32 and Float64 columns only).
	Bounds(chunk, column int) (lo, hi float64, ok bool)
	// Read reads the given columns of a chunk, in batches of up to batchRows
	// rows, in row order. row is the number of a record's first row in the
	// chunk, where rows count that cannot be handed out. Records hold the
	// columns in the order given, are valid until the call of do returns, and
	// share their memory with later ones. An error is a *ColumnError, but for
	// those of do.
	Read(ctx context.Context, chunk int, columns []int, do func(r arrow.Record, row int64) error) error
	// Size returns the size of the file in bytes.
	Size() int64
	Close() error
}

// batchRows is the number of rows of a batch: enough to forget the cost of a
// batch, little enough for the columns to stay in a core's cache.
const batchRows = 1 << 13

// A ColumnError says where a file cannot be read as declared.
type ColumnError struct {
	File     string
	RowGroup int    // from 0; -1 if the file has none or it is unknown
	Column   string // empty if it is not about one column
	Row      int64  // from 0 within the file; -1 if unknown
	Err      error
	Hint     string // what to do
}

// Error names the place as far as it is known.
func (e *ColumnError) Error() string {
	text := e.File
	if e.RowGroup >= 0 {
		text += fmt.Sprintf(": row group %d", e.RowGroup)
	}
	if e.Column != "" {
		text += fmt.Sprintf(": column %q", e.Column)
	}
	if e.Row >= 0 {
		text += fmt.Sprintf(": row %d", e.Row)
	}
	text += ": " + e.Err.Error()
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap returns what is wrong, without the place.
func (e *ColumnError) Unwrap() error { return e.Err }
