package backend

import (
	"fmt"
	"strings"
	"time"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

var serverRows = []row{
	{"info", info},
	{"time", serverTime},
	{"shutdown", shutdown},
	{"monitor", monitor},
	{"lolwut", lolwut},
}

func emptyArray(_ *session, x *commands.Ctx) { x.Array(0) }

// serverTime is one moment for all of a transaction or a script.
func serverTime(s *session, x *commands.Ctx) {
	now := time.Now()
	if !x.CanWait {
		now = s.node.began
	}
	x.Array(2)
	x.BulkInt(now.Unix())
	x.BulkInt(int64(now.Nanosecond() / 1000))
}

func monitor(s *session, x *commands.Ctx) {
	s.node.monitors[s] = struct{}{}
	x.OK()
}

// feedMonitors shows a command to those who watch, as Redis prints it.
func (n *Node) feedMonitors(s *session, inScript bool, c *command.Command, args [][]byte) {
	if c.Has(command.Admin) || c.Has(command.SkipMonitor) && c.Name != "exec" && c.Cats&command.CatScripting == 0 {
		return
	}
	from := s.addr
	if inScript {
		from = "lua"
	}
	var b strings.Builder
	now := time.Now().UnixMicro()
	fmt.Fprintf(&b, "+%d.%06d [%d %s]", now/1e6, now%1e6, s.db, from)
	for i := range args {
		b.WriteByte(' ')
		b.WriteString(quote(redacted(c, args, i)))
	}
	b.WriteString("\r\n")
	for m := range n.monitors {
		m.push([]byte(b.String()))
	}
}

// quote prints bytes as sdscatrepr does.
func quote(b []byte) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, c := range b {
		switch {
		case c == '\\' || c == '"':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c == '\n':
			out.WriteString("\\n")
		case c == '\r':
			out.WriteString("\\r")
		case c == '\t':
			out.WriteString("\\t")
		case c == '\a':
			out.WriteString("\\a")
		case c == '\b':
			out.WriteString("\\b")
		case c >= ' ' && c <= '~':
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "\\x%02x", c)
		}
	}
	out.WriteByte('"')
	return out.String()
}

func equalFold(s, word string) bool { return strings.EqualFold(s, word) }
