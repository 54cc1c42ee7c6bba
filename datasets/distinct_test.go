package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// addIDs takes the bits of values for identifiers.
func addIDs(s columnState, slots []int32, values []float64, valid []byte) {
	s.(*distinct).add(slots, hashesOf(values), valid)
}

func hashesOf(values []float64) []uint64 {
	hashes := make([]uint64, len(values))
	for i, v := range values {
		hashes[i] = hashInt64(int64(math.Float64bits(v)))
	}
	return hashes
}

// distinctIDs is the definition: the size of a set, or, if that is large, the
// estimate from registers, written plainly.
func distinctIDs(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	set := map[uint64]bool{}
	for _, h := range hashesOf(values) {
		set[h] = true
	}
	if len(set) <= 3072 {
		return float64(len(set))
	}
	registers := make([]uint64, 1<<14/8)
	var greatest [1 << 14]int
	for h := range set {
		text := fmt.Sprintf("%064b", h)
		var register int
		fmt.Sscanf(text[:14], "%b", &register)
		position := 1
		for _, digit := range text[14:] {
			if digit == '1' {
				break
			}
			position++
		}
		greatest[register] = max(greatest[register], position)
	}
	for i, position := range greatest {
		registers[i/8] |= uint64(position) << (i % 8 * 8)
	}
	return max(estimate(registers), 3073) // there are more than 3072
}

func TestDistinct(t *testing.T) {
	for _, tc := range []struct {
		name   string
		hashes []uint64
		want   float64
	}{
		{"none", nil, math.NaN()},
		{"one", []uint64{7}, 1},
		{"twice", []uint64{7, 7}, 1},
		{"hash 0", []uint64{0, 0, 2}, 2},
		{"hash 0 is taken for hash 1", []uint64{0, 1}, 1},
		{"one place in a table", []uint64{1 << 20, 2 << 20, 3 << 20, 1 << 20}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDistinct()
			d.grow(1)
			d.add(make([]int32, len(tc.hashes)), tc.hashes, nil)
			if got := d.result(0); !sameBits(got, tc.want) {
				t.Errorf("%g different, want %g", got, tc.want)
			}
		})
	}
}

// Exact up to exactIDs, whatever the form; then within 4.5 standard errors.
func TestDistinctNumbers(t *testing.T) {
	const most = 1 << 20
	d := newDistinct()
	d.grow(1)
	slots := make([]int32, 1)
	for n := 1; n <= most; n++ {
		hash := []uint64{hashInt64(int64(n) << 20)}
		d.add(slots, hash, nil)
		if n <= exactIDs {
			d.add(slots, hash, nil)
			if got := d.result(0); got != float64(n) || d.uncertainty(0) != 0 {
				t.Fatalf("%d: result %g, uncertainty %g", n, got, d.uncertainty(0))
			}
		} else if n%10007 == 0 || n == exactIDs+1 || n == most {
			got := d.result(0)
			if off := math.Abs(got/float64(n) - 1); off > 4.5*sketchError || d.uncertainty(0) != sketchError {
				t.Fatalf("%d: result %g, uncertainty %g", n, got, d.uncertainty(0))
			}
		}
	}
}

// An estimate is not below what is known to be there: here all hashes meet in
// one register.
func TestDistinctIsAboveExact(t *testing.T) {
	d := newDistinct()
	d.grow(1)
	for i := range uint64(exactIDs + 100) {
		d.add([]int32{0}, []uint64{i + 1}, nil)
	}
	if got := d.result(0); got != exactIDs+1 {
		t.Errorf("estimate is %g, want %d", got, exactIDs+1)
	}
}

// The standard error is as stated, and there is no bias, at sizes where other
// estimators need corrections.
func TestDistinctError(t *testing.T) {
	for _, n := range []int{4000, 40000, 80000} {
		const rounds = 60
		var sum, squares float64
		for round := range rounds {
			r := rand.New(rand.NewPCG(uint64(round), uint64(n)))
			registers := make([]uint64, 1<<sketchBits/8)
			for range n {
				raise(registers, r.Uint64())
			}
			off := estimate(registers)/float64(n) - 1
			sum += off
			squares += off * off
		}
		bias, deviation := sum/rounds, math.Sqrt(squares/rounds)
		if math.Abs(bias) > 4*sketchError/math.Sqrt(rounds) {
			t.Errorf("%d hashes: bias %.4f", n, bias)
		}
		// 60 rounds tell a deviation to 9 %.
		if deviation > 1.3*sketchError {
			t.Errorf("%d hashes: standard error %.4f, want %.4f", n, deviation, sketchError)
		}
	}
}

func TestRaiseAll(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	for range 2000 {
		var a, b, want uint64
		for i := 0; i < 64; i += 8 {
			x, y := r.Uint64N(52), r.Uint64N(52)
			if r.IntN(4) == 0 {
				y = x
			}
			a, b, want = a|x<<i, b|y<<i, want|max(x, y)<<i
		}
		got := []uint64{a}
		raiseAll(got, []uint64{b})
		if got[0] != want {
			t.Fatalf("registers %x and %x: %x, want %x", a, b, got[0], want)
		}
	}
}

// Hashes must stay as they are: estimates are compared across versions.
// Origin: SplitMix64 with seed 0, first output (Steele et al.'s constants);
// XXH3 of the empty text, from its reference implementation.
func TestHashes(t *testing.T) {
	if got := hashInt64(0); got != 0xe220a8397b1dcdaf {
		t.Errorf("hash of 0 is %#x", got)
	}
	if got := hashInt64(0x61c8864680b583eb); got != 0 {
		t.Errorf("hash of 0x61c8864680b583eb is %#x", got)
	}
	if got := hashBytes(nil); got != 0x2d06800538d394c2 {
		t.Errorf("hash of nothing is %#x", got)
	}
}

func TestSmallCollectionsAreSmall(t *testing.T) {
	const slots = 10 * chunkSlots
	d, m := newDistinct(), newMedians()
	d.grow(slots)
	m.grow(slots)
	for slot := range int32(slots) {
		d.add([]int32{slot, slot}, []uint64{uint64(slot), 5}, nil)
		m.add([]int32{slot, slot}, []float64{float64(slot), 5}, nil)
	}
	// A header and two words; blocks of one word are used again at once.
	for name, s := range map[string]columnState{"distinct": d, "median": m} {
		if got := float64(s.bytes()) / slots; got > 24.1 {
			t.Errorf("%s: %.1f bytes a slot of two values, want 24", name, got)
		}
	}
}

func BenchmarkDistinct(b *testing.B) {
	for _, ids := range []int64{3, 1000, 1 << 40} {
		b.Run(fmt.Sprintf("ids=%d", ids), func(b *testing.B) {
			hashes := make([]uint64, benchmarkRows)
			r := rand.New(rand.NewPCG(1, 0))
			for i := range hashes {
				hashes[i] = hashInt64(r.Int64N(ids))
			}
			benchmarkState(b, newDistinct, func(d *distinct, slots []int32, from int, valid []byte) {
				d.add(slots, hashes[from:from+len(slots)], valid)
			})
		})
	}
}

func BenchmarkEstimate(b *testing.B) {
	registers := make([]uint64, 1<<sketchBits/8)
	for i := range int64(10000) {
		raise(registers, hashInt64(i))
	}
	for b.Loop() {
		estimate(registers)
	}
}
