package relate

import "math"

// A windowSum is the null distribution of a statistic: the sum of one value
// from each of several small tables, drawn independently and with equal
// chances. A table holds the statistic's part in a window for every rotation,
// that of the data, which is no rotation, first.
//
// It holds memory that its next use takes over.
type windowSum struct {
	sizes  []int     // of the tables
	values []float64 // of one table after the other
	whole  bool      // all values are whole numbers

	mean, variance, observed float64   // of the sum; observed is the value of the data
	low, high                float64   // its ends
	shareLow, shareHigh      float64   // their probabilities
	least                    float64   // probability of one combination
	mins, maxs               []float64 // of the tables

	depths   depths
	pmf      [2][]float64 // of halves of the tables, see convolve
	distinct []weightedDepth
}

// set makes s the sum of tables of given sizes, whose values it keeps.
func (s *windowSum) set(values []float64, sizes []int, whole bool) {
	s.values, s.sizes, s.whole = values, sizes, whole
	s.mean, s.variance, s.observed = 0, 0, 0
	s.low, s.high, s.shareLow, s.shareHigh, s.least = 0, 0, 1, 1, 1
	s.mins, s.maxs = resize(s.mins, len(sizes)), resize(s.maxs, len(sizes))
	for q, n := range sizes {
		t := values[:n]
		values = values[n:]
		first := t[0]
		least, most := first, first
		atLeast, atMost := 0, 0
		sum, squares := 0.0, 0.0 // of the distances from the first
		for _, x := range t {
			if x < least {
				least, atLeast = x, 0
			}
			if x > most {
				most, atMost = x, 0
			}
			if x == least {
				atLeast++
			}
			if x == most {
				atMost++
			}
			sum += x - first
			squares += (x - first) * (x - first)
		}
		one := 1 / float64(n)
		s.mean += first + sum*one
		s.variance += max(squares-sum*sum*one, 0) * one
		s.observed += first
		s.low, s.high = s.low+least, s.high+most
		s.shareLow *= float64(atLeast) * one
		s.shareHigh *= float64(atMost) * one
		s.least *= one
		s.mins[q], s.maxs[q] = least, most
	}
	if s.low == s.high {
		s.variance = 0 // for certain, whatever the rounding
	}
}

// upper returns P(T >= at). It is within 1 % of the exact probability down to
// 1e-9, by the saddlepoint approximation of Lugannani and Rice (1980), on a
// lattice with the correction of Daniels (1987), and exact at the end of the
// support, on small supports and of few tables. Robinson (1982) has shown it
// for permutation tests. The result is at least the probability of one
// combination.
//
// Cost: two or three passes over the tables.
func (s *windowSum) upper(at float64) float64 {
	return s.tail(true, s.high-at, s.high-s.mean, s.shareHigh)
}

// lower returns P(T <= at).
func (s *windowSum) lower(at float64) float64 {
	return s.tail(false, at-s.low, s.mean-s.low, s.shareLow)
}

const (
	// fewTables is the number of tables below which the saddlepoint can be off
	// by more than a few per cent, and the exact distribution is cheap.
	fewTables = 12
	// A sum of few different values is far from smooth.
	smallSupport = 64
	// nearEnd is how many times less likely than a tail its end has to be for
	// the tail to be smooth.
	nearEnd = 20
	// maxSupport bounds the cost of an exact distribution.
	maxSupport = 1 << 16
)

// tail returns the probability that the depth of the sum below its largest
// value, or its height above the least, is at most limit; mean is that of the
// depth, and share the probability of no depth at all.
func (s *windowSum) tail(below bool, limit, mean, share float64) float64 {
	if s.whole {
		limit = math.Floor(limit + 1e-9) // the next depth that the sum can have
	}
	support := s.high - s.low
	switch {
	case s.variance == 0 && limit < 0:
		return s.least
	case limit >= support:
		return 1
	case limit <= 0:
		return share // of the combinations that attain the end
	case s.whole && (len(s.sizes) < fewTables || support <= smallSupport):
		return s.exact(below, int(limit))
	}
	// The sum is at its end with this probability at least. Close to it the
	// approximation fails; there, too, the exact one is to be had.
	p := s.saddlepoint(below, limit, mean)
	if p < nearEnd*share && s.whole && support <= maxSupport {
		return s.exact(below, int(limit))
	}
	return min(max(p, share), 1)
}

// exact returns the exact probability of a depth of at most limit, of whole
// numbers. The other tail is the shorter way to a large one.
func (s *windowSum) exact(below bool, limit int) float64 {
	const large = 1e-4 // less loses digits
	if rest := int(s.high-s.low) - limit - 1; rest < limit {
		if p := 1 - s.convolve(!below, rest); p > large {
			return p
		}
	}
	return s.convolve(below, limit)
}

// A weightedDepth is a depth of a table and the share of its values there.
type weightedDepth struct {
	depth int
	share float64
}

// convolve returns the probability of a depth of at most limit. The
// distributions of the two halves of the tables, up to that depth, are found
// one table at a time; the sum of the halves is never needed but for its tail.
func (s *windowSum) convolve(below bool, limit int) float64 {
	s.depths.fill(s, below)
	steps := s.depths.steps
	var tops [2]int // the largest depth of each half
	for half := range s.pmf {
		sizes := s.sizes[half*len(s.sizes)/2 : (half+1)*len(s.sizes)/2]
		s.pmf[half] = resize(s.pmf[half], limit+1)
		pmf, top := s.pmf[half], 0
		pmf[0] = 1
		for _, n := range sizes {
			s.distribution(steps[:n])
			steps = steps[n:]
			top = s.add(pmf, top)
		}
		tops[half] = top
	}
	p, second, within := 0.0, s.pmf[1], 0.0
	// The depths of the first half from the largest on, so that the second's
	// share within what is left only grows, and small ones are added first.
	next := 0
	for i := tops[0]; i >= 0; i-- {
		for ; next <= min(limit-i, tops[1]); next++ {
			within += second[next]
		}
		p += s.pmf[0][i] * within
	}
	return min(p, 1)
}

// distribution makes s.distinct the depths of a table.
func (s *windowSum) distribution(steps []int32) {
	one := 1 / float64(len(steps))
	s.distinct = s.distinct[:0]
next:
	for _, d := range steps {
		for i := range s.distinct {
			if s.distinct[i].depth == int(d) {
				s.distinct[i].share += one
				continue next
			}
		}
		s.distinct = append(s.distinct, weightedDepth{int(d), one})
	}
}

// add adds the table of s.distinct to a distribution that is known up to top,
// and returns up to where it is known then: its largest depth, or the last
// that there is room for.
func (s *windowSum) add(pmf []float64, top int) int {
	deepest := 0
	for _, d := range s.distinct {
		deepest = max(deepest, d.depth)
	}
	end := min(top+deepest, len(pmf)-1)
	clear(pmf[top+1 : end+1])
	for i := end; i >= 0; i-- { // what an entry is made of stands at it and before it
		sum := 0.0
		for _, d := range s.distinct {
			if at := i - d.depth; at >= 0 {
				sum += d.share * pmf[at]
			}
		}
		pmf[i] = sum
	}
	return end
}

// resize returns a slice of n elements, in the memory of s if it is enough.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
