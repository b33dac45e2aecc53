package election

import (
	"context"
	"reflect"
	"slices"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/netio/process"
	"holdfast/conf"
	"holdfast/election/internal/failover"
	"holdfast/election/internal/group"
	"holdfast/election/internal/health"
	"holdfast/election/internal/native"
	"holdfast/election/internal/probe"
)

// monitored is one group as this sentinel watches it. It belongs to the loop.
type monitored struct {
	name    string
	nodes   map[string]*watched
	answers *failover.Answers // of this sentinel's term; nil while it does not lead
}

// watched is one node as this sentinel sees it.
type watched struct {
	addr   string
	probe  *probe.Probe
	tuning probe.Tuning // of the probe
	cancel context.CancelFunc
	asked  native.Request // what the probe sends in place of PING; zero: PING
	health health.Node
	down   bool      // SDOWN, as last judged
	since  time.Time // of down

	connected bool
	lost      bool // a connection was lost or could not be made
	hello     *native.Hello
	barred    string // the node keeps this sentinel's user out, and says so
	control   string

	info   map[string]string // of INFO
	text   string            // of INFO
	infoAt time.Time
	pongAt time.Time // of any reply
}

// observe starts probes for the nodes of the state, and ends those of nodes it
// has no more.
func (l *loop) observe(state *group.State) {
	for name, g := range state.Groups {
		m := l.groups[name]
		if m == nil {
			m = &monitored{name: name, nodes: map[string]*watched{}}
			l.groups[name] = m
		}
		tuning := l.tuning(g)
		for addr, n := range g.Nodes {
			if m.nodes[addr] == nil {
				m.nodes[addr] = l.watch(m, n, tuning)
			}
			m.nodes[addr].tune(tuning)
			m.nodes[addr].probe.Trouble(g.Phase != group.Stable || m.nodes[addr].down)
		}
		for addr, w := range m.nodes {
			if _, known := g.Nodes[addr]; !known {
				w.cancel()
				delete(m.nodes, addr)
			}
		}
	}
	l.meet(state)
}

// reached are the addresses of the nodes that are connected and not down, sorted.
func (m *monitored) reached() (addrs []string) {
	for addr, w := range m.nodes {
		if w.connected && !w.down {
			addrs = append(addrs, addr)
		}
	}
	slices.Sort(addrs)
	return addrs
}

func (l *loop) monitorOf(name string) conf.Monitor {
	for _, m := range l.cfg.Monitors {
		if m.Name == name {
			return m
		}
	}
	return conf.Monitor{Name: name}
}

// watch starts the probe of a node.
func (l *loop) watch(m *monitored, n group.Node, tuning probe.Tuning) *watched {
	w := &watched{addr: n.Addr, tuning: tuning}
	w.health.Start(time.Now())
	w.probe = probe.New(probe.Options{
		Addr: n.Addr, Control: n.Control, Tuning: tuning,
		Client: client.Options{TLS: l.s.secrets.outward},
		Sink:   func(r probe.Report) { l.post(func() { l.seen(m, w, r) }) },
	})
	ctx, cancel := context.WithCancel(l.ctx)
	w.cancel = cancel
	l.wg.Add(1)
	go func() { defer l.wg.Done(); w.probe.Run(ctx) }()
	return w
}

// tuning is how the nodes of a group are probed: as the committed settings say,
// and as the file says where those are silent.
func (l *loop) tuning(g *group.Group) probe.Tuning {
	file, downAfter := l.monitorOf(g.Name), g.Settings.DownAfter
	return probe.Tuning{
		User: valueOr(g.Settings.AuthUser, file.AuthUser), Password: valueOr(g.Settings.AuthPass, file.AuthPass),
		Interval: min(maxPing, max(minPing, downAfter/5)),
		Timeout:  min(maxWait, max(minWait, downAfter/2)),
	}
}

func valueOr(set *string, otherwise string) string {
	if set != nil {
		return *set
	}
	return otherwise
}

func (w *watched) tune(t probe.Tuning) {
	if t != w.tuning {
		w.tuning = t
		w.probe.Tune(t)
	}
}

// Bounds of a probe's pace: often enough that a silence is noticed within
// down-after, seldom enough to cost nothing.
const (
	minPing = 20 * time.Millisecond
	maxPing = 500 * time.Millisecond
	minWait = time.Second // a slow disk under a SEAL must not cost the connection
	maxWait = 5 * time.Second
)

// asking keeps the probes of a leader asking what belongs to the state; those of
// the master grant it its lease where it needs one.
func (m *monitored) asking(g *group.Group, term uint64) {
	r := native.ProbeOf(g.ID, term, g.Epoch, g.Holders.Version)
	lease, leased := m.answers.Grant(g)
	for addr, w := range m.nodes {
		if leased && addr == lease.Addr {
			w.ask(r.Granting(lease.Nonce, lease.For))
		} else {
			w.ask(r)
		}
	}
}

// ask has the probe send r from now on, and at once when that is news.
func (w *watched) ask(r native.Request) {
	if reflect.DeepEqual(r, w.asked) {
		return
	}
	w.asked = r
	w.probe.Ask(&r)
	w.probe.Now()
}

// rest has the probe send PING again.
func (w *watched) rest() {
	w.asked = native.Request{}
	w.probe.Ask(nil)
}

// seen takes a probe's report.
func (l *loop) seen(m *monitored, w *watched, r probe.Report) {
	if m.nodes[w.addr] != w {
		return
	}
	a := m.answers
	switch r.Kind {
	case probe.Connected:
		w.connected, w.lost, w.hello, w.control = true, false, r.Hello, r.Control
		if w.barred != r.Barred && r.Barred != "" {
			l.log.Warn("A node does not let this sentinel in: see auth-pass and auth-user", "node", w.addr, "error", r.Barred)
		}
		w.barred = r.Barred
		if r.Hello != nil {
			w.replied(r.RunID, r.At)
		}
		if a != nil {
			a.Connected(w.addr, r.Control, r.Hello)
			a.Barred(w.addr, r.Barred)
		}
	case probe.Lost:
		w.connected, w.lost = false, true
		l.look(w)
		w.health.Lost(lossOf(r), r.At)
		if a != nil {
			a.Lost(w.addr, r.Refused, r.At)
		}
	case probe.Replied:
		w.pongAt = r.At
		if health.ValidReply(r.Text) {
			w.replied(w.runIDOf(r), r.At)
		}
	case probe.Probed:
		w.replied(r.RunID, r.At)
		if r.Probe != nil {
			w.health.Role(r.Probe.Role != native.RoleMaster, r.At)
		}
		if a != nil {
			a.Probed(w.addr, r.Probe, r.Err, r.At)
		}
	case probe.Informed:
		w.informed(r.Text, r.At)
	case probe.Answered:
		l.answered(m, r)
	}
}

// look sees whether the process that answered last is gone, where this machine can
// tell: it is the node's too.
func (l *loop) look(w *watched) {
	if w.connected || w.hello == nil || w.health.Dead() || w.hello.RunID != w.health.RunID() {
		return
	}
	if process.Gone(w.hello.Process) {
		w.health.Died()
		l.log.Warn("A node's process does not exist any more", "node", w.addr, "run-id", w.hello.RunID)
	}
}

func lossOf(r probe.Report) health.Loss {
	switch {
	case r.Refused:
		return health.Refused
	case r.Broken:
		return health.Broken
	}
	return health.Silent
}

func (w *watched) replied(runID string, at time.Time) {
	w.pongAt = at
	w.health.Replied(runID, at)
}

// runIDOf is the process that sent a report; that of a plain Redis is known
// from its INFO.
func (w *watched) runIDOf(r probe.Report) string {
	if r.RunID != "" {
		return r.RunID
	}
	return w.info["run_id"]
}

func (w *watched) informed(text string, at time.Time) {
	w.text, w.info, w.infoAt = text, parseInfo(text), at
	if role := w.info["role"]; role != "" {
		w.health.Role(role != "master", at)
	}
}

// answered takes the outcome of a request that act sent.
func (l *loop) answered(m *monitored, r probe.Report) {
	sent := r.Token.(sent)
	if m.answers != sent.by {
		return // of an earlier term
	}
	var sealed native.Sealed
	err := r.Err
	if err == nil && sent.call.Kind == native.KindSeal {
		sealed, err = native.ParseSealed(r.Value)
	}
	if m.answers.Answered(sent.call, sealed, r.Value.Int, err, r.At) {
		l.log.Info("A node refused or failed", "node", sent.call.Addr, "request", string(sent.call.Kind), "epoch", sent.call.Epoch, "error", err.Error())
	}
}
