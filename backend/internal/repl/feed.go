package repl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/backend/command"
	"holdfast/backend/resp"
)

const keepalivePeriod = time.Second

var (
	errReplicaClosed = errors.New("the replica closed the connection")
	errKilled        = errors.New("CLIENT KILL")
	errNoReplica     = errors.New("it sends commands as a client does")
)

// feed serves one replica. Its own goroutine (run) writes to the connection,
// except between take and the end of the transfer that took it; a second one
// (listen) reads acknowledgements. Whoever finds a reason to end it calls end,
// which closes the connection, and both come to their end.
type feed struct {
	m      *Feeds
	conn   net.Conn
	hello  Hello
	holder *Holder
	ctx    context.Context
	end    context.CancelCauseFunc

	reader atomic.Pointer[Reader] // set by resume, or by the transfer while it has the feed
	sent   chan error             // the transfer gives the feed back
	acked  chan struct{}          // closed by listen at the first acknowledgement
	state  atomic.Pointer[FeedState]
	heard  atomic.Int64 // unix nanoseconds of the last bytes from the replica

	mu    sync.Mutex // held while a keepalive is written
	taken bool       // a transfer writes to the connection
	over  bool       // it must not any more
}

func newFeed(m *Feeds, conn net.Conn, hello Hello) *feed {
	f := &feed{m: m, conn: conn, hello: hello, sent: make(chan error, 1), acked: make(chan struct{})}
	f.ctx, f.end = context.WithCancelCause(m.ctx)
	f.setState(FeedWait)
	f.heard.Store(time.Now().UnixNano())
	return f
}

// behind is how many bytes of the stream are kept for this replica.
func (f *feed) behind(written uint64) uint64 {
	if r := f.reader.Load(); r != nil && f.ctx.Err() == nil {
		return written - min(r.Pos(), written)
	}
	return 0
}

func (f *feed) setState(s FeedState) { f.state.Store(&s) }

func (f *feed) info(end uint64) ReplicaInfo {
	ip, port := f.hello.announced(f.conn.RemoteAddr())
	return ReplicaInfo{
		IP: ip, Port: port, State: *f.state.Load(), Offset: f.holder.Acked(),
		Lag:    time.Since(time.Unix(0, f.heard.Load())),
		Native: f.hello.Native, RunID: f.hello.RunID, Incarnation: f.hello.Incarnation,
		Client: f.hello.Client, Behind: f.behind(end), End: func() { f.end(errKilled) },
	}
}

// timedOut says in Redis's words, which are looked for, that repl-timeout is over.
func (f *feed) timedOut() {
	phase := "full"
	if *f.state.Load() == FeedOnline {
		phase = "streaming"
	}
	f.m.cfg.Log.Warn("Disconnecting timedout replica (" + phase + " sync): " + f.name())
}

// name is how the log calls the replica.
func (f *feed) name() string {
	ip, port := f.hello.announced(f.conn.RemoteAddr())
	return net.JoinHostPort(ip, strconv.Itoa(port))
}

// run is the life of a replica's connection.
func (f *feed) run(unread []byte, q Request) {
	f.m.cfg.Log.Info("Replica " + f.name() + " asks for synchronization")
	stop := context.AfterFunc(f.ctx, func() { f.conn.Close() })
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		f.end(f.listen(unread))
	}()
	err := f.serve(q)
	f.end(err)
	stop()
	f.conn.Close()
	<-listening
	if r := f.reader.Load(); r != nil {
		r.Close()
	}
	f.m.remove(f)
	f.m.cfg.Log.Warn("Connection with replica "+f.name()+" lost.", "error", context.Cause(f.ctx))
}

func (f *feed) serve(q Request) error {
	ok, why := f.resume(q)
	if ok {
		f.m.partialOK.Add(1)
		return f.stream()
	}
	if q.ID != "" && q.ID != "?" {
		f.m.partialErr.Add(1)
	}
	f.m.full.Add(1)
	f.m.cfg.Log.Info("Partial resynchronization not possible: "+why, "replica", f.name())
	if err := f.fullResync(); err != nil {
		return err
	}
	if f.hello.Once {
		f.setState(FeedSent)
		f.m.cfg.Log.Info("RDB transfer completed, rdb only replica (" + f.name() + ") should be disconnected asap")
		<-f.ctx.Done() // it closes the connection, or is silent for too long
		return context.Cause(f.ctx)
	}
	if f.hello.EOF {
		// It looks for the end mark at the end of what it read; nothing may
		// follow before it says that it found it.
		select {
		case <-f.acked:
		case <-f.ctx.Done():
			return context.Cause(f.ctx)
		}
	}
	f.m.cfg.Log.Info("Synchronization with replica " + f.name() + " succeeded")
	return f.stream()
}

// resume lets the replica continue from where it is, or says why it cannot.
func (f *feed) resume(q Request) (ok bool, why string) {
	s := f.m.cfg.Stream
	for f.ctx.Err() == nil {
		h := s.History()
		first, end := s.log.Window()
		if ok, why := h.Match(q, first, end); !ok {
			return false, why
		}
		r := s.log.Reader(q.Pos, f.end)
		if r != nil && s.History() == h {
			f.reader.Store(r)
			f.m.cfg.Log.Info(fmt.Sprintf("Partial resynchronization request from %s accepted. Sending %d bytes of backlog starting from offset %d.",
				f.name(), end-q.Pos, q.Pos+1))
			return f.continueReply(h.ID) == nil, "it disconnected"
		}
		// The history changed, or the window moved on, since it was looked at.
		if r != nil {
			r.Close()
		}
	}
	return false, "it disconnected"
}

func (f *feed) continueReply(id string) error {
	reply := "+CONTINUE"
	if f.hello.PSYNC {
		reply += " " + id
	}
	return f.write([]byte(reply + "\r\n"))
}

// stream sends what the backlog has, and waits for more, until the end.
func (f *feed) stream() error {
	f.setState(FeedOnline)
	var renewed time.Time
	r := f.reader.Load()
	for {
		p := r.Next()
		if len(p) == 0 {
			if err := r.Wait(f.ctx); err != nil {
				return err
			}
			continue
		}
		if now := time.Now(); now.Sub(renewed) > keepalivePeriod {
			renewed = now
			_ = f.conn.SetWriteDeadline(now.Add(f.m.cfg.Timeout() + keepalivePeriod))
		}
		n, err := f.conn.Write(p)
		r.Advance(n)
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				f.timedOut()
			}
			return err
		}
	}
}

// write sends p within the timeout.
func (f *feed) write(p []byte) error {
	_ = f.conn.SetWriteDeadline(time.Now().Add(f.m.cfg.Timeout()))
	_, err := f.conn.Write(p)
	return err
}

// listen reads acknowledgements until the connection ends and returns why it
// did. Newlines keep the connection alive while a replica loads.
func (f *feed) listen(unread []byte) error {
	var req resp.Requests
	buf := append(make([]byte, 0, 1<<10), unread...)
	for {
		args, n, err := req.Next(buf)
		if err != nil {
			return err
		}
		if n > 0 {
			if err := f.heed(args); err != nil {
				return err
			}
			buf = buf[:copy(buf, buf[n:])]
			continue
		}
		if len(buf) == cap(buf) {
			if len(buf) > resp.MaxInline {
				return errors.New("the replica sent an oversized request")
			}
			buf = append(buf, make([]byte, len(buf))...)[:len(buf)]
		}
		if !f.hello.Old { // which never says anything
			_ = f.conn.SetReadDeadline(time.Now().Add(f.m.cfg.Timeout()))
		}
		n, err = f.conn.Read(buf[len(buf):cap(buf)])
		switch {
		case n > 0:
		case errors.Is(err, os.ErrDeadlineExceeded):
			f.timedOut()
			return errors.New("timeout: the replica does not acknowledge")
		case err != nil:
			return fmt.Errorf("%w: %w", errReplicaClosed, err)
		}
		buf = buf[:len(buf)+n]
		f.heard.Store(time.Now().UnixNano())
	}
}

// heed takes one request of the replica. Of what it configures, all but ACK is
// without meaning here; whoever asks for anything else is no replica, and would take
// what is streamed for the answer.
func (f *feed) heed(args [][]byte) error {
	switch {
	case len(args) == 0:
		return nil
	case !is(args[0], "replconf"):
		name := "unknown"
		if cmd := command.Find(args); cmd != nil {
			name = cmd.Full
		}
		f.m.cfg.Log.Warn("Replica generated a reply to command '" + name + "', disconnecting it: " + f.name())
		return errNoReplica
	case len(args) < 3, !is(args[1], "ack"):
		return nil
	}
	pos, err := strconv.ParseUint(string(args[2]), 10, 64)
	if err != nil {
		return fmt.Errorf("REPLCONF ACK %q", args[2])
	}
	if end := f.m.cfg.Stream.Published(); pos > end {
		return fmt.Errorf("REPLCONF ACK %d is past the end of the stream, %d", pos, end)
	}
	followed := false
	for i := 3; i+1 < len(args); i += 2 {
		switch {
		case is(args[i], "fack"):
			if durable, err := strconv.ParseUint(string(args[i+1]), 10, 64); err == nil {
				f.holder.Synced(min(durable, pos))
			}
		case is(args[i], "followed"):
			followed = true
		}
	}
	f.holder.Followed(followed)
	f.holder.Ack(pos)
	select {
	case <-f.acked:
	default:
		close(f.acked)
	}
	return nil
}
