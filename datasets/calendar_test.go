package datasets_test

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata" // the zones below, on machines without a zone database

	"github.com/google/go-cmp/cmp"

	"polygamy/datasets"
	"polygamy/topology"
)

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestParseResolution(t *testing.T) {
	for r := datasets.Hour; r <= datasets.Year; r++ {
		if got, err := datasets.ParseResolution(r.String()); got != r || err != nil {
			t.Errorf("ParseResolution(%q) = %v, %v", r.String(), got, err)
		}
	}
	for _, name := range []string{"", "minute", "Hour", "Resolution(0)"} {
		_, err := datasets.ParseResolution(name)
		want := fmt.Sprintf("unknown resolution %q; choose hour, day, week, month or year", name)
		if err == nil || err.Error() != want {
			t.Errorf("ParseResolution(%q): error %v, want %s", name, err, want)
		}
	}
}

func TestParseSeasonRule(t *testing.T) {
	for _, name := range []string{"auto", "none", "month", "quarter", "year"} {
		if got, err := datasets.ParseSeasonRule(name); got.String() != name || err != nil {
			t.Errorf("ParseSeasonRule(%q) = %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "reference", "week"} {
		_, err := datasets.ParseSeasonRule(name)
		want := fmt.Sprintf("unknown season rule %q; choose auto, none, month, quarter or year", name)
		if err == nil || err.Error() != want {
			t.Errorf("ParseSeasonRule(%q): error %v, want %s", name, err, want)
		}
	}
}

func TestAxisStart(t *testing.T) {
	for _, tc := range []struct {
		name       string
		resolution datasets.Resolution
		zone       string
		first      string
		step       int
		want       string
	}{
		{"hour before clocks go forward", datasets.Hour, "America/New_York", "2012-03-11T06:59:00Z", 0, "2012-03-11T01:00:00-05:00"},
		{"hour after clocks go forward", datasets.Hour, "America/New_York", "2012-03-11T06:59:00Z", 1, "2012-03-11T03:00:00-04:00"},
		{"hour that comes again", datasets.Hour, "America/New_York", "2012-11-04T05:00:00Z", 1, "2012-11-04T01:00:00-05:00"},
		{"hours are UTC hours", datasets.Hour, "Asia/Kolkata", "2012-01-01T00:10:00Z", 0, "2012-01-01T05:30:00+05:30"},
		{"hour before 1970", datasets.Hour, "UTC", "1969-12-31T23:59:59Z", 0, "1969-12-31T23:00:00Z"},
		{"day", datasets.Day, "America/New_York", "2012-01-01T04:00:00Z", 0, "2011-12-31T00:00:00-05:00"},
		{"day of 23 hours ends", datasets.Day, "America/New_York", "2012-03-11T12:00:00Z", 1, "2012-03-12T00:00:00-04:00"},
		{"day without midnight", datasets.Day, "America/Sao_Paulo", "2018-11-04T12:00:00Z", 0, "2018-11-04T01:00:00-02:00"},
		{"day with two midnights", datasets.Day, "America/Havana", "2012-11-04T12:00:00Z", 0, "2012-11-04T00:00:00-04:00"},
		{"day that begins, and goes on an hour later", datasets.Day, "America/St_Johns", "2009-11-01T12:00:00Z", 0, "2009-11-01T00:00:00-02:30"},
		{"day that the zone skipped", datasets.Day, "Pacific/Apia", "2011-12-30T09:00:00Z", 1, "2011-12-31T00:00:00+14:00"},
		{"week begins on Monday", datasets.Week, "America/New_York", "2012-01-02T04:59:00Z", 0, "2011-12-26T00:00:00-05:00"},
		{"next week", datasets.Week, "America/New_York", "2012-01-02T04:59:00Z", 1, "2012-01-02T00:00:00-05:00"},
		{"month", datasets.Month, "America/New_York", "2012-01-31T12:00:00Z", 2, "2012-03-01T00:00:00-05:00"},
		{"month before the axis", datasets.Month, "UTC", "2012-01-31T12:00:00Z", -1, "2011-12-01T00:00:00Z"},
		{"year", datasets.Year, "America/New_York", "2012-01-01T04:00:00Z", 0, "2011-01-01T00:00:00-05:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			axis := datasets.NewAxis(tc.resolution, location(t, tc.zone), instant(t, tc.first), 3)
			if got := axis.Start(tc.step).Format(time.RFC3339); got != tc.want {
				t.Errorf("Start(%d) = %s, want %s", tc.step, got, tc.want)
			}
		})
	}
}

// TestAxisSteps walks through the years and around clock changes and compares
// the steps with those that a reader of the clock would count.
func TestAxisSteps(t *testing.T) {
	days := func(t time.Time) int { // the calendar day of t, counted
		y, m, d := t.Date()
		return int(time.Date(y, m, d, 12, 0, 0, 0, time.UTC).Sub(time.Date(1900, 1, 1, 12, 0, 0, 0, time.UTC)).Hours()) / 24
	}
	monday := func(t time.Time) int { return days(t) - (int(t.Weekday())+6)%7 }
	ordinal := map[datasets.Resolution]func(t time.Time) int{
		datasets.Hour:  func(t time.Time) int { return int(t.Unix()+36e9) / 3600 },
		datasets.Day:   days,
		datasets.Week:  func(t time.Time) int { return monday(t) / 7 },
		datasets.Month: func(t time.Time) int { return 12*t.Year() + int(t.Month()) },
		datasets.Year:  time.Time.Year,
	}
	for _, tc := range []struct {
		zone, first, last string
		pace              time.Duration
	}{
		{"UTC", "1968-12-01T00:00:00Z", "1973-02-01T00:00:00Z", 7 * time.Hour},
		{"America/New_York", "2010-12-20T00:00:00Z", "2014-01-10T00:00:00Z", 7 * time.Hour},
		{"America/New_York", "2012-03-10T00:00:00Z", "2012-03-13T00:00:00Z", time.Minute},
		{"America/New_York", "2012-11-03T00:00:00Z", "2012-11-06T00:00:00Z", time.Minute},
		{"America/Sao_Paulo", "2018-11-03T00:00:00Z", "2018-11-06T00:00:00Z", time.Minute}, // no midnight
		{"America/Havana", "2012-11-03T00:00:00Z", "2012-11-06T00:00:00Z", time.Minute},    // two midnights
		{"America/St_Johns", "2009-10-31T00:00:00Z", "2009-11-03T00:00:00Z", time.Minute},  // back from 00:01
		{"Pacific/Apia", "2011-12-28T00:00:00Z", "2012-01-02T00:00:00Z", time.Minute},      // a day skipped
		{"Australia/Lord_Howe", "2012-03-31T00:00:00Z", "2012-04-02T00:00:00Z", time.Minute},
		{"America/New_York", "2040-12-29T00:00:00Z", "2041-01-03T00:00:00Z", time.Minute}, // beyond the zone database
		{"Asia/Kolkata", "2011-12-30T00:00:00Z", "2012-01-02T00:00:00Z", time.Minute},
	} {
		for r := datasets.Hour; r <= datasets.Year; r++ {
			t.Run(fmt.Sprintf("%s/%s/%v", tc.zone, tc.first, r), func(t *testing.T) {
				zone, first, last := location(t, tc.zone), instant(t, tc.first), instant(t, tc.last)
				axis := datasets.NewAxis(r, zone, first, 1)
				count := ordinal[r]
				begun := 0 // the highest step so far
				for at := first; at.Before(last); at = at.Add(tc.pace) {
					step := axis.Step(at)
					if want := count(at.In(zone)) - count(first.In(zone)); step != want {
						t.Fatalf("Step(%v) = %d, want %d", at.In(zone), step, want)
					}
					if step > begun {
						start := axis.Start(step)
						if start.After(at) || !start.After(at.Add(-tc.pace)) {
							t.Fatalf("Start(%d) = %v, but it is seen to begin at %v", step, start, at.In(zone))
						}
						begun = step
					}
				}
			})
		}
	}
}

func TestNilZoneIsUTC(t *testing.T) {
	axis := datasets.Axis{Resolution: datasets.Day, Steps: 2}
	if got, want := axis.Start(1), instant(t, "1970-01-02T00:00:00Z"); !got.Equal(want) {
		t.Errorf("Start(1) = %v, want %v", got, want)
	}
}

func TestSeasons(t *testing.T) {
	for _, tc := range []struct {
		name       string
		rule       datasets.SeasonRule
		resolution datasets.Resolution
		zone       string
		first      string
		steps      int
		want       []topology.Season
	}{
		{"no steps", datasets.SeasonAuto, datasets.Hour, "UTC", "2012-01-01T00:00:00Z", 0, nil},
		{"no steps, not cut", datasets.SeasonNone, datasets.Hour, "UTC", "2012-01-01T00:00:00Z", 0, nil},
		{"auto hour: months", datasets.SeasonAuto, datasets.Hour, "UTC", "2012-01-31T22:00:00Z", 4,
			[]topology.Season{{Code: 201201, First: 0, End: 2}, {Code: 201202, First: 2, End: 4}}},
		{"hours by the zone's clock", datasets.SeasonAuto, datasets.Hour, "America/New_York", "2012-02-01T03:00:00Z", 4,
			[]topology.Season{{Code: 201201, First: 0, End: 2}, {Code: 201202, First: 2, End: 4}}},
		{"auto day: quarters", datasets.SeasonAuto, datasets.Day, "America/New_York", "2012-01-01T05:00:00Z", 366,
			[]topology.Season{{Code: 201201, First: 0, End: 91}, {Code: 201202, First: 91, End: 182}, {Code: 201203, First: 182, End: 274}, {Code: 201204, First: 274, End: 366}}},
		{"auto week", datasets.SeasonAuto, datasets.Week, "UTC", "2012-01-01T00:00:00Z", 60, topology.WholeAxis(60)},
		{"auto month", datasets.SeasonAuto, datasets.Month, "UTC", "2012-01-01T00:00:00Z", 60, topology.WholeAxis(60)},
		{"auto year", datasets.SeasonAuto, datasets.Year, "UTC", "2012-01-01T00:00:00Z", 6, topology.WholeAxis(6)},
		{"none", datasets.SeasonNone, datasets.Hour, "UTC", "2012-01-31T22:00:00Z", 4, topology.WholeAxis(4)},
		{"week belongs to the month of its Monday", datasets.SeasonMonth, datasets.Week, "UTC", "2012-01-23T00:00:00Z", 3,
			[]topology.Season{{Code: 201201, First: 0, End: 2}, {Code: 201202, First: 2, End: 3}}},
		{"quarter of months", datasets.SeasonQuarter, datasets.Month, "UTC", "2011-12-01T00:00:00Z", 5,
			[]topology.Season{{Code: 201104, First: 0, End: 1}, {Code: 201201, First: 1, End: 4}, {Code: 201202, First: 4, End: 5}}},
		{"year of months", datasets.SeasonYear, datasets.Month, "UTC", "2011-12-01T00:00:00Z", 3,
			[]topology.Season{{Code: 2011, First: 0, End: 1}, {Code: 2012, First: 1, End: 3}}},
		// The codes of the reference are those of its source: year*100+month/4.
		{"reference day", datasets.SeasonReference, datasets.Day, "UTC", "2012-01-01T00:00:00Z", 366,
			[]topology.Season{{Code: 201200, First: 0, End: 91}, {Code: 201201, First: 91, End: 213}, {Code: 201202, First: 213, End: 335}, {Code: 201203, First: 335, End: 366}}},
		{"reference hour goes by UTC", datasets.SeasonReference, datasets.Hour, "America/New_York", "2012-01-31T22:00:00Z", 4,
			[]topology.Season{{Code: 201201, First: 0, End: 2}, {Code: 201202, First: 2, End: 4}}},
		{"reference week", datasets.SeasonReference, datasets.Week, "UTC", "2012-01-01T00:00:00Z", 60, topology.WholeAxis(60)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			axis := datasets.NewAxis(tc.resolution, location(t, tc.zone), instant(t, tc.first), tc.steps)
			if diff := cmp.Diff(tc.want, datasets.Seasons(axis, tc.rule)); diff != "" {
				t.Errorf("Seasons (-want +got):\n%s", diff)
			}
		})
	}
}
