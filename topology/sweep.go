package topology

import (
	"fmt"
	"math"
)

// A Sweep follows the level sets of a function through nested levels, the
// rarest first.
type Sweep struct {
	Levels []SweepLevel
}

// A SweepLevel is one level of a sweep.
type SweepLevel struct {
	Thresholds Thresholds
	Map        FeatureMap
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
	Cells    int     // cells, conflicts included
	Appeared []int32 // pairs of the tree that are components here and were not at the level before
	Merged   []int32 // pairs that were components at the level before and have been absorbed
}

// Sweep evaluates the levels in one pass down the trees and one over the
// cells, however many levels there are: each pair is looked up at its birth
// and death, each cell at the level at which it joins. f is the function on d
// that x is the index of; levels must be nested, the rarest first, as
// [Index.Thresholds] returns them; it panics otherwise. Feature objects come
// from [Index.Features], level by level.
//
// Cost: O((N + pairs) log k) and k feature maps, for k levels.
func (x *Index) Sweep(d Domain, f []float64, levels []Thresholds, layout *Layout) *Sweep {
	if len(f) != x.regions*x.steps || len(layout.slots) != x.steps || layout.regions != x.regions {
		panic("topology: the function or the layout does not fit the index")
	}
	s := &Sweep{Levels: make([]SweepLevel, len(levels))}
	covered := coveredBits(layout, f)
	for i := range levels {
		l := &s.Levels[i]
		l.Thresholds = levels[i]
		l.Map = FeatureMap{Layout: layout, Positive: layout.newBits(), Negative: layout.newBits(), Covered: covered}
		l.Super, l.Sub = make([]SweepStep, len(x.seasons)), make([]SweepStep, len(x.seasons))
	}
	for season := range x.seasons {
		super := newLadder(Super, levels, season)
		sub := newLadder(Sub, levels, season)
		s.followPairs(season, x.seasons[season].Super, super)
		s.followPairs(season, x.seasons[season].Sub, sub)
		s.markCells(season, x.seasons[season].Season, f, super, sub)
	}
	for i := range s.Levels {
		s.Levels[i].resolveConflicts(x, f)
	}
	return s
}

// A ladder holds the levels of one season and direction, negated for the
// sub-level tree so that they fall. Levels that select nothing come first, as
// +Inf.
type ladder struct {
	direction Direction
	rungs     []float64
}

func newLadder(direction Direction, levels []Thresholds, season int) ladder {
	l := ladder{direction: direction, rungs: make([]float64, len(levels))}
	for i := range levels {
		a := l.turn(levels[i].Of(direction)[season].Value)
		if math.IsNaN(a) {
			a = math.Inf(1)
		}
		if i > 0 && a > l.rungs[i-1] {
			panic(fmt.Sprintf("topology: level %d (%s) of a sweep is not nested in the one before", i, levels[i].Class))
		}
		l.rungs[i] = a
	}
	return l
}

func (l ladder) turn(x float64) float64 {
	if l.direction == Sub {
		return -x
	}
	return x
}

// joins returns the first level whose level set holds a value, turned: the
// number of levels if none does.
func (l ladder) joins(x float64) int {
	lo, hi := 0, len(l.rungs)
	for lo < hi {
		if mid := (lo + hi) / 2; x >= l.rungs[mid] {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// followPairs fills in the features of all levels.
func (s *Sweep) followPairs(season int, t *Tree, l ladder) {
	k := len(l.rungs)
	steps := make([]*SweepStep, k)
	for i := range steps {
		steps[i] = &s.Levels[i].Of(l.direction)[season]
	}
	for i := range t.Len() {
		born := l.joins(l.turn(t.birth[i]))
		died := k
		if t.parent[i] >= 0 {
			died = l.joins(l.turn(t.death[i]))
		}
		if born == died {
			continue // between two levels, or below the last
		}
		steps[born].Appeared = append(steps[born].Appeared, int32(i))
		if died < k {
			steps[died].Merged = append(steps[died].Merged, int32(i))
		}
	}
	features := 0
	for _, step := range steps {
		features += len(step.Appeared) - len(step.Merged)
		step.Features = features
	}
}

// markCells fills in the cells of all levels of a season.
func (s *Sweep) markCells(season int, at Season, f []float64, super, sub ladder) {
	k := len(s.Levels)
	if k == 0 {
		return
	}
	layout := s.Levels[0].Map.Layout
	up, down := make([]uint64, k), make([]uint64, k) // the cells of a span that join at each level
	upCells, downCells := make([]int, k), make([]int, k)
	lastUp, lastDown := super.rungs[k-1], sub.rungs[k-1]
	layout.spans(at.First, at.End, func(c span) {
		any := false
		for i, x := range f[c.vertex : c.vertex+c.n] {
			if x >= lastUp {
				level := super.joins(x)
				up[level] |= 1 << (c.bit + uint(i))
				upCells[level]++
				any = true
			}
			if -x >= lastDown {
				level := sub.joins(-x)
				down[level] |= 1 << (c.bit + uint(i))
				downCells[level]++
				any = true
			}
		}
		if !any {
			return
		}
		positive, negative := uint64(0), uint64(0)
		for level := range s.Levels {
			positive |= up[level]
			negative |= down[level]
			up[level], down[level] = 0, 0
			m := &s.Levels[level].Map
			m.Positive[c.word] |= positive
			m.Negative[c.word] |= negative
		}
	})
	for level := range s.Levels {
		if level > 0 {
			upCells[level] += upCells[level-1]
			downCells[level] += downCells[level-1]
		}
		s.Levels[level].Super[season].Cells = upCells[level]
		s.Levels[level].Sub[season].Cells = downCells[level]
	}
}

// resolveConflicts gives each cell of both level sets the sign whose threshold
// it exceeds by more, and no sign if it exceeds both by the same.
func (l *SweepLevel) resolveConflicts(x *Index, f []float64) {
	conflict := func(season int) bool {
		return l.Thresholds.Super[season].Value <= l.Thresholds.Sub[season].Value
	}
	layout := l.Map.Layout
	for i := range x.seasons {
		if !conflict(i) {
			continue
		}
		up, down := l.Thresholds.Super[i].Value, l.Thresholds.Sub[i].Value
		layout.spans(x.seasons[i].Season.First, x.seasons[i].Season.End, func(c span) {
			for j, v := range f[c.vertex : c.vertex+c.n] {
				if !(v >= up && v <= down) {
					continue
				}
				l.Map.Conflicts++
				bit := uint64(1) << (c.bit + uint(j))
				if v-up <= down-v {
					l.Map.Positive[c.word] &^= bit
				}
				if v-up >= down-v {
					l.Map.Negative[c.word] &^= bit
				}
			}
		})
	}
	// Two steps in one slot may disagree.
	for i := range l.Map.Positive {
		both := l.Map.Positive[i] & l.Map.Negative[i]
		l.Map.Positive[i] &^= both
		l.Map.Negative[i] &^= both
	}
}
