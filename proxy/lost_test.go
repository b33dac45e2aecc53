package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/election/topology"
)

// lines are what a node has executed of some commands.
func (n *fakeNode) lines(names ...string) (all []string) {
	for _, line := range n.executed() {
		name, _, _ := strings.Cut(line, " ")
		if slices.Contains(names, name) {
			all = append(all, line)
		}
	}
	return all
}

// What was in flight when the master died, the next one knows: what took effect is
// answered as it was, and the rest is executed, in its order.
func TestInFlightRequestsTakeEffectOnce(t *testing.T) {
	g := startGroup(t, "--read-policy", "master")
	c, other := connect(t, g.addr), connect(t, g.addr)
	c.want("1", "INCR", "n")
	other.want("1", "INCR", "m")
	g.a.set(func() { g.a.swallow = true })
	for _, request := range []string{"INCR n", "GET n", "SET large v", "MULTI", "INCR n", "GET n", "EXEC"} {
		c.Send(strings.Fields(request)...)
	}
	c.flush()
	eventually(t, "executed", func() bool { return len(g.a.executed()) == 7 })
	g.b.takesOver(g.a)
	g.b.set(func() { // it has not got the transaction, and kept no reply to SET
		g.b.data["n"] = "2"
		for _, replies := range g.b.links {
			for seq, reply := range replies {
				switch {
				case reply == "+OK\r\n":
					replies[seq] = ""
				case reply[0] == '*':
					delete(replies, seq)
				}
			}
		}
	})
	g.s.say(1, topology.Failover, g.a, g.b)
	g.a.kill()
	other.Send("INCR", "m")
	other.flush()
	g.promote()
	for i, want := range []string{"2", "2", "-APPLIED reply lost: SET was executed", "OK", "QUEUED", "QUEUED", "[3 3]"} {
		if got := c.receive(); !strings.HasPrefix(got, want) {
			t.Errorf("reply %d: got %q, want %q…", i, got, want)
		}
	}
	if got := other.receive(); got != "2" {
		t.Error(got)
	}
	if got, want := g.b.lines("INCR", "SET"), []string{"INCR n", "INCR m"}; !slices.Equal(got, want) {
		t.Errorf("the next master has executed %q, want %q", got, want)
	}
	if s := g.p.gather(); s.resolved != 2 || s.unknown != 0 {
		t.Errorf("%d resolved, %d unknown", s.resolved, s.unknown)
	}
}

// A connection that breaks costs nothing: the same master is asked.
func TestCutConnectionLosesNothing(t *testing.T) {
	g := startGroup(t)
	c := connect(t, g.addr)
	c.want("1", "INCR", "n")
	g.a.set(func() { g.a.swallow = true })
	c.Send("INCR", "n")
	c.flush()
	eventually(t, "executed", func() bool { return len(g.a.executed()) == 2 })
	g.a.set(func() { g.a.swallow = false })
	g.a.cut()
	if got := c.receive(); got != "2" {
		t.Error(got)
	}
	c.want("3", "INCR", "n")
}

// A read, or a write that changed nothing, must not be repeated where it could see what
// its client wrote behind it, and what took effect; where that did not, it may be.
func TestRepeatedRequestsSeeNothingOfLaterOnes(t *testing.T) {
	for _, applied := range []bool{true, false} {
		g := startGroup(t, "--read-policy", "master")
		c := connect(t, g.addr)
		c.want("OK", "SET", "k", "1")
		g.a.set(func() { g.a.swallow = true })
		for _, request := range []string{"GET k", "SETNX k 9", "GET other", "SET k 2", "GET k"} {
			c.Send(strings.Fields(request)...)
		}
		c.flush()
		eventually(t, "executed", func() bool { return len(g.a.executed()) == 6 })
		g.b.takesOver(g.a)
		want := []string{"-UNKNOWN outcome of GET", "-UNKNOWN outcome of SETNX", "nil", "OK", "2"}
		if !applied {
			g.b.set(func() {
				g.b.data["k"] = "1"
				for _, replies := range g.b.links {
					clear(replies)
				}
			})
			want = []string{"1", "-ERR", "nil", "OK", "2"} // the node knows no SETNX
		}
		g.s.say(1, topology.Failover, g.a, g.b)
		g.a.kill()
		g.promote()
		for i, want := range want {
			if got := c.receive(); !strings.HasPrefix(got, want) {
				t.Errorf("applied %v: reply %d: got %q, want %q…", applied, i, got, want)
			}
		}
	}
}

// What does more than to change data is not repeated: a message may have been heard.
func TestMessageIsNotRepeated(t *testing.T) {
	g := startGroup(t)
	c := connect(t, g.addr)
	c.want("OK", "SET", "k", "1")
	g.a.set(func() { g.a.swallow = true })
	c.Send("PUBLISH", "ch", "m")
	c.flush()
	eventually(t, "executed", func() bool { return len(g.a.executed()) == 2 })
	g.b.takesOver(g.a)
	g.s.say(1, topology.Failover, g.a, g.b)
	g.a.kill()
	g.promote()
	if got := c.receive(); !strings.HasPrefix(got, "-UNKNOWN outcome of PUBLISH") {
		t.Error(got)
	}
}

// No more may be in flight than the node keeps replies of.
func TestWindowOfALink(t *testing.T) {
	g := startGroup(t, "--client-max-pipeline", "10000")
	c := connect(t, g.addr)
	c.want("1", "INCR", "n")
	g.a.set(func() { g.a.swallow = true })
	for range 5000 {
		c.Send("INCR", "n")
	}
	c.flush()
	eventually(t, "the window is full", func() bool { return len(g.a.executed()) == 1+4096 })
	g.b.takesOver(g.a)
	g.s.say(1, topology.Failover, g.a, g.b)
	g.a.kill()
	g.promote()
	for i := range 5000 {
		if got := c.receive(); got != itoa(i+2) {
			t.Fatalf("reply %d: %s", i, got)
		}
	}
	if got := len(g.b.executed()); got != 5000-4096 {
		t.Errorf("the next master has executed %d requests", got)
	}
}

// What a client was popped when its connection broke, the next master knows. Where
// nothing was, the client waits on.
func TestBlockingPopTakesEffectOnce(t *testing.T) {
	g := startGroup(t)
	served, waits := connect(t, g.addr), connect(t, g.addr)
	g.a.set(func() { g.a.data["first"] = "f" })
	waits.want("[first f]", "BLPOP", "first", "0")
	waits.Send("BLPOP", "q", "0")
	waits.flush()
	eventually(t, "one is blocked", func() bool { return len(g.a.lines("BLPOP")) == 2 })
	g.a.set(func() { g.a.swallow, g.a.data["full"] = true, "x" })
	served.Send("BLPOP", "full", "0")
	served.flush()
	eventually(t, "the other is served", func() bool { return len(g.a.lines("BLPOP")) == 3 })
	g.b.takesOver(g.a)
	g.b.set(func() { g.b.data["q"] = "y" })
	g.s.say(1, topology.Failover, g.a, g.b)
	g.a.kill()
	g.promote()
	if got := served.receive(); got != "[full x]" {
		t.Errorf("who was served got %q", got)
	}
	if got := waits.receive(); got != "[q y]" {
		t.Errorf("who waited got %q", got)
	}
	if got, want := g.b.lines("BLPOP"), []string{"BLPOP q 0"}; !slices.Equal(got, want) {
		t.Errorf("the next master got %q, want %q", got, want)
	}
}

// An EXEC behind WATCH that was executed is answered so, and one that was not has failed.
func TestWatchedTransactionInFlight(t *testing.T) {
	for _, applied := range []bool{true, false} {
		g := startGroup(t)
		c := connect(t, g.addr)
		c.want("OK", "WATCH", "k")
		c.want("OK", "MULTI")
		c.want("QUEUED", "INCR", "k")
		g.a.set(func() { g.a.swallow = true })
		c.Send("EXEC")
		c.flush()
		eventually(t, "executed", func() bool { return len(g.a.lines("INCR")) == 1 })
		g.b.takesOver(g.a)
		want := "[1]"
		if !applied {
			want = "nil"
			g.b.set(func() { g.b.data, g.b.links = map[string]string{}, map[string]map[uint64]string{} })
		}
		g.s.say(1, topology.Failover, g.a, g.b)
		g.a.kill()
		g.promote()
		if got := c.receive(); got != want {
			t.Errorf("applied %v: got %q, want %q", applied, got, want)
		}
		if got := g.b.lines("INCR"); len(got) > 0 {
			t.Errorf("the next master has executed %q", got)
		}
	}
}

// Nobody can say what became of a pop that was sent to a plain Redis: the client is
// told so, once, and nothing is popped again on its behalf. What changes nothing is
// issued again.
func TestLostPopAtAPlainNodeIsUnknown(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	direct := connect(t, r.addr)
	blocked := func(n int) func() bool {
		return func() bool {
			return strings.Contains(direct.do("INFO", "clients"), fmt.Sprintf("blocked_clients:%d\r", n))
		}
	}
	cut := func() { direct.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") }
	for i, request := range []string{
		"BLPOP q 0", "BRPOP q 0", "BLMOVE q p LEFT LEFT 0", "BRPOPLPUSH q p 0", "BLMPOP 0 1 q LEFT",
		"BZPOPMIN z 0", "BZPOPMAX z 0", "BZMPOP 0 1 z MIN",
	} {
		c := connect(t, addr)
		c.Send(strings.Fields(request)...)
		c.flush()
		eventually(t, "blocked", blocked(1))
		cut()
		if got, want := c.receive(), "-UNKNOWN outcome of "+strings.Fields(request)[0]; !strings.HasPrefix(got, want) {
			t.Errorf("%d: %s: got %q", i, request, got)
		}
		eventually(t, "it does not wait any more", blocked(0))
		c.want("OK", "SET", "k", "1")
	}
	c := connect(t, addr)
	direct.want("1-1", "XADD", "s", "1-1", "f", "v")
	direct.want("OK", "XGROUP", "CREATE", "s", "g", "$")
	c.Send("XREADGROUP", "GROUP", "g", "me", "BLOCK", "0", "STREAMS", "s", ">")
	c.flush()
	eventually(t, "blocked", blocked(1))
	cut()
	if got := c.receive(); !strings.HasPrefix(got, "-UNKNOWN outcome of XREADGROUP") {
		t.Error(got)
	}
	c.Send("XREAD", "BLOCK", "0", "STREAMS", "s", "$")
	c.flush()
	eventually(t, "blocked", blocked(1))
	cut()
	eventually(t, "it waits again", blocked(1))
	direct.want("2-1", "XADD", "s", "2-1", "f", "v")
	if got := c.receive(); got != "[[s [[2-1 [f v]]]]]" {
		t.Error(got)
	}
}

// A pop whose outcome no master can tell in time is unknown, not unapplied.
func TestHeldPopThatWasSentIsUnknown(t *testing.T) {
	g := startGroup(t, "--hold-timeout", "300")
	c := connect(t, g.addr)
	g.a.set(func() { g.a.data["first"] = "f" })
	// The hold is so short that a slow machine may not have connected in time.
	eventually(t, "connected", func() bool { return c.do("BLPOP", "first", "0") == "[first f]" })
	c.Send("BLPOP", "q", "0")
	c.flush()
	eventually(t, "blocked", func() bool { return slices.Contains(g.a.lines("BLPOP"), "BLPOP q 0") })
	g.s.say(1, topology.Failover, g.a, g.b)
	g.a.kill()
	if got := c.receive(); !strings.HasPrefix(got, "-UNKNOWN outcome of BLPOP") {
		t.Error(got)
	}
}

// Behind a native master a plain Redis may come, which cannot be asked.
func TestLostPopIsNotRepeatedAtAPlainSuccessor(t *testing.T) {
	g := startGroup(t)
	c := connect(t, g.addr)
	c.Send("BLPOP", "q", "0")
	c.flush()
	eventually(t, "blocked", func() bool { return len(g.a.lines("BLPOP")) == 1 })
	g.b.set(func() { g.b.plain = true })
	g.s.say(1, topology.Failover, g.a, g.b)
	g.a.kill()
	g.promote()
	if got := c.receive(); !strings.HasPrefix(got, "-UNKNOWN outcome of BLPOP") {
		t.Error(got)
	}
	c.want("OK", "SET", "k", "1")
	if got := g.b.lines("BLPOP"); len(got) > 0 {
		t.Errorf("the plain one got %q", got)
	}
}
