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
	info, err := rdb.Load(&delayedReader{n, ctx, r}, fresh)
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
	if err := n.replaceFunctions(info.Functions); err != nil {
		n.mu.Unlock()
		fresh.Close()
		return fmt.Errorf("cannot load the master's snapshot: %w", err)
	}
	old := n.replaceStore(fresh)
	n.stream.Reset(repl.NewHistory(sync.ID, epoch, sync.Offset), sync.Offset, info.StreamDB)
	n.stream.Follow()
	n.dropFootprints()
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
	n.hook(fresh)
	n.limitTables()
	fresh.SetNow(n.now)
	n.derive()
	n.flushed(-1)
	return old
}

// source takes the snapshots for full resyncs.
type source Node

// Snapshot writes the data as of the moment that begin is called.
func (f *source) Snapshot(ctx context.Context, begin func() repl.Cut, w io.Writer) error {
	n := (*Node)(f)
	n.feeding.Add(1)
	defer n.feeding.Add(-1)
	return n.snapshot(ctx, func() rdb.Info {
		n.stats.fullSyncs++
		return n.aboutSnapshot(begin())
	}, w)
}

// aboutSnapshot describes a snapshot of this moment, at a place of the stream.
// The engine lock is held.
func (n *Node) aboutSnapshot(at repl.Cut) rdb.Info {
	return rdb.Info{
		RedisVersion: RedisVersion, Created: n.now / 1000, UsedMemory: n.store.UsedMemory(), Keys: rdb.CountKeys(n.store),
		StreamID: at.ID, StreamOffset: at.Offset, StreamDB: at.DB, DataEpoch: at.Epoch,
		Functions: n.scripts.Codes(),
	}
}

const (
	// walkSlice is about how many bytes a snapshot takes in one go: the engine
	// is held that long.
	walkSlice = 64 << 10
	// walkPending bounds what commands may add to a snapshot, by changing keys
	// it has not come to, while its receiver does not take it.
	walkPending = 256 << 20
)

// encoder is the form of a snapshot: an RDB file, or commands.
type encoder interface {
	// Header is called once, before anything is taken, and End at the end.
	Header(rdb.Info)
	Entry(db int, key []byte, v store.Value, expire int64) error
	End()
	Take(spare []byte) []byte
	Pending() int
}

// snapshot writes the data as of the moment that cut is called, under the
// engine lock, while commands go on. One is taken at a time; others wait.
func (n *Node) snapshot(ctx context.Context, cut func() rdb.Info, w io.Writer) error {
	return n.snapshotAs(ctx, rdb.NewWriter(), cut, w)
}

func (n *Node) snapshotAs(ctx context.Context, form encoder, cut func() rdb.Info, w io.Writer) error {
	select {
	case n.walks <- struct{}{}:
		defer func() { <-n.walks }()
	case <-ctx.Done():
		return ctx.Err()
	}
	s := walker{n: n, enc: form}
	if err := s.begin(ctx, cut); err != nil {
		return err
	}
	var chunk []byte
	for done := false; !done; {
		var err error
		chunk, done, err = s.next(chunk)
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			_, err = w.Write(chunk)
		}
		if n.cfg().KeySaveDelay > 0 && err == nil {
			err = n.dawdle(ctx)
		}
		if err != nil {
			s.abort(err)
			return err
		}
		if cap(chunk) > 4*walkSlice {
			chunk = nil
		}
	}
	return nil
}

// dawdle is rdb-key-save-delay. It ends early when that is taken back.
func (n *Node) dawdle(ctx context.Context) error {
	const look = 10 * time.Millisecond
	for began := time.Now(); ; {
		left := time.Duration(n.cfg().KeySaveDelay)*time.Microsecond - time.Since(began)
		if left <= 0 {
			return ctx.Err()
		}
		if err := sleep(ctx, min(left, look)); err != nil {
			return err
		}
	}
}

// walker is one snapshot under way.
type walker struct {
	n    *Node
	home *store.Store // the data it walks
	walk *store.Walk
	enc  encoder
}

// begin starts the walk. A former one that was given up may have to be swept up
// after first. With an error none was started: nobody would end it, and there
// can be no other.
func (s *walker) begin(ctx context.Context, cut func() rdb.Info) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.n.mu.Lock()
		if s.n.apart.dead {
			s.n.mu.Unlock()
			return errEnding // a script left the data half-changed
		}
		walk, err := s.n.store.StartWalk(s.enc.Entry)
		if err == nil {
			s.walk, s.home = walk, s.n.store
			s.enc.Header(cut())
		} else {
			s.n.store.Tidy(tidySlice)
		}
		s.n.mu.Unlock()
		if !errors.Is(err, store.ErrWalking) {
			return err
		}
	}
}

// next goes on for a slice and returns what was encoded, in spare's memory.
func (s *walker) next(spare []byte) (chunk []byte, done bool, err error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if s.n.store != s.home {
		return nil, false, errors.New("the data was replaced while a snapshot was taken")
	}
	slice := walkSlice
	if s.n.cfg().KeySaveDelay > 0 {
		slice = 1 // key by key
	}
	if done, err = s.walk.Step(slice); done && err == nil {
		s.enc.End()
	}
	if err == nil && s.enc.Pending() > walkPending {
		err = fmt.Errorf("the receiver is too slow: %d bytes of the snapshot wait for it", s.enc.Pending())
	}
	return s.enc.Take(spare), done, err
}

func (s *walker) abort(err error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	s.walk.Abort(err)
}
