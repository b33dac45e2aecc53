package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"holdfast/backend/resp"
)

// VerifiedOptions describe a load whose every write is accounted for.
type VerifiedOptions struct {
	Addrs    []string // host:port; clients take them in turn
	Password string
	Clients  int
	Pipeline int           // requests sent before their replies are awaited; 0: 1
	Reads    float64       // share of the requests that are reads, 0 … 1
	Prefix   string        // of the keys; they are deleted by Clean
	Timeout  time.Duration // without a reply for so long, a connection is given up; 0: 60 s
}

// Verified is such a load under way. Start it, Stop it, then Audit.
type Verified struct {
	opts        VerifiedOptions
	clients     []*worker
	writePauses *pauses
	readPauses  *pauses
	running     context.Context // ends when the load is stopped
	stop        context.CancelFunc
	done        sync.WaitGroup
	written     atomic.Int64
}

// VerifiedResult is what the clients saw.
type VerifiedResult struct {
	Elapsed       time.Duration
	Writes, Reads int64                   // that succeeded
	Errors        map[string]int64        // by kind
	WorstClient   int64                   // the most errors that one client saw
	WritePause    time.Duration           // the longest time without a successful write of any client
	ReadPause     time.Duration           // … read; 0 without reads
	Slowest       time.Duration           // the longest that a client waited for the reply to a write, an error's included
	WriteLatency  *hdrhistogram.Histogram // of those that succeeded
	ReadLatency   *hdrhistogram.Histogram
}

// StartVerified connects all clients and lets them run until Stop or the end
// of ctx. The error is that of an address which took no connection.
func StartVerified(ctx context.Context, o VerifiedOptions) (*Verified, error) {
	if len(o.Addrs) == 0 || o.Clients < 1 {
		return nil, errors.New("load: a verified load needs an address and a client")
	}
	o.Pipeline = max(o.Pipeline, 1)
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	conns, err := dialAll(ctx, &Options{Addrs: o.Addrs, Password: o.Password, Conns: o.Clients})
	if err != nil {
		return nil, err
	}
	v := &Verified{opts: o, writePauses: newPauses(), readPauses: newPauses()}
	v.running, v.stop = context.WithCancel(ctx)
	for i, conn := range conns {
		c := newWorker(v, i)
		v.clients = append(v.clients, c)
		v.done.Go(func() { c.loop(ctx, conn) })
	}
	return v, nil
}

// Written is the number of writes acknowledged so far.
func (v *Verified) Written() int64 { return v.written.Load() }

// Stop lets every client finish what it has sent and returns what they saw.
func (v *Verified) Stop() *VerifiedResult {
	v.stop()
	v.done.Wait()
	now := time.Now()
	r := &VerifiedResult{
		Elapsed:      now.Sub(v.writePauses.start),
		Errors:       make(map[string]int64),
		WritePause:   v.writePauses.finish(now),
		WriteLatency: newHistogram(),
		ReadLatency:  newHistogram(),
	}
	if v.opts.Reads > 0 {
		r.ReadPause = v.readPauses.finish(now)
	}
	for _, c := range v.clients {
		r.add(c)
	}
	return r
}

func (r *VerifiedResult) add(c *worker) {
	r.Writes += c.writes.succeeded
	r.Reads += c.reads.succeeded
	r.WriteLatency.Merge(c.writes.latency)
	r.ReadLatency.Merge(c.reads.latency)
	r.Slowest = max(r.Slowest, c.writes.slowest)
	var failed int64
	for _, t := range []*tally{c.writes, c.reads} {
		for kind, n := range t.errors {
			r.Errors[kind] += n
			failed += n
		}
	}
	r.WorstClient = max(r.WorstClient, failed)
}

// What a client sends.
type verb byte

const (
	push      verb = iota // RPUSH of a unique element
	increment             // INCR
	set                   // SET of the next version
	get                   // GET of the version: must show the newest acknowledged one
	verbs
)

// request is one request under way.
type request struct {
	verb   verb
	number int64 // the element or version sent
}

// worker is one connection's goroutine and its ledger.
type worker struct {
	*Verified
	ledger
	addr          string
	keys          [verbs]string
	rnd           *rand.Rand
	writes, reads *tally
	batch         []request
	out           []byte
	turn          int
}

func newWorker(v *Verified, i int) *worker {
	c := &worker{Verified: v, addr: v.opts.Addrs[i%len(v.opts.Addrs)], writes: newTally(), reads: newTally(),
		rnd: rand.New(rand.NewPCG(uint64(i), 0))}
	c.client = i
	for verb, kind := range map[verb]string{push: "list", increment: "counter", set: "version", get: "version"} {
		c.keys[verb] = fmt.Sprintf("%s:%d:%s", v.opts.Prefix, i, kind)
	}
	return c
}

// loop serves one connection after the other until the load is stopped.
func (c *worker) loop(ctx context.Context, conn *Conn) {
	for conn != nil {
		release := conn.closeAt(ctx)
		err := c.serve(conn)
		release()
		conn.Close()
		if err == nil {
			return
		}
		conn = redial(c.running, c.addr, c.opts.Password, func() { c.writes.errors[KindDial]++ })
	}
}

func (c *worker) serve(conn *Conn) error {
	for c.running.Err() == nil {
		if err := c.exchange(conn); err != nil {
			return err
		}
	}
	return nil
}

// exchange sends one batch and judges its replies. When the connection fails,
// every request without a reply has an unknown outcome, also those that may
// never have left: the client cannot tell.
func (c *worker) exchange(conn *Conn) error {
	c.compose()
	start := time.Now()
	conn.SetDeadline(start.Add(c.opts.Timeout))
	_, err := conn.Write(c.out)
	for i, r := range c.batch {
		var reply []byte
		if err == nil {
			reply, err = conn.Reply()
		}
		if err != nil {
			c.unanswered(c.batch[i:], err)
			return err
		}
		c.answered(r, reply, start)
	}
	return nil
}

// compose chooses and encodes the next batch.
func (c *worker) compose() {
	c.batch, c.out = c.batch[:0], c.out[:0]
	for range c.opts.Pipeline {
		r := request{verb: get}
		if c.rnd.Float64() >= c.opts.Reads {
			r.verb = verb(c.turn % int(get))
			c.turn++
		}
		switch key := c.keys[r.verb]; r.verb {
		case push:
			r.number = int64(len(c.elements))
			c.elements = append(c.elements, Unknown)
			c.out = resp.AppendCommand(c.out, "RPUSH", key, strconv.FormatInt(r.number, 10))
		case increment:
			c.out = resp.AppendCommand(c.out, "INCR", key)
		case set:
			c.version.sent++
			r.number = c.version.sent
			c.out = resp.AppendCommand(c.out, "SET", key, strconv.FormatInt(r.number, 10))
		case get:
			c.out = resp.AppendCommand(c.out, "GET", key)
		}
		c.batch = append(c.batch, r)
	}
}

func (c *worker) answered(r request, reply []byte, start time.Time) {
	now := time.Now()
	if r.verb == get {
		if c.reads.reply(reply, now.Sub(start)) {
			c.readPauses.success(now)
			c.versionRead(bulkInt(reply))
		}
		return
	}
	if c.writes.reply(reply, now.Sub(start)) {
		c.writePauses.success(now)
		c.written.Add(1)
	}
	c.note(r, outcomeOf(reply), reply)
}

func (c *worker) unanswered(rest []request, err error) {
	for _, r := range rest {
		if r.verb == get {
			c.reads.errors[lostKind(err)]++
			continue
		}
		c.writes.errors[lostKind(err)]++
		c.note(r, Unknown, nil)
	}
}

// note enters the outcome of a write in the ledger.
func (c *worker) note(r request, o Outcome, reply []byte) {
	switch r.verb {
	case push:
		c.elements[r.number] = o
	case increment:
		c.incremented(o, replyInt(reply))
	case set:
		c.versionSet(o, r.number)
	}
}

// replyInt reads an integer reply; 0 for any other.
func replyInt(reply []byte) int64 {
	v, err := resp.Parse(reply)
	if err != nil || v.Kind != ':' {
		return 0
	}
	return v.Int
}

// bulkInt reads a number in a bulk string; 0 for a null.
func bulkInt(reply []byte) int64 {
	v, err := resp.Parse(reply)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(v.Text, 10, 64)
	return n
}
