package election

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"holdfast/backend/resp"
)

// conn is one client connection. Its goroutine reads requests and writes the
// replies; events are written by a second one once it subscribes, so that a
// client that does not read never holds up the others.
type conn struct {
	server *server
	nc     net.Conn
	id     int64
	since  time.Time

	in       resp.Requests
	buf      []byte
	out      []byte // replies of the requests read so far
	proto    int
	authed   bool
	name     string // changed under server.mu
	tracking bool   // asked for
	closing  bool   // after the replies written

	write    sync.Mutex // of nc
	channels map[string]bool
	patterns map[string]bool
	events   chan [2]string // to the event goroutine; nil until it subscribes
	quit     chan struct{}  // ends it
	feeding  sync.WaitGroup

	subs sync.Mutex // of channels and patterns
}

func (c *conn) serve() {
	defer c.end()
	if !c.shake() {
		return
	}
	chunk := make([]byte, 4096)
	for !c.closing {
		args, n, err := c.in.Next(c.buf)
		switch {
		case err != nil:
			c.out = resp.AppendError(c.out, "ERR "+err.Error())
			c.flush()
			return
		case n > 0:
			if len(args) > 0 {
				c.dispatch(args)
			}
			c.buf = c.buf[n:]
			continue
		}
		if !c.flush() || len(c.buf) > maxRequest {
			return
		}
		if d := c.server.s.cfg.Timeout; d > 0 && !c.subscribed() {
			c.nc.SetReadDeadline(time.Now().Add(d))
		}
		got, err := c.nc.Read(chunk)
		if err != nil {
			return
		}
		c.server.tally.reads.Add(1)
		c.server.tally.in.Add(int64(got))
		c.buf = append(append([]byte(nil), c.buf...), chunk[:got]...)
	}
	c.flush()
}

// shake does the handshake of a TLS connection.
func (c *conn) shake() bool {
	secret, ok := c.nc.(*tls.Conn)
	if !ok {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), shakeWait)
	defer cancel()
	err := secret.HandshakeContext(ctx)
	if err != nil {
		c.server.s.log.Info("Error accepting a client connection: "+err.Error(), "addr", c.nc.RemoteAddr().String())
	}
	return err == nil
}

// flush writes what was answered.
func (c *conn) flush() bool {
	if len(c.out) == 0 {
		return true
	}
	ok := c.send(c.out)
	c.out = c.out[:0]
	return ok
}

func (c *conn) send(b []byte) bool {
	c.write.Lock()
	defer c.write.Unlock()
	c.nc.SetWriteDeadline(time.Now().Add(writeWait))
	n, err := c.nc.Write(b)
	c.server.tally.writes.Add(1)
	c.server.tally.out.Add(int64(n))
	return err == nil
}

func (c *conn) end() {
	c.server.s.events.unsubscribe(c)
	c.nc.Close()
	if c.quit != nil {
		close(c.quit)
		c.feeding.Wait()
	}
	c.server.forget(c)
}

func (c *conn) fail(text string) {
	c.server.tally.errors.Add(1)
	c.out = resp.AppendError(c.out, text)
}

func (c *conn) ok() { c.out = resp.AppendSimple(c.out, "OK") }
