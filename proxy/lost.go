package proxy

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"holdfast/backend/command"
	"holdfast/backend/resp"
)

// A link to a native master counts its requests, as the node does, and whoever has what
// one of them changed has its reply too (package backend, kept.go). So when such a link
// is lost, the master that comes next can tell what became of what was in flight. Rules:
//
//  1. What was sent and not answered waits, in its order, with its number, until the next
//     link is open, which has asked the node in its greeting. The node executes nothing of
//     the lost link any more by then.
//  2. A request that has changed something is answered what the node has kept for it.
//  3. One that has not is sent again, if all that it may do is to change data; unless its
//     client wrote to its keys behind it and that took effect: it could see what came
//     after it. An EXEC behind WATCH is answered that it was not executed.
//  4. Where the node cannot tell, the outcome is unknown.
//  5. The node has to know that it has forgotten nothing since all of this was in flight.
//     A client may be blocked for long, so it is told now and then that it was not served.
//  6. As many requests as the node keeps replies of may be in flight on a link.

// lost is a link that was lost with requests whose outcome is asked for.
type lost struct {
	id    string
	after uint64 // requests that were answered
	at    pair   // where the history was when none of the others had changed anything
	runID string // of the process that said so
	addr  string
}

// counted takes the node's word that it counts the requests from here on, and of how many
// unanswered ones it keeps the replies.
func (k *link) counted(v resp.Value) {
	if v.Err() == nil && v.Kind == ':' && v.Int > 0 {
		k.counts, k.window, k.preamble, k.since = true, int(v.Int), 0, k.pair
	}
}

// count has the node count the requests of a link, and asks it what became of those of
// the one before.
func (g *greeting) count(k *link) {
	k.name = newLinkName()
	if x := k.lane.lost; x != nil {
		g.add(func(k *link, v resp.Value) string {
			if k.fates = readFates(v); strings.HasPrefix(v.Text, "BUSY ") { // by a script that may be one of them
				return v.Text
			}
			return ""
		}, "HOLDFAST", "LINKPOS", x.id, decimal(x.after), decimal(x.at.epoch), decimal(x.at.offset), x.runID)
	}
	g.add(func(k *link, v resp.Value) string {
		k.counted(v)
		return ""
	}, "HOLDFAST", "LINK", k.name)
}

// fates is what a node tells of the requests of a lost link.
type fates struct {
	from    uint64            // up to here it may not know all
	replies map[uint64][]byte // of those that have changed something; empty: it was too large
}

// readFates takes the answer to HOLDFAST LINKPOS; nil where the node does not know.
func readFates(v resp.Value) *fates {
	if v.Err() != nil || v.Kind != '*' || len(v.Elems)%2 == 0 {
		return nil
	}
	f := &fates{from: uint64(v.Elems[0].Int), replies: make(map[uint64][]byte)}
	for i := 1; i < len(v.Elems); i += 2 {
		f.replies[uint64(v.Elems[i].Int)] = []byte(v.Elems[i+1].Text)
	}
	return f
}

// place has a request wait for the node's word about it. number is that of the last
// request in its frame.
func (e *entry) place(number uint64) {
	x := new(extra)
	if e.extra != nil {
		*x = *e.extra
	}
	x.number = number
	e.extra = x
}

// ending is what became of a request in flight on a lost link.
type ending uint8

const (
	answers ending = iota // it was executed, and its reply is here
	large                 // it was executed, and its reply was too large to be kept
	again                 // it has changed nothing
	untold                // nobody knows
)

// of tells what became of a request. A nil f knows nothing.
func (f *fates) of(number uint64) (ending, []byte) {
	if f == nil {
		return untold, nil
	}
	switch reply, found := f.replies[number]; {
	case found && len(reply) > 0:
		return answers, reply
	case found:
		return large, nil
	case number <= f.from:
		return untold, nil
	}
	return again, nil
}

// resolve decides about the requests that waited for the word of the link's node.
func (ln *lane) resolve() {
	x, f := ln.lost, ln.link.fates
	if x == nil {
		return
	}
	ln.lost, ln.link.fates = nil, nil
	old := ln.q
	ln.q = queue{}
	doubt := doubtsOf(&old, func(e *entry, _ bool) bool {
		if e.number() == 0 {
			return false
		}
		end, _ := f.of(e.number())
		return end != again
	})
	place := 0
	old.each(func(e *entry, frame []byte, _ bool) {
		place++
		if e.number() == 0 {
			ln.q.push(*e, frame)
			return
		}
		reply := x.judge(f, e, doubt.about(e, frame, place))
		if reply == nil {
			e.extra.number = 0
			ln.q.push(*e, frame)
			return
		}
		if end, _ := f.of(e.number()); end == answers || end == large {
			ln.l.stats.resolved++
		} else if isUnknown(reply) {
			ln.l.stats.unknown++
		}
		if c := e.client; c != nil && c.token.less(ln.link.pair) { // its next reads are to see it
			c.token = ln.link.pair
		}
		ln.q.push(canned(e, reply), nil)
	})
}

// judge is the reply to a request of the lost link, nil where it is to be sent again.
func (x *lost) judge(f *fates, e *entry, doubtful bool) []byte {
	switch end, reply := f.of(e.number()); {
	case end == answers:
		return reply
	case end == large:
		return resp.AppendError(nil, fmt.Sprintf("APPLIED reply lost: %s was executed, and its reply was too large to be kept when the connection to %s was lost",
			commandName(e), x.addr))
	case doubtful:
		return doubtfulRead(e, x.addr)
	case end == again && e.extra.watched:
		return e.extra.reply
	case e.kind == kindRead, end == again && changesDataAlone(e.cmd):
		return nil
	}
	return unknownOutcome(e, x.addr)
}

// changesDataAlone tells of which commands it is certain that they did nothing where they
// have changed no data. Others send messages, or see to the server or to another one.
func changesDataAlone(c *command.Command) bool {
	return c != nil && (c.Has(command.Write) && c.Name != "migrate" || c == execCommand || isScript(c))
}

// number is that of a request which waits for a node's word about it, 0 for any other.
func (e *entry) number() uint64 {
	if e.extra == nil {
		return 0
	}
	return e.extra.number
}

// maybeExecuted tells whether a request that waits to be sent was sent before, so that
// nobody can say that it was not applied.
func (e *entry) maybeExecuted() bool { return e.number() > 0 }

// waits takes the node's word that the request at the head, behind which none is executed,
// still waits.
func (k *link) waits(p pair) {
	if q := &k.lane.q; q.inFlight() > 0 && q.peek().kind == kindBlocking {
		k.since = p
	}
}

func newLinkName() string {
	var name [16]byte
	rand.Read(name[:]) // never fails
	return hex.EncodeToString(name[:])
}

// isUnknown tells whether a reply says that the outcome of its request is not known.
func isUnknown(frame []byte) bool { return bytes.HasPrefix(frame, []byte("-UNKNOWN ")) }
