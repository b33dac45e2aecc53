package backend_test

import (
	"strings"
	"testing"
)

func TestScripts(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir()), begin(t, t.TempDir())
	r.follows(m)
	eval := func(p *process, words ...string) (string, error) {
		v, err := ask(t, p.data, append([]string{"EVAL"}, words...)...)
		return strings.Join(append(v.Strings(), v.Text), ","), err
	}
	if got, err := eval(m, "redis.call('SELECT', 3) redis.call('SET', KEYS[1], ARGV[1]) redis.call('INCR', 'n') return {KEYS[1], ARGV[1]}", "1", "k", "v"); err != nil || got != "k,v," {
		t.Errorf("EVAL: %q, %v", got, err)
	}
	if _, err := eval(m, "redis.call('SADD', 's', 'a', 'b', 'c') return redis.call('SPOP', 's')", "0"); err != nil {
		t.Error(err)
	}
	if _, err := eval(m, "redis.call('SET', 'half', 1) return redis.call('LPUSH', 'half', 2)", "0"); err == nil || !strings.HasPrefix(err.Error(), "WRONGTYPE") {
		t.Errorf("a script that fails half-way: %v", err)
	}
	if got, err := eval(m, "return redis.pcall('GET').err", "0"); err != nil || !strings.Contains(got, "Wrong number of args") {
		t.Errorf("pcall: %q, %v", got, err)
	}
	equal(t, m, r)
	if got := r.must("GET half").Text; got != "1" {
		t.Errorf("what the failed script did first is %q on the replica", got)
	}
	if got := m.must("EXISTS n").Int; got != 0 {
		t.Error("a script's SELECT outlives it")
	}
	if _, err := eval(r, "return redis.call('SET', 'x', 1)", "0"); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
		t.Errorf("a writing script on a replica: %v", err)
	}
	if got, err := eval(r, "return redis.call('GET', 'half')", "0"); err != nil || got != "1" {
		t.Errorf("a reading script on a replica: %q, %v", got, err)
	}
	if _, err := ask(t, m.data, "EVAL_RO", "return redis.call('SET', 'x', 1)", "0"); err == nil || !strings.Contains(err.Error(), "Write commands are not allowed from read-only scripts") {
		t.Errorf("EVAL_RO: %v", err)
	}
	v, err := ask(t, m.data, "SCRIPT", "LOAD", "return ARGV[1]")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := ask(t, m.data, "EVALSHA", v.Text, "0", "x"); err != nil || v.Text != "x" {
		t.Errorf("EVALSHA: %v, %v", v, err)
	}
	m.must("SCRIPT FLUSH")
	if _, err := ask(t, m.data, "EVALSHA", v.Text, "0", "x"); err == nil || !strings.HasPrefix(err.Error(), "NOSCRIPT") {
		t.Errorf("EVALSHA after SCRIPT FLUSH: %v", err)
	}
}

// What a script does between redis.set_repl calls that name nobody reaches no
// replica; everything else does.
func TestScriptsChooseWhatReplicates(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir()), begin(t, t.TempDir())
	r.follows(m)
	const source = "redis.call('SET', 'a', 1) redis.set_repl(redis.REPL_NONE) redis.call('SET', 'b', 1) redis.call('PUBLISH', 'c', 'x')" +
		" redis.set_repl(redis.REPL_ALL) redis.call('SET', 'c', 1) redis.set_repl(redis.REPL_NONE)"
	if _, err := ask(t, m.data, "EVAL", source, "0"); err != nil {
		t.Fatal(err)
	}
	m.must("SET d 1") // the next command is not muted
	m.must("WAIT 1 0")
	if got := r.must("EXISTS a c d").Int - r.must("EXISTS b").Int; got != 3 {
		t.Errorf("%d", got)
	}
}

// Refused commands of scripts are counted as Redis counts them.
func TestScriptsCountRefusals(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	for _, source := range []string{"#!lua flags=no-writes\nreturn redis.call('SET', 'a', 1)", "return redis.pcall('SET', 'a').err", "return redis.pcall('SUBSCRIBE', 'a').err", "return redis.call('nosuch')"} {
		_, _ = ask(t, p.data, "EVAL", source, "0")
	}
	info := p.must("INFO everything").Text
	for name, want := range map[string]string{
		"cmdstat_set":       "calls=0,usec=0,usec_per_call=0.00,rejected_calls=2,failed_calls=0",
		"cmdstat_subscribe": "calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0",
		"cmdstat_eval":      "failed_calls=2",
		"errorstat_ERR":     "count=4",
	} {
		if got := field(info, name); !strings.HasSuffix(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// The gate goes by what a script declares: in a transaction that a change of the
// role overtakes, and while writers are paused.
func TestDeclaredScriptsAtTheGate(t *testing.T) {
	t.Parallel()
	m, p := begin(t, t.TempDir()), begin(t, t.TempDir())
	const writes, reads, old = "#!lua\nreturn 'w'", "#!lua flags=no-writes\nreturn 'r'", "return 'o'"
	for source, want := range map[string]string{
		writes: "EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.", reads: "r", old: "o",
	} {
		c := p.dial(p.port)
		reply(t, c, "MULTI")
		if got := reply(t, c, "EVAL", source, "0"); got != "QUEUED" {
			t.Fatalf("%q: %s", source, got)
		}
		p.follows(m)
		v, err := ask(t, c, "EXEC")
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = v.Elems[0].Text
		}
		if got != want {
			t.Errorf("EXEC of %q on a replica: %q, want %q", source, got, want)
		}
		p.must("REPLICAOF NO ONE")
	}
	m.must("CLIENT PAUSE 100000 WRITE")
	if got := reply(t, m.data, "EVAL", reads, "0"); got != "r" {
		t.Errorf("a reader while writers are paused: %q", got)
	}
	paused := m.answer("EVAL", writes, "0")
	await(t, "the writer waits", func() bool { return field(m.must("INFO clients").Text, "blocked_clients") == "1" })
	m.must("CLIENT UNPAUSE")
	m.soon("w", paused)
}
