package election

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"holdfast/backend/netio"
	"holdfast/conf"
	"holdfast/election/internal/consensus"
	"holdfast/election/topology"
)

// Sentinel is one sentinel. New makes it, Run runs it until its context ends,
// Close stops it.
type Sentinel struct {
	cfg      *conf.SentinelConfig                // as it was at the start
	settings *conf.Settings[conf.SentinelConfig] // as CONFIG SET has made it: the log's level, the announced address, the login at sentinels
	file     *file
	log      *slog.Logger
	network  *consensus.Network      // raft without sockets, where there is one
	wrap     func(proposer) proposer // stands between the loop and raft, where there is one

	secrets secrets

	id      string // among the raft members
	runID   string // what SENTINEL MYID answers; kept in dir
	started time.Time

	failure atomic.Uint32 // bits of SENTINEL SIMULATE-FAILURE

	events  *events
	machine *machine
	raft    *consensus.Node
	loop    *loop
	server  *server

	stopped  chan struct{} // closed by Close, or by SHUTDOWN
	stopOnce sync.Once
	ends     []func()
}

// New makes a sentinel of its configuration. It opens nothing; an error says
// what is wrong with the configuration.
func New(settings *conf.Settings[conf.SentinelConfig], log *slog.Logger) (*Sentinel, error) {
	cfg := settings.Config()
	s := &Sentinel{cfg: cfg, settings: settings, file: &file{path: settings.File()}, log: log, id: cfg.Raft.ID, started: time.Now(), stopped: make(chan struct{})}
	rc := s.raftConfig()
	if err := rc.Validate(); err != nil {
		return nil, err
	}
	return s, nil
}

// Start opens the ports and the log and begins to watch. After an error nothing
// is left open.
func (s *Sentinel) Start() error {
	if err := s.start(); err != nil {
		s.Close()
		return err
	}
	return nil
}

func (s *Sentinel) start() error {
	s.announce()
	err := s.loadTLS()
	if err != nil {
		return fmt.Errorf("sentinel: %w", err)
	}
	if s.runID, err = loadRunID(s.cfg.Dir); err != nil {
		return err
	}
	s.events = newEvents(s.log, s.runID)
	s.machine = newMachine(s.events)
	if s.server, err = listen(s); err != nil {
		return err
	}
	s.ends = append(s.ends, s.server.close)
	if s.raft, err = consensus.Open(s.raftConfig(), s.machine); err != nil {
		return netio.Advised(err)
	}
	s.ends = append(s.ends, func() {
		if err := s.raft.Close(); err != nil {
			s.log.Warn(err.Error())
		}
	})
	s.loop = newLoop(s)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.loop.run(ctx) }()
	s.ends = append(s.ends, func() { cancel(); <-done })
	s.server.serve()
	s.log.Info(fmt.Sprintf("Sentinel ID is %s", s.runID))
	return nil
}

// announce says in Redis's words what is starting.
func (s *Sentinel) announce() {
	s.log.Info("oO0OoO0OoO0Oo Holdfast is starting oO0OoO0OoO0Oo")
	s.log.Info(fmt.Sprintf("Redis version=%s, Holdfast version=%s, bits=%d, pid=%d, just started", conf.RedisVersion, conf.Version, strconv.IntSize, os.Getpid()))
	if s.file.path != "" {
		s.log.Info("Configuration loaded")
	}
	s.log.Info(fmt.Sprintf("Running mode=sentinel, port=%d.", s.cfg.Port))
}

// Run starts the sentinel and serves until ctx ends, Close, or SHUTDOWN. A
// leader hands its leadership over before it goes.
func (s *Sentinel) Run(ctx context.Context) error {
	if err := s.Start(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-s.stopped:
	}
	if err := s.raft.StepDown(); err != nil {
		s.log.Info("No other sentinel took over the lead: " + err.Error())
	}
	return s.Close()
}

// Close stops everything the sentinel started and returns when it has ended.
func (s *Sentinel) Close() error {
	s.shutdown()
	for i := len(s.ends) - 1; i >= 0; i-- {
		s.ends[i]()
	}
	s.ends = nil
	return nil
}

// shutdown ends Run.
func (s *Sentinel) shutdown() { s.stopOnce.Do(func() { close(s.stopped) }) }

// Addr is the address of the client port.
func (s *Sentinel) Addr() string { return s.server.addr() }

// Topology is the newest committed topology of a group as this sentinel has
// applied it, nil before the first.
func (s *Sentinel) Topology(group string) *topology.Topology { return s.machine.watch(group).Current() }

func (s *Sentinel) raftConfig() consensus.Config {
	r := s.cfg.Raft
	c := consensus.Config{
		ID: r.ID, Listen: r.Listen, Single: r.Single, Dir: s.cfg.Dir, Timeout: r.Timeout,
		Logger: s.log, Network: s.network, NoSync: s.network != nil,
	}
	for _, m := range r.Members {
		c.Members = append(c.Members, consensus.Member{ID: m.ID, Addr: m.Addr})
	}
	return c
}

// announced is the address at which clients and the other sentinels reach this
// one: announce-ip and announce-port, else the port it listens at on the host
// of its raft address, which the others are known to reach. Sentinels that use
// TLS among each other tell the port that speaks it.
func (s *Sentinel) announced() string {
	now := s.settings.Config()
	host, port := now.AnnounceIP, now.AnnouncePort
	if host == "" {
		host = s.raftHost()
	}
	if port == 0 {
		port = s.server.port()
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

func (s *Sentinel) raftHost() string {
	at := s.cfg.Raft.Advertise
	for _, m := range s.cfg.Raft.Members {
		if at == "" && m.ID == s.id {
			at = m.Addr
		}
	}
	host, _, err := net.SplitHostPort(at)
	if err != nil || host == "" {
		return "127.0.0.1"
	}
	return host
}

// loadRunID returns the id that this sentinel keeps over restarts, made at its
// first start.
func loadRunID(dir string) (string, error) {
	path := filepath.Join(dir, "sentinel-id")
	b, err := os.ReadFile(path)
	if id := strings.TrimSpace(string(b)); err == nil && len(id) == 40 {
		return id, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("sentinel: cannot read this sentinel's id: %w", err)
	}
	id := randomID()
	if err := conf.WriteAtomic(path, []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("sentinel: cannot keep this sentinel's id: %w", err)
	}
	return id, nil
}

// randomID is 40 hexadecimal digits, as Redis's run ids.
func randomID() string {
	var b [20]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
