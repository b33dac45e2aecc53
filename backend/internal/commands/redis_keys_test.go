package commands

import (
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/backend/command"
)

var mistyped = flag.Int("mistyped", 8000, "random requests with arguments of any kind to compare with redis-server")

// moments of expiry far enough away to stand in a test, in Unix seconds.
func (g *generator) moment() string {
	return g.pick("4000000000", "4000000001", "5000000000", "4000000000", "1", "-1", "0", "x", "9223372036854775807")
}

func (g *generator) number64() string {
	return g.pick(itoa(g.IntN(50)-20), "9223372036854775807", "-9223372036854775808", itoa(g.IntN(1000)), "01", "x")
}

func (g *generator) text() string {
	return g.pick(g.member(), g.number64(), "", "3.5", "some longer text that no longer fits into an embedded string, "+g.member())
}

func (g *generator) stringRequest(cat func(...any) []string) []string {
	key := g.key("k")
	pair := func() []string { return []string{g.key("k"), g.text()} }
	switch g.IntN(17) {
	case 0, 1:
		return cat("SET", key, []string{g.text()}, g.pick("", "", "NX", "XX", "GET", "XX GET", "KEEPTTL", "NX XX"))
	case 2:
		return cat("SET", key, []string{g.text()}, g.pick("EXAT", "PXAT"), g.moment(), g.pick("", "GET", "KEEPTTL", "NX"))
	case 3:
		return cat(g.pick("GET", "STRLEN", "GETDEL", "GETEX"), key)
	case 4:
		return append(cat(g.pick("GETSET", "SETNX", "APPEND"), key), g.text())
	case 5:
		return append(cat(g.pick("MSET", "MSETNX")), append(pair(), pair()...)...)
	case 6:
		return cat("MGET", g.keys("k"), g.keys("l"))
	case 7:
		return cat("GETEX", key, g.pick("EXAT", "PXAT"), g.moment(), g.pick("", "", "PERSIST"))
	case 8:
		return cat("GETEX", key, "PERSIST")
	case 9, 10:
		return cat(g.pick("INCR", "DECR"), key)
	case 11, 12:
		return cat(g.pick("INCRBY", "DECRBY"), key, g.number64())
	case 13:
		return cat("INCRBYFLOAT", key, g.pick("0.1", "-3.25", "1e3", "inf", "x", "100", "5.0e-3"))
	case 14:
		return append(cat("SETRANGE", key, itoa(g.IntN(30)-2)), g.text())
	case 15:
		return cat(g.pick("GETRANGE", "SUBSTR"), key, g.index(), g.index())
	}
	return cat("LCS", key, g.key("k"), g.pick("", "LEN", "IDX", "IDX WITHMATCHLEN", "IDX MINMATCHLEN 2"))
}

func (g *generator) keyRequest(cat func(...any) []string) []string {
	kind := g.pick("k", "h", "l", "s", "z")
	key, other := g.key(kind), g.key(kind)
	switch g.IntN(23) {
	case 0, 1:
		return cat(g.pick("EXPIREAT", "EXPIREAT", "PEXPIREAT"), key, g.moment(), g.pick("", "", "NX", "XX", "GT", "LT", "XX GT", "NX LT", "GT LT"))
	case 2:
		return cat(g.pick("EXPIRE", "PEXPIRE"), key, g.pick("0", "-5", "x", "9223372036854775807"))
	case 3, 4:
		return cat(g.pick("EXPIRETIME", "PEXPIRETIME", "TTL", "PTTL"), key)
	case 5:
		return cat("PERSIST", key)
	case 6:
		return cat(g.pick("DEL", "UNLINK"), g.keys(kind))
	case 7, 8, 9:
		return cat(g.pick("EXISTS", "TOUCH"), g.keys(kind))
	case 10:
		return cat("TYPE", key)
	case 11, 12:
		return cat(g.pick("RENAME", "RENAMENX"), key, other)
	case 13, 14:
		return cat("COPY", key, other, g.pick("", "REPLACE", "DB 1", "DB 1 REPLACE", "DB 99", "DB x"))
	case 15:
		return cat("MOVE", key, g.pick("1", "1", "0", "99", "x"))
	case 16:
		return cat("KEYS", g.pick("*", kind+"*", "[hk]?", "[^k]*", "*1"))
	case 17:
		return cat("SCAN 0 COUNT 100000", g.pick("", "MATCH "+kind+"*", "TYPE hash", "TYPE string MATCH *1", "TYPE no"))
	case 18:
		if g.IntN(20) == 0 {
			return cat(g.pick("SWAPDB 0 1", "SWAPDB 1 0", "SWAPDB 0 0", "SWAPDB x 1", "SWAPDB 0 x", "SWAPDB 99 0", "FLUSHDB", "FLUSHALL ASYNC", "FLUSHDB x"))
		}
	}
	return cat("TTL", key)
}

func (g *generator) bitRequest(cat func(...any) []string) []string {
	key := g.key("k")
	bit := itoa(g.IntN(100) - 1)
	unit := g.pick("", "", "BIT", "BYTE", "x")
	switch g.IntN(8) {
	case 0, 1:
		return cat("SETBIT", key, bit, g.pick("0", "1", "1", "2"))
	case 2:
		return cat("GETBIT", key, bit)
	case 3:
		return cat("BITCOUNT", key, g.pick("", g.index()+" "+g.index()+" "+unit))
	case 4:
		return cat("BITPOS", key, g.pick("0", "1"), g.pick("", g.index(), g.index()+" "+g.index()+" "+unit))
	case 5:
		return cat("BITOP", g.pick("AND", "or", "XOR", "NOT"), key, g.keys("k"))
	}
	words := []string{"BITFIELD", key}
	for range 1 + g.IntN(4) {
		field := g.pick("u8", "i8", "u1", "i64", "u63", "i5", "u13", "u64", "i65") + " " + g.pick(bit, "#"+itoa(g.IntN(4)), "x")
		words = append(words, cat(g.pick("GET "+field, "SET "+field+" "+g.number64(), "INCRBY "+field+" "+g.number64(),
			"OVERFLOW "+g.pick("WRAP", "SAT", "FAIL", "x")))...)
	}
	return words
}

// vocabulary is what mistyped requests are made of: every word that some option
// begins with, numbers at the edges, and keys of every type.
var vocabulary = strings.Fields(`0 1 -1 2 3 7 10 -3 1.5 x nan inf -inf +inf (1 [a (a [m1 - + 9223372036854775807
	-9223372036854775808 9999999999999999999 nx xx gt lt ch incr get ex px exat pxat keepttl persist withscores withscore
	limit count match type left RIGHT before after min max weights aggregate sum byscore bylex rev store rank maxlen
	and or xor not bit byte set incrby overflow wrap sat fail u8 i5 u64 #1 idx len minmatchlen withmatchlen replace db
	withvalues string list async sync maxlen minid ~ = $ > (1-1 5-* 3-1 mkstream nomkstream entriesread streams group block
	noack justid force idle full
	by get alpha asc desc nosort k* h*->m1 # byradius bybox fromlonlat frommember m km withdist withhash withcoord any storedist
	absttl idletime freq encoding todense getreg decode`)

// random are the commands whose reply nobody can foretell, and what only rests. (Where
// there are groups, Redis 7.0 makes consumers at other times than 7.2, and it sets IDs
// that 7.2 refuses: TestStreamsSameAsRedis knows how to compare that.)
var random = []string{"dbsize", "dump", "pfselftest", "randomkey", "scan", "spop", "srandmember", "hrandfield", "zrandmember", "object|encoding", "object|refcount", "object|idletime",
	"object|freq", "object|help", "xgroup|create", "xgroup|help", "xinfo|help", "xsetid", "flushall", "swapdb"}

func (g *generator) mistyped(names []string) []string {
	name := names[g.IntN(len(names))]
	request := strings.Split(name, "|")
	args := make([][]byte, 0, 2)
	for _, w := range request {
		args = append(args, []byte(w))
	}
	facts := command.Find(args)
	for range 1 + g.IntN(6) {
		request = append(request, g.word())
	}
	for !facts.ArityOK(len(request)) {
		if want := facts.Arity; want > 0 && len(request) > want {
			request = request[:want]
		} else {
			request = append(request, g.word())
		}
	}
	for i := range request {
		// 7.0 prints large scores with an exponent, 7.2 does not; and the least index of
		// a list overflows in both.
		if i > 0 && (name[0] == 'z' || name[0] == 'l') && len(request[i]) > 15 {
			request[i] = "5"
		}
	}
	for i := range len(request) { // keys where keys stand
		if i >= facts.First && facts.First > 0 && (facts.Last < 0 || i <= facts.Last) && (i-facts.First)%max(facts.Step, 1) == 0 && g.IntN(8) > 0 {
			request[i] = g.key(g.pick("k", "h", "l", "s", "x", "z"))
		}
	}
	return request
}

func (g *generator) word() string {
	switch g.IntN(6) {
	case 0:
		return g.key(g.pick("k", "h", "l", "s", "x", "z"))
	case 1:
		return g.member()
	}
	return vocabulary[g.IntN(len(vocabulary))]
}

// any runs a request, where it must not wait if it might: in a transaction.
func (r *realRedis) any(words []string) []byte {
	r.t.Helper()
	if !command.Find([][]byte{[]byte(words[0])}).Has(command.Blocking) {
		return r.do(words...)
	}
	r.do("MULTI")
	if queued := r.do(words...); queued[0] == '-' {
		reply := slices.Clone(queued)
		r.do("DISCARD")
		return reply
	}
	reply := r.do("EXEC")
	_, body, _ := strings.Cut(string(reply), "\r\n")
	return []byte(body)
}

func mistypedNames() (names []string) {
	for _, row := range Rows() {
		if !slices.Contains(random, row.Name) {
			names = append(names, row.Name)
		}
	}
	return names
}

// TestMistypedSameAsRedis sends requests that fit a command in their number of words,
// and rarely in anything else, to the handlers and to a redis-server.
func TestMistypedSameAsRedis(t *testing.T) {
	redis := startRedis(t)
	r := newRig(t)
	r.now(time.Now())
	seed := newSeed(t)
	g := &generator{rand.New(rand.NewPCG(seed, 2)), false}
	names := mistypedNames()
	for i := range few(mistyped) {
		request := g.mistyped(names)
		if i%3 == 0 {
			request = g.request() // so that there are keys to be wrong about
		}
		if i%40 == 0 {
			request = split("XADD", g.key("x"), itoa(i), "field value")
		}
		r.now(time.Now())
		name := strings.ToUpper(request[0])
		want := comparableReply(t, name, redis.any(request))
		got := comparableReply(t, name, r.do(request...))
		partial := strings.HasSuffix(name, "SCAN") && got[0] == '[' && want[0] == '['
		if got != want && !partial && !newerThan70(request[0], want) {
			t.Errorf("request %d of seed %d: %q\n got %.2000s\nwant %.2000s", i, seed, request, got, want)
		}
		if relative(request) { // so that nothing expires between two requests
			r.do("DEL", request[1])
			redis.do("DEL", request[1])
		}
	}
	if !sameDigest(r, redis) {
		t.Errorf("seed %d: the digests differ at the end", seed)
	}
}

// sameDigest compares all data. What has expired is deleted first, by looking it up:
// Redis's SCAN does that too, and ours does not.
func sameDigest(r *rig, redis *realRedis) bool {
	for _, key := range universe() {
		r.do("TOUCH", key)
		redis.do("TOUCH", key)
	}
	sum := r.Store.Digest()
	return hex.EncodeToString(sum[:]) == parse(r.t, redis.do("DEBUG", "DIGEST")).Text
}

// universe is every key that a request can name.
func universe() (keys []string) {
	keys = append(keys, vocabulary...)
	for _, kind := range []string{"k", "h", "l", "s", "x", "z"} {
		for i := range 4 {
			keys = append(keys, kind+itoa(i))
		}
	}
	for i := range 12 {
		keys = append(keys, itoa(i-4), "m"+itoa(i), fmt.Sprintf("%0*d", 1+i%70, i))
	}
	return append(keys, "lex", "")
}

// relative tells whether a request may set an expiry relative to now.
func relative(request []string) bool {
	switch strings.ToLower(request[0]) {
	case "expire", "pexpire", "setex", "psetex":
		return true
	case "set", "getex":
		return slices.Contains(request, "ex") || slices.Contains(request, "px")
	}
	return false
}

// newerThan70 tells where Redis 7.2, which we follow, answers otherwise than the 7.0 that
// Debian has: its ranks take WITHSCORE, a timeout that is too long is not negative to it, and
// it names the command whose streams and IDs do not match.
func newerThan70(name, want string) bool {
	return strings.HasPrefix(want, "-ERR timeout is negative") || strings.HasPrefix(want, "-ERR Unbalanced XREAD list") ||
		strings.EqualFold(name, "zrank") || strings.EqualFold(name, "zrevrank")
}

func (r *rig) now(at time.Time) {
	r.Now = at.UnixMilli()
	r.Store.SetNow(r.Now)
}
