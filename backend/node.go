package backend

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/backend/acl"
	"holdfast/backend/command"
	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/latency"
	"holdfast/backend/internal/migrate"
	"holdfast/backend/internal/repl"
	"holdfast/backend/internal/script"
	"holdfast/backend/internal/store"
	"holdfast/backend/netio"
	"holdfast/conf"
)

// RedisVersion is the Redis whose commands a node answers like.
const RedisVersion = conf.RedisVersion

// Version is Holdfast's own.
const Version = conf.Version

// Node is one server. New, Run and Close are safe to call once each; nothing
// else is exported.
//
// Locks are taken in this order: roles, mu, and then those of the packages
// below. A goroutine that holds mu waits for nothing but the processor.
type Node struct {
	settings *conf.Settings[conf.NodeConfig]
	log      *slog.Logger
	server   *netio.Server
	control  *control
	life     context.Context // ended by halt: everything is to end
	halt     context.CancelFunc
	broken   chan error // why Run must give up
	started  time.Time

	runID     string
	identity  identity
	handlers  [maxCommands]handler
	renames   renames
	seen      atomic.Pointer[standing] // for probes, which take no lock
	following atomic.Pointer[repl.Link]
	figures   atomic.Pointer[figures]
	secrets   atomic.Pointer[secrets]
	users     *acl.Users
	tasks     sync.WaitGroup // of background
	loading   atomic.Bool    // the snapshot file is being read
	resyncing atomic.Bool    // a full resync is read, beside the data in use

	progress progress
	horizon  *aof.Horizon
	walks    chan struct{} // held by the snapshot that is being taken

	finishing   sync.Mutex             // held while the node is brought to an end
	endingNow   atomic.Pointer[ending] // who is about it, or has done it; nil: nobody
	signalled   atomic.Bool            // a signal has begun that, and has not been called off
	failoverNow atomic.Int32           // failoverPhase
	snapshots   snapshotProgress       // of the one under way
	feeding     atomic.Int32           // snapshots for replicas that are being taken, or wait for their turn
	endBy       atomic.Int64           // unix ms until which that waits for replicas; 0: it does not
	roles       sync.Mutex             // serializes changes of role

	mu engineLock // all below is under it

	store       *store.Store
	stream      *repl.Stream
	confirm     *repl.Confirm
	feeds       *repl.Feeds
	origin      session // stands for the master whose stream is applied
	unit        unit
	standing    standing
	open        bool  // nothing about this node's state restricts commands
	ending      bool  // nothing is executed any more
	applying    bool  // what a master sent is executed
	memoryLimit int64 // maxmemory, bytes; 0: none
	noRoom      bool  // keys could not be evicted, as of the command's or script's begin
	evicting    evicting
	expiry      expiry
	own         ownKeys
	startMemory int64  // bytes in use when the node was made
	guarded     bool   // a setting asks to look at memory or replicas before commands
	abortEnd    func() // SHUTDOWN ABORT; nil while there is nothing to abort

	began   time.Time    // when the batch under way began
	now     int64        // the same in unix ms
	loop    *netio.Loop  // whose batch runs; nil outside loops
	running *session     // whose command runs; nil outside commands
	asides  []byte       // what running is to get behind its reply
	woken   *session     // whose request runs because what it waited for is there
	behind  []byte       // what woken is to get behind its reply
	x       commands.Ctx // of the running request
	waker   commands.Ctx // of a blocked client's request
	applier commands.Ctx // of the master's stream
	inner   commands.Ctx // of a script's command
	options commands.Options
	scripts *script.Engine
	targets migrate.Targets // of MIGRATE; has a lock of its own
	apart   apart
	inExec  bool // a transaction is under way
	muted   bool // redis.set_repl: what commands change is not propagated

	denials  acl.Log
	clients  map[int64]*session
	links    map[string]*session // the connections of proxies' links, by their ids
	kept     keptReplies
	assured  pair // up to where waiting links were told that nothing was executed
	lastID   int64
	masterID int64 // the client id of the connection to the master
	audience audience
	tracking *tracking // nil while no client tracks
	watchers map[dbKey]map[*session]struct{}
	blocked  map[dbKey][]*session
	ready    []dbKey
	monitors map[*session]struct{}
	events   eventMask // keyspace events that are published
	pause    pause
	oom      oomScore
	takeover *takeover // FAILOVER under way; nil: none
	saves    saves
	alone    time.Time // since when the stream has had no reader, see forgetStreamIfDue
	aof      logging
	losses   losses

	rewinding context.CancelFunc // of a cut of the append-only file under way (stepback.go); nil: none

	expiring   bool // the change that is reported next is an expiry
	cronPaused bool // DEBUG PAUSE-CRON: nothing is done that no command does
	rigid      bool // DEBUG DICT-RESIZING 0: hash tables grow only when they must
	lazy       bool // DEBUG SET-ACTIVE-EXPIRE 0: keys expire only when asked for
	dirty      int64
	calls      int64
	timing     timing
	slowlog    latency.Log
	latency    latency.Monitor
	stats      stats
	errors     map[string]int64 // replied, by code

	clientMemory atomic.Int64  // bytes that clients make the node hold
	clientLimit  atomic.Int64  // bytes of it past which clients are closed; 0: none
	hz           atomic.Int32  // turns of the timer a second
	crowded      chan struct{} // there is more to evict than a command had time for

	debugging int // scripts that are debugged on copies

	lease  lease
	lapsed bool // it was over when the last batch began

	acks      ackWaits
	waiting   atomic.Int64  // clients with held replies
	releasing atomic.Bool   // a release is on its way to the loops
	telling   atomic.Bool   // so is what the stream tells of confirmations
	sight     atomic.Uint64 // up to where a node that is no master may show its data
	dropping  atomic.Int32  // loops that have yet to close the clients of dropHeld
}

// maxCommands bounds command.Count, which is not a constant; New checks it.
const maxCommands = 512

// New makes a node. It touches nothing outside but the data directory, which
// must exist.
func New(settings *conf.Settings[conf.NodeConfig], log *slog.Logger) (*Node, error) {
	cfg := settings.Config()
	n := &Node{
		settings: settings, log: log, started: time.Now(),
		horizon: aof.NewHorizon(), broken: make(chan error, 1), walks: make(chan struct{}, 1), crowded: make(chan struct{}, 1),
		runID:   randomID(20),
		clients: make(map[int64]*session), links: make(map[string]*session), audience: newAudience(),
		watchers: make(map[dbKey]map[*session]struct{}), blocked: make(map[dbKey][]*session),
		monitors: make(map[*session]struct{}), errors: make(map[string]int64),
	}
	if command.Count > maxCommands {
		return nil, fmt.Errorf("%d commands do not fit a table of %d", command.Count, maxCommands)
	}
	var err error
	if err := n.readUsers(cfg); err != nil {
		return nil, err
	}
	n.life, n.halt = context.WithCancel(context.Background())
	if n.store, err = n.newStore(); err != nil {
		return nil, err
	}
	n.renames = newRenames(cfg.RenameCommands, n.log)
	n.stream = repl.NewStream(uint64(cfg.ReplBacklogSize))
	n.stream.Backlog().SetLimits(replicaLimits(cfg))
	n.stream.OnMoved(n.historyMoved)
	if err := n.claimIdentity(cfg); err != nil {
		return nil, err
	}
	n.stream.Counts(n.incarnation(), n.counts)
	n.unit.stream, n.unit.kept = n.stream, &n.kept
	n.mu.init()
	n.origin = session{node: n, proto: 2, authed: true}
	n.hook(n.store)
	n.confirm = repl.NewConfirm(n.confirmedMore)
	n.feeds = n.newFeeds()
	n.scripts = script.New(RedisVersion)
	n.prepareContexts(cfg)
	n.setEvents(cfg.NotifyKeyspaceEvents)
	n.guard(cfg)
	n.setTiming(cfg)
	n.limitClients(cfg)
	n.hz.Store(int32(turnsPerSecond(cfg, 0)))
	n.tick()
	n.register()
	if err := n.takeFirstRole(cfg); err != nil {
		return nil, err
	}
	n.saves.last = n.started
	n.startMemory = heapBytes() - n.stream.Backlog().Memory()
	n.takeFigures()
	settings.OnChange(n.configChanged)
	return n, nil
}

// prepareContexts tells the contexts in which handlers run from each other.
func (n *Node) prepareContexts(cfg *conf.NodeConfig) {
	for _, x := range n.contexts() {
		x.Options = &n.options
		x.SetWarn(func(text string) { n.log.Warn(text) })
		x.SetWake(n.signal)
	}
	n.inner.InScript = true
	n.setOptions(cfg)
	n.x.CanWait, n.waker.CanWait = true, true
	n.x.SetReplyLimit(n.replyLimit, func() { n.running.closing = true })
	n.applier.Replaying = true
}

func randomID(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// register fills the table of handlers. A row that names no known command is a
// mistake of ours.
func (n *Node) register() {
	for _, c := range command.All {
		n.handlers[c.ID].setFacts(c)
		for _, sub := range c.Subs {
			n.handlers[sub.ID].setFacts(sub)
		}
	}
	find := func(name string) *handler {
		c := command.Named(name)
		if c == nil {
			panic("no facts about command " + name)
		}
		return &n.handlers[c.ID]
	}
	for _, r := range commands.Rows() {
		find(r.Name).data = r.Run
	}
	for _, rows := range [][]row{connectionRows, clientRows, trackingRows, slowlogRows, latencyRows, absentRows, transactionRows, pubsubRows, serverRows, configRows, aclRows,
		commandRows, migrateRows, flushRows, replicationRows, failoverRows, nativeRows, scriptRows, debugRows, memoryRows, helpRows, saveRows, aofRows, functionRows} {
		for _, r := range rows {
			find(r.name).session = r.run
		}
	}
	for _, name := range scriptHolders {
		find(name).scripts = true
	}
}

func (n *Node) cfg() *conf.NodeConfig { return n.settings.Config() }

// tick sets the time of what comes next.
func (n *Node) tick() {
	n.began = time.Now()
	n.now = n.began.UnixMilli()
	n.timing.clock = int64(n.began.Sub(n.started))
	n.store.SetNow(n.now)
	n.x.Now, n.waker.Now, n.applier.Now = n.now, n.now, n.now
}

// confirmedMore has every loop release what may leave now. Confirmations come
// in quick succession: while one release is on its way, no further is posted.
func (n *Node) confirmedMore() {
	if n.confirm.Tells() {
		n.tellSoon()
	}
	if n.waiting.Load() == 0 || n.releasing.Swap(true) {
		return
	}
	for _, l := range n.server.Loops() {
		l.Post(func() {
			n.releasing.Store(false)
			n.releaseHeld(l)
		})
	}
}
