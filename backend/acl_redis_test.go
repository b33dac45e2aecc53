package backend_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"holdfast/backend/client"
	"holdfast/backend/command"
	"holdfast/backend/resp"
)

// aclPair is a node and a Redis that are told the same.
type aclPair struct {
	t     *testing.T
	old   bool // the Redis is older than 7.2, whose texts differ
	admin [2]*client.Conn
	users [2]*client.Conn // logged in as whoever the test says
}

func newACLPair(t *testing.T) *aclPair {
	p := &aclPair{t: t}
	for i, server := range []*process{begin(t, t.TempDir()), redis(t)} {
		p.admin[i], p.users[i] = server.data, server.dial(server.port)
	}
	info, err := ask(t, p.admin[1], "INFO", "server")
	if err != nil {
		t.Fatal(err)
	}
	p.old = strings.Contains(info.Text, "redis_version:7.0.")
	return p
}

// flatten prints a reply, errors included, with what says when or where it
// happened left out.
func flatten(v resp.Value, err error) string {
	if err != nil {
		return "-" + err.Error()
	}
	if v.Kind == ':' {
		return fmt.Sprint(v.Int)
	}
	if v.Elems == nil {
		return v.Text
	}
	parts := make([]string, len(v.Elems))
	for i, e := range v.Elems {
		parts[i] = flatten(e, e.Err())
	}
	return "[" + strings.Join(parts, " | ") + "]"
}

// What Redis 7.2 says and 7.0 says otherwise.
var (
	whoHasNot  = regexp.MustCompile(`(?i)(User \S+|this user) has no permissions to run`)
	noAccess   = regexp.MustCompile(`(?i)(this user has )?no permissions to access (one of the (keys|channels) used as arguments|a (key|channel))`)
	whoCannot  = regexp.MustCompile(`(?i)((User \S+|this user) has no permissions to access) the`)
	scriptFail = regexp.MustCompile(`ERR (ACL failure in script:|The user executing the script) .*`)
	commandSet = regexp.MustCompile(`[-+]@all( [-+][^\s)\]]+)*`)
	sanitize   = strings.NewReplacer(" sanitize-payload", "", "sanitize-payload | ", "", " | sanitize-payload", "")
)

// same levels out what the older version says otherwise.
func (p *aclPair) same(reply string) string {
	if !p.old {
		return reply
	}
	reply = whoHasNot.ReplaceAllString(reply, "nobody may run")
	reply = noAccess.ReplaceAllString(reply, "no access")
	reply = whoCannot.ReplaceAllString(reply, "no access to the")
	reply = scriptFail.ReplaceAllString(reply, "script")
	return commandSet.ReplaceAllString(sanitize.Replace(reply), "@all…")
}

func (p *aclPair) compare(conns [2]*client.Conn, words ...string) string {
	p.t.Helper()
	var got [2]string
	for i, c := range conns {
		v, err := ask(p.t, c, words...)
		got[i] = flatten(v, err)
	}
	if p.same(got[0]) != p.same(got[1]) {
		p.t.Errorf("%q:\n  here %s\n redis %s", words, got[0], got[1])
	}
	return got[0]
}

func TestCategoriesAreRedis(t *testing.T) {
	t.Parallel()
	p := newACLPair(t)
	for _, name := range command.CategoryNames() {
		if name == "holdfast" {
			continue
		}
		members := func(c *client.Conn) []string {
			v, err := ask(t, c, "ACL", "CAT", name)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, e := range v.Elems {
				isNew := slices.Contains([]string{"client|no-touch", "client|setinfo", "cluster|myshardid", "waitaof"}, e.Text)
				if !strings.HasPrefix(e.Text, "holdfast") && !(p.old && isNew) {
					all = append(all, e.Text)
				}
			}
			slices.Sort(all)
			return all
		}
		if here, there := members(p.admin[0]), members(p.admin[1]); !slices.Equal(here, there) {
			t.Errorf("@%s:\n  here %v\n redis %v", name, here, there)
		}
	}
}

// ruleMaker makes rules, most of them right.
type ruleMaker struct{ *rand.Rand }

func (r ruleMaker) pick(words ...string) string { return words[r.IntN(len(words))] }

func (r ruleMaker) rule() string {
	name := r.pick("get", "set", "mget", "config", "config|get", "client|id", "ping", "select", "publish", "subscribe", "sort", "eval",
		"copy", "del", "xread", "GET", "object|encoding", "acl", "command|count")
	switch r.IntN(12) {
	case 0:
		return r.pick("on", "off", "nopass", "resetpass", "reset", "allkeys", "resetkeys", "allchannels", "resetchannels", "allcommands",
			"nocommands", "clearselectors", "sanitize-payload", "skip-sanitize-payload", "ON", "ResetKeys")
	case 1:
		return r.pick(">", "<") + r.pick("a", "b", "")
	case 2:
		return r.pick("#", "!") + r.pick(strings.Repeat("0a", 32), strings.Repeat("1b", 32), "short", strings.Repeat("Z", 64))
	case 3, 4:
		return r.pick("~", "~", "%R~", "%W~", "%RW~", "%rw~", "%X~", "%~", "%RR~") + r.pick("a*", "b", "[a-c]?", "*", "")
	case 5:
		return "&" + r.pick("a*", "b", "*")
	case 6, 7:
		return r.pick("+", "-") + "@" + r.pick("all", "read", "write", "string", "fast", "slow", "dangerous", "pubsub", "SET", "nosuch")
	case 8:
		return "+" + name + "|" + r.pick("0", "a", "set", "GET", "")
	case 9:
		return r.pick("blob", "", "+", "-", "+nosuch", "()", "(on)", "(+get", "+set)", "(+get ~a*)", "(%R~b +@all &b)", "( -@all +@read  ~a* )")
	}
	return r.pick("+", "-") + name
}

var aclRequests = []string{"GET a1", "GET b", "SET a1 x", "SET b x GET", "MGET a b c", "COPY a b", "COPY b a", "DEL b", "PING", "CONFIG GET maxmemory", "CONFIG SET hz 10",
	"CLIENT ID", "CLIENT NO-EVICT off", "SELECT 0", "SELECT 1", "PUBLISH a1 x", "PUBLISH c x", "SUBSCRIBE b c", "PSUBSCRIBE a*", "PSUBSCRIBE b*", "SSUBSCRIBE a1",
	"UNSUBSCRIBE z", "SORT a BY b* STORE c", "SORT a", "EVAL return(1) 2 a b", "EVAL return(1) 9 a b", "EVAL return(1) x", "XREAD STREAMS a b 0 0", "XREAD STREAMS a",
	"GEORADIUS a 1 1 1 m STORE b", "BITFIELD a GET u4 0", "BITFIELD b SET u4 0 1", "EXISTS a b c", "OBJECT ENCODING a", "ZUNIONSTORE b 2 a c", "ZUNIONSTORE b 7 a c",
	"LMPOP 1 a LEFT", "AUTH x", "HELLO", "ACL WHOAMI", "COMMAND COUNT", "FLUSHALL", "RENAME a b", "MSET a 1 b 2"}

// Random users in both servers: what is said of them, and what they may do.
func TestUsersAreRedis(t *testing.T) {
	t.Parallel()
	p := newACLPair(t)
	rounds := 400
	if testing.Short() {
		rounds = 60
	}
	r := ruleMaker{rand.New(rand.NewPCG(1, 2))}
	made := 0
	for range rounds {
		user := r.pick("u1", "u2", "u3")
		words := []string{"ACL", "SETUSER", user}
		for range 1 + r.IntN(4) {
			words = append(words, r.rule())
		}
		if p.compare(p.admin, words...) == "OK" {
			made++
		}
		p.compare(p.admin, "ACL", "GETUSER", user)
		p.compare(p.admin, "ACL", "LIST")
		for range 10 {
			p.compare(p.admin, append([]string{"ACL", "DRYRUN", user}, strings.Fields(r.pick(aclRequests...))...)...)
		}
		if r.IntN(20) == 0 {
			p.compare(p.admin, "ACL", "DELUSER", user, "nobody")
			p.compare(p.admin, "ACL", "USERS")
		}
		if t.Failed() {
			t.Fatalf("after %q", words)
		}
	}
	if made < rounds/4 {
		t.Errorf("only %d of %d rules were understood: nothing was compared", made, rounds)
	}
}

// What a client with few rights is told, and what the log keeps of it.
func TestRefusalsAreRedis(t *testing.T) {
	t.Parallel()
	p := newACLPair(t)
	for _, line := range []string{"ACL SETUSER u on >p ~a* &a* +@all -@dangerous -ping -incr (+lpush ~l)", "ACL LOG RESET", "SET a1 x", "ACL LOG RESET x", "ACL LOG x", "ACL LOG -1",
		"ACL GENPASS 0", "ACL GENPASS 5000", "ACL GENPASS x", "ACL CAT nosuch", "ACL CAT a b", "ACL SETUSER a\x00b", "ACL DELUSER default", "ACL DELUSER nobody", "ACL GETUSER nobody",
		"ACL DRYRUN nobody GET a", "ACL DRYRUN u NOSUCH a", "ACL DRYRUN u GET", "ACL LOAD", "ACL SAVE", "ACL WHOAMI", "ACL NOSUCH", "ACL", "AUTH a b c", "AUTH x", "AUTH u x", "AUTH nobody x"} {
		p.compare(p.admin, strings.Fields(line)...)
	}
	for _, line := range []string{"AUTH u p", "ACL WHOAMI", "GET a1", "GET b", "SET b 1", "PING", "PING", "FLUSHALL", "LPUSH l 1", "LPUSH m 1", "GET l", "PUBLISH b x", "PUBLISH a x",
		"MULTI", "GET b", "GET a1", "EXEC", "MULTI", "GET a1", "GET a1", "EXEC", "CONFIG GET x", "CLIENT KILL USER nobody", "ACL LIST"} {
		p.compare(p.users, strings.Fields(line)...)
	}
	for _, script := range []string{"return redis.call('incr','a1')", "return redis.pcall('get','b').err", "return {redis.acl_check_cmd('get','a'), redis.acl_check_cmd('get','b'), redis.acl_check_cmd('ping')}"} {
		p.compare(p.users, "EVAL", script, "0")
	}
	p.compare(p.users, "MULTI")
	p.compare(p.users, "GET", "a1")
	p.compare(p.users, "SET", "a1", "y")
	p.compare(p.admin, "ACL", "SETUSER", "u", "-get", "resetkeys")
	p.compare(p.users, "EXEC")
	p.compare(p.users, "RESET")
	p.compare(p.users, "ACL", "WHOAMI")
	var logs [2][]string
	for i, c := range p.admin {
		v, err := ask(t, c, "ACL", "LOG", "100")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range v.Elems {
			f := e.Pairs()
			logs[i] = append(logs[i], fmt.Sprint(f["count"].Int, " ", f["reason"].Text, " ", f["context"].Text, " ", f["object"].Text, " ", f["username"].Text))
		}
	}
	if !slices.Equal(logs[0], logs[1]) || len(logs[0]) < 10 {
		t.Errorf("the log:\n  here %q\n redis %q", logs[0], logs[1])
	}
}

// Which words are keys, and what is done to them, is what rules about keys rest on.
func TestKeysAreRedis(t *testing.T) {
	t.Parallel()
	p := newACLPair(t)
	for _, line := range append(slices.Clone(aclRequests), "SET a b EX 1 GET", "SET a get", "BITFIELD a OVERFLOW SAT GET u4 0", "BITFIELD a GET u4 0 INCRBY u4 0 1", "BITFIELD a GET",
		"MIGRATE h 1 k 0 1", "MIGRATE h 1 k 0 1 COPY", "MIGRATE h 1 k 0 1 KEYS a b", "MIGRATE h 1 k 0 1 AUTH KEYS", "SORT a LIMIT 0 STORE GET x STORE b STORE c", "SORT_RO a GET b",
		"XREADGROUP GROUP g c COUNT 1 STREAMS a b > >", "XREAD COUNT 1 BLOCK 0 STREAMS a 0", "XADD a * f v", "XGROUP CREATE a g 0", "EVAL x 0 a", "EVAL x -1 a", "FCALL f 2 a b",
		"ZUNION 2 a b", "ZUNION 0 a", "ZINTERSTORE a 1 b WEIGHTS 1", "SINTERCARD 2 a b", "LMPOP 3 a b LEFT", "BLMPOP 0 1 a LEFT", "BZMPOP 0 2 a b MIN", "ZMPOP 1 a MIN", "BLPOP a b 0",
		"GEORADIUS a 1 1 1 m STORE b STOREDIST c", "GEOSEARCHSTORE a b FROMLONLAT 1 1 BYRADIUS 1 m", "OBJECT FREQ a", "MEMORY USAGE a", "SPUBLISH a b", "PUBLISH a b", "BITOP AND a b c",
		"PFCOUNT a b", "PFMERGE a b", "LCS a b", "WATCH a b", "RESTORE a 0 x", "LMOVE a b LEFT LEFT", "SMOVE a b c", "GETDEL a", "EXPIRETIME a", "SUBSTR a 0 1", "NOSUCH a", "GET", "PING") {
		if p.old && !strings.Contains(line, " ") {
			continue // asking about a command without arguments was a wrong arity
		}
		for _, how := range []string{"GETKEYS", "GETKEYSANDFLAGS"} {
			p.compare(p.admin, append([]string{"COMMAND", how}, strings.Fields(line)...)...)
		}
	}
}
