package main

import (
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"holdfast/cmd/internal/drill"
	"holdfast/cmd/internal/up"
)

func drillCommand() *cobra.Command {
	o := new(drill.Options)
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "Break a part of a running group under load and report what clients saw",
		Long: `Drill loads the group that "holdfast up" runs in a directory through its proxies,
breaks the part, waits until the group is whole again, and reads everything
back. It reports the pause, errors by kind, and lost and doubled writes, and
exits 1 when a write was lost, doubled, or found where it must not be.`,
		Example: `  holdfast up --down-after-milliseconds 1000 &
  holdfast drill kill-master --runs 10`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				_, err := drill.Find(args[0])
				return err
			}
			return cmd.Help()
		},
	}
	f := cmd.PersistentFlags()
	f.StringVar(&o.Dir, "dir", up.Defaults().Dir, "directory of the running group")
	passwordFlag(f, &o.Password)
	f.IntVar(&o.Writers, "writers", 16, "connections, spread over the proxies")
	f.IntVar(&o.Pipeline, "pipeline", 1, "requests each connection sends before it awaits replies")
	f.Float64Var(&o.Reads, "reads", 0.2, "share of the requests that are reads")
	f.IntVar(&o.Runs, "runs", 1, "times to do it")
	f.DurationVar(&o.Duration, "duration", time.Second, "load before the strike, and again once the group is whole")
	f.DurationVar(&o.Deadline, "deadline", time.Minute, "the longest wait for a whole group")
	f.BoolVar(&asJSON, "json", false, "print one JSON object a run")
	for _, fault := range drill.Faults {
		cmd.AddCommand(&cobra.Command{
			Use:   fault.Name,
			Short: fault.Help,
			Args:  noArguments,
			RunE: func(cmd *cobra.Command, _ []string) error {
				o.Fault = fault.Name
				return runDrill(cmd, o, asJSON)
			},
		})
	}
	return cmd
}

func runDrill(cmd *cobra.Command, o *drill.Options, asJSON bool) error {
	row := func(out *drill.Outcome) {
		if out.Run == 1 {
			drill.PrintHead(os.Stdout)
		}
		drill.PrintRow(os.Stdout, out)
	}
	if asJSON {
		row = func(out *drill.Outcome) { json.NewEncoder(os.Stdout).Encode(out) }
	}
	all, err := drill.Run(cmd.Context(), *o, row)
	if !asJSON {
		drill.PrintSummary(os.Stdout, all)
	}
	if errors.Is(err, drill.ErrDirty) {
		return exitStatus(1) // the report has said it
	}
	return err
}
