package backend_test

import (
	"fmt"
	"testing"
	"time"
)

// What a write changed is not shown to anybody before it is confirmed, be it a
// value, an absence, a count or an error; what it did not change is.
func TestRepliesWaitForWhatTheyShow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		p.must("MSET gone 1 other o")
		p.must("RPUSH list x y")
		p.must("CONFIG SET write-acks 1")
		r := newMute(t, p)
		watcher, bystander := p.wire(), p.wire()
		for _, w := range []*wire{watcher, bystander} {
			w.command("WATCH a other", "MULTI", "GET other")
			w.expect("+OK\r\n+OK\r\n+QUEUED\r\n")
		}
		bystander.command("DISCARD", "WATCH other", "MULTI", "GET list2", "GET other")
		bystander.expect("+OK\r\n+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n")
		popper := p.wire()
		popper.command("BLPOP gone2 0.01")
		popper.expect("*-1\r\n")

		writer := p.wire()
		before := p.offset()
		writer.command("SET a 1", "DEL gone", "LPOP list", "EVAL \"return redis.call('set', KEYS[1], 1)\" 1 lua", "SELECT 1", "SET b 1")
		await(t, "it is written", func() bool { return p.offset() > before })
		var held []func()
		for _, x := range []struct {
			waits          bool
			request, reply string
		}{
			{false, "GET other", "$1\r\no\r\n"},
			{false, "GET b", "$-1\r\n"}, // of another database
			{false, "EXISTS other nosuch", ":1\r\n"},
			{false, "PING", "+PONG\r\n"},
			{false, "SET", "-ERR wrong number of arguments for 'set' command\r\n"},
			{false, "SELECT 3", "+OK\r\n"},
			{false, "WATCH a", "+OK\r\n"},
			{false, "HGET other f", wrongType},
			{false, "BLPOP nosuch 0.01", "*-1\r\n"},
			{false, "MULTI\r\nGET other\r\nEXEC", "+OK\r\n+QUEUED\r\n*1\r\n$1\r\no\r\n"},
			{true, "GET a", "$1\r\n1\r\n"},
			{true, "MGET other a", "*2\r\n$1\r\no\r\n$1\r\n1\r\n"},
			{true, "GET gone", "$-1\r\n"},
			{true, "EXISTS other gone", ":1\r\n"},
			{true, "LPUSH a x", wrongType},
			{true, "HGET list f", wrongType},
			{true, "SET a 2 NX", "$-1\r\n"},
			{true, "TTL a", ":-1\r\n"},
			{true, "TYPE gone", "+none\r\n"},
			{true, "OBJECT ENCODING a", "$3\r\nint\r\n"},
			{true, "BLPOP gone 0.01", "*-1\r\n"},
			{true, "XREAD STREAMS a 0", wrongType},
			{true, "GET lua", "$1\r\n1\r\n"},
			{true, "DBSIZE", ":4\r\n"},
			{true, "RANDOMKEY", ""},
			{true, "KEYS nosuch*", "*0\r\n"},
			{true, "SCAN 0 MATCH nosuch", "*2\r\n$1\r\n0\r\n*0\r\n"},
			{true, "SORT nosuch BY w_* GET a", "*0\r\n"},
			{true, "EVAL \"return 1\" 0", ":1\r\n"},
			{true, "EVAL_RO \"return redis.call('get', 'other')\" 1 other", "$1\r\no\r\n"},
			{true, "COPY nosuch other2 DB 1", ":0\r\n"},
		} {
			w := p.wire()
			w.command(x.request)
			if !x.waits {
				w.expect(x.reply)
			} else if early := w.early(); early != "" {
				t.Errorf("%s was answered %q before what it shows was confirmed", x.request, early)
			} else {
				held = append(held, func() { w.expect(x.reply) })
			}
		}
		block := p.wire()
		block.command("MULTI", "GET other", "GET a", "EXEC")
		block.expect("+OK\r\n+QUEUED\r\n+QUEUED\r\n")
		block.silent()
		watcher.command("EXEC")
		watcher.silent() // nil would tell that a was changed
		bystander.command("EXEC")
		bystander.silent() // and that it ran, that the watched key was not

		r.ack(p.offset())
		for _, expect := range held {
			expect()
		}
		block.expect("*2\r\n$1\r\no\r\n$1\r\n1\r\n")
		watcher.expect("*-1\r\n")
		bystander.expect("*2\r\n$-1\r\n$1\r\no\r\n")
		late := p.wire()
		late.command("GET a", "GET gone", "DBSIZE", "EVAL \"return 1\" 0")
		late.expect("$1\r\n1\r\n$-1\r\n:4\r\n:1\r\n")
	})
}

const wrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"

// A key that nobody asked for until its time had come is not said to be gone
// before the replicas know it.
func TestAbsenceByExpiryWaits(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("CONFIG SET write-acks 1")
	r := newMute(t, p)
	w := p.wire()
	before := p.offset()
	w.command("SET e 1 PX 100")
	await(t, "it is written", func() bool { return p.offset() > before })
	before = p.offset()
	r.ack(before)
	w.expect("+OK\r\n")
	await(t, "it has expired", func() bool { return p.offset() > before })
	w.command("GET other", "GET e")
	w.expect("$-1\r\n")
	w.silent()
	r.ack(p.offset())
	w.expect("$-1\r\n")
}

// A client that waits for a key to read it, and is served by a write, waits for
// that to be confirmed too.
func TestServedReaderWaits(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("CONFIG SET write-acks 1")
	r := newMute(t, p)
	reader, writer := p.wire(), p.wire()
	reader.command("XREAD BLOCK 0 STREAMS s $")
	p.blocked(1)
	writer.command("XADD s 1-1 f v")
	reader.silent()
	r.ack(p.offset())
	reader.expect("*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n")
	writer.expect("$3\r\n1-1\r\n")
}

// What was confirmed and seen once is shown although the replica has left; what
// was not, is not, not even by a master that was told to follow another.
func TestUnconfirmedValuesStayHidden(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--write-acks", "1")
	r := newMute(t, p)
	w := p.wire()
	before := p.offset()
	w.command("SET a 1")
	await(t, "it is written", func() bool { return p.offset() > before })
	r.ack(p.offset())
	w.expect("+OK\r\n")
	r.Close()
	await(t, "the replica has left", func() bool { return field(p.must("INFO replication").Text, "connected_slaves") == "0" })
	w.command("GET a")
	w.expect("$1\r\n1\r\n")
	before = p.offset()
	w.command("SET b 1")
	await(t, "it is written", func() bool { return p.offset() > before })
	reader := p.wire()
	reader.command("GET a", "GET b")
	reader.expect("$1\r\n1\r\n")
	reader.silent()

	m := begin(t, t.TempDir())
	p.must("REPLICAOF 127.0.0.1 1") // nobody is there
	reader.ended()
	w.ended()
	reader = p.wire()
	reader.command("GET a", "GET b")
	reader.expect("$1\r\n1\r\n")
	reader.silent()
	p.must(fmt.Sprintf("REPLICAOF 127.0.0.1 %d", m.port))
	reader.ended()
	p.inSync()
	reader = p.wire()
	reader.command("GET a", "GET b")
	reader.expect("$-1\r\n$-1\r\n")
}

// early returns what comes at once, though nothing should.
func (w *wire) early() string {
	_ = w.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	var b [256]byte
	n, _ := w.Read(b[:])
	_ = w.SetReadDeadline(time.Now().Add(patience))
	return string(b[:n])
}
