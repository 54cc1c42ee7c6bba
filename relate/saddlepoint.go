package relate

import "math"

// depths are the values of the tables of a sum as distances from one end: of
// each table, below its largest value, or above its least.
type depths struct {
	sizes   []int
	steps   []int32   // of whole numbers
	values  []float64 // of all
	span    float64   // the largest
	weights []float64
	low     [lowPowers]float64 // powers of exp(-t)
	high    []float64          // powers of the next one
}

const (
	// A power is the product of one of lowPowers and one of at most highPowers;
	// beyond, exponentials are cheaper.
	lowPowers  = 1 << 5
	highPowers = 1 << 8
)

// fill takes the depths of a sum.
func (d *depths) fill(s *windowSum, below bool) {
	ends, sign := s.mins, 1.0
	if below {
		ends, sign = s.maxs, -1
	}
	d.sizes, d.span = s.sizes, 0
	d.values, d.steps = resize(d.values, max(len(s.counts), len(s.values))), d.steps[:0]
	if s.whole {
		d.steps = resize(d.steps, len(s.counts))
	}
	at := 0
	for q, n := range s.sizes {
		if span := s.maxs[q] - s.mins[q]; span > d.span {
			d.span = span
		}
		to := d.values[at:][:n]
		if s.whole {
			end, sign := int32(ends[q]), int32(sign)
			steps := d.steps[at:][:n]
			for i, x := range s.counts[at:][:n] {
				step := sign * (x - end)
				steps[i], to[i] = step, float64(step)
			}
		} else {
			for i, x := range s.values[at:][:n] {
				to[i] = sign * (x - ends[q])
			}
		}
		at += n
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

// add adds the cumulants of a table, given the sums over its values of their
// weights times the powers of the values, from 0 to 4.
func (c *cumulants) add(s0, s1, s2, s3, s4 float64) {
	one := 1 / s0
	m, m2, m3, m4 := s1*one, s2*one, s3*one, s4*one
	mm := m * m
	c.mean += m
	if v := m2 - mm; v > 0 { // not so by rounding
		c.k2 += v
	}
	c.k3 += m3 - m*(3*m2-2*mm)
	c.k4 += m4 - m*(4*m3-12*m*m2+6*m*mm) - 3*m2*m2
}

// untilted returns the cumulants at 0.
func (d *depths) untilted() (c cumulants) {
	at := 0
	for _, n := range d.sizes {
		var s1, s2, s3, s4 float64
		for _, y := range d.values[at:][:n] {
			yy := y * y
			s1 += y
			s2 += yy
			s3 += y * yy
			s4 += yy * yy
		}
		c.add(float64(n), s1, s2, s3, s4)
		at += n
	}
	return c
}

// tilt returns the cumulants at t > 0.
func (d *depths) tilt(t float64) (c cumulants) {
	d.weigh(t)
	c.t = t
	product := 1.0
	at := 0
	for _, n := range d.sizes {
		w, x := d.weights[at:][:n], d.values[at:][:n]
		var s0, s1, s2, s3, s4 float64
		for i, e := range w {
			y := x[i]
			ey, yy := e*y, y*y
			s0 += e
			s1 += ey
			s2 += e * yy
			s3 += ey * yy
			s4 += e * yy * yy
		}
		c.add(s0, s1, s2, s3, s4)
		if product *= s0 / float64(n); product < 1e-250 {
			c.log += math.Log(product)
			product = 1
		}
		at += n
	}
	c.log += math.Log(product)
	return c
}

// weigh fills in the weights exp(-t depth).
func (d *depths) weigh(t float64) {
	d.weights = resize(d.weights, len(d.values))
	if len(d.steps) == 0 || d.span >= lowPowers*highPowers {
		for i, x := range d.values {
			d.weights[i] = math.Exp(-t * x)
		}
		return
	}
	d.powers(math.Exp(-t))
	weights := d.weights[:len(d.steps)]
	for i, x := range d.steps {
		x := uint32(x)
		weights[i] = d.low[x%lowPowers] * d.high[x/lowPowers]
	}
}

// powers fills in the powers of a factor below 1. Those that are as good as 0
// are, as numbers that are almost 0 are slow.
func (d *depths) powers(factor float64) {
	const none = 1e-150
	power := 1.0
	for i := range d.low {
		d.low[i] = power
		if power *= factor; power < none {
			power = 0
		}
	}
	factor = power
	power = 1
	d.high = resize(d.high, int(d.span)/lowPowers+1)
	for i := range d.high {
		d.high[i] = power
		if power *= factor; power < none {
			power = 0
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
	d.fill(s, below)
	c := d.untilted()
	sd := math.Sqrt(c.k2)
	if z := (mean - limit) / sd; math.Abs(z) < 1e-4 {
		// Near the mean the formula is 0/0; a normal tail with half a step
		// will do there, and half a step is small beside sd.
		if s.whole {
			z -= 0.5 / sd
		}
		return normalUpper(z)
	}
	t, exponent, second := d.solve(c, rest)
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
// lacks changes the tail by 1e-7 of it at most. Others are Newton's, clipped,
// and halved into a bracket where they leave it.
func (d *depths) solve(c cumulants, depth float64) (t, exponent, second float64) {
	const near = 0.01
	low, high := 0.0, math.Inf(1)
	for range 60 {
		sd := math.Sqrt(c.k2)
		step, ok := c.step(depth, sd)
		if ok && math.Abs(step)*c.roughness(sd) <= near {
			break
		}
		if c.mean > depth {
			low = c.t
		} else {
			high = c.t
		}
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
		if next == c.t {
			break
		}
		c = d.tilt(next)
	}
	return c.at(depth)
}

// step returns what to add to the tilt for the mean to be depth, by Taylor's
// series of the mean; false if the series is of no use that far.
func (c *cumulants) step(depth, sd float64) (step float64, ok bool) {
	if !(sd > 0) {
		return 0, false
	}
	const far = 3 // standard deviations
	r := (c.mean - depth) / sd
	if math.Abs(r) > far {
		return 0, false
	}
	a, b := c.k3/(sd*sd*sd), c.k4/(sd*sd*sd*sd)
	u := r
	for range 6 {
		slope := 1 - a*u + b*u*u/2
		if slope < 0.2 {
			return 0, false
		}
		change := (r - u + a*u*u/2 - b*u*u*u/6) / slope
		if u += change; math.Abs(change) <= 1e-14 {
			break
		}
	}
	return u / sd, math.Abs(u) <= far
}

// roughness returns the tilt by which the cumulants change as much as they are:
// one standard deviation, less where few values carry the sum. The error of the
// series after a step is the cube of their ratio, over 12.
func (c *cumulants) roughness(sd float64) float64 {
	return max(sd, math.Abs(c.k3)/(sd*sd), math.Sqrt(math.Abs(c.k4))/sd)
}

// at returns what solve does, from cumulants near by.
func (c *cumulants) at(depth float64) (t, exponent, second float64) {
	x, _ := c.step(depth, math.Sqrt(c.k2))
	exponent = -(c.t*depth + c.log) + x*(c.mean-depth-x*(c.k2/2-x*(c.k3/6-x*c.k4/24)))
	return c.t + x, exponent, c.k2 - x*(c.k3-x*c.k4/2)
}

func normalUpper(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

func normalDensity(z float64) float64 { return math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) }
