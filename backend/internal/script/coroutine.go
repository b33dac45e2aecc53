package script

import lua "github.com/yuin/gopher-lua"

// openCoroutine gives every coroutine the hook. gopher-lua would derive a
// context of its own, which a kill does not reach.
func (b *sandbox) openCoroutine() {
	lib := b.globals.RawGetString("coroutine").(*lua.LTable)
	hooked := func(name string, thread func(lua.LValue) *lua.LState) {
		f := lib.RawGetString(name).(*lua.LFunction).GFunction
		lib.RawSetString(name, b.state.NewFunction(func(l *lua.LState) int {
			n := f(l)
			thread(l.Get(-1)).SetContext(&b.hook)
			return n
		}))
	}
	hooked("create", func(v lua.LValue) *lua.LState { return v.(*lua.LState) })
	hooked("wrap", func(v lua.LValue) *lua.LState {
		return v.(*lua.LFunction).Upvalues[0].Value().(*lua.LState)
	})
}
