package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"polygamy/datasets"
	"polygamy/relate"
	"polygamy/topology"
)

// CompareOptions are those of the command compare.
type CompareOptions struct {
	A, B       string // fields, CSV or function files
	Graph      string // adjacency of the regions of CSV fields
	Zone       string // of CSV fields
	Resolution string
	First      int // lags, in steps
	Last       int
	Versions   []string // raw, anomaly; empty: both, anomaly first
	Format     string   // table (default) or json

	Null     string    // windows (default), windows:N or weeks
	Given    []string  // fields whose features are left out, one after the other
	Holidays string    // file of dates whose weeks are left out
	Events   *int      // tolerance in steps of the event view; nil: none
	Measures bool      // standard techniques beside the test
	Plot     string    // picture of the first version that has features, .svg or .png
	Progress io.Writer // a terminal that says which technique is at work; nil says nothing

	// Compat repeats the test of the published implementation instead, on its own
	// features: a list of [CompatComparison].
	Compat bool
}

// A Comparison is what compare says of one version of two functions.
type Comparison struct {
	A        string `json:"a"`
	B        string `json:"b"`
	Version  string `json:"version"` // raw, or anomaly: the departure from the routine
	Testable bool   `json:"testable"`
	Reason   string `json:"reason,omitempty"` // why it is not

	// Exploratory says that weeks were permuted over the whole record, so that
	// seasons and trends in common count: it is of 8 to 29 weeks, or that was
	// asked for.
	Exploratory bool `json:"exploratory"`
	// Dense says that every level that could be tested marks more than half of the
	// cells: what is found is no discovery. Otherwise such levels have no part in p.
	Dense bool   `json:"dense"`
	Unit  string `json:"unit"` // what weeks are: weeks, months or years
	Null  string `json:"null"` // the hypothesis that p is of; empty without a test

	P         *float64 `json:"p"`         // of the whole sweep and all lags, the search paid for
	Effective float64  `json:"effective"` // independent tests that the search amounts to
	Lag       int      `json:"lag"`       // steps by which b follows a at the strongest association
	Level     string   `json:"level"`     // threshold class there
	From      string   `json:"from"`      // levels around the strongest association at which the finding holds at 0.05; empty if it does not
	To        string   `json:"to"`
	Levels    []Tested `json:"levels"` // at the best lag
	Lags      []Tested `json:"lags"`   // at the best level; one if no lags were asked for

	Given    []*Given    `json:"given,omitempty"`    // away from the features of other functions
	Holidays *Holidays   `json:"holidays,omitempty"` // without the weeks of holidays
	Events   []EventRate `json:"events,omitempty"`   // of each pair of signs, at the best level and lag
	Maps     []MapTest   `json:"maps,omitempty"`     // of each sign, at the best level; functions with regions
	Measures []Measure   `json:"measures,omitempty"` // at lag 0

	step     string    // name of a time step
	taken    []string  // what the values of CSV fields are taken for
	question *question // nil if the functions cannot be compared
}

// Tested is the test of one level and lag.
type Tested struct {
	Level    string `json:"level"`
	Lag      int    `json:"lag"`
	Testable bool   `json:"testable"`
	Reason   string `json:"reason,omitempty"`
	Dense    bool   `json:"dense"` // marks more than half of the cells
	Windows  int    `json:"windows"`
	Weeks    int    `json:"weeks"`

	Score     float64  `json:"score"`     // tau, -1 to 1
	Strength  float64  `json:"strength"`  // rho, 0 to 1
	Precision float64  `json:"precision"` // share of b's features that are a's
	Recall    float64  `json:"recall"`    // share of a's features that are b's
	Kappa     *float64 `json:"kappa"`     // excess signed strength: beyond the shared routine
	Lift      *float64 `json:"lift"`      // overlap over the expected one
	Z         *float64 `json:"z"`         // of the signed overlap
	Drift     *float64 `json:"drift"`     // cells of the signed overlap that are put down to a season inside windows
	Guard     *float64 `json:"guard"`     // inflation of the variance by long memory; above 1.5 in doubt

	// 95 % confidence intervals, null if there is none.
	ScoreInterval     *[2]float64 `json:"score_interval"`
	StrengthInterval  *[2]float64 `json:"strength_interval"`
	PrecisionInterval *[2]float64 `json:"precision_interval"`
	RecallInterval    *[2]float64 `json:"recall_interval"`

	PP    int `json:"pp"` // cells that are positive features of both
	NN    int `json:"nn"`
	PN    int `json:"pn"` // positive of a, negative of b
	NP    int `json:"np"`
	FPos  int `json:"a_positive"` // features
	FNeg  int `json:"a_negative"`
	GPos  int `json:"b_positive"`
	GNeg  int `json:"b_negative"`
	Cells int `json:"cells"` // covered by both

	// Cells of each record, in or out of the test, that are in both tails, as
	// values equal to both thresholds are: they have the sign of the tail that
	// they are deeper in, or none.
	FConflicts int `json:"a_conflict_cells"`
	GConflicts int `json:"b_conflict_cells"`

	P   *float64 `json:"p"`
	By  string   `json:"by,omitempty"` // question that p is of: d, or the overlap pp, nn, pn or np
	PD  *float64 `json:"p_d"`          // of the signed overlap, two-sided
	PPP *float64 `json:"p_pp"`
	PNN *float64 `json:"p_nn"`
	PPN *float64 `json:"p_pn"`
	PNP *float64 `json:"p_np"`
}

// Compare tests whether two fields are related.
func Compare(ctx context.Context, o CompareOptions, w io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	p, err := o.open()
	if err != nil {
		return err
	}
	if o.Compat {
		return o.compareCompat(ctx, p, w)
	}
	if len(o.Versions) == 0 {
		o.Versions = []string{"anomaly", "raw"}
	}
	var results []*Comparison
	for _, version := range o.Versions {
		c, err := o.compare(ctx, p, version)
		switch {
		case ctx.Err() != nil:
			return outputError(errInterrupted)
		case err != nil:
			return err
		}
		results = append(results, c)
	}
	if o.Plot != "" {
		if err := plotComparison(results, o.Plot); err != nil {
			return err
		}
	}
	if o.Format == "json" {
		return outputError(printJSON(w, results))
	}
	var page strings.Builder
	tests := 0
	for _, c := range results {
		page.WriteString(c.text())
		if c.Testable {
			tests++
		}
	}
	if tests > 1 {
		page.WriteString("The choice between versions is not paid for by their p: for discovery, read the anomaly.\n\n")
	}
	_, err = io.WriteString(w, page.String())
	return outputError(err)
}

// check returns an error unless the options go together.
func (o *CompareOptions) check() error {
	if err := checkFormat(o.Format); err != nil {
		return err
	}
	switch {
	case o.First > o.Last:
		return usageErrorf("lags from %d to %d: the first is the smaller", o.First, o.Last)
	case o.Events != nil && *o.Events < 0:
		return usageErrorf("--events %d: a tolerance is a number of steps from 0 on", *o.Events)
	case o.Compat && (len(o.Versions) > 0 || o.First != 0 || o.Last != 0):
		return usageErrorf("--compat repeats the published test, which has no lags and no versions; leave --lags and --version out")
	case o.Compat && (o.Null != "" || len(o.Given) > 0 || o.Holidays != "" || o.Events != nil || o.Measures || o.Plot != ""):
		return usageErrorf("--compat repeats the published test; leave --null, --given, --holidays, --events, --measures and --plot out")
	}
	if err := checkPlotName(o.Plot); err != nil {
		return err
	}
	for _, version := range o.Versions {
		if _, err := datasets.ParseVersion(version); err != nil {
			return usageErrorf("--version: %v", err)
		}
	}
	_, err := parseNull(o.Null)
	return cmp.Or(err, checkOnce("version", o.Versions))
}

// parseNull reads the option null.
func parseNull(text string) (relate.Null, error) {
	name, number, numbered := strings.Cut(text, ":")
	n, err := strconv.Atoi(number)
	switch {
	case !numbered && (name == "" || name == "windows"):
		return relate.Null{}, nil
	case !numbered && name == "weeks":
		return relate.Null{Permute: true}, nil
	case numbered && name == "windows" && err == nil && n >= leastWindow && n <= mostWindow:
		return relate.Null{Window: n}, nil
	}
	return relate.Null{}, usageErrorf("--null %s: choose windows, windows:N of %d to %d weeks, or weeks", text, leastWindow, mostWindow)
}

// The bounds of relate.Null.
const leastWindow, mostWindow = 4, 26

// compared are the inputs of a comparison.
type compared struct {
	a, b     *datasets.Function
	given    []*datasets.Function
	holidays []int                         // weeks, nil if there is no file
	names    map[*datasets.Function]string // of CSV fields
}

// name returns what a function is called. A CSV field has the name of its
// file, and of its column if the file says it: what its values are, counts or
// means, is not known.
func (p *compared) name(f *datasets.Function) string {
	if name := p.names[f]; name != "" {
		return name
	}
	return f.Name()
}

// open reads the inputs.
func (o *CompareOptions) open() (*compared, error) {
	p := &compared{names: make(map[*datasets.Function]string)}
	var err error
	if p.a, err = o.read(o.A, p.names); err != nil {
		return nil, err
	}
	if p.b, err = o.read(o.B, p.names); err != nil {
		return nil, err
	}
	for _, name := range o.Given {
		third, err := o.read(name, p.names)
		if err != nil {
			return nil, err
		}
		p.given = append(p.given, third)
	}
	p.tellApart(append([]string{o.A, o.B}, o.Given...))
	if o.Holidays != "" {
		if p.holidays, err = readHolidays(o.Holidays); err != nil {
			return nil, inputError(err)
		}
	}
	return p, nil
}

// fields are those of the two sides and the third ones.
func (p *compared) fields() []*datasets.Function {
	return append([]*datasets.Function{p.a, p.b}, p.given...)
}

// tellApart renames CSV fields of one name that are in different files: by
// their folders, or else by letters.
func (p *compared) tellApart(files []string) {
	fields := p.fields()
	for _, rename := range []func(i int) string{
		func(i int) string {
			file, err := filepath.Abs(files[i])
			if err != nil {
				file = files[i]
			}
			return filepath.Base(filepath.Dir(file)) + "/" + p.names[fields[i]]
		},
		func(i int) string { return fmt.Sprintf("%s (%c)", p.names[fields[i]], 'a'+i) },
	} {
		names := make(map[*datasets.Function]string)
		for i, f := range fields {
			for j, g := range fields {
				if p.names[f] != "" && files[i] != files[j] && p.name(f) == p.name(g) {
					names[f] = rename(i)
				}
			}
		}
		maps.Copy(p.names, names)
	}
}

// taken says what the values of the CSV fields are taken for.
func (p *compared) taken() (lines []string) {
	for _, f := range p.fields() {
		switch {
		case p.names[f] == "":
		case f.Spec.Kind == datasets.Count:
			lines = append(lines, p.names[f]+" is taken for counts: whole numbers from 0 on")
		default:
			lines = append(lines, p.names[f]+" is taken for measurements: not all of its values are whole numbers from 0 on")
		}
	}
	return slices.Compact(lines)
}

// read reads a field as a function, and notes the name of a CSV field.
func (o *CompareOptions) read(name string, names map[*datasets.Function]string) (*datasets.Function, error) {
	if strings.HasSuffix(name, ".arrow") {
		f, err := readFunction(name)
		if err != nil {
			return nil, inputError(err)
		}
		return f, nil
	}
	field := FeaturesOptions{Field: name, Graph: o.Graph, Zone: o.Zone, Resolution: o.Resolution}
	a, err := field.read()
	if err != nil {
		return nil, err
	}
	dataset, _, _ := strings.Cut(filepath.Base(name), ".")
	f := &datasets.Function{
		Dataset: dataset, Spec: datasets.FunctionSpec{Kind: datasets.Mean, Column: "value"}, Axis: a.field.Axis, Values: a.field.Values,
		Regions: &datasets.RegionSystem{IDs: a.field.Regions, Names: a.field.Regions, Graph: a.domain.Graph()},
	}
	if counts(f.Values) {
		f.Spec = datasets.FunctionSpec{Kind: datasets.Count}
	}
	names[f] = dataset
	if !a.field.City && len(a.field.Regions) == 1 {
		names[f] += "." + a.field.Regions[0]
	}
	return f, nil
}

// counts reports whether all values are whole numbers from 0 on, as counts
// are: their spread grows with their level.
func counts(values []float64) bool {
	return !slices.ContainsFunc(values, func(x float64) bool { return x < 0 || x != math.Trunc(x) && !math.IsNaN(x) })
}

// compare tests one version of two functions.
func (o *CompareOptions) compare(ctx context.Context, p *compared, version string) (*Comparison, error) {
	c := &Comparison{A: p.name(p.a), B: p.name(p.b), Version: version, Levels: []Tested{}, Lags: []Tested{}}
	q := &question{o: o, inputs: p, version: version}
	var err error
	if version == datasets.Anomaly.String() { // counts and measurements have other anomalies
		c.taken = p.taken()
	}
	if c.Reason, err = q.prepare(ctx); err != nil || c.Reason != "" {
		return c, err
	}
	c.question = q
	if q.search, err = q.null.Lags(ctx, q.marks[0], q.marks[1], q.memories[0], q.memories[1], q.regions(), q.lags); err != nil {
		return nil, err
	}
	if err := q.fill(ctx, c); err != nil {
		return nil, err
	}
	if err := q.given(ctx, c); err != nil {
		return nil, err
	}
	if err := q.holidays(ctx, c); err != nil {
		return nil, err
	}
	if o.Events != nil {
		if err := q.events(c, *o.Events); err != nil {
			return nil, err
		}
	}
	q.maps(c)
	if o.Measures {
		return c, q.measures(ctx, c)
	}
	return c, nil
}

// A question is one version of two functions that are compared.
type question struct {
	o       *CompareOptions
	inputs  *compared
	version string

	null     relate.Null
	f, g     *datasets.Function // in the version
	marks    [2][]*relate.Marks // of each level
	memories [2][]*relate.Memory
	levels   []string
	lags     []int

	conflicts [2][]int // cells in both tails, of each level

	search     *relate.Search
	level, lag int // indexes of the strongest association
}

func (q *question) regions() int { return len(q.f.Regions.IDs) }

// day returns the number of steps of 24 hours, or 1 for longer steps.
func (q *question) day() int {
	if q.f.Axis.Resolution == datasets.Hour {
		return 24
	}
	return 1
}

// prepare finds the features of the functions, or the reason why they cannot
// be compared.
func (q *question) prepare(ctx context.Context) (reason string, err error) {
	if reason := unlikeWeeks(q.inputs.a, q.inputs.b); reason != "" {
		return reason, nil
	}
	if q.null, err = parseNull(q.o.Null); err != nil {
		return "", err
	}
	// Longer lags leave nothing to compare, and need not end.
	if a, b := q.inputs.a.Axis.Len(), q.inputs.b.Axis.Len(); q.o.First < -max(a, b) || q.o.Last > max(a, b) {
		return "", usageErrorf("lags from %d to %d: the records have %d and %d steps; choose lags within the longer of them", q.o.First, q.o.Last, a, b)
	}
	q.null = nullFor(q.null, q.inputs.a.Axis.Resolution, q.version)
	for i, to := range []**datasets.Function{&q.f, &q.g} {
		input := []*datasets.Function{q.inputs.a, q.inputs.b}[i]
		name := q.inputs.name(input)
		if reason = valueless(input.Values); reason != "" {
			return name + " " + reason, nil
		}
		if *to, reason = versionOf(input, q.version); reason != "" {
			return name + " " + reason, nil
		}
		s, err := newSwept(ctx, *to, defaultSweep())
		if err != nil {
			return "", err
		}
		if len(s.maps) == 0 {
			return name + " " + noAnomaly, nil
		}
		q.levels, q.marks[i] = s.levels, s.marks()
		q.conflicts[i] = s.conflicts()
		q.memories[i] = memoriesOf(q.marks[i])
	}
	for lag := q.o.First; lag <= q.o.Last; lag++ {
		q.lags = append(q.lags, lag)
	}
	return q.apart()
}

// apart says when the values of two functions are, if no week has some of
// both.
func (q *question) apart() (reason string, err error) {
	var rows [2][2]int // first and last
	var spans [2]string
	for i, f := range []*datasets.Function{q.inputs.a, q.inputs.b} {
		first, period, slots, err := slotsOf(f.Axis)
		if err != nil {
			return "", inputError(err)
		}
		regions, from, to := q.regions(), -1, 0 // steps
		for step, slot := range slots {
			if slot >= 0 && slices.ContainsFunc(f.Values[step*regions:][:regions], func(x float64) bool { return x == x }) {
				if from < 0 {
					from = step
				}
				to = step
			}
		}
		if from < 0 {
			return "", nil
		}
		rows[i] = [2]int{first + int(slots[from])/period, first + int(slots[to])/period}
		spans[i] = fmt.Sprintf("from %s to %s", f.Axis.Start(from).Format(time.DateOnly), f.Axis.Start(to).Format(time.DateOnly))
	}
	if rows[0][0] <= rows[1][1] && rows[1][0] <= rows[0][1] {
		return "", nil
	}
	return fmt.Sprintf("their records do not overlap: %s has values %s, %s %s", q.inputs.name(q.inputs.a), spans[0], q.inputs.name(q.inputs.b), spans[1]), nil
}

// nullFor returns the null for steps of a resolution.
func nullFor(n relate.Null, r datasets.Resolution, version string) relate.Null {
	switch {
	case r == datasets.Week:
		n.Unit = relate.WeekSteps
	case r == datasets.Month && (n.Permute || n.Window != 0):
		n = relate.Null{Unit: relate.Months, Reason: "months are tested in windows of a year; leave --null out"}
	case r == datasets.Month && version == datasets.Raw.String():
		n = relate.Null{Unit: relate.Months, Reason: "raw months share the cycle of the year, which would pass for a relationship; see the anomaly, or choose a finer resolution"}
	case r == datasets.Month:
		n.Unit = relate.Months
	case r == datasets.Year:
		n = relate.Null{Reason: "years have nothing to be exchanged in; choose a finer resolution"}
	}
	return n
}

// valueless says why there is nothing to compare in values, if so.
func valueless(values []float64) string {
	first, varies := math.NaN(), false
	for _, x := range values {
		switch {
		case math.IsNaN(first):
			first = x
		case !math.IsNaN(x) && x != first:
			varies = true
		}
	}
	switch {
	case math.IsNaN(first):
		return "has no values"
	case !varies:
		return fmt.Sprintf("is constant, always %g", first)
	}
	return ""
}

// noAnomaly is the reason if a function has values, and its anomaly none.
const noAnomaly = "has an anomaly without values: its regions are constant, or their records too short for a routine"

// versionOf returns a version of a function, or the reason why there is none,
// said of the function.
func versionOf(f *datasets.Function, version string) (v *datasets.Function, reason string) {
	switch {
	case f.Version.String() == version:
		return f, ""
	case f.Version != datasets.Raw:
		return nil, "is an anomaly, whose file does not hold the raw values"
	}
	v, err := f.Anomaly()
	switch {
	case errors.Is(err, datasets.ErrNoRoutine):
		return nil, fmt.Sprintf("has no anomaly: %s make no routine to depart from; choose a finer resolution", plural(f.Axis.Steps, f.Axis.Resolution.String()))
	case err != nil:
		return nil, "has no anomaly: " + err.Error()
	}
	return v, ""
}

func memoriesOf(marks []*relate.Marks) []*relate.Memory {
	memories := make([]*relate.Memory, len(marks))
	for i, m := range marks {
		memories[i] = relate.NewMemory(m)
	}
	return memories
}

// unlike says why the cells of two functions are not the same ones, if so.
func unlike(f, g *datasets.Function) string {
	switch {
	case f.Axis.Resolution != g.Axis.Resolution:
		hint := ""
		if f.Regions.Name == g.Regions.Name && f.Regions.Name != "" { // as ingest writes functions
			hint = fmt.Sprintf(", such as those in %s-%s", max(f.Axis.Resolution, g.Axis.Resolution), f.Regions.Name)
		}
		return fmt.Sprintf("their steps differ: %s and %s; choose functions of one resolution%s", f.Axis.Resolution, g.Axis.Resolution, hint)
	case len(f.Regions.IDs) != len(g.Regions.IDs):
		return fmt.Sprintf("their regions differ: %d and %d; choose functions of one region system, such as those of the whole city", len(f.Regions.IDs), len(g.Regions.IDs))
	}
	for i, id := range f.Regions.IDs {
		if other := g.Regions.IDs[i]; id != other {
			return fmt.Sprintf("their regions differ, or their order: number %d is %q in one and %q in the other", i, id, other)
		}
	}
	return ""
}

// unlikeWeeks is unlike for functions that are laid out in weeks by the clock.
func unlikeWeeks(f, g *datasets.Function) string { return cmp.Or(unlike(f, g), unlikeZones(f, g)) }

// unlikeZones says why hours of different zones cannot be compared, if so: laid
// out by the clock they would not meet.
func unlikeZones(f, g *datasets.Function) string {
	if clockOf(f) == clockOf(g) {
		return ""
	}
	return fmt.Sprintf("their hours are of different time zones, %s and %s; --zone sets that of CSV fields", clockOf(f), clockOf(g))
}

// clockOf is the zone by whose clock the hours of a function are laid out;
// empty for longer steps, which meet by their dates.
func clockOf(f *datasets.Function) string {
	if f.Axis.Resolution != datasets.Hour {
		return ""
	}
	return f.Axis.Start(0).Location().String()
}

// swept are the features of a function at every level of a class.
type swept struct {
	maps    []*topology.FeatureMap // empty if there is a reason
	reason  string                 // no values, or no level
	levels  []string               // threshold classes
	regions int
	first   int // number of the first row
}

// defaultSweep is the class that is tested by default.
func defaultSweep() topology.Class {
	return topology.Class{Kind: topology.SweepShares, Shares: topology.DefaultShares()}
}

func newSwept(ctx context.Context, f *datasets.Function, class topology.Class) (*swept, error) {
	first, period, slots, err := slotsOf(f.Axis)
	if err != nil {
		return nil, inputError(err)
	}
	var seasons []topology.Season // of tails: one, the record
	if class.Kind == topology.Salient || class.Kind == topology.Extreme || class.PerSeason {
		seasons = datasets.Seasons(f.Axis, datasets.SeasonAuto)
	}
	d := topology.NewDomain(f.Regions.Graph, f.Axis.Len())
	index, err := new(topology.Builder).Build(ctx, d, f.Values, seasons)
	switch {
	case ctx.Err() != nil:
		return nil, outputError(errInterrupted)
	case err != nil:
		return nil, inputError(fmt.Errorf("%s: %w", f.Name(), err))
	}
	s := &swept{regions: len(f.Regions.IDs), first: first}
	if index.Covered() == 0 {
		s.reason = "no values"
		return s, nil
	}
	thresholds := thresholdsOf(index, f, class)
	if s.reason = levelless(thresholds); s.reason != "" {
		return s, nil
	}
	layout := topology.NewSlotLayout(d, period, slots)
	for level, m := range index.Sweep(f.Values, thresholds, layout).Maps() {
		s.maps = append(s.maps, m.Clone())
		s.levels = append(s.levels, thresholds[level].Class)
	}
	return s, nil
}

// conflicts returns the cells of each level that are in both tails.
func (s *swept) conflicts() (cells []int) {
	for _, m := range s.maps {
		cells = append(cells, m.Conflicts)
	}
	return cells
}

// marks returns the features of each level as they are tested.
func (s *swept) marks() (marks []*relate.Marks) {
	for _, m := range s.maps {
		marks = append(marks, relate.NewMarks(m, s.regions, s.first))
	}
	return marks
}

// slotsOf is [datasets.WeekSlots], and for years a row a year.
func slotsOf(a datasets.Axis) (first, period int, slots []int32, err error) {
	if a.Resolution != datasets.Year {
		return datasets.WeekSlots(a)
	}
	slots = make([]int32, a.Len())
	for i := range slots {
		slots[i] = int32(i)
	}
	return a.Start(0).Year(), 1, slots, nil
}

// fill writes what the search found. The error is that of ctx.
func (q *question) fill(ctx context.Context, c *Comparison) error {
	s := q.search
	c.Testable, c.Reason, c.P, c.Effective, c.Exploratory = s.Testable, q.reason(s, q.marks[0][0], q.marks[1][0]), known(s.P), s.Effective, s.Exploratory
	c.Dense = s.Dense
	c.Unit, c.step = q.null.Unit.String(), q.f.Axis.Resolution.String()
	if q.f.Axis.Resolution == datasets.Year {
		c.Unit = "years"
	}
	if s.Testable {
		c.Null = q.hypothesis()
	}
	// Without a strongest association, that of the level which is best for most.
	q.level, q.lag = max(0, slices.Index(q.levels, usualLevel)), max(0, slices.Index(q.lags, 0))
	if s.Best >= 0 {
		q.level, q.lag = s.Best/len(q.lags), s.Best%len(q.lags)
		c.Level = q.levels[q.level]
	}
	c.Lag = q.lags[q.lag]
	at := func(level, lag int) Tested {
		return q.tested(s.Results[level*len(q.lags)+lag], q.marks[0][level], q.marks[1][level], level, lag)
	}
	for level := range q.levels {
		c.Levels = append(c.Levels, at(level, q.lag))
	}
	if s.First >= 0 {
		c.From, c.To = q.levels[s.First/len(q.lags)], q.levels[s.Last/len(q.lags)]
	}
	for lag := range q.lags {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.Lags = append(c.Lags, at(q.level, lag))
	}
	return nil
}

// reason is why none of the results of a search of f and g is testable. Weeks
// that have data and are not counted need an explanation.
func (q *question) reason(s *relate.Search, f, g *relate.Marks) string {
	shared := min(f.First+f.Rows, g.First+g.Rows) - max(f.First, g.First)
	r := s.Results[0]
	if s.Testable || s.Exploratory || q.null.Reason != "" || r.Windows > 0 || r.Counts.Cells == 0 || r.Rows >= shared {
		return q.worded(s.Reason)
	}
	return fmt.Sprintf("%s (a %s counts if both have at least half of the cells that they ever have)", q.worded(s.Reason), strings.TrimSuffix(q.null.Unit.String(), "s"))
}

// worded puts one common week into the singular.
func (q *question) worded(reason string) string {
	units := q.null.Unit.String()
	if rest, one := strings.CutPrefix(reason, "1 common "+units); one {
		return "1 common " + strings.TrimSuffix(units, "s") + rest
	}
	return reason
}

const (
	alpha = 0.05
	// usualLevel is the best of the sweep on real data as a whole.
	usualLevel = "tail:10"
)

// hypothesis is the null hypothesis in words.
func (q *question) hypothesis() string {
	if q.search.Exploratory {
		return "the order of the weeks of one is unrelated to that of the other's"
	}
	size := "six weeks"
	switch {
	case q.null.Window != 0:
		size = fmt.Sprintf("%d weeks", q.null.Window)
	case q.null.Unit == relate.Months:
		size = "a year"
	}
	var own []string
	switch q.f.Axis.Resolution {
	case datasets.Hour:
		own = []string{"hour-of-week profile"}
	case datasets.Day:
		own = []string{"day-of-week profile"}
	}
	own = append(own, "level at the scale of "+size)
	if q.regions() > 1 {
		own = append(own, "map")
	}
	for i := range own[1:] {
		own[i+1] = "its " + own[i+1]
	}
	return fmt.Sprintf("given each one's own %s, the %s-to-%[2]s timing of its features is unrelated to the other's", enumerated(own), strings.TrimSuffix(q.null.Unit.String(), "s"))
}

// known returns nil for NaN, which JSON does not have.
func known(x float64) *float64 {
	if math.IsNaN(x) {
		return nil
	}
	return &x
}

// tested returns what a result says. The marks of g are not moved.
func (q *question) tested(r *relate.Result, f, g *relate.Marks, level, lag int) Tested {
	n := &r.Counts
	i := r.Intervals(f, g.Moved(q.lags[lag], q.regions()), q.f.Regions.Graph, q.day())
	t := Tested{
		Level: q.levels[level], Lag: q.lags[lag], Testable: r.Testable, Reason: q.worded(r.Reason), Dense: r.Dense, Windows: r.Windows, Weeks: r.Rows,
		Score: n.Score(), Strength: n.Strength(), Precision: n.Precision(), Recall: n.Recall(),
		ScoreInterval: interval(i.Score), StrengthInterval: interval(i.Strength),
		PrecisionInterval: interval(i.Precision), RecallInterval: interval(i.Recall),
		PP: n.PositivePositive, NN: n.NegativeNegative, PN: n.PositiveNegative, NP: n.NegativePositive,
		FPos: n.PositiveF, FNeg: n.NegativeF, GPos: n.PositiveG, GNeg: n.NegativeG, Cells: n.Cells,
		FConflicts: q.conflicts[0][level], GConflicts: q.conflicts[1][level],
		P: known(r.P), PD: known(r.PD), PPP: known(r.PPositivePositive), PNN: known(r.PNegativeNegative),
		PPN: known(r.PPositiveNegative), PNP: known(r.PNegativePositive),
	}
	if r.Windows > 0 {
		t.Kappa, t.Lift = known(r.Excess()), known(r.Lift())
	}
	if r.Testable {
		t.Z, t.Drift, t.Guard, t.By = known(r.Z), known(r.Drift), known(r.Inflation), r.Question()
	}
	return t
}

func interval(i relate.Interval) *[2]float64 {
	if math.IsNaN(i.Low) {
		return nil
	}
	return &[2]float64{i.Low, i.High}
}
