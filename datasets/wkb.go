package datasets

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// decodePoints writes the coordinates of a column of points to x and y, which
// have the length of a. Values are well-known binary, as such or as
// hexadecimal text, with or without the SRID of PostGIS; Z and M are ignored.
// Nulls and empty points get NaN. So do values that are no points, which are
// counted, and all values of a column of another type.
func decodePoints(a arrow.Array, x, y []float64) (others int) {
	value := pointBytes(a)
	var room [maxPoint]byte
	for i := range a.Len() {
		x[i], y[i] = math.NaN(), math.NaN()
		if a.IsNull(i) {
			continue
		}
		ok := false
		if value != nil {
			if wkb := value(i, room[:]); wkb != nil {
				x[i], y[i], ok = decodePoint(wkb)
			}
		}
		if !ok {
			others++
		}
	}
	return others
}

// maxPoint is the size of the longest point: byte order, type, SRID and four
// coordinates.
const maxPoint = 1 + 4 + 4 + 4*8

// pointBytes returns a function that returns the bytes of row i of a, nil if
// they are no WKB. It may use room. The function is nil if a has another type.
func pointBytes(a arrow.Array) func(i int, room []byte) []byte {
	switch a := a.(type) {
	case *array.Binary:
		return func(i int, room []byte) []byte { return a.Value(i) }
	case *array.String:
		return func(i int, room []byte) []byte {
			text := a.Value(i)
			if len(text) > 2*len(room) || len(text)%2 != 0 {
				return nil
			}
			n, err := hex.Decode(room, append(make([]byte, 0, 2*maxPoint), text...))
			if err != nil {
				return nil
			}
			return room[:n]
		}
	case *array.Dictionary:
		word := pointBytes(a.Dictionary())
		if word == nil {
			return nil
		}
		return func(i int, room []byte) []byte { return word(a.GetValueIndex(i), room) }
	}
	return nil
}

// Parts of the type of a WKB geometry.
const (
	wkbPoint = 1
	ewkbZ    = 1 << 31
	ewkbM    = 1 << 30
	ewkbSRID = 1 << 29
)

// decodePoint returns the coordinates of a point. An empty one has NaN.
func decodePoint(b []byte) (x, y float64, ok bool) {
	nan := math.NaN()
	if len(b) < 5 || b[0] > 1 {
		return nan, nan, false
	}
	var order binary.ByteOrder = binary.BigEndian
	if b[0] == 1 {
		order = binary.LittleEndian
	}
	typ, b := order.Uint32(b[1:]), b[5:]
	if typ&ewkbSRID != 0 {
		if len(b) < 4 {
			return nan, nan, false
		}
		b = b[4:]
	}
	coordinates := 2
	for _, flag := range []uint32{ewkbZ, ewkbM} {
		if typ&flag != 0 {
			coordinates++
		}
	}
	// ISO adds 1000 for Z, 2000 for M and 3000 for both.
	switch typ &^ (ewkbZ | ewkbM | ewkbSRID) {
	case wkbPoint:
	case 1000 + wkbPoint, 2000 + wkbPoint:
		coordinates = 3
	case 3000 + wkbPoint:
		coordinates = 4
	default:
		return nan, nan, false
	}
	if len(b) != 8*coordinates {
		return nan, nan, false
	}
	x, y = math.Float64frombits(order.Uint64(b)), math.Float64frombits(order.Uint64(b[8:]))
	if math.IsNaN(x) || math.IsNaN(y) {
		return nan, nan, true
	}
	return x, y, true
}

// wgs84 is the EPSG code of longitude and latitude, the coordinates of
// GeoParquet if a file does not say otherwise.
const wgs84 = 4326

// geoColumn reads the metadata that GeoParquet files have under the key
// "geo". It returns the main geometry column and the EPSG code of its
// coordinates, 0 if they are of another or unknown system.
func geoColumn(metadata string) (column string, epsg int, ok bool) {
	var geo struct {
		Primary string `json:"primary_column"`
		Columns map[string]struct {
			CRS json.RawMessage `json:"crs"`
		} `json:"columns"`
	}
	if json.Unmarshal([]byte(metadata), &geo) != nil {
		return "", 0, false
	}
	c, ok := geo.Columns[geo.Primary]
	if !ok {
		return "", 0, false
	}
	return geo.Primary, crsCode(c.CRS), true
}

// crsCode returns the EPSG code of a coordinate system in PROJ's JSON, 0 if it
// has none. Without crs it is the one of GeoParquet.
func crsCode(crs json.RawMessage) int {
	if crs == nil {
		return wgs84
	}
	var system struct {
		ID struct {
			Authority string          `json:"authority"`
			Code      json.RawMessage `json:"code"` // a number or a text
		} `json:"id"`
	}
	if json.Unmarshal(crs, &system) != nil {
		return 0
	}
	return authorityCode(system.ID.Authority, strings.Trim(string(system.ID.Code), `"`))
}

func authorityCode(authority, code string) int {
	switch authority {
	case "EPSG":
		if n, err := strconv.Atoi(code); err == nil && n > 0 {
			return n
		}
	case "OGC":
		if code == "CRS84" || code == "CRS84h" {
			return wgs84
		}
	}
	return 0
}

// Geo returns the column of the places of the rows, if the file says which it
// is: "geometry", say, for a column of WKB or for columns geometry.x and
// geometry.y. epsg is 0 if the coordinates are of an unknown system.
func (t *parquetTable) Geo() (column string, epsg int, ok bool) {
	if metadata, found := t.parquet.Lookup("geo"); found {
		return geoColumn(metadata)
	}
	// Newer files annotate the type.
	for _, l := range t.leaves {
		if l.geometry && l.reason == "" {
			epsg = wgs84
			if l.crs != "" {
				authority, code, _ := strings.Cut(l.crs, ":")
				epsg = authorityCode(authority, code)
			}
			return strings.Join(l.path, "."), epsg, true
		}
	}
	return "", 0, false
}
