package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// system is one row of the comparison: the processes that stand between the
// client and the data, the data's own included.
type system struct {
	name, title string
	needs       []string // programs, by their name on PATH
	start       func(*stack) error
}

var systems = []system{
	{"redis", "redis-server alone", []string{"redis-server"}, (*stack).redis},
	{"nutcracker", "nutcracker → redis-server", []string{"redis-server", "nutcracker"}, (*stack).nutcracker},
	{"haproxy", "haproxy → redis-server", []string{"redis-server", "haproxy"}, (*stack).haproxy},
	{"proxy", "holdfast proxy → redis-server", []string{"redis-server", "holdfast"}, (*stack).proxyRedis},
	{"proxy-node", "holdfast proxy → holdfast node", []string{"holdfast"}, (*stack).proxyNode},
	{"node", "holdfast node alone", []string{"holdfast"}, (*stack).node},
}

// baseline is the system that all ratios are to.
const baseline = "redis"

func systemNames() []string {
	var names []string
	for _, s := range systems {
		names = append(names, s.name)
	}
	return names
}

// Each of these starts processes on free ports and leaves in s.port where the
// client is to connect.

func (s *stack) redis() error {
	return s.spawn("redis-server", func(port int) []string {
		return []string{"--bind", "127.0.0.1", "--port", itoa(port), "--save", "", "--appendonly", "no", "--dir", s.dir}
	})
}

func (s *stack) node() error {
	return s.spawn("holdfast", func(port int) []string {
		return []string{"node", "--port", itoa(port), "--save", "", "--managed", "no",
			"--dir", filepath.Join(s.dir, "node")}
	})
}

func (s *stack) proxyRedis() error { return s.behindProxy(s.redis) }

func (s *stack) proxyNode() error { return s.behindProxy(s.node) }

func (s *stack) behindProxy(server func() error) error {
	if err := server(); err != nil {
		return err
	}
	master := s.addr()
	return s.spawn("holdfast", func(port int) []string {
		return []string{"proxy", "--port", itoa(port), "--admin", "", "--master", master}
	})
}

func (s *stack) nutcracker() error {
	if err := s.redis(); err != nil {
		return err
	}
	server := s.addr()
	file := filepath.Join(s.dir, "nutcracker.yml")
	return s.spawn("nutcracker", func(port int) []string {
		s.write(file, "bench:\n"+
			"  listen: 127.0.0.1:%d\n"+
			"  redis: true\n"+
			"  hash: fnv1a_64\n"+
			"  distribution: modula\n"+
			"  servers:\n"+
			"   - %s:1\n", port, server)
		return []string{"-c", file, "-a", "127.0.0.1", "-s", itoa(freePort())}
	})
}

func (s *stack) haproxy() error {
	if err := s.redis(); err != nil {
		return err
	}
	server := s.addr()
	file := filepath.Join(s.dir, "haproxy.cfg")
	return s.spawn("haproxy", func(port int) []string {
		s.write(file, "global\n"+
			"  maxconn 4096\n"+
			"defaults\n"+
			"  mode tcp\n"+
			"  timeout connect 5s\n"+
			"  timeout client 1m\n"+
			"  timeout server 1m\n"+
			"listen bench\n"+
			"  bind 127.0.0.1:%d\n"+
			"  server s1 %s\n", port, server)
		return []string{"-db", "-f", file}
	})
}

func (s *stack) write(file, format string, args ...any) {
	if err := os.WriteFile(file, fmt.Appendf(nil, format, args...), 0o600); err != nil && s.err == nil {
		s.err = err
	}
}
