package aof

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Policy says when what was written is synced to the disk: appendfsync.
type Policy int32

// The policies.
const (
	EverySecond Policy = iota
	Always             // replies wait for it
	Never              // the kernel decides
)

// PolicyOf reads a value of appendfsync.
func PolicyOf(word string) Policy {
	switch word {
	case "always":
		return Always
	case "no":
		return Never
	}
	return EverySecond
}

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

// Horizon is how far the stream is on disk. It outlives the Logs that move it.
type Horizon struct {
	synced atomic.Uint64
	gate   atomic.Uint64
}

// NewHorizon returns a horizon that holds nothing back.
func NewHorizon() *Horizon {
	h := new(Horizon)
	h.gate.Store(math.MaxUint64)
	return h
}

// Gate is the position up to which replies may leave: with the policy Always
// what is on disk, else everything.
func (h *Horizon) Gate() uint64 { return h.gate.Load() }

// Synced is the position up to which a restart would find the stream, whatever
// the machine does.
func (h *Horizon) Synced() uint64 { return h.synced.Load() }

// Release lets everything pass and forgets what is on disk, when there is no
// Log any more.
func (h *Horizon) Release() {
	h.synced.Store(0)
	h.gate.Store(math.MaxUint64)
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
)

// Log writes the stream to the last incremental file, on a goroutine of its
// own: a slow disk delays what waits for it and nothing else. The caller bounds
// how far it may fall behind (Pos).
//
// The file always ends behind a whole unit, or is cut there at the first
// chance after a write that failed.
type Log struct {
	cfg    LogConfig
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	closed chan struct{} // Close was called
	policy atomic.Int32
	pos    atomic.Uint64 // written
	fileID atomic.Int64

	// The goroutine's own.
	file     File
	size     int64
	torn     bool // behind size there may be bytes that do not belong there
	unsynced bool
	onDisk   uint64 // up to where the file is synced
	lastSync time.Time
	lastPut  time.Time
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
	l := &Log{cfg: cfg, done: make(chan struct{}), closed: make(chan struct{}), file: cfg.File, size: cfg.Size, fresh: cfg.File == nil, head: cfg.Head}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.onDisk, l.lastSync = cfg.Source.Pos(), time.Now()
	l.pos.Store(l.onDisk)
	cfg.Horizon.Release() // positions of a former history mean nothing now
	l.SetPolicy(cfg.Policy)
	go l.run()
	return l
}

// SetPolicy changes when the file is synced.
func (l *Log) SetPolicy(p Policy) {
	l.policy.Store(int32(p))
	l.mu.Lock()
	if p != Always {
		l.cfg.Horizon.gate.Store(math.MaxUint64)
	} else if l.cfg.Horizon.gate.Load() == math.MaxUint64 {
		l.cfg.Horizon.gate.Store(0) // what is on disk, its goroutine knows
	}
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
	l.cfg.Source.Interrupt()
	return o.done
}

// Note writes an annotation at the end of what is published, under the engine
// lock.
func (l *Log) Note(at uint64, text []byte) {
	l.at(at, func() error { return l.put([][]byte{text}) })
}

// Rotate begins a new file at the end of what is published, under the engine
// lock, with head before all else: the beginning of a rewrite.
func (l *Log) Rotate(at uint64, head []byte) <-chan error {
	return l.at(at, func() error { return l.rotate(head) })
}

// FileID names the file that the last Rotate began, for Dir.Commit.
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

// run writes until the log is closed or the stream replaced.
func (l *Log) run() {
	defer close(l.done)
	defer l.cfg.Source.Close()
	defer l.cancel()
	if l.cfg.After != nil {
		<-l.cfg.After
	}
	for goOn := true; goOn; {
		idle, err := l.turn()
		l.settle(err)
		switch {
		case err != nil && l.ended(), err == nil && idle && l.ended():
			goOn = false
		case err != nil:
			l.pause(retryPeriod)
		case idle:
			goOn = l.await()
		}
	}
	l.end()
}

// begin makes the file where there is none.
func (l *Log) begin() (err error) {
	if l.file == nil {
		l.file, err = l.cfg.Dir.TempIncr()
	}
	if err == nil && len(l.head) > 0 {
		err = l.put([][]byte{l.head})
	}
	if err == nil {
		l.head = nil
	}
	return err
}

// turn writes what there is, carries out orders and syncs when that is due. idle
// tells that nothing is left to do.
func (l *Log) turn() (idle bool, err error) {
	if err := l.begin(); err != nil {
		return false, err
	}
	l.slowDown()
	end := l.cfg.Source.Published() // before the orders: each was given before what is behind it
	if err := l.write(min(end, l.nextOrder())); err != nil {
		return false, err
	}
	l.obey()
	if err := l.syncIfDue(); err != nil {
		return false, err
	}
	pos := l.cfg.Source.Pos()
	idle = pos >= l.cfg.Source.Published() && l.nextOrder() > pos
	if idle && l.ended() {
		return true, l.sync()
	}
	return idle, nil
}

// slowDown keeps the pace of writes that nobody waits for.
func (l *Log) slowDown() {
	if rest := writePace - time.Since(l.lastPut); rest > 0 && !l.is(Always) && !l.ended() {
		l.pause(rest)
	}
}

// pause waits for d unless the log is to end.
func (l *Log) pause(d time.Duration) {
	select {
	case <-l.closed:
	case <-l.ctx.Done():
	case <-time.After(d):
	}
}

func (l *Log) ended() bool {
	select {
	case <-l.closed:
	case <-l.ctx.Done():
	default:
		return false
	}
	return true
}

func (l *Log) nextOrder() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.orders) == 0 {
		return math.MaxUint64
	}
	return l.orders[0].at
}

// obey carries out the orders for this position.
func (l *Log) obey() {
	for l.nextOrder() <= l.cfg.Source.Pos() {
		l.mu.Lock()
		o := l.orders[0]
		l.orders = l.orders[1:]
		l.mu.Unlock()
		o.done <- o.do()
	}
}

// await sleeps until there is something to do; false when the stream was
// replaced and nothing will come any more.
func (l *Log) await() bool {
	ctx := l.ctx
	if l.unsynced && !l.is(Never) {
		due, cancel := context.WithDeadline(l.ctx, l.lastSync.Add(syncPeriod))
		defer cancel()
		ctx = due
	}
	err := l.cfg.Source.Wait(ctx)
	return err == nil || ctx.Err() != nil && l.ctx.Err() == nil
}

// write appends the stream up to stop, the end of a unit.
func (l *Log) write(stop uint64) error {
	from := l.cfg.Source.Pos()
	if stop <= from {
		return nil
	}
	if d := l.cfg.Delay(); d > 0 {
		l.pause(d)
	}
	l.pieces = l.pieces[:0]
	if now := time.Now().Unix(); l.cfg.Timestamps() && now != l.stamp {
		l.stamp = now
		l.pieces = append(l.pieces, AppendTime(nil, now))
	}
	var n int
	if l.pieces, n = l.cfg.Source.Ahead(l.pieces, stop); n == 0 {
		return nil // the stream was replaced
	}
	if err := l.put(l.pieces); err != nil {
		l.stamp = 0
		return err
	}
	clear(l.pieces)
	l.cfg.Source.Advance(n)
	l.pos.Store(stop)
	return nil
}

// put appends whole units or annotations. When it fails nothing of them stays.
func (l *Log) put(pieces [][]byte) error {
	if l.torn {
		if err := l.file.Truncate(l.size); err != nil {
			return fmt.Errorf("Could not remove short write from the append-only file: %w", err)
		}
		l.torn = false
	}
	l.lastPut = time.Now()
	size := l.size
	for _, p := range pieces {
		n, err := l.file.Write(p)
		size += int64(n)
		if err != nil {
			l.torn = l.file.Truncate(l.size) != nil
			return err
		}
	}
	l.cfg.Dir.size.Add(size - l.size)
	l.size = size
	if !l.unsynced {
		l.unsynced = true
		if l.is(EverySecond) && time.Since(l.lastSync) > syncPeriod {
			l.lastSync = l.lastPut // a second from now on, not from a sync long ago
		}
	}
	return nil
}

func (l *Log) syncIfDue() error {
	switch {
	case !l.unsynced, l.is(Never):
		l.publish()
		return nil
	case l.is(EverySecond) && time.Since(l.lastSync) < syncPeriod:
		return nil
	case l.cfg.Lazy():
		l.lastSync = time.Now() // to look again in a while
		l.publish()
		return nil
	}
	return l.sync()
}

// sync makes durable what is written.
func (l *Log) sync() error {
	if !l.unsynced {
		l.publish()
		return nil
	}
	if err := l.file.Sync(); err != nil {
		l.mu.Lock()
		l.suspect, l.lost, l.fresh = true, true, true
		l.mu.Unlock()
		return fmt.Errorf("Fail to fsync the AOF file: %w", err)
	}
	l.unsynced, l.onDisk, l.lastSync = false, l.cfg.Source.Pos(), time.Now()
	l.publish()
	return nil
}

// publish moves the horizon. What a file holds in which a sync failed counts
// for nothing.
func (l *Log) publish() {
	h := l.cfg.Horizon
	l.mu.Lock()
	if !l.unsynced { // only annotations may have come since
		l.onDisk = l.cfg.Source.Pos()
	}
	synced, gate := h.synced.Load(), h.gate.Load()
	if !l.fresh {
		h.synced.Store(l.onDisk)
	}
	if l.is(Always) && !l.lost {
		upTo := l.onDisk
		if l.cfg.Lazy() {
			upTo = l.cfg.Source.Pos()
		}
		h.gate.Store(upTo)
	}
	moved := h.synced.Load() != synced || h.gate.Load() != gate
	l.mu.Unlock()
	if moved {
		l.cfg.Moved()
	}
}

// rotate begins a new file. The old one is synced first: only the last file may
// lack its end.
func (l *Log) rotate(head []byte) error {
	_ = l.sync() // one that fails makes the log fresh
	next := l.cfg.Dir.NextIncr
	if l.Fresh() {
		next = l.cfg.Dir.TempIncr
	}
	f, err := next()
	if err != nil {
		return err
	}
	_ = l.file.Close() // synced, or given up
	l.file, l.size, l.torn, l.unsynced, l.stamp = f, 0, false, false, 0
	l.fileID.Store(l.cfg.Dir.FileID())
	l.mu.Lock()
	l.suspect = false
	l.mu.Unlock()
	if len(head) > 0 {
		return l.put([][]byte{head})
	}
	return nil
}

// settle notes how a turn went and says so when that changed. An error that a
// write had is gone with the next that works; one that a sync had stays until
// a rewrite.
func (l *Log) settle(err error) {
	l.mu.Lock()
	if err == nil && l.lost {
		l.mu.Unlock()
		return
	}
	before := l.err
	l.err = err
	l.mu.Unlock()
	switch {
	case err != nil:
		l.cfg.Log.Warn("Error writing to the AOF file: " + err.Error())
		l.cfg.Changed()
	case before != nil:
		l.cfg.Log.Warn("AOF write error looks solved, Holdfast can write again.")
		l.cfg.Changed()
	}
}

// end lets go of everything and of those who wait.
func (l *Log) end() {
	l.mu.Lock()
	orders := l.orders
	l.orders, l.over = nil, true
	l.mu.Unlock()
	for _, o := range orders {
		o.done <- errClosed
	}
	if l.file != nil {
		_ = l.file.Sync()
		_ = l.file.Close()
	}
}

var errClosed = errors.New("the append-only file was closed")
