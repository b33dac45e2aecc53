package rdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"holdfast/backend/internal/store"
)

// Errors of RESTORE, in Redis's words.
var (
	ErrDumpVersion = errors.New("ERR DUMP payload version or checksum are wrong")
	ErrDumpData    = errors.New("ERR Bad data format")
)

// dumpFoot is the two bytes of version and eight of checksum behind a payload.
const dumpFoot = 10

// AppendDump appends what DUMP replies for a value: its type, its encoding as
// in a snapshot, the format's version and a checksum.
func AppendDump(out []byte, v store.Value) ([]byte, error) {
	w := Writer{buf: out}
	at := len(w.buf)
	w.buf = append(w.buf, 0)
	kind, err := w.value(&v)
	if err != nil {
		return out, err
	}
	w.buf[at] = kind
	return seal(w.buf, at), nil
}

// Seal appends the foot to the body of a payload, for tests that make their own.
func Seal(body []byte) []byte { return seal(body, 0) }

func seal(b []byte, from int) []byte {
	b = binary.LittleEndian.AppendUint16(b, writeVersion)
	return binary.LittleEndian.AppendUint64(b, crc64(0, b[from:]))
}

// unseal returns a payload without its foot, which it checks; the sum only if asked to.
func unseal(payload []byte, sum bool) ([]byte, error) {
	body := len(payload) - dumpFoot
	if body < 0 {
		return nil, ErrDumpVersion
	}
	version := binary.LittleEndian.Uint16(payload[body:])
	if version > readVersion || sum && binary.LittleEndian.Uint64(payload[body+2:]) != crc64(0, payload[:body+2]) {
		return nil, ErrDumpVersion
	}
	return payload[:body], nil
}

// Undumping says how a payload is checked.
type Undumping struct {
	Unsummed bool // the checksum may be wrong: for tests
	Deep     bool // members must be distinct, in every encoding, and nothing damaged
}

// Undump reads a DUMP payload into s; the value is in no database until it is
// Put. The error is ErrDumpVersion, or wraps ErrDumpData and says what is wrong.
// An empty collection, which only old servers dump, is ErrDumpData too, as in
// Redis. The payload must not change before Put.
func Undump(s *store.Store, payload []byte, how Undumping) (Undumped, error) {
	body, err := unseal(payload, !how.Unsummed)
	if err != nil || len(body) == 0 {
		return Undumped{}, ErrDumpVersion
	}
	const ahead = 512 // the payload is in memory
	l := loader{reader: newReader(bytes.NewReader(body[1:]), ahead), into: s, strict: how.Deep}
	it, err := l.item(body[0])
	if err == nil && it.kind == store.None {
		err = l.failf("an empty collection")
	}
	if err == nil && l.at != int64(len(body)-1) {
		err = l.failf("%d bytes behind the value", int64(len(body)-1)-l.at)
	}
	if err == nil && how.Deep && !it.distinct(s) {
		err = l.failf("%v", errTwice)
	}
	if err != nil {
		it.drop(s)
		return Undumped{}, fmt.Errorf("%w: %w", ErrDumpData, unsound(body[0], err))
	}
	return Undumped{it}, nil
}

// Undumped is a value that belongs to no key yet. It is either Put or Dropped.
type Undumped struct{ item item }

// Put lets key hold the value, whatever it held before. expire is Unix ms or
// store.NoExpire. The error is store.ErrNoSpace.
func (u Undumped) Put(db *store.DB, key []byte, expire int64) error {
	return u.item.put(db, key, expire)
}

// Damaged tells that the value was kept as it came and cannot be used.
func (u Undumped) Damaged() bool { return u.item.kind == store.Damaged }

// Drop gives the value's memory back.
func (u Undumped) Drop(s *store.Store) { u.item.drop(s) }
