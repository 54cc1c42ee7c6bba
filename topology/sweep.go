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
	cells  []uint32 // bits of the layout, group by group, see groupOf
	groups []group  // by level, see groupOf
}

// A SweepLevel is one level of a sweep.
type SweepLevel struct {
	Thresholds Thresholds
	Super, Sub []SweepStep // one a season
}

// A group is the cells that join the level sets of one direction at one level:
// they are cells[first:end].
type group struct{ first, end int }

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
	codes := make([]uint16, len(f))
	ladders := make([]*ladder, len(x.seasons))
	for season := range x.seasons {
		l := newLadder(bounds(Super, levels, season), bounds(Sub, levels, season))
		s.followPairs(season, Super, l, &pairs)
		s.followPairs(season, Sub, l, &pairs)
		s.findCells(season, l, codes)
		ladders[season] = l
	}
	s.groupCells(ladders, codes)
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
	low        float64 // the lowest finite rung
	scale      float64
	under      uint16             // the interval below low
	base       [ladderBins]uint16 // the number of rungs in lower bins of values
}

const ladderBins = 1 << 12

func newLadder(super, sub []float64) *ladder {
	l := &ladder{rungs: slices.Concat(super, sub)}
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
	for bin := range l.base {
		for at < end && l.bin(l.rungs[at]) < bin {
			at++
		}
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
	l.rungs = append(l.rungs, math.Inf(1))
	return l
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

// sweepPairs is scratch: the pairs that are components at some level, and the
// levels from which they are and are no more.
type sweepPairs struct {
	pair       []int32
	born, died []uint16
}

// followPairs fills in the features of all levels of one tree.
func (s *Sweep) followPairs(season int, direction Direction, l *ladder, p *sweepPairs) {
	k := len(s.Levels)
	t := s.index.seasons[season].Tree(direction)
	n := t.Len()
	p.pair, p.born, p.died = slices.Grow(p.pair[:0], n)[:n], slices.Grow(p.born[:0], n)[:n], slices.Grow(p.died[:0], n)[:n]
	levels := l.super
	if direction == Sub {
		levels = l.sub
	}
	found := 0
	for i, birth := range t.birth {
		born, died := levels[l.interval(birth)], levels[l.interval(t.death[i])]
		if t.parent[i] < 0 {
			died = uint16(k)
		}
		// Written always and counted if it lasts: a branch would be
		// mispredicted for half of the pairs of a noisy function.
		p.pair[found], p.born[found], p.died[found] = int32(i), born, died
		found += b2i(born != died)
	}
	appeared, merged := make([]int, k+1), make([]int, k+1)
	for i := range found {
		appeared[p.born[i]]++
		merged[p.died[i]]++
	}
	pairs := make([]int32, 2*found-merged[k])
	features := 0
	for level := range s.Levels {
		step := &s.Levels[level].Of(direction)[season]
		features += appeared[level] - merged[level]
		step.Features = features
		step.Appeared, pairs = pairs[:appeared[level]:appeared[level]], pairs[appeared[level]:]
		step.Merged, pairs = pairs[:merged[level]:merged[level]], pairs[merged[level]:]
		appeared[level], merged[level] = 0, 0
	}
	steps := make([]SweepStep, k)
	for level := range s.Levels {
		steps[level] = s.Levels[level].Of(direction)[season]
	}
	for i, pair := range p.pair[:found] {
		born, died := p.born[i], p.died[i]
		steps[born].Appeared[appeared[born]] = pair
		appeared[born]++
		if int(died) < k {
			steps[died].Merged[merged[died]] = pair
			merged[died]++
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// groupOf returns the number of the group of the cells that join the level
// set of the given direction at the given level. The group after all others
// is of cells that join none.
func (s *Sweep) groupOf(direction Direction, level int) int {
	if direction == Super {
		return level
	}
	return len(s.Levels) + level
}

// findCells writes the interval of every cell of a season to codes, that of
// missing cells being the one after all others, and fills in the numbers of
// cells.
func (s *Sweep) findCells(season int, l *ladder, codes []uint16) {
	missing := uint16(len(l.rungs))
	at := s.index.seasons[season].Season
	first, end := at.First*s.index.regions, at.End*s.index.regions
	codes = codes[first:end]
	// Two counters: neighbours are often in one interval, and each increment
	// would have to wait for the one before.
	count := [2][]int{make([]int, missing+1), make([]int, missing+1)}
	for i, x := range s.f[first:end] {
		code := missing
		if x == x {
			code = l.interval(x)
		}
		codes[i] = code
		count[i&1][code]++
	}
	k := len(s.Levels)
	joined := make([]int, 2*k+1)
	for code, super := range l.super {
		n := count[0][code] + count[1][code]
		if int(super) < k {
			joined[s.groupOf(Super, int(super))] += n
		}
		if sub := l.sub[code]; int(sub) < k {
			joined[s.groupOf(Sub, int(sub))] += n
		}
	}
	for _, direction := range []Direction{Super, Sub} {
		cells := 0
		for level := range s.Levels {
			cells += joined[s.groupOf(direction, level)]
			s.Levels[level].Of(direction)[season].Cells = cells
		}
	}
}

// groupCells sorts the cells by the level at which they join.
func (s *Sweep) groupCells(ladders []*ladder, codes []uint16) {
	k := len(s.Levels)
	none := 2 * k
	s.groups = make([]group, 2*k)
	n := 0
	for _, direction := range []Direction{Super, Sub} {
		before := 0
		for level := range s.Levels {
			g := s.groupOf(direction, level)
			s.groups[g] = group{n, n}
			cells := 0
			for _, step := range s.Levels[level].Of(direction) {
				cells += step.Cells
			}
			n += cells - before
			before = cells
		}
	}
	s.cells = make([]uint32, n)
	for season, l := range ladders {
		at := s.index.seasons[season].Season
		var super, sub, either []int // group of each interval
		overlap := false
		for i := range l.super {
			super, sub = append(super, none), append(sub, none)
			if level := int(l.super[i]); level < k {
				super[i] = s.groupOf(Super, level)
			}
			if level := int(l.sub[i]); level < k {
				sub[i] = s.groupOf(Sub, level)
			}
			overlap = overlap || super[i] != none && sub[i] != none
			either = append(either, min(super[i], sub[i]))
		}
		passes := [][]int{either}
		if overlap {
			passes = [][]int{super, sub}
		}
		for _, groups := range passes {
			groups = append(groups, none) // missing cells
			joins := make([]int, len(groups))
			for code, group := range groups {
				joins[code] = b2i(group != none)
			}
			var packed [1024]struct{ group, bit uint32 }
			s.layout.stretches(at.First, at.End, func(vertex, cells, bit int) {
				for chunk := range slices.Chunk(codes[vertex:vertex+cells], len(packed)) {
					// Written always and counted if it joins, as in followPairs.
					n := 0
					for i, code := range chunk {
						packed[n] = struct{ group, bit uint32 }{uint32(groups[code]), uint32(bit + i)}
						n += joins[code]
					}
					for _, p := range packed[:n] {
						g := &s.groups[p.group]
						s.cells[g.end] = p.bit
						g.end++
					}
					bit += len(chunk)
				}
			})
		}
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
			for i, direction := range []Direction{Super, Sub} {
				g := s.groups[s.groupOf(direction, level)]
				marks := grown[i]
				for _, bit := range s.cells[g.first:g.end] {
					marks[bit>>6] |= 1 << (bit & 63)
				}
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
