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
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
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
	Repeat          int           // times a command is sent; 0: once; negative: for ever
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
	errs  io.Writer
	conn  *client.Conn // nil while it is down
	multi bool         // between MULTI and EXEC
}

// New makes a client that prints replies to out, and what is not a command's
// reply, warnings and errors, to errs. It connects with the first command.
func New(o Options, out, errs io.Writer) *Client {
	if o.Between == "" {
		o.Between = "\n"
	}
	if o.Behind == "" {
		o.Behind = "\n"
	}
	return &Client{opts: o, out: out, errs: errs}
}

// Close ends the connection.
func (c *Client) Close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
	c.multi = false
}

// Do sends one command as often as the options say and prints its replies. The
// error is ErrReply when the last one was one; the connection's ends it at once.
func (c *Client) Do(ctx context.Context, args ...string) error {
	for i := 0; ; {
		err := c.once(ctx, args...)
		if i++; err != nil && !errors.Is(err, ErrReply) || ctx.Err() != nil || c.opts.Repeat >= 0 && i >= c.opts.Repeat {
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
	if c.opts.RESP3 && unsubscribes(args[0]) {
		return c.unsubscribe(ctx, args)
	}
	v, err := conn.Do(ctx, args...)
	for left := replies(args); ; left-- {
		if v.Kind == 0 { // no reply came
			return c.lost(ctx, err)
		}
		c.print(args, v)
		if v.Err() != nil {
			return ErrReply
		}
		c.remember(args)
		if left == 1 {
			return nil
		}
		v, err = c.conn.Receive(ctx)
	}
}

// lost closes a connection that brought no reply. That is no error where the
// user ended the wait.
func (c *Client) lost(ctx context.Context, err error) error {
	multi := c.multi
	c.Close()
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		//lint:ignore ST1005 the text is redis-cli's, which scripts look for
		err = errors.New("Error: Server closed the connection")
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case multi:
		return fmt.Errorf("%w; the transaction is gone with its connection", err)
	}
	return err
}

// unsubscribe is for RESP3, where pushes say what was done. A PING behind it is
// answered when all of them have come.
func (c *Client) unsubscribe(ctx context.Context, args []string) error {
	c.conn.Tell(args...)
	v, err := c.conn.Do(ctx, "PING")
	if v.Err() == nil {
		if v.Kind == 0 {
			return c.lost(ctx, err)
		}
		return nil
	}
	c.print(args, v) // it was refused, and so told by a reply
	if v, err := c.conn.Receive(ctx); v.Kind == 0 {
		return c.lost(ctx, err)
	}
	return ErrReply
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

// replies is how many replies a command gets; 0: they follow without end.
func replies(args []string) int {
	switch strings.ToLower(args[0]) {
	case "subscribe", "psubscribe", "ssubscribe", "monitor", "psync", "sync":
		return 0
	}
	if unsubscribes(args[0]) {
		return max(1, len(args)-1) // one for each channel
	}
	return 1
}

func unsubscribes(command string) bool {
	switch strings.ToLower(command) {
	case "unsubscribe", "punsubscribe", "sunsubscribe":
		return true
	}
	return false
}

func (c *Client) connect(ctx context.Context) error {
	if c.conn != nil && c.conn.Broken() == nil {
		return nil
	}
	c.Close()
	conn, _, err := c.opts.dial(ctx, c.errs, func(v resp.Value) { c.print(nil, v) })
	c.conn = conn
	return err
}

// print writes the reply of a command. What is text for people is written as it
// is, whatever the output.
func (c *Client) print(command []string, v resp.Value) {
	if readable(command) && v.Err() == nil && !v.Null && !isAggregate(v.Kind) {
		_, _ = io.WriteString(c.out, v.Text)
		return
	}
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
	}
	_, _ = io.WriteString(c.out, text)
}

// readable tells whether a command's reply is lines of text. The list is
// redis-cli's (cliSendCommand).
func readable(command []string) bool {
	if len(command) == 0 {
		return false
	}
	sub := ""
	if len(command) > 1 {
		sub = strings.ToLower(command[1])
	}
	switch strings.ToLower(command[0]) {
	case "info", "lolwut":
		return true
	case "client":
		return sub == "list" || sub == "info"
	case "cluster":
		return sub == "nodes" || sub == "info"
	case "debug":
		return sub == "htstats" || sub == "htstats-key" || sub == "client-eviction"
	case "latency":
		return sub == "doctor" || sub == "graph"
	case "memory":
		return sub == "doctor" || sub == "malloc-stats"
	}
	return false
}
