package backend

import (
	"context"
	"errors"
	"fmt"
	"io"

	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/repl"
	"holdfast/backend/internal/store"
)

// Load reads a full resync beside the data in use.
func (f *follower) Load(ctx context.Context, sync repl.Sync, r io.Reader) (repl.Loaded, error) {
	n := (*Node)(f)
	if n.outranks(sync.Master) {
		return repl.Loaded{}, errLowerEpoch
	}
	fresh, err := n.newStore()
	if err != nil {
		return repl.Loaded{}, err
	}
	n.progress.begin(max(sync.Size, 0))
	n.resyncing.Store(true)
	defer n.resyncing.Store(false)
	info, err := rdb.LoadWhole(&loadReader{n, r}, fresh, func() error { return n.delayLoad(ctx) })
	if err != nil {
		fresh.Close()
		return repl.Loaded{}, fmt.Errorf("cannot load the master's snapshot: %w", err)
	}
	n.tellDamaged(info)
	return repl.Loaded{
		Adopt:   func() error { return n.adoptData(fresh, sync, info) },
		Discard: fresh.Close,
	}, nil
}

var errOlderData = errors.New("refusing a full resync: this node's data is newer than the master's snapshot")

// adoptData puts loaded data in the place of the old. In a group only newer
// data may: whatever sends a snapshot, what was confirmed here is
// not wiped by less.
func (n *Node) adoptData(fresh *store.Store, sync repl.Sync, info rdb.Info) error {
	epoch := max(info.DataEpoch, sync.Master.Epoch)
	if err := n.giveUp(sync.Master, epoch, sync.Offset); err != nil {
		fresh.Close()
		return err
	}
	n.mu.Lock()
	if err := n.replaceFunctions(info.Functions); err != nil {
		n.mu.Unlock()
		fresh.Close()
		return fmt.Errorf("cannot load the master's snapshot: %w", err)
	}
	old := n.replaceStore(fresh)
	n.stream.Reset(repl.NewHistory(sync.ID, epoch, sync.Offset), sync.Offset, info.StreamDB)
	n.stream.Recall(info.Told, true)
	n.kept.recall(info.Kept)
	n.kept.joins()
	n.stream.Follow()
	n.newMasterID()
	n.dropFootprints()
	n.hideLoaded()
	n.mu.Unlock()
	n.feeds.DropAll("the data was replaced by a full resync")
	old.Close()
	return nil
}

// replaceStore puts fresh in the place of the store in use, which it returns.
// The engine lock is held.
func (n *Node) replaceStore(fresh *store.Store) (old *store.Store) {
	old = n.store
	n.store, fresh.Stats = fresh, old.Stats
	n.own = nil
	n.kept.forget()
	n.hook(fresh)
	n.limitTables()
	fresh.SetNow(n.now)
	n.derive()
	n.flushed(-1)
	return old
}

// source takes the snapshots for full resyncs.
type source Node

// Snapshot writes the data as of the moment that begin is called, or what part
// says of it.
func (f *source) Snapshot(ctx context.Context, part repl.Part, begin func() repl.Cut, w io.Writer) error {
	n := (*Node)(f)
	n.feeding.Add(1)
	defer n.feeding.Add(-1)
	cut := func() rdb.Info { return n.aboutSnapshot(begin()) }
	if part == repl.Whole {
		return n.snapshot(ctx, cut, w)
	}
	_, err := w.Write(n.withoutKeys(part, cut))
	return err
}

// withoutKeys is a snapshot for one who wants the functions alone, or nothing.
func (n *Node) withoutKeys(part repl.Part, cut func() rdb.Info) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	about := cut()
	if part == repl.Nothing {
		about.Functions = nil
	}
	enc := n.rdbWriter()
	enc.Header(about)
	return enc.Seal(enc.Take(rdb.Piece{}), true)
}

// aboutSnapshot describes a snapshot of this moment, at a place of the stream.
// The engine lock is held.
func (n *Node) aboutSnapshot(at repl.Cut) rdb.Info {
	return rdb.Info{
		RedisVersion: RedisVersion, Created: n.now / 1000, UsedMemory: n.store.UsedMemory(), Keys: rdb.CountKeys(n.store),
		StreamID: at.ID, StreamOffset: at.Offset, StreamDB: at.DB, DataEpoch: at.Epoch, Told: at.Told,
		Kept:      n.kept.String(),
		Functions: n.scripts.Codes(),
	}
}
