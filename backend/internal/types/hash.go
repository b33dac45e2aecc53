package types

import (
	"errors"
	"math/rand/v2"
)

// Hash is a view of a hash: fields and values alternating in a listpack up to
// hash-max-listpack-entries fields of at most hash-max-listpack-value bytes, a Dict
// beyond.
type Hash struct {
	sp   *Space
	root Root
}

// NewHash makes an empty hash.
func (sp *Space) NewHash() Hash {
	return Hash{sp, Root{Encoding: EncodingListpack, Ref: sp.newListpack(0)}}
}

// OpenHash views the hash that the keyspace keeps as r.
func (sp *Space) OpenHash(r Root) Hash { return Hash{sp, r} }

// LoadHash makes a hash from a listpack that came from outside, after checking it.
func (sp *Space) LoadHash(listpack []byte) (Hash, error) {
	if !ValidListpack(listpack, 2) {
		return Hash{}, corrupt("a hash's listpack", listpack)
	}
	h := Hash{sp, Root{Encoding: EncodingListpack, Ref: sp.store(listpack)}}
	if lp := h.lp(); lp.Len()/2 > sp.Limits.HashMaxListpackEntries || longest(lp) > sp.Limits.HashMaxListpackValue {
		n := h.Len()
		if h.convert(); h.Len() != n {
			h.Free()
			return Hash{}, errors.New("types: a hash's listpack with dup elements")
		}
	}
	return h, nil
}

// longest returns the length of the longest string in lp.
func longest(lp Listpack) int {
	size := 0
	for p := lp.First(); p >= 0; p = lp.Next(p) {
		if str, ok := lp.stringAt(p); ok {
			size = max(size, len(str))
		}
	}
	return size
}

// Root is what the keyspace keeps.
func (h *Hash) Root() Root { return h.root }

// Encoding is listpack or hashtable.
func (h *Hash) Encoding() Encoding { return h.root.Encoding }

// Free frees the hash; the view is of no more use.
func (h *Hash) Free() { h.sp.Free(h.root) }

// Bytes returns the listpack of a compact hash, nil for a large one.
func (h *Hash) Bytes() []byte {
	if h.large() {
		return nil
	}
	return h.lp()
}

func (h *Hash) large() bool  { return h.root.Large != nil }
func (h *Hash) dict() *Dict  { return h.root.Large.(*Dict) }
func (h *Hash) lp() Listpack { return h.sp.listpack(h.root.Ref) }

// Len returns the number of fields.
func (h *Hash) Len() int {
	if h.large() {
		return h.root.Large.Len()
	}
	return h.lp().Len() / 2
}

// Get returns the value of field.
func (h *Hash) Get(field []byte) (value []byte, ok bool) {
	if h.large() {
		d := h.dict()
		e := d.Find(field)
		if e == 0 {
			return nil, false
		}
		return d.Value(e), true
	}
	lp := h.lp()
	p := lp.Find(lp.First(), field, 1)
	if p < 0 {
		return nil, false
	}
	return h.sp.text(1, lp, lp.Next(p)), true
}

// Has reports whether field exists.
func (h *Hash) Has(field []byte) bool {
	if h.large() {
		return h.dict().Find(field) != 0
	}
	lp := h.lp()
	return lp.Find(lp.First(), field, 1) >= 0
}

// Set sets field to value and reports whether the field is new.
func (h *Hash) Set(field, value []byte) (added bool) {
	limits := &h.sp.Limits
	if !h.large() && max(len(field), len(value)) > limits.HashMaxListpackValue {
		h.convert()
	}
	if h.large() {
		e, added := h.dict().Put(field, value)
		if e == 0 {
			panic(ErrNoSpace)
		}
		return added
	}
	lp := h.lp()
	el := encodeString(value)
	if p := lp.Find(lp.First(), field, 1); p >= 0 {
		p = lp.Next(p)
		h.sp.splice(&h.root.Ref, p, lp.spanAt(p), &el, 0)
		return false
	}
	name := encodeString(field)
	lp = h.sp.splice(&h.root.Ref, lp.End(), 0, &name, 1)
	lp = h.sp.splice(&h.root.Ref, lp.End(), 0, &el, 1)
	if lp.Len()/2 > limits.HashMaxListpackEntries {
		h.convert()
	}
	return true
}

// Expect says that about n fields will be set, so that a large hash is made as such
// and in its final size.
func (h *Hash) Expect(n int) {
	if !h.large() && n > h.sp.Limits.HashMaxListpackEntries {
		h.convert()
		h.dict().Expand(n)
	}
}

// Delete removes field and reports whether it was there. A hash without fields is
// for the caller to remove.
func (h *Hash) Delete(field []byte) bool {
	if h.large() {
		return h.dict().Delete(field)
	}
	lp := h.lp()
	p := lp.Find(lp.First(), field, 1)
	if p < 0 {
		return false
	}
	span := lp.spanAt(p)
	h.sp.splice(&h.root.Ref, p, span+lp.spanAt(p+span), &element{}, -2)
	return true
}

// Each calls visit for each field until it returns false. visit changes nothing.
func (h *Hash) Each(visit func(field, value []byte) bool) {
	if h.large() {
		d := h.dict()
		d.Each(func(e Ref) bool { return visit(d.Key(e), d.Value(e)) })
		return
	}
	lp := h.lp()
	for p := lp.First(); p >= 0; {
		q := lp.Next(p)
		if !visit(h.sp.text(0, lp, p), h.sp.text(1, lp, q)) {
			return
		}
		p = lp.Next(q)
	}
}

// Scan visits about count fields from cursor on, with SCAN's guarantees, and returns
// the next cursor. A compact hash is visited as a whole.
func (h *Hash) Scan(cursor uint64, count int, visit func(field, value []byte)) uint64 {
	if h.large() {
		d := h.dict()
		return scanDict(d, cursor, count, func(e Ref) { visit(d.Key(e), d.Value(e)) })
	}
	h.Each(func(field, value []byte) bool {
		visit(field, value)
		return true
	})
	return 0
}

// scanDict scans buckets until count entries were visited, or ten times as many
// buckets: a table that was emptied has far more buckets than entries.
func scanDict(d *Dict, cursor uint64, count int, visit func(e Ref)) uint64 {
	visited := 0
	for buckets := 0; buckets < 10*count; buckets++ {
		cursor = d.Scan(cursor, func(e Ref) {
			visited++
			visit(e)
		})
		if cursor == 0 || visited >= count {
			break
		}
	}
	return cursor
}

// Random returns some field with its value. The hash must not be empty.
func (h *Hash) Random() (field, value []byte) {
	if h.large() {
		d := h.dict()
		e := d.Random()
		return d.Key(e), d.Value(e)
	}
	return h.At(rand.IntN(h.Len()))
}

// At returns the i-th field of a compact hash with its value.
func (h *Hash) At(i int) (field, value []byte) {
	lp := h.lp()
	p := lp.Seek(2 * i)
	return h.sp.text(0, lp, p), h.sp.text(1, lp, lp.Next(p))
}

// convert makes the hash a large one. It visits the listpack without the space's
// scratch, in which an argument of the change under way may lie.
func (h *Hash) convert() {
	d := NewDict(h.sp.Arena)
	lp := h.lp()
	d.Expand(lp.Len()/2 + 1)
	var field, value [MaxIntLen]byte
	for p := lp.First(); p >= 0; {
		q := lp.Next(p)
		if e, _ := d.Put(lp.At(p).Bytes(&field), lp.At(q).Bytes(&value)); e == 0 {
			panic(ErrNoSpace)
		}
		p = lp.Next(q)
	}
	h.sp.Arena.Free(h.root.Ref)
	h.root = Root{Encoding: EncodingHashtable, Large: d}
}

// Clone returns a copy of the hash with its own memory.
func (h *Hash) Clone() Hash {
	if !h.large() {
		return Hash{h.sp, Root{Encoding: EncodingListpack, Ref: h.sp.store(h.lp())}}
	}
	return Hash{h.sp, Root{Encoding: EncodingHashtable, Large: cloneDict(h.dict())}}
}

func cloneDict(from *Dict) *Dict {
	d := NewDict(from.Arena())
	d.Expand(from.Len())
	from.Each(func(e Ref) bool {
		copied := d.Insert(from.Key(e), len(from.Value(e)))
		if copied == 0 {
			panic(ErrNoSpace)
		}
		copy(d.Value(copied), from.Value(e))
		return true
	})
	return d
}

// MemoryUsage returns the bytes the hash occupies, estimated from samples entries of
// a large one (0 counts all).
func (h *Hash) MemoryUsage(samples int) int {
	if h.large() {
		return dictMemory(h.dict(), samples)
	}
	return h.sp.Arena.Cap(h.root.Ref)
}

func dictMemory(d *Dict, samples int) int {
	seen, bytes := 0, 0
	d.Each(func(e Ref) bool {
		bytes += d.Size(e)
		seen++
		return seen != samples
	})
	if seen > 0 {
		bytes = int(float64(bytes) / float64(seen) * float64(d.Len()))
	}
	return d.Overhead() + bytes
}
