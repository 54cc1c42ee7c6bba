package datasets

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// A ColumnRole is what the values of a column are good for.
type ColumnRole string

// The roles. Only quantities are averaged; codes and identifiers never are.
const (
	RoleTime       ColumnRole = "time"
	RoleLongitude  ColumnRole = "longitude"
	RoleLatitude   ColumnRole = "latitude"
	RoleProjected  ColumnRole = "projected coordinate"
	RoleGeometry   ColumnRole = "geometry"
	RoleRegion     ColumnRole = "region code"
	RoleIdentifier ColumnRole = "identifier" // of things that occur in several rows
	RoleKey        ColumnRole = "key"        // different in every row
	RoleQuantity   ColumnRole = "quantity"   // that can be averaged
	RoleAmount     ColumnRole = "amount"     // a quantity that can be added up, too
	RoleCode       ColumnRole = "code"       // a number that is a name
	RoleCategory   ColumnRole = "category"
	RoleText       ColumnRole = "text"
	RoleConstant   ColumnRole = "constant"
	RoleEmpty      ColumnRole = "empty"
	RoleUnknown    ColumnRole = "unsupported"
)

// A ColumnProfile says what a sample of a column's values looks like, what
// they seem to be and why.
type ColumnProfile struct {
	Name     string     `json:"name"`
	Type     string     `json:"type"`
	Role     ColumnRole `json:"role"`
	Reason   string     `json:"reason"`
	Values   int        `json:"values"`  // in the sample, missing ones not counted
	Missing  int        `json:"missing"` // missing and empty ones
	Distinct int        `json:"distinct"`
	Examples []string   `json:"examples"`
	Min      float64    `json:"min"` // of numbers
	Max      float64    `json:"max"`

	kind     arrow.Type
	integer  bool    // all numbers are whole
	topShare float64 // share of the most frequent value
	spec     NumberSpec
	layout   string // of texts that are times; "" for ISO 8601
	other    string // another layout that reads them all, with day and month the other way round
	dateOnly bool
	utc      bool
	sample   *columnSample
}

// sampleRows is the number of rows that a profile is made of.
const sampleRows = 1 << 16

// profileColumns looks at the first rows of a table, sampleRows of them.
// columns are positions in its schema; nil means all.
func profileColumns(ctx context.Context, t table, columns []int) ([]ColumnProfile, error) {
	return profileRows(ctx, t, columns, sampleRows)
}

// profileRows is profileColumns for a sample of so many rows.
func profileRows(ctx context.Context, t table, columns []int, sample int) ([]ColumnProfile, error) {
	schema := t.Schema()
	if columns == nil {
		for i := range schema.NumFields() {
			columns = append(columns, i)
		}
	}
	profiles := make([]ColumnProfile, len(columns))
	samples := make([]*columnSample, len(columns))
	var readable, at []int
	for i, c := range columns {
		f := schema.Field(c)
		profiles[i] = ColumnProfile{Name: f.Name, Type: f.Type.String(), kind: valueType(f.Type), Examples: []string{}}
		if f.Type.ID() == arrow.NULL {
			reason, _ := f.Metadata.GetValue("unsupported")
			profiles[i].Role, profiles[i].Reason = RoleUnknown, reason
			continue
		}
		samples[i] = &columnSample{counts: make(map[string]int)}
		readable, at = append(readable, c), append(at, i)
	}
	for chunk := 0; chunk < t.Chunks() && len(readable) > 0; chunk++ {
		err := t.Read(ctx, chunk, readable, func(r arrow.Record, _ int64) error {
			for i := range readable {
				samples[at[i]].add(r.Column(i), sample)
			}
			if samples[at[0]].rows >= sample {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	for i, s := range samples {
		if s != nil {
			profiles[i].sample = s
			s.describe(&profiles[i])
			profiles[i].classify()
		}
	}
	return profiles, nil
}

// A columnSample counts the values of a sample.
type columnSample struct {
	rows    int
	missing int
	order   []string // the different values, as they come
	counts  map[string]int
}

// add adds the values of a column, up to so many rows in all.
func (s *columnSample) add(a arrow.Array, rows int) {
	n := min(a.Len(), rows-s.rows)
	s.rows += n
	text := func(i int) string { return a.ValueStr(i) }
	switch a := a.(type) {
	case *array.Dictionary:
		values := make([]string, a.Dictionary().Len())
		for i := range values {
			values[i] = a.Dictionary().ValueStr(i)
		}
		text = func(i int) string { return values[a.GetValueIndex(i)] }
	case *array.String:
		text = a.Value
	}
	for i := range n {
		if a.IsNull(i) {
			s.missing++
			continue
		}
		v := strings.Clone(text(i)) // the record's memory is used again
		if v == "" || v == "NaN" {
			s.missing++
			continue
		}
		if s.counts[v]++; s.counts[v] == 1 {
			s.order = append(s.order, v)
		}
	}
}

// numericShare is the share of a text column's values that must be numbers, or
// marks of missing ones, for the column to hold numbers.
const numericShare = 0.98

// describe fills in what can be counted.
func (s *columnSample) describe(p *ColumnProfile) {
	p.Values, p.Missing, p.Distinct = s.rows-s.missing, s.missing, len(s.order)
	p.Examples = append(p.Examples, s.order[:min(len(s.order), 3)]...)
	p.Min, p.Max = math.Inf(1), math.Inf(-1)
	p.integer = true
	numbers, top := 0, 0
	for _, v := range s.order {
		n := s.counts[v]
		top = max(top, n)
		x, kind := parseNumber([]byte(v), NumberSpec{})
		if p.kind == arrow.STRING && kind == badNumber {
			if x, kind = parseNumber([]byte(v), NumberSpec{Thousands: ","}); kind == goodNumber {
				p.spec.Thousands = ","
			} else if x, kind = parseNumber([]byte(v), NumberSpec{Decimal: ","}); kind == goodNumber {
				p.spec.Decimal = ","
			} else if slices.Contains([]string{"-", "--", "N/A", "NA", "n/a", "null", "NULL", "None", "."}, strings.TrimSpace(v)) {
				if mark := strings.TrimSpace(v); !slices.Contains(p.spec.Missing, mark) {
					p.spec.Missing = append(p.spec.Missing, mark)
				}
				numbers += n
				continue
			}
		}
		if kind != goodNumber {
			continue
		}
		numbers += n
		p.Min, p.Max = min(p.Min, x), max(p.Max, x)
		p.integer = p.integer && x == math.Trunc(x)
	}
	if p.Values > 0 {
		p.topShare = float64(top) / float64(p.Values)
	}
	if math.IsInf(p.Max, -1) {
		numbers, p.Min, p.Max = 0, 0, 0 // nothing but marks of missing values
	}
	switch {
	case p.kind == arrow.STRING && (float64(numbers) < numericShare*float64(p.Values) || numbers == 0 || p.spec.Thousands != "" && p.spec.Decimal != ""):
		p.Min, p.Max, p.spec = 0, 0, NumberSpec{}
	case p.kind == arrow.STRING:
		p.kind = arrow.FLOAT64 // text that is a number throughout
	}
	if p.kind == arrow.STRING {
		p.layout, p.dateOnly, p.utc = s.timeLayout("")
		if rest, ok := strings.CutPrefix(p.layout, "M/D"); ok {
			if other, _, _ := s.timeLayout("D/M" + rest); other != noLayout {
				p.other = other
			}
		}
	}
}

// timeLayouts are tried on texts, the unambiguous ones first.
func timeLayouts() []string {
	return []string{
		"", "M/D/YYYY H:mm:ss", "M/D/YYYY H:mm", "M/D/YYYY h:mm:ss A", "M/D/YYYY h:mm A", "M/D/YYYY",
		"M/D/YY H:mm", "M/D/YY", "D/M/YYYY H:mm:ss", "D/M/YYYY H:mm", "D/M/YYYY", "D.M.YYYY H:mm:ss", "D.M.YYYY H:mm", "D.M.YYYY", "D-MMM-YY", "D-MMM-YYYY",
		"D-MMM-YY HH.mm.ss A", "YYYY/MM/DD HH:mm:ss", "YYYY/MM/DD",
	}
}

const noLayout = "-"

// timeLayout returns the first layout that reads all values, noLayout if none
// does; if one is given, only that one is tried.
func (s *columnSample) timeLayout(given string) (layout string, dateOnly, utc bool) {
	const tries = 2000
	layouts := timeLayouts()
	if given != "" {
		layouts = []string{given}
	}
	for _, layout := range layouts {
		var format *timeFormat
		if layout != "" {
			var err error
			if format, err = parseTimeFormat(layout); err != nil {
				continue
			}
		}
		all, dates, instant := len(s.order) > 0, true, true
		for _, v := range s.order[:min(len(s.order), tries)] {
			var st stamp
			ok := false
			if format != nil {
				st, ok = format.parse([]byte(v))
			} else {
				st, ok = parseStamp(strings.TrimSpace(v))
			}
			if !ok || st.form == epochStamp {
				all = false
				break
			}
			dates, instant = dates && st.form == dateStamp, instant && st.form == instantStamp
		}
		if all {
			return layout, dates, instant
		}
	}
	return noLayout, false, false
}

// words returns the words of a column's name: lower case, cut at signs and
// where letters turn to capitals.
func words(name string) []string {
	camel := regexp.MustCompile(`([a-z0-9])([A-Z])`).ReplaceAllString(name, "$1 $2")
	return strings.FieldsFunc(strings.ToLower(camel), func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9')
	})
}

func hasWord(name string, list string) (string, bool) {
	for _, w := range words(name) {
		if slices.Contains(strings.Fields(list), w) {
			return w, true
		}
	}
	return "", false
}

// numberOf reports whether a name says that it counts things: number_of_dogs,
// num_dogs.
func numberOf(name string) bool {
	w := words(name)
	return len(w) > 1 && (w[0] == "number" && w[1] == "of" || w[0] == "num")
}

// Words of names, by what they say.
const (
	codeWords = "id ids key code codes no num nr zip zipcode postcode postal precinct phone house block lot bin bbl serial " +
		"flag type class category status ticket permit license plate tract ward district zone community board sector beat fips " +
		"station route line version unit apt floor building shield badge index objectid uid uuid guid hhmm day month year hour weekday dow " +
		"week quarter borough direction dir degrees bearing heading azimuth"
	amountWords = "trips rides pickups passengers persons people injured killed deaths victims vehicles count counts total amount fare tip tips toll tolls " +
		"cost revenue sales volume usage consumption energy kwh mwh calls complaints crashes incidents visits riders ridership " +
		"entries exits quantity qty precip precipitation rain rainfall snow snowfall duration minutes seconds hours"
	quantityWords = "load mw temp temperature dew humidity pressure wind speed gust visibility depth price rate average avg mean median max min pct percent share " +
		"ratio distance miles mi km meters delay age score index level density income height weight"
	unitWords  = "f c mph kn kt kts mi km ft in inhg mb hpa pct deg usd min sec ms s h mw kwh"
	levelWords = "6h 24h depth avg average mean median min max rate level per price temp temperature" // of what cannot be added up
	keyWords   = "id ids key uid uuid guid medallion hack driver vehicle base plate license tail tailnum"
)

// fewValues is how many values a category may have at most to be told from
// identifiers: the vendors of a taxi company, not its cars.
const fewValues = 20

// classify decides the role.
func (p *ColumnProfile) classify() {
	set := func(role ColumnRole, format string, args ...any) {
		p.Role, p.Reason = role, fmt.Sprintf(format, args...)
	}
	switch {
	case p.Values == 0:
		set(RoleEmpty, "all %d values of the sample are missing", p.Missing)
	case p.kind == arrow.TIMESTAMP || p.kind == arrow.DATE32:
		set(RoleTime, "its type is %s", p.Type)
	case p.kind == arrow.BINARY:
		set(RoleText, "binary values")
		if w, ok := hasWord(p.Name, "geometry geom wkb shape point location"); ok {
			set(RoleGeometry, "binary values named %q", w)
		}
	case p.kind == arrow.STRING && p.layout != noLayout:
		format := p.layout
		if format == "" {
			format = "ISO 8601"
		}
		set(RoleTime, "all texts are times as %s", format)
	case p.kind == arrow.STRING:
		p.classifyText(set)
	case p.kind == arrow.BOOL:
		set(RoleCategory, "true or false")
	default:
		p.classifyNumber(set)
	}
}

func (p *ColumnProfile) classifyText(set func(ColumnRole, string, ...any)) {
	share := float64(p.Distinct) / float64(p.Values)
	word, named := hasWord(p.Name, keyWords)
	_, isKind := hasWord(p.Name, "type class category status kind name code")
	switch {
	case p.Distinct == 1:
		set(RoleConstant, "always %q", p.Examples[0])
	case p.Distinct == p.Values && p.Values > 100:
		set(RoleKey, "different in all %d rows", p.Values)
	case named && p.Distinct > fewValues && !isKind:
		set(RoleIdentifier, "named %q, and %d different values in %d rows", word, p.Distinct, p.Values)
	case share <= 0.2 && p.Distinct <= 1000:
		set(RoleCategory, "%d different values in %d rows", p.Distinct, p.Values)
	default:
		set(RoleText, "%d different values in %d rows, such as %q", p.Distinct, p.Values, p.Examples[0])
	}
}

func (p *ColumnProfile) classifyNumber(set func(ColumnRole, string, ...any)) {
	code, isCode := hasWord(p.Name, codeWords)
	amount, isAmount := hasWord(p.Name, amountWords)
	quantity, isQuantity := hasWord(p.Name, quantityWords)
	level, isLevel := hasWord(p.Name, levelWords)
	unit, hasUnit := hasWord(p.Name, unitWords)
	_, isLon := hasWord(p.Name, "lon lng long longitude x")
	_, isLat := hasWord(p.Name, "lat latitude y")
	_, projected := hasWord(p.Name, "x y xcoord ycoord easting northing coord coordinate")
	epoch, isEpoch := hasWord(p.Name, "timestamp time epoch date datetime at")
	inYears := func(per float64) bool {
		return p.Min/per > 6e8 && p.Max/per < 4e9 // 1989 to 2096
	}
	switch {
	case isLon && p.Min >= -180 && p.Max <= 180 && !p.integer:
		set(RoleLongitude, "named as such, and from %.6g to %.6g", p.Min, p.Max)
	case isLat && p.Min >= -90 && p.Max <= 90 && !p.integer:
		set(RoleLatitude, "named as such, and from %.6g to %.6g", p.Min, p.Max)
	case projected && p.Max > 1000:
		set(RoleProjected, "named as a coordinate, and from %.6g to %.6g", p.Min, p.Max)
	case isEpoch && p.integer && (inYears(1) || inYears(1e3) || inYears(1e6) || inYears(1e9)):
		set(RoleTime, "named %q, and whole numbers of the size of seconds since 1970 or parts of them", epoch)
	case p.Distinct == 1:
		set(RoleConstant, "always %s", p.Examples[0])
	case numberOf(p.Name):
		set(RoleAmount, "a number of things by its name")
	case isCode && !(isAmount && !strings.HasPrefix(code, "id")):
		set(RoleCode, "named %q", code)
		if w, ok := hasWord(p.Name, keyWords); ok && p.integer && p.Distinct > fewValues {
			set(RoleIdentifier, "named %q, and %d different values in %d rows", w, p.Distinct, p.Values)
			if p.Distinct == p.Values && p.Values > 100 {
				set(RoleKey, "named %q, and different in all %d rows", w, p.Values)
			}
		}
	case p.integer && p.Distinct == p.Values && p.Values >= 1000:
		set(RoleKey, "whole numbers that are different in all %d rows", p.Values)
	case isLevel && isAmount:
		set(RoleQuantity, "named %q", level)
	case isAmount && p.Min >= 0:
		set(RoleAmount, "named %q, never negative", amount)
	case isAmount || isQuantity:
		set(RoleQuantity, "named %q", amount+quantity)
	case hasUnit:
		set(RoleQuantity, "named with the unit %q", unit)
	case !p.integer:
		set(RoleQuantity, "numbers with fractions, from %.6g to %.6g", p.Min, p.Max)
	case p.Min >= 0 && p.topShare > 0.2 && p.Min <= 1:
		set(RoleAmount, "small whole numbers from %g to %g, as counts are", p.Min, p.Max)
	default:
		set(RoleCode, "whole numbers from %.0f to %.0f of unknown meaning", p.Min, p.Max)
	}
}

// profileNamed is profileColumns for columns by name; nil means all. A column
// that is named has a meaning already, which few rows are enough to doubt.
func profileNamed(ctx context.Context, t table, names []string) ([]ColumnProfile, error) {
	if names == nil {
		return profileColumns(ctx, t, nil)
	}
	var columns []int
	for _, name := range names {
		columns = append(columns, t.Schema().FieldIndices(name)...)
	}
	const few = 2000
	return profileRows(ctx, t, columns, few)
}

// A chosenFunction is a function with the reason to propose it.
type chosenFunction struct {
	spec   FunctionSpec
	reason string
}

// chooseFunctions proposes the count of rows, unless each step has one row of
// measurements, the different identifiers, the means of quantities, and the
// sums of amounts; the means of these, too, unless they are of one row.
func chooseFunctions(profiles []ColumnProfile, spec *DatasetSpec) []chosenFunction {
	taken := []string{spec.Time.Column, spec.Place.Lon, spec.Place.Lat, spec.Place.X, spec.Place.Y, spec.Place.Geometry, spec.Place.Column}
	var list []chosenFunction
	binned, single := rowsOfSteps(profiles, spec)
	if !binned {
		list = append(list, chosenFunction{FunctionSpec{Kind: Count}, "rows are events"})
	}
	for _, p := range profiles {
		if slices.Contains(taken, p.Name) {
			continue
		}
		add := func(kind FunctionKind) {
			list = append(list, chosenFunction{FunctionSpec{Kind: kind, Column: p.Name}, p.Reason})
		}
		switch p.Role {
		case RoleIdentifier:
			add(Unique)
		case RoleQuantity:
			add(Mean)
		case RoleAmount:
			add(Sum)
			if !single {
				add(Mean)
			}
		}
	}
	if len(list) == 0 {
		list = append(list, chosenFunction{FunctionSpec{Kind: Count}, "no column is a quantity"})
	}
	return list
}

// rowsOfSteps reports whether rows are not events but the steps of series:
// times are multiples of a quarter of an hour, and each has one row or a row of
// most places. They are single if each hour, or longer step, has one row: its
// sum is then its mean, and in a longer step their ratio is a constant.
func rowsOfSteps(profiles []ColumnProfile, spec *DatasetSpec) (binned, single bool) {
	times, places, rows := 0, 1, 0
	round, hourly := false, false
	for _, p := range profiles {
		switch p.Name {
		case spec.Time.Column:
			times, rows = p.Distinct, p.Values
			round, hourly = p.steps()%(hourSeconds/4) == 0, p.steps()%hourSeconds == 0
		case spec.Place.Column, spec.Place.Lon, spec.Place.X:
			places = max(places, p.Distinct)
		}
	}
	single = times == rows && rows > 0
	return round && (single || places > 1 && 4*rows >= times*places), hourly && single
}

// steps returns the greatest common divisor, in seconds, of the times of a
// sample counted from a Monday, 1 if they cannot be read.
func (p *ColumnProfile) steps() int64 {
	if p.sample == nil || p.Role != RoleTime {
		return 1
	}
	const monday = 4 * daySeconds // 1970-01-05
	step := int64(0)
	var format *timeFormat
	if p.kind == arrow.STRING && p.layout != "" {
		var err error
		if format, err = parseTimeFormat(p.layout); err != nil {
			return 1
		}
	}
	for _, v := range p.sample.order {
		s, ok := stamp{}, false
		if format != nil {
			s, ok = format.parse([]byte(v))
		} else {
			s, ok = parseStamp(v)
		}
		if !ok {
			return 1
		}
		for a, b := step, s.seconds-monday; ; a, b = b, a%b {
			if b == 0 {
				step = max(a, -a)
				break
			}
		}
	}
	return step
}
