package commands

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/store"
)

// dumped is what DUMP replies, without the head of the bulk.
func dumped(t testing.TB, reply []byte) string {
	t.Helper()
	return parse(t, reply).Text
}

func TestRestore(t *testing.T) {
	r := newRig(t)
	r.line("RPUSH l a 1 b")
	payload := dumped(t, r.do("DUMP", "l"))
	later := r.Now + 5000
	check := func(want, propagated string, words ...string) {
		t.Helper()
		if got := show(parse(t, r.do(words...))); got != want {
			t.Errorf("%q replies %s, want %s", words, got, want)
		}
		if got := strings.ReplaceAll(r.propagated(), payload, "PAYLOAD"); got != propagated {
			t.Errorf("%q is propagated as %q, want %q", words, got, propagated)
		}
	}
	check("-BUSYKEY Target key name already exists.", "", "RESTORE", "l", "0", payload)
	check("OK", "RESTORE m 0 PAYLOAD", "RESTORE", "m", "0", payload)
	r.script(`LRANGE m 0 -1 => [a 1 b]`)
	check("OK", "RESTORE m "+itoa(int(later))+" PAYLOAD REPLACE ABSTTL", "RESTORE", "m", "5000", payload, "REPLACE")
	check("OK", "RESTORE m "+itoa(int(later))+" PAYLOAD absttl REPLACE", "RESTORE", "m", itoa(int(later)), payload, "absttl", "REPLACE")
	r.script(`PTTL m => :5000`)
	check("OK", "DEL m", "RESTORE", "m", "1", payload, "absttl", "REPLACE")
	check("OK", "", "RESTORE", "m", "1", payload, "absttl")
	r.script(`EXISTS m => :0`)
	check("OK", "RESTORE m 0 PAYLOAD IDLETIME 1000", "RESTORE", "m", "0", payload, "IDLETIME", "1000")
	r.script(`OBJECT IDLETIME m => :1000`)
	check("OK", "RESTORE m 0 PAYLOAD REPLACE FREQ 7", "RESTORE", "m", "0", payload, "REPLACE", "FREQ", "7")
	r.Store.SetEviction(store.Eviction{Order: store.LFU})
	check("OK", "RESTORE m 0 PAYLOAD REPLACE FREQ 7", "RESTORE", "m", "0", payload, "REPLACE", "FREQ", "7")
	r.script(`OBJECT FREQ m => :7`)
	broken := payload[:len(payload)-1] + "x"
	check("-ERR DUMP payload version or checksum are wrong", "", "RESTORE", "m", "0", broken, "REPLACE")
	r.script(`
		RESTORE m -1 x => -BUSYKEY Target key name already exists.
		RESTORE n -1 x => -ERR Invalid TTL value, must be >= 0
		RESTORE n x x => -ERR value is not an integer or out of range
		RESTORE n 0 x IDLETIME => -ERR syntax error
		RESTORE n 0 x IDLETIME -1 => -ERR Invalid IDLETIME value, must be >= 0
		RESTORE n 0 x FREQ 256 => -ERR Invalid FREQ value, must be >= 0 and <= 255
		RESTORE n 0 x FREQ 1 IDLETIME 1 => -ERR syntax error
		DUMP nothing => nil
	`)
}

// TestDumpSameAsRedis carries random data through DUMP and RESTORE, from here to a
// redis-server and back, and compares all of it.
func TestDumpSameAsRedis(t *testing.T) {
	redis := startRedis(t)
	for _, wide := range []bool{false, true} {
		r := newRig(t)
		r.now(time.Now())
		redis.do("FLUSHALL")
		seed := newSeed(t)
		g := &generator{rand.New(rand.NewPCG(seed, 3)), wide}
		for range 3000 {
			r.do(g.request()...)
		}
		for range 3000 { // a flush may just have been
			if r.DB.Len() >= 10 {
				break
			}
			r.do(g.request()...)
		}
		if n := r.DB.Len(); n < 10 {
			t.Fatalf("seed %d made %d keys only", seed, n)
		}
		carry(t, r, redis)
	}
}

// carry dumps every key of r into redis, and from there into a rig that is empty.
func carry(t *testing.T, r *rig, redis *realRedis) {
	back := newRig(t)
	back.Now = r.Now
	back.Store.SetNow(r.Now)
	for db := range r.Store.Databases() {
		r.DB, back.DB = r.Store.DB(db), back.Store.DB(db)
		redis.do("SELECT", itoa(db))
		for _, key := range universe() {
			r.do("TOUCH", key) // one whose time has come goes: redis-server would not take it
		}
		var keys []string
		r.DB.Each(func(key []byte, _ store.Type) bool {
			keys = append(keys, string(key))
			return true
		})
		for _, key := range keys {
			expire, _ := r.DB.ExpireOf([]byte(key))
			if soon := r.Now + time.Hour.Milliseconds(); expire > 0 && expire < soon { // the rig's clock stands still, redis-server's does not
				r.do("PERSIST", key)
				expire = store.NoExpire
			}
			ms := itoa(int(max(expire, 0)))
			if got := string(redis.do("RESTORE", key, ms, dumped(t, r.do("DUMP", key)), "ABSTTL")); got != "+OK\r\n" {
				t.Fatalf("redis-server refuses %q: %s", key, got)
			}
			if got := string(back.do("RESTORE", key, ms, dumped(t, redis.do("DUMP", key)), "ABSTTL")); got != "+OK\r\n" {
				t.Fatalf("%q of redis-server is refused: %s", key, got)
			}
		}
	}
	redis.do("SELECT", "0")
	if !sameDigest(r, redis) {
		t.Error("redis-server's digest differs")
	}
	if r.Store.Digest() != back.Store.Digest() {
		t.Error("what came back differs")
	}
}

// FuzzRestored gives RESTORE payloads whose checksum is right and whose content is
// anything, and uses what was accepted as clients would.
func FuzzRestored(f *testing.F) {
	r := newRig(f)
	for _, line := range []string{"SET k some-text", "SET k 17", "RPUSH k a 1 b", "SADD k 1 2 3", "SADD k a b c", "HSET k f v g 1",
		"ZADD k 1 a 2.5 b 2.5 c", "PFADD k a b c", "XADD k 1-1 f v;XADD k 2-1 f w;XADD k 3-1 g w;XADD k 5-1 f 1;XDEL k 2-1;" +
			"XGROUP CREATE k g 0;XREADGROUP GROUP g c COUNT 2 STREAMS k >"} {
		r.do("DEL", "k")
		for _, one := range strings.Split(line, ";") {
			r.line(one)
		}
		payload := dumped(f, r.do("DUMP", "k"))
		f.Add([]byte(payload[:len(payload)-10]))
	}
	uses := words(`LRANGE_k_0_-1 LPUSH_k_x LPOS_k_x_RANK_-1 LSET_k_0_y LREM_k_0_a LTRIM_k_1_2 RPOP_k SMEMBERS_k SADD_k_7_seven SRANDMEMBER_k_-3
		SREM_k_a SPOP_k HGETALL_k HSET_k_f_w HDEL_k_g HRANDFIELD_k_2 HSCAN_k_0 ZRANGE_k_0_-1_WITHSCORES ZADD_k_2_b ZRANK_k_a
		ZRANGEBYSCORE_k_1_3 ZRANGEBYLEX_k_[a_[z ZREM_k_c ZPOPMIN_k GET_k APPEND_k_x BITCOUNT_k PFCOUNT_k PFADD_k_d PFMERGE_other_k
		XINFO_STREAM_k_FULL_COUNT_0 XREADGROUP_GROUP_g_c_STREAMS_k_0 XREADGROUP_GROUP_g_d_STREAMS_k_> XADD_k_*_f_v XREVRANGE_k_+_- XDEL_k_3-1
		XAUTOCLAIM_k_g_d_0_0 XPENDING_k_g_-_+_9 XTRIM_k_MINID_4 XTRIM_k_MAXLEN_~_1 XACK_k_g_5-1 XINFO_GROUPS_k XGROUP_DELCONSUMER_k_g_d COPY_k_x
		XGROUP_DESTROY_k_g OBJECT_ENCODING_k COPY_k_c DUMP_k DEL_k`)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := newRig(t)
		reply := r.do("RESTORE", "k", "0", string(rdb.Seal(bytes.Clone(body))))
		if string(reply) != "+OK\r\n" {
			return
		}
		for _, use := range uses {
			r.do(strings.Split(use, "_")...)
		}
	})
}
