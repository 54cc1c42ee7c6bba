package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
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
		return usageErrorf("give --out FOLDER, which functions and reports are written to")
	}
	if err := checkFormat(o.Format); err != nil {
		return err
	}
	c, err := datasets.ReadCatalog(ctx, store, o.Catalog)
	if err != nil {
		return UsageError(err)
	}
	names, err := o.datasets(c)
	if err != nil {
		return err
	}
	// A region system that cannot be loaded stops the datasets with places.
	systems, badRegions := datasets.LoadSystems(ctx, store, c)
	if o.Now == nil {
		o.Now = time.Now
	}
	line := &progressLine{w: o.Progress, now: o.Now}
	var failed []error
	reports := []*datasets.Report{}
	written := &writtenFiles{store: store}
	for _, name := range names {
		if badRegions != nil && !c.Datasets[name].Place.City {
			failed = append(failed, fmt.Errorf("dataset %s: %w", name, badRegions))
			continue
		}
		line.begins(name)
		report, err := ingestDataset(ctx, written, c, name, systems, o, line)
		line.end()
		if ctx.Err() != nil {
			return outputError(fmt.Errorf("%w: %d of %d datasets are done; run it again for the others", errInterrupted, len(reports), len(names)))
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
		err = printJSON(w, reports)
	} else {
		_, err = fmt.Fprintf(w, "wrote %s, %s MB, to %s\n", plural(written.files, "file"), groupDigits((written.bytes+500_000)/1_000_000), o.Out)
	}
	if err != nil {
		return outputError(err)
	}
	if len(failed) > 0 {
		return inputError(fmt.Errorf("%d of %d datasets were not loaded:\n%w", len(failed), len(names), errors.Join(failed...)))
	}
	return nil
}

// datasets returns the names of those that are asked for, which c must have.
func (o *IngestOptions) datasets(c *datasets.Catalog) ([]string, error) {
	if len(c.Datasets) == 0 {
		return nil, usageErrorf("%s has no datasets; see 'polygamy inspect --help'", o.Catalog)
	}
	if len(o.Datasets) == 0 {
		return c.Names(), nil
	}
	for _, name := range o.Datasets {
		if _, ok := c.Datasets[name]; !ok {
			return nil, usageErrorf("%s has no dataset %q; it has %s", o.Catalog, name, strings.Join(c.Names(), ", "))
		}
	}
	return o.Datasets, nil
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

// writtenFiles is a store that counts what is written.
type writtenFiles struct {
	store datasets.Store
	files int
	bytes int64
}

func (f *writtenFiles) write(ctx context.Context, name string, write func(io.Writer) error) error {
	f.files++
	err := f.store.Write(ctx, name, func(w io.Writer) error {
		c := &byteCounter{w: w}
		err := write(c)
		f.bytes += c.n
		return err
	})
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w; choose another --out", err)
	}
	return outputError(err)
}

// A byteCounter counts the bytes that are written.
type byteCounter struct {
	w io.Writer
	n int64
}

// Write writes p.
func (c *byteCounter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// removeOld removes what an earlier run has written of a dataset, so that
// nothing stays that the catalog no longer makes.
func removeOld(ctx context.Context, store datasets.Store, out, name string) error {
	for _, pattern := range []string{path.Join(out, "functions", name, "*", "*.arrow"), path.Join(out, "reports", name+".json")} {
		old, err := store.Glob(ctx, pattern)
		if err != nil {
			return outputError(err)
		}
		for _, file := range old {
			if err := store.Remove(ctx, file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return outputError(err)
			}
		}
	}
	return nil
}

// ingestDataset loads one dataset and writes what comes of it.
func ingestDataset(ctx context.Context, written *writtenFiles, c *datasets.Catalog, name string, systems map[string]*datasets.RegionSystem, o IngestOptions, line *progressLine) (*datasets.Report, error) {
	if err := removeOld(ctx, written.store, o.Out, name); err != nil {
		return nil, err
	}
	l, err := datasets.Load(ctx, written.store, c, name, systems, datasets.LoadOptions{Workers: o.Workers, Progress: line.show})
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
				if described.Values == 0 {
					continue // which the report says
				}
				if err := written.write(ctx, path.Join(o.Out, FunctionPath(f)), f.Write); err != nil {
					return nil, err
				}
			}
		}
	}
	return report, written.write(ctx, path.Join(o.Out, "reports", name+".json"), func(w io.Writer) error { return printJSON(w, report) })
}

// longestName keeps file names below what file systems take, 255 bytes.
const longestName = 200

// FunctionPath returns where a function's file is, below the folder of a run:
// functions/DATASET/RESOLUTION-REGIONS/KIND.COLUMN.arrow, such as
// functions/taxi/hour-city/mean.fare.arrow. Signs of a column's name that are
// not safe in a path are written %XX; very long names end in a checksum.
func FunctionPath(f *datasets.Function) string {
	name := f.Spec.Kind.String()
	if f.Spec.Column != "" {
		column := url.PathEscape(f.Spec.Column)
		if len(column) > longestName {
			column = fmt.Sprintf("%.*s-%08x", longestName, column, crc32.ChecksumIEEE([]byte(column)))
		}
		name += "." + column
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
			fmt.Fprintf(&b, "  %s", title)
			if e.Regions != "" {
				fmt.Fprintf(&b, " of %s", e.Regions)
			}
			fmt.Fprintf(&b, ": %s %s", groupDigits(e.Count), e.Reason)
			if e.Column != "" {
				fmt.Fprintf(&b, " in `%s`", e.Column)
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
	list("rows rejected", r.Rejected, 5)
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
	more, empty := 0, 0
	for _, f := range functions {
		if finest, ok := shown[f.Regions]; ok && finest != f.Resolution {
			more++
			if f.Values == 0 {
				empty++
			}
			continue
		}
		shown[f.Regions] = f.Resolution
		if b.Len() == 0 {
			fmt.Fprintf(&b, "  %-30s %-5s %-13s %7s %11s %11s  %s\n", "function", "step", "region", "steps", "regions", "values", "least .. median .. greatest")
		}
		regions := fmt.Sprint(f.NumRegions)
		if f.NumRegions < f.AllRegions {
			regions += fmt.Sprintf(" of %d", f.AllRegions)
		}
		fmt.Fprintf(&b, "  %-30s %-5s %-13s %7s %11s %11s  ", f.Function, f.Resolution, f.Regions, groupDigits(int64(f.Steps)), regions, groupDigits(int64(f.Values)))
		if f.Values == 0 {
			b.WriteString("no values: not written\n")
		} else {
			fmt.Fprintf(&b, "%s .. %s .. %s\n", shortNumber(f.Min), shortNumber(f.Median), shortNumber(f.Max))
		}
	}
	if more > 0 {
		fmt.Fprintf(&b, "  and %d at coarser steps", more)
		if empty > 0 {
			fmt.Fprintf(&b, ", of which %d have no value and are not written: no step of theirs is covered", empty)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// shortNumber writes a number with four significant digits, and those of a
// thousand and more as whole numbers.
func shortNumber(x float64) string {
	if math.Abs(x) >= 1000 && math.Abs(x) < 1e15 {
		return groupDigits(int64(math.Round(x)))
	}
	return fmt.Sprintf("%.4g", x)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// groupDigits writes a number with a comma before every third digit.
func groupDigits(n int64) string {
	if n < 0 {
		return "-" + groupDigits(-n)
	}
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
