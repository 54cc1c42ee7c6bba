package datasets

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

const (
	// lowCount is the median below which a region has low counts. The variance
	// after Anscombe's transformation is 2 % off at a mean of 3, 8 % at 2 and
	// 28 % at 1, and so few different values keep the hour of the week in the
	// shape of their distribution, which ranks do not.
	lowCount = 3
	// A region with more than one zero in mostZeros values has low counts
	// whatever its median: no level or spread describes both the zeros and the
	// rest.
	mostZeros = 3

	// priorEvents are the events of the overall level in every level of low
	// counts: the standard error of a level of as many is a quarter of it.
	priorEvents = 16
	// mostCount is the largest value whose distribution is added up term by term.
	mostCount = 1000
	// leastDispersion keeps the probability of no event, at levels of up to a
	// thousand, in the range of doubles. At a mean of 3 it adds 0.6 % to the
	// variance of the Poisson distribution.
	leastDispersion = 1.0 / 512

	// scoreUnit is what normal scores are rounded to, so that they do not
	// depend on the last bits of a machine's logarithm.
	scoreUnit = 1.0 / (1 << 32)
)

// isLow reports whether the values of a region are low counts.
func isLow(x []float64) bool {
	n, below, zeros := 0, 0, 0
	for _, v := range x {
		switch {
		case !isFinite(v):
			continue
		case v == 0:
			zeros++
			below++
		case v < lowCount:
			below++
		}
		n++
	}
	return 2*below > n || mostZeros*zeros > n
}

// departLow is depart for low counts.
func (r *routine) departLow(x []float64) {
	c := summariseLow(x)
	if c.least >= c.most {
		for i := range x {
			x[i] = math.NaN()
		}
		return
	}
	level := r.departed
	runningLevel(level, x, r.week, c.prior)
	r.tally(level)
	for i := range level {
		if t := &r.tallies[r.stratum[i]]; math.IsNaN(t.mean) {
			level[i] = math.NaN()
		}
	}
	if !c.whole {
		for i := range x {
			x[i] = math.Round(x[i]/level[i]/rounding) * rounding // equal ratios are equal
		}
		r.rank(x)
		return
	}
	r.expect(level, x)
	dispersion := dispersionOf(x, level)
	for i, mean := range level {
		if math.IsNaN(mean) {
			x[i] = mean
			continue
		}
		below, above := sides(int(x[i]), mean, dispersion)
		x[i] = score(below, above)
	}
}

// score returns how far a value departs, given the probabilities of values that
// are no greater, and no less: the normal quantile of the smaller one if that
// is below a half. Values whose probability holds the middle of the
// distribution have 0: nothing about them is unusual.
func score(noGreater, noLess float64) float64 {
	const least = 1e-300
	z := 0.0
	switch {
	case noLess < 0.5:
		z = -mathext.NormalQuantile(max(noLess, least))
	case noGreater < 0.5:
		z = mathext.NormalQuantile(max(noGreater, least))
	}
	return math.Round(z/scoreUnit)*scoreUnit + 0 // zeros have no sign
}

// lowSummary is what the levels of low counts start from.
type lowSummary struct {
	least, most float64
	whole       bool // values are whole numbers up to mostCount
	prior       prior
}

// summariseLow sums up the values of a region. Those that are not finite become
// missing; values that are no counts are scaled by a power of two, so that
// their sums are in the range of doubles.
func summariseLow(x []float64) lowSummary {
	c := lowSummary{least: math.Inf(1), most: math.Inf(-1), whole: true}
	n, events := 0, 0
	for i, v := range x {
		if !isFinite(v) {
			x[i] = math.NaN()
			continue
		}
		n++
		if v > 0 {
			events++
		}
		c.least, c.most = min(c.least, v), max(c.most, v)
		c.whole = c.whole && v == math.Trunc(v) && v <= mostCount
	}
	if c.least >= c.most {
		return c
	}
	if !c.whole {
		scaleTo1(x, c.most)
	}
	sum := 0.0
	for _, v := range x {
		if !math.IsNaN(v) {
			sum += v
		}
	}
	c.prior = prior{values: priorEvents * float64(n) / float64(events), sum: priorEvents * sum / float64(events)}
	return c
}

// expect turns levels, which r.tallies are of, to what is expected: times the
// ratio of the values of the stratum to its levels.
func (r *routine) expect(level, x []float64) {
	ratio := make([]float64, len(r.tallies))
	for i, l := range level {
		if !math.IsNaN(l) {
			ratio[r.stratum[i]] += x[i]
		}
	}
	for s, t := range r.tallies {
		ratio[s] /= t.sum
	}
	for i := range level {
		level[i] *= ratio[r.stratum[i]]
	}
}

// dispersionOf returns what makes the variance mean + dispersion mean^2 fit,
// by moments, but leastDispersion at least.
func dispersionOf(x, means []float64) float64 {
	excess, squares := 0.0, 0.0
	for i, mean := range means {
		if !math.IsNaN(mean) {
			d := x[i] - mean
			excess += float64(d*d) - mean // not fused, which some machines would
			squares += float64(mean * mean)
		}
	}
	if excess <= leastDispersion*squares {
		return leastDispersion
	}
	return excess / squares
}

// sides returns P(X <= x) and P(X >= x) of the negative binomial distribution
// of a mean and dispersion.
func sides(x int, mean, dispersion float64) (noGreater, noLess float64) {
	size := 1 / dispersion
	odds := dispersion * mean
	grow := odds / (1 + odds)
	equal := math.Exp(-size * math.Log1p(odds)) // P(X = 0)
	less := 0.0
	for k := range x {
		less += equal
		equal *= grow * (float64(k) + size) / float64(k+1)
	}
	noGreater, noLess = less+equal, 1-less
	if noLess < 1e-6 { // the difference has lost digits
		noLess = equal
		for term := equal; ; x++ {
			term *= grow * (float64(x) + size) / float64(x+1)
			if noLess += term; term <= 1e-12*noLess {
				break
			}
		}
	}
	return noGreater, noLess
}

// A ranked is a value and its step.
type ranked struct {
	value float64
	step  int32
}

// rank replaces values by the scores of their ranks in their strata. r.tallies
// are of values that are missing in the same steps.
func (r *routine) rank(y []float64) {
	total := 0
	for i := range r.tallies {
		t := &r.tallies[i]
		total, t.n = total+t.n, total // from here on, where its next value goes
	}
	if cap(r.ranked) < total {
		r.ranked = make([]ranked, len(y))
	}
	list := r.ranked[:total]
	for i, v := range y {
		if !math.IsNaN(v) {
			t := &r.tallies[r.stratum[i]]
			list[t.n] = ranked{v, int32(i)}
			t.n++
		}
	}
	begin := 0
	for _, t := range r.tallies {
		stratum := list[begin:t.n]
		begin = t.n
		slices.SortFunc(stratum, func(a, b ranked) int { return cmp.Compare(a.value, b.value) })
		n := float64(len(stratum))
		for first := 0; first < len(stratum); {
			end := first + 1
			for end < len(stratum) && stratum[end].value == stratum[first].value {
				end++
			}
			z := score((float64(end)-0.5)/n, 1-(float64(first)+0.5)/n)
			for ; first < end; first++ {
				y[stratum[first].step] = z
			}
		}
	}
}
