package backend

import (
	"encoding/hex"
	"fmt"
	"strconv"
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
	{"lolwut", func(_ *session, x *commands.Ctx) { x.Out = appendText(x, "Holdfast ver. "+Version+"\n") }},
	{"slowlog|get", emptyArray},
	{"slowlog|len", func(_ *session, x *commands.Ctx) { x.Int(0) }},
	{"slowlog|reset", func(_ *session, x *commands.Ctx) { x.OK() }},
	{"memory|doctor", func(_ *session, x *commands.Ctx) {
		x.BulkString("Hi Sam, this instance is empty or is using very little memory.")
	}},
	{"module|list", emptyArray},
}

var debugRows = []row{{"debug", debug}}

func info(s *session, x *commands.Ctx) {
	s.node.takeFigures()
	x.Out = appendText(x, s.node.info(x.Args[1:]))
}

func emptyArray(_ *session, x *commands.Ctx) { x.Array(0) }

func serverTime(_ *session, x *commands.Ctx) {
	now := time.Now()
	x.Array(2)
	x.BulkInt(now.Unix())
	x.BulkInt(int64(now.Nanosecond() / 1000))
}

// shutdown ends the process. There is no file to save yet, so NOSAVE is what
// happens; SAVE is refused rather than pretended.
func shutdown(s *session, x *commands.Ctx) {
	for _, option := range x.Args[1:] {
		switch strings.ToLower(string(option)) {
		case "nosave", "now", "force":
		case "save":
			x.Err("ERR this node keeps no files yet: use SHUTDOWN NOSAVE")
			return
		case "abort":
			x.Err("ERR No shutdown in progress.")
			return
		default:
			x.Err("ERR syntax error")
			return
		}
	}
	s.closing = true
	s.node.log.Warn("User requested shutdown...")
	s.node.halt()
}

func monitor(s *session, x *commands.Ctx) {
	s.node.monitors[s] = struct{}{}
	x.OK()
}

// feedMonitors shows a command to those who watch, as Redis prints it.
func (n *Node) feedMonitors(s *session, c *command.Command, args [][]byte) {
	if c.Flags&(command.SkipMonitor|command.Admin) != 0 {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "+%d.%06d [%d %s]", n.now/1000, n.now%1000*1000, s.db, s.addr)
	for i, a := range args {
		if c.Name == "auth" && i > 0 {
			a = []byte("(redacted)")
		}
		b.WriteByte(' ')
		b.WriteString(quote(a))
	}
	b.WriteString("\r\n")
	for m := range n.monitors {
		m.emit([]byte(b.String()), 0)
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

// debug serves what tests of clients use. It is for people on the machine
// itself unless configured otherwise, as in Redis.
func debug(s *session, x *commands.Ctx) {
	n := s.node
	enabled := n.cfg().EnableDebugCommand
	if enabled == "no" || enabled == "local" && !local(s.conn.RemoteAddr()) {
		x.Err("ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.")
		return
	}
	switch sub := strings.ToLower(string(x.Args[1])); {
	case sub == "sleep" && len(x.Args) == 3:
		seconds, err := strconv.ParseFloat(string(x.Args[2]), 64)
		if err != nil || seconds < 0 {
			x.Err("ERR value is not a valid float")
			return
		}
		time.Sleep(time.Duration(seconds * float64(time.Second)))
		x.OK()
	case sub == "digest" && len(x.Args) == 2:
		d := n.store.Digest()
		x.Simple(hex.EncodeToString(d[:]))
	case sub == "set-active-expire" || sub == "quicklist-packed-threshold" || sub == "jmap":
		x.OK()
	default:
		x.Err("ERR DEBUG subcommand '" + clip(x.Args[1]) + "' is not supported")
	}
}

func equalFold(s, word string) bool { return strings.EqualFold(s, word) }
