package store

import (
	"math/rand/v2"

	"holdfast/backend/internal/types"
)

// The 24 bits of access clock are either the second of the last access (LRU) or
// the minute of the last decay and a logarithmic counter (LFU), as in Redis's
// evict.c.
const (
	lfuInit = 5 // a new key's counter, so that it is not evicted at once
	lfuMax  = 255
)

// LFU tells whether the access clock counts frequency (an LFU policy is set);
// otherwise it keeps the time.
func (s *Store) LFU() bool { return s.evict.Order == LFU }

func (s *Store) seconds() uint32 { return uint32(s.now/1000) & metaClock }
func (s *Store) minutes() uint32 { return uint32(s.now/60_000) & 0xffff }

// newClock is the access clock of a new key.
func (s *Store) newClock() uint32 {
	if s.LFU() {
		return s.minutes()<<8 | lfuInit
	}
	return s.seconds()
}

// SetTouch says whether lookups count as accesses, as they do at first: CLIENT
// NO-TOUCH.
func (s *Store) SetTouch(on bool) { s.untouched = !on }

// access moves an entry's clock.
func (db *DB) access(e types.Ref) {
	if db.s.untouched {
		return
	}
	meta := db.ks.dict.Meta(e)
	clock := db.s.seconds()
	if db.s.LFU() {
		clock = db.s.minutes()<<8 | uint32(lfuCount(db.s.decayed(meta), db.s.evict.LogFactor))
	}
	if meta&metaClock != clock {
		db.ks.dict.SetMeta(e, meta&^metaClock|clock)
	}
}

// decayed is the counter less one for each DecayTime without access.
func (s *Store) decayed(meta uint32) uint8 {
	if s.evict.DecayTime == 0 {
		return uint8(meta)
	}
	idle := (s.minutes() - meta>>8) & 0xffff
	return uint8(max(int(meta&0xff)-int(idle)/s.evict.DecayTime, 0))
}

// lfuCount counts an access: the higher the counter, the less likely.
func lfuCount(n uint8, logFactor int) uint8 {
	if n == lfuMax {
		return n
	}
	above := max(int(n)-lfuInit, 0)
	if rand.IntN(above*logFactor+1) == 0 {
		n++
	}
	return n
}

// Idle is how many seconds ago key was last accessed, for OBJECT IDLETIME. It
// means nothing while the clock counts frequency.
func (db *DB) Idle(key []byte) (seconds int64, ok bool) {
	e := db.find(key)
	if e == 0 {
		return 0, false
	}
	return int64(db.s.idle(db.ks.dict.Meta(e))), true
}

// Frequency is key's logarithmic access counter, for OBJECT FREQ. It means
// nothing while the clock keeps the time.
func (db *DB) Frequency(key []byte) (n int, ok bool) {
	e := db.find(key)
	if e == 0 {
		return 0, false
	}
	return int(db.s.decayed(db.ks.dict.Meta(e))), true
}

// idle is the seconds since the last access that a clock in LRU form tells.
func (s *Store) idle(meta uint32) uint32 { return (s.seconds() - meta) & metaClock }

// SetIdle sets key's last access so many seconds back: RESTORE IDLETIME.
func (db *DB) SetIdle(key []byte, seconds int64) {
	if e := db.find(key); e != 0 {
		db.ks.setMeta(e, metaClock, (db.s.seconds()-uint32(seconds))&metaClock)
	}
}

// SetFrequency sets key's access counter, 0 to 255: RESTORE FREQ.
func (db *DB) SetFrequency(key []byte, n int) {
	if e := db.find(key); e != 0 {
		db.ks.setMeta(e, metaClock, db.s.minutes()<<8|uint32(n&0xff))
	}
}
