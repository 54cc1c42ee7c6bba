// Package datasets turns files into scalar functions on (region, time step).
//
// An [Axis] is a run of time steps. Hour steps are UTC hours, so that none is
// lost or doubled when clocks change; day, ISO week, month and year steps are
// the calendar bins of a time zone. A scalar function is a []float64 of shape
// [steps*regions], step-major: region r (of R) at step t is element t*R+r,
// the vertex numbering of package topology. Values are in the unit of their
// file, and NaN marks a missing value, which is never the same as 0.
package datasets
