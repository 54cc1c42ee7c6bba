package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Reasons for which rows and values are not used.
const (
	reasonNoTime      = "no time"
	reasonBadTime     = "the time cannot be read"
	reasonFarTime     = "a time before 1800 or after 2200"
	reasonFields      = "a wrong number of fields"
	reasonDuplicate   = "a duplicate"
	reasonNoPlace     = "no place"
	reasonOutside     = "outside the regions"
	reasonUnknownCode = "an unknown region code"
	reasonNotPoint    = "not a point"
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
	values  []int // of each column of the plan
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
	for _, c := range p.columns {
		b.values = append(b.values, column(c, "functions"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return b, p.checkTypes(schema)
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
	columns   []ColumnReport // one a column of the plan
	clock     *clock         // of the zone of wall clock times
	bounds    wallClock      // of that zone, for times that may be outside the period
	city      localClock
	firstRow  map[rowKey]int64 // of each key of unique_by, see keyPass

	// Scratch for a batch.
	use      []bool
	out      int // rows that use takes out
	seconds  []int64
	steps    []int64
	place    []int32
	slots    []int32
	x, y     []float64
	badPlace []bool
	inputs   []columnInput            // of the columns of the plan
	caches   map[int]*dictionaryCache // by column of the record
}

func newPartial(p *plan) *partial {
	w := &partial{p: p, clock: newClock(p.zone), bounds: wallClock{zone: p.zone}, city: localClock{zone: p.city},
		inputs: make([]columnInput, len(p.columns)), caches: make(map[int]*dictionaryCache)}
	counted := slices.ContainsFunc(p.functions, func(f FunctionSpec) bool { return f.Kind == Count })
	for _, s := range p.systems {
		states := make([]columnState, len(p.states))
		for i, spec := range p.states {
			states[i] = spec.make()
		}
		w.tables = append(w.tables, newCellTable(len(s.IDs), counted, states))
	}
	for _, c := range p.columns {
		w.columns = append(w.columns, ColumnReport{Column: c, Min: math.Inf(1), Max: math.Inf(-1)})
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
	for i := range w.inputs {
		if err := w.readColumn(b, r, i, at); err != nil {
			return err
		}
	}
	for s, system := range w.p.systems {
		w.readPlaces(b, r, system, at)
		w.tables[s].find(w.steps, w.place, w.slots)
		for i, state := range w.tables[s].states {
			w.inputs[w.p.columnOf[i]].addTo(state, w.slots)
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
		w.badPlace = make([]bool, n)
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
	w.x, w.y, w.badPlace = w.x[:n], w.y[:n], w.badPlace[:n]
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
	if row := at.row + int64(i); a != nil && e.wants(at.order, row) {
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
	text := strings.Clone(a.ValueStr(i)) // the record's memory is used again
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
		null := matches("") // a missing value is an empty one
		if d, ok := a.(*array.Dictionary); ok {
			match := make([]bool, d.Dictionary().Len())
			for j := range match {
				match[j] = matches(d.Dictionary().ValueStr(j))
			}
			for j := range w.use {
				if a.IsNull(j) {
					w.use[j] = w.use[j] && null
				} else {
					w.use[j] = w.use[j] && match[d.GetValueIndex(j)]
				}
			}
			continue
		}
		for j := range w.use {
			if a.IsNull(j) {
				w.use[j] = w.use[j] && null
			} else {
				w.use[j] = w.use[j] && matches(a.ValueStr(j))
			}
		}
	}
	for _, used := range w.use {
		if !used {
			w.leftOut++
			w.out++
		}
	}
}

// A columnInput is what the states of one column are to add of a batch.
type columnInput struct {
	numbers []float64
	valid   []byte // of the numbers
	hashes  []uint64
	known   []byte // validity of the hashes
}

func (in *columnInput) addTo(s columnState, slots []int32) {
	switch s := s.(type) {
	case *sums:
		s.add(slots, in.numbers, in.valid)
	case *distinct:
		s.add(slots, in.hashes, in.known)
	case *medians:
		s.add(slots, in.numbers, in.valid)
	case *extremum:
		s.add(slots, in.numbers, in.valid)
	}
}

// readColumn decodes column i of the plan: as numbers, as identifiers, or as
// both, as its states need.
func (w *partial) readColumn(b *rowBinding, r arrow.Record, i int, at rowOrigin) error {
	name, column, in := w.p.columns[i], b.values[i], &w.inputs[i]
	a := r.Column(column)
	if w.p.hashed[i] {
		in.hashes, in.known = w.cache(column, a).hash(a, make([]uint64, a.Len()))
	}
	if !w.p.numeric[i] {
		for row, used := range w.use {
			if used && isValid(in.known, row) {
				w.columns[i].Values++
			}
		}
		return nil
	}
	var bad []badValue
	var err error
	in.numbers, in.valid, bad, err = w.decodeNumbers(a, column, w.p.spec.Numbers[name])
	if err != nil {
		return err
	}
	for _, v := range bad {
		if w.use[v.row] {
			w.sample(w.badValues.add(v.reason, name, "", 1), v.row, a, at)
		}
	}
	w.summarise(&w.columns[i], in.numbers, in.valid)
	return nil
}

// summarise adds the values of the rows that are used to the report of their
// column. They are finite; zeros of either sign count as 0.
func (w *partial) summarise(report *ColumnReport, values []float64, valid []byte) {
	use := w.use[:len(values)]
	for first := 0; first < len(values); first += 8 {
		part := values[first:min(first+8, len(values))]
		if w.out == 0 && len(part) == 8 && (valid == nil || valid[first/8] == 0xff) {
			report.Values += 8
			lo, hi := report.Min, report.Max
			for _, x := range part {
				// Comparisons are guessed right nearly always; min and max would
				// make every row wait for the one before.
				if x < lo {
					lo = x
				}
				if x > hi {
					hi = x
				}
			}
			report.Min, report.Max = lo, hi
			continue
		}
		for i, x := range part {
			if use[first+i] && isValid(valid, first+i) {
				report.Values++
				report.Min, report.Max = min(report.Min, x), max(report.Max, x)
			}
		}
	}
	report.Min, report.Max = report.Min+0, report.Max+0 // -0 + 0 is 0
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
