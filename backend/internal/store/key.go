package store

import "holdfast/backend/internal/types"

// Delete deletes key and reports whether it was there. A large value is freed
// later, by Tidy, so DEL costs no more than UNLINK.
func (db *DB) Delete(key []byte) bool {
	e := db.find(key)
	if e != 0 {
		db.remove(e)
	}
	return e != 0
}

// Touch counts as an access and changes nothing, for TOUCH.
func (db *DB) Touch(key []byte) bool { return db.read(key) != 0 }

// Rename gives the value of from, with its expiry, the name to, whatever that
// held before. err is ErrNoKey or ErrNoSpace.
func (db *DB) Rename(from, to []byte) error {
	if string(from) == string(to) {
		if db.write(from) == 0 {
			return ErrNoKey
		}
		return nil
	}
	return db.Move(from, db, to)
}

// Move is Rename into another database of the same store, or the same one.
// from and to must differ, or the databases.
func (db *DB) Move(from []byte, dst *DB, to []byte) error {
	if db.find(from) == 0 {
		return ErrNoKey
	}
	dst.Delete(to)
	e := db.write(from)
	value := db.ks.payload(e)
	meta := db.ks.dict.Meta(e) &^ metaTTL
	moved := dst.insert(to, len(value), meta, db.ks.expireOf(e))
	if moved == 0 {
		return ErrNoSpace
	}
	copy(dst.ks.payload(moved), db.ks.payload(e))
	db.changed(from)
	db.ks.removeEntry(e) // what the payload names belongs to the new entry now
	dst.changed(to)
	return nil
}

// Copy gives to a copy of the value of from, with its expiry, whatever it held
// before. It is no access: who asked by Exists has made one. err is ErrNoKey or
// ErrNoSpace.
func (db *DB) Copy(from []byte, dst *DB, to []byte) error {
	e := db.find(from)
	if e == 0 {
		return ErrNoKey
	}
	expire := db.ks.expireOf(e)
	v := db.ks.value(e)
	if v.Type == String {
		return dst.copyString(v.Bytes, to, expire, db.ks.dict.Meta(e)&metaRaw)
	}
	return dst.Put(to, v.Type, v.clone(), expire)
}

// copyString is Set for bytes that lie in the store.
func (db *DB) copyString(value, to []byte, expire int64, raw uint32) error {
	db.Delete(to)
	e := db.insert(to, len(value), db.newMeta(String)|raw, expire)
	if e == 0 {
		return ErrNoSpace
	}
	copy(db.ks.payload(e), value)
	db.changed(to)
	return nil
}

// RandomKey is some key, nil when there is none, for RANDOMKEY.
func (db *DB) RandomKey() []byte {
	const tries = 100 // where nearly all keys are past, and may not be deleted
	for range tries {
		e := db.ks.dict.Random()
		if e == 0 {
			return nil
		}
		if db.ks.dict.Meta(e)&metaTTL == 0 || !db.due(e) {
			return db.ks.dict.Key(e)
		}
	}
	return nil
}

// Scan visits about count keys from cursor on and returns the next cursor, 0 at
// the end, with the guarantees of SCAN. visit changes nothing; the key it is
// given is valid during the call. Keys whose time has come go, where they may.
func (db *DB) Scan(cursor uint64, count int, visit func(key []byte, t Type)) uint64 {
	seen := 0
	var past []types.Ref
	each := func(e types.Ref) {
		seen++
		if db.alive(e) {
			visit(db.ks.dict.Key(e), db.ks.typeOf(e))
		} else if db.s.expiry == ExpiryDelete {
			past = append(past, e)
		}
	}
	// A table that was emptied has far more buckets than keys: Redis's bound.
	for range count * 10 {
		cursor = db.ks.dict.Scan(cursor, each)
		for _, e := range past {
			db.expireNow(e)
		}
		if past = past[:0]; cursor == 0 || seen >= count {
			break
		}
	}
	return cursor
}

// Each visits all keys until visit returns false. visit changes nothing.
func (db *DB) Each(visit func(key []byte, t Type) bool) {
	db.ks.dict.Each(func(e types.Ref) bool {
		return !db.alive(e) || visit(db.ks.dict.Key(e), db.ks.typeOf(e))
	})
}

// alive tells whether an entry's time has not come, and changes nothing.
func (db *DB) alive(e types.Ref) bool {
	return db.ks.dict.Meta(e)&metaTTL == 0 || !db.past(e)
}

// MemoryUsage is the bytes that key takes with its value, for MEMORY USAGE; of
// a large collection samples elements are measured, 0 for all.
func (db *DB) MemoryUsage(key []byte, samples int) (bytes int, ok bool) {
	e := db.find(key)
	if e == 0 {
		return 0, false
	}
	v := db.ks.value(e)
	const bucket = 4
	return db.ks.dict.Size(e) + bucket + v.memory(samples), true
}
