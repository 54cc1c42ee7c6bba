// Package topology finds the features of a scalar function on a domain graph:
// where it is unusually high (spikes) or low (valleys), by merge trees.
//
// # Conventions
//
// A scalar function f is a []float64 of shape [steps*regions], in the unit of
// its dataset: vertex t*R+r is region r (of R) at time step t. NaN marks a
// missing value; its cell is absent from the graph, and nothing is bridged. A
// season is a stretch of steps with trees of its own, whose vertices are
// numbered from 0 again. Infinite values are errors.
//
// Vertices are ordered by (value, vertex): of two equal values the one with
// the smaller vertex is less (simulation of simplicity, Edelsbrunner and
// Mücke 1990). Every result depends on its input alone, not on workers.
//
// # Merge trees
//
// The super-level tree sweeps f downwards: components of {f >= a} appear at
// maxima and merge at saddles. The sub-level tree does the same for -f, so its
// leaves are minima. Papers disagree on which of the two is the join tree;
// Carr, Snoeyink and Axen (2003) call the super-level tree the join tree, the
// published implementation of Data Polygamy calls it the split tree. Where
// components merge, all but the oldest die (elder rule); the oldest component
// of each connected part dies at the other end of the part's range. A [Tree]
// is the list of these pairs of an extremum with a saddle. From it come the
// number of components at any level and any persistence, without f.
//
// A path (one region) is paired by one pass with a stack. A region graph over
// time is cut into slabs of steps that fit the cache; each slab is swept with
// a radix sort and union-find over its leaves, and the slabs' trees are glued
// by Kruskal's rule over their saddles and the time edges between them.
//
// # Thresholds and features
//
// A [Class] chooses, for each season and direction, a level; the features are
// the components of the level sets there. See [ParseClass] for the classes:
//
//   - tail: the highest (lowest) level whose level set holds a share of the
//     covered cells, of the whole record or of each season. With ties it holds
//     more.
//   - sweep: several tails, nested. No single level finds all relationships
//     between urban functions, so this is the default of discovery. [Sweep]
//     follows the level sets from one level to the next.
//   - salient: the persistences of a tree are split into two clusters with the
//     least sum of squares (2-means, solved exactly); the level is that of
//     the weakest extremum of the persistent cluster. This is the rule of
//     Chirigati et al. (2016). On hourly urban data it marks half of all
//     cells and more.
//   - extreme: the box-plot fence Q3 + 1.5 IQR (Q1 - 1.5 IQR for minima) over
//     the extrema of the salient pairs of all seasons, each value measured
//     from its season's median in units of its season's interquartile range.
//     With fewer than 20 extrema there is no such level.
//   - level and persistence: what the user asks for.
//
// A cell in the level sets of both directions gets the sign whose threshold
// it exceeds by more, and none if it exceeds both by the same.
//
// A [FeatureMap] holds the marked cells as bits, in rows of one period of the
// time axis (a week): see [Layout].
//
// # The reference
//
// [NewReference] applies the rules of the published implementation of Data
// Polygamy, its defects included, in order to compare with it. They are:
// 32-bit values; steps next to a gap are neighbours in a city-wide function,
// and elsewhere a missing cell counts as 0; pairs with a persistence below
// 0.01, whatever the unit, are forgotten; a season of one vertex drops the
// function; the extreme fence pools extrema of at least 0.9 times the largest
// persistence of their season, without a least number; a cell of both signs
// has none.
//
// # Sources
//
//   - F. Chirigati, H. Doraiswamy, T. Damoulas, J. Freire, "Data Polygamy: The
//     Many-Many Relationships among Urban Spatio-Temporal Data Sets", SIGMOD
//     2016: the method.
//   - H. Carr, J. Snoeyink, U. Axen, "Computing contour trees in all
//     dimensions", Computational Geometry 24(2), 2003: the sweep.
//   - H. Edelsbrunner, D. Letscher, A. Zomorodian, "Topological persistence and
//     simplification", Discrete & Computational Geometry 28, 2002: the pairs.
//   - H. Edelsbrunner, E. P. Mücke, "Simulation of simplicity", ACM
//     Transactions on Graphics 9(1), 1990: ties.
//   - J. W. Tukey, "Exploratory Data Analysis", 1977: the fence.
package topology
