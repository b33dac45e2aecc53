package backend

import (
	"fmt"
	"time"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/types"
)

// slowlog keeps the commands that took long (slowlog.c); part of the Node,
// under the engine lock.
type slowlog struct {
	entries []slowEntry // the newest last
	lastID  int64
}

type slowEntry struct {
	id   int64
	at   int64 // unix s
	took time.Duration
	args []string
	addr string
	name string
}

// What is kept of a long request (slowlog.h).
const (
	slowMaxArgs = 32
	slowMaxArg  = 128 // bytes
)

var slowlogRows = []row{
	{"slowlog|get", slowlogGet},
	{"slowlog|len", func(s *session, x *commands.Ctx) { x.Int(int64(len(s.node.slowlog.entries))) }},
	{"slowlog|reset", func(s *session, x *commands.Ctx) { s.node.slowlog.entries = nil; x.OK() }},
}

// add notes a request and forgets the oldest ones past most.
func (l *slowlog) add(most int, now int64, s *session, c *command.Command, args [][]byte, took time.Duration) {
	l.entries = append(l.entries, slowEntry{
		id: l.lastID, at: now / 1000, took: took, args: clipArgs(c, args), addr: s.addr, name: s.name,
	})
	l.lastID++
	l.trim(most)
}

func (l *slowlog) trim(most int) {
	if over := len(l.entries) - most; over > 0 {
		clear(l.entries[:over]) // the place stays in use until append moves the rest
		l.entries = l.entries[over:]
	}
}

// clipArgs copies what of a request may be shown, and says how much is left out.
func clipArgs(c *command.Command, args [][]byte) []string {
	out := make([]string, 0, min(len(args), slowMaxArgs))
	for i, a := range args {
		switch {
		case len(args) > slowMaxArgs && i == slowMaxArgs-1:
			return append(out, fmt.Sprintf("... (%d more arguments)", len(args)-i))
		case secret(c, args, i):
			out = append(out, redacted)
		case len(a) > slowMaxArg:
			out = append(out, fmt.Sprintf("%s... (%d more bytes)", a[:slowMaxArg], len(a)-slowMaxArg))
		default:
			out = append(out, string(a))
		}
	}
	return out
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
	all := s.node.slowlog.entries
	if count < 0 || count > int64(len(all)) {
		count = int64(len(all))
	}
	x.Array(int(count))
	for i := range int(count) {
		all[len(all)-1-i].reply(x)
	}
}

func (e *slowEntry) reply(x *commands.Ctx) {
	x.Array(6)
	x.Int(e.id)
	x.Int(e.at)
	x.Int(e.took.Microseconds())
	x.Array(len(e.args))
	for _, a := range e.args {
		x.BulkString(a)
	}
	x.BulkString(e.addr)
	x.BulkString(e.name)
}
