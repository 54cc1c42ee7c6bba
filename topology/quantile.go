package topology

import (
	"math"
	"slices"
)

const (
	quantileBins = 1 << 14 // the most bins over which values are spread to select some by rank
	fewValues    = 1 << 5  // are sorted instead
)

// selectRanks returns the values of some ranks, ascending from 0, among the
// values of f that are not missing; ranks says which, given how many there
// are. It bins values linearly, gathers those of the bins that hold a rank,
// and goes on inside each of them. Cost: three passes over f, and over the
// bins that hold a rank.
func selectRanks(f []float64, ranks func(n int) []int) []float64 {
	lo, hi := valueRange(f)
	if len(f) <= fewValues || !canBin(lo, hi) {
		values := slices.DeleteFunc(slices.Clone(f), math.IsNaN)
		slices.Sort(values)
		var selected []float64
		for _, r := range ranks(len(values)) {
			selected = append(selected, values[r])
		}
		return selected
	}
	b := newRankBins(lo, hi, len(f))
	n := 0
	for _, x := range f {
		if x == x {
			b.count[b.bin(x)]++
			n++
		}
	}
	b.want(ranks(n))
	for _, x := range f {
		if x == x {
			b.gather(b.bin(x), x)
		}
	}
	return b.selected()
}

// A rankBins spreads values over bins of equal widths, to select some by rank:
// first all are counted, then those of the bins that hold a wanted rank are
// gathered.
type rankBins struct {
	lo, scale float64
	last      float64 // the last bin
	count     []int32 // values of each bin
	number    []int32 // of each bin among the wanted ones, from 1; 0 if it is none
	wanted    []wantedBin
	ranks     int // that are wanted
}

// A wantedBin holds some of the wanted ranks.
type wantedBin struct {
	ranks  []int // in the bin
	place  []int // of each among all that are wanted
	values []float64
}

// canBin reports whether values between lo and hi can be told apart by bins.
func canBin(lo, hi float64) bool { return lo < hi && !math.IsInf(quantileBins/(hi-lo), 0) }

// newRankBins returns bins for n values, of which most are between lo and hi.
func newRankBins(lo, hi float64, n int) *rankBins {
	last := float64(min(n, quantileBins) - 1)
	return &rankBins{lo: lo, scale: last / (hi - lo), last: last, count: make([]int32, int(last)+1)}
}

// bin returns the bin of a value, not NaN. It is monotone.
func (b *rankBins) bin(x float64) int {
	d := (x - b.lo) * b.scale
	if d >= b.last {
		return int(b.last)
	}
	return max(int(d), 0)
}

// want says which ranks are wanted, of the values that have been counted.
func (b *rankBins) want(ranks []int) {
	order := make([]int, len(ranks)) // ascending
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return ranks[i] - ranks[j] })
	b.ranks = len(ranks)
	b.number = make([]int32, len(b.count))
	below := 0
	for bin, c := range b.count {
		var w wantedBin
		for len(order) > 0 && ranks[order[0]] < below+int(c) {
			w.ranks, w.place = append(w.ranks, ranks[order[0]]-below), append(w.place, order[0])
			order = order[1:]
		}
		if len(w.ranks) > 0 {
			w.values = make([]float64, 0, c)
			b.wanted = append(b.wanted, w)
			b.number[bin] = int32(len(b.wanted))
		}
		below += int(c)
	}
}

// gather is called with every value that has been counted, and its bin.
func (b *rankBins) gather(bin int, x float64) {
	if i := b.number[bin]; i > 0 {
		w := &b.wanted[i-1]
		w.values = append(w.values, x)
	}
}

// selected returns the values of the wanted ranks.
func (b *rankBins) selected() []float64 {
	selected := make([]float64, b.ranks)
	for i := range b.wanted {
		w := &b.wanted[i]
		for j, x := range selectRanks(w.values, func(int) []int { return w.ranks }) {
			selected[w.place[j]] = x
		}
	}
	return selected
}

// selectTails is selectRanks for values of f of which n are not missing, and
// ranks of which none is further from the lowest or the highest than the given
// share of the values. A sample says between which values no rank is likely to
// be, so that those are looked at once only; should it mislead, selectRanks
// finds the ranks.
func selectTails(f []float64, n int, share float64, wanted []int) []float64 {
	all := func(int) []int { return wanted }
	sample := tailSample(f)
	low, high, ok := tailEnds(sample, share)
	if !ok {
		return selectRanks(f, all)
	}
	t := tails{bins: newRankBins(sample[0], sample[len(sample)-1], len(f)), low: low, high: high}
	t.count(f, int(2.5*share*float64(len(f))))
	inTails := make([]int, len(wanted))
	counted := 0
	for _, c := range t.bins.count {
		counted += int(c)
	}
	for i, r := range wanted {
		if inTails[i] = r; r >= n/2 {
			inTails[i] = r - n + counted
		}
		if inTails[i] < 0 || inTails[i] >= counted {
			return selectRanks(f, all)
		}
	}
	t.bins.want(inTails)
	t.gather(f)
	selected := t.bins.selected()
	for i, r := range wanted {
		if x := selected[i]; r < n/2 && x >= low || r >= n/2 && x <= high {
			return selectRanks(f, all)
		}
	}
	return selected
}

// tails are the values below low and above high.
type tails struct {
	low, high float64
	bins      *rankBins
	entries   []uint32 // of each value: its bin and, in the low bits, its place in its block
	ends      []int    // of the entries of each block
}

// placeBits is the width of a place: a block is selectBlock values.
const placeBits = 10

// count counts the values of f that are in a tail, of which there may be room.
func (t *tails) count(f []float64, room int) {
	var selected [selectBlock]int32
	t.entries = make([]uint32, 0, room+len(selected))
	for first := 0; first < len(f); first += len(selected) {
		block := f[first:min(first+len(selected), len(f))]
		n := selectOutside(selected[:], block, t.low, t.high)
		old := len(t.entries)
		t.entries = slices.Grow(t.entries, n)[:old+n]
		t.bins.countSelected(t.entries[old:], block, selected[:n])
		t.ends = append(t.ends, old+n)
	}
}

// countSelected counts the selected values of a block and sets their entries.
// One that is missing is not counted.
func (b *rankBins) countSelected(entries []uint32, block []float64, selected []int32) {
	lo, scale, count := b.lo, b.scale, b.count[:int(b.last)]
	entries = entries[:len(selected)]
	for i, s := range selected {
		x := block[s]
		bin := uint(int((x - lo) * scale))
		if bin < uint(len(count)) && x == x { // processors differ in what a missing value becomes
			count[bin]++
		} else {
			bin = uint(b.bin(x)) // beyond the bins, or missing
			b.count[bin] += int32(b2i(x == x))
		}
		entries[i] = uint32(bin)<<placeBits | uint32(s)
	}
}

// gather gathers the values of f that are in a tail and in a wanted bin.
func (t *tails) gather(f []float64) {
	var wanted [quantileBins]uint8 // 1 for a bin that is
	for bin, number := range t.bins.number {
		wanted[bin] = uint8(min(number, 1))
	}
	var gathered [selectBlock]uint32
	first := 0
	for i, end := range t.ends {
		n := 0
		for _, e := range t.entries[first:end] {
			gathered[n] = e // see selectOutside
			n += int(wanted[e>>placeBits%quantileBins])
		}
		block := f[i<<placeBits:]
		for _, e := range gathered[:n] {
			t.bins.gather(int(e>>placeBits), block[e&(1<<placeBits-1)])
		}
		first = end
	}
}

// sampleSize is how many values tailSample takes: enough to know a share to
// within 1 %, and few enough for sorting them to cost next to nothing.
const sampleSize = 1 << 11

// tailSample returns some values of f, ascending, none if f is too short for
// that to be of use.
func tailSample(f []float64) []float64 {
	if len(f) < 16*sampleSize {
		return nil
	}
	sample := make([]float64, 0, sampleSize)
	for i := range sampleSize {
		// Multiples of the golden section fall in with no cycle of the values.
		_, at := math.Modf(float64(i) * math.Phi)
		if x := f[int(at*float64(len(f)))]; x == x {
			sample = append(sample, x)
		}
	}
	slices.Sort(sample)
	return sample
}

// tailEnds returns values somewhat inside the tails of the given share, as far
// as a sample tells; ok is false if it does not, or if there is little between
// the tails.
func tailEnds(sample []float64, share float64) (low, high float64, ok bool) {
	n := float64(len(sample))
	inside := int(share*n + 4*math.Sqrt(share*(1-share)*n)) // 4 standard deviations
	if inside >= len(sample)/3 {
		return 0, 0, false
	}
	low, high = sample[inside], sample[len(sample)-1-inside]
	return math.Nextafter(low, high), below(high), low < high && canBin(sample[0], sample[len(sample)-1])
}
