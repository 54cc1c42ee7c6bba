package relate

import "math"

// A windowSum is the null distribution of a statistic: the sum of one value
// from each of several small tables, drawn independently and with equal
// chances. A table holds the statistic's part in a window for every rotation,
// that of the data, which is no rotation, first.
type windowSum struct {
	sizes  []int     // of the tables
	whole  bool      // all values are whole numbers
	counts []int32   // the values of one table after the other, of whole numbers
	values []float64 // others

	mean, observed float64 // of the sum; observed is the value of the data
	low, high      float64 // its ends
	// mins, maxs and means are those of the tables.
	mins, maxs, means []float64
	known             bool      // the cumulants are
	atMean            cumulants // see untilted
}

// A tailMemory is what finding a tail takes. The next tail takes it over.
type tailMemory struct {
	depths   depths
	pmf      [2][]float64 // of halves of the tables, see convolve
	shares   []float64    // of a table, by depth
	distinct []weightedDepth
}

// measure makes s the sum of tables of whole numbers, or of others, which it
// keeps.
func (s *windowSum) measure(sizes []int, counts []int32, values []float64) {
	s.sizes, s.counts, s.values, s.whole = sizes, counts, values, values == nil
	s.mins, s.maxs, s.means = resize(s.mins, len(sizes)), resize(s.maxs, len(sizes)), resize(s.means, len(sizes))
	s.known = false
	if s.whole {
		measure(s, counts)
	} else {
		measure(s, values)
	}
}

func measure[T int32 | float64](s *windowSum, values []T) {
	sizes := s.sizes
	mins, maxs, means := s.mins[:len(sizes)], s.maxs[:len(sizes)], s.means[:len(sizes)]
	var mean, observed, low, high, share float64
	last := 0
	for q, n := range sizes {
		if n != last {
			last, share = n, 1/float64(n)
		}
		first := values[0]
		least, most, sum := first, first, first
		for _, x := range values[1:n] {
			least, most = min(least, x), max(most, x)
			sum += x
		}
		values = values[n:]
		mins[q], maxs[q], means[q] = float64(least), float64(most), float64(sum)*share
		mean += means[q]
		observed += float64(first)
		low += mins[q]
		high += maxs[q]
	}
	s.mean, s.observed, s.low, s.high = mean, observed, low, high
}

// variance returns that of the sum.
func (s *windowSum) variance() float64 { return s.cumulants().k2 }

// cumulants returns those of the sum, see untilted, which most tails need and
// few need more than.
func (s *windowSum) cumulants() cumulants {
	if !s.known {
		s.known = true
		if s.whole {
			s.atMean = untilted(s, s.counts)
		} else {
			s.atMean = untilted(s, s.values)
		}
	}
	return s.atMean
}

func (s *windowSum) value(i int) float64 {
	if s.whole {
		return float64(s.counts[i])
	}
	return s.values[i]
}

// share returns the probability of the largest value of the sum, or of the
// least; or anything up to negligible if that is as much.
func (s *windowSum) share(largest bool, negligible float64) float64 {
	ends := s.mins
	if largest {
		ends = s.maxs
	}
	share, at := 1.0, 0
	for q, n := range s.sizes {
		attained := 0
		if s.whole {
			end := int32(ends[q])
			for _, x := range s.counts[at:][:n] {
				if x == end {
					attained++
				}
			}
		} else {
			for _, x := range s.values[at:][:n] {
				if x == ends[q] {
					attained++
				}
			}
		}
		if share *= float64(attained) / float64(n); share <= negligible {
			break
		}
		at += n
	}
	return share
}

// least returns the smallest probability that the null can give to a tail:
// that of the one combination that is most extreme, 1/|G| if it is unique.
func (s *windowSum) least() float64 {
	p := 1.0
	for _, n := range s.sizes {
		p /= float64(n)
	}
	return p
}

// upper returns P(T >= at). It is within 1 % of the exact probability down to
// 1e-9, by the saddlepoint approximation of Lugannani and Rice (1980), on a
// lattice with the correction of Daniels (1987), and exact at the end of the
// support, on small supports and of few tables. Robinson (1982) has shown it
// for permutation tests. The result is at least the probability of one
// combination.
//
// Cost: two or three passes over the tables.
func (s *windowSum) upper(at float64, m *tailMemory) float64 {
	return s.tail(true, s.high-at, s.high-s.mean, m)
}

// lower returns P(T <= at).
func (s *windowSum) lower(at float64, m *tailMemory) float64 {
	return s.tail(false, at-s.low, s.mean-s.low, m)
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
// depth.
func (s *windowSum) tail(below bool, limit, mean float64, m *tailMemory) float64 {
	if s.whole {
		limit = math.Floor(limit + 1e-9) // the next depth that the sum can have
	}
	support := s.high - s.low
	switch {
	case support == 0 && limit < 0:
		return s.least()
	case limit >= support:
		return 1
	case limit <= 0:
		return s.share(below, 0) // of the combinations that attain the end
	case s.whole && (len(s.sizes) < fewTables || support <= smallSupport):
		return m.exact(s, below, int(limit))
	}
	// The sum is at its end with this probability at least. Close to it the
	// approximation fails; there, too, the exact one is to be had.
	p := m.depths.saddlepoint(s, below, limit, mean)
	share := s.share(below, p/nearEnd)
	if p < nearEnd*share && s.whole && support <= maxSupport {
		return m.exact(s, below, int(limit))
	}
	return min(max(p, share), 1)
}

// exact returns the exact probability of a depth of at most limit, of whole
// numbers. The other tail is the shorter way to a large one.
func (m *tailMemory) exact(s *windowSum, below bool, limit int) float64 {
	const large = 1e-4 // less loses digits
	if rest := int(s.high-s.low) - limit - 1; rest < limit {
		if p := 1 - m.convolve(s, !below, rest); p > large {
			return p
		}
	}
	return m.convolve(s, below, limit)
}

// A weightedDepth is a depth of a table and the share of its values there.
type weightedDepth struct {
	depth int
	share float64
}

// convolve returns the probability of a depth of at most limit. The
// distributions of the two halves of the tables, up to that depth, are found
// one table at a time; the sum of the halves is never needed but for its tail.
func (m *tailMemory) convolve(s *windowSum, below bool, limit int) float64 {
	var tops [2]int // the largest depth of each half
	q, at := 0, 0
	for half := range m.pmf {
		m.pmf[half] = resize(m.pmf[half], limit+1)
		pmf, top := m.pmf[half], 0
		pmf[0] = 1
		for end := (half + 1) * len(s.sizes) / 2; q < end; q++ {
			n := s.sizes[q]
			if span := int(s.maxs[q] - s.mins[q]); span > 0 {
				m.distribution(s.counts[at:][:n], span, int32(s.maxs[q]), int32(s.mins[q]), below)
				top = m.add(pmf, top, span)
			}
			at += n
		}
		tops[half] = top
	}
	// The depths of the first half from the largest on, so that the second's
	// share within what is left only grows, and small ones are added first.
	p, within, next := 0.0, 0.0, 0
	for i := tops[0]; i >= 0; i-- {
		for ; next <= min(limit-i, tops[1]); next++ {
			within += m.pmf[1][next]
		}
		p += m.pmf[0][i] * within
	}
	return min(p, 1)
}

// distribution makes m.distinct the depths of a table, span the largest, below
// most or above least.
func (m *tailMemory) distribution(table []int32, span int, most, least int32, below bool) {
	end, sign := least, int32(1)
	if below {
		end, sign = most, -1
	}
	m.distinct = m.distinct[:0]
	one := 1 / float64(len(table))
	if span < 8 && len(table) < 256 { // numbers of values fit into the bytes of a word
		numbers := uint64(0)
		for _, x := range table {
			numbers += 1 << (8 * uint32(sign*(x-end)) & 63)
		}
		for d := 0; numbers != 0; d++ {
			if number := numbers & 0xff; number > 0 {
				m.distinct = append(m.distinct, weightedDepth{d, float64(number) * one})
			}
			numbers >>= 8
		}
		return
	}
	m.shares = resize(m.shares, span+1)
	clear(m.shares)
	for _, x := range table {
		m.shares[sign*(x-end)] += one
	}
	for d, share := range m.shares {
		if share > 0 {
			m.distinct = append(m.distinct, weightedDepth{d, share})
		}
	}
}

// add adds the table of m.distinct to a distribution that is known up to top,
// and returns up to where it is known then: its largest depth, or the last
// that there is room for.
func (m *tailMemory) add(pmf []float64, top, span int) int {
	end := min(top+span, len(pmf)-1)
	clear(pmf[top+1 : end+1])
	first := m.distinct[0].share // of no depth
	if len(m.distinct) == 2 && span <= end {
		// Most tables of rare overlaps are so.
		second := m.distinct[1].share
		for i := end; i >= span; i-- {
			pmf[i] = first*pmf[i] + second*pmf[i-span]
		}
		for i := range span {
			pmf[i] *= first
		}
		return end
	}
	for i := end; i >= 0; i-- { // what an entry is made of stands at it and before it
		sum := first * pmf[i]
		for _, d := range m.distinct[1:] {
			if d.depth > i {
				break
			}
			sum += d.share * pmf[i-d.depth]
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
