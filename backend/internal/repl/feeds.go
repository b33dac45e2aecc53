package repl

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultTimeout is repl-timeout's default.
const DefaultTimeout = 60 * time.Second

// Source takes snapshots of the node's data for full resyncs.
type Source interface {
	// Snapshot takes the engine lock, calls begin once, which cuts the stream
	// there and says where, and writes an RDB file of the part of the data as of
	// that point to w, with the cut in its AUX fields. w blocks while the slowest
	// receiver does; its error, and the end of ctx, end the snapshot.
	Snapshot(ctx context.Context, part Part, begin func() Cut, w io.Writer) error
}

// Part is how much of the data a snapshot has (REPLCONF rdb-filter-only).
type Part int

// The parts.
const (
	Whole     Part = iota
	Functions      // without the keys
	Nothing        // neither keys nor functions
)

// FeedsConfig is what the master side needs of its node.
type FeedsConfig struct {
	Stream  *Stream
	Confirm *Confirm
	Source  Source
	// Timeout is repl-timeout; asked often.
	Timeout func() time.Duration
	// SyncDelay is how long a full resync waits for others to share its walk
	// (repl-diskless-sync-delay), and how many of them end the wait; 0: none do.
	SyncDelay func() (limit time.Duration, enough int)
	Dir       string       // for snapshots of replicas that need the length first; "": os.TempDir
	Log       *slog.Logger // nil: slog.Default()
}

// FeedState is the state of a replica, in INFO's words.
type FeedState string

// The states of a feed.
const (
	FeedWait     FeedState = "wait_bgsave" // for a snapshot to begin
	FeedSnapshot FeedState = "send_bulk"
	FeedSent     FeedState = "rdb_transmitted" // to one that wants nothing else
	FeedOnline   FeedState = "online"
)

// ReplicaInfo is what INFO, ROLE and PROBE tell of a replica.
type ReplicaInfo struct {
	IP          string
	Port        int
	State       FeedState
	Offset      uint64        // acknowledged
	Lag         time.Duration // since it was last heard
	Native      bool
	RunID       string
	Incarnation string
	Client      any    // Hello's
	Behind      uint64 // bytes of the stream that are kept for it
	End         func() // disconnects it
}

// Feeds is the master side: it serves the replicas of this node.
type Feeds struct {
	cfg    FeedsConfig
	ctx    context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup
	walk   chan struct{} // held by the transfer that takes a snapshot

	full, partialOK, partialErr atomic.Int64 // answers to requests

	mu      sync.Mutex
	closed  bool
	feeds   []*feed
	pending []*transfer // joined by those that ask now, one for each part that is asked for
}

// NewFeeds returns the master side of a node. The caller closes it.
func NewFeeds(cfg FeedsConfig) *Feeds {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Timeout == nil {
		cfg.Timeout = func() time.Duration { return DefaultTimeout }
	}
	if cfg.SyncDelay == nil {
		cfg.SyncDelay = func() (time.Duration, int) { return 0, 0 }
	}
	m := &Feeds{cfg: cfg, walk: make(chan struct{}, 1)}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Serve takes over the connection of a replica that sent PSYNC, or SYNC
// (hello.Old), with the bytes that it sent behind that. It returns at once.
func (m *Feeds) Serve(conn net.Conn, unread []byte, hello Hello, q Request) {
	f := newFeed(m, conn, hello)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		conn.Close()
		return
	}
	// Listed before the history is looked at: a change of it that this feed
	// does not see yet is followed by a DropAll that sees this feed.
	f.holder = m.cfg.Confirm.Join(hello.Incarnation)
	m.feeds = append(m.feeds, f)
	m.group.Go(func() { f.run(unread, q) })
}

func (m *Feeds) remove(f *feed) {
	m.mu.Lock()
	if i := slices.Index(m.feeds, f); i >= 0 {
		m.feeds = slices.Delete(m.feeds, i, i+1)
	}
	m.mu.Unlock()
	f.holder.Leave()
}

// DropAll disconnects every replica, for the log because of why: after a change
// of the history or the role. They reconnect and learn the new one.
func (m *Feeds) DropAll(why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.feeds {
		f.end(errors.New(why))
	}
}

// TimeoutChanged gives what is being written or waited for no more than the new
// repl-timeout from now on; without it a write under way keeps the old one.
func (m *Feeds) TimeoutChanged(limit time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.feeds {
		by := time.Now().Add(limit + keepalivePeriod)
		_ = f.conn.SetWriteDeadline(by)
		if !f.hello.Old {
			_ = f.conn.SetReadDeadline(by)
		}
	}
}

// DropUser disconnects the replicas that logged in as a user who is no more.
func (m *Feeds) DropUser(user string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.feeds {
		if f.hello.User == user {
			f.end(errors.New("its user was deleted"))
		}
	}
}

// Replicas lists the replicas in the order they came.
func (m *Feeds) Replicas() []ReplicaInfo {
	m.mu.Lock()
	defer m.mu.Unlock()
	list, end := make([]ReplicaInfo, len(m.feeds)), m.cfg.Stream.Published()
	for i, f := range m.feeds {
		list[i] = f.info(end)
	}
	return list
}

// Any tells whether there are replicas.
func (m *Feeds) Any() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.feeds) > 0
}

// Behind is how many bytes of the stream the slowest replica has still to read.
func (m *Feeds) Behind() (most uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	end := m.cfg.Stream.Published()
	for _, f := range m.feeds {
		most = max(most, f.behind(end))
	}
	return most
}

// FeedStats counts how requests were answered: INFO's sync_full, sync_partial_ok and
// sync_partial_err. Full counts every replica, also of those that share a snapshot.
type FeedStats struct{ Full, PartialOK, PartialErr int64 }

// Stats returns the counts since the start, or ResetStats.
func (m *Feeds) Stats() FeedStats {
	return FeedStats{m.full.Load(), m.partialOK.Load(), m.partialErr.Load()}
}

// ResetStats begins the counts anew.
func (m *Feeds) ResetStats() {
	m.full.Store(0)
	m.partialOK.Store(0)
	m.partialErr.Store(0)
}

// Close disconnects every replica and waits for the goroutines.
func (m *Feeds) Close() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	m.group.Wait()
}
