package repl

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"
)

var (
	errOutputLimit     = errors.New("client-output-buffer-limit of replicas exceeded")
	errHistoryReplaced = errors.New("the replication history was replaced")
	errReaderClosed    = errors.New("reader closed")
)

// Reader reads a Backlog from a position on. It belongs to one goroutine.
type Reader struct {
	b    *Backlog
	at   *chunk
	pos  atomic.Uint64 // written by its goroutine; the writer looks at the lag
	wake chan struct{} // capacity 1
	idle atomic.Bool   // asleep, counted in b.waiting

	patient   bool      // Limits do not apply: its owner bounds how far it falls behind
	softSince time.Time // guarded by b.mu: since when it is beyond the soft limit
	onDrop    func(why error)
	gone      chan struct{}
	why       error // set before gone is closed
}

// Reader returns a reader at pos, or nil when pos is outside the window. The
// caller closes it. When the backlog drops it, the reader's goroutine may be
// blocked in a write; onDrop, which may be nil, must end that and must not
// block.
func (b *Backlog) Reader(pos uint64, onDrop func(why error)) *Reader {
	b.mu.Lock()
	defer b.mu.Unlock()
	if pos < b.first.start || pos > b.end.Load() {
		return nil
	}
	c := b.first
	for next := c.next.Load(); next != nil && next.start <= pos; next = c.next.Load() {
		c = next
	}
	if onDrop == nil {
		onDrop = func(error) {}
	}
	r := &Reader{b: b, at: c, onDrop: onDrop, wake: make(chan struct{}, 1), gone: make(chan struct{})}
	r.pos.Store(pos)
	c.held.Add(1)
	b.readers = append(b.readers, r)
	return r
}

// Next returns published bytes at the reader's position, as many as lie
// together; empty when there are none yet. They stay valid until Advance
// passes them.
func (r *Reader) Next() []byte {
	end, pos := r.b.end.Load(), r.pos.Load()
	if pos >= end || r.dropped() {
		return nil
	}
	for pos >= r.at.start+uint64(len(r.at.buf)) {
		next := r.at.next.Load()
		next.held.Add(1) // before the old one is let go, or trim may take both
		r.at.held.Add(-1)
		r.at = next
	}
	from := pos - r.at.start
	to := min(uint64(len(r.at.buf)), end-r.at.start)
	return r.at.buf[from:to]
}

// Ahead appends all bytes from the reader's position to upTo, which must be
// published, to pieces, and returns how many they are: 0 when the reader was
// dropped. They stay valid until Advance passes them.
func (r *Reader) Ahead(pieces [][]byte, upTo uint64) ([][]byte, int) {
	first := r.Next()
	if first == nil {
		return pieces, 0
	}
	pos := r.pos.Load()
	for at, from := r.at, pos; from < upTo; at = at.next.Load() {
		end := min(upTo, at.start+uint64(len(at.buf)))
		pieces = append(pieces, at.buf[from-at.start:end-at.start])
		from = end
	}
	return pieces, int(upTo - pos)
}

// Published is the position up to which there are bytes to read; of a reader
// that was dropped its own.
func (r *Reader) Published() uint64 {
	end := r.b.end.Load() // before the look at dropped: after a Reset it is another history's
	if r.dropped() {
		return r.pos.Load()
	}
	return end
}

// Patient exempts the reader from Limits. The caller sees to it that it does
// not fall behind without bound.
func (r *Reader) Patient() *Reader {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	r.patient = true
	return r
}

// Interrupt lets a Wait under way, or the next one, return although there is
// nothing to read.
func (r *Reader) Interrupt() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Advance says that the first n bytes that Next or Ahead returned are done with.
func (r *Reader) Advance(n int) { r.pos.Store(r.pos.Load() + uint64(n)) }

// Pos is the reader's position.
func (r *Reader) Pos() uint64 { return r.pos.Load() }

// Wait sleeps until there are bytes to read. It returns why the reader was
// dropped, or ctx's error.
func (r *Reader) Wait(ctx context.Context) error {
	r.idle.Store(true)
	r.b.waiting.Add(1)
	// Announced first and looked at second, while the writer publishes first
	// and looks for sleepers second: one of the two sees the other.
	if r.b.end.Load() == r.pos.Load() && !r.dropped() {
		select {
		case <-r.wake:
		case <-r.gone:
		case <-ctx.Done():
		}
	}
	if r.idle.CompareAndSwap(true, false) {
		r.b.waiting.Add(-1)
	}
	if r.dropped() {
		return r.why
	}
	return ctx.Err()
}

// Err tells why the reader was dropped, nil while it was not.
func (r *Reader) Err() error {
	if r.dropped() {
		return r.why
	}
	return nil
}

// Close gives up the reader's hold on the backlog.
func (r *Reader) Close() {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	i := slices.Index(r.b.readers, r)
	if i < 0 {
		return
	}
	r.b.readers = slices.Delete(r.b.readers, i, i+1)
	r.at.held.Add(-1)
	r.onDrop = func(error) {}
	r.drop(errReaderClosed)
	r.b.trim(r.b.end.Load())
	r.b.spare = nil // what was kept for the slowest is given back to the last chunk
	r.b.measure()
}

// nudge and drop run under b.mu.

func (r *Reader) nudge() {
	if !r.idle.CompareAndSwap(true, false) {
		return
	}
	r.b.waiting.Add(-1)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *Reader) drop(why error) {
	if !r.dropped() {
		r.why = why
		close(r.gone)
		r.onDrop(why)
	}
}

func (r *Reader) dropped() bool {
	select {
	case <-r.gone:
		return true
	default:
		return false
	}
}
