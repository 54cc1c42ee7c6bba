package datasets

import (
	"maps"
	"math"
	"slices"
)

// A cellTable numbers the cells (step, region) that hold rows, in the order in
// which they are met, and holds the states of their rows by that number, the
// slot. Most cells of a city in an hour are empty, so memory goes with the
// occupied ones: 4 bytes for each cell of a block of cells that has a row, 2
// when the table is packed, and the states of the occupied cells.
//
// Region numbers run from 0 to regions; the last one collects the rows that
// are in no region, which count for the whole city all the same.
type cellTable struct {
	regions int
	blocks  map[int64][]int32 // slots of blockCells cells each, by number; cells are numbered by step, then region
	packed  map[int64]packedBlock
	last    []int32 // the block of the latest row
	lastKey int64
	slots   int
	counted bool       // rows are counted
	rows    slotCounts // rows of each slot, if they are
	states  []columnState
}

// blockCells is the number of cells of a block. It is a power of two: the
// runtime would round other lengths up.
const (
	blockBits  = 12
	blockCells = 1 << blockBits
)

// A packedBlock holds the slots of a block above the least of them, first. Rows
// are mostly written in the order of time, so that those of a block are near
// each other.
type packedBlock struct {
	first int32
	above []uint16 // noSlot for empty cells
}

const noSlot = math.MaxUint16

// newCellTable returns an empty table. Rows are counted if that is asked for,
// or if sums of theirs are among the states.
func newCellTable(regions int, counted bool, states []columnState) *cellTable {
	t := &cellTable{
		counted: counted,
		regions: regions,
		blocks:  make(map[int64][]int32),
		lastKey: -1 << 62,
		states:  states,
	}
	for _, s := range states {
		if s, ok := s.(*sums); ok {
			t.counted, s.rows = true, &t.rows
		}
	}
	return t
}

// block returns the slots of a block, -1 for empty cells.
func (t *cellTable) block(key int64) []int32 {
	if key != t.lastKey {
		b, ok := t.blocks[key]
		if !ok {
			b = slices.Repeat([]int32{-1}, blockCells)
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
	row := int64(t.regions) + 1 // cells of a step
	var block []int32
	key := int64(math.MinInt64) // of block
	var rows []uint16
	chunk := int32(-1) // of rows: neighbouring rows have slots in one
	for i, step := range steps {
		region := regions[i]
		if region < 0 {
			slots[i] = -1
			continue
		}
		at := step*row + int64(region)
		if at>>blockBits != key {
			key = at >> blockBits
			block = t.block(key)
		}
		cell := at & (blockCells - 1)
		slot := block[cell]
		if slot < 0 {
			slot = int32(t.slots)
			block[cell] = slot
			t.slots++
			if t.counted {
				t.rows.grow(t.slots)
				chunk = -1
			}
		}
		slots[i] = slot
		if !t.counted {
			continue
		}
		if slot>>chunkBits != chunk {
			chunk = slot >> chunkBits
			rows = t.rows.low.chunks[chunk]
		}
		n := rows[slot&(chunkSlots-1)] + 1
		if rows[slot&(chunkSlots-1)] = n; n == 0 {
			t.rows.carry(slot)
		}
	}
	for _, s := range t.states {
		s.grow(t.slots)
	}
}

// occupied returns which regions ever have a row.
func (t *cellTable) occupied() []bool {
	found := make([]bool, t.regions+1)
	t.each(func(_ int64, region int, _ int32) { found[region] = true })
	return found
}

// pack gives back the memory that only a growing table needs. No rows may be
// added afterwards.
func (t *cellTable) pack() {
	if t.slots == 0 {
		return
	}
	t.last, t.lastKey = nil, math.MinInt64
	t.packed = make(map[int64]packedBlock, len(t.blocks))
	for key, block := range t.blocks {
		first, last := int32(math.MaxInt32), int32(-1)
		for _, slot := range block {
			if slot >= 0 {
				first, last = min(first, slot), max(last, slot)
			}
		}
		if last-first >= noSlot {
			continue
		}
		p := packedBlock{first, make([]uint16, blockCells)}
		for cell, slot := range block {
			if p.above[cell] = noSlot; slot >= 0 {
				p.above[cell] = uint16(slot - first)
			}
		}
		t.packed[key] = p
		delete(t.blocks, key)
	}
	if t.counted {
		t.rows.trim(t.slots)
	}
	for _, s := range t.states {
		s.trim(t.slots)
	}
}

// each calls do for every occupied cell, in the order of steps and regions.
func (t *cellTable) each(do func(step int64, region int, slot int32)) {
	row := int64(t.regions) + 1
	keys := slices.AppendSeq(slices.Collect(maps.Keys(t.blocks)), maps.Keys(t.packed))
	slices.Sort(keys)
	for _, key := range keys {
		step := floorDiv(key<<blockBits, row)
		region := key<<blockBits - step*row
		visit := func(slot int32) {
			if slot >= 0 {
				do(step, int(region), slot)
			}
			if region++; region == row {
				step, region = step+1, 0
			}
		}
		for _, slot := range t.blocks[key] {
			visit(slot)
		}
		p := t.packed[key]
		for _, above := range p.above {
			if above == noSlot {
				visit(-1)
			} else {
				visit(p.first + int32(above))
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
			t.rows.add(target, from.rows.at(int32(slot)))
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
				t.rows.add(slots[i], from.rows.at(slot)-1) // find has counted one
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
