package types

import (
	"bytes"
	"encoding/binary"
)

// Listpack is a list of short strings and integers in one block, in the byte format
// of Redis's listpack.c, so that RDB payloads, DUMP and full resyncs carry it as it
// is. Layout: total bytes (uint32), element count (uint16, 65535 = count by walking),
// the elements, 0xFF. An element is its encoding, its data, and its own length
// written backwards so that the list can be walked from the end.
//
// Positions are byte offsets of elements, -1 for none; any edit invalidates them.
// Edits append to the slice they are given and return it, as append does: a caller
// that keeps it in a fixed block makes room first (see elementSize).
//
// Reading trusts the bytes. What comes from outside goes through ValidListpack first.
type Listpack []byte

const (
	lpHeaderSize   = 6
	lpEmptySize    = lpHeaderSize + 1
	lpEnd          = 0xFF
	lpCountUnknown = 0xFFFF

	// MaxListpackSize is the size Redis lets no listpack exceed, in bytes.
	MaxListpackSize = 1 << 30
)

// InitListpack makes an empty listpack in buf's memory.
func InitListpack(buf []byte) Listpack {
	return append(buf[:0], lpEmptySize, 0, 0, 0, 0, 0, lpEnd)
}

// NewListpack returns an empty listpack on the Go heap with room for capacity bytes.
func NewListpack(capacity int) Listpack {
	return InitListpack(make([]byte, 0, max(capacity, lpEmptySize)))
}

// listpackIn returns the listpack at the start of a block that may be longer.
func listpackIn(block []byte) Listpack {
	return block[:binary.LittleEndian.Uint32(block)]
}

// Len returns the number of elements: O(1) up to 65534 of them, a walk above.
func (lp Listpack) Len() int {
	n := int(binary.LittleEndian.Uint16(lp[4:]))
	if n != lpCountUnknown {
		return n
	}
	n = 0
	for p := lp.First(); p >= 0; p = lp.Next(p) {
		n++
	}
	return n
}

// First returns the position of the first element, -1 if there is none.
func (lp Listpack) First() int { return lp.orNone(lpHeaderSize) }

// Last returns the position of the last element, -1 if there is none.
func (lp Listpack) Last() int { return lp.Prev(lp.End()) }

// End returns the position past the last element, where Insert appends.
func (lp Listpack) End() int { return len(lp) - 1 }

// Next returns the position after p's element, -1 at the end.
func (lp Listpack) Next(p int) int { return lp.orNone(p + lp.spanAt(p)) }

// Prev returns the position before p, -1 at the beginning. p may be End.
func (lp Listpack) Prev(p int) int {
	if p == lpHeaderSize {
		return -1
	}
	size := lpDecodeBacklen(lp[:p])
	return p - size - lpBacklenSize(size)
}

func (lp Listpack) orNone(p int) int {
	if lp[p] == lpEnd {
		return -1
	}
	return p
}

// Seek returns the position of the element with this index, counted from the end
// if negative (-1 is the last), and -1 if there is none. It walks from the nearer end.
func (lp Listpack) Seek(index int) int {
	n := lp.Len()
	if index < 0 {
		index += n
	}
	if index < 0 || index >= n {
		return -1
	}
	if index <= n/2 {
		p := lpHeaderSize
		for ; index > 0; index-- {
			p += lp.spanAt(p)
		}
		return p
	}
	p := lp.End()
	for ; index < n; index++ {
		p = lp.Prev(p)
	}
	return p
}

// Find returns the position of the first element equal to value at or after p, of
// which every (skip+1)th is compared, or -1. With skip 1 it finds a field among
// field-value pairs. p may be -1.
func (lp Listpack) Find(p int, value []byte, skip int) int {
	if p < 0 {
		return -1
	}
	sought := soughtValue(value)
	for lp[p] != lpEnd {
		if lp.matches(p, &sought) {
			return p
		}
		p += lp.spanAt(p)
		for i := 0; i < skip && lp[p] != lpEnd; i++ {
			p += lp.spanAt(p)
		}
	}
	return -1
}

// sought is a value to compare many elements with: whether it is an integer, and
// which, is found out once.
type sought struct {
	value   []byte
	num     int64
	numeric bool
}

func soughtValue(value []byte) sought {
	num, numeric := ParseInt(value)
	return sought{value, num, numeric}
}

// matches reports whether the element at p is the value sought. What could be an
// integer is always stored as one.
func (lp Listpack) matches(p int, s *sought) bool {
	if s.numeric {
		n, ok := lp.intAt(p)
		return ok && n == s.num
	}
	if c := lp[p]; c&0xC0 == 0x80 { // a short string, as nearly all are
		return int(c&0x3F) == len(s.value) && string(lp[p+1:p+1+len(s.value)]) == string(s.value)
	}
	str, ok := lp.stringAt(p)
	return ok && bytes.Equal(str, s.value)
}

// Element is one element of a listpack or another packed container: a string, which
// points into the container, or an integer. It is valid until the next edit.
type Element struct {
	Str []byte // nil if the element is an integer; an empty string is not nil
	Int int64
}

// At returns the element at p.
func (lp Listpack) At(p int) Element {
	if n, ok := lp.intAt(p); ok {
		return Element{Int: n}
	}
	str, _ := lp.stringAt(p)
	return Element{Str: str}
}

// Append appends the element as the string the client gave.
func (e Element) Append(dst []byte) []byte {
	if e.Str == nil {
		return AppendInt(dst, e.Int)
	}
	return append(dst, e.Str...)
}

// Bytes returns the element as a string. An integer is written into scratch.
func (e Element) Bytes(scratch *[MaxIntLen]byte) []byte {
	if e.Str == nil {
		return AppendInt(scratch[:0], e.Int)
	}
	return e.Str
}

// Size returns the length of the element as a string, in bytes.
func (e Element) Size() int {
	if e.Str == nil {
		return intLen(e.Int)
	}
	return len(e.Str)
}

// Equal reports whether the element is this string.
func (e Element) Equal(value []byte) bool {
	if e.Str != nil {
		return bytes.Equal(e.Str, value)
	}
	n, ok := ParseInt(value)
	return ok && n == e.Int
}

// intLen returns the length of n in decimal digits and sign.
func intLen(n int64) int {
	size, u := 1, uint64(n)
	if n < 0 {
		size, u = 2, -u
	}
	for ; u >= 10; u /= 10 {
		size++
	}
	return size
}
