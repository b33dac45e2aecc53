package netio

import (
	"container/heap"
	"time"
)

// Timer runs a function on its loop once.
type Timer struct {
	loop *Loop
	at   time.Time
	fn   func()
	pos  int // in the heap; -1 when it ran or was stopped
}

// After runs fn on the loop when d has passed. It is called on the loop.
func (l *Loop) After(d time.Duration, fn func()) *Timer {
	t := &Timer{loop: l, at: time.Now().Add(d), fn: fn}
	heap.Push(&l.timers.all, t)
	if t.pos == 0 {
		l.alarm()
	}
	return t
}

// Stop keeps the timer from running and says whether it would have. A nil
// timer can be stopped.
func (t *Timer) Stop() bool {
	if t == nil || t.pos < 0 {
		return false
	}
	heap.Remove(&t.loop.timers.all, t.pos)
	return true
}

// timerHeap keeps the earliest deadline in front, with one runtime timer set
// to it, so that an idle loop with a thousand deadlines sleeps.
type timerHeap struct {
	all   timers
	clock *time.Timer
}

type timers []*Timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].pos, t[j].pos = i, j
}

func (t *timers) Push(x any) {
	n := x.(*Timer)
	n.pos = len(*t)
	*t = append(*t, n)
}

func (t *timers) Pop() any {
	last := len(*t) - 1
	n := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	n.pos = -1
	return n
}

// alarm sets the runtime timer to the earliest deadline.
func (l *Loop) alarm() {
	if len(l.timers.all) == 0 {
		return
	}
	wait := max(time.Until(l.timers.all[0].at), 0)
	if l.timers.clock == nil {
		l.timers.clock = time.AfterFunc(wait, func() { l.Post(l.ring) })
		return
	}
	l.timers.clock.Reset(wait)
}

// ring runs what is due. A timer that rang early, because an earlier deadline
// was stopped, finds nothing due and is set anew.
func (l *Loop) ring() {
	now := time.Now()
	for len(l.timers.all) > 0 && !l.timers.all[0].at.After(now) {
		t := heap.Pop(&l.timers.all).(*Timer)
		t.fn()
	}
	l.alarm()
}
