package datasets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/float16"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// A leaf is a column of a Parquet file: what its values are, and how they are
// decoded. Exactly one of ints, floats and days is set if the column has
// numbers, none of them if it has truth values or text.
type leaf struct {
	path       []string
	kind       parquet.Kind
	width      int  // bytes of a value, 0 if they differ or are less than one
	nullLevel  byte // definition level of a value; smaller ones are nulls
	typ        arrow.DataType
	reason     string // why typ is Null
	unsigned   bool
	geometry   bool   // annotated as WKB
	crs        string // of such an annotation
	ints       decoder[int64]
	floats     decoder[float64]
	days       decoder[int32]
	untrusted  bool // statistics do not bound the values
	typeOrders bool // statistics need the file to say that they follow the type
}

// A decoder writes the values of src to dst, which has one element for each.
type decoder[T any] func(dst []T, src values) error

// A valueError is about a value that is not damaged but cannot be had.
type valueError struct{ text, hint string }

func (e *valueError) Error() string { return e.text }

// errTooMuchText returns the error of rows whose text an array cannot hold.
func errTooMuchText(rows int) error {
	return &valueError{fmt.Sprintf("%d rows have over 2 GiB of text", rows), "name another column"}
}

// values are encoded values in a row: of width bytes each or, if offsets is
// set, from each offset to the next.
type values struct {
	data    []byte
	offsets []uint32
	width   int
}

func (v values) slice(from, n int) values {
	if v.offsets != nil {
		return values{v.data, v.offsets[from : from+n+1], 0}
	}
	return values{v.data[from*v.width : (from+n)*v.width], nil, v.width}
}

func (v values) len() int {
	switch {
	case v.offsets != nil:
		return len(v.offsets) - 1
	case v.width > 0:
		return len(v.data) / v.width
	}
	return 0
}

// at returns the bytes of value i.
func (v values) at(i int) []byte {
	if v.offsets != nil {
		return v.data[v.offsets[i]:v.offsets[i+1]]
	}
	return v.data[i*v.width : (i+1)*v.width]
}

// newLeaf returns the leaf of a column whose schema element is e.
func newLeaf(c *parquet.Column, e *format.SchemaElement) leaf {
	l := leaf{path: c.Path(), kind: parquet.Kind(e.Type.V), nullLevel: byte(c.MaxDefinitionLevel())}
	switch l.kind {
	case parquet.Int32, parquet.Float:
		l.width = 4
	case parquet.Int64, parquet.Double:
		l.width = 8
	case parquet.Int96:
		l.width = 12
	case parquet.FixedLenByteArray:
		l.width = int(e.TypeLength.V)
	}
	_, isNull := e.LogicalType.Value.(*format.NullType)
	switch {
	case isNull:
		l.unsupported("the file declares that it has no values")
	case c.MaxRepetitionLevel() > 0:
		l.unsupported("it is part of a list or map")
	case c.Type().Kind() != l.kind || l.kind == parquet.FixedLenByteArray && l.width < 1:
		l.unsupported(fmt.Sprintf("its annotation %v does not fit the type %v", c.Type(), l.kind))
	default:
		l.setType(e)
	}
	return l
}

func (l *leaf) unsupported(reason string) { l.typ, l.reason = arrow.Null, reason }

func (l *leaf) setType(e *format.SchemaElement) {
	switch t := annotation(e).(type) {
	case *format.DecimalType:
		l.setDecimal(t.Scale)
	case *format.DateType:
		l.typ, l.days = arrow.FixedWidthTypes.Date32, decodeDays
	case *format.TimestampType:
		l.setTimestamp(t)
	case *format.TimeType:
		l.unsupported("it is a time of day")
	case *format.IntType:
		l.unsigned = !t.IsSigned
		l.setPhysical()
	case *format.Float16Type:
		if l.width != 2 {
			l.unsupported("a FLOAT16 has two bytes")
			return
		}
		l.typ, l.floats, l.typeOrders = arrow.PrimitiveTypes.Float64, decodeHalves, true
	case *format.StringType, *format.EnumType, *format.JsonType:
		l.typ = arrow.BinaryTypes.String
	case *format.GeometryType:
		l.typ, l.geometry, l.crs = arrow.BinaryTypes.Binary, true, t.CRS
	default:
		if e.LogicalType.Value == nil && e.ConvertedType.Valid && e.ConvertedType.V == deprecated.Interval {
			l.unsupported("it is an interval")
			return
		}
		l.setPhysical()
	}
}

// annotation returns what the values of a column mean. Files of old writers
// say so only in ways that the format has deprecated.
func annotation(e *format.SchemaElement) format.LogicalTypeValue {
	if e.LogicalType.Value != nil || !e.ConvertedType.Valid {
		return e.LogicalType.Value
	}
	switch e.ConvertedType.V {
	case deprecated.Decimal:
		return &format.DecimalType{Scale: e.Scale.V, Precision: e.Precision.V}
	case deprecated.Date:
		return &format.DateType{}
	case deprecated.TimestampMillis:
		return &format.TimestampType{IsAdjustedToUTC: true, Unit: format.TimeUnit{Value: new(format.MilliSeconds)}}
	case deprecated.TimestampMicros:
		return &format.TimestampType{IsAdjustedToUTC: true, Unit: format.TimeUnit{Value: new(format.MicroSeconds)}}
	case deprecated.TimeMillis, deprecated.TimeMicros:
		return &format.TimeType{}
	case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32, deprecated.Uint64:
		return &format.IntType{}
	case deprecated.UTF8, deprecated.Enum, deprecated.Json:
		return &format.StringType{}
	}
	return nil
}

func (l *leaf) setPhysical() {
	switch l.kind {
	case parquet.Boolean:
		l.typ = arrow.FixedWidthTypes.Boolean
	case parquet.Int32:
		l.typ, l.ints = arrow.PrimitiveTypes.Int64, decodeInt32
		if l.unsigned {
			l.ints, l.typeOrders = decodeUint32, true
		}
	case parquet.Int64:
		l.typ, l.ints = arrow.PrimitiveTypes.Int64, decodeInt64
		if l.unsigned {
			l.ints, l.typeOrders = decodeUint64, true
		}
	case parquet.Int96:
		// Writers put wall clock times of no stated zone here. The order of
		// the statistics was never defined.
		l.typ = &arrow.TimestampType{Unit: arrow.Nanosecond}
		l.ints, l.untrusted = decodeInt96, true
	case parquet.Float:
		l.typ, l.floats = arrow.PrimitiveTypes.Float64, decodeFloat32
	case parquet.Double:
		l.typ, l.floats = arrow.PrimitiveTypes.Float64, decodeFloat64
	case parquet.ByteArray, parquet.FixedLenByteArray:
		l.typ = arrow.BinaryTypes.Binary
	default:
		l.unsupported(fmt.Sprintf("its type %v is unknown", l.kind))
	}
}

func (l *leaf) setTimestamp(t *format.TimestampType) {
	typ := &arrow.TimestampType{}
	if t.IsAdjustedToUTC {
		typ.TimeZone = "UTC"
	}
	switch t.Unit.Value.(type) {
	case *format.MilliSeconds:
		typ.Unit = arrow.Millisecond
	case *format.MicroSeconds:
		typ.Unit = arrow.Microsecond
	case *format.NanoSeconds:
		typ.Unit = arrow.Nanosecond
	default:
		l.unsupported("the unit of its times is unknown")
		return
	}
	l.typ, l.ints = typ, decodeInt64
}

func (l *leaf) setDecimal(scale int32) {
	if scale < 0 || scale > 400 { // a double has no smaller powers of ten
		l.unsupported(fmt.Sprintf("decimals of scale %d are not supported", scale))
		return
	}
	l.typ = arrow.PrimitiveTypes.Float64
	switch l.kind {
	case parquet.Int32:
		l.floats = func(dst []float64, src values) error {
			for i := range dst {
				dst[i] = decimal(int64(int32(binary.LittleEndian.Uint32(src.data[4*i:]))), scale)
			}
			return nil
		}
	case parquet.Int64:
		l.floats = func(dst []float64, src values) error {
			for i := range dst {
				dst[i] = decimal(int64(binary.LittleEndian.Uint64(src.data[8*i:])), scale)
			}
			return nil
		}
	default:
		l.typeOrders = true
		l.floats = func(dst []float64, src values) (err error) {
			for i := range dst {
				if dst[i], err = bigDecimal(src.at(i), scale); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

// bounds returns the values of two statistics, lo rounded down and hi rounded
// up to doubles.
func (l *leaf) bounds(min, max []byte) (lo, hi float64, ok bool) {
	lo, okLo := l.bound(min, -1)
	hi, okHi := l.bound(max, 1)
	return lo, hi, okLo && okHi && lo <= hi // false for NaN
}

func (l *leaf) bound(b []byte, direction int) (float64, bool) {
	v := values{data: b, width: l.width}
	if l.width == 0 {
		v.offsets = []uint32{0, uint32(len(b))}
	} else if len(b) != l.width {
		return 0, false
	}
	switch {
	case l.ints != nil:
		var x [1]int64
		if l.ints(x[:], v) != nil {
			return 0, false
		}
		f := float64(x[0])
		above := f >= 1<<63 || int64(f) > x[0]
		if !above && int64(f) == x[0] || above == (direction > 0) {
			return f, true
		}
		return math.Nextafter(f, math.Inf(direction)), true
	case l.floats != nil:
		var x [1]float64
		return x[0], l.floats(x[:], v) == nil
	case l.days != nil:
		var x [1]int32
		return float64(x[0]), l.days(x[:], v) == nil
	}
	return 0, false
}

func decodeInt64(dst []int64, src values) error {
	copy(arrow.Int64Traits.CastToBytes(dst), src.data)
	return nil
}

func decodeUint64(dst []int64, src values) error {
	copy(arrow.Int64Traits.CastToBytes(dst), src.data)
	for _, v := range dst {
		if v < 0 {
			return &valueError{fmt.Sprintf("the unsigned value %d is above 2^63-1", uint64(v)), "write the column as text, or as signed integers"}
		}
	}
	return nil
}

func decodeInt32(dst []int64, src values) error {
	for i := range dst {
		dst[i] = int64(int32(binary.LittleEndian.Uint32(src.data[4*i:])))
	}
	return nil
}

func decodeUint32(dst []int64, src values) error {
	for i := range dst {
		dst[i] = int64(binary.LittleEndian.Uint32(src.data[4*i:]))
	}
	return nil
}

func decodeFloat64(dst []float64, src values) error {
	copy(arrow.Float64Traits.CastToBytes(dst), src.data)
	return nil
}

func decodeFloat32(dst []float64, src values) error {
	for i := range dst {
		dst[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(src.data[4*i:])))
	}
	return nil
}

func decodeHalves(dst []float64, src values) error {
	for i := range dst {
		dst[i] = float64(float16.FromLEBytes(src.data[2*i:]).Float32())
	}
	return nil
}

func decodeDays(dst []int32, src values) error {
	copy(arrow.Int32Traits.CastToBytes(dst), src.data)
	return nil
}

const (
	nanosPerDay = 24 * 60 * 60 * 1_000_000_000
	epochJulian = 2_440_588 // the Julian day number of 1970-01-01
)

// decodeInt96 decodes times as nanoseconds within a Julian day. Times that
// int64 nanoseconds cannot express, before 1678 or after 2261, become the
// first or the last one that they can: writers put 9999-12-31 for "never".
func decodeInt96(dst []int64, src values) error {
	for i := range dst {
		nanos := int64(binary.LittleEndian.Uint64(src.data[12*i:]))
		days := int64(int32(binary.LittleEndian.Uint32(src.data[12*i+8:]))) - epochJulian
		switch {
		case nanos < -nanosPerDay || nanos > nanosPerDay:
			return fmt.Errorf("an INT96 time has %d nanoseconds in a day", nanos)
		case days < math.MinInt64/nanosPerDay+2:
			dst[i] = math.MinInt64
		case days > math.MaxInt64/nanosPerDay-2:
			dst[i] = math.MaxInt64
		default:
			dst[i] = days*nanosPerDay + nanos
		}
	}
	return nil
}

// powersOfTen are those that doubles hold exactly.
var powersOfTen = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// decimal returns the double nearest to unscaled/10^scale: the quotient of two
// exact doubles is, other numbers take the way through text.
func decimal(unscaled int64, scale int32) float64 {
	const exact = 1 << 53
	if -exact <= unscaled && unscaled <= exact && int(scale) < len(powersOfTen) {
		return float64(unscaled) / powersOfTen[scale]
	}
	return parseDecimal(strconv.AppendInt(nil, unscaled, 10), scale)
}

// bigDecimal is decimal for a big-endian two's complement number.
func bigDecimal(b []byte, scale int32) (float64, error) {
	if len(b) == 0 {
		return 0, errors.New("a decimal has no bytes")
	}
	sign := byte(int8(b[0]) >> 7) // 0 or 0xff
	short := b
	for len(short) > 8 && short[0] == sign {
		short = short[1:]
	}
	if len(short) < 8 || len(short) == 8 && (len(b) == 8 || byte(int8(short[0])>>7) == sign) {
		n := int64(int8(sign))
		for _, c := range short {
			n = n<<8 | int64(c)
		}
		return decimal(n, scale), nil
	}
	n := new(big.Int).SetBytes(b)
	if sign != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return parseDecimal(n.Append(nil, 10), scale), nil
}

func parseDecimal(digits []byte, scale int32) float64 {
	text := strconv.AppendInt(append(slices.Clip(digits), "e-"...), int64(scale), 10)
	f, _ := strconv.ParseFloat(string(text), 64) // an error would be a range error, for which f is right
	return f
}
