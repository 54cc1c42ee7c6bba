package datasets

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
)

func TestCSVTable(t *testing.T) {
	for _, tc := range []struct {
		name    string
		spec    CSVSpec
		text    string
		columns string
		rows    string // the cells of a row are separated by |, rows by /
		bad     string
	}{
		{"plain", CSVSpec{}, "id,name\n1,a\n2,b\n", "id name", "1|a/2|b", "0 []"},
		{"no newline at the end", CSVSpec{}, "id,name\r\n1,a\r\n2,b", "id name", "1|a/2|b", "0 []"},
		{"quotes", CSVSpec{}, "id,name\n1,\"a,\"\"x\"\"\nb\"\n", "id name", "1|a,\"x\"\nb", "0 []"},
		{"header with spaces", CSVSpec{}, " id, name \n1, a \n", "id name", "1| a ", "0 []"},
		{"empty cells and lines", CSVSpec{}, "id,name\n,\n\n2,\n", "id name", "|/2|", "0 []"},
		{"delimiter", CSVSpec{Delimiter: ";"}, "id;name\n1;a,b\n", "id name", "1|a,b", "0 []"},
		{"tab", CSVSpec{Delimiter: "\t"}, "id\tname\n1\ta\n", "id name", "1|a", "0 []"},
		{"wide delimiter", CSVSpec{Delimiter: "→"}, "id→name\n1→a\n", "id name", "1|a", "0 []"},
		{"own header", CSVSpec{Header: []string{"x", "y"}}, "id,name\n1,a\n", "x y", "id|name/1|a", "0 []"},
		{"own header, byte order mark", CSVSpec{Header: []string{"x", "y"}}, "\ufeff1,a\n", "x y", "1|a", "0 []"},
		{"header alone", CSVSpec{}, "id,name\n", "id name", "", "0 []"},
		{"not UTF-8", CSVSpec{}, "id\n\xff\n", "id", "\xff", "0 []"},
		{"other numbers of fields", CSVSpec{}, "id,name\n1,a\n2\n3,c,x\n\"4\n4\",d\n5,e,\n", "id name", "1|a/4\n4|d",
			"3 [line 3: 1 fields instead of 2 line 4: 3 fields instead of 2 line 7: 3 fields instead of 2]"},
		{"many bad rows", CSVSpec{}, "id,name\n" + strings.Repeat("1\n", 9), "id name", "",
			"9 [line 2: 1 fields instead of 2 line 3: 1 fields instead of 2 line 4: 1 fields instead of 2 line 5: 1 fields instead of 2 line 6: 1 fields instead of 2]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			store := memoryStore{"x.csv": []byte(tc.text), "x.csv.gz": gzipped(t, tc.text)}
			for name := range store {
				table, err := openTable(context.Background(), store, name, tc.spec)
				if err != nil {
					t.Fatal(err)
				}
				defer table.Close()
				var columns []string
				for _, f := range table.Schema().Fields() {
					columns = append(columns, f.Name)
				}
				if got := strings.Join(columns, " "); got != tc.columns {
					t.Errorf("columns are %q, want %q", got, tc.columns)
				}
				for range 2 { // a second pass finds the same
					cells := mustReadAll(t, table)
					var rows []string
					for row := range cells[0] {
						var texts []string
						for i := range cells {
							texts = append(texts, cells[i][row].(string))
						}
						rows = append(rows, strings.Join(texts, "|"))
					}
					if got := strings.Join(rows, "/"); got != tc.rows {
						t.Errorf("rows are %q, want %q", got, tc.rows)
					}
				}
				count, samples := table.(*csvTable).BadRows()
				if got := fmt.Sprint(count, " ", samples); got != tc.bad {
					t.Errorf("bad rows are %q, want %q", got, tc.bad)
				}
				if _, _, ok := table.Bounds(0, 0); ok || table.Rows(0) != -1 || table.Chunks() != 1 {
					t.Error("a CSV file knows more than it can")
				}
			}
		})
	}
}

func TestCSVSpecErrors(t *testing.T) {
	for _, tc := range []struct {
		spec CSVSpec
		want string
	}{
		{CSVSpec{Delimiter: "::"}, `the delimiter "::" is not one character`},
		{CSVSpec{Delimiter: `"`}, "is not one character"},
		{CSVSpec{Delimiter: "\n"}, "is not one character"},
		{CSVSpec{Delimiter: "\xff"}, "is not one character"},
		{CSVSpec{Header: []string{"a", "a"}}, "same name"},
		{CSVSpec{Header: []string{"a", ""}}, "has no name"},
	} {
		_, err := openTable(context.Background(), memoryStore{"x.csv": []byte("1,2\n")}, "x.csv", tc.spec)
		wantColumnError(t, err, tc.want)
	}
}

// TestCSVBatches compares files of several batches with the rows written.
func TestCSVBatches(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, batchRows - 1, batchRows, batchRows + 1, 3*batchRows + 7} {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.Write([]string{"a", "b", "c"})
		want := make([][]any, 2)
		for i := range n {
			cells := []string{fmt.Sprint(i), strings.Repeat("x", r.IntN(9)), strings.Repeat("\"", r.IntN(3))}
			w.Write(cells)
			want[0], want[1] = append(want[0], cells[2]), append(want[1], cells[0])
		}
		w.Flush()
		got, err := readChunk(mustOpen(t, "x.csv", b.Bytes()), 0, []int{2, 0})
		if err != nil || !sameCells(got, want) {
			t.Errorf("%d rows differ: %v", n, err)
		}
	}
}

// TestCSVErrorRow checks the row of an error beyond the first batch, and that
// the rows before it were handed out.
func TestCSVErrorRow(t *testing.T) {
	text := "id\n" + strings.Repeat("1\n", batchRows+5) + "a\"\n"
	table := mustOpen(t, "x.csv", []byte(text))
	rows := int64(0)
	err := table.Read(context.Background(), 0, []int{0}, func(r arrow.Record, _ int64) error {
		rows += r.NumRows()
		return nil
	})
	wantColumnError(t, err, fmt.Sprintf("row %d: bare", batchRows+5))
	if rows != batchRows {
		t.Errorf("%d rows came before the error", rows)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := table.Read(ctx, 0, []int{0}, func(arrow.Record, int64) error { return nil }); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("a cancelled read returns %v", err)
	}
}

func BenchmarkReadCSV(b *testing.B) {
	var text bytes.Buffer
	const rows = 200_000
	text.WriteString("time,zone,fare,tip\n")
	for i := range rows {
		fmt.Fprintf(&text, "2013-01-01 %02d:%02d:00,zone %d,%d.50,1.25\n", i/60%24, i%60, i%300, i%90)
	}
	table := mustOpen(b, "x.csv", slices.Clone(text.Bytes()))
	b.ReportAllocs()
	for b.Loop() {
		err := table.Read(context.Background(), 0, []int{0, 1, 2, 3}, func(arrow.Record, int64) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// TestUnclosedQuote: the row that has the rest of the file in it is not read
// into memory.
func TestUnclosedQuote(t *testing.T) {
	text := "a,b\n1,2\n3,\"4\n" + strings.Repeat("5,6\n", maxRecord/2)
	table := mustOpen(t, "q.csv", []byte(text))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := table.Read(context.Background(), 0, []int{0, 1}, func(arrow.Record, int64) error { return nil })
	runtime.ReadMemStats(&after)
	wantColumnError(t, err, "q.csv: row 1: a row of more than 16 MiB; a quote after line 2 may never be closed")
	if used := after.TotalAlloc - before.TotalAlloc; used > 8*maxRecord {
		t.Errorf("%d bytes were allocated", used)
	}
}
