package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"polygamy/jobs"
)

const compareHelp = `Test whether two fields move together, and whether it is more than chance.

The fields are CSV as in 'polygamy features', or function files of 'polygamy
ingest'; both need the same resolution and the same regions. Each is tested as
it is (raw) and as its anomaly: its departure from its weekly routine and its
slow level. Features are the tails of 1, 2, 5, 10 and 20 % a side; one p-value
pays for the search over these levels, and over the lags if any are asked for.
Nobody pays for the choice between the versions: for discovery, read the anomaly.

score     tau, from -1 to 1: do the features agree in sign where they meet
strength  rho, from 0 to 1: how much of the features meets
kappa     excess signed strength: what remains beyond the shared routine
lift      cells that meet, over those expected by chance
z         of the signed overlap; its sign is that of the relationship
lag       in steps: at 3 the second field, b, comes 3 steps after the first, a,
          so that a leads; at -3 b leads

CSV fields whose values are all whole numbers from 0 on are taken for counts,
which have another anomaly than measurements; the page says so.

Hours and days need 30 common weeks, weeks 36, and months 3 years of anomalies.
With 8 to 29 weeks of hours or days, and with --null weeks, the test is
exploratory: a season or a trend that both share counts as moving together. A
pair that cannot be tested is no error: the reason is printed, with counts and
effect sizes if the two have cells in common.

  --given C      a third field, of the same steps, and of the same regions or
                 the city: the comparison again where C has no feature; of a C
                 that is 0 in most cells, where it has no spike
  --holidays F   dates, one a line, # begins a comment: the comparison again
                 without the weeks that hold one
  --events N     how many features of one are followed, within N steps, by a
                 feature of the other that begins then
  --measures     standard techniques on the values themselves
  --plot FILE    picture of both over time with their features, and of the lags;
                 of the first version

Raw fields with regions that touch are also asked whether they are high in the
same places, always: another question, with a p of its own.

With --compat the test is that of the published implementation of Data Polygamy,
on its own salient and extreme features, to compare results with it. What is
wrong with its p-values is printed with them; they are not for discovery.`

func compareCommand(w io.Writer) *cobra.Command {
	var o jobs.CompareOptions
	var lags string
	var tolerance int
	cmd := &cobra.Command{
		Use:   "compare A B",
		Short: "Test whether two fields move together",
		Long:  compareHelp,
		Example: `  polygamy compare taxi.csv rain.csv --zone America/New_York
  polygamy compare out/functions/a/hour-city/count.arrow out/functions/b/hour-city/count.arrow --lags -12:12
  polygamy compare crashes.csv traffic.csv --version anomaly --given rain.csv --holidays days.txt --events 3`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return jobs.UsageError(fmt.Errorf("compare takes two fields, not %d; see 'polygamy compare --help'", len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.A, o.B = args[0], args[1]
			if lags != "" {
				first, last, ok := strings.Cut(lags, ":")
				var errs [2]error
				o.First, errs[0] = strconv.Atoi(first)
				o.Last, errs[1] = strconv.Atoi(last)
				if !ok || errs[0] != nil || errs[1] != nil {
					return jobs.UsageError(fmt.Errorf("--lags %s: write the first and the last lag in steps, such as -12:12", lags))
				}
			}
			if cmd.Flags().Changed("events") {
				o.Events = &tolerance
			}
			if term.IsTerminal(int(os.Stderr.Fd())) {
				o.Progress = os.Stderr
			}
			return jobs.Compare(cmd.Context(), o, w)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Graph, "graph", "", "adjacency of the regions of CSV fields")
	flags.StringVar(&o.Zone, "zone", "UTC", "time zone of CSV fields")
	flags.StringVar(&o.Resolution, "resolution", "", "time step of CSV fields (default: from the times)")
	flags.StringVar(&lags, "lags", "", "lags of the second field, in steps: FIRST:LAST")
	flags.StringSliceVar(&o.Versions, "version", nil, "versions to test: anomaly, raw (default both)")
	flags.StringVar(&o.Null, "null", "", "how weeks are exchanged: windows (default), windows:N of N weeks, or weeks, over the whole record")
	flags.StringArrayVar(&o.Given, "given", nil, "field whose features are left out: what remains? (may be repeated)")
	flags.StringVar(&o.Holidays, "holidays", "", "file of dates: test without their weeks as well")
	flags.IntVar(&tolerance, "events", 0, "event view with a tolerance of so many steps")
	flags.BoolVar(&o.Measures, "measures", false, "Pearson, Spearman, mutual information and time warping, under the same null")
	flags.StringVar(&o.Plot, "plot", "", "picture to draw, .png or .svg")
	flags.BoolVar(&o.Compat, "compat", false, "repeat the published test, flaws included, to compare results with it")
	flags.StringVar(&o.Format, "format", "table", "form of output: table or json")
	return cmd
}
