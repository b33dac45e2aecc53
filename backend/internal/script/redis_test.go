package script

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/store"
	"holdfast/backend/netio/freeport"
	"holdfast/backend/resp"
)

// storeHost is a host with all handlers over a real store.
type storeHost struct {
	fakeHost
	ctx  commands.Ctx
	rows map[string]commands.Handler
}

func newStoreHost(t *testing.T) *storeHost {
	st, err := store.New(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	h := &storeHost{rows: map[string]commands.Handler{}}
	h.ctx.Store, h.ctx.DB, h.ctx.Now = st, st.DB(0), time.Now().UnixMilli()
	st.SetNow(h.ctx.Now)
	for _, row := range commands.Rows() {
		h.rows[row.Name] = row.Run
	}
	return h
}

func (h *storeHost) Call(args [][]byte, proto int) []byte {
	run := h.rows[strings.ToLower(string(args[0]))]
	h.ctx.Out, h.ctx.Proto = h.ctx.Out[:0], proto
	if run == nil {
		return []byte("+PONG\r\n")
	}
	h.ctx.Begin(args)
	run(&h.ctx)
	return h.ctx.Out
}

// startRedis starts a redis-server to compare with, or skips where there is none.
func startRedis(t *testing.T) net.Conn {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if strings.Contains(os.Getenv("HOLDFAST_REQUIRE"), "redis") {
			t.Fatal("redis-server is required and not on the PATH")
		}
		t.Skip("redis-server is not on the PATH: nothing to compare with")
	}
	port := strconv.Itoa(freeport.Port(t))
	cmd := exec.Command(path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			t.Cleanup(func() { conn.Close() })
			return conn
		}
		if time.Now().After(deadline) {
			t.Fatalf("redis-server does not listen: %v", err)
		}
	}
}

func ask(t *testing.T, conn net.Conn, words ...string) string {
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write(resp.AppendCommand(nil, words...)); err != nil {
		t.Fatal(err)
	}
	var whole resp.Replies
	var in []byte
	for buf := make([]byte, 64<<10); ; {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, buf[:n]...)
		if n, err := whole.Next(in); n > 0 || err != nil {
			return string(in[:n])
		}
	}
}

// alike are scripts that must reply the same bytes as in Redis, errors included.
const alike = `
return 'n' .. (0.1+0.2) .. '|' .. 1e15 .. '|' .. 2^53 .. '|' .. 1/0 .. '|' .. 7
local function f(...) return 'a' .. ... end return f(1e15, 2)
local function f() return 0.1+0.2, 2 end return {'a' .. f(), f() .. 'b' .. f()}
local function f() end return 'a' .. f()
local t = setmetatable({}, {__concat=function(a, b) return type(a) .. type(b) end}) return {t .. 1 .. 2, 1.5 .. t, 1 .. 2 .. t, t .. 't', 's' .. t .. 's'}
return {} .. 'x'
return 'x' .. true .. 1
return 1 .. {}
return {string.len(1e16), string.sub(0.1+0.2, 1), table.concat({0.1+0.2, 1e16}, 1.5)}
return {tostring(tonumber('ffffffffffffffffff', 16)), tostring(tonumber('-ff', 16)), tonumber('-'), tonumber('7f', 16)}
error(0.1+0.2)
return {collectgarbage('stop'), collectgarbage('step'), 1}
local f, e = load(function() return nosuch end) return tostring(f)
return collectgarbage('bogus')
goto done ::done:: return 1
return os.clock()
return string.format('%5.2f|%d|%s|%q|%x|%g|%c|%i|%%', 1/3, 3.7, 'a', 'a\n"\0b\r', 255, 1/3, 65, 7)
return string.format('%-5d|%05d|%+d|% d|%5s|%-5s|%.2s|%e|%G|%o|%X', 42, 42, 42, 42, 'ab', 'ab', 'abc', 12345.678, 1e-10, 8, 255)
return string.format('%g %g %g %g %g %.3g %10.4f', 100000, 1e6, 1e-5, 0.1, 123456789, 2/3, 3.14159)
return string.format('%d', '10')
return string.format('%d', 'x')
return string.format('%d')
return string.format('%y', 1)
return string.format('%s', nil)
return string.format('%s %s', 1, 1.5)
return string.format('%x', -1)
return string.format('%5c', 65)
return {string.find('hello world', 'o w'), string.find('hello', 'l+'), (string.find('hello', '(l)(l)'))}
return {string.find('hello', '(l)(l)')}
return {string.find('hello', 'l', 1, true), string.find('a.b', '.', 2, true), string.find('', ''), string.find('abc', '', 10)}
return {string.find('abc', 'b', -1), string.find('abc', 'b', -2), string.find('abc', '^b', 2)}
return {string.match('key=value', '(%w+)=(%w+)')}
return {string.match('  trim  ', '^%s*(.-)%s*$')}
return {string.match('hello', '()ll()')}
return {string.match('2024-01-02', '(%d+)-(%d+)-(%d+)')}
return string.match('THE (quick) fox', '%((%a+)%)')
return {string.match('f(a(b)c)d', '%b()'), string.match('THE (quick) fox', '%f[%a]%a+')}
return string.match('hello', 'xyz') == nil
return {string.gsub('hello world', 'o', '0')}
return {string.gsub('hello world', '(%w+)', '<%1>')}
return {string.gsub('hello world', '%w+', '%0 %0', 1)}
return {string.gsub('abc', '', '-')}
return {string.gsub('abc', '.', {a='1', b=true})}
return {string.gsub('abc', '.', {a='1', b=false})}
return {string.gsub('abc', '%w', function(c) if c == 'b' then return 'X' end end)}
return {string.gsub('hello', 'l*', 'x')}
return {string.gsub('a,b,,c', ',', ';', 2)}
return {string.gsub('abc', '^a', 'x')}
return {string.gsub('$name is $age', '%$(%w+)', {name='x', age=3})}
return string.gsub('abc', '(', 'x')
return string.gsub('abc', '%', 'x')
return string.gsub('abc', '[a', 'x')
return string.gsub('abc', 'a)', 'x')
return string.gsub('abc', '%1', 'x')
return string.gsub('abc', 'a', '%2')
return string.rep('ab', 3) .. string.rep('x', 0) .. string.rep('x', -1)
return {string.byte('abc', 1, -1)}
return {string.byte('abc'), string.byte('abc', 10), string.byte('abc', -1)}
return string.char(72, 105) .. string.upper('abc\xff') .. string.lower('ABC') .. string.reverse('abc')
return {string.sub('hello', 2, 4), string.sub('hello', -3), string.sub('hello', 2, -2), string.sub('hello', 10), string.sub('hello', 0)}
return string.len('a\0b') .. #'a\0b'
local r = {} for k, v in string.gmatch('a=1, b=2', '(%w+)=(%w+)') do r[#r+1] = k .. v end return r
local r = {} for w in string.gmatch('one two', '%a+') do r[#r+1] = w end return r
local r = {} for p in string.gmatch('abc', '()') do r[#r+1] = p end return r
return ('x'):rep(3)
return {tonumber('10'), tonumber('0x10'), tonumber('1e3'), tonumber('  5  '), tonumber('5x') == nil, tonumber('') == nil, tonumber('ff', 16), tonumber('777', 8), tonumber('zz', 36), tonumber('8', 8) == nil}
return {tostring(1e15), tostring(123456789012), tostring(0.1), tostring(-0.5), tostring(1e100), tostring(nil), tostring(true), tostring(2^53)}
return {tostring(math.huge), tostring(-math.huge), tostring(1/3)}
return {1e20, -1e20, 2^53, 2^63, -2^63, 0/0, 1.9, -1.9}
return {math.floor(3.7), math.ceil(3.2), math.max(1,5,3), math.min(4,2), math.abs(-3), math.fmod(7,3), math.pow(2,10), math.sqrt(16)}
return {math.random(1000), math.random(1000), math.random(5, 10), tostring(math.random())}
math.randomseed(42) return {math.random(100), math.random(100), math.random(100)}
return math.random(0)
return {table.concat({1,2,3}, ','), table.concat({}, ','), table.concat({'a','b'}), table.concat({1,2,3}, '-', 2, 3)}
return table.concat({1,{},3})
local t = {1,2,3} table.insert(t, 4) table.insert(t, 1, 0) table.remove(t) table.remove(t, 1) return t
local t = {1,2,3} return {table.remove(t, 10) == nil, #t}
local t = {3,1,2} table.sort(t) return t
local t = {3,1,2} table.sort(t, function(a,b) return a > b end) return t
local t = {'b','a'} table.sort(t) return t
return {table.getn({1,2}), table.maxn({1,2,[10]=1}), #{1,2,3}}
return {unpack({1,2,3}, 2)}
return {select('#', 1, 2, 3), select(2, 'a', 'b', 'c')}
return {pcall(error, 'x')}
return {pcall(error, {err='My err'})}
return {pcall(error)}
return {pcall(function() error('x', 0) end)}
return {pcall(function() error('x') end)}
return {xpcall(function() error('x') end, function(e) return 'handled ' .. e end)}
return {type(1), type('x'), type({}), type(nil), type(print == nil), type(function() end), type(redis.call)}
return {next({}), next({5})}
local r = {} for i, v in ipairs({1,2,nil,4}) do r[#r+1] = v end return r
local t = setmetatable({}, {__index = function(t, k) return k .. '!' end}) return t.foo
local t = setmetatable({}, {__call = function(self, x) return x * 2 end}) return t(21)
local t = setmetatable({}, {__tostring = function() return 'me' end}) return tostring(t)
return getmetatable(setmetatable({}, {__metatable = 'locked'}))
local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) return b * 2 end) local _, x = coroutine.resume(co, 1) local _, y = coroutine.resume(co, 10) return {x, y, coroutine.status(co)}
local gen = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) return {gen(), gen(), gen()}
return {rawequal('a', 'a'), rawget({a=1}, 'a'), rawset({}, 'a', 1).a}
return loadstring('return 1 + 1')()
return {loadstring('return') ~= nil, load(function() return nil end) ~= nil}
return cjson.encode({1,2,{a='b'}})
return cjson.encode({}) .. cjson.encode('') .. cjson.encode({{}}) .. cjson.encode(nil) .. cjson.encode(true)
return cjson.encode({[1]='a',[3]='c'})
return cjson.encode({[10]=1})
return cjson.encode({[100]=1})
return cjson.encode('a/"\\\1\127\195\169\n\r\t\b\f')
return cjson.encode({1.5, 1e20, 1/3, -0.1, 100, 2^53})
return cjson.encode(1/0)
return cjson.encode({[true]=1})
return cjson.encode(cjson.null)
return cjson.encode(cjson.decode('{"a":[1,2,{"b":null}],"c":"d"}').a)
return cjson.decode('[1,"x",true,false,1.5e3,"\\u00e9\\ud83d\\ude00\\n"]')
return cjson.decode('{"a":{"b":[1]}}').a.b
return {cjson.decode('[0x10, 007, -1]')[1], cjson.decode('  [ ]  '), tostring(cjson.decode('[nan]')[1])}
return cjson.decode('')
return cjson.decode('[1,]')
return cjson.decode('[1 2]')
return cjson.decode('{"a" 1}')
return cjson.decode('{a:1}')
return cjson.decode('["\\x"]')
return cjson.decode('["\\u12"]')
return cjson.decode('["abc')
return cjson.decode('tru')
return cjson.decode('[' .. string.rep('[', 1001))
return cjson.decode(string.rep('[', 1000) .. string.rep(']', 1000))[1] ~= nil
cjson.encode_max_depth(2) return cjson.encode({{{1}}})
cjson.encode_number_precision(3) return cjson.encode(1/3)
cjson.encode_sparse_array(true) return cjson.encode({[100]=1})
return cjson.encode_max_depth(0)
return tostring(cjson.null)
return cjson.encode()
return {bit.tobit(0xffffffff), bit.bnot(0), bit.band(12, 10), bit.bor(12, 10), bit.bxor(12, 10), bit.lshift(1, 31), bit.rshift(-1, 4), bit.arshift(-8, 1), bit.rol(1, 31), bit.ror(1, 1), bit.bswap(0x12345678)}
return {bit.tohex(255), bit.tohex(-1, 4), bit.tohex(255, -2), bit.tohex(1, 0)}
return {bit.tobit(2^40 + 5), bit.tobit(1.5), bit.tobit(2.5), bit.tobit(-1.5)}
return {struct.unpack('HH', struct.pack('HH', 1, 2))}
return struct.pack('>I2<I4bBlLfds', 1, 2, -3, 200, -5, 5, 1.5, 2.25, 'abc')
return {struct.unpack('>I2<I4bBlLfds', struct.pack('>I2<I4bBlLfds', 1, 2, -3, 200, -5, 5, 1.5, 2.25, 'abc'))}
return {struct.size('!8bd'), struct.size('bd'), struct.size('>!4 bi xc10')}
return struct.pack('!4bi', 1, 2)
return struct.pack('Bc0', 3, 'abc') .. struct.pack('c2', 'abc') .. struct.pack('i3', -2) .. struct.pack('>i7', 5)
return {struct.unpack('Bc0', '\3abcde')}
return struct.unpack('I4', 'abc')
return struct.unpack('s', 'abc')
return struct.pack('c5', 'abc')
return struct.pack('z', 1)
return struct.pack('i33', 1)
return struct.size('s')
return struct.pack('!3b', 1)
return struct.pack('i')
return cmsgpack.pack(1, -1, 127, 128, 255, 256, 65535, 65536, 2^32, -32, -33, -128, -129, -32768, -32769, -2^31, -2^31-1)
return cmsgpack.pack(1.5, 1/3, 'abc', string.rep('x', 40), true, false, nil)
return cmsgpack.pack({1,2,3}, {}, {a=1}, {1,nil,3}, {[5]=1})
return cmsgpack.unpack(cmsgpack.pack({1,'a',{b=2}}))[3].b
return {cmsgpack.unpack(cmsgpack.pack(1, 2, 'x'))}
return {cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3), 1)}
return {cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2)}
return {cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 3)}
return cmsgpack.unpack('\193')
return cmsgpack.unpack('\204')
return cmsgpack.pack()
return cmsgpack.unpack_one('abc', 10)
local a = {} a[1] = a return #cmsgpack.pack(a)
return redis.sha1hex('abc')
return {redis.call('set', 'k', 'v'), redis.call('get', 'k'), redis.call('get', 'none'), redis.call('incr', 'n'), redis.call('type', 'k')}
return redis.call('type', 'k').ok
return redis.call('mget', 'k', 'none', 'k')
return {redis.call('rpush', 'l', 'a', 'b'), redis.call('lrange', 'l', 0, -1), redis.call('get', 'k')}
return redis.call('get', 'l')
return redis.pcall('get', 'l')
return redis.pcall('incr', 'k')
return redis.call('nosuch')
return redis.pcall('nosuch', 1, 2)
return redis.call('get')
return redis.call('multi')
return redis.call('set', 'k', {})
return redis.call('set', 'k', nil)
return redis.call('set', 'k', true)
return {redis.call('set', 'f', 1.5), redis.call('get', 'f'), redis.call('set', 'f', 10), redis.call('get', 'f'), redis.call('set', 'f', 1e16), redis.call('get', 'f')}
return redis.call('hset', 'h', 'a', 1, 'b', 2), redis.call('hgetall', 'h')
redis.setresp(3) return redis.call('hgetall', 'h').map.a
redis.setresp(3) return redis.call('hgetall', 'h')
redis.setresp(3) return {redis.call('get', 'none') == nil, type(redis.call('sismember', 's', 'x'))}
redis.setresp(3) return redis.call('zadd', 'z', 1.5, 'm'), redis.call('zscore', 'z', 'm').double
return redis.call('zscore', 'z', 'm')
redis.setresp(4)
return redis.error_reply('My err')
return redis.error_reply('-MYERR text')
return redis.error_reply('ERR')
return redis.status_reply('GOOD')
return {err = 'X y'}
return {ok = 'fine', 1, 2}
return {1, 2, nil, 4}
return {a = 1}
return {{{{1}}}}
return {double = 1.5}
return {map = {a = 1}}
return {set = {a = true}}
return {big_number = '12345678901234567890'}
return {verbatim_string = {format = 'txt', string = 'hi'}}
return {verbatim_string = {format = 'txt'}}
x = 1
return x
return redis.nosuch
redis.call = nil
KEYS = 1
return KEYS[1], ARGV[1]
return #KEYS + #ARGV
return _G.redis == redis
string.x = 1
print('x')
error('boom')
error('boom', 0)
error({err = 'CODE text'})
error()
error(redis.pcall('get', 'l'))
assert(false)
assert(nil, 'message')
assert(1 == 1) return 'ok'
local function f() redis.call('get', 'l') end f()
return nil + 1
return {} .. 'x'
return 1 < 'x'
`

// TestScriptsAlike runs scripts here and in a redis-server and compares the replies.
func TestScriptsAlike(t *testing.T) {
	conn := startRedis(t)
	e := New("7.0.15")
	h := newStoreHost(t)
	for _, line := range strings.Split(strings.TrimSpace(alike), "\n") {
		for _, extra := range [][]string{{"0"}, {"1", "key", "argument"}} {
			want := ask(t, conn, append([]string{"EVAL", line}, extra...)...)
			got := string(e.Eval(h, request(2, "eval", append([]string{line}, extra...)...), nil))
			if got != want {
				t.Errorf("%s\n got %.400q\nwant %.400q", line, got, want)
				break
			}
		}
	}
}
