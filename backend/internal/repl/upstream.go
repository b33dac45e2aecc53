package repl

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/resp"
)

// maxLine bounds a line of the master's before the stream begins.
const maxLine = 4 << 10

// upstream is one connection to a master. One goroutine uses it.
type upstream struct {
	l      *Link
	conn   net.Conn
	master Master
	from   Position // what we asked to continue from
	sync   Sync     // set when the master wants a full resync
	cut    splitter // reads, also before the stream begins
	// The position that is acknowledged.
	applied uint64
	out     []byte
}

func newUpstream(l *Link, conn net.Conn) *upstream {
	u := &upstream{l: l, conn: conn, master: Master{Addr: l.cfg.Addr}}
	u.cut.maxUnit = l.cfg.MaxUnit
	u.cut.req.BulkLimit = resp.MaxStored // what a client may send was for the master to say
	return u
}

// start begins the stream at pos with db selected.
func (u *upstream) start(pos uint64, db int) {
	u.applied = pos
	u.cut.base, u.cut.db, u.cut.wholeDB = pos, db, db
	u.l.set(func(s *LinkStatus) { s.Offset = pos })
}

// line reads one line; the empty ones are the master's sign of life.
func (u *upstream) line() (string, error) {
	for {
		if end := bytes.IndexByte(u.cut.buf, '\n'); end >= 0 {
			line := strings.TrimSuffix(string(u.cut.buf[:end]), "\r")
			u.cut.buf = u.cut.buf[:copy(u.cut.buf, u.cut.buf[end+1:])]
			if line == "" {
				continue
			}
			return line, nil
		}
		if len(u.cut.buf) > maxLine {
			return "", errors.New("the master's reply is too long")
		}
		if err := u.fill(u.l.cfg.Timeout()); err != nil {
			return "", err
		}
	}
}

// fill reads once, for at most d.
func (u *upstream) fill(d time.Duration) error {
	n, err := u.read(u.cut.space(), d)
	u.cut.filled(n)
	return err
}

func (u *upstream) read(p []byte, d time.Duration) (int, error) {
	_ = u.conn.SetReadDeadline(time.Now().Add(d))
	n, err := u.conn.Read(p)
	if n > 0 {
		u.l.set(func(s *LinkStatus) { s.LastIO = time.Now() })
		return n, nil
	}
	return 0, err
}

func (u *upstream) write(p []byte) error {
	_ = u.conn.SetWriteDeadline(time.Now().Add(u.l.cfg.Timeout()))
	_, err := u.conn.Write(p)
	return err
}

// follow applies the stream until the connection ends.
func (u *upstream) follow() error {
	heard := time.Now()
	ticked := heard // acknowledgements of batches, and those that AckNow asks for, come besides
	for {
		if err := u.apply(); err != nil {
			return err
		}
		// The read is the tick of the acknowledgement that is due each second.
		err := u.fill(max(time.Until(ticked.Add(ackPeriod)), time.Millisecond))
		switch {
		case err == nil:
			heard = time.Now()
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case time.Since(heard) > u.l.cfg.Timeout():
			return errors.New("timeout: no data nor PING received")
		}
		if time.Since(ticked) >= ackPeriod {
			ticked = time.Now()
			if err := u.l.enter(u.ack); err != nil {
				return err
			}
		}
	}
}

// apply passes the whole units among what was read to the Follower. A native
// master is told at once, because its clients may wait for that; a plain one
// asks when it wants to know.
func (u *upstream) apply() error {
	b, err := u.cut.next()
	if b == nil || err != nil {
		return err
	}
	defer u.cut.done()
	return u.l.enter(func() error {
		if err := u.l.cfg.Follower.Apply(b); err != nil {
			return fmt.Errorf("applying the stream at offset %d: %w", b.From, err)
		}
		u.l.set(func(s *LinkStatus) { s.Offset = b.End() })
		u.applied = b.End()
		if u.master.Native || b.GetAck {
			return u.ack()
		}
		return nil
	})
}

// ack acknowledges what was applied and says what of it is on disk and, to a native
// master, whether others follow this node. The caller is inside the gate.
func (u *upstream) ack() error {
	applied := u.applied
	durable, ok, must := u.l.cfg.Follower.Durable()
	durable = min(durable, applied)
	if must {
		applied = durable
	}
	words, followed := 3, u.master.Native && u.l.cfg.Follower.Followed()
	if ok {
		words += 2
	}
	if followed {
		words += 2
	}
	var digits [20]byte
	out := resp.AppendArray(u.out[:0], words)
	out = append(out, "$8\r\nREPLCONF\r\n$3\r\nACK\r\n"...)
	out = resp.AppendBulk(out, strconv.AppendUint(digits[:0], applied, 10))
	if ok {
		out = append(out, "$4\r\nFACK\r\n"...)
		out = resp.AppendBulk(out, strconv.AppendUint(digits[:0], durable, 10))
	}
	if followed {
		out = append(out, "$8\r\nFOLLOWED\r\n$1\r\n1\r\n"...)
	}
	u.out = out
	return u.write(u.out)
}
