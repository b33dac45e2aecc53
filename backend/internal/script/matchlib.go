package script

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// openMatching replaces the functions of string that take a pattern.
func (b *sandbox) openMatching() {
	b.set("string", map[string]lua.LGFunction{
		"find":   func(l *lua.LState) int { return b.find(l, true) },
		"match":  func(l *lua.LState) int { return b.find(l, false) },
		"gmatch": b.gmatch,
		"gfind":  b.gmatch,
		"gsub":   b.gsub,
	})
}

// matching makes a matcher for the running script, and the index behind the anchor of a
// pattern that has one.
func (b *sandbox) matching(l *lua.LState, src, pat string) (m *matcher, p int) {
	m = &matcher{src: src, pat: pat, tick: func() {
		b.run.charge(patternTick)
		if b.run.engine.status.killed() {
			l.RaiseError(killedText)
		}
	}}
	if strings.HasPrefix(pat, "^") {
		return m, 1
	}
	return m, 0
}

// faults raises a fault of a pattern as a Lua error; it is deferred.
func faults(l *lua.LState) {
	switch p := recover().(type) {
	case nil:
	case patternError:
		l.RaiseError("%s", string(p))
	default:
		panic(p)
	}
}

// start reads an index into a string of n bytes: from 1, or from the end if negative.
func start(l *lua.LState, arg, n int) int {
	i := l.OptInt(arg, 1)
	if i < 0 {
		i += n + 1
	}
	return min(max(i-1, 0), n)
}

func (b *sandbox) find(l *lua.LState, positions bool) int {
	defer faults(l)
	src, pat := text(l, 1), text(l, 2)
	s := start(l, 3, len(src))
	if positions && (lua.LVAsBool(l.Get(4)) || !strings.ContainsAny(pat, "^$*+?.([%-")) {
		at := strings.Index(src[s:], pat)
		if at < 0 {
			l.Push(lua.LNil)
			return 1
		}
		l.Push(lua.LNumber(s + at + 1))
		l.Push(lua.LNumber(s + at + len(pat)))
		return 2
	}
	m, p := b.matching(l, src, pat)
	for ; s <= len(src); s++ {
		if e := m.at(s, p); e >= 0 {
			if !positions {
				return m.push(l, s, e, true)
			}
			l.Push(lua.LNumber(s + 1))
			l.Push(lua.LNumber(e))
			return 2 + m.push(l, s, e, false)
		}
		if p == 1 {
			break
		}
	}
	l.Push(lua.LNil)
	return 1
}

// push pushes all captures; if there is none and whole is set, the whole match.
func (m *matcher) push(l *lua.LState, s, e int, whole bool) int {
	if m.level == 0 && whole {
		l.Push(lua.LString(m.src[s:e]))
		return 1
	}
	for i := range m.level {
		l.Push(m.captured(i, s, e))
	}
	return m.level
}

// captured is capture i of a match from s to e; the first stands for the whole match
// when there is none.
func (m *matcher) captured(i, s, e int) lua.LValue {
	if i >= m.level {
		if i > 0 {
			panic(patternError("invalid capture index"))
		}
		return lua.LString(m.src[s:e])
	}
	switch c := m.captures[i]; c.size {
	case captureOpen:
		panic(patternError("unfinished capture"))
	case capturePosition:
		return lua.LNumber(c.from + 1)
	default:
		return lua.LString(m.src[c.from : c.from+c.size])
	}
}

func (b *sandbox) gmatch(l *lua.LState) int {
	src, pat := text(l, 1), text(l, 2)
	s := 0
	l.Push(l.NewFunction(func(l *lua.LState) int {
		defer faults(l)
		m, _ := b.matching(l, src, pat)
		for ; s <= len(src); s++ {
			if e := m.at(s, 0); e >= 0 {
				from := s
				if s = e; e == from {
					s++ // an empty match must not come again
				}
				return m.push(l, from, e, true)
			}
		}
		return 0
	}))
	return 1
}

func (b *sandbox) gsub(l *lua.LState) int {
	defer faults(l)
	src, pat := text(l, 1), text(l, 2)
	l.CheckTypes(3, lua.LTNumber, lua.LTString, lua.LTTable, lua.LTFunction)
	most := l.OptInt(4, len(src)+1)
	m, p := b.matching(l, src, pat)
	var out []byte
	s, n := 0, 0
	for n < most {
		e := m.at(s, p)
		if e >= 0 {
			n++
			out = b.replace(l, m, out, s, e)
		}
		if e > s {
			s = e
		} else if s < len(src) {
			out = append(out, src[s])
			s++
		} else {
			break
		}
		if p == 1 {
			break
		}
	}
	l.Push(lua.LString(append(out, src[min(s, len(src)):]...)))
	l.Push(lua.LNumber(n))
	return 2
}

// replace appends what argument 3 of gsub makes of a match.
func (b *sandbox) replace(l *lua.LState, m *matcher, out []byte, s, e int) []byte {
	var v lua.LValue
	switch by := l.Get(3).(type) {
	case *lua.LTable:
		v = l.GetTable(by, m.captured(0, s, e))
	case *lua.LFunction:
		l.Push(by)
		l.Call(m.push(l, s, e, true), 1)
		v = l.Get(-1)
		l.Pop(1)
	default:
		return m.expand(out, text(l, 3), s, e)
	}
	switch v := v.(type) {
	case lua.LString:
		return append(out, v...)
	case lua.LNumber:
		return appendG(out, float64(v), 14)
	}
	if lua.LVAsBool(v) {
		l.RaiseError("invalid replacement value (a %s)", v.Type())
	}
	return append(out, m.src[s:e]...)
}

// expand appends a replacement text, in which %0 is the match and %1 a capture.
func (m *matcher) expand(out []byte, by string, s, e int) []byte {
	for i := 0; i < len(by); i++ {
		switch {
		case by[i] != '%' || i+1 == len(by):
			out = append(out, by[i])
		case by[i+1] == '0':
			i++
			out = append(out, m.src[s:e]...)
		case isDigit(by[i+1]):
			i++
			switch v := m.captured(int(by[i]-'1'), s, e).(type) {
			case lua.LString:
				out = append(out, v...)
			case lua.LNumber:
				out = appendG(out, float64(v), 14)
			}
		default:
			i++
			out = append(out, by[i])
		}
	}
	return out
}
