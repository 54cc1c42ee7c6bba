package relate

import "math"

// depths are the values of the tables of a sum as distances from one end: of
// each table, below its largest value, or above its least.
type depths struct {
	sum   *windowSum
	ends  []float64        // of the tables
	sign  float64          // of depths in values
	span  float64          // the largest
	terms []weightedPowers // of the depths from 0 to span
}

// weightedPowers are the powers, from 0 to 4, of a depth times its weight
// exp(-t depth).
type weightedPowers struct{ p0, p1, p2, p3, p4 float64 }

// maxTerms is the number of depths beyond which each value has an exponential
// of its own; up to there those of all depths are cheaper.
const maxTerms = 1 << 11

// take takes the depths of a sum.
func (d *depths) take(s *windowSum, below bool) {
	d.sum, d.ends, d.sign, d.span = s, s.mins, 1, 0
	if below {
		d.ends, d.sign = s.maxs, -1
	}
	for q, most := range s.maxs {
		d.span = max(d.span, most-s.mins[q])
	}
}

// cumulants are those of a sum of depths whose probabilities are tilted
// towards no depth, by exp(-t depth).
type cumulants struct {
	t          float64
	log        float64 // of the mean of exp(-t depth) before the tilt
	mean       float64
	k2, k3, k4 float64
}

// untilted returns the cumulants without tilt, of the sum itself but for its
// mean: the third of depths below the largest value has the opposite sign.
func untilted[T int32 | float64](s *windowSum, values []T) cumulants {
	var k2, k3, k4, one float64
	last := 0
	for q, n := range s.sizes {
		table := values[:n]
		values = values[n:]
		if s.mins[q] == s.maxs[q] {
			continue // so that constants do not vary by rounding
		}
		if n != last {
			last, one = n, 1/float64(n)
		}
		mean := s.means[q]
		var m2, m3, m4 float64
		for _, x := range table {
			y := float64(x) - mean
			y2 := y * y
			m2 += y2
			m3 += y * y2
			m4 += y2 * y2
		}
		m2 *= one
		k2 += m2
		k3 += m3 * one
		k4 += m4*one - 3*m2*m2
	}
	return cumulants{k2: k2, k3: k3, k4: k4}
}

// tilt returns the cumulants at t > 0.
func (d *depths) tilt(t float64) cumulants {
	whole := d.sum.whole && d.span < maxTerms
	if whole {
		d.findTerms(math.Exp(-t))
	}
	var log, mean, k2, k3, k4, one float64 // local, so as to stay in registers
	product, last, at := 1.0, 0, 0
	for q, n := range d.sum.sizes {
		if n != last {
			last, one = n, 1/float64(n)
		}
		var p0, p1, p2, p3, p4 float64
		if whole {
			p0, p1, p2, p3, p4 = addTerms(d.terms, d.sum.counts[at:][:n], int32(d.ends[q]), int32(d.sign))
		} else {
			p0, p1, p2, p3, p4 = d.addExponentials(t, at, n, d.ends[q])
		}
		at += n
		r := 1 / p0
		m, m2, m3, m4 := p1*r, p2*r, p3*r, p4*r
		mm := m * m
		mean += m
		if v := m2 - mm; v > 0 { // not so by rounding
			k2 += v
		}
		k3 += m3 - m*(3*m2-2*mm)
		k4 += m4 - m*(4*m3-12*m*m2+6*m*mm) - 3*m2*m2
		if product *= p0 * one; product < 1e-250 {
			log += math.Log(product)
			product = 1
		}
	}
	return cumulants{t, log + math.Log(product), mean, k2, k3, k4}
}

// addTerms returns the sums of the terms of a table of whole numbers.
func addTerms(terms []weightedPowers, table []int32, end, sign int32) (p0, p1, p2, p3, p4 float64) {
	for _, x := range table {
		t := &terms[uint32(sign*(x-end))]
		p0 += t.p0
		p1 += t.p1
		p2 += t.p2
		p3 += t.p3
		p4 += t.p4
	}
	return p0, p1, p2, p3, p4
}

// addExponentials is addTerms for the n values from at on of any sum.
func (d *depths) addExponentials(t float64, at, n int, end float64) (p0, p1, p2, p3, p4 float64) {
	for i := range n {
		y := d.sign * (d.sum.value(at+i) - end)
		e, yy := math.Exp(-t*y), y*y
		p0 += e
		p1 += e * y
		p2 += e * yy
		p3 += e * y * yy
		p4 += e * yy * yy
	}
	return p0, p1, p2, p3, p4
}

// findTerms fills in the terms; the weights are powers of a factor below 1.
// Those that are as good as 0 are, as numbers that are almost 0 are slow.
func (d *depths) findTerms(factor float64) {
	const none = 1e-150
	d.terms = resize(d.terms, int(d.span)+1)
	e := 1.0
	for i := range d.terms {
		y := float64(i)
		ey, yy := e*y, y*y
		d.terms[i] = weightedPowers{e, ey, e * yy, ey * yy, e * yy * yy}
		if e *= factor; e < none {
			e = 0
		}
	}
}

// saddlepoint returns the approximate probability of a depth of at most limit,
// from one end of the support, inside of it.
func (d *depths) saddlepoint(s *windowSum, below bool, limit, mean float64) float64 {
	// The tilt is towards the end on the side of the limit.
	sign, rest := 1.0, limit
	if limit > mean {
		sign, below, rest = -1, !below, s.high-s.low-limit
	}
	c := s.cumulants()
	if c.mean = mean; sign < 0 {
		c.mean = s.high - s.low - mean
	}
	if below {
		c.k3 = -c.k3
	}
	sd := math.Sqrt(c.k2)
	if z := (mean - limit) / sd; math.Abs(z) < 1e-4 {
		// Near the mean the formula is 0/0; a normal tail with half a step
		// will do there, and half a step is small beside sd.
		if s.whole {
			z -= 0.5 / sd
		}
		return normalUpper(z)
	}
	t, exponent, second := d.solve(s, below, c, rest)
	w := sign * math.Sqrt(max(2*exponent, 0))
	u := sign * t * math.Sqrt(second)
	if s.whole {
		u = -math.Expm1(-sign*t) * math.Sqrt(second)
	}
	if w == 0 || u == 0 || second == 0 {
		return normalUpper((mean - limit) / sd)
	}
	p := normalUpper(w) + normalDensity(w)*(1/u-1/w)
	switch {
	case sign < 0 && !s.whole:
		// Towards the far end u vanishes before w does, and the correction
		// outweighs the leading term: sums of features that are rare and in part
		// missing lie there, and would have a p near 0 instead of near 1. Whole
		// numbers are exact there.
		return max(p, normalUpper(w))
	case !(p > 0):
		return 0 // the caller knows the least probability
	}
	return p
}

// solve returns the tilt t > 0 at which the mean depth is the given one, less
// than the mean without tilt, minus the logarithm of the mean of
// exp(t (depth - the given one)) there, and the variance there; c are the
// cumulants without tilt.
//
// The cumulants at a tilt give those near it by Taylor's series: the last step
// is one of so few of the sum's own standard deviations that what the series
// lacks changes the tail by 1e-7 of it at most. Others are by the same series,
// or Newton's and clipped, and halved into a bracket where they leave it.
func (d *depths) solve(s *windowSum, below bool, c cumulants, depth float64) (t, exponent, second float64) {
	low, high := 0.0, math.Inf(1)
	x, ok := 0.0, false
	for i := 0; ; i++ {
		sd := math.Sqrt(c.k2)
		if x, ok = c.step(depth, sd); ok && c.serves(x*sd, sd) {
			break
		}
		if c.mean > depth {
			low = c.t
		} else {
			high = c.t
		}
		step := x
		if !ok {
			step = (c.mean - depth) / max(c.k2, 1e-300)
			if limit := 2 / max(sd, 1e-150); math.Abs(step) > limit {
				step = math.Copysign(limit, step)
			}
		}
		next := c.t + step
		if next <= low || next >= high {
			if next = (low + high) / 2; math.IsInf(next, 0) {
				next = 2*low + 1/max(sd, 1e-150)
			}
		}
		if next == c.t || i == 60 {
			break
		}
		if i == 0 {
			d.take(s, below)
		}
		c = d.tilt(next)
	}
	exponent = -(c.t*depth + c.log) + x*(c.mean-depth-x*(c.k2/2-x*(c.k3/6-x*c.k4/24)))
	return c.t + x, exponent, c.k2 - x*(c.k3-x*c.k4/2)
}

// step returns what to add to the tilt for the mean to be depth, by Taylor's
// series of the mean; 0 and false if the series is of no use that far.
func (c *cumulants) step(depth, sd float64) (step float64, ok bool) {
	if !(sd > 0) {
		return 0, false
	}
	const far = 3 // standard deviations
	one := 1 / sd
	r := (c.mean - depth) * one
	if math.Abs(r) > far {
		return 0, false
	}
	k3, k4 := c.k3*one*one*one, c.k4*one*one*one*one/2
	u := r
	for range 6 {
		slope := 1 - u*(k3-u*k4)
		if slope < 0.2 {
			return 0, false
		}
		change := (r - u*(1-u*(k3/2-u*k4/3))) / slope
		if u += change; math.Abs(change) <= 1e-8 { // its square is left
			break
		}
	}
	if math.Abs(u) > far {
		return 0, false
	}
	return u * one, true
}

// serves reports whether Taylor's series is good enough for a step of u standard
// deviations. The tilt by which cumulants change as much as they are is one
// standard deviation, less where few values carry the sum; the error of the
// series is the cube of their ratio, over 12.
func (c *cumulants) serves(u, sd float64) bool {
	const near = 0.01
	v := math.Abs(u) / near
	w := v / sd
	return v <= 1 && math.Abs(c.k3)*w <= c.k2 && math.Abs(c.k4)*w*w <= c.k2
}

func normalUpper(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

func normalDensity(z float64) float64 { return math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) }
