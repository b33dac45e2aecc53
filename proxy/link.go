package proxy

import (
	"bytes"
	"math"

	"holdfast/backend/netio"
	"holdfast/backend/resp"
)

// link is one connection to a node. It belongs to one lane until the lane
// leaves it; what arrives after that is of no interest.
type link struct {
	lane   *lane // nil: the lane has left
	conn   *netio.Conn
	addr   string
	frames resp.Replies
	greet  greeting
	open   bool // the greeting is over
	native bool // it speaks HOLDFAST; else it is a plain Redis
	node   *node
	pair   pair // of the node, as of the last batch of replies
	// refusing is set on a plain node's link after a refusal, and on a native one
	// after a read that was not confirmed: every reply that is still to come
	// decides about its own request.
	refusing *queue
	// doubt is about the reads of a native link as of then, when the head was
	// doubtFrom; nil on others.
	doubt     doubts
	doubtFrom uint
	why       string // it was refused
	asked     bool   // HOLDFAST EPOCH is on its way

	// Of a link whose requests are counted (lost.go):
	counts   bool
	name     string
	window   int    // how many entries may be in flight
	preamble uint64 // of the requests that are counted, those of the greeting
	since    pair   // where the history was when nothing in flight had changed anything
	runID    string // of the node's process
	fates    *fates // what it told of the link before; nil: nothing

	id int64 // by which the node knows a private connection
}

func newLink(ln *lane, conn *netio.Conn, addr string) *link {
	k := &link{lane: ln, conn: conn, addr: addr, node: ln.l.nodeAt(addr)}
	ln.link = k
	k.greet.begin(k)
	return k
}

// usable tells whether requests may be sent on the link.
func (k *link) usable() bool { return k.open && k.refusing == nil }

// room is how many more entries may be in flight.
func (k *link) room() int {
	if !k.counts {
		return math.MaxInt
	}
	return max(k.window-k.lane.q.inFlight(), 0)
}

// leave ends the connection on behalf of the lane.
func (k *link) leave() {
	k.lane = nil
	k.conn.Close()
}

// Closed is netio's.
func (k *link) Closed(_ *netio.Conn, err error) {
	if k.lane == nil {
		return
	}
	why := k.addr + " closed the connection"
	if err != nil {
		why = "the connection to " + k.addr + " was lost: " + err.Error()
	}
	k.fail(why)
}

// fail has the lane go on without this link.
func (k *link) fail(why string) {
	ln := k.lane
	ln.cut(why, false)
	ln.failed(why)
}

// Data is netio's: replies have come.
func (k *link) Data(_ *netio.Conn, in []byte) int {
	off := 0
	for k.lane != nil && !k.open && off < len(in) {
		n, err := k.frames.Next(in[off:])
		if err != nil {
			k.fail("the greeting of " + k.addr + " is not understood: " + err.Error())
		}
		if n == 0 || err != nil {
			break
		}
		if frame := in[off : off+n]; frame[0] != '>' || !k.native || !k.nativePush(frame) {
			k.greet.reply(k, frame)
		}
		off += n
	}
	if k.lane != nil && k.open {
		off += k.deliver(in[off:])
	}
	if k.lane == nil {
		return len(in)
	}
	return off
}

// deliver passes replies on to those who wait for them, and looks at what had to
// wait for these.
func (k *link) deliver(in []byte) int {
	ln := k.lane
	off, err := k.passOn(in)
	if err != nil {
		k.fail(k.addr + " sent what is no reply: " + err.Error())
	}
	if k.lane == nil {
		return len(in)
	}
	if ln.q.canned > 0 {
		ln.answerCanned()
	}
	if len(ln.q.unsent()) > 0 { // they may have gathered long enough
		ln.touch()
	}
	if k.refusing != nil {
		k.finishRefusing()
	}
	return off
}

// passOn takes whole replies off in, until the lane leaves the link.
func (k *link) passOn(in []byte) (off int, err error) {
	ln, r := k.lane, run{link: k, in: in}
	for off < len(in) && k.lane != nil {
		var n int
		if n, err = k.frames.Next(in[off:]); n == 0 || err != nil {
			break
		}
		frame := in[off : off+n]
		if ln.q.canned > 0 {
			r.end(off)
			ln.answerCanned()
		}
		if k.unusual(frame) || !ln.q.peekPlain() {
			r.end(off)
			k.special(frame)
		} else {
			r.add(ln.q.peek().client, off)
			ln.q.pop()
		}
		off += n
	}
	r.end(off)
	return off, err
}

// run is neighbouring replies of one client, which are copied in one piece.
type run struct {
	link *link
	in   []byte
	c    *client
	from int // of in
	n    int // replies
}

// add lets the reply at off belong to a client's run.
func (r *run) add(c *client, off int) {
	if c != r.c {
		r.end(off)
		r.c, r.from = c, off
	}
	r.n++
}

// end passes the run on, which reaches to off.
func (r *run) end(off int) {
	if r.n > 0 {
		r.c.receive(r.link, r.in[r.from:off], r.n)
		r.c, r.n = nil, 0
	}
}

// unusual tells whether a frame may be something else than the reply to the
// request at the head.
func (k *link) unusual(frame []byte) bool {
	switch frame[0] {
	case '>':
		return true
	case '-':
		if !k.native && isRefusal(frame) {
			return true
		}
	}
	return k.refusing != nil || k.lane.subs != nil
}

// special deals with everything but the plain reply to a plain request.
func (k *link) special(frame []byte) {
	ln := k.lane
	switch {
	case frame[0] == '>' && k.native && k.nativePush(frame):
		return
	case ln.subs != nil && ln.subs.message(k, frame):
		return
	case frame[0] == '>':
		if ln.owner != nil {
			ln.owner.write(frame)
		}
		return
	case ln.q.inFlight() == 0:
		k.fail(k.addr + " sent a reply that nobody asked for")
		return
	case k.refusing != nil && ln.q.peek().refused():
		k.refusedBlock()
		return
	case frame[0] == '-' && !k.native && isRefusal(frame) && k.refuse(frame):
		return
	case k.refusing != nil && k.divert(frame):
		return
	}
	k.answer(frame)
}

// answer passes one reply to the head of the queue.
func (k *link) answer(frame []byte) {
	ln := k.lane
	e := ln.q.peek()
	e.want--
	done := e.want <= 0 || frame[0] == '-' && !(e.extra != nil && e.extra.last)
	c, x := e.client, e.extra
	pass := !e.mute && c != nil
	if x != nil {
		switch {
		case x.skip > 0:
			x.skip--
			pass = false
		case x.last && !done, pass && e.kind == kindBlocking && c.goesSilently(frame):
			pass = false
		}
	}
	if done {
		ln.q.pop()
	}
	if x != nil && x.onReply != nil {
		if replacement, replace := x.onReply(frame); replace {
			frame = replacement
		}
	}
	if pass && len(frame) > 0 {
		c.write(frame)
	}
	if done && c != nil {
		c.receive(k, nil, 1)
	}
	if pass && c.l.p.limitsOutput {
		c.limitOutput()
	}
}

// isRefusal tells whether an error reply of a plain node says that it does not
// serve what it was asked, which is the proxy's business and not the client's.
func isRefusal(frame []byte) bool {
	return bytes.HasPrefix(frame, []byte("-READONLY ")) || bytes.HasPrefix(frame, []byte("-LOADING ")) ||
		bytes.HasPrefix(frame, []byte("-MASTERDOWN ")) || bytes.HasPrefix(frame, []byte("-UNBLOCKED force unblock "))
}
