package netio

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// DialOptions of a connection that a loop opens.
type DialOptions struct {
	Timeout time.Duration // for the whole of name look-up and connect; required
	// Unacknowledged is how long sent bytes may stay unacknowledged before the
	// connection is given up (TCP_USER_TIMEOUT), which finds a half-open
	// connection without any request of ours; 0 leaves it to the system.
	Unacknowledged time.Duration
	// TLS is the configuration to shake hands with, within Timeout as well; nil:
	// plain TCP.
	TLS *tls.Config
}

// dialled carries a dialled connection to OnOpen.
type dialled struct {
	done   func(*Conn, error) Session
	secret *secret // TLS; nil without
}

func (d *dialled) opened(l *Loop, g gnet.Conn) {
	c := newConn(l, g)
	c.dialled = true
	c.secret = d.secret
	if c.session = d.done(c, nil); c.session == nil {
		c.session = refused{}
		c.Close()
	}
	if d.secret != nil {
		c.arrived(nil) // what came behind the handshake
	}
}

// Dial connects to addr (host:port) and brings the connection to this loop. It
// does not block: done is called on the loop, once, with the connection or
// with the reason why there is none, and returns the connection's session (nil
// closes it; the result is ignored with an error).
func (l *Loop) Dial(addr string, opts DialOptions, done func(*Conn, error) Session) {
	fail := func(err error) {
		l.Post(func() { done(nil, fmt.Errorf("cannot connect to %s: %w", addr, err)) })
	}
	go func() { // ends within twice opts.Timeout
		d := net.Dialer{Timeout: opts.Timeout, Control: opts.control}
		conn, err := d.Dial("tcp", addr)
		if err != nil {
			fail(err)
			return
		}
		var hidden *secret
		if opts.TLS != nil {
			life, cancel := context.WithTimeout(context.Background(), opts.Timeout)
			hidden, err = shake(life, conn, func(c net.Conn) *tls.Conn { return tls.Client(c, opts.TLS) })
			cancel()
			if err != nil {
				conn.Close()
				fail(err)
				return
			}
		}
		ctx := gnet.NewContext(context.Background(), &dialled{done, hidden})
		if _, err := l.gnet.Enroll(ctx, conn); err != nil {
			conn.Close()
			fail(err)
		}
	}()
}

func (o DialOptions) control(_, _ string, raw syscall.RawConn) error {
	if o.Unacknowledged <= 0 {
		return nil
	}
	var err error
	ctlErr := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(o.Unacknowledged.Milliseconds()))
	})
	if ctlErr != nil {
		return ctlErr
	}
	return err
}
