package datasets

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/parquet-go/parquet-go/format"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/ewkb"
	"github.com/paulmach/orb/encoding/wkb"
)

// wkbNumbers returns a WKB geometry: its type and the numbers after it.
func wkbNumbers(order binary.ByteOrder, typ uint32, numbers ...any) []byte {
	var b bytes.Buffer
	b.WriteByte(1)
	if order == binary.BigEndian {
		b.Bytes()[0] = 0
	}
	binary.Write(&b, order, typ)
	for _, n := range numbers {
		binary.Write(&b, order, n)
	}
	return b.Bytes()
}

func TestDecodePoint(t *testing.T) {
	little, big := binary.ByteOrder(binary.LittleEndian), binary.ByteOrder(binary.BigEndian)
	nan := math.NaN()
	for _, tc := range []struct {
		name string
		wkb  []byte
		want string
	}{
		{"little endian", wkbNumbers(little, 1, 2.5, -3.0), "2.5 -3"},
		{"big endian", wkbNumbers(big, 1, 2.5, -3.0), "2.5 -3"},
		{"Z", wkbNumbers(little, 1001, 2.5, -3.0, 7.0), "2.5 -3"},
		{"M", wkbNumbers(big, 2001, 2.5, -3.0, 7.0), "2.5 -3"},
		{"ZM", wkbNumbers(little, 3001, 2.5, -3.0, 7.0, 8.0), "2.5 -3"},
		{"SRID", wkbNumbers(little, 1|1<<29, uint32(4326), 2.5, -3.0), "2.5 -3"},
		{"SRID and Z", wkbNumbers(big, 1|1<<29|1<<31, uint32(4326), 2.5, -3.0, 7.0), "2.5 -3"},
		{"SRID and ZM", wkbNumbers(big, 1|7<<29, uint32(4326), 2.5, -3.0, 7.0, 8.0), "2.5 -3"},
		{"empty", wkbNumbers(little, 1, nan, nan), "NaN NaN"},
		{"half empty", wkbNumbers(little, 1, 1.0, nan), "NaN NaN"},
		{"line", wkbNumbers(little, 2, uint32(1), 2.5, -3.0), "other"},
		{"multipoint", wkbNumbers(little, 4, uint32(0)), "other"},
		{"Z missing", wkbNumbers(little, 1001, 2.5, -3.0), "other"},
		{"cut short", wkbNumbers(little, 1, 2.5), "other"},
		{"too long", wkbNumbers(little, 1, 2.5, -3.0, 7.0), "other"},
		{"SRID missing", wkbNumbers(little, 1|1<<29), "other"},
		{"byte order", append([]byte{2}, wkbNumbers(little, 1, 2.5, -3.0)[1:]...), "other"},
		{"type alone", wkbNumbers(little, 1), "other"},
		{"nothing", nil, "other"},
		{"orb", wkb.MustMarshal(orb.Point{2.5, -3}), "2.5 -3"},
		{"orb EWKB", ewkb.MustMarshal(orb.Point{2.5, -3}, 2263, binary.BigEndian), "2.5 -3"},
		{"orb polygon", wkb.MustMarshal(orb.Polygon{{{0, 0}, {1, 0}, {1, 1}, {0, 0}}}), "other"},
	} {
		x, y, ok := decodePoint(tc.wkb)
		got := fmt.Sprint(x, y)
		if !ok {
			if got != "NaN NaN" {
				t.Errorf("%s: no point has coordinates %s", tc.name, got)
			}
			got = "other"
		}
		if got != tc.want {
			t.Errorf("%s is %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestDecodePoints(t *testing.T) {
	point := wkbNumbers(binary.LittleEndian, 1, 2.5, -3.0)
	line := wkbNumbers(binary.LittleEndian, 2, uint32(0))
	empty := wkbNumbers(binary.LittleEndian, 1, math.NaN(), math.NaN())
	values := [][]byte{point, nil, line, empty, point}
	const want, others = "[2.5 NaN NaN NaN 2.5] [-3 NaN NaN NaN -3]", 1

	mem := memory.DefaultAllocator
	binaries := array.NewBinaryBuilder(mem, arrow.BinaryTypes.Binary)
	texts := array.NewStringBuilder(mem)
	codes := array.NewDictionaryBuilder(mem, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.Binary}).(*array.BinaryDictionaryBuilder)
	textCodes := array.NewDictionaryBuilder(mem, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.BinaryTypes.String}).(*array.BinaryDictionaryBuilder)
	for i, v := range values {
		if v == nil {
			for _, b := range []array.Builder{binaries, texts, codes, textCodes} {
				b.AppendNull()
			}
			continue
		}
		text := hex.EncodeToString(v)
		if i == 4 {
			text = strings.ToUpper(text)
		}
		binaries.Append(v)
		texts.Append(text)
		if err := codes.Append(v); err != nil {
			t.Fatal(err)
		}
		if err := textCodes.AppendString(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range []array.Builder{binaries, texts, codes, textCodes} {
		a := b.NewArray()
		x, y := make([]float64, len(values)), make([]float64, len(values))
		n := decodePoints(a, x, y)
		if got := fmt.Sprint(x, y); got != want || n != others {
			t.Errorf("%v: points are %s with %d others, want %s with %d", a.DataType(), got, n, want, others)
		}
	}
	for _, text := range []string{"", "0", "zz", "POINT (1 2)", strings.Repeat("00", 100)} {
		b := array.NewStringBuilder(mem)
		b.Append(text)
		x, y := []float64{0}, []float64{0}
		if n := decodePoints(b.NewArray(), x, y); n != 1 || !math.IsNaN(x[0]) || !math.IsNaN(y[0]) {
			t.Errorf("%q is %v %v with %d others", text, x, y, n)
		}
	}
	numbers := array.NewInt64Builder(mem)
	numbers.AppendValues([]int64{1, 2}, []bool{true, false})
	if n := decodePoints(numbers.NewArray(), make([]float64, 2), make([]float64, 2)); n != 1 {
		t.Errorf("integers have %d others", n)
	}
}

func TestGeoColumn(t *testing.T) {
	column := func(crs string) string {
		return `{"version": "1.1.0", "primary_column": "geom", "columns": {"geom": {"encoding": "WKB"` + crs + `}}}`
	}
	for _, tc := range []struct{ metadata, want string }{
		{column(``), "geom 4326 true"},
		{column(`, "crs": null`), "geom 0 true"},
		{column(`, "crs": {"id": {"authority": "EPSG", "code": 2263}}`), "geom 2263 true"},
		{column(`, "crs": {"id": {"authority": "EPSG", "code": "2263"}}`), "geom 2263 true"},
		{column(`, "crs": {"id": {"authority": "OGC", "code": "CRS84"}}`), "geom 4326 true"},
		{column(`, "crs": {"id": {"authority": "ESRI", "code": 102718}}`), "geom 0 true"},
		{column(`, "crs": {"name": "unknown"}`), "geom 0 true"},
		{column(`, "crs": "EPSG:2263"`), "geom 0 true"},
		{`{"primary_column": "a", "columns": {"b": {}}}`, " 0 false"},
		{`{`, " 0 false"},
		{``, " 0 false"},
	} {
		column, epsg, ok := geoColumn(tc.metadata)
		if got := fmt.Sprint(column, " ", epsg, " ", ok); got != tc.want {
			t.Errorf("geoColumn(%s) = %s, want %s", tc.metadata, got, tc.want)
		}
	}
}

func TestGeo(t *testing.T) {
	data := fixture(t, "geo.parquet")
	table := mustOpen(t, "x.parquet", data)
	column, epsg, ok := table.(*parquetTable).Geo()
	if column != "geometry" || epsg != 2263 || !ok {
		t.Errorf("Geo() = %q, %d, %v", column, epsg, ok)
	}
	row := 0
	err := table.Read(t.Context(), 0, []int{1}, func(r arrow.Record, _ int64) error {
		n := int(r.NumRows())
		x, y := make([]float64, n), make([]float64, n)
		if others := decodePoints(r.Column(0), x, y); others > 0 {
			t.Errorf("%d values are no points", others)
		}
		for i := range n {
			wantX, wantY := float64(row)-74, 40+float64(row)/100
			if row%7 == 3 {
				wantX, wantY = math.NaN(), math.NaN()
			}
			if fmt.Sprint(x[i], y[i]) != fmt.Sprint(wantX, wantY) {
				t.Errorf("row %d is at %v %v, want %v %v", row, x[i], y[i], wantX, wantY)
			}
			row++
		}
		return nil
	})
	if err != nil || row != 25 {
		t.Errorf("%d rows, %v", row, err)
	}
	if _, _, ok := mustOpen(t, "x.parquet", fixture(t, "nested.parquet")).(*parquetTable).Geo(); ok {
		t.Error("a file without places has some")
	}
	for crs, want := range map[string]int{"": 4326, "OGC:CRS84": 4326, "EPSG:2263": 2263, "srid:7": 0} {
		annotated := withFooter(t, data, func(m *format.FileMetaData) {
			m.KeyValueMetadata = nil
			m.Schema[2].LogicalType.Value = &format.GeometryType{CRS: crs}
		})
		column, epsg, ok := mustOpen(t, "x.parquet", annotated).(*parquetTable).Geo()
		if column != "geometry" || epsg != want || !ok {
			t.Errorf("CRS %q: Geo() = %q, %d, %v", crs, column, epsg, ok)
		}
	}
}
