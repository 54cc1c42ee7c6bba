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
	joined [2]joinedCells // of the super- and the sub-level sets
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
// Sweep panics if they are not. Feature objects come from [Index.Features],
// feature maps from [Sweep.Maps].
//
// Cost: O(N + (cells + pairs) log k) for k levels and the cells and pairs of
// the last one.
func (x *Index) Sweep(f []float64, levels []Thresholds, layout *Layout) *Sweep {
	if len(f) != x.regions*x.steps || len(layout.slots) != x.steps || layout.regions != x.regions {
		panic("topology: the function or the layout does not fit the index")
	}
	s := &Sweep{Levels: make([]SweepLevel, len(levels)), index: x, f: f, layout: layout}
	for i := range levels {
		steps := make([]SweepStep, 2*len(x.seasons))
		s.Levels[i] = SweepLevel{Thresholds: levels[i], Super: steps[:len(x.seasons)], Sub: steps[len(x.seasons):]}
	}
	for i, direction := range []Direction{Super, Sub} {
		joined := &s.joined[i]
		joined.count = make([]int, len(levels))
		var lookup levelLookup
		for season := range x.seasons {
			l := newLadder(direction, levels, season)
			s.followPairs(season, x.seasons[season].Tree(direction), l, &lookup)
			s.findCells(season, f, l, joined)
		}
		joined.group()
	}
	return s
}

// A ladder holds the levels of one season and direction, negated for the
// sub-level tree so that they fall. Levels that select nothing come first, as
// +Inf.
type ladder struct {
	direction Direction
	sign      float64
	rungs     []float64
	last      float64 // the lowest rung: values below it join no level
	scale     float64
	above     [ladderBins]int32 // the number of rungs above each bin of values
}

const ladderBins = 512

func newLadder(direction Direction, levels []Thresholds, season int) *ladder {
	l := &ladder{direction: direction, sign: 1, rungs: make([]float64, len(levels)), last: math.Inf(1)}
	if direction == Sub {
		l.sign = -1
	}
	top := math.Inf(-1) // the highest rung that selects something
	for i := range levels {
		a := l.sign * levels[i].Of(direction)[season].Value
		if math.IsNaN(a) {
			a = math.Inf(1)
		} else {
			top = max(top, a)
		}
		if i > 0 && a > l.rungs[i-1] {
			panic(fmt.Sprintf("topology: level %d (%s) of a sweep is not nested in the one before", i, levels[i].Class))
		}
		l.rungs[i], l.last = a, a
	}
	if l.scale = (ladderBins - 1) / (top - l.last); !(l.scale < math.MaxFloat64) {
		l.scale = 0 // one rung, or rungs too close to be told apart by bins
	}
	at := 0
	for bin := ladderBins - 1; bin >= 0; bin-- {
		for at < len(l.rungs) && l.bin(l.rungs[at]) > bin {
			at++
		}
		l.above[bin] = int32(at)
	}
	return l
}

// bin returns the bin of a value that is not below the last rung. It is
// monotone; +Inf goes to the last bin whatever the scale.
func (l *ladder) bin(x float64) int {
	if d := (x - l.last) * l.scale; d < ladderBins-1 {
		return int(d)
	}
	return ladderBins - 1
}

// joins returns the first level whose level set holds the value x, already
// multiplied by the sign, which is not below the last rung. On noise a binary
// search would mispredict half of its branches.
func (l *ladder) joins(x float64) int {
	level := int(l.above[l.bin(x)])
	for l.rungs[level] > x {
		level++
	}
	return level
}

// A levelLookup is scratch: the levels at which pairs are born and die.
type levelLookup struct {
	pair       []int32
	born, died []int32
}

// followPairs fills in the features of all levels.
func (s *Sweep) followPairs(season int, t *Tree, l *ladder, lookup *levelLookup) {
	k := len(l.rungs)
	appeared, merged := make([]int, k), make([]int, k)
	lookup.pair, lookup.born, lookup.died = lookup.pair[:0], lookup.born[:0], lookup.died[:0]
	for i, birth := range t.birth {
		if birth *= l.sign; !(birth >= l.last) {
			continue // below the last level
		}
		born, died := l.joins(birth), k
		if death := l.sign * t.death[i]; t.parent[i] >= 0 && death >= l.last {
			died = l.joins(death)
		}
		if born == died {
			continue // between two levels
		}
		lookup.pair = append(lookup.pair, int32(i))
		lookup.born, lookup.died = append(lookup.born, int32(born)), append(lookup.died, int32(died))
		appeared[born]++
		if died < k {
			merged[died]++
		}
	}
	pairs := make([]int32, 2*len(lookup.pair))
	features := 0
	for level := range s.Levels {
		step := &s.Levels[level].Of(l.direction)[season]
		features += appeared[level] - merged[level]
		step.Features = features
		step.Appeared, pairs = pairs[:0:appeared[level]], pairs[appeared[level]:]
		step.Merged, pairs = pairs[:0:merged[level]], pairs[merged[level]:]
	}
	for i, pair := range lookup.pair {
		step := &s.Levels[lookup.born[i]].Of(l.direction)[season]
		step.Appeared = append(step.Appeared, pair)
		if died := lookup.died[i]; int(died) < k {
			step := &s.Levels[died].Of(l.direction)[season]
			step.Merged = append(step.Merged, pair)
		}
	}
}

// joinedCells holds the cells of the level sets of one direction, grouped by
// the level at which they join.
type joinedCells struct {
	found []uint64 // level in the high half, vertex in the low half
	count []int    // cells of each level
	cells []uint32 // vertices, those of the first level first
}

// findCells appends the cells of one season to joined.
func (s *Sweep) findCells(season int, f []float64, l *ladder, joined *joinedCells) {
	at := s.index.seasons[season].Season
	first := at.First * s.index.regions
	before := slices.Clone(joined.count)
	n := 0
	for _, x := range f[first : at.End*s.index.regions] {
		if x*l.sign >= l.last {
			n++
		}
	}
	joined.found = slices.Grow(joined.found, n) // doubling would fetch twice the memory
	for i, x := range f[first : at.End*s.index.regions] {
		if x *= l.sign; x >= l.last {
			level := l.joins(x)
			joined.count[level]++
			joined.found = append(joined.found, uint64(level)<<32|uint64(first+i))
		}
	}
	cells := 0
	for level := range s.Levels {
		cells += joined.count[level] - before[level]
		s.Levels[level].Of(l.direction)[season].Cells = cells
	}
}

// group sorts the cells found by level.
func (j *joinedCells) group() {
	j.cells = make([]uint32, len(j.found))
	next := make([]int, len(j.count))
	for level := 1; level < len(next); level++ {
		next[level] = next[level-1] + j.count[level-1]
	}
	for _, e := range j.found {
		j.cells[next[e>>32]] = uint32(e)
		next[e>>32]++
	}
	j.found = nil
}

// Maps returns the feature map of every level in turn. One map is grown from
// level to level: it is valid until the next one, so clone what is to be kept.
//
// Cost: O(bits of a map + cells of the last level); a level whose thresholds
// overlap costs O(N) more, to decide which sign its conflict cells get.
func (s *Sweep) Maps() iter.Seq2[int, *FeatureMap] {
	return func(yield func(int, *FeatureMap) bool) {
		grown := [2][]uint64{s.layout.newBits(), s.layout.newBits()}
		covered := coveredBits(s.layout, s.f)
		done := [2]int{}
		for level := range s.Levels {
			for i := range s.joined {
				n := s.joined[i].count[level]
				s.layout.mark(grown[i], s.joined[i].cells[done[i]:done[i]+n])
				done[i] += n
			}
			m := &FeatureMap{Layout: s.layout, Positive: grown[0], Negative: grown[1], Covered: covered}
			if overlap(grown[0], grown[1]) {
				m.Positive, m.Negative = slices.Clone(m.Positive), slices.Clone(m.Negative)
				m.resolveConflicts(s.index, s.f, &s.Levels[level].Thresholds)
			}
			if !yield(level, m) {
				return
			}
		}
	}
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
