package commands

import (
	"math/rand/v2"
	"testing"

	"holdfast/backend/acl"
	"time"
)

func TestSort(t *testing.T) {
	r := newRig(t)
	r.script(`
		RPUSH l 3 10 1 2 => :4
		SORT l => [1 2 3 10]
		SORT l DESC LIMIT 1 2 => [3 2]
		SORT l ALPHA => [1 10 2 3]
		SORT l BY nosort => [3 10 1 2]
		SORT l BY nosort DESC LIMIT 0 2 => [2 1]
		SORT l LIMIT 9 1 => []
		SORT l LIMIT -5 2 => [1 2]
		MSET w_1 9 w_2 5 w_3 7 w_10 1 => OK
		SORT l BY w_* => [10 2 3 1]
		SORT l BY w_* GET # GET w_* => [10 1 2 5 3 7 1 9]
		HSET h_1 f x => :1
		SORT l GET h_*->f GET nothing => [x nil nil nil nil nil nil nil]
		SORT l GET # STORE d => :4
		LRANGE d 0 -1 => [1 2 3 10]
		SORT nothing STORE d => :0
		EXISTS d => :0
		SORT nothing => []
		RPUSH m a b => :2
		SORT m => -ERR One or more scores can't be converted into double
		SORT h_1 => -WRONGTYPE Operation against a key holding the wrong kind of value
		SORT l LIMIT 1 => -ERR syntax error
		SORT_RO l STORE d => -ERR syntax error
		SORT_RO l => [1 2 3 10]
		ZADD z 1 c 2 a 3 b => :3
		SORT z ALPHA => [a b c]
		SORT z BY nosort DESC => [b a c]
		SADD s c a b => :3
		SORT s BY nosort STORE d => :3
		LRANGE d 0 -1 => [a b c]
	`)
	limited, err := acl.NewUsers().Set("limited", []string{"+sort", "~l"})
	if err != nil {
		t.Fatal(err)
	}
	r.User = limited
	r.script(`
		SORT l BY w_* => -ERR BY option of SORT denied due to insufficient ACL permissions.
		SORT l GET # => -ERR GET option of SORT denied due to insufficient ACL permissions.
		SORT l BY nosort => [3 10 1 2]
	`)
}

// sortRequest sorts by weights that are all different, or by none: which of two elements
// of equal weight comes first is left open.
func (g *generator) sortRequest(cat func(...any) []string) []string {
	key := g.pick("l", "l", "s", "z") + itoa(g.IntN(3))
	by := g.pick("", "ALPHA", "BY w_*", "BY w_* ALPHA", "BY nosort", "BY h_*->f", "BY x*x")
	if key[0] == 's' && by == "BY nosort" {
		by = "ALPHA"
	}
	get := g.pick("", "", "GET #", "GET # GET w_*", "GET h_*->f GET x", "GET *")
	rest := g.pick("", "", "LIMIT "+g.index()+" "+g.index(), "DESC") + " " + g.pick("", "", "", "STORE d", "x")
	name := g.pick("SORT", "SORT", "SORT_RO")
	switch g.IntN(8) {
	case 0:
		return cat("RPUSH l"+itoa(g.IntN(3)), g.sortable())
	case 1:
		return cat("SADD s"+itoa(g.IntN(3)), g.sortable())
	case 2:
		return cat("ZADD z"+itoa(g.IntN(3)), itoa(g.IntN(100)), g.sortable())
	case 3:
		return cat("LRANGE d 0 -1")
	case 4:
		return cat("LTRIM l"+itoa(g.IntN(3)), "-12 -1")
	}
	return cat(name, key, by, get, rest)
}

func (g *generator) sortable() string {
	return g.pick(itoa(g.IntN(30)-10), itoa(g.IntN(30)), g.pick("1.5", "-2e3", "inf", "0x10"), g.pick("5", "5", "5", "5", "word"))
}

func TestSortSameAsRedis(t *testing.T) {
	redis := startRedis(t)
	r := newRig(t)
	seed := newSeed(t)
	g := &generator{rand.New(rand.NewPCG(seed, 6)), false}
	for i := -20; i < 40; i++ {
		n := itoa(i)
		for _, request := range [][]string{{"SET", "w_" + n, itoa((i*7 + 1000) % 61)}, {"HSET", "h_" + n, "f", itoa((i*11 + 1000) % 61)}} {
			r.do(request...)
			redis.do(request...)
		}
	}
	for i, element := range words("1.5 -2e3 inf 0x10 word") {
		r.do("SET", "w_"+element, itoa(100+i))
		redis.do("SET", "w_"+element, itoa(100+i))
	}
	for i := range few(requests) {
		request := g.sortRequest(split)
		r.now(time.Now())
		got, want := show(parse(t, r.do(request...))), show(parse(t, redis.do(request...)))
		if got != want {
			t.Fatalf("request %d of seed %d: %q\n got %.2000s\nwant %.2000s", i, seed, request, got, want)
		}
	}
	if !sameDigest(r, redis) {
		t.Errorf("seed %d: the digests differ", seed)
	}
}
