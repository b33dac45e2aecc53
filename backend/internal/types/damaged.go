package types

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrCorrupt is wrapped by what the Load functions say of bytes that have not the form
// they should have. Other errors of theirs are about what such bytes mean.
var ErrCorrupt = errors.New("corrupt")

func corrupt(what string, b []byte) error {
	return fmt.Errorf("types: %s of %d bytes is %w", what, len(b), ErrCorrupt)
}

// A damaged value is one that came from outside and cannot be taken apart: its bytes
// are kept as they came, behind their length, in one block.

const damagedHead = 8 // bytes of the length

// NewDamaged keeps b.
func (sp *Space) NewDamaged(b []byte) Root {
	r := sp.alloc(damagedHead + len(b))
	block := sp.block(r)
	binary.LittleEndian.PutUint64(block, uint64(len(b)))
	copy(block[damagedHead:], b)
	return Root{Encoding: EncodingDamaged, Ref: r}
}

// Damaged returns the bytes that NewDamaged was given, valid until the next change.
func (sp *Space) Damaged(r Root) []byte {
	block := sp.block(r.Ref)
	return block[damagedHead:][:binary.LittleEndian.Uint64(block)]
}

// FramedListpack tells whether bytes are a listpack as far as its frame tells: the
// size in the header, elements according to it, the terminator. It is what Redis
// checks where it does not sanitize (listpack.c, lpValidateIntegrity).
func FramedListpack(b []byte) bool {
	return len(b) > lpEmptySize && uint64(len(b)) == uint64(binary.LittleEndian.Uint32(b)) && b[len(b)-1] == lpEnd &&
		binary.LittleEndian.Uint16(b[4:]) != 0
}
