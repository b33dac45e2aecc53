package backend

import (
	"time"

	"holdfast/backend/internal/store"
)

// effort is what a step of active-expire-effort stands for (expire.c,
// activeExpireCycle).
type effort struct {
	sample     int           // keys looked at between two decisions to stay with a database
	acceptable int           // percent of them that may be past
	slow       time.Duration // the longest that a cycle of the timer may take
	fast       time.Duration // likewise, of one between two turns of the timer
}

// effortOf reads a setting of 1 to 10 at a pace of the timer.
func effortOf(setting, hz int) effort {
	more := setting - 1
	share := 25 + 2*more // percent of the processor's time
	return effort{
		sample:     20 + 5*more,
		acceptable: 10 - more,
		slow:       time.Second / time.Duration(hz) * time.Duration(share) / 100,
		fast:       time.Millisecond + time.Duration(more)*250*time.Microsecond,
	}
}

func (e effort) cycle() *store.ExpireCycle {
	return &store.ExpireCycle{Sample: e.sample, Acceptable: e.acceptable}
}

// expiry is the state of the active expire cycle. The engine lock guards it.
type expiry struct {
	stale   float64       // of the keys looked at, the share that was past; a running average
	capped  bool          // the last slow cycle ended for lack of time
	reached int64         // how often one did
	spent   time.Duration // on all cycles
	fast    time.Time     // when the last fast cycle began
}

// looked takes the result of a cycle.
func (x *expiry) looked(c *store.ExpireCycle) {
	now := 0.0
	if c.Looked > 0 {
		now = float64(c.Expired) / float64(c.Looked)
	}
	x.stale = now*0.05 + x.stale*0.95
}

// eager tells whether fast cycles are called for: too much is left that is past.
func (x *expiry) eager(e effort) bool {
	return x.capped || x.stale*100 > float64(e.acceptable)
}

// expireSlice is how many keys are looked at while the engine is held.
const expireSlice = 400

// expireSome goes on with a cycle for a slice; more is true when it is not over.
// The engine lock is held.
func (n *Node) expireSome(c *store.ExpireCycle) (more bool) {
	began := n.look()
	more = n.store.ActiveExpire(c, expireSlice)
	took := time.Duration(n.look() - began)
	n.expiry.spent += took
	n.noteEvent("expire-cycle", took)
	return more
}

// expireSlowly is expireSome in a turn of the timer, which the cycle has shared
// for took so far.
func (n *Node) expireSlowly(c *store.ExpireCycle, took time.Duration, e effort) (more bool) {
	more = n.mayExpire() && n.expireSome(c)
	x := &n.expiry
	x.capped = more && took >= e.slow
	if x.capped {
		x.reached++
	}
	if more = more && !x.capped; !more {
		x.looked(c)
	}
	return more
}

// mayExpire tells whether keys may be deleted because their time has come,
// without being asked for. The engine lock is held.
func (n *Node) mayExpire() bool {
	return n.unit.leads && n.pause.until == 0 && !n.lazy && !n.ending && !n.cronPaused
}

// expireFast is a cycle between two turns of the timer, while eager.
func (n *Node) expireFast(e effort) {
	n.mu.Lock()
	defer n.mu.Unlock()
	began := time.Now()
	if !n.expiry.eager(e) || began.Sub(n.expiry.fast) < 2*e.fast {
		return
	}
	n.expiry.fast = began
	c := e.cycle()
	for n.mayExpire() && time.Since(began) < e.fast {
		n.tick()
		if !n.expireSome(c) {
			break
		}
	}
	n.expiry.looked(c)
	if n.unit.publish() {
		n.stream.Wake()
	}
}
