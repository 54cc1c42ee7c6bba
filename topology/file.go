package topology

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strconv"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	flatbuffers "github.com/google/flatbuffers/go"
)

// An index file is an Arrow IPC file (the "Feather V2" format), not
// compressed, that any Arrow library can open or map. It has a record batch a
// season and direction, super-level before sub-level, with the columns below;
// its rows are the pairs, most persistent first. The schema's metadata says
// which domain and seasons they are of, and holds a CRC-32C of each batch's
// column values and one of itself.

// fileVersion changes when an old reader would misread a new file.
const fileVersion = 1

const (
	formatKey  = "polygamy.format"
	formatName = "merge trees"
	versionKey = "polygamy.version"
	indexKey   = "polygamy.index"
	sumKey     = "polygamy.index.crc32c"
)

// ErrFile is the cause of every error about the content of an index file: it
// is no index file, of another version, or damaged.
var ErrFile = errors.New("not a readable merge tree file")

func fileError(format string, args ...any) error {
	return fmt.Errorf("topology: %w: %s", ErrFile, fmt.Sprintf(format, args...))
}

// header is the JSON text under indexKey.
type header struct {
	Regions int           `json:"regions"`
	Steps   int           `json:"steps"`
	Covered int           `json:"covered"`
	Seasons []Season      `json:"seasons"`
	Batches []batchHeader `json:"batches"` // two a season
}

type batchHeader struct {
	Pairs  int    `json:"pairs"`
	CRC32C uint32 `json:"crc32c"`
}

func fileFields() []arrow.Field {
	return []arrow.Field{
		{Name: "extremum", Type: arrow.PrimitiveTypes.Int32},
		{Name: "saddle", Type: arrow.PrimitiveTypes.Int32},
		{Name: "parent", Type: arrow.PrimitiveTypes.Int32},
		{Name: "birth", Type: arrow.PrimitiveTypes.Float64},
		{Name: "death", Type: arrow.PrimitiveTypes.Float64},
	}
}

// bytes returns the columns' values as little-endian bytes, in field order.
func (c *columns) bytes() [][]byte {
	return [][]byte{
		arrow.Int32Traits.CastToBytes(c.extremum),
		arrow.Int32Traits.CastToBytes(c.saddle),
		arrow.Int32Traits.CastToBytes(c.parent),
		arrow.Float64Traits.CastToBytes(c.birth),
		arrow.Float64Traits.CastToBytes(c.death),
	}
}

func checksum(parts ...[]byte) uint32 {
	sum := uint32(0)
	for _, p := range parts {
		sum = crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), p)
	}
	return sum
}

// Write writes x as an index file. Equal indexes give equal bytes.
func (x *Index) Write(w io.Writer) error {
	h := header{Regions: x.regions, Steps: x.steps, Covered: x.covered}
	for i := range x.seasons {
		h.Seasons = append(h.Seasons, x.seasons[i].Season)
		for _, direction := range []Direction{Super, Sub} {
			t := x.seasons[i].Tree(direction)
			h.Batches = append(h.Batches, batchHeader{Pairs: t.Len(), CRC32C: checksum(t.bytes()...)})
		}
	}
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("topology: write index: %w", err)
	}
	metadata := arrow.NewMetadata(
		[]string{formatKey, versionKey, indexKey, sumKey},
		[]string{formatName, strconv.Itoa(fileVersion), string(text), strconv.FormatUint(uint64(checksum(text)), 10)})
	schema := arrow.NewSchema(fileFields(), &metadata)
	file, err := ipc.NewFileWriter(&writeSeeker{w: w}, ipc.WithSchema(schema))
	if err != nil {
		return fmt.Errorf("topology: write index: %w", err)
	}
	for i := range x.seasons {
		for _, direction := range []Direction{Super, Sub} {
			if err := file.Write(x.seasons[i].Tree(direction).record(schema)); err != nil {
				return fmt.Errorf("topology: write index: %w", err)
			}
		}
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("topology: write index: %w", err)
	}
	return nil
}

// record returns the pairs as an Arrow record that shares their memory.
func (t *Tree) record(schema *arrow.Schema) arrow.Record {
	arrays := make([]arrow.Array, schema.NumFields())
	for i, b := range t.bytes() {
		data := array.NewData(schema.Field(i).Type, t.Len(), []*memory.Buffer{nil, memory.NewBufferBytes(b)}, nil, 0, 0)
		arrays[i] = array.MakeFromData(data)
	}
	return array.NewRecord(schema, arrays, int64(t.Len()))
}

// A writeSeeker lets the Arrow writer, which only asks where it is, write to
// any stream.
type writeSeeker struct {
	w  io.Writer
	at int64
}

func (w *writeSeeker) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.at += int64(n)
	return n, err
}

func (w *writeSeeker) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.New("topology: an index file is written forwards only")
	}
	return w.at, nil
}

// ReadIndex returns the index in data, the bytes of an index file. The trees
// point into data, which may be mapped memory and must not change or vanish
// while they are in use; nothing is copied if data is aligned to 8 bytes.
// Data that is not a whole index file of this version, in every byte that
// matters, gives an error that wraps ErrFile.
func ReadIndex(data []byte) (x *Index, err error) {
	defer func() {
		// The Arrow and flatbuffers libraries panic on offsets that lead out
		// of a damaged file.
		if r := recover(); r != nil {
			x, err = nil, fileError("damaged: %v", r)
		}
	}()
	const magic = "ARROW1"
	if len(data) < 2*len(magic)+8 || string(data[:len(magic)]) != magic || string(data[len(data)-len(magic):]) != magic {
		return nil, fileError("not an Arrow file, or cut off")
	}
	if uintptr(unsafe.Pointer(unsafe.SliceData(data)))%8 != 0 {
		data = slices.Clone(data)
	}
	m := messages{data: data, at: 8}
	schema, _, err := m.next()
	if err != nil {
		return nil, err
	}
	h, err := readHeader(schema)
	if err != nil {
		return nil, err
	}
	x = &Index{regions: h.Regions, steps: h.Steps, covered: h.Covered, mapped: true}
	for i, s := range h.Seasons {
		trees := Trees{Season: s}
		if trees.Super, err = m.readTree(Super, h.Batches[2*i], s, h.Regions); err != nil {
			return nil, err
		}
		if trees.Sub, err = m.readTree(Sub, h.Batches[2*i+1], s, h.Regions); err != nil {
			return nil, err
		}
		x.seasons = append(x.seasons, trees)
	}
	return x, nil
}

// readHeader reads and checks the metadata of the schema message. It does not
// use the Arrow library, which would believe a damaged length and ask for all
// the memory of the machine.
func readHeader(message flatbuffers.Table) (*header, error) {
	var schema flatbuffers.Table
	message.Union(&schema, flatbuffers.UOffsetT(message.Offset(8))) // Message.header
	metadata := flatbuffers.UOffsetT(schema.Offset(8))              // Schema.custom_metadata
	value := func(key string) string {
		if metadata == 0 {
			return ""
		}
		for i := range min(schema.VectorLen(metadata), 64) { // more than any writer of this format has
			at := schema.Vector(metadata) + flatbuffers.UOffsetT(4*i)
			pair := flatbuffers.Table{Bytes: schema.Bytes, Pos: schema.Indirect(at)}
			text := func(slot flatbuffers.VOffsetT) string {
				return string(pair.ByteVector(pair.Pos + flatbuffers.UOffsetT(pair.Offset(slot))))
			}
			if text(4) == key {
				return text(6)
			}
		}
		return ""
	}
	if value(formatKey) != formatName {
		return nil, fileError("an Arrow file of another kind")
	}
	if v := value(versionKey); v != strconv.Itoa(fileVersion) {
		return nil, fileError("format version %q; this program reads version %d, so build the index again", v, fileVersion)
	}
	text := value(indexKey)
	if value(sumKey) != strconv.FormatUint(uint64(checksum([]byte(text))), 10) {
		return nil, fileError("damaged: checksum of the header differs")
	}
	var h header
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return nil, fileError("header: %v", err)
	}
	if h.Regions < 0 || h.Steps < 0 || h.Regions > math.MaxInt32 || h.Steps > math.MaxInt32 || len(h.Batches) != 2*len(h.Seasons) {
		return nil, fileError("header: %d regions, %d steps, %d batches for %d seasons", h.Regions, h.Steps, len(h.Batches), len(h.Seasons))
	}
	if h.Covered < 0 || h.Covered > h.Regions*h.Steps {
		return nil, fileError("header: %d of %d cells have a value", h.Covered, h.Regions*h.Steps)
	}
	if err := checkSeasons(h.Seasons, h.Steps); err != nil {
		return nil, fileError("header: %v", err)
	}
	return &h, nil
}

// messages walks the encapsulated messages of an Arrow file. The Arrow
// library would copy every buffer; this leaves them where they are.
type messages struct {
	data []byte
	at   int
}

// next returns the flatbuffer and the body of the next message.
func (m *messages) next() (meta flatbuffers.Table, body []byte, err error) {
	const continuation = 0xFFFFFFFF
	prefix := m.data[m.at : m.at+8]
	size := int(int32(binary.LittleEndian.Uint32(prefix[4:])))
	if binary.LittleEndian.Uint32(prefix) != continuation || size <= 0 {
		return meta, nil, fileError("damaged: no message at byte %d", m.at)
	}
	text := m.data[m.at+8 : m.at+8+size]
	meta = flatbuffers.Table{Bytes: text, Pos: flatbuffers.GetUOffsetT(text)}
	first := m.at + 8 + size
	length := meta.GetInt64Slot(10, 0) // Message.bodyLength
	if length < 0 || length > int64(len(m.data)-first) {
		return meta, nil, fileError("damaged: a message body of %d bytes at byte %d", length, first)
	}
	m.at = first + int(length)
	return meta, m.data[first:m.at], nil
}

// readTree reads the next record batch.
func (m *messages) readTree(direction Direction, h batchHeader, s Season, regions int) (*Tree, error) {
	meta, body, err := m.next()
	if err != nil {
		return nil, err
	}
	var batch flatbuffers.Table
	meta.Union(&batch, flatbuffers.UOffsetT(meta.Offset(8))) // Message.header
	if n := batch.GetInt64Slot(4, 0); h.Pairs < 0 || h.Pairs > math.MaxInt32 || n != int64(h.Pairs) || batch.Offset(10) != 0 {
		return nil, fileError("damaged: a batch of %d pairs, compressed %t; the header says %d, not compressed", n, batch.Offset(10) != 0, h.Pairs)
	}
	buffers := batch.Vector(flatbuffers.UOffsetT(batch.Offset(8)))
	if n := batch.VectorLen(flatbuffers.UOffsetT(batch.Offset(8))); n != 10 {
		return nil, fileError("damaged: a batch of %d buffers", n)
	}
	column := func(i, width int) []byte { // buffer 2i is the validity of column i, which has no nulls
		at := buffers + flatbuffers.UOffsetT(16*(2*i+1))
		offset, length := batch.GetInt64(at), batch.GetInt64(at+8)
		if offset < 0 || offset%8 != 0 || length < int64(h.Pairs*width) {
			panic(fmt.Sprintf("column %d", i))
		}
		end := offset + int64(h.Pairs*width)
		return body[offset:end:end]
	}
	t := &Tree{direction: direction, columns: columns{
		extremum: arrow.Int32Traits.CastFromBytes(column(0, 4)),
		saddle:   arrow.Int32Traits.CastFromBytes(column(1, 4)),
		parent:   arrow.Int32Traits.CastFromBytes(column(2, 4)),
		birth:    arrow.Float64Traits.CastFromBytes(column(3, 8)),
		death:    arrow.Float64Traits.CastFromBytes(column(4, 8)),
	}}
	if checksum(t.bytes()...) != h.CRC32C {
		return nil, fileError("damaged: checksum of the %s-level tree of season %d differs", direction, s.Code)
	}
	return t, t.check(s, (s.End-s.First)*regions)
}

// check reports what in a tree cannot be, so that a file made by another
// program does no harm.
func (t *Tree) check(s Season, vertices int) error {
	for i := range t.Len() {
		e, d, p := int(t.extremum[i]), int(t.saddle[i]), int(t.parent[i])
		if e < 0 || e >= vertices || d < 0 || d >= vertices || p < -1 || p >= vertices ||
			!(math.Abs(t.birth[i]) <= maxMagnitude) || !(math.Abs(t.death[i]) <= maxMagnitude) ||
			i > 0 && t.Persistence(i) > t.Persistence(i-1) {
			return fileError("pair %d of the %s-level tree of season %d cannot be", i, t.direction, s.Code)
		}
	}
	return nil
}
