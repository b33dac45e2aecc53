package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	dial "holdfast/backend/client"
	"holdfast/backend/netio/freeport"
	"holdfast/backend/resp"
	"holdfast/conf"
	"holdfast/election/topology"
)

const patience = time.Minute

// eventually waits until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %s: not %s", patience, what)
		}
	}
}

// startProxy runs the production assembly with flags as on a command line.
func startProxy(t testing.TB, flags ...string) (p *Proxy, addr string) {
	t.Helper()
	addr = freeport.Addr(t)
	_, port, _ := net.SplitHostPort(addr)
	settings, err := conf.New[conf.ProxyConfig](append([]string{"--bind", "127.0.0.1", "--port", port}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	out := io.Discard
	if testing.Verbose() {
		out = os.Stderr
	}
	p, err = New(settings.Config(), slog.New(slog.NewTextHandler(out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, addr
}

// conn is a connection of an application.
type conn struct {
	*dial.Conn
	t   testing.TB
	ctx context.Context
}

func connect(t testing.TB, addr string) *conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	t.Cleanup(cancel)
	c, err := dial.Dial(ctx, addr, dial.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &conn{c, t, ctx}
}

// do returns the reply as text: errors with their '-', arrays in brackets.
func (c *conn) do(args ...string) string {
	c.t.Helper()
	c.Send(args...)
	return c.receive()
}

func (c *conn) receive() string {
	c.t.Helper()
	v, err := c.Receive(c.ctx)
	if err != nil && v.Err() == nil {
		c.t.Fatal(err)
	}
	return text(v)
}

func (c *conn) want(want string, args ...string) {
	c.t.Helper()
	if got := c.do(args...); got != want {
		c.t.Errorf("%s: got %q, want %q", strings.Join(args, " "), got, want)
	}
}

func text(v resp.Value) string {
	switch {
	case v.Err() != nil:
		return "-" + v.Text
	case v.Null:
		return "nil"
	case v.Kind == ':':
		return fmt.Sprint(v.Int)
	case v.Elems != nil || strings.ContainsRune("*%~>", rune(v.Kind)):
		var all []string
		for _, e := range v.Elems {
			all = append(all, text(e))
		}
		return "[" + strings.Join(all, " ") + "]"
	}
	return v.Text
}

// redisServer is a redis-server of Debian.
type redisServer struct {
	addr string
	args []string
	dir  string
	cmd  *exec.Cmd
}

func startRedis(t testing.TB, args ...string) *redisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if strings.Contains(os.Getenv("HOLDFAST_REQUIRE"), "redis") {
			t.Fatal("redis-server is required")
		}
		t.Skip("redis-server is not installed")
	}
	r := &redisServer{addr: freeport.Addr(t), args: args, dir: t.TempDir()}
	r.start(t)
	t.Cleanup(r.kill)
	return r
}

func (r *redisServer) start(t testing.TB) {
	t.Helper()
	host, port, _ := net.SplitHostPort(r.addr)
	args := append([]string{"--bind", host, "--port", port, "--save", "", "--dir", r.dir, "--repl-diskless-sync-delay", "0"}, r.args...)
	r.cmd = exec.Command("redis-server", args...)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "redis-server answering", func() bool {
		c, err := net.Dial("tcp", r.addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// stop freezes it until goOn.
func (r *redisServer) stop(t testing.TB) { r.signal(t, syscall.SIGSTOP) }
func (r *redisServer) goOn(t testing.TB) { r.signal(t, syscall.SIGCONT) }

func (r *redisServer) signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (r *redisServer) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// fakeSentinel speaks HOLDFAST WATCH.
type fakeSentinel struct {
	addr    string
	mu      sync.Mutex
	current *topology.Topology
	changed chan struct{}
}

func startSentinel(t testing.TB) *fakeSentinel {
	t.Helper()
	ln, err := net.Listen("tcp", freeport.Addr(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &fakeSentinel{addr: ln.Addr().String(), changed: make(chan struct{})}
	done := make(chan struct{})
	t.Cleanup(func() { close(done); ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go s.serve(c, done)
		}
	}()
	return s
}

func (s *fakeSentinel) serve(c net.Conn, done chan struct{}) {
	defer c.Close()
	if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
		return
	}
	for {
		s.mu.Lock()
		t, changed := s.current, s.changed
		s.mu.Unlock()
		if t != nil {
			if _, err := c.Write(resp.AppendBulk(nil, t.Marshal())); err != nil {
				return
			}
		}
		select {
		case <-changed:
		case <-time.After(time.Second):
		case <-done:
			return
		}
	}
}

// say publishes a topology of the given nodes.
func (s *fakeSentinel) say(epoch uint64, phase topology.Phase, master *fakeNode, replicas ...*fakeNode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	version := uint64(1)
	if s.current != nil {
		version = s.current.Version + 1
	}
	t := &topology.Topology{Group: "g", Epoch: epoch, Version: version, Phase: phase}
	if master != nil {
		t.Master = topology.Node{Addr: master.addr, RunID: master.runID, Up: true}
	}
	for _, r := range replicas {
		t.Replicas = append(t.Replicas, topology.Node{Addr: r.addr, RunID: r.runID, Up: true})
	}
	s.current = t
	close(s.changed)
	s.changed = make(chan struct{})
}

func hostPort(addr string) (host, port string) {
	host, port, _ = net.SplitHostPort(addr)
	return host, port
}
