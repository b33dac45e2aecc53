package load

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Options describe a load of canned commands.
type Options struct {
	Addrs    []string // host:port; connections take them in turn
	Password string
	Conns    int           // connections; at least 1
	Pipeline int           // closed loop: requests sent before their replies are awaited; at least 1
	Requests int64         // sent at most; 0: no bound
	Duration time.Duration // sends nothing after it; 0: no bound
	Settle   time.Duration // closed loop: at the beginning, before anything is counted; comes on top of Duration
	Rate     float64       // open loop: requests per second over all connections; 0: closed loop
	Ops      []Op          // taken in turn
	DataSize int           // bytes of a payload
	Keyspace int64         // random keys are below it; at least 1
	Seed     uint64
	Timeout  time.Duration // without a reply for so long, a connection is given up; 0: 60 s
}

func (o *Options) validate() error {
	switch {
	case len(o.Addrs) == 0:
		return errors.New("load: no address to send to")
	case len(o.Ops) == 0:
		return errors.New("load: no command to send")
	case o.Conns < 1 || o.Pipeline < 1:
		return fmt.Errorf("load: %d connections at depth %d; both must be at least 1", o.Conns, o.Pipeline)
	case o.DataSize < 0 || o.Rate < 0 || o.Requests < 0 || o.Settle < 0:
		return errors.New("load: a size, rate, time or count is negative")
	case o.Settle > 0 && o.Rate > 0:
		return errors.New("load: only a closed loop settles; one at a rate counts from its first request on")
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	return nil
}

// Run makes the load until Requests have been sent or Duration is over, waits
// for the replies and returns what became of them. When ctx ends it breaks off
// and what was under way is not counted. The error is about the options or
// about an address that took no connection at the start: later failures are
// counted.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	conns, err := dialAll(ctx, &o)
	if err != nil {
		return nil, err
	}
	r := &run{Options: o, pauses: newPauses()}
	r.left.Store(o.Requests)
	if o.Rate > 0 {
		return r.open(ctx, conns), nil
	}
	return r.closed(ctx, conns), nil
}

func dialAll(ctx context.Context, o *Options) ([]*Conn, error) {
	conns := make([]*Conn, o.Conns)
	for i := range conns {
		addr := o.Addrs[i%len(o.Addrs)]
		c, err := dialWithin(ctx, addr, o.Password)
		if err != nil {
			for _, c := range conns[:i] {
				c.Close()
			}
			return nil, fmt.Errorf("connection %d of %d: %w", i+1, o.Conns, err)
		}
		conns[i] = c
	}
	return conns, nil
}

// dialTimeout bounds one attempt to connect.
const dialTimeout = 2 * time.Second

func dialWithin(ctx context.Context, addr, password string) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return Dial(ctx, addr, password)
}

// redialPause is waited between attempts to connect again.
const redialPause = 10 * time.Millisecond

// redial connects until it succeeds or ctx ends, which it tells by nil; every
// failure is counted.
func redial(ctx context.Context, addr, password string, failed func()) *Conn {
	for ctx.Err() == nil {
		c, err := dialWithin(ctx, addr, password)
		if err == nil {
			return c
		}
		if ctx.Err() == nil {
			failed()
		}
		select {
		case <-ctx.Done():
		case <-time.After(redialPause):
		}
	}
	return nil
}

// closeAt closes c when ctx ends, so that nothing waits on it any longer. The
// returned function takes that back.
func (c *Conn) closeAt(ctx context.Context) func() bool {
	return context.AfterFunc(ctx, func() { c.Close() })
}

// run is one load under way.
type run struct {
	Options
	left   atomic.Int64 // of Requests
	pauses *pauses
}

// claim takes up to n requests off the budget; 0 means that there is nothing
// to send any more.
func (r *run) claim(n int) int {
	if r.Duration > 0 && time.Since(r.pauses.start) >= r.Settle+r.Duration {
		return 0
	}
	if r.Requests == 0 {
		return n
	}
	left := r.left.Add(-int64(n)) + int64(n)
	return int(min(max(left, 0), int64(n)))
}

func (r *run) result(tallies []*tally) *Result {
	now := time.Now()
	res := &Result{
		Elapsed: now.Sub(r.pauses.start) - r.Settle,
		Errors:  make(map[string]int64),
		Pause:   r.pauses.finish(now),
		Latency: newHistogram(),
	}
	for _, t := range tallies {
		res.merge(t)
	}
	return res
}
