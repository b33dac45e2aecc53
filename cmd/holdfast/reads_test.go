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
