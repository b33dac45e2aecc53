package backend_test

import (
	"fmt"
	"strings"
	"testing"

	"holdfast/backend/netio/freeport"
)

// work changes data of every type, some of it relative, random or in a
// transaction.
func work(p *process, round int) {
	for i := range 20 {
		for _, line := range []string{
			fmt.Sprintf("SET s:%d v%d-%d", i, round, i), fmt.Sprintf("SET t:%d x EX 1000", i), fmt.Sprintf("APPEND s:%d tail", i),
			fmt.Sprintf("INCRBYFLOAT f:%d 0.1", i), fmt.Sprintf("RPUSH l:%d a b c", i), fmt.Sprintf("LPOP l:%d", i),
			fmt.Sprintf("SADD set:%d a b c d e f", i), fmt.Sprintf("SPOP set:%d 2", i), fmt.Sprintf("HSET h:%d f%d x", i, round),
			fmt.Sprintf("ZADD z:%d %d m%d", i, i, round), fmt.Sprintf("ZINCRBY z:%d 1.5 m%d", i, round), fmt.Sprintf("PEXPIRE s:%d 100000", i),
			"SELECT 2", fmt.Sprintf("SET other:%d %d", i, round), "SELECT 0", "MULTI", fmt.Sprintf("INCR n:%d", i), fmt.Sprintf("DEL t:%d", (i+5)%20), "EXEC",
		} {
			p.must(line)
		}
	}
}

// A chain of masters and replicas of both kinds ends up with the same data,
// whether a link copies everything or goes on from the stream.
func TestReplicationChains(t *testing.T) {
	t.Parallel()
	kinds := map[string]func(t *testing.T) *process{
		"node":  func(t *testing.T) *process { return begin(t, t.TempDir()) },
		"redis": func(t *testing.T) *process { return redis(t) },
		"disk":  func(t *testing.T) *process { return redis(t, "--repl-diskless-sync", "no") },
		"swap":  func(t *testing.T) *process { return redis(t, "--repl-diskless-load", "swapdb") },
	}
	for _, chain := range []string{"node node", "redis node", "node redis", "disk node", "node swap", "node node node", "redis node redis", "node redis node"} {
		t.Run(chain, func(t *testing.T) {
			var all []*process
			for kind := range strings.FieldsSeq(chain) {
				all = append(all, kinds[kind](t))
			}
			all[0].fill()
			work(all[0], 0)
			for i := 1; i < len(all); i++ {
				all[i].follows(all[i-1])
			}
			work(all[0], 1)
			churn(all[0], 1)
			last := all[len(all)-1]
			for _, p := range all[1:] {
				equal(t, all[0], p)
			}
			syncs := fullSyncs(all)
			for _, p := range all[:len(all)-1] { // a broken link goes on where it was
				p.must("CLIENT KILL TYPE replica")
			}
			work(all[0], 2)
			churn(all[0], 2)
			equal(t, all[0], last)
			if got := fullSyncs(all); got != syncs {
				t.Errorf("broken links led to %d full resyncs", got-syncs)
			}
			if got := last.must("FUNCTION LIST").Elems; len(got) != 1 {
				t.Errorf("%d libraries reached the end", len(got))
			}
		})
	}
}

func field(info, name string) string {
	_, rest, _ := strings.Cut(info, "\r\n"+name+":")
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

// A replica that is promoted by hand keeps the history: its former sister
// continues from it.
func TestPromotedReplicaKeepsItsSisters(t *testing.T) {
	t.Parallel()
	m, a, b := begin(t, t.TempDir()), begin(t, t.TempDir()), begin(t, t.TempDir())
	a.follows(m)
	b.follows(m)
	work(m, 0)
	equal(t, m, a)
	equal(t, m, b)
	m.stop()
	a.must("REPLICAOF NO ONE")
	a.must("SET k v") // behind REPLICAOF in order
	b.follows(a)
	equal(t, a, b)
	if got := a.must("INFO stats").Text; field(got, "sync_full") != "0" || field(got, "sync_partial_ok") != "1" {
		t.Errorf("sync_full %s, sync_partial_ok %s", field(got, "sync_full"), field(got, "sync_partial_ok"))
	}
}

// REPLICAOF leaves a node's own replicas alone until there is something new for them.
func TestSubReplicasStay(t *testing.T) {
	t.Parallel()
	m, a, s := begin(t, t.TempDir()), begin(t, t.TempDir()), begin(t, t.TempDir())
	sister, other, nobody := begin(t, t.TempDir()), begin(t, t.TempDir()), freeport.Port(t)
	a.follows(m)
	s.follows(a)
	sister.follows(m)
	syncs := func() string {
		stats := a.must("INFO stats").Text
		return fmt.Sprintf("full %s, partial %s", field(stats, "sync_full"), field(stats, "sync_partial_ok"))
	}
	for round, next := range []*process{sister, m} {
		a.must(fmt.Sprintf("REPLICAOF 127.0.0.1 %d", nobody))
		await(t, "the next master has as much", func() bool { return next.offset() >= a.offset() })
		a.follows(next)
		work(m, round)
		equal(t, m, s)
	}
	if got := syncs(); got != "full 1, partial 0" {
		t.Errorf("masters of the same history: %s", got)
	}
	work(other, 9)
	a.follows(other)
	equal(t, other, s)
	if got := syncs(); got != "full 2, partial 0" {
		t.Errorf("a master of another history: %s", got)
	}
}

func TestReplicaRefusesWrites(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir()), begin(t, t.TempDir())
	r.follows(m)
	if _, err := ask(t, r.data, "SET", "a", "1"); err == nil || err.Error() != "READONLY You can't write against a read only replica." {
		t.Errorf("a write to a replica: %v", err)
	}
	if got := r.must(fmt.Sprintf("REPLICAOF 127.0.0.1 %d", m.port)).Text; got != "OK Already connected to specified master" {
		t.Errorf("REPLICAOF again: %s", got)
	}
	if role := r.must("ROLE").Elems; role[0].Text != "slave" || role[2].Int != int64(m.port) || role[3].Text != "connected" {
		t.Errorf("ROLE: %v", role)
	}
	if role := m.must("ROLE").Elems; role[0].Text != "master" || len(role[2].Elems) != 1 {
		t.Errorf("ROLE: %v", role)
	}
	for line, want := range map[string]string{
		"REPLICAOF localhost port": "ERR Invalid master port",
		"WAIT 1 0":                 "ERR WAIT cannot be used with replica instances",
	} {
		if _, err := ask(t, r.data, strings.Fields(line)...); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir()), begin(t, t.TempDir())
	m.must("SET a 1")
	if got := m.must("WAIT 1 20").Int; got != 0 {
		t.Errorf("WAIT without replicas: %d", got)
	}
	r.follows(m)
	m.must("SET a 2")
	if got := m.must("WAIT 1 0").Int; got != 1 {
		t.Errorf("WAIT: %d", got)
	}
	if got := r.must("GET a").Text; got != "2" {
		t.Errorf("the replica has %q", got)
	}
	if got := m.must("WAIT 2 20").Int; got != 1 {
		t.Errorf("WAIT 2: %d", got)
	}
}

// What a replica announces may be changed while it follows.
func TestAnnouncedAddress(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir()), begin(t, t.TempDir(), "--replica-announce-ip", "10.9.8.7", "--replica-announce-port", "7777")
	shown := func(want string) {
		t.Helper()
		await(t, "it is shown at "+want, func() bool {
			return strings.HasPrefix(field(m.must("INFO replication").Text, "slave0"), want+",state=online,")
		})
	}
	r.follows(m)
	shown("ip=10.9.8.7,port=7777")
	r.must("CONFIG SET replica-announce-ip 10.9.8.6 replica-announce-port 6666")
	m.must("CLIENT KILL TYPE replica")
	shown("ip=10.9.8.6,port=6666")
}

// Writes need as many replicas as are set, heard as lately as is set; without either
// setting they do not.
func TestMinReplicasToWrite(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir(), "--min-replicas-to-write", "1"), begin(t, t.TempDir())
	good := func() string { return field(m.must("INFO replication").Text, "min_slaves_good_slaves") }
	refused := func() bool {
		_, err := ask(t, m.data, "SET", "k", "v")
		return err != nil && err.Error() == "NOREPLICAS Not enough good replicas to write."
	}
	if !refused() || good() != "0" {
		t.Errorf("without a replica; %s are good", good())
	}
	m.must("CONFIG SET min-replicas-max-lag 0")
	if refused() || good() != "" {
		t.Errorf("switched off by max-lag; %q are good", good())
	}
	m.must("CONFIG SET min-replicas-max-lag 10")
	r.follows(m)
	await(t, "the replica is good", func() bool { return good() == "1" })
	m.must("SET k v")
	r.must("REPLICAOF NO ONE")
	await(t, "it is gone", refused)
}

// What a replica without a master may show is a setting.
func TestStaleData(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir()), begin(t, t.TempDir(), "--replica-serve-stale-data", "no")
	m.must("SET k v")
	r.follows(m)
	if got := r.must("GET k").Text; got != "v" {
		t.Errorf("the replica has %q", got)
	}
	m.stop()
	await(t, "it is refused", func() bool {
		_, err := ask(t, r.data, "GET", "k")
		return err != nil && err.Error() == "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
	})
	r.must("INFO")
	r.must("CONFIG SET replica-serve-stale-data yes")
	if got := r.must("GET k").Text; got != "v" {
		t.Errorf("of old data there is %q", got)
	}
}

// A master that had no replica for repl-backlog-ttl records nothing any more; one that
// comes back then gets everything.
func TestBacklogIsForgotten(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir(), "--repl-backlog-ttl", "1"), begin(t, t.TempDir())
	active := func() string { return field(m.must("INFO replication").Text, "repl_backlog_active") }
	r.follows(m)
	work(m, 0)
	equal(t, m, r)
	r.must("REPLICAOF NO ONE")
	id := field(m.must("INFO replication").Text, "master_replid")
	await(t, "the backlog is freed", func() bool { return active() == "0" })
	if got := field(m.must("INFO replication").Text, "master_replid"); got == id {
		t.Error("what comes next goes by the name of a history that it is not recorded in")
	}
	work(m, 1)
	r.follows(m)
	work(m, 2)
	equal(t, m, r)
	if full := field(m.must("INFO stats").Text, "sync_full"); full != "2" || active() != "1" {
		t.Errorf("%s full resyncs, the backlog is active: %s", full, active())
	}
}

// A replica with fewer databases than its master does not follow into one that it
// does not have, and says so; what it has stays.
func TestFewerDatabasesThanTheMaster(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir()), begin(t, t.TempDir(), "--databases", "2")
	r.follows(m)
	m.must("SET k 1")
	await(t, "the key is there", func() bool { return r.must("DBSIZE").Int == 1 })
	m.must("SELECT 2")
	m.must("SET k 2")
	await(t, "the link is down", func() bool {
		return strings.Contains(r.must("INFO replication").Text, "master_link_status:down")
	})
	if got := r.must("GET k").Text; got != "1" {
		t.Errorf("the replica has %q", got)
	}
}
