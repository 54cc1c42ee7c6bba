package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// memoryStore is a store of files in memory.
type memoryStore map[string][]byte

type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }

func (s memoryStore) Open(ctx context.Context, name string) (File, error) {
	data, ok := s[name]
	if !ok {
		return nil, os.ErrNotExist
	}
	return memoryFile{bytes.NewReader(data)}, nil
}

func (s memoryStore) Glob(ctx context.Context, pattern string) ([]string, error) {
	return []string{pattern}, nil
}

func (s memoryStore) Write(ctx context.Context, name string, write func(io.Writer) error) error {
	return errors.ErrUnsupported
}

// openBytes opens data as a file of the given name.
func openBytes(name string, data []byte) (table, error) {
	return openTable(context.Background(), memoryStore{name: data}, name, CSVSpec{})
}

// mustOpen opens data as a file of the given name.
func mustOpen(t testing.TB, name string, data []byte) table {
	t.Helper()
	table, err := openBytes(name, data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

// columnNames returns the names of the columns, with their types.
func columnNames(t table) []string {
	var names []string
	for _, f := range t.Schema().Fields() {
		text := fmt.Sprintf("%s %v", f.Name, f.Type)
		if reason, ok := f.Metadata.GetValue("unsupported"); ok {
			text += ": " + reason
		}
		names = append(names, text)
	}
	return names
}

// readable returns the numbers of the columns that can be read.
func readable(t table) []int {
	var columns []int
	for i, f := range t.Schema().Fields() {
		if f.Type.ID() != arrow.NULL {
			columns = append(columns, i)
		}
	}
	return columns
}

// readChunk returns the cells of some columns of a chunk, shape
// [columns][rows], as Go values: nil, bool, int64, float64 or string.
func readChunk(t table, chunk int, columns []int) ([][]any, error) {
	cells := make([][]any, len(columns))
	err := t.Read(context.Background(), chunk, columns, func(r arrow.Record) error {
		if int(r.NumCols()) != len(columns) || r.NumRows() < 1 || r.NumRows() > batchRows {
			return fmt.Errorf("a batch has %d columns and %d rows", r.NumCols(), r.NumRows())
		}
		for i := range columns {
			want := t.Schema().Field(columns[i])
			if name := r.ColumnName(i); name != want.Name {
				return fmt.Errorf("column %d is %q", i, name)
			}
			a := r.Column(i)
			if d, ok := a.(*array.Dictionary); !ok && !arrow.TypeEqual(a.DataType(), want.Type) || ok && !arrow.TypeEqual(d.Dictionary().DataType(), want.Type) {
				return fmt.Errorf("column %q has type %v instead of %v", want.Name, a.DataType(), want.Type)
			}
			nulls := 0
			for row := range a.Len() {
				if a.IsNull(row) {
					nulls++
				}
				cells[i] = append(cells[i], cell(a, row))
			}
			if nulls != a.NullN() {
				return fmt.Errorf("column %q says %d nulls and has %d", want.Name, a.NullN(), nulls)
			}
		}
		return nil
	})
	return cells, err
}

// cell returns the value of a row.
func cell(a arrow.Array, row int) any {
	if a.IsNull(row) {
		return nil
	}
	switch a := a.(type) {
	case *array.Boolean:
		return a.Value(row)
	case *array.Int64:
		return a.Value(row)
	case *array.Float64:
		return a.Value(row)
	case *array.Timestamp:
		return int64(a.Value(row))
	case *array.Date32:
		return int64(a.Value(row))
	case *array.String:
		return strings.Clone(a.Value(row))
	case *array.Binary:
		return string(a.Value(row))
	case *array.Dictionary:
		return cell(a.Dictionary(), a.GetValueIndex(row))
	}
	panic(fmt.Sprintf("a column has type %v", a.DataType()))
}

// readAll returns the cells of all columns that can be read, of all chunks one
// after the other.
func readAll(t table) ([][]any, error) {
	columns := readable(t)
	all := make([][]any, len(columns))
	for chunk := range t.Chunks() {
		cells, err := readChunk(t, chunk, columns)
		if err != nil {
			return nil, err
		}
		for i := range cells {
			if n := t.Rows(chunk); n >= 0 && n != int64(len(cells[i])) {
				return nil, fmt.Errorf("chunk %d has %d rows instead of %d", chunk, len(cells[i]), n)
			}
			all[i] = append(all[i], cells[i]...)
		}
	}
	return all, nil
}

// mustReadAll is readAll for files without an error.
func mustReadAll(t testing.TB, table table) [][]any {
	t.Helper()
	cells, err := readAll(table)
	if err != nil {
		t.Fatal(err)
	}
	return cells
}

// sameCells compares cells; NaN equals NaN.
func sameCells(a, b [][]any) bool {
	return slices.EqualFunc(a, b, func(a, b []any) bool {
		return slices.EqualFunc(a, b, func(a, b any) bool {
			x, ok := a.(float64)
			y, ok2 := b.(float64)
			return a == b || ok && ok2 && math.IsNaN(x) && math.IsNaN(y)
		})
	})
}

// fixture returns a file of testdata/tables.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "tables", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wantColumnError fails unless err is a *ColumnError with a hint, of the given
// text.
func wantColumnError(t testing.TB, err error, text string) {
	t.Helper()
	var e *ColumnError
	if !errors.As(err, &e) {
		t.Fatalf("the error is %v (%T), want a *ColumnError", err, err)
	}
	if e.Hint == "" || e.File == "" || !strings.Contains(err.Error(), text) {
		t.Errorf("the error is %q, want %q and a hint", err, text)
	}
}
