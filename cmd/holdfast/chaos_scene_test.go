package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/resp"
	"holdfast/cmd/internal/load"
	"holdfast/cmd/internal/up"
	"holdfast/cmd/internal/view"
	"holdfast/election/topology"
)

// scene is a group under a verified load, in which a story is played.
type scene struct {
	*cluster
	load   *load.Verified
	admins []string
	calm   map[string]float64 // figures of the proxies before the load
	frozen []up.Process

	reckless bool // more nodes may die than writes have holders
	losses   int  // that were announced before
}

// scenes numbers the loads of this run of the tests: each has keys of its own.
var scenes atomic.Int64

// calm is what the proxies of each group held before its first scene: what a
// scene leaves behind must not add up.
var calm sync.Map // of map[string]float64, by the group's directory

// newScene starts a load on a whole group and waits until it writes. admins are
// the admin addresses of the proxies; none: those of a group that up runs.
func newScene(c *cluster, o load.VerifiedOptions, admins ...string) *scene {
	c.t.Helper()
	c.awaitWhole()
	for i := 0; i < c.opts.Proxies && len(admins) < c.opts.Proxies; i++ {
		admins = append(admins, local(c.opts.AdminPort+i))
	}
	s := &scene{cluster: c, admins: admins}
	before, known := calm.Load(c.opts.Dir)
	if !known {
		before = figures(c.t, admins)
		calm.Store(c.opts.Dir, before)
	}
	s.calm = before.(map[string]float64)
	s.losses = len(s.announced())
	o.Addrs, o.Prefix = addressesOf(c.state().Proxies), fmt.Sprintf("chaos:%d", scenes.Add(1))
	if o.Clients == 0 {
		o.Clients = 8
	}
	if o.Reads == 0 {
		o.Reads = 0.3
	}
	var err error
	if s.load, err = load.StartVerified(c.t.Context(), o); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { s.thaw(); s.load.Stop() })
	s.awaitWrites(50)
	return s
}

func addressesOf(parts []up.Process) (addrs []string) {
	for _, p := range parts {
		addrs = append(addrs, p.Addr)
	}
	return addrs
}

// awaitWrites waits until n more writes are acknowledged.
func (s *scene) awaitWrites(n int64) {
	s.t.Helper()
	want := s.load.Written() + n
	await(s.t, 40*time.Second, fmt.Sprintf("%d more writes are acknowledged", n), func() error {
		if have := s.load.Written(); have < want {
			return fmt.Errorf("%d are missing; %s", want-have, s.why())
		}
		return nil
	})
}

// why is what the group says it waits for.
func (s *scene) why() string {
	t, err := s.topologyNow()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("epoch %d, phase %s: %s", t.Epoch, t.Phase, t.Reason)
}

func (c *cluster) topologyNow() (*topology.Topology, error) {
	return view.AskTopology(c.t.Context(), addressesOf(c.state().Sentinels), up.Group)
}

// awaitEpochPast waits until a master serves in an epoch above e and returns
// the epoch.
func (c *cluster) awaitEpochPast(e uint64) (epoch uint64) {
	c.t.Helper()
	await(c.t, 30*time.Second, fmt.Sprintf("a master serves past epoch %d", e), func() error {
		t, err := c.topologyNow()
		if err == nil && (!t.Serves() || t.Epoch <= e) {
			err = fmt.Errorf("epoch %d, phase %s: %s", t.Epoch, t.Phase, t.Reason)
		}
		if err == nil {
			epoch = t.Epoch
		}
		return err
	})
	return epoch
}

func (c *cluster) epoch() uint64 {
	c.t.Helper()
	var t *topology.Topology
	await(c.t, 10*time.Second, "a sentinel tells the epoch", func() (err error) {
		t, err = c.topologyNow()
		return err
	})
	return t.Epoch
}

// beginSwitchover begins a planned switchover as soon as the leader sees whom to promote:
// a busy machine may have kept a replica's answers from it for a moment.
func (c *cluster) beginSwitchover() {
	c.t.Helper()
	await(c.t, 10*time.Second, "a switchover begins", func() error {
		_, err := do(c.t, 20*time.Second, c.leader().Addr, "SENTINEL", "FAILOVER", up.Group)
		return err
	})
}

// replicas are the running nodes that are not the master.
func (c *cluster) replicas() []up.Process {
	c.t.Helper()
	master := c.master().Addr
	return slices.DeleteFunc(c.state().Nodes, func(p up.Process) bool { return p.Addr == master || p.PID == 0 })
}

// leader is the sentinel that leads.
func (c *cluster) leader() up.Process {
	c.t.Helper()
	var leader up.Process
	await(c.t, 10*time.Second, "a sentinel leads", func() error {
		for _, p := range c.state().Sentinels {
			if v := view.AskSentinel(c.t.Context(), p.Addr); v.Err == nil && v.ID == v.Leader {
				leader = p
				return nil
			}
		}
		return errors.New("none says so")
	})
	return leader
}

// freeze returns when no thread of the processes runs any more.
func (s *scene) freeze(all ...up.Process) {
	s.t.Helper()
	for _, p := range all {
		if err := syscall.Kill(p.PID, syscall.SIGSTOP); err != nil {
			s.t.Fatalf("freezing %v: %v", p, err)
		}
		s.frozen = append(s.frozen, p)
	}
	for _, p := range all {
		await(s.t, 10*time.Second, p.Addr+" has stopped", func() error {
			threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.PID))
			for _, file := range threads {
				stat, err := os.ReadFile(file)
				_, rest, _ := strings.Cut(string(stat), ") ")
				if err == nil && !slices.Contains([]string{"T", "Z", "X"}, rest[:1]) {
					return fmt.Errorf("%s is in state %s", file, rest[:1])
				}
			}
			return nil
		})
	}
}

// thaw lets all frozen processes go on, or only the named ones.
func (s *scene) thaw(only ...up.Process) {
	s.frozen = slices.DeleteFunc(s.frozen, func(p up.Process) bool {
		named := len(only) == 0 || slices.Contains(only, p)
		if named {
			syscall.Kill(p.PID, syscall.SIGCONT)
		}
		return named
	})
}

// restarted waits until up has started the part at addr again.
func (c *cluster) restarted(old up.Process) (now up.Process) {
	c.t.Helper()
	await(c.t, 20*time.Second, old.Addr+" is started again", func() error {
		s := c.state()
		for _, p := range slices.Concat(s.Nodes, s.Sentinels, s.Proxies) {
			if p.Addr == old.Addr && p.PID != 0 && p.PID != old.PID {
				now = p
				return nil
			}
		}
		return errors.New("it is not")
	})
	return now
}

// event is a message of a sentinel.
type event struct{ name, text string }

// events listens to a sentinel's messages until the test ends.
func (c *cluster) events(sentinel string) <-chan event {
	c.t.Helper()
	heard := make(chan event, 1024)
	conn, err := client.Dial(c.t.Context(), sentinel, client.Options{})
	if err == nil {
		_, err = conn.Do(c.t.Context(), "PSUBSCRIBE", "*")
	}
	if err != nil { // it died just now
		close(heard)
		return heard
	}
	go func() {
		defer close(heard)
		for {
			ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Minute)
			v, err := conn.Receive(ctx)
			cancel()
			if err != nil {
				return
			}
			if len(v.Elems) != 4 {
				continue
			}
			select {
			case heard <- event{v.Elems[2].Text, v.Elems[3].Text}:
			default: // nobody listens any more
			}
		}
	}()
	c.t.Cleanup(func() { conn.Close() })
	return heard
}

// awaitEvent reads events until one has that name.
func (c *cluster) awaitEvent(heard <-chan event, name string) event {
	c.t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case e, ok := <-heard:
			if !ok {
				c.t.Fatalf("the sentinel went away before it said %s", name)
			}
			if e.name == name {
				return e
			}
		case <-timeout:
			c.t.Fatalf("no sentinel said %s", name)
		}
	}
}

// verify ends the story: the group heals, and every promise was kept.
func (s *scene) verify() *load.VerifiedResult {
	s.t.Helper()
	s.thaw()
	s.awaitWhole()
	s.awaitWrites(50)
	res := s.load.Stop()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	audit, err := s.load.Audit(ctx)
	if err != nil {
		s.t.Fatalf("reading everything back: %v", err)
	}
	s.t.Logf("%d writes, %d reads, pause %v, errors %v; %v", res.Writes, res.Reads, res.WritePause.Round(time.Millisecond), res.Errors, audit)
	if said := len(s.announced()) - s.losses; s.reckless && said > 0 {
		s.t.Logf("%d lines announced a possible loss", said)
		audit.Lost, audit.Doubled, audit.Stale = 0, 0, 0 // counters that went back answer a value twice
	}
	if !audit.Clean() {
		s.t.Errorf("a promise was broken: %v\nlosses announced: %v", audit, s.announced())
	}
	s.sameEverywhere()
	if !s.t.Failed() {
		if err := s.load.Clean(ctx); err != nil {
			s.t.Error(err)
		}
	}
	s.noLeak()
	return res
}

// announced are the losses that the sentinels have announced.
func (s *scene) announced() (lines []string) {
	logs, _ := filepath.Glob(filepath.Join(s.opts.Dir, "s*", "log"))
	for _, file := range logs {
		b, _ := os.ReadFile(file)
		for line := range strings.Lines(string(b)) {
			if strings.Contains(line, "+possible-loss") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	return lines
}

// sameEverywhere compares the nodes, asked directly: epoch, offset, contents.
func (s *scene) sameEverywhere() {
	s.t.Helper()
	nodes := s.state().Nodes
	await(s.t, 20*time.Second, "all nodes are in the same place", func() error {
		first := view.AskNode(s.t.Context(), nodes[0].Addr)
		for _, p := range nodes[1:] {
			n := view.AskNode(s.t.Context(), p.Addr)
			if n.Epoch != first.Epoch || n.Offset != first.Offset || n.Err != nil {
				return fmt.Errorf("%s is at %d:%d and %s at %d:%d", first.Addr, first.Epoch, first.Offset, n.Addr, n.Epoch, n.Offset)
			}
		}
		return nil
	})
	want := contents(s.t, nodes[0].Addr)
	for _, p := range nodes[1:] {
		have := contents(s.t, p.Addr)
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if have[key] != want[key] {
				s.t.Errorf("%s differs: %.200q at %s, %.200q at %s", key, want[key], nodes[0].Addr, have[key], p.Addr)
			}
		}
		if len(have) != len(want) {
			s.t.Errorf("%d keys at %s, %d at %s", len(want), nodes[0].Addr, len(have), p.Addr)
		}
	}
}

// contents reads everything a node holds in database 0.
func contents(t *testing.T, addr string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	conn, err := client.Dial(ctx, addr, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// ask sends one request for each key, many at once.
	ask := func(keys []string, request func(i int) []string) []resp.Value {
		var all []resp.Value
		for chunk := range slices.Chunk(keys, 500) {
			at := len(all)
			for i := range chunk {
				conn.Send(request(at + i)...)
			}
			for range chunk {
				v, err := conn.Receive(ctx)
				if err != nil {
					t.Fatalf("reading %s: %v", addr, err)
				}
				all = append(all, v)
			}
		}
		return all
	}
	keys := strings.Fields(joined(ask([]string{"*"}, func(int) []string { return []string{"KEYS", "*"} })[0]))
	kinds := ask(keys, func(i int) []string { return []string{"TYPE", keys[i]} })
	values := ask(keys, func(i int) []string { return readAll(kinds[i].Text, keys[i]) })
	all := make(map[string]string)
	for i, key := range keys {
		v := values[i]
		if kinds[i].Text == "hash" || kinds[i].Text == "set" { // in no order
			slices.SortFunc(v.Elems, func(a, b resp.Value) int { return strings.Compare(a.Text, b.Text) })
		}
		all[key] = v.Text + joined(v)
	}
	return all
}

// readAll is the request that reads all of a key.
func readAll(kind, key string) []string {
	switch kind {
	case "list":
		return []string{"LRANGE", key, "0", "-1"}
	case "set":
		return []string{"SMEMBERS", key}
	case "hash":
		return []string{"HGETALL", key}
	case "zset":
		return []string{"ZRANGE", key, "0", "-1", "WITHSCORES"}
	}
	return []string{"GET", key}
}

func joined(v resp.Value) string {
	words := make([]string, len(v.Elems))
	for i, e := range v.Elems {
		words[i] = e.Text
	}
	return strings.Join(words, " ")
}

// watchedFigures are the figures of a proxy that must go back to what they were.
var watchedFigures = []string{"holdfast_proxy_clients", "holdfast_proxy_held_requests", "holdfast_proxy_held_bytes",
	"holdfast_proxy_links", "go_goroutines", "process_open_fds"}

// figures adds up the watched figures over the admin addresses of all proxies.
func figures(t *testing.T, admins []string) map[string]float64 {
	t.Helper()
	sum := make(map[string]float64)
	for _, admin := range admins {
		res, err := http.Get("http://" + admin + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(body)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			if n, err := strconv.ParseFloat(value, 64); err == nil && slices.Contains(watchedFigures, name) {
				sum[name] += n
			}
		}
	}
	return sum
}

// noLeak sees that the proxies hold nothing more than before the first load. A
// few links more are lanes that were not needed at first.
func (s *scene) noLeak() {
	s.t.Helper()
	slack := 10 * len(s.admins)
	await(s.t, 20*time.Second, "the proxies hold what they held before", func() error {
		now := figures(s.t, s.admins)
		for _, name := range watchedFigures {
			room := float64(slack)
			if strings.Contains(name, "proxy_clients") || strings.Contains(name, "held") {
				room = 0
			}
			if now[name] > s.calm[name]+room {
				return fmt.Errorf("%s is %v, and was %v", name, now[name], s.calm[name])
			}
		}
		return nil
	})
}
