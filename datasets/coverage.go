package datasets

import (
	"slices"
)

// A coverage says which base steps a dataset has records for: the span of its
// rows less the gaps, which are silences of the whole dataset that are longer
// than its usual ones.
type coverage struct {
	first, end int64 // base steps
	silence    int64 // the longest silence that is no gap, in base steps
	gaps       []stepGap
}

// A stepGap is a stretch of base steps without a row.
type stepGap struct{ first, end int64 }

// A silence is usual if it is not longer than silenceFactor times the 99th
// percentile of the silences between successive steps with rows. Silences of
// rare events are about exponential, with that percentile at 4.6 times the
// mean; three times it is exceeded by chance once in a million.
//
// Where most steps have rows the percentile is 0, and yet an hour before dawn
// may be empty; with enough steps to know them (manySilences), the 99.9th
// percentile counts instead.
const (
	silenceFactor = 3
	manySilences  = 5000
)

// newCoverage finds the gaps between base steps that hold rows, which ascend
// and differ.
func newCoverage(occupied []int64) coverage {
	if len(occupied) == 0 {
		return coverage{}
	}
	c := coverage{first: occupied[0], end: occupied[len(occupied)-1] + 1}
	silences := make([]int64, 0, len(occupied))
	for i := 1; i < len(occupied); i++ {
		silences = append(silences, occupied[i]-occupied[i-1]-1)
	}
	if len(silences) > 0 {
		sorted := slices.Sorted(slices.Values(silences))
		usual := sorted[(len(sorted)-1)*99/100]
		if len(sorted) >= manySilences {
			usual = sorted[(len(sorted)-1)*999/1000]
		}
		c.silence = silenceFactor * usual
	}
	for i, s := range silences {
		if s > c.silence {
			c.gaps = append(c.gaps, stepGap{occupied[i] + 1, occupied[i+1]})
		}
	}
	return c
}

// covers reports whether the dataset has records for a coarser step, which is
// made of the base steps first to end-1. At the ends of the span a silence of
// usual length is none: the first row of the day need not come at midnight.
// A coarser step is covered if gaps and the outside of the span take no more
// than a tenth of it.
func (c *coverage) covers(first, end int64) bool {
	if c.first >= c.end {
		return false
	}
	lost := int64(0)
	if before := c.first - first; before > c.silence {
		lost += min(before, end-first)
	}
	if after := end - c.end; after > c.silence {
		lost += min(after, end-first)
	}
	at, _ := slices.BinarySearchFunc(c.gaps, first, func(g stepGap, first int64) int {
		if g.end <= first {
			return -1
		}
		return 1
	})
	for _, g := range c.gaps[at:] {
		if g.first >= end {
			break
		}
		lost += min(g.end, end) - max(g.first, first)
	}
	return 10*lost <= end-first
}
