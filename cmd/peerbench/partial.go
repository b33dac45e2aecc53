package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/cmd/internal/load"
)

// cutLength is how long a replica is cut off from its master.
const cutLength = 5 * time.Second

// partialSample is what a replica needed after it was cut off under load.
type partialSample struct {
	missing, moved int64 // bytes of the stream, and all that the master sent for them
	took           time.Duration
}

// partial cuts a replica off while writes go on at a fixed rate, and counts what
// the master sends it when it is back. The load is over by then, so that what was
// missing is known to the byte.
func (o *replicationOptions) partial(ctx context.Context, master *stack, m, r *load.Conn, one *partialSample) error {
	way, err := newRelay(master.addr())
	if err != nil {
		return err
	}
	defer way.close()
	if v, err := m.Do("CONFIG", "SET", "repl-backlog-size", "256mb"); err != nil || v.Err() != nil {
		return fmt.Errorf("CONFIG SET repl-backlog-size: %v %v", v.Text, err)
	}
	if _, err := o.attach(r, way.addr()); err != nil {
		return err
	}
	full, err := infoNumber(m, "stats", "sync_full")
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		_, err := o.loadFor(ctx, master, 1, o.resyncRate, cutLength+time.Second)
		done <- err
	}()
	time.Sleep(time.Second)
	way.cut()
	if err := <-done; err != nil {
		return err
	}
	had, err := infoNumber(r, "replication", "slave_repl_offset")
	if err != nil {
		return err
	}
	want, err := infoNumber(m, "replication", "master_repl_offset")
	if err != nil {
		return err
	}
	began := time.Now()
	way.restore()
	for has := had; has < want; time.Sleep(2 * time.Millisecond) {
		if has, err = infoNumber(r, "replication", "slave_repl_offset"); err != nil {
			return err
		}
		if time.Since(began) > time.Minute {
			return errors.New("the replica that was cut off does not catch up")
		}
	}
	one.took, one.moved, one.missing = time.Since(began), way.moved.Load(), want-had
	if now, err := infoNumber(m, "stats", "sync_full"); err != nil || now != full {
		return fmt.Errorf("the replica that was cut off was sent everything (%v)", err)
	}
	return nil
}

// infoNumber reads a number from INFO.
func infoNumber(c *load.Conn, section, field string) (int64, error) {
	v, err := c.Do("INFO", section)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(v.Text) {
		if text, found := strings.CutPrefix(line, field+":"); found {
			return strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		}
	}
	return 0, fmt.Errorf("INFO %s has no %s", section, field)
}

// relay is the way from a replica to its master. It can be cut, and counts what
// the master sends since it was restored.
type relay struct {
	ln    net.Listener
	to    string
	moved atomic.Int64

	mu     sync.Mutex
	closed bool
	conns  []net.Conn
}

func newRelay(to string) (*relay, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{ln: ln, to: to}
	go r.run()
	return r, nil
}

func (r *relay) addr() string { return r.ln.Addr().String() }

// run passes connections on until close.
func (r *relay) run() {
	for {
		in, err := r.ln.Accept()
		if err != nil {
			return
		}
		out, err := net.DialTimeout("tcp", r.to, time.Second)
		if err != nil || !r.enter(in, out) {
			in.Close()
			if out != nil {
				out.Close()
			}
			continue
		}
		go r.pass(out, in, new(atomic.Int64)) // what the replica says is not counted
		go r.pass(in, out, &r.moved)
	}
}

// enter notes a pair of connections, unless the way is cut.
func (r *relay) enter(in, out net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.conns = append(r.conns, in, out)
	return true
}

func (r *relay) pass(to, from net.Conn, count *atomic.Int64) {
	defer to.Close()
	defer from.Close()
	_, _ = io.Copy(io.MultiWriter(counter{count}, to), from)
}

// counter counts what is written to it.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

// cut breaks what goes over the relay, and whatever comes until it is restored.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, c := range r.conns {
		c.Close()
	}
	r.conns = nil
}

func (r *relay) restore() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = false
	r.moved.Store(0)
}

func (r *relay) close() {
	r.ln.Close()
	r.cut()
}
