package commands

import (
	"math"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

var setRows = []Row{
	{"sadd", sadd},
	{"srem", srem},
	{"smove", smove},
	{"sismember", sismember},
	{"smismember", smismember},
	{"scard", scard},
	{"smembers", smembers},
	{"spop", spop},
	{"srandmember", srandmember},
	{"sscan", sscan},
	{"sinter", sinter},
	{"sinterstore", sinterstore},
	{"sintercard", sintercard},
	{"sunion", sunion},
	{"sunionstore", sunionstore},
	{"sdiff", sdiff},
	{"sdiffstore", sdiffstore},
}

func sadd(c *Ctx) {
	members := c.Args[2:]
	s, err := c.DB.MakeSet(c.Args[1], members[0], len(members))
	if c.failed(err) {
		return
	}
	s.Expect(len(members))
	added := 0
	for _, m := range members {
		if s.Add(m) {
			added++
		}
	}
	c.setChanged(&s, c.Args[1], "sadd", added)
	c.Int(int64(added))
}

// setChanged ends an edit that made n changes.
func (c *Ctx) setChanged(s *store.SetEdit, key []byte, event string, n int) {
	gone := s.Done(n > 0)
	if n > 0 {
		c.Changed(n)
		c.event(SetEvent, event, key, gone)
	}
}

func srem(c *Ctx) {
	s, ok, err := c.DB.EditSet(c.Args[1])
	if c.failed(err) {
		return
	}
	removed := 0
	if ok {
		for _, m := range c.Args[2:] {
			if s.Remove(m) {
				removed++
			}
		}
		c.setChanged(&s, c.Args[1], "srem", removed)
	}
	c.Int(int64(removed))
}

func smove(c *Ctx) {
	from, to, member := c.Args[1], c.Args[2], c.Args[3]
	ok, err := c.DB.Check(from, store.Set)
	if err == nil && !ok {
		c.Int(0)
		return
	}
	if err == nil {
		_, err = c.DB.Check(to, store.Set)
	}
	if c.failed(err) {
		return
	}
	taken, _, _ := c.DB.EditSet(from)
	if has := taken.Has(member); !has || string(from) == string(to) {
		taken.Done(false)
		c.Flag(has)
		return
	}
	taken.Remove(member)
	c.setChanged(&taken, from, "srem", 1)
	given, _ := c.DB.MakeSet(to, member, 1)
	added := 0
	if given.Add(member) {
		added = 1
	}
	c.setChanged(&given, to, "sadd", added)
	c.Int(1)
}

func sismember(c *Ctx) {
	s, ok, err := c.DB.SetOf(c.Args[1])
	if !c.failed(err) {
		c.Flag(ok && s.Has(c.Args[2]))
	}
}

func smismember(c *Ctx) {
	s, ok, err := c.DB.SetOf(c.Args[1])
	if c.failed(err) {
		return
	}
	c.Array(len(c.Args) - 2)
	for _, m := range c.Args[2:] {
		c.Flag(ok && s.Has(m))
	}
}

func scard(c *Ctx) {
	s, ok, err := c.DB.SetOf(c.Args[1])
	switch {
	case c.failed(err):
	case ok:
		c.Int(int64(s.Len()))
	default:
		c.Int(0)
	}
}

func smembers(c *Ctx) {
	s, ok, err := c.DB.SetOf(c.Args[1])
	switch {
	case c.failed(err):
	case ok:
		c.Set(s.Len())
		s.Each(func(m []byte) bool {
			c.Bulk(m)
			return true
		})
	default:
		c.Set(0)
	}
}

// spop is propagated as what it took: a replica must not draw for itself.
func spop(c *Ctx) {
	if len(c.Args) > 3 {
		c.Err(errSyntax)
		return
	}
	if len(c.Args) == 3 {
		spopCount(c)
		return
	}
	s, ok, err := c.DB.EditSet(c.Args[1])
	switch {
	case c.failed(err):
		return
	case !ok:
		c.Null()
		return
	}
	s.Pop(func(m []byte) {
		c.Bulk(m)
		c.Propagate([]byte("SREM"), c.Args[1], m)
	})
	c.setChanged(&s, c.Args[1], "spop", 1)
}

func spopCount(c *Ctx) {
	count, ok := c.integerIn(2, 0, math.MaxInt64, errNotPositive)
	if !ok {
		return
	}
	s, ok, err := c.DB.EditSet(c.Args[1])
	if c.failed(err) {
		return
	}
	if !ok {
		c.Set(0)
		return
	}
	size := s.Len()
	if count == 0 || count >= int64(size) {
		s.Done(false)
	}
	if count == 0 {
		c.Set(0)
		return
	}
	if count >= int64(size) {
		smembers(c)
		c.DB.Delete(c.Args[1])
		c.Changed(size)
		c.event(SetEvent, "spop", c.Args[1], true)
		c.Propagate(deletion(c.Options.LazyServerDel), c.Args[1])
		return
	}
	c.Set(int(count))
	c.popMembers(&s, int(count))
	c.setChanged(&s, c.Args[1], "spop", int(count))
}

// popMembers takes count of a set's members and replies them. They are propagated in
// SREMs of bounded length.
func (c *Ctx) popMembers(s *store.SetEdit, count int) {
	const batch = 1024
	words := [][]byte{[]byte("SREM"), c.Args[1]}
	var taken []byte
	for i := range count {
		s.Pop(func(m []byte) {
			c.Bulk(m)
			start := len(taken)
			taken = append(taken, m...)
			words = append(words, taken[start:len(taken):len(taken)])
		})
		if len(words) == batch+2 || i == count-1 {
			c.Propagate(words...)
			words, taken = words[:2], nil
		}
	}
}

func srandmember(c *Ctx) {
	d, ok := c.drawing("")
	if !ok {
		return
	}
	s, found, err := c.DB.SetOf(c.Args[1])
	if c.failed(err) {
		return
	}
	switch {
	case !found:
		c.draw(d, deck{})
	case d.single:
		c.Bulk(s.Random())
	default:
		c.draw(d, deckOf(c, s))
	}
}

func deckOf(c *Ctx, s types.Set) deck {
	var member []byte
	return deck{
		size: s.Len(),
		pick: func() []byte {
			member = s.Random()
			return member
		},
		each: func(visit func()) {
			s.Each(func(m []byte) bool {
				member = m
				visit()
				return true
			})
		},
		reply: func() { c.Bulk(member) },
	}
}

func sscan(c *Ctx) {
	set, found, err := c.DB.SetOf(c.Args[1])
	s, ok := c.scanningValue(found, err)
	if !ok {
		return
	}
	at, n := len(c.Out), 0
	next := set.Scan(s.cursor, s.count, func(m []byte) {
		if s.wants(m) {
			c.Bulk(m)
			n++
		}
	})
	c.scannedAt(at, next, n)
}
