package failover

import (
	"time"

	"holdfast/election/internal/group"
)

// Lease is the right to serve, for the process that issued the nonce: it lasts
// from the moment of issue on, a little shorter than the time it is granted for.
type Lease struct {
	Addr  string // of the master
	RunID string
	Epoch uint64
	Nonce string
	For   time.Duration // 0: without an end, and without a nonce
	until time.Time     // on this sentinel's clock it is over by then
}

// leasing is what a leader knows of leases. The rules:
//
//  1. While the N in force, or the one asked for, is 0, a master serves only
//     within a lease, counted from the moment it issued a nonce.
//  2. A leader grants a nonce only when raft has confirmed, by a question put
//     after the nonce arrived, that it still leads, and only while its state,
//     which has everything that was committed before its term, says that this
//     process serves in this epoch (lease, Grant).
//  3. Who makes another the master waits until every lease is over that it
//     granted, and every one that a leader before it may have granted: their
//     questions were answered before this leader's election, so those are over
//     the longest lease after that (leaseLeft). Only an old master need not be
//     waited for that has sealed, and thereby stepped down, or whose process does not
//     exist any more: a sentinel on its machine has seen that. That nobody listens
//     at its address proves nothing, it may answer over connections it has.
type leasing struct {
	since     time.Time // this leader's election, or later
	asked     time.Time // when the last question was put
	verifying bool
	granted   Lease     // newest that raft has confirmed
	until     time.Time // every granted one is over by then
	dead      string    // run id of a process that does not exist any more; "": of none that is known
}

// renewals is how often a lease is renewed while it lasts, so that one lost
// message costs nothing.
const renewals = 4

// lease keeps a lease fresh for a master that needs one.
func (s *step) lease() {
	g, m, l := s.g, s.a.node(s.g.Master.Addr), &s.a.lease
	if !g.Leased() || g.Settings.Lease == 0 || m.probe == nil || !m.masterOf(g) || l.verifying {
		return
	}
	pace := g.Settings.Lease / renewals
	fresh := l.granted.RunID == g.Master.RunID && l.granted.Epoch == g.Epoch
	if wait := l.asked.Add(pace).Sub(s.now); fresh && wait > 0 {
		s.wake(wait)
		return
	}
	if s.now.Sub(m.probedAt) > pace || m.probe.Nonce == l.granted.Nonce {
		s.ask(g.Master.Addr)
		return
	}
	l.asked, l.verifying = s.now, true
	s.plan.Actions = append(s.plan.Actions, Verify{Lease{
		Addr: g.Master.Addr, RunID: g.Master.RunID, Epoch: g.Epoch, Nonce: m.probe.Nonce,
		For: g.Settings.Lease, until: m.probedAt.Add(g.Settings.Lease),
	}})
}

// Verified records what raft answered to Verify.
func (a *Answers) Verified(l Lease, leads bool) {
	a.lease.verifying = false
	if !leads {
		return
	}
	a.lease.granted = l
	if l.until.After(a.lease.until) {
		a.lease.until = l.until
	}
}

// Died records that a process does not exist any more. It serves nobody, whatever
// lease it had.
func (a *Answers) Died(runID string) { a.lease.dead = runID }

// Grant is the lease to grant with the probes of the master; ok is false when
// there is none.
func (a *Answers) Grant(g *group.Group) (l Lease, ok bool) {
	switch l = a.lease.granted; {
	case !g.Leased():
		return Lease{}, false
	case g.Settings.Lease == 0:
		return Lease{Addr: g.Master.Addr, RunID: g.Master.RunID, Epoch: g.Epoch}, true
	}
	return l, l.Nonce != "" && l.RunID == g.Master.RunID && l.Epoch == g.Epoch
}

// leaseLeft is how long a lease may last that keeps the next master waiting.
func (s *step) leaseLeft() time.Duration {
	g, l := s.g, &s.a.lease
	if g.Holders.N > 0 || g.Opened.Epoch == 0 || g.LongestLease == 0 {
		return 0
	}
	if l.dead != "" && l.dead == g.Opened.RunID {
		return 0
	}
	for _, addr := range g.Addrs() {
		if n := s.a.node(addr); n.sealFor == g.Epoch && n.sealed.RunID == g.Opened.RunID {
			return 0
		}
	}
	return max(l.until.Sub(s.now), l.since.Add(g.LongestLease).Sub(s.now))
}
