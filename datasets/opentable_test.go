package datasets

import (
	"bytes"
	"compress/gzip"
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

func (s memoryStore) Remove(ctx context.Context, name string) error { return errors.ErrUnsupported }

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
	err := t.Read(context.Background(), chunk, columns, func(r arrow.Record, _ int64) error {
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
					if v := underNull(a, row); v != 0 {
						return fmt.Errorf("column %q has %v where it is null", want.Name, v)
					}
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

// underNull returns the number that an array has in a row without a value.
func underNull(a arrow.Array, row int) float64 {
	switch a := a.(type) {
	case *array.Int64:
		return float64(a.Value(row))
	case *array.Float64:
		return a.Value(row)
	case *array.Dictionary:
		return float64(a.GetValueIndex(row))
	case *array.Binary:
		return float64(len(a.Value(row)))
	case *array.String:
		return float64(len(a.Value(row)))
	}
	return 0
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

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOpenTable(t *testing.T) {
	parquet := fixture(t, "nested.parquet")
	zipped := gzipped(t, "id,name\n1,a\n")
	for _, tc := range []struct {
		name, file, data string
		columns          int
	}{
		{"Parquet", "x.parquet", string(parquet), 4},
		{"Parquet by another name", "x.csv", string(parquet), 4},
		{"Parquet without extension", "part-0", string(parquet), 4},
		{"CSV", "x.CSV", "id,name\n1,a\n", 2},
		{"text", "x.txt", "id,name\n1,a\n", 2},
		{"TSV", "a.b/x.tsv", "id\tname,x\n1\ta\n", 2},
		{"gzip", "x.csv.gz", string(zipped), 2},
		{"gzip by another name", "x.csv", string(zipped), 2},
		{"gzip without extension", "x", string(zipped), 2},
		{"gzip TSV", "x.tsv.gz", string(gzipped(t, "id\tname\n")), 2},
		{"byte order mark", "x.csv", "\ufeffid,name\n", 2},
		{"brackets in CSV", "x.csv", "{id},[name]\n", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			table := mustOpen(t, tc.file, []byte(tc.data))
			mustReadAll(t, table)
			if n := table.Schema().NumFields(); n != tc.columns {
				t.Errorf("%d columns, want %d: %q", n, tc.columns, columnNames(table))
			}
		})
	}
}

func TestOpenTableErrors(t *testing.T) {
	parquet := string(fixture(t, "nested.parquet"))
	zipped := string(gzipped(t, strings.Repeat("id,name\n", 1000)))
	for _, tc := range []struct {
		name, file, data, want string
	}{
		{"empty", "x.parquet", "", "the file is empty"},
		{"empty CSV", "x.csv", "", "the file is empty"},
		{"magic alone", "x.parquet", "PAR1", "ends after its first bytes"},
		{"cut short", "x.parquet", parquet[:2000], "the Parquet footer is missing"},
		{"footer too long", "x.parquet", "PAR1....\xff\xff\xff\x7fPAR1", "the Parquet footer would have 2147483647 bytes, the file has 16"},
		{"garbage footer", "x.parquet", "PAR1....\x04\x00\x00\x00PAR1", "x.parquet: "},
		{"encrypted", "x.parquet", "PARE" + parquet[4:], "encrypted"},
		{"encrypted footer", "x.parquet", parquet[:len(parquet)-4] + "PARE", "encrypted"},
		{"ZIP", "x.parquet", "PK\x03\x04 and so on", "this is a ZIP archive"},
		{"ZIP as CSV", "x.csv", "PK\x03\x04 and so on", "this is a ZIP archive"},
		{"HTML", "x.csv", "\n <!DOCTYPE html>\n<html>", "this is an HTML or XML page"},
		{"S3 error", "x.parquet", `<?xml version="1.0"?><Error>`, "this is an HTML or XML page"},
		{"JSON", "x.json", ` {"id": 1}`, "this is JSON"},
		{"Arrow", "x", "ARROW1\x00\x00", "this is an Arrow file"},
		{"zstd", "x.csv.zst", "\x28\xb5\x2f\xfd....", "compressed with zstd"},
		{"UTF-16", "x.csv", "\xff\xfei\x00d\x00", "UTF-16"},
		{"text as Parquet", "x.parquet", "id,name\n", `this is not a Parquet file: it starts with "id,n"`},
		{"zeros", "x.parquet", "\x00\x00\x00\x00", "neither Parquet nor text"},
		{"zeros in CSV", "x.csv", "id,\x00\n", "neither Parquet nor text"},
		{"unknown", "x.dat", "id,name\n", "format of the file is unknown"},
		{"gzip of nothing", "x.csv.gz", string(gzipped(t, "")), "no header"},
		{"gzip of zeros", "x.csv.gz", string(gzipped(t, "a.tar\x00\x00")), "not text"},
		{"gzip of Parquet", "x.parquet.gz", string(gzipped(t, parquet)), "not text"},
		{"gzip header", "x.csv.gz", "\x1f\x8b\x08", "unexpected EOF"},
		{"gzip cut short", "x.csv.gz", zipped[:len(zipped)-9], "unexpected EOF; it happened after line 1000: "},
		{"gzip cut in the header", "x.csv.gz", zipped[:20], "unexpected EOF; it happened after line 0: "},
		{"gzip checksum", "x.csv.gz", zipped[:len(zipped)-8] + "........", "checksum"},
		{"no header", "x.csv", "\n\n", "no header"},
		{"no name", "x.csv", "id,,name\n", "column 2 has no name"},
		{"name twice", "x.csv", "id,name,id \n", `column "id": columns 1 and 3 have the same name`},
		{"name in Latin-1", "x.csv", "id,stra\xdfe\n", "not UTF-8"},
		{"quote", "x.csv", "id,name\n1,a\n2,\"b\n", "row 1: extraneous or missing \" in quoted-field; look at the row that begins in line 3"},
		{"quote within", "x.csv", "id,name\n1,a\"b\n", "row 0: bare \" in non-quoted-field; look at the row that begins in line 2"},
		{"quote in header", "x.csv", "id,\"name\n1,a\n", "begins in line 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			table, err := openBytes(tc.file, []byte(tc.data))
			if err == nil {
				_, err = readAll(table)
			}
			wantColumnError(t, err, tc.want)
		})
	}
	_, err := openTable(context.Background(), memoryStore{}, "x.csv", CSVSpec{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// FuzzOpenTable opens and reads any bytes.
func FuzzOpenTable(f *testing.F) {
	for _, name := range []string{"int96", "decimal", "nested", "dictionary", "v2", "geo", "lists"} {
		f.Add(fixture(f, name+".parquet"), "x.parquet")
	}
	f.Add([]byte("id,name\n1,\"a\nb\"\n2\n"), "x.csv")
	f.Add([]byte("\ufeffid\tname\n1\ta\n"), "x.tsv")
	f.Add(gzipped(f, "id,name\n1,a\n"), "x.csv.gz")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		table, err := openBytes(name, data)
		if err == nil {
			defer table.Close()
			for chunk := range table.Chunks() {
				for column := range table.Schema().NumFields() {
					table.Bounds(chunk, column)
				}
			}
			if p, ok := table.(*parquetTable); ok {
				p.Geo()
			}
			_, err = readAll(table)
		}
		var e *ColumnError
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("the error is %v (%T)", err, err)
		}
	})
}
