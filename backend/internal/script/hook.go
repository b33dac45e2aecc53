package script

import (
	"math/rand/v2"
	"time"
)

// hookInterval is the number of VM instructions between two looks at the
// clock, on average: a few milliseconds of script. It varies, so that no
// coroutine can arrange never to be the one that is found running.
const hookInterval = 1 << 16

const killedText = "Script killed by user with SCRIPT KILL..."

// hook is a context.Context that never waits for anything: the interpreter
// asks Done before every instruction, which makes it the instruction counter
// that gopher-lua does not have. Until the script is killed its channel is nil,
// which a select passes over at little cost.
type hook struct{ run *run }

// scriptKilled is what ends a script after SCRIPT KILL.
type scriptKilled struct{}

func (scriptKilled) Error() string { return killedText }

var (
	errKilled    = scriptKilled{}
	closedSignal = func() chan struct{} { c := make(chan struct{}); close(c); return c }()
)

// Done counts one instruction. Once the run is to end it answers so for ever,
// so that pcall cannot keep a script alive.
func (h *hook) Done() <-chan struct{} {
	r := h.run
	if r == nil {
		return nil
	}
	r.charge(1)
	if r.late || r.engine.status.kill.Load() {
		return closedSignal
	}
	return nil
}

// charge counts instructions, or work of a library that costs as much.
func (r *run) charge(n int) {
	if r.left -= n; r.left > 0 {
		return
	}
	r.left = hookInterval/2 + rand.IntN(hookInterval)
	r.box.forgetTailCalls()
	ran := time.Since(r.started)
	if r.loads == nil {
		r.host.Interrupt(ran)
	} else if r.limit > 0 && ran > r.limit {
		r.late = true
	}
}

// Deadline is part of context.Context.
func (h *hook) Deadline() (time.Time, bool) { return time.Time{}, false }

// Err is what the interpreter raises when Done is closed.
func (h *hook) Err() error {
	if h.run != nil && h.run.late {
		return errLoadTime
	}
	return errKilled
}

// Value is part of context.Context.
func (h *hook) Value(any) any { return nil }
