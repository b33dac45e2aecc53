package types

import (
	"encoding/binary"
	"slices"
)

// Insert puts value before position p; at End it appends.
func (lp Listpack) Insert(p int, value []byte) Listpack {
	e := encodeString(value)
	return lp.splice(p, 0, &e, 1)
}

// Append puts value at the end.
func (lp Listpack) Append(value []byte) Listpack { return lp.Insert(lp.End(), value) }

// Prepend puts value at the beginning.
func (lp Listpack) Prepend(value []byte) Listpack { return lp.Insert(lpHeaderSize, value) }

// AppendInt puts the integer n at the end.
func (lp Listpack) AppendInt(n int64) Listpack {
	e := encodeInt(n)
	return lp.splice(lp.End(), 0, &e, 1)
}

// Replace puts value in the place of the element at p.
func (lp Listpack) Replace(p int, value []byte) Listpack {
	e := encodeString(value)
	return lp.splice(p, lp.spanAt(p), &e, 0)
}

// Delete removes up to n elements from position p on. The element that followed
// them, if any, then stands at p.
func (lp Listpack) Delete(p, n int) Listpack {
	end, removed := p, 0
	for removed < n && lp[end] != lpEnd {
		end += lp.spanAt(end)
		removed++
	}
	if removed == 0 {
		return lp
	}
	return lp.splice(p, end-p, &element{}, -removed)
}

// DeleteIndex removes up to n elements from an index on (negative from the end).
func (lp Listpack) DeleteIndex(index, n int) Listpack {
	p := lp.Seek(index)
	if p < 0 {
		return lp
	}
	return lp.Delete(p, n)
}

// splice replaces the old bytes from p on by e and accounts for it in the header.
// Every edit is this one.
func (lp Listpack) splice(p, old int, e *element, countDelta int) Listpack {
	size := e.size()
	count := binary.LittleEndian.Uint16(lp[4:])
	before := len(lp)
	if size > old {
		lp = slices.Grow(lp, size-old)[:before+size-old]
	}
	copy(lp[p+size:], lp[p+old:before])
	lp = lp[:before+size-old]
	if size > 0 {
		e.write(lp[p:])
	}
	lp.setHeader(count, countDelta)
	return lp
}

// setHeader stores the size and the count. Once the count has reached 65535 it is
// unknown, and stays so until a rewrite counts again.
func (lp Listpack) setHeader(count uint16, delta int) {
	binary.LittleEndian.PutUint32(lp, uint32(len(lp)))
	if count == lpCountUnknown {
		return
	}
	n := int(count) + delta
	binary.LittleEndian.PutUint16(lp[4:], uint16(min(n, lpCountUnknown)))
}
