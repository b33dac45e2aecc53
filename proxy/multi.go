package proxy

import (
	"holdfast/backend/command"
	"holdfast/backend/resp"
)

// transaction is a session's MULTI. Its commands are kept here and sent to the
// master in one piece at EXEC, so that a transaction needs no connection of its
// own and none is ever open on a shared one. Only WATCH needs one, since the
// watching is a state of the connection.
type transaction struct {
	multi    bool
	spoiled  bool   // a command was refused: EXEC will not run it
	commands int    // queued
	writes   bool   // one of them may change something
	frames   []byte // of the queued commands
	watching bool
	unseen   bool // the connection that watched is lost: nobody knows what changed
}

// spoil notes that a command of the transaction was refused.
func (c *client) spoil() {
	if c.multi {
		c.spoiled = true
	}
}

func (c *client) multiBegin([][]byte) bool {
	if c.multi {
		return c.reply(appendError("ERR MULTI calls can not be nested"))
	}
	c.multi = true
	return c.reply(ok)
}

// queue keeps a command for EXEC.
func (c *client) queue(cmd *command.Command, args [][]byte, frame []byte) bool {
	if cmd != nil {
		switch {
		case !cmd.ArityOK(len(args)):
			c.spoil()
			return c.reply(wrongArity(cmd))
		case cmd.Has(command.NoMulti) || !repeatable(cmd):
			c.spoil()
			return c.reply(appendError("ERR Command not allowed inside a transaction"))
		}
	}
	if len(c.frames)+len(frame) > int(c.l.p.cfg.ClientQueryBufferMax) {
		c.spoil()
		return c.reply(appendError("ERR the transaction is larger than client-query-buffer-limit"))
	}
	c.frames = append(c.frames, frame...)
	c.commands++
	c.writes = c.writes || !onlyReads(classFor(cmd, args))
	return c.reply(queuedR)
}

// onlyReads tells of which commands it does not matter how often they are run.
func onlyReads(k class) bool { return k == classRead || k == classMaster || k == classHere }

// repeatable tells whether a command leaves the connection as it was. Others
// would change a shared connection for everybody, so they cannot be part of a
// transaction here.
func repeatable(cmd *command.Command) bool {
	switch classes[cmd.ID] {
	case classSubscribe, classMonitor, classTracking, classCaching, classSync:
		return false
	case classHere:
		return cmd.Name == "ping" || cmd.Name == "echo" || cmd.Name == "unwatch"
	}
	return true
}

func (c *client) exec([][]byte) bool {
	switch {
	case !c.multi:
		return c.reply(appendError("ERR EXEC without MULTI"))
	case c.spoiled:
		c.endWatch()
		c.transaction = transaction{}
		return c.reply(appendError("EXECABORT Transaction discarded because of previous errors."))
	case c.unseen:
		c.endWatch()
		c.transaction = transaction{}
		return c.reply(resp.AppendNullArray(nil, c.proto()))
	case c.commands == 0 && !c.watching:
		c.transaction = transaction{}
		return c.reply([]byte("*0\r\n"))
	}
	ln := c.set.master
	if c.own != nil {
		ln = c.own
	}
	if c.lane != nil && c.lane != ln {
		return false
	}
	if ok, expired := c.mayHold(ln); expired {
		c.transaction = transaction{}
		return c.reply(ln.unavailable())
	} else if !ok {
		return false
	}
	block := append(c.l.scratch[:0], "*1\r\n$5\r\nMULTI\r\n"...)
	block = append(block, c.frames...)
	block = append(block, "*1\r\n$4\r\nEXEC\r\n"...)
	c.l.scratch = block
	n := int32(c.commands) + 2
	x, kind := &extra{last: true, want: n, watched: c.watching}, kindWrite
	if !c.writes && !c.watching {
		kind = kindRead
	}
	if x.watched {
		x.reply = resp.AppendNullArray(nil, c.proto())
	}
	c.count(ln, classWrite)
	c.written = c.l.p.clock.coarse()
	c.put(ln, entry{client: c, cmd: execCommand, want: n, kind: kind, extra: x, mute: c.muted()}, block)
	c.transaction = transaction{}
	c.disown()
	return true
}

var execCommand = command.Lookup([]byte("exec"))

func (c *client) discard([][]byte) bool {
	if !c.multi {
		return c.reply(appendError("ERR DISCARD without MULTI"))
	}
	c.endWatch()
	c.transaction = transaction{}
	return c.reply(ok)
}

// watch asks on a connection of the session's own, which stays its own until
// the transaction is over.
func (c *client) watch(args [][]byte) bool {
	if c.multi {
		return c.reply(appendError("ERR WATCH inside MULTI is not allowed"))
	}
	if c.lane != nil && c.lane != c.own {
		return false
	}
	if !c.claim() {
		return true
	}
	c.watching = true
	c.put(c.own, entry{client: c, cmd: watchCommand, want: 1, kind: kindRead, mute: c.muted()}, resp.AppendRequest(nil, args))
	return true
}

var watchCommand = command.Lookup([]byte("watch"))

func (c *client) unwatch([][]byte) bool {
	c.endWatch()
	return c.reply(ok)
}

// endWatch ends the watching and gives its connection back.
func (c *client) endWatch() {
	if c.watching && c.own != nil {
		c.own.push(entry{want: 1, kind: kindOwn}, resp.AppendCommand(nil, "UNWATCH"))
	}
	c.watching, c.unseen = false, false
	c.disown()
}
