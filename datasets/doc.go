// Package datasets turns tables into scalar functions on (region, time step).
//
// A [Catalog] names the datasets of a city and says how their files are to be
// read; [Inspect] proposes an entry, [Check] validates a catalog against its
// data. [Load] reads a dataset in one pass over its rows and keeps mergeable
// states of its functions; [Loaded.Function] gives one [Function] at a time.
//
// # Time
//
// An [Axis] is a run of time steps. Hour steps are UTC hours, so that none is
// lost or doubled when clocks change; day, ISO week, month and year steps are
// the calendar bins of the city's time zone. A wall clock time is read in the
// city's zone unless the catalog names another; one that the clocks show twice
// is the earlier, one that they skip is moved forward by the gap, and both are
// counted. Coarser steps come from the states of the finest one that the times
// mean, never from averages of averages. Where the city's clock is not whole
// hours from UTC the states are of quarters of an hour, so that days begin at
// midnight.
//
// # Place
//
// A point belongs to the region whose polygon contains it, holes and parts
// respected, decided exactly; a point on a border to the region that comes
// first in the file. Region codes match ids after trimming; for zip codes five
// digits count. Rows in no region are counted and are part of the whole city
// only.
//
// # Values
//
// A scalar function is a []float64 of shape [steps*regions], step-major:
// region r (of R) at step t is element t*R+r, the vertex numbering of package
// topology. Values are in the unit of their column, and NaN marks a missing
// value, which is never the same as 0. The kinds:
//
//	count        rows
//	unique(c)    different values of c; exact up to 3,072 in a cell, beyond
//	             that HyperLogLog with a standard error of 0.81 %
//	sum(c)       exact: the true sum of the numbers, rounded once
//	mean(c)      that sum divided by their number, rounded once more
//	min(c), max(c)
//	median(c)    exact up to 3,072 different values in a cell, beyond that of
//	             values rounded to 12 binary digits (2^-12)
//
// No state depends on the order of rows, so any split of the files and any
// number of workers give the same bits.
//
// # Missing is not zero
//
// The coverage of a dataset is the span of its rows less the gaps: silences of
// the whole dataset that are longer than three times its usual ones (the 99th
// percentile of the silences between steps with rows; the 99.9th if there are
// 5,000 or more). A coarser step is covered if gaps and what lies outside of
// the span take at most a tenth of it. In a covered cell without rows count,
// unique and sum are 0 and the others missing; what is not covered is missing.
// A region that never has a row is missing throughout, unless the catalog says
// place.empty: zero.
//
// # Sources
//
// Chirigati, Doraiswamy, Damoulas and Freire, "Data Polygamy: The Many-Many
// Relationships among Urban Spatio-Temporal Data Sets", SIGMOD 2016, section 2
// (scalar functions; it fills missing cells with zeros, which this package does
// not). Distinct counts: Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog",
// AofA 2007, with the estimator of Ertl, arXiv:1702.01284. H3: the hexagonal
// index of Uber, h3geo.org.
package datasets
