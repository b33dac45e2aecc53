package store

import (
	"errors"

	"holdfast/backend/internal/types"
)

// Errors of the store, in Redis's words.
var (
	ErrWrongType = errors.New("WRONGTYPE Operation against a key holding the wrong kind of value")
	ErrDamaged   = errors.New("ERR The value of this key came damaged and cannot be used. It can be dumped, copied, renamed, overwritten and deleted")
	ErrNoSpace   = errors.New("OOM command not allowed when used memory > 'maxmemory'.")
	ErrNoKey     = errors.New("ERR no such key")
	ErrWalking   = errors.New("store: a snapshot walk is under way")
)

// Expiry says what becomes of a key whose time has come when it is looked up.
type Expiry uint8

const (
	// ExpiryDelete deletes and reports it: a master.
	ExpiryDelete Expiry = iota
	// ExpiryHide treats it as absent and leaves it to the master's DEL: a replica.
	ExpiryHide
	// ExpiryIgnore treats it as alive: the master's stream and the AOF, whose
	// commands were decided when it was.
	ExpiryIgnore
)

// Hooks are how the gate learns what happens. They are called while the key's
// bytes are valid, copy what they keep, and do not call the store. A nil one
// is skipped.
type Hooks struct {
	// Changed: the key was written or deleted. For WATCH, blocked clients,
	// tracking. It comes with every mutation, also with one by expiry.
	Changed func(db int, key []byte)
	// Added: the key is about to exist, which it did not. Nil while nobody wants
	// to know.
	Added func(db int, key []byte)
	// Missed: the key was to be read and is not there. Nil likewise.
	Missed func(db int, key []byte)
	// Expired: the key's time has come and it is deleted. To be propagated as
	// a DEL, in this place of the stream.
	Expired func(db int, key []byte)
	// Evicted: the key is deleted to make room. To be propagated likewise.
	Evicted func(db int, key []byte)
	// Flushed: the database, or all when db is negative, was flushed; it may have
	// been empty.
	Flushed func(db int)
	// Swapped: the database holds what another did.
	Swapped func(db int)
}

// Stats are counters since New or ResetStats.
type Stats struct {
	Hits    int64 // keyspace_hits
	Misses  int64 // keyspace_misses
	Expired int64 // expired_keys
	Evicted int64 // evicted_keys

	LazyFreed int64 // lazyfreed_objects
}

// Store is N databases in one arena.
type Store struct {
	Hooks Hooks
	Stats Stats

	dbs       []*DB
	heap      *heap
	now       int64
	untouched bool // lookups are no accesses
	expiry    Expiry
	evict     Eviction
	pool      evictionPool
	phase     uint32 // metaPhase or 0: what entries that need no visit carry
	walk      *Walk
	retired   []*heap // left behind by FLUSHALL, closed by Tidy
	sweep     int     // the database the active expire cycle goes on with
}

// DB is one database of a store. It stays the same object for the store's
// life; FLUSHDB and SWAPDB exchange what it holds.
type DB struct {
	s     *Store
	index int
	ks    *keyspace
}

// New makes an empty store of n databases. The error is the system's, when it
// refuses to reserve addresses.
func New(n int) (*Store, error) {
	h, err := newHeap(types.DefaultLimits())
	if err != nil {
		return nil, err
	}
	s := &Store{heap: h, dbs: make([]*DB, n), evict: DefaultEviction()}
	for i := range s.dbs {
		s.dbs[i] = &DB{s: s, index: i, ks: newKeyspace(h)}
	}
	return s, nil
}

// Close gives all memory back at once. Nothing that came from the store may be
// touched afterwards.
func (s *Store) Close() {
	s.closeRetired()
	if s.heap != nil {
		s.heap.close()
	}
	*s = Store{}
}

// Databases is how many there are.
func (s *Store) Databases() int { return len(s.dbs) }

// DB is database i, 0 <= i < Databases().
func (s *Store) DB(i int) *DB { return s.dbs[i] }

// Space is where collections are made that are then Put under a key. FLUSHALL
// replaces it: do not keep it across commands.
func (s *Store) Space() *types.Space { return s.heap.space }

// SetLimits changes up to which sizes collections keep compact encodings.
func (s *Store) SetLimits(l types.Limits) { s.heap.space.Limits = l }

// SetTableLimit sets past how many bytes of UsedMemory no hash table grows, as
// long as it works without; 0: none.
func (s *Store) SetTableLimit(bytes int64) { s.heap.arena.SetTableLimit(bytes) }

// SetNow sets the time, in Unix ms, by which keys expire until the next call.
// The gate does so once per unit, so that a transaction sees one moment.
func (s *Store) SetNow(ms int64) { s.now = ms }

// Now is what SetNow set.
func (s *Store) Now() int64 { return s.now }

// SetExpiry sets what becomes of keys whose time has come.
func (s *Store) SetExpiry(e Expiry) { s.expiry = e }

// Follows tells whether the data changes by a master's stream alone, so that no
// command of a client may touch it.
func (s *Store) Follows() bool { return s.expiry == ExpiryHide }

// ResetStats sets the counters to zero, for CONFIG RESETSTAT.
func (s *Store) ResetStats() { s.Stats = Stats{} }

// UsedMemory is the bytes of all keys and values with their tables, as handed
// out by the arena: what maxmemory is compared with.
func (s *Store) UsedMemory() int64 { return s.heap.arena.Allocated() }

// PendingMemory is the bytes that FLUSHALL has left behind and that Tidy still
// has to give back; UsedMemory does not count them.
func (s *Store) PendingMemory() (bytes int64) {
	for _, h := range s.retired {
		bytes += h.arena.Allocated()
	}
	return bytes
}

// PendingObjects is how many deleted values Tidy still has to free.
func (s *Store) PendingObjects() int {
	n := len(s.heap.garbage)
	for _, ks := range s.heap.detached {
		n += ks.keys
	}
	for _, h := range s.retired {
		n += h.keys
	}
	return n
}

// ActiveMemory is the bytes of whole pages that keys and values lie in.
func (s *Store) ActiveMemory() int64 { return s.heap.arena.Active() }

// MemoryClasses calls visit for every block size in use, for MEMORY
// MALLOC-STATS: the slabs of that size, the blocks in them, and those in use.
func (s *Store) MemoryClasses(visit func(size, slabs, blocks, used int)) { s.heap.arena.Classes(visit) }

// ResidentMemory is about how much of the machine's memory they occupy, free
// pages kept for reuse included.
func (s *Store) ResidentMemory() int64 { return s.heap.arena.Resident() }

// Expect makes the database ready for n keys, for a loader that knows how many
// will come. It does nothing once there are keys.
func (db *DB) Expect(n int) { db.ks.dict.Expand(n) }

// Tables is the state of the table of keys, for DEBUG HTSTATS.
func (db *DB) Tables() []types.TableStats { return db.ks.dict.Tables() }

// Overhead is the bytes that the tables of keys, and of keys that expire, take
// beside the entries themselves.
func (db *DB) Overhead() (keys, expires int) {
	return db.ks.dict.Overhead(), len(db.ks.ttl.pieces) * ttlPiece * 4
}

// Index is the database's number.
func (db *DB) Index() int { return db.index }

// Len is the number of keys, for DBSIZE. Like there, keys whose time has come
// count until they are deleted.
func (db *DB) Len() int { return db.ks.dict.Len() }

// Expires is the number of keys that have a time to live.
func (db *DB) Expires() int { return db.ks.ttl.n }

// AvgTTL is the running average time to live, in ms, for INFO keyspace.
func (db *DB) AvgTTL() int64 { return db.ks.avgTTL }

// changed reports a mutation of a key whose bytes are valid now.
func (db *DB) changed(key []byte) {
	if f := db.s.Hooks.Changed; f != nil {
		f(db.index, key)
	}
}
