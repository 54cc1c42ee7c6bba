// Package arrowfile keeps columns of numbers in Arrow IPC files that can be
// mapped into memory and used as they are.
//
// Such a file is a plain, uncompressed Arrow IPC file (the "Feather V2"
// format), which any Arrow library can open. Its schema's metadata names the
// kind and version of its content, a header in JSON, and CRC-32C checksums of
// the header and of every batch, so that damage is an error and never a wrong
// number. Reading copies nothing.
package arrowfile

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

// The keys of the schema's metadata.
const (
	kindKey    = "polygamy.format"
	versionKey = "polygamy.version"
	headerKey  = "polygamy.header"
	batchesKey = "polygamy.batches"
	sumKey     = "polygamy.crc32c" // of the header and the batches' text
)

// A Kind tells files of one content from all others.
type Kind struct {
	Name    string
	Version int           // changes when an old reader would misread a new file
	Fields  []arrow.Field // fixed-width numbers
	Err     error         // what errors about the content of a file wrap
}

// A Column holds the values of a column as little-endian bytes.
type Column struct {
	Values   []byte
	Validity []byte // bitmap of the values that are there, lowest bit first; nil if all are
}

// A Batch holds some rows of all columns.
type Batch struct {
	Rows    int
	Columns []Column
}

type batchHeader struct {
	Rows   int    `json:"rows"`
	CRC32C uint32 `json:"crc32c"`
}

func (b *Batch) checksum() uint32 {
	sum := uint32(0)
	for _, c := range b.Columns {
		sum = crc32.Update(sum, castagnoli(), c.Values)
		sum = crc32.Update(sum, castagnoli(), c.Validity)
	}
	return sum
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func (k *Kind) errorf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", k.Err, fmt.Sprintf(format, args...))
}

// Write writes a file. Equal contents give equal bytes.
func (k *Kind) Write(w io.Writer, header any, batches []Batch) error {
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	headers := make([]batchHeader, len(batches))
	for i := range batches {
		headers[i] = batchHeader{Rows: batches[i].Rows, CRC32C: batches[i].checksum()}
	}
	list, err := json.Marshal(headers)
	if err != nil {
		return err
	}
	sum := crc32.Update(crc32.Checksum(text, castagnoli()), castagnoli(), list)
	metadata := arrow.NewMetadata(
		[]string{kindKey, versionKey, headerKey, batchesKey, sumKey},
		[]string{k.Name, strconv.Itoa(k.Version), string(text), string(list), strconv.FormatUint(uint64(sum), 10)})
	schema := arrow.NewSchema(k.Fields, &metadata)
	file, err := ipc.NewFileWriter(&writeSeeker{w: w}, ipc.WithSchema(schema))
	if err != nil {
		return err
	}
	for i := range batches {
		if err := file.Write(batches[i].record(schema)); err != nil {
			return err
		}
	}
	return file.Close()
}

// record returns the batch as an Arrow record that shares its memory.
func (b *Batch) record(schema *arrow.Schema) arrow.Record {
	arrays := make([]arrow.Array, len(b.Columns))
	for i, c := range b.Columns {
		var validity *memory.Buffer
		nulls := 0
		if c.Validity != nil {
			validity, nulls = memory.NewBufferBytes(c.Validity), array.UnknownNullCount
		}
		data := array.NewData(schema.Field(i).Type, b.Rows, []*memory.Buffer{validity, memory.NewBufferBytes(c.Values)}, nil, nulls, 0)
		arrays[i] = array.MakeFromData(data)
	}
	return array.NewRecord(schema, arrays, int64(b.Rows))
}

// A writeSeeker lets the Arrow writer, which only asks where it is, write to
// any stream.
type writeSeeker struct {
	w  io.Writer
	at int64
}

// Write writes p to the stream.
func (w *writeSeeker) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.at += int64(n)
	return n, err
}

// Seek says where the stream is; it cannot move.
func (w *writeSeeker) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.New("the file is written forwards only")
	}
	return w.at, nil
}

// Read returns the batches in data, the bytes of a file, and decodes its
// header. The batches point into data, which may be mapped memory and must
// not change or vanish while they are in use; nothing is copied if data is
// aligned to 8 bytes. Data that is not a whole file of this kind and version,
// in every byte that matters, gives an error that wraps k.Err.
func (k *Kind) Read(data []byte, header any) (batches []Batch, err error) {
	defer func() {
		// The flatbuffers library panics on offsets that lead out of a
		// damaged file.
		if r := recover(); r != nil {
			batches, err = nil, k.errorf("damaged: %v", r)
		}
	}()
	const magic = "ARROW1"
	if len(data) < 2*len(magic)+8 || string(data[:len(magic)]) != magic || string(data[len(data)-len(magic):]) != magic {
		return nil, k.errorf("not an Arrow file, or cut off")
	}
	if uintptr(unsafe.Pointer(unsafe.SliceData(data)))%8 != 0 {
		data = slices.Clone(data)
	}
	m := messages{kind: k, data: data, at: 8}
	schema, _, err := m.next()
	if err != nil {
		return nil, err
	}
	headers, err := k.readMetadata(schema, header)
	if err != nil {
		return nil, err
	}
	for i, h := range headers {
		b, err := m.readBatch(h)
		if err != nil {
			return nil, err
		}
		if b.checksum() != h.CRC32C {
			return nil, k.errorf("damaged: checksum of batch %d differs", i)
		}
		batches = append(batches, b)
	}
	return batches, nil
}

// readMetadata reads and checks the metadata of the schema message. It does
// not use the Arrow library, which would believe a damaged length and ask for
// all the memory of the machine.
func (k *Kind) readMetadata(message flatbuffers.Table, header any) ([]batchHeader, error) {
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
	if value(kindKey) != k.Name {
		return nil, k.errorf("an Arrow file of another kind")
	}
	if v := value(versionKey); v != strconv.Itoa(k.Version) {
		return nil, k.errorf("format version %q; this program reads version %d, so make the file again", v, k.Version)
	}
	text, list := []byte(value(headerKey)), []byte(value(batchesKey))
	sum := crc32.Update(crc32.Checksum(text, castagnoli()), castagnoli(), list)
	if value(sumKey) != strconv.FormatUint(uint64(sum), 10) {
		return nil, k.errorf("damaged: checksum of the header differs")
	}
	var headers []batchHeader
	if err := errors.Join(json.Unmarshal(text, header), json.Unmarshal(list, &headers)); err != nil {
		return nil, k.errorf("header: %v", err)
	}
	return headers, nil
}

// messages walks the encapsulated messages of an Arrow file. The Arrow
// library would copy every buffer; this leaves them where they are.
type messages struct {
	kind *Kind
	data []byte
	at   int
}

// next returns the flatbuffer and the body of the next message.
func (m *messages) next() (meta flatbuffers.Table, body []byte, err error) {
	const continuation = 0xFFFFFFFF
	prefix := m.data[m.at : m.at+8]
	size := int(int32(binary.LittleEndian.Uint32(prefix[4:])))
	if binary.LittleEndian.Uint32(prefix) != continuation || size <= 0 {
		return meta, nil, m.kind.errorf("damaged: no message at byte %d", m.at)
	}
	text := m.data[m.at+8 : m.at+8+size]
	meta = flatbuffers.Table{Bytes: text, Pos: flatbuffers.GetUOffsetT(text)}
	first := m.at + 8 + size
	length := meta.GetInt64Slot(10, 0) // Message.bodyLength
	if length < 0 || length > int64(len(m.data)-first) {
		return meta, nil, m.kind.errorf("damaged: a message body of %d bytes at byte %d", length, first)
	}
	m.at = first + int(length)
	return meta, m.data[first:m.at], nil
}

// readBatch reads the next record batch.
func (m *messages) readBatch(h batchHeader) (b Batch, err error) {
	fields := m.kind.Fields
	meta, body, err := m.next()
	if err != nil {
		return b, err
	}
	var batch flatbuffers.Table
	meta.Union(&batch, flatbuffers.UOffsetT(meta.Offset(8))) // Message.header
	if n := batch.GetInt64Slot(4, 0); h.Rows < 0 || h.Rows > math.MaxInt32 || n != int64(h.Rows) || batch.Offset(10) != 0 {
		return b, m.kind.errorf("damaged: a batch of %d rows, compressed %t; the header says %d, not compressed", n, batch.Offset(10) != 0, h.Rows)
	}
	buffers := batch.Vector(flatbuffers.UOffsetT(batch.Offset(8)))
	if n := batch.VectorLen(flatbuffers.UOffsetT(batch.Offset(8))); n != 2*len(fields) {
		return b, m.kind.errorf("damaged: a batch of %d buffers", n)
	}
	buffer := func(i, want int) []byte {
		at := buffers + flatbuffers.UOffsetT(16*i)
		offset, length := batch.GetInt64(at), batch.GetInt64(at+8)
		if offset < 0 || offset%8 != 0 || length < int64(want) {
			panic(fmt.Sprintf("buffer %d", i))
		}
		return body[offset : offset+int64(want) : offset+int64(want)]
	}
	length := func(i int) int64 { return batch.GetInt64(buffers + flatbuffers.UOffsetT(16*i+8)) }
	b.Rows = h.Rows
	for i, f := range fields {
		width := f.Type.(arrow.FixedWidthDataType).BitWidth() / 8
		c := Column{Values: buffer(2*i+1, h.Rows*width)}
		if f.Nullable && h.Rows > 0 && length(2*i) > 0 {
			c.Validity = buffer(2*i, (h.Rows+7)/8)
		}
		b.Columns = append(b.Columns, c)
	}
	return b, nil
}
