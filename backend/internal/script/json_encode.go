package script

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// jsonEncoder is cjson.encode.
type jsonEncoder struct {
	l   *lua.LState
	c   *jsonConfig
	out []byte
}

func jsonEncode(l *lua.LState, c *jsonConfig) int {
	if l.GetTop() != 1 {
		l.ArgError(1, "expected 1 argument")
	}
	e := jsonEncoder{l: l, c: c}
	e.value(l.Get(1), 0)
	l.Push(lua.LString(e.out))
	return 1
}

func (e *jsonEncoder) value(v lua.LValue, depth int) {
	switch v := v.(type) {
	case lua.LString:
		e.string(string(v))
	case lua.LNumber:
		e.number(v)
	case lua.LBool:
		e.out = append(e.out, v.String()...)
	case *lua.LTable:
		e.table(v, depth+1)
	case *lua.LNilType:
		e.out = append(e.out, "null"...)
	case *lua.LUserData:
		if v.Value != jsonNull {
			e.refuse(v, "type not supported")
		}
		e.out = append(e.out, "null"...)
	default:
		e.refuse(v, "type not supported")
	}
}

func (e *jsonEncoder) refuse(v lua.LValue, why string) {
	e.l.RaiseError("Cannot serialise %s: %s", v.Type(), why)
}

func (e *jsonEncoder) number(v lua.LNumber) {
	f := float64(v)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		switch {
		case e.c.encodeInvalid == invalidRefused:
			e.refuse(v, "must not be NaN or Inf")
		case e.c.encodeInvalid == invalidNull:
			e.out = append(e.out, "null"...)
			return
		case math.IsNaN(f):
			e.out = append(e.out, "nan"...)
			return
		}
	}
	e.out = appendG(e.out, f, e.c.precision)
}

func (e *jsonEncoder) table(t *lua.LTable, depth int) {
	if depth > min(e.c.encodeDepth, maxJSONDepth) {
		e.l.RaiseError("Cannot serialise, excessive nesting (%d)", depth)
	}
	if n := e.arrayLength(t); n > 0 {
		e.array(t, n, depth)
		return
	}
	e.object(t, depth)
}

// arrayLength returns the length of a table that is an array, 0 for any other
// and for an empty one.
func (e *jsonEncoder) arrayLength(t *lua.LTable) int {
	most, items := 0.0, 0
	for key, _ := t.Next(lua.LNil); key != lua.LNil; key, _ = t.Next(key) {
		k, ok := key.(lua.LNumber)
		if !ok || k < 1 || float64(k) != math.Floor(float64(k)) {
			return 0
		}
		most = max(most, float64(k))
		items++
	}
	if ratio := e.c.sparseRatio; ratio > 0 && most > float64(items*ratio) && most > float64(e.c.sparseSafe) {
		if !e.c.sparseConvert {
			e.refuse(t, "excessively sparse array")
		}
		return 0
	}
	return int(most)
}

func (e *jsonEncoder) array(t *lua.LTable, n, depth int) {
	e.out = append(e.out, '[')
	for i := 1; i <= n; i++ {
		if i > 1 {
			e.out = append(e.out, ',')
		}
		e.value(at(t, i), depth)
	}
	e.out = append(e.out, ']')
}

func (e *jsonEncoder) object(t *lua.LTable, depth int) {
	e.out = append(e.out, '{')
	first := true
	for key, v := t.Next(lua.LNil); key != lua.LNil; key, v = t.Next(key) {
		if !first {
			e.out = append(e.out, ',')
		}
		first = false
		switch key := key.(type) {
		case lua.LNumber:
			e.out = append(e.out, '"')
			e.number(key)
			e.out = append(e.out, '"')
		case lua.LString:
			e.string(string(key))
		default:
			e.refuse(key, "table key must be a number or string")
		}
		e.out = append(e.out, ':')
		e.value(v, depth)
	}
	e.out = append(e.out, '}')
}

// string escapes control characters, quotes, both slashes and DEL; everything
// else passes as it is, UTF-8 or not.
func (e *jsonEncoder) string(s string) {
	const digits = "0123456789abcdef"
	e.out = append(e.out, '"')
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '"', c == '\\', c == '/':
			e.out = append(e.out, '\\', c)
		case c == '\b':
			e.out = append(e.out, `\b`...)
		case c == '\t':
			e.out = append(e.out, `\t`...)
		case c == '\n':
			e.out = append(e.out, `\n`...)
		case c == '\f':
			e.out = append(e.out, `\f`...)
		case c == '\r':
			e.out = append(e.out, `\r`...)
		case c < ' ', c == 0x7f:
			e.out = append(e.out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			e.out = append(e.out, c)
		}
	}
	e.out = append(e.out, '"')
}
