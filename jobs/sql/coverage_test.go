package sql

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"polygamy/datasets"
)

// A coverage says for which steps a dataset has records, by the rule in the
// documentation of package datasets, step by step.
type coverage struct {
	finest      datasets.Resolution
	zone        *time.Location
	first, last int64  // base steps with rows
	usual       int64  // base steps without rows that are no gap
	gap         []bool // of the base steps from first to last
}

// newCoverage takes the steps of the finest resolution that have rows, in or
// out of regions, from the table of [source.create].
func newCoverage(t *testing.T, db *sql.DB, finest datasets.Resolution) *coverage {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	c := &coverage{finest: finest, zone: zone}
	rows, err := db.Query(fmt.Sprintf("SELECT DISTINCT %s AS step FROM used ORDER BY step", stepOf(finest)))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var steps, silences []int64
	for rows.Next() {
		var at int64
		if err := rows.Scan(&at); err != nil {
			t.Fatal(err)
		}
		step := c.baseFrom(at)
		if len(steps) > 0 {
			silences = append(silences, step-steps[len(steps)-1]-1)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	sorted := slices.Sorted(slices.Values(silences))
	percentile := 990
	if len(sorted) >= 5000 {
		percentile = 999
	}
	c.first, c.last = steps[0], steps[len(steps)-1]
	c.usual = 3 * sorted[(len(sorted)-1)*percentile/1000]
	c.gap = make([]bool, c.last-c.first+1)
	for i, silence := range silences {
		for step := steps[i] + 1; silence > c.usual && step < steps[i+1]; step++ {
			c.gap[step-c.first] = true
		}
	}
	return c
}

// baseFrom returns the number of the first base step that begins at a time or
// later; times are as secondsOf has them.
func (c *coverage) baseFrom(at int64) int64 {
	const day = 24 * 60 * 60
	length, origin := int64(day), int64(0)
	switch c.finest {
	case datasets.Hour:
		length = 60 * 60
	case datasets.Week:
		length, origin = 7*day, 4*day // 1970-01-05 was a Monday
	}
	return (at - origin + length - 1) / length
}

// covers reports whether a step is covered: if gaps and what lies outside the
// span take at most a tenth of it, outside by more than the usual silence.
func (c *coverage) covers(r datasets.Resolution, at int64) bool {
	if r == c.finest {
		step := c.baseFrom(at)
		return c.first <= step && step <= c.last && !c.gap[step-c.first]
	}
	begin, end := c.baseFrom(c.instant(at)), c.baseFrom(c.instant(following(r, at)))
	var before, after, lost int64
	for step := begin; step < end; step++ {
		switch {
		case step < c.first:
			before++
		case step > c.last:
			after++
		case c.gap[step-c.first]:
			lost++
		}
	}
	if before == end-begin || after == end-begin {
		return false
	}
	for _, outside := range []int64{before, after} {
		if outside > c.usual {
			lost += outside
		}
	}
	return 10*lost <= end-begin
}

// instant returns the begin of a date as base steps count time.
func (c *coverage) instant(date int64) int64 {
	if c.finest != datasets.Hour {
		return date
	}
	y, m, d := time.Unix(date, 0).UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, c.zone).Unix()
}

// following returns the begin of the next step of days or longer.
func following(r datasets.Resolution, date int64) int64 {
	next := map[datasets.Resolution][3]int{datasets.Day: {0, 0, 1}, datasets.Week: {0, 0, 7}, datasets.Month: {0, 1, 0}, datasets.Year: {1, 0, 0}}[r]
	return time.Unix(date, 0).UTC().AddDate(next[0], next[1], next[2]).Unix()
}
