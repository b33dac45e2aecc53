package proxy

// stats are what a loop counts. Only the loop writes them; a reader has the
// loop make a copy.
type stats struct {
	connections    uint64
	local          uint64 // requests answered by the proxy
	toMaster       uint64
	toReplica      uint64
	readsOfMaster  uint64 // of toMaster, those that a replica might have answered
	unknown        uint64 // -UNKNOWN replies
	unavailable    uint64 // -UNAVAILABLE replies
	protocolErrors uint64
	refusals       uint64 // routing refusals of nodes
}

// count notes where a request went.
func (c *client) count(ln *lane, k class) {
	s := &c.l.stats
	switch {
	case ln.node != nil:
		s.toReplica++
	case k == classRead:
		s.toMaster++
		s.readsOfMaster++
	default:
		s.toMaster++
	}
}
