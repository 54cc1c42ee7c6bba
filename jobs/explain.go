package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"polygamy/datasets"
	"polygamy/relate"
)

// ExplainOptions are those of the command explain.
type ExplainOptions struct {
	Out     string // folder of the run
	A, B    string // functions, such as taxi.sum(trips), or datasets
	At      string // resolution; empty: that of the strongest relationship
	Version string // raw or anomaly; empty: that of the strongest relationship
	Level   string // such as tail:10; empty: that of the relationship
	Lag     *int   // by which B follows A; nil: that of the relationship
	Plot    string // picture, .svg or .png
	Format  string // table (default) or json
}

// An Explanation says where and when the features of two functions meet. a is
// the function whose dataset's name is less, as in the table relationships.
// Times are local, in RFC 3339; an end is where the last step ends.
type Explanation struct {
	A          ExplainedFunction `json:"a"`
	B          ExplainedFunction `json:"b"`
	Finding    string            `json:"finding"` // in a sentence
	Resolution string            `json:"resolution"`
	Version    string            `json:"version"`
	Class      string            `json:"class"`
	Level      string            `json:"level"`
	Lag        int               `json:"lag"` // steps by which b follows a
	Zone       string            `json:"zone"`
	Start      string            `json:"start"` // of the steps in which both are counted
	End        string            `json:"end"`

	// Of the row of the table relationships. The numbers are of its own level and
	// lag, which others may have been asked for.
	Selected bool     `json:"selected"` // a discovery
	Reason   string   `json:"reason,omitempty"`
	P        *float64 `json:"p"`
	Q        *float64 `json:"q"`
	Kappa    *float64 `json:"kappa"`
	AtLevel  string   `json:"strongest_level"`
	AtLag    int      `json:"strongest_lag"`

	Counts Meeting `json:"counts"`

	Events     []Event  `json:"events"`      // what makes D first, the largest first, then what is against it
	EventCount int      `json:"event_count"` // all of them
	Top        []Share  `json:"top"`         // of the 1, 5 and 10 largest events
	OnlyA      []Missed `json:"only_a"`      // largest features of a that meet none of b
	OnlyB      []Missed `json:"only_b"`
	OnlyACount int      `json:"only_a_count"` // all of them
	OnlyBCount int      `json:"only_b_count"`

	Without []LeftOut     `json:"without"` // the largest events, and each season
	Regions []RegionShare `json:"regions"` // in the order of the region system; empty for the whole city
	Notes   []string      `json:"notes"`

	meeting *meeting
	sides   [2]*side
}

// An ExplainedFunction is one of the two functions.
type ExplainedFunction struct {
	Name     string `json:"name"` // dataset.function
	Dataset  string `json:"dataset"`
	Function string `json:"function"`
	Unit     string `json:"unit"`         // of its values
	Version  string `json:"version_unit"` // of the values in the version that is explained
}

// A Meeting counts the features of two functions, in cells (region, step) that
// are counted: where both have values, in the rows of the test.
type Meeting struct {
	D         int     `json:"d"`       // cells that agree in sign less those that differ
	Overlap   int     `json:"overlap"` // cells that are features of both
	Score     float64 `json:"score"`
	Strength  float64 `json:"strength"`
	PP        int     `json:"pp"`
	NN        int     `json:"nn"`
	PN        int     `json:"pn"`
	NP        int     `json:"np"`
	APositive int     `json:"a_positive"`
	ANegative int     `json:"a_negative"`
	BPositive int     `json:"b_positive"`
	BNegative int     `json:"b_negative"`
	Cells     int     `json:"cells"`
}

// An Event is a connected group of cells in which features of both functions
// meet, with equal signs throughout.
type Event struct {
	Place
	SignA   string `json:"a_sign"`  // positive or negative
	SignB   string `json:"b_sign"`  //
	D       int    `json:"d"`       // its part of D: its cells, or less than 0 where signs differ
	Regions int    `json:"regions"` // that it is in
	A       Value  `json:"a"`       // in its most unusual cell
	B       Value  `json:"b"`       // lag steps later
}

// Missed is a feature of one function that no feature of the other meets.
type Missed struct {
	Place
	Sign    string `json:"sign"`
	Cells   int    `json:"cells"`
	Regions int    `json:"regions"`
	A       Value  `json:"a"`
	B       Value  `json:"b"`
}

// A Place says when and where. Times are those of a; of a feature of b alone,
// those of b.
type Place struct {
	Start      string `json:"start"`
	End        string `json:"end"`
	Steps      int    `json:"steps"`       // from the first to the last
	At         string `json:"at"`          // step of its most unusual cell
	Region     string `json:"region"`      // of that cell
	RegionName string `json:"region_name"` //

	text string // the time to read
}

// A Value is that of a cell; null is missing.
type Value struct {
	Raw     *float64 `json:"raw"`     // in the unit of the function
	Anomaly *float64 `json:"anomaly"` // in standard deviations
}

// A Share is how much of D the largest events make, of those that go its way.
type Share struct {
	Events int      `json:"events"`
	Cells  int      `json:"cells"`
	Share  *float64 `json:"share"` // of |D|; above 1 if others are against it; null if D is 0
}

// LeftOut is what remains when some steps are left out.
type LeftOut struct {
	What     string  `json:"what"`
	Steps    int     `json:"steps"` // left out
	D        int     `json:"d"`
	Overlap  int     `json:"overlap"`
	Score    float64 `json:"score"`
	Strength float64 `json:"strength"`
}

// A RegionShare is what a region has of the counts.
type RegionShare struct {
	Region  string `json:"region"`
	Name    string `json:"name"`
	D       int    `json:"d"`
	Overlap int    `json:"overlap"`
	Cells   int    `json:"cells"`
}

// Explain says where and when two functions of a run meet.
func Explain(ctx context.Context, o ExplainOptions, w io.Writer) error {
	if err := checkFormat(o.Format); err != nil {
		return err
	}
	if err := checkPlotName(o.Plot); err != nil {
		return err
	}
	if o.Out == "" {
		return usageErrorf("give --out FOLDER, the folder of a run")
	}
	m, err := readManifest(o.Out)
	if err != nil {
		return err
	}
	if m == nil {
		return usageErrorf("%s holds no run of this version; see 'polygamy run --help'", o.Out)
	}
	x, level, lag, err := o.choose(m)
	if err != nil {
		return err
	}
	e, err := explainPair(ctx, o.Out, m, x, level, lag)
	if err != nil {
		return err
	}
	if o.Plot != "" {
		if err := e.plot(ctx, m, o.Plot); err != nil {
			return err
		}
	}
	if o.Format == "json" {
		return outputError(printJSON(w, e))
	}
	_, err = io.WriteString(w, e.text())
	return outputError(err)
}

// choose returns the strongest relationship that the options allow, the level
// and the lag.
func (o *ExplainOptions) choose(m *manifest) (x *resolved, level string, lag int, err error) {
	rows, err := relationshipsOf(o.Out, m)
	if err != nil {
		return nil, "", 0, err
	}
	var sides [2]functionChoice
	for i, name := range []string{o.A, o.B} {
		if sides[i], err = chooseFunction(m, rows, name); err != nil {
			return nil, "", 0, err
		}
	}
	if sides[0].dataset == sides[1].dataset {
		return nil, "", 0, usageErrorf("%s and %s are of one dataset; a run relates functions of two", o.A, o.B)
	}
	turned := sides[0].dataset > sides[1].dataset
	if turned {
		slices.Reverse(sides[:])
	}
	var resolutions []string
	for i := range rows {
		r := &rows[i]
		if !sides[0].is(r.DatasetA, r.FunctionA) || !sides[1].is(r.DatasetB, r.FunctionB) {
			continue
		}
		resolutions = append(resolutions, r.resolution)
		if r.Level != nil && o.allows(r) && (x == nil || stronger(r, x)) {
			x = r
		}
	}
	if x == nil {
		slices.Sort(resolutions)
		asked := ""
		for _, option := range [][2]string{{" --at ", o.At}, {" --version ", o.Version}, {" --level ", o.Level}} {
			if option[1] != "" {
				asked += option[0] + option[1]
			}
		}
		return nil, "", 0, usageErrorf("the run has no features of both %s and %s%s; they share the resolutions %s", o.A, o.B, asked, strings.Join(slices.Compact(resolutions), ", "))
	}
	if level = o.Level; level == "" {
		level = *x.Level
	}
	lag = int(x.Lag)
	if o.Lag != nil {
		if lag = *o.Lag; turned {
			lag = -lag
		}
	}
	return x, level, lag, nil
}

// allows reports whether a relationship has what is asked for.
func (o *ExplainOptions) allows(r *resolved) bool {
	class := r.Class
	switch {
	case o.Level == "":
	case strings.HasPrefix(o.Level, "tail:"):
		class = "sweep"
	default:
		class = o.Level
	}
	return (o.At == "" || o.At == r.resolution) && (o.Version == "" || o.Version == r.Version) && class == r.Class
}

// stronger reports whether a relationship is the better one to explain: a
// discovery, then one that could be, then any that is tested, then the others.
func stronger(r, than *resolved) bool {
	rank := func(r *resolved) (kind int, size float64) {
		switch {
		case r.Selected && r.Kappa != nil:
			return 3, abs(*r.Kappa)
		case r.P != nil && !r.Dense && !r.Exploratory:
			return 2, -*r.P
		case r.P != nil:
			return 1, -*r.P
		}
		return 0, r.Strength
	}
	kind, size := rank(r)
	kindThan, sizeThan := rank(than)
	return cmp.Or(cmp.Compare(kind, kindThan), cmp.Compare(size, sizeThan)) > 0
}

// relationshipsOf reads the table relationships of a run.
func relationshipsOf(out string, m *manifest) ([]resolved, error) {
	var list []resolved
	for _, file := range m.Tables {
		if file.Table != "relationships" {
			continue
		}
		_, resolution, _ := strings.Cut(filepath.ToSlash(filepath.Dir(file.Name)), "resolution=")
		rows, err := readRows[Relationship](filepath.Join(out, file.Name))
		if err != nil {
			return nil, err
		}
		if len(rows) != file.Rows {
			return nil, inputError(fmt.Errorf("%s has %d rows, and the run names %d; run it again", filepath.Join(out, file.Name), len(rows), file.Rows))
		}
		for _, r := range rows {
			list = append(list, resolved{r, resolution})
		}
	}
	return list, nil
}

// A functionChoice is a function, or all of a dataset.
type functionChoice struct{ dataset, function string }

func (c functionChoice) is(dataset, function string) bool {
	return c.dataset == dataset && (c.function == "" || c.function == function)
}

// chooseFunction finds what a name is of.
func chooseFunction(m *manifest, rows []resolved, name string) (functionChoice, error) {
	var sets, functions []string
	known := map[functionChoice]bool{}
	for _, r := range rows {
		known[functionChoice{r.DatasetA, r.FunctionA}], known[functionChoice{r.DatasetB, r.FunctionB}] = true, true
	}
	for _, d := range m.Datasets {
		if d.Name == name {
			if d.Error != "" {
				return functionChoice{}, usageErrorf("dataset %s was not loaded: %s", name, d.Error)
			}
			return functionChoice{dataset: name}, nil
		}
		sets = append(sets, d.Name)
	}
	of := ""
	for c := range known {
		if c.dataset+"."+c.function == name {
			return c, nil
		}
		functions = append(functions, c.dataset+"."+c.function)
		if strings.HasPrefix(name, c.dataset+".") {
			of = c.dataset
		}
	}
	slices.Sort(functions)
	if of != "" {
		functions = slices.DeleteFunc(functions, func(f string) bool { return !strings.HasPrefix(f, of+".") })
		hint := "it has " + strings.Join(functions, ", ")
		if near := datasets.Nearest(name, functions); near != "" {
			hint = "did you mean " + near + "?"
		}
		return functionChoice{}, usageErrorf("the run has no function %s of dataset %s; %s", strings.TrimPrefix(name, of+"."), of, hint)
	}
	hint := "its datasets are " + strings.Join(sets, ", ")
	dataset, _, qualified := strings.Cut(name, ".")
	if near := datasets.Nearest(dataset, sets); near != "" && !qualified {
		hint = "did you mean " + near + "?"
	} else if near := datasets.Nearest(name, functions); near != "" {
		hint = "did you mean " + near + "?"
	}
	return functionChoice{}, usageErrorf("the run has no dataset %s; %s", dataset, hint)
}

// A side is one of two functions that are explained.
type side struct {
	raw, anomaly *datasets.Function // the anomaly is nil if there is none
	version      *datasets.Function // which of the two is explained
	marks        *relate.Marks
	mean, spread float64 // of the values of the version
}

// readSide reads a function and its features, of a kind and level, from the
// folder of a run.
func readSide(out string, m *manifest, dataset, function, resolution string, kind int, level string) (*side, error) {
	x := &indexed{}
	for _, d := range m.Datasets {
		if d.Name != dataset || d.Error != "" {
			continue
		}
		if err := readJSON(filepath.Join(out, d.Index), &x.datasetIndex); err != nil {
			return nil, err
		}
	}
	i := slices.IndexFunc(x.Functions, func(f indexedFunction) bool { return f.Function == function && f.Resolution == resolution })
	if i < 0 || kind >= len(x.Functions[i].Kinds) {
		return nil, inputError(fmt.Errorf("%s: the run has no function %s.%s in %s", out, dataset, function, resolution))
	}
	entry, k := &x.Functions[i], x.Functions[i].Kinds[kind]
	at := slices.Index(k.Levels, level)
	if at < 0 || k.Marks == "" {
		return nil, usageErrorf("%s.%s has no level %s; choose %s", dataset, function, level, strings.Join(k.Levels, ", "))
	}
	s := &side{}
	var err error
	if s.raw, err = readFunction(filepath.Join(out, entry.File)); err != nil {
		return nil, inputError(err)
	}
	name := filepath.Join(out, k.Marks)
	data, err := readIfThere(name)
	if err != nil {
		return nil, err
	}
	marks, err := relate.ReadMarks(data)
	if err != nil {
		return nil, inputError(fmt.Errorf("%s: %w; run it again", name, err))
	}
	if at >= len(marks) {
		return nil, inputError(fmt.Errorf("%s has %d levels, and its index names %d; run it again", name, len(marks), len(k.Levels)))
	}
	s.marks = marks[at]
	s.anomaly, _ = versionOf(s.raw, "anomaly")
	if s.version = s.raw; runKinds()[kind].version == "anomaly" {
		s.version = s.anomaly
	}
	if s.version == nil {
		return nil, inputError(fmt.Errorf("%s holds features of an anomaly that %s does not have; run it again", name, entry.File))
	}
	s.measure()
	return s, nil
}

// measure finds the mean and the spread of the values.
func (s *side) measure() {
	n, sum, squares := 0.0, 0.0, 0.0
	for _, x := range s.version.Values {
		if !math.IsNaN(x) {
			n, sum = n+1, sum+x
		}
	}
	s.mean = sum / max(n, 1)
	for _, x := range s.version.Values {
		if !math.IsNaN(x) {
			squares += (x - s.mean) * (x - s.mean)
		}
	}
	if s.spread = math.Sqrt(squares / max(n, 1)); s.spread == 0 {
		s.spread = 1
	}
}

// depth is how unusual the value of a cell is.
func (s *side) depth(step, region int) float64 {
	if step < 0 {
		return 0
	}
	x := s.version.Values[step*len(s.version.Regions.IDs)+region]
	if math.IsNaN(x) {
		return 0
	}
	return abs(x-s.mean) / s.spread
}

// value returns what a cell holds.
func (s *side) value(step, region int) (v Value) {
	if step < 0 {
		return v
	}
	i := step*len(s.raw.Regions.IDs) + region
	v.Raw = known(s.raw.Values[i])
	if s.anomaly != nil {
		v.Anomaly = known(s.anomaly.Values[i])
	}
	return v
}

// explained names the function and its units.
func (s *side) explained() ExplainedFunction {
	f := ExplainedFunction{Name: s.raw.Name(), Dataset: s.raw.Dataset, Function: s.raw.Spec.String(), Version: "standard deviations"}
	step := s.raw.Axis.Resolution.String()
	switch s.raw.Spec.Kind {
	case datasets.Count:
		f.Unit = "rows per " + step
	case datasets.Unique:
		f.Unit = "different " + s.raw.Spec.Column + " per " + step
	case datasets.Sum:
		f.Unit = s.raw.Spec.Column + " per " + step
	default:
		f.Unit = s.raw.Spec.Column
	}
	if s.version == s.raw {
		f.Version = f.Unit
	}
	return f
}

// readJSON reads a file that a run wrote.
func readJSON(name string, v any) error {
	data, err := readIfThere(name)
	if err != nil {
		return err
	}
	if data == nil {
		return inputError(fmt.Errorf("%s, which the run names, is not there; run it again", name))
	}
	if err := json.Unmarshal(data, v); err != nil {
		return inputError(fmt.Errorf("%s: %w; run it again", name, err))
	}
	return nil
}

// explainPair explains a relationship of a run in a folder, at a level of its
// class and a lag: *x.Level and x.Lag are those of its strongest association.
func explainPair(ctx context.Context, out string, m *manifest, x *resolved, level string, lag int) (*Explanation, error) {
	kind := slices.Index(runKinds(), runKind{x.Version, x.Class})
	if kind < 0 {
		return nil, inputError(fmt.Errorf("%s: no features of class %s of version %s", out, x.Class, x.Version))
	}
	e := &Explanation{
		Resolution: x.resolution, Version: x.Version, Class: x.Class, Level: level, Lag: lag, Selected: x.Selected, P: x.P, Q: x.Q, Kappa: x.Kappa, AtLag: int(x.Lag),
		Events: []Event{}, OnlyA: []Missed{}, OnlyB: []Missed{}, Regions: []RegionShare{}, Notes: []string{},
	}
	if x.Level != nil {
		e.AtLevel = *x.Level
	}
	if x.Reason != nil {
		e.Reason = *x.Reason
	}
	var err error
	for i, name := range [][2]string{{x.DatasetA, x.FunctionA}, {x.DatasetB, x.FunctionB}} {
		if e.sides[i], err = readSide(out, m, name[0], name[1], x.resolution, kind, level); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, outputError(errInterrupted)
		}
	}
	e.A, e.B = e.sides[0].explained(), e.sides[1].explained()
	a, b := e.sides[0], e.sides[1]
	if most := max(a.raw.Axis.Len(), b.raw.Axis.Len()); lag < -most || lag > most {
		return nil, usageErrorf("--lag %d: the records have %d and %d steps; choose a lag within the longer of them", lag, a.raw.Axis.Len(), b.raw.Axis.Len())
	}
	if reason := unlikeWeeks(a.raw, b.raw); reason != "" {
		return nil, inputError(fmt.Errorf("%s and %s: %s", e.A.Name, e.B.Name, reason))
	}
	rows := countedRows(a, b, x, lag)
	if e.meeting, err = newMeeting(a.version, b.version, a.marks, b.marks, lag, rows); err != nil {
		return nil, err
	}
	e.fill(x)
	return e, nil
}

// countedRows are the rows in which the run counted two functions: those with
// data at all of its lags, and at the one that is asked for.
func countedRows(a, b *side, x *resolved, lag int) (rows []int) {
	null := nullFor(relate.Null{}, a.raw.Axis.Resolution, x.Version)
	lags := []int{lag}
	for l := int(x.LagFirst); l <= int(x.LagLast); l++ {
		if l != lag {
			lags = append(lags, l)
		}
	}
	regions := len(a.raw.Regions.IDs)
	for _, w := range null.LagWindows(a.marks, b.marks, regions, lags) {
		rows = append(rows, w...)
	}
	return rows
}
