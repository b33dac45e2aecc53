package commands

import "holdfast/backend/internal/types"

var streamRows = []Row{
	{"xack", xack},
	{"xadd", xadd},
	{"xautoclaim", xautoclaim},
	{"xclaim", xclaim},
	{"xdel", xdel},
	{"xgroup|create", xgroupCreate},
	{"xgroup|createconsumer", xgroupCreateConsumer},
	{"xgroup|delconsumer", xgroupDelConsumer},
	{"xgroup|destroy", xgroupDestroy},
	{"xgroup|help", xgroupHelp},
	{"xgroup|setid", xgroupSetID},
	{"xinfo|consumers", xinfoConsumers},
	{"xinfo|groups", xinfoGroups},
	{"xinfo|help", xinfoHelp},
	{"xinfo|stream", xinfoStream},
	{"xlen", xlen},
	{"xpending", xpending},
	{"xrange", func(c *Ctx) { c.xrange(false) }},
	{"xread", func(c *Ctx) { c.read(false) }},
	{"xreadgroup", func(c *Ctx) { c.read(true) }},
	{"xrevrange", func(c *Ctx) { c.xrange(true) }},
	{"xsetid", xsetid},
	{"xtrim", xtrim},
}

// streamEntry replies the entry on which a walk stands: its ID, fields and values.
func (c *Ctx) streamEntry(e *types.StreamEntries) {
	c.Array(2)
	c.streamID(e.ID)
	c.Array(2 * e.Fields)
	for range e.Fields {
		field, value := e.Pair()
		c.Bulk(field)
		c.Bulk(value)
	}
}

// streamEntries replies up to count entries of a walk, all if count is 0.
func (c *Ctx) streamEntries(e types.StreamEntries, count int64) {
	at, n := len(c.Out), 0
	for (count == 0 || int64(n) < count) && e.Next() {
		c.streamEntry(&e)
		n++
	}
	c.arrayAt(at, n)
}

func xlen(c *Ctx) {
	s, ok, err := c.DB.Stream(c.Args[1])
	switch {
	case c.failed(err):
	case ok:
		c.Int(int64(s.Len()))
	default:
		c.Int(0)
	}
}

// xrange is XRANGE and XREVRANGE, which names the end first.
func (c *Ctx) xrange(reverse bool) {
	low, high := c.Args[2], c.Args[3]
	if reverse {
		low, high = high, low
	}
	from, ok := c.lowID(low)
	if !ok {
		return
	}
	to, ok := c.highID(high)
	if !ok {
		return
	}
	count, limited := int64(0), false
	for i := 4; i < len(c.Args); i += 2 {
		if !is(c.Args[i], "count") || i+1 == len(c.Args) {
			c.Err(errSyntax)
			return
		}
		if count, ok = c.integer(i + 1); !ok {
			return
		}
		limited = true
	}
	s, ok, err := c.DB.Stream(c.Args[1])
	switch {
	case c.failed(err):
	case !ok:
		c.Array(0)
	case limited && count <= 0:
		c.NullArray()
	default:
		c.streamEntries(s.Entries(from, to, reverse), count)
	}
}

func xdel(c *Ctx) {
	s, ok, err := c.DB.EditStream(c.Args[1])
	if c.failed(err) {
		return
	}
	if !ok {
		c.Int(0)
		return
	}
	doomed, ok := c.strictIDs(2)
	deleted := 0
	for _, id := range doomed {
		if s.Delete(id) {
			deleted++
		}
	}
	s.Done(deleted > 0)
	if deleted > 0 {
		c.Changed(deleted)
		c.Notify(Stream, "xdel", c.Args[1])
	}
	if ok {
		c.Int(int64(deleted))
	}
}

// xsetid sets what the stream knows about itself.
func xsetid(c *Ctx) {
	id, ok := c.strictID(c.Args[2], 0)
	if !ok {
		return
	}
	added, deleted := int64(-1), types.StreamID{}
	for i := 3; i < len(c.Args); i += 2 {
		switch more := i+1 < len(c.Args); {
		case more && is(c.Args[i], "entriesadded"):
			if added, ok = c.integer(i + 1); ok && added < 0 {
				c.Err("ERR entries_added must be positive")
				return
			}
		case more && is(c.Args[i], "maxdeletedid"):
			if deleted, ok = c.strictID(c.Args[i+1], 0); ok && id.Less(deleted) {
				c.Err("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
				return
			}
		default:
			ok = false
			c.Err(errSyntax)
		}
		if !ok {
			return
		}
	}
	c.setStreamInfo(id, added, deleted)
}

func (c *Ctx) setStreamInfo(id types.StreamID, added int64, deleted types.StreamID) {
	s, ok, err := c.DB.EditStream(c.Args[1])
	switch {
	case c.failed(err):
		return
	case !ok:
		c.Err(errNoKey)
		return
	}
	defer s.Done(false)
	info := s.Info()
	top, _ := s.Edge(true)
	switch {
	case id.Less(info.MaxDeleted):
		c.Err("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
		return
	case id.Less(top):
		c.Err("ERR The ID specified in XSETID is smaller than the target stream top item")
		return
	case added >= 0 && info.Length > uint64(added):
		c.Err("ERR The entries_added specified in XSETID is smaller than the target stream length")
		return
	}
	info.Last = id
	if added >= 0 {
		info.Added = uint64(added)
	}
	if !deleted.IsZero() {
		info.MaxDeleted = deleted
	}
	s.SetInfo(info)
	c.OK()
	c.Changed(1)
	c.Notify(Stream, "xsetid", c.Args[1])
}
