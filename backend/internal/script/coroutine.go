package script

import lua "github.com/yuin/gopher-lua"

// openCoroutine gives every coroutine the hook (gopher-lua would derive a
// context of its own, which a kill does not reach) and bounds how deeply
// coroutines resume each other: every one has a call stack of its own, but they
// share Go's.
func (b *sandbox) openCoroutine() {
	lib := b.globals.RawGetString("coroutine").(*lua.LTable)
	create := goFunction(lib, "create")
	wrap := goFunction(lib, "wrap")
	b.set("coroutine", map[string]lua.LGFunction{
		"create": func(l *lua.LState) int {
			n := create(l)
			l.Get(-1).(*lua.LState).SetContext(b.context())
			return n
		},
		"wrap": func(l *lua.LState) int {
			n := wrap(l)
			f := l.Get(-1).(*lua.LFunction)
			f.Upvalues[0].Value().(*lua.LState).SetContext(b.context())
			f.GFunction = b.nesting(f.GFunction)
			return n
		},
		"resume": b.nesting(goFunction(lib, "resume")),
	})
}

func (b *sandbox) nesting(f lua.LGFunction) lua.LGFunction {
	return func(l *lua.LState) int {
		b.nest(l)
		defer b.unnest()
		return f(l)
	}
}

func goFunction(lib *lua.LTable, name string) lua.LGFunction {
	return lib.RawGetString(name).(*lua.LFunction).GFunction
}
