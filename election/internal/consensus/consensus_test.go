package consensus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// list is a Machine that collects entries.
type list struct {
	mu       sync.Mutex
	entries  []string
	replayed int
}

func (l *list) Apply(entry []byte, replay bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if strings.HasPrefix(string(entry), "bad") {
		return errors.New("refused " + string(entry))
	}
	l.entries = append(l.entries, string(entry))
	if replay {
		l.replayed++
	}
	return nil
}

func (l *list) Snapshot() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return []byte(strings.Join(l.entries, "\n")), nil
}

func (l *list) Restore(b []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = strings.Split(string(b), "\n")
	return nil
}

func (l *list) get() ([]string, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries), l.replayed
}

// trio is a group of three members in this process.
// raftTimeout is so long that a member which a busy machine does not run for a
// moment keeps its lead.
const raftTimeout = time.Second

type trio struct {
	t       *testing.T
	network *Network
	members []Member
	dirs    map[string]string
	nodes   map[string]*Node
	lists   map[string]*list
}

func newTrio(t *testing.T) *trio {
	c := &trio{t: t, network: NewNetwork(), dirs: map[string]string{}, nodes: map[string]*Node{}, lists: map[string]*list{}}
	for _, id := range []string{"s1", "s2", "s3"} {
		c.members = append(c.members, Member{ID: id, Addr: id + ":1"})
		c.dirs[id] = t.TempDir()
	}
	for _, m := range c.members {
		c.start(m.ID)
	}
	t.Cleanup(func() {
		for id := range c.nodes {
			c.stop(id)
		}
	})
	return c
}

func (c *trio) start(id string) {
	c.t.Helper()
	c.lists[id] = &list{}
	n, err := Open(Config{ID: id, Members: c.members, Dir: c.dirs[id], Network: c.network, NoSync: true,
		Timeout: raftTimeout, Logger: slog.New(slog.DiscardHandler)}, c.lists[id])
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[id] = n
}

func (c *trio) stop(id string) {
	c.t.Helper()
	if err := c.nodes[id].Close(); err != nil {
		c.t.Error(err)
	}
	delete(c.nodes, id)
}

func (c *trio) leader() *Node {
	c.t.Helper()
	var leader *Node
	eventually(c.t, "a leader", func() bool {
		for _, n := range c.nodes {
			if n.IsLeader() && n.Verify() == nil {
				leader = n
				return true
			}
		}
		return false
	})
	return leader
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never came: %s", what)
}

func propose(n *Node, entry string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return n.Propose(ctx, []byte(entry))
}

func TestEntriesAreAppliedEverywhereInOrder(t *testing.T) {
	t.Parallel()
	c := newTrio(t)
	leader := c.leader()
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprint("entry ", i))
		if err := propose(leader, want[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := propose(leader, "bad one"); err == nil || err.Error() != "refused bad one" {
		t.Fatalf("a refused entry returned %v", err)
	}
	for id, n := range c.nodes {
		eventually(t, id+" has all entries", func() bool { got, _ := c.lists[id].get(); return slices.Equal(got, want) })
		if n != leader {
			if err := propose(n, "x"); !errors.Is(err, ErrNotLeader) {
				t.Fatalf("a follower took a proposal: %v", err)
			}
			if n.Leader() != leader.ID() {
				t.Fatalf("%s thinks that %q leads, not %s", id, n.Leader(), leader.ID())
			}
		}
	}
}

func TestLeaderDiesAndReturns(t *testing.T) {
	t.Parallel()
	c := newTrio(t)
	old := c.leader()
	if err := propose(old, "one"); err != nil {
		t.Fatal(err)
	}
	c.stop(old.ID())
	next := c.leader()
	if err := propose(next, "two"); err != nil {
		t.Fatal(err)
	}
	c.start(old.ID())
	l := c.lists[old.ID()]
	eventually(t, "the old leader catches up", func() bool {
		got, _ := l.get()
		return slices.Equal(got, []string{"one", "two"})
	})
	if _, replayed := l.get(); replayed != 1 {
		t.Fatalf("%d entries were marked as replayed, not the one from before the stop", replayed)
	}
}

func TestCutLeaderCannotCommit(t *testing.T) {
	t.Parallel()
	c := newTrio(t)
	old := c.leader()
	for _, m := range c.members {
		if m.ID != old.ID() {
			c.network.Cut(old.ID()+":1", m.Addr)
		}
	}
	if err := propose(old, "lost"); err == nil {
		t.Fatal("a leader without a majority committed an entry")
	}
	eventually(t, "the cut leader steps down", func() bool { return !old.IsLeader() })
	next := c.leader()
	if err := propose(next, "kept"); err != nil {
		t.Fatal(err)
	}
	for _, m := range c.members {
		c.network.Heal(old.ID()+":1", m.Addr)
	}
	eventually(t, "the old leader forgets what it could not commit", func() bool {
		got, _ := c.lists[old.ID()].get()
		return slices.Equal(got, []string{"kept"})
	})
}

// A list other than the one the group was founded with is refused; one with other
// addresses is not followed, and told of.
func TestAnotherListOfMembers(t *testing.T) {
	t.Parallel()
	c := newTrio(t)
	c.leader()
	c.stop("s2")
	var log strings.Builder
	open := func(members ...Member) (*Node, error) {
		return Open(Config{ID: "s2", Members: members, Single: true, Dir: c.dirs["s2"], Network: c.network, NoSync: true,
			Timeout: raftTimeout, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))}, &list{})
	}
	for _, members := range [][]Member{c.members[1:2], c.members[1:], append(slices.Clone(c.members), Member{"s4", "s4:1"}),
		{c.members[0], c.members[1], {"s4", "s3:1"}}} {
		n, err := open(members...)
		if err == nil {
			n.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "founded with the members s1=s1:1 s2=s2:1 s3=s3:1, ") {
			t.Errorf("%v: %v", members, err)
		}
	}
	moved := slices.Clone(c.members)
	moved[2].Addr = "elsewhere:1"
	n, err := open(moved...)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "has s3 at elsewhere:1, but the group was founded with s3:1") {
		t.Errorf("it said %q", log.String())
	}
}

func TestStepDown(t *testing.T) {
	t.Parallel()
	c := newTrio(t)
	old := c.leader()
	if err := old.StepDown(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another leader", func() bool { return c.leader().ID() != old.ID() })
}

// A proposal that hangs closes the gate; the followers elect another leader
// although this member lives.
func TestStalledDisk(t *testing.T) {
	t.Parallel()
	c := newTrio(t)
	old := c.leader()
	old.gate.limit = time.Millisecond
	done := old.gate.watch()
	eventually(t, "another leader", func() bool { return c.leader().ID() != old.ID() })
	done()
	if old.gate.closed() {
		t.Fatal("the gate stayed closed")
	}
}

func TestValidate(t *testing.T) {
	two := []Member{{"a", "h:1"}, {"b", "h:2"}}
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"no id":          {Config{Members: two}, "raft.id"},
		"no members":     {Config{ID: "a"}, "raft.members"},
		"not named":      {Config{ID: "c", Members: two}, "does not name this sentinel, c"},
		"alone":          {Config{ID: "a", Members: two[:1]}, "raft.single"},
		"same id":        {Config{ID: "a", Members: []Member{{"a", "h:1"}, {"a", "h:2"}}}, "two members have the id a"},
		"same address":   {Config{ID: "a", Members: []Member{{"a", "h:1"}, {"b", "h:1"}}}, "two members have the address"},
		"nothing amiss":  {Config{ID: "a", Members: two}, ""},
		"alone, allowed": {Config{ID: "a", Members: two[:1], Single: true}, ""},
	} {
		err := c.cfg.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Real sockets, and a port that is taken.
func TestOverTCP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	cfg := Config{ID: "a", Members: []Member{{"a", addr}}, Single: true, Dir: t.TempDir(), NoSync: true, Logger: slog.New(slog.DiscardHandler)}
	if _, err := Open(cfg, &list{}); err == nil || !strings.Contains(err.Error(), "cannot listen at "+addr) {
		t.Fatalf("a taken port: %v", err)
	}
	ln.Close()
	n, err := Open(cfg, &list{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	eventually(t, "the only member leads", n.IsLeader)
	if err := propose(n, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{ID: "a", Members: []Member{{"a", "127.0.0.1:1"}}, Listen: "127.0.0.1:0", Single: true, Dir: cfg.Dir, Logger: cfg.Logger}, &list{}); err == nil || !strings.Contains(err.Error(), "another sentinel") {
		t.Fatalf("a directory in use: %v", err)
	}
}
