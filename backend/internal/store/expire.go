package store

import "holdfast/backend/internal/types"

// ExpireOf is key's expiry in Unix ms, NoExpire when it has none. ok is false
// when there is no such key.
func (db *DB) ExpireOf(key []byte) (ms int64, ok bool) {
	return db.expireAt(db.peek(key))
}

// OldExpire is ExpireOf for a command that goes on to change it; see Old.
func (db *DB) OldExpire(key []byte) (ms int64, ok bool) {
	return db.expireAt(db.find(key))
}

func (db *DB) expireAt(e types.Ref) (ms int64, ok bool) {
	if e == 0 {
		return 0, false
	}
	return db.ks.expireOf(e), true
}

// SetExpire gives key an expiry in Unix ms, or takes it away when ms is
// NoExpire, and reports whether there is such a key. A time in the past is for
// the caller to turn into a Delete, as Redis does.
func (db *DB) SetExpire(key []byte, ms int64) (ok bool, err error) {
	e := db.write(key)
	if e == 0 {
		return false, nil
	}
	if db.ks.setExpire(e, ms) == 0 {
		return true, ErrNoSpace
	}
	db.changed(key)
	return true, nil
}

// Persist takes key's expiry away and reports whether it had one.
func (db *DB) Persist(key []byte) bool {
	e := db.write(key)
	if e == 0 || db.ks.dict.Meta(e)&metaTTL == 0 {
		return false
	}
	db.ks.setExpire(e, NoExpire)
	db.changed(key)
	return true
}
