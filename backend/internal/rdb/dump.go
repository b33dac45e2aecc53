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
	w.buf = binary.LittleEndian.AppendUint16(w.buf, writeVersion)
	return binary.LittleEndian.AppendUint64(w.buf, crc64(0, w.buf[at:])), nil
}

// Restore lets key hold the value of a DUMP payload, whatever it held before.
// expire is Unix ms or store.NoExpire. The error is ErrDumpVersion, ErrDumpData
// or store.ErrNoSpace, and then the key is as it was. Restoring an empty
// collection, which only old servers dump, changes nothing.
func Restore(s *store.Store, db int, key, payload []byte, expire int64) error {
	body := len(payload) - dumpFoot
	if body < 1 {
		return ErrDumpVersion
	}
	version := binary.LittleEndian.Uint16(payload[body:])
	sum := binary.LittleEndian.Uint64(payload[body+2:])
	if version > readVersion || sum != crc64(0, payload[:body+2]) {
		return ErrDumpVersion
	}
	const ahead = 512 // the payload is in memory
	l := loader{reader: newReader(bytes.NewReader(payload[1:body]), ahead), into: s}
	it, err := l.item(payload[0])
	if err != nil {
		return ErrDumpData
	}
	if l.at != int64(body-1) {
		it.drop(s)
		return ErrDumpData
	}
	return it.put(s.DB(db), key, expire)
}
