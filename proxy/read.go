package proxy

import "time"

// Rules of reads:
//
//  1. A session's token is the newest state it has seen: the pair of the node
//     that gave its last reply.
//  2. A replica may answer if its history is known to be of the topology's
//     epoch and not behind the token. What a replica, or the master on its
//     behalf, has said of its history stays true while its process lives.
//  3. Whenever none is known to be fresh enough the master answers, and a
//     replica is asked how far it is, for the next time.
//  4. Plain Redis nodes tell no pairs. A session that wrote stays with the
//     master for max-replica-lag, and so do all while a replica lags more.

// reader chooses the lane of a read when nothing of the session is unanswered;
// nil means that it has to wait for a replica.
func (s *laneSet) reader(c *client) *lane {
	n := len(s.replicas)
	if n == 0 {
		return s.master
	}
	best := s.freshest(c, n)
	switch policy := s.l.p.policy; {
	case policy == readNearest && (best == nil || s.l.masterNearer(best.node)):
		return s.master
	case best != nil:
		return best
	}
	s.refresh(c)
	if s.l.p.policy == readReplica {
		return nil
	}
	return s.master
}

// freshest returns a replica that may answer the session: the one it used last
// if possible, since that is certainly not behind what it gave before.
func (s *laneSet) freshest(c *client, n int) *lane {
	for i := range n {
		at := c.replica + i
		for at >= n {
			at -= n
		}
		if ln := s.replicas[at]; ln.fresh(c) {
			c.replica = at
			return ln
		}
	}
	return nil
}

// fresh tells whether a replica may answer a read of the session.
func (ln *lane) fresh(c *client) bool {
	k := ln.link
	if k == nil || !k.usable() {
		return false
	}
	switch p := c.l.p; {
	case p.eventual:
		return ln.node.keepsUp(c.l.p)
	case k.native:
		return covers(ln.node.known, c.token, c.l.topo.Epoch)
	default:
		wroteLately := c.written != 0 && time.Duration(p.clock.coarse()-c.written)*time.Millisecond <= p.cfg.MaxReplicaLag+clockStep
		return !wroteLately && ln.node.keepsUp(p)
	}
}

// covers tells whether a replica that has reached known may answer a session
// that has seen token, in a group at epoch (0: a proxy without sentinels).
func covers(known, token pair, epoch uint64) bool {
	if known == (pair{}) || epoch != 0 && known.epoch != epoch {
		return false
	}
	return !known.less(token)
}

// refresh sees to it that more is known of the replicas soon: links where there
// are none, and how far they are.
func (s *laneSet) refresh(c *client) {
	for _, ln := range s.replicas {
		switch k := ln.link; {
		case k == nil:
			if ln.node.until == 0 || int32(s.l.p.clock.coarse()-ln.node.until) > 0 {
				ln.dial()
			}
		case k.usable() && k.native && !covers(ln.node.known, c.token, s.l.topo.Epoch):
			k.askEpoch()
		}
	}
}

// awaitReplica has a read wait for a replica. Once hold-timeout has passed it is
// answered that there is none.
func (c *client) awaitReplica() bool {
	p := c.l.p
	if c.waiting == 0 {
		c.waiting = p.clock.now()
	}
	if p.clock.since(c.waiting) >= p.cfg.HoldTimeout {
		c.waiting = 0
		c.l.stats.unavailable++
		return c.reply(appendError("UNAVAILABLE no replica was fresh enough for this read within " + p.cfg.HoldTimeout.String()))
	}
	if !c.isReader {
		c.isReader = true
		if c.l.readers = append(c.l.readers, c); len(c.l.readers) == 1 {
			c.l.io.After(readerCheck, c.l.wakeReaders)
		}
	}
	return false
}

const readerCheck = 5 * time.Millisecond

// wakeReaders lets the reads that wait for a replica try again.
func (l *loop) wakeReaders() {
	waiting := l.readers
	l.readers = nil
	for _, c := range waiting {
		c.isReader = false
		l.wake(c)
	}
}
