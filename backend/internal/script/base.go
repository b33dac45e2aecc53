package script

import (
	"runtime"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// openBase replaces the basic functions that gopher-lua has differently from
// Lua 5.1, or that would reach behind a proxy.
func (b *sandbox) openBase() {
	for name, f := range map[string]lua.LGFunction{
		"collectgarbage": collectGarbage,
		"error":          b.error,
		"gcinfo":         func(l *lua.LState) int { l.Push(heapKB()); return 1 },
		"getmetatable":   b.getMetatable,
		"load":           b.load,
		"loadstring":     b.loadString,
		"next":           b.next,
		"pairs":          b.pairs,
		"pcall":          b.protectedCall,
		"rawget":         b.rawGet,
		"rawset":         b.rawSet,
		"setmetatable":   b.setMetatable,
		"tonumber":       toNumber,
		"tostring":       toString,
		"unpack":         unpack,
		"xpcall":         b.handledCall(goFunction(b.globals, "xpcall")),
	} {
		b.globals.RawSetString(name, b.state.NewFunction(f))
	}
}

// error notes where a value was raised that does not say so itself: anything
// but a text, and a text at a level that has no place in Lua: 0, that of
// pcall(error, "x"), or above the main function.
func (b *sandbox) error(l *lua.LState) int {
	v, level := l.Get(1), l.OptInt(2, 1)
	if level > 0 {
		frame, ok := l.GetStack(level)
		if ok {
			_, err := l.GetInfo("S", frame, lua.LNil)
			ok = err == nil && frame.What != "G"
		}
		if !ok {
			level = 0
		}
	}
	if lua.LVCanConvToString(v) && level > 0 {
		l.Error(lua.LString(text(l, 1)), level)
	}
	b.run.raise(l, v, level)
	return 0
}

// protectedCall is pcall. An error table of Redis's API arrives as its text, as
// scripts written before Redis 7 expect (script_lua.c, luaRedisPcall).
func (b *sandbox) protectedCall(l *lua.LState) int {
	l.CheckAny(1)
	b.nest(l)
	defer b.unnest()
	err := l.PCall(l.GetTop()-1, lua.MultRet, nil)
	if err == nil {
		l.Insert(lua.LTrue, 1)
		return l.GetTop()
	}
	// The interpreter has written a stack trace, whose cost grows with depth.
	b.run.charge(errorCost)
	l.Push(lua.LFalse)
	l.Push(caughtValue(err))
	return 2
}

// handledCall is xpcall, bounded and charged as pcall is.
func (b *sandbox) handledCall(xpcall lua.LGFunction) lua.LGFunction {
	nested := b.nesting(xpcall)
	return func(l *lua.LState) int {
		n := nested(l)
		if l.Get(-n) == lua.LFalse {
			b.run.charge(errorCost)
		}
		return n
	}
}

// errorCost is what a caught error is charged, in instructions.
const errorCost = 1000

func caughtValue(err error) lua.LValue {
	if overflowed(err) {
		return lua.LString(errOverflow)
	}
	api, ok := err.(*lua.ApiError)
	if !ok || api.Object == nil {
		return lua.LString(firstLine(err.Error()))
	}
	switch v := api.Object.(type) {
	case *lua.LTable:
		if text := v.RawGetString("err"); lua.LVCanConvToString(text) {
			return text
		}
	case lua.LString:
		return lua.LString(plainText(string(v)))
	}
	if api.Object == lua.LNil && api.Type == lua.ApiErrorPanic {
		return lua.LString(firstLine(err.Error()))
	}
	return api.Object
}

func (b *sandbox) getMetatable(l *lua.LState) int {
	switch v := l.CheckAny(1).(type) {
	case lua.LString:
		l.Push(b.strings)
	case *lua.LTable:
		_, shared := b.real[v]
		switch {
		case v == b.env:
			l.Push(b.guard)
		case shared:
			l.Push(lua.LNil)
		default:
			l.Push(l.GetMetatable(v))
		}
	case *lua.LUserData:
		l.Push(l.GetMetatable(v))
	default:
		l.Push(lua.LNil) // that of openCalls is ours
	}
	return 1
}

func (b *sandbox) setMetatable(l *lua.LState) int {
	t := b.writable(l.CheckTable(1))
	meta := l.Get(2)
	if meta != lua.LNil {
		l.CheckTable(2)
	} else if l.GetTop() < 2 {
		l.ArgError(2, "nil or table expected")
	}
	if old, ok := t.Metatable.(*lua.LTable); ok && old.RawGetString("__metatable") != lua.LNil {
		l.RaiseError("cannot change a protected metatable")
	}
	t.Metatable = meta
	l.SetTop(1)
	return 1
}

func (b *sandbox) rawGet(l *lua.LState) int {
	l.Push(b.readable(l.CheckTable(1)).RawGet(l.CheckAny(2)))
	return 1
}

func (b *sandbox) rawSet(l *lua.LState) int {
	l.RawSet(b.writable(l.CheckTable(1)), l.CheckAny(2), l.CheckAny(3))
	l.SetTop(1)
	return 1
}

func (b *sandbox) next(l *lua.LState) int {
	key, value := b.readable(l.CheckTable(1)).Next(l.Get(2))
	l.Push(key)
	if key == lua.LNil {
		return 1
	}
	l.Push(value)
	return 2
}

func (b *sandbox) pairs(l *lua.LState) int {
	t := l.CheckTable(1)
	l.Push(b.globals.RawGetString("next"))
	l.Push(t)
	l.Push(lua.LNil)
	return 3
}

func (b *sandbox) loadString(l *lua.LState) int {
	return b.chunk(l, l.CheckString(1))
}

func (b *sandbox) load(l *lua.LState) int {
	f := l.CheckFunction(1)
	b.nest(l)
	defer b.unnest()
	var source strings.Builder
	for {
		l.Push(f)
		if err := l.PCall(0, 1, nil); err != nil {
			b.run.charge(errorCost)
			l.Push(lua.LNil)
			l.Push(caughtValue(err))
			return 2
		}
		piece := l.Get(-1)
		l.Pop(1)
		if piece == lua.LNil || piece == lua.LString("") {
			return b.chunk(l, source.String())
		}
		if !lua.LVCanConvToString(piece) {
			l.Push(lua.LNil)
			l.Push(lua.LString("reader function must return a string"))
			return 2
		}
		source.WriteString(piece.String())
	}
}

// chunkID is how error texts call a chunk that was given a name, as PUC Lua makes
// it (lobject.c, luaO_chunkid): the name itself behind = or @, else its first
// line.
func chunkID(name string) string {
	const most = 45 // bytes
	if name != "" && (name[0] == '=' || name[0] == '@') {
		return name[1:min(len(name), most+1)]
	}
	line, _, more := strings.Cut(name, "\n")
	if more || len(line) > most {
		line = line[:min(len(line), most)] + "..."
	}
	return `[string "` + line + `"]`
}

func (b *sandbox) chunk(l *lua.LState, source string) int {
	proto, err := compile([]byte(source), chunkID(l.OptString(2, source)))
	if err != nil {
		l.Push(lua.LNil)
		l.Push(lua.LString(err.Error()))
		return 2
	}
	f := l.NewFunctionFromProto(proto)
	f.Env = l.Env
	l.Push(f)
	return 1
}

func unpack(l *lua.LState) int {
	t := l.CheckTable(1)
	from, to := l.OptInt(2, 1), l.OptInt(3, t.Len())
	if to >= from && (to-from < 0 || to-from >= maxResults) {
		l.RaiseError("too many results to unpack")
	}
	for i := from; i <= to; i++ {
		l.Push(at(t, i))
	}
	return max(0, to-from+1)
}

// collectGarbage only answers: a collection that a script could order would
// stop every client.
func collectGarbage(l *lua.LState) int {
	option := "collect"
	if l.Get(1) != lua.LNil {
		option = text(l, 1)
	}
	switch option {
	case "count":
		l.Push(heapKB())
	case "step":
		l.Push(lua.LFalse) // no cycle has ended
	case "setpause", "setstepmul":
		l.Push(lua.LNumber(200)) // what they were
	case "collect", "stop", "restart":
		l.Push(lua.LNumber(0))
	default:
		l.ArgError(1, "invalid option '"+option+"'")
	}
	return 1
}

func heapKB() lua.LNumber {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return lua.LNumber(m.HeapAlloc) / 1024
}
