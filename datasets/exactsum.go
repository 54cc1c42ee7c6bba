package datasets

import (
	"math"
	"math/big"
	"math/bits"
)

// sums is a [columnState] of exact sums. Of the values it counts those that
// rows lack: the table that owns it counts the rows, for all states at once.
//
// The sum of a slot is kept without any rounding, so it does not matter in
// which order values are added. [sums.sum] rounds it once, to the nearest
// double, ties to even: ±Inf if that is beyond the largest double, and 0
// without a sign if it is zero. [sums.mean] divides the rounded sum by the
// count; it is always finite. Values must be finite: adding others panics.
//
// A sum takes 128 bits, a fixed-point number whose unit all slots share. What
// does not fit, a value with bits below the unit, one too large, a sum that
// overflows, goes to an unbounded integer of its slot: exact too, but slow. The
// unit starts at 2^-64, which holds every
// value between 2^-12 and 2^62, and all integers. It moves to where the values
// are when many did not fit.
type sums struct {
	totals  slotArray[int128]  // in units of 2^unit
	spills  map[int32]*big.Int // what these cannot hold, in units of 2^leastExponent
	rows    *slotCounts        // of the owner
	missing slotCounts         // of the rows, those without a value; without slots if there are none
	unit    int                // from leastExponent to greatestUnit
	used    bool               // something was added, or merged
	misses  int                // values that did not fit since the unit was chosen

	scratch big.Int
}

// firstUnit makes int64 values the high words of totals.
const firstUnit = -64

// Doubles are integers times a power of two, of at least 2^leastExponent.
const (
	mantissaBits  = 52
	exponentMask  = 1<<11 - 1
	exponentBias  = 1075 // of mantissas as integers
	leastExponent = -1074
)

// greatestUnit keeps the exponent of infinity out of the range of shifts.
const greatestUnit = 896

func newSums() *sums {
	return &sums{unit: firstUnit, spills: map[int32]*big.Int{}}
}

func (s *sums) grow(n int) { s.totals.grow(n) }

func (s *sums) trim(n int) {
	s.totals.trim(n)
	s.missing.trim(n)
}

func (s *sums) add(slots []int32, values []float64, valid []byte) {
	s.used = true
	values = values[:len(slots)]
	base := uint(exponentBias + s.unit)
	misses := 0
	// Rows that follow each other have slots in one chunk.
	chunk := int32(-1)
	var totals []int128
	var bits8 byte // of valid, that of the row last
	for i, slot := range slots {
		if i&7 == 0 {
			if bits8 = 0xff; valid != nil {
				bits8 = valid[i>>3]
			}
		}
		missing := bits8&1 == 0
		if bits8 >>= 1; slot < 0 {
			continue
		}
		if missing {
			s.addMissing(slot, 1)
			continue
		}
		if slot>>chunkBits != chunk {
			chunk = slot >> chunkBits
			totals = s.totals.chunks[chunk]
		}
		t := &totals[slot&(chunkSlots-1)]
		b := math.Float64bits(values[i])
		mantissa := b&(1<<mantissaBits-1) | 1<<mantissaBits
		shift := uint(b>>mantissaBits)&exponentMask - base
		if b<<1 == 0 { // zero, of either sign, without a branch
			mantissa, shift = 0, 0
		}
		if shift > 63 {
			if !s.addAny(slot, values[i]) {
				misses++
			}
			continue
		}
		// A product is a shift without its special cases, and a number is
		// negated as it is added: inverted, with a carry.
		negative := b >> 63
		hi, lo := bits.Mul64(mantissa, 1<<(shift&63))
		lo, carry := bits.Add64(t.lo, lo^-negative, negative)
		hi ^= -negative
		sum, _ := bits.Add64(t.hi, hi, carry)
		if int64((t.hi^sum)&(hi^sum)) < 0 { // an overflow
			s.spillTotal(slot, *t, s.unit)
			*t = shifted(mantissa, shift, negative)
			misses++
			continue
		}
		t.hi, t.lo = sum, lo
	}
	s.misses += misses
	// Moving the unit takes a walk over all slots: there have to be as many
	// slow additions before it.
	if misses > 0 && s.misses > max(1<<10, s.totals.len()) {
		s.setUnit(unitFor(slots, values, valid))
	}
}

// addInts is add for integers, which need not be doubles.
func (s *sums) addInts(slots []int32, values []int64, valid []byte) {
	s.used = true
	values = values[:len(slots)]
	for i, slot := range slots {
		if slot < 0 {
			continue
		}
		if !isValid(valid, i) {
			s.addMissing(slot, 1)
			continue
		}
		if v := values[i]; s.unit == firstUnit {
			s.addTotal(slot, int128{hi: uint64(v)})
		} else { // both halves are doubles
			s.addAny(slot, float64(v&^math.MaxUint32))
			s.addAny(slot, float64(v&math.MaxUint32))
		}
	}
}

// addMissing counts n rows without a value. Most columns have none, and need no
// memory for it.
func (s *sums) addMissing(slot int32, n int64) {
	if int(slot) >= s.missing.low.len() {
		s.missing.grow(s.totals.len())
	}
	s.missing.add(slot, n)
}

// addTotal adds x, in the unit. If the sum does not fit, the part that was
// there before is spilled, and the answer is false.
func (s *sums) addTotal(slot int32, x int128) bool {
	t := s.totals.at(slot)
	sum, ok := t.plus(x)
	if !ok {
		s.spillTotal(slot, *t, s.unit)
		sum = x
	}
	*t = sum
	return ok
}

// addAny adds any finite value, and answers whether it fits into 128 bits.
func (s *sums) addAny(slot int32, x float64) bool {
	b := math.Float64bits(x)
	exponent := int(b>>mantissaBits) & exponentMask
	mantissa := b & (1<<mantissaBits - 1)
	switch exponent {
	case exponentMask:
		panic("datasets: a sum of values that are not finite")
	case 0: // zero and the denormal numbers
		exponent = 1
	default:
		mantissa |= 1 << mantissaBits
	}
	t := shifted(mantissa, 0, b>>63)
	fitting, ok := t.rescaled(exponent-exponentBias, s.unit)
	if !ok {
		s.spillTotal(slot, t, exponent-exponentBias)
		return false
	}
	return s.addTotal(slot, fitting)
}

func (s *sums) spill(slot int32) *big.Int {
	p := s.spills[slot]
	if p == nil {
		p = new(big.Int)
		s.spills[slot] = p
	}
	return p
}

func (s *sums) spillTotal(slot int32, t int128, unit int) {
	p := s.spill(slot)
	p.Add(p, t.big(&s.scratch, unit))
}

// setUnit changes the unit. Totals that it cannot hold are spilled, and what
// was spilled returns if it fits now.
func (s *sums) setUnit(unit int) {
	old := s.unit
	s.unit, s.misses = unit, 0
	if unit == old {
		return
	}
	for slot := range int32(s.totals.len()) {
		t := s.totals.at(slot)
		fitting, ok := t.rescaled(old, unit)
		if !ok {
			s.spillTotal(slot, *t, old)
			fitting = int128{}
		}
		*t = fitting
	}
	for slot, p := range s.spills {
		t := s.totals.at(slot)
		back, ok := int128Of(p, unit)
		if !ok {
			continue
		}
		if sum, ok := t.plus(back); ok {
			*t = sum
			delete(s.spills, slot)
		}
	}
}

// unitFor returns the unit that suits the median magnitude among the rows of
// a batch, of which some are not zero.
func unitFor(slots []int32, values []float64, valid []byte) int {
	var histogram [exponentMask + 1]int
	n := 0
	for i, slot := range slots {
		if slot >= 0 && isValid(valid, i) && values[i] != 0 {
			histogram[math.Float64bits(values[i])>>mantissaBits&exponentMask]++
			n++
		}
	}
	exponent := 0
	for below := histogram[0]; 2*below < n; below += histogram[exponent] {
		exponent++
	}
	// 87 of the 128 bits are for the median value. This leaves 40 bits for
	// greater values and for their number, and 34 for smaller ones. Units are
	// 32 bits apart, so that states of one column mostly agree.
	unit := exponent - exponentBias + mantissaBits + 1 - 87
	unit = int(math.Round(float64(unit)/32)) * 32
	return min(max(unit, leastExponent), greatestUnit)
}

func (s *sums) merge(from columnState, to []int32) {
	f := from.(*sums)
	if !s.used {
		s.setUnit(f.unit)
	}
	s.used = true
	for i, slot := range to {
		if slot < 0 {
			continue
		}
		if n := f.missing.at(int32(i)); n > 0 {
			s.addMissing(slot, n)
		}
		t := *f.totals.at(int32(i))
		if fitting, ok := t.rescaled(f.unit, s.unit); ok {
			s.addTotal(slot, fitting)
		} else {
			s.spillTotal(slot, t, f.unit)
		}
	}
	for i, p := range f.spills {
		if int(i) >= len(to) || to[i] < 0 {
			continue
		}
		q := s.spill(to[i])
		q.Add(q, p)
	}
}

// values returns the number of values of a slot.
func (s *sums) values(slot int) int64 {
	return s.rows.at(int32(slot)) - s.missing.at(int32(slot))
}

// result is the sum.
func (s *sums) result(slot int) float64 { return s.sum(slot) }

// sum returns the sum of a slot, NaN if it has no value.
func (s *sums) sum(slot int) float64 {
	if s.values(slot) == 0 {
		return math.NaN()
	}
	return math.Ldexp(s.rounded(slot))
}

// mean returns the rounded sum divided by the count, NaN if there is no value.
func (s *sums) mean(slot int) float64 {
	n := float64(s.values(slot))
	if n == 0 {
		return math.NaN()
	}
	fraction, exponent := s.rounded(slot)
	if sum := math.Ldexp(fraction, exponent); !math.IsInf(sum, 0) {
		return sum / n
	}
	return math.Ldexp(fraction/n, exponent)
}

// rounded returns the sum of a slot, rounded to 53 bits, as a double times a
// power of two. Sums are multiples of the least double, so that no further
// rounding happens to small ones.
func (s *sums) rounded(slot int) (fraction float64, exponent int) {
	t := *s.totals.at(int32(slot))
	p := s.spills[int32(slot)]
	if p == nil {
		fraction, exponent = t.rounded()
		return fraction, exponent + s.unit
	}
	var exact big.Int
	t.big(&exact, s.unit)
	exact.Add(&exact, p)
	var f big.Float
	exponent = f.SetPrec(mantissaBits + 1).SetInt(&exact).MantExp(&f)
	fraction, _ = f.Float64()
	return fraction, exponent + leastExponent
}

func (s *sums) bytes() int64 {
	n := int64(s.totals.len())*16 + s.missing.bytes()
	for _, p := range s.spills {
		n += 64 + 8*int64(cap(p.Bits())) // about, with the map
	}
	return n
}

// An int128 is a number in two's complement.
type int128 struct{ hi, lo uint64 }

// shifted returns mantissa << shift for shifts of up to 73, which leaves a
// mantissa of 53 bits well inside an int128, negated if negative is 1.
func shifted(mantissa uint64, shift uint, negative uint64) int128 {
	// Of the two terms one is 0: unsigned shifts that are below 0 are large.
	hi := mantissa>>(64-shift) | mantissa<<(shift-64)
	lo, carry := bits.Add64(mantissa<<shift^-negative, negative, 0)
	return int128{hi ^ -negative + carry, lo}
}

// plus returns the sum, unless it overflows.
func (x int128) plus(y int128) (sum int128, ok bool) {
	lo, carry := bits.Add64(x.lo, y.lo, 0)
	hi, _ := bits.Add64(x.hi, y.hi, carry)
	return int128{hi, lo}, int64((x.hi^hi)&(y.hi^hi)) >= 0
}

// rescaled returns the number x * 2^from as a multiple of 2^to, unless it
// overflows or is none.
func (x int128) rescaled(from, to int) (int128, bool) {
	switch d := from - to; {
	case d == 0 || x == int128{}:
		return x, true
	case d >= 128 || d <= -128:
		return x, false
	case d > 0:
		y := x.left(uint(d))
		return y, y.right(uint(d)) == x
	default:
		y := x.right(uint(-d))
		return y, y.left(uint(-d)) == x
	}
}

func (x int128) left(n uint) int128 {
	return int128{x.hi<<n | x.lo>>(64-n) | x.lo<<(n-64), x.lo << n}
}

func (x int128) right(n uint) int128 {
	sign := int64(x.hi)
	if n >= 64 {
		return int128{uint64(sign >> 63), uint64(sign >> (n - 64))}
	}
	return int128{uint64(sign >> n), x.lo>>n | x.hi<<(64-n)}
}

// big sets z to x * 2^unit in units of 2^leastExponent, and returns it.
func (x int128) big(z *big.Int, unit int) *big.Int {
	var lo big.Int
	z.SetInt64(int64(x.hi))
	z.Lsh(z, 64)
	z.Add(z, lo.SetUint64(x.lo))
	return z.Lsh(z, uint(unit-leastExponent))
}

// int128Of returns z, in units of 2^leastExponent, as a multiple of 2^unit,
// unless it overflows or is none.
func int128Of(z *big.Int, unit int) (int128, bool) {
	shift := uint(unit - leastExponent)
	if z.Sign() != 0 && z.TrailingZeroBits() < shift || z.BitLen() > int(shift)+127 {
		return int128{}, false
	}
	var hi, lo big.Int
	lo.Rsh(z, shift)
	hi.Rsh(&lo, 64) // rounds down, as two's complement does
	lo.Sub(&lo, hi.Lsh(&hi, 64))
	return int128{uint64(hi.Rsh(&hi, 64).Int64()), lo.Uint64()}, true
}

// rounded returns x, rounded to 53 bits, as a double times a power of two.
func (x int128) rounded() (fraction float64, exponent int) {
	negative := x.hi >> 63
	lo, carry := bits.Add64(x.lo^-negative, negative, 0)
	m := int128{x.hi ^ -negative + carry, lo} // the magnitude, unsigned
	n := bits.Len64(m.hi) + 64
	if m.hi == 0 {
		n = bits.Len64(m.lo)
	}
	top := m.left(uint(128 - n))
	if top.lo != 0 {
		top.hi |= 1 // enough to break a tie, as conversion drops 11 bits
	}
	fraction = float64(top.hi)
	if negative == 1 {
		fraction = -fraction
	}
	return fraction, n - 64
}
