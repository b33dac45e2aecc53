package backend_test

import (
	"fmt"
	"strings"
	"testing"
)

// fields are the names of an INFO section, in order.
func (p *process) fields(section string) []string {
	p.t.Helper()
	var names []string
	for line := range strings.Lines(p.must("INFO " + section).Text) {
		if name, _, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") {
			names = append(names, name)
		}
	}
	return names
}

// Every field that redis-server prints, a node prints too, as a master with a
// replica and as a replica.
func TestInfoHasRedisFields(t *testing.T) {
	t.Parallel()
	theirs, ours := redis(t), begin(t, t.TempDir())
	theirReplica, ourReplica := redis(t), begin(t, t.TempDir())
	theirReplica.follows(theirs)
	ourReplica.follows(ours)
	for _, p := range []*process{theirs, ours} {
		await(t, "the replica is online", func() bool { return strings.Contains(p.must("INFO replication").Text, "state=online") })
		p.must("SET a 1")
	}
	check := func(section string, theirs, ours *process) {
		have := map[string]bool{}
		for _, name := range ours.fields(section) {
			have[name] = true
		}
		for _, name := range theirs.fields(section) {
			if !have[name] && name != "used_active_time_main_thread" {
				t.Errorf("INFO %s lacks %s", section, name)
			}
		}
	}
	for _, section := range []string{"replication", "server", "clients", "memory", "persistence", "stats", "cpu", "keyspace", "cluster"} {
		check(section, theirs, ours)
		check(section, theirReplica, ourReplica)
	}
}

func TestInfoSections(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("SET a 1")
	_, _ = ask(t, p.data, "INCRBY", "a", "x")
	_, _ = ask(t, p.data, "GET")
	_, _ = ask(t, p.data, "nosuch")
	for section, want := range map[string]string{
		"":              "# Server\r\n",
		"server":        fmt.Sprintf("\r\nlistener0:name=tcp,bind=127.0.0.1,port=%d\r\n", p.port),
		"keyspace":      "# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\n",
		"commandstats":  ",rejected_calls=0,failed_calls=1\r\n",
		"COMMANDSTATS":  "cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0\r\n",
		"errorstats":    "errorstat_ERR:count=3\r\n",
		"cpu keyspace":  "# CPU\r\n",
		"nosuchsection": "",
	} {
		if got := p.must("INFO " + section).Text; !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("INFO %s prints %q, want %q in it", section, got, want)
		}
	}
	if got := p.must("INFO").Text; strings.Contains(got, "cmdstat_") {
		t.Error("the default shows commandstats")
	}
	if got := p.must("INFO everything").Text; !strings.Contains(got, "cmdstat_set:") {
		t.Error("everything does not show commandstats")
	}
	p.must("CONFIG RESETSTAT")
	if got := p.must("INFO commandstats").Text; strings.Contains(got, "cmdstat_set:") {
		t.Errorf("after RESETSTAT: %s", got)
	}
	v, err := ask(t, p.ctl, "INFO", "server")
	if err != nil || !strings.Contains(v.Text, fmt.Sprintf("tcp_port:%d\r\n", p.port)) {
		t.Errorf("INFO on the control port: %v, %v", v.Text, err)
	}
}

// TestHitsAndMisses: only what is read counts. A dashboard would otherwise show the
// INCRs and EXPIREs of a counter as a cache that works.
func TestHitsAndMisses(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	for _, c := range []struct{ line, counted string }{
		{"GET s", "1 0"}, {"GET no", "0 1"}, {"MGET s no", "1 1"}, {"SET s 2 GET", "1 0"},
		{"GETDEL no", "0 1"}, {"TTL s", "1 0"}, {"TYPE no", "0 1"}, {"EXISTS s no", "1 1"},
		{"COPY s c", "1 0"}, {"COPY no c", "0 1"}, {"SMEMBERS t", "1 0"}, {"LLEN no", "0 1"},
		{"INCR s", "0 0"}, {"INCRBYFLOAT s 1", "0 0"}, {"APPEND s 0", "0 0"}, {"SETRANGE s 0 1", "0 0"},
		{"SETBIT s 1 1", "0 0"}, {"BITFIELD s SET u8 0 49", "0 0"}, {"EXPIRE s 100", "0 0"},
		{"EXPIRE no 100", "0 0"}, {"LMOVE l m LEFT LEFT", "0 0"}, {"SMOVE t u 1", "0 0"}, {"SMOVE no u 1", "0 0"},
	} {
		for _, line := range []string{"FLUSHALL", "SET s 1", "RPUSH l 1 2", "SADD t 1 2", "CONFIG RESETSTAT", c.line} {
			p.must(line)
		}
		stats := p.must("INFO stats").Text
		if got := field(stats, "keyspace_hits") + " " + field(stats, "keyspace_misses"); got != c.counted {
			t.Errorf("%s: hits and misses are %s, want %s", c.line, got, c.counted)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	if got := p.must("CONFIG GET repl-backlog-size").Strings(); len(got) != 2 || got[1] != "1048576" {
		t.Errorf("CONFIG GET: %v", got)
	}
	p.must("CONFIG SET repl-backlog-size 2mb hash-max-listpack-entries 1")
	if got := p.must("CONFIG GET *backlog-size hash-max-l*entries").Pairs(); got["repl-backlog-size"].Text != "2097152" || got["hash-max-listpack-entries"].Text != "1" {
		t.Errorf("CONFIG GET: %v", got)
	}
	p.must("HSET h a 1 b 2")
	if got := p.must("OBJECT ENCODING h").Text; got != "hashtable" {
		t.Errorf("a hash of two is a %s", got)
	}
	for line, want := range map[string]string{
		"CONFIG SET nosuch 1":                   "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
		"CONFIG SET databases 1":                "ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config",
		"CONFIG SET repl-timeout x":             "ERR CONFIG SET failed (possibly related to argument 'repl-timeout')",
		"CONFIG SET repl-timeout 7 repl-time 1": "ERR Unknown option or number of arguments for CONFIG SET - 'repl-time'",
		"CONFIG SET repl-timeout 7 x":           "ERR syntax error",
		"CONFIG REWRITE":                        "ERR The server is running without a config file",
	} {
		if _, err := ask(t, p.data, strings.Fields(line)...); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
	if got := p.must("CONFIG GET repl-timeout").Strings()[1]; got != "60" {
		t.Errorf("a refused CONFIG SET changed repl-timeout to %s", got)
	}
}

func TestCommandCommand(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	count := p.must("COMMAND COUNT").Int
	if n := int64(len(p.must("COMMAND").Elems)); n != count || n < 150 {
		t.Errorf("COMMAND lists %d, counts %d", n, count)
	}
	get := p.must("COMMAND INFO get nosuch").Elems
	if get[0].Elems[0].Text != "get" || get[0].Elems[1].Int != 2 || len(get[1].Elems) != 0 {
		t.Errorf("COMMAND INFO: %v", get)
	}
	if keys := p.must("COMMAND GETKEYS EVAL x 2 a b c").Strings(); strings.Join(keys, " ") != "a b" {
		t.Errorf("COMMAND GETKEYS: %v", keys)
	}
	if _, err := ask(t, p.data, "COMMAND", "GETKEYS", "PING"); err == nil || err.Error() != "ERR The command has no key arguments" {
		t.Errorf("COMMAND GETKEYS PING: %v", err)
	}
}

// SCAN finds every key that stays, also while others come and go.
func TestScan(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	want := map[string]bool{}
	for i := range 500 {
		key := fmt.Sprintf("stay:%d", i)
		p.must("SET " + key + " x")
		want[key] = true
	}
	for cursor, turn := "0", 0; turn == 0 || cursor != "0"; turn++ {
		v := p.must("SCAN " + cursor + " MATCH stay:* COUNT 7")
		cursor = v.Elems[0].Text
		for _, key := range v.Elems[1].Strings() {
			delete(want, key)
		}
		p.must(fmt.Sprintf("SET other:%d x", turn))
		p.must(fmt.Sprintf("DEL other:%d", turn-3))
	}
	if len(want) > 0 {
		t.Errorf("%d keys were not found", len(want))
	}
}
