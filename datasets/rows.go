package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Reasons for which rows and values are not used.
const (
	reasonNoTime      = "no time"
	reasonBadTime     = "the time cannot be read"
	reasonFarTime     = "a time before 1800 or after 2200"
	reasonDuplicate   = "a duplicate"
	reasonNoPlace     = "no place"
	reasonOutside     = "outside the regions"
	reasonUnknownCode = "an unknown region code"
	reasonBadNumber   = "not a number"
	reasonNotFinite   = "not finite"
)

// A rowOrigin says where the rows of a batch come from.
type rowOrigin struct {
	file  string
	order int64 // of the file
	row   int64 // of the batch's first row, in the file
}

// A rowBinding says which columns of a file a plan needs, as positions in the
// records that are read of it.
type rowBinding struct {
	columns []int // of the table
	time    int
	x, y    int // -1 if there is none
	shape   int
	code    int
	where   []int // of the columns of the plan's sorted where
	keys    []int
	states  []int // of each state's column
}

// bind finds the columns of p in the schema of a file.
func (p *plan) bind(schema *arrow.Schema) (*rowBinding, error) {
	b := &rowBinding{x: -1, y: -1, shape: -1, code: -1}
	var errs []error
	column := func(name, use string) int {
		if name == "" {
			return -1
		}
		if _, err := fieldOf(schema, name, use); err != nil {
			errs = append(errs, err)
			return -1
		}
		at := schema.FieldIndices(name)[0]
		for i, c := range b.columns {
			if c == at {
				return i
			}
		}
		b.columns = append(b.columns, at)
		return len(b.columns) - 1
	}
	b.time = column(p.spec.Time.Column, "time")
	if p.systems[0].Name != cityName {
		place := p.spec.Place
		b.x, b.y = column(place.Lon+place.X, "place"), column(place.Lat+place.Y, "place")
		b.shape, b.code = column(place.Geometry, "place"), column(place.Column, "place")
	}
	for _, name := range sortedKeys(p.spec.Where) {
		b.where = append(b.where, column(name, "condition where"))
	}
	for _, name := range p.spec.UniqueBy {
		b.keys = append(b.keys, column(name, "key unique_by"))
	}
	for _, s := range p.states {
		b.states = append(b.states, column(s.column, "functions"))
	}
	return b, errors.Join(errs...)
}

// A partial holds the states of the rows that one worker has read of a
// dataset. Partials of one plan can be merged in any order, to the same bits.
type partial struct {
	p         *plan
	tables    []*cellTable // one a region system of the plan
	rows      int64
	used      int64
	leftOut   int64
	rejected  rejects
	unplaced  rejects
	badValues rejects
	columns   []ColumnReport // one a state
	clock     *clock         // of the zone of wall clock times
	city      localClock
	firstRow  map[rowKey]int64 // of each key of unique_by, see keyPass

	// Scratch for a batch.
	use     []bool
	out     int // rows that use takes out
	seconds []int64
	steps   []int64
	place   []int32
	slots   []int32
	x, y    []float64
	caches  map[int]*dictionaryCache // by column of the record
}

func newPartial(p *plan) *partial {
	w := &partial{p: p, clock: newClock(p.zone), city: localClock{zone: p.city}, caches: make(map[int]*dictionaryCache)}
	for _, s := range p.systems {
		states := make([]columnState, len(p.states))
		for i, spec := range p.states {
			states[i] = spec.make()
		}
		w.tables = append(w.tables, newCellTable(len(s.IDs), states))
	}
	for _, s := range p.states {
		w.columns = append(w.columns, ColumnReport{Column: s.column, Min: math.Inf(1), Max: math.Inf(-1)})
	}
	return w
}

// add adds the rows of a record.
func (w *partial) add(b *rowBinding, r arrow.Record, at rowOrigin) error {
	n := int(r.NumRows())
	w.resize(n)
	w.rows += int64(n)
	w.filter(b, r)
	if err := w.readTimes(r.Column(b.time), b.time, at); err != nil {
		return err
	}
	w.rejectDuplicates(b, r, at)
	w.used += int64(n - w.out)
	if b.x >= 0 || b.shape >= 0 {
		if err := w.readPoints(b, r); err != nil {
			return err
		}
	}
	values := make([]stateInput, len(w.p.states))
	for s, system := range w.p.systems {
		w.readPlaces(b, r, system, at)
		w.tables[s].find(w.steps, w.place, w.slots)
		for i, state := range w.tables[s].states {
			if s == 0 {
				var err error
				if values[i], err = w.readState(b, r, i, at); err != nil {
					return err
				}
			}
			values[i].addTo(state, w.slots)
		}
	}
	return nil
}

// resize makes room for a batch of n rows, which are all to be used.
func (w *partial) resize(n int) {
	if cap(w.use) < n {
		w.use, w.place, w.slots = make([]bool, n), make([]int32, n), make([]int32, n)
		w.seconds, w.steps = make([]int64, n), make([]int64, n)
		w.x, w.y = make([]float64, n), make([]float64, n)
		w.out = n
	}
	if w.out > 0 { // of most files, every row of every batch is used
		w.use, w.out = w.use[:cap(w.use)], 0
		for i := range w.use {
			w.use[i] = true
		}
	}
	w.use, w.place, w.slots = w.use[:n], w.place[:n], w.slots[:n]
	w.seconds, w.steps = w.seconds[:n], w.steps[:n]
	w.x, w.y = w.x[:n], w.y[:n]
}

// takeOut takes row i, which was to be used, out of the batch.
func (w *partial) takeOut(i int) {
	w.use[i] = false
	w.out++
}

// reject takes row i of the batch out, for a reason that is counted.
func (w *partial) reject(i int, reason, column string, a arrow.Array, at rowOrigin) {
	w.takeOut(i)
	e := w.rejected.add(reason, column, "", 1)
	w.sample(e, i, a, at)
}

func (w *partial) sample(e *Reject, i int, a arrow.Array, at rowOrigin) {
	if row := at.row + int64(i); e.wants(at.order, row) {
		e.sample(Sample{File: at.file, Row: row, Text: textOf(a, i), order: at.order})
	}
}

// textOf returns a value as messages show it.
func textOf(a arrow.Array, i int) string {
	if a == nil || a.IsNull(i) {
		return ""
	}
	if d, ok := a.(*array.Dictionary); ok {
		return textOf(d.Dictionary(), d.GetValueIndex(i))
	}
	const longest = 60
	text := a.ValueStr(i)
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "..."
	}
	return text
}

// filter takes the rows out that do not satisfy where.
func (w *partial) filter(b *rowBinding, r arrow.Record) {
	if len(w.p.spec.Where) == 0 {
		return
	}
	for i, name := range sortedKeys(w.p.spec.Where) {
		wanted := w.p.spec.Where[name]
		a := r.Column(b.where[i])
		matches := func(text string) bool {
			for _, s := range wanted {
				if s == text {
					return true
				}
			}
			return false
		}
		if d, ok := a.(*array.Dictionary); ok {
			match := make([]bool, d.Dictionary().Len())
			for j := range match {
				match[j] = matches(d.Dictionary().ValueStr(j))
			}
			for j := range w.use {
				w.use[j] = w.use[j] && !a.IsNull(j) && match[d.GetValueIndex(j)]
			}
			continue
		}
		for j := range w.use {
			w.use[j] = w.use[j] && (!a.IsNull(j) && matches(a.ValueStr(j)) || a.IsNull(j) && matches(""))
		}
	}
	for _, used := range w.use {
		if !used {
			w.leftOut++
			w.out++
		}
	}
}

// readTimes fills in the base steps of the rows, and takes out those without
// a usable time.
func (w *partial) readTimes(a arrow.Array, column int, at rowOrigin) error {
	p := w.p
	name := p.spec.Time.Column
	// wall marks values that are local dates or, if steps are days or coarser,
	// local times of the city: their step needs no instant.
	local := p.step > Hour && p.zone == p.city
	switch p.times {
	case textTimes:
		return w.readTextTimes(a, column, at)
	case instants:
		if err := w.readInstants(a); err != nil {
			return err
		}
		local = false
	case wallTimes:
		t, ok := a.(*array.Timestamp)
		if !ok {
			return w.changed(name, a, "a timestamp")
		}
		per := int64(time.Second / t.DataType().(*arrow.TimestampType).Unit.Multiplier())
		inSeconds(w.seconds, t.TimestampValues(), per)
	case dates:
		t, ok := a.(*array.Date32)
		if !ok {
			return w.changed(name, a, "a date")
		}
		for i, v := range t.Date32Values() {
			w.seconds[i] = int64(v) * daySeconds
		}
		local = true
	}
	nulls := a.NullN() > 0
	bounded := p.from != minDate || p.to != maxDate
	var run stepRun
	for i, s := range w.seconds {
		switch {
		case !w.use[i]:
			continue
		case nulls && a.IsNull(i):
			w.reject(i, reasonNoTime, name, nil, at)
			continue
		case run.from <= s && s < run.to:
		case s < minDate || s >= maxDate:
			w.reject(i, reasonFarTime, name, a, at)
			continue
		default:
			run = w.stepRunOf(s, p.times != instants, local)
		}
		w.steps[i] = run.stepOf(s)
		if bounded {
			w.leaveOut(i, s)
		}
	}
	return nil
}

// inSeconds writes times, of which a second has per, as seconds.
func inSeconds[T ~int64](seconds []int64, times []T, per int64) {
	seconds = seconds[:len(times)]
	switch per { // division by a constant takes a fraction of the time
	case 1e3:
		for i, t := range times {
			seconds[i] = floorDiv(int64(t), 1e3)
		}
	case 1e6:
		for i, t := range times {
			seconds[i] = floorDiv(int64(t), 1e6)
		}
	case 1e9:
		for i, t := range times {
			seconds[i] = floorDiv(int64(t), 1e9)
		}
	default:
		for i, t := range times {
			seconds[i] = floorDiv(int64(t), per)
		}
	}
}

// A stepRun is a stretch of times, from <= s < to, whose base steps are known
// without asking a clock or calendar.
type stepRun struct {
	from, to int64
	origin   int64 // at or before from
	step     int64 // of the origin
	shift    uint  // a step has 2^shift quarters of an hour
}

// A run of one step has this shift, since no run has 2^63 quarters.
const oneStep = 63

func (r *stepRun) stepOf(s int64) int64 {
	return r.step + int64(uint64(s-r.origin)/quarter>>r.shift)
}

// quarter is the greatest time that base hours, or parts of them, have in
// common; see plan.unit.
const quarter = hourSeconds / 4

// stepRunOf returns a run that holds s, see stepOf: rows that follow each
// other are in one mostly. For a time that the clock counts as ambiguous or
// skipped it holds no time, since each such row is to be counted.
func (w *partial) stepRunOf(s int64, wall, local bool) stepRun {
	counted := w.clock.Ambiguous + w.clock.Skipped
	step := w.stepOf(s, wall, local)
	if w.clock.Ambiguous+w.clock.Skipped != counted {
		return stepRun{from: s, to: s, origin: s, step: step, shift: oneStep}
	}
	clock := w.clock.current // around s it is as far from UTC as it is at s
	switch unit := w.p.unit; {
	case w.p.step == Hour && !local && (!wall || clock.begin <= s && s < clock.end):
		run := stepRun{from: minDate, to: maxDate}
		offset := int64(0)
		if wall {
			offset = clock.offset
			run.from, run.to = max(run.from, clock.begin), min(run.to, clock.end)
		}
		run.step = floorDiv(run.from-offset, unit)
		run.origin = run.step*unit + offset
		if unit == hourSeconds {
			run.shift = 2
		}
		return run
	case w.p.step == Day && local:
		begin := step * daySeconds
		return stepRun{from: begin, to: begin + daySeconds, origin: begin, step: step, shift: oneStep}
	}
	return stepRun{from: s, to: s + 1, origin: s, step: step, shift: oneStep}
}

// leaveOut takes row i out if it lies outside the period to use. Only then
// are instants of local times needed.
func (w *partial) leaveOut(i int, s int64) {
	p := w.p
	at := p.stepAt(w.steps[i])
	if p.times == instants {
		at = s
	}
	if at < p.from || at >= p.to {
		w.takeOut(i)
		w.leftOut++
	}
}

// stepOf returns the base step of a time. wall says that s is a wall time,
// local that its date is the city's.
func (w *partial) stepOf(s int64, wall, local bool) int64 {
	p := w.p
	if !local {
		if wall {
			s = w.clock.toUTC(s)
		}
		if p.step == Hour {
			return floorDiv(s, p.unit)
		}
		s = w.city.local(s)
	}
	day := floorDiv(s, daySeconds)
	switch p.step {
	case Day:
		return day
	case Week:
		return floorDiv(day+3, 7)
	}
	return p.step.step(time.Unix(s, 0), time.UTC)
}

func (w *partial) changed(column string, a arrow.Array, want string) error {
	return &ColumnError{RowGroup: -1, Row: -1, Column: column, Err: fmt.Errorf("is %s here and %s in the dataset's first file", a.DataType(), want), Hint: "files of one dataset need columns of equal types"}
}

// readInstants fills in the seconds since 1970 of timestamps and numbers.
func (w *partial) readInstants(a arrow.Array) error {
	per, err := unitsPerSecond(w.p.spec.Time.Epoch)
	if err != nil {
		return err
	}
	switch a := a.(type) {
	case *array.Timestamp:
		per = int64(time.Second / a.DataType().(*arrow.TimestampType).Unit.Multiplier())
		inSeconds(w.seconds, a.TimestampValues(), per)
	case *array.Int64:
		inSeconds(w.seconds, a.Int64Values(), per)
	case *array.Float64:
		for i, v := range a.Float64Values() {
			s := math.Floor(v / float64(per))
			if !(math.Abs(s) < 1e15) {
				s = math.MaxInt64 / 2 // out of range, as NaN is
			}
			w.seconds[i] = int64(s)
		}
	default:
		return w.changed(w.p.spec.Time.Column, a, "an instant")
	}
	return nil
}

func unitsPerSecond(epoch string) (int64, error) {
	switch epoch {
	case "", "s":
		return 1, nil
	case "ms":
		return 1e3, nil
	case "us":
		return 1e6, nil
	case "ns":
		return 1e9, nil
	}
	return 0, fmt.Errorf("time.epoch %q; choose s, ms, us or ns", epoch)
}

// readTextTimes is readTimes for text.
func (w *partial) readTextTimes(a arrow.Array, column int, at rowOrigin) error {
	name := w.p.spec.Time.Column
	cache := w.cache(column, a)
	for i := range w.use {
		switch {
		case !w.use[i]:
			continue
		case a.IsNull(i):
			w.reject(i, reasonNoTime, name, nil, at)
			continue
		}
		s, ok := cache.stamp(a, i, w.p.format)
		switch {
		case !ok && len(cache.text(a, i)) == 0:
			w.reject(i, reasonNoTime, name, nil, at)
			continue
		case !ok:
			w.reject(i, reasonBadTime, name, a, at)
			continue
		case s.seconds < minDate || s.seconds >= maxDate:
			w.reject(i, reasonFarTime, name, a, at)
			continue
		case s.form == dateStamp && w.p.step == Hour && w.p.format == nil:
			// A date among times of ISO 8601 is its midnight.
			s.form = wallStamp
		}
		wall := s.form == wallStamp || s.form == dateStamp
		local := s.form == dateStamp || wall && w.p.step > Hour && w.p.zone == w.p.city
		w.steps[i] = w.stepOf(s.seconds, wall, local)
		w.leaveOut(i, s.seconds)
	}
	return nil
}

// readPoints fills in the longitudes and latitudes of the rows.
func (w *partial) readPoints(b *rowBinding, r arrow.Record) error {
	place := w.p.spec.Place
	epsg := place.EPSG
	if b.shape >= 0 {
		decodePoints(r.Column(b.shape), w.x, w.y)
	} else {
		for i, column := range []int{b.x, b.y} {
			to := w.x
			if i == 1 {
				to = w.y
			}
			values, valid, _, err := w.decodeNumbers(r.Column(column), column, NumberSpec{})
			if err != nil {
				return err
			}
			copy(to, values)
			for j := range to {
				if !isValid(valid, j) {
					to[j] = math.NaN()
				}
			}
		}
	}
	if epsg == 0 || epsg == 4326 {
		return nil
	}
	unproject, err := projectionOf(epsg)
	if err != nil {
		return err
	}
	unproject(w.x, w.y)
	return nil
}

// readPlaces fills in the region of every row in one system: the number of
// regions stands for rows in none of them, -1 for rows that are not used.
func (w *partial) readPlaces(b *rowBinding, r arrow.Record, system *RegionSystem, at rowOrigin) {
	none := int32(len(system.IDs))
	var a arrow.Array
	switch {
	case system.Name == cityName:
		clear(w.place)
	case b.code >= 0:
		a = r.Column(b.code)
		w.cache(b.code, a).regionsOf(a, w.p.codes, w.place)
	default:
		system.points.Locate(w.x, w.y, w.place)
	}
	for i, region := range w.place {
		switch {
		case !w.use[i]:
			w.place[i] = -1
		case region < 0:
			w.place[i] = none
			w.countUnplaced(i, a, system, at)
		}
	}
}

// countUnplaced counts row i, which is in no region of a system. a holds the
// codes of regions, nil for points.
func (w *partial) countUnplaced(i int, a arrow.Array, system *RegionSystem, at rowOrigin) {
	reason, column := reasonOutside, ""
	switch {
	case a != nil:
		column = w.p.spec.Place.Column
		if reason = reasonUnknownCode; a.IsNull(i) || textOf(a, i) == "" {
			reason = reasonNoPlace
		}
	case math.IsNaN(w.x[i]) || math.IsNaN(w.y[i]):
		reason = reasonNoPlace
	}
	e := w.unplaced.add(reason, column, system.Name, 1)
	if reason == reasonNoPlace {
		return
	}
	if row := at.row + int64(i); e.wants(at.order, row) {
		text := fmt.Sprintf("%.6g, %.6g", w.x[i], w.y[i])
		if a != nil {
			text = textOf(a, i)
		}
		e.sample(Sample{File: at.file, Row: row, Text: text, order: at.order})
	}
}

// A stateInput is what a state is to add of a batch.
type stateInput struct {
	numbers []float64
	hashes  []uint64
	valid   []byte
}

func (in stateInput) addTo(s columnState, slots []int32) {
	switch s := s.(type) {
	case *sums:
		s.add(slots, in.numbers, in.valid)
	case *distinct:
		s.add(slots, in.hashes, in.valid)
	case *medians:
		s.add(slots, in.numbers, in.valid)
	case *extremum:
		s.add(slots, in.numbers, in.valid)
	}
}

// readState decodes the column of a state. Several states of one column are
// decoded once each; they share no memory, since all are held at once.
func (w *partial) readState(b *rowBinding, r arrow.Record, state int, at rowOrigin) (stateInput, error) {
	spec := w.p.states[state]
	column := b.states[state]
	a := r.Column(column)
	if spec.kind == Unique {
		hashes := w.cache(column, a).hash(a, make([]uint64, a.Len()))
		for i, used := range w.use {
			if used && !a.IsNull(i) {
				w.columns[state].Values++
			}
		}
		return stateInput{hashes: hashes, valid: a.NullBitmapBytes()}, nil
	}
	values, valid, bad, err := w.decodeNumbers(a, column, w.p.spec.Numbers[spec.column])
	if err != nil {
		return stateInput{}, err
	}
	for _, v := range bad {
		if w.use[v.row] {
			w.sample(w.badValues.add(v.reason, spec.column, "", 1), v.row, a, at)
		}
	}
	w.summarise(&w.columns[state], values, valid)
	return stateInput{numbers: values, valid: valid}, nil
}

// summarise adds the values of the rows that are used to the report of their
// column. They are finite; zeros of either sign count as 0.
func (w *partial) summarise(report *ColumnReport, values []float64, valid []byte) {
	use := w.use[:len(values)]
	n, lo, hi := report.Values, report.Min, report.Max
	for i, x := range values {
		if !use[i] || !isValid(valid, i) {
			continue
		}
		n++
		x += 0 // -0 + 0 is 0
		// Comparisons are guessed right nearly always; min and max would make
		// every row wait for the one before.
		if x < lo {
			lo = x
		}
		if x > hi {
			hi = x
		}
	}
	report.Values, report.Min, report.Max = n, lo, hi
}

// A badValue is a value of a batch that is no finite number.
type badValue struct {
	row    int
	reason string
}

// decodeNumbers returns the numbers of a column, a bitmap of those that are
// there (nil: all), and the values that are none.
func (w *partial) decodeNumbers(a arrow.Array, column int, spec NumberSpec) (values []float64, valid []byte, bad []badValue, err error) {
	if a.NullN() > 0 {
		valid = a.NullBitmapBytes()
	}
	owned := false // the bitmap of a must stay as it is
	drop := func(i int, reason string) {
		if !owned {
			fresh := bytes.Repeat([]byte{0xff}, (a.Len()+7)/8)
			copy(fresh, valid)
			valid, owned = fresh, true
		}
		valid[i>>3] &^= 1 << (i & 7)
		if reason != "" {
			bad = append(bad, badValue{i, reason})
		}
	}
	switch a := a.(type) {
	case *array.Float64:
		values = a.Float64Values()
		for i, x := range values {
			if x-x != 0 && !a.IsNull(i) { // NaN or infinite
				reason := reasonNotFinite
				if math.IsNaN(x) {
					reason = "" // how many writers say missing
				}
				drop(i, reason)
			}
		}
	case *array.Int64:
		values = make([]float64, a.Len())
		for i, x := range a.Int64Values() {
			values[i] = float64(x)
		}
	case *array.Boolean:
		values = make([]float64, a.Len())
		for i := range values {
			if !a.IsNull(i) && a.Value(i) {
				values[i] = 1
			}
		}
	case *array.String, *array.Dictionary:
		if valueType(a.DataType()) != arrow.STRING {
			return nil, nil, nil, errors.New("binary values are no numbers")
		}
		values = make([]float64, a.Len())
		cache := w.cache(column, a)
		for i := range values {
			if a.IsNull(i) {
				continue
			}
			x, kind := cache.number(a, i, spec)
			switch values[i] = x; kind {
			case missingNumber:
				drop(i, "")
			case badNumber:
				drop(i, reasonBadNumber)
			}
		}
	default:
		return nil, nil, nil, fmt.Errorf("values of type %s are no numbers", a.DataType())
	}
	return values, valid, bad, nil
}

// A localClock turns instants into local seconds of a zone.
type localClock struct {
	zone *time.Location
	run  offsetRun
}

func (c *localClock) local(utc int64) int64 {
	if utc < c.run.begin || utc >= c.run.end {
		c.run = offsetRunAt(utc, c.zone)
	}
	return utc + c.run.offset
}
