package commands

import (
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// errNoGroup is the error of commands for which key and group must be there.
func errNoGroup(key, group []byte) string {
	return "NOGROUP No such key '" + string(key) + "' or consumer group '" + string(group) + "'"
}

// errNoSuchGroup is the error of XGROUP and XINFO, which look for the key first.
func errNoSuchGroup(key, group []byte) string {
	return "NOGROUP No such consumer group '" + string(group) + "' for key name '" + string(key) + "'"
}

// subcommandSyntax replies that a subcommand has the wrong arguments.
func (c *Ctx) subcommandSyntax() {
	const shown = 128
	name := c.Args[1][:min(len(c.Args[1]), shown)]
	c.Err("ERR unknown subcommand or wrong number of arguments for '" + string(name) + "'. Try " + upperName(c.Args[0]) + " HELP.")
}

// groupOptions reads the options of XGROUP CREATE and SETID. The stream may be missing,
// to be made, where MKSTREAM was given.
func (c *Ctx) groupOptions(create bool) (read int64, missing, ok bool) {
	read = types.EntriesUnknown
	for i := 5; i < len(c.Args); i++ {
		switch {
		case create && is(c.Args[i], "mkstream"):
			missing = true
		case is(c.Args[i], "entriesread") && i+1 < len(c.Args):
			i++
			if read, ok = c.integer(i); !ok {
				return read, missing, false
			}
			if read < 0 && read != types.EntriesUnknown {
				c.Err("ERR value for ENTRIESREAD must be positive or -1")
				return read, missing, false
			}
		default:
			c.subcommandSyntax()
			return read, missing, false
		}
	}
	return read, missing, true
}

// groupStream opens the stream whose group XGROUP is about, or replies that there is
// none.
func (c *Ctx) groupStream() (s store.StreamEdit, ok bool) {
	s, ok, err := c.DB.EditStream(c.Args[2])
	switch {
	case c.failed(err):
		return s, false
	case !ok:
		c.Err("ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option " +
			"to create an empty stream automatically.")
	}
	return s, ok
}

// groupOf is groupStream for what needs the group too.
func (c *Ctx) groupOf() (s store.StreamEdit, g types.Group, ok bool) {
	if s, ok = c.groupStream(); !ok {
		return s, g, false
	}
	if g, ok = s.Group(c.Args[3]); !ok {
		s.Done(false)
		c.Err(errNoSuchGroup(c.Args[2], c.Args[3]))
	}
	return s, g, ok
}

// groupChanged counts a change of a group and reports the event.
func (c *Ctx) groupChanged(event string) {
	c.Changed(1)
	c.Notify(Stream, event, c.Args[2])
}

func xgroupCreate(c *Ctx) {
	read, missing, ok := c.groupOptions(true)
	if !ok {
		return
	}
	var s store.StreamEdit
	var err error
	if missing {
		s, err = c.DB.MakeStream(c.Args[2])
		ok = !c.failed(err)
	} else {
		s, ok = c.groupStream()
	}
	if ok {
		created := c.createGroup(&s, read)
		s.Done(created && s.New())
	}
}

func (c *Ctx) createGroup(s *store.StreamEdit, read int64) (created bool) {
	const most = 8 // words: an option may come twice, but not at will
	if len(c.Args) > most {
		c.subcommandSyntax()
		return false
	}
	id, ok := s.Info().Last, true
	if string(c.Args[4]) != "$" {
		id, ok = c.strictID(c.Args[4], 0)
	}
	if !ok {
		return false
	}
	if _, created = s.AddGroup(c.Args[3], id, read); !created {
		c.Err("BUSYGROUP Consumer Group name already exists")
		return false
	}
	c.OK()
	c.groupChanged("xgroup-create")
	return true
}

func xgroupSetID(c *Ctx) {
	read, _, ok := c.groupOptions(false)
	if !ok {
		return
	}
	s, g, ok := c.groupOf()
	if !ok {
		return
	}
	defer s.Done(false)
	if len(c.Args) != 5 && len(c.Args) != 7 {
		c.subcommandSyntax()
		return
	}
	id := s.Info().Last
	if string(c.Args[4]) != "$" {
		id, ok = c.looseID(c.Args[4], 0)
	}
	if !ok {
		return
	}
	g.SetLastID(id)
	g.SetEntriesRead(read)
	c.OK()
	c.groupChanged("xgroup-setid")
}

// xgroupDestroy wakes those who wait for the group, and will wait in vain.
func xgroupDestroy(c *Ctx) {
	s, ok := c.groupStream()
	if !ok {
		return
	}
	g, ok := s.Group(c.Args[3])
	if ok {
		s.RemoveGroup(g)
		c.groupChanged("xgroup-destroy")
	}
	s.Done(false)
	c.Flag(ok)
	if ok {
		c.wakeFor(c.Args[2])
	}
}

func xgroupCreateConsumer(c *Ctx) {
	s, g, ok := c.groupOf()
	if !ok {
		return
	}
	_, created := c.consumer(g, c.Args[2], c.Args[4])
	s.Done(false)
	c.Flag(created)
}

// consumer returns the consumer of this name, which is made if need be.
func (c *Ctx) consumer(g types.Group, key, name []byte) (consumer types.Consumer, created bool) {
	if consumer, found := g.Consumer(name); found {
		return consumer, false
	}
	consumer, created = g.AddConsumer(name, c.Now)
	c.Changed(1)
	c.Notify(Stream, "xgroup-createconsumer", key)
	return consumer, created
}

func xgroupDelConsumer(c *Ctx) {
	s, g, ok := c.groupOf()
	if !ok {
		return
	}
	pending := 0
	if consumer, found := g.Consumer(c.Args[4]); found {
		pending = consumer.Pending()
		g.RemoveConsumer(consumer)
		c.groupChanged("xgroup-delconsumer")
	}
	s.Done(false)
	c.Int(int64(pending))
}

func xgroupHelp(c *Ctx) {
	c.help(
		"CREATE <key> <groupname> <id|$> [MKSTREAM] [ENTRIESREAD <n>]",
		"    Make a group that reads what comes behind <id>; with MKSTREAM the stream too.",
		"CREATECONSUMER <key> <groupname> <consumer>",
		"    Make a consumer in a group.",
		"DELCONSUMER <key> <groupname> <consumer>",
		"    Remove a consumer with all that is pending for it.",
		"DESTROY <key> <groupname>",
		"    Remove a group.",
		"SETID <key> <groupname> <id|$> [ENTRIESREAD <n>]",
		"    Let a group go on reading behind <id>.",
	)
}
