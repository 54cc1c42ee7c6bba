package relate

// Windows are stretches of rows inside which the second function is rotated.

const (
	rowsPerWindow  = 6 // weeks; see the package comment
	fewestPerRow   = 4
	longestGap     = 6      // rows without data that a window may span
	wantedGroup    = 20_000 // rotations in all: with fewer no p is small
	minRows        = 30     // valid weeks for a test in windows
	minExploratory = 8      // valid weeks for an exploratory test
)

// cutWindows cuts rows, which ascend, into windows of about size rows, of
// near-equal length and at least fewestPerRow; a window never spans a gap of
// more than longestGap rows. Stretches that are too short are left out. The
// windows are appended to the given ones.
func cutWindows(windows [][]int, rows []int, size int) [][]int {
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n]-rows[n-1]-1 <= longestGap {
			n++
		}
		run := rows[:n]
		rows = rows[n:]
		pieces := max(1, (2*len(run)+size)/(2*size)) // rounded
		for pieces > 1 && len(run)/pieces < fewestPerRow {
			pieces--
		}
		if len(run) < fewestPerRow {
			continue
		}
		for i := range pieces {
			windows = append(windows, run[i*len(run)/pieces:(i+1)*len(run)/pieces])
		}
	}
	return windows
}

// chooseWindows returns the windows of the largest size, of 6, 5 and 4 rows,
// that have enough rotations in all, in the memory of the given ones.
func chooseWindows(windows [][]int, rows []int) [][]int {
	for size := rowsPerWindow; size >= fewestPerRow; size-- {
		windows = cutWindows(windows[:0], rows, size)
		group := 1.0
		for _, w := range windows {
			group *= float64(len(w))
		}
		if group >= wantedGroup {
			break
		}
	}
	return windows
}

// commonRows returns the rows that both functions have and in which at least
// half of the cells are valid in both.
func commonRows(f, g *Marks) []int { return appendCommonRows(nil, f, g) }

// appendCommonRows appends them to rows.
func appendCommonRows(rows []int, f, g *Marks) []int {
	f.check(g)
	for row := max(f.First, g.First); row < min(f.First+f.Rows, g.First+g.Rows); row++ {
		joint := f.Cells
		switch {
		case f.Valid != nil && g.Valid != nil:
			joint = countBoth(f.row(f.Valid, row), g.row(g.Valid, row))
		case f.Valid != nil:
			joint = f.validCells(row)
		case g.Valid != nil:
			joint = g.validCells(row)
		}
		if 2*joint >= f.Cells {
			rows = append(rows, row)
		}
	}
	return rows
}
