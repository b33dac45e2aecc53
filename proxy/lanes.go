package proxy

import "holdfast/election/topology"

// sessionKey is what sessions have to have in common to share a connection.
type sessionKey struct {
	proto  int
	db     int
	cred   credentials
	stripe int // one of shared-connections
}

// credentials are a user and its password.
type credentials struct{ user, pass string }

func (c credentials) authArgs() []string {
	if c.user == "" {
		return []string{"AUTH", c.pass}
	}
	return []string{"AUTH", c.user, c.pass}
}

func (c credentials) userName() string {
	if c.user == "" {
		return "default"
	}
	return c.user
}

// laneSet holds the lanes of the sessions of one key.
type laneSet struct {
	l        *loop
	key      sessionKey
	master   *lane
	replicas []*lane // in the topology's order
	private  []*lane // of clients
	idle     []*lane // private ones that nobody uses just now
	sessions int

	idleSince uint32 // since when it has no sessions, coarse; 0: it has
}

// lanes returns the set of a key, making it if need be.
func (l *loop) lanes(key sessionKey) *laneSet {
	s := l.sets[key]
	if s == nil {
		s = &laneSet{l: l, key: key}
		s.master = &lane{l: l, set: s}
		l.sets[key] = s
		if l.topo != nil {
			s.follow(l.topo)
		}
	}
	return s
}

// follow brings the set in line with a topology.
func (s *laneSet) follow(t *topology.Topology) {
	old := s.replicas
	s.replicas = make([]*lane, 0, len(t.Replicas))
	for _, r := range t.Replicas {
		if r.Up {
			s.replicas = append(s.replicas, s.replica(old, r.Addr))
		}
	}
	for _, ln := range old {
		if !contains(s.replicas, ln) {
			ln.cut("it is no replica of the group any more", false)
			ln.moveToMaster()
			ln.close()
		}
	}
	s.master.retarget()
	for _, ln := range s.private {
		ln.retarget()
	}
}

func (s *laneSet) replica(old []*lane, addr string) *lane {
	for _, ln := range old {
		if ln.node.addr == addr {
			return ln
		}
	}
	return &lane{l: s.l, set: s, node: s.l.nodeAt(addr)}
}

func contains(all []*lane, ln *lane) bool {
	for _, x := range all {
		if x == ln {
			return true
		}
	}
	return false
}
