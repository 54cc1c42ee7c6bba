package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"polygamy/datasets"
)

// DemoOptions are those of the command demo.
type DemoOptions struct {
	Corpus   string // folder with a catalog.yaml
	Out      string
	Workers  int
	Version  string
	Progress *Progress
}

// demoFindings is how many findings the demo tells.
const demoFindings = 3

// Demo runs the bundled corpus and says what was found and what to do next.
func Demo(ctx context.Context, store datasets.Store, o DemoOptions, w io.Writer) error {
	catalog := filepath.Join(o.Corpus, "catalog.yaml")
	if data, err := readIfThere(catalog); err != nil || data == nil {
		return usageErrorf("%s is not there: the demo runs on the corpus that lies in the folder notebooks/corpus of the repository; name it with --corpus", catalog)
	}
	var out bytes.Buffer
	run := RunOptions{Catalog: catalog, Out: o.Out, Lags: DefaultLags, Workers: o.Workers, Version: o.Version, Format: "json", Progress: o.Progress}
	if err := Run(ctx, store, run, &out); err != nil {
		return err
	}
	var s RunSummary
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		return fmt.Errorf("read the summary of the run: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s, %s relationships tested, %s discoveries, %.0f s\n\n", plural(s.Functions, "function"), plural(s.Datasets, "dataset"),
		groupDigits(int64(s.Tested)), groupDigits(int64(s.Selected)), s.Seconds)
	b.WriteString("Three findings:\n")
	told := map[string]bool{} // datasets: one story of each is enough
	for _, f := range s.Strongest {
		if dataset, _, _ := strings.Cut(f.A, "."); !told[dataset] && len(told) < demoFindings {
			told[dataset] = true
			fmt.Fprintf(&b, "  %s\n", f.sentence())
		}
	}
	fmt.Fprintf(&b, "\nThe tables are in %s; 'polygamy schema' explains their columns.\n", filepath.Join(o.Out, "tables"))
	_, err := io.WriteString(w, b.String())
	return outputError(err)
}
