package datasets

import (
	"bytes"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// readTimes fills in the base steps of the rows, and takes out those without
// a usable time.
func (w *partial) readTimes(a arrow.Array, column int, at rowOrigin) error {
	if w.p.times == textTimes {
		return w.readTextTimes(a, column, at)
	}
	times, per, local, err := w.rawTimes(a)
	if err != nil {
		return err
	}
	name := w.p.spec.Time.Column
	nulls, bounded, wall := a.NullN() > 0, w.p.bounded(), w.p.times != instants
	var run stepRun
	for first := 0; first < len(times); first += stepBlock {
		end := min(first+stepBlock, len(times))
		if !nulls && !bounded && w.out == 0 && run.place(times[first:end], per, w.steps[first:end]) {
			continue
		}
		inSeconds(w.seconds[first:end], times[first:end], per)
		for i := first; i < end; i++ {
			s := w.seconds[i]
			switch {
			case !w.use[i]:
				continue
			case nulls && a.IsNull(i):
				w.reject(i, reasonNoTime, name, nil, at)
				continue
			case bounded && w.outside(s, wall, local):
				w.leaveOut(i)
				continue
			case run.from <= s && s < run.to:
			case s < minDate || s >= maxDate:
				w.reject(i, reasonFarTime, name, a, at)
				continue
			default:
				run = w.stepRunOf(s, wall, local)
			}
			w.steps[i] = run.stepOf(s)
		}
	}
	return nil
}

// stepBlock is the number of rows that readTimes tries to place at once.
const stepBlock = 64

// rawTimes returns the times of a column and how many of their units a second
// has. local says that they are dates of the city, or times of its clocks of
// which only the date is wanted: their step needs no instant.
func (w *partial) rawTimes(a arrow.Array) (times []int64, per int64, local bool, err error) {
	p := w.p
	name := p.spec.Time.Column
	switch p.times {
	case wallTimes:
		t, ok := a.(*array.Timestamp)
		if !ok {
			return nil, 0, false, w.changed(name, a, "a timestamp")
		}
		times, per = timestamps(t)
		return times, per, p.step > Hour && p.zone == p.city, nil
	case dates:
		t, ok := a.(*array.Date32)
		if !ok {
			return nil, 0, false, w.changed(name, a, "a date")
		}
		for i, v := range t.Date32Values() {
			w.seconds[i] = int64(v) * daySeconds
		}
		return w.seconds, 1, true, nil
	}
	switch a := a.(type) {
	case *array.Timestamp:
		times, per = timestamps(a)
		return times, per, false, nil
	case *array.Int64:
		return a.Int64Values(), p.perSecond, false, nil
	case *array.Float64:
		for i, v := range a.Float64Values() {
			w.seconds[i] = floatSeconds(v, p.perSecond)
		}
		return w.seconds, 1, false, nil
	}
	return nil, 0, false, w.changed(name, a, "an instant")
}

// timestamps returns the values of an array, and how many of their units a
// second has.
func timestamps(a *array.Timestamp) (times []int64, per int64) {
	per = int64(time.Second / a.DataType().(*arrow.TimestampType).Unit.Multiplier())
	return arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(a.TimestampValues())), per
}

// inSeconds writes times, of which a second has per, as seconds.
func inSeconds(seconds, times []int64, per int64) {
	seconds = seconds[:len(times)]
	switch per { // division by a constant takes a fraction of the time
	case 1:
		copy(seconds, times)
	case 1e3:
		for i, t := range times {
			seconds[i] = floorDiv(t, 1e3)
		}
	case 1e6:
		for i, t := range times {
			seconds[i] = floorDiv(t, 1e6)
		}
	case 1e9:
		for i, t := range times {
			seconds[i] = floorDiv(t, 1e9)
		}
	default:
		for i, t := range times {
			seconds[i] = floorDiv(t, per)
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

// place writes the steps of times, of which a second has per, if all are in
// the run and in one step or two: rows that follow each other mostly are.
func (r *stepRun) place(times []int64, per int64, steps []int64) bool {
	lo, hi := times[0], times[0]
	for _, t := range times {
		lo, hi = min(lo, t), max(hi, t)
	}
	from, to := floorDiv(lo, per), floorDiv(hi, per)
	if from < r.from || to >= r.to {
		return false
	}
	low, high := r.stepOf(from), r.stepOf(to)
	steps = steps[:len(times)]
	switch high - low {
	case 0:
		for i := range steps {
			steps[i] = low
		}
		return true
	case 1:
		begin := (r.origin + (high-r.step)*(quarter<<r.shift)) * per
		for i, t := range times {
			step := low
			if t >= begin {
				step = high
			}
			steps[i] = step
		}
		return true
	}
	return false
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
		return stepRun{from: max(begin, minDate), to: min(begin+daySeconds, maxDate), origin: begin, step: step, shift: oneStep}
	}
	return stepRun{from: s, to: s + 1, origin: s, step: step, shift: oneStep}
}

// outside reports whether a time lies outside the period to use. Dates and
// times of the city's clocks are compared as such, others as instants.
func (w *partial) outside(s int64, wall, local bool) bool {
	p := w.p
	if wall && (local || p.zone == p.city) {
		return s < p.fromWall || s >= p.toWall
	}
	if wall {
		s, _, _ = w.bounds.instants(s)
	}
	return s < p.from || s >= p.to
}

// leaveOut takes row i out, since the catalog does not ask for it.
func (w *partial) leaveOut(i int) {
	w.takeOut(i)
	w.leftOut++
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
		s, ok := cache.stamp(a, i, w.p)
		wall := s.form == wallStamp || s.form == dateStamp
		local := s.form == dateStamp || wall && w.p.step > Hour && w.p.zone == w.p.city
		switch {
		case !ok && len(bytes.TrimSpace(cache.text(a, i))) == 0:
			w.reject(i, reasonNoTime, name, nil, at)
			continue
		case !ok:
			w.reject(i, reasonBadTime, name, a, at)
			continue
		case s.seconds < minDate || s.seconds >= maxDate:
			w.reject(i, reasonFarTime, name, a, at)
			continue
		case w.p.bounded() && w.outside(s.seconds, wall, local):
			w.leaveOut(i)
			continue
		}
		if local && w.p.step == Hour {
			local = false // a date among times is its midnight
		}
		w.steps[i] = w.stepOf(s.seconds, wall, local)
	}
	return nil
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
