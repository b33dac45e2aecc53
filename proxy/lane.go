package proxy

import (
	"time"

	"holdfast/backend/netio"
)

// lane is a FIFO of requests towards a role: "the master" or "the replica at
// that address", for one kind of session. The requests outlive the connection
// they were sent on, so a lane without one is where requests are held.
//
// What was sent and not answered stands before what was not sent, and new
// requests queue behind both: order survives every change of master.
type lane struct {
	l     *loop
	set   *laneSet
	node  *node   // replica lanes: the replica; nil: whoever is the master
	owner *client // of a private lane; nil: shared or idle

	q        queue
	link     *link // nil while there is none
	dialling bool
	attempt  int          // failed attempts since the lane last worked
	retry    *netio.Timer // the next attempt
	deadline *netio.Timer // the first held request runs out of time
	grace    *netio.Timer // the old master may still answer until then
	why      string       // the reason why there is no link

	isDirty bool // on loop.dirty
	isLater bool // on loop.later
	held    holding
	lost    *lost // the link before, while it is not known what became of its requests; else nil
	closed  bool  // nobody uses it any more
	private bool  // for one client at a time; owner says which
	tainted bool  // it must not serve another client
	subs    *subscriptions

	idleSince uint32 // of a private lane in the pool, coarse
}

// Waits of a lane.
const (
	firstRetry = 10 * time.Millisecond
	lastRetry  = 250 * time.Millisecond
	// switchGrace is how long a replaced master may still answer what it was
	// sent. In a planned switchover its last replies are on their way.
	switchGrace = 100 * time.Millisecond
	chokedRetry = time.Millisecond
)

// ready tells whether requests can be sent now.
func (ln *lane) ready() bool {
	return ln.link != nil && ln.link.usable() && ln.grace == nil && (ln.node != nil || ln.l.masterServes())
}

// master tells whether the lane leads to the master.
func (ln *lane) master() bool { return ln.node == nil }

// target says what the lane is to a session that has requests in it.
func (ln *lane) target() target {
	switch {
	case ln.private:
		return toPrivate
	case ln.node != nil:
		return toReplica
	}
	return toMaster
}

// push queues a request and has it sent when the handler, or the turn, ends.
func (ln *lane) push(e entry, frame []byte) {
	if !ln.ready() {
		e.since = ln.l.p.clock.now()
		ln.held.set(&ln.l.p.budget, ln.held.commands+1, ln.held.bytes+int64(len(frame)))
	}
	ln.q.push(e, frame)
	ln.touch()
}

// touch has settle look at the lane.
func (ln *lane) touch() {
	if !ln.isDirty {
		ln.isDirty = true
		ln.l.dirty = append(ln.l.dirty, ln)
	}
}

// settle sends what is queued: at the end of the turn, where the requests of
// many clients leave in one write and cost the node one read. A turn ends as
// soon as nothing more has come in, so a lone request hardly waits. While the
// node has plenty to do they gather further, until replies or enough of them come.
func (ln *lane) settle() {
	ln.isDirty = false
	if ln.q.canned > 0 {
		ln.answerCanned()
	}
	switch {
	case ln.closed:
	case !ln.ready():
		ln.hold()
	case len(ln.q.unsent()) == 0:
	case ln.private:
		ln.send()
	case ln.q.gathers(): // deliver looks again
	case !ln.isLater:
		ln.isLater = true
		ln.l.later = append(ln.l.later, ln)
	}
}

// send hands the unsent requests to the kernel.
func (ln *lane) send() {
	if len(ln.q.unsent()) == 0 || !ln.ready() {
		return
	}
	k := ln.link
	b, sent, mark := ln.q.setSent(k.room()) // before Send, inside which the link may end
	if len(b) == 0 {
		return
	}
	if sent == ln.q.head { // nothing is in flight: all that was executed is told of
		k.since = k.pair
	}
	if !k.conn.Send(b) && ln.link == k {
		ln.q.unsetSent(sent, mark)
		ln.l.io.After(chokedRetry, ln.touch)
	}
}

// opened is called when a link has introduced itself: what was held goes out.
func (ln *lane) opened() {
	ln.attempt, ln.why = 0, ""
	ln.l.p.sayReached(ln.link.addr)
	if ln.subs != nil {
		ln.subs.restore(ln)
	}
	ln.resolve()
	ln.resume()
}

// resume sends what was held once the lane is ready.
func (ln *lane) resume() {
	if !ln.ready() {
		return
	}
	ln.held.release(ln)
	ln.touch()
	ln.l.wakeOutrun()
}

// cut gives up the link. refused says that nothing from the head on was
// executed; otherwise what was sent may have been.
func (ln *lane) cut(why string, refused bool) {
	k := ln.link
	if k == nil {
		return
	}
	ln.link = nil
	k.leave()
	ln.grace.Stop()
	ln.grace = nil
	ln.why = why
	ln.requeue(k, refused)
	if ln.owner != nil {
		ln.owner.lostPrivate()
	}
	if ln.subs != nil {
		ln.subs.lost = true
	}
	ln.touch()
}

// answerCanned delivers the replies that nothing stands before any more.
func (ln *lane) answerCanned() {
	for ln.q.len() > 0 && ln.q.peek().kind == kindCanned {
		e := *ln.q.peek()
		ln.q.pop()
		if k := ln.link; k != nil && k.refusing != nil && k.refusing.has(e.client) {
			k.refusing.push(e, nil) // not before the request that is sent again
			continue
		}
		if e.client != nil {
			if !e.mute {
				e.client.write(e.extra.reply)
			}
			e.client.answered(1)
		}
	}
}

// retarget follows a change of the topology.
func (ln *lane) retarget() {
	if ln.node != nil || ln.closed {
		return
	}
	k := ln.link
	switch {
	case k == nil || ln.l.isMaster(k):
		ln.resume()
	case !k.open || ln.q.inFlight() == 0:
		ln.cut("the master has changed", false)
		return
	case ln.grace == nil:
		ln.grace = ln.l.io.After(switchGrace, func() { ln.cut("the master has changed", false) })
	}
	ln.touch()
}

// dial opens a link unless one is on its way.
func (ln *lane) dial() {
	if ln.link != nil || ln.dialling || ln.retry != nil || ln.closed {
		return
	}
	addr := ln.addr()
	if addr == "" {
		ln.why = "no master is known yet"
		return // setTopology calls again
	}
	ln.dialling = true
	cfg := ln.l.p.cfg
	opts := netio.DialOptions{Timeout: cfg.ConnectTimeout, Unacknowledged: cfg.TCPUserTimeout, TLS: ln.l.p.outward}
	ln.l.io.Dial(addr, opts, func(conn *netio.Conn, err error) netio.Session {
		ln.dialling = false
		switch {
		case err != nil:
			ln.l.p.sayUnreachable(addr, err)
			ln.failed(err.Error())
			return nil
		case ln.closed:
			return nil
		case ln.addr() != addr: // the master changed meanwhile
			ln.touch()
			return nil
		}
		return newLink(ln, conn, addr)
	})
}

func (ln *lane) addr() string {
	if ln.node != nil {
		return ln.node.addr
	}
	if ln.l.topo == nil {
		return ""
	}
	return ln.l.topo.Master.Addr
}

// failed notes that there is no link and plans the next attempt.
func (ln *lane) failed(why string) {
	ln.why = why
	if ln.node != nil {
		ln.node.failed(ln.l)
		ln.moveToMaster()
		return
	}
	wait := min(firstRetry<<min(ln.attempt, 10), lastRetry)
	ln.attempt++
	if ln.retry == nil {
		ln.retry = ln.l.io.After(wait, func() {
			ln.retry = nil
			ln.touch()
		})
	}
	ln.touch()
}

// close ends a lane that has no requests any more.
func (ln *lane) close() {
	ln.closed = true
	ln.owner = nil
	if k := ln.link; k != nil {
		ln.link = nil
		k.leave()
	}
	for _, t := range []*netio.Timer{ln.retry, ln.deadline, ln.grace} {
		t.Stop()
	}
	ln.held.drop(ln)
	ln.q = queue{}
}
