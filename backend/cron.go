package backend

import (
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/repl"
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
	"holdfast/conf"
)

// cronEvery is the pace of the periodic work: Redis's default hz 10.
const cronEvery = 100 * time.Millisecond

// cron does what no command does: it expires keys that nobody asks for, tidies
// up after deletions and resizes, and keeps replicas from timing out.
func (n *Node) cron() {
	ticker := time.NewTicker(cronEvery)
	defer ticker.Stop()
	lastPing, turn := time.Now(), 0
	for {
		select {
		case <-n.life.Done():
			return
		case <-ticker.C:
		case <-n.crowded:
			n.evictOn()
			continue
		}
		ping := time.Since(lastPing) >= n.cfg().ReplPingPeriod
		if ping {
			lastPing = time.Now()
		}
		n.housekeep(ping)
		if turn++; turn%10 == 0 {
			n.countClients()
			n.mu.Lock()
			n.limitTables()
			n.saveIfDue()
			n.takeFigures()
			n.mu.Unlock()
		}
	}
}

// Bounds of one turn: the engine is held that long, a turn in all.
const (
	tidySlice   = 1000 // elements
	expireSlice = 400  // keys
	cronBudget  = 25 * time.Millisecond
)

func (n *Node) housekeep(ping bool) {
	for began := time.Now(); ; {
		n.mu.Lock()
		if n.ending || n.cronPaused {
			n.mu.Unlock()
			return
		}
		n.tick()
		more := n.store.Tidy(tidySlice)
		if n.standing.role == roleMaster && !n.standing.draining {
			more = !n.lazy && n.expireSome() || more
			if ping && n.unit.leads && n.stream.Active() {
				n.stream.Ping()
				n.unit.dirty = true
				ping = false
			}
		}
		n.wakeReady()
		n.limitTracking(n.cfg().TrackingTableMaxKeys)
		n.broadcast()
		wake := n.unit.publish()
		n.mu.Unlock()
		if wake {
			n.stream.Wake()
		}
		if !more || time.Since(began) > cronBudget {
			return
		}
	}
}

func (n *Node) expireSome() (more bool) {
	began := n.look()
	n.unit.begin()
	_, more = n.store.ActiveExpire(expireSlice)
	n.unit.end()
	n.latency.add(n.cfg(), "expire-cycle", n.now, time.Duration(n.look()-began))
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

// newStore makes an empty store with this node's settings.
func (n *Node) newStore() (*store.Store, error) {
	cfg := n.cfg()
	s, err := store.New(cfg.Databases)
	if err != nil {
		return nil, err
	}
	s.SetLimits(limits(cfg))
	s.SetEviction(eviction(cfg))
	return s, nil
}

// hook connects the store in use with the gate.
func (n *Node) hook(s *store.Store) {
	s.Hooks = store.Hooks{
		Changed: n.changed,
		Expired: n.expired,
		Evicted: n.evicted,
		Flushed: n.flushed,
		Swapped: n.touchedAll,
	}
}

var delWord, unlinkWord = []byte("DEL"), []byte("UNLINK")

// deletionWord is the command that stands for a deletion in the stream.
func deletionWord(lazy bool) []byte {
	if lazy {
		return unlinkWord
	}
	return delWord
}

// expired propagates that a key's time has come. The store reports the change
// next.
func (n *Node) expired(db int, key []byte) {
	n.expiring = true
	n.unit.add(db, [][]byte{deletionWord(n.options.LazyExpire), key})
	if n.events.keyspace || n.events.keyevent {
		n.event(commands.Expired, "expired", db, key)
	}
}

func limits(cfg *conf.NodeConfig) types.Limits {
	l := types.DefaultLimits()
	l.HashMaxListpackEntries, l.HashMaxListpackValue = cfg.HashMaxListpackCount, int(cfg.HashMaxListpackValue)
	l.SetMaxIntsetEntries = cfg.SetMaxIntsetCount
	l.SetMaxListpackEntries, l.SetMaxListpackValue = cfg.SetMaxListpackCount, int(cfg.SetMaxListpackValue)
	l.ZSetMaxListpackEntries, l.ZSetMaxListpackValue = cfg.ZsetMaxListpackCount, int(cfg.ZsetMaxListpackValue)
	l.ListMaxListpackSize = cfg.ListMaxListpackSize
	l.StreamNodeMaxBytes, l.StreamNodeMaxEntries = int(cfg.StreamNodeMaxBytes), cfg.StreamNodeMaxEntries
	return l
}

// replicaLimits bound how far a replica may fall behind.
func replicaLimits(cfg *conf.NodeConfig) repl.Limits {
	l := cfg.OutputLimits.Replica
	return repl.Limits{Hard: uint64(l.Hard), Soft: uint64(l.Soft), SoftFor: l.SoftFor}
}
