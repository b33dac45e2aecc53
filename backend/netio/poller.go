package netio

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/panjf2000/gnet/v2"
	errorx "github.com/panjf2000/gnet/v2/pkg/errors"
	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"github.com/panjf2000/gnet/v2/pkg/queue"
	"golang.org/x/sys/unix"
)

// poller takes the place of gnet's: a task of gnet's poller, which gnet's own
// loop runs and which does not come back before the end.
//
// gnet's loop has no place for what is to be done once per turn. A task for it
// costs a write to the poller's eventfd and an epoll_wait that reports it, and
// before it waits it looks once without waiting and yields to Go's scheduler:
// three system calls per turn, which is a fifth of all where a turn has two
// requests, and mostly a wake-up of another thread. Here a turn is one
// epoll_wait, what it reports, the tasks, and the turn's end.
//
// It reaches for parts of gnet that its interface does not show. Their shapes
// are pinned with gnet's version; tests fail when they change.
type poller struct {
	*netpoll.Poller
	fd      int    // of epoll
	wake    int    // the eventfd's descriptor
	awake   *int32 // 1: a new task need not write the eventfd
	urgent  queue.AsyncTaskQueue
	relaxed queue.AsyncTaskQueue
	conns   []watched // by their descriptors
	input   []byte    // what was just read, during its handler
	turnEnd func()
	yielded time.Time // when the loop last let Go's scheduler have its way
}

// watched is a connection and gnet's handler of its events.
type watched struct {
	gnet   gnet.Conn
	handle netpoll.PollEventHandler // nil: nobody has the descriptor
}

// inputSize is what is read from a socket at once, bytes.
const inputSize = 64 << 10

// Bounds of one turn.
const (
	turnEvents = 512
	turnTasks  = 256 // relaxed ones
)

// takeOver digs the poller out of a connection and has it run our turns.
func takeOver(g gnet.Conn, turnEnd func()) *poller {
	p := reflect.ValueOf(g).Elem().FieldByName("loop").Elem().FieldByName("poller")
	raw := p.UnsafePointer()
	tasks := reflect.TypeFor[queue.AsyncTaskQueue]()
	own := &poller{
		Poller:  (*netpoll.Poller)(raw),
		fd:      *(*int)(field(raw, p.Type().Elem(), "fd", reflect.TypeFor[int]())),
		wake:    *(*int)(field(raw, p.Type().Elem(), "efd", reflect.TypeFor[int]())),
		awake:   (*int32)(field(raw, p.Type().Elem(), "wakeupCall", reflect.TypeFor[int32]())),
		urgent:  *(*queue.AsyncTaskQueue)(field(raw, p.Type().Elem(), "urgentAsyncTaskQueue", tasks)),
		relaxed: *(*queue.AsyncTaskQueue)(field(raw, p.Type().Elem(), "asyncTaskQueue", tasks)),
		turnEnd: turnEnd,
		input:   make([]byte, inputSize),
	}
	_ = own.Trigger(queue.HighPriority, func(any) error { return own.run() }, nil)
	return own
}

// field is where a struct of gnet's keeps a field.
func field(raw unsafe.Pointer, of reflect.Type, name string, want reflect.Type) unsafe.Pointer {
	f, ok := of.FieldByName(name)
	if !ok || f.Type != want {
		panic("netio: gnet's " + of.Name() + " has another shape than in the version this was written for: " + name)
	}
	return unsafe.Add(raw, f.Offset)
}

// watch has the events of a new connection handled.
func (p *poller) watch(g gnet.Conn) {
	v := reflect.ValueOf(g)
	at := (*netpoll.PollAttachment)(field(v.UnsafePointer(), v.Type().Elem(), "pollAttachment", reflect.TypeFor[netpoll.PollAttachment]()))
	if missing := at.FD + 1 - len(p.conns); missing > 0 {
		p.conns = append(p.conns, make([]watched, missing)...)
	}
	p.conns[at.FD] = watched{g, at.Callback}
}

// forget is for a connection whose descriptor is about to be closed.
func (p *poller) forget(fd int) { p.conns[fd] = watched{} }

// run makes turns until gnet's engine is shut down, which is the error that it
// returns then.
func (p *poller) run() error {
	events := make([]unix.EpollEvent, turnEvents)
	for {
		p.yield()
		n, err := p.wait(events)
		if err != nil {
			return err
		}
		for i := range n {
			if err := p.handle(&events[i]); err != nil {
				return err
			}
		}
		if err := p.runTasks(); err != nil {
			return err
		}
		p.turnEnd()
	}
}

// wait blocks until epoll has something to report or another goroutine a task.
// A task that came before awake is 0 is seen in its queue; one that comes behind
// it writes the eventfd.
func (p *poller) wait(events []unix.EpollEvent) (n int, err error) {
	atomic.StoreInt32(p.awake, 0)
	timeout := -1
	if !p.urgent.IsEmpty() || !p.relaxed.IsEmpty() {
		timeout = 0
	}
	n, err = unix.EpollWait(p.fd, events, timeout)
	atomic.StoreInt32(p.awake, 1)
	if err == unix.EINTR {
		return 0, nil
	}
	if err != nil { // the descriptor is not epoll's any more: nothing could go on
		err = fmt.Errorf("%w: epoll_wait: %w", errorx.ErrEngineShutdown, err)
	}
	return n, err
}

// handle passes an event to gnet's handler of the connection, which writes, reads
// or closes; what can only be read is read here.
func (p *poller) handle(ev *unix.EpollEvent) error {
	fd := int(ev.Fd)
	switch {
	case fd == p.wake: // it is edge-triggered: nobody has to read it
		return nil
	case fd >= len(p.conns) || p.conns[fd].handle == nil: // closed by a handler of the same turn
		_ = p.Delete(fd) // mostly done already; never to be told again
		return nil
	}
	w, events := p.conns[fd], ev.Events
	c, ours := w.gnet.Context().(*Conn)
	if !ours || events&netpoll.ErrEvents != 0 {
		return onlyShutdown(w.handle(fd, events, 0))
	}
	if events&netpoll.WriteEvents != 0 {
		if err := onlyShutdown(w.handle(fd, netpoll.WriteEvents, 0)); err != nil {
			return err
		}
		c.written()
	}
	if c.closed || events&netpoll.ReadEvents == 0 || p.read(c) {
		return nil
	}
	return onlyShutdown(w.handle(fd, netpoll.ReadEvents, 0))
}

// runTasks runs what other goroutines, and gnet, have queued.
func (p *poller) runTasks() error {
	for t := p.urgent.Dequeue(); t != nil; t = p.urgent.Dequeue() {
		if err := runTask(t); err != nil {
			return err
		}
	}
	for range turnTasks {
		t := p.relaxed.Dequeue()
		if t == nil {
			break
		}
		if err := runTask(t); err != nil {
			return err
		}
	}
	return nil
}

func runTask(t *queue.Task) error {
	err := onlyShutdown(t.Exec(t.Param))
	queue.PutTask(t)
	return err
}

// onlyShutdown keeps of a handler's errors the one that ends the loop; the
// others are of a connection, which gnet has closed.
func onlyShutdown(err error) error {
	if err != nil && errors.Is(err, errorx.ErrEngineShutdown) {
		return err
	}
	return nil
}

// yieldEvery stays below the 10 ms after which Go's monitor thread interrupts a
// goroutine that never yields. Each interruption keeps the monitor awake every
// 20 µs for the next milliseconds, at the cost of several percent of a core.
const yieldEvery = 4 * time.Millisecond

func (p *poller) yield() {
	if time.Since(p.yielded) >= yieldEvery { // half as dear as time.Now
		runtime.Gosched()
		p.yielded = time.Now()
	}
}
