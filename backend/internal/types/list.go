package types

import (
	"unsafe"
)

// List is a view of a list: one listpack while it fits into list-max-listpack-size,
// a Quicklist beyond. Following Redis 7.2 it turns back into a listpack when it has
// shrunk to half of that.
//
// Indexes count from 0 at the head and must be in range: commands resolve negative
// ones.
type List struct {
	sp   *Space
	root Root
}

// Side is an end of a list.
type Side bool

// The two ends, which commands call LEFT and RIGHT.
const (
	Head Side = false
	Tail Side = true
)

// NewList makes an empty list.
func (sp *Space) NewList() List {
	return List{sp, Root{Encoding: EncodingListpack, Ref: sp.newListpack(0)}}
}

// OpenList views the list that the keyspace keeps as r.
func (sp *Space) OpenList(r Root) List { return List{sp, r} }

// LoadNode appends a node that came from outside, after checking it. When all are
// loaded, Settle chooses the encoding.
func (l *List) LoadNode(listpack []byte) error {
	if !ValidListpack(listpack, 1) {
		return corrupt("a list's node", listpack)
	}
	count := Listpack(listpack).Len()
	if count == 0 {
		return nil
	}
	l.toQuick()
	q := l.quick()
	q.insertNode(len(q.nodes()), qnode{ref: l.sp.store(listpack), count: uint32(count)})
	q.count += count
	return nil
}

// Settle makes a list that was just built a listpack if it fits into one.
func (l *List) Settle() { l.shrink(1) }

// Root is what the keyspace keeps.
func (l *List) Root() Root { return l.root }

// Encoding is listpack or quicklist.
func (l *List) Encoding() Encoding { return l.root.Encoding }

// Free frees the list; the view is of no more use.
func (l *List) Free() { l.sp.Free(l.root) }

// EachNode calls visit for each node's listpack, of which a compact list has one,
// until it returns false.
func (l *List) EachNode(visit func(listpack []byte) bool) {
	if !l.large() {
		visit(l.lp())
		return
	}
	q := l.quick()
	for i := range q.nodes() {
		if !visit(q.lp(i)) {
			return
		}
	}
}

func (l *List) large() bool       { return l.root.Large != nil }
func (l *List) quick() *Quicklist { return l.root.Large.(*Quicklist) }
func (l *List) lp() Listpack      { return l.sp.listpack(l.root.Ref) }

// Len returns the number of elements.
func (l *List) Len() int {
	if l.large() {
		return l.root.Large.Len()
	}
	return l.lp().Len()
}

// Push adds values one after the other at an end.
func (l *List) Push(side Side, values ...[]byte) {
	l.grow(values)
	for _, v := range values {
		index := 0
		if side == Tail {
			index = l.Len()
		}
		l.insert(index, v)
	}
}

// Insert inserts value before the element with this index.
func (l *List) Insert(index int, value []byte) {
	l.grow([][]byte{value})
	l.insert(index, value)
}

func (l *List) insert(index int, value []byte) {
	if l.large() {
		l.quick().insert(index, value)
		return
	}
	lp := l.lp()
	p := lp.End()
	if index < lp.Len() {
		p = lp.Seek(index)
	}
	e := encodeString(value)
	l.sp.splice(&l.root.Ref, p, 0, &e, 1)
}

// Set replaces the element with this index.
func (l *List) Set(index int, value []byte) {
	l.grow([][]byte{value})
	e := encodeString(value)
	if !l.large() {
		lp := l.lp()
		p := lp.Seek(index)
		l.sp.splice(&l.root.Ref, p, lp.spanAt(p), &e, 0)
		return
	}
	q := l.quick()
	node, at := q.locate(index)
	n := &q.nodes()[node]
	lp := q.lp(node)
	p := lp.Seek(at)
	if n.count == 1 || l.sp.nodeHolds(len(lp)-lp.spanAt(p)+e.size(), int(n.count)) {
		l.sp.spliceNode(n, p, lp.spanAt(p), &e, 0)
	} else {
		value = l.sp.detach(value, l.sp.block(n.ref))
		q.removeRange(index, 1)
		q.insert(index, value)
	}
	l.shrink(2)
}

// At returns the element with this index.
func (l *List) At(index int) []byte {
	if !l.large() {
		lp := l.lp()
		return l.sp.text(0, lp, lp.Seek(index))
	}
	q := l.quick()
	node, at := q.locate(index)
	lp := q.lp(node)
	return l.sp.text(0, lp, lp.Seek(at))
}

// RemoveRange removes n elements from an index on. A list without elements is for
// the caller to remove.
func (l *List) RemoveRange(index, n int) {
	if l.large() {
		l.quick().removeRange(index, n)
		l.shrink(2)
		return
	}
	if n <= 0 {
		return
	}
	lp := l.lp()
	p := lp.Seek(index)
	end := p
	for range n {
		end += lp.spanAt(end)
	}
	l.sp.splice(&l.root.Ref, p, end-p, &element{}, -n)
}

// grow makes the list a large one if it would not fit into a node with the values.
func (l *List) grow(values [][]byte) {
	if l.large() {
		return
	}
	lp, size := l.lp(), 0
	for _, v := range values {
		size += len(v)
	}
	if !l.sp.nodeHolds(len(lp)+size, lp.Len()+len(values)) {
		l.toQuick()
	}
}

func (l *List) toQuick() {
	if l.large() {
		return
	}
	q := &Quicklist{sp: l.sp, count: l.Len()}
	if q.count > 0 {
		q.array = append(q.array, qnode{ref: l.root.Ref, count: uint32(q.count)})
	} else {
		l.sp.Arena.Free(l.root.Ref)
	}
	l.root = Root{Encoding: EncodingQuicklist, Large: q}
}

// shrink makes a large list compact if it has one node, of at most the limit divided
// by part.
func (l *List) shrink(part int) {
	if !l.large() {
		return
	}
	q := l.quick()
	size, count := l.sp.nodeLimit()
	switch {
	case len(q.nodes()) == 0:
		l.root = Root{Encoding: EncodingListpack, Ref: l.sp.newListpack(0)}
	case len(q.nodes()) == 1 && len(q.lp(0)) <= size/part && q.count <= count/part:
		only := &q.nodes()[0]
		l.sp.closeGap(only)
		l.root = Root{Encoding: EncodingListpack, Ref: only.ref}
	}
}

// Clone returns a copy of the list with its own memory.
func (l *List) Clone() List {
	if !l.large() {
		return List{l.sp, Root{Encoding: EncodingListpack, Ref: l.sp.store(l.lp())}}
	}
	from := l.quick()
	q := &Quicklist{sp: l.sp, count: from.count, array: make([]qnode, 0, len(from.nodes()))}
	for i, n := range from.nodes() {
		q.array = append(q.array, qnode{ref: l.sp.store(from.lp(i)), count: n.count})
	}
	return List{l.sp, Root{Encoding: EncodingQuicklist, Large: q}}
}

// MemoryUsage returns the bytes the list occupies, estimated from samples nodes of a
// large one (0 counts all).
func (l *List) MemoryUsage(samples int) int {
	if !l.large() {
		return l.sp.Arena.Cap(l.root.Ref)
	}
	q := l.quick()
	nodes := q.nodes()
	if samples <= 0 || samples > len(nodes) {
		samples = len(nodes)
	}
	bytes := 0
	for _, n := range nodes[:samples] {
		bytes += l.sp.Arena.Cap(n.ref)
	}
	return bytes/max(samples, 1)*len(nodes) + int(unsafe.Sizeof(qnode{}))*cap(q.array)
}
