package datasets

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// A parquetTable is a Parquet file. Its chunks are the row groups.
//
// A batch of a text column that is all in dictionary pages is a dictionary
// array. Its dictionary is one object for all batches of a row group, so work
// done for each word can be kept for as long as the [array.Data] that
// Data().Dictionary() returns is the same pointer. (The method Dictionary
// wraps it anew for each batch.)
//
// Page checksums are verified where the file has them. They cover the bodies
// of pages, not their headers and not the footer, so damage there is found
// only as far as it breaks something: a count of rows, a size, a type.
type parquetTable struct {
	name     string
	file     File
	parquet  *parquet.File
	leaves   []leaf
	schema   *arrow.Schema
	firstRow []int64 // of each row group
}

// tailBytes is how much of the end of a file is read at once to find the
// footer, which is a few hundred bytes for each column of each row group.
const tailBytes = 1 << 16

// readBuffer is the largest read buffer of a column: enough to hide most of
// the latency of a store, little enough for dozens of columns at once.
const readBuffer = 1 << 20

const damaged = "the file is damaged or was cut short; get it again"

func openParquet(name string, file File) (_ *parquetTable, err error) {
	fail := func(err error, hint string) error {
		return &ColumnError{File: name, RowGroup: -1, Row: -1, Err: err, Hint: hint}
	}
	tail := make([]byte, min(file.Size(), tailBytes))
	if err := readFull(file, tail, file.Size()-int64(len(tail))); err != nil {
		return nil, fail(err, damaged)
	}
	if len(tail) < 12 {
		return nil, fail(errors.New("a Parquet file ends after its first bytes"), damaged)
	}
	switch magic := string(tail[len(tail)-4:]); magic {
	case "PAR1":
	case "PARE":
		return nil, fail(errors.New("the Parquet footer is encrypted"), "write the file without encryption")
	default:
		return nil, fail(fmt.Errorf("the Parquet footer is missing: the file ends with %q instead of %q", magic, "PAR1"), damaged)
	}
	r := tailReader{file, file.Size() - int64(len(tail)), tail}
	footer := int64(binary.LittleEndian.Uint32(tail[len(tail)-8:]))
	if footer > file.Size()-12 {
		return nil, fail(fmt.Errorf("the Parquet footer would have %d bytes, the file has %d", footer, file.Size()), damaged)
	}
	if err := checkFooter(r, file.Size()-8-footer, int(footer)); err != nil {
		return nil, fail(err, damaged)
	}
	t := &parquetTable{name: name, file: file}
	err = guard(func() error {
		t.parquet, err = parquet.OpenFile(&r, file.Size(),
			parquet.SkipMagicBytes(true), // which has been checked
			parquet.SkipPageIndex(true),
			parquet.SkipBloomFilters(true),
			parquet.ReadBufferSize(int(min(readBuffer, 1<<bits.Len64(uint64(file.Size()))))))
		if err != nil {
			return err
		}
		return t.setColumns()
	})
	if err != nil {
		return nil, fail(err, damaged)
	}
	r.tail = nil
	return t, nil
}

// A tailReader is a file whose end is in memory.
type tailReader struct {
	File
	offset int64
	tail   []byte
}

func (r tailReader) ReadAt(p []byte, offset int64) (int, error) {
	if i := offset - r.offset; i >= 0 && i+int64(len(p)) <= int64(len(r.tail)) {
		return copy(p, r.tail[i:]), nil
	}
	return r.File.ReadAt(p, offset)
}

// readFull fills p with the bytes from offset on.
func readFull(r io.ReaderAt, p []byte, offset int64) error {
	n, err := r.ReadAt(p, offset)
	switch {
	case n == len(p):
		return nil
	case err == nil || err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}

// guard turns a panic of the Parquet library, which does not expect all that
// a damaged file can hold, into an error.
func guard(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it cannot be decoded: %v", p)
		}
	}()
	return do()
}

// setColumns finds the leaves of the schema.
func (t *parquetTable) setColumns() error {
	meta := t.parquet.Metadata()
	var elements []*format.SchemaElement
	for i := range meta.Schema {
		if meta.Schema[i].Type.Valid {
			elements = append(elements, &meta.Schema[i])
		}
	}
	var columns []*parquet.Column
	collectLeaves(t.parquet.Root(), &columns)
	if len(columns) != len(elements) {
		return fmt.Errorf("the schema has %d columns, of which its groups use %d", len(elements), len(columns))
	}
	fields := make([]arrow.Field, len(columns))
	t.leaves = make([]leaf, len(columns))
	for i, c := range columns {
		l := newLeaf(c, elements[i])
		t.leaves[i] = l
		fields[i] = arrow.Field{Name: strings.Join(l.path, "."), Type: l.typ, Nullable: l.nullLevel > 0}
		if l.reason != "" {
			fields[i].Metadata = arrow.MetadataFrom(map[string]string{"unsupported": l.reason})
		}
	}
	t.schema = arrow.NewSchema(fields, nil)
	row := int64(0)
	for i := range meta.RowGroups {
		t.firstRow = append(t.firstRow, row)
		if row += meta.RowGroups[i].NumRows; row < t.firstRow[i] {
			return fmt.Errorf("row group %d has %d rows", i, meta.RowGroups[i].NumRows)
		}
	}
	return nil
}

func collectLeaves(c *parquet.Column, leaves *[]*parquet.Column) {
	if c.Leaf() {
		*leaves = append(*leaves, c)
	}
	for _, child := range c.Columns() {
		collectLeaves(child, leaves)
	}
}

func (t *parquetTable) Schema() *arrow.Schema { return t.schema }

func (t *parquetTable) Chunks() int { return len(t.firstRow) }

func (t *parquetTable) Rows(chunk int) int64 { return t.parquet.Metadata().RowGroups[chunk].NumRows }

func (t *parquetTable) Size() int64 { return t.file.Size() }

func (t *parquetTable) Close() error { return t.file.Close() }

// Bounds returns the statistics of a column chunk. NaN values are outside of
// every bound.
func (t *parquetTable) Bounds(chunk, column int) (lo, hi float64, ok bool) {
	meta, l := t.parquet.Metadata(), &t.leaves[column]
	s := &meta.RowGroups[chunk].Columns[column].MetaData.Statistics
	switch {
	case l.untrusted || l.reason != "":
		return 0, 0, false
	case s.MinValue != nil && s.MaxValue != nil:
		// What is smaller is clear for numbers with a sign. For the others
		// the file has to say that it means the order of their type.
		if l.typeOrders && column >= len(meta.ColumnOrders) {
			return 0, 0, false
		}
		return l.bounds(s.MinValue, s.MaxValue)
	case s.Min != nil && s.Max != nil && !l.typeOrders && l.floats == nil:
		// The older statistics order everything as if it had a sign.
		return l.bounds(s.Min, s.Max)
	}
	return 0, 0, false
}

// Read reads a row group.
func (t *parquetTable) Read(ctx context.Context, chunk int, columns []int, do func(r arrow.Record, row int64) error) error {
	r := &rowGroupReader{table: t, chunk: chunk, rows: t.Rows(chunk)}
	defer r.close()
	for _, column := range columns {
		if err := r.open(column); err != nil {
			return err
		}
	}
	for r.row < r.rows {
		if err := ctx.Err(); err != nil {
			return r.fail(nil, err, "")
		}
		record, err := r.next()
		if err != nil {
			return err
		}
		err = do(record, r.row-record.NumRows())
		record.Release()
		if err != nil {
			return err
		}
	}
	for _, c := range r.cursors {
		if err := guard(c.end); err != nil {
			return r.fail(c, err, damaged)
		}
	}
	return nil
}

// A rowGroupReader reads some columns of a row group in step.
type rowGroupReader struct {
	table   *parquetTable
	chunk   int
	rows    int64
	row     int64 // next one
	cursors []*pageCursor
	fields  []arrow.Field
	schema  *arrow.Schema // of fields
}

func (r *rowGroupReader) close() {
	for _, c := range r.cursors {
		c.close()
	}
}

// fail returns an error of a column, or of the row group if c is nil.
func (r *rowGroupReader) fail(c *pageCursor, err error, hint string) error {
	var v *valueError
	if errors.As(err, &v) {
		hint = v.hint
	}
	e := &ColumnError{File: r.table.name, RowGroup: r.chunk, Row: r.table.firstRow[r.chunk] + r.row, Err: err, Hint: hint}
	if c != nil {
		e.Row += int64(c.valid.rows)
		e.Column = strings.Join(c.path, ".")
	}
	return e
}

// codecs are the compressions that can be read. LZ4 is not among them: on a
// damaged page the library asks for more memory without end.
var codecs = []format.CompressionCodec{format.Uncompressed, format.Snappy, format.Gzip, format.Brotli, format.Zstd}

// open starts to read a column.
func (r *rowGroupReader) open(column int) error {
	t := r.table
	l, groups := &t.leaves[column], t.parquet.Metadata().RowGroups
	chunk := &groups[r.chunk].Columns[column]
	meta := &chunk.MetaData
	var err error
	var hint string
	switch {
	case l.reason != "":
		err, hint = fmt.Errorf("the column cannot be read: %s", l.reason), "name another column"
	case chunk.CryptoMetadata.Value != nil:
		err, hint = errors.New("the column is encrypted"), "write the file without encryption"
	case chunk.FilePath != "":
		err, hint = fmt.Errorf("the column is in the file %q", chunk.FilePath), "write a file that has all columns"
	case !slices.Equal([]string(meta.PathInSchema), l.path) || parquet.Kind(meta.Type) != l.kind:
		err, hint = fmt.Errorf("the row group has the column %q of type %v instead", meta.PathInSchema, meta.Type), damaged
	case meta.Codec != groups[0].Columns[column].MetaData.Codec:
		// The library uses the codec of the first row group for all of them.
		err, hint = errors.New("row groups are compressed in different ways"), "write the file anew with one compression"
	case !slices.Contains(codecs, meta.Codec):
		err, hint = fmt.Errorf("the compression %v is not supported", meta.Codec), "write the file with snappy or zstd"
	case meta.DataPageOffset < 0 || meta.DictionaryPageOffset < 0 || meta.TotalCompressedSize < 0 ||
		meta.DataPageOffset > t.file.Size() || meta.TotalCompressedSize > t.file.Size():
		err, hint = errors.New("the column would be outside of the file"), damaged
	}
	if err != nil {
		return r.fail(&pageCursor{leaf: l}, err, hint)
	}
	err = guard(func() error {
		pages := t.parquet.RowGroups()[r.chunk].ColumnChunks()[column].Pages()
		r.cursors = append(r.cursors, newPageCursor(l, pages))
		return nil
	})
	if err != nil {
		return r.fail(&pageCursor{leaf: l}, err, damaged)
	}
	r.fields = append(r.fields, t.schema.Field(column))
	r.schema = arrow.NewSchema(r.fields, nil)
	return nil
}

// next returns the next batch.
func (r *rowGroupReader) next() (arrow.Record, error) {
	n := int(min(batchRows, r.rows-r.row))
	arrays := make([]arrow.Array, len(r.cursors))
	defer func() {
		for _, a := range arrays {
			if a != nil {
				a.Release()
			}
		}
	}()
	changed := false
	for i, c := range r.cursors {
		if err := guard(func() error { return c.fill(n) }); err != nil {
			return nil, r.fail(c, err, damaged)
		}
		arrays[i] = c.array()
		// Text is coded in one batch and plain in another.
		if typ := arrays[i].DataType(); typ.ID() != r.fields[i].Type.ID() {
			r.fields[i].Type, changed = typ, true
		}
	}
	if changed || r.schema == nil {
		r.schema = arrow.NewSchema(r.fields, nil)
	}
	record := array.NewRecord(r.schema, arrays, int64(n))
	r.row += int64(n)
	return record, nil
}
