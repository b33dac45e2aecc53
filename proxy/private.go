package proxy

import (
	"holdfast/backend/command"
)

// sendPrivate queues a request on a connection of the client's own.
func (c *client) sendPrivate(cmd *command.Command, k class, args [][]byte, frame []byte) bool {
	ln := c.own
	if ln == nil && c.lane != nil && c.lane.owner == c {
		ln = c.lane
	}
	switch k {
	case classWrite, classRead, classMaster, classCaching:
	default:
		return c.reply(notThrough(args[0]))
	}
	if ok, expired := c.mayHold(ln); expired {
		c.l.stats.unavailable++
		return c.reply(ln.unavailable())
	} else if !ok {
		return false
	}
	e := entry{client: c, cmd: cmd, want: 1, kind: kindWrite, mute: c.muted()}
	if k == classRead || k == classMaster {
		e.kind = kindRead
	}
	c.count(ln, classMaster)
	c.put(ln, e, frame)
	return true
}

// claim gives the client a lane for itself. It returns false, having answered,
// when there are too many.
func (c *client) claim() bool {
	if c.own != nil {
		return true
	}
	if c.own = c.borrow(); c.own == nil {
		c.reply(appendError("ERR too many connections to the master for one client each (dedicated-max)"))
		return false
	}
	return true
}

// borrow takes an idle private lane, or makes one; nil when there are too many.
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
	ln.set.idle = append(ln.set.idle, ln)
}

// discard ends a private lane.
func (ln *lane) discard() {
	if ln.closed {
		return
	}
	ln.close()
	ln.l.private--
	for i, x := range ln.set.private {
		if x == ln {
			ln.set.private = append(ln.set.private[:i], ln.set.private[i+1:]...)
			break
		}
	}
}

// leavePrivate ends the client's private lanes when it goes.
func (c *client) leavePrivate() {
	if c.own != nil {
		c.own.discard()
		c.own = nil
	}
}
