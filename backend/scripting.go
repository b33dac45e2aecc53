package backend

import (
	"time"

	"holdfast/backend/acl"
	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/script"
)

var scriptRows = []row{
	{"eval", eval(script.Request{})},
	{"eval_ro", eval(script.Request{ReadOnly: true})},
	{"evalsha", eval(script.Request{BySHA: true})},
	{"evalsha_ro", eval(script.Request{BySHA: true, ReadOnly: true})},
	{"script|load", scriptCommand},
	{"script|exists", scriptCommand},
	{"script|flush", scriptCommand},
	{"script|kill", kill(script.Script)},
	{"script|debug", scriptDebug},
	{"script|help", scriptCommand},
}

// eval runs a script inside the unit that is open for its request: what its
// commands change is propagated as their effects, as one transaction.
func eval(req script.Request) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) {
		req, n := req, s.node
		h := scriptHost{s: s, db: s.db}
		req.Args, req.Proto, req.FromMaster = x.Args, s.proto, h.obeys()
		if f, ok := n.scriptFlags(req); ok {
			if text := h.declared(f); text != "" {
				x.Err(text)
				return
			}
		}
		if s.debugs != debugNo {
			s.evalDebugged(x, &h, req)
		} else {
			x.Out = n.scripts.Eval(&h, req, x.Out)
		}
		n.muted = false
	}
}

// kill is SCRIPT KILL and FUNCTION KILL.
func kill(k script.Kind) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) {
		if problem := s.node.scripts.Kill(k); problem != "" {
			x.Err(problem)
			return
		}
		s.node.endDebugging()
		x.OK()
	}
}

// obeys tells whether what runs was decided elsewhere, by a master, and must be
// done whatever the state of this node.
func (h *scriptHost) obeys() bool { return h.s == &h.s.node.origin }

// declared takes what a script declares about itself, and says why it cannot be
// run at all; empty when it can. Of scripts that declare nothing every command
// is checked as it comes (script.c, scriptPrepareForRun).
func (h *scriptHost) declared(f script.Flags) string {
	n := h.s.node
	switch {
	case h.obeys():
		return ""
	case f.Compat && n.stale():
		return staleText
	case f.Compat:
		return ""
	}
	h.free = f.AllowOOM
	facts := declaredFacts(f)
	if text := n.routing(facts); text != "" {
		return text
	}
	return n.trouble(facts)
}

// scriptHost is the gate as a script sees it.
type scriptHost struct {
	s    *session
	db   int  // the script's own SELECT ends with it
	free bool // it declared that it may take more memory

	wrote bool // it has run a command that writes: no lack of memory stops it half-way
}

// Find finds what a script calls by the names that clients know, and has args name
// it by its real one.
func (h *scriptHost) Find(args [][]byte) *command.Command {
	if run := h.s.node.lookup(args); run != nil {
		return run.cmd
	}
	return nil
}

// Call runs one command of a script, which Find has found.
func (h *scriptHost) Call(args [][]byte, proto int) []byte {
	n, x := h.s.node, &h.s.node.inner
	x.Out, x.Proto, x.Now, x.Replaying = x.Out[:0], proto, n.now, h.obeys()
	run := n.lookupReal(args)
	h.wrote = h.wrote || run.cmd.Has(command.Write)
	outer := h.s.db
	h.s.db = h.db
	n.timing.clock = n.look() // the script itself has taken time
	n.run(h.s, x, run, args)
	h.db, h.s.db = h.s.db, outer
	return x.Out
}

// Refuses says why the node does not run a script's command; empty when it
// does. The order is that of Redis (script.c, scriptCall). Once the script has
// written, only what a user may decides: it cannot be stopped half-way.
func (h *scriptHost) Refuses(c *command.Command, args [][]byte, readOnly bool) string {
	n := h.s.node
	if !h.obeys() {
		if !c.Has(command.Stale) && n.stale() {
			return "ERR Can not execute the command on a stale replica"
		}
		if d := h.s.user.Check(c, args); !d.OK() {
			n.noteDenial(h.s, c, args, d, acl.InScript)
			return "ERR ACL failure in script: " + d.Text(h.s.user, c)
		}
	}
	if readOnly && (c.Has(command.Write) || mayReplicate(c)) {
		return script.ReadOnlyText
	}
	if h.obeys() {
		return ""
	}
	if text := n.routing(c); text != "" {
		return text
	}
	if text := n.trouble(c); text != "" && !h.wrote && !(text == oomText && h.free) {
		return text
	}
	return ""
}

// Refused counts a command that a script asked for and that was not run.
func (h *scriptHost) Refused(c *command.Command, text string) {
	n := h.s.node
	n.countError(text)
	if c != nil {
		n.handlers[c.ID].rejected++
	}
}

// Allowed tells whether the caller's user may run a command. Of one whose keys
// cannot be found, since words are missing, only who may do everything can be told.
func (h *scriptHost) Allowed(args [][]byte) bool {
	c := command.Find(args)
	if !c.ArityOK(len(args)) {
		return h.s.user.Unrestricted()
	}
	return h.s.user.Check(c, args).OK()
}

// SetRepl is redis.set_repl, until the script ends. The AOF and the replicas are
// fed by one stream: what replicas are not to have is not in the AOF either. In
// a group everything goes to the replicas: one of them may be the next master,
// and what was acknowledged must not be lost with this one.
func (h *scriptHost) SetRepl(_, replicas bool) {
	n := h.s.node
	n.muted = !replicas && !n.standing.managed
}

// Log writes a script's line.
func (h *scriptHost) Log(level int, text string) {
	if level >= 3 {
		h.s.node.log.Warn(text)
		return
	}
	h.s.node.log.Info(text)
}

// Interrupt is called while a script runs on.
func (h *scriptHost) Interrupt(ran time.Duration) { h.s.node.slow(h.s, ran) }

func scriptCommand(s *session, x *commands.Ctx) { x.Out = s.node.scripts.Command(x.Args, x.Out) }
