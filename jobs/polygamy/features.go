package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"polygamy/jobs"
)

const featuresHelp = `Topology of one field: its extrema and how much they persist, thresholds, and
the cells that are features, spikes or valleys, at those thresholds.

FIELD.csv, gzipped or not, has one of three headers:

  time,value           one city-wide series
  region,time,value    a row per region and time
  time,NAME,NAME,...   a row per time, a column per region

It may also be a function file of 'polygamy ingest' (.arrow), which knows its
regions, their adjacency and its zone.

A time is epoch seconds or ISO 8601 (2015-01-27, 2015-01-27T03:00, with Z or an
offset if wanted; without one it is wall-clock time in --zone). Times must
increase. One row a step and region: a file finer than the resolution is an
error, never added up. A cell that is empty, NaN, NA or null is missing, and
missing is not zero: it cuts the series, and nothing is bridged.

--graph names the adjacency of the regions: a first line with the numbers of
regions and edges, then an edge "u v" a line. Regions are numbered from 0, in
the order of the columns; in the form with a region column the regions are
these numbers. Without --graph no region touches another.

Thresholds (--threshold, as often as you like):

  sweep              tails of 1, 2, 5, 10 and 20 % a side (the default)
  sweep:12           12 tails in equal steps up to 20 % (equal levels once)
  sweep:1,5,25       the tails you name
  tail:5             the level that 5 % of the cells reach, more with ties
  salient            the level of the persistent extrema, by 2-means
  extreme            the box-plot fence of the persistent extrema
  level:40           values of 40 and more; level:-5,40 also those of -5 and less
  persistence:12     the level of the extrema whose persistence is 12 and more

tail and sweep take shares of the whole record; add /season for shares of each
season. Seasons are months for hours, quarters for days, none for coarser steps.
Extrema, saddles and so persistence belong to one season; use --season none to
compare across the year. A cell that passes both thresholds is marked with the
sign whose threshold it exceeds by more, with none if by the same. A class that
marks more than half of the cells is called dense: it tells little.

--profile reference applies the rules of the published implementation of Data
Polygamy, its defects included, for comparison with it: classes salient,
extreme and persistence:X only.

Columns of --format csv:

  pairs        season,tree,rank,region,time,vertex,extremum,saddle,persistence
  thresholds   season,tree,class,persistence_cut,threshold
  sweep        season,tree,step,threshold,features,cells
  cells        class,region,time,sign
  features     class,id,season,sign,region,time,value,persistence,start,end,
               duration,regions,cells,mean_excess

season is year*100 + month, year*100 + quarter, the year, or 1 if there is one
season only; the reference profile numbers the parts of a year 0 to 3. tree is
super (maxima) or sub (minima). Times are starts of steps: epoch seconds if the
file has them, else local time with its offset. rank 0 is the most persistent;
vertex t*R + r is region r of R at step t of the season, both from 0. step
counts the levels from 0, the rarest of a sweep. persistence_cut is the least
persistence of the extrema that decide the level. region, time, value and
persistence of a feature are those of its oldest extremum; start and end are
its first and last step, duration the number of steps from one to the other,
regions and cells what it holds, mean_excess the mean distance of its values
from the threshold. An empty cell means that there is none.

Exit codes: 0 done, 2 usage, 3 input that cannot be read, 4 interrupted or
output that cannot be written, 1 a bug.`

const featuresExample = `  polygamy features taxi.csv.gz --zone America/New_York
  polygamy features taxi.csv.gz --zone America/New_York --plot taxi.svg
  polygamy features crashes.csv --graph neighborhoods.txt --threshold tail:5 --what features
  polygamy features out/functions/taxi/hour-city/count.arrow --threshold tail:5
  polygamy features taxi.csv.gz --what pairs --format csv > pairs.csv`

func featuresCommand(w io.Writer) *cobra.Command {
	var o jobs.FeaturesOptions
	cmd := &cobra.Command{
		Use:     "features FIELD.csv[.gz]|FUNCTION.arrow",
		Short:   "Topology of one field: extrema, persistence, thresholds, features",
		Long:    featuresHelp,
		Example: featuresExample,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return jobs.UsageError(fmt.Errorf("features takes one file, not %d; see 'polygamy features --help'", len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Field, o.ZoneGiven = args[0], cmd.Flags().Changed("zone")
			return jobs.Features(cmd.Context(), o, w)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Graph, "graph", "", "adjacency of the regions")
	flags.StringVar(&o.Resolution, "resolution", "", "time step: hour, day, week, month or year (default: from the times)")
	flags.StringVar(&o.Zone, "zone", "UTC", "time zone of wall-clock times and of days, weeks and months")
	flags.StringVar(&o.Season, "season", "", "seasons: auto, none, month, quarter or year (default auto)")
	flags.StringArrayVar(&o.Thresholds, "threshold", nil, "threshold class (default sweep; may be repeated)")
	flags.StringVar(&o.Profile, "profile", "corrected", "rules: "+strings.Join(jobs.Profiles(), " or "))
	flags.StringVar(&o.What, "what", "summary", "what to print: "+strings.Join(jobs.Whats(), ", "))
	flags.StringVar(&o.Format, "format", "table", "form of output: "+strings.Join(jobs.Formats(), ", "))
	flags.StringVar(&o.Plot, "plot", "", "picture to write, .svg or .png: the field with its features, and the persistence diagram")
	return cmd
}
