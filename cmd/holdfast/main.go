// Command holdfast is the whole of Holdfast: the node, the sentinel, the proxy
// and the tools around them.
//
// Each subcommand is one thin file here. A part's file loads its configuration,
// opens its log, assembles the part and waits for a signal or its end; what the
// part does lives in its own package, which knows no file and no signal.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"holdfast/backend"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is main without the exit, so that deferred work is done. The first
// SIGINT or SIGTERM cancels the context, which every subcommand answers by a
// clean stop; a second one kills the process as if nobody listened.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintln(os.Stderr, "holdfast:", err)
	return 1
}

// exitStatus ends the program with that status and no further message: the
// subcommand has said what there was to say.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "holdfast",
		Short: "One Redis endpoint that does not go down",
		Long: `Holdfast gives an application one Redis endpoint that does not go down.

A group is three kinds of parts: nodes hold the data, sentinels watch the nodes
and agree on a new master, proxies give clients the one endpoint.
"holdfast up" starts a whole group on this machine.`,
		Version:       fmt.Sprintf("%s (%s)", backend.Version, version()),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(subcommands()...)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return seeHelp(cmd, err) })
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// seeHelp adds to an error of usage where the right one stands.
func seeHelp(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
}

// oneArgument is the Args of a command that takes exactly one, and says which.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return seeHelp(cmd, fmt.Errorf("%s takes one %s, not %d", cmd.Name(), what, len(args)))
	}
}

// noArguments is the Args of a command that takes flags alone.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return seeHelp(cmd, fmt.Errorf("%s takes no argument beside its flags, not %q", cmd.Name(), args[0]))
}

// subcommands lists them in the order of the help.
func subcommands() []*cobra.Command {
	return []*cobra.Command{
		nodeCommand(),
		sentinelCommand(),
		proxyCommand(),
		upCommand(),
		statusCommand(),
		drillCommand(),
		cliCommand(),
		benchCommand(),
		checkRDBCommand(),
		checkAOFCommand(),
		healthCommand(),
	}
}
