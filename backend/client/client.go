package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"holdfast/backend/resp"
)

// Bounds of a connection whose Options leave them open.
const (
	DefaultTimeout  = 5 * time.Second // of one wait without a deadline of its own
	DefaultMaxReply = 64 << 20        // bytes of one reply
	readChunk       = 4 << 10
	keepBuffer      = 64 << 10 // a larger buffer is given back once it is empty
)

// ErrClosed is what calls on a closed connection return, behind the reason it
// was closed for.
var ErrClosed = errors.New("connection closed")

// Options of a connection. The zero value is a plain connection without
// authentication.
type Options struct {
	User     string             // "" with a Password: the default user
	Password string             // "": no AUTH is sent
	TLS      *tls.Config        // nil: no TLS; an empty ServerName takes the host of the address
	Timeout  time.Duration      // of one wait whose context has no deadline; 0: DefaultTimeout
	MaxReply int                // bytes of one reply; 0: DefaultMaxReply
	OnPush   func(v resp.Value) // runs inside Do and Receive; nil: pushes are dropped
}

// Conn is one connection. It is not safe for concurrent use, except for Close.
type Conn struct {
	nc      net.Conn
	opt     Options
	frames  resp.Replies
	out     []byte // requests not yet written
	in      []byte // bytes read
	off     int    // of in that are consumed
	broken  error  // why no further call can work
	pending int    // requests written or buffered whose replies were not received
}

// Dial connects to addr (host:port), does the TLS handshake and the AUTH that
// opt asks for, all within ctx's deadline or opt.Timeout.
func Dial(ctx context.Context, addr string, opt Options) (*Conn, error) {
	ctx, cancel := bounded(ctx, opt)
	defer cancel()
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if opt.TLS != nil {
		if nc, err = handshake(ctx, nc, addr, opt.TLS); err != nil {
			return nil, err
		}
	}
	c := New(nc, opt)
	if err := c.auth(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("client: AUTH at %s: %w", addr, err)
	}
	return c, nil
}

// New makes a client of an open connection; it sends nothing.
func New(nc net.Conn, opt Options) *Conn {
	if opt.MaxReply <= 0 {
		opt.MaxReply = DefaultMaxReply
	}
	return &Conn{nc: nc, opt: opt}
}

func handshake(ctx context.Context, nc net.Conn, addr string, cfg *tls.Config) (net.Conn, error) {
	if cfg.ServerName == "" && !cfg.InsecureSkipVerify {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			nc.Close()
			return nil, err
		}
		cfg = cfg.Clone()
		cfg.ServerName = host
	}
	tc := tls.Client(nc, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("client: TLS with %s: %w", addr, err)
	}
	return tc, nil
}

func (c *Conn) auth(ctx context.Context) error {
	switch {
	case c.opt.Password == "":
		return nil
	case c.opt.User == "":
		_, err := c.Do(ctx, "AUTH", c.opt.Password)
		return err
	}
	_, err := c.Do(ctx, "AUTH", c.opt.User, c.opt.Password)
	return err
}

// SameHost tells whether the other end has the address of this one: it is on this
// machine.
func (c *Conn) SameHost() bool {
	here, _, err := net.SplitHostPort(c.nc.LocalAddr().String())
	there, _, err2 := net.SplitHostPort(c.nc.RemoteAddr().String())
	return err == nil && err2 == nil && here == there
}

// Do sends one request and returns its reply. An error reply comes back as the
// value and as a resp.Error; any other error has closed the connection, and
// whether the server executed the request is then unknown.
func (c *Conn) Do(ctx context.Context, args ...string) (resp.Value, error) {
	if c.broken != nil {
		return resp.Value{}, c.broken
	}
	if c.pending > 0 {
		return resp.Value{}, fmt.Errorf("client: Do with %d replies of a pipeline not received", c.pending)
	}
	c.Send(args...)
	return c.Receive(ctx)
}

// Send buffers a request. Nothing is written before Flush or Receive.
func (c *Conn) Send(args ...string) {
	c.out = resp.AppendCommand(c.out, args...)
	c.pending++
}

// Tell buffers a request that no reply answers: in RESP3 pushes alone say what
// UNSUBSCRIBE did.
func (c *Conn) Tell(args ...string) { c.out = resp.AppendCommand(c.out, args...) }

// Flush writes the buffered requests.
func (c *Conn) Flush(ctx context.Context) error {
	if c.broken != nil {
		return c.broken
	}
	if len(c.out) == 0 {
		return nil
	}
	release := c.arm(ctx)
	_, err := c.nc.Write(c.out)
	release()
	c.out = c.out[:0]
	if err != nil {
		return c.fail(ctx, "write", err)
	}
	return nil
}

// Receive flushes and returns the reply to the oldest request that has none
// yet, as Do does. Without such a request it waits for a reply all the same,
// which is how a subscriber reads its messages in RESP2.
func (c *Conn) Receive(ctx context.Context) (resp.Value, error) {
	if err := c.Flush(ctx); err != nil {
		return resp.Value{}, err
	}
	release := c.arm(ctx)
	defer release()
	for {
		v, err := c.read()
		if err != nil {
			return resp.Value{}, c.fail(ctx, "read", err)
		}
		if v.Kind == '>' {
			if c.opt.OnPush != nil {
				c.opt.OnPush(v)
			}
			continue
		}
		c.pending = max(0, c.pending-1)
		return v, v.Err()
	}
}

// read returns the next frame, whatever it is.
func (c *Conn) read() (resp.Value, error) {
	for {
		n, err := c.frames.Next(c.in[c.off:])
		if err != nil {
			return resp.Value{}, err
		}
		size := n
		if n == 0 {
			size = len(c.in) - c.off // of it so far
		}
		if size > c.opt.MaxReply {
			return resp.Value{}, fmt.Errorf("a reply exceeds %d bytes", c.opt.MaxReply)
		}
		if n > 0 {
			v, err := resp.Parse(c.in[c.off : c.off+n])
			c.consume(n)
			return v, err
		}
		if err := c.fill(); err != nil {
			return resp.Value{}, err
		}
	}
}

func (c *Conn) consume(n int) {
	c.off += n
	if c.off < len(c.in) {
		return
	}
	c.in, c.off = c.in[:0], 0
	if cap(c.in) > keepBuffer {
		c.in = nil
	}
}

// fill reads once. The unfinished frame is moved to the front of the buffer
// before the buffer grows, so that a long-lived connection does not creep.
func (c *Conn) fill() error {
	if c.off > 0 && cap(c.in)-len(c.in) < readChunk {
		c.in = c.in[:copy(c.in, c.in[c.off:])]
		c.off = 0
	}
	if free := cap(c.in) - len(c.in); free < readChunk {
		grown := make([]byte, len(c.in), max(2*cap(c.in), len(c.in)+readChunk))
		copy(grown, c.in)
		c.in = grown
	}
	n, err := c.nc.Read(c.in[len(c.in):cap(c.in)])
	c.in = c.in[:len(c.in)+n]
	if n > 0 {
		return nil
	}
	return err
}

// arm puts ctx's deadline, or the default one, on the connection, and ends the
// wait at once when ctx is cancelled. The returned function takes back the
// watch on ctx.
func (c *Conn) arm(ctx context.Context) (release func()) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(c.timeout())
	}
	c.nc.SetDeadline(deadline)
	if ctx.Done() == nil {
		return func() {}
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.nc.SetDeadline(time.Unix(1, 0))
		close(done)
	})
	return func() {
		if !stop() {
			<-done // or its deadline would hit the next call
		}
	}
}

func (c *Conn) timeout() time.Duration { return timeoutOf(c.opt) }

func timeoutOf(opt Options) time.Duration {
	if opt.Timeout > 0 {
		return opt.Timeout
	}
	return DefaultTimeout
}

func bounded(ctx context.Context, opt Options) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeoutOf(opt))
}

// fail closes the connection for good and remembers why.
func (c *Conn) fail(ctx context.Context, doing string, err error) error {
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("%w (%w)", err, ctx.Err())
	case errors.Is(err, os.ErrDeadlineExceeded): // the connection's timer may fire ahead of ctx's
		err = fmt.Errorf("%w (%w)", err, context.DeadlineExceeded)
	}
	err = fmt.Errorf("client: %s %s: %w", doing, c.Addr(), err)
	if c.broken == nil {
		c.broken = fmt.Errorf("%w after: %w", ErrClosed, err)
	}
	c.nc.Close()
	return err
}

// Broken returns why the connection cannot be used any more, nil while it can.
func (c *Conn) Broken() error { return c.broken }

// Pending is the number of requests whose replies were not received yet.
func (c *Conn) Pending() int { return c.pending }

// Addr is the address of the peer.
func (c *Conn) Addr() string {
	if a := c.nc.RemoteAddr(); a != nil {
		return a.String()
	}
	return "unknown peer"
}

// Close closes the connection; a call under way in another goroutine fails.
func (c *Conn) Close() error { return c.nc.Close() }
