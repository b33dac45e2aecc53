package load

import (
	"context"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// In an open loop requests are due at fixed times, whether or not earlier ones
// were answered. One pacer sends for all connections; one goroutine per
// connection reads replies. A request that cannot be sent when it is due (its
// connection is down, or has openWindow requests unanswered) is sent later and
// keeps the time at which it was due, so the delay shows in its latency.

const (
	// openWindow bounds the requests unanswered on one connection.
	openWindow = 1024
	// openBacklog bounds the requests that are due and not sent, per connection;
	// past it they are counted as errors under KindOverrun.
	openBacklog = 1 << 16
)

// KindOverrun counts requests of an open loop that were due while openBacklog
// earlier ones were still waiting to be sent.
const KindOverrun = "never sent"

func (r *run) open(ctx context.Context, conns []*Conn) *Result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lanes := make([]*lane, len(conns))
	var readers sync.WaitGroup
	for i, c := range conns {
		l := &lane{run: r, tally: newTally(), conn: c, addr: r.Addrs[i%len(r.Addrs)],
			template: newTemplate(&r.Options, uint64(i))}
		lanes[i] = l
		readers.Go(func() { l.read(ctx, c) })
	}
	r.pace(ctx, lanes)
	r.awaitReplies(ctx, lanes)
	for _, l := range lanes {
		l.abandon(ctx)
	}
	cancel()
	readers.Wait()
	tallies := make([]*tally, len(lanes))
	for i, l := range lanes {
		tallies[i] = l.tally
	}
	return r.result(tallies)
}

// pace hands every due request to its lane, in turn. It keeps a thread of its
// own and sleeps in the kernel: the runtime's timers are coarser than the
// interval between requests.
func (r *run) pace(ctx context.Context, lanes []*lane) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	interval := time.Duration(float64(time.Second) / r.Rate)
	start := time.Now()
	for i := int64(0); ctx.Err() == nil; {
		now := time.Now()
		for ; !start.Add(time.Duration(i) * interval).After(now); i++ {
			if r.claim(1) == 0 {
				return
			}
			lanes[i%int64(len(lanes))].add(start.Add(time.Duration(i) * interval))
		}
		for _, l := range lanes {
			l.flush()
		}
		sleepUntil(start.Add(time.Duration(i) * interval))
	}
}

// sleepUntil sleeps at most a tenth of a second, so that the caller can look
// whether it is to stop.
func sleepUntil(t time.Time) {
	d := min(time.Until(t), 100*time.Millisecond)
	if d <= 0 {
		return
	}
	ts := unix.NsecToTimespec(int64(d))
	unix.Nanosleep(&ts, nil) // cut short by a signal, the pacer just looks again
}

// awaitReplies waits until everything that was due is answered, at most for the
// timeout of a request.
func (r *run) awaitReplies(ctx context.Context, lanes []*lane) {
	deadline := time.Now().Add(r.Timeout)
	for _, l := range lanes {
		for ctx.Err() == nil && time.Now().Before(deadline) && l.flush() > 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

// lane is one connection of an open loop.
type lane struct {
	*run
	addr     string
	template *template

	mu     sync.Mutex
	*tally             // guarded by mu
	conn   *Conn       // nil while it is down
	due    []time.Time // of the requests not sent yet
	flying []time.Time // of the requests sent and not answered, in order
}

// add queues a request.
func (l *lane) add(due time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.due) >= openBacklog {
		l.errors[KindOverrun]++
		return
	}
	l.due = append(l.due, due)
}

// flush sends what is due and may be sent, and returns how many requests are
// not answered yet. The window keeps a batch well below what a socket's buffer
// takes, so that one slow connection does not hold up the pacer.
func (l *lane) flush() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.conn != nil && len(l.due) > 0 && len(l.flying) < openWindow {
		bytes, n := l.template.take(min(len(l.due), openWindow-len(l.flying)))
		l.flying = append(l.flying, l.due[:n]...)
		l.due = l.due[:copy(l.due, l.due[n:])]
		l.sent += int64(n)
		l.conn.SetWriteDeadline(time.Now().Add(l.Timeout))
		if _, err := l.conn.Write(bytes); err != nil {
			l.conn.Close() // the reader sees it, counts what was under way and dials
			l.conn = nil
		}
	}
	return len(l.due) + len(l.flying)
}

// read takes replies, on one connection after the other, until ctx ends.
func (l *lane) read(ctx context.Context, conn *Conn) {
	for conn != nil {
		release := conn.closeAt(ctx)
		err := l.replies(conn)
		release()
		conn.Close()
		l.down(ctx, err)
		conn = redial(ctx, l.addr, l.Password, l.dialFailed)
		l.mu.Lock()
		l.conn = conn
		l.mu.Unlock()
	}
}

func (l *lane) replies(conn *Conn) error {
	for {
		reply, err := conn.Reply()
		if err != nil {
			return err
		}
		l.answered(reply)
	}
}

func (l *lane) answered(reply []byte) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.flying) == 0 {
		return // a push frame, or a server that answers unasked: not ours to judge
	}
	due := l.flying[0]
	l.flying = l.flying[:copy(l.flying, l.flying[1:])]
	if l.reply(reply, now.Sub(due)) {
		l.pauses.success(now)
	}
}

// down counts what was under way when the connection ended.
func (l *lane) down(ctx context.Context, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = nil
	if ctx.Err() == nil {
		l.errors[lostKind(err)] += int64(len(l.flying))
		l.flying = nil
	}
}

func (l *lane) dialFailed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errors[KindDial]++
}

// abandon counts what was not answered in time, unless the load was broken off.
func (l *lane) abandon(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.flying) + len(l.due); n > 0 && ctx.Err() == nil {
		l.errors[KindTimeout] += int64(n)
		l.flying, l.due = nil, nil
	}
}
