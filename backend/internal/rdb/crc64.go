package rdb

import "math/bits"

// Redis sums snapshots up with CRC-64/Jones, bit-reflected, without initial or
// final inversion (crc64.c), which the standard library's package cannot do.
const jones = 0xad93d23594c935a9

// crcTables lets eight bytes be taken at a time.
var crcTables = makeTables()

func makeTables() *[8][256]uint64 {
	var t [8][256]uint64
	poly := bits.Reverse64(jones)
	for i := range 256 {
		c := uint64(i)
		for range 8 {
			if c&1 == 1 {
				c = c>>1 ^ poly
			} else {
				c >>= 1
			}
		}
		t[0][i] = c
	}
	for i := range 256 {
		for k := 1; k < 8; k++ {
			t[k][i] = t[k-1][i]>>8 ^ t[0][byte(t[k-1][i])]
		}
	}
	return &t
}

// crc64 goes on with the sum of what came before p.
func crc64(sum uint64, p []byte) uint64 {
	t := crcTables
	for len(p) >= 8 {
		sum ^= uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 |
			uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56
		sum = t[7][byte(sum)] ^ t[6][byte(sum>>8)] ^ t[5][byte(sum>>16)] ^ t[4][byte(sum>>24)] ^
			t[3][byte(sum>>32)] ^ t[2][byte(sum>>40)] ^ t[1][byte(sum>>48)] ^ t[0][byte(sum>>56)]
		p = p[8:]
	}
	for _, b := range p {
		sum = sum>>8 ^ t[0][byte(sum)^b]
	}
	return sum
}
