package commands

import (
	"math"
	"slices"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// operand is one input of a set operation; a key that does not exist is empty.
type operand struct {
	set   types.Set
	key   []byte
	empty bool
}

func (o *operand) len() int {
	if o.empty {
		return 0
	}
	return o.set.Len()
}

func (o *operand) has(member []byte) bool { return !o.empty && o.set.Has(member) }

// each visits the members. An operand must not be asked for members while it is
// visited: looking up may move a table along under the visit.
func (o *operand) each(visit func(member []byte) bool) {
	if !o.empty {
		o.set.Each(visit)
	}
}

// operands opens the sets under keys, or replies that one is none.
func (c *Ctx) operands(keys [][]byte) (ops []operand, ok bool) {
	ops = make([]operand, len(keys))
	for i, key := range keys {
		set, found, err := c.DB.SetOf(key)
		if c.failed(err) {
			return nil, false
		}
		ops[i] = operand{set, key, !found}
	}
	return ops, true
}

// intersect visits the members that are in all sets, the smallest being looked
// through.
func intersect(ops []operand, visit func(member []byte) bool) {
	slices.SortStableFunc(ops, func(a, b operand) int { return a.len() - b.len() })
	first, others := &ops[0], ops[1:]
	others = slices.DeleteFunc(others, func(o operand) bool { return string(o.key) == string(first.key) })
	first.each(func(m []byte) bool {
		for i := range others {
			if !others[i].has(m) {
				return true
			}
		}
		return visit(m)
	})
}

func sinter(c *Ctx) {
	ops, ok := c.operands(c.Args[1:])
	if !ok {
		return
	}
	at, n := len(c.Out), 0
	intersect(ops, func(m []byte) bool {
		c.Bulk(m)
		n++
		return true
	})
	c.setAt(at, n)
}

func sintercard(c *Ctx) {
	keys, ok := c.countedKeys(1, "ERR Number of keys can't be greater than number of args")
	if !ok {
		return
	}
	limit := int64(0)
	for i := 2 + len(keys); i < len(c.Args); i += 2 {
		if !is(c.Args[i], "limit") || i+1 == len(c.Args) {
			c.Err(errSyntax)
			return
		}
		if limit, ok = c.integerIn(i+1, 0, math.MaxInt64, "ERR LIMIT can't be negative"); !ok {
			return
		}
	}
	ops, ok := c.operands(keys)
	if !ok {
		return
	}
	n := int64(0)
	intersect(ops, func([]byte) bool {
		n++
		return n != limit
	})
	c.Int(n)
}

// countedKeys reads argument i, a number of keys, and returns those that follow, or
// replies what is wrong: tooFew if there are less.
func (c *Ctx) countedKeys(i int, tooFew string) (keys [][]byte, ok bool) {
	n, ok := c.integerIn(i, 1, math.MaxInt64, "ERR numkeys should be greater than 0")
	switch {
	case !ok:
		return nil, false
	case n > int64(len(c.Args)-i-1):
		c.Err(tooFew)
		return nil, false
	}
	return c.Args[i+1 : i+1+int(n)], true
}

func sinterstore(c *Ctx) {
	ops, ok := c.operands(c.Args[2:])
	if !ok {
		return
	}
	var first []byte // an intset intersects to one, anything else begins as a listpack
	if smallest := slices.MinFunc(ops, func(a, b operand) int { return a.len() - b.len() }); !smallest.empty &&
		smallest.set.Encoding() == types.EncodingIntset {
		first = []byte("0")
	}
	result := c.Store.Space().NewSet(first, 0)
	intersect(ops, func(m []byte) bool {
		result.Add(m)
		return true
	})
	result.Compact()
	c.storeSet(&result, "sinterstore")
}

// storeSet puts a result under the first key and replies its size.
func (c *Ctx) storeSet(result *types.Set, event string) {
	if result.Len() == 0 {
		result.Free()
		c.nothingStored(c.Args[1])
		return
	}
	n := result.Len()
	if c.failed(c.DB.Put(c.Args[1], store.Set, result.Root(), store.NoExpire)) {
		return
	}
	c.Changed(1)
	c.Notify(SetEvent, event, c.Args[1])
	c.Int(int64(n))
}

func sunion(c *Ctx) { c.replySet(c.Args[1:], unite) }

func sunionstore(c *Ctx) { c.computeSet(unite, "sunionstore") }

func sdiff(c *Ctx) { c.replySet(c.Args[1:], subtract) }

func sdiffstore(c *Ctx) { c.computeSet(subtract, "sdiffstore") }

func (c *Ctx) replySet(keys [][]byte, compute func(result *types.Set, ops []operand)) {
	ops, ok := c.operands(keys)
	if !ok {
		return
	}
	result := c.Store.Space().NewSet([]byte("0"), 0)
	compute(&result, ops)
	c.Set(result.Len())
	result.Each(func(m []byte) bool {
		c.Bulk(m)
		return true
	})
	result.Free()
}

func (c *Ctx) computeSet(compute func(result *types.Set, ops []operand), event string) {
	ops, ok := c.operands(c.Args[2:])
	if !ok {
		return
	}
	result := c.Store.Space().NewSet([]byte("0"), 0)
	compute(&result, ops)
	c.storeSet(&result, event)
}

func unite(result *types.Set, ops []operand) {
	for i := range ops {
		ops[i].each(func(m []byte) bool {
			result.Add(m)
			return true
		})
	}
}

// subtract takes the members of the other sets out of the first, in the cheaper of
// two ways: looking each of its members up in the others, or passing through all.
func subtract(result *types.Set, ops []operand) {
	first, others := &ops[0], ops[1:]
	lookups, passes := first.len()*len(ops)/2, 0 // a lookup costs half a pass
	for i := range ops {
		passes += ops[i].len()
	}
	for i := range others {
		if string(others[i].key) == string(first.key) {
			return
		}
	}
	if lookups <= passes {
		slices.SortStableFunc(others, func(a, b operand) int { return b.len() - a.len() })
		first.each(func(m []byte) bool {
			if !slices.ContainsFunc(others, func(o operand) bool { return o.has(m) }) {
				result.Add(m)
			}
			return true
		})
		return
	}
	unite(result, ops[:1])
	for i := range others {
		others[i].each(func(m []byte) bool {
			result.Remove(m)
			return result.Len() > 0
		})
	}
}
