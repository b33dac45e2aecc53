package types

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// HLL is a HyperLogLog in the bytes of Redis's string (hyperloglog.c): "HYLL",
// the encoding, three bytes that are not used, the cached cardinality in eight,
// and 16,384 registers. A register holds the longest run of zeroes, plus one,
// that any element showed which hashes to it.
//
// There are two encodings. The dense one has six bits for every register. The
// sparse one has opcodes for runs of equal registers; it is what a new HLL has,
// and gives way to the dense one when it grows past a limit or a register past
// 32. It never comes back.
//
// A dense HLL is changed where it lies; a sparse one as append does.
type HLL []byte

// HLLRegisters is how many there are.
const HLLRegisters = 1 << hllIndexBits

const (
	hllIndexBits    = 14
	hllHashBits     = 64 - hllIndexBits // of which the zeroes are counted
	hllRegisterBits = 6
	hllRegisterMax  = 1<<hllRegisterBits - 1
	hllMagic        = "HYLL"
	hllEncodingAt   = 4
	hllCacheAt      = 8
	hllHeader       = 16
	hllDenseSize    = hllHeader + HLLRegisters*hllRegisterBits/8
	hllStale        = 1 << 63 // the cached cardinality does not count
)

const (
	hllDense = iota
	hllSparse
)

// ErrCorruptHLL says that the opcodes of a sparse HLL do not cover the registers.
var ErrCorruptHLL = errors.New("INVALIDOBJ Corrupted HLL object detected")

// InitHLL makes an empty, sparse HLL in buf's memory.
func InitHLL(buf []byte) HLL {
	h := append(buf[:0], make([]byte, hllHeader)...)
	copy(h, hllMagic)
	h[hllEncodingAt] = hllSparse
	return appendZeroes(h, HLLRegisters)
}

// ValidHLL tells whether a string is a HyperLogLog by its head and, when it is
// dense, its length. A sparse one may still turn out to be corrupt.
func ValidHLL(b []byte) bool {
	if len(b) < hllHeader || string(b[:len(hllMagic)]) != hllMagic {
		return false
	}
	switch b[hllEncodingAt] {
	case hllDense:
		return len(b) == hllDenseSize
	case hllSparse:
		return true
	}
	return false
}

// Sparse tells which of the two encodings it has.
func (h HLL) Sparse() bool { return h[hllEncodingAt] == hllSparse }

// Cached returns the cardinality that was last counted, unless an element was
// added since.
func (h HLL) Cached() (n uint64, ok bool) {
	n = binary.LittleEndian.Uint64(h[hllCacheAt:])
	return n, n&hllStale == 0
}

// SetCached keeps a cardinality.
func (h HLL) SetCached(n uint64) { binary.LittleEndian.PutUint64(h[hllCacheAt:], n) }

// Outdate lets the cached cardinality count no more.
func (h HLL) Outdate() { h[hllCacheAt+7] |= hllStale >> 56 }

// Add adds an element and reports whether that raised a register. sparseMax is
// the size in bytes up to which the HLL may stay sparse. After an error it is
// of no more use.
func (h HLL) Add(element []byte, sparseMax int) (HLL, bool, error) {
	index, count := hllPlace(element)
	return h.Raise(index, count, sparseMax)
}

// Raise is Add for a register, 0 to HLLRegisters-1, and a count, 1 to 51.
func (h HLL) Raise(index int, count byte, sparseMax int) (HLL, bool, error) {
	if h.Sparse() {
		return h.raiseSparse(index, count, sparseMax)
	}
	raised := h.register(index) < count
	if raised {
		h.setRegister(index, count)
	}
	return h, raised, nil
}

// hllPlace is the register that an element belongs to, and what it counts there.
func hllPlace(element []byte) (index int, count byte) {
	const seed = 0xadc83b19
	hash := murmur64A(element, seed)
	rest := hash>>hllIndexBits | 1<<hllHashBits // so that it has a one
	return int(hash & (HLLRegisters - 1)), byte(bits.TrailingZeros64(rest) + 1)
}

// murmur64A is MurmurHash2 for 64 bits by Austin Appleby, reading words as
// little endian.
func murmur64A(b []byte, seed uint64) uint64 {
	const m, r = 0xc6a4a7935bd1e995, 47
	h := seed ^ uint64(len(b))*m
	for ; len(b) >= 8; b = b[8:] {
		k := binary.LittleEndian.Uint64(b) * m
		k ^= k >> r
		h = (h ^ k*m) * m
	}
	if len(b) > 0 {
		var tail [8]byte
		copy(tail[:], b)
		h = (h ^ binary.LittleEndian.Uint64(tail[:])) * m
	}
	h ^= h >> r
	h *= m
	return h ^ h>>r
}
