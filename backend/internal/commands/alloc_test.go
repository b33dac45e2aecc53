package commands

import (
	"strings"
	"testing"
)

// TestHotCommandsDoNotAllocate covers the requests that make up real loads, against
// compact and large values.
func TestHotCommandsDoNotAllocate(t *testing.T) {
	r := newRig(t)
	r.SetNotify(nil)
	for i := range 1000 {
		n := itoa(i)
		r.do("HSET", "H", "field"+n, n)
		r.do("SADD", "S", "member"+n)
		r.do("ZADD", "Z", n, "member"+n)
		r.do("RPUSH", "L", "some longer element "+n)
	}
	r.line("HSET h field5 v")
	r.line("SADD s member5 member6")
	r.line("ZADD z 1 member5 2 member6 3 member7")
	r.line("RPUSH l a b c d e f g h")
	for _, request := range []string{
		"HSET h field5 w", "HSET H field5 w", "HGET h field5", "HGET H field5", "HGETALL h", "HMGET H field1 field2",
		"HINCRBY h count 1", "HINCRBY H count 1", "SADD s member5", "SADD S member5", "SISMEMBER S member5",
		"ZADD z 7 member5", "ZADD Z 7 member5", "ZINCRBY Z 1 member5", "ZSCORE Z member5", "ZRANK Z member5",
		"ZRANGE Z 10 20 WITHSCORES", "ZRANGEBYSCORE Z 10 20", "SRANDMEMBER S", "SPOP S", "SSCAN S 0",
		"RPUSH l a", "LPOP l", "LPUSH L a", "RPOP L", "LRANGE L 0 99", "LINDEX L 300", "LMOVE l L LEFT RIGHT", "LMOVE L l LEFT RIGHT",
	} {
		args := make([][]byte, 0, 8)
		for _, w := range words(request) {
			args = append(args, []byte(w))
		}
		run := r.rows[strings.ToLower(words(request)[0])]
		if n := testing.AllocsPerRun(100, func() {
			r.Out = r.Out[:0]
			r.Begin(args)
			run(&r.Ctx)
		}); n != 0 {
			t.Errorf("%s: %v allocations, want 0", request, n)
		}
	}
}
