package failover

import (
	"fmt"
	"net"
	"slices"
	"time"

	"holdfast/election/internal/group"
	"holdfast/election/internal/native"
)

// holders keeps (H, N) what it should be: write-acks of the native replicas that
// are up and may be promoted. Adding, removing, replacing by a new incarnation,
// raising, lowering and degrading are all one change, two commits
// with the master's work between them:
//
//  1. The pair is committed under a new version (Change). A change under way is
//     cancelled by it.
//  2. The master is told, and from then on releases only what the pair in force
//     and the new one both confirm. It is told only when it has heard which pair
//     is in force: it might take one that was replaced for that.
//  3. Once N of the new members confirmed the offset that the master noted when
//     it was told, the new pair is committed to be in force (Adopt); the next
//     probe tells the master so.
func (s *step) holders() {
	g, m := s.g, s.a.node(s.g.Master.Addr)
	p := m.probe
	if p == nil || !m.masterOf(g) {
		return
	}
	if p.HoldersVersion != g.Holders.Version {
		s.ask(g.Master.Addr) // it has not heard of the last commit yet
	}
	if !s.settled() {
		return
	}
	target := g.Holders
	if g.Next != nil {
		target = *g.Next
	}
	n, members := s.pair(target)
	switch {
	case len(members) < n:
		if s.confirming(target) < target.N {
			s.explain(fmt.Sprintf("writes wait: write-acks %d, and %d replicas are up", n, len(members)))
		}
	case !target.Same(n, members):
		s.commit(&group.Change{Epoch: g.Epoch, RunID: g.Master.RunID, Version: g.LastVersion, N: n, Members: members})
	case g.Next == nil:
		s.explain("")
	case p.HoldersVersion == g.Holders.Version:
		s.change(p)
	}
}

// pair is what (H, N) should be. With fewer replicas up than N asks for it
// cannot be had: those that were there may come back in a moment, or
// write-acks-policy is strict.
func (s *step) pair(target group.Holders) (n int, members []string) {
	members, n = s.desired(), s.g.Settings.WriteAcks
	if len(members) >= n || s.g.Settings.Strict || len(members) < target.N && s.mayReturn() >= target.N {
		return n, members
	}
	return len(members), members // degraded, until there are more
}

// mayReturn counts the replicas that are up, or were a moment ago.
func (s *step) mayReturn() (count int) {
	for _, addr := range s.g.Others() {
		if n := s.a.node(addr); !n.plain && s.g.Nodes[addr].Priority != 0 && !s.away(addr) {
			count++
		}
	}
	return count
}

// away tells whether a replica is gone for good, as far as anybody can tell: for
// a down-after it has not been heard, or not streamed from the master. The
// master is the witness that counts: while it gets confirmations, writes go on,
// though this sentinel does not reach the replica.
func (s *step) away(addr string) bool {
	n := s.a.node(addr)
	silent := n.down || !n.onlineAt.IsZero() && s.now.Sub(n.onlineAt) >= s.g.Settings.DownAfter
	return silent && !slices.ContainsFunc(s.heard(), func(r native.Replica) bool { return r.RunID == s.runID(addr) })
}

// ackPace is how often a replica that has nothing to confirm is heard by its master.
const ackPace = time.Second

// heard are the replicas of which the master says that they stream from it and
// confirm.
func (s *step) heard() (replicas []native.Replica) {
	m := s.a.node(s.g.Master.Addr).probe
	if m == nil || m.RunID != s.g.Master.RunID {
		return nil
	}
	for _, r := range m.Replicas {
		lag := time.Duration(r.Lag) * time.Millisecond
		if r.State == native.StateOnline && r.RunID != "" && lag < s.g.Settings.DownAfter+ackPace {
			replicas = append(replicas, r)
		}
	}
	return replicas
}

// confirming counts the members of a pair that the master hears.
func (s *step) confirming(h group.Holders) (count int) {
	for _, r := range s.heard() {
		if h.Has(r.Incarnation) {
			count++
		}
	}
	return count
}

// change carries the pair on its way through the master.
func (s *step) change(p *native.Probe) {
	g, next := s.g, s.g.Next
	switch {
	case p.HoldersPending == next.Version && p.HoldersReady:
		s.commit(&group.Adopt{Epoch: g.Epoch, RunID: g.Master.RunID, Version: next.Version})
	case p.HoldersPending == next.Version:
		s.ask(g.Master.Addr)
	default:
		s.call(g.Master.Addr, g.Epoch, next.Version, native.HoldersOf(g.ID, g.Epoch, next.Version, next.N, next.Members))
		if s.a.node(g.Master.Addr).answered(native.KindHolders, g.Epoch, next.Version) {
			s.ask(g.Master.Addr)
		}
	}
}

// desired are the incarnations that should be holders, sorted. Where these are
// too few, those count too that only the master hears.
func (s *step) desired() []string {
	members := []string{}
	for _, addr := range s.g.Others() {
		n := s.a.node(addr)
		if n.probe != nil && n.probe.Priority != 0 && s.up(addr) {
			members = append(members, n.probe.Incarnation)
		}
	}
	if len(members) < s.g.Settings.WriteAcks {
		for _, r := range s.heard() {
			n, known := s.g.Nodes[r.Addr]
			if v := s.a.node(r.Addr); known && n.Priority != 0 && r.Incarnation != "" && (v.down || v.lost) {
				members = append(members, r.Incarnation)
			}
		}
	}
	slices.Sort(members)
	return slices.Compact(members)
}

// up tells whether a node streams from the master and is not SDOWN. One that
// was streaming keeps the name for one down-after, so that a short cut of its
// link changes nothing, and so does one not heard of since it was told to
// follow a new master.
func (s *step) up(addr string) bool {
	n, was := s.a.node(addr), s.g.Nodes[addr]
	p := n.probe
	if p == nil || n.down || n.refused > 0 {
		return false
	}
	if s.online(p) {
		n.onlineAt = s.now
		return true
	}
	if n.onlineAt.IsZero() {
		n.onlineAt = s.now
	}
	return was.Up && was.RunID == p.RunID && s.now.Sub(n.onlineAt) < s.g.Settings.DownAfter
}

// settled tells whether this leader has heard enough to judge who is up.
func (s *step) settled() bool {
	for _, addr := range s.g.Addrs() {
		if n := s.a.node(addr); n.probe == nil && !n.down && n.refused == 0 && !n.plain {
			return false
		}
	}
	return true
}

// online tells whether both ends of a replica's link say that it streams.
func (s *step) online(p *native.Probe) bool {
	m := s.a.node(s.g.Master.Addr).probe
	if m == nil || m.RunID != s.g.Master.RunID || p.Link != native.LinkUp || p.Promised != s.g.Epoch {
		return false
	}
	return slices.ContainsFunc(m.Replicas, func(r native.Replica) bool {
		return r.RunID == p.RunID && r.State == native.StateOnline
	})
}

// streaming returns the addresses of the replicas that the master says stream
// from it.
func (s *step) streaming() (addrs []string) {
	m := s.a.node(s.g.Master.Addr).probe
	if m == nil || m.RunID != s.g.Master.RunID {
		return nil
	}
	for _, addr := range s.g.Others() {
		runID := s.runID(addr)
		if slices.ContainsFunc(m.Replicas, func(r native.Replica) bool {
			return r.State == native.StateOnline && (r.RunID == runID && runID != "" || r.RunID == "" && r.Addr == addr)
		}) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

func (s *step) runID(addr string) string {
	n := s.a.node(addr)
	switch {
	case n.hello != nil:
		return n.hello.RunID
	case n.probe != nil:
		return n.probe.RunID
	}
	return s.g.Nodes[addr].RunID
}

// see commits what changed of the nodes: new ones, new processes, who is up.
func (s *step) see() {
	busy := s.g.Phase == group.Promoting || s.g.Phase == group.Switching // Open will say who is up
	if busy || s.a.Committing || s.g.Phase == group.Sealing && s.inPhase() < sealGrace {
		return
	}
	var seen []group.Node
	for _, addr := range s.g.Addrs() {
		if now := s.view(addr); now != s.g.Nodes[addr] {
			seen = append(seen, now)
		}
	}
	seen = append(seen, s.discovered()...)
	if len(seen) > 0 {
		s.commit(&group.See{Nodes: seen})
	}
}

// view is a known node as this leader sees it now.
func (s *step) view(addr string) group.Node {
	n, v := s.a.node(addr), s.g.Nodes[addr]
	if n.hello != nil {
		v.Native, v.Control = true, n.control
	}
	if p := n.probe; p != nil {
		v.RunID, v.Incarnation, v.Priority = p.RunID, p.Incarnation, p.Priority
	}
	switch {
	case !s.g.Serving():
		v.Up = v.Up && !n.down && n.refused == 0
	case addr == s.g.Master.Addr:
		v.Up = true
	case n.down || n.refused > 0 || s.settled():
		v.Up = s.up(addr)
	}
	return v
}

// discovered are native nodes that stream from a known one and are not known
// themselves, by address or by run id: a process that announces another address
// than the configured one is no second node. A newcomer must be seen for one
// down-after, in which a known node that was just restarted is recognised.
func (s *step) discovered() (nodes []group.Node) {
	known := map[string]bool{"": true}
	for _, addr := range s.g.Addrs() {
		known[addr], known[s.runID(addr)] = true, true
	}
	seen := map[string]time.Time{}
	for _, addr := range s.g.Addrs() {
		p := s.a.node(addr).probe
		if p == nil {
			continue
		}
		for _, r := range p.Replicas {
			if _, _, err := net.SplitHostPort(r.Addr); err != nil || known[r.Addr] || known[r.RunID] {
				continue
			}
			since, before := s.a.newcomers[r.Addr]
			if !before {
				since = s.now
			}
			seen[r.Addr] = since
			if s.now.Sub(since) > s.g.Settings.DownAfter {
				known[r.Addr] = true
				nodes = append(nodes, group.Node{Addr: r.Addr, RunID: r.RunID, Priority: 100})
			}
		}
	}
	s.a.newcomers = seen
	return nodes
}
