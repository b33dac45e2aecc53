package backend

import (
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// lease is a master's right to serve while nobody has to confirm its writes:
// with N = 0 nothing else keeps two masters from answering. The
// rules:
//
//  1. A lease is counted from the moment at which this node issued the nonce that
//     the sentinels grant, not from that of the grant: one that lay in a socket's
//     buffer while the process was frozen grants nothing.
//  2. Its clock is CLOCK_BOOTTIME, which goes on while the machine sleeps, and it
//     ends here a little earlier than the sentinels think, for clocks that drift.
//  3. A batch that begins after the end finds a node that does not serve. That is
//     seen by the time which the batch has read anyway; what counts is the look
//     at the clock when its replies, or those that were held, are to leave.
//  4. A lease ends with the master's epoch.
//
// The time is passed in, but for the functions that read a clock.
type lease struct {
	until atomic.Int64 // on CLOCK_BOOTTIME, ns; 0: none
	soon  atomic.Int64 // the same on the clock of timing, ns since the node's start
}

// Margins by which a lease ends earlier at the node than at the sentinels.
const (
	leaseMargin = 20 * time.Millisecond // at least
	leaseDrift  = 20                    // of which part clocks may drift apart
)

// endless is the end of a lease without one: the group has fencing = off.
const endless = math.MaxInt64

// bootTime is CLOCK_BOOTTIME, ns.
func bootTime() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
		return math.MaxInt64 // without a clock nothing lasts
	}
	return t.Nano()
}

// leaseEnd is when a lease is over that was issued at a moment and lasts so long.
func leaseEnd(issued int64, length time.Duration) int64 {
	return issued + int64(length-max(leaseMargin, length/leaseDrift))
}

// extend makes the lease last until a moment, if that is later; now is the same
// moment on both clocks. It reports whether it was.
func (l *lease) extend(until, now, clock int64) bool {
	if until <= l.until.Load() {
		return false
	}
	l.until.Store(until)
	if until == endless {
		l.soon.Store(endless)
	} else {
		l.soon.Store(clock + until - now)
	}
	return true
}

// end ends it.
func (l *lease) end() { l.until.Store(0); l.soon.Store(0) }

// holds tells whether it lasts at a moment of CLOCK_BOOTTIME.
func (l *lease) holds(now int64) bool { return now < l.until.Load() }

// nonce names this moment of this process.
func (n *Node) nonce() string { return strconv.FormatInt(bootTime(), 36) + "-" + n.runID }

// issued reads a nonce; ok is false when it is not of this process.
func (n *Node) issued(nonce string) (at int64, ok bool) {
	text, run, _ := strings.Cut(nonce, "-")
	at, err := strconv.ParseInt(text, 36, 64)
	return at, err == nil && run == n.runID
}

// grant takes a lease that a probe grants to the master of the epoch that this
// node has acted on; 0: without an end.
func (n *Node) grant(nonce string, length time.Duration) {
	now, until := bootTime(), int64(endless)
	if length > 0 {
		at, ok := n.issued(nonce)
		if !ok || at > now {
			return
		}
		until = leaseEnd(at, length)
	}
	if n.lease.extend(until, now, int64(time.Since(n.started))) {
		n.confirmedMore() // replies may wait for it
	}
}

// lapse finds, at a batch's begin, whether a master that needs a lease has none.
// The engine lock is held.
func (n *Node) lapse() {
	lapsed := n.confirm.NeedsLease() && n.timing.clock >= n.lease.soon.Load()
	if lapsed == n.lapsed {
		return
	}
	n.lapsed = lapsed
	n.derive()
	if lapsed {
		n.log.Warn("Not serving: the sentinels have granted no lease that lasts still")
	} else {
		n.log.Info("Serving within a lease")
	}
}

// confirmed is the offset up to which replies may leave: what enough replicas
// have and, with appendfsync always, what is on disk. While that rests on a lease
// and the lease is over it is nothing. A node that is no master goes by what it was
// told.
func (n *Node) confirmed() uint64 {
	confirmed := n.confirmedNow()
	if n.dropping.Load() > 0 { // looked at last: it was raised before what is confirmed was
		return 0
	}
	return confirmed
}

func (n *Node) confirmedNow() uint64 {
	if n.seen.Load().role != roleMaster {
		return min(n.sight.Load(), n.horizon.Gate())
	}
	confirmed, leased := n.confirm.Releasable()
	if leased && !n.lease.holds(bootTime()) {
		return 0
	}
	return min(confirmed, n.horizon.Gate())
}

// leaseLeft is for how many milliseconds a master may serve; -1: it needs no
// lease, or has one without an end.
func (n *Node) leaseLeft() int64 {
	until := n.lease.until.Load()
	if !n.confirm.NeedsLease() || until == endless {
		return -1
	}
	return max(0, (until-bootTime())/int64(time.Millisecond))
}
