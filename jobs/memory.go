package jobs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
)

// ParseBytes reads an amount of memory such as 4GiB, 500MB or 1000000.
func ParseBytes(text string) (int64, error) {
	units := []struct {
		name  string
		bytes float64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1}}
	for _, u := range units {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(x > 0) || x*u.bytes >= math.MaxInt64 {
			break
		}
		return int64(x * u.bytes), nil
	}
	return 0, usageErrorf("%q is no amount of memory; write such as 4GiB or 500MB", text)
}

// leastMemory is what a run needs whatever it is given.
const leastMemory = 256 << 20

// cellMemory is what finding the features of a function takes for each of its
// cells: its values and anomaly, trees and sweeps, measured with hours of 260
// neighborhoods.
const cellMemory = 128

// A memoryBudget lets work begin when there is memory for it. Work that needs
// more than there is at all waits until it is alone.
type memoryBudget struct {
	mu    sync.Mutex
	freed sync.Cond
	all   int64
	free  int64
}

func newMemoryBudget(bytes int64) *memoryBudget {
	b := &memoryBudget{all: bytes, free: bytes}
	b.freed.L = &b.mu
	return b
}

// take waits for memory for work on so many cells.
func (b *memoryBudget) take(cells int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	need := b.need(cells)
	for b.free < need {
		b.freed.Wait()
	}
	b.free -= need
}

// give gives it back.
func (b *memoryBudget) give(cells int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += b.need(cells)
	b.freed.Broadcast()
}

func (b *memoryBudget) need(cells int) int64 { return min(int64(cells)*cellMemory, b.all) }

// checkMemory refuses what no run could keep to.
func checkMemory(bytes int64) error {
	if bytes < leastMemory {
		return usageErrorf("--memory %s: a run needs at least %d MiB", fmt.Sprint(bytes), leastMemory>>20)
	}
	return nil
}
