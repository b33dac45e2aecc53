package election

import (
	"context"
	"errors"
	"time"

	"holdfast/backend/resp"
	"holdfast/conf"
	"holdfast/election/internal/consensus"
	"holdfast/election/internal/failover"
	"holdfast/election/internal/group"
	"holdfast/election/internal/health"
)

// sent is the token of a request to a node: what it was, and for whose memory.
type sent struct {
	by   *failover.Answers
	call failover.Call
}

// act carries out what failover decided.
func (l *loop) act(g *group.Group, m *monitored, a *failover.Answers, p failover.Plan, now time.Time) {
	for _, action := range p.Actions {
		switch x := action.(type) {
		case failover.Commit:
			l.propose(g, a, x.Command, now)
		case failover.Call:
			l.send(m, a, x)
		case failover.Ask:
			m.nodes[x.Addr].probe.Now()
		case failover.Recheck:
			l.recheck(g, a, x, now)
		case failover.Verify:
			l.verify(a, x.Lease)
		}
	}
	if at := now.Add(p.Wake); p.Wake > 0 && (l.wakeAt.IsZero() || at.Before(l.wakeAt)) {
		l.wakeAt = at
	}
}

func (l *loop) send(m *monitored, a *failover.Answers, c failover.Call) {
	m.nodes[c.Addr].probe.Send(c.Request, sent{by: a, call: c})
}

// verify asks raft whether this sentinel leads still, before a lease is granted.
// Raft ends the term of a leader that no majority answers, and the question with
// it.
func (l *loop) verify(a *failover.Answers, lease failover.Lease) {
	l.start(func(context.Context) {
		err := l.raft.Verify()
		l.post(func() { a.Verified(lease, err == nil) })
	})
}

// Bounds of a proposal.
const (
	proposeWait  = 5 * time.Second       // then its outcome is unknown, and it is decided anew
	proposeAgain = 20 * time.Millisecond // after a failure; not at once, or a deposed leader spins
)

// propose proposes a command on a group. Its outcome shows in the state.
func (l *loop) propose(g *group.Group, a *failover.Answers, c group.Command, now time.Time) {
	l.commit(g.Name, c, now, func(error) { a.Committing = false })
}

// commit proposes a command; done runs in the loop.
func (l *loop) commit(name string, c group.Command, now time.Time, done func(error)) {
	entry := group.Encode(name, now, c)
	l.start(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, proposeWait)
		defer cancel()
		err := l.raft.Propose(ctx, entry)
		if err != nil && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(proposeAgain):
			}
		}
		l.post(func() {
			if err == nil {
				l.simulate(c)
			} else {
				l.log.Info("A proposal did not come through", "kind", group.KindOf(c), "error", err.Error())
			}
			done(err)
		})
	})
}

// register makes known what the configuration asks for and the others do not
// know yet: this sentinel, the reporting ones, and the monitored groups.
func (l *loop) register(state *group.State, now time.Time) {
	if l.proposing {
		return
	}
	name, c := l.unregistered(state)
	if c == nil {
		return
	}
	l.proposing = true
	l.commit(name, c, now, func(error) { l.proposing = false })
}

func (l *loop) unregistered(state *group.State) (string, group.Command) {
	if me := l.self(); state.Sentinels[l.id] != me {
		return "", &group.Join{Sentinel: me}
	}
	for id, r := range l.reports {
		if s := r.sentinel(); state.Sentinels[id] != s {
			return "", &group.Join{Sentinel: s}
		}
	}
	for _, m := range l.cfg.Monitors {
		if state.Groups[m.Name] == nil {
			return m.Name, createOf(m)
		}
	}
	return "", nil
}

func (l *loop) self() group.Sentinel {
	return group.Sentinel{ID: l.id, Addr: l.s.announced(), RunID: l.s.runID}
}

func createOf(m conf.Monitor) *group.Create {
	lease := m.Lease
	if !m.Fencing {
		lease = 0
	}
	return &group.Create{
		Name: m.Name, ID: randomID(), Master: m.Master, Nodes: m.Replicas,
		Settings: group.Settings{
			Quorum: m.Quorum, DownAfter: m.DownAfter, FailoverTimeout: m.FailoverTimeout, ParallelSyncs: m.ParallelSyncs,
			WriteAcks: m.WriteAcks, FastDown: m.FastDown, Strict: m.WriteAcksPolicy == "strict", Lease: lease, Available: m.Promotion == "available",
		},
	}
}

// recheck asks the others, and itself, once more before a failover begins.
func (l *loop) recheck(g *group.Group, a *failover.Answers, r failover.Recheck, now time.Time) {
	a.Rechecked(l.id, r.RunID, counts(g, a, l.verdict(g, now)))
	for id, p := range l.peers {
		p.call([]string{"HOLDFAST", "VERDICT", g.Name, r.RunID}, func(v resp.Value, err error) {
			if err == nil {
				a.Rechecked(id, r.RunID, counts(g, a, health.Verdict{Down: v.Int == verdictDown, Gone: v.Int == verdictGone, Dead: v.Int == verdictDead}))
			}
		})
	}
}

// failover is SENTINEL FAILOVER at the leader. done gets the error text for the
// client; nil when it has begun.
func (l *loop) failover(name string, force bool, done func(error)) {
	g := l.machine.state.Load().Groups[name]
	m := l.groups[name]
	switch {
	case !l.leads():
		done(consensus.ErrNotLeader)
		return
	case g == nil || m == nil || m.answers == nil:
		done(errNoSuchMaster)
		return
	}
	now := time.Now()
	c, err := failover.Planned(g, m.answers, force, now)
	if err != nil {
		done(err)
		return
	}
	l.log.Info("Executing user requested FAILOVER of '" + name + "'")
	l.commit(name, c, now, func(err error) {
		if errors.Is(err, group.ErrStale) {
			err = failover.ErrChanging // something else was committed first: look again
		}
		done(err)
	})
}
