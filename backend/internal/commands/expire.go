package commands

import (
	"math"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

var expireRows = []Row{
	{"expire", func(c *Ctx) { c.expireCommand(moment{arg: 2, seconds: true, relative: true}) }},
	{"expireat", func(c *Ctx) { c.expireCommand(moment{arg: 2, seconds: true}) }},
	{"expiretime", func(c *Ctx) { c.ttl(1000, false) }},
	{"persist", persist},
	{"pexpire", func(c *Ctx) { c.expireCommand(moment{arg: 2, relative: true}) }},
	{"pexpireat", func(c *Ctx) { c.expireCommand(moment{arg: 2}) }},
	{"pexpiretime", func(c *Ctx) { c.ttl(1, false) }},
	{"pttl", func(c *Ctx) { c.ttl(1, true) }},
	{"ttl", func(c *Ctx) { c.ttl(1000, true) }},
}

// past tells whether a key that is to expire then is to be deleted instead. What a
// master decided is done as it says: it sends a DEL when it means one.
func (c *Ctx) past(ms int64) bool { return ms <= c.Now && !c.Replaying }

// expireAway deletes a key whose expiry was set to the past.
func (c *Ctx) expireAway(key []byte) {
	c.DB.Delete(key)
	c.Changed(1)
	c.Notify(Generic, "del", key)
	c.Propagate(deletion(c.Options.LazyExpire), key)
}

// expire gives a key that is there an expiry. When the store is full, the error stands
// in place of what was replied since at.
func (c *Ctx) expire(key []byte, ms int64, at int) bool {
	// 0 would be none; what is replayed may be older than the epoch.
	if _, err := c.DB.SetExpire(key, max(ms, 1)); err != nil {
		c.Out = c.Out[:at]
		c.Err(err.Error())
		return false
	}
	c.Changed(1)
	c.Notify(Generic, "expire", key)
	var digits [types.MaxIntLen]byte
	c.Propagate(wordPexpireat, key, types.AppendInt(digits[:0], ms))
	return true
}

// conditions are the options of EXPIRE and its kin.
type conditions struct{ nx, xx, gt, lt bool }

func (c *Ctx) conditions() (o conditions, ok bool) {
	for _, arg := range c.Args[3:] {
		switch {
		case is(arg, "nx"):
			o.nx = true
		case is(arg, "xx"):
			o.xx = true
		case is(arg, "gt"):
			o.gt = true
		case is(arg, "lt"):
			o.lt = true
		default:
			c.Err("ERR Unsupported option " + string(arg))
			return o, false
		}
	}
	switch {
	case o.nx && (o.xx || o.gt || o.lt):
		c.Err("ERR NX and XX, GT or LT options at the same time are not compatible")
		return o, false
	case o.gt && o.lt:
		c.Err("ERR GT and LT options at the same time are not compatible")
		return o, false
	}
	return o, true
}

// allow tells whether an expiry may replace the present one; none counts as infinite.
func (o conditions) allow(ms, present int64) bool {
	lasting := present == store.NoExpire
	return !(o.nx && !lasting || o.xx && lasting ||
		o.gt && (lasting || ms <= present) || o.lt && !lasting && ms >= present)
}

func (c *Ctx) expireCommand(m moment) {
	o, ok := c.conditions()
	if !ok {
		return
	}
	ms, ok := c.anyMoment(m)
	if !ok {
		return
	}
	key := c.Args[1]
	present, ok := c.DB.OldExpire(key)
	if !ok || !o.allow(ms, present) {
		c.Int(0)
		return
	}
	at := len(c.Out)
	c.Int(1)
	if c.past(ms) {
		c.expireAway(key)
		return
	}
	c.expire(key, ms, at)
}

// anyMoment is moment for a time that may be negative.
func (c *Ctx) anyMoment(m moment) (ms int64, ok bool) {
	if ms, ok = c.integer(m.arg); !ok {
		return 0, false
	}
	if m.seconds {
		if ms > math.MaxInt64/1000 || ms < math.MinInt64/1000 {
			c.badExpiry()
			return 0, false
		}
		ms *= 1000
	}
	if m.relative {
		if ms > math.MaxInt64-c.Now {
			c.badExpiry()
			return 0, false
		}
		ms += c.Now
	}
	return ms, true
}

// ttl replies an expiry in units of so many ms, as what is left of the time or as it
// is: -1 when the key has none, -2 when there is no key.
func (c *Ctx) ttl(unit int64, left bool) {
	ms, ok := c.DB.ExpireOf(c.Args[1])
	switch {
	case !ok:
		c.Int(-2)
		return
	case ms == store.NoExpire:
		c.Int(-1)
		return
	}
	if left {
		ms = max(ms-c.Now, 0)
	}
	rounded := ms / unit
	if unit > 1 && ms%unit >= unit/2 {
		rounded++
	}
	c.Int(rounded)
}

func persist(c *Ctx) {
	done := c.DB.Persist(c.Args[1])
	if done {
		c.Changed(1)
		c.Notify(Generic, "persist", c.Args[1])
	}
	c.Flag(done)
}
