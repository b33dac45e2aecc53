package repl

import (
	"context"
	"io"
	"log/slog"
	"net"
	"time"
)

// Position is where a node's data stands in a replication history.
type Position struct {
	ID     string
	Offset uint64
	DB     int // selected in the stream
	Epoch  uint64
}

// Master is what is known about the node at the other end of a Link.
type Master struct {
	Addr   string
	Native bool   // it answered REPLCONF holdfast
	RunID  string // of a native one
	Epoch  uint64 // its data epoch when the link was made, of a native one
	// History is what it was then; nil of a plain one, and of a node that does not
	// tell it.
	History *History
}

// Sync describes the snapshot that a full resync brings.
type Sync struct {
	Master Master
	ID     string
	Offset uint64
	Size   int64 // bytes, −1 when the master does not say
}

// Follower is the data set that a Link keeps equal to its master's. The Link
// calls it from one goroutine.
type Follower interface {
	// Position returns what to continue from; it is asked before each
	// handshake.
	Position() Position
	// StepBack is asked of a follower of a native master before PSYNC: it may
	// give up what the master's history does not have, so that Position is a
	// place from which the master can go on. An error gives the connection up;
	// it returns soon when ctx ends.
	StepBack(ctx context.Context, m Master) error
	// Continue says that the master goes on from Position under the name id
	// (Stream.Continue). An error gives the connection up.
	Continue(m Master, id string) error
	// Load reads a snapshot from rdb, beside the data in use. It must read to
	// the snapshot's end and not past it, and return soon when rdb fails or ctx
	// ends. An error before the first read refuses the resync. What it returns
	// puts the loaded data in the place of the old, at the position that sync
	// names; discard is called instead when that must not happen any more.
	Load(ctx context.Context, sync Sync, rdb io.Reader) (Loaded, error)
	// Apply executes b under the engine lock and relays it into the Stream; it
	// returns when b may be acknowledged. An error gives the connection up; b
	// must then not be applied in part.
	Apply(b *Batch) error
	// Durable is the position up to which the data is on disk; ok is false
	// when nothing is written to one. With must, only that may be acknowledged
	// (write-acks-durable).
	Durable() (pos uint64, ok, must bool)
	// Followed tells whether this node has replicas of its own.
	Followed() bool
}

// Loaded is a snapshot read whole but not in use yet. Exactly one of the
// functions is called.
type Loaded struct {
	Adopt   func() error
	Discard func()
}

// LinkConfig says whom to follow and as whom.
type LinkConfig struct {
	Addr string // host:port of the master
	// Login tells as whom to log in, at each attempt, so that CONFIG SET takes
	// effect; without a password there is no AUTH, without a user the default one
	// is meant. nil: no AUTH.
	Login    func() (user, password string)
	Follower Follower

	// Announce tells where clients find the follower, at each attempt; without an
	// ip that is where the connection comes from. nil: nowhere.
	Announce func() (ip string, port int)
	// Told to the master.
	RunID       string
	Incarnation string

	// Timeout is repl-timeout: silence after which the master is given up.
	// It is asked often, so that CONFIG SET takes effect.
	Timeout func() time.Duration
	// RetryMin and RetryMax bound the wait before another attempt; it doubles
	// from one to the other. 0: 100 ms and 1 s.
	RetryMin, RetryMax time.Duration
	// Dial opens the connection, with TLS where it is wanted. nil: plain TCP.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// TakeOver asks the node at Addr, a replica of this one, to become its master
	// (PSYNC … FAILOVER). It gets the answer to the first such request, after
	// which the link is like any other. nil: an ordinary link.
	TakeOver func(accepted bool)
	// MaxUnit bounds one unit of the stream in bytes. All that a script changed is
	// one, so this only keeps what is no stream from filling the memory. 0: 16 GiB.
	MaxUnit int
	Log     *slog.Logger // nil: slog.Default()
}

// LinkState is the state of a Link, in ROLE's words.
type LinkState string

// The states of a link.
const (
	LinkConnect    LinkState = "connect"    // waiting for the next attempt
	LinkConnecting LinkState = "connecting" // dialling
	LinkHandshake  LinkState = "handshake"
	LinkSync       LinkState = "sync" // receiving a snapshot
	LinkConnected  LinkState = "connected"
)

// LinkStatus is what INFO and ROLE tell of a Link.
type LinkStatus struct {
	State     LinkState
	Master    Master
	LastIO    time.Time // of the present connection; zero without one
	Since     time.Time // when it was connected; zero while it is not
	LocalAddr string    // our end of it, likewise
	DownSince time.Time // zero while connected
	SyncTotal int64     // bytes of the snapshot under way; −1 unknown
	SyncRead  int64     // of these received
	SyncIO    time.Time // when the last of them came
	Offset    uint64    // received and understood: slave_read_repl_offset
	LastError string    // why the last attempt ended
}

func (c *LinkConfig) fill() {
	if c.Timeout == nil {
		c.Timeout = func() time.Duration { return DefaultTimeout }
	}
	if c.Announce == nil {
		c.Announce = func() (string, int) { return "", 0 }
	}
	if c.RetryMin <= 0 {
		c.RetryMin = 100 * time.Millisecond
	}
	c.RetryMax = max(c.RetryMax, c.RetryMin)
	if c.Dial == nil {
		c.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	if c.MaxUnit <= 0 {
		c.MaxUnit = 16 << 30
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
}
