package proxy

import (
	"fmt"

	"holdfast/backend/command"
	"holdfast/backend/resp"
)

// fate is what becomes of a request that stood in a lane when its link was lost.
type fate uint8

const (
	waitsOn  fate = iota // it is sent on the next link, for the first time or again
	nobodys              // nobody misses its reply
	rejected             // it watched on that connection, and cannot be sent on another
	unknown              // it may have taken effect
	doubtful             // it may see what its client wrote behind it
	asked                // the next node knows what became of it
)

// loss is a link that was lost, as its requests see it.
type loss struct {
	link    *link
	refused bool   // nothing was executed from the head on
	doubt   doubts // about its reads; a refusal leaves none
}

// fateOf decides about a request. sent says that the link was given it, place counts
// the link's requests from 1.
func (x *loss) fateOf(e *entry, frame []byte, sent bool, place int) fate {
	executed := sent && !x.refused // perhaps
	switch {
	case e.client == nil && (executed || e.kind == kindOwn):
		return nobodys
	case e.extra != nil && e.extra.watched && !executed:
		return rejected
	case executed && x.link.counts && (e.mayHaveChanged() || e.kind == kindRead && x.doubt.about(e, frame, place)):
		return asked
	case executed && e.mayHaveChanged():
		return unknown
	case executed && e.kind == kindRead && x.doubt.about(e, frame, place):
		return doubtful
	}
	return waitsOn
}

// mayHaveChanged tells whether a request, if it was executed, may have changed something.
func (e *entry) mayHaveChanged() bool {
	return e.kind == kindWrite || e.kind == kindBlocking && e.cmd.Has(command.Write)
}

// requeue decides about each request that stood in the lane when it lost a link.
func (ln *lane) requeue(k *link, refused bool) {
	old := ln.q
	ln.q = queue{}
	if k.refusing != nil { // they stood before all others
		ln.q = *k.refusing
	}
	x := loss{link: k, refused: refused}
	if !refused {
		x.doubt = doubtsOf(&old, wasSent)
	}
	place, answered := 0, k.preamble+old.answered
	number := answered
	old.each(func(e *entry, frame []byte, sent bool) {
		place++
		if sent && e.kind != kindCanned {
			number += e.requests()
		}
		switch x.fateOf(e, frame, sent, place) {
		case nobodys:
		case rejected:
			ln.q.push(canned(e, e.extra.reply), nil)
		case unknown:
			ln.l.stats.unknown++
			ln.q.push(canned(e, unknownOutcome(e, k.addr)), nil)
		case doubtful:
			ln.l.stats.unknown++
			ln.q.push(canned(e, doubtfulRead(e, k.addr)), nil)
		case asked:
			ln.lost = &lost{id: k.name, after: answered, at: k.since, runID: k.runID, addr: k.addr}
			e.place(number)
			ln.wait(e, frame, sent)
		case waitsOn:
			ln.wait(e, frame, sent)
		}
	})
	if ln.node != nil {
		ln.moveToMaster()
	}
}

// wait queues a request for the next link. sent says that some of its replies may have
// come.
func (ln *lane) wait(e *entry, frame []byte, sent bool) {
	now := ln.l.p.clock.now()
	if sent && e.kind == kindBlocking {
		frame = remaining(e, frame, now)
	}
	if sent && e.extra != nil && e.extra.want > 1 {
		e.again()
	}
	if e.since == 0 {
		e.since = now
	}
	ln.q.push(*e, frame)
}

// moveToMaster passes the reads of a replica that failed to the master, which
// is always fresh enough.
func (ln *lane) moveToMaster() {
	to := ln.set.master
	ln.q.each(func(e *entry, frame []byte, _ bool) {
		if e.client != nil {
			e.client.lane = to
		}
		to.q.push(*e, frame)
	})
	ln.q = queue{}
	to.touch()
}

// canned makes the entry of a reply out of the entry of its request.
func canned(e *entry, reply []byte) entry {
	return entry{client: e.client, cmd: e.cmd, kind: kindCanned, want: 1, mute: e.mute, extra: &extra{reply: reply}}
}

func unknownOutcome(e *entry, addr string) []byte {
	return resp.AppendError(nil, fmt.Sprintf("UNKNOWN outcome of %s: the connection to %s was lost before it replied", commandName(e), addr))
}

func commandName(e *entry) string {
	if e.cmd == nil {
		return "the command"
	}
	return upper(e.cmd.Full)
}
