package datasets

import (
	"testing"
	"time"
)

// FuzzWallClock compares the instants of a wall time with those found by
// looking at the clock in every minute of the days around it.
func FuzzWallClock(f *testing.F) {
	zones := []string{"UTC", "America/New_York", "America/Sao_Paulo", "America/Havana", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kolkata", "Europe/Dublin", "Antarctica/Troll"}
	at := func(text string) int64 {
		w, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			f.Fatal(err)
		}
		return w.Unix() / 60
	}
	for zone, texts := range [][]string{
		{"2012-01-01 00:00"},
		{"2012-03-11 02:30", "2012-11-04 01:30", "2012-07-01 12:00", "2090-03-12 02:30", "2040-12-30 22:00", "2040-12-31 12:00", "2041-01-01 00:00"},
		{"2018-11-04 00:10", "2018-02-17 23:30"},
		{"2012-11-04 00:30"},
		{"2009-10-31 23:30", "2009-11-01 00:00"},
		{"2011-12-30 12:00"},
		{"2012-04-01 01:45"},
	} {
		for _, text := range texts {
			f.Add(uint8(zone), at(text))
		}
	}
	f.Fuzz(func(t *testing.T, zoneIndex uint8, minute int64) {
		zone, err := time.LoadLocation(zones[int(zoneIndex)%len(zones)])
		if err != nil {
			t.Fatal(err)
		}
		const span = 140 * 365 * 1440 // minutes: until 2109
		w := minute % span * 60
		if w < 0 { // before 1970 some offsets were not whole minutes, which the walk would miss
			w = -w
		}

		shown := func(u int64) int64 {
			_, offset := time.Unix(u, 0).In(zone).Zone()
			return u + int64(offset)
		}
		var first, last, reached int64
		exists, past := false, false
		for u := w - 30*3600; u <= w+30*3600; u += 60 {
			if shown(u) == w {
				if !exists {
					first = u
				}
				last, exists = u, true
			}
			if shown(u) >= w && !past {
				reached, past = u, true
			}
		}
		if !exists { // forward by the gap: as far past the change as w is past the clocks' last time before it
			first = reached + w - (shown(reached-60) + 60)
			last = first
		}

		if got := firstInstant(w, zone); got != reached {
			t.Errorf("%v %v: firstInstant = %d, want %d", zone, time.Unix(w, 0).UTC(), got, reached)
		}
		clock := wallClock{zone: zone}
		clock.instants(w + 200*daySeconds) // leaves a neighbouring run in the clock
		for range 2 {
			gotFirst, gotLast, gotExists := clock.instants(w)
			if gotFirst != first || gotLast != last || gotExists != exists {
				t.Errorf("%v %v: instants = %d %d %t, want %d %d %t", zone, time.Unix(w, 0).UTC(), gotFirst, gotLast, gotExists, first, last, exists)
			}
		}
	})
}
