package commands

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
	"holdfast/backend/resp"
)

var requests = flag.Int("requests", 8000, "random requests to compare with redis-server")

// realRedis is a redis-server to compare with.
type realRedis struct {
	t    *testing.T
	conn net.Conn
	in   []byte
}

// startRedis starts one for the test, or skips where there is none to start.
func startRedis(t *testing.T) *realRedis {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if strings.Contains(os.Getenv("HOLDFAST_REQUIRE"), "redis") {
			t.Fatal("redis-server is required and not on the PATH")
		}
		t.Skip("redis-server is not on the PATH: nothing to compare with")
	}
	port := itoa(freeport.Port(t))
	cmd := exec.Command(path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", t.TempDir(),
		"--enable-debug-command", "yes", "--databases", "2")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for deadline := time.Now().Add(time.Minute); ; {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			t.Cleanup(func() { conn.Close() })
			r := &realRedis{t: t, conn: conn}
			r.do("DEBUG", "SET-ACTIVE-EXPIRE", "0") // or digests would change by themselves
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("redis-server does not listen: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// do sends a request and returns its reply's bytes, valid until the next one.
func (r *realRedis) do(words ...string) []byte {
	r.t.Helper()
	out := resp.AppendArray(nil, len(words))
	for _, w := range words {
		out = resp.AppendBulkString(out, w)
	}
	r.conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := r.conn.Write(out); err != nil {
		r.t.Fatal(err)
	}
	r.in = r.in[:0]
	var whole resp.Replies
	for buf := make([]byte, 64<<10); ; {
		n, err := r.conn.Read(buf)
		if err != nil {
			r.t.Fatal(err)
		}
		r.in = append(r.in, buf[:n]...)
		if n, err := whole.Next(r.in); n > 0 || err != nil {
			return r.in[:n]
		}
	}
}

// generator makes requests over few keys, members and numbers, so that they meet.
type generator struct {
	*rand.Rand
	wide bool // many and long members: large encodings
}

func (g *generator) pick(words ...string) string { return words[g.IntN(len(words))] }

func (g *generator) key(kind string) string {
	if g.IntN(100) == 0 {
		kind = g.pick("h", "l", "s", "z")
	}
	return kind + itoa(g.IntN(4))
}

func (g *generator) member() string {
	n := 12
	if g.wide {
		n = 600
	}
	switch i := g.IntN(n); g.IntN(3) {
	case 0:
		return itoa(i - n/3)
	case 1:
		return "m" + itoa(i)
	default:
		return fmt.Sprintf("%0*d", 1+i%70, i)
	}
}

func (g *generator) members(least int) []string {
	n := least + g.IntN(4)
	if g.wide && g.IntN(20) == 0 {
		n += g.IntN(300)
	}
	m := make([]string, n)
	for i := range m {
		m[i] = g.member()
	}
	return m
}

// number is a score or an increment that floating point holds exactly, so that
// versions of Redis which print more digits print the same.
func (g *generator) number() string {
	return g.pick(itoa(g.IntN(20)-5), fmt.Sprint(float64(g.IntN(100))/8), g.pick("inf", "-inf", "1e3", "x"), itoa(g.IntN(5)))
}

func (g *generator) index() string { return itoa(g.IntN(20) - 8) }

func (g *generator) bound() string {
	return g.pick("", "", "(") + g.pick(g.number(), g.number(), "-inf", "+inf")
}

func (g *generator) lexBound() string {
	return g.pick("-", "+", "["+g.member(), "("+g.member(), "x")
}

func (g *generator) keys(kind string) []string {
	k := make([]string, 1+g.IntN(3))
	for i := range k {
		k[i] = g.key(kind)
	}
	return k
}

func (g *generator) interleave(first func() string) (pairs []string) {
	for _, m := range g.members(1) {
		pairs = append(pairs, first(), m)
	}
	return pairs
}

func (g *generator) side() string { return g.pick("LEFT", "right") }

// split joins words, and the words of lines, to a request.
func split(words ...any) (all []string) {
	for _, w := range words {
		switch w := w.(type) {
		case string:
			all = append(all, strings.Fields(w)...)
		case []string:
			all = append(all, w...)
		}
	}
	return all
}

func (g *generator) request() []string {
	cat := split
	switch g.IntN(8) {
	case 0:
		return g.hashRequest(cat)
	case 1:
		return g.listRequest(cat)
	case 2:
		return g.setRequest(cat)
	case 3, 4:
		return g.stringRequest(cat)
	case 5:
		return g.keyRequest(cat)
	case 6:
		return g.bitRequest(cat)
	}
	return g.zsetRequest(cat)
}

func (g *generator) hashRequest(cat func(...any) []string) []string {
	key := g.key("h")
	switch g.IntN(12) {
	case 0, 1, 2:
		return cat(g.pick("HSET", "HSET", "HMSET"), key, g.interleave(g.member))
	case 3:
		return cat("HDEL", key, g.members(1))
	case 4:
		return cat(g.pick("HGET", "HEXISTS", "HSTRLEN"), key, g.member())
	case 5:
		return cat("HMGET", key, g.members(1))
	case 6:
		return cat(g.pick("HLEN", "HKEYS", "HVALS", "HGETALL"), key)
	case 7:
		return cat("HSETNX", key, g.member(), g.member())
	case 8, 9:
		return cat("HINCRBY", key, g.member(), g.pick(g.index(), "9223372036854775807", "x"))
	case 10:
		return cat("HINCRBYFLOAT", key, g.member(), g.pick(g.number(), "0.1", "3.3e5"))
	}
	return cat("HSCAN", key, "0 COUNT 100000", g.pick("", "MATCH m*1"))
}

func (g *generator) listRequest(cat func(...any) []string) []string {
	key := g.key("l")
	switch g.IntN(16) {
	case 0, 1, 2, 3:
		return cat(g.pick("LPUSH", "RPUSH", "LPUSHX", "RPUSHX"), key, g.members(1))
	case 4:
		return cat(g.pick("LPOP", "RPOP"), key, g.pick("", "1", "3", "0", "-1"))
	case 5:
		return cat(g.pick("LRANGE", "LRANGE", "LTRIM"), key, g.index(), g.index())
	case 6:
		return cat("LINDEX", key, g.index())
	case 7:
		return cat("LSET", key, g.index(), g.member())
	case 8:
		return cat("LINSERT", key, g.pick("BEFORE", "after"), g.member(), g.member())
	case 9:
		return cat("LREM", key, itoa(g.IntN(5)-2), g.member())
	case 10, 11:
		return cat("LPOS", key, g.member(), g.pick("", "RANK -1", "RANK 2", "MAXLEN 5"), g.pick("", "COUNT 0", "COUNT 2"))
	case 12:
		return cat("LMOVE", key, g.key("l"), g.side(), g.side())
	case 13:
		return cat("RPOPLPUSH", key, g.key("l"))
	case 14:
		keys := g.keys("l")
		return cat("LMPOP", itoa(len(keys)), keys, g.side(), g.pick("", "COUNT 2"))
	}
	return cat("LLEN", key)
}

func (g *generator) setRequest(cat func(...any) []string) []string {
	key, keys := g.key("s"), g.keys("s")
	switch g.IntN(12) {
	case 0, 1, 2, 3:
		return cat("SADD", key, g.members(1))
	case 4:
		return cat("SREM", key, g.members(1))
	case 5:
		return cat("SMOVE", key, g.key("s"), g.member())
	case 6:
		return cat(g.pick("SISMEMBER", "SMISMEMBER"), key, g.member())
	case 7:
		return cat(g.pick("SCARD", "SMEMBERS"), key)
	case 8:
		return cat(g.pick("SINTER", "SUNION", "SDIFF"), keys)
	case 9:
		return cat(g.pick("SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"), key, keys)
	case 10:
		return cat("SINTERCARD", itoa(len(keys)), keys, g.pick("", "LIMIT 2"))
	}
	return cat("SSCAN", key, "0 COUNT 100000", g.pick("", "MATCH m*1"))
}

func (g *generator) zsetRequest(cat func(...any) []string) []string {
	key, keys := g.key("z"), g.keys(g.pick("z", "z", "s"))
	limit, scores := g.pick("", "", "LIMIT 1 2", "LIMIT 0 -1", "LIMIT -1 2"), g.pick("", "WITHSCORES")
	switch g.IntN(20) {
	case 17: // ranges of members are defined where all scores are equal
		zeros := g.interleave(func() string { return "0" })
		return cat("ZADD lex", zeros)
	case 18:
		low, high := g.lexBound(), g.lexBound()
		return cat(g.pick("ZRANGEBYLEX lex", "ZREVRANGEBYLEX lex"), low, high, limit)
	case 19:
		return cat(g.pick("ZLEXCOUNT lex", "ZLEXCOUNT lex", "ZREMRANGEBYLEX lex"), g.lexBound(), g.lexBound())
	case 0, 1, 2, 3:
		return cat("ZADD", key, g.pick("", "", "NX", "XX", "GT", "LT", "XX GT"), g.pick("", "CH"), g.interleave(g.number))
	case 4:
		return cat("ZADD", key, g.pick("", "NX", "XX", "GT", "LT"), "INCR", g.number(), g.member())
	case 5:
		return cat("ZINCRBY", key, g.number(), g.member())
	case 6:
		return cat("ZREM", key, g.members(1))
	case 7:
		return cat(g.pick("ZRANK", "ZREVRANK", "ZSCORE", "ZMSCORE"), key, g.member())
	case 8:
		return cat(g.pick("ZRANGE", "ZREVRANGE"), key, g.index(), g.index(), scores)
	case 9:
		return cat("ZRANGE", key, g.bound(), g.bound(), "BYSCORE", g.pick("", "REV"), limit, scores)
	case 10:
		return cat(g.pick("ZRANGEBYSCORE", "ZREVRANGEBYSCORE"), key, g.bound(), g.bound(), scores, limit)
	case 11:
		return cat(g.pick("ZREMRANGEBYSCORE", "ZCOUNT", "ZCOUNT"), key, g.bound(), g.bound())
	case 12:
		return cat("ZREMRANGEBYRANK", key, g.index(), g.index())
	case 13:
		return cat(g.pick("ZPOPMIN", "ZPOPMAX"), key, g.pick("", "2"))
	case 14:
		return cat("ZMPOP", itoa(len(keys)), keys, g.pick("MIN", "MAX"), g.pick("", "COUNT 3"))
	case 15:
		return cat(g.pick("ZUNION", "ZINTER"), itoa(len(keys)), keys, g.pick("", "AGGREGATE MIN", "AGGREGATE MAX"), scores)
	case 16:
		return cat(g.pick("ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"), key, itoa(len(keys)), keys)
	}
	return cat("ZRANGESTORE", key, g.key("z"), g.index(), g.index(), g.pick("", "REV"))
}

// unordered are the commands whose elements come in no promised order.
var unordered = []string{"SMEMBERS", "SINTER", "SUNION", "SDIFF", "HKEYS", "HVALS", "HGETALL", "HSCAN", "SSCAN", "KEYS", "SCAN",
	"SORT", "SORT_RO"} // of sets, BY what is no pattern

// comparable shows a reply, with the elements of an unordered one sorted.
func comparableReply(t *testing.T, command string, reply []byte) string {
	v := parse(t, reply)
	if strings.HasSuffix(command, "TTL") && v.Int > 0 {
		v.Int = 1 // the two looked at different clocks
	}
	if slices.Contains(unordered, command) {
		elems := v.Elems
		if strings.HasSuffix(command, "SCAN") && len(elems) == 2 {
			elems = elems[1].Elems
		}
		if command == "HGETALL" || command == "HSCAN" {
			return show(resp.Value{Kind: v.Kind, Text: v.Text, Null: v.Null, Elems: sortPairs(elems)})
		}
		slices.SortFunc(elems, func(a, b resp.Value) int { return strings.Compare(a.Text, b.Text) })
	}
	return show(v)
}

func sortPairs(elems []resp.Value) (sorted []resp.Value) {
	var pairs []resp.Value
	for i := 0; i+1 < len(elems); i += 2 {
		pairs = append(pairs, resp.Value{Kind: '*', Elems: elems[i : i+2]})
	}
	slices.SortFunc(pairs, func(a, b resp.Value) int { return strings.Compare(a.Elems[0].Text, b.Elems[0].Text) })
	return pairs
}

// TestSameAsRedis sends the same random requests to the handlers and to a redis-server
// and compares every reply, and now and then the digest of all data.
func TestSameAsRedis(t *testing.T) {
	redis := startRedis(t)
	for _, c := range []struct {
		wide  bool
		proto int
	}{{false, 2}, {true, 2}, {false, 3}} {
		t.Run(fmt.Sprintf("wide=%v,proto=%d", c.wide, c.proto), func(t *testing.T) {
			r := newRig(t)
			r.Proto = c.proto
			redis.do("FLUSHALL")
			redis.do("HELLO", itoa(c.proto))
			seed := newSeed(t)
			g := &generator{rand.New(rand.NewPCG(seed, 1)), c.wide}
			for i := range few(requests) {
				request := g.request()
				r.now(time.Now())
				got := comparableReply(t, request[0], r.do(request...))
				want := comparableReply(t, request[0], redis.do(request...))
				if got != want {
					t.Fatalf("request %d of seed %d: %q\n got %.2000s\nwant %.2000s", i, seed, request, got, want)
				}
				if i%500 == 499 && !sameDigest(r, redis) {
					t.Fatalf("request %d of seed %d: the digests differ", i, seed)
				}
			}
		})
	}
}
