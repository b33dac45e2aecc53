package backend

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/repl"
	"holdfast/backend/internal/script"
	"holdfast/backend/internal/store"
	"holdfast/backend/netio"
	"holdfast/conf"
)

// redisVersion is the Redis whose commands a node answers like.
const redisVersion = "7.2.6"

// Version is Holdfast's own.
const Version = "0.1.0"

// Node is one server. New, Run and Close are safe to call once each; nothing
// else is exported.
type Node struct {
	settings *conf.Settings[conf.NodeConfig]
	log      *slog.Logger
	server   *netio.Server
	control  *control
	stop     chan struct{}
	stopOnce sync.Once
	started  time.Time

	runID       string
	incarnation string
	handlers    [maxCommands]handler
	seen        atomic.Pointer[standing] // for probes, which take no lock
	following   atomic.Pointer[repl.Link]
	figures     atomic.Pointer[figures]
	tasks       sync.WaitGroup

	roles sync.Mutex // serializes changes of role; taken before mu

	mu sync.Mutex // the engine lock; all below is under it

	store    *store.Store
	stream   *repl.Stream
	confirm  *repl.Confirm
	feeds    *repl.Feeds
	origin   session // stands for the master whose stream is applied
	unit     unit
	standing standing
	open     bool // nothing about this node's state restricts commands
	loading  bool

	now     int64        // unix ms of the unit under way
	loop    *netio.Loop  // whose batch runs; nil outside loops
	x       commands.Ctx // of the running request
	waker   commands.Ctx // of a blocked client's request
	applier commands.Ctx // of the master's stream
	inner   commands.Ctx // of a script's command
	scripts *script.Engine

	clients  map[int64]*session
	lastID   int64
	audience audience
	watchers map[dbKey]map[*session]struct{}
	blocked  map[dbKey][]*session
	ready    []dbKey
	monitors map[*session]struct{}

	dirty int64
	calls int64
	stats stats

	waiting   atomic.Int64 // clients with held replies
	releasing atomic.Bool  // a release is on its way to the loops
}

// maxCommands bounds command.Count, which is not a constant; NewNode checks it.
const maxCommands = 512

// stats are counters for INFO.
type stats struct {
	connections int64
	rejected    int64
	expired     int64
	fullSyncs   int64
	partialOK   int64
	partialErr  int64
}

// New makes a node. It touches nothing outside but the data directory, which
// must exist.
func New(settings *conf.Settings[conf.NodeConfig], log *slog.Logger) (*Node, error) {
	cfg := settings.Config()
	n := &Node{
		settings: settings, log: log, started: time.Now(),
		stop:  make(chan struct{}),
		runID: randomID(20), incarnation: randomID(20),
		clients: make(map[int64]*session), audience: newAudience(),
		watchers: make(map[dbKey]map[*session]struct{}), blocked: make(map[dbKey][]*session),
		monitors: make(map[*session]struct{}),
	}
	if command.Count > maxCommands {
		return nil, fmt.Errorf("%d commands do not fit a table of %d", command.Count, maxCommands)
	}
	var err error
	if n.store, err = n.newStore(); err != nil {
		return nil, err
	}
	n.stream = repl.NewStream(uint64(cfg.ReplBacklogSize))
	n.unit.stream = n.stream
	n.origin = session{node: n, proto: 2, authed: true}
	n.hook(n.store)
	n.confirm = repl.NewConfirm(n.confirmedMore)
	n.feeds = n.newFeeds()
	n.scripts = script.New(redisVersion)
	n.x.CanWait, n.waker.CanWait = true, true
	n.applier.Replaying = true
	n.tick()
	n.register()
	if err := n.takeFirstRole(cfg); err != nil {
		return nil, err
	}
	n.takeFigures()
	settings.OnChange(n.configChanged)
	return n, nil
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
		n.handlers[c.ID].cmd = c
		for _, sub := range c.Subs {
			n.handlers[sub.ID].cmd = sub
		}
	}
	find := func(name string) *handler {
		c := byFullName(name)
		if c == nil {
			panic("no facts about command " + name)
		}
		return &n.handlers[c.ID]
	}
	for _, r := range commands.Rows() {
		find(r.Name).data = r.Run
	}
	for _, rows := range [][]row{connectionRows, clientRows, transactionRows, pubsubRows, serverRows, configRows,
		commandRows, replicationRows, nativeRows, scriptRows, debugRows} {
		for _, r := range rows {
			find(r.name).session = r.run
		}
	}
}

func byFullName(name string) *command.Command {
	for _, c := range command.All {
		if c.Full == name {
			return c
		}
		for _, sub := range c.Subs {
			if sub.Full == name {
				return sub
			}
		}
	}
	return nil
}

// Run serves until ctx is done, SHUTDOWN is called or something fails for
// good. It returns nil after a clean end.
func (n *Node) Run(ctx context.Context) error {
	if err := n.Start(); err != nil {
		return err
	}
	cron := make(chan struct{})
	go func() { defer close(cron); n.cron() }()
	defer func() { n.halt(); <-cron }()
	select {
	case <-ctx.Done():
	case <-n.stop:
	case <-n.server.Done():
	case err := <-n.control.failed:
		n.Close()
		return err
	}
	return n.Close()
}

// Start opens the listeners; clients can connect when it returns.
func (n *Node) Start() error {
	cfg := n.cfg()
	if _, err := netio.RaiseFileLimit(cfg.MaxClients); err != nil {
		n.log.Warn(err.Error())
	}
	n.server = netio.NewServer(netio.Options{
		Addrs: listenAddrs(cfg), Loops: max(cfg.EventLoops, 1),
		Accept: n.accept, KeepAlive: cfg.TCPKeepalive, Log: n.log,
	})
	control, err := n.listenControl()
	if err != nil {
		return err
	}
	n.control = control
	if err := n.server.Start(); err != nil {
		control.close()
		return err
	}
	n.beginFollowing()
	n.log.Info("Ready to accept connections tcp", "port", cfg.Port, "run-id", n.runID)
	return nil
}

// listenAddrs turns bind and port into gnet's addresses.
func listenAddrs(cfg *conf.NodeConfig) []string {
	var out []string
	for _, host := range bindable(cfg) {
		out = append(out, "tcp://"+net.JoinHostPort(host, strconv.Itoa(cfg.Port)))
	}
	if cfg.UnixSocket != "" {
		out = append(out, "unix://"+cfg.UnixSocket)
	}
	return out
}

// bindable lists the hosts of bind without the optional ones that this machine
// does not have.
func bindable(cfg *conf.NodeConfig) []string {
	var out []string
	for _, a := range cfg.BindAddrs() {
		if a.Optional {
			ln, err := net.Listen("tcp", a.Join(0))
			if err != nil {
				continue
			}
			ln.Close()
		}
		out = append(out, a.Host)
	}
	return out
}

// Close ends everything the node started and gives its memory back.
func (n *Node) Close() error {
	n.halt()
	n.roles.Lock()
	defer n.roles.Unlock()
	n.stopLink()
	n.feeds.Close()
	if n.control != nil {
		n.control.close()
	}
	var err error
	if n.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = errors.Join(n.server.Stop(ctx), n.server.Wait())
	}
	n.tasks.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.store.Close()
	return err
}

// halt asks Run to end.
func (n *Node) halt() { n.stopOnce.Do(func() { close(n.stop) }) }

func (n *Node) cfg() *conf.NodeConfig { return n.settings.Config() }

// tick sets the time of what comes next.
func (n *Node) tick() {
	n.now = time.Now().UnixMilli()
	n.store.SetNow(n.now)
	n.x.Now, n.waker.Now, n.applier.Now = n.now, n.now, n.now
}

// accept makes the session of a new client.
func (n *Node) accept(c *netio.Conn) netio.Session {
	n.mu.Lock()
	defer n.mu.Unlock()
	cfg := n.cfg()
	n.stats.connections++
	if len(n.clients) >= cfg.MaxClients {
		n.stats.rejected++
		c.Write([]byte("-ERR max number of clients reached\r\n"))
		return nil
	}
	if cfg.ProtectedMode && cfg.RequirePass == "" && !local(c.RemoteAddr()) {
		n.stats.rejected++
		c.Write([]byte(protectedText))
		return nil
	}
	n.lastID++
	s := &session{
		node: n, conn: c, id: n.lastID, proto: 2, created: n.now, lastActive: n.now,
		addr: c.RemoteAddr().String(), localAddr: c.LocalAddr().String(),
	}
	s.parser.BulkLimit = int(cfg.ProtoMaxBulkLen)
	s.setAuthed(cfg.RequirePass == "")
	n.clients[s.id] = s
	return s
}

const protectedText = "-DENIED Holdfast is running in protected mode: no password is set, so only connections from this machine are accepted. " +
	"Set requirepass, or protected-mode no where the network is trusted.\r\n"

func local(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

func (n *Node) clientsByID() []*session {
	all := make([]*session, 0, len(n.clients))
	for id := int64(1); id <= n.lastID && len(all) < len(n.clients); id++ {
		if c := n.clients[id]; c != nil {
			all = append(all, c)
		}
	}
	return all
}

// confirmed is the offset up to which replies may leave.
func (n *Node) confirmed() uint64 { return n.confirm.Confirmed() }

// confirmedMore has every loop release what may leave now. Confirmations come
// in quick succession: while one release is on its way, no further is posted.
func (n *Node) confirmedMore() {
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
