package backend

import (
	"errors"
	"fmt"
	"net"

	"holdfast/backend/internal/repl"
	"holdfast/conf"
)

// Refusals of the group's commands. Their texts are the protocol's.
var (
	errWrongGroup = errors.New("WRONGGROUP this node belongs to another group")
	errLoading    = errors.New(loadingText)
	errNotRunID   = errors.New("NOTRUNID another process is meant; this one has a new run id")
	errNotMaster  = errors.New("NOTMASTER this node is not the master of that epoch")
)

func stale(promised uint64) error { return fmt.Errorf("STALE promised epoch is %d", promised) }

// takeFirstRole decides what a node is when it starts. A managed node has no
// role: a restarted master is a failed master, and only the group may say who
// goes on.
func (n *Node) takeFirstRole(cfg *conf.NodeConfig) error {
	p, found, err := loadPromise(cfg.Dir)
	if err != nil {
		return err
	}
	st := standing{promise: p, managed: cfg.Managed == "yes" || cfg.Managed == "auto" && found}
	switch {
	case st.managed:
		st.role = roleNone
		n.stream.Activate()
	case cfg.ReplicaOf != "":
		st.role, st.master = roleReplica, cfg.ReplicaOf
	default:
		st.role, st.serving = roleMaster, true
		n.standAlone(cfg.WriteAcks)
	}
	n.setStanding(st)
	return nil
}

// standAlone asks for the confirmations of any acks replicas. To be confirmed,
// writes have to be in the stream, even while nobody is there to read it.
func (n *Node) standAlone(acks int) {
	if acks > 0 {
		n.stream.Activate()
	}
	n.confirm.Standalone(acks)
	n.sayHolders()
}

// beginFollowing starts the link of a node that was configured as a replica.
func (n *Node) beginFollowing() {
	n.roles.Lock()
	defer n.roles.Unlock()
	if st := n.seen.Load(); st.role == roleReplica && n.following.Load() == nil && n.life.Err() == nil {
		n.startLink(st.master, nil)
	}
}

// accepts checks that a command of a group's leader may be obeyed.
func (st *standing) accepts(group string, epoch uint64) error {
	switch {
	case st.Group != "" && st.Group != group:
		return fmt.Errorf("%w: %s", errWrongGroup, st.Group)
	case epoch < st.Epoch:
		return stale(st.Epoch)
	}
	return nil
}

// adopt remembers the group that a node belongs to, and a higher epoch. It is
// on disk when adopt returns.
func (n *Node) adopt(group string, epoch uint64) error {
	st := *n.seen.Load()
	if st.Group == group && epoch <= st.Epoch {
		return nil
	}
	next := promise{Group: group, Epoch: max(st.Epoch, epoch)}
	if err := next.save(n.cfg().Dir); err != nil {
		n.log.Error(err.Error())
		return fmt.Errorf("ERR %w", err)
	}
	n.mu.Lock()
	st = n.standing
	st.promise, st.managed = next, true
	n.setStanding(st)
	n.mu.Unlock()
	return nil
}

// position is what a sealed node answers.
type position struct {
	promised, epoch, offset uint64
}

func (n *Node) position() position {
	return position{n.seen.Load().Epoch, n.stream.History().DataEpoch(), n.stream.Published()}
}

// seal promises an epoch. The order is what makes it safe: the
// promise is on disk, the upstream is gone and nothing more is confirmed to
// it, the node writes nothing more, and only then it says where it stands.
func (n *Node) seal(group string, epoch uint64) (position, error) {
	n.roles.Lock()
	defer n.roles.Unlock()
	st := n.seen.Load()
	if err := st.accepts(group, epoch); err != nil {
		return position{}, err
	}
	if st.Group == group && st.Epoch == epoch {
		return n.position(), nil // asked before
	}
	if err := n.adopt(group, epoch); err != nil {
		return position{}, err
	}
	n.stopLink()
	n.becomeNothing()
	n.log.Warn("Sealed: waiting for the master of a new epoch", "epoch", epoch, "offset", n.stream.Published())
	return n.position(), nil
}

// becomeNothing ends the node's role. Replies that waited for confirmations
// are never sent: whether those writes survive is not this node's to say.
func (n *Node) becomeNothing() {
	n.mu.Lock()
	wasMaster := n.standing.role == roleMaster
	if wasMaster {
		n.unit.shown.settle(n.confirmedOnce()) // and what is not is hidden
		n.losses.answered = n.unit.shown.settled
	}
	st := n.standing
	st.role, st.serving, st.draining, st.master = roleNone, false, false, ""
	n.setStanding(st)
	if wasMaster {
		n.unblockAll("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)")
		n.stream.Publish()
	}
	n.mu.Unlock()
	n.confirm.Close()
	n.lease.end()
	if wasMaster {
		n.stream.Wake()
		n.dropHeld()
	}
}

// dropHeld closes the clients whose replies can never be released. Until every loop
// has done so nothing is: what they wait for are offsets of the history that ended,
// and the next one may be past them, or ask for no confirmation at all.
func (n *Node) dropHeld() {
	loops := n.server.Loops()
	n.dropping.Add(int32(len(loops)))
	for _, l := range loops {
		l.Post(func() {
			loopState(l).each(func(s *session) {
				s.held.drop()
				s.conn.Close()
			})
			if n.dropping.Add(-1) == 0 {
				n.confirmedMore()
			}
		})
	}
}

// promote makes the node the master of an epoch. It does not serve yet: the
// barrier opens when the epoch record is confirmed and the group has committed
// the holders.
func (n *Node) promote(group string, epoch uint64, runID string, h repl.Holders) error {
	n.roles.Lock()
	defer n.roles.Unlock()
	st := n.seen.Load()
	switch err := st.accepts(group, epoch); {
	case err != nil:
		return err
	case runID != n.runID:
		return errNotRunID
	case st.acted == epoch && st.role == roleMaster:
		return nil
	case st.acted == epoch:
		return stale(st.Epoch)
	}
	if err := n.adopt(group, epoch); err != nil {
		return err
	}
	n.stopLink()
	n.mu.Lock()
	n.stream.Lead()
	end := n.stream.Epoch(epoch, n.runID)
	n.lease.end()
	n.confirm.Open(h, end)
	n.unit.shown.inherit(end, h.N)
	st2 := n.standing
	st2.role, st2.serving, st2.acted, st2.master, st2.draining = roleMaster, false, epoch, "", false
	n.setStanding(st2)
	n.roleChanged("")
	n.stream.Publish()
	n.mu.Unlock()
	n.stream.Wake()
	// Sub-replicas have to come again: what they confirm over connections of
	// an earlier epoch does not count, and they have to learn the new id.
	n.feeds.DropAll("this node was promoted")
	n.log.Info("Promoted: master of a new epoch, waiting for its barrier", "epoch", epoch, "offset", end)
	return nil
}

// openBarrier lets a promoted master serve once its holders are committed.
//
// It is asked at every probe, so it looks without the engine lock first: a
// probe must not wait for a long command.
func (n *Node) openBarrier() {
	if st := n.seen.Load(); st.role != roleMaster || st.serving {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	st := n.standing
	current, _, _ := n.confirm.Version()
	if st.role != roleMaster || st.serving || st.draining || !st.managed || current == 0 {
		return
	}
	st.serving = true
	n.setStanding(st)
	n.sayHolders()
	n.stream.Publish()
	n.log.Info("Serving as master", "epoch", st.Epoch, "holders-version", current)
}

// follow makes the node a replica of a master of that epoch.
func (n *Node) follow(group string, epoch uint64, host, port string) error {
	n.roles.Lock()
	defer n.roles.Unlock()
	addr := net.JoinHostPort(host, port)
	st := n.seen.Load()
	switch err := st.accepts(group, epoch); {
	case err != nil:
		return err
	case st.role == roleReplica && st.master == addr && st.acted == epoch:
		return nil
	case st.role == roleMaster && st.acted == epoch:
		return stale(st.Epoch)
	}
	if err := n.adopt(group, epoch); err != nil {
		return err
	}
	n.becomeReplica(addr, epoch)
	n.log.Info("Following the master of an epoch", "epoch", epoch, "master", addr)
	return nil
}

// becomeReplica starts to follow addr; roles is held.
func (n *Node) becomeReplica(addr string, epoch uint64) { n.becomeReplicaBy(addr, epoch, nil) }

// becomeReplicaBy is becomeReplica of a node that is asked to take over, unless
// answered is nil; that gets its answer.
func (n *Node) becomeReplicaBy(addr string, epoch uint64, answered func(accepted bool)) {
	n.stopLink()
	n.becomeNothing()
	n.mu.Lock()
	n.stream.Follow()
	st := n.standing
	st.role, st.master, st.acted = roleReplica, addr, epoch
	n.setStanding(st)
	n.roleChanged(addr)
	n.mu.Unlock()
	n.startLink(addr, answered)
}

// becomeStandaloneMaster is REPLICAOF NO ONE.
func (n *Node) becomeStandaloneMaster() {
	n.stopLink()
	n.mu.Lock()
	n.stream.Lead()
	n.dropFootprints()
	st := n.standing
	st.role, st.serving, st.master = roleMaster, true, ""
	n.setStanding(st)
	n.roleChanged("")
	n.standAlone(n.cfg().WriteAcks)
	n.stream.Publish()
	n.mu.Unlock()
	n.stream.Wake()
}

// drain makes a master append nothing more and tells where its history ends
// (planned switchover).
func (n *Node) drain(group string, epoch uint64) (uint64, error) {
	n.roles.Lock()
	defer n.roles.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	st := n.standing
	switch err := st.accepts(group, epoch); {
	case err != nil:
		return 0, err
	case st.role != roleMaster || st.acted != epoch:
		return 0, errNotMaster
	}
	st.serving, st.draining = false, true
	n.setStanding(st)
	n.stream.Publish()
	return n.stream.Offset(), nil
}

// changeHolders begins a change of (H, N).
func (n *Node) changeHolders(group string, epoch uint64, h repl.Holders) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch err := n.standing.accepts(group, epoch); {
	case err != nil:
		return err
	case n.standing.role != roleMaster || n.standing.acted != epoch || n.standing.draining:
		return errNotMaster
	}
	if n.confirm.Change(h, n.stream.Offset()) { // replicas hear of it behind the offset that it begins with
		n.sayHolders()
		n.stream.Publish()
	}
	return nil
}
