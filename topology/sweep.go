package topology

import (
	"fmt"
	"iter"
	"math"
	"slices"
)

// A Sweep follows the level sets of a function through nested levels, the
// rarest first. It holds what changes from level to level, so that it costs
// the cells and pairs that join, not the field at every level.
type Sweep struct {
	Levels []SweepLevel

	index  *Index
	f      []float64
	layout *Layout
	tiles  []tile
}

// A SweepLevel is one level of a sweep.
type SweepLevel struct {
	Thresholds Thresholds
	Super, Sub []SweepStep // one a season
}

// Of returns the steps of the given direction, one a season.
func (l *SweepLevel) Of(direction Direction) []SweepStep {
	if direction == Super {
		return l.Super
	}
	return l.Sub
}

// A SweepStep says what a level set holds in one season, and what has changed
// since the level before.
type SweepStep struct {
	Features int     // components
	Cells    int     // cells
	Appeared []int32 // pairs of the tree that are components here and were not at the level before
	Merged   []int32 // pairs that were components at the level before and have been absorbed
}

// Sweep evaluates the levels in one pass down the trees and one over the
// cells, however many levels there are: each pair is looked up at its birth
// and death, each cell at the level at which it joins. f is the function that
// x is the index of, and must not change while the sweep is in use;
// levels must be nested, the rarest first, as [Index.Thresholds] returns them.
// Sweep panics if they are not, or if there are more than 2^14. Feature objects come from [Index.Features],
// feature maps from [Sweep.Maps].
//
// Cost: O(N + (cells + pairs) log k) for k levels and the cells and pairs of
// the last one.
func (x *Index) Sweep(f []float64, levels []Thresholds, layout *Layout) *Sweep {
	if len(f) != x.regions*x.steps || len(layout.slots) != x.steps || layout.regions != x.regions {
		panic("topology: the function or the layout does not fit the index")
	}
	if len(levels) > 1<<14 {
		panic(fmt.Sprintf("topology: a sweep of %d levels", len(levels)))
	}
	s := &Sweep{Levels: make([]SweepLevel, len(levels)), index: x, f: f, layout: layout}
	for i := range levels {
		steps := make([]SweepStep, 2*len(x.seasons))
		s.Levels[i] = SweepLevel{Thresholds: levels[i], Super: steps[:len(x.seasons)], Sub: steps[len(x.seasons):]}
	}
	var pairs sweepPairs
	tiler := newTiler(s)
	for season := range x.seasons {
		l := newLadder(bounds(Super, levels, season), bounds(Sub, levels, season))
		s.followPairs(season, Super, l, &pairs)
		s.followPairs(season, Sub, l, &pairs)
		tiler.addSeason(season, l)
	}
	return s
}

// bounds returns the levels of one season and direction as the smallest
// values, ascending, that a value must reach to be on the upper side of each.
// A level that selects nothing is infinite.
func bounds(direction Direction, levels []Thresholds, season int) []float64 {
	k := len(levels)
	bounds := make([]float64, k)
	for i := range levels {
		a := levels[i].Of(direction)[season].Value
		at, before := k-1-i, k-i
		if direction == Super {
			if bounds[at] = a; math.IsNaN(a) {
				bounds[at] = math.Inf(1)
			}
		} else {
			at, before = i, i-1
			if bounds[at] = math.Nextafter(a, math.Inf(1)); math.IsNaN(a) {
				bounds[at] = math.Inf(-1)
			}
		}
		if i > 0 && (bounds[at] > bounds[before]) == (direction == Super) && bounds[at] != bounds[before] {
			panic(fmt.Sprintf("topology: level %d (%s) of a sweep is not nested in the one before", i, levels[i].Class))
		}
	}
	return bounds
}

// A ladder tells which levels of a season a value belongs to. The levels of
// both directions, ascending, cut the line into intervals; a value's interval
// is the number of rungs at or below it.
type ladder struct {
	rungs []float64 // and +Inf
	// The first level of each direction whose level set holds the values of an
	// interval; the number of levels if none does.
	super, sub []uint16
	joins      [2][]intervalRange // of both directions, by level
	superFirst float64            // values from here on are in a level set of direction Super
	subEnd     float64            // values below are in one of direction Sub
	low        float64            // the lowest finite rung
	scale      float64
	single     bool
	under      uint16             // the interval below low
	base       [ladderBins]uint16 // the number of rungs in lower bins of values
}

// An intervalRange is the intervals first to end-1.
type intervalRange struct{ first, end int }

const ladderBins = 1 << 12

func newLadder(super, sub []float64) *ladder {
	l := &ladder{rungs: slices.Concat(super, sub), superFirst: math.Inf(1), subEnd: math.Inf(-1)}
	if len(super) > 0 {
		l.superFirst, l.subEnd = super[0], sub[len(sub)-1]
	}
	slices.Sort(l.rungs)
	first, end := 0, len(l.rungs)
	for first < end && l.rungs[first] < -maxMagnitude {
		first++
	}
	for first < end && l.rungs[end-1] > maxMagnitude {
		end--
	}
	l.under = uint16(first)
	if l.low = math.Inf(1); first < end {
		l.low = l.rungs[first]
		l.scale = (ladderBins - 1) / (l.rungs[end-1] - l.low)
		if !(l.scale < math.MaxFloat64) {
			l.scale = 0 // one rung, or rungs too close to be told apart by bins
		}
	}
	at := first
	l.single = true
	for bin := range l.base {
		before := at
		for at < end && l.bin(l.rungs[at]) < bin {
			at++
		}
		l.single = l.single && at-before < 2
		l.base[bin] = uint16(at)
	}
	for interval := range len(l.rungs) + 1 {
		reached := func(bounds []float64) int {
			n := 0
			for n < len(bounds) && interval > 0 && bounds[n] <= l.rungs[interval-1] {
				n++
			}
			return n
		}
		l.super = append(l.super, uint16(len(super)-reached(super)))
		l.sub = append(l.sub, uint16(reached(sub)))
	}
	l.super, l.sub = append(l.super, uint16(len(super))), append(l.sub, uint16(len(sub))) // of missing values, see intervals
	l.joins = [2][]intervalRange{runs(l.super, len(super)), runs(l.sub, len(sub))}
	l.rungs = append(l.rungs, math.Inf(1))
	return l
}

// runs returns where each of k levels stands in a monotone list of them.
func runs(levels []uint16, k int) []intervalRange {
	runs := make([]intervalRange, k+1)
	for i, level := range levels {
		if runs[level].end == 0 {
			runs[level].first = i
		}
		runs[level].end = i + 1
	}
	return runs[:k]
}

// bin returns the bin of a value that is not below l.low. It is monotone.
func (l *ladder) bin(x float64) int {
	if d := (x - l.low) * l.scale; d < ladderBins-1 {
		return int(d)
	}
	return ladderBins - 1
}

// interval returns the number of rungs at or below x, which is not NaN. On
// noise a binary search would mispredict half of its branches.
func (l *ladder) interval(x float64) uint16 {
	if x < l.low {
		return l.under
	}
	at := l.base[l.bin(x)]
	for l.rungs[at] <= x {
		at++
	}
	return at
}

// intervals sets the intervals of the selected values of f. One that is
// missing has an interval of its own, after all others.
func (l *ladder) intervals(intervals []uint16, f []float64, selected []int32) {
	low, scale, single, rungs, base := l.low, l.scale, l.single, l.rungs, l.base[:ladderBins-1]
	intervals = intervals[:len(selected)]
	for i, s := range selected {
		x := f[s]
		bin := uint(int((x - low) * scale)) // of a missing value anything, as processors differ
		if bin >= uint(len(base)) || x != x {
			if intervals[i] = l.interval(x); x != x {
				intervals[i] = uint16(len(rungs))
			}
			continue
		}
		at := int(base[bin])
		at += b2i(rungs[at] <= x) // a branch would be mispredicted
		if !single {
			for rungs[at] <= x {
				at++
			}
		}
		intervals[i] = uint16(at)
	}
}

// sweepPairs is scratch: the pairs of one tree that are components at some
// level, with the levels from which they are, and those of them that are no
// more from a later level on, with that level.
type sweepPairs struct {
	appeared, merged levelPairs
}

// levelPairs are pairs with their levels. A level after the last one is that
// of pairs that do not count.
type levelPairs struct {
	pair  []int32
	level []uint16
}

// selectBlock is how many values are selected from at a time: few enough for
// them to stay in a core's fastest cache.
const selectBlock = 1 << placeBits

// findPairs finds the pairs of one tree that are components at some level.
func (p *sweepPairs) findPairs(t *Tree, l *ladder, k int) {
	p.appeared.reset()
	p.merged.reset()
	levels, low, high := l.super, math.Inf(-1), below(l.superFirst)
	if t.direction == Sub {
		levels, low, high = l.sub, l.subEnd, math.Inf(1)
	}
	p.appeared.reserve(t.Len() / 2) // enough for most sweeps: growing would copy
	var selected [selectBlock]int32
	for first := 0; first < t.Len(); first += selectBlock {
		end := min(first+selectBlock, t.Len())
		birth, death := t.birth[first:end], t.death[first:end]
		n := selectOutside(selected[:], birth, low, high)
		pair, born := p.appeared.add(n)
		l.intervals(born, birth, selected[:n])
		for i, s := range selected[:n] {
			pair[i] = int32(first) + s
			born[i] = levels[born[i]]
			d := death[s]
			if d <= high && d >= low || t.parent[first+int(s)] < 0 {
				continue // is a component at all later levels
			}
			died := levels[l.interval(d)]
			if born[i] == died {
				born[i] = uint16(k)
				continue
			}
			pair, level := p.merged.add(1)
			pair[0], level[0] = int32(first)+s, died
		}
	}
}

func (p *levelPairs) reset() { p.pair, p.level = p.pair[:0], p.level[:0] }

// reserve makes room for n pairs.
func (p *levelPairs) reserve(n int) {
	p.pair, p.level = slices.Grow(p.pair, n), slices.Grow(p.level, n)
}

// add adds n pairs, which the caller sets.
func (p *levelPairs) add(n int) (pair []int32, level []uint16) {
	old := len(p.pair)
	p.pair, p.level = slices.Grow(p.pair, n)[:old+n], slices.Grow(p.level, n)[:old+n]
	return p.pair[old:], p.level[old:]
}

// byLevel returns the pairs of each of k levels.
func (p *levelPairs) byLevel(k int) [][]int32 {
	next := make([]int, k+1)
	for _, level := range p.level {
		next[level]++
	}
	pairs := make([]int32, len(p.pair))
	levels := make([][]int32, k+1)
	used := 0
	for level, n := range next {
		next[level] = used
		used += n
		levels[level] = pairs[used-n : used : used]
	}
	for i, pair := range p.pair {
		at := &next[p.level[i]]
		pairs[*at] = pair
		*at++
	}
	return levels[:k]
}

// followPairs fills in the features of all levels of one tree.
func (s *Sweep) followPairs(season int, direction Direction, l *ladder, p *sweepPairs) {
	p.findPairs(s.index.seasons[season].Tree(direction), l, len(s.Levels))
	appeared, merged := p.appeared.byLevel(len(s.Levels)), p.merged.byLevel(len(s.Levels))
	features := 0
	for level := range s.Levels {
		step := &s.Levels[level].Of(direction)[season]
		step.Appeared, step.Merged = appeared[level], merged[level]
		features += len(step.Appeared) - len(step.Merged)
		step.Features = features
	}
}

// selectOutside writes the numbers of the values below low and above high to
// selected, which is as long as f, and returns how many these are. low must
// not be greater than high; both +Inf select all. Missing values are selected
// if their sign bit is set.
//
// Numbers are written always and counted if they belong there: a branch would
// be mispredicted for half of the values of a noisy function, and comparisons
// take longer than the sign of a product.
func selectOutside(selected []int32, f []float64, low, high float64) int {
	n := 0
	selected = selected[:len(f)]
	for i, x := range f {
		selected[n] = int32(i)
		n += int(math.Float64bits((x-low)*(high-x)) >> 63)
	}
	return n
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// below returns the next lower number.
func below(x float64) float64 { return math.Nextafter(x, math.Inf(-1)) }

// A tile is some cells of a season, ordered by the intervals of their values.
type tile struct {
	ladder *ladder
	bits   []uint32 // of the layout
	first  []int32  // of each interval, where its cells begin, and where the last one's end
}

// tileCells is how many cells a tile has at most: few enough for them to be
// ordered in a core's cache of 1 MiB, and enough for 64 levels to find hundreds
// of cells in a row. With a quarter of it, marking them takes 1.3 times as long.
const tileCells = 1 << 16

// A tiler finds the cells of the level sets and makes tiles of them.
type tiler struct {
	sweep  *Sweep
	ladder *ladder
	cells  []int // of each interval, of the season

	n         int // of the next tile
	bits      []uint32
	intervals []uint16
	selected  [selectBlock]int32
}

// newTiler returns a tiler that adds its tiles to s.
func newTiler(s *Sweep) *tiler {
	n := min(tileCells, len(s.f))
	return &tiler{sweep: s, bits: make([]uint32, n), intervals: make([]uint16, n)}
}

// addSeason finds the cells of a season and fills in their numbers.
func (t *tiler) addSeason(season int, l *ladder) {
	s := t.sweep
	t.ladder, t.cells = l, make([]int, len(l.super))
	at := s.index.seasons[season].Season
	next := at.First * s.index.regions
	s.layout.stretches(at.First, at.End, func(vertex, n, bit int) {
		t.count(s.f[next:vertex]) // of steps that are left out
		t.add(s.f[vertex:vertex+n], bit)
		next = vertex + n
	})
	t.count(s.f[next : at.End*s.index.regions])
	t.flush()
	for _, direction := range []Direction{Super, Sub} {
		cells := 0
		for level := range s.Levels {
			joins := l.joins[direction-Super][level]
			for _, n := range t.cells[joins.first:joins.end] {
				cells += n
			}
			s.Levels[level].Of(direction)[season].Cells = cells
		}
	}
}

// count counts values that have no place in the layout.
func (t *tiler) count(f []float64) {
	for _, x := range f {
		if x == x {
			t.cells[t.ladder.interval(x)]++
		}
	}
}

// add adds the values that are in a level set. They are of successive cells,
// the first of which is the given bit.
func (t *tiler) add(f []float64, bit int) {
	l := t.ladder
	low, high := l.subEnd, below(l.superFirst)
	if low > l.superFirst {
		low, high = math.Inf(1), math.Inf(1) // every value is in a level set
	}
	for part := range slices.Chunk(f, len(t.selected)) {
		n := selectOutside(t.selected[:], part, low, high)
		if t.n+n > len(t.bits) {
			t.flush()
		}
		bits, intervals := t.bits[t.n:t.n+n], t.intervals[t.n:t.n+n]
		for j, i := range t.selected[:n] {
			bits[j] = uint32(bit) + uint32(i)
		}
		l.intervals(intervals, part, t.selected[:n])
		t.n += n
		bit += len(part)
	}
}

// flush makes a tile of the cells found.
func (t *tiler) flush() {
	if t.n == 0 {
		return
	}
	k := len(t.cells)
	first := make([]int32, k+1)
	next := make([]int32, k)
	intervals, bits := t.intervals[:t.n], t.bits[:t.n]
	// Two counters: neighbours are often in one interval, and each increment
	// would have to wait for the one before.
	for i := 1; i < len(intervals); i += 2 {
		first[intervals[i-1]]++
		next[intervals[i]]++
	}
	if len(intervals)%2 == 1 {
		first[intervals[len(intervals)-1]]++
	}
	n := int32(0)
	for interval := range next {
		cells := first[interval] + next[interval]
		t.cells[interval] += int(cells)
		first[interval], next[interval] = n, n
		n += cells
	}
	first[k] = n
	ordered := make([]uint32, n)
	for i, interval := range intervals {
		at := next[interval]
		next[interval] = at + 1
		ordered[at] = bits[i]
	}
	t.sweep.tiles = append(t.sweep.tiles, tile{ladder: t.ladder, bits: ordered, first: first})
	t.n = 0
}

// mark sets the marks of the cells that join at a level.
func (t *tile) mark(marks []uint64, direction Direction, level int) {
	joins := t.ladder.joins[direction-Super][level]
	for _, bit := range t.bits[t.first[joins.first]:t.first[joins.end]] {
		marks[bit>>6] |= 1 << (bit & 63)
	}
}

// Maps returns the feature map of every level in turn. One map is grown from
// level to level: it is valid until the next one, so clone what is to be kept.
//
// Cost: O(bits of a map + cells of the last level); a level whose thresholds
// overlap costs O(N) more, to decide which sign its conflict cells get.
func (s *Sweep) Maps() iter.Seq2[int, *FeatureMap] {
	return func(yield func(int, *FeatureMap) bool) {
		grown := [2][]uint64{s.layout.newBits(), s.layout.newBits()}
		covered := coveredBits(s.layout, s.f, s.index.covered == len(s.f))
		for level := range s.Levels {
			for i := range s.tiles {
				s.tiles[i].mark(grown[0], Super, level)
				s.tiles[i].mark(grown[1], Sub, level)
			}
			m := &FeatureMap{Layout: s.layout, Positive: grown[0], Negative: grown[1], Covered: covered}
			if (s.layout.shared || s.Levels[level].Thresholds.overlap()) && overlap(grown[0], grown[1]) {
				m.Positive, m.Negative = slices.Clone(m.Positive), slices.Clone(m.Negative)
				m.resolveConflicts(s.index, s.f, &s.Levels[level].Thresholds)
			}
			if !yield(level, m) {
				return
			}
		}
	}
}

// overlap reports whether a cell can be in both level sets.
func (t *Thresholds) overlap() bool {
	for i := range t.Super {
		if t.Super[i].Value <= t.Sub[i].Value {
			return true
		}
	}
	return false
}

func overlap(a, b []uint64) bool {
	for i := range a {
		if a[i]&b[i] != 0 {
			return true
		}
	}
	return false
}

// resolveConflicts gives each cell of both level sets the sign whose threshold
// it exceeds by more, and no sign if it exceeds both by the same.
func (m *FeatureMap) resolveConflicts(x *Index, f []float64, t *Thresholds) {
	conflicting := func(do func(c span, up, down float64)) {
		for i := range x.seasons {
			if up, down := t.Super[i].Value, t.Sub[i].Value; up <= down {
				at := x.seasons[i].Season
				m.Layout.spans(at.First, at.End, func(c span) { do(c, up, down) })
			}
		}
	}
	// Two steps may share a slot: first clear the marks, then set them cell by
	// cell, so that no step undoes what another one says.
	conflicting(func(c span, _, _ float64) {
		cells := (uint64(1)<<c.n - 1) << c.bit
		m.Positive[c.word] &^= cells
		m.Negative[c.word] &^= cells
	})
	conflicting(func(c span, up, down float64) {
		for j, v := range f[c.vertex : c.vertex+c.n] {
			bit := uint64(1) << (c.bit + uint(j))
			both := v >= up && v <= down
			if both {
				m.Conflicts++
			}
			if v >= up && (!both || v-up > down-v) {
				m.Positive[c.word] |= bit
			}
			if v <= down && (!both || v-up < down-v) {
				m.Negative[c.word] |= bit
			}
		}
	})
	for i, p := range m.Positive {
		both := p & m.Negative[i] // two steps in one slot disagree
		m.Positive[i] &^= both
		m.Negative[i] &^= both
	}
}
