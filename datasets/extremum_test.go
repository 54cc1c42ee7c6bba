package datasets

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestExtremum(t *testing.T) {
	negativeZero := math.Copysign(0, -1)
	for _, tc := range []struct {
		name     string
		values   []float64
		min, max float64
	}{
		{"no value", nil, math.NaN(), math.NaN()},
		{"one", []float64{-2}, -2, -2},
		{"zeros have no sign", []float64{negativeZero}, 0, 0},
		{"both zeros", []float64{0, negativeZero}, 0, 0},
		{"signs", []float64{3, -1, 2}, -1, 3},
		{"extremes", []float64{math.MaxFloat64, -math.MaxFloat64, 0}, -math.MaxFloat64, math.MaxFloat64},
		{"denormal", []float64{5e-324, 1e-323}, 5e-324, 1e-323},
	} {
		t.Run(tc.name, func(t *testing.T) {
			least, greatest := newMinimum(), newMaximum()
			for _, s := range []*extremum{least, greatest} {
				s.grow(1)
				s.add(make([]int32, len(tc.values)), tc.values, nil)
			}
			if got := least.result(0); !sameBits(got, tc.min) {
				t.Errorf("least is %g, want %g", got, tc.min)
			}
			if got := greatest.result(0); !sameBits(got, tc.max) {
				t.Errorf("greatest is %g, want %g", got, tc.max)
			}
		})
	}
}

func TestSlotArrayGrows(t *testing.T) {
	var a slotArray[int]
	n := 0
	for _, size := range []int{0, 1, 5, 16, 17, chunkSlots - 1, chunkSlots, chunkSlots + 1, 3 * chunkSlots, 7, 5*chunkSlots + 3} {
		a.grow(size)
		if a.len() < size || a.len() > max(n, 16, 2*size, size+chunkSlots) {
			t.Fatalf("grow(%d) from %d elements: there are %d", size, n, a.len())
		}
		for ; n < size; n++ {
			if *a.at(int32(n)) != 0 {
				t.Fatalf("grow(%d): element %d is not zero", size, n)
			}
			*a.at(int32(n)) = n
		}
	}
	if a.trim(n); a.len() != n {
		t.Errorf("%d elements are left of %d", a.len(), n)
	}
	a.grow(n + chunkSlots) // a chunk of odd length is to be filled
	for i := range a.len() {
		if i < n && *a.at(int32(i)) != i || i >= n && *a.at(int32(i)) != 0 {
			t.Fatalf("element %d is %d", i, *a.at(int32(i)))
		}
	}
}

func TestIsValid(t *testing.T) {
	if !isValid(nil, 1000) {
		t.Error("without a bitmap, a row is not valid")
	}
	valid := []byte{0b00000101, 0b10000000}
	for i := range 16 {
		if want := i == 0 || i == 2 || i == 15; isValid(valid, i) != want {
			t.Errorf("row %d: valid is %t", i, !want)
		}
	}
}

// A row is what any state may be given. Its value is an integer for sums of
// integers.
type row struct {
	cell  int // -1 for rows not to be used
	value float64
	valid bool
}

// stateKinds are all states, with the result that the definition gives for
// the values of a slot.
var stateKinds = []struct {
	name   string
	make   func() columnState
	add    func(s columnState, slots []int32, values []float64, valid []byte)
	result func(values []float64) float64
}{
	{
		"sum", func() columnState { return newCountedSums() }, addFloats,
		func(values []float64) float64 { sum, _ := exactSum(values); return sum },
	},
	{
		"sum of integers", func() columnState { return newCountedSums() },
		func(s columnState, slots []int32, values []float64, valid []byte) {
			s.(*countedSums).addInts(slots, integers(values), valid)
		},
		func(values []float64) float64 {
			for i, v := range integers(values) {
				values[i] = float64(v)
			}
			sum, _ := exactSum(values)
			return sum
		},
	},
	{
		"minimum", func() columnState { return newMinimum() }, addFloats,
		func(values []float64) float64 {
			if len(values) == 0 {
				return math.NaN()
			}
			return slices.Min(values) + 0
		},
	},
	{
		"maximum", func() columnState { return newMaximum() }, addFloats,
		func(values []float64) float64 {
			if len(values) == 0 {
				return math.NaN()
			}
			return slices.Max(values) + 0
		},
	},
	{"distinct", func() columnState { return newDistinct() }, addIDs, distinctIDs},
	{"median", func() columnState { return newMedians() }, addFloats, medianOf},
}

func addFloats(s columnState, slots []int32, values []float64, valid []byte) {
	s.(interface {
		add(slots []int32, values []float64, valid []byte)
	}).add(slots, values, valid)
}

// integers are any, but the same for equal values.
func integers(values []float64) []int64 {
	out := make([]int64, len(values))
	for i, v := range values {
		out[i] = int64(math.Float64bits(v+0)) >> 11 // 53 bits: also doubles
	}
	return out
}

// However rows are divided and parts merged, states have the result of their
// definition, bit by bit.
func TestStatesDependOnRowsAlone(t *testing.T) {
	for _, kind := range stateKinds {
		for name, draw := range magnitudes {
			t.Run(kind.name+"/"+name, func(t *testing.T) {
				for seed := range uint64(6) {
					testState(t, kind.make, kind.add, kind.result, draw, seed)
				}
			})
		}
	}
}

func testState(t *testing.T, newState func() columnState, add func(columnState, []int32, []float64, []byte),
	result func([]float64) float64, draw func(*rand.Rand) float64, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(hashInt64(int64(seed)), 1)) // alike seeds give alike first numbers
	cells := 1 + r.IntN(6)
	rows := make([]row, r.IntN(20000))
	most := 1 + len(rows)/(1+r.IntN(8)) // rows of a part
	byCell := make([][]float64, cells)
	for i := range rows {
		w := row{r.IntN(cells+1) - 1, draw(r), r.IntN(4) > 0}
		w.cell = min(w.cell, r.IntN(cells)) // cells differ in size
		if i > 0 && r.IntN(4) == 0 {
			w.value = rows[r.IntN(i)].value
		}
		rows[i] = w
		if w.cell >= 0 && w.valid {
			byCell[w.cell] = append(byCell[w.cell], w.value)
		}
	}

	// Each part numbers the cells that it finds in the order of its rows.
	var parts []statePart
	for len(rows) > 0 || len(parts) == 0 {
		n := min(r.IntN(most+1), len(rows))
		parts = append(parts, newPart(r, newState(), add, rows[:n]))
		rows = rows[n:]
	}
	for len(parts) > 1 {
		i, j := r.IntN(len(parts)), r.IntN(len(parts))
		if i == j {
			continue
		}
		before := fmt.Sprint(parts[j].results())
		parts[i].merge(parts[j])
		if after := fmt.Sprint(parts[j].results()); after != before {
			t.Fatalf("seed %d: a merge changed what was merged from %s to %s", seed, before, after)
		}
		parts = slices.Delete(parts, j, j+1)
	}

	for cell, values := range byCell {
		got := math.NaN()
		if slot, ok := parts[0].slots[cell]; ok {
			got = parts[0].state.result(int(slot))
		}
		if want := result(values); !sameBits(got, want) {
			t.Fatalf("seed %d, cell %d with %d values: result is %v, want %v", seed, cell, len(values), got, want)
		}
	}
	if parts[0].state.bytes() < 0 {
		t.Errorf("seed %d: a negative size", seed)
	}
}

// A statePart is a state with its own numbers for cells.
type statePart struct {
	state columnState
	slots map[int]int32
}

func newPart(r *rand.Rand, s columnState, add func(columnState, []int32, []float64, []byte), rows []row) statePart {
	p := statePart{s, map[int]int32{}}
	for batch := range slices.Chunk(rows, 1+r.IntN(3000)) {
		slots := make([]int32, len(batch))
		values := make([]float64, len(batch))
		valid := make([]byte, len(batch)/8+1)
		all := r.IntN(2) == 0 // the same, said with slots
		for i, w := range batch {
			slots[i], values[i] = -1, w.value
			if w.valid {
				valid[i/8] |= 1 << (i % 8)
			}
			if w.cell >= 0 && (w.valid || !all) {
				slots[i] = p.slot(w.cell)
			}
		}
		if all {
			valid = nil
		}
		add(s, slots, values, valid)
	}
	return p
}

func (p *statePart) slot(cell int) int32 {
	slot, ok := p.slots[cell]
	if !ok {
		slot = int32(len(p.slots))
		p.slots[cell] = slot
		p.state.grow(len(p.slots))
	}
	return slot
}

func (p *statePart) merge(q statePart) {
	to := make([]int32, len(q.slots))
	for cell, slot := range q.slots {
		to[slot] = p.slot(cell)
	}
	p.state.merge(q.state, to)
}

func (p *statePart) results() (out []float64) {
	for slot := range len(p.slots) {
		out = append(out, p.state.result(slot))
	}
	return out
}

// Several slots may go to one, as hours to their day, and some to none.
func TestStatesMergeSlots(t *testing.T) {
	for _, kind := range stateKinds {
		t.Run(kind.name, func(t *testing.T) {
			fine, coarse := kind.make(), kind.make()
			fine.grow(5)
			kind.add(fine, []int32{0, 1, 2, 3, 4, 2}, []float64{1, 2, 4, 8, 16, 32}, nil)
			coarse.grow(2)
			coarse.merge(fine, []int32{1, 1, -1, 0, 1})
			for slot, values := range [][]float64{{8}, {1, 2, 16}} {
				if got, want := coarse.result(slot), kind.result(values); !sameBits(got, want) {
					t.Errorf("slot %d: result is %v, want %v", slot, got, want)
				}
			}
		})
	}
}

const (
	benchmarkSlots = 260 * 744
	benchmarkRows  = 1 << 21
)

// benchmarkState adds batches of rows in time order, all valid and three
// quarters of them.
func benchmarkState[S columnState](b *testing.B, newState func() S, add func(s S, slots []int32, from int, valid []byte)) {
	slots := make([]int32, benchmarkRows)
	r := rand.New(rand.NewPCG(2, 0))
	for i := range slots {
		// Regions are not alike: the busiest have most rows.
		region := int(260 * math.Pow(r.Float64(), 3))
		slots[i] = int32(i*744/len(slots)*260 + region)
	}
	bitmap := make([]byte, batchRows/8)
	for i := range bitmap {
		bitmap[i] = byte(r.Uint32() | r.Uint32())
	}
	for _, bc := range []struct {
		name  string
		valid []byte
	}{{"all", nil}, {"bitmap", bitmap}} {
		b.Run(bc.name, func(b *testing.B) {
			var s S
			for b.Loop() {
				s = newState()
				s.grow(benchmarkSlots)
				for from := 0; from < len(slots); from += batchRows {
					add(s, slots[from:from+batchRows], from, bc.valid)
				}
			}
			rows := float64(len(slots)) * float64(b.N)
			b.ReportMetric(rows/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(b.Elapsed().Seconds()*1e9/rows, "ns/row")
			b.ReportMetric(float64(s.bytes())/benchmarkSlots, "B/slot")
		})
	}
}

func BenchmarkExtremum(b *testing.B) {
	values := make([]float64, benchmarkRows)
	r := rand.New(rand.NewPCG(1, 0))
	for i := range values {
		values[i] = magnitudes["fares"](r)
	}
	benchmarkState(b, newMinimum, func(s *extremum, slots []int32, from int, valid []byte) {
		s.add(slots, values[from:from+len(slots)], valid)
	})
}

func FuzzStates(f *testing.F) {
	f.Add(uint64(1), uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, seed uint64, kind, magnitude uint8) {
		k := stateKinds[int(kind)%len(stateKinds)]
		names := slices.Sorted(maps.Keys(magnitudes))
		testState(t, k.make, k.add, k.result, magnitudes[names[int(magnitude)%len(names)]], seed)
	})
}
