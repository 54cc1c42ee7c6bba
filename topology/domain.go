package topology

import (
	"fmt"
	"math"
)

// A Domain is the domain graph of a scalar function: the regions of a graph
// times a number of time steps. Vertex t*R+r is region r (of R) at step t; it
// is adjacent to (s,t) for every region s adjacent to r, and to (r,t-1) and
// (r,t+1). No edge list is ever built.
type Domain struct {
	graph *Graph
	steps int
}

// Path returns the domain of a city-wide function: one region, n steps.
func Path(n int) Domain {
	return Domain{graph: &Graph{offsets: []int32{0, 0}}, steps: n}
}

// NewDomain returns the domain of g over the given number of steps.
func NewDomain(g *Graph, steps int) Domain { return Domain{graph: g, steps: steps} }

// Graph returns the region graph.
func (d Domain) Graph() *Graph { return d.graph }

// NumRegions returns the number of regions, R.
func (d Domain) NumRegions() int { return d.graph.NumRegions() }

// NumSteps returns the number of time steps.
func (d Domain) NumSteps() int { return d.steps }

// NumVertices returns the number of cells, present or missing: R times steps.
func (d Domain) NumVertices() int { return d.graph.NumRegions() * d.steps }

// Region returns the region of vertex v.
func (d Domain) Region(v int) int { return v % d.graph.NumRegions() }

// Step returns the time step of vertex v.
func (d Domain) Step(v int) int { return v / d.graph.NumRegions() }

// A Season is a stretch of the time axis that has trees and thresholds of its
// own: steps First to End-1. No edge crosses from one season to the next.
type Season struct {
	Code  int `json:"code"`  // how the caller names it, such as 201203 for March 2012
	First int `json:"first"` // first step
	End   int `json:"end"`   // one past the last step
}

// WholeAxis returns the one season that covers a domain of the given number
// of steps, with code 1.
func WholeAxis(steps int) []Season { return []Season{{Code: 1, First: 0, End: steps}} }

// checkSeasons reports whether seasons partition 0..steps-1 in order.
func checkSeasons(seasons []Season, steps int) error {
	at := 0
	for i, s := range seasons {
		if s.First != at || s.End <= s.First {
			return fmt.Errorf("topology: season %d (code %d) covers steps %d to %d; seasons must follow each other from step %d without gaps", i, s.Code, s.First, s.End, at)
		}
		at = s.End
	}
	if at != steps {
		return fmt.Errorf("topology: seasons end at step %d of %d; they must cover the whole axis", at, steps)
	}
	return nil
}

// maxMagnitude bounds |f|, so that the difference of two values is finite.
const maxMagnitude = math.MaxFloat64 / 2

// A ValueError says which vertex of a function holds a value that has no
// place in an ordering: an infinity, or one so large that a persistence would
// overflow.
type ValueError struct {
	Region, Step int
	Value        float64
}

// Error names the region and the step, and the range of values.
func (e *ValueError) Error() string {
	return fmt.Sprintf("topology: value %g in region %d at step %d; use NaN for a missing value and keep magnitudes below %.2g", e.Value, e.Region, e.Step, maxMagnitude)
}

// checkValues returns the number of values that are not missing, or a
// *ValueError for the first one out of range.
func checkValues(d Domain, f []float64) (covered int, err error) {
	for v, x := range f {
		if x > maxMagnitude || x < -maxMagnitude {
			return 0, &ValueError{Region: d.Region(v), Step: d.Step(v), Value: x}
		}
		if x == x {
			covered++
		}
	}
	return covered, nil
}
