package types

// StreamEntries walks through entries of a stream, in the order of their IDs or
// against it. Between two calls of Next the stream must not change.
type StreamEntries struct {
	ID     StreamID
	Fields int // pairs of field and value

	s          Stream
	from, to   StreamID
	reverse    bool
	tombstones bool // entries that were deleted count too

	index idCursor // the node
	node  streamNode
	began bool
	entry nodeEntry
	on    bool // entry is one of node

	field, value int // positions of the next pair
}

// Entries returns a walk through the entries from one ID up to another, both
// included; in reverse it begins at the end.
func (s *Stream) Entries(from, to StreamID, reverse bool) StreamEntries {
	return StreamEntries{s: *s, from: from, to: to, reverse: reverse}
}

// Next moves to the next entry and reports whether there is one.
func (it *StreamEntries) Next() bool {
	for it.step() {
		it.ID = it.entry.id
		switch {
		case it.reverse && it.ID.Less(it.from), !it.reverse && it.to.Less(it.ID):
			return false
		case it.ID.Less(it.from), it.to.Less(it.ID):
		case it.entry.flags&entryDeleted != 0 && !it.tombstones:
		default:
			it.Fields = it.entry.fields
			it.field, it.value = it.node.fieldsAt, it.entry.body
			return true
		}
	}
	return false
}

// Pair returns the next field and value of the entry; it is called up to Fields times.
func (it *StreamEntries) Pair() (field, value []byte) {
	lp, sp := it.node.lp, it.s.sp
	if it.entry.flags&entrySame == 0 {
		it.field = it.value
		it.value = lp.skip(it.field, 1)
	}
	field, value = sp.text(0, lp, it.field), sp.text(1, lp, it.value)
	it.field, it.value = lp.skip(it.field, 1), lp.skip(it.value, 1)
	return field, value
}

// step moves to the next entry, whatever it is.
func (it *StreamEntries) step() bool {
	p := -1
	switch {
	case !it.on:
	case it.reverse:
		p = it.node.back(it.entry.at)
	default:
		if p = it.node.next(&it.entry); p == it.node.lp.End() {
			p = -1
		}
	}
	if p < 0 {
		if p = it.nextNode(); p < 0 {
			return false
		}
	}
	it.entry, it.on = it.node.entry(p), true
	return true
}

// nextNode moves to the next node that has entries, and returns the position of the
// first to be visited, -1 when there is none.
func (it *StreamEntries) nextNode() int {
	for it.moveNode() {
		it.node = openStreamNode(it.index.id(), it.s.sp.listpack(*nodeRef(it.index.value())))
		p := it.node.first()
		if it.reverse {
			p = it.node.last()
		}
		if p >= 0 && p != it.node.lp.End() {
			return p
		}
	}
	return -1
}

// moveNode moves to the next node, at first to the one in which the walk begins: the
// last that begins at its ID or before.
func (it *StreamEntries) moveNode() bool {
	switch {
	case it.began && it.reverse:
		it.index.prev()
	case it.began:
		it.index.next()
	case it.reverse:
		it.index = it.s.nodes().seekLast(it.to)
	default:
		if it.index = it.s.nodes().seekLast(it.from); !it.index.ok() {
			it.index = it.s.nodes().seek(StreamID{})
		}
	}
	it.began = true
	return it.index.ok()
}

// Has reports whether there is an entry of this ID.
func (s *Stream) Has(id StreamID) bool {
	it := s.Entries(id, id, false)
	return it.Next()
}

// Edge returns the ID of the first entry, or of the last one; 0-0 and false if there is
// none.
func (s *Stream) Edge(last bool) (id StreamID, ok bool) {
	it := s.Entries(StreamID{}, MaxStreamID, last)
	if !it.Next() {
		return StreamID{}, false // a node may hold nothing but what was deleted
	}
	return it.ID, true
}

// FirstKept returns the first ID that a node still holds, be it of an entry or of one
// that was deleted; the greatest ID if no node is left. What is trimmed up to it is
// trimmed alike wherever the nodes are the same.
func (s *Stream) FirstKept() StreamID {
	it := s.Entries(StreamID{}, MaxStreamID, false)
	it.tombstones = true
	if !it.Next() {
		return MaxStreamID
	}
	return it.ID
}
