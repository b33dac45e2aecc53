package commands

import (
	"math"
	"strconv"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// side reads argument i, LEFT or RIGHT, or replies a syntax error.
func (c *Ctx) side(i int) (side types.Side, ok bool) {
	switch {
	case is(c.Args[i], "left"):
		return types.Head, true
	case is(c.Args[i], "right"):
		return types.Tail, true
	}
	c.Err(errSyntax)
	return side, false
}

// sides reads LEFT|RIGHT LEFT|RIGHT behind the two keys.
func (c *Ctx) sides() (from, to types.Side, ok bool) {
	if from, ok = c.side(3); !ok {
		return from, to, false
	}
	to, ok = c.side(4)
	return from, to, ok
}

func lmove(c *Ctx) {
	if from, to, ok := c.sides(); ok && !c.move(from, to) {
		c.Null()
	}
}

func rpoplpush(c *Ctx) {
	if !c.move(types.Tail, types.Head) {
		c.Null()
	}
}

// blmove is propagated as the LMOVE that it was in the end.
func blmove(c *Ctx) {
	from, to, ok := c.sides()
	if !ok {
		return
	}
	until, ok := c.timeout(5)
	if !ok {
		return
	}
	if !c.move(from, to) {
		c.waitToMove(until)
	} else if c.Dirty() > 0 {
		c.Propagate([]byte("LMOVE"), c.Args[1], c.Args[2], c.Args[3], c.Args[4])
	}
}

func brpoplpush(c *Ctx) {
	until, ok := c.timeout(3)
	if !ok {
		return
	}
	if !c.move(types.Tail, types.Head) {
		c.waitToMove(until)
	} else if c.Dirty() > 0 {
		c.Propagate([]byte("RPOPLPUSH"), c.Args[1], c.Args[2])
	}
}

// waitToMove waits for the source. Redis has two nulls here: a bulk string's where
// waiting is not allowed, an array's when the time is over.
func (c *Ctx) waitToMove(until int64) {
	if !c.CanWait {
		c.Null()
		return
	}
	c.Block(c.Args[1:2], until, NullArray)
}

// move takes an element from one end of the first key's list to an end of the second
// key's, and replies it. It returns false, and replied nothing, if there is none.
func (c *Ctx) move(from, to types.Side) bool {
	ok, err := c.DB.Check(c.Args[1], store.List)
	if err == nil && !ok {
		return false
	}
	if err == nil {
		_, err = c.DB.Check(c.Args[2], store.List)
	}
	if c.failed(err) {
		return true
	}
	src, _, _ := c.DB.EditList(c.Args[1])
	at := 0
	if from == types.Tail {
		at = src.Len() - 1
	}
	value := src.At(at)
	c.Bulk(value)
	if string(c.Args[1]) == string(c.Args[2]) {
		c.turn(&src, at, from, to)
		return true
	}
	dst, _ := c.DB.MakeList(c.Args[2])
	dst.Push(to, value)
	dst.Done(true)
	c.Notify(List, sideName(to, "lpush", "rpush"), c.Args[2])
	src.RemoveRange(at, 1)
	c.listChanged(&src, c.Args[1], sideName(from, "lpop", "rpop"), 1)
	return true
}

// turn moves an element within its list. It is copied, since it is removed first: a
// list that were longer by one for a moment could change its encoding for nothing.
func (c *Ctx) turn(l *store.ListEdit, at int, from, to types.Side) {
	value := append([]byte(nil), l.At(at)...)
	l.RemoveRange(at, 1)
	l.Push(to, value)
	c.Notify(List, sideName(to, "lpush", "rpush"), c.Args[1])
	c.listChanged(l, c.Args[1], sideName(from, "lpop", "rpop"), 1)
}

// multiPop is what LMPOP and BLMPOP ask for.
type multiPop struct {
	keys  [][]byte
	side  types.Side
	count int64
}

// multiPop reads numkeys key… LEFT|RIGHT [COUNT count] from argument i on.
func (c *Ctx) multiPop(i int) (m multiPop, ok bool) {
	if m.keys, i, ok = c.keysAndMore(i); !ok {
		return m, false
	}
	if m.side, ok = c.side(i); !ok {
		return m, false
	}
	m.count, ok = c.popCount(i + 1)
	return m, ok
}

// keysAndMore reads numkeys key… from argument i on, behind which another argument
// must stand: at rest.
func (c *Ctx) keysAndMore(i int) (keys [][]byte, rest int, ok bool) {
	n, ok := c.integerIn(i, 1, math.MaxInt64, "ERR numkeys should be greater than 0")
	if !ok {
		return nil, 0, false
	}
	if n >= int64(len(c.Args)-i-1) {
		c.Err(errSyntax)
		return nil, 0, false
	}
	rest = i + 1 + int(n)
	return c.Args[i+1 : rest], rest, true
}

// popCount reads [COUNT count] from argument i on, 1 if there is none.
func (c *Ctx) popCount(i int) (count int64, ok bool) {
	if i == len(c.Args) {
		return 1, true
	}
	if i+2 > len(c.Args) || !is(c.Args[i], "count") {
		c.Err(errSyntax)
		return 0, false
	}
	count, ok = c.integerIn(i+1, 1, math.MaxInt64, "ERR count should be greater than 0")
	if ok && i+2 < len(c.Args) {
		c.Err(errSyntax)
		return 0, false
	}
	return count, ok
}

func lmpop(c *Ctx) {
	if m, ok := c.multiPop(1); ok && !c.popFirst(m) {
		c.NullArray()
	}
}

func blmpop(c *Ctx) {
	m, ok := c.multiPop(2)
	if !ok {
		return
	}
	until, ok := c.timeout(1)
	if ok && !c.popFirst(m) {
		c.Block(m.keys, until, NullArray)
	}
}

// popFirst pops from the first of the keys that holds a list, and replies the key and
// the elements; the effect is an ordinary pop of that key. It returns false, and
// replied nothing, if there is none.
func (c *Ctx) popFirst(m multiPop) bool {
	for _, key := range m.keys {
		l, ok, err := c.DB.EditList(key)
		if c.failed(err) {
			return true
		}
		if !ok {
			continue
		}
		n := int(min(m.count, int64(l.Len())))
		c.Array(2)
		c.Bulk(key)
		c.popRange(&l, key, m.side, n)
		c.Propagate([]byte(sideName(m.side, "LPOP", "RPOP")), key, strconv.AppendInt(nil, int64(n), 10))
		return true
	}
	return false
}

// blockingPop is BLPOP and BRPOP.
func (c *Ctx) blockingPop(side types.Side) {
	last := len(c.Args) - 1
	until, ok := c.timeout(last)
	if !ok {
		return
	}
	for _, key := range c.Args[1:last] {
		l, ok, err := c.DB.EditList(key)
		if c.failed(err) {
			return
		}
		if ok {
			c.Array(2)
			c.Bulk(key)
			c.popOne(&l, key, side)
			c.Propagate([]byte(sideName(side, "LPOP", "RPOP")), key)
			return
		}
	}
	c.Block(c.Args[1:last], until, NullArray)
}
