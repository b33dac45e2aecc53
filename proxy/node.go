package proxy

import (
	"time"
)

// pair is a place in a history: a data epoch and a replication offset. Pairs
// compare lexicographically.
type pair struct{ epoch, offset uint64 }

func (p pair) less(q pair) bool {
	return p.epoch < q.epoch || p.epoch == q.epoch && p.offset < q.offset
}

// node is what a loop knows of one node, whatever it is just now.
type node struct {
	addr    string
	runID   string // of the process the last link spoke to; empty for a plain Redis
	native  bool
	known   pair   // a place that its history has certainly reached
	until   uint32 // it failed and is not tried before then, on the proxy's clock; 0: it works
	attempt int

	lag      time.Duration // as polled
	lagKnown bool
	rtt      time.Duration // smoothed; 0: not known
}

// nodeAt returns the node with an address, making it if need be.
func (l *loop) nodeAt(addr string) *node {
	for _, n := range l.nodes {
		if n.addr == addr {
			return n
		}
	}
	n := &node{addr: addr}
	l.nodes = append(l.nodes, n)
	return n
}

// greeted notes the process that a link speaks to. What was known of an earlier
// one may not hold for this one, which may have lost data.
func (n *node) greeted(runID string) {
	if n.runID != runID {
		n.runID, n.known = runID, pair{}
	}
}

// reached notes a place that the node's history has reached.
func (n *node) reached(p pair) {
	if n.known.less(p) {
		n.known = p
	}
}

// failed keeps the node from being tried for a while, longer each time.
func (n *node) failed(l *loop) {
	wait := min(firstRetry<<min(n.attempt, 10), time.Second)
	n.attempt++
	n.until = l.p.clock.now() + uint32(wait.Milliseconds())
}
