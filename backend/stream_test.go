package backend_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"holdfast/backend/resp"
)

// entryReply is the reply to a read of one stream that has one entry.
func entryReply(key, id, field, value string) string {
	bulk := func(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }
	return "*1\r\n*2\r\n" + bulk(key) + "*1\r\n*2\r\n" + bulk(id) + "*2\r\n" + bulk(field) + bulk(value)
}

// All readers get a new entry; of a group's consumers each gets another one, in the
// order in which they came.
func TestReadersOfAStreamAreServed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		p.must("XADD s 1-1 f old")
		p.must("XGROUP CREATE s g $")
		var readers, consumers []*wire
		for i := range 3 {
			r, c := p.wire(), p.wire()
			r.command("XREAD BLOCK 0 STREAMS none s 0 $")
			p.blocked(2*i + 1)
			c.command(fmt.Sprintf("XREADGROUP GROUP g c%d COUNT 1 BLOCK 0 STREAMS s >", i))
			p.blocked(2*i + 2)
			readers, consumers = append(readers, r), append(consumers, c)
		}
		for i := range 3 {
			id := fmt.Sprintf("2-%d", i)
			p.must("XADD s " + id + " f new")
			if i == 0 {
				for _, r := range readers {
					r.expect(entryReply("s", "2-0", "f", "new"))
				}
			}
			consumers[i].expect(entryReply("s", id, "f", "new"))
			p.blocked(2 - i)
		}
	})
}

// A consumer that waits for a stream hears that there is none any more; a reader waits
// until there is one.
func TestReadersOfAStreamThatGoes(t *testing.T) {
	t.Parallel()
	noGroup := "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option\r\n"
	wrongType := "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
	each(t, func(t *testing.T, p *process) {
		for _, c := range []struct{ request, want string }{
			{"DEL s", noGroup},
			{"UNLINK s", noGroup},
			{"RENAME s other", noGroup},
			{"FLUSHDB", noGroup},
			{"FLUSHALL", noGroup},
			{"SWAPDB 0 1", noGroup},
			{"PEXPIRE s 1", noGroup},
			{"MOVE s 2", noGroup},
			{"XGROUP DESTROY s g", noGroup},
			{"SET s x", wrongType},
			{"SADD members x", ""},
			{"SUNIONSTORE s members", wrongType},
		} {
			if c.want == "" {
				p.must(c.request)
				continue
			}
			p.must("DEL s other")
			p.must("XGROUP CREATE s g 0 MKSTREAM")
			consumer, reader := p.wire(), p.wire()
			consumer.command("XREADGROUP GROUP g c BLOCK 0 STREAMS s >")
			p.blocked(1)
			reader.command("XREAD BLOCK 0 STREAMS s 0")
			p.blocked(2)
			p.must(c.request)
			consumer.expect(c.want)
			p.blocked(1)
			p.must("DEL s")
			p.must("XADD s 1-1 f v")
			reader.expect(entryReply("s", "1-1", "f", "v"))
			p.blocked(0)
		}
	})
}

// What no one may wait for is answered at once.
func TestReadingInTransactionsAndScripts(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	w.command("XGROUP CREATE s g $ MKSTREAM", "MULTI", "XREAD BLOCK 0 STREAMS s $", "XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "EXEC")
	w.expect("+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*-1\r\n*-1\r\n")
	w.command(`EVAL "return {redis.pcall('xread','BLOCK','0','STREAMS','s','$').err}" 0`)
	w.expect("*1\r\n$63\r\nERR xread command is not allowed with BLOCK option from scripts\r\n")
	w.command("XREAD BLOCK 20 STREAMS s $", "XREAD STREAMS s 0")
	w.expect("*-1\r\n*-1\r\n")
}

// WATCH sees entries, and not what groups do with them.
func TestWatchingAStream(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("XADD s 1-1 f v")
	for request, breaks := range map[string]bool{
		"XGROUP CREATE s g 0":                      false,
		"XREADGROUP GROUP g c COUNT 1 STREAMS s >": false,
		"XACK s g 1-1":                             false,
		"XADD s * f v":                             true,
		"XTRIM s MAXLEN 1":                         true,
		"XTRIM s MAXLEN 100":                       false,
		"XDEL s 7-7":                               false,
	} {
		p.must("DEL s")
		p.must("XADD s 1-1 f v")
		p.must("XADD s 1-2 f v")
		if !strings.HasPrefix(request, "XGROUP CREATE") {
			p.must("XGROUP CREATE s g 0")
		}
		w := p.wire()
		w.command("WATCH s")
		w.expect("+OK\r\n")
		p.must(request)
		w.command("MULTI", "PING", "EXEC")
		if breaks {
			w.expect("+OK\r\n+QUEUED\r\n*-1\r\n")
		} else {
			w.expect("+OK\r\n+QUEUED\r\n*1\r\n+PONG\r\n")
		}
	}
}

// streamRequest is something that can be done to a stream with groups.
func streamRequest(r *rand.Rand) string {
	key, group, consumer := fmt.Sprint("s", r.IntN(3)), fmt.Sprint("g", r.IntN(2)), fmt.Sprint("c", r.IntN(3))
	id := fmt.Sprintf("%d-%d", r.IntN(40), r.IntN(3))
	all := []string{
		"XADD " + key + " * f " + id, "XADD " + key + " * f " + id, "XADD " + key + " * f " + id,
		"XADD " + key + " MAXLEN ~ 20 * a b c d", "XADD " + key + " MINID ~ " + id + " LIMIT 5 * a b",
		"XDEL " + key + " " + id, "XTRIM " + key + " MAXLEN ~ 15 LIMIT 10", "XTRIM " + key + " MAXLEN 30",
		"XGROUP CREATE " + key + " " + group + " 0 MKSTREAM", "XGROUP SETID " + key + " " + group + " " + id, "XGROUP DESTROY " + key + " " + group,
		"XREADGROUP GROUP " + group + " " + consumer + " COUNT 3 STREAMS " + key + " >",
		"XREADGROUP GROUP " + group + " " + consumer + " COUNT 3 STREAMS " + key + " >",
		"XREADGROUP GROUP " + group + " " + consumer + " NOACK COUNT 2 STREAMS " + key + " >",
		"XREADGROUP GROUP " + group + " " + consumer + " BLOCK 1 NOACK STREAMS " + key + " >",
		"XAUTOCLAIM " + key + " " + group + " " + consumer + " 0 0 COUNT 2",
		"XGROUP DELCONSUMER " + key + " " + group + " " + consumer,
	}
	return all[r.IntN(len(all))]
}

// streamState is what master and replicas must agree on: entries, groups, and what is
// pending for whom since when.
func streamState(p *process) string {
	var b strings.Builder
	for i := range 3 {
		key := fmt.Sprint("s", i)
		info := p.attempt("XINFO STREAM " + key)
		fmt.Fprintln(&b, key, strings.Join(info.Strings(), " "))
		for _, g := range []string{"g0", "g1"} {
			fmt.Fprintln(&b, g, flat(p.attempt("XPENDING "+key+" "+g)))
			pending := p.attempt("XPENDING " + key + " " + g + " - + 1000")
			for _, e := range pending.Elems {
				fmt.Fprintln(&b, e.Elems[0].Text, e.Elems[1].Text, e.Elems[3].Int)
			}
		}
		for _, g := range p.attempt("XINFO GROUPS " + key).Elems {
			fmt.Fprintln(&b, flat(g.Elems[1]), flat(g.Elems[5]), flat(g.Elems[7]))
		}
	}
	return b.String()
}

// attempt sends a command that may fail; then its reply is the error's text.
func (p *process) attempt(line string) resp.Value {
	p.t.Helper()
	v, err := ask(p.t, p.data, strings.Fields(line)...)
	if err != nil {
		return resp.Value{Text: err.Error()}
	}
	return v
}

// flat is a reply as text.
func flat(v resp.Value) string {
	if len(v.Elems) == 0 {
		return fmt.Sprint(v.Text, v.Int, v.Null)
	}
	var parts []string
	for _, e := range v.Elems {
		parts = append(parts, flat(e))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// Streams are the same on a node and on a redis-server that follow, from a snapshot as
// by what is propagated, and on a node that follows redis-server.
func TestStreamsAreReplicated(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"a node is the master", "redis-server is the master"} {
		t.Run(c, func(t *testing.T) {
			node, real := begin(t, t.TempDir()), redis(t)
			master, replica := node, real
			if strings.HasPrefix(c, "redis") {
				master, replica = real, node
			}
			replicas := []*process{replica, begin(t, t.TempDir())}
			r := rand.New(rand.NewPCG(7, 7))
			work := func() {
				for range 600 {
					master.attempt(streamRequest(r))
				}
			}
			work()
			for _, follower := range replicas {
				follower.follows(master)
			}
			for round := range 3 {
				want := streamState(master)
				for i, follower := range replicas {
					equal(t, master, follower)
					deadline := time.Now().Add(patience)
					got := streamState(follower)
					for ; got != want && time.Now().Before(deadline); got = streamState(follower) {
						time.Sleep(2 * time.Millisecond)
					}
					if got != want {
						t.Fatalf("round %d, replica %d:\n got %s\nwant %s", round, i, got, want)
					}
				}
				work()
			}
		})
	}
}
