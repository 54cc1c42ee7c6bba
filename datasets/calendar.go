package datasets

import (
	"fmt"
	"time"

	"polygamy/topology"
)

// A Resolution is the length of one time step.
type Resolution int

// The resolutions, from fine to coarse. Zero is none of them, so that a
// forgotten field is noticed.
const (
	Hour  Resolution = iota + 1 // UTC hour
	Day                         // local day
	Week                        // ISO week: seven local days, Monday first
	Month                       // local calendar month
	Year                        // local calendar year
)

const (
	hourSeconds = 3600
	daySeconds  = 24 * hourSeconds
)

// String returns the name that [ParseResolution] reads.
func (r Resolution) String() string {
	switch r {
	case Hour:
		return "hour"
	case Day:
		return "day"
	case Week:
		return "week"
	case Month:
		return "month"
	case Year:
		return "year"
	}
	return fmt.Sprintf("Resolution(%d)", int(r))
}

// ParseResolution returns the resolution of the given name; the error lists
// the names.
func ParseResolution(name string) (Resolution, error) {
	for r := Hour; r <= Year; r++ {
		if r.String() == name {
			return r, nil
		}
	}
	return 0, fmt.Errorf("unknown resolution %q; choose hour, day, week, month or year", name)
}

// step returns the number of the step that holds t. Later steps have higher
// numbers, and successive steps successive numbers: hours and days count from
// 1970-01-01, week 0 begins on Monday 1969-12-29, months count from January
// of year 0, a year is itself.
func (r Resolution) step(t time.Time, zone *time.Location) int64 {
	if r == Hour {
		return floorDiv(t.Unix(), hourSeconds)
	}
	t = t.In(zone)
	switch r {
	case Day:
		return localDay(t)
	case Week:
		return floorDiv(localDay(t)+3, 7)
	case Month:
		return int64(t.Year())*12 + int64(t.Month()) - 1
	case Year:
		return int64(t.Year())
	}
	panic(fmt.Sprintf("datasets: a step of %v", r))
}

// start returns the first instant of the step with the given number, in
// seconds since 1970. A day that a zone skipped (Samoa, 2011-12-30) starts
// where the next one does.
func (r Resolution) start(step int64, zone *time.Location) int64 {
	var midnight int64
	switch r {
	case Hour:
		return step * hourSeconds
	case Day:
		midnight = step * daySeconds
	case Week:
		midnight = (step*7 - 3) * daySeconds
	case Month:
		year := floorDiv(step, 12)
		midnight = time.Date(int(year), time.Month(step-12*year+1), 1, 0, 0, 0, 0, time.UTC).Unix()
	case Year:
		midnight = time.Date(int(step), 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	default:
		panic(fmt.Sprintf("datasets: the start of a step of %v", r))
	}
	return firstInstant(midnight, zone)
}

// localDay returns the civil day number of t in its own zone, 1970-01-01
// being 0.
func localDay(t time.Time) int64 {
	_, offset := t.Zone()
	return floorDiv(t.Unix()+int64(offset), daySeconds)
}

// floorDiv returns a/b rounded down, for b > 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// An Axis is a run of consecutive time steps. The zero value has no steps.
type Axis struct {
	Resolution Resolution
	Zone       *time.Location // nil means UTC
	Steps      int

	first int64 // number of step 0, as Resolution.step counts
}

// NewAxis returns the axis of the given number of steps, the first of which
// holds the instant first. A nil zone means UTC. It panics if r is not a
// resolution.
func NewAxis(r Resolution, zone *time.Location, first time.Time, steps int) Axis {
	if zone == nil {
		zone = time.UTC
	}
	return Axis{Resolution: r, Zone: zone, Steps: steps, first: r.step(first, zone)}
}

// Len returns the number of steps.
func (a Axis) Len() int { return a.Steps }

// Start returns the first instant of step i, in the axis' zone. A day begins
// at the first instant of its local date, also where clocks skip midnight.
// i may lie outside the axis; Start(Len()) is the end of the last step.
func (a Axis) Start(i int) time.Time {
	zone := a.zone()
	return time.Unix(a.Resolution.start(a.first+int64(i), zone), 0).In(zone)
}

// Step returns the step that holds t, counted from the first step of the
// axis; it is negative before the axis and Len() or more after it. Local
// dates decide: where clocks went back across midnight (St. John's until
// 2011), the repeated hour belongs to the day that it is dated.
func (a Axis) Step(t time.Time) int {
	return int(a.Resolution.step(t, a.zone()) - a.first)
}

func (a Axis) zone() *time.Location {
	if a.Zone == nil {
		return time.UTC
	}
	return a.Zone
}

// A SeasonRule says where the time axis is cut into seasons, the stretches
// that have merge trees and thresholds of their own.
type SeasonRule int

// The season rules. A step belongs to the season in which it starts, by the
// clock of its zone.
const (
	SeasonAuto      SeasonRule = iota // month for hour steps, quarter for day steps, none for coarser ones
	SeasonNone                        // one season for the whole axis, code 1
	SeasonMonth                       // calendar months, code year*100 + month
	SeasonQuarter                     // calendar quarters, code year*100 + quarter (1 to 4)
	SeasonYear                        // calendar years, code year
	SeasonReference                   // as the published reference implementation of Data Polygamy, see Seasons
)

// String returns the rule's name.
func (s SeasonRule) String() string {
	switch s {
	case SeasonAuto:
		return "auto"
	case SeasonNone:
		return "none"
	case SeasonMonth:
		return "month"
	case SeasonQuarter:
		return "quarter"
	case SeasonYear:
		return "year"
	case SeasonReference:
		return "reference"
	}
	return fmt.Sprintf("SeasonRule(%d)", int(s))
}

// ParseSeasonRule returns the rule of the given name; the error lists the
// names. [SeasonReference] is not among them: it serves comparisons with the
// published program and is no choice for new work.
func ParseSeasonRule(name string) (SeasonRule, error) {
	for s := SeasonAuto; s <= SeasonYear; s++ {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown season rule %q; choose auto, none, month, quarter or year", name)
}

// Seasons cuts the axis by the rule, in order and without gaps. An axis of 0
// steps has no seasons. An unknown rule is a panic.
//
// [SeasonReference] cuts hour steps by month and day steps with the code
// year*100 + month/4 in integer division (January to March, April to July,
// August to November, December), leaves coarser steps whole, and goes by UTC
// whatever the zone.
func Seasons(a Axis, rule SeasonRule) []topology.Season {
	if a.Steps <= 0 {
		return nil
	}
	code := seasonCode(a.Resolution, rule)
	if code == nil {
		return topology.WholeAxis(a.Steps)
	}
	zone := a.zone()
	if rule == SeasonReference {
		zone = time.UTC
	}
	var seasons []topology.Season
	for i := range a.Steps {
		year, month, _ := a.Start(i).In(zone).Date()
		c := code(year, int(month))
		if i == 0 || c != seasons[len(seasons)-1].Code {
			seasons = append(seasons, topology.Season{Code: c, First: i})
		}
		seasons[len(seasons)-1].End = i + 1
	}
	return seasons
}

// seasonCode returns the rule's code of a year and month (1 to 12), or nil if
// the rule does not cut steps of resolution r.
func seasonCode(r Resolution, rule SeasonRule) func(year, month int) int {
	byMonth := func(year, month int) int { return year*100 + month }
	byQuarter := func(year, month int) int { return year*100 + (month+2)/3 }
	switch rule {
	case SeasonNone:
		return nil
	case SeasonMonth:
		return byMonth
	case SeasonQuarter:
		return byQuarter
	case SeasonYear:
		return func(year, _ int) int { return year }
	case SeasonAuto:
		switch r {
		case Hour:
			return byMonth
		case Day:
			return byQuarter
		}
		return nil
	case SeasonReference:
		switch r {
		case Hour:
			return byMonth
		case Day:
			return func(year, month int) int { return year*100 + month/4 }
		}
		return nil
	}
	panic(fmt.Sprintf("datasets: seasons by %v", rule))
}
