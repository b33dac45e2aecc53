package backend

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast/backend/acl"
	"holdfast/backend/command"
	"holdfast/backend/internal/repl"
	"holdfast/backend/internal/script"
	"holdfast/backend/netio"
	"holdfast/backend/resp"
)

// control is the port that sentinels talk to. It is served by goroutines and
// takes the engine lock only for commands that change something, so that a
// node busy with a long command still answers its probes.
type control struct {
	node   *Node
	lns    []net.Listener
	failed chan error
	wg     sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil after close
}

const (
	controlIdle    = 10 * time.Minute // a silent connection is closed
	controlAlive   = 15 * time.Second // between keepalive probes
	controlWrite   = 5 * time.Second
	controlShake   = 5 * time.Second // for a handshake of TLS
	controlBuffer  = 64 << 10        // no request is larger
	controlClients = 256
)

// listenControl opens the control port on every address that clients use.
func (n *Node) listenControl() (*control, error) {
	cfg := n.cfg()
	c := &control{node: n, failed: make(chan error, 1), conns: make(map[net.Conn]struct{})}
	port := cfg.EffectiveControlPort()
	if port > 65535 {
		return nil, fmt.Errorf("control-port would be %d (port %d + 10000): set control-port to a free port below 65536", port, cfg.Port)
	}
	for _, host := range bindable(cfg) {
		ln, err := netio.ListenTCP(net.JoinHostPort(host, strconv.Itoa(port)), controlAlive)
		if err != nil {
			c.close()
			return nil, fmt.Errorf("cannot listen on the control port, which control-port chooses: %w", err)
		}
		c.lns = append(c.lns, ln)
	}
	return c, nil
}

// start begins to serve.
func (c *control) start() {
	for _, ln := range c.lns {
		c.wg.Add(1)
		go c.accept(ln)
	}
}

func (c *control) port() int {
	if len(c.lns) == 0 {
		return 0
	}
	return c.lns[0].Addr().(*net.TCPAddr).Port
}

func (c *control) accept(ln net.Listener) {
	defer c.wg.Done()
	for {
		conn, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors: others may free some
			continue
		}
		c.mu.Lock()
		if c.conns == nil || len(c.conns) >= controlClients || c.node.protected(conn.RemoteAddr()) {
			conn.Close()
		} else {
			c.conns[conn] = struct{}{}
			c.wg.Add(1)
			go c.serve(conn)
		}
		c.mu.Unlock()
	}
}

func (c *control) close() {
	for _, ln := range c.lns {
		ln.Close()
	}
	c.mu.Lock()
	for conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
	c.mu.Unlock()
	c.wg.Wait()
}

// serve answers one connection until it ends.
func (c *control) serve(conn net.Conn) {
	defer c.wg.Done()
	defer func() {
		conn.Close()
		c.mu.Lock()
		delete(c.conns, conn)
		c.mu.Unlock()
	}()
	if cfg := c.node.controlTLS(); cfg != nil {
		_ = conn.SetDeadline(time.Now().Add(controlShake))
		secret := tls.Server(conn, cfg)
		if err := secret.Handshake(); err != nil {
			c.node.log.Info("Error accepting a connection to the control port: "+err.Error(), "addr", conn.RemoteAddr().String())
			return
		}
		c.talk(secret)
		return
	}
	c.talk(conn)
}

// talk answers requests until the peer, its silence or an error ends it.
func (c *control) talk(conn net.Conn) {
	s := controlSession{node: c.node, addr: conn.RemoteAddr().String(), user: c.node.users.Default(), authed: c.node.users.Open()}
	buf := make([]byte, 0, 4096)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(controlIdle))
		if len(buf) == cap(buf) {
			if len(buf) >= controlBuffer {
				return
			}
			buf = append(buf, 0)[:len(buf)]
		}
		got, err := conn.Read(buf[len(buf):cap(buf)])
		if err != nil {
			return
		}
		buf = buf[:len(buf)+got]
		took, out, err := s.answer(buf)
		_ = conn.SetWriteDeadline(time.Now().Add(controlWrite))
		if _, werr := conn.Write(out); err != nil || werr != nil {
			return
		}
		buf = buf[:copy(buf, buf[took:])]
	}
}

// controlSession is one connection to the control port.
type controlSession struct {
	node   *Node
	parser resp.Requests
	addr   string
	user   *acl.User
	authed bool
	out    []byte
}

func (s *controlSession) answer(in []byte) (took int, out []byte, err error) {
	s.out = s.out[:0]
	for {
		args, size, err := s.parser.Next(in[took:])
		if err != nil {
			return took, resp.AppendError(s.out, "ERR "+err.Error()), err
		}
		if size == 0 {
			return took, s.out, nil
		}
		took += size
		if len(args) > 0 {
			s.dispatch(args)
		}
	}
}

func (s *controlSession) dispatch(args [][]byte) {
	name := strings.ToLower(string(args[0]))
	switch {
	case name == "auth" && len(args) <= 3 && len(args) > 1:
		name := []byte(acl.DefaultName)
		if len(args) == 3 {
			name = args[1]
		}
		user := s.node.users.Login(name, args[len(args)-1])
		if user == nil {
			s.noteFailedLogin(args[0], name)
			s.fail(wrongPass)
			return
		}
		s.user, s.authed = user, true
		s.out = resp.AppendSimple(s.out, "OK")
	case !s.authed && !s.node.users.Open():
		s.fail(noAuth)
	case !s.allowed(args):
		s.fail("NOPERM User " + s.user.Name() + " has no permissions to run the '" + name + "' command")
	case name == "ping":
		s.out = resp.AppendSimple(s.out, "PONG")
	case name == "info":
		if n := s.node; n.mu.TryLock() {
			n.takeFiguresFor(args[1:])
			n.mu.Unlock()
		}
		s.out = resp.AppendBulkString(s.out, s.node.info(args[1:]))
	case name == "script" && len(args) == 2 && strings.EqualFold(string(args[1]), "kill"):
		// Here it works at once, on the data port past busy-reply-threshold.
		if problem := s.node.scripts.Kill(script.AnyKind); problem != "" {
			s.fail(problem)
			return
		}
		s.out = resp.AppendSimple(s.out, "OK")
	case name == "holdfast" && len(args) > 1:
		s.holdfast(strings.ToLower(string(args[1])), texts(args[2:]))
	default:
		s.fail("ERR unknown command '" + clip(args[0]) + "' on the control port: it serves PING, INFO, AUTH, SCRIPT KILL and HOLDFAST")
	}
}

// allowed tells whether the user may run a command of the control port. None of
// them names keys or channels.
func (s *controlSession) allowed(args [][]byte) bool {
	c := command.Find(args)
	return c == nil || s.user.Check(c, args).OK()
}

func texts(args [][]byte) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = string(a)
	}
	return out
}

func (s *controlSession) fail(text string) { s.out = resp.AppendError(s.out, text) }

// arity of the native commands behind their own name; negative: at least.
var controlArity = map[string]int{
	"hello": -1, "probe": -4, "seal": 2, "promote": -5, "follow": 4, "drain": 2, "holders": -4,
}

// holdfast carries out one native command; package documentation has them all.
func (s *controlSession) holdfast(name string, args []string) {
	want, known := controlArity[name]
	switch {
	case !known:
		s.fail("ERR unknown subcommand '" + name + "' of HOLDFAST on the control port")
		return
	case len(args) != want && (want >= 0 || len(args) < -want):
		s.fail("ERR wrong number of arguments for 'holdfast|" + name + "' command")
		return
	}
	if name == "hello" {
		s.out = s.node.appendHello(s.out)
		return
	}
	epoch, numbers, err := controlNumbers(name, args)
	if err != nil {
		s.fail("ERR " + err.Error())
		return
	}
	if err := s.obey(name, args, epoch, numbers); err != nil {
		s.fail(err.Error())
	}
}

// controlNumbers reads the integers of a native command: its epoch and, where
// it has them, the holders' version and count.
func controlNumbers(name string, args []string) (epoch uint64, holders [2]uint64, err error) {
	places := map[string][]int{"probe": {2, 3}, "seal": {1}, "promote": {1, 3, 4}, "follow": {1}, "drain": {1}, "holders": {1, 2, 3}}[name]
	var values [3]uint64
	for i, place := range places {
		if values[i], err = strconv.ParseUint(args[place], 10, 63); err != nil {
			return 0, holders, fmt.Errorf("HOLDFAST %s: %q is not a number", strings.ToUpper(name), args[place])
		}
	}
	return values[0], [2]uint64{values[1], values[2]}, nil
}

func (s *controlSession) obey(name string, args []string, epoch uint64, holders [2]uint64) error {
	n, group := s.node, args[0]
	h := repl.Holders{Version: holders[0], N: int(holders[1])}
	if name == "probe" {
		return s.probe(group, epoch, holders[0], args[4:])
	}
	if n.loading.Load() {
		if name == "seal" && epoch > n.seen.Load().Epoch {
			n.stayPut()
		}
		// Where its data stands is not known yet, and must not pass for nowhere.
		return errLoading
	}
	var err error
	switch name {
	case "seal":
		var at position
		if at, err = n.seal(group, epoch); err == nil {
			s.out = n.appendPosition(s.out, at)
		}
		return err
	case "promote":
		h.Members = args[5:]
		err = n.promote(group, epoch, args[2], h)
	case "follow":
		err = n.follow(group, epoch, args[2], args[3])
	case "drain":
		var offset uint64
		if offset, err = n.drain(group, epoch); err == nil {
			s.out = resp.AppendInt(s.out, int64(offset))
		}
		return err
	case "holders":
		h.Members = args[4:]
		err = n.changeHolders(group, epoch, h)
	}
	if err == nil {
		s.out = resp.AppendSimple(s.out, "OK")
	}
	return err
}
