package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polygamy/jobs"
)

func TestRun(t *testing.T) {
	field := filepath.Join(t.TempDir(), "trips.csv")
	if err := os.WriteFile(field, []byte("time,value\n2015-01-01,4\n2015-01-02,9\n2015-01-03,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		args []string
		code int
		out  string // begins so
		err  string
	}{
		{"no arguments", nil, 0, "Find which urban datasets move together", ""},
		{"help", []string{"features", "--help"}, 0, "Topology of one field", ""},
		{"a field", []string{"features", field, "--what", "pairs", "--format", "csv"}, 0,
			"season,tree,rank,region,time,vertex,extremum,saddle,persistence\n201501,super,0,city,2015-01-02T00:00:00Z,1,9,1,8\n", ""},
		{"the published test", []string{"compare", field, field, "--compat"}, 0, "", ""},
		{"a null that there is not", []string{"compare", field, field, "--null", "days"}, jobs.ExitUsage, "", "--null days: choose windows, windows:N of 4 to 26 weeks, or weeks"},
		{"unknown command", []string{"feature"}, jobs.ExitUsage, "", `there is no command "feature"; see 'polygamy --help'`},
		{"unknown flag", []string{"features", field, "--treshold", "tail:5"}, jobs.ExitUsage, "", "unknown flag: --treshold; see 'polygamy features --help'"},
		{"no file", []string{"features"}, jobs.ExitUsage, "", "features takes one file, not 0; see 'polygamy features --help'"},
		{"unknown class", []string{"features", field, "--threshold", "tale:5"}, jobs.ExitUsage, "", `--threshold: threshold class "tale:5": unknown class; use tail:Q, sweep`},
		{"decoys of nothing", []string{"decoys"}, jobs.ExitUsage, "", "decoys takes function files of 'polygamy ingest' or a folder of them; see 'polygamy decoys --help'"},
		{"decoys of no functions", []string{"decoys", filepath.Dir(field)}, jobs.ExitInput, "", filepath.Dir(field) + ": none of 0 function files is of hours, days or weeks"},
		{"explain one function", []string{"explain", "a", "--out", "out"}, jobs.ExitUsage, "", "explain takes two functions, not 1; see 'polygamy explain --help'"},
		{"explain no run", []string{"explain", "a", "b", "--out", filepath.Dir(field)}, jobs.ExitUsage, "", filepath.Dir(field) + " holds no run of this version; see 'polygamy run --help'"},
		{"calibrate nothing", []string{"calibrate", "none", "--pairs", "-2"}, jobs.ExitUsage, "", "--pairs -2: give a number of pairs"},
		{"no pairs", []string{"calibrate", "none", "--pairs", "0"}, jobs.ExitUsage, "", "--pairs 0: give a number of pairs"},
		{"events that are no number", []string{"compare", field, field, "--events", "x"}, jobs.ExitUsage, "", `invalid argument "x" for "--events" flag: give a whole number; see 'polygamy compare --help'`},
		{"q that is no number", []string{"decoys", field, "--q", "x"}, jobs.ExitUsage, "", `invalid argument "x" for "--q" flag: give a number; see`},
		{"a seed below 0", []string{"calibrate", field, "--seed", "-1"}, jobs.ExitUsage, "", `invalid argument "-1" for "--seed" flag: give a whole number from 0 on; see`},
		{"features of a folder", []string{"features", filepath.Dir(field)}, jobs.ExitInput, "", filepath.Dir(field) + " is a folder; name a file"},
		{"a graph that is a folder", []string{"compare", field, field, "--graph", filepath.Dir(field)}, jobs.ExitInput, "", filepath.Dir(field) + " is a folder; name a file"},
		{"file that is not there", []string{"features", "none.csv"}, jobs.ExitInput, "", "open none.csv: no such file or directory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(context.Background(), tc.args, &out)
			if code := jobs.ExitCode(err); code != tc.code {
				t.Errorf("exit code %d, want %d: %v", code, tc.code, err)
			}
			if !strings.HasPrefix(out.String(), tc.out) {
				t.Errorf("output begins with %.80q, want %q", out.String(), tc.out)
			}
			if err != nil && !strings.HasPrefix(err.Error(), tc.err) {
				t.Errorf("error %q, want %q", err, tc.err)
			}
		})
	}
}

// TestClasses: a comma before a letter parts classes, others part numbers.
func TestClasses(t *testing.T) {
	var c classes
	for _, text := range []string{"sweep,salient", "sweep:1,5,25", "level:-5,40,tail:5/season", "level:-5,-1"} {
		if err := c.Set(text); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"sweep", "salient", "sweep:1,5,25", "level:-5,40", "tail:5/season", "level:-5,-1"}; !slices.Equal(c, want) {
		t.Errorf("%q, want %q", c, want)
	}
	// The classes come through: without a comma in the first, level:LOW,HIGH is read.
	err := run(context.Background(), []string{"decoys", "none", "--class", "level:40,-5", "--class", "sweep:5,1"}, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), `"level:40,-5": the low level is above the high one`) {
		t.Errorf("%v", err)
	}
}
