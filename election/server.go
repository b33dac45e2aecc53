package election

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"holdfast/backend/netio"
	"holdfast/backend/resp"
)

// server is the client port. A goroutine serves each connection: a sentinel has
// few clients, and they ask seldom.
type server struct {
	s      *Sentinel
	lns    []net.Listener
	plain  int // the port without TLS; 0: none
	nextID atomic.Int64
	tally  tally
	wg     sync.WaitGroup

	mu    sync.Mutex
	conns map[*conn]struct{} // nil after close
}

// tally counts since the start what INFO tells of.
type tally struct {
	connections, rejected, commands, errors, reads, writes, in, out atomic.Int64
}

// Bounds of the client port.
const (
	shakeWait   = 5 * time.Second // for a handshake of TLS
	writeWait   = 5 * time.Second // for a client that does not read
	eventQueue  = 1024            // events a subscriber may be behind; more closes it
	maxRequest  = 1 << 20         // bytes of one request
	acceptPause = 10 * time.Millisecond
)

// listen opens the client port on every configured address.
func listen(s *Sentinel) (*server, error) {
	v := &server{s: s, conns: map[*conn]struct{}{}}
	if err := v.open(); err != nil {
		v.close()
		return nil, fmt.Errorf("sentinel: %w", err)
	}
	return v, nil
}

func (v *server) open() error {
	cfg := v.s.cfg
	if cfg.Port != 0 || cfg.TLS.Port == 0 {
		if err := v.openTCP(cfg.Port, nil); err != nil {
			return err
		}
		v.plain = portOf(v.lns[0])
	}
	if cfg.TLS.Port != 0 {
		if err := v.openTCP(cfg.TLS.Port, v.s.secrets.inward); err != nil {
			return err
		}
	}
	if cfg.UnixSocket == "" {
		return nil
	}
	ln, err := netio.ListenUnix(cfg.UnixSocket, os.FileMode(cfg.UnixPerm))
	if err != nil {
		return fmt.Errorf("cannot listen at %s: %w", cfg.UnixSocket, err)
	}
	v.lns = append(v.lns, ln)
	return nil
}

// openTCP listens at a port of every address of bind, with TLS unless secret is nil.
func (v *server) openTCP(port int, secret *tls.Config) error {
	cfg, before := v.s.cfg, len(v.lns)
	for _, b := range cfg.BindAddrs() {
		ln, err := netio.ListenTCP(b.Join(port), cfg.TCPKeepalive)
		if err != nil && b.Optional && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)) {
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot listen at %s: %w", b.Join(port), err)
		}
		if port == 0 { // the same free port on the other addresses
			port = portOf(ln)
		}
		if secret != nil {
			ln = tls.NewListener(ln, secret)
		}
		v.lns = append(v.lns, ln)
	}
	if len(v.lns) == before {
		return errors.New("no address to listen at: set bind to an address of this machine")
	}
	return nil
}

func portOf(ln net.Listener) int { return ln.Addr().(*net.TCPAddr).Port }

func (v *server) addr() string { return v.lns[0].Addr().String() }

// listeners names what the server listens at, in INFO's form.
func (v *server) listeners() (all []string) {
	cfg := v.s.cfg
	var bind []string
	for _, b := range cfg.BindAddrs() {
		bind = append(bind, b.Host)
	}
	if v.plain != 0 {
		all = append(all, fmt.Sprintf("name=tcp,bind=%s,port=%d", strings.Join(bind, ",bind="), v.plain))
	}
	if cfg.UnixSocket != "" {
		all = append(all, "name=unix,bind="+cfg.UnixSocket)
	}
	if cfg.TLS.Port != 0 {
		all = append(all, fmt.Sprintf("name=tls,bind=%s,port=%d", strings.Join(bind, ",bind="), cfg.TLS.Port))
	}
	return all
}

// port is where others reach this sentinel: by TLS where the sentinels use that
// among each other, and where nothing else is open.
func (v *server) port() int {
	if cfg := v.s.cfg; cfg.TLS.Port != 0 && (cfg.TLS.Outgoing || v.plain == 0) {
		return cfg.TLS.Port
	}
	return v.plain
}

func (v *server) serve() {
	for _, ln := range v.lns {
		v.wg.Add(1)
		go func() { defer v.wg.Done(); v.accept(ln) }()
	}
}

func (v *server) accept(ln net.Listener) {
	for {
		nc, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(acceptPause) // out of descriptors: others may free some
			continue
		}
		c := &conn{server: v, nc: nc, id: v.nextID.Add(1), proto: 2, authed: v.s.cfg.RequirePass == "", since: time.Now()}
		v.tally.connections.Add(1)
		if refused := v.admit(c); refused != "" {
			nc.SetWriteDeadline(time.Now().Add(acceptPause))
			nc.Write(resp.AppendError(nil, refused))
			nc.Close()
			continue
		}
		go func() { defer v.wg.Done(); c.serve() }()
	}
}

// admit takes a client in, or says why not, in Redis's words.
func (v *server) admit(c *conn) (refused string) {
	cfg := v.s.cfg
	if cfg.ProtectedMode && cfg.RequirePass == "" && !isLoopback(c.nc.RemoteAddr()) {
		return "DENIED Holdfast is running in protected mode because protected mode is enabled and no password is set for the default user. " +
			"Connect from the loopback interface, set requirepass, or set protected-mode no"
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.conns == nil {
		return "ERR the sentinel is shutting down"
	}
	if len(v.conns) >= cfg.MaxClients {
		v.tally.rejected.Add(1)
		return "ERR max number of clients reached"
	}
	v.conns[c] = struct{}{}
	v.wg.Add(1)
	return ""
}

func isLoopback(a net.Addr) bool {
	t, isTCP := a.(*net.TCPAddr)
	return !isTCP || t.IP.IsLoopback() // a Unix socket is of this machine
}

func (v *server) forget(c *conn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.conns, c)
}

func (v *server) clients() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.conns)
}

// all are the connections, oldest first.
func (v *server) all() []*conn {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.SortedFunc(maps.Keys(v.conns), func(a, b *conn) int { return cmp.Compare(a.id, b.id) })
}

// subscriptions counts the different channels and patterns that clients are
// subscribed to.
func (v *server) subscriptions() (channels, patterns int) {
	names := [2]map[string]bool{{}, {}}
	for _, c := range v.all() {
		c.subs.Lock()
		maps.Copy(names[0], c.channels)
		maps.Copy(names[1], c.patterns)
		c.subs.Unlock()
	}
	return len(names[0]), len(names[1])
}

// close stops accepting, closes every connection and waits for their goroutines.
func (v *server) close() {
	for _, ln := range v.lns {
		ln.Close()
	}
	v.mu.Lock()
	for c := range v.conns {
		c.nc.Close()
	}
	v.conns = nil
	v.mu.Unlock()
	v.wg.Wait()
}
