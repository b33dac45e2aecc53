package main_test

import (
	"testing"
	"time"
)

// Half reads, half writes: most reads are served by replicas, and none misses a
// write that its own connection made.
func TestReadsReachReplicasAndMissNoOwnWrite(t *testing.T) {
	c := startCluster(t, "")
	c.awaitWhole()
	beforeReplica, beforeMaster := proxyReads(t, c, "replica"), proxyReads(t, c, "master")
	v := startLoadOf(t, c, 16, 0.5)
	awaitWrites(t, v, 5000)
	res := v.Stop()
	checkAudit(t, v)
	replica, master := proxyReads(t, c, "replica")-beforeReplica, proxyReads(t, c, "master")-beforeMaster
	share := float64(replica) / float64(max(replica+master, 1))
	t.Logf("%d reads, %.1f %% of them at replicas; median %v", res.Reads, 100*share,
		time.Duration(res.ReadLatency.ValueAtPercentile(50))*time.Microsecond)
	if share < 0.6 {
		t.Errorf("%.1f %% of the reads reached replicas; at least 60 %% are promised", 100*share)
	}
	if len(res.Errors) != 0 {
		t.Errorf("clients saw %v", res.Errors)
	}
}

// WAIT through a proxy waits for what its session has written, whatever connection
// that went over, and is no longer held up than it says.
func TestWaitThroughAProxy(t *testing.T) {
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
