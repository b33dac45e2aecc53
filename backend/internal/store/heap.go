package store

import "holdfast/backend/internal/types"

// heap is the memory of a set of databases: an arena for all bytes, and a side
// table for the Go objects of large collections, which entries name by index.
// FLUSHALL starts a new one, and the old goes back to the system as a whole.
type heap struct {
	arena *types.Arena
	space *types.Space
	large []types.Large
	free  []uint32 // indexes of large that are not in use

	garbage  []types.Large // of deleted keys, freed bit by bit
	detached []*keyspace   // of flushed databases, likewise
	keys     int           // once FLUSHALL has left this heap behind: how many it held
}

func newHeap(limits types.Limits) (*heap, error) {
	a, err := types.NewArena()
	if err != nil {
		return nil, err
	}
	sp := types.NewSpace(a)
	sp.Limits = limits
	return &heap{arena: a, space: sp}, nil
}

func (h *heap) close() {
	h.arena.Close()
	*h = heap{}
}

// keep gives a large collection an index.
func (h *heap) keep(l types.Large) uint32 {
	if n := len(h.free); n > 0 {
		i := h.free[n-1]
		h.free = h.free[:n-1]
		h.large[i] = l
		return i
	}
	h.large = append(h.large, l)
	return uint32(len(h.large) - 1)
}

func (h *heap) drop(i uint32) {
	h.large[i] = nil
	h.free = append(h.free, i)
}

// discard frees a value that no key holds any more. What is large waits for
// Tidy: deleting a key of a million elements must not stop the world.
func (h *heap) discard(r types.Root) {
	const now = 64 // elements not worth queueing
	if pieces := h.space.Pieces(r); pieces != nil && pieces.Len() > now {
		h.garbage = append(h.garbage, pieces)
		return
	}
	h.space.Free(r)
}
