package drill

import (
	"context"
	"errors"
	"fmt"

	"holdfast/cmd/internal/up"
	"holdfast/cmd/internal/view"
	"holdfast/election/topology"
)

// group is the running group, as up.json and its parts show it. Nothing is
// remembered between questions: parts are started again under new ids.
type group struct{ dir string }

func (g *group) state() (*up.State, error) { return up.ReadState(g.dir) }

func (g *group) proxies() ([]string, error) {
	s, err := g.state()
	if err != nil {
		return nil, err
	}
	return addrs(s.Proxies), nil
}

func addrs(parts []up.Process) []string {
	var all []string
	for _, p := range parts {
		all = append(all, p.Addr)
	}
	return all
}

func (g *group) topology(ctx context.Context) (*topology.Topology, error) {
	s, err := g.state()
	if err != nil {
		return nil, err
	}
	return view.AskTopology(ctx, addrs(s.Sentinels), up.Group)
}

// leader is the sentinel that leads the raft group, and its term.
func (g *group) leader(ctx context.Context) (*view.Sentinel, error) {
	s, err := g.state()
	if err != nil {
		return nil, err
	}
	for _, one := range view.All(addrs(s.Sentinels), func(addr string) view.Sentinel { return view.AskSentinel(ctx, addr) }) {
		if one.Err == nil && one.ID == one.Leader {
			return &one, nil
		}
	}
	return nil, errors.New("no sentinel leads")
}

// find returns the process that serves clients at addr.
func find(parts []up.Process, addr string) (up.Process, error) {
	for _, p := range parts {
		if p.Addr == addr && p.PID != 0 {
			return p, nil
		}
	}
	return up.Process{}, fmt.Errorf("no process of the group runs at %s", addr)
}

// whole tells what is missing from a whole group: every part answers, one
// master serves, as many nodes as should be confirm its writes, every other node
// follows it, the sentinels have a leader.
func (g *group) whole(ctx context.Context) error {
	s, err := g.state()
	if err != nil {
		return err
	}
	topo, err := view.AskTopology(ctx, addrs(s.Sentinels), up.Group)
	if err != nil {
		return err
	}
	if topo.Phase != topology.Stable {
		return fmt.Errorf("the group is in phase %s: %s", topo.Phase, topo.Reason)
	}
	if topo.Degraded {
		return fmt.Errorf("writes are confirmed by fewer nodes than they should be: %s", topo.Reason)
	}
	for _, n := range view.All(addrs(s.Nodes), func(addr string) view.Node { return view.AskNode(ctx, addr) }) {
		if err := inPlace(n, topo.Master.Addr); err != nil {
			return err
		}
	}
	for _, one := range view.All(addrs(s.Sentinels), func(addr string) view.Sentinel { return view.AskSentinel(ctx, addr) }) {
		switch {
		case one.Err != nil:
			return fmt.Errorf("sentinel %s: %w", one.Addr, one.Err)
		case one.Leader == "":
			return fmt.Errorf("sentinel %s knows no leader", one.Addr)
		}
	}
	for _, p := range view.All(addrs(s.Proxies), func(addr string) view.Proxy { return view.AskProxy(ctx, addr) }) {
		if p.Err != nil {
			return fmt.Errorf("proxy %s: %w", p.Addr, p.Err)
		}
	}
	return nil
}

// inPlace tells why n does not stand where the group wants it.
func inPlace(n view.Node, master string) error {
	switch {
	case n.Err != nil:
		return fmt.Errorf("node %s: %w", n.Addr, n.Err)
	case n.Addr == master && n.Role != "master":
		return fmt.Errorf("node %s is the group's master and says it is a %s", n.Addr, n.Role)
	case n.Addr == master:
		return nil
	case n.Role != "slave" || n.Master != master:
		return fmt.Errorf("node %s is a %s of %q instead of a replica of %s", n.Addr, n.Role, n.Master, master)
	case !n.LinkUp:
		return fmt.Errorf("node %s has no link to its master %s", n.Addr, master)
	}
	return nil
}

// Whole tells what is missing from a whole group in dir, nil when nothing is:
// every part answers, one master serves, every other node follows it, and as many
// as should be confirm its writes.
func Whole(ctx context.Context, dir string) error { return (&group{dir: dir}).whole(ctx) }
