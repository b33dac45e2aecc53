package types

import "unsafe"

// remove removes an item and reports whether it was there.
func (t ids) remove(id StreamID) bool {
	if t.root == 0 {
		return false
	}
	left, removed := t.removeBelow(t.root, int(t.height), id)
	if !removed {
		return false
	}
	t.n--
	t.lower(left)
	return true
}

// lower takes levels away that the root has only one child for, and the root itself
// when it has none left.
func (t ids) lower(left int) {
	for left == 1 && t.height > 0 {
		r := t.root
		t.root = *t.node(r).child(0)
		t.a.Free(r)
		t.height--
		left = int(t.node(t.root).n)
	}
	if left == 0 {
		t.a.Free(t.root)
		t.root, t.height = 0, 0
	}
}

// removeBelow removes below node r and returns how many items or children the node
// has left.
func (t ids) removeBelow(r Ref, level int, id StreamID) (left int, removed bool) {
	n := t.node(r)
	if level == 0 {
		i := n.before(id, t.item)
		if i == int(n.n) || *n.id(i, t.item) != id {
			return int(n.n), false
		}
		n.close(i, t.item)
		return int(n.n), true
	}
	i := n.childFor(id)
	child := *n.child(i)
	left, removed = t.removeBelow(child, level-1, id)
	switch {
	case !removed:
	case left == 0:
		t.unlink(child, level-1)
		n.close(i, idInnerItem)
	default:
		t.note(n, i, child, level-1)
		if i+1 < int(n.n) && t.merge(n, i, level-1) {
			break
		}
		if i > 0 {
			t.merge(n, i-1, level-1)
		}
	}
	return int(n.n), removed
}

// merge moves what child i+1 has to child i if they fill a node to three quarters at
// most, so that what is left of a tree does not lie in nodes of few items.
func (t ids) merge(n *idNode, i, level int) bool {
	left, right := *n.child(i), *n.child(i + 1)
	item, full := idInnerItem, idInnerCap
	if level == 0 {
		item, full = t.item, t.leafCap()
	}
	a, b := t.node(left), t.node(right)
	if int(a.n+b.n) > full*3/4 {
		return false
	}
	for a.room < a.n+b.n {
		left = t.grow(left)
		a = t.node(left)
		*n.child(i) = left
	}
	b.moveTo(a, 0, item)
	t.unlink(right, level)
	n.close(i+1, idInnerItem)
	return true
}

// unlink frees a node, and takes a leaf out of the chain of leaves.
func (t ids) unlink(r Ref, level int) {
	if level == 0 {
		n := t.node(r)
		if n.prev != 0 {
			t.node(n.prev).next = n.next
		}
		if n.next != 0 {
			t.node(n.next).prev = n.prev
		}
	}
	t.a.Free(r)
}

// dropLast frees the last leaf, and tells free of the values in it first. It reports
// how many those were, 0 when the tree is empty.
func (t ids) dropLast(free func(value unsafe.Pointer)) int {
	if t.root == 0 {
		return 0
	}
	c := t.last()
	count := int(c.leaf.n)
	for i := range count {
		free(unsafe.Add(c.leaf.at(i, t.item), StreamIDSize))
	}
	t.lower(t.dropBelow(t.root, int(t.height)))
	t.n -= uint64(count)
	return count
}

// dropBelow frees the last leaf below node r and returns how many children the node
// has left.
func (t ids) dropBelow(r Ref, level int) (left int) {
	if level == 0 {
		t.node(r).n = 0
		return 0
	}
	n := t.node(r)
	last := int(n.n) - 1
	if child := *n.child(last); t.dropBelow(child, level-1) == 0 {
		t.unlink(child, level-1)
		n.close(last, idInnerItem)
	}
	return int(n.n)
}
