package netio

import (
	"context"
	"sync"

	"github.com/panjf2000/gnet/v2"
)

// Loop is one event loop: the owner of its connections, buffers and timers.
type Loop struct {
	// Local is the face's own state of this loop; netio does not touch it.
	Local any
	// OnHandled runs at the end of every handler, before output is flushed, and
	// again when flushing changed something: the place for work that handlers
	// collect.
	OnHandled func()
	// OnTurnEnd runs at the end of a turn for which AtTurnEnd was called.
	OnTurnEnd func()

	gnet   gnet.EventLoop
	depth  int     // nesting of handlers; dirty buffers go out when it ends
	dirty  []*Conn // to be flushed when the current handler ends
	later  []*Conn // to be flushed at the end of the turn
	armed  bool    // the end of the turn has been asked for
	choked []*Conn // strict connections whose peer does not take more just now
	free   [][]byte
	timers timerHeap

	mu    sync.Mutex
	inbox []func() // guarded by mu; posted by other goroutines
	spare []func()
}

// Bounds of the loop's pool of output buffers.
const (
	bufferSize = 4 << 10
	keepBuffer = 64 << 10 // a larger one goes back to the collector
	freeList   = 256
)

func newLoop(e gnet.EventLoop) *Loop {
	return &Loop{gnet: e}
}

// Post runs fn on the loop, after what was posted before. It is safe on any
// goroutine and does not block. The loop is woken only when its mailbox was
// empty. After the server stopped fn is not run.
func (l *Loop) Post(fn func()) {
	l.mu.Lock()
	first := len(l.inbox) == 0
	l.inbox = append(l.inbox, fn)
	l.mu.Unlock()
	if first {
		_ = l.gnet.Execute(context.Background(), gnet.RunnableFunc(l.drain))
	}
}

func (l *Loop) drain(context.Context) error {
	l.enter()
	defer l.leave()
	l.mu.Lock()
	work := l.inbox
	l.inbox, l.spare = l.spare[:0], nil
	l.mu.Unlock()
	for i, fn := range work {
		fn()
		work[i] = nil
	}
	l.mu.Lock()
	l.spare = work[:0]
	l.mu.Unlock()
	return nil
}

// enter marks the begin of a handler. Every handler ends with leave.
func (l *Loop) enter() { l.depth++ }

// leave ends a handler; the outermost one flushes all that was written. Writing
// may close connections, whose sessions may write again, so it goes on until
// nothing is left to flush.
func (l *Loop) leave() {
	for l.depth == 1 {
		if l.OnHandled != nil {
			l.OnHandled()
		}
		if len(l.dirty) == 0 {
			break
		}
		l.flushDirty()
	}
	l.depth--
}

func (l *Loop) flushDirty() {
	for i := 0; i < len(l.dirty); i++ {
		c := l.dirty[i]
		c.isDirty = false
		c.flush()
	}
	clear(l.dirty)
	l.dirty = l.dirty[:0]
}

// AtTurnEnd has OnTurnEnd run once, at the end of the loop's turn. gnet runs it
// after the events that epoll has reported so far, which is what gathers them
// into one write.
func (l *Loop) AtTurnEnd() {
	if !l.armed {
		l.armed = true
		_ = l.gnet.Execute(context.Background(), gnet.RunnableFunc(l.endTurn))
	}
}

func (l *Loop) endTurn(context.Context) error {
	l.enter()
	defer l.leave()
	l.armed = false
	if l.OnTurnEnd != nil {
		l.OnTurnEnd()
	}
	for i := 0; i < len(l.later); i++ {
		c := l.later[i]
		c.isLater = false
		c.flush()
	}
	clear(l.later)
	l.later = l.later[:0]
	return nil
}

// buffer lends an empty output buffer; giveBack returns it.
func (l *Loop) buffer() []byte {
	if n := len(l.free); n > 0 {
		b := l.free[n-1]
		l.free = l.free[:n-1]
		return b
	}
	return make([]byte, 0, bufferSize)
}

func (l *Loop) giveBack(b []byte) {
	if cap(b) > 0 && cap(b) <= keepBuffer && len(l.free) < freeList {
		l.free = append(l.free, b[:0])
	}
}
