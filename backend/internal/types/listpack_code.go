package types

import "encoding/binary"

// The first byte of an element says how it is encoded:
//
//	0xxxxxxx  an integer from 0 to 127
//	10xxxxxx  a string shorter than 64 bytes
//	110xxxxx  a 13 bit integer, one more byte (the only big-endian one)
//	1110xxxx  a string shorter than 4096 bytes, one more byte of length
//	11110000  a longer string, four bytes of length
//	11110001  and up to 11110100: an integer of 16, 24, 32, 64 bits
const (
	lpStr32 = 0xF0
	lpInt16 = 0xF1
	lpInt24 = 0xF2
	lpInt32 = 0xF3
	lpInt64 = 0xF4
)

// element is an element about to be written: head is the encoding with an integer's
// data or a string's length, str is the string's data. The zero element is none. It
// is passed by value, so that what str points to can stay on the caller's stack.
type element struct {
	head    [9]byte
	headLen uint8
	str     []byte
}

func (e *element) dataSize() int { return int(e.headLen) + len(e.str) }

// size returns the bytes the element takes in a listpack, backward length included.
func (e *element) size() int {
	n := e.dataSize()
	if n == 0 {
		return 0
	}
	return n + lpBacklenSize(n)
}

// write puts the element at the start of dst, which has room for it.
func (e *element) write(dst []byte) {
	n := copy(dst, e.head[:e.headLen])
	n += copy(dst[n:], e.str)
	lpPutBacklen(dst[n:], n)
}

// encodeString encodes value, as an integer if it is the exact text of one.
func encodeString(value []byte) (e element) {
	if n, ok := ParseInt(value); ok {
		return encodeInt(n)
	}
	e.str = value
	switch size := len(value); {
	case size < 64:
		e.head[0] = 0x80 | byte(size)
		e.headLen = 1
	case size < 4096:
		e.head[0] = 0xE0 | byte(size>>8)
		e.head[1] = byte(size)
		e.headLen = 2
	default:
		e.head[0] = lpStr32
		binary.LittleEndian.PutUint32(e.head[1:], uint32(size))
		e.headLen = 5
	}
	return e
}

// encodeInt encodes n in the shortest form that holds it.
func encodeInt(n int64) (e element) {
	switch {
	case n >= 0 && n <= 127:
		e.head[0] = byte(n)
		e.headLen = 1
		return e
	case n >= -4096 && n <= 4095:
		e.head[0] = 0xC0 | byte(n>>8)&0x1F
		e.head[1] = byte(n)
		e.headLen = 2
		return e
	case n >= -1<<15 && n < 1<<15:
		e.head[0], e.headLen = lpInt16, 3
	case n >= -1<<23 && n < 1<<23:
		e.head[0], e.headLen = lpInt24, 4
	case n >= -1<<31 && n < 1<<31:
		e.head[0], e.headLen = lpInt32, 5
	default:
		e.head[0], e.headLen = lpInt64, 9
	}
	binary.LittleEndian.PutUint64(e.head[1:], uint64(n)) // bytes past headLen are not written
	return e
}

// intAt returns the integer at p, false if the element is a string.
func (lp Listpack) intAt(p int) (int64, bool) {
	c := lp[p]
	switch {
	case c < 0x80:
		return int64(c), true
	case c&0xE0 == 0xC0:
		return int64(int16(uint16(c)<<11|uint16(lp[p+1])<<3) >> 3), true
	}
	switch c {
	case lpInt16:
		return int64(int16(binary.LittleEndian.Uint16(lp[p+1:]))), true
	case lpInt24:
		low := uint32(binary.LittleEndian.Uint16(lp[p+1:]))
		return int64(int32(low<<8|uint32(lp[p+3])<<24) >> 8), true
	case lpInt32:
		return int64(int32(binary.LittleEndian.Uint32(lp[p+1:]))), true
	case lpInt64:
		return int64(binary.LittleEndian.Uint64(lp[p+1:])), true
	}
	return 0, false
}

// stringAt returns the string at p, never nil, or false if the element is an integer.
func (lp Listpack) stringAt(p int) ([]byte, bool) {
	head, size := lp.stringHead(p)
	if head == 0 {
		return nil, false
	}
	return lp[p+head : p+head+size : p+head+size], true
}

// stringHead returns the sizes of the encoding and of the data of the string at p,
// 0 for both if the element is an integer.
func (lp Listpack) stringHead(p int) (head, size int) {
	switch c := lp[p]; {
	case c&0xC0 == 0x80:
		return 1, int(c & 0x3F)
	case c&0xF0 == 0xE0:
		return 2, int(c&0x0F)<<8 | int(lp[p+1])
	case c == lpStr32:
		return 5, int(binary.LittleEndian.Uint32(lp[p+1:]))
	}
	return 0, 0
}

// dataSizeAt returns the size of the element at p without its backward length.
func (lp Listpack) dataSizeAt(p int) int {
	c := lp[p]
	switch {
	case c < 0x80:
		return 1
	case c&0xE0 == 0xC0:
		return 2
	}
	switch c {
	case lpInt16:
		return 3
	case lpInt24:
		return 4
	case lpInt32:
		return 5
	case lpInt64:
		return 9
	}
	head, size := lp.stringHead(p)
	return head + size
}

// spanAt returns the size of the whole element at p. Short strings, which nearly all
// elements are, are worth a short way: every walk is made of this.
func (lp Listpack) spanAt(p int) int {
	if c := lp[p]; c>>6 == 2 {
		return int(c) - (0x80 - 2)
	}
	return lp.longSpanAt(p)
}

func (lp Listpack) longSpanAt(p int) int {
	n := lp.dataSizeAt(p)
	return n + lpBacklenSize(n)
}

// lpBacklenSize returns how many bytes the backward length of a size-byte element
// takes. The bounds are one short of what 7-bit groups hold: Redis's are, and the
// format is what Redis writes.
func lpBacklenSize(size int) int {
	switch {
	case size <= 127:
		return 1
	case size < 1<<14-1:
		return 2
	case size < 1<<21-1:
		return 3
	case size < 1<<28-1:
		return 4
	}
	return 5
}

// lpPutBacklen writes size in 7-bit groups, the highest first; all but the first
// carry the bit that tells a reader coming from the right to go on.
func lpPutBacklen(dst []byte, size int) {
	n := lpBacklenSize(size)
	for i := n - 1; i > 0; i-- {
		dst[i] = byte(size)&0x7F | 0x80
		size >>= 7
	}
	dst[0] = byte(size)
}

// lpDecodeBacklen reads the backward length that ends at the end of b, -1 if it is
// longer than five bytes or than b.
func lpDecodeBacklen(b []byte) int {
	size := 0
	for shift := 0; shift <= 28 && len(b) > 0; shift += 7 {
		c := b[len(b)-1]
		size |= int(c&0x7F) << shift
		if c&0x80 == 0 {
			return size
		}
		b = b[:len(b)-1]
	}
	return -1
}
