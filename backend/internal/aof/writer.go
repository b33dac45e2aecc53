package aof

import (
	"fmt"
	"strconv"

	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
	"holdfast/backend/resp"
)

// itemsPerCommand is how many elements one command of a base adds at most
// (AOF_REWRITE_ITEMS_PER_CMD).
const itemsPerCommand = 64

// Writer encodes a snapshot as the commands that build it: a base without an
// RDB preamble. Its owner empties it as it goes.
type Writer struct {
	buf   []byte
	db    int
	words [][]byte
}

// NewWriter returns an empty one.
func NewWriter() *Writer { return &Writer{db: -1} }

// Take hands over what was encoded since the last Take; spare, which may be
// nil, is used for what follows.
func (w *Writer) Take(spare []byte) []byte {
	out := w.buf
	w.buf = spare[:0]
	return out
}

// Pending is how many bytes were not taken yet.
func (w *Writer) Pending() int { return len(w.buf) }

// Prepend puts text before what was encoded; nothing must have been taken.
func (w *Writer) Prepend(text []byte) { w.buf = append(text, w.buf...) }

// Entry encodes one key; it is a store.Sink.
func (w *Writer) Entry(db int, key []byte, v store.Value, expire int64) error {
	if db != w.db {
		w.db = db
		w.command("SELECT", strconv.AppendInt(nil, int64(db), 10))
	}
	if err := w.value(key, &v); err != nil {
		return err
	}
	if expire != store.NoExpire {
		w.command("PEXPIREAT", key, strconv.AppendInt(nil, expire, 10))
	}
	return nil
}

func (w *Writer) value(key []byte, v *store.Value) error {
	switch v.Type {
	case store.String:
		w.command("SET", key, v.Bytes)
	case store.List:
		w.list(key, v.List())
	case store.Set:
		set := v.Set()
		s := w.series("SADD", key, 1, set.Len())
		set.Each(func(member []byte) bool { s.add(member); return true })
	case store.ZSet:
		z := v.ZSet()
		s := w.series("ZADD", key, 2, z.Len())
		var digits [64]byte
		z.Each(0, z.Len(), false, func(member []byte, score float64) bool {
			s.add(types.AppendDouble(digits[:0], score))
			s.add(member)
			return true
		})
	case store.Hash:
		h := v.Hash()
		s := w.series("HMSET", key, 2, h.Len())
		h.Each(func(field, value []byte) bool {
			s.add(field)
			s.add(value)
			return true
		})
	case store.Stream:
		w.stream(key, v.Stream())
	case store.Damaged: // only as it is
		payload, err := rdb.AppendDump(nil, *v)
		if err != nil {
			return err
		}
		w.command("RESTORE", key, []byte("0"), payload)
	default:
		return fmt.Errorf("aof: cannot write a value of type %s", v.Type)
	}
	return nil
}

func (w *Writer) list(key []byte, l types.List) {
	s := w.series("RPUSH", key, 1, l.Len())
	l.Each(0, l.Len(), types.Tail, func(element []byte) bool { s.add(element); return true })
}

func (w *Writer) command(name string, args ...[]byte) {
	w.words = append(append(w.words[:0], []byte(name)), args...)
	w.buf = resp.AppendRequest(w.buf, w.words)
}

// series writes many elements, of width words each, in commands of a bounded
// size.
type series struct {
	w     *Writer
	name  string
	key   []byte
	left  int // words to come
	most  int // words in one command
	inCmd int // words to come in the present command
}

func (w *Writer) series(name string, key []byte, width, count int) *series {
	return &series{w: w, name: name, key: key, left: count * width, most: itemsPerCommand * width}
}

func (s *series) add(word []byte) {
	if s.inCmd == 0 {
		s.inCmd = min(s.left, s.most)
		s.left -= s.inCmd
		s.w.buf = resp.AppendArray(s.w.buf, 2+s.inCmd)
		s.w.buf = resp.AppendBulk(s.w.buf, []byte(s.name))
		s.w.buf = resp.AppendBulk(s.w.buf, s.key)
	}
	s.w.buf = resp.AppendBulk(s.w.buf, word)
	s.inCmd--
}
