package store

import "holdfast/backend/internal/types"

// edit is what the Edits of all types have in common: where the collection that
// is being changed comes from, and goes back to.
type edit struct {
	db  *DB
	key []byte
	e   types.Ref // 0: the key is new
	t   Type
}

// HashEdit is a hash that may be changed. Done must be called before the key is
// looked up again, and one key is edited once at a time.
type HashEdit struct {
	types.Hash
	edit
}

// ListEdit is a list that may be changed; see HashEdit.
type ListEdit struct {
	types.List
	edit
}

// SetEdit is a set that may be changed; see HashEdit.
type SetEdit struct {
	types.Set
	edit
}

// ZSetEdit is a sorted set that may be changed; see HashEdit.
type ZSetEdit struct {
	types.ZSet
	edit
}

// StreamEdit is a stream that may be changed; see HashEdit.
type StreamEdit struct {
	types.Stream
	edit
}

// Hash is the hash that key holds, to read. ok is false when there is no such
// key; err is ErrWrongType when it holds something else, ErrDamaged when nobody
// can read it. Take no view by
// Encoding: what is compact now may be large next time.
func (db *DB) Hash(key []byte) (h types.Hash, ok bool, err error) {
	root, ok, err := db.readRoot(key, Hash)
	return db.ks.h.space.OpenHash(root), ok, err
}

// List is the list that key holds, to read; see Hash.
func (db *DB) List(key []byte) (l types.List, ok bool, err error) {
	root, ok, err := db.readRoot(key, List)
	return db.ks.h.space.OpenList(root), ok, err
}

// SetOf is the set that key holds, to read; see Hash. (Set sets a string.)
func (db *DB) SetOf(key []byte) (s types.Set, ok bool, err error) {
	root, ok, err := db.readRoot(key, Set)
	return db.ks.h.space.OpenSet(root), ok, err
}

// ZSet is the sorted set that key holds, to read; see Hash.
func (db *DB) ZSet(key []byte) (z types.ZSet, ok bool, err error) {
	root, ok, err := db.readRoot(key, ZSet)
	return db.ks.h.space.OpenZSet(root), ok, err
}

// Stream is the stream that key holds, to read; see Hash.
func (db *DB) Stream(key []byte) (s types.Stream, ok bool, err error) {
	root, ok, err := db.readRoot(key, Stream)
	return db.ks.h.space.OpenStream(root), ok, err
}

func (db *DB) readRoot(key []byte, t Type) (root types.Root, ok bool, err error) {
	e := db.read(key)
	switch {
	case e == 0:
		return types.Root{}, false, nil
	case db.ks.typeOf(e) != t:
		return types.Root{}, false, db.ks.mismatch(e)
	}
	return db.ks.root(e), true, nil
}

// mismatch is the error of asking for another type than the one an entry has.
func (ks *keyspace) mismatch(e types.Ref) error {
	if ks.typeOf(e) == Damaged {
		return ErrDamaged
	}
	return ErrWrongType
}

// EditHash is the hash that key holds, to change. ok is false when there is no
// such key, and then there is nothing to be Done.
func (db *DB) EditHash(key []byte) (h HashEdit, ok bool, err error) {
	root, ok, err := h.edit.open(db, key, Hash)
	h.Hash = db.ks.h.space.OpenHash(root)
	return h, ok, err
}

// EditList is the list that key holds, to change; see EditHash.
func (db *DB) EditList(key []byte) (l ListEdit, ok bool, err error) {
	root, ok, err := l.edit.open(db, key, List)
	l.List = db.ks.h.space.OpenList(root)
	return l, ok, err
}

// EditSet is the set that key holds, to change; see EditHash.
func (db *DB) EditSet(key []byte) (s SetEdit, ok bool, err error) {
	root, ok, err := s.edit.open(db, key, Set)
	s.Set = db.ks.h.space.OpenSet(root)
	return s, ok, err
}

// EditZSet is the sorted set that key holds, to change; see EditHash.
func (db *DB) EditZSet(key []byte) (z ZSetEdit, ok bool, err error) {
	root, ok, err := z.edit.open(db, key, ZSet)
	z.ZSet = db.ks.h.space.OpenZSet(root)
	return z, ok, err
}

// EditStream is the stream that key holds, to change; see EditHash.
func (db *DB) EditStream(key []byte) (s StreamEdit, ok bool, err error) {
	root, ok, err := s.edit.open(db, key, Stream)
	s.Stream = db.ks.h.space.OpenStream(root)
	return s, ok, err
}

// MakeHash is EditHash, with a new empty hash when there is no such key.
func (db *DB) MakeHash(key []byte) (h HashEdit, err error) {
	root, ok, err := h.edit.open(db, key, Hash)
	if h.Hash = db.ks.h.space.OpenHash(root); !ok && err == nil {
		h.Hash = db.ks.h.space.NewHash()
	}
	return h, err
}

// MakeList is EditList, with a new empty list when there is no such key.
func (db *DB) MakeList(key []byte) (l ListEdit, err error) {
	root, ok, err := l.edit.open(db, key, List)
	if l.List = db.ks.h.space.OpenList(root); !ok && err == nil {
		l.List = db.ks.h.space.NewList()
	}
	return l, err
}

// MakeSet is EditSet, with a new set that suits first as its first member and
// about n in all when there is no such key.
func (db *DB) MakeSet(key, first []byte, n int) (s SetEdit, err error) {
	root, ok, err := s.edit.open(db, key, Set)
	if s.Set = db.ks.h.space.OpenSet(root); !ok && err == nil {
		s.Set = db.ks.h.space.NewSet(first, n)
	}
	return s, err
}

// MakeZSet is EditZSet, with a new sorted set that suits about n members of up
// to size bytes when there is no such key.
func (db *DB) MakeZSet(key []byte, n, size int) (z ZSetEdit, err error) {
	root, ok, err := z.edit.open(db, key, ZSet)
	if z.ZSet = db.ks.h.space.OpenZSet(root); !ok && err == nil {
		z.ZSet = db.ks.h.space.NewZSet(n, size)
	}
	return z, err
}

// MakeStream is EditStream, with a new empty stream when there is no such key.
func (db *DB) MakeStream(key []byte) (s StreamEdit, err error) {
	root, ok, err := s.edit.open(db, key, Stream)
	if s.Stream = db.ks.h.space.OpenStream(root); !ok && err == nil {
		s.Stream = db.ks.h.space.NewStream()
	}
	return s, err
}

func (ed *edit) open(db *DB, key []byte, t Type) (root types.Root, ok bool, err error) {
	ed.db, ed.key, ed.t = db, key, t
	e := db.write(key)
	switch {
	case e == 0:
		return types.Root{}, false, nil
	case db.ks.typeOf(e) != t:
		return types.Root{}, false, db.ks.mismatch(e)
	}
	ed.e = e
	return db.ks.root(e), true, nil
}

// Done puts the hash back under its key, and reports the change if there was
// one. A hash that has become empty is deleted, and gone is true; a new one
// that stayed empty never was.
func (h *HashEdit) Done(changed bool) (gone bool) {
	return h.edit.done(h.Root(), h.Len(), changed)
}

// Done is as that of HashEdit.
func (l *ListEdit) Done(changed bool) (gone bool) {
	return l.edit.done(l.Root(), l.Len(), changed)
}

// Done is as that of HashEdit.
func (s *SetEdit) Done(changed bool) (gone bool) {
	return s.edit.done(s.Root(), s.Len(), changed)
}

// Done is as that of HashEdit.
func (z *ZSetEdit) Done(changed bool) (gone bool) {
	return z.edit.done(z.Root(), z.Len(), changed)
}

// New tells that the key is not there yet.
func (s *StreamEdit) New() bool { return s.e == 0 }

// Done puts the stream back under its key, and reports the change if there was
// one. Changes of groups alone are none for those who watch the key. A stream
// stays when it has become empty; a new one that was not changed never was.
func (s *StreamEdit) Done(changed bool) {
	n := 1
	if s.e == 0 && !changed {
		n = 0
	}
	s.edit.done(s.Root(), n, changed)
}

func (ed *edit) done(root types.Root, n int, changed bool) (gone bool) {
	ks := ed.db.ks
	switch {
	case n == 0 && ed.e == 0:
		ks.h.space.Free(root)
		return false
	case n == 0:
		ks.setRoot(ed.e, root)
		ed.db.remove(ed.e)
		return true
	case ed.e == 0:
		if ed.e = ed.db.setNewRoot(ed.db.insert(ed.key, rootSize, ed.db.newMeta(ed.t), NoExpire), root); ed.e == 0 {
			panic(types.ErrNoSpace) // as the types do: behind maxmemory there is nothing
		}
	default:
		ks.setRoot(ed.e, root)
	}
	if changed {
		ed.db.changed(ed.key)
	}
	return false
}

func (db *DB) setNewRoot(e types.Ref, root types.Root) types.Ref {
	if e != 0 {
		db.ks.setRoot(e, root)
	}
	return e
}

// Put lets key hold a collection that was made in the store's Space, whatever
// it held before, with an expiry in Unix ms or NoExpire. The collection is the
// store's from here on, and freed when err is ErrNoSpace. It is not empty.
func (db *DB) Put(key []byte, t Type, root types.Root, expire int64) error {
	insert := db.insert
	if e := db.find(key); e != 0 {
		db.remove(e)
		insert = db.ks.insert // the key is not new
	}
	if db.setNewRoot(insert(key, rootSize, db.newMeta(t), expire), root) == 0 {
		db.ks.h.space.Free(root)
		return ErrNoSpace
	}
	db.changed(key)
	return nil
}
