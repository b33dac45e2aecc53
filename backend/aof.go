package backend

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/repl"
	"holdfast/backend/resp"
	"holdfast/conf"
)

// The append-only file holds the bytes of the replication stream, as they are:
// a base is a snapshot of a place in it, and what was written behind the base
// tells by its length alone where in the history the data stands. So a restart
// takes up the history where it broke off, and has its last part to offer to
// replicas. Where the length does not tell, an annotation does (aof.Place).

// logging is what the node knows of its append-only file; under the engine lock.
type logging struct {
	disk    aof.Disk
	dir     *aof.Dir
	log     *aof.Log        // nil: appendonly is off
	ended   <-chan struct{} // the log before has let go of its file; nil: there was none
	delay   atomic.Int64    // DEBUG AOF-FLUSH-SLEEP: before each write, ns
	failed  error           // why it cannot be written; nil: it can
	loaded  uint64          // the files end here, as of the start; what came since is behind it
	rewrite rewriting
}

// lagLimit is how far, in bytes, the file may fall behind what was executed
// before writes are held back.
const lagLimit = 256 << 20

// slowPause is how long writes are held back at a time: until the next turn of
// the timer at hz 1.
const slowPause = 1100 * time.Millisecond

// openLogDir looks at what files there are.
func (n *Node) openLogDir(cfg *conf.NodeConfig) error {
	dir, err := aof.OpenDir(aof.DirConfig{Disk: n.aof.disk, Root: cfg.Dir, Dir: cfg.AppendDirname, Name: cfg.AppendFilename, Log: n.log})
	if err != nil {
		return err
	}
	dir.Keep(cfg.AOFKeepsHistory)
	dir.Purge()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.aof.dir = dir
	return nil
}

// startLog begins to write the stream from its present offset on: to file, with
// head before all else, or, when that is nil, to a new one since the files do
// not hold what is before. The engine lock is held.
func (n *Node) startLog(cfg *conf.NodeConfig, file aof.File, size int64, head []byte) {
	n.stream.Activate()
	n.stream.Publish()
	n.aof.log = aof.StartLog(aof.LogConfig{
		Dir: n.aof.dir, Source: n.stream.Backlog().Reader(n.stream.Offset(), nil).Patient(), Horizon: n.horizon,
		Policy: aof.PolicyOf(cfg.AppendFsync), File: file, Size: size, Head: head,
		Timestamps: func() bool { return n.cfg().AOFTimestamps },
		Lazy:       n.syncsRest,
		Delay:      func() time.Duration { return time.Duration(n.aof.delay.Load()) },
		Moved:      n.synced, Changed: n.logChanged,
		After: n.aof.ended, Log: n.log,
	})
	n.aof.ended = n.aof.log.Done()
}

// syncsRest tells whether syncs are left out for the sake of a snapshot under
// way (no-appendfsync-on-rewrite).
func (n *Node) syncsRest() bool { return n.cfg().NoFsyncOnRewrite && len(n.walks) > 0 }

// synced lets go what waited for the disk.
func (n *Node) synced() {
	n.confirmedMore()
	if link := n.following.Load(); link != nil && n.cfg().WriteAcksDurable {
		n.tellSoon()
		link.AckNow()
	}
}

// logChanged notes whether the file can be written. While it cannot, writes
// are refused; those that were executed and wait for the disk are answered with
// the error, since nobody knows when it will have them.
func (n *Node) logChanged() {
	n.mu.Lock()
	var err error
	if n.aof.log != nil {
		err = n.aof.log.Err()
	}
	n.aof.failed = err
	n.derive()
	n.mu.Unlock()
	if err == nil {
		return
	}
	gate, text := n.horizon.Gate(), aofErrorText(err)
	for _, l := range n.server.Loops() {
		l.Post(func() {
			loopState(l).each(func(s *session) { s.giveUp(gate, text) })
		})
	}
}

func aofErrorText(err error) string { return "MISCONF Errors writing to the AOF file: " + err.Error() }

// historyMoved keeps the file's place in the history right: the stream has
// another name from here on or, when it was replaced, no byte of it is in the
// files. The engine lock is held.
func (n *Node) historyMoved(replaced bool) {
	switch log := n.aof.log; {
	case log == nil || n.loading.Load():
	case replaced:
		n.startLog(n.cfg(), nil, 0, nil)
		n.rewriteSoon()
	default:
		log.Note(n.stream.Offset(), aof.AppendPlace(nil, n.logPlace()))
	}
}

// logPlace is where the stream is.
func (n *Node) logPlace() aof.Place {
	h := n.stream.History()
	return aof.Place{ID: h.ID, Offset: n.stream.Offset(), Epoch: h.DataEpoch()}
}

// logHead opens a file that follows others: where it begins, so that it shows
// when the one before lacks its end, and what it must say because the stream does
// not. A replica's stream names its database when the master changes it.
func (n *Node) logHead(at repl.Cut) (head []byte) {
	place := aof.Place{ID: at.ID, Offset: at.Offset, Epoch: at.Epoch}
	head = aof.AppendPlace(nil, place)
	if n.unit.leads || at.DB <= 0 {
		return head
	}
	head = resp.AppendCommand(head, "SELECT", fmt.Sprint(at.DB))
	return aof.AppendPlace(head, place) // SELECT is no part of the stream
}

// logConfigChanged carries a new configuration to the file. The engine lock is
// held.
func (n *Node) logConfigChanged(next *conf.NodeConfig, changed []string) {
	a := &n.aof
	switch {
	case !slices.Contains(changed, "appendonly"):
	case next.AppendOnly:
		n.startLog(next, nil, 0, nil)
		n.rewriteSoon()
	default:
		n.stopLog()
	}
	if slices.Contains(changed, "aof-disable-auto-gc") {
		a.dir.Keep(next.AOFKeepsHistory)
		n.background(a.dir.Purge)
	}
	if a.log != nil && slices.Contains(changed, "appendfsync") {
		a.log.SetPolicy(aof.PolicyOf(next.AppendFsync))
	}
}

// stopLog ends the file in the background. The engine lock is held.
func (n *Node) stopLog() {
	a := &n.aof
	if a.rewrite.cancel != nil {
		n.log.Info("Killing running AOF rewrite child")
		a.rewrite.cancel()
	}
	log, dir := a.log, a.dir
	if log == nil {
		return // not begun yet, or being cut
	}
	n.stream.Publish()
	log.StopAt(n.stream.Offset())
	a.log, a.failed, a.rewrite.scheduled = nil, nil, false
	n.horizon.Release()
	n.confirmedMore()
	n.derive()
	n.background(func() {
		_ = closeLog(log)
		dir.DropTemp(log.FileID())
	})
}

// closePatience is how long the end of a file may take.
const closePatience = 30 * time.Second

func closeLog(log *aof.Log) error {
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	return log.Close(ctx)
}

// finishLog makes the base that the files still lack, so that the node does not
// end with less on disk than it had in memory. Nothing is executed any more.
func (n *Node) finishLog() error {
	for n.life.Err() == nil {
		n.mu.Lock()
		lacking := n.aof.log != nil && n.aof.log.Fresh()
		busy := n.aof.rewrite.cancel != nil
		n.mu.Unlock()
		if !lacking {
			return nil
		}
		if !busy {
			n.log.Info("Writing the initial AOF before exiting.")
			return n.writeBase(n.life)
		}
		_ = sleep(n.life, 10*time.Millisecond)
	}
	return n.life.Err()
}

// endLog writes and syncs what there is, for good.
func (n *Node) endLog() error {
	n.mu.Lock()
	log := n.aof.log
	n.mu.Unlock()
	if log == nil {
		return nil
	}
	n.log.Info("Calling fsync() on the AOF file.")
	return closeLog(log)
}

// slowDown holds writes back while the disk is too slow for them. The engine
// lock is held.
func (n *Node) slowDown() {
	if log := n.aof.log; log != nil && n.stream.Offset()-log.Pos() > lagLimit {
		n.pauseClients(n.now+slowPause.Milliseconds(), false)
	}
}
