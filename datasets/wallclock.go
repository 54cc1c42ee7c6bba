package datasets

import (
	"math"
	"time"
)

// maxOffset is further than any zone has ever been from UTC (Manila's local
// mean time until 1844, 15 h 56 min), in seconds.
const maxOffset = daySeconds

// A wall time is a number of seconds since 1970-01-01 00:00 as a clock on the
// wall counts them, without a zone. An instant is one since 1970 in UTC.

// An offsetRun is a stretch of instants, begin <= u < end, in which a zone
// keeps its offset from UTC. The next run may have the same offset.
type offsetRun struct {
	begin, end, offset int64
}

// offsetRunAt returns the run of zone that holds the instant u.
func offsetRunAt(u int64, zone *time.Location) offsetRun {
	t := time.Unix(u, 0).In(zone)
	_, offset := t.Zone()
	run := offsetRun{begin: math.MinInt64, end: math.MaxInt64, offset: int64(offset)}
	begin, end := t.ZoneBounds()
	if !begin.IsZero() {
		run.begin = begin.Unix()
	}
	if !end.IsZero() {
		run.end = end.Unix()
	}
	// Beyond the transitions of the zone database, go1.26 has every year end
	// after 365 days, so that the last day of a leap year is outside its own
	// bounds (go.dev/issue/81583).
	if run.end <= u {
		run.end = max(run.end+daySeconds, u+1)
	}
	return run
}

// firstInstant returns the first instant at which the clocks of zone show w
// or a later time.
func firstInstant(w int64, zone *time.Location) int64 {
	for at := w - maxOffset; ; {
		run := offsetRunAt(at, zone)
		if u := max(run.begin, w-run.offset); u < run.end {
			return u
		}
		at = run.end
	}
}

// A wallClock finds the instants at which the clocks of a zone show a wall
// time.
type wallClock struct {
	zone *time.Location
	last offsetRun // of the latest answer, less maxOffset*2 at both ends: no wall time in it is ambiguous
}

// instants returns the first and the last instant at which the clocks show w;
// they differ where the clocks go back. If the clocks skip w when they go
// forward, exists is false and both instants are w moved forward by the gap.
func (c *wallClock) instants(w int64) (first, last int64, exists bool) {
	if u := w - c.last.offset; c.last.begin <= u && u < c.last.end {
		return u, u, true
	}
	var before offsetRun
	for at := w - maxOffset; at <= w+maxOffset; {
		run := offsetRunAt(at, c.zone)
		u := w - run.offset
		switch {
		case run.begin <= u && u < run.end:
			if !exists {
				first = u
			}
			last, exists = u, true
			c.last = shrink(run)
		case u < run.begin && !exists && w-before.offset >= before.end:
			// The clocks went from below w to above it at run.begin. The
			// offset before that moves w forward by what they skipped.
			return w - before.offset, w - before.offset, false
		}
		if run.end == math.MaxInt64 {
			break
		}
		before, at = run, run.end
	}
	return first, last, exists
}

// shrink returns the part of run whose wall times no other run can show,
// because two offsets of one zone differ by less than 2*maxOffset.
func shrink(run offsetRun) offsetRun {
	if run.begin > math.MinInt64 {
		run.begin += 2 * maxOffset
	}
	if run.end < math.MaxInt64 {
		run.end -= 2 * maxOffset
	}
	return run
}
