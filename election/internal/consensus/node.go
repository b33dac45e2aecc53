package consensus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// Machine is what the log drives. Its methods are called from one goroutine,
// except that a snapshot may be written while entries are applied.
type Machine interface {
	// Apply applies a committed entry; its result is what Propose returns.
	// replay says that the entry was in this member's log when it started.
	Apply(entry []byte, replay bool) error
	// Snapshot returns the state as bytes.
	Snapshot() ([]byte, error)
	// Restore replaces the state by what Snapshot returned.
	Restore(snapshot []byte) error
}

// ErrNotLeader is what Propose, Barrier and Verify return at a member that does
// not lead, or no longer does; the entry may yet be committed.
var ErrNotLeader = errors.New("raft: this sentinel is not the leader")

// Node is one running member. Its methods are safe for concurrent use.
type Node struct {
	cfg       Config
	raft      *raft.Raft
	transport raft.Transport
	gate      *gate
	store     *raftboltdb.BoltStore
	log       *slog.Logger
}

const (
	trailingLogs = 256             // entries kept behind a snapshot
	snapshotEach = 1024            // entries
	openTimeout  = time.Second     // for the lock on the log's file
	applyQueue   = time.Second     // for a place in raft's own queue
	closeTimeout = 5 * time.Second // of a shutdown
)

// Open starts a member: it binds its port, reads its log, and joins the others.
// The first start writes the list of members into the log.
func Open(cfg Config, m Machine) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	n := &Node{cfg: cfg, log: cfg.Logger}
	if err := n.open(m); err != nil {
		if n.raft != nil {
			_ = n.raft.Shutdown().Error()
		}
		n.release()
		return nil, err
	}
	return n, nil
}

func (n *Node) open(m Machine) error {
	var err error
	if n.transport, err = n.listen(); err != nil {
		return err
	}
	n.gate = newGate(n.transport, 8*n.cfg.Timeout)
	path := filepath.Join(n.cfg.Dir, "raft.db")
	n.store, err = raftboltdb.New(raftboltdb.Options{
		Path:        path,
		NoSync:      n.cfg.NoSync,
		BoltOptions: &bbolt.Options{Timeout: openTimeout},
	})
	if err != nil {
		return fmt.Errorf("raft: cannot open %s (does another sentinel use this directory?): %w", path, err)
	}
	logger := hclogger{log: n.log}
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(n.cfg.Dir, 2, logger)
	if err != nil {
		return fmt.Errorf("raft: snapshots in %s: %w", n.cfg.Dir, err)
	}
	last, err := n.store.LastIndex()
	if err != nil {
		return fmt.Errorf("raft: cannot read %s: %w", path, err)
	}
	f := &fsm{m: m, replayTo: last}
	n.raft, err = raft.NewRaft(n.raftConfig(logger), f, n.store, n.store, snapshots, n.gate)
	if err != nil {
		return fmt.Errorf("raft: %w", err)
	}
	return n.bootstrap()
}

func (n *Node) raftConfig(logger hclogger) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(n.cfg.ID)
	c.HeartbeatTimeout = n.cfg.Timeout
	c.ElectionTimeout = n.cfg.Timeout
	// The lease only ends the term of a leader that hears nobody; nothing is
	// read under it. A shorter one ends it for every pause of a busy machine.
	c.LeaderLeaseTimeout = n.cfg.Timeout
	// Followers hear of a commit with the entry behind it (see Propose); this
	// is for the rare case that the one behind is lost. Shorter costs CPU when
	// nothing happens.
	c.CommitTimeout = min(100*time.Millisecond, n.cfg.Timeout/2)
	c.SnapshotThreshold = snapshotEach
	c.TrailingLogs = trailingLogs
	c.SnapshotInterval = time.Minute
	c.NoLegacyTelemetry = true
	c.Logger = logger
	return c
}

func (n *Node) bootstrap() error {
	var c raft.Configuration
	for _, m := range n.cfg.Members {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(m.ID), Address: raft.ServerAddress(m.Addr)})
	}
	err := n.raft.BootstrapCluster(c).Error()
	if errors.Is(err, raft.ErrCantBootstrap) {
		return n.compare(c.Servers)
	}
	if err != nil {
		return fmt.Errorf("raft: cannot write the list of members: %w", err)
	}
	return nil
}

// compare holds the configured list against the one that the log began with, which
// counts. Other ids mean another group: a sentinel that began alone and is given
// company would go on alone beside the group of the others.
func (n *Node) compare(configured []raft.Server) error {
	f := n.raft.GetConfiguration()
	if err := f.Error(); err != nil {
		return fmt.Errorf("raft: cannot read the list of members: %w", err)
	}
	founded := map[raft.ServerID]raft.ServerAddress{}
	var list []string
	for _, s := range f.Configuration().Servers {
		founded[s.ID] = s.Address
		list = append(list, fmt.Sprintf("%s=%s", s.ID, s.Address))
	}
	same := len(founded) == len(configured)
	for _, s := range configured {
		addr, known := founded[s.ID]
		same = same && known
		if known && addr != s.Address {
			n.log.Warn(fmt.Sprintf("raft.members has %s at %s, but the group was founded with %s, and that address counts", s.ID, s.Address, addr))
		}
	}
	if !same {
		return fmt.Errorf("raft: the group in %s was founded with the members %s, and raft.members names others: "+
			"put back that list, or found the group anew: stop all its sentinels and remove raft.db and snapshots from the dir of each",
			n.cfg.Dir, strings.Join(list, " "))
	}
	return nil
}

// Propose appends an entry and returns once it was applied here, with Apply's
// error. ErrNotLeader and a context's error leave it open whether the entry is
// committed after all.
func (n *Node) Propose(ctx context.Context, entry []byte) error {
	done := n.gate.watch()
	f := n.raft.Apply(entry, applyQueue)
	settled := make(chan error, 1)
	go func() {
		err := f.Error()
		done()
		if err == nil {
			// A follower learns that an entry is committed from the message
			// behind it. Without one it would print the event, and tell the
			// proxies, a CommitTimeout later.
			n.raft.Barrier(applyQueue)
		}
		settled <- err
	}()
	select {
	case err := <-settled:
		if err != nil {
			return leaderError(err)
		}
		if refused, ok := f.Response().(error); ok {
			return refused
		}
		return nil
	case <-ctx.Done():
		done() // raft may never answer an entry that met a change of leader
		return fmt.Errorf("raft: the entry was not committed in time: %w", ctx.Err())
	}
}

// Barrier returns when every entry committed before it has been applied here.
// It waits at most timeout for a place in the queue.
func (n *Node) Barrier(timeout time.Duration) error {
	return leaderError(n.raft.Barrier(timeout).Error())
}

// Verify returns nil when a majority still takes this member for the leader.
func (n *Node) Verify() error { return leaderError(n.raft.VerifyLeader().Error()) }

func leaderError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipLost),
		errors.Is(err, raft.ErrLeadershipTransferInProgress), errors.Is(err, raft.ErrRaftShutdown):
		return fmt.Errorf("%w (%w)", ErrNotLeader, err)
	}
	return fmt.Errorf("raft: %w", err)
}

// Leadership tells each time this member becomes the leader (true) or stops
// being it. Changes that follow each other fast may be dropped; IsLeader has
// the truth.
func (n *Node) Leadership() <-chan bool { return n.raft.LeaderCh() }

// IsLeader tells whether this member believes to lead.
func (n *Node) IsLeader() bool { return n.raft.State() == raft.Leader }

// Leader returns the id of the member believed to lead, "" when there is none.
func (n *Node) Leader() string {
	_, id := n.raft.LeaderWithID()
	return string(id)
}

// Term is the present raft term.
func (n *Node) Term() uint64 { return n.raft.CurrentTerm() }

// ID is this member's id.
func (n *Node) ID() string { return n.cfg.ID }

// Members is the configured list.
func (n *Node) Members() []Member { return n.cfg.Members }

// StepDown hands the leadership to another member; it does nothing at a
// follower.
func (n *Node) StepDown() error {
	if !n.IsLeader() {
		return nil
	}
	return n.raft.LeadershipTransfer().Error()
}

// Transfer hands the leadership to the member with that id. It returns when that
// one leads, or an error when it could not be had within an election's time.
func (n *Node) Transfer(id string) error {
	for _, m := range n.cfg.Members {
		if m.ID == id {
			return leaderError(n.raft.LeadershipTransferToServer(raft.ServerID(m.ID), raft.ServerAddress(m.Addr)).Error())
		}
	}
	return fmt.Errorf("raft: %q is no member", id)
}

// Close stops the member. It returns when its goroutines have ended and its
// files are closed.
func (n *Node) Close() error {
	f := n.raft.Shutdown()
	stopped := make(chan error, 1)
	go func() { stopped <- f.Error() }()
	select {
	case err := <-stopped:
		n.release()
		return err
	case <-time.After(closeTimeout):
		return fmt.Errorf("raft: did not stop within %v", closeTimeout)
	}
}

func (n *Node) release() {
	if n.gate != nil {
		n.gate.close()
	}
	if c, ok := n.transport.(raft.WithClose); ok {
		c.Close()
	}
	if n.store != nil {
		n.store.Close()
	}
}
