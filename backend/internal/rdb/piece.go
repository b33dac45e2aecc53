package rdb

import "math"

// Piece is a part of a snapshot as it was encoded: what may be compressed is not
// yet, since that takes longer than to encode it and needs no lock.
type Piece struct {
	Bytes []byte
	texts []span
}

// span is where a string stands in a piece, behind its length.
type span struct{ from, to uint32 }

// packFrom is the length from which strings are compressed (rdb.c,
// rdbSaveRawString).
const packFrom = 21

// Empty is the piece without what is in it, to be used again.
func (p Piece) Empty() Piece { return Piece{p.Bytes[:0], p.texts[:0]} }

// note remembers the string of so many bytes at the end of the buffer.
func (w *Writer) note(size int) {
	if to := len(w.buf); w.packer != nil && size >= packFrom && to <= math.MaxUint32 {
		w.texts = append(w.texts, span{uint32(to - size), uint32(to)})
	}
}

// pack compresses the strings of a piece where they stand, and returns what it
// has become.
func (w *Writer) pack(p Piece) []byte {
	at, done := 0, 0 // of the result, and of what it was made of
	for _, s := range p.texts {
		text := p.Bytes[s.from:s.to]
		packed := w.packer.pack(text)
		if 1+lengthSize(len(packed))+len(packed) >= len(text) {
			continue // it wins nothing
		}
		head := int(s.from) - lengthSize(len(text))
		at += copy(p.Bytes[at:], p.Bytes[done:head])
		// It is shorter than what it stands for, so that nothing is overwritten
		// that was not read.
		form := append(p.Bytes[:at], encoded|encLZF)
		form = appendLength(form, uint64(len(packed)))
		form = appendLength(form, uint64(len(text)))
		at, done = len(append(form, packed...)), int(s.to)
	}
	at += copy(p.Bytes[at:], p.Bytes[done:])
	return p.Bytes[:at]
}

// lengthSize is how many bytes appendLength appends.
func lengthSize(n int) int {
	switch {
	case n < 1<<6:
		return 1
	case n < 1<<14:
		return 2
	case n <= math.MaxUint32:
		return 5
	}
	return 9
}
