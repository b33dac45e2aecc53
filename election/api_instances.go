package election

import (
	"strconv"
	"strings"
	"time"

	"holdfast/backend/resp"
	"holdfast/election/internal/group"
)

// instance is one answer of SENTINEL MASTER and its like: names and values, in
// the order of Redis (sentinel.c, addReplySentinelRedisInstance).
type instance [][2]string

func (i *instance) text(name, value string) { *i = append(*i, [2]string{name, value}) }
func (i *instance) number(name string, v int64) {
	*i = append(*i, [2]string{name, strconv.FormatInt(v, 10)})
}

func (c *conn) instances(all []instance) {
	c.out = resp.AppendArray(c.out, len(all))
	for _, i := range all {
		c.instance(i)
	}
}

func (c *conn) instance(i instance) {
	c.out = resp.AppendMap(c.out, c.proto, len(i))
	for _, kv := range i {
		c.out = resp.AppendBulkString(resp.AppendBulkString(c.out, kv[0]), kv[1])
	}
}

func masters(c *conn, _ [][]byte) {
	state := c.server.s.machine.state.Load()
	var all []instance
	c.inLoop(func(l *loop) {
		for _, name := range state.Names() {
			all = append(all, l.masterInstance(state, state.Groups[name], time.Now()))
		}
	})
	c.instances(all)
}

func master(c *conn, args [][]byte) {
	g := c.group(args[0])
	if g == nil {
		return
	}
	var i instance
	c.inLoop(func(l *loop) { i = l.masterInstance(l.machine.state.Load(), g, time.Now()) })
	c.instance(i)
}

func replicas(c *conn, args [][]byte) {
	g := c.group(args[0])
	if g == nil {
		return
	}
	var all []instance
	c.inLoop(func(l *loop) {
		for _, addr := range g.Addrs() {
			if addr != clientMaster(g) {
				all = append(all, l.replicaInstance(g, addr, time.Now()))
			}
		}
	})
	c.instances(all)
}

func sentinels(c *conn, args [][]byte) {
	g := c.group(args[0])
	if g == nil {
		return
	}
	state := c.server.s.machine.state.Load()
	var all []instance
	c.inLoop(func(l *loop) {
		for _, id := range state.SentinelIDs() {
			if p := l.peers[id]; p != nil {
				all = append(all, l.sentinelInstance(g, state.Sentinels[id], p, time.Now()))
			}
		}
	})
	c.instances(all)
}

// node returns what this sentinel sees of a node; an empty one for a node it
// has only just heard of.
func (l *loop) node(g *group.Group, addr string) *watched {
	if m := l.groups[g.Name]; m != nil && m.nodes[addr] != nil {
		return m.nodes[addr]
	}
	return &watched{addr: addr}
}

func ms(from, to time.Time) int64 {
	if from.IsZero() {
		return 0
	}
	return to.Sub(from).Milliseconds()
}

// nodeHead are the fields that masters and replicas begin with.
func (l *loop) nodeHead(g *group.Group, name string, w *watched, flags []string, now time.Time) (i instance) {
	host, port := splitHostPort(w.addr)
	i.text("name", name)
	i.text("ip", host)
	i.text("port", port)
	runID := w.health.RunID()
	if runID == "" {
		runID = g.Nodes[w.addr].RunID
	}
	i.text("runid", runID)
	if w.down {
		flags = append([]string{"s_down"}, flags...)
	}
	if !w.connected {
		flags = append(flags, "disconnected")
	}
	i.text("flags", strings.Join(flags, ","))
	i.number("link-pending-commands", 0)
	i.number("link-refcount", 1)
	if strings.Contains(strings.Join(flags, ","), "failover_in_progress") {
		i.text("failover-state", failoverState(g))
	}
	i.number("last-ping-sent", 0)
	i.number("last-ok-ping-reply", w.health.Silence(now).Milliseconds())
	i.number("last-ping-reply", ms(w.pongAt, now))
	if w.down {
		i.number("s-down-time", ms(w.since, now))
	}
	return i
}

// failoverState is the phase in Redis's words.
func failoverState(g *group.Group) string {
	switch g.Phase {
	case group.Sealing:
		return "select_slave"
	case group.Promoting:
		return "wait_promotion"
	case group.Switching:
		return "wait_start"
	}
	return "none"
}

func (l *loop) nodeTail(i *instance, g *group.Group, w *watched, role string, now time.Time) {
	i.number("down-after-milliseconds", g.Settings.DownAfter.Milliseconds())
	i.number("info-refresh", ms(w.infoAt, now))
	if r := w.info["role"]; r != "" {
		role = r
	}
	i.text("role-reported", role)
	i.number("role-reported-time", ms(w.infoAt, now))
}

func (l *loop) masterInstance(state *group.State, g *group.Group, now time.Time) instance {
	w := l.node(g, clientMaster(g))
	flags := []string{}
	if odown(g) {
		flags = append(flags, "o_down")
	}
	flags = append(flags, "master")
	if g.Phase != group.Stable && g.Phase != group.Born {
		flags = append(flags, "failover_in_progress")
	}
	i := l.nodeHead(g, g.Name, w, flags, now)
	if odown(g) {
		i.number("o-down-time", ms(g.Since, now))
	}
	l.nodeTail(&i, g, w, "master", now)
	i.number("config-epoch", int64(g.Opened.Epoch))
	i.number("num-slaves", int64(len(g.Nodes)-1))
	i.number("num-other-sentinels", int64(max(0, len(state.Sentinels)-1)))
	i.number("quorum", int64(g.Settings.Quorum))
	i.number("failover-timeout", g.Settings.FailoverTimeout.Milliseconds())
	i.number("parallel-syncs", int64(g.Settings.ParallelSyncs))
	for _, o := range g.Settings.Ours() { // Redis has no such settings
		i.text(o.Name, o.Value)
	}
	return i
}

func (l *loop) replicaInstance(g *group.Group, addr string, now time.Time) instance {
	w := l.node(g, addr)
	flags := []string{"slave"}
	if addr == g.Master.Addr {
		flags = append(flags, "promoted")
	}
	i := l.nodeHead(g, addr, w, flags, now)
	l.nodeTail(&i, g, w, "slave", now)
	f := w.info
	or := func(name, otherwise string) string {
		if f[name] == "" {
			return otherwise
		}
		return f[name]
	}
	down, _ := strconv.ParseInt(or("master_link_down_since_seconds", "0"), 10, 64)
	i.number("master-link-down-time", down*1000)
	status := "err"
	if f["master_link_status"] == "up" {
		status = "ok"
	}
	i.text("master-link-status", status)
	i.text("master-host", or("master_host", "?"))
	i.text("master-port", or("master_port", "0"))
	i.number("slave-priority", int64(g.Nodes[addr].Priority))
	i.text("slave-repl-offset", or("slave_repl_offset", "0"))
	i.text("replica-announced", or("replica_announced", "1"))
	return i
}

func (l *loop) sentinelInstance(g *group.Group, s group.Sentinel, p *peer, now time.Time) (i instance) {
	host, port := splitHostPort(s.Addr)
	flags := "sentinel"
	if p.down {
		flags = "s_down,sentinel"
	}
	i.text("name", s.RunID)
	i.text("ip", host)
	i.text("port", port)
	i.text("runid", s.RunID)
	i.text("flags", flags)
	i.number("link-pending-commands", int64(bit(p.waiting)))
	i.number("link-refcount", 1)
	i.number("last-ping-sent", 0)
	i.number("last-ok-ping-reply", p.health.Silence(now).Milliseconds())
	i.number("last-ping-reply", p.health.Silence(now).Milliseconds())
	i.number("down-after-milliseconds", g.Settings.DownAfter.Milliseconds())
	i.number("last-hello-message", p.health.Silence(now).Milliseconds())
	i.text("voted-leader", "?")
	i.number("voted-leader-epoch", 0)
	return i
}

// infoCache is SENTINEL INFO-CACHE [name …].
func infoCache(c *conn, args [][]byte) {
	state := c.server.s.machine.state.Load()
	names := state.Names()
	if len(args) > 0 {
		names = nil
		for _, a := range args {
			if state.Groups[string(a)] != nil {
				names = append(names, string(a))
			}
		}
	}
	c.out = resp.AppendArray(c.out, 2*len(names))
	for _, name := range names {
		c.out = resp.AppendBulkString(c.out, name)
		c.cached(state.Groups[name])
	}
}

// cached answers the INFO of a group's nodes, the master's first.
func (c *conn) cached(g *group.Group) {
	type entry struct {
		age  int64
		text string
	}
	var all []entry
	c.inLoop(func(l *loop) {
		addrs := []string{clientMaster(g)}
		for _, a := range g.Addrs() {
			if a != addrs[0] {
				addrs = append(addrs, a)
			}
		}
		for _, a := range addrs {
			w := l.node(g, a)
			all = append(all, entry{ms(w.infoAt, time.Now()), w.text})
		}
	})
	c.out = resp.AppendArray(c.out, len(all))
	for _, e := range all {
		c.out = resp.AppendInt(resp.AppendArray(c.out, 2), e.age)
		if e.text == "" {
			c.out = resp.AppendNull(c.out, c.proto)
		} else {
			c.out = resp.AppendBulkString(c.out, e.text)
		}
	}
}
