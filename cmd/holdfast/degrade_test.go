package main_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/cmd/internal/up"
	"holdfast/cmd/internal/view"
	"holdfast/election/topology"
)

// awaitTopology waits until the sentinels tell of a group as it is described.
func (c *cluster) awaitTopology(what string, ok func(*topology.Topology) bool) {
	c.t.Helper()
	await(c.t, 30*time.Second, what, func() error {
		var addrs []string
		for _, s := range c.state().Sentinels {
			addrs = append(addrs, s.Addr)
		}
		t, err := view.AskTopology(c.t.Context(), addrs, up.Group)
		if err == nil && !ok(t) {
			err = fmt.Errorf("%+v", t)
		}
		return err
	})
}

func degraded(t *topology.Topology) bool { return t.Serves() && t.WriteAcks == 0 && t.Degraded }
func restored(t *topology.Topology) bool { return t.Serves() && t.WriteAcks == 1 && !t.Degraded }

// killReplicas kills every node but the master, and returns their addresses.
func (c *cluster) killReplicas() (addrs []string) {
	c.t.Helper()
	master := c.master()
	for _, n := range c.state().Nodes {
		if n.Addr != master.Addr {
			c.kill(n)
			addrs = append(addrs, n.Addr)
		}
	}
	return addrs
}

// Without replicas writes go on after a moment, and with one again they are
// confirmed as before: the master dies then, and nothing is missing.
func TestWritesGoOnWithoutReplicas(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{2, 3} {
		t.Run(fmt.Sprint(nodes, " nodes"), func(t *testing.T) {
			t.Parallel() // mostly it waits for up to start something again
			c := startCluster(t, fmt.Sprintf("--nodes %d --down-after-milliseconds 1000 --restart-after 6s --hold-timeout 60s", nodes))
			c.awaitWhole()
			v := startLoad(t, c, 8)
			awaitWrites(t, v, 100)
			for round := range 2 {
				c.killReplicas()
				c.awaitTopology("fewer confirmations", degraded)
				awaitWrites(t, v, 100)
				c.awaitWhole() // up has started them again
				c.awaitTopology("confirmations again", restored)
				awaitWrites(t, v, 100)
				before := c.master()
				c.kill(before)
				c.awaitTopology("the next master", func(t *topology.Topology) bool { return t.Serves() && t.Master.Addr != before.Addr })
				awaitWrites(t, v, 100)
				c.awaitWhole()
				c.awaitTopology("confirmations with the old master", restored)
				t.Logf("round %d: %s after %s", round, c.master().Addr, before.Addr)
			}
			if res := v.Stop(); res.Errors["UNAVAILABLE"] > 0 {
				t.Errorf("clients saw %v", res.Errors)
			}
			checkAudit(t, v)
		})
	}
}

// With write-acks-policy strict they wait, and none is answered before a replica
// has it.
func TestWritesWaitForReplicasWhenStrict(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--nodes 3 --down-after-milliseconds 1000 --restart-after 6s --write-acks-policy strict "+
		"--write-acks-timeout 2m --hold-timeout 2m")
	c.awaitWhole()
	mustDo(t, c.proxy(), "SET", "k", "before")
	killed := time.Now()
	c.killReplicas()
	v, err := do(t, 2*time.Minute, c.proxy(), "SET", "k", "during")
	took := time.Since(killed)
	if err != nil || v.Text != "OK" {
		t.Fatalf("SET: %q, %v", v.Text, err)
	}
	if took < 5*time.Second { // up starts replicas again after 6 s
		t.Errorf("it was answered after %v, when no replica was there", took)
	}
}

// A degraded master serves as long as sentinels grant it a lease, and no longer.
func TestALeaseEndsWithTheSentinels(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--nodes 1 --restart-after 0 --hold-timeout 2m")
	await(t, 20*time.Second, "it serves", func() error {
		_, err := do(t, time.Second, c.proxy(), "SET", "k", "1")
		return err
	})
	node := c.state().Nodes[0].Addr
	s := &scene{cluster: c}
	s.freeze(c.state().Sentinels...)
	t.Cleanup(func() { s.thaw() })
	await(t, 20*time.Second, "the lease to run out", func() error {
		if _, err := do(t, time.Second, node, "SET", "k", "2"); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
			return errors.New("it serves")
		}
		return nil
	})
	s.thaw()
	if _, err := do(t, 2*time.Minute, c.proxy(), "SET", "k", "3"); err != nil {
		t.Errorf("a write that waited for the sentinels: %v", err)
	}
}

// A lease need not run out of a master whose process does not exist any more, as
// the sentinels on its machine know.
func TestADeadMastersLeaseIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	const lease = time.Minute // the longest
	c := startCluster(t, "--write-acks 0 --down-after-milliseconds 1000 --restart-after 0 --hold-timeout 3m --lease-milliseconds "+fmt.Sprint(lease.Milliseconds()))
	c.awaitWhole()
	mustDo(t, c.proxy(), "SET", "k", "1")
	c.kill(c.master())
	if _, took, err := heldWrite(t, c, "k"); err != nil || took > lease/2 {
		t.Errorf("a write after the master's death: %v, after %v; the lease is %v", err, took, lease)
	}
}
