package script

import lua "github.com/yuin/gopher-lua"

// openCalls has a call, the length or the negative of what has none reported in
// PUC Lua's words, with the name that the script has for what it calls: the
// interpreter knows neither the name nor the type. It asks the metatable of the
// value first, so every type that has none of its own gets one.
func (b *sandbox) openCalls() {
	l := b.state
	meta := l.NewTable()
	meta.RawSetString("__call", l.NewFunction(badCall))
	meta.RawSetString("__len", l.NewFunction(func(l *lua.LState) int {
		l.RaiseError("attempt to get length of a %s value", l.Get(1).Type())
		return 0
	}))
	meta.RawSetString("__unm", l.NewFunction(func(l *lua.LState) int {
		l.RaiseError("attempt to perform arithmetic on a %s value", l.Get(1).Type())
		return 0
	}))
	for _, v := range []lua.LValue{lua.LNil, lua.LTrue, lua.LNumber(0), l.NewFunction(badCall)} {
		l.SetMetatable(v, meta)
	}
}

func badCall(l *lua.LState) int {
	what := "a " + l.Get(1).Type().String() + " value"
	if name := calledName(l); name != "" {
		what = name + " (" + what + ")"
	}
	l.RaiseError("attempt to call %s", what)
	return 0
}

// calledName is how the caller's code names what it calls: "global 'f'". Empty
// when it has no name.
func calledName(l *lua.LState) string {
	callee, ok1 := l.GetStack(0)
	caller, ok2 := l.GetStack(1)
	if !ok1 || !ok2 {
		return ""
	}
	if _, err := l.GetInfo("n", callee, lua.LNil); err != nil {
		return ""
	}
	v, err := l.GetInfo("fl", caller, lua.LNil)
	f, ok := v.(*lua.LFunction)
	if err != nil || !ok || f.IsG {
		return ""
	}
	for _, call := range f.Proto.DbgCalls {
		if call.Name == callee.Name && call.Pc < len(f.Proto.Code) && f.Proto.DbgSourcePositions[call.Pc] == caller.CurrentLine {
			if kind := nameKind(f.Proto.Code, call.Pc); kind != "" {
				return kind + " '" + callee.Name + "'"
			}
			return ""
		}
	}
	return ""
}

// nameKind tells where the function that the instruction at pc calls was taken
// from: by the last instruction before it that set its register.
func nameKind(code []uint32, pc int) string {
	operation := func(i int) int { return int(code[i] >> 26) }
	register := func(i int) uint32 { return code[i] >> 18 & 0xff }
	for i := pc - 1; i >= 0; i-- {
		if register(i) != register(pc) {
			continue
		}
		switch operation(i) {
		case lua.OP_GETGLOBAL:
			return "global"
		case lua.OP_GETTABLE, lua.OP_GETTABLEKS:
			return "field"
		case lua.OP_SELF:
			return "method"
		case lua.OP_GETUPVAL:
			return "upvalue"
		case lua.OP_MOVE, lua.OP_MOVEN:
			return "local"
		}
		return ""
	}
	return ""
}
