package backend_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// field is a field of the line of CLIENT LIST that has text in it; empty when
// there is no such client.
func (p *process) field(text, name string) string {
	p.t.Helper()
	for line := range strings.Lines(p.must("CLIENT LIST").Text) {
		if !strings.Contains(line, text) {
			continue
		}
		for _, f := range strings.Fields(line) {
			if v, ok := strings.CutPrefix(f, name+"="); ok {
				return v
			}
		}
	}
	return ""
}

// The client that takes most is closed, and only it.
func TestClientEviction(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *process) {
		p.must("CONFIG SET maxmemory-clients 3000000")
		send := func(name string, bytes int) *wire {
			w := p.wire()
			w.command("CLIENT SETNAME " + name)
			w.expect("+OK\r\n")
			w.send(fmt.Sprintf("*1\r\n$%d\r\n%s", bytes+100_000, strings.Repeat("x", bytes)))
			return w
		}
		send("small", 500_000)
		await(t, "the small one's bytes are there", func() bool { return p.field("name=small", "qbuf") == "500000" })
		large := send("large", 1_000_000)
		await(t, "the large one's bytes are there", func() bool { return p.field("name=large", "qbuf") == "1000000" })
		p.must("CONFIG SET maxmemory-clients 1000000")
		large.ended()
		if p.field("name=small", "id") == "" {
			t.Error("the small client is gone too")
		}
		if info := p.must("INFO stats").Text; !strings.Contains(info, "evicted_clients:1\r\n") {
			t.Error("INFO does not count it")
		}
		spared := p.wire()
		spared.command("CLIENT SETNAME spared", "CLIENT NO-EVICT ON", "SUBSCRIBE "+strings.Repeat("c", 60_000))
		spared.expect("+OK\r\n+OK\r\n*3\r\n")
		p.must("CLIENT NO-EVICT ON")
		p.must("CONFIG SET maxmemory-clients 1000")
		await(t, "the small client is gone", func() bool { return p.field("name=small", "id") == "" })
		if p.field("name=spared", "id") == "" {
			t.Error("CLIENT NO-EVICT does not protect")
		}
	})
}

// A client that does not read is closed at its limits, the soft one without
// further traffic.
func TestOutputLimits(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--client-output-buffer-limit", "pubsub 0 100000 1")
	w := p.wire()
	w.command("CLIENT SETNAME lazy", "SUBSCRIBE c")
	w.expect("+OK\r\n*3\r\n")
	await(t, "the buffer is past the soft limit", func() bool {
		p.must("PUBLISH c " + strings.Repeat("m", 100_000))
		omem, _ := strconv.Atoi(p.field("name=lazy", "omem"))
		return omem > 100_000+1<<10 // of which the limit does not see 1 KB
	})
	await(t, "the client is closed", func() bool { return p.field("name=lazy", "id") == "" })
}

// The smallest limits let through who could mend them.
func TestTheSmallestLimits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		p.must("SET large " + strings.Repeat("x", 30_000))
		p.must("CONFIG SET maxmemory-clients 1")
		if _, err := ask(t, p.data, "CONFIG", "SET", "client-output-buffer-limit", "normal 1 0 0"); err != nil {
			t.Fatal(err)
		}
		w := p.wire()
		w.command("GETRANGE large 0 9")
		w.expect("$10\r\nxxxxxxxxxx\r\n")
		w.command("GETRANGE large 0 1999")
		w.ended()
		p.must("PING")
	})
}

// CLIENT NO-TOUCH leaves the access clock alone, but for TOUCH.
func TestNoTouch(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		p.must("SET key v")
		p.must("CLIENT NO-TOUCH ON")
		await(t, "the key is idle", func() bool { p.must("GET key"); return p.must("OBJECT IDLETIME key").Int > 0 })
		p.must("TOUCH key")
		if idle := p.must("OBJECT IDLETIME key").Int; idle != 0 {
			t.Errorf("TOUCH leaves it idle for %d s", idle)
		}
	})
}

// A request that grows past its limit ends the connection.
func TestQueryBufferLimit(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *process) {
		p.must("CONFIG SET client-query-buffer-limit 1mb")
		w := p.wire()
		w.send("*2\r\n$4\r\nECHO\r\n$3000000\r\n" + strings.Repeat("x", 2<<20))
		w.ended()
		p.must("PING")
	})
}
