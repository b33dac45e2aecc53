package rdb

import "slices"

// LZF is the compression that redis-server uses for long strings. A token is
// either a run of literal bytes (below 32: one less than their number) or a copy
// of what stands before: three bits of length, thirteen of distance, with one
// more byte of length when the three are all set.
const (
	lzfLiterals = 32      // bytes in one run at most
	lzfLeast    = 3       // bytes in one copy
	lzfMost     = 264     // bytes in one copy
	lzfBack     = 1 << 13 // the farthest that a copy may begin before its place
)

// packHash is how many bits of hash tell where three bytes stood before.
const packHash = 13

// packer compresses strings, one after the other.
type packer struct {
	// seen tells where three bytes with that hash stood last, counted from 1 and
	// over all strings, so that nothing has to be forgotten between two.
	seen  [1 << packHash]uint32
	start uint32 // the count at which the present string begins
	out   []byte // the last result
}

// pack compresses one string; the result is valid until the next call.
func (p *packer) pack(in []byte) []byte {
	p.begin()
	out, literal := p.out[:0], 0 // from literal on nothing was written yet
	for i := 0; i+lzfLeast <= len(in); {
		n, back := p.match(in, i)
		if n < lzfLeast {
			i += 1 + (i-literal)>>6 // the longer nothing repeats, the less it is looked for
			continue
		}
		out = appendLiterals(out, in[literal:i])
		out = appendCopy(out, n, back)
		i += n
		literal = i
	}
	p.out = appendLiterals(out, in[literal:])
	p.start += uint32(len(in))
	return p.out
}

// begin forgets all when the count would not last for another string.
func (p *packer) begin() {
	if p.start > 1<<31 {
		clear(p.seen[:])
		p.start = 0
	}
	if cap(p.out) > step {
		p.out = nil
	}
}

// match finds how many bytes at i stood before, and how far back.
func (p *packer) match(in []byte, i int) (n, back int) {
	three := uint32(in[i])<<16 | uint32(in[i+1])<<8 | uint32(in[i+2])
	slot := &p.seen[three*0x9e3779b1>>(32-packHash)]
	last := *slot
	*slot = p.start + uint32(i) + 1
	if last <= p.start {
		return 0, 0 // in a string before, or never
	}
	from := int(last-p.start) - 1
	if back = i - from; back > lzfBack {
		return 0, 0
	}
	most := min(len(in)-i, lzfMost)
	for n < most && in[from+n] == in[i+n] {
		n++
	}
	return n, back
}

func appendLiterals(out, b []byte) []byte {
	for len(b) > 0 {
		n := min(len(b), lzfLiterals)
		out = append(append(out, byte(n-1)), b[:n]...)
		b = b[n:]
	}
	return out
}

func appendCopy(out []byte, n, back int) []byte {
	n, back = n-2, back-1
	if n < 7 {
		return append(out, byte(n<<5|back>>8), byte(back))
	}
	return append(out, byte(7<<5|back>>8), byte(n-7), byte(back))
}

// unpackLZF undoes the compression, into dst where that is large enough. ok is
// false unless exactly size bytes come out.
func unpackLZF(dst, in []byte, size int) (out []byte, ok bool) {
	out = slices.Grow(dst[:0], size)
	for i := 0; i < len(in); {
		token := int(in[i])
		i++
		if token < lzfLiterals {
			n := token + 1
			if i+n > len(in) || len(out)+n > size {
				return nil, false
			}
			out = append(out, in[i:i+n]...)
			i += n
			continue
		}
		n := token >> 5
		if n == 7 {
			if i >= len(in) {
				return nil, false
			}
			n += int(in[i])
			i++
		}
		if i >= len(in) {
			return nil, false
		}
		from := len(out) - (token&31<<8 | int(in[i])) - 1
		i++
		n += 2
		if from < 0 || len(out)+n > size {
			return nil, false
		}
		for n > 0 { // the copy may overlap what it makes: then that is copied on
			more := min(n, len(out)-from)
			out = append(out, out[from:from+more]...)
			n -= more
		}
	}
	return out, len(out) == size
}
