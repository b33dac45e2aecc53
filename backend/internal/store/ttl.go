package store

import (
	"encoding/binary"
	"math/rand/v2"
	"unsafe"

	"holdfast/backend/internal/types"
)

// ttlIndex lists the entries that have an expiry, in no order, so that the
// active expire cycle finds them among millions that have none. Each entry's
// trailer holds its slot; a slot that becomes free is filled with the last one.
// The list lies in the arena in pieces, so that it grows without copying.
type ttlIndex struct {
	arena  *types.Arena
	pieces []types.Ref
	n      int // slots in use
	next   int // slot the expire cycle goes on with
}

const ttlPiece = 2048 // slots in a piece

func (x *ttlIndex) at(slot uint32) *types.Ref {
	b := x.arena.Bytes(x.pieces[slot/ttlPiece], ttlPiece*4)
	return (*types.Ref)(unsafe.Pointer(&b[slot%ttlPiece*4]))
}

func (x *ttlIndex) set(slot uint32, e types.Ref) { *x.at(slot) = e }

// add returns a slot for e; it fails when there is no space.
func (x *ttlIndex) add(e types.Ref) (slot uint32, ok bool) {
	if x.n == len(x.pieces)*ttlPiece {
		p := x.arena.Alloc(ttlPiece * 4)
		if p == 0 {
			return 0, false
		}
		x.pieces = append(x.pieces, p)
	}
	slot = uint32(x.n)
	x.n++
	x.set(slot, e)
	return slot, true
}

// remove frees a slot and returns the entry that has moved into it, if any.
func (x *ttlIndex) remove(slot uint32) types.Ref {
	x.n--
	last := uint32(x.n)
	e := *x.at(last)
	x.set(slot, e)
	if pieces := x.n/ttlPiece + 2; pieces < len(x.pieces) { // one stays in reserve
		x.arena.Free(x.pieces[pieces])
		x.pieces = x.pieces[:pieces]
	}
	if slot == last {
		return 0
	}
	return e
}

// random is any of the entries, each equally likely. There must be one.
func (x *ttlIndex) random() types.Ref { return *x.at(uint32(rand.IntN(x.n))) }

func (x *ttlIndex) clear() {
	for _, p := range x.pieces {
		x.arena.Free(p)
	}
	x.pieces, x.n, x.next = nil, 0, 0
}

// trailer reads the expiry and the slot of an entry that has them.
func (ks *keyspace) trailer(e types.Ref) (expire int64, slot uint32) {
	v := ks.dict.Value(e)
	t := v[len(v)-trailerSize:]
	return int64(binary.LittleEndian.Uint64(t)), binary.LittleEndian.Uint32(t[8:])
}

func (ks *keyspace) setTrailer(e types.Ref, expire int64, slot uint32) {
	v := ks.dict.Value(e)
	t := v[len(v)-trailerSize:]
	binary.LittleEndian.PutUint64(t, uint64(expire))
	binary.LittleEndian.PutUint32(t[8:], slot)
}

// expireOf is the entry's expiry in Unix ms, 0 when it has none.
func (ks *keyspace) expireOf(e types.Ref) int64 {
	if ks.dict.Meta(e)&metaTTL == 0 {
		return 0
	}
	expire, _ := ks.trailer(e)
	return expire
}

// setExpire gives the entry an expiry, or takes it away when expire is 0. It
// returns where the entry is now: 0, and nothing changed, without space.
func (ks *keyspace) setExpire(e types.Ref, expire int64) types.Ref {
	had := ks.dict.Meta(e)&metaTTL != 0
	switch {
	case expire == 0 && had:
		ks.leaveIndex(e)
		ks.setMeta(e, metaTTL, 0)
		return ks.dict.Resize(e, len(ks.dict.Value(e))-trailerSize)
	case expire == 0:
	case had:
		_, slot := ks.trailer(e)
		ks.setTrailer(e, expire, slot)
	default:
		slot, ok := ks.ttl.add(e)
		if !ok {
			return 0
		}
		moved := ks.dict.Resize(e, len(ks.dict.Value(e))+trailerSize)
		if moved == 0 {
			ks.ttl.remove(slot)
			return 0
		}
		e = moved
		ks.ttl.set(slot, e)
		ks.setMeta(e, 0, metaTTL)
		ks.setTrailer(e, expire, slot)
	}
	return e
}

// leaveIndex frees the entry's slot; its trailer means nothing from here on.
func (ks *keyspace) leaveIndex(e types.Ref) {
	_, slot := ks.trailer(e)
	if filler := ks.ttl.remove(slot); filler != 0 {
		expire, _ := ks.trailer(filler)
		ks.setTrailer(filler, expire, slot)
	}
}
