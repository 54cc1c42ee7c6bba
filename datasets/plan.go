package datasets

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
)

// A plan says how the rows of one dataset become states: it is the catalog's
// entry, checked against the schema of the dataset's first file.
type plan struct {
	name             string
	spec             DatasetSpec
	city             *time.Location
	step             Resolution // the finest that the times mean
	unit             int64      // seconds of a base step if step is Hour: 3600, or 900 where the city's clock is not whole hours from UTC
	times            timeKind
	zone             *time.Location       // of wall clock times
	format           *timeFormat          // of text times; nil for ISO 8601
	perSecond        int64                // units of epoch times in a second
	from, to         int64                // the period to use, in UTC seconds
	fromWall, toWall int64                // the same by the city's clocks
	unproject        func(x, y []float64) // from the projection of points; nil for degrees
	systems          []*RegionSystem
	codes            *codeIndex // of a dataset whose rows name their region
	functions        []FunctionSpec
	states           []stateSpec
	columns          []string                                        // of the states, each once
	columnOf         []int                                           // of each state: its column
	numeric, hashed  []bool                                          // of each column: how states need it
	look             func(columns []string) ([]ColumnProfile, error) // profiles of columns, nil meaning all
	suspects         []suspect
}

// A suspect is a column whose values are aggregated as quantities and look
// like codes.
type suspect struct{ column, reason string }

// A timeKind says what the values of the time column are.
type timeKind int

const (
	instants timeKind = iota + 1 // seconds or parts of them since 1970 in UTC
	wallTimes
	dates
	textTimes
)

// A stateSpec is a state to keep of a column. Several functions may be
// answered from one.
type stateSpec struct {
	column string
	kind   FunctionKind // Sum (which serves Mean too), Unique, Median, Min or Max
}

func (s stateSpec) make() columnState {
	switch s.kind {
	case Unique:
		return newDistinct()
	case Median:
		return newMedians()
	case Min:
		return newMinimum()
	case Max:
		return newMaximum()
	}
	return newSums()
}

// stateOf returns the state that answers f; ok is false for the count, which
// needs none.
func stateOf(f FunctionSpec) (s stateSpec, ok bool) {
	switch f.Kind {
	case Count:
		return stateSpec{}, false
	case Mean:
		return stateSpec{column: f.Column, kind: Sum}, true
	}
	return stateSpec{column: f.Column, kind: f.Kind}, true
}

// minDate and maxDate bound the times that are believed: beyond them a stamp
// is a mistake of unit, and would make axes without end.
var (
	minDate = time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	maxDate = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// newPlan binds a dataset to the schema of its first file. systems are those
// that the catalog names; look is asked what columns look like.
func newPlan(c *Catalog, name string, schema *arrow.Schema, geo geometryColumn, systems map[string]*RegionSystem, look func(columns []string) ([]ColumnProfile, error)) (*plan, error) {
	spec, ok := c.Datasets[name]
	if !ok {
		return nil, fmt.Errorf("the catalog has no dataset %q", name)
	}
	city, err := parseZone(c.City.Timezone)
	if err != nil {
		return nil, err
	}
	p := &plan{name: name, spec: spec, city: city, zone: city, from: minDate, to: maxDate, fromWall: minDate, toWall: maxDate, look: look}
	if err := errors.Join(p.bindTime(schema), p.bindPlace(schema, geo, systems), p.bindFunctions(schema)); err != nil {
		return nil, err
	}
	return p, nil
}

// fieldOf returns the field of a column, or an error that suggests another.
func fieldOf(schema *arrow.Schema, column, use string) (arrow.Field, error) {
	var names []string
	for _, f := range schema.Fields() {
		if f.Name == column {
			if f.Type.ID() == arrow.NULL {
				reason, _ := f.Metadata.GetValue("unsupported")
				return f, &ColumnError{RowGroup: -1, Row: -1, Column: column, Err: fmt.Errorf("cannot be read: %s", reason), Hint: "choose another column for the " + use}
			}
			return f, nil
		}
		names = append(names, f.Name)
	}
	hint := "the columns are " + strings.Join(names, ", ")
	if near := Nearest(column, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return arrow.Field{}, &ColumnError{RowGroup: -1, Row: -1, Column: column, Err: fmt.Errorf("the file has no such column, which the catalog names for the %s", use), Hint: hint}
}

// valueType returns the type of a column's values, whether they are encoded
// by dictionary or not.
func valueType(t arrow.DataType) arrow.Type {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return d.ValueType.ID()
	}
	return t.ID()
}

func (p *plan) bindTime(schema *arrow.Schema) error {
	t := p.spec.Time
	field, err := fieldOf(schema, t.Column, "time")
	if err != nil {
		return err
	}
	fail := func(hint, format string, args ...any) error {
		return &ColumnError{RowGroup: -1, Row: -1, Column: t.Column, Err: fmt.Errorf(format, args...), Hint: hint}
	}
	if t.Zone != "" {
		if p.zone, err = parseZone(t.Zone); err != nil {
			return err
		}
	}
	var finest Resolution
	if p.times, finest, err = p.timeKindOf(field); err != nil {
		return err
	}
	if p.perSecond, err = unitsPerSecond(t.Epoch); err != nil {
		return err
	}
	if p.times == textTimes && t.Format == "" && t.Epoch == "" {
		profiles, err := p.look([]string{t.Column})
		if err != nil {
			return err
		}
		if profiles[0].dateOnly {
			finest = Day
		}
	}
	if p.times == textTimes && t.Format != "" {
		if p.format, err = parseTimeFormat(t.Format); err != nil {
			return fail("", "%w", err)
		}
		if p.format.form == dateStamp {
			finest = Day
		}
	}
	p.step = finest
	if t.Step != "" {
		if p.step, err = ParseResolution(t.Step); err != nil {
			return fail("", "%w", err)
		}
		if p.step < finest {
			return fail("set time.step to "+finest.String()+" or coarser", "dates cannot be resolved to the %s", p.step)
		}
	}
	if p.unit = hourSeconds; !wholeHours(p.city) {
		p.unit = hourSeconds / 4
	}
	for _, bound := range []struct {
		text     string
		to, wall *int64
	}{{t.From, &p.from, &p.fromWall}, {t.To, &p.to, &p.toWall}} {
		if bound.text == "" {
			continue
		}
		s, ok := parseStamp(bound.text)
		if !ok || s.form != dateStamp {
			return fail("write a date such as 2014-01-31", "%q is no date", bound.text)
		}
		*bound.to, *bound.wall = firstInstant(s.seconds, p.city), s.seconds
	}
	return nil
}

// timeKindOf returns what the values of a time column are, and the finest
// resolution that they can mean.
func (p *plan) timeKindOf(field arrow.Field) (timeKind, Resolution, error) {
	t := p.spec.Time
	fail := func(hint, format string, args ...any) (timeKind, Resolution, error) {
		return 0, 0, &ColumnError{RowGroup: -1, Row: -1, Column: t.Column, Err: fmt.Errorf(format, args...), Hint: hint}
	}
	switch valueType(field.Type) {
	case arrow.TIMESTAMP:
		if field.Type.(*arrow.TimestampType).TimeZone != "" && t.Zone == "" {
			return instants, Hour, nil
		}
		return wallTimes, Hour, nil
	case arrow.DATE32:
		return dates, Day, nil
	case arrow.INT64, arrow.FLOAT64:
		switch {
		case t.Format != "":
			return textTimes, Hour, nil // such as 20140131
		case t.Epoch == "":
			return fail("set time.epoch to s, ms, us or ns, or time.format if the digits are a date", "numbers as times need a unit")
		}
		return instants, Hour, nil
	case arrow.STRING:
		return textTimes, Hour, nil
	}
	return fail("name a column of times, dates, epoch numbers or texts", "values of type %s are no times", field.Type)
}

// checkTypes reports columns whose type in a later file means something else
// than in the first.
func (p *plan) checkTypes(schema *arrow.Schema) error {
	field, err := fieldOf(schema, p.spec.Time.Column, "time")
	if err != nil {
		return err
	}
	kind, _, err := p.timeKindOf(field)
	if err == nil && kind != p.times {
		err = &ColumnError{
			RowGroup: -1, Row: -1, Column: field.Name,
			Err:  fmt.Errorf("its type %s tells times in another way than that of the dataset's first file", field.Type),
			Hint: "make the files alike, or two datasets of them; time.zone makes UTC timestamps and wall clock times one kind",
		}
	}
	errs := []error{err}
	for i, name := range p.columns {
		field, err := fieldOf(schema, name, "functions")
		if err == nil {
			err = p.checkValues(field, p.numeric[i])
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// checkValues reports a column whose type cannot be aggregated.
func (p *plan) checkValues(field arrow.Field, numeric bool) error {
	switch valueType(field.Type) {
	case arrow.INT64, arrow.FLOAT64, arrow.BOOL, arrow.STRING:
		return nil
	case arrow.BINARY:
		if !numeric {
			return nil
		}
	}
	return &ColumnError{RowGroup: -1, Row: -1, Column: field.Name, Err: fmt.Errorf("values of type %s cannot be aggregated", field.Type), Hint: "name a column of numbers, or of texts for unique"}
}

// bounded reports whether the catalog names a period.
func (p *plan) bounded() bool { return p.from != minDate || p.to != maxDate }

// wholeHours reports whether the clocks of zone are whole hours from UTC, from
// 1970 on. Before that, most cities kept a time of their own.
func wholeHours(zone *time.Location) bool {
	end := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for u := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).Unix(); u < end; {
		run := offsetRunAt(u, zone)
		if run.offset%hourSeconds != 0 {
			return false
		}
		u = run.end
	}
	return true
}

// bindPlace chooses the region systems of the dataset. A dataset without
// places of its own has one region, the city.
func (p *plan) bindPlace(schema *arrow.Schema, geo geometryColumn, systems map[string]*RegionSystem) error {
	place := p.spec.Place
	switch {
	case place.Lon != "" || place.X != "" || place.Geometry != "":
		if err := p.bindPoints(schema, geo); err != nil {
			return err
		}
		for _, name := range sortedKeys(systems) {
			if systems[name].points != nil || systems[name].h3 > 0 {
				p.systems = append(p.systems, systems[name])
			}
		}
	case place.Region != "":
		if _, err := fieldOf(schema, place.Column, "place"); err != nil {
			return err
		}
		s, ok := systems[place.Region]
		if !ok {
			return fmt.Errorf("the catalog has no region system %q", place.Region)
		}
		p.systems, p.codes = []*RegionSystem{s}, newCodeIndex(s)
	}
	p.systems = slices.DeleteFunc(p.systems, func(s *RegionSystem) bool { return !p.wantsSystem(s.Name) })
	if len(p.systems) == 0 {
		p.systems = []*RegionSystem{WholeCity()}
	}
	return nil
}

// bindPoints checks the columns of points and finds their projection.
func (p *plan) bindPoints(schema *arrow.Schema, geo geometryColumn) error {
	place := &p.spec.Place
	wrong := func(column string, err error, hint string) error {
		return &ColumnError{RowGroup: -1, Row: -1, Column: column, Err: err, Hint: hint}
	}
	for _, column := range []string{place.Lon, place.Lat, place.X, place.Y} {
		if column == "" {
			continue
		}
		field, err := fieldOf(schema, column, "place")
		if err != nil {
			return err
		}
		switch valueType(field.Type) {
		case arrow.FLOAT64, arrow.INT64, arrow.STRING:
		default:
			return wrong(column, fmt.Errorf("values of type %s are no coordinates", field.Type), "name a column of numbers")
		}
	}
	if place.Geometry != "" {
		field, err := fieldOf(schema, place.Geometry, "place")
		if err != nil {
			return err
		}
		if t := valueType(field.Type); t != arrow.BINARY && t != arrow.STRING {
			return wrong(place.Geometry, fmt.Errorf("values of type %s are no geometries", field.Type), "name a column of points in WKB")
		}
		if place.EPSG == 0 && geo.column == place.Geometry {
			if place.EPSG = geo.epsg; place.EPSG == 0 {
				return wrong(place.Geometry, errors.New("the file does not say in which projection its points are"), "set place.epsg, 4326 for longitude and latitude")
			}
		}
	}
	if place.EPSG == 0 || place.EPSG == 4326 {
		return nil
	}
	var err error
	if p.unproject, err = projectionOf(place.EPSG); err != nil {
		return fmt.Errorf("place.epsg: %w", err)
	}
	return nil
}

// wantsSystem reports whether any resolution of the dataset is at the given
// region system.
func (p *plan) wantsSystem(name string) bool {
	for r := p.step; r <= Year; r++ {
		if p.wants(r, name) {
			return true
		}
	}
	return false
}

// wants reports whether the dataset is to have functions at a resolution.
func (p *plan) wants(r Resolution, regions string) bool {
	if r < p.step {
		return false
	}
	if len(p.spec.Resolutions) == 0 {
		return true
	}
	for _, text := range p.spec.Resolutions {
		words := strings.Fields(text)
		if words[0] == r.String() && (len(words) == 1 || words[1] == regions) {
			return true
		}
	}
	return false
}

func (p *plan) bindFunctions(schema *arrow.Schema) error {
	for _, text := range p.spec.Functions {
		if text == "auto" {
			profiles, err := p.look(nil)
			if err != nil {
				return err
			}
			for _, f := range chooseFunctions(profiles, &p.spec) {
				p.functions = append(p.functions, f.spec)
			}
			continue
		}
		f, err := ParseFunction(text)
		if err != nil {
			return err
		}
		p.functions = append(p.functions, f)
	}
	if len(p.functions) == 0 {
		p.functions = []FunctionSpec{{Kind: Count}}
	}
	var functions []FunctionSpec
	for _, f := range p.functions {
		if slices.Contains(functions, f) {
			continue
		}
		functions = append(functions, f)
		s, ok := stateOf(f)
		if !ok {
			continue
		}
		field, err := fieldOf(schema, f.Column, f.String())
		if err != nil {
			return err
		}
		if err := p.checkValues(field, s.kind != Unique); err != nil {
			return err
		}
		if !slices.Contains(p.states, s) {
			p.states = append(p.states, s)
		}
	}
	p.functions = functions
	for _, s := range p.states {
		i := slices.Index(p.columns, s.column)
		if i < 0 {
			i = len(p.columns)
			p.columns = append(p.columns, s.column)
			p.numeric, p.hashed = append(p.numeric, false), append(p.hashed, false)
		}
		p.columnOf = append(p.columnOf, i)
		p.hashed[i] = p.hashed[i] || s.kind == Unique
		p.numeric[i] = p.numeric[i] || s.kind != Unique
	}
	return p.findSuspects()
}

// findSuspects looks for codes among the columns that are averaged or added
// up.
func (p *plan) findSuspects() error {
	var columns []string
	for _, s := range p.states {
		if s.kind == Sum || s.kind == Median {
			columns = append(columns, s.column)
		}
	}
	if columns == nil {
		return nil
	}
	profiles, err := p.look(columns)
	if err != nil {
		return err
	}
	for _, c := range profiles {
		switch c.Role {
		case RoleCode, RoleIdentifier, RoleKey:
			p.suspects = append(p.suspects, suspect{c.Name, c.Reason})
		}
	}
	return nil
}

// stepAt returns the instant at which a base step begins.
func (p *plan) stepAt(base int64) int64 {
	if p.step == Hour {
		return base * p.unit
	}
	return p.step.start(base, p.city)
}

// coverageStep returns the step of the data's finest resolution that holds a
// base step.
func (p *plan) coverageStep(base int64) int64 {
	if p.step == Hour {
		return floorDiv(base*p.unit, hourSeconds)
	}
	return base
}

// coarser returns the step of resolution r that holds a base step.
func (p *plan) coarser(r Resolution) func(base int64) int64 {
	if r == p.step && (r != Hour || p.unit == hourSeconds) {
		return func(base int64) int64 { return base }
	}
	last, step := int64(math.MinInt64), int64(0)
	return func(base int64) int64 {
		if base != last {
			last, step = base, r.step(time.Unix(p.stepAt(base), 0), p.city)
		}
		return step
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// A geometryColumn is the column that a GeoParquet file says holds its
// geometries; its name is empty if there is none.
type geometryColumn struct {
	column string
	epsg   int
}

func geoOf(t table) geometryColumn {
	if g, ok := t.(interface {
		Geo() (column string, epsg int, ok bool)
	}); ok {
		if column, epsg, ok := g.Geo(); ok {
			return geometryColumn{column, epsg}
		}
	}
	return geometryColumn{}
}
