package repl

import (
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of a backlog chunk, bytes. Redis uses a sixteenth of the backlog and
// at least 16 KiB (feedReplicationBuffer), so that trimming by whole chunks
// keeps the window near its size.
const (
	minChunk = 16 << 10
	maxChunk = 1 << 20
)

// Limits says how far a reader may fall behind before it is dropped: Redis's
// client-output-buffer-limit of the class replica. A limit of 0 is none; one
// below the backlog's size counts as that size, because those bytes are kept
// anyway.
type Limits struct {
	Hard    uint64        // bytes
	Soft    uint64        // bytes, tolerated for SoftFor
	SoftFor time.Duration // 0: the soft limit is off
}

// Backlog is the replication stream's recent past: a list of chunks addressed
// by position. One writer appends, under the engine lock; any number of
// Readers read what was published without a lock.
//
// The window always holds the last size bytes. A chunk that a reader has not
// passed yet stays as well, and so does all behind it: a slow replica costs
// memory up to Limits, whoever else reads, and never a copy of its own. This is
// what Redis 7 does with its shared replication buffer.
type Backlog struct {
	// The writer's own.
	tail    *chunk
	fill    int    // bytes of tail in use, published or not
	written uint64 // position behind them

	end     atomic.Uint64 // published: what readers may see
	memory  atomic.Int64  // bytes of all chunks
	waiting atomic.Int32  // readers asleep in Wait

	mu      sync.Mutex // guards all below; taken by the writer once per chunk
	first   *chunk
	size    uint64
	chunk   int      // bytes of the next new chunk
	spare   []*chunk // trimmed chunks for the next ones
	limits  Limits
	readers []*Reader
}

// chunk is never written below a published position; start and buf change
// only while no reader can reach it.
type chunk struct {
	start uint64 // position of buf[0]
	buf   []byte
	next  atomic.Pointer[chunk]
	held  atomic.Int32 // readers that stand in this chunk
	unit  edge         // the first in it; the writer's own
}

// NewBacklog returns an empty backlog of size bytes at position pos.
func NewBacklog(size, pos uint64) *Backlog {
	b := &Backlog{}
	b.Resize(size)
	b.Reset(pos)
	return b
}

// Reset forgets all and goes on at position pos; every reader is dropped.
func (b *Backlog) Reset(pos uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.readers {
		r.drop(errHistoryReplaced)
	}
	b.first = b.newChunk(pos)
	b.tail, b.fill, b.written = b.first, 0, pos
	b.end.Store(pos)
	b.measure()
}

// Memory is the bytes that the chunks take, more than Size while readers are
// behind.
func (b *Backlog) Memory() int64 { return b.memory.Load() }

// measure is called, under the mutex, whenever chunks have come or gone.
func (b *Backlog) measure() {
	bytes := int64(b.tail.start) + int64(len(b.tail.buf)) - int64(b.first.start)
	for _, c := range b.spare {
		bytes += int64(len(c.buf))
	}
	b.memory.Store(bytes)
}

// Resize sets the window to size bytes. Chunks are given back as the stream
// moves on.
func (b *Backlog) Resize(size uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.size = size
	b.chunk = int(min(max(size/16, minChunk), maxChunk))
	b.spare = nil
	if b.tail != nil {
		b.measure()
	}
}

// SetLimits bounds how far readers may fall behind from now on.
func (b *Backlog) SetLimits(l Limits) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limits = l
}

// Append adds p without publishing it. Only the writer calls it.
func (b *Backlog) Append(p []byte) {
	for {
		n := copy(b.tail.buf[b.fill:], p)
		b.fill += n
		b.written += uint64(n)
		if p = p[n:]; len(p) == 0 {
			return
		}
		b.grow()
	}
}

// AppendString is Append for a string.
func (b *Backlog) AppendString(s string) {
	for {
		n := copy(b.tail.buf[b.fill:], s)
		b.fill += n
		b.written += uint64(n)
		if s = s[n:]; len(s) == 0 {
			return
		}
		b.grow()
	}
}

// reserve returns the free rest of the tail chunk when it has at least n
// bytes, else nil: for building a frame in place. The writer tells by commit
// how much of it was used.
func (b *Backlog) reserve(n int) []byte {
	if len(b.tail.buf)-b.fill < n {
		return nil
	}
	return b.tail.buf[b.fill:b.fill:len(b.tail.buf)]
}

func (b *Backlog) commit(n int) {
	b.fill += n
	b.written += uint64(n)
}

// Written is the position behind everything appended. Only the writer calls it.
func (b *Backlog) Written() uint64 { return b.written }

// Publish lets readers see everything appended so far. It costs one atomic
// store; sleeping readers notice at the next Wake.
func (b *Backlog) Publish() { b.end.Store(b.written) }

// Wake wakes the readers that wait for what has been published. It is safe
// anywhere and costs one atomic load while nobody waits.
func (b *Backlog) Wake() {
	if b.waiting.Load() == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.readers {
		if end := b.end.Load(); end > r.pos.Load() {
			r.nudge()
		}
	}
}

// End is the published position.
func (b *Backlog) End() uint64 { return b.end.Load() }

// Window returns the positions between which a reader can start.
func (b *Backlog) Window() (first, end uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.first.start, b.end.Load()
}

// Size is the configured size of the window in bytes.
func (b *Backlog) Size() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size
}

// grow adds a chunk behind the full tail.
func (b *Backlog) grow() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.enforce()
	b.trim(b.written)
	c := b.newChunk(b.written)
	b.tail.next.Store(c)
	b.tail, b.fill = c, 0
	b.measure()
}

// trim gives up the oldest chunks as long as the window up to end stays full and
// no reader stands in them. A reader can only enter the first chunk through
// Reader, which holds the same mutex, or from a chunk before it, and there is
// none; so held == 0 stays true.
func (b *Backlog) trim(end uint64) {
	for b.first != b.tail && b.first.held.Load() == 0 {
		next := b.first.next.Load()
		if end-next.start < b.size {
			return
		}
		if len(b.spare) < 2 && len(b.first.buf) == b.chunk {
			b.spare = append(b.spare, b.first)
		}
		b.first = next
	}
}

func (b *Backlog) newChunk(start uint64) *chunk {
	if n := len(b.spare); n > 0 {
		c := b.spare[n-1]
		b.spare = b.spare[:n-1]
		c.start, c.unit = start, edge{}
		c.next.Store(nil)
		return c
	}
	return &chunk{start: start, buf: make([]byte, b.chunk)}
}

// enforce drops readers beyond the limits. The clock is read only while a
// reader is beyond the soft one.
func (b *Backlog) enforce() {
	hard, soft := b.limits.Hard, b.limits.Soft
	if hard > 0 {
		hard = max(hard, b.size)
	}
	if soft > 0 {
		soft = max(soft, b.size)
	}
	for _, r := range b.readers {
		lag := b.written - r.pos.Load()
		switch {
		case r.patient:
		case hard > 0 && lag > hard:
			r.drop(errOutputLimit)
		case soft == 0 || b.limits.SoftFor == 0 || lag <= soft:
			r.softSince = time.Time{}
		case r.softSince.IsZero():
			r.softSince = time.Now()
		case time.Since(r.softSince) > b.limits.SoftFor:
			r.drop(errOutputLimit)
		}
	}
}
