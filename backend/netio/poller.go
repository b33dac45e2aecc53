package netio

import (
	"reflect"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/netpoll"
	"github.com/panjf2000/gnet/v2/pkg/queue"
	"golang.org/x/sys/unix"
)

// poller is the part of gnet's event loop that its interface does not show. The
// shapes are pinned with gnet's version; tests fail when they change.
type poller struct {
	*netpoll.Poller
	fd      int    // of epoll
	wakeup  *int32 // 1: the eventfd has been written and the tasks not yet run
	urgent  queue.AsyncTaskQueue
	relaxed queue.AsyncTaskQueue
	yielded time.Time // when the loop last let Go's scheduler have its way
}

// pollerOf digs the poller out of a connection.
func pollerOf(g gnet.Conn) *poller {
	p := reflect.ValueOf(g).Elem().FieldByName("loop").Elem().FieldByName("poller")
	raw := p.UnsafePointer()
	field := func(name string, want reflect.Type) unsafe.Pointer {
		f, ok := p.Type().Elem().FieldByName(name)
		if !ok || f.Type != want {
			panic("netio: gnet's poller has another shape than in the version this was written for: " + name)
		}
		return unsafe.Add(raw, f.Offset)
	}
	tasks := reflect.TypeFor[queue.AsyncTaskQueue]()
	return &poller{
		Poller:  (*netpoll.Poller)(raw),
		fd:      *(*int)(field("fd", reflect.TypeFor[int]())),
		wakeup:  (*int32)(field("wakeupCall", reflect.TypeFor[int32]())),
		urgent:  *(*queue.AsyncTaskQueue)(field("urgentAsyncTaskQueue", tasks)),
		relaxed: *(*queue.AsyncTaskQueue)(field("asyncTaskQueue", tasks)),
	}
}

// idle blocks until epoll has something to report. It is called in a task of
// the poller and does what the poller would do next, better: the poller looks
// once without waiting and, finding nothing, yields to Go's scheduler before it
// waits, which wakes another thread each time (a quarter of a futex call and a
// third of a context switch per request were measured).
//
// While tasks run, the poller takes its eventfd for written, so that a new task
// from another goroutine would wake nobody; hence the reset. A task that came
// before it is seen in the queue, one that comes behind it writes the eventfd.
func (p *poller) idle() {
	p.yield()
	atomic.StoreInt32(p.wakeup, 0)
	if !p.urgent.IsEmpty() || !p.relaxed.IsEmpty() {
		return
	}
	fds := [1]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
	_, _ = unix.Poll(fds[:], -1) // interrupted: the poller looks by itself
}

// yieldEvery stays below the 10 ms after which Go's monitor thread interrupts a
// goroutine that never yields. Each interruption keeps the monitor awake every
// 20 µs for the next milliseconds, at the cost of several percent of a core.
const yieldEvery = 4 * time.Millisecond

func (p *poller) yield() {
	if now := time.Now(); now.Sub(p.yielded) >= yieldEvery {
		runtime.Gosched()
		p.yielded = now
	}
}
