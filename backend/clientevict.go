package backend

import (
	"cmp"
	"slices"

	"holdfast/conf"
)

// leastClientLimit keeps a limit that was set by mistake from closing everybody, who could mend it too, bytes
// (networking.c, getClientEvictionLimit).
const leastClientLimit = 128 << 10

// limitClients takes maxmemory-clients from a new configuration.
func (n *Node) limitClients(cfg *conf.NodeConfig) {
	limit := cfg.MaxMemoryClients
	if limit < 0 {
		limit = cfg.MaxMemory * -limit / 100
	}
	if limit > 0 {
		limit = max(limit, leastClientLimit)
	}
	n.clientLimit.Store(limit)
	n.evictClients()
}

// keep adds what the books hold of a name that a client watches, subscribes to
// or tracks; it takes it away where sign is -1.
func (s *session) keep(length int, sign int64) {
	const entry = 100 // bytes, in both maps that know it
	s.books.Add(sign * int64(length+entry))
}

// evictClients closes the clients that take most memory until maxmemory-clients
// is kept (networking.c, evictClients). The engine lock is held.
func (n *Node) evictClients() {
	limit, total := n.clientLimit.Load(), n.clientMemory.Load()
	if limit == 0 || total <= limit {
		return
	}
	var all []*session
	for _, c := range n.clients {
		if !c.noEvict && !c.native && !c.closing {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *session) int { return cmp.Compare(b.memory.Load(), a.memory.Load()) })
	for _, c := range all {
		if total <= limit {
			return
		}
		c.dropped.Store(true)
		size := c.memory.Swap(0)
		n.clientMemory.Add(-size)
		total -= size
		n.log.Info("Evicting client: "+c.describe(), "limit", limit)
		n.stats.evicted++
		c.forget()
		c.conn.Loop().Post(c.conn.Close)
	}
}

// stir has a client counted at the end of the turn, when the kernel has taken
// what it takes.
func (p *perLoop) stir(s *session) {
	if s.stirred {
		return
	}
	s.stirred = true
	p.stirred = append(p.stirred, s)
	n, l := s.node, s.conn.Loop()
	l.OnTurnEnd = func() { n.settle(p) }
}

// settle counts the clients of a turn, and closes some if they take too much.
func (n *Node) settle(p *perLoop) {
	if len(p.stirred) == 0 {
		return
	}
	for _, s := range p.stirred {
		s.stirred = false
		s.count()
	}
	clear(p.stirred)
	p.stirred = p.stirred[:0]
	if limit := n.clientLimit.Load(); limit > 0 && n.clientMemory.Load() > limit {
		n.mu.LockParted()
		defer n.mu.Unlock()
		n.evictClients()
	}
}
