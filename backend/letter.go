package backend

// Letter is how Redis's log lines show what a server is: M for a master, S for
// a replica and for a node that has no role yet. Any goroutine may ask.
func (n *Node) Letter() byte {
	if s := n.seen.Load(); s != nil && s.role == roleMaster {
		return 'M'
	}
	return 'S'
}
