package netio

import (
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/logging"
)

// Session is what a connection means to a face. It is called on the
// connection's loop only.
type Session interface {
	// Data gets all bytes received and not consumed yet and returns how many of
	// them it took. It is called again when more have come, or after Resume.
	// in is valid during the call only.
	Data(c *Conn, in []byte) (consumed int)
	// Closed is called once, after which the Conn must not be used. err is nil
	// when this side closed it and io.EOF when the peer did.
	Closed(c *Conn, err error)
}

// Options of a Server. Accept is required.
type Options struct {
	// Addrs are what to listen on at first: "tcp://127.0.0.1:6379", "tls://…",
	// "unix:///run/x.sock".
	Addrs []string
	// UnixPerm are the permissions of unix addresses; 0: as the umask says.
	UnixPerm fs.FileMode
	// TLS is asked for the configuration of every client that comes to a tls
	// address; nil refuses it.
	TLS func() *tls.Config
	// Loops is the number of event loops, at least 1.
	Loops int
	// Accept makes the session of a new client; nil refuses it, after whatever
	// Accept wrote to c has been sent.
	Accept func(c *Conn) Session
	// KeepAlive is the idle time before TCP keepalive probes; 0 turns them off.
	KeepAlive time.Duration
	// Log receives what gnet has to say; nil means slog.Default().
	Log *slog.Logger
}

// Server runs event loops and accepts clients on them.
type Server struct {
	opts   Options
	client *gnet.Client // the loops; it has no listeners, which gnet can neither open nor close while it runs
	done   chan struct{}
	*acceptors

	mu    sync.Mutex
	loops map[gnet.EventLoop]*Loop
	order []*Loop // the same, as they came
	next  int     // which of them gets the next client

	stopping atomic.Bool
	gnet.BuiltinEventEngine
}

// NewServer returns a server that does not listen yet.
func NewServer(opts Options) *Server {
	opts.Loops = max(opts.Loops, 1)
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	return &Server{
		opts:      opts,
		done:      make(chan struct{}),
		acceptors: newAcceptors(),
		loops:     make(map[gnet.EventLoop]*Loop),
	}
}

// Start listens and returns once clients can connect, or with the reason why
// they cannot: an address that is taken or does not exist.
func (s *Server) Start() error {
	client, err := gnet.NewClient(s,
		gnet.WithNumEventLoop(s.opts.Loops),
		gnet.WithLogLevel(logging.ErrorLevel),
		gnet.WithLogger(gnetLog{s.opts.Log}))
	if err == nil {
		err = client.Start()
	}
	if err != nil {
		close(s.done)
		return err
	}
	s.client = client
	if err := s.Listen(s.opts.Addrs); err != nil {
		_ = s.Stop(context.Background())
		return err
	}
	return nil
}

// Wait blocks until the server ended, by Stop or because it could not start.
func (s *Server) Wait() error {
	<-s.done
	return nil
}

// Done is closed when the server ended.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop closes the listeners and all connections; it waits for the loops to end
// until ctx is done.
func (s *Server) Stop(ctx context.Context) error {
	if s.stopping.Swap(true) || s.client == nil {
		return nil
	}
	s.mu.Lock()
	closePorts(s.ports, nil)
	s.ports = nil
	s.mu.Unlock()
	s.end()
	go func() {
		defer close(s.done)
		// The loops have to run while an acceptor waits for one of them.
		s.accepting.Wait()
		if err := s.client.Stop(); err != nil {
			s.opts.Log.Warn("Stopping the event loops: " + err.Error())
		}
	}()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// OnOpen is gnet's: a client came in, or a dialled connection arrived.
func (s *Server) OnOpen(g gnet.Conn) ([]byte, gnet.Action) {
	l := s.loop(g)
	l.poller.watch(g)
	l.enter()
	defer l.leave()
	came := g.Context()
	if d, ok := came.(*dialled); ok {
		d.opened(l, g)
		return nil, gnet.None
	}
	c := newConn(l, g)
	a, _ := came.(*arrival)
	if a != nil {
		c.secret = a.secret
	}
	if c.session = s.opts.Accept(c); c.session == nil {
		c.session = refused{}
		c.CloseAfterWrite()
	}
	if a != nil {
		c.arrived(nil) // what came behind the handshake
	}
	return nil, gnet.None
}

// OnTraffic is gnet's: bytes arrived.
func (s *Server) OnTraffic(g gnet.Conn) gnet.Action {
	c, ok := g.Context().(*Conn)
	if !ok { // a dialled connection that nobody waits for any more
		return gnet.Close
	}
	c.loop.enter()
	defer c.loop.leave()
	in, _ := g.Peek(-1)
	c.arrived(in)
	if !c.closed {
		_, _ = g.Discard(-1)
	}
	return gnet.None
}

// OnClose is gnet's: the connection is going away.
func (s *Server) OnClose(g gnet.Conn, err error) gnet.Action {
	s.loop(g).poller.forget(g.Fd())
	if c, ok := g.Context().(*Conn); ok {
		c.loop.enter()
		defer c.loop.leave()
		c.goneAway(err)
	}
	return gnet.None
}

// loop returns the Loop of a connection. gnet has no list of its loops, so a
// Loop comes into being with its first connection.
func (s *Server) loop(g gnet.Conn) *Loop {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.loops[g.EventLoop()]
	if l == nil {
		l = newLoop(g)
		s.loops[g.EventLoop()] = l
		s.order = append(s.order, l)
	}
	return l
}

// Loops returns the loops that have had a connection so far. It is safe on any
// goroutine.
func (s *Server) Loops() []*Loop {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.order)
}

// nextLoop is whose turn it is to get a client; nil until all loops have had one.
func (s *Server) nextLoop() *Loop {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) < s.opts.Loops {
		return nil
	}
	s.next++
	return s.order[s.next%len(s.order)]
}

// refused is the session of a client that Accept did not take.
type refused struct{}

func (refused) Data(_ *Conn, in []byte) int { return len(in) }
func (refused) Closed(*Conn, error)         {}

// gnetLog passes gnet's log to slog.
type gnetLog struct{ *slog.Logger }

func (l gnetLog) Debugf(f string, a ...any) { l.Debug(fmt.Sprintf(f, a...)) }
func (l gnetLog) Infof(f string, a ...any)  { l.Debug(fmt.Sprintf(f, a...)) }
func (l gnetLog) Warnf(f string, a ...any)  { l.Warn(fmt.Sprintf(f, a...)) }
func (l gnetLog) Errorf(f string, a ...any) { l.Error(fmt.Sprintf(f, a...)) }
func (l gnetLog) Fatalf(f string, a ...any) { l.Error(fmt.Sprintf(f, a...)) }
