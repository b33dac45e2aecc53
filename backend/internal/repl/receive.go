package repl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// receive takes a full resync: it lets the Follower load the snapshot beside
// its data and then adopt it.
func (u *upstream) receive() error {
	head, err := u.line()
	if err != nil {
		return fmt.Errorf("snapshot header: %w", err)
	}
	s := &snapshot{u: u, heard: time.Now()}
	if err := s.begin(head); err != nil {
		return err
	}
	u.sync.Size = s.left
	u.l.set(func(st *LinkStatus) {
		st.State, st.Master, st.SyncTotal, st.SyncIO = LinkSync, u.master, s.left, s.heard
	})
	u.l.cfg.Log.Info(fmt.Sprintf("MASTER <-> REPLICA sync: receiving %s from %s", s, u.l.cfg.Addr))
	u.l.cfg.Log.Info("MASTER <-> REPLICA sync: Loading DB in memory")
	ctx, cancel := context.WithCancel(u.l.ctx)
	defer cancel()
	loaded, err := u.l.cfg.Follower.Load(ctx, u.sync, s)
	if err != nil {
		return fmt.Errorf("full resynchronization: %w", err)
	}
	if err := s.finish(); err != nil {
		loaded.Discard()
		return fmt.Errorf("full resynchronization: %w", err)
	}
	return u.adopt(loaded)
}

func (u *upstream) adopt(loaded Loaded) error {
	adopted := false
	err := u.l.enter(func() error {
		adopted = true
		if err := loaded.Adopt(); err != nil {
			return err
		}
		from := u.l.cfg.Follower.Position()
		u.start(from.Offset, from.DB)
		return u.ack()
	})
	if !adopted {
		loaded.Discard()
	}
	if err == nil {
		u.l.cfg.Log.Info("MASTER <-> REPLICA sync: Finished with success")
	}
	return err
}

// snapshot is the io.Reader that a Follower loads from. It ends with io.EOF
// where the snapshot does: after as many bytes as were announced, or before
// the end mark.
type snapshot struct {
	u     *upstream
	left  int64  // bytes to come; −1: until mark
	mark  []byte // 40 bytes
	buf   []byte // received: in mark mode the last 40 may be the mark
	off   int    // of buf that were handed out
	heard time.Time
	said  time.Time // our last newline
	ended bool
}

func (s *snapshot) String() string {
	if s.left < 0 {
		return "streamed RDB with EOF mark"
	}
	return strconv.FormatInt(s.left, 10) + " bytes"
}

// begin reads the header, $<bytes> or $EOF:<mark>. What the connection brought
// behind it already belongs to the snapshot.
func (s *snapshot) begin(head string) error {
	if mark, ok := strings.CutPrefix(head, "$EOF:"); ok && len(mark) == IDLen {
		s.left, s.mark = -1, []byte(mark)
	} else {
		size, err := strconv.ParseInt(strings.TrimPrefix(head, "$"), 10, 64)
		if err != nil || head[0] != '$' || size < 0 {
			return fmt.Errorf("snapshot header: %w", unexpected(head))
		}
		s.left = size
	}
	s.take(s.u.cut.buf)
	return nil
}

// take moves received bytes into the snapshot and leaves those behind its end
// to the stream.
func (s *snapshot) take(p []byte) {
	n := len(p)
	if s.mark == nil {
		n = int(min(int64(n), s.left))
		s.left -= int64(n)
	}
	s.buf = append(s.buf[:copy(s.buf, s.buf[s.off:])], p[:n]...)
	s.off = 0
	s.u.cut.buf = s.u.cut.buf[:copy(s.u.cut.buf, p[n:])]
	if s.mark == nil {
		s.ended = s.left == 0
	} else {
		// A master sends nothing behind the mark before it was acknowledged.
		s.ended = bytes.HasSuffix(s.buf, s.mark)
	}
	s.u.l.set(func(st *LinkStatus) { st.SyncRead += int64(n); st.SyncIO = time.Now() })
}

// ready returns how many bytes may be handed out.
func (s *snapshot) ready() int {
	if s.mark == nil {
		return len(s.buf) - s.off
	}
	return len(s.buf) - s.off - len(s.mark)
}

// Read implements io.Reader.
func (s *snapshot) Read(p []byte) (int, error) {
	s.say()
	for s.ready() <= 0 {
		if s.ended {
			return 0, io.EOF
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.buf[s.off:s.off+s.ready()])
	s.off += n
	return n, nil
}

// fill reads once from the connection.
func (s *snapshot) fill() error {
	n, err := s.u.read(s.u.cut.space(), keepalivePeriod)
	switch {
	case err == nil:
		s.u.cut.filled(n)
		s.heard = time.Now()
		s.take(s.u.cut.buf)
		return nil
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case time.Since(s.heard) > s.u.l.cfg.Timeout():
		return errors.New("timeout receiving bulk data from MASTER")
	}
	s.say()
	return nil
}

// say tells the master once a second that we are alive while we load.
func (s *snapshot) say() {
	if time.Since(s.said) < ackPeriod {
		return
	}
	s.said = time.Now()
	_ = s.u.write([]byte("\n")) // a broken connection shows in the next read
}

// finish makes sure that the Follower read all there was.
func (s *snapshot) finish() error {
	if n, err := s.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		if err == nil {
			err = errors.New("the snapshot goes on behind its end")
		}
		return err
	}
	return nil
}
