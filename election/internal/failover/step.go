package failover

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"holdfast/election/internal/group"
	"holdfast/election/internal/native"
)

// Bounds of what a leader waits for.
const (
	freshFor      = time.Second            // a sentinel not heard for this long has no vote
	recheckFor    = 500 * time.Millisecond // then the question is put again
	sealGrace     = 300 * time.Millisecond // for nodes that may yet answer, once enough have sealed
	explainAfter  = 300 * time.Millisecond // waits shorter than this need no reason
	drainDeadline = 2 * time.Second        // of a planned switchover; below every sensible hold-timeout
)

// Step decides what to do next for a group that this sentinel leads. The rules,
// each kept by the function named:
//
//  1. Judge (odown). A failover begins when quorum sentinels that are heard say
//     that the master's present process is down, and say so again when asked
//     once more. With fast-down that nobody listens at its address will do, once
//     a replica says that its link broke. A wrong judgement costs a failover,
//     never data.
//  2. Commit the sealing of a new epoch before anything is asked of a node
//     (seal, drain). From then on the old epoch is granted nothing.
//  3. Seal every known node, the old master too (sealing). Only answers to this
//     epoch's SEAL, of processes that still run, take part in the choice.
//  4. Choose (choose.go) when those that sealed surely hold every answered
//     write, and no lease of the old master lasts any more (lease.go).
//  5. Commit the choice with its holders; then PROMOTE it and let the others
//     FOLLOW in the same moment (promoting).
//  6. Barrier: the new master serves when enough of those holders confirmed its
//     first record and, after that, raft has committed them (promoting).
//  7. The commit publishes the topology; the others, the old master when it
//     returns, follow (followers).
//  8. An attempt that does not get through begins again at the next epoch
//     (failed). Nothing but that changes between sealing and barrier.
//
// Holders change only while the group is stable (holders.go).
func Step(g *group.Group, a *Answers, now time.Time) Plan {
	s := &step{g: g, a: a, now: now}
	if p := (seenPhase{epoch: g.Epoch, phase: g.Phase, at: a.phase.at}); p != a.phase {
		p.at = now
		a.phase = p
		a.resetOnline(now)
	}
	switch g.Phase {
	case group.Born:
		s.born()
	case group.Sealing:
		s.sealing()
	case group.Promoting:
		s.promoting()
	case group.Stable:
		s.stable()
	case group.Switching:
		s.switching()
	}
	s.see()
	return s.plan
}

// resetOnline gives every replica that was streaming the time to show that it
// streams from a new master.
func (a *Answers) resetOnline(now time.Time) {
	for _, n := range a.nodes {
		n.onlineAt = now
	}
}

// inPhase is how long this leader has seen the phase. Clocks of different
// sentinels are never compared: a new leader starts the wait anew.
func (s *step) inPhase() time.Duration { return s.now.Sub(s.a.phase.at) }

// born waits until every configured node has answered, so that a group whose
// sentinels were built anew starts above every epoch its nodes know, and under
// the id that they obey.
func (s *step) born() {
	var missing []string
	var promised uint64
	owners := map[string]bool{}
	for _, addr := range s.g.Addrs() {
		n := s.a.node(addr)
		if n.hello != nil && n.hello.Group != "" {
			owners[n.hello.Group] = true
		}
		switch {
		case n.barred != "":
			s.explain(addr + " does not let the sentinels in (" + n.barred + "): set auth-pass, and auth-user to a user with +@holdfast +ping +info")
			return
		case n.plain:
			s.explain(addr + " is a plain Redis server")
			return
		case n.probe == nil && n.promised == 0:
			missing = append(missing, addr)
		default:
			promised = max(promised, n.promised)
		}
	}
	switch ids := slices.Sorted(maps.Keys(owners)); {
	case len(ids) > 1:
		s.explain("the nodes belong to different groups: " + strings.Join(ids, ", "))
	case len(ids) == 1 && ids[0] != s.g.ID && s.connected():
		s.commit(&group.Belong{ID: ids[0]})
	case len(missing) > 0:
		s.explain("the first master waits for every configured node; no answer from " + strings.Join(missing, ", "))
	default:
		s.seal(promised+1, group.ForBirth, s.g.Master.Addr, 0)
	}
}

// connected tells whether every known node has said who it is.
func (s *step) connected() bool {
	for _, addr := range s.g.Addrs() {
		if s.a.node(addr).hello == nil {
			return false
		}
	}
	return true
}

func (s *step) seal(epoch uint64, cause group.Cause, prefer string, votes int) {
	s.commit(&group.Seal{From: s.g.Epoch, Epoch: epoch, Cause: cause, Prefer: prefer, Votes: votes})
}

// sealing asks everybody for the promise and chooses as soon as it may.
func (s *step) sealing() {
	if e := s.promised(); e > s.g.Epoch {
		s.seal(e+1, s.g.Attempt.Cause, s.g.Attempt.Prefer, 0)
		return
	}
	waiting := false
	for _, addr := range s.g.Addrs() {
		n := s.a.node(addr)
		if n.sealFor == s.g.Epoch {
			continue
		}
		s.call(addr, s.g.Epoch, 0, native.SealOf(s.g.ID, s.g.Epoch))
		waiting = waiting || n.hopeful(s.g.Epoch)
	}
	if left := sealGrace - s.inPhase(); waiting && left > 0 {
		s.wake(left)
		return
	}
	c, reason := choose(s.g, s.a, s.inPhase())
	if left := s.leaseLeft(); c != nil && left > 0 {
		s.wake(left)
		c, reason = nil, fmt.Sprintf("the lease of %s has to run out", s.g.Opened.Addr)
	}
	if c == nil {
		s.explain(reason)
		return
	}
	s.commit(c)
}

// hopeful tells whether the node's answer to SEAL may come any moment, so that
// a better choice is worth a short wait.
func (n *node) hopeful(epoch uint64) bool {
	if n.down || n.lost || n.plain {
		return false
	}
	err := n.refusal(native.KindSeal, epoch, 0)
	return native.RefusalOf(err) == ""
}

// promised is the highest epoch that a node is known to have promised.
func (s *step) promised() (e uint64) {
	for _, addr := range s.g.Addrs() {
		e = max(e, s.a.node(addr).promised)
	}
	return e
}

// promoting carries the chosen master through its barrier.
func (s *step) promoting() {
	g, m := s.g, s.a.node(s.g.Master.Addr)
	if cause := s.failed(); cause != "" {
		s.commit(&group.Seal{From: g.Epoch, Epoch: max(g.Epoch, s.promised()) + 1, Cause: group.ForRetry, Prefer: g.Attempt.Prefer, Fewer: s.fewer()})
		return
	}
	switch {
	case !m.masterOf(g):
		next := g.Next
		s.call(g.Master.Addr, g.Epoch, next.Version,
			native.PromoteOf(g.ID, g.Epoch, g.Master.RunID, next.Version, next.N, next.Members))
		if m.answered(native.KindPromote, g.Epoch, next.Version) {
			s.ask(g.Master.Addr)
		}
	case m.probe.HoldersVersion == g.Next.Version || m.probe.HoldersPending == g.Next.Version && m.probe.HoldersReady:
		s.commit(&group.Open{Epoch: g.Epoch, RunID: g.Master.RunID, Holders: g.Next.Version, ReplID: m.probe.ReplID, Synced: s.streaming()})
	default:
		s.ask(g.Master.Addr)
		s.explainWait(fmt.Sprintf("%s waits for %d of its holders to confirm epoch %d", g.Master.Addr, g.Next.N, g.Epoch))
	}
	s.followers()
}

// masterOf tells whether the node has taken up the group's newest epoch.
func (n *node) masterOf(g *group.Group) bool {
	p := n.probe
	return p != nil && p.RunID == g.Master.RunID && p.Role == native.RoleMaster && p.Promised == g.Epoch && p.DataEpoch == g.Epoch
}

// failed tells why the attempt cannot come through, "" while it can.
func (s *step) failed() string {
	g, m := s.g, s.a.node(s.g.Master.Addr)
	err := m.refusal(native.KindPromote, g.Epoch, g.Next.Version)
	switch {
	case m.hello != nil && m.hello.RunID != g.Master.RunID:
		return "the chosen master restarted"
	case m.down || m.refused >= 2:
		return "the chosen master is gone"
	case native.RefusalOf(err) != "":
		return err.Error()
	case s.promised() > g.Epoch:
		return "a node has promised a higher epoch"
	case s.alive(g.Next.Members) < g.Next.N:
		return "too few of its holders are left"
	case s.unreached():
		return "its holders do not reach it"
	}
	return ""
}

// unreached tells whether the chosen master has waited long enough for holders
// that do not come to it.
func (s *step) unreached() bool {
	patience := s.g.Settings.FailoverTimeout
	if !s.g.Settings.Strict {
		patience = min(patience, max(s.g.Settings.DownAfter, time.Second))
	}
	return s.inPhase() > patience && len(s.streaming()) < s.g.Next.N && !s.loading()
}

// fewer is by how many confirmations less the next attempt can be had.
func (s *step) fewer() int {
	if s.g.Settings.Strict || !s.unreached() {
		return 0
	}
	return s.g.Settings.WriteAcks - len(s.streaming())
}

// alive counts the other nodes that may still be among the members: those not
// seen to be gone, and not known to have another incarnation. A leader that has
// just begun knows little and must not take that for a failure.
func (s *step) alive(members []string) (alive int) {
	for _, addr := range s.g.Others() {
		n := s.a.node(addr)
		known := s.incarnation(addr)
		if !n.down && n.refused < 2 && (known == "" || slices.Contains(members, known)) {
			alive++
		}
	}
	return alive
}

// incarnation is that of the process heard by this leader, "" when none was.
func (s *step) incarnation(addr string) string {
	switch n := s.a.node(addr); {
	case n.probe != nil:
		return n.probe.Incarnation
	case n.sealFor > 0:
		return n.sealed.Incarnation
	}
	return ""
}

// loading tells whether a replica is receiving a full copy, which takes as long
// as it takes.
func (s *step) loading() bool {
	for _, addr := range s.g.Others() {
		if p := s.a.node(addr).probe; p != nil && (p.Link == native.LinkSync || p.Loading) {
			return true
		}
	}
	return false
}

// odown begins a failover when the sentinels agree that the master is down. It
// reports whether they do.
func (s *step) odown() bool {
	g, r := s.g, &s.a.recheck
	votes := g.Votes(func(id string) bool { return s.now.Sub(s.a.sentinels[id]) <= freshFor })
	if votes < g.Settings.Quorum {
		*r = recheck{}
		s.askWitnesses()
		return false
	}
	if r.runID != g.Master.RunID || s.now.Sub(r.at) > recheckFor {
		*r = recheck{runID: g.Master.RunID, at: s.now, down: map[string]bool{}}
		s.plan.Actions = append(s.plan.Actions, Recheck{Addr: g.Master.Addr, RunID: g.Master.RunID})
		s.wake(recheckFor)
		return true
	}
	again := g.Votes(func(id string) bool { return r.down[id] })
	if again >= g.Settings.Quorum {
		s.seal(g.Epoch+1, group.ForODown, "", again)
	}
	return true
}

// askWitnesses asks the replicas about their links where this sentinel finds
// nobody at the master's address (fast-down).
func (s *step) askWitnesses() {
	m := s.a.node(s.g.Master.Addr)
	if !s.g.Settings.FastDown || m.refused == 0 {
		return
	}
	for _, addr := range s.g.Others() {
		if s.a.node(addr).probedAt.Before(m.lostAt) {
			s.ask(addr)
		}
	}
}

// stable watches over a serving master.
func (s *step) stable() {
	g, m := s.g, s.a.node(s.g.Master.Addr)
	if s.odown() {
		return
	}
	if e := s.promised(); e > g.Epoch {
		s.seal(e+1, group.ForPromise, g.Master.Addr, 0)
		return
	}
	if p := m.probe; p != nil && p.RunID == g.Master.RunID && m.probedAt.After(s.a.phase.at) && !m.masterOf(g) {
		s.seal(g.Epoch+1, group.ForRetry, g.Master.Addr, 0) // it will not become master of this epoch again
		return
	}
	s.followers()
	s.holders()
	s.lease()
}

// followers makes every other node follow the master: after a promotion, and
// whenever one comes back with another idea.
func (s *step) followers() {
	g := s.g
	for _, addr := range g.Others() {
		n := s.a.node(addr)
		if n.plain || n.wrong != "" || s.follows(addr) {
			continue
		}
		r, err := native.FollowOf(g.ID, g.Epoch, g.Master.Addr)
		if err == nil {
			s.call(addr, g.Epoch, 0, r)
		}
	}
}

// follows tells whether a node is known to follow. SEAL has cut its upstream,
// so a probe proves it only if the node was told in this epoch, or has a link.
func (s *step) follows(addr string) bool {
	n := s.a.node(addr)
	p := n.probe
	if p == nil {
		return n.promised == 0 // nothing known yet: its first probe will tell
	}
	told := n.answered(native.KindFollow, s.g.Epoch, 0)
	if told && n.probedAt.Before(n.calls[native.KindFollow].at) {
		s.ask(addr)
		return true
	}
	linked := p.Link == native.LinkUp || p.Link == native.LinkSync
	return p.Role == native.RoleReplica && p.Promised == s.g.Epoch && p.MasterAddr == s.g.Master.Addr && (told || linked)
}

// explain commits what the group waits for, once the wait is long enough to
// matter to anybody.
func (s *step) explain(reason string) {
	if left := explainAfter - s.inPhase(); left > 0 {
		s.wake(left)
		return
	}
	if reason != s.g.Reason {
		s.commit(&group.Explain{Epoch: s.g.Epoch, Reason: reason})
	}
}

func (s *step) explainWait(reason string) {
	if s.inPhase() > explainAfter {
		s.explain(reason)
	}
}
