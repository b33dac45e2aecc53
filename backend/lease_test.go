package backend_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// lease asks the master of epoch 1 for a nonce and grants it.
func (p *process) lease(version int, length time.Duration) {
	p.t.Helper()
	probe := fmt.Sprintf("g 1 1 %d", version)
	p.group("", fmt.Sprintf("PROBE %s %s %d", probe, p.fact(probe, "nonce"), length.Milliseconds()))
}

// degrade commits N = 0 at the master of epoch 1.
func (p *process) degrade(version int) {
	p.t.Helper()
	p.group("", fmt.Sprintf("HOLDERS g 1 %d 0", version))
	if got := p.fact(fmt.Sprint("g 1 1 ", version), "holders-version"); got != strconv.Itoa(version) {
		p.t.Fatalf("holders-version %s after the commit of %d", got, version)
	}
}

// With N = 0 a master serves within a lease alone: writes are refused without
// one, and what was executed under one that is over is not answered before the
// next.
func TestServesWithinALease(t *testing.T) {
	t.Parallel()
	m := found(t, 2, 1)[0]
	m.must("SET k v")
	m.degrade(2)
	if _, err := ask(t, m.data, "SET", "k", "w"); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
		t.Fatalf("a write without a lease: %v", err)
	}
	if got := m.must("GET k").Text; got != "v" {
		t.Errorf("GET: %q", got)
	}
	if left := field(m.must("INFO replication").Text, "holdfast_lease_left_ms"); left != "0" {
		t.Errorf("%s ms of a lease are left", left)
	}
	m.lease(2, time.Hour)
	m.must("SET k w")

	// A nonce of another process, or one that it issued long ago, is worth nothing.
	old := m.fact("g 1 1 2", "nonce")
	other := found(t, 2, 1)[0]
	other.degrade(2)
	for _, nonce := range []string{old, "", "x", "0-" + other.fact("g 1 1 2", "run-id")} {
		other.group("", strings.TrimSpace(fmt.Sprintf("PROBE g 1 1 2 %s", orDash(nonce)))+" 600000")
		if _, err := ask(t, other.data, "SET", "k", "w"); err == nil {
			t.Errorf("the nonce %q was taken", nonce)
		}
	}
	other.lease(2, 0) // fencing = off
	other.must("SET k w")
	if left := field(other.must("INFO replication").Text, "holdfast_lease_left_ms"); left != "-1" {
		t.Errorf("without fencing %s ms of a lease are left", left)
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// A reply that was under way when the lease ran out waits for the next lease.
func TestRepliesWaitForALease(t *testing.T) {
	t.Parallel()
	m := found(t, 2, 1, "--enable-debug-command", "yes")[0]
	m.degrade(2)
	m.lease(2, time.Second)
	w := m.wire()
	w.command("MULTI", "SET k v", "DEBUG SLEEP 1.2", "EXEC") // longer than the lease
	w.expect("+OK\r\n+QUEUED\r\n+QUEUED\r\n")
	w.silent()
	await(t, "it was executed", func() bool { return m.must("EXISTS k").Int == 1 })
	w.silent()
	m.lease(2, time.Hour)
	w.expect("*2\r\n+OK\r\n+OK\r\n")
}

// Back at N = 1 no lease is needed.
func TestNoLeaseWithConfirmations(t *testing.T) {
	t.Parallel()
	all := found(t, 2, 1)
	m := all[0]
	m.degrade(2)
	m.group("", "HOLDERS g 1 3 1 "+all[1].fact("g 1 1 0", "incarnation"))
	if _, err := ask(t, m.data, "SET", "k", "w"); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
		t.Errorf("a write without a lease while N = 0 is in force: %v", err)
	}
	await(t, "the holder has confirmed", func() bool { return m.fact("g 1 1 2", "holders-ready") == "1" })
	m.fact("g 1 1 3", "holders-version")
	m.must("SET k w")
}
