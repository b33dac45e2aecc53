package proxy

import (
	"regexp"
	"strings"
	"testing"
)

// TestSessionChangesWithItsOwnConnection: what watches, tracks or has
// subscribed can choose another database, protocol and user like any other.
func TestSessionChangesWithItsOwnConnection(t *testing.T) {
	r := startRedis(t)
	p, addr := startProxy(t, "--master", r.addr)
	direct, other := connect(t, r.addr), connect(t, addr)
	direct.want("OK", "ACL", "SETUSER", "ann", "on", ">secret", "~*", "&*", "+@all")
	other.want("OK", "SELECT", "2")

	t.Run("WATCH", func(t *testing.T) {
		a := connect(t, addr)
		a.want("OK", "WATCH", "w")
		a.want("OK", "SELECT", "2")
		a.want("OK", "WATCH", "w")
		a.want("-ERR DB index is out of range", "SELECT", "99")
		other.want("OK", "SET", "w", "theirs")
		a.want("OK", "MULTI")
		a.want("QUEUED", "SET", "w", "mine")
		a.want("nil", "EXEC")
		a.want("theirs", "GET", "w")
		a.want("OK", "SELECT", "0")
		a.want("nil", "GET", "w")
	})
	t.Run("tracking", func(t *testing.T) {
		a := rawConnect(t, addr)
		a.send("HELLO", "3")
		a.skipReply()
		a.send("CLIENT", "TRACKING", "ON")
		a.expect("+OK|")
		a.send("SELECT", "2")
		a.expect("+OK|")
		a.send("HELLO", "3", "AUTH", "ann", "wrong")
		a.expectPrefix("-WRONGPASS")
		a.send("AUTH", "ann", "secret")
		a.expect("+OK|")
		a.send("GET", "k")
		a.expect("_|")
		other.want("OK", "SET", "k", "v")
		a.expect(">2|$10|invalidate|*1|$1|k|")
		direct.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		a.expect(">2|$10|invalidate|_|") // whatever it had
		a.send("GET", "k")
		a.expect("$1|v|")
		a.send("ACL", "WHOAMI")
		a.expect("$3|ann|")
		other.want("OK", "SET", "k", "w")
		a.expect(">2|$10|invalidate|*1|$1|k|")
	})
	t.Run("subscriber", func(t *testing.T) {
		a := rawConnect(t, addr)
		a.send("HELLO", "3")
		a.skipReply()
		a.send("SUBSCRIBE", "ch")
		a.expect(">3|$9|subscribe|$2|ch|:1|")
		a.send("SELECT", "2")
		a.expect("+OK|")
		a.send("HELLO", "2", "AUTH", "ann", "secret")
		a.skipTo("*0") // modules, the last it says
		a.send("PING")
		a.expect("*2|$4|pong|$0||")
		other.want("1", "PUBLISH", "ch", "m")
		a.expect("*3|$7|message|$2|ch|$1|m|")
		a.send("UNSUBSCRIBE")
		a.expect("*3|$11|unsubscribe|$2|ch|:0|")
		a.send("GET", "k")
		a.expect("$1|w|")
	})
	eventually(t, "nobody else is left", func() bool { return p.clients.Load() == 1 })
}

// TestClientListHasRedisFields: clients of Redis read them by name.
func TestClientListHasRedisFields(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	a, b, c := connect(t, addr), connect(t, addr), rawConnect(t, addr)
	named := func(line string) string {
		line = line[strings.Index(line, "id="):]
		return regexp.MustCompile(`=\S*`).ReplaceAllString(line, "")
	}
	want, got := named(connect(t, r.addr).do("CLIENT", "INFO")), named(a.do("CLIENT", "INFO"))
	want = strings.Replace(want, " sub psub multi", " sub psub ssub multi", 1)
	want = strings.TrimSuffix(strings.TrimSpace(want), " lib-name lib-ver") + " lib-name lib-ver"
	if got = strings.TrimSpace(got); got != want {
		t.Errorf("CLIENT INFO has the fields\n%s, Redis\n%s", got, want)
	}
	shows := func(wants ...string) {
		t.Helper()
		got := b.do("CLIENT", "LIST")
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("CLIENT LIST: %s\nwithout %q", got, want)
			}
		}
	}
	shows(" flags=N ", " cmd=client|info ", " cmd=client|list ", " redir=-1 ")
	a.want("OK", "MULTI")
	a.want("QUEUED", "SET", "k", "v")
	shows(" flags=x ", " multi=1 ", " cmd=set ")
	a.want("OK", "DISCARD")
	c.send("HELLO", "3")
	c.skipReply()
	c.send("CLIENT", "TRACKING", "ON")
	c.expect("+OK|")
	c.send("SUBSCRIBE", "ch")
	c.expect(">3|$9|subscribe|$2|ch|:1|")
	shows(" flags=Pt ", " sub=1 ", " redir=0 ")
	a.Send("BLPOP", "l", "0")
	a.flush()
	eventually(t, "blocked", func() bool { return strings.Contains(b.do("CLIENT", "LIST"), " flags=b ") })
}
