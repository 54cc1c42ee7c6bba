package datasets

import (
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// A dictionaryCache remembers what the values of a column's dictionary mean,
// so that each is read once and not once a row. Values of columns without a
// dictionary are read where they stand.
type dictionaryCache struct {
	dictionary arrow.Array
	stamps     []cachedStamp
	numbers    []cachedNumber
	hashes     []uint64
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
	var dictionary arrow.Array
	if d, ok := a.(*array.Dictionary); ok {
		dictionary = d.Dictionary()
	}
	if c.dictionary != dictionary {
		*c = dictionaryCache{dictionary: dictionary}
	}
	return c
}

// text returns the bytes of a text or binary value.
func (c *dictionaryCache) text(a arrow.Array, i int) []byte {
	switch a := a.(type) {
	case *array.Dictionary:
		return c.text(a.Dictionary(), a.GetValueIndex(i))
	case *array.String:
		return []byte(a.Value(i))
	case *array.Binary:
		return a.Value(i)
	}
	return []byte(a.ValueStr(i)) // digits that are a date
}

func (c *dictionaryCache) stamp(a arrow.Array, i int, format *timeFormat) (stamp, bool) {
	read := func(text []byte) (stamp, bool) {
		if format != nil {
			return format.parse(text)
		}
		return parseStamp(strings.TrimSpace(string(text)))
	}
	d, ok := a.(*array.Dictionary)
	if !ok {
		return read(c.text(a, i))
	}
	if c.stamps == nil {
		c.stamps = make([]cachedStamp, d.Dictionary().Len())
		for j := range c.stamps {
			c.stamps[j].stamp, c.stamps[j].ok = read(c.text(d.Dictionary(), j))
		}
	}
	s := c.stamps[d.GetValueIndex(i)]
	return s.stamp, s.ok
}

func (c *dictionaryCache) number(a arrow.Array, i int, spec NumberSpec) (float64, numberKind) {
	d, ok := a.(*array.Dictionary)
	if !ok {
		return parseNumber(c.text(a, i), spec)
	}
	if c.numbers == nil {
		c.numbers = make([]cachedNumber, d.Dictionary().Len())
		for j := range c.numbers {
			c.numbers[j].value, c.numbers[j].kind = parseNumber(c.text(d.Dictionary(), j), spec)
		}
	}
	n := c.numbers[d.GetValueIndex(i)]
	return n.value, n.kind
}

// hash writes a hash of every value to hashes; those of missing values mean
// nothing. Equal values have equal hashes whatever their encoding.
func (c *dictionaryCache) hash(a arrow.Array, hashes []uint64) []uint64 {
	switch a := a.(type) {
	case *array.Int64:
		for i, x := range a.Int64Values() {
			hashes[i] = hashInt64(x)
		}
	case *array.Dictionary:
		if c.hashes == nil {
			c.hashes = make([]uint64, a.Dictionary().Len())
			for j := range c.hashes {
				c.hashes[j] = hashBytes(c.text(a.Dictionary(), j))
			}
		}
		for i := range hashes {
			if !a.IsNull(i) {
				hashes[i] = c.hashes[a.GetValueIndex(i)]
			}
		}
	default:
		for i := range hashes {
			if !a.IsNull(i) {
				hashes[i] = hashBytes(c.text(a, i))
			}
		}
	}
	return hashes
}

// regionsOf writes the regions that codes name, -1 where there is none.
func (c *dictionaryCache) regionsOf(a arrow.Array, codes *codeIndex, regions []int32) {
	nulls := a.NullN() > 0
	switch a := a.(type) {
	case *array.Int64:
		codes.findInts(a.Int64Values(), regions)
	case *array.Dictionary:
		if c.regions == nil {
			c.regions = make([]int32, a.Dictionary().Len())
			for j := range c.regions {
				c.regions[j] = codes.find(codeText(a.Dictionary(), j))
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
	byID  map[string]int32
	byInt []int32 // of ids that are small numbers: complete as far as it goes
	zip   bool    // ids are zip codes: five digits count, so that 10001-1234 is 10001
}

// smallCode bounds the ids that codeIndex.byInt holds.
const smallCode = 1 << 20

func newCodeIndex(s *RegionSystem) *codeIndex {
	c := &codeIndex{byID: make(map[string]int32, len(s.IDs)), zip: true}
	for i, id := range s.IDs {
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
	last, lastRegion, any := int64(0), int32(-1), false // the latest code beyond byInt
	for i, code := range codes {
		if uint64(code) < uint64(len(byInt)) {
			regions[i] = byInt[code]
			continue
		}
		if !any || code != last {
			last, lastRegion, any = code, c.find(strconv.FormatInt(code, 10)), true
		}
		regions[i] = lastRegion
	}
}
