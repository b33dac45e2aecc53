package backend

import (
	"fmt"
	"testing"

	"holdfast/backend/resp"
)

// A pipeline over a large keyspace is seen to without allocating, one of many
// fields of a large hash too; where it is of no use, the next batches are left
// alone.
func TestPipelineIsExpected(t *testing.T) {
	const many = 20_000
	n := atRest(t)
	s := &session{node: n, proto: 2, authed: true}
	run := func(words ...string) {
		var args [][]byte
		for _, w := range words {
			args = append(args, []byte(w))
		}
		n.x.Out, n.x.Proto = n.x.Out[:0], s.proto
		n.exec(s, &n.x, args)
	}
	for i := range many {
		run("SET", fmt.Sprint("key", i), "v")
		run("HSET", "large", fmt.Sprint("field", i), "v")
	}
	run("RPUSH", "list", "a")
	var keys, fields, same []byte
	for i := range 100 {
		keys = resp.AppendCommand(keys, "GET", fmt.Sprint("key", i*7))
		fields = resp.AppendCommand(fields, "HGET", "large", fmt.Sprint("field", i*7))
		same = resp.AppendCommand(same, "RPUSH", "list", fmt.Sprint(i))
	}
	for name, in := range map[string][]byte{"keys": keys, "fields": fields} {
		took := 0
		if a := testing.AllocsPerRun(100, func() { took = n.expectRequests(s, in) }); a != 0 {
			t.Errorf("%s: %v allocations", name, a)
		}
		if took == 0 || took >= len(in) || s.unforeseen != 0 {
			t.Errorf("%s: saw to %d of %d bytes, rests for %d batches; want %d commands at a time", name, took, len(in), s.unforeseen, expectAhead)
		}
	}
	for batch := range expectRest + 1 {
		n.expectRequests(s, same)
		if s.unforeseen != expectRest-batch {
			t.Fatalf("after %d batches about one list: rests for %d; want %d", batch+1, s.unforeseen, expectRest-batch)
		}
	}
}
