package migrate

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"
)

// server answers each connection in turn: every element of a connection's talk is what
// one batch is answered with; behind the last one the connection is closed.
func server(t *testing.T, talks ...[]string) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { ln.Close(); <-done })
	go func() {
		defer close(done)
		for _, talk := range talks {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			for _, replies := range talk {
				if _, err := conn.Read(make([]byte, 4096)); err != nil {
					break
				}
				_, _ = conn.Write([]byte(replies))
			}
			conn.Close()
		}
	}()
	return ln.Addr().String()
}

func batch(addr string) *Batch {
	return &Batch{Addr: addr, DB: "3", Timeout: time.Minute, Requests: [][]string{{"RESTORE", "a"}, {"RESTORE", "b"}}}
}

func TestSend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		talk         []string
		acknowledged []int
		refused      string
		err          error
	}{
		"all":                     {[]string{"+OK\r\n+OK\r\n+OK\r\n"}, []int{0, 1}, "", nil},
		"one is busy":             {[]string{"+OK\r\n-BUSYKEY x\r\n+OK\r\n"}, []int{1}, "BUSYKEY x", nil},
		"SELECT is refused":       {[]string{"-ERR index\r\n+OK\r\n+OK\r\n"}, nil, "ERR index", nil},
		"it closes in the middle": {[]string{"+OK\r\n+OK\r\n"}, []int{0}, "", ErrRead},
	} {
		var targets Targets
		defer targets.Sweep(time.Now().Add(time.Hour))
		a, err := targets.Send(context.Background(), batch(server(t, c.talk)))
		refused := ""
		if a.Refused != nil {
			refused = a.Refused.Error()
		}
		if !slices.Equal(a.Acknowledged, c.acknowledged) || refused != c.refused || !errors.Is(err, c.err) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
		if kept := targets.Len(); kept != 0 && c.err != nil || kept != 1 && c.err == nil {
			t.Errorf("%s: %d connections are kept", name, kept)
		}
	}
}

// A kept connection that the server has closed meanwhile costs nobody an error, and the
// database is not selected again while a connection lasts.
func TestKeptConnection(t *testing.T) {
	t.Parallel()
	var targets Targets
	defer targets.Sweep(time.Now().Add(time.Hour))
	b := batch(server(t, []string{"+OK\r\n+OK\r\n+OK\r\n", "+OK\r\n+OK\r\n"}, []string{"+OK\r\n+OK\r\n+OK\r\n"}))
	for i := range 3 {
		if a, err := targets.Send(context.Background(), b); err != nil || len(a.Acknowledged) != 2 {
			t.Fatalf("batch %d: %+v, %v", i, a, err)
		}
	}
}

func TestEndedNodeConnectsToNobody(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	var targets Targets
	if a, err := targets.Send(gone, batch(server(t))); err != ErrConnect || len(a.Acknowledged) > 0 {
		t.Errorf("%+v, %v", a, err)
	}
}
