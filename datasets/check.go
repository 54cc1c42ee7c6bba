package datasets

import (
	"context"
	"fmt"
	"runtime"
	"slices"
)

// A Finding is something that a check of the catalog against the data found.
type Finding struct {
	Dataset string `json:"dataset"` // empty if it is about the regions
	Warning bool   `json:"warning"` // the dataset can be loaded all the same
	Message string `json:"message"`
}

// A CheckedDataset says what a dataset of a checked catalog holds.
type CheckedDataset struct {
	Dataset     string   `json:"dataset"`
	Files       int      `json:"files"`
	Rows        int64    `json:"rows"` // -1 if only reading tells
	Functions   []string `json:"functions"`
	Resolutions []string `json:"resolutions"` // such as "day neighborhood"
	RowsRead    int64    `json:"rows_read"`   // the first of each file, which the warnings are about
}

// Check opens every file of a catalog, binds its columns and reads the first
// rows of each file. It finds all problems at once; the error is for ctx only.
func Check(ctx context.Context, store Store, c *Catalog) (findings []Finding, checked []CheckedDataset, err error) {
	findings, checked = []Finding{}, []CheckedDataset{}
	systems, err := LoadSystems(ctx, store, c)
	for _, e := range split(err) {
		findings = append(findings, Finding{Message: e.Error()})
	}
	for _, name := range sortedKeys(c.Datasets) {
		if err := ctx.Err(); err != nil {
			return findings, checked, err
		}
		l := &loader{store: store, options: LoadOptions{Workers: runtime.GOMAXPROCS(0)}, spec: c.Datasets[name], limit: sampleRows}
		d, err := l.load(ctx, c, name, systems)
		for _, e := range split(err) {
			findings = append(findings, Finding{Dataset: name, Message: e.Error()})
		}
		if d == nil {
			continue
		}
		for _, w := range d.Report.Warnings {
			findings = append(findings, Finding{Dataset: name, Warning: true, Message: w})
		}
		checked = append(checked, d.checked())
	}
	return findings, checked, ctx.Err()
}

// split returns the errors that errors.Join has joined.
func split(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, split(e)...)
	}
	return all
}

// firstTasks leaves the first chunk of each file.
func (l *loader) firstTasks() {
	seen := make(map[int]bool)
	l.tasks = slices.DeleteFunc(l.tasks, func(t loadTask) bool {
		again := seen[t.file]
		seen[t.file] = true
		l.files[t.file].chunks = 1
		return again
	})
}

// checked describes the dataset.
func (l *Loaded) checked() CheckedDataset {
	d := CheckedDataset{Dataset: l.p.name, RowsRead: l.Report.Rows, Files: len(l.Report.Files), Functions: []string{}, Resolutions: []string{}}
	for _, f := range l.Report.Files {
		if f.Total < 0 {
			d.Rows = -1
		} else if d.Rows >= 0 {
			d.Rows += f.Total
		}
	}
	for _, f := range l.p.functions {
		d.Functions = append(d.Functions, f.String())
	}
	for _, s := range l.Regions() {
		for _, r := range l.Resolutions(s) {
			d.Resolutions = append(d.Resolutions, fmt.Sprintf("%s %s", r, s.Name))
		}
	}
	return d
}
