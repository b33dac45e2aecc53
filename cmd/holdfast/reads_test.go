package main_test

import (
	"fmt"
	"testing"
	"time"
)

// Half reads, half writes: most reads are served by replicas, and none misses a
// write that its own connection made.
func TestReadsReachReplicasAndMissNoOwnWrite(t *testing.T) {
	c := startCluster(t, "")
	c.awaitWhole()
	v := startLoadOf(t, c, 16, 0.5)
	// A replica that is not run for a moment lags, and rightly answers nothing.
	await(t, time.Minute, "60 % of the reads of some time are served by replicas", func() error {
		beforeReplica, beforeMaster := proxyReads(t, c, "replica"), proxyReads(t, c, "master")
		awaitWrites(t, v, 5000)
		replica, master := proxyReads(t, c, "replica")-beforeReplica, proxyReads(t, c, "master")-beforeMaster
		share := float64(replica) / float64(max(replica+master, 1))
		t.Logf("%.1f %% of %d reads at replicas", 100*share, replica+master)
		if share < 0.6 {
			return fmt.Errorf("%.1f %% are", 100*share)
		}
		return nil
	})
	res := v.Stop()
	checkAudit(t, v)
	if len(res.Errors) != 0 {
		t.Errorf("clients saw %v", res.Errors)
	}
}

// WAIT through a proxy waits for what its session has written, whatever connection
// that went over, and is no longer held up than it says.
func TestWaitThroughAProxy(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--write-acks 0 --down-after-milliseconds 5000")
	c.awaitWhole()
	s := &scene{cluster: c}
	u := &user{m: &mixed{t: t, addrs: []string{c.proxy()}}}
	t.Cleanup(func() { s.thaw(); u.close() })
	expect := func(want int64, args ...string) {
		t.Helper()
		if v, err := u.do(args...); err != nil || v.Int != want {
			t.Fatalf("%v answered %v, %v; want %d", args, v, err, want)
		}
	}
	for range 3 {
		expect(0, "SET", "k", "1")
		expect(2, "WAIT", "2", "0")
		s.freeze(c.replicas()...)
		expect(0, "SET", "k", "2")
		expect(0, "WAIT", "1", "200")
		s.thaw()
		expect(2, "WAIT", "2", "0")
	}
	v, err := u.do("WAITAOF", "0", "0", "0")
	if err != nil || len(v.Elems) != 2 {
		t.Fatal(v, err)
	}
}
