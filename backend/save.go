package backend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/repl"
)

var saveRows = []row{
	{"save", save},
	{"bgsave", backgroundSave},
	{"lastsave", func(s *session, x *commands.Ctx) { x.Int(s.node.saves.last.Unix()) }},
}

// saves is what the node knows of its snapshot file; under the engine lock.
type saves struct {
	busy    bool               // one is being written
	abandon context.CancelFunc // ends the one behind the clients' backs; nil: there is none
	again   bool               // BGSAVE SCHEDULE: another is to follow
	failed  bool               // the last one
	count   int64
	last    time.Time // the last good one
	began   time.Time // the last one
	took    time.Duration
	loaded  int   // keys that the start found in the file
	expired int   // those besides whose time had come
	dirtyAt int64 // Node.dirty at the moment of the last good one
}

// saveRetry is how long save points rest after a snapshot failed
// (CONFIG_BGSAVE_RETRY_DELAY).
const saveRetry = 5 * time.Second

// save is SAVE: the client waits for the file, others do not.
func save(s *session, x *commands.Ctx) {
	n := s.node
	if n.saves.busy {
		x.Err("ERR Background save already in progress")
		return
	}
	n.saves.busy = true
	n.await(s, nil, func(func() bool) []byte {
		if err := n.saveNow(n.life, false); err != nil {
			return []byte("-ERR\r\n")
		}
		return okReply
	})
}

func backgroundSave(s *session, x *commands.Ctx) {
	n := s.node
	schedule := len(x.Args) == 2 && strings.EqualFold(string(x.Args[1]), "schedule")
	switch {
	case len(x.Args) > 1 && !schedule:
		x.Err(errSyntax)
	case n.saves.busy && schedule:
		n.saves.again = true
		x.Simple("Background saving scheduled")
	case n.saves.busy:
		x.Err("ERR Background save already in progress")
	default:
		n.saveBehind()
		x.Simple("Background saving started")
	}
}

// saveIfDue starts a snapshot when a save point is reached. The engine lock is
// held.
func (n *Node) saveIfDue() {
	v, now := &n.saves, time.Now()
	if v.busy || n.loading.Load() {
		return
	}
	if v.again {
		v.again = false
		n.saveBehind()
		return
	}
	if v.failed && now.Sub(v.began) < saveRetry {
		return
	}
	for _, p := range n.cfg().Save {
		if n.dirty-v.dirtyAt >= int64(p.Changes) && now.Sub(v.last) > p.Every {
			n.log.Info(fmt.Sprintf("%d changes in %d seconds. Saving...", p.Changes, int(p.Every.Seconds())))
			n.saveBehind()
			return
		}
	}
}

// saveBehind writes the snapshot file on a goroutine. The engine lock is held.
func (n *Node) saveBehind() {
	n.saves.busy = true
	n.stats.forks++
	ctx, cancel := context.WithCancel(n.life)
	n.saves.abandon = cancel
	n.background(func() {
		defer cancel()
		_ = n.saveNow(ctx, true)
	})
}

// abandonSave ends a snapshot under way of data that is all gone: nobody wants
// it any more. The engine lock is held.
func (n *Node) abandonSave() {
	if n.saves.abandon != nil {
		n.saves.abandon()
	}
}

// saveNow writes the snapshot file and notes how that went. The caller has set
// saves.busy, and does not hold the engine lock. Only a failure behind the
// clients' backs stops writes: of any other somebody was told.
func (n *Node) saveNow(ctx context.Context, behind bool) error {
	began := time.Now()
	dirty, err := n.writeSnapshot(ctx)
	n.mu.Lock()
	v := &n.saves
	v.busy, v.abandon, v.began, v.took = false, nil, began, time.Since(began)
	if stopped := errors.Is(err, context.Canceled); !stopped && (behind || err == nil) {
		v.failed = err != nil
		n.derive()
	}
	if err == nil {
		v.last, v.dirtyAt = time.Now(), dirty
		v.count++
	}
	n.mu.Unlock()
	if err != nil {
		n.log.Error("Error saving DB to disk", "err", err)
		return err
	}
	n.log.Info("DB saved on disk")
	return nil
}

// writeSnapshot puts the data of this moment into dir/dbfilename, durably: under
// another name first, so that a crash leaves the old file or the new. It
// returns Node.dirty as of that moment.
func (n *Node) writeSnapshot(ctx context.Context) (dirty int64, err error) {
	cfg := n.cfg()
	temp := filepath.Join(cfg.Dir, fmt.Sprintf("temp-%d.rdb", os.Getpid()))
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	defer os.Remove(temp) // in vain after the rename
	err = n.snapshot(ctx, func() rdb.Info {
		dirty = n.dirty
		n.saves.began = time.Now()
		return n.place()
	}, &syncedFile{File: f})
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	if err := os.Rename(temp, filepath.Join(cfg.Dir, cfg.DBFilename)); err != nil {
		return 0, err
	}
	return dirty, syncDir(cfg.Dir)
}

// place says where in the replication history the data stands. A node that
// records no history has none to continue from. The engine lock is held.
func (n *Node) place() rdb.Info {
	if !n.stream.Active() {
		return n.aboutSnapshot(repl.Cut{})
	}
	return n.aboutSnapshot(n.stream.Here())
}

// syncedFile goes to the disk in steps, so that the last sync is not the work of
// minutes (rdb-save-incremental-fsync).
type syncedFile struct {
	*os.File
	unsynced int
}

func (f *syncedFile) Write(p []byte) (int, error) {
	const step = 4 << 20
	n, err := f.File.Write(p)
	if f.unsynced += n; err == nil && f.unsynced >= step {
		f.unsynced = 0
		err = f.Sync()
	}
	return n, err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
