package proxy

import (
	"fmt"

	"holdfast/backend/resp"
)

// A native master that gets no confirmations says after a while, in place of its
// replies, that what they would tell may not last. The outcome of a write is then
// unknown to everybody. A read has none: it is sent again, as one that a plain
// node refused is (refusal.go), until the master, or the next one, answers it or
// hold-timeout is over. One behind which its client has sent a write to the same
// keys must not be: it could see what came after it.

// unconfirmed takes such a frame in place of the reply to the head; text is the
// error that says so.
func (k *link) unconfirmed(text string) {
	ln := k.lane
	if ln.q.inFlight() == 0 {
		k.fail(k.addr + " sent a reply that nobody asked for")
		return
	}
	e := ln.q.peek()
	if e.client == nil || e.kind != kindRead {
		if e.want <= 1 { // of a transaction the last
			ln.l.stats.noAcks++
		}
		if reply := resp.AppendError(nil, text); k.refusing == nil || !k.divert(reply) {
			k.answer(reply)
		}
		return
	}
	ln.l.stats.unconfirmed++
	if k.refusing == nil {
		k.refusing = &queue{}
		k.why = k.addr + " waits for confirmations in vain"
		k.doubt, k.doubtFrom = doubtsOf(&ln.q, wasSent), ln.q.head
		ln.l.stats.refusals++
	}
	switch {
	case e.extra != nil && e.extra.last: // a transaction, of which more replies may come
		e.extra.refused = true
		k.refusedBlock()
	case !k.doubtful():
		k.keep(*e)
	}
}

// doubtful answers the read at the head, all of whose replies have come, that it
// must not be sent again, if so.
func (k *link) doubtful() bool {
	ln := k.lane
	e := ln.q.peek()
	place := int(ln.q.head-k.doubtFrom) + 1
	if !k.doubt.about(e, ln.q.log[ln.q.first:ln.q.first+e.size], place) {
		return false
	}
	ln.l.stats.unknown++
	reply := resp.AppendError(nil, fmt.Sprintf("UNKNOWN outcome of %s: %s, and a later write of this client may have changed its keys",
		commandName(e), k.why))
	if k.refusing.has(e.client) {
		k.refusing.push(canned(e, reply), nil)
		ln.q.pop()
	} else {
		e.want = 1
		k.answer(reply)
	}
	return true
}
