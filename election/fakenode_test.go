package election

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
	"holdfast/backend/resp"
)

// fakeGroup is a set of nodes that speak the native protocol and replicate to
// each other within this process. Every node's state lies under one lock.
type fakeGroup struct {
	t     *testing.T
	mu    sync.Mutex
	nodes map[string]*fakeNode
	acked []string // writes that were answered
	cut   map[[2]string]bool
	deaf  map[[2]string]chan struct{} // sentinel and node that it gets no answer from
	order []string
}

// fakeNode is one node. Its history is a list of records; its offset is their
// number.
type fakeNode struct {
	g       *fakeGroup
	addr    string
	control string

	// what survives a restart
	group    string
	promised uint64
	priority int

	// what does not
	up          bool
	frozen      chan struct{} // closed when it thaws; nil while it runs
	lns         []net.Listener
	conns       map[net.Conn]bool
	runID       string
	incarnation string
	history     []string
	dataEpoch   uint64
	role        string
	master      string
	acted       uint64
	serving     bool
	draining    bool
	linked      bool
	lease       time.Time
	inForce     fakeHolders
	pending     *fakeHolders
	seals       int // requests, for tests that count
}

type fakeHolders struct {
	version uint64
	n       int
	members []string
	noted   int
}

func newFakeGroup(t *testing.T, n int) *fakeGroup {
	g := &fakeGroup{t: t, nodes: map[string]*fakeNode{}, cut: map[[2]string]bool{}, deaf: map[[2]string]chan struct{}{}}
	for range n {
		node := &fakeNode{g: g, addr: freeport.Addr(t), control: freeport.Addr(t), priority: 100}
		node.start()
		g.nodes[node.addr] = node
		g.order = append(g.order, node.addr)
	}
	t.Cleanup(func() {
		for _, node := range g.nodes {
			node.kill()
		}
	})
	return g
}

// start begins a new process at the node's addresses.
func (n *fakeNode) start() {
	n.g.mu.Lock()
	defer n.g.mu.Unlock()
	n.runID, n.incarnation = randomID(), randomID()
	n.history, n.dataEpoch, n.role, n.master = nil, 0, "none", ""
	n.acted, n.serving, n.draining, n.linked, n.lease = 0, false, false, false, time.Time{}
	n.inForce, n.pending = fakeHolders{}, nil
	n.conns, n.lns, n.up = map[net.Conn]bool{}, nil, true
	for _, at := range []string{n.addr, n.control} {
		var ln net.Listener
		eventually(n.g.t, "the port "+at+" to be free", func() (ok bool) {
			var err error
			ln, err = net.Listen("tcp", at)
			return err == nil
		})
		n.lns = append(n.lns, ln)
		go n.accept(ln)
	}
}

// kill ends the process; nothing it held is left.
func (n *fakeNode) kill() {
	n.thaw()
	n.g.mu.Lock()
	defer n.g.mu.Unlock()
	if !n.up {
		return
	}
	n.up, n.role, n.linked = false, "none", false
	for _, ln := range n.lns {
		ln.Close()
	}
	for c := range n.conns {
		c.Close()
	}
}

// closeControl has the node answer no sentinel any more, and refuse them all.
func (n *fakeNode) closeControl() {
	n.g.mu.Lock()
	defer n.g.mu.Unlock()
	for _, ln := range n.lns {
		ln.Close()
	}
	for c := range n.conns {
		c.Close()
	}
}

// freeze stops the process as SIGSTOP does; thaw lets it go on.
func (n *fakeNode) freeze() {
	n.g.mu.Lock()
	defer n.g.mu.Unlock()
	n.frozen = make(chan struct{})
}

func (n *fakeNode) thaw() {
	n.g.mu.Lock()
	defer n.g.mu.Unlock()
	if n.frozen != nil {
		close(n.frozen)
		n.frozen = nil
	}
}

func (n *fakeNode) accept(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		n.g.mu.Lock()
		if n.up {
			n.conns[c] = true
			go n.serve(c)
		} else {
			c.Close()
		}
		n.g.mu.Unlock()
	}
}

func (n *fakeNode) serve(c net.Conn) {
	defer func() {
		c.Close()
		n.g.mu.Lock()
		delete(n.conns, c)
		n.g.mu.Unlock()
	}()
	var in resp.Requests
	var buf []byte
	var sentinel string // at the other end: it logs in by its name
	chunk := make([]byte, 4096)
	for {
		args, size, err := in.Next(buf)
		if err != nil {
			return
		}
		if size > 0 {
			words := make([]string, len(args))
			for i, a := range args {
				words[i] = string(a)
			}
			buf = append([]byte(nil), buf[size:]...)
			if words[0] == "AUTH" {
				sentinel = words[1]
			}
			n.wait()
			n.ignore(sentinel)
			if _, err := c.Write(n.answer(words)); err != nil {
				return
			}
			continue
		}
		got, err := c.Read(chunk)
		if err != nil {
			return
		}
		buf = append(buf, chunk[:got]...)
	}
}

// wait blocks while the process is frozen.
func (n *fakeNode) wait() {
	n.g.mu.Lock()
	frozen := n.frozen
	n.g.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
}

// ignore blocks while the sentinel gets no answers.
func (n *fakeNode) ignore(sentinel string) {
	n.g.mu.Lock()
	deaf := n.g.deaf[[2]string{sentinel, n.addr}]
	n.g.mu.Unlock()
	if deaf != nil {
		<-deaf
	}
}

// part has a sentinel get no answers of a node until join.
func (g *fakeGroup) part(sentinel, addr string) (join func()) {
	key, healed := [2]string{sentinel, addr}, make(chan struct{})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.deaf[key] = healed
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.deaf, key)
		close(healed)
	})
}

func (n *fakeNode) answer(words []string) []byte {
	n.g.mu.Lock()
	defer n.g.mu.Unlock()
	if !n.up {
		return nil
	}
	switch name := strings.ToUpper(words[0]); {
	case name == "PING":
		return []byte("+PONG\r\n")
	case name == "INFO":
		return resp.AppendBulkString(nil, "# Server\r\nrun_id:"+n.runID+"\r\nrole:"+map[bool]string{true: "master", false: "slave"}[n.role == "master"]+"\r\n")
	case name == "HOLDFAST" && len(words) > 1:
		return n.holdfast(strings.ToUpper(words[1]), words[2:])
	}
	return []byte("-ERR unknown command '" + words[0] + "'\r\n")
}

func (n *fakeNode) holdfast(sub string, args []string) []byte {
	if sub == "HELLO" {
		_, port, _ := net.SplitHostPort(n.control)
		return flat("version", "1", "run-id", n.runID, "control-port", port, "role", n.role, "managed", "1", "group", n.group)
	}
	epochAt := 1
	if sub == "PROBE" {
		epochAt = 2
	}
	epoch, _ := strconv.ParseUint(args[epochAt], 10, 64)
	switch {
	case n.group != "" && n.group != args[0]:
		return []byte("-WRONGGROUP this node belongs to " + n.group + "\r\n")
	case sub == "PROBE":
		version, _ := strconv.ParseUint(args[3], 10, 64)
		if len(args) > 4 {
			n.grant(epoch, args[4], args[5])
		}
		return n.probe(epoch, version)
	case epoch < n.promised:
		return []byte(fmt.Sprintf("-STALE promised epoch is %d\r\n", n.promised))
	}
	switch sub {
	case "SEAL":
		return n.seal(args[0], epoch)
	case "PROMOTE":
		return n.promote(epoch, args[2], holdersOf(args[3:]))
	case "FOLLOW":
		return n.follow(args[0], epoch, net.JoinHostPort(args[2], args[3]))
	case "DRAIN":
		if n.role != "master" || n.acted != epoch {
			return []byte("-NOTMASTER\r\n")
		}
		n.draining, n.serving = true, false
		return resp.AppendInt(nil, int64(len(n.history)))
	case "HOLDERS":
		if n.role != "master" || n.acted != epoch {
			return []byte("-NOTMASTER\r\n")
		}
		if h := holdersOf(args[2:]); h.version > n.inForce.version && (n.pending == nil || h.version > n.pending.version) {
			h.noted = len(n.history)
			n.pending = &h
		}
		return []byte("+OK\r\n")
	}
	return []byte("-ERR unknown subcommand\r\n")
}

func holdersOf(args []string) fakeHolders {
	version, _ := strconv.ParseUint(args[0], 10, 64)
	n, _ := strconv.Atoi(args[1])
	return fakeHolders{version: version, n: n, members: args[2:]}
}

func flat(pairs ...string) []byte {
	b := resp.AppendArray(nil, len(pairs))
	for _, p := range pairs {
		b = resp.AppendBulkString(b, p)
	}
	return b
}

func (n *fakeNode) seal(group string, epoch uint64) []byte {
	n.seals++
	n.group = group
	if epoch > n.promised {
		n.promised = epoch
		n.role, n.master, n.serving, n.linked, n.pending = "none", "", false, false, nil
	}
	return flat("run-id", n.runID, "incarnation", n.incarnation, "promised-epoch", fmt.Sprint(n.promised),
		"data-epoch", fmt.Sprint(n.dataEpoch), "offset", fmt.Sprint(len(n.history)))
}

func (n *fakeNode) promote(epoch uint64, runID string, h fakeHolders) []byte {
	switch {
	case runID != n.runID:
		return []byte("-NOTRUNID another process\r\n")
	case n.acted == epoch:
		return []byte("+OK\r\n")
	}
	n.promised, n.acted, n.role, n.master, n.draining = epoch, epoch, "master", "", false
	n.history = append(n.history, fmt.Sprint("EPOCH ", epoch))
	n.dataEpoch = epoch
	h.noted = len(n.history)
	n.inForce, n.pending = fakeHolders{}, &h
	n.g.replicate()
	return []byte("+OK\r\n")
}

func (n *fakeNode) follow(group string, epoch uint64, master string) []byte {
	n.group, n.promised, n.acted = group, epoch, epoch
	n.role, n.master, n.serving, n.linked, n.pending = "replica", master, false, false, nil
	n.g.replicate()
	return []byte("+OK\r\n")
}

// replicate brings every replica that can reach its master to the master's
// history; mu is held.
func (g *fakeGroup) replicate() {
	for _, r := range g.nodes {
		m := g.nodes[r.master]
		r.linked = r.up && r.frozen == nil && r.role == "replica" && m != nil && m.up && m.frozen == nil &&
			m.role == "master" && m.acted == r.acted && !g.cut[[2]string{r.addr, m.addr}]
		if r.linked {
			r.history, r.dataEpoch = slices.Clone(m.history), m.dataEpoch
		}
	}
	for _, m := range g.nodes {
		if m.pending != nil && m.inForce.version == 0 && m.pending.n == 0 {
			continue
		}
	}
}

// confirmed tells whether enough members hold the first at records of m.
func (m *fakeNode) confirmed(h *fakeHolders, at int) bool {
	have := 0
	for _, r := range m.g.nodes {
		if r.linked && r.master == m.addr && slices.Contains(h.members, r.incarnation) && len(r.history) >= at {
			have++
		}
	}
	return have >= h.n
}

// grant takes a lease; a nonce is the moment of its issue.
func (n *fakeNode) grant(epoch uint64, nonce, ms string) {
	length, _ := time.ParseDuration(ms + "ms")
	issued, err := strconv.ParseInt(strings.TrimPrefix(nonce, n.runID+"@"), 10, 64)
	switch {
	case epoch != n.acted:
	case length == 0:
		n.lease = time.Now().Add(time.Hour)
	case err == nil:
		n.lease = time.Unix(0, issued).Add(length - max(20*time.Millisecond, length/20))
	}
}

func (n *fakeNode) leased() bool {
	needed := n.inForce.n == 0 || n.pending != nil && n.pending.n == 0
	return !needed || time.Now().Before(n.lease)
}

func (n *fakeNode) probe(epoch, version uint64) []byte {
	n.g.replicate()
	if n.pending != nil && n.pending.version == version && epoch == n.acted {
		n.inForce, n.pending = *n.pending, nil
		n.serving = !n.draining
	}
	var pending uint64
	ready := "0"
	if n.pending != nil {
		pending = n.pending.version
		if n.confirmed(n.pending, n.pending.noted) {
			ready = "1"
		}
	}
	link := "none"
	if n.role == "replica" {
		link = map[bool]string{true: "up", false: "down"}[n.linked]
	}
	b := flat("run-id", n.runID, "incarnation", n.incarnation, "group", n.group, "promised-epoch", fmt.Sprint(n.promised),
		"data-epoch", fmt.Sprint(n.dataEpoch), "offset", fmt.Sprint(len(n.history)), "role", n.role,
		"serving", map[bool]string{true: "1", false: "0"}[n.serving], "replid", strings.Repeat("a", 40), "master-addr", n.master,
		"link", link, "priority", fmt.Sprint(n.priority), "loading", "0", "write-acks", "1",
		"holders-version", fmt.Sprint(n.inForce.version), "holders-pending", fmt.Sprint(pending), "holders-ready", ready,
		"nonce", fmt.Sprint(n.runID, "@", time.Now().UnixNano()), "addr", n.addr)
	b = append(resp.AppendArray(nil, 40), b[len("*38\r\n"):]...)
	b = resp.AppendBulkString(b, "replicas")
	var lines []byte
	count := 0
	for _, r := range n.g.nodes {
		if r.linked && r.master == n.addr {
			count++
			lines = append(lines, flat(r.addr, r.runID, r.incarnation, fmt.Sprint(len(r.history)), "online", "0")...)
		}
	}
	return append(resp.AppendArray(b, count), lines...)
}

// write does one write at the node, if it is a serving master, and reports
// whether it was answered.
func (g *fakeGroup) write(addr, value string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.nodes[addr]
	if n == nil || !n.up || n.frozen != nil || n.role != "master" || !n.serving || !n.leased() {
		return false
	}
	n.history = append(n.history, value)
	g.replicate()
	if !n.confirmed(&n.inForce, len(n.history)) || n.pending != nil && !n.confirmed(n.pending, len(n.history)) {
		return false // held for ever
	}
	g.acked = append(g.acked, value)
	return true
}

// lost are answered writes that the node does not have.
func (g *fakeGroup) lost(addr string) (lost []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range g.acked {
		if !slices.Contains(g.nodes[addr].history, w) {
			lost = append(lost, w)
		}
	}
	return lost
}
