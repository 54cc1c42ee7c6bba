package jobs

import (
	"math"

	"polygamy/datasets"
	"polygamy/topology"
)

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
