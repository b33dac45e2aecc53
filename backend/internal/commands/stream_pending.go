package commands

import "holdfast/backend/internal/types"

func xack(c *Ctx) {
	s, ok, err := c.DB.Stream(c.Args[1])
	if c.failed(err) {
		return
	}
	if ok {
		_, ok = s.Group(c.Args[2])
	}
	if !ok {
		c.Int(0)
		return
	}
	done, ok := c.strictIDs(3)
	if !ok {
		return
	}
	edit, _, _ := c.DB.EditStream(c.Args[1])
	g, _ := edit.Group(c.Args[2])
	n := 0
	for _, id := range done {
		if g.Acknowledge(id) {
			n++
		}
	}
	edit.Done(false)
	c.Changed(n)
	c.Int(int64(n))
}

// pendingRange is what the long form of XPENDING asks for.
type pendingRange struct {
	from, to types.StreamID
	count    int64
	idle     int64  // ms at least; 0: whatever
	consumer []byte // nil: all
}

func xpending(c *Ctx) {
	summary := len(c.Args) == 3
	if !summary && (len(c.Args) < 6 || len(c.Args) > 9) {
		c.Err(errSyntax)
		return
	}
	var r pendingRange
	if !summary {
		var ok bool
		if r, ok = c.pendingRange(); !ok {
			return
		}
	}
	s, ok, err := c.DB.Stream(c.Args[1])
	if c.failed(err) {
		return
	}
	var g types.Group
	if ok {
		g, ok = s.Group(c.Args[2])
	}
	switch {
	case !ok:
		c.Err(errNoGroup(c.Args[1], c.Args[2]))
	case summary:
		c.pendingSummary(g)
	default:
		c.pendingIn(g, &r)
	}
}

// pendingRange reads [IDLE ms] start end count [consumer] behind the group.
func (c *Ctx) pendingRange() (r pendingRange, ok bool) {
	i := 3
	if is(c.Args[i], "idle") {
		if r.idle, ok = c.integer(i + 1); !ok {
			return r, false
		}
		if i += 2; len(c.Args) < i+3 {
			c.Err(errSyntax)
			return r, false
		}
	}
	if r.count, ok = c.integer(i + 2); !ok {
		return r, false
	}
	if r.from, ok = c.lowID(c.Args[i]); !ok {
		return r, false
	}
	if r.to, ok = c.highID(c.Args[i+1]); !ok {
		return r, false
	}
	if i+3 < len(c.Args) {
		r.consumer = c.Args[i+3]
	}
	return r, true
}

// pendingSummary replies how much is pending, from where to where, and for whom.
func (c *Ctx) pendingSummary(g types.Group) {
	c.Array(4)
	c.Int(int64(g.Pending()))
	last, ok := g.LastPending()
	if !ok {
		c.Null()
		c.Null()
		c.NullArray()
		return
	}
	first, _ := g.NextPending(types.StreamID{})
	c.streamID(first.ID)
	c.streamID(last.ID)
	at, n := len(c.Out), 0
	g.EachConsumer(func(consumer types.Consumer) bool {
		if consumer.Pending() > 0 {
			c.Array(2)
			c.Bulk(consumer.Name())
			c.BulkInt(int64(consumer.Pending()))
			n++
		}
		return true
	})
	c.arrayAt(at, n)
}

// pendingIn replies what is pending in a range.
func (c *Ctx) pendingIn(g types.Group, r *pendingRange) {
	at, n := len(c.Out), 0
	visit := func(p types.Pending) bool {
		if int64(n) >= r.count || r.to.Less(p.ID) {
			return false
		}
		idle := c.Now - p.Delivered
		if r.idle != 0 && idle < r.idle {
			return true
		}
		c.Array(4)
		c.streamID(p.ID)
		c.Bulk(p.Consumer.Name())
		c.Int(max(idle, 0))
		c.Int(int64(p.Count))
		n++
		return true
	}
	if r.consumer == nil {
		g.EachPending(r.from, visit)
	} else if consumer, ok := g.Consumer(r.consumer); ok {
		consumer.EachPending(r.from, func(id types.StreamID) bool {
			p, _ := g.FindPending(id)
			return visit(p)
		})
	}
	c.arrayAt(at, n)
}
