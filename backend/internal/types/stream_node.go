package types

// A node of a stream is a listpack in the bytes of Redis's t_stream.c, so that files
// and full resyncs carry it as it is. It begins with
//
//	entries that live, entries that were deleted, n, n fields, 0
//
// where the fields are those of the node's first entry. Entries follow, in the order
// of their IDs; those that were deleted stay where they are:
//
//	flags, ms, seq, n, n times field and value, m
//	flags, ms, seq, values, m        if the fields are those of the node
//
// ms and seq are what is to be added to the ID under which the node is known. m is the
// number of elements of the entry before it, which leads back to its beginning when the
// node is read from its end; at the 0 it ends.
const (
	entryDeleted = 1 << 0
	entrySame    = 1 << 1 // the node's fields are the entry's
)

// maxEntrySize bounds fields and values of an entry together, bytes: they become a
// listpack.
const maxEntrySize = MaxListpackSize

// packed is elements of a listpack, put together before they are added to it.
type packed struct {
	bytes []byte
	n     int // elements
}

func (p *packed) reset() {
	const keep = 64 << 10 // one long entry must not occupy its memory for ever
	if cap(p.bytes) > keep {
		p.bytes = nil
	}
	p.bytes, p.n = p.bytes[:0], 0
}

func (p *packed) add(e *element) {
	size := e.size()
	at := len(p.bytes)
	if cap(p.bytes)-at < size {
		p.bytes = append(p.bytes, make([]byte, size)...)
	}
	p.bytes = p.bytes[:at+size]
	e.write(p.bytes[at:])
	p.n++
}

func (p *packed) int(n int64) {
	e := encodeInt(n)
	p.add(&e)
}

func (p *packed) text(b []byte) {
	e := encodeString(b)
	p.add(&e)
}

// integer returns the integer at p, which must be one.
func (lp Listpack) integer(p int) int64 {
	n, _ := lp.intAt(p)
	return n
}

// skip returns the position n elements behind p.
func (lp Listpack) skip(p, n int) int {
	for range n {
		p += lp.spanAt(p)
	}
	return p
}

// streamNode is the head of a node.
type streamNode struct {
	lp             Listpack
	master         StreamID
	live, deleted  int64
	fields         int // of the node
	fieldsAt       int // position of the first
	counts, marked int // positions of live and deleted
}

func openStreamNode(master StreamID, lp Listpack) streamNode {
	n := streamNode{lp: lp, master: master, counts: lpHeaderSize}
	n.live = lp.integer(n.counts)
	n.marked = lp.skip(n.counts, 1)
	n.deleted = lp.integer(n.marked)
	p := lp.skip(n.marked, 1)
	n.fields = int(lp.integer(p))
	n.fieldsAt = lp.skip(p, 1)
	return n
}

// first returns the position of the first entry.
func (n *streamNode) first() int { return n.lp.skip(n.fieldsAt, n.fields+1) }

// nodeEntry is an entry of a node, its position that of its flags.
type nodeEntry struct {
	at     int
	flags  int64
	id     StreamID
	fields int
	body   int // position of the first field, or value
}

// entry reads the entry at p.
func (n *streamNode) entry(p int) nodeEntry {
	lp := n.lp
	e := nodeEntry{at: p, flags: lp.integer(p), id: n.master, fields: n.fields}
	p = lp.skip(p, 1)
	e.id.Ms += uint64(lp.integer(p))
	p = lp.skip(p, 1)
	e.id.Seq += uint64(lp.integer(p))
	e.body = lp.skip(p, 1)
	if e.flags&entrySame == 0 {
		e.fields = int(lp.integer(e.body))
		e.body = lp.skip(e.body, 1)
	}
	return e
}

// next returns the position behind an entry: of the next one, or the node's end.
func (n *streamNode) next(e *nodeEntry) int {
	elements := e.fields
	if e.flags&entrySame == 0 {
		elements *= 2
	}
	return n.lp.skip(e.body, elements+1)
}

// last returns the position of the last entry, -1 if there is none.
func (n *streamNode) last() int { return n.back(n.lp.End()) }

// back returns the position of the entry that ends before p, -1 if there is none.
func (n *streamNode) back(p int) int {
	p = n.lp.Prev(p)
	elements := n.lp.integer(p)
	if elements == 0 {
		return -1
	}
	for range elements {
		p = n.lp.Prev(p)
	}
	return p
}

// validStreamNode checks bytes that came from outside: that they are a listpack and
// its elements what they must be, so that no walk can leave it.
func validStreamNode(b []byte) bool {
	if !ValidListpack(b, 1) {
		return false
	}
	r := nodeReader{lp: b, p: lpHeaderSize, ok: true}
	live, deleted, fields := r.count(), r.count(), r.count()
	r.pass(fields)
	if r.count() != 0 || live > int64(len(b)) || deleted > int64(len(b)) {
		return false
	}
	for range live + deleted {
		elements := int64(3)
		flags, n := r.number(), fields
		if flags&entryDeleted != 0 {
			deleted--
		}
		r.number()
		r.number()
		if flags&entrySame == 0 {
			n = r.count()
			elements += n + 1
			r.pass(n)
		}
		r.pass(n)
		if r.count() != elements+n || !r.ok {
			return false
		}
	}
	return r.ok && deleted == 0 && r.p == r.lp.End()
}

// nodeReader reads the elements of a valid listpack one after the other, until one is
// not what it must be.
type nodeReader struct {
	lp Listpack
	p  int
	ok bool
}

// number reads an integer.
func (r *nodeReader) number() int64 {
	var n int64
	if r.ok = r.ok && r.p < r.lp.End(); r.ok {
		if n, r.ok = r.lp.intAt(r.p); r.ok {
			r.p = r.lp.skip(r.p, 1)
		}
	}
	return n
}

// count reads an integer that is not negative.
func (r *nodeReader) count() int64 {
	n := r.number()
	if n < 0 {
		r.ok = false
	}
	return n
}

// pass passes n elements.
func (r *nodeReader) pass(n int64) {
	for ; r.ok && n > 0; n-- {
		if r.ok = r.p < r.lp.End(); r.ok {
			r.p = r.lp.skip(r.p, 1)
		}
	}
}
