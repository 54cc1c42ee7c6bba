package relate

import "math/bits"

// Features with a memory of weeks make neighbouring windows dependent, and the
// tails of the null too light. A Memory is how long a function's features last,
// from which the variance that the null lacks is found.
type Memory struct {
	rho []float64 // correlation of the features k rows apart, k = 0, 1, ...
}

const (
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
	if memory.rho[0] > 0 {
		for k := len(memory.rho) - 1; k >= 0; k-- {
			memory.rho[k] /= memory.rho[0]
		}
	}
	return memory
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

// inflation returns V, the factor by which the variance of an overlap exceeds
// that of the null with windows of n rows: the overlaps of the data vary with
// the memory of both functions inside a window and into the next one, while
// rotations see the memory only as it is after a turn.
func inflation(f, g *Memory, n int) float64 {
	sum := func(u, v, apart int) float64 {
		s := 0.0
		for i := range n {
			for j := range n {
				s += f.at(i-(j+apart)) * g.at((i+u)%n-((j+v)%n+apart))
			}
		}
		return s
	}
	table := func(apart int) (corner, row, column, diagonal, all float64) {
		size := float64(n)
		for u := range n {
			for v := range n {
				k := sum(u, v, apart)
				all += k / (size * size)
				if u == 0 {
					row += k / size
				}
				if v == 0 {
					column += k / size
				}
				if u == v {
					diagonal += k / size
				}
				if u == 0 && v == 0 {
					corner = k
				}
			}
		}
		return corner, row, column, diagonal, all
	}
	corner, row, _, diagonal, all := table(0)
	a, b := corner-2*row+all, diagonal-all
	corner, row, column, _, all := table(n)
	c := corner - row - column + all
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
