package netio

import (
	"time"

	"golang.org/x/sys/unix"
)

// Ending is a Session that may owe its peer answers when that has closed its
// sending side, as printf … | nc -N does, and waits for them. Any other session
// ends then, behind what is written already. A peer that is gone looks the same
// until something is sent to it.
type Ending interface {
	// Ended is called once, when everything the peer has sent was passed to Data.
	// It returns true if the connection is to stay; the session closes it then, by
	// CloseAfterWrite, behind its last answer.
	Ended(c *Conn) (stay bool)
}

// lingerCheck is how long a peer may take nothing of the last bytes for it, before
// they are given up: a connection that ends must end.
const lingerCheck = 10 * time.Second

// read reads once from the socket for c, in gnet's place: where there is nothing
// more to come gnet would close the connection, with the answers that are still
// to be given. What is an end for us too is left to gnet. done tells whether the
// event has been dealt with.
func (p *poller) read(c *Conn) (done bool) {
	if c.ended {
		c.silence() // gnet listens again when all was written
		return true
	}
	n, err := unix.Read(c.gnet.Fd(), p.input)
	switch {
	case n > 0:
		c.loop.enter()
		c.arrived(p.input[:n])
		c.loop.leave()
		return true
	case err == unix.EAGAIN || err == unix.EINTR:
		return true
	case err != nil:
		c.failure = err // which gnet will not read again
		return false
	}
	return c.staysOpen()
}

// peerEnded is the end of what the peer sends where TLS tells of it: its own side is
// still open then, as that of a socket is.
func (c *Conn) peerEnded() {
	if !c.closing && !c.closed && !c.staysOpen() {
		c.CloseAfterWrite()
	}
}

// staysOpen is asked once, at the end of what the peer sends.
func (c *Conn) staysOpen() bool {
	if c.dialled {
		return false
	}
	c.loop.enter()
	defer c.loop.leave()
	if s, ok := c.session.(Ending); !ok || c.closing || !s.Ended(c) {
		if c.Unsent() == 0 || c.hastily {
			return false
		}
		c.CloseAfterWrite()
	}
	c.ended = true
	c.silence()
	return true
}

// linger keeps a connection that is to be closed until the kernel has taken its
// last bytes, as long as the peer takes any.
func (c *Conn) linger() {
	c.silence()
	if c.lingers {
		return
	}
	c.lingers = true
	c.watchLast(c.gnet.OutboundBuffered())
}

func (c *Conn) watchLast(before int) {
	c.loop.After(lingerCheck, func() {
		switch left := c.Untaken(); {
		case c.closed:
		case left == before:
			c.Close()
		default:
			c.watchLast(left)
		}
	})
}

// written is called when gnet has written what it could.
func (c *Conn) written() {
	if c.closing && !c.closed && c.gnet.OutboundBuffered() == 0 {
		c.markDirty()
	}
}
