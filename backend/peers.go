package backend

import (
	"time"

	"holdfast/backend/internal/repl"
)

// far is the other end of a replication connection, of which CLIENT LIST and
// CLIENT KILL know as of a client: goroutines serve it, no loop does.
type far struct {
	flags, cmd string
	unsent     int64 // bytes of the stream that are kept for it
	end        func()
}

// The flags of such connections in CLIENT LIST.
const (
	masterFlag  = "M"
	replicaFlag = "S"
)

// fd is not known here.
func (f *far) fd() int { return -1 }

// peers are the replicas, and the master if the link to it is up. Each is made
// for the occasion. The engine lock is held.
func (n *Node) peers() []*session {
	now := time.Now()
	var all []*session
	for _, r := range n.feeds.Replicas() {
		s, ok := r.Client.(*session)
		if !ok {
			continue
		}
		f := &far{flags: replicaFlag, cmd: "psync", unsent: int64(r.Behind), end: r.End}
		if r.State == repl.FeedOnline {
			f.cmd = "replconf"
		}
		all = append(all, &session{node: n, id: s.id, addr: s.addr, localAddr: s.localAddr, created: s.created, name: s.name,
			lastActive: now.Add(-r.Lag).UnixMilli(), proto: s.proto, db: s.db, libs: s.libs, user: s.user, far: f})
	}
	if st := n.linkStatus(); st.State == repl.LinkConnected {
		all = append(all, &session{node: n, id: n.masterID, addr: st.Master.Addr, localAddr: st.LocalAddr, created: st.Since.UnixMilli(),
			lastActive: st.LastIO.UnixMilli(), proto: 2, far: &far{flags: masterFlag, cmd: "NULL", end: func() { n.background(n.restartLink) }}})
	}
	return all
}

// killPeers breaks the replication connections that match.
func (n *Node) killPeers(match func(*session) bool) (killed int) {
	for _, c := range n.peers() {
		if match(c) {
			killed++
			c.far.end()
		}
	}
	return killed
}

// newMasterID numbers another connection to a master. The engine lock is held.
func (n *Node) newMasterID() {
	n.lastID++
	n.masterID = n.lastID
}

// userName is the name in CLIENT LIST of whom the session acts for: a master may
// do everything.
func (s *session) userName() string {
	if s.user == nil {
		return "(superuser)"
	}
	return s.user.Name()
}
