package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/election/topology"
)

// pops are the BLPOPs that a node got, each behind its number.
func pops(n *fakeNode) (all []string) {
	for _, line := range n.executed() {
		if strings.HasPrefix(line, "HOLDFAST ONCE") || strings.HasPrefix(line, "BLPOP") {
			all = append(all, line)
		}
	}
	return all
}

// What a client was popped when its connection broke, the next master knows. It is
// asked for that, with the place up to which nothing had been popped; where nothing
// was, the client waits on.
func TestBlockingPopTakesEffectOnce(t *testing.T) {
	g := startGroup(t)
	served, waits := connect(t, g.addr), connect(t, g.addr)
	g.a.set(func() { g.a.data["first"] = "f" })
	served.Send("BLPOP", "q", "0")
	served.flush()
	eventually(t, "one is blocked", func() bool { return len(pops(g.a)) == 2 })
	waits.want("[first f]", "BLPOP", "first", "0")
	waits.Send("BLPOP", "q", "0")
	waits.flush()
	eventually(t, "both are blocked", func() bool { return len(pops(g.a)) == 6 })
	if got := pops(g.a); !slices.Equal(got[:2], []string{"HOLDFAST ONCE 1", "BLPOP q 0"}) {
		t.Errorf("the first master got %q", got)
	}
	g.b.set(func() { g.b.kept, g.b.data["q"] = map[string]string{"1": "*2\r\n$1\r\nq\r\n$1\r\nx\r\n"}, "y" })
	g.s.say(1, topology.Failover, g.a, g.b)
	g.a.kill()
	g.promote()
	if got := served.receive(); got != "[q x]" {
		t.Errorf("who was served got %q", got)
	}
	if got := waits.receive(); got != "[q y]" {
		t.Errorf("who waited got %q", got)
	}
	got := pops(g.b)
	slices.Sort(got)
	if want := []string{"BLPOP q 0", "HOLDFAST ONCE 1 1 100 run-a", "HOLDFAST ONCE 2 1 110 run-a"}; !slices.Equal(got, want) {
		t.Errorf("the next master got %q, want %q", got, want)
	}
}

// An inline request is made a frame of in a place of the loop's, where its number is
// not put together.
func TestInlineRequestsThatBlock(t *testing.T) {
	g := startGroup(t)
	g.a.set(func() { g.a.data["first"] = "f" })
	w := rawConnect(t, g.addr)
	w.send("BLPOP", "first", "0")
	w.expect("*2|$5|first|$1|f|")
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	w = rawConnect(t, addr)
	w.send("SET", "k", "v")
	w.expect("+OK|")
	w.send("WAIT", "0", "10")
	w.expect(":0|")
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
	eventually(t, "blocked", func() bool { return slices.Contains(pops(g.a), "BLPOP q 0") })
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
	eventually(t, "blocked", func() bool { return len(pops(g.a)) == 2 })
	g.b.set(func() { g.b.plain = true })
	g.s.say(1, topology.Failover, g.a, g.b)
	g.a.kill()
	g.promote()
	if got := c.receive(); !strings.HasPrefix(got, "-UNKNOWN outcome of BLPOP") {
		t.Error(got)
	}
	c.want("OK", "SET", "k", "1")
	if got := pops(g.b); len(got) > 0 {
		t.Errorf("the plain one got %q", got)
	}
}
