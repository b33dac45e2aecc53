package types

import "unsafe"

// put returns the place of id's value, which is to be written if the ID is new.
func (t ids) put(id StreamID) (value unsafe.Pointer, added bool) {
	if t.root == 0 {
		t.root = t.newNode(1, t.item)
	}
	p := idPut{ids: t, id: id}
	root, right := p.below(t.root, int(t.height))
	t.root = root
	if right != 0 {
		t.root = t.newNode(idInnerCap, idInnerItem)
		n := t.node(t.root)
		n.n = 2
		t.note(n, 0, root, int(t.height))
		t.note(n, 1, right, int(t.height))
		t.height++
	}
	if p.added {
		t.n++
	}
	return p.value, p.added
}

// idPut is one insertion on its way down the tree and up again.
type idPut struct {
	ids
	id    StreamID
	value unsafe.Pointer
	added bool
}

// below inserts below node r. It returns where the node is now, and its new right
// neighbour if it had to split.
func (p *idPut) below(r Ref, level int) (moved, right Ref) {
	if level == 0 {
		return p.leaf(r)
	}
	n := p.node(r)
	i := n.childFor(p.id)
	child, added := p.below(*n.child(i), level-1)
	p.note(n, i, child, level-1)
	if added == 0 {
		return r, 0
	}
	if int(n.n) == idInnerCap {
		at := idInnerCap / 2
		if i == idInnerCap-1 { // IDs that come in order fill their nodes
			at = i
		}
		right = p.newNode(idInnerCap, idInnerItem)
		n.moveTo(p.node(right), at, idInnerItem)
		if i >= at {
			n, i = p.node(right), i-at
		}
	}
	n.open(i+1, idInnerItem)
	p.note(n, i+1, added, level-1)
	return r, right
}

func (p *idPut) leaf(r Ref) (moved, right Ref) {
	n := p.node(r)
	i := n.before(p.id, p.item)
	if i < int(n.n) && *n.id(i, p.item) == p.id {
		p.value = unsafe.Add(n.at(i, p.item), StreamIDSize)
		return r, 0
	}
	switch {
	case n.n < n.room:
	case int(n.n) < p.leafCap():
		r = p.grow(r)
		n = p.node(r)
	default:
		right = p.split(r, i)
		if at := int(n.n); i > at || p.node(right).n == 0 {
			n, i = p.node(right), i-at
		}
	}
	n.open(i, p.item)
	*n.id(i, p.item) = p.id
	p.value, p.added = unsafe.Add(n.at(i, p.item), StreamIDSize), true
	return r, right
}

// grow gives a leaf that is full twice the room, up to a whole node.
func (t ids) grow(r Ref) Ref {
	n := t.node(r)
	room := min(2*int(n.room), t.leafCap())
	moved := t.a.Realloc(r, idNodeHeader+int(n.n)*t.item, idNodeHeader+room*t.item)
	if moved == 0 {
		panic(ErrNoSpace)
	}
	n = t.node(moved)
	n.room = uint32(t.roomOf(moved, t.item))
	t.relink(n, moved)
	return moved
}

// relink tells a leaf's neighbours where it is.
func (t ids) relink(n *idNode, r Ref) {
	if n.prev != 0 {
		t.node(n.prev).next = r
	}
	if n.next != 0 {
		t.node(n.next).prev = r
	}
}

// split gives a full leaf, which is about to get an item at index i, an empty right
// neighbour if it is the last and i its end, else one with half of its items.
func (t ids) split(r Ref, i int) (right Ref) {
	n, at := t.node(r), t.leafCap()/2
	if n.next == 0 && i == int(n.n) {
		right = t.newNode(1, t.item)
		at = i
	} else {
		right = t.newNode(t.leafCap(), t.item)
	}
	rn := t.node(right)
	n.moveTo(rn, at, t.item)
	rn.prev, rn.next = r, n.next
	t.relink(rn, right)
	return right
}

// note writes what an inner node knows of its child i.
func (t ids) note(n *idNode, i int, child Ref, level int) {
	item := idInnerItem
	if level == 0 {
		item = t.item
	}
	*n.id(i, idInnerItem) = *t.node(child).id(0, item)
	*n.child(i) = child
}

// open makes place for an item at i.
func (n *idNode) open(i, item int) {
	end := int(n.n)
	copy(n.items(i+1, end+1, item), n.items(i, end, item))
	n.n++
}

// close removes item i.
func (n *idNode) close(i, item int) {
	end := int(n.n)
	copy(n.items(i, end-1, item), n.items(i+1, end, item))
	n.n--
}

// moveTo appends the items from index at on to another node.
func (n *idNode) moveTo(to *idNode, at, item int) {
	moved := int(n.n) - at
	copy(to.items(int(to.n), int(to.n)+moved, item), n.items(at, int(n.n), item))
	to.n += uint32(moved)
	n.n = uint32(at)
}
