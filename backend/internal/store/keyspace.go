package store

import (
	"encoding/binary"

	"holdfast/backend/internal/types"
)

// An entry's meta word: 24 bits of access clock, then what the value is.
const (
	metaClock     = 1<<24 - 1
	metaTypeShift = 24
	metaType      = 7 << metaTypeShift
	metaPhase     = 1 << 27 // compared with Store.phase: see Walk
	metaTTL       = 1 << 28 // a trailer with the expiry follows the payload
	metaLarge     = 1 << 29 // the root is an index into heap.large
	metaRaw       = 1 << 30 // a string that was changed in place
)

const (
	rootSize    = 4 + 1 // Ref or index, encoding
	trailerSize = 8 + 4 // expiry in Unix ms, slot in the ttl index
)

// keyspace is the content of one database. An entry's value is its payload (the
// bytes of a string, or a collection's root), then the trailer if it has one.
type keyspace struct {
	h      *heap
	dict   *types.Dict
	ttl    ttlIndex
	avgTTL int64 // ms
	walkDB int   // the number under which a walk under way knows it

	cursor  uint64 // of clearStep
	emptied bool   // clearStep has freed all values
	keys    int    // how many there were when clearStep was left to do
}

func newKeyspace(h *heap) *keyspace {
	return &keyspace{h: h, dict: types.NewDict(h.arena), ttl: ttlIndex{arena: h.arena}}
}

func typeOf(meta uint32) Type { return Type(meta & metaType >> metaTypeShift) }

func (ks *keyspace) typeOf(e types.Ref) Type { return typeOf(ks.dict.Meta(e)) }

func (ks *keyspace) setMeta(e types.Ref, clear, set uint32) {
	ks.dict.SetMeta(e, ks.dict.Meta(e)&^clear|set)
}

func (ks *keyspace) payload(e types.Ref) []byte {
	v := ks.dict.Value(e)
	if ks.dict.Meta(e)&metaTTL != 0 {
		return v[:len(v)-trailerSize]
	}
	return v
}

// insert adds a key that is new to the database, and reports it. On a replica that
// may be written to, the key may hide an entry whose time has come: that one goes
// first, or the table would have both.
func (db *DB) insert(key []byte, n int, meta uint32, expire int64) types.Ref {
	if db.s.expiry == ExpiryHide {
		if hidden := db.ks.dict.Find(key); hidden != 0 {
			db.expireNow(hidden)
		}
	}
	if f := db.s.Hooks.Added; f != nil {
		f(db.index, key)
	}
	return db.ks.insert(key, n, meta, expire)
}

// insert adds a key that is new, with room for n bytes of payload and, when
// expire is not 0, an expiry. It returns 0 when there is no space.
func (ks *keyspace) insert(key []byte, n int, meta uint32, expire int64) types.Ref {
	if expire == 0 {
		e := ks.dict.Insert(key, n)
		if e != 0 {
			ks.dict.SetMeta(e, meta)
		}
		return e
	}
	e := ks.dict.Insert(key, n+trailerSize)
	if e == 0 {
		return 0
	}
	slot, ok := ks.ttl.add(e)
	if !ok {
		ks.dict.Remove(e)
		return 0
	}
	ks.dict.SetMeta(e, meta|metaTTL)
	ks.setTrailer(e, expire, slot)
	return e
}

// resize changes the payload's length to n bytes in a block with room for room
// of them, and returns where the entry is now: 0 when there is no space.
func (ks *keyspace) resize(e types.Ref, n, room int) types.Ref {
	if ks.dict.Meta(e)&metaTTL == 0 {
		return ks.dict.ResizeRoom(e, n, room)
	}
	expire, slot := ks.trailer(e)
	e = ks.dict.ResizeRoom(e, n+trailerSize, room+trailerSize)
	if e != 0 {
		ks.setTrailer(e, expire, slot)
		ks.ttl.set(slot, e)
	}
	return e
}

// value is what the entry holds.
func (ks *keyspace) value(e types.Ref) Value {
	meta := ks.dict.Meta(e)
	v := Value{Type: typeOf(meta), space: ks.h.space}
	if v.Type == String {
		v.Bytes = ks.payload(e)
	} else {
		v.Root = ks.root(e)
	}
	return v
}

// root is the root of the collection that the entry holds.
func (ks *keyspace) root(e types.Ref) types.Root {
	b := ks.dict.Value(e)
	at := binary.LittleEndian.Uint32(b)
	r := types.Root{Encoding: types.Encoding(b[4])}
	if ks.dict.Meta(e)&metaLarge != 0 {
		r.Large = ks.h.large[at]
	} else {
		r.Ref = types.Ref(at)
	}
	return r
}

// setRoot lets the entry hold r. The root it held before must be gone, or be r
// in an earlier state.
func (ks *keyspace) setRoot(e types.Ref, r types.Root) {
	b := ks.dict.Value(e)
	at := binary.LittleEndian.Uint32(b)
	wasLarge := ks.dict.Meta(e)&metaLarge != 0
	switch {
	case r.Large == nil && wasLarge:
		ks.h.drop(at)
		ks.setMeta(e, metaLarge, 0)
	case r.Large != nil && !wasLarge:
		at = ks.h.keep(r.Large)
		ks.setMeta(e, 0, metaLarge)
	case r.Large != nil:
		ks.h.large[at] = r.Large
	}
	if r.Large == nil {
		at = uint32(r.Ref)
	}
	binary.LittleEndian.PutUint32(b, at)
	b[4] = byte(r.Encoding)
}

// forgetRoot gives back the index of a large collection that is no longer held.
func (ks *keyspace) forgetRoot(e types.Ref) {
	if ks.dict.Meta(e)&metaLarge != 0 {
		ks.h.drop(binary.LittleEndian.Uint32(ks.dict.Value(e)))
		ks.setMeta(e, metaLarge, 0)
	}
}
