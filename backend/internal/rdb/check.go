package rdb

import (
	"io"

	"holdfast/backend/internal/store"
)

// Entry is what Check tells of a key.
type Entry struct {
	DB       int
	Key      []byte // valid during the call only
	Type     store.Type
	Elements int   // of a collection; a string's bytes
	Bytes    int64 // in the file, with the key
	End      int64 // offset behind it
	Expires  bool
}

// checkedDatabases bounds the databases of a snapshot that is checked: as many
// as a node can be configured to have, but for the wildest.
const checkedDatabases = 1 << 10

// Check reads a snapshot, from in's present position exactly to its end if in
// is a *bufio.Reader with room for readAhead bytes, and tells visit of every
// key. at is the offset at which it ended or found a fault; a damaged value, which a
// node would keep as it is, is one. It keeps no data:
// one value at a time is in memory.
func Check(in io.Reader, visit func(Entry)) (info Info, at int64, err error) {
	scratch, err := store.New(checkedDatabases)
	if err != nil {
		return Info{}, 0, err
	}
	defer scratch.Close()
	l := newLoader(in, scratch)
	l.strict = true
	l.stored = func(began, expire int64) {
		v, ok := l.db.Look(l.name)
		if !ok {
			return // an empty collection, which no loader keeps
		}
		e := Entry{DB: l.db.Index(), Key: l.name, Type: v.Type, Elements: v.Len(), Bytes: l.at - began, End: l.at, Expires: expire != store.NoExpire}
		if v.Type == store.String {
			e.Elements = len(v.Bytes)
		}
		visit(e)
		l.db.Delete(l.name)
		for scratch.Tidy(tidyStep) {
		}
	}
	err = l.load()
	return l.info, l.at, err
}

const tidyStep = 1 << 16 // elements freed at a time
