package types

import (
	"hash/maphash"
	"math"
	"unsafe"
)

// Dict is a chained hash table of byte strings that lies in an Arena as a
// whole: the collector sees one small struct, however many entries there are.
// It is the keyspace, and every hash, set and sorted set too big for a compact
// encoding. Like Redis's dict it grows and shrinks by moving one bucket with
// each operation, so no single command pays for it.
//
// An entry is a block: a header of 16 bytes, the key, the value. Its Ref stays
// the same until the entry is deleted or its value outgrows the block; only
// SetValue, Resize and Put change a value's length.
//
// Byte slices from a Dict are valid until its next change.
type Dict struct {
	a      *Arena
	tables [2]table // the second is empty unless a rehash is under way
	moved  int      // buckets below it have left tables[0]; -1: no rehash
	paused int      // Pause calls without their Resume
	warmth byte     // of what Warm has read: without a use for it nothing would be read
}

// table lies in the arena; its slice header points outside the heap.
type table struct {
	ref     Ref
	buckets []Ref // a power of two, or none
	used    int
}

// entry is the header of an entry's block.
type entry struct {
	next Ref
	meta uint32
	klen uint32
	vlen uint32
}

// EntryHeader is the bytes of an entry beside its key and value.
const EntryHeader = int(unsafe.Sizeof(entry{}))

const (
	entryHeader = EntryHeader
	minBuckets  = 4
)

// seed differs in each process: whoever chooses keys cannot choose chains.
var seed = maphash.MakeSeed()

// NewDict returns an empty dictionary, which occupies nothing in the arena.
func NewDict(a *Arena) *Dict { return &Dict{a: a, moved: -1} }

// Len is the number of entries.
func (d *Dict) Len() int { return d.tables[0].used + d.tables[1].used }

// Arena is where the entries lie.
func (d *Dict) Arena() *Arena { return d.a }

// Key is the entry's key.
func (d *Dict) Key(e Ref) []byte {
	h := d.at(e)
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(h), entryHeader)), h.klen)
}

// Value is the entry's value. Its bytes may be changed, its length may not.
func (d *Dict) Value(e Ref) []byte {
	h := d.at(e)
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(h), entryHeader+int(h.klen))), h.vlen)
}

// Meta is 32 bits that belong to the dictionary's owner; a new entry has 0.
func (d *Dict) Meta(e Ref) uint32 { return d.at(e).meta }

// SetMeta replaces the owner's 32 bits.
func (d *Dict) SetMeta(e Ref, m uint32) { d.at(e).meta = m }

// Size is the bytes the entry's block takes from the arena.
func (d *Dict) Size(e Ref) int { return d.a.Cap(e) }

// Overhead is the bytes the tables take, without the entries.
func (d *Dict) Overhead() int {
	return int(unsafe.Sizeof(*d)) + (len(d.tables[0].buckets)+len(d.tables[1].buckets))*4
}

// Find returns the entry of key, 0 when there is none.
func (d *Dict) Find(key []byte) Ref {
	d.step()
	return d.find(hashOf(key), key)
}

// Peek is Find without moving a rehash along, for readers that must leave the
// tables as they are.
func (d *Dict) Peek(key []byte) Ref { return d.find(hashOf(key), key) }

// Insert adds an entry with room for vlen bytes of value, which the caller
// fills in. The key must be new. It returns 0 when there is no space.
func (d *Dict) Insert(key []byte, vlen int) Ref {
	d.step()
	return d.insert(hashOf(key), key, vlen)
}

// FindOrInsert returns the entry of key, or adds it with room for vlen bytes
// of value. The Ref is 0 when there is no space.
func (d *Dict) FindOrInsert(key []byte, vlen int) (e Ref, added bool) {
	d.step()
	h := hashOf(key)
	if e = d.find(h, key); e != 0 {
		return e, false
	}
	e = d.insert(h, key, vlen)
	return e, e != 0
}

// Put sets key to value. The Ref is 0, and nothing changed, when there is no
// space.
func (d *Dict) Put(key, value []byte) (e Ref, added bool) {
	e, added = d.FindOrInsert(key, len(value))
	if !added {
		e = d.SetValue(e, value)
	} else {
		copy(d.Value(e), value)
	}
	return e, added
}

// SetValue replaces the entry's value and returns where the entry is now: 0,
// and nothing changed, when there is no space. The value may not alias the old
// one unless it is not longer.
func (d *Dict) SetValue(e Ref, value []byte) Ref {
	if e = d.Resize(e, len(value)); e != 0 {
		copy(d.Value(e), value)
	}
	return e
}

// Resize gives the entry's value n bytes, keeps what fits of the old ones, and
// returns where the entry is now: 0, and nothing changed, when there is no
// space. Bytes it adds are arbitrary.
func (d *Dict) Resize(e Ref, n int) Ref {
	return d.ResizeRoom(e, n, n)
}

// ResizeRoom is Resize into a block with room for a value of room >= n bytes,
// so that a value which grows step by step is not copied at each.
func (d *Dict) ResizeRoom(e Ref, n, room int) Ref {
	if e == 0 {
		return 0
	}
	h := d.at(e)
	if n == int(h.vlen) && room == n {
		return e
	}
	head := entryHeader + int(h.klen)
	if uint64(head)+uint64(room) > math.MaxUint32 {
		return 0
	}
	if c := d.a.Cap(e); head+n > c || c > 2*(head+room) {
		link := d.linkTo(e)
		to := d.a.Realloc(e, head+min(n, int(h.vlen)), head+room)
		if to == 0 {
			return 0
		}
		*link = to
		e = to
	}
	d.at(e).vlen = uint32(n)
	return e
}

// Room is how long the entry's value can become without moving the entry.
func (d *Dict) Room(e Ref) int { return d.a.Cap(e) - entryHeader - int(d.at(e).klen) }

// Delete removes key and reports whether it was there.
func (d *Dict) Delete(key []byte) bool {
	e := d.Find(key)
	if e != 0 {
		d.Remove(e)
	}
	return e != 0
}

// Remove deletes an entry of this dictionary.
func (d *Dict) Remove(e Ref) {
	d.Unlink(e)
	d.a.Free(e)
}

// Unlink takes an entry out of the table and leaves its block to the caller,
// who may Relink it under a new key's owner or free it in the arena.
func (d *Dict) Unlink(e Ref) {
	link, t := d.locate(e)
	*link = d.at(e).next
	d.tables[t].used--
	d.shrink()
}

func hashOf(key []byte) uint64 { return maphash.Bytes(seed, key) }

func (d *Dict) at(e Ref) *entry { return (*entry)(d.a.ptr(e)) }

// find looks in the table a key can be in: buckets already moved are empty.
func (d *Dict) find(h uint64, key []byte) Ref {
	for t := range d.tables {
		b := d.tables[t].buckets
		if len(b) == 0 {
			return 0
		}
		for e := b[h&uint64(len(b)-1)]; e != 0; {
			en := d.at(e)
			if int(en.klen) == len(key) && string(d.Key(e)) == string(key) {
				return e
			}
			e = en.next
		}
	}
	return 0
}

func (d *Dict) insert(h uint64, key []byte, vlen int) Ref {
	if uint64(len(key))+uint64(vlen) > math.MaxUint32-uint64(entryHeader) || !d.makeRoom() {
		return 0
	}
	e := d.a.Alloc(entryHeader + len(key) + vlen)
	if e == 0 {
		return 0
	}
	t := &d.tables[0]
	if d.moved >= 0 {
		t = &d.tables[1]
	}
	b := &t.buckets[h&uint64(len(t.buckets)-1)]
	*d.at(e) = entry{next: *b, klen: uint32(len(key)), vlen: uint32(vlen)}
	copy(d.Key(e), key)
	*b = e
	t.used++
	return e
}

// linkTo is the place that names e: its bucket, or the entry before it.
func (d *Dict) linkTo(e Ref) *Ref {
	link, _ := d.locate(e)
	return link
}

func (d *Dict) locate(e Ref) (link *Ref, t int) {
	h := hashOf(d.Key(e))
	for t := range d.tables {
		b := d.tables[t].buckets
		if len(b) == 0 {
			break
		}
		for link := &b[h&uint64(len(b)-1)]; *link != 0; link = &d.at(*link).next {
			if *link == e {
				return link, t
			}
		}
	}
	panic("types: Dict was given an entry that is not its own")
}
