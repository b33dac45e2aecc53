package types

import "unsafe"

// idTree is an ordered index from StreamIDs to values of a few bytes: the listpacks
// of a stream, the pending entries of a group and those of a consumer. It is a B+ tree
// in the arena: items lie in leaves, linked to their neighbours, and an inner node
// knows the least ID below each of its children.
//
// Redis has a radix tree here, which takes about 40 bytes an item with IDs that follow
// each other. The tree takes the item itself, when IDs come in order, as they do.
//
// A tree lies inside the block of its owner, who remembers the size of its values: an
// idTree is used through the view that bind makes.
type idTree struct {
	root   Ref
	height uint32 // levels of inner nodes
	n      uint64 // items
}

// A node is a block of up to idNodeSize bytes. A leaf grows to that step by step, so
// that a small tree is small.
const (
	idNodeSize   = 1024
	idNodeHeader = int(unsafe.Sizeof(idNode{}))
	idInnerItem  = StreamIDSize + 8
	idInnerCap   = (idNodeSize - idNodeHeader) / idInnerItem
)

// idNode is the head of a node. Its items follow: an ID, then the value, in an inner
// node the child.
type idNode struct {
	n          uint32
	room       uint32 // items that fit into the block
	next, prev Ref    // of leaves
}

// ids is an idTree to work with. It is valid as long as the block that the tree lies
// in.
type ids struct {
	a *Arena
	*idTree
	item int // bytes of an item in a leaf
}

// bind views a tree whose values have this size, a multiple of 8.
func (t *idTree) bind(a *Arena, value int) ids {
	return ids{a, t, StreamIDSize + value}
}

func (t ids) node(r Ref) *idNode { return (*idNode)(t.a.ptr(r)) }

func (t ids) leafCap() int { return (idNodeSize - idNodeHeader) / t.item }

// at returns where item i of a node lies, whose items have this size.
func (n *idNode) at(i, item int) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(n), idNodeHeader+i*item)
}

func (n *idNode) id(i, item int) *StreamID { return (*StreamID)(n.at(i, item)) }

func (n *idNode) child(i int) *Ref {
	return (*Ref)(unsafe.Add(n.at(i, idInnerItem), StreamIDSize))
}

// items returns the bytes of the items from one index up to another.
func (n *idNode) items(from, to, item int) []byte {
	return unsafe.Slice((*byte)(n.at(from, item)), (to-from)*item)
}

// newNode returns an empty node with room for some items.
func (t ids) newNode(room, item int) Ref {
	r := t.a.Alloc(idNodeHeader + room*item)
	if r == 0 {
		panic(ErrNoSpace)
	}
	*t.node(r) = idNode{room: uint32(t.roomOf(r, item))}
	return r
}

func (t ids) roomOf(r Ref, item int) int {
	return (min(t.a.Cap(r), idNodeSize) - idNodeHeader) / item
}

// before returns how many items of a node have a lower ID.
func (n *idNode) before(id StreamID, item int) int {
	low, high := 0, int(n.n)
	if high > 0 && n.id(high-1, item).Less(id) {
		return high // where nearly all that is new belongs
	}
	for low < high {
		if mid := (low + high) / 2; n.id(mid, item).Less(id) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// childFor returns the index of the child that an ID belongs to.
func (n *idNode) childFor(id StreamID) int {
	i := n.before(id, idInnerItem)
	if i < int(n.n) && *n.id(i, idInnerItem) == id {
		return i
	}
	return max(i-1, 0)
}

// idCursor stands on an item of a tree, or past its end. Any change of the tree makes
// it invalid.
type idCursor struct {
	t    ids
	leaf *idNode // nil: past the end
	i    int
}

// seek returns a cursor on the first item that is not before id.
func (t ids) seek(id StreamID) idCursor {
	if t.root == 0 {
		return idCursor{}
	}
	r := t.root
	for range t.height {
		n := t.node(r)
		r = *n.child(n.childFor(id))
	}
	leaf := t.node(r)
	c := idCursor{t, leaf, leaf.before(id, t.item)}
	c.settle()
	return c
}

// seekLast returns a cursor on the last item that is not behind id.
func (t ids) seekLast(id StreamID) idCursor {
	c := t.seek(id)
	if c.leaf == nil {
		return t.last()
	}
	if c.id() != id {
		c.prev()
	}
	return c
}

func (t ids) last() idCursor {
	if t.root == 0 {
		return idCursor{}
	}
	r := t.root
	for range t.height {
		n := t.node(r)
		r = *n.child(int(n.n) - 1)
	}
	leaf := t.node(r)
	return idCursor{t, leaf, int(leaf.n) - 1}
}

func (c *idCursor) ok() bool { return c.leaf != nil }

func (c *idCursor) id() StreamID { return *c.leaf.id(c.i, c.t.item) }

func (c *idCursor) value() unsafe.Pointer {
	return unsafe.Add(c.leaf.at(c.i, c.t.item), StreamIDSize)
}

func (c *idCursor) next() {
	c.i++
	c.settle()
}

// settle moves a cursor that stands behind its leaf's last item to the next leaf.
func (c *idCursor) settle() {
	if c.i < int(c.leaf.n) {
		return
	}
	next := c.leaf.next
	if c.leaf, c.i = nil, 0; next != 0 {
		c.leaf = c.t.node(next)
	}
}

func (c *idCursor) prev() {
	if c.i > 0 {
		c.i--
		return
	}
	prev := c.leaf.prev
	if c.leaf = nil; prev != 0 {
		c.leaf = c.t.node(prev)
		c.i = int(c.leaf.n) - 1
	}
}

// find returns the value of id, nil if it is not there. It is valid until the tree is
// changed.
func (t ids) find(id StreamID) unsafe.Pointer {
	c := t.seek(id)
	if !c.ok() || c.id() != id {
		return nil
	}
	return c.value()
}

// memory returns the number of nodes and the bytes they occupy.
func (t ids) memory() (nodes, bytes int) {
	if t.root == 0 {
		return 0, 0
	}
	return t.memoryBelow(t.root, int(t.height))
}

func (t ids) memoryBelow(r Ref, level int) (nodes, bytes int) {
	nodes, bytes = 1, t.a.Cap(r)
	if level > 0 {
		n := t.node(r)
		for i := range int(n.n) {
			below, size := t.memoryBelow(*n.child(i), level-1)
			nodes, bytes = nodes+below, bytes+size
		}
	}
	return nodes, bytes
}
