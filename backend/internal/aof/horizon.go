package aof

import (
	"math"
	"sync"
	"sync/atomic"
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

// Horizon is how far the stream is on disk. It outlives the Logs that move it,
// of which only the one that was started last may: what another one has on disk
// by its last sync may be positions of a former history.
type Horizon struct {
	synced atomic.Uint64
	gate   atomic.Uint64

	mu    sync.Mutex // held while the others change
	owner atomic.Pointer[Log]
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

// CatchUp has the stream, as far as it is published, written to the file before
// it returns, for the sake of replies that are about to leave: they outlive the
// process then. It waits for no sync: while one runs, or a rewrite begins, replies
// leave before what they tell of is written, and nothing is done with the policy
// Always, by which replies wait for Gate.
func (h *Horizon) CatchUp() {
	if l := h.owner.Load(); l != nil {
		l.catchUp()
	}
}

// Release lets everything pass and forgets what is on disk, when no Log counts
// any more.
func (h *Horizon) Release() { h.pass(nil) }

// pass makes l the one that moves the horizon, from the beginning.
func (h *Horizon) pass(l *Log) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.owner.Store(l)
	h.synced.Store(0)
	h.gate.Store(math.MaxUint64)
}

// move lets l move the horizon and tells whether it did.
func (h *Horizon) move(l *Log, f func()) (moved bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.owner.Load() != l {
		return false
	}
	synced, gate := h.synced.Load(), h.gate.Load()
	f()
	return h.synced.Load() != synced || h.gate.Load() != gate
}
