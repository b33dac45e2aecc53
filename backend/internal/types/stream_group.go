package types

import "unsafe"

// Group is a view of a consumer group of a stream: how far it has read, the entries
// that were delivered and not yet acknowledged, and the consumers these belong to. It
// is valid until the group is removed.
type Group struct {
	sp  *Space
	ref Ref // of a groupHead
}

type groupHead struct {
	name      uint32 // length; the name follows the head
	_         uint32
	last      StreamID
	read      int64
	pending   idTree // delivery by ID
	consumers nameTable
}

// Consumer is a view of a consumer of a group. It is valid until the consumer is
// removed.
type Consumer struct {
	sp  *Space
	ref Ref // of a consumerHead
}

type consumerHead struct {
	name         uint32 // length; the name follows the head
	_            uint32
	seen, active int64
	pending      idTree // IDs alone: the group knows the rest
}

const (
	groupHeadSize    = int(unsafe.Sizeof(groupHead{}))
	consumerHeadSize = int(unsafe.Sizeof(consumerHead{}))
)

// EntriesUnknown is how many entries a group has read when nobody knows.
const EntriesUnknown = -1

func (s *Stream) groups() names { return names{s.sp.Arena, &s.head().groups, groupHeadSize} }

// Groups returns the number of groups.
func (s *Stream) Groups() int { return int(s.head().groups.n) }

// Group returns the group of this name.
func (s *Stream) Group(name []byte) (g Group, ok bool) {
	i, ok := s.groups().find(name)
	if !ok {
		return Group{}, false
	}
	return Group{s.sp, s.groups().refs()[i]}, true
}

// AddGroup makes a group that has read up to an entry, which was the read-th of the
// stream, or EntriesUnknown. ok is false, and nothing changed, if the name is taken.
func (s *Stream) AddGroup(name []byte, last StreamID, read int64) (g Group, ok bool) {
	i, taken := s.groups().find(name)
	if taken {
		return Group{}, false
	}
	g = Group{s.sp, s.groups().add(i, name)}
	g.head().last, g.head().read = last, read
	return g, true
}

// RemoveGroup removes a group of the stream. It takes time with what is pending.
func (s *Stream) RemoveGroup(g Group) {
	i, _ := s.groups().find(g.Name())
	for before := s.Groups(); s.Groups() == before; {
		s.dropFromGroup(i)
	}
}

// dropFromGroup frees a part of the group at an index, in the end the group. It
// returns about how much that was.
func (s *Stream) dropFromGroup(i int) int {
	g := Group{s.sp, s.groups().refs()[i]}
	nothing := func(unsafe.Pointer) {}
	if n := g.pending().dropLast(nothing); n > 0 {
		return n
	}
	if last := g.Consumers() - 1; last >= 0 {
		c := g.consumer(last)
		if n := c.pending().dropLast(nothing); n > 0 {
			return n
		}
		g.consumers().remove(last)
		return 1
	}
	s.groups().remove(i)
	return 1
}

// EachGroup calls visit for each group, in the order of their names, until it returns
// false. visit adds and removes none.
func (s *Stream) EachGroup(visit func(g Group) bool) {
	if s.Groups() == 0 {
		return
	}
	for _, r := range s.groups().refs() {
		if !visit(Group{s.sp, r}) {
			return
		}
	}
}

func (g Group) head() *groupHead { return (*groupHead)(g.sp.Arena.ptr(g.ref)) }

func (g Group) consumers() names { return names{g.sp.Arena, &g.head().consumers, consumerHeadSize} }

func (g Group) consumer(i int) Consumer { return Consumer{g.sp, g.consumers().refs()[i]} }

// Name returns the group's name.
func (g Group) Name() []byte { return names{a: g.sp.Arena, head: groupHeadSize}.name(g.ref) }

// LastID is that of the last entry which was delivered for the first time.
func (g Group) LastID() StreamID { return g.head().last }

// SetLastID sets the last entry that was delivered.
func (g Group) SetLastID(id StreamID) { g.head().last = id }

// EntriesRead is the number of the last entry that was delivered, counted from the
// first there ever was in the stream, or EntriesUnknown.
func (g Group) EntriesRead() int64 { return g.head().read }

// SetEntriesRead sets what EntriesRead returns.
func (g Group) SetEntriesRead(n int64) { g.head().read = n }

// Consumers returns the number of consumers.
func (g Group) Consumers() int { return int(g.head().consumers.n) }

// Consumer returns the consumer of this name.
func (g Group) Consumer(name []byte) (c Consumer, ok bool) {
	i, ok := g.consumers().find(name)
	if !ok {
		return Consumer{}, false
	}
	return g.consumer(i), true
}

// AddConsumer makes a consumer that was seen now, in Unix ms, and never active. ok is
// false, and nothing changed, if the name is taken.
func (g Group) AddConsumer(name []byte, now int64) (c Consumer, ok bool) {
	i, taken := g.consumers().find(name)
	if taken {
		return Consumer{}, false
	}
	c = Consumer{g.sp, g.consumers().add(i, name)}
	c.head().seen, c.head().active = now, -1
	return c, true
}

// RemoveConsumer removes a consumer with all that is pending for it.
func (g Group) RemoveConsumer(c Consumer) {
	for at := c.pending().seek(StreamID{}); at.ok(); at.next() {
		g.pending().remove(at.id())
	}
	nothing := func(unsafe.Pointer) {}
	for c.pending().dropLast(nothing) > 0 {
	}
	i, _ := g.consumers().find(c.Name())
	g.consumers().remove(i)
}

// EachConsumer calls visit for each consumer, in the order of their names, until it
// returns false. visit adds and removes none.
func (g Group) EachConsumer(visit func(c Consumer) bool) {
	if g.Consumers() == 0 {
		return
	}
	for _, r := range g.consumers().refs() {
		if !visit(Consumer{g.sp, r}) {
			return
		}
	}
}

func (c Consumer) head() *consumerHead { return (*consumerHead)(c.sp.Arena.ptr(c.ref)) }

// Name returns the consumer's name.
func (c Consumer) Name() []byte { return names{a: c.sp.Arena, head: consumerHeadSize}.name(c.ref) }

// Seen is when the consumer last tried to read or to claim, Unix ms.
func (c Consumer) Seen() int64 { return c.head().seen }

// SetSeen sets when the consumer last tried to read or to claim.
func (c Consumer) SetSeen(now int64) { c.head().seen = now }

// Active is when the consumer last read or claimed something, Unix ms; -1 is never.
func (c Consumer) Active() int64 { return c.head().active }

// SetActive sets when the consumer last read or claimed something.
func (c Consumer) SetActive(now int64) { c.head().active = now }

func (g Group) memory() int {
	_, bytes := g.pending().memory()
	bytes += g.consumers().memory()
	g.EachConsumer(func(c Consumer) bool {
		_, size := c.pending().memory()
		bytes += size
		return true
	})
	return bytes
}
