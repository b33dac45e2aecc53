package netio

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
)

const patience = time.Minute

// lines is a session that answers every line with the same line, and obeys a
// few of them.
type lines struct {
	on     map[string]func(c *Conn)
	closed chan error
}

func (s *lines) Data(c *Conn, in []byte) int {
	took := 0
	for {
		end := bytes.IndexByte(in[took:], '\n')
		if end < 0 || c.Paused() {
			return took
		}
		line := string(in[took : took+end])
		took += end + 1
		if do := s.on[line]; do != nil {
			do(c)
			continue
		}
		c.Write([]byte(line + "\n"))
	}
}

func (s *lines) Closed(_ *Conn, err error) {
	if s.closed != nil {
		s.closed <- err
	}
}

func serve(t *testing.T, accept func(c *Conn) Session) (addr string) {
	t.Helper()
	addr = freeport.Addr(t)
	start(t, Options{Addrs: []string{"tcp://" + addr}, Accept: accept})
	return addr
}

func dial(t *testing.T, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c, bufio.NewReader(c)
}

func expect(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	got, err := r.ReadString('\n')
	if err != nil || strings.TrimSpace(got) != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

func TestFramesArriveInPieces(t *testing.T) {
	addr := serve(t, func(*Conn) Session { return &lines{} })
	c, r := dial(t, addr)
	for _, piece := range []string{"a", "b", "c\nde", "f\ng", "\n"} {
		fmt.Fprint(c, piece)
	}
	for _, want := range []string{"abc", "def", "g"} {
		expect(t, r, want)
	}
}

func TestPause(t *testing.T) {
	var paused *Conn
	ready := make(chan *Loop, 1)
	addr := serve(t, func(*Conn) Session {
		return &lines{on: map[string]func(*Conn){"stop": func(c *Conn) {
			paused = c
			c.Pause()
			ready <- c.Loop()
		}}}
	})
	c, r := dial(t, addr)
	fmt.Fprint(c, "one\nstop\ntwo\n")
	expect(t, r, "one")
	loop := <-ready
	// More than socket buffers hold: the writer must get stuck.
	_ = c.SetWriteDeadline(time.Now().Add(time.Second))
	big := strings.Repeat("x", 1<<20) + "\n"
	sent := 0
	for range 64 {
		n, err := io.WriteString(c, big)
		sent += n
		if err != nil {
			break
		}
	}
	if sent == 64*len(big) {
		t.Fatal("a paused connection took 64 MiB")
	}
	loop.Post(func() { paused.Resume() })
	expect(t, r, "two")
}

func TestManyClientsAtOnce(t *testing.T) {
	const clients, loops = 300, 2
	var mu sync.Mutex
	served := map[*Loop]int{}
	addr := freeport.Addr(t)
	start(t, Options{Addrs: []string{"tcp://" + addr}, Loops: loops, Accept: func(c *Conn) Session {
		mu.Lock()
		defer mu.Unlock()
		served[c.Loop()]++
		return &lines{}
	}})
	var all []*bufio.Reader
	for i := range clients {
		c, r := dial(t, addr)
		fmt.Fprintf(c, "client %d\n", i)
		all = append(all, r)
	}
	for i, r := range all {
		expect(t, r, fmt.Sprintf("client %d", i))
	}
	mu.Lock()
	defer mu.Unlock()
	for _, n := range served {
		if len(served) != loops || n < clients/loops-1 || n > clients/loops+1 {
			t.Errorf("%d loops, one with %d of %d clients", len(served), n, clients)
		}
	}
}

func TestTimersRunInOrderAndStop(t *testing.T) {
	addr := serve(t, func(*Conn) Session {
		return &lines{on: map[string]func(*Conn){"go": func(c *Conn) {
			say := func(s string) func() { return func() { c.Write([]byte(s + "\n")) } }
			c.Loop().After(30*time.Millisecond, say("second"))
			gone := c.Loop().After(10*time.Millisecond, say("never"))
			c.Loop().After(20*time.Millisecond, say("first"))
			if !gone.Stop() || gone.Stop() {
				say("stop is broken")()
			}
		}}}
	})
	c, r := dial(t, addr)
	fmt.Fprint(c, "go\n")
	expect(t, r, "first")
	expect(t, r, "second")
}

func TestPostWakesTheLoop(t *testing.T) {
	got := make(chan *Conn, 1)
	addr := serve(t, func(c *Conn) Session { got <- c; return &lines{} })
	_, r := dial(t, addr)
	conn := <-got
	for i := range 100 {
		conn.Loop().Post(func() { fmt.Fprintf(writer{conn}, "%d\n", i) })
	}
	for i := range 100 {
		expect(t, r, fmt.Sprint(i))
	}
}

type writer struct{ *Conn }

func (w writer) Write(p []byte) (int, error) { w.Conn.Write(p); return len(p), nil }

func TestDialOntoTheSameLoop(t *testing.T) {
	back := serve(t, func(*Conn) Session { return &lines{} })
	front := serve(t, func(c *Conn) Session {
		return &lines{on: map[string]func(*Conn){
			"up": func(c *Conn) {
				c.Loop().Dial(back, DialOptions{Timeout: patience}, func(up *Conn, err error) Session {
					if err != nil || up.Loop() != c.Loop() {
						c.Write([]byte("wrong\n"))
						return nil
					}
					up.SetStrict()
					up.SetBufLater(append(up.Buf(), "hello\n"...))
					return &lines{on: map[string]func(*Conn){"hello": func(*Conn) { c.Write([]byte("echoed\n")) }}}
				})
			},
			"nowhere": func(c *Conn) {
				c.Loop().Dial("127.0.0.1:1", DialOptions{Timeout: patience}, func(up *Conn, err error) Session {
					fmt.Fprintln(writer{c}, up == nil && err != nil)
					return nil
				})
			},
		}}
	})
	c, r := dial(t, front)
	fmt.Fprint(c, "up\n")
	expect(t, r, "echoed")
	fmt.Fprint(c, "nowhere\n")
	expect(t, r, "true")
}

func TestDetach(t *testing.T) {
	handed := make(chan net.Conn, 1)
	closed := make(chan error, 1)
	addr := serve(t, func(*Conn) Session {
		return &lines{closed: closed, on: map[string]func(*Conn){"detach": func(c *Conn) {
			conn, _, err := c.Detach()
			if err != nil {
				panic(err)
			}
			handed <- conn
		}}}
	})
	c, r := dial(t, addr)
	fmt.Fprint(c, "before\ndetach\n")
	conn := <-handed
	defer conn.Close()
	if err := <-closed; err != nil {
		t.Fatalf("closed with %v", err)
	}
	fmt.Fprint(conn, "behind\n")
	expect(t, r, "before")
	expect(t, r, "behind")
	fmt.Fprint(c, "up\n")
	if got, _ := bufio.NewReader(conn).ReadString('\n'); got != "up\n" {
		t.Fatalf("got %q", got)
	}
}

func TestStrictConnectionKeepsTheRest(t *testing.T) {
	const size = 32 << 20
	addr := serve(t, func(*Conn) Session {
		return &lines{on: map[string]func(*Conn){"flood": func(c *Conn) {
			c.SetStrict()
			c.Write(make([]byte, size))
			c.Loop().After(0, func() { c.Write([]byte("\nend\n")) })
		}}}
	})
	c, r := dial(t, addr)
	fmt.Fprint(c, "flood\n")
	if n, err := io.CopyN(io.Discard, r, size+1); err != nil {
		t.Fatal(n, err)
	}
	expect(t, r, "end")
}

func TestPeerThatClosedItsSideGetsItsReplies(t *testing.T) {
	addr := serve(t, func(*Conn) Session {
		return &lines{on: map[string]func(*Conn){"late": func(c *Conn) {
			c.SetBufLater(append(c.Buf(), "answer\n"...))
		}}}
	})
	c, r := dial(t, addr)
	fmt.Fprint(c, "late\n")
	_ = c.(*net.TCPConn).CloseWrite()
	expect(t, r, "answer")
}

// owing is a session that answers a line when it is told to.
type owing struct {
	lines
	stays bool
	ended chan *Conn
}

func (s *owing) Ended(c *Conn) bool {
	s.ended <- c
	return s.stays
}

func TestPeerThatClosedItsSideIsWaitedFor(t *testing.T) {
	s := &owing{stays: true, ended: make(chan *Conn, 1)}
	s.closed = make(chan error, 1)
	c, _ := dial(t, serve(t, func(*Conn) Session { return s }))
	isWaitedFor(t, s, c.(*net.TCPConn))
}

// isWaitedFor has a client of s close its side, and s answer it.
func isWaitedFor(t *testing.T, s *owing, c interface {
	io.ReadWriter
	CloseWrite() error
}) {
	r := bufio.NewReader(c)
	fmt.Fprint(c, "before\n")
	_ = c.CloseWrite()
	expect(t, r, "before")
	var mine *Conn
	select {
	case mine = <-s.ended:
	case <-time.After(patience):
		t.Fatal("not told of the end")
	}
	const size = 32 << 20 // more than the sockets hold: gnet listens again when it is through
	mine.Loop().Post(func() { mine.Write(append(make([]byte, size), "\n"...)) })
	if n, err := io.CopyN(io.Discard, r, size+1); err != nil {
		t.Fatal(n, err)
	}
	mine.Loop().Post(func() {
		mine.Write([]byte("later\n"))
		mine.CloseAfterWrite()
	})
	expect(t, r, "later")
	if _, err := r.ReadByte(); err != io.EOF {
		t.Fatalf("still open: %v", err)
	}
	if err := <-s.closed; err != nil {
		t.Fatalf("closed by %v, not by us", err)
	}
	if len(s.ended) > 0 {
		t.Fatal("told twice of the end")
	}
}

// TestPeerThatLeavesWhileItIsWaitedFor: the end of a process looks like that of its
// requests until something is sent to it.
func TestPeerThatLeavesWhileItIsWaitedFor(t *testing.T) {
	s := &owing{stays: true, ended: make(chan *Conn, 1)}
	s.closed = make(chan error, 1)
	addr := serve(t, func(*Conn) Session { return s })
	c, _ := dial(t, addr)
	c.Close()
	mine := <-s.ended
	var send func()
	send = func() {
		if !mine.Closed() {
			mine.Write([]byte("x\n"))
			mine.Loop().After(time.Millisecond, send)
		}
	}
	mine.Loop().Post(send)
	if err := <-s.closed; err == nil {
		t.Fatal("closed by us, not by the peer")
	}
}

func TestLastBytesAreAllWritten(t *testing.T) {
	const size = 32 << 20
	flood := func(c *Conn) { c.Write(append(make([]byte, size), "\n"...)) }
	for _, end := range []func(c net.Conn){
		func(c net.Conn) { fmt.Fprint(c, "flood\nquit\n") },
		func(c net.Conn) { fmt.Fprint(c, "flood\n"); _ = c.(*net.TCPConn).CloseWrite() },
	} {
		s := &lines{closed: make(chan error, 1), on: map[string]func(*Conn){"flood": flood, "quit": (*Conn).CloseAfterWrite}}
		addr := serve(t, func(*Conn) Session { return s })
		c, r := dial(t, addr)
		end(c)
		if n, err := io.CopyN(io.Discard, r, size+1); err != nil {
			t.Fatal(n, err)
		}
		if _, err := r.ReadByte(); err != io.EOF {
			t.Fatalf("still open: %v", err)
		}
		<-s.closed
	}
}

func TestRefusedClientSeesWhy(t *testing.T) {
	addr := serve(t, func(c *Conn) Session {
		c.Write([]byte("-ERR max number of clients reached\n"))
		return nil
	})
	_, r := dial(t, addr)
	expect(t, r, "-ERR max number of clients reached")
	if _, err := r.ReadByte(); err != io.EOF {
		t.Fatalf("still open: %v", err)
	}
}

func TestTakenAddress(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := NewServer(Options{Addrs: []string{"tcp://" + ln.Addr().String()}})
	if err := s.Start(); err == nil || !strings.Contains(err.Error(), ln.Addr().String()) {
		t.Fatalf("got %v", err)
	}
}

// Whatever way output leaves, OnFlush has run behind what was written to it.
func TestOnFlushRunsBeforeOutputLeaves(t *testing.T) {
	var ran atomic.Int64
	answer := func(put func(c *Conn, b []byte)) func(*Conn) {
		return func(c *Conn) { put(c, append(c.Buf(), "answer\n"...)) }
	}
	addr := serve(t, func(c *Conn) Session {
		c.Loop().OnFlush = func() { ran.Add(1) }
		return &lines{on: map[string]func(*Conn){
			"now":   answer((*Conn).SetBuf),
			"later": answer((*Conn).SetBufLater),
			"past": func(c *Conn) {
				if !c.Send([]byte("answer\n")) {
					panic("not taken")
				}
			},
			"detached": func(c *Conn) {
				c.SetBuf(append(c.Buf(), "answer\n"...))
				conn, _, err := c.Detach()
				if err != nil {
					panic(err)
				}
				conn.Close()
			},
		}}
	})
	for _, way := range []string{"now", "later", "past", "detached"} {
		c, r := dial(t, addr)
		before := ran.Load()
		fmt.Fprintln(c, way)
		expect(t, r, "answer")
		if ran.Load() == before {
			t.Errorf("%s: the answer left before OnFlush ran", way)
		}
	}
	c, r := dial(t, addr)
	before := ran.Load()
	fmt.Fprint(c, "later\n")
	_ = c.(*net.TCPConn).CloseWrite()
	expect(t, r, "answer")
	if ran.Load() == before {
		t.Error("the last answer to a peer that closed its side left before OnFlush ran")
	}
}
