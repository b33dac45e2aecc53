package script

import (
	"context"

	lua "github.com/yuin/gopher-lua"
)

// Bounds of the interpreter. PUC Lua has 20,000 calls, 200 of which may be C's,
// and 8,000 results of one call.
const (
	maxCalls     = 8000
	maxNested    = 200
	maxResults   = 8000
	maxRegistry  = 1 << 20 // values, 16 bytes each
	registryStep = 4096
	registrySize = 1024
)

const (
	errReadonly = "Attempt to modify a readonly table"
	errNoGlobal = "Script attempted to access nonexistent global variable '%s'"
)

// sandbox is the Lua state and the world that scripts see in it.
type sandbox struct {
	kind  Kind
	title string // how error texts call its code
	state *lua.LState
	run   *run // the script under way
	hook  hook
	step  stepHook
	json  jsonConfig

	globals *lua.LTable                 // the real globals, KEYS and ARGV among them
	env     *lua.LTable                 // their proxy: what scripts know as _G
	real    map[*lua.LTable]*lua.LTable // what each proxy stands for
	guard   *lua.LTable                 // proxy of the metatable of the globals
	strings *lua.LTable                 // proxy of the metatable of strings
	refuse  *lua.LFunction              // __newindex of every proxy
	loading *lua.LTable                 // all that the code of a library sees; nil for scripts
}

func newSandbox(e *Engine, kind Kind) *sandbox {
	l := lua.NewState(lua.Options{
		CallStackSize:       maxCalls,
		RegistrySize:        registrySize,
		RegistryMaxSize:     maxRegistry,
		RegistryGrowStep:    registryStep,
		SkipOpenLibs:        true,
		MinimizeStackMemory: true,
	})
	b := &sandbox{
		kind: kind, title: scriptChunk,
		state: l,
		real:  make(map[*lua.LTable]*lua.LTable),
	}
	if kind == Function {
		b.title = functionChunk
	}
	b.refuse = l.NewFunction(func(l *lua.LState) int { l.RaiseError(errReadonly); return 0 })
	b.open(e)
	b.lock()
	return b
}

// open fills the global table with the libraries that Redis has.
func (b *sandbox) open(e *Engine) {
	l := b.state
	for _, open := range []lua.LGFunction{lua.OpenBase, lua.OpenTable, lua.OpenString, lua.OpenMath, lua.OpenCoroutine} {
		l.Push(l.NewFunction(open))
		l.Call(0, 0)
	}
	b.globals = l.G.Global
	for _, name := range []string{"print", "dofile", "loadfile", "module", "require", "_printregs", "_GOPHER_LUA_VERSION", "package"} {
		b.globals.RawSetString(name, lua.LNil)
	}
	b.openBase()
	b.openTable()
	b.openString()
	b.openMatching()
	b.openMath(e)
	b.openCoroutine()
	b.openRedis(e)
	b.openBit()
	b.openJSON()
	b.openMsgpack()
	b.openStruct()
	b.openCalls()
}

// lock puts a proxy in front of every table that scripts share.
func (b *sandbox) lock() {
	l := b.state
	missing := l.NewTable()
	missing.RawSetString("__index", l.NewFunction(func(l *lua.LState) int {
		l.RaiseError(errNoGlobal, lua.LVAsString(l.Get(2)))
		return 0
	}))
	b.globals.RawSetString("_G", lua.LNil)
	b.globals.ForEach(func(name, v lua.LValue) {
		if t, ok := v.(*lua.LTable); ok {
			b.globals.RawSet(name, b.proxy(t))
		}
	})
	b.globals.Metatable = missing
	if b.kind == Function {
		b.openLibrary(missing)
	}
	b.guard = b.proxy(missing)
	b.env = b.proxy(b.globals)
	b.globals.RawSetString("_G", b.env)
	// What still hands out the global table must hand out its proxy.
	l.G.Global = b.env
	l.Env = b.env

	meta := l.NewTable()
	meta.RawSetString("__index", b.globals.RawGetString("string"))
	meta.RawSetString("__call", l.NewFunction(b.callText))
	l.SetMetatable(lua.LString(""), meta)
	b.strings = b.proxy(meta)
}

func (b *sandbox) proxy(t *lua.LTable) *lua.LTable {
	meta := b.state.CreateTable(0, 2)
	meta.RawSetString("__index", t)
	meta.RawSetString("__newindex", b.refuse)
	p := b.state.CreateTable(0, 0)
	p.Metatable = meta
	b.real[p] = t
	return p
}

// readable returns the table whose entries a script sees in t.
func (b *sandbox) readable(t *lua.LTable) *lua.LTable {
	if t.Metatable == lua.LNil {
		return t
	}
	if real, ok := b.real[t]; ok {
		return real
	}
	return t
}

// writable raises an error if t is shared between scripts.
func (b *sandbox) writable(t *lua.LTable) *lua.LTable {
	if _, shared := b.real[t]; shared {
		b.run.raise(b.state, errorTable(b.state, "ERR "+errReadonly), 1)
	}
	return t
}

// nest enters a library function that calls the interpreter again on the Go
// stack and counts on nothing else to bound that; the caller defers unnest.
func (b *sandbox) nest(l *lua.LState) {
	if b.run.nested >= maxNested {
		l.RaiseError("C stack overflow")
	}
	b.run.nested++
}

func (b *sandbox) unnest() { b.run.nested-- }

// function makes a main function. Its environment is set anew each time, since
// setfenv changes it.
func (b *sandbox) function(proto *lua.FunctionProto) *lua.LFunction {
	f := b.state.NewFunctionFromProto(proto)
	f.Env = b.env
	return f
}

// script makes the state ready for a script and returns its main function.
func (b *sandbox) script(r *run, proto *lua.FunctionProto, keys, argv [][]byte) *lua.LFunction {
	b.enter(r)
	b.globals.RawSetString("KEYS", stringTable(b.state, keys))
	b.globals.RawSetString("ARGV", stringTable(b.state, argv))
	return b.function(proto)
}

// enter makes the state ready for a run.
func (b *sandbox) enter(r *run) {
	l := b.state
	b.run = r
	b.json = defaultJSON
	l.Env = b.env
	l.G.CurrentThread = l
	b.hook.run, b.step.run = r, r
	l.SetContext(b.context())
}

// context is what counts the instructions of the run.
func (b *sandbox) context() context.Context {
	if b.run != nil && b.run.debug != nil {
		return &b.step
	}
	return &b.hook
}

// leave lets go of the script.
func (b *sandbox) leave() {
	b.hook.run, b.step.run = nil, nil
	b.run = nil
	b.state.SetTop(0)
}

func (b *sandbox) close() { b.state.Close() }

// set adds functions to a library, making it if it is not there.
func (b *sandbox) set(lib string, funcs map[string]lua.LGFunction) *lua.LTable {
	t, ok := b.globals.RawGetString(lib).(*lua.LTable)
	if !ok {
		t = b.state.CreateTable(0, len(funcs))
		b.globals.RawSetString(lib, t)
	}
	for name, f := range funcs {
		t.RawSetString(name, b.state.NewFunction(f))
	}
	return t
}

func stringTable(l *lua.LState, words [][]byte) *lua.LTable {
	t := l.CreateTable(len(words), 0)
	for _, w := range words {
		t.Append(lua.LString(w))
	}
	return t
}

func errorTable(l *lua.LState, text string) *lua.LTable {
	t := l.CreateTable(0, 1)
	t.RawSetString("err", lua.LString(text))
	return t
}
