package store

import (
	"math"

	"holdfast/backend/internal/types"
)

// Flush empties the database. What it held is freed by Tidy if it is much.
func (db *DB) Flush() {
	if db.Len() > 0 {
		db.s.flush(db)
	}
	db.s.flushed(db.index)
}

// FlushAll empties all databases. Their memory goes back to the system as a
// whole, in Tidy if it is much.
func (s *Store) FlushAll() {
	s.flush(s.dbs...)
	s.flushed(-1)
}

func (s *Store) flushed(db int) {
	if f := s.Hooks.Flushed; f != nil {
		f(db)
	}
}

// flush gives the databases new keyspaces. If nothing else is in the store they
// get a new heap too, and the old one need not be taken apart.
func (s *Store) flush(dbs ...*DB) {
	emptied, keys := 0, 0
	for _, db := range s.dbs {
		keys += db.Len()
	}
	for _, db := range dbs {
		emptied += db.Len()
	}
	if emptied == 0 {
		return
	}
	if s.walk == nil && len(s.retired) > maxRetired {
		s.closeRetired()
	}
	old := s.heap
	if emptied == keys {
		// Without addresses for a second heap, everything stays in this one.
		if h, err := newHeap(old.space.Limits); err == nil {
			s.heap, old.keys = h, keys
			h.arena.SetTableLimit(old.arena.TableLimit())
			s.retired = append(s.retired, old)
			dbs = s.dbs
		}
	}
	for _, db := range dbs {
		if s.heap == old {
			db.ks.keys = db.Len()
			old.detached = append(old.detached, db.ks)
		}
		db.ks = newKeyspace(s.heap)
	}
	s.Reclaim(flushNow)
}

// flushNow elements, or 8 MiB of a whole heap, are freed without waiting for
// Tidy, so that what is small is gone when FLUSHALL has answered.
const flushNow = 4096

// maxRetired heaps may wait for Tidy: each keeps 64 GiB of addresses from use.
const maxRetired = 16

// SwapDB exchanges what two databases hold.
func (s *Store) SwapDB(a, b int) {
	if a == b {
		return
	}
	s.dbs[a].ks, s.dbs[b].ks = s.dbs[b].ks, s.dbs[a].ks
	if f := s.Hooks.Swapped; f != nil {
		f(a)
		f(b)
	}
}

// Tidy does what commands leave for later: it frees the values of deleted keys
// and flushed databases, and sweeps up after an aborted walk; about n elements
// of it. more is true when there is more to do. The
// engine calls it from its timer, and at once after a FLUSHALL if it likes.
func (s *Store) Tidy(n int) (more bool) {
	if s.walk != nil && s.walk.aborted() {
		s.walk.Step(n * sweepCost)
	}
	more = s.Reclaim(n)
	return more || s.walk != nil && s.walk.aborted()
}

// Rehash moves the tables of all databases that grow or shrink along by n
// buckets each. more is true when one of them is not done.
func (s *Store) Rehash(n int) (more bool) {
	for _, db := range s.dbs {
		more = db.ks.dict.Rehash(n) || more
	}
	return more
}

// Reclaim is the part of Tidy that frees memory.
func (s *Store) Reclaim(n int) (more bool) {
	if s.walk == nil {
		s.closeStep(n * retiredBytes)
		s.Stats.LazyFreed += s.heap.clearDetached(n)
	}
	s.Stats.LazyFreed += s.heap.clearGarbage(n)
	return s.heap.arena.FreeStep(n*retiredBytes) || len(s.heap.garbage) > 0 || len(s.heap.detached)+len(s.retired) > 0 && s.walk == nil
}

// retiredBytes of a heap as a whole are given back in the time that freeing one
// element takes: about 0.1 µs.
const retiredBytes = 2 << 10

// Purge returns the memory that is kept for reuse to the system, for MEMORY
// PURGE, and reports how many bytes that was.
func (s *Store) Purge() int { return s.heap.arena.Trim(math.MaxInt) }

func (s *Store) closeStep(bytes int) {
	if last := len(s.retired) - 1; last >= 0 && s.retired[last].arena.CloseStep(bytes) {
		s.Stats.LazyFreed += int64(s.retired[last].keys)
		s.retired[last] = nil
		s.retired = s.retired[:last]
	}
}

func (s *Store) closeRetired() {
	for _, h := range s.retired {
		s.Stats.LazyFreed += int64(h.keys)
		h.close()
	}
	s.retired = s.retired[:0]
}

func (h *heap) clearGarbage(n int) (freed int64) {
	for ; n > 0 && len(h.garbage) > 0; n-- {
		last := len(h.garbage) - 1
		size := h.garbage[last].Len()
		if h.garbage[last].ClearStep(n) {
			h.garbage[last] = nil
			h.garbage = h.garbage[:last]
			freed++
		}
		n -= size
	}
	return freed
}

func (h *heap) clearDetached(n int) (freed int64) {
	for len(h.detached) > 0 && n > 0 {
		last := len(h.detached) - 1
		keys := h.detached[last].keys
		if !h.detached[last].clearStep(&n) {
			return freed
		}
		freed += int64(keys)
		h.detached[last] = nil
		h.detached = h.detached[:last]
	}
	return freed
}

// clearStep frees a keyspace that no database has any more: first what its
// entries hold, then, when the scan has come round, the entries.
func (ks *keyspace) clearStep(n *int) (done bool) {
	for !ks.emptied {
		ks.cursor = ks.dict.Scan(ks.cursor, func(e types.Ref) {
			ks.discardValue(e)
			*n--
		})
		*n--
		ks.emptied = ks.cursor == 0
		if *n <= 0 {
			return false
		}
	}
	if !ks.dict.ClearStep(*n) {
		*n = 0
		return false
	}
	ks.ttl.clear()
	return true
}
