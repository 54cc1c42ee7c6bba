package jobs

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRunFindsWhatIsTrue runs the city functions of the bundled corpus, whose
// relationships are known from common sense and from the literature, and looks
// for what must be there and for what must not.
func TestRunFindsWhatIsTrue(t *testing.T) {
	out := t.TempDir()
	s := runOf(t, RunOptions{Out: out, Resolutions: []string{"hour-city", "day-city"}, Lags: 3, Datasets: []string{
		"citibike_daily", "collisions", "flights", "taxi_yellow_daily", "uber_pickups", "weather_central_park_daily", "weather_jfk_hourly"}})
	var rows []Relationship
	for _, resolution := range []string{"hour-city", "day-city"} {
		part, err := readRows[Relationship](tableFile(out, s.Run, "relationships", resolution))
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, part...)
	}
	find := func(a, b string) (best *Relationship) {
		for i := range rows {
			r := &rows[i]
			if r.Version == "anomaly" && r.P != nil && r.DatasetA+"."+r.FunctionA == a && r.DatasetB+"."+r.FunctionB == b && (best == nil || *r.P < *best.P) {
				best = r
			}
		}
		if best == nil {
			t.Fatalf("%s and %s were not tested", a, b)
		}
		return best
	}
	for _, tc := range []struct {
		a, b string
		sign float64 // of the relationship; 0: there is none
		most float64 // largest q
	}{
		{"citibike_daily.sum(trips)", "weather_central_park_daily.max(temp_max_f)", 1, 0.01},
		{"citibike_daily.sum(trips)", "weather_central_park_daily.sum(precip_in)", -1, 0.0001},
		{"flights.mean(dep_delay_min)", "weather_jfk_hourly.sum(precip_in)", 1, 0.01},
		{"collisions.count", "weather_jfk_hourly.sum(precip_in)", 1, 0.0001},
		{"collisions.count", "weather_central_park_daily.sum(snowfall_in)", 1, 0.2},
		{"taxi_yellow_daily.sum(trips)", "weather_central_park_daily.sum(precip_in)", 0, 0},
		{"taxi_yellow_daily.sum(trips)", "weather_jfk_hourly.sum(precip_in)", 0, 0},
	} {
		r := find(tc.a, tc.b)
		switch {
		case tc.sign == 0 && r.Selected:
			t.Errorf("%s and %s: found, q %g", tc.a, tc.b, *r.Q)
		case tc.sign != 0 && (r.Q == nil || *r.Q > tc.most || *r.Kappa*tc.sign <= 0):
			t.Errorf("%s and %s: p %g, kappa %v, want sign %g and q of %g at most", tc.a, tc.b, *r.P, r.Kappa, tc.sign, tc.most)
		}
	}
}

// TestRunFindsCloudburst: the cloudburst of 2014-04-30 is among the deepest
// valleys of bike trips, and a spike of pickups by Uber.
func TestRunFindsCloudburst(t *testing.T) {
	out := t.TempDir()
	s := runOf(t, RunOptions{Out: out, Resolutions: []string{"day-city"}, Datasets: []string{"citibike_daily", "uber_pickups"}})
	rows, err := readRows[FeatureRow](tableFile(out, s.Run, "features", "day-city"))
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	at := func(dataset, function, sign, level string) (days []string) {
		rows := slices.Clone(rows)
		slices.SortStableFunc(rows, func(a, b FeatureRow) int { return strings.Compare(a.Dataset, b.Dataset) })
		for _, r := range rows {
			if r.Dataset == dataset && r.Function == function && r.Sign == sign && r.Level == level {
				days = append(days, r.At.In(zone).Format(time.DateOnly))
			}
		}
		return days
	}
	if days := at("citibike_daily", "sum(trips)", "negative", "tail:1"); !slices.Contains(days, "2014-04-30") {
		t.Errorf("valleys of bike trips: %v", days)
	}
	if days := at("uber_pickups", "count", "positive", "tail:1"); !slices.Contains(days, "2014-04-30") {
		t.Errorf("spikes of pickups: %v", days)
	}
}

func tableFile(out, run, table, resolution string) string {
	return filepath.Join(out, "tables", table, "run="+run, "resolution="+resolution, "part-0.parquet")
}
