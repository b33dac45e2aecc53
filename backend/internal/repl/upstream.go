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
	// The position that is acknowledged, and when it last was.
	applied uint64
	acked   time.Time
	out     []byte
}

func newUpstream(l *Link, conn net.Conn) *upstream {
	u := &upstream{l: l, conn: conn, master: Master{Addr: l.cfg.Addr}}
	u.cut.maxUnit = l.cfg.MaxUnit
	return u
}

// handshake introduces the replica as Redis does, all in one write. A master
// that does not know one of the words answers an error, which is no obstacle,
// except for AUTH's.
func (u *upstream) handshake() error {
	c := &u.l.cfg
	u.from = c.Follower.Position()
	steps := []step{{"PING", pingReply, []string{"PING"}}}
	switch {
	case c.Password != "" && c.User != "":
		steps = append(steps, step{"AUTH", mustAccept, []string{"AUTH", c.User, c.Password}})
	case c.Password != "":
		steps = append(steps, step{"AUTH", mustAccept, []string{"AUTH", c.Password}})
	}
	steps = append(steps, step{"REPLCONF listening-port", ignore,
		[]string{"REPLCONF", "listening-port", strconv.Itoa(c.ListeningPort)}})
	if c.AnnounceIP != "" {
		steps = append(steps, step{"REPLCONF ip-address", ignore, []string{"REPLCONF", "ip-address", c.AnnounceIP}})
	}
	steps = append(steps,
		step{"REPLCONF capa", ignore, []string{"REPLCONF", "capa", "eof", "capa", "psync2"}},
		step{"REPLCONF holdfast", u.introduced, []string{"REPLCONF", "holdfast", "1", "run-id", c.RunID,
			"incarnation", c.Incarnation, "data-epoch", strconv.FormatUint(u.from.Epoch, 10)}})
	return u.exchange(steps)
}

// step is a request of the handshake and what its reply means.
type step struct {
	name string
	take func(reply string) error
	args []string
}

func (u *upstream) exchange(steps []step) error {
	var out []byte
	for _, s := range steps {
		out = resp.AppendCommand(out, s.args...)
	}
	if err := u.write(out); err != nil {
		return err
	}
	for _, s := range steps {
		line, err := u.line()
		if err == nil {
			err = s.take(line)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func ignore(string) error { return nil }

func mustAccept(reply string) error {
	if strings.HasPrefix(reply, "-") {
		return errors.New(reply[1:])
	}
	return nil
}

// pingReply tolerates the errors of a master that wants AUTH first.
func pingReply(reply string) error {
	for _, ok := range []string{"+", "-NOAUTH", "-NOPERM", "-ERR operation not permitted"} {
		if strings.HasPrefix(reply, ok) {
			return nil
		}
	}
	return errors.New(strings.TrimPrefix(reply, "-"))
}

// introduced reads +HOLDFAST 1 run-id … data-epoch …; any other answer is a
// plain Redis's.
func (u *upstream) introduced(reply string) error {
	words := strings.Fields(reply)
	if len(words) < 2 || words[0] != "+HOLDFAST" {
		return nil
	}
	u.master.Native = true
	for i := 2; i+1 < len(words); i += 2 {
		switch words[i] {
		case "run-id":
			u.master.RunID = words[i+1]
		case "data-epoch":
			epoch, err := strconv.ParseUint(words[i+1], 10, 64)
			if err != nil {
				return err
			}
			u.master.Epoch = epoch
		}
	}
	return nil
}

// psync asks to continue and reports whether the master wants a full resync
// instead.
func (u *upstream) psync() (full bool, err error) {
	id, offset := "?", "-1"
	if u.from.ID != "" {
		id, offset = u.from.ID, strconv.FormatUint(u.from.Offset+1, 10)
	}
	u.l.cfg.Log.Info(fmt.Sprintf("Trying a partial resynchronization (request %s:%s).", id, offset))
	if err := u.write(resp.AppendCommand(nil, "PSYNC", id, offset)); err != nil {
		return false, err
	}
	reply, err := u.line()
	if err != nil {
		return false, fmt.Errorf("PSYNC: %w", err)
	}
	words := strings.Fields(reply)
	switch {
	case len(words) == 3 && words[0] == "+FULLRESYNC":
		pos, err := strconv.ParseUint(words[2], 10, 64)
		if err != nil || len(words[1]) != IDLen {
			return false, fmt.Errorf("PSYNC: unexpected reply %q", reply)
		}
		u.sync = Sync{Master: u.master, ID: words[1], Offset: pos, Size: -1}
		return true, nil
	case len(words) >= 1 && words[0] == "+CONTINUE":
		return false, u.resume(append(words, u.from.ID)[1])
	}
	return false, fmt.Errorf("PSYNC: %s", strings.TrimPrefix(reply, "-"))
}

// resume goes on from where the data stands.
func (u *upstream) resume(id string) error {
	u.start(u.from.Offset, u.from.DB)
	return u.l.enter(func() error {
		if err := u.l.cfg.Follower.Continue(u.master, id); err != nil {
			return err
		}
		return u.ack()
	})
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
	for {
		if err := u.apply(); err != nil {
			return err
		}
		// The read is the tick of the acknowledgement that is due each second.
		err := u.fill(max(time.Until(u.acked.Add(ackPeriod)), time.Millisecond))
		switch {
		case err == nil:
			heard = time.Now()
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case time.Since(heard) > u.l.cfg.Timeout():
			return errors.New("timeout: no data nor PING received")
		}
		if time.Since(u.acked) >= ackPeriod {
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

// ack acknowledges what was applied. The caller is inside the gate.
func (u *upstream) ack() error {
	u.acked = time.Now()
	var digits [20]byte
	out := append(u.out[:0], "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n"...)
	u.out = resp.AppendBulk(out, strconv.AppendUint(digits[:0], u.applied, 10))
	return u.write(u.out)
}
