package backend

import (
	"runtime"
	"strings"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/script"
	"holdfast/backend/netio"
)

// debugMode is what SCRIPT DEBUG has made of a session's EVAL.
type debugMode uint8

const (
	debugNo   debugMode = iota
	debugSync           // the script is the node's: nobody else is served
	debugYes            // the script has copies of the keys to itself (debug_copy.go)
)

// console is the client whose EVAL is being debugged, as the debugger sees it. The
// engine lock guards it.
//
//  1. From the EVAL on, what the client sends are commands to the debugger, and the
//     end of the session closes its connection, as Redis does.
//  2. In sync mode the script runs apart (apart.go) and, at a stop, stands still
//     until the client's loop has something for it. Others wait, and past
//     busy-reply-threshold are told -BUSY; the control port answers.
//  3. A client that says nothing for debugPatience has gone, as one that closes its
//     connection has; so has every one when the node ends or SCRIPT KILL is heard.
type console struct {
	s    *session
	in   []byte // received and not read
	out  []byte // of a stop in sync mode: sent when the script stands still
	gone bool
	more chan struct{} // something has changed; nil in sync mode
	busy time.Time     // from then on others are told so; in sync mode
	idle *netio.Timer
}

const (
	debugPatience = 10 * time.Minute
	debugInput    = 1 << 20 // bytes that wait to be read
)

// scriptDebug is SCRIPT DEBUG, which holds for the EVALs that follow.
func scriptDebug(s *session, x *commands.Ctx) {
	mode := debugNo
	switch strings.ToLower(string(x.Args[2])) {
	case "no":
	case "yes":
		mode = debugYes
	case "sync":
		mode = debugSync
	default:
		x.Err("ERR Use SCRIPT DEBUG YES/SYNC/NO")
		return
	}
	if text := s.refusesDebug(mode); text != "" {
		x.Err(text)
		return
	}
	s.debugs = mode
	x.OK()
}

// refusesDebug says why a session cannot have its scripts debugged; empty when it can.
func (s *session) refusesDebug(mode debugMode) string {
	switch {
	case s.batch.replies > 0:
		return "ERR SCRIPT DEBUG must be called outside a pipeline"
	case mode == debugNo:
		return ""
	case s.native:
		return "ERR SCRIPT DEBUG needs a connection to the node itself"
	case mode == debugSync && s.node.standing.managed:
		return "ERR SCRIPT DEBUG SYNC would stop a node that a group relies on: use SCRIPT DEBUG YES"
	}
	return ""
}

// evalDebugged is EVAL of a session that asked for the debugger.
func (s *session) evalDebugged(x *commands.Ctx, h *scriptHost, req script.Request) {
	n := s.node
	switch {
	case n.inExec:
		x.Err("ERR a script cannot be debugged inside a transaction")
	case req.BySHA:
		x.Err("ERR Please use EVAL instead of EVALSHA for debugging")
	case s.debugs == debugYes:
		n.debugCopy(s, x, req)
	default:
		s.console = &console{s: s}
		req.Debug = n.debugger(s.console)
		s.console.busy = time.Now().Add(req.Debug.Patience)
		n.log.Info("Redis synchronous debugging eval session started")
		x.Out = n.scripts.Eval(h, req, x.Out)
		n.log.Info("Redis synchronous debugging eval session ended")
		s.console.stopClock()
		x.Out = append(s.console.out, x.Out...)
		s.console, s.closing = nil, true
	}
}

func (n *Node) debugger(c *console) *script.Debugger {
	patience := n.cfg().BusyReply
	if patience <= 0 {
		patience = 5 * time.Second
	}
	return &script.Debugger{Console: c, Patience: patience}
}

// Write is a reply of the debugger; in sync mode.
func (c *console) Write(reply []byte) { c.out = append(c.out, reply...) }

// Read has the script stand still until the client has sent something; in sync mode.
func (c *console) Read() ([]byte, bool) {
	n := c.s.node
	a := &n.apart
	c.watchClock()
	for len(c.in) == 0 && !c.gone {
		a.atStop = true
		goesOn := a.yield(false)
		a.atStop = false
		if !goesOn {
			runtime.Goexit() // the node ends
		}
	}
	c.stopClock()
	return c.take()
}

// take returns what was received.
func (c *console) take() ([]byte, bool) {
	in := c.in
	c.in = nil
	return in, len(in) > 0 && !c.gone
}

// watchClock lets the client go when it says nothing for too long; on its loop.
func (c *console) watchClock() {
	c.stopClock()
	c.idle = c.s.conn.Loop().After(debugPatience, func() {
		n := c.s.node
		n.mu.LockParted()
		c.leave()
		n.mu.Unlock()
	})
}

func (c *console) stopClock() {
	if c.idle != nil {
		c.idle.Stop()
		c.idle = nil
	}
}

// feed is what the client sends, and tells how much was taken.
func (c *console) feed(in []byte) (took int) {
	if len(in) == 0 {
		return 0
	}
	c.in = append(c.in, in...)
	if len(c.in) > debugInput {
		c.gone = true
	}
	c.wake()
	return len(in)
}

// leave lets the client go.
func (c *console) leave() {
	c.gone = true
	c.wake()
}

// wake has the debugger look again.
func (c *console) wake() {
	if c.more == nil {
		c.s.conn.Loop().Post(c.s.node.resumeStopped)
		return
	}
	select {
	case c.more <- struct{}{}:
	default: // it will look anyhow
	}
}

// resumeStopped goes on with a script that stands still at a stop of the debugger;
// on its client's loop.
func (n *Node) resumeStopped() {
	n.mu.LockParted()
	atStop := n.mu.parted && n.apart.atStop
	n.mu.Unlock()
	if atStop {
		n.resumeScript()
	}
}

// keepsOut has the requests of a client wait while a script that has not been debugged
// for long stands still, and tells whether they do; on its loop.
func (a *apart) keepsOut(s *session) bool {
	if !a.atStop || a.s.console == nil {
		return false
	}
	left := time.Until(a.s.console.busy)
	if left <= 0 {
		return false
	}
	if a.behind == nil {
		a.behind = make(map[*session]struct{})
	}
	if _, waits := a.behind[s]; !waits {
		a.behind[s] = struct{}{}
		s.conn.Loop().After(left, s.resume)
	}
	return true
}

// letIn ends keepsOut for all.
func (a *apart) letIn() {
	for s := range a.behind {
		s.conn.Loop().Post(s.resume)
	}
	clear(a.behind)
}

// takeConsole returns what the debugger has said since the script stood still last.
func (a *apart) takeConsole() []byte {
	if a.s == nil || a.s.console == nil {
		return nil
	}
	out := a.s.console.out
	a.s.console.out = nil
	return out
}

// endDebugging lets all debugging clients go. The lock is held.
func (n *Node) endDebugging() {
	for _, s := range n.clients {
		if s.console != nil {
			s.console.leave()
		}
	}
}

// endScripts ends what would keep the engine for ever when the node is to end: a
// script that goes on and on, if it may be killed, and one that stands still.
func (n *Node) endScripts() {
	n.scripts.Kill(script.AnyKind)
	n.mu.LockParted()
	defer n.mu.Unlock()
	n.endDebugging()
}
