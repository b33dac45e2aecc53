package script

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"holdfast/backend/command"
)

// fakeHost is a node with a handful of commands.
type fakeHost struct {
	calls     []string
	logged    []string
	refused   []*command.Command
	repl      string
	interrupt func(ran time.Duration)
	keys      map[string]string
	reply     string // of every command, if set
}

func (h *fakeHost) Call(args [][]byte, proto int) []byte {
	var words []string
	for _, a := range args {
		words = append(words, string(a))
	}
	h.calls = append(h.calls, strings.Join(words, " "))
	if h.reply != "" {
		return []byte(h.reply)
	}
	switch strings.ToLower(words[0]) {
	case "set":
		h.keys[words[1]] = words[2]
		return []byte("+OK\r\n")
	case "get":
		v, ok := h.keys[words[1]]
		switch {
		case v == "list":
			return []byte("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n")
		case ok:
			return fmt.Appendf(nil, "$%d\r\n%s\r\n", len(v), v)
		case proto == 3:
			return []byte("_\r\n")
		}
		return []byte("$-1\r\n")
	}
	return []byte("+OK\r\n")
}

func (h *fakeHost) Find(args [][]byte) *command.Command { return command.Find(args) }

func (h *fakeHost) Refuses(c *command.Command, _ [][]byte, readOnly bool) string {
	if readOnly && (c.Has(command.Write) || c.Name == "publish") {
		return ReadOnlyText
	}
	return ""
}

func (h *fakeHost) Refused(c *command.Command, _ string) { h.refused = append(h.refused, c) }

func (h *fakeHost) Allowed(args [][]byte) bool { return string(args[0]) != "flushall" }

func (h *fakeHost) SetRepl(aof, replicas bool) { h.repl = fmt.Sprint(aof, replicas) }

func (h *fakeHost) Log(level int, text string) {
	h.logged = append(h.logged, fmt.Sprint(level, " ", text))
}

func (h *fakeHost) Interrupt(ran time.Duration) {
	if h.interrupt != nil {
		h.interrupt(ran)
	}
}

func newHost() *fakeHost { return &fakeHost{keys: map[string]string{"l": "list", "a": "1"}} }

func eval(e *Engine, h Host, proto int, words ...string) string {
	return string(e.Eval(h, request(proto, "eval", words...), nil))
}

func request(proto int, name string, words ...string) Request {
	args := [][]byte{[]byte(name)}
	for _, w := range words {
		args = append(args, []byte(w))
	}
	return Request{Args: args, Proto: proto}
}

// where is the tail of an error that a script raised on its first line.
func where(source string, line int) string {
	digits := shaOf([]byte(source))
	return fmt.Sprintf(" script: %s, on @user_script:%d.\r\n", digits[:], line)
}

func TestReplies(t *testing.T) {
	e := New("7.2.6")
	for source, want := range map[string]string{
		"return 1":                              ":1\r\n",
		"return 3.99":                           ":3\r\n",
		"return -3.99":                          ":-3\r\n",
		"return 1/0":                            ":-9223372036854775808\r\n",
		"return 'x'":                            "$1\r\nx\r\n",
		"return nil":                            "$-1\r\n",
		"return true":                           ":1\r\n",
		"return false":                          "$-1\r\n",
		"return {}":                             "*0\r\n",
		"return {1,2,{3,'x',false,true,nil,5}}": "*3\r\n:1\r\n:2\r\n*4\r\n:3\r\n$1\r\nx\r\n$-1\r\n:1\r\n",
		"return {ok='a\\r\\nb'}":                "+a  b\r\n",
		"return {err='My a\\r\\nb'}":            "-My a  b\r\n",
		"return {double=3.25}":                  "$4\r\n3.25\r\n",
		"return {map={a=1}}":                    "*2\r\n$1\r\na\r\n:1\r\n",
		"return {set={a=true}}":                 "*1\r\n$1\r\na\r\n",
		"return {big_number='12\\r3'}":          "$4\r\n12 3\r\n",
		"return {verbatim_string={format='txt',string='abc'}}":                     "$3\r\nabc\r\n",
		"return redis.error_reply('My Err')":                                       "-My Err\r\n",
		"return redis.error_reply('-Single')":                                      "-ERR Single\r\n",
		"return redis.error_reply('Single')":                                       "-ERR Single\r\n",
		"return redis.error_reply()":                                               "-ERR wrong number or type of arguments\r\n",
		"return redis.status_reply('FINE')":                                        "+FINE\r\n",
		"return redis.call('get','a')":                                             "$1\r\n1\r\n",
		"return redis.call('get','nokey')":                                         "$-1\r\n",
		"return redis.call('set','x',1)":                                           "+OK\r\n",
		"return redis.pcall('get','l')":                                            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
		"return redis.pcall('get','l').err":                                        "$65\r\nWRONGTYPE Operation against a key holding the wrong kind of value\r\n",
		"return {pcall(redis.call,'get','l')}":                                     "*2\r\n$-1\r\n$65\r\nWRONGTYPE Operation against a key holding the wrong kind of value\r\n",
		"return {pcall(error,{err='x y'})}":                                        "*2\r\n$-1\r\n$3\r\nx y\r\n",
		"return {KEYS[1],KEYS[2],ARGV[1]}":                                         "*0\r\n",
		"return redis.sha1hex('')":                                                 "$40\r\nda39a3ee5e6b4b0d3255bfef95601890afd80709\r\n",
		"return redis.REDIS_VERSION":                                               "$5\r\n7.2.6\r\n",
		"return redis.REDIS_VERSION_NUM":                                           ":459270\r\n",
		"return redis.replicate_commands()":                                        ":1\r\n",
		"return redis.acl_check_cmd('get','x')":                                    ":1\r\n",
		"return redis.acl_check_cmd('flushall')":                                   "$-1\r\n",
		"return 'n'..(0.1+0.2)..'|'..1e15 ..'|'..1/0 ..'|'..7":                     "$16\r\nn0.3|1e+15|inf|7\r\n",
		"return 1.5 .. setmetatable({},{__concat=function(a) return type(a) end})": "$6\r\nnumber\r\n",
		"setfenv(1,{}) return 1e16 ..''":                                           "$5\r\n1e+16\r\n",
		"return string.len(1e16)":                                                  ":5\r\n",
		"return string.sub(0.1+0.2,-2)":                                            "$2\r\n.3\r\n",
		"return table.concat({'a','b'},0.1+0.2)":                                   "$5\r\na0.3b\r\n",
		"return {tonumber('ffffffffffffffffff',16)==2^64,tonumber('-1',8)==2^64,tonumber('ff',16)}": "*3\r\n:1\r\n:1\r\n:255\r\n",
		"return {collectgarbage('step'),collectgarbage('setpause',1),collectgarbage()}":             "*3\r\n$-1\r\n:200\r\n:0\r\n",
		"return rawget(_G,'os')":   "$-1\r\n",
		"return unpack({1,2},1,2)": ":1\r\n",
		"return cjson.null":        "$-1\r\n",
	} {
		if got := eval(e, newHost(), 2, source, "0"); got != want {
			t.Errorf("%s\n got %q\nwant %q", source, got, want)
		}
	}
}

func TestReplies3(t *testing.T) {
	e := New("7.2.6")
	for source, want := range map[string]string{
		"return true":               ":1\r\n",
		"return false":              "_\r\n",
		"return nil":                "_\r\n",
		"return {double=3.25}":      ",3.25\r\n",
		"return {map={a=1}}":        "%1\r\n$1\r\na\r\n:1\r\n",
		"return {set={a=true}}":     "~1\r\n$1\r\na\r\n",
		"return {big_number='123'}": "(123\r\n",
		"return {verbatim_string={format='txt',string='abc'}}":     "=7\r\ntxt:abc\r\n",
		"redis.setresp(3) return true":                             "#t\r\n",
		"redis.setresp(3) return redis.call('get','nokey') == nil": "#t\r\n",
		"return redis.call('get','nokey') == false":                ":1\r\n",
	} {
		if got := eval(e, newHost(), 3, source, "0"); got != want {
			t.Errorf("%s\n got %q\nwant %q", source, got, want)
		}
	}
}

// What a command replies must reach the client unchanged when the script
// returns it.
func TestRoundTrip(t *testing.T) {
	e := New("7.2.6")
	for _, reply := range []string{
		"+OK\r\n", ":-7\r\n", "$0\r\n\r\n", "$3\r\na\r\n\r\n", "_\r\n", "#t\r\n", "#f\r\n", ",1.5\r\n", ",inf\r\n",
		"(12345678901234567890\r\n", "=7\r\ntxt:abc\r\n", "*2\r\n:1\r\n*1\r\n$1\r\nx\r\n",
		"%1\r\n$1\r\nk\r\n*0\r\n", "~2\r\n$1\r\na\r\n$1\r\nb\r\n",
	} {
		h := newHost()
		h.reply = reply
		if got := eval(e, h, 3, "redis.setresp(3) return redis.call('ping')", "0"); got != reply {
			t.Errorf("%q came back as %q", reply, got)
		}
	}
}

func TestErrors(t *testing.T) {
	e := New("7.2.6")
	for source, want := range map[string]string{
		"return redis.call('nosuch')":              "ERR Unknown Redis command called from script",
		"return redis.call()":                      "ERR Please specify at least one argument for this redis lib call",
		"return redis.call({})":                    "ERR Lua redis lib command arguments must be strings or integers",
		"return redis.call('get')":                 "ERR Wrong number of args calling Redis command from script",
		"return redis.call('multi')":               "ERR This Redis command is not allowed from script",
		"return redis.call('get','l')":             "WRONGTYPE Operation against a key holding the wrong kind of value",
		"error(redis.pcall('get','l'))":            "WRONGTYPE Operation against a key holding the wrong kind of value",
		"x=1":                                      "ERR user_script:1: Attempt to modify a readonly table",
		"return x":                                 "ERR user_script:1: Script attempted to access nonexistent global variable 'x'",
		"KEYS={}":                                  "ERR user_script:1: Attempt to modify a readonly table",
		"redis.call=1":                             "ERR user_script:1: Attempt to modify a readonly table",
		"string.foo=1":                             "ERR user_script:1: Attempt to modify a readonly table",
		"getmetatable('').__index=1":               "ERR user_script:1: Attempt to modify a readonly table",
		"rawset(_G,'a',1)":                         "ERR Attempt to modify a readonly table",
		"rawset(redis,'call',1)":                   "ERR Attempt to modify a readonly table",
		"getmetatable(_G).__index = nil":           "ERR user_script:1: Attempt to modify a readonly table",
		"setmetatable(_G,{})":                      "ERR Attempt to modify a readonly table",
		"table.insert(math,3)":                     "ERR Attempt to modify a readonly table",
		"table.sort(math)":                         "ERR Attempt to modify a readonly table",
		"print(1)":                                 "ERR user_script:1: Script attempted to access nonexistent global variable 'print'",
		"return debug":                             "ERR user_script:1: Script attempted to access nonexistent global variable 'debug'",
		"return io":                                "ERR user_script:1: Script attempted to access nonexistent global variable 'io'",
		"return dofile('/etc/passwd')":             "ERR user_script:1: Script attempted to access nonexistent global variable 'dofile'",
		"error('boom')":                            "ERR user_script:1: boom",
		"error('boom',0)":                          "ERR boom",
		"error({err='MY err'})":                    "MY err",
		"error()":                                  "ERR nil",
		"error({a=1})":                             "ERR script raised a table without an err field",
		"assert(false)":                            "ERR user_script:1: assertion failed!",
		"assert(nil,'msg')":                        "ERR user_script:1: msg",
		"local a; return a.b":                      "ERR user_script:1: attempt to index a nil value",
		"return nil+1":                             "ERR user_script:1: attempt to perform arithmetic on a nil value",
		"return {}..'x'":                           "ERR user_script:1: attempt to concatenate a table value",
		"return 1<'a'":                             "ERR user_script:1: attempt to compare number with string",
		"return redis.log(1)":                      "ERR redis.log() requires two arguments or more.",
		"redis.log(9,'x')":                         "ERR Invalid debug level.",
		"redis.log('x','x')":                       "ERR First argument must be a number (log level).",
		"redis.setresp(5)":                         "ERR RESP version must be 2 or 3.",
		"redis.set_repl(9)":                        "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
		"return redis.sha1hex()":                   "ERR wrong number of arguments",
		"return redis.acl_check_cmd('none')":       "ERR Invalid command passed to redis.acl_check_cmd()",
		"return cjson.decode('[1')":                "ERR user_script:1: Expected comma or array end but found T_END at character 3",
		"return cjson.decode('{\"a\":1,}')":        "ERR user_script:1: Expected object key string but found T_OBJ_END at character 8",
		"return cjson.decode('nul')":               "ERR user_script:1: Expected value but found invalid token at character 1",
		"return cjson.decode('1 2')":               "ERR user_script:1: Expected the end but found T_NUMBER at character 3",
		"return cjson.encode({[100]=1})":           "ERR user_script:1: Cannot serialise table: excessively sparse array",
		"return cjson.encode(pairs)":               "ERR user_script:1: Cannot serialise function: type not supported",
		"return cjson.encode(1/0)":                 "ERR user_script:1: Cannot serialise number: must not be NaN or Inf",
		"local t={} t[1]=t return cjson.encode(t)": "ERR user_script:1: Cannot serialise, excessive nesting (1001)",
		"return string.rep('x', 1e12)":             "ERR user_script:1: resulting string too large",
	} {
		if got, want := eval(e, newHost(), 2, source, "0"), "-"+want+where(source, 1); got != want {
			t.Errorf("%s\n got %q\nwant %q", source, got, want)
		}
	}
}

func TestRefusedBeforeRunning(t *testing.T) {
	e := New("7.2.6")
	for _, c := range []struct{ source, keys, want string }{
		{"return 1", "x", "-ERR value is not an integer or out of range\r\n"},
		{"return 1", "1", "-ERR Number of keys can't be greater than number of args\r\n"},
		{"return 1", "-1", "-ERR Number of keys can't be negative\r\n"},
		{"for i=1,3 do goto next ::next:: end", "0", "-ERR Error compiling script (new function): user_script:1: '=' expected near 'next'\r\n"},
		{"\n::x:: return 1", "0", "-ERR Error compiling script (new function): user_script:2: unexpected symbol near ':'\r\n"},
		{"return @", "0", "-ERR Error compiling script (new function): user_script:1: unexpected symbol near '@'\r\n"},
		{"return #", "0", "-ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'\r\n"},
		{"#!lua", "0", "-ERR Invalid script shebang\r\n"},
		{"#!js\nreturn 1", "0", "-ERR Unexpected engine in script shebang: #!js\r\n"},
		{"#!lua x=1\nreturn 1", "0", "-ERR Unknown lua shebang option: x=1\r\n"},
		{"#!lua flags=foo\nreturn 1", "0", "-ERR Unexpected flag in script shebang: foo\r\n"},
		{"return " + strings.Repeat("(", 1e5) + strings.Repeat(")", 1e5), "0",
			"-ERR Error compiling script (new function): user_script:1: unexpected symbol near ')'\r\n"},
		{"return " + strings.Repeat("{", 1e5) + strings.Repeat("}", 1e5), "0",
			"-ERR Error compiling script (new function): user_script:1: chunk has too many syntax levels\r\n"},
	} {
		if got := eval(e, newHost(), 2, c.source, c.keys); got != c.want {
			t.Errorf("%.40s: %q, want %q", c.source, got, c.want)
		}
	}
}

func TestDeepRecursion(t *testing.T) {
	e := New("7.2.6")
	for source, want := range map[string]string{
		"local function f() return f() + 1 end return f()":                                                           "-ERR user_script:1: stack overflow" + where("local function f() return f() + 1 end return f()", 1),
		"local function f() return f() + 1 end return select(2, pcall(f))":                                           "$14\r\nstack overflow\r\n",
		"local function f() local ok, e = pcall(f) return e end return f()":                                          "$31\r\nuser_script:1: C stack overflow\r\n",
		"return {unpack({}, 1, 8001)}":                                                                               "-ERR user_script:1: too many results to unpack" + where("return {unpack({}, 1, 8001)}", 1),
		"return #{unpack({}, 1, 8000)}":                                                                              ":0\r\n",
		"local function f() coroutine.wrap(f)() end f()":                                                             "-ERR user_script:1: C stack overflow" + where("local function f() coroutine.wrap(f)() end f()", 1),
		"local f; pcall(function() local x = 7; f = function() return x end; error('e') end) local y = 1 return f()": ":7\r\n",
	} {
		if got := eval(e, newHost(), 2, source, "0"); got != want {
			t.Errorf("%s\n got %q\nwant %q", source, got, want)
		}
	}
	if got := eval(e, newHost(), 2, "local t = {} t[1] = t return t", "0"); !strings.HasSuffix(got, "-ERR reached lua stack limit\r\n") {
		t.Errorf("a table that holds itself: %.60q", got)
	}
}

func TestReadOnly(t *testing.T) {
	e := New("7.2.6")
	run := func(source string, readOnly bool) string {
		req := request(2, "eval", source, "0")
		req.ReadOnly = readOnly
		return string(e.Eval(newHost(), req, nil))
	}
	const refused = "-ERR Write commands are not allowed from read-only scripts."
	for _, c := range []struct {
		source   string
		readOnly bool
		want     string
	}{
		{"return redis.call('get','a')", true, "$1\r\n1\r\n"},
		{"return redis.call('set','a',1)", true, refused + where("return redis.call('set','a',1)", 1)},
		{"return redis.call('publish','a',1)", true, refused + where("return redis.call('publish','a',1)", 1)},
		{"#!lua flags=no-writes\nreturn redis.call('set','a',1)", false,
			refused + where("#!lua flags=no-writes\nreturn redis.call('set','a',1)", 2)},
		{"#!lua\nreturn 1", true, "-ERR Can not execute a script with write flag using *_ro command.\r\n"},
	} {
		if got := run(c.source, c.readOnly); got != c.want {
			t.Errorf("%q: %q, want %q", c.source, got, c.want)
		}
	}
}

// A script must find the world as if it were the first one.
func TestScriptsLeaveNothingBehind(t *testing.T) {
	e := New("7.2.6")
	h := newHost()
	for _, source := range []string{
		"setfenv(0, {}) return 1",
		"getfenv(0).x = 1",
		"getfenv(tonumber).x = 1",
		"getfenv(1).x = 1",
		"for k in pairs(_G) do pcall(rawset, _G, k, nil) end",
		"KEYS.x = 1 ARGV[7] = 1",
		"cjson.encode_number_precision(2) cjson.decode_max_depth(1)",
		"pcall(function() string.format = nil end)",
		"local c = coroutine.create(function() coroutine.yield() end) coroutine.resume(c) error('x')",
		"local ok = pcall(setmetatable, 5, {}) return ok",
		"return coroutine.yield()",
		"error(setmetatable({}, {__index=function() error('y') end}))",
		"local t = setmetatable({}, {__gc=1, __tostring=function() error('z') end}) return tostring(t)",
	} {
		eval(e, h, 2, source, "1", "k")
	}
	const probe = `
		local names = {}
		for k in pairs(_G) do names[#names+1] = k end
		table.sort(names)
		return table.concat(names, ' ') .. #KEYS .. #ARGV .. tostring(KEYS.x) .. cjson.encode(1/3) .. string.format('%d', 7)`
	want := "ARGV KEYS _G _VERSION assert bit cjson cmsgpack collectgarbage coroutine error gcinfo getfenv getmetatable ipairs load " +
		"loadstring math newproxy next pairs pcall rawequal rawget rawset redis select setfenv setmetatable string struct table " +
		"tonumber tostring type unpack xpcall00nil0.333333333333337"
	got := eval(e, h, 2, probe, "0")
	if _, body, _ := strings.Cut(got, "\r\n"); strings.TrimSpace(body) != want {
		t.Errorf("got %q\nwant %q", body, want)
	}
}

func TestCallsReachTheHost(t *testing.T) {
	e := New("7.2.6")
	h := newHost()
	source := `redis.call('SET', KEYS[1], ARGV[1]) redis.call('set', 1e20, 3) redis.call('set', 0.1, 1e15)
		redis.log(redis.LOG_WARNING, 'a', 1) redis.set_repl(redis.REPL_AOF) return redis.call('get', KEYS[1])`
	if got := eval(e, h, 2, source, "1", "key", "value"); got != "$5\r\nvalue\r\n" {
		t.Errorf("%q", got)
	}
	if got, want := strings.Join(h.calls, "|"), "SET key value|set 1e+20 3|set 0.1 1000000000000000|get key"; got != want {
		t.Errorf("calls %q, want %q", got, want)
	}
	if got := strings.Join(h.logged, "|"); got != "3 a 1" {
		t.Errorf("logged %q", got)
	}
	if h.repl != "true false" {
		t.Errorf("repl %q", h.repl)
	}
}

// What scripts do wrong is told in the words of PUC Lua 5.1, with the names that
// the script has for things.
func TestMistakesAreNamed(t *testing.T) {
	e := New("7.2.6")
	for source, want := range map[string]string{
		"nosuch()":                              "user_script:1: Script attempted to access nonexistent global variable 'nosuch'",
		"redis.nosuch()":                        "user_script:1: attempt to call field 'nosuch' (a nil value)",
		"local t = {} t:x()":                    "user_script:1: attempt to call method 'x' (a nil value)",
		"local f = 1 f()":                       "user_script:1: attempt to call local 'f' (a number value)",
		"local f return (function() f() end)()": "user_script:1: attempt to call upvalue 'f' (a nil value)",
		"return (1)()":                          "user_script:1: attempt to call a number value",
		"return loadstring('x x')()":            "user_script:1: attempt to call a nil value",
		"return #nil":                           "user_script:1: attempt to get length of a nil value",
		"return -{}":                            "user_script:1: attempt to perform arithmetic on a table value",
		"for i = 1, 'x' do end":                 "user_script:1: 'for' limit must be a number",
		"error('own', 2)":                       "own",
		"error(1)":                              "user_script:1: 1",
		"return string.char(256)":               "user_script:1: bad argument #1 to 'char' (invalid value)",
		"table.insert({}, 1, 2, 3)":             "user_script:1: wrong number of arguments to 'insert'",
		"return redis.call('object')":           "Wrong number of args calling Redis command from script",
	} {
		if got := eval(e, newHost(), 2, source, "0"); got != "-ERR "+want+where(source, 1) {
			t.Errorf("%s\n got %q\nwant %q", source, got, "-ERR "+want+where(source, 1))
		}
	}
	if got := eval(e, newHost(), 2, "return {tostring(getmetatable(nil)), tostring(getmetatable(1))}", "0"); got != "*2\r\n$3\r\nnil\r\n$3\r\nnil\r\n" {
		t.Errorf("metatables of plain values show: %q", got)
	}
}
