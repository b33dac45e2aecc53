package main_test

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"holdfast/backend/resp"
)

// notCompared are the commands whose replies are chance, the server's own
// affair, or the end of the connection.
var notCompared = []string{
	// Chance.
	"spop", "srandmember", "hrandfield", "zrandmember", "randomkey", "scan", "acl|genpass",
	// The server's own figures, clock, settings and texts.
	"info", "time", "lastsave", "memory", "latency", "slowlog", "config", "debug", "lolwut", "client|list", "client|info", "client|id",
	"client|kill", "object|freq", "object|encoding", "command|docs", "command|info", "command|count", "command|list", "command", "acl|log", "acl|list", "acl|getuser",
	"acl|setuser", "acl|deluser", "acl|save", "acl|load", "function|stats", "dump", "function|dump", "pfdebug", "pfselftest", "role",
	// The state of the connection or of the process.
	"auth", "hello", "reset", "quit", "select", "monitor", "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe",
	"client|reply", "client|pause", "client|unpause", "client|tracking", "client|caching", "client|setname", "client|no-evict", "multi", "exec", "watch", "discard",
	"sync", "psync", "replconf", "replicaof", "slaveof", "failover", "shutdown", "save", "bgsave", "bgrewriteaof", "swapdb",
	"script|debug", "script|kill", "function|kill", "migrate", "restore-asking", "asking", "readonly", "readwrite",
	// Not there, by decision.
	"cluster", "module",
}

// isCompared tells whether a command is; the words of help texts are our own.
func isCompared(full string) bool {
	return !strings.HasSuffix(full, "|help") && !slices.ContainsFunc(notCompared, func(x string) bool {
		return x == full || strings.HasPrefix(full, x+"|")
	})
}

// difference is one way in which replies may differ, with the reason.
type difference struct {
	command   string                      // "": any
	want, got string                      // what the reply begins with
	same      func(want, got []byte) bool // nil: want and got decide
	reason    string
}

var knownDifferences = []difference{
	{command: "", same: equalNumbers, reason: "7.2 prints the shortest form of a number, 7.0 17 digits"},
	{command: "", same: cutAtZero, reason: "C ends a text of the request at a zero byte"},
	{command: "", want: "-ERR Error compiling script", got: "-ERR Error compiling script", reason: "another Lua compiler, which words its errors differently"},
	{command: "zscan", got: "-ERR invalid cursor", reason: "C ends a text of the request at a zero byte"},
	{command: "hscan", got: "-ERR invalid cursor", reason: "C ends a text of the request at a zero byte"},
	{command: "sscan", got: "-ERR invalid cursor", reason: "C ends a text of the request at a zero byte"},
	{command: "zremrangebylex", want: ":", got: ":", reason: "a range by lex is not defined over unequal scores"},
	{command: "zlexcount", want: ":", got: ":", reason: "a range by lex is not defined over unequal scores"},
	{command: "zrangebylex", want: "*", got: "*", reason: "a range by lex is not defined over unequal scores"},
	{command: "zrevrangebylex", want: "*", got: "*", reason: "a range by lex is not defined over unequal scores"},
	{command: "zrangestore", want: ":", got: ":", reason: "a range by lex is not defined over unequal scores"},
	{command: "dbsize", want: ":", got: ":", reason: "expired keys count until chance removes them"},
	{command: "object|refcount", want: ":", got: ":", reason: "values are not shared here; integers say what Redis mostly says"},
	{command: "", want: "-ERR timeout is negative", got: "-ERR timeout is out of range", reason: "7.2 tells an infinite timeout from a negative one"},
	{command: "xread", want: "-ERR Unbalanced XREAD list", got: "-ERR Unbalanced 'xread' list", reason: "7.2 names the command"},
	{command: "xreadgroup", want: "-ERR Unbalanced XREAD list", got: "-ERR Unbalanced 'xreadgroup' list", reason: "7.2 names the command"},
	{command: "zrank", want: "-ERR wrong number of arguments", got: "-ERR syntax error", reason: "7.2 knows WITHSCORE"},
	{command: "zrevrank", want: "-ERR wrong number of arguments", got: "-ERR syntax error", reason: "7.2 knows WITHSCORE"},
	{command: "xsetid", got: "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id", reason: "7.2 checks what was deleted before"},
	{command: "xautoclaim", want: "*3", got: "*3", reason: "7.2 keeps a huge min-idle-time, 7.0 overflows"},
	{command: "xinfo|groups", want: "*", got: "*", reason: "in 7.2 XREADGROUP makes its consumer even when it finds nothing"},
	{command: "xgroup|createconsumer", want: ":1", got: ":0", reason: "in 7.2 XREADGROUP makes its consumer even when it finds nothing"},
	{command: "xinfo|consumers", want: "*", got: "*", reason: "in 7.2 XREADGROUP makes its consumer even when it finds nothing"},
	{command: "xinfo|stream", reason: "in 7.2 XREADGROUP makes its consumer even when it finds nothing"},
	{command: "sort", want: "*", got: "-ERR One or more scores", reason: "C ends a number at a zero byte"},
	{command: "sort", want: ":", got: "-ERR One or more scores", reason: "C ends a number at a zero byte"},
	{command: "sort_ro", want: "*", got: "-ERR One or more scores", reason: "C ends a number at a zero byte"},
	{command: "lpos", got: "-ERR value is out of range", reason: "7.2 checks the bounds of RANK"},
	{command: digestOfGone, reason: "expired keys count until chance removes them"},
	{command: digestOfStreams, reason: "in 7.2 XREADGROUP makes its consumer even when it finds nothing"},
	{command: digestOfScores, reason: "7.2 prints the shortest form of a number, 7.0 17 digits"},
}

// Names for data that differs though all replies were equal.
const (
	digestOfStreams = "(digest of streams)"
	digestOfScores  = "(digest of scores)"
	digestOfGone    = "(digest of expired keys)"
)

func knownDifference(name string, want, got []byte) *difference {
	for i := range knownDifferences {
		k := &knownDifferences[i]
		switch {
		case k.command != name && k.command != "":
		case k.same != nil && k.same(want, got),
			k.same == nil && bytes.HasPrefix(want, []byte(k.want)) && bytes.HasPrefix(got, []byte(k.got)):
			return k
		}
	}
	return nil
}

var zeroByte = regexp.MustCompile(`\x00[^']*`)

// cutAtZero tells whether two errors are equal but for words of the request that
// hold a zero byte.
func cutAtZero(want, got []byte) bool {
	return bytes.HasPrefix(got, []byte("-")) && bytes.Equal(want, append(zeroByte.ReplaceAll(bytes.TrimSuffix(got, []byte("\r\n")), nil), "\r\n"...))
}

// equalNumbers tells whether two replies differ only in how numbers are
// written.
func equalNumbers(want, got []byte) bool {
	w, err1 := resp.Parse(want)
	g, err2 := resp.Parse(got)
	return err1 == nil && err2 == nil && sameNumbers(w, g)
}

func sameNumbers(a, b resp.Value) bool {
	if a.Kind != b.Kind || a.Null != b.Null || len(a.Elems) != len(b.Elems) || a.Int != b.Int {
		return false
	}
	for i := range a.Elems {
		if !sameNumbers(a.Elems[i], b.Elems[i]) {
			return false
		}
	}
	x, err1 := strconv.ParseFloat(a.Text, 64)
	y, err2 := strconv.ParseFloat(b.Text, 64)
	return a.Text == b.Text || err1 == nil && err2 == nil && x == y
}

// Commands that reply in the order of a hash table.
var unordered = []string{"smembers", "sinter", "sunion", "sdiff", "hkeys", "hvals", "keys", "acl|cat", "acl|users", "pubsub|channels", "function|list"}

// Commands that reply name after value in the order of a hash table; RESP2 has
// no type for that.
var unorderedPairs = []string{"hgetall"}

// Commands that reply a remaining or a passed time.
var clocked = []string{"ttl", "pttl", "expiretime", "pexpiretime", "xinfo|consumers", "xinfo|stream", "xpending", "object|idletime"}

// clockSlack is by how much two replies of a time may differ, in the reply's
// unit: both servers are asked within it.
const clockSlack = 20_000

// equal compares two replies to one request by what the command promises.
func equal(name string, request []string, want, got []byte) bool {
	if bytes.Equal(want, got) {
		return true
	}
	w, err1 := resp.Parse(want)
	g, err2 := resp.Parse(got)
	if err1 != nil || err2 != nil {
		return false
	}
	switch {
	case strings.HasPrefix(name, "xinfo|"):
		w, g = without(w, newInfo, 2), without(g, newInfo, 2)
	case name == "acl|cat": // HOLDFAST has its own commands, and a category
		g.Elems = slices.DeleteFunc(g.Elems, func(v resp.Value) bool { return strings.HasPrefix(v.Text, "holdfast") })
	}
	switch {
	case undecided(name, request):
		return w.Kind == g.Kind && len(w.Elems) == len(g.Elems)
	case slices.Contains(unordered, name), unsorted(name, request):
		return slices.Equal(sorted(w, 1), sorted(g, 1))
	case slices.Contains(unorderedPairs, name):
		return slices.Equal(sorted(w, 2), sorted(g, 2))
	case slices.Contains(clocked, name):
		return near(w, g)
	case strings.HasSuffix(name, "scan") && len(w.Elems) == 2 && len(g.Elems) == 2:
		pair := 2
		if name == "sscan" {
			pair = 1
		}
		partial := len(request) < 3 || request[2] != "0" || w.Elems[0].Text != "0" || g.Elems[0].Text != "0"
		return partial || slices.Equal(sorted(w.Elems[1], pair), sorted(g.Elems[1], pair))
	}
	return false
}

// newInfo are the fields that 7.2 adds to what XINFO says of a consumer.
var newInfo = []string{"active-time", "inactive"}

// without leaves names, each with what follows up to size elements, out of a
// reply, at every depth.
func without(v resp.Value, names []string, size int) resp.Value {
	var kept []resp.Value
	for i := 0; i < len(v.Elems); i++ {
		if slices.Contains(names, v.Elems[i].Text) {
			i += size - 1
			continue
		}
		kept = append(kept, without(v.Elems[i], names, size))
	}
	v.Elems = kept
	return v
}

// unsorted tells whether a SORT is asked to leave the order as it is.
func unsorted(name string, request []string) bool {
	by := slices.IndexFunc(request, func(s string) bool { return strings.EqualFold(s, "BY") })
	return strings.HasPrefix(name, "sort") && by > 0 && by+1 < len(request) && !strings.Contains(request[by+1], "*")
}

// undecided tells whether a SORT compares foreign texts, most of which do not
// exist: equal ones stand in the order that the algorithm left them in.
func undecided(name string, request []string) bool {
	has := func(option string) bool {
		return slices.ContainsFunc(request, func(s string) bool { return strings.EqualFold(s, option) })
	}
	return strings.HasPrefix(name, "sort") && has("BY") && has("ALPHA")
}

// sorted returns the elements of a reply in an order of their own, groups of
// size kept together. Errors and single values are one element.
func sorted(v resp.Value, size int) (all []string) {
	if v.Kind != '*' && v.Kind != '~' && v.Kind != '%' {
		return []string{string(v.Kind) + v.Text}
	}
	for i := 0; i < len(v.Elems); i += size {
		var b strings.Builder
		for _, e := range v.Elems[i:min(i+size, len(v.Elems))] {
			b.WriteString(string(e.Kind) + e.Text + "\x00" + strings.Join(sorted(e, 1), "\x01"))
		}
		all = append(all, b.String())
	}
	slices.Sort(all)
	return all
}

// near is equality but for integers, which may be apart by clockSlack.
func near(a, b resp.Value) bool {
	if a.Kind != b.Kind || a.Null != b.Null || len(a.Elems) != len(b.Elems) {
		return false
	}
	if a.Kind == ':' {
		return max(a.Int, b.Int)-min(a.Int, b.Int) <= clockSlack && (a.Int < 0) == (b.Int < 0)
	}
	if a.Text != b.Text {
		return false
	}
	for i := range a.Elems {
		if !near(a.Elems[i], b.Elems[i]) {
			return false
		}
	}
	return true
}
