package load

import (
	"context"
	"fmt"
	"io"
	"net"

	"holdfast/backend/resp"
)

// readChunk is the least room kept for a read, bytes.
const readChunk = 16 << 10

// Conn is one RESP2 connection, for one goroutine that writes and one that
// reads.
type Conn struct {
	net.Conn
	replies resp.Replies
	buf     []byte
	next    int // start of the bytes in buf that were not handed out yet
}

// Dial connects to host:port within ctx's deadline and authenticates when a
// password is given.
func Dial(ctx context.Context, addr, password string) (*Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &Conn{Conn: raw, buf: make([]byte, 0, readChunk)}
	if password == "" {
		return c, nil
	}
	if deadline, ok := ctx.Deadline(); ok {
		c.SetDeadline(deadline)
	}
	if v, err := c.Do("AUTH", password); err != nil || v.Err() != nil {
		c.Close()
		if err == nil {
			err = v.Err()
		}
		return nil, fmt.Errorf("AUTH at %s: %w", addr, err)
	}
	return c, nil
}

// Reply returns the bytes of the next reply, which are valid until the next
// call. Deadlines are the caller's to set.
func (c *Conn) Reply() ([]byte, error) {
	for {
		n, err := c.replies.Next(c.buf[c.next:])
		if err != nil {
			return nil, err
		}
		if n > 0 {
			reply := c.buf[c.next : c.next+n]
			c.next += n
			return reply, nil
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// Buffered tells whether bytes of a further reply have been read already.
func (c *Conn) Buffered() bool { return c.next < len(c.buf) }

// fill reads once. The bytes of an unfinished reply are moved to the front,
// which keeps the buffer as large as the largest reply plus one read.
func (c *Conn) fill() error {
	if c.next > 0 {
		c.buf = c.buf[:copy(c.buf, c.buf[c.next:])]
		c.next = 0
	}
	if cap(c.buf)-len(c.buf) < readChunk {
		c.buf = append(make([]byte, 0, 2*cap(c.buf)+readChunk), c.buf...)
	}
	n, err := c.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// Do sends one command and reads one reply. An error reply is the value's; the
// error is the connection's.
func (c *Conn) Do(args ...string) (resp.Value, error) {
	if _, err := c.Write(resp.AppendCommand(nil, args...)); err != nil {
		return resp.Value{}, err
	}
	reply, err := c.Reply()
	if err != nil {
		return resp.Value{}, err
	}
	return resp.Parse(reply)
}
