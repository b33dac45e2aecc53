package backend_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

func (p *process) migrate(to *process, rest string) string {
	p.t.Helper()
	v, err := ask(p.t, p.data, strings.Fields(fmt.Sprintf("MIGRATE 127.0.0.1 %d %s", to.port, rest))...)
	if err != nil {
		return err.Error()
	}
	return v.Text
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	a, b := begin(t, t.TempDir()), begin(t, t.TempDir())
	follower := begin(t, t.TempDir())
	follower.follows(a)
	check := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	a.must("RPUSH list x y z")
	a.must("SET text value PX 100000")
	check(a.migrate(b, "list 9 30000"), "OK")
	check(a.migrate(b, "list 9 30000"), "NOKEY")
	check(a.migrate(b, "text 9 30000 COPY"), "OK")
	b.must("SELECT 9")
	check(strings.Join(b.must("LRANGE list 0 -1").Strings(), " "), "x y z")
	if ttl := b.must("PTTL text").Int; ttl < 1 || ttl > 100000 {
		t.Errorf("the copy lives for %d ms", ttl)
	}
	check(a.migrate(b, "text 9 30000"), "ERR Target instance replied with error: BUSYKEY Target key name already exists.")
	check(a.must("GET text").Text, "value")
	check(a.migrate(b, "text 9 30000 REPLACE"), "OK")
	a.must("MSET k1 1 k2 2 k3 3")
	b.must("SET k2 other")
	args := append(strings.Fields(fmt.Sprintf("MIGRATE 127.0.0.1 %d", b.port)), append([]string{""}, strings.Fields("9 30000 KEYS k1 k2 k3 k4")...)...)
	if _, err := ask(t, a.data, args...); err == nil || !strings.Contains(err.Error(), "BUSYKEY") {
		t.Errorf("a key of several that is busy: %v", err)
	}
	check(strings.Join(a.must("KEYS *").Strings(), " "), "k2")
	if !strings.Contains(a.must("INFO stats").Text, "migrate_cached_sockets:1\r\n") {
		t.Error("no connection is kept")
	}
	equal(t, a, follower)
	for request, want := range map[string]string{
		"k 9 30000 KEYS x":   "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
		"k 9 30000 AUTH":     "ERR syntax error",
		"k x 30000":          "ERR value is not an integer or out of range",
		"k2 99 30000":        "ERR Target instance replied with error: ERR DB index is out of range",
		"k2 0 30000 AUTH no": "ERR Target instance replied with error: ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
	} {
		check(a.migrate(b, request), want)
	}
	check(a.must("GET k2").Text, "2")
}

// A target that takes connections and says nothing costs the client its timeout, and
// nobody else anything.
func TestMigrateToSilence(t *testing.T) {
	t.Parallel()
	a := begin(t, t.TempDir())
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	a.must("SET k v")
	w := a.wire()
	w.command(fmt.Sprintf("MIGRATE 127.0.0.1 %d k 0 2000", silent.Addr().(*net.TCPAddr).Port)) // each step has so long
	w.expect("-IOERR error or timeout reading from target instance\r\n")
	if given, err := silent.Accept(); err != nil || given.Close() != nil {
		t.Fatal(err)
	}
	w.command(fmt.Sprintf("MIGRATE 127.0.0.1 %d k 0 600000", silent.Addr().(*net.TCPAddr).Port))
	target, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	a.must("SET other v") // long before that time is over
	target.Close()
	w.expect("-IOERR error or timeout reading from target instance\r\n")
	silent.Close()
	w.command(fmt.Sprintf("MIGRATE 127.0.0.1 %d k 0 300", silent.Addr().(*net.TCPAddr).Port))
	w.expect("-IOERR error or timeout connecting to the client\r\n")
	w.command("MULTI", "MIGRATE 127.0.0.1 1 k 0 300", "EXEC")
	w.expect("+OK\r\n+QUEUED\r\n*1\r\n-ERR MIGRATE waits for another server, which is not possible inside a transaction or a script\r\n")
}

// No increment is lost or counted twice while the counter moves to and fro.
func TestMigrateUnderWrites(t *testing.T) {
	t.Parallel()
	a, b := begin(t, t.TempDir()), begin(t, t.TempDir())
	writer := a.dial(a.port)
	stop, made := make(chan struct{}), make(chan int64)
	go func() {
		n := int64(0)
		defer func() { made <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := ask(t, writer, "INCR", "counter"); err != nil {
				t.Error(err)
				return
			}
			n++
		}
	}()
	total := int64(0)
	for range 20 {
		if got := a.migrate(b, "counter 0 30000"); got != "OK" && got != "NOKEY" {
			t.Errorf("MIGRATE: %s", got)
		}
		var n int64
		fmt.Sscan(b.must("GETDEL counter").Text, &n)
		total += n
	}
	close(stop)
	n := <-made
	var rest int64
	fmt.Sscan(a.must("GET counter").Text, &rest)
	if total+rest != n {
		t.Errorf("%d increments were made, %d arrived and %d stayed", n, total, rest)
	}
}

// Every type goes from a node to redis-server, with a password, and back.
func TestMigrateToRedisAndBack(t *testing.T) {
	t.Parallel()
	a, b := begin(t, t.TempDir()), redis(t)
	b.must("CONFIG SET requirepass secret")
	for _, line := range []string{"SET s text", "SET n 12345", "RPUSH l 1 b 3", "SADD i 1 2 3", "SADD m a b c", "HSET h f v g 1",
		"ZADD z 1 a 2.5 b", "PFADD p a b c", "GEOADD g 13.3 38.1 Palermo", "XADD x 1-1 f v", "PEXPIREAT h 4000000000000"} {
		a.must(line)
	}
	keys := "s n l i m h z p g x"
	before := a.must("DEBUG DIGEST").Text
	send := func(from, to *process, options string) {
		t.Helper()
		words := append(strings.Fields(fmt.Sprintf("MIGRATE 127.0.0.1 %d", to.port)), append([]string{""}, strings.Fields(options+" KEYS "+keys)...)...)
		if v, err := ask(t, from.data, words...); err != nil || v.Text != "OK" {
			t.Fatalf("%q: %v, %v", words, v.Text, err)
		}
	}
	send(a, b, "0 30000 AUTH secret")
	if got := a.must("DBSIZE").Int; got != 0 {
		t.Errorf("%d keys stayed", got)
	}
	if got := b.must("DEBUG DIGEST").Text; got != before {
		t.Error("redis-server has something else")
	}
	send(b, a, "0 30000 REPLACE")
	if got := a.must("DEBUG DIGEST").Text; got != before {
		t.Error("something else came back")
	}
	send(a, b, "0 30000 COPY REPLACE AUTH2 default secret")
	equal(t, a, b)
}
