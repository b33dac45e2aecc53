package proxy

import "time"

// slowCheck is how often a client that does not take its replies is looked at:
// the event loop does not tell when its buffer has become empty.
const slowCheck = 10 * time.Millisecond

// protocolError answers what cannot be understood and closes the connection:
// where the next request begins is not known.
func (c *client) protocolError(err error) {
	c.leaving = true
	c.l.stats.protocolErrors++
	c.reply(appendError("ERR " + err.Error()))
	c.closeWhenAnswered()
}

// closeWhenAnswered closes the connection behind the last reply.
func (c *client) closeWhenAnswered() {
	c.leaving = true
	c.leaveAnswered()
}

// limitInput closes a client whose request is larger than allowed.
func (c *client) limitInput(have int) {
	if limit := c.l.p.cfg.ClientQueryBufferMax; limit > 0 && int64(have) > limit {
		c.l.p.log.Warn("closing client that reached max query buffer length", "addr", c.conn.RemoteAddr(), "bytes", have)
		c.conn.Close()
	}
}

// slow tells whether the client takes its replies more slowly than it asks; it
// is then not read from until it has caught up.
func (c *client) slow() bool {
	if c.conn.Unsent() <= int(c.l.p.cfg.ClientHighWater) {
		return false
	}
	c.stalled, c.isSlow = true, true
	c.conn.Pause()
	if c.l.slow = append(c.l.slow, c); len(c.l.slow) == 1 {
		c.l.io.After(slowCheck, c.l.checkSlow)
	}
	return true
}

// checkSlow lets the clients that have caught up go on.
func (l *loop) checkSlow() {
	waiting := l.slow
	l.slow = nil
	for _, c := range waiting {
		switch {
		case c.closed:
		case c.conn.Unsent() > int(l.p.cfg.ClientHighWater)/2:
			l.slow = append(l.slow, c)
		default:
			c.isSlow = false
			l.wake(c)
		}
	}
	if len(l.slow) > 0 {
		l.io.After(slowCheck, l.checkSlow)
	}
}

// limitOutput closes a client whose unsent replies pass the limits of its
// class, as Redis does (networking.c, checkClientOutputBufferLimits): at once
// past the hard one, past the soft one when that lasts.
func (c *client) limitOutput() {
	limit := c.l.p.cfg.OutputLimits.Normal
	if c.own != nil && c.own.subs.count() > 0 {
		limit = c.l.p.cfg.OutputLimits.PubSub
	}
	if limit.Hard == 0 && limit.Soft == 0 || c.closed {
		return
	}
	unsent := int64(c.conn.Unsent())
	switch {
	case limit.Hard > 0 && unsent >= limit.Hard:
	case limit.Soft == 0 || unsent < limit.Soft:
		c.fullSince = 0
		return
	case c.fullSince == 0:
		c.fullSince = c.l.p.clock.now()
		return
	case c.l.p.clock.since(c.fullSince) < limit.SoftFor:
		return
	}
	c.l.p.log.Warn("closing client that passed its output buffer limit", "addr", c.conn.RemoteAddr(), "bytes", unsent)
	c.conn.Close()
}
