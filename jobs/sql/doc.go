// Package sql compares the aggregation of package datasets with DuckDB: its
// tests check that both get the same numbers from the same Parquet files, and
// its benchmarks what each needs for them. Later it will hold the companion
// program that runs SQL on the tables of a run.
//
// It is a module of its own because DuckDB needs cgo and a C++ library of a
// hundred megabytes, which the polygamy program does without.
package sql
