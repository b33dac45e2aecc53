package proxy

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"holdfast/election/topology"
)

// busyGroup is a group whose master has plenty of requests of one client.
type busyGroup struct {
	*group
	t           testing.TB
	many, other *conn
	thaw        func() // lets the master go on
}

// startBusy freezes the master, which executes nothing before it is released,
// and gives it plenty to do.
func startBusy(t *testing.T) *busyGroup {
	t.Helper()
	g := &busyGroup{group: startGroup(t, "--event-loops", "1", "--read-policy", "master"), t: t}
	g.many, g.other = connect(t, g.addr), connect(t, g.addr)
	g.many.want("OK", "SET", "first", "1")
	g.a.mu.Lock()
	g.thaw = sync.OnceFunc(g.a.mu.Unlock)
	t.Cleanup(g.thaw)
	for range plentyInFlight {
		g.many.Send("INCR", "n")
	}
	g.flushed(g.many)
	return g
}

// flushed sends what c has to send, and returns once the turn of the loop in
// which the proxy has read it is over: another client's first PING was read in
// that turn or later, and its second one in a later one.
func (g *busyGroup) flushed(c *conn) {
	g.t.Helper()
	if err := c.Flush(c.ctx); err != nil {
		g.t.Fatal(err)
	}
	third := connect(g.t, g.addr)
	third.want("PONG", "PING")
	third.want("PONG", "PING")
}

func (g *busyGroup) executed(request string) bool {
	return slices.Contains(g.a.executed(), request)
}

func TestWhatGathersGoesOutWhenRepliesCome(t *testing.T) {
	g := startBusy(t)
	g.other.Send("SET", "k", "v")
	g.flushed(g.other)
	g.thaw()
	for i := range plentyInFlight {
		if got := g.many.receive(); got != itoa(i+1) {
			t.Fatalf("reply %d: %s", i, got)
		}
	}
	if got := g.other.receive(); got != "OK" {
		t.Error(got)
	}
}

func TestWhatGathersGoesOutWhenItFillsARead(t *testing.T) {
	g := startBusy(t)
	g.a.swallow = true
	g.other.Send("SET", "k", "v")
	g.flushed(g.other)
	large := "SET large " + strings.Repeat("x", oneRead)
	third := connect(t, g.addr)
	third.Send(strings.Fields(large)...)
	g.flushed(third)
	g.thaw()
	eventually(t, "both are executed", func() bool { return g.executed("SET k v") && g.executed(large) })
}

// TestWhatGathersWasNotSent: so it is in no doubt when the link breaks.
func TestWhatGathersWasNotSent(t *testing.T) {
	g := startBusy(t)
	g.a.swallow = true
	g.other.Send("SET", "k", "v")
	g.flushed(g.other)
	g.thaw()
	eventually(t, "the many are executed", func() bool { return len(g.a.executed()) == 1+plentyInFlight })
	g.s.say(1, topology.Failover, g.a, g.b)
	g.a.kill()
	g.promote()
	if got := g.other.receive(); got != "OK" {
		t.Error(got)
	}
	for i := range plentyInFlight {
		if got := g.many.receive(); !strings.HasPrefix(got, "-UNKNOWN outcome of INCR") {
			t.Fatalf("reply %d: %s", i, got)
		}
	}
	if g.executed("SET k v") {
		t.Error("it was sent, with plenty in flight")
	}
}
