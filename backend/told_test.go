package backend_test

import (
	"fmt"
	"strings"
	"testing"
)

// unconfirmed has the master change keys and waits until the replica has it.
func unconfirmed(t *testing.T, m, r *process, requests ...string) *wire {
	t.Helper()
	w, before := m.wire(), m.offset()
	w.command(requests...)
	await(t, "it is written", func() bool { return m.offset() > before })
	await(t, "the replica has it", func() bool { return r.offset() >= m.offset() })
	w.silent()
	return w
}

// A replica does not show what only itself and the master have when two are to hold
// it, be it a value, an absence or a count; all else it shows.
func TestReplicaShowsWhatOthersHoldToo(t *testing.T) {
	t.Parallel()
	m := begin(t, t.TempDir(), "--repl-ping-replica-period", "3600")
	r := begin(t, t.TempDir())
	m.must("MSET other o gone 1")
	r.follows(m)
	m.must("CONFIG SET write-acks 2")
	mute := newMute(t, m)
	await(t, "the replica knows of it", func() bool { return r.offset() == m.offset() })
	blocked := r.wire()
	blocked.command("XREAD BLOCK 0 STREAMS s $")
	r.blocked(1)
	writer := unconfirmed(t, m, r, "SET a 1", "DEL gone", "EVAL \"return redis.call('set', KEYS[1], 1)\" 1 lua", "XADD s 1-1 f v")
	var held []func()
	for _, x := range []struct {
		waits          bool
		request, reply string
	}{
		{false, "GET other", "$1\r\no\r\n"},
		{false, "PING", "+PONG\r\n"},
		{false, "HGET other f", wrongType},
		{true, "GET a", "$1\r\n1\r\n"},
		{true, "GET gone", "$-1\r\n"},
		{true, "HGET a f", wrongType},
		{true, "MGET other lua", "*2\r\n$1\r\no\r\n$1\r\n1\r\n"},
		{true, "DBSIZE", ":4\r\n"},
		{true, "SCAN 0 MATCH nosuch", "*2\r\n$1\r\n0\r\n*0\r\n"},
		{true, "EVAL_RO \"return redis.call('get', 'a')\" 0", "$1\r\n1\r\n"},
		{true, "RANDOMKEY", ""},
	} {
		w := r.wire()
		w.command(x.request)
		if !x.waits {
			w.expect(x.reply)
		} else if early := w.early(); early != "" {
			t.Errorf("%s was answered %q before two replicas had what it shows", x.request, early)
		} else {
			held = append(held, func() { w.expect(x.reply) })
		}
	}
	blocked.silent()
	mute.ack(m.offset())
	for _, expect := range held {
		expect()
	}
	blocked.expect("*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n")
	writer.expect("+OK\r\n:1\r\n+OK\r\n$3\r\n1-1\r\n")
	late := r.wire()
	late.command("GET a", "DBSIZE")
	late.expect("$1\r\n1\r\n:4\r\n")

	m.must("CONFIG SET write-acks 1") // which the replica's own copy is enough for
	mute.Close()
	m.must("SET a 2")
	await(t, "the replica has it", func() bool { return r.must("GET a").Text == "2" })
}

// With one holder a member shows what it has, a replica that is no member and a
// replica's replica do not; who becomes a member does.
func TestOnlyMembersCountThemselves(t *testing.T) {
	t.Parallel()
	m := begin(t, t.TempDir(), "--managed", "yes", "--repl-ping-replica-period", "3600")
	r := begin(t, t.TempDir(), "--managed", "yes")
	sub := begin(t, t.TempDir(), "--managed", "yes")
	for _, p := range []*process{m, r, sub} {
		await(t, "it is loaded", func() bool { return p.fact("g 0 0 0", "loading") == "0" })
		p.group("", "SEAL g 1")
	}
	m.group("", fmt.Sprintf("PROMOTE g 1 %s 1 1 mute", m.fact("g 1 1 0", "run-id")))
	mute := newMuteAs(t, m, "mute")
	r.group("", fmt.Sprintf("FOLLOW g 1 127.0.0.1 %d", m.port))
	sub.group("", fmt.Sprintf("FOLLOW g 1 127.0.0.1 %d", r.port))
	sub.inSync()
	mute.ack(m.offset())
	await(t, "the barrier is open", func() bool { mute.ack(m.offset()); return m.fact("g 1 1 1", "serving") == "1" })

	writer := unconfirmed(t, m, sub, "SET a 1")
	atReplica, atSub := r.wire(), sub.wire()
	atReplica.command("GET a")
	atSub.command("GET a")
	atReplica.silent()
	atSub.silent()
	mute.ack(m.offset())
	for _, w := range []*wire{atReplica, atSub} {
		w.expect("$1\r\n1\r\n")
	}
	writer.expect("+OK\r\n")

	// The change asks both: a member of the new pair alone is none yet.
	m.group("", "HOLDERS g 1 2 1 "+r.fact("g 1 1 1", "incarnation"))
	writer = unconfirmed(t, m, sub, "SET a 2")
	atReplica.command("GET a")
	atReplica.silent()
	mute.ack(m.offset())
	atReplica.expect("$1\r\n2\r\n")
	writer.expect("+OK\r\n")
	await(t, "the change is ready", func() bool { return m.fact("g 1 1 1", "holders-ready") == "1" })
	m.fact("g 1 1 2", "holders-version")
	mute.Close()
	m.must("SET a 3")
	for _, p := range []*process{r, sub} {
		await(t, "all have it", func() bool { return p.must("GET a").Text == "3" })
	}
}

// A node that was restarted shows nothing that it is not known to be confirmed, and
// what its new master tells it.
func TestRestartedReplicaHidesWhatItLoads(t *testing.T) {
	t.Parallel()
	for _, aof := range []string{"yes", "no"} {
		m := begin(t, t.TempDir(), "--write-acks", "2", "--repl-ping-replica-period", "3600")
		dir := t.TempDir()
		r := begin(t, dir, "--appendonly", aof, "--appendfsync", "always")
		loaded := func() bool { return r.fact("g 0 0 0", "loading") == "0" }
		await(t, "it is loaded", loaded)
		r.follows(m)
		mute := newMute(t, m)
		unconfirmed(t, m, r, "SET a 1")
		if aof == "no" {
			r.must("SAVE")
		}
		r.stop()
		r = begin(t, dir, "--appendonly", aof, "--appendfsync", "always", "--replicaof", fmt.Sprintf("127.0.0.1 %d", m.port))
		w := r.wire()
		await(t, "it is loaded", loaded)
		w.command("GET a")
		w.silent()
		await(t, "it follows", func() bool {
			mute.ack(m.offset())
			return strings.Contains(r.must("INFO replication").Text, "master_link_status:up")
		})
		w.expect("$1\r\n1\r\n")
	}
}
