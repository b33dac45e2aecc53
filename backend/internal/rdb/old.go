package rdb

import (
	"errors"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

var (
	errTwice   = errors.New("the same element twice")
	errOldPack = errors.New("an old compact encoding is corrupt")
	errScore   = errors.New("a score that is not a number")
)

// unread names the types that are not read.
var unread = map[byte]string{
	6: "a module's value", 7: "a module's value",
	22: "a hash with expiring fields", 23: "a hash with expiring fields",
	24: "a hash with expiring fields", 25: "a hash with expiring fields",
}

// oldCollection reads the encodings of Redis before 7.0 into present ones, and
// refuses what cannot be read by its name.
func (l *loader) oldCollection(kind byte) (store.Type, types.Root, error) {
	switch kind {
	case typeListZip:
		return l.zipList(1)
	case typeQuicklist:
		nodes, err := l.count()
		if err != nil {
			return store.None, types.Root{}, err
		}
		return l.zipList(nodes)
	case typeHashZip:
		return l.zipHash()
	case typeZSetZip:
		return l.zipZSet()
	case typeZipmap:
		return l.zipmapHash()
	}
	if name := unread[kind]; name != "" {
		return store.None, types.Root{}, l.failf("%s (type %d), which cannot be loaded", name, kind)
	}
	return store.None, types.Root{}, l.failf("unknown type %d", kind)
}

// zipList reads a list of so many ziplists.
func (l *loader) zipList(nodes int) (store.Type, types.Root, error) {
	list := l.into.Space().NewList()
	var err error
	for i := 0; i < nodes && err == nil; i++ {
		err = l.eachZip(func(element []byte) error {
			list.Push(types.Tail, element)
			return nil
		})
	}
	return ended(store.List, &list, err)
}

func (l *loader) zipHash() (store.Type, types.Root, error) {
	h := l.into.Space().NewHash()
	err := l.eachZipPair(func(field, value []byte) error {
		if !h.Set(field, value) {
			return errTwice
		}
		return nil
	})
	return ended(store.Hash, &h, err)
}

func (l *loader) zipZSet() (store.Type, types.Root, error) {
	z := l.into.Space().NewZSet(0, 0)
	err := l.eachZipPair(func(member, text []byte) error {
		score, ok := types.ParseFloat(text)
		if !ok {
			return errScore
		}
		if _, existed := z.Put(member, score); existed {
			return errTwice
		}
		return nil
	})
	return ended(store.ZSet, &z, err)
}

func (l *loader) zipmapHash() (store.Type, types.Root, error) {
	b, err := l.text()
	if err != nil {
		return store.None, types.Root{}, err
	}
	h := l.into.Space().NewHash()
	m, ok := openZipmap(b)
	for ok && m.more() {
		var field, value []byte
		if field, value, ok = m.next(); ok {
			ok = h.Set(field, value)
		}
	}
	if !ok || !m.complete() {
		err = l.failf("%v", errOldPack)
	}
	return ended(store.Hash, &h, err)
}

// eachZip reads a ziplist and visits its elements.
func (l *loader) eachZip(visit func(element []byte) error) error {
	b, err := l.text()
	if err != nil {
		return err
	}
	var digits [types.MaxIntLen]byte
	z, ok := openZiplist(b)
	for ok && z.more() {
		var element []byte
		if element, ok = z.next(digits[:]); !ok {
			break
		}
		if err := visit(element); err != nil {
			return l.failf("%v", err)
		}
	}
	if !ok || !z.complete() {
		return l.failf("%v", errOldPack)
	}
	return nil
}

// eachZipPair reads a ziplist whose elements belong together by two.
func (l *loader) eachZipPair(visit func(a, b []byte) error) error {
	var first []byte
	half := false
	err := l.eachZip(func(element []byte) error {
		if half = !half; half {
			first = append(first[:0], element...) // an integer's digits are written over
			return nil
		}
		return visit(first, element)
	})
	if err == nil && half {
		err = l.failf("%v", errOldPack)
	}
	return err
}
