package backend_test

import (
	"strings"
	"testing"
)

// brokenHash is a DUMP payload of a hash whose second field reaches beyond its
// listpack. Its checksum is right.
const brokenHash = "\x10\x0c\x0c\x00\x00\x00\x02\x00\x81a\x02\xbf\x00\xff\n\x00"

// A value that came damaged is kept as it is, by the node, its files and its
// replicas, and nobody reads it.
func TestDamagedValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flags := []string{"--enable-debug-command", "yes", "--appendonly", "yes", "--aof-use-rdb-preamble", "no"}
	m, early := begin(t, dir, flags...), begin(t, t.TempDir())
	early.follows(m)
	payload := sealedHash(t, m)
	m.must("CONFIG SET sanitize-dump-payload yes")
	if _, err := ask(t, m.data, "RESTORE", "k", "0", payload); err == nil || err.Error() != "ERR Bad data format" {
		t.Errorf("checked in depth it is %v", err)
	}
	m.must("CONFIG SET sanitize-dump-payload no")
	if _, err := ask(t, m.data, "RESTORE", "k", "100000", payload); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"HGET k a", "HSET k a 1", "GET k", "APPEND k x", "LPUSH k x", "XADD k * a 1", "SADD k a", "PFADD k a"} {
		if _, err := ask(t, m.data, strings.Fields(line)...); err == nil {
			t.Errorf("%s is answered", line)
		}
	}
	if _, err := ask(t, m.data, "HGETALL", "k"); err == nil || !strings.Contains(err.Error(), "came damaged") {
		t.Errorf("HGETALL: %v", err)
	}
	m.must("COPY k copy")
	m.must("RENAME copy other")
	if got := m.must("TYPE other").Text; got != "damaged" {
		t.Errorf("its type is %s", got)
	}
	late := begin(t, t.TempDir())
	late.follows(m)
	for _, p := range []*process{early, late} {
		equal(t, m, p)
		if got := p.must("DUMP other").Text; got != payload {
			t.Errorf("a replica has %q of %q", got, payload)
		}
	}
	digest := m.must("DEBUG DIGEST").Text
	m.must("BGREWRITEAOF")
	m.rewritten()
	m.must("DEBUG RELOAD")
	m.stop()
	m = begin(t, dir, flags...).loaded()
	if got := m.must("DEBUG DIGEST").Text; got != digest {
		t.Error("it is another after a restart")
	}
	m.must("SET other x")
	if m.must("DEL k").Int != 1 || m.must("DBSIZE").Int != 1 {
		t.Errorf("%d keys are left", m.must("DBSIZE").Int)
	}
}

// sealedHash is brokenHash with the checksum that the node itself makes.
func sealedHash(t *testing.T, p *process) string {
	p.must("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1")
	if _, err := ask(t, p.data, "RESTORE", "sum", "0", brokenHash+"12345678"); err != nil {
		t.Fatal(err)
	}
	payload := p.must("DUMP sum").Text
	p.must("DEL sum")
	p.must("DEBUG SET-SKIP-CHECKSUM-VALIDATION 0")
	if len(payload) != len(brokenHash)+8 {
		t.Fatalf("%q became %q", brokenHash, payload)
	}
	return payload
}
