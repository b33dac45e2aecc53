package backend

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/repl"
)

// FAILOVER swaps this master with one of its replicas without losing a write
// (replication.c, failoverCommand):
//
//  1. Writes wait, and nothing is appended any more.
//  2. Once the target, or with none named any replica, has everything, or its
//     time is over and FORCE was said, this node becomes its replica.
//  3. It asks by PSYNC … FAILOVER, upon which the target becomes the master and
//     lets it continue. The writes that wait are then refused as any replica
//     refuses them.
//
// Until the target has agreed, ABORT and a refusal make this node the master
// again. Nobody is master in between.

var failoverRows = []row{{"failover", failoverCommand}}

// takeover is a FAILOVER under way. The engine lock guards it.
type takeover struct {
	failoverOptions
	abort context.CancelFunc // ends it with this node as the master
}

type failoverOptions struct {
	target  string // host:port; empty: any replica
	timeout time.Duration
	force   bool
}

// failoverPhase is master_failover_state; INFO asks for it with and without the
// engine lock.
type failoverPhase int32

const (
	noFailover failoverPhase = iota
	waitingForSync
	failoverInProgress
)

func (p failoverPhase) String() string {
	return [...]string{"no-failover", "waiting-for-sync", "failover-in-progress"}[p]
}

func (n *Node) failoverState() failoverPhase { return failoverPhase(n.failoverNow.Load()) }

func failoverCommand(s *session, x *commands.Ctx) {
	n := s.node
	if len(x.Args) == 2 && equalFold(string(x.Args[1]), "abort") {
		if n.takeover == nil {
			x.Err("ERR No failover in progress.")
			return
		}
		n.takeover.abort()
		n.park(s, nil, func(func() bool) []byte { n.awaitFailoverEnd(); return nil })
		x.OK()
		return
	}
	o, problem := parseFailover(texts(x.Args[1:]))
	if problem == "" {
		problem = n.mayFailover(o)
	}
	if problem != "" {
		x.Err("ERR " + problem)
		return
	}
	n.beginFailover(o)
	x.OK()
}

func parseFailover(words []string) (o failoverOptions, problem string) {
	for len(words) > 0 {
		switch word := strings.ToLower(words[0]); {
		case word == "timeout" && len(words) > 1 && o.timeout == 0:
			ms, err := strconv.ParseInt(words[1], 10, 64)
			if err != nil {
				return o, strings.TrimPrefix(errNotInt, "ERR ")
			}
			if ms <= 0 {
				return o, "FAILOVER timeout must be greater than 0"
			}
			o.timeout, words = untilMilli(ms, 0), words[2:]
		case word == "to" && len(words) > 2 && o.target == "":
			if _, err := strconv.Atoi(words[2]); err != nil {
				return o, strings.TrimPrefix(errNotInt, "ERR ")
			}
			o.target, words = net.JoinHostPort(words[1], words[2]), words[3:]
		case word == "force" && !o.force:
			o.force, words = true, words[1:]
		default:
			return o, strings.TrimPrefix(errSyntax, "ERR ")
		}
	}
	return o, ""
}

// mayFailover says why a failover cannot begin; empty when it can.
func (n *Node) mayFailover(o failoverOptions) (problem string) {
	all := n.feeds.Replicas()
	switch {
	case n.standing.managed:
		return "FAILOVER is not allowed: the sentinel group '" + n.standing.Group + "' decides the role of this node; use SENTINEL FAILOVER there"
	case n.takeover != nil:
		return "FAILOVER already in progress."
	case n.standing.role != roleMaster:
		return "FAILOVER is not valid when server is a replica."
	case len(all) == 0:
		return "FAILOVER requires connected replicas."
	case o.force && (o.timeout == 0 || o.target == ""):
		return "FAILOVER with force option requires both a timeout and target HOST and IP."
	case o.target == "":
		return ""
	}
	for _, r := range all {
		if replicaAddr(r) != o.target {
			continue
		}
		if r.State != repl.FeedOnline {
			return "FAILOVER target replica is not online."
		}
		return ""
	}
	return "FAILOVER target HOST and PORT is not a replica."
}

func replicaAddr(r repl.ReplicaInfo) string { return net.JoinHostPort(r.IP, strconv.Itoa(r.Port)) }

// beginFailover stops what adds to the stream and lets a goroutine do the rest.
// The engine lock is held.
func (n *Node) beginFailover(o failoverOptions) {
	n.log.Info("FAILOVER requested to " + o.whom() + ".")
	ctx, abort := context.WithCancel(n.life)
	t := &takeover{failoverOptions: o, abort: abort}
	n.takeover = t
	n.failoverNow.Store(int32(waitingForSync))
	n.pauseClients(untilEver, false)
	n.hush(true)
	n.background(func() {
		defer abort()
		n.failOver(ctx, t)
	})
}

// untilEver is the end of a pause that is ended by hand, unix ms.
const untilEver = 1 << 50

func (o failoverOptions) whom() string {
	if o.target == "" {
		return "any replica"
	}
	return o.target
}

// hush makes a master append nothing, neither what expires nor its pings. The
// engine lock is held.
func (n *Node) hush(quiet bool) {
	st := n.standing
	st.draining = quiet
	n.setStanding(st)
}

// failOver waits for the target, moves, and waits for its answer.
func (n *Node) failOver(ctx context.Context, t *takeover) {
	target, problem := n.awaitTarget(ctx, t)
	if problem != "" {
		n.endFailover(t, problem)
		return
	}
	answers := make(chan bool, 1)
	n.moveBehind(target, answers)
	select {
	case accepted := <-answers:
		if !accepted {
			problem = "Failover target rejected psync request"
		}
	case <-ctx.Done():
		problem = "Failover manually aborted"
	}
	n.endFailover(t, problem)
}

// awaitTarget waits until a replica that may take over has everything.
func (n *Node) awaitTarget(ctx context.Context, t *takeover) (addr, problem string) {
	began := time.Now()
	for {
		end := n.stream.Published()
		for _, r := range n.feeds.Replicas() {
			if addr := replicaAddr(r); r.State == repl.FeedOnline && r.Offset >= end && (t.target == "" || addr == t.target) {
				n.log.Info("Failover target " + addr + " is synced, failing over.")
				return addr, ""
			}
		}
		switch late := t.timeout > 0 && time.Since(began) >= t.timeout; {
		case late && t.force:
			n.log.Info("FAILOVER to " + t.target + " time out exceeded, failing over.")
			return t.target, ""
		case late:
			return "", "Replica never caught up before timeout"
		}
		if sleep(ctx, time.Millisecond) != nil {
			return "", "Failover manually aborted"
		}
	}
}

// moveBehind makes this node a replica of the one that is to take over.
func (n *Node) moveBehind(addr string, answers chan bool) {
	n.roles.Lock()
	defer n.roles.Unlock()
	n.failoverNow.Store(int32(failoverInProgress))
	n.becomeReplicaBy(addr, 0, func(accepted bool) {
		select {
		case answers <- accepted:
		default: // the failover is over
		}
	})
	n.feeds.DropAll("this node became a replica")
}

// endFailover lets waiting writes go on, to be refused if the target took over;
// with a problem this node is, or becomes again, the master.
func (n *Node) endFailover(t *takeover, problem string) {
	if problem != "" {
		n.log.Info(fmt.Sprintf("FAILOVER to %s aborted: %s", t.whom(), problem))
		if n.failoverState() == failoverInProgress {
			n.replicateNobody()
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.takeover = nil
	n.failoverNow.Store(int32(noFailover))
	n.hush(false)
	n.unpause()
}

// awaitFailoverEnd returns when no failover is under way any more.
func (n *Node) awaitFailoverEnd() {
	for n.failoverState() != noFailover {
		if sleep(n.life, time.Millisecond) != nil {
			return
		}
	}
}
