package backend_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// infoField is one field of INFO.
func infoField(t *testing.T, p *process, name string) string {
	t.Helper()
	for _, line := range strings.Split(p.must("INFO everything").Text, "\r\n") {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return v
		}
	}
	t.Fatalf("INFO has no field %s", name)
	return ""
}

func infoInt(t *testing.T, p *process, name string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(infoField(t, p, name), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// squeeze fills a node up to a limit it gets under a policy, and goes on to
// write; it returns the limit and the first refusal.
func squeeze(t *testing.T, p *process, policy, command string) (limit int64, refused string) {
	t.Helper()
	p.must("FLUSHALL")
	limit = infoInt(t, p, "used_memory") + 200<<10
	p.must(fmt.Sprintf("CONFIG SET maxmemory %d maxmemory-policy %s", limit, policy))
	for i := range 5000 {
		words := strings.Fields(fmt.Sprintf(command, i))
		if _, err := ask(t, p.data, words...); err != nil {
			return limit, err.Error()
		}
	}
	return limit, ""
}

func TestMaxmemoryIsKept(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	policies := []string{"allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"}
	if testing.Short() {
		policies = policies[2:4] // one of each kind
	}
	for _, policy := range policies {
		limit, refused := squeeze(t, p, policy, "SETEX key:%d 1000 some-value-of-some-bytes")
		if used := infoInt(t, p, "used_memory"); refused != "" || used > limit+4096 {
			t.Errorf("%s: %d bytes used of %d, %s", policy, used, limit, refused)
		}
		if p.must("DBSIZE").Int < 500 || infoInt(t, p, "evicted_keys") == 0 {
			t.Errorf("%s: %d keys left", policy, p.must("DBSIZE").Int)
		}
		_, refused = squeeze(t, p, policy, "SET key:%d some-value-of-some-bytes")
		if strings.HasPrefix(policy, "volatile") != strings.HasPrefix(refused, "OOM ") {
			t.Errorf("%s, keys without an expiry: %q", policy, refused)
		}
	}
}

func TestOutOfMemoryRefusesWhatTakesMore(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("SET key value")
	p.must("SET counter 1")
	p.must("CONFIG SET maxmemory 1")
	refused := func(want string, words ...string) {
		t.Helper()
		if _, err := ask(t, p.data, words...); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: %v, want %s", words, err, want)
		}
	}
	refused("OOM ", "SET", "other", "x")
	refused("OOM ", "INCR", "counter")
	refused("OOM ", "EVAL", "return redis.call('set','other','x')", "0")
	p.must("GET key")
	p.must("DEL counter")
	p.must("EVAL return{1} 0")
	// A script that has begun to write is not stopped by a lack of memory.
	if v, err := ask(t, p.data, "EVAL", "redis.call('del','nosuch') return redis.call('set','key','again')", "0"); err != nil || v.Text != "OK" {
		t.Errorf("a script that wrote already: %v %v", v, err)
	}
	p.must("MULTI")
	refused("OOM ", "GET", "key")
	refused("EXECABORT ", "EXEC")
	p.must("MULTI")
	p.must("DISCARD")
	p.must("CONFIG SET maxmemory 0")
	p.must("SET other x")
}

// A limit set below what is there is come to without a command, and one
// transaction is not disturbed by it.
func TestEvictionGoesOnBetweenCommands(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	for i := range 2000 {
		p.must(fmt.Sprintf("SET key:%d value", i))
	}
	p.must("MULTI")
	p.must("CONFIG SET maxmemory-policy allkeys-lru maxmemory 1")
	p.must("INCR counter")
	p.must("INCR counter")
	if v := p.must("EXEC"); len(v.Elems) != 3 || v.Elems[2].Int != 2 {
		t.Errorf("EXEC: %v", v)
	}
	await(t, "the keys are evicted", func() bool { return p.must("DBSIZE").Int == 0 })
	if n := infoInt(t, p, "evicted_keys"); n != 2001 {
		t.Errorf("%d keys evicted of 2001", n)
	}
	await(t, "the time over maxmemory is counted", func() bool { return infoInt(t, p, "total_eviction_exceeded_time") > 0 })
}

func TestEvictionIsAnnounced(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("CONFIG SET notify-keyspace-events Ee")
	listener := p.dial(p.port)
	defer listener.Close()
	if _, err := ask(t, listener, "SUBSCRIBE", "__keyevent@0__:evicted"); err != nil {
		t.Fatal(err)
	}
	p.must("SET key value")
	p.must("CONFIG SET maxmemory-policy allkeys-random maxmemory 1")
	v, err := listener.Receive(t.Context())
	if err != nil || strings.Join(v.Strings(), " ") != "message __keyevent@0__:evicted key" {
		t.Errorf("heard %v, %v", v, err)
	}
}

// What clients do not read counts as used, and is given back.
func TestClientsMemoryCounts(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("SETRANGE big 999999 x")
	before := infoInt(t, p, "mem_clients_normal")
	lazy := p.dial(p.port)
	for range 50 {
		lazy.Send("GET", "big")
	}
	if err := lazy.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, "the replies count", func() bool { return infoInt(t, p, "mem_clients_normal") > before+20<<20 })
	lazy.Close()
	await(t, "they count no more", func() bool { return infoInt(t, p, "mem_clients_normal") <= before })
}

func TestMemoryCommands(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("SET key " + strings.Repeat("x", 1000))
	p.must("SETEX other 1000 x")
	if n := p.must("MEMORY USAGE key").Int; n < 1000 || n > 1500 {
		t.Errorf("a key of 1000 bytes takes %d", n)
	}
	for i := range 1000 {
		p.must(fmt.Sprintf("HSET hash field:%d value:%d", i, i))
	}
	if all, some := p.must("MEMORY USAGE hash SAMPLES 0").Int, p.must("MEMORY USAGE hash").Int; all < 20_000 || some < all*9/10 || some > all*11/10 {
		t.Errorf("a hash of 1000 takes %d, by samples %d", all, some)
	}
	for line, want := range map[string]string{
		"MEMORY USAGE key SAMPLES": "ERR syntax error", "MEMORY USAGE key SAMPLES -1": "ERR syntax error",
		"MEMORY USAGE key SAMPLES x": "ERR value is not an integer or out of range", "MEMORY USAGE key x 1": "ERR syntax error",
	} {
		if _, err := ask(t, p.data, strings.Fields(line)...); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
	stats := map[string]int64{}
	elems := p.must("MEMORY STATS").Elems
	for i := 0; i+1 < len(elems); i += 2 {
		stats[elems[i].Text] = elems[i+1].Int
	}
	if stats["keys.count"] != 3 || stats["dataset.bytes"]+stats["overhead.total"] != stats["total.allocated"] || len(elems) != 2*(27+1) {
		t.Errorf("MEMORY STATS: %v", stats)
	}
	if text := p.must("MEMORY DOCTOR").Text; !strings.Contains(text, "too little") {
		t.Errorf("MEMORY DOCTOR of next to nothing: %s", text)
	}
	// The other nodes of this process count as what was there at the start.
	p.must(fmt.Sprintf("SETRANGE big %d x", infoInt(t, p, "used_memory_startup")+20_000_000))
	p.must("INFO memory") // looks at the peak
	p.must("DEL big")
	p.must("SETRANGE big 8000000 x")
	await(t, "the doctor sees the peak", func() bool { return strings.Contains(p.must("MEMORY DOCTOR").Text, "peak") })
	p.must("MEMORY PURGE")
	if text := p.must("MEMORY MALLOC-STATS").Text; !strings.Contains(text, "slabs") {
		t.Errorf("MEMORY MALLOC-STATS: %s", text)
	}
}

// A replica evicts only if it is told not to leave that to its master, and then
// by itself.
func TestReplicaEviction(t *testing.T) {
	t.Parallel()
	m, r := begin(t, t.TempDir()), begin(t, t.TempDir())
	r.follows(m)
	r.must("CONFIG SET maxmemory-policy allkeys-lru maxmemory 1")
	for i := range 100 {
		m.must(fmt.Sprintf("SET key:%d value", i))
	}
	await(t, "the replica has it all", func() bool { return r.must("DBSIZE").Int == 100 })
	if n := r.must("DBSIZE").Int; n != 100 || infoInt(t, r, "evicted_keys") != 0 {
		t.Fatalf("%d keys are left on a replica that ignores maxmemory", n)
	}
	r.must("CONFIG SET replica-ignore-maxmemory no")
	await(t, "the replica evicts", func() bool { return r.must("DBSIZE").Int == 0 })
	m.must("SET another value")
	await(t, "what comes later goes, too", func() bool { return infoInt(t, r, "evicted_keys") == 101 })
	if n := m.must("DBSIZE").Int; n != 101 {
		t.Errorf("%d keys are left on the master", n)
	}
}

// FLUSHALL reaches a replica, under its own name or another, and the file.
func TestFlushIsReplicated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := begin(t, dir, "--appendonly", "yes", "--rename-command", "flushall wipe", "--enable-debug-command", "yes")
	r := begin(t, t.TempDir(), "--rename-command", "flushall clean")
	r.follows(m)
	m.must("SET key value")
	await(t, "the replica has the key", func() bool { return r.must("DBSIZE").Int == 1 })
	m.must("WIPE")
	await(t, "the replica is empty", func() bool { return r.must("DBSIZE").Int == 0 })
	m.must("SET other value")
	m.must("DEBUG LOADAOF")
	if n := m.must("DBSIZE").Int; n != 1 {
		t.Errorf("%d keys after the file was read", n)
	}
}
