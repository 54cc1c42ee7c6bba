package datasets

import (
	"fmt"
	"math"
)

const hoursOfWeek = 7 * 24

// WeekSlots returns where the steps of an axis stand in rows of weeks, as
// package topology's NewSlotLayout takes them: step i in slot
// slots[i]%period of row slots[i]/period. Row 0 is week firstWeek, week 0
// being the one that begins on Monday 1969-12-29, so rows of two axes that
// start on different dates are aligned by the difference of their first
// weeks. A week begins on Monday at 00:00 by the clocks of the axis' zone.
//
//   - Hour steps: a row has 168 slots, the hours of the wall clock. The hour
//     that the clocks skip in spring has no step; the two hours that they show
//     twice in autumn share a slot. Where the zone is not whole hours from
//     UTC, the slot is the local hour in which the step begins.
//   - Day steps: 7 slots, Monday first.
//   - Week steps: 1 slot.
//   - Month steps: 1 slot, and a row is a month: firstWeek counts months from
//     January of year 0.
//
// Years have no rows: they give an error, as an axis does that has more steps
// than a slot can number. Cost: O(steps).
func WeekSlots(a Axis) (firstWeek, period int, slots []int32, err error) {
	if a.Steps < 0 || a.Steps > math.MaxInt32-2*hoursOfWeek {
		return 0, 0, nil, fmt.Errorf("an axis of %d steps cannot be laid out in weeks", a.Steps)
	}
	switch a.Resolution {
	case Hour:
		first, slots := hourSlots(a)
		return first, hoursOfWeek, slots, nil
	case Day:
		first := floorDiv(a.first+3, 7)
		return int(first), 7, slotsFrom(a.first+3-7*first, a.Steps), nil
	case Week, Month:
		return int(a.first), 1, slotsFrom(0, a.Steps), nil
	}
	return 0, 0, nil, fmt.Errorf("steps of a %v have no weeks to be laid out in; choose hour, day, week or month", a.Resolution)
}

// slotsFrom returns n successive slots.
func slotsFrom(first int64, n int) []int32 {
	slots := make([]int32, n)
	for i := range slots {
		slots[i] = int32(first) + int32(i)
	}
	return slots
}

// hourSlots returns the first week and the slots of an axis of hours.
//
// The first step is in the first week: no zone ever set its clocks back from
// a Monday to the Sunday before. Where one did, the slot would be negative,
// which layouts leave out.
func hourSlots(a Axis) (firstWeek int, slots []int32) {
	zone := a.zone()
	u := a.first * hourSeconds
	run := offsetRunAt(u, zone)
	first := floorDiv(floorDiv(u+run.offset, daySeconds)+3, 7)
	monday := (first*7 - 3) * daySeconds
	slots = make([]int32, a.Steps)
	for i := range slots {
		if u >= run.end {
			run = offsetRunAt(u, zone)
		}
		slots[i] = int32(floorDiv(u+run.offset-monday, hourSeconds))
		u += hourSeconds
	}
	return int(first), slots
}
