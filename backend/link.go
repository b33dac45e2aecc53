package backend

import (
	"holdfast/backend/internal/commands"
	"holdfast/backend/resp"
)

// numbered is a request of a link that must not be executed twice.
type numbered struct {
	seq     uint64 // 0: none
	instead []byte // what it is answered without being executed; nil: it is executed
}

// nativeLink makes a native link the connection of the proxy's link id, for its n-th
// time. What was sent on an earlier one is executed no more, even if it has not come
// yet: HOLDFAST LINK is answered before anything is sent. With COUNTED the requests
// behind it count, from 1 on, and it is answered how many of them may be unanswered.
func nativeLink(s *session, x *commands.Ctx) {
	n := s.node
	id, try := string(x.Args[2]), number(x.Args[3])
	counts := len(x.Args) == 5 && equalFold(string(x.Args[4]), "counted")
	if !s.native || !linkID(x.Args[2]) || try == 0 || len(x.Args) > 4 && !counts {
		x.Err("ERR HOLDFAST LINK id n [COUNTED], behind HOLDFAST HELLO 1 PROXY")
		return
	}
	if other := n.links[id]; other != nil && other != s {
		if other.linkTry > try {
			x.Err("ERR a later connection of this link is here")
			s.closing = true
			return
		}
		other.endLink()
	}
	s.unlink()
	s.link, s.linkTry, s.counts, s.counted = id, try, counts, 0
	n.links[id] = s
	if counts {
		x.Int(keptEach)
		return
	}
	x.OK()
}

// endLink ends the connection of a link: nothing that it has sent is executed any more.
func (s *session) endLink() {
	s.forget()
	s.conn.Loop().Post(s.conn.Close)
}

// nativeLinkPos ends a link that counts, and tells what became of its requests behind
// the one numbered after: of each that has changed something the number and the reply,
// which is empty where it was too large; before them the number up to which some may
// be missing. The link had changed nothing at the place that is named, as the process that
// is named has told; if more than is known here may have been done since then, the answer
// is null. It leaves once the history up to here is confirmed: then every later master
// says the same.
func nativeLinkPos(s *session, x *commands.Ctx) {
	n := s.node
	id, after, at := string(x.Args[2]), number(x.Args[3]), pair{number(x.Args[4]), number(x.Args[5])}
	if !s.native || !linkID(x.Args[2]) {
		x.Err("ERR HOLDFAST LINKPOS id after epoch offset run-id, behind HOLDFAST HELLO 1 PROXY")
		return
	}
	if other := n.links[id]; other != nil && other != s {
		other.endLink()
	}
	s.batch.gate = max(s.batch.gate, n.stream.Offset())
	l, known := n.kept.of(id, at)
	if !known || n.unrelated(at, x.Args[6]) {
		x.Null()
		return
	}
	if l == nil {
		l = new(keptLink)
	}
	replies := 0
	l.log.each(func(seq uint64, _ []byte) {
		if seq > after {
			replies++
		}
	})
	x.Array(1 + 2*replies)
	x.Int(int64(l.from))
	l.log.each(func(seq uint64, reply []byte) {
		if seq > after {
			x.Int(int64(seq))
			x.Bulk(reply)
		}
	})
}

// unrelated tells whether a place may be one of another history than this node's: those
// that no group has begun a first epoch of are known by the process alone.
func (n *Node) unrelated(at pair, runID []byte) bool {
	return (at.epoch == 0 || n.stream.History().DataEpoch() == 0) && string(runID) != n.runID
}

// linkID tells whether a word can be the id of a link: letters and digits.
func linkID(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 64
}

// unlink forgets that the session is the connection of its link.
func (s *session) unlink() {
	if s.link != "" && s.node.links[s.link] == s {
		delete(s.node.links, s.link)
	}
	s.link, s.counts = "", false
}

// nativeOnce numbers the request behind it. It is answered where the history stands:
// that request was not executed there. With such a place, and the process that it was
// told by, the request was sent before, and is executed only if it was not then; this
// is answered OK where that is not so.
func nativeOnce(s *session, x *commands.Ctx) {
	again := len(x.Args) == 6
	s.once = numbered{seq: number(x.Args[2])}
	if s.link == "" || s.once.seq == 0 || !again && len(x.Args) != 3 {
		s.once = numbered{}
		x.Err("ERR HOLDFAST ONCE seq [epoch offset run-id], behind HOLDFAST LINK")
		return
	}
	if again {
		s.node.resolve(s, pair{number(x.Args[3]), number(x.Args[4])}, x.Args[5])
		s.batch.gate = max(s.batch.gate, s.node.stream.Offset())
	}
	if s.once.instead != nil {
		x.OK()
		return
	}
	nativeEpoch(s, x)
}

// resolve finds out what became of a request that was sent before. What it finds is told
// once the history up to here is confirmed: then every later master has it.
func (n *Node) resolve(s *session, at pair, runID []byte) {
	o := &s.once
	reply, what := n.kept.outcome(s.link, o.seq, at)
	if n.unrelated(at, runID) {
		what = notKnown
	}
	switch {
	case what == notExecuted:
		return
	case what == notKnown:
		reply = resp.AppendError(nil, "UNKNOWN outcome of a blocking request: its connection was lost before it was answered, and nobody knows any more")
	case len(reply) == 0:
		reply = resp.AppendError(nil, "APPLIED reply lost: the blocking request was executed, and its reply was too large to be kept")
	}
	o.instead = reply
}

// answerInstead answers a numbered request that is not executed.
func (s *session) answerInstead(x *commands.Ctx) {
	x.Out = append(x.Out, s.once.instead...)
	s.batch.gate = max(s.batch.gate, s.node.stream.Offset())
	s.once = numbered{}
}

// keepReply notes what a numbered request was answered, if it changed anything, in the unit
// under way. The engine lock is held.
func (n *Node) keepReply(s *session, seq uint64, x *commands.Ctx, reply []byte) {
	if s.link != "" && (x.Dirty() > 0 || x.Effects().Replace()) {
		n.unit.sign(author{link: s.link, seq: seq, alone: true, reply: reply}, false)
	}
}

// assureWaiting tells the waiting clients' proxies that their requests were not
// executed up to here, if what is being forgotten is newer than what they were told. The
// engine lock is held.
func (n *Node) assureWaiting() {
	n.kept.forgot = false
	if !n.stream.Active() || n.kept.since.less(n.assured) {
		return
	}
	n.assured = n.pair()
	frame := append([]byte(nil), ">3\r\n+hfw\r\n"...)
	frame = resp.AppendInt(frame, int64(n.assured.epoch))
	frame = resp.AppendInt(frame, int64(n.assured.offset))
	for _, s := range n.links {
		if s.waiting != nil && s.waiting.seq != 0 {
			s.emit(frame, n.assured.offset, 0)
		}
	}
}
