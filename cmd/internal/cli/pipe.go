package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"holdfast/backend/resp"
)

// Pipe sends the requests that in holds, in either form of the protocol, as fast
// as the server takes them, and counts its replies. It knows that the last one
// came by an ECHO of its own behind them. silence is how long it waits for that
// without hearing anything; 0: for ever.
func (c *Client) Pipe(ctx context.Context, in io.Reader, silence time.Duration) error {
	conn, raw, err := c.opts.dial(ctx, c.errs, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	mark := rand.Text()
	sent := make(chan error, 1)
	go func() { // ends with its input, or with the connection
		w := bufio.NewWriterSize(raw, 64<<10)
		_, err := io.Copy(w, in)
		if err == nil {
			_, err = w.Write(resp.AppendCommand([]byte("\r\n"), "ECHO", mark))
		}
		sent <- errors.Join(err, w.Flush())
	}()
	count := pipeCount{out: c.out, errs: c.errs}
	if err := count.read(raw, mark, silence, sent); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Last reply received from server.\nerrors: %d, replies: %d\n", count.errors, count.replies)
	if count.errors > 0 {
		return ErrReply
	}
	return nil
}

// pipeTick is how often the end of the sending is looked for while nothing
// comes.
const pipeTick = 100 * time.Millisecond

// pipeCount is what came back.
type pipeCount struct {
	out, errs       io.Writer
	errors, replies int
}

// read counts replies until the one that is mark.
func (p *pipeCount) read(conn net.Conn, mark string, silence time.Duration, sent chan error) error {
	var replies resp.Replies
	buf, heard := make([]byte, 0, 64<<10), time.Now()
	transferred := func() { fmt.Fprintln(p.out, "All data transferred. Waiting for the last reply...") }
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, make([]byte, len(buf))...)[:len(buf)]
		}
		_ = conn.SetReadDeadline(time.Now().Add(pipeTick))
		n, err := conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		select {
		case failed := <-sent:
			if failed != nil {
				return failed
			}
			transferred()
			heard, sent = time.Now(), nil
		default:
		}
		switch quiet := errors.Is(err, os.ErrDeadlineExceeded); {
		case err == nil:
			heard = time.Now()
		case !quiet:
			return fmt.Errorf("no reply to all that was sent: %w (%d errors, %d replies)", err, p.errors, p.replies)
		case sent == nil && silence > 0 && time.Since(heard) > silence:
			return fmt.Errorf("no replies for %v: exiting (%d errors, %d replies)", silence, p.errors, p.replies)
		}
		took, done, err := p.take(&replies, buf, mark)
		if done && sent != nil {
			transferred() // the reply was faster than the word of it
		}
		if err != nil || done {
			return err
		}
		buf = buf[:copy(buf, buf[took:])]
	}
}

// take counts the whole replies in buf, up to the one that is mark.
func (p *pipeCount) take(replies *resp.Replies, buf []byte, mark string) (took int, done bool, err error) {
	for {
		size, err := replies.Next(buf[took:])
		if err != nil || size == 0 {
			return took, false, err
		}
		v, err := resp.Parse(buf[took : took+size])
		if err != nil {
			return took, false, err
		}
		if took += size; v.Text == mark {
			return took, true, nil
		}
		p.count(v)
	}
}

func (p *pipeCount) count(v resp.Value) {
	p.replies++
	if v.Err() != nil {
		p.errors++
		fmt.Fprintln(p.errs, v.Text)
	}
}
