package aof

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Source is where the bytes come from: a reader of the replication stream.
type Source interface {
	// Published is the position up to which there are bytes; always the end of
	// a unit.
	Published() uint64
	Pos() uint64
	// Ahead appends the bytes from Pos to upTo, in pieces, without moving, and
	// says how many they are: 0 when the stream was replaced.
	Ahead(pieces [][]byte, upTo uint64) ([][]byte, int)
	Advance(n int)
	// Wait sleeps until there are more, Interrupt is called or ctx ends. Its
	// error says that there will never be more.
	Wait(ctx context.Context) error
	Interrupt()
	Close()
}

// LogConfig is what a Log needs.
type LogConfig struct {
	Dir     *Dir
	Source  Source
	Horizon *Horizon
	Policy  Policy
	// File is the last incremental file, of Size bytes, and Head what to write
	// before all else. nil: the files do not hold the data that the stream goes
	// on from, and nothing counts before a rewrite has made a base (Whole).
	File File
	Size int64
	Head []byte
	// Timestamps is aof-timestamp-enabled; Lazy tells whether syncs are to be
	// left out just now (no-appendfsync-on-rewrite).
	Timestamps, Lazy func() bool
	Delay            func() time.Duration // before each write, for tests
	// Moved is called when Horizon moved, Changed when Err did; both on the
	// Log's goroutine.
	Moved, Changed func()
	After          <-chan struct{} // the Log before has ended
	Log            *slog.Logger
}

// Bounds of the log's goroutine.
const (
	syncPeriod  = time.Second
	retryPeriod = time.Second
	// writePace is how often the file is written at most while nobody waits for
	// a sync: under load it gathers what many batches appended.
	writePace = time.Millisecond
	// restPace is writePace while replies have the file written: to be woken for
	// each of their batches, and find nothing to do, would cost as much.
	restPace = 10 * time.Millisecond
)

// Log writes the stream to the last incremental file, on a goroutine of its
// own, or on that of replies that are about to leave (catchUp): a slow sync delays
// what waits for it and nothing else. The caller bounds how far it may fall behind
// (Pos).
//
// The file always ends behind a whole unit, or is cut there at the first
// chance after a write that failed.
type Log struct {
	cfg    LogConfig
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	closed chan struct{} // Close was called
	rouse  chan struct{} // capacity 1: it is called
	policy atomic.Int32
	pos    atomic.Uint64 // written
	stop   atomic.Uint64 // nothing behind it is written
	fileID atomic.Int64

	pen      sync.Mutex  // guards what follows; taken before mu
	alone    atomic.Bool // what follows is the goroutine's, which waits for the disk
	file     File
	size     int64
	torn     bool // behind size there may be bytes that do not belong there
	unsynced bool
	onDisk   uint64 // up to where the file is synced
	lastSync time.Time
	beside   *besideSync // under way; nil: none
	lastPut  time.Time
	eased    bool   // replies had the file written since the goroutine's last turn
	head     []byte // still to be written
	stamp    int64
	pieces   [][]byte

	mu      sync.Mutex
	orders  []order
	over    bool // the goroutine has let go
	fresh   bool // no base goes with the file yet
	suspect bool // a sync failed since the file was begun
	lost    bool // a sync failed, and no base was made since
	err     error
}

// order is done when the position at is reached.
type order struct {
	at   uint64
	do   func() error
	done chan error // capacity 1
}

// StartLog begins to write. The caller closes it.
func StartLog(cfg LogConfig) *Log {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	l := &Log{cfg: cfg, done: make(chan struct{}), closed: make(chan struct{}), rouse: make(chan struct{}, 1),
		file: cfg.File, size: cfg.Size, fresh: cfg.File == nil, head: cfg.Head}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.onDisk, l.lastSync = cfg.Source.Pos(), time.Now()
	l.pos.Store(l.onDisk)
	l.alone.Store(true) // until its first turn
	cfg.Horizon.pass(l) // positions of a former history mean nothing now
	l.stop.Store(math.MaxUint64)
	l.SetPolicy(cfg.Policy)
	go l.run()
	return l
}

// SetPolicy changes when the file is synced.
func (l *Log) SetPolicy(p Policy) {
	l.policy.Store(int32(p))
	l.mu.Lock()
	h := l.cfg.Horizon
	h.move(l, func() {
		if p != Always {
			h.gate.Store(math.MaxUint64)
		} else if h.gate.Load() == math.MaxUint64 {
			h.gate.Store(0) // what is on disk, its goroutine knows
		}
	})
	l.mu.Unlock()
	l.cfg.Source.Interrupt()
}

func (l *Log) is(p Policy) bool { return Policy(l.policy.Load()) == p }

// Pos is the position up to which the stream is written.
func (l *Log) Pos() uint64 { return l.pos.Load() }

// Err is why the file cannot be written at present; nil when it can.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Lost tells that a sync failed, after which only a rewrite can make the files
// trustworthy again.
func (l *Log) Lost() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// Fresh tells that no base goes with the file yet.
func (l *Log) Fresh() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fresh
}

// At does something when the stream is written up to at, which must be the end
// of a unit and not published past yet: the engine lock is held. What it
// returns is sent once.
func (l *Log) at(at uint64, do func() error) <-chan error {
	o := order{at, do, make(chan error, 1)}
	l.mu.Lock()
	if l.over {
		o.done <- errClosed
	} else {
		l.orders = append(l.orders, o)
	}
	l.mu.Unlock()
	l.call()
	return o.done
}

// call has the goroutine make a turn at once.
func (l *Log) call() {
	select {
	case l.rouse <- struct{}{}:
	default:
	}
	l.cfg.Source.Interrupt()
}

// Note writes an annotation at the end of what is published, under the engine
// lock. Nothing is written behind it before it is.
func (l *Log) Note(at uint64, text []byte) {
	l.at(at, func() error {
		l.head = append(l.head, text...)
		return l.begin()
	})
}

// Rotate begins a new file at the end of what is published, under the engine
// lock, with head before all else: the beginning of a rewrite.
func (l *Log) Rotate(at uint64, head []byte) <-chan error {
	return l.at(at, func() error { return l.rotate(head) })
}

// FileID names the file that is written, for Dir.Commit and Dir.DropTemp; 0: one
// that was there at the start.
func (l *Log) FileID() int64 { return l.fileID.Load() }

// Flush writes and syncs up to at.
func (l *Log) Flush(at uint64) <-chan error { return l.at(at, l.sync) }

// Whole says that a base was made of what stood before the last Rotate.
func (l *Log) Whole() {
	l.mu.Lock()
	if !l.suspect {
		l.fresh, l.lost = false, false
	}
	l.mu.Unlock()
	l.at(l.Pos(), func() error { l.publish(); return nil })
}

// StopAt has nothing written behind at, which must be published and the end of
// a unit, under the engine lock. Close is to follow.
func (l *Log) StopAt(at uint64) { l.stop.Store(at) }

// Close writes and syncs what is published, as far as the disk lets it, and
// ends the log. ctx bounds the wait; the error is that of the disk, or ctx's. It
// is called once.
func (l *Log) Close(ctx context.Context) error {
	close(l.closed)
	l.cfg.Source.Interrupt()
	select {
	case <-l.done:
	case <-ctx.Done():
		l.cancel()
		return ctx.Err()
	}
	return l.Err()
}

// Done is closed when the log has let go of its file.
func (l *Log) Done() <-chan struct{} { return l.done }
