package datasets

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"polygamy/topology"
)

// functionOf returns a function of the given values, which start at 2014-01-01
// in New York.
func functionOf(t testing.TB, kind FunctionKind, r Resolution, regions int, values []float64) *Function {
	t.Helper()
	zone := zoneNamed(t, "America/New_York")
	s := &RegionSystem{Name: "test"}
	for i := range regions {
		s.IDs = append(s.IDs, fmt.Sprintf("region %d", i))
	}
	s.Names = s.IDs
	var err error
	if s.Graph, err = topology.NewGraph(regions, nil); err != nil {
		t.Fatal(err)
	}
	return &Function{
		Dataset: "test", Spec: FunctionSpec{Kind: kind, Column: "x"}, Regions: s, Values: values,
		Axis: NewAxis(r, zone, time.Date(2014, 1, 1, 0, 0, 0, 0, zone), len(values)/regions),
	}
}

func anomaly(t testing.TB, f *Function) *Function {
	t.Helper()
	before := slices.Clone(f.Values)
	a, err := f.Anomaly()
	if err != nil {
		t.Fatal(err)
	}
	if a.Version != Anomaly || a.Axis != f.Axis || a.Regions != f.Regions || a.Spec != f.Spec || len(a.Values) != len(f.Values) {
		t.Fatalf("anomaly %v of %v", a, f)
	}
	for i, x := range f.Values {
		if math.Float64bits(x) != math.Float64bits(before[i]) {
			t.Fatalf("value %d of the raw function changed", i)
		}
		if math.IsNaN(x) && !math.IsNaN(a.Values[i]) {
			t.Fatalf("value %d was missing and is %g", i, a.Values[i])
		}
	}
	return a
}

// slowStratum is the stratum of a step, by calendar and clock.
func slowStratum(a Axis, i int) int {
	at := a.Start(i)
	switch a.Resolution {
	case Hour:
		return int(at.Weekday())*24 + at.Hour()
	case Day:
		return int(at.Weekday())
	case Month:
		return int(at.Month())
	}
	return 0
}

// slowAnomaly is the definition of [Function.Anomaly], cell by cell, for one
// region of one function without negative values.
func slowAnomaly(f *Function, region int) []float64 {
	n, regions := f.Axis.Len(), len(f.Regions.IDs)
	week := map[Resolution]int{Hour: 168, Day: 7, Week: 1}[f.Axis.Resolution]
	counts := f.Spec.Kind == Count || f.Spec.Kind == Unique || f.Spec.Kind == Sum
	x := make([]float64, n)
	covered, below, zeros := 0, 0, 0
	for i := range x {
		x[i] = f.Values[i*regions+region]
		if math.IsNaN(x[i]) {
			continue
		}
		covered++
		if x[i] < 3 {
			below++
		}
		if x[i] == 0 {
			zeros++
		}
		if counts {
			x[i] = math.Sqrt(x[i] + 3.0/8)
		}
	}
	low := counts && week > 0 && (2*below > covered || 3*zeros > covered)
	if low {
		return slowLow(f, region, week)
	}
	y := slices.Clone(x)
	for i := range x {
		if week > 0 {
			y[i] = x[i] - slowLevel(x, i, week, 0, 0)
		}
	}
	strata := map[int][]int{}
	for i := range y {
		if !math.IsNaN(y[i]) {
			s := slowStratum(f.Axis, i)
			strata[s] = append(strata[s], i)
		}
	}
	z := slices.Repeat([]float64{math.NaN()}, n)
	slowStandard(z, y, strata, week == 0)
	return z
}

// slowLevel is the running level of step i, with more values added to it that
// have a sum.
func slowLevel(x []float64, i, week int, values, sum float64) float64 {
	weight := 0.0
	for j := range x {
		weeksAway := math.Abs(float64(i-j)) / float64(week)
		w := 0.0
		if weeksAway < 6.5 {
			w = 1
		} else if weeksAway == 6.5 {
			w = 0.5
		}
		if !math.IsNaN(x[j]) {
			sum += w * x[j]
			weight += w
		}
	}
	if weight < 4*float64(week) {
		return math.NaN()
	}
	return sum / (weight + values)
}

// slowLow is the anomaly of a region of low counts.
func slowLow(f *Function, region, week int) []float64 {
	n := f.Axis.Len()
	x := make([]float64, n)
	valid, sum, events, whole := 0.0, 0.0, 0.0, true
	for i := range x {
		x[i] = f.Values[i*len(f.Regions.IDs)+region]
		if math.IsNaN(x[i]) {
			continue
		}
		valid, sum = valid+1, sum+x[i]
		if x[i] > 0 {
			events++
		}
		whole = whole && x[i] == math.Floor(x[i]) && x[i] <= 1000
	}
	z := slices.Repeat([]float64{math.NaN()}, n)
	least, most := math.Inf(1), math.Inf(-1)
	for _, v := range x {
		if !math.IsNaN(v) {
			least, most = min(least, v), max(most, v)
		}
	}
	if !(least < most) {
		return z
	}
	level, strata := make([]float64, n), map[int][]int{}
	for i := range x {
		level[i] = slowLevel(x, i, week, 16*valid/events, 16*sum/events)
		if !math.IsNaN(x[i]) && !math.IsNaN(level[i]) {
			s := slowStratum(f.Axis, i)
			strata[s] = append(strata[s], i)
		}
	}
	y := make([]float64, n)
	excess, squares := 0.0, 0.0
	for _, stratum := range strata {
		values, levels := 0.0, 0.0
		for _, i := range stratum {
			values, levels = values+x[i], levels+level[i]
		}
		for _, i := range stratum {
			y[i] = x[i] / level[i]
			level[i] *= values / levels
			excess += (x[i]-level[i])*(x[i]-level[i]) - level[i]
			squares += level[i] * level[i]
		}
	}
	for _, stratum := range strata {
		if len(stratum) < 2 {
			continue
		}
		for _, i := range stratum {
			noGreater, noLess := -0.5, -0.5
			if whole {
				noGreater, noLess = slowSides(int(x[i]), level[i], max(excess/squares, 1./512))
			} else {
				for _, j := range stratum {
					equal := math.Abs(y[i]-y[j]) <= 1e-12
					noGreater += float64(b2i(y[j] < y[i] || equal))
					noLess += float64(b2i(y[j] > y[i] || equal))
				}
				noGreater, noLess = noGreater/float64(len(stratum)), noLess/float64(len(stratum))
			}
			switch {
			case noLess < 0.5:
				z[i] = -slowQuantile(noLess)
			case noGreater < 0.5:
				z[i] = slowQuantile(noGreater)
			default:
				z[i] = 0
			}
		}
	}
	return z
}

// slowQuantile is the quantile of the normal distribution, by halving an
// interval.
func slowQuantile(p float64) float64 {
	low, high := -40.0, 40.0
	for range 80 {
		middle := (low + high) / 2
		if math.Erfc(-middle/math.Sqrt2)/2 < p {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// slowSides adds up the terms of the negative binomial distribution by their
// formula.
func slowSides(x int, mean, dispersion float64) (noGreater, noLess float64) {
	size := 1 / dispersion
	term := func(k int) float64 {
		if mean == 0 {
			return float64(b2i(k == 0))
		}
		a, _ := math.Lgamma(float64(k) + size)
		b, _ := math.Lgamma(size)
		c, _ := math.Lgamma(float64(k) + 1)
		odds := dispersion * mean
		return math.Exp(a - b - c - size*math.Log1p(odds) + float64(k)*math.Log(odds/(1+odds)))
	}
	for k := range x + 1 {
		noGreater += term(k)
	}
	for k := x; k < x+10 || float64(k) < mean || term(k) > 1e-17*noLess; k++ {
		noLess += term(k)
	}
	return noGreater, noLess
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func slowStandard(z, y []float64, strata map[int][]int, months bool) {
	spread := map[int]float64{}
	total, n := 0.0, 0
	for s, stratum := range strata {
		if len(stratum) < 2 || months && len(stratum) < 3 {
			continue
		}
		mean := 0.0
		for _, i := range stratum {
			mean += y[i] / float64(len(stratum))
		}
		squares := 0.0
		for _, i := range stratum {
			z[i] = y[i] - mean
			squares += z[i] * z[i]
		}
		total, n = total+squares, n+len(stratum)
		if spread[s] = math.Sqrt(squares / float64(len(stratum))); len(stratum) < 8 || months {
			spread[s] = 0
		}
	}
	for s, stratum := range strata {
		for _, i := range stratum {
			if pooled := math.Sqrt(total / float64(n)); spread[s] > 1e-12 {
				z[i] /= spread[s]
			} else if pooled > 1e-12 {
				z[i] /= pooled
			} else {
				z[i] = math.NaN()
			}
		}
	}
}

// randomFunction returns a function with gaps of all sizes: of counts about
// the given mean, or of other values.
func randomFunction(t testing.TB, rng *rand.Rand, kind FunctionKind, r Resolution, steps, regions int, mean float64) *Function {
	values := make([]float64, steps*regions)
	gaps := rng.Float64() * 0.2
	for i := range values {
		step := i / regions
		rate := mean * (1 + 0.6*math.Sin(float64(step)*2*math.Pi/24)) * (1 + 0.3*math.Sin(float64(step)/300))
		switch {
		case rng.Float64() < gaps || step/60%9 == i%regions:
			values[i] = math.NaN()
		case kind == Mean:
			values[i] = rate + rng.NormFloat64()
		default: // Poisson, by Knuth's product
			for p := rng.Float64(); p > math.Exp(-rate); p *= rng.Float64() {
				values[i]++
			}
		}
	}
	return functionOf(t, kind, r, regions, values)
}

// TestAnomaly compares with the definition.
func TestAnomaly(t *testing.T) {
	for _, tc := range []struct {
		kind           FunctionKind
		r              Resolution
		steps, regions int
		mean           float64
	}{
		{Mean, Hour, 2400, 2, 20}, {Count, Hour, 2400, 2, 20}, {Unique, Hour, 2400, 2, 1}, {Count, Hour, 2400, 1, 0.03}, {Count, Hour, 1000, 1, 0.1},
		{Sum, Day, 1100, 9, 0.7}, {Sum, Day, 1100, 3, 30}, {Median, Day, 40, 1, 30}, {Max, Day, 27, 1, 3},
		{Mean, Week, 150, 17, 8}, {Count, Week, 150, 3, 1}, {Count, Week, 60, 3, 12},
		{Mean, Month, 120, 3, 8}, {Count, Month, 36, 3, 1}, {Count, Month, 47, 9, 50}, {Count, Day, 0, 2, 1},
	} {
		t.Run(fmt.Sprintf("%v of %d %vs, mean %g", tc.kind, tc.steps, tc.r, tc.mean), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, uint64(tc.steps)))
			compareAnomaly(t, randomFunction(t, rng, tc.kind, tc.r, tc.steps, tc.regions, tc.mean))
		})
	}
}

func compareAnomaly(t *testing.T, f *Function) {
	t.Helper()
	a := anomaly(t, f)
	regions := len(f.Regions.IDs)
	for region := range regions {
		for i, want := range slowAnomaly(f, region) {
			got := a.Values[i*regions+region]
			if math.IsNaN(got) != math.IsNaN(want) || math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
				t.Fatalf("%v of %d %vs, region %d, step %d: %g, want %g", f.Spec.Kind, f.Axis.Len(), f.Axis.Resolution, region, i, got, want)
			}
		}
	}
}

// TestAnomalyAmounts: sums that are no whole numbers, or large ones, are
// ranked by their ratio to the level.
func TestAnomalyAmounts(t *testing.T) {
	for _, unit := range []float64{0.3, 5000, 1e305} {
		f := randomFunction(t, rand.New(rand.NewPCG(8, 0)), Sum, Day, 700, 2, 0.7)
		for i := range f.Values {
			f.Values[i] *= unit
		}
		if unit < 1e300 {
			compareAnomaly(t, f)
		}
		a := anomaly(t, f)
		if n := len(slices.DeleteFunc(slices.Clone(a.Values), math.IsNaN)); n < 700 {
			t.Errorf("unit %g: %d values of %d", unit, n, len(a.Values))
		}
	}
}

// TestAnomalyBusyZeros: of rare events, whose rate doubles and halves with the
// season, the lowest values are not the zeros of busy weeks, which would be
// features of weeks on end that any two such functions share.
func TestAnomalyBusyZeros(t *testing.T) {
	const steps = 156 * 168
	rng := rand.New(rand.NewPCG(9, 0))
	values, season := make([]float64, steps), make([]float64, steps)
	for i := range values {
		season[i] = math.Sin(float64(i) * 2 * math.Pi / (52 * 168))
		values[i] = float64(b2i(rng.Float64() < 0.1*math.Exp(0.7*season[i])))
	}
	a := anomaly(t, functionOf(t, Count, Hour, 1, values)).Values
	if i := slices.IndexFunc(a, func(x float64) bool { return x < 0 }); i >= 0 {
		t.Errorf("hour %d has %g events and is a valley, %g", i, values[i], a[i])
	}
}

// TestSides compares with the sums of the terms.
func TestSides(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 0))
	for range 1000 {
		x := int(math.Exp(7*rng.Float64())) - 1
		mean, dispersion := float64(x)*math.Exp(3*rng.NormFloat64())+rng.Float64(), math.Exp2(9*rng.Float64()-9)
		if mean = min(mean, 900); x > 0 && rng.IntN(4) == 0 {
			mean = rng.Float64() / 100
		}
		less, more := sides(x, mean, dispersion)
		wantLess, wantMore := slowSides(x, mean, dispersion)
		if math.Abs(less-wantLess) > 1e-6*wantLess+1e-300 || math.Abs(more-wantMore) > 1e-6*wantMore+1e-300 {
			t.Fatalf("sides(%d, %g, %g) = %g and %g, want %g and %g", x, mean, dispersion, less, more, wantLess, wantMore)
		}
	}
	// Probabilities so small that 1 less the others has few digits.
	for range 200 {
		mean, dispersion := math.Exp(-3*rng.Float64()), math.Exp2(9*rng.Float64()-9)
		x := 1
		for _, more := slowSides(x, mean, dispersion); more > 1e-11; x++ {
			_, more = slowSides(x, mean, dispersion)
		}
		_, more := sides(x, mean, dispersion)
		if _, want := slowSides(x, mean, dispersion); math.Abs(more-want) > 1e-10*want {
			t.Fatalf("P(X >= %d) of mean %g and dispersion %g is %g, want %g", x, mean, dispersion, more, want)
		}
	}
	if less, more := sides(0, 0, 0.1); less != 1 || more != 1 {
		t.Errorf("of no event where none is expected: %g and %g", less, more)
	}
}

// FuzzAnomaly compares with the definition.
func FuzzAnomaly(f *testing.F) {
	f.Add(uint64(1), uint8(Hour), uint8(Count), uint16(700), uint16(3))
	f.Add(uint64(2), uint8(Day), uint8(Sum), uint16(100), uint16(2000))
	f.Add(uint64(3), uint8(Week), uint8(Mean), uint16(30), uint16(1000))
	f.Add(uint64(4), uint8(Month), uint8(Unique), uint16(40), uint16(500))
	f.Add(uint64(5), uint8(Day), uint8(Count), uint16(700), uint16(0)) // no events at all
	f.Fuzz(func(t *testing.T, seed uint64, r, kind uint8, steps, percent uint16) {
		resolution := Hour + Resolution(r)%(Month-Hour+1)
		n := int(steps) % 1200
		if resolution == Month {
			n = 36 + n%200
		}
		rng := rand.New(rand.NewPCG(seed, 0))
		compareAnomaly(t, randomFunction(t, rng, Count+FunctionKind(kind)%Median, resolution, n, 2, float64(percent%3000)/100))
	})
}

// TestAnomalyLevel: 4 weeks of values have a level, less have none.
func TestAnomalyLevel(t *testing.T) {
	for r, week := range map[Resolution]int{Hour: 168, Day: 7, Week: 1} {
		for _, steps := range []int{4*week - 1, 4 * week} {
			values := make([]float64, steps)
			for i := range values {
				values[i] = float64(i*i%19) + 7
			}
			a := anomaly(t, functionOf(t, Mean, r, 1, values))
			missing := len(slices.DeleteFunc(slices.Clone(a.Values), func(x float64) bool { return !math.IsNaN(x) }))
			if want := (4*week - steps) * steps; missing != want {
				t.Errorf("%d %vs: %d missing, want %d", steps, r, missing, want)
			}
		}
	}
}

func TestIsLow(t *testing.T) {
	nan := math.NaN()
	for _, tc := range []struct {
		values []float64
		want   bool
	}{
		{nil, false},
		{[]float64{2, 3}, false},
		{[]float64{2, 3, 2}, true},
		{[]float64{2, nan, 3, math.Inf(1), nan}, false},
		{[]float64{0, 9, 9}, false},
		{[]float64{0, 9, 9, nan, 0}, true},
	} {
		if got := isLow(tc.values); got != tc.want {
			t.Errorf("isLow(%v) = %v", tc.values, got)
		}
	}
}

// TestRunningSum: a sum that values enter and leave is the sum of those that
// are in it, however large the others were.
func TestRunningSum(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 0))
	var s runningSum
	values := make([]float64, 100_000)
	for i := range values {
		values[i] = rng.Float64()
		if i < 50_000 {
			values[i] *= 1e12
		}
		s.add(values[i])
		if i >= 1000 {
			s.add(-values[i-1000])
		}
	}
	want := new(big.Float).SetPrec(2000)
	for _, x := range values[99_000:] {
		want.Add(want, big.NewFloat(x))
	}
	if x, _ := want.Float64(); math.Abs(s.high-x) > 1e-12*x {
		t.Errorf("sum %.17g, want %.17g", s.high, x)
	}
}

// strataOf returns the values of each stratum of region 0 that are not
// missing.
func strataOf(f *Function) map[int][]float64 {
	strata := map[int][]float64{}
	for i := range f.Axis.Len() {
		if x := f.Values[i*len(f.Regions.IDs)]; !math.IsNaN(x) {
			s := slowStratum(f.Axis, i)
			strata[s] = append(strata[s], x)
		}
	}
	return strata
}

// cycle is an hour-of-week profile by New York's clocks, above a level that
// drifts and swings in a year.
func cycle(t testing.TB, steps int) []float64 {
	axis := functionOf(t, Mean, Hour, 1, make([]float64, steps)).Axis
	values := make([]float64, steps)
	for i := range values {
		hour := float64(slowStratum(axis, i))
		values[i] = 50*math.Sin(hour*2*math.Pi/24) + 20*math.Cos(hour*2*math.Pi/168) +
			0.002*float64(i) + 5*math.Sin(float64(i)*2*math.Pi/8766)
	}
	return values
}

// TestAnomalyRemovesRoutine: strata have mean 0 and spread 1, also across
// changes of clocks, and a shock in them stays.
func TestAnomalyRemovesRoutine(t *testing.T) {
	const steps, shock = 2 * 8760, 9000
	rng := rand.New(rand.NewPCG(3, 0))
	values := cycle(t, steps)
	for i := range values {
		values[i] += rng.NormFloat64()
	}
	values[shock] -= 12
	a := anomaly(t, functionOf(t, Mean, Hour, 1, values))
	strata := strataOf(a)
	if len(strata) != 168 {
		t.Errorf("%d strata", len(strata))
	}
	for s, list := range strata {
		mean, squares := 0.0, 0.0
		for _, x := range list {
			mean += x / float64(len(list))
			squares += x * x / float64(len(list))
		}
		if math.Abs(mean) > 1e-12 || math.Abs(squares-1) > 1e-12 {
			t.Errorf("stratum %d: mean %g, variance %g", s, mean, squares)
		}
	}
	for i, x := range a.Values {
		if x <= a.Values[shock] && i != shock {
			t.Errorf("step %d has %g, the shock %g", i, x, a.Values[shock])
		}
	}
	if a.Values[shock] > -6 {
		t.Errorf("the shock is %g", a.Values[shock])
	}
	// The level: quarters away from the ends have a mean of nothing. The year's
	// swing alone would be 5 and the drift 35, against noise of 1; a mean over
	// 13 weeks leaves a tenth of the swing.
	for q := 2184; q+2184 < steps-1092; q += 2184 {
		mean := 0.0
		for _, x := range a.Values[q : q+2184] {
			mean += x / 2184
		}
		if math.Abs(mean) > 0.3 {
			t.Errorf("quarter from step %d: mean %g", q, mean)
		}
	}
}

// TestAnomalyUnits: values in another unit have the same anomaly, to the last
// bit if the factor is a power of two, and however large or small they are.
func TestAnomalyUnits(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	f := randomFunction(t, rng, Mean, Day, 400, 2, 3)
	want := anomaly(t, f)
	for _, unit := range []float64{1, -1, 1000, 1e-3, 0x1p-40, 0x1p1018, 0x1p-1000, 1e-300} {
		scaled := *f
		scaled.Values = slices.Clone(f.Values)
		for i := range scaled.Values {
			scaled.Values[i] *= unit
		}
		got := anomaly(t, &scaled)
		fraction, _ := math.Frexp(math.Abs(unit))
		for i, x := range got.Values {
			y := math.Copysign(1, unit) * want.Values[i]
			if math.IsNaN(x) != math.IsNaN(y) || math.Abs(x-y) > 1e-10 || fraction == 0.5 && x != y && !math.IsNaN(y) {
				t.Fatalf("unit %g, cell %d: %g, want %g", unit, i, x, y)
			}
		}
	}
	// A sum that may be negative is no count.
	sum := *f
	sum.Spec.Kind = Sum
	if got := anomaly(t, &sum); !slices.ContainsFunc(f.Values, func(x float64) bool { return x < 0 }) || text(got) != text(want) {
		t.Error("sums of both signs and means differ")
	}
	// Sums may reach half the largest double.
	huge := *f
	huge.Spec.Kind = Sum
	huge.Values = slices.Clone(f.Values)
	for i := range huge.Values {
		huge.Values[i] = math.MaxFloat64 / 2 * rng.Float64()
	}
	for i, x := range anomaly(t, &huge).Values {
		if !isFinite(x) {
			t.Fatalf("cell %d of huge sums: %g", i, x)
		}
	}
}

// TestAnomalyMissing: what stands in a missing cell, other regions and regions
// without values make no difference.
func TestAnomalyMissing(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 0))
	for _, mean := range []float64{0.5, 40} {
		f := randomFunction(t, rng, Count, Hour, 3000, 11, mean)
		want := anomaly(t, f)
		alone := functionOf(t, Count, Hour, 1, make([]float64, 3000))
		alone.Regions.IDs = f.Regions.IDs[4:5]
		for i := range alone.Values {
			if alone.Values[i] = f.Values[i*11+4]; math.IsNaN(alone.Values[i]) {
				alone.Values[i] = math.Inf(1)
			}
		}
		a, err := alone.Anomaly()
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range a.Values {
			if y := want.Values[i*11+4]; x != y && !(math.IsNaN(x) && math.IsNaN(y)) {
				t.Fatalf("mean %g, step %d: %g alone, %g with others", mean, i, x, y)
			}
		}
	}
	// A value that is not finite is missing, whatever its sign, and does not make
	// counts of another kind.
	for _, kind := range []FunctionKind{Count, Sum} {
		f := randomFunction(t, rng, kind, Hour, 3000, 3, 40)
		for i := range f.Values {
			f.Values[i] = math.Abs(f.Values[i])
		}
		f.Values[5000] = math.NaN()
		want := anomaly(t, f)
		for _, missing := range []float64{math.Inf(1), math.Inf(-1)} {
			infinite := *f
			infinite.Values = slices.Clone(f.Values)
			infinite.Values[5000] = missing
			a, err := infinite.Anomaly()
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range a.Values {
				if y := want.Values[i]; x != y && !(math.IsNaN(x) && math.IsNaN(y)) {
					t.Fatalf("%v, step %d: %g with a value of %g, %g where it is missing", kind, i/3, x, missing, y)
				}
			}
		}
	}
	for _, constant := range []float64{math.NaN(), 0, 5.1, 1e300} {
		for _, kind := range []FunctionKind{Count, Mean} {
			for _, r := range []Resolution{Hour, Day, Week, Month} {
				a := anomaly(t, functionOf(t, kind, r, 2, slices.Repeat([]float64{constant}, 4000)))
				if i := slices.IndexFunc(a.Values, func(x float64) bool { return !math.IsNaN(x) }); i >= 0 {
					t.Fatalf("%v of %v always: %v %d is %g", kind, constant, r, i/2, a.Values[i])
				}
			}
		}
	}
}

// TestAnomalyTies: zeros of rare events are 0, all events above.
func TestAnomalyTies(t *testing.T) {
	values := make([]float64, 1000)
	for i := 50; i < len(values); i += 100 {
		values[i] = 1
	}
	for _, unit := range []float64{1, 0.1} {
		f := functionOf(t, Sum, Hour, 1, slices.Clone(values))
		for i := range f.Values {
			f.Values[i] *= unit
		}
		for i, x := range anomaly(t, f).Values {
			if values[i] == 0 && (x != 0 || math.Signbit(x)) || values[i] == 1 && x <= 0 {
				t.Errorf("unit %g: hour %d has %g events and %g", unit, i, values[i], x)
			}
		}
	}
}

func TestAnomalyErrors(t *testing.T) {
	for _, r := range []Resolution{Year, Month} {
		if _, err := functionOf(t, Count, r, 1, make([]float64, 35)).Anomaly(); !errors.Is(err, ErrNoRoutine) {
			t.Errorf("%v: error %v", r, err)
		}
	}
	f := functionOf(t, Count, Day, 1, make([]float64, 35))
	f.Values = f.Values[1:]
	if _, err := f.Anomaly(); err == nil {
		t.Error("34 values for 35 days: no error")
	}
	f.Version = Anomaly
	if _, err := f.Anomaly(); err == nil {
		t.Error("anomaly of an anomaly: no error")
	}
}

// TestAnomalyTaxi: New York's taxis, July 2014 to January 2015. The travel ban
// of 2015-01-27 is the lowest departure, the first hours of the year are high.
func TestAnomalyTaxi(t *testing.T) {
	const folder = "../notebooks/corpus/"
	c, err := ReadCatalog(t.Context(), Disk{}, folder+"catalog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const name = "taxi_passengers_halfhourly"
	systems := map[string]*RegionSystem{"city": WholeCity()}
	l, err := Load(context.Background(), Disk{}, c, name, systems, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []Resolution{Hour, Day} {
		f, err := l.Function(FunctionSpec{Sum, "passengers"}, r, WholeCity())
		if err != nil {
			t.Fatal(err)
		}
		a := anomaly(t, f)
		zone := a.Axis.Zone
		step := func(day, hour int) int { return a.Axis.Step(time.Date(2015, 1, day, hour, 0, 0, 0, zone)) }
		least := 0
		for i, x := range a.Values {
			if x < a.Values[least] {
				least = i
			}
		}
		if y, m, d := a.Axis.Start(least).Date(); y != 2015 || m != time.January || d != 27 {
			t.Errorf("the lowest step is %v, of %g; 2015-01-27 has %g", a.Axis.Start(least), a.Values[least], a.Values[step(27, 0)])
		}
		for hour := range 5 { // New Year's Day as a whole is a slow one
			if x := a.Values[step(1, hour)]; r == Hour && x < 3 {
				t.Errorf("2015-01-01 at %d o'clock: %g", hour, x)
			}
		}
	}
}

func BenchmarkAnomaly(b *testing.B) {
	const regions, steps = 260, 8760
	rng := rand.New(rand.NewPCG(1, 0))
	for _, mean := range []float64{0.5, 20} {
		f := functionOf(b, Count, Hour, regions, make([]float64, regions*steps))
		for i := range f.Values {
			f.Values[i] = math.Round(mean * rng.ExpFloat64())
		}
		b.Run(fmt.Sprintf("mean=%g", mean), func(b *testing.B) {
			for b.Loop() {
				if _, err := f.Anomaly(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(regions*steps*float64(b.N)/b.Elapsed().Seconds(), "cells/s")
		})
	}
}

func BenchmarkWeekSlots(b *testing.B) {
	a := functionOf(b, Mean, Hour, 1, make([]float64, 26280)).Axis
	for b.Loop() {
		if _, _, _, err := WeekSlots(a); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(a.Len())*float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}
