package netio

import "golang.org/x/sys/unix"

// gnet cannot stop reading from a connection, so this changes the epoll
// registration under it. gnet's default poller registers the descriptor itself
// as the event's data, which is all that has to be repeated here.

// Pause stops delivering data, and reading from the socket, until Resume: back
// pressure for a client that outruns us. What was received already stays in
// the connection, at most one read more.
func (c *Conn) Pause() {
	if !c.paused && !c.closed {
		c.paused = true
		c.silence()
	}
}

// Paused tells whether the connection is paused.
func (c *Conn) Paused() bool { return c.paused }

// Resume undoes Pause and delivers what has been waiting, at once unless the
// session's Data is running, in which case the session goes on by itself.
func (c *Conn) Resume() {
	if !c.paused || c.closed {
		return
	}
	c.paused = false
	if !c.ended {
		events := uint32(unix.EPOLLIN | unix.EPOLLPRI)
		if c.gnet.OutboundBuffered() > 0 {
			events |= unix.EPOLLOUT
		}
		c.interest(events)
	}
	c.Redeliver()
	if c.goodbye && !c.paused {
		c.goodbye = false
		c.peerEnded()
	}
}

// Redeliver passes the bytes that the session did not consume to it again, for
// a session that stopped in the middle of its input and can go on now.
func (c *Conn) Redeliver() {
	if len(c.in) > 0 && !c.reading && !c.paused && !c.closing && !c.closed {
		c.loop.enter()
		defer c.loop.leave()
		c.deliver(c.in, true)
	}
}

// silence takes the wish to read out of the registration and keeps the wish to
// write as it must be.
func (c *Conn) silence() {
	var events uint32
	if c.gnet.OutboundBuffered() > 0 {
		events = unix.EPOLLOUT
	}
	c.interest(events)
}

func (c *Conn) interest(events uint32) {
	fd := c.gnet.Fd()
	ev := unix.EpollEvent{Events: events, Fd: int32(fd)}
	_ = unix.EpollCtl(c.loop.poller.fd, unix.EPOLL_CTL_MOD, fd, &ev)
}
