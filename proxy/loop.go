package proxy

import (
	"strconv"
	"strings"

	"holdfast/backend/netio"
	"holdfast/election/topology"
)

// loop is everything that one event loop owns: its clients, its lanes to the
// nodes, and its view of the group. Nothing of it is touched elsewhere.
type loop struct {
	p    *Proxy
	io   *netio.Loop
	topo *topology.Topology // nil until one is known

	clients     map[int64]*client
	finished    map[*client]struct{} // those of them that send no more
	sets        map[sessionKey]*laneSet
	nodes       []*node
	dirty       []*lane   // to be settled when the handler ends
	later       []*lane   // to be sent when the turn ends
	awake       []*client // have stopped in their input and can go on
	outrun      []*client // did not fit into the hold
	readers     []*client // wait for a replica
	slow        []*client // do not take their replies fast enough
	outrunTimer *netio.Timer
	private     int // lanes that belong to one client, idle ones too

	stats   stats
	scratch []byte // for frames that are composed here
}

func newLoop(p *Proxy, io *netio.Loop) *loop {
	l := &loop{p: p, io: io, clients: make(map[int64]*client), finished: make(map[*client]struct{}), sets: make(map[sessionKey]*laneSet)}
	io.Local = l
	io.OnHandled = l.settle
	io.OnTurnEnd = l.turnEnd
	l.setTopology(p.watch.Current())
	l.tidy()
	return l
}

// settle does what the handler that ends has left to do. One thing leads to
// another, so it goes on until nothing is left.
func (l *loop) settle() {
	for len(l.dirty) > 0 || len(l.awake) > 0 {
		for i := 0; i < len(l.dirty); i++ {
			l.dirty[i].settle()
		}
		clear(l.dirty)
		l.dirty = l.dirty[:0]
		for i := 0; i < len(l.awake); i++ {
			l.awake[i].goOn()
		}
		clear(l.awake)
		l.awake = l.awake[:0]
	}
}

// turnEnd sends what the clients of this turn have queued.
func (l *loop) turnEnd() {
	for i := 0; i < len(l.later); i++ {
		ln := l.later[i]
		ln.isLater = false
		ln.send()
	}
	clear(l.later)
	l.later = l.later[:0]
}

// wake has a client that has stopped in its input go on when the handler ends.
func (l *loop) wake(c *client) {
	if !c.isAwake {
		c.isAwake = true
		l.awake = append(l.awake, c)
	}
}

// masterServes tells whether the group has a master that takes requests.
func (l *loop) masterServes() bool {
	return l.topo != nil && l.topo.Serves()
}

// masterIsNative tells whether the topology's master is known to be a native node.
func (l *loop) masterIsNative() bool { return l.topo != nil && l.nodeAt(l.topo.Master.Addr).native }

// isMaster tells whether a link leads to the topology's master, and to the same
// process: a restarted master is not the master any more.
func (l *loop) isMaster(k *link) bool {
	if l.topo == nil || k.addr != l.topo.Master.Addr {
		return false
	}
	return l.topo.Master.RunID == "" || k.node.runID == "" || k.node.runID == l.topo.Master.RunID
}

// setTopology makes t the loop's view and has every lane follow it.
func (l *loop) setTopology(t *topology.Topology) {
	if t == nil {
		return
	}
	l.topo = t
	for _, s := range l.sets {
		s.follow(t)
	}
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

func itoa(n int) string { return strconv.Itoa(n) }

func upper(s string) string { return strings.ToUpper(s) }
