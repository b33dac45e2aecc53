package main_test

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/cmd/internal/load"
)

// Without any sentinel the group cannot change its master; it has no need to.
func TestWritesGoOnWithoutSentinels(t *testing.T) {
	c := startCluster(t, "--down-after-milliseconds 1000 --restart-after 0")
	c.awaitWhole()
	v := startLoad(t, c, 8)
	awaitWrites(t, v, 100)
	for _, s := range c.state().Sentinels {
		c.kill(s)
	}
	// Longer than down-after, so that whoever waits for a sentinel would show.
	time.Sleep(3 * time.Second)
	awaitWrites(t, v, 100)
	res := v.Stop()
	if len(res.Errors) != 0 {
		t.Errorf("clients saw %v", res.Errors)
	}
	if limit := time.Duration(300**drillSlack) * time.Millisecond; res.WritePause > limit {
		t.Errorf("the pause was %v; at most %v passes", res.WritePause, limit)
	}
	checkAudit(t, v)
}

// With the master dead and no quorum to choose another, requests wait for
// hold-timeout and then say why; when the sentinels return the group recovers
// by itself.
func TestAnOutageIsNamedAndHeals(t *testing.T) {
	c := startCluster(t, "--down-after-milliseconds 1000 --restart-after 0 --hold-timeout 2s")
	c.awaitWhole()
	mustDo(t, c.proxy(), "SET", "before", "1")
	s, master := &scene{cluster: c}, c.master()
	t.Cleanup(func() { s.thaw() })
	s.freeze(c.state().Sentinels[:2]...)
	c.kill(master)
	_, took, err := heldWrite(t, c, "during")
	if err == nil || !strings.HasPrefix(err.Error(), "UNAVAILABLE ") || len(err.Error()) < len("UNAVAILABLE no master")-1 {
		t.Fatalf("a write without a master: %v, want UNAVAILABLE with a reason", err)
	}
	t.Logf("after %v: %v", took.Round(time.Millisecond), err)
	if took < 1500*time.Millisecond || took > 14*time.Second {
		t.Errorf("it was held for %v; hold-timeout is 2 s", took)
	}
	s.thaw()
	await(t, 30*time.Second, "writes succeed again", func() error {
		_, err := do(t, 5*time.Second, c.proxy(), "SET", "after", "1")
		return err
	})
	awaitValue(t, c.proxy(), "before", "1")
	if got := mustDo(t, c.proxy(), "EXISTS", "during"); got != "0" {
		t.Error("the write that was answered -UNAVAILABLE took effect")
	}
}

// With one replica frozen and the other dead, nobody can confirm a write with
// write-acks-policy strict; it must not be acknowledged.
func TestWithoutReplicasNothingIsAcknowledged(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--nodes 2 --down-after-milliseconds 1000 --restart-after 0 --hold-timeout 2s "+
		"--write-acks-policy strict --write-acks-timeout 2s")
	c.awaitWhole()
	mustDo(t, c.proxy(), "SET", "k", "before")
	master := c.master()
	for _, n := range c.state().Nodes {
		if n.Addr != master.Addr {
			c.kill(n)
		}
	}
	v, err := do(t, time.Minute, c.proxy(), "SET", "k", "during")
	if err == nil {
		t.Fatalf("a write that no replica has was answered %q", v.Text)
	}
	t.Log(err)
	for _, code := range []string{"NOACKS ", "UNKNOWN ", "UNAVAILABLE "} {
		if strings.HasPrefix(err.Error(), code) {
			return
		}
	}
	t.Errorf("the error names no known reason: %v", err)
}

// A group that was stopped as a whole and started again comes back by itself,
// whether it was stopped in order or killed.
func TestAWholeGroupComesBack(t *testing.T) {
	t.Parallel()
	ports := clusterPorts(t)
	dir := t.TempDir()
	c := startClusterIn(t, dir, ports, fast)
	c.awaitWhole()
	first := epoch(t, c)
	mustDo(t, c.proxy(), "SET", "k", "v")
	c.stop()

	again := startClusterIn(t, dir, ports, fast)
	again.awaitWhole()
	awaitValue(t, again.proxy(), "k", "v")
	mustDo(t, again.proxy(), "SET", "k", "v2")
	awaitValue(t, again.proxy(), "k", "v2")
	second := epoch(t, again)
	if second <= first {
		t.Errorf("epoch %d after epoch %d: epochs must rise", second, first)
	}
	again.cmd.Process.Signal(syscall.SIGKILL)
	<-again.done

	last := startClusterIn(t, dir, ports, fast)
	last.awaitWhole()
	mustDo(t, last.proxy(), "SET", "k", "v3")
	if third := epoch(t, last); third <= second {
		t.Errorf("epoch %d after epoch %d: epochs must rise", third, second)
	}
}

// All nodes die at once and are started again one by one, while clients wait.
func TestAllNodesDieAndReturn(t *testing.T) {
	t.Parallel()
	c := startCluster(t, fast)
	c.awaitWhole()
	for _, n := range c.state().Nodes {
		c.kill(n)
	}
	if _, took, err := heldWrite(t, c, "k"); err != nil {
		t.Errorf("a write held through the restart of all nodes, for %v: %v", took, err)
	}
	c.awaitWhole()
}

// heldWrite sets the key while there is no master, and tells how long the
// answer took. A write that was still sent to the dead master ends as -UNKNOWN;
// the one behind it cannot.
func heldWrite(t *testing.T, c *cluster, key string) (reply string, took time.Duration, err error) {
	t.Helper()
	for range 3 {
		start := time.Now()
		v, err := do(t, 3*time.Minute, c.proxy(), "SET", key, "1")
		if err == nil || !strings.HasPrefix(err.Error(), "UNKNOWN ") {
			return v.Text, time.Since(start), err
		}
	}
	t.Fatal("three writes in a row were sent to a master that was dead")
	return "", 0, nil
}

func epoch(t *testing.T, c *cluster) int64 {
	t.Helper()
	v, err := do(t, 10*time.Second, c.master().Addr, "HOLDFAST", "EPOCH")
	if err != nil || len(v.Elems) != 2 {
		t.Fatalf("HOLDFAST EPOCH: %v, %v", v, err)
	}
	return v.Elems[0].Int
}

func startLoad(t *testing.T, c *cluster, clients int) *load.Verified {
	t.Helper()
	return startLoadOf(t, c, clients, 0.2)
}

// startLoadOf starts a verified load in which that share of the requests reads.
func startLoadOf(t *testing.T, c *cluster, clients int, reads float64) *load.Verified {
	t.Helper()
	v, err := load.StartVerified(t.Context(), load.VerifiedOptions{
		Addrs: []string{c.proxy()}, Clients: clients, Reads: reads, Prefix: "e2e:" + strconv.FormatInt(time.Now().UnixNano(), 36),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Stop() })
	return v
}

func awaitWrites(t *testing.T, v *load.Verified, more int64) {
	t.Helper()
	before := v.Written()
	await(t, 20*time.Second, fmt.Sprintf("%d further writes succeed", more), func() error {
		if n := v.Written() - before; n < more {
			return fmt.Errorf("%d did", n)
		}
		return nil
	})
}

func checkAudit(t *testing.T, v *load.Verified) {
	t.Helper()
	a, err := v.Audit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !a.Clean() || a.Acknowledged == 0 {
		t.Errorf("audit: %v", a)
	}
}
