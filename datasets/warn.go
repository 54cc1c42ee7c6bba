package datasets

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Shares of rows or values from which on a fault is worth a warning.
const (
	warnUnplaced  = 0.05
	warnRejected  = 0.01
	warnBadValues = 0.01
)

// warn adds the warnings that the counts give reason for.
func (r *Report) warn(p *plan) {
	add := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }
	percent := func(n, of int64) float64 { return 100 * float64(n) / float64(max(of, 1)) }
	if r.Rows == 0 {
		add("the files hold no rows")
		return
	}
	if r.Used == 0 {
		add("no row can be used")
	}
	for _, e := range r.Rejected {
		if share := percent(e.Count, r.Rows); share >= 100*warnRejected {
			add("%.1f %% of the rows are rejected: %s", share, e.Reason)
		}
	}
	for _, e := range r.Unplaced {
		share := percent(e.Count, r.Used)
		if share < 100*warnUnplaced {
			continue
		}
		if e.Column != "" && e.Reason == reasonUnknownCode {
			add("%.0f %% of `%s` match no region of %s, such as %q; its ids are like %s", share, e.Column, e.Regions, sampleText(e), someIDs(p.systems[0]))
		} else {
			add("%.0f %% of the rows are in no region of %s: %s", share, e.Regions, e.Reason)
		}
	}
	values := make(map[string]int64)
	for _, c := range r.Columns {
		values[c.Column] = max(values[c.Column], c.Values)
	}
	for _, e := range r.BadValues {
		if share := percent(e.Count, values[e.Column]+e.Count); share >= 100*warnBadValues {
			add("%.1f %% of the values of `%s` are %s, such as %q; see numbers in the catalog", share, e.Column, e.Reason, sampleText(e))
		}
	}
	// Clocks that change in spring show few events in the hour that they skip,
	// by mistake; clocks that do not change show as many as in any hour.
	hours := r.Last.Sub(r.First).Hours() + 1
	if usual := float64(springs(p.zone, r.First, r.Last)) * float64(r.Used) / hours; p.step == Hour && r.Skipped > 0 && float64(r.Skipped) >= usual/2 {
		add("%d times fall into the hour that clocks skip in spring: is `%s` local standard time all year? Then set time.zone to %s", r.Skipped, p.spec.Time.Column, standardTime(p.zone, r.First))
	}
	if r.midnight {
		add("all times are midnight: set time.step to day")
	}
	for _, s := range p.suspects {
		add("values of `%s` look like codes, not quantities: %s", s.column, s.reason)
	}
	for _, g := range r.Gaps {
		if r.partly {
			break // what has not been read is no gap
		}
		if days := g.To.Sub(g.From).Hours() / 24; days >= 28 {
			add("no rows from %s to %s: the functions are missing there", g.From.Format(time.DateOnly), g.To.Format(time.DateOnly))
		}
	}
}

// someIDs returns the first ids of a region system.
func someIDs(s *RegionSystem) string {
	const some = 3
	return strings.Join(s.IDs[:min(some, len(s.IDs))], ", ")
}

// springs returns how often the clocks of zone go forward from first to last.
func springs(zone *time.Location, first, last time.Time) int {
	n := 0
	for run := offsetRunAt(first.Unix(), zone); run.end <= last.Unix(); {
		next := offsetRunAt(run.end, zone)
		if next.offset > run.offset {
			n++
		}
		run = next
	}
	return n
}

// standardTime returns the name of a zone's standard time in the year of t,
// such as UTC-5.
func standardTime(zone *time.Location, t time.Time) string {
	_, winter := time.Date(t.Year(), 1, 1, 0, 0, 0, 0, zone).Zone()
	_, summer := time.Date(t.Year(), 7, 1, 0, 0, 0, 0, zone).Zone()
	offset := min(winter, summer)
	name := fmt.Sprintf("UTC%+d", offset/hourSeconds)
	if minutes := offset % hourSeconds / 60; minutes != 0 {
		name += fmt.Sprintf(":%02d", max(minutes, -minutes))
	}
	return name
}

func sampleText(e Reject) string {
	if len(e.Samples) == 0 {
		return ""
	}
	return e.Samples[0].Text
}

// outlierIQR is how many interquartile ranges one value must stand apart from
// all others to be called a faulty reading; and it must be further from them
// than they are spread on its side. Functions that are mostly 0, as rain is,
// have no usual spread.
const outlierIQR = 20

// Describe summarises a function, and warns of a reading that stands apart
// from all others.
func (f *Function) Describe() (r FunctionReport, warning string) {
	regions := len(f.Regions.IDs)
	r = FunctionReport{
		Function: f.Spec.String(), Resolution: f.Axis.Resolution.String(), Regions: f.Regions.Name,
		Steps: f.Axis.Steps, AllRegions: regions, Estimated: f.Estimated,
	}
	present := make([]bool, regions)
	values := make([]float64, 0, len(f.Values))
	for i, x := range f.Values {
		if math.IsNaN(x) {
			continue
		}
		present[i%regions] = true
		values = append(values, x)
		if x == 0 {
			r.Zeros++
		}
	}
	for _, p := range present {
		if p {
			r.NumRegions++
		}
	}
	n := len(values)
	if r.Values = n; n == 0 {
		return r, ""
	}
	if f.Overflow > 0 {
		warning = fmt.Sprintf("%d cells of %s are missing because they are beyond the range of numbers at %s %s", f.Overflow, r.Function, r.Resolution, r.Regions)
	}
	slices.Sort(values)
	at := func(p float64) float64 { return values[int(p*float64(n-1)+0.5)] }
	r.Min, r.Median, r.Max = values[0], values[(n-1)/2]/2+values[n/2]/2, values[n-1]
	iqr := at(0.75) - at(0.25)
	switch f.Spec.Kind {
	case Count, Sum, Unique:
		return r, warning // a busy hour is no fault
	}
	if n < 10 || !(iqr > 0) || 2*r.Zeros > n || warning != "" {
		return r, warning
	}
	apart := func(distance, next float64) bool { return distance >= outlierIQR*iqr && distance > next/2 }
	if above := values[n-1] - values[n-2]; apart(above, values[n-2]-r.Median) {
		return r, fmt.Sprintf("one value of %s (%g) is %.0f IQR above the rest at %s %s", r.Function, r.Max, above/iqr, r.Resolution, r.Regions)
	}
	if below := values[1] - values[0]; apart(below, r.Median-values[1]) {
		return r, fmt.Sprintf("one value of %s (%g) is %.0f IQR below the rest at %s %s", r.Function, r.Min, below/iqr, r.Resolution, r.Regions)
	}
	return r, ""
}
