package election

import (
	"context"
	"slices"
	"strings"
	"time"

	"holdfast/election/internal/group"
)

// Only the leader asks anything of the nodes, so one that does not reach a node
// which others reach may keep a group waiting: for confirmations that count, or
// for a new master. It hands the lead over. The rules:
//
//  1. To the sentinel of the widest reach, and only if that is wider than this
//     one's. So two sentinels that see different halves of the world do not pass
//     the lead to and fro.
//  2. Reach is a sum over the groups. Of one that serves the master counts. Of one
//     that does not every node counts, and as much as all others together one
//     that can tell what was answered: a holder, or an old master.
//  3. Only when that has been so for as long as it takes to call a node down,
//     again: sentinels find a dead master one after the other.
//  4. Not twice within handoverPause.
type handover struct {
	since time.Time // when another sentinel began to reach more; zero: none does
	last  time.Time // when this one handed the lead over
}

const handoverPause = 10 * time.Second

// due tells whether the lead is to be handed over now; patience is rule 3's.
func (h *handover) due(better bool, patience time.Duration, now time.Time) bool {
	switch {
	case !better:
		h.since = time.Time{}
	case h.since.IsZero():
		h.since = now
	}
	if !better || now.Sub(h.since) < patience || !h.last.IsZero() && now.Sub(h.last) < handoverPause {
		return false
	}
	h.since, h.last = time.Time{}, now
	return true
}

// handOver hands the lead over where that is due.
func (l *loop) handOver(state *group.State, now time.Time) {
	own := l.ownReport(state, now)
	mine := reach(state, own)
	heir, most := "", mine
	for _, id := range state.SentinelIDs() {
		r, known := l.reports[id]
		if n := reach(state, r); known && !r.Tilt && now.Sub(r.at) < reportFresh && n > most {
			heir, most = id, n
		}
	}
	patience := time.Duration(0)
	for _, g := range state.Groups {
		patience = max(patience, g.Settings.DownAfter)
	}
	if !l.handover.due(heir != "" && !own.Tilt, patience, now) {
		return
	}
	l.log.Warn("Handing the lead over to sentinel " + heir + ", which reaches nodes that this one does not: " + beyond(l.reports[heir], own))
	l.start(func(context.Context) {
		if err := l.raft.Transfer(heir); err != nil {
			l.log.Info("The lead was not handed over: " + err.Error())
		}
	})
}

// reportFresh bounds the age of a report that counts.
const reportFresh = 4 * reportPace

// reach is how much a sentinel reaches of what the groups need (rule 2).
func reach(state *group.State, r report) (sum float64) {
	for name, g := range state.Groups {
		if !g.Serving() {
			sum += reachOfNodes(g, r.Reached[name])
			continue
		}
		if v := r.Verdicts[name]; v.RunID == g.Master.RunID && !v.Down {
			sum++
		}
	}
	return sum
}

// reachOfNodes is the weight of the nodes at addrs, as a share of that of all.
func reachOfNodes(g *group.Group, addrs []string) float64 {
	var reached, all int
	for addr, n := range g.Nodes {
		weight := 1
		if g.Holders.Has(n.Incarnation) || n.RunID != "" && slices.Contains(g.Old, n.RunID) {
			weight = len(g.Nodes)
		}
		all += weight
		if slices.Contains(addrs, addr) {
			reached += weight
		}
	}
	return float64(reached) / float64(max(all, 1))
}

// beyond names the nodes that one sentinel reaches and another does not.
func beyond(one, other report) string {
	var addrs []string
	for name, reached := range one.Reached {
		for _, addr := range reached {
			if !slices.Contains(other.Reached[name], addr) {
				addrs = append(addrs, addr)
			}
		}
	}
	slices.Sort(addrs)
	return strings.Join(slices.Compact(addrs), ", ")
}
