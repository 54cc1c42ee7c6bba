package relate

import (
	"math"
	"math/bits"

	"gonum.org/v1/gonum/floats"
)

// Features with a memory of weeks make neighbouring windows dependent, and the
// tails of the null too light. A Memory is how long a function's features last,
// from which the variance that the null lacks is found.
type Memory struct {
	rho     []float64                      // correlation of the features k rows apart, k = 0, 1, ...
	rotated [usualWindow + 1]rotatedMemory // by rows of a window, from fewestPerRow on
}

const (
	usualWindow = rowsPerWindow + 2       // the longest window that cutWindows makes
	memoryRows  = 2 * (rowsPerWindow + 1) // correlations up to two windows
	levelRows   = 6                       // half of the running level that is removed, in rows: 13 weeks in all
	wantedPairs = 4                       // rows k apart to estimate a correlation from
)

// NewMemory returns the memory of a function's features: the correlation of
// their signs k rows apart, in the same cell of the row, after the mean of 13
// rows around each has been removed.
//
// Cost: O(rows * 27 * words).
func NewMemory(m *Marks) *Memory {
	// products[w][d] is the product of rows w and w+d, summed over their cells.
	reach := memoryRows + 2*levelRows
	products := make([][]float64, m.Rows)
	for w := range m.Rows {
		products[w] = make([]float64, min(reach, m.Rows-1-w)+1)
		for d := range products[w] {
			products[w][d] = float64(m.product(m.First+w, m.First+w+d))
		}
	}
	product := func(a, b int) float64 {
		if a > b {
			a, b = b, a
		}
		if b-a >= len(products[a]) {
			return 0 // never asked for: all within reach
		}
		return products[a][b-a]
	}
	// A row less the mean of those around it is a weighted sum of rows, so its
	// products are weighted sums of products.
	centred := func(a, b int) float64 {
		first1, end1 := max(0, a-levelRows), min(m.Rows, a+levelRows+1)
		first2, end2 := max(0, b-levelRows), min(m.Rows, b+levelRows+1)
		x := product(a, b)
		for i := first1; i < end1; i++ {
			x -= product(i, b) / float64(end1-first1)
		}
		for j := first2; j < end2; j++ {
			x -= product(a, j) / float64(end2-first2)
			for i := first1; i < end1; i++ {
				x += product(i, j) / float64((end1-first1)*(end2-first2))
			}
		}
		return x
	}
	memory := &Memory{rho: make([]float64, memoryRows+1)}
	for k := range memory.rho {
		pairs := m.Rows - k
		if pairs < wantedPairs {
			break
		}
		for w := range pairs {
			memory.rho[k] += centred(w, w+k) / float64(pairs)
		}
	}
	memory.scale()
	for n := fewestPerRow; n <= usualWindow; n++ {
		memory.rotated[n] = memory.rotate(n)
	}
	return memory
}

// scale divides the covariances by the variance.
func (m *Memory) scale() {
	if m.rho[0] > 0 {
		for k := len(m.rho) - 1; k >= 0; k-- {
			m.rho[k] /= m.rho[0]
		}
	}
}

// newValueMemory returns the memory of values as [NewMemory] does that of
// features: the correlation of values k rows apart, in the same slot of the
// row, after the mean of 13 rows around each has been removed. Missing values,
// NaN, have no part in it.
//
// Cost: O(rows * 17 * period), and as much memory as the values take.
func newValueMemory(v []float64, period int) *Memory {
	left, squares, n := withoutLevel(v, period)
	memory := &Memory{rho: make([]float64, memoryRows+1)}
	for k := range memory.rho {
		if len(v)/period-k < wantedPairs {
			break
		}
		later, pairs := left[k*period:], len(left)-k*period
		if n == len(v) {
			memory.rho[k] = floats.Dot(left[:pairs], later) / float64(pairs)
			continue
		}
		sum := 0.0
		pairs = 0
		for i, x := range later {
			if d := x * left[i]; d == d { // not NaN
				sum += d
				pairs++
			}
		}
		memory.rho[k] = sum / float64(max(pairs, 1))
	}
	// Of a routine that repeats exactly rounding is left, and of squares that
	// overflow nothing.
	if variance := memory.rho[0]; !(variance > noise*noise*squares/float64(max(n, 1))) || math.IsInf(variance, 0) {
		return &Memory{}
	}
	memory.scale()
	return memory
}

// withoutLevel returns values less the mean of those of their slot in the 13
// rows around, and the sum of the squares of all n values.
func withoutLevel(v []float64, period int) (left []float64, squares float64, n int) {
	left = make([]float64, len(v))
	sums, counts := make([]float64, period), make([]float64, period)
	add := func(row int, sign float64) {
		if row < 0 || row >= len(v)/period {
			return
		}
		for slot, x := range v[row*period:][:period] {
			if x == x { // not NaN
				sums[slot] += sign * x
				counts[slot] += sign
			}
		}
	}
	for row := range levelRows {
		add(row, 1)
	}
	for row := range len(v) / period {
		add(row+levelRows, 1)
		add(row-levelRows-1, -1)
		for slot, x := range v[row*period:][:period] {
			left[row*period+slot] = x - sums[slot]/counts[slot]
			if x == x {
				squares += x * x
				n++
			}
		}
	}
	return left, squares, n
}

// valueInflation returns V of the products of two series that hold the rows of
// windows, one after the other. Of fewer rows than a test of features needs
// their memory cannot be told, and V is 1.
func valueInflation(x, y []float64, period int, windows [][]int) float64 {
	if len(x) < minRows*period {
		return 1
	}
	n, _ := usualLength(windows, nil)
	return inflation(newValueMemory(x, period), newValueMemory(y, period), n)
}

// product returns the sum over the cells of two rows of the products of their
// signs.
func (m *Marks) product(a, b int) int {
	p1, n1, p2, n2 := m.row(m.Positive, a), m.row(m.Negative, a), m.row(m.Positive, b), m.row(m.Negative, b)
	sum := 0
	for i := range p1 {
		sum += bits.OnesCount64(p1[i]&p2[i] | n1[i]&n2[i])
		sum -= bits.OnesCount64(p1[i]&n2[i] | n1[i]&p2[i])
	}
	return sum
}

// rotatedMemory is what V needs of the second function, for windows of n rows:
// how its memory between two rows in the data differs from that between them
// after turns, summed over the rows of a window, or of two that follow each
// other, that are so many rows apart.
type rotatedMemory struct {
	aligned []float64 // of the overlaps of the data: data - 2*one turned + both turned; shape [n]
	turned  []float64 // of the null: both turned alike - both turned; shape [n]
	next    []float64 // of two windows: data - first turned - second turned + both turned; shape [2n]
}

// rotate fills in the tables for windows of n rows.
func (m *Memory) rotate(n int) (r rotatedMemory) {
	all := make([]float64, 4*n)
	r.aligned, r.turned, r.next = all[:n:n], all[n:2*n:2*n], all[2*n:]
	size := float64(n)
	for i := range n {
		for j := range n {
			var rho [2]struct{ data, first, second, alike, both float64 }
			for next, apart := range []int{0, n} {
				t := &rho[next]
				t.data = m.at(i - (j + apart))
				for u := range n {
					t.first += m.at((i+u)%n-(j+apart)) / size
					t.second += m.at(i-((j+u)%n+apart)) / size
					t.alike += m.at((i+u)%n-((j+u)%n+apart)) / size
					for v := range n {
						t.both += m.at((i+u)%n-((j+v)%n+apart)) / (size * size)
					}
				}
			}
			same, next, apart := &rho[0], &rho[1], max(i-j, j-i)
			r.aligned[apart] += same.data - 2*same.second + same.both
			r.turned[apart] += same.alike - same.both
			r.next[j+n-i] += next.data - next.first - next.second + next.both
		}
	}
	return r
}

// inflation returns V, the factor by which the variance of an overlap exceeds
// that of the null with windows of n rows, as most have: the overlaps of the data vary with
// the memory of both functions inside a window and into the next one, while
// rotations see the memory only as it is after a turn.
func inflation(f, g *Memory, n int) float64 {
	var r rotatedMemory
	if n < len(g.rotated) && g.rotated[n].turned != nil {
		r = g.rotated[n]
	} else {
		r = g.rotate(n)
	}
	a, b, c := 0.0, 0.0, 0.0
	for k, x := range r.aligned {
		a += f.at(k) * x
		b += f.at(k) * r.turned[k]
	}
	for k, x := range r.next {
		c += f.at(k) * x
	}
	if b <= 0 {
		return 1
	}
	return max(1, (a+2*max(0, c))/b)
}

func (m *Memory) at(k int) float64 {
	if k = max(k, -k); k < len(m.rho) {
		return m.rho[k]
	}
	return 0
}
