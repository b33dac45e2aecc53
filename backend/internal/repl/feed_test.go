package repl

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// rawReplica speaks to a node as a replica, line by line.
type rawReplica struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, n *testNode) *rawReplica {
	conn, err := net.Dial("tcp", n.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return &rawReplica{t, conn, bufio.NewReader(conn)}
}

func (r *rawReplica) say(line string) {
	r.t.Helper()
	if _, err := r.Write(encode(line)); err != nil {
		r.t.Fatal(err)
	}
}

// line returns the next line that is not a keepalive.
func (r *rawReplica) line() string {
	r.t.Helper()
	for {
		l, err := r.in.ReadString('\n')
		if err != nil {
			r.t.Fatal(err)
		}
		if l = strings.TrimRight(l, "\r\n"); l != "" {
			return l
		}
	}
}

func (r *rawReplica) bytes(n int) string {
	r.t.Helper()
	p := make([]byte, n)
	if _, err := io.ReadFull(r.in, p); err != nil {
		r.t.Fatal(err)
	}
	return string(p)
}

func (r *rawReplica) wantLine(want string) {
	r.t.Helper()
	if got := r.line(); got != want {
		r.t.Fatalf("the master said %q, want %q", got, want)
	}
}

func TestReplconf(t *testing.T) {
	own := NewHistory(NewID(), 3, 40)
	cases := []struct {
		args, reply string
		check       func(Hello) bool
	}{
		{"REPLCONF listening-port 7001 ip-address 10.0.0.9", "+OK", func(h Hello) bool { return h.Port == 7001 && h.IP == "10.0.0.9" }},
		{"replconf CAPA eof capa psync2", "+OK", func(h Hello) bool { return h.EOF && h.PSYNC }},
		{"REPLCONF capa other", "+OK", func(h Hello) bool { return !h.EOF && !h.PSYNC }},
		{"REPLCONF listening-port x", "-ERR value is not an integer or out of range", nil},
		{"REPLCONF listening-port 70000", "-ERR value is not an integer or out of range", nil},
		{"REPLCONF capa", "-ERR syntax error", nil},
		{"REPLCONF color blue", "-ERR Unrecognized REPLCONF option: color", nil},
		{"REPLCONF ack 5", "", nil},
		{"REPLCONF rdb-only 1", "+OK", func(h Hello) bool { return h.Once }},
		{"REPLCONF rdb-only 1 rdb-only 0", "+OK", func(h Hello) bool { return !h.Once }},
		{"REPLCONF rdb-only 2", "-ERR value is out of range, must be between 0 and 1", nil},
		{"REPLCONF rdb-only x", "-ERR value is not an integer or out of range", nil},
		{"REPLCONF rdb-filter-only Functions", "+OK", func(h Hello) bool { return h.Part == Functions }},
		{"REPLCONF rdb-filter-only keys", "-ERR Unsupported rdb-filter-only option: keys", nil},
		{"REPLCONF holdfast 1 run-id r incarnation i data-epoch 7", "+HOLDFAST 1 run-id me data-epoch 3",
			func(h Hello) bool { return h.Native && h.RunID == "r" && h.Incarnation == "i" && h.Epoch == 7 }},
		{"REPLCONF holdfast 1 run-id r later-word x", "+HOLDFAST 1 run-id me data-epoch 3", func(h Hello) bool { return h.Native }},
		{"REPLCONF holdfast 2 run-id r", "-ERR unsupported holdfast version", func(h Hello) bool { return !h.Native }},
		{"REPLCONF holdfast", "-ERR unsupported holdfast version", nil},
		{"REPLCONF holdfast 1 run-id", "-ERR unsupported holdfast version", nil},
		{"REPLCONF holdfast 1 data-epoch x", "-ERR value is not an integer or out of range", func(h Hello) bool { return !h.Native }},
	}
	for _, c := range cases {
		var h Hello
		if strings.HasPrefix(c.reply, "+HOLDFAST") {
			c.reply += " history " + own.String()
		}
		if got := strings.TrimSpace(string(h.Replconf(nil, words(c.args), "me", own))); got != c.reply {
			t.Errorf("%s: %q, want %q", c.args, got, c.reply)
		}
		if c.check != nil && !c.check(h) {
			t.Errorf("%s: %+v", c.args, h)
		}
	}
}

func TestRequestOffsets(t *testing.T) {
	var h Hello
	for _, c := range []struct {
		offset string
		ok     bool
		want   Request
	}{
		{"1", true, Request{ID: "x"}},
		{"101", true, Request{ID: "x", Pos: 100}},
		{"-1", true, Request{ID: "?"}},
		{"0", true, Request{ID: "?"}},
		{"y", false, Request{ID: "x"}},
	} {
		if q, ok := h.Request([]byte("x"), []byte(c.offset)); ok != c.ok || q != c.want {
			t.Errorf("PSYNC x %s: %+v %v", c.offset, q, ok)
		}
	}
}

func TestFullResyncWithLength(t *testing.T) {
	n := newNode(t)
	n.stream.Activate()
	n.write("set a 1")
	r := dial(t, n)
	r.say("PSYNC ? -1")
	r.wantLine(fmt.Sprintf("+FULLRESYNC %s %d", n.stream.History().ID, n.offset()))
	body := "0 0\nset a 1"
	r.wantLine(fmt.Sprint("$", len(body)))
	if got := r.bytes(len(body)); got != body {
		t.Errorf("the snapshot is %q", got)
	}
	n.write("set b 1") // follows without an acknowledgement
	want := string(encode("SELECT 0", "set b 1"))
	if got := r.bytes(len(want)); got != want {
		t.Errorf("the stream is %q", got)
	}
}

func TestFullResyncWithEndMark(t *testing.T) {
	n := newNode(t)
	n.write("set a 1")
	r := dial(t, n)
	r.say("REPLCONF capa eof capa psync2")
	r.wantLine("+OK")
	r.say("PSYNC ? -1")
	r.line()
	head := r.line()
	mark, ok := strings.CutPrefix(head, "$EOF:")
	if !ok || len(mark) != IDLen {
		t.Fatalf("the snapshot's head is %q", head)
	}
	body := "0 0\nset a 1" + mark
	if got := r.bytes(len(body)); got != body {
		t.Errorf("the snapshot is %q", got)
	}
	pos := n.write("set b 1")
	_ = r.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
	if p, err := r.in.Peek(1); err == nil {
		t.Fatalf("%q follows the end mark before it was acknowledged", p)
	}
	_ = r.SetReadDeadline(time.Now().Add(time.Minute))
	if s := n.feeds.Replicas()[0].State; s != FeedSnapshot {
		t.Errorf("before the first acknowledgement the state is %s", s)
	}
	r.say(fmt.Sprint("REPLCONF ACK ", pos-uint64(len(encode("SELECT 0", "set b 1")))))
	want := string(encode("SELECT 0", "set b 1"))
	if got := r.bytes(len(want)); got != want {
		t.Errorf("the stream is %q", got)
	}
	r.say(fmt.Sprint("REPLCONF ACK ", pos))
	until(t, "it is confirmed", func() bool { return n.confirm.Confirmed() == pos })
}

func TestOldSync(t *testing.T) {
	n := newNode(t)
	n.write("set a 1")
	r := dial(t, n)
	r.say("SYNC")
	r.wantLine("$11")
	if got := r.bytes(11); got != "0 0\nset a 1" {
		t.Errorf("the snapshot is %q", got)
	}
	n.write("set b 1")
	want := string(encode("SELECT 0", "set b 1"))
	if got := r.bytes(len(want)); got != want {
		t.Errorf("the stream is %q", got)
	}
}

// TestOldSyncWithEndMark: who looks for the mark at the end of what it read must
// not be sent more before it says that it found it, however it asked.
func TestOldSyncWithEndMark(t *testing.T) {
	n := newNode(t)
	n.write("set a 1")
	r := dial(t, n)
	r.say("REPLCONF capa eof")
	r.wantLine("+OK")
	r.say("SYNC")
	mark := strings.TrimPrefix(r.line(), "$EOF:")
	body := "0 0\nset a 1" + mark
	if got := r.bytes(len(body)); got != body {
		t.Errorf("the snapshot is %q", got)
	}
	n.write("set b 1")
	_ = r.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
	if p, err := r.in.Peek(1); err == nil {
		t.Fatalf("%q follows the end mark before it was acknowledged", p)
	}
	_ = r.SetReadDeadline(time.Now().Add(time.Minute))
	r.say("REPLCONF ACK 0")
	want := string(encode("SELECT 0", "set b 1"))
	if got := r.bytes(len(want)); got != want {
		t.Errorf("the stream is %q", got)
	}
}

// TestTimeoutChangedReachesAWriteUnderWay: a replica that takes nothing any more
// goes by the limit of the moment.
func TestTimeoutChangedReachesAWriteUnderWay(t *testing.T) {
	n := newNode(t)
	var limit atomic.Int64
	limit.Store(int64(time.Hour))
	var log said
	n.feeds.cfg.Timeout = func() time.Duration { return time.Duration(limit.Load()) }
	n.feeds.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	n.huge = 64 << 20
	n.write("set a 1")
	r := dial(t, n)
	r.say("REPLCONF capa eof")
	r.wantLine("+OK")
	r.say("PSYNC ? -1")
	r.line() // and reads no further
	until(t, "it is sent a snapshot", func() bool { return n.feeds.Replicas()[0].State == FeedSnapshot })
	limit.Store(int64(time.Millisecond))
	n.feeds.TimeoutChanged(time.Millisecond)
	until(t, "it was given up", func() bool { return len(n.feeds.Replicas()) == 0 })
	if !log.has("Disconnecting timedout replica (full sync): ") {
		t.Error("the log does not tell why")
	}
}

// said is what was logged.
type said struct {
	mu   sync.Mutex
	text []byte
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, p...)
	return len(p), nil
}

func (s *said) has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Contains(s.text, []byte(text))
}

func TestContinue(t *testing.T) {
	n := newNode(t)
	n.mu.Lock()
	n.stream.Activate()
	n.mu.Unlock()
	start := n.offset()
	n.write("set a 1")
	all := string(encode("SELECT 0", "set a 1"))
	for _, c := range []struct{ capa, reply string }{
		{"psync2", "+CONTINUE " + n.stream.History().ID},
		{"other", "+CONTINUE"},
	} {
		r := dial(t, n)
		r.say("REPLCONF capa " + c.capa)
		r.wantLine("+OK")
		r.say(fmt.Sprintf("PSYNC %s %d", n.stream.History().ID, start+1))
		r.wantLine(c.reply)
		if got := r.bytes(len(all)); got != all {
			t.Errorf("the stream is %q", got)
		}
	}
}

func TestReplicasThatAskTogetherShareOneWalk(t *testing.T) {
	n := newNode(t)
	n.feeds.cfg.SyncDelay = func() (time.Duration, int) { return time.Minute, 4 } // until all have come
	n.write("set a 1")
	var replicas []*testNode
	for range 4 {
		r := newNode(t)
		replicas = append(replicas, r)
		r.follow(n.addr())
	}
	for i := range 50 {
		n.write(fmt.Sprint("set k ", i))
	}
	for _, r := range replicas {
		same(t, n, r)
	}
	if k := n.count(&n.snapshots); k != 1 {
		t.Errorf("%d snapshots for replicas that asked together", k)
	}
	if got := n.feeds.Stats(); got.Full != 4 {
		t.Errorf("%d replicas are counted that had to have it whole", got.Full)
	}
}

// TestEachGetsThePartItAsksFor: what is sent to a backup of the functions must
// never reach a replica.
func TestEachGetsThePartItAsksFor(t *testing.T) {
	n := newNode(t)
	n.feeds.cfg.SyncDelay = func() (time.Duration, int) { return 300 * time.Millisecond, 0 }
	n.write("set a 1")
	whole, functions := newNode(t), dial(t, n)
	whole.follow(n.addr())
	functions.say("REPLCONF rdb-filter-only functions rdb-only 1")
	functions.wantLine("+OK")
	functions.say("SYNC")
	head := functions.line()
	if want := fmt.Sprint("$", len("part 1")); head != want {
		t.Errorf("the snapshot's head is %q, want %q", head, want)
	}
	if got := functions.bytes(len("part 1")); got != "part 1" {
		t.Errorf("the snapshot is %q", got)
	}
	same(t, n, whole)
	n.write("set b 1")
	same(t, n, whole)
	until(t, "the one that takes no stream waits", func() bool {
		for _, r := range n.feeds.Replicas() {
			if r.State == FeedSent {
				return true
			}
		}
		return false
	})
	functions.Close()
	until(t, "it is gone", func() bool { return len(n.feeds.Replicas()) == 1 })
}

// TestWritesDuringAWalkFollowTheSnapshot: the cut is where the stream begins.
func TestWritesDuringAWalkFollowTheSnapshot(t *testing.T) {
	n, r := newNode(t), newNode(t)
	n.slow = make(chan struct{})
	n.write("set a 1")
	r.follow(n.addr())
	until(t, "the walk began", func() bool { return n.count(&n.snapshots) == 1 })
	for i := range 100 {
		n.write(fmt.Sprint("set during ", i))
	}
	close(n.slow)
	same(t, n, r)
}

func TestAReplicaThatLeavesDuringAWalkEndsIt(t *testing.T) {
	n := newNode(t)
	n.huge = 64 << 20
	r := dial(t, n)
	r.say("REPLCONF capa eof")
	r.wantLine("+OK")
	r.say("PSYNC ? -1")
	r.line()
	r.Close()
	until(t, "the replica is gone", func() bool { return len(n.feeds.Replicas()) == 0 })
	again := newNode(t)
	n.huge = 0
	again.follow(n.addr())
	same(t, n, again)
}

func TestOneReplicaOfAWalkMayFail(t *testing.T) {
	n, good := newNode(t), newNode(t)
	n.feeds.cfg.SyncDelay = func() (time.Duration, int) { return time.Minute, 2 }
	n.slow = make(chan struct{})
	n.write("set a 1")
	good.follow(n.addr())
	bad := dial(t, n)
	bad.say("REPLCONF capa eof")
	bad.wantLine("+OK")
	bad.say("PSYNC ? -1")
	until(t, "both wait", func() bool { return n.count(&n.snapshots) == 1 && len(n.feeds.Replicas()) == 2 })
	bad.Close()
	close(n.slow)
	same(t, n, good)
	if k := n.count(&n.snapshots); k != 1 {
		t.Errorf("%d snapshots", k)
	}
}

func TestASlowReplicaIsDropped(t *testing.T) {
	n := newNode(t)
	n.stream.Backlog().SetLimits(Limits{Hard: 2 << 20})
	r := dial(t, n)
	r.say("PSYNC ? -1")
	r.line()
	until(t, "it is online", func() bool { return n.feeds.Replicas()[0].State == FeedOnline })
	value := "set k " + strings.Repeat("x", 100_000)
	for i := 0; len(n.feeds.Replicas()) > 0; i++ {
		if i > 1000 {
			t.Fatal("100 MB behind and still connected")
		}
		n.write(value)
	}
	first, end := n.stream.Backlog().Window()
	n.write(value, value)
	until(t, "the backlog is small again", func() bool {
		n.write(value)
		first, end = n.stream.Backlog().Window()
		return end-first < 2<<20
	})
}

func TestASilentReplicaIsDropped(t *testing.T) {
	n := newNode(t)
	n.feeds.cfg.Timeout = func() time.Duration { return 50 * time.Millisecond }
	r := dial(t, n)
	r.say("PSYNC ? -1")
	until(t, "it came", func() bool { return n.count(&n.snapshots) == 1 })
	until(t, "it is gone", func() bool { return len(n.feeds.Replicas()) == 0 })
}

// What is streamed would be taken for the answer.
func TestAReplicaThatSendsCommandsIsDropped(t *testing.T) {
	for _, c := range []struct{ line, name string }{{"PING", "ping"}, {"XINFO HELP", "xinfo|help"}, {"nonsense 1", "unknown"}} {
		n := newNode(t)
		var log said
		n.feeds.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
		r := dial(t, n)
		r.say("PSYNC ? -1")
		r.line()
		r.say("REPLCONF listening-port 7") // which a replica may say
		r.say(c.line)
		until(t, "it is gone after "+c.line, func() bool { return len(n.feeds.Replicas()) == 0 })
		if !log.has("Replica generated a reply to command '" + c.name + "', disconnecting it: ") {
			t.Errorf("the log does not tell of %q", c.line)
		}
	}
}

func TestALyingReplicaIsDropped(t *testing.T) {
	for _, ack := range []string{"REPLCONF ACK 99999", "REPLCONF ACK x", "REPLCONF ACK -1"} {
		n := newNode(t)
		r := dial(t, n)
		r.say("PSYNC ? -1")
		r.line()
		r.say(ack)
		until(t, "it is gone after "+ack, func() bool { return len(n.feeds.Replicas()) == 0 })
		if c := n.confirm.Confirmed(); c != 0 {
			t.Errorf("%s confirmed %d", ack, c)
		}
	}
}

func TestServeAfterCloseRefuses(t *testing.T) {
	n := newNode(t)
	n.feeds.Close()
	a, b := net.Pipe()
	n.feeds.Serve(a, nil, Hello{}, Request{})
	if _, err := b.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection of a late replica reads %v", err)
	}
}
