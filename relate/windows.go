package relate

import (
	"context"
	"fmt"
	"math"
)

// Windows are stretches of rows inside which the second function is rotated.

const (
	rowsPerWindow  = 6 // weeks; see the package comment
	fewestPerRow   = 4
	longestGap     = 6      // rows without data that a window may span
	wantedGroup    = 20_000 // rotations in all: with fewer no p is small
	minRows        = 30     // valid weeks for a test in windows
	minExploratory = 8      // valid weeks for an exploratory test

	minWeekSteps   = 36 // valid weeks of one step for a test
	monthsInWindow = 12
	minMonths      = 36 // valid months for a test: three windows

	// The bounds of Null.Window: fewer rows have no rotations to speak of, and
	// beyond half a year a season differs from one end to the other.
	leastWindow, mostWindow = fewestPerRow, 26
)

// A Unit says what the rows of marks are.
type Unit int

// The units. Zero is that of hours and days.
const (
	Weeks     Unit = iota // weeks of hours or of days
	WeekSteps             // weeks that are one step each
	// Months that are one step each. The functions must have no yearly cycle
	// (the mean of each month of the year is removed): a rotation by months
	// moves it, so that of two functions that share one, 20 to 97 % have p
	// below 0.05.
	Months
)

// String returns what the rows are called.
func (u Unit) String() string {
	if u == Months {
		return "months"
	}
	return "weeks"
}

// A Null says which rows of the second function stand for each other if the
// functions are unrelated. The zero value, for rows of hours or days, is that of
// [Test].
//
//	rows       exchanged                        needs
//	Weeks      in windows of 6, 5 or 4 weeks    30 weeks; with 8 to 29 over all
//	                                            of the record, Exploratory
//	WeekSteps  in windows of 6, 5 or 4 weeks    36 weeks
//	Months     in windows of 12 months          36 months
type Null struct {
	Unit Unit
	// Window is the length of a window in weeks, 4 to 26; 0 means the largest of
	// 6, 5 and 4 that has enough rotations. Long windows tell rarer events, and
	// take a season inside them for a relationship. It must be chosen before
	// looking at the data.
	Window int
	// Permute puts weeks in any order over the whole record, however long, as
	// is done where it is too short for windows: the results are Exploratory.
	Permute bool
	// Reason, if there is one, says why there is no test: results have counts
	// and effect sizes only.
	Reason string
}

// check panics if n is not one of the above.
func (n Null) check() {
	if n.Window != 0 && (n.Window < leastWindow || n.Window > mostWindow || n.Unit == Months) || n.Permute && (n.Window != 0 || n.Unit == Months) {
		panic(fmt.Sprintf("relate: no null with windows of %d %v, permuted %t", n.Window, n.Unit, n.Permute))
	}
}

// A testKind is what can be done with a number of common rows.
type testKind int

const (
	noTest testKind = iota
	permuted
	windowed
)

// kind returns what can be done with so many rows, and if nothing the reason.
func (n Null) kind(rows int) (kind testKind, reason string) {
	n.check()
	least, exploratory := minRows, minExploratory
	switch {
	case n.Reason != "":
		return noTest, n.Reason
	case n.Permute:
		least = rows + 1
	case n.Unit == WeekSteps:
		least, exploratory = minWeekSteps, minWeekSteps
	case n.Unit == Months:
		least, exploratory = minMonths, minMonths
	}
	switch {
	case rows >= least:
		return windowed, ""
	case rows >= exploratory:
		return permuted, ""
	}
	return noTest, fmt.Sprintf("%d common %v with data; a test needs %d", rows, n.Unit, exploratory)
}

// plan returns what can be done with rows, which are cut in the memory of the
// given windows if that is a test in windows, and if nothing the reason.
func (n Null) plan(windows [][]int, rows []int) (kind testKind, cut [][]int, reason string) {
	if kind, reason = n.kind(len(rows)); kind != windowed {
		return kind, windows, reason
	}
	switch {
	case n.Window != 0:
		windows = cutWindows(windows[:0], rows, n.Window)
	case n.Unit == Months:
		windows = cutWindows(windows[:0], rows, monthsInWindow)
	default:
		windows = chooseWindows(windows, rows)
	}
	if len(windows) == 0 {
		return noTest, windows, fmt.Sprintf("%d common %v with data, none of them in a stretch of %d without a gap of more than %d; a test exchanges those of a stretch", len(rows), n.Unit, fewestPerRow, longestGap)
	}
	return windowed, windows, ""
}

// attainable is the p that the most extreme rotation has at most.
func (n Null) attainable() float64 {
	if n.Unit == Months {
		// Three windows of 12 months have 1728 rotations.
		return 5e-3
	}
	return minAttainable
}

// Windows returns the rows of two functions in which their features are
// counted, in the windows that rows are exchanged in; in one if that is the
// whole record. Without a test these are all rows of both records, as there is
// no reason then to leave out those with less than half of their cells; what
// half is, see [Test].
func (n Null) Windows(f, g *Marks) [][]int { return n.windowsOf(f, g, commonRows(f, g)) }

// LagWindows is Windows for a search over lags: for rows that have data at every
// lag. g is not moved; without a test the rows are all that both records have.
func (n Null) LagWindows(f, g *Marks, regions int, lags []int) [][]int {
	t := Tester{Null: n}
	// The error is that of the context.
	_ = t.shareRows(context.Background(), &scan{f: []*Marks{f}, g: []*Marks{g}, regions: regions, lags: lags})
	return n.windowsOf(f, g, t.rows)
}

func (n Null) windowsOf(f, g *Marks, rows []int) [][]int {
	switch kind, windows, _ := n.plan(nil, rows); kind {
	case noTest:
		return [][]int{sharedRows(f, g)}
	case permuted:
		return [][]int{rows}
	default:
		return windows
	}
}

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

// usualLength returns the most frequent length of windows, of equally frequent
// ones the longest, not counting windows without rows; 0 if there are no others.
// Lengths are counted in the memory of times, which is returned too.
func usualLength(windows [][]int, times []int) (length int, counted []int) {
	longest := 0
	for _, w := range windows {
		longest = max(longest, len(w))
	}
	times = resize(times, longest+1)
	clear(times)
	for _, w := range windows {
		times[len(w)]++
	}
	length = longest
	for n := longest - 1; n > 0; n-- {
		if times[n] > times[length] {
			length = n
		}
	}
	return length, times
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

// sharedRows returns the rows of both records.
func sharedRows(f, g *Marks) []int {
	f.check(g)
	var rows []int
	for row := max(f.First, g.First); row < min(f.First+f.Rows, g.First+g.Rows); row++ {
		rows = append(rows, row)
	}
	return rows
}

// commonRows returns the rows that both functions have and in which at least
// half of the cells that both ever cover are valid in both: a region that one
// of them knows nothing of is not missing, it is not part of the question. No
// row will do where they have no cell in common.
func commonRows(f, g *Marks) []int { return appendCommonRows(nil, f, g) }

// appendCommonRows appends them to rows.
func appendCommonRows(rows []int, f, g *Marks) []int {
	f.check(g)
	shared := sharedCells(f, g)
	if shared == 0 && f.Cells > 0 {
		return rows
	}
	for row := max(f.First, g.First); row < min(f.First+f.Rows, g.First+g.Rows); row++ {
		joint := f.Cells
		if f.Valid != nil || g.Valid != nil {
			joint = jointCells(f, g, row, row)
		}
		if 2*joint >= shared {
			rows = append(rows, row)
		}
	}
	return rows
}

// A season that is steep inside windows orders the rows of both functions
// alike, and a rotation breaks that order: features of unrelated functions
// meet more often in the data than after turns. How much more is known from
// the neighbouring windows, of which rotations change no sum: in a window whose
// row numbers have variance s, with slopes a and b of the functions' features a
// row, relative to their mean, it is a*b*s of the overlap that turns have.

// windowRates are how common the features of two functions are in a window.
type windowRates struct {
	centre, spread float64       // mean and variance of the row numbers
	rates          [2][2]float64 // features a valid cell, of a function and a sign
}

// findRates finds the rates of the windows.
func (t *overlapTables) findRates(f, g *Marks, windows [][]int) {
	t.rates = resize(t.rates, len(windows))
	for q, w := range windows {
		first, second := f.windowCounts(w, g), g.windowCounts(w, f)
		r := &t.rates[q]
		r.centre, r.spread = rowMoments(w)
		r.rates = [2][2]float64{first.rates(), second.rates()}
	}
}

// rowMoments returns the mean and the variance of the numbers of a window's
// rows.
func rowMoments(w []int) (mean, variance float64) {
	if n := len(w); w[n-1]-w[0] == n-1 { // none is missing
		return float64(w[0]) + float64(n-1)/2, float64(n*n-1) / 12
	}
	rows, squares := 0, 0
	for _, row := range w {
		d := row - w[0]
		rows += d
		squares += d * d
	}
	n := float64(len(w))
	mean = float64(rows) / n
	return float64(w[0]) + mean, float64(squares)/n - mean*mean
}

// windowCounts returns the sums of the counts of the rows of a window of m, on
// the cells that n ever covers.
func (m *Marks) windowCounts(w []int, n *Marks) (c rowCounts) {
	if first, last := w[0], w[len(w)-1]; n.held == nil && last-first == len(w)-1 {
		a, b := &m.before[first-m.First], &m.before[last+1-m.First]
		return rowCounts{b.positive - a.positive, b.negative - a.negative, b.valid - a.valid}
	}
	for _, number := range w {
		row := m.rows[number-m.First]
		if n.held != nil {
			row.positive = int32(countBoth(m.row(m.Positive, number), n.held))
			row.negative = int32(countBoth(m.row(m.Negative, number), n.held))
			row.valid = int32(n.holds)
			if m.Valid != nil {
				row.valid = int32(countBoth(m.row(m.Valid, number), n.held))
			}
		}
		c.positive += row.positive
		c.negative += row.negative
		c.valid += row.valid
	}
	return c
}

func countMean(counts []int32) float64 {
	sum := int32(0)
	for _, x := range counts {
		sum += x
	}
	return float64(sum) / float64(len(counts))
}

// rates returns the features of both signs a valid cell.
func (c *rowCounts) rates() [2]float64 {
	each := 1 / float64(max(c.valid, 1))
	return [2]float64{float64(c.positive) * each, float64(c.negative) * each}
}

// around returns the neighbours of window q of n, three at least: those on both
// sides, at an end of the record the next two.
func around(q, n int) (low, high int) {
	switch q {
	case 0:
		return 1, 2
	case n - 1:
		return q - 2, q - 1
	}
	return q - 1, q + 1
}

// slopes returns the slopes of the rates in window q, a row, relative to their
// mean over it and its neighbours. They are 0 of less than three windows.
func slopes(windows []windowRates, q int) (s [2][2]float64) {
	if len(windows) < 3 {
		return s
	}
	low, high := around(q, len(windows))
	a, b, here := &windows[low], &windows[high], &windows[q]
	scale := 3 / (b.centre - a.centre)
	for i := range s {
		for sign := range s[i] {
			x, y := a.rates[i][sign], b.rates[i][sign]
			if sum := x + y + here.rates[i][sign]; sum > 0 {
				s[i][sign] = scale * (y - x) / sum
			}
		}
	}
	return s
}

// drift returns what the overlaps of the data, and D, exceed those of turns by
// because of a drift inside windows.
func (t *overlapTables) drift(f, g *Marks, windows [][]int) (excess [numStatistics]float64) {
	t.findRates(f, g, windows)
	at := 0
	for q, n := range t.sizes {
		s := slopes(t.rates, q)
		spread := t.rates[q].spread
		for k, sign := range signsOf {
			mean := 0.0
			if t.lattice {
				mean = t.sums[k].means[q]
			} else {
				mean = countMean(t.counts[k][at : at+n])
			}
			excess[k] += mean * spread * s[0][sign[0]] * s[1][sign[1]]
		}
		at += n
	}
	for k, sign := range signs {
		excess[signedOverlap] += sign * excess[k]
	}
	return excess
}

// guarded returns what the guards leave of the distance of the data from the
// mean of the null: the drift is taken off, or the distance divided by the root
// of the inflation, whichever leaves less. A memory of weeks makes slopes too,
// so that both together would guard twice against it.
func guarded(distance, drift, inflation float64) float64 {
	less, nearer := distance-owed(distance, drift), distance/math.Sqrt(inflation)
	if math.Abs(less) < math.Abs(nearer) {
		return less
	}
	return nearer
}

// owed returns the part of the distance of the data from the mean of the null
// that is put down to an excess: of the same sign and not more than all of it,
// so that a drift that is only thought to be there can never make a discovery.
func owed(distance, excess float64) float64 {
	switch {
	case distance > 0:
		return min(max(excess, 0), distance)
	case distance < 0:
		return max(min(excess, 0), distance)
	}
	return 0
}
