package datasets

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// A dictionaryCache remembers what the values of a column's dictionary mean,
// so that each is read once and not once a row. Values of columns without a
// dictionary are read where they stand.
type dictionaryCache struct {
	dictionary arrow.ArrayData // by whose identity a dictionary is known again
	values     arrow.Array     // of the dictionary
	stamps     []cachedStamp
	numbers    []cachedNumber
	hashes     []uint64
	empty      []bool // beside hashes: the value is an empty text
	regions    []int32
}

type cachedStamp struct {
	stamp stamp
	ok    bool
}

type cachedNumber struct {
	value float64
	kind  numberKind
}

// cache returns the cache of a column, emptied if its dictionary has changed.
func (w *partial) cache(column int, a arrow.Array) *dictionaryCache {
	c := w.caches[column]
	if c == nil {
		c = &dictionaryCache{}
		w.caches[column] = c
	}
	d, ok := a.(*array.Dictionary)
	if !ok {
		*c = dictionaryCache{}
		return c
	}
	// Arrow makes a new array of the dictionary for every batch.
	if data := d.Data().Dictionary(); c.dictionary != data {
		*c = dictionaryCache{dictionary: data, values: d.Dictionary()}
		c.values.Retain() // beyond the batch
	}
	return c
}

// text returns the bytes of a text or binary value.
func (c *dictionaryCache) text(a arrow.Array, i int) []byte {
	switch a := a.(type) {
	case *array.Dictionary:
		return c.text(c.values, a.GetValueIndex(i))
	case *array.String:
		return []byte(a.Value(i))
	case *array.Binary:
		return a.Value(i)
	}
	return []byte(a.ValueStr(i)) // digits that are a date
}

func (c *dictionaryCache) stamp(a arrow.Array, i int, p *plan) (stamp, bool) {
	d, ok := a.(*array.Dictionary)
	if !ok {
		return p.readStamp(c.text(a, i))
	}
	if c.stamps == nil {
		c.stamps = make([]cachedStamp, c.values.Len())
		for j := range c.stamps {
			c.stamps[j].stamp, c.stamps[j].ok = p.readStamp(c.text(c.values, j))
		}
	}
	s := c.stamps[d.GetValueIndex(i)]
	return s.stamp, s.ok
}

// readStamp reads the text of a time, in the way that the catalog says.
func (p *plan) readStamp(text []byte) (stamp, bool) {
	switch {
	case p.spec.Time.Epoch != "":
		x, kind := parseNumber(text, NumberSpec{})
		return stamp{epochStamp, floatSeconds(x, p.perSecond)}, kind == goodNumber
	case p.format != nil:
		return p.format.parse(text)
	}
	s, ok := parseStamp(strings.TrimSpace(string(text)))
	return s, ok && s.form != epochStamp // digits alone could be a date, or any unit
}

// floatSeconds returns a time, of which a second has per, in whole seconds;
// one that is far too large, or NaN, is out of any range.
func floatSeconds(x float64, per int64) int64 {
	s := math.Floor(x / float64(per))
	if !(math.Abs(s) < 1e15) {
		return math.MaxInt64 / 2
	}
	return int64(s)
}

func (c *dictionaryCache) number(a arrow.Array, i int, spec NumberSpec) (float64, numberKind) {
	d, ok := a.(*array.Dictionary)
	if !ok {
		return parseNumber(c.text(a, i), spec)
	}
	if c.numbers == nil {
		c.numbers = make([]cachedNumber, c.values.Len())
		for j := range c.numbers {
			c.numbers[j].value, c.numbers[j].kind = parseNumber(c.text(c.values, j), spec)
		}
	}
	n := c.numbers[d.GetValueIndex(i)]
	return n.value, n.kind
}

// hash writes a hash of every value to hashes, and returns them with a bitmap
// of the values that are there (nil: all); an empty text and NaN are missing.
// Equal values have equal hashes whatever their encoding: a number and its
// decimal digits as text, too.
func (c *dictionaryCache) hash(a arrow.Array, hashes []uint64) ([]uint64, []byte) {
	known := bytes.Repeat([]byte{0xff}, (a.Len()+7)/8)
	missing := func(i int) { known[i>>3] &^= 1 << (i & 7) }
	switch a := a.(type) {
	case *array.Int64:
		for i, x := range a.Int64Values() {
			hashes[i] = hashInt64(x)
		}
	case *array.Float64:
		for i, x := range a.Float64Values() {
			if hashes[i] = hashFloat(x); math.IsNaN(x) {
				missing(i)
			}
		}
	case *array.Dictionary:
		if c.hashes == nil {
			c.hashes = make([]uint64, c.values.Len())
			c.empty = make([]bool, c.values.Len())
			for j := range c.hashes {
				text := c.text(c.values, j)
				c.hashes[j], c.empty[j] = hashText(text), len(text) == 0
			}
		}
		for i := range hashes {
			if a.IsNull(i) {
				continue
			}
			j := a.GetValueIndex(i)
			if hashes[i] = c.hashes[j]; c.empty[j] {
				missing(i)
			}
		}
	default:
		for i := range hashes {
			if a.IsNull(i) {
				continue
			}
			text := c.text(a, i)
			if hashes[i] = hashText(text); len(text) == 0 {
				missing(i)
			}
		}
	}
	if a.NullN() > 0 {
		for i := range a.Len() {
			if a.IsNull(i) {
				missing(i)
			}
		}
	}
	return hashes, known
}

// hashFloat hashes whole numbers as integers.
func hashFloat(x float64) uint64 {
	if i := int64(x); float64(i) == x && math.Abs(x) < 1<<53 {
		return hashInt64(i)
	}
	return hashInt64(int64(math.Float64bits(x)))
}

// hashText hashes the usual digits of an integer as that integer.
func hashText(text []byte) uint64 {
	if len(text) > 0 && len(text) < 19 {
		n, ok := int64(0), text[0] != '0' || len(text) == 1
		for _, c := range text {
			ok = ok && c >= '0' && c <= '9'
			n = 10*n + int64(c-'0')
		}
		if ok {
			return hashInt64(n)
		}
	}
	return hashBytes(text)
}

// regionsOf writes the regions that codes name, -1 where there is none.
func (c *dictionaryCache) regionsOf(a arrow.Array, codes *codeIndex, regions []int32) {
	nulls := a.NullN() > 0
	switch a := a.(type) {
	case *array.Int64:
		codes.findInts(a.Int64Values(), regions)
	case *array.Dictionary:
		if c.regions == nil {
			c.regions = make([]int32, c.values.Len())
			for j := range c.regions {
				c.regions[j] = codes.find(codeText(c.values, j))
			}
		}
		for i := range regions {
			if !nulls || !a.IsNull(i) {
				regions[i] = c.regions[a.GetValueIndex(i)]
			}
		}
	default:
		for i := range regions {
			if !nulls || !a.IsNull(i) {
				regions[i] = codes.find(codeText(a, i))
			}
		}
	}
	if !nulls {
		return
	}
	for i := range regions {
		if a.IsNull(i) {
			regions[i] = -1
		}
	}
}

// codeText returns a value as a region code.
func codeText(a arrow.Array, i int) string {
	if f, ok := a.(*array.Float64); ok {
		return strconv.FormatFloat(f.Value(i), 'f', -1, 64) // 10001.0 is zip code 10001
	}
	return strings.TrimSpace(a.ValueStr(i))
}

// A codeIndex finds regions by the codes that columns give.
type codeIndex struct {
	byID   map[string]int32
	folded map[string]int32 // by id in lower case, of ids that only case does not tell apart
	byInt  []int32          // of ids that are small numbers
	h3     bool             // ids are H3 cells, which have several spellings
	zip    bool             // ids are zip codes: five digits count, so that 10001-1234 is 10001
}

// smallCode bounds the ids that codeIndex.byInt holds.
const smallCode = 1 << 20

func newCodeIndex(s *RegionSystem) *codeIndex {
	_, cells := s.points.(*h3Index)
	c := &codeIndex{byID: make(map[string]int32, len(s.IDs)), folded: make(map[string]int32), h3: cells, zip: len(s.IDs) > 0}
	for i, id := range s.IDs {
		if _, ok := c.folded[strings.ToLower(id)]; ok {
			c.folded[strings.ToLower(id)] = -1
		} else {
			c.folded[strings.ToLower(id)] = int32(i)
		}
		c.byID[id] = int32(i)
		c.zip = c.zip && len(id) == 5 && isInteger(id)
	}
	for i, id := range s.IDs {
		n, err := strconv.Atoi(id)
		if err != nil || n < 0 || n >= smallCode || strconv.Itoa(n) != id {
			continue
		}
		for len(c.byInt) <= n {
			c.byInt = append(c.byInt, -1)
		}
		c.byInt[n] = int32(i)
	}
	return c
}

// find returns the region of a code, -1 if there is none.
func (c *codeIndex) find(code string) int32 {
	if region, ok := c.byID[code]; ok {
		return region
	}
	if region, ok := c.folded[strings.ToLower(code)]; ok {
		return region
	}
	if c.h3 {
		if cell, err := parseH3(code); err == nil {
			if region, ok := c.byID[cell.String()]; ok {
				return region
			}
		}
	}
	if c.zip && len(code) > 5 && isInteger(code[:5]) {
		if region, ok := c.byID[code[:5]]; ok {
			return region
		}
	}
	return -1
}

// findInts is find for codes that are numbers.
func (c *codeIndex) findInts(codes []int64, regions []int32) {
	regions = regions[:len(codes)]
	byInt := c.byInt
	last, lastRegion, any := int64(0), int32(-1), false // the latest code that is not in byInt
	for i, code := range codes {
		if uint64(code) < uint64(len(byInt)) && byInt[code] >= 0 {
			regions[i] = byInt[code]
			continue
		}
		if !any || code != last {
			last, lastRegion, any = code, c.find(strconv.FormatInt(code, 10)), true
		}
		regions[i] = lastRegion
	}
}
