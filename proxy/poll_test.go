package proxy

import (
	"testing"

	"holdfast/election/topology"
)

// Nothing keeps a connection to a node that has left the group.
func TestNodeThatLeftTheGroupIsLetGo(t *testing.T) {
	g := startGroup(t)
	open := func(n *fakeNode) (count int) {
		n.set(func() { count = len(n.conns) })
		return count
	}
	c := connect(t, g.addr)
	c.want("OK", "SET", "k", "1")
	eventually(t, "the replica is polled", func() bool {
		asked := false
		g.b.set(func() { asked = g.b.asked > 0 })
		return asked
	})
	g.s.say(1, topology.Stable, g.a)
	eventually(t, "no connection to it is open", func() bool { return open(g.b) == 0 })
	c.want("1", "GET", "k")
	if open(g.a) == 0 {
		t.Error("nor to the master")
	}
}
