package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"holdfast/cmd/internal/load"
)

// snapshotOptions is the command line of peerbench snapshot.
type snapshotOptions struct {
	rounds, keys, size, conns, depth int
	quiet                            time.Duration
	holdfast                         string
}

func snapshotCommand() *cobra.Command {
	o := new(snapshotOptions)
	cmd := pairCommand("snapshot", "Compare a snapshot under full write load, and loading it at start, with redis-server's",
		func(ctx context.Context, w io.Writer) error { return runSnapshot(ctx, o, w) })
	f := cmd.Flags()
	f.IntVar(&o.rounds, "rounds", 3, "rounds; both servers run once in each")
	f.IntVar(&o.keys, "keys", 2_000_000, "keys")
	f.IntVar(&o.size, "size", 64, "bytes of a value")
	f.IntVar(&o.conns, "conns", 50, "connections that SET")
	f.IntVar(&o.depth, "depth", 16, "pipeline depth")
	f.DurationVar(&o.quiet, "quiet", 3*time.Second, "length of the measurement without a snapshot")
	f.StringVar(&o.holdfast, "holdfast", "", "the holdfast program (default: built from this module)")
	return cmd
}

// snapshotSample is what one round showed of one server.
type snapshotSample struct {
	quiet, busy *load.Result
	took        time.Duration // of the snapshot
	data, extra int64         // bytes: resident before it, and more at its peak
	loading     time.Duration // from the start of the process to the first answer
}

func runSnapshot(ctx context.Context, o *snapshotOptions, w io.Writer) error {
	b, err := newPair(ctx, o.holdfast)
	if err != nil {
		return err
	}
	defer b.close()
	samples, err := sampled(b, o.rounds, func(s system) (snapshotSample, error) { return o.measure(ctx, b, s) })
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s\n%d keys of %d bytes, %d connections that SET at depth %d, medians of %d rounds\n\n",
		machine(), o.keys, o.size, o.conns, o.depth, o.rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "system\tquiet SET/s\tduring\tratio\tquiet p99.9 ms\tduring\tratio\tdata MB\textra MB\tsnapshot s\tloading s\t")
	for _, s := range b.systems {
		of := func(figure func(snapshotSample) float64) float64 { return medianOf(samples[s.name], figure) }
		tail := func(r *load.Result) float64 { return float64(r.Percentile(99.9)) / float64(time.Millisecond) }
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t%.0f\t%.2f\t%.2f\t\n", s.title,
			of(func(x snapshotSample) float64 { return x.quiet.Rate() }),
			of(func(x snapshotSample) float64 { return x.busy.Rate() }),
			of(func(x snapshotSample) float64 { return x.busy.Rate() / x.quiet.Rate() }),
			of(func(x snapshotSample) float64 { return tail(x.quiet) }),
			of(func(x snapshotSample) float64 { return tail(x.busy) }),
			of(func(x snapshotSample) float64 { return tail(x.busy) / tail(x.quiet) }),
			of(func(x snapshotSample) float64 { return float64(x.data) / 1e6 }),
			of(func(x snapshotSample) float64 { return float64(x.extra) / 1e6 }),
			of(func(x snapshotSample) float64 { return x.took.Seconds() }),
			of(func(x snapshotSample) float64 { return x.loading.Seconds() }))
	}
	return t.Flush()
}

// measure fills a server, loads it without and with a snapshot under way, and
// starts it again from the file.
func (o *snapshotOptions) measure(ctx context.Context, b *bench, s system) (one snapshotSample, err error) {
	st, err := newStack(b.programs)
	if err != nil {
		return one, err
	}
	defer st.stop()
	if err := s.start(st); err != nil {
		return one, err
	}
	c, err := load.Dial(ctx, st.addr(), "")
	if err != nil {
		return one, err
	}
	defer c.Close()
	f := (&memoryOptions{keys: o.keys, size: o.size}).fillings()[0]
	if err := f.write(ctx, c); err != nil {
		return one, err
	}
	if one.quiet, err = o.load(ctx, st, o.quiet); err != nil {
		return one, err
	}
	c.SetDeadline(time.Now().Add(5 * time.Minute))
	if err := o.snapshot(ctx, st, c, &one); err != nil {
		return one, err
	}
	last := st.procs[len(st.procs)-1]
	last.Stop(ctx, stopWait)
	began := time.Now()
	err = s.start(st) // answers only when the file has been read
	one.loading = time.Since(began)
	return one, err
}

// lookSeldom times as long as a look at the memory took passes before the next:
// the kernel counts every page, on the processors that the load shares.
const lookSeldom = 50

// settle is how long a load runs before it is counted: its first batches come from
// all connections at once, and from a load generator that is still growing.
const settle = time.Second

// snapshot runs BGSAVE under load, and looks at the memory meanwhile.
func (o *snapshotOptions) snapshot(ctx context.Context, st *stack, c *load.Conn, one *snapshotSample) error {
	pid := st.procs[len(st.procs)-1].PID
	one.data = familySize(pid)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		res *load.Result
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		res, err := o.load(ctx, st, 5*time.Minute)
		done <- outcome{res, err}
	}()
	time.Sleep(settle)
	if v, err := c.Do("BGSAVE"); err != nil || v.Err() != nil {
		return fmt.Errorf("BGSAVE: %v %v", v.Text, err)
	}
	began := time.Now()
	for saving, look := true, began; saving; time.Sleep(20 * time.Millisecond) {
		v, err := c.Do("INFO", "persistence")
		if err != nil {
			return err
		}
		saving = strings.Contains(v.Text, "rdb_bgsave_in_progress:1")
		if now := time.Now(); now.After(look) {
			one.extra = max(one.extra, familySize(pid)-one.data)
			look = now.Add(lookSeldom * time.Since(now))
		}
	}
	one.took = time.Since(began)
	cancel()
	got := <-done
	if got.res == nil {
		return got.err
	}
	one.busy = got.res
	return nil
}

// load sets random keys of those that are there until the time is over or ctx
// is done.
func (o *snapshotOptions) load(ctx context.Context, st *stack, d time.Duration) (*load.Result, error) {
	ops, err := load.FindOps([]string{"set"})
	if err != nil {
		return nil, err
	}
	return load.Run(ctx, load.Options{Addrs: []string{st.addr()}, Conns: o.conns, Pipeline: o.depth, Duration: d, Settle: settle,
		Ops: ops, DataSize: o.size, Keyspace: int64(o.keys)})
}

// familySize is the memory of a process and its children, bytes, in which what
// they share counts once. 0 when the process is gone.
func familySize(pid int) int64 {
	sum := proportionalSize(pid)
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, word := range strings.Fields(string(children)) {
		child, err := strconv.Atoi(word)
		if err == nil {
			sum += proportionalSize(child)
		}
	}
	return sum
}

// proportionalSize is Linux's Pss: what is shared by n processes counts 1/n.
func proportionalSize(pid int) int64 {
	rollup, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	for line := range strings.Lines(string(rollup)) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "Pss:" {
			kB, _ := strconv.ParseInt(words[1], 10, 64)
			return kB << 10
		}
	}
	return 0
}
