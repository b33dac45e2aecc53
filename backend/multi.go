package backend

import (
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

// transaction is what MULTI queues.
type transaction struct {
	requests []queued
	bytes    int
	spoiled  bool // a request in it was refused: EXEC must fail
	scripted bool // one of them runs a script
}

type queued struct {
	h     *handler
	facts *command.Command // what the gate goes by
	args  [][]byte
}

// queue keeps a copy of a request: its words alias the network buffer.
func (t *transaction) queue(h *handler, facts *command.Command, args [][]byte) {
	for _, a := range args {
		t.bytes += len(a) + wordOverhead
	}
	t.scripted = t.scripted || h.scripts
	t.requests = append(t.requests, queued{h, facts, copyWords(args)})
}

// endMulti forgets the transaction, if there is one.
func (s *session) endMulti() {
	s.books.Add(-int64(s.queuedBytes()))
	s.multi = nil
}

// wordOverhead is what a queued word costs beside its bytes.
const wordOverhead = 24

// copyWords copies a request, with all its bytes in one piece.
func copyWords(args [][]byte) [][]byte {
	size := 0
	for _, a := range args {
		size += len(a)
	}
	all := make([]byte, 0, size)
	own := make([][]byte, len(args))
	for i, a := range args {
		from := len(all)
		all = append(all, a...)
		own[i] = all[from:len(all):len(all)]
	}
	return own
}

// endsQueue tells which commands run although MULTI is open.
func endsQueue(c *command.Command) bool {
	switch c.Name {
	case "exec", "discard", "multi", "watch", "quit", "reset":
		return true
	}
	return false
}

var transactionRows = []row{
	{"multi", multi},
	{"exec", exec},
	{"discard", discard},
	{"watch", watch},
	{"unwatch", func(s *session, x *commands.Ctx) { s.unwatch(); x.OK() }},
}

func multi(s *session, x *commands.Ctx) {
	if s.multi != nil {
		x.Err("ERR MULTI calls can not be nested")
		return
	}
	s.multi = new(transaction)
	x.OK()
}

func discard(s *session, x *commands.Ctx) {
	if s.multi == nil {
		x.Err("ERR DISCARD without MULTI")
		return
	}
	s.endMulti()
	s.unwatch()
	x.OK()
}

// exec runs the queued requests as one unit. Whatever happens the transaction
// and the watch are over.
func exec(s *session, x *commands.Ctx) {
	t, changed, watched := s.multi, s.watchBroken(), s.watch.keys != nil
	if t == nil {
		x.Err("ERR EXEC without MULTI")
		return
	}
	s.endMulti()
	s.unwatch()
	n := s.node
	switch {
	case t.spoiled:
		x.Err("EXECABORT Transaction discarded because of previous errors.")
		return
	case changed:
		s.showsAll()
		s.batch.proves = s.strong
		x.NullArray()
		return
	case s.refusedAtExec(x, t):
		return
	}
	canWait := x.CanWait
	x.CanWait = false
	n.inExec = true
	x.Array(len(t.requests))
	for _, q := range t.requests {
		if text := n.forbidsQueued(s, q); text != "" {
			q.h.rejected++
			n.countError(text)
			x.Err(text)
			continue
		}
		n.run(s, x, q.h, q.args)
		if n.unit.shown.pending(s.batch.gate) {
			s.shows(q.h, q.args)
		}
		if s.strong {
			s.mustProve(q.h)
		}
		x.Proto = s.proto
	}
	if watched { // that it ran says that the keys were not changed
		s.showsAll()
		s.batch.proves = s.strong
	}
	n.inExec = false
	x.CanWait = canWait
	x.Begin(nil) // what EXEC itself did is already in the unit
}

const execAbort = "EXECABORT Transaction discarded because of: "

// refusedAtExec refuses the whole transaction when the node cannot run one of
// its requests any more.
func (s *session) refusedAtExec(x *commands.Ctx, t *transaction) bool {
	n := s.node
	if n.open {
		return false
	}
	n.relieve(s, x)
	for _, q := range t.requests {
		text := s.routing(q.h, q.facts)
		if text != "" && s.native {
			n.refuseRouting(s, x, text)
			return true
		}
		if text == "" {
			text = n.trouble(q.facts)
		}
		if text != "" {
			x.Err(execAbort + text)
			return true
		}
	}
	return false
}
