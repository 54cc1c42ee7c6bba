package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"polygamy/datasets"
	"polygamy/jobs"
)

const runHelp = `Do whatever changed since the last run in --out: load datasets, find the
features of their functions, test all pairs of functions of different datasets,
control false discoveries over all of them, and publish the tables.

  OUT/functions/DATASET/KEY/   functions, trees and features of a dataset; KEY is
                               a hash of all that they depend on
  OUT/pairs/                   tests of pairs of datasets
  OUT/tables/                  Parquet: relationships, features, functions, sweep,
                               runs; see 'polygamy schema'
  OUT/run.json                 names every file of the run; written last, so
                               that readers never see half of one

A second run does nothing. A new dataset costs its own functions and pairs; a
file that changed, those of its dataset. A run that is stopped goes on where it
was. The tables are the same to the last byte for any number of workers, but
for the times in the table runs.

Tested are the anomalies at every level of the sweep, for discovery, and the
functions themselves at the salient and extreme levels of the published method,
to compare. Hours and days of the whole city are also searched over lags.

A dataset that cannot be read as declared is left out, and the others are
related.

Exit codes: 0 done, 2 usage or catalog, 3 some datasets could not be loaded, 4
interrupted or output that cannot be written, 75 another run works in OUT.`

func runCommand(w io.Writer) *cobra.Command {
	o := jobs.RunOptions{Now: time.Now, Version: version()}
	var log, memory string
	cmd := &cobra.Command{
		Use:   "run [DATASET...]",
		Short: "Load, index and relate the datasets of a catalog: whatever changed",
		Long:  runHelp,
		Example: `  polygamy run --catalog notebooks/corpus/catalog.yaml --out out
  polygamy run --catalog catalog.yaml --out out --resolution hour-city,day-neighborhood
  polygamy run --catalog catalog.yaml --out out --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Datasets = args
			switch log {
			case "text", "json":
			default:
				return jobs.UsageError(fmt.Errorf("--log %s: choose text or json", log))
			}
			if memory != "" {
				var err error
				if o.Memory, err = jobs.ParseBytes(memory); err != nil {
					return err
				}
			}
			terminal := term.IsTerminal(int(os.Stderr.Fd()))
			o.Progress = &jobs.Progress{W: os.Stderr, Terminal: terminal, JSON: log == "json", Now: time.Now}
			return jobs.Run(cmd.Context(), datasets.Disk{}, o, w)
		},
	}
	cmd.Flags().StringVar(&o.Catalog, "catalog", "catalog.yaml", "catalog of the datasets")
	cmd.Flags().StringVar(&o.Out, "out", "", "folder of the run")
	cmd.Flags().StringSliceVar(&o.Resolutions, "resolution", nil, "resolutions to relate, such as hour-city,day-neighborhood (default hours to months of all regions)")
	cmd.Flags().IntVar(&o.Lags, "lags", jobs.DefaultLags, "steps by which the second function is moved both ways, hours and days of the city; 0 for none")
	cmd.Flags().Float64Var(&o.Q, "q", 0.05, "rate of false discoveries that is accepted")
	cmd.Flags().IntVar(&o.Workers, "workers", runtime.GOMAXPROCS(0), "goroutines; the result does not depend on it")
	cmd.Flags().StringVar(&memory, "memory", "", "memory to stay under, such as 4GiB (default three quarters of the machine's)")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "say what would run")
	cmd.Flags().StringVar(&o.Format, "format", "table", "form of output: table or json")
	cmd.Flags().StringVar(&log, "log", "text", "form of progress: text or json")
	return cmd
}

func schemaCommand(w io.Writer) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "schema [TABLE...]",
		Short:   "Print the columns of the result tables: name, type, unit, meaning",
		Example: "  polygamy schema relationships\n  polygamy schema --format markdown",
		RunE:    func(_ *cobra.Command, args []string) error { return jobs.Schema(args, format, w) },
	}
	cmd.Flags().StringVar(&format, "format", "table", "form of output: table, markdown or json")
	return cmd
}

const demoHelp = `Run the slice of the New York corpus that comes with the repository, eleven
datasets and 1.2 million rows, and say what was found and what to try next.`

func demoCommand(w io.Writer) *cobra.Command {
	o := jobs.DemoOptions{Version: version()}
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Run the bundled corpus and say what to look at",
		Long:    demoHelp,
		Example: "  polygamy demo\n  polygamy demo --corpus notebooks/corpus --out out",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Progress = &jobs.Progress{W: os.Stderr, Terminal: term.IsTerminal(int(os.Stderr.Fd())), Now: time.Now}
			return jobs.Demo(cmd.Context(), datasets.Disk{}, o, w)
		},
	}
	cmd.Flags().StringVar(&o.Corpus, "corpus", "notebooks/corpus", "folder of the corpus")
	cmd.Flags().StringVar(&o.Out, "out", "bin/demo", "folder of the run")
	return cmd
}
