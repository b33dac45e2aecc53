package election

import (
	"testing"
	"time"

	"holdfast/conf"
	"holdfast/election/internal/group"
	"holdfast/election/topology"
)

// A leader that does not reach the master, which the others reach, hands over;
// replicas that come back meanwhile count all the same.
func TestLeaderThatDoesNotReachTheMaster(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, slow)
	top := c.whole(2)
	old := c.leader()
	join := c.nodes.part(old.id, top.Master.Addr)
	defer join()
	for _, r := range top.Replicas {
		c.nodes.nodes[r.Addr].kill()
		c.nodes.nodes[r.Addr].start()
	}
	c.mustWrite("confirmed by a replica that came back")
	got := c.whole(2)
	if got.Epoch != top.Epoch {
		t.Errorf("epoch %d, was %d: a master that most sentinels reach was replaced", got.Epoch, top.Epoch)
	}
	eventually(t, "another leader", func() bool { return c.leader() != old })
	c.nothingLost()
}

// slow gives all who judge, and raft, the time of a machine that is busy for a moment.
func slow(c *cluster) {
	c.adjust = func(cfg *conf.SentinelConfig) {
		cfg.Raft.Timeout *= 4
		cfg.Monitors[0].DownAfter, cfg.Monitors[0].Lease = 4*testDownAfter, 4*cfg.Monitors[0].Lease
	}
}

// A leader that does not reach the one replica which can be the next master, and
// which the others reach, hands over.
func TestLeaderThatDoesNotReachTheNextMaster(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, slow)
	top := c.whole(2)
	frozen, next := c.nodes.nodes[top.Replicas[0].Addr], c.nodes.nodes[top.Replicas[1].Addr]
	frozen.freeze()
	defer frozen.thaw()
	eventually(t, "the other replica to be the only holder", func() bool {
		g := c.leader().group()
		return g.Next == nil && len(g.Holders.Members) == 1
	})
	c.mustWrite("confirmed by it")
	old := c.leader()
	defer c.nodes.part(old.id, next.addr)()
	c.nodes.nodes[top.Master.Addr].kill()
	got := c.until("the next master", func(t *topology.Topology) bool { return t.Master.Addr == next.addr })
	if got.Epoch == top.Epoch {
		t.Errorf("epoch %d, as before", got.Epoch)
	}
	c.printed(old.id, "Handing the lead over to sentinel", next.addr)
	c.nothingLost()
}

// What nodes weigh that a sentinel reaches while no master serves.
func TestReachOfNodes(t *testing.T) {
	g := &group.Group{Nodes: map[string]group.Node{}, Old: []string{"run-a"}, Holders: group.Holders{N: 1, Members: []string{"inc-b"}}}
	for _, n := range []string{"a", "b", "c", "d"} {
		g.Nodes[n] = group.Node{Addr: n, RunID: "run-" + n, Incarnation: "inc-" + n}
	}
	for _, order := range [][2][]string{ // the first reaches less
		{nil, {"c"}},
		{{"c"}, {"c", "d"}},
		{{"c", "d"}, {"a"}},
		{{"c", "d"}, {"b"}},
		{{"b"}, {"b", "d"}},
		{{"b", "d"}, {"a", "b"}},
	} {
		if less, more := reachOfNodes(g, order[0]), reachOfNodes(g, order[1]); less >= more {
			t.Errorf("%v weigh %v, %v weigh %v", order[0], less, order[1], more)
		}
	}
	if all := reachOfNodes(g, []string{"a", "b", "c", "d"}); all != 1 {
		t.Errorf("all nodes weigh %v, and a master that serves 1", all)
	}
}

// A replica that only the master reaches counts for confirmations where no other
// is left.
func TestReplicaThatOnlyTheMasterReaches(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	top := c.whole(1)
	replica := c.nodes.nodes[top.Replicas[0].Addr]
	for _, id := range ids {
		defer c.nodes.part(id, replica.addr)()
	}
	eventually(t, "the sentinels to miss it", func() bool {
		return !c.leader().Topology("mymaster").Replicas[0].Up
	})
	time.Sleep(2 * testDownAfter) // in which the group would degrade
	if got := c.until("a serving group", func(*topology.Topology) bool { return true }); got.WriteAcks != 1 {
		t.Errorf("write-acks %d though the replica confirms", got.WriteAcks)
	}
	c.mustWrite("confirmed by it")
}

func TestHandoverHasPatience(t *testing.T) {
	t0, s := time.Unix(1000, 0), time.Second
	for name, c := range map[string]struct {
		better []bool // each second
		want   []int  // seconds at which it is due
	}{
		"nobody is better":          {[]bool{false, false, false, false}, nil},
		"somebody is, for long":     {[]bool{false, true, true, true}, []int{3}},
		"somebody is, now and then": {[]bool{true, true, false, true, true, false}, nil},
		"not again at once":         {[]bool{true, true, true, true, true, true, true, true, true, true, true, true, true}, []int{2, 12}},
	} {
		var h handover
		var got []int
		for i, better := range c.better {
			if h.due(better, 2*s, t0.Add(time.Duration(i)*s)) {
				got = append(got, i)
			}
		}
		if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] || len(got) > 1 && got[1] != c.want[1] {
			t.Errorf("%s: due at %v, want %v", name, got, c.want)
		}
	}
}
