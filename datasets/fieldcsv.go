package datasets

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Field is one scalar function, read from a text file.
type Field struct {
	Axis    Axis
	Regions []string  // names, in the order of Values; "city" for a city-wide field
	City    bool      // the file had the columns time,value
	Values  []float64 // shape [steps*regions], step-major; NaN is missing

	EpochTimes       bool // the file told times as epoch seconds
	AmbiguousTimes   int  // rows whose wall-clock time came twice, because clocks went back
	NonexistentTimes int  // rows whose wall-clock time or date the clocks skipped, moved forward by the gap
}

// TimeText returns the start of a step as the file tells times: epoch
// seconds, or RFC 3339 with the zone's offset.
func (f *Field) TimeText(step int) string {
	return f.timeText(f.Axis.Start(step).Unix())
}

func (f *Field) timeText(instant int64) string {
	if f.EpochTimes {
		return strconv.FormatInt(instant, 10)
	}
	t := time.Unix(instant, 0).In(f.Axis.zone())
	// Local mean time, before there were zones, was not whole minutes from
	// UTC, which RFC 3339 cannot express.
	if _, offset := t.Zone(); offset%60 != 0 {
		t = t.UTC()
	}
	return t.Format(time.RFC3339)
}

// FieldOptions says how to read a field. The zero value reads any form of
// file, in UTC.
type FieldOptions struct {
	Resolution Resolution     // length of a time step; 0 infers it from the times
	Zone       *time.Location // of wall-clock times and calendar steps; nil means UTC
	Regions    int            // regions of the adjacency graph that goes with the file; 0 means no graph
	GraphName  string         // the graph as errors should call it
}

// A CSVError says what is wrong with a file of comma-separated values, where,
// and what to do.
type CSVError struct {
	File   string // as the caller named it
	Line   int    // from 1, the header's; 0 if no line is to blame
	Column string // its name in the header; "" if no column is to blame
	Err    error  // what is wrong
	Hint   string // what the reader of the message can do
}

// Error names the file, the line and the column.
func (e *CSVError) Error() string {
	where := e.File
	if e.Line > 0 {
		where += fmt.Sprintf(": line %d", e.Line)
		if e.Column != "" {
			where += ", column " + e.Column
		}
	}
	return fmt.Sprintf("%s: %v; %s", where, e.Err, e.Hint)
}

// Unwrap returns what is wrong, without the place.
func (e *CSVError) Unwrap() error { return e.Err }

const headerHint = "begin the file with time,value (one series), region,time,value (a row per region and time) or time,NAME,NAME,... (a column per region)"

// maxCells bounds the cells of a field, so that a vertex number fits in 32
// bits.
const maxCells = math.MaxInt32

// ReadFieldCSV reads a scalar function from comma-separated values, plain or
// compressed by gzip. name is the file as errors should call it. The header
// decides how the rows are read; upper and lower case are alike in it:
//
//	time,value          one city-wide series, whatever graph there is
//	region,time,value   a row per region and time
//	time,NAME,NAME,...  a row per time, a column per region
//
// A time is epoch seconds or ISO 8601 (2012-01, 2012-01-31, 2012-01-31T05:00,
// with seconds, a fraction, and Z or an offset as wanted), one of the two in
// the whole file. Without an offset it is wall-clock time in the zone. Times
// increase from row to row, in the form with a region column from row to row
// of one region. So where clocks go back, a wall-clock time that comes twice
// means the earlier instant, unless the row before has already reached it:
// then it means the later. Where clocks go forward, a time that they skip
// moves forward by the gap. Both are counted in the field.
//
// A value is a finite float64; an empty cell, NaN, NA and null are missing.
// The axis runs from the first to the last step that has a row, and what has
// no row in between is missing. Two rows of a region in one step are an error,
// never an average.
//
// Without a resolution in o, the smallest difference between two times of the
// file decides: year if it is a year or more, else month, week or day in the
// same way, each with an hour less for a change of clocks, else hour. A single
// time is a day if it is at local midnight, else an hour.
//
// With a graph, columns are its regions in order, and a region column holds
// numbers from 0, as such or with an r in front; regions without rows are
// missing. Without a graph, the names of a region column are ordered as
// numbers if all are integers, else as text.
//
// Every error is a *[CSVError].
func ReadFieldCSV(r io.Reader, name string, o FieldOptions) (*Field, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	f := &fieldReader{
		name:    name,
		options: o,
		clock:   wallClock{zone: o.Zone},
		field:   &Field{Axis: Axis{Resolution: o.Resolution, Zone: o.Zone}},
	}
	text, err := plainText(r)
	if err != nil {
		return nil, f.readError(err)
	}
	f.csv = csv.NewReader(text)
	f.csv.ReuseRecord = true
	f.csv.FieldsPerRecord = -1 // checked here, for an error that says which line

	if err := f.readHeader(); err != nil {
		return nil, err
	}
	if err := f.readRows(); err != nil {
		return nil, err
	}
	if err := f.placeRows(); err != nil {
		return nil, err
	}
	return f.field, nil
}

// plainText returns the text of r, decompressed and without byte order mark.
func plainText(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	// Peek fails on a file of a byte or none, which has no magic number.
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = bufio.NewReaderSize(unzipped, 1<<16)
	}
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		if _, err := in.Discard(len(mark)); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// A fieldReader reads one file. The rows are kept until the resolution, and
// with it the place of each value, is known.
type fieldReader struct {
	name    string
	options FieldOptions
	csv     *csv.Reader
	columns []string // of the header
	long    bool     // the columns are region,time,value
	field   *Field
	clock   wallClock

	formLine int              // the line that decided whether times are epoch seconds; 0 before
	numbers  map[string]int32 // of the region names of a long file, in the order found
	series   []seriesEnd      // per region of a long file, else one

	times  []int64   // shape [rows], instants
	lines  []int     // shape [rows]
	region []int32   // shape [rows], indices of series; empty unless long
	values []float64 // shape [rows*width]
}

// A seriesEnd is the latest row of a series.
type seriesEnd struct {
	line    int   // 0 if there is none
	instant int64 // its time
	moved   bool  // its time does not exist, so instant is later
}

// width returns the number of values in a row.
func (f *fieldReader) width() int {
	if f.long {
		return 1
	}
	return len(f.columns) - 1
}

// numRegions returns the number of regions of the field.
func (f *fieldReader) numRegions() int {
	switch {
	case !f.long:
		return f.width()
	case f.options.Regions > 0:
		return f.options.Regions
	}
	return len(f.numbers)
}

// timeColumn returns the index of the column of times.
func (f *fieldReader) timeColumn() int {
	if f.long {
		return 1
	}
	return 0
}

// line returns the line in which a column of the current row begins.
func (f *fieldReader) line(column int) int {
	line, _ := f.csv.FieldPos(column)
	return line
}

// readHeader reads the header and decides on the form of the file.
func (f *fieldReader) readHeader() error {
	record, err := f.csv.Read()
	if errors.Is(err, io.EOF) {
		return &CSVError{File: f.name, Err: errors.New("the file is empty"), Hint: headerHint}
	}
	if err != nil {
		return f.readError(err)
	}
	f.columns = make([]string, len(record))
	for i, cell := range record {
		f.columns[i] = strings.TrimSpace(cell)
	}
	is := func(names ...string) bool {
		return slices.EqualFunc(f.columns[:min(len(names), len(f.columns))], names, strings.EqualFold)
	}
	switch n := len(f.columns); {
	case n == 2 && is("time", "value"):
		f.field.City = true
		f.field.Regions = []string{"city"}
	case n == 3 && is("region", "time", "value"):
		f.long = true
		f.numbers = map[string]int32{}
		return nil
	case n == 3 && (is("time", "region", "value") || is("time", "value", "region")):
		// Read as a column per region, these would be two regions.
		return f.headerError("the columns of " + f.headerText() + " are in another order")
	case n >= 2 && is("time"):
		if err := f.checkRegionColumns(); err != nil {
			return err
		}
		f.field.Regions = f.columns[1:]
	case isTime(f.columns[0]), n == 3 && isTime(f.columns[1]) && !is("region"):
		return f.headerError("the first line must be a header, but is " + f.headerText())
	default:
		return f.headerError("the header is " + f.headerText())
	}
	f.series = make([]seriesEnd, 1)
	return nil
}

// checkRegionColumns reports what is wrong with the names of a column per
// region.
func (f *fieldReader) checkRegionColumns() error {
	seen := make(map[string]bool, len(f.columns))
	for i, region := range f.columns[1:] {
		if region == "" {
			return &CSVError{File: f.name, Line: f.line(i + 1),
				Err:  fmt.Errorf("column %d has no name", i+2),
				Hint: "name it after its region, or remove it"}
		}
		if seen[region] {
			return &CSVError{File: f.name, Line: f.line(i + 1),
				Err:  fmt.Errorf("two columns are named %s", quote(region)),
				Hint: "give every region one column"}
		}
		seen[region] = true
	}
	if n := f.options.Regions; n > 0 && n != f.width() {
		return &CSVError{File: f.name, Line: f.line(0),
			Err:  fmt.Errorf("%d regions in columns, but %s has %d", f.width(), f.graphName(), n),
			Hint: "give each region of the graph one column, in its order, or name the graph of these regions"}
	}
	return nil
}

func (f *fieldReader) headerError(problem string) error {
	return &CSVError{File: f.name, Line: f.line(0), Err: errors.New(problem), Hint: headerHint}
}

func (f *fieldReader) headerText() string { return quote(strings.Join(f.columns, ",")) }

func (f *fieldReader) graphName() string {
	return cmp.Or(f.options.GraphName, "the graph")
}

// isTime reports whether a cell of the first line is a time, so that the line
// is no header.
func isTime(cell string) bool {
	_, ok := parseStamp(cell)
	return ok
}

// readRows reads everything after the header.
func (f *fieldReader) readRows() error {
	for {
		record, err := f.csv.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f.readError(err)
		}
		if len(record) != len(f.columns) {
			return &CSVError{File: f.name, Line: f.line(0),
				Err:  fmt.Errorf("%d columns, but the header has %d", len(record), len(f.columns)),
				Hint: "give the row one cell per column; a missing value is an empty cell"}
		}
		if err := f.readRow(record); err != nil {
			return err
		}
	}
	if len(f.times) == 0 {
		return &CSVError{File: f.name, Err: errors.New("no rows after the header"), Hint: "add at least one"}
	}
	return nil
}

// readRow keeps one row.
func (f *fieldReader) readRow(record []string) error {
	timeColumn, series := f.timeColumn(), int32(0)
	if f.long {
		var err error
		if series, err = f.readRegion(record[0]); err != nil {
			return err
		}
		f.region = append(f.region, series)
	}
	instant, err := f.readTime(strings.TrimSpace(record[timeColumn]), &f.series[series])
	if err != nil {
		return err
	}
	f.times = append(f.times, instant)
	f.lines = append(f.lines, f.line(timeColumn))
	for i := timeColumn + 1; i < len(record); i++ {
		value, err := parseValue(strings.TrimSpace(record[i]))
		if err != nil {
			return &CSVError{File: f.name, Line: f.line(i), Column: f.columns[i], Err: err,
				Hint: "leave the cell empty if it is missing"}
		}
		f.values = append(f.values, value)
	}
	return nil
}

// readRegion returns the index in f.series of the region of a long row.
func (f *fieldReader) readRegion(cell string) (int32, error) {
	cell = strings.TrimSpace(cell)
	if number, ok := f.numbers[cell]; ok {
		return number, nil
	}
	fail := func(problem, hint string) (int32, error) {
		return 0, &CSVError{File: f.name, Line: f.line(0), Column: f.columns[0], Err: errors.New(problem), Hint: hint}
	}
	number := int32(len(f.numbers))
	if n := f.options.Regions; n > 0 {
		digits := strings.TrimPrefix(cell, "r")
		index, err := strconv.ParseUint(digits, 10, 31)
		if err != nil || int(index) >= n {
			return fail(fmt.Sprintf("%s is not a region of %s", quote(cell), f.graphName()),
				fmt.Sprintf("use its numbers, 0 to %d", n-1))
		}
		number = int32(index)
	} else if cell == "" {
		return fail("the region has no name", "name it or remove the row")
	}
	// The cell is a part of its whole row, which would stay in memory.
	f.numbers[strings.Clone(cell)] = number
	for int(number) >= len(f.series) {
		f.series = append(f.series, seriesEnd{})
	}
	return number, nil
}

// readTime returns the instant of the current row, which must be later than
// the end of its series, and makes it the new end.
func (f *fieldReader) readTime(text string, end *seriesEnd) (int64, error) {
	column := f.timeColumn()
	line := f.line(column)
	fail := func(problem, hint string) (int64, error) {
		return 0, &CSVError{File: f.name, Line: line, Column: f.columns[column], Err: errors.New(problem), Hint: hint}
	}
	s, ok := parseStamp(text)
	if !ok {
		return fail(quote(text)+" is not a time", "write epoch seconds or ISO 8601, such as 2012-01-31T05:00")
	}
	epoch := s.form == epochStamp
	if f.formLine == 0 {
		f.formLine, f.field.EpochTimes = line, epoch
	}
	if epoch != f.field.EpochTimes {
		is, was := "epoch seconds", "ISO 8601"
		if !epoch {
			is, was = was, is
		}
		return fail(fmt.Sprintf("%s is %s, but line %d has %s", quote(text), is, f.formLine, was), "write all times of a file in one form")
	}
	if s.seconds < minTime || s.seconds >= maxTime {
		hint := "correct it"
		if epoch {
			hint = "epoch times are in seconds, so divide milliseconds by 1000"
		}
		return fail(quote(text)+" is outside the years 1 to 9998", hint)
	}

	instant, moved := f.instant(s, *end)
	if end.line > 0 && instant <= end.instant {
		problem := fmt.Sprintf("%s repeats the time of line %d", quote(text), end.line)
		hint := "the row is duplicated, so remove it"
		if instant < end.instant {
			problem = fmt.Sprintf("%s is before %s of line %d", quote(text), f.field.timeText(end.instant), end.line)
			hint = "sort the rows by time"
			if f.long {
				hint = "sort the rows of each region by time"
			}
		}
		if moved || end.moved {
			hint = fmt.Sprintf("clocks in %v skip one of the two times, so write times with their offset from UTC or name the zone that they are in", f.options.Zone)
		}
		return fail(problem, hint)
	}
	*end = seriesEnd{line: line, instant: instant, moved: moved}
	return instant, nil
}

// The times that fields may have. With a day more or less for the zone, all
// years have four digits.
var (
	minTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	maxTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// instant returns the instant that s means in a series with the given end,
// and whether it had to be moved because clocks skip s.
func (f *fieldReader) instant(s stamp, end seriesEnd) (instant int64, moved bool) {
	switch s.form {
	case wallStamp:
		first, last, exists := f.clock.instants(s.seconds)
		if !exists {
			f.field.NonexistentTimes++
			return first, true
		}
		if first == last {
			return first, false
		}
		f.field.AmbiguousTimes++
		if end.line > 0 && first <= end.instant {
			return last, false
		}
		return first, false
	case dateStamp:
		first := firstInstant(s.seconds, f.options.Zone)
		date := floorDiv(s.seconds, daySeconds)
		if localDay(time.Unix(first, 0).In(f.options.Zone)) != date {
			f.field.NonexistentTimes++
			return first, true
		}
		return first, false
	}
	return s.seconds, false
}

// parseValue reads a number, or NaN for a missing one.
func parseValue(text string) (float64, error) {
	switch len(text) {
	case 0:
		return math.NaN(), nil
	case 2, 3, 4:
		if strings.EqualFold(text, "NA") || strings.EqualFold(text, "NaN") || strings.EqualFold(text, "null") {
			return math.NaN(), nil
		}
	}
	x, err := strconv.ParseFloat(text, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%s is too large for a 64-bit number", quote(text))
	case err != nil || strings.ContainsAny(text, "xX"): // ParseFloat takes 0x1p4 for 16
		return 0, fmt.Errorf("%s is not a number", quote(text))
	case math.IsInf(x, 0):
		return 0, fmt.Errorf("%s is infinite", quote(text))
	}
	return x, nil
}

// placeRows turns the rows into the field.
func (f *fieldReader) placeRows() error {
	axis := &f.field.Axis
	if axis.Resolution == 0 {
		axis.Resolution = inferResolution(f.times, axis.Zone)
	}
	if err := f.layAxis(); err != nil {
		return err
	}
	var slots []int32 // the region of each series
	if f.long {
		slots = f.nameRegions()
	}

	regions := len(f.field.Regions)
	// A row for every step: the values read are the field, and the copies
	// below, from each place to itself, change nothing.
	values := f.values
	if f.long || len(f.times) != axis.Steps {
		values = slices.Repeat([]float64{math.NaN()}, axis.Steps*regions)
	}
	width := f.width()
	for i := range f.series {
		f.series[i] = seriesEnd{}
	}
	for i, instant := range f.times {
		series, slot := 0, 0
		if f.long {
			series = int(f.region[i])
			slot = int(slots[series])
		}
		end := &f.series[series]
		step := axis.Step(time.Unix(instant, 0))
		if end.line > 0 && step <= axis.Step(time.Unix(end.instant, 0)) {
			return f.finerError(i, *end)
		}
		*end = seriesEnd{line: f.lines[i], instant: instant}
		copy(values[step*regions+slot:], f.values[i*width:(i+1)*width])
	}
	f.field.Values = values
	return nil
}

// finerError returns the error about row i, which is in the same step as the
// end of its series.
func (f *fieldReader) finerError(i int, end seriesEnd) error {
	r := f.field.Axis.Resolution
	hint := fmt.Sprintf("the file is finer than the resolution %v, or the row is duplicated: choose a finer resolution or keep one row", r)
	if r == Hour {
		hint = "the file is finer than the resolution hour, or the row is duplicated: keep one row for each hour"
	}
	if f.field.EpochTimes {
		hint += "; times are read as seconds since 1970"
	}
	return &CSVError{File: f.name, Line: f.lines[i], Column: f.columns[f.timeColumn()],
		Err:  fmt.Errorf("%s is in the same %v as line %d", f.field.timeText(f.times[i]), r, end.line),
		Hint: hint}
}

// nameRegions orders and names the regions of a long file and returns the
// region of each series.
func (f *fieldReader) nameRegions() []int32 {
	if n := f.options.Regions; n > 0 {
		slots := make([]int32, n)
		f.field.Regions = make([]string, n)
		for i := range n {
			slots[i] = int32(i)
			f.field.Regions[i] = strconv.Itoa(i)
		}
		return slots
	}
	names := make([]string, 0, len(f.numbers))
	integers := make(map[string]int64, len(f.numbers))
	for name := range f.numbers {
		names = append(names, name)
		if n, err := strconv.ParseInt(name, 10, 64); err == nil {
			integers[name] = n
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if len(integers) == len(f.numbers) && integers[a] != integers[b] {
			return cmp.Compare(integers[a], integers[b])
		}
		return strings.Compare(a, b)
	})
	slots := make([]int32, len(names))
	for slot, name := range names {
		slots[f.numbers[name]] = int32(slot)
	}
	f.field.Regions = names
	return slots
}

// layAxis sets the axis to the steps from the first to the last time, unless
// there are too many for the rows: then one of the two is likely a typing
// error.
func (f *fieldReader) layAxis() error {
	first, last := 0, 0
	for i, t := range f.times {
		if t < f.times[first] {
			first = i
		}
		if t > f.times[last] {
			last = i
		}
	}
	axis := &f.field.Axis
	*axis = NewAxis(axis.Resolution, axis.Zone, time.Unix(f.times[first], 0), 0)
	steps := axis.Step(time.Unix(f.times[last], 0)) + 1
	regions, rows := f.numRegions(), len(f.times)
	cells := int64(steps) * int64(regions)
	// A sparse file is fine: of a million cells, or as long as one cell in a
	// thousand has a row.
	if cells > maxCells || steps > rows && cells > 1000*int64(rows)+1_000_000 {
		return &CSVError{File: f.name, Line: f.lines[last], Column: f.columns[f.timeColumn()],
			Err: fmt.Errorf("the times from %s (line %d) to %s (line %d) are %d steps of one %v, too many for %d regions and %d rows",
				f.field.timeText(f.times[first]), f.lines[first], f.field.timeText(f.times[last]), f.lines[last], steps, axis.Resolution, regions, rows),
			Hint: "correct the time that is wrong, or choose a coarser resolution"}
	}
	axis.Steps = steps
	return nil
}

// inferResolution returns the resolution of a file with these instants, as
// the comment of ReadFieldCSV says.
func inferResolution(times []int64, zone *time.Location) Resolution {
	distinct := slices.Clone(times)
	slices.Sort(distinct)
	distinct = slices.Compact(distinct)
	if len(distinct) == 1 {
		day := Day.step(time.Unix(distinct[0], 0), zone)
		if Day.start(day, zone) == distinct[0] {
			return Day
		}
		return Hour
	}
	least := int64(math.MaxInt64)
	for i := 1; i < len(distinct); i++ {
		least = min(least, distinct[i]-distinct[i-1])
	}
	switch least += hourSeconds; {
	case least >= 365*daySeconds:
		return Year
	case least >= 28*daySeconds:
		return Month
	case least >= 7*daySeconds:
		return Week
	case least >= daySeconds:
		return Day
	}
	return Hour
}

// readError returns the error of a file that could not be read.
func (f *fieldReader) readError(err error) error {
	if malformed, ok := errors.AsType[*csv.ParseError](err); ok {
		return &CSVError{File: f.name, Line: malformed.StartLine, Err: malformed.Err,
			Hint: `quote a cell with " at both ends, and double the quotes inside it`}
	}
	return &CSVError{File: f.name, Err: fmt.Errorf("read: %w", err),
		Hint: "check that the file is complete and can be read"}
}

// quote returns text for a message, in quotes and not too long.
func quote(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "..."
	}
	return strconv.Quote(text)
}
