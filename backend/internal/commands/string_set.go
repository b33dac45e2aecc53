package commands

import (
	"math"

	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

// setOptions are the options of SET and GETEX.
type setOptions struct {
	nx, xx  bool // only if the key is not there, or is
	get     bool // reply what was there
	keepTTL bool
	persist bool // GETEX: take the expiry away
	until   moment
}

// moment names the argument that is an expiry, and how to read it.
type moment struct {
	arg      int // 0: there is none
	seconds  bool
	relative bool // to now
}

// setOptions reads the options from argument i on. Those of GETEX are PERSIST and the
// expiries, those of SET all the others.
func (c *Ctx) setOptions(i int, getex bool) (o setOptions, ok bool) {
	for ; i < len(c.Args); i++ {
		arg, more := c.Args[i], i+1 < len(c.Args)
		m, timed := expiryWord(arg)
		lasting := o.keepTTL || o.persist
		switch {
		case !getex && !o.xx && is(arg, "nx"):
			o.nx = true
		case !getex && !o.nx && is(arg, "xx"):
			o.xx = true
		case !getex && is(arg, "get"):
			o.get = true
		case !getex && o.until.arg == 0 && is(arg, "keepttl"):
			o.keepTTL = true
		case getex && o.until.arg == 0 && is(arg, "persist"):
			o.persist = true
		case timed && more && !lasting && o.until.fits(m):
			i++
			o.until = m
			o.until.arg = i
		default:
			c.Err(errSyntax)
			return o, false
		}
	}
	return o, true
}

// fits tells whether an expiry may follow the one that was read before: the same
// word may come again, and the last one counts.
func (m moment) fits(next moment) bool {
	return m.arg == 0 || m.seconds == next.seconds && m.relative == next.relative
}

func expiryWord(arg []byte) (m moment, ok bool) {
	switch {
	case is(arg, "ex"):
		return moment{seconds: true, relative: true}, true
	case is(arg, "px"):
		return moment{relative: true}, true
	case is(arg, "exat"):
		return moment{seconds: true}, true
	case is(arg, "pxat"):
		return moment{}, true
	}
	return m, false
}

// moment reads an expiry as Unix ms, 0 when there is none. It must lie behind the
// epoch, but may lie in the past.
func (c *Ctx) moment(m moment) (ms int64, ok bool) {
	if m.arg == 0 {
		return 0, true
	}
	if ms, ok = c.integer(m.arg); !ok {
		return 0, false
	}
	if ms <= 0 || m.seconds && ms > math.MaxInt64/1000 {
		c.badExpiry()
		return 0, false
	}
	if m.seconds {
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

func (c *Ctx) badExpiry() { c.Err("ERR invalid expire time in '" + c.lowerName() + "' command") }

func set(c *Ctx) {
	if len(c.Args) == 3 {
		if c.setString(c.Args[1], c.Args[2], store.NoExpire, "set", len(c.Out)) {
			c.OK()
		}
		return
	}
	o, ok := c.setOptions(3, false)
	if !ok {
		return
	}
	until, ok := c.moment(o.until)
	if !ok {
		return
	}
	key, at := c.Args[1], len(c.Out)
	if o.get {
		if _, ok := c.replyString(key); !ok {
			return
		}
	}
	if (o.nx || o.xx) && c.DB.Has(key) == o.nx {
		if !o.get {
			c.Null()
		}
		return
	}
	expire := until
	if o.keepTTL {
		expire = store.KeepExpire
	}
	if !c.setString(key, c.Args[2], expire, "set", at) {
		return
	}
	if !o.get {
		c.OK()
	}
	c.propagateSet(o, until)
}

// propagateSet says what SET has done: the moment of expiry is absolute, and nothing is
// asked for.
func (c *Ctx) propagateSet(o setOptions, until int64) {
	key, value := c.Args[1], c.Args[2]
	switch {
	case o.until.arg != 0:
		c.Notify(Generic, "expire", key)
		if o.get || o.until.seconds || o.until.relative {
			c.propagateExpiring(key, value, until)
		}
	case o.get && o.keepTTL:
		c.Propagate(wordSet, key, value, wordKeepTTL)
	case o.get:
		c.Propagate(wordSet, key, value)
	}
}

func (c *Ctx) propagateExpiring(key, value []byte, until int64) {
	var digits [types.MaxIntLen]byte
	c.Propagate(wordSet, key, value, wordPXAT, types.AppendInt(digits[:0], until))
}

func setnx(c *Ctx) {
	if c.DB.Has(c.Args[1]) {
		c.Int(0)
		return
	}
	if c.setString(c.Args[1], c.Args[2], store.NoExpire, "set", len(c.Out)) {
		c.Int(1)
	}
}

func setex(c *Ctx) { c.setExpiring(moment{arg: 2, seconds: true, relative: true}) }

func psetex(c *Ctx) { c.setExpiring(moment{arg: 2, relative: true}) }

func (c *Ctx) setExpiring(m moment) {
	until, ok := c.moment(m)
	if !ok || !c.setString(c.Args[1], c.Args[3], until, "set", len(c.Out)) {
		return
	}
	c.OK()
	c.Notify(Generic, "expire", c.Args[1])
	c.propagateExpiring(c.Args[1], c.Args[3], until)
}

// getex is GET that also changes the expiry; only that is propagated.
func getex(c *Ctx) {
	o, ok := c.setOptions(2, true)
	if !ok {
		return
	}
	key, at := c.Args[1], len(c.Out)
	if found, _ := c.replyString(key); !found {
		return
	}
	reply := c.Out
	c.Out = c.Out[:at]
	until, ok := c.moment(o.until)
	if !ok {
		return
	}
	c.Out = reply
	switch {
	case o.persist:
		if c.DB.Persist(key) {
			c.Changed(1)
			c.Notify(Generic, "persist", key)
			c.Propagate(wordPersist, key)
		}
	case until != 0 && !o.until.relative && c.past(until):
		c.expireAway(key)
	case until != 0:
		c.expire(key, until, at)
	}
}
