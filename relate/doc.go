// Package relate tests which functions move together, and whether it is more
// than chance.
//
// # The question
//
// Two functions are related if their features, the spikes and valleys that
// package topology finds, fall into the same cells (region, step) more often
// than they would if each kept to its own routine and knew nothing of the
// other. The null hypothesis in one sentence: given each function's own
// hour-of-week profile, its level at the scale of six weeks and its map, the
// week-to-week timing of its features is unrelated to the other function's.
//
// # The test
//
// The common span is cut into windows of about six whole weeks. In every
// window, independently, the weeks of the second function are rotated, all
// regions together. Hour of day, day of week, season, slow trend, the static
// map and the whole spatial correlation stay as they are; only the coincidence
// from week to week is broken. The statistic is D, the cells where the signs of
// the features agree less those where they differ, and beside it the four
// overlaps of positive and negative features. The null distribution of each is
// that of a sum of independent draws from small tables, which are counted once;
// its tail is found without random numbers. The rotations form a group with the
// identity, so the p-value is that of a randomisation test, never 0.
//
// # Which function for what
//
//   - [Sweep] is the default question: several levels, one p-value. [Lags] moves
//     the second function as well, [Test] is of one level.
//   - [Tree] and [Ranking] control false discoveries over datasets, functions
//     and resolutions; [BenjaminiHochberg] and [BenjaminiYekutieli] over a list.
//   - [Result.Intervals] says how well effect sizes are known, [Events] what comes
//     first, [Maps.Test] whether two functions are high in the same places
//     always: a question of its own, kept apart from the others.
//   - [MonteCarlo] tests Pearson's and Spearman's correlation, mutual information
//     and dynamic time warping under the same null.
//   - [Compat] repeats the published test, to compare results with it.
//
// # What each method assumes, and what you see when that fails
//
//	method                   assumes                      breaks when                what you see
//	windows of six weeks     the routine repeats from     a season is steep inside   Drift: wide tails of raw values
//	                         week to week in a window     six weeks                  rise and fall together
//	                         what is slower than that     the question is about      no relationship: the slow level
//	                         is not the question          years or quarters          is conditioned out
//	drift guard              slopes are those between     windows span months, over  rates of 0.08 to 0.3 on raw
//	                         the neighbouring windows     gaps; a season is extreme  values; use anomalies
//	long-memory guard        windows are independent      features last for weeks    Inflation above 1, the null is
//	                                                                                 wider; in doubt above 1.5
//	the same, of values      a statistic is a sum         time is warped by weeks    rates of 0.1 at 0.05
//	centred, scaled counts   coverage knows of neither    values are missing when    a relationship of the gaps;
//	                         function's values            they are high              compare Cells with all cells
//	saddlepoint tails        windows enough               few windows have features  exact tails are used; else a
//	                                                                                 Reason, and not testable
//	search over levels,      the least p times the        levels hardly differ       Effective near 1; it never
//	lags                     effective number of tests                               exceeds their number
//	permuted weeks           weeks are exchangeable over  both share a season or a   Exploratory, never a discovery
//	(8 to 29 weeks)          the whole record             trend
//	fewer than 8 weeks       nothing                                                 not testable, with the reason
//	TreeBH                   p-values are independent or  pairs exclude each other   use BenjaminiYekutieli
//	                         positively dependent
//	intervals                weeks are nearly independent memory of a week and more  too narrow: 78 % instead of 95
//	static maps              a map is as smooth on the    one trend crosses the      Smooth: Moran's I above 0.85 in
//	                         graph everywhere             whole city                 both, a small p is weak evidence
//	event view               the lag was not chosen by    many lags are tried        p does not pay for the choice
//	                         looking
//	compat                   stationary independent       cycles, maps, smooth       its Flaws, with their rates
//	                         cells, one tail              fields: always
//
// Rows of one week or one month each, and other windows, are a [Null]'s.
//
// relate/docs/calibration.md has the rates and the power of these methods in
// simulated worlds.
//
// Holidays and weather are real common causes at this scale: a p-value says
// that two functions are related, not that one drives the other.
// [Marks.Without] and [Marks.WithoutRows] leave out what a third function, or
// a holiday, has to do with it.
//
// # Sources
//
// Scores follow Chirigati, Doraiswamy, Damoulas and Freire, "Data Polygamy",
// SIGMOD 2016, section 4; the test does not. Randomisation by shifts: Harris,
// "A shift test for independence in generic time series", 2020; windows:
// Amarasingham, Harrison, Hatsopoulos and Geman, J. Neurophysiology 107, 2012.
// Permutations: Phipson and Smyth, Statistical Applications in Genetics and
// Molecular Biology 9, 2010. Tails: Lugannani and Rice 1980, Daniels 1987,
// Robinson 1982. Search over levels and lags: Galwey, Genetic Epidemiology 33,
// 2009; Leadbetter, Z. Wahrscheinlichkeitstheorie 65, 1983. False discoveries:
// Bogomolov, Peterson, Benjamini and Sabatti, Biometrika 108, 2021. Events: Donges,
// Schleussner, Siegmund and Donner, EPJ Special Topics 225, 2016. Maps: Clifford,
// Richardson and Hémon, Biometrics 45, 1989; Dutilleul, Biometrics 49, 1993.
package relate
