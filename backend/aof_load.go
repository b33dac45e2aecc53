package backend

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/repl"
)

// startFromLog loads the append-only file and goes on writing it. Where there
// is none yet but a snapshot file is, that is the data.
func (n *Node) startFromLog(snapshot string, found bool) error {
	if err := n.aof.dir.Upgrade(); err != nil {
		return err
	}
	var head []byte
	var err error
	switch {
	case n.aof.dir.Exists():
		if head, err = n.loadLog(); err != nil {
			return err
		}
	case found:
		if err := n.loadFile(snapshot); err != nil {
			return err
		}
	}
	if !n.aof.dir.Exists() {
		n.log.Info("Creating AOF base file on server start")
		n.mu.Lock()
		n.stream.Activate()
		n.mu.Unlock()
		if err := n.writeBase(n.life); err != nil {
			return fmt.Errorf("cannot begin the append-only file: %w", err)
		}
	}
	return n.continueLog(head)
}

// continueLog writes the last file on, with head first.
func (n *Node) continueLog(head []byte) error {
	file, size, err := n.aof.dir.Continue()
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.startLog(n.cfg(), file, size, head)
	return nil
}

// loadLog loads all files and returns what to write behind them, so that the
// next start knows where in the history they end.
func (n *Node) loadLog() (head []byte, err error) {
	began := time.Now()
	s := &logSink{n: n, resume: true}
	if err := n.readLog(n.life, s); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.saves.loaded, n.saves.dirtyAt, n.aof.loaded = countKeys(n.store), n.dirty, n.stream.Offset()
	n.log.Info(fmt.Sprintf("DB loaded from append only file: %.3f seconds", time.Since(began).Seconds()), "keys", n.saves.loaded)
	defer n.hideLoaded()
	if s.placed {
		n.takeUp()
		if n.standing.role != roleMaster {
			return nil, nil
		}
	}
	n.stream.Activate()
	return aof.AppendPlace(nil, n.logPlace()), nil
}

func (n *Node) readLog(ctx context.Context, s aof.Sink) error {
	n.progress.total.Store(n.aof.dir.Total())
	n.progress.read.Store(0)
	n.setApplying(true)
	defer n.setApplying(false)
	return n.aof.dir.Load(s, n.cfg().AOFLoadTruncated, func(r io.Reader) io.Reader { return &loadReader{n, &delayedReader{n, ctx, r}} })
}

func (n *Node) setApplying(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.applying = on
	n.derive()
}

// logSink executes what the files hold.
type logSink struct {
	n      *Node
	resume bool // the stream takes up the history that the files tell of
	placed bool // they did
}

// Snapshot loads a base.
func (s *logSink) Snapshot(r *bufio.Reader) error {
	n := s.n
	n.log.Info("Reading RDB base file on AOF loading...")
	fresh, err := n.newStore()
	if err != nil {
		return err
	}
	info, err := rdb.Load(r, fresh)
	if err != nil {
		fresh.Close()
		return fmt.Errorf("Error reading the RDB base file, AOF loading aborted: %w", err)
	}
	n.tellDamaged(info)
	n.mu.Lock()
	if err := n.replaceFunctions(info.Functions); err != nil {
		n.mu.Unlock()
		fresh.Close()
		return fmt.Errorf("Error reading the RDB base file, AOF loading aborted: %w", err)
	}
	old := n.replaceStore(fresh)
	if s.resume && len(info.StreamID) == repl.IDLen {
		s.placed = true
		n.stream.Reset(repl.NewHistory(info.StreamID, info.DataEpoch, info.StreamOffset), info.StreamOffset, info.StreamDB)
		n.stream.Recall(info.Told, false)
		n.kept.recall(info.Kept)
	}
	n.mu.Unlock()
	old.Close()
	return nil
}

// Unit executes a unit. A command that is not known here is an error: what
// follows may rest on it.
func (s *logSink) Unit(u *aof.Unit) error {
	n := s.n
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tick()
	var records [][]byte
	var mark []byte
	executed := false
	for _, c := range u.Commands {
		if err := n.holdsDB(c.DB); err != nil {
			return err
		}
		switch strings.ToLower(string(c.Args[0])) {
		case "ping":
			payload := c.Args[len(c.Args)-1]
			if records = append(records, payload); repl.IsMark(payload) {
				mark = payload
			}
		case "replconf":
		default:
			if !n.replay(c.DB, c.Args) {
				return fmt.Errorf("Unknown command '%s' reading the append only file", clip(c.Args[0]))
			}
			executed = true
		}
	}
	if s.placed {
		n.stream.Replay(u.Raw, u.DB, records...)
	}
	if executed {
		n.kept.executed(mark, n.applier.Out, n.pair())
	}
	return nil
}

// Place goes on at p. Where only the name is new, replicas of the old one may
// join. What stands in the files is the stream from one end to the other, so that
// a place further on means that a part is missing.
func (s *logSink) Place(p aof.Place) error {
	n := s.n
	if !s.resume || len(p.ID) != repl.IDLen {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	h, at := n.stream.History(), n.stream.Offset()
	switch {
	case s.placed && p.Offset > at:
		return &aof.Hole{End: at, Begin: p.Offset}
	case s.placed && p.Offset == at && h.DataEpoch() == p.Epoch:
		n.stream.Continue(p.ID)
	default:
		n.stream.Reset(repl.NewHistory(p.ID, p.Epoch, p.Offset), p.Offset, n.stream.Position().DB)
		n.kept.forget()
	}
	s.placed = true
	return nil
}

// debugLoadLog is DEBUG LOADAOF: the data is what the files hold. Clients are
// answered -LOADING meanwhile.
func debugLoadLog(s *session, x *commands.Ctx) {
	n := s.node
	n.await(s, nil, func(func() bool) []byte {
		if err := n.reloadLog(); err != nil {
			n.log.Error(err.Error())
			return []byte("-ERR Error trying to load the AOF files, check server logs.\r\n")
		}
		return okReply
	})
}

func (n *Node) reloadLog() error {
	if err := n.haltWrites(); err != nil {
		return err
	}
	defer func() {
		n.mu.Lock()
		n.loading.Store(false)
		n.saves.dirtyAt = n.dirty
		n.derive()
		n.mu.Unlock()
	}()
	if err := n.openLogDirAgain(); err != nil {
		return err
	}
	fresh, err := n.newStore()
	if err != nil {
		return err
	}
	n.mu.Lock()
	old, _ := n.replaceStore(fresh), n.replaceFunctions(nil) // no library can fail to load
	n.mu.Unlock()
	if err := n.readLog(n.life, &logSink{n: n}); err != nil {
		n.mu.Lock()
		fresh = n.replaceStore(old)
		n.mu.Unlock()
		fresh.Close()
		return err
	}
	old.Close()
	n.log.Info("Append Only File loaded by DEBUG LOADAOF")
	return nil
}

// openLogDirAgain reads the manifest anew when nothing writes it.
func (n *Node) openLogDirAgain() error {
	n.mu.Lock()
	log, ended := n.aof.log, n.aof.ended
	n.mu.Unlock()
	if log != nil {
		return nil
	}
	if ended != nil {
		<-ended
	}
	return n.openLogDir(n.cfg())
}

// haltWrites begins to refuse commands at a moment when the file holds all that
// was executed.
func (n *Node) haltWrites() error {
	ctx, cancel := context.WithTimeout(n.life, closePatience)
	defer cancel()
	for {
		n.mu.Lock()
		log, at := n.aof.log, n.stream.Offset()
		if log == nil || n.horizon.Synced() == at || log.Fresh() && log.Pos() == at {
			n.loading.Store(true)
			n.derive()
			n.mu.Unlock()
			return nil
		}
		flushed := log.Flush(at)
		n.mu.Unlock()
		select {
		case err := <-flushed:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return errors.New("the append-only file does not get up to date")
		}
	}
}

// debugLogSleep is DEBUG AOF-FLUSH-SLEEP: every write takes so many microseconds
// longer.
func debugLogSleep(s *session, x *commands.Ctx) {
	us, err := strconv.ParseInt(string(x.Args[2]), 10, 64)
	if err != nil || us < 0 || us > int64(time.Minute/time.Microsecond) {
		x.Err(errNotInt)
		return
	}
	s.node.aof.delay.Store(us * int64(time.Microsecond))
	x.OK()
}
