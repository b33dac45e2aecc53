package script

import (
	"strings"
	"testing"
)

// loaded is an engine with libraries, made of the text behind their first line.
func loaded(t *testing.T, libs map[string]string) *Engine {
	t.Helper()
	e := New("7.2.6")
	for name, code := range libs {
		if _, fail := e.LoadLibrary(newHost(), []byte("#!lua name="+name+"\n"+code), false, false); fail != "" {
			t.Fatal(fail)
		}
	}
	return e
}

func call(e *Engine, h Host, name string, words ...string) string {
	req := request(2, name, words...)
	req.ReadOnly = name == "fcall_ro"
	return string(e.Call(h, req, nil))
}

const sampleLibrary = `local n = 0
local function count() n = n + 1 return n end
redis.register_function('count', count)
redis.register_function{function_name='Echo', description='says it again', flags={'no-writes', 'ALLOW-OOM'},
	callback=function(keys, args) return {keys[1], args[1]} end}
redis.register_function('set', function(keys, args) return redis.call('set', keys[1], args[1]) end)
redis.register_function{function_name='sets', flags={'no-writes'}, callback=function(keys) return redis.call('set', keys[1], 1) end}
redis.register_function('late', function() redis.register_function('x', count) end)
redis.register_function('globals', function() y = 1 end)
redis.register_function('keys', function() return KEYS end)
redis.register_function('fails', function() error('my own') end)
`

func TestFunctions(t *testing.T) {
	e := loaded(t, map[string]string{"sample": sampleLibrary})
	for _, c := range []struct{ words, want string }{
		{"fcall count 0", ":1\r\n"},
		{"fcall COUNT 0", ":2\r\n"}, // what the library keeps stays
		{"fcall echo 1 a b", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
		{"fcall_ro echo 1 a b", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
		{"fcall set 1 k v", "+OK\r\n"},
		{"fcall_ro set 1 k v", "-ERR Can not execute a script with write flag using *_ro command.\r\n"},
		{"fcall sets 1 k", "-ERR Write commands are not allowed from read-only scripts. script: sets, on @user_function:8.\r\n"},
		{"fcall none 0", "-ERR Function not found\r\n"},
		{"fcall echo x", "-ERR Bad number of keys provided\r\n"},
		{"fcall echo 2 a", "-ERR Number of keys can't be greater than number of args\r\n"},
		{"fcall echo -1", "-ERR Number of keys can't be negative\r\n"},
		{"fcall late 0", "-ERR user_function:9: attempt to call field 'register_function' (a nil value) script: late, on @user_function:9.\r\n"},
		{"fcall globals 0", "-ERR user_function:10: Attempt to modify a readonly table script: globals, on @user_function:10.\r\n"},
		{"fcall keys 0", "-ERR user_function:11: Script attempted to access nonexistent global variable 'KEYS' script: keys, on @user_function:11.\r\n"},
		{"fcall fails 0", "-ERR user_function:12: my own script: fails, on @user_function:12.\r\n"},
	} {
		words := strings.Fields(c.words)
		if got := call(e, newHost(), words[0], words[1:]...); got != c.want {
			t.Errorf("%s: %q, want %q", c.words, got, c.want)
		}
	}
	if got := e.Stats(); got.Libraries != 1 || got.Functions != 8 {
		t.Errorf("%+v", got)
	}
}

// A library that cannot be loaded is an error that says why, and leaves what
// was there.
func TestLoadErrors(t *testing.T) {
	e := loaded(t, map[string]string{"sample": sampleLibrary})
	const f = "redis.register_function('f', function() end)"
	for code, want := range map[string]string{
		f:                            "Missing library metadata",
		"#!lua name=x":               "Invalid library metadata",
		"#!lua\n" + f:                "Library name was not given",
		"#!lua name=a name=b\n" + f:  "Invalid metadata value, name argument was given multiple times",
		"#!lua name=a foo=bar\n" + f: "Invalid metadata value given: foo=bar",
		"#!lua name=a-b\n" + f:       errName,
		"#!js name=sample\n" + f:     "Engine 'js' not found",
		"#!lua name=sample\n" + f:    "Library 'sample' already exists",
		"#!lua name=a\nreturn 1":     "No functions registered",
		"#!lua name=a\nredis.register_function('Count', function() end)": "Function Count already exists",
		"#!lua name=a\n" + f + f:                                "Error registering functions: ERR Function already exists in the library",
		"#!lua name=a\nmath.random()":                           "Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'math'",
		"#!lua name=a\nredis.call('get', 'x')":                  "Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'call'",
		"#!lua name=a\nredis.x = 1":                             "Error registering functions: ERR user_function:2: Attempt to modify a readonly table",
		"#!lua name=a\nwhile true do end":                       "Error registering functions: ERR FUNCTION LOAD timeout",
		"#!lua name=a\nredis.register_function('f')":            "Error registering functions: ERR calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
		"#!lua name=a\nredis.register_function{callback=1}":     "Error registering functions: ERR callback argument given to redis.register_function must be a function",
		"#!lua name=a\nredis.register_function{flags={'none'}}": "Error registering functions: ERR unknown flag given",
	} {
		if _, fail := e.LoadLibrary(newHost(), []byte(code), false, false); fail != "ERR "+want {
			t.Errorf("%q: %q, want %q", code, fail, want)
		}
	}
	if _, fail := e.LoadLibrary(newHost(), []byte("#!lua name=sample\nredis.register_function(1)"), true, false); fail == "" {
		t.Error("a broken library replaced a good one")
	}
	if got := call(e, newHost(), "fcall", "count", "0"); got != ":1\r\n" {
		t.Errorf("after all that: %q", got)
	}
}

func TestRestorePolicies(t *testing.T) {
	lib := func(name, function string) string {
		return "#!lua name=" + name + "\nredis.register_function('" + function + "', function() return '" + name + "' end)"
	}
	for _, c := range []struct {
		policy   Policy
		restored []string
		want     string // an error, or the libraries then
	}{
		{Append, []string{lib("c", "h")}, "a b c"},
		{Append, []string{lib("a", "f")}, "ERR Library a already exists"},
		{Replace, []string{lib("a", "new")}, "a b"},
		{Replace, []string{lib("a", "g")}, "ERR Function g already exists"},
		{Flush, []string{lib("c", "g")}, "c"},
		{Flush, nil, ""},
	} {
		e := New("7.2.6")
		for _, code := range []string{lib("a", "f"), lib("b", "g")} {
			if _, fail := e.LoadLibrary(newHost(), []byte(code), false, false); fail != "" {
				t.Fatal(fail)
			}
		}
		var codes [][]byte
		for _, code := range c.restored {
			codes = append(codes, []byte(code))
		}
		got := e.Restore(newHost(), codes, c.policy)
		if got != "" {
			if all := e.Stats(); all.Libraries != 2 || all.Functions != 2 {
				t.Errorf("after an error: %+v", all)
			}
		} else {
			var names []string
			for _, l := range e.Libraries() {
				names = append(names, l.Name)
			}
			got = strings.Join(names, " ")
		}
		if got != c.want {
			t.Errorf("policy %d: %q, want %q", c.policy, got, c.want)
		}
	}
}
