package store

import "holdfast/backend/internal/types"

// Sink receives one key of a snapshot. Everything it is given is valid during
// the call only, and it must not touch the store. An error aborts the walk.
type Sink func(db int, key []byte, v Value, expire int64) error

// Walk passes the whole store, as it was at the moment StartWalk was called, to
// a sink, while commands go on changing it. Each entry goes to the sink once:
// when the walk comes by, or before its first change, whichever is first.
//
// One bit of each entry tells whether it is still to be visited. It is compared
// with the store's phase, which StartWalk flips: from then on all entries count
// as unvisited and new ones, born with the new phase, as visited. So a walk has
// to come round, even when nobody wants its result any more, before the next
// can start.
//
// Tables are walked with the cursor of Dict.Scan, which survives rehashing. A
// table that FLUSHALL or SWAPDB takes from its database is walked all the same,
// under the number it had at the beginning.
type Walk struct {
	s      *Store
	sink   Sink // nil when aborted
	err    error
	left   []*keyspace // to be walked; the first is under way
	cursor uint64
	cost   int // of the entries visited in this step
	warm   int // buckets from cursor on that the caches have
}

// sweepCost is what an entry costs a step at least.
const sweepCost = 64

// StartWalk begins a walk. err is ErrWalking while another one, or the sweep
// after an aborted one, is not finished.
func (s *Store) StartWalk(sink Sink) (*Walk, error) {
	if s.walk != nil {
		return nil, ErrWalking
	}
	w := &Walk{s: s, sink: sink}
	for _, db := range s.dbs {
		if db.Len() > 0 {
			db.ks.walkDB = db.index
			w.left = append(w.left, db.ks)
		}
	}
	if len(w.left) > 0 {
		s.walk = w
		s.phase ^= metaPhase
	}
	return w, nil
}

// Walking tells whether StartWalk would return ErrWalking.
func (s *Store) Walking() bool { return s.walk != nil }

// Step goes on with the walk for about n bytes of data, and reports whether the
// walk is over. err is the sink's error, or nil. A single value is never
// divided.
func (w *Walk) Step(n int) (done bool, err error) {
	w.cost = 0
	for len(w.left) > 0 && w.cost < n {
		ks := w.left[0]
		if w.warm--; w.warm < 0 {
			w.warm = ks.dict.Warm(w.cursor) - 1
		}
		w.cursor = ks.dict.Scan(w.cursor, func(e types.Ref) {
			if (ks.dict.Meta(e)^w.s.phase)&metaPhase != 0 {
				w.visit(ks, e)
			}
		})
		w.cost += sweepCost / 8 // an empty bucket costs, too
		if w.cursor == 0 {
			w.left, w.warm = w.left[1:], 0
		}
	}
	if len(w.left) > 0 {
		return w.err != nil, w.err
	}
	if w.s.walk == w {
		w.s.walk = nil
	}
	return true, w.err
}

// Abort ends the walk for its sink; Tidy finishes it for the store. err is what
// Step returns from now on.
func (w *Walk) Abort(err error) { w.sink, w.err = nil, err }

func (w *Walk) aborted() bool { return w.sink == nil }

// visit hands an entry that was not visited to the sink.
func (w *Walk) visit(ks *keyspace, e types.Ref) {
	ks.dict.SetMeta(e, ks.dict.Meta(e)^metaPhase)
	w.cost += sweepCost
	if w.sink == nil {
		return
	}
	v := ks.value(e)
	w.cost += v.Len() * v.unitCost()
	if err := w.sink(ks.walkDB, ks.dict.Key(e), v, ks.expireOf(e)); err != nil {
		w.Abort(err)
	}
}
