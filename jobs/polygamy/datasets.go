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

const inspectHelp = `Propose a catalog entry for the files of one dataset, from their schema and
their first rows: which columns are time, place, identifier and quantity, and
why. The entry is YAML with the reasons as comments; read it, mend what is
wrong, and put it into a catalog.

Files are Parquet, CSV or gzipped CSV, named one by one, by a pattern in quotes
('trips/*.parquet') or by a folder with a slash at its end (trips/).

With --catalog, columns that hold the codes of one of its region systems are
found too, and the entry is printed without the line "datasets:" if the catalog
has that already. A catalog may begin with its city and regions alone.`

func inspectCommand(w io.Writer) *cobra.Command {
	var o jobs.InspectOptions
	cmd := &cobra.Command{
		Use:   "inspect FILE...",
		Short: "Propose a catalog entry for files",
		Long:  inspectHelp,
		Example: `  polygamy inspect 'nyc/collisions/*.parquet'
  polygamy inspect trips.csv.gz --catalog catalog.yaml    # an entry to add at its end
  polygamy inspect weather.parquet --format json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return jobs.UsageError(fmt.Errorf("inspect takes files; see 'polygamy inspect --help'"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Files = args
			return jobs.Inspect(cmd.Context(), datasets.Disk{}, o, w)
		},
	}
	cmd.Flags().StringVar(&o.Catalog, "catalog", "", "catalog whose regions columns may hold codes of")
	cmd.Flags().StringVar(&o.Format, "format", "table", "form of output: table (YAML) or json")
	return cmd
}

const checkHelp = `Validate a catalog, and the data against it: unknown keys, files that are not
there or cannot be read, columns that are missing or of another type, regions
without codes, and what the first rows of each file give reason to doubt. All
problems of the catalog are listed at once, and when it has none all problems
with the data; nothing is written.

Exit codes: 0 fine (there may be warnings), 2 problems in the catalog, 3
problems with the data.`

func checkCommand(w io.Writer) *cobra.Command {
	var o jobs.CheckOptions
	cmd := &cobra.Command{
		Use:     "check",
		Short:   "Validate a catalog against its data",
		Long:    checkHelp,
		Example: `  polygamy check --catalog catalog.yaml`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return jobs.Check(cmd.Context(), datasets.Disk{}, o, w)
		},
	}
	cmd.Flags().StringVar(&o.Catalog, "catalog", "catalog.yaml", "catalog to check")
	cmd.Flags().StringVar(&o.Format, "format", "table", "form of output: table or json")
	return cmd
}

const ingestHelp = `Load the datasets of a catalog: read every row once, aggregate it to scalar
functions over regions and time steps, and write these.

  OUT/functions/DATASET/RESOLUTION-REGIONS/KIND.COLUMN.arrow
        one number a cell, as an uncompressed Arrow file, such as
        functions/taxi/hour-city/mean.fare.arrow
  OUT/reports/DATASET.json
        the load report: rows read, used, rejected and why, gaps, warnings

Missing is not zero: a cell without rows is 0 for count, sum and unique where
the dataset has records at all, and missing otherwise. The result is the same
to the last bit for any number of workers and any split of the files.

A dataset that cannot be read as declared is left out, with file, row group,
column, row and what to do, and the others are loaded.

Exit codes: 0 done, 2 usage or catalog, 3 some datasets could not be loaded, 4
interrupted or output that cannot be written.`

func ingestCommand(w io.Writer) *cobra.Command {
	o := jobs.IngestOptions{Now: time.Now}
	cmd := &cobra.Command{
		Use:   "ingest [DATASET...]",
		Short: "Load datasets: from tables to scalar functions",
		Long:  ingestHelp,
		Example: `  polygamy ingest --catalog catalog.yaml --out out
  polygamy ingest --catalog catalog.yaml --out out collisions weather`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Datasets = args
			if term.IsTerminal(int(os.Stderr.Fd())) {
				o.Progress = os.Stderr
			}
			return jobs.Ingest(cmd.Context(), datasets.Disk{}, o, w)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Catalog, "catalog", "catalog.yaml", "catalog of the datasets")
	flags.StringVar(&o.Out, "out", "", "folder to write to")
	flags.IntVar(&o.Workers, "workers", runtime.NumCPU(), "goroutines that read; the result does not depend on it")
	flags.StringVar(&o.Format, "format", "table", "form of the reports on standard output: table or json")
	return cmd
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return jobs.UsageError(fmt.Errorf("%s takes no argument %q; for a catalog write --catalog %s", cmd.Name(), args[0], args[0]))
	}
	return nil
}
