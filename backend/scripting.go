package backend

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/script"
	"holdfast/backend/resp"
)

var scriptRows = []row{
	{"eval", eval(script.Request{})},
	{"eval_ro", eval(script.Request{ReadOnly: true})},
	{"evalsha", eval(script.Request{BySHA: true})},
	{"evalsha_ro", eval(script.Request{BySHA: true, ReadOnly: true})},
	{"script|load", scriptLoad},
	{"script|exists", scriptExists},
	{"script|flush", scriptFlush},
	{"script|kill", func(s *session, x *commands.Ctx) { reply(x, s.node.scripts.Kill()) }},
}

// eval runs a script inside the unit that is open for its request: what its
// commands change is propagated as their effects, as one transaction.
func eval(req script.Request) func(*session, *commands.Ctx) {
	return func(s *session, x *commands.Ctx) {
		req := req
		req.Args, req.Proto, req.FromMaster = x.Args, s.proto, s == &s.node.origin
		h := scriptHost{s: s, db: s.db}
		x.Out = s.node.scripts.Eval(&h, req, x.Out)
	}
}

// scriptHost is the gate as a script sees it.
type scriptHost struct {
	s  *session
	db int // the script's own SELECT ends with it
}

// Call runs one command of a script.
func (h *scriptHost) Call(args [][]byte, proto int) []byte {
	n, x := h.s.node, &h.s.node.inner
	x.Out, x.Proto, x.Now, x.Replaying = x.Out[:0], proto, n.now, h.s == &n.origin
	run := n.lookup(args)
	if run == nil {
		return resp.AppendError(x.Out, "ERR Unknown Redis command called from script")
	}
	if text := n.routing(run.cmd); text != "" && !x.Replaying {
		return resp.AppendError(x.Out, text)
	}
	outer := h.s.db
	h.s.db = h.db
	n.run(h.s, x, run, args)
	h.db, h.s.db = h.s.db, outer
	return x.Out
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

// reply appends OK or an error text.
func reply(x *commands.Ctx, problem string) {
	if problem != "" {
		x.Err(problem)
		return
	}
	x.OK()
}

func scriptLoad(s *session, x *commands.Ctx) {
	if problem := s.node.scripts.Load(x.Args[2]); problem != "" {
		x.Err(problem)
		return
	}
	sum := sha1.Sum(x.Args[2])
	x.BulkString(hex.EncodeToString(sum[:]))
}

func scriptExists(s *session, x *commands.Ctx) {
	x.Array(len(x.Args) - 2)
	for _, sha := range x.Args[2:] {
		x.Flag(s.node.scripts.Exists(sha))
	}
}

func scriptFlush(s *session, x *commands.Ctx) {
	if len(x.Args) > 3 || len(x.Args) == 3 && !strings.EqualFold(string(x.Args[2]), "sync") && !strings.EqualFold(string(x.Args[2]), "async") {
		x.Err("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
		return
	}
	s.node.scripts.Flush()
	x.OK()
}
