package backend_test

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
)

// everywhere tells a story to nodes, and to redis-server, which must answer the
// same.
func everywhere(t *testing.T, story func(t *testing.T, p *process)) {
	each(t, story)
	t.Run("redis-server", func(t *testing.T) { story(t, redis(t)) })
}

// resp3 is a connection that has said HELLO 3.
func (p *process) resp3() *wire {
	p.t.Helper()
	w := p.wire()
	w.command("HELLO 3")
	w.skipTo("*0\r\n") // its list of modules
	return w
}

// skipTo reads up to the end of text and not further.
func (w *wire) skipTo(text string) {
	w.t.Helper()
	var got []byte
	for b := []byte{0}; !strings.HasSuffix(string(got), text); got = append(got, b[0]) {
		if _, err := w.Read(b); err != nil {
			w.t.Fatalf("got %q (%v), want it to end in %q", got, err, text)
		}
	}
}

// invalid is the push about keys.
func invalid(keys ...string) string {
	b := fmt.Sprintf(">2\r\n$10\r\ninvalidate\r\n*%d\r\n", len(keys))
	for _, key := range keys {
		b += fmt.Sprintf("$%d\r\n%s\r\n", len(key), key)
	}
	return b
}

const invalidAll = ">2\r\n$10\r\ninvalidate\r\n_\r\n"

func TestTracking(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *process) {
		p.must("MSET a 1 b 2 c 3")
		w := p.resp3()
		w.command("CLIENT TRACKING ON", "MGET a b", "GET nosuch")
		w.expect("+OK\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n_\r\n")
		p.must("SET c 4") // was not read
		p.must("SET a 2")
		p.must("SET a 3") // is not in the cache any more
		w.expect(invalid("a"))
		p.must("SET nosuch 1")
		w.expect(invalid("nosuch"))
		w.command("GET b", "SET b 5") // by itself: behind the reply
		w.expect("$1\r\n2\r\n+OK\r\n" + invalid("b"))
		w.command("GET b", "MULTI", "SET b 6", "PING", "EXEC")
		w.expect("$1\r\n5\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n+PONG\r\n" + invalid("b"))
		w.command("EVAL \"return redis.call('get', KEYS[1])\" 1 b")
		w.expect("$1\r\n6\r\n")
		p.must("SWAPDB 0 1") // says nothing about the names
		p.must("SWAPDB 0 1")
		p.must("SET b 7")
		w.expect(invalid("b"))
		p.must("FLUSHDB")
		w.expect(invalidAll)
		w.command("FLUSHALL")
		w.expect("+OK\r\n" + invalidAll)
		w.command("GET b", "CLIENT TRACKING OFF", "CLIENT GETREDIR")
		w.expect("_\r\n+OK\r\n:-1\r\n")
		p.must("SET b 8")
		w.command("PING")
		w.expect("+PONG\r\n")
	})
}

func TestTrackingOfExpiry(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *process) {
		p.must("SET a 1 PX 30")
		w := p.resp3()
		w.command("CLIENT TRACKING ON BCAST NOLOOP")
		w.expect("+OK\r\n" + invalid("a"))
	})
}

func TestTrackingOfWhatWaited(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *process) {
		w := p.resp3()
		w.command("CLIENT TRACKING ON", "LLEN to", "BLMOVE from to LEFT LEFT 0")
		w.expect("+OK\r\n:0\r\n")
		p.blocked(1)
		p.must("RPUSH from x")
		w.expect("$1\r\nx\r\n" + invalid("to"))
	})
}

func TestTrackingModes(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *process) {
		w := p.resp3()
		w.command("CLIENT TRACKING ON BCAST PREFIX a: PREFIX b:", "CLIENT TRACKING ON BCAST PREFIX c:", "CLIENT TRACKINGINFO")
		w.expect("+OK\r\n+OK\r\n%3\r\n$5\r\nflags\r\n~2\r\n$2\r\non\r\n$5\r\nbcast\r\n$8\r\nredirect\r\n:0\r\n$8\r\nprefixes\r\n*3\r\n$2\r\na:\r\n$2\r\nb:\r\n$2\r\nc:\r\n")
		p.must("MSET a:2 1 a:1 1 x 1") // one message a prefix, in order
		w.expect(invalid("a:1", "a:2"))
		p.must("DEL c:1 x")
		p.must("SET c:1 1")
		w.expect(invalid("c:1"))
		w.command("CLIENT TRACKING ON BCAST PREFIX a:x", "CLIENT TRACKING ON", "CLIENT CACHING YES")
		w.expect("-ERR Prefix 'a:x' overlaps with an existing prefix 'a:'. Prefixes for a single client must not overlap.\r\n" +
			"-ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.\r\n" +
			"-ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.\r\n")

		w = p.resp3()
		w.command("CLIENT TRACKING ON BCAST NOLOOP", "SET x 1")
		w.expect("+OK\r\n+OK\r\n")
		p.must("SET y 1")
		w.expect(invalid("y"))

		w = p.resp3()
		w.command("CLIENT TRACKING ON OPTIN", "GET a", "CLIENT CACHING YES", "GET b", "GET c")
		w.expect("+OK\r\n_\r\n+OK\r\n_\r\n_\r\n")
		p.must("MSET a 1 c 1 b 1")
		w.expect(invalid("b"))
		w.command("CLIENT CACHING YES", "CLIENT GETNAME", "MULTI", "GET a", "GET b", "EXEC", "GET c", "CLIENT TRACKINGINFO")
		w.expect("+OK\r\n_\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n%3\r\n$5\r\nflags\r\n~2\r\n$2\r\non\r\n$5\r\noptin\r\n$8\r\nredirect\r\n:0\r\n$8\r\nprefixes\r\n*0\r\n")
		p.must("MSET a 2 b 2 c 2")
		w.expect(invalid("a") + invalid("b"))

		w = p.resp3()
		w.command("CLIENT TRACKING ON OPTOUT NOLOOP", "CLIENT CACHING NO", "GET a", "GET b", "SET b 2", "GET b")
		w.expect("+OK\r\n+OK\r\n$1\r\n2\r\n$1\r\n2\r\n+OK\r\n$1\r\n2\r\n")
		p.must("MSET a 3 b 3")
		w.expect(invalid("b"))
	})
}

func TestTrackingRedirection(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *process) {
		listener := p.wire()
		listener.command("CLIENT ID")
		line, err := bufio.NewReaderSize(listener, 16).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		id := strings.TrimSpace(line[1:])
		listener.command("SUBSCRIBE __redis__:invalidate")
		listener.expect("*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n")
		w := p.wire()
		w.command("CLIENT TRACKING ON REDIRECT 123456789", "CLIENT TRACKING ON REDIRECT "+id, "GET a", "CLIENT GETREDIR")
		w.expect("-ERR The client ID you want redirect to does not exist\r\n+OK\r\n$-1\r\n:" + id + "\r\n")
		p.must("SET a 1")
		const head = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n"
		listener.expect(head + "*1\r\n$1\r\na\r\n")
		p.must("FLUSHALL")
		listener.expect(head + "$-1\r\n")
		three := p.resp3()
		three.command("CLIENT TRACKING ON REDIRECT "+id, "GET a")
		three.expect("+OK\r\n_\r\n")
		listener.Close()
		await(t, "the listener is gone", func() bool { return !strings.Contains(p.must("CLIENT LIST").Text, "id="+id+" ") })
		p.must("SET a 1")
		three.expect(">2\r\n$21\r\ntracking-redir-broken\r\n:" + id + "\r\n")
		if list := p.must("CLIENT LIST").Text; !strings.Contains(list, "flags=tR ") || !strings.Contains(list, "redir="+id+" ") {
			t.Error(list)
		}
	})
}

// The table is bounded: who loses a place in it is told to forget the key.
func TestTrackingTable(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--tracking-table-max-keys", "10")
	w := p.resp3()
	w.command("CLIENT TRACKING ON")
	w.expect("+OK\r\n")
	for i := range 11 {
		w.command(fmt.Sprint("GET key:", i))
		w.expect("_\r\n")
	}
	w.expect(">2\r\n$10\r\ninvalidate\r\n*1\r\n$")
	w.skipTo("key:")
	w.skipTo("\r\n")
	p.must("CONFIG SET tracking-table-max-keys 7")
	for range 3 {
		w.expect(">2\r\n$10\r\ninvalidate\r\n*1\r\n$")
		w.skipTo("key:")
		w.skipTo("\r\n")
	}
	for _, want := range []string{"tracking_total_keys:7", "tracking_total_items:7", "tracking_total_prefixes:0", "tracking_clients:1"} {
		if info := p.must("INFO everything").Text; !strings.Contains(info, want+"\r\n") {
			t.Errorf("INFO lacks %s", want)
		}
	}
	w.Close()
	await(t, "nobody tracks", func() bool { return strings.Contains(p.must("INFO stats").Text, "tracking_total_keys:0\r\n") })
}

// A message finds its client on whatever loop that is.
func TestTrackingAcrossLoops(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--event-loops", "3")
	var readers []*wire
	for range 6 {
		w := p.resp3()
		w.command("CLIENT TRACKING ON", "GET a")
		w.expect("+OK\r\n_\r\n")
		readers = append(readers, w)
	}
	readers[0].command("SET a 1")
	readers[0].expect("+OK\r\n")
	for _, w := range readers {
		w.expect(invalid("a"))
	}
}
