package backend

import (
	"cmp"
	"runtime/metrics"
	"slices"
	"time"

	"holdfast/backend/acl"
	"holdfast/backend/internal/script"
	"holdfast/backend/internal/store"
)

// stats are counters since the start or CONFIG RESETSTAT.
type stats struct {
	connections int64
	rejected    int64
	forks       int64 // files written in the background, for which Redis forks
	errors      int64
	netIn       int64                        // bytes of requests
	netOut      int64                        // bytes of replies
	evicted     int64                        // clients closed because all took too much memory
	denied      [acl.DeniedChannel + 1]int64 // by reason
}

// figures are what INFO tells of things under the engine lock, taken with it.
// INFO on the control port shows the last ones instead of waiting for a long
// command.
type figures struct {
	clients, blocked           int
	channels, patterns, shards int
	blockingKeys, orGone       int
	monitors                   int
	tracking                   trackingFigures
	calls                      int64
	turns                      turns
	rates                      rates
	memory                     memoryFigures
	evicting                   evicting
	expiry                     expiry
	ownKeys                    int
	dirty                      int64
	stats                      stats
	saves                      saves
	aof                        logFigures
	store                      store.Stats
	scripts                    script.Stats
	targets                    int // connections kept for MIGRATE
	databases                  []keyspaceFigures
	commands                   []commandFigures
	latencies                  []string // lines, as of the last time they were asked for
	errors                     []errorFigures
	at                         time.Time
}

type trackingFigures struct{ clients, keys, items, prefixes int }

type keyspaceFigures struct {
	index, keys, expires int
	avgTTL               int64
}

type commandFigures struct {
	name                    string
	calls, rejected, failed int64
	nanos                   int64
}

type errorFigures struct {
	code  string
	count int64
}

// takeFiguresFor is takeFigures with those that only some sections of INFO need.
func (n *Node) takeFiguresFor(sections [][]byte) {
	n.takeFigures()
	s := infoSection{name: latencySection, extra: true}
	if s.wanted(sections) {
		n.figures.Load().latencies = n.latencyLines()
	}
}

// takeFigures is called under the engine lock.
func (n *Node) takeFigures() {
	f := &figures{
		clients: len(n.clients), monitors: len(n.monitors),
		channels: len(n.audience[channels]), patterns: len(n.audience[patterns]), shards: len(n.audience[shards]),
		calls: n.calls, turns: n.timing.turns, dirty: n.dirty,
		stats: n.stats, saves: n.saves, aof: n.logFigures(), store: n.store.Stats,
		scripts: n.scripts.Stats(), targets: n.targets.Len(), at: time.Now(),
	}
	if t := n.tracking; t != nil {
		f.tracking = trackingFigures{t.clients, len(t.readers), t.items, len(t.prefixes)}
	}
	f.memory, f.evicting = n.memoryFigures(), n.evicting
	f.expiry, f.ownKeys = n.expiry, len(n.own)
	f.blockingKeys, f.orGone = n.keysWaitedFor()
	f.blocked = len(n.pause.stalled)
	for _, c := range n.clients {
		if c.waiting != nil {
			f.blocked++
		}
	}
	for i := range n.store.Databases() {
		if db := n.store.DB(i); db.Len() > 0 {
			f.databases = append(f.databases, keyspaceFigures{i, db.Len(), db.Expires(), db.AvgTTL()})
		}
	}
	for i := range n.handlers {
		if h := &n.handlers[i]; h.calls+h.rejected+h.failed > 0 {
			f.commands = append(f.commands, commandFigures{h.cmd.Full, h.calls, h.rejected, h.failed, h.nanos})
		}
	}
	for code, count := range n.errors {
		f.errors = append(f.errors, errorFigures{code, count})
	}
	slices.SortFunc(f.errors, func(a, b errorFigures) int { return cmp.Compare(a.code, b.code) })
	if last := n.figures.Load(); last != nil {
		f.since(last)
	}
	n.figures.Store(f)
}

// since takes over what depends on the figures before.
func (f *figures) since(last *figures) {
	f.memory.peak = max(f.memory.peak, last.memory.peak)
	f.rates, f.latencies = last.rates, last.latencies
	if since := f.at.Sub(last.at); since > 50*time.Millisecond {
		f.rates = f.rate(last)
	}
}

// heapBytes is what Go's heap holds, without stopping the world for it.
func heapBytes() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(sample[0].Value.Uint64())
}
