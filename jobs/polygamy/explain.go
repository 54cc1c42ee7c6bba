package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"polygamy/jobs"
)

const explainHelp = `Say where and when two functions of a run meet: what makes their relationship.

A and B are functions, such as taxi.sum(trips), or datasets, of which the
strongest relationship is taken: of the discoveries that with the largest
|kappa|. --at, --version and --level choose among those of the pair; --level
and --lag also look at another level or lag than the strongest.

D       cells (region, step) in which features of both have one sign, less those
        in which signs differ: score times the cells in which features meet
event   a connected group of cells in which features meet; ranked by what it
        makes of D, then by how unusual it is
without counts again without the times of the largest events, everywhere, and
        without each season: does one blizzard make the relationship?

Values are in the unit of the function, beside them its anomaly, the departure
from its routine, in standard deviations. The function whose dataset's name is
less is a; at lag 3 b comes 3 steps after a.

--plot draws both functions over time with their features, where these meet, and
D by month; and a map of D, if the functions have regions and the region file of
the catalog is where the run found it.`

func explainCommand(w io.Writer) *cobra.Command {
	var o jobs.ExplainOptions
	var lag int
	cmd := &cobra.Command{
		Use:   "explain A B",
		Short: "Say where and when two functions of a run meet",
		Long:  explainHelp,
		Example: `  polygamy explain citibike_daily weather_central_park_daily --out out
  polygamy explain 'collisions.count' 'weather_central_park_daily.sum(snow_in)' --out out --at day-city --plot snow.png
  polygamy explain collisions uber_pickups --out out --at day-neighborhood --level tail:10 --format json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return jobs.UsageError(fmt.Errorf("explain takes two functions, not %d; see 'polygamy explain --help'", len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.A, o.B = args[0], args[1]
			if cmd.Flags().Changed("lag") {
				o.Lag = &lag
			}
			return jobs.Explain(cmd.Context(), o, w)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Out, "out", "", "folder of the run")
	flags.StringVar(&o.At, "at", "", "resolution, such as hour-city (default that of the strongest relationship)")
	flags.StringVar(&o.Version, "version", "", "version: anomaly or raw (default that of the strongest relationship)")
	flags.StringVar(&o.Level, "level", "", "level, such as tail:10, salient or extreme (default the strongest)")
	flags.IntVar(&lag, "lag", 0, "steps by which B follows A (default the strongest)")
	flags.StringVar(&o.Plot, "plot", "", "picture to draw, .png or .svg")
	flags.StringVar(&o.Format, "format", "table", "form of output: table or json")
	return cmd
}
