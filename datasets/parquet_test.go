package datasets

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// everything has a column of each kind that the Parquet library can write from
// a struct.
type everything struct {
	Bool    bool     `parquet:"bool"`
	I8      int8     `parquet:"i8"`
	I16     int16    `parquet:"i16"`
	I32     int32    `parquet:"i32"`
	I64     int64    `parquet:"i64"`
	U8      uint8    `parquet:"u8"`
	U16     uint16   `parquet:"u16"`
	U32     uint32   `parquet:"u32"`
	U64     uint64   `parquet:"u64"`
	F32     float32  `parquet:"f32"`
	F64     float64  `parquet:"f64"`
	Dec32   int32    `parquet:"dec32,decimal(2:9)"`
	Dec64   int64    `parquet:"dec64,decimal(4:18)"`
	Date    int32    `parquet:"date,date"`
	Millis  int64    `parquet:"millis,timestamp(millisecond)"`
	Micros  int64    `parquet:"micros,timestamp(microsecond:local)"`
	Nanos   int64    `parquet:"nanos,timestamp(nanosecond)"`
	Clock   int64    `parquet:"clock,time(microsecond)"`
	Text    string   `parquet:"text"`
	Code    string   `parquet:"code,dict"`
	Delta   string   `parquet:"delta,delta"`
	Raw     []byte   `parquet:"raw"`
	UUID    [16]byte `parquet:"uuid,uuid"`
	Fixed   [3]byte  `parquet:"fixed,dict"`
	Year    int32    `parquet:"year,dict"`
	Fare    float64  `parquet:"fare,dict"`
	MaybeF  *float64 `parquet:"maybe_f,optional"`
	MaybeI  *int32   `parquet:"maybe_i,optional,dict"`
	MaybeB  *bool    `parquet:"maybe_b,optional"`
	MaybeT  *string  `parquet:"maybe_t,optional"`
	MaybeC  *string  `parquet:"maybe_c,optional,dict"`
	Pickup  *place   `parquet:"pickup,optional"`
	Lists   []int64  `parquet:"lists"`
	Deltas  int64    `parquet:"deltas,delta"`
	Splits  float64  `parquet:"splits,split"`
	MaybeTS *int64   `parquet:"maybe_ts,optional,timestamp(millisecond)"`
	BoolC   *bool    `parquet:"bool_c,optional,dict"`
}

type place struct {
	Zone *zone   `parquet:"zone,optional"`
	Lon  float64 `parquet:"lon"`
}

type zone struct {
	ID   int64   `parquet:"id"`
	Name *string `parquet:"name,optional"`
}

func maybe[T any](r *rand.Rand, nulls float64, v T) *T {
	if r.Float64() < nulls {
		return nil
	}
	return &v
}

// anything returns rows of random values. Texts come from a few words at
// first; later, when a dictionary might get too large, from many.
func anything(r *rand.Rand, n int, nulls float64) []everything {
	rows := make([]everything, n)
	for i := range rows {
		e := &rows[i]
		word := fmt.Sprintf("w%d", r.IntN(20))
		if i > n/3 && i < 2*n/3 {
			word = fmt.Sprintf("word %d of many", r.IntN(1e6))
		}
		*e = everything{
			Bool: r.IntN(2) == 0, I8: int8(r.Int()), I16: int16(r.Int()), I32: int32(r.Int()), I64: int64(r.Uint64()),
			U8: uint8(r.Int()), U16: uint16(r.Int()), U32: uint32(r.Int()), U64: uint64(r.Int64()),
			F32: float32(r.NormFloat64()), F64: r.NormFloat64(), Dec32: int32(r.IntN(1e9)) - 5e8, Dec64: int64(r.Uint64()) / 100,
			Date: int32(r.IntN(20000)), Millis: r.Int64N(2e12), Micros: r.Int64N(2e15), Nanos: r.Int64N(2e18), Clock: 1,
			Text: word, Code: word, Delta: word, Raw: []byte(word[:r.IntN(len(word))]),
			UUID: [16]byte{byte(r.Int()), 15: byte(i)}, Fixed: [3]byte{byte(r.IntN(9)), 7, 9},
			Year: int32(2000 + r.IntN(20)), Fare: float64(r.IntN(200)) / 4,
			MaybeF: maybe(r, nulls, r.NormFloat64()), MaybeI: maybe(r, nulls, int32(r.IntN(50))),
			MaybeB: maybe(r, nulls, r.IntN(2) == 0), MaybeT: maybe(r, nulls, word), MaybeC: maybe(r, nulls, word),
			Lists: []int64{1, 2}[:r.IntN(3)], Deltas: int64(i) * 1000, Splits: r.ExpFloat64(),
			MaybeTS: maybe(r, nulls, r.Int64N(2e12)), BoolC: maybe(r, nulls, r.IntN(2) == 0),
		}
		if r.IntN(50) == 0 {
			e.F64 = math.NaN()
		}
		if p := maybe(r, nulls, place{Lon: r.Float64()}); p != nil {
			e.Pickup = p
			p.Zone = maybe(r, nulls, zone{ID: int64(r.IntN(300)), Name: maybe(r, nulls, word)})
		}
	}
	return rows
}

// wanted returns the cells of rows, in the order of the columns that can be
// read.
func wanted(rows []everything) [][]any {
	var cells [][]any
	for _, e := range rows {
		row := []any{
			e.Bool, int64(e.I8), int64(e.I16), int64(e.I32), e.I64, int64(e.U8), int64(e.U16), int64(e.U32), int64(e.U64),
			float64(e.F32), e.F64, float64(e.Dec32) / 100, nearestDecimal(e.Dec64, 4), int64(e.Date), e.Millis, e.Micros, e.Nanos,
			e.Text, e.Code, e.Delta, string(e.Raw), string(e.UUID[:]), string(e.Fixed[:]), int64(e.Year), e.Fare,
			value(e.MaybeF), nil, value(e.MaybeB), value(e.MaybeT), value(e.MaybeC), nil, nil, nil, e.Deltas, e.Splits, value(e.MaybeTS), value(e.BoolC),
		}
		if e.MaybeI != nil {
			row[26] = int64(*e.MaybeI)
		}
		if e.Pickup != nil {
			row[32] = e.Pickup.Lon
			if z := e.Pickup.Zone; z != nil {
				row[30], row[31] = z.ID, value(z.Name)
			}
		}
		if cells == nil {
			cells = make([][]any, len(row))
		}
		for i, v := range row {
			cells[i] = append(cells[i], v)
		}
	}
	return cells
}

func value[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// nearestDecimal is unscaled/10^scale by way of text.
func nearestDecimal(unscaled int64, scale int) float64 {
	var f float64
	fmt.Sscanf(fmt.Sprintf("%de-%d", unscaled, scale), "%g", &f)
	return f
}

// writeParquet writes row groups with the given options.
func writeParquet[T any](t testing.TB, groups [][]T, options ...parquet.WriterOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, options...)
	for _, rows := range groups {
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestParquetRoundTrip(t *testing.T) {
	codecs := []compress.Codec{&parquet.Uncompressed, &parquet.Snappy, &parquet.Zstd, &parquet.Gzip}
	for seed := range uint64(16) {
		codec := codecs[seed%4]
		t.Run(fmt.Sprintf("%d %v", seed, codec), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			var groups [][]everything
			var rows []everything
			for range 1 + r.IntN(3) {
				// Some row groups have several batches.
				group := anything(r, 1+r.IntN(500), []float64{0, 0.01, 0.5, 0.99, 1}[r.IntN(5)])
				if seed%8 == 7 {
					group = anything(r, batchRows*2+1, 0.3)
				}
				groups, rows = append(groups, group), append(rows, group...)
			}
			data := writeParquet(t, groups,
				parquet.Compression(codec), parquet.DataPageVersion(1+int(seed/4%2)), parquet.PageBufferSize(64+r.IntN(4096)),
				parquet.DictionaryMaxBytes(int64(1000+r.IntN(20000))))
			table := mustOpen(t, "x.parquet", data)
			if table.Chunks() != len(groups) {
				t.Errorf("%d row groups, want %d", table.Chunks(), len(groups))
			}
			got, want := mustReadAll(t, table), wanted(rows)
			columns := readable(table)
			if len(columns) != len(want) {
				t.Fatalf("%d columns, want %d: %q", len(columns), len(want), columnNames(table))
			}
			for i := range want {
				if !sameCells(got[i:i+1], want[i:i+1]) {
					t.Errorf("column %q differs:\n got %.300v\nwant %.300v", table.Schema().Field(columns[i]).Name, got[i], want[i])
				}
			}
		})
	}
}

// A trip is a row of the benchmark's file.
type trip struct {
	Time int64   `parquet:"time,timestamp(microsecond)"`
	Zone string  `parquet:"zone,dict"`
	Fare float64 `parquet:"fare"`
	Tip  float64 `parquet:"tip"`
}

// tripFile returns a file of n trips in row groups of a million: hourly
// rising times, 300 zones, money in cents.
func tripFile(b *testing.B, n int) string {
	r := rand.New(rand.NewPCG(1, 0))
	name := filepath.Join(b.TempDir(), "trips.parquet")
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	w := parquet.NewGenericWriter[trip](f, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(1<<20))
	trips := make([]trip, 1<<14)
	for done := 0; done < n; done += len(trips) {
		for i := range trips {
			trips[i] = trip{
				Time: int64(done+i)*1e6 + r.Int64N(600e6),
				Zone: fmt.Sprintf("zone %d", r.IntN(300)),
				Fare: math.Round(math.Exp(r.NormFloat64()+2)*100) / 100,
				Tip:  math.Round(r.ExpFloat64()*200) / 100,
			}
		}
		if _, err := w.Write(trips[:min(len(trips), n-done)]); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		b.Fatal(err)
	}
	return name
}

const tripRows = 2_000_000

func BenchmarkReadParquet(b *testing.B) {
	t, err := openTable(context.Background(), Disk{}, tripFile(b, tripRows), CSVSpec{})
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	b.ReportAllocs()
	for b.Loop() {
		rows := int64(0)
		for chunk := range t.Chunks() {
			err := t.Read(context.Background(), chunk, []int{0, 1, 2, 3}, func(r arrow.Record, _ int64) error {
				rows += r.NumRows()
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		if rows != tripRows {
			b.Fatalf("%d rows", rows)
		}
	}
	b.ReportMetric(float64(tripRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkPageLoop decodes the pages of the same file and looks at no value:
// the bound for BenchmarkReadParquet.
func BenchmarkPageLoop(b *testing.B) {
	f, err := os.Open(tripFile(b, tripRows))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	file, err := parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(1<<20))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		values := int64(0)
		for _, group := range file.RowGroups() {
			for _, chunk := range group.ColumnChunks() {
				pages := chunk.Pages()
				for {
					p, err := pages.ReadPage()
					if err != nil {
						break
					}
					values += p.NumValues()
					parquet.Release(p)
				}
				pages.Close()
			}
		}
		if values != 4*tripRows {
			b.Fatalf("%d values", values)
		}
	}
	b.ReportMetric(float64(tripRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// TestParquetFixtures reads files written by pyarrow, see make.py beside them.
func TestParquetFixtures(t *testing.T) {
	for name, columns := range map[string][]string{
		"int96":       {"time timestamp[ns]", "fare float64"},
		"decimal":     {"small float64", "medium float64", "large float64", "wide float64"},
		"decimal-int": {"small float64", "medium float64"},
		"nested":      {"pickup.zone.id int64", "pickup.zone.name utf8", "pickup.lon float64", "passengers int64"},
		"dates":       {"date date32", "millis timestamp[ms, tz=UTC]", "micros timestamp[us]", "nanos timestamp[ns, tz=UTC]"},
		"dictionary":  {"code utf8", "count int64", "flag bool", "raw binary", "fixed binary"},
		"v2":          {"id int64", "name utf8", "value float64", "half float64", "float float64", "flag bool"},
		"geo":         {"name utf8", "geometry binary"},
		"lists": {"tags.list.element null: it is part of a list or map", "clock null: it is a time of day",
			"nothing null: the file declares that it has no values", "id int64"},
	} {
		t.Run(name, func(t *testing.T) {
			table := mustOpen(t, name+".parquet", fixture(t, name+".parquet"))
			if got := columnNames(table); !slices.Equal(got, columns) {
				t.Errorf("columns are %q, want %q", got, columns)
			}
			var want map[string][]any
			d := json.NewDecoder(bytes.NewReader(fixture(t, name+".json")))
			d.UseNumber()
			if err := d.Decode(&want); err != nil {
				t.Fatal(err)
			}
			got := mustReadAll(t, table)
			if table.Chunks() != 3 || len(got) != len(want) {
				t.Errorf("%d chunks and %d columns, want 3 and %d", table.Chunks(), len(got), len(want))
			}
			for i, column := range readable(table) {
				f := table.Schema().Field(column)
				if want := likeCells(want[f.Name], f.Type); !sameCells([][]any{got[i]}, [][]any{want}) {
					t.Errorf("column %q is\n%v, want\n%v", f.Name, got[i], want)
				}
			}
		})
	}
}

// likeCells returns the values of a JSON file as cells of a column.
func likeCells(values []any, typ arrow.DataType) []any {
	values = slices.Clone(values)
	for i, v := range values {
		switch v := v.(type) {
		case json.Number:
			if typ.ID() == arrow.FLOAT64 {
				values[i], _ = v.Float64()
			} else {
				values[i], _ = v.Int64()
			}
		case string:
			if typ.ID() == arrow.BINARY {
				b, _ := hex.DecodeString(v)
				values[i] = string(b)
			}
		}
	}
	return values
}

// TestPageCursor reads columns in batches of random lengths.
func TestPageCursor(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		rows := anything(r, 300, []float64{0, 0.3, 0.97, 1}[seed%4])
		data := writeParquet(t, [][]everything{rows}, parquet.PageBufferSize(64+r.IntN(1000)), parquet.DataPageVersion(1+r.IntN(2)),
			parquet.DictionaryMaxBytes(int64(500+r.IntN(2000))))
		table := mustOpen(t, "x.parquet", data).(*parquetTable)
		want := wanted(rows)
		for i, column := range readable(table) {
			l := &table.leaves[column]
			c := newPageCursor(l, table.parquet.RowGroups()[0].ColumnChunks()[column].Pages())
			var got []any
			for len(got) < len(rows) {
				n := 1 + r.IntN(min(len(rows)-len(got), 1+r.IntN(100)))
				if err := c.fill(n); err != nil {
					t.Fatal(err)
				}
				a := c.array()
				for row := range n {
					got = append(got, cell(a, row))
				}
			}
			if err := c.end(); err != nil {
				t.Error(err)
			}
			c.close()
			if !sameCells([][]any{got}, want[i:i+1]) {
				t.Errorf("seed %d: column %q is\n%v, want\n%v", seed, l.path, got, want[i])
			}
		}
	}
}

// TestTextDictionary checks that batches of one row group share a dictionary
// for as long as the writer kept to it.
func TestTextDictionary(t *testing.T) {
	type row struct {
		Code string `parquet:"code,dict"`
	}
	const plainFrom = 5*batchRows + 100 // where the dictionary gets too large
	rows := make([]row, 8*batchRows)
	for i := range rows {
		rows[i].Code = fmt.Sprint("zone ", i%40)
		if i >= plainFrom {
			rows[i].Code = fmt.Sprint("another long word ", i)
		}
	}
	data := writeParquet(t, [][]row{rows, rows[:2*batchRows]}, parquet.DictionaryMaxBytes(4000), parquet.PageBufferSize(10000))
	table := mustOpen(t, "x.parquet", data)
	var before [2]arrow.ArrayData
	for chunk := range 2 {
		var kinds string
		row := 0
		err := table.Read(context.Background(), chunk, []int{0}, func(r arrow.Record, _ int64) error {
			a := r.Column(0)
			for i := range a.Len() {
				if got := cell(a, i); got != rows[row].Code {
					return fmt.Errorf("row %d is %q, want %q", row, got, rows[row].Code)
				}
				row++
			}
			if d := a.Data().Dictionary(); a.DataType().ID() == arrow.DICTIONARY {
				if before[chunk] != nil && before[chunk] != d {
					return errors.New("the dictionary is another object")
				}
				before[chunk] = d
				kinds += "D"
			} else {
				kinds += "S"
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"DDDDDSSS", "DD"}[chunk]; kinds != want {
			t.Errorf("chunk %d has batches %q, want %q", chunk, kinds, want)
		}
	}
	if before[0] == before[1] {
		t.Error("two row groups share a dictionary")
	}
}

// TestParquetMemory checks that memory does not grow with a row group.
func TestParquetMemory(t *testing.T) {
	rows := make([]trip, 1<<20)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range rows {
		rows[i] = trip{Time: r.Int64(), Zone: "a zone", Fare: r.Float64(), Tip: r.Float64()}
	}
	table := mustOpen(t, "x.parquet", writeParquet(t, [][]trip{rows}))
	rows = nil
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, most, batches := heap(), int64(0), 0
	err := table.Read(context.Background(), 0, []int{0, 1, 2, 3}, func(arrow.Record, int64) error {
		if batches++; batches%8 == 0 {
			most = max(most, heap()-before)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// Columns have 25 MB of values; a read buffer is 1 MiB and a page 256 KiB.
	if most > 8<<20 {
		t.Errorf("reading takes %d bytes", most)
	}
}

func TestParquetBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, nulls := range []float64{0, 0.5, 1} {
		rows := anything(r, 200, nulls)
		for i := range rows {
			rows[i].I64 = math.MaxInt64 - int64(r.IntN(5000)) // which doubles cannot express
			rows[i].Micros = int64(1)<<53 + 1 - int64(i)
		}
		table := mustOpen(t, "x.parquet", writeParquet(t, [][]everything{rows}))
		cells := mustReadAll(t, table)
		bounded := 0
		for i, column := range readable(table) {
			f := table.Schema().Field(column)
			lo, hi, ok := table.Bounds(0, column)
			least, most := extremes(cells[i])
			switch {
			case !ok:
				continue
			case f.Type.ID() == arrow.STRING || f.Type.ID() == arrow.BINARY || f.Type.ID() == arrow.BOOL || least == nil:
				t.Errorf("column %q of %d values has bounds %g and %g", f.Name, len(cells[i]), lo, hi)
				continue
			}
			bounded++
			// The nearest doubles on the right side of the extremes.
			wantLo, _ := least.Float64()
			if least.Cmp(new(big.Float).SetFloat64(wantLo)) < 0 {
				wantLo = math.Nextafter(wantLo, math.Inf(-1))
			}
			wantHi, _ := most.Float64()
			if most.Cmp(new(big.Float).SetFloat64(wantHi)) > 0 {
				wantHi = math.Nextafter(wantHi, math.Inf(1))
			}
			if lo != wantLo || hi != wantHi {
				t.Errorf("column %q has bounds %v and %v, want %v and %v", f.Name, lo, hi, wantLo, wantHi)
			}
		}
		if bounded < 18 {
			t.Errorf("%d columns have bounds", bounded)
		}
	}
}

// extremes returns the smallest and the largest number of a column, nil if it
// has none.
func extremes(cells []any) (least, most *big.Float) {
	for _, c := range cells {
		x := new(big.Float)
		switch c := c.(type) {
		case int64:
			x.SetInt64(c)
		case float64:
			if math.IsNaN(c) {
				continue
			}
			x.SetFloat64(c)
		default:
			continue
		}
		if least == nil || x.Cmp(least) < 0 {
			least = x
		}
		if most == nil || x.Cmp(most) > 0 {
			most = x
		}
	}
	return least, most
}

// withFooter returns a Parquet file with a changed footer.
func withFooter(t testing.TB, data []byte, change func(*format.FileMetaData)) []byte {
	t.Helper()
	var meta format.FileMetaData
	size := int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	from := len(data) - 8 - size
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), data[from:len(data)-8], &meta); err != nil {
		t.Fatal(err)
	}
	change(&meta)
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), meta)
	if err != nil {
		t.Fatal(err)
	}
	return replaceFooter(data, footer)
}

func replaceFooter(data, footer []byte) []byte {
	from := len(data) - 8 - int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	data = append(slices.Clone(data[:from]), footer...)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(footer)))
	return append(data, "PAR1"...)
}

func TestParquetFooterErrors(t *testing.T) {
	data := fixture(t, "nested.parquet")
	for _, tc := range []struct {
		name, want string
		change     func(*format.FileMetaData)
	}{
		{"more rows", `row group 1: column "pickup.zone.id": row 50: the column ends before the last row`, func(m *format.FileMetaData) { m.RowGroups[1].NumRows++ }},
		{"fewer rows", "goes on after the last row", func(m *format.FileMetaData) { m.RowGroups[1].NumRows-- }},
		{"rows below zero", "row group 1 num_rows=-1 is negative", func(m *format.FileMetaData) { m.RowGroups[1].NumRows = -1 }},
		{"rows without number", "row group 1 has 9223372036854775807 rows", func(m *format.FileMetaData) { m.RowGroups[1].NumRows = math.MaxInt64 }},
		{"another column", `row group 0: column "pickup.zone.id": row 0: the row group has the column ["dropoff" "zone" "id"] of type INT64`,
			func(m *format.FileMetaData) { m.RowGroups[0].Columns[0].MetaData.PathInSchema[0] = "dropoff" }},
		{"another type", `row group 0: column "pickup.zone.id": row 0: the row group has the column ["pickup" "zone" "id"] of type DOUBLE`,
			func(m *format.FileMetaData) { m.RowGroups[0].Columns[0].MetaData.Type = format.Double }},
		{"a column less", "", func(m *format.FileMetaData) { m.RowGroups[0].Columns = m.RowGroups[0].Columns[:2] }},
		{"encrypted column", "encrypted", func(m *format.FileMetaData) {
			m.RowGroups[2].Columns[1].CryptoMetadata.Value = new(format.EncryptionWithFooterKey)
		}},
		{"column elsewhere", "other.parquet", func(m *format.FileMetaData) { m.RowGroups[2].Columns[1].FilePath = "other.parquet" }},
		{"codecs", "compressed in different ways", func(m *format.FileMetaData) { m.RowGroups[2].Columns[1].MetaData.Codec = format.Gzip }},
		{"LZ4", "LZ4_RAW is not supported", func(m *format.FileMetaData) {
			for i := range m.RowGroups {
				m.RowGroups[i].Columns[1].MetaData.Codec = format.Lz4Raw
			}
		}},
		{"unknown codec", "is not supported", func(m *format.FileMetaData) {
			for i := range m.RowGroups {
				m.RowGroups[i].Columns[1].MetaData.Codec = 77
			}
		}},
		{"offset", "outside of the file", func(m *format.FileMetaData) { m.RowGroups[2].Columns[1].MetaData.DataPageOffset = 1 << 40 }},
		{"size", "ends before the last row", func(m *format.FileMetaData) { m.RowGroups[1].Columns[0].MetaData.TotalCompressedSize = 0 }},
		{"no columns", "", func(m *format.FileMetaData) { m.Schema = nil }},
		{"children", "", func(m *format.FileMetaData) { m.Schema[0].NumChildren.V = 1000 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			table, err := openBytes("x.parquet", withFooter(t, data, tc.change))
			if err == nil {
				_, err = readAll(table)
			}
			wantColumnError(t, err, tc.want)
		})
	}
}

// TestParquetHugeList checks that a list is believed only as far as there are
// bytes for it: the library would allocate hundreds of gigabytes.
func TestParquetHugeList(t *testing.T) {
	for _, footer := range []string{
		"\x29\xfc\xff\xff\xff\xff\x07",                              // field 2 is a list of 2^31-1 structs
		"\x28\xff\xff\xff\xff\x07",                                  // field 2 is that many bytes
		"\x2b\xff\xff\xff\xff\x07\x88",                              // or a map of that many texts
		strings.Repeat("\x1c", 1000) + strings.Repeat("\x00", 1001), // structs of structs
		"\x1d",     // of no type
		"\x29\xff", // a length cut off
		"",
	} {
		_, err := openBytes("x.parquet", replaceFooter(fixture(t, "nested.parquet"), []byte(footer)))
		wantColumnError(t, err, "footer cannot be decoded")
	}
}

func TestParquetUnsigned(t *testing.T) {
	type row struct {
		ID uint64 `parquet:"id"`
	}
	table := mustOpen(t, "x.parquet", writeParquet(t, [][]row{{{7}, {math.MaxInt64}, {math.MaxInt64 + 1}}}))
	_, err := readAll(table)
	wantColumnError(t, err, `x.parquet: row group 0: column "id": row 0: the unsigned value 9223372036854775808 is above 2^63-1; write the column as text`)
}

func TestParquetReadErrors(t *testing.T) {
	table := mustOpen(t, "x.parquet", fixture(t, "lists.parquet"))
	_, err := readChunk(table, 1, []int{3, 0})
	wantColumnError(t, err, `row group 1: column "tags.list.element": row 25: the column cannot be read: it is part of a list or map`)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err = table.Read(ctx, 0, []int{3}, func(arrow.Record, int64) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled read returns %v", err)
	}
	want := errors.New("enough")
	if err = table.Read(context.Background(), 0, []int{3}, func(arrow.Record, int64) error { return want }); err != want {
		t.Errorf("the error of the caller becomes %v", err)
	}
	rows := int64(0)
	err = table.Read(context.Background(), 2, nil, func(r arrow.Record, _ int64) error {
		rows += r.NumRows()
		return nil
	})
	if err != nil || rows != 10 {
		t.Errorf("no columns have %d rows and error %v", rows, err)
	}
}

// TestParquetDamage reads files with one byte changed. Pages have checksums
// here, which the reader must heed: a change of the body of a page is an
// error. Headers of pages and the footer have no checksum; there a change must
// not do more than return an error or other values.
func TestParquetDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, name := range []string{"int96", "decimal", "nested", "dictionary", "v2", "geo"} {
		data := fixture(t, name+".parquet")
		want := mustReadAll(t, mustOpen(t, name, data))
		body := pageBodies(t, data)
		for i := range data {
			// Outside of pages the highest bit is left alone: it makes a small size a large one, for which the library
			// clears gigabytes before it finds that they are not there.
			bit := r.IntN(8)
			if r.IntN(4) > 0 {
				continue // there are many bytes
			}
			if !body[i] {
				bit %= 7
			}
			changed := slices.Clone(data)
			changed[i] ^= 1 << bit
			table, err := openBytes("x.parquet", changed)
			var got [][]any
			if err == nil {
				got, err = readAll(table)
			}
			var e *ColumnError
			switch {
			case err != nil && !errors.As(err, &e):
				t.Fatalf("%s: byte %d: the error is %v", name, i, err)
			case err == nil && body[i] && !sameCells(got, want):
				t.Fatalf("%s: byte %d of a page: other rows and no error", name, i)
			}
		}
	}
}

// pageBodies says which bytes of a Parquet file checksums cover. It walks the
// pages as the format describes them.
func pageBodies(t *testing.T, data []byte) []bool {
	t.Helper()
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	body := make([]bool, len(data))
	pages := 0
	for _, g := range file.Metadata().RowGroups {
		for _, c := range g.Columns {
			at := c.MetaData.DataPageOffset
			if d := c.MetaData.DictionaryPageOffset; d > 0 {
				at = d
			}
			for end := at + c.MetaData.TotalCompressedSize; at < end; pages++ {
				var header format.PageHeader
				in := bytes.NewReader(data[at:end])
				if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(in)).Decode(&header); err != nil {
					t.Fatal(err)
				}
				if header.CRC == 0 {
					t.Fatal("a page has no checksum")
				}
				at = end - int64(in.Len())
				for range header.CompressedPageSize {
					body[at] = true
					at++
				}
			}
		}
	}
	if pages == 0 {
		t.Fatal("no pages")
	}
	return body
}

// TestParquetCutShort reads the first parts of files.
func TestParquetCutShort(t *testing.T) {
	for _, name := range []string{"nested", "v2", "dictionary"} {
		data := fixture(t, name+".parquet")
		for i := range 50 {
			_, err := openBytes("x.parquet", data[:len(data)*i/50])
			wantColumnError(t, err, "x.parquet: ")
		}
		// A file that keeps its footer but not its pages.
		for i := range 50 {
			cut := len(data) * i / 100
			short := append([]byte("PAR1"), data[cut+4:]...)
			table, err := openBytes("x.parquet", short)
			if err == nil && cut > 0 {
				_, err = readAll(table)
			}
			if cut > 0 {
				wantColumnError(t, err, "x.parquet: ")
			}
		}
	}
}

// TestParquetOldAnnotations reads a file whose types are annotated as before
// logical types, and one without any annotation.
func TestParquetOldAnnotations(t *testing.T) {
	type row struct {
		Price  int32  `parquet:"price,decimal(2:9)"`
		Date   int32  `parquet:"date,date"`
		Millis int64  `parquet:"millis,timestamp(millisecond)"`
		Micros int64  `parquet:"micros,timestamp(microsecond)"`
		Clock  int64  `parquet:"clock,time(microsecond)"`
		U32    uint32 `parquet:"u32"`
		U64    uint64 `parquet:"u64"`
		I8     int8   `parquet:"i8"`
		Text   string `parquet:"text"`
		JSON   string `parquet:"json,json"`
	}
	data := writeParquet(t, [][]row{{{1250, 100, 2000, 3000, 4000, 1 << 31, 5, -6, "abc", "{}"}}})
	for _, tc := range []struct {
		name           string
		change         func(*format.SchemaElement)
		columns, cells string
	}{
		{"converted types", func(e *format.SchemaElement) { e.LogicalType.Value = nil },
			"price float64, date date32, millis timestamp[ms, tz=UTC], micros timestamp[us, tz=UTC], clock null: it is a time of day, u32 int64, u64 int64, i8 int64, text utf8, json utf8",
			"[[12.5] [100] [2000] [3000] [2147483648] [5] [-6] [abc] [{}]]"},
		{"none", func(e *format.SchemaElement) { e.LogicalType.Value, e.ConvertedType.Valid = nil, false },
			"price int64, date int64, millis int64, micros int64, clock int64, u32 int64, u64 int64, i8 int64, text binary, json binary",
			"[[1250] [100] [2000] [3000] [4000] [-2147483648] [5] [-6] [abc] [{}]]"},
		{"that do not fit", func(e *format.SchemaElement) {
			e.LogicalType.Value = nil
			e.ConvertedType.Valid, e.ConvertedType.V = true, deprecated.Interval
		},
			"", "[]"},
	} {
		table := mustOpen(t, "x.parquet", withFooter(t, data, func(m *format.FileMetaData) {
			for i := range m.Schema[1:] {
				tc.change(&m.Schema[i+1])
			}
		}))
		if got := strings.Join(columnNames(table), ", "); got != tc.columns && tc.columns != "" {
			t.Errorf("%s: columns are %s\nwant %s", tc.name, got, tc.columns)
		}
		if got := fmt.Sprint(mustReadAll(t, table)); got != tc.cells {
			t.Errorf("%s: cells are %s, want %s", tc.name, got, tc.cells)
		}
	}
}

// TestParquetOldBounds moves statistics to the fields of old writers, which
// order numbers as signed ones and are not to be trusted for others.
func TestParquetOldBounds(t *testing.T) {
	type row struct {
		Time int64   `parquet:"time,timestamp(millisecond)"`
		U32  uint32  `parquet:"u32"`
		F64  float64 `parquet:"f64"`
		Date int32   `parquet:"date,date"`
	}
	data := writeParquet(t, [][]row{{{5, 1, 1, -1}, {7, 1 << 31, 2, 3}}})
	old := func(m *format.FileMetaData) {
		for i := range m.RowGroups[0].Columns {
			s := &m.RowGroups[0].Columns[i].MetaData.Statistics
			s.Min, s.Max, s.MinValue, s.MaxValue = s.MinValue, s.MaxValue, nil, nil
		}
	}
	for _, tc := range []struct {
		name   string
		change func(m *format.FileMetaData)
		want   string
	}{
		{"new", func(m *format.FileMetaData) {}, "5 7 true, 1 2.147483648e+09 true, 1 2 true, -1 3 true"},
		{"no order stated", func(m *format.FileMetaData) { m.ColumnOrders = nil }, "5 7 true, 0 0 false, 1 2 true, -1 3 true"},
		{"old", old, "5 7 true, 0 0 false, 0 0 false, -1 3 true"},
		{"NaN", func(m *format.FileMetaData) {
			m.RowGroups[0].Columns[2].MetaData.Statistics.MaxValue = []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}
		}, "5 7 true, 1 2.147483648e+09 true, 0 0 false, -1 3 true"},
		{"short", func(m *format.FileMetaData) {
			m.RowGroups[0].Columns[0].MetaData.Statistics.MaxValue = []byte{0}
		}, "0 0 false, 1 2.147483648e+09 true, 1 2 true, -1 3 true"},
		{"turned", func(m *format.FileMetaData) {
			s := &m.RowGroups[0].Columns[3].MetaData.Statistics
			s.MinValue, s.MaxValue = s.MaxValue, s.MinValue
		}, "5 7 true, 1 2.147483648e+09 true, 1 2 true, 0 0 false"},
	} {
		table := mustOpen(t, "x.parquet", withFooter(t, data, tc.change))
		var got []string
		for column := range 4 {
			lo, hi, ok := table.Bounds(0, column)
			if !ok {
				lo, hi = 0, 0
			}
			got = append(got, fmt.Sprint(lo, hi, ok))
		}
		if got := strings.Join(got, ", "); got != tc.want {
			t.Errorf("%s: bounds are %s, want %s", tc.name, got, tc.want)
		}
	}
}

// TestValidity adds rows in parts of any length, at any place in a byte.
func TestValidity(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		valid := validity{bits: make([]byte, 32)}
		level := byte(1 + r.IntN(255))
		var want []bool
		for len(want) < 220 {
			levels := make([]byte, 1+r.IntN(36))
			for i := range levels {
				levels[i] = []byte{level, level ^ 0x80, level - 1, 0xff, level}[r.IntN(5)]
				want = append(want, levels[i] == level)
			}
			valid.add(levels, level)
			if r.IntN(3) == 0 {
				valid.addAll(2)
				want = append(want, true, true)
			}
		}
		for i, w := range append(want, make([]bool, 8*len(valid.bits)-len(want))...) {
			if isValid(valid.bits, i) != w {
				t.Fatalf("row %d of %d: valid is %t", i, valid.rows, !w)
			}
		}
		if valid.rows != len(want) {
			t.Errorf("%d rows, want %d", valid.rows, len(want))
		}
	}
}

// TestTexts mixes codes, values and nulls in every order, which writers need
// not do: they turn from codes to values once.
func TestTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	words := values{data: []byte("abbccc"), offsets: []uint32{0, 1, 3, 6, 6}}
	valid := validity{bits: make([]byte, batchRows/8)}
	s := newTexts(arrow.BinaryTypes.String, &valid)
	if err := s.dictionary(words); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		s.reset()
		valid.rows, valid.nulls = 0, 0
		clear(valid.bits)
		var want []any
		for range 1 + r.IntN(5) {
			levels := make([]byte, 1+r.IntN(5))
			var codes []int32
			plain := values{data: []byte("skipped"), offsets: []uint32{7}}
			coded := r.IntN(2) == 0
			nulls := r.IntN(3)
			for i := range levels {
				if r.IntN(2) < nulls {
					want = append(want, nil)
					valid.nulls++
					continue
				}
				levels[i] = 1
				code := r.IntN(4)
				word := string(words.at(code))
				want = append(want, word)
				codes = append(codes, int32(code))
				plain.data = append(plain.data, word...)
				plain.offsets = append(plain.offsets, uint32(len(plain.data)))
			}
			var err error
			if coded && codes != nil {
				err = s.codes(codes)
			} else if codes != nil {
				err = s.plain(plain)
			}
			if err != nil {
				t.Fatal(err)
			}
			s.spread(levels, 1)
			valid.add(levels, 1)
		}
		var bits *memory.Buffer
		if valid.nulls > 0 {
			bits = memory.NewBufferBytes(valid.bits)
		}
		a := s.array(valid.rows, bits, valid.nulls)
		var got []any
		for i := range a.Len() {
			got = append(got, cell(a, i))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("texts are %q, want %q", got, want)
		}
	}
	s.reset()
	for _, code := range []int32{-1, 4} {
		if err := s.codes([]int32{code}); err == nil {
			t.Errorf("code %d of 4 words is no error", code)
		}
	}
}

func TestDecimal(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 20000 {
		scale := r.IntN(30)
		v := int64(r.Uint64()) >> r.IntN(64)
		if got, want := decimal(v, int32(scale)), nearestDecimal(v, scale); got != want {
			t.Fatalf("decimal(%d, %d) = %v, want %v", v, scale, got, want)
		}
		// Two's complement of any length, as a sum of signed bytes.
		b := make([]byte, 1+r.IntN(20))
		for i := range b {
			b[i] = byte([]int{0, 255, 128, 127, r.Int()}[r.IntN(5)])
		}
		n := big.NewInt(int64(int8(b[0])))
		for _, c := range b[1:] {
			n.Add(n.Lsh(n, 8), big.NewInt(int64(c)))
		}
		want, _ := strconv.ParseFloat(fmt.Sprintf("%de-%d", n, scale), 64)
		if got, err := bigDecimal(b, int32(scale)); err != nil || got != want {
			t.Fatalf("bigDecimal(%x, %d) = %v, %v, want %v", b, scale, got, err, want)
		}
	}
	if _, err := bigDecimal(nil, 2); err == nil {
		t.Error("a decimal of no bytes is a number")
	}
}

func TestInt96(t *testing.T) {
	for _, tc := range []struct {
		nanos int64
		day   uint32
		want  int64
	}{
		{0, 2440588, 0},
		{1, 2440587, -nanosPerDay + 1},
		{5e9, 2456294, time.Date(2013, 1, 1, 0, 0, 5, 0, time.UTC).UnixNano()}, // Julian day of the almanac
		{0, 5373484, math.MaxInt64}, // 9999-12-31
		{0, 1721426, math.MinInt64}, // 0001-01-01
	} {
		b := binary.LittleEndian.AppendUint64(nil, uint64(tc.nanos))
		b = binary.LittleEndian.AppendUint32(b, tc.day)
		var got [1]int64
		if err := decodeInt96(got[:], values{data: b, width: 12}); err != nil || got[0] != tc.want {
			t.Errorf("%d ns of day %d are %d, %v, want %d", tc.nanos, tc.day, got[0], err, tc.want)
		}
	}
	b := bytes.Repeat([]byte{0x7f}, 12)
	if err := decodeInt96(make([]int64, 1), values{data: b, width: 12}); err == nil {
		t.Error("a day has more nanoseconds than there are")
	}
}
