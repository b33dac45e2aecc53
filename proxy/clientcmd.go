package proxy

import (
	"fmt"
	"strings"

	"holdfast/backend/resp"
)

func (c *client) clientID([][]byte) bool { return c.reply(resp.AppendInt(nil, c.id)) }

func (c *client) clientGetName([][]byte) bool {
	if c.name == "" {
		return c.reply(resp.AppendNull(nil, c.proto()))
	}
	return c.reply(resp.AppendBulkString(nil, c.name))
}

func (c *client) clientSetName(args [][]byte) bool {
	if !validName(args[2]) {
		return c.reply(badName)
	}
	c.name = string(args[2])
	return c.reply(ok)
}

func (c *client) clientSetInfo(args [][]byte) bool {
	name := strings.ToLower(string(args[2]))
	if !validName(args[3]) {
		return c.reply(appendError(fmt.Sprintf("ERR %s cannot contain spaces, newlines or special characters.", name)))
	}
	switch name {
	case "lib-name":
		c.libName = string(args[3])
	case "lib-ver":
		c.libVersion = string(args[3])
	default:
		return c.reply(appendError(fmt.Sprintf("ERR Unrecognized option '%s'", args[2])))
	}
	return c.reply(ok)
}

func (c *client) clientInfo([][]byte) bool {
	return c.reply(resp.AppendVerbatim(nil, c.proto(), "txt", c.describe()+"\n"))
}

func (c *client) clientSwitch(args [][]byte) bool {
	if !is(args[2], "on") && !is(args[2], "off") {
		return c.reply(errSyntax)
	}
	return c.reply(ok)
}

// clientReply is CLIENT REPLY ON|OFF|SKIP, of which only ON is answered.
func (c *client) clientReply(args [][]byte) bool {
	switch {
	case is(args[2], "on"):
		c.silent, c.skip = false, 0
		return c.reply(ok)
	case is(args[2], "off"):
		c.silent = true
	case is(args[2], "skip"):
		if !c.silent {
			c.skip = 1
		}
	default:
		return c.reply(errSyntax)
	}
	return true
}

// muted tells whether the request at hand gets no reply, and counts it.
func (c *client) muted() bool {
	if c.skip > 0 {
		c.skip--
		return true
	}
	return c.silent
}

func (c *client) clientHelp([][]byte) bool {
	lines := []string{
		"CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"GETNAME", "    Return the name of the current connection.",
		"ID", "    Return the ID of the current connection.",
		"INFO", "    Return information about the current client connection.",
		"KILL <option> ...", "    Kill connections made to this proxy. Options are ADDR, LADDR, ID, USER, TYPE, SKIPME.",
		"LIST [options ...]", "    Return information about the clients of this proxy. Options are TYPE and ID.",
		"REPLY (ON|OFF|SKIP)", "    Control the replies sent to the current connection.",
		"SETNAME <name>", "    Assign the name <name> to the current connection.",
		"HELP", "    Print this help.",
	}
	b := resp.AppendArray(nil, len(lines))
	for _, line := range lines {
		b = resp.AppendSimple(b, line)
	}
	return c.reply(b)
}
