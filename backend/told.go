package backend

import "holdfast/backend/internal/repl"

// A master tells its replicas along the stream which pairs (H, N) have a say and, as
// far as any of them cannot know it by itself, what they have confirmed. By that a
// replica holds its replies back as the master does.

// counts is how much of a replica's data counts as held by it.
func (n *Node) counts() uint64 {
	if _, _, must := (*follower)(n).Durable(); must {
		return n.horizon.Synced()
	}
	return repl.Everything
}

// sayHolders puts into the stream which pairs have a say from here on, if that has
// changed. One that the barrier holds back is said when it opens. The engine lock is
// held.
func (n *Node) sayHolders() {
	if !n.unit.leads {
		return
	}
	if pairs, ok := n.confirm.Pairs(); ok {
		n.unit.record(func() bool { return n.stream.Holders(pairs) })
	}
}

// tellSoon has what is new of confirmations told, by a loop if the node has had a
// connection yet. They come in quick succession: while one telling is on its way, no
// further is begun.
func (n *Node) tellSoon() {
	if n.telling.Swap(true) {
		return
	}
	if loops := n.server.Loops(); len(loops) > 0 {
		loops[0].Post(n.tellNow)
	} else if n.life.Err() == nil {
		n.background(n.tellNow)
	}
}

func (n *Node) tellNow() {
	n.telling.Store(false)
	n.mu.LockParted()
	n.tellReplicas()
	wake := n.unit.publish()
	n.mu.Unlock()
	if wake {
		n.stream.Wake()
	}
}

// tellReplicas puts what is new into the stream, or follows what its disk has now. The
// engine lock is held.
func (n *Node) tellReplicas() {
	switch {
	case n.ending:
	case !n.unit.leads:
		n.seeFurther()
	default:
		n.sayHolders()
		if n.confirm.Tells() {
			n.unit.record(func() bool { return n.stream.Tell(n.confirm.Reached()) })
		}
	}
}

// seeFurther lets go what a node that is no master may show now. The engine lock is
// held.
func (n *Node) seeFurther() {
	if now := n.stream.Allowed(); now != n.sight.Load() {
		n.sight.Store(now)
		n.confirmedMore()
	}
}

// hideLoaded begins with data that were not changed one by one here: a replica shows
// nothing of them that is not known to be confirmed. The engine lock is held.
func (n *Node) hideLoaded() {
	acks := 0
	if n.standing.role != roleMaster && n.stream.Told().Needed() {
		acks = 1
	}
	n.unit.shown.inherit(n.stream.Offset(), acks)
	n.sight.Store(n.stream.Allowed())
}
