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
	// OnTurnEnd runs at the end of every turn of the loop: behind the handlers of
	// what one epoll_wait has reported, which is what gathers the requests of many
	// clients into one write.
	OnTurnEnd func()

	// OnFlush runs before output that connections have collected leaves, once for
	// all that leaves together.
	OnFlush func()

	gnet   gnet.EventLoop
	poller *poller
	depth  int     // nesting of handlers; dirty buffers go out when it ends
	dirty  []*Conn // to be flushed when the current handler ends
	later  []*Conn // to be flushed at the end of the turn
	choked []*Conn // strict connections whose peer does not take more just now
	free   [][]byte
	large  [][]byte // for connections whose last output was long
	timers timerHeap

	mu    sync.Mutex
	inbox []func() // guarded by mu; posted by other goroutines
	spare []func()
}

// Bounds of the loop's pool of output buffers.
const (
	bufferSize = 4 << 10
	keepBuffer = 64 << 10 // a larger one is kept only as one of the few large ones
	keepLarge  = 2 << 20  // a still larger one goes back to the collector
	largeList  = 8
	freeList   = 256
)

func newLoop(g gnet.Conn) *Loop {
	l := &Loop{gnet: g.EventLoop()}
	l.poller = takeOver(g, l.endTurn)
	return l
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
	l.leaving()
	for i := 0; i < len(l.dirty); i++ {
		c := l.dirty[i]
		c.isDirty = false
		c.flush()
	}
	clear(l.dirty)
	l.dirty = l.dirty[:0]
}

// endTurn flushes what was to wait until the poller has handled all that is
// there.
func (l *Loop) endTurn() {
	l.enter()
	defer l.leave()
	if l.OnTurnEnd != nil {
		l.OnTurnEnd()
	}
	if len(l.later) > 0 {
		l.leaving()
	}
	for i := 0; i < len(l.later); i++ {
		c := l.later[i]
		c.isLater = false
		c.flush()
	}
	clear(l.later)
	l.later = l.later[:0]
}

func (l *Loop) leaving() {
	if l.OnFlush != nil {
		l.OnFlush()
	}
}

// buffer lends an empty output buffer to a connection whose last output had so
// many bytes; giveBack returns it. To grow one from small to large for every
// long reply would cost more than the reply.
func (l *Loop) buffer(last int) []byte {
	if n := len(l.large); n > 0 && last > keepBuffer/2 {
		b := l.large[n-1]
		l.large = l.large[:n-1]
		return b
	}
	if n := len(l.free); n > 0 {
		b := l.free[n-1]
		l.free = l.free[:n-1]
		return b
	}
	return make([]byte, 0, bufferSize)
}

func (l *Loop) giveBack(b []byte) {
	switch size := cap(b); {
	case size > 0 && size <= keepBuffer && len(l.free) < freeList:
		l.free = append(l.free, b[:0])
	case size > keepBuffer && size <= keepLarge && len(l.large) < largeList:
		l.large = append(l.large, b[:0])
	}
}
