package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"polygamy/datasets"
)

// InspectOptions are those of the command inspect.
type InspectOptions struct {
	Files   []string
	Catalog string // whose region systems columns may hold codes of; may be empty
	Format  string // table (default, YAML with comments) or json
}

// Inspect proposes a catalog entry for files of one dataset.
func Inspect(ctx context.Context, store datasets.Store, o InspectOptions, w io.Writer) error {
	if err := checkFormat(o.Format); err != nil {
		return err
	}
	var systems map[string]*datasets.RegionSystem
	hasDatasets := false
	if o.Catalog != "" {
		c, err := datasets.ReadCatalog(ctx, store, o.Catalog)
		if err != nil {
			return UsageError(err)
		}
		hasDatasets = len(c.Datasets) > 0
		if systems, err = datasets.LoadSystems(ctx, store, c); err != nil {
			return inputError(err)
		}
	}
	p, err := datasets.Inspect(ctx, store, o.Files, systems)
	if err != nil {
		return dataError(ctx, err)
	}
	if o.Format == "json" {
		return outputError(printJSON(w, p))
	}
	header := "datasets:\n"
	if hasDatasets {
		header = "" // the entry can be added at the end of the catalog
	}
	_, err = io.WriteString(w, header+p.YAML())
	return outputError(err)
}

// dataError is the exit of an error while reading data.
func dataError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return outputError(errInterrupted)
	}
	return inputError(err)
}

// CheckOptions are those of the command check.
type CheckOptions struct {
	Catalog string
	Format  string // table (default) or json
}

// A checkResult is what check prints as JSON.
type checkResult struct {
	Catalog  string                    `json:"catalog"`
	Problems []datasets.Problem        `json:"problems"` // of the catalog itself
	Findings []datasets.Finding        `json:"findings"` // against the data
	Datasets []datasets.CheckedDataset `json:"datasets"`
}

// Check validates a catalog against the data. The error says how many
// problems there are; they are printed.
func Check(ctx context.Context, store datasets.Store, o CheckOptions, w io.Writer) error {
	if err := checkFormat(o.Format); err != nil {
		return err
	}
	result := checkResult{Catalog: o.Catalog, Problems: []datasets.Problem{}, Findings: []datasets.Finding{}, Datasets: []datasets.CheckedDataset{}}
	c, err := datasets.ReadCatalog(ctx, store, o.Catalog)
	var bad *datasets.CatalogError
	switch {
	case errors.As(err, &bad):
		result.Problems = bad.Problems
	case err != nil:
		return UsageError(err)
	default:
		if result.Findings, result.Datasets, err = datasets.Check(ctx, store, c); err != nil {
			return dataError(ctx, err)
		}
	}
	if o.Format == "json" {
		err = printJSON(w, result)
	} else {
		_, err = io.WriteString(w, result.text())
	}
	if err != nil {
		return outputError(err)
	}
	wrong := 0
	for _, f := range result.Findings {
		if !f.Warning {
			wrong++
		}
	}
	switch {
	case len(result.Problems) > 0:
		return usageErrorf("%s: %s in the catalog", o.Catalog, plural(len(result.Problems), "problem"))
	case wrong > 0:
		return inputError(fmt.Errorf("%s: %s with the data", o.Catalog, plural(wrong, "problem")))
	}
	return nil
}

func (r *checkResult) text() string {
	var b strings.Builder
	for _, p := range r.Problems {
		fmt.Fprintln(&b, p.String())
	}
	for _, f := range r.Findings {
		if !f.Warning {
			fmt.Fprintf(&b, "error: %s\n", f.Message) // which names the dataset
		}
	}
	for _, d := range r.Datasets {
		rows := groupDigits(d.Rows) + " rows"
		if d.Rows < 0 {
			rows = "rows not counted"
		}
		fmt.Fprintf(&b, "%s: %s, %s\n  %s\n", d.Dataset, plural(d.Files, "file"), rows, strings.Join(d.Functions, ", "))
		for _, line := range groupResolutions(d.Resolutions) {
			fmt.Fprintf(&b, "  %s\n", line)
		}
		for _, f := range r.Findings {
			if f.Warning && f.Dataset == d.Dataset {
				fmt.Fprintf(&b, "  warning, of the first %s rows: %s\n", groupDigits(d.RowsRead), f.Message)
			}
		}
	}
	return b.String()
}

// groupResolutions writes resolutions such as "day city" in lines, "by day,
// week: of city, borough", one for each set of steps.
func groupResolutions(resolutions []string) []string {
	steps := make(map[string][]string) // of each region system
	var systems []string
	for _, text := range resolutions {
		step, system, _ := strings.Cut(text, " ")
		if steps[system] == nil {
			systems = append(systems, system)
		}
		steps[system] = append(steps[system], step)
	}
	var lines, keys []string
	of := make(map[string][]string) // systems of each set of steps
	for _, system := range systems {
		key := strings.Join(steps[system], ", ")
		if of[key] == nil {
			keys = append(keys, key)
		}
		of[key] = append(of[key], system)
	}
	for _, key := range keys {
		lines = append(lines, fmt.Sprintf("by %s; of %s", key, strings.Join(of[key], ", ")))
	}
	return lines
}
