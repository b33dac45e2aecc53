package repl

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ackPeriod is how often a replica acknowledges without a reason, and how often
// it says a newline while it loads.
const ackPeriod = time.Second

var errStopped = errors.New("the link was stopped")

// Link follows one master: it connects, resyncs, applies and acknowledges, and
// tries again when that breaks, until Stop.
type Link struct {
	cfg    LinkConfig
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended

	// gate is a mutex that can be waited for with a deadline. It is held while
	// anything is adopted, applied or acknowledged, and whoever gets it after
	// ctx has ended does nothing of that.
	gate chan struct{}
	say  chan struct{} // capacity 1: acknowledge now

	mu     sync.Mutex
	status LinkStatus
}

// StartLink begins to follow cfg.Addr. The caller stops it.
func StartLink(cfg LinkConfig) *Link {
	cfg.fill()
	l := &Link{cfg: cfg, done: make(chan struct{}), gate: make(chan struct{}, 1), say: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.status = LinkStatus{State: LinkConnect, Master: Master{Addr: cfg.Addr}, DownSince: time.Now()}
	go l.run()
	return l
}

// Stop ends the link. Once it returned nil, not one byte is applied or
// acknowledged any more. It waits for an Apply or Adopt under way, so the
// caller must not hold the engine lock; with an error, ctx's, that one has not
// ended yet, and nothing follows it. Call again to go on waiting.
func (l *Link) Stop(ctx context.Context) error {
	l.cancel() // closes the connection, so that no acknowledgement blocks
	select {
	case l.gate <- struct{}{}:
		<-l.gate
	case <-ctx.Done():
		return ctx.Err()
	}
	// The promise holds. An aborted Load may still be on its way out; it is
	// waited for as long as the caller can.
	select {
	case <-l.done:
	case <-ctx.Done():
	}
	return nil
}

// Done is closed when the link, after Stop, has let go of everything.
func (l *Link) Done() <-chan struct{} { return l.done }

// enter takes the gate for f, unless the link was stopped.
func (l *Link) enter(f func() error) error {
	l.gate <- struct{}{}
	defer func() { <-l.gate }()
	if l.ctx.Err() != nil {
		return errStopped
	}
	return f()
}

// AckNow has the link acknowledge without waiting for a reason, because more
// became durable. It does not block.
func (l *Link) AckNow() {
	select {
	case l.say <- struct{}{}:
	default:
	}
}

// acknowledge does what AckNow asks for until ctx ends. A connection that
// breaks shows in the next read.
func (l *Link) acknowledge(ctx context.Context, u *upstream) {
	for {
		select {
		case <-l.say:
			_ = l.enter(u.ack)
		case <-ctx.Done():
			return
		}
	}
}

// Status tells how the link is doing.
func (l *Link) Status() LinkStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

func (l *Link) set(f func(*LinkStatus)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.status)
}

// run connects again and again until the link is stopped.
func (l *Link) run() {
	defer close(l.done)
	delay := l.cfg.RetryMin
	for l.ctx.Err() == nil {
		l.cfg.Log.Info("Connecting to MASTER " + l.cfg.Addr)
		began := time.Now()
		err := l.attempt()
		l.set(func(s *LinkStatus) { *s = s.down(err, time.Now()) })
		if l.ctx.Err() != nil {
			return
		}
		l.cfg.Log.Warn("Connection with master lost: "+err.Error(), "master", l.cfg.Addr)
		if time.Since(began) > l.cfg.RetryMax { // it had worked for a while
			delay = l.cfg.RetryMin
		}
		wait(l.ctx, delay)
		delay = min(2*delay, l.cfg.RetryMax)
	}
}

// down is the status after a connection ended by err.
func (s LinkStatus) down(err error, now time.Time) LinkStatus {
	next := LinkStatus{State: LinkConnect, Master: Master{Addr: s.Master.Addr}, Offset: s.Offset,
		DownSince: s.DownSince, LastError: err.Error()}
	if next.DownSince.IsZero() {
		next.DownSince = now
	}
	return next
}

// attempt is one connection from its dialling to its end.
func (l *Link) attempt() error {
	l.set(func(s *LinkStatus) { s.State = LinkConnecting })
	ctx, cancel := context.WithTimeout(l.ctx, l.cfg.Timeout())
	conn, err := l.cfg.Dial(ctx, l.cfg.Addr)
	cancel()
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(l.ctx, func() { conn.Close() })
	defer stop()

	u := newUpstream(l, conn)
	l.set(func(s *LinkStatus) { s.State, s.LastIO = LinkHandshake, time.Now() })
	if err := u.handshake(); err != nil {
		return err
	}
	full, err := u.psync()
	if err != nil {
		return err
	}
	if full {
		if err := u.receive(); err != nil {
			return err
		}
	}
	l.set(func(s *LinkStatus) {
		s.State, s.Master, s.DownSince = LinkConnected, u.master, time.Time{}
		s.Since, s.LocalAddr = time.Now(), conn.LocalAddr().String()
	})
	ctx, cancel = context.WithCancel(l.ctx)
	var acks sync.WaitGroup
	acks.Go(func() { l.acknowledge(ctx, u) })
	err = u.follow()
	cancel()
	conn.Close() // an acknowledgement may be on its way
	acks.Wait()
	return err
}
