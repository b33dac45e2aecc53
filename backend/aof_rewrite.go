package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/repl"
	"holdfast/backend/resp"
)

var aofRows = []row{
	{"bgrewriteaof", rewriteLog},
	{"waitaof", waitLog},
}

// rewriting is what the node knows of rewrites of the append-only file; under
// the engine lock.
type rewriting struct {
	cancel    context.CancelFunc // of the one under way; nil: none
	scheduled bool
	failed    bool // the last one
	inARow    int  // failures without a success
	count     int64
	began     time.Time
	ended     time.Time
	took      time.Duration
	notBefore time.Time // rewrites that nobody asked for rest until then
}

// Failures after which rewrites that nobody asked for are tried less often, and
// how seldom at most (AOF_REWRITE_LIMITE_THRESHOLD, …_MAX_MINUTES).
const (
	rewriteFailures   = 3
	rewriteMaxMinutes = 60
)

func rewriteLog(s *session, x *commands.Ctx) {
	n := s.node
	switch r := &n.aof.rewrite; {
	case r.cancel != nil:
		x.Err("ERR Background append only file rewriting already in progress")
	case n.saves.busy || !x.CanWait:
		r.scheduled, r.inARow, r.notBefore = true, 0, time.Time{}
		x.Simple("Background append only file rewriting scheduled")
	default:
		n.rewriteBehind()
		x.Simple("Background append only file rewriting started")
	}
}

// rewriteSoon rewrites as soon as no snapshot is written.
func (n *Node) rewriteSoon() {
	r := &n.aof.rewrite
	r.inARow, r.notBefore = 0, time.Time{} // those that failed were for other files
	if n.inExec {
		n.log.Info("AOF was enabled during a transaction. An AOF background was scheduled to start when possible.")
		r.scheduled = true
		return
	}
	if n.saves.busy || r.cancel != nil {
		n.log.Info("AOF was enabled but there is already another background operation. An AOF background was scheduled to start when possible.")
		r.scheduled = true
		return
	}
	n.rewriteBehind()
}

// rewriteIfDue starts a rewrite that was put off, that the files need to be
// worth anything, or that they have grown for. The engine lock is held.
func (n *Node) rewriteIfDue() {
	a, r := &n.aof, &n.aof.rewrite
	if r.cancel != nil || n.saves.busy || n.loading.Load() || n.ending {
		return
	}
	if r.scheduled {
		n.rewriteBehind()
		return
	}
	if a.log == nil {
		return
	}
	growth, due := n.logGrowth()
	if !due && !a.log.Fresh() || n.rewritesRest() {
		return
	}
	if due {
		n.log.Info(fmt.Sprintf("Starting automatic rewriting of AOF on %d%% growth", growth))
	}
	n.rewriteBehind()
}

// logGrowth is by how many percent the files have grown since the last rewrite,
// and whether that is a reason for the next.
func (n *Node) logGrowth() (percent int64, due bool) {
	cfg := n.cfg()
	size, base := n.aof.dir.Size()
	percent = size*100/max(base, 1) - 100
	return percent, cfg.AOFRewritePercentage > 0 && size > cfg.AOFRewriteMinSize && percent >= int64(cfg.AOFRewritePercentage)
}

// rewritesRest tells whether too many have failed to try again already.
func (n *Node) rewritesRest() bool {
	r := &n.aof.rewrite
	if r.inARow < rewriteFailures {
		return false
	}
	if r.notBefore.IsZero() {
		minutes := min(1<<min(r.inARow-rewriteFailures, 6), rewriteMaxMinutes)
		r.notBefore = time.Now().Add(time.Duration(minutes) * time.Minute)
		n.log.Warn(fmt.Sprintf("Background AOF rewrite has repeatedly failed and triggered the limit, will retry in %d minutes", minutes))
	}
	return time.Now().Before(r.notBefore)
}

// rewriteBehind rewrites on a goroutine. The engine lock is held.
func (n *Node) rewriteBehind() {
	ctx, cancel := context.WithCancel(n.life)
	r := &n.aof.rewrite
	r.cancel, r.scheduled, r.began = cancel, false, time.Now()
	n.stats.forks++
	n.stats.forks++
	n.log.Info("Background append only file rewriting started")
	n.background(func() {
		defer cancel()
		err := n.writeBase(ctx)
		n.rewritten(err, ctx.Err() != nil)
	})
}

// rewritten notes how a rewrite went. One that was stopped, with the file that it
// was for, has not failed.
func (n *Node) rewritten(err error, stopped bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a, r := &n.aof, &n.aof.rewrite
	r.cancel, r.ended, r.took = nil, time.Now(), time.Since(r.began)
	r.count++
	r.notBefore = time.Time{}
	switch {
	case err == nil:
		r.failed, r.inARow = false, 0
		n.log.Info("Background AOF rewrite finished successfully")
		return
	case stopped:
		n.log.Info("Background AOF rewrite was stopped")
	default:
		n.log.Warn("Background AOF rewrite terminated with error", "err", err)
		r.failed = true
		r.inARow++
	}
	if a.log != nil && a.log.Fresh() && r.inARow < rewriteFailures {
		r.scheduled = true // nothing counts before one succeeds
	}
}

// writeBase writes a snapshot of this moment as the new base. What is executed
// from then on goes to a new incremental file, when the file is written at all.
func (n *Node) writeBase(ctx context.Context) (err error) {
	dir, preamble := n.aof.dir, n.cfg().AOFUseRDBPreamble
	f, err := dir.NewBase()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			dir.DropBase()
		}
	}()
	base := &steppedFile{file: f}
	var log *aof.Log
	var rotated <-chan error
	err = n.snapshotAs(ctx, n.baseForm(preamble), func() rdb.Info {
		cut := n.stream.Cut()
		if log = n.aof.log; log != nil {
			rotated = log.Rotate(cut.Offset, n.logHead(cut))
		}
		info := n.aboutSnapshot(cut)
		info.AOFBase = true
		return info
	}, base)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	var file int64
	if log != nil {
		if err := awaitOrder(ctx, rotated); err != nil {
			return err
		}
		file = log.FileID()
	}
	if err := dir.Commit(base.size, preamble, file); err != nil {
		return err
	}
	if log != nil {
		log.Whole()
	}
	return nil
}

func awaitOrder(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// baseForm is how a base is written.
func (n *Node) baseForm(preamble bool) encoder {
	if preamble {
		return n.rdbWriter()
	}
	return &commandBase{Writer: aof.NewWriter(), stamped: n.cfg().AOFTimestamps}
}

// commandBase is a base of commands. Where it stands in the history it says at
// its end, behind commands that are no part of that.
type commandBase struct {
	*aof.Writer
	stamped bool
	place   aof.Place
}

// Header begins with the time, where that is wanted, and the functions.
func (b *commandBase) Header(info rdb.Info) {
	b.place = aof.Place{ID: info.StreamID, Offset: info.StreamOffset, Epoch: info.DataEpoch}
	var head []byte
	if b.stamped {
		head = aof.AppendTime(head, time.Now().Unix())
	}
	for _, code := range info.Functions {
		head = resp.AppendCommand(head, "FUNCTION", "LOAD", code)
	}
	b.Prepend(head)
}

// Take is that of an encoder.
func (b *commandBase) Take(spare rdb.Piece) rdb.Piece {
	return rdb.Piece{Bytes: b.Writer.Take(spare.Bytes)}
}

// Seal says at the end where the base stands.
func (b *commandBase) Seal(piece rdb.Piece, last bool) []byte {
	if last && len(b.place.ID) == repl.IDLen {
		return aof.AppendPlace(piece.Bytes, b.place)
	}
	return piece.Bytes
}

// steppedFile goes to the disk in steps, so that the last sync is not the work
// of minutes (aof-rewrite-incremental-fsync).
type steppedFile struct {
	file     aof.File
	size     int64
	unsynced int
}

func (f *steppedFile) Write(p []byte) (int, error) {
	const step = 4 << 20
	n, err := f.file.Write(p)
	f.size += int64(n)
	if f.unsynced += n; err == nil && f.unsynced >= step {
		f.unsynced = 0
		err = f.file.Sync()
	}
	return n, err
}
