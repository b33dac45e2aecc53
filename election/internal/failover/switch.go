package failover

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"holdfast/election/internal/group"
	"holdfast/election/internal/native"
)

// What SENTINEL FAILOVER answers when it cannot be done, in Redis's words.
var (
	ErrInProgress    = errors.New("INPROG Failover already in progress")
	ErrChanging      = errors.New("INPROG Failover cannot begin while the holders change") // passes by itself
	ErrNoGoodReplica = errors.New("NOGOODSLAVE No suitable replica to promote")
)

// Planned returns the command that begins what SENTINEL FAILOVER asks for: a
// planned switchover, or an ordinary failover when the master is down already.
// force accepts loss, to get out of a wait that would not end.
func Planned(g *group.Group, a *Answers, force bool, now time.Time) (group.Command, error) {
	s := &step{g: g, a: a, now: now}
	switch {
	case force && !g.Serving():
		return &group.Seal{From: g.Epoch, Epoch: max(g.Epoch, s.promised()) + 1, Cause: group.ForForce}, nil
	case g.Phase != group.Stable:
		return nil, ErrInProgress
	case a.node(g.Master.Addr).down:
		return &group.Seal{From: g.Epoch, Epoch: max(g.Epoch, s.promised()) + 1, Cause: group.ForAsked}, nil
	}
	addr := s.candidate()
	switch {
	case addr == "":
		return nil, ErrNoGoodReplica
	case g.Next != nil:
		return nil, ErrChanging
	}
	c := group.Master{Addr: addr, RunID: s.runID(addr), Epoch: g.Epoch}
	return &group.Switch{Epoch: g.Epoch, Candidate: c}, nil
}

// candidate is the replica that a planned switchover goes to: one that is up,
// by priority, offset and run id.
func (s *step) candidate() string {
	var may []string
	for _, addr := range s.g.Others() {
		n := s.a.node(addr)
		if n.probe != nil && n.hello != nil && n.probe.Priority != 0 && s.up(addr) && s.online(n.probe) {
			may = append(may, addr)
		}
	}
	if len(may) == 0 {
		return ""
	}
	return slices.MinFunc(may, func(x, y string) int {
		p, q := s.a.node(x).probe, s.a.node(y).probe
		return cmp.Or(cmp.Compare(p.Priority, q.Priority), cmp.Compare(q.Offset, p.Offset), cmp.Compare(p.RunID, q.RunID))
	})
}

// switching drains the master and seals once the candidate and N holders have
// confirmed everything, so that every withheld reply has left. The master never
// takes up its epoch again: what does not come through in time is an ordinary
// choice at a higher epoch in which it takes part.
func (s *step) switching() {
	g, m := s.g, s.a.node(s.g.Master.Addr)
	if s.odown() {
		return
	}
	c := s.a.node(g.Candidate.Addr)
	gone := c.down || c.refused > 0 || s.runID(g.Candidate.Addr) != g.Candidate.RunID
	refused := native.RefusalOf(m.refusal(native.KindDrain, g.Epoch, 0)) != ""
	if gone || refused || s.inPhase() > drainDeadline {
		s.seal(max(g.Epoch, s.promised())+1, group.ForAbort, g.Master.Addr, 0)
		return
	}
	s.wake(drainDeadline - s.inPhase() + time.Millisecond)
	s.lease() // replies that were given under one have to leave
	if s.a.drained.epoch != g.Epoch {
		s.call(g.Master.Addr, g.Epoch, 0, native.DrainOf(g.ID, g.Epoch))
		return
	}
	if s.confirmed() {
		s.seal(g.Epoch+1, group.ForSwitch, g.Candidate.Addr, 0)
		return
	}
	s.ask(g.Master.Addr)
}

// confirmed tells whether the candidate and N holders hold all of the drained
// master's history.
func (s *step) confirmed() bool {
	g, m := s.g, s.a.node(s.g.Master.Addr)
	if m.probe == nil || m.probe.RunID != g.Master.RunID || m.probedAt.Before(s.a.drained.at) {
		return false
	}
	holders, candidate := 0, false
	for _, r := range m.probe.Replicas {
		if r.Acked < s.a.drained.offset {
			continue
		}
		candidate = candidate || r.RunID == g.Candidate.RunID
		if g.Holders.Has(r.Incarnation) {
			holders++
		}
	}
	return candidate && holders >= g.Holders.N
}
