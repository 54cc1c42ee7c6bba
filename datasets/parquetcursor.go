package datasets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
)

// A pageCursor reads one column of a row group. It holds one page at a time, so
// its memory does not depend on the size of the row group.
type pageCursor struct {
	*leaf
	pages parquet.Pages
	sink  sink

	page   parquet.Page
	rows   int    // of the page
	row    int    // next one
	levels []byte // of the rows, if some are null
	coded  bool   // the page has codes of the dictionary
	codes  []int32
	values values
	value  int    // next one
	truths []byte // memory for the values of a page of bits

	known bool // the sink has the dictionary

	valid validity
}

// validity says which rows of the batch so far have a value.
type validity struct {
	bits  []byte // nil if the column has no nulls by its schema
	rows  int
	nulls int
}

// A sink takes the values of a column and makes an array of those since the
// last reset. Its memory is reused by the next batch.
type sink interface {
	reset()
	dictionary(v values) error
	plain(v values) error
	codes(codes []int32) error
	// spread moves the last values, which are those of the rows with
	// levels[i] == level, to their rows. Other rows get zero or no text.
	spread(levels []byte, level byte)
	array(n int, valid *memory.Buffer, nulls int) arrow.Array
}

func newPageCursor(l *leaf, pages parquet.Pages) *pageCursor {
	c := &pageCursor{leaf: l, pages: pages}
	if l.nullLevel > 0 {
		c.valid.bits = make([]byte, batchRows/8)
	}
	switch {
	case l.ints != nil:
		c.sink = newNumbers(l.typ, l.ints, arrow.Int64Traits.CastToBytes)
	case l.floats != nil:
		c.sink = newNumbers(l.typ, l.floats, arrow.Float64Traits.CastToBytes)
	case l.days != nil:
		c.sink = newNumbers(l.typ, l.days, arrow.Int32Traits.CastToBytes)
	case l.kind == parquet.Boolean:
		c.sink = newTruths()
	default:
		c.sink = newTexts(l.typ, &c.valid)
	}
	return c
}

func (c *pageCursor) close() {
	if c.page != nil {
		parquet.Release(c.page)
		c.page = nil
	}
	c.pages.Close()
}

// fill reads the next n rows.
func (c *pageCursor) fill(n int) error {
	c.sink.reset()
	c.valid.rows, c.valid.nulls = 0, 0
	clear(c.valid.bits)
	for c.valid.rows < n {
		if c.row == c.rows {
			if err := c.next(); err == io.EOF {
				return errors.New("the column ends before the last row")
			} else if err != nil {
				return err
			}
			continue
		}
		if err := c.take(min(n-c.valid.rows, c.rows-c.row)); err != nil {
			return err
		}
	}
	return nil
}

// end checks that no row is left.
func (c *pageCursor) end() error {
	for c.row == c.rows {
		if err := c.next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	return errors.New("the column goes on after the last row")
}

// next opens the next page, or returns io.EOF.
func (c *pageCursor) next() error {
	if c.page != nil {
		parquet.Release(c.page)
		c.page = nil
	}
	page, err := c.pages.ReadPage()
	if err != nil {
		return err
	}
	c.page = page
	c.rows, c.row, c.value = int(page.NumValues()), 0, 0
	present := c.rows
	c.levels = nil
	if c.nullLevel > 0 {
		levels := page.DefinitionLevels()
		if len(levels) != c.rows {
			return fmt.Errorf("a page has %d definition levels for %d rows", len(levels), c.rows)
		}
		if present = bytes.Count(levels, []byte{c.nullLevel}); present < c.rows {
			c.levels = levels
		}
	}
	data := page.Data()
	if d := page.Dictionary(); d != nil {
		c.coded = true
		if c.codes = data.Int32(); len(c.codes) < present {
			return fmt.Errorf("a page has %d codes for %d values", len(c.codes), present)
		}
		return c.setDictionary(d)
	}
	c.coded = false
	if c.values = c.valuesOf(data, present, &c.truths); c.values.len() < present {
		return fmt.Errorf("a page has %d values instead of %d", c.values.len(), present)
	}
	return nil
}

// setDictionary gives the dictionary, of which a row group has one, to the
// sink once.
func (c *pageCursor) setDictionary(d parquet.Dictionary) error {
	if c.known {
		return nil
	}
	var truths []byte
	v := c.valuesOf(d.Page().Data(), d.Len(), &truths)
	if v.len() < d.Len() {
		return fmt.Errorf("the dictionary has %d values instead of %d", v.len(), d.Len())
	}
	c.known = true
	return c.sink.dictionary(v)
}

// valuesOf returns up to n of the values of a page. Bits become bytes, in the
// memory of truths.
func (c *pageCursor) valuesOf(page encoding.Values, n int, truths *[]byte) values {
	data, offsets := page.Data()
	switch c.kind {
	case parquet.Boolean:
		n = min(n, 8*len(data))
		*truths = slices.Grow((*truths)[:0], n)[:n]
		for i := range *truths {
			(*truths)[i] = data[i/8] >> (i % 8) & 1
		}
		return values{data: *truths, width: 1}
	case parquet.ByteArray:
		if len(offsets) == 0 {
			offsets = []uint32{0}
		}
		return values{data: data, offsets: offsets}
	}
	return values{data: data, width: c.width}
}

// take hands the next k rows of the page to the sink.
func (c *pageCursor) take(k int) error {
	var levels []byte
	present := k
	if c.levels != nil {
		levels = c.levels[c.row : c.row+k]
		present = bytes.Count(levels, []byte{c.nullLevel})
	}
	if present > 0 {
		var err error
		if c.coded {
			err = c.sink.codes(c.codes[c.value : c.value+present])
		} else {
			err = c.sink.plain(c.values.slice(c.value, present))
		}
		if err != nil {
			return err
		}
	}
	if present < k {
		c.sink.spread(levels, c.nullLevel)
		c.valid.add(levels, c.nullLevel)
		c.valid.nulls += k - present
	} else {
		c.valid.addAll(k)
	}
	c.row += k
	c.value += present
	return nil
}

// add adds rows by their levels, eight at a time.
func (v *validity) add(levels []byte, level byte) {
	const (
		ones  = 0x0101010101010101
		lows  = 0x7f * ones // all but the highest bits of the bytes
		highs = 0x80 * ones
	)
	for ; len(levels) >= 8; levels = levels[8:] {
		differ := binary.LittleEndian.Uint64(levels) ^ uint64(level)*ones
		differ = (differ&lows + lows | differ) & highs // the highest bit of each byte that is not 0
		// The product collects the bits, of byte 0 first, in its highest byte.
		same := (differ ^ highs) >> 7 * 0x0102040810204080 >> 56
		at, shift := v.rows/8, v.rows%8
		v.bits[at] |= byte(same << shift)
		if shift > 0 {
			v.bits[at+1] |= byte(same >> (8 - shift))
		}
		v.rows += 8
	}
	for _, l := range levels {
		if l == level {
			v.bits[v.rows/8] |= 1 << (v.rows % 8)
		}
		v.rows++
	}
}

func (v *validity) addAll(n int) {
	if v.bits != nil {
		bitutil.SetBitsTo(v.bits, int64(v.rows), int64(n), true)
	}
	v.rows += n
}

// array returns the array of the rows of the batch.
func (c *pageCursor) array() arrow.Array {
	var valid *memory.Buffer
	if c.valid.nulls > 0 {
		valid = memory.NewBufferBytes(c.valid.bits[:(c.valid.rows+7)/8])
	}
	return c.sink.array(c.valid.rows, valid, c.valid.nulls)
}

// numbers is the sink of fixed width numbers.
type numbers[T int32 | int64 | float64] struct {
	typ    arrow.DataType
	decode decoder[T]
	cast   func([]T) []byte
	out    []T
	table  []T // the dictionary
}

func newNumbers[T int32 | int64 | float64](typ arrow.DataType, decode decoder[T], cast func([]T) []byte) *numbers[T] {
	return &numbers[T]{typ: typ, decode: decode, cast: cast, out: make([]T, 0, batchRows)}
}

func (s *numbers[T]) reset() { s.out = s.out[:0] }

func (s *numbers[T]) dictionary(v values) error {
	s.table = make([]T, v.len())
	return s.decode(s.table, v)
}

// extend makes room for n more values.
func (s *numbers[T]) extend(n int) []T {
	from := len(s.out)
	s.out = s.out[:from+n]
	return s.out[from:]
}

func (s *numbers[T]) plain(v values) error { return s.decode(s.extend(v.len()), v) }

func (s *numbers[T]) codes(codes []int32) error {
	dst, table := s.extend(len(codes)), s.table
	for i, k := range codes {
		if uint(k) >= uint(len(table)) {
			return errCode(k, len(table))
		}
		dst[i] = table[k]
	}
	return nil
}

func errCode(code int32, n int) error {
	return fmt.Errorf("code %d is outside of a dictionary of %d values", code, n)
}

func (s *numbers[T]) spread(levels []byte, level byte) {
	s.out = spread(s.out, levels, level)
}

// spread moves the last elements of out, one for each of levels that equals
// level, to their rows, and puts zero in the other rows.
func spread[T any](out []T, levels []byte, level byte) []T {
	present := bytes.Count(levels, []byte{level})
	from := len(out) - present
	out = out[:from+len(levels)]
	rows := out[from:]
	var zero T
	for i := len(rows) - 1; i >= 0; i-- {
		if levels[i] == level {
			present--
			rows[i] = rows[present]
		} else {
			rows[i] = zero
		}
	}
	return out
}

func (s *numbers[T]) array(n int, valid *memory.Buffer, nulls int) arrow.Array {
	return newArray(s.typ, n, nulls, nil, valid, memory.NewBufferBytes(s.cast(s.out[:n])))
}

func newArray(typ arrow.DataType, n, nulls int, dictionary *array.Data, buffers ...*memory.Buffer) arrow.Array {
	data := array.NewDataWithDictionary(typ, n, buffers, nulls, 0, dictionary)
	defer data.Release()
	return array.MakeFromData(data)
}

// truths is the sink of truth values, which are one byte each until they are
// packed.
type truths struct {
	out    []byte
	table  []byte
	packed []byte
}

func newTruths() *truths {
	return &truths{out: make([]byte, 0, batchRows), packed: make([]byte, batchRows/8)}
}

func (s *truths) reset() { s.out = s.out[:0] }

func (s *truths) dictionary(v values) error {
	s.table = v.data
	return nil
}

func (s *truths) plain(v values) error {
	s.out = append(s.out, v.data...)
	return nil
}

func (s *truths) codes(codes []int32) error {
	for _, k := range codes {
		if uint(k) >= uint(len(s.table)) {
			return errCode(k, len(s.table))
		}
		s.out = append(s.out, s.table[k])
	}
	return nil
}

func (s *truths) spread(levels []byte, level byte) { s.out = spread(s.out, levels, level) }

func (s *truths) array(n int, valid *memory.Buffer, nulls int) arrow.Array {
	clear(s.packed)
	for i, b := range s.out[:n] {
		s.packed[i/8] |= b << (i % 8)
	}
	return newArray(arrow.FixedWidthTypes.Boolean, n, nulls, nil, valid, memory.NewBufferBytes(s.packed[:(n+7)/8]))
}

// texts is the sink of text and binary values. A batch is an array of codes if
// the dictionary has every value of it, else an array of values.
type texts struct {
	typ   arrow.DataType
	valid *validity // of the rows before those being added

	state   wordState
	rows    []uint32 // codes
	offsets []int32
	data    []byte

	words values
	dict  *array.Data // words; one object for the whole row group
}

type wordState int

const (
	noWords    wordState = iota // all rows so far are null
	codedWords                  // rows has the codes of the rows
	plainWords                  // offsets and data have the values of the rows
)

func newTexts(typ arrow.DataType, valid *validity) *texts {
	return &texts{typ: typ, valid: valid}
}

func (s *texts) reset() { s.state = noWords }

// start leaves the state noWords.
func (s *texts) start(state wordState) {
	s.state = state
	switch {
	case state == codedWords && s.rows == nil:
		s.rows = make([]uint32, batchRows)
	case state == plainWords && s.offsets == nil:
		s.offsets = make([]int32, batchRows+1)
	}
	if state == codedWords {
		s.rows = s.rows[:s.valid.rows]
		clear(s.rows)
		return
	}
	s.offsets = s.offsets[:s.valid.rows+1]
	clear(s.offsets)
	s.data = s.data[:0]
}

// dictionary copies the words: arrays may outlive the pages of the library.
func (s *texts) dictionary(v values) error {
	n := v.len()
	s.words = values{offsets: make([]uint32, 1, n+1)}
	offsets := make([]int32, 1, n+1)
	for i := range n {
		s.words.data = append(s.words.data, v.at(i)...)
		if len(s.words.data) > math.MaxInt32 {
			return errTooMuchText(n)
		}
		s.words.offsets = append(s.words.offsets, uint32(len(s.words.data)))
		offsets = append(offsets, int32(len(s.words.data)))
	}
	s.dict = array.NewData(s.typ, n, []*memory.Buffer{nil,
		memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets)), memory.NewBufferBytes(s.words.data)}, nil, 0, 0)
	return nil
}

func (s *texts) codes(codes []int32) error {
	words := s.words.len()
	for _, k := range codes {
		if uint(k) >= uint(words) {
			return errCode(k, words)
		}
	}
	if s.state == plainWords {
		for _, k := range codes {
			if err := s.append(s.words.at(int(k))); err != nil {
				return err
			}
		}
		return nil
	}
	if s.state == noWords {
		s.start(codedWords)
	}
	for _, k := range codes {
		s.rows = append(s.rows, uint32(k))
	}
	return nil
}

func (s *texts) append(word []byte) error {
	s.data = append(s.data, word...)
	if len(s.data) > math.MaxInt32 {
		return errTooMuchText(batchRows)
	}
	s.offsets = append(s.offsets, int32(len(s.data)))
	return nil
}

func (s *texts) plain(v values) error {
	switch s.state {
	case noWords:
		s.start(plainWords)
	case codedWords:
		if err := s.expand(); err != nil {
			return err
		}
	}
	if v.offsets == nil {
		for i := range v.len() {
			if err := s.append(v.at(i)); err != nil {
				return err
			}
		}
		return nil
	}
	first, last := v.offsets[0], v.offsets[len(v.offsets)-1]
	base := len(s.data)
	if base+int(last-first) > math.MaxInt32 {
		return errTooMuchText(batchRows)
	}
	s.data = append(s.data, v.data[first:last]...)
	for _, end := range v.offsets[1:] {
		s.offsets = append(s.offsets, int32(base+int(end-first)))
	}
	return nil
}

// expand turns the codes so far to values.
func (s *texts) expand() error {
	s.state = plainWords
	if s.offsets == nil {
		s.offsets = make([]int32, 0, batchRows+1)
	}
	s.offsets, s.data = append(s.offsets[:0], 0), s.data[:0]
	for i, k := range s.rows {
		var word []byte
		if s.valid.bits == nil || bitutil.BitIsSet(s.valid.bits, i) {
			word = s.words.at(int(k))
		}
		if err := s.append(word); err != nil {
			return err
		}
	}
	return nil
}

func (s *texts) spread(levels []byte, level byte) {
	switch s.state {
	case codedWords:
		s.rows = spread(s.rows, levels, level)
	case plainWords:
		present := bytes.Count(levels, []byte{level})
		from := len(s.offsets) - 1 - present
		s.offsets = s.offsets[:from+1+len(levels)]
		ends := s.offsets[from:] // ends[present] is the end of the row that ends[i+1] becomes
		for i := len(levels) - 1; i >= 0; i-- {
			ends[i+1] = ends[present]
			if levels[i] == level {
				present--
			}
		}
	}
}

func (s *texts) array(n int, valid *memory.Buffer, nulls int) arrow.Array {
	switch s.state {
	case codedWords:
		typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: s.typ}
		codes := memory.NewBufferBytes(arrow.Uint32Traits.CastToBytes(s.rows[:n]))
		return newArray(typ, n, nulls, s.dict, valid, codes)
	case noWords:
		s.start(plainWords)
	}
	offsets := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(s.offsets[:n+1]))
	return newArray(s.typ, n, nulls, nil, valid, offsets, memory.NewBufferBytes(s.data))
}
