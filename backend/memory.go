package backend

import "unsafe"

// What a node's memory is made of, for maxmemory and INFO. The data lie in the
// store's arena, which counts to the byte. What clients make the node hold is
// counted as it comes and goes. The rest (code, tables, caches of Go's heap) is
// taken once, at the start, so that the sum moves only when something was added
// or freed, and not with the garbage collector.

// usedMemory is used_memory, bytes. The engine lock is held.
func (n *Node) usedMemory() int64 {
	return n.store.UsedMemory() + n.store.PendingMemory() + n.overhead()
}

// overhead is what is used beside the data, bytes. The engine lock is held.
func (n *Node) overhead() int64 {
	return n.startMemory + n.clientMemory.Load() + n.stream.Backlog().Memory() + n.scriptMemory()
}

// uncountedMemory is what maxmemory does not count, bytes: what replicas that
// are behind make the node keep, lest evictions, which they are sent too, bring
// more of them, and what is freed already and waits for its turn to go.
func (n *Node) uncountedMemory() int64 {
	log := n.stream.Backlog()
	return max(log.Memory()-int64(log.Size()), 0) + n.store.PendingMemory()
}

// sessionBase is what a client costs that sends nothing and is sent nothing.
const sessionBase = int64(unsafe.Sizeof(session{})) + 1<<10 // its connection, gnet's books

// count brings up to date what the node's sum has of this client: what it sent
// that is not executed, what it does not read, and what is kept for it. It runs
// on the client's loop, at every sign of life, and is cheap while these are
// nothing.
func (s *session) count() {
	size, unsent := int64(0), int64(0)
	if !s.conn.Closed() && !s.dropped.Load() {
		unsent = int64(s.conn.Untaken() + cap(s.held.out))
		size = sessionBase + unsent + int64(max(s.conn.Unread(), s.unread)) + s.books.Load()
	}
	if s.unsent.Load() != unsent {
		s.unsent.Store(unsent)
	}
	if was := s.memory.Load(); size != was && s.memory.CompareAndSwap(was, size) {
		s.node.clientMemory.Add(size - was)
	}
}

// countClients has every loop count its clients again: what the kernel took, or
// took not, since they last said something.
func (n *Node) countClients() {
	if n.server == nil {
		return
	}
	for _, l := range n.server.Loops() {
		l.Post(func() {
			n.mu.LockParted()
			defer n.mu.Unlock()
			for _, s := range n.clients {
				if s.conn.Loop() == l {
					s.limitOutput() // the soft limit is one of time
				}
			}
		})
	}
}

// scriptMemory is the bytes of the scripts and functions that are kept.
func (n *Node) scriptMemory() int64 {
	s := n.scripts.Stats()
	return int64(s.Bytes + s.FunctionBytes)
}
