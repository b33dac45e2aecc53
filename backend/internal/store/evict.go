package store

import (
	"math"
	"slices"

	"holdfast/backend/internal/types"
)

// Order is by what a key is chosen for eviction.
type Order uint8

// The orders of maxmemory-policy.
const (
	LRU    Order = iota // longest not accessed first
	LFU                 // least often accessed first
	TTL                 // soonest to expire first
	Random              // any
)

// Eviction says how Evict chooses, in the terms of Redis's settings.
type Eviction struct {
	Order     Order
	Volatile  bool // only keys that have an expiry
	Samples   int  // maxmemory-samples, at least 1
	LogFactor int  // lfu-log-factor: how slowly the counter saturates
	DecayTime int  // lfu-decay-time, minutes; 0: counters never fall
}

// DefaultEviction is what Redis does by default, when it evicts at all.
func DefaultEviction() Eviction {
	return Eviction{Order: LRU, Samples: 5, LogFactor: 10, DecayTime: 1}
}

// SetEviction says how Evict chooses from now on, and with that what the access
// clocks keep. Clocks of existing keys keep their bits and soon mean the right
// thing.
func (s *Store) SetEviction(e Eviction) {
	if e.Order != s.evict.Order || e.Volatile != s.evict.Volatile {
		s.pool.forget() // its scores are of another kind
	}
	s.evict = e
}

// Evict deletes one key, the best to go among those it has looked at, and
// reports it to Hooks.Evicted. ok is false when there is no key that may go.
func (s *Store) Evict() (ok bool) {
	db, e := s.victim()
	if e == 0 {
		return false
	}
	s.Stats.Evicted++
	if f := s.Hooks.Evicted; f != nil {
		f(db.index, db.ks.dict.Key(e))
	}
	db.remove(e)
	return true
}

// victim chooses as Redis does (evict.c): a handful of keys of every database
// is sampled, the best of all samples so far wait in the pool, and the best of
// those goes, if it is still there.
func (s *Store) victim() (*DB, types.Ref) {
	if s.evict.Order == Random {
		return s.anyVictim()
	}
	for {
		keys := 0
		for _, db := range s.dbs {
			keys += db.evictable()
			db.sample(s.evict.Samples)
		}
		if keys == 0 {
			return nil, 0
		}
		for {
			c, ok := s.pool.take()
			if !ok {
				break
			}
			db := s.dbs[c.db]
			if e := db.ks.dict.Peek(c.key); e != 0 && db.mayEvict(e) {
				return db, e
			}
		}
	}
}

// anyVictim takes the databases in turn.
func (s *Store) anyVictim() (*DB, types.Ref) {
	for range s.dbs {
		s.pool.turn++
		db := s.dbs[s.pool.turn%len(s.dbs)]
		switch {
		case db.evictable() == 0:
		case s.evict.Volatile:
			return db, db.ks.ttl.random()
		default:
			return db, db.ks.dict.Random()
		}
	}
	return nil, 0
}

// evictable is the number of keys that the policy lets go.
func (db *DB) evictable() int {
	if db.s.evict.Volatile {
		return db.ks.ttl.n
	}
	return db.ks.dict.Len()
}

func (db *DB) mayEvict(e types.Ref) bool {
	return !db.s.evict.Volatile || db.ks.dict.Meta(e)&metaTTL != 0
}

// sample shows n keys to the pool, fewer when there are fewer.
func (db *DB) sample(n int) {
	n = min(n, db.evictable())
	if !db.s.evict.Volatile {
		db.ks.dict.Sample(n, db.offer)
		return
	}
	for range n {
		db.offer(db.ks.ttl.random())
	}
}

func (db *DB) offer(e types.Ref) {
	db.s.pool.offer(db.index, db.ks.dict.Key(e), db.score(e))
}

// score is the higher the better an entry is to go.
func (db *DB) score(e types.Ref) uint64 {
	switch meta := db.ks.dict.Meta(e); db.s.evict.Order {
	case LFU:
		return lfuMax - uint64(db.s.decayed(meta))
	case TTL:
		return math.MaxUint64 - uint64(db.ks.expireOf(e))
	default:
		return uint64(db.s.idle(meta))
	}
}

// evictionPool holds the best keys to evict that were seen, the best last.
type evictionPool struct {
	best []candidate
	turn int // the database that a random victim came from last
}

type candidate struct {
	score uint64
	db    int
	key   []byte // a copy: the key may be gone meanwhile
}

const poolSize = 16

// offer takes a key in if it is better than the worst, or if there is room.
func (p *evictionPool) offer(db int, key []byte, score uint64) {
	at, _ := slices.BinarySearchFunc(p.best, score, func(c candidate, score uint64) int {
		if c.score < score {
			return -1
		}
		return 1
	})
	if at == 0 && len(p.best) == poolSize || p.has(db, key) {
		return
	}
	spare := candidate{}
	switch {
	case len(p.best) == poolSize: // the worst makes room and gives its memory
		spare = p.best[0]
		copy(p.best, p.best[1:at])
		at--
	case len(p.best) < cap(p.best):
		p.best = p.best[:len(p.best)+1]
		spare = p.best[len(p.best)-1]
		copy(p.best[at+1:], p.best[at:])
	default:
		p.best = slices.Insert(p.best, at, spare)
	}
	p.best[at] = candidate{score, db, append(spare.key[:0], key...)}
}

func (p *evictionPool) has(db int, key []byte) bool {
	return slices.ContainsFunc(p.best, func(c candidate) bool { return c.db == db && string(c.key) == string(key) })
}

// take removes and returns the best; its key is valid until the next offer.
func (p *evictionPool) take() (c candidate, ok bool) {
	if len(p.best) == 0 {
		return c, false
	}
	last := len(p.best) - 1
	c, p.best = p.best[last], p.best[:last]
	return c, true
}

func (p *evictionPool) forget() { p.best = p.best[:0] }
