package proxy

import (
	"strings"
	"testing"
)

// A plain node that became a replica refuses writes one by one and goes on
// answering reads. What stands behind a refused write must neither overtake it
// nor leave replies of its own to those behind it.
func TestTransactionBehindARefusedWrite(t *testing.T) {
	r := startRedis(t)
	p, addr := startProxy(t, "--master", r.addr)
	direct, c, other := connect(t, r.addr), connect(t, addr), connect(t, addr)
	c.want("OK", "MSET", "a", "1", "b", "2")
	direct.want("OK", "REPLICAOF", "127.0.0.1", "1")
	for _, request := range []string{"SET k 1", "MULTI", "GET a", "GET b", "EXEC", "GET a", "GET k"} {
		c.Send(strings.Fields(request)...)
	}
	other.Send("GET", "b")
	for _, x := range []*conn{c, other} {
		if err := x.Flush(x.ctx); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "refused", func() bool { return p.gather().refusals > 0 })
	direct.want("OK", "REPLICAOF", "NO", "ONE")
	for _, want := range []string{"OK", "OK", "QUEUED", "QUEUED", "[1 2]", "1", "1"} {
		if got := c.receive(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := other.receive(); got != "2" {
		t.Errorf("another client got %q", got)
	}
}

// A client that is blocked at a master that is made a replica goes on waiting
// at the next master.
func TestBlockedClientOutlivesItsMastersRole(t *testing.T) {
	r := startRedis(t)
	p, addr := startProxy(t, "--master", r.addr)
	direct, c := connect(t, r.addr), connect(t, addr)
	c.Send("BLPOP", "queue", "20")
	if err := c.Flush(c.ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "blocked", func() bool { return strings.Contains(direct.do("INFO", "clients"), "blocked_clients:1") })
	direct.want("OK", "REPLICAOF", "127.0.0.1", "1")
	eventually(t, "refused", func() bool { return p.gather().refusals > 0 })
	direct.want("OK", "REPLICAOF", "NO", "ONE")
	direct.want("1", "RPUSH", "queue", "x")
	if got := c.receive(); got != "[queue x]" {
		t.Errorf("the blocked client got %q", got)
	}
}
