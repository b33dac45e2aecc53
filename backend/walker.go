package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/store"
)

// Bounds of a walk.
const (
	// walkHold is how long a slice holds the engine, unless a single value takes
	// longer; the clock is looked at after every walkStep bytes.
	walkHold = 250 * time.Microsecond
	walkStep = 8 << 10
	// walkRest times as long as a slice held the engine it is left to commands,
	// when they can use it: a walk takes at least a 25th of the time, which is
	// what bounds its length. It has a ninth while a replica waits for a snapshot,
	// without which the data has one copy less.
	walkRest     = 24
	walkRestFeed = 8
	// walkFull is the share of the time for which commands hold the engine when
	// their loop has no time left: the rest of a loop's time goes to the network.
	walkFull = 0.3
	// walkPiece is how large pieces of a snapshot are handed on, bytes, and
	// walkSpares how many empty ones are kept.
	walkPiece  = 256 << 10
	walkSpares = 4
	// walkPending bounds what commands may add to a snapshot, by changing keys
	// it has not come to, while its receiver does not take it.
	walkPending = 256 << 20
)

// encoder is the form of a snapshot: an RDB file, or commands.
type encoder interface {
	// Header is called once, before anything is taken.
	Header(rdb.Info)
	Entry(db int, key []byte, v store.Value, expire int64) error
	Take(spare rdb.Piece) rdb.Piece
	Pending() int
	// Seal makes a piece that was taken ready to be written. It is called without
	// the engine lock, for every piece in its turn.
	Seal(piece rdb.Piece, last bool) []byte
}

// snapshot writes the data as of the moment that cut is called, under the
// engine lock, while commands go on. One is taken at a time; others wait.
func (n *Node) snapshot(ctx context.Context, cut func() rdb.Info, w io.Writer) error {
	return n.snapshotAs(ctx, n.rdbWriter(), cut, w)
}

// rdbWriter begins a snapshot in the form that is set.
func (n *Node) rdbWriter() *rdb.Writer { return rdb.NewWriter(n.cfg().RDBCompression) }

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
	defer func() { n.snapshots.end(s.base) }()
	for done := false; !done; {
		var err error
		done, err = s.next()
		runtime.Gosched() // to the loop that waits for the engine, without waking another thread
		if err == nil {
			err = s.write(ctx, w, done)
		}
		if err == nil && !done {
			err = s.rest(ctx)
		}
		if err != nil {
			s.abort(err)
			return err
		}
	}
	return nil
}

// walker is one snapshot under way.
type walker struct {
	n      *Node
	home   *store.Store // the data it walks
	walk   *store.Walk
	paused time.Time     // when the last slice ended
	held   time.Duration // how long it held the engine
	busy   float64       // the share of the time before it that commands held the engine
	spent  int64         // turns.spent when it ended
	out    []rdb.Piece   // pieces that are being written

	// Under the engine lock.
	enc     encoder
	turn    bool        // what comes is encoded in its turn
	base    bool        // it becomes the base of an append-only file
	full    []rdb.Piece // pieces that wait to be written, but for what enc has
	pending int         // bytes of them
	spare   []rdb.Piece // written ones, for what comes
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
		walk, err := s.n.store.StartWalk(s.entry)
		if err == nil {
			s.walk, s.home = walk, s.n.store
			s.paused, s.spent = time.Now(), s.n.timing.turns.spent
			info := cut()
			s.base = info.AOFBase
			s.enc.Header(info)
			s.n.snapshots.begin(countKeys(s.home))
		} else {
			s.n.store.Tidy(tidySlice)
		}
		s.n.mu.Unlock()
		if !errors.Is(err, store.ErrWalking) {
			return err
		}
	}
}

// next goes on for a slice and leaves in out what was encoded since the last.
func (s *walker) next() (done bool, err error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if s.n.store != s.home {
		return false, errors.New("the data was replaced while a snapshot was taken")
	}
	began, spent := time.Now(), s.n.timing.turns.spent
	s.busy = float64(spent-s.spent) / float64(max(began.Sub(s.paused), 1))
	step, hold := walkStep, walkHold
	if s.n.cfg().KeySaveDelay > 0 {
		step, hold = 1, 0 // key by key
	}
	s.turn = true
	for again := true; again; again = !done && err == nil && s.held < hold {
		done, err = s.walk.Step(step)
		s.held = time.Since(began)
	}
	s.turn = false
	s.take()
	s.paused, s.spent = began.Add(s.held), spent
	return done, err
}

// entry is the sink of the walk.
func (s *walker) entry(db int, key []byte, v store.Value, expire int64) error {
	before := s.enc.Pending()
	err := s.enc.Entry(db, key, v, expire)
	s.n.snapshots.done.Add(1)
	if !s.turn {
		s.n.snapshots.ahead.Add(int64(s.enc.Pending() - before))
	}
	if s.enc.Pending() < walkPiece || err != nil {
		return err
	}
	s.fill()
	if s.pending > walkPending {
		return fmt.Errorf("the receiver is too slow: %d bytes of the snapshot wait for it", s.pending)
	}
	return nil
}

// fill puts what the encoder has into a piece of its own.
func (s *walker) fill() {
	var empty rdb.Piece
	if last := len(s.spare) - 1; last >= 0 {
		empty, s.spare = s.spare[last], s.spare[:last]
	} else {
		empty.Bytes = make([]byte, 0, walkPiece+walkPiece/8)
	}
	s.full = append(s.full, s.enc.Take(empty))
	s.pending += len(s.full[len(s.full)-1].Bytes)
}

// take exchanges the pieces that were written for those that wait.
func (s *walker) take() {
	for _, p := range s.out {
		if len(s.spare) < walkSpares && cap(p.Bytes) <= 2*walkPiece {
			s.spare = append(s.spare, p.Empty())
		}
	}
	clear(s.out)
	s.fill()
	s.out, s.full, s.pending = s.full, s.out[:0], 0
}

// write hands on what next has left.
func (s *walker) write(ctx context.Context, w io.Writer, done bool) error {
	for i, p := range s.out {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := w.Write(s.enc.Seal(p, done && i == len(s.out)-1)); err != nil {
			return err
		}
	}
	return nil
}

// rest leaves the engine to the commands. What it took to write the last slice
// is part of it.
func (s *walker) rest(ctx context.Context) error {
	if s.n.cfg().KeySaveDelay > 0 {
		return s.dawdle(ctx)
	}
	left := walkPause(s.held, s.busy, s.n.feeding.Load() > 0, s.n.pressure()) - time.Since(s.paused)
	if left <= 0 {
		return ctx.Err()
	}
	return sleep(ctx, left)
}

// walkPause is how long the engine is left to commands after a slice: in
// proportion to how much they use it, less while a replica waits, and not at all
// once the stream that is kept for it has grown half as long as it may.
func walkPause(held time.Duration, busy float64, feeds bool, pressure float64) time.Duration {
	rest, load, ease := float64(walkRest), min(busy/walkFull, 1), max(1-2*pressure, 0)
	if feeds {
		rest = walkRestFeed
	}
	return time.Duration(rest * load * ease * float64(held))
}

// pressure is how much of the stream that may be kept for a replica is kept for
// one that waits for its snapshot, 0 to 1.
func (n *Node) pressure() float64 {
	limits := n.cfg().OutputLimits.Replica
	limit := limits.Hard
	if limits.Soft > 0 && (limit == 0 || limits.Soft < limit) {
		limit = limits.Soft
	}
	if limit == 0 || n.feeding.Load() == 0 {
		return 0
	}
	return min(float64(n.feeds.Behind())/float64(limit), 1)
}

// dawdle is rdb-key-save-delay. It ends early when that is taken back.
func (s *walker) dawdle(ctx context.Context) error {
	const look = 10 * time.Millisecond
	for began := time.Now(); ; {
		left := time.Duration(s.n.cfg().KeySaveDelay)*time.Microsecond - time.Since(began)
		if left <= 0 {
			return ctx.Err()
		}
		if err := sleep(ctx, min(left, look)); err != nil {
			return err
		}
	}
}

func (s *walker) abort(err error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	s.walk.Abort(err)
}
