package backend_test

import (
	"fmt"
	"strings"
	"testing"
)

// state is the node's role and how far its FAILOVER is.
func (p *process) state() string {
	text := p.must("INFO replication").Text
	return field(text, "role") + " " + field(text, "master_failover_state")
}

func TestFailoverCommand(t *testing.T) {
	t.Parallel()
	m, r, other := begin(t, t.TempDir()), begin(t, t.TempDir()), begin(t, t.TempDir())
	refused := func(p *process, line, want string) {
		t.Helper()
		if _, err := ask(t, p.data, strings.Fields(line)...); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
	to := fmt.Sprintf("FAILOVER TO 127.0.0.1 %d", r.port)
	refused(m, to, "ERR FAILOVER requires connected replicas.")
	refused(m, "FAILOVER ABORT", "ERR No failover in progress.")
	r.follows(m)
	other.follows(m)
	refused(r, to, "ERR FAILOVER is not valid when server is a replica.")
	refused(m, to+" FORCE", "ERR FAILOVER with force option requires both")
	refused(m, "FAILOVER TO 127.0.0.1 1", "ERR FAILOVER target HOST and PORT is not a replica.")
	refused(m, "FAILOVER TIMEOUT 0", "ERR FAILOVER timeout must be greater than 0")
	refused(m, "FAILOVER NOW", "ERR syntax error")
	refused(m, "PSYNC ? -1 FAILOVER", "ERR PSYNC FAILOVER can't be sent to a master.")
	refused(r, "PSYNC ? -1 FAILOVER", "ERR PSYNC FAILOVER replid must match my replid.")

	m.must("SET k 1")
	m.must(to)
	await(t, "the target is the master", func() bool { return r.state() == "master no-failover" && m.state() == "slave no-failover" })
	r.must("SET k 2")
	await(t, "the old master follows", func() bool { return m.must("GET k").Text == "2" })
	await(t, "the third follows through it", func() bool { return other.must("GET k").Text == "2" })
	if full := field(r.must("INFO stats").Text, "sync_full"); full != "0" {
		t.Errorf("the new master sent %s snapshots", full)
	}
}

// A failover that finds nobody to take over leaves the master as it was.
func TestFailoverEndsWithTheMaster(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir()), begin(t, t.TempDir())
	r.follows(m)
	stuck := r.wire()
	stuck.command("DEBUG SLEEP 3")
	await(t, "a write that the replica has not", func() bool {
		m.must("INCR k")
		return m.must("WAIT 1 50").Int == 0
	})
	m.must("FAILOVER TIMEOUT 60000")
	if got := m.state(); got != "master waiting-for-sync" {
		t.Errorf("while it waits: %s", got)
	}
	m.must("GET k")
	if _, err := ask(t, m.data, "REPLICAOF", "NO", "ONE"); err == nil || err.Error() != "ERR REPLICAOF not allowed while failing over." {
		t.Errorf("REPLICAOF meanwhile: %v", err)
	}
	m.must("FAILOVER ABORT")
	if got := m.state(); got != "master no-failover" {
		t.Errorf("after ABORT: %s", got)
	}
	m.must("FAILOVER TIMEOUT 10")
	await(t, "the time is over", func() bool { return m.state() == "master no-failover" })
	m.must("SET k 3")
	await(t, "the replica goes on", func() bool { return r.must("GET k").Text == "3" })
}
