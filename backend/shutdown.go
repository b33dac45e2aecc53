package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/repl"
	"holdfast/backend/resp"
)

// manner is how a node is to end.
type manner struct {
	save  bool // write the snapshot file
	now   bool // do not wait for replicas that are behind
	force bool // end even when the file cannot be written
	deaf  bool // close all connections before the file is written
}

var (
	errEnding  = errors.New("the node is shutting down")
	errAborted = errors.New("the shutdown was aborted")
	// Without its base, the append-only file that was just switched on holds
	// nothing of the data.
	errFirstLog = errors.New("the append-only file is not complete yet")
)

// Signal is what SIGINT and SIGTERM do: it begins the end, in the manner of
// shutdown-on-sigint or shutdown-on-sigterm, and returns at once. Run returns
// when the node has ended; it goes on when its file cannot be written, or after
// SHUTDOWN ABORT. A second SIGINT, and either one while the data is loaded, ends
// the node as it is (server.c, sigShutdownHandler).
func (n *Node) Signal(sig os.Signal) {
	cfg := n.cfg()
	name, words := "SIGTERM", cfg.ShutdownOnSigterm
	if sig == os.Interrupt {
		name, words = "SIGINT", cfg.ShutdownOnSigint
	}
	switch {
	case n.loading.Load():
		n.log.Warn("Received shutdown signal during loading, exiting now.")
		n.halt()
		return
	case n.signalled.Swap(true):
		if sig == os.Interrupt {
			n.log.Warn("You insist... exiting now.")
			n.halt()
		}
		return
	}
	n.log.Warn("Received " + name + " scheduling shutdown...")
	n.background(func() {
		defer n.signalled.Store(false)
		n.endScripts()
		if ended, _ := n.finish(n.onSignal(words)); ended {
			n.halt()
		}
	})
}

// onSignal is how a signal ends the node. The node of a group goes in any case,
// and lets whoever takes over know at once.
func (n *Node) onSignal(words []string) manner {
	managed := n.seen.Load().managed
	m := manner{save: len(n.cfg().Save) > 0, deaf: managed, force: managed}
	for _, word := range words {
		m.set(word)
	}
	return m
}

func (m *manner) set(word string) (known bool) {
	switch strings.ToLower(word) {
	case "save":
		m.save = true
	case "nosave":
		m.save = false
	case "now":
		m.now = true
	case "force":
		m.force = true
	case "default":
	default:
		return false
	}
	return true
}

// shutdown ends the process. Its client hears of it only when that fails.
func shutdown(s *session, x *commands.Ctx) {
	n := s.node
	// The others of a group must not wait for the disk to know that their
	// master goes.
	m := manner{save: len(n.cfg().Save) > 0, deaf: n.standing.managed}
	var words []string
	for _, option := range x.Args[1:] {
		words = append(words, strings.ToLower(string(option)))
	}
	abort := slices.Contains(words, "abort")
	for _, word := range words {
		if !m.set(word) && !abort {
			x.Err(errSyntax)
			return
		}
	}
	switch {
	case abort && len(words) > 1, slices.Contains(words, "save") && slices.Contains(words, "nosave"):
		x.Err(errSyntax)
	case abort && n.abortEnd == nil:
		x.Err("ERR No shutdown in progress.")
	case abort:
		n.abortEnd()
		x.OK()
	case n.mu.parted && !slices.Contains(words, "nosave"):
		what, _ := n.scripts.Running()
		x.Err(what.Kind.Busy())
	default:
		n.log.Warn("User requested shutdown...")
		if n.mu.parted {
			m.now = true
			n.abandonScript()
		}
		n.await(s, nil, func(func() bool) []byte {
			if ended, _ := n.finish(m); !ended {
				return resp.AppendError(nil, "ERR Errors trying to SHUTDOWN. Check logs.")
			}
			n.halt()
			return nil
		})
	}
}

// ending is one attempt to bring the node to an end.
type ending struct {
	done  chan struct{} // closed when it is decided
	ended bool
	err   error
}

// finish brings the node to an end after which only Close is left: replicas
// have what they can get, nothing is executed any more, the file is written.
// When that fails, and m does not force it, everything goes on as before. Who
// comes while somebody else is about it shares that one's outcome.
func (n *Node) finish(m manner) (ended bool, err error) {
	own := &ending{done: make(chan struct{})}
	for !n.endingNow.CompareAndSwap(nil, own) {
		if other := n.endingNow.Load(); other != nil {
			<-other.done
			return other.ended, other.err
		}
	}
	n.finishing.Lock()
	defer n.finishing.Unlock()
	own.ended, own.err = n.attempt(m)
	if !own.ended {
		n.endingNow.Store(nil)
	}
	close(own.done)
	return own.ended, own.err
}

// attempt is finish of the one that is about it.
func (n *Node) attempt(m manner) (ended bool, err error) {
	if n.life.Err() != nil {
		return true, nil
	}
	if !m.now {
		if err := n.awaitReplicas(); err != nil {
			return false, err
		}
	}
	n.mu.Lock()
	n.ending = true
	if n.apart.dead { // the data is half-changed: it must reach no file, nor be served again
		m.save, m.force = false, true
	}
	first := n.aof.log != nil && n.aof.log.Fresh()
	n.mu.Unlock()
	if first && !m.deaf && !m.force {
		n.log.Error("Writing initial AOF, can't exit.")
		return n.stayUp(errFirstLog)
	}
	if m.deaf {
		err = n.unlisten()
	}
	switch {
	case first && m.force && !m.deaf:
		n.log.Warn("Writing initial AOF. Exit anyway.")
	case !n.loading.Load():
		err = errors.Join(err, n.finishLog())
	}
	var saved *proof
	if m.save && !n.loading.Load() {
		n.log.Info("Saving the final RDB snapshot before exiting.")
		n.mu.Lock()
		saved = n.here(byEnd)
		n.mu.Unlock()
		err = errors.Join(err, n.saveLast())
	}
	if err != nil && !m.deaf && !m.force {
		n.log.Error("Error trying to save the DB, can't exit.", "err", err)
		return n.stayUp(err)
	}
	if err == nil {
		n.noteWhole(saved)
	}
	return true, err
}

// stayUp takes up work again after an end that failed.
func (n *Node) stayUp(why error) (ended bool, err error) {
	n.log.Error("Errors trying to shut down the server. Check the logs for more information.")
	n.revive()
	return false, why
}

// saveLast writes the file once no other snapshot is being written.
func (n *Node) saveLast() error {
	for {
		n.mu.Lock()
		free := !n.saves.busy
		if free {
			n.saves.busy = true
		}
		n.mu.Unlock()
		if free {
			return n.saveNow(n.life, false)
		}
		if err := sleep(n.life, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// revive takes up work again after a shutdown that failed.
func (n *Node) revive() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ending = false
	n.unpause()
	for _, s := range n.clients {
		s.conn.Loop().Post(s.resume)
	}
}

// awaitReplicas holds writes back until the replicas have all there is, for
// shutdown-timeout at most.
func (n *Node) awaitReplicas() error {
	limit := n.cfg().ShutdownTimeout
	ctx, cancel := context.WithTimeout(n.life, limit)
	defer cancel()
	n.mu.Lock()
	waits := limit != 0 && n.standing.role == roleMaster && n.laggards()
	if !waits && !n.cronPaused {
		n.mu.Unlock()
		n.countInSync()
		return nil
	}
	aborted, abort := context.WithCancel(ctx)
	n.abortEnd = abort
	until := time.Now().Add(limit)
	n.endBy.Store(until.UnixMilli())
	defer n.endBy.Store(0)
	n.pauseClients(until.UnixMilli()+1000, false)
	if n.unit.leads {
		n.stream.GetAck()
		n.stream.Publish()
	}
	n.mu.Unlock()
	n.stream.Wake()
	for aborted.Err() == nil && (n.laggards() || n.cronIsPaused()) {
		_ = sleep(aborted, time.Millisecond)
	}
	n.countInSync()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.abortEnd = nil
	if aborted.Err() != nil && ctx.Err() == nil {
		n.unpause()
		n.log.Warn("Shutdown manually aborted.")
		return errAborted
	}
	return nil
}

// cronIsPaused tells whether DEBUG PAUSE-CRON holds the end up, too.
func (n *Node) cronIsPaused() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cronPaused
}

// countInSync notes, for whoever chooses what to promote, which replicas have
// all there is at the end.
func (n *Node) countInSync() {
	all, end, inSync := n.feeds.Replicas(), n.stream.Published(), 0
	for _, r := range all {
		if r.Offset >= end {
			inSync++
			continue
		}
		n.log.Warn(fmt.Sprintf("Lagging replica %s reported offset %d behind master, lag=%d, state=%s.",
			net.JoinHostPort(r.IP, strconv.Itoa(r.Port)), end-r.Offset, int(r.Lag.Seconds()), r.State))
	}
	if len(all) > 0 {
		n.log.Info(fmt.Sprintf("%d of %d replicas are in sync when shutting down.", inSync, len(all)))
	}
}

// laggards tells whether a connected replica lacks something.
func (n *Node) laggards() bool {
	end := n.stream.Published()
	return slices.ContainsFunc(n.feeds.Replicas(), func(r repl.ReplicaInfo) bool {
		return r.State == repl.FeedOnline && r.Offset < end
	})
}
