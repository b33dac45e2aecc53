package load

import (
	"context"
	"errors"
	"sync"
	"time"
)

// closed runs one goroutine per connection until each has nothing left to send.
func (r *run) closed(ctx context.Context, conns []*Conn) *Result {
	tallies := make([]*tally, len(conns))
	var wg sync.WaitGroup
	for i, c := range conns {
		tallies[i] = newTally()
		w := &closedLoop{run: r, tally: tallies[i], addr: r.Addrs[i%len(r.Addrs)],
			template: newTemplate(&r.Options, uint64(i))}
		if r.Settle > 0 {
			w.tally, w.settled = newTally(), tallies[i]
		}
		wg.Go(func() { w.loop(ctx, c) })
	}
	wg.Wait()
	return r.result(tallies)
}

// closedLoop is one client that sends a batch, awaits its replies, and sends
// the next.
type closedLoop struct {
	*run
	*tally
	settled  *tally // takes the place of tally when the load has settled; nil: it has
	addr     string
	template *template
}

// loop serves one connection after the other until the budget or ctx ends.
func (w *closedLoop) loop(ctx context.Context, conn *Conn) {
	for conn != nil {
		release := conn.closeAt(ctx)
		err := w.serve(ctx, conn)
		release()
		conn.Close()
		if err == nil {
			return
		}
		conn = redial(ctx, w.addr, w.Password, func() { w.errors[KindDial]++ })
	}
}

// serve sends batches until there is nothing to send any more (nil) or the
// connection fails.
func (w *closedLoop) serve(ctx context.Context, conn *Conn) error {
	for ctx.Err() == nil {
		if w.settled != nil && time.Since(w.pauses.start) >= w.Settle {
			w.tally, w.settled = w.settled, nil
		}
		n := w.claim(w.Pipeline)
		if n == 0 {
			return nil
		}
		done, err := w.batch(conn, n)
		if err != nil && ctx.Err() == nil {
			w.errors[lostKind(err)] += int64(n - done)
			return err
		}
	}
	return nil
}

// batch sends n commands and reads their replies, and returns how many came.
func (w *closedLoop) batch(conn *Conn, n int) (done int, err error) {
	start := time.Now()
	conn.SetDeadline(start.Add(w.Timeout))
	for left := n; left > 0; {
		bytes, took := w.template.take(left)
		left -= took
		if _, err := conn.Write(bytes); err != nil {
			return 0, err
		}
	}
	w.sent += int64(n)
	for done < n {
		reply, err := conn.Reply()
		if err != nil {
			return done, err
		}
		done++
		if now := time.Now(); w.reply(reply, now.Sub(start)) {
			w.pauses.success(now)
		}
	}
	return done, nil
}

// reply counts one reply and tells whether it was a success.
func (t *tally) reply(reply []byte, took time.Duration) bool {
	t.slowest = max(t.slowest, took)
	if reply[0] == '-' {
		t.errors[Kind(reply)]++
		return false
	}
	t.succeeded++
	record(t.latency, took)
	return true
}

// lostKind names the error that ended a connection.
func lostKind(err error) string {
	type timeout interface {
		error
		Timeout() bool
	}
	if t, ok := errors.AsType[timeout](err); ok && t.Timeout() {
		return KindTimeout
	}
	return KindLost
}
