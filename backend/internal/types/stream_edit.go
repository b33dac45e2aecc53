package types

import "errors"

// Errors of a new entry, in Redis's words.
var (
	ErrStreamOrder = errors.New("ERR The ID specified in XADD is equal or smaller than the target stream top item")
	ErrStreamFull  = errors.New("ERR The stream has exhausted the last possible ID, unable to add more items")
	ErrStreamSize  = errors.New("ERR Elements are too large to be stored")
)

// Append adds an entry of fields and values, which alternate in pairs. The ID must be
// greater than the last one. The error is ErrStreamOrder or ErrStreamSize, and then
// nothing changed.
func (s *Stream) Append(id StreamID, pairs [][]byte) error {
	size := 0
	for _, b := range pairs {
		size += len(b)
	}
	h := s.head()
	switch {
	case !h.Last.Less(id):
		return ErrStreamOrder
	case size > maxEntrySize:
		return ErrStreamSize
	}
	if c := s.nodes().last(); c.ok() && s.takes(s.sp.listpack(*nodeRef(c.value())), size) {
		s.extend(c.id(), nodeRef(c.value()), id, pairs)
	} else {
		s.begin(id, pairs)
	}
	h.Length++
	h.Added++
	h.Last = id
	if h.Length == 1 {
		h.First = id
	}
	return nil
}

// takes reports whether a node takes another entry of this size.
func (s *Stream) takes(lp Listpack, size int) bool {
	limits := &s.sp.Limits
	most := limits.StreamNodeMaxBytes
	if most <= 0 || most > MaxListpackSize {
		most = MaxListpackSize
	}
	if len(lp)+size >= most {
		return false
	}
	n := openStreamNode(StreamID{}, lp)
	return limits.StreamNodeMaxEntries <= 0 || n.live+n.deleted < int64(limits.StreamNodeMaxEntries)
}

// begin makes a node of one entry.
func (s *Stream) begin(id StreamID, pairs [][]byte) {
	p := &s.sp.packed
	p.reset()
	p.int(1)
	p.int(0)
	p.int(int64(len(pairs) / 2))
	for i := 0; i < len(pairs); i += 2 {
		p.text(pairs[i])
	}
	p.int(0)
	p.entry(entrySame, StreamID{}, pairs)
	ref := s.sp.newListpack(lpEmptySize + len(p.bytes))
	s.sp.graft(&ref, p.bytes, p.n)
	value, _ := s.nodes().put(id)
	*nodeRef(value) = ref
}

// extend adds an entry to the node in block *r.
func (s *Stream) extend(master StreamID, r *Ref, id StreamID, pairs [][]byte) {
	n := openStreamNode(master, s.sp.listpack(*r))
	flags := int64(0)
	if n.hasFields(pairs) {
		flags = entrySame
	}
	p := &s.sp.packed
	p.reset()
	p.entry(flags, StreamID{id.Ms - master.Ms, id.Seq - master.Seq}, pairs)
	s.sp.setInt(r, n.counts, n.live+1)
	s.sp.graft(r, p.bytes, p.n)
}

// hasFields reports whether the fields of the pairs are those of the node.
func (n *streamNode) hasFields(pairs [][]byte) bool {
	if len(pairs)/2 != n.fields {
		return false
	}
	p := n.fieldsAt
	for i := 0; i < len(pairs); i += 2 {
		if !n.lp.At(p).Equal(pairs[i]) {
			return false
		}
		p = n.lp.skip(p, 1)
	}
	return true
}

// entry packs an entry whose ID lies this far behind that of its node.
func (p *packed) entry(flags int64, delta StreamID, pairs [][]byte) {
	begin := p.n
	p.int(flags)
	p.int(int64(delta.Ms))
	p.int(int64(delta.Seq))
	if flags&entrySame == 0 {
		p.int(int64(len(pairs) / 2))
	}
	for i := 0; i < len(pairs); i += 2 {
		if flags&entrySame == 0 {
			p.text(pairs[i])
		}
		p.text(pairs[i+1])
	}
	p.int(int64(p.n - begin))
}

// setInt replaces the element at p of the listpack in block *r by an integer.
func (sp *Space) setInt(r *Ref, p int, n int64) Listpack {
	lp := sp.listpack(*r)
	e := encodeInt(n)
	return sp.splice(r, p, lp.spanAt(p), &e, 0)
}

// Delete removes an entry, as XDEL does, and reports whether it was there.
func (s *Stream) Delete(id StreamID) bool {
	it := s.Entries(id, id, false)
	if !it.Next() {
		return false
	}
	h, r := s.head(), nodeRef(it.index.value())
	if it.node.live == 1 {
		s.dropNode(it.index.id(), *r)
	} else {
		s.sp.setInt(r, it.entry.at, it.entry.flags|entryDeleted)
		s.recount(r, 1)
	}
	h.Length--
	if h.MaxDeleted.Less(id) {
		h.MaxDeleted = id
	}
	if h.First == id || h.Length == 0 {
		h.First, _ = s.Edge(false)
	}
	return true
}

// recount notes in the node in block *r that n entries more were deleted.
func (s *Stream) recount(r *Ref, n int64) {
	node := openStreamNode(StreamID{}, s.sp.listpack(*r))
	s.sp.setInt(r, node.counts, node.live-n)
	node = openStreamNode(StreamID{}, s.sp.listpack(*r)) // what follows may have moved
	s.sp.setInt(r, node.marked, node.deleted+n)
}

func (s *Stream) dropNode(master StreamID, r Ref) {
	s.sp.Arena.Free(r)
	s.nodes().remove(master)
}

// StreamTrim says what to remove from the head of a stream: all entries but the last
// MaxLen, or all before MinID.
type StreamTrim struct {
	ByID   bool
	MaxLen uint64
	MinID  StreamID
	Whole  bool  // remove whole nodes only
	Limit  int64 // no more entries than this; 0: no limit
}

// Trim removes entries from the head and returns how many.
func (s *Stream) Trim(t StreamTrim) (removed int64) {
	h := s.head()
	for t.ByID || h.Length > t.MaxLen {
		c := s.nodes().seek(StreamID{})
		if !c.ok() {
			break
		}
		n := openStreamNode(c.id(), s.sp.listpack(*nodeRef(c.value())))
		if t.Limit > 0 && removed+n.live > t.Limit {
			break
		}
		if t.covers(h, &n) {
			s.dropNode(c.id(), *nodeRef(c.value()))
			h.Length -= uint64(n.live)
			removed += n.live
			continue
		}
		if !t.Whole {
			removed += s.trimNode(t, &n, nodeRef(c.value()))
		}
		break
	}
	if removed > 0 || h.Length == 0 {
		h.First, _ = s.Edge(false)
	}
	return removed
}

// covers reports whether the whole node is to go.
func (t *StreamTrim) covers(h *streamHead, n *streamNode) bool {
	if !t.ByID {
		return h.Length-uint64(n.live) >= t.MaxLen
	}
	var last StreamID
	if p := n.last(); p >= 0 {
		last = n.entry(p).id
	}
	return last.Less(t.MinID)
}

// trimNode marks entries at the head of a node as deleted and returns how many.
func (s *Stream) trimNode(t StreamTrim, n *streamNode, r *Ref) (removed int64) {
	h := s.head()
	for p := n.first(); p != n.lp.End(); {
		e := n.entry(p)
		if t.ByID && !e.id.Less(t.MinID) || !t.ByID && h.Length <= t.MaxLen {
			break
		}
		if p = n.next(&e); e.flags&entryDeleted == 0 {
			before := len(n.lp)
			n.lp = s.sp.setInt(r, e.at, e.flags|entryDeleted)
			p += len(n.lp) - before // not 0 only if Redis would have written it shorter
			h.Length--
			removed++
		}
	}
	if removed > 0 {
		s.recount(r, removed)
	}
	return removed
}

// LoadNode adds a node that came from outside, after checking it.
func (s *Stream) LoadNode(master StreamID, listpack []byte) error {
	if !validStreamNode(listpack) {
		return corrupt("a stream's node", listpack)
	}
	ref := s.sp.store(listpack)
	value, added := s.nodes().put(master)
	if !added {
		s.sp.Arena.Free(ref)
		return errors.New("types: two nodes of a stream begin at the same entry")
	}
	*nodeRef(value) = ref
	n := openStreamNode(master, listpack)
	s.head().Length += uint64(n.live)
	return nil
}
