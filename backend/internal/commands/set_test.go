package commands

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestSets(t *testing.T) {
	r := newRig(t)
	r.script(`
		SADD s a b a => :2
		SADD s b => :0
		SCARD s => :2
		SCARD nothing => :0
		SISMEMBER s a => :1
		SISMEMBER s z => :0
		SISMEMBER nothing z => :0
		SMISMEMBER s a z b => [:1 :0 :1]
		SMISMEMBER nothing a => [:0]
		SMEMBERS s => [a b]
		SMEMBERS nothing => []
		SREM s a z => :1
		SREM nothing a => :0
		SADD n 3 1 2 => :3
		SMEMBERS n => [1 2 3]
		SMOVE n m 2 => :1
		SMOVE n m 9 => :0
		SMOVE nothing m 9 => :0
		SMEMBERS m => [2]
		SMOVE m m 2 => :1
		SMOVE m n 2 => :1
		SCARD m => :0
		HSET h f v => :1
		SADD h a => -WRONGTYPE Operation against a key holding the wrong kind of value
		SMOVE n h 1 => -WRONGTYPE Operation against a key holding the wrong kind of value
		SINTER n h => -WRONGTYPE Operation against a key holding the wrong kind of value
		SSCAN n 0 => [0 [1 2 3]]
		SSCAN n 0 MATCH [12] => [0 [1 2]]
	`)
	r.Proto = 3
	r.script(`SMEMBERS n => ~[1 2 3]`)
}

func TestSetAlgebra(t *testing.T) {
	r := newRig(t)
	r.script(`
		SADD a 1 2 3 4 => :4
		SADD b 3 4 5 => :3
		SADD c 4 x => :2
		SINTER a b => [3 4]
		SINTER a b c => [4]
		SINTER a nothing => []
		SINTER a a => [1 2 3 4]
		SUNION a b => [1 2 3 4 5]
		SUNION nothing c => [4 x]
		SDIFF a b => [1 2]
		SDIFF a b c nothing => [1 2]
		SDIFF a a => []
		SDIFF nothing a => []
		SINTERCARD 2 a b => :2
		SINTERCARD 2 a b LIMIT 1 => :1
		SINTERCARD 2 a b LIMIT 0 => :2
		SINTERCARD 0 a => -ERR numkeys should be greater than 0
		SINTERCARD x a => -ERR numkeys should be greater than 0
		SINTERCARD 3 a b => -ERR Number of keys can't be greater than number of args
		SINTERCARD 1 a LIMIT => -ERR syntax error
		SINTERCARD 1 a LIMIT -1 => -ERR LIMIT can't be negative
		SINTERSTORE d a b => :2
		SMEMBERS d => [3 4]
		SUNIONSTORE d a c => :5
		SDIFFSTORE d a b => :2
		SMEMBERS d => [1 2]
		SDIFFSTORE a a b => :2
		SMEMBERS a => [1 2]
		SINTERSTORE d a nothing => :0
		SCARD d => :0
	`)
	if r.line("SINTERSTORE d a nothing"); r.Dirty() != 0 || len(r.events) != 0 {
		t.Error("deleting nothing counts as a change")
	}
	for i := range 2000 { // both ways to subtract
		r.do("SADD", "large", itoa(i))
		r.do("SADD", "other", itoa(i*2))
		r.do("SADD", "few", itoa(i%10))
	}
	r.script(`
		SDIFFSTORE d large other => :1000
		SDIFFSTORE d few large => :0
		SDIFFSTORE d large few few few few few few => :1990
		SUNIONSTORE d large other => :3000
		SINTERCARD 2 large other => :1000
	`)
}

func TestSpop(t *testing.T) {
	r := newRig(t)
	r.script(`
		SPOP nothing => nil
		SPOP nothing 3 => []
		SADD s a => :1
		SPOP s -1 => -ERR value is out of range, must be positive
		SPOP s 0 => []
		SPOP s 1 2 => -ERR syntax error
		SPOP s => a
	`)
	if got := r.propagated(); got != "SREM s a" || !slices.Equal(r.events, []string{"spop s", "del s"}) {
		t.Errorf("propagates %q, notifies %v", got, r.events)
	}
	for _, size := range []int{100, 5000} {
		for i := range size {
			r.do("SADD", "s", fmt.Sprint("m", i))
		}
		v := parse(t, r.do("SPOP", "s", itoa(size-10)))
		popped := v.Strings()
		var removed []string
		r.Effects().Each(func(args [][]byte) {
			if len(args) > 1026 || string(args[0]) != "SREM" || string(args[1]) != "s" {
				t.Errorf("propagates %d words beginning with %s %s", len(args), args[0], args[1])
			}
			for _, m := range args[2:] {
				removed = append(removed, string(m))
			}
		})
		if len(popped) != size-10 || !slices.Equal(popped, removed) {
			t.Errorf("popped %d, propagated %d of %d", len(popped), len(removed), size-10)
		}
		if v := parse(t, r.do("SPOP", "s", "50")); len(v.Elems) != 10 || r.propagated() != "DEL s" {
			t.Errorf("the rest: %d members, propagated %q", len(v.Elems), r.propagated())
		}
	}
}

func TestRandomMembers(t *testing.T) {
	r := newRig(t)
	r.script(`
		SRANDMEMBER nothing => nil
		SRANDMEMBER nothing 2 => []
		SADD s a => :1
		SRANDMEMBER s => a
		SRANDMEMBER s -2 => [a a]
		SRANDMEMBER s 5 => [a]
		SRANDMEMBER s 5 5 => -ERR syntax error
	`)
	for i := range 100 {
		r.do("SADD", "ints", itoa(i))
	}
	counts := map[string]int{}
	for range 2000 {
		for _, m := range strings.Fields(strings.Trim(r.line("SRANDMEMBER ints 10"), "[]")) {
			counts[m]++
		}
	}
	for m, n := range counts { // 200 expected, 13.4 the deviation
		if n < 120 || n > 280 {
			t.Errorf("%s was drawn %d times of about 200", m, n)
		}
	}
}
