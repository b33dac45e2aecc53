package backend

import (
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

var flushAllID = command.Lookup([]byte("flushall")).ID

var flushRows = []row{{"flushall", flushAll}}

// flushAll is FLUSHALL. Where there are save points the client waits until a
// snapshot of nothing has taken the place of the old one, which after a crash would
// bring back what was flushed (db.c, flushAllDataAndResetRDB).
func flushAll(s *session, x *commands.Ctx) {
	n, at := s.node, len(x.Out)
	n.handlers[flushAllID].data(x) // by whatever name it was called
	n.propagate(x)
	switch {
	case x.Dirty() == 0 || len(n.cfg().Save) == 0 || n.loading.Load(): // refused, or nothing is saved
	case n.saves.busy:
		n.saves.again = true
	case !x.CanWait:
		n.saveBehind()
	default:
		x.Out = x.Out[:at]
		n.saves.busy = true
		n.saveBefore(s, okReply)
	}
}

// saveBefore parks a session whose reply follows a snapshot, good or not, and what
// the reply to its last write waits for.
func (n *Node) saveBefore(s *session, reply []byte) {
	w := &waiter{}
	s.waiting = w
	s.batch.replies--
	n.background(func() {
		_ = n.saveNow(n.life, false) // the log tells
		n.mu.Lock()
		defer n.mu.Unlock()
		if s.waiting == w {
			s.unblock()
			s.reply(reply, s.lastWrite)
			s.conn.Loop().Post(s.resume)
		}
	})
}
