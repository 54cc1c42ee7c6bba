package datasets

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrNoRoutine is the cause of errors of [Function.Anomaly] about functions
// whose steps have no routine to depart from: years, and fewer than 3 years
// of months.
var ErrNoRoutine = errors.New("no routine")

const (
	// levelWeeks is the length of the running level. A quarter is twice the six
	// weeks inside which significance is tested, so that what is compared there
	// is not taken away as level, and follows the seasons of the year.
	levelWeeks = 13
	// fewestLevelWeeks is how many weeks of values a level needs: with fewer,
	// it follows single events.
	fewestLevelWeeks = 4

	// anscombe makes sqrt(x+3/8) of Poisson counts have nearly the same
	// variance, 1/4, whatever their mean (Anscombe, "The transformation of
	// Poisson, binomial and negative-binomial data", Biometrika 35, 1948).
	anscombe = 3.0 / 8

	// fewestForSpread is the number of values from which a standard deviation
	// is taken as the stratum's own. That of 8 normal values is off by a
	// quarter (one standard error, 1/sqrt(2(n-1)) = 0.27).
	fewestForSpread = 8
	// fewestForMean is the number of values that have a routine: a single
	// value is its own mean, and never departs from it.
	fewestForMean = 2
	// fewestYears is the same for months: a January is half of the mean of two.
	fewestYears = 3

	// rounding is the spread, of values up to 1, that is a remainder of
	// rounding: the level and the mean are a few times 2^-53 off.
	rounding = 1.0 / (1 << 45)
)

// Anomaly returns the departure of f from its routine: the version of a
// function in which a rush hour is nothing and a blizzard is. Features of two
// raw functions agree because both have days and nights; those of anomalies
// do only if the functions depart together (after Chirigati, Doraiswamy,
// Damoulas and Freire, "Data Polygamy", SIGMOD 2016, where thresholds of each
// season take out the slow part of this).
//
// The result has the axis, regions and spec of f, [Anomaly] as its version,
// and no unit: standard deviations, or normal scores. Each region is compared
// with itself alone:
//
//  1. Values of count and unique, and of a sum that is nowhere negative,
//     become sqrt(x + 3/8).
//  2. Their level is subtracted: the mean of the region's values within 6.5
//     weeks before and after. Hours exactly 6.5 weeks away count half, so that
//     every hour of the week weighs the same. At the ends, and where values
//     are missing, it is the mean of those there are, so a steady trend leaves
//     up to 3.25 weeks of itself at the ends; fewer than 4 weeks of values
//     give a missing cell.
//  3. The mean of the stratum is subtracted, and the rest divided by the
//     stratum's standard deviation. Strata are the hours of the local week
//     for hour steps (see [WeekSlots]), the days of the week for day steps,
//     and the whole record for week steps. A stratum of fewer than 8 values,
//     or whose values are all the same, takes the standard deviation of all
//     strata together. If that is zero too the region is missing, and so is
//     the only value of a stratum.
//
// A region has low counts if, of the values of step 1, more than half are
// less than 3 or more than a third are 0. There, a value departs by how unlikely
// it is: by the normal quantile of the probability of values that are no less,
// if that is below a half, or of those that are no greater. Otherwise it is 0, as
// are all the dry hours of rain, and most hours without a crash: nothing about
// them is unusual, and no order among them would mean anything (randomised
// places, Dunn and Smyth, "Randomized quantile residuals", J. Computational and
// Graphical Statistics 5, 1996, would make features of chance).
//
//   - The level is that of step 2, of raw values, and with 16 events of the
//     region's overall level added to those that it is the mean of: few events
//     make no level of their own. An event is the mean value that is not 0.
//   - Whole numbers up to 1000 have the negative binomial distribution whose mean
//     is the level, times the ratio of the stratum's values to its levels, and
//     whose dispersion is the region's by moments, 1/512 at least.
//   - Others have the distribution of the ratios to the level in the stratum,
//     less half a value.
//
// Months have no running level: the mean of the month of the year is
// subtracted, and the rest divided by the region's standard deviation. A month
// of the year with fewer than 3 values is missing.
//
// Missing cells stay missing and have no influence; so do infinite values.
// Years, months of less than 3 years, and a function that is an anomaly
// already are errors; the former wrap [ErrNoRoutine].
//
// Running sums are kept in two doubles each, so that a long record loses no
// digits, and everything is added up in the order of steps: equal functions
// give equal bits. Cost: O(cells), and O(cells (log weeks + value)) for low counts.
func (f *Function) Anomaly() (*Function, error) {
	regions := len(f.Regions.IDs)
	switch {
	case f.Version != Raw:
		return nil, fmt.Errorf("%s is an %v already; give the raw function", f.Name(), f.Version)
	case len(f.Values) != f.Axis.Steps*regions:
		return nil, fmt.Errorf("%s has %d values for %d steps of %d regions", f.Name(), len(f.Values), f.Axis.Steps, regions)
	}
	r, err := newRoutine(f)
	if err != nil {
		return nil, fmt.Errorf("anomaly of %s: %w", f.Name(), err)
	}
	a := *f
	a.Version = Anomaly
	a.Values = make([]float64, len(f.Values))
	var block [regionBlock][]float64
	for i := range block {
		block[i] = make([]float64, f.Axis.Steps)
	}
	for first := 0; first < regions; first += regionBlock {
		columns := block[:min(regionBlock, regions-first)]
		for step := range f.Axis.Steps {
			for i, x := range f.Values[step*regions+first:][:len(columns)] {
				columns[i][step] = x
			}
		}
		for _, column := range columns {
			r.depart(column)
		}
		for step := range f.Axis.Steps {
			row := a.Values[step*regions+first:][:len(columns)]
			for i := range row {
				row[i] = columns[i][step]
			}
		}
	}
	return &a, nil
}

// regionBlock is the number of regions that are taken out of the steps at a
// time: as many values as a line of cache holds.
const regionBlock = 8

// A routine says what the values of a function are compared with, and holds
// scratch space for one region.
type routine struct {
	counts   bool    // values are counts
	week     int     // steps of a week; 0 if no level is removed
	stratum  []int32 // of each step
	fewest   int     // values of a stratum that has a routine
	pooled   bool    // strata have no spread of their own
	tallies  []tally // of each stratum
	departed []float64
	ranked   []ranked
}

// A tally is what is known of a stratum of a region.
type tally struct {
	n         int
	sum, mean float64
	squares   float64 // of departures from the mean
	spread    float64
}

// newRoutine returns the routine of the function's axis and kind.
func newRoutine(f *Function) (*routine, error) {
	r := &routine{fewest: fewestForMean}
	switch f.Spec.Kind {
	case Count, Unique, Sum:
		r.counts = !slices.ContainsFunc(f.Values, func(x float64) bool { return x < 0 && isFinite(x) })
	}
	strata := 0
	switch f.Axis.Resolution {
	case Month:
		if f.Axis.Steps < 12*fewestYears {
			return nil, fmt.Errorf("%w: %d months, at least %d are needed; choose a finer resolution or the raw function", ErrNoRoutine, f.Axis.Steps, 12*fewestYears)
		}
		r.fewest, r.pooled, strata = fewestYears, true, 12
		r.stratum = slotsFrom(f.Axis.first-12*floorDiv(f.Axis.first, 12), f.Axis.Steps)
	case Year:
		return nil, fmt.Errorf("%w: years do not repeat within a longer cycle; choose a finer resolution or the raw function", ErrNoRoutine)
	default:
		_, period, slots, err := WeekSlots(f.Axis)
		if err != nil {
			return nil, err
		}
		r.stratum, r.week, strata = slots, period, period
	}
	for i, slot := range r.stratum {
		r.stratum[i] = slot % int32(strata)
	}
	r.tallies = make([]tally, strata)
	r.departed = make([]float64, f.Axis.Steps)
	return r, nil
}

// depart replaces the values of one region by their departures.
func (r *routine) depart(x []float64) {
	if r.counts && r.week > 0 && isLow(x) {
		r.departLow(x)
		return
	}
	r.stabilise(x)
	y := x
	if r.week > 0 {
		y = r.departed
		runningLevel(y, x, r.week, prior{})
		for i, level := range y {
			y[i] = x[i] - level
		}
	}
	r.tally(y)
	r.standardise(y)
	copy(x, y)
}

// stabilise transforms counts, makes values that are not finite missing, and
// scales by the power of two that brings the largest magnitude to between 1/2
// and 1. Departures have no unit, so that changes none of them; it keeps
// squares in the range of doubles and says what is a remainder of rounding.
func (r *routine) stabilise(x []float64) {
	largest := 0.0
	for i, v := range x {
		switch {
		case !isFinite(v):
			x[i] = math.NaN()
			continue
		case r.counts:
			x[i] = math.Sqrt(v + anscombe)
		}
		largest = max(largest, math.Abs(x[i]))
	}
	scaleTo1(x, largest)
}

// scaleTo1 multiplies x by the power of two that brings the largest magnitude
// to between 1/2 and 1.
func scaleTo1(x []float64, largest float64) {
	_, exponent := math.Frexp(largest)
	// In two factors: one alone may be beyond the doubles.
	half := exponent / 2
	scale1, scale2 := math.Ldexp(1, -half), math.Ldexp(1, half-exponent)
	for i := range x {
		x[i] = x[i] * scale1 * scale2
	}
}

func isFinite(x float64) bool { return math.Abs(x) <= math.MaxFloat64 }

// A prior is added to what a level is the mean of: so many values with that
// sum.
type prior struct{ values, sum float64 }

// runningLevel sets y to the running level of x, missing where x is; week is
// the number of steps of a week.
func runningLevel(y, x []float64, week int, p prior) {
	// With an even number of steps, those at both ends count half.
	steps := levelWeeks * week
	reach := steps / 2
	halves := steps%2 == 0
	var window runningSum
	n := 0
	for i := -reach; i < len(x); i++ {
		if in := i + reach; in < len(x) && !math.IsNaN(x[in]) {
			window.add(x[in])
			n++
		}
		if out := i - reach - 1; out >= 0 && !math.IsNaN(x[out]) {
			window.add(-x[out])
			n--
		}
		if i < 0 {
			continue
		}
		sum, weight := window.high, float64(n)
		if halves {
			for _, end := range [2]int{i - reach, i + reach} {
				if end >= 0 && end < len(x) && !math.IsNaN(x[end]) {
					sum -= x[end] / 2
					weight -= 0.5
				}
			}
		}
		y[i] = (sum + p.sum) / (weight + p.values)
		if math.IsNaN(x[i]) || weight < float64(fewestLevelWeeks*week) {
			y[i] = math.NaN()
		}
	}
}

// A runningSum is a sum in two doubles, to which values are added and from
// which they are taken away again: high is the sum rounded once, low what that
// leaves out. Each step is off by at most 2^-105 of the sum.
type runningSum struct {
	high, low float64
}

func (s *runningSum) add(x float64) {
	sum := s.high + x
	part := sum - s.high
	rest := (s.high - (sum - part)) + (x - part) // Knuth's two-sum: exact
	rest += s.low
	s.high = sum + rest
	s.low = rest - (s.high - sum)
}

// tally counts and averages the values of each stratum.
func (r *routine) tally(y []float64) {
	clear(r.tallies)
	for i, v := range y {
		if !math.IsNaN(v) {
			t := &r.tallies[r.stratum[i]]
			t.n++
			t.sum += v
		}
	}
	for i := range r.tallies {
		t := &r.tallies[i]
		t.mean = t.sum / float64(max(t.n, 1))
		if t.n < r.fewest {
			t.n, t.mean = 0, math.NaN()
		}
	}
}

// standardise subtracts the means of the strata and divides by their spreads.
func (r *routine) standardise(y []float64) {
	for i, v := range y {
		t := &r.tallies[r.stratum[i]]
		y[i] = v - t.mean
		if !math.IsNaN(y[i]) {
			t.squares += float64(y[i] * y[i]) // not fused, which some machines would
		}
	}
	n, squares := 0, 0.0
	for _, t := range r.tallies {
		n += t.n
		squares += t.squares
	}
	spread := func(squares float64, n int) float64 { return math.Sqrt(squares / float64(max(n, 1))) }
	pooled := spread(squares, n)
	if pooled <= rounding {
		pooled = math.NaN()
	}
	for i := range r.tallies {
		t := &r.tallies[i]
		own := spread(t.squares, t.n)
		if r.pooled || t.n < fewestForSpread || own <= rounding {
			own = pooled
		}
		t.spread = own
	}
	for i := range y {
		y[i] /= r.tallies[r.stratum[i]].spread
	}
}
