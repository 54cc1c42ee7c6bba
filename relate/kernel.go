package relate

import "math/bits"

// A kernel counts overlaps. It holds memory that its next use takes over.
type kernel struct {
	plain bool // do without the processor's wide instructions
	f, g  []rowPlanes
	twice [2][]uint64 // the rows of g in a window, twice over
}

// rowPlanes are the first words of a row's positive and negative features.
type rowPlanes struct{ positive, negative *uint64 }

// chunk is how many words of every row of a window are counted at a time, so
// that 6 rows of two planes of two functions stay in a second-level cache, 200
// KB. Shorter stretches, for the first level, are fetched from afar too slowly:
// a sweep over neighborhoods and hours takes 1.4 times as long with 128 words.
const chunk = 1024

// countWindow adds to counts the overlaps of the rows of a window for every
// rotation of the rows of g: rotation u brings row i+u to row i.
func (k *kernel) countWindow(f, g *Marks, window []int, counts []overlapCounts) {
	switch {
	case f.Words == 1 && len(window)*f.Cells <= 64:
		countNarrow(f, g, window, counts)
	case f.Words == 0: // no cells
	case f.Words < block && window[len(window)-1]-window[0] < len(window):
		k.countShort(f, g, window, counts)
	case wide && !k.plain:
		k.countWide(f, g, window, counts)
	default:
		countPlain(f, g, window, counts)
	}
}

// block is how many words the processor takes at a time.
const block = 8

// countShort is countWindow for rows of less than a block, none missing: the
// rows of a window are taken for one, beside which those of g are moved.
func (k *kernel) countShort(f, g *Marks, window []int, counts []overlapCounts) {
	n := len(window) * f.Words
	at := (window[0] - g.First) * g.Words
	for i, plane := range [2][]uint64{g.Positive, g.Negative} {
		k.twice[i] = resize(k.twice[i], 2*n)
		copy(k.twice[i], plane[at:][:n])
		copy(k.twice[i][n:], plane[at:][:n])
	}
	if wide && !k.plain {
		first := f.planes(window[0])
		for u := range counts {
			second := rowPlanes{&k.twice[0][u*f.Words], &k.twice[1][u*f.Words]}
			countRows512(&first, &second, 1, 0, n, &counts[u])
		}
		return
	}
	at = (window[0] - f.First) * f.Words
	p, m := f.Positive[at:][:n], f.Negative[at:][:n]
	for u := range counts {
		counts[u].add(overlapRows(p, m, k.twice[0][u*f.Words:][:n], k.twice[1][u*f.Words:][:n]))
	}
}

func (c *overlapCounts) add(o overlaps) {
	for k, n := range o {
		c[k] += int64(n)
	}
}

// countWide is countWindow by instructions on eight words.
func (k *kernel) countWide(f, g *Marks, window []int, counts []overlapCounts) {
	n := len(window)
	k.f, k.g = resize(k.f, n), resize(k.g, 2*n)
	for i, row := range window {
		k.f[i] = f.planes(row)
		k.g[i] = g.planes(row)
		k.g[n+i] = k.g[i] // so that a rotation begins further on
	}
	for offset := 0; offset < f.Words; offset += chunk {
		words := min(chunk, f.Words-offset)
		for u := range counts {
			countRows512(&k.f[0], &k.g[u], n, offset, words, &counts[u])
		}
	}
}

// planes returns the first words of a row.
func (m *Marks) planes(number int) rowPlanes {
	at := (number - m.First) * m.Words
	return rowPlanes{&m.Positive[at], &m.Negative[at]}
}

// countPlain is countWindow for any processor.
func countPlain(f, g *Marks, window []int, counts []overlapCounts) {
	n := len(window)
	for i, row := range window {
		p1, n1 := f.row(f.Positive, row), f.row(f.Negative, row)
		for j, other := range window {
			u := j - i
			if u < 0 {
				u += n
			}
			counts[u].add(overlapRows(p1, n1, g.row(g.Positive, other), g.row(g.Negative, other)))
		}
	}
}

// countNarrow is countWindow for rows so short that those of a window are the
// bits of one word.
func countNarrow(f, g *Marks, window []int, counts []overlapCounts) {
	var p, n, q, m uint64
	shift := 0
	for _, row := range window {
		i, j := row-f.First, row-g.First
		p |= f.Positive[i] << (shift & 63) // less than 64, as the compiler is told
		n |= f.Negative[i] << (shift & 63)
		q |= g.Positive[j] << (shift & 63)
		m |= g.Negative[j] << (shift & 63)
		shift += f.Cells
	}
	cells, rest := f.Cells&63, (shift-f.Cells)&63
	for u := range counts {
		t := &counts[u]
		t[positivePositive] += int64(bits.OnesCount64(p & q))
		t[negativeNegative] += int64(bits.OnesCount64(n & m))
		t[positiveNegative] += int64(bits.OnesCount64(p & m))
		t[negativePositive] += int64(bits.OnesCount64(n & q))
		// The first row goes to the end; what comes behind it repeats the rest.
		q = q>>cells | q<<rest
		m = m>>cells | m<<rest
	}
}
