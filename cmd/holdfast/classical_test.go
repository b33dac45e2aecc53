package main_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/cmd/internal/child"
	"holdfast/cmd/internal/up"
)

// The arrangement that people have today: a master, two replicas, three sentinels,
// each a service with a file in Redis's syntax and no proxy. The master is killed;
// the sentinels say so in Redis's words, a replica takes over, the files follow, and
// the old master comes back as a replica.
func TestClassicalArrangement(t *testing.T) {
	t.Parallel()
	lab := classicalLab(t)
	old := lab[0]
	await(t, 30*time.Second, "the master takes writes", func() error {
		_, err := do(t, 5*time.Second, local(old.node.port), "SET", "abc", "hahahahah")
		return err
	})
	for _, m := range lab {
		m.has(t, "abc", "hahahahah")
	}
	lab.knowReplicas(t, 2)
	await(t, 20*time.Second, "the sentinels have made it the first master", func() error {
		info := mustDo(t, local(old.node.port), "INFO", "replication")
		if !strings.Contains(info, "holdfast_serving:1\r\n") || strings.Contains(info, "holdfast_data_epoch:0") {
			return errors.New(info)
		}
		return nil
	})

	old.node.kill()
	now := lab.successor(t, old)
	for _, m := range lab {
		m.sentinel.says(t, "+sdown master mymaster "+old.words(), "+odown master mymaster "+old.words()+" #quorum ",
			"+failover-end master mymaster "+old.words(), "+switch-master mymaster "+old.words()+" "+now.words(),
			fmt.Sprintf("+slave slave 127.0.0.1:%d %s @ mymaster %s", old.node.port, old.words(), now.words()))
		m.sentinel.states(t, "sentinel monitor mymaster "+now.words()+" 2")
		if m != now && m != old {
			m.node.states(t, "replicaof "+now.words())
		}
	}
	await(t, 10*time.Second, "the new master's file follows no one", func() error {
		if lacks(now.node.file, "slaveof ") == nil || lacks(now.node.file, "replicaof ") == nil {
			return errors.New("it does")
		}
		return nil
	})
	mustDo(t, local(now.node.port), "SET", "def", "second")

	old.node.start(t)
	old.has(t, "def", "second")
	old.node.states(t, "replicaof "+now.words())
	await(t, 20*time.Second, "the new master has both replicas", func() error {
		info := mustDo(t, local(now.node.port), "INFO", "replication")
		if !strings.Contains(info, "role:master\r\nconnected_slaves:2") {
			return errors.New(info)
		}
		return nil
	})
}

// machine is one of the lab's three.
type machine struct{ node, sentinel *service }

type machines []*machine

// classicalLab sets the three up and starts them.
func classicalLab(t *testing.T) machines {
	t.Helper()
	dir := t.TempDir()
	opts, err := up.Parse(strings.Fields(clusterPorts(t)))
	if err != nil {
		t.Fatal(err)
	}
	var members []string
	for i := range 3 {
		members = append(members, fmt.Sprintf("s%d=%s", i+1, local(opts.RaftPort+i)))
	}
	lab := make(machines, 3)
	for i := range lab {
		follows := fmt.Sprintf("slaveof 127.0.0.1 %d", opts.NodePort)
		if i == 0 {
			follows = "# the master"
		}
		lab[i] = &machine{
			node: newService(t, "node", dir, opts.NodePort+i, follows),
			sentinel: newService(t, "sentinel", dir, opts.SentinelPort+i,
				fmt.Sprintf("sentinel monitor mymaster 127.0.0.1 %d 2", opts.NodePort),
				"sentinel down-after-milliseconds mymaster 1000",
				"sentinel failover-timeout mymaster 10000",
				fmt.Sprintf("sentinel raft-id s%d", i+1),
				"sentinel raft-members "+strings.Join(members, " ")),
		}
	}
	for _, m := range lab {
		m.node.start(t)
		m.sentinel.start(t)
	}
	return lab
}

// has waits for a key at the machine's node.
func (m *machine) has(t *testing.T, key, value string) {
	t.Helper()
	await(t, 20*time.Second, m.node.name+" has "+key, func() error {
		v, err := do(t, 5*time.Second, local(m.node.port), "GET", key)
		if err == nil && v.Text != value {
			err = fmt.Errorf("it is %q", v.Text)
		}
		return err
	})
}

// words is the machine's node as Sentinel's events name it.
func (m *machine) words() string { return fmt.Sprintf("127.0.0.1 %d", m.node.port) }

// knowReplicas waits until every sentinel has found the replicas by itself.
func (lab machines) knowReplicas(t *testing.T, n int) {
	t.Helper()
	for _, m := range lab {
		await(t, 20*time.Second, m.sentinel.name+" knows the replicas", func() error {
			v, err := do(t, 5*time.Second, local(m.sentinel.port), "SENTINEL", "REPLICAS", "mymaster")
			if err == nil && len(v.Elems) != n {
				err = fmt.Errorf("it lists %d", len(v.Elems))
			}
			return err
		})
	}
}

// successor waits until all sentinels name the same other master.
func (lab machines) successor(t *testing.T, old *machine) (now *machine) {
	t.Helper()
	await(t, 20*time.Second, "the sentinels name a new master", func() error {
		named := map[*machine]int{}
		for _, m := range lab {
			v, err := do(t, 5*time.Second, local(m.sentinel.port), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")
			if err != nil {
				return err
			}
			for _, other := range lab {
				if other != old && len(v.Elems) == 2 && v.Elems[0].Text+" "+v.Elems[1].Text == other.words() {
					named[other]++
					now = other
				}
			}
		}
		if named[now] != len(lab) {
			return fmt.Errorf("%d of %d do", named[now], len(lab))
		}
		return nil
	})
	return now
}

// service is one process with its file.
type service struct {
	part, name string
	port       int
	file, log  string
	p          *child.Process
}

func newService(t *testing.T, part, dir string, port int, lines ...string) *service {
	t.Helper()
	s := &service{part: part, name: fmt.Sprintf("%s-%d", part, port), port: port}
	home := filepath.Join(dir, s.name)
	s.file, s.log = home+".conf", home+".log"
	lines = append([]string{fmt.Sprintf("port %d", port), "bind 127.0.0.1", "protected-mode no", "dir " + home, "logfile " + s.log}, lines...)
	if err := os.WriteFile(s.file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.p != nil {
			s.p.Stop(context.Background(), 10*time.Second)
		}
		if t.Failed() {
			b, _ := os.ReadFile(s.log)
			t.Logf("%s said:\n%s", s.name, b)
		}
	})
	return s
}

func (s *service) start(t *testing.T) {
	t.Helper()
	var err error
	if s.p, err = child.Start(exec.Command(program, s.part, s.file)); err != nil {
		t.Fatal(err)
	}
}

func (s *service) kill() {
	s.p.Signal(syscall.SIGKILL)
	<-s.p.Done()
}

// says waits until the service's log has all of these.
func (s *service) says(t *testing.T, words ...string) {
	t.Helper()
	await(t, 20*time.Second, s.name+" tells of it", func() error { return lacks(s.log, words...) })
}

// states waits until the service's file has a line, which the program changed.
func (s *service) states(t *testing.T, line string) {
	t.Helper()
	await(t, 20*time.Second, s.name+"'s file says "+line, func() error { return lacks(s.file, "\n"+line+"\n") })
}

// lacks tells which of these a file has not.
func lacks(file string, words ...string) error {
	b, err := os.ReadFile(file)
	for _, w := range words {
		if err == nil && !strings.Contains(string(b), w) {
			err = fmt.Errorf("no %q", w)
		}
	}
	return err
}
