package rdb

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/backend/client"
	"holdfast/backend/internal/store"
	"holdfast/backend/netio/freeport"
)

// redisServer is a running redis-server to compare with.
type redisServer struct {
	t    *testing.T
	dir  string
	conn *client.Conn
}

// startRedis starts redis-server in dir, where it loads a dump.rdb it finds.
func startRedis(t *testing.T, dir string, args ...string) *redisServer {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if strings.Contains(os.Getenv("HOLDFAST_REQUIRE"), "redis") {
			t.Fatal("HOLDFAST_REQUIRE asks for redis-server, and it is not installed")
		}
		t.Skip("redis-server is not installed")
	}
	addr := freeport.Addr(t)
	_, port, _ := net.SplitHostPort(addr)
	var log strings.Builder
	cmd := exec.Command(path, append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "",
		"--enable-debug-command", "yes"}, args...)...)
	cmd.Stdout = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if err := <-exited; t.Failed() {
			t.Logf("redis-server (%v) said:\n%s", err, log.String())
		}
	})
	r := &redisServer{t: t, dir: dir}
	for deadline := time.Now().Add(time.Minute); ; {
		if r.conn, err = client.Dial(context.Background(), addr, client.Options{Timeout: 30 * time.Second}); err == nil {
			if _, err = r.conn.Do(context.Background(), "PING"); err == nil {
				break
			}
			r.conn.Close()
		}
		if len(exited) > 0 || time.Now().After(deadline) {
			t.Fatalf("redis-server does not answer: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Cleanup(func() { r.conn.Close() })
	return r
}

// do sends a request and returns its reply as text.
func (r *redisServer) do(args ...string) string {
	r.t.Helper()
	v, err := r.conn.Do(context.Background(), args...)
	if err != nil {
		r.t.Fatalf("%.100q: %v", args, err)
	}
	if v.Kind == ':' {
		return fmt.Sprint(v.Int)
	}
	if len(v.Elems) == 1 { // DEBUG DIGEST-VALUE
		return v.Elems[0].Text
	}
	return v.Text
}

func (r *redisServer) digest() string { return r.do("DEBUG", "DIGEST") }

// dumped saves Redis's data and returns the file's bytes.
func (r *redisServer) dumped() []byte {
	r.do("SAVE")
	b, err := os.ReadFile(filepath.Join(r.dir, "dump.rdb"))
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

func digest(s *store.Store) string {
	d := s.Digest()
	return hex.EncodeToString(d[:])
}

func TestRedisLoadsWhatWeWrite(t *testing.T) {
	s := sample(t, 1)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dump.rdb"), snapshotOf(t, s), 0o600); err != nil {
		t.Fatal(err)
	}
	r := startRedis(t, dir)
	if got, want := r.digest(), digest(s); got != want {
		t.Errorf("redis-server's digest is %s, ours %s", got, want)
	}
	for i := range s.Databases() {
		r.do("SELECT", fmt.Sprint(i))
		if got, want := r.do("DBSIZE"), fmt.Sprint(s.DB(i).Len()); got != want {
			t.Errorf("database %d has %s keys there, %s here", i, got, want)
		}
	}
	r.do("SELECT", "0")
	for _, kv := range [][2]string{{"OBJECT ENCODING zset-small", "listpack"}, {"OBJECT ENCODING set-ints-small", "intset"},
		{"OBJECT ENCODING hash-small", "listpack"}, {"OBJECT ENCODING hash-large", "hashtable"},
		{"OBJECT ENCODING list-small", "quicklist"}, {"GET string-int", "-12345"},
		{"PEXPIRETIME string-expires", fmt.Sprint(farAway)}} {
		if got := r.do(strings.Fields(kv[0])...); got != kv[1] {
			t.Errorf("%s: %s, want %s", kv[0], got, kv[1])
		}
	}
	// It can also change what it loaded as it was.
	r.do("HSET", "hash-small", "another", "field")
	r.do("RPUSH", "list-large", "another")
	r.do("ZADD", "zset-small", "4", "another")
}

// fillRedis makes values of all types, in every encoding that Redis has.
const fillRedis = `
local function v(i) return 'value:' .. i end
for i = 1, 300 do
  redis.call('SET', 'string' .. i, string.rep(v(i), i))
  redis.call('SET', 'number' .. i, (i * 7919) % 70000 - 35000)
  redis.call('SETEX', 'expires' .. i, 100000 + i, v(i))
end
redis.call('SET', 'incompressible', ARGV[1])
redis.call('SET', 'compressible', string.rep('abc', 100000))
redis.call('SET', 'large-number', '9223372036854775807')
for _, n in ipairs({1, 100, 700, 2000}) do
  for i = 1, n do
    redis.call('HSET', 'hash' .. n, v(i), i % 3 == 0 and i or v(i))
    redis.call('SADD', 'set' .. n, v(i))
    redis.call('SADD', 'ints' .. n, i * 1000003)
    redis.call('SADD', 'small-ints' .. n, i)
    redis.call('SADD', 'huge-ints' .. n, string.format('%d', i) .. '00000000000')
    redis.call('ZADD', 'zset' .. n, i / 64, v(i))
    redis.call('ZADD', 'int-scores' .. n, i % 5, v(i))
    redis.call('RPUSH', 'list' .. n, i % 2 == 0 and i or v(i))
    redis.call('XADD', 'stream' .. n, i .. '-' .. i % 3 + 1, 'field', i, 'other', v(i))
  end
  redis.call('XDEL', 'stream' .. n, '2-3', '70-2')
  redis.call('XGROUP', 'CREATE', 'stream' .. n, 'group', 0)
  redis.call('XREADGROUP', 'GROUP', 'group', 'consumer', 'COUNT', math.ceil(n / 2), 'STREAMS', 'stream' .. n, '>')
end
redis.call('ZADD', 'infinite', '-inf', 'a', '+inf', 'b', '-0.25', 'd')
redis.call('HSET', 'hash-long', 'f', string.rep('x', 1000))
redis.call('SADD', 'set-long', string.rep('x', 1000))
redis.call('ZADD', 'zset-long', 5, string.rep('x', 1000))
redis.call('RPUSH', 'list-plain', string.rep('x', 100000), 'y', string.rep('z', 20000))
redis.call('XGROUP', 'CREATE', 'stream-empty', 'group', '$', 'MKSTREAM')
redis.call('SELECT', 9)
redis.call('SET', 'in another database', 1)
`

func TestWeLoadWhatRedisWrites(t *testing.T) {
	for _, args := range [][]string{
		nil,
		{"--rdbcompression", "no", "--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lfu"},
		{"--rdbchecksum", "no", "--hash-max-listpack-entries", "0", "--zset-max-listpack-entries", "0", "--set-max-intset-entries", "0"},
		{"--hash-max-listpack-entries", "1000", "--zset-max-listpack-entries", "1000", "--list-max-listpack-size", "-5",
			"--list-compress-depth", "1", "--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lru"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			r := startRedis(t, t.TempDir(), args...)
			r.do("EVAL", fillRedis, "0", incompressible(50_000))
			r.do("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)")
			s, info := load(t, r.dumped())
			if got, want := digest(s), r.digest(); got != want {
				t.Errorf("our digest is %s, redis-server's %s", got, want)
			}
			if !strings.HasPrefix(info.RedisVersion, "7.") || info.Version != 10 || info.Created == 0 || info.UsedMemory == 0 {
				t.Errorf("the file says of itself %+v", info)
			}
		})
	}
}

func TestScoresAreExact(t *testing.T) {
	s := newStore(t)
	r := startRedis(t, t.TempDir())
	for name, size := range map[string]int{"compact": 1, "large": 1000} {
		z, err := s.DB(0).MakeZSet([]byte(name), size, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, score := range oddScores {
			z.Put(fmt.Append(nil, i), score)
		}
		z.Done(true)
		payload, err := AppendDump(nil, entries(s, 0)[name])
		if err != nil {
			t.Fatal(err)
		}
		r.do("RESTORE", name, "0", string(payload))
		if err := restore(s, 1, []byte(name), []byte(r.do("DUMP", name)), store.NoExpire); err != nil {
			t.Fatal(err)
		}
		back, _, err := s.DB(1).ZSet([]byte(name))
		if err != nil {
			t.Fatal(err)
		}
		for i, score := range oddScores {
			theirs, err := strconv.ParseFloat(r.do("ZSCORE", name, fmt.Sprint(i)), 64)
			if err != nil || theirs != score {
				t.Errorf("%s: %v is %v at redis-server", name, score, theirs)
			}
			if ours, _ := back.Score(fmt.Append(nil, i)); ours != score {
				t.Errorf("%s: %v came back as %v", name, score, ours)
			}
		}
	}
}

func TestDumpsAreExchangedWithRedis(t *testing.T) {
	s := sample(t, 2)
	r := startRedis(t, t.TempDir())
	for key, v := range entries(s, 0) {
		payload, err := AppendDump(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		r.do("RESTORE", key, "0", string(payload))
	}
	back := newStore(t)
	for key := range entries(s, 0) {
		theirs := r.do("DUMP", key)
		if err := restore(back, 0, []byte(key), []byte(theirs), store.NoExpire); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if got, want := r.do("DEBUG", "DIGEST-VALUE", key), hexOf(back.DB(0).DigestOf([]byte(key))); got != want {
			t.Errorf("%s: redis-server's digest is %s, ours %s", key, got, want)
		}
	}
}
