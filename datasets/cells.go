package datasets

import (
	"maps"
	"slices"
)

// A cellTable numbers the cells (step, region) that hold rows, in the order in
// which they are met, and holds the states of their rows by that number, the
// slot. Most cells of a city in an hour are empty, so memory goes with the
// occupied ones: 4 bytes for each cell of a block of steps that has a row,
// and the states of the occupied cells.
//
// Region numbers run from 0 to regions; the last one collects the rows that
// are in no region, which count for the whole city all the same.
type cellTable struct {
	regions int
	steps   int // of a block
	blocks  map[int64][]int32
	last    []int32 // the block of the latest row
	lastKey int64
	slots   int
	counted bool             // rows are counted
	rows    slotArray[int64] // rows of each slot, if they are
	states  []columnState
}

// blockCells is about the number of cells of a block.
const blockCells = 1 << 12

func newCellTable(regions int, counted bool, states []columnState) *cellTable {
	return &cellTable{
		counted: counted,
		regions: regions,
		steps:   max(1, blockCells/(regions+1)),
		blocks:  make(map[int64][]int32),
		lastKey: -1 << 62,
		states:  states,
	}
}

// block returns the slots of a block, -1 for empty cells.
func (t *cellTable) block(key int64) []int32 {
	if key != t.lastKey {
		b, ok := t.blocks[key]
		if !ok {
			b = slices.Repeat([]int32{-1}, t.steps*(t.regions+1))
			t.blocks[key] = b
		}
		t.last, t.lastKey = b, key
	}
	return t.last
}

// find writes the slots of the cells of some rows to slots, making new ones
// as needed, and counts the rows. A row with a negative region is not used.
func (t *cellTable) find(steps []int64, regions, slots []int32) {
	regions, slots = regions[:len(steps)], slots[:len(steps)]
	row := t.regions + 1 // cells of a step
	var block []int32
	first, end := int64(0), int64(0) // the steps of block
	for i, step := range steps {
		region := regions[i]
		if region < 0 {
			slots[i] = -1
			continue
		}
		if step < first || step >= end {
			key := floorDiv(step, int64(t.steps))
			block = t.block(key)
			first = key * int64(t.steps)
			end = first + int64(t.steps)
		}
		cell := int(step-first)*row + int(region)
		slot := block[cell]
		if slot < 0 {
			slot = int32(t.slots)
			block[cell] = slot
			t.slots++
			if t.counted {
				t.rows.grow(t.slots)
			}
		}
		slots[i] = slot
	}
	if t.counted {
		t.count(slots)
	}
	for _, s := range t.states {
		s.grow(t.slots)
	}
}

// count counts rows by their slots.
func (t *cellTable) count(slots []int32) {
	chunk := int32(-1) // neighbouring rows have slots in one
	var rows []int64
	for _, slot := range slots {
		if slot < 0 {
			continue
		}
		if slot>>chunkBits != chunk {
			chunk = slot >> chunkBits
			rows = t.rows.chunks[chunk]
		}
		rows[slot&(chunkSlots-1)]++
	}
}

// occupied returns which regions ever have a row.
func (t *cellTable) occupied() []bool {
	row := t.regions + 1
	found := make([]bool, row)
	for _, block := range t.blocks {
		for first := 0; first < len(block); first += row {
			for region, slot := range block[first:][:row] {
				found[region] = found[region] || slot >= 0
			}
		}
	}
	return found
}

// each calls do for every occupied cell, in the order of steps and regions.
func (t *cellTable) each(do func(step int64, region int, slot int32)) {
	row := t.regions + 1
	for _, key := range slices.Sorted(maps.Keys(t.blocks)) {
		block := t.blocks[key]
		for i := range t.steps {
			for region, slot := range block[i*row:][:row] {
				if slot >= 0 {
					do(key*int64(t.steps)+int64(i), region, slot)
				}
			}
		}
	}
}

// absorb adds the cells of another table of the same steps, regions and states,
// which must not be used any more: blocks that t lacks change hands.
func (t *cellTable) absorb(from *cellTable) {
	to := make([]int32, from.slots)
	for _, key := range slices.Sorted(maps.Keys(from.blocks)) {
		block := from.blocks[key]
		own, ok := t.blocks[key]
		if !ok {
			t.blocks[key] = block
		}
		for cell, slot := range block {
			if slot < 0 {
				continue
			}
			if !ok || own[cell] < 0 {
				to[slot] = int32(t.slots)
				t.blocks[key][cell] = int32(t.slots)
				t.slots++
			} else {
				to[slot] = own[cell]
			}
		}
	}
	if t.counted {
		t.rows.grow(t.slots)
		for slot, target := range to {
			*t.rows.at(target) += *from.rows.at(int32(slot))
		}
	}
	for i, s := range t.states {
		s.grow(t.slots)
		s.merge(from.states[i], to)
	}
}

// add adds the cells of another table, whose states are of the same kinds, and
// which stays as it is. stepOf and regionOf say which step and region of t those of from belong to;
// a negative region leaves a cell out. Only the states numbered in which are
// added, to those of t in that order.
func (t *cellTable) add(from *cellTable, stepOf func(int64) int64, regionOf func(int) int, which []int) {
	to := make([]int32, from.slots)
	var steps []int64
	var regions, of []int32
	flush := func() {
		slots := make([]int32, len(of))
		t.find(steps, regions, slots)
		for i, slot := range of {
			if to[slot] = slots[i]; t.counted && slots[i] >= 0 {
				*t.rows.at(slots[i]) += *from.rows.at(slot) - 1 // find has counted one
			}
		}
		steps, regions, of = steps[:0], regions[:0], of[:0]
	}
	from.each(func(step int64, region int, slot int32) {
		steps, regions, of = append(steps, stepOf(step)), append(regions, int32(regionOf(region))), append(of, slot)
		if len(of) == batchRows {
			flush()
		}
	})
	flush()
	for i, s := range which {
		t.states[i].merge(from.states[s], to)
	}
}
