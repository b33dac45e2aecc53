package types

// listCursor stands on an element of a list.
type listCursor struct {
	lp   Listpack
	p    int
	q    *Quicklist // nil: the list is compact
	node int        // of q
}

// seek returns a cursor on the element with this index.
func (l *List) seek(index int) listCursor {
	var c listCursor
	if l.large() {
		c.q = l.quick()
		c.node, index = c.q.locate(index)
		c.lp = c.q.lp(c.node)
	} else {
		c.lp = l.lp()
	}
	c.p = c.lp.Seek(index)
	return c
}

// step moves to the next element towards an end, false past the last.
func (c *listCursor) step(side Side) bool {
	if side == Tail {
		c.p = c.lp.Next(c.p)
	} else {
		c.p = c.lp.Prev(c.p)
	}
	return c.p >= 0 || c.stepNode(side)
}

func (c *listCursor) stepNode(side Side) bool {
	q := c.q
	switch {
	case q == nil:
		return false
	case side == Tail && c.node+1 < len(q.nodes()):
		c.node++
		c.lp = q.lp(c.node)
		c.p = c.lp.First()
	case side == Head && c.node > 0:
		c.node--
		c.lp = q.lp(c.node)
		c.p = c.lp.Last()
	default:
		return false
	}
	return true
}

// Each calls visit for n elements from an index on towards an end, until it returns
// false. visit changes nothing.
func (l *List) Each(index, n int, towards Side, visit func(value []byte) bool) {
	if n <= 0 {
		return
	}
	c := l.seek(index)
	for visit(l.sp.text(0, c.lp, c.p)) {
		if n--; n == 0 || !c.step(towards) {
			return
		}
	}
}

// Match calls visit with the indexes of the elements equal to value among n elements
// from an index on towards an end, until it returns false. visit changes nothing.
func (l *List) Match(value []byte, index, n int, towards Side, visit func(index int) bool) {
	if n <= 0 {
		return
	}
	s := soughtValue(value)
	c := l.seek(index)
	for {
		if c.lp.matches(c.p, &s) && !visit(index) {
			return
		}
		if n--; n == 0 || !c.step(towards) {
			return
		}
		if towards == Tail {
			index++
		} else {
			index--
		}
	}
}

// RemoveMatches removes up to n elements equal to value (all if n is 0), from the
// head on, or from the tail on if backwards, and returns how many there were.
func (l *List) RemoveMatches(value []byte, n int, backwards bool) int {
	if n == 0 {
		n = l.Len()
	}
	s := soughtValue(value)
	if !l.large() {
		return l.sp.removeMatches(&l.root.Ref, &s, n, backwards)
	}
	q, removed := l.quick(), 0
	for i := range q.nodes() {
		if backwards {
			i = len(q.nodes()) - 1 - i
		}
		node := &q.nodes()[i]
		l.sp.closeGap(node)
		here := l.sp.removeMatches(&node.ref, &s, n-removed, backwards)
		node.count -= uint32(here)
		if removed += here; removed == n {
			break
		}
	}
	q.count -= removed
	q.dropEmpty()
	l.shrink(2)
	return removed
}

// removeMatches removes up to n elements equal to the value sought from a listpack.
func (sp *Space) removeMatches(r *Ref, s *sought, n int, backwards bool) (removed int) {
	lp := sp.listpack(*r)
	s.value = sp.detach(s.value, lp)
	if !backwards {
		for p := lpHeaderSize; lp[p] != lpEnd && removed < n; {
			if lp.matches(p, s) {
				lp = sp.splice(r, p, lp.spanAt(p), &element{}, -1)
				removed++
			} else {
				p += lp.spanAt(p)
			}
		}
		return removed
	}
	for p := lp.Last(); p >= 0 && removed < n; p = lp.Prev(p) {
		if lp.matches(p, s) {
			lp = sp.splice(r, p, lp.spanAt(p), &element{}, -1)
			removed++
		}
	}
	return removed
}

// dropEmpty frees the nodes that have no elements left.
func (q *Quicklist) dropEmpty() {
	kept := q.nodes()[:0]
	for _, n := range q.nodes() {
		if n.count > 0 {
			kept = append(kept, n)
		} else {
			q.sp.Arena.Free(n.ref)
		}
	}
	q.array = q.array[:q.head+len(kept)]
}
