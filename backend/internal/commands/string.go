package commands

import "holdfast/backend/internal/store"

var stringRows = []Row{
	{"append", appendTo},
	{"decr", decr},
	{"decrby", decrby},
	{"get", get},
	{"getdel", getdel},
	{"getex", getex},
	{"getrange", getrange},
	{"getset", getset},
	{"incr", incr},
	{"incrby", incrby},
	{"incrbyfloat", incrbyfloat},
	{"lcs", lcs},
	{"mget", mget},
	{"mset", mset},
	{"msetnx", msetnx},
	{"psetex", psetex},
	{"set", set},
	{"setex", setex},
	{"setnx", setnx},
	{"setrange", setrange},
	{"strlen", stringLength},
	{"substr", getrange},
}

// The commands that others are propagated as.
var (
	wordDel       = []byte("DEL")
	wordKeepTTL   = []byte("KEEPTTL")
	wordPersist   = []byte("PERSIST")
	wordPexpireat = []byte("PEXPIREAT")
	wordPXAT      = []byte("PXAT")
	wordSet       = []byte("SET")
	wordUnlink    = []byte("UNLINK")
)

// replyString replies the string that a key holds, or null. It reports whether
// there is one, and whether a string may be there: false after an error.
func (c *Ctx) replyString(key []byte) (found, ok bool) {
	value, found, err := c.DB.Get(key)
	switch {
	case c.failed(err):
		return false, false
	case found:
		c.Bulk(value)
	default:
		c.Null()
	}
	return found, true
}

// setString stores a string and reports it, unless the store is full; then the
// error stands in place of what was replied since at.
func (c *Ctx) setString(key, value []byte, expire int64, event string, at int) bool {
	if err := c.DB.Set(key, value, expire); err != nil {
		c.Out = c.Out[:at]
		c.Err(err.Error())
		return false
	}
	c.Changed(1)
	c.Notify(String, event, key)
	return true
}

func get(c *Ctx) { c.replyString(c.Args[1]) }

func mget(c *Ctx) {
	c.Array(len(c.Args) - 1)
	for _, key := range c.Args[1:] {
		if value, ok, err := c.DB.Get(key); ok && err == nil {
			c.Bulk(value)
		} else {
			c.Null()
		}
	}
}

func getdel(c *Ctx) {
	key := c.Args[1]
	if found, _ := c.replyString(key); !found {
		return
	}
	c.DB.Delete(key)
	c.Changed(1)
	c.Notify(Generic, "del", key)
	c.Propagate(wordDel, key)
}

func getset(c *Ctx) {
	at := len(c.Out)
	if _, ok := c.replyString(c.Args[1]); !ok {
		return
	}
	if c.setString(c.Args[1], c.Args[2], store.NoExpire, "set", at) {
		c.Propagate(wordSet, c.Args[1], c.Args[2])
	}
}

func mset(c *Ctx) {
	if c.setPairs() {
		c.OK()
	}
}

func msetnx(c *Ctx) {
	if len(c.Args)%2 == 0 {
		c.wrongArity()
		return
	}
	for i := 1; i < len(c.Args); i += 2 {
		if c.DB.Has(c.Args[i]) {
			c.Int(0)
			return
		}
	}
	if c.setPairs() {
		c.Int(1)
	}
}

// setPairs stores the keys and values behind the command's name. When the store
// is full in the middle, what was stored stays, and is propagated as such: the
// request as a whole would not be repeated faithfully.
func (c *Ctx) setPairs() bool {
	if len(c.Args)%2 == 0 {
		c.wrongArity()
		return false
	}
	for i := 1; i < len(c.Args); i += 2 {
		if !c.setString(c.Args[i], c.Args[i+1], store.NoExpire, "set", len(c.Out)) {
			for j := 1; j < i; j += 2 {
				c.Propagate(wordSet, c.Args[j], c.Args[j+1])
			}
			return false
		}
	}
	return true
}
