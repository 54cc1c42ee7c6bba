package datasets

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// A Function is a scalar function: one number for each region and time step
// at one resolution.
type Function struct {
	Dataset string
	Spec    FunctionSpec
	Version Version
	Axis    Axis
	Regions *RegionSystem
	Values  []float64 // shape [steps*regions], step-major; NaN is missing
	// Estimated is the number of cells whose value is an estimate: a distinct
	// count or a median of more different values than are kept.
	Estimated int
	// Overflow is the number of cells that are missing because their sum is
	// beyond the range of numbers that can be compared.
	Overflow int
}

// A Version is which of a function's two versions its values are.
type Version int

// The versions. The zero value is the function itself.
const (
	Raw     Version = iota // the function itself
	Anomaly                // its departure from its routine, see [Function.Anomaly]
)

// String returns the version's name.
func (v Version) String() string {
	switch v {
	case Raw:
		return "raw"
	case Anomaly:
		return "anomaly"
	}
	return fmt.Sprintf("Version(%d)", int(v))
}

// ParseVersion returns the version of the given name; the error lists the
// names.
func ParseVersion(name string) (Version, error) {
	for v := Raw; v <= Anomaly; v++ {
		if v.String() == name {
			return v, nil
		}
	}
	return 0, fmt.Errorf("unknown version %q of a function; choose raw or anomaly", name)
}

// Name returns the function's name, such as "collisions.mean(persons_injured)".
// Both versions have the same.
func (f *Function) Name() string { return f.Dataset + "." + f.Spec.String() }

// A Loaded holds the states of a dataset's rows. Functions come from it one
// at a time, so that a caller needs memory for the largest, not for all.
type Loaded struct {
	Report *Report

	p        *plan
	tables   []*cellTable
	coverage coverage
}

// Functions returns the functions of the dataset.
func (l *Loaded) Functions() []FunctionSpec { return slices.Clone(l.p.functions) }

// Regions returns the region systems in which the dataset has functions, the
// whole city last.
func (l *Loaded) Regions() []*RegionSystem {
	systems := slices.Clone(l.p.systems)
	if systems[0].Name != cityName {
		systems = append(systems, WholeCity())
	}
	return slices.DeleteFunc(systems, func(s *RegionSystem) bool { return len(l.Resolutions(s)) == 0 })
}

// Resolutions returns the resolutions at which the dataset has functions in a
// region system, from fine to coarse.
func (l *Loaded) Resolutions(s *RegionSystem) []Resolution {
	var list []Resolution
	for r := l.p.step; r <= Year; r++ {
		if l.p.wants(r, s.Name) {
			list = append(list, r)
		}
	}
	return list
}

// maxFunctionCells bounds a function to 2 GiB: a single wrong date makes an axis of a
// million hours.
const maxFunctionCells = 1 << 28

// Function returns one function. It is the same to the last bit however the
// rows were split among files and workers.
//
// The axis runs from the first to the last step that the dataset covers. A
// covered cell without rows is 0 for count, unique and sum and missing for
// the others; a cell whose rows all lack the value is missing; all steps that
// are not covered are missing. A region that never has a row is missing
// throughout unless the catalog says otherwise (place.empty: zero). Rows in
// no region count for the whole city only.
//
// Cost: O(cells + rows' cells), with a copy of the column's states if r is
// coarser than the rows. It serves one call at a time.
func (l *Loaded) Function(spec FunctionSpec, r Resolution, s *RegionSystem) (*Function, error) {
	if !slices.Contains(l.p.functions, spec) || !slices.Contains(l.Resolutions(s), r) {
		return nil, fmt.Errorf("dataset %s has no function %s at %s %s", l.p.name, spec, r, s.Name)
	}
	t, state := l.cells(spec, r, s)
	f := &Function{Dataset: l.p.name, Spec: spec, Regions: s}
	covered := l.coveredSteps(r)
	if len(covered) == 0 {
		f.Axis = NewAxis(r, l.p.city, time.Unix(l.p.step.start(l.coverage.first, l.p.city), 0), 0)
		return f, nil
	}
	first := covered[0]
	if cells := (covered[len(covered)-1] - first + 1) * int64(len(s.IDs)); cells > maxFunctionCells {
		return nil, fmt.Errorf("%s at %s %s has %d cells, more than %d: its rows are from %s to %s; set time.from and time.to, or leave %q out of resolutions",
			spec, r, s.Name, cells, int64(maxFunctionCells), l.Report.First.Format(time.DateOnly), l.Report.Last.Format(time.DateOnly), r.String()+" "+s.Name)
	}
	f.Axis = Axis{Resolution: r, Zone: l.p.city, Steps: int(covered[len(covered)-1]-first) + 1, first: first}
	regions := len(s.IDs)
	f.Values = make([]float64, f.Axis.Steps*regions)
	for i := range f.Values {
		f.Values[i] = math.NaN()
	}
	l.fillZeros(f, t, covered)
	inCoverage := make([]bool, f.Axis.Steps)
	for _, step := range covered {
		inCoverage[step-first] = true
	}
	value := l.valueOf(spec.Kind, t, state)
	uncertain, _ := state.(interface{ uncertainty(slot int) float64 })
	t.each(func(step int64, region int, slot int32) {
		if region >= regions || step < first || step >= first+int64(f.Axis.Steps) || !inCoverage[step-first] {
			return
		}
		x := value(slot)
		if uncertain != nil && uncertain.uncertainty(int(slot)) > 0 {
			f.Estimated++
		}
		if math.Abs(x) > math.MaxFloat64/2 { // package topology needs differences of values
			f.Overflow++
			x = math.NaN()
		}
		f.Values[int(step-first)*regions+region] = x
	})
	return f, nil
}

// valueOf returns what gives the value of a slot.
func (l *Loaded) valueOf(kind FunctionKind, t *cellTable, state columnState) func(slot int32) float64 {
	switch kind {
	case Count:
		return func(slot int32) float64 { return float64(t.rows.at(slot)) }
	case Mean:
		s := state.(*sums)
		return func(slot int32) float64 { return s.mean(int(slot)) }
	}
	return func(slot int32) float64 { return state.result(int(slot)) }
}

// cells returns the cells of a function at a resolution, and the state that
// answers it.
func (l *Loaded) cells(spec FunctionSpec, r Resolution, s *RegionSystem) (*cellTable, columnState) {
	which := []int{}
	var states []columnState
	if need, ok := stateOf(spec); ok {
		i := slices.Index(l.p.states, need)
		which, states = []int{i}, []columnState{need.make()}
	}
	from := l.tables[0]
	sameRegions := l.p.systems[0].Name == s.Name
	for i, system := range l.p.systems {
		if system.Name == s.Name {
			from, sameRegions = l.tables[i], true
		}
	}
	if sameRegions && r == l.p.step && (r != Hour || l.p.unit == hourSeconds) {
		if len(which) == 0 {
			return from, nil
		}
		return from, from.states[which[0]]
	}
	t := newCellTable(len(s.IDs), spec.Kind == Count, states)
	regionOf := func(region int) int { return region }
	if !sameRegions {
		regionOf = func(int) int { return 0 }
	}
	t.add(from, l.p.coarser(r), regionOf, which)
	if len(which) == 0 {
		return t, nil
	}
	return t, t.states[0]
}

// coveredSteps returns the steps of resolution r that the dataset covers, in
// order.
func (l *Loaded) coveredSteps(r Resolution) []int64 {
	c := &l.coverage
	if c.first >= c.end {
		return nil
	}
	// The first step of the data's resolution that begins at u or later: those
	// belong to the coarser step in which they begin.
	finest := l.p.step
	firstAt := func(u int64) int64 {
		step := finest.step(time.Unix(u, 0), l.p.city)
		if finest.start(step, l.p.city) < u {
			step++
		}
		return step
	}
	var steps []int64
	for step, last := l.stepHolding(r, c.first), l.stepHolding(r, c.end-1); step <= last; step++ {
		first, end := firstAt(r.start(step, l.p.city)), firstAt(r.start(step+1, l.p.city))
		if r == finest {
			first, end = step, step+1
		}
		if end > first && c.covers(first, end) { // a day that a zone skipped has no steps
			steps = append(steps, step)
		}
	}
	return steps
}

// stepHolding returns the step of resolution r in which a step of the data's
// finest resolution begins.
func (l *Loaded) stepHolding(r Resolution, step int64) int64 {
	return r.step(time.Unix(l.p.step.start(step, l.p.city), 0), l.p.city)
}

// fillZeros sets the covered cells of the regions that ever have a row to 0,
// if no rows means none.
func (l *Loaded) fillZeros(f *Function, t *cellTable, covered []int64) {
	switch f.Spec.Kind {
	case Count, Unique, Sum:
	default:
		return
	}
	regions := len(f.Regions.IDs)
	zero := t.occupied()
	if l.p.spec.Place.Empty == "zero" {
		zero = slices.Repeat([]bool{true}, regions+1)
	}
	for _, step := range covered {
		row := f.Values[int(step-covered[0])*regions:][:regions]
		for region := range row {
			if zero[region] {
				row[region] = 0
			}
		}
	}
}
