package netio

import (
	"io"
	"net"

	"github.com/panjf2000/gnet/v2"
)

// Conn is one connection on one Loop.
type Conn struct {
	loop    *Loop
	gnet    gnet.Conn
	session Session
	secret  *secret // TLS; nil without
	out     []byte  // written by the session, not yet given to gnet
	last    int     // bytes of the output before this one
	in      []byte  // received and not consumed

	closed  bool  // gnet may have reused the descriptor: never write again
	closing bool  // close as soon as the output is written
	hastily bool  // or at once, whatever is left of it
	isDirty bool  // on loop.dirty
	isLater bool  // on loop.later
	strict  bool  // give gnet bytes only while it holds none
	choked  bool  // on loop.choked
	paused  bool  // the session asked for no more data
	dialled bool  // by this side, so that the peer expects no answers
	ended   bool  // the peer sends no more, and is still to be answered
	goodbye bool  // TLS has said that the peer sends no more, while paused
	lingers bool  // closing, and only waiting for the kernel to take the rest
	failure error // what reading from the socket has ended with
	reading bool  // inside session.Data
}

func newConn(l *Loop, g gnet.Conn) *Conn {
	c := &Conn{loop: l, gnet: g}
	g.SetContext(c)
	return c
}

// Loop returns the loop that owns the connection.
func (c *Conn) Loop() *Loop { return c.loop }

// Closed tells whether the connection is gone; nothing can be written any more.
func (c *Conn) Closed() bool { return c.closed }

// RemoteAddr returns the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.gnet.RemoteAddr() }

// LocalAddr returns the local address.
func (c *Conn) LocalAddr() net.Addr { return c.gnet.LocalAddr() }

// Fd returns the descriptor, for CLIENT LIST.
func (c *Conn) Fd() int { return c.gnet.Fd() }

// Buf returns the output buffer to append to; SetBuf puts it back. Between the
// two nothing else may write to the connection.
func (c *Conn) Buf() []byte {
	if c.out == nil {
		c.out = c.loop.buffer(c.last)
	}
	return c.out
}

// SetBuf stores the output buffer and has it flushed when the current handler
// ends.
func (c *Conn) SetBuf(b []byte) {
	c.out = b
	c.markDirty()
}

// SetBufLater stores the output buffer and has it flushed at the end of the
// loop's turn, together with what other connections add until then.
func (c *Conn) SetBufLater(b []byte) {
	c.out = b
	if !c.isLater && !c.isDirty && !c.closed {
		c.isLater = true
		c.loop.later = append(c.loop.later, c)
	}
}

// Write appends p to the output; it is flushed when the current handler ends.
func (c *Conn) Write(p []byte) { c.SetBuf(append(c.Buf(), p...)) }

// Send passes p to the kernel at once, past the output buffer, and says whether
// it was taken; p can be reused then. While earlier bytes of the connection
// still wait it takes nothing, so that what was refused has certainly not been
// sent. A connection that turns out to be dead ends inside Send: its session's
// Closed has run when it returns.
func (c *Conn) Send(p []byte) bool {
	if c.closed || c.closing || len(c.out) > 0 || c.gnet.OutboundBuffered() > 0 {
		return false
	}
	c.loop.enter()
	defer c.loop.leave()
	c.loop.leaving()
	c.give(p)
	return true
}

// Unsent returns the bytes that have been written to the connection and have
// not been taken by the kernel: the client's output buffer in Redis's terms.
func (c *Conn) Unsent() int {
	if c.closed {
		return 0
	}
	return len(c.out) + c.gnet.OutboundBuffered()
}

// Unread returns the bytes of memory that hold what was received and is not
// consumed.
func (c *Conn) Unread() int { return cap(c.in) }

// Untaken returns the bytes that were flushed and that the kernel has not taken.
func (c *Conn) Untaken() int {
	if c.closed {
		return 0
	}
	return c.gnet.OutboundBuffered()
}

// Queued returns what was written and not given away yet: on a strict
// connection these bytes have certainly not been sent.
func (c *Conn) Queued() []byte { return c.out }

// SetStrict makes the connection give bytes away only while all earlier ones
// were taken by the kernel.
func (c *Conn) SetStrict() { c.strict = true }

// Close closes the connection when the current handler ends; what is still in
// the output buffer is dropped, and no more data is delivered.
func (c *Conn) Close() {
	if c.closed {
		return
	}
	c.out = c.out[:0]
	c.hastily = true
	c.CloseAfterWrite()
}

// CloseAfterWrite closes the connection once the kernel has taken its output, or
// the peer has taken nothing for a while. No more data is delivered.
func (c *Conn) CloseAfterWrite() {
	if !c.closed {
		c.closing = true
		c.markDirty()
	}
}

func (c *Conn) markDirty() {
	if c.closed || c.isDirty {
		return
	}
	c.isDirty = true
	c.loop.dirty = append(c.loop.dirty, c)
	if c.loop.depth == 0 { // not inside a handler: nobody would flush
		c.loop.enter()
		c.loop.leave()
	}
}

// flush gives the output to gnet with one write.
func (c *Conn) flush() {
	if c.closed {
		return
	}
	if len(c.out) > 0 {
		if c.strict && c.gnet.OutboundBuffered() > 0 {
			c.loop.choke(c)
			return
		}
		b := c.out
		c.out, c.last = nil, len(c.out)
		c.give(b)
		c.loop.giveBack(b)
		if c.strict && !c.closed && c.gnet.OutboundBuffered() > 0 {
			c.loop.choke(c)
		}
	}
	if c.closing && !c.closed && !c.reading {
		c.end()
	}
}

// end closes the connection, unless gnet still has bytes that the peer is to get.
func (c *Conn) end() {
	if c.secret != nil && !c.lingers {
		_ = c.secret.CloseWrite()
		c.giveRaw(c.secret.taken())
	}
	switch {
	case c.closed:
	case c.gnet.OutboundBuffered() > 0 && !c.hastily:
		c.linger()
	default:
		_ = c.loop.gnet.Close(c.gnet)
	}
}

// give passes bytes to gnet, encrypted where the connection is.
func (c *Conn) give(p []byte) {
	if c.secret != nil {
		var err error
		if p, err = c.secret.seal(p); err != nil {
			c.Close()
			return
		}
	}
	c.giveRaw(p)
}

func (c *Conn) giveRaw(p []byte) {
	if len(p) > 0 && !c.closed {
		_, _ = c.gnet.Write(p) // an error has closed the connection: see goneAway
	}
}

// arrived takes bytes as they came from the socket.
func (c *Conn) arrived(in []byte) {
	if c.secret == nil {
		c.received(in)
		return
	}
	if c.closing || c.closed {
		return
	}
	b := plain.Get().(*[]byte)
	text, err := c.secret.open((*b)[:0], in)
	c.giveRaw(c.secret.taken()) // an alert, or an answer to a new key
	if len(text) > 0 {
		c.received(text)
	}
	if cap(text) <= keepBuffer*2 {
		*b = text[:0]
	}
	plain.Put(b)
	switch {
	case err == nil:
	case err != io.EOF:
		c.CloseAfterWrite()
	case c.paused:
		c.goodbye = true
	default:
		c.peerEnded()
	}
}

// received passes new bytes, with what was left before, to the session.
func (c *Conn) received(in []byte) {
	if c.closing || c.closed {
		return
	}
	if c.paused {
		c.in = append(c.in, in...)
		c.silence() // gnet listens again after a partial write
		return
	}
	if len(c.in) > 0 {
		c.in = append(c.in, in...)
		c.deliver(c.in, true)
		return
	}
	c.deliver(in, false)
}

func (c *Conn) deliver(in []byte, own bool) {
	c.reading = true
	n := c.session.Data(c, in)
	c.reading = false
	rest := in[n:]
	switch {
	case c.closed:
		c.in = nil
	case len(rest) == 0:
		if cap(c.in) > keepBuffer {
			c.in = nil
		}
		c.in = c.in[:0]
	case own:
		c.in = c.in[:copy(c.in, rest)]
	default:
		c.in = append(c.in[:0], rest...)
	}
	if c.closing && !c.closed {
		c.markDirty()
	}
}

// goneAway is the end: gnet closes the descriptor when this returns.
func (c *Conn) goneAway(err error) {
	if c.closed {
		return
	}
	if c.failure != nil {
		err = c.failure
	}
	c.closed = true
	c.loop.giveBack(c.out)
	c.out, c.in = nil, nil
	c.session.Closed(c, err)
}
