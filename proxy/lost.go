package proxy

import (
	"fmt"

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
//     after it.
//  4. Where the node cannot tell, the outcome is unknown.
//  5. As many requests as the node keeps replies of may be in flight on a link.

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
		k.counts, k.window, k.answered, k.since = true, int(v.Int), 0, k.pair
	}
}

// count has the node count the requests of a shared link, and asks it what became of
// those of the one before.
func (g *greeting) count(k *link) {
	k.name = newLinkID()
	if x := k.lane.lost; x != nil {
		g.add(func(k *link, v resp.Value) string {
			k.fates = readFates(v)
			return ""
		}, "HOLDFAST", "LINKPOS", x.id, decimal(x.after), decimal(x.at.epoch), decimal(x.at.offset), x.runID)
	}
	g.add(func(k *link, v resp.Value) string {
		k.counted(v)
		return ""
	}, "HOLDFAST", "LINK", k.name, "1", "COUNTED")
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
		if isUnknown(reply) {
			ln.l.stats.unknown++
		} else {
			ln.l.stats.resolved++
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
