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
	waiting.want("OK", "SET", "k", "v")
	r.stop(t)
	waiting.Send("SET", "k", "w")
	waiting.flush()
	eventually(t, "under way", func() bool { return inFlight(p) == 1 })

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
	r.goOn(t)
	if got := waiting.receive(); got != "OK" {
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
	c := connect(t, addr)
	c.want("OK", "SET", "k", "v")
	r.stop(t)
	c.Send("SET", "k", "w")
	c.flush()
	eventually(t, "under way", func() bool { return inFlight(p) == 1 })
	stop, told := context.WithCancel(context.Background())
	told()
	if err := p.serve(stop); err != nil {
		t.Error(err)
	}
	if v, err := c.Receive(c.ctx); err == nil {
		t.Errorf("the client got %v", v)
	}
}

// A blocked client is let go, and what comes later is not popped on its behalf. One
// that has asked for more behind it hears that it was unblocked, and gets the rest.
func TestStoppingLetsBlockedClientsGo(t *testing.T) {
	r := startRedis(t)
	p, addr := startProxy(t, "--master", r.addr, "--drain-timeout", "5m")
	direct, first, second, third := connect(t, r.addr), connect(t, addr), connect(t, addr), connect(t, addr)
	first.Send("BLPOP", "list", "0")
	second.Send("WAIT", "1", "0")
	third.Send("BZPOPMIN", "zset", "0")
	third.Send("SET", "behind", "it")
	for _, c := range []*conn{first, second, third} {
		c.flush()
	}
	eventually(t, "blocked", func() bool { return strings.Contains(direct.do("INFO", "clients"), "blocked_clients:3") })
	stop, told := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.serve(stop) }()
	told()
	for _, c := range []*conn{first, second} {
		if v, err := c.Receive(c.ctx); err == nil || v.Err() != nil {
			t.Errorf("a blocked client got %v", v)
		}
	}
	if got := third.receive(); !strings.HasPrefix(got, "-UNBLOCKED ") {
		t.Errorf("who asked for more got %q", got)
	}
	if got := third.receive(); got != "OK" {
		t.Errorf("what it asked for got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	direct.want("1", "RPUSH", "list", "x")
	direct.want("1", "LLEN", "list")
}

// inFlight counts the requests to masters that wait for their replies.
func inFlight(p *Proxy) (count int) {
	for _, l := range p.allLoops() {
		n := make(chan int, 1)
		l.io.Post(func() {
			sum := 0
			for _, s := range l.sets {
				sum += s.master.q.inFlight()
			}
			n <- sum
		})
		count += <-n
	}
	return count
}
