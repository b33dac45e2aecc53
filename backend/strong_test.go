package backend_test

import (
	"io"
	"regexp"
	"strings"
	"testing"
)

// strongLink is a native link whose reads are strong, behind its greeting.
func (p *process) strongLink() *wire {
	p.t.Helper()
	w := p.wire()
	w.command("HOLDFAST HELLO 1 PROXY STRONG", "PING")
	for seen := ""; !strings.HasSuffix(seen, "+PONG\r\n"); {
		var b [1]byte
		if _, err := io.ReadFull(w, b[:]); err != nil {
			p.t.Fatal(err)
		}
		seen += string(b[:])
	}
	return w
}

var frames = regexp.MustCompile(`>3\r\n\+hfp\r\n:\d+\r\n:\d+\r\n|>4\r\n\+hfa\r\n\+\w*\r\n:\d+\r\n:\d+\r\n`)

// expectReplies is expect for what comes between the frames of a native link.
func (w *wire) expectReplies(want string) {
	w.t.Helper()
	var got string
	var b [1]byte
	for frames.ReplaceAllString(got, "") != want {
		if _, err := io.ReadFull(w, b[:]); err != nil {
			w.t.Fatalf("got %q (%v), want %q", got, err, want)
		}
		got += string(b[:])
	}
}

const emptyRecord = len("*1\r\n$4\r\nPING\r\n")

// What a strong link is shown waits for one record that proves it, also where
// nothing is unconfirmed; what shows nothing does not.
func TestStrongRepliesWaitForAProof(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		p.must("SET a 1")
		p.must("RPUSH other x")
		p.must("CONFIG SET write-acks 1 repl-ping-replica-period 3600")
		r := newMute(t, p)
		weak := p.wire()
		for _, x := range []struct{ request, reply string }{
			{"GET a", "$1\r\n1\r\n"},
			{"GET a\r\nGET nosuch\r\nHGET a f", "$1\r\n1\r\n$-1\r\n" + wrongType},
			{"SETNX a 2", ":0\r\n"},
			{"DEL nosuch", ":0\r\n"},
			{"DBSIZE", ":2\r\n"},
			{"EVAL_RO \"return redis.call('get', KEYS[1])\" 1 a", "$1\r\n1\r\n"},
			{"MULTI\r\nGET a\r\nEXEC", "+OK\r\n+QUEUED\r\n*1\r\n$1\r\n1\r\n"},
			{"WATCH a\r\nMULTI\r\nPING\r\nEXEC", "+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n+PONG\r\n"},
			{"BLPOP nosuch 0.01", "*-1\r\n"},
			{"SCAN 0 MATCH nosuch", "*2\r\n$1\r\n0\r\n*0\r\n"},
		} {
			w, before := p.strongLink(), p.offset()
			w.command(x.request)
			await(t, x.request+" asks for a proof", func() bool { return p.offset() > before })
			if early := w.early(); early != "" {
				t.Errorf("%s was answered %q without a proof", x.request, early)
			}
			if after := p.offset(); after != before+emptyRecord {
				t.Errorf("%s put %d bytes into the stream, want one empty record", x.request, after-before)
			}
			weak.command("GET a")
			weak.expect("$1\r\n1\r\n")
			r.ack(p.offset())
			w.expectReplies(x.reply)
		}
		w, before := p.strongLink(), p.offset()
		w.command("PING", "ECHO x", "SET", "WATCH a", "UNWATCH")
		w.expectReplies("+PONG\r\n$1\r\nx\r\n-ERR wrong number of arguments for 'set' command\r\n+OK\r\n+OK\r\n")
		if after := p.offset(); after != before {
			t.Errorf("%d bytes in the stream to prove nothing", after-before)
		}
		w.command("GET a", "SET a 2", "GET a")
		await(t, "it is written", func() bool { return p.offset() > before })
		w.silent()
		set := len("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n2\r\n") + len("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n")
		if after := p.offset(); after > before+set {
			t.Errorf("%d bytes in the stream, of which the write's are at most %d: it is its own proof", after-before, set)
		}
		r.ack(p.offset())
		w.expectReplies("$1\r\n1\r\n+OK\r\n$1\r\n2\r\n")
	})
}

// A client that is served by another's write, or in vain, learns of a state too.
func TestStrongBlockedClientsWaitForAProof(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--write-acks", "1", "--repl-ping-replica-period", "3600")
	r := newMute(t, p)
	w, writer := p.strongLink(), p.wire()
	w.command("BLPOP list 0")
	p.blocked(1)
	before := p.offset()
	writer.command("RPUSH list x")
	w.silent()
	r.ackMore(p, before)
	w.expectReplies("*2\r\n$4\r\nlist\r\n$1\r\nx\r\n")
	writer.expect(":1\r\n")
}

// Who cannot prove it refuses.
func TestOnlyTheMasterAnswersStrongReads(t *testing.T) {
	t.Parallel()
	all := found(t, 2, 1)
	m, r := all[0], all[1]
	m.must("SET a 1")
	refusal := ">3\r\n+hfx\r\n+READONLY\r\n+You can't write against a read only replica.\r\n"
	for _, request := range []string{"GET a", "DBSIZE", "EVAL_RO \"return 1\" 0"} {
		w := r.strongLink()
		w.command(request)
		w.expect(refusal)
	}
	w := m.strongLink()
	w.command("GET a")
	w.expectReplies("$1\r\n1\r\n")
	m.group("", "DRAIN g 1")
	w.command("GET a")
	w.expectReplies(refusal)
	m.group("", "SEAL g 2")
	w = m.strongLink()
	w.command("MULTI", "GET a", "EXEC")
	w.expectReplies("+OK\r\n" + refusal + refusal)
}

// WAIT behind a native link waits for all that its session may have written, over
// whatever connection.
func TestWaitOnANativeLink(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--repl-ping-replica-period", "3600")
	r := newMute(t, p)
	r.ack(p.offset())
	p.must("SET a 1")
	w := p.strongLink()
	w.command("WAIT 1 0")
	w.silent()
	r.ack(p.offset())
	w.expectReplies(":1\r\n")
	p.must("SET a 2")
	w.command("WAIT 1 10")
	w.expectReplies(":0\r\n")
	w.command("WAITAOF 0 1 10")
	w.expectReplies("*2\r\n:0\r\n:0\r\n")
}
