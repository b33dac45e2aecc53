package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"holdfast/cmd/internal/up"
)

func upCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "up [--KEY VALUE …]",
		Short: "Start a whole group on this machine",
		Long: `Up starts nodes, sentinels and proxies as child processes on 127.0.0.1, waits
until the endpoint serves, writes DIR/up.json and prints what to type next.

  --dir data            directory of everything that is written
  --nodes 3             nodes, sentinels and proxies to start
  --sentinels 3
  --proxies 1
  --proxy-port 6380     the first of consecutive ports of each kind
  --node-port 7001
  --sentinel-port 26379
  --raft-port 27379
  --admin-port 9121
  --restart-after 5s    a part that died is started again after this; 0: never

Any further directive goes to every part that knows it; --node.KEY,
--sentinel.KEY and --proxy.KEY narrow it. Ctrl-C or SIGTERM stops everything;
the parts also end when up is killed.`,
		Example: `  holdfast up
  holdfast up --dir /tmp/try --nodes 5 --write-acks 2 --down-after-milliseconds 1000`,
		DisableFlagParsing:    true,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if wantsHelp(args) {
				return cmd.Help()
			}
			return runUp(cmd.Context(), args)
		},
	}
}

func runUp(ctx context.Context, args []string) error {
	opts, err := up.Parse(args)
	if err != nil {
		return fmt.Errorf("%w; see holdfast up --help", err)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	group, err := up.New(opts, program, os.Stdout)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if up.StartedByGoRun(program) {
		go endWithParent(ctx, cancel)
	}
	return group.Run(ctx)
}

// endWithParent cancels when the parent process is gone: `go run` does not pass
// a SIGTERM on, and would leave a group behind that nobody knows of.
func endWithParent(ctx context.Context, cancel func()) {
	for parent := os.Getppid(); os.Getppid() == parent; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
	cancel()
}

// wantsHelp is for subcommands that read their flags by themselves.
func wantsHelp(args []string) bool {
	return slices.Contains(args, "--help") || slices.Contains(args, "-h")
}
