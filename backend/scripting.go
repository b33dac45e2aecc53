package backend

import (
	"bytes"
	"time"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/script"
	"holdfast/backend/resp"
)

var scriptRows = []row{
	{"eval", eval(script.Request{})},
	{"eval_ro", eval(script.Request{ReadOnly: true})},
	{"evalsha", eval(script.Request{BySHA: true})},
	{"evalsha_ro", eval(script.Request{BySHA: true, ReadOnly: true})},
	{"script|load", scriptCommand},
	{"script|exists", scriptCommand},
	{"script|flush", scriptCommand},
	{"script|kill", scriptCommand},
	{"script|help", scriptCommand},
}

// functionRows know no functions, and so have none to list or to drop.
var functionRows = []row{
	{"function|flush", func(_ *session, x *commands.Ctx) { x.OK() }},
	{"function|list", emptyArray},
}

// eval runs a script inside the unit that is open for its request: what its
// commands change is propagated as their effects, as one transaction.
func eval(req script.Request) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) {
		req, n := req, s.node
		req.Args, req.Proto, req.FromMaster = x.Args, s.proto, s == &n.origin
		h := scriptHost{s: s, db: s.db}
		if req.BySHA || bytes.HasPrefix(x.Args[1], []byte("#!")) {
			if text := h.declared(req); text != "" {
				x.Err(text)
				return
			}
		}
		x.Out = n.scripts.Eval(&h, req, x.Out)
	}
}

// declared takes what a script declares about itself, and says why it cannot be
// run at all; empty when it can.
func (h *scriptHost) declared(req script.Request) string {
	f, ok := h.s.node.scripts.Flags(req)
	if !ok || f.Compat || req.FromMaster {
		return ""
	}
	h.free = f.AllowOOM
	return h.s.node.scriptTrouble(f)
}

// scriptTrouble says why a script that declares what it needs cannot be run at
// all now; others are checked command by command (script.c,
// scriptPrepareForRun).
func (n *Node) scriptTrouble(f script.Flags) string {
	as := &writingScript
	if f.NoWrites {
		as = &readingScript
	}
	if text := n.routing(as); text != "" && !(f.AllowStale && as.Flags&command.Write == 0) {
		return text
	}
	if text := n.trouble(as); text != "" && !(f.AllowOOM && text == oomText) {
		return text
	}
	return ""
}

// Facts about scripts as if they were commands.
var (
	writingScript = command.Command{Name: "script", Flags: command.Write | command.DenyOOM}
	readingScript = command.Command{Name: "script", Flags: command.ReadOnly}
)

// scriptHost is the gate as a script sees it.
type scriptHost struct {
	s    *session
	db   int  // the script's own SELECT ends with it
	free bool // it declared that it may take more memory

	wrote bool // it has run a command that writes: no lack of memory stops it half-way
}

// Call runs one command of a script.
func (h *scriptHost) Call(args [][]byte, proto int) []byte {
	n, x := h.s.node, &h.s.node.inner
	x.Out, x.Proto, x.Now, x.Replaying = x.Out[:0], proto, n.now, h.s == &n.origin
	run := n.lookup(args)
	if run == nil {
		return resp.AppendError(x.Out, "ERR Unknown Redis command called from script")
	}
	if text := h.refuses(run); text != "" {
		run.rejected++
		n.countError(text)
		return resp.AppendError(x.Out, text)
	}
	h.wrote = h.wrote || run.cmd.Has(command.Write)
	outer := h.s.db
	h.s.db = h.db
	n.run(h.s, x, run, args)
	h.db, h.s.db = h.s.db, outer
	return x.Out
}

// refuses says why the node does not run a script's command; empty when it does.
func (h *scriptHost) refuses(run *handler) string {
	n := h.s.node
	if h.s == &n.origin {
		return ""
	}
	if text := n.routing(run.cmd); text != "" {
		return text
	}
	if text := n.trouble(run.cmd); text != "" && !(text == oomText && (h.free || h.wrote)) {
		return text
	}
	return ""
}

// Allowed tells whether the caller may run a command; there is one user who
// may run all.
func (h *scriptHost) Allowed([][]byte) bool { return true }

// SetRepl is redis.set_repl; effects always go everywhere.
func (h *scriptHost) SetRepl(_, _ bool) {}

// Log writes a script's line.
func (h *scriptHost) Log(level int, text string) {
	if level >= 3 {
		h.s.node.log.Warn(text)
		return
	}
	h.s.node.log.Info(text)
}

// Interrupt is called while a script runs on.
func (h *scriptHost) Interrupt(time.Duration) {}

func scriptCommand(s *session, x *commands.Ctx) { x.Out = s.node.scripts.Command(x.Args, x.Out) }
