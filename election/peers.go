package election

import (
	"context"
	"encoding/json"
	"reflect"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/resp"
	"holdfast/election/internal/group"
	"holdfast/election/internal/health"
)

// report is what a sentinel tells the leader (HOLDFAST REPORT).
type report struct {
	ID       string                    `json:"id"`
	Addr     string                    `json:"addr"`
	RunID    string                    `json:"run_id"`
	Tilt     bool                      `json:"tilt"`
	Verdicts map[string]health.Verdict `json:"verdicts"` // by group
	Reached  map[string][]string       `json:"reached"`  // nodes that answer it, by group; sorted

	at time.Time // of receipt
}

func (r report) sentinel() group.Sentinel {
	return group.Sentinel{ID: r.ID, Addr: r.Addr, RunID: r.RunID}
}

// peer is another sentinel. All but the queue belongs to the loop.
type peer struct {
	id, addr string
	cancel   context.CancelFunc
	calls    chan peerCall

	health   health.Node
	pingAt   time.Time // of the last PING or REPORT sent
	waiting  bool      // for its reply
	reported report    // last one that it took, as the leader
	down     bool
}

type peerCall struct {
	args []string
	done func(resp.Value, error) // runs in the loop
}

// Pace of the talk between sentinels.
const (
	peerPing    = time.Second
	reportPace  = 250 * time.Millisecond
	peerWait    = time.Second // for a reply
	peerQueue   = 16
	peerRestart = 100 * time.Millisecond // between two dials
)

// meet keeps a connection to every other sentinel that the state knows.
func (l *loop) meet(state *group.State) {
	for id, s := range state.Sentinels {
		p := l.peers[id]
		if id == l.id || p != nil && p.addr == s.Addr {
			continue
		}
		if p != nil {
			p.cancel()
		}
		l.peers[id] = l.newPeer(id, s.Addr)
	}
}

func (l *loop) newPeer(id, addr string) *peer {
	ctx, cancel := context.WithCancel(l.ctx)
	p := &peer{id: id, addr: addr, cancel: cancel, calls: make(chan peerCall, peerQueue)}
	p.health.Start(time.Now())
	l.wg.Add(1)
	go func() { defer l.wg.Done(); l.talk(ctx, p) }()
	return p
}

// call queues a request to the sentinel; it is dropped when too many wait.
func (p *peer) call(args []string, done func(resp.Value, error)) {
	select {
	case p.calls <- peerCall{args: args, done: done}:
	default:
		done(resp.Value{}, context.DeadlineExceeded)
	}
}

// talk carries the requests, one at a time, over one connection that is made
// when it is needed.
func (l *loop) talk(ctx context.Context, p *peer) {
	var conn *client.Conn
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	var as client.Options // how conn was made
	var failed time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-p.calls:
			var v resp.Value
			var err error
			wait, cancel := context.WithTimeout(ctx, peerWait)
			if now := l.s.peerOptions(); conn != nil && (now.User != as.User || now.Password != as.Password) {
				conn.Close()
				conn = nil
			}
			if conn == nil || conn.Broken() != nil {
				if as = l.s.peerOptions(); time.Since(failed) < peerRestart {
					err = client.ErrClosed
				} else if conn, err = client.Dial(wait, p.addr, as); err != nil {
					failed = time.Now()
				}
			}
			if err == nil {
				v, err = conn.Do(wait, c.args...)
			}
			cancel()
			l.post(func() { c.done(v, err) })
		}
	}
}

// peerOptions are for connections to other sentinels, which have the same
// passwords as this one.
func (s *Sentinel) peerOptions() client.Options {
	now := s.settings.Config()
	o := client.Options{User: now.SentinelUser, Password: now.SentinelPass, TLS: s.secrets.outward}
	if o.Password == "" {
		o.User, o.Password = "", s.cfg.RequirePass
	}
	return o
}

// report tells the leader this sentinel's verdicts, on change and now and then,
// and PINGs the other sentinels.
func (l *loop) report(state *group.State, now time.Time) {
	leader := l.raft.Leader()
	if p := l.peers[leader]; p != nil && leader != l.id {
		r := l.ownReport(state, now)
		news := !reflect.DeepEqual(r, p.reported)
		if !p.waiting && (news && now.Sub(p.pingAt) > tick/10 || now.Sub(p.pingAt) >= reportPace) {
			p.sendReport(r, now)
		}
	}
	l.pingPeers(leader, now)
}

func (l *loop) ownReport(state *group.State, now time.Time) report {
	me := l.self()
	r := report{ID: me.ID, Addr: me.Addr, RunID: me.RunID, Tilt: l.tilt, Verdicts: map[string]health.Verdict{}, Reached: map[string][]string{}}
	for name, g := range state.Groups {
		r.Verdicts[name] = l.verdict(g, now)
		r.Reached[name] = l.groups[name].reached()
	}
	return r
}

func (p *peer) sendReport(r report, now time.Time) {
	b, err := json.Marshal(r)
	if err != nil { // no field of a report can fail to marshal
		panic(err)
	}
	p.pingAt, p.waiting = now, true
	p.call([]string{"HOLDFAST", "REPORT", string(b)}, func(v resp.Value, err error) {
		p.waiting = false
		if err == nil {
			p.reported = r
		}
		p.heard(v, err)
	})
}

// pingPeers PINGs the sentinels that are not reported to.
func (l *loop) pingPeers(leader string, now time.Time) {
	for id, p := range l.peers {
		if p.waiting || now.Sub(p.pingAt) < l.peerPace() || id == leader && !l.leads() {
			continue
		}
		p.pingAt, p.waiting = now, true
		p.call([]string{"PING"}, func(v resp.Value, err error) {
			p.waiting = false
			p.heard(v, err)
		})
	}
}

// peerPace is how often another sentinel is PINGed: often enough that it is not
// SDOWN between two PINGs.
func (l *loop) peerPace() time.Duration {
	pace := peerPing
	for _, g := range l.machine.state.Load().Groups {
		pace = min(pace, max(minPing, g.Settings.DownAfter/4))
	}
	return pace
}

// heard takes any reply for a sign of life, an error reply too.
func (p *peer) heard(v resp.Value, err error) {
	if err == nil || v.Kind == '-' {
		p.health.Replied("", time.Now())
	}
}

// judgePeer says +sdown and -sdown of another sentinel, for each group.
func (l *loop) judgePeer(state *group.State, id string, p *peer, now time.Time) {
	s := state.Sentinels[id]
	p.down = false
	for name, g := range state.Groups {
		down := p.health.Down(now, g.Settings.DownAfter)
		p.down = p.down || down
		l.events.sdown(name, peerKey+id, g.Other("sentinel", s.RunID, s.Addr), down)
	}
}

// takeReport is HOLDFAST REPORT at the leader. It reports whether this sentinel
// leads.
func (l *loop) takeReport(r report) bool {
	if !l.leads() {
		return false
	}
	r.at = time.Now()
	l.reports[r.ID] = r
	return true
}
