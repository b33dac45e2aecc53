package types

import "unsafe"

// Stream is a view of a stream: a head in the arena, which holds an index of nodes by
// the ID they begin at, and its consumer groups. A node is a listpack of entries in
// the bytes of Redis (see stream_node.go).
//
// An empty stream is a stream all the same: it remembers its last ID and its groups,
// and is not for the caller to remove.
//
// Its Root never changes.
type Stream struct {
	sp  *Space
	ref Ref // of a streamHead
}

type streamHead struct {
	nodes idTree // listpacks by master ID
	StreamInfo
	groups nameTable
}

// StreamInfo is what a stream knows about itself beside its entries.
type StreamInfo struct {
	Length     uint64   // entries
	Added      uint64   // entries there ever were
	First      StreamID // of the entries there are; 0-0 without any
	Last       StreamID // given to an entry, which may be gone
	MaxDeleted StreamID // the greatest that XDEL removed
}

// NewStream makes an empty stream.
func (sp *Space) NewStream() Stream {
	s := Stream{sp, sp.alloc(int(unsafe.Sizeof(streamHead{})))}
	*s.head() = streamHead{}
	return s
}

// OpenStream views the stream that the keyspace keeps as r.
func (sp *Space) OpenStream(r Root) Stream { return Stream{sp, r.Ref} }

// Root is what the keyspace keeps.
func (s *Stream) Root() Root { return Root{Encoding: EncodingStream, Ref: s.ref} }

// Encoding is stream.
func (s *Stream) Encoding() Encoding { return EncodingStream }

// Free frees the stream; the view is of no more use.
func (s *Stream) Free() { s.sp.Free(s.Root()) }

func (s *Stream) head() *streamHead { return (*streamHead)(s.sp.Arena.ptr(s.ref)) }

// nodes is the index of nodes: the value of each is the Ref of a listpack.
func (s *Stream) nodes() ids { return s.head().nodes.bind(s.sp.Arena, 8) }

func nodeRef(value unsafe.Pointer) *Ref { return (*Ref)(value) }

// Len returns the number of entries.
func (s *Stream) Len() int { return int(s.head().Length) }

// Info returns what the stream knows about itself.
func (s *Stream) Info() StreamInfo { return s.head().StreamInfo }

// SetInfo sets what the stream knows about itself, but for the number of its entries.
func (s *Stream) SetInfo(info StreamInfo) {
	info.Length = s.head().Length
	s.head().StreamInfo = info
}

// Nodes returns the number of nodes, and that of the blocks by which they are found.
func (s *Stream) Nodes() (nodes, index int) {
	index, _ = s.nodes().memory()
	return int(s.head().nodes.n), index
}

// EachNode calls visit with the ID at which each node begins, and its listpack, until
// it returns false.
func (s *Stream) EachNode(visit func(master StreamID, listpack []byte) bool) {
	for c := s.nodes().seek(StreamID{}); c.ok() && visit(c.id(), s.sp.listpack(*nodeRef(c.value()))); {
		c.next()
	}
}

// Clone returns a copy of the stream with its own memory.
func (s *Stream) Clone() Stream {
	to := s.sp.NewStream()
	s.EachNode(func(master StreamID, lp []byte) bool {
		ref := s.sp.store(lp)
		value, _ := to.nodes().put(master)
		*nodeRef(value) = ref
		return true
	})
	to.head().StreamInfo = s.head().StreamInfo
	s.EachGroup(func(g Group) bool {
		copied, _ := to.AddGroup(g.Name(), g.LastID(), g.EntriesRead())
		g.cloneTo(copied)
		return true
	})
	return to
}

// MemoryUsage returns the bytes the stream occupies, estimated from samples of its
// nodes (0 counts all).
func (s *Stream) MemoryUsage(samples int) int {
	n := int(s.head().nodes.n)
	if samples <= 0 || samples > n {
		samples = n
	}
	bytes, seen := 0, 0
	for c := s.nodes().seek(StreamID{}); c.ok() && seen < samples; c.next() {
		bytes += s.sp.Arena.Cap(*nodeRef(c.value()))
		seen++
	}
	_, index := s.nodes().memory()
	bytes = bytes/max(seen, 1)*n + index + s.sp.Arena.Cap(s.ref) + s.groups().memory()
	s.EachGroup(func(g Group) bool {
		bytes += g.memory()
		return true
	})
	return bytes
}

// streamRemains is a stream that is freed bit by bit.
type streamRemains struct{ Stream }

// Len is about how many pieces of memory the stream has.
func (s streamRemains) Len() int {
	n := int(s.head().nodes.n)
	s.EachGroup(func(g Group) bool {
		n += g.Pending() + g.Consumers() + 1
		return true
	})
	return n
}

// ClearStep frees about n nodes and pending entries and reports whether all is free.
func (s streamRemains) ClearStep(n int) bool {
	for ; n > 0; n-- {
		h := s.head()
		switch {
		case h.groups.n > 0:
			n -= s.dropFromGroup(int(h.groups.n) - 1)
		case h.nodes.n > 0:
			n -= s.nodes().dropLast(func(value unsafe.Pointer) { s.sp.Arena.Free(*nodeRef(value)) })
		default:
			s.sp.Arena.Free(s.ref)
			return true
		}
	}
	return false
}
