package store

import "holdfast/backend/internal/types"

// What Set does with the key's expiry. Any other value is the expiry, in Unix
// ms.
const (
	NoExpire   int64 = 0  // the key lives for ever
	KeepExpire int64 = -1 // an existing key keeps its own
)

// Get is the string that key holds. ok is false when there is no such key; err
// is ErrWrongType when it holds something else. The bytes are valid until the
// next change of the store.
func (db *DB) Get(key []byte) (value []byte, ok bool, err error) {
	return db.stringOf(db.read(key))
}

// Old is Get for a command that goes on to change the string, as Redis's
// lookupKeyWrite: it is neither hit nor miss, and the change is the access.
func (db *DB) Old(key []byte) (value []byte, ok bool, err error) {
	return db.stringOf(db.find(key))
}

func (db *DB) stringOf(e types.Ref) (value []byte, ok bool, err error) {
	if e == 0 {
		return nil, false, nil
	}
	if db.ks.typeOf(e) != String {
		return nil, false, db.ks.mismatch(e)
	}
	return db.ks.payload(e), true, nil
}

// Set lets key hold a string, whatever it held before. expire is NoExpire,
// KeepExpire or a time in Unix ms. The value must not be one that the store
// handed out. err is ErrNoSpace, and then nothing changed.
func (db *DB) Set(key, value []byte, expire int64) error {
	e := db.write(key)
	if e == 0 {
		return db.add(key, value, expire)
	}
	ks := db.ks
	if ks.typeOf(e) == String {
		if e = ks.resize(e, len(value), len(value)); e == 0 {
			return ErrNoSpace
		}
	} else if e = db.toString(e, len(value)); e == 0 {
		return ErrNoSpace
	}
	copy(ks.payload(e), value)
	ks.setMeta(e, metaRaw, 0)
	if expire != KeepExpire && (expire != NoExpire || ks.dict.Meta(e)&metaTTL != 0) {
		if ks.setExpire(e, expire) == 0 {
			return ErrNoSpace
		}
	}
	db.changed(key)
	return nil
}

// add sets a key that does not exist.
func (db *DB) add(key, value []byte, expire int64) error {
	e := db.insert(key, len(value), db.newMeta(String), max(expire, 0))
	if e == 0 {
		return ErrNoSpace
	}
	copy(db.ks.payload(e), value)
	db.changed(key)
	return nil
}

// newMeta is the meta word of a new entry: a snapshot under way need not see it.
func (db *DB) newMeta(t Type) uint32 {
	return db.s.newClock() | uint32(t)<<metaTypeShift | db.s.phase
}

// toString turns an entry that holds a collection into one that holds a string
// of n bytes, yet to be written.
func (db *DB) toString(e types.Ref, n int) types.Ref {
	ks := db.ks
	root := ks.root(e)
	moved := ks.resize(e, max(n, rootSize), n) // the root stays until it is freed
	if moved == 0 {
		return 0
	}
	ks.h.discard(root)
	ks.forgetRoot(moved)
	ks.setMeta(moved, metaType, uint32(String)<<metaTypeShift)
	return ks.resize(moved, n, n)
}

// Grow makes the string that key holds at least n bytes long, adding zeroes,
// and creates the key if need be. The bytes returned are the string itself and
// may be changed until the next call. What grows gets room to grow further.
func (db *DB) Grow(key []byte, n int) ([]byte, error) {
	e := db.write(key)
	if e != 0 && db.ks.typeOf(e) != String {
		return nil, db.ks.mismatch(e)
	}
	old := 0
	if e == 0 {
		e = db.insert(key, n, db.newMeta(String), 0)
	} else if old = len(db.ks.payload(e)); old < n {
		e = db.ks.resize(e, n, roomFor(n))
	}
	if e == 0 {
		return nil, ErrNoSpace
	}
	value := db.ks.payload(e)
	if old < n {
		clear(value[old:])
	}
	db.ks.setMeta(e, 0, metaRaw)
	db.changed(key)
	return value, nil
}

// roomFor is the block to take for a string that has grown to n bytes: twice as
// much, and no more than 1 MiB extra, as Redis's sds does.
func roomFor(n int) int { return n + min(n, 1<<20) }

// Append adds value to the string that key holds, creating it if need be, and
// returns its length.
func (db *DB) Append(key, value []byte) (int, error) {
	e := db.write(key)
	if e == 0 {
		return len(value), db.add(key, value, NoExpire)
	}
	if db.ks.typeOf(e) != String {
		return 0, db.ks.mismatch(e)
	}
	old := len(db.ks.payload(e))
	n := old + len(value)
	if e = db.ks.resize(e, n, roomFor(n)); e == 0 {
		return 0, ErrNoSpace
	}
	copy(db.ks.payload(e)[old:], value)
	db.ks.setMeta(e, 0, metaRaw)
	db.changed(key)
	return n, nil
}

// SetRange writes value into the string that key holds from offset on, with
// zeroes where there was nothing, and returns its length.
func (db *DB) SetRange(key []byte, offset int, value []byte) (int, error) {
	b, err := db.Grow(key, offset+len(value))
	if err != nil {
		return 0, err
	}
	copy(b[offset:], value)
	return len(b), nil
}
