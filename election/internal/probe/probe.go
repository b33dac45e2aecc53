package probe

import (
	"context"
	"errors"
	"sync/atomic"
	"syscall"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/resp"
	"holdfast/election/internal/native"
)

// Kind says what a Report reports.
type Kind int

// The kinds.
const (
	Connected Kind = iota // Hello (nil: a plain Redis, or Barred says why it says nothing), Control
	Lost                  // Refused, Broken, Err: no connection, or none any more
	Replied               // Text: the reply to PING
	Probed                // Probe, or Err: the reply to PROBE
	Informed              // Text: the reply to INFO
	Answered              // Token, Value, Err: the outcome of Send
)

// Report is one thing that was seen of a node.
type Report struct {
	Kind    Kind
	Addr    string // of the node, as Options has it
	At      time.Time
	RunID   string // of the process at the other end; "" of a plain Redis
	Hello   *native.Hello
	Barred  string // the error by which the node keeps this sentinel's user out; "" when it does not
	Control string // host:port of the control port
	Refused bool   // the dial was refused: the host lives and nobody listens
	Broken  bool   // the other end closed or reset the connection
	Probe   *native.Probe
	Text    string
	Token   any
	Value   resp.Value
	Err     error
}

// Options of a Probe.
type Options struct {
	Addr    string         // host:port of the data port
	Control string         // of the control port where it is known, else ""
	Client  client.Options // TLS
	Sink    func(Report)   // called from the probe's goroutine
	Tuning
}

// Tuning is what may change while a probe runs.
type Tuning struct {
	User     string        // for AUTH, with Password
	Password string        // "": no AUTH
	Interval time.Duration // between two PINGs
	Timeout  time.Duration // of one request
}

// Pauses and bounds.
const (
	redialFirst = 100 * time.Millisecond // two refusals are thus at least this far apart
	redialLater = 500 * time.Millisecond
	redialsFast = 30               // dials at the first pace
	infoPeriod  = 10 * time.Second // sentinel.c, SENTINEL_INFO_PERIOD
	infoTrouble = time.Second      // while something is wrong
	queue       = 16               // requests waiting; more fail at once
)

// errNotConnected is the outcome of a request to a node without a connection.
var errNotConnected = errors.New("probe: not connected")

// errLogin ends a connection that was made as another user.
var errLogin = errors.New("probe: another user or password is to be used")

// errBusy is the outcome of a request behind too many others.
var errBusy = errors.New("probe: too many requests are waiting for the node")

// Probe watches one node. Its methods are safe for concurrent use.
type Probe struct {
	opt      Options
	requests chan request
	poke     chan struct{}
	asking   atomic.Pointer[native.Request] // what to send in place of PING
	tuning   atomic.Pointer[Tuning]
	tuned    chan struct{} // has room for one: tuning is another now
	trouble  atomic.Bool

	as       Tuning       // how conn was made
	barred   string       // the error by which the node kept that user out
	conn     *client.Conn // of Run's goroutine, like all below
	runID    string
	control  string // newest known address of the control port
	native   bool
	informed time.Time
}

type request struct {
	r     native.Request
	token any
}

// New makes a probe; Run starts it.
func New(opt Options) *Probe {
	p := &Probe{opt: opt, control: opt.Control, requests: make(chan request, queue), poke: make(chan struct{}, 1), tuned: make(chan struct{}, 1)}
	p.tuning.Store(&opt.Tuning)
	return p
}

// Tune makes the probe go on as t says. For another user or password it makes a
// new connection, so that what is wrong with them shows now and not in the next
// failover.
func (p *Probe) Tune(t Tuning) {
	p.tuning.Store(&t)
	select {
	case p.tuned <- struct{}{}:
	default:
	}
}

// Send queues a request; its outcome is an Answered report with the token.
func (p *Probe) Send(r native.Request, token any) {
	select {
	case p.requests <- request{r: r, token: token}:
	default:
		// From a goroutine of its own: the caller is the one who reads reports.
		go p.report(Report{Kind: Answered, Token: token, Err: errBusy})
	}
}

// Ask makes the probe send r instead of PING from now on; nil: PING.
func (p *Probe) Ask(r *native.Request) { p.asking.Store(r) }

// Now makes the probe send its PING or PROBE at once.
func (p *Probe) Now() {
	select {
	case p.poke <- struct{}{}:
	default:
	}
}

// Trouble makes the probe read INFO each second instead of every ten.
func (p *Probe) Trouble(on bool) { p.trouble.Store(on) }

// Run watches until ctx ends.
func (p *Probe) Run(ctx context.Context) {
	for dials := 1; ctx.Err() == nil; dials++ {
		err := p.connect(ctx)
		if err == nil {
			dials = 0
			err = p.watch(ctx)
			p.conn.Close()
			p.conn = nil
		}
		if ctx.Err() != nil {
			return
		}
		p.report(Report{Kind: Lost, Refused: dials > 0 && errors.Is(err, syscall.ECONNREFUSED), Broken: dials == 0 && !timedOut(err) && err != errLogin, Err: err})
		p.pause(ctx, dials)
	}
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// pause waits before the next dial. Requests fail at once meanwhile.
func (p *Probe) pause(ctx context.Context, dials int) {
	d := redialFirst
	switch {
	case dials == 0:
		d = time.Millisecond // the connection was fine a moment ago
	case dials > redialsFast:
		d = redialLater
	}
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			return
		case q := <-p.requests:
			p.report(Report{Kind: Answered, Token: q.token, Err: errNotConnected})
		}
	}
}

// watch serves a connection until it breaks.
func (p *Probe) watch(ctx context.Context) error {
	tick := time.NewTicker(p.as.Interval)
	defer tick.Stop()
	p.informed = time.Time{}
	if err := p.ping(ctx); err != nil {
		return err
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case q := <-p.requests:
			err = p.request(ctx, q)
		case <-p.poke:
			err = p.ping(ctx)
		case <-p.tuned:
			err = p.retune(tick)
		case <-tick.C:
			if err = p.ping(ctx); err == nil {
				err = p.info(ctx)
			}
		}
		if err != nil {
			return err
		}
	}
}

// retune takes up another tuning on the connection there is, where that will do.
func (p *Probe) retune(tick *time.Ticker) error {
	t := *p.tuning.Load()
	if t.User != p.as.User || t.Password != p.as.Password {
		return errLogin
	}
	p.as = t
	tick.Reset(t.Interval)
	return nil
}

func (p *Probe) report(r Report) {
	r.Addr, r.At = p.opt.Addr, time.Now()
	if r.Kind != Lost && r.RunID == "" {
		r.RunID = p.runID
	}
	p.opt.Sink(r)
}
