package commands

import (
	"slices"
	"testing"
)

func TestLists(t *testing.T) {
	r := newRig(t)
	r.script(`
		LPUSHX l a => :0
		RPUSH l a b c => :3
		LPUSH l z y => :5
		RPUSHX l d => :6
		LRANGE l 0 -1 => [y z a b c d]
		LRANGE l -2 100 => [c d]
		LRANGE l 3 1 => []
		LRANGE nothing 0 -1 => []
		LRANGE l a 1 => -ERR value is not an integer or out of range
		LLEN l => :6
		LLEN nothing => :0
		LINDEX l 0 => y
		LINDEX l -1 => d
		LINDEX l 6 => nil
		LINDEX l x => -ERR value is not an integer or out of range
		LINDEX nothing x => nil
		LSET l 1 Z => OK
		LSET l 9 Z => -ERR index out of range
		LSET nothing 0 Z => -ERR no such key
		LINSERT l BEFORE a b4 => :7
		LINSERT l after d last => :8
		LINSERT l after nothere x => :-1
		LINSERT nothing after a x => :0
		LINSERT l around a x => -ERR syntax error
		LRANGE l 0 -1 => [y Z b4 a b c d last]
		LPOP l => y
		RPOP l => last
		LPOP l 2 => [Z b4]
		RPOP l 2 => [d c]
		RPOP l 0 => []
		LPOP l -1 => -ERR value is out of range, must be positive
		LPOP l 1 1 => -ERR wrong number of arguments for 'lpop' command
		LPOP l 100 => [a b]
		LPOP l => nil
		LPOP l 2 => nil-array
		LLEN l => :0
		RPUSH l a b a c a => :5
		LREM l 2 a => :2
		LRANGE l 0 -1 => [b c a]
		LREM l -1 a => :1
		LREM l 0 x => :0
		LREM nothing 0 x => :0
		LTRIM l 1 -1 => OK
		LRANGE l 0 -1 => [c]
		LTRIM l 5 9 => OK
		LLEN l => :0
		LTRIM nothing 0 1 => OK
		SADD s a => :1
		LPUSH s a => -WRONGTYPE Operation against a key holding the wrong kind of value
		LPOP s => -WRONGTYPE Operation against a key holding the wrong kind of value
	`)
}

func TestLpos(t *testing.T) {
	r := newRig(t)
	r.script(`
		RPUSH l a b c 1 2 3 c c => :8
		LPOS l c => :2
		LPOS l c RANK 2 => :6
		LPOS l c RANK -1 => :7
		LPOS l c COUNT 2 => [:2 :6]
		LPOS l c COUNT 0 => [:2 :6 :7]
		LPOS l c RANK -1 COUNT 2 => [:7 :6]
		LPOS l c COUNT 0 MAXLEN 3 => [:2]
		LPOS l c RANK -1 MAXLEN 1 => :7
		LPOS l 2 => :4
		LPOS l x => nil
		LPOS l x COUNT 1 => []
		LPOS nothing x => nil
		LPOS nothing x COUNT 1 => []
		LPOS l c RANK 4 => nil
		LPOS l c RANK 0 => -ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
		LPOS l c COUNT -1 => -ERR COUNT can't be negative
		LPOS l c MAXLEN -1 => -ERR MAXLEN can't be negative
		LPOS l c RANK => -ERR syntax error
	`)
}

func TestListMoves(t *testing.T) {
	r := newRig(t)
	r.script(`
		RPUSH a 1 2 3 => :3
		LMOVE a b LEFT RIGHT => 1
		LMOVE a b RIGHT LEFT => 3
		LRANGE b 0 -1 => [3 1]
		LMOVE b b LEFT RIGHT => 3
		LRANGE b 0 -1 => [1 3]
		RPOPLPUSH b a => 3
		LRANGE a 0 -1 => [3 2]
		RPOPLPUSH nothing a => nil
		LMOVE nothing a LEFT LEFT => nil
		LMOVE a b UP LEFT => -ERR syntax error
		SADD s x => :1
		LMOVE a s LEFT LEFT => -WRONGTYPE Operation against a key holding the wrong kind of value
		LMOVE s a LEFT LEFT => -WRONGTYPE Operation against a key holding the wrong kind of value
		LRANGE a 0 -1 => [3 2]
		RPOPLPUSH b b => 1
		LRANGE b 0 -1 => [1]
		LMPOP 2 nothing a LEFT => [a [3]]
		LMPOP 1 a RIGHT COUNT 10 => [a [2]]
		LMPOP 1 a RIGHT => nil-array
		LMPOP 0 a RIGHT => -ERR numkeys should be greater than 0
		LMPOP 1 a => -ERR syntax error
		LMPOP 1 a RIGHT COUNT 0 => -ERR count should be greater than 0
		LMPOP 1 a RIGHT COUNT 1 COUNT 1 => -ERR syntax error
	`)
	r.line("LMOVE b a LEFT LEFT")
	if want := []string{"lpush a", "lpop b", "del b"}; !slices.Equal(r.events, want) {
		t.Errorf("events %v, want %v", r.events, want)
	}
}

func TestBlockingLists(t *testing.T) {
	r := newRig(t)
	r.script(`
		BLPOP l x => -ERR timeout is not a float or out of range
		BLPOP l -1 => -ERR timeout is negative
		BLPOP l 1e300 => -ERR timeout is out of range
		BLPOP l 1 => nil-array
		BLMOVE l m LEFT RIGHT 1 => nil
		BLMPOP 1 1 l LEFT => nil-array
	`)
	r.CanWait = true
	for request, until := range map[string]int64{
		"BLPOP l m 0": 0, "BRPOP l 1.5": 1500, "BLMOVE l m LEFT RIGHT 2": 2000,
		"BRPOPLPUSH l m 0.0001": 1, "BLMPOP 3 2 l m LEFT": 3000,
	} {
		if got := r.line(request); got != "waits" || string(r.Waiting().Keys[0]) != "l" {
			t.Fatalf("%s: %s, %q", request, got, r.Waiting().Keys)
		}
		if until > 0 {
			until += r.Now
		}
		if r.Waiting().Until != until || r.Waiting().OnTime != NullArray {
			t.Errorf("%s waits until %d, want %d", request, r.Waiting().Until, until)
		}
	}
	for _, c := range [][3]string{
		{"BLPOP nothing l 0", "[l a]", "LPOP l"},
		{"BRPOP l 0", "[l f]", "RPOP l"},
		{"BLMOVE l m LEFT RIGHT 0", "b", "LMOVE l m LEFT RIGHT"},
		{"BRPOPLPUSH l m 0", "e", "RPOPLPUSH l m"},
		{"BLMPOP 0 2 nothing l LEFT COUNT 9", "[l [c d]]", "LPOP l 2"},
	} {
		if c[0] == "BLPOP nothing l 0" {
			r.line("RPUSH l a b c d e f")
		}
		if got := r.line(c[0]); got != c[1] || r.propagated() != c[2] {
			t.Errorf("%s => %s, propagates %q, want %s, %q", c[0], got, r.propagated(), c[1], c[2])
		}
	}
	r.script(`
		SADD s a => :1
		BLPOP s 0 => -WRONGTYPE Operation against a key holding the wrong kind of value
		BLMOVE s l LEFT LEFT 0 => -WRONGTYPE Operation against a key holding the wrong kind of value
	`)
	if r.propagated() != "" {
		t.Errorf("an error propagates %q", r.propagated())
	}
}
