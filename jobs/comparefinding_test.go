package jobs

import "testing"

// TestFinding: the words are those of the question that makes p small.
func TestFinding(t *testing.T) {
	number := func(x float64) *float64 { return &x }
	for _, tc := range []struct {
		name                     string
		p, pd, ppp, pnn, ppn, np float64
		z, score, guard          float64
		lag                      int
		exploratory, dense       bool
		want                     string
	}{
		{name: "together", p: 1e-4, pd: 1e-5, ppp: 1e-3, pnn: 1e-3, ppn: 1, np: 1, z: 4, score: 0.5, guard: 1,
			want: "they move together, p = 0.0001, score 0.50 at tail:5; it holds at tail:5"},
		{name: "against", p: 1e-4, pd: 1e-5, ppp: 1, pnn: 1, ppn: 1e-3, np: 1e-3, z: -4, score: -0.5, guard: 1, lag: -3,
			want: "they move against each other, p = 0.0001, score -0.50 at tail:5, strongest where y.trips leads by 3 hours; it holds at tail:5"},
		{name: "short", p: 1e-4, pd: 1e-5, ppp: 1, pnn: 1, ppn: 1, np: 1, z: 4, score: 0.5, guard: 1, exploratory: true,
			want: "they may move together, p = 0.0001, score 0.50 at tail:5; it holds at tail:5"},
		{name: "opposite routines", p: 1e-4, pd: 1e-5, ppp: 1, pnn: 1, ppn: 1, np: 1, z: 4, score: -0.76, guard: 1,
			want: "they move together, beneath opposite routines, p = 0.0001, score -0.76 at tail:5; it holds at tail:5"},
		{name: "common routine", p: 1e-4, pd: 1e-5, ppp: 1, pnn: 1, ppn: 1, np: 1, z: -4, score: 0.76, guard: 1,
			want: "they move against each other, beneath a routine in common, p = 0.0001, score 0.76 at tail:5; it holds at tail:5"},
		{name: "no direction", p: 1e-3, pd: 0.7, ppp: 0.5, pnn: 5e-4, ppn: 7e-5, np: 0.2, z: 0.5, score: 0.06, guard: 1,
			want: "they are related without a common direction: spikes of the first and valleys of the second meet more than by chance, p = 0.001, score 0.06 at tail:5; it holds at tail:5"},
		{name: "no direction, dense", p: 1e-3, pd: 0.7, ppp: 7e-5, pnn: 5e-4, ppn: 0.1, np: 0.2, z: 0.5, score: 0.06, guard: 1, dense: true,
			want: "they may be related without a common direction: spikes of both meet more than by chance, p = 0.001, score 0.06 at tail:5; it holds at tail:5"},
		{name: "long memory", p: 1e-4, pd: 1e-5, ppp: 1, pnn: 1, ppn: 1, np: 1, z: 4, score: 0.5, guard: 1.76,
			want: "they move together, p = 0.0001, score 0.50 at tail:5; it holds at tail:5; in doubt: features last for weeks, guard 1.76"},
		{name: "chance", p: 0.052, pd: 0.01, ppp: 1, pnn: 1, ppn: 1, np: 1, z: 4, score: 0.5, guard: 1,
			want: "not distinguishable from chance, p = 0.052; 1 of 2 levels could be tested"},
	} {
		level := Tested{Level: "tail:5", Lag: tc.lag, Testable: true, Score: tc.score, Z: &tc.z, Guard: &tc.guard, P: &tc.p,
			PD: &tc.pd, PPP: &tc.ppp, PNN: &tc.pnn, PPN: &tc.ppn, PNP: &tc.np}
		c := &Comparison{Testable: true, P: number(tc.p), Lag: tc.lag, Level: "tail:5", From: "tail:5", To: "tail:5", Exploratory: tc.exploratory, Dense: tc.dense,
			Levels: []Tested{level, {Level: "tail:1"}}, Lags: []Tested{level}, A: "x.rain", B: "y.trips", step: "hour", Effective: 2}
		if got := c.finding(); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
