// Package cli is the command line client: one command, or a prompt.
//
// It speaks to any RESP server. It has no history, no completion and no
// cluster mode; redis-cli works with Holdfast, too.
package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/resp"
)

// Options say where to connect and how to print.
type Options struct {
	Addr     string // host:port
	User     string
	Password string
	RESP3    bool
	Raw      bool // print bare values
}

// ErrReply says that the server's reply was an error, which was printed.
var ErrReply = errors.New("the reply is an error")

// Client is one user's connection.
type Client struct {
	opts Options
	out  io.Writer
	conn *client.Conn // nil while it is down
}

// patience bounds the wait for a reply; a blocking command may take it.
const patience = 24 * time.Hour

// New makes a client that prints to out. It connects with the first command.
func New(o Options, out io.Writer) *Client { return &Client{opts: o, out: out} }

// Close ends the connection.
func (c *Client) Close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// Do sends one command and prints its reply; for SUBSCRIBE and its like, and
// for MONITOR, every reply that follows, until ctx ends. The error is ErrReply,
// or the connection's.
func (c *Client) Do(ctx context.Context, args ...string) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	v, err := c.conn.Do(ctx, args...)
	for {
		if v.Kind == 0 { // no reply came
			c.Close()
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		c.print(v)
		if v.Err() != nil {
			return ErrReply
		}
		if !streams(args[0]) {
			return nil
		}
		v, err = c.conn.Receive(ctx)
	}
}

// streams tells whether replies follow without being asked for.
func streams(command string) bool {
	switch strings.ToLower(command) {
	case "subscribe", "psubscribe", "ssubscribe", "monitor":
		return true
	}
	return false
}

func (c *Client) connect(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	conn, err := client.Dial(ctx, c.opts.Addr, client.Options{User: c.opts.User, Password: c.opts.Password,
		Timeout: patience, OnPush: c.print})
	if err != nil {
		return fmt.Errorf("could not connect to %s: %w", c.opts.Addr, err)
	}
	if c.opts.RESP3 {
		if _, err := conn.Do(ctx, "HELLO", "3"); err != nil {
			conn.Close()
			return err
		}
	}
	c.conn = conn
	return nil
}

func (c *Client) print(v resp.Value) {
	text := Format(v)
	if c.opts.Raw {
		text = Raw(v)
	}
	io.WriteString(c.out, text)
}

// Prompt reads commands from in, one a line, until it ends or says exit. With
// prompt set, it asks for each.
func (c *Client) Prompt(ctx context.Context, in io.Reader, prompt bool) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for c.ask(prompt); ctx.Err() == nil && lines.Scan(); c.ask(prompt) {
		args, ok := words(lines.Bytes())
		switch {
		case !ok:
			fmt.Fprintln(c.out, "Invalid argument(s)")
		case len(args) == 0:
		case args[0] == "exit" || args[0] == "quit":
			return nil
		default:
			if err := c.Do(ctx, args...); err != nil && !errors.Is(err, ErrReply) {
				fmt.Fprintf(c.out, "Error: %v\n", err)
			}
		}
	}
	return lines.Err()
}

func (c *Client) ask(prompt bool) {
	switch {
	case !prompt:
	case c.conn == nil:
		fmt.Fprint(c.out, "not connected> ")
	default:
		fmt.Fprintf(c.out, "%s> ", c.opts.Addr)
	}
}

func words(line []byte) ([]string, bool) {
	split, ok := resp.SplitArgs(line)
	args := make([]string, len(split))
	for i, a := range split {
		args[i] = string(a)
	}
	return args, ok
}
