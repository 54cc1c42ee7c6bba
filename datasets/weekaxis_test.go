package datasets

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"
)

func zoneNamed(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// monday0 is the Monday from which weeks are counted.
var monday0 = time.Date(1969, 12, 29, 0, 0, 0, 0, time.UTC)

// wallHour is the definition of the slot of an hour: what calendar and clock
// show when it begins, in hours since monday0 by the wall clock.
func wallHour(at time.Time) int {
	y, m, d := at.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(monday0).Hours()) + at.Hour()
}

func TestWeekSlots(t *testing.T) {
	newYork := zoneNamed(t, "America/New_York")
	spring := time.Date(2014, 3, 9, 0, 0, 0, 0, newYork)
	autumn := time.Date(2014, 11, 2, 0, 0, 0, 0, newYork)
	for _, tc := range []struct {
		name   string
		axis   Axis
		first  time.Time // of the first week
		period int
		slots  []int32
	}{
		{"hours from a Sunday", NewAxis(Hour, time.UTC, time.Date(2014, 1, 5, 22, 0, 0, 0, time.UTC), 3), time.Date(2013, 12, 30, 0, 0, 0, 0, time.UTC), 168, []int32{166, 167, 168}},
		{"spring skips 2 o'clock", NewAxis(Hour, newYork, spring, 4), time.Date(2014, 3, 3, 0, 0, 0, 0, time.UTC), 168, []int32{144, 145, 147, 148}},
		{"autumn doubles 1 o'clock", NewAxis(Hour, newYork, autumn, 4), time.Date(2014, 10, 27, 0, 0, 0, 0, time.UTC), 168, []int32{144, 145, 145, 146}},
		{"India is five and a half hours ahead", NewAxis(Hour, zoneNamed(t, "Asia/Kolkata"), time.Date(2014, 1, 5, 17, 0, 0, 0, time.UTC), 3), time.Date(2013, 12, 30, 0, 0, 0, 0, time.UTC), 168, []int32{166, 167, 168}},
		{"before 1970", NewAxis(Hour, nil, time.Date(1969, 12, 28, 23, 0, 0, 0, time.UTC), 2), time.Date(1969, 12, 22, 0, 0, 0, 0, time.UTC), 168, []int32{167, 168}},
		{"days from a Saturday", NewAxis(Day, newYork, time.Date(2014, 3, 8, 9, 0, 0, 0, newYork), 3), time.Date(2014, 3, 3, 0, 0, 0, 0, time.UTC), 7, []int32{5, 6, 7}},
		{"weeks", NewAxis(Week, newYork, spring, 2), time.Date(2014, 3, 3, 0, 0, 0, 0, time.UTC), 1, []int32{0, 1}},
		{"no steps", NewAxis(Day, nil, monday0, 0), monday0, 7, []int32{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			first, period, slots, err := WeekSlots(tc.axis)
			if want := int(tc.first.Sub(monday0).Hours()) / 168; err != nil || first != want || period != tc.period || !slices.Equal(slots, tc.slots) {
				t.Errorf("WeekSlots = %d, %d, %d, %v, want %d, %d, %d", first, period, slots, err, want, tc.period, tc.slots)
			}
		})
	}
	first, period, slots, err := WeekSlots(NewAxis(Month, nil, time.Date(2014, 3, 9, 0, 0, 0, 0, time.UTC), 2))
	if err != nil || first != 2014*12+2 || period != 1 || !slices.Equal(slots, []int32{0, 1}) {
		t.Errorf("months: %d, %d, %d, %v", first, period, slots, err)
	}
	for _, bad := range []Axis{NewAxis(Year, nil, spring, 3), {}, {Resolution: Day, Steps: -1}, {Resolution: Week, Steps: math.MaxInt32}} {
		if _, _, _, err := WeekSlots(bad); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

// TestWeekSlotsOfHours compares with the clock at each step, across all
// changes of clocks in odd zones.
func TestWeekSlotsOfHours(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	for _, name := range []string{"America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns", "America/Anchorage", "Asia/Manila"} {
		zone := zoneNamed(t, name)
		for range 8 {
			a := NewAxis(Hour, zone, time.Date(1840+rng.IntN(190), 1, 1, rng.IntN(9000), 0, 0, 0, time.UTC), 9000)
			first, _, slots, err := WeekSlots(a)
			if err != nil {
				t.Fatal(err)
			}
			for i, slot := range slots {
				if want := wallHour(a.Start(i)); int(slot) != want-168*first || slot < 0 {
					t.Fatalf("%s, step %d at %v: slot %d of week %d, want wall hour %d", name, i, a.Start(i), slot, first, want)
				}
			}
			if slots[0] >= 168 {
				t.Fatalf("%s from %v: row 0 is empty", name, a.Start(0))
			}
		}
	}
}
