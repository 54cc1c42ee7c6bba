package datasets

import (
	"fmt"
	"math"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
)

// readPoints fills in the longitudes and latitudes of the rows, NaN for those
// without, and marks the rows whose place is there and cannot be read.
func (w *partial) readPoints(b *rowBinding, r arrow.Record) error {
	clear(w.badPlace)
	place := w.p.spec.Place
	if b.shape >= 0 {
		a := r.Column(b.shape)
		if decodePoints(a, w.x, w.y) > 0 {
			for i := range w.badPlace {
				w.badPlace[i] = math.IsNaN(w.x[i]) && !a.IsNull(i)
			}
		}
	} else {
		for _, axis := range []struct {
			column int
			name   string
			to     []float64
		}{{b.x, place.Lon + place.X, w.x}, {b.y, place.Lat + place.Y, w.y}} {
			values, valid, bad, err := w.decodeNumbers(r.Column(axis.column), axis.column, w.p.spec.Numbers[axis.name])
			if err != nil {
				return err
			}
			copy(axis.to, values)
			for j := range axis.to {
				if !isValid(valid, j) {
					axis.to[j] = math.NaN()
				}
			}
			for _, v := range bad {
				w.badPlace[v.row] = true
			}
		}
	}
	if w.p.unproject != nil {
		w.p.unproject(w.x, w.y)
	}
	return nil
}

// readPlaces fills in the region of every row in one system: the number of
// regions stands for rows in none of them, -1 for rows that are not used.
func (w *partial) readPlaces(b *rowBinding, r arrow.Record, system *RegionSystem, at rowOrigin) {
	none := int32(len(system.IDs))
	switch {
	case system.Name == cityName:
		clear(w.place)
	case b.code >= 0:
		a := r.Column(b.code)
		w.cache(b.code, a).regionsOf(a, w.p.codes, w.place)
	default:
		system.points.Locate(w.x, w.y, w.place)
	}
	all := w.out == 0
	for i, region := range w.place {
		switch {
		case all && region >= 0:
		case !w.use[i]:
			w.place[i] = -1
		case region < 0:
			w.place[i] = none
			w.countUnplaced(i, b, r, system, at)
		}
	}
}

// countUnplaced counts row i, which is in no region of a system.
func (w *partial) countUnplaced(i int, b *rowBinding, r arrow.Record, system *RegionSystem, at rowOrigin) {
	reason, column := reasonOutside, ""
	sample := func() string { return fmt.Sprintf("%.6g, %.6g", w.x[i], w.y[i]) }
	columnText := func(columns ...int) func() string {
		return func() string {
			var texts []string
			for _, c := range columns {
				texts = append(texts, textOf(r.Column(c), i))
			}
			return strings.Join(texts, ", ")
		}
	}
	switch {
	case b.code >= 0:
		column, reason, sample = w.p.spec.Place.Column, reasonUnknownCode, columnText(b.code)
		if text := strings.TrimSpace(textOf(r.Column(b.code), i)); text == "" || text == "NaN" {
			reason = reasonNoPlace
		}
	case w.badPlace[i] && b.shape >= 0:
		column, reason, sample = w.p.spec.Place.Geometry, reasonNotPoint, columnText()
	case w.badPlace[i]:
		reason, sample = reasonBadNumber, columnText(b.x, b.y)
	case math.IsNaN(w.x[i]) || math.IsNaN(w.y[i]):
		reason = reasonNoPlace
	}
	e := w.unplaced.add(reason, column, system.Name, 1)
	if row := at.row + int64(i); reason != reasonNoPlace && e.wants(at.order, row) {
		e.sample(Sample{File: at.file, Row: row, Text: sample(), order: at.order})
	}
}
