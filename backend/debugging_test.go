package backend_test

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/backend/resp"
)

// debugging is a client that debugs a script, on a connection of its own.
type debugging struct {
	net.Conn
	t  *testing.T
	in []byte
}

// debug begins to debug a script.
func (p *process) debug(mode, source string, args ...string) *debugging {
	p.t.Helper()
	conn, err := net.DialTimeout("tcp", p.addr(), patience)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	d := &debugging{Conn: conn, t: p.t}
	if got := d.do("SCRIPT", "DEBUG", mode); got != "+OK\r\n" {
		p.t.Fatalf("SCRIPT DEBUG %s: %q", mode, got)
	}
	d.send(append([]string{"EVAL", source}, args...)...)
	return d
}

func (d *debugging) send(words ...string) {
	d.t.Helper()
	if _, err := d.Write(resp.AppendCommand(nil, words...)); err != nil {
		d.t.Fatal(err)
	}
}

// hear returns the next reply, nothing when the connection has ended.
func (d *debugging) hear() string {
	d.t.Helper()
	var replies resp.Replies
	for buf := make([]byte, 4096); ; {
		if n, err := replies.Next(d.in); err != nil {
			d.t.Fatal(err)
		} else if n > 0 {
			out := string(d.in[:n])
			d.in = d.in[n:]
			return out
		}
		n, err := d.Read(buf)
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			d.t.Fatal("no answer")
		} else if err != nil {
			return ""
		}
		d.in = append(d.in, buf[:n]...)
	}
}

func (d *debugging) do(words ...string) string {
	d.t.Helper()
	d.send(words...)
	return d.hear()
}

// talk gives the debugger commands until the session ends; the last one again and
// again. It returns all that was said.
func (d *debugging) talk(commands ...string) (heard []string) {
	d.t.Helper()
	for at := d.hear(); ; {
		heard = append(heard, at)
		if strings.HasSuffix(at, "+<endsession>\r\n") {
			return append(heard, d.hear(), d.hear())
		}
		if len(heard) > 200 {
			d.t.Fatal("the session does not end")
		}
		at = d.do(strings.Fields(commands[0])...)
		commands = commands[min(1, len(commands)-1):]
	}
}

// debugged are scripts with commands to the debugger, of which redis-server says the
// same.
var debugged = []struct {
	source   string
	args     []string
	commands []string
}{
	{"return 1", []string{"0"}, []string{"s"}},
	{"local a = 1\nlocal b = 'x\\n\\001\"'\nlocal t = {1,2,{3,4}}\nlocal m = {k='v'}\nreturn a", []string{"1", "k1", "v1", "v2"},
		[]string{"p", "s", "s", "s", "s", "p", "p a", "p m", "p KEYS", "p ARGV", "p nosuch", "l", "l 1 1", "w", "t", "m", "m 10", "m 0", "n"}},
	{"local s = 0\nfor i=1,3 do\n  s = s + i\nend\nreturn s", []string{"0"}, []string{"p", "s"}},
	{"local s = 0\nlocal i = 1\nwhile i < 3 do\n  s = s + i\n  i = i + 1\nend\nreturn s", []string{"0"}, []string{"s"}},
	{"local function f(x)\n  local y = x + 1\n  return y\nend\nlocal r = f(2)\nif r == 3 then\n  r = 10\nelse\n  r = 20\nend\nreturn r", []string{"0"}, []string{"s"}},
	{"local function f(x)\n  local y = x + 1\n  return y\nend\nlocal r = f(2)\nreturn r", []string{"0"},
		[]string{"b 2", "b", "c", "t", "p", "p x", "b -2", "b -2", "b 99", "b x", "b 0", "b", "c"}},
	{"redis.call('set',KEYS[1],ARGV[1])\nlocal v = redis.call('get',KEYS[1])\nlocal n = redis.call('get','none')\n" +
		"local l = redis.call('rpush','l',1,2,3,4,5,6,7,8,9,10,11,12)\nlocal x = redis.call('lrange','l',0,-1)\n" +
		"local e = redis.pcall('lpush',KEYS[1],1)\nreturn redis.call('lpush')", []string{"1", "k", "v\r\n\x01"}, []string{"s"}},
	{"redis.setresp(3)\nlocal s = redis.call('sadd','s',1)\nlocal m = redis.call('smembers','s')\nlocal z = redis.call('zadd','z',1.5,'m')\n" +
		"local d = redis.call('zscore','z','m')\nlocal h = redis.call('hset','h','f','v')\nlocal g = redis.call('hgetall','h')\n" +
		"local n = redis.call('get','none')\nreturn d", []string{"0"}, []string{"s"}},
	{"redis.debug('a',1,{1,2},nil,true)\nredis.breakpoint()\nlocal x=1\nreturn x", []string{"0"}, []string{"c"}},
	{"redis.call('set','k','v')\nlocal x=1\nreturn 5", []string{"0"}, []string{"s", "a"}},
	{"local x=1\nreturn 5", []string{"0"}, []string{"e 1+1", "e KEYS[1]", "e return 5", "e local a=1 return a+1", "r set a b", "r get a", "r nosuch",
		"r", "r lpush a 1", "r echo " + strings.Repeat("x", 400), "m 100", "r echo " + strings.Repeat("x", 400), "foo", "e {1,{2,{3}}}", "c"}},
	{"error('boom')\nreturn 1", []string{"0"}, []string{"s"}},
	{"local t = {}\nfor k,v in pairs({1,2}) do\n  t[k]=v+1\nend\nrepeat\n  local z = 1\nuntil true\nlocal f = function() return 1 end\nf()\n", []string{"0"}, []string{"s"}},
	{"local co = coroutine.wrap(function(a)\n  local b = coroutine.yield(a)\n  return b\nend)\nlocal x = co(1)\nlocal y = co(2)\nreturn y", []string{"0"}, []string{"s"}},
}

// The debugger says what that of redis-server says, on the data and on copies.
func TestDebuggerIsRediss(t *testing.T) {
	t.Parallel()
	n, r := begin(t, t.TempDir()), redis(t)
	for _, mode := range []string{"SYNC", "YES"} {
		for _, c := range debugged {
			n.must("FLUSHALL")
			r.must("FLUSHALL")
			want, got := r.debug(mode, c.source, c.args...).talk(c.commands...), n.debug(mode, c.source, c.args...).talk(c.commands...)
			if !slices.Equal(got, want) {
				t.Errorf("%s of %q\n got %q\nwant %q", mode, c.source, got, want)
			}
			equal(t, n, r)
		}
	}
}

// redis-cli debugs with its own options; what it does on copies is gone afterwards.
func TestDebuggerOfRedisCLI(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Skip("redis-cli is not installed")
	}
	p := begin(t, t.TempDir())
	file := t.TempDir() + "/script.lua"
	if err := os.WriteFile(file, []byte("local v = redis.call('incr', KEYS[1])\nreturn v + ARGV[1]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ option, left string }{{"--ldb", ""}, {"--ldb-sync-mode", "1"}} {
		cmd := exec.Command(path, "-p", strconv.Itoa(p.port), c.option, "--eval", file, "n", ",", "41")
		cmd.Stdin = strings.NewReader("step\nprint v\ncontinue\nquit\n")
		out, err := cmd.CombinedOutput()
		for _, want := range []string{"* Stopped at 1, stop reason = step over", "<redis> incr n", "<reply> 1", "<value> 1", "(integer) 42", "Lua debugging session ended"} {
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("%s: %v, no %q in\n%s", c.option, err, want, out)
			}
		}
		if got := p.must("GET n").Text; got != c.left {
			t.Errorf("%s left %q, want %q", c.option, got, c.left)
		}
	}
}

// On copies a script sees each key as it was when first named, and others are served.
func TestDebugOnCopies(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("SET k old")
	p.must("EXPIRE k 1000")
	p.must("RPUSH l a b")
	p.must("SELECT 1")
	p.must("SET other 1")
	p.must("SELECT 0")
	before := p.must("DEBUG DIGEST").Text
	d := p.debug("YES", "redis.call('set', 'k', 'new', 'keepttl')\nlocal x = redis.call('ttl', 'k')\nreturn 1", "0")
	d.hear()
	for _, c := range [][2]string{
		{"r get k", `"old"`}, {"s", `"+OK"`}, {"r get k", `"new"`}, {"r dbsize", "<reply> 2"}, {"r keys *", `"l"`},
		{"r lpop l", `"a"`}, {"r select 1", `"+OK"`}, {"r get other", `"1"`}, {"r publish c m", "<reply> 0"},
		{"r select 99", "out of range"}, {"r select x", "invalid DB index"}, {"r swapdb 0 1", "SCRIPT DEBUG SYNC"},
		{"r flushall", `"+OK"`}, {"r get other", "NULL"}, {"r dbsize", "<reply> 0"}, {"r time", "<reply> ["}, {"r config get port", "not allowed from script"},
	} {
		if got := d.do(strings.Fields(c[0])...); !strings.Contains(got, c[1]) {
			t.Errorf("%s: %q, want %q", c[0], got, c[1])
		}
		p.must("PING")
	}
	if got := p.must("DEBUG DIGEST").Text; got != before {
		t.Error("the data has changed")
	}
	p.must("SET late 1")
	if got := d.do("r", "get", "late"); !strings.Contains(got, "NULL") { // FLUSHALL took it all
		t.Errorf("behind FLUSHALL: %q", got)
	}
	d.Close()
	await(t, "the session ends with its client", func() bool { return len(strings.Split(p.must("CLIENT LIST").Text, "\n")) == 2 })
	if p.must("GET k").Text != "old" {
		t.Error("k has changed")
	}
}

// What copies cannot do is refused, before much was copied.
func TestDebugOnCopiesIsBounded(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("DEBUG POPULATE 10001")
	p.must("SETRANGE large 70000000 x")
	d := p.debug("YES", "return 1", "0")
	d.hear()
	for command, want := range map[string]string{"r keys *": "more than 10000", "r get large": "too large", "r get key:1": "value:1"} {
		if got := d.do(strings.Fields(command)...); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
	for range 7 {
		d := p.debug("YES", "return 1", "0")
		d.hear()
	}
	if got := p.debug("YES", "return 1", "0").hear(); got != "-ERR too many scripts are being debugged\r\n" {
		t.Errorf("one too many: %q", got)
	}
}

// In sync mode others are told so, and a script whose client goes runs to its end.
func TestDebugInSync(t *testing.T) {
	t.Parallel()
	eachLoops(t, func(t *testing.T, p *process) {
		d := p.debug("SYNC", "redis.call('incr', 'n')\nredis.call('incr', 'n')\nreturn 1", "0")
		d.hear()
		d.do("s")
		p.busy()
		if got := reply(t, p.ctl, "PING"); got != "PONG" {
			t.Errorf("the control port: %q", got)
		}
		if got := reply(t, p.data, "SCRIPT", "KILL"); !strings.HasPrefix(got, unkillable) {
			t.Errorf("SCRIPT KILL of one that wrote: %q", got)
		}
		d.Close()
		await(t, "the script has ended", func() bool { return reply(t, p.data, "GET", "n") == "2" })

		d = p.debug("SYNC", "local a = 1\nreturn a", "0")
		d.hear()
		p.busy()
		p.must("SCRIPT KILL")
		if got := d.hear(); !strings.HasPrefix(got, "-ERR Script killed by user") {
			t.Errorf("killed: %q", got)
		}
		await(t, "others are served", func() bool { return reply(t, p.data, "PING") == "PONG" })

		d = p.debug("SYNC", endless, "0") // and at the end of the test it still stands still
		d.hear()
	})
}

// Before busy-reply-threshold others wait, and are served when the session is over.
func TestDebugInSyncHoldsOthers(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--event-loops", "3")
	for range 3 {
		d := p.debug("SYNC", "redis.call('incr', 'n')\nreturn 1", "0")
		d.hear()
		others := []<-chan string{p.answer("PING"), p.answer("PING"), p.answer("PING")}
		p.wire().command("PING") // and is gone, or not, when the session ends
		d.Close()
		for _, other := range others {
			p.soon("PONG", other)
		}
	}
	if got := p.must("GET n").Text; got != "3" {
		t.Errorf("n is %q", got)
	}
}

// SCRIPT DEBUG says when it cannot be.
func TestDebugIsRefused(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	w.command("PING", "SCRIPT DEBUG YES")
	w.expect("+PONG\r\n-ERR SCRIPT DEBUG must be called outside a pipeline\r\n")
	w.command("SCRIPT DEBUG MAYBE")
	w.expect("-ERR Use SCRIPT DEBUG YES/SYNC/NO\r\n")
	w.command("SCRIPT DEBUG YES")
	w.expect("+OK\r\n")
	w.command("EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0")
	w.expect("-ERR Please use EVAL instead of EVALSHA for debugging\r\n")
	w.command("MULTI", "EVAL x 0", "EXEC")
	w.expect("+OK\r\n+QUEUED\r\n*1\r\n-ERR a script cannot be debugged inside a transaction\r\n")
	w.command("SCRIPT DEBUG NO")
	w.expect("+OK\r\n")
	w.command(`EVAL "return 1" 0`)
	w.expect(":1\r\n")

	for _, mode := range []string{"SYNC", "YES"} {
		d := p.debug(mode, "return 1", "0")
		d.hear()
		_, _ = d.Write([]byte("*1\r\n$-1\r\n"))
		if got := d.hear(); got != "*1\r\n+<endsession>\r\n" {
			t.Errorf("behind nonsense: %q", got)
		}
		if got := d.hear(); !strings.HasPrefix(got, "-ERR protocol error") {
			t.Errorf("behind nonsense: %q", got)
		}
	}
}
