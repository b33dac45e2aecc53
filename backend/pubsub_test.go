package backend_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		w := p.wire()
		w.command("SUBSCRIBE news sport", "PSUBSCRIBE n*", "PING", "GET a")
		w.expect("*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$5\r\nsport\r\n:2\r\n*3\r\n$10\r\npsubscribe\r\n$2\r\nn*\r\n:3\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n-ERR Can't execute 'get'")
		w.expect(": only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n")
		if got := p.must("PUBLISH news hello").Int; got != 2 {
			t.Errorf("%d heard it", got)
		}
		w.expect("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$5\r\nhello\r\n")
		if got := p.must("PUBSUB NUMSUB news none").Elems; got[1].Int != 1 || got[3].Int != 0 {
			t.Errorf("PUBSUB NUMSUB: %v", got)
		}
		if got := p.must("PUBSUB CHANNELS s*").Strings(); len(got) != 1 || got[0] != "sport" {
			t.Errorf("PUBSUB CHANNELS: %v", got)
		}
		w.command("UNSUBSCRIBE news sport", "PUNSUBSCRIBE", "UNSUBSCRIBE", "GET a")
		w.expect("*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:2\r\n*3\r\n$11\r\nunsubscribe\r\n$5\r\nsport\r\n:1\r\n*3\r\n$12\r\npunsubscribe\r\n$2\r\nn*\r\n:0\r\n*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n$-1\r\n")
		w.Close()
		await(t, "nobody listens", func() bool { return len(p.must("PUBSUB CHANNELS").Elems) == 0 })
	})
}

// In RESP3 a client may publish to itself: the message follows the reply.
func TestPublishToOneself(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	w.command("HELLO 3")
	w.expect("%7\r\n")
	await(t, "the client speaks RESP3", func() bool { return strings.Contains(p.must("CLIENT LIST").Text, "cmd=hello") })
	w.command("SUBSCRIBE c", "PUBLISH c m", "MULTI", "PUBLISH c n", "PING", "EXEC")
	for line := ""; line != "*0\r\n"; { // the end of HELLO's reply
		b := make([]byte, 1)
		for line = ""; !strings.HasSuffix(line, "\n"); line += string(b) {
			if _, err := w.Read(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.expect(">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n:1\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n")
	w.expect("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n+PONG\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nn\r\n")
}

// A subscriber that does not read is closed; the publisher notices nothing.
func TestSlowSubscriberIsClosed(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--event-loops", "2", "--client-output-buffer-limit", "pubsub 1mb 0 0")
	w := p.wire()
	w.command("SUBSCRIBE c")
	await(t, "it listens", func() bool { return len(p.must("PUBSUB CHANNELS").Elems) == 1 })
	message := strings.Repeat("x", 64<<10)
	await(t, "the subscriber is closed", func() bool {
		v, err := ask(t, p.data, "PUBLISH", "c", message)
		return err == nil && v.Int == 0
	})
}

func TestKeyspaceEvents(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--notify-keyspace-events", "KEA")
	w := p.wire()
	w.command("PSUBSCRIBE __key*")
	w.expect("*3\r\n$10\r\npsubscribe\r\n$6\r\n__key*\r\n:1\r\n")
	p.must("SET k 1 PX 1")
	for _, event := range []string{"set", "expire", "expired"} {
		w.expect(fmt.Sprintf("*4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$16\r\n__keyspace@0__:k\r\n$%d\r\n%s\r\n", len(event), event))
		channel := "__keyevent@0__:" + event
		w.expect(fmt.Sprintf("*4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$%d\r\n%s\r\n$1\r\nk\r\n", len(channel), channel))
	}
	p.must("CONFIG SET notify-keyspace-events Kl")
	p.must("SET k 1")
	p.must("RPUSH l 1")
	w.expect("*4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$16\r\n__keyspace@0__:l\r\n$5\r\nrpush\r\n")
}

func TestNewKeyEvents(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--notify-keyspace-events", "En")
	w := p.wire()
	w.command("PSUBSCRIBE *")
	w.expect("*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n")
	expect := func(key string) {
		t.Helper()
		w.expect(fmt.Sprintf("*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$18\r\n__keyevent@0__:new\r\n$%d\r\n%s\r\n", len(key), key))
	}
	p.must("SET a 1")
	expect("a")
	p.must("SET a 2")
	p.must("RPUSH l 1 2")
	expect("l")
	p.must("RPUSH l 3")
	p.must("RENAME l m")
	expect("m")
	p.must("SADD s x")
	expect("s")
	p.must("SUNIONSTORE s s")
	p.must("SUNIONSTORE t s")
	expect("t")
	p.must("APPEND b x")
	expect("b")
	p.must("CONFIG SET notify-keyspace-events KEA")
	p.must("DEL a")
	w.expect("*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$16\r\n__keyspace@0__:a\r\n$3\r\ndel\r\n")
}

func TestKeyMissEvents(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--notify-keyspace-events", "Em")
	w := p.wire()
	w.command("PSUBSCRIBE *")
	w.expect("*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n")
	expect := func(key string) {
		t.Helper()
		w.expect(fmt.Sprintf("*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$22\r\n__keyevent@0__:keymiss\r\n$%d\r\n%s\r\n", len(key), key))
	}
	p.must("SET there 1")
	p.must("MGET there a b")
	expect("a")
	expect("b")
	p.must("INCR c") // a write is no miss
	p.must("EXPIRE d 1")
	p.must("OBJECT ENCODING e")
	p.must("SINTERCARD 2 f g")
	expect("f")
	expect("g")
	p.must("EVAL return(redis.call('ttl',KEYS[1])) 1 h")
	expect("h")
	p.must("CONFIG SET notify-keyspace-events EA")
	p.must("GET i")
	p.must("DEL there")
	w.expect("*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$18\r\n__keyevent@0__:del\r\n$5\r\nthere\r\n")
}

func TestMonitor(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	w.command("MONITOR")
	w.expect("+OK\r\n")
	p.must("SET a 1")
	p.must("AUTH default secret")
	p.must("CONFIG GET port")
	line := func() string {
		var b [1]byte
		text := ""
		for !strings.HasSuffix(text, "\r\n") {
			if _, err := w.Read(b[:]); err != nil {
				t.Fatal(err)
			}
			text += string(b[:])
		}
		return text
	}
	if got := line(); !strings.HasSuffix(got, `] "SET" "a" "1"`+"\r\n") {
		t.Errorf("saw %q", got)
	}
	if got := line(); !strings.HasSuffix(got, `] "AUTH" "(redacted)" "(redacted)"`+"\r\n") {
		t.Errorf("saw %q", got)
	}
	w.silent()
}
