package relate

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestKernels compares every way to count with a loop over the cells: rows of
// one word and of many, whole blocks of eight and tails, windows with gaps,
// dense and sparse features.
func TestKernels(t *testing.T) {
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(seed, 19))
		cells := []int{1, 7, 9, 10, 21, 63, 64, 65, 168, 511, 512, 513, 1000, 64*chunk - 1, 64*chunk + 700}[rng.IntN(15)]
		rows := 12
		share := []float64{0, 0.01, 0.2, 0.5}[rng.IntN(4)]
		a, b := randomSigns(rng, rows, cells, share, 0), randomSigns(rng, rows, cells, 0.3, 0)
		f, g := a.marks(3), b.marks(2)
		var window []int
		for row := 3; row < 14 && len(window) < 4+int(seed%4); row++ {
			if rng.IntN(4) > 0 {
				window = append(window, row)
			}
		}
		want := make([]overlapCounts, len(window))
		for u := range want {
			want[u] = overlapCounts{1, 2, 3, 4} // to add to
			for i, row := range window {
				for c, x := range a[row-3] {
					switch y := b[window[(i+u)%len(window)]-2][c]; {
					case x == 1 && y == 1:
						want[u][positivePositive]++
					case x == -1 && y == -1:
						want[u][negativeNegative]++
					case x == 1 && y == -1:
						want[u][positiveNegative]++
					case x == -1 && y == 1:
						want[u][negativePositive]++
					}
				}
			}
		}
		for _, k := range []*kernel{{}, {plain: true}} {
			got := make([]overlapCounts, len(window))
			for u := range got {
				got[u] = overlapCounts{1, 2, 3, 4}
			}
			k.countWindow(f, g, window, got)
			for u := range want {
				if got[u] != want[u] {
					t.Fatalf("seed %d, %d cells, plain %t, rotation %d of %v: %v, want %v", seed, cells, k.plain, u, window, got[u], want[u])
				}
			}
		}
	}
}

// BenchmarkKernel counts the windows of a test.
func BenchmarkKernel(b *testing.B) {
	for _, size := range benchSizes {
		f, _ := size.marks(1)
		g, _ := size.marks(2)
		windows := chooseWindows(nil, commonRows(f[benchLevel], g[benchLevel]))
		counts := make([]overlapCounts, usualWindow)
		for _, plain := range []bool{false, true} {
			k := &kernel{plain: plain}
			b.Run(fmt.Sprintf("%s/plain=%t", size.name, plain), func(b *testing.B) {
				for b.Loop() {
					for _, w := range windows {
						k.countWindow(f[benchLevel], g[benchLevel], w, counts[:len(w)])
					}
				}
			})
		}
	}
}
