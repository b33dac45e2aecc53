package failover

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"holdfast/backend/resp"
	"holdfast/election/internal/group"
	"holdfast/election/internal/native"
)

// sealedNode is one node that may be counted and, unless its priority is 0,
// chosen.
type sealedNode struct {
	addr     string
	priority int
	native.Sealed
}

// choose picks the master of the sealed epoch among the nodes that have sealed
// it, or says what it waits for. waited is how long the sealing has lasted. The
// rules, of which one must hold before anybody may be chosen:
//
//  1. N ≥ 1 and max(1, |H|-N+1) members of H have sealed with the incarnation
//     that is in H. Every answered write was confirmed by N of H, so at least
//     one of these holds it.
//  2. The old master itself has sealed and was not restarted: it holds
//     everything it ever answered. Old are the master of the last barrier and
//     every one chosen since.
//  3. Every known node has sealed. Nothing better exists anywhere; loss is
//     announced if neither 1 nor 2 holds.
//  4. N = 0: any. Loss is announced unless the old master has sealed and the
//     chosen one has all of it.
//  5. An operator forces it, or promotion = available and failover-timeout has
//     passed. Loss is announced.
//
// Among the sealed nodes with a priority other than 0 the best is the one with
// the highest data epoch, then the highest offset, then the one this attempt
// prefers, then the lowest priority, then the smallest run id; with N = 0
// priority comes ahead of the offset. The first master of a group in which no
// node has an epoch is the configured one.
//
// The chosen one needs write-acks others to confirm its barrier, so the choice
// waits until that many have sealed too; unless write-acks-policy is strict, only
// for those that may still answer.
func choose(g *group.Group, a *Answers, waited time.Duration) (*group.Choose, string) {
	sealed := sealedNodes(g, a)
	loss, reason := mayChoose(g, a, sealed, waited)
	if reason != "" {
		return nil, reason
	}
	best, reason := pick(g, sealed)
	if reason != "" {
		return nil, reason
	}
	members := holdersBeside(best, sealed)
	n := max(0, g.Settings.WriteAcks-g.Attempt.Fewer)
	if g.Attempt.Cause == group.ForForce || !g.Settings.Strict && !moreMayCome(g, a, sealed, waited) {
		n = min(n, len(members))
	}
	if len(members) < n {
		return nil, fmt.Sprintf("%s could be master, but write-acks %d needs %d replicas and %d have answered%s",
			best.addr, n, n, len(members), missing(g, a, sealed))
	}
	if loss == "" && g.Holders.N == 0 && g.Opened.Epoch > 0 && !holdsAllOfOld(g, best, sealed) {
		loss = "asynchronous replication (write-acks 0)"
	}
	return &group.Choose{
		Epoch: g.Epoch, Addr: best.addr, RunID: best.RunID, Offset: best.Offset,
		N: n, Members: members, Loss: loss,
	}, ""
}

// moreMayCome tells whether a node that has not sealed is worth waiting for.
func moreMayCome(g *group.Group, a *Answers, sealed []sealedNode, waited time.Duration) bool {
	return waited < g.Settings.DownAfter && slices.ContainsFunc(unsealed(g, sealed), func(addr string) bool {
		n := a.node(addr)
		return !n.down && !n.plain
	})
}

func sealedNodes(g *group.Group, a *Answers) (sealed []sealedNode) {
	for _, addr := range g.Addrs() {
		n := a.node(addr)
		if n.sealFor != g.Epoch {
			continue
		}
		priority := g.Nodes[addr].Priority
		if n.probe != nil {
			priority = n.probe.Priority
		}
		sealed = append(sealed, sealedNode{addr: addr, priority: priority, Sealed: n.sealed})
	}
	return sealed
}

// mayChoose applies rules 1 to 5: why loss must be announced, or why the choice
// must wait.
func mayChoose(g *group.Group, a *Answers, sealed []sealedNode, waited time.Duration) (loss, reason string) {
	h := g.Holders
	need := max(1, len(h.Members)-h.N+1)
	have := 0
	for _, n := range sealed {
		if h.Has(n.Incarnation) {
			have++
		}
	}
	all := len(sealed) == len(g.Nodes)
	switch {
	case len(sealed) == 0:
		return "", "no node has answered"
	case h.N >= 1 && len(h.Members) > 0 && have >= need:
		return "", ""
	case oldSealed(g, sealed) != nil:
		return "", ""
	case all && g.Opened.Epoch == 0:
		return "", ""
	case all:
		return "every node answered, but those that held the last writes were restarted", ""
	case h.N == 0 && g.Opened.Epoch > 0:
		return "", ""
	case g.Attempt.Cause == group.ForForce:
		return "forced by an operator", ""
	case g.Settings.Available && waited > g.Settings.FailoverTimeout:
		return "promotion = available and failover-timeout has passed", ""
	}
	return "", waitsFor(g, a, sealed, have, need)
}

// waitsFor says in words for whom a safe promotion waits.
func waitsFor(g *group.Group, a *Answers, sealed []sealedNode, have, need int) string {
	if g.Opened.Epoch == 0 {
		return "the first master waits for every known node" + missing(g, a, sealed)
	}
	return fmt.Sprintf("promotion = safe waits: %d of the %d replicas needed that hold every answered write have answered%s",
		have, need, missing(g, a, sealed))
}

// missing names the known nodes that have not answered, and why as far as it is
// known; nothing if all have.
func missing(g *group.Group, a *Answers, sealed []sealedNode) string {
	addrs := unsealed(g, sealed)
	if len(addrs) == 0 {
		return ""
	}
	for i, addr := range addrs {
		if why := a.node(addr).silence(g.Epoch); why != "" {
			addrs[i] += " (" + why + ")"
		}
	}
	return "; missing " + strings.Join(addrs, ", ")
}

// silence says in words why a node has not answered SEAL, "" when nothing is known
// that would not pass in a moment.
func (n *node) silence(epoch uint64) string {
	k := n.calls[native.KindSeal] // asked again, it is to be named still
	refused, said := resp.Error(""), false
	if k != nil && k.epoch == epoch {
		refused, said = k.err.(resp.Error)
	}
	switch {
	case n.barred != "":
		return n.barred
	case n.plain:
		return "a plain Redis server"
	case said:
		return refused.Error()
	case n.refused > 0:
		return "nobody listens there"
	case n.down && n.lost:
		return "no connection"
	case n.down:
		return "connected, and silent"
	}
	return ""
}

func unsealed(g *group.Group, sealed []sealedNode) []string {
	addrs := g.Addrs()
	return slices.DeleteFunc(addrs, func(addr string) bool {
		return slices.ContainsFunc(sealed, func(n sealedNode) bool { return n.addr == addr })
	})
}

// oldSealed returns the newest old master that has sealed in the same process
// that was master.
func oldSealed(g *group.Group, sealed []sealedNode) *sealedNode {
	for i := len(g.Old) - 1; i >= 0; i-- {
		for k := range sealed {
			if sealed[k].RunID == g.Old[i] {
				return &sealed[k]
			}
		}
	}
	return nil
}

func holdsAllOfOld(g *group.Group, best sealedNode, sealed []sealedNode) bool {
	old := oldSealed(g, sealed)
	return old != nil && compareHistory(best, *old) >= 0
}

// compareHistory orders by (data epoch, offset), as everywhere.
func compareHistory(a, b sealedNode) int {
	return cmp.Or(cmp.Compare(a.DataEpoch, b.DataEpoch), cmp.Compare(a.Offset, b.Offset))
}

func pick(g *group.Group, sealed []sealedNode) (sealedNode, string) {
	may := slices.DeleteFunc(slices.Clone(sealed), func(n sealedNode) bool { return n.priority == 0 })
	if len(may) == 0 {
		return sealedNode{}, "every node that has answered has priority 0"
	}
	if g.Opened.Epoch == 0 && !slices.ContainsFunc(sealed, func(n sealedNode) bool { return n.DataEpoch > 0 }) {
		for _, n := range may {
			if n.addr == g.Attempt.Prefer {
				return n, ""
			}
		}
	}
	best := slices.MaxFunc(may, func(a, b sealedNode) int { return better(g, a, b) })
	return best, ""
}

// better orders candidates; the greater one is to be chosen.
func better(g *group.Group, a, b sealedNode) int {
	prefer := 0
	switch g.Attempt.Prefer {
	case a.addr:
		prefer = 1
	case b.addr:
		prefer = -1
	}
	priority := cmp.Compare(b.priority, a.priority)
	offset := cmp.Compare(a.Offset, b.Offset)
	epoch := cmp.Compare(a.DataEpoch, b.DataEpoch)
	runID := cmp.Compare(b.RunID, a.RunID)
	if g.Holders.N == 0 && g.Attempt.Prefer == "" {
		return cmp.Or(epoch, priority, offset, runID)
	}
	return cmp.Or(epoch, offset, prefer, priority, runID)
}

// holdersBeside are the incarnations that shall confirm the barrier of best.
func holdersBeside(best sealedNode, sealed []sealedNode) []string {
	members := []string{}
	for _, n := range sealed {
		if n.addr != best.addr && n.priority != 0 {
			members = append(members, n.Incarnation)
		}
	}
	slices.Sort(members)
	return slices.Compact(members)
}
