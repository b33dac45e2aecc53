package commands

import (
	"math"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

var listRows = []Row{
	{"lpush", func(c *Ctx) { c.push(types.Head, false) }},
	{"rpush", func(c *Ctx) { c.push(types.Tail, false) }},
	{"lpushx", func(c *Ctx) { c.push(types.Head, true) }},
	{"rpushx", func(c *Ctx) { c.push(types.Tail, true) }},
	{"lpop", func(c *Ctx) { c.pop(types.Head) }},
	{"rpop", func(c *Ctx) { c.pop(types.Tail) }},
	{"llen", llen},
	{"lindex", lindex},
	{"lset", lset},
	{"linsert", linsert},
	{"lrange", lrange},
	{"ltrim", ltrim},
	{"lrem", lrem},
	{"lpos", lpos},
	{"lmove", lmove},
	{"rpoplpush", rpoplpush},
	{"lmpop", lmpop},
	{"blpop", func(c *Ctx) { c.blockingPop(types.Head) }},
	{"brpop", func(c *Ctx) { c.blockingPop(types.Tail) }},
	{"blmove", blmove},
	{"brpoplpush", brpoplpush},
	{"blmpop", blmpop},
}

// sideName is a side as the first letter of commands and events.
func sideName(side types.Side, left, right string) string {
	if side == types.Head {
		return left
	}
	return right
}

// push adds the values behind the key at an end; if only to a list that exists.
func (c *Ctx) push(side types.Side, onlyExisting bool) {
	var l store.ListEdit
	var err error
	if onlyExisting {
		var ok bool
		if l, ok, err = c.DB.EditList(c.Args[1]); !ok && err == nil {
			c.Int(0)
			return
		}
	} else {
		l, err = c.DB.MakeList(c.Args[1])
	}
	if c.failed(err) {
		return
	}
	l.Push(side, c.Args[2:]...)
	n := l.Len()
	c.listChanged(&l, c.Args[1], sideName(side, "lpush", "rpush"), len(c.Args)-2)
	c.Int(int64(n))
}

// listChanged ends an edit that made n changes.
func (c *Ctx) listChanged(l *store.ListEdit, key []byte, event string, n int) {
	gone := l.Done(n > 0)
	if n > 0 {
		c.Changed(n)
		c.event(List, event, key, gone)
	}
}

// pop takes one element from an end, or an array of up to as many as are asked for.
func (c *Ctx) pop(side types.Side) {
	if len(c.Args) > 3 {
		c.wrongArity()
		return
	}
	count, many, ok := int64(1), len(c.Args) == 3, true
	if many {
		if count, ok = c.integerIn(2, 0, math.MaxInt64, errNotPositive); !ok {
			return
		}
	}
	l, ok, err := c.DB.EditList(c.Args[1])
	switch {
	case c.failed(err):
	case !ok && many:
		c.NullArray()
	case !ok:
		c.Null()
	case many:
		c.popRange(&l, c.Args[1], side, int(min(count, int64(l.Len()))))
	default:
		c.popOne(&l, c.Args[1], side)
	}
}

// popOne takes the element at an end and replies it.
func (c *Ctx) popOne(l *store.ListEdit, key []byte, side types.Side) {
	at := 0
	if side == types.Tail {
		at = l.Len() - 1
	}
	c.Bulk(l.At(at))
	l.RemoveRange(at, 1)
	c.listChanged(l, key, sideName(side, "lpop", "rpop"), 1)
}

// popRange takes n elements from an end and replies them, the outermost first.
func (c *Ctx) popRange(l *store.ListEdit, key []byte, side types.Side, n int) {
	start, at, inwards := 0, 0, types.Tail
	if side == types.Tail {
		start, at, inwards = l.Len()-n, l.Len()-1, types.Head
	}
	c.Array(n)
	l.Each(at, n, inwards, func(v []byte) bool {
		c.Bulk(v)
		return true
	})
	l.RemoveRange(start, n)
	c.listChanged(l, key, sideName(side, "lpop", "rpop"), n)
}

func llen(c *Ctx) {
	l, ok, err := c.DB.List(c.Args[1])
	switch {
	case c.failed(err):
	case ok:
		c.Int(int64(l.Len()))
	default:
		c.Int(0)
	}
}

// listIndex resolves an index that counts from the end if negative, false if there
// is no such element.
func listIndex(index int64, n int) (int, bool) {
	if index < 0 {
		index += int64(n)
	}
	return int(index), index >= 0 && index < int64(n)
}

func lindex(c *Ctx) {
	l, ok, err := c.DB.List(c.Args[1])
	if c.failed(err) {
		return
	}
	if !ok {
		c.Null()
		return
	}
	index, ok := c.integer(2)
	if !ok {
		return
	}
	if at, ok := listIndex(index, l.Len()); ok {
		c.Bulk(l.At(at))
	} else {
		c.Null()
	}
}

func lset(c *Ctx) {
	l, ok, err := c.DB.EditList(c.Args[1])
	switch {
	case c.failed(err):
		return
	case !ok:
		c.Err(errNoKey)
		return
	}
	index, ok := c.integer(2)
	if !ok {
		l.Done(false)
		return
	}
	at, ok := listIndex(index, l.Len())
	if !ok {
		l.Done(false)
		c.Err(errIndexRange)
		return
	}
	l.Set(at, c.Args[3])
	c.listChanged(&l, c.Args[1], "lset", 1)
	c.OK()
}

func linsert(c *Ctx) {
	after := is(c.Args[2], "after")
	if !after && !is(c.Args[2], "before") {
		c.Err(errSyntax)
		return
	}
	l, ok, err := c.DB.EditList(c.Args[1])
	switch {
	case c.failed(err):
		return
	case !ok:
		c.Int(0)
		return
	}
	at := -1
	l.Match(c.Args[3], 0, l.Len(), types.Tail, func(index int) bool {
		at = index
		return false
	})
	if at < 0 {
		l.Done(false)
		c.Int(-1)
		return
	}
	if after {
		at++
	}
	l.Insert(at, c.Args[4])
	n := l.Len()
	c.listChanged(&l, c.Args[1], "linsert", 1)
	c.Int(int64(n))
}

func lrange(c *Ctx) {
	first, last, ok := c.integers(2)
	if !ok {
		return
	}
	l, ok, err := c.DB.List(c.Args[1])
	switch {
	case c.failed(err):
		return
	case !ok:
		c.Array(0)
		return
	}
	start, end := span(first, last, l.Len())
	c.Array(end - start)
	l.Each(start, end-start, types.Tail, func(v []byte) bool {
		c.Bulk(v)
		return true
	})
}

func ltrim(c *Ctx) {
	first, last, ok := c.integers(2)
	if !ok {
		return
	}
	l, ok, err := c.DB.EditList(c.Args[1])
	if c.failed(err) {
		return
	}
	if ok {
		n := l.Len()
		start, end := span(first, last, n)
		l.RemoveRange(end, n-end)
		l.RemoveRange(0, start)
		c.Changed(n - (end - start))
		gone := l.Done(true)
		c.event(List, "ltrim", c.Args[1], gone)
	}
	c.OK()
}

func lrem(c *Ctx) {
	count, ok := c.integer(2)
	if !ok {
		return
	}
	l, ok, err := c.DB.EditList(c.Args[1])
	if c.failed(err) {
		return
	}
	removed := 0
	if ok {
		limit := int64(l.Len())
		removed = l.RemoveMatches(c.Args[3], int(min(max(count, -count), limit)), count < 0)
		c.listChanged(&l, c.Args[1], "lrem", removed)
	}
	c.Int(int64(removed))
}
