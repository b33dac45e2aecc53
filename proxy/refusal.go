package proxy

import "holdfast/backend/command"

// A plain Redis refuses in its replies, request by request, and what comes
// behind a refused request on the same connection may be executed all the same.
// So the link is used no further, and each reply that is still to come decides
// about its own request:
//
//  1. A refusal: the request was not executed and is sent again.
//  2. Any other reply to a client with a request under 1 must wait for that
//     request's reply: a read is sent again too, what a write answered is kept.
//  3. Other clients get their replies.

// isScript tells whether a command runs code that may answer an error in the
// words of a refusal after it has changed something.
func isScript(c *command.Command) bool {
	return c != nil && (c.Name == "eval" || c.Name == "evalsha" || c.Name == "fcall")
}

// refuse takes the refusal of the request at the head. It returns false when
// the text may be a script's own.
func (k *link) refuse(frame []byte) bool {
	ln := k.lane
	e := ln.q.peek()
	if isScript(e.cmd) {
		return false
	}
	if k.refusing == nil {
		line, _ := cutLine(frame)
		k.refusing = &queue{}
		k.why = k.addr + " refuses: " + string(line[1:])
		ln.l.stats.refusals++
	}
	if e.extra != nil && e.extra.last {
		e.extra.refused = true
		k.refusedBlock()
		return true
	}
	k.keep(*e)
	return true
}

// refusedBlock counts the replies to a transaction of which a command was
// refused. Its EXEC, the last of them, answers that nothing was executed.
func (k *link) refusedBlock() {
	e := k.lane.q.peek()
	if e.want--; e.want > 0 {
		return
	}
	e.want, e.extra.refused = e.extra.want, false
	if !k.doubtful() {
		k.keep(*e)
	}
}

// keep moves the head to those that are sent again.
func (k *link) keep(e entry) {
	ln := k.lane
	frame := ln.q.log[ln.q.first : ln.q.first+e.size]
	now := ln.l.p.clock.now()
	if e.since == 0 {
		e.since = now
	}
	if e.kind == kindBlocking {
		frame = remaining(&e, frame, now)
	}
	k.refusing.push(e, frame)
	ln.q.pop()
}

// divert keeps a reply from overtaking an earlier request of its client that is
// sent again. It returns false when the client has none. Of many replies to one
// request the last decides.
func (k *link) divert(frame []byte) bool {
	ln := k.lane
	e := *ln.q.peek()
	if e.client == nil || !k.refusing.has(e.client) {
		return false
	}
	if e.want > 1 {
		ln.q.peek().want--
		return true
	}
	if e.kind == kindRead {
		if k.doubtful() {
			return true
		}
		if e.extra != nil {
			e.want = max(1, e.extra.want)
		}
		k.keep(e)
	} else {
		if k.native && e.client.token.less(k.pair) { // its later reads are to see what it did
			e.client.token = k.pair
		}
		k.refusing.push(canned(&e, append([]byte(nil), frame...)), nil)
		ln.q.pop()
	}
	return true
}

// finishRefusing leaves the link once all replies have come.
func (k *link) finishRefusing() {
	ln := k.lane
	if ln.q.inFlight() == 0 {
		ln.cut(k.why, false)
		ln.failed(k.why)
	}
}
