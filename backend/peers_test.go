package backend_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestReplicationConnectionsAreClients: an operator finds and ends them where
// those of clients are found and ended.
func TestReplicationConnectionsAreClients(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir()), begin(t, t.TempDir())
	r.follows(m)
	m.must("SET a 1")
	equal(t, m, r)
	ofReplica := func() string { return m.must("CLIENT LIST TYPE replica").Text }
	ofMaster := func() string { return r.must("CLIENT LIST TYPE master").Text }
	for text, want := range map[string]string{
		ofReplica(): `^id=\d+ addr=127\.0\.0\.1:\d+ laddr=127\.0\.0\.1:` + fmt.Sprint(m.port) + ` .* flags=S db=0 .* cmd=replconf user=default .*\n$`,
		ofMaster():  `^id=\d+ addr=127\.0\.0\.1:` + fmt.Sprint(m.port) + ` laddr=127\.0\.0\.1:\d+ .* flags=M db=0 .* user=\(superuser\) .*\n$`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("%q does not match %s", text, want)
		}
		if n := strings.Count(m.must("CLIENT LIST").Text, "flags=S"); n != 1 {
			t.Errorf("%d replicas among all clients", n)
		}
	}
	if m.must("CLIENT LIST TYPE normal").Text == "" || strings.Contains(m.must("CLIENT LIST TYPE normal").Text, "flags=S") {
		t.Error("a replica is a normal client, or nobody is")
	}
	id := func(line string) string { return strings.TrimPrefix(strings.Fields(line)[0], "id=") }
	for _, end := range []struct {
		at   *process
		list func() string
	}{{m, ofReplica}, {r, ofMaster}} {
		await(t, "it is listed", func() bool { return end.list() != "" })
		before := id(end.list())
		if n := end.at.must("CLIENT KILL ID " + before).Int; n != 1 {
			t.Errorf("killed %d", n)
		}
		await(t, "it is back under another id", func() bool { line := end.list(); return line != "" && id(line) != before })
	}
	m.must("SET a 2")
	equal(t, m, r)
}

// TestFullResyncIsSeen: INFO tells of the snapshot that is read, while the old
// data answers.
func TestFullResyncIsSeen(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir()), begin(t, t.TempDir())
	r.must("SET old here")
	m.must("CONFIG SET rdb-key-save-delay 100000")
	m.must("DEBUG POPULATE 1000")
	loading := func(is string) func() bool {
		return func() bool { return field(r.must("INFO persistence").Text, "async_loading") == is }
	}
	r.must(fmt.Sprintf("REPLICAOF 127.0.0.1 %d", m.port))
	await(t, "the snapshot is read", loading("1"))
	await(t, "some of it came", func() bool { return field(r.must("INFO persistence").Text, "loading_loaded_bytes") > "0" })
	if got := field(r.must("INFO replication").Text, "master_sync_perc"); got != "0.00" { // of a size that was not told
		t.Errorf("%q percent of it came", got)
	}
	if role := r.must("ROLE").Elems; role[3].Text != "sync" || role[4].Int != -1 {
		t.Errorf("ROLE: %v", role)
	}
	if got := r.must("GET old").Text; got != "here" {
		t.Errorf("meanwhile the old data says %q", got)
	}
	m.must("CONFIG SET rdb-key-save-delay 0")
	await(t, "it has been read", loading("0"))
	equal(t, m, r)
}
