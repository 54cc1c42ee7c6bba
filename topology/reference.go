package topology

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// This file reproduces what the published implementation of Data Polygamy
// (ViDA-NYU/data-polygamy, commit 4b3f7c0) computes for one function, its
// defects included, so that results can be compared with it. What is random
// there, the 2-means clustering, is exact here.

// ErrReferenceDrops says that the reference implementation would drop the
// whole function without a word: one of its seasons has a single vertex, for
// which its tree has no arc.
var ErrReferenceDrops = errors.New("topology: the reference implementation drops this function")

// minReferencePersistence is the absolute persistence below which the
// reference forgets an extremum, whatever the unit of the data.
const minReferencePersistence = 0.01

// A ReferencePair is a feature of the reference: its values are 32-bit floats.
type ReferencePair struct {
	Extremum    int // vertex, numbered inside the season
	Saddle      int
	Birth       float32
	Death       float32
	Persistence float32
}

// A ReferenceSeason holds what the reference keeps of one season: pairs with
// a persistence of 0.01 and more, at least one, most persistent first.
//
// Vertices are numbered inside the season. In a city-wide function they are
// the steps that have a value: gaps are closed up. Otherwise vertex t*R+r is
// region r at the t-th step from the season's first one with a value.
type ReferenceSeason struct {
	Season     Season // as the caller cut it
	Super, Sub []ReferencePair

	d     Domain
	f     []float64
	steps []int32 // city: the step of each vertex; else the first step
}

// Of returns the pairs of the given direction.
func (s *ReferenceSeason) Of(direction Direction) []ReferencePair {
	if direction == Super {
		return s.Super
	}
	return s.Sub
}

// Cell returns the region and the step of the whole axis of vertex v.
func (s *ReferenceSeason) Cell(v int) (region, step int) {
	if s.d.NumRegions() == 1 {
		return 0, int(s.steps[v])
	}
	return s.d.Region(v), int(s.steps[0]) + s.d.Step(v)
}

// A Reference is a function as the reference implementation sees it.
type Reference struct {
	Seasons []ReferenceSeason // those that hold a value

	regions, steps int
}

// NewReference applies the rules of the reference to f on d. A domain of one
// region is a city-wide function: its missing steps vanish. In any other, a
// region without any value is left out, and a missing cell of the others
// counts as 0 from the first to the last step of the season that has a value.
// Where leaving out regions disconnects the graph, the reference adds edges
// that depend on the iteration order of a hash set: d must hold them already.
// Values are rounded to 32 bits, and beyond half of the largest they are
// *ValueErrors. Otherwise errors are those of [Builder.Build] for seasons that
// are not nil, and ErrReferenceDrops.
func NewReference(ctx context.Context, d Domain, f []float64, seasons []Season) (*Reference, error) {
	if len(f) != d.NumVertices() {
		panic(fmt.Sprintf("topology: a function of %d values on a domain of %d vertices", len(f), d.NumVertices()))
	}
	if err := checkSeasons(seasons, d.NumSteps()); err != nil {
		return nil, err
	}
	if _, err := checkValues(d, f); err != nil {
		return nil, err
	}
	for v, x := range f {
		if math.Abs(x) > math.MaxFloat32/2 { // infinite in 32 bits, or its persistence may be
			return nil, &ValueError{Region: d.Region(v), Step: d.Step(v), Value: x}
		}
	}
	regions := d.NumRegions()
	observed := make([]bool, regions)
	for v, x := range f {
		observed[v%regions] = observed[v%regions] || x == x
	}
	r := &Reference{regions: regions, steps: d.NumSteps()}
	builder := Builder{Workers: 1}
	for _, season := range seasons {
		s := ReferenceSeason{Season: season}
		if regions == 1 {
			s.closeGaps(f)
		} else {
			s.fillGaps(d, f, observed)
		}
		if len(s.f) == 0 {
			continue
		}
		index, err := builder.Build(ctx, s.d, s.f, nil)
		if err != nil {
			return nil, err
		}
		if index.Covered() == 1 {
			return nil, fmt.Errorf("%w: season %d has a single vertex", ErrReferenceDrops, season.Code)
		}
		trees := index.Seasons()[0]
		ignored := regions > 1 && slices.Contains(observed, false)
		s.Super = referencePairs(trees.Super, ignored)
		s.Sub = referencePairs(trees.Sub, ignored)
		r.Seasons = append(r.Seasons, s)
	}
	return r, nil
}

// closeGaps chains the values of a city-wide function.
func (s *ReferenceSeason) closeGaps(f []float64) {
	for t := s.Season.First; t < s.Season.End; t++ {
		if x := f[t]; x == x {
			s.f = append(s.f, float64(float32(x)))
			s.steps = append(s.steps, int32(t))
		}
	}
	s.d = Path(len(s.f))
}

// fillGaps cuts the season to the steps between its first and last value and
// puts 0 for what is missing there.
func (s *ReferenceSeason) fillGaps(d Domain, f []float64, observed []bool) {
	regions := d.NumRegions()
	first, last := -1, -1
	for v := s.Season.First * regions; v < s.Season.End*regions; v++ {
		if f[v] == f[v] {
			if first < 0 {
				first = v / regions
			}
			last = v / regions
		}
	}
	if first < 0 {
		return
	}
	for v := first * regions; v < (last+1)*regions; v++ {
		x := float64(float32(f[v]))
		switch {
		case !observed[v%regions]:
			x = math.NaN()
		case x != x:
			x = 0
		}
		s.f = append(s.f, x)
	}
	s.d = NewDomain(d.graph, last+1-first)
	s.steps = []int32{int32(first)}
}

// referencePairs cuts the pairs of a tree at the reference's persistence.
func referencePairs(t *Tree, ignored bool) []ReferencePair {
	var pairs []ReferencePair
	for i := range t.Len() {
		p := ReferencePair{
			Extremum: int(t.extremum[i]),
			Saddle:   int(t.saddle[i]),
			Birth:    float32(t.birth[i]),
			Death:    float32(t.death[i]),
		}
		if t.parent[i] < 0 && ignored && t.rootIsSaddle(i) {
			// The reference then adds a root whose value it reads from the
			// end of the sorted cells, where the 0 of a region that was left
			// out may stand.
			if t.direction == Super {
				p.Death = min(p.Death, 0)
			} else {
				p.Death = max(p.Death, 0)
			}
		}
		p.Persistence = p.Birth - p.Death
		if t.direction == Sub {
			p.Persistence = p.Death - p.Birth
		}
		pairs = append(pairs, p)
	}
	slices.SortStableFunc(pairs, func(a, b ReferencePair) int { return cmp.Compare(b.Persistence, a.Persistence) })
	n := 1
	for n < len(pairs) && pairs[n].Persistence >= minReferencePersistence {
		n++
	}
	return pairs[:n]
}

// rootIsSaddle reports whether components merge at the vertex where survivor
// i dies.
func (t *Tree) rootIsSaddle(i int) bool {
	for j, s := range t.saddle {
		if j != i && s == t.saddle[i] {
			return true
		}
	}
	return false
}

// Thresholds returns the levels of a class of the reference, salient or
// extreme, or those of the salient rule with the persistence cut of
// Persistence; any other class is an error. There is one level a season of
// r.Seasons.
func (r *Reference) Thresholds(c Class) (Thresholds, error) {
	switch c.Kind {
	case Salient:
		return r.salient("salient", referenceSalientCut), nil
	case Persistence:
		name := "persistence:" + formatNumber(c.Cut)
		return r.salient(name, func([]ReferencePair) float64 { return c.Cut }), nil
	case Extreme:
		return r.extreme(), nil
	}
	return Thresholds{}, errors.New("topology: the reference implementation has the classes salient, extreme and persistence:X only")
}

// referenceSalientCut is the persistence of the weakest salient feature.
func referenceSalientCut(pairs []ReferencePair) float64 {
	if len(pairs) < 2 {
		return 0.4 * float64(pairs[0].Persistence)
	}
	persistences := make([]float64, len(pairs))
	for i, p := range pairs {
		persistences[i] = float64(p.Persistence)
	}
	return persistences[split2Means(persistences)-1]
}

func (r *Reference) salient(class string, cut func([]ReferencePair) float64) Thresholds {
	t := Thresholds{Class: class}
	for i := range r.Seasons {
		for _, direction := range []Direction{Super, Sub} {
			pairs := r.Seasons[i].Of(direction)
			c := cut(pairs)
			level := math.Inf(1)
			for _, p := range pairs {
				if x := float64(p.Birth); float64(p.Persistence) >= c {
					if direction == Sub {
						x = -x
					}
					level = min(level, x)
				}
			}
			switch {
			case math.IsInf(level, 1):
				level = math.NaN()
				t.Reason = fmt.Sprintf("no extremum has a persistence of %g", c)
			case direction == Sub:
				level = -level
			}
			t.set(direction, Threshold{Value: level, PersistenceCut: c})
		}
	}
	return t
}

// set appends the threshold of the next season.
func (t *Thresholds) set(direction Direction, level Threshold) {
	if direction == Super {
		t.Super = append(t.Super, level)
	} else {
		t.Sub = append(t.Sub, level)
	}
}

// extreme is the fence over the extrema that reach 90 % of the largest
// persistence of their season, the same in all seasons.
func (r *Reference) extreme() Thresholds {
	t := Thresholds{Class: "extreme"}
	for _, direction := range []Direction{Super, Sub} {
		var pooled []float64
		cuts := make([]float64, len(r.Seasons))
		for i := range r.Seasons {
			pairs := r.Seasons[i].Of(direction)
			cut := 0.9 * pairs[0].Persistence // in 32 bits
			cuts[i] = float64(cut)
			for _, p := range pairs {
				if p.Persistence >= cut {
					pooled = append(pooled, float64(p.Birth))
				}
			}
		}
		slices.Sort(pooled)
		q1, q3 := referencePercentile(pooled, 25), referencePercentile(pooled, 75)
		level := q3 + 1.5*(q3-q1) + 1e-5
		if direction == Sub {
			level = q1 - 1.5*(q3-q1) - 1e-5
		}
		for i := range r.Seasons {
			t.set(direction, Threshold{Value: level, PersistenceCut: cuts[i]})
		}
	}
	return t
}

// referencePercentile interpolates at rank p(n+1)/100, from 1, clamped.
func referencePercentile(sorted []float64, p float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	position := p * float64(n+1) / 100
	switch floor := math.Floor(position); {
	case position < 1:
		return sorted[0]
	case position >= float64(n):
		return sorted[n-1]
	default:
		lower := sorted[int(floor)-1]
		return lower + (position-floor)*(sorted[int(floor)]-lower)
	}
}

// Events returns the sign of every cell, shape [steps*regions]: +1 where a
// positive feature is, -1 where a negative one is, 0 elsewhere and where both
// are. A component is found only if it holds one of the season's pairs.
func (r *Reference) Events(t Thresholds) []int8 {
	signs := make([]int8, r.regions*r.steps)
	for i := range r.Seasons {
		s := &r.Seasons[i]
		negative := s.mark(Sub, t.Sub[i].Value)
		positive := s.mark(Super, t.Super[i].Value)
		for v := range s.f {
			region, step := s.Cell(v)
			switch {
			case positive[v] && !negative[v]:
				signs[step*r.regions+region] = 1
			case negative[v] && !positive[v]:
				signs[step*r.regions+region] = -1
			}
		}
	}
	return signs
}

// mark floods the level set at a from the extrema in it.
func (s *ReferenceSeason) mark(direction Direction, a float64) []bool {
	marked := make([]bool, len(s.f))
	var queue []int
	visit := func(v int) {
		if !marked[v] && direction.passes(s.f[v], a) {
			marked[v] = true
			queue = append(queue, v)
		}
	}
	regions := s.d.NumRegions()
	for _, p := range s.Of(direction) {
		visit(p.Extremum)
	}
	for i := 0; i < len(queue); i++ {
		v := queue[i]
		if v >= regions {
			visit(v - regions)
		}
		if v+regions < len(s.f) {
			visit(v + regions)
		}
		for _, n := range s.d.graph.Neighbours(v % regions) {
			visit(v - v%regions + int(n))
		}
	}
	return marked
}
