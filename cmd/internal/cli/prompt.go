package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ergochat/readline"

	"holdfast/backend/resp"
)

// Script reads commands from in, one a line, until it ends or says exit. The
// error is ErrReply when the last reply was one. Where the connection breaks it
// ends: what the command in flight did is not known, and those behind it may
// depend on it.
func (c *Client) Script(ctx context.Context, in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	var last error
	for ctx.Err() == nil && lines.Scan() {
		done, err := c.line(ctx, lines.Text())
		if done {
			break
		}
		if last = err; err != nil && !errors.Is(err, ErrReply) {
			return err
		}
	}
	return errors.Join(last, lines.Err())
}

// Prompt asks a person for commands, with history, completion and hints, until
// there are no more.
func (c *Client) Prompt(ctx context.Context) error {
	// Ctrl-C ends a command or drops a line, not the prompt.
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := c.connect(ctx); err != nil {
		fmt.Fprintln(c.out, err)
	}
	help := c.loadHelp(ctx)
	hints := &hinter{help: help}
	rl, err := readline.NewFromConfig(&readline.Config{
		Prompt: c.prompt(), HistoryFile: historyFile(), HistoryLimit: 1000, DisableAutoSaveHistory: true,
		AutoComplete: help, Painter: hints.paint, Listener: hints.listen,
	})
	if err != nil {
		return err
	}
	defer rl.Close()
	defer context.AfterFunc(ctx, func() { rl.Close() })()
	for ctx.Err() == nil {
		rl.SetPrompt(c.prompt())
		hints.width = len(c.prompt())
		line, err := rl.ReadLine()
		if errors.Is(err, readline.ErrInterrupt) && hints.typed {
			continue // the line is dropped, as in a shell
		}
		if err != nil {
			return nil
		}
		if !sensitive(line) {
			_ = rl.SaveToHistory(line)
		}
		if done := c.answer(ctx, help, line); done {
			return nil
		}
	}
	return nil
}

// slow is how long a command takes before the prompt says how long it took.
const slow = 500 * time.Millisecond

// answer carries out one line of a person, who may end its command by Ctrl-C.
func (c *Client) answer(ctx context.Context, help *help, line string) (done bool) {
	args, ok := words([]byte(line))
	if ok && len(args) > 0 {
		switch strings.ToLower(args[0]) {
		case "help", "?":
			help.show(c.out, args[1:])
			return false
		case "clear":
			fmt.Fprint(c.out, "\x1b[H\x1b[2J")
			return false
		case "connect":
			if len(args) == 3 {
				c.Close()
				c.opts.Addr = net.JoinHostPort(args[1], args[2])
				if err := c.connect(ctx); err != nil {
					fmt.Fprintln(c.out, err)
				}
				return false
			}
		}
	}
	one, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	began := time.Now()
	done, err := c.line(one, line)
	switch took := time.Since(began); {
	case one.Err() != nil: // which ended the connection, too
		_ = c.connect(ctx)
	case err != nil && !errors.Is(err, ErrReply):
		fmt.Fprintln(c.out, err)
	case took >= slow && c.opts.Output == ForPeople:
		fmt.Fprintf(c.out, "(%.2fs)\n", took.Seconds())
	}
	return done
}

// line carries out one line: a command, or how often and a command.
func (c *Client) line(ctx context.Context, line string) (done bool, err error) {
	args, ok := words([]byte(line))
	switch {
	case !ok:
		fmt.Fprintln(c.out, "Invalid argument(s)")
		return false, ErrReply
	case len(args) == 0:
		return false, nil
	case strings.EqualFold(args[0], "exit") || strings.EqualFold(args[0], "quit"):
		return true, nil
	}
	times := 1
	if n, err := strconv.Atoi(args[0]); err == nil && n > 0 && len(args) > 1 {
		times, args = n, args[1:]
	}
	for ; times > 0 && ctx.Err() == nil; times-- {
		if err = c.once(ctx, args...); err != nil && !errors.Is(err, ErrReply) {
			return false, err
		}
	}
	return false, err
}

// prompt shows where commands go.
func (c *Client) prompt() string {
	if c.conn == nil || c.conn.Broken() != nil {
		return "not connected> "
	}
	text := c.opts.Addr
	if c.opts.DB != 0 {
		text += "[" + strconv.Itoa(c.opts.DB) + "]"
	}
	if c.multi {
		text += "(TX)"
	}
	return text + "> "
}

// historyFile is where lines are kept between two sessions; empty: nowhere.
func historyFile() string {
	if file, set := os.LookupEnv("HOLDFASTCLI_HISTFILE"); set {
		return file
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".holdfastcli_history")
}

// sensitive tells whether a line holds a password, which must not be kept.
func sensitive(line string) bool {
	args, _ := words([]byte(strings.ToLower(line)))
	if len(args) == 0 {
		return false
	}
	has := func(names ...string) bool {
		for _, arg := range args {
			for _, name := range names {
				if arg == name {
					return true
				}
			}
		}
		return false
	}
	switch args[0] {
	case "auth":
		return true
	case "acl":
		return has("setuser", "deluser")
	case "config":
		return has("masterauth", "masteruser", "requirepass", "tls-key-file-pass", "tls-client-key-file-pass")
	case "hello", "migrate":
		return has("auth", "auth2")
	case "sentinel":
		return has("auth-pass", "auth-user", "sentinel-pass", "sentinel-user")
	}
	return false
}

func words(line []byte) ([]string, bool) {
	split, ok := resp.SplitArgs(line)
	args := make([]string, len(split))
	for i, a := range split {
		args[i] = string(a)
	}
	return args, ok
}
