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
// # What it assumes, and what you see when that fails
//
//	assumption                          breaks when                what you see
//	the routine repeats from week to    a season is steep inside   rates of 0.06 at
//	week inside a window                six weeks                  0.05 on raw values;
//	                                                               use anomalies
//	windows are independent             features last for weeks    Inflation above 1,
//	                                                               the guard widens the
//	                                                               null; doubt above 1.5
//	coverage is no coincidence          both are silent together   counts are centred
//	                                                               and scaled by window
//	there are weeks enough              fewer than 30 in common    weeks are permuted over
//	                                                               the whole record, marked
//	                                                               Exploratory: a common
//	                                                               season passes for a
//	                                                               relationship
//	                                    fewer than 8               not testable, with
//	                                                               the reason
//
// Rows of one week or one month each, and other windows, are a [Null]'s.
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
// Permutations: Phipson and Smyth, Statistical
// Applications in Genetics and Molecular Biology 9, 2010. Tails: Lugannani and Rice 1980, Daniels 1987, Robinson 1982. Search over
// levels and lags: Galwey, Genetic Epidemiology 33, 2009. False discoveries:
// Bogomolov, Peterson, Benjamini and Sabatti, Biometrika 108, 2021.
package relate
