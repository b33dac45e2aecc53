package election

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"holdfast/election/topology"
)

// seam stands between a sentinel's loop and raft. When the entry of the named
// kind is about to be proposed, or has just been committed, the sentinel dies:
// it proposes nothing any more and loses its place in the raft group.
type seam struct {
	proposer
	c     *cluster
	id    string
	s     *Sentinel // not looked up in the cluster: it proposes before it is there, and after it left
	point *point
}

// point is one step of a failover at which the leader dies, once.
type point struct {
	kind  string // of the entry
	after bool   // it is committed first

	mu    sync.Mutex
	hit   string // the sentinel that died there
	epoch uint64 // that it published last
	dead  chan struct{}
}

func (p *point) String() string {
	return map[bool]string{false: "before ", true: "after "}[p.after] + p.kind
}

func (s *seam) Propose(ctx context.Context, entry []byte) error {
	var e struct{ Kind string }
	if err := json.Unmarshal(entry, &e); err != nil {
		return err
	}
	if e.Kind != s.point.kind || !s.point.armed(s.id, s.s.Topology("mymaster")) {
		return s.proposer.Propose(ctx, entry)
	}
	var err error
	if s.point.after {
		err = s.proposer.Propose(ctx, entry)
	}
	for _, id := range ids {
		if id != s.id {
			s.c.network.Cut(s.id+":1", id+":1")
		}
	}
	close(s.point.dead)
	<-ctx.Done() // the dead do not learn what became of it
	return fmt.Errorf("killed %v: %w", s.point, errOr(err, ctx.Err()))
}

func errOr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// armed reports, once, that this sentinel has come to the point.
func (p *point) armed(id string, top *topology.Topology) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead == nil || p.hit != "" {
		return false
	}
	p.hit, p.epoch = id, top.Epoch
	return true
}

// arm makes the next arrival at the point deadly.
func (p *point) arm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = make(chan struct{})
}

// The leader is killed at every commit of a failover; whoever leads next
// completes it, with nothing lost and one master.
func TestLeaderDiesAtEveryStep(t *testing.T) {
	t.Parallel()
	stories := []struct {
		name  string
		kinds []string
		begin func(c *cluster, top *topology.Topology, p *point)
	}{
		{"failover", []string{"judge", "seal", "choose", "open"}, func(c *cluster, top *topology.Topology, _ *point) {
			c.nodes.nodes[top.Master.Addr].kill()
		}},
		{"switchover", []string{"switch", "seal", "choose", "open"}, func(c *cluster, _ *topology.Topology, p *point) {
			c.switchOver(p)
		}},
	}
	for _, story := range stories {
		for _, kind := range story.kinds {
			for _, after := range []bool{false, true} {
				p := &point{kind: kind, after: after}
				t.Run(fmt.Sprint(story.name, " ", p), func(t *testing.T) {
					t.Parallel()
					c := newCluster(t, 3, func(c *cluster) {
						c.wrap = func(id string, s *Sentinel, raft proposer) proposer {
							return &seam{proposer: raft, c: c, id: id, s: s, point: p}
						}
					})
					top := c.whole(2)
					c.mustWrite("before")
					p.arm()
					story.begin(c, top, p)
					c.survivesAt(p)
				})
			}
		}
	}
}

// switchOver asks for planned switchovers until the leader is dead: where the
// machine was busy for so long that the master seems to be down, an ordinary
// failover is what it gets. It ends before the test does.
func (c *cluster) switchOver(p *point) {
	done, addr := make(chan struct{}), c.sentinels["s1"].Addr()
	go func() {
		defer close(done)
		for {
			doAt(addr, "SENTINEL", "FAILOVER", "mymaster")
			select {
			case <-p.dead:
				return
			case <-c.t.Context().Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	c.t.Cleanup(func() { <-done })
}

// survivesAt waits for the leader to die at the point, buries it, and holds the
// rest to the invariants.
func (c *cluster) survivesAt(p *point) {
	c.t.Helper()
	select {
	case <-p.dead:
	case <-time.After(30 * time.Second * patience):
		c.t.Fatalf("nobody came to the point %v", p)
	}
	died := time.Now()
	c.stop(p.hit)
	if p.kind != "switch" || p.after { // an intent that was not committed is forgotten
		c.until("the failover to be completed", func(t *topology.Topology) bool { return t.Epoch > p.epoch })
	}
	c.t.Logf("completed %v after the leader's death", time.Since(died))
	c.mustWrite("after")
	c.nothingLost()
	for _, n := range c.nodes.nodes {
		if !n.alive() {
			n.start()
		}
	}
	for _, id := range ids {
		if id != p.hit {
			c.network.Heal(p.hit+":1", id+":1")
		}
	}
	c.start(p.hit)
	c.whole(2)
	c.nothingLost()
	c.oneMaster()
}

func (n *fakeNode) alive() bool {
	n.g.mu.Lock()
	defer n.g.mu.Unlock()
	return n.up
}

// oneMaster waits until exactly one node is master, that of the topology, and
// the rest follow it.
func (c *cluster) oneMaster() {
	c.t.Helper()
	eventually(c.t, "one master that the others follow", func() bool {
		top := c.leader().Topology("mymaster")
		c.nodes.mu.Lock()
		defer c.nodes.mu.Unlock()
		for addr, n := range c.nodes.nodes {
			master := n.role == "master" && n.serving && n.promised == top.Epoch
			follows := n.role == "replica" && n.master == top.Master.Addr
			if addr == top.Master.Addr && !master || addr != top.Master.Addr && !follows {
				return false
			}
		}
		return true
	})
}

// A leader that is cut off from the others but not from the nodes must not
// disturb what they do.
func TestPartitionedLeader(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	top := c.whole(2)
	old, before := c.leader(), top.Epoch
	for _, id := range ids {
		if id != old.id {
			c.network.Cut(old.id+":1", id+":1")
		}
	}
	c.nodes.nodes[top.Master.Addr].kill()
	eventually(t, "the others to fail over", func() bool {
		return !slices.ContainsFunc(ids, func(id string) bool {
			g := c.sentinels[id].group()
			return id != old.id && (g.Opened.Epoch <= before || g.Phase != "stable")
		})
	})
	if got, others := old.Topology("mymaster"), c.leader(); others != old && got.Epoch >= others.Topology("mymaster").Epoch {
		t.Errorf("the cut leader believes in epoch %d", got.Epoch)
	}
	for _, id := range ids {
		if id != old.id {
			c.network.Heal(old.id+":1", id+":1")
		}
	}
	c.nodes.nodes[top.Master.Addr].start()
	c.whole(2)
	c.nothingLost()
	c.oneMaster()
}
