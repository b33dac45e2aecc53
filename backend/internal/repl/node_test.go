package repl

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"holdfast/backend/resp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testNode is a node whose data is the list of the commands it executed, and
// whose snapshots are that list.
type testNode struct {
	t       *testing.T
	runID   string
	ln      net.Listener
	stream  *Stream
	confirm *Confirm
	feeds   *Feeds
	conns   sync.WaitGroup

	mu        sync.Mutex // the engine lock
	data      []string
	applied   int // batches
	snapshots int
	continued int
	loads     int
	discarded int

	load func(Sync) error // refuses a full resync
	slow chan struct{}    // when not nil, a snapshot waits for it before it begins to send
	huge int              // bytes that snapshots are padded with
}

func newNode(t *testing.T) *testNode {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &testNode{t: t, runID: NewID(), ln: ln, stream: NewStream(DefaultBacklog), confirm: NewConfirm(nil)}
	n.confirm.Standalone(1)
	n.feeds = NewFeeds(FeedsConfig{Stream: n.stream, Confirm: n.confirm, Source: n, Dir: t.TempDir(),
		Timeout: func() time.Duration { return time.Minute }, Log: quiet()})
	n.conns.Go(n.accept)
	t.Cleanup(func() {
		ln.Close()
		n.feeds.Close()
		n.conns.Wait()
	})
	return n
}

func quiet() *slog.Logger {
	if os.Getenv("REPL_LOG") != "" {
		return slog.Default()
	}
	return slog.New(slog.DiscardHandler)
}

func (n *testNode) addr() string { return n.ln.Addr().String() }

func (n *testNode) accept() {
	for {
		conn, err := n.ln.Accept()
		if err != nil {
			return
		}
		n.conns.Go(func() { n.session(conn) })
	}
}

// session is what a node does with a connection until it asks for PSYNC.
func (n *testNode) session(conn net.Conn) {
	var req resp.Requests
	var hello Hello
	var buf []byte
	chunk := make([]byte, 4096)
	for {
		args, size, err := req.Next(buf)
		if err != nil {
			conn.Close()
			return
		}
		if size == 0 {
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			k, err := conn.Read(chunk)
			if err != nil {
				conn.Close()
				return
			}
			buf = append(buf, chunk[:k]...)
			continue
		}
		var out []byte
		switch strings.ToLower(string(args[0])) {
		case "ping":
			out = resp.AppendSimple(nil, "PONG")
		case "replconf":
			out = hello.Replconf(nil, args, n.runID, n.stream.History())
		case "psync", "sync":
			q := Request{ID: "?"}
			if hello.Old = len(args) == 1; !hello.Old {
				q, _ = hello.Request(args[1], args[2])
			}
			n.mu.Lock()
			n.stream.Activate()
			n.mu.Unlock()
			n.feeds.Serve(conn, append([]byte{}, buf[size:]...), hello, q)
			return
		default:
			out = resp.AppendError(nil, "ERR unknown command")
		}
		buf = buf[size:]
		if _, err := conn.Write(out); err != nil {
			conn.Close()
			return
		}
	}
}

// write executes commands as a client's.
func (n *testNode) write(lines ...string) uint64 {
	n.mu.Lock()
	for _, l := range lines {
		n.data = append(n.data, l)
		n.stream.Append(0, words(l))
	}
	n.stream.Publish()
	pos := n.stream.Offset()
	n.mu.Unlock()
	n.stream.Wake()
	return pos
}

func (n *testNode) lines() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.data)
}

func (n *testNode) offset() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stream.Offset()
}

func (n *testNode) count(of *int) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return *of
}

func (n *testNode) Snapshot(ctx context.Context, part Part, begin func() Cut, w io.Writer) error {
	n.mu.Lock()
	cut := begin()
	if part != Whole {
		n.mu.Unlock()
		_, err := fmt.Fprint(w, "part ", int(part))
		return err
	}
	text := fmt.Sprintf("%d %d\n%s", cut.DB, cut.Epoch, strings.Join(n.data, "\n"))
	n.snapshots++
	n.mu.Unlock()
	if n.slow != nil {
		select {
		case <-n.slow:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for p := []byte(text + strings.Repeat(" ", n.huge)); len(p) > 0; {
		k := min(len(p), 10000)
		if _, err := w.Write(p[:k]); err != nil {
			return err
		}
		p = p[k:]
	}
	return nil
}

func (n *testNode) Position() Position {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stream.Position()
}

func (n *testNode) StepBack(context.Context, Master) error { return nil }

func (n *testNode) Continue(_ Master, id string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.continued++
	if n.stream.Continue(id) {
		n.feeds.DropAll("my master's replication id changed")
	}
	return nil
}

func (n *testNode) Load(_ context.Context, s Sync, rdb io.Reader) (Loaded, error) {
	n.mu.Lock()
	n.loads++
	load := n.load
	n.mu.Unlock()
	if load != nil {
		if err := load(s); err != nil {
			return Loaded{}, err
		}
	}
	text, err := io.ReadAll(rdb)
	if err != nil {
		return Loaded{}, err
	}
	return Loaded{
		Adopt:   func() error { return n.adopt(s, text) },
		Discard: func() { n.mu.Lock(); n.discarded++; n.mu.Unlock() },
	}, nil
}

func (n *testNode) adopt(s Sync, text []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var db int
	var epoch uint64
	head, body, _ := strings.Cut(strings.TrimRight(string(text), " "), "\n")
	if !bytes.HasPrefix(text, []byte("REDIS")) {
		if _, err := fmt.Sscan(head, &db, &epoch); err != nil {
			return err
		}
		n.data = nil
		if body != "" {
			n.data = strings.Split(body, "\n")
		}
	}
	n.stream.Reset(NewHistory(s.ID, epoch, s.Offset), s.Offset, db)
	n.stream.Follow()
	n.feeds.DropAll("full resynchronization")
	return nil
}

func (n *testNode) Durable() (pos uint64, ok, must bool) { return 0, false, false }
func (n *testNode) Followed() bool                       { return false }

func (n *testNode) Apply(b *Batch) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.applied++
	for _, c := range b.Commands {
		n.data = append(n.data, string(bytes.Join(c.Args, []byte(" "))))
	}
	n.stream.Relay(b)
	n.stream.Publish()
	n.stream.Wake()
	return nil
}

// follow makes n a replica of addr.
func (n *testNode) follow(addr string) *Link {
	n.mu.Lock()
	n.stream.Follow()
	n.mu.Unlock()
	_, port, _ := net.SplitHostPort(n.addr())
	var p int
	fmt.Sscan(port, &p)
	l := StartLink(LinkConfig{Addr: addr, Follower: n, Announce: func() (string, int) { return "", p }, RunID: n.runID, Incarnation: n.runID,
		Timeout: func() time.Duration { return time.Minute }, RetryMin: time.Millisecond, RetryMax: 20 * time.Millisecond, Log: quiet()})
	n.t.Cleanup(func() { stop(n.t, l) })
	return l
}

func (n *testNode) promote(epoch uint64) {
	n.mu.Lock()
	n.stream.Lead()
	n.stream.Epoch(epoch, n.runID)
	n.stream.Publish()
	n.mu.Unlock()
	n.feeds.DropAll("promoted")
}

func stop(t *testing.T, l *Link) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := l.Stop(ctx); err != nil {
		t.Fatalf("the link did not stop: %v", err)
	}
	select {
	case <-l.Done():
	case <-ctx.Done():
		t.Fatal("the link's goroutine did not end")
	}
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// same waits until b has what a has.
func same(t *testing.T, a, b *testNode) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for a.offset() != b.offset() || !slices.Equal(a.lines(), b.lines()) {
		if time.Now().After(deadline) {
			t.Fatalf("offsets %d and %d, %d and %d commands", a.offset(), b.offset(), len(a.lines()), len(b.lines()))
		}
		time.Sleep(time.Millisecond)
	}
}
