package proxy

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"holdfast/backend/netio/freeport"
	"holdfast/conf"
)

// lines is a log that tests read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), what)
}

// A node that refuses the proxy's own user is told of in the log, once; clients with
// a password of theirs are served.
func TestRefusedLoginIsLogged(t *testing.T) {
	r := startRedis(t, "--requirepass", "right")
	addr := freeport.Addr(t)
	_, port, _ := net.SplitHostPort(addr)
	settings, err := conf.New[conf.ProxyConfig]("--bind", "127.0.0.1", "--port", port, "--master", r.addr, "--auth-pass", "wrong")
	if err != nil {
		t.Fatal(err)
	}
	log := new(lines)
	p, err := New(settings.Config(), slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 3 {
		c := connect(t, addr)
		c.want("OK", "AUTH", "right")
		c.want("nil", "GET", "k")
		connect(t, addr).do("GET", "k") // as nobody
	}
	if n := log.count("see auth-user and auth-pass"); n != 1 {
		t.Errorf("%d lines tell of it", n)
	}
}

// A fixed master to which there is no way is told of in the log, once.
func TestUnreachableMasterIsLogged(t *testing.T) {
	master, addr := freeport.Addr(t), freeport.Addr(t)
	_, port, _ := net.SplitHostPort(addr)
	settings, err := conf.New[conf.ProxyConfig]("--bind", "127.0.0.1", "--port", port, "--master", master, "--hold-timeout", "300ms")
	if err != nil {
		t.Fatal(err)
	}
	log := new(lines)
	p, err := New(settings.Config(), slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := connect(t, addr).do("GET", "k"); !strings.Contains(got, "connection refused") { // many attempts later
		t.Errorf("the reply is %q", got)
	}
	if n := log.count("node cannot be reached"); n != 1 {
		t.Errorf("%d lines tell of it", n)
	}
}
