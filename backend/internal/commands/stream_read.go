package commands

import "holdfast/backend/internal/types"

// read is XREAD, or XREADGROUP. What the latter changes is propagated as claims; a read
// itself never is.
func (c *Ctx) read(group bool) {
	r, ok := c.reading(group)
	if !ok || !c.readFrom(&r) {
		return
	}
	c.PropagateNothing()
	at, n := len(c.Out), 0
	for i := range r.keys {
		if group && c.readGroup(&r, i) || !group && c.readStream(&r, i) {
			n++
		}
	}
	switch {
	case n > 0 && c.Proto >= 3:
		c.MapAt(at, n)
	case n > 0:
		c.arrayAt(at, n)
	case r.blocks:
		c.waitToRead(&r)
	default:
		c.NullArray()
	}
}

// readStream replies what lies behind the ID in a stream, and nothing if there is
// nothing.
func (c *Ctx) readStream(r *reading, i int) bool {
	s, ok, _ := c.DB.Stream(r.keys[i])
	if !ok {
		return false
	}
	from, more := r.ids[i].Next()
	if last, ok := s.Edge(true); !ok || !more || last.Less(from) {
		return false
	}
	c.streamHead(r.keys[i])
	c.streamEntries(s.Entries(from, types.MaxStreamID, false), r.count)
	return true
}

// streamHead replies the key whose entries follow.
func (c *Ctx) streamHead(key []byte) {
	if c.Proto < 3 {
		c.Array(2)
	}
	c.Bulk(key)
}

// readGroup is readStream for a consumer: new entries, or those that are pending for
// it.
func (c *Ctx) readGroup(r *reading, i int) (served bool) {
	key := r.keys[i]
	s, ok, _ := c.DB.EditStream(key)
	if !ok {
		return false
	}
	defer s.Done(false)
	g, _ := s.Group(r.group)
	consumer, created := c.consumer(g, key, r.consumer)
	if created && r.noAck {
		c.propagateConsumer(key, r.group, r.consumer)
	}
	consumer.SetSeen(c.Now)
	if r.ids[i] != types.MaxStreamID {
		c.streamHead(key)
		c.readPending(r, &s.Stream, g, consumer, r.ids[i])
		c.Changed(1)
		return true
	}
	if last, ok := s.Edge(true); !ok || !g.LastID().Less(last) {
		return false
	}
	c.streamHead(key)
	c.readNew(r, key, &s.Stream, g, consumer)
	c.Changed(1)
	return true
}

// readNew replies what lies behind the group's last entry, and makes it pending for
// the consumer.
func (c *Ctx) readNew(r *reading, key []byte, s *types.Stream, g types.Group, consumer types.Consumer) {
	from, _ := g.LastID().Next()
	at, n := len(c.Out), 0
	for e := s.Entries(from, types.MaxStreamID, false); (r.count == 0 || int64(n) < r.count) && e.Next(); n++ {
		s.Advance(g, e.ID)
		c.streamEntry(&e)
		if r.noAck {
			continue
		}
		p := types.Pending{ID: e.ID, Consumer: consumer, Delivered: c.Now, Count: 1}
		g.Deliver(p)
		consumer.SetActive(c.Now)
		var text [types.MaxStreamIDLen]byte
		c.propagateClaim(key, r.group, g, e.ID.Append(text[:0]), p)
	}
	c.arrayAt(at, n)
	if n > 0 && r.noAck {
		c.propagateGroup(key, r.group, g)
	}
}

// readPending replies what is pending for the consumer behind an ID, which counts as
// another delivery. Of entries that are gone only the ID is left.
func (c *Ctx) readPending(r *reading, s *types.Stream, g types.Group, consumer types.Consumer, behind types.StreamID) {
	from, _ := behind.Next()
	at, n := len(c.Out), 0
	consumer.EachPending(from, func(id types.StreamID) bool {
		if e := s.Entries(id, id, false); e.Next() {
			c.streamEntry(&e)
			p, _ := g.FindPending(id)
			p.Delivered = c.Now
			p.Count++
			g.Deliver(p)
		} else {
			c.Array(2)
			c.streamID(id)
			c.NullArray()
		}
		n++
		return r.count == 0 || int64(n) < r.count
	})
	c.arrayAt(at, n)
}

// waitToRead waits for entries behind the IDs; the end of a stream is where it is now.
// XREADGROUP also wants to hear that a key or a group is gone.
func (c *Ctx) waitToRead(r *reading) {
	if c.CanWait {
		for i, word := range r.words {
			if string(word) == "$" {
				r.words[i] = r.ids[i].Append(nil)
			}
		}
	}
	if r.group != nil {
		c.BlockOrGone(r.keys, r.until, NullArray)
	} else {
		c.Block(r.keys, r.until, NullArray)
	}
}
