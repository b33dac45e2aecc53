package backend

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/repl"
)

// peer is a client that turns out to be a replica.
type peer struct {
	hello    repl.Hello
	request  repl.Request
	detached bool // it sent PSYNC: a goroutine takes the connection over
	promotes bool // it is our master, and asks us to take over
}

var replicationRows = []row{
	{"replicaof", replicaOf},
	{"slaveof", replicaOf},
	{"replconf", replconf},
	{"psync", psync},
	{"sync", psync},
	{"role", roleReply},
	{"wait", wait},
}

func replconf(s *session, x *commands.Ctx) {
	n := s.node
	x.Out = s.peer.hello.Replconf(x.Out, x.Args, n.runID, n.stream.History())
}

// psync lets a replica go to the goroutines that serve replicas. What it sent
// before has been answered; what it sends next is theirs.
func psync(s *session, x *commands.Ctx) {
	n := s.node
	if len(x.Args) > 3 && equalFold(string(x.Args[3]), "failover") {
		switch {
		case n.standing.role == roleMaster:
			x.Err("ERR PSYNC FAILOVER can't be sent to a master.")
			return
		case n.standing.managed:
			x.Err("ERR the sentinel group decides the role of this node")
			return
		case !strings.EqualFold(string(x.Args[1]), n.stream.History().ID):
			x.Err("ERR PSYNC FAILOVER replid must match my replid.")
			return
		}
		s.peer.promotes = true
	} else if n.standing.role == roleNone || n.standing.role == roleReplica && !n.linkUp() {
		x.Err("NOMASTERLINK Can't SYNC while not connected with my master")
		return
	}
	if len(x.Args) >= 3 {
		q, ok := s.peer.hello.Request(x.Args[1], x.Args[2])
		if !ok {
			n.log.Warn("Replica " + s.addr + " asks for synchronization but with a wrong offset")
			x.Err(errNotInt)
			return
		}
		s.peer.request = q
	} else {
		s.peer.hello.Old = true
	}
	n.stream.Activate()
	n.alone = time.Time{} // it is no replica yet, but will be
	n.sayHolders()
	s.peer.hello.User, s.peer.hello.Client = s.user.Name(), s
	s.peer.detached = true
}

// forgetStreamIfDue ends the recording of a stream that nobody has read for
// repl-backlog-ttl (replication.c, replicationCron): a replica that comes back later
// gets everything. One that stands for more than replicas goes on. The engine lock is
// held.
func (n *Node) forgetStreamIfDue() {
	cfg, now := n.cfg(), time.Now()
	switch {
	case !n.stream.Active(), n.standing.role != roleMaster, n.standing.managed, n.feeds.Any(),
		cfg.ReplBacklogTTL == 0, cfg.WriteAcks > 0, cfg.AppendOnly, n.aof.log != nil:
		n.alone = time.Time{}
	case n.alone.IsZero():
		n.alone = now
	case now.Sub(n.alone) > cfg.ReplBacklogTTL:
		n.stream.Deactivate()
		n.log.Info(fmt.Sprintf("Replication backlog freed after %d seconds without connected replicas.", int(cfg.ReplBacklogTTL.Seconds())))
	}
}

// handOver gives a detached replica its goroutines; rest is what it sent
// behind PSYNC. It runs on the client's loop without the engine lock.
func (s *session) handOver(rest []byte) {
	rest = append([]byte(nil), rest...)
	conn, _, err := s.conn.Detach()
	if err != nil {
		s.node.log.Warn("Cannot serve a replica", "addr", s.addr, "err", err)
		s.conn.Close()
		return
	}
	n, serve := s.node, func() { s.node.feeds.Serve(conn, rest, s.peer.hello, s.peer.request) }
	if !s.peer.promotes {
		serve()
		return
	}
	n.background(func() { // the role changes once the link's goroutine has ended
		n.log.Info("Failover request received from the master, promoting myself.", "master", s.addr)
		n.replicateNobody()
		serve()
	})
}

// newFeeds makes the side that serves replicas.
func (n *Node) newFeeds() *repl.Feeds {
	return repl.NewFeeds(repl.FeedsConfig{
		Stream: n.stream, Confirm: n.confirm, Source: (*source)(n), Dir: n.cfg().Dir, Log: n.log,
		Timeout:   func() time.Duration { return n.cfg().ReplTimeout },
		SyncDelay: func() (time.Duration, int) { c := n.cfg(); return c.ReplSyncDelay, c.ReplSyncMaxReplicas },
	})
}

func replicaOf(s *session, x *commands.Ctx) {
	n := s.node
	if n.standing.managed {
		x.Err("ERR REPLICAOF is not allowed: the sentinel group '" + n.standing.Group + "' decides the role of this node; use SENTINEL FAILOVER there")
		return
	}
	if n.takeover != nil {
		x.Err("ERR REPLICAOF not allowed while failing over.")
		return
	}
	host, port := string(x.Args[1]), string(x.Args[2])
	none := equalFold(host, "no") && equalFold(port, "one")
	if p, err := strconv.Atoi(port); !none && (err != nil || p < 0 || p > 65535) {
		x.Err("ERR Invalid master port")
		return
	}
	addr := net.JoinHostPort(host, port)
	if st := n.standing; !none && st.role == roleReplica && st.master == addr {
		x.Simple("OK Already connected to specified master")
		return
	}
	// The change waits for the link's goroutine, which may wait for the engine
	// lock that is held here.
	change := func(func() bool) []byte {
		if none {
			n.replicateNobody()
		} else {
			n.replicate(addr)
		}
		return okReply
	}
	if x.CanWait {
		n.await(s, nil, change)
		return
	}
	x.OK() // in a transaction; what follows it waits
	n.park(s, nil, func(over func() bool) []byte { change(over); return nil })
}

var okReply = []byte("+OK\r\n")

func (n *Node) replicateNobody() {
	n.roles.Lock()
	defer n.roles.Unlock()
	if st := n.seen.Load(); st.role == roleMaster || st.managed {
		return
	}
	n.becomeStandaloneMaster()
	n.feeds.DropAll("this node became a master")
	n.log.Info("MASTER MODE enabled")
}

// replicate follows addr. The node's own replicas stay: where the new master lets it
// go on under the same name, nothing changes for them; else they are dropped when the
// name or the data does (Continue, and the swap of a full resync).
func (n *Node) replicate(addr string) {
	n.roles.Lock()
	defer n.roles.Unlock()
	if n.seen.Load().managed {
		return
	}
	n.becomeReplica(addr, 0)
	n.log.Info("Before turning into a replica, using my own master parameters to synthesize a cached master", "master", addr)
}

func roleReply(s *session, x *commands.Ctx) {
	n := s.node
	if n.standing.role == roleMaster {
		all := slices.DeleteFunc(n.feeds.Replicas(), func(r repl.ReplicaInfo) bool { return r.State != repl.FeedOnline })
		x.Array(3)
		x.BulkString("master")
		x.Int(int64(n.stream.Offset()))
		x.Array(len(all))
		for _, r := range all {
			x.Array(3)
			x.BulkString(r.IP)
			x.BulkInt(int64(r.Port))
			x.BulkInt(int64(r.Offset))
		}
		return
	}
	host, port, _ := net.SplitHostPort(n.standing.master)
	p, _ := strconv.Atoi(port)
	st := n.linkStatus()
	state := string(st.State)
	if state == "" {
		state = "none"
	}
	x.Array(5)
	x.BulkString("slave")
	x.BulkString(host)
	x.Int(int64(p))
	x.BulkString(state)
	if st.State == repl.LinkConnected {
		x.Int(int64(n.stream.Offset()))
	} else {
		x.Int(-1)
	}
}
