package netio

import (
	"fmt"
	"net"
	"os"
	"time"
)

// restDeadline bounds how long the replies that were written before the connection
// was detached take to send.
const restDeadline = 5 * time.Second

// Detach takes the connection away from its loop and returns it as an ordinary
// net.Conn, with the bytes that the session left unconsumed; what had been
// written goes out in order ahead of anything written to the result. For peers
// that are better served by a goroutine, such as replicas. Called inside Data,
// unread holds none of that call's bytes: the session has them. The session's
// Closed is called as for any other end.
func (c *Conn) Detach() (conn net.Conn, unread []byte, err error) {
	if n := c.gnet.OutboundBuffered(); n > 0 {
		// gnet would send them at its own close, behind what we write here.
		return nil, nil, fmt.Errorf("%d bytes of earlier replies have not been sent", n)
	}
	fd, err := c.gnet.Dup()
	if err != nil {
		return nil, nil, err
	}
	file := os.NewFile(uintptr(fd), "detached")
	conn, err = net.FileConn(file)
	file.Close()
	if err != nil {
		return nil, nil, err
	}
	pending := append([]byte(nil), c.out...)
	unread = append([]byte(nil), c.in...)
	if c.secret != nil {
		conn = c.secret.over(conn)
		c.secret = nil // the end on this loop is not TLS's
	}
	c.Close()
	if len(pending) > 0 {
		c.loop.leaving()
		_ = conn.SetWriteDeadline(time.Now().Add(restDeadline))
		if _, err := conn.Write(pending); err != nil {
			conn.Close()
			return nil, nil, err
		}
		_ = conn.SetWriteDeadline(time.Time{})
	}
	return conn, unread, nil
}
