package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/resp"
)

const (
	// masterSilence is how long a master may say nothing, not even the newlines
	// that it says while it prepares a snapshot.
	masterSilence = 60 * time.Second
	markLen       = 40 // bytes of the end mark of a snapshot whose length nobody knew
)

// Backup fetches a snapshot of the server's data as a replica would, with
// functionsOnly only its functions, and puts it into the file name, whole or not
// at all; "-" is c's output.
func (c *Client) Backup(ctx context.Context, name string, functionsOnly bool) error {
	wants := []string{"REPLCONF capa eof", "REPLCONF rdb-only 1"}
	if functionsOnly {
		wants = append(wants, "REPLCONF rdb-filter-only functions")
	}
	m, err := c.opts.sync(ctx, wants)
	if err != nil {
		return err
	}
	defer m.Close()
	stop := context.AfterFunc(ctx, func() { m.Close() })
	defer stop()
	if functionsOnly && m.refused != "" {
		return fmt.Errorf("%s does not know how to send functions alone: %s", c.opts.Addr, m.refused)
	}
	if name == "-" {
		return m.snapshot(c.out)
	}
	size, err := writeWhole(name, m.snapshot)
	if err == nil {
		fmt.Fprintf(c.out, "Transfer finished with success after %d bytes\n", size)
	}
	return err
}

// Replica prints the commands that the server sends to its replicas until ctx
// ends.
func (c *Client) Replica(ctx context.Context) error {
	// The snapshot is of no use here; only who knows the end mark is sent a part.
	m, err := c.opts.sync(ctx, []string{"REPLCONF capa eof", "REPLCONF rdb-filter-only "})
	if err != nil {
		return err
	}
	defer m.Close()
	stop := context.AfterFunc(ctx, func() { m.Close() })
	defer stop()
	if err := m.snapshot(io.Discard); err != nil {
		return err
	}
	if _, err := m.Write(resp.AppendCommand(nil, "REPLCONF", "ACK", "0")); err != nil { // the stream follows
		return err
	}
	if c.opts.Output != JSON && c.opts.Output != QuotedJSON {
		c.opts.Output = CSV // a command to a line
	}
	stream := client.New(m, client.Options{Timeout: patience, MaxReply: maxReply})
	for {
		v, err := stream.Receive(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s ended the stream: %w", c.opts.Addr, err)
		}
		c.print(nil, v)
	}
}

// master is a connection that said SYNC.
type master struct {
	net.Conn
	in      *bufio.Reader
	refused string // the error to the last of what was asked for before
}

// Read implements io.Reader.
func (m *master) Read(p []byte) (int, error) { return m.in.Read(p) }

// sync asks for a snapshot and what follows it, after requests that an older
// server may refuse.
func (o *Options) sync(ctx context.Context, wants []string) (*master, error) {
	conn, raw, err := o.dial(ctx, io.Discard, nil)
	if err != nil {
		return nil, err
	}
	m := &master{Conn: raw, in: bufio.NewReaderSize(raw, 64<<10)}
	for _, line := range wants {
		v, err := conn.Do(ctx, strings.Split(line, " ")...)
		if v.Kind == 0 {
			raw.Close()
			return nil, err
		}
		m.refused = ""
		if err := v.Err(); err != nil {
			m.refused = err.Error()
		}
	}
	if _, err := raw.Write(resp.AppendCommand(nil, "SYNC")); err != nil {
		raw.Close()
		return nil, err
	}
	return m, nil
}

// snapshot copies the snapshot to w, to its end.
func (m *master) snapshot(w io.Writer) error {
	head := ""
	for head == "" { // newlines say that it is being prepared
		_ = m.SetReadDeadline(time.Now().Add(masterSilence))
		line, err := m.in.ReadString('\n')
		if err != nil {
			return fmt.Errorf("no snapshot came: %w", err)
		}
		head = strings.TrimSpace(line)
	}
	left, mark := int64(-1), ""
	switch size, err := strconv.ParseInt(strings.TrimPrefix(head, "$"), 10, 64); {
	case strings.HasPrefix(head, "$EOF:") && len(head) == len("$EOF:")+markLen:
		mark = head[len("$EOF:"):]
	case err == nil && head[0] == '$' && size >= 0:
		left = size
	default:
		return fmt.Errorf("no snapshot came: %s", strings.TrimPrefix(head, "-"))
	}
	if err := m.copy(w, left, []byte(mark)); err != nil {
		return fmt.Errorf("the snapshot is not whole: %w", err)
	}
	return nil
}

// copy copies as many bytes as are left, or up to the mark, behind which a master
// sends nothing of its own accord.
func (m *master) copy(w io.Writer, left int64, mark []byte) error {
	buf := make([]byte, 0, 64<<10)
	for left != 0 {
		room := buf[len(buf):cap(buf)]
		if left > 0 {
			room = room[:min(int64(len(room)), left)]
		}
		_ = m.SetReadDeadline(time.Now().Add(masterSilence))
		n, err := m.in.Read(room)
		if buf = buf[:len(buf)+n]; left > 0 {
			left -= int64(n)
		}
		ended := len(mark) > 0 && bytes.HasSuffix(buf, mark)
		if err != nil && !ended && left != 0 {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		whole := max(len(buf)-len(mark), 0) // behind it the mark may have begun
		if _, err := w.Write(buf[:whole]); err != nil {
			return err
		}
		if ended {
			return nil
		}
		buf = buf[:copy(buf, buf[whole:])]
	}
	return nil
}

// writeWhole gives a file what fill writes, durably, under another name first, so
// that an older file of that name is lost only to a whole one.
func writeWhole(name string, fill func(io.Writer) error) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name()) // in vain after the rename
	err = fill(f)
	if err == nil {
		size, err = f.Seek(0, io.SeekCurrent)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return 0, err
	}
	d, err := os.Open(filepath.Dir(name))
	if err != nil {
		return 0, err
	}
	return size, errors.Join(d.Sync(), d.Close())
}
