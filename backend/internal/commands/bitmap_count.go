package commands

import (
	"encoding/binary"
	"math/bits"
)

// bitRange is the part of a bitmap that BITCOUNT and BITPOS look at, in bits from first
// to before end.
type bitRange struct {
	first, end int64
	ended      bool // the request named the end
}

// bitRange reads [start [end [BYTE|BIT]]] from argument i on; the range is for a string
// that turns out to have size bytes. Redis's BITPOS looks at the unit before the end, and
// its BITCOUNT not at all when nothing can lie between.
func (c *Ctx) bitRange(i int, unitFirst bool) (r func(size int) bitRange, ok bool) {
	first, last := int64(0), int64(-1)
	given := len(c.Args) - i
	if given > 3 {
		c.Err(errSyntax)
		return nil, false
	}
	if given > 0 {
		if first, ok = c.integer(i); !ok {
			return nil, false
		}
	}
	if given == 3 && unitFirst && !c.bitUnit(i+2) {
		return nil, false
	}
	if given > 1 {
		if last, ok = c.integer(i + 1); !ok {
			return nil, false
		}
	}
	nothing := first < 0 && last < 0 && first > last
	if given == 3 && !unitFirst && !nothing && !c.bitUnit(i+2) {
		return nil, false
	}
	inBits := given == 3 && is(c.Args[i+2], "bit")
	ended := given > 1
	return func(size int) bitRange {
		unit := int64(8)
		if inBits {
			unit, size = 1, size*8
		}
		start, end := 0, 0
		if unitFirst || !nothing {
			start, end = span(max(first, -int64(size)), max(last, -int64(size)), size)
		}
		return bitRange{first: int64(start) * unit, end: int64(end) * unit, ended: ended}
	}, true
}

func (c *Ctx) bitUnit(i int) bool {
	if is(c.Args[i], "bit") || is(c.Args[i], "byte") {
		return true
	}
	c.Err(errSyntax)
	return false
}

func bitcount(c *Ctx) {
	value, found, err := c.DB.Get(c.Args[1])
	if c.failed(err) {
		return
	}
	if !found {
		c.Int(0)
		return
	}
	if len(c.Args) == 3 {
		c.Err(errSyntax)
		return
	}
	r, ok := c.bitRange(2, false)
	if !ok {
		return
	}
	of := r(len(value))
	c.Int(countOnes(value, of.first, of.end))
}

// countOnes counts the ones from bit first to before bit end.
func countOnes(b []byte, first, end int64) int64 {
	if first >= end {
		return 0
	}
	n := ones(b[first>>3 : (end+7)>>3])
	n -= bits.OnesCount8(b[first>>3] &^ (0xff >> (first & 7)))
	if end&7 != 0 {
		n -= bits.OnesCount8(b[end>>3] & (0xff >> (end & 7)))
	}
	return int64(n)
}

func ones(b []byte) (n int) {
	for len(b) >= 8 {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	for _, v := range b {
		n += bits.OnesCount8(v)
	}
	return n
}

// bitpos replies the first bit that is as wanted. Behind the end of a string there are
// only zeroes, unless the request named an end.
func bitpos(c *Ctx) {
	want, ok := c.integer(2)
	if !ok {
		return
	}
	if want != 0 && want != 1 {
		c.Err("ERR The bit argument must be 1 or 0.")
		return
	}
	value, found, err := c.DB.Get(c.Args[1])
	if c.failed(err) {
		return
	}
	if !found {
		c.Int(-want)
		return
	}
	r, ok := c.bitRange(3, true)
	if !ok {
		return
	}
	of := r(len(value))
	at := findBit(value, of.first, of.end, byte(want))
	if at == of.end {
		if want == 1 || of.ended || of.first == of.end {
			at = -1
		}
	}
	c.Int(at)
}

// findBit returns the first bit from first to before end that is want, end if there is
// none.
func findBit(b []byte, first, end int64, want byte) int64 {
	skip := byte(0) // a byte in which there is nothing to be found
	if want == 0 {
		skip = 0xff
	}
	for at := first; at < end; {
		if at&7 == 0 && at+8 <= end && b[at>>3] == skip {
			at += 8
			continue
		}
		if bitAt(b, at) == want {
			return at
		}
		at++
	}
	return end
}
