package backend

import (
	"math"
	"strings"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/store"
	"holdfast/conf"
)

// evicting is for how long the node has been over maxmemory.
type evicting struct {
	since time.Time // zero: it is not
	past  time.Duration
}

func (e *evicting) current(now time.Time) time.Duration {
	if e.since.IsZero() {
		return 0
	}
	return now.Sub(e.since)
}

func (e *evicting) total(now time.Time) time.Duration { return e.past + e.current(now) }

// note takes what was found at a moment.
func (e *evicting) note(over bool, now time.Time) {
	switch {
	case over && e.since.IsZero():
		e.since = now
	case !over && !e.since.IsZero():
		e.past, e.since = e.total(now), time.Time{}
	}
}

// eviction is how the store is to choose what goes.
func eviction(cfg *conf.NodeConfig) store.Eviction {
	scope, order, _ := strings.Cut(cfg.MaxMemoryPolicy, "-")
	orders := map[string]store.Order{"lru": store.LRU, "lfu": store.LFU, "ttl": store.TTL, "random": store.Random}
	return store.Eviction{
		Order: orders[order], Volatile: scope == "volatile", Samples: cfg.MaxMemorySamples,
		LogFactor: cfg.LFULogFactor, DecayTime: cfg.LFUDecayTime,
	}
}

// limitMemory takes maxmemory from a new configuration. Where it is exceeded
// the cron goroutine begins to evict as soon as the command is done.
func (n *Node) limitMemory(cfg *conf.NodeConfig) {
	n.memoryLimit, n.noRoom = cfg.MaxMemory, false
	n.limitTables()
	if n.memoryLimit > 0 && n.excess() > 0 {
		n.evictLater()
	}
}

// limitTables lets no hash table grow past maxmemory: it would be paid for with
// keys (dict.c, dictTypeExpandAllowed).
func (n *Node) limitTables() {
	switch {
	case n.rigid:
		n.store.SetTableLimit(1)
	case n.memoryLimit == 0:
		n.store.SetTableLimit(0)
	default:
		n.store.SetTableLimit(max(n.memoryLimit-n.overhead(), 1))
	}
}

// excess is how many bytes maxmemory is exceeded by.
func (n *Node) excess() int64 {
	over := n.usedMemory() - n.memoryLimit
	if over > 0 {
		over -= n.uncountedMemory()
	}
	return over
}

// relieve makes room before a command, and notes whether it could. The state is
// kept for the scripts and transactions that the command runs: within one of
// those nothing is evicted.
func (n *Node) relieve(s *session, x *commands.Ctx) {
	if n.memoryLimit == 0 || n.mu.parted {
		return
	}
	n.noRoom = !n.makeRoom()
	if s.quiet == replyOn { // that what it cached was evicted is no part of the reply
		x.Out = append(x.Out, n.asides...)
		n.asides = n.asides[:0]
	}
}

// evictionSlice is how many keys are evicted between two looks at the clock.
const evictionSlice = 16

// makeRoom evicts keys until maxmemory is kept, or for as long as
// maxmemory-eviction-tenacity allows, and leaves the rest for later. It returns
// false when nothing more may be evicted. What is deleted already is freed
// first. The engine lock is held.
func (n *Node) makeRoom() (ok bool) {
	if n.excess() <= 0 {
		n.evicting.note(false, n.began)
		return true
	}
	cfg := n.cfg()
	if n.standing.role != roleMaster && cfg.ReplicaIgnoreMaxMemory || n.standing.draining || n.pause.until != 0 {
		return true
	}
	defer func(began int64) {
		n.noteEvent("eviction-cycle", time.Duration(n.look()-began))
	}(n.look())
	limit := tenacity(cfg.MaxMemoryTenacity)
	for began := time.Now(); ; {
		more, freed := n.evictSome()
		now := time.Now()
		if n.excess() <= 0 {
			n.evicting.note(false, now)
			return true
		}
		n.evicting.note(true, now)
		if !more {
			return false
		}
		if now.Sub(began) > limit && freed {
			n.evictLater()
			return true
		}
	}
}

// evictSome frees a slice of what is deleted already, or evicts a few keys. more
// is false when there is nothing of either.
func (n *Node) evictSome() (more, freed bool) {
	if n.store.Reclaim(tidySlice) {
		return true, true
	}
	if n.cfg().MaxMemoryPolicy == "noeviction" {
		return false, false
	}
	for range evictionSlice {
		if n.excess() <= 0 || !n.store.Evict() {
			return freed, freed
		}
		freed = true
	}
	return true, true
}

// tenacity is the time that one turn of evicting may take (evict.c,
// evictionTimeLimitUs).
func tenacity(setting int) time.Duration {
	switch {
	case setting <= 10:
		return time.Duration(setting) * 50 * time.Microsecond
	case setting < 100:
		return time.Duration(500 * math.Pow(1.15, float64(setting-10)) * float64(time.Microsecond))
	default:
		return math.MaxInt64
	}
}

// evictLater has the cron goroutine go on.
func (n *Node) evictLater() {
	select {
	case n.crowded <- struct{}{}:
	default: // it is told already
	}
}

// evictOn is a turn of evicting between commands.
func (n *Node) evictOn() {
	n.mu.Lock()
	if !n.ending && n.memoryLimit > 0 {
		n.tick()
		n.makeRoom()
	}
	wake := n.unit.publish()
	n.mu.Unlock()
	if wake {
		n.stream.Wake()
	}
}

// evicted propagates that a key has to go, as a unit of its own. The store
// reports the change next.
func (n *Node) evicted(db int, key []byte) {
	n.unit.alone(db, [][]byte{deletionWord(n.cfg().LazyEviction), key})
	if n.events.keyspace || n.events.keyevent {
		n.event(commands.Evicted, "evicted", db, key)
	}
}
