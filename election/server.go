package election

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"holdfast/backend/resp"
)

// server is the client port. A goroutine serves each connection: a sentinel has
// few clients, and they ask seldom.
type server struct {
	s      *Sentinel
	lns    []net.Listener
	nextID atomic.Int64
	wg     sync.WaitGroup

	mu    sync.Mutex
	conns map[*conn]struct{} // nil after close
}

// Bounds of the client port.
const (
	writeWait   = 5 * time.Second // for a client that does not read
	eventQueue  = 1024            // events a subscriber may be behind; more closes it
	maxRequest  = 1 << 20         // bytes of one request
	acceptPause = 10 * time.Millisecond
)

// listen opens the client port on every configured address.
func listen(s *Sentinel) (*server, error) {
	v := &server{s: s, conns: map[*conn]struct{}{}}
	port := s.cfg.Port
	for _, b := range s.cfg.BindAddrs() {
		ln, err := net.Listen("tcp", b.Join(port))
		if err != nil && b.Optional && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)) {
			continue
		}
		if err != nil {
			v.close()
			return nil, fmt.Errorf("sentinel: cannot listen at %s: %w", b.Join(port), err)
		}
		v.lns = append(v.lns, ln)
		if port == 0 { // the same free port on the other addresses
			port = ln.Addr().(*net.TCPAddr).Port
		}
	}
	if len(v.lns) == 0 {
		return nil, errors.New("sentinel: no address to listen at: set bind to an address of this machine")
	}
	return v, nil
}

func (v *server) addr() string { return v.lns[0].Addr().String() }

func (v *server) port() string { return strconv.Itoa(v.lns[0].Addr().(*net.TCPAddr).Port) }

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
		return "ERR max number of clients reached"
	}
	v.conns[c] = struct{}{}
	v.wg.Add(1)
	return ""
}

func isLoopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
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
