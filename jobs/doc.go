// Package jobs is what the polygamy command does: it reads inputs, runs the
// computations of the other packages on them, and prints, plots and stores
// results. The command itself, in jobs/polygamy, only turns arguments into
// options and errors into exit codes.
package jobs
