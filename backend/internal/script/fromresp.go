package script

import (
	"bytes"
	"math"
	"strconv"

	lua "github.com/yuin/gopher-lua"
)

// parser turns a reply of the node into a Lua value (script_lua.c,
// redisProtocolToLuaType). The reply is our own, so it is well-formed.
type parser struct {
	l  *lua.LState
	in []byte
}

func (p *parser) value() lua.LValue {
	line := p.line()
	if len(line) == 0 {
		return lua.LFalse
	}
	body := line[1:]
	switch line[0] {
	case '+':
		return p.single("ok", lua.LString(body))
	case '-':
		return p.failure(body)
	case ':':
		n, _ := strconv.ParseInt(string(body), 10, 64)
		return lua.LNumber(n)
	case '$', '!':
		s, ok := p.bulk(body)
		if !ok {
			return lua.LFalse
		}
		return s
	case '*', '>':
		return p.array(body)
	}
	return p.value3(line[0], body)
}

// value3 takes the types that only RESP3 has.
func (p *parser) value3(kind byte, body []byte) lua.LValue {
	switch kind {
	case '_':
		return lua.LNil
	case '#':
		return lua.LBool(string(body) == "t")
	case ',':
		return p.single("double", lua.LNumber(parseDouble(string(body))))
	case '(':
		return p.single("big_number", lua.LString(body))
	case '=':
		return p.verbatim(body)
	case '%':
		return p.dict(body)
	case '~':
		return p.set(body)
	case '|':
		for range 2 * count(body) {
			p.value()
		}
		return p.value()
	}
	return lua.LFalse
}

func (p *parser) line() []byte {
	end := bytes.IndexByte(p.in, '\r')
	if end < 0 {
		p.in = nil
		return nil
	}
	line := p.in[:end]
	p.in = p.in[end+2:]
	return line
}

func (p *parser) bulk(size []byte) (lua.LString, bool) {
	n, _ := strconv.Atoi(string(size))
	if n < 0 {
		return "", false
	}
	s := lua.LString(p.in[:n])
	p.in = p.in[n+2:]
	return s, true
}

func (p *parser) array(size []byte) lua.LValue {
	n, _ := strconv.Atoi(string(size))
	if n < 0 {
		return lua.LFalse
	}
	t := p.l.CreateTable(n, 0)
	for i := 1; i <= n; i++ {
		// A nil leaves a hole, as it does in Redis.
		t.RawSetInt(i, p.value())
	}
	return t
}

func (p *parser) dict(size []byte) lua.LValue {
	n := count(size)
	t := p.l.CreateTable(0, n)
	for range n {
		key := p.value()
		value := p.value()
		if key != lua.LNil {
			t.RawSet(key, value)
		}
	}
	return p.single("map", t)
}

func (p *parser) set(size []byte) lua.LValue {
	n := count(size)
	t := p.l.CreateTable(0, n)
	for range n {
		if key := p.value(); key != lua.LNil {
			t.RawSet(key, lua.LTrue)
		}
	}
	return p.single("set", t)
}

func (p *parser) verbatim(size []byte) lua.LValue {
	s, _ := p.bulk(size)
	t := p.l.CreateTable(0, 2)
	if len(s) >= 4 {
		t.RawSetString("format", s[:3])
		t.RawSetString("string", s[4:])
	}
	return p.single("verbatim_string", t)
}

// failure is the table of an error. A text without a blank has no code, so it
// gets one (script_lua.c, luaPushErrorBuff).
func (p *parser) failure(text []byte) lua.LValue {
	if bytes.IndexByte(text, ' ') < 0 {
		return errorTable(p.l, "ERR "+string(text))
	}
	return errorTable(p.l, string(text))
}

func (p *parser) single(name string, v lua.LValue) lua.LValue {
	t := p.l.CreateTable(0, 1)
	t.RawSetString(name, v)
	return t
}

func count(size []byte) int {
	n, _ := strconv.Atoi(string(size))
	return max(0, n)
}

func parseDouble(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}
