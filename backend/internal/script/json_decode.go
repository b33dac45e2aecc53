package script

import (
	lua "github.com/yuin/gopher-lua"
)

// jsonDecoder is cjson.decode.
type jsonDecoder struct {
	l     *lua.LState
	c     *jsonConfig
	null  lua.LValue
	lex   jsonLexer
	depth int
}

func jsonDecode(l *lua.LState, c *jsonConfig, null lua.LValue) int {
	if l.GetTop() != 1 {
		l.ArgError(1, "expected 1 argument")
	}
	in := text(l, 1)
	if len(in) >= 2 && (in[0] == 0 || in[1] == 0) {
		l.RaiseError("JSON parser does not support UTF-16 or UTF-32")
	}
	d := jsonDecoder{l: l, c: c, null: null, lex: jsonLexer{in: in, loose: c.decodeInvalid}}
	v := d.value(d.lex.next())
	if t := d.lex.next(); t.kind != jsonEnd {
		d.fail("the end", t)
	}
	l.Push(v)
	return 1
}

func (d *jsonDecoder) fail(want string, t jsonToken) {
	found := t.text
	if t.kind != jsonBad {
		found = t.kind.name()
	}
	d.l.RaiseError("Expected %s but found %s at character %d", want, found, t.at+1)
}

func (d *jsonDecoder) value(t jsonToken) lua.LValue {
	switch t.kind {
	case jsonString:
		return lua.LString(t.text)
	case jsonNumber:
		return lua.LNumber(t.number)
	case jsonTrue:
		return lua.LTrue
	case jsonFalse:
		return lua.LFalse
	case jsonNil:
		return d.null
	case '{':
		return d.object()
	case '[':
		return d.array()
	}
	d.fail("value", t)
	return nil
}

func (d *jsonDecoder) descend() {
	if d.depth++; d.depth > min(d.c.decodeDepth, maxJSONDepth) {
		d.l.RaiseError("Found too many nested data structures (%d) at character %d", d.depth, d.lex.pos)
	}
}

func (d *jsonDecoder) object() lua.LValue {
	d.descend()
	defer func() { d.depth-- }()
	object := d.l.CreateTable(0, 4)
	t := d.lex.next()
	if t.kind == '}' {
		return object
	}
	for {
		if t.kind != jsonString {
			d.fail("object key string", t)
		}
		key := t.text
		if t = d.lex.next(); t.kind != ':' {
			d.fail("colon", t)
		}
		object.RawSetString(key, d.value(d.lex.next()))
		switch t = d.lex.next(); t.kind {
		case '}':
			return object
		case ',':
			t = d.lex.next()
		default:
			d.fail("comma or object end", t)
		}
	}
}

func (d *jsonDecoder) array() lua.LValue {
	d.descend()
	defer func() { d.depth-- }()
	array := d.l.CreateTable(4, 0)
	t := d.lex.next()
	if t.kind == ']' {
		return array
	}
	for i := 1; ; i++ {
		array.RawSetInt(i, d.value(t))
		switch t = d.lex.next(); t.kind {
		case ']':
			return array
		case ',':
			t = d.lex.next()
		default:
			d.fail("comma or array end", t)
		}
	}
}
