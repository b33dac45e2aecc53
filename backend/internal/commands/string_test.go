package commands

import (
	"strings"
	"testing"
)

const wrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value"

func TestStrings(t *testing.T) {
	r := newRig(t)
	r.script(`
		SET a 1 => OK
		GET a => 1
		GET nothing => nil
		SET a 2 NX => nil
		SET b 2 nx => OK
		SET nothing 1 XX => nil
		SET a 3 XX GET => 1
		SET a 4 NX GET => 3
		SET new 1 GET => nil
		SET new 1 XX NX => -ERR syntax error
		SET new 1 EX 10 PX 10 => -ERR syntax error
		SET new 1 EX 10 KEEPTTL => -ERR syntax error
		SET new 1 KEEPTTL EX 10 => -ERR syntax error
		SET new 1 EX => -ERR syntax error
		SET new 1 EX x => -ERR value is not an integer or out of range
		SET new 1 EX 0 => -ERR invalid expire time in 'set' command
		SET new 1 EX 9223372036854775807 => -ERR invalid expire time in 'set' command
		SET new 1 PX 9223372036854775807 => -ERR invalid expire time in 'set' command
		SET new 1 EX 1 EX 100 => OK
		TTL new => :100
		SET new 2 KEEPTTL => OK
		TTL new => :100
		SET new 3 => OK
		TTL new => :-1
		SETNX new 9 => :0
		SETNX new2 9 => :1
		SETEX new 100 v => OK
		SETEX new -1 v => -ERR invalid expire time in 'setex' command
		PSETEX new 2500 v => OK
		PTTL new => :2500
		GETSET new x => v
		GETSET nothing x => nil
		TTL new => :-1
		GETDEL new => x
		GETDEL new => nil
		MSET a 1 b 2 a 3 => OK
		MSET a 1 b => -ERR wrong number of arguments for 'mset' command
		MSETNX a => -ERR wrong number of arguments for 'msetnx' command
		MGET a nokey b l => [3 nil 2 nil]
		MSETNX x 1 a 2 => :0
		MSETNX x 1 y 2 => :1
		RPUSH l e => :1
		GET l => ` + wrongType + `
		GETSET l x => ` + wrongType + `
		GETDEL l => ` + wrongType + `
		GETEX l => ` + wrongType + `
		SET l x GET => ` + wrongType + `
		STRLEN l => ` + wrongType + `
		APPEND l x => ` + wrongType + `
		MGET l => [nil]
		SET l x => OK
	`)
}

func TestStringParts(t *testing.T) {
	r := newRig(t)
	r.script(`
		APPEND a Hello => :5
		APPEND a '' => :5
		APPEND a World => :10
		STRLEN a => :10
		STRLEN nothing => :0
		GETRANGE a 0 3 => Hell
		GETRANGE a -5 -1 => World
		GETRANGE a 0 -100 => H
		GETRANGE a 8 100 => ld
		GETRANGE a x 1 => -ERR value is not an integer or out of range
		SUBSTR a 0 0 => H
		SETRANGE a 5 There => :10
		GET a => HelloThere
		SETRANGE b 2 x => :3
		STRLEN b => :3
		SETRANGE b -1 x => -ERR offset is out of range
		SETRANGE b 1 '' => :3
		SETRANGE nothing 1 '' => :0
		GET nothing => nil
		SETRANGE b 536870912 x => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
	`)
	for _, empty := range []string{"GETRANGE a -1 -5", "GETRANGE a 5 3", "GETRANGE nothing 0 1", "LCS a nothing"} {
		if got := r.line(empty); got != "" {
			t.Errorf("%s: %s", empty, got)
		}
	}
}

func TestNumbers(t *testing.T) {
	r := newRig(t)
	r.script(`
		INCR n => :1
		INCRBY n 10 => :11
		DECR n => :10
		DECRBY n 15 => :-5
		DECRBY n -9223372036854775808 => -ERR decrement would overflow
		INCRBY n -9223372036854775808 => -ERR increment or decrement would overflow
		SET n 9223372036854775807 => OK
		INCR n => -ERR increment or decrement would overflow
		SET n 01 => OK
		INCR n => -ERR value is not an integer or out of range
		SET n '' => OK
		INCR n => -ERR value is not an integer or out of range
		INCRBY n x => -ERR value is not an integer or out of range
		INCRBYFLOAT f 0.1 => 0.1
		INCRBYFLOAT f 0.2 => 0.3
		INCRBYFLOAT f 1e3 => 1000.29999999999999999
		INCRBYFLOAT f inf => -ERR increment would produce NaN or Infinity
		INCRBYFLOAT f x => -ERR value is not a valid float
		SET g abc => OK
		INCRBYFLOAT g 1 => -ERR value is not a valid float
		INCRBYFLOAT f 1p10 => -ERR value is not a valid float
		SET e 1 EX 100 => OK
		INCR e => :2
		INCRBYFLOAT e 1 => 3
		TTL e => :100
		RPUSH l x => :1
		INCR l => ` + wrongType + `
		INCRBYFLOAT l 1 => ` + wrongType + `
	`)
}

func TestLCS(t *testing.T) {
	r := newRig(t)
	r.script(`
		MSET a ohmytext b mynewtext => OK
		LCS a b => mytext
		LCS a b LEN => :6
		LCS a b IDX => [matches [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] len :6]
		LCS a b IDX MINMATCHLEN 4 => [matches [[[:4 :7] [:5 :8]]] len :6]
		LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN => [matches [[[:4 :7] [:5 :8] :4]] len :6]
		LCS a nothing IDX => [matches [] len :0]
		LCS a b IDX LEN => -ERR If you want both the length and indexes, please just use IDX.
		LCS a b NO => -ERR syntax error
		RPUSH l x => :1
		LCS a l => -ERR The specified keys must contain string values
	`)
	r.do("SET", "a", strings.Repeat("x", 12000))
	r.script("LCS a a => -ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
}

// What a request is propagated as, and the events it causes.
func TestStringEffects(t *testing.T) {
	r := newRig(t)
	const now = "1700000000000"
	for _, c := range []struct{ request, effects, events string }{
		{"SET a 1", "SET a 1", "set a"},
		{"SET a 1 EX 10", "SET a 1 PXAT 1700000010000", "set a,expire a"},
		{"SET a 1 PXAT 1800000000000", "SET a 1 PXAT 1800000000000", "set a,expire a"},
		{"SET a 1 PXAT 1800000000000 GET", "SET a 1 PXAT 1800000000000", "set a,expire a"},
		{"SET a 1 EXAT 1800000000", "SET a 1 PXAT 1800000000000", "set a,expire a"},
		{"SET a 1 GET", "SET a 1", "set a"},
		{"SET a 1 KEEPTTL GET XX", "SET a 1 KEEPTTL", "set a"},
		{"SET a 1 NX", "", ""},
		{"SETEX a 10 1", "SET a 1 PXAT 1700000010000", "set a,expire a"},
		{"PSETEX a 10 1", "SET a 1 PXAT 1700000000010", "set a,expire a"},
		{"GETSET a 2", "SET a 2", "set a"},
		{"GETEX a", "", ""},
		{"GETEX a EX 10", "PEXPIREAT a 1700000010000", "expire a"},
		{"GETEX a PERSIST", "PERSIST a", "persist a"},
		{"GETEX a PERSIST", "", ""},
		{"GETEX a PXAT " + now, "DEL a", "del a"},
		{"GETEX a EX 10", "", ""},
		{"SET a 1", "SET a 1", "set a"},
		{"GETDEL a", "DEL a", "del a"},
		{"INCR a", "INCR a", "incrby a"},
		{"INCRBYFLOAT a 1.5", "SET a 2.5 KEEPTTL", "incrbyfloat a"},
		{"APPEND a x", "APPEND a x", "append a"},
		{"SETRANGE a 1 x", "SETRANGE a 1 x", "setrange a"},
		{"MSET a 1 b 2", "MSET a 1 b 2", "set a,set b"},
		{"MSETNX a 1 c 2", "", ""},
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

func TestGetAndSetDoNotAllocate(t *testing.T) {
	r := newRig(t)
	r.SetNotify(nil)
	for _, line := range []string{"SET key value", "GET key", "SET key 12345 EX 100", "INCR key", "MGET key key", "EXPIRE key 100",
		"SETBIT bits 7 1", "DEL nothing", "EXISTS key", "TTL key"} {
		args := make([][]byte, 0, 8)
		for _, w := range words(line) {
			args = append(args, []byte(w))
		}
		run := r.rows[strings.ToLower(string(args[0]))]
		once := func() {
			r.Out = r.Out[:0]
			r.Begin(args)
			run(&r.Ctx)
		}
		for range 10 {
			once() // buffers grow to their sizes
		}
		if n := testing.AllocsPerRun(100, once); n != 0 {
			t.Errorf("%s: %v allocations, reply %q", line, n, r.Out)
		}
	}
}
