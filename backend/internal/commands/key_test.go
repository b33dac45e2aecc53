package commands

import (
	"strings"
	"testing"

	"holdfast/backend/internal/store"
)

func TestKeys(t *testing.T) {
	r := newRig(t)
	r.script(`
		MSET a 1 b 2 => OK
		RPUSH l x => :1
		EXISTS a b a nothing => :3
		TYPE a => string
		TYPE l => list
		TYPE nothing => none
		TOUCH a nothing => :1
		DBSIZE => :3
		KEYS [lx] => [l]
		KEYS ?[^x] => []
		KEYS nothing* => []
		DEL a nothing => :1
		UNLINK b => :1
		RANDOMKEY => l
		RENAME l m => OK
		RENAME nothing x => -ERR no such key
		RENAME m m => OK
		RENAMENX m m => :0
		RENAMENX nothing m => -ERR no such key
		SET n 1 => OK
		RENAMENX m n => :0
		RENAMENX m k => :1
		RENAME k n => OK
		LRANGE n 0 -1 => [x]
		COPY n n => -ERR source and destination objects are the same
		COPY n o => :1
		COPY n o => :0
		COPY n o REPLACE => :1
		COPY nothing o REPLACE => :0
		COPY n o NO => -ERR syntax error
		COPY n o DB 2 => -ERR DB index is out of range
		COPY n n DB 1 => :1
		COPY n n DB x => -ERR value is not an integer or out of range
		COPY n n DB 9999999999 => -ERR value is out of range, value must between -2147483648 and 2147483647
		MOVE n 0 => -ERR source and destination objects are the same
		MOVE n 1 => :0
		MOVE o 1 => :1
		MOVE o 1 => :0
		MOVE o 2 => -ERR DB index is out of range
		SWAPDB 0 1 => OK
		KEYS o => [o]
		SWAPDB x 1 => -ERR invalid first DB index
		SWAPDB 0 x => -ERR invalid second DB index
		SWAPDB 0 2 => -ERR DB index is out of range
		FLUSHDB NEVER => -ERR syntax error
		FLUSHDB ASYNC => OK
		DBSIZE => :0
		RANDOMKEY => nil
		FLUSHALL => OK
		SWAPDB 0 1 => OK
		DBSIZE => :0
	`)
}

func TestObject(t *testing.T) {
	r := newRig(t)
	r.script(`
		MSET i 12345 s text small 7 => OK
		SET long 0123456789012345678901234567890123456789012345678901234567890123456789 => OK
		OBJECT ENCODING i => int
		OBJECT ENCODING s => embstr
		OBJECT ENCODING long => raw
		APPEND s x => :5
		OBJECT ENCODING s => raw
		OBJECT ENCODING nothing => nil
		OBJECT REFCOUNT small => :2147483647
		OBJECT REFCOUNT i => :1
		OBJECT REFCOUNT s => :1
		OBJECT REFCOUNT nothing => nil
		OBJECT IDLETIME s => :0
		OBJECT IDLETIME nothing => nil
		OBJECT FREQ s => -ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
		OBJECT FREQ nothing => nil
	`)
	r.Store.SetEviction(store.Eviction{Order: store.LFU, Samples: 5, LogFactor: 10, DecayTime: 1})
	r.script(`
		SET new 1 => OK
		OBJECT FREQ new => :5
		OBJECT IDLETIME new => -ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
	`)
	if n := len(parse(t, r.do("OBJECT", "HELP")).Elems); n != 11 {
		t.Errorf("help has %d lines", n)
	}
}

func TestScan(t *testing.T) {
	r := newRig(t)
	for i := range 1000 {
		r.do("SET", "k"+itoa(i), "v")
	}
	r.do("RPUSH", "list", "x")
	r.do("SET", "gone", "x", "PX", "1")
	r.Now += 2
	r.Store.SetNow(r.Now)
	all := func(options ...string) map[string]int {
		seen := map[string]int{}
		for cursor, rounds := "0", 0; rounds == 0 || cursor != "0"; rounds++ {
			v := parse(t, r.do(append([]string{"SCAN", cursor}, options...)...))
			for _, key := range v.Elems[1].Strings() {
				seen[key]++
			}
			cursor = v.Elems[0].Text
			if rounds > 2000 {
				t.Fatal("does not end")
			}
		}
		return seen
	}
	for _, c := range []struct {
		options string
		want    int
	}{{"", 1001}, {"COUNT 100", 1001}, {"MATCH k1*", 111}, {"TYPE list", 1}, {"TYPE STRING", 1000}, {"TYPE nothing", 0}, {"MATCH *", 1001}} {
		if got := all(words(c.options)...); len(got) != c.want {
			t.Errorf("%s: %d keys", c.options, len(got))
		}
	}
	r.script(`
		SCAN x => -ERR invalid cursor
		SCAN 0 COUNT 0 => -ERR syntax error
		SCAN 0 COUNT x => -ERR value is not an integer or out of range
		SCAN 0 MATCH => -ERR syntax error
	`)
}

func TestExpiry(t *testing.T) {
	r := newRig(t)
	r.script(`
		SET a 1 => OK
		TTL a => :-1
		TTL nothing => :-2
		EXPIRE a 100 => :1
		EXPIRE nothing 100 => :0
		TTL a => :100
		PTTL a => :100000
		EXPIRETIME a => :1700000100
		PEXPIRETIME a => :1700000100000
		EXPIRE a 50 NX => :0
		EXPIRE a 50 GT => :0
		EXPIRE a 200 GT => :1
		EXPIRE a 300 LT => :0
		EXPIRE a 100 LT XX => :1
		PERSIST a => :1
		PERSIST a => :0
		EXPIRE a 100 XX => :0
		EXPIRE a 100 GT => :0
		EXPIRE a 100 LT => :1
		EXPIRE a 1 NX GT => -ERR NX and XX, GT or LT options at the same time are not compatible
		EXPIRE a 1 LT GT => -ERR GT and LT options at the same time are not compatible
		EXPIRE a 1 NO => -ERR Unsupported option NO
		EXPIRE a x => -ERR value is not an integer or out of range
		EXPIRE a 9223372036854775807 => -ERR invalid expire time in 'expire' command
		PEXPIRE a 9223372036854775807 => -ERR invalid expire time in 'pexpire' command
		EXPIREAT a 9223372036854775807 => -ERR invalid expire time in 'expireat' command
		PEXPIREAT a 9223372036854775807 => :1
		EXPIREAT a 1800000000 => :1
		PEXPIRE a 1500 => :1
		TTL a => :2
		EXPIRE a -1 => :1
		EXISTS a => :0
		SET b 1 PX 10 => OK
	`)
	r.Now += 11
	r.Store.SetNow(r.Now)
	r.script(`
		GET b => nil
		TTL b => :-2
		EXPIRE b 10 => :0
		SETNX b 2 => :1
	`)
}

func TestExpiryEffects(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ request, effects, events string }{
		{"SET a 1", "SET a 1", "set a"},
		{"EXPIRE a 10", "PEXPIREAT a 1700000010000", "expire a"},
		{"PEXPIRE a 10", "PEXPIREAT a 1700000000010", "expire a"},
		{"EXPIREAT a 1800000000 GT", "PEXPIREAT a 1800000000000", "expire a"},
		{"EXPIRE a 10 NX", "", ""},
		{"PERSIST a", "PERSIST a", "persist a"},
		{"RENAME a b", "RENAME a b", "rename_from a,rename_to b"},
		{"COPY b a", "COPY b a", "copy_to a"},
		{"EXPIRE a 0", "DEL a", "del a"},
		{"MOVE b 1", "MOVE b 1", "move_from b,move_to b"},
		{"DEL b", "", ""},
		{"FLUSHDB", "FLUSHDB", ""},
		{"SETBIT a 3 1", "SETBIT a 3 1", "setbit a"},
		{"SETBIT a 3 1", "", ""},
		{"BITOP NOT c a", "BITOP NOT c a", "set c"},
		{"BITOP NOT c nothing", "BITOP NOT c nothing", "del c"},
		{"BITFIELD a SET u8 0 1", "BITFIELD a SET u8 0 1", "setbit a"},
		{"BITFIELD a SET u8 0 1", "", ""},
	} {
		r.line(c.request)
		if got := r.propagated(); got != c.effects {
			t.Errorf("%s: propagated %q, want %q", c.request, got, c.effects)
		}
		if got := strings.Join(r.events, ","); got != c.events {
			t.Errorf("%s: events %q, want %q", c.request, got, c.events)
		}
	}
}

// A master has decided already: an expiry in the past is set, not carried out.
func TestReplayedExpiry(t *testing.T) {
	r := newRig(t)
	r.Replaying = true
	r.Store.SetExpiry(store.ExpiryIgnore)
	r.script(`
		SET a 1 => OK
		PEXPIREAT a 1000 => :1
		SET b 1 => OK
		PEXPIREAT b -5 => :1
	`)
	for key, want := range map[string]int64{"a": 1000, "b": 1} {
		if ms, ok := r.DB.ExpireOf([]byte(key)); !ok || ms != want {
			t.Errorf("%s expires at %d, %v", key, ms, ok)
		}
	}
}
