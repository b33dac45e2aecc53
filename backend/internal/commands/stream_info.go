package commands

import "holdfast/backend/internal/types"

// namedInt replies a name and an integer.
func (c *Ctx) namedInt(name string, n int64) {
	c.BulkString(name)
	c.Int(n)
}

func (c *Ctx) namedID(name string, id types.StreamID) {
	c.BulkString(name)
	c.streamID(id)
}

// infoStream opens the stream that XINFO is about, or replies an error.
func (c *Ctx) infoStream() (s types.Stream, ok bool) {
	s, ok, err := c.DB.Stream(c.Args[2])
	switch {
	case c.failed(err):
		return s, false
	case !ok:
		c.Err(errNoKey)
	}
	return s, ok
}

func xinfoConsumers(c *Ctx) {
	s, ok := c.infoStream()
	if !ok {
		return
	}
	g, ok := s.Group(c.Args[3])
	if !ok {
		c.Err(errNoSuchGroup(c.Args[2], c.Args[3]))
		return
	}
	c.Array(g.Consumers())
	g.EachConsumer(func(consumer types.Consumer) bool {
		inactive := consumer.Active()
		if inactive != -1 {
			inactive = c.Now - inactive
		}
		c.Map(4)
		c.BulkString("name")
		c.Bulk(consumer.Name())
		c.namedInt("pending", int64(consumer.Pending()))
		c.namedInt("idle", max(c.Now-consumer.Seen(), 0))
		c.namedInt("inactive", inactive)
		return true
	})
}

func xinfoGroups(c *Ctx) {
	s, ok := c.infoStream()
	if !ok {
		return
	}
	c.Array(s.Groups())
	s.EachGroup(func(g types.Group) bool {
		c.Map(6)
		c.BulkString("name")
		c.Bulk(g.Name())
		c.namedInt("consumers", int64(g.Consumers()))
		c.namedInt("pending", int64(g.Pending()))
		c.groupProgress(&s, g)
		return true
	})
}

// groupProgress replies how far a group has read, as three pairs.
func (c *Ctx) groupProgress(s *types.Stream, g types.Group) {
	c.namedID("last-delivered-id", g.LastID())
	c.BulkString("entries-read")
	c.known(g.EntriesRead(), g.EntriesRead() != types.EntriesUnknown)
	c.BulkString("lag")
	c.known(s.Lag(g))
}

// known replies an integer, or null if it is not known.
func (c *Ctx) known(n int64, ok bool) {
	if ok {
		c.Int(n)
	} else {
		c.Null()
	}
}

func xinfoStream(c *Ctx) {
	s, ok := c.infoStream()
	if !ok {
		return
	}
	full, count := len(c.Args) > 3, int64(10)
	switch n := len(c.Args); {
	case full && (n != 4 && n != 6 || !is(c.Args[3], "full") || n == 6 && !is(c.Args[4], "count")):
		c.subcommandSyntax()
		return
	case n == 6:
		if count, ok = c.integer(5); !ok {
			return
		}
		if count < 0 {
			count = 10
		}
	}
	if full {
		c.Map(9)
		c.streamFacts(&s)
		c.streamContent(&s, count)
		return
	}
	c.Map(10)
	c.streamFacts(&s)
	c.namedInt("groups", int64(s.Groups()))
	c.BulkString("first-entry")
	c.edge(&s, false)
	c.BulkString("last-entry")
	c.edge(&s, true)
}

// streamFacts replies what both forms of XINFO STREAM begin with: seven pairs. Of the
// radix tree that is not there, keys are the nodes, and its nodes are the blocks of the
// index and what it hangs from.
func (c *Ctx) streamFacts(s *types.Stream) {
	info := s.Info()
	nodes, index := s.Nodes()
	c.namedInt("length", int64(info.Length))
	c.namedInt("radix-tree-keys", int64(nodes))
	c.namedInt("radix-tree-nodes", int64(index)+1)
	c.namedID("last-generated-id", info.Last)
	c.namedID("max-deleted-entry-id", info.MaxDeleted)
	c.namedInt("entries-added", int64(info.Added))
	c.namedID("recorded-first-entry-id", info.First)
}

// edge replies the first or the last entry, null if there is none.
func (c *Ctx) edge(s *types.Stream, last bool) {
	if e := s.Entries(types.StreamID{}, types.MaxStreamID, last); e.Next() {
		c.streamEntry(&e)
	} else {
		c.Null()
	}
}

// streamContent replies entries and groups, up to count of each kind, 0 for all.
func (c *Ctx) streamContent(s *types.Stream, count int64) {
	c.BulkString("entries")
	c.streamEntries(s.Entries(types.StreamID{}, types.MaxStreamID, false), count)
	c.BulkString("groups")
	c.Array(s.Groups())
	s.EachGroup(func(g types.Group) bool {
		c.Map(7)
		c.BulkString("name")
		c.Bulk(g.Name())
		c.groupProgress(s, g)
		c.namedInt("pel-count", int64(g.Pending()))
		c.BulkString("pending")
		c.groupPending(g, count)
		c.BulkString("consumers")
		c.Array(g.Consumers())
		g.EachConsumer(func(consumer types.Consumer) bool {
			c.consumerContent(g, consumer, count)
			return true
		})
		return true
	})
}

func (c *Ctx) groupPending(g types.Group, count int64) {
	at, n := len(c.Out), 0
	g.EachPending(types.StreamID{}, func(p types.Pending) bool {
		c.Array(4)
		c.streamID(p.ID)
		c.Bulk(p.Consumer.Name())
		c.Int(p.Delivered)
		c.Int(int64(p.Count))
		n++
		return int64(n) != count
	})
	c.arrayAt(at, n)
}

func (c *Ctx) consumerContent(g types.Group, consumer types.Consumer, count int64) {
	c.Map(5)
	c.BulkString("name")
	c.Bulk(consumer.Name())
	c.namedInt("seen-time", consumer.Seen())
	c.namedInt("active-time", consumer.Active())
	c.namedInt("pel-count", int64(consumer.Pending()))
	c.BulkString("pending")
	at, n := len(c.Out), 0
	consumer.EachPending(types.StreamID{}, func(id types.StreamID) bool {
		p, _ := g.FindPending(id)
		c.Array(3)
		c.streamID(id)
		c.Int(p.Delivered)
		c.Int(int64(p.Count))
		n++
		return int64(n) != count
	})
	c.arrayAt(at, n)
}

func xinfoHelp(c *Ctx) {
	c.help(
		"CONSUMERS <key> <groupname>",
		"    The consumers of a group.",
		"GROUPS <key>",
		"    The groups of a stream.",
		"STREAM <key> [FULL [COUNT <count>]]",
		"    The stream itself; in full with its entries, groups and what is pending.",
	)
}
