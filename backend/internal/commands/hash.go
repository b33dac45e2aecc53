package commands

import (
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

var hashRows = []Row{
	{"hset", hset},
	{"hsetnx", hsetnx},
	{"hmset", hmset},
	{"hget", hget},
	{"hmget", hmget},
	{"hdel", hdel},
	{"hlen", hlen},
	{"hstrlen", hstrlen},
	{"hexists", hexists},
	{"hkeys", hkeys},
	{"hvals", hvals},
	{"hgetall", hgetall},
	{"hincrby", hincrby},
	{"hincrbyfloat", hincrbyfloat},
	{"hrandfield", hrandfield},
	{"hscan", hscan},
}

func hset(c *Ctx) {
	if created, ok := c.setFields(); ok {
		c.Int(int64(created))
	}
}

func hmset(c *Ctx) {
	if _, ok := c.setFields(); ok {
		c.OK()
	}
}

// setFields sets the pairs behind the key and returns how many fields are new.
func (c *Ctx) setFields() (created int, ok bool) {
	pairs := c.Args[2:]
	if len(pairs)%2 != 0 {
		c.wrongArity()
		return 0, false
	}
	h, err := c.DB.MakeHash(c.Args[1])
	if c.failed(err) {
		return 0, false
	}
	h.Expect(len(pairs) / 2)
	for i := 0; i < len(pairs); i += 2 {
		if h.Set(pairs[i], pairs[i+1]) {
			created++
		}
	}
	c.hashChanged(&h, "hset", len(pairs)/2)
	return created, true
}

// hashChanged ends an edit that made n changes.
func (c *Ctx) hashChanged(h *store.HashEdit, event string, n int) {
	gone := h.Done(n > 0)
	if n > 0 {
		c.Changed(n)
		c.event(Hash, event, c.Args[1], gone)
	}
}

func hsetnx(c *Ctx) {
	h, err := c.DB.MakeHash(c.Args[1])
	if c.failed(err) {
		return
	}
	changes := 0
	if !h.Has(c.Args[2]) {
		h.Set(c.Args[2], c.Args[3])
		changes = 1
	}
	c.hashChanged(&h, "hset", changes)
	c.Int(int64(changes))
}

func hget(c *Ctx) {
	h, ok, err := c.DB.Hash(c.Args[1])
	if c.failed(err) {
		return
	}
	c.field(&h, ok, c.Args[2])
}

// field replies a field's value, null if there is none.
func (c *Ctx) field(h *types.Hash, found bool, name []byte) {
	if found {
		if value, ok := h.Get(name); ok {
			c.Bulk(value)
			return
		}
	}
	c.Null()
}

func hmget(c *Ctx) {
	h, ok, err := c.DB.Hash(c.Args[1])
	if c.failed(err) {
		return
	}
	c.Array(len(c.Args) - 2)
	for _, name := range c.Args[2:] {
		c.field(&h, ok, name)
	}
}

func hdel(c *Ctx) {
	h, ok, err := c.DB.EditHash(c.Args[1])
	if c.failed(err) {
		return
	}
	deleted := 0
	if ok {
		for _, name := range c.Args[2:] {
			if h.Delete(name) {
				deleted++
			}
		}
		c.hashChanged(&h, "hdel", deleted)
	}
	c.Int(int64(deleted))
}

func hlen(c *Ctx) {
	h, ok, err := c.DB.Hash(c.Args[1])
	switch {
	case c.failed(err):
	case ok:
		c.Int(int64(h.Len()))
	default:
		c.Int(0)
	}
}

func hstrlen(c *Ctx) {
	h, ok, err := c.DB.Hash(c.Args[1])
	if c.failed(err) {
		return
	}
	var value []byte
	if ok {
		value, _ = h.Get(c.Args[2])
	}
	c.Int(int64(len(value)))
}

func hexists(c *Ctx) {
	h, ok, err := c.DB.Hash(c.Args[1])
	if !c.failed(err) {
		c.Flag(ok && h.Has(c.Args[2]))
	}
}

func hkeys(c *Ctx) { c.fields(true, false) }

func hvals(c *Ctx) { c.fields(false, true) }

func hgetall(c *Ctx) { c.fields(true, true) }

// fields replies the whole hash: its names, its values, or a map of both.
func (c *Ctx) fields(names, values bool) {
	h, ok, err := c.DB.Hash(c.Args[1])
	if c.failed(err) {
		return
	}
	n := 0
	if ok {
		n = h.Len()
	}
	if names && values {
		c.Map(n)
	} else {
		c.Array(n)
	}
	if !ok {
		return
	}
	h.Each(func(name, value []byte) bool {
		if names {
			c.Bulk(name)
		}
		if values {
			c.Bulk(value)
		}
		return true
	})
}

func hrandfield(c *Ctx) {
	d, ok := c.drawing("withvalues")
	if !ok {
		return
	}
	h, found, err := c.DB.Hash(c.Args[1])
	if c.failed(err) {
		return
	}
	var name, value []byte
	from := deck{
		pick: func() []byte {
			name, value = h.Random()
			return name
		},
		each: func(visit func()) {
			h.Each(func(n, v []byte) bool {
				name, value = n, v
				visit()
				return true
			})
		},
		reply: func() {
			c.Bulk(name)
			if d.paired {
				c.Bulk(value)
			}
		},
	}
	if found {
		from.size = h.Len()
	}
	c.draw(d, from)
}

func hscan(c *Ctx) {
	h, found, err := c.DB.Hash(c.Args[1])
	s, ok := c.scanningValue(found, err)
	if !ok {
		return
	}
	at, n := len(c.Out), 0
	next := h.Scan(s.cursor, s.count, func(name, value []byte) {
		if s.wants(name) {
			c.Bulk(name)
			c.Bulk(value)
			n += 2
		}
	})
	c.scannedAt(at, next, n)
}
