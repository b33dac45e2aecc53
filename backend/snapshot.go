package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

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
	info, err := rdb.Load(r, fresh)
	if err != nil {
		fresh.Close()
		return repl.Loaded{}, fmt.Errorf("cannot load the master's snapshot: %w", err)
	}
	return repl.Loaded{
		Adopt:   func() error { return n.adoptData(fresh, sync, info) },
		Discard: fresh.Close,
	}, nil
}

var errOlderData = errors.New("refusing a full resync: this node's data is newer than the master's snapshot")

// adoptData puts loaded data in the place of the old. In a group only newer
// data may (SAFETY §3): whatever sends a snapshot, what was confirmed here is
// not wiped by less.
func (n *Node) adoptData(fresh *store.Store, sync repl.Sync, info rdb.Info) error {
	n.mu.Lock()
	epoch := max(info.DataEpoch, sync.Master.Epoch)
	if own := n.pair(); n.standing.managed && (own.epoch > epoch || own.epoch == epoch && own.offset > sync.Offset) {
		n.mu.Unlock()
		fresh.Close()
		return errOlderData
	}
	old := n.store
	n.store = fresh
	n.hook(fresh)
	fresh.SetExpiry(storeHide)
	n.stream.Reset(repl.NewHistory(sync.ID, epoch, sync.Offset), sync.Offset, info.StreamDB)
	n.stream.Follow()
	n.touchedAll(-1)
	n.mu.Unlock()
	n.feeds.DropAll("the data was replaced by a full resync")
	old.Close()
	return nil
}

// source takes the snapshots for full resyncs.
type source Node

// walkSlice is about how many bytes a snapshot takes in one go: the engine is
// held that long.
const walkSlice = 64 << 10

// walkPending bounds what commands may add to a snapshot, by changing keys it
// has not come to, while its receiver does not take it.
const walkPending = 256 << 20

// Snapshot writes the data as of the moment that begin is called.
func (f *source) Snapshot(ctx context.Context, begin func() repl.Cut, w io.Writer) error {
	n := (*Node)(f)
	enc := rdb.NewWriter()
	n.mu.Lock()
	walk, err := n.store.StartWalk(enc.Entry)
	if err != nil {
		n.mu.Unlock()
		return err
	}
	home := n.store
	cut := begin()
	n.stats.fullSyncs++
	enc.Header(rdb.Info{
		RedisVersion: redisVersion, Created: time.Now().Unix(), UsedMemory: n.store.UsedMemory(), Keys: rdb.CountKeys(n.store),
		StreamID: cut.ID, StreamOffset: cut.Offset, StreamDB: cut.DB, DataEpoch: cut.Epoch,
	})
	n.mu.Unlock()
	var chunk []byte
	for done := false; !done && err == nil; {
		n.mu.Lock()
		if n.store != home {
			err = errors.New("the data was replaced while a snapshot was taken")
		} else if done, err = walk.Step(walkSlice); done && err == nil {
			enc.End()
		}
		if enc.Pending() > walkPending {
			err = fmt.Errorf("the receiver is too slow: %d bytes of the snapshot wait for it", enc.Pending())
		}
		chunk = enc.Take(chunk)
		n.mu.Unlock()
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			_, err = w.Write(chunk)
		}
		if cap(chunk) > 4*walkSlice {
			chunk = nil
		}
	}
	if err != nil {
		n.mu.Lock()
		walk.Abort(err)
		n.mu.Unlock()
	}
	return err
}
