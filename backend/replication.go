package backend

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/repl"
	"holdfast/backend/resp"
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
	x.Out = s.peer.hello.Replconf(x.Out, x.Args, n.runID, n.stream.History().DataEpoch())
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
			x.Err(errNotInt)
			return
		}
		s.peer.request = q
	} else {
		s.peer.hello.Old = true
	}
	n.stream.Activate()
	s.peer.hello.User = s.user.Name()
	s.peer.detached = true
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

func (n *Node) replicate(addr string) {
	n.roles.Lock()
	defer n.roles.Unlock()
	if n.seen.Load().managed {
		return
	}
	n.becomeReplica(addr, 0)
	n.feeds.DropAll("this node became a replica")
	n.log.Info("Before turning into a replica, using my own master parameters to synthesize a cached master", "master", addr)
}

func roleReply(s *session, x *commands.Ctx) {
	n := s.node
	if n.standing.role == roleMaster {
		all := n.feeds.Replicas()
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
	x.Int(int64(n.stream.Offset()))
}

// wait answers at once with how many replicas have the session's last write,
// when that is enough or waiting is not allowed; otherwise it waits.
func wait(s *session, x *commands.Ctx) {
	n := s.node
	want, wantOK := integer(x.Args[1])
	ms, wrong := waitingTime(x.Args[2], n.now)
	switch {
	case n.standing.role != roleMaster:
		x.Err("ERR WAIT cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.")
	case !wantOK:
		x.Err(errNotInt)
	case wrong != "":
		x.Err(wrong)
	default:
		have := n.confirm.Count(s.lastWrite)
		if int64(have) >= want || !x.CanWait {
			x.Int(int64(have))
			return
		}
		n.waitForReplicas(s, int(want), ms)
	}
}

// waitingTime reads a timeout in ms, of which the end must be a time too
// (timeout.c, getTimeoutFromObjectOrReply). wrong is the error's text.
func waitingTime(arg []byte, now int64) (ms int64, wrong string) {
	ms, ok := integer(arg)
	switch {
	case !ok:
		return 0, "ERR timeout is not an integer or out of range"
	case ms < 0:
		return 0, "ERR timeout is negative"
	case ms > math.MaxInt64-now:
		return 0, "ERR timeout is out of range"
	}
	return ms, ""
}

// waitForReplicas parks the session until enough replicas have its last write
// or the time is over. A goroutine polls the count: WAIT is rare.
func (n *Node) waitForReplicas(s *session, want int, ms int64) {
	upTo, began, limit := s.lastWrite, time.Now(), untilMilli(ms, 0)
	if n.unit.leads {
		n.stream.GetAck()
		n.unit.dirty = true
	}
	reply := func() []byte { return resp.AppendInt(nil, int64(n.confirm.Count(upTo))) }
	n.await(s, reply, func(over func() bool) []byte {
		for n.confirm.Count(upTo) < want && (ms == 0 || time.Since(began) < limit) && !over() {
			if sleep(n.life, time.Millisecond) != nil {
				return nil
			}
		}
		return reply()
	})
}

// sleep waits for d unless ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	return ctx.Err()
}

// startLink begins to follow addr; roles is held. With answered the node there is
// asked to take over.
func (n *Node) startLink(addr string, answered func(accepted bool)) {
	link := repl.StartLink(repl.LinkConfig{
		Addr: addr, Follower: (*follower)(n),
		Login:         func() (string, string) { cfg := n.cfg(); return cfg.MasterUser, cfg.MasterAuth },
		ListeningPort: n.announcedPort(), AnnounceIP: n.cfg().ReplicaAnnounceIP,
		RunID: n.runID, Incarnation: n.incarnation, Dial: n.dialMaster, TakeOver: answered,
		// After a failover a replica is told to follow in the same moment as the
		// new master is told to lead, and may well come first: the next attempt
		// must not add to the pause.
		RetryMin: 5 * time.Millisecond, RetryMax: time.Second,
		Timeout: func() time.Duration { return n.cfg().ReplTimeout },
		Log:     n.log,
	})
	n.following.Store(link)
}

// restartLink breaks the link and makes it anew.
func (n *Node) restartLink() {
	n.roles.Lock()
	defer n.roles.Unlock()
	if st := n.seen.Load(); st.role == roleReplica && n.life.Err() == nil {
		n.stopLink()
		n.startLink(st.master, nil)
	}
}

// stopLink ends the link; when it returns nothing is applied or acknowledged
// any more. roles is held, mu is not.
func (n *Node) stopLink() {
	link := n.following.Swap(nil)
	if link == nil {
		return
	}
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := link.Stop(ctx)
		cancel()
		if err == nil {
			return
		}
		n.log.Warn("Still waiting for the replication link to end", "err", err)
	}
}

func (n *Node) linkStatus() repl.LinkStatus {
	if l := n.following.Load(); l != nil {
		return l.Status()
	}
	return repl.LinkStatus{}
}

func (n *Node) linkUp() bool { return n.linkStatus().State == repl.LinkConnected }

// empty tells whether the node has nothing that it could show to a reader.
func (n *Node) empty() bool {
	for i := range n.store.Databases() {
		if n.store.DB(i).Len() > 0 {
			return false
		}
	}
	return true
}

// follower is the node as its link sees it.
type follower Node

// Position is what to continue from.
func (f *follower) Position() repl.Position {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stream.Position()
}

var errLowerEpoch = errors.New("refusing to follow a master of a lower epoch: this node's data is newer")

// Continue goes on under the name id.
func (f *follower) Continue(m repl.Master, id string) error {
	n := (*Node)(f)
	if n.outranks(m) {
		return errLowerEpoch
	}
	n.mu.Lock()
	renamed := n.stream.Continue(id)
	n.dropFootprints()
	n.mu.Unlock()
	if renamed {
		n.feeds.DropAll("the replication id changed")
	}
	return nil
}

// outranks tells whether this managed node's data belongs to a later epoch
// than the master's: such a master was replaced and must not wipe us.
func (n *Node) outranks(m repl.Master) bool {
	return n.seen.Load().managed && m.Native && m.Epoch < n.stream.History().DataEpoch()
}

// Apply executes a batch of the master's stream and relays it.
func (f *follower) Apply(b *repl.Batch) error {
	n := (*Node)(f)
	log, err := n.applyBatch(b)
	if err != nil {
		return err
	}
	n.stream.Wake()
	return n.awaitDisk(log, b.End())
}

// applyBatch is Apply as far as the engine goes. The log is the one that is fed.
func (n *Node) applyBatch(b *repl.Batch) (*aof.Log, error) {
	n.mu.Lock()
	defer n.mu.Unlock() // also when a script in it is given up: see slow
	if n.ending {
		return nil, errEnding
	}
	for i := range b.Commands {
		if err := n.holdsDB(b.Commands[i].DB); err != nil { // before anything is changed: the link comes again
			return nil, err
		}
	}
	n.tick()
	n.applying = true
	n.derive()
	for i := range b.Commands {
		n.applyOne(b.Commands[i].DB, b.Commands[i].Args)
	}
	n.applying = false
	n.derive()
	n.wakeReady()
	n.broadcast()
	n.stream.Relay(b)
	n.stream.Publish()
	return n.aof.log, nil
}

// holdsDB is an error where what another server wrote names a database that this
// one was not given.
func (n *Node) holdsDB(db int) error {
	if db >= n.store.Databases() {
		return fmt.Errorf("database %d does not exist here: set databases above it", db)
	}
	return nil
}

// awaitDisk waits while the append-only file is too far behind an offset, so
// that what is not written stays within bounds.
func (n *Node) awaitDisk(log *aof.Log, end uint64) error {
	for log != nil && end > log.Pos()+lagLimit {
		select {
		case <-log.Done():
			return nil
		case <-n.life.Done():
			return errEnding
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// fromMaster names the commands on sessions that a master's stream may hold.
// Others would find no client there.
var fromMaster = map[string]bool{
	"publish": true, "spublish": true, "eval": true, "evalsha": true,
	"script|load": true, "script|flush": true, "fcall": true,
	"flushall":      true,
	"function|load": true, "function|delete": true, "function|flush": true, "function|restore": true,
}

// applyOne runs a command that the master has decided. One that cannot be run,
// or fails, means that the two data sets differ, which Redis calls critical, and
// so do we.
func (n *Node) applyOne(db int, args [][]byte) {
	if !n.replay(db, args) {
		n.log.Error("== CRITICAL == The master sent a command that this node does not know; the data sets differ now", "command", clip(args[0]))
	}
}

// replay runs a command that was decided elsewhere or before, and tells whether
// it is one that can be. Its reply is nobody's.
func (n *Node) replay(db int, args [][]byte) (known bool) {
	x := &n.applier
	x.Out = x.Out[:0]
	h := n.lookupReal(args)
	if h == nil {
		h = n.lookup(args) // a Redis whose commands are renamed sends the new names
	}
	if h == nil || !h.cmd.ArityOK(len(args)) || h.session != nil && !fromMaster[h.cmd.Full] {
		return false
	}
	n.origin.db = db
	n.run(&n.origin, x, h, args)
	if len(x.Out) > 0 && x.Out[0] == '-' {
		n.log.Error("== CRITICAL == A command that is replayed failed here; the data sets may differ", "command", clip(args[0]), "reply", clip(x.Out))
	}
	return true
}

// Durable is what the append-only file has on disk.
func (f *follower) Durable() (pos uint64, ok, must bool) {
	n, cfg := (*Node)(f), f.settings.Config()
	return n.horizon.Synced(), cfg.AppendOnly, cfg.AppendOnly && cfg.WriteAcksDurable
}
