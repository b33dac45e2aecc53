package main_test

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
	"holdfast/cmd/internal/load"
	"holdfast/cmd/internal/up"
)

// episode is a story of what an operator or a machine does to a group, and
// which errors its clients may see for it.
type episode struct {
	story
	errors []string
}

// cutOff are what clients see whose own proxy goes away.
var cutOff = []string{load.KindLost, load.KindDial}

// Stories of operations. None of them may cost an acknowledged write.
var operations = []episode{
	{story: story{name: "two switchovers in a row", play: func(s *scene, _ int) {
		for range 2 {
			s.switchOver()
		}
	}}},
	{story: story{name: "a switchover while a replica is frozen", play: func(s *scene, run int) {
		s.freeze(s.replicas()[run%2])
		s.switchOver()
		s.awaitWrites(50)
	}}},
	{story: story{name: "a switchover while a replica receives a full copy", play: func(s *scene, run int) {
		s.wipe(s.replicas()[run%2])
		s.switchOver()
	}}},
	{story: story{name: "a failover while a replica receives a full copy", play: func(s *scene, run int) {
		e := s.epoch()
		s.wipe(s.replicas()[run%2])
		s.awaitWhole()
		s.awaitHolders(2) // it confirms again: the master's death is the only fault
		s.kill(s.master())
		s.awaitEpochPast(e)
	}}},
	{story: story{name: "a failover during BGSAVE", play: func(s *scene, _ int) {
		e, master := s.epoch(), s.master()
		for _, p := range s.state().Nodes {
			mustDo(s.t, p.Addr, "BGSAVE")
		}
		s.kill(master)
		s.awaitEpochPast(e)
	}}},
	{story: story{name: "settings change during a failover", play: func(s *scene, _ int) {
		e := s.epoch()
		s.kill(s.master())
		for _, p := range s.replicas() {
			for _, set := range []string{"repl-backlog-size 2mb", "maxmemory 1gb", "appendonly yes", "maxmemory 0", "repl-backlog-size 1mb", "appendonly no"} {
				do(s.t, 5*time.Second, p.Addr, append([]string{"CONFIG", "SET"}, strings.Fields(set)...)...)
			}
		}
		s.awaitEpochPast(e)
	}}},
	{story: story{name: "an operator orders nodes about by hand", play: func(s *scene, _ int) {
		master := s.master()
		host, port, _ := net.SplitHostPort(master.Addr)
		for _, p := range s.state().Nodes {
			for _, order := range [][]string{{"REPLICAOF", "NO", "ONE"}, {"REPLICAOF", host, port}, {"REPLICAOF", "127.0.0.1", "1"}} {
				if _, err := do(s.t, 5*time.Second, p.Addr, order...); err == nil {
					s.t.Errorf("%s took %v", p.Addr, order)
				}
			}
		}
		s.awaitWrites(50)
	}}},
	{story: story{name: "the master is shut down in order", play: func(s *scene, _ int) {
		e := s.epoch()
		do(s.t, 10*time.Second, s.master().Addr, "SHUTDOWN")
		s.awaitEpochPast(e)
	}}},
	{story: story{name: "the master's connections are killed", play: func(s *scene, _ int) {
		mustDo(s.t, s.master().Addr, "CLIENT", "KILL", "TYPE", "normal")
		s.awaitWrites(50)
		mustDo(s.t, s.master().Addr, "CLIENT", "KILL", "TYPE", "replica")
		s.awaitWrites(50)
	}}},
	{story: story{name: "the master is busy for longer than down-after", play: func(s *scene, _ int) {
		e := s.epoch()
		const busy = "for i = 1, 8e7 do end return 'done'" // some seconds
		if v, err := do(s.t, 30*time.Second, s.master().Addr, "EVAL", busy, "0"); err != nil || v.Text != "done" {
			s.t.Errorf("a long script: %q, %v", v.Text, err)
		}
		s.awaitWrites(50)
		if now := s.epoch(); now != e {
			s.t.Errorf("epoch %d, was %d: a busy master was replaced", now, e)
		}
	}}},
	{story: story{name: "RESET while a replica is away", play: func(s *scene, run int) {
		s.freeze(s.replicas()[run%2])
		sleep(1500)
		mustDo(s.t, s.leader().Addr, "SENTINEL", "RESET", "*")
		s.awaitWrites(50)
	}}},
	{story: story{name: "a master that comes and goes", play: func(s *scene, _ int) {
		master := s.master()
		for i := range 5 {
			s.freeze(master)
			sleep(300 + 250*i)
			s.thaw()
			sleep(100)
		}
	}}},
	{story: story{name: "sentinels are restarted one after the other", play: func(s *scene, _ int) {
		for range 2 {
			for _, p := range s.state().Sentinels {
				s.kill(p)
				s.restarted(p)
			}
		}
	}}},
	{story: story{name: "replicas are restarted one after the other", play: func(s *scene, _ int) {
		for range 2 {
			for _, p := range s.replicas() {
				s.kill(p)
				s.restarted(p)
				s.awaitWhole()
				s.awaitHolders(2)
			}
		}
	}}},
	{story: story{name: "the nodes are restarted in turn, the master too", play: func(s *scene, _ int) {
		for _, p := range s.state().Nodes {
			s.kill(p)
			s.restarted(p)
			s.awaitWhole()
			s.awaitHolders(2)
		}
	}}},
	{story: story{name: "the leading sentinel and a replica freeze", play: func(s *scene, run int) {
		s.freeze(s.leader(), s.replicas()[run%2])
		sleep(2000)
		s.awaitWrites(20)
	}}},
	{story: story{name: "the leading sentinel and the master freeze", play: func(s *scene, _ int) {
		e := s.epoch()
		s.freeze(s.leader(), s.master())
		s.awaitEpochPast(e)
	}}},
	{story: story{name: "the master and a replica freeze", play: func(s *scene, run int) {
		s.freeze(s.master(), s.replicas()[run%2])
		sleep(2500)
	}}},
	{story: story{name: "two sentinels freeze, and the master dies", play: func(s *scene, _ int) {
		e, leader := s.epoch(), s.leader()
		s.freeze(slices.DeleteFunc(s.state().Sentinels, func(p up.Process) bool { return p == leader })...)
		s.kill(s.master())
		sleep(1500)
		s.thaw()
		s.awaitEpochPast(e)
	}}},
	{story: story{name: "the whole machine sleeps", play: func(s *scene, _ int) {
		st := s.state()
		s.freeze(slices.Concat(st.Nodes, st.Sentinels, st.Proxies)...)
		sleep(3000)
	}}},
	{story: story{name: "all nodes freeze", play: func(s *scene, _ int) {
		s.freeze(s.state().Nodes...)
		sleep(3000)
	}}},
	{story: story{name: "all sentinels and the master die", play: func(s *scene, _ int) {
		e := s.epoch()
		for _, p := range append(s.state().Sentinels, s.master()) {
			s.kill(p)
		}
		s.awaitEpochPast(e)
	}}},
	{story: story{name: "a proxy freezes", play: func(s *scene, run int) {
		s.freeze(s.state().Proxies[run%2])
		sleep(2500)
	}}},
	{story: story{name: "a proxy and the master freeze", play: func(s *scene, run int) {
		e := s.epoch()
		s.freeze(s.state().Proxies[run%2], s.master())
		s.awaitEpochPast(e)
	}}},
	{errors: cutOff, story: story{name: "a proxy is restarted", play: func(s *scene, run int) {
		p := s.state().Proxies[run%2]
		s.kill(p)
		s.restarted(p)
	}}},
	{errors: cutOff, story: story{name: "a proxy and the master die", play: func(s *scene, run int) {
		e, p := s.epoch(), s.state().Proxies[run%2]
		s.kill(p)
		s.kill(s.master())
		s.awaitEpochPast(e)
		s.restarted(p)
	}}},
	{errors: cutOff, story: story{name: "a proxy is started during a failover", play: func(s *scene, run int) {
		e, p := s.epoch(), s.state().Proxies[run%2]
		s.kill(p)
		sleep(600) // up starts it again after one second
		s.freeze(s.master())
		s.restarted(p)
		s.awaitEpochPast(e)
	}}},
	{story: story{name: "a replica is added by hand, and the master dies", play: addReplica}},
}

// allOperations is for the full series, which is played by hand.
var allOperations = flag.Bool("chaos.all", false, "play all operations, not every fourth")

func TestOperations(t *testing.T) {
	t.Parallel()
	c := startCluster(t, fast+"--proxies 2")
	c.fill(20_000)
	for i, op := range operations {
		if !*allOperations && i%4 != 0 {
			continue
		}
		kept := t.Run(op.name, func(t *testing.T) {
			for run := range *chaosRuns {
				on := *c
				on.t = t
				s := newScene(&on, op.load)
				began := time.Now()
				op.play(s, run)
				res := s.verify()
				t.Logf("it took %v", time.Since(began).Round(time.Millisecond))
				s.onlyErrors(res, op.errors)
				s.noFilesLeft()
				if t.Failed() {
					c.keepLogs()
					t.FailNow()
				}
			}
		})
		if !kept {
			return
		}
	}
}

// onlyErrors sees that clients met no errors but those that are nobody's fault.
func (s *scene) onlyErrors(res *load.VerifiedResult, more []string) {
	s.t.Helper()
	for kind, n := range res.Errors {
		if !slices.Contains(more, kind) {
			s.t.Errorf("clients saw %d %s", n, kind)
		}
	}
}

// switchOver asks the sentinels for another master until they take it, and waits
// until that serves.
func (s *scene) switchOver() {
	s.t.Helper()
	e := s.epoch()
	s.beginSwitchover()
	s.awaitEpochPast(e)
}

// wipe kills a node and takes all it has.
func (s *scene) wipe(p up.Process) {
	s.t.Helper()
	s.kill(p)
	entries, _ := os.ReadDir(p.Dir)
	for _, e := range entries {
		if e.Name() != "log" {
			os.RemoveAll(filepath.Join(p.Dir, e.Name()))
		}
	}
	s.restarted(p)
}

// awaitHolders waits until the group counts on the confirmations of so many.
func (c *cluster) awaitHolders(n int) {
	c.t.Helper()
	await(c.t, 30*time.Second, fmt.Sprintf("%d replicas count", n), func() error {
		t, err := c.topologyNow()
		if err != nil {
			return err
		}
		up := 0
		for _, r := range t.Replicas {
			if r.Up {
				up++
			}
		}
		if up < n || t.Degraded {
			return fmt.Errorf("%d do: %s", up, t.Reason)
		}
		return nil
	})
	sleep(100) // the pair is committed in a moment
}

// addReplica starts a fourth node, tells it by hand whom to follow, kills the
// master once the group counts on it, and takes it away again.
func addReplica(s *scene, _ int) {
	port := freeport.Port(s.t)
	dir := s.t.TempDir()
	cmd := exec.Command(program, "node", "--port", fmt.Sprint(port), "--dir", dir, "--logfile", filepath.Join(dir, "log"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { defer close(gone); cmd.Wait() }()
	defer func() { cmd.Process.Kill(); <-gone }()
	addr := local(port)
	host, masterPort, _ := net.SplitHostPort(s.master().Addr)
	await(s.t, 10*time.Second, "it follows", func() error {
		_, err := do(s.t, time.Second, addr, "REPLICAOF", host, masterPort)
		return err
	})
	s.awaitHolders(3)
	e := s.epoch()
	s.kill(s.master())
	s.awaitEpochPast(e)
	s.awaitWhole()
	s.awaitHolders(3)
	for s.leaderOfGroup() == addr {
		s.switchOver()
	}
	cmd.Process.Kill()
	<-gone
	await(s.t, 20*time.Second, "it is forgotten", func() error {
		if _, err := do(s.t, 5*time.Second, s.leader().Addr, "SENTINEL", "RESET", "*"); err != nil {
			return err
		}
		t, err := s.topologyNow()
		if err == nil && len(t.Replicas) > 2 {
			err = fmt.Errorf("%d replicas", len(t.Replicas))
		}
		return err
	})
}

func (s *scene) leaderOfGroup() string {
	s.t.Helper()
	t, err := s.topologyNow()
	if err != nil {
		s.t.Fatal(err)
	}
	return t.Master.Addr
}

// noFilesLeft sees that nodes and sentinels keep no more files and connections
// open than a group of their size needs.
func (s *scene) noFilesLeft() {
	s.t.Helper()
	const plenty = 80
	st := s.state()
	for _, p := range slices.Concat(st.Nodes, st.Sentinels) {
		await(s.t, 20*time.Second, p.Addr+" holds few files open", func() error {
			files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID))
			if err == nil && len(files) > plenty {
				err = fmt.Errorf("%d are open", len(files))
			}
			return err
		})
	}
}
