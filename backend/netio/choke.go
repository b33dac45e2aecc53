package netio

import "time"

// chokeCheck is how often a strict connection that was full is looked at: gnet
// does not tell when its own buffer has become empty.
const chokeCheck = time.Millisecond

func (l *Loop) choke(c *Conn) {
	if c.choked {
		return
	}
	c.choked = true
	if l.choked = append(l.choked, c); len(l.choked) == 1 {
		l.After(chokeCheck, l.unchoke)
	}
}

// unchoke flushes the choked connections that can take more again.
func (l *Loop) unchoke() {
	waiting := l.choked
	l.choked = nil
	for _, c := range waiting {
		c.choked = false
		c.flush()
		if !c.closed && c.gnet.OutboundBuffered() > 0 {
			l.choke(c)
		}
	}
}
