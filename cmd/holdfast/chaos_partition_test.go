package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"holdfast/cmd/internal/load"
	"holdfast/cmd/internal/up"
)

// inHub is set in the process that plays the partitions, which is this test's
// program once more, run in the network namespace that all hosts hang on.
const inHub = "HOLDFAST_TEST_HUB"

// programInHub is the program that the outer process has built for that one.
const programInHub = "HOLDFAST_TEST_PROGRAM"

// TestPartitions cuts the network between three hosts, each with a node, a
// sentinel and a proxy, while clients write through the proxies on both sides
// of every cut. The hosts are network namespaces; nothing of the machine's own
// network is touched.
func TestPartitions(t *testing.T) {
	t.Parallel()
	inNetwork(t, playPartitions)
}

// hubs numbers the networks of this process.
var hubs atomic.Int64

// inNetwork makes the network and runs this test once more inside it, where it
// plays.
func inNetwork(t *testing.T, play func(t *testing.T, hub string)) {
	if hub := os.Getenv(inHub); hub != "" {
		play(t, hub)
		return
	}
	hub := fmt.Sprintf("hf%d-%d", os.Getpid(), hubs.Add(1))
	t.Cleanup(func() { removeNetwork(hub) })
	require(t, "netns", makeNetwork(hub))
	args := []string{"netns", "exec", hub, os.Args[0], "-test.run", "^" + t.Name() + "$", "-test.v",
		"-chaos.runs", strconv.Itoa(*chaosRuns), "-chaos.scenes", strconv.Itoa(*chaosScene), "-chaos.seed", strconv.FormatUint(*chaosSeed, 10)}
	cmd := exec.CommandContext(t.Context(), "ip", args...)
	cmd.Env = append(os.Environ(), inHub+"="+hub, programInHub+"="+program)
	out, err := cmd.CombinedOutput()
	t.Logf("in the namespace %s:\n%s", hub, out)
	if err != nil {
		t.Error(err)
	}
}

const hosts = 3

func hostName(hub string, i int) string { return fmt.Sprintf("%s-%d", hub, i) }
func hostIP(i int) string               { return fmt.Sprintf("192.0.2.%d", i) }

// makeNetwork makes a namespace with a bridge and one for each host, joined to
// it by a cable.
func makeNetwork(hub string) error {
	script := "ip netns add HUB && ip -n HUB link set lo up && ip -n HUB link add br0 type bridge && " +
		"ip -n HUB addr add 192.0.2.254/24 dev br0 && ip -n HUB link set br0 up"
	for i := 1; i <= hosts; i++ {
		script += strings.ReplaceAll(" && ip netns add HUB-N && ip -n HUB-N link set lo up && "+
			"ip -n HUB link add cableN type veth peer name eth0 netns HUB-N && "+
			"ip -n HUB link set cableN master br0 up && ip -n HUB-N addr add 192.0.2.N/24 dev eth0 && ip -n HUB-N link set eth0 up", "N", strconv.Itoa(i))
	}
	script = strings.ReplaceAll(script, "HUB", hub)
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		return fmt.Errorf("making network namespaces: %w: %s", err, out)
	}
	return nil
}

func removeNetwork(hub string) {
	for i := 1; i <= hosts; i++ {
		exec.Command("ip", "netns", "delete", hostName(hub, i)).Run()
	}
	exec.Command("ip", "netns", "delete", hub).Run()
}

// network is the hosts, and the group on them.
type network struct {
	*cluster
	hub       string
	acks      int
	downAfter time.Duration
	admins    []string
}

func playPartitions(t *testing.T, hub string) {
	n := startNetwork(t, hub)
	for _, story := range partitions {
		for run := range *chaosRuns {
			began := time.Now()
			s := newScene(n.cluster, load.VerifiedOptions{Clients: 9, Reads: 0.3}, n.admins...)
			story.play(n, s, run)
			n.healAll()
			s.verify()
			t.Logf("%s: %v", story.name, time.Since(began).Round(time.Millisecond))
			if t.Failed() {
				return
			}
		}
	}
	n.playRandom()
}

// startNetwork starts a group on the hosts, whose proxies get these flags.
func startNetwork(t *testing.T, hub string, flags ...string) *network {
	return startNetworkWith(t, hub, 1, time.Second, flags...)
}

// startNetworkWith is startNetwork with so many holders of a write, and a time
// after which what is not heard is taken to be down.
func startNetworkWith(t *testing.T, hub string, acks int, downAfter time.Duration, flags ...string) *network {
	n := &network{hub: hub, acks: acks, downAfter: downAfter, cluster: &cluster{t: t, opts: up.Options{Dir: t.TempDir(), Proxies: hosts}}}
	n.start(flags)
	t.Cleanup(func() {
		if t.Failed() {
			n.keepLogs()
		}
	})
	return n
}

// start runs one part of each kind on each host and writes the state that
// `up` would write.
func (n *network) start(proxyFlags []string) {
	var state up.State
	var members, sentinels []string
	for i := 1; i <= hosts; i++ {
		members = append(members, fmt.Sprintf("s%d=%s:17379", i, hostIP(i)))
		sentinels = append(sentinels, hostIP(i)+":16379")
	}
	for i := 1; i <= hosts; i++ {
		ip, m := hostIP(i), "--monitor."+up.Group+"."
		state.Nodes = append(state.Nodes, n.run(i, "n", "7001", "node", "--managed", "yes"))
		state.Sentinels = append(state.Sentinels, n.run(i, "s", "16379", "sentinel", "--raft.id", fmt.Sprintf("s%d", i),
			"--raft.listen", ip+":17379", "--raft.members", strings.Join(members, " "),
			m+"master", hostIP(1)+":7001", m+"replicas", hostIP(2)+":7001 "+hostIP(3)+":7001",
			m+"quorum", "2", m+"write-acks", strconv.Itoa(n.acks), m+"down-after-milliseconds", fmt.Sprint(n.downAfter.Milliseconds())))
		state.Proxies = append(state.Proxies, n.run(i, "p", "6380", append([]string{"proxy", "--sentinels", strings.Join(sentinels, " "),
			"--group", up.Group, "--admin", ip + ":9121"}, proxyFlags...)...))
		n.admins = append(n.admins, ip+":9121")
	}
	b, err := json.Marshal(state)
	if err == nil {
		err = os.WriteFile(filepath.Join(n.opts.Dir, up.StateFile), b, 0o600)
	}
	if err != nil {
		n.t.Fatal(err)
	}
	n.awaitWhole()
}

// run starts a part on host i.
func (n *network) run(i int, letter, port string, args ...string) up.Process {
	n.t.Helper()
	dir := filepath.Join(n.opts.Dir, fmt.Sprint(letter, i))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		n.t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		n.t.Fatal(err)
	}
	all := append([]string{"netns", "exec", hostName(n.hub, i), program}, args...)
	all = append(all, "--bind", hostIP(i), "--port", port, "--protected-mode", "no")
	if letter != "p" {
		all = append(all, "--dir", dir)
	}
	cmd := exec.Command("ip", all...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
	})
	return up.Process{Addr: hostIP(i) + ":" + port, PID: cmd.Process.Pid, Dir: dir}
}

// drop has host from lose what it sends to host to, in silence: it is sent to
// an Ethernet address that nobody has. The hub reaches both all the time, and
// with it the clients do.
func (n *network) drop(from, to int) {
	n.neighbour(from, "replace", hostIP(to), "lladdr", "02:00:00:00:00:fe", "nud", "permanent")
}

func (n *network) heal(from, to int) { n.neighbour(from, "delete", hostIP(to)) }

func (n *network) neighbour(host int, verb, ip string, more ...string) {
	args := append([]string{"-n", hostName(n.hub, host), "neigh", verb, ip, "dev", "eth0"}, more...)
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil && verb != "delete" {
		n.t.Fatalf("ip neigh: %v: %s", err, out)
	}
}

// cut separates a host from other hosts, both ways.
func (n *network) cut(host int, others ...int) {
	for _, o := range others {
		n.drop(host, o)
		n.drop(o, host)
	}
}

// isolate separates a host from all other hosts.
func (n *network) isolate(host int) { n.cut(host, othersThan(host)...) }

func othersThan(host int) (others []int) {
	for i := 1; i <= hosts; i++ {
		if i != host {
			others = append(others, i)
		}
	}
	return others
}

func (n *network) healAll() {
	for i := 1; i <= hosts; i++ {
		for _, o := range othersThan(i) {
			n.heal(i, o)
		}
	}
}

// hostOf is the number of the host a process is on.
func hostOf(p up.Process) int {
	ip, _, _ := strings.Cut(p.Addr, ":")
	i, _ := strconv.Atoi(ip[strings.LastIndexByte(ip, '.')+1:])
	return i
}

// Stories of cut networks.
var partitions = []struct {
	name string
	play func(n *network, s *scene, run int)
}{
	{"the master's host is cut off", func(n *network, s *scene, _ int) {
		e := s.epoch()
		n.isolate(hostOf(s.master()))
		s.awaitEpochPast(e)
		s.awaitWrites(50)
	}},
	{"the master is cut off for a moment", func(n *network, s *scene, run int) {
		n.isolate(hostOf(s.master()))
		sleep(200 + 200*(run%5))
		n.healAll()
	}},
	{"the master cannot send to the others", func(n *network, s *scene, _ int) {
		e, m := s.epoch(), hostOf(s.master())
		for _, o := range othersThan(m) {
			n.drop(m, o)
		}
		s.awaitEpochPast(e)
	}},
	{"the others cannot send to the master", func(n *network, s *scene, _ int) {
		e, m := s.epoch(), hostOf(s.master())
		for _, o := range othersThan(m) {
			n.drop(o, m)
		}
		s.awaitEpochPast(e)
	}},
	{"the master and one replica lose each other", func(n *network, s *scene, run int) {
		n.cut(hostOf(s.master()), hostOf(s.replicas()[run%2]))
		sleep(1500)
		s.awaitWrites(50)
	}},
	{"the leading sentinel's host is cut off", func(n *network, s *scene, _ int) {
		n.isolate(hostOf(s.leader()))
		sleep(1500)
	}},
	{"all hosts are cut off from each other", func(n *network, s *scene, _ int) {
		n.isolate(1)
		n.isolate(2)
		n.isolate(3)
		sleep(1500)
	}},
}

// TestTheLeadingSentinelLosesTheMaster cuts only these two off from each other: the
// lead moves, and the master stays, which two of three sentinels reach. Nor do these
// lose it for a moment in which the machine does not run it.
func TestTheLeadingSentinelLosesTheMaster(t *testing.T) {
	t.Parallel()
	inNetwork(t, func(t *testing.T, hub string) {
		n := startNetworkWith(t, hub, 1, 5*time.Second)
		s := newScene(n.cluster, load.VerifiedOptions{Clients: 9, Reads: 0.3}, n.admins...)
		l, m := s.leader(), s.master()
		for hostOf(l) == hostOf(m) {
			e := s.epoch()
			n.beginSwitchover()
			s.awaitEpochPast(e)
			l, m = s.leader(), s.master()
		}
		e := s.epoch()
		n.cut(hostOf(l), hostOf(m))
		await(t, 20*time.Second, "another sentinel leads", func() error {
			if s.leader().Addr == l.Addr {
				return errors.New(l.Addr + " does")
			}
			return nil
		})
		s.awaitWrites(50)
		if now := s.epoch(); now != e {
			t.Errorf("epoch %d, was %d: a master that most sentinels reach was replaced", now, e)
		}
		n.healAll()
		s.verify()
	})
}

// playRandom cuts and mends at random.
func (n *network) playRandom() {
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	n.t.Logf("-chaos.seed %d", seed)
	for i := range *chaosScene {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		s := newScene(n.cluster, load.VerifiedOptions{Clients: 9, Reads: 0.3, Pipeline: []int{1, 30}[r.IntN(2)]}, n.admins...)
		var script []string
		for range 2 + r.IntN(5) {
			from := 1 + r.IntN(hosts)
			to := othersThan(from)[r.IntN(hosts-1)]
			wait := int(min(3000, r.ExpFloat64()*600))
			switch r.IntN(5) {
			case 0:
				n.healAll()
				script = append(script, "heal")
			case 1, 2:
				n.isolate(from)
				script = append(script, fmt.Sprintf("isolate %d", from))
			case 3:
				n.drop(from, to)
				script = append(script, fmt.Sprintf("drop %d→%d", from, to))
			case 4:
				n.cut(from, to)
				script = append(script, fmt.Sprintf("cut %d-%d", from, to))
			}
			script = append(script, fmt.Sprintf("%d ms", wait))
			sleep(wait)
		}
		n.t.Logf("scene %d: %s", i, strings.Join(script, ", "))
		n.healAll()
		s.verify()
		if n.t.Failed() {
			return
		}
	}
}
