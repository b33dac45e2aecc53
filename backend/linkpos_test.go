package backend_test

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"holdfast/backend/command"
)

// everyWrite has requests for all commands that change data, most of them with several
// outcomes: a change, none, an error.
const everyWrite = `
SET s v | SET s w GET | SET s v NX | SET n 1 PX 100000 | SETNX s x | SETNX s2 x | SETEX e 100 v | PSETEX e 100000 v
MSET m1 1 m2 2 | MSETNX m1 1 m3 3 | MSETNX m4 1 m5 2 | APPEND s tail | SETRANGE s 2 xx | GETSET s y | GETDEL s2 | GETDEL none | GETEX e EX 50 | GETEX e
INCR n | DECR n | INCRBY n 5 | DECRBY n 2 | INCRBYFLOAT n 0.5 | INCR s | SETBIT b 7 1 | BITFIELD b SET u4 0 3 INCRBY u4 0 1 GET u2 1 | BITOP NOT b2 b
PFADD h a b c | PFADD h a | PFADD h2 x | PFMERGE h3 h h2 | PFCOUNT h h2 | PFDEBUG TODENSE h
LPUSH l a b c | RPUSH l d e | LPUSHX l z | LPUSHX none z | RPUSHX l y | LINSERT l BEFORE a aa | LINSERT l AFTER none q | LSET l 0 first | LREM l 1 b | LTRIM l 0 20
LPOP l | LPOP none | RPOP l | LPOP l 2 | RPUSH l 1 2 3 4 5 6 7 8 9 | RPOP l 3 | LMPOP 1 l LEFT COUNT 2 | RPOPLPUSH l l2 | LMOVE l l2 LEFT RIGHT
BLPOP l 1 | BRPOP l 1 | BLMOVE l l2 LEFT LEFT 1 | BRPOPLPUSH l l2 1 | BLMPOP 1 1 l RIGHT | SORT l2 STORE sorted | LPUSH s x
HSET hs a 1 b 2 c 3 | HSET hs a 2 | HSETNX hs a 1 | HSETNX hs d 1 | HMSET hs e 5 | HINCRBY hs a 3 | HINCRBYFLOAT hs a 1.5 | HDEL hs b nope | HDEL hs nope
SADD st a b c d e f | SADD st a | SREM st a | SREM st nope | SMOVE st st2 b | SPOP st | SPOP st 2 | SPOP none | SADD st x y | SUNIONSTORE su st st2 | SINTERSTORE si st st2 | SDIFFSTORE sd st st2
ZADD z 1 a 2 b 3 c 4 d 5 e 6 f | ZADD z XX CH 9 a | ZADD z INCR 1 b | ZADD z NX INCR 1 b | ZINCRBY z 2.5 c | ZREM z a | ZREM z a | ZREMRANGEBYRANK z 0 0 | ZREMRANGEBYSCORE z 5.5 5.6
ZADD lex 0 a 0 b 0 c | ZREMRANGEBYLEX lex [a [a | ZPOPMIN z | ZPOPMAX z 2 | ZPOPMIN none | ZADD z 1 a 2 b 3 c 4 d | ZMPOP 1 z MIN | BZPOPMIN z 1 | BZPOPMAX z 1 | BZMPOP 1 1 z MIN
ZADD z 1 a 2 b | ZUNIONSTORE zu 2 z lex | ZINTERSTORE zi 2 z lex | ZDIFFSTORE zd 2 z lex | ZRANGESTORE zr z 0 -1
GEOADD g 13.3 38.1 p 15.0 37.5 q | GEOSEARCHSTORE gs g FROMMEMBER p BYRADIUS 300 km | GEORADIUS g 15 37 200 km STORE gr | GEORADIUSBYMEMBER g p 300 km STORE gm
XADD x 1-1 f v | XADD x * f v | XADD x 1-1 f v | XADD x 9999999999999-1 a b | XGROUP CREATE x grp 0 | XGROUP CREATECONSUMER x grp me | XGROUP SETID x grp 0 | XREADGROUP GROUP grp me COUNT 2 STREAMS x >
XACK x grp 1-1 | XACK x grp 1-1 | XCLAIM x grp you 0 9999999999999-1 FORCE | XAUTOCLAIM x grp me 0 0 | XDEL x 1-1 | XTRIM x MAXLEN 1 | XTRIM x MAXLEN ~ 1 | XSETID x 99999999999999-1 | XGROUP DELCONSUMER x grp me | XGROUP DESTROY x grp
EXPIRE s 1000 | EXPIRE s 10 GT | EXPIRE none 10 | PEXPIRE s 1000000 | EXPIREAT s 33177117420 | PEXPIREAT s 33177117420000 | PERSIST s | PERSIST s | EXPIRE m1 -1 | RENAME s s3 | RENAMENX s3 n | RENAMENX s3 s
COPY s copied | COPY s copied | COPY s copied REPLACE | MOVE s 1 | MOVE none 1 | RESTORE r 0 \x00\xc0\x01\v\x00\x8e\x8bTF\xd9\xcd2\x97 | DEL m2 none | DEL none | UNLINK m4 m5 | SWAPDB 2 3
EVAL #redis.call('INCR',KEYS[1]);return{1,false,{ok='fine'},redis.call('GET',KEYS[1])} 1 scripted | EVAL #return+1 0 | FUNCTION FLUSH | FUNCTION DELETE none | PUBLISH ch m | SPUBLISH ch m
MULTI | INCR t | SET t2 x | GET t | LPUSH t y | EXEC | MULTI | SET t3 x | EXEC | MULTI | GET t | EXEC
SELECT 4 | SET other db | SELECT 0 | SET back home | FLUSHDB | SET after flush | FLUSHALL | SET after flushall
`

// Whoever takes over has the reply to each request of a link that has changed something,
// word for word what the client was answered, in both protocols.
func TestSuccessorHasEveryReply(t *testing.T) {
	t.Parallel()
	for _, proto := range []int{2, 3} {
		t.Run(fmt.Sprint("RESP", proto), func(t *testing.T) {
			t.Parallel()
			all := found(t, 2, 1)
			m, b := all[0], all[1]
			c := m.counted("aa", proto)
			begin, answered, changed := c.at, map[uint64]string{}, map[uint64]bool{}
			asked := map[string]bool{}
			for _, line := range strings.FieldsFunc(everyWrite, func(r rune) bool { return r == '|' || r == '\n' }) {
				words := strings.Fields(line)
				if len(words) == 0 {
					continue
				}
				for i := range words {
					if text, err := strconv.Unquote(`"` + words[i] + `"`); err == nil {
						words[i] = text
					}
					if script, ok := strings.CutPrefix(words[i], "#"); ok {
						words[i] = strings.ReplaceAll(script, "return+", "return ")
					}
				}
				args := make([][]byte, len(words))
				for i, w := range words {
					args[i] = []byte(w)
				}
				asked[command.Find(args).Full] = true
				before := c.at
				seq, reply := c.ask(words...)
				answered[seq] = reply
				changed[seq] = c.at != before
				if seq%20 == 0 { // what others do belongs to nobody, or to them
					m.must("SET by others")
					c.ask("PING")
				}
			}
			for _, cmd := range command.All {
				for _, cmd := range append(cmd.Subs, cmd) {
					if cmd.Has(command.Write) && !asked[cmd.Full] && !leftOut[cmd.Full] {
						t.Errorf("%s is not asked for", cmd.Full)
					}
				}
			}
			runID := m.runID()
			replace(t, m, b)
			from, replies, known := b.counted("bb", proto).position("aa", 0, begin, runID)
			if !known || from != 0 {
				t.Fatalf("%v, from %d on", known, from)
			}
			for seq, reply := range replies {
				if reply != answered[seq] {
					t.Errorf("request %d was answered %q, and is told to have been answered %q", seq, answered[seq], reply)
				}
			}
			for seq := range answered {
				if _, kept := replies[seq]; kept != changed[seq] {
					t.Errorf("request %d, answered %q: changed something: %v, reply kept: %v", seq, answered[seq], changed[seq], kept)
				}
			}
			if len(replies) < 120 {
				t.Errorf("only %d replies", len(replies))
			}
		})
	}
}

// leftOut are commands that no proxy sends on a link that counts, or that need another
// server or a payload.
var leftOut = map[string]bool{"migrate": true, "restore-asking": true, "function|load": true, "function|restore": true}

// What is known of a link comes with every copy of the data, and goes on with the stream
// behind it: units that carry no mark belong to the link still.
func TestLinkGoesOnBehindACopy(t *testing.T) {
	t.Parallel()
	const ok = "+OK\r\n"
	write := func(p *process, c *counting) {
		c.ask("SET", "k", "v")
		c.ask("INCR", "n")
		p.must("RPUSH q x") // by somebody else
		c.ask("BLPOP", "q", "0")
	}
	complete := func(t *testing.T, p *process, begin [2]uint64, runID string) {
		t.Helper()
		_, got, known := p.counted("bb", 2).position("aa", 0, begin, runID)
		if want := map[uint64]string{1: ok, 2: ":1\r\n", 3: gotX, 4: ok, 5: ":2\r\n", 6: gotX}; !known || !maps.Equal(got, want) {
			t.Errorf("%v %v, want %v", known, got, want)
		}
	}
	t.Run("snapshot for a replica", func(t *testing.T) {
		t.Parallel()
		all := found(t, 1, 0)
		m := all[0]
		m.group("", fmt.Sprintf("PROBE g 1 1 1 %s 3600000", m.fact("g 1 1 1", "nonce")))
		c := m.counted("aa", 2)
		begin := c.at
		write(m, c)
		b := joined(t, m)
		write(m, c)
		await(t, "it has all", func() bool { return b.must("GET n").Text == "2" })
		runID := m.runID()
		replace(t, m, b)
		complete(t, b, begin, runID)
	})
	for name, rewrite := range map[string]bool{"append-only file": false, "base of an append-only file": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags := []string{"--appendonly", "yes", "--appendfsync", "always"}
			m := found(t, 1, 0, flags...)[0]
			m.group("", fmt.Sprintf("PROBE g 1 1 1 %s 3600000", m.fact("g 1 1 1", "nonce")))
			c := m.counted("aa", 2)
			begun := c.at
			write(m, c)
			if rewrite {
				m.must("BGREWRITEAOF")
				m.rewritten()
			}
			write(m, c)
			runID := m.runID()
			m.stop()
			p := begin(t, m.dir, append(flags, "--managed", "yes")...)
			await(t, "it is loaded", func() bool { return p.fact("g 0 0 0", "loading") == "0" })
			p.group("", "SEAL g 2")
			p.group("", fmt.Sprintf("PROMOTE g 2 %s 2 0", p.fact("g 1 2 0", "run-id")))
			await(t, "it serves", func() bool { return p.fact("g 1 2 2", "serving") == "1" })
			p.group("", fmt.Sprintf("PROBE g 1 2 2 %s 3600000", p.fact("g 1 2 2", "nonce")))
			complete(t, p, begun, runID)
		})
	}
	t.Run("the same node, which records no stream", func(t *testing.T) {
		t.Parallel()
		m := begin(t, t.TempDir())
		c := m.counted("aa", 2)
		write(m, c)
		write(m, c)
		complete(t, m, c.at, m.runID())
	})
}

// joined starts a replica of m.
func joined(t *testing.T, m *process) *process {
	t.Helper()
	b := begin(t, t.TempDir(), "--managed", "yes")
	await(t, "it is loaded", func() bool { return b.fact("g 0 0 0", "loading") == "0" })
	b.group("", "SEAL g 1")
	b.group("", fmt.Sprintf("FOLLOW g 1 127.0.0.1 %d", m.port))
	await(t, "it follows", func() bool { return b.fact("g 1 1 1", "link") == "up" })
	return b
}

// Asking for the position of a link ends it: what it has sent and what has not been
// executed yet never is.
func TestAskingForALinkEndsIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, p *process) {
		c, other := p.counted("aa", 2), p.counted("bb", 2)
		c.ask("SET", "k", "v")
		c.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nlat") // the rest may come at any time
		if _, got, known := other.position("aa", 0, c.at, p.runID()); !known || len(got) != 1 || got[1] != "+OK\r\n" {
			t.Errorf("%v %v", known, got)
		}
		c.Write([]byte("er\r\n")) // fails when it has been closed by now
		c.ended()
		if got := p.must("GET k").Text; got != "v" {
			t.Errorf("a link that was asked for has set %q", got)
		}
		if _, got, known := other.position("aa", 1, c.at, p.runID()); !known || len(got) != 0 {
			t.Errorf("behind the first: %v %v", known, got)
		}
	})
}

// Where it cannot be known what a link has done the answer says so, and a node that does
// not serve gives none.
func TestPositionThatNobodyKnows(t *testing.T) {
	t.Parallel()
	m := begin(t, t.TempDir())
	c, other := m.counted("aa", 2), m.counted("bb", 2)
	if _, _, known := other.position("dd", 0, [2]uint64{}, "another"); known {
		t.Error("a process of another history knows")
	}
	for range 4096 + 10 {
		c.ask("INCR", "n")
	}
	from, got, known := other.position("aa", 4096, c.at, m.runID())
	if !known || from != 10 || len(got) != 10 || got[4106] != ":4106\r\n" {
		t.Errorf("%v, from %d on, %v", known, from, got)
	}
	m.must("DEBUG RELOAD")
	if _, _, known := m.counted("cc", 2).position("aa", 0, c.at, m.runID()); known {
		t.Error("known though the data came without it")
	}
	all := found(t, 2, 1)
	w := all[1].wire()
	w.command("HOLDFAST HELLO 1 PROXY", "HOLDFAST LINKPOS aa 0 0 0 x")
	w.through(">3\r\n+hfx\r\n+READONLY\r\n")
}
