package proxy

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

// A proxy that is told to stop answers what it was asked before it goes, closes
// idle clients and lets nobody new in.
func TestStoppingAnswersWhatIsUnderWay(t *testing.T) {
	r := startRedis(t)
	p, addr := startProxy(t, "--master", r.addr, "--drain-timeout", "60s")
	idle, waiting := connect(t, addr), connect(t, addr)
	idle.want("OK", "SET", "k", "v")
	waiting.Send("BLPOP", "list", "0")
	if err := waiting.Flush(waiting.ctx); err != nil {
		t.Fatal(err)
	}
	direct := connect(t, r.addr)
	blocked := func() bool { return strings.Contains(direct.do("INFO", "clients"), "blocked_clients:1") }
	eventually(t, "blocked", blocked)

	stop, told := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.serve(stop) }()
	told()
	if v, err := idle.Receive(idle.ctx); err == nil {
		t.Errorf("an idle client of a proxy that stops got %v", v)
	}
	eventually(t, "closed to new clients", func() bool {
		nc, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			nc.Close()
		}
		return err != nil
	})
	direct.want("1", "RPUSH", "list", "x")
	if got := waiting.receive(); got != "[list x]" {
		t.Errorf("the request that was under way got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A client that waits for longer than that does not keep a proxy from stopping.
func TestStoppingEndsWithDrainTimeout(t *testing.T) {
	r := startRedis(t)
	p, addr := startProxy(t, "--master", r.addr, "--drain-timeout", "50ms")
	c, direct := connect(t, addr), connect(t, r.addr)
	c.Send("BLPOP", "list", "0")
	if err := c.Flush(c.ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "blocked", func() bool { return strings.Contains(direct.do("INFO", "clients"), "blocked_clients:1") })
	stop, told := context.WithCancel(context.Background())
	told()
	if err := p.serve(stop); err != nil {
		t.Error(err)
	}
	if v, err := c.Receive(c.ctx); err == nil {
		t.Errorf("the client got %v", v)
	}
}
