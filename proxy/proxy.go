package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/backend/netio"
	"holdfast/conf"
	"holdfast/election/topology"
)

// Proxy gives clients one endpoint in front of a group.
type Proxy struct {
	cfg    *conf.ProxyConfig
	log    *slog.Logger
	policy readPolicy
	// eventual reads look at the age of a replica's state only.
	eventual bool
	// strong reads are the master's, which proves that it was the only one.
	strong bool
	// limitsOutput: ordinary clients have an output buffer limit.
	limitsOutput bool
	own          credentials // of the proxy itself
	clock        *clock
	watch        topology.Watch
	budget       budget

	inward  *tls.Config // of the TLS listener; nil without one
	outward *tls.Config // towards nodes and sentinels; nil: plain TCP

	server     *netio.Server
	maxClients int64 // maxclients, or what the limit of open files allows of it; 0: no bound
	clients    atomic.Int64
	nextID     atomic.Int64

	mu      sync.Mutex
	loops   []*loop
	trouble map[string]string // sentinel or node → why it cannot be reached; "": it can

	stop     chan struct{}
	stopOnce sync.Once
	done     sync.WaitGroup
	started  time.Time
}

// New makes a proxy that does not listen yet. cfg must not change afterwards.
func New(cfg *conf.ProxyConfig, log *slog.Logger) (*Proxy, error) {
	if log == nil {
		log = slog.Default()
	}
	policy, err := policyOf(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Master == "" && len(cfg.Sentinels) == 0 {
		return nil, errors.New("a proxy needs sentinels and group, or master")
	}
	p := &Proxy{
		cfg: cfg, log: log, policy: policy, eventual: cfg.Consistency == "eventual", strong: cfg.Consistency == "strong", clock: newClock(),
		limitsOutput: cfg.OutputLimits.Normal.Hard > 0 || cfg.OutputLimits.Normal.Soft > 0,
		trouble:      make(map[string]string),
		stop:         make(chan struct{}), started: time.Now(),
	}
	p.own = credentials{cfg.AuthUser, cfg.AuthPass}
	p.budget.maxBytes, p.budget.maxCommands = cfg.HoldMaxBytes, int64(cfg.HoldMaxCommands)
	if err := p.loadTLS(); err != nil {
		return nil, err
	}
	p.server = netio.NewServer(netio.Options{
		Addrs: listenAddrs(cfg), Loops: loopCount(cfg), Accept: p.accept,
		UnixPerm: os.FileMode(cfg.UnixPerm), KeepAlive: cfg.TCPKeepalive, Log: log, TLS: p.listenerTLS,
	})
	return p, nil
}

func policyOf(cfg *conf.ProxyConfig) (readPolicy, error) {
	if cfg.Consistency == "strong" {
		return readMaster, nil
	}
	switch cfg.ReadPolicy {
	case "", "prefer-replica":
		return readPrefer, nil
	case "master":
		return readMaster, nil
	case "replica":
		return readReplica, nil
	case "nearest":
		return readNearest, nil
	}
	return 0, fmt.Errorf("read-policy %q is not known", cfg.ReadPolicy)
}

// loopCount leaves the other half of the machine to the kernel's part of the
// work and to whoever else is on it.
func loopCount(cfg *conf.ProxyConfig) int {
	if cfg.EventLoops > 0 {
		return cfg.EventLoops
	}
	return max(1, runtime.NumCPU()/2)
}

func listenAddrs(cfg *conf.ProxyConfig) []string {
	var all []string
	for _, bind := range cfg.BindAddrs() {
		if bind.Optional && !canListen(bind.Join(0)) {
			continue
		}
		if cfg.Port != 0 {
			all = append(all, "tcp://"+bind.Join(cfg.Port))
		}
		if cfg.TLS.Port != 0 {
			all = append(all, "tls://"+bind.Join(cfg.TLS.Port))
		}
	}
	if cfg.UnixSocket != "" {
		all = append(all, "unix://"+cfg.UnixSocket)
	}
	return all
}

// canListen tells whether the machine has the address at all.
func canListen(addr string) bool {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	ln.Close()
	return true
}

// Start listens and returns once clients can connect.
func (p *Proxy) Start() error {
	if p.cfg.Master != "" {
		p.watch.Offer(staticTopology(p.cfg))
	}
	if err := p.fitClients(); err != nil {
		return err
	}
	p.spawn(func() { p.clock.run(p.stop) })
	p.spawn(p.spread)
	p.watchSentinels()
	p.spawn(p.poll)
	if err := p.server.Start(); err != nil {
		p.Close()
		return err
	}
	if err := p.startAdmin(); err != nil {
		p.Close()
		return err
	}
	p.log.Info("proxy ready", "addr", strings.Join(listenAddrs(p.cfg), " "))
	return nil
}

// Run starts the proxy and serves until ctx is done or the proxy cannot go on.
func (p *Proxy) Run(ctx context.Context) error {
	if err := p.Start(); err != nil {
		return err
	}
	return p.serve(ctx)
}

// serve waits until a proxy that has started is to end, and ends it.
func (p *Proxy) serve(ctx context.Context) error {
	select {
	case <-ctx.Done():
		p.drain()
		return p.Close()
	case <-p.server.Done():
		err := p.server.Wait()
		p.Close()
		return err
	}
}

// Close stops the proxy and waits for its goroutines.
func (p *Proxy) Close() error {
	var err error
	p.stopOnce.Do(func() {
		close(p.stop)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = p.server.Stop(ctx)
		p.done.Wait()
	})
	return err
}

// fitClients sees that there are descriptors for maxclients, and for the
// connections that clients have for themselves.
func (p *Proxy) fitClients() error {
	if p.cfg.MaxClients <= 0 {
		return nil
	}
	fit, err := netio.FitFileLimit(p.cfg.MaxClients, loopCount(p.cfg)*p.cfg.DedicatedMax, p.log)
	p.maxClients = int64(fit)
	return err
}

// spawn runs fn until Close, which waits for it.
func (p *Proxy) spawn(fn func()) {
	p.done.Add(1)
	go func() {
		defer p.done.Done()
		fn()
	}()
}

// accept makes the session of a new connection.
func (p *Proxy) accept(conn *netio.Conn) netio.Session {
	l, _ := conn.Loop().Local.(*loop)
	if l == nil {
		l = newLoop(p, conn.Loop())
		p.mu.Lock()
		p.loops = append(p.loops, l)
		p.mu.Unlock()
		l.setTopology(p.watch.Current()) // it may have changed before the loop was listed
	}
	if why := p.unwelcome(conn); why != nil {
		conn.Write(why)
		return nil
	}
	p.clients.Add(1)
	c := &client{l: l, conn: conn, born: p.clock.now()}
	c.id = p.nextID.Add(1)
	c.requests.BulkLimit = int(p.cfg.ProtoMaxBulkLen)
	c.begin()
	l.clients[c.id] = c
	l.stats.connections++
	return c
}

// unwelcome says why a connection is not accepted, nil when it is.
func (p *Proxy) unwelcome(conn *netio.Conn) []byte {
	if p.maxClients > 0 && p.clients.Load() >= p.maxClients {
		return errMaxOpen
	}
	if p.cfg.ProtectedMode && p.cfg.RequirePass == "" {
		if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
			return errProtected
		}
	}
	return nil
}

// spread tells every loop about each new topology.
func (p *Proxy) spread() {
	for {
		t, changed := p.watch.Next()
		if t != nil {
			p.eachLoop(func(l *loop) { l.setTopology(t) })
		}
		select {
		case <-changed:
		case <-p.stop:
			return
		}
	}
}

// eachLoop runs fn on every loop, some time soon.
func (p *Proxy) eachLoop(fn func(*loop)) {
	for _, l := range p.allLoops() {
		l.io.Post(func() { fn(l) })
	}
}

func (p *Proxy) allLoops() []*loop {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*loop(nil), p.loops...)
}
