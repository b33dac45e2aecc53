package backend

import (
	"iter"
	"runtime"
	"time"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

// apart runs the requests that hold a script (EVAL, FCALL, an EXEC with one of
// these) on a coroutine, so that a script that takes long can stand still in the
// middle of a loop's turn: the loop then serves others, which are told -BUSY,
// and goes on with the script a slice at a time.
//
//  1. There is one coroutine and one request in it. It runs only while the loop
//     of its client, which holds the engine lock, waits for it: nothing is ever
//     done at the same time.
//  2. While the script stands still the engine lock is free but parted: whoever
//     needs the data between two units waits in Lock (role changes, snapshots,
//     the cron, a master's stream). Only the loops get in, and the gate lets
//     them run no command but those that touch nobody's data.
//  3. The unit of the script stays open. It is not in the stream before it ends,
//     so what is published meanwhile ends with the unit before it.
//  4. What the engine keeps of the request under way (asides, ready) is taken
//     out while others have theirs. The clock of the data stands still.
//  5. The client of the script counts as waiting: nothing that it sent behind it
//     runs before it was answered. When it is gone the script goes on.
//  6. SHUTDOWN NOSAVE ends the node with the script half-way: nothing more is
//     executed, and the open unit reaches neither replicas nor a file.
type apart struct {
	told  time.Time              // when the script of a master or a file began that was logged as slow
	next  func() (done, ok bool) // goes on with the request; nil before the first
	stop  func()
	yield func(done bool) bool // how the coroutine gives control back

	inside bool                  // the coroutine runs
	atStop bool                  // the script stands still for its debugger, which waits for the client
	behind map[*session]struct{} // whose requests wait for that (debugging.go)
	began  time.Time
	dead   bool // the script will never go on

	s      *session
	h      *handler
	args   kept
	x      commands.Ctx
	wait   *waiter // what s waits for while the script stands still; nil before
	asides []byte
	ready  []dbKey
}

const (
	// busySlice is how long a slow script holds the engine at a time.
	busySlice = 10 * time.Millisecond
	// busyPause is how long it waits for the loop to serve others in between.
	busyPause = time.Millisecond
)

// kept is a copy of a request, in memory that is used again.
type kept struct {
	list  [][]byte
	bytes []byte
}

// keep copies a request.
func (w *kept) keep(args [][]byte) {
	w.list, w.bytes = w.list[:0], w.bytes[:0]
	for _, a := range args {
		w.bytes = append(w.bytes, a...)
	}
	from := 0
	for _, a := range args {
		w.list = append(w.list, w.bytes[from:from+len(a):from+len(a)])
		from += len(a)
	}
}

// scriptHolders names the commands that may run a script.
var scriptHolders = []string{"eval", "eval_ro", "evalsha", "evalsha_ro", "fcall", "fcall_ro", "exec"}

// holdsScript tells whether a request is to run apart.
func holdsScript(s *session, c *command.Command) bool {
	return c.Name != "exec" || s.multi != nil && s.multi.scripted
}

// callApart is call on the coroutine. When it returns, the request is done and
// answered, or its script stands still.
func (n *Node) callApart(s *session, x *commands.Ctx, h *handler, args [][]byte) {
	a := &n.apart
	if a.next == nil {
		a.next, a.stop = iter.Pull(n.coroutine)
	}
	a.s, a.h = s, h
	a.args.keep(args)
	a.x.Out, a.x.Proto, a.x.Now, a.x.CanWait = a.x.Out[:0], x.Proto, x.Now, x.CanWait
	if n.goOn() {
		x.Out = append(x.Out, a.x.Out...)
		a.forget()
		return
	}
	a.wait = new(waiter)
	s.waiting = a.wait
	s.batch.replies--
	x.Out = append(x.Out, a.takeConsole()...)
	n.resumeLater()
}

// forget lets go of a request that is done.
func (a *apart) forget() {
	const most = 64 << 10 // bytes that are held on to
	if cap(a.x.Out) > most {
		a.x.Out = nil
	}
	if cap(a.args.bytes) > most {
		a.args, a.x.Args = kept{}, nil
	}
	a.s, a.h, a.wait = nil, nil, nil
	a.letIn()
}

// coroutine runs one request after the other. It ends with the node.
func (n *Node) coroutine(yield func(bool) bool) {
	n.apart.yield = yield
	for more := true; more; more = yield(true) {
		a := &n.apart
		n.callHere(a.s, &a.x, a.h, a.args.list)
	}
}

// goOn runs the coroutine until the request is done or the script stands still,
// and tells which.
func (n *Node) goOn() (done bool) {
	a := &n.apart
	a.inside, a.began = true, time.Now()
	done, _ = a.next()
	a.inside = false
	if !done {
		n.part()
	}
	return done
}

// part makes the lock, which is held, parted.
func (n *Node) part() {
	a := &n.apart
	a.asides, n.asides = n.asides, nil
	a.ready, n.ready = n.ready, nil
	n.mu.parted = true
	n.derive()
}

// rejoin ends part, with the lock held.
func (n *Node) rejoin() {
	a := &n.apart
	n.asides, a.asides = a.asides, nil
	n.ready, a.ready = a.ready, nil
	n.mu.parted = false
	n.derive()
}

// resumeLater has the script's loop go on with it when it has served others.
// The timer comes from outside the loop's turn: a task that posted itself again
// would run many times before the loop looks at its connections.
func (n *Node) resumeLater() {
	s := n.apart.s
	if n.apart.atStop {
		s.conn.Loop().Post(s.conn.Redeliver) // what it has sent may be for the debugger
		return
	}
	s.conn.Loop().After(busyPause, n.resumeScript)
}

// resumeScript is a slice of a slow script; on its client's loop.
func (n *Node) resumeScript() {
	n.mu.LockParted()
	a := &n.apart
	if a.dead {
		n.mu.Unlock()
		return
	}
	s := a.s
	n.loop, n.running = s.conn.Loop(), s
	s.batch = batch{gate: s.batch.gate, proves: s.batch.proves} // what the slices before showed
	n.rejoin()
	done := n.goOn()
	n.running = nil
	if done {
		n.finishApart()
	} else {
		s.emitHere(a.takeConsole(), 0, 0)
		n.resumeLater()
	}
	n.broadcast()
	n.loop = nil
	wake, closing := n.unit.publish(), s.closing
	n.mu.Unlock()
	if wake {
		n.stream.Wake()
	}
	if done && closing && !s.conn.Closed() {
		s.leave()
	}
}

// finishApart answers the client of a script that was slow, as serve would have
// done.
func (n *Node) finishApart() {
	a, s := &n.apart, n.apart.s
	if len(n.ready) > 0 {
		n.wakeReady()
	}
	pushed := n.asides
	n.asides = nil
	if s.waiting == a.wait {
		s.unblock()
		s.conn.Loop().Post(s.resume)
	}
	if n.clients[s.id] == s {
		n.stats.netOut += int64(len(a.x.Out))
		s.reply(a.x.Out, max(s.batch.gate, n.proofFor(&s.batch)))
		s.push(pushed)
	}
	a.forget()
}

// slow is called while a script runs on. Past busy-reply-threshold it lets
// others in.
func (n *Node) slow(s *session, ran time.Duration) {
	limit := n.cfg().BusyReply
	if limit <= 0 || ran < limit {
		return
	}
	a := &n.apart
	switch {
	case a.inside && (a.wait == nil || time.Since(a.began) >= busySlice):
		if a.wait == nil {
			n.logSlow(ran)
		}
		if !a.yield(false) {
			runtime.Goexit() // the node ends
		}
	case s == &n.origin && n.applying:
		// The master's stream comes on a goroutine of its own, which can wait.
		if began := time.Now().Add(-ran); began.Sub(a.told) > limit { // not one that was told of
			a.told = began
			n.logSlow(ran)
		}
		n.part()
		n.mu.Unlock()
		n.mu.LockParted()
		if a.dead {
			runtime.Goexit() // the node ends: whoever applies lets go of the lock and all else it has
		}
		n.rejoin()
	}
}

func (n *Node) logSlow(ran time.Duration) {
	what, _ := n.scripts.Running()
	n.log.Warn("Slow script detected: still in execution", "ms", ran.Milliseconds(), "name", what.Name,
		"end-it-with", what.Kind.KillCommand())
}

// abandonScript gives a script that stands half-way up for good: the node ends
// without it. Nothing is executed any more, since the data stays half-changed.
// The lock is held.
func (n *Node) abandonScript() {
	if n.mu.parted {
		n.ending, n.apart.dead, n.mu.parted = true, true, false
	}
}

// endCoroutine lets no goroutine stay behind. A script that stands half-way
// unwinds in the coroutine without going on, which ends the goroutine that asked
// for it too; hence one for that. The lock is held.
func (n *Node) endCoroutine() {
	stop := n.apart.stop
	if stop == nil {
		return
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		stop()
	}()
	<-over
}
