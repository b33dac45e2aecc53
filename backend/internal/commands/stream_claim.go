package commands

import (
	"math"

	"holdfast/backend/internal/types"
)

// claiming is what XCLAIM and XAUTOCLAIM ask for.
type claiming struct {
	key, name []byte // of the group
	s         types.Stream
	g         types.Group
	consumer  types.Consumer

	idle   int64 // ms that an entry has to be idle for
	time   int64 // of the delivery, Unix ms
	retry  int64 // deliveries to note; -1: one more
	justID bool
	force  bool // what is not pending becomes so
}

// claimable opens the stream for a claim of argument 2's group, or replies that there
// is none.
func (c *Ctx) claimable() bool {
	s, ok, err := c.DB.Stream(c.Args[1])
	if c.failed(err) {
		return false
	}
	if ok {
		_, ok = s.Group(c.Args[2])
	}
	if !ok {
		c.Err(errNoGroup(c.Args[1], c.Args[2]))
	}
	return ok
}

// claimed is the state of one claim.
type claimed uint8

const (
	notClaimed claimed = iota
	claimedIt
	claimGone // the entry is no longer in the stream, nor pending
)

// claim makes an entry pending for the consumer, if the conditions are met, and
// replies it. id is the text under which it is propagated.
func (c *Ctx) claim(cl *claiming, id types.StreamID, text []byte) claimed {
	p, pending := cl.g.FindPending(id)
	e := cl.s.Entries(id, id, false)
	switch {
	case !e.Next():
		if !pending {
			return notClaimed
		}
		c.propagateClaim(cl.key, cl.name, cl.g, text, p)
		c.Changed(1)
		cl.g.Acknowledge(id)
		return claimGone
	case !pending && !cl.force, pending && cl.idle > 0 && c.Now-p.Delivered < cl.idle:
		return notClaimed
	case !pending:
		p = types.Pending{ID: id, Count: 1}
	}
	p.Consumer, p.Delivered = cl.consumer, cl.time
	if cl.retry >= 0 {
		p.Count = uint64(cl.retry)
	} else if !cl.justID {
		p.Count++
	}
	cl.g.Deliver(p)
	cl.consumer.SetActive(c.Now)
	if cl.justID {
		c.streamID(id)
	} else {
		c.streamEntry(&e)
	}
	c.propagateClaim(cl.key, cl.name, cl.g, text, p)
	c.Changed(1)
	return claimedIt
}

// minIdle reads argument 4, the time that entries must have been idle.
func (c *Ctx) minIdle() (ms int64, ok bool) {
	ms, ok = c.integerIn(4, math.MinInt64, math.MaxInt64, "ERR Invalid min-idle-time argument for "+upperName(c.Args[0]))
	return max(ms, 0), ok
}

// xclaim does nothing, not even make the consumer, before all arguments were read.
func xclaim(c *Ctx) {
	if !c.claimable() {
		return
	}
	cl := claiming{key: c.Args[1], name: c.Args[2], retry: -1}
	var ok bool
	if cl.idle, ok = c.minIdle(); !ok {
		return
	}
	var wanted []types.StreamID
	end := 5
	for ; end < len(c.Args); end++ {
		id, ok := types.ParseStreamID(c.Args[end], 0)
		if !ok {
			break
		}
		wanted = append(wanted, id)
	}
	last, ok := c.claimOptions(&cl, end)
	if !ok {
		return
	}
	c.PropagateNothing()
	s, _, _ := c.DB.EditStream(cl.key)
	defer s.Done(false)
	cl.s = s.Stream
	cl.g, _ = s.Group(cl.name)
	moved := cl.g.LastID().Less(last)
	if moved {
		cl.g.SetLastID(last)
	}
	cl.consumer, _ = c.consumer(cl.g, cl.key, c.Args[3])
	cl.consumer.SetSeen(c.Now)
	at, n := len(c.Out), 0
	for i, id := range wanted {
		what := c.claim(&cl, id, c.Args[5+i])
		if what == claimedIt {
			n++
		}
		moved = moved && what == notClaimed // a claim tells it too
	}
	if moved {
		c.propagateGroup(cl.key, cl.name, cl.g)
		c.Changed(1)
	}
	c.arrayAt(at, n)
}

// claimOptions reads the options of XCLAIM from argument i on.
func (c *Ctx) claimOptions(cl *claiming, i int) (last types.StreamID, ok bool) {
	cl.time = -1
	for ok = true; ok && i < len(c.Args); i++ {
		more := i+1 < len(c.Args)
		switch arg := c.Args[i]; {
		case is(arg, "force"):
			cl.force = true
		case is(arg, "justid"):
			cl.justID = true
		case more && is(arg, "idle"):
			i++
			cl.time, ok = c.claimNumber(i, "IDLE")
			cl.time = c.Now - cl.time
		case more && is(arg, "time"):
			i++
			cl.time, ok = c.claimNumber(i, "TIME")
		case more && is(arg, "retrycount"):
			i++
			cl.retry, ok = c.claimNumber(i, "RETRYCOUNT")
		case more && is(arg, "lastid"):
			i++
			last, ok = c.strictID(c.Args[i], 0)
		default:
			c.Err("ERR Unrecognized XCLAIM option '" + string(arg) + "'")
			ok = false
		}
	}
	if cl.time < 0 || cl.time > c.Now { // a client's clock may be wrong
		cl.time = c.Now
	}
	return last, ok
}

func (c *Ctx) claimNumber(i int, option string) (n int64, ok bool) {
	return c.integerIn(i, math.MinInt64, math.MaxInt64, "ERR Invalid "+option+" option argument for XCLAIM")
}

func xautoclaim(c *Ctx) {
	cl := claiming{key: c.Args[1], name: c.Args[2], time: c.Now, retry: -1}
	var ok bool
	if cl.idle, ok = c.minIdle(); !ok {
		return
	}
	from, ok := c.lowID(c.Args[5])
	if !ok {
		return
	}
	count := int64(100)
	for i := 6; i < len(c.Args); i++ {
		switch {
		case is(c.Args[i], "count") && i+1 < len(c.Args):
			i++
			if count, ok = c.integerIn(i, 1, math.MaxInt64/types.StreamIDSize, "ERR COUNT must be > 0"); !ok {
				return
			}
		case is(c.Args[i], "justid"):
			cl.justID = true
		default:
			c.Err(errSyntax)
			return
		}
	}
	if !c.claimable() {
		return
	}
	c.PropagateNothing()
	s, _, _ := c.DB.EditStream(cl.key)
	defer s.Done(false)
	cl.s = s.Stream
	cl.g, _ = s.Group(cl.name)
	cl.consumer, _ = c.consumer(cl.g, cl.key, c.Args[3])
	cl.consumer.SetSeen(c.Now)
	c.claimFrom(&cl, from, count)
}

// claimFrom claims up to count entries from an ID on, looking at ten times as many at
// most, and replies where to go on, the entries, and the IDs of those that are gone.
func (c *Ctx) claimFrom(cl *claiming, from types.StreamID, count int64) {
	c.Array(3)
	at, n := len(c.Out), 0
	var gone []types.StreamID
	p, more := cl.g.NextPending(from)
	for tries := count * 10; more && tries > 0 && count > 0; tries-- {
		var text [types.MaxStreamIDLen]byte
		switch c.claim(cl, p.ID, p.ID.Append(text[:0])) {
		case claimedIt:
			n++
			count--
		case claimGone:
			gone = append(gone, p.ID)
			count--
		}
		if from, more = p.ID.Next(); more {
			p, more = cl.g.NextPending(from)
		}
	}
	c.arrayAt(at, n)
	if !more {
		p.ID = types.StreamID{}
	}
	end := len(c.Out)
	c.streamID(p.ID)
	c.headAt(at, end)
	c.Array(len(gone))
	for _, id := range gone {
		c.streamID(id)
	}
}
