package store

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"hash"
	"math"

	"holdfast/backend/internal/types"
)

// DigestSize is the length of a digest in bytes.
const DigestSize = sha1.Size

// Digest is the fingerprint of a whole store that DEBUG DIGEST replies: equal
// data have equal digests, however they are encoded and in whatever order they
// were written, here and in Redis (debug.c). What has no order is combined by
// xor, what has one by hashing on. It takes time with all data and allocates a
// little. Keys whose time has come count as long as they are there.
func (s *Store) Digest() [DigestSize]byte {
	var d digester
	d.sha = sha1.New()
	var all [DigestSize]byte
	for _, db := range s.dbs {
		if db.Len() == 0 {
			continue
		}
		d.number(&all, uint32(db.index))
		db.ks.dict.Each(func(e types.Ref) bool {
			one := d.entry(db.ks.dict.Key(e), db.ks.value(e), db.ks.expireOf(e) != 0)
			d.xor(&all, one[:])
			return true
		})
	}
	return all
}

// DigestOf is the fingerprint of one value, for DEBUG DIGEST-VALUE; all zeroes
// when there is no such key.
func (db *DB) DigestOf(key []byte) (sum [DigestSize]byte) {
	if e := db.find(key); e != 0 {
		d := digester{sha: sha1.New()}
		d.value(&sum, db.ks.value(e), db.ks.expireOf(e) != 0)
	}
	return sum
}

type digester struct {
	sha  hash.Hash
	sum  [DigestSize]byte
	text [64]byte
}

// xor adds data to a sum in which order does not count.
func (d *digester) xor(sum *[DigestSize]byte, data []byte) {
	d.sha.Reset()
	d.sha.Write(data)
	for i, b := range d.sha.Sum(d.sum[:0]) {
		sum[i] ^= b
	}
}

// mix adds data to a sum in which order counts.
func (d *digester) mix(sum *[DigestSize]byte, data []byte) {
	d.xor(sum, data)
	d.sha.Reset()
	d.sha.Write(sum[:])
	d.sha.Sum(sum[:0])
}

func (d *digester) number(sum *[DigestSize]byte, n uint32) {
	d.mix(sum, binary.BigEndian.AppendUint32(d.text[:0], n))
}

// pair adds two strings that belong together, in an order that does not count.
func (d *digester) pair(sum *[DigestSize]byte, a, b []byte) {
	var one [DigestSize]byte
	d.mix(&one, a)
	d.mix(&one, b)
	d.xor(sum, one[:])
}

// stream adds entries alone: what groups have read does not count in Redis.
func (d *digester) stream(sum *[DigestSize]byte, s *types.Stream) {
	for e := s.Entries(types.StreamID{}, types.MaxStreamID, false); e.Next(); {
		id := e.ID.Append(d.text[:0])
		id[bytes.IndexByte(id, '-')] = '.'
		d.mix(sum, id)
		for range e.Fields {
			field, value := e.Pair()
			d.mix(sum, field)
			d.mix(sum, value)
		}
	}
}

// redisType is Redis's number of a type. It has the same order, from 0, but for
// modules, which come before streams.
func redisType(t Type) uint32 {
	if t == Stream {
		return 6
	}
	return uint32(t - String)
}

func (d *digester) entry(key []byte, v Value, expires bool) (sum [DigestSize]byte) {
	d.mix(&sum, key)
	d.value(&sum, v, expires)
	return sum
}

func (d *digester) value(sum *[DigestSize]byte, v Value, expires bool) {
	d.number(sum, redisType(v.Type))
	switch v.Type {
	case String:
		d.mix(sum, v.Bytes)
	case List:
		l := v.List()
		l.Each(0, math.MaxInt, types.Tail, func(e []byte) bool { d.mix(sum, e); return true })
	case Set:
		s := v.Set()
		s.Each(func(m []byte) bool { d.xor(sum, m); return true })
	case ZSet:
		z := v.ZSet()
		z.Each(0, z.Len(), false, func(m []byte, score float64) bool {
			d.pair(sum, m, types.AppendDouble(d.text[32:32], score))
			return true
		})
	case Hash:
		h := v.Hash()
		h.Each(func(f, v []byte) bool { d.pair(sum, f, v); return true })
	case Stream:
		s := v.Stream()
		d.stream(sum, &s)
	case Damaged:
		d.mix(sum, v.Damaged())
	}
	if expires {
		d.xor(sum, []byte("!!expire!!"))
	}
}
