package commands

import "testing"

func TestHashes(t *testing.T) {
	r := newRig(t)
	r.script(`
		HSET h a 1 b two => :2
		HSET h a 2 c '' => :1
		HSET h a => -ERR wrong number of arguments for 'hset' command
		HMSET h d 4 => OK
		HMSET h d => -ERR wrong number of arguments for 'hmset' command
		HGET h a => 2
		HGET h nothing => nil
		HGET nothing a => nil
		HMGET h a nothing b => [2 nil two]
		HMGET nothing a => [nil]
		HSETNX h a 9 => :0
		HSETNX h e 5 => :1
		HLEN h => :5
		HLEN nothing => :0
		HSTRLEN h b => :3
		HSTRLEN nothing b => :0
		HEXISTS h b => :1
		HEXISTS h z => :0
		HKEYS h => [a b c d e]
		HVALS h => [2 two  4 5]
		HGETALL h => [a 2 b two c  d 4 e 5]
		HGETALL nothing => []
		HDEL h a b nothing => :2
		HDEL nothing a => :0
		HDEL h c d e => :3
		HLEN h => :0
		SADD s a => :1
		HGET s a => -WRONGTYPE Operation against a key holding the wrong kind of value
		HSET s a 1 => -WRONGTYPE Operation against a key holding the wrong kind of value
		HDEL s a => -WRONGTYPE Operation against a key holding the wrong kind of value
	`)
	r.Proto = 3
	r.script(`
		HSET h a 1 => :1
		HGETALL h => %[a 1]
		HGETALL nothing => %[]
		HKEYS h => [a]
	`)
}

func TestHashIncrements(t *testing.T) {
	r := newRig(t)
	r.script(`
		HINCRBY h n 5 => :5
		HINCRBY h n -7 => :-2
		HINCRBY h n x => -ERR value is not an integer or out of range
		HSET h text abc max 9223372036854775807 min -9223372036854775808 => :3
		HINCRBY h text 1 => -ERR hash value is not an integer
		HINCRBY h max 1 => -ERR increment or decrement would overflow
		HINCRBY h min -1 => -ERR increment or decrement would overflow
		HINCRBY h max -9223372036854775808 => :-1
		HINCRBYFLOAT h f 10.5 => 10.5
		HINCRBYFLOAT h f 0.1 => 10.6
		HINCRBYFLOAT h f 5.0e3 => 5010.60000000000000009
		HINCRBYFLOAT h text 1 => -ERR hash value is not a float
		HINCRBYFLOAT h f x => -ERR value is not a valid float
		HINCRBYFLOAT h f inf => -ERR value is NaN or Infinity
		HINCRBY new x y => -ERR value is not an integer or out of range
		HLEN new => :0
	`)
	r.line("HINCRBYFLOAT h f 1")
	if got, want := r.propagated(), "HSET h f 5011.60000000000000009"; got != want {
		t.Errorf("propagated %q, want %q", got, want)
	}
	r.line("HINCRBY h text 1")
	if r.propagated() != "" || len(r.events) != 0 {
		t.Errorf("a failed increment propagates %q, notifies %v", r.propagated(), r.events)
	}
}

func TestHashScan(t *testing.T) {
	r := newRig(t)
	r.script(`
		HSET h name1 v name2 w other x => :3
		HSCAN h 0 => [0 [name1 v name2 w other x]]
		HSCAN h 0 MATCH name* COUNT 1 => [0 [name1 v name2 w]]
		HSCAN nothing 0 => [0 []]
		HSCAN h x => -ERR invalid cursor
		HSCAN h 0 COUNT 0 => -ERR syntax error
		HSCAN h 0 COUNT x => -ERR value is not an integer or out of range
		HSCAN h 0 MATCH => -ERR syntax error
	`)
	for i := range 1000 {
		r.do("HSET", "big", "f"+string(rune('0'+i%10))+string(rune('0'+i/10%10))+string(rune('0'+i/100)), "v")
	}
	seen, cursor, calls := map[string]bool{}, "0", 0
	for {
		v := parse(t, r.do("HSCAN", "big", cursor, "COUNT", "20"))
		for i := 0; i < len(v.Elems[1].Elems); i += 2 {
			seen[v.Elems[1].Elems[i].Text] = true
		}
		if calls++; v.Elems[0].Text == "0" {
			break
		}
		cursor = v.Elems[0].Text
	}
	if len(seen) != 1000 || calls < 20 {
		t.Errorf("%d calls found %d of 1000", calls, len(seen))
	}
}

func TestRandomFields(t *testing.T) {
	r := newRig(t)
	r.script(`
		HRANDFIELD nothing => nil
		HRANDFIELD nothing 5 => []
		HSET one f v => :1
		HRANDFIELD one => f
		HRANDFIELD one -3 => [f f f]
		HRANDFIELD one 3 WITHVALUES => [f v]
		HRANDFIELD one 0 => []
		HRANDFIELD one x => -ERR value is not an integer or out of range
		HRANDFIELD one 1 WITHSCORES => -ERR syntax error
		HRANDFIELD one -9223372036854775807 => -ERR value is out of range
	`)
	r.Proto = 3
	r.script(`HRANDFIELD one 3 WITHVALUES => [[f v]]`)
	for _, size := range []int{20, 3000} {
		for i := range size {
			r.do("HSET", "h", "f"+string(rune(i+1000)), "v")
		}
		for _, count := range []int{size / 10, size / 2, size - 1, size, size + 1} {
			seen := map[string]bool{}
			v := parse(t, r.do("HRANDFIELD", "h", itoa(count)))
			for _, e := range v.Elems {
				seen[e.Text] = true
			}
			if want := min(count, size); len(seen) != want || len(v.Elems) != want {
				t.Errorf("%d of %d: %d fields, %d of them distinct", count, size, len(v.Elems), len(seen))
			}
		}
	}
}
