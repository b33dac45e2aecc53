package proxy

import (
	"bytes"
	"time"

	"holdfast/backend/resp"
)

// drainLook is how often a proxy that stops looks whether its clients are gone.
const drainLook = 5 * time.Millisecond

// drain gives requests that are under way drain-timeout to be answered. Nobody
// new is let in, and of the clients that are there nothing more is read: each is
// closed behind the last reply it waits for. Those that are blocked are let go.
func (p *Proxy) drain() {
	if err := p.server.Listen(nil); err != nil { // it has stopped already
		return
	}
	enough := time.NewTimer(p.cfg.DrainTimeout)
	defer enough.Stop()
	for p.clients.Load() > 0 {
		// Again and again, because a client may have been on its way in.
		p.eachLoop((*loop).dismiss)
		select {
		case <-enough.C:
			p.log.Warn("drain-timeout is over, and clients still wait for replies", "clients", p.clients.Load())
			return
		case <-p.server.Done():
			return
		case <-time.After(drainLook):
		}
	}
}

// dismiss has every client go behind its last reply.
func (l *loop) dismiss() {
	for _, c := range l.clients {
		if !c.leaving {
			c.closeWhenAnswered()
		}
		c.letGo()
	}
}

// letGo ends the wait of a blocked client that is to leave. Its connection alone must
// not be closed: it may be being served in this moment, and what it was served would
// be lost. So the node is asked to unblock it, and either way answers it: with an
// error of its own, or with what it waited for. The node is asked again as long as
// that takes, since it may not have had the request yet.
func (c *client) letGo() {
	ln := c.lane
	if c.closed || ln == nil || !ln.private || !ln.ready() || ln.link.id == 0 || ln.q.inFlight() == 0 || ln.q.peek().kind != kindBlocking {
		return
	}
	if now := c.l.p.clock.coarse(); c.unblock != now {
		c.unblock = now
		own := c.l.lanes(sessionKey{proto: 2, cred: c.l.p.own}).master
		own.push(entry{want: 1, kind: kindOwn}, resp.AppendCommand(nil, "CLIENT", "UNBLOCK", itoa(int(ln.link.id)), "ERROR"))
	}
}

// goesSilently tells whether a reply is the one that letGo has asked for, and nothing
// waits behind it: then the client is just closed, as by a server that shuts down.
func (c *client) goesSilently(frame []byte) bool {
	return c.unblock != 0 && c.leaving && c.pending == 1 && bytes.HasPrefix(frame, []byte("-UNBLOCKED client unblocked "))
}
