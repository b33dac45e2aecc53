package backend_test

import "testing"

// Emptying everything is the master's to decide and the replica's to do, also
// where the command goes by another name or by none.
func TestFlushAllReachesReplicas(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir()), begin(t, t.TempDir(), "--rename-command", "FLUSHALL", "")
	r.follows(m)
	for _, line := range []string{"FLUSHALL", "FLUSHDB"} {
		m.must("SET k 1")
		await(t, "the key is there", func() bool { return r.must("DBSIZE").Int == 1 })
		m.must(line)
		await(t, line+" arrives", func() bool { return r.must("DBSIZE").Int == 0 })
	}
}
