package jobs

import (
	"math"
	"slices"

	"polygamy/datasets"
	"polygamy/topology"
)

// levelless says why no level of a class selects anything, if so.
func levelless(levels []topology.Thresholds) string {
	some := func(t topology.Threshold) bool { return !math.IsNaN(t.Value) }
	for _, level := range levels {
		if slices.ContainsFunc(level.Super, some) || slices.ContainsFunc(level.Sub, some) {
			return ""
		}
	}
	if len(levels) == 0 || levels[0].Reason == "" {
		return "no level"
	}
	return levels[0].Reason
}

// thresholdsOf returns the levels of a class of a function. Features of an
// anomaly depart from the routine: positive ones are above 0 and negative ones
// below, where a tail would hold all the cells in which nothing happens. Raw
// functions have no such middle.
func thresholdsOf(index *topology.Index, f *datasets.Function, class topology.Class) []topology.Thresholds {
	levels := index.Thresholds(f.Values, class)
	if f.Version != datasets.Anomaly {
		return levels
	}
	for _, level := range levels {
		for i, t := range level.Super {
			if t.Value <= 0 {
				level.Super[i].Value = math.SmallestNonzeroFloat64
			}
		}
		for i, t := range level.Sub {
			if t.Value >= 0 {
				level.Sub[i].Value = -math.SmallestNonzeroFloat64
			}
		}
	}
	return levels
}
