package datasets

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// A csvTable is a text file of separated values, which may be compressed with
// gzip. It is one chunk, and all its columns are text. Blank lines do not
// count as rows.
type csvTable struct {
	name   string
	file   File
	comma  rune
	header bool // the first line has the names
	schema *arrow.Schema

	mu  sync.Mutex
	bad badRows
}

// badRows are the rows with a wrong number of fields.
type badRows struct {
	count   int64
	samples []string
}

const (
	byteOrderMark = "\ufeff"
	badSamples    = 5
)

var gzipMagic = []byte{0x1f, 0x8b}

// openCSV opens a file whose values are separated by tabs or commas if spec
// does not say otherwise.
func openCSV(name string, file File, spec CSVSpec, tabs bool) (*csvTable, error) {
	t := &csvTable{name: name, file: file, comma: ',', header: len(spec.Header) == 0}
	if tabs {
		t.comma = '\t'
	}
	if spec.Delimiter != "" {
		r, size := utf8.DecodeRuneInString(spec.Delimiter)
		if size != len(spec.Delimiter) || r == utf8.RuneError || strings.ContainsRune("\x00\"\r\n", r) {
			return nil, t.fail("", -1, fmt.Errorf("the delimiter %q is not one character", spec.Delimiter), `set csv.delimiter to a character such as ";" or "\t"`)
		}
		t.comma = r
	}
	if spec.Delimiter == "" && !tabs {
		if err := t.guessDelimiter(); err != nil {
			return nil, err
		}
	}
	names := spec.Header
	if t.header {
		r, err := t.reader()
		if err != nil {
			return nil, err
		}
		if names, err = r.Read(); err == io.EOF {
			return nil, t.fail("", -1, errors.New("the file has no header line"), "get it again, or leave it out")
		} else if err != nil {
			return nil, t.readError(0, -1, err)
		}
	}
	fields := make([]arrow.Field, len(names))
	seen := make(map[string]int)
	for i, name := range names {
		name = strings.TrimSpace(name)
		if name == "" {
			return nil, t.fail("", -1, fmt.Errorf("column %d has no name", i+1), "give it one, or set csv.header")
		}
		if !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
			return nil, t.fail("", -1, fmt.Errorf("the name %q of column %d is not UTF-8 text", name, i+1), "save the file as UTF-8 text, or set csv.header")
		}
		if j, ok := seen[name]; ok {
			return nil, t.fail(name, -1, fmt.Errorf("columns %d and %d have the same name", j, i+1), "rename one, or set csv.header")
		}
		seen[name] = i + 1
		fields[i] = arrow.Field{Name: name, Type: arrow.BinaryTypes.String}
	}
	t.schema = arrow.NewSchema(fields, nil)
	return t, nil
}

// guessDelimiter takes the sign that cuts the first line into the most fields,
// the comma if there is none.
func (t *csvTable) guessDelimiter() error {
	best, most := ',', 1
	for _, t.comma = range ",;\t|" {
		r, err := t.reader()
		if err != nil {
			return err
		}
		r.LazyQuotes = true
		if fields, err := r.Read(); err == nil && len(fields) > most {
			best, most = t.comma, len(fields)
		}
	}
	t.comma = best
	return nil
}

func (t *csvTable) fail(column string, row int64, err error, hint string) error {
	return &ColumnError{File: t.name, RowGroup: -1, Column: column, Row: row, Err: err, Hint: hint}
}

// readError returns the error of the row after the one of the given line.
func (t *csvTable) readError(line int, row int64, err error) error {
	if errors.Is(err, errLongRecord) {
		return t.fail("", row, err, fmt.Sprintf("a quote after line %d may never be closed", line))
	}
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return t.fail("", row, parse.Err, fmt.Sprintf("look at the row that begins in line %d: quotes go around a whole field, and double inside of it", parse.StartLine))
	}
	return t.fail("", row, err, fmt.Sprintf("it happened after line %d: %s", line, damaged))
}

// reader returns a reader of the text from its start.
func (t *csvTable) reader() (*recordReader, error) {
	section := io.NewSectionReader(t.file, 0, t.file.Size())
	plain, err := plainText(bufio.NewReaderSize(section, csvBuffer))
	if err != nil {
		return nil, t.fail("", -1, err, damaged)
	}
	text := bufio.NewReader(plain)
	// An error of the first bytes comes again when they are read.
	head, _ := text.Peek(headBytes)
	if bytes.IndexByte(head, 0) >= 0 || bytes.HasPrefix(head, []byte("PAR1")) {
		return nil, t.fail("", -1, errors.New("what is compressed is not text"), "decompress it, and unpack archives")
	}
	limited := &limitedText{text: text, left: maxRecord}
	r := &recordReader{Reader: csv.NewReader(limited), limited: limited}
	r.Comma = t.comma
	r.ReuseRecord = true
	r.FieldsPerRecord = -1 // rows of other lengths are counted, not refused
	return r, nil
}

// maxRecord bounds a row of text, which must fit into memory: a quote that is
// never closed makes one row of the rest of the file.
const maxRecord = 16 << 20

var errLongRecord = fmt.Errorf("a row of more than %d MiB", maxRecord>>20)

// A recordReader reads rows of limited size.
type recordReader struct {
	*csv.Reader
	limited *limitedText
}

// Read returns the next row.
func (r *recordReader) Read() ([]string, error) {
	r.limited.left = maxRecord
	return r.Reader.Read()
}

// limitedText is a text of which no more than left bytes may be read.
type limitedText struct {
	text io.Reader
	left int
}

// Read reads some of the text.
func (l *limitedText) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLongRecord
	}
	n, err := l.text.Read(p)
	l.left -= n
	return n, err
}

// csvBuffer is the size of a read: enough to hide the latency of a store.
const csvBuffer = 1 << 18

func (t *csvTable) Schema() *arrow.Schema { return t.schema }

func (t *csvTable) Chunks() int { return 1 }

func (t *csvTable) Rows(chunk int) int64 { return -1 }

func (t *csvTable) Bounds(chunk, column int) (lo, hi float64, ok bool) { return 0, 0, false }

func (t *csvTable) Size() int64 { return t.file.Size() }

func (t *csvTable) Close() error { return t.file.Close() }

// BadRows returns how many rows were left out for their number of fields, and
// the first few of them, as far as the file has been read.
func (t *csvTable) BadRows() (count int64, samples []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bad.count, t.bad.samples
}

// note keeps what a pass has found. Every pass finds the same rows, so that
// the pass which went farthest knows all.
func (t *csvTable) note(bad *badRows) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if bad.count > t.bad.count {
		t.bad = *bad
	}
}

// Read reads the file.
func (t *csvTable) Read(ctx context.Context, chunk int, columns []int, do func(r arrow.Record, row int64) error) error {
	r, err := t.reader()
	if err != nil {
		return err
	}
	batch := newCSVBatch(t.schema, columns)
	var bad badRows
	defer func() { t.note(&bad) }()
	row, line := int64(0), 0
	for first := t.header; ; first = false {
		cells, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return t.readError(line, row, err)
		}
		line, _ = r.FieldPos(0)
		if first {
			continue
		}
		row++
		if want := t.schema.NumFields(); len(cells) != want {
			if bad.count++; bad.count <= badSamples {
				bad.samples = append(bad.samples, fmt.Sprintf("line %d: %d fields instead of %d", line, len(cells), want))
			}
			// The rows of a batch follow each other, so that each has its number.
			if err := batch.flush(do); err != nil {
				return err
			}
			continue
		}
		if batch.rows == 0 {
			batch.first = row - 1
		}
		if err := batch.add(cells); err != nil {
			return t.fail("", row-1, err, "name another column")
		}
		if batch.rows == batchRows {
			if err := ctx.Err(); err != nil {
				return t.fail("", row, err, "")
			}
			if err := batch.flush(do); err != nil {
				return err
			}
		}
	}
	return batch.flush(do)
}

// A csvBatch collects the cells of rows. Its memory is reused by the next
// batch.
type csvBatch struct {
	columns []int
	schema  *arrow.Schema
	first   int64 // number of the first row
	rows    int
	data    [][]byte // for each column
	offsets [][]int32
}

func newCSVBatch(schema *arrow.Schema, columns []int) *csvBatch {
	b := &csvBatch{columns: columns, data: make([][]byte, len(columns)), offsets: make([][]int32, len(columns))}
	fields := make([]arrow.Field, len(columns))
	for i, column := range columns {
		fields[i] = schema.Field(column)
		b.offsets[i] = make([]int32, batchRows+1)
	}
	b.schema = arrow.NewSchema(fields, nil)
	return b
}

func (b *csvBatch) add(cells []string) error {
	b.rows++
	for i, column := range b.columns {
		b.data[i] = append(b.data[i], cells[column]...)
		if len(b.data[i]) > math.MaxInt32 {
			return errTooMuchText(b.rows)
		}
		b.offsets[i][b.rows] = int32(len(b.data[i]))
	}
	return nil
}

// flush hands the rows to do, if there are any.
func (b *csvBatch) flush(do func(r arrow.Record, row int64) error) error {
	if b.rows == 0 {
		return nil
	}
	arrays := make([]arrow.Array, len(b.columns))
	for i := range arrays {
		offsets := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(b.offsets[i][:b.rows+1]))
		arrays[i] = newArray(arrow.BinaryTypes.String, b.rows, 0, nil, nil, offsets, memory.NewBufferBytes(b.data[i]))
		defer arrays[i].Release()
	}
	record := array.NewRecord(b.schema, arrays, int64(b.rows))
	defer record.Release()
	err := do(record, b.first)
	b.rows = 0
	for i := range b.data {
		b.data[i] = b.data[i][:0]
	}
	return err
}
