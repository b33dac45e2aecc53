// Package cli is the command line client: one command, a prompt, or one of the
// tools that look at a whole server.
//
// It speaks to any RESP server, and prints as redis-cli does: for people on a
// terminal, bare values otherwise. It has no cluster mode and no LRU test;
// redis-cli works with Holdfast, too.
package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/resp"
)

// Options say where to connect, as whom, and how to print.
type Options struct {
	Addr     string // host:port, or a path
	User     string
	Password string
	DB       int
	RESP3    bool
	TLS      *tls.Config // nil: plain
	Output   Output
	// Between and Behind separate the elements of a bare reply and the replies.
	Between, Behind string
	Repeat          int           // times a command is sent; negative: for ever
	Interval        time.Duration // between two of these
}

// Output is how replies are printed.
type Output int

// The outputs.
const (
	ForPeople Output = iota
	Bare
	CSV
	JSON
	QuotedJSON // JSON whose strings are all printable
)

// ErrReply says that the server's reply was an error, which was printed.
var ErrReply = errors.New("the reply is an error")

// Client is one user's connection.
type Client struct {
	opts  Options
	out   io.Writer
	conn  *client.Conn // nil while it is down
	multi bool         // between MULTI and EXEC
}

// New makes a client that prints to out. It connects with the first command.
func New(o Options, out io.Writer) *Client {
	if o.Between == "" {
		o.Between = "\n"
	}
	if o.Behind == "" {
		o.Behind = "\n"
	}
	return &Client{opts: o, out: out}
}

// Close ends the connection.
func (c *Client) Close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
	c.multi = false
}

// Do sends one command as often as the options say and prints its replies.
func (c *Client) Do(ctx context.Context, args ...string) error {
	for i := 0; ; {
		err := c.once(ctx, args...)
		if i++; err != nil || ctx.Err() != nil || c.opts.Repeat >= 0 && i >= c.opts.Repeat {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(c.opts.Interval):
		}
	}
}

// once sends one command and prints its reply; for SUBSCRIBE and its like, and
// for MONITOR, every reply that follows, until ctx ends. The error is ErrReply,
// or the connection's.
func (c *Client) once(ctx context.Context, args ...string) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	conn := c.conn
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // nothing else ends a wait
	defer stop()
	v, err := conn.Do(ctx, args...)
	for {
		if v.Kind == 0 { // no reply came
			c.Close()
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		c.print(args[0], v)
		if v.Err() != nil {
			return ErrReply
		}
		c.remember(args)
		if !streams(args[0]) {
			return nil
		}
		v, err = c.conn.Receive(ctx)
	}
}

// remember notes what a reconnection has to repeat, and what the prompt shows.
func (c *Client) remember(args []string) {
	switch strings.ToLower(args[0]) {
	case "select":
		if db, err := strconv.Atoi(args[len(args)-1]); err == nil {
			c.opts.DB = db
		}
	case "auth":
		c.opts.User, c.opts.Password = "", args[len(args)-1]
		if len(args) == 3 {
			c.opts.User = args[1]
		}
	case "hello":
		if len(args) > 1 {
			c.opts.RESP3 = args[1] == "3"
		}
	case "multi":
		c.multi = true
	case "exec", "discard":
		c.multi = false
	case "reset":
		c.multi, c.opts.RESP3, c.opts.DB = false, false, 0
	}
}

// streams tells whether replies follow without being asked for.
func streams(command string) bool {
	switch strings.ToLower(command) {
	case "subscribe", "psubscribe", "ssubscribe", "monitor", "psync", "sync":
		return true
	}
	return false
}

func (c *Client) connect(ctx context.Context) error {
	if c.conn != nil && c.conn.Broken() == nil {
		return nil
	}
	c.Close()
	conn, _, err := c.opts.dial(ctx, func(v resp.Value) { c.print("", v) })
	c.conn = conn
	return err
}

// print writes the reply of a command. What is text for people is not quoted.
func (c *Client) print(command string, v resp.Value) {
	var text string
	switch c.opts.Output {
	case Bare:
		text = RawBetween(v, c.opts.Between) + c.opts.Behind
	case CSV:
		text = asCSV(v) + "\n"
	case JSON, QuotedJSON:
		text = asJSON(v, c.opts.Output == QuotedJSON) + "\n"
	default:
		text = Format(v)
		if readable(command) && v.Kind == '$' && !v.Null {
			text = v.Text + "\n"
		}
	}
	_, _ = io.WriteString(c.out, text)
}

// readable tells whether a command's reply is lines of text.
func readable(command string) bool {
	switch strings.ToLower(command) {
	case "info", "lolwut":
		return true
	}
	return false
}
