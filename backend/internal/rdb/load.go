package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

const (
	readAhead    = 256 << 10 // bytes asked of a file or connection at once
	believedKeys = 1 << 24   // for which room is made before they come: 64 MiB

	// Redis's replication offsets are signed: a history that began beyond these
	// bits would soon have none that it could ask for.
	maxOffsetBits = 62
)

// Load reads a snapshot into an empty store, to the snapshot's end; it may have
// buffered bytes behind it. Keys keep their expiry even when it has passed. An
// error leaves the store half filled, to be closed.
func Load(in io.Reader, into *store.Store) (Info, error) {
	return LoadEach(in, into, func() error { return nil })
}

// LoadEach is Load that calls each behind every key; an error of it ends the
// load.
func LoadEach(in io.Reader, into *store.Store, each func() error) (Info, error) {
	l := newLoader(in, into)
	l.each = each
	err := l.load()
	return l.info, err
}

// LoadWhole is LoadEach of a source that ends where the snapshot does: bytes
// behind its end are an error.
func LoadWhole(in io.Reader, into *store.Store, each func() error) (Info, error) {
	l := newLoader(in, into)
	l.each = each
	if err := l.load(); err != nil {
		return l.info, err
	}
	_, err := l.in.ReadByte()
	switch err {
	case nil:
		return l.info, l.failf("the source goes on behind the end of the snapshot")
	case io.EOF:
		return l.info, nil
	}
	return l.info, err
}

func newLoader(in io.Reader, into *store.Store) *loader {
	return &loader{reader: newReader(in, readAhead), into: into, db: into.DB(0), expire: store.NoExpire,
		stored: func(int64, int64) {}, each: func() error { return nil }}
}

func (l *loader) load() error {
	if err := l.header(); err != nil {
		return err
	}
	for {
		op, err := l.byte()
		if err != nil {
			return err
		}
		if op == opEnd {
			return l.checksum()
		}
		if err := l.part(op); err != nil {
			return err
		}
	}
}

type loader struct {
	*reader
	info   Info
	into   *store.Store
	db     *store.DB
	expire int64                     // of the next key
	name   []byte                    // of the present one
	stored func(began, expire int64) // a key was stored whose bytes began there
	each   func() error              // called behind every key

	strict   bool // nothing damaged is kept
	damaged  bool // the present value is
	cassette tape
}

func (l *loader) header() error {
	magic, err := l.full(9)
	if err != nil {
		return err
	}
	v, err := strconv.Atoi(string(magic[5:]))
	if string(magic[:5]) != "REDIS" || err != nil {
		return l.failf("not a snapshot: it begins with %q", magic)
	}
	if v < 1 || v > readVersion {
		return l.failf("version %d is not known, versions 1 to %d are", v, readVersion)
	}
	l.info.Version = v
	return nil
}

// checksum compares the sum behind the end; 0 says that none was made.
func (l *loader) checksum() error {
	if l.info.Version < 5 {
		return nil
	}
	want := l.sum
	got, err := l.uint64()
	if err == nil && got != 0 && got != want {
		err = l.failf("RDB CRC error: wrong checksum, %016x stands there, the bytes give %016x", got, want)
	}
	return err
}

// part reads what op opens.
func (l *loader) part(op byte) error {
	switch op {
	case opAux:
		return l.aux()
	case opSelectDB:
		return l.selectDB()
	case opResizeDB:
		return l.resizeDB()
	case opSlotInfo:
		return l.skipLengths(3)
	case opExpireMs:
		ms, err := l.uint64()
		l.expire = int64(ms)
		return err
	case opExpireSec:
		b, err := l.full(4)
		if err == nil {
			l.expire = int64(int32(binary.LittleEndian.Uint32(b))) * 1000
		}
		return err
	case opIdle:
		return l.skipLengths(1)
	case opFreq:
		_, err := l.byte()
		return err
	case opFunction2:
		code, err := l.text()
		l.info.Functions = append(l.info.Functions, string(code))
		return err
	case opFunction:
		return l.failf("a function in the format of a release candidate of Redis 7.0, which cannot be loaded")
	case opModuleAux:
		return l.failf("data of a module, which cannot be loaded")
	}
	return l.key(op)
}

func (l *loader) skipLengths(n int) error {
	for range n {
		if _, _, err := l.length(); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) aux() error {
	b, err := l.text()
	if err != nil {
		return err
	}
	name := string(b)
	value, err := l.text()
	if err != nil {
		return err
	}
	switch name {
	case "redis-ver":
		l.info.RedisVersion = string(value)
	case "ctime":
		l.info.Created, err = strconv.ParseInt(string(value), 10, 64)
	case "used-mem":
		l.info.UsedMemory, err = strconv.ParseInt(string(value), 10, 64)
	case "aof-base":
		l.info.AOFBase = string(value) == "1"
	case "repl-id":
		l.info.StreamID = string(value)
	case "repl-offset":
		l.info.StreamOffset, err = strconv.ParseUint(string(value), 10, maxOffsetBits)
	case "repl-stream-db":
		l.info.StreamDB, err = strconv.Atoi(string(value))
	case "holdfast-data-epoch":
		l.info.DataEpoch, err = strconv.ParseUint(string(value), 10, 64)
	case "holdfast-told":
		l.info.Told = string(value)
	case "holdfast-kept":
		l.info.Kept = string(value)
	}
	if err != nil {
		return l.failf("AUX field %s: %v", name, err)
	}
	return nil
}

func (l *loader) selectDB() error {
	n, _, err := l.length()
	if err != nil {
		return err
	}
	if n >= uint64(l.into.Databases()) {
		return l.failf("database %d does not exist here: set databases above it", n)
	}
	l.db = l.into.DB(int(n))
	return nil
}

// resizeDB makes room for the keys that are announced, in advance only as far
// as a forged number would do no harm.
func (l *loader) resizeDB() error {
	keys, _, err := l.length()
	if err == nil {
		l.db.Expect(int(min(keys, believedKeys)))
		_, _, err = l.length() // keys with an expiry
	}
	return err
}

// key reads one key with its value. A key that comes twice is a sign of a torn
// snapshot: which of the two is right nobody knows.
func (l *loader) key(kind byte) error {
	began := l.at
	b, err := l.text()
	if err != nil {
		return err
	}
	l.name = append(l.name[:0], b...)
	if l.db.Has(l.name) {
		return l.failf("key %.64q comes twice", l.name)
	}
	expire := l.expire
	l.expire = store.NoExpire
	it, err := l.item(kind)
	if err != nil {
		if !errors.Is(err, io.ErrUnexpectedEOF) { // of which the source is the reason
			err = unsound(kind, err)
		}
		return fmt.Errorf("key %.64q: %w", l.name, err)
	}
	switch it.kind {
	case store.Damaged:
		l.info.Damaged = append(l.info.Damaged, string(l.name))
	case store.None:
		l.info.Empty = append(l.info.Empty, string(l.name))
	}
	if err := it.put(l.db, l.name, expire); err != nil {
		return err
	}
	l.stored(began, expire)
	return l.each()
}

// item is a value that was read and belongs to no key yet: a string's bytes,
// valid until the next read, or a collection. The type None stands for an
// empty collection, which is dropped, as Redis does.
type item struct {
	kind  store.Type
	bytes []byte
	root  types.Root
}

// put stores the item; err is store.ErrNoSpace.
func (it item) put(db *store.DB, key []byte, expire int64) error {
	switch it.kind {
	case store.None:
		return nil
	case store.String:
		return db.Set(key, it.bytes, expire)
	}
	return db.Put(key, it.kind, it.root, expire)
}

// drop frees an item that is not stored.
func (it item) drop(s *store.Store) {
	if it.kind != store.None && it.kind != store.String {
		s.Space().Free(it.root)
	}
}
