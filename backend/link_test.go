package backend_test

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
)

// linked is a connection of a proxy's link.
func (p *process) linked(id string, n int) *wire {
	p.t.Helper()
	w := p.wire()
	w.command("HOLDFAST HELLO 1 PROXY", "PING")
	w.through("+PONG\r\n")
	w.command(fmt.Sprintf("HOLDFAST LINK %s %d", id, n))
	w.expectReplies("+OK\r\n")
	return w
}

// through reads up to the end of text.
func (w *wire) through(text string) (seen string) {
	w.t.Helper()
	for !strings.HasSuffix(seen, text) {
		var b [1]byte
		if _, err := io.ReadFull(w, b[:]); err != nil {
			w.t.Fatalf("%v behind %q, want %q", err, seen, text)
		}
		seen += string(b[:])
	}
	return seen
}

// once sends a numbered request and reads where the history is.
func (w *wire) once(number, request string) (epoch, offset int) {
	w.t.Helper()
	w.command("HOLDFAST ONCE "+number, request)
	text := frames.ReplaceAllString(w.through("*2\r\n:")+w.through("\n")+w.through("\n"), "")
	if _, err := fmt.Sscanf(text, "*2\r\n:%d\r\n:%d\r\n", &epoch, &offset); err != nil {
		w.t.Fatalf("HOLDFAST ONCE answers %q", text)
	}
	return epoch, offset
}

// again asks for a request once more.
func (w *wire) again(seq, epoch, offset int, runID, request string) {
	w.t.Helper()
	w.command(fmt.Sprintf("HOLDFAST ONCE %d %d %d %s", seq, epoch, offset, runID), request)
}

func (p *process) runID() string { return field(p.must("INFO server").Text, "run_id") }

const gotX = "*2\r\n$1\r\nq\r\n$1\r\nx\r\n"

// A master dies when it has served a blocked client. Its successor has the change, and
// the reply with it: the request that comes again gets that, and pops nothing.
func TestSuccessorAnswersForAPop(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(m *process, w *wire) (seq, epoch, offset int){
		"blocked": func(m *process, w *wire) (int, int, int) {
			epoch, offset := w.once("1", "BLPOP q 0")
			m.blocked(2)
			m.must("RPUSH q x y")
			return 1, epoch, offset
		},
		"at once": func(m *process, w *wire) (int, int, int) {
			m.must("RPUSH q x y")
			epoch, offset := w.once("1", "BLPOP q 0")
			return 1, epoch, offset
		},
		"the second of the link": func(m *process, w *wire) (int, int, int) {
			m.must("RPUSH q a x y")
			w.once("1", "BLPOP q 0")
			w.expectReplies("*2\r\n$1\r\nq\r\n$1\r\na\r\n")
			epoch, offset := w.once("2", "BLPOP q 0")
			return 2, epoch, offset
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := found(t, 2, 1)
			m, b := all[0], all[1]
			w, idle := m.linked("aa", 1), m.linked("bb", 1)
			idleEpoch, idleAt := idle.once("1", "BLPOP other 0")
			m.blocked(1)
			seq, epoch, offset := serve(m, w)
			w.expectReplies(gotX)
			await(t, "the successor has it", func() bool { return b.must("LLEN q").Int == 1 })
			replace(t, m, b)

			then, waits := b.linked("aa", 2), b.linked("bb", 2)
			then.again(seq, epoch, offset, m.runID(), "BLPOP q 0")
			then.expectReplies("+OK\r\n" + gotX)
			if got := b.must("LLEN q").Int; got != 1 {
				t.Errorf("%d elements are left, want 1", got)
			}
			waits.again(1, idleEpoch, idleAt, m.runID(), "BLPOP other 0")
			b.blocked(1)
			b.must("RPUSH other z")
			waits.through("*2\r\n$5\r\nother\r\n$1\r\nz\r\n")

			// The link goes on, and so do those behind it.
			then.once("9", "BLPOP q 0")
			then.expectReplies("*2\r\n$1\r\nq\r\n$1\r\ny\r\n")
		})
	}
}

// The replies come with every copy of the data: a snapshot for a replica, and the
// append-only file with and without a base.
func TestKeptRepliesTravelWithTheData(t *testing.T) {
	t.Parallel()
	asks := func(t *testing.T, p *process, epoch, offset int, runID string) {
		t.Helper()
		w := p.linked("aa", 2)
		w.again(1, epoch, offset, runID, "BLPOP q 0")
		w.expectReplies("+OK\r\n" + gotX)
		if got := p.must("LLEN q").Int; got != 1 {
			t.Errorf("%d elements are left, want 1", got)
		}
	}
	pop := func(m *process) (epoch, offset int) {
		m.must("RPUSH q x y")
		w := m.linked("aa", 1)
		epoch, offset = w.once("1", "BLPOP q 0")
		w.expectReplies(gotX)
		return epoch, offset
	}
	t.Run("snapshot", func(t *testing.T) {
		t.Parallel()
		all := found(t, 1, 0)
		m := all[0]
		m.group("", fmt.Sprintf("PROBE g 1 1 1 %s 3600000", m.fact("g 1 1 1", "nonce")))
		epoch, offset := pop(m)
		b := begin(t, t.TempDir(), "--managed", "yes")
		await(t, "it is loaded", func() bool { return b.fact("g 0 0 0", "loading") == "0" })
		b.group("", "SEAL g 1")
		b.group("", fmt.Sprintf("FOLLOW g 1 127.0.0.1 %d", m.port))
		await(t, "it has all", func() bool { return b.fact("g 1 1 1", "link") == "up" && b.must("LLEN q").Int == 1 })
		replace(t, m, b)
		asks(t, b, epoch, offset, m.runID())
	})
	for name, rewrite := range map[string]bool{"append-only file": false, "base of an append-only file": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags := []string{"--appendonly", "yes", "--appendfsync", "always"}
			all := found(t, 1, 0, flags...)
			m := all[0]
			m.group("", fmt.Sprintf("PROBE g 1 1 1 %s 3600000", m.fact("g 1 1 1", "nonce")))
			epoch, offset := pop(m)
			if rewrite {
				m.must("BGREWRITEAOF")
				m.rewritten()
			}
			runID := m.runID()
			m.stop()
			p := begin(t, m.dir, append(flags, "--managed", "yes")...)
			await(t, "it is loaded", func() bool { return p.fact("g 0 0 0", "loading") == "0" })
			p.group("", "SEAL g 2")
			p.group("", fmt.Sprintf("PROMOTE g 2 %s 2 0", p.fact("g 1 2 0", "run-id")))
			await(t, "it serves", func() bool { return p.fact("g 1 2 2", "serving") == "1" })
			p.group("", fmt.Sprintf("PROBE g 1 2 2 %s 3600000", p.fact("g 1 2 2", "nonce")))
			asks(t, p, epoch, offset, runID)
		})
	}
}

// Data that comes without the replies tells of no pop whether it happened, nor does a
// process of another history.
func TestUnknownPopIsNotRepeated(t *testing.T) {
	t.Parallel()
	const unknown = "-UNKNOWN outcome of a blocking request"
	m := begin(t, t.TempDir())
	m.must("RPUSH q x")
	w := m.linked("aa", 1)
	w.again(1, 0, 0, "another", "BLPOP q 0")
	w.through(unknown)
	w.through("\n")
	w.again(1, 0, 0, m.runID(), "BLPOP q 0") // never executed by this process
	w.through(gotX)
	m.must("RPUSH q x")
	m.must("DEBUG RELOAD")
	w = m.linked("cc", 1)
	w.again(1, 0, 0, m.runID(), "BLPOP q 0")
	w.through(unknown)
	if got := m.must("LLEN q").Int; got != 1 {
		t.Errorf("%d elements are left, want 1", got)
	}
}

// A number is that of one request, also where that is refused: what the next one does
// must not be taken for it.
func TestNumberOfARefusedRequest(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.linked("aa", 1)
	epoch, offset := w.once("1", "BLPOP q")
	w.through("command\r\n")
	w.command("RPUSH q x")
	w.through(":1\r\n")
	w.again(1, epoch, offset, p.runID(), "BLPOP q 0")
	w.through(gotX)
}

// What was sent on an earlier connection of a link is executed no more once a later one
// is there.
func TestLinkHasOneConnection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		first := p.linked("aa", 1)
		first.once("1", "BLPOP q 0")
		p.blocked(1)
		second := p.linked("aa", 2)
		first.ended()
		p.blocked(0)
		late := p.wire()
		late.command("HOLDFAST HELLO 1 PROXY", "HOLDFAST LINK aa 1", "RPUSH q late")
		late.through("-ERR a later connection of this link is here\r\n")
		late.ended()
		p.must("RPUSH q x")
		second.once("1", "BLPOP q 0")
		second.expectReplies(gotX)
		p.wire().command("HOLDFAST LINK aa 3")
		second.command("PING")
		second.expectReplies("+PONG\r\n")
	})
}

// Of many links the oldest replies are forgotten. Those who wait are told before, so
// that it stays known that they were not served.
func TestWaitingLinksAreTold(t *testing.T) {
	t.Parallel()
	m := found(t, 1, 0)[0]
	m.group("", fmt.Sprintf("PROBE g 1 1 1 %s 3600000", m.fact("g 1 1 1", "nonce")))
	waits, busy := m.linked("waits", 1), m.linked("busy", 1)
	epoch, offset := waits.once("1", "BLPOP other 0")
	m.blocked(1)
	const many = 4096 + 1
	go func() {
		for i := range many {
			fmt.Fprintf(busy, "RPUSH q x\r\nHOLDFAST LINK l%d 1\r\nHOLDFAST ONCE 1\r\nBLPOP q 0\r\n", i)
		}
		fmt.Fprint(busy, "PING\r\n")
	}()
	replies := bufio.NewReader(busy)
	for line := ""; line != "+PONG\r\n"; {
		var err error
		if line, err = replies.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	var since, at int
	told := waits.through(">3\r\n+hfw\r\n:") + waits.through("\n") + waits.through("\n")
	if _, err := fmt.Sscanf(told[strings.Index(told, ">3\r\n+hfw"):], ">3\r\n+hfw\r\n:%d\r\n:%d\r\n", &since, &at); err != nil {
		t.Fatal(err)
	}
	if since != epoch || at <= offset {
		t.Errorf("it was told %d %d, and stood at %d %d", since, at, epoch, offset)
	}
	later := m.linked("waits", 2)
	later.again(1, since, at, m.runID(), "BLPOP other 0")
	m.blocked(1)
	m.must("RPUSH other z")
	later.through("*2\r\n$5\r\nother\r\n$1\r\nz\r\n")
}

// The replies are nothing to a redis-server that replicates.
func TestPlainReplicaBesideKeptReplies(t *testing.T) {
	m := begin(t, t.TempDir())
	r := redis(t)
	r.follows(m)
	m.must("RPUSH q x y")
	m.linked("aa", 1).once("1", "BLPOP q 0")
	await(t, "the replica has it", func() bool { return r.must("LLEN q").Int == 1 })
	m.must("SET k v")
	equal(t, m, r)
	r.inSync()
}
