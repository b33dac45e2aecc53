package rdb

import (
	"math"
	"strconv"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// collection reads a value that is no string and makes it in the store's space.
// The type is None when it has no elements.
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
	case typeStream, typeStream2, typeStream3:
		return l.stream(kind)
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
	case form == nodePlain && len(b) == 0:
		return l.failf("an empty element in a node of its own")
	case form == nodePlain:
		list.Push(types.Tail, b)
		return nil
	case form == nodePacked:
		return l.damage(b, list.LoadNode(b))
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
	set := l.into.Space().NewSet(first, min(n, step))
	set.Add(first)
	for i := 1; i < n && err == nil; i++ {
		var member []byte
		if member, err = l.text(); err == nil && !set.Add(member) {
			err = l.failf("%v", errTwice)
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
		return store.None, types.Root{}, l.damage(b, err)
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
			if _, existed := z.Put(member, s); existed {
				err = l.failf("%v", errTwice)
			}
		}
	}
	return ended(store.ZSet, &z, err)
}

func (l *loader) binaryScore() (float64, error) {
	v, err := l.uint64()
	s := math.Float64frombits(v)
	if err == nil && math.IsNaN(s) {
		err = l.failf("%v", errScore)
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
		return 0, l.failf("%v", errScore)
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
		return store.None, types.Root{}, l.damage(b, err)
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
		if b, err = l.text(); err == nil && !h.Set(field, b) {
			err = l.failf("%v", errTwice)
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
		return store.None, types.Root{}, l.damage(b, err)
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
