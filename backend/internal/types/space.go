package types

import "unsafe"

// Limits are the sizes up to which a collection keeps its compact encoding: the
// directives of the same names. A collection that outgrew one does not return to it
// by shrinking (except lists, as in Redis).
type Limits struct {
	HashMaxListpackEntries int
	HashMaxListpackValue   int // bytes, of fields and of values
	SetMaxIntsetEntries    int
	SetMaxListpackEntries  int
	SetMaxListpackValue    int // bytes
	ZSetMaxListpackEntries int
	ZSetMaxListpackValue   int // bytes
	ListMaxListpackSize    int // elements in a node; -1 to -5: 4, 8, 16, 32, 64 KiB
	StreamNodeMaxBytes     int // 0: no limit
	StreamNodeMaxEntries   int // 0: no limit
}

// DefaultLimits returns Redis 7.2's defaults.
func DefaultLimits() Limits {
	return Limits{
		HashMaxListpackEntries: 128,
		HashMaxListpackValue:   64,
		SetMaxIntsetEntries:    512,
		SetMaxListpackEntries:  128,
		SetMaxListpackValue:    64,
		ZSetMaxListpackEntries: 128,
		ZSetMaxListpackValue:   64,
		ListMaxListpackSize:    -2,
		StreamNodeMaxBytes:     4096,
		StreamNodeMaxEntries:   100,
	}
}

// Space is what the collections of one store share.
//
// Collections live in two places. A compact one is one block of the arena. A large
// one is a Go object whose elements lie in the arena. A stream is many blocks, of which
// one leads to all others. Whichever it is, the keyspace holds a Root, and Hash, Set,
// ZSet, List and Stream are views of one: take a view, call it, and if it may have
// changed the collection, keep its Root again, because the block may have moved and the
// encoding may have changed.
//
// Everything runs under the owner's lock. A byte slice that a view returns or passes
// on is valid until the next call that reads an element or changes anything. Changes
// may be given such a slice, also of the same collection, unless they say otherwise.
//
// When the arena is out of space, a change panics with ErrNoSpace: maxmemory is what
// refuses commands in time, and behind it the process ends, as Redis does.
type Space struct {
	Arena  *Arena
	Limits Limits

	digits [2][MaxIntLen]byte // integers that are read as strings
	moving []byte             // an element on its way within one collection
	packed packed             // a stream's entry on its way into a node
}

// NewSpace returns a space with Redis's default limits.
func NewSpace(a *Arena) *Space {
	return &Space{Arena: a, Limits: DefaultLimits()}
}

// Encoding says how a value is kept, in the words of OBJECT ENCODING.
type Encoding uint8

// The encodings. The first three are those of strings.
const (
	EncodingRaw Encoding = iota
	EncodingInt
	EncodingEmbstr
	EncodingListpack
	EncodingIntset
	EncodingHashtable
	EncodingSkiplist
	EncodingQuicklist
	EncodingStream
	EncodingDamaged // of no form that can be read
)

var encodingNames = [...]string{"raw", "int", "embstr", "listpack", "intset", "hashtable", "skiplist", "quicklist", "stream", "damaged"}

// String returns the name that OBJECT ENCODING replies.
func (e Encoding) String() string { return encodingNames[e] }

// Root is a collection as the keyspace keeps it.
type Root struct {
	Encoding Encoding
	Ref      Ref   // the block of a compact collection, the head of a stream
	Large    Large // a large one; nil for all others
}

// Large is the Go object of a large collection: *Dict, *ZIndex or *Quicklist. Pieces
// makes one of a stream.
type Large interface {
	// Len is the number of elements.
	Len() int
	// ClearStep frees about n elements and reports whether all is free; after the
	// first call nothing else may be called.
	ClearStep(n int) bool
}

// Pieces is what frees a collection piece by piece; nil if it is one block.
func (sp *Space) Pieces(r Root) Large {
	if r.Encoding == EncodingStream {
		return streamRemains{sp.OpenStream(r)}
	}
	return r.Large
}

// Free frees the whole collection. It takes time with the number of elements; one that
// has Pieces may be freed by these instead.
func (sp *Space) Free(r Root) {
	pieces := sp.Pieces(r)
	if pieces == nil {
		sp.Arena.Free(r.Ref)
		return
	}
	for !pieces.ClearStep(1 << 20) {
	}
}

// block returns the whole memory of a block.
func (sp *Space) block(r Ref) []byte { return sp.Arena.Bytes(r, sp.Arena.Cap(r)) }

// listpack returns the listpack in a block, with the block's capacity.
func (sp *Space) listpack(r Ref) Listpack { return listpackIn(sp.block(r)) }

// alloc is Arena.Alloc for callers that cannot go on without.
func (sp *Space) alloc(n int) Ref {
	r := sp.Arena.Alloc(n)
	if r == 0 {
		panic(ErrNoSpace)
	}
	return r
}

// store puts b into a new block.
func (sp *Space) store(b []byte) Ref {
	r := sp.alloc(len(b))
	copy(sp.Arena.Bytes(r, len(b)), b)
	return r
}

// newListpack puts an empty listpack into a new block with room for n bytes.
func (sp *Space) newListpack(n int) Ref {
	r := sp.alloc(max(n, lpEmptySize))
	InitListpack(sp.block(r))
	return r
}

// resize moves the block *r, of which used bytes count, to one for n bytes, if it
// must: bigger, or to give memory back.
func (sp *Space) resize(r *Ref, used, n int) []byte {
	moved := sp.Arena.Realloc(*r, used, n)
	if moved == 0 {
		panic(ErrNoSpace)
	}
	*r = moved
	return sp.block(moved)
}

// splice replaces old bytes at p of the listpack in block *r by e, which changes the
// element count by delta, and fits the block to the new size. All compact collections
// but intsets change through here.
func (sp *Space) splice(r *Ref, p, old int, e *element, delta int) Listpack {
	lp := sp.listpack(*r)
	size := e.size()
	if within(e.str, lp) {
		e = &element{e.head, e.headLen, sp.detach(e.str, lp)}
	}
	if need := len(lp) - old + size; need > cap(lp) {
		lp = listpackIn(sp.resize(r, len(lp), need))
	}
	lp = lp.splice(p, old, e, delta)
	if size < old {
		lp = listpackIn(sp.resize(r, len(lp), len(lp)))
	}
	return lp
}

// detach returns b, or a copy of it if it lies in the memory of a container that is
// about to change. The copy lasts until the next one.
func (sp *Space) detach(b, container []byte) []byte {
	if !within(b, container) {
		return b
	}
	const keep = 64 << 10 // one long element must not occupy its memory for ever
	if cap(sp.moving) > keep {
		sp.moving = nil
	}
	sp.moving = append(sp.moving[:0], b...)
	return sp.moving
}

// within tells whether b lies in the memory of a container.
func within(b, container []byte) bool {
	p := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	c := uintptr(unsafe.Pointer(unsafe.SliceData(container)))
	return len(b) > 0 && p >= c && p < c+uintptr(cap(container))
}

// number returns n as a string in scratch slot 0 or 1.
func (sp *Space) number(slot int, n int64) []byte {
	return AppendInt(sp.digits[slot][:0], n)
}

// text returns the element of a listpack at p as a string; an integer goes through
// scratch slot 0 or 1.
func (sp *Space) text(slot int, lp Listpack, p int) []byte {
	return lp.At(p).Bytes(&sp.digits[slot])
}
