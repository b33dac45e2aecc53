package backend

import (
	"time"

	"holdfast/backend/internal/migrate"
	"holdfast/backend/internal/repl"
	"holdfast/conf"
)

// turnsPerSecond is the pace of the timer: hz, and with dynamic-hz more where
// there are many clients (server.c, serverCron).
func turnsPerSecond(cfg *conf.NodeConfig, clients int) int {
	const least, most, clientsPerTurn = 1, 500, 200
	hz := min(max(cfg.Hz, least), most)
	for cfg.DynamicHz && clients/hz > clientsPerTurn && hz < most {
		hz = min(2*hz, most)
	}
	return hz
}

// cron does what no command does: it expires keys that nobody asks for, evicts
// where a command had no time to, tidies up after deletions and resizes, and
// keeps replicas from timing out.
func (n *Node) cron() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var turned, second, ping time.Time
	for {
		select {
		case <-n.life.Done():
			return
		case <-n.crowded:
			n.evictOn()
			continue
		case <-timer.C:
		}
		cfg, hz, now := n.cfg(), int(n.hz.Load()), time.Now()
		period, e := time.Second/time.Duration(hz), effortOf(cfg.ActiveExpireEffort, hz)
		if now.Sub(turned) >= period {
			turned = now
			due := now.Sub(ping) >= cfg.ReplPingPeriod
			if due {
				ping = now
			}
			n.housekeep(due, period/4, e)
		} else {
			n.expireFast(e)
		}
		if now.Sub(second) >= time.Second {
			second = now
			n.everySecond()
		}
		timer.Reset(n.untilNext(turned.Add(period), e))
	}
}

// untilNext is how long the timer sleeps: until the next turn, or only until
// the next fast cycle of expiry.
func (n *Node) untilNext(turn time.Time, e effort) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	wait := time.Until(turn)
	if n.mayExpire() && n.expiry.eager(e) {
		wait = min(wait, 2*e.fast)
	}
	return max(wait, 0)
}

func (n *Node) everySecond() {
	n.countClients()
	n.targets.Sweep(time.Now().Add(-migrate.Idle))
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ending {
		return
	}
	n.limitTables()
	n.forgetStreamIfDue()
	n.saveIfDue()
	n.rewriteIfDue()
	n.takeFigures()
}

// tidySlice is how many elements are freed, or buckets moved, while the engine
// is held.
const tidySlice = 1000

// housekeep is one turn: a cycle of expiry, and tidying for as long as budget.
// The engine is held in slices, between which commands run.
func (n *Node) housekeep(ping bool, budget time.Duration, e effort) {
	cycle, expiring, tidying, first := e.cycle(), true, true, true
	for began := time.Now(); expiring || tidying; {
		n.mu.Lock()
		if n.ending || n.cronPaused {
			n.mu.Unlock()
			return
		}
		n.tick()
		n.slowDown()
		n.hz.Store(int32(turnsPerSecond(n.cfg(), len(n.clients))))
		took := time.Since(began)
		tidying = tidying && n.tidy() && took < budget
		expiring = expiring && n.expireSlowly(cycle, took, e)
		n.expireOwn()
		if n.memoryLimit > 0 {
			n.makeRoom() // what fills a replica is no command of a client, which would see to it
		}
		if ping && n.unit.leads && n.feeds.Any() {
			n.stream.Ping()
			n.unit.dirty = true
			ping = false
		}
		n.wakeReady()
		n.limitTracking(n.cfg().TrackingTableMaxKeys)
		n.broadcast()
		n.timing.turns.slice(n.look()-n.timing.clock, first)
		first = false
		wake := n.unit.publish()
		n.mu.Unlock()
		if wake {
			n.stream.Wake()
		}
	}
}

// tidy frees and rehashes a slice; more is true when there is more to do.
func (n *Node) tidy() (more bool) {
	more = n.store.Tidy(tidySlice)
	if n.cfg().ActiveRehashing {
		more = n.store.Rehash(tidySlice) || more
	}
	return more
}

// background runs f on a goroutine that Close waits for.
func (n *Node) background(f func()) {
	n.tasks.Add(1)
	go func() {
		defer n.tasks.Done()
		f()
	}()
}

// replicaLimits bound how far a replica may fall behind.
func replicaLimits(cfg *conf.NodeConfig) repl.Limits {
	l := cfg.OutputLimits.Replica
	return repl.Limits{Hard: uint64(l.Hard), Soft: uint64(l.Soft), SoftFor: l.SoftFor}
}
