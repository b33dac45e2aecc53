package backend_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// fill makes values of all types in every encoding, in two databases, with keys
// that expire, a stream that remembers more than it holds, and a group.
const fill = `
local function v(i) return 'value:' .. i end
for _, n in ipairs({1, 100, 700}) do
  for i = 1, n do
    redis.call('HSET', 'hash' .. n, v(i), i % 3 == 0 and i or v(i))
    redis.call('SADD', 'set' .. n, v(i))
    redis.call('SADD', 'ints' .. n, i * 1000003)
    redis.call('ZADD', 'zset' .. n, i / 64, v(i))
    redis.call('RPUSH', 'list' .. n, i % 2 == 0 and i or v(i))
    redis.call('XADD', 'stream' .. n, i .. '-1', 'field', i, 'other', v(i))
    redis.call('SET', 'string' .. i, string.rep(v(i), i % 9 + 1), 'PX', 100000000 + i)
  end
  redis.call('XDEL', 'stream' .. n, '2-1', '70-1')
  redis.call('XGROUP', 'CREATE', 'stream' .. n, 'group', 0)
  redis.call('XREADGROUP', 'GROUP', 'group', 'consumer', 'COUNT', math.ceil(n / 2), 'STREAMS', 'stream' .. n, '>')
end
redis.call('SET', 'compressible', string.rep('abc', 20000))
redis.call('RPUSH', 'list-plain', string.rep('x', 20000), 'y', string.rep('z', 20000))
redis.call('ZADD', 'infinite', '-inf', 'a', '+inf', 'b', '-0.25', 'd')
redis.call('PFADD', 'hll', 'a', 'b', 'c')
redis.call('SELECT', 9)
redis.call('SET', 'in another database', 1)`

const library = "#!lua name=lib\nredis.register_function('bump', function(keys, args) return redis.call('INCRBY', keys[1], args[1]) end)"

func (p *process) fill() {
	p.t.Helper()
	for _, words := range [][]string{{"EVAL", fill, "0"}, {"FUNCTION", "LOAD", library}} {
		if _, err := ask(p.t, p.data, words...); err != nil {
			p.t.Fatalf("%.40q: %v", words, err)
		}
	}
}

// churn goes on with what fill made, by commands that replicas and files get to see in
// other words.
func churn(p *process, round int) {
	for i := range 5 {
		for _, line := range []string{
			fmt.Sprintf("XADD stream100 MAXLEN 60 * f %d", i), "XREADGROUP GROUP group other COUNT 2 STREAMS stream100 >",
			"XAUTOCLAIM stream100 group third 0 0 COUNT 3", "XACK stream100 group 1-1 3-1", "XREADGROUP GROUP group late COUNT 1 NOACK STREAMS stream700 >",
			fmt.Sprintf("FCALL bump 1 bumped %d", round+i), "EVAL redis.call('INCR','a')redis.call('SET','b',redis.call('TIME')[2]) 0",
			"SORT ints100 DESC STORE sorted", "COPY hash700 copied REPLACE", "GETEX string5 EX 5000", "LMOVE list700 list1 LEFT RIGHT", "SRANDMEMBER set1",
			"GEOADD geo 13.3 38.1 a 15.0 37.5 b", "GEOSEARCHSTORE near geo FROMMEMBER a BYRADIUS 500 km", "SETBIT bits 77777 1", "BITFIELD bits INCRBY u8 #9 200",
			"PFMERGE merged hll", "HINCRBYFLOAT hash1 sum 0.1", "ZUNIONSTORE union 2 zset100 zset1", "SELECT 3", fmt.Sprintf("SET moved%d-%d x", round, i),
			fmt.Sprintf("MOVE moved%d-%d 4", round, i), "SWAPDB 4 5", "SELECT 0",
		} {
			p.must(line)
		}
	}
}

// Epoch records, and replicas of any kind below those that count: a failover of the
// group is a partial resync for all of them.
func TestRedisBelowAGroup(t *testing.T) {
	t.Parallel()
	all := found(t, 2, 1)
	m, r := all[0], all[1]
	plain, below := redis(t), begin(t, t.TempDir())
	m.fill()
	plain.follows(r)
	below.follows(plain)
	churn(m, 0)
	m.group("", "DRAIN g 1")
	await(t, "the replica has all that the old master wrote", func() bool { return r.fact("g 2 1 0", "offset") == m.fact("g 2 1 0", "offset") })
	for _, p := range all {
		p.group("", "SEAL g 2")
	}
	r.group("", fmt.Sprintf("PROMOTE g 2 %s 2 1 %s", r.fact("g 2 2 0", "run-id"), m.fact("g 2 2 0", "incarnation")))
	m.group("", fmt.Sprintf("FOLLOW g 2 127.0.0.1 %d", r.port))
	await(t, "the new master serves", func() bool {
		return r.fact("g 2 2 0", "holders-ready") == "1" && r.fact("g 2 2 2", "serving") == "1"
	})
	churn(r, 1)
	for _, p := range []*process{m, plain, below} {
		equal(t, r, p)
	}
	if got := fullSyncs([]*process{m, r, plain, below}); got != 3 {
		t.Errorf("%d full resyncs, want the first three", got)
	}
	// Below a Redis too a node is told what is confirmed, and shows it.
	if got := below.must("FUNCTION LIST").Elems; len(got) != 1 {
		t.Errorf("%d libraries reached the end of the chain", len(got))
	}
}

// FAILOVER hands over between the two kinds of servers, in either direction, without a
// full resync.
func TestFailoverWithRedis(t *testing.T) {
	t.Parallel()
	a, b := begin(t, t.TempDir()), redis(t)
	b.follows(a)
	for round, p := range [][2]*process{{a, b}, {b, a}} {
		from, to := p[0], p[1]
		from.must(fmt.Sprintf("SET by %d", round))
		from.must(fmt.Sprintf("FAILOVER TO 127.0.0.1 %d TIMEOUT 10000", to.port))
		await(t, "they have changed roles", func() bool {
			return to.state() == "master no-failover" && from.state() == "slave no-failover"
		})
		to.must("INCR after")
		from.inSync()
		equal(t, to, from)
	}
	if full := fullSyncs([]*process{a, b}); full != 1 {
		t.Errorf("%d full resyncs, want the first", full)
	}
}

// A node that was stopped goes on with what its file says of the master's stream; so
// does a replica whose master, of the other kind, was stopped.
func TestRestartBelowRedis(t *testing.T) {
	t.Parallel()
	m := redis(t)
	dir := t.TempDir()
	r := begin(t, dir, "--save", "3600 1")
	m.fill()
	r.follows(m)
	churn(m, 0)
	equal(t, m, r)
	r.stop()
	churn(m, 1)
	r = begin(t, dir, "--save", "3600 1", "--replicaof", "127.0.0.1 "+strconv.Itoa(m.port)).loaded()
	r.inSync()
	equal(t, m, r)
	if full, partial := m.info("sync_full"), m.info("sync_partial_ok"); full != "1" || partial != "1" {
		t.Errorf("%s full and %s partial resyncs", full, partial)
	}
}

// fullSyncs adds up what all have sent.
func fullSyncs(all []*process) (sum int) {
	for _, p := range all {
		n, _ := strconv.Atoi(strings.TrimSpace(p.info("sync_full")))
		sum += n
	}
	return sum
}
