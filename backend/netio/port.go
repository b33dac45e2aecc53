package netio

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/panjf2000/gnet/v2"
)

// port is one address that is listened at.
type port struct {
	net.Listener
	tls bool
}

// Listen makes the server listen at exactly addrs: what is new is opened, and
// once all of that could be, what is not named any more is closed; before, where it
// stands in the way, as every address does in that of one of them. Connections stay.
// With an error, which names the address, nothing has changed. It is safe on any
// goroutine.
func (s *Server) Listen(addrs []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return net.ErrClosed
	}
	next, err := s.openAll(addrs)
	if errors.Is(err, syscall.EADDRINUSE) {
		before := maps.Clone(s.ports)
		s.closeOthers(addrs)
		if next, err = s.openAll(addrs); err != nil {
			s.reopen(before)
		}
	}
	if err != nil {
		return err
	}
	closePorts(s.ports, next)
	for addr, p := range next {
		s.begin(addr, p)
	}
	s.ports = next
	return nil
}

// begin has the clients of a port that is new brought to the loops.
func (s *Server) begin(addr string, p *port) {
	if s.ports[addr] != p {
		s.accepting.Go(func() { s.accept(p) })
	}
}

// openAll opens those of addrs that are not open, or none of them.
func (s *Server) openAll(addrs []string) (map[string]*port, error) {
	next := make(map[string]*port, len(addrs))
	for _, addr := range addrs {
		p := s.ports[addr]
		if p == nil {
			var err error
			if p, err = s.open(addr); err != nil {
				closePorts(next, s.ports)
				return nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
			}
		}
		next[addr] = p
	}
	return next, nil
}

// closeOthers closes what addrs do not name.
func (s *Server) closeOthers(addrs []string) {
	for addr, p := range s.ports {
		if !slices.Contains(addrs, addr) {
			p.Close()
			delete(s.ports, addr)
		}
	}
}

// reopen opens again what closeOthers has closed.
func (s *Server) reopen(before map[string]*port) {
	for addr := range before {
		if s.ports[addr] != nil {
			continue
		}
		p, err := s.open(addr)
		if err != nil {
			s.opts.Log.Warn("Not listening any more on " + addr + ": " + err.Error())
			continue
		}
		s.begin(addr, p)
		s.ports[addr] = p
	}
}

// closePorts closes what is in old and not in kept.
func closePorts(old, kept map[string]*port) {
	for addr, p := range old {
		if kept[addr] != p {
			p.Close()
		}
	}
}

// open listens at an address such as tcp://127.0.0.1:6379, tls://[::1]:6379 or
// unix:///run/x.sock; a socket that stands at that path is replaced.
func (s *Server) open(addr string) (*port, error) {
	scheme, at, _ := strings.Cut(addr, "://")
	if scheme == "unix" {
		ln, err := ListenUnix(at, s.opts.UnixPerm)
		return &port{Listener: ln}, err
	}
	ln, err := ListenTCP(at, s.opts.KeepAlive)
	return &port{Listener: ln, tls: scheme == "tls"}, err
}

// ListenTCP listens at host:port. An IPv4 or IPv6 address, all zeros too, means
// that family alone, as Redis's bind does. keepAlive is the idle time before
// probes, which then come three times as often; 0 turns them off. An error says
// what to do about it.
func ListenTCP(at string, keepAlive time.Duration) (net.Listener, error) {
	network := "tcp"
	if host, _, err := net.SplitHostPort(at); err == nil {
		if ip := net.ParseIP(host); ip != nil {
			network = "tcp6"
			if ip.To4() != nil {
				network = "tcp4"
			}
		}
	}
	cfg := net.ListenConfig{
		KeepAlive:       -1,
		KeepAliveConfig: net.KeepAliveConfig{Enable: keepAlive > 0, Idle: keepAlive, Interval: max(keepAlive/3, time.Second), Count: 3},
	}
	ln, err := cfg.Listen(context.Background(), network, at)
	return ln, Advised(err)
}

// Advised adds to an error of listening what to do about it.
func Advised(err error) error {
	advice := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		advice = "stop what listens there or choose another port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		advice = "this machine does not have that address: change bind"
	case errors.Is(err, syscall.EACCES):
		advice = "this user may not: choose a port above 1023, or another path"
	default:
		return err
	}
	return fmt.Errorf("%w; %s", err, advice)
}

// accept brings the clients of one port to the loops until the port is closed.
func (s *Server) accept(p *port) {
	var under arrivals
	defer under.await(0) // the loops still run: Stop waits for us
	for {
		conn, err := p.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			// Out of descriptors: others may free some. Waiting clients stay in
			// the kernel's queue.
			s.opts.Log.Warn("Error accepting a client connection: " + err.Error())
			time.Sleep(10 * time.Millisecond)
		case p.tls:
			s.greet(conn)
		default:
			s.bring(conn, &under)
		}
	}
}

// bring hands a client to a loop. To wait each time until the loop has it would
// take a process that opens many connections, and uses the first ones at once, a
// turn of the loop and of the scheduler for each of the others.
func (s *Server) bring(conn net.Conn, under *arrivals) {
	l := s.nextLoop()
	if l == nil { // some do not exist yet: gnet makes them, one by one
		_, _ = s.client.Enroll(conn) // it closes what it cannot take
		return
	}
	done, err := l.gnet.Enroll(context.Background(), conn)
	if err != nil {
		conn.Close()
		return
	}
	*under = append(*under, done)
	under.await(arriving - 1)
}

// arriving bounds the clients of one port that are on their way to a loop.
const arriving = 64

// arrivals are clients on their way to a loop, in order.
type arrivals []<-chan gnet.RegisteredResult

// await blocks until at most so many are on their way.
func (a *arrivals) await(most int) {
	for len(*a) > most {
		<-(*a)[0]
		*a = append((*a)[:0], (*a)[1:]...)
	}
}

// Bounds of TLS handshakes, which cost a client nothing to begin and us a lot.
// Clients that begin one and say nothing must not keep the others out: once half
// of the places are taken, a handshake has to be done sooner.
const (
	handshakes    = 512 // under way at once; further clients wait in the kernel's queue
	handshakeTime = 10 * time.Second
	hurriedTime   = 2 * time.Second
)

// greet shakes hands with a TLS client on a goroutine and brings it to a loop.
func (s *Server) greet(conn net.Conn) {
	s.shaking <- struct{}{}
	most := handshakeTime
	if len(s.shaking) > handshakes/2 {
		most = hurriedTime
	}
	s.accepting.Go(func() {
		defer func() { <-s.shaking }()
		err := errNoTLS
		var secret *secret
		if cfg := s.opts.TLS(); cfg != nil {
			life, cancel := context.WithTimeout(s.life, most)
			defer cancel()
			secret, err = shake(life, conn, func(c net.Conn) *tls.Conn { return tls.Server(c, cfg) })
		}
		if err != nil {
			s.opts.Log.Info("Error accepting a client connection: "+err.Error(), "addr", conn.RemoteAddr().String())
			conn.Close()
			return
		}
		_, _ = s.client.EnrollContext(conn, &arrival{secret})
	})
}

var errNoTLS = errors.New("no TLS configuration")

// arrival carries what the handshake left to OnOpen.
type arrival struct{ secret *secret }

// acceptors are what brings clients to a Server's loops.
type acceptors struct {
	ports     map[string]*port // by address; guarded by Server.mu
	accepting sync.WaitGroup
	shaking   chan struct{}   // one for every handshake under way
	life      context.Context // ended by Stop
	end       context.CancelFunc
}

func newAcceptors() *acceptors {
	a := &acceptors{shaking: make(chan struct{}, handshakes)}
	a.life, a.end = context.WithCancel(context.Background())
	return a
}
