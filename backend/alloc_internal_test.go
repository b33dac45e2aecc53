package backend

import (
	"strings"
	"testing"
)

// The way of a request through the gate and into the store must not allocate,
// whatever it is gated and recorded by.
func TestGateDoesNotAllocate(t *testing.T) {
	n := atRest(t)
	n.stream.Activate()
	s := &session{node: n, proto: 2, authed: true}
	for _, line := range []string{"SET key value", "GET key", "GET nosuch", "INCR counter", "HSET h f v", "PING", "EXISTS key"} {
		var args [][]byte
		for _, w := range strings.Fields(line) {
			args = append(args, []byte(w))
		}
		run := func() {
			n.x.Out, n.x.Proto = n.x.Out[:0], s.proto
			n.exec(s, &n.x, args)
			n.unit.publish()
		}
		for range 100 { // buffers find their size
			run()
		}
		// A chunk of the replication stream now and then is allowed.
		if a := testing.AllocsPerRun(1000, run); a > 0.1 {
			t.Errorf("%s: %v allocations", line, a)
		}
		if n.x.Out[0] == '-' {
			t.Errorf("%s: %s", line, n.x.Out)
		}
	}
}
