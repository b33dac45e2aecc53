package proxy

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"holdfast/election/topology"
)

func TestCovers(t *testing.T) {
	for _, x := range []struct {
		known, token pair
		epoch        uint64
		want         bool
	}{
		{pair{}, pair{}, 0, false},           // nothing is known of it
		{pair{1, 10}, pair{}, 1, true},       // a session that has seen nothing
		{pair{1, 10}, pair{1, 10}, 1, true},  // exactly there
		{pair{1, 9}, pair{1, 10}, 1, false},  // behind
		{pair{2, 1}, pair{1, 10}, 2, true},   // a newer epoch has all of the older one
		{pair{1, 99}, pair{1, 10}, 2, false}, // it has not followed to the new epoch
		{pair{2, 99}, pair{3, 1}, 2, false},  // the session has seen more than the topology knows
		{pair{5, 10}, pair{5, 10}, 0, true},  // no sentinels
		{pair{5, 10}, pair{5, 11}, 0, false},
	} {
		if got := covers(x.known, x.token, x.epoch); got != x.want {
			t.Errorf("covers(%v, %v, %d) = %v", x.known, x.token, x.epoch, got)
		}
	}
}

// mixed runs connections that write and read half and half, and checks that
// each sees its own last write.
func mixed(t *testing.T, addr string, conns, rounds int) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range conns {
		c := connect(t, addr)
		wg.Add(1)
		go func() {
			defer wg.Done()
			key, last := fmt.Sprint("k", i), "nil"
			for n := range rounds {
				if rand.IntN(2) == 0 {
					last = strconv.Itoa(n)
					c.do("SET", key, last)
				} else if got := c.do("GET", key); got != last {
					t.Errorf("connection %d: read %q after writing %q", i, got, last)
					return
				}
			}
		}()
	}
	wg.Wait()
}

func TestReadsReachReplicasAndSeeTheirOwnWrites(t *testing.T) {
	g := startGroup(t)
	g.a.set(func() { g.a.confirm = g.b })
	mixed(t, g.addr, 8, 400)
	s := g.p.gather()
	if share := float64(s.toReplica) / float64(s.toReplica+s.readsOfMaster); share < 0.6 {
		t.Errorf("%.0f %% of the reads reached a replica", 100*share)
	}
}

// TestReplicaThatLagsIsNotRead: without confirmations only the replica itself
// can tell how far it is.
func TestReplicaThatLagsIsNotRead(t *testing.T) {
	g := startGroup(t)
	c := connect(t, g.addr)
	c.want("OK", "SET", "k", "1")
	for range 20 {
		c.want("1", "GET", "k")
	}
	g.b.set(func() { g.b.data["k"] = "1" })
	eventually(t, "a session without history reads from the replica", func() bool {
		connect(t, g.addr).want("1", "GET", "k") // once the master has answered, it has a history
		return g.p.gather().toReplica > 0
	})
	g.b.set(func() { g.b.offset = 1000 })
	before := g.p.gather().toReplica
	eventually(t, "the replica has caught up and is read", func() bool {
		c.want("1", "GET", "k")
		return g.p.gather().toReplica > before
	})
}

func TestReplicaOfTheOldEpochIsNotRead(t *testing.T) {
	g := startGroup(t)
	g.b.set(func() { g.b.data["k"] = "old"; g.b.offset = 1 << 40 })
	g.a.set(func() { g.a.data["k"] = "new"; g.a.epoch = 2 })
	g.s.say(2, topology.Stable, g.a, g.b)
	g.awaitView(t, "epoch 2 known", epochTwo)
	c := connect(t, g.addr)
	for range 50 {
		c.want("new", "GET", "k")
	}
}

func TestReplicaThatFailsHandsItsReadsToTheMaster(t *testing.T) {
	g := startGroup(t)
	g.a.set(func() { g.a.confirm = g.b })
	c := connect(t, g.addr)
	c.want("OK", "SET", "k", "1")
	eventually(t, "replica in use", func() bool { c.want("1", "GET", "k"); return g.p.gather().toReplica > 0 })
	g.b.set(func() { g.b.refuse = "LOADING" })
	for range 20 {
		c.want("1", "GET", "k")
	}
	g.b.kill()
	for range 20 {
		c.want("1", "GET", "k")
	}
}

func TestPolicyReplicaWaitsForOne(t *testing.T) {
	g := startGroup(t, "--read-policy", "replica", "--hold-timeout", "300")
	c := connect(t, g.addr)
	eventually(t, "connected", func() bool { return c.do("SET", "k", "1") == "OK" })
	c.want("-UNAVAILABLE no replica was fresh enough for this read within 300ms", "GET", "k")
}

func TestPolicyReplicaServesWhoWaits(t *testing.T) {
	g := startGroup(t, "--read-policy", "replica")
	c := connect(t, g.addr)
	c.want("OK", "SET", "k", "1")
	c.Send("GET", "k")
	if err := c.Flush(c.ctx); err != nil {
		t.Fatal(err)
	}
	g.b.set(func() { g.b.data["k"] = "1"; g.b.offset = 1000 })
	if got := c.receive(); got != "1" {
		t.Fatal(got)
	}
}

func TestPlainReplicas(t *testing.T) {
	master := startRedis(t)
	host, port := hostPort(master.addr)
	replica := startRedis(t, "--replicaof", host, port)
	p, addr := startProxy(t, "--master", master.addr, "--replicas", replica.addr, "--max-replica-lag", "1000")
	writer, reader := connect(t, addr), connect(t, addr)
	direct := connect(t, replica.addr)
	writer.want("OK", "SET", "k", "1")
	eventually(t, "reads reach the replica", func() bool {
		reader.do("GET", "k")
		return p.gather().toReplica > 0
	})
	before := p.gather()
	eventually(t, "a write and a read within the lag", func() bool {
		before = p.gather()
		began := time.Now()
		writer.want("OK", "SET", "k", "2")
		writer.want("2", "GET", "k")
		if time.Since(began) >= time.Second { // a slow moment: it may read there by now
			return false
		}
		if after := p.gather(); after.toReplica != before.toReplica {
			t.Error("a session that has just written read from a replica")
		}
		return true
	})
	// Past that time a plain Redis that lags behind is read from all the same.
	eventually(t, "the replica has the write", func() bool { return direct.do("GET", "k") == "2" })
	eventually(t, "the writer reads from the replica again", func() bool {
		writer.want("2", "GET", "k")
		return p.gather().toReplica > before.toReplica
	})
	mixed(t, addr, 4, 200)
	// A replica cut off from its master is not read from any more.
	direct.want("OK", "REPLICAOF", "127.0.0.1", "1")
	eventually(t, "not read from", func() bool {
		before := p.gather().toReplica
		time.Sleep(20 * time.Millisecond)
		reader.want("2", "GET", "k")
		return p.gather().toReplica == before
	})
}

// TestPlainMasterThatBecameAReplica: its -READONLY is the proxy's business.
func TestPlainMasterThatBecameAReplica(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	c, direct := connect(t, addr), connect(t, r.addr)
	c.want("OK", "SET", "k", "1")
	direct.want("OK", "REPLICAOF", "127.0.0.1", "1")
	for i := range 10 {
		c.Send("SET", "k", strconv.Itoa(i))
		c.Send("GET", "k")
	}
	c.Send("MULTI")
	c.Send("INCR", "k")
	c.Send("EXEC")
	if err := c.Flush(c.ctx); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // let it be refused a few times
	direct.want("OK", "REPLICAOF", "NO", "ONE")
	for i := range 10 {
		if got := c.receive() + c.receive(); got != "OK"+strconv.Itoa(i) {
			t.Fatalf("%d: %s", i, got)
		}
	}
	if got := c.receive() + c.receive() + c.receive(); got != "OKQUEUED[10]" {
		t.Fatal(got)
	}
}
