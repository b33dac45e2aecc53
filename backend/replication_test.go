package backend_test

import (
	"fmt"
	"strings"
	"testing"
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
	}
	for _, chain := range []string{"node node", "redis node", "node redis", "node node node", "redis node redis", "node redis node"} {
		t.Run(chain, func(t *testing.T) {
			var all []*process
			for kind := range strings.FieldsSeq(chain) {
				all = append(all, kinds[kind](t))
			}
			work(all[0], 0)
			for i := 1; i < len(all); i++ {
				all[i].follows(all[i-1])
			}
			work(all[0], 1)
			last := all[len(all)-1]
			for _, p := range all[1:] {
				equal(t, all[0], p)
			}
			syncs := all[0].must("INFO stats").Text
			for _, p := range all[:len(all)-1] { // a broken link goes on where it was
				p.must("CLIENT KILL TYPE replica")
			}
			work(all[0], 2)
			equal(t, all[0], last)
			if field(all[0].must("INFO stats").Text, "sync_full") != field(syncs, "sync_full") {
				t.Error("a broken link led to a full resync")
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
