package backend

import (
	"bytes"
	"strings"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/latency"
)

// handler is how a command runs, on data alone or on the session and the node,
// and how often it did.
type handler struct {
	cmd     *command.Command
	data    commands.Handler
	session func(s *session, x *commands.Ctx)
	scripts bool // it runs a script, or may
	shows   scope

	fast     bool // it has the flag, for the latency monitor
	unlogged bool // the slow log leaves it out

	calls    int64
	rejected int64         // refused before they ran
	failed   int64         // ran and replied an error
	nanos    int64         // of all calls
	times    latency.Times // of all calls
}

// row joins the name of a session command with its handler.
type row struct {
	name string
	run  func(s *session, x *commands.Ctx)
}

// exec is the gate: everything that a client asks for passes here, in this
// order. Each step that refuses replies why.
func (n *Node) exec(s *session, x *commands.Ctx, args [][]byte) {
	h := n.lookup(args)
	s.last = h // also of what is refused, or queued
	switch {
	case s.poison != "":
		refuse(x, s.poison)
	case h == nil:
		n.fail(s, x, n.unknownCommand(args))
	case !h.cmd.ArityOK(len(args)):
		h.rejected++
		n.fail(s, x, wrongArity(h.cmd))
	case n.open && s.plain():
		n.call(s, x, h, args)
	case !n.admit(s, x, h, args):
		h.rejected++
	case s.multi != nil && !endsQueue(h.cmd):
		before := s.multi.bytes
		s.multi.queue(h, n.facts(h, args), args)
		s.books.Add(int64(s.multi.bytes - before))
		x.Simple("QUEUED")
	default:
		n.call(s, x, h, args)
	}
}

// plain tells whether the session is in no state that restricts or queues
// commands.
func (s *session) plain() bool {
	return s.authed && s.user.Unrestricted() && s.multi == nil && s.subs == nil
}

// fail replies an error that is found before a command runs; inside MULTI it
// spoils the transaction.
func (n *Node) fail(s *session, x *commands.Ctx, text string) {
	if s.multi != nil {
		s.multi.spoiled = true
	}
	n.countError(text)
	x.Err(text)
}

// errorKinds bounds the codes that are counted: scripts can invent any.
const errorKinds = 128

// countError counts an error that was replied under its code.
func (n *Node) countError(text string) {
	code, _, _ := strings.Cut(text, " ")
	if _, known := n.errors[code]; known || len(n.errors) < errorKinds {
		n.errors[code]++
	}
	n.stats.errors++
}

// commandOf finds a request's command by the names that it has here.
func (n *Node) commandOf(args [][]byte) *command.Command {
	if n.renames != nil {
		return n.renames.find(args)
	}
	return command.Find(args)
}

// lookup finds what runs a client's request; nil when the command is not known
// here. A renamed command gets its real name back in args.
func (n *Node) lookup(args [][]byte) *handler {
	if n.renames == nil {
		return n.lookupReal(args)
	}
	h := n.handlerOf(n.commandOf(args), args)
	if h != nil {
		nameReal(h.cmd, args)
	}
	return h
}

// lookupReal is lookup for those who know commands by their real names.
func (n *Node) lookupReal(args [][]byte) *handler { return n.handlerOf(command.Find(args), args) }

func (n *Node) handlerOf(c *command.Command, args [][]byte) *handler {
	if c == nil || c.Subs != nil && len(args) > 1 { // of a container an unknown subcommand
		return nil
	}
	h := &n.handlers[c.ID]
	if h.data == nil && h.session == nil {
		return nil
	}
	return h
}

func wrongArity(c *command.Command) string {
	return "ERR wrong number of arguments for '" + c.Full + "' command"
}

func (n *Node) unknownCommand(args [][]byte) string {
	if c := n.commandOf(args[:1]); c != nil && c.Subs != nil && len(args) > 1 {
		return "ERR unknown subcommand '" + clip(args[1]) + "'. Try " + strings.ToUpper(c.Name) + " HELP."
	} else if c != nil && c.Subs != nil {
		return wrongArity(c)
	}
	var b strings.Builder
	b.WriteString("ERR unknown command '" + clip(args[0]) + "', with args beginning with: ")
	for _, a := range args[1:] {
		if b.Len() > 128 {
			break
		}
		b.WriteString("'" + clip(a) + "' ")
	}
	return b.String()
}

func clip(b []byte) string { return string(b[:min(len(b), 128)]) }

// call runs a command and makes what it changed one unit of the replication
// stream. The units of commands that run others (EXEC, EVAL) hold those.
func (n *Node) call(s *session, x *commands.Ctx, h *handler, args [][]byte) {
	if h.scripts && holdsScript(s, h.cmd) {
		n.callApart(s, x, h, args)
		return
	}
	n.callHere(s, x, h, args)
}

func (n *Node) callHere(s *session, x *commands.Ctx, h *handler, args [][]byte) {
	s.last = h
	n.unit.begin()
	began, before := n.timing.clock, len(x.Out)
	link, seq := s.link, s.counted // of a slow script the link may end
	if s.noTouch && h.cmd.Name != "touch" {
		n.store.SetTouch(false)
		n.run(s, x, h, args)
		n.store.SetTouch(true)
	} else {
		n.run(s, x, h, args)
	}
	n.timing.turns.commands += n.timing.clock - began
	if link != "" {
		n.unit.sign(author{link: link, seq: seq, reply: x.Out[before:]}, h.data != nil)
	}
	if end := n.unit.end(); end > 0 {
		s.batch.gate, s.lastWrite = max(s.batch.gate, end), end
	} else if n.unit.shown.pending(s.batch.gate) && s.waiting == nil {
		s.shows(h, args)
	}
	if s.strong && s.waiting == nil {
		s.mustProve(h)
	}
}

// run is call without the unit: the part that EXEC and scripts repeat.
func (n *Node) run(s *session, x *commands.Ctx, h *handler, args [][]byte) {
	if len(n.monitors) > 0 {
		if h.cmd.Name == "exec" { // is shown behind what it runs
			defer n.feedMonitors(s, false, h.cmd, args)
		} else {
			n.feedMonitors(s, x == &n.inner, h.cmd, args)
		}
	}
	began := n.timing.clock
	before, counted := len(x.Out), n.stats.errors
	x.Begin(args)
	x.Store, x.DBNum, x.DB, x.User = n.store, s.db, n.store.DB(s.db), s.user
	if h.session != nil {
		h.session(s, x)
	} else {
		h.data(x)
		if s.tracker != nil {
			n.remember(s, h.cmd, args)
		}
		n.propagate(x)
		if w := x.Waiting(); w.Keys != nil {
			n.block(s, h, args, w)
			s.waiting.spent = n.spent(began)
			return
		}
	}
	if len(x.Out) > before && x.Out[before] == '-' {
		n.failed(h, x.Out[before:], n.stats.errors == counted)
	}
	n.account(s, h, args, n.spent(began))
}

// failed counts a command that ran and replied an error. It is new unless it was that
// of a script's command, which was counted.
func (n *Node) failed(h *handler, reply []byte, isNew bool) {
	h.failed++
	if isNew {
		line, _, _ := bytes.Cut(reply[1:], crlf)
		n.countError(string(line))
	}
}

var crlf = []byte("\r\n")

// propagate adds what a command did to the unit: its effects where it named
// them, else itself.
func (n *Node) propagate(x *commands.Ctx) {
	e := x.Effects()
	n.dirty += int64(x.Dirty())
	switch {
	case n.muted:
	case e.Replace():
		e.Each(func(args [][]byte) { n.unit.add(x.DBNum, args) })
	case x.Dirty() > 0:
		n.unit.addRequest(x.DBNum, x.Args)
	}
}
