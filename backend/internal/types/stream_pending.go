package types

// Pending is an entry that was delivered to a consumer and not yet acknowledged. The
// entry itself may be gone from the stream.
type Pending struct {
	ID        StreamID
	Consumer  Consumer
	Delivered int64  // the last time, Unix ms
	Count     uint64 // deliveries
}

// delivery is what a group keeps of a pending entry.
type delivery struct {
	delivered int64
	count     uint64
	consumer  Ref // 0 while a file is being read
	_         uint32
}

func (g Group) pending() ids { return g.head().pending.bind(g.sp.Arena, 24) }

func (c Consumer) pending() ids { return c.head().pending.bind(c.sp.Arena, 0) }

// Pending returns the number of entries that were delivered and not acknowledged.
func (g Group) Pending() int { return int(g.head().pending.n) }

// Pending returns how many of the group's pending entries are the consumer's.
func (c Consumer) Pending() int { return int(c.head().pending.n) }

func (g Group) pendingAt(c *idCursor) Pending {
	d := (*delivery)(c.value())
	return Pending{c.id(), Consumer{g.sp, d.consumer}, d.delivered, d.count}
}

// FindPending returns the pending entry of this ID.
func (g Group) FindPending(id StreamID) (p Pending, ok bool) {
	p, ok = g.NextPending(id)
	return p, ok && p.ID == id
}

// NextPending returns the first pending entry that does not lie before an ID.
func (g Group) NextPending(from StreamID) (p Pending, ok bool) {
	c := g.pending().seek(from)
	if !c.ok() {
		return Pending{}, false
	}
	return g.pendingAt(&c), true
}

// LastPending returns the last pending entry.
func (g Group) LastPending() (p Pending, ok bool) {
	c := g.pending().last()
	if !c.ok() {
		return Pending{}, false
	}
	return g.pendingAt(&c), true
}

// EachPending calls visit for the pending entries from an ID on until it returns
// false. visit changes nothing.
func (g Group) EachPending(from StreamID, visit func(p Pending) bool) {
	for c := g.pending().seek(from); c.ok() && visit(g.pendingAt(&c)); {
		c.next()
	}
}

// EachPending calls visit for the IDs of the consumer's pending entries from one on
// until it returns false. visit changes nothing.
func (c Consumer) EachPending(from StreamID, visit func(id StreamID) bool) {
	for at := c.pending().seek(from); at.ok() && visit(at.id()); {
		at.next()
	}
}

// Deliver makes an entry pending for a consumer of the group, whoever had it before.
func (g Group) Deliver(p Pending) {
	value, added := g.pending().put(p.ID)
	d := (*delivery)(value)
	if added {
		*d = delivery{}
	}
	d.delivered, d.count = p.Delivered, p.Count
	if d.consumer == p.Consumer.ref {
		return
	}
	if d.consumer != 0 {
		Consumer{g.sp, d.consumer}.pending().remove(p.ID)
	}
	d.consumer = p.Consumer.ref
	p.Consumer.pending().put(p.ID)
}

// Acknowledge ends the waiting for an entry and reports whether it was pending.
func (g Group) Acknowledge(id StreamID) bool {
	p, ok := g.FindPending(id)
	if !ok {
		return false
	}
	p.Consumer.pending().remove(id)
	g.pending().remove(id)
	return true
}

// LoadPending adds a pending entry that belongs to no consumer yet, as files have
// them. It returns false if there is one of this ID.
func (g Group) LoadPending(id StreamID, delivered int64, count uint64) bool {
	value, added := g.pending().put(id)
	if added {
		*(*delivery)(value) = delivery{delivered: delivered, count: count}
	}
	return added
}

// LoadOwner gives a pending entry that was loaded to a consumer. It returns false if
// there is no such entry, or it has a consumer.
func (g Group) LoadOwner(id StreamID, c Consumer) bool {
	value := g.pending().find(id)
	if value == nil || (*delivery)(value).consumer != 0 {
		return false
	}
	(*delivery)(value).consumer = c.ref
	c.pending().put(id)
	return true
}

// cloneTo copies consumers and pending entries to an empty group.
func (g Group) cloneTo(to Group) {
	g.EachConsumer(func(c Consumer) bool {
		copied, _ := to.AddConsumer(c.Name(), c.Seen())
		copied.SetActive(c.Active())
		return true
	})
	g.EachPending(StreamID{}, func(p Pending) bool {
		p.Consumer, _ = to.Consumer(p.Consumer.Name())
		to.Deliver(p)
		return true
	})
}
