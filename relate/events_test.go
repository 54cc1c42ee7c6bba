package relate

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"polygamy/topology"
)

// A record is signs by region and time.
type record struct {
	first, rows, slots, regions int
	signs                       signRows
}

// at returns the sign of a cell, 9 if it is missing or beyond the record.
func (r *record) at(region, time int) int8 {
	row := time/r.slots - r.first
	if time < 0 || row < 0 || row >= r.rows {
		return 9
	}
	return r.signs[row][time%r.slots*r.regions+region]
}

// slowEvents is the definition of one rate: of the events of one record, whose
// windows in the other are steps from..to later.
func slowEvents(events, other *record, eventSign, otherSign int8, distance [][]int, hops, from, to int, onsets bool) (e, w signRows) {
	is := func(r *record, region, time int, sign int8) bool {
		return r.at(region, time) == sign && !(onsets && r.at(region, time-1) == sign)
	}
	e, w = make(signRows, events.rows), make(signRows, other.rows)
	for row := range e {
		e[row] = make([]int8, len(events.signs[0]))
		for c := range e[row] {
			region, time := c%events.regions, (events.first+row)*events.slots+c/events.regions
			e[row][c] = int8(b2i(is(events, region, time, eventSign)))
			if events.at(region, time) == 9 {
				e[row][c] = 9
			}
		}
	}
	for row := range w {
		w[row] = make([]int8, len(other.signs[0]))
		for c := range w[row] {
			region, time := c%other.regions, (other.first+row)*other.slots+c/other.regions
			for t := time + from; t <= time+to; t++ {
				for s := range other.regions {
					if distance[region][s] <= hops && is(other, s, t, otherSign) {
						w[row][c] = max(w[row][c], 1)
					}
				}
				if other.at(region, t) == 9 {
					w[row][c] = 9
				}
			}
		}
	}
	return e, w
}

// slowRate counts meetings and events, of the data and on average over the
// rotations of the windows.
func slowRate(e, w *record, windows [][]int) (met, events int, expected float64) {
	meanMet, meanEvents := 0.0, 0.0
	for _, window := range windows {
		for u := range window {
			for i, row := range window {
				other := window[(i+u)%len(window)]
				for c := range e.signs[0] {
					x, y := e.signs[row-e.first][c], w.signs[other-w.first][c]
					if x != 1 || y == 9 {
						continue
					}
					if u == 0 {
						met += b2i(y == 1)
						events++
					}
					meanMet += float64(b2i(y == 1)) / float64(len(window))
					meanEvents += 1 / float64(len(window))
				}
			}
		}
	}
	return met, events, meanMet / meanEvents
}

// TestEvents compares with loops over the cells.
func TestEvents(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 6))
		g := []*topology.Graph{city, lattice(13, 1), lattice(10, 7), lattice(64, 1)}[seed%4]
		regions, slots := g.NumRegions(), 1+rng.IntN(12)
		missing := []float64{0, 0.01, 0.05}[seed%3]
		a := &record{first: 3, rows: 34, slots: slots, regions: regions, signs: randomSigns(rng, 34, regions*slots, 0.1, missing)}
		b := &record{first: 2, rows: 36, slots: slots, regions: regions, signs: randomSigns(rng, 36, regions*slots, 0.2, missing)}
		o := Coincidence{
			NegativeF: rng.IntN(2) == 0, NegativeG: rng.IntN(2) == 0, Onsets: rng.IntN(2) == 0,
			Lag: rng.IntN(7) - 3, Tolerance: rng.IntN(8), Hops: rng.IntN(4),
		}
		v, err := Events(a.signs.marks(a.first), b.signs.marks(b.first), g, o)
		if err != nil {
			t.Fatal(err)
		}
		signF, signG := int8(1-2*b2i(o.NegativeF)), int8(1-2*b2i(o.NegativeG))
		distance := slowDistances(g)
		for _, rate := range []struct {
			name          string
			got           Rate
			events, other *record
			signs         [2]int8
			from, to      int
		}{
			{"precursor", v.Precursor, b, a, [2]int8{signG, signF}, -o.Lag - o.Tolerance, -o.Lag},
			{"trigger", v.Trigger, a, b, [2]int8{signF, signG}, o.Lag, o.Lag + o.Tolerance},
		} {
			e, w := slowEvents(rate.events, rate.other, rate.signs[0], rate.signs[1], distance, o.Hops, rate.from, rate.to, o.Onsets)
			events := &record{first: rate.events.first, signs: e}
			windows := &record{first: rate.other.first, signs: w}
			met, n, expected := slowRate(events, windows, Null{}.Windows(w.marks(windows.first), e.marks(events.first)))
			if rate.got.Met != met || rate.got.Events != n {
				t.Fatalf("seed %d, %+v: %s %d of %d, want %d of %d", seed, o, rate.name, rate.got.Met, rate.got.Events, met, n)
			}
			if n > 0 && math.Abs(rate.got.Rate-float64(met)/float64(n)) > 1e-12 {
				t.Errorf("seed %d: %s rate %g of %d in %d", seed, rate.name, rate.got.Rate, met, n)
			}
			if math.Abs(rate.got.Expected-expected) > 1e-9 && !math.IsNaN(expected) {
				t.Errorf("seed %d, %+v: %s expected %g, want %g", seed, o, rate.name, rate.got.Expected, expected)
			}
		}
	}
}

// TestEventsCalibration: functions that know nothing of each other meet more
// often than by chance in at most 5 % of the cases, features that bring others
// an hour or two later are found in the right direction.
func TestEventsCalibration(t *testing.T) {
	const pairs, weeks = 100, 48
	for _, follows := range []bool{false, true} {
		precursors, triggers, backwards := 0, 0, 0
		for seed := range uint64(pairs) {
			rng := rand.New(rand.NewPCG(seed, 12))
			var first, second []int
			for range 200 {
				at := rng.IntN(weeks*168 - 9)
				first = append(first, at)
				if !follows || rng.IntN(2) == 0 {
					at = rng.IntN(weeks*168 - 9)
				}
				second = append(second, at+4)
			}
			f, g := series(rng, weeks, 1, 1, first), series(rng, weeks, 1, 1, second)
			v, err := Events(f, g, city, Coincidence{Lag: 3, Tolerance: 2})
			if err != nil {
				t.Fatal(err)
			}
			back, err := Events(f, g, city, Coincidence{Lag: -5, Tolerance: 2})
			if err != nil {
				t.Fatal(err)
			}
			if !v.Precursor.Testable || !v.Trigger.Testable {
				t.Fatalf("seed %d: %s, %s", seed, v.Precursor.Reason, v.Trigger.Reason)
			}
			precursors += b2i(v.Precursor.P <= 0.05)
			triggers += b2i(v.Trigger.P <= 0.05)
			backwards += b2i(back.Trigger.P <= 0.05)
		}
		const chance = 14 // 4 standard errors above 5 % of 100
		low, high := 0, chance
		if follows {
			low, high = 90, pairs
		}
		if precursors < low || triggers < low || precursors > high || triggers > high || backwards > chance {
			t.Errorf("follows %t: of %d pairs %d precursors, %d triggers and %d backwards", follows, pairs, precursors, triggers, backwards)
		}
	}
}

// TestEventsByHand: on a street of three blocks, shocks in the first are
// followed two steps later by ones in the second.
func TestEventsByHand(t *testing.T) {
	street := lattice(3, 1)
	a, b := make(signRows, 40), make(signRows, 40)
	for w := range a {
		a[w], b[w] = make([]int8, 3*10), make([]int8, 3*10)
		slot := w * 7 % 8
		a[w][slot*3] = 1
		b[w][(slot+2)*3+1] = -1
		if w%2 == 0 {
			b[w][(slot+2)*3+2] = -1 // two hops away
		}
	}
	for _, tc := range []struct {
		name               string
		o                  Coincidence
		precursor, trigger float64
	}{
		{"the place is another", Coincidence{NegativeG: true, Lag: 2}, 0, 0},
		{"next door", Coincidence{NegativeG: true, Lag: 2, Hops: 1}, 2.0 / 3, 1},
		{"in the street", Coincidence{NegativeG: true, Lag: 2, Hops: 2}, 1, 1},
		{"later", Coincidence{NegativeG: true, Lag: 1, Hops: 2}, 0, 0},
		{"within two steps", Coincidence{NegativeG: true, Tolerance: 2, Hops: 2}, 1, 1},
		{"other sign", Coincidence{Lag: 2, Hops: 2}, math.NaN(), 0},
	} {
		v, err := Events(a.marks(0), b.marks(0), street, tc.o)
		if err != nil {
			t.Fatal(err)
		}
		if p, q := v.Precursor.Rate, v.Trigger.Rate; p != tc.precursor && !(math.IsNaN(p) && math.IsNaN(tc.precursor)) || q != tc.trigger {
			t.Errorf("%s: precursor %g, trigger %g; want %g and %g", tc.name, p, q, tc.precursor, tc.trigger)
		}
	}
}

func TestEventsRefuse(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	f := randomSigns(rng, 40, 24, 0.1, 0).marks(0)
	for _, tc := range []struct {
		o    Coincidence
		want string
	}{
		{Coincidence{Tolerance: -1}, "a tolerance of -1 steps and 0 hops"},
		{Coincidence{Hops: -2}, "a tolerance of 0 steps and -2 hops"},
		{Coincidence{Lag: 961}, "a lag of 961 and a tolerance of 0 steps; the records have 960"},
		{Coincidence{Lag: math.MinInt}, "the records have 960"},
		{Coincidence{Tolerance: math.MaxInt}, "the records have 960"},
	} {
		if _, err := Events(f, f, city, tc.o); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: error %v, want %q", tc.o, err, tc.want)
		}
	}
	// As long as a record: nothing is left, and nothing is wrong.
	for _, o := range []Coincidence{{Lag: 960}, {Lag: -960}, {Tolerance: 960}, {Lag: 960, Tolerance: 960, Hops: math.MaxInt}} {
		v, err := Events(f, f, city, o)
		if err != nil || v.Precursor.Testable || v.Precursor.Reason == "" || v.Precursor.Events != 0 || !math.IsNaN(v.Trigger.Rate) || !math.IsNaN(v.Trigger.Expected) {
			t.Errorf("%+v: %+v, error %v", o, v, err)
		}
	}
	shorter := randomSigns(rng, 7, 168, 0.1, 0).marks(0)
	if v, err := Events(shorter, shorter, city, Coincidence{}); err != nil || v.Trigger.Testable || v.Trigger.Rate != 1 || !math.IsNaN(v.Trigger.Expected) {
		t.Errorf("7 weeks: %+v, error %v", v, err)
	}
	short := randomSigns(rng, 12, 168, 0.1, 0).marks(0)
	v, err := Events(short, short, city, Coincidence{Tolerance: 1})
	if err != nil || !v.Trigger.Exploratory || !v.Trigger.Testable || v.Trigger.Rate != 1 || !(v.Trigger.Expected < 0.5) {
		t.Errorf("12 weeks: %+v, error %v", v, err)
	}
}

// TestEventsDoNotChangeMarks: functions are shared by tests.
func TestEventsDoNotChangeMarks(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	f := randomSigns(rng, 40, 24, 0.1, 0.01).marks(0)
	positive, negative, valid := slices.Clone(f.Positive), slices.Clone(f.Negative), slices.Clone(f.Valid)
	if _, err := Events(f, f, lattice(4, 1), Coincidence{Lag: 1, Tolerance: 2, Hops: 1, Onsets: true}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.Positive, positive) || !slices.Equal(f.Negative, negative) || !slices.Equal(f.Valid, valid) {
		t.Error("the marks are others")
	}
}
