package commands

import (
	"holdfast/backend/acl"
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
	"holdfast/backend/resp"
)

// Handler runs one request.
type Handler func(c *Ctx)

// Row joins a command's name ("get", "object|encoding" for a subcommand) with
// its handler.
type Row struct {
	Name string
	Run  Handler
}

// Ctx is all that a handler sees of the world. The gate owns it and uses it
// again for the next request.
type Ctx struct {
	Args  [][]byte // the whole request; valid during the call
	Proto int      // 2 or 3
	Now   int64    // unix time in ms, one for the whole unit

	Store *store.Store
	DB    *store.DB // the session's database
	DBNum int

	// Options are shared by all contexts of a node and never nil.
	Options *Options

	// CanWait is false where a blocking command must answer at once.
	CanWait bool
	// InScript is set when the request is a script's.
	InScript bool
	// Replaying is set when the request comes from a master or an AOF: it has
	// been decided already and must be done whatever the clock says.
	Replaying bool

	// User is who asks, for what only a handler can check: the gate has checked the
	// command and the keys that it names.
	User *acl.User

	Out []byte // the reply buffer

	dirty   int
	hll     types.HLL // one that is being changed
	effects Effects
	wait    Wait
	limit   func() int64
	cut     func()
	log     func(text string)
	notify  func(class Class, event string, db int, key []byte)
	wake    func(db int, key []byte)
}

// Limit of a database number, as Redis's error calls it.
const outOfRange = "ERR DB index is out of range"

// Wait is what a handler waits for.
type Wait struct {
	Keys   [][]byte // alias the request; nil when the handler does not wait
	Until  int64    // unix ms; 0: for ever
	OnTime Null     // the reply when the time is over

	// OrGone: the handler is also run when a key is gone or has become something
	// else than what it waits for.
	OrGone bool
}

// Null names the null reply of a command that waited in vain.
type Null uint8

// The nulls of RESP2; RESP3 has one.
const (
	NullBulk Null = iota
	NullArray
)

// Begin makes c ready for a request.
func (c *Ctx) Begin(args [][]byte) {
	c.Args = args
	c.dirty = 0
	c.effects.reset()
	c.wait = Wait{}
}

// SetNotify sets where keyspace events go; nil drops them.
func (c *Ctx) SetNotify(f func(class Class, event string, db int, key []byte)) { c.notify = f }

// SetWake sets what hears that those who wait for a key have to look again, though
// it was not changed; nil lets them wait.
func (c *Ctx) SetWake(f func(db int, key []byte)) { c.wake = f }

// SetWarn sets where warnings for the log go; nil drops them.
func (c *Ctx) SetWarn(f func(text string)) { c.log = f }

// SetReplyLimit sets what tells how many bytes of replies the client may leave
// unread (0: any number), and what closes it where a handler ends its reply there.
func (c *Ctx) SetReplyLimit(limit func() int64, cut func()) { c.limit, c.cut = limit, cut }

// replyLimit returns how many bytes of Out are worth filling, 0 for any number.
func (c *Ctx) replyLimit() int64 {
	if c.limit == nil {
		return 0
	}
	return c.limit()
}

func (c *Ctx) warn(text string) {
	if c.log != nil {
		c.log(text)
	}
}

// Dirty returns how many changes the request has counted.
func (c *Ctx) Dirty() int { return c.dirty }

// Effects returns what to propagate instead of the request.
func (c *Ctx) Effects() *Effects { return &c.effects }

// Waiting returns what the handler waits for; Keys is nil when it does not.
func (c *Ctx) Waiting() *Wait { return &c.wait }

// Changed counts n changes, as Redis's server.dirty does.
func (c *Ctx) Changed(n int) { c.dirty += n }

// Propagate adds a command to what is propagated instead of the request.
func (c *Ctx) Propagate(words ...[]byte) { c.effects.add(words) }

// PropagateNothing keeps the request from being propagated, though it changed
// something.
func (c *Ctx) PropagateNothing() { c.effects.replace = true }

// Notify reports a keyspace event on a key of the session's database.
func (c *Ctx) Notify(class Class, event string, key []byte) {
	if c.notify != nil {
		c.notify(class, event, c.DBNum, key)
	}
}

// Block makes the client wait for a change of one of keys until the given unix
// time in ms (0: for ever), unless it must not wait, in which case onTime is
// replied at once.
func (c *Ctx) Block(keys [][]byte, until int64, onTime Null) {
	if !c.CanWait {
		c.NullOf(onTime)
		return
	}
	c.wait = Wait{Keys: keys, Until: until, OnTime: onTime}
}

// BlockOrGone is Block for a client that also wants to hear that a key is gone.
func (c *Ctx) BlockOrGone(keys [][]byte, until int64, onTime Null) {
	c.Block(keys, until, onTime)
	c.wait.OrGone = true
}

// wakeFor lets those who wait for a key of the session's database look again.
func (c *Ctx) wakeFor(key []byte) {
	if c.wake != nil {
		c.wake(c.DBNum, key)
	}
}

// OK replies OK.
func (c *Ctx) OK() { c.Out = append(c.Out, "+OK\r\n"...) }

// Err replies an error; text begins with its code.
func (c *Ctx) Err(text string) { c.Out = resp.AppendError(c.Out, text) }

// Int replies an integer.
func (c *Ctx) Int(v int64) { c.Out = resp.AppendInt(c.Out, v) }

// Flag replies 1 or 0, in both protocols.
func (c *Ctx) Flag(v bool) {
	if v {
		c.Out = append(c.Out, ":1\r\n"...)
	} else {
		c.Out = append(c.Out, ":0\r\n"...)
	}
}

// Bulk replies a bulk string.
func (c *Ctx) Bulk(b []byte) { c.Out = resp.AppendBulk(c.Out, b) }

// BulkString replies a bulk string.
func (c *Ctx) BulkString(s string) { c.Out = resp.AppendBulkString(c.Out, s) }

// BulkInt replies an integer as a bulk string.
func (c *Ctx) BulkInt(v int64) { c.Out = resp.AppendBulkInt(c.Out, v) }

// Simple replies a simple string.
func (c *Ctx) Simple(s string) { c.Out = resp.AppendSimple(c.Out, s) }

// Double replies a floating-point number in the digits and the layout of Redis, by
// which scores are also stored.
func (c *Ctx) Double(v float64) {
	var buf [types.MaxDoubleLen]byte
	text := types.AppendDouble(buf[:0], v)
	c.Out = resp.AppendDouble(c.Out, c.Proto, text)
}

// Null replies the null of a bulk string.
func (c *Ctx) Null() { c.Out = resp.AppendNull(c.Out, c.Proto) }

// NullArray replies the null of an array.
func (c *Ctx) NullArray() { c.Out = resp.AppendNullArray(c.Out, c.Proto) }

// NullOf replies the null of the given kind.
func (c *Ctx) NullOf(n Null) {
	if n == NullArray {
		c.NullArray()
		return
	}
	c.Null()
}

// Array opens an array of n elements.
func (c *Ctx) Array(n int) { c.Out = resp.AppendArray(c.Out, n) }

// Map opens a map of n pairs, in RESP2 an array of 2n elements.
func (c *Ctx) Map(n int) { c.Out = resp.AppendMap(c.Out, c.Proto, n) }

// Set opens a set of n elements, in RESP2 an array.
func (c *Ctx) Set(n int) { c.Out = resp.AppendSet(c.Out, c.Proto, n) }
