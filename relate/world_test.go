package relate

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"gonum.org/v1/gonum/mat"

	"polygamy/datasets"
	"polygamy/topology"
)

// A world makes functions that know nothing of each other but live in one
// city: they share its routine, its seasons, its map and its outages, and have
// a memory. Amplitudes are in standard deviations of the noise.
type world struct {
	graph        *topology.Graph // nil: the city as one region
	weeks, slots int             // slots of a week: 168 hours, 7 days
	memory       float64         // steps after which correlation is 1/e; 0: white noise
	smooth       bool            // in space, by (I + 3 Laplacian)^-1
	own          float64         // share of the variance that is the whole city's, each function's own

	cycle     float64 // of the routine of the week, shared
	cycleMap  float64 // how much the routine differs from place to place
	year      float64 // shared
	trend     float64 // shared, over the record
	staticMap float64 // shared, smooth by (I + 30 Laplacian)^-1
	outages   outages
	// The shares of the cells that the levels mark, in %, low and high: both
	// are the level's if nil.
	skew *[2]float64

	anomaly bool // test the departure from the routine, not the function itself
}

// outages say which steps have no values.
type outages int

const (
	noOutages outages = iota
	scattered         // 30 % of the steps, each function's own
	ownWeeks          // stretches of one to three weeks, each function's own
	sharedWeeks
	sharedHours // stretches of 6 to 48 steps in common
)

func (w *world) regions() int {
	if w.graph == nil {
		return 1
	}
	return w.graph.NumRegions()
}

func (w *world) steps() int { return w.weeks * w.slots }

// A stage holds what the functions of a world share, drawn once.
type stage struct {
	*world
	level  []float64  // shape [steps*regions]; nil without any
	spread *mat.Dense // of white noise in space, rows of norm 1; nil without
	silent []bool     // steps that no function has values of
	seed   uint64
}

// newStage draws what the functions share.
func (w *world) newStage(seed uint64) *stage {
	s := &stage{world: w, seed: seed}
	rng := rand.New(rand.NewPCG(seed, 0))
	regions := w.regions()
	if w.smooth {
		s.spread = smoothing(w.graph, 3)
	}
	place := make([]float64, regions)
	if w.staticMap != 0 || w.cycleMap != 0 {
		noise := make([]float64, regions)
		for r := range noise {
			noise[r] = rng.NormFloat64()
		}
		mat.NewVecDense(regions, place).MulVec(smoothing(w.graph, 30), mat.NewVecDense(regions, noise))
	}
	if w.cycle != 0 || w.year != 0 || w.trend != 0 || w.staticMap != 0 {
		s.level = make([]float64, w.steps()*regions)
		routine := routine(w.slots)
		for i := range s.level {
			t, r := i/regions, i%regions
			at := float64(t) / float64(w.slots) // weeks
			s.level[i] = w.cycle*routine[t%w.slots]*(1+w.cycleMap*place[r]) + w.staticMap*place[r] +
				w.year*math.Sqrt2*math.Cos(2*math.Pi*at/52.18) + w.trend*math.Sqrt(12)*(at/float64(w.weeks)-0.5)
		}
	}
	if w.outages == sharedWeeks || w.outages == sharedHours {
		s.silent = s.silence(rng)
	}
	return s
}

// smoothing returns (I + a Laplacian)^-1 with rows of norm 1.
func smoothing(g *topology.Graph, a float64) *mat.Dense {
	var factor mat.Cholesky
	if !factor.Factorize(laplacianOf(g, 1, a)) {
		panic("not positive definite")
	}
	var inverse mat.SymDense
	if err := factor.InverseTo(&inverse); err != nil {
		panic(err)
	}
	m := mat.DenseCopyOf(&inverse)
	for r := range g.NumRegions() {
		row := m.RawRowView(r)
		norm := mat.Norm(mat.NewVecDense(len(row), row), 2)
		for i := range row {
			row[i] /= norm
		}
	}
	return m
}

// routine is a week of a city: two rush hours on weekdays, one hump at
// weekends; with steps of days, quiet weekends. Its mean is 0, its variance 1.
func routine(slots int) []float64 {
	v := make([]float64, slots)
	for i := range v {
		day, hour := i*7/slots, math.Mod(float64(i)*168/float64(slots), 24)
		bump := func(at, width float64) float64 { return math.Exp(-(hour - at) * (hour - at) / (2 * width * width)) }
		switch {
		case slots == 7 && day < 5:
			v[i] = 1 + 0.1*float64(day)
		case slots == 7:
		case day < 5:
			v[i] = bump(8, 1.5) + 1.2*bump(18, 2.5) + 0.5*bump(13, 4)
		default:
			v[i] = 0.9 * bump(15, 4)
		}
	}
	return standardised(v)
}

// silence draws the steps without values.
func (w *world) silence(rng *rand.Rand) []bool {
	silent := make([]bool, w.steps())
	stretch := func(least, most int) {
		first := rng.IntN(len(silent))
		for t := first; t < min(len(silent), first+least+rng.IntN(most-least+1)); t++ {
			silent[t] = true
		}
	}
	switch w.outages {
	case scattered:
		for t := range silent {
			silent[t] = rng.IntN(10) < 3
		}
	case ownWeeks, sharedWeeks:
		for range (w.weeks + 9) / 18 {
			stretch(w.slots, 3*w.slots)
		}
	case sharedHours:
		for range w.steps() / 180 { // 15 % of the steps
			stretch(6, 48)
		}
	}
	return silent
}

// noise returns a function's own part, of variance 1: shape [steps*regions].
func (s *stage) noise(rng *rand.Rand) []float64 {
	regions := s.regions()
	keep, fresh := 0.0, 1.0
	if s.memory > 0 {
		keep = math.Exp(-1 / s.memory)
		fresh = math.Sqrt(1 - keep*keep)
	}
	values := make([]float64, s.steps()*regions)
	for i := range values {
		values[i] = rng.NormFloat64()
	}
	if s.spread != nil {
		white := mat.NewDense(s.steps(), regions, values)
		var smooth mat.Dense
		smooth.Mul(white, s.spread.T())
		values = smooth.RawMatrix().Data
	}
	for i := regions; i < len(values); i++ {
		values[i] = keep*values[i-regions] + fresh*values[i]
	}
	if s.own == 0 {
		return values
	}
	local, all := math.Sqrt(1-s.own), math.Sqrt(s.own)
	state := rng.NormFloat64()
	for t := range s.steps() {
		if t > 0 {
			state = keep*state + fresh*rng.NormFloat64()
		}
		for r := range regions {
			values[t*regions+r] = local*values[t*regions+r] + all*state
		}
	}
	return values
}

// finish adds what all functions share to a function's own part, and takes
// away what the outages leave out.
func (s *stage) finish(rng *rand.Rand, values []float64) []float64 {
	for i, x := range s.level {
		values[i] += x
	}
	silent := s.silent
	if s.outages == scattered || s.outages == ownWeeks {
		silent = s.silence(rng)
	}
	regions := s.regions()
	for t, is := range silent {
		for r := range regions {
			if is {
				values[t*regions+r] = math.NaN()
			}
		}
	}
	if s.anomaly {
		return s.departure(values)
	}
	return values
}

// departure returns the anomaly of a function.
func (w *world) departure(values []float64) []float64 {
	resolution := datasets.Hour
	if w.slots == 7 {
		resolution = datasets.Day
	}
	f := &datasets.Function{
		Spec: datasets.FunctionSpec{Kind: datasets.Mean, Column: "value"}, Values: values, Regions: &datasets.RegionSystem{Name: "regions"},
		Axis: datasets.NewAxis(resolution, nil, time.Date(2012, 1, 2, 0, 0, 0, 0, time.UTC), w.steps()), // a Monday
	}
	for r := range w.regions() {
		f.Regions.IDs = append(f.Regions.IDs, strconv.Itoa(r))
	}
	a, err := f.Anomaly()
	if err != nil {
		panic(err)
	}
	return a.Values
}

// function returns the function of a number.
func (s *stage) function(number uint64) []float64 {
	rng := rand.New(rand.NewPCG(s.seed, 2*number+1))
	return s.finish(rng, s.noise(rng))
}

// shocks are events of three steps that push a function by 3.5 standard
// deviations, 70 % of them up.
type shocks struct {
	number int     // of each function
	common float64 // share that both functions have, at one time and place
	city   bool    // all regions at once
}

const (
	shockSteps = 3
	shockSize  = 3.5
	shocksUp   = 0.7
	cityShocks = 240. / (156 * 168) // a step, as in most simulations
)

// related returns two functions of a number with shocks.
func (s *stage) related(number uint64, k shocks) (f, g []float64) {
	rng := rand.New(rand.NewPCG(s.seed, 2*number+2))
	f, g = s.noise(rng), s.noise(rng)
	regions := s.regions()
	hit := func(values []float64, at, region int, size float64) {
		for t := at; t < min(at+shockSteps, s.steps()); t++ {
			for r := range regions {
				if k.city || r == region {
					values[t*regions+r] += size
				}
			}
		}
	}
	for i := range k.number {
		at, region, size := rng.IntN(s.steps()), rng.IntN(regions), shockSize
		if rng.Float64() >= shocksUp {
			size = -shockSize
		}
		hit(f, at, region, size)
		if float64(i) >= k.common*float64(k.number) {
			at, region, size = rng.IntN(s.steps()), rng.IntN(regions), shockSize
			if rng.Float64() >= shocksUp {
				size = -shockSize
			}
		}
		hit(g, at, region, size)
	}
	return s.finish(rng, f), s.finish(rng, g)
}

// A sample is a function with its marks at the levels of the sweep.
type sample struct {
	*stage
	number   int // of the function
	values   []float64
	marks    []*Marks
	memories []*Memory
	ranks    func() []float64 // of the values
}

// newSample marks the tails of a function.
func (s *stage) newSample(values []float64) *sample {
	x := &sample{stage: s, values: values, ranks: sync.OnceValue(func() []float64 { return ranks(values) })}
	stride := 1
	if s.graph != nil {
		stride = 7 // of so many regions, every seventh cell tells the quantiles as well
	}
	var sorted []float64
	for i := 0; i < len(values); i += stride {
		if v := values[i]; v == v { // not NaN
			sorted = append(sorted, v)
		}
	}
	slices.Sort(sorted)
	for _, share := range topology.DefaultShares() {
		low, high := share, share
		if s.skew != nil {
			low, high = share*s.skew[0], share*s.skew[1]
		}
		at := func(percent float64) float64 { return sorted[int(percent/100*float64(len(sorted)))] }
		m := s.mark(values, at(low), at(100-high))
		x.marks, x.memories = append(x.marks, m), append(x.memories, NewMemory(m))
	}
	return x
}

// mark returns the cells below low and from high on.
func (w *world) mark(values []float64, low, high float64) *Marks {
	cells := w.slots * w.regions()
	m := &Marks{Rows: w.weeks, Words: (cells + 63) / 64, Cells: cells}
	m.Positive, m.Negative = make([]uint64, m.Rows*m.Words), make([]uint64, m.Rows*m.Words)
	if w.outages != noOutages {
		m.Valid = make([]uint64, m.Rows*m.Words)
	}
	for i, x := range values {
		word, bit := i/cells*m.Words+i%cells/64, uint64(1)<<(i%cells%64)
		switch {
		case x >= high:
			m.Positive[word] |= bit
		case x < low:
			m.Negative[word] |= bit
		}
		if m.Valid != nil && x == x { // not NaN
			m.Valid[word] |= bit
		}
	}
	m.countRows()
	return m
}

// level5 is the place of the tails of 5 % among the levels.
const level5 = 2

// sweep is the p-value of the default question, tail5 that of one level.
func sweep(f, g *sample) float64 { return Sweep(f.marks, g.marks, f.memories, g.memories).P }

func tail5(f, g *sample) float64 {
	return Test(f.marks[level5], g.marks[level5], f.memories[level5], g.memories[level5]).P
}
