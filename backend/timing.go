package backend

import (
	"math"
	"time"

	"holdfast/backend/command"
	"holdfast/conf"
)

// A command's time is taken with one look at the clock: it lasts from the last
// look, which was at the end of the command before or at the beginning of the
// batch, to its own end.

// timing is what the node does with the time of commands; part of the Node,
// under the engine lock.
type timing struct {
	clock   int64 // ns since the node's start: when what ran last ended
	notable int64 // ns from which the slow log or the latency monitor want to know of a command
	keep    bool  // latency-tracking
	turns   turns
}

// turns are what INFO tells of the loops' turns, which are batches of clients
// here, and of those of the timer; times in ns.
type turns struct {
	count    int64
	spent    int64 // in all turns
	longest  int64
	commands int64 // spent in commands
	cron     int64 // spent in turns of the timer
	busiest  int64 // most commands in one turn
}

// turn counts one that lasted so long and ran so many commands.
func (t *turns) turn(ns, commands int64) {
	t.count++
	t.spent += ns
	t.longest = max(t.longest, ns)
	t.busiest = max(t.busiest, commands)
}

// slice counts a part of a turn of the timer.
func (t *turns) slice(ns int64, first bool) {
	t.turn(ns, 0)
	t.cron += ns
	if !first {
		t.count--
	}
}

// rates are per second, from one taking of the figures to the next.
type rates struct {
	ops, turns int64
	turnUsec   int64   // of one turn, on average
	in, out    float64 // kilobytes of requests and replies
}

func (f *figures) rate(last *figures) rates {
	seconds := f.at.Sub(last.at).Seconds()
	per := func(now, before int64) float64 { return max(0, float64(now-before)/seconds) }
	r := rates{
		ops: int64(per(f.calls, last.calls)), turns: int64(per(f.turns.count, last.turns.count)),
		in: per(f.stats.netIn, last.stats.netIn) / 1024, out: per(f.stats.netOut, last.stats.netOut) / 1024,
	}
	if n := f.turns.count - last.turns.count; n > 0 {
		r.turnUsec = max(0, (f.turns.spent-last.turns.spent)/n/1000)
	}
	return r
}

// look reads the clock: ns since the node's start.
func (n *Node) look() int64 { return int64(time.Since(n.started)) }

// setTiming takes over what the configuration wants to know.
func (n *Node) setTiming(cfg *conf.NodeConfig) {
	n.timing.keep = cfg.LatencyTracking
	n.timing.notable = math.MaxInt64
	if cfg.SlowlogSlowerThan >= 0 {
		n.timing.notable = int64(cfg.SlowlogSlowerThan)
	}
	if at := cfg.LatencyMonitorThreshold; at > 0 {
		n.timing.notable = min(n.timing.notable, int64(at))
	}
}

// spent is the time since from, which has been the clock's state; the clock
// goes on from here.
func (n *Node) spent(from int64) (ns int64) {
	n.timing.clock = n.look()
	return n.timing.clock - from
}

// account counts a command that has come to its end after so many ns.
func (n *Node) account(s *session, h *handler, args [][]byte, ns int64) {
	n.calls++
	h.calls++
	h.nanos += ns
	if n.timing.keep {
		h.times.Add(time.Duration(ns))
	}
	if ns >= n.timing.notable {
		n.note(s, h, args, ns)
	}
}

// setFacts takes what it needs to know at each call from the facts.
func (h *handler) setFacts(c *command.Command) {
	h.shows = scopeOf(c)
	h.cmd, h.fast, h.unlogged = c, c.Has(command.Fast), c.Has(command.SkipSlowlog)
}

// note tells the slow log and the latency monitor.
func (n *Node) note(s *session, h *handler, args [][]byte, ns int64) {
	event := "command"
	if h.fast {
		event = "fast-command"
	}
	n.noteEvent(event, time.Duration(ns))
	if limit := n.cfg().SlowlogSlowerThan; limit >= 0 && ns >= int64(limit) && !h.unlogged {
		n.noteSlow(s, h.cmd, args, time.Duration(ns))
	}
}
