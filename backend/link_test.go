package backend_test

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"holdfast/backend/resp"
)

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

func (p *process) runID() string { return field(p.must("INFO server").Text, "run_id") }

// counting is a connection of a link that counts its requests.
type counting struct {
	*wire
	frames resp.Replies
	in     []byte
	sent   uint64
	at     [2]uint64 // where the node said last that its history is
}

// counted opens a link that counts.
func (p *process) counted(id string, proto int) *counting {
	p.t.Helper()
	c := &counting{wire: p.wire()}
	if c.command("HOLDFAST HELLO 1 PROXY"); c.next()[0] == '-' {
		p.t.Fatal("the node is not native")
	}
	if proto == 3 {
		c.command("HELLO 3")
		c.next()
	}
	c.command("HOLDFAST LINK " + id)
	if got := c.next(); got != ":4096\r\n" {
		p.t.Fatalf("HOLDFAST LINK is answered %q", got)
	}
	return c
}

// next is the next reply; frames that are none are taken note of.
func (c *counting) next() string {
	c.t.Helper()
	for {
		n, err := c.frames.Next(c.in)
		if err != nil {
			c.t.Fatal(err)
		}
		if n == 0 {
			var b [4096]byte
			n, err := c.Read(b[:])
			if err != nil {
				c.t.Fatalf("%v behind %q", err, c.in)
			}
			c.in = append(c.in, b[:n]...)
			continue
		}
		frame := string(c.in[:n])
		c.in = c.in[n:]
		if frame[0] != '>' {
			return frame
		}
		if v, err := resp.Parse([]byte(frame)); err == nil && v.Elems[0].Text == "hfp" {
			c.at = [2]uint64{uint64(v.Elems[1].Int), uint64(v.Elems[2].Int)}
		}
	}
}

// post sends a request and returns its number.
func (c *counting) post(words ...string) (seq uint64) {
	c.t.Helper()
	c.send(string(resp.AppendCommand(nil, words...)))
	c.sent++
	return c.sent
}

// ask is post, and returns the reply too.
func (c *counting) ask(words ...string) (seq uint64, reply string) {
	c.t.Helper()
	return c.post(words...), c.next()
}

// position asks what became of the requests of another link.
func (c *counting) position(id string, after uint64, at [2]uint64, runID string) (from uint64, replies map[uint64]string, known bool) {
	c.t.Helper()
	_, text := c.ask("HOLDFAST", "LINKPOS", id, strconv.FormatUint(after, 10),
		strconv.FormatUint(at[0], 10), strconv.FormatUint(at[1], 10), runID)
	v, err := resp.Parse([]byte(text))
	if err != nil || v.Err() != nil {
		c.t.Fatalf("HOLDFAST LINKPOS is answered %q", text)
	}
	if len(v.Elems) == 0 {
		return 0, nil, false
	}
	replies = map[uint64]string{}
	for i := 1; i < len(v.Elems); i += 2 {
		replies[uint64(v.Elems[i].Int)] = v.Elems[i+1].Text
	}
	return uint64(v.Elems[0].Int), replies, true
}

const gotX = "*2\r\n$1\r\nq\r\n$1\r\nx\r\n"

// A master dies when it has served a blocked client. Its successor has the change, and
// the reply with it; of a client that waits it knows that it was not served.
func TestSuccessorAnswersForAPop(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(m *process, c *counting) (seq uint64){
		"blocked": func(m *process, c *counting) uint64 {
			seq := c.post("BLPOP", "q", "0")
			m.blocked(2)
			m.must("RPUSH q x y")
			return seq
		},
		"at once": func(m *process, c *counting) uint64 {
			m.must("RPUSH q x y")
			return c.post("BLPOP", "q", "0")
		},
		"the second of the link": func(m *process, c *counting) uint64 {
			m.must("RPUSH q a x y")
			c.ask("BLPOP", "q", "0")
			return c.post("BLPOP", "q", "0")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := found(t, 2, 1)
			m, b := all[0], all[1]
			c, idle := m.counted("aa", 2), m.counted("bb", 2)
			idle.post("BLPOP", "other", "0")
			m.blocked(1)
			seq := serve(m, c)
			if got := c.next(); got != gotX {
				t.Errorf("it was answered %q", got)
			}
			runID := m.runID()
			replace(t, m, b)
			then := b.counted("cc", 2)
			if _, got, known := then.position("aa", seq-1, c.at, runID); !known || len(got) != 1 || got[seq] != gotX {
				t.Errorf("%v %v", known, got)
			}
			if _, got, known := then.position("bb", 0, idle.at, runID); !known || len(got) != 0 {
				t.Errorf("who waits: %v %v", known, got)
			}
			if got := b.must("LLEN q").Int; got != 1 {
				t.Errorf("%d elements are left, want 1", got)
			}
		})
	}
}

// A link has one connection: what was sent on another is executed no more, and is not
// blocked any more.
func TestLinkHasOneConnection(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		first := p.counted("aa", 2)
		first.post("BLPOP", "q", "0")
		p.blocked(1)
		second := p.counted("aa", 2)
		first.ended()
		p.blocked(0)
		p.must("RPUSH q x")
		if _, got := second.ask("BLPOP", "q", "0"); got != gotX {
			t.Errorf("got %q", got)
		}
		w := p.wire()
		w.command("HOLDFAST LINK aa")
		w.through("behind HOLDFAST HELLO 1 PROXY\r\n")
	})
}

// Of many links the oldest replies are forgotten. Those who wait are told before, so
// that it stays known that they were not served.
func TestWaitingLinksAreTold(t *testing.T) {
	t.Parallel()
	m := found(t, 1, 0)[0]
	m.group("", fmt.Sprintf("PROBE g 1 1 1 %s 3600000", m.fact("g 1 1 1", "nonce")))
	waits, busy := m.counted("waits", 2), m.counted("busy", 2)
	waits.post("BLPOP", "other", "0")
	m.blocked(1)
	begun := waits.at
	for i := range 4096 + 1 {
		busy.send(fmt.Sprintf("HOLDFAST LINK l%d\r\nINCR n\r\n", i))
		busy.next()
		busy.next()
	}
	told := waits.through(">3\r\n+hfw\r\n:") + waits.through("\n") + waits.through("\n")
	var at [2]uint64
	if _, err := fmt.Sscanf(told[strings.Index(told, ">3\r\n+hfw"):], ">3\r\n+hfw\r\n:%d\r\n:%d\r\n", &at[0], &at[1]); err != nil {
		t.Fatal(err)
	}
	if at[0] != begun[0] || at[1] <= begun[1] {
		t.Errorf("it was told %d, and stood at %d", at, begun)
	}
	other := m.counted("other", 2)
	if _, got, known := other.position("waits", 0, at, m.runID()); !known || len(got) != 0 {
		t.Errorf("%v %v", known, got)
	}
	if _, _, known := other.position("waits", 0, begun, m.runID()); known {
		t.Error("known at a place that is forgotten")
	}
}

// A script that is slow goes on when its link is lost, and is not forgotten; until it has
// ended nobody knows.
func TestSlowScriptOfALostLink(t *testing.T) {
	t.Parallel()
	m := begin(t, t.TempDir(), "--busy-reply-threshold", "20")
	c, other := m.counted("aa", 2), m.counted("bb", 2)
	const slow = "redis.call('SET','from','script') for i=1,5000000 do end return 'done'"
	runID := m.runID()
	seq := c.post("EVAL", slow, "0")
	await(t, "it is slow", func() bool {
		v, _ := ask(t, m.data, "GET", "from")
		return strings.HasPrefix(v.Text, "BUSY")
	})
	c.Close()
	await(t, "the position is known", func() bool {
		_, text := other.ask("HOLDFAST", "LINKPOS", "aa", "0", strconv.FormatUint(c.at[0], 10), strconv.FormatUint(c.at[1], 10), runID)
		if strings.HasPrefix(text, "-BUSY") {
			return false
		}
		v, err := resp.Parse([]byte(text))
		if err != nil || len(v.Elems) != 3 || uint64(v.Elems[1].Int) != seq || v.Elems[2].Text != "$4\r\ndone\r\n" {
			t.Fatalf("the position is %q", text)
		}
		return true
	})
}

// The replies are nothing to a redis-server that replicates.
func TestPlainReplicaBesideKeptReplies(t *testing.T) {
	m := begin(t, t.TempDir())
	r := redis(t)
	r.follows(m)
	m.must("RPUSH q x y")
	c := m.counted("aa", 2)
	c.ask("BLPOP", "q", "0")
	c.ask("INCR", "n")
	c.ask("INCRBYFLOAT", "n", "0.5")
	await(t, "the replica has it", func() bool { return r.must("GET n").Text == "1.5" })
	m.must("SET k v")
	equal(t, m, r)
	r.inSync()
}
