package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"polygamy/jobs"
)

const decoysHelp = `Estimate, without any theory, how many discoveries among functions are false.

All pairs of functions of different datasets that have equal steps and regions
are tested twice: as they are, and as decoys, with the second function moved by
52 weeks (by fewer where records are short). What is seasonal survives the move,
every real coincidence dies. Discoveries among the decoys over those among the
real pairs estimate the false discovery proportion; it should be near or below
--q. Then every pair is moved by 8 to 104 weeks both ways: the shares of these
decoys with p at most 0.05, 0.01 and 0.001 should be near those numbers. They
are not independent, so a few hundred decoys tell little at 0.001; the standard
error at 0.05 takes all pairs of two datasets, at one shift, for one story.

Holidays survive a move by 52 weeks if they keep to the week, as Thanksgiving
does, and are common causes in the decoys too: compare with --weeks 60.

Functions are files of 'polygamy ingest', or folders of them. Months and years
have no weeks to move by and are left out. Anomalies are tested: raw functions
share routines and seasons, which --version raw,anomaly adds.`

func decoysCommand(w io.Writer) *cobra.Command {
	var o jobs.DecoysOptions
	cmd := &cobra.Command{
		Use:   "decoys FUNCTION.arrow... | DIR",
		Short: "Estimate the false discovery proportion by decoys",
		Long:  decoysHelp,
		Example: `  polygamy decoys out/functions
  polygamy decoys out/functions --resolution hour-city,day-city --class sweep,salient
  polygamy decoys out/functions --class sweep:1,5,25 --class level:40`,
		Args: functionArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Inputs = args
			if term.IsTerminal(int(os.Stderr.Fd())) {
				o.Progress = os.Stderr
			}
			return jobs.RunDecoys(cmd.Context(), o, w)
		},
	}
	corpusFlags(cmd, &o)
	cmd.Flags().Float64Var(&o.Q, "q", 0.05, "false discovery rate that is accepted")
	cmd.Flags().IntVar(&o.Weeks, "weeks", 52, "weeks by which the decoy run moves the second function; fewer in short records")
	return cmd
}

// corpusFlags are the flags of commands on many functions.
func corpusFlags(cmd *cobra.Command, o *jobs.DecoysOptions) {
	flags := cmd.Flags()
	flags.StringSliceVar(&o.Resolutions, "resolution", nil, "resolutions to take, such as hour-city,day-zip (default all)")
	flags.StringSliceVar(&o.Versions, "version", nil, "versions to test: raw, anomaly (default anomaly)")
	flags.Var((*classes)(&o.Classes), "class", "threshold `class` as in 'polygamy features', such as sweep:1,5,25 (default sweep; may be repeated)")
	flags.IntVar(&o.Workers, "workers", runtime.NumCPU(), "goroutines; the result does not depend on it")
	flags.StringVar(&o.Format, "format", "table", "form of output: table or json")
}

// classes are the values of a flag that may be repeated, or hold several
// classes: a comma before a letter parts them, other commas part numbers.
type classes []string

func (c *classes) String() string { return strings.Join(*c, ",") }
func (c *classes) Type() string   { return "class" }

func (c *classes) Set(text string) error {
	first := true
	for part := range strings.SplitSeq(text, ",") {
		if !first && !strings.ContainsFunc(part[:min(1, len(part))], unicode.IsLetter) {
			(*c)[len(*c)-1] += "," + part
			continue
		}
		*c, first = append(*c, part), false
	}
	return nil
}

func functionArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return jobs.UsageError(fmt.Errorf("%s takes function files of 'polygamy ingest' or a folder of them; see '%s --help'", cmd.Name(), cmd.CommandPath()))
	}
	return nil
}
