package proxy

import (
	"bytes"
	"holdfast/backend/command"
	"holdfast/backend/netio"
	"holdfast/backend/resp"
)

// client is one connection of an application and its session.
//
// The way of a request: Data finds it, dispatch chooses where it goes, a lane
// keeps it until its reply comes, receive passes the reply on. All unanswered
// requests of a client are in one lane, whose order is theirs.
type client struct {
	l        *loop
	conn     *netio.Conn
	requests resp.Requests
	session

	lane    *lane // where its unanswered requests are; nil without any
	pending int   // unanswered requests
	own     *lane // the lane it has for itself beyond one request; nil without one

	stalled   bool // it stopped in its input until it is woken
	changing  bool // its next requests depend on a reply that has not come
	isAwake   bool // on loop.awake
	isSlow    bool // on loop.slow
	isReader  bool // on loop.readers
	finished  bool // it sends no more
	closed    bool
	outrun    uint32 // since when its next request does not fit into the hold; 0: it fits
	waiting   uint32 // since when its next read waits for a replica; 0: it does not
	replica   int    // of set.replicas: the one it used last
	written   uint32 // when it last wrote, coarse; 0: never
	token     pair   // the newest state it has seen
	rate      rate
	born      uint32
	fullSince uint32           // since when its output is past the soft limit; 0: it is not
	unblock   uint32           // when the node was asked last to let it go, coarse; 0: never
	active    uint32           // when its last request came, coarse
	last      *command.Command // its last request that could be read; nil: unknown, or none yet
}

// Data is netio's: requests have come.
func (c *client) Data(conn *netio.Conn, in []byte) int {
	c.active = c.l.p.clock.coarse()
	if c.slow() {
		return 0
	}
	c.stalled = false
	limited := c.l.p.cfg.ClientRateLimit > 0
	off := 0
	for off < len(in) && !c.leaving {
		args, n, err := c.requests.Next(in[off:])
		if err != nil {
			c.protocolError(err)
			return len(in)
		}
		if n == 0 {
			c.limitInput(len(in) - off)
			break
		}
		if len(args) > 0 {
			frame := in[off : off+n]
			if c.requests.Inline() {
				c.l.scratch = resp.AppendRequest(c.l.scratch[:0], args)
				frame = c.l.scratch
			}
			if limited && c.overRate() || !c.dispatch(args, frame) {
				c.stall(len(in) - off)
				break
			}
			if limited {
				c.rate.tokens--
			}
		}
		off += n
	}
	c.requests.Release(in)
	c.leaveAnswered()
	return off
}

// dispatch passes one request on. It returns false, having done nothing, when
// the request has to wait.
func (c *client) dispatch(args [][]byte, frame []byte) bool {
	if c.changing || c.pending >= c.l.p.cfg.ClientMaxPipeline {
		return false
	}
	cmd := command.Lookup(args[0])
	if cmd != nil && cmd.Subs != nil {
		cmd = command.Find(args)
	}
	c.last = cmd
	k := classFor(cmd, args)
	if !c.authenticated && !(cmd != nil && cmd.Has(command.NoAuth)) {
		return c.reply(errNoAuth)
	}
	switch route(k, c.situation()) {
	case here:
		return c.serve(cmd, args)
	case queued:
		return c.queue(cmd, args, frame)
	case refused:
		if cmd != nil && cmd.Parent != nil {
			return c.reply(notThrough(bytes.Join(args[:2], []byte(" "))))
		}
		return c.reply(notThrough(args[0]))
	case toMaster:
		return c.send(c.set.master, cmd, k, frame)
	case toReplica:
		ln := c.set.reader(c)
		if ln == nil {
			return c.awaitReplica()
		}
		c.waiting = 0
		return c.send(ln, cmd, k, frame)
	case toPrivate:
		return c.sendPrivate(cmd, k, args, frame)
	}
	return false
}

func (c *client) situation() situation {
	s := situation{multi: c.multi, owned: c.own != nil, policy: c.l.p.policy}
	if c.lane != nil {
		s.busy = c.lane.target()
	}
	return s
}

// send queues a request in a lane.
func (c *client) send(ln *lane, cmd *command.Command, k class, frame []byte) bool {
	if c.lane != nil {
		ln = c.lane // same kind of target, perhaps another replica
	}
	if !ln.ready() {
		if ok, expired := c.mayHold(ln); expired {
			c.l.stats.unavailable++
			return c.reply(ln.unavailable())
		} else if !ok {
			return false
		}
	}
	e := entry{client: c, cmd: cmd, want: 1, kind: kindWrite, mute: c.muted()}
	if k == classRead || k == classMaster {
		e.kind = kindRead
	} else {
		c.written = c.l.p.clock.coarse()
	}
	c.count(ln, k)
	c.put(ln, e, frame)
	return true
}

// put queues an entry of this client.
func (c *client) put(ln *lane, e entry, frame []byte) {
	c.lane = ln
	c.pending++
	ln.push(e, frame)
}

// receive takes n replies, the bytes of which are in b.
func (c *client) receive(k *link, b []byte, n int) {
	if len(b) > 0 {
		c.write(b)
		if c.l.p.limitsOutput {
			c.limitOutput()
		}
	}
	if k.native && c.token.less(k.pair) {
		c.token = k.pair
	}
	c.answered(n)
}

// answered notes that n requests have had their replies.
func (c *client) answered(n int) {
	if c.pending -= n; c.pending == 0 {
		ln := c.lane
		c.lane = nil
		if ln != nil && ln.owner == c && c.own != ln {
			ln.release()
		}
	}
	c.leaveAnswered()
	if c.stalled && (c.pending == 0 || c.pending < c.l.p.cfg.ClientMaxPipeline/2) {
		c.l.wake(c)
	}
}

// goOn continues in the input where the client has stopped.
func (c *client) goOn() {
	c.isAwake = false
	c.leaveAnswered()
	if c.closed || !c.stalled || c.isSlow {
		return
	}
	if c.conn.Paused() {
		c.conn.Resume()
	} else {
		c.conn.Redeliver()
	}
}

// write sends bytes to the client.
func (c *client) write(b []byte) {
	if c.closed {
		return
	}
	c.conn.SetBuf(append(c.conn.Buf(), b...))
}

// reply answers a request of this session here, behind the replies that are
// still to come. It returns true, for the convenience of its callers.
func (c *client) reply(b []byte) bool {
	if c.muted() {
		return true
	}
	if c.pending == 0 {
		c.write(b)
		return true
	}
	c.put(c.lane, entry{client: c, kind: kindCanned, want: 1, extra: &extra{reply: b}}, nil)
	return true
}

// stall notes that the client has stopped in its input. One that sends on and
// on is not read from until it can continue.
func (c *client) stall(waiting int) {
	c.stalled = true
	if waiting > int(c.l.p.cfg.ClientHighWater) {
		c.conn.Pause()
	}
}

// Closed is netio's: the client has left. What it did not have sent is dropped.
func (c *client) Closed(*netio.Conn, error) {
	c.closed = true
	delete(c.l.clients, c.id)
	delete(c.l.finished, c)
	c.l.p.clients.Add(-1)
	c.set.sessions--
	if ln := c.lane; ln != nil && !ln.private {
		ln.q.forget(c)
		ln.touch()
	}
	c.leavePrivate()
}
