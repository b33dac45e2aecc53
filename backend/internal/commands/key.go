package commands

import (
	"math"

	"holdfast/backend/command"
	"holdfast/backend/internal/store"
)

var keyRows = []Row{
	{"copy", copyKey},
	{"dbsize", func(c *Ctx) { c.Int(int64(c.DB.Len())) }},
	{"del", del},
	{"exists", exists},
	{"flushall", flushall},
	{"flushdb", flushdb},
	{"keys", keys},
	{"move", moveKey},
	{"object|encoding", objectEncoding},
	{"object|freq", objectFreq},
	{"object|help", objectHelp},
	{"object|idletime", objectIdletime},
	{"object|refcount", objectRefcount},
	{"randomkey", randomkey},
	{"rename", rename},
	{"renamenx", renamenx},
	{"scan", scan},
	{"swapdb", swapdb},
	{"touch", touch},
	{"type", func(c *Ctx) { c.Simple(c.DB.Type(c.Args[1]).String()) }},
	{"unlink", del},
}

// del is DEL and UNLINK: the store frees what is large later in any case.
func del(c *Ctx) {
	n := 0
	for _, key := range c.Args[1:] {
		if c.DB.Delete(key) {
			c.Notify(Generic, "del", key)
			n++
		}
	}
	c.Changed(n)
	c.Int(int64(n))
}

func exists(c *Ctx) {
	n := int64(0)
	for _, key := range c.Args[1:] {
		if c.DB.Type(key) != store.None {
			n++
		}
	}
	c.Int(n)
}

func touch(c *Ctx) {
	n := int64(0)
	for _, key := range c.Args[1:] {
		if c.DB.Touch(key) {
			n++
		}
	}
	c.Int(n)
}

func keys(c *Ctx) {
	pattern := c.Args[1]
	at, n := len(c.Out), 0
	c.DB.Each(func(key []byte, _ store.Type) bool {
		if command.Match(pattern, key, false) {
			c.Bulk(key)
			n++
		}
		return true
	})
	c.arrayAt(at, n)
}

func randomkey(c *Ctx) {
	if key := c.DB.RandomKey(); key != nil {
		c.Bulk(key)
	} else {
		c.Null()
	}
}

func rename(c *Ctx) {
	if c.DB.Has(c.Args[1]) && string(c.Args[1]) == string(c.Args[2]) || c.renamed() {
		c.OK()
	}
}

func renamenx(c *Ctx) {
	switch {
	case !c.DB.Has(c.Args[1]):
		c.Err(errNoKey)
	case c.DB.Has(c.Args[2]):
		c.Int(0)
	case c.renamed():
		c.Int(1)
	}
}

func (c *Ctx) renamed() bool {
	if c.failed(c.DB.Rename(c.Args[1], c.Args[2])) {
		return false
	}
	c.Changed(1)
	c.Notify(Generic, "rename_from", c.Args[1])
	c.Notify(Generic, "rename_to", c.Args[2])
	return true
}

// database reads argument i as the number of a database.
func (c *Ctx) database(i int) (n int, ok bool) {
	v, ok := c.int32(i, errNotInt)
	if !ok {
		return 0, false
	}
	if v < 0 || v >= c.Store.Databases() {
		c.Err(outOfRange)
		return 0, false
	}
	return v, true
}

// int32 reads argument i as what fits into C's int, or replies text when it is no
// number at all.
func (c *Ctx) int32(i int, text string) (n int, ok bool) {
	v, ok := c.integerIn(i, math.MinInt64, math.MaxInt64, text)
	if !ok {
		return 0, false
	}
	if v < math.MinInt32 || v > math.MaxInt32 {
		if text == errNotInt {
			text = "ERR value is out of range, value must between -2147483648 and 2147483647"
		}
		c.Err(text)
		return 0, false
	}
	return int(v), true
}

func moveKey(c *Ctx) {
	to, ok := c.database(2)
	if !ok {
		return
	}
	if to == c.DBNum {
		c.Err(errSameObject)
		return
	}
	key, dst := c.Args[1], c.Store.DB(to)
	if !c.DB.Has(key) || dst.Has(key) {
		c.Int(0)
		return
	}
	if c.failed(c.DB.Move(key, dst, key)) {
		return
	}
	c.Changed(1)
	c.Notify(Generic, "move_from", key)
	c.notifyIn(to, Generic, "move_to", key)
	c.Int(1)
}

func (c *Ctx) notifyIn(db int, class Class, event string, key []byte) {
	if c.notify != nil {
		c.notify(class, event, db, key)
	}
}

func copyKey(c *Ctx) {
	to, replace := c.DBNum, false
	for i := 3; i < len(c.Args); i++ {
		switch {
		case is(c.Args[i], "replace"):
			replace = true
		case is(c.Args[i], "db") && i+1 < len(c.Args):
			i++
			var ok bool
			if to, ok = c.database(i); !ok {
				return
			}
		default:
			c.Err(errSyntax)
			return
		}
	}
	from, key, dst := c.Args[1], c.Args[2], c.Store.DB(to)
	if to == c.DBNum && string(from) == string(key) {
		c.Err(errSameObject)
		return
	}
	if !c.DB.Exists(from) || !replace && dst.Has(key) {
		c.Int(0)
		return
	}
	if c.failed(c.DB.Copy(from, dst, key)) {
		return
	}
	c.Changed(1)
	c.notifyIn(to, Generic, "copy_to", key)
	c.Int(1)
}
