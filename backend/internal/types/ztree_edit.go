package types

// insert adds a member that is not there yet.
func (t *ztree) insert(entry Ref, score float64) {
	if t.root == 0 {
		t.root = t.newNode()
	}
	b := zbound{score: score, member: t.dict.Key(entry), byScore: true, byMember: true}
	right := t.insertBelow(t.root, t.height, &b, entry)
	if right == 0 {
		return
	}
	left := t.root
	t.root = t.newNode()
	in := t.inner(t.root)
	in.n = 2
	t.note(in, 0, left, t.height)
	t.note(in, 1, right, t.height)
	t.height++
}

// insertBelow inserts below node r and returns the node's new right neighbour if it
// had to split.
func (t *ztree) insertBelow(r Ref, level int, b *zbound, entry Ref) (right Ref) {
	if level == 0 {
		return t.insertLeaf(r, b, entry)
	}
	in := t.inner(r)
	i := t.childFor(b, in)
	child := in.child[i]
	added := t.insertBelow(child, level-1, b, entry)
	if added == 0 {
		in.count[i]++
		in.score[i], in.entry[i] = t.least(child, level-1)
		return 0
	}
	t.note(in, i, child, level-1)
	if in.n == zinnerCap {
		right = t.newNode()
		in.moveTo(t.inner(right), in.splitAt(i))
		if i >= int(in.n) {
			in, i = t.inner(right), i-int(in.n)
		}
	}
	in.open(i + 1)
	t.note(in, i+1, added, level-1)
	return right
}

func (t *ztree) insertLeaf(r Ref, b *zbound, entry Ref) (right Ref) {
	l := t.leaf(r)
	i := t.passedInLeaf(b, l)
	if l.n == zleafCap {
		right = t.newNode()
		n := t.leaf(right)
		// Members that come in order fill their leaves: the last one splits at its end.
		at := zleafCap / 2
		if i == zleafCap && l.next == 0 {
			at = zleafCap
		}
		n.n = uint32(copy(n.score[:], l.score[at:]))
		copy(n.entry[:], l.entry[at:])
		l.n = uint32(at)
		n.prev, n.next = r, l.next
		if l.next != 0 {
			t.leaf(l.next).prev = right
		}
		l.next = right
		if i > at || at == zleafCap {
			l, i = n, i-at
		}
	}
	copy(l.score[i+1:l.n+1], l.score[i:l.n])
	copy(l.entry[i+1:l.n+1], l.entry[i:l.n])
	l.score[i], l.entry[i] = b.score, entry
	l.n++
	return right
}

// remove removes a member that is there.
func (t *ztree) remove(member []byte, score float64) {
	b := zbound{score: score, member: member, byScore: true, byMember: true, after: true}
	left := t.removeBelow(t.root, t.height, &b)
	for left == 1 && t.height > 0 {
		r := t.root
		t.root = t.inner(r).child[0]
		t.a.Free(r)
		t.height--
		if t.height > 0 {
			left = int(t.inner(t.root).n)
		}
	}
	if left == 0 {
		t.a.Free(t.root)
		t.root, t.height = 0, 0
	}
}

// removeBelow removes below node r and returns how many members or children the node
// has left.
func (t *ztree) removeBelow(r Ref, level int, b *zbound) (left int) {
	if level == 0 {
		l := t.leaf(r)
		i := t.passedInLeaf(b, l) - 1
		copy(l.score[i:], l.score[i+1:l.n])
		copy(l.entry[i:], l.entry[i+1:l.n])
		l.n--
		return int(l.n)
	}
	in := t.inner(r)
	i := t.childFor(b, in)
	child := in.child[i]
	switch n := t.removeBelow(child, level-1, b); {
	case n == 0:
		t.unlink(child, level-1)
		in.close(i)
	default:
		in.count[i]--
		in.score[i], in.entry[i] = t.least(child, level-1)
		if i+1 < int(in.n) && t.merge(in, i, level-1, n) {
			break
		}
		if i > 0 {
			t.merge(in, i-1, level-1, n)
		}
	}
	return int(in.n)
}

// merge moves what child i+1 has to child i if they fill a node to three quarters at
// most. One of them has n left, which tells most cases without looking at the other.
func (t *ztree) merge(in *zinner, i, level, n int) bool {
	if n > zinnerCap/2 && level > 0 || n > zleafCap/2 {
		return false
	}
	left, right := in.child[i], in.child[i+1]
	if level == 0 {
		a, b := t.leaf(left), t.leaf(right)
		if a.n+b.n > zleafCap*3/4 {
			return false
		}
		copy(a.score[a.n:], b.score[:b.n])
		copy(a.entry[a.n:], b.entry[:b.n])
		a.n += b.n
	} else {
		a, b := t.inner(left), t.inner(right)
		if a.n+b.n > zinnerCap*3/4 {
			return false
		}
		b.moveTo(a, 0)
	}
	in.count[i] += in.count[i+1]
	t.unlink(right, level)
	in.close(i + 1)
	return true
}

// unlink frees a node that is empty, and takes a leaf out of the chain of leaves.
func (t *ztree) unlink(r Ref, level int) {
	if level == 0 {
		l := t.leaf(r)
		if l.prev != 0 {
			t.leaf(l.prev).next = l.next
		}
		if l.next != 0 {
			t.leaf(l.next).prev = l.prev
		}
	}
	t.a.Free(r)
}

// least returns the least member below a node.
func (t *ztree) least(r Ref, level int) (float64, Ref) {
	if level == 0 {
		l := t.leaf(r)
		return l.score[0], l.entry[0]
	}
	in := t.inner(r)
	return in.score[0], in.entry[0]
}

// note writes what in knows of its child i.
func (t *ztree) note(in *zinner, i int, child Ref, level int) {
	in.child[i] = child
	in.score[i], in.entry[i] = t.least(child, level)
	if level == 0 {
		in.count[i] = t.leaf(child).n
		return
	}
	c := t.inner(child)
	in.count[i] = 0
	for _, n := range c.count[:c.n] {
		in.count[i] += n
	}
}

// open makes place for a child at i.
func (in *zinner) open(i int) {
	in.shift(i, i+1)
	in.n++
}

// close removes child i.
func (in *zinner) close(i int) {
	in.shift(i+1, i)
	in.n--
}

// shift moves the children from an index on to another index.
func (in *zinner) shift(from, to int) {
	end := int(in.n) + to - from
	copy(in.score[to:end], in.score[from:in.n])
	copy(in.entry[to:end], in.entry[from:in.n])
	copy(in.child[to:end], in.child[from:in.n])
	copy(in.count[to:end], in.count[from:in.n])
}

// moveTo appends the children from index at on to another node.
func (in *zinner) moveTo(to *zinner, at int) {
	copy(to.score[to.n:], in.score[at:in.n])
	copy(to.entry[to.n:], in.entry[at:in.n])
	copy(to.child[to.n:], in.child[at:in.n])
	copy(to.count[to.n:], in.count[at:in.n])
	to.n += in.n - uint32(at)
	in.n = uint32(at)
}

// splitAt returns where to split a full node of which child i is about to get a right
// neighbour: in the middle, or before its last child if that is i, as it is when
// members come in order.
func (in *zinner) splitAt(i int) int {
	if i == zinnerCap-1 {
		return i
	}
	return zinnerCap / 2
}
