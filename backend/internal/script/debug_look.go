package script

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// locals calls visit for each local variable of a call until it says no. Of the call
// under way those are there that the instruction about to be run finds.
func (a *asked) locals(level int, visit func(name string, v lua.LValue) (more bool)) (ok bool) {
	call, ok := a.lua.GetStack(level)
	if !ok {
		return false
	}
	_, pc, fn := topFrame(a.lua)
	for i := 1; ; i++ {
		name, v := a.lua.GetLocal(call, i)
		if level == 0 && fn != nil {
			name = localName(fn.Proto, pc, i)
		}
		if name == "" || !visit(name, v) {
			return true
		}
	}
}

// localName is the name of the local variable that is number n at an instruction.
func localName(p *lua.FunctionProto, pc, n int) string {
	for _, v := range p.DbgLocals {
		if v.StartPc <= pc && pc < v.EndPc {
			if n--; n == 0 {
				return v.Name
			}
		}
	}
	return ""
}

// print shows the variable of that name that is the nearest.
func (a *asked) print(name string) {
	found := false
	look := func(local string, v lua.LValue) (more bool) {
		if found = local == name; found {
			a.sayValue(appendValue([]byte("<value> "), v))
		}
		return !found
	}
	for level := 0; level <= maxCalls && a.locals(level, look) && !found; level++ {
	}
	if found {
		return
	}
	if name != "KEYS" && name != "ARGV" {
		a.say("No such variable.")
		return
	}
	a.sayValue(appendValue([]byte("<value> "), a.run.box.globals.RawGetString(name)))
}

// printAll shows the local variables of the call that is under way.
func (a *asked) printAll() {
	shown := 0
	a.locals(0, func(name string, v lua.LValue) bool {
		a.sayValue(appendValue([]byte("<value> "+name+" = "), v))
		shown++
		return true
	})
	if shown == 0 {
		a.say("No local variables in the current context.")
	}
}

// trace shows the calls of the script that are under way.
func (a *asked) trace() {
	for level := 0; level <= maxCalls; level++ {
		call, ok := a.lua.GetStack(level)
		if !ok {
			return
		}
		if _, err := a.lua.GetInfo("Snl", call, lua.LNil); err != nil || call.Source != scriptChunk {
			continue
		}
		from, name := "From ", call.Name
		if level == 0 {
			from = "In "
		}
		if call.What == "main" || name == "" || strings.HasPrefix(name, "<") {
			name = "top level"
		}
		a.say(from + name + ":")
		a.sayLine(call.CurrentLine)
	}
}

// eval runs Lua code, as an expression if it is one.
func (a *asked) eval(code string) {
	const name = "ldb_eval"
	proto, err := compile([]byte("return "+code), name)
	if err != nil {
		proto, err = compile([]byte(code), name)
	}
	if err != nil {
		a.say("<error> " + err.Error())
		return
	}
	top := a.lua.GetTop()
	defer a.lua.SetTop(top)
	a.lua.Push(a.run.box.function(proto))
	a.run.nested++ // it runs on the Go stack
	defer func() { a.run.nested-- }()
	if err := a.lua.PCall(0, 1, nil); err != nil {
		a.sayValue(append([]byte("<error> "), caughtValue(err).String()...))
		return
	}
	a.sayValue(appendValue([]byte("<retval> "), a.lua.Get(-1)))
}

// redis runs a command as the script would.
func (a *asked) redis(args []string) {
	r := a.run
	r.args = r.args[:0]
	for _, w := range args {
		r.args = append(r.args, []byte(w))
	}
	a.steps = true // shows it
	r.command(a.lua)
	a.steps = false
}
