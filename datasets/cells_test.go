package datasets

import (
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestPack packs tables whose cells are met in the order of time, and in no
// order: slots of a block are then too far from each other for two bytes.
func TestPack(t *testing.T) {
	const regions, steps = 300, 600
	for name, shuffled := range map[string]bool{"in order": false, "in no order": true} {
		cells := make([]int, regions*steps)
		random := rand.New(rand.NewPCG(7, 7))
		for i := range cells {
			cells[i] = 2*i + random.IntN(2) // every other one
		}
		if shuffled {
			random.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
		}
		table := newCellTable(regions, true, []columnState{newSums(), newDistinct(), newMedians(), newMaximum()})
		slot := make([]int32, 1)
		for _, cell := range cells {
			table.find([]int64{int64(cell / (regions + 1))}, []int32{int32(cell % (regions + 1))}, slot)
			table.states[3].(*extremum).add(slot, []float64{float64(cell)}, nil)
		}
		type occupied struct {
			step, rows int64
			region     int
			value      float64
		}
		all := func() (found []occupied) {
			table.each(func(step int64, region int, slot int32) {
				found = append(found, occupied{step, table.rows.at(slot), region, table.states[3].result(int(slot))})
			})
			return found
		}
		before := all()
		table.pack()
		if after := all(); len(before) != len(cells) || !reflect.DeepEqual(before, after) {
			t.Errorf("%s: %d cells, then %d others", name, len(before), len(after))
		}
		if got := len(table.blocks) > 0; got != shuffled {
			t.Errorf("%s: %d blocks are packed and %d are not", name, len(table.packed), len(table.blocks))
		}
		for i, x := range before {
			if want := int(x.step)*(regions+1) + x.region; x.value != float64(want) || x.rows != 1 || i > 0 && want <= int(before[i-1].value) {
				t.Fatalf("%s: cell %d is %+v", name, i, x)
			}
		}
		for i, s := range table.states {
			if want := []int64{16, 8, 8, 8}[i] * int64(table.slots); s.bytes() != want {
				t.Errorf("%s: %T takes %d bytes for %d slots, want %d", name, s, s.bytes(), table.slots, want)
			}
		}
	}
	newCellTable(regions, true, []columnState{newSums()}).pack()
}

// TestPackRange packs a block at the edge of what two bytes hold.
func TestPackRange(t *testing.T) {
	for width, packed := range map[int32]bool{noSlot - 1: true, noSlot: false, noSlot + 1: false} {
		table := newCellTable(1, false, nil)
		block := table.block(0)
		block[0], block[5] = 3, 3+width
		table.slots = int(4 + width)
		table.pack()
		var slots []int32
		table.each(func(_ int64, _ int, slot int32) { slots = append(slots, slot) })
		if len(slots) != 2 || slots[0] != 3 || slots[1] != 3+width || len(table.packed) == 1 != packed {
			t.Errorf("slots 3 and %d: %v, packed: %t", 3+width, slots, len(table.packed) == 1)
		}
	}
}
