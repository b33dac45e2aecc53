package failover

import (
	"time"

	"holdfast/election/internal/group"
	"holdfast/election/internal/native"
)

// Action is one thing to do: a Commit, a Call, an Ask, a Recheck or a Verify.
type Action interface{ action() }

// Commit proposes a command to raft. At most one is under way per group.
type Commit struct{ Command group.Command }

// Call sends a request to a node; its outcome comes back through Answered.
type Call struct {
	Addr           string
	Epoch, Version uint64
	native.Request
}

// Ask probes a node now instead of at its next turn.
type Ask struct{ Addr string }

// Recheck asks every sentinel whether the process RunID, the master at Addr, is
// still down for it; the answers come back through Rechecked.
type Recheck struct{ Addr, RunID string }

// Verify asks raft whether this sentinel still leads, from now on; the answer
// comes back through Verified.
type Verify struct{ Lease Lease }

func (Commit) action()  {}
func (Call) action()    {}
func (Ask) action()     {}
func (Recheck) action() {}
func (Verify) action()  {}

// Plan is what Step decided.
type Plan struct {
	Actions []Action
	Wake    time.Duration // call Step again after this even if nothing is heard; 0: at the next tick
}

// step is one turn: its inputs and the plan it makes.
type step struct {
	g    *group.Group
	a    *Answers
	now  time.Time
	plan Plan
}

// Pace of repetitions.
const (
	askPace     = 2 * time.Millisecond   // between two probes that Step waits for
	askSlowly   = 50 * time.Millisecond  // when the wait has lasted
	askFast     = 500 * time.Millisecond // how long the fast pace is kept up
	retryFirst  = 20 * time.Millisecond  // after a first failure; doubles
	retryMost   = 500 * time.Millisecond
	repeatAfter = time.Second // a request that was answered OK and whose effect does not show
)

// commit proposes c unless a proposal is under way.
func (s *step) commit(c group.Command) {
	if !s.a.Committing {
		s.a.Committing = true
		s.plan.Actions = append(s.plan.Actions, Commit{Command: c})
	}
}

// call sends r unless the same request is under way, was just answered, or just
// failed.
func (s *step) call(addr string, epoch, version uint64, r native.Request) {
	n := s.a.node(addr)
	if n.hello == nil {
		return // its connection will wake us
	}
	if wait := n.wait(r.Kind, epoch, version, s.now); wait > 0 {
		s.wake(wait)
		return
	}
	k := &call{epoch: epoch, version: version, at: s.now, busy: true}
	if old := n.calls[r.Kind]; old != nil && old.epoch == epoch && old.version == version {
		k.fails, k.err = old.fails, old.err
	}
	n.calls[r.Kind] = k
	s.plan.Actions = append(s.plan.Actions, Call{Addr: addr, Epoch: epoch, Version: version, Request: r})
}

// wait tells how long the request must not be sent yet.
func (n *node) wait(kind native.Kind, epoch, version uint64, now time.Time) time.Duration {
	k := n.calls[kind]
	switch {
	case k == nil || k.epoch != epoch || k.version != version:
		return 0
	case k.busy:
		return time.Hour // its outcome will wake us
	case k.ok:
		return k.at.Add(repeatAfter).Sub(now)
	}
	pause := min(retryMost, retryFirst<<min(k.fails, 8))
	return k.at.Add(pause).Sub(now)
}

// answered tells whether the node has said OK to the request.
func (n *node) answered(kind native.Kind, epoch, version uint64) bool {
	k := n.calls[kind]
	return k != nil && k.ok && k.epoch == epoch && k.version == version
}

// refusal returns the error the node has answered the request with.
func (n *node) refusal(kind native.Kind, epoch, version uint64) error {
	k := n.calls[kind]
	if k == nil || k.busy || k.epoch != epoch || k.version != version {
		return nil
	}
	return k.err
}

// ask probes a node whose answer Step is waiting for.
func (s *step) ask(addr string) {
	n := s.a.node(addr)
	if n.hello == nil || n.probing {
		return
	}
	pace := askPace
	if s.now.Sub(s.a.phase.at) > askFast {
		pace = askSlowly
	}
	if wait := n.probedAt.Add(pace).Sub(s.now); wait > 0 {
		s.wake(wait)
		return
	}
	n.probing = true
	s.plan.Actions = append(s.plan.Actions, Ask{Addr: addr})
}

func (s *step) wake(in time.Duration) {
	if s.plan.Wake == 0 || in < s.plan.Wake {
		s.plan.Wake = max(in, time.Millisecond)
	}
}
