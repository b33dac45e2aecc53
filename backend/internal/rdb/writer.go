package rdb

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// Writer encodes a snapshot into a buffer that its owner empties as it goes.
type Writer struct {
	buf   []byte
	texts []span // in buf, that may be compressed
	db    int    // selected; -1: none yet
	keys  []KeyCount

	// Of who seals.
	sum    uint64  // of what was sealed
	packer *packer // nil: nothing is compressed
}

// NewWriter returns an empty snapshot. With compress long strings are compressed
// as Redis does (rdbcompression).
func NewWriter(compress bool) *Writer {
	w := &Writer{db: -1}
	if compress {
		w.packer = new(packer)
	}
	return w
}

// Take hands over what was encoded since the last Take; spare, which may have no
// room, is used for what follows. The owner of the lock under which Entry is
// called calls Take under it too: a command may add a pre-image at any time.
func (w *Writer) Take(spare Piece) Piece {
	out := Piece{w.buf, w.texts}
	spare = spare.Empty()
	w.buf, w.texts = spare.Bytes, spare.texts
	return out
}

// Pending is how many bytes were not taken yet.
func (w *Writer) Pending() int { return len(w.buf) }

// Header opens the snapshot. It may be called after entries were encoded, as
// long as nothing was taken: a walk has to begin before its place in the
// stream is known.
func (w *Writer) Header(info Info) {
	entries, texts := w.buf, w.texts
	w.texts = nil
	w.buf = fmt.Appendf(make([]byte, 0, 512+len(entries)), "REDIS%04d", writeVersion)
	w.keys = info.Keys
	w.aux("redis-ver", info.RedisVersion)
	w.aux("redis-bits", "64")
	w.aux("ctime", strconv.FormatInt(info.Created, 10))
	w.aux("used-mem", strconv.FormatInt(info.UsedMemory, 10))
	if info.StreamID != "" {
		w.aux("repl-stream-db", strconv.Itoa(info.StreamDB))
		w.aux("repl-id", info.StreamID)
		w.aux("repl-offset", strconv.FormatUint(info.StreamOffset, 10))
		w.aux("holdfast-data-epoch", strconv.FormatUint(info.DataEpoch, 10))
		if info.Told != "" {
			w.aux("holdfast-told", info.Told)
		}
		if info.Kept != "" {
			w.aux("holdfast-kept", info.Kept)
		}
	}
	aofBase := "0"
	if info.AOFBase {
		aofBase = "1"
	}
	w.aux("aof-base", aofBase)
	for _, code := range info.Functions {
		w.function(code)
	}
	for _, s := range texts {
		head := uint32(len(w.buf))
		w.texts = append(w.texts, span{s.from + head, s.to + head})
	}
	w.buf = append(w.buf, entries...)
}

func (w *Writer) aux(name, value string) {
	w.buf = append(w.buf, opAux)
	w.text([]byte(name))
	w.text([]byte(value))
}

// function writes the code of a library.
func (w *Writer) function(code string) {
	w.buf = append(w.buf, opFunction2)
	w.blob([]byte(code))
}

// Seal compresses a piece that was taken and sums it up, and closes the last one
// with the checksum of all. It is called for every piece, in the order they were
// taken in, and needs no lock: it takes longer than encoding. What it returns
// stands in the piece's memory, if that has room.
func (w *Writer) Seal(piece Piece, last bool) []byte {
	out := w.pack(piece)
	if last {
		out = append(out, opEnd)
	}
	w.sum = crc64(w.sum, out)
	if last {
		out = binary.LittleEndian.AppendUint64(out, w.sum)
	}
	return out
}

// Entry encodes one key; it is a store.Sink.
func (w *Writer) Entry(db int, key []byte, v store.Value, expire int64) error {
	if db != w.db {
		w.selectDB(db)
	}
	if expire != store.NoExpire {
		w.buf = append(w.buf, opExpireMs)
		w.buf = binary.LittleEndian.AppendUint64(w.buf, uint64(expire))
	}
	at := len(w.buf)
	w.buf = append(w.buf, 0)
	w.text(key)
	kind, err := w.value(&v)
	w.buf[at] = kind
	return err
}

// selectDB says which database the next keys are in, and the first time how
// many there are.
func (w *Writer) selectDB(db int) {
	w.db = db
	w.buf = append(w.buf, opSelectDB)
	w.length(uint64(db))
	if db < len(w.keys) && w.keys[db].Keys > 0 {
		w.buf = append(w.buf, opResizeDB)
		w.length(uint64(w.keys[db].Keys))
		w.length(uint64(w.keys[db].Expires))
		w.keys[db] = KeyCount{}
	}
}

// value encodes a value and returns its type.
func (w *Writer) value(v *store.Value) (kind byte, err error) {
	switch v.Type {
	case store.String:
		w.text(v.Bytes)
		return typeString, nil
	case store.List:
		return w.list(v.List())
	case store.Set:
		return w.set(v.Set())
	case store.ZSet:
		return w.zset(v.ZSet())
	case store.Hash:
		return w.hash(v.Hash())
	case store.Stream:
		return w.stream(v.Stream())
	case store.Damaged:
		return w.damaged(v.Damaged())
	}
	return 0, fmt.Errorf("rdb: cannot write a value of type %s", v.Type)
}

// list writes every list as a quicklist: version 10 knows no other form.
func (w *Writer) list(l types.List) (byte, error) {
	nodes := 0
	l.EachNode(func([]byte) bool { nodes++; return true })
	w.length(uint64(nodes))
	l.EachNode(func(lp []byte) bool {
		w.length(nodePacked)
		w.blob(lp)
		return true
	})
	return typeQuicklist2, nil
}

// set writes small sets of texts in the long form, since the packed one is
// younger than version 10.
func (w *Writer) set(s types.Set) (byte, error) {
	if s.Encoding() == types.EncodingIntset {
		w.blob(s.Bytes())
		return typeIntset, nil
	}
	w.length(uint64(s.Len()))
	s.Each(func(member []byte) bool { w.text(member); return true })
	return typeSet, nil
}

func (w *Writer) zset(z types.ZSet) (byte, error) {
	if z.Encoding() == types.EncodingListpack {
		w.blob(z.Bytes())
		return typeZSetPack, nil
	}
	w.length(uint64(z.Len()))
	// From the greatest on, as Redis does: a skiplist then grows at its head.
	z.Each(0, z.Len(), true, func(member []byte, score float64) bool {
		w.text(member)
		w.buf = binary.LittleEndian.AppendUint64(w.buf, math.Float64bits(score))
		return true
	})
	return typeZSet2, nil
}

func (w *Writer) hash(h types.Hash) (byte, error) {
	if h.Encoding() == types.EncodingListpack {
		w.blob(h.Bytes())
		return typeHashPack, nil
	}
	w.length(uint64(h.Len()))
	h.Each(func(field, value []byte) bool {
		w.text(field)
		w.text(value)
		return true
	})
	return typeHash, nil
}

func (w *Writer) length(n uint64) { w.buf = appendLength(w.buf, n) }

// appendLength encodes a length in as few bytes as the format has for it.
func appendLength(b []byte, n uint64) []byte {
	switch {
	case n < 1<<6:
		return append(b, byte(n))
	case n < 1<<14:
		return append(b, len14|byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, len32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, len64), n)
}

// blob writes bytes as they are, for now.
func (w *Writer) blob(b []byte) {
	w.length(uint64(len(b)))
	w.buf = append(w.buf, b...)
	w.note(len(b))
}

// text writes bytes, as an integer where they are the text of a small one.
func (w *Writer) text(b []byte) {
	const longest = 11 // -2147483648
	if len(b) <= longest {
		if v, ok := types.ParseInt(b); ok && v >= math.MinInt32 && v <= math.MaxInt32 {
			w.integer(int32(v))
			return
		}
	}
	w.blob(b)
}

func (w *Writer) integer(v int32) {
	switch {
	case v >= math.MinInt8 && v <= math.MaxInt8:
		w.buf = append(w.buf, encoded|encInt8, byte(v))
	case v >= math.MinInt16 && v <= math.MaxInt16:
		w.buf = binary.LittleEndian.AppendUint16(append(w.buf, encoded|encInt16), uint16(v))
	default:
		w.buf = binary.LittleEndian.AppendUint32(append(w.buf, encoded|encInt32), uint32(v))
	}
}
