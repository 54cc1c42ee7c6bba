package datasets

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"
)

// findH3Cells makes the H3 region systems of the plan of the cells that the
// dataset holds. It reads the places of all rows once more for that.
func (l *loader) findH3Cells(ctx context.Context) error {
	if !slices.ContainsFunc(l.plan.systems, func(s *RegionSystem) bool { return s.h3 > 0 }) {
		return nil
	}
	pass := &h3Pass{cells: make([]map[h3Cell]bool, len(l.plan.systems))}
	for i := range pass.cells {
		pass.cells[i] = make(map[h3Cell]bool)
	}
	if err := l.each(ctx, func(int) taskReader { return newH3Reader(pass, l.plan) }); err != nil {
		return err
	}
	for i, s := range l.plan.systems {
		if s.h3 == 0 {
			continue
		}
		found, err := h3Regions(slices.Collect(maps.Keys(pass.cells[i])))
		if err != nil {
			return fmt.Errorf("regions %s: no row has a place of resolution %d: %w", s.Name, s.h3, err)
		}
		found.Name = s.Name
		l.plan.systems[i] = found
		if l.plan.codes != nil {
			l.plan.codes = newCodeIndex(found)
		}
	}
	return nil
}

// An h3Pass collects the cells of each H3 region system.
type h3Pass struct {
	mu    sync.Mutex
	cells []map[h3Cell]bool // of each region system of the plan
}

// An h3Reader is a worker of an h3Pass.
type h3Reader struct {
	*partial
	pass  *h3Pass
	cells []map[h3Cell]bool
}

func newH3Reader(pass *h3Pass, p *plan) *h3Reader {
	r := &h3Reader{partial: newPartial(p), pass: pass}
	for range p.systems {
		r.cells = append(r.cells, make(map[h3Cell]bool))
	}
	return r
}

func (r *h3Reader) add(b *rowBinding, record arrow.Record, at rowOrigin) error {
	w := r.partial
	w.resize(int(record.NumRows()))
	w.filter(b, record)
	if err := w.readTimes(record.Column(b.time), b.time, at); err != nil {
		return err
	}
	if b.x >= 0 || b.shape >= 0 {
		if err := w.readPoints(b, record); err != nil {
			return err
		}
	}
	for i, s := range w.p.systems {
		switch {
		case s.h3 == 0:
		case b.code >= 0:
			a := record.Column(b.code)
			for row := range a.Len() {
				if !w.use[row] || a.IsNull(row) {
					continue
				}
				if c, err := parseH3(codeText(a, row)); err == nil && c.resolution() == s.h3 {
					r.cells[i][c] = true
				}
			}
		default:
			for row := range w.x {
				if !w.use[row] {
					continue
				}
				if c := h3CellAt(w.x[row], w.y[row], s.h3); c != 0 {
					r.cells[i][c] = true
				}
			}
		}
	}
	return nil
}

func (r *h3Reader) end() {
	r.pass.mu.Lock()
	defer r.pass.mu.Unlock()
	for i, cells := range r.cells {
		maps.Copy(r.pass.cells[i], cells)
	}
}
