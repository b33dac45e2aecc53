package election

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"holdfast/conf"
	"holdfast/election/internal/failover"
	"holdfast/election/internal/group"
	"holdfast/election/internal/health"
)

// Pace of the loop. Everything of interest wakes it; the tick is for what
// happens by not happening.
const (
	tick      = 100 * time.Millisecond
	inboxSize = 256
)

// proposer is what the loop needs of raft. The tests that kill a leader at a
// step of a failover put theirs in between.
type proposer interface {
	Propose(ctx context.Context, entry []byte) error
	Barrier(timeout time.Duration) error
	Verify() error
	Transfer(id string) error
	Leadership() <-chan bool
	IsLeader() bool
	Leader() string
	Term() uint64
}

// loop is the sentinel's only actor. One turn observes, judges, proposes,
// steps and acts; none of it blocks. Its fields belong to its goroutine; others
// reach it through post.
type loop struct {
	s       *Sentinel
	cfg     *conf.SentinelConfig
	id      string
	log     *slog.Logger
	machine *machine
	events  *events
	raft    proposer

	inbox chan func()
	ended chan struct{}  // closed when run returns
	wg    sync.WaitGroup // everything started by the loop
	ctx   context.Context

	term      uint64 // of which this sentinel is the leader and has applied all entries before it; 0: it is not
	groups    map[string]*monitored
	peers     map[string]*peer  // other sentinels, by raft id
	reports   map[string]report // newest of each other sentinel, at the leader
	clock     health.Clock
	tilt      bool
	tiltSince time.Time
	handover  handover
	proposing bool      // an entry of no group is under way
	wakeAt    time.Time // of the next turn that failover asked for; zero: none
}

func newLoop(s *Sentinel) *loop {
	l := &loop{
		s: s, cfg: s.cfg, id: s.id, log: s.log, machine: s.machine, events: s.events, raft: s.raft,
		inbox: make(chan func(), inboxSize), ended: make(chan struct{}),
		groups: map[string]*monitored{}, peers: map[string]*peer{}, reports: map[string]report{},
	}
	if s.wrap != nil {
		l.raft = s.wrap(l.raft)
	}
	return l
}

// post has f run in the loop. It waits for a place, and reports false when the
// loop has ended.
func (l *loop) post(f func()) bool {
	select {
	case l.inbox <- f:
		return true
	case <-l.ended:
		return false
	}
}

// run is the loop. It returns when ctx has ended and everything it started has.
func (l *loop) run(ctx context.Context) {
	var cancel context.CancelFunc
	l.ctx, cancel = context.WithCancel(ctx)
	defer func() { cancel(); close(l.ended); l.wg.Wait() }()
	l.start(l.followLeadership)
	l.followFile()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	wake := time.NewTimer(time.Hour)
	defer wake.Stop()
	for {
		l.turn(time.Now())
		if !l.wakeAt.IsZero() {
			wake.Reset(time.Until(l.wakeAt))
		}
		select {
		case <-ctx.Done():
			return
		case f := <-l.inbox:
			f()
			l.drain()
		case <-l.machine.changed:
		case <-ticker.C:
		case <-wake.C:
		}
	}
}

// drain takes what else is waiting, so that a burst of answers is one turn.
func (l *loop) drain() {
	for range inboxSize {
		select {
		case f := <-l.inbox:
			f()
		default:
			return
		}
	}
}

// start runs f until the loop ends.
func (l *loop) start(f func(ctx context.Context)) {
	l.wg.Add(1)
	go func() { defer l.wg.Done(); f(l.ctx) }()
}

// turn is one turn. The state is read once: what is decided in a turn is
// decided upon one state.
func (l *loop) turn(now time.Time) {
	l.wakeAt = time.Time{}
	state := l.machine.state.Load()
	l.observe(state)
	l.judge(state, now)
	if !l.leads() {
		l.report(state, now)
		return
	}
	l.pingPeers(l.id, now)
	l.register(state, now)
	l.handOver(state, now)
	for _, name := range state.Names() {
		g, m := state.Groups[name], l.groups[name]
		a := l.answers(g, m, now)
		l.vote(g, m, a, now)
		plan := failover.Step(g, a, now)
		l.act(g, m, a, plan, now)
	}
}

func (l *loop) leads() bool { return l.term > 0 && l.raft.IsLeader() }

// followLeadership tells the loop when this sentinel leads. A leader acts only
// after everything committed before its term is applied here: otherwise it
// would decide upon a state that others have moved on from.
func (l *loop) followLeadership(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case leads := <-l.raft.Leadership():
			var term uint64
			if leads {
				if l.raft.Barrier(barrierWait) != nil {
					continue // not the leader any more; that will be told too
				}
				term = l.raft.Term()
			}
			l.post(func() { l.lead(term) })
		}
	}
}

const barrierWait = 5 * time.Second

// lead begins or ends this sentinel's term.
func (l *loop) lead(term uint64) {
	if term == l.term {
		return
	}
	l.term = term
	l.reports = map[string]report{}
	for _, m := range l.groups {
		m.answers = nil
		for _, w := range m.nodes {
			w.rest()
		}
	}
	if term > 0 {
		l.log.Info("This sentinel leads", "term", term)
	}
}

// answers returns this term's memory of a group. A new one begins with what
// the probes have seen already.
func (l *loop) answers(g *group.Group, m *monitored, now time.Time) *failover.Answers {
	if m.answers == nil {
		m.answers = failover.NewAnswers(l.term, now)
		for addr, w := range m.nodes {
			switch {
			case w.connected:
				m.answers.Connected(addr, w.control, w.hello)
			case w.lost:
				m.answers.Lost(addr, false, now)
			}
		}
	}
	m.asking(g, l.term)
	m.answers.Heard(l.id, l.tilt, now)
	for id, r := range l.reports {
		m.answers.Heard(id, r.Tilt, r.at)
	}
	for addr, w := range m.nodes {
		m.answers.Judged(addr, w.down)
	}
	return m.answers
}
