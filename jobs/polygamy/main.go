// Command polygamy finds which urban datasets move together. See
// `polygamy --help`.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	_ "time/tzdata" // so that a zone means the same on every machine

	"github.com/spf13/cobra"

	"polygamy/jobs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "polygamy:", err)
		os.Exit(jobs.ExitCode(err))
	}
}

// run executes the command line args and prints results to w.
func run(ctx context.Context, args []string, w io.Writer) error {
	root := &cobra.Command{
		Use:           "polygamy",
		Short:         "Find which urban datasets move together: where, when, how strongly",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return jobs.UsageError(fmt.Errorf("there is no command %q; see 'polygamy --help'", args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return jobs.UsageError(fmt.Errorf("%s; see '%s --help'", flagError(err), cmd.CommandPath()))
	})
	root.SetOut(w)
	root.SetArgs(args)
	root.AddCommand(featuresCommand(w), inspectCommand(w), checkCommand(w), ingestCommand(w), compareCommand(w), decoysCommand(w), calibrateCommand(w),
		runCommand(w), schemaCommand(w), demoCommand(w), explainCommand(w))
	return root.ExecuteContext(ctx)
}

// flagError is what is wrong with a flag, without the names of functions of Go.
func flagError(err error) string {
	var number *strconv.NumError
	if !errors.As(err, &number) {
		return err.Error()
	}
	wanted := map[string]string{"ParseFloat": "a number", "ParseUint": "a whole number from 0 on"}[number.Func]
	return strings.TrimSuffix(err.Error(), number.Error()) + "give " + cmp.Or(wanted, "a whole number")
}

// version returns the program's version, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value
		}
	}
	return v + " " + info.GoVersion
}
