// Command peerbench runs Holdfast and its peers side by side on this machine
// and prints what each costs beside redis-server alone.
//
// The systems take turns within each round, so that a machine that slows down
// or speeds up does so for all of them. Every measurement starts the processes
// of its system anew, loads them with one client program, and asks the kernel
// how much processor time they used; the client's own is not counted. What is
// printed are medians over the rounds, and their ratios to redis-server alone.
//
// A peer whose program is not on PATH is left out, with a word about it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// options is the command line.
type options struct {
	rounds   int
	requests int
	deep     int
	depths   []int
	conns    int
	size     int
	keyspace int
	systems  []string
	client   string
	holdfast string
	rate     float64
	duration time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "peerbench:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	o := new(options)
	cmd := &cobra.Command{
		Use:   "peerbench",
		Short: "Run Holdfast and its peers side by side and print ratios to redis-server alone",
		Example: `  peerbench                         # throughput and processor time, 5 rounds
  peerbench --rate 10000            # latency at a fixed load
  peerbench --systems redis,node --rounds 3
  peerbench memory                  # resident size of the same keys, beside redis-server's`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	cmd.AddCommand(memoryCommand(), commandsCommand(), snapshotCommand(), replicationCommand())
	f := cmd.Flags()
	f.IntVar(&o.rounds, "rounds", 5, "rounds; every system runs once in each")
	f.IntVar(&o.requests, "requests", 100_000, "requests of one measurement at depth 1")
	f.IntVar(&o.deep, "deep-requests", 400_000, "requests of one measurement at a greater depth")
	f.IntSliceVar(&o.depths, "depth", []int{1, 16}, "pipeline depths")
	f.IntVar(&o.conns, "conns", 50, "connections")
	f.IntVar(&o.size, "size", 64, "bytes of a value")
	f.IntVar(&o.keyspace, "keyspace", 100_000, "number of keys")
	f.StringSliceVar(&o.systems, "systems", nil, "only these of "+strings.Join(systemNames(), ","))
	f.StringVar(&o.client, "client", "redis-benchmark", "redis-benchmark (SET, then GET) or own (SET and GET mixed)")
	f.StringVar(&o.holdfast, "holdfast", "", "the holdfast program (default: built from this module)")
	f.Float64Var(&o.rate, "rate", 0, "measure latency at so many requests a second instead (open loop, own client)")
	f.DurationVar(&o.duration, "duration", 5*time.Second, "length of one measurement with --rate")
	return cmd
}

// run measures everything in interleaved rounds and prints the report.
func run(ctx context.Context, o *options) error {
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	report := newReport(b.systems)
	for round := range o.rounds {
		for _, s := range b.systems {
			fmt.Fprintf(os.Stderr, "\rround %d of %d: %-40s", round+1, o.rounds, s.title)
			samples, err := b.measure(ctx, s)
			if err != nil {
				return fmt.Errorf("round %d, %s: %w", round+1, s.title, err)
			}
			report.add(s, samples)
		}
	}
	fmt.Fprintf(os.Stderr, "\r%-60s\r", "")
	if o.rate > 0 {
		report.printLatencies(os.Stdout, o)
	} else {
		report.printThroughput(os.Stdout, o)
	}
	return nil
}
