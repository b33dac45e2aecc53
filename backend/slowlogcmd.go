package backend

import (
	"time"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/latency"
	"holdfast/backend/internal/types"
)

var slowlogRows = []row{
	{"slowlog|get", slowlogGet},
	{"slowlog|len", func(s *session, x *commands.Ctx) { x.Int(int64(s.node.slowlog.Len())) }},
	{"slowlog|reset", func(s *session, x *commands.Ctx) { s.node.slowlog.Clear(); x.OK() }},
}

// noteSlow puts a request that took so long into the slow log.
func (n *Node) noteSlow(s *session, c *command.Command, args [][]byte, took time.Duration) {
	n.slowlog.Add(n.cfg().SlowlogMaxLen, latency.Entry{
		At: n.now / 1000, Took: took, Addr: s.addr, Name: s.name,
		Args: latency.Clip(len(args), func(i int) []byte { return redacted(c, args, i) }),
	})
}

func slowlogGet(s *session, x *commands.Ctx) {
	count := int64(10)
	if len(x.Args) > 3 {
		x.Err(errUnknownSub("SLOWLOG", clip(x.Args[1])))
		return
	}
	if len(x.Args) == 3 {
		v, ok := types.ParseInt(x.Args[2])
		if !ok || v < -1 {
			x.Err("ERR count should be greater than or equal to -1")
			return
		}
		count = v
	}
	log := &s.node.slowlog
	if count < 0 || count > int64(log.Len()) {
		count = int64(log.Len())
	}
	x.Array(int(count))
	for i := range int(count) {
		replySlow(x, log.Newest(i))
	}
}

func replySlow(x *commands.Ctx, e *latency.Entry) {
	x.Array(6)
	x.Int(e.ID)
	x.Int(e.At)
	x.Int(e.Took.Microseconds())
	x.Array(len(e.Args))
	for _, a := range e.Args {
		x.BulkString(a)
	}
	x.BulkString(e.Addr)
	x.BulkString(e.Name)
}
