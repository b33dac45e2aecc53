package up

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"holdfast/conf"
)

// Group is the name of the one group that up monitors.
const Group = "mymaster"

// controlOffset is how far a node's control port lies above its port.
const controlOffset = 10000

// Part is one process of the group, as planned.
type Part struct {
	Kind  conf.Part
	Name  string // n1, s1, p1 …: its folder below Dir and its mark in the output
	Addr  string // host:port clients talk to
	Dir   string
	Args  []string // of the holdfast program
	Ports []Port   // all that it listens at
}

// Port is a port a part needs, and the flag of up that moves it.
type Port struct {
	Number int
	Flag   string
}

// Plan lays out the group: nodes, then sentinels, then proxies, which is the
// order they are started in. The first node is the master at the first start.
func Plan(o Options) ([]Part, error) {
	p := planner{Options: o}
	var parts []Part
	for i := range o.Nodes {
		parts = append(parts, p.node(i))
	}
	for i := range o.Sentinels {
		parts = append(parts, p.sentinel(i))
	}
	for i := range o.Proxies {
		parts = append(parts, p.proxy(i))
	}
	return parts, checkPorts(parts)
}

type planner struct{ Options }

func (p *planner) node(i int) Part {
	port := p.NodePort + i
	return p.part(conf.Node, "n", i, port, []Port{{port, "--node-port"}, {port + controlOffset, "--node-port"}},
		"--managed", "yes")
}

func (p *planner) sentinel(i int) Part {
	port, raft := p.SentinelPort+i, p.RaftPort+i
	monitor := "--monitor." + Group + "."
	args := []string{"--raft.id", fmt.Sprintf("s%d", i+1), "--raft.listen", local(raft), "--raft.members", p.members(),
		monitor + "master", local(p.NodePort),
		monitor + "quorum", strconv.Itoa(p.Sentinels/2 + 1),
		monitor + "write-acks", strconv.Itoa(min(1, p.Nodes-1))}
	if p.Nodes > 1 {
		args = append(args, monitor+"replicas", addresses(p.NodePort+1, p.Nodes-1))
	}
	if p.Sentinels == 1 {
		args = append(args, "--raft.single", "yes")
	}
	return p.part(conf.Sentinel, "s", i, port, []Port{{port, "--sentinel-port"}, {raft, "--raft-port"}}, args...)
}

func (p *planner) proxy(i int) Part {
	port, admin := p.ProxyPort+i, p.AdminPort+i
	return p.part(conf.Proxy, "p", i, port, []Port{{port, "--proxy-port"}, {admin, "--admin-port"}},
		"--sentinels", addresses(p.SentinelPort, p.Sentinels), "--group", Group, "--admin", local(admin),
		"--drain-timeout", "1s") // a user who presses Ctrl-C waits for it
}

// part adds what all parts have, and the user's settings last: they stand above
// the plan's.
func (p *planner) part(kind conf.Part, letter string, i, port int, ports []Port, args ...string) Part {
	name := fmt.Sprintf("%s%d", letter, i+1)
	dir := filepath.Join(p.Dir, name)
	all := append([]string{kind.String(), "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir}, args...)
	all = append(all, p.passwords(kind)...)
	for _, s := range p.Extra {
		if flag := s.flag(kind); flag != "" && s.Part&kind != 0 {
			all = append(all, flag, s.Value)
		}
	}
	return Part{Kind: kind, Name: name, Addr: local(port), Dir: dir, Args: all, Ports: ports}
}

// passwords are those that a part needs for the others, where requirepass has been
// set for them.
func (p *planner) passwords(kind conf.Part) (args []string) {
	add := func(password string, flags ...string) {
		for _, flag := range flags {
			if password != "" {
				args = append(args, flag, password)
			}
		}
	}
	nodes, sentinels := p.requirepass(conf.Node), p.requirepass(conf.Sentinel)
	switch kind {
	case conf.Node:
		add(nodes, "--masterauth")
	case conf.Sentinel:
		add(nodes, "--monitor."+Group+".auth-pass")
		add(sentinels, "--sentinel-pass")
	case conf.Proxy:
		add(nodes, "--auth-pass")
		add(sentinels, "--sentinel-pass")
	}
	return args
}

func (p *planner) members() string {
	var all []string
	for i := range p.Sentinels {
		all = append(all, fmt.Sprintf("s%d=%s", i+1, local(p.RaftPort+i)))
	}
	return strings.Join(all, " ")
}

func addresses(port, n int) string {
	var all []string
	for i := range n {
		all = append(all, local(port+i))
	}
	return strings.Join(all, " ")
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// checkPorts finds ranges that leave the numbers there are, or overlap.
func checkPorts(parts []Part) error {
	owner := make(map[int]string)
	for _, part := range parts {
		for _, port := range part.Ports {
			if port.Number < 1 || port.Number > 65535 {
				return fmt.Errorf("%s would need port %d, which does not exist; choose a lower %s", part.Name, port.Number, port.Flag)
			}
			if other, taken := owner[port.Number]; taken {
				return fmt.Errorf("%s and %s would share port %d; choose another %s", other, part.Name, port.Number, port.Flag)
			}
			owner[port.Number] = part.Name
		}
	}
	return nil
}

// awaitFree waits, at most so long, until nobody listens at the parts' ports.
func awaitFree(ctx context.Context, parts []Part, wait time.Duration) error {
	for deadline := time.Now().Add(wait); ; {
		err := checkFree(parts)
		if err == nil || !time.Now().Before(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// checkFree finds a port that somebody listens at.
func checkFree(parts []Part) error {
	for _, part := range parts {
		for _, port := range part.Ports {
			ln, err := net.Listen("tcp", local(port.Number))
			if err != nil {
				return fmt.Errorf("port %d, which %s %s needs, cannot be had: %w; stop what listens there or choose another %s",
					port.Number, part.Kind, part.Name, err, port.Flag)
			}
			ln.Close()
		}
	}
	return nil
}
