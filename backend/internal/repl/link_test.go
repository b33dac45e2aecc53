package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/backend/resp"
)

func TestReplicaGetsSnapshotAndStream(t *testing.T) {
	master, replica := newNode(t), newNode(t)
	master.write("set before 1")
	l := replica.follow(master.addr())
	until(t, "the link is up", func() bool { return l.Status().State == LinkConnected })
	for i := range 1000 {
		master.write(fmt.Sprint("set k ", i))
	}
	same(t, master, replica)
	until(t, "all is confirmed", func() bool { return master.confirm.Confirmed() == master.offset() })
	r := master.feeds.Replicas()
	if len(r) != 1 || r[0].State != FeedOnline || r[0].Incarnation != replica.runID || !r[0].Native || r[0].Port == 0 || r[0].IP != "127.0.0.1" {
		t.Errorf("replicas %+v", r)
	}
	if s := l.Status(); s.Master.RunID != master.runID || !s.Master.Native || s.Offset != master.offset() || !s.DownSince.IsZero() {
		t.Errorf("status %+v", s)
	}
}

func TestReplicaContinuesAfterABrokenConnection(t *testing.T) {
	master, replica := newNode(t), newNode(t)
	replica.follow(master.addr())
	for round := range 10 {
		master.write(fmt.Sprint("set a ", round))
		same(t, master, replica)
		master.feeds.DropAll("test")
		master.write(fmt.Sprint("set b ", round))
		same(t, master, replica)
	}
	if n := master.count(&master.snapshots); n != 1 {
		t.Errorf("%d snapshots were taken, want only the first", n)
	}
}

func TestReplicaBeyondTheBacklogGetsANewSnapshot(t *testing.T) {
	master, replica := newNode(t), newNode(t)
	l := replica.follow(master.addr())
	master.write("set a 1")
	same(t, master, replica)
	stop(t, l)
	for range 3000 {
		master.write("set b " + strings.Repeat("x", 1000))
	}
	replica.follow(master.addr())
	same(t, master, replica)
	if n := master.count(&master.snapshots); n != 2 {
		t.Errorf("%d snapshots were taken, want 2", n)
	}
}

// TestFailoverInAChain promotes the middle of three; the others continue from
// where they are, without a snapshot.
func TestFailoverInAChain(t *testing.T) {
	a, b, c := newNode(t), newNode(t), newNode(t)
	a.write("set a 1")
	lb := b.follow(a.addr())
	same(t, a, b)
	c.follow(b.addr())
	same(t, a, c)
	for i := range 200 {
		a.write(fmt.Sprint("set k ", i))
	}
	same(t, a, b)
	same(t, a, c)
	stop(t, lb)
	b.promote(1)
	b.write("set b 1")
	same(t, b, c)
	a.follow(b.addr())
	same(t, b, a)
	if p := a.Position(); p.Epoch != 1 || p.ID != b.stream.History().ID {
		t.Errorf("the old master is at %+v", p)
	}
	if n := b.count(&b.snapshots); n != 1 {
		t.Errorf("the new master took %d snapshots, want only the one before the failover", n)
	}
}

// TestTheOldMastersOwnBytesAreNotContinued: it wrote past the point where its
// successor took over, so its history is another one.
func TestTheOldMastersOwnBytesAreNotContinued(t *testing.T) {
	a, b := newNode(t), newNode(t)
	a.write("set a 1")
	l := b.follow(a.addr())
	same(t, a, b)
	stop(t, l)
	b.promote(1)
	for i := range 20 {
		a.write(fmt.Sprint("set lost ", i))
		b.write(fmt.Sprint("set kept ", i))
	}
	a.follow(b.addr())
	same(t, b, a)
	for _, line := range a.lines() {
		if strings.Contains(line, "lost") {
			t.Fatalf("the old master kept %q", line)
		}
	}
	if n := b.count(&b.snapshots); n != 1 {
		t.Errorf("%d snapshots, want 1", n)
	}
}

// TestNothingFollowsStop is what SEAL rests on.
func TestNothingFollowsStop(t *testing.T) {
	for range 20 {
		master, replica := newNode(t), newNode(t)
		master.write("set a 1")
		l := replica.follow(master.addr())
		same(t, master, replica)
		quit := make(chan struct{})
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-quit:
					return
				default:
					master.write(fmt.Sprint("set k ", i))
				}
			}
		})
		before := replica.offset()
		until(t, "the replica moves", func() bool { return replica.offset() > before })
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := l.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		sealed, batches := replica.offset(), replica.count(&replica.applied)
		pos := master.write("set behind the seal")
		until(t, "the master has lost the replica", func() bool { return len(master.feeds.Replicas()) == 0 })
		close(quit)
		writer.Wait()
		if replica.offset() != sealed || replica.count(&replica.applied) != batches {
			t.Fatalf("the replica moved from %d to %d after Stop", sealed, replica.offset())
		}
		if c := master.confirm.Confirmed(); c >= pos {
			t.Fatalf("the master has %d confirmed, the replica was sealed at %d", c, sealed)
		}
	}
}

func TestStopWaitsForTheBatchUnderWayAndIsBounded(t *testing.T) {
	master, replica := newNode(t), newNode(t)
	l := replica.follow(master.addr())
	until(t, "the link is up", func() bool { return l.Status().State == LinkConnected })
	replica.mu.Lock() // a long script on the replica
	master.write("set a 1")
	until(t, "the batch waits for the engine", func() bool { return len(l.gate) == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if err := l.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop returned %v while a batch was being applied", err)
	}
	replica.mu.Unlock()
	stop(t, l)
}

func TestStopAbortsALoad(t *testing.T) {
	master, replica := newNode(t), newNode(t)
	master.slow = make(chan struct{})
	defer close(master.slow)
	replica.write("set own 1")
	l := replica.follow(master.addr())
	until(t, "the master prepares a snapshot", func() bool { return master.count(&master.snapshots) == 1 })
	stop(t, l)
	if got := replica.lines(); len(got) != 1 || got[0] != "set own 1" {
		t.Errorf("the replica's data became %q", got)
	}
}

// silentMaster accepts one connection and runs script on it.
func silentMaster(t *testing.T, script func(net.Conn)) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				script(conn)
			})
		}
	})
	t.Cleanup(func() { ln.Close(); all.Wait() })
	return ln.Addr().String()
}

// answer reads one request and writes a reply.
func answer(conn net.Conn, in *asker, reply string) []string {
	args := in.next(conn)
	_, _ = io.WriteString(conn, reply)
	return args
}

// asker reads requests one at a time.
type asker struct {
	req resp.Requests
	buf []byte
}

func (a *asker) next(conn net.Conn) []string {
	chunk := make([]byte, 4096)
	for {
		args, n, err := a.req.Next(a.buf)
		if err != nil {
			return nil
		}
		if n > 0 {
			var words []string
			for _, w := range args {
				words = append(words, string(w))
			}
			a.buf = a.buf[n:]
			if len(words) > 0 {
				return words
			}
			continue
		}
		n, err = conn.Read(chunk)
		if err != nil {
			return nil
		}
		a.buf = append(a.buf, chunk[:n]...)
	}
}

// plainHandshake answers like a Redis that knows nothing of us.
func plainHandshake(conn net.Conn, in *asker) (psync []string) {
	for {
		args := in.next(conn)
		switch {
		case args == nil:
			return nil
		case args[0] == "PING":
			_, _ = io.WriteString(conn, "+PONG\r\n")
		case args[0] == "PSYNC":
			return args
		case args[1] == "holdfast":
			_, _ = io.WriteString(conn, "-ERR Unrecognized REPLCONF option: holdfast\r\n")
		default:
			_, _ = io.WriteString(conn, "+OK\r\n")
		}
	}
}

func TestSnapshotForms(t *testing.T) {
	mark := strings.Repeat("m", IDLen)
	body := "0 0\n" + strings.Repeat("set k v\n", 20000) + "set last 1"
	id := NewID()
	cases := []struct{ name, payload string }{
		{"sized", fmt.Sprintf("$%d\r\n%s", len(body), body)},
		{"with end mark", "$EOF:" + mark + "\r\n" + body + mark},
		{"after newlines", fmt.Sprintf("\n\n$%d\r\n%s", len(body), body)},
	}
	for _, c := range cases {
		for _, piece := range []int{1 << 20, 4093, 41} {
			t.Run(fmt.Sprint(c.name, " in pieces of ", piece), func(t *testing.T) {
				replica := newNode(t)
				acks := make(chan string, 100)
				addr := silentMaster(t, func(conn net.Conn) {
					var in asker
					if plainHandshake(conn, &in) == nil {
						return
					}
					_, _ = io.WriteString(conn, "\n\n+FULLRESYNC "+id+" 700\r\n")
					for p := c.payload; len(p) > 0; {
						n := min(piece, len(p))
						if piece < 100 && len(p) < len(c.payload)-2000 && len(p) > 5000 {
							n = min(4000, len(p)) // small pieces only where it matters
						}
						_, _ = io.WriteString(conn, p[:n])
						p = p[n:]
					}
					if args := in.next(conn); args != nil {
						acks <- strings.Join(args, " ")
					}
					_, _ = conn.Write(encode("set after 1", "REPLCONF GETACK *"))
					if args := in.next(conn); args != nil {
						acks <- strings.Join(args, " ")
					}
					in.next(conn) // until it leaves
				})
				l := replica.follow(addr)
				until(t, "the stream is applied", func() bool {
					d := replica.lines()
					return len(d) == 20002 && d[20001] == "set after 1"
				})
				end := 700 + len(encode("set after 1", "REPLCONF GETACK *"))
				for _, want := range []string{"REPLCONF ACK 700", fmt.Sprint("REPLCONF ACK ", end)} {
					if got := <-acks; got != want {
						t.Errorf("acknowledged by %q, want %q", got, want)
					}
				}
				stop(t, l)
				if p := replica.Position(); p.ID != id || p.Offset != uint64(end) {
					t.Errorf("the replica is at %+v", p)
				}
			})
		}
	}
}

func TestATruncatedSnapshotChangesNothing(t *testing.T) {
	replica := newNode(t)
	replica.write("set own 1")
	tries := make(chan struct{}, 100)
	addr := silentMaster(t, func(conn net.Conn) {
		var in asker
		if plainHandshake(conn, &in) == nil {
			return
		}
		_, _ = io.WriteString(conn, "+FULLRESYNC "+NewID()+" 700\r\n$5000\r\n0 0\nset other 1")
		tries <- struct{}{}
	})
	l := replica.follow(addr)
	for range 3 {
		<-tries
	}
	stop(t, l)
	if got := replica.lines(); len(got) != 1 || got[0] != "set own 1" {
		t.Errorf("the replica's data became %q", got)
	}
}

func TestHalfAUnitIsNeverApplied(t *testing.T) {
	replica := newNode(t)
	id := NewID()
	var asked []string
	var mu sync.Mutex
	half := string(encode("set whole 1", "MULTI", "set half 1"))
	addr := silentMaster(t, func(conn net.Conn) {
		var in asker
		args := plainHandshake(conn, &in)
		if args == nil {
			return
		}
		mu.Lock()
		asked = append(asked, args[2])
		mu.Unlock()
		if args[2] == "1" { // its own empty history
			_, _ = io.WriteString(conn, "+FULLRESYNC "+id+" 100\r\n$4\r\n0 0\n")
			in.next(conn)
			_, _ = io.WriteString(conn, half)
			return // the connection breaks inside the block
		}
		_, _ = io.WriteString(conn, "+CONTINUE\r\n"+string(encode("set next 1")))
		for in.next(conn) != nil {
		}
	})
	replica.follow(addr)
	until(t, "it went on", func() bool { return len(replica.lines()) >= 2 })
	if got := strings.Join(replica.lines(), ", "); got != "set whole 1, set next 1" {
		t.Errorf("applied %s", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := fmt.Sprint(101 + len(encode("set whole 1"))); asked[1] != want {
		t.Errorf("continued from %s, want %s", asked[1], want)
	}
}

// What a master must not say ends the connection with an error that shows it, and
// what the replica has and is called by stays.
func TestAMasterThatTalksNonsense(t *testing.T) {
	id, full := NewID(), "+FULLRESYNC "+NewID()+" 700\r\n"
	good := full + "$4\r\n0 0\n"
	for reply, want := range map[string]string{
		"\xff\x00\x1b[2J\n":                              `PSYNC: unexpected reply "\xff\x00\x1b[2J"`,
		"-ERR \x1b[2J\r\n":                               `PSYNC: unexpected reply "-ERR \x1b[2J"`,
		"-NOMASTERLINK Can't SYNC\r\n":                   "PSYNC: NOMASTERLINK Can't SYNC",
		"+FULLRESYNC abc 0\r\n":                          `PSYNC: unexpected reply "+FULLRESYNC abc 0"`,
		"+FULLRESYNC " + id + " -5\r\n":                  "PSYNC: unexpected reply",
		"+FULLRESYNC " + id + " 9223372036854775800\r\n": "PSYNC: unexpected reply",
		"+CONTINUE abc\r\n":                              `PSYNC: unexpected reply "+CONTINUE abc"`,
		strings.Repeat("x", 5000):                        "PSYNC: the master's reply is too long",
		full + "$-1\r\n":                                 `snapshot header: unexpected reply "$-1"`,
		full + "$EOF:abc\r\n":                            `snapshot header: unexpected reply "$EOF:abc"`,
		full + "-ERR no\r\n":                             "snapshot header: ERR no",
		full + "$10\r\n0 0\n":                            "full resynchronization: unexpected EOF",
		good + "hello\r\n":                               "stream at offset 700: an inline command",
		good + "+CONTINUE " + id + "\r\n":                "stream at offset 700: an inline command",
		good + "*1\r\n$4\r\nEXEC\r\n":                    "stream at offset 700: EXEC without MULTI",
		good + "*1\r\n$99999999999\r\n":                  "stream at offset 700: Protocol error: invalid bulk length",
	} {
		replica := newNode(t)
		replica.mu.Lock()
		replica.stream.Activate()
		replica.mu.Unlock()
		replica.write("set own 1")
		own := replica.Position()
		addr := silentMaster(t, func(conn net.Conn) {
			var in asker
			if plainHandshake(conn, &in) != nil {
				_, _ = io.WriteString(conn, reply)
				_ = conn.(*net.TCPConn).CloseWrite()
				in.next(conn) // an acknowledgement, where it gets that far
			}
		})
		l := replica.follow(addr)
		until(t, fmt.Sprintf("%.60q ends with %s", reply, want), func() bool { return strings.Contains(l.Status().LastError, want) })
		stop(t, l)
		if p := replica.Position(); p != own && !strings.HasPrefix(reply, good) {
			t.Errorf("%.60q changed the position from %+v to %+v", reply, own, p)
		}
	}
}

// A value is as long as the master let it be, whatever is set here.
func TestLongValuesAreFollowed(t *testing.T) {
	l := &Link{}
	l.cfg.fill()
	u := newUpstream(l, nil)
	u.cut.buf = []byte("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000000000\r\nxx")
	if b, err := u.cut.next(); b != nil || err != nil {
		t.Errorf("a value of 1 GB that has not come yet gives %v, %v", b, err)
	}
}

func TestAFollowerMayRefuseAFullResync(t *testing.T) {
	master, replica := newNode(t), newNode(t)
	master.mu.Lock()
	master.stream.Activate()
	master.stream.Epoch(2, master.runID)
	master.mu.Unlock()
	replica.write("set own 1")
	replica.mu.Lock()
	replica.load = func(s Sync) error {
		if s.Master.Epoch < 3 {
			return fmt.Errorf("master of epoch %d", s.Master.Epoch)
		}
		return nil
	}
	replica.mu.Unlock()
	l := replica.follow(master.addr())
	until(t, "it was asked twice", func() bool { return replica.count(&replica.loads) >= 2 })
	until(t, "the status says why", func() bool { return strings.Contains(l.Status().LastError, "master of epoch 2") })
	if got := replica.lines(); len(got) != 1 {
		t.Errorf("the replica's data became %q", got)
	}
	master.mu.Lock()
	master.stream.Epoch(3, master.runID)
	master.mu.Unlock()
	same(t, master, replica)
}

func TestAuthentication(t *testing.T) {
	got := make(chan []string, 20)
	addr := silentMaster(t, func(conn net.Conn) {
		var in asker
		answer(conn, &in, "-NOAUTH Authentication required.\r\n")
		got <- answer(conn, &in, "-WRONGPASS invalid username-password pair or user is disabled.\r\n")
		in.next(conn)
	})
	replica := newNode(t)
	l := StartLink(LinkConfig{Addr: addr, Follower: replica, Login: func() (string, string) { return "u", "p" }, RetryMin: time.Millisecond, Log: quiet()})
	defer stop(t, l)
	if args := <-got; strings.Join(args, " ") != "AUTH u p" {
		t.Errorf("authenticated by %q", args)
	}
	until(t, "the status says why", func() bool { return strings.Contains(l.Status().LastError, "WRONGPASS") })
}

func TestASilentMasterIsGivenUp(t *testing.T) {
	dials := make(chan struct{}, 100)
	addr := silentMaster(t, func(conn net.Conn) {
		dials <- struct{}{}
		_, _ = io.Copy(io.Discard, conn)
	})
	l := StartLink(LinkConfig{Addr: addr, Follower: newNode(t), RetryMin: time.Millisecond, Log: quiet(),
		Timeout: func() time.Duration { return 30 * time.Millisecond }})
	defer stop(t, l)
	for range 3 {
		<-dials
	}
	until(t, "the status says why", func() bool { return strings.Contains(l.Status().LastError, os.ErrDeadlineExceeded.Error()) })
}

func TestNoMasterAtAll(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	replica := newNode(t)
	l := replica.follow(addr)
	until(t, "the status says why", func() bool { return strings.Contains(l.Status().LastError, "refused") })
	if s := l.Status(); s.DownSince.IsZero() || s.State == LinkConnected {
		t.Errorf("status %+v", s)
	}
}
