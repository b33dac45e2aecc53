package election

import (
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/backend/resp"
	"holdfast/conf"
	"holdfast/election/topology"
)

func TestFirstMasterIsTheConfiguredOne(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, quiet)
	got := c.whole(2)
	if got.Epoch != 1 || got.Master.Addr != c.nodes.order[0] || got.WriteAcks != 1 {
		t.Fatalf("first topology: %+v", got)
	}
	c.mustWrite("x")
}

// A group is not born before every configured node has answered: one that is
// still away may know an epoch.
func TestFirstMasterWaitsForEveryNode(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, func(c *cluster) { c.nodes.nodes[c.nodes.order[2]].kill() })
	away := c.nodes.nodes[c.nodes.order[2]]
	c.waitsFor(away.addr)
	away.start()
	c.whole(2)
}

// waitsFor waits until every sentinel's topology gives a reason that names what.
func (c *cluster) waitsFor(what string) {
	c.t.Helper()
	eventually(c.t, "a reason that names "+what, func() bool {
		for _, s := range c.sentinels {
			t := s.Topology("mymaster")
			if t == nil || t.Phase != topology.Failover || !strings.Contains(t.Reason, what) {
				return false
			}
		}
		return true
	})
}

func TestMasterDies(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	old := c.whole(2).Master.Addr
	c.mustWrite("before")
	dead := c.nodes.nodes[old]
	killed := time.Now()
	dead.kill()
	got := c.until("another master", func(t *topology.Topology) bool { return t.Master.Addr != old })
	t.Logf("down-after %v, new master published on every sentinel after %v", testDownAfter, time.Since(killed))
	if got.Epoch < 2 {
		t.Errorf("the new master has epoch %d", got.Epoch)
	}
	was, is := strings.ReplaceAll(old, ":", " "), strings.ReplaceAll(got.Master.Addr, ":", " ")
	for _, id := range ids {
		c.printed(id, "Holdfast is starting", "Running mode=sentinel, port=", "Sentinel ID is ", "+sdown master mymaster "+was, "+odown master mymaster "+was+" #quorum ", "+failover-end master mymaster "+was,
			"+switch-master mymaster "+was+" "+is, "+slave slave "+old+" "+was+" @ mymaster "+is, "+sdown slave "+old+" "+was+" @ mymaster "+is)
	}
	c.mustWrite("after")
	dead.start()
	c.whole(2)
	c.nothingLost()
	c.oneMaster()
}

// A master that was only frozen still believes in its epoch when it thaws.
func TestFrozenMasterReturns(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	old := c.whole(2).Master.Addr
	c.nodes.nodes[old].freeze()
	c.until("another master", func(t *topology.Topology) bool { return t.Master.Addr != old })
	c.mustWrite("meanwhile")
	c.nodes.nodes[old].thaw()
	c.whole(2)
	c.nothingLost()
}

// A restarted process is not the master it was, however fast it came back.
func TestMasterRestartsFasterThanDownAfter(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	top := c.whole(2)
	c.mustWrite("before")
	c.nodes.nodes[top.Master.Addr].kill()
	c.nodes.nodes[top.Master.Addr].start()
	c.until("a higher epoch", func(t *topology.Topology) bool { return t.Epoch > top.Epoch })
	c.whole(2)
	c.nothingLost()
}

// With write-acks 1 and two holders both must be heard before one is chosen:
// either may be the one that confirmed.
func TestWaitsForTheHolders(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	top := c.whole(2)
	c.mustWrite("before")
	a, b := c.nodes.nodes[top.Master.Addr], c.nodes.nodes[top.Replicas[0].Addr]
	b.freeze()
	a.kill()
	c.waitsFor(b.addr)
	b.thaw()
	c.until("a master again", func(t *topology.Topology) bool { return t.Epoch >= 2 && t.Master.Addr != a.addr })
	c.nothingLost()
	a.start()
	c.whole(2)
}

// A dead replica leaves the holders while the master serves, so that the other
// one alone may succeed the master afterwards.
func TestDeadReplicaLeavesTheHolders(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, strict)
	top := c.whole(2)
	gone, last := c.nodes.nodes[top.Replicas[0].Addr], top.Replicas[1].Addr
	gone.kill()
	eventually(t, "one holder", func() bool {
		g := c.leader().group()
		return len(g.Holders.Members) == 1 && g.Next == nil
	})
	c.mustWrite("with one holder")
	c.nodes.nodes[top.Master.Addr].kill()
	c.waitsFor("needs 1 replicas") // nobody is left to confirm the barrier
	gone.start()
	c.until("the last one as master", func(t *topology.Topology) bool { return t.Master.Addr == last })
	c.mustWrite("again")
	c.nothingLost()
}

func TestWholeGroupRestarts(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	c.whole(2)
	for _, n := range c.nodes.nodes {
		n.kill()
	}
	eventually(t, "the group to have no master", func() bool { return c.leader().Topology("mymaster").Phase == topology.Failover })
	for _, n := range c.nodes.nodes {
		n.start()
	}
	if got := c.whole(2); got.Epoch < 2 {
		t.Errorf("the group came back with epoch %d", got.Epoch)
	}
	c.nodes.mu.Lock()
	c.nodes.acked = nil // nothing was on any disk
	c.nodes.mu.Unlock()
	c.mustWrite("again")
}

func TestAllSentinelsRestart(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, hasty)
	before := c.whole(2)
	for _, id := range ids {
		c.stop(id)
	}
	c.nodes.write(before.Master.Addr, "without sentinels")
	for _, id := range ids {
		c.start(id)
	}
	after := c.whole(2)
	if after.Epoch != before.Epoch || after.Master != before.Master {
		t.Errorf("the group changed from %+v to %+v", before, after)
	}
	c.nodes.nodes[after.Master.Addr].kill()
	c.until("another master", func(t *topology.Topology) bool { return t.Master.Addr != after.Master.Addr })
	c.nothingLost()
}

// A replica process that is replaced by a new one is replaced among the
// holders too: the new one holds nothing of what the old one confirmed.
func TestReplicaRestarts(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, quiet)
	top := c.whole(2)
	r := c.nodes.nodes[top.Replicas[0].Addr]
	old := r.incarnation
	r.kill()
	r.start()
	eventually(t, "the new incarnation among the holders", func() bool {
		g := c.leader().group()
		return g.Holders.Has(r.incarnation) && !g.Holders.Has(old) && len(g.Holders.Members) == 2
	})
	if got := c.stable(); got.Epoch != top.Epoch {
		t.Errorf("a replica's restart changed the epoch to %d", got.Epoch)
	}
}

func TestPlannedSwitchover(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, quiet)
	old := c.whole(2).Master.Addr
	c.mustWrite("before")
	for round := range 3 {
		asked := time.Now()
		eventually(t, "the switchover to begin", func() bool { // a leader may miss a replica for a moment
			v, _ := c.do(ids[round], "SENTINEL", "FAILOVER", "mymaster")
			return v.Text == "OK"
		})
		got := c.until("another master", func(t *topology.Topology) bool { return t.Master.Addr != old })
		t.Logf("switched over in %v", time.Since(asked))
		if got.Epoch != uint64(2+round) {
			t.Errorf("epoch %d", got.Epoch)
		}
		old = got.Master.Addr
		c.mustWrite("after")
		c.whole(2)
		c.nothingLost()
	}
}

// A candidate that dies while the master drains: the group goes on at a higher
// epoch with the best there is, which may be the master itself.
func TestCandidateDiesWhileDraining(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	top := c.whole(2)
	c.mustWrite("before")
	each := func(do func(n *fakeNode)) {
		for _, r := range top.Replicas {
			do(c.nodes.nodes[r.Addr])
		}
	}
	eventually(t, "the switchover to begin", func() bool {
		each((*fakeNode).freeze)
		v, _ := c.do("s1", "SENTINEL", "FAILOVER", "mymaster")
		if v.Text != "OK" { // a slow moment: they were found to be frozen first
			each((*fakeNode).thaw)
		}
		return v.Text == "OK"
	})
	each((*fakeNode).thaw)
	c.until("a master of a higher epoch", func(t *topology.Topology) bool { return t.Epoch >= 2 })
	c.mustWrite("after")
	c.nothingLost()
}

func TestFailoverRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	top := c.whole(2)
	if _, err := c.do("s1", "SENTINEL", "FAILOVER", "nosuch"); err == nil || err.Error() != "ERR No such master with that name" {
		t.Errorf("an unknown master: %v", err)
	}
	for _, r := range top.Replicas {
		c.nodes.nodes[r.Addr].kill()
	}
	// The topology drops a replica as soon as the master misses it; to be chosen it
	// must also be up for the leader itself, and that may be any of them by then.
	eventually(t, "no replica up for any sentinel", func() bool {
		return !slices.ContainsFunc(ids, func(id string) bool {
			v, err := c.do(id, "SENTINEL", "REPLICAS", "mymaster")
			return err != nil || len(v.Elems) != len(top.Replicas) || slices.ContainsFunc(v.Elems, func(r resp.Value) bool {
				return !strings.Contains(r.Pairs()["flags"].Text, "s_down")
			})
		})
	})
	eventually(t, "the reason of the refusal", func() bool { // there may be no leader for a moment
		v, err := c.do("s2", "SENTINEL", "FAILOVER", "mymaster")
		if err == nil {
			t.Fatalf("without a replica: %+v", v)
		}
		return err.Error() == "NOGOODSLAVE No suitable replica to promote"
	})
}

// Sentinels that lost their memory take the group up again from what its nodes
// remember: under its id, above every epoch, without a loss.
func TestSentinelsLoseTheirData(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, quiet)
	before := c.whole(2)
	c.mustWrite("before")
	for _, id := range ids {
		c.stop(id)
		c.dirs[id] = t.TempDir()
	}
	for _, id := range ids {
		c.start(id)
	}
	after := c.until("a higher epoch", func(t *topology.Topology) bool { return t.Epoch > before.Epoch })
	if after.Master.Addr != before.Master.Addr {
		t.Errorf("the master moved from %s to %s", before.Master.Addr, after.Master.Addr)
	}
	c.mustWrite("after")
	c.whole(2)
	c.nothingLost()
}

// strict has writes wait where too few replicas are left.
func strict(c *cluster) {
	c.adjust = func(cfg *conf.SentinelConfig) { cfg.Monitors[0].WriteAcksPolicy = "strict" }
}

// Without replicas the group goes on with fewer confirmations, under a lease, and
// asks for them again when a replica is back. What is answered from then on is
// never lost.
func TestDegradesWithoutReplicas(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	top := c.whole(2)
	for _, r := range top.Replicas {
		c.nodes.nodes[r.Addr].kill()
	}
	c.until("fewer confirmations", func(t *topology.Topology) bool { return t.WriteAcks == 0 && t.Degraded })
	c.mustWrite("without replicas")
	back := c.nodes.nodes[top.Replicas[0].Addr]
	back.start()
	c.until("confirmations again", func(t *topology.Topology) bool { return t.WriteAcks == 1 && !t.Degraded })
	c.mustWrite("with a replica")
	for _, id := range ids {
		c.printed(id, "+write-acks-degraded master mymaster ", "#write-acks 0/1", "-write-acks-degraded master mymaster ", "#write-acks 1/1")
	}
	c.nodes.nodes[top.Master.Addr].kill()
	got := c.until("the replica alone as master", func(t *topology.Topology) bool { return t.Master.Addr == back.addr })
	if !got.Degraded {
		t.Errorf("alone it has write-acks %d, and is not degraded", got.WriteAcks)
	}
	c.mustWrite("alone")
	c.nothingLost()
}

// The replicas that are left do not reach each other: one of them goes on alone.
func TestHoldersThatDoNotReachTheChosenMaster(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	top := c.whole(2)
	c.mustWrite("before")
	a, b := top.Replicas[0].Addr, top.Replicas[1].Addr
	c.nodes.mu.Lock()
	c.nodes.cut[[2]string{a, b}], c.nodes.cut[[2]string{b, a}] = true, true
	c.nodes.mu.Unlock()
	c.nodes.nodes[top.Master.Addr].kill()
	c.until("a master without confirmations", func(t *topology.Topology) bool { return t.Epoch > top.Epoch && t.Degraded })
	c.mustWrite("alone")
	c.nothingLost()
	c.nodes.mu.Lock()
	clear(c.nodes.cut)
	c.nodes.mu.Unlock()
	c.until("confirmations again", func(t *topology.Topology) bool { return t.WriteAcks == 1 })
	c.mustWrite("with the other one")
	c.nothingLost()
}

// With write-acks-policy strict writes wait for replicas, however long.
func TestStrictWaitsForReplicas(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, strict)
	top := c.whole(1)
	replica := c.nodes.nodes[top.Replicas[0].Addr]
	replica.kill()
	eventually(t, "the reason to be told", func() bool {
		return strings.Contains(c.leader().Topology("mymaster").Reason, "writes wait: write-acks 1, and 0 replicas are up")
	})
	time.Sleep(2 * testDownAfter) // in which a group that degrades would
	if got := c.stable(); got.WriteAcks != 1 || c.nodes.write(got.Master.Addr, "too few") {
		t.Errorf("a write was answered with write-acks %d", got.WriteAcks)
	}
	replica.start()
	c.whole(1)
	c.mustWrite("with the replica")
	c.nothingLost()
}

// With N = 0 a master that its sentinels have lost stops serving by itself, and
// the next one begins no sooner than that.
func TestLeases(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, func(c *cluster) { c.writeAcks = 0 })
	top := c.whole(2)
	c.mustWrite("within a lease")
	old := c.nodes.nodes[top.Master.Addr]
	served := func(n *fakeNode) bool {
		n.g.mu.Lock()
		defer n.g.mu.Unlock()
		return n.leased()
	}
	old.freeze() // to the sentinels it is dead; its lease it had before
	c.until("another master", func(t *topology.Topology) bool { return t.Master.Addr != old.addr })
	if served(old) {
		t.Error("two masters had the right to serve")
	}
	c.mustWrite("the new one has a lease")
	old.thaw()
	top = c.whole(2)
	last := c.nodes.nodes[top.Master.Addr]
	for _, id := range ids[1:] {
		for _, other := range ids {
			if other != id {
				c.network.Cut(id+":1", other+":1")
			}
		}
	}
	eventually(t, "the lease to run out without a quorum", func() bool { return !served(last) })
	for _, id := range ids[1:] {
		for _, other := range ids {
			if other != id {
				c.network.Heal(id+":1", other+":1")
			}
		}
	}
	c.mustWrite("with a quorum")
}

// Without fencing a master with N = 0 serves as Redis does, whoever watches it.
func TestWithoutFencing(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, func(c *cluster) {
		c.writeAcks = 0
		c.adjust = func(cfg *conf.SentinelConfig) { cfg.Monitors[0].Fencing = false }
	})
	top := c.whole(2)
	c.mustWrite("with sentinels")
	for _, id := range ids {
		c.stop(id)
	}
	time.Sleep(2 * time.Second * patience) // longer than a lease
	if !c.nodes.write(top.Master.Addr, "without sentinels") {
		t.Error("the master does not serve")
	}
}

// hasty is for tests in which nothing but a process that is gone counts as down: a
// machine that is busy for a moment must not cause a failover.
func hasty(c *cluster) {
	c.adjust = func(cfg *conf.SentinelConfig) {
		cfg.Monitors[0].FastDown, cfg.Monitors[0].DownAfter = true, 10*time.Minute
	}
}

// A process that is gone need not be waited for: its host refuses connections, and
// a replica lost its link.
func TestFastDown(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, hasty)
	top := c.whole(2)
	c.mustWrite("before")
	killed := time.Now()
	c.nodes.nodes[top.Master.Addr].kill()
	c.until("another master", func(t *topology.Topology) bool { return t.Master.Addr != top.Master.Addr })
	t.Logf("new master after %v", time.Since(killed))
	c.mustWrite("after")
	c.nothingLost()
}

// Where no replica lost its link, a host that refuses is no proof.
func TestFastDownNeedsAWitness(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, hasty)
	top := c.whole(2)
	c.nodes.nodes[top.Master.Addr].closeControl()
	time.Sleep(time.Second) // in which it would be taken for dead
	if got := c.stable(); got.Epoch != top.Epoch {
		t.Errorf("epoch %d: a master that its replicas reach was replaced", got.Epoch)
	}
}
