package backend

import (
	"holdfast/backend/internal/commands"
	"holdfast/backend/resp"
)

// nativeLink makes the connection the proxy's link id, whose requests count from here on,
// from 1. It is answered how many of them may be unanswered.
func nativeLink(s *session, x *commands.Ctx) {
	n, id := s.node, string(x.Args[2])
	if !s.native || !linkID(x.Args[2]) {
		x.Err("ERR HOLDFAST LINK id, behind HOLDFAST HELLO 1 PROXY")
		return
	}
	if other := n.links[id]; other != nil && other != s {
		other.endLink()
	}
	s.unlink()
	s.link, s.counted = id, 0
	n.links[id] = s
	x.Int(keptEach)
}

// endLink ends the connection of a link: nothing that it has sent is executed any more.
func (s *session) endLink() {
	s.forget()
	s.conn.Loop().Post(s.conn.Close)
}

// nativeLinkPos ends a link, and tells what became of its requests behind
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
	s.link = ""
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
		if s.waiting != nil {
			s.emit(frame, n.assured.offset, 0)
		}
	}
}
