package commands

import (
	"math"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

func incr(c *Ctx) { c.add(1) }

func decr(c *Ctx) { c.add(-1) }

func incrby(c *Ctx) {
	if by, ok := c.integer(2); ok {
		c.add(by)
	}
}

func decrby(c *Ctx) {
	by, ok := c.integer(2)
	switch {
	case !ok:
	case by == math.MinInt64:
		c.Err("ERR decrement would overflow")
	default:
		c.add(-by)
	}
}

// add adds to the integer that a key holds, 0 if there is none.
func (c *Ctx) add(by int64) {
	key := c.Args[1]
	text, found, err := c.DB.Old(key)
	if c.failed(err) {
		return
	}
	old := int64(0)
	if found {
		var ok bool
		if old, ok = types.ParseInt(text); !ok {
			c.Err(errNotInt)
			return
		}
	}
	if by < 0 && old < math.MinInt64-by || by > 0 && old > math.MaxInt64-by {
		c.Err(errOverflow)
		return
	}
	var digits [types.MaxIntLen]byte
	if c.setString(key, types.AppendInt(digits[:0], old+by), store.KeepExpire, "incrby", len(c.Out)) {
		c.Int(old + by)
	}
}

// incrbyfloat is propagated as the SET of its result: another machine's floating point
// might print another one.
func incrbyfloat(c *Ctx) {
	key := c.Args[1]
	text, found, err := c.DB.Old(key)
	if c.failed(err) {
		return
	}
	if !found {
		text = []byte("0")
	}
	old, ok := types.ParseLongDouble(text)
	if !ok {
		c.Err(errNotFloat)
		return
	}
	by, ok := types.ParseLongDouble(c.Args[2])
	if !ok {
		c.Err(errNotFloat)
		return
	}
	sum, finite := old.Add(by)
	if !finite {
		c.Err(errNaN)
		return
	}
	value := sum.Append(make([]byte, 0, 64))
	if c.setString(key, value, store.KeepExpire, "incrbyfloat", len(c.Out)) {
		c.Bulk(value)
		c.Propagate(wordSet, key, value, wordKeepTTL)
	}
}
