package election

import (
	"time"

	"holdfast/election/internal/failover"
	"holdfast/election/internal/group"
	"holdfast/election/internal/health"
)

// judge forms this sentinel's own verdicts. In TILT it has none.
func (l *loop) judge(state *group.State, now time.Time) {
	lost, tilt := l.clock.Step(now, tick)
	if lost > 0 {
		l.forgive(lost)
	}
	l.setTilt(tilt, now)
	if tilt {
		return
	}
	for name, g := range state.Groups {
		for addr, w := range l.groups[name].nodes {
			l.look(w)
			w.health.Expect(masterEpoch(g, addr), now)
			down := w.health.Down(now, g.Settings.DownAfter)
			if down != w.down {
				w.down, w.since = down, now
			}
			agreed := addr == g.Opened.Addr && g.Attempt.ODown
			l.events.sdown(name, addr, g.Instance(addr), down || agreed)
		}
	}
	for id, p := range l.peers {
		l.judgePeer(state, id, p, now)
	}
}

// masterEpoch is the epoch in which the node at addr serves as the master, 0
// when it does not.
func masterEpoch(g *group.Group, addr string) uint64 {
	if addr == g.Master.Addr && g.Serving() {
		return g.Epoch
	}
	return 0
}

// forgive takes back time in which this process did not run.
func (l *loop) forgive(lost time.Duration) {
	for _, m := range l.groups {
		for _, w := range m.nodes {
			w.health.Shift(lost)
		}
	}
	for _, p := range l.peers {
		p.health.Shift(lost)
	}
}

func (l *loop) setTilt(tilt bool, now time.Time) {
	switch {
	case tilt && !l.tilt:
		l.tiltSince = now
		l.events.say("+tilt", "#tilt mode entered")
	case !tilt && l.tilt:
		l.events.say("-tilt", "#tilt mode exited")
	}
	l.tilt = tilt
}

// verdict is this sentinel's on a group's master.
func (l *loop) verdict(g *group.Group, now time.Time) health.Verdict {
	v := health.Verdict{RunID: g.Master.RunID}
	m := l.groups[g.Name]
	if l.tilt || m == nil || m.nodes[g.Master.Addr] == nil || g.Master.RunID == "" {
		return v
	}
	return m.nodes[g.Master.Addr].health.Judge(g.Master.RunID, now, g.Settings.DownAfter)
}

// vote commits what the sentinels say of the master, where it differs from
// what is committed.
func (l *loop) vote(g *group.Group, m *monitored, a *failover.Answers, now time.Time) {
	if g.Master.RunID == "" || a.Committing {
		return
	}
	news := map[string]bool{}
	say := func(id string, v health.Verdict) {
		if v.Dead {
			a.Died(v.RunID)
		}
		old, down := g.Verdicts[id], counts(g, a, v)
		if v.RunID == g.Master.RunID && down != (old.Down && old.RunID == v.RunID) {
			news[id] = down
		}
	}
	say(l.id, l.verdict(g, now))
	for id, r := range l.reports {
		if v, ok := r.Verdicts[g.Name]; ok {
			say(id, v)
		}
	}
	if len(news) > 0 {
		a.Committing = true
		l.propose(g, a, &group.Judge{RunID: g.Master.RunID, Down: news}, now)
	}
}

// counts tells whether a verdict says that the master is down. With fast-down it is
// enough that the process does not exist any more, or that nobody listens there, once
// a replica says that its link to the master broke: a sentinel's own host may be what
// refuses.
func counts(g *group.Group, a *failover.Answers, v health.Verdict) bool {
	return v.Down || g.Settings.FastDown && (v.Dead || v.Gone && a.LinkBroke(g))
}
