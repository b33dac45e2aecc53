package script

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// openTable replaces the functions that change their table without asking its
// metatable, and concat, which gopher-lua bounds by its value stack.
func (b *sandbox) openTable() {
	lib := b.globals.RawGetString("table").(*lua.LTable)
	guard := func(name string) {
		f := lib.RawGetString(name).(*lua.LFunction).GFunction
		lib.RawSetString(name, b.state.NewFunction(func(l *lua.LState) int {
			b.writable(l.CheckTable(1))
			return f(l)
		}))
	}
	guard("insert")
	insert := goFunction(lib, "insert")
	lib.RawSetString("insert", b.state.NewFunction(func(l *lua.LState) int {
		if n := l.GetTop(); n != 2 && n != 3 {
			l.CheckTable(1)
			l.RaiseError("wrong number of arguments to 'insert'")
		}
		return insert(l)
	}))
	guard("sort")
	b.set("table", map[string]lua.LGFunction{
		"concat":   tableConcat,
		"remove":   b.tableRemove,
		"foreach":  b.tableForeach,
		"foreachi": tableForeachi,
		"setn":     func(l *lua.LState) int { l.RaiseError("'setn' is obsolete"); return 0 },
	})
}

func tableConcat(l *lua.LState) int {
	t := l.CheckTable(1)
	sep := ""
	if l.Get(2) != lua.LNil {
		sep = text(l, 2)
	}
	from, to := l.OptInt(3, 1), l.OptInt(4, t.Len())
	var out strings.Builder
	for i := from; i <= to; i++ {
		v := t.RawGetInt(i)
		switch v := v.(type) {
		case lua.LString:
			out.WriteString(string(v))
		case lua.LNumber:
			var digits [32]byte
			out.Write(appendG(digits[:0], float64(v), 14))
		default:
			l.RaiseError("invalid value (%s) at index %d in table for 'concat'", v.Type(), i)
		}
		if i < to {
			out.WriteString(sep)
		}
	}
	l.Push(lua.LString(out.String()))
	return 1
}

// tableRemove differs from gopher-lua's where the position lies outside the
// table: then nothing is removed.
func (b *sandbox) tableRemove(l *lua.LState) int {
	t := b.writable(l.CheckTable(1))
	size := t.Len()
	pos := l.OptInt(2, size)
	if pos < 1 || pos > size {
		return 0
	}
	l.Push(t.Remove(pos))
	return 1
}

func (b *sandbox) tableForeach(l *lua.LState) int {
	t := b.readable(l.CheckTable(1))
	f := l.CheckFunction(2)
	for key, value := t.Next(lua.LNil); key != lua.LNil; key, value = t.Next(key) {
		if visit(l, f, key, value) {
			return 1
		}
	}
	return 0
}

func tableForeachi(l *lua.LState) int {
	t := l.CheckTable(1)
	f := l.CheckFunction(2)
	for i := 1; i <= t.Len(); i++ {
		if visit(l, f, lua.LNumber(i), t.RawGetInt(i)) {
			return 1
		}
	}
	return 0
}

// visit calls f and tells whether it returned a value, which is then on the
// stack.
func visit(l *lua.LState, f *lua.LFunction, key, value lua.LValue) bool {
	l.Push(f)
	l.Push(key)
	l.Push(value)
	l.Call(2, 1)
	if l.Get(-1) != lua.LNil {
		return true
	}
	l.Pop(1)
	return false
}
