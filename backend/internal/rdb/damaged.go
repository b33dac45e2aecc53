package rdb

import (
	"errors"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// A value of listpacks may be damaged inside while all that surrounds it is whole: it
// was so in the memory of the server that wrote it. Redis keeps such a value unless it
// sanitizes, and crashes or reads nonsense when it is used. Here it is kept too, as the
// bytes it came as and under a type of its own, so that nothing that was given away by
// somebody (MIGRATE) is lost and one value does not keep a whole snapshot from being
// loaded; but nobody reads it. Whoever writes it writes these bytes again.

// maxDamaged bounds a damaged value, bytes: what is larger is refused. So much of each
// value that may turn out to be damaged is remembered while it is read.
const maxDamaged = 64 << 20

// mayBeDamaged tells which forms are kept: those of listpacks that a reader of the
// version we write knows.
func mayBeDamaged(kind byte) bool {
	switch kind {
	case typeHashPack, typeZSetPack, typeQuicklist2, typeStream, typeStream2:
		return true
	}
	return false
}

// tape remembers the bytes of a value while it is read.
type tape struct {
	bytes []byte // kind and body
	full  bool   // and so of no use
}

func (t *tape) record(b ...byte) {
	if t.full = t.full || len(t.bytes)+len(b) > maxDamaged; !t.full {
		t.bytes = append(t.bytes, b...)
	}
}

// rewind begins another value. What a large one took is given back.
func (t *tape) rewind(kind byte) {
	const keep = 1 << 20
	if cap(t.bytes) > keep {
		t.bytes = nil
	}
	t.bytes, t.full = append(t.bytes[:0], kind), false
}

// item reads a value.
func (l *loader) item(kind byte) (it item, err error) {
	if kind == typeString {
		it.kind = store.String
		it.bytes, err = l.text()
		return it, err
	}
	if l.strict || !mayBeDamaged(kind) {
		it.kind, it.root, err = l.collection(kind)
		return it, err
	}
	l.cassette.rewind(kind)
	l.tape, l.damaged = &l.cassette, false
	it.kind, it.root, err = l.collection(kind)
	l.tape = nil
	if err == nil && l.damaged {
		it.drop(l.into)
		it = item{kind: store.Damaged, root: l.into.Space().NewDamaged(l.cassette.bytes)}
	}
	return it, err
}

// damage is what becomes of err, of a listpack within a value: nothing, if the value
// can be kept as it is.
func (l *loader) damage(listpack []byte, err error) error {
	switch {
	case err == nil:
		return nil
	case l.tape != nil && !l.tape.full && errors.Is(err, types.ErrCorrupt) && types.FramedListpack(listpack):
		l.damaged = true
		return nil
	}
	return l.failf("%v", err)
}

// damaged writes a value as it came.
func (w *Writer) damaged(b []byte) (kind byte, err error) {
	w.buf = append(w.buf, b[1:]...)
	return b[0], nil
}
