package types

import (
	"bytes"
	"sort"
	"unsafe"
)

// nameTable is a sorted array of the blocks of things that have names: the groups of
// a stream, the consumers of a group. There are few of them, and they are found often:
// an array of references is the smallest thing that does that.
//
// Each block begins with the length of the name (uint32), which stands at its end.
type nameTable struct {
	list Ref // of n Refs
	n    uint32
}

// names is a nameTable to work with, valid as long as the block that it lies in.
type names struct {
	a *Arena
	*nameTable
	head int // bytes of a block before the name
}

func (t names) refs() []Ref { return unsafe.Slice((*Ref)(t.a.ptr(t.list)), t.n) }

func (t names) name(r Ref) []byte {
	p := t.a.ptr(r)
	return unsafe.Slice((*byte)(unsafe.Add(p, t.head)), *(*uint32)(p))
}

// find returns the index of the block of this name, or the one at which it would be.
func (t names) find(name []byte) (i int, ok bool) {
	if t.n == 0 {
		return 0, false
	}
	refs := t.refs()
	i = sort.Search(len(refs), func(i int) bool { return bytes.Compare(t.name(refs[i]), name) >= 0 })
	return i, i < len(refs) && bytes.Equal(t.name(refs[i]), name)
}

// add makes a block for a name, which belongs at index i. Its head is zero but for the
// length of the name.
func (t names) add(i int, name []byte) Ref {
	r := t.a.AllocZero(t.head + len(name))
	n := int(t.n)
	if list := t.a.Realloc(t.list, n*4, (n+1)*4); r != 0 && list != 0 {
		t.list = list
	} else {
		panic(ErrNoSpace)
	}
	t.n++
	refs := t.refs()
	copy(refs[i+1:], refs[i:n])
	refs[i] = r
	*(*uint32)(t.a.ptr(r)) = uint32(len(name))
	copy(t.name(r), name)
	return r
}

// remove frees the block at index i.
func (t names) remove(i int) {
	refs := t.refs()
	t.a.Free(refs[i])
	copy(refs[i:], refs[i+1:])
	if t.n--; t.n == 0 {
		t.a.Free(t.list)
		t.list = 0
	}
}

// memory returns the bytes of the array and of the blocks.
func (t names) memory() int {
	if t.n == 0 {
		return 0
	}
	bytes := t.a.Cap(t.list)
	for _, r := range t.refs() {
		bytes += t.a.Cap(r)
	}
	return bytes
}
