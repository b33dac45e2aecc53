package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// pairCommand is a subcommand that compares a node with redis-server and prints
// a report.
func pairCommand(use, short string, run func(ctx context.Context, w io.Writer) error) *cobra.Command {
	return &cobra.Command{
		Use:           use,
		Short:         short,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), os.Stdout) },
	}
}

// newPair finds redis-server and a node, in this order; both must be there.
func newPair(ctx context.Context, holdfast string) (*bench, error) {
	b, err := newBench(ctx, &options{rounds: 1, requests: 1, deep: 1, client: "own", holdfast: holdfast, systems: []string{baseline, "node"}})
	if err != nil {
		return nil, err
	}
	if len(b.systems) != 2 {
		b.close()
		return nil, fmt.Errorf("both redis-server and holdfast are needed to compare")
	}
	return b, nil
}

// sampled measures every system once in each round and returns its samples by
// its name.
func sampled[T any](b *bench, rounds int, measure func(s system) (T, error)) (map[string][]T, error) {
	samples := map[string][]T{}
	for round := range rounds {
		for _, s := range b.systems {
			progress("round %d of %d: %s", round+1, rounds, s.title)
			one, err := measure(s)
			if err != nil {
				return nil, fmt.Errorf("round %d, %s: %w", round+1, s.title, err)
			}
			samples[s.name] = append(samples[s.name], one)
		}
	}
	progress("")
	return samples, nil
}

// medianOf is the median of one figure of samples.
func medianOf[T any](samples []T, figure func(T) float64) float64 {
	var all []float64
	for _, one := range samples {
		all = append(all, figure(one))
	}
	return median(all)
}

// progress shows on standard error what is being done, in one line; an empty
// text removes it.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "\r%-60s", fmt.Sprintf(format, args...))
	if format == "" {
		fmt.Fprint(os.Stderr, "\r")
	}
}
