package backend_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"holdfast/backend/netio/freeport"
)

// TestMain holds that nothing is left running, but for the pool that gnet makes
// when it is linked.
func TestMain(m *testing.M) {
	const pool = "github.com/panjf2000/ants/v2.(*poolCommon)."
	const idle = "github.com/panjf2000/ants/v2.(*goWorker).run.func1" // at work it would have another function on top
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction(pool+"purgeStaleWorkers"), goleak.IgnoreTopFunction(pool+"ticktock"),
		goleak.IgnoreTopFunction(idle))
}

// wire is a connection that sends and expects exact bytes.
type wire struct {
	net.Conn
	t *testing.T
}

func (p *process) wire() *wire {
	p.t.Helper()
	conn, err := net.DialTimeout("tcp", p.addr(), patience)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &wire{conn, p.t}
}

func (w *wire) send(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.t.Fatal(err)
	}
}

// command sends inline requests, one a line.
func (w *wire) command(lines ...string) {
	w.t.Helper()
	w.send(strings.Join(lines, "\r\n") + "\r\n")
}

func (w *wire) expect(want string) {
	w.t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(w, got)
	if err != nil || string(got) != want {
		w.t.Fatalf("got %q (%v), want %q", got[:n], err, want)
	}
}

// silent makes sure that nothing comes for a moment.
func (w *wire) silent() {
	w.t.Helper()
	_ = w.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	var b [64]byte
	if n, err := w.Read(b[:]); n > 0 || !os.IsTimeout(err) {
		w.t.Fatalf("got %q (%v), want silence", b[:n], err)
	}
	_ = w.SetReadDeadline(time.Now().Add(patience))
}

// ended makes sure that the other side closes the connection.
func (w *wire) ended() {
	w.t.Helper()
	rest, err := io.ReadAll(w)
	if len(rest) > 0 || err != nil && os.IsTimeout(err) {
		w.t.Fatalf("got %q (%v), want the connection's end", rest, err)
	}
}

// redisServer starts the redis-server on PATH and returns its port.
func redisServer(t *testing.T, args ...string) int {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if strings.Contains(os.Getenv("HOLDFAST_REQUIRE"), "redis") {
			t.Fatal("HOLDFAST_REQUIRE asks for redis-server, and it is not installed")
		}
		t.Skip("redis-server is not installed")
	}
	port := freeport.Port(t)
	cmd := exec.Command(path, append([]string{"--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--dir", t.TempDir(),
		"--save", "", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", "--enable-debug-command", "yes"}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return port
}

// redis is a redis-server that is talked to like a node.
func redis(t *testing.T, args ...string) *process {
	p := &process{t: t, port: redisServer(t, args...)}
	p.data = p.dial(p.port)
	return p
}

func (p *process) follows(m *process) {
	p.t.Helper()
	p.must(fmt.Sprintf("REPLICAOF 127.0.0.1 %d", m.port))
	p.inSync()
}

func (p *process) inSync() {
	p.t.Helper()
	await(p.t, "the replica is in sync", func() bool {
		return strings.Contains(p.must("INFO replication").Text, "master_link_status:up")
	})
}

// equal waits until two servers hold the same data.
func equal(t *testing.T, a, b *process) {
	t.Helper()
	await(t, "the data sets are equal", func() bool { return a.must("DEBUG DIGEST").Text == b.must("DEBUG DIGEST").Text })
}
