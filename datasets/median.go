package datasets

import (
	"cmp"
	"math"
	"slices"
)

// medians is a [columnState] of medians: the middle value, or the mean of the
// two middle values of an even number. Zeros have no sign.
//
// A slot keeps each value with its count, so the median is exact, up to
// exactValues different ones. With more, all are rounded to 12 significant
// bits: a middle value is then the exact one rounded, off by at most the share
// medianError of it (or 2^-1034, near 0), and integers up to 4096 and other
// short numbers are not changed at all. Which of the two it is depends on the
// set of values alone, as does the result.
//
// Most cells have a few rows. Their values are a list as they come, which
// doubles until it becomes a hash table at more than 32. Three quarters of the
// largest table, 64 kB, are full when its values are rounded. From then on a
// slot has up to 2048 values for each power of two that its data span.
type medians struct {
	sets   slotArray[collection]
	blocks blocks
	bins   []map[uint64]int // of approximations: rounded values and their counts
	sorted []valueCount     // scratch of result
}

const (
	valueListClass  = 5  // up to 32 words
	valueTableClass = 13 // up to 4096 values and counts
	exactValues     = tableLoad * 1 << (valueTableClass - 1) / 4

	roundedBits = mantissaBits - 11 // dropped by rounding
	medianError = 1. / (1 << 12)
)

type valueCount struct {
	value float64
	count int
}

func newMedians() *medians { return &medians{} }

func (m *medians) grow(n int) { m.sets.grow(n) }
func (m *medians) trim(n int) { m.sets.trim(n) }

func (m *medians) add(slots []int32, values []float64, valid []byte) {
	values = values[:len(slots)]
	for i, slot := range slots {
		if slot >= 0 && isValid(valid, i) {
			m.insert(m.sets.at(slot), math.Float64bits(values[i]+0), 1) // -0 + 0 is 0
		}
	}
}

// insert adds a value, as its bits, count times.
func (m *medians) insert(c *collection, value uint64, count int) {
	for {
		switch c.form {
		case asList:
			words := m.blocks.words(*c)
			if int(c.n) < len(words) && count == 1 {
				words[c.n] = value
				c.n++
				return
			}
		case asTable:
			values, counts := m.table(*c)
			i := findValue(values, counts, value)
			if counts[i] == 0 {
				if int(c.n) >= tableLoad*len(values)/4 {
					break
				}
				values[i] = value
				c.n++
			}
			counts[i] += uint64(count)
			return
		case asApproximation:
			m.bins[c.block][roundValue(value)] += count
			return
		}
		m.enlarge(c)
	}
}

// table returns the two halves of the block of a table.
func (m *medians) table(c collection) (values, counts []uint64) {
	words := m.blocks.words(c)
	return words[:len(words)/2], words[len(words)/2:]
}

// findValue returns where a value is in a table, or the place without a count
// where it belongs.
func findValue(values, counts []uint64, value uint64) int {
	mask := len(values) - 1
	// Short numbers differ in their upper bits alone.
	i := int(hashInt64(int64(value))) & mask
	for values[i] != value && counts[i] != 0 {
		i = (i + 1) & mask
	}
	return i
}

// roundValue rounds the bits of a value to 12 significant ones, ties away
// from 0.
func roundValue(value uint64) uint64 {
	const infinity = exponentMask << mantissaBits
	rounded := (value + 1<<(roundedBits-1)) >> roundedBits << roundedBits
	if rounded&infinity == infinity {
		return value&(1<<63) | math.Float64bits(math.MaxFloat64)
	}
	return rounded
}

// enlarge gives more room to a collection, in the next form if need be.
func (m *medians) enlarge(c *collection) {
	switch {
	case c.form == asNothing, c.form == asList && c.class < valueListClass:
		*c = m.blocks.lengthened(*c)
	case c.class < valueTableClass:
		m.move(c, m.blocks.get(asTable, c.class+1))
	default:
		m.approximate(c)
	}
}

// approximate rounds the values of a collection.
func (m *medians) approximate(c *collection) {
	m.bins = append(m.bins, map[uint64]int{})
	m.move(c, collection{block: uint32(len(m.bins) - 1), form: asApproximation})
}

// move puts the values of a collection into an empty one that takes its place.
func (m *medians) move(c *collection, to collection) {
	old := *c
	*c = to
	m.each(old, func(value uint64, count int) { m.insert(c, value, count) })
	if old.form != asNothing {
		m.blocks.put(old)
	}
}

// each calls do with the values of a collection and their counts, in no
// particular order. A value may come more than once.
func (m *medians) each(c collection, do func(value uint64, count int)) {
	switch c.form {
	case asList:
		for _, value := range m.blocks.words(c)[:c.n] {
			do(value, 1)
		}
	case asTable:
		values, counts := m.table(c)
		for i, value := range values {
			if counts[i] > 0 {
				do(value, int(counts[i]))
			}
		}
	case asApproximation:
		for value, count := range m.bins[c.block] {
			do(value, count)
		}
	}
}

func (m *medians) merge(from columnState, to []int32) {
	f := from.(*medians)
	for i, slot := range to {
		part := *f.sets.at(int32(i))
		if slot < 0 {
			continue
		}
		c := m.sets.at(slot)
		if c.form == asNothing && (part.form == asList || part.form == asTable) {
			*c = m.blocks.copied(&f.blocks, part)
			continue
		}
		if part.form == asApproximation && c.form != asApproximation {
			m.approximate(c)
		}
		f.each(part, func(value uint64, count int) { m.insert(c, value, count) })
	}
}

func (m *medians) result(slot int) float64 {
	c := *m.sets.at(int32(slot))
	if c.form == asNothing {
		return math.NaN()
	}
	m.sorted = m.sorted[:0]
	total := 0
	m.each(c, func(value uint64, count int) {
		m.sorted = append(m.sorted, valueCount{math.Float64frombits(value), count})
		total += count
	})
	slices.SortFunc(m.sorted, func(a, b valueCount) int { return cmp.Compare(a.value, b.value) })
	low := m.ranked((total - 1) / 2)
	high := m.ranked(total / 2)
	if mean := (low + high) / 2; !math.IsInf(mean, 0) {
		return mean + 0 // the mean of 0 and the least double below it is -0
	}
	return low/2 + high/2
}

// ranked returns the value of a rank from 0 among the sorted ones.
func (m *medians) ranked(rank int) float64 {
	i := 0
	for rank >= m.sorted[i].count {
		rank -= m.sorted[i].count
		i++
	}
	return m.sorted[i].value
}

// uncertainty returns the greatest relative error of the middle values of a
// slot, 0 if they are exact.
func (m *medians) uncertainty(slot int) float64 {
	if m.sets.at(int32(slot)).form == asApproximation {
		return medianError
	}
	return 0
}

func (m *medians) bytes() int64 {
	n := int64(m.sets.len())*8 + m.blocks.bytes() + int64(cap(m.sorted))*16
	for _, bins := range m.bins {
		n += 48 + int64(len(bins))*26 // about: 17 bytes an entry, at a load of two thirds
	}
	return n
}
