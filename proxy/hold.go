package proxy

import (
	"fmt"
	"sync/atomic"
	"time"

	"holdfast/backend/resp"
)

// Rules of the hold:
//
//  1. A lane that cannot send keeps its requests, in order, until it can.
//  2. A request that has waited for hold-timeout is answered -UNAVAILABLE,
//     which means that it was certainly not applied: one that may have been
//     sent to a master is never answered so.
//  3. All requests held by the process together stay within hold-max-bytes and
//     hold-max-commands. A client whose next request does not fit is not read
//     from until there is room, and its time runs all the same.
//  4. What a client that has left, or sends no more, did not have sent is dropped.

// budget counts what the lanes of all loops hold.
type budget struct {
	commands, bytes       atomic.Int64
	maxCommands, maxBytes int64
}

func (b *budget) full() bool {
	return b.commands.Load() >= b.maxCommands || b.bytes.Load() >= b.maxBytes
}

// holding is a lane's part of the budget.
type holding struct{ commands, bytes int64 }

func (h *holding) set(b *budget, commands, bytes int64) {
	b.commands.Add(commands - h.commands)
	b.bytes.Add(bytes - h.bytes)
	h.commands, h.bytes = commands, bytes
}

func (h *holding) release(ln *lane) {
	if h.commands != 0 || h.bytes != 0 {
		h.set(&ln.l.p.budget, 0, 0)
	}
	ln.deadline.Stop()
	ln.deadline = nil
}

func (h *holding) drop(ln *lane) { h.release(ln) }

// hold keeps the requests of a lane that cannot send, and sees to a link.
func (ln *lane) hold() {
	ln.closeFinished()
	ln.stamp()
	ln.expire()
	ln.held.set(&ln.l.p.budget, int64(ln.q.len()), int64(ln.q.bytes()))
	if ln.q.len() > 0 || ln.subs != nil {
		ln.dial()
	}
	if first := ln.q.firstUnsent(); first != nil && ln.deadline == nil {
		left := ln.l.p.cfg.HoldTimeout - ln.l.p.clock.since(first.since)
		ln.deadline = ln.l.io.After(max(left, 0)+time.Millisecond, func() {
			ln.deadline = nil
			ln.touch()
		})
	}
}

// stamp begins the time of the requests that were queued while the lane could
// send and were not sent.
func (ln *lane) stamp() {
	first := ln.q.firstUnsent()
	if first == nil || first.since != 0 {
		return
	}
	now := ln.l.p.clock.now()
	for i := ln.q.sent; i != ln.q.tail; i++ {
		if e := ln.q.at(i); e.since == 0 {
			e.since = now
		}
	}
}

// expire answers the requests whose time has run out. They stand in front,
// since those behind came later.
func (ln *lane) expire() {
	for {
		first := ln.q.firstUnsent()
		if first == nil || ln.l.p.clock.since(first.since) < ln.l.p.cfg.HoldTimeout {
			return
		}
		if ln.q.inFlight() > 0 { // a master that answers nothing and is not replaced either
			ln.cut(fmt.Sprintf("%s did not answer within %s", ln.link.addr, ln.l.p.cfg.HoldTimeout), false)
			ln.answerCanned()
			continue
		}
		if first.kind == kindCanned {
			ln.answerCanned()
			continue
		}
		ln.giveUp(*first)
	}
}

// giveUp answers the head, whose time has run out.
func (ln *lane) giveUp(e entry) {
	ln.q.pop()
	reply := ln.unavailable()
	if e.maybeExecuted() {
		ln.l.stats.unknown++
		reply = resp.AppendError(nil, fmt.Sprintf("UNKNOWN outcome of %s: its connection was lost before it replied, and no master could be asked within %s: %s",
			commandName(&e), ln.l.p.cfg.HoldTimeout, ln.reason()))
	} else {
		ln.l.stats.unavailable++
	}
	c := e.client
	if c == nil {
		return
	}
	if !e.mute {
		c.write(reply)
	}
	if e.extra != nil && e.extra.onFail != nil {
		e.extra.onFail()
	}
	c.answered(1)
}

// unavailable is the reply to a request that was certainly not applied.
func (ln *lane) unavailable() []byte {
	return resp.AppendError(nil, fmt.Sprintf("UNAVAILABLE no master took this request within %s: %s",
		ln.l.p.cfg.HoldTimeout, ln.reason()))
}

// reason says why the lane cannot send, for humans.
func (ln *lane) reason() string {
	t := ln.l.topo
	switch {
	case t == nil:
		return "no sentinel has named a master yet" + ln.l.p.watchTrouble()
	case t.Reason != "":
		return t.Reason
	case !ln.l.masterServes():
		return fmt.Sprintf("group %s is in phase %s", t.Group, t.Phase)
	case ln.why != "":
		return ln.why
	}
	return "the connection to " + ln.addr() + " is not ready"
}

// mayHold tells whether a request of c fits into the hold. If not, c waits
// until there is room, or its time has run out: expired.
func (c *client) mayHold(ln *lane) (ok, expired bool) {
	if ln.ready() || !c.l.p.budget.full() {
		c.outrun = 0
		return true, false
	}
	if c.finished {
		c.conn.Close()
		return false, false
	}
	if c.outrun == 0 {
		c.outrun = c.l.p.clock.now()
		c.l.outrun = append(c.l.outrun, c)
		c.l.watchOutrun()
	}
	return false, c.l.p.clock.since(c.outrun) >= c.l.p.cfg.HoldTimeout
}

const outrunCheck = 50 * time.Millisecond

func (l *loop) watchOutrun() {
	if l.outrunTimer == nil && len(l.outrun) > 0 {
		l.outrunTimer = l.io.After(outrunCheck, func() {
			l.outrunTimer = nil
			l.wakeOutrun()
		})
	}
}

// wakeOutrun lets the clients that did not fit into the hold try again.
func (l *loop) wakeOutrun() {
	waiting := l.outrun
	l.outrun = nil
	for _, c := range waiting {
		if c.closed || c.outrun == 0 {
			continue
		}
		if !c.stalled { // it has asked for nothing more
			c.outrun = 0
			continue
		}
		l.outrun = append(l.outrun, c)
		l.wake(c)
	}
	l.watchOutrun()
}
