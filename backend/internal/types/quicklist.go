package types

import (
	"encoding/binary"
	"slices"
)

// Quicklist is a large list: listpacks of up to list-max-listpack-size in the arena,
// and an array that names them in order. The array is what Redis links its nodes
// with; it holds no pointers, and at 8 KiB a node a gigabyte of list takes 2 MiB of it.
type Quicklist struct {
	sp    *Space
	array []qnode // nodes are array[head:], so that both ends grow cheaply
	head  int
	count int
}

// qnode is a listpack with its element count. The block may have a gap in front of
// it, in bytes, so that a list grows and shrinks at its head without moving what
// follows (qnode.go).
type qnode struct {
	ref        Ref
	count, gap uint32
}

// Len is the number of elements.
func (q *Quicklist) Len() int { return q.count }

// Nodes is the number of listpacks.
func (q *Quicklist) Nodes() int { return len(q.nodes()) }

// Bytes is the length of all listpacks together.
func (q *Quicklist) Bytes() (sum int) {
	for i := range q.nodes() {
		sum += len(q.lp(i))
	}
	return sum
}

func (q *Quicklist) nodes() []qnode { return q.array[q.head:] }

func (q *Quicklist) lp(node int) Listpack { return q.sp.nodeListpack(&q.nodes()[node]) }

// ClearStep frees nodes of about n elements and reports whether all is free.
func (q *Quicklist) ClearStep(n int) bool {
	for len(q.array) > q.head && n > 0 {
		last := len(q.array) - 1
		n -= int(q.array[last].count) + 1
		q.sp.Arena.Free(q.array[last].ref)
		q.array = q.array[:last]
	}
	return len(q.array) == q.head
}

// insertNode puts a node before index i of the nodes.
func (q *Quicklist) insertNode(i int, n qnode) {
	if i > 0 {
		q.array = slices.Insert(q.array, q.head+i, n)
		return
	}
	if q.head == 0 {
		room := len(q.array)/2 + 4
		grown := make([]qnode, room+len(q.array), 2*room+len(q.array))
		copy(grown[room:], q.array)
		q.array, q.head = grown, room
	}
	q.head--
	q.array[q.head] = n
}

// removeNodes forgets n nodes from index i on, whose blocks the caller freed.
func (q *Quicklist) removeNodes(i, n int) {
	if i > 0 {
		q.array = slices.Delete(q.array, q.head+i, q.head+i+n)
		return
	}
	q.head += n
	if q.head > len(q.array)/2 && q.head > 64 { // a queue moves through the array for ever
		q.array = q.array[:copy(q.array, q.array[q.head:])]
		q.head = 0
	}
}

// locate returns the node of the element with this index and the index in the node,
// from the nearer end. For the index past the last it returns the last node's end.
func (q *Quicklist) locate(index int) (node, at int) {
	nodes := q.nodes()
	if index < q.count/2 {
		for ; index >= int(nodes[node].count); node++ {
			index -= int(nodes[node].count)
		}
		return node, index
	}
	node = len(nodes) - 1
	start := q.count - int(nodes[node].count)
	for ; index < start; start -= int(nodes[node].count) {
		node--
	}
	return node, index - start
}

// takes reports whether an element of size bytes fits into the node, estimated high.
func (q *Quicklist) takes(node, size int) bool {
	const overhead = 8 // of an element, at most; Redis's estimate, so that nodes are cut alike
	return q.sp.nodeHolds(len(q.lp(node))+size+overhead, int(q.nodes()[node].count)+1)
}

// put inserts an element before index at of the node.
func (q *Quicklist) put(node, at int, e *element) {
	n := &q.nodes()[node]
	lp := q.sp.nodeListpack(n)
	p := lp.End()
	if at < int(n.count) {
		p = lp.Seek(at)
	}
	q.sp.spliceNode(n, p, 0, e, 1)
	n.count++
	q.count++
}

// putNode inserts a node with one element before index i of the nodes.
func (q *Quicklist) putNode(i int, e *element) {
	q.insertNode(i, qnode{ref: q.sp.newListpack(lpEmptySize + e.size())})
	q.put(i, 0, e)
}

// insert inserts value before the element with this index, at the end if it is the
// length.
func (q *Quicklist) insert(index int, value []byte) {
	e := encodeString(value)
	if len(q.nodes()) == 0 {
		q.putNode(0, &e)
		return
	}
	node, at := q.locate(index)
	if q.takes(node, len(value)) {
		q.put(node, at, &e)
		return
	}
	e.str = q.sp.detach(e.str, q.sp.block(q.nodes()[node].ref))
	inside := at > 0 && at < int(q.nodes()[node].count)
	if inside {
		q.split(node, at)
	}
	if at > 0 {
		node++
	}
	// The place is now between two nodes, in front of this one.
	switch last := len(q.nodes()); {
	case node > 0 && q.takes(node-1, len(value)):
		q.put(node-1, int(q.nodes()[node-1].count), &e)
	case node < last && q.takes(node, len(value)):
		q.put(node, 0, &e)
	default:
		q.putNode(node, &e)
	}
	if inside {
		q.merge(node + 1)
		q.merge(node)
		q.merge(node - 2)
	}
}

// split makes two nodes of one, the second beginning with the element at index at.
func (q *Quicklist) split(node, at int) {
	n := q.nodes()[node]
	q.sp.closeGap(&n)
	lp := q.sp.listpack(n.ref)
	p := lp.Seek(at)
	right := q.sp.newListpack(lpEmptySize + lp.End() - p)
	q.sp.graft(&right, lp[p:lp.End()], int(n.count)-at)
	q.sp.splice(&n.ref, p, lp.End()-p, &element{}, at-int(n.count))
	q.insertNode(node+1, qnode{ref: right, count: n.count - uint32(at)})
	q.nodes()[node] = qnode{ref: n.ref, count: uint32(at)}
}

// merge joins the node with the next one if one listpack holds both. Without it a
// list that is inserted into in the middle would go to pieces.
func (q *Quicklist) merge(node int) {
	nodes := q.nodes()
	if node < 0 || node+1 >= len(nodes) {
		return
	}
	a, b := &nodes[node], &nodes[node+1]
	left, right := q.sp.nodeListpack(a), q.sp.nodeListpack(b)
	if !q.sp.nodeHolds(len(left)+len(right)-lpEmptySize, int(a.count+b.count)) {
		return
	}
	q.sp.closeGap(a)
	q.sp.graft(&a.ref, right[lpHeaderSize:right.End()], int(b.count))
	a.count += b.count
	q.sp.Arena.Free(b.ref)
	q.removeNodes(node+1, 1)
}

// removeRange removes n elements from an index on; they must exist.
func (q *Quicklist) removeRange(index, n int) {
	if n == 0 {
		return
	}
	node, at := q.locate(index)
	q.count -= n
	if cut := min(n, int(q.nodes()[node].count)-at); at > 0 || cut < int(q.nodes()[node].count) {
		q.cut(node, at, cut)
		n -= cut
		node++
	}
	whole := 0
	for nodes := q.nodes()[node:]; n > 0 && n >= int(nodes[whole].count); whole++ {
		n -= int(nodes[whole].count)
		q.sp.Arena.Free(nodes[whole].ref)
	}
	if whole > 0 {
		q.removeNodes(node, whole)
	}
	if n > 0 {
		q.cut(node, 0, n)
	}
}

// cut removes n elements from index at of a node, which keeps some.
func (q *Quicklist) cut(node, at, n int) {
	qn := &q.nodes()[node]
	lp := q.sp.nodeListpack(qn)
	p := lp.Seek(at)
	end := p
	for range n {
		end += lp.spanAt(end)
	}
	q.sp.spliceNode(qn, p, end-p, &element{}, -n)
	qn.count -= uint32(n)
}

// nodeHolds reports whether a listpack of this size may be a node: a directive
// above 0 counts elements (and 8 KiB still bound it), one below 0 bytes.
func (sp *Space) nodeHolds(size, count int) bool {
	maxSize, maxCount := sp.nodeLimit()
	return size <= maxSize && count <= maxCount
}

func (sp *Space) nodeLimit() (size, count int) {
	const unlimited = 1 << 30
	if fill := sp.Limits.ListMaxListpackSize; fill < 0 {
		return 2048 << min(-fill, 5), unlimited
	} else {
		return 8192, max(fill, 1)
	}
}

// graft appends count encoded elements to the listpack in block *r.
func (sp *Space) graft(r *Ref, elements []byte, count int) {
	lp := sp.listpack(*r)
	total := len(lp) + len(elements)
	before := binary.LittleEndian.Uint16(lp[4:])
	block := sp.resize(r, len(lp), total)
	copy(block[len(lp)-1:], elements)
	block[total-1] = lpEnd
	Listpack(block[:total]).setHeader(before, count)
}
