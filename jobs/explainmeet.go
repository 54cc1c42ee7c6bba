package jobs

import (
	"slices"
	"time"

	"polygamy/datasets"
	"polygamy/relate"
	"polygamy/topology"
)

// A meeting is how the features of two functions lie on each other: the sign
// of both in every cell, slot by slot from the first slot of the rows that are
// counted to the last, the second function moved by the lag.
type meeting struct {
	graph   *topology.Graph
	regions int
	axes    [2]datasets.Axis
	steps   [2][]int32 // step of each slot, -1 without one; those of the second are the ones beside the first's
	signs   [2][]int8  // shape [slots*regions]: 1, -1 or 0; uncounted in both where a cell is not
}

const uncounted = 2

// newMeeting lays the marks of two functions on each other, in the given rows
// of the first.
func newMeeting(f, g *datasets.Function, a, b *relate.Marks, lag int, rows []int) (*meeting, error) {
	m := &meeting{graph: f.Regions.Graph, regions: len(f.Regions.IDs), axes: [2]datasets.Axis{f.Axis, g.Axis}}
	if len(rows) == 0 {
		return m, nil
	}
	period := a.Cells / m.regions
	first := slices.Min(rows)
	slots := (slices.Max(rows) - first + 1) * period
	for i, lag := range []int{0, lag} {
		m.steps[i] = slices.Repeat([]int32{-1}, slots)
		m.signs[i] = slices.Repeat([]int8{uncounted}, slots*m.regions)
		row, _, at, err := slotsOf(m.axes[i])
		if err != nil {
			return nil, inputError(err)
		}
		for step, slot := range slices.Backward(at) { // of two steps in one slot the first
			if s := (row-first)*period + int(slot) - lag; s >= 0 && s < slots {
				m.steps[i][s] = int32(step)
			}
		}
	}
	marks := []*relate.Marks{a, b.Moved(lag, m.regions)}
	for _, row := range rows {
		for bit := range a.Cells {
			v := (row-first)*a.Cells + bit
			if x, y := signOf(marks[0], row, bit), signOf(marks[1], row, bit); x != uncounted && y != uncounted {
				m.signs[0][v], m.signs[1][v] = x, y
			}
		}
	}
	return m, nil
}

// signOf returns the sign of a bit of a row, uncounted without a value.
func signOf(m *relate.Marks, row, bit int) int8 {
	i, mask := (row-m.First)*m.Words+bit/64, uint64(1)<<(bit%64)
	switch {
	case m.Valid != nil && m.Valid[i]&mask == 0:
		return uncounted
	case m.Positive[i]&mask != 0:
		return 1
	case m.Negative[i]&mask != 0:
		return -1
	}
	return 0
}

func (m *meeting) slots() int { return len(m.steps[0]) }

// counted reports whether cell v is.
func (m *meeting) counted(v int) bool { return m.signs[0][v] != uncounted }

// pair returns which signs meet in cell v: 0 for none, and else the sign of
// the first function and 3 times that of the second.
func (m *meeting) pair(v int) int8 {
	if x, y := m.signs[0][v], m.signs[1][v]; m.counted(v) && x != 0 && y != 0 {
		return x + 3*y
	}
	return 0
}

// agreement is what a cell adds to D.
func (m *meeting) agreement(v int) int {
	if m.pair(v) == 0 {
		return 0
	}
	return int(m.signs[0][v]) * int(m.signs[1][v])
}

// start returns when a slot begins by the axis of one function, with its step.
func (m *meeting) start(side, slot int) (at time.Time, step int) {
	step = int(m.steps[side][slot])
	return m.axes[side].Start(step), step
}

// counts counts the cells of the slots that keep keeps.
func (m *meeting) counts(keep func(slot int) bool) relate.Counts {
	var c relate.Counts
	for slot := range m.slots() {
		if !keep(slot) {
			continue
		}
		for v := slot * m.regions; v < (slot+1)*m.regions; v++ {
			if m.counted(v) {
				m.count(&c, v)
			}
		}
	}
	return c
}

// count adds a counted cell.
func (m *meeting) count(c *relate.Counts, v int) {
	c.Cells++
	for side, numbers := range [2][2]*int{{&c.PositiveF, &c.NegativeF}, {&c.PositiveG, &c.NegativeG}} {
		switch m.signs[side][v] {
		case 1:
			*numbers[0]++
		case -1:
			*numbers[1]++
		}
	}
	switch m.pair(v) {
	case 1 + 3:
		c.PositivePositive++
	case -1 - 3:
		c.NegativeNegative++
	case 1 - 3:
		c.PositiveNegative++
	case -1 + 3:
		c.NegativePositive++
	}
}

// events returns the groups of cells in which features meet, each of one pair
// of signs. Cells of one region belong together, too, if a feature of one of
// the functions goes on between them: a storm stays one event when the streets
// are calm for an hour.
func (m *meeting) events() [][]int {
	return m.groups(m.pair, func(v int, pair int8) bool {
		x := int8(1)
		if pair == -1-3 || pair == -1+3 {
			x = -1
		}
		y := (pair - x) / 3
		return m.signs[0][v] == x || m.signs[1][v] == y
	})
}

// alone returns the features of one function that no feature of the other
// meets, where cells are counted.
func (m *meeting) alone(side int) [][]int {
	features := m.groups(func(v int) int8 {
		if !m.counted(v) {
			return 0
		}
		return m.signs[side][v]
	}, func(int, int8) bool { return false })
	return slices.DeleteFunc(features, func(cells []int) bool {
		return slices.ContainsFunc(cells, func(v int) bool { return m.signs[1-side][v] != 0 })
	})
}

// groups returns the connected groups of cells of one kind, other than 0, by
// their first cells: neighbours on the map in one slot, and cells of a region
// between which there is no counted cell that bridge does not let through.
func (m *meeting) groups(kind func(v int) int8, bridge func(v int, kind int8) bool) [][]int {
	parent := map[int]int{}
	find := func(v int) int {
		for parent[v] != v {
			parent[v] = parent[parent[v]]
			v = parent[v]
		}
		return v
	}
	join := func(v, w int) {
		v, w = find(v), find(w)
		parent[max(v, w)] = min(v, w)
	}
	var cells []int
	const kinds = 9 // see pair
	last := slices.Repeat([]int{-1}, m.regions*kinds)
	for v := range m.slots() * m.regions {
		slot, r := v/m.regions, v%m.regions
		k := kind(v)
		open := last[r*kinds:][:kinds]
		if k != 0 {
			cells = append(cells, v)
			parent[v] = v
			if before := open[k+4]; before >= 0 {
				join(before, v)
			}
			for _, s := range m.graph.Neighbours(r) {
				if w := slot*m.regions + int(s); int(s) < r && kind(w) == k {
					join(w, v)
				}
			}
			open[k+4] = v
		}
		for i, before := range open { // an hour that the clocks skip has no step and parts nothing
			if before >= 0 && before != v && m.steps[0][slot] >= 0 && !bridge(v, int8(i-4)) {
				open[i] = -1
			}
		}
	}
	number := map[int]int{}
	var groups [][]int
	for _, v := range cells {
		root := find(v)
		i, ok := number[root]
		if !ok {
			i = len(groups)
			number[root] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], v)
	}
	return groups
}
