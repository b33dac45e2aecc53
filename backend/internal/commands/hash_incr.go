package commands

import (
	"math"

	"holdfast/backend/internal/types"
)

func hincrby(c *Ctx) {
	by, ok := c.integer(3)
	if !ok {
		return
	}
	h, err := c.DB.MakeHash(c.Args[1])
	if c.failed(err) {
		return
	}
	old, problem := int64(0), ""
	if value, found := h.Get(c.Args[2]); found {
		if old, ok = types.ParseInt(value); !ok {
			problem = "ERR hash value is not an integer"
		}
	}
	if by < 0 && old < math.MinInt64-by || by > 0 && old > math.MaxInt64-by {
		problem = errOverflow
	}
	if problem != "" {
		h.Done(false)
		c.Err(problem)
		return
	}
	var digits [types.MaxIntLen]byte
	h.Set(c.Args[2], types.AppendInt(digits[:0], old+by))
	c.hashChanged(&h, "hincrby", 1)
	c.Int(old + by)
}

// hincrbyfloat is propagated as the HSET of its result: another machine's floating
// point might print another one.
func hincrbyfloat(c *Ctx) {
	by, ok := types.ParseLongDouble(c.Args[3])
	switch {
	case !ok:
		c.Err(errNotFloat)
		return
	case !by.Finite():
		c.Err("ERR value is NaN or Infinity")
		return
	}
	h, err := c.DB.MakeHash(c.Args[1])
	if c.failed(err) {
		return
	}
	sum, problem := by, ""
	if value, found := h.Get(c.Args[2]); found {
		old, ok := types.ParseLongDouble(value)
		if !ok {
			problem = "ERR hash value is not a float"
		} else if sum, ok = old.Add(by); !ok {
			problem = errNaN
		}
	}
	if problem != "" {
		h.Done(false)
		c.Err(problem)
		return
	}
	text := sum.Append(make([]byte, 0, 64))
	h.Set(c.Args[2], text)
	c.hashChanged(&h, "hincrbyfloat", 1)
	c.Bulk(text)
	c.Propagate([]byte("HSET"), c.Args[1], c.Args[2], text)
}
