package store

import "holdfast/backend/internal/types"

// StringEdit is a string that may be changed, for values with an inner form: see
// HashEdit. Done must be called, after an error of Resize too.
type StringEdit struct {
	Bytes []byte // the string itself; nil while the key is new
	db    *DB
	key   []byte
	e     types.Ref
}

// EditString is the string that key holds, to change. ok is false when there is
// no such key: then Resize creates it. err is ErrWrongType.
func (db *DB) EditString(key []byte) (s StringEdit, ok bool, err error) {
	s = StringEdit{db: db, key: key}
	e := db.write(key)
	switch {
	case e == 0:
		return s, false, nil
	case db.ks.typeOf(e) != String:
		return s, false, db.ks.mismatch(e)
	}
	s.e, s.Bytes = e, db.ks.payload(e)
	return s, true, nil
}

// Resize makes the string n bytes long, of which those it had before stay. The
// key keeps its expiry. err is ErrNoSpace.
func (s *StringEdit) Resize(n int) error {
	if s.e == 0 {
		s.e = s.db.insert(s.key, n, s.db.newMeta(String), 0)
	} else if n != len(s.Bytes) {
		s.e = s.db.ks.resize(s.e, n, n)
	}
	if s.e == 0 {
		s.Bytes = nil
		return ErrNoSpace
	}
	s.Bytes = s.db.ks.payload(s.e)
	return nil
}

// Done reports the change, if there was one.
func (s *StringEdit) Done(changed bool) {
	if changed && s.e != 0 {
		s.db.ks.setMeta(s.e, 0, metaRaw)
		s.db.changed(s.key)
	}
}
