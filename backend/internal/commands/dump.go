package commands

import (
	"errors"
	"fmt"

	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

var dumpRows = []Row{
	{"dump", dump},
	{"restore", restore},
	{"restore-asking", restore},
}

func dump(c *Ctx) {
	v, ok := c.DB.Value(c.Args[1])
	if !ok {
		c.Null()
		return
	}
	payload, err := rdb.AppendDump(nil, v)
	if err != nil {
		c.Err("ERR " + err.Error())
		return
	}
	c.Bulk(payload)
}

// restoring is what stands behind the payload of RESTORE.
type restoring struct {
	replace, absolute bool
	idle, freq        int64 // seconds since the last access, access counter; -1: not given
}

func (c *Ctx) restoring() (o restoring, ok bool) {
	o.idle, o.freq = -1, -1
	for i := 4; i < len(c.Args); i++ {
		more := i+1 < len(c.Args)
		switch word := c.Args[i]; {
		case is(word, "replace"):
			o.replace = true
		case is(word, "absttl"):
			o.absolute = true
		case is(word, "idletime") && more && o.freq < 0:
			i++
			if o.idle, ok = c.integer(i); !ok {
				return o, false
			}
			if o.idle < 0 {
				c.Err("ERR Invalid IDLETIME value, must be >= 0")
				return o, false
			}
		case is(word, "freq") && more && o.idle < 0:
			i++
			if o.freq, ok = c.integer(i); !ok {
				return o, false
			}
			if o.freq < 0 || o.freq > 255 {
				c.Err("ERR Invalid FREQ value, must be >= 0 and <= 255")
				return o, false
			}
		default:
			c.Err(errSyntax)
			return o, false
		}
	}
	return o, true
}

// restore makes a key from what DUMP replied. It is propagated with the moment of
// expiry: the time to live is relative.
func restore(c *Ctx) {
	o, ok := c.restoring()
	if !ok {
		return
	}
	key := c.Args[1]
	if !o.replace && c.DB.Has(key) {
		c.Err("BUSYKEY Target key name already exists.")
		return
	}
	until, ok := c.restoredUntil(o)
	if !ok {
		return
	}
	v, err := rdb.Undump(c.Store, c.Args[3], rdb.Undumping{Unsummed: c.Options.SkipChecksum, Deep: c.sanitizes()})
	if errors.Is(err, rdb.ErrDumpData) {
		c.warn(err.Error())
		err = rdb.ErrDumpData
	}
	if c.failed(err) {
		return
	}
	if until != store.NoExpire && c.past(until) {
		v.Drop(c.Store)
		c.restoredPast(o)
		return
	}
	if c.failed(v.Put(c.DB, key, until)) {
		return
	}
	if v.Damaged() {
		c.warn(fmt.Sprintf("RESTORE: the value of %.128q is damaged, it is kept as it is and cannot be used", key))
	}
	c.setAccess(key, o)
	c.Changed(1)
	c.Notify(Generic, "restore", key)
	c.OK()
	if until != store.NoExpire && !o.absolute {
		c.propagateRestore(until)
	}
}

// sanitizes tells whether a payload is checked in depth (sanitize-dump-payload). What
// a master has taken its replicas take too, and so do those who read its files: their
// data would not be the same otherwise.
func (c *Ctx) sanitizes() bool {
	return !c.Replaying && (c.Options.SanitizeDump == "yes" || c.Options.SanitizeDump == "clients" && !c.User.SkipsSanitize())
}

// restoredUntil reads the time to live as the moment of expiry in Unix ms.
func (c *Ctx) restoredUntil(o restoring) (ms int64, ok bool) {
	if ms, ok = c.integer(2); !ok {
		return 0, false
	}
	if ms < 0 {
		c.Err("ERR Invalid TTL value, must be >= 0")
		return 0, false
	}
	if ms == 0 {
		return store.NoExpire, true
	}
	if !o.absolute {
		ms += c.Now // what overflows is past, as in Redis
	}
	return ms, true
}

// restoredPast ends a RESTORE whose key would already have expired: it is not made, and
// the one it was to replace is deleted.
func (c *Ctx) restoredPast(o restoring) {
	if key := c.Args[1]; o.replace && c.DB.Delete(key) {
		c.Changed(1)
		c.Notify(Generic, "del", key)
		c.Propagate(deletion(c.Options.LazyServerDel), key)
	}
	c.OK()
}

// setAccess sets the access clock where the policy in use keeps what was given.
func (c *Ctx) setAccess(key []byte, o restoring) {
	switch lfu := c.Store.LFU(); {
	case lfu && o.freq >= 0:
		c.DB.SetFrequency(key, int(o.freq))
	case !lfu && o.idle >= 0:
		c.DB.SetIdle(key, o.idle)
	}
}

func (c *Ctx) propagateRestore(until int64) {
	var digits [types.MaxIntLen]byte
	words := append([][]byte(nil), c.Args...)
	words[2] = types.AppendInt(digits[:0], until)
	c.Propagate(append(words, []byte("ABSTTL"))...)
}
