package rdb

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// Load reads a snapshot into an empty store, to the snapshot's end; it may have
// buffered bytes behind it. Keys keep their expiry even when it has passed. An
// error leaves the store half filled, to be closed.
func Load(in io.Reader, into *store.Store) (Info, error) {
	l := loader{reader: newReader(in), into: into, db: into.DB(0), expire: store.NoExpire}
	if err := l.header(); err != nil {
		return l.info, err
	}
	for {
		op, err := l.byte()
		if err != nil {
			return l.info, err
		}
		if op == opEnd {
			return l.info, l.checksum()
		}
		if err := l.part(op); err != nil {
			return l.info, err
		}
	}
}

type loader struct {
	*reader
	info   Info
	into   *store.Store
	db     *store.DB
	expire int64 // of the next key
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
		err = l.failf("wrong checksum: %016x stands there, the bytes give %016x", got, want)
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
		return l.skipLengths(2)
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
		_, err := l.text() // functions are not kept yet; the data does not depend on them
		return err
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
	case "repl-id":
		l.info.StreamID = string(value)
	case "repl-offset":
		l.info.StreamOffset, err = strconv.ParseUint(string(value), 10, 64)
	case "repl-stream-db":
		l.info.StreamDB, err = strconv.Atoi(string(value))
	case "holdfast-data-epoch":
		l.info.DataEpoch, err = strconv.ParseUint(string(value), 10, 64)
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

// key reads one key with its value.
func (l *loader) key(kind byte) error {
	b, err := l.text()
	if err != nil {
		return err
	}
	key := append([]byte(nil), b...)
	expire := l.expire
	l.expire = store.NoExpire
	if kind == typeString {
		value, err := l.text()
		if err != nil {
			return err
		}
		return l.db.Set(key, value, expire)
	}
	t, root, err := l.collection(kind)
	if err != nil {
		return fmt.Errorf("key %.64q: %w", key, err)
	}
	if t == store.None { // an empty collection, which Redis drops too
		return nil
	}
	return l.db.Put(key, t, root, expire)
}

func (l *loader) collection(kind byte) (store.Type, types.Root, error) {
	switch kind {
	case typeList:
		return l.list()
	case typeQuicklist2:
		return l.quicklist()
	case typeSet:
		return l.set()
	case typeIntset:
		return l.packedSet(types.EncodingIntset)
	case typeSetPack:
		return l.packedSet(types.EncodingListpack)
	case typeZSet:
		return l.zset(l.textScore)
	case typeZSet2:
		return l.zset(l.binaryScore)
	case typeZSetPack:
		return l.packedZSet()
	case typeHash:
		return l.hash()
	case typeHashPack:
		return l.packedHash()
	}
	return l.oldCollection(kind)
}

func (l *loader) list() (store.Type, types.Root, error) {
	n, err := l.count()
	list := l.into.Space().NewList()
	for i := 0; i < n && err == nil; i++ {
		var value []byte
		if value, err = l.text(); err == nil {
			list.Push(types.Tail, value)
		}
	}
	return ended(store.List, &list, err)
}

func (l *loader) quicklist() (store.Type, types.Root, error) {
	nodes, err := l.count()
	list := l.into.Space().NewList()
	for i := 0; i < nodes && err == nil; i++ {
		err = l.listNode(&list)
	}
	if err == nil && list.Len() > 0 {
		list.Settle()
	}
	return ended(store.List, &list, err)
}

func (l *loader) listNode(list *types.List) error {
	form, err := l.count()
	if err != nil {
		return err
	}
	b, err := l.text()
	switch {
	case err != nil:
		return err
	case form == nodePlain:
		list.Push(types.Tail, b)
		return nil
	case form == nodePacked:
		if err := list.LoadNode(b); err != nil {
			return l.failf("%v", err)
		}
		return nil
	}
	return l.failf("unknown form %d of a list's node", form)
}

func (l *loader) set() (store.Type, types.Root, error) {
	n, err := l.count()
	if err != nil || n == 0 {
		return store.None, types.Root{}, err
	}
	first, err := l.text()
	if err != nil {
		return store.None, types.Root{}, err
	}
	set := l.into.Space().NewSet(first, n)
	set.Add(first)
	for i := 1; i < n && err == nil; i++ {
		var member []byte
		if member, err = l.text(); err == nil {
			set.Add(member)
		}
	}
	return ended(store.Set, &set, err)
}

func (l *loader) packedSet(enc types.Encoding) (store.Type, types.Root, error) {
	b, err := l.text()
	if err != nil {
		return store.None, types.Root{}, err
	}
	set, err := l.into.Space().LoadSet(enc, b)
	if err != nil {
		return store.None, types.Root{}, l.failf("%v", err)
	}
	return ended(store.Set, &set, nil)
}

func (l *loader) zset(score func() (float64, error)) (store.Type, types.Root, error) {
	n, err := l.count()
	if err != nil {
		return store.None, types.Root{}, err
	}
	z := l.into.Space().NewZSet(min(n, step), 0)
	var member []byte
	for i := 0; i < n && err == nil; i++ {
		var b []byte
		if b, err = l.text(); err != nil {
			break
		}
		member = append(member[:0], b...)
		var s float64
		if s, err = score(); err == nil {
			z.Put(member, s)
		}
	}
	return ended(store.ZSet, &z, err)
}

func (l *loader) binaryScore() (float64, error) {
	v, err := l.uint64()
	s := math.Float64frombits(v)
	if err == nil && math.IsNaN(s) {
		err = l.failf("a score that is not a number")
	}
	return s, err
}

// textScore reads the form of versions before 8: one byte of length, of which
// the last three values mean nan, +inf and -inf.
func (l *loader) textScore() (float64, error) {
	n, err := l.byte()
	if err != nil {
		return 0, err
	}
	switch n {
	case 253:
		return 0, l.failf("a score that is not a number")
	case 254:
		return math.Inf(1), nil
	case 255:
		return math.Inf(-1), nil
	}
	b, err := l.full(int(n))
	if err != nil {
		return 0, err
	}
	s, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.IsNaN(s) {
		return 0, l.failf("%q is not a score", b)
	}
	return s, nil
}

func (l *loader) packedZSet() (store.Type, types.Root, error) {
	b, err := l.text()
	if err != nil {
		return store.None, types.Root{}, err
	}
	z, err := l.into.Space().LoadZSet(b)
	if err != nil {
		return store.None, types.Root{}, l.failf("%v", err)
	}
	return ended(store.ZSet, &z, nil)
}

func (l *loader) hash() (store.Type, types.Root, error) {
	n, err := l.count()
	if err != nil {
		return store.None, types.Root{}, err
	}
	h := l.into.Space().NewHash()
	h.Expect(min(n, step))
	var field []byte
	for i := 0; i < n && err == nil; i++ {
		var b []byte
		if b, err = l.text(); err != nil {
			break
		}
		field = append(field[:0], b...)
		if b, err = l.text(); err == nil {
			h.Set(field, b)
		}
	}
	return ended(store.Hash, &h, err)
}

func (l *loader) packedHash() (store.Type, types.Root, error) {
	b, err := l.text()
	if err != nil {
		return store.None, types.Root{}, err
	}
	h, err := l.into.Space().LoadHash(b)
	if err != nil {
		return store.None, types.Root{}, l.failf("%v", err)
	}
	return ended(store.Hash, &h, nil)
}

// built is what all collections have in common here.
type built interface {
	Len() int
	Root() types.Root
	Free()
}

// ended gives a collection to the store, or back when it is of no use.
func ended(t store.Type, c built, err error) (store.Type, types.Root, error) {
	if err != nil || c.Len() == 0 {
		c.Free()
		return store.None, types.Root{}, err
	}
	return t, c.Root(), nil
}
