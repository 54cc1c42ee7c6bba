package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"polygamy/jobs"
)

const calibrateHelp = `Measure how the test does on your own functions: how often it is wrong, and
what it can find.

Errors of the first kind: every pair of functions of different datasets is
moved apart by 8 to 104 weeks, both ways, so that no real coincidence is left;
the shares of these decoys with p at most 0.05, 0.01 and 0.001 should be near
those numbers, or below.

Power: in some of the decoys shocks of three steps and 3.5 standard deviations
are planted in both functions, 10, 15 or 25 % of them at the same time and place:
in one region each (local; one cell in a hundred is hit), or in all at once (city;
one for every 109 steps). The share that is found says how much two functions
must have in common, and for how long, to be found in your data; where fewer than
ten shocks are in common, it says little. Pairs and shocks follow from --seed.
Anomalies are tested unless --version says otherwise.

Functions are files of 'polygamy ingest', or folders of them. Fields of many
regions and hours take a minute for each pair.`

func calibrateCommand(w io.Writer) *cobra.Command {
	var o jobs.CalibrateOptions
	cmd := &cobra.Command{
		Use:   "calibrate FUNCTION.arrow... | DIR",
		Short: "Measure errors and power of the test on your own functions",
		Long:  calibrateHelp,
		Example: `  polygamy calibrate out/functions --resolution day-city
  polygamy calibrate out/functions --resolution hour-city --version raw,anomaly --pairs 100`,
		Args: functionArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Inputs = args
			if cmd.Flags().Changed("pairs") && o.Pairs < 1 {
				return jobs.UsageError(fmt.Errorf("--pairs %d: give a number of pairs from 1 on", o.Pairs))
			}
			if term.IsTerminal(int(os.Stderr.Fd())) {
				o.Progress = os.Stderr
			}
			return jobs.RunCalibrate(cmd.Context(), o, w)
		},
	}
	corpusFlags(cmd, &o.DecoysOptions)
	cmd.Flags().IntVar(&o.Pairs, "pairs", 40, "pairs of functions to plant shocks in, for each row of the table")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "of the choice of pairs and of the shocks")
	return cmd
}
