package proxy

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	dial "holdfast/backend/client"
	"holdfast/election/topology"
)

// report is what a poll has found out about a node.
type report struct {
	addr   string
	role   string
	linkUp bool
	replID string
	offset int64
	rtt    time.Duration
	at     time.Time
}

// lagBook tells from reports how old a replica's state is: the age of the
// newest offset of the current master that it has reached. It is pure.
type lagBook struct {
	replID  string
	history []sample // of the master, oldest first
}

type sample struct {
	offset int64
	at     time.Time
}

const keepSamples = 256

// master notes a report of the master.
func (b *lagBook) master(r report) {
	if r.replID != b.replID {
		b.replID, b.history = r.replID, nil
	}
	if len(b.history) == keepSamples {
		b.history = append(b.history[:0], b.history[1:]...)
	}
	b.history = append(b.history, sample{r.offset, r.at})
}

// lag returns how old the state of a replica is, false when that is not known.
func (b *lagBook) lag(r report) (time.Duration, bool) {
	if r.role != "slave" || !r.linkUp || r.replID != b.replID || len(b.history) == 0 {
		return 0, false
	}
	if last := b.history[len(b.history)-1]; r.offset >= last.offset {
		return max(0, r.at.Sub(last.at)), true
	}
	for i := len(b.history) - 1; i >= 0; i-- {
		if s := b.history[i]; s.offset <= r.offset {
			return r.at.Sub(b.history[i+1].at), true
		}
	}
	return 0, false
}

// poll asks every node for its replication state until the proxy stops, and
// tells the loops.
func (p *Proxy) poll() {
	every := min(max(p.cfg.MaxReplicaLag/4, 50*time.Millisecond), time.Second)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	conns := map[string]*dial.Conn{}
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	var book lagBook
	for {
		select {
		case <-ticker.C:
		case <-p.stop:
			return
		}
		t := p.watch.Current()
		forget(conns, t)
		if t == nil || len(t.Replicas) == 0 {
			continue
		}
		if r, err := p.inquire(ctx, conns, t.Master.Addr, every); err == nil {
			book.master(r)
			addr, rtt := r.addr, r.rtt
			p.eachLoop(func(l *loop) { l.nodeAt(addr).polled(0, false, rtt) })
		}
		for _, n := range t.Replicas {
			r, err := p.inquire(ctx, conns, n.Addr, every)
			lag, known := book.lag(r)
			if err != nil {
				known = false
			}
			p.eachLoop(func(l *loop) { l.nodeAt(n.Addr).polled(lag, known, r.rtt) })
		}
	}
}

// forget ends the connections to nodes that are not asked any more: those that have
// left the group, and the master where there is nothing to compare it with.
func forget(conns map[string]*dial.Conn, t *topology.Topology) {
	for addr, c := range conns {
		asked := t != nil && len(t.Replicas) > 0 && (addr == t.Master.Addr ||
			slices.ContainsFunc(t.Replicas, func(n topology.Node) bool { return n.Addr == addr }))
		if !asked {
			c.Close()
			delete(conns, addr)
		}
	}
}

// inquire asks one node. Its time is bounded, so that one that hangs delays the
// others by little.
func (p *Proxy) inquire(ctx context.Context, conns map[string]*dial.Conn, addr string, limit time.Duration) (report, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := conns[addr]
	if c == nil || c.Broken() != nil {
		var err error
		c, err = dial.Dial(ctx, addr, dial.Options{User: p.cfg.AuthUser, Password: p.cfg.AuthPass, TLS: p.outward})
		if err != nil {
			delete(conns, addr)
			return report{}, err
		}
		conns[addr] = c
	}
	began := time.Now()
	v, err := c.Do(ctx, "INFO", "replication")
	if err != nil {
		return report{}, err
	}
	r := parseReport(v.Text)
	r.addr, r.at, r.rtt = addr, began, time.Since(began)
	return r, nil
}

// parseReport reads INFO replication.
func parseReport(info string) report {
	var r report
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "role":
			r.role = value
		case "master_link_status":
			r.linkUp = value == "up"
		case "master_replid":
			r.replID = value
		case "master_repl_offset":
			r.offset, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	return r
}

// polled notes what a poll has found.
func (n *node) polled(lag time.Duration, known bool, rtt time.Duration) {
	n.lag, n.lagKnown = lag, known
	if rtt > 0 {
		n.rtt += (rtt - n.rtt) / 8
	}
}

// keepsUp tells whether a node's state is not older than max-replica-lag.
func (n *node) keepsUp(p *Proxy) bool { return n.lagKnown && n.lag <= p.cfg.MaxReplicaLag }

// masterNearer tells whether the master answers faster than a replica does.
func (l *loop) masterNearer(replica *node) bool {
	if !l.masterServes() {
		return false
	}
	m := l.nodeAt(l.topo.Master.Addr)
	return m.rtt > 0 && m.rtt < replica.rtt
}
