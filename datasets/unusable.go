package datasets

import (
	"errors"
	"fmt"
)

// unusable returns an error if what has been read cannot be meant: no row, no
// time, no place or no number of a column can be used. A few bad rows are
// counted; all of them are a mistake of the catalog.
func (l *loader) unusable(r *Report) error {
	p := l.plan
	fail := func(column, hint, format string, args ...any) error {
		return &ColumnError{File: l.files[0].name, RowGroup: -1, Row: -1, Column: column, Err: fmt.Errorf(format, args...), Hint: hint}
	}
	switch {
	case r.Rows > 0 && r.LeftOut == r.Rows:
		return fail("", "check where, time.from and time.to", "no row is asked for")
	case r.Rows == 0:
		return fail("", "leave the dataset out, or check its files", "the file holds no row, nor do the others")
	case r.Used == 0:
		e := r.Rejected[0]
		hint := ""
		if e.Reason == reasonBadTime {
			hint = "set time.format to how it is written, such as M/D/YYYY H:mm"
		}
		return fail(e.Column, hint, "no row can be used: %s, such as %q", e.Reason, sampleText(e))
	}
	var errs []error
	for _, e := range r.BadValues {
		good := int64(0)
		for _, c := range r.Columns {
			if c.Column == e.Column {
				good = max(good, c.Values)
			}
		}
		if good == 0 && e.Reason == reasonBadNumber {
			errs = append(errs, fail(e.Column, "set numbers (decimal, thousands, missing) for it, or drop its functions", "none of its values is a number, such as %q", sampleText(e)))
		}
	}
	if p.systems[0].Name != cityName && l.allUnplaced(r) {
		e := r.Unplaced[0]
		if p.codes != nil {
			errs = append(errs, fail(p.spec.Place.Column, "its ids are like "+someIDs(p.systems[0]), "no value is the id of a region of %s, such as %q", e.Regions, sampleText(e)))
		} else {
			errs = append(errs, fail("", "are the columns of place swapped, or is epsg wrong?", "no point is in any region of the catalog, such as %s", sampleText(e)))
		}
	}
	return errors.Join(errs...)
}

// allUnplaced reports whether no row has a region in any system.
func (l *loader) allUnplaced(r *Report) bool {
	for _, s := range l.plan.systems {
		unplaced := int64(0)
		for _, e := range r.Unplaced {
			if e.Regions == s.Name {
				unplaced += e.Count
			}
		}
		if unplaced < r.Used {
			return false
		}
	}
	return true
}
