package aof

import (
	"math"
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
