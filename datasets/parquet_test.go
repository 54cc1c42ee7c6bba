package datasets

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
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
			MaybeTS: maybe(r, nulls, r.Int64N(2e12)),
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
			value(e.MaybeF), nil, value(e.MaybeB), value(e.MaybeT), value(e.MaybeC), nil, nil, nil, e.Deltas, e.Splits, value(e.MaybeTS),
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
