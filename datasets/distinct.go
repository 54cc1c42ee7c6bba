package datasets

import (
	"math"
	"math/bits"
	"slices"

	"github.com/zeebo/xxh3"
)

// distinct is a [columnState] of the number of different identifiers.
//
// It knows them by 64-bit hashes, from [hashInt64] or [hashBytes]. Up to
// exactIDs of them the number is exact, but for collisions: integers have
// none (0x61c8864680b583eb and the integer of hash 1 aside, which count as
// one), and among n texts the chance of one is below n²/2^64, 5e-13 for 3072.
// Above, it is an estimate, by HyperLogLog with 2^14 registers, of the
// relative standard error sketchError at any number. Which of the two it
// is depends on the set of hashes alone, as do the registers and the estimate.
//
// Most cells have a few identifiers. They are a list, which doubles until it
// becomes a hash table at more than 16. Three quarters of the largest table,
// 32 kB, are full when it turns into registers, 16 kB.
//
// A register is a byte, and all that ever happens to it is a maximum, so the
// order of merging cannot matter. Libraries that cut registers down to their
// difference to a common base, or begin with a form of their own for small
// sets, do not promise that; and small sets are exact here.
type distinct struct {
	sets   slotArray[collection]
	blocks blocks
}

const (
	idListClass  = 4  // up to 16 words
	idTableClass = 12 // up to 4096 words
	exactIDs     = tableLoad * 1 << idTableClass / 4

	sketchBits  = 14
	sketchClass = sketchBits - 3 // 8 registers to a word

	// sketchError is 1.04/sqrt(2^14), from Flajolet, Fusy, Gandouet and
	// Meunier, "HyperLogLog: the analysis of a near-optimal cardinality
	// estimation algorithm", 2007.
	sketchError = 0.0081
)

func newDistinct() *distinct { return &distinct{} }

// hashInt64 is a bijection, the finalizer of SplitMix64 from Steele, Lea and
// Flood, "Fast splittable pseudorandom number generators", 2014.
func hashInt64(v int64) uint64 {
	h := uint64(v) + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// hashBytes is XXH3 without a seed. The hash of a text has nothing to do with
// that of the integer it may spell: a column has to keep to one of the two.
func hashBytes(id []byte) uint64 { return xxh3.Hash(id) }

func (d *distinct) grow(n int) { d.sets.grow(n) }
func (d *distinct) trim(n int) { d.sets.trim(n) }

// add adds identifiers by their hashes.
func (d *distinct) add(slots []int32, hashes []uint64, valid []byte) {
	hashes = hashes[:len(slots)]
	for i, slot := range slots {
		if slot >= 0 && isValid(valid, i) {
			d.insert(d.sets.at(slot), hashes[i])
		}
	}
}

func (d *distinct) insert(c *collection, hash uint64) {
	hash = max(hash, 1) // 0 is no element
	for {
		words := d.blocks.words(*c)
		switch c.form {
		case asList:
			if slices.Contains(words[:c.n], hash) {
				return
			}
			if int(c.n) < len(words) {
				words[c.n] = hash
				c.n++
				return
			}
		case asTable:
			i := findID(words, hash)
			if words[i] == hash {
				return
			}
			if int(c.n) < tableLoad*len(words)/4 {
				words[i] = hash
				c.n++
				return
			}
		case asApproximation:
			raise(words, hash)
			return
		}
		d.enlarge(c)
	}
}

// findID returns where a hash is in a table, or the free word where it
// belongs.
func findID(table []uint64, hash uint64) int {
	mask := len(table) - 1
	i := int(hash) & mask
	for table[i] != hash && table[i] != 0 {
		i = (i + 1) & mask
	}
	return i
}

// enlarge gives more room to a set, in the next form if need be.
func (d *distinct) enlarge(c *collection) {
	switch {
	case c.form == asNothing, c.form == asList && c.class < idListClass:
		*c = d.blocks.lengthened(*c)
	case c.class < idTableClass:
		old, words := *c, d.blocks.words(*c)
		*c = d.blocks.get(asTable, old.class+1)
		c.n = old.n
		table := d.blocks.words(*c)
		for _, hash := range words {
			if hash != 0 {
				table[findID(table, hash)] = hash
			}
		}
		d.blocks.put(old)
	default:
		d.approximate(c)
	}
}

// approximate turns a set into registers.
func (d *distinct) approximate(c *collection) {
	old, words := *c, d.blocks.words(*c)
	*c = d.blocks.get(asApproximation, sketchClass)
	registers := d.blocks.words(*c)
	for _, hash := range words {
		if hash != 0 {
			raise(registers, hash)
		}
	}
	d.blocks.put(old)
}

// raise adds a hash to registers: the first bits tell the register, which is
// to be the greatest position of the first 1 among the other bits.
func raise(registers []uint64, hash uint64) {
	i := hash >> (64 - sketchBits)
	position := uint64(bits.LeadingZeros64(hash<<sketchBits|1<<(sketchBits-1)) + 1)
	word, shift := &registers[i>>3], i&7*8
	if position > *word>>shift&0xff {
		*word = *word&^(0xff<<shift) | position<<shift
	}
}

func (d *distinct) merge(from columnState, to []int32) {
	f := from.(*distinct)
	for i, slot := range to {
		part := *f.sets.at(int32(i))
		if slot < 0 || part.form == asNothing {
			continue
		}
		c, words := d.sets.at(slot), f.blocks.words(part)
		switch {
		case c.form == asNothing:
			*c = d.blocks.copied(&f.blocks, part)
		case part.form == asApproximation:
			if c.form != asApproximation {
				d.approximate(c)
			}
			raiseAll(d.blocks.words(*c), words)
		default:
			for _, hash := range words {
				if hash != 0 {
					d.insert(c, hash)
				}
			}
		}
	}
}

// raiseAll raises each register to its other value if that is greater, 8 at a
// time: values are below 128, so the upper bit of each byte is free to tell
// whether a difference is negative.
func raiseAll(registers, others []uint64) {
	const upper = 0x8080808080808080
	for i, other := range others {
		r := registers[i]
		notLess := ((other | upper) - r) & upper >> 7 * 0xff
		registers[i] = other&notLess | r&^notLess
	}
}

// result returns the number of different identifiers, or its estimate.
func (d *distinct) result(slot int) float64 {
	c := *d.sets.at(int32(slot))
	switch {
	case c.form == asNothing:
		return math.NaN()
	case c.form == asApproximation:
		return max(estimate(d.blocks.words(c)), exactIDs+1)
	default:
		return float64(c.n)
	}
}

// uncertainty returns the relative standard error of a result, 0 if it is
// exact.
func (d *distinct) uncertainty(slot int) float64 {
	if d.sets.at(int32(slot)).form == asApproximation {
		return sketchError
	}
	return 0
}

func (d *distinct) bytes() int64 { return int64(d.sets.len())*8 + d.blocks.bytes() }

// estimate returns the number of different hashes that registers have seen,
// rounded to an integer. It is the improved raw estimator of Ertl, "New
// cardinality estimation algorithms for HyperLogLog sketches", 2017,
// algorithm 6, which needs no table of corrections. Products are converted,
// so that no machine fuses them with a sum.
func estimate(registers []uint64) float64 {
	const (
		m = 1 << sketchBits
		q = 64 - sketchBits
	)
	var histogram [q + 2]float64
	for _, word := range registers {
		for range 8 {
			histogram[word&0xff]++
			word >>= 8
		}
	}
	z := m * tau(1-histogram[q+1]/m)
	for k := q; k > 0; k-- {
		z = (z + histogram[k]) / 2
	}
	z += float64(m * sigma(histogram[0]/m))
	return math.Round(m * m / (2 * math.Ln2) / z)
}

// sigma is x + sum over k > 0 of x^(2^k) 2^(k-1), for x below 1.
func sigma(x float64) float64 {
	z, y := x, 1.
	for {
		x *= x
		before := z
		z += float64(x * y)
		if z == before {
			return z
		}
		y *= 2
	}
}

// tau is (1 - x - sum over k > 0 of (1-x^(2^-k))² 2^-k) / 3.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	z, y := 1-x, 1.
	for {
		x = math.Sqrt(x)
		y /= 2
		before := z
		z -= float64(float64((1-x)*(1-x)) * y)
		if z == before {
			return z / 3
		}
	}
}

// A collection says where the elements of a slot are, and in which form. The
// zero value is empty.
type collection struct {
	block uint32
	n     uint16 // elements of a list, different ones of a table
	class uint8  // its block has 1 << class words
	form  form
}

type form uint8

const (
	asNothing       form = iota
	asList               // the first n words of the block
	asTable              // a hash table with linear probing
	asApproximation      // what is left when the largest table is too small
)

// tableLoad is how many quarters of a table are used before it grows.
const tableLoad = 3

// blocks is memory for collections, in blocks of 1, 2, 4 ... 1 << 13 words.
// There are far too many collections for a slice each: its three words would
// be most of the memory, and the garbage collector would have to follow it.
type blocks struct {
	classes [maxClass + 1]struct {
		words slotArray[uint64]
		used  uint32   // blocks
		free  []uint32 // those of them to be used again
	}
}

const maxClass = chunkBits - 1 // a block is within one chunk

// get returns an empty collection with a block of zeros.
func (b *blocks) get(form form, class uint8) collection {
	k := &b.classes[class]
	if n := len(k.free); n > 0 {
		c := collection{block: k.free[n-1], class: class, form: form}
		k.free = k.free[:n-1]
		clear(b.words(c))
		return c
	}
	c := collection{block: k.used, class: class, form: form}
	k.used++
	k.words.grow(int(k.used) << class)
	return c
}

// lengthened returns a list with twice the room that takes the place of c, a
// list or nothing.
func (b *blocks) lengthened(c collection) collection {
	if c.form == asNothing {
		return b.get(asList, 0)
	}
	longer := b.get(asList, c.class+1)
	longer.n = c.n
	copy(b.words(longer), b.words(c))
	b.put(c)
	return longer
}

// copied returns a copy of a collection of other blocks.
func (b *blocks) copied(from *blocks, part collection) collection {
	c := b.get(part.form, part.class)
	c.n = part.n
	copy(b.words(c), from.words(part))
	return c
}

// put takes back the block of a collection, which must have one.
func (b *blocks) put(c collection) {
	k := &b.classes[c.class]
	k.free = append(k.free, c.block)
}

// words returns the block of a collection, which is valid until the next get
// of its class; nil if it has none.
func (b *blocks) words(c collection) []uint64 {
	if c.form == asNothing {
		return nil
	}
	at := int(c.block) << c.class
	chunk := b.classes[c.class].words.chunks[at>>chunkBits]
	at &= chunkSlots - 1
	return chunk[at : at+1<<c.class]
}

func (b *blocks) bytes() (n int64) {
	for i := range b.classes {
		k := &b.classes[i]
		n += int64(k.words.len())*8 + int64(cap(k.free))*4
	}
	return n
}
