package failover

import (
	"slices"
	"time"

	"holdfast/election/internal/group"
	"holdfast/election/internal/native"
)

// Answers is what one leader has heard about one group since it leads. It
// belongs to one goroutine.
type Answers struct {
	Term       uint64 // raft's; nodes are told it
	Committing bool   // a proposal is under way: Step makes no other

	nodes     map[string]*node
	sentinels map[string]time.Time // when each was last heard and not in TILT
	recheck   recheck
	lease     leasing
	phase     seenPhase
	drained   drained
	newcomers map[string]time.Time // since when an unknown replica is seen
}

// NewAnswers begins a leader's memory of a group, after its election.
func NewAnswers(term uint64, now time.Time) *Answers {
	return &Answers{Term: term, lease: leasing{since: now}, nodes: map[string]*node{}, sentinels: map[string]time.Time{}}
}

// node is what was heard of one node.
type node struct {
	hello    *native.Hello // of the connection; nil while there is none
	control  string
	plain    bool   // answers, and does not speak the native protocol
	barred   string // why it does not, where it keeps this sentinel's user out
	lost     bool   // no connection, and at least one attempt says so
	lostAt   time.Time
	refused  int  // dials in a row that were refused
	down     bool // SDOWN for this sentinel
	probe    *native.Probe
	probedAt time.Time
	probing  bool          // a probe asked for by Step is under way
	promised uint64        // from a -STALE refusal, where there is no probe
	wrong    string        // text of a -WRONGGROUP refusal
	sealed   native.Sealed // its answer to SEAL sealEpoch
	sealFor  uint64        // 0: none
	onlineAt time.Time     // last moment it was seen streaming from the master
	calls    map[native.Kind]*call
}

// call is the last request of a kind.
type call struct {
	epoch, version uint64
	at             time.Time // of sending, then of the outcome
	busy, ok       bool
	err            error
	fails          int
}

// recheck is the question put to every sentinel before a failover begins: is
// the master still down for you?
type recheck struct {
	runID string
	at    time.Time
	down  map[string]bool
}

type seenPhase struct {
	epoch uint64
	phase group.Phase
	at    time.Time
}

type drained struct {
	epoch  uint64
	offset int64
	at     time.Time
}

func (a *Answers) node(addr string) *node {
	n := a.nodes[addr]
	if n == nil {
		n = &node{calls: map[native.Kind]*call{}}
		a.nodes[addr] = n
	}
	return n
}

// Connected records a new connection to a node and who answered. A nil hello
// is a plain Redis.
func (a *Answers) Connected(addr, control string, hello *native.Hello) {
	n := a.node(addr)
	n.lost, n.refused, n.plain, n.barred, n.hello = false, 0, hello == nil, "", hello
	if hello == nil {
		return
	}
	n.control = control
	for _, c := range n.calls {
		c.fails = 0
	}
	n.sameProcess(hello.RunID)
}

// Barred records why a node that has just been connected says nothing of itself: it
// keeps this sentinel's user out.
func (a *Answers) Barred(addr, why string) { a.node(addr).barred = why }

// sameProcess drops what another process at the address had said.
func (n *node) sameProcess(runID string) {
	if n.sealFor > 0 && n.sealed.RunID != runID {
		n.sealFor = 0
	}
	if n.probe != nil && n.probe.RunID != runID {
		n.probe, n.promised, n.wrong = nil, 0, ""
	}
}

// Lost records that there is no connection to a node; refused says that a dial
// was refused by a living host, so no process listens. Its answer to SEAL does
// not count any more: the process may be gone, and with it what it held. One
// that still runs gives the same answer again.
func (a *Answers) Lost(addr string, refused bool, now time.Time) {
	n := a.node(addr)
	if !n.lost {
		n.lostAt = now
	}
	n.lost, n.hello, n.probing, n.sealFor = true, nil, false, 0
	delete(n.calls, native.KindSeal) // so that it is asked again as soon as it is back
	if refused {
		n.refused++
	} else {
		n.refused = 0
	}
}

// Judged records this sentinel's own verdict on a node.
func (a *Answers) Judged(addr string, down bool) { a.node(addr).down = down }

// Probed records a node's answer to PROBE, or its refusal.
func (a *Answers) Probed(addr string, p *native.Probe, err error, now time.Time) {
	n := a.node(addr)
	n.probing = false
	switch native.RefusalOf(err) {
	case native.Stale:
		n.promised = max(n.promised, native.PromisedIn(err))
	case native.WrongGroup:
		n.wrong = err.Error()
	}
	if err != nil || p == nil {
		return
	}
	n.sameProcess(p.RunID)
	n.probe, n.probedAt, n.promised, n.wrong = p, now, p.Promised, ""
}

// Answered records the outcome of a Call. sealed is the answer to SEAL, offset
// that to DRAIN. It reports whether the outcome is a failure that the last
// attempt did not have, which is worth a line in the log.
func (a *Answers) Answered(c Call, sealed native.Sealed, offset int64, err error, now time.Time) (news bool) {
	n := a.node(c.Addr)
	k := n.calls[c.Kind]
	if k == nil || k.epoch != c.Epoch || k.version != c.Version {
		return false // of an older epoch: an answer is never used for another one
	}
	k.busy, k.ok, k.err, k.at = false, err == nil, err, now
	if err != nil {
		k.fails++
		n.promised = max(n.promised, native.PromisedIn(err))
		return k.fails == 1
	}
	switch c.Kind {
	case native.KindSeal:
		if sealed.Promised == c.Epoch {
			n.sealed, n.sealFor = sealed, c.Epoch
		}
	case native.KindDrain:
		a.drained = drained{epoch: c.Epoch, offset: offset, at: now}
	}
	return false
}

// Heard records that a sentinel was heard from. One in TILT has no verdict.
func (a *Answers) Heard(sentinel string, tilt bool, now time.Time) {
	if tilt {
		delete(a.sentinels, sentinel)
		return
	}
	a.sentinels[sentinel] = now
}

// Rechecked records a sentinel's answer to Recheck.
func (a *Answers) Rechecked(sentinel, runID string, down bool) {
	if a.recheck.runID == runID && a.recheck.down != nil {
		a.recheck.down[sentinel] = down
	}
}

// Down tells this sentinel's verdict on a node, as Judged last recorded it.
func (a *Answers) Down(addr string) bool { return a.node(addr).down }

// Probe returns a node's last answer to PROBE, nil before the first.
func (a *Answers) Probe(addr string) *native.Probe { return a.node(addr).probe }

// LinkBroke tells whether a replica has said, since this sentinel lost the master,
// that its link to it is down.
func (a *Answers) LinkBroke(g *group.Group) bool {
	m := a.node(g.Master.Addr)
	return m.lost && slices.ContainsFunc(g.Others(), func(addr string) bool {
		n := a.node(addr)
		return n.probe != nil && n.probedAt.After(m.lostAt) && n.probe.Link == native.LinkDown && n.probe.MasterAddr == g.Master.Addr
	})
}
