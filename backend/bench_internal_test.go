package backend

import (
	"strings"
	"testing"

	"holdfast/backend/resp"
)

// BenchmarkCommand is what a request costs a node besides the network: parsing,
// the gate, the command, its unit in the stream, the reply.
func BenchmarkCommand(b *testing.B) {
	for _, c := range []struct{ name, before, line string }{
		{"PING", "", "PING"},
		{"SET", "", "SET key:000000000001 xxx"},
		{"GET", "SET key:000000000001 xxx", "GET key:000000000001"},
		{"INCR", "", "INCR counter:000000000001"},
		{"LPUSH", "", "LPUSH mylist xxx"},
		{"RPUSH", "", "RPUSH mylist xxx"},
		{"LPOP", "RPUSH mylist xxx", "LPOP mylist"},
		{"RPOP", "LPUSH mylist xxx", "RPOP mylist"},
		{"SADD", "", "SADD myset element:000000000001"},
		{"SPOP", "", "SPOP myset"},
		{"HSET", "", "HSET myhash element:000000000001 xxx"},
		{"ZADD", "", "ZADD myzset 0 element:000000000001"},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkCommand(b, c.before, c.line) })
	}
}

func benchmarkCommand(b *testing.B, before, line string) {
	n := atRest(b)
	s := &session{node: n, proto: 2, authed: true}
	x := &n.x
	run := func(in []byte) {
		x.Out, x.Proto = x.Out[:0], s.proto
		s.batch = batch{}
		for len(in) > 0 {
			args, size, err := s.parser.Next(in)
			if err != nil {
				b.Fatal(err)
			}
			in = in[size:]
			n.serve(s, x, args)
		}
		s.parser.Release(in)
		n.unit.publish()
	}
	batch := func(line string) (in []byte) {
		for range 16 {
			in = resp.AppendRequest(in, words(line))
		}
		return in
	}
	if before != "" {
		in := batch(before)
		for range b.N/16 + 1 {
			run(in)
		}
	}
	in := batch(line)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += 16 {
		run(in)
	}
	if x.Out[0] == '-' {
		b.Fatalf("%s: %s", line, x.Out)
	}
}

func words(line string) (args [][]byte) {
	for _, w := range strings.Fields(line) {
		args = append(args, []byte(w))
	}
	return args
}
