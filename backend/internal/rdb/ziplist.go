package rdb

import (
	"encoding/binary"
	"strconv"
)

// The head of a ziplist: its size, the offset of its last element, the number
// of elements (all little-endian), of which this package believes none before it
// has seen them.
const (
	zipHead         = 10
	zipEnd          = 0xff
	zipLongPrevious = 0xfe
	zipManyElements = 0xffff // as their number: unknown, count them
)

// How a ziplist's element that is no text begins.
const (
	zipInt16 = 0xc0
	zipInt32 = 0xd0
	zipInt64 = 0xe0
	zipInt24 = 0xf0
	zipInt8  = 0xfe
	zipTiny  = 0xf1 // up to 0xfd: the integers 0 to 12
)

// ziplist steps through the compact list that Redis wrote before 7.0
// (ziplist.c). Nothing here trusts the bytes.
type ziplist struct {
	b        []byte
	at       int // of the next element
	previous int // bytes of the one before
	count    int
}

// openZiplist checks what can be seen from outside.
func openZiplist(b []byte) (z ziplist, ok bool) {
	if len(b) <= zipHead || uint64(binary.LittleEndian.Uint32(b)) != uint64(len(b)) || b[len(b)-1] != zipEnd {
		return z, false
	}
	return ziplist{b: b, at: zipHead}, true
}

// more tells whether there is another element.
func (z *ziplist) more() bool { return z.at < len(z.b)-1 }

// complete tells whether the list and its last element are where, and there are as
// many elements as, its head says.
func (z *ziplist) complete() bool {
	count := int(binary.LittleEndian.Uint16(z.b[8:]))
	tail := int64(binary.LittleEndian.Uint32(z.b[4:]))
	return z.at == len(z.b)-1 && tail == int64(z.at-z.previous) && (count == zipManyElements || count == z.count)
}

// next returns the next element, which lies in the list, or, an integer, in
// scratch. ok is false when it is malformed or reaches past the end.
func (z *ziplist) next(scratch []byte) (element []byte, ok bool) {
	body := z.b[z.at : len(z.b)-1]
	n, ok := z.previousSize(body)
	if !ok {
		return nil, false
	}
	element, size, ok := zipElement(body[n:], scratch)
	if !ok {
		return nil, false
	}
	z.previous = n + size
	z.at += n + size
	z.count++
	return element, true
}

// previousSize reads the size of the element before, which each repeats, and
// returns how many bytes it took.
func (z *ziplist) previousSize(body []byte) (n int, ok bool) {
	switch {
	case len(body) == 0:
		return 0, false
	case body[0] < zipLongPrevious:
		return 1, int(body[0]) == z.previous
	case body[0] != zipLongPrevious || len(body) < 5:
		return 0, false
	}
	return 5, uint64(binary.LittleEndian.Uint32(body[1:])) == uint64(z.previous)
}

// zipElement decodes the element at the front of b and returns how many bytes
// it takes.
func zipElement(b, scratch []byte) (element []byte, size int, ok bool) {
	if len(b) == 0 {
		return nil, 0, false
	}
	var head, text int
	switch first := b[0]; {
	case first>>6 == 0:
		head, text = 1, int(first)
	case first>>6 == 1 && len(b) >= 2:
		head, text = 2, int(first&0x3f)<<8|int(b[1])
	case first>>6 == 2 && len(b) >= 5:
		head, text = 5, int(binary.BigEndian.Uint32(b[1:]))
	case first>>6 == 3:
		v, size, ok := zipInteger(b)
		return strconv.AppendInt(scratch[:0], v, 10), size, ok
	default:
		return nil, 0, false
	}
	if len(b)-head < text {
		return nil, 0, false
	}
	return b[head : head+text], head + text, true
}

func zipInteger(b []byte) (v int64, size int, ok bool) {
	var buf [8]byte
	width := 0
	switch first := b[0]; {
	case first >= zipTiny && first < zipInt8:
		return int64(first - zipTiny), 1, true
	case first == zipInt8:
		width = 1
	case first == zipInt16:
		width = 2
	case first == zipInt24:
		width = 3
	case first == zipInt32:
		width = 4
	case first == zipInt64:
		width = 8
	}
	if width == 0 || len(b) < 1+width {
		return 0, 0, false
	}
	copy(buf[8-width:], b[1:1+width])                                        // as the high bytes
	v = int64(binary.LittleEndian.Uint64(buf[:])) >> (8 * (8 - uint(width))) // which brings the sign along
	return v, 1 + width, true
}
