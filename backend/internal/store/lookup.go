package store

import "holdfast/backend/internal/types"

// find is the one way to a live entry: 0 when the key is absent or its time has
// come, in which case it is deleted here if this store is to do so.
func (db *DB) find(key []byte) types.Ref {
	e := db.ks.dict.Find(key)
	if e != 0 && db.ks.dict.Meta(e)&metaTTL != 0 && db.due(e) {
		return 0
	}
	return e
}

// due tells whether an entry with an expiry counts as gone, and deletes it on a
// master.
func (db *DB) due(e types.Ref) bool {
	if !db.past(e) {
		return false
	}
	if db.s.expiry == ExpiryDelete {
		db.expireNow(e)
	}
	return true
}

// past tells whether an entry with an expiry counts as gone.
func (db *DB) past(e types.Ref) bool {
	expire, _ := db.ks.trailer(e)
	return db.s.now > expire && db.s.expiry != ExpiryIgnore
}

func (db *DB) expireNow(e types.Ref) {
	db.s.Stats.Expired++
	if f := db.s.Hooks.Expired; f != nil {
		f(db.index, db.ks.dict.Key(e))
	}
	db.remove(e)
}

// read finds key for a command that reads its value: it counts a hit or a miss
// and moves the access clock.
func (db *DB) read(key []byte) types.Ref {
	e := db.peek(key)
	if e != 0 {
		db.access(e)
	}
	return e
}

// peek is read for commands that do not count as an access: TYPE, TTL, OBJECT.
func (db *DB) peek(key []byte) types.Ref {
	e := db.find(key)
	if e != 0 {
		db.s.Stats.Hits++
		return e
	}
	db.s.Stats.Misses++
	if f := db.s.Hooks.Missed; f != nil {
		f(db.index, key)
	}
	return 0
}

// write finds key for a command that may change it, and lets a snapshot have it
// as it is.
func (db *DB) write(key []byte) types.Ref {
	e := db.find(key)
	if e != 0 {
		db.preserve(e)
		db.access(e)
	}
	return e
}

// preserve is passed by every change of an entry before it happens.
func (db *DB) preserve(e types.Ref) {
	if (db.ks.dict.Meta(e)^db.s.phase)&metaPhase != 0 {
		db.s.walk.visit(db.ks, e)
	}
}

// remove deletes an entry and reports it.
func (db *DB) remove(e types.Ref) {
	db.preserve(e)
	db.changed(db.ks.dict.Key(e))
	db.ks.discardValue(e)
	db.ks.removeEntry(e)
}

// discardValue frees the collection an entry holds; a string lies in the entry.
func (ks *keyspace) discardValue(e types.Ref) {
	meta := ks.dict.Meta(e)
	if typeOf(meta) == String {
		return
	}
	ks.h.discard(ks.root(e))
	ks.forgetRoot(e)
}

// removeEntry takes the entry out of index and table and frees its block.
func (ks *keyspace) removeEntry(e types.Ref) {
	if ks.dict.Meta(e)&metaTTL != 0 {
		ks.leaveIndex(e)
	}
	ks.dict.Remove(e)
}

// worthExpecting is how many entries a table has at least that the processor's
// caches do not hold anyway.
const worthExpecting = 1 << 14

// Expecting says which keys the next commands name, so that their entries come
// into the processor's caches together and not one after the other. It is a hint:
// nothing depends on it. It tells whether that could be of use.
func (db *DB) Expecting(keys [][]byte) bool {
	return expecting(db.ks.dict, keys)
}

// ExpectingMembers is Expecting for fields of the hash, or members of the set, at
// key.
func (db *DB) ExpectingMembers(key []byte, members [][]byte) bool {
	e := db.ks.dict.Peek(key)
	if e == 0 || typeOf(db.ks.dict.Meta(e)) == String {
		return false
	}
	d, ok := db.ks.root(e).Large.(*types.Dict)
	return ok && expecting(d, members)
}

func expecting(d *types.Dict, keys [][]byte) bool {
	if len(keys) < 2 || d.Len() < worthExpecting {
		return false
	}
	for len(keys) > 0 {
		keys = keys[d.WarmKeys(keys):]
	}
	return true
}

// Value is what key holds, for commands that serve any type. ok is false when
// there is no such key.
func (db *DB) Value(key []byte) (v Value, ok bool) {
	e := db.read(key)
	if e == 0 {
		return Value{}, false
	}
	return db.ks.value(e), true
}

// Look is Value for commands that inspect: it is no access and counts nowhere.
func (db *DB) Look(key []byte) (v Value, ok bool) {
	e := db.find(key)
	if e == 0 {
		return Value{}, false
	}
	return db.ks.value(e), true
}

// Inspection is what DEBUG OBJECT tells of a key.
type Inspection struct {
	Value    Value
	Encoding types.Encoding
	Block    types.Ref // where the entry lies
	Expire   int64     // Unix ms, or NoExpire
	Clock    uint32    // the access clock's bits
	Idle     uint32    // seconds since the last access, while the clock keeps the time
}

// Inspect looks at a key from outside: it is no access and counts nowhere.
func (db *DB) Inspect(key []byte) (o Inspection, ok bool) {
	e := db.find(key)
	if e == 0 {
		return o, false
	}
	meta := db.ks.dict.Meta(e)
	o = Inspection{Value: db.ks.value(e), Block: e, Expire: db.ks.expireOf(e), Clock: meta & metaClock, Idle: db.s.idle(meta)}
	o.Encoding, _ = db.Encoding(key)
	return o, true
}

// EntrySizes are bytes that a key takes beside its name and value.
type EntrySizes struct {
	Entry, Bucket int // of every key: its header, its place in the table
	Expire        int // of one that expires, at most
	Root          int // of one that holds a collection
}

// Sizes returns them.
func Sizes() EntrySizes {
	return EntrySizes{Entry: types.EntryHeader, Bucket: 4, Expire: trailerSize + 4, Root: rootSize}
}

// Exists tells whether there is such a key.
func (db *DB) Exists(key []byte) bool { return db.read(key) != 0 }

// Has tells whether there is such a key and counts as nothing, for commands
// that ask before they write: SET NX, COPY.
func (db *DB) Has(key []byte) bool { return db.find(key) != 0 }

// Holds tells whether key holds a value of this type and counts as nothing.
func (db *DB) Holds(key []byte, t Type) bool {
	e := db.find(key)
	return e != 0 && db.ks.typeOf(e) == t
}

// Check tells whether key holds a value of this type, for a command that goes on to
// change it; see Old.
func (db *DB) Check(key []byte, t Type) (ok bool, err error) {
	e := db.find(key)
	if e != 0 && db.ks.typeOf(e) != t {
		return false, ErrWrongType
	}
	return e != 0, nil
}

// Type is the type of key's value, None when there is no such key.
func (db *DB) Type(key []byte) Type {
	e := db.peek(key)
	if e == 0 {
		return None
	}
	return db.ks.typeOf(e)
}

// Encoding is how key's value is kept, for OBJECT ENCODING.
func (db *DB) Encoding(key []byte) (enc types.Encoding, ok bool) {
	e := db.find(key)
	if e == 0 {
		return 0, false
	}
	v := db.ks.value(e)
	if v.Type == String {
		return stringEncoding(v.Bytes, db.ks.dict.Meta(e)&metaRaw != 0), true
	}
	return v.Root.Encoding, true
}
