package election

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"holdfast/backend/resp"
	"holdfast/conf"
)

// The commands of the client port: PING ECHO AUTH HELLO COMMAND INFO ROLE QUIT
// RESET SHUTDOWN, SUBSCRIBE PSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE, CLIENT
// (api_client.go), SENTINEL (api_sentinel.go) and HOLDFAST (api_holdfast.go).
//
// min and max count the arguments behind the name; max -1: any number.
type handler struct {
	min, max int
	open     bool // before authentication too
	run      func(c *conn, args [][]byte)
}

// commands is filled at init because SENTINEL HELP and others look into it.
var commands map[string]handler

func init() {
	commands = map[string]handler{
		"PING":         {0, 1, false, ping},
		"ECHO":         {1, 1, false, func(c *conn, args [][]byte) { c.out = resp.AppendBulk(c.out, args[0]) }},
		"AUTH":         {1, 2, true, auth},
		"HELLO":        {0, -1, true, hello},
		"CLIENT":       {1, -1, false, clientCommand},
		"COMMAND":      {0, -1, false, commandCommand},
		"INFO":         {0, -1, false, info},
		"ROLE":         {0, 0, false, role},
		"QUIT":         {0, -1, true, quit},
		"RESET":        {0, 0, true, reset},
		"SHUTDOWN":     {0, -1, false, shutdown},
		"SUBSCRIBE":    {1, -1, false, func(c *conn, args [][]byte) { c.change("subscribe", &c.channels, args, true) }},
		"PSUBSCRIBE":   {1, -1, false, func(c *conn, args [][]byte) { c.change("psubscribe", &c.patterns, args, true) }},
		"UNSUBSCRIBE":  {0, -1, false, func(c *conn, args [][]byte) { c.change("unsubscribe", &c.channels, args, false) }},
		"PUNSUBSCRIBE": {0, -1, false, func(c *conn, args [][]byte) { c.change("punsubscribe", &c.patterns, args, false) }},
		"SENTINEL":     {1, -1, false, sentinel},
		"HOLDFAST":     {1, -1, false, holdfast},
	}
}

// dispatch runs one request; its reply is appended to out.
func (c *conn) dispatch(args [][]byte) {
	c.server.tally.commands.Add(1)
	name := strings.ToUpper(string(args[0]))
	h, known := commands[name]
	switch {
	case !c.authed && !h.open:
		c.fail("NOAUTH Authentication required.")
	case !known:
		c.fail(fmt.Sprintf("ERR unknown command '%.128s', with args beginning with: %s", args[0], quoted(args[1:])))
	case len(args)-1 < h.min || h.max >= 0 && len(args)-1 > h.max:
		c.fail("ERR wrong number of arguments for '" + strings.ToLower(name) + "' command")
	case c.proto == 2 && !inSubscription(name) && c.subscribed():
		c.fail("ERR Can't execute '" + strings.ToLower(name) + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
	default:
		h.run(c, args[1:])
	}
}

func quoted(args [][]byte) string {
	var b strings.Builder
	for _, a := range args {
		if b.Len() < 128 {
			fmt.Fprintf(&b, "'%.128s' ", a)
		}
	}
	return b.String()
}

func ping(c *conn, args [][]byte) {
	switch {
	case c.proto == 2 && c.subscribed():
		c.out = resp.AppendArray(c.out, 2)
		c.out = resp.AppendBulkString(c.out, "pong")
		c.out = resp.AppendBulk(c.out, first(args))
	case len(args) == 1:
		c.out = resp.AppendBulk(c.out, args[0])
	default:
		c.out = resp.AppendSimple(c.out, "PONG")
	}
}

func first(args [][]byte) []byte {
	if len(args) == 0 {
		return nil
	}
	return args[0]
}

func auth(c *conn, args [][]byte) {
	pass := c.server.s.cfg.RequirePass
	switch {
	case len(args) == 1 && pass == "":
		c.fail("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	case !c.login(args):
		c.fail("WRONGPASS invalid username-password pair or user is disabled.")
	default:
		c.ok()
	}
}

// login takes [user] password. Without a password of its own a sentinel takes
// any for the default user, as Redis's nopass does.
func (c *conn) login(args [][]byte) bool {
	pass := c.server.s.cfg.RequirePass
	user := "default"
	if len(args) == 2 {
		user = string(args[0])
	}
	if user != "default" || pass != "" && string(args[len(args)-1]) != pass {
		return false
	}
	c.authed = true
	return true
}

// hello is HELLO [version [AUTH user password] [SETNAME name]].
func hello(c *conn, args [][]byte) {
	proto := c.proto
	if len(args) > 0 {
		v, err := strconv.Atoi(string(args[0]))
		if err != nil || v < 2 || v > 3 {
			c.fail("NOPROTO unsupported protocol version")
			return
		}
		proto = v
	}
	for i := 1; i < len(args); i++ {
		switch option := strings.ToUpper(string(args[i])); {
		case option == "AUTH" && i+2 < len(args):
			if !c.login(args[i+1 : i+3]) {
				c.fail("WRONGPASS invalid username-password pair or user is disabled.")
				return
			}
			i += 2
		case option == "SETNAME" && i+1 < len(args):
			if !c.rename(args[i+1]) {
				c.fail("ERR Client names cannot contain spaces, newlines or special characters.")
				return
			}
			i++
		default:
			c.fail("ERR Syntax error in HELLO option '" + string(args[i]) + "'")
			return
		}
	}
	if !c.authed {
		c.fail("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
		return
	}
	c.setProto(proto)
	c.out = resp.AppendMap(c.out, c.proto, 7)
	for _, kv := range [][2]string{{"server", "redis"}, {"version", conf.RedisVersion}} {
		c.out = resp.AppendBulkString(resp.AppendBulkString(c.out, kv[0]), kv[1])
	}
	c.out = resp.AppendInt(resp.AppendBulkString(c.out, "proto"), int64(c.proto))
	c.out = resp.AppendInt(resp.AppendBulkString(c.out, "id"), c.id)
	c.out = resp.AppendBulkString(resp.AppendBulkString(c.out, "mode"), "sentinel")
	c.out = resp.AppendBulkString(resp.AppendBulkString(c.out, "role"), "sentinel")
	c.out = resp.AppendArray(resp.AppendBulkString(c.out, "modules"), 0)
}

// setProto takes the lock of the subscriptions, under which messages are made.
func (c *conn) setProto(proto int) {
	c.subs.Lock()
	defer c.subs.Unlock()
	c.proto = proto
}

func role(c *conn, _ [][]byte) {
	names := c.server.s.machine.state.Load().Names()
	c.out = resp.AppendArray(c.out, 2)
	c.out = resp.AppendBulkString(c.out, "sentinel")
	c.out = resp.AppendArray(c.out, len(names))
	for _, name := range names {
		c.out = resp.AppendBulkString(c.out, name)
	}
}

func quit(c *conn, _ [][]byte) {
	c.ok()
	c.closing = true
}

// reset is RESET: the connection is as new.
func reset(c *conn, _ [][]byte) {
	c.subs.Lock()
	c.channels, c.patterns = nil, nil
	c.proto = 2
	c.subs.Unlock()
	c.rename(nil)
	c.tracking = false
	c.authed = c.server.s.cfg.RequirePass == ""
	c.out = resp.AppendSimple(c.out, "RESET")
}

// commandCommand tells how many commands there are, and describes none.
func commandCommand(c *conn, args [][]byte) {
	switch strings.ToUpper(string(first(args))) {
	case "COUNT":
		c.out = resp.AppendInt(c.out, int64(len(commands)))
	case "DOCS":
		c.out = resp.AppendMap(c.out, c.proto, 0)
	default:
		c.out = resp.AppendArray(c.out, 0)
	}
}

// shutdown is SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE]: what must be kept is on disk
// in any case, and nothing is waited for.
func shutdown(c *conn, args [][]byte) {
	for _, a := range args {
		if !slices.Contains([]string{"NOSAVE", "SAVE", "NOW", "FORCE"}, strings.ToUpper(string(a))) {
			c.fail("ERR syntax error")
			return
		}
	}
	c.server.s.log.Warn("User requested shutdown...", "pid", os.Getpid())
	c.closing = true
	c.server.s.shutdown()
}
