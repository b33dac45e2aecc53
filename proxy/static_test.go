package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestAnswersAreThoseOfTheServer sends the same requests to redis-server and
// through a proxy, in both protocols.
func TestAnswersAreThoseOfTheServer(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	for _, proto := range []string{"2", "3"} {
		t.Run("RESP"+proto, func(t *testing.T) {
			direct, through := connect(t, r.addr), connect(t, addr)
			direct.do("HELLO", proto)
			through.do("HELLO", proto)
			lines := []string{
				"FLUSHALL", "PING", "PING hello", "PING a b", "ECHO x", "SET k v", "GET k", "GET nothing", "INCR k", "LPUSH l a b c",
				"LRANGE l 0 -1", "HSET h f v", "HGETALL h", "ZADD z 1.5 m", "ZRANGE z 0 -1 WITHSCORES", "SMEMBERS nothing",
				"GET", "NOSUCH a b", "SELECT 1", "GET k", "SET k db1", "SELECT x", "SELECT -1", "SELECT 1000", "GET k", "SELECT 0", "GET k",
				"MULTI", "SET a 1", "INCR a", "EXEC", "GET a", "MULTI", "MULTI", "GET", "EXEC", "EXEC", "DISCARD", "MULTI", "SET a 9", "DISCARD", "GET a",
				"MULTI", "EXEC", "WATCH a", "SET a 2", "MULTI", "GET a", "EXEC", "WATCH a", "UNWATCH", "MULTI", "GET a", "EXEC", "WATCH",
				"CLIENT SETNAME me", "CLIENT GETNAME", "CLIENT NO-EVICT on", "CLIENT KILL ID 0", "CLIENT NOSUCH",
				"CLIENT UNBLOCK x", "CLIENT UNBLOCK 01", "CLIENT LIST ID +1", "CLIENT KILL ID 007", "SELECT 01", "SELECT +1", "HELLO 03", "CLIENT UNBLOCK 1 NOW", "CLIENT UNBLOCK x NOW", "CLIENT UNBLOCK 1 ERROR more", "CLIENT UNBLOCK 999999 error",
				"BLPOP l 1", "BLPOP nothing 0.01", "BLPOP l x", "XADD s 1-1 f v", "XREAD STREAMS s 0", "XREAD BLOCK 10 STREAMS s 1-1", "EVAL return{1,2,KEYS[1]} 1 k",
				"OBJECT ENCODING l", "DBSIZE", "TYPE z", "EXPIREAT k 9999999999", "EXPIRETIME k", "SCAN 0", "WAIT 0 10", "AUTH x", "HELLO 9", "RESET", "GET k",
			}
			var want []string // one after the other, since both change the same data
			for _, line := range lines {
				want = append(want, direct.do(strings.Fields(line)...))
			}
			for i, line := range lines {
				if got := through.do(strings.Fields(line)...); got != want[i] {
					t.Errorf("%s: server %q, proxy %q", line, want[i], got)
				}
			}
		})
	}
}

func TestWatchSeesTheWriteOfAnother(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	a, b := connect(t, addr), connect(t, addr)
	a.want("OK", "SET", "k", "1")
	a.want("OK", "WATCH", "k")
	a.want("1", "GET", "k")
	b.want("OK", "SET", "k", "2")
	a.want("OK", "MULTI")
	a.want("QUEUED", "SET", "k", "3")
	a.want("nil", "EXEC")
	a.want("2", "GET", "k")
}

// TestPipelineKeepsOrder mixes what the proxy answers itself with what goes to
// shared and private connections.
func TestPipelineKeepsOrder(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	c := connect(t, addr)
	var want []string
	send := func(reply string, args ...string) {
		c.Send(args...)
		want = append(want, reply)
	}
	for i := range 50 {
		n := fmt.Sprint(i)
		send("OK", "SET", "k", n)
		send("PONG", "PING")
		send(n, "GET", "k")
		send("OK", "MULTI")
		send("QUEUED", "GET", "k")
		send("QUEUED", "PING", "x")
		send("["+n+" x]", "EXEC")
		send("1", "RPUSH", "l", n)
		send("[l "+n+"]", "BLPOP", "l", "0")
		send("OK", "SELECT", fmt.Sprint(i%3))
		send("OK", "WATCH", "k")
		send("OK", "UNWATCH")
	}
	for i, w := range want {
		if got := c.receive(); got != w {
			t.Fatalf("reply %d: got %q, want %q", i, got, w)
		}
	}
}

// WAIT through a proxy to a plain Redis brings its mark along to every connection:
// one that has written nothing would have nothing to wait for.
func TestWaitIsSentAgainWithItsMark(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	a, b := connect(t, addr), connect(t, addr)
	direct := connect(t, r.addr)
	marks := func(n int) func() bool {
		return func() bool {
			return strings.Contains(direct.do("INFO", "commandstats"), fmt.Sprintf("cmdstat_publish:calls=%d,", n)) &&
				strings.Contains(direct.do("INFO", "clients"), "blocked_clients:1")
		}
	}
	a.want("OK", "SET", "k", "v")
	id := a.do("CLIENT", "ID")
	a.Send("WAIT", "1", "60000")
	a.flush()
	eventually(t, "it waits behind its mark", marks(1))
	direct.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	eventually(t, "it waits again, behind another", marks(2))
	b.want("1", "CLIENT", "UNBLOCK", id)
	if got := a.receive(); got != "0" {
		t.Fatal(got)
	}
	a.want("v", "GET", "k")
}

func TestBlockedClientIsServedAndUnblocked(t *testing.T) {
	r := startRedis(t)
	p, addr := startProxy(t, "--master", r.addr)
	a, b := connect(t, addr), connect(t, addr)
	a.Send("BLPOP", "l", "0")
	if err := a.Flush(a.ctx); err != nil {
		t.Fatal(err)
	}
	direct := connect(t, r.addr)
	blocked := func() bool { return strings.Contains(direct.do("INFO", "clients"), "blocked_clients:1") }
	eventually(t, "blocked", blocked)
	b.want("1", "RPUSH", "l", "x")
	if got := a.receive(); got != "[l x]" {
		t.Fatal(got)
	}
	id := a.do("CLIENT", "ID")
	a.Send("BLPOP", "l", "0")
	if err := a.Flush(a.ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "blocked again", blocked)
	b.want("1", "CLIENT", "UNBLOCK", id)
	if got := a.receive(); got != "nil" {
		t.Fatal(got)
	}
	// One that leaves must not eat what comes later.
	a.Send("BLPOP", "l", "0")
	if err := a.Flush(a.ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "blocked once more", blocked)
	a.Close()
	eventually(t, "unblocked", func() bool { return !blocked() && p.clients.Load() == 1 })
	b.want("1", "RPUSH", "l", "y")
	b.want("1", "LLEN", "l")
}

func TestSubscriber(t *testing.T) {
	for _, proto := range []string{"2", "3"} {
		t.Run("RESP"+proto, func(t *testing.T) {
			r := startRedis(t)
			_, addr := startProxy(t, "--master", r.addr)
			sub, pub := rawConnect(t, addr), connect(t, addr)
			push := map[string]string{"2": "*", "3": ">"}[proto]
			sub.send("HELLO", proto)
			sub.skipReply()
			sub.send("SUBSCRIBE", "a", "b")
			sub.expect(push + "3|$9|subscribe|$1|a|:1|" + push + "3|$9|subscribe|$1|b|:2|")
			sub.send("PSUBSCRIBE", "c*")
			sub.expect(push + "3|$10|psubscribe|$2|c*|:3|")
			pub.want("1", "PUBLISH", "a", "one")
			sub.expect(push + "3|$7|message|$1|a|$3|one|")
			if proto == "2" {
				sub.send("PING")
				sub.expect("*2|$4|pong|$0||")
				sub.send("GET", "k")
				sub.expectPrefix("-ERR Can't execute 'get'")
				sub.send("CLIENT", "ID")
				sub.expectPrefix("-ERR Can't execute 'client|id'")
			} else {
				sub.send("SET", "k", "v")
				sub.expect("+OK|")
			}
			r.kill() // the subscriptions must move to the next server
			r.start(t)
			eventually(t, "subscribed again", func() bool { return pub.do("PUBLISH", "b", "two") == "1" })
			sub.expect(push + "3|$7|message|$1|b|$3|two|")
			pub.want("1", "PUBLISH", "cd", "three")
			sub.expect(push + "4|$8|pmessage|$2|c*|$2|cd|$5|three|")
			sub.send("UNSUBSCRIBE", "a")
			sub.expect(push + "3|$11|unsubscribe|$1|a|:2|")
			sub.send("UNSUBSCRIBE")
			sub.expect(push + "3|$11|unsubscribe|$1|b|:1|")
			sub.send("PUNSUBSCRIBE")
			sub.expect(push + "3|$12|punsubscribe|$2|c*|:0|")
			sub.send("SET", "k", "v")
			sub.expect("+OK|")
		})
	}
}

// raw is a connection of which every byte is looked at.
type raw struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func rawConnect(t testing.TB, addr string) *raw {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(2 * patience))
	return &raw{c, t, bufio.NewReader(c)}
}

func (r *raw) send(args ...string) {
	r.t.Helper()
	if _, err := fmt.Fprint(r, strings.Join(args, " ")+"\r\n"); err != nil {
		r.t.Fatal(err)
	}
}

// expect reads as much as want is long; '|' stands for the end of a line.
func (r *raw) expect(want string) {
	r.t.Helper()
	b := make([]byte, len(strings.ReplaceAll(want, "|", "\r\n")))
	_, err := io.ReadFull(r.r, b)
	if got := strings.ReplaceAll(string(b), "\r\n", "|"); got != want {
		r.t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

func (r *raw) expectPrefix(want string) {
	r.t.Helper()
	line, err := r.r.ReadString('\n')
	if !strings.HasPrefix(line, want) {
		r.t.Fatalf("got %q, %v; want %q…", line, err, want)
	}
}

// skipReply reads past the reply to the request before.
func (r *raw) skipReply() {
	r.t.Helper()
	r.send("ECHO", "end-of-it")
	r.skipTo("end-of-it")
}

// skipTo reads past the next line that begins so.
func (r *raw) skipTo(start string) {
	r.t.Helper()
	for {
		line, err := r.r.ReadString('\n')
		if err != nil {
			r.t.Fatal(err)
		}
		if strings.HasPrefix(line, start) {
			return
		}
	}
}

func TestMalformedRequests(t *testing.T) {
	r := startRedis(t)
	p, addr := startProxy(t, "--master", r.addr, "--proto-max-bulk-len", "1mb")
	for input, want := range map[string]string{
		"*3\r\n$3\r\nSET\r\n$-5\r\n":            "-ERR Protocol error: invalid bulk length",
		"*1\r\n:4\r\n":                          "-ERR Protocol error: expected '$', got ':'",
		"*99999999999\r\n":                      "-ERR Protocol error: invalid multibulk length",
		"*2\r\n$3\r\nGET\r\n$2000000\r\n":       "-ERR Protocol error: invalid bulk length",
		"GET \"x\r\n":                           "-ERR Protocol error: unbalanced quotes in request",
		strings.Repeat("x", 70000):              "-ERR Protocol error: too big inline request",
		"*1\r\n$" + strings.Repeat("1", 70<<10): "-ERR Protocol error: too big bulk count string",
	} {
		c := rawConnect(t, addr)
		fmt.Fprint(c, "SET k v\r\n"+input)
		c.expectPrefix("+OK")
		c.expectPrefix(want)
		if _, err := c.r.ReadByte(); err == nil {
			t.Errorf("%.20q: the connection is still open", input)
		}
	}
	c := connect(t, addr)
	c.want("v", "GET", "k")
	c.want("-ERR HOLDFAST EPOCH is not possible through a proxy", "HOLDFAST", "EPOCH")
	c.want("-ERR PSYNC is not possible through a proxy", "PSYNC", "?", "-1")
	if n := p.gather().protocolErrors; n != 7 {
		t.Errorf("%d protocol errors counted", n)
	}
}

func TestLargeValuesAndSlowReader(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	c := connect(t, addr)
	size := 4 << 20
	if testing.Short() { // the race detector takes a second for some megabytes
		size = 1 << 20
	}
	big := strings.Repeat("0123456789abcdef", size/16)
	c.want("OK", "SET", "big", big)
	if got := c.do("GET", "big"); got != big {
		t.Fatalf("%d bytes came back", len(got))
	}
	// A client that asks and does not read must not keep others from their
	// replies, and gets its own in the end.
	slow := rawConnect(t, addr)
	for range 20 {
		slow.send("GET", "big")
	}
	c.want("OK", "SET", "small", "x")
	for range 20 {
		slow.expectPrefix("$" + fmt.Sprint(len(big)))
		if _, err := slow.r.Discard(len(big) + 2); err != nil {
			t.Fatal(err)
		}
	}
}

func TestClientListAndKill(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	a, b := connect(t, addr), connect(t, addr)
	a.want("OK", "CLIENT", "SETNAME", "anna")
	b.want("OK", "CLIENT", "SETNAME", "bert")
	list := a.do("CLIENT", "LIST")
	if strings.Count(list, "\n") != 2 || !strings.Contains(list, "name=anna") || !strings.Contains(list, "name=bert") {
		t.Fatal(list)
	}
	a.want("1", "CLIENT", "KILL", "ID", b.do("CLIENT", "ID"))
	b.Send("PING")
	if _, err := b.Receive(b.ctx); err == nil {
		t.Fatal("still alive")
	}
	a.want("-ERR No such client", "CLIENT", "KILL", "1.2.3.4:5")
}

func TestUsersAreCheckedByTheServer(t *testing.T) {
	r := startRedis(t, "--requirepass", "secret", "--user", "alice", "on", ">wonder", "~a*", "+@all")
	_, addr := startProxy(t, "--master", r.addr)
	c := connect(t, addr)
	if got := c.do("GET", "k"); !strings.HasPrefix(got, "-NOAUTH") {
		t.Fatal(got)
	}
	if got := c.do("AUTH", "wrong"); !strings.HasPrefix(got, "-WRONGPASS") {
		t.Fatal(got)
	}
	c.want("OK", "AUTH", "secret")
	c.want("OK", "SET", "k", "v")
	alice := connect(t, addr)
	if got := alice.do("HELLO", "3", "AUTH", "alice", "wonder"); !strings.Contains(got, "proto 3") {
		t.Fatal(got)
	}
	alice.want("OK", "SET", "abc", "1")
	if got := alice.do("GET", "k"); !strings.HasPrefix(got, "-NOPERM") {
		t.Fatal(got)
	}
	c.want("1", "GET", "abc")
	if got := alice.do("AUTH", "alice", "nonsense"); !strings.HasPrefix(got, "-WRONGPASS") {
		t.Fatal(got)
	}
	alice.want("1", "GET", "abc")
}

func TestProxyHasItsOwnPassword(t *testing.T) {
	r := startRedis(t, "--requirepass", "inner")
	_, addr := startProxy(t, "--master", r.addr, "--requirepass", "outer", "--auth-pass", "inner")
	c := connect(t, addr)
	c.want("-NOAUTH Authentication required.", "PING")
	c.want("-WRONGPASS invalid username-password pair or user is disabled.", "AUTH", "inner")
	c.want("OK", "AUTH", "outer")
	c.want("OK", "SET", "k", "v")
	c.want("RESET", "RESET")
	c.want("-NOAUTH Authentication required.", "GET", "k")
}

func TestReplySkipAndOff(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	c := rawConnect(t, addr)
	c.send("CLIENT", "REPLY", "SKIP")
	c.send("SET", "k", "v")
	c.send("GET", "k")
	c.expect("$1|v|")
	c.send("CLIENT", "REPLY", "OFF")
	c.send("SET", "k", "w")
	c.send("PING")
	c.send("CLIENT", "REPLY", "ON")
	c.expect("+OK|")
	c.send("GET", "k")
	c.expect("$1|w|")
}

func TestMonitor(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	m, c := rawConnect(t, addr), connect(t, addr)
	m.send("MONITOR")
	m.expect("+OK|")
	c.want("OK", "SET", "seen", "1")
	for {
		line, err := m.r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, `"SET" "seen" "1"`) {
			break
		}
	}
}

func TestTrackingInvalidates(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	a, b := rawConnect(t, addr), connect(t, addr)
	a.send("HELLO", "3")
	a.skipReply()
	a.send("CLIENT", "TRACKING", "ON")
	a.expect("+OK|")
	a.send("GET", "k")
	a.expect("_|")
	b.want("OK", "SET", "k", "v")
	a.expect(">2|$10|invalidate|*1|$1|k|")
	r.kill()
	r.start(t)
	a.expect(">2|$10|invalidate|_|")
	a.send("GET", "k")
	a.expect("_|")
	b.want("OK", "SET", "k", "v")
	a.expect(">2|$10|invalidate|*1|$1|k|")
}

func TestMaxClients(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr, "--maxclients", "1")
	connect(t, addr).want("PONG", "PING")
	c := rawConnect(t, addr)
	c.expect("-ERR max number of clients reached|")
}

func TestBenchmarkRunsItsWholeList(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr)
	host, port, _ := net.SplitHostPort(addr)
	for _, depth := range []string{"1", "16"} {
		out, err := exec.Command("redis-benchmark", "-h", host, "-p", port, "-n", "2000", "-P", depth, "-q").CombinedOutput()
		if err != nil || strings.Contains(strings.ToLower(string(out)), "error") {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	out, err := exec.Command("redis-cli", "-h", host, "-p", port, "set", "abc", "hahahahah").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "OK" {
		t.Fatalf("%v %s", err, out)
	}
}

// Whoever tries passwords and databases leaves nothing behind in the proxy.
func TestFailedLoginsLeaveNothing(t *testing.T) {
	r := startRedis(t, "--requirepass", "secret")
	p, addr := startProxy(t, "--master", r.addr)
	c := connect(t, addr)
	const tries = 40
	for i := range tries {
		if got := c.do("AUTH", "wrong"+itoa(i)); !strings.HasPrefix(got, "-WRONGPASS") {
			t.Fatalf("a wrong password: %s", got)
		}
	}
	c.want("OK", "AUTH", "secret")
	for i := range tries {
		if got := c.do("SELECT", itoa(100+i)); !strings.HasPrefix(got, "-ERR DB index is out of range") {
			t.Fatalf("a database that does not exist: %s", got)
		}
	}
	c.want("OK", "SET", "k", "v")
	sets := make(chan int)
	p.eachLoop(func(l *loop) { sets <- len(l.sets) })
	most := 0
	for range p.allLoops() {
		most += <-sets
	}
	if most > 2*len(p.allLoops()) {
		t.Errorf("%d sets of lanes are left", most)
	}
}
