package proxy

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/election/topology"
)

// group is a master, a replica and a sentinel, all of them fake, behind a proxy.
type group struct {
	a, b *fakeNode
	s    *fakeSentinel
	p    *Proxy
	addr string
}

func startGroup(t testing.TB, flags ...string) *group {
	t.Helper()
	g := &group{a: startNode(t, "run-a", "master"), b: startNode(t, "run-b", "replica"), s: startSentinel(t)}
	g.s.say(1, topology.Stable, g.a, g.b)
	g.p, g.addr = startProxy(t, append([]string{"--sentinels", g.s.addr, "--group", "g"}, flags...)...)
	return g
}

// awaitView waits until every loop of the proxy sees the group so: the loops are
// told one after the other, after the watch knows.
func (g *group) awaitView(t testing.TB, what string, ok func(*topology.Topology) bool) {
	t.Helper()
	eventually(t, what, func() bool {
		if now := g.p.watch.Current(); now == nil || !ok(now) {
			return false
		}
		for _, l := range g.p.allLoops() {
			sees := make(chan bool, 1)
			l.io.Post(func() { sees <- l.topo != nil && ok(l.topo) })
			if !<-sees {
				return false
			}
		}
		return true
	})
}

func noMaster(t *topology.Topology) bool { return !t.Serves() }

func epochTwo(t *topology.Topology) bool { return t.Epoch == 2 }

// promote makes b the master of epoch 2.
func (g *group) promote() {
	g.b.set(func() { g.b.role, g.b.epoch, g.b.refuse = "master", 2, "" })
	g.s.say(2, topology.Stable, g.b)
}

func TestHeldRequestsGoToTheNewMasterInOrder(t *testing.T) {
	g := startGroup(t)
	var clients []*conn
	for range 5 {
		c := connect(t, g.addr)
		c.want("OK", "SET", "before", "1")
		clients = append(clients, c)
	}
	g.a.kill()
	g.s.say(1, topology.Failover, g.a, g.b)
	g.awaitView(t, "failover known", noMaster)
	for i, c := range clients {
		for j := range 20 {
			c.Send("SET", fmt.Sprintf("k%d", i), strconv.Itoa(j))
		}
		if err := c.Flush(c.ctx); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "held", func() bool { return g.p.budget.commands.Load() == 100 })
	g.promote()
	for _, c := range clients {
		for range 20 {
			if got := c.receive(); got != "OK" {
				t.Fatal(got)
			}
		}
	}
	next := map[string]int{}
	for _, line := range g.b.executed() {
		words := strings.Fields(line)
		if n, _ := strconv.Atoi(words[2]); n != next[words[1]] {
			t.Fatalf("%s came when %d was next", line, next[words[1]])
		}
		next[words[1]]++
	}
	if n := g.p.budget.commands.Load(); n != 0 {
		t.Errorf("%d requests are still counted as held", n)
	}
}

// What nobody knows the outcome of is answered so; what was not sent is not in doubt.
func TestWriteInFlightIsUnknownAndTheNextOnesWait(t *testing.T) {
	g := startGroup(t)
	c, other := connect(t, g.addr), connect(t, g.addr)
	c.want("OK", "SET", "k", "1")
	g.a.set(func() { g.a.swallow = true })
	c.Send("INCR", "k")
	if err := c.Flush(c.ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "executed", func() bool { return len(g.a.executed()) == 2 })
	g.s.say(1, topology.Failover, g.a, g.b)
	g.a.kill()
	c.Send("INCR", "n")
	other.Send("INCR", "n")
	for _, x := range []*conn{c, other} {
		if err := x.Flush(x.ctx); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "held", func() bool { return g.p.budget.commands.Load() == 3 })
	g.promote()
	if got := c.receive(); !strings.HasPrefix(got, "-UNKNOWN outcome of INCR") {
		t.Fatal(got)
	}
	if got := c.receive() + other.receive(); got != "12" && got != "21" {
		t.Fatal(got)
	}
}

// TestRefusedRequestsAreSentElsewhere: a native refusal says that nothing from
// it on was executed, so not even a write in flight is in doubt.
func TestRefusedRequestsAreSentElsewhere(t *testing.T) {
	g := startGroup(t)
	c := connect(t, g.addr)
	c.want("1", "INCR", "n")
	g.b.set(func() { g.b.data["n"] = "1" })
	g.a.set(func() { g.a.refuse = "SEALED" })
	for range 30 {
		c.Send("INCR", "n")
		c.Send("GET", "n")
	}
	if err := c.Flush(c.ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "refused", func() bool { return g.p.gather().refusals > 0 })
	g.promote()
	for i := range 30 {
		want := strconv.Itoa(i + 2)
		if x, y := c.receive(), c.receive(); x != want || y != want {
			t.Fatalf("got %q and %q, want %s", x, y, want)
		}
	}
	if n := len(g.a.executed()); n != 1 {
		t.Errorf("the old master executed %d requests", n)
	}
}

// A node in no role still answers MULTI and refuses the first command behind
// it. The whole block is sent again, and so all of its replies come again.
func TestRefusedTransactionIsSentElsewhereWhole(t *testing.T) {
	g := startGroup(t)
	c, other := connect(t, g.addr), connect(t, g.addr)
	c.want("1", "INCR", "n")
	g.b.set(func() { g.b.data["n"] = "1" })
	g.a.set(func() { g.a.refuse = "SEALED" })
	for _, request := range []string{"MULTI", "INCR n", "INCR n", "EXEC", "GET n"} {
		c.Send(strings.Fields(request)...)
	}
	if err := c.Flush(c.ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "refused", func() bool { return g.p.gather().refusals > 0 })
	g.promote()
	for _, want := range []string{"OK", "QUEUED", "QUEUED", "[2 3]", "3"} {
		if got := c.receive(); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	other.want("4", "INCR", "n")
}

func TestPlannedSwitchoverIsSilent(t *testing.T) {
	g := startGroup(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	counts := make([]int, 4)
	for i := range counts {
		c := connect(t, g.addr)
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				counts[i]++
				if got := c.do("INCR", fmt.Sprint("n", i)); got != strconv.Itoa(counts[i]) {
					t.Errorf("writer %d: got %q, want %d", i, got, counts[i])
					return
				}
			}
		}()
	}
	eventually(t, "writing", func() bool { return len(g.a.executed()) > 100 })
	g.s.say(1, topology.Switching, g.a, g.b)
	eventually(t, "quiet", func() bool {
		before := len(g.a.executed())
		time.Sleep(20 * time.Millisecond)
		return len(g.a.executed()) == before && g.p.budget.commands.Load() > 0
	})
	g.a.set(func() { g.a.refuse = "DRAINING" })
	g.a.mu.Lock()
	g.b.set(func() {
		for k, v := range g.a.data {
			g.b.data[k] = v
		}
	})
	g.a.mu.Unlock()
	g.promote()
	eventually(t, "writing again", func() bool { return len(g.b.executed()) > 100 })
	close(stop)
	wg.Wait()
}

func TestUnavailableNamesTheReason(t *testing.T) {
	g := startGroup(t, "--hold-timeout", "200")
	c := connect(t, g.addr)
	// The hold is so short that a slow machine may not have connected in time.
	eventually(t, "connected", func() bool { return c.do("SET", "k", "1") == "OK" })
	g.a.kill()
	g.s.say(1, topology.Failover, g.a, g.b)
	g.s.mu.Lock()
	g.s.current.Reason = "waiting for node 10.0.0.9:6379"
	g.s.mu.Unlock()
	g.awaitView(t, "failover known", noMaster)
	began := time.Now()
	for range 10 {
		c.Send("SET", "k", "2")
	}
	for range 10 {
		if got := c.receive(); !strings.HasPrefix(got, "-UNAVAILABLE ") {
			t.Fatal(got)
		}
	}
	if took := time.Since(began); took < 150*time.Millisecond || took > patience {
		t.Errorf("a pipeline of ten was answered after %s", took)
	}
	if got := c.do("SET", "k", "3"); !strings.Contains(got, "10.0.0.9") && !strings.Contains(got, g.a.addr) {
		t.Error(got)
	}
	g.promote()
	eventually(t, "recovered", func() bool { return c.do("SET", "k", "4") == "OK" })
	for _, line := range g.b.executed() {
		if line == "SET k 2" || line == "SET k 3" {
			t.Errorf("%s was applied after -UNAVAILABLE", line)
		}
	}
}

func TestReadsComeBackAfterTheMasterDied(t *testing.T) {
	g := startGroup(t, "--read-policy", "master")
	c := connect(t, g.addr)
	c.want("OK", "SET", "k", "1")
	g.a.set(func() { g.a.swallow = true })
	c.Send("GET", "k")
	if err := c.Flush(c.ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "read", func() bool { return len(g.a.executed()) == 2 })
	g.b.set(func() { g.b.data["k"] = "1" })
	g.s.say(1, topology.Failover, g.a, g.b)
	g.a.kill()
	g.promote()
	if got := c.receive(); got != "1" {
		t.Fatal(got)
	}
}

// TestFrozenMasterIsLeft: a master that takes bytes and answers nothing.
func TestFrozenMasterIsLeft(t *testing.T) {
	g := startGroup(t)
	c, other := connect(t, g.addr), connect(t, g.addr)
	c.want("OK", "SET", "k", "1")
	g.a.set(func() { g.a.swallow = true })
	c.Send("SET", "k", "2")
	if err := c.Flush(c.ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "executed", func() bool { return len(g.a.executed()) == 2 })
	g.promote()
	if got := c.receive(); !strings.HasPrefix(got, "-UNKNOWN") {
		t.Fatal(got)
	}
	g.awaitView(t, "epoch 2 known", epochTwo)
	other.want("OK", "SET", "k", "3")
}

func TestUnsentWritesOfAClientThatLeftAreDropped(t *testing.T) {
	g := startGroup(t)
	c, stays := connect(t, g.addr), connect(t, g.addr)
	c.want("OK", "SET", "k", "1")
	g.s.say(1, topology.Switching, g.a, g.b)
	g.awaitView(t, "switching known", noMaster)
	stays.Send("SET", "k", "stays")
	c.Send("SET", "k", "left")
	for _, x := range []*conn{stays, c} {
		if err := x.Flush(x.ctx); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "held", func() bool { return g.p.budget.commands.Load() == 2 })
	c.Close()
	eventually(t, "dropped", func() bool { return g.p.budget.commands.Load() == 1 })
	g.promote()
	if got := stays.receive(); got != "OK" {
		t.Fatal(got)
	}
	if log := fmt.Sprint(g.b.executed()); strings.Contains(log, "left") {
		t.Error(log)
	}
}

func TestHoldIsBounded(t *testing.T) {
	g := startGroup(t, "--hold-max-commands", "10")
	c, other := connect(t, g.addr), connect(t, g.addr)
	c.want("OK", "SET", "k", "0")
	g.s.say(1, topology.Switching, g.a, g.b)
	g.awaitView(t, "switching known", noMaster)
	for i := range 100 {
		c.Send("SET", "k", strconv.Itoa(i))
	}
	if err := c.Flush(c.ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "full", g.p.budget.full)
	other.Send("SET", "o", "1")
	if err := other.Flush(other.ctx); err != nil {
		t.Fatal(err)
	}
	if n := g.p.budget.commands.Load(); n > 10 {
		t.Errorf("%d requests are held", n)
	}
	g.promote()
	for range 100 {
		if got := c.receive(); got != "OK" {
			t.Fatal(got)
		}
	}
	if got := other.receive(); got != "OK" {
		t.Fatal(got)
	}
}

func TestOldTopologiesAreIgnored(t *testing.T) {
	g := startGroup(t)
	c := connect(t, g.addr)
	c.want("OK", "SET", "k", "1")
	g.promote()
	eventually(t, "writes go to the new master", func() bool {
		c.want("OK", "SET", "k", "2")
		return len(g.b.executed()) > 0
	})
	before := len(g.a.executed())
	g.s.say(1, topology.Stable, g.a, g.b)
	c.want("OK", "SET", "k", "3")
	c.want("OK", "SET", "k", "4")
	if log := g.a.executed(); len(log) != before {
		t.Errorf("the old master executed %v", log[before:])
	}
}

func TestTransactionIsOneBlockAndLostWatchAnswersNil(t *testing.T) {
	g := startGroup(t)
	c := connect(t, g.addr)
	c.want("OK", "SET", "k", "1")
	c.want("OK", "WATCH", "k")
	g.s.say(1, topology.Failover, g.a, g.b)
	g.a.kill()
	g.promote()
	g.awaitView(t, "epoch 2 known", epochTwo)
	eventually(t, "the loss known", func() bool {
		c.want("OK", "MULTI")
		c.want("QUEUED", "SET", "k", "2")
		return c.do("EXEC") == "nil"
	})
	if log := fmt.Sprint(g.b.executed()); strings.Contains(log, "SET k 2") {
		t.Error(log)
	}
}

// TestReadIsNotSentAgainPastItsClientsOwnWrite: whether the write behind it took
// effect is not known, so the read might see what came after it.
func TestReadIsNotSentAgainPastItsClientsOwnWrite(t *testing.T) {
	g := startGroup(t, "--read-policy", "master")
	c := connect(t, g.addr)
	c.want("OK", "SET", "k", "1")
	g.a.set(func() { g.a.swallow = true })
	for _, request := range []string{"GET k", "GET other", "SET k 2", "GET k"} {
		c.Send(strings.Fields(request)...)
	}
	if err := c.Flush(c.ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "executed", func() bool { return len(g.a.executed()) == 5 })
	g.b.set(func() { g.b.data["k"], g.b.data["other"] = "2", "o" })
	g.s.say(1, topology.Failover, g.a, g.b)
	g.a.kill()
	g.promote()
	for i, want := range []string{"-UNKNOWN outcome of GET", "o", "-UNKNOWN outcome of SET", "2"} {
		if got := c.receive(); !strings.HasPrefix(got, want) {
			t.Errorf("reply %d: got %q, want %q…", i, got, want)
		}
	}
}
