package failover

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/resp"
	"holdfast/election/internal/native"
)

// record is one unit of a history; epoch marks are records too.
type record struct {
	id    int    // of a write; 0 in an epoch mark
	epoch uint64 // of an epoch mark
}

// modelNode is a node of the model: what the protocol asks of one, without I/O.
type modelNode struct {
	w    *world
	addr string

	promised uint64 // on disk

	alive, frozen bool
	run           int // process; 0 before the first
	history       []record
	role          string
	acted         uint64
	master        string // that it follows
	link          int    // connection to the master; each new one has a new number
	sending       bool   // a message of that connection is under way
	streaming     bool
	serving       bool
	draining      bool
	inForce       pair
	pending       *pair
	acks          map[string]ack // of replicas, by incarnation
	released      int            // offset up to which writes were answered
	lease         time.Duration  // on its own clock: until when it may serve with N = 0
}

type ack struct {
	addr   string
	offset int
}

type pair struct {
	version uint64
	n       int
	members []string
	noted   int
}

func (n *modelNode) runID() string       { return fmt.Sprintf("%s/run%d", n.addr, n.run) }
func (n *modelNode) incarnation() string { return fmt.Sprintf("%s/inc%d", n.addr, n.run) }

func (n *modelNode) dataEpoch() uint64 {
	for i := len(n.history) - 1; i >= 0; i-- {
		if n.history[i].id == 0 {
			return n.history[i].epoch
		}
	}
	return 0
}

// start begins a new process without memory.
func (n *modelNode) start() {
	*n = modelNode{w: n.w, addr: n.addr, promised: n.promised, run: n.run + 1, alive: true, role: native.RoleNone, acks: map[string]ack{}}
}

func (n *modelNode) cut() { n.link, n.streaming, n.sending = n.w.number(), false, false }

func (n *modelNode) position() native.Sealed {
	return native.Sealed{RunID: n.runID(), Incarnation: n.incarnation(), Promised: n.promised, DataEpoch: n.dataEpoch(), Offset: int64(len(n.history))}
}

// obey carries out a request as package backend documents it.
func (n *modelNode) obey(c Call, args pair) (sealed native.Sealed, offset int64, err error) {
	switch {
	case c.Epoch < n.promised:
		return sealed, 0, resp.Error(fmt.Sprintf("STALE promised epoch is %d", n.promised))
	case c.Kind == native.KindSeal:
		if c.Epoch > n.promised {
			n.promised = c.Epoch
			n.cut()
			n.role, n.serving, n.pending = native.RoleNone, false, nil
		}
		return n.position(), 0, nil
	case c.Kind == native.KindPromote:
		return sealed, 0, n.promote(c.Epoch, c.Args[4], args)
	case c.Kind == native.KindFollow:
		return sealed, 0, n.follow(c.Epoch, strings.Join(c.Args[4:6], ":"))
	case n.role != native.RoleMaster || n.acted != c.Epoch:
		return sealed, 0, resp.Error("NOTMASTER")
	case c.Kind == native.KindDrain:
		n.draining, n.serving = true, false
		return sealed, int64(len(n.history)), nil
	}
	if n.pending == nil && args.version > n.inForce.version || n.pending != nil && args.version > n.pending.version {
		args.noted = len(n.history)
		n.pending = &args
		if n.w.fault == takesAtOnce && n.inForce.version > 0 {
			n.inForce, n.pending = args, nil
		}
	}
	return sealed, 0, nil
}

func (n *modelNode) promote(epoch uint64, runID string, h pair) error {
	switch {
	case runID != n.runID():
		return resp.Error("NOTRUNID")
	case n.acted == epoch && n.role == native.RoleMaster:
		return nil
	case n.acted >= epoch:
		return resp.Error(fmt.Sprintf("STALE promised epoch is %d", n.promised))
	}
	n.cut()
	n.promised, n.acted, n.role, n.draining, n.serving = epoch, epoch, native.RoleMaster, false, false
	n.history = append(n.history, record{epoch: epoch})
	h.noted = len(n.history)
	n.inForce, n.pending, n.acks, n.released, n.lease = pair{}, &h, map[string]ack{}, len(n.history), 0
	return nil
}

func (n *modelNode) follow(epoch uint64, master string) error {
	if n.role == native.RoleReplica && n.master == master && n.acted == epoch {
		return nil
	}
	n.cut()
	n.promised, n.acted, n.role, n.master, n.serving, n.pending = epoch, epoch, native.RoleReplica, master, false, nil
	return nil
}

// clock is the node's own, which runs at a rate of its own.
func (n *modelNode) clock() time.Duration {
	return time.Duration(float64(n.w.now.Sub(n.w.began)) * n.w.rates[n.addr])
}

// granted takes a lease that a probe grants.
func (n *modelNode) granted(l Lease) {
	run, at, _ := strings.Cut(l.Nonce, "@")
	if run != n.runID() || l.Epoch != n.acted {
		return
	}
	issued, _ := strconv.ParseInt(at, 10, 64)
	if n.w.fault == countsFromReceipt {
		issued = int64(n.clock())
	}
	n.lease = max(n.lease, time.Duration(issued)+l.For-max(20*time.Millisecond, l.For/20))
}

// mayServe tells whether the node has the right to serve at this moment.
func (n *modelNode) mayServe() bool {
	leased := n.inForce.n == 0 || n.pending != nil && n.pending.n == 0
	return !leased || n.clock() < n.lease || n.w.fault == ignoresLeases
}

// probe answers PROBE and takes the news in it.
func (n *modelNode) probe(epoch, version uint64, l Lease) *native.Probe {
	n.granted(l)
	heard := n.pending != nil && n.pending.version == version && n.acted == epoch && n.role == native.RoleMaster
	if heard && (n.w.fault != saysWithoutTaking || n.inForce.version == 0) {
		n.inForce, n.pending = *n.pending, nil
		n.serving = !n.draining
	}
	p := &native.Probe{Sealed: n.position(), Role: n.role, Serving: n.serving, Priority: 100, HoldersVersion: n.inForce.version, Addr: n.addr,
		Nonce: fmt.Sprintf("%s@%d", n.runID(), n.clock())}
	if heard {
		p.HoldersVersion = version
	}
	if n.pending != nil {
		p.HoldersPending, p.HoldersReady = n.pending.version, n.confirmed(*n.pending, n.pending.noted) || n.w.fault == readyAtOnce
	}
	switch {
	case n.role == native.RoleReplica:
		p.MasterAddr, p.Link = n.master, map[bool]string{true: native.LinkUp, false: native.LinkDown}[n.streaming]
	default:
		p.Link = native.LinkNone
	}
	for incarnation, a := range n.acks {
		r := n.w.nodes[a.addr]
		if r.incarnation() == incarnation && r.streaming && r.master == n.addr {
			p.Replicas = append(p.Replicas, native.Replica{Addr: r.addr, RunID: r.runID(), Incarnation: incarnation, Acked: int64(a.offset), State: native.StateOnline})
		}
	}
	slices.SortFunc(p.Replicas, func(a, b native.Replica) int { return strings.Compare(a.Incarnation, b.Incarnation) })
	return p
}

func (n *modelNode) confirmed(h pair, at int) bool {
	have := 0
	for incarnation, a := range n.acks {
		if (slices.Contains(h.members, incarnation) || n.w.fault == countsAnybody) && a.offset >= at {
			have++
		}
	}
	return have >= h.n
}

// write appends a client's write; its answer leaves with release.
func (n *modelNode) write(id int) {
	if n.serving && !n.frozen && n.mayServe() {
		n.history = append(n.history, record{id: id})
	}
}

// release answers the writes that both pairs allow.
func (n *modelNode) release() {
	for n.alive && !n.frozen && n.role == native.RoleMaster && n.inForce.version > 0 && n.released < len(n.history) && n.mayServe() {
		at := n.released + 1
		old, next := n.confirmed(n.inForce, at), n.pending == nil || n.confirmed(*n.pending, at)
		switch {
		case n.w.fault == heedsOldPairAlone:
			next = true
		case n.w.fault == heedsNewPairAlone && n.pending != nil:
			old = true
		}
		if !old || !next {
			return
		}
		n.released = at
		n.w.answered(n, n.history[at-1], at)
	}
}

// replicate moves the stream of a replica on by one message each way. What is
// under way belongs to the connection it was sent on.
func (n *modelNode) replicate(r *rand.Rand) {
	m := n.w.nodes[n.master]
	if m != nil && n.w.island[n.addr] != n.w.island[m.addr] {
		return
	}
	if !n.alive || n.frozen || n.sending || n.role != native.RoleReplica || m == nil || !m.alive || m.frozen || m.role != native.RoleMaster || m.acted != n.acted {
		return
	}
	link, run := n.link, m.run
	whole := slices.Clone(m.history[:min(len(m.history), len(n.history)+1+r.IntN(4))])
	if len(whole) < len(n.history) || !slices.Equal(whole[:len(n.history)], n.history) {
		whole = slices.Clone(m.history) // a full copy, swapped in whole
	}
	n.sending = true
	n.w.later(r.IntN(4), func() {
		if n.link == link {
			n.sending = false
		}
		if n.link != link || !n.alive || n.frozen || n.role != native.RoleReplica {
			return
		}
		n.history, n.streaming = whole, true
		a := ack{addr: n.addr, offset: len(n.history)}
		incarnation, epoch := n.incarnation(), n.acted
		n.w.later(r.IntN(4), func() {
			if m.run == run && m.acted == epoch && m.role == native.RoleMaster {
				m.acks[incarnation] = ack{addr: a.addr, offset: max(a.offset, m.acks[incarnation].offset)}
			}
		})
	})
}
