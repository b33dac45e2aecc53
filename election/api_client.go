package election

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/resp"
)

// clientSubcommands are those of CLIENT. There are no keys here, so that
// TRACKING can be granted: nothing is ever invalidated. A client that caches
// asks for it on every connection, those to sentinels too. max -1: any number.
var clientSubcommands map[string]struct {
	min, max int
	run      func(c *conn, args [][]byte)
}

func init() {
	ok := func(c *conn, _ [][]byte) { c.ok() }
	clientSubcommands = map[string]struct {
		min, max int
		run      func(c *conn, args [][]byte)
	}{
		"GETNAME":  {0, 0, clientGetName},
		"GETREDIR": {0, 0, func(c *conn, _ [][]byte) { c.out = resp.AppendInt(c.out, -int64(bit(!c.tracking))) }},
		"HELP":     {0, 0, clientHelp},
		"ID":       {0, 0, func(c *conn, _ [][]byte) { c.out = resp.AppendInt(c.out, c.id) }},
		"INFO":     {0, 0, func(c *conn, _ [][]byte) { c.out = resp.AppendVerbatim(c.out, c.proto, "txt", c.line()) }},
		"KILL":     {1, -1, clientKill},
		"LIST":     {0, 0, clientList},
		"NO-EVICT": {1, 1, ok},
		"NO-TOUCH": {1, 1, ok},
		"SETINFO":  {2, 2, ok},
		"SETNAME":  {1, 1, clientSetName},
		"TRACKING": {1, -1, clientTracking},
	}
}

func clientCommand(c *conn, args [][]byte) {
	name := strings.ToUpper(string(args[0]))
	sub, known := clientSubcommands[name]
	switch n := len(args) - 1; {
	case !known:
		c.fail(fmt.Sprintf("ERR unknown subcommand '%.128s'. Try CLIENT HELP.", args[0]))
	case n < sub.min || sub.max >= 0 && n > sub.max:
		c.fail("ERR wrong number of arguments for 'client|" + strings.ToLower(name) + "' command")
	default:
		sub.run(c, args[1:])
	}
}

func clientHelp(c *conn, _ [][]byte) {
	c.out = resp.AppendArray(c.out, 1+len(clientSubcommands))
	c.out = resp.AppendSimple(c.out, "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	var names []string
	for name := range clientSubcommands {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c.out = resp.AppendSimple(c.out, name)
	}
}

func clientGetName(c *conn, _ [][]byte) {
	if c.name == "" {
		c.out = resp.AppendNull(c.out, c.proto)
		return
	}
	c.out = resp.AppendBulkString(c.out, c.name)
}

// clientSetName takes names that CLIENT LIST can show in one field.
func clientSetName(c *conn, args [][]byte) {
	if !c.rename(args[0]) {
		c.fail("ERR Client names cannot contain spaces, newlines or special characters.")
		return
	}
	c.ok()
}

// rename reports whether the name may be one.
func (c *conn) rename(name []byte) bool {
	if slices.ContainsFunc(name, func(b byte) bool { return b < '!' || b > '~' }) {
		return false
	}
	c.server.mu.Lock() // others list it
	defer c.server.mu.Unlock()
	c.name = string(name)
	return true
}

func clientTracking(c *conn, args [][]byte) {
	switch strings.ToUpper(string(args[0])) {
	case "ON":
		c.tracking = true
	case "OFF":
		c.tracking = false
	default:
		c.fail("ERR syntax error")
		return
	}
	c.ok()
}

func clientList(c *conn, _ [][]byte) {
	var b strings.Builder
	for _, other := range c.server.all() {
		b.WriteString(other.line())
	}
	c.out = resp.AppendVerbatim(c.out, c.proto, "txt", b.String())
}

// clientKill is CLIENT KILL addr, which answers OK, or CLIENT KILL with the
// options ADDR, LADDR, ID and SKIPME, which answers how many it closed.
func clientKill(c *conn, args [][]byte) {
	addr, local, id, self := "", "", "", false
	if len(args) == 1 {
		addr, self = string(args[0]), true
	} else if len(args)%2 != 0 {
		c.fail("ERR syntax error")
		return
	}
	for i := 0; i+1 < len(args); i += 2 {
		value := string(args[i+1])
		switch option := strings.ToUpper(string(args[i])); {
		case option == "ADDR":
			addr = value
		case option == "LADDR":
			local = value
		case option == "ID":
			id = value
		case option == "SKIPME" && (strings.EqualFold(value, "yes") || strings.EqualFold(value, "no")):
			self = strings.EqualFold(value, "no")
		default:
			c.fail("ERR syntax error")
			return
		}
	}
	killed := 0
	for _, other := range c.server.all() {
		if other == c && !self || addr != "" && addr != other.nc.RemoteAddr().String() ||
			local != "" && local != other.nc.LocalAddr().String() || id != "" && id != strconv.FormatInt(other.id, 10) {
			continue
		}
		killed++
		if other == c {
			c.closing = true // behind its reply
		} else {
			other.nc.Close()
		}
	}
	switch {
	case len(args) > 1:
		c.out = resp.AppendInt(c.out, int64(killed))
	case killed > 0:
		c.ok()
	default:
		c.fail("ERR No such client")
	}
}

// line is what CLIENT INFO and CLIENT LIST say of a connection.
func (c *conn) line() string {
	c.server.mu.Lock()
	name := c.name
	c.server.mu.Unlock()
	c.subs.Lock()
	defer c.subs.Unlock()
	return fmt.Sprintf("id=%d addr=%s laddr=%s name=%s age=%d db=0 sub=%d psub=%d resp=%d\n", c.id, c.nc.RemoteAddr(), c.nc.LocalAddr(),
		name, int(time.Since(c.since).Seconds()), len(c.channels), len(c.patterns), c.proto)
}
