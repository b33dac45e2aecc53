package proxy

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"strconv"

	"holdfast/backend/command"
	"holdfast/backend/resp"
)

// A client that is blocked in BLPOP or the like when its connection to the node breaks
// may have been served: the element is gone, and its reply never came. Rules:
//
//  1. Such a request is sent behind a number, HOLDFAST ONCE, on a private lane that is
//     a link to native nodes, HOLDFAST LINK. Who has what it changed has its reply too
//     (package backend, kept.go).
//  2. Issued again it says how far the history was when it had certainly changed
//     nothing. The node answers what the request was answered the first time, or
//     executes it if it never was, or answers -UNKNOWN where it cannot tell.
//  3. A lane has one numbered request at a time.
//  4. A plain Redis knows none of this: what was sent to it is -UNKNOWN.

// once is the number of a request.
type once struct {
	seq   uint64
	at    pair   // where the history was when the request had changed nothing
	runID string // of the process that says so
	sent  bool   // it may have been executed
}

// number puts a request behind the lane's next number.
func (ln *lane) number(e *entry, frame []byte) []byte {
	ln.numbers++
	x := e.extra
	x.once = &once{seq: ln.numbers}
	e.want, x.want, x.last = 2, 2, true
	return append(x.once.appendTo(nil), frame...) // frame may be in the loop's scratch
}

// appendTo appends the request that numbers the one behind it.
func (o *once) appendTo(b []byte) []byte {
	seq := strconv.FormatUint(o.seq, 10)
	if !o.sent {
		return resp.AppendCommand(b, "HOLDFAST", "ONCE", seq)
	}
	return resp.AppendCommand(b, "HOLDFAST", "ONCE", seq, strconv.FormatUint(o.at.epoch, 10), strconv.FormatUint(o.at.offset, 10), o.runID)
}

// heard takes the answer to the number itself, which stands in front of the request's:
// up to there the request has changed nothing.
func (o *once) heard(k *link, frame []byte) {
	if v, err := resp.Parse(frame); err == nil && len(v.Elems) == 2 {
		o.place(k, pair{uint64(v.Elems[0].Int), uint64(v.Elems[1].Int)})
	}
}

func (o *once) place(k *link, p pair) { o.at, o.runID = p, k.node.runID }

// numbersSent notes, before the unsent requests of a private lane are sent, where the
// history was then.
func (ln *lane) numbersSent() {
	for i := ln.q.sent; i != ln.q.tail; i++ {
		if x := ln.q.at(i).extra; x != nil && x.once != nil && !x.once.sent {
			x.once.place(ln.link, ln.link.pair)
		}
	}
}

// waits takes the node's word that the request at the head still waits.
func (k *link) waits(p pair) {
	if k.lane.q.inFlight() == 0 {
		return
	}
	if x := k.lane.q.peek().extra; x != nil && x.once != nil {
		x.once.place(k, p)
	}
}

// renumber has a request whose link was lost say that it was sent before.
func (o *once) renumber(frame []byte) []byte {
	var r resp.Requests
	_, n, err := r.Next(frame)
	if err != nil {
		return frame
	}
	o.sent = true
	return append(o.appendTo(nil), frame[n:]...)
}

// mayHavePopped tells whether a request that was sent on a lost link may have changed
// something without anybody being able to find out.
func (e *entry) mayHavePopped(k *link) bool {
	return e.kind == kindBlocking && e.cmd.Has(command.Write) && (e.extra.once == nil || !k.numbers)
}

// maybeExecuted tells whether a request that waits to be sent was sent before, so that
// nobody can say that it was not applied.
func (e *entry) maybeExecuted() bool {
	return e.number() > 0 || e.extra != nil && e.extra.once != nil && e.extra.once.sent
}

// answerUnknown answers the requests that were sent before, on a link to a node that
// cannot tell what became of them.
func (ln *lane) answerUnknown() {
	old := ln.q
	ln.q = queue{}
	old.each(func(e *entry, frame []byte, _ bool) {
		if e.maybeExecuted() {
			ln.l.stats.unknown++
			ln.q.push(canned(e, unknownOutcome(e, ln.link.addr)), nil)
			return
		}
		ln.q.push(*e, frame)
	})
}

// identify names a link to the node; a lane has one id for all of its links, and the
// node executes nothing of an earlier one any more.
func (g *greeting) identify(k *link) {
	ln := k.lane
	if ln.id == "" {
		ln.id = newLinkID()
	}
	g.add(func(k *link, v resp.Value) string {
		k.numbers = v.Err() == nil
		return ""
	}, "HOLDFAST", "LINK", ln.id, itoa(ln.links))
}

func newLinkID() string {
	var id [16]byte
	rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// isUnknown tells whether a reply says that the outcome of its request is not known.
func isUnknown(frame []byte) bool { return bytes.HasPrefix(frame, []byte("-UNKNOWN ")) }

// hasBlocking tells whether a request of the queue may block.
func (q *queue) hasBlocking() bool {
	for i := q.head; i != q.tail; i++ {
		if q.at(i).kind == kindBlocking {
			return true
		}
	}
	return false
}
