package relate

import (
	"math"
	"slices"
)

// A null is the slow definition of a windowSum: the null distribution of a statistic: the sum of one value from
// each of several small tables, drawn independently and with equal chances.
// Table q holds the statistic's part in window q for every rotation, that of
// the data, which is no rotation, first.
type null struct {
	tables [][]float64
	whole  bool // all values are whole numbers
}

// moments returns the mean and the variance of the sum, and the value that the
// data have.
func (n *null) moments() (mean, variance, observed float64) {
	for _, t := range n.tables {
		m := 0.0
		for _, x := range t {
			m += x
		}
		m /= float64(len(t))
		v := 0.0
		for _, x := range t {
			v += (x - m) * (x - m)
		}
		mean += m
		variance += v / float64(len(t))
		observed += t[0]
	}
	return mean, variance, observed
}

// least returns the smallest probability that the null can give to a tail:
// that of the one combination that is most extreme, 1/|G| if it is unique.
func (n *null) least() float64 {
	p := 1.0
	for _, t := range n.tables {
		p /= float64(len(t))
	}
	return p
}

// upper returns P(T >= at). It is within 1 % of the exact probability down to
// 1e-9, by the saddlepoint approximation of Lugannani and Rice (1980), on a
// lattice with the correction of Daniels (1987), and exact at the end of the
// support. Robinson (1982) has shown it for permutation tests. The result is
// at least n.least().
//
// Cost: a dozen passes over the tables.
func (n *null) upper(at float64) float64 {
	if n.whole {
		at = math.Ceil(at - 1e-9) // the next value that the sum can have
	}
	mean, variance, _ := n.moments()
	if variance == 0 {
		if at <= mean {
			return 1
		}
		return n.least()
	}
	low, high, share := n.ends()
	switch {
	case at >= high:
		return share // of the combinations that attain the maximum
	case at <= low:
		return 1
	case n.whole && (len(n.tables) < fewTables || high-low <= smallSupport):
		return n.convolve(at, low, high)
	}
	// The sum is at its maximum with this probability at least. Close to that
	// end the approximation fails; there, too, the exact one is to be had.
	p := n.saddlepoint(at, mean, variance)
	if p < nearEnd*share && n.whole && high-low <= maxSupport {
		return n.convolve(at, low, high)
	}
	return min(max(p, share), 1)
}

// convolve returns the exact P(T >= at) of a sum of whole numbers between low
// and high.
func (n *null) convolve(at, low, high float64) float64 {
	probability := make([]float64, int(high-low)+1)
	next := make([]float64, len(probability))
	probability[0] = 1
	top := 0 // the largest sum so far, above the least
	for _, t := range n.tables {
		least, most := slices.Min(t), slices.Max(t)
		clear(next[:top+int(most-least)+1])
		for sum, p := range probability[:top+1] {
			for _, x := range t {
				next[sum+int(x-least)] += p / float64(len(t))
			}
		}
		top += int(most - least)
		probability, next = next, probability
	}
	p := 0.0
	for i := top; i >= max(0, int(math.Ceil(at-low))); i-- { // the small ones first
		p += probability[i]
	}
	return min(p, 1)
}

// lower returns P(T <= at).
func (n *null) lower(at float64) float64 {
	negated := null{whole: n.whole, tables: make([][]float64, len(n.tables))}
	for q, t := range n.tables {
		negated.tables[q] = make([]float64, len(t))
		for i, x := range t {
			negated.tables[q][i] = -x
		}
	}
	return negated.upper(-at)
}

// ends returns the smallest and the largest value of the sum, and the
// probability of the largest.
func (n *null) ends() (low, high, share float64) {
	share = 1
	for _, t := range n.tables {
		most := slices.Max(t)
		low += slices.Min(t)
		high += most
		attained := 0
		for _, x := range t {
			if x == most {
				attained++
			}
		}
		share *= float64(attained) / float64(len(t))
	}
	return low, high, share
}

// cumulant returns the cumulant generating function at s and its first two
// derivatives.
func (n *null) cumulant(s float64) (k, first, second float64) {
	for _, t := range n.tables {
		top := math.Inf(-1)
		for _, x := range t {
			top = max(top, s*x)
		}
		sum, sum1, sum2 := 0.0, 0.0, 0.0
		for _, x := range t {
			e := math.Exp(s*x - top)
			sum += e
			sum1 += e * x
			sum2 += e * x * x
		}
		m := sum1 / sum
		k += top + math.Log(sum/float64(len(t)))
		first += m
		second += max(sum2/sum-m*m, 0)
	}
	return k, first, second
}

// saddlepoint returns the approximate P(T >= at), for at inside the support.
func (n *null) saddlepoint(at, mean, variance float64) float64 {
	sd := math.Sqrt(variance)
	if n.whole {
		// Near the mean the formula is 0/0; a normal tail with half a step
		// will do there, and half a step is small beside sd.
		if math.Abs(at-mean) < 1e-4*sd {
			return normalUpper((at - mean - 0.5) / sd)
		}
	} else if math.Abs(at-mean) < 1e-4*sd {
		return normalUpper((at - mean) / sd)
	}
	s := n.solve(at, mean, variance)
	k, _, second := n.cumulant(s)
	root := math.Sqrt(max(2*(s*at-k), 0))
	w := math.Copysign(root, s)
	z := s * math.Sqrt(second)
	if n.whole {
		z = -math.Expm1(-s) * math.Sqrt(second)
	}
	if w == 0 || z == 0 || second == 0 {
		return normalUpper((at - mean) / sd)
	}
	p := normalUpper(w) + normalDensity(w)*(1/z-1/w)
	if s < 0 && !n.whole {
		return max(p, normalUpper(w)) // see depths.saddlepoint
	}
	if !(p > 0) {
		return 0 // the caller knows the least probability
	}
	return p
}

// solve returns the s at which the first derivative of the cumulant
// generating function is at. Newton's steps are clipped, and halved into a
// bracket where they leave it.
func (n *null) solve(at, mean, variance float64) float64 {
	s := (at - mean) / variance
	low, high := math.Inf(-1), math.Inf(1)
	if s > 0 {
		low = 0
	} else {
		high = 0
	}
	for range 60 {
		_, first, second := n.cumulant(s)
		miss := at - first
		if math.Abs(miss) <= 1e-10*math.Sqrt(variance) {
			break
		}
		if miss > 0 {
			low = s
		} else {
			high = s
		}
		step := 2 / math.Sqrt(max(second, 1e-300))
		if second > 0 {
			step = min(math.Abs(miss)/second, step)
		}
		next := s + math.Copysign(step, miss)
		if next <= low || next >= high {
			next = (low + high) / 2
			if math.IsInf(next, 0) {
				next = 2*s + math.Copysign(1/math.Sqrt(variance), miss)
			}
		}
		if next == s {
			break
		}
		s = next
	}
	return s
}

// slowTest is the slow definition of a test of marks that the maps a and b
// make, whose tables it is given, and their drift: the p-values and what they
// rest on.
func slowTest(tables [numStatistics][][]float64, whole bool, drift [numStatistics]float64, inflation float64) (r Result) {
	of := func(k int) *null { return &null{tables: tables[k], whole: whole} }
	at := func(k int) float64 {
		mean, _, observed := of(k).moments()
		distance := observed - mean
		left := distance
		if distance*drift[k] > 0 {
			if left -= drift[k]; distance*left < 0 {
				left = 0
			}
		}
		if k == signedOverlap {
			r.Drift = distance - left
		}
		if distance /= math.Sqrt(inflation); math.Abs(left) < math.Abs(distance) {
			distance = left
		}
		return mean + distance
	}
	d := of(signedOverlap)
	mean, variance, _ := d.moments()
	r.Z = (at(signedOverlap) - mean) / math.Sqrt(variance)
	if r.PD = min(1, 2*d.upper(at(signedOverlap))); at(signedOverlap) < mean {
		r.PD = min(1, 2*d.lower(at(signedOverlap)))
	}
	least := 1.0
	for k, to := range []*float64{&r.PPositivePositive, &r.PNegativeNegative, &r.PPositiveNegative, &r.PNegativePositive} {
		*to = of(k).upper(at(k))
		least = min(least, *to)
	}
	r.P = min(1, 2*r.PD, 8*least)
	return r
}

// slowDrift is the slow definition of the drift of two maps inside windows.
func slowDrift(a, b signRows, first int, windows [][]int) (drift [numStatistics]float64) {
	rate := func(m signRows, sign int8, w []int) float64 {
		n, valid := 0.0, 0.0
		for _, row := range w {
			for _, x := range m[row-first] {
				n += float64(b2i(x == sign))
				valid += float64(b2i(x != 9))
			}
		}
		return n / max(valid, 1)
	}
	centre := func(w []int) (c float64) {
		for _, row := range w {
			c += float64(row) / float64(len(w))
		}
		return c
	}
	for q, w := range windows {
		low, high := q-1, q+1
		if q == 0 {
			low, high = 1, 2
		}
		if q == len(windows)-1 {
			low, high = q-2, q-1
		}
		slope := func(m signRows, sign int8) float64 {
			x, here, y := rate(m, sign, windows[low]), rate(m, sign, w), rate(m, sign, windows[high])
			if x+here+y == 0 {
				return 0
			}
			return (y - x) / (centre(windows[high]) - centre(windows[low])) / ((x + here + y) / 3)
		}
		for k, pair := range [numOverlaps][2]int8{{1, 1}, {-1, -1}, {1, -1}, {-1, 1}} {
			turned, spread := 0.0, 0.0 // the mean overlap of a row, turned; the sum of squares
			for _, row := range w {
				spread += (float64(row) - centre(w)) * (float64(row) - centre(w))
				for _, other := range w {
					for c, x := range a[row-first] {
						turned += float64(b2i(x == pair[0] && b[other-first][c] == pair[1])) / float64(len(w)*len(w))
					}
				}
			}
			x := turned * slope(a, pair[0]) * slope(b, pair[1]) * spread
			drift[k] += x
			drift[signedOverlap] += x * float64(pair[0]*pair[1])
		}
	}
	return drift
}

// slowTables counts cell by cell, in the given windows of rows that begin at
// first. Overlaps of incomplete maps are centred by the definition of
// overlapTables.centreWindow.
func slowTables(a, b signRows, first int, windows [][]int, whole bool) (tables [numStatistics][][]float64) {
	pairs := [numOverlaps][2]int8{{1, 1}, {-1, -1}, {1, -1}, {-1, 1}}
	rows := slices.Concat(windows...)
	for _, w := range windows {
		indicators := [2]map[int8]func(row, c int) float64{
			{1: a.centred(1, first, rows, w), -1: a.centred(-1, first, rows, w)},
			{1: b.centred(1, first, rows, w), -1: b.centred(-1, first, rows, w)},
		}
		var values [numStatistics][]float64
		joint := make([]float64, len(w))
		for u := range w {
			var sums overlapValues
			for i, row := range w {
				other := w[(i+u)%len(w)]
				for c, x := range a[row-first] {
					y := b[other-first][c]
					if x == 9 || y == 9 {
						continue
					}
					joint[u]++
					for k, pair := range pairs {
						p, q := float64(b2i(x == pair[0])), float64(b2i(y == pair[1]))
						if !whole {
							p, q = indicators[0][pair[0]](row, c), indicators[1][pair[1]](other, c)
						}
						sums[k] += p * q
					}
				}
			}
			d := 0.0
			for k, x := range sums {
				if !whole {
					x *= math.Sqrt(joint[0] / joint[u])
				}
				values[k] = append(values[k], x)
				d += signs[k] * x
			}
			values[signedOverlap] = append(values[signedOverlap], d)
		}
		for k := range tables {
			tables[k] = append(tables[k], values[k])
		}
	}
	return tables
}

// centred returns the centred indicator of a sign: less the mean at its place
// in the row over all rows, and less the mean of what is left in the window.
func (s signRows) centred(sign int8, first int, rows, window []int) func(row, c int) float64 {
	cells := make([]float64, len(s[0]))
	for c := range cells {
		n, all := 0, 0
		for _, row := range rows {
			n += b2i(s[row-first][c] == sign)
			all += b2i(s[row-first][c] != 9)
		}
		cells[c] = float64(n) / float64(max(all, 1))
	}
	sum, all := 0.0, 0
	for _, row := range window {
		for c, x := range s[row-first] {
			if x != 9 {
				sum += float64(b2i(x == sign)) - cells[c]
				all++
			}
		}
	}
	return func(row, c int) float64 {
		return float64(b2i(s[row-first][c] == sign)) - cells[c] - sum/float64(all)
	}
}
