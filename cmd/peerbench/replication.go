package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"holdfast/cmd/internal/load"
)

// replicationOptions is the command line of peerbench replication.
type replicationOptions struct {
	rounds, keys, conns int
	length              time.Duration
	resyncRate          float64
	holdfast            string
}

func replicationCommand() *cobra.Command {
	o := new(replicationOptions)
	cmd := pairCommand("replication", "Compare what two replicas cost, a full resync under load and what moves after a cut, with redis-server's; and what write-acks costs",
		func(ctx context.Context, w io.Writer) error { return runReplication(ctx, o, w) })
	f := cmd.Flags()
	f.IntVar(&o.rounds, "rounds", 3, "rounds; both servers run once in each")
	f.IntVar(&o.keys, "keys", 2_000_000, "keys of 64 bytes")
	f.IntVar(&o.conns, "conns", 50, "connections that SET")
	f.DurationVar(&o.length, "length", 3*time.Second, "length of each measurement")
	f.Float64Var(&o.resyncRate, "resync-rate", 20_000, "writes per second while a replica copies everything")
	f.StringVar(&o.holdfast, "holdfast", "", "the holdfast program (default: built from this module)")
	return cmd
}

// replicationSample is what one round showed of one server.
type replicationSample struct {
	deep       float64       // SET/s at depth 16 with two replicas attached
	resync     time.Duration // until a third replica has everything
	acks       [3][2]float64 // requests/s by write-acks (0, 1, 2) and depth (1, 16)
	latency    [3][2]time.Duration
	resyncLoad float64 // writes/s that were served meanwhile
	partial    partialSample
}

func runReplication(ctx context.Context, o *replicationOptions, w io.Writer) error {
	b, err := newPair(ctx, o.holdfast)
	if err != nil {
		return err
	}
	defer b.close()
	samples, err := sampled(b, o.rounds, func(s system) (replicationSample, error) { return o.measure(ctx, b, s) })
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s\n%d keys of 64 bytes, %d connections that SET, medians of %d rounds\n\n", machine(), o.keys, o.conns, o.rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "system\tSET/s, depth 16, two replicas\tfull resync s at %.0f SET/s\tserved meanwhile\tmissing after a cut of %v, bytes\tsent\ts\t\n", o.resyncRate, cutLength)
	of := func(name string, figure func(replicationSample) float64) float64 {
		return medianOf(samples[name], figure)
	}
	for _, s := range b.systems {
		fmt.Fprintf(t, "%s\t%.0f\t%.2f\t%.0f\t%.0f\t%.0f\t%.2f\t\n", s.title,
			of(s.name, func(x replicationSample) float64 { return x.deep }),
			of(s.name, func(x replicationSample) float64 { return x.resync.Seconds() }),
			of(s.name, func(x replicationSample) float64 { return x.resyncLoad }),
			of(s.name, func(x replicationSample) float64 { return float64(x.partial.missing) }),
			of(s.name, func(x replicationSample) float64 { return float64(x.partial.moved) }),
			of(s.name, func(x replicationSample) float64 { return x.partial.took.Seconds() }))
	}
	t.Flush()
	fmt.Fprintln(w)
	fmt.Fprintln(t, "node, two replicas\tdepth 1 SET/s\tp50 ms\tdepth 16 SET/s\tp50 ms\t")
	for acks := range 3 {
		median := func(i int) float64 {
			return of("node", func(x replicationSample) float64 { return float64(x.latency[acks][i]) / float64(time.Millisecond) })
		}
		fmt.Fprintf(t, "write-acks %d\t%.0f\t%.2f\t%.0f\t%.2f\t\n", acks,
			of("node", func(x replicationSample) float64 { return x.acks[acks][0] }), median(0),
			of("node", func(x replicationSample) float64 { return x.acks[acks][1] }), median(1))
	}
	return t.Flush()
}

// measure runs a master with two replicas, later three.
func (o *replicationOptions) measure(ctx context.Context, b *bench, s system) (one replicationSample, err error) {
	var stacks []*stack
	var conns []*load.Conn
	defer func() {
		for i, st := range stacks {
			conns[i].Close()
			st.stop()
		}
	}()
	for range 4 {
		st, err := newStack(b.programs)
		if err != nil {
			return one, err
		}
		if err := s.start(st); err != nil {
			st.stop()
			return one, err
		}
		c, err := load.Dial(ctx, st.addr(), "")
		if err != nil {
			st.stop()
			return one, err
		}
		c.SetDeadline(time.Now().Add(10 * time.Minute))
		stacks, conns = append(stacks, st), append(conns, c)
	}
	master := stacks[0]
	f := (&memoryOptions{keys: o.keys, size: 64}).fillings()[0]
	if err := f.write(ctx, conns[0]); err != nil {
		return one, err
	}
	conns[0].SetDeadline(time.Now().Add(10 * time.Minute))
	if v, err := conns[0].Do("CONFIG", "SET", "repl-diskless-sync-delay", "0"); err != nil || v.Err() != nil {
		return one, fmt.Errorf("CONFIG SET: %v %v", v.Text, err)
	}
	for _, c := range conns[1:3] {
		if _, err := o.attach(c, master.addr()); err != nil {
			return one, err
		}
	}
	res, err := o.load(ctx, master, 16, 0)
	if err != nil {
		return one, err
	}
	one.deep = res.Rate()
	if s.name != baseline {
		if err := o.writeAcks(ctx, master, conns[0], &one); err != nil {
			return one, err
		}
	}
	if err := o.resync(ctx, master, conns[3], &one); err != nil {
		return one, err
	}
	return one, o.partial(ctx, master, conns[0], conns[3], &one.partial)
}

// writeAcks measures what it costs that a replica confirms each write.
func (o *replicationOptions) writeAcks(ctx context.Context, master *stack, c *load.Conn, one *replicationSample) error {
	for acks := range 3 {
		if v, err := c.Do("CONFIG", "SET", "write-acks", itoa(acks)); err != nil || v.Err() != nil {
			return fmt.Errorf("CONFIG SET write-acks: %v %v", v.Text, err)
		}
		for i, depth := range []int{1, 16} {
			res, err := o.load(ctx, master, depth, 0)
			if err != nil {
				return err
			}
			if res.Failed() > 0 {
				return fmt.Errorf("%d requests failed: %v", res.Failed(), res.Errors)
			}
			one.acks[acks][i] = res.Rate()
			one.latency[acks][i] = res.Percentile(50)
		}
	}
	_, err := c.Do("CONFIG", "SET", "write-acks", "0")
	return err
}

// resync attaches a further replica while writes go on at a fixed rate.
func (o *replicationOptions) resync(ctx context.Context, master *stack, c *load.Conn, one *replicationSample) error {
	loadCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan *load.Result, 1)
	go func() {
		res, _ := o.loadFor(loadCtx, master, 1, o.resyncRate, 5*time.Minute)
		done <- res
	}()
	took, err := o.attach(c, master.addr())
	cancel()
	if res := <-done; res != nil {
		one.resyncLoad = res.Rate()
	}
	one.resync = took
	return err
}

// attach makes a server a replica and waits until it has everything.
func (o *replicationOptions) attach(c *load.Conn, master string) (time.Duration, error) {
	began := time.Now()
	host, port, err := net.SplitHostPort(master)
	if err != nil {
		return 0, err
	}
	if v, err := c.Do("REPLICAOF", host, port); err != nil || v.Err() != nil {
		return 0, fmt.Errorf("REPLICAOF: %v %v", v.Text, err)
	}
	for time.Since(began) < 2*time.Minute {
		v, err := c.Do("INFO", "replication")
		if err != nil {
			return 0, err
		}
		if strings.Contains(v.Text, "master_link_status:up") {
			return time.Since(began), nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return 0, errors.New("the replica does not get into step")
}

func (o *replicationOptions) load(ctx context.Context, st *stack, depth int, rate float64) (*load.Result, error) {
	return o.loadFor(ctx, st, depth, rate, o.length)
}

func (o *replicationOptions) loadFor(ctx context.Context, st *stack, depth int, rate float64, d time.Duration) (*load.Result, error) {
	ops, err := load.FindOps([]string{"set"})
	if err != nil {
		return nil, err
	}
	return load.Run(ctx, load.Options{Addrs: []string{st.addr()}, Conns: o.conns, Pipeline: depth, Duration: d, Rate: rate,
		Ops: ops, DataSize: 64, Keyspace: int64(o.keys)})
}
