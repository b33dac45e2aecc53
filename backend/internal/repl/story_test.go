package repl

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestConfirmedWritesSurviveFailovers plays failover after failover on four
// nodes, with N = 1, while a client writes to whoever it believes to be master.
// The old master is not told at first: it goes on writing, to no avail. Every
// write that was confirmed to the client is in every later master.
func TestConfirmedWritesSurviveFailovers(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	c := &cluster{t: t, rnd: rand.New(rand.NewPCG(1, 1)), links: map[*testNode]*Link{}}
	for range 4 {
		n := newNode(t)
		n.stream.Activate()
		c.nodes = append(c.nodes, n)
	}
	c.failover(c.nodes[0])
	for round := range rounds {
		c.write(200+c.rnd.IntN(300), c.rnd.IntN(3) == 0)
		old := c.master
		ghost := c.ghost(old)
		c.failover(c.best(old))
		if lost := c.lost(); len(lost) > 0 {
			t.Fatalf("round %d: the new master lacks %d confirmed writes, the first %s", round, len(lost), lost[0])
		}
		close(ghost.quit)
		ghost.done.Wait()
		if end := c.master.stream.History().Second; old.confirm.Confirmed() > end {
			t.Fatalf("round %d: the old master has %d confirmed, its successor began at %d", round, old.confirm.Confirmed(), end)
		}
		c.follow(old)
	}
	c.write(50, false)
	for _, n := range c.nodes {
		same(t, c.master, n)
	}
	if lost := c.lost(); len(lost) > 0 {
		t.Fatalf("%d confirmed writes are lost, the first %s", len(lost), lost[0])
	}
}

type cluster struct {
	t      *testing.T
	rnd    *rand.Rand
	nodes  []*testNode
	links  map[*testNode]*Link
	master *testNode
	epoch  uint64
	next   int
	acked  []string
}

// write writes n lines and keeps those that were confirmed; with cuts, some
// connections break meanwhile.
func (c *cluster) write(n int, cuts bool) {
	type sent struct {
		line string
		pos  uint64
	}
	var open []sent
	for i := range n {
		c.next++
		line := fmt.Sprint("set w ", c.next)
		open = append(open, sent{line, c.master.write(line)})
		if cuts && i%70 == 69 {
			c.master.feeds.DropAll("a cut")
		}
	}
	// Half of them are waited for; the failover meets the others on their way.
	until(c.t, "half of the writes are confirmed", func() bool { return c.master.confirm.Confirmed() >= open[n/2].pos })
	confirmed := c.master.confirm.Confirmed()
	for _, s := range open {
		if s.pos <= confirmed {
			c.acked = append(c.acked, s.line)
		}
	}
}

type ghost struct {
	quit chan struct{}
	done sync.WaitGroup
}

// ghost lets a master that does not know of its end go on writing.
func (c *cluster) ghost(n *testNode) *ghost {
	g := &ghost{quit: make(chan struct{})}
	g.done.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-g.quit:
				return
			case <-time.After(100 * time.Microsecond):
				n.write(fmt.Sprint("set ghost ", i))
			}
		}
	})
	return g
}

// best seals every node but the old master and chooses among them.
func (c *cluster) best(old *testNode) *testNode {
	var best *testNode
	for _, n := range c.nodes {
		if n == old {
			continue
		}
		stop(c.t, c.links[n])
		p := n.Position()
		if best == nil || p.Epoch > best.Position().Epoch || p.Epoch == best.Position().Epoch && p.Offset > best.Position().Offset {
			best = n
		}
	}
	until(c.t, "the old master is alone", func() bool { return len(old.feeds.Replicas()) == 0 })
	return best
}

// failover promotes n; the others but the old master follow it.
func (c *cluster) failover(n *testNode) {
	old := c.master
	c.epoch++
	h := Holders{Version: c.epoch, N: 1}
	for _, o := range c.nodes {
		if o != n {
			h.Members = append(h.Members, o.runID)
		}
	}
	n.mu.Lock()
	n.stream.Lead()
	n.confirm.Open(h, n.stream.Epoch(c.epoch, n.runID))
	n.stream.Publish()
	n.mu.Unlock()
	n.feeds.DropAll("promoted")
	c.master = n
	for _, o := range c.nodes {
		if o != n && o != old {
			c.follow(o)
		}
	}
	until(c.t, "the barrier opens", func() bool { return n.confirm.Commit(h.Version) })
}

func (c *cluster) follow(n *testNode) {
	n.confirm.Close()
	n.feeds.DropAll("demoted")
	c.links[n] = n.follow(c.master.addr())
}

func (c *cluster) lost() []string {
	has := map[string]bool{}
	for _, l := range c.master.lines() {
		has[l] = true
	}
	return slices.DeleteFunc(slices.Clone(c.acked), func(l string) bool { return has[l] })
}
