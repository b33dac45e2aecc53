package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/repl"
)

// startLink begins to follow addr; roles is held. With answered the node there is
// asked to take over.
func (n *Node) startLink(addr string, answered func(accepted bool)) {
	link := repl.StartLink(repl.LinkConfig{
		Addr: addr, Follower: (*follower)(n),
		Login:    func() (string, string) { cfg := n.cfg(); return cfg.MasterUser, cfg.MasterAuth },
		Announce: func() (string, int) { return n.cfg().ReplicaAnnounceIP, n.announcedPort() },
		RunID:    n.runID, Incarnation: n.incarnation(), Dial: n.dialMaster, TakeOver: answered,
		// After a failover a replica is told to follow in the same moment as the
		// new master is told to lead, and may well come first: the next attempt
		// must not add to the pause.
		RetryMin: 5 * time.Millisecond, RetryMax: time.Second,
		Timeout: func() time.Duration { return n.cfg().ReplTimeout },
		Log:     n.log,
	})
	n.following.Store(link)
}

// restartLink breaks the link and makes it anew.
func (n *Node) restartLink() {
	n.roles.Lock()
	defer n.roles.Unlock()
	if st := n.seen.Load(); st.role == roleReplica && n.life.Err() == nil {
		n.stopLink()
		n.startLink(st.master, nil)
	}
}

// stopLink ends the link; when it returns nothing is applied or acknowledged
// any more. roles is held, mu is not.
func (n *Node) stopLink() {
	link := n.following.Swap(nil)
	if link == nil {
		return
	}
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := link.Stop(ctx)
		cancel()
		if err == nil {
			return
		}
		n.log.Warn("Still waiting for the replication link to end", "err", err)
	}
}

func (n *Node) linkStatus() repl.LinkStatus {
	if l := n.following.Load(); l != nil {
		return l.Status()
	}
	return repl.LinkStatus{}
}

func (n *Node) linkUp() bool { return n.linkStatus().State == repl.LinkConnected }

// empty tells whether the node has nothing that it could show to a reader.
func (n *Node) empty() bool {
	for i := range n.store.Databases() {
		if n.store.DB(i).Len() > 0 {
			return false
		}
	}
	return true
}

// follower is the node as its link sees it.
type follower Node

// Position is what to continue from.
func (f *follower) Position() repl.Position {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stream.Position()
}

var errLowerEpoch = errors.New("refusing to follow a master of a lower epoch: this node's data is newer")

// Continue goes on under the name id.
func (f *follower) Continue(m repl.Master, id string) error {
	n := (*Node)(f)
	if n.outranks(m) {
		return errLowerEpoch
	}
	n.mu.Lock()
	renamed := n.stream.Continue(id)
	n.newMasterID()
	if !m.Native {
		n.stream.Recall("", true) // it tells of no confirmations
	}
	n.seeFurther()
	n.mu.Unlock()
	if renamed {
		n.feeds.DropAll("the replication id changed")
	}
	return nil
}

// outranks tells whether this managed node's data belongs to a later epoch
// than the master's: such a master was replaced and must not wipe us.
func (n *Node) outranks(m repl.Master) bool {
	return n.seen.Load().managed && m.Native && m.Epoch < n.stream.History().DataEpoch()
}

// Apply executes a batch of the master's stream and relays it.
func (f *follower) Apply(b *repl.Batch) error {
	n := (*Node)(f)
	log, err := n.applyBatch(b)
	if err != nil {
		return err
	}
	n.stream.Wake()
	return n.awaitDisk(log, b.End())
}

// applyBatch is Apply as far as the engine goes. The log is the one that is fed.
func (n *Node) applyBatch(b *repl.Batch) (*aof.Log, error) {
	n.mu.Lock()
	defer n.mu.Unlock() // also when a script in it is given up: see slow
	if n.ending {
		return nil, errEnding
	}
	for i := range b.Commands {
		if err := n.holdsDB(b.Commands[i].DB); err != nil { // before anything is changed: the link comes again
			return nil, err
		}
	}
	n.tick()
	n.settleShown()
	n.applying = true
	n.derive()
	for i := range b.Commands {
		if i%expectAhead == 0 {
			n.expectCommands(b.Commands[i:])
		}
		n.applyOne(b.Commands[i].DB, b.Commands[i].Args)
		n.unit.shown.land(b.Commands[i].End)
		if b.EndsUnit(i) {
			end := b.Commands[i].End
			n.kept.executed(b.Commands[i].Mark, n.applier.Out, pair{n.stream.EpochAt(b, end), end})
		}
	}
	n.applying = false
	n.derive()
	n.wakeReady()
	n.broadcast()
	n.stream.Relay(b)
	n.stream.Publish()
	n.seeFurther()
	return n.aof.log, nil
}

// holdsDB is an error where what another server wrote names a database that this
// one was not given.
func (n *Node) holdsDB(db int) error {
	if db >= n.store.Databases() {
		return fmt.Errorf("database %d does not exist here: set databases above it", db)
	}
	return nil
}

// awaitDisk waits while the append-only file is too far behind an offset, so
// that what is not written stays within bounds.
func (n *Node) awaitDisk(log *aof.Log, end uint64) error {
	for log != nil && end > log.Pos()+lagLimit {
		select {
		case <-log.Done():
			return nil
		case <-n.life.Done():
			return errEnding
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// fromMaster names the commands on sessions that a master's stream may hold.
// Others would find no client there.
var fromMaster = map[string]bool{
	"publish": true, "spublish": true, "eval": true, "evalsha": true,
	"script|load": true, "script|flush": true, "fcall": true,
	"flushall":      true,
	"function|load": true, "function|delete": true, "function|flush": true, "function|restore": true,
}

// applyOne runs a command that the master has decided. One that cannot be run,
// or fails, means that the two data sets differ, which Redis calls critical, and
// so do we.
func (n *Node) applyOne(db int, args [][]byte) {
	if !n.replay(db, args) {
		n.log.Error("== CRITICAL == The master sent a command that this node does not know; the data sets differ now", "command", clip(args[0]))
	}
}

// replay runs a command that was decided elsewhere or before, and tells whether
// it is one that can be. Its reply is nobody's.
func (n *Node) replay(db int, args [][]byte) (known bool) {
	x := &n.applier
	x.Out = x.Out[:0]
	h := n.lookupReal(args)
	if h == nil {
		h = n.lookup(args) // a Redis whose commands are renamed sends the new names
	}
	if h == nil || !h.cmd.ArityOK(len(args)) || h.session != nil && !fromMaster[h.cmd.Full] {
		return false
	}
	n.origin.db = db
	n.run(&n.origin, x, h, args)
	if len(x.Out) > 0 && x.Out[0] == '-' {
		n.log.Error("== CRITICAL == A command that is replayed failed here; the data sets may differ", "command", clip(args[0]), "reply", clip(x.Out))
	}
	return true
}

// Followed tells whether others replicate from this node.
func (f *follower) Followed() bool { return f.feeds.Any() }

// Durable is what the append-only file has on disk: nothing, where there is none.
func (f *follower) Durable() (pos uint64, ok, must bool) {
	n, cfg := (*Node)(f), f.settings.Config()
	return n.horizon.Synced(), cfg.AppendOnly, cfg.WriteAcksDurable
}
