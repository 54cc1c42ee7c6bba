package datasets

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
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
	// depend on the last bits of a machine's logarithm. Scores of different
	// ranks among up to 10,000 weeks are further apart.
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
func (r *routine) departLow(x []float64, id string) {
	seed := tieSeed(x, id)
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
	if c.whole {
		r.expect(level, x)
		dispersion := dispersionOf(x, level)
		for i, mean := range level {
			if !math.IsNaN(mean) {
				x[i] = -above(int(x[i]), mean, dispersion, float64(r.hash(seed, i)>>11)/(1<<53))
			}
		}
	} else {
		for i := range x {
			x[i] = math.Round(x[i]/level[i]/rounding) * rounding // equal ratios are equal
		}
	}
	for i := range x {
		if math.IsNaN(level[i]) {
			x[i] = math.NaN()
		}
	}
	r.rank(x, seed)
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

// above returns how much of the negative binomial distribution of a mean and
// dispersion lies above x: P(X > x), and of P(X = x) the share 1-within.
func above(x int, mean, dispersion, within float64) float64 {
	size := 1 / dispersion
	odds := dispersion * mean
	grow := odds / (1 + odds)
	equal := math.Exp(-size * math.Log1p(odds)) // P(X = 0)
	upTo := equal
	for k := range x {
		equal *= grow * (float64(k) + size) / float64(k+1)
		upTo += equal
	}
	more := 1 - upTo
	if more < 1e-6 { // the difference has lost digits
		more = 0
		for term := equal; ; x++ {
			term *= grow * (float64(x) + size) / float64(x+1)
			if more += term; term <= 1e-12*more {
				break
			}
		}
	}
	return more + float64((1-within)*equal)
}

// A ranked is a value with what orders it among equal ones.
type ranked struct {
	value float64
	hash  uint64
	step  int32
}

// tieSeed is a hash of a region's id and values, infinite ones being missing.
func tieSeed(x []float64, id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	seed := h.Sum64()
	for _, v := range x {
		bits := uint64(1) // no value of a count has these
		if isFinite(v) {
			bits = math.Float64bits(v + 0) // zeros have no sign
		}
		seed = scatter(seed ^ bits)
	}
	return seed
}

// hash returns the random number of step i of a region with the given seed.
func (r *routine) hash(seed uint64, i int) uint64 { return scatter(seed + uint64(r.first+int64(i))) }

// rank replaces values by the normal scores of their ranks in their strata,
// equal ones being ordered by a hash with the given seed. r.tallies are of
// values that are missing in the same steps.
func (r *routine) rank(y []float64, seed uint64) {
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
		y[i] = math.NaN()
		t := &r.tallies[r.stratum[i]]
		if math.IsNaN(v) || math.IsNaN(t.mean) {
			continue
		}
		list[t.n] = ranked{v, r.hash(seed, i), int32(i)}
		t.n++
	}
	begin := 0
	for _, t := range r.tallies {
		stratum := list[begin:t.n]
		begin = t.n
		slices.SortFunc(stratum, func(a, b ranked) int {
			return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.hash, b.hash), cmp.Compare(a.step, b.step))
		})
		scores := r.normalScores(len(stratum))
		for k, v := range stratum {
			y[v.step] = scores[k]
		}
	}
}

// scatter is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast
// splittable pseudorandom number generators", OOPSLA 2014).
func scatter(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// normalScores returns the (k+1/2)/n quantiles of the normal distribution.
func (r *routine) normalScores(n int) []float64 {
	scores, ok := r.scores[n]
	if !ok {
		scores = make([]float64, n)
		for k := range scores {
			z := math.Sqrt2 * math.Erfinv(float64(2*k+1-n)/float64(n))
			scores[k] = math.Round(z/scoreUnit) * scoreUnit
		}
		r.scores[n] = scores
	}
	return scores
}
