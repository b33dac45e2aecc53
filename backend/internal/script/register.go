package script

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// loadTooLong ends the code of a library that does more than register
// functions.
type loadTooLong struct{}

func (loadTooLong) Error() string { return "FUNCTION LOAD timeout" }

var errLoadTime = loadTooLong{}

// openLibrary makes the world that the code of a library sees while it is
// loaded: nothing but a small redis table. missing is the metatable that
// reports names which do not exist.
func (b *sandbox) openLibrary(missing *lua.LTable) {
	l := b.state
	redis := l.NewTable()
	redis.RawSetString("register_function", l.NewFunction(b.register))
	redis.RawSetString("log", l.NewFunction(b.log))
	version := b.globals.RawGetString("redis").(*lua.LTable)
	setConstants(redis, lua.LVAsString(b.readable(version).RawGetString("REDIS_VERSION")))
	redis.Metatable = missing
	b.loading = l.NewTable()
	b.loading.RawSetString("redis", b.proxy(redis))
	b.loading.Metatable = missing
}

// loadLibrary runs the code of a library. What it closes over outlives it, so the
// globals are the same table as for the functions, with another table behind
// it for the time of the load.
func (b *sandbox) loadLibrary(r *run, proto *lua.FunctionProto) error {
	behind := b.env.Metatable.(*lua.LTable)
	behind.RawSetString("__index", b.loading)
	b.enter(r)
	_, err := r.protected(b.function(proto), nil)
	b.leave()
	behind.RawSetString("__index", b.globals)
	return err
}

// register is redis.register_function.
func (b *sandbox) register(l *lua.LState) int {
	lib := b.run.loads
	if lib == nil {
		return b.raise(l, "redis.register_function can only be called on FUNCTION LOAD command")
	}
	f, fail := b.described(l)
	switch {
	case fail != "":
	case !validName(f.name):
		fail = errName
	case lib.has(f.name):
		fail = "Function already exists in the library"
	}
	if fail != "" {
		return b.raise(l, fail)
	}
	lib.functions = append(lib.functions, f)
	return 0
}

func (lib *library) has(name string) bool {
	for _, f := range lib.functions {
		if f.name == name {
			return true
		}
	}
	return false
}

// described reads the arguments of redis.register_function in either form.
func (b *sandbox) described(l *lua.LState) (f *function, fail string) {
	switch l.GetTop() {
	case 1:
		t, ok := l.Get(1).(*lua.LTable)
		if !ok {
			return nil, "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments)."
		}
		return b.named(t)
	case 2:
		if !lua.LVCanConvToString(l.Get(1)) {
			return nil, "first argument to redis.register_function must be a string"
		}
		body, ok := l.Get(2).(*lua.LFunction)
		if !ok {
			return nil, "second argument to redis.register_function must be a function"
		}
		return &function{name: lua.LVAsString(l.Get(1)), body: body}, ""
	}
	return nil, "wrong number of arguments to redis.register_function"
}

// named reads the arguments from a table.
func (b *sandbox) named(t *lua.LTable) (*function, string) {
	f, fail, named := new(function), "", false
	for key, v := b.readable(t).Next(lua.LNil); key != lua.LNil && fail == ""; key, v = t.Next(key) {
		if !lua.LVCanConvToString(key) {
			return nil, "named argument key given to redis.register_function is not a string"
		}
		text, isText := lua.LVAsString(v), lua.LVCanConvToString(v)
		switch name := strings.ToLower(key.String()); name {
		case "function_name":
			if f.name, named = text, isText; !isText {
				fail = "function_name argument given to redis.register_function must be a string"
			}
		case "description":
			if f.description = &text; !isText {
				fail = "description argument given to redis.register_function must be a string"
			}
		case "callback":
			var ok bool
			if f.body, ok = v.(*lua.LFunction); !ok {
				fail = "callback argument given to redis.register_function must be a function"
			}
		case "flags":
			list, ok := v.(*lua.LTable)
			if !ok {
				fail = "flags argument to redis.register_function must be a table representing function flags"
			} else if !f.flags.list(list) {
				fail = "unknown flag given"
			}
		default:
			fail = "unknown argument given to redis.register_function"
		}
	}
	switch {
	case fail != "":
	case !named:
		fail = "redis.register_function must get a function name argument"
	case f.body == nil:
		fail = "redis.register_function must get a callback argument"
	}
	return f, fail
}

// list sets the flags that a table names; false: one is not known.
func (f *Flags) list(names *lua.LTable) bool {
	for i := 1; ; i++ {
		v := names.RawGetInt(i)
		if v == lua.LNil {
			return true
		}
		name, ok := v.(lua.LString)
		if !ok || !f.set(strings.ToLower(string(name))) {
			return false
		}
	}
}

// Names lists the flags that are set, in Redis's order.
func (f Flags) Names() []string {
	var names []string
	for _, flag := range []struct {
		set  bool
		name string
	}{
		{f.NoWrites, "no-writes"}, {f.AllowOOM, "allow-oom"}, {f.AllowStale, "allow-stale"},
		{f.NoCluster, "no-cluster"}, {f.AllowCrossed, "allow-cross-slot-keys"},
	} {
		if flag.set {
			names = append(names, flag.name)
		}
	}
	return names
}
