package election

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"holdfast/backend/client"
	"holdfast/backend/resp"
	"holdfast/conf"
	"holdfast/election/internal/consensus"
	"holdfast/election/internal/group"
	"holdfast/election/topology"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		f.Value.Set("4") // the tests wait, they do not compute
	}
	// Raft never answers an entry that was queued in the moment it shut down; the
	// goroutine that waits for it ends with the process.
	const pool = "github.com/panjf2000/ants/v2.(*poolCommon)." // of gnet, for as long as the process lives
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/hashicorp/raft.(*deferError).Error"),
		goleak.IgnoreTopFunction(pool+"purgeStaleWorkers"), goleak.IgnoreTopFunction(pool+"ticktock"))
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second * patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never came: %s", what)
}

// patience stretches the times of these tests where the machine is too busy to
// keep them: sentinels that are not run for longer than down-after judge wrongly,
// as they must, and tests of what comes after would never come to it.
var patience = func() time.Duration {
	var worst time.Duration
	for range 50 {
		asleep := time.Now()
		time.Sleep(2 * time.Millisecond)
		worst = max(worst, time.Since(asleep))
	}
	return min(8, 2+worst/(40*time.Millisecond))
}()

var testDownAfter = 400 * time.Millisecond * patience

// cluster is three sentinels in this process that watch a fakeGroup.
type cluster struct {
	t         *testing.T
	nodes     *fakeGroup
	network   *consensus.Network
	dirs      map[string]string
	sentinels map[string]*Sentinel
	logs      map[string]*logBuffer
	wrap      func(id string, s *Sentinel, p proposer) proposer // of a sentinel's way to raft; nil: as it is
	writeAcks int
	adjust    func(*conf.SentinelConfig)
}

var ids = []string{"s1", "s2", "s3"}

func newCluster(t *testing.T, nodes int, options ...func(*cluster)) *cluster {
	c := &cluster{t: t, nodes: newFakeGroup(t, nodes), network: consensus.NewNetwork(), dirs: map[string]string{},
		sentinels: map[string]*Sentinel{}, logs: map[string]*logBuffer{}, writeAcks: 1}
	for _, o := range options {
		o(c)
	}
	t.Cleanup(func() {
		for id := range c.sentinels {
			c.stop(id)
		}
		if t.Failed() || os.Getenv("HOLDFAST_LOG") != "" {
			for _, id := range ids {
				fmt.Fprintf(os.Stderr, "--- %s\n%s", id, c.logs[id].String())
			}
		}
	})
	for _, id := range ids {
		c.dirs[id], c.logs[id] = t.TempDir(), new(logBuffer)
		c.start(id)
	}
	return c
}

// logBuffer collects a sentinel's log lines.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (c *cluster) config(id string) conf.SentinelConfig {
	cfg := conf.SentinelConfig{
		Common:     conf.Common{Bind: []string{"127.0.0.1"}, Dir: c.dirs[id], MaxClients: 100},
		AnnounceIP: "127.0.0.1",
		Raft:       conf.Raft{ID: id, Timeout: 250 * time.Millisecond * patience},
		Monitors: []conf.Monitor{{
			Name: "mymaster", Master: c.nodes.order[0], Replicas: c.nodes.order[1:], Quorum: 2,
			DownAfter: testDownAfter, FailoverTimeout: 3 * time.Second * patience, ParallelSyncs: 1, WriteAcks: c.writeAcks, WriteAcksPolicy: "degrade", Promotion: "safe",
			Fencing: true, Lease: time.Second * patience, AuthUser: id, AuthPass: "x",
		}},
	}
	for _, id := range ids {
		cfg.Raft.Members = append(cfg.Raft.Members, conf.Member{ID: id, Addr: id + ":1"})
	}
	if c.adjust != nil {
		c.adjust(&cfg)
	}
	return cfg
}

func (c *cluster) start(id string) {
	c.t.Helper()
	s, err := New(conf.Of(c.config(id)), slog.New(slog.NewTextHandler(c.logs[id], &slog.HandlerOptions{Level: slog.LevelInfo})))
	if err != nil {
		c.t.Fatal(err)
	}
	s.network = c.network
	if c.wrap != nil {
		s.wrap = func(p proposer) proposer { return c.wrap(id, s, p) }
	}
	if err := s.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.sentinels[id] = s
}

func (c *cluster) stop(id string) {
	s := c.sentinels[id]
	delete(c.sentinels, id)
	s.Close()
}

func (s *Sentinel) group() *group.Group { return s.machine.state.Load().Groups["mymaster"] }

// stable waits until every running sentinel says that the group is stable, and
// returns the topology.
func (c *cluster) stable() *topology.Topology {
	c.t.Helper()
	return c.until("a stable group", func(t *topology.Topology) bool { return true })
}

func (c *cluster) until(what string, ok func(t *topology.Topology) bool) *topology.Topology {
	c.t.Helper()
	var t *topology.Topology
	eventually(c.t, what, func() bool {
		for _, s := range c.sentinels {
			t = s.Topology("mymaster")
			if t == nil || t.Phase != topology.Stable || !ok(t) {
				return false
			}
		}
		return t != nil
	})
	return t
}

// whole waits until the group is stable with every replica up and a holder.
func (c *cluster) whole(replicas int) *topology.Topology {
	c.t.Helper()
	t := c.until("all replicas up", func(t *topology.Topology) bool {
		up := 0
		for _, r := range t.Replicas {
			if r.Up {
				up++
			}
		}
		return up == replicas
	})
	eventually(c.t, "all replicas are holders", func() bool {
		for _, s := range c.sentinels {
			g := s.group()
			if len(g.Holders.Members) != replicas || g.Next != nil {
				return false
			}
		}
		return true
	})
	return t
}

func (c *cluster) leader() *Sentinel {
	c.t.Helper()
	var leader *Sentinel
	eventually(c.t, "a leading sentinel", func() bool {
		for _, s := range c.sentinels {
			if s.raft.IsLeader() {
				leader = s
				return true
			}
		}
		return false
	})
	return leader
}

// mustWrite writes until the master answers; the write is then never lost.
func (c *cluster) mustWrite(value string) {
	c.t.Helper()
	i := 0
	eventually(c.t, "a write to be answered", func() bool {
		for _, s := range c.sentinels {
			if t := s.Topology("mymaster"); t != nil {
				i++
				return c.nodes.write(t.Master.Addr, fmt.Sprint(value, "/", i))
			}
		}
		return false
	})
}

// nothingLost checks the master for every answered write.
func (c *cluster) nothingLost() {
	c.t.Helper()
	t := c.stable()
	if lost := c.nodes.lost(t.Master.Addr); len(lost) > 0 {
		c.t.Errorf("the master of epoch %d lacks answered writes: %v", t.Epoch, lost)
	}
}

func (c *cluster) do(id string, args ...string) (resp.Value, error) {
	return doAt(c.sentinels[id].Addr(), args...)
}

func doAt(addr string, args ...string) (resp.Value, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second*patience)
	defer cancel()
	conn, err := client.Dial(ctx, addr, client.Options{})
	if err != nil {
		return resp.Value{}, err
	}
	defer conn.Close()
	return conn.Do(ctx, args...)
}

// printed waits until a sentinel has printed lines that hold the words, in this
// order.
func (c *cluster) printed(id string, words ...string) {
	c.t.Helper()
	missing := ""
	eventually(c.t, id+" to print the events", func() bool {
		text := c.logs[id].String()
		for _, w := range words {
			at := strings.Index(text, w)
			if at < 0 {
				missing = w
				return false
			}
			text = text[at:]
		}
		missing = ""
		return true
	})
	if missing != "" {
		c.t.Errorf("%s never printed %q", id, missing)
	}
}
