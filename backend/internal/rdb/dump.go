package rdb

import (
	"bytes"
	"encoding/binary"
	"errors"

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

// Resealed is a copy of a payload with a checksum that is right: what it holds is
// then judged alone. What is too short to have one comes back as it is.
func Resealed(payload []byte) []byte {
	body := len(payload) - dumpFoot
	if body < 0 {
		return payload
	}
	sealed := append([]byte(nil), payload[:body+2]...)
	return binary.LittleEndian.AppendUint64(sealed, crc64(0, sealed))
}

func seal(b []byte, from int) []byte {
	b = binary.LittleEndian.AppendUint16(b, writeVersion)
	return binary.LittleEndian.AppendUint64(b, crc64(0, b[from:]))
}

// unseal returns a payload without its foot, which it checks.
func unseal(payload []byte) ([]byte, error) {
	body := len(payload) - dumpFoot
	if body < 0 {
		return nil, ErrDumpVersion
	}
	version := binary.LittleEndian.Uint16(payload[body:])
	sum := binary.LittleEndian.Uint64(payload[body+2:])
	if version > readVersion || sum != crc64(0, payload[:body+2]) {
		return nil, ErrDumpVersion
	}
	return payload[:body], nil
}

// Undump reads a DUMP payload into s; the value is in no database until it is
// Put. The error is ErrDumpVersion or ErrDumpData. An empty collection, which
// only old servers dump, is ErrDumpData too, as in Redis. The payload must not
// change before Put.
func Undump(s *store.Store, payload []byte) (Undumped, error) {
	body, err := unseal(payload)
	if err != nil || len(body) == 0 {
		return Undumped{}, ErrDumpVersion
	}
	const ahead = 512 // the payload is in memory
	l := loader{reader: newReader(bytes.NewReader(body[1:]), ahead), into: s}
	it, err := l.item(body[0])
	if err != nil || it.kind == store.None {
		return Undumped{}, ErrDumpData
	}
	if l.at != int64(len(body)-1) {
		it.drop(s)
		return Undumped{}, ErrDumpData
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

// Drop gives the value's memory back.
func (u Undumped) Drop(s *store.Store) { u.item.drop(s) }
