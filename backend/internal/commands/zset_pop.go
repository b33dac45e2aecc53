package commands

import (
	"math"
	"strconv"

	"holdfast/backend/internal/store"
)

// popName is the effect that a pop is propagated as, and in small letters its event.
func popName(highest bool) (effect, event string) {
	if highest {
		return "ZPOPMAX", "zpopmax"
	}
	return "ZPOPMIN", "zpopmin"
}

// zpop is ZPOPMIN and ZPOPMAX. With a count, RESP3 gets pairs.
func (c *Ctx) zpop(highest bool) {
	if len(c.Args) > 3 {
		c.Err(errSyntax)
		return
	}
	count, counted, ok := int64(1), len(c.Args) == 3, true
	if counted {
		if count, ok = c.integerIn(2, 0, math.MaxInt64, errNotPositive); !ok {
			return
		}
	}
	z, ok, err := c.DB.EditZSet(c.Args[1])
	if c.failed(err) {
		return
	}
	if !ok {
		c.Array(0)
		return
	}
	n := int(min(count, int64(z.Len())))
	pairs := counted && c.Proto >= 3
	if pairs {
		c.Array(n)
	} else {
		c.Array(2 * n)
	}
	c.popScored(&z, c.Args[1], highest, n, pairs)
}

// popScored takes the n highest or lowest members and replies them with their scores,
// each pair in an array of its own or not.
func (c *Ctx) popScored(z *store.ZSetEdit, key []byte, highest bool, n int, pairs bool) {
	start, end := 0, n
	if highest {
		start, end = z.Len()-n, z.Len()
	}
	z.Each(start, end, highest, func(member []byte, score float64) bool {
		if pairs {
			c.Array(2)
		}
		c.Bulk(member)
		c.Double(score)
		return true
	})
	z.RemoveSpan(start, end)
	_, event := popName(highest)
	c.zsetChanged(z, key, event, n)
}

// blockingZpop is BZPOPMIN and BZPOPMAX.
func (c *Ctx) blockingZpop(highest bool) {
	last := len(c.Args) - 1
	until, ok := c.timeout(last)
	if !ok {
		return
	}
	for _, key := range c.Args[1:last] {
		z, ok, err := c.DB.EditZSet(key)
		if c.failed(err) {
			return
		}
		if ok {
			c.Array(3)
			c.Bulk(key)
			c.popScored(&z, key, highest, 1, false)
			effect, _ := popName(highest)
			c.Propagate([]byte(effect), key)
			return
		}
	}
	c.Block(c.Args[1:last], until, NullArray)
}

// multiZpop is what ZMPOP and BZMPOP ask for.
type multiZpop struct {
	keys    [][]byte
	highest bool
	count   int64
}

// multiZpop reads numkeys key… MIN|MAX [COUNT count] from argument i on.
func (c *Ctx) multiZpop(i int) (m multiZpop, ok bool) {
	if m.keys, i, ok = c.keysAndMore(i); !ok {
		return m, false
	}
	m.highest = is(c.Args[i], "max")
	if !m.highest && !is(c.Args[i], "min") {
		c.Err(errSyntax)
		return m, false
	}
	m.count, ok = c.popCount(i + 1)
	return m, ok
}

func zmpop(c *Ctx) {
	if m, ok := c.multiZpop(1); ok && !c.zpopFirst(m) {
		c.NullArray()
	}
}

func bzmpop(c *Ctx) {
	m, ok := c.multiZpop(2)
	if !ok {
		return
	}
	until, ok := c.timeout(1)
	if ok && !c.zpopFirst(m) {
		c.Block(m.keys, until, NullArray)
	}
}

// zpopFirst pops from the first of the keys that holds a sorted set, and replies the
// key and the pairs; the effect is an ordinary pop of that key. It returns false, and
// replied nothing, if there is none.
func (c *Ctx) zpopFirst(m multiZpop) bool {
	for _, key := range m.keys {
		z, ok, err := c.DB.EditZSet(key)
		if c.failed(err) {
			return true
		}
		if !ok {
			continue
		}
		n := int(min(m.count, int64(z.Len())))
		c.Array(2)
		c.Bulk(key)
		c.Array(n)
		c.popScored(&z, key, m.highest, n, true)
		effect, _ := popName(m.highest)
		c.Propagate([]byte(effect), key, strconv.AppendInt(nil, int64(n), 10))
		return true
	}
	return false
}
