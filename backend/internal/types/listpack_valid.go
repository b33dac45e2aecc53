package types

import "encoding/binary"

// ValidListpack checks bytes that came from outside (RDB, RESTORE, a full resync)
// down to every element, so that no later walk can leave the slice: the header's
// size, the terminator, each element within bounds with a backward length that
// agrees, and the count. tuple is what the count must be a multiple of: 2 for
// field-value pairs, else 1.
func ValidListpack(b []byte, tuple int) bool {
	if len(b) < lpEmptySize || uint64(len(b)) != uint64(binary.LittleEndian.Uint32(b)) || b[len(b)-1] != lpEnd {
		return false
	}
	lp := Listpack(b)
	count := 0
	p := lpHeaderSize
	for p < lp.End() {
		span := lp.validSpan(p)
		if span == 0 {
			return false
		}
		p += span
		count++
	}
	header := int(binary.LittleEndian.Uint16(b[4:]))
	return p == lp.End() && (header == lpCountUnknown || header == count) && count%tuple == 0
}

// validSpan returns the size of the element at p, 0 if it is malformed or would
// reach the terminator. Nothing past the slice is read to find out.
func (lp Listpack) validSpan(p int) int {
	body := len(lp) - 1 - p // bytes up to the terminator
	c := lp[p]
	if c > lpInt64 || c&0xF0 == 0xE0 && body < 2 || c == lpStr32 && body < 5 {
		return 0
	}
	size := lp.dataSizeAt(p)
	span := size + lpBacklenSize(size)
	if span > body || lpDecodeBacklen(lp[p+size:p+span]) != size {
		return 0
	}
	return span
}
