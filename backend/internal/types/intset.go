package types

import (
	"encoding/binary"
	"math"
)

// Intset is a sorted set of integers in one block, in the byte format of Redis's
// intset.c: width (uint32: 2, 4 or 8), count (uint32), then the integers ascending,
// all little endian. The width is that of the widest integer ever added.
//
// Edits return the slice as append does. What comes from outside goes through
// ValidIntset first.
type Intset []byte

const intsetHeaderSize = 8

// InitIntset makes an empty intset in buf's memory.
func InitIntset(buf []byte) Intset {
	return append(buf[:0], 2, 0, 0, 0, 0, 0, 0, 0)
}

// intsetIn returns the intset at the start of a block that may be longer.
func intsetIn(block []byte) Intset {
	s := Intset(block)
	return s[:intsetHeaderSize+s.Len()*s.width()]
}

func (s Intset) width() int { return int(binary.LittleEndian.Uint32(s)) }

// Len returns the number of integers.
func (s Intset) Len() int { return int(binary.LittleEndian.Uint32(s[4:])) }

// At returns the i-th smallest integer; i counts from 0.
func (s Intset) At(i int) int64 { return s.at(i, s.width()) }

func (s Intset) at(i, width int) int64 {
	b := s[intsetHeaderSize+i*width:]
	switch width {
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return int64(binary.LittleEndian.Uint64(b))
}

func (s Intset) put(i, width int, n int64) {
	b := s[intsetHeaderSize+i*width:]
	switch width {
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(n))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(n))
	default:
		binary.LittleEndian.PutUint64(b, uint64(n))
	}
}

// intWidth returns the bytes n needs.
func intWidth(n int64) int {
	switch {
	case n < math.MinInt32 || n > math.MaxInt32:
		return 8
	case n < math.MinInt16 || n > math.MaxInt16:
		return 4
	}
	return 2
}

// Find returns the index of n, or the index at which it would stand.
func (s Intset) Find(n int64) (index int, found bool) {
	width := s.width()
	low, high := 0, s.Len()
	for low < high {
		mid := int(uint(low+high) >> 1)
		switch v := s.at(mid, width); {
		case v == n:
			return mid, true
		case v < n:
			low = mid + 1
		default:
			high = mid
		}
	}
	return low, false
}

// sizeWith returns the size in bytes the set has once n is added.
func (s Intset) sizeWith(n int64) int {
	return intsetHeaderSize + (s.Len()+1)*max(s.width(), intWidth(n))
}

// Add adds n and reports whether it was new.
func (s Intset) Add(n int64) (Intset, bool) {
	index, found := s.Find(n)
	if found {
		return s, false
	}
	count, size := s.Len(), s.sizeWith(n)
	before := len(s)
	s = append(s, make([]byte, size-len(s))...)
	if width := s.width(); intWidth(n) > width {
		s.widen(width, intWidth(n), count)
		before = intsetHeaderSize + count*intWidth(n)
	}
	width := s.width()
	at := intsetHeaderSize + index*width
	copy(s[at+width:], s[at:before])
	s.put(index, width, n)
	binary.LittleEndian.PutUint32(s[4:], uint32(count+1))
	return s, true
}

// widen spreads count integers to a greater width, the last first so that none is
// overwritten before it is read.
func (s Intset) widen(from, to, count int) {
	binary.LittleEndian.PutUint32(s, uint32(to))
	for i := count - 1; i >= 0; i-- {
		s.put(i, to, s.at(i, from))
	}
}

// Remove removes n and reports whether it was there. The width stays.
func (s Intset) Remove(n int64) (Intset, bool) {
	index, found := s.Find(n)
	if !found {
		return s, false
	}
	width := s.width()
	at := intsetHeaderSize + index*width
	copy(s[at:], s[at+width:])
	binary.LittleEndian.PutUint32(s[4:], uint32(s.Len()-1))
	return s[:len(s)-width], true
}

// ValidIntset checks bytes that came from outside: a known width, a size that
// agrees with the count, not empty, strictly ascending.
func ValidIntset(b []byte) bool {
	if len(b) < intsetHeaderSize {
		return false
	}
	s := Intset(b)
	width, count := s.width(), s.Len()
	if width != 2 && width != 4 && width != 8 {
		return false
	}
	if count == 0 || uint64(len(b)) != intsetHeaderSize+uint64(count)*uint64(width) {
		return false
	}
	for i := 1; i < count; i++ {
		if s.at(i, width) <= s.at(i-1, width) {
			return false
		}
	}
	return true
}
