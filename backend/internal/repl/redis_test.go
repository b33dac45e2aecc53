package repl

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
)

// emptyRDB is a snapshot without keys; its checksum 0 says that there is none.
const emptyRDB = "REDIS0010\xff\x00\x00\x00\x00\x00\x00\x00\x00"

// redisServer starts redis-server and returns its address.
func redisServer(t *testing.T, args ...string) string {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if strings.Contains(os.Getenv("HOLDFAST_REQUIRE"), "redis") {
			t.Fatal("HOLDFAST_REQUIRE asks for redis-server, and it is not installed")
		}
		t.Skip("redis-server is not installed")
	}
	addr := freeport.Addr(t)
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(path, append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(),
		"--save", "", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"}, args...)...)
	if os.Getenv("REPL_LOG") != "" {
		cmd.Stdout = os.Stdout
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	until(t, "redis-server answers", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return addr
}

// redis sends one request and returns the reply: a line, or a bulk string.
func redis(t *testing.T, addr, line string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write(encode(line)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	head, err := in.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	head = strings.TrimRight(head, "\r\n")
	if n, err := strconv.Atoi(strings.TrimPrefix(head, "$")); head[0] == '$' && err == nil && n >= 0 {
		p := make([]byte, n)
		if _, err := io.ReadFull(in, p); err != nil {
			t.Fatal(err)
		}
		return string(p)
	}
	return head
}

// info returns one field of INFO replication.
func info(t *testing.T, addr, field string) string {
	t.Helper()
	for _, l := range strings.Split(redis(t, addr, "INFO replication"), "\r\n") {
		if v, ok := strings.CutPrefix(l, field+":"); ok {
			return v
		}
	}
	return ""
}

// redisMaster is a Follower of a real Redis: it ignores the snapshot's
// contents and records the stream.
type redisMaster struct{ *testNode }

func (r redisMaster) Load(ctx context.Context, s Sync, rdb io.Reader) (Loaded, error) {
	text, err := io.ReadAll(rdb)
	if err != nil {
		return Loaded{}, err
	}
	if !strings.HasPrefix(string(text), "REDIS") {
		return Loaded{}, fmt.Errorf("no snapshot: %q", text[:min(len(text), 20)])
	}
	return Loaded{Adopt: func() error { return r.adopt(s, text) }, Discard: func() {}}, nil
}

func (n *testNode) followRedis(addr string) *Link {
	n.mu.Lock()
	n.stream.Follow()
	n.mu.Unlock()
	l := StartLink(LinkConfig{Addr: addr, Follower: redisMaster{n}, Announce: func() (string, int) { return "", 1 }, RunID: n.runID, Incarnation: n.runID,
		RetryMin: time.Millisecond, RetryMax: 20 * time.Millisecond, Log: quiet()})
	n.t.Cleanup(func() { stop(n.t, l) })
	return l
}

func TestRedisIsOurMaster(t *testing.T) {
	for _, diskless := range []string{"yes", "no"} {
		t.Run("diskless "+diskless, func(t *testing.T) {
			addr := redisServer(t, "--repl-diskless-sync", diskless)
			redis(t, addr, "SET before "+strings.Repeat("x", 300_000))
			n := newNode(t)
			l := n.followRedis(addr)
			until(t, "the link is up", func() bool { return l.Status().State == LinkConnected })
			if m := l.Status().Master; m.Native {
				t.Errorf("redis-server passes for a native node: %+v", m)
			}
			for i := range 100 {
				redis(t, addr, fmt.Sprint("INCRBY counter ", i))
			}
			redis(t, addr, "EVAL return{redis.call('set','x',1),redis.call('set','y',2)} 0")
			atRedis := func() bool { return fmt.Sprint(n.offset()) == info(t, addr, "master_repl_offset") }
			until(t, "we have all", atRedis)
			d := n.lines()
			if len(d) != 102 || d[100] != "set x 1" || d[101] != "set y 2" {
				t.Errorf("%d commands, the last %q", len(d), d[max(0, len(d)-3):])
			}
			if got := info(t, addr, "connected_slaves"); got != "1" {
				t.Errorf("connected_slaves:%s", got)
			}
			if got := redis(t, addr, "WAIT 1 5000"); got != ":1" {
				t.Errorf("WAIT answered %q", got)
			}

			redis(t, addr, "CLIENT KILL TYPE slave")
			redis(t, addr, "SET after 1")
			until(t, "we have all again", func() bool { d := n.lines(); return d[len(d)-1] == "SET after 1" && atRedis() })
			if p := n.Position(); p.ID != info(t, addr, "master_replid") {
				t.Errorf("our id is %s, its id %s", p.ID, info(t, addr, "master_replid"))
			}
			if n.count(&n.continued) != 1 {
				t.Errorf("continued %d times, want once", n.continued)
			}
		})
	}
}

// asRedis is a Source whose snapshots a real Redis can load.
type asRedis struct{ *testNode }

func (a asRedis) Snapshot(_ context.Context, _ Part, begin func() Cut, w io.Writer) error {
	a.mu.Lock()
	begin()
	a.snapshots++
	a.mu.Unlock()
	_, err := io.WriteString(w, emptyRDB)
	return err
}

func TestRedisIsOurReplica(t *testing.T) {
	for _, load := range []string{"disabled", "swapdb"} {
		t.Run("diskless load "+load, func(t *testing.T) {
			n := newNode(t)
			n.feeds.cfg.Source = asRedis{n}
			addr := redisServer(t, "--repl-diskless-load", load)
			_, port, _ := net.SplitHostPort(n.addr())
			redis(t, addr, "REPLICAOF 127.0.0.1 "+port)
			until(t, "it is online", func() bool {
				r := n.feeds.Replicas()
				return len(r) == 1 && r[0].State == FeedOnline
			})
			_, theirs, _ := net.SplitHostPort(addr)
			if r := n.feeds.Replicas()[0]; r.Native || fmt.Sprint(r.Port) != theirs {
				t.Errorf("the replica is %+v", r)
			}
			n.mu.Lock()
			n.stream.Epoch(1, n.runID)
			n.mu.Unlock()
			for i := range 1000 {
				n.write(fmt.Sprintf("SET k%d %s", i, strings.Repeat("v", i+1)))
			}
			n.mu.Lock()
			n.stream.Append(3, words("SET other db"))
			n.stream.Begin()
			n.stream.Add(0, words("INCR a"))
			n.stream.Add(3, words("INCR b"))
			n.stream.End()
			n.stream.GetAck()
			n.stream.Publish()
			n.mu.Unlock()
			n.stream.Wake()
			until(t, "it has confirmed all", func() bool { return n.confirm.Confirmed() == n.offset() })
			for request, want := range map[string]string{
				"DBSIZE":   ":1001",
				"GET k999": strings.Repeat("v", 1000),
				"GET a":    "1",
			} {
				if got := redis(t, addr, request); got != want {
					t.Errorf("%s: %q, want %q", request, got, want)
				}
			}
			if id := info(t, addr, "master_replid"); id != n.stream.History().ID {
				t.Errorf("its id is %s, ours %s", id, n.stream.History().ID)
			}

			n.promote(2) // a new id; it continues by the former one
			n.write("SET after 1")
			until(t, "it has the last write", func() bool { return redis(t, addr, "GET after") == "1" })
			if k := n.count(&n.snapshots); k != 1 {
				t.Errorf("%d snapshots, want 1", k)
			}
			until(t, "it knows the new id", func() bool { return info(t, addr, "master_replid") == n.stream.History().ID })
			if id := info(t, addr, "master_replid2"); id != n.stream.History().ID2 {
				t.Errorf("its former id is %s, ours %s", id, n.stream.History().ID2)
			}
		})
	}
}

// TestRedisInTheMiddle chains our node, a Redis and another node of ours:
// positions are the same everywhere.
func TestRedisInTheMiddle(t *testing.T) {
	top, bottom := newNode(t), newNode(t)
	top.feeds.cfg.Source = asRedis{top}
	middle := redisServer(t)
	_, port, _ := net.SplitHostPort(top.addr())
	redis(t, middle, "REPLICAOF 127.0.0.1 "+port)
	until(t, "Redis follows", func() bool { return info(t, middle, "master_link_status") == "up" })
	l := bottom.followRedis(middle)
	until(t, "we follow Redis", func() bool { return l.Status().State == LinkConnected })
	for i := range 100 {
		top.write(fmt.Sprint("SET k ", i))
	}
	same(t, top, bottom)
	if bottom.Position().ID != top.stream.History().ID {
		t.Errorf("the ids are %s and %s", bottom.Position().ID, top.stream.History().ID)
	}
}
