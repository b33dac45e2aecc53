package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"holdfast/cmd/internal/load"
)

// commandsOptions is the command line of peerbench commands.
type commandsOptions struct {
	rounds, requests, deep, keys, conns int
	threads                             int
	depths                              []int
	only                                []string
	holdfast                            string
}

func commandsCommand() *cobra.Command {
	o := new(commandsOptions)
	cmd := pairCommand("commands", "Compare a node with redis-server on every test of redis-benchmark's default list",
		func(ctx context.Context, w io.Writer) error { return runCommands(ctx, o, w) })
	f := cmd.Flags()
	f.IntVar(&o.rounds, "rounds", 5, "rounds; in each, both servers run every test, one right after the other")
	f.IntVar(&o.requests, "requests", 50_000, "requests of one measurement at depth 1")
	f.IntVar(&o.deep, "deep-requests", 200_000, "requests of one measurement at a greater depth; a tenth of it where a reply is long")
	f.IntVar(&o.keys, "keys", 2_000_000, "keys of 64 bytes present from the beginning")
	f.IntVar(&o.conns, "conns", 50, "connections")
	f.IntVar(&o.threads, "client-threads", 1, "threads of redis-benchmark; one is often busier than the server it measures")
	f.IntSliceVar(&o.depths, "depth", []int{1, 16}, "pipeline depths")
	f.StringSliceVar(&o.only, "tests", nil, "only these tests")
	f.StringVar(&o.holdfast, "holdfast", "", "the holdfast program (default: built from this module)")
	return cmd
}

// benchTest is one test of redis-benchmark's default list.
type benchTest struct {
	name string
	args []string // its own words for redis-benchmark
	long bool     // its replies hold hundreds of elements
}

// benchTests are in redis-benchmark's order, so that each finds the data that
// the ones before it have left. LRANGE runs by its own words: as -t it would
// push first.
func benchTests() (all []benchTest) {
	for _, name := range strings.Fields("ping_inline ping_mbulk set get incr lpush rpush lpop rpop sadd hset spop zadd zpopmin") {
		all = append(all, benchTest{name: name, args: []string{"-t", name}})
	}
	for _, n := range []int{100, 300, 500, 600} {
		all = append(all, benchTest{name: fmt.Sprintf("lrange_%d", n), args: []string{"lrange", "benchlist", "0", itoa(n - 1)}, long: true})
	}
	return append(all, benchTest{name: "mset", args: []string{"-t", "mset"}})
}

// runCommands keeps both servers running, full of keys, and lets them take turns.
func runCommands(ctx context.Context, o *commandsOptions, w io.Writer) error {
	b, err := newPair(ctx, o.holdfast)
	if err != nil {
		return err
	}
	defer b.close()
	if _, err := exec.LookPath("redis-benchmark"); err != nil {
		return fmt.Errorf("redis-benchmark is not on PATH; install redis-tools")
	}
	var stacks []*stack
	for _, s := range b.systems {
		progress("filling %s", s.title)
		st, err := o.filled(ctx, b, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.title, err)
		}
		defer st.stop()
		stacks = append(stacks, st)
	}
	fmt.Fprintf(w, "%s\n%d connections, %d keys of 64 bytes present, redis-benchmark threads: %d, medians of %d rounds\n",
		machine(), o.conns, o.keys, o.threads, o.rounds)
	for _, depth := range o.depths {
		if err := o.compare(ctx, stacks, depth, w); err != nil {
			return err
		}
	}
	return nil
}

// filled starts a system and writes the keys, and the list that LRANGE reads.
func (o *commandsOptions) filled(ctx context.Context, b *bench, s system) (*stack, error) {
	st, err := newStack(b.programs)
	if err != nil {
		return nil, err
	}
	fill := func() error {
		if err := s.start(st); err != nil {
			return err
		}
		c, err := load.Dial(ctx, st.addr(), "")
		if err != nil {
			return err
		}
		defer c.Close()
		f := (&memoryOptions{keys: o.keys, size: 64}).fillings()[0]
		if err := f.write(ctx, c); err != nil {
			return err
		}
		for range 1000 {
			if _, err := c.Do("RPUSH", "benchlist", "VXK"); err != nil { // redis-benchmark's own value
				return err
			}
		}
		return nil
	}
	if err := fill(); err != nil {
		st.stop()
		return nil, err
	}
	return st, nil
}

// figures are of all rounds of one test, of either server.
type figures struct{ rates, cpus, clients [2][]float64 }

// compare runs all tests at one depth and prints a line for each.
func (o *commandsOptions) compare(ctx context.Context, stacks []*stack, depth int, w io.Writer) error {
	results := map[string]*figures{}
	tests := slices.DeleteFunc(benchTests(), func(t benchTest) bool { return len(o.only) > 0 && !slices.Contains(o.only, t.name) })
	for round := range o.rounds {
		for _, t := range tests {
			progress("depth %d, round %d of %d: %s", depth, round+1, o.rounds, t.name)
			r := results[t.name]
			if r == nil {
				r = new(figures)
				results[t.name] = r
			}
			for i := range stacks {
				if round%2 == 1 { // neither is always the first
					i = len(stacks) - 1 - i
				}
				m, err := o.run(ctx, stacks[i], t, depth)
				if err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
				r.rates[i], r.cpus[i], r.clients[i] = append(r.rates[i], m.rate), append(r.cpus[i], m.cpu), append(r.clients[i], m.client)
			}
		}
	}
	progress("")
	fmt.Fprintf(w, "\ndepth %d\n", depth)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "test\tredis-server requests/s\tnode\tratio\tredis-server CPU µs/request\tnode\tratio\tclient CPU µs/request\twith node\t")
	for _, t := range tests {
		r := results[t.name]
		rate, cpu := [2]float64{median(r.rates[0]), median(r.rates[1])}, [2]float64{median(r.cpus[0]), median(r.cpus[1])}
		fmt.Fprintf(tw, "%s\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", t.name, rate[0], rate[1], rate[1]/rate[0],
			cpu[0], cpu[1], cpu[1]/cpu[0], median(r.clients[0]), median(r.clients[1]))
	}
	return tw.Flush()
}

// measurement is one run of one test. Where the client's processor time comes
// near to 1/rate for each of its threads, it is the client that has been measured.
type measurement struct {
	rate        float64 // requests/s
	cpu, client float64 // processor time of the server and of the client, µs a request
}

func (o *commandsOptions) run(ctx context.Context, st *stack, t benchTest, depth int) (m measurement, err error) {
	count := o.requests
	if depth > 1 {
		count = o.deep
	}
	if t.long {
		count = max(count/10, 1)
	}
	before, err := st.cpu()
	if err != nil {
		return m, err
	}
	args := []string{"-p", itoa(st.port), "-c", itoa(o.conns), "-n", itoa(count), "-P", itoa(depth), "-r", itoa(o.keys), "--csv"}
	if o.threads > 1 { // with 1 it would take its locks for nothing
		args = append(args, "--threads", itoa(o.threads))
	}
	args = append(args, t.args...)
	cmd := exec.CommandContext(ctx, "redis-benchmark", args...)
	out, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("redis-benchmark %v: %w", args, err)
	}
	after, err := st.cpu()
	if err != nil {
		return m, err
	}
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[1]) < 2 {
		return m, fmt.Errorf("redis-benchmark %v printed what cannot be read:\n%s", args, out)
	}
	if m.rate, err = strconv.ParseFloat(rows[1][1], 64); err != nil || m.rate <= 0 {
		return m, fmt.Errorf("redis-benchmark %v printed the rate %q", args, rows[1][1])
	}
	each := func(used time.Duration) float64 { return float64(used) / float64(time.Microsecond) / float64(count) }
	m.cpu, m.client = each(after-before), each(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	return m, nil
}
