package proxy

import (
	"slices"

	"holdfast/backend/command"
	"holdfast/backend/resp"
)

// Commands that make a state of their connection need one that nobody else
// uses: blocking ones until they are answered, WATCH until EXEC, subscribers,
// monitors and tracked clients as long as they are that. Connections between
// such uses wait in a pool.

// sendPrivate queues a request on a connection of the client's own.
func (c *client) sendPrivate(cmd *command.Command, k class, args [][]byte, frame []byte) bool {
	if cmd != nil && !cmd.ArityOK(len(args)) {
		return c.reply(wrongArity(cmd))
	}
	switch k {
	case classSubscribe:
		return c.subscribe(cmd, args)
	case classMonitor:
		return c.monitor(frame)
	case classTracking:
		return c.tracking(args, frame)
	case classBlock:
		return c.block(cmd, args, frame)
	}
	ln := c.own
	if ln == nil { // behind a blocking command that is not answered yet
		ln = c.lane
	}
	e := entry{want: 1, cmd: cmd, kind: kindWrite}
	if k == classRead || k == classMaster {
		e.kind = kindRead
	}
	return c.putPrivate(ln, e, frame)
}

// putPrivate queues an entry in a private lane.
func (c *client) putPrivate(ln *lane, e entry, frame []byte) bool {
	if ok, expired := c.mayHold(ln); expired {
		c.l.stats.unavailable++
		return c.reply(ln.unavailable())
	} else if !ok {
		return false
	}
	e.client, e.mute = c, c.muted()
	if e.kind != kindRead {
		c.written = c.l.p.clock.coarse()
	}
	c.count(ln, classMaster)
	c.put(ln, e, frame)
	return true
}

// claim gives the client a lane for itself. It returns false, having answered,
// when there are too many.
func (c *client) claim() bool {
	if c.own == nil {
		c.own = c.borrow()
	}
	return c.own != nil
}

// disown gives the client's lane back, at once or behind its last reply, if it
// has no more use for it.
func (c *client) disown() {
	ln := c.own
	if ln == nil || c.watching || ln.subs.any() {
		return
	}
	c.own = nil
	if c.pending == 0 {
		ln.release()
	}
}

// borrow takes an idle private lane, or makes one. When there are too many it
// answers and returns nil.
func (c *client) borrow() *lane {
	s := c.set
	for len(s.idle) > 0 {
		ln := s.idle[len(s.idle)-1]
		s.idle = s.idle[:len(s.idle)-1]
		if !ln.closed && ln.ready() {
			ln.owner = c
			return ln
		}
		ln.discard()
	}
	if c.l.private >= c.l.p.cfg.DedicatedMax {
		c.reply(appendError("ERR too many connections for one client each (dedicated-max)"))
		return nil
	}
	c.l.private++
	ln := &lane{l: c.l, set: s, owner: c, private: true}
	s.private = append(s.private, ln)
	return ln
}

// release gives a private lane back for the next client, or ends it.
func (ln *lane) release() {
	ln.owner = nil
	if ln.closed || !ln.ready() || ln.tainted || len(ln.set.idle) >= ln.l.p.cfg.DedicatedIdle {
		ln.discard()
		return
	}
	ln.subs = nil
	ln.idleSince = ln.l.p.clock.coarse()
	ln.set.idle = append(ln.set.idle, ln)
}

// discard ends a private lane.
func (ln *lane) discard() {
	if ln.closed {
		return
	}
	ln.close()
	ln.l.private--
	ln.set.private = without(ln.set.private, ln)
}

// join moves a private lane to the sessions of another set, after its connection
// has been changed to their protocol, user and database: so that it is restored
// as what it is, and used by those whom it suits.
func (ln *lane) join(s *laneSet) {
	ln.set.private = without(ln.set.private, ln)
	ln.set = s
	s.private = append(s.private, ln)
}

func without(all []*lane, ln *lane) []*lane {
	return slices.DeleteFunc(all, func(x *lane) bool { return x == ln })
}

// leavePrivate ends the client's private lane when it goes, and with it a
// command that blocks on its behalf.
func (c *client) leavePrivate() {
	if c.own != nil {
		c.own.discard()
		c.own = nil
	}
	if ln := c.lane; ln != nil && ln.private && !ln.closed {
		ln.discard()
	}
	c.lane = nil
}

// lostPrivate notes that the connection of a private lane is gone, and with it
// what the client has watched.
func (c *client) lostPrivate() {
	if c.watching {
		c.unseen = true
	}
}

// block queues a command that may block. When its connection is lost it is issued
// again with the time that remains, if it has changed nothing (lost.go). It waits for the
// one before it.
func (c *client) block(cmd *command.Command, args [][]byte, frame []byte) bool {
	ln := c.own
	switch {
	case c.finished:
		c.closeWhenAnswered()
		return true
	case c.lane != nil && c.lane.q.hasBlocking():
		return false
	case ln != nil:
	case c.lane != nil:
		ln = c.lane
	default:
		if ln = c.borrow(); ln == nil {
			return true
		}
	}
	e := entry{want: 1, cmd: cmd, kind: kindBlocking, extra: &extra{began: c.l.p.clock.now()}}
	if (cmd.Name == "wait" || cmd.Name == "waitaof") && !c.l.masterIsNative() {
		// They wait for the last write of their own connection, which has
		// written nothing; a message to nobody is a write and comes behind all
		// that the session has written anywhere. (A native node waits for that by
		// itself.) Both are sent again together: the next connection has written
		// nothing either.
		frame = append(slices.Clone(markRequest), frame...) // it may be in the loop's scratch
		e.want, e.extra.want, e.extra.last = 2, 2, true
	}
	if c.putPrivate(ln, e, frame) {
		return true
	}
	if c.own != ln && c.lane != ln {
		ln.discard()
	}
	return false
}

var markRequest = resp.AppendCommand(nil, "PUBLISH", "__holdfast__:wait", "")
