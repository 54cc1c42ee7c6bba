package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"polygamy/datasets"
)

// IngestOptions are those of the command ingest.
type IngestOptions struct {
	Catalog  string
	Out      string   // folder
	Datasets []string // those to load; empty for all
	Workers  int      // 0 means one per CPU
	Format   string   // of the reports: table (default) or json
	Progress io.Writer
	Now      func() time.Time
}

// Ingest loads the datasets of a catalog and writes their functions, as Arrow
// files, and load reports, as JSON, below o.Out. A dataset that cannot be
// loaded does not stop the others: the error, at the end, names all of them.
func Ingest(ctx context.Context, store datasets.Store, o IngestOptions, w io.Writer) error {
	if o.Out == "" {
		return usageErrorf("--out names no folder")
	}
	if err := checkFormat(o.Format); err != nil {
		return err
	}
	c, err := datasets.ReadCatalog(ctx, store, o.Catalog)
	if err != nil {
		return UsageError(err)
	}
	names := o.Datasets
	if len(names) == 0 {
		names = c.Names()
	}
	for _, name := range names {
		if _, ok := c.Datasets[name]; !ok {
			return usageErrorf("%s has no dataset %q; it has %s", o.Catalog, name, strings.Join(c.Names(), ", "))
		}
	}
	systems, err := datasets.LoadSystems(ctx, store, c)
	if err != nil {
		return inputError(err)
	}
	line := &progressLine{w: o.Progress, now: o.Now}
	var failed []error
	var reports []*datasets.Report
	for _, name := range names {
		line.begins(name)
		report, err := ingestDataset(ctx, store, c, name, systems, o, line)
		line.end()
		if ctx.Err() != nil {
			return outputError(errInterrupted)
		}
		var out *exitError
		if errors.As(err, &out) {
			return err
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		reports = append(reports, report)
		if o.Format != "json" {
			if _, err := io.WriteString(w, reportText(report)+"\n"); err != nil {
				return outputError(err)
			}
		}
	}
	if o.Format == "json" {
		if err := printJSON(w, reports); err != nil {
			return outputError(err)
		}
	}
	if len(failed) > 0 {
		return inputError(fmt.Errorf("%d of %d datasets were not loaded:\n%w", len(failed), len(names), errors.Join(failed...)))
	}
	return nil
}

func checkFormat(format string) error {
	if !slices.Contains([]string{"", "table", "json"}, format) {
		return usageErrorf("unknown format %q; choose table or json", format)
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// ingestDataset loads one dataset and writes what comes of it.
func ingestDataset(ctx context.Context, store datasets.Store, c *datasets.Catalog, name string, systems map[string]*datasets.RegionSystem, o IngestOptions, line *progressLine) (*datasets.Report, error) {
	l, err := datasets.Load(ctx, store, c, name, systems, datasets.LoadOptions{Workers: o.Workers, Progress: line.show})
	if err != nil {
		return nil, err
	}
	report := l.Report
	for _, s := range l.Regions() {
		for _, r := range l.Resolutions(s) {
			for _, spec := range l.Functions() {
				f, err := l.Function(spec, r, s)
				if err != nil {
					return nil, err
				}
				described, warning := f.Describe()
				report.Functions = append(report.Functions, described)
				if warning != "" {
					report.Warnings = append(report.Warnings, warning)
				}
				if err := store.Write(ctx, path.Join(o.Out, FunctionPath(f)), f.Write); err != nil {
					return nil, outputError(err)
				}
			}
		}
	}
	err = store.Write(ctx, path.Join(o.Out, "reports", name+".json"), func(w io.Writer) error { return printJSON(w, report) })
	return report, outputError(err)
}

// FunctionPath returns where a function's file is, below the folder of a run:
// functions/DATASET/RESOLUTION-REGIONS/KIND.COLUMN.arrow, such as
// functions/taxi/hour-city/mean.fare.arrow. Signs of a column's name that are
// not safe in a path are written %XX.
func FunctionPath(f *datasets.Function) string {
	name := f.Spec.Kind.String()
	if f.Spec.Column != "" {
		name += "." + url.PathEscape(f.Spec.Column)
	}
	return path.Join("functions", f.Dataset, f.Axis.Resolution.String()+"-"+f.Regions.Name, name+".arrow")
}

// reportText is a load report as a page to read.
func reportText(r *datasets.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s rows of %s, %s used", r.Dataset, groupDigits(r.Rows), plural(len(r.Files), "file"), groupDigits(r.Used))
	if r.LeftOut > 0 {
		fmt.Fprintf(&b, ", %s left out as the catalog asks", groupDigits(r.LeftOut))
	}
	fmt.Fprintf(&b, "\n")
	if !r.First.IsZero() {
		layout := "2006-01-02"
		if r.Step == "hour" {
			layout = "2006-01-02 15:04 MST"
		}
		fmt.Fprintf(&b, "  %s to %s by the %s", r.First.Format(layout), r.Last.Format(layout), r.Step)
		if n := len(r.Gaps); n > 0 {
			longest := slices.MaxFunc(r.Gaps, func(a, b datasets.Gap) int { return int(a.Steps - b.Steps) })
			fmt.Fprintf(&b, ", %s, the longest %s to %s", plural(n, "gap"), longest.From.Format(layout), longest.To.Format(layout))
		}
		b.WriteString("\n")
	}
	list := func(title string, rejects []datasets.Reject, samples int) {
		for _, e := range rejects {
			fmt.Fprintf(&b, "  %s: %s %s", title, groupDigits(e.Count), e.Reason)
			if e.Column != "" {
				fmt.Fprintf(&b, " (%s)", e.Column)
			}
			if e.Regions != "" {
				fmt.Fprintf(&b, " of %s", e.Regions)
			}
			for i, s := range e.Samples[:min(len(e.Samples), samples)] {
				sep := ", "
				if i == 0 {
					sep = ", such as "
				}
				fmt.Fprintf(&b, "%s%q", sep, s.Text)
				if s.Row >= 0 {
					fmt.Fprintf(&b, " in %s row %d", path.Base(s.File), s.Row)
				}
			}
			b.WriteString("\n")
		}
	}
	list("rejected rows", r.Rejected, 5)
	list("rows in no region", r.Unplaced, 1)
	list("values not used", r.BadValues, 5)
	if r.Ambiguous > 0 {
		fmt.Fprintf(&b, "  %s times that clocks show twice in autumn: the earlier is taken\n", groupDigits(r.Ambiguous))
	}
	if r.Skipped > 0 {
		fmt.Fprintf(&b, "  %s times that clocks skip in spring: moved forward\n", groupDigits(r.Skipped))
	}
	b.WriteString(functionLines(r.Functions))
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "  warning: %s\n", w)
	}
	return b.String()
}

// functionLines lists the functions at the finest resolution of each region
// system, and how many more there are.
func functionLines(functions []datasets.FunctionReport) string {
	var b strings.Builder
	shown := make(map[string]string)
	more := 0
	for _, f := range functions {
		if finest, ok := shown[f.Regions]; ok && finest != f.Resolution {
			more++
			continue
		}
		shown[f.Regions] = f.Resolution
		fmt.Fprintf(&b, "  %-32s %-5s %-14s %7d x %-4d %9d values, %.4g .. %.4g .. %.4g\n", f.Function, f.Resolution, f.Regions, f.Steps, f.NumRegions, f.Values, f.Min, f.Median, f.Max)
	}
	if more > 0 {
		fmt.Fprintf(&b, "  and %d at coarser resolutions\n", more)
	}
	return b.String()
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// groupDigits writes a number with a comma before every third digit.
func groupDigits(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
