package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"holdfast/cmd/internal/load"
)

// benchOptions are the flags of bench, named as redis-benchmark's where that has them.
type benchOptions struct {
	host     string
	port     int
	password string
	load     load.Options
	tests    string
	mix      bool
	csv      bool
}

func benchCommand() *cobra.Command {
	o := new(benchOptions)
	cmd := &cobra.Command{
		Use:   "bench [flags] [COMMAND [ARG …]]",
		Short: "Load a server and print its throughput and latencies",
		Long: `Bench takes redis-benchmark's tests, and its flags as far as they are listed below.
With --rate it offers a fixed load instead: requests are due at fixed times
whether or not earlier ones were answered, and latency counts from when a request
was due.

A COMMAND of one's own may hold __rand_int__ (a random number below -r, 12
digits) and __data__ (a payload of -d bytes).`,
		Example: `  holdfast bench -p 6380 -t set,get -c 50 -n 100000 -P 16
  holdfast bench -p 6380 -t set,get --mix --rate 20000 --duration 10s
  holdfast bench -p 6380 -r 1000 HSET h:__rand_int__ f __data__`,
		RunE: func(cmd *cobra.Command, args []string) error { return bench(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.SetInterspersed(false) // a command's own dashes are the command's
	f.Bool("help", false, "help for bench")
	f.StringVarP(&o.host, "host", "h", "127.0.0.1", "host of the server")
	f.IntVarP(&o.port, "port", "p", 6380, "port of the server")
	f.StringVarP(&o.password, "password", "a", "", "password to authenticate with")
	f.IntVarP(&o.load.Conns, "clients", "c", 50, "connections")
	f.Int64VarP(&o.load.Requests, "requests", "n", 100_000, "requests of each test; 0: until --duration is over")
	f.IntVarP(&o.load.Pipeline, "pipeline", "P", 1, "requests sent before their replies are awaited")
	f.StringVarP(&o.tests, "tests", "t", "", "only these tests, comma separated")
	f.IntVarP(&o.load.DataSize, "size", "d", 3, "bytes of a payload")
	f.Int64VarP(&o.load.Keyspace, "keyspace", "r", 1, "random keys are below this")
	f.Float64Var(&o.load.Rate, "rate", 0, "requests a second to offer (open loop); 0: as many as are answered")
	f.DurationVar(&o.load.Duration, "duration", 0, "end a test after this")
	f.BoolVar(&o.mix, "mix", false, "one load of all the tests in turn instead of one after the other")
	f.BoolP("quiet", "q", false, "print one line a test, which it does anyway")
	f.BoolVar(&o.csv, "csv", false, "print comma separated values")
	return cmd
}

// bench runs the tests one after the other, or mixed.
func bench(ctx context.Context, o *benchOptions, args []string) error {
	tests, err := o.choose(args)
	if err != nil {
		return err
	}
	o.load.Addrs = []string{net.JoinHostPort(o.host, strconv.Itoa(o.port))}
	o.load.Password = o.password
	if o.load.Rate > 0 && o.load.Duration > 0 {
		o.load.Requests = 0 // the two say how many
	}
	if o.load.Requests == 0 && o.load.Duration == 0 {
		return fmt.Errorf("without -n there must be a --duration")
	}
	if o.csv {
		fmt.Println(`"test","rps","errors","p50_ms","p95_ms","p99_ms","p99.9_ms","max_ms"`)
	}
	for _, ops := range tests {
		o.load.Ops = ops
		res, err := load.Run(ctx, o.load)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return exitStatus(130) // as a shell reports an interrupted program
		}
		o.print(os.Stdout, title(ops), res)
	}
	return nil
}

// choose lists the loads to run, each a row of ops.
func (o *benchOptions) choose(args []string) ([][]load.Op, error) {
	if len(args) > 0 {
		return [][]load.Op{{load.Custom(args)}}, nil
	}
	ops := load.Ops
	if o.tests != "" {
		var err error
		if ops, err = load.FindOps(strings.Split(o.tests, ",")); err != nil {
			return nil, err
		}
	}
	if o.mix {
		return [][]load.Op{ops}, nil
	}
	return slices.Collect(slices.Chunk(ops, 1)), nil
}

func title(ops []load.Op) string {
	var names []string
	for _, op := range ops {
		names = append(names, strings.ToUpper(op.Name))
	}
	return strings.Join(names, "+")
}

func (o *benchOptions) print(w io.Writer, title string, r *load.Result) {
	ms := func(p float64) float64 { return float64(r.Percentile(p)) / float64(time.Millisecond) }
	if o.csv {
		fmt.Fprintf(w, "%q,\"%.2f\",\"%d\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\",\"%.3f\"\n",
			title, r.Rate(), r.Failed(), ms(50), ms(95), ms(99), ms(99.9), ms(100))
		return
	}
	fmt.Fprintf(w, "%s: %.0f requests/s, p50 %.3f ms, p95 %.3f ms, p99 %.3f ms, p99.9 %.3f ms, max %.3f ms\n",
		title, r.Rate(), ms(50), ms(95), ms(99), ms(99.9), ms(100))
	for _, kind := range slices.Sorted(maps.Keys(r.Errors)) {
		fmt.Fprintf(w, "  %d × %s\n", r.Errors[kind], kind)
	}
}
