package group

import (
	"reflect"

	"holdfast/election/topology"
)

// Topology is the group as proxies need it. Its epoch is that of the last open
// barrier: while the next master is being made, replicas of that epoch may
// still answer reads.
func (g *Group) Topology() *topology.Topology {
	t := &topology.Topology{
		Group:     g.Name,
		Epoch:     g.Opened.Epoch,
		Version:   g.Version,
		Phase:     g.phase(),
		Reason:    g.Reason,
		Master:    topology.Node{Addr: g.Opened.Addr, RunID: g.Opened.RunID, Up: g.Serving()},
		Replicas:  []topology.Node{},
		WriteAcks: g.Holders.N,
		Degraded:  g.Degraded,
	}
	if t.Master.Addr == "" {
		t.Master.Addr = g.Master.Addr
	}
	for _, addr := range g.Addrs() {
		if addr != t.Master.Addr {
			n := g.Nodes[addr]
			t.Replicas = append(t.Replicas, topology.Node{Addr: addr, RunID: n.RunID, Up: n.Up})
		}
	}
	return t
}

func (g *Group) phase() topology.Phase {
	switch g.Phase {
	case Stable:
		return topology.Stable
	case Switching:
		return topology.Switching
	}
	return topology.Failover
}

// number gives the group a new topology version when its topology differs from
// that of the state before, so that what proxies need not know of costs them
// nothing.
func (g *Group) number(before *Group) {
	if before == nil {
		g.Version = 1
		return
	}
	g.Version = before.Version
	if !reflect.DeepEqual(g.Topology(), before.Topology()) {
		g.Version++
	}
}
