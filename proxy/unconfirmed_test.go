package proxy

import (
	"strings"
	"testing"
)

func (c *conn) flush() {
	c.t.Helper()
	if err := c.Flush(c.ctx); err != nil {
		c.t.Fatal(err)
	}
}

// A read that the master could not get confirmed has no outcome that could be
// unknown: it is answered by the master once it can, or by the next one.
func TestUnconfirmedReadsAreSentAgain(t *testing.T) {
	for _, healed := range []bool{true, false} {
		g := startGroup(t, "--read-policy", "master")
		var all []*conn
		for range 6 {
			all = append(all, connect(t, g.addr))
		}
		writer, reader, both, block, look, lookBefore := all[0], all[1], all[2], all[3], all[4], all[5]
		writer.want("1", "INCR", "n")
		for _, c := range all { // their connections are there
			c.want("1", "GET", "n")
		}
		g.b.set(func() { g.b.data["n"], g.b.data["m"] = "2", "5" })
		g.a.set(func() { g.a.noAcks, g.a.inTurns = true, healed })
		writer.Send("INCR", "n")
		writer.Send("GET", "n")
		both.Send("GET", "m")
		both.Send("INCR", "m")
		both.Send("GET", "n")
		reader.Send("GET", "n")
		reader.Send("ECHO", "behind")
		reader.Send("GET", "n")
		block.do("MULTI")
		block.do("INCR", "k")
		block.Send("EXEC")
		for _, command := range []string{"MULTI", "GET n", "GET n", "EXEC", "GET n"} {
			look.Send(strings.Fields(command)...)
		}
		for _, command := range []string{"MULTI", "GET n", "EXEC", "INCR other"} {
			lookBefore.Send(strings.Fields(command)...)
		}
		for _, c := range all {
			c.flush()
		}
		const noAcks, unknown = "-NOACKS not confirmed", "-UNKNOWN outcome of "
		for _, x := range []struct {
			c    *conn
			want string
		}{{writer, noAcks}, {both, unknown + "GET"}, {both, noAcks}, {block, noAcks}, {look, "OK"}, {look, "QUEUED"}, {look, "QUEUED"},
			{lookBefore, "OK"}, {lookBefore, "QUEUED"}, {lookBefore, unknown + "EXEC"}, {lookBefore, noAcks}} {
			if got := x.c.receive(); !strings.HasPrefix(got, x.want) {
				t.Fatalf("got %q, want %q", got, x.want)
			}
		}
		if s := g.p.gather(); s.noAcks != 4 || s.unconfirmed < 6 {
			t.Errorf("%d writes and %d reads are counted as unconfirmed", s.noAcks, s.unconfirmed)
		}
		eventually(t, "tried again and again", func() bool { return g.p.gather().refusals > 2 })
		want := []string{"2", "2", "2", "behind", "2", "[2 2]", "2"}
		if healed {
			g.a.set(func() { g.a.noAcks = false })
		} else {
			g.promote()
		}
		for i, c := range []*conn{writer, both, reader, reader, reader, look, look} {
			if got := c.receive(); got != want[i] {
				t.Errorf("healed %v: reply %d is %q, want %q", healed, i, got, want[i])
			}
		}
	}
}

// A master that is cut off for good costs a read the time of the hold, and then
// it is said that nothing happened.
func TestUnconfirmedReadIsGivenUp(t *testing.T) {
	g := startGroup(t, "--read-policy", "master", "--hold-timeout", "200ms")
	c := connect(t, g.addr)
	// The hold is so short that a slow machine may not have connected in time.
	eventually(t, "connected", func() bool { return c.do("INCR", "n") == "1" })
	g.a.set(func() { g.a.noAcks = true })
	if got := c.do("GET", "n"); !strings.HasPrefix(got, "-UNAVAILABLE") {
		t.Error(got)
	}
	g.a.set(func() { g.a.noAcks = false })
	eventually(t, "it is given up no more", func() bool { return c.do("INCR", "n") == "2" })
}
