package group

import (
	"fmt"
	"slices"
)

// Join makes a sentinel known to the others, or its new address.
type Join struct {
	Sentinel Sentinel `json:"sentinel"`
}

func (c *Join) apply(t *turn) error {
	old, known := t.state.Sentinels[c.Sentinel.ID]
	t.state.Sentinels[c.Sentinel.ID] = c.Sentinel
	if known && old == c.Sentinel {
		return nil
	}
	for _, name := range t.state.Names() {
		g := t.state.Groups[name]
		t.say(g, "+sentinel", g.other("sentinel", c.Sentinel.RunID, c.Sentinel.Addr))
	}
	return nil
}

// Create begins to monitor a group. It does nothing when the group exists:
// every sentinel's file asks for it at every start.
type Create struct {
	Name     string   `json:"name"`
	ID       string   `json:"id"`
	Settings Settings `json:"settings"`
	Master   string   `json:"master"`
	Nodes    []string `json:"nodes"` // configured ones besides the master
}

func (c *Create) apply(t *turn) error {
	if t.state.Groups[c.Name] != nil {
		return nil
	}
	if c.Name == "" || c.Master == "" || c.ID == "" {
		return fmt.Errorf("group: create without a name, a master or an id")
	}
	t.g = &Group{
		Name: c.Name, ID: c.ID, Settings: c.Settings,
		Master: Master{Addr: c.Master}, LongestLease: c.Settings.Lease, Nodes: map[string]Node{}, Verdicts: map[string]Verdict{},
	}
	t.enter(Born)
	t.say(t.g, "+monitor", fmt.Sprintf("%s quorum %d", t.g.master(), c.Settings.Quorum))
	for _, addr := range append([]string{c.Master}, c.Nodes...) {
		t.add(Node{Addr: addr, Priority: 100})
	}
	return nil
}

// add makes a node known, and says so unless it is the master.
func (t *turn) add(n Node) {
	if _, known := t.g.Nodes[n.Addr]; !known && n.Addr != t.g.Master.Addr {
		t.say(t.g, "+slave", t.g.slave(n.Addr))
	}
	t.g.Nodes[n.Addr] = n
}

// See records what the leader saw of nodes, new ones included. Converted names
// those that it made replicas of the present master.
type See struct {
	Nodes     []Node   `json:"nodes,omitempty"`
	Converted []string `json:"converted,omitempty"`
}

func (c *See) apply(t *turn) error {
	for _, n := range c.Nodes {
		old := t.g.Nodes[n.Addr]
		t.add(n)
		if old.RunID != "" && n.RunID != "" && old.RunID != n.RunID {
			t.say(t.g, "+reboot", t.g.instance(n.Addr))
		}
	}
	for _, addr := range c.Converted {
		t.say(t.g, "+convert-to-slave", t.g.slave(addr))
	}
	return nil
}

// Forget drops the named nodes but the master, those that are up, and those
// that may hold what no other node holds.
type Forget struct {
	Addrs []string `json:"addrs"`
}

func (c *Forget) apply(t *turn) error {
	for _, addr := range c.Addrs {
		n, known := t.g.Nodes[addr]
		keep := addr == t.g.Master.Addr || addr == t.g.Opened.Addr || n.Up ||
			t.g.Holders.Has(n.Incarnation) || slices.Contains(t.g.Old, n.RunID) ||
			t.g.Next != nil && t.g.Next.Has(n.Incarnation)
		if known && !keep {
			delete(t.g.Nodes, addr)
		}
	}
	return nil
}

// Judge records what sentinels say of the master's process: for each whether
// the process is down.
type Judge struct {
	RunID string          `json:"run_id"`
	Down  map[string]bool `json:"down"` // by sentinel
}

func (c *Judge) apply(t *turn) error {
	if c.RunID != t.g.Master.RunID {
		return stale("judge", "run id", c.RunID, t.g.Master.RunID)
	}
	for sentinel, down := range c.Down {
		t.g.Verdicts[sentinel] = Verdict{RunID: c.RunID, Down: down, At: t.at}
	}
	return nil
}

// Explain tells humans what the group waits for.
type Explain struct {
	Epoch  uint64 `json:"epoch"`
	Reason string `json:"reason"`
}

func (c *Explain) apply(t *turn) error {
	if t.g.Epoch != c.Epoch {
		return stale("explain", "epoch", c.Epoch, t.g.Epoch)
	}
	if c.Reason != "" {
		t.say(t.g, "+waiting", t.g.master()+" #"+c.Reason)
	} else if t.g.Reason != "" {
		t.say(t.g, "-waiting", t.g.master())
	}
	t.g.Reason = c.Reason
	return nil
}
