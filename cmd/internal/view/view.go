// Package view asks the parts of a running group who they are: what `status`
// prints and what a drill waits for.
//
// Every question has a deadline, and a part that does not answer is an answer.
// What it returns was true when it was asked; nothing here is agreed upon.
package view

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast/backend/client"
	"holdfast/election/topology"
)

// patience bounds the questions to one part.
const patience = 2 * time.Second

// Node is a node as it shows itself.
type Node struct {
	Addr     string
	Err      error  // why it did not answer; nothing below is known then
	Role     string // master or slave, in Redis's word
	Master   string // host:port that a replica follows
	LinkUp   bool   // a replica's link to it
	Offset   int64  // of the replication stream
	Epoch    int64  // data epoch; 0 of a plain Redis
	Replicas int    // connected to it
	Keys     int64  // over all databases
	Version  string
}

// Sentinel is a sentinel as it shows itself.
type Sentinel struct {
	Addr   string
	Err    error
	ID     string // among the members of the raft group
	Leader string // the member that leads, as far as this one knows
	Term   int64
}

// Proxy is a proxy as it shows itself.
type Proxy struct {
	Addr string
	Err  error
	Took time.Duration // by a PING
}

// AskNode asks the node at addr.
func AskNode(ctx context.Context, addr string) Node {
	n := Node{Addr: addr}
	n.Err = ask(ctx, addr, func(ctx context.Context, c *client.Conn) error {
		info, err := infoOf(ctx, c, "INFO")
		if err != nil {
			return err
		}
		n.fromInfo(info)
		if v, err := c.Do(ctx, "HOLDFAST", "EPOCH"); err == nil && len(v.Elems) == 2 {
			n.Epoch, n.Offset = v.Elems[0].Int, v.Elems[1].Int
		}
		return nil
	})
	return n
}

func (n *Node) fromInfo(info map[string]string) {
	n.Role = info["role"]
	n.LinkUp = info["master_link_status"] == "up"
	n.Replicas, _ = strconv.Atoi(info["connected_slaves"])
	n.Version = info["holdfast_version"]
	if host := info["master_host"]; host != "" {
		n.Master = net.JoinHostPort(host, info["master_port"])
	}
	offset := info["master_repl_offset"]
	if n.Role == "slave" && info["slave_repl_offset"] != "" {
		offset = info["slave_repl_offset"]
	}
	n.Offset, _ = strconv.ParseInt(offset, 10, 64)
	for name, value := range info {
		if strings.HasPrefix(name, "db") {
			keys, _, _ := strings.Cut(strings.TrimPrefix(value, "keys="), ",")
			count, _ := strconv.ParseInt(keys, 10, 64)
			n.Keys += count
		}
	}
}

// AskSentinel asks the sentinel at addr.
func AskSentinel(ctx context.Context, addr string) Sentinel {
	s := Sentinel{Addr: addr}
	s.Err = ask(ctx, addr, func(ctx context.Context, c *client.Conn) error {
		info, err := infoOf(ctx, c, "INFO", "sentinel")
		if err != nil {
			return err
		}
		s.ID, s.Leader = info["holdfast_raft_id"], info["holdfast_raft_leader"]
		s.Term, _ = strconv.ParseInt(info["holdfast_raft_term"], 10, 64)
		return nil
	})
	return s
}

// AskProxy asks the proxy at addr.
func AskProxy(ctx context.Context, addr string) Proxy {
	p := Proxy{Addr: addr}
	p.Err = ask(ctx, addr, func(ctx context.Context, c *client.Conn) error {
		start := time.Now()
		_, err := c.Do(ctx, "PING")
		p.Took = time.Since(start)
		return err
	})
	return p
}

// AskTopology asks every sentinel for the topology of a group and returns the
// newest; the error is why none told.
func AskTopology(ctx context.Context, sentinels []string, group string) (*topology.Topology, error) {
	if len(sentinels) == 0 {
		return nil, errors.New("there is no sentinel to ask")
	}
	told := All(sentinels, func(addr string) (answer struct {
		topology *topology.Topology
		err      error
	}) {
		answer.err = ask(ctx, addr, func(ctx context.Context, c *client.Conn) error {
			v, err := c.Do(ctx, "HOLDFAST", "WATCH", group)
			if err == nil {
				answer.topology, err = topology.Unmarshal([]byte(v.Text))
			}
			return err
		})
		return answer
	})
	var newest *topology.Topology
	var failed []error
	for _, t := range told {
		if t.topology.Newer(newest) {
			newest = t.topology
		}
		failed = append(failed, t.err)
	}
	if newest == nil {
		return nil, fmt.Errorf("no sentinel tells the topology of %s: %w", group, errors.Join(failed...))
	}
	return newest, nil
}

// All asks many at once and returns the answers in the order of addrs.
func All[T any](addrs []string, ask func(addr string) T) []T {
	answers := make([]T, len(addrs))
	var wg sync.WaitGroup
	for i, addr := range addrs {
		wg.Go(func() { answers[i] = ask(addr) })
	}
	wg.Wait()
	return answers
}

type passwordKey struct{}

// WithPassword has every question asked under ctx be preceded by a login with
// that password. A part that wants none is asked all the same: a group's nodes
// may want one and its sentinels not.
func WithPassword(ctx context.Context, password string) context.Context {
	if password == "" {
		return ctx
	}
	return context.WithValue(ctx, passwordKey{}, password)
}

// Dial connects to a part, within ctx's deadline, and logs in.
func Dial(ctx context.Context, addr string) (*client.Conn, error) {
	c, err := client.Dial(ctx, addr, client.Options{})
	password, wanted := ctx.Value(passwordKey{}).(string)
	if err != nil || !wanted {
		return c, err
	}
	v, err := c.Do(ctx, "AUTH", password)
	if err != nil && !strings.Contains(v.Text, "without any password configured") {
		c.Close()
		return nil, fmt.Errorf("AUTH at %s: %w", addr, err)
	}
	return c, nil
}

// ask runs questions on a connection to addr, all within patience.
func ask(ctx context.Context, addr string, questions func(context.Context, *client.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := Dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	return questions(ctx, c)
}

// infoOf reads the fields of an INFO reply.
func infoOf(ctx context.Context, c *client.Conn, command ...string) (map[string]string, error) {
	v, err := c.Do(ctx, command...)
	if err != nil {
		return nil, err
	}
	fields := make(map[string]string)
	for line := range strings.Lines(v.Text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}
