package datasets

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestStepRun checks that the times of a run have the steps that the clock
// gives each of them, at the ends of runs above all.
func TestStepRun(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 0))
	for _, name := range []string{"UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Manila", "Africa/Monrovia"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []Resolution{Hour, Day, Week, Month, Year} {
			for _, kind := range []struct{ wall, local bool }{{true, false}, {false, false}, {true, true}} {
				if kind.local && step == Hour {
					continue // hours are never dates of the city
				}
				p := &plan{city: zone, zone: zone, step: step, unit: hourSeconds}
				if !wholeHours(zone) {
					p.unit = quarter
				}
				w := newPartial(p)
				for range 300 {
					s := minDate + random.Int64N(maxDate-minDate)
					counted := w.clock.Ambiguous + w.clock.Skipped
					run := w.stepRunOf(s, kind.wall, kind.local)
					if w.clock.Ambiguous+w.clock.Skipped != counted {
						if run.from < run.to {
							t.Fatalf("%s, %v, %+v: the run of %d, which is counted, is %+v", name, step, kind, s, run)
						}
						if got, want := run.stepOf(s), w.stepOf(s, kind.wall, kind.local); got != want {
							t.Fatalf("%s, %v, %+v: step of %d is %d, want %d", name, step, kind, s, got, want)
						}
						continue
					}
					if s < run.from || s >= run.to || run.from < minDate || run.to > maxDate {
						t.Fatalf("%s, %v, %+v: the run of %d is %+v", name, step, kind, s, run)
					}
					for _, u := range []int64{s, run.from, run.to - 1, run.from + random.Int64N(run.to-run.from)} {
						if got, want := run.stepOf(u), newPartial(p).stepOf(u, kind.wall, kind.local); got != want {
							t.Fatalf("%s, %v, %+v: step of %d in the run of %d is %d, want %d", name, step, kind, u, s, got, want)
						}
					}
				}
			}
		}
	}
}

// TestStepRunCounts checks that each ambiguous or skipped time is counted,
// though it is the same as the one before.
func TestStepRunCounts(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	skipped := time.Date(2014, 3, 9, 2, 30, 0, 0, time.UTC).Unix()
	repeated := time.Date(2014, 11, 2, 1, 30, 0, 0, time.UTC).Unix()
	w := newPartial(&plan{city: zone, zone: zone, step: Hour, unit: hourSeconds})
	var run stepRun
	for _, s := range []int64{skipped - hourSeconds, skipped, skipped, skipped + 1, skipped + hourSeconds, repeated, repeated, repeated + hourSeconds} {
		if s < run.from || s >= run.to {
			run = w.stepRunOf(s, true, false)
		}
	}
	if w.clock.Skipped != 3 || w.clock.Ambiguous != 2 {
		t.Errorf("%d skipped and %d ambiguous times, want 3 and 2", w.clock.Skipped, w.clock.Ambiguous)
	}
}

func TestFindInts(t *testing.T) {
	c := newCodeIndex(&RegionSystem{IDs: []string{"10001", "3", "007", "-5", "9999999"}})
	codes := []int64{3, 7, 10001, -5, 9999999, 0, 0, 4, -1, 1 << 40, 10002, 3}
	want := []int32{1, -1, 0, 3, 4, -1, -1, -1, -1, -1, -1, 1}
	got := make([]int32, len(codes))
	c.findInts(codes, got)
	for i := range codes {
		if got[i] != want[i] {
			t.Errorf("the region of %d is %d, want %d", codes[i], got[i], want[i])
		}
	}
}
